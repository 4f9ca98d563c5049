"""Deaths inside one process: from one moment on nothing that a process does reaches the disk or the server."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import io
import threading
from typing import TYPE_CHECKING, Any

import httpx
from waiting import until

from gridgen._loop import engine, wait
from gridgen.errors import JournalError
from gridgen.journal import Journal
from gridgen.journal.writer import Writer
from gridgen.sweep import execution
from gridgen.sweep.journals import opened

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pytest

__all__ = ["MOMENTS", "Life", "living", "standing"]

MOMENTS = ("a request leaves", "an answer arrives", "a commit begins", "a commit is through")
"""When a death can strike."""

_lives: list[Life] = []


def standing() -> str:
    """Return where each task of the engine stands."""
    told = io.StringIO()
    for task in asyncio.all_tasks(engine().loop):
        task.print_stack(file=told)
    return told.getvalue()


class Life:
    """One process's time: what it sends and writes counts until it dies.

    Attributes
    ----------
    posts : int
        Submissions that have left.
    """

    def __init__(self) -> None:
        self.alive, self.buried = True, False
        self._moment: str | None = None
        self._left = 0
        self._lock = threading.Lock()
        self.opening = 0
        self.over = False
        self.clock: Any = None
        self.journals: list[Journal] = []
        self.posts = 0
        self._act: tuple[str, Callable[[], None]] | None = None
        self._until = 0
        _lives.append(self)

    def doom(self, moment: str, nth: int) -> None:
        """Let it die at the nth time of a moment."""
        with self._lock:
            self._moment, self._left = moment, nth

    def when(self, moment: str, nth: int, act: Callable[[], None]) -> None:
        """Call something once, on the thread that comes to the nth time of a moment; 0 times is never."""
        with self._lock:
            self._act, self._until = (moment, act) if nth else None, nth

    def _acts(self, moment: str) -> None:
        with self._lock:
            if self._act is None or self._act[0] != moment:
                return
            self._until -= 1
            if self._until:
                return
            (_, act), self._act = self._act, None
            act()

    def passes(self, moment: str) -> bool:
        """Note a moment; say whether the process is alive after it."""
        self._acts(moment)
        with self._lock:
            dies = False
            if self.alive and moment == self._moment:
                self._left -= 1
                dies = self._left == 0
            self.alive = self.alive and not dies
        if dies:
            engine().loop.call_soon_threadsafe(self._end)
        return self.alive

    def bury(self) -> None:
        """Wait until what is left of a dead process has come to rest."""
        self.alive = False
        with self._lock:
            self.over = True
        for _ in range(3):
            # the news of a death may come late and end this wait as well
            try:
                wait(_at_rest(self), 20)
            except concurrent.futures.CancelledError:
                continue
            except TimeoutError:
                raise AssertionError(
                    f"these do not end: {standing()}, {self.opening} {self.journals}"
                ) from None
            break
        assert not self.journals, "a dead process still holds its journal"
        self.buried = True

    @contextlib.contextmanager
    def opens(self) -> Iterator[None]:
        """Open a journal in the block, which a process that is being buried does no more."""
        with self._lock:
            if self.over:
                message = "its process is dead"
                raise JournalError(message)
            self.opening += 1
        try:
            yield
        finally:
            self.opening -= 1

    def _end(self) -> None:
        if not self.buried:
            for task in asyncio.all_tasks(engine().loop):
                task.cancel()

    def transport(self, inner: httpx.AsyncBaseTransport) -> httpx.AsyncBaseTransport:
        """Return a transport over which the dead reach nobody."""
        return _Mortal(self, inner)


class _Mortal(httpx.AsyncBaseTransport):
    def __init__(self, life: Life, inner: httpx.AsyncBaseTransport) -> None:
        self._life, self._inner = life, inner

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if not self._life.passes(MOMENTS[0]):
            message = "its process is dead"
            raise httpx.ConnectError(message)
        self._life.posts += request.method == "POST"
        response = await self._inner.handle_async_request(request)
        if not self._life.passes(MOMENTS[1]):
            message = "its process is dead"
            raise httpx.ReadError(message)
        return response


@contextlib.contextmanager
def living(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Tie every journal's writer to the life whose clock it is opened with, or else to the latest."""
    commit, open_, close = Writer._commit, Journal.__init__, Journal.close

    def opened(self: Journal, *args: Any) -> None:
        # a thread that comes late opens it for its own process, and not for the next one
        life = next((each for each in _lives if each.clock is args[1]), _lives[-1])
        with life.opens():
            open_(self, *args)
            self.writer.life = life
            life.journals.append(self)

    def closed(self: Journal) -> None:
        # its own sweep may be closing it just when it is buried
        with contextlib.suppress(ValueError):
            self.writer.life.journals.remove(self)
            close(self)

    def committed(self: Writer, writes: Any) -> None:
        if self.life.passes(MOMENTS[2]):
            commit(self, writes)
            self.life.passes(MOMENTS[3])

    with monkeypatch.context() as patched:
        patched.setattr(Journal, "__init__", opened)
        patched.setattr(Journal, "close", closed)
        patched.setattr(Writer, "_commit", committed)
        for name in ("write_table", "save_sequence", "save_sweep"):
            patched.setattr(execution, name, _of_the_living(getattr(execution, name)))
        yield
    _lives.clear()


async def _at_rest(life: Life) -> None:
    """Return once nothing else runs on the engine, and none of this life's journals is open."""
    me = asyncio.current_task()
    while others := [task for task in asyncio.all_tasks() if task is not me]:
        for task in others:
            task.cancel()
        await asyncio.wait(others, timeout=0.01)
    engine().shared(opened).clear()
    await engine().in_thread(_close_all, life)


def _close_all(life: Life) -> None:
    # one that was being opened when its opener died is still being opened
    until(lambda: not life.opening)
    for journal in list(life.journals):
        journal.close()


def _of_the_living(write: Callable[..., None]) -> Callable[..., None]:
    """Return a function that writes beside a journal as long as its process lives."""

    def written(*args: Any, **options: Any) -> None:
        if _lives[-1].alive:
            write(*args, **options)

    return written
