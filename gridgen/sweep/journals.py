"""The journals that this process has open: one for each folder, shared by its sweeps."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from gridgen._loop import engine
from gridgen.journal import Journal

if TYPE_CHECKING:
    from pathlib import Path

    from gridgen.clock import Clock

__all__ = ["attach", "detach"]


async def attach(folder: Path, clock: Clock) -> Journal:
    """Return the folder's journal, opened by the first sweep that asks; on the engine's loop.

    Raises
    ------
    JournalError
        If it cannot be opened.
    """
    shared = engine().shared.setdefault("journals", {})
    async with engine().shared.setdefault("journals lock", asyncio.Lock()):
        key = str(folder.resolve())
        if key not in shared:
            shared[key] = [await engine().in_thread(Journal, folder, clock), 0]
        shared[key][1] += 1
        journal: Journal = shared[key][0]
        return journal


async def detach(journal: Journal) -> None:
    """Close a journal when the last sweep that attached it is done with it."""
    shared = engine().shared["journals"]
    async with engine().shared["journals lock"]:
        key = str(journal.folder.resolve())
        shared[key][1] -= 1
        if not shared[key][1]:
            del shared[key]
            await engine().in_thread(journal.close)
