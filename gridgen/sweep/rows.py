"""The rows of a sweep: what the journal and the reviewers say of each place and take."""

from __future__ import annotations

import threading
import warnings
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

from gridgen._loop import engine
from gridgen.errors import JournalError
from gridgen.journal import Row, abandoned, read, row, spent
from gridgen.judgements import Consensus, Judgements
from gridgen.sweep.watching import Watchers

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from pathlib import Path

    from gridgen.grid import Cell
    from gridgen.journal import Journal, Record
    from gridgen.judgements import Slot
    from gridgen.sweep.agenda import Item
    from gridgen.sweep.plan import Plan

__all__ = ["Rows"]


class Rows:
    """One row for each place and take: heard from the journal while it is open here, else read from the disk.

    Parameters
    ----------
    plan : Plan

    Attributes
    ----------
    journal : Journal or None
        The folder's journal while this sweep has it open.
    judgements : Judgements
        What reviewers say, in the same folder.
    watchers : Watchers
        Who is told of changes.
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self.judgements = Judgements(plan.folder)
        self.journal: Journal | None = None
        self.watchers = Watchers(self.last, self._refresh)
        self._rows: list[Row] = []
        self._spent = Decimal(0)
        self._untold: list[tuple[Cell, int]] = []
        self._stamp: object = None
        self._reading = threading.Lock()

    def now(self) -> tuple[Row, ...]:
        """Return the rows as things stand, here and in other processes."""
        self._refresh()
        self._hear_judgements()
        return tuple(self._rows)

    def last(self) -> Sequence[Row]:
        """Return the rows as they were last heard of."""
        return self._rows

    def committed(self) -> Decimal:
        """Return the USD that these clips have cost or will, by the journal."""
        self._refresh()
        journal = self.journal
        if journal is None:
            return self._spent
        found = (journal.records.get(slot) for slot in self._plan.by_slot)
        return spent(record for record in found if record is not None)

    def untold(self) -> list[tuple[Cell, int]]:
        """Return the cells of submissions that left without a price and told no cost, each with how many it had."""
        self._refresh()
        return self._untold if self.journal is None else self._count_untold(self.journal.records)

    def _count_untold(self, records: Mapping[Slot, Record]) -> list[tuple[Cell, int]]:
        found = ((item.cell, records.get(slot)) for slot, item in self._plan.by_slot.items())
        counts = ((cell, each.untold_before + each.untold) for cell, each in found if each is not None)
        return [(cell, count) for cell, count in counts if count]

    def follow(self, journal: Journal) -> None:
        """Take in an open journal, and what is noted in it from now on; on the engine's loop."""
        self.journal = journal
        with self._reading:
            self._rows = self._by(journal.records)
        journal.watchers.append(self._hear)
        self.watchers.mark(range(len(self._rows)))

    def leave(self) -> None:
        """Read from the disk again, since the journal is closed; on the engine's loop."""
        if self.journal is not None:
            self.journal.watchers.remove(self._hear)
        self.journal = None
        self.forget()

    def forget(self) -> None:
        """Read the journal anew when the rows are asked for, whether it looks changed or not."""
        self._stamp = None

    def look_at(self, item: Item) -> None:
        """Show anew an item whose submission is held or released."""
        if self.journal is not None:
            self._show(item, self.journal.records.get(item.slot))

    def rejudge(self, slots: Collection[Slot]) -> None:
        """Show anew what is said of these clips; from any thread."""
        items = self._plan.by_slot
        found = [(items[slot].index, slot) for slot in slots if slot in items]
        if not found or not self._rows:
            return
        with self._reading:
            for index, slot in found:
                said = self.judgements.book.consensus(slot)
                self._rows[index] = _judged(self._rows[index], said or Consensus())
        if self.watchers:
            engine().loop.call_soon_threadsafe(self.watchers.mark, [index for index, _ in found])

    def _refresh(self) -> None:
        """Take in what the journal on the disk says, without its lock, if nobody here has it open."""
        if self.journal is not None:
            return
        with self._reading:
            stamp = _stamp(self._plan.folder)
            if stamp == self._stamp and self._rows:
                return
            records = read(self._plan.folder)
            if self.journal is None:
                self._rows = self._by(records)
                self._spent = spent(record for slot, record in records.items() if slot in self._plan.by_slot)
                self._untold = self._count_untold(records)
                self._stamp = stamp

    def _hear_judgements(self) -> None:
        """Take in what other processes have judged; a spoilt file of judgements stops nothing but judging."""
        try:
            touched = self.judgements.refresh()
        except JournalError as error:
            warnings.warn(str(error), stacklevel=4)
        else:
            self.rejudge(touched)

    def _hear(self, record: Record | None) -> None:
        item = None if record is None else self._plan.by_slot.get(record.slot)
        if item is not None:
            self._show(item, record)

    def _show(self, item: Item, record: Record | None) -> None:
        with self._reading:
            self._rows[item.index] = self._row(item, record)
        self.watchers.mark([item.index])

    def _by(self, records: Mapping[Slot, Record]) -> list[Row]:
        """Return a row for every place and take, also for those that are skipped."""
        places, takes = self._plan.grid.places, self._plan.takes
        found: list[Row | None] = [None] * (len(places) * takes)
        for item in self._plan.items:
            found[item.index] = self._row(item, records.get(item.slot))
        for at, each in enumerate(found):
            if each is None:
                place, take = divmod(at, takes)
                found[at] = Row(at, places.cell(place), take + 1, "skipped", error=places.reason(place))
        return [each for each in found if each is not None]

    def _row(self, item: Item, record: Record | None) -> Row:
        planned = "held" if item.phase == "held" else "planned"
        found = row(item.index, item.cell, item.take, record, planned=planned)
        said = self.judgements.book.consensus(item.slot)
        return found if said is None else _judged(found, said)


def _judged(found: Row, said: Consensus) -> Row:
    return replace(found, rating=said.rating, pick=said.pick, tags=said.tags, note=said.note)


def _stamp(folder: Path) -> object:
    """Return what changes whenever the journal on disk does, or its writer dies."""
    found: list[object] = []
    for name in ("journal.sqlite", "journal.sqlite-wal"):
        try:
            facts = (folder / name).stat()
        except OSError:
            continue
        found.append((facts.st_mtime_ns, facts.st_size))
    return (*found, abandoned(folder)) if found else None
