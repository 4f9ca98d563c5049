"""The journals that this process has open: one for each folder, shared by its sweeps."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gridgen._loop import engine
from gridgen.journal import Journal

if TYPE_CHECKING:
    from pathlib import Path

    from gridgen.clock import Clock

__all__ = ["attach", "detach"]


@dataclass(slots=True)
class _Opened:
    """A journal, and how many have it open."""

    journal: Journal
    users: int = 0


async def attach(folder: Path, clock: Clock) -> Journal:
    """Return the folder's journal, opened by the first sweep that asks; on the engine's loop.

    Raises
    ------
    JournalError
        If it cannot be opened.
    """
    journals = engine().shared(opened)
    async with engine().shared(_opening):
        key = str(folder.resolve())
        if key not in journals:
            journals[key] = _Opened(await engine().in_thread(Journal, folder, clock))
        journals[key].users += 1
        return journals[key].journal


async def detach(journal: Journal) -> None:
    """Close a journal when the last sweep that attached it is done with it."""
    journals = engine().shared(opened)
    async with engine().shared(_opening):
        key = str(journal.folder.resolve())
        journals[key].users -= 1
        if not journals[key].users:
            del journals[key]
            await engine().in_thread(journal.close)


def opened() -> dict[str, _Opened]:
    """Return an empty table of open journals, by their folders."""
    return {}


def _opening() -> asyncio.Lock:
    """Return what lets one journal at a time be opened or closed."""
    return asyncio.Lock()
