"""The engine's thread, waiting for it in a cell, and `allow_nested_loops`.

All sweeps of a process run on one asyncio loop in one background thread, so
they go on while other cells run, and a busy or interrupted cell harms nothing.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextvars
import functools
import importlib
import os
import sys
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from importlib import metadata
from typing import TYPE_CHECKING, Any, TypeVar

from gridgen.clock import Clock
from gridgen.errors import GridgenError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

__all__ = ["Engine", "Shared", "allow_nested_loops", "ended", "engine", "on_engine", "wait", "wait_async"]

T = TypeVar("T")

SLICE = 0.1
"""Longest uninterruptible wait in a cell, in seconds."""


class Shared:
    """What the users of one thing have in common there; each of these is made when it is first asked for."""

    def __init__(self) -> None:
        self._made: dict[Callable[[], Any], Any] = {}

    def __call__(self, make: Callable[[], T]) -> T:
        """Return what `make` returned when this was first called with it here."""
        if make not in self._made:
            self._made.setdefault(make, make())
        found: T = self._made[make]
        return found


class Engine:
    """One daemon thread with one event loop, and a small pool for work on files.

    Attributes
    ----------
    loop : asyncio.AbstractEventLoop
        The loop; other threads touch it only through `submit`.
    shared : Shared
        What the sweeps of this process share; used on the loop only.
    """

    def __init__(self) -> None:
        self.pid = os.getpid()
        self.loop = asyncio.new_event_loop()
        self.shared = Shared()
        workers = max(2, os.cpu_count() or 2)
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="gridgen-files")
        # ipykernel 7.0 looks its shell up through a context variable of the sending thread
        context = contextvars.copy_context()
        self.thread = threading.Thread(target=context.run, args=(self._run,), name="gridgen", daemon=True)
        self.thread.start()

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.run_forever()

    def submit(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        """Start a coroutine on the engine's loop, from any thread but its own."""
        return asyncio.run_coroutine_threadsafe(work, self.loop)

    async def in_thread(self, work: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        """Run a blocking function in the pool, from the engine's loop."""
        return await self.loop.run_in_executor(self._pool, functools.partial(work, *args, **kwargs))


_engines: list[Engine] = []
_starting = threading.Lock()


def engine() -> Engine:
    """Return the engine of this process, starting it on first use and anew after a fork.

    Raises
    ------
    GridgenError
        In pyodide, which has no threads.
    """
    if sys.platform == "emscripten":
        msg = (
            "pyodide has no threads, and what submits clips and asks for them is one: grids, prices and the rows of a "
            "folder can be had here, but a sweep runs with a Python on a machine. Nothing was sent."
        )
        raise GridgenError(msg)
    with _starting:
        if not _engines or _engines[-1].pid != os.getpid():
            _engines[:] = [Engine()]
        return _engines[-1]


def on_engine() -> bool:
    """Whether this is the engine's own thread, on which nobody may wait for it: a watcher's callback, say."""
    return bool(_engines) and threading.current_thread() is _engines[-1].thread


def wait(work: Coroutine[Any, Any, T], timeout: float | None = None) -> T:
    """Run a coroutine on the engine and wait in slices, so that the stop button works at once.

    Parameters
    ----------
    timeout : float, optional
        Seconds of real time to wait at most; the work goes on after it.

    Raises
    ------
    TimeoutError
        If the time is over.
    GridgenError
        If the engine itself calls, which would wait for itself for ever.
    """
    if on_engine():
        work.close()
        msg = (
            "this was called from a callback of watch(), on the thread that does the work, so it would wait for "
            "itself for ever; stop() may be called there. For anything else let the callback set a flag or a "
            "threading.Event, and call it elsewhere. Nothing has changed."
        )
        raise GridgenError(msg)
    try:
        future = engine().submit(work)
    except GridgenError:
        work.close()
        raise
    return wait_future(future, timeout)


def wait_future(future: Future[T], timeout: float | None = None, tick: Callable[[], None] | None = None) -> T:
    """Wait for work that was submitted to the engine, as `wait` does; ``tick`` is called meanwhile."""
    clock = Clock()
    end = None if timeout is None else clock.monotonic() + timeout
    while not future.done():
        left = SLICE if end is None else min(SLICE, end - clock.monotonic())
        if left <= 0:
            raise TimeoutError
        concurrent.futures.wait([future], timeout=left)
        if tick is not None:
            tick()
    return future.result()


async def wait_async(future: Future[T], tick: Callable[[], None] | None = None) -> T:
    """Await work of the engine from any other loop; ``tick`` is called meanwhile.

    The short timer keeps that loop awake: a kernel's interrupt is otherwise
    noticed only when the work ends.
    """
    wrapped = asyncio.wrap_future(future)
    while not wrapped.done():
        await asyncio.wait({wrapped}, timeout=SLICE)
        if tick is not None:
            tick()
    return wrapped.result()


async def ended(future: Future[Any]) -> None:
    """Wait on the engine's loop for the end of other work on it, whatever that is; who began it hears of it."""
    wrapped = asyncio.wrap_future(future)
    await asyncio.wait({wrapped})
    if not wrapped.cancelled():
        wrapped.exception()


def allow_nested_loops() -> None:
    """Make ``asyncio.run()`` in pasted code work in a notebook cell.

    gridgen does not need it. It patches asyncio for the whole process, with
    nest-asyncio2 1.7.3 or newer where that is installed, and with nest-asyncio
    1.6 only where that is safe: on ipykernel 7.1 and newer, and with older
    nest-asyncio2, cells that "Run All" has queued are silently never run
    (nest-asyncio2 pull request 4, 2026-09-22).

    Raises
    ------
    GridgenError
        If only a version that would lose cells is installed.
    """
    newer = _version("nest_asyncio2")
    if newer >= (1, 7, 3):
        importlib.import_module("nest_asyncio2").apply()
        return
    kernel = _version("ipykernel") if "ipykernel" in sys.modules else ()
    if kernel >= (7, 1):
        found = f"nest-asyncio2 {_dotted(newer)}" if newer else "nest-asyncio 1.6"
        msg = (
            f"{found} on ipykernel {_dotted(kernel)} would silently skip the cells that Run All has queued. "
            "Install nest-asyncio2>=1.7.3 (it comes with gridgen[lab]) and restart the kernel, "
            "or write `await main()` in place of `asyncio.run(main())`. Nothing was patched."
        )
        raise GridgenError(msg)
    importlib.import_module("nest_asyncio").apply()


def _version(package: str) -> tuple[int, ...]:
    try:
        text = metadata.version(package)
    except metadata.PackageNotFoundError:
        return ()
    return tuple(int(part) for part in text.split(".")[:3] if part.isdecimal())


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))
