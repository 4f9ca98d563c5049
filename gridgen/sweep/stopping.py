"""A stop that a page asks for while a cell holds the kernel: an empty file in the sweep's folder.

A held kernel hears a page only after its cell, and reading ahead in its queue would lose
the cells that wait there. The Jupyter server is another process and writes a file at once.
"""

from __future__ import annotations

import asyncio
import os
import re
import secrets
import weakref
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from gridgen._loop import engine
from gridgen.clock import Clock

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection

__all__ = ["StopFile", "heed_stop_files"]

LOOK = 0.2
"""Seconds of real time between two looks for such files."""

_OURS = re.compile("stop-[0-9a-f]{32}[.]txt")


class StopFile:
    """The file by which the pages that show a sweep stop it.

    Parameters
    ----------
    folder : Path
        The sweep's.
    stop : callable
        Stops the sweep; awaited on the engine's loop.
    """

    def __init__(self, folder: Path, stop: Callable[[], Awaitable[None]]) -> None:
        self.folder = folder
        self._stop = stop
        self._name = _new_name()
        self._told = False
        self._spent: Path | None = None

    @property
    def name(self) -> str:
        """What it is called, unguessably; after a stop another one, so that no file and no click counts twice."""
        if not self._told:
            self._told = True
            engine().loop.call_soon_threadsafe(lambda: engine().shared(_told).add(self))
        return self._name

    async def heed(self) -> None:
        """Stop the sweep if the file is there, and remove it at the next look.

        The server that wrote it answers with what it reads back, so it is not taken
        from under its eyes.
        """
        await self.clear()
        path = self.folder / self._name
        if await asyncio.to_thread(path.exists):
            self._spent, self._name = path, _new_name()
            await self._stop()

    async def clear(self) -> None:
        """Remove the file that has stopped the sweep."""
        spent, self._spent = self._spent, None
        if spent is not None:
            # a server that runs as somebody else may have written it
            with suppress(OSError):
                await asyncio.to_thread(spent.unlink)


async def heed_stop_files(folder: Path, goes_on: Callable[[], bool]) -> None:
    """Heed the stop files of all sweeps of a folder that some page shows, while one of them goes on."""
    await asyncio.to_thread(_clear, folder, {each.name for each in engine().shared(_told)})
    while goes_on():
        for each in _told_of(folder):
            await each.heed()
        await Clock().sleep(LOOK)
    for each in _told_of(folder):
        await each.clear()


def _told_of(folder: Path) -> list[StopFile]:
    return [each for each in engine().shared(_told) if each.folder == folder]


def _told() -> weakref.WeakSet[StopFile]:
    """Return an empty set of the stop files whose names some page was told."""
    return weakref.WeakSet()


def _new_name() -> str:
    return f"stop-{secrets.token_hex(16)}.txt"


def _clear(folder: Path, living: Collection[str]) -> None:
    """Remove what pages left behind that asked a dead process."""
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if _OURS.fullmatch(entry.name) and entry.name not in living and not entry.stat().st_size:
                Path(entry).unlink()
