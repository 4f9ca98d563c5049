"""Who draws the pictures of clips: the engine's threads, or an executor that the person gave.

Nothing else is ever handed to an executor. Those that retry would pay twice for a
submission, and the check that makes a paid clip safe waits for nobody's cluster.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
from concurrent.futures import BrokenExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gridgen import media
from gridgen._loop import engine
from gridgen.client.download import make_sure_of_room
from gridgen.errors import GridgenError

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Executor
    from pathlib import Path

__all__ = ["Workers"]

THREADS = 2
"""Clips that the engine's own threads draw at once."""

ELSEWHERE = 256
"""Clips that an executor has at once; how many workers it has, it does not tell."""

TRIES = 3
"""How often an executor is asked for one picture."""

MISSES = 3
"""Pictures in a row that workers could not read or write, from which on they are asked for none."""

_PART = re.compile(r"\.\d+-[0-9a-f]{16}\.part$")

_log = logging.getLogger("gridgen")


@dataclass(frozen=True, slots=True)
class _Lost:
    """Why an executor brought nothing, and whether it will never bring anything, or never this."""

    why: str
    over: bool = False
    deadly: bool = False


class Workers:
    """Draws pictures for a run; on the engine's loop only.

    Parameters
    ----------
    executor : Executor or None
        Who is asked first; it is never shut down here. What it loses it is asked for again,
        and what it cannot do at all the engine's own threads do.

    Attributes
    ----------
    trouble : str
        What went wrong with the executor, and what is done instead; empty for nothing.
    """

    def __init__(self, executor: Executor | None) -> None:
        self._executor = executor
        self._had_one = executor is not None
        self.trouble = ""
        self._brought = self._missed = 0
        self._handing, self._threads = asyncio.Lock(), asyncio.Semaphore(THREADS)

    @property
    def elsewhere(self) -> bool:
        """Whether an executor draws."""
        return self._executor is not None

    @property
    def most(self) -> int:
        """How many clips may be drawn at once."""
        return ELSEWHERE if self.elsewhere else THREADS

    async def clear(self, folder: Path) -> None:
        """Remove what workers that died left half written; one that lives and was given up is not waited for."""
        if self._had_one:
            await engine().in_thread(_clear, folder)

    async def draw(self, make: Callable[..., None], video: Path, target: Path) -> None:
        """Draw one picture.

        Parameters
        ----------
        make : callable
            A function of `media` that draws it.
        video, target : Path
            As of that function.

        Raises
        ------
        MediaError
            The video cannot be drawn.
        OSError
            This process cannot read or write there either.
        GridgenError
            Workers were lost over it too often.
        """
        if await self._is_drawn_elsewhere(make, video, target):
            return
        async with self._threads:
            found = await engine().in_thread(_drawn_here, make, video, target)
        if found is not None:
            raise found

    async def _is_drawn_elsewhere(self, make: Callable[..., None], video: Path, target: Path) -> bool:
        """Whether the executor, if there is one, has drawn a picture, asked again for what it lost."""
        tries, brought = 0, self._brought
        while self._executor is not None:
            found = await self._asked(self._executor, make, video, target)
            if not isinstance(found, _Lost):
                return self._has_brought(found, target.parent.parent)
            tries += 1
            _log.info("a worker was lost that drew %s: %s", target.name, found.why)
            if found.over or (tries == TRIES and brought == self._brought and not found.deadly):
                self._give_up(f"brings nothing any more ({found.why})")
            elif tries == TRIES:
                msg = f"{tries} times the worker was lost that drew it ({found.why}); run() tries again"
                raise GridgenError(msg)
        return False

    async def _asked(
        self, executor: Executor, make: Callable[..., None], video: Path, target: Path
    ) -> GridgenError | OSError | _Lost | None:
        """Have a picture drawn by the executor; return what is wrong with the file, the folder or the executor."""
        await engine().in_thread(_make_room, target)
        # one at a time: one whose submit() waits for a free worker keeps one thread of the engine, not all
        async with self._handing:
            try:
                future = await engine().in_thread(
                    executor.submit, media.draw, make, video, target, shared=True
                )
            except Exception as refused:  # noqa: BLE001 - each executor has its own ways to refuse
                return _Lost(_said(refused), over=True)
        drawn = asyncio.wrap_future(future)
        try:
            # of a future that was cancelled, to await it would look as if this task had been
            await asyncio.wait({drawn})
        finally:
            drawn.cancel()
        if drawn.cancelled():
            return _Lost("its future was cancelled")
        error = drawn.exception()
        if error is not None:
            # dask.distributed says so of a task that was on each of several workers as they died
            deadly = type(error).__name__ == "KilledWorker"
            return _Lost(_said(error), over=isinstance(error, BrokenExecutor), deadly=deadly)
        found: GridgenError | OSError | None = drawn.result()
        if found is None and not await engine().in_thread(media.is_whole, target):
            return FileNotFoundError(f"{target.name} is not there though a worker drew it")
        return found

    def _has_brought(self, found: GridgenError | OSError | None, folder: Path) -> bool:
        """Whether what a worker found settles the matter; what it could not read or write, this process may."""
        if not isinstance(found, OSError):
            self._brought, self._missed = self._brought + 1, 0
            if found is not None:
                raise found
            return True
        self._missed += 1
        if self._missed >= MISSES:
            self._give_up(f"has workers that do not get at {str(folder)!r} ({_said(found)})")
        elif not self.trouble:
            self._say(
                f"a worker did not get at {str(folder)!r} ({_said(found)}), so this process drew in its place. "
                "All workers have to see the folder under that path, and may write there"
            )
        return False

    def _give_up(self, why: str) -> None:
        if self._executor is not None:
            self._executor = None
            self._say(
                f"the executor of workers= {why}, so this process's own threads draw. "
                "What another one given as sweep.workers draws begins with the next run()"
            )

    def _say(self, trouble: str) -> None:
        self.trouble = trouble
        _log.warning("%s.", trouble)


def _said(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"[:200].rstrip(": .")


def _make_room(target: Path) -> None:
    target.parent.mkdir(mode=0o700, exist_ok=True)
    make_sure_of_room(target, 0)


def _drawn_here(make: Callable[..., None], video: Path, target: Path) -> GridgenError | OSError | None:
    _make_room(target)
    return media.draw(make, video, target)


def _clear(folder: Path) -> None:
    for drawn in (folder / "posters", folder / "previews"):
        with contextlib.suppress(OSError):
            for part in drawn.iterdir() if not drawn.is_symlink() else ():
                if _PART.search(part.name):
                    part.unlink(missing_ok=True)
