"""The rows of a sweep: what the journal and the reviewers say of each place and take."""

from __future__ import annotations

import threading
import warnings
from dataclasses import replace
from typing import TYPE_CHECKING

from gridgen._loop import engine
from gridgen.errors import JournalError
from gridgen.journal import Row, abandoned, read, read_cells, row
from gridgen.judgements import Consensus, Judgements
from gridgen.money import Commitments
from gridgen.states import State
from gridgen.sweep.explain import why_missing
from gridgen.sweep.watching import Watchers

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
    from decimal import Decimal
    from pathlib import Path

    from gridgen.estimate.prices import Prices
    from gridgen.journal import Journal, Record
    from gridgen.money import ClipKey
    from gridgen.sweep.plan import Plan
    from gridgen.sweep.work_queue import Job

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
    commitments : Commitments
        What the cells have cost and may cost, in all attempts of all their takes.
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self.judgements = Judgements(plan.folder)
        self.journal: Journal | None = None
        self.watchers = Watchers(self.last, self._refresh)
        self._rows: list[Row] = []
        self.commitments = Commitments()
        self._unshown: dict[ClipKey, Record] = {}
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

    def committed(self, prices: Prices) -> Commitments:
        """Return what the cells have cost and may cost, with what left without a price at its price of now.

        While the journal is open here, the engine keeps that up to date.
        """
        self._refresh()
        with self._reading:
            if self.journal is None:
                self.commitments.reprice(self._priced(prices))
        return self.commitments

    def _priced(self, prices: Prices) -> Callable[[ClipKey], Decimal | None]:
        cells = self._plan.cells
        return lambda key: prices.of(cells[key[:2]])

    def charged(self) -> Decimal:
        """Return the USD that the server told that it charged for the cells, in all attempts of all their takes."""
        self._refresh()
        return self.commitments.charged

    def unshown(self) -> Iterator[tuple[int, Row]]:
        """Yield takes that were made and are not asked for now, each with the index of its place."""
        self._refresh()
        combinations = {job.slot[:2]: job.index // self._plan.takes for job in reversed(self._plan.jobs)}
        for slot, record in tuple(self._unshown.items()):
            yield combinations[slot[:2]], row(-1, self._plan.cells[slot[:2]], slot.take, record)

    def follow(self, journal: Journal, prices: Prices) -> None:
        """Take in an open journal, and what is noted in it from now on; on the engine's loop."""
        with self._reading:
            self.journal = journal
            self._take_in(journal.records)
            self.commitments.reprice(self._priced(prices))
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

    def look_at(self, job: Job) -> None:
        """Show anew a job whose submission is held or released."""
        if self.journal is not None:
            self._show(job, self.journal.records.get(job.slot))

    def rejudge(self, slots: Collection[ClipKey]) -> None:
        """Show anew what is said of these clips; from any thread."""
        jobs = self._plan.by_slot
        found = [(jobs[slot].index, slot) for slot in slots if slot in jobs]
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
                self._take_in(records)
                self._stamp = stamp

    def _take_in(self, records: Mapping[ClipKey, Record]) -> None:
        self._plan.recognise(records, lambda: read_cells(self._plan.folder))
        self._rows = self._by(records)
        counted = {slot: record for slot, record in records.items() if slot[:2] in self._plan.cells}
        self._unshown = {slot: each for slot, each in counted.items() if slot not in self._plan.by_slot}
        self.commitments = Commitments()
        for slot, record in counted.items():
            self.commitments.put(slot, record.outlays)

    def _hear_judgements(self) -> None:
        """Take in what other processes have judged; a spoilt file of judgements stops nothing but judging."""
        try:
            touched = self.judgements.refresh()
        except JournalError as error:
            warnings.warn(str(error), stacklevel=4)
        else:
            self.rejudge(touched)

    def _hear(self, record: Record | None) -> None:
        if record is None or (slot := record.slot)[:2] not in self._plan.cells:
            return
        self.commitments.put(slot, record.outlays)
        job = self._plan.by_slot.get(slot)
        if job is None:
            self._unshown[slot] = record
        else:
            self._show(job, record)

    def _show(self, job: Job, record: Record | None) -> None:
        with self._reading:
            self._rows[job.index] = self._row(job, record)
        self.watchers.mark([job.index])

    def _by(self, records: Mapping[ClipKey, Record]) -> list[Row]:
        """Return a row for every place and take, also for those that are skipped."""
        combinations, takes = self._plan.grid.combinations, self._plan.takes
        found: list[Row | None] = [None] * (len(combinations) * takes)
        for job in self._plan.jobs:
            found[job.index] = self._row(job, records.get(job.slot))
        for at, each in enumerate(found):
            if each is None:
                place, take = divmod(at, takes)
                found[at] = Row(
                    at, combinations.cell(place), take + 1, State.SKIPPED, error=combinations.reason(place)
                )
        return [each for each in found if each is not None]

    def _row(self, job: Job, record: Record | None) -> Row:
        planned = State.HELD if job.phase == "held" else State.PLANNED
        found = row(job.index, job.cell, job.take, record, planned=planned)
        if found.status == State.MISSING:
            found = replace(found, error=why_missing(found, job.slot.origin))
        said = self.judgements.book.consensus(job.slot)
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
