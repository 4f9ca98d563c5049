"""What a sweep is to make, and where: a job for each cell and take."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from gridgen.errors import GridError
from gridgen.estimate.prices import PriceClass, Prices, price_class
from gridgen.grid.cells import renamed
from gridgen.grid.lookup import Lookup
from gridgen.money import ClipKey
from gridgen.states import RETRIED, RETRIED_BY_NAME, VACANT, State
from gridgen.sweep.work_queue import Job

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from gridgen.grid import Cell, Grid
    from gridgen.journal import Record, Row

__all__ = ["Plan", "is_condition", "is_retried", "passed_over"]

_MOST_NAMED = 20


class Plan:
    """What a sweep is to make, and where.

    Parameters
    ----------
    grid : Grid
    takes : int
        How many clips of each cell.
    origin : str
        Where they are made: the official service, a simulator, or another host.
    folder : Path
        Where they are kept.
    name : str
        The folder as a person wrote it.

    Attributes
    ----------
    jobs : list of Job
        One for each cell and take, in grid order; their indices count skipped places too.
    by_slot : dict
        The jobs by what names them in the journal.
    cells : dict
        The cells by origin and key: what all takes of them have in common.
    """

    def __init__(self, grid: Grid, *, takes: int, origin: str, folder: Path, name: str) -> None:
        self.grid, self.takes, self.origin = grid, takes, origin
        self.folder, self.name = folder, name
        keyed = ((place, cell, cell.key) for place, cell in zip(grid.combinations.active, grid, strict=True))
        self.jobs = [
            Job(place * takes + take - 1, cell, take, ClipKey(origin, key, take))
            for place, cell, key in keyed
            for take in range(1, takes + 1)
        ]
        self.by_slot = {job.slot: job for job in self.jobs}
        self.cells = {job.slot[:2]: job.cell for job in self.jobs}
        self._today: dict[str, str | None] = {}

    def recognise(
        self, records: Mapping[ClipKey, Record], stored: Callable[[], Mapping[str, Mapping[str, Any]]]
    ) -> None:
        """Take over the keys under which the folder has cells since an older catalogue.

        What a model takes, its names and its defaults are part of a key, so a cell
        that is typed in the same way has another one once the catalogue has learned
        of its model. What was paid under the older key is that cell.

        Parameters
        ----------
        records : mapping
            The latest attempts in the folder.
        stored : callable
            Returns what each cell of the folder states, by its key.
        """
        made: dict[str, bool] = {}
        for (origin, key, _), record in records.items():
            if origin == self.origin:
                made[key] = made.get(key, False) or record.state not in VACANT
        wanting = {key for origin, key in self.cells if origin == self.origin and not made.get(key)}
        others = [key for key in made if (self.origin, key) not in self.cells]
        if not wanting or not others:
            return
        if any(key not in self._today for key in others):
            told = stored()
            self._today = {key: renamed(key, told[key]) for key in others if key in told}
        found: dict[str | None, str] = {}
        for key in sorted(others, key=lambda key: (not made[key], key)):
            today = self._today.get(key)
            if today in wanting and (made[key] or today not in made):
                found.setdefault(today, key)
        if found:
            self._take_over(found)

    def _take_over(self, found: Mapping[str | None, str]) -> None:
        for job in self.jobs:
            key = found.get(job.slot.cell)
            if key is not None:
                job.cell = replace(job.cell, known_as=key)
                job.slot = job.slot._replace(cell=key)
        self.by_slot = {job.slot: job for job in self.jobs}
        self.cells = {job.slot[:2]: job.cell for job in self.jobs}

    @cached_property
    def lookup(self) -> Lookup:
        """Finds the rows that a person means."""
        return Lookup(self.grid.combinations, self.takes)

    def slot(self, row: Row) -> ClipKey:
        """Return what names a row in the journal."""
        return ClipKey(self.origin, row.cell.filed_as, row.take)

    def job(self, cell: Cell | int, take: int) -> Job:
        """Return the job of a cell, or of the cell with that index, and of a take.

        Raises
        ------
        GridError
            If there is no such cell or take.
        """
        cells = list(self.grid)
        known = cell in cells if not isinstance(cell, int) else -len(cells) <= cell < len(cells)
        if not known:
            msg = f"{cell!r} is no cell of this grid, which has {len(cells)}, numbered from 0"
            raise GridError(msg)
        if type(take) is not int or not 1 <= take <= self.takes:
            msg = f"take={take!r} is none of this sweep's; it has takes={self.takes}, numbered from 1"
            raise GridError(msg)
        index = range(len(cells))[cell] if isinstance(cell, int) else cells.index(cell)
        return self.jobs[index * self.takes + take - 1]

    def submit_order(self, prices: Prices) -> list[Job]:
        """Return the jobs so that every row and column of the gallery begins to fill at once; first takes first.

        Where a price is unknown, the shortest of its class comes before all, to learn it.
        """
        order = self.grid.submit_order()
        jobs = [self.jobs[at * self.takes + take] for take in range(self.takes) for at in order]
        return _probes_first(jobs, prices)


def _probes_first(jobs: list[Job], prices: Prices) -> list[Job]:
    probes: dict[PriceClass, Job] = {}
    for job in jobs:
        if prices.of(job.cell) is None:
            known = probes.setdefault(price_class(job.cell), job)
            if job.cell.seconds < known.cell.seconds:
                probes[price_class(job.cell)] = job
    first = list(probes.values())
    return [*first, *(job for job in jobs if job not in first)] if first else jobs


def is_retried(row: Row, where: Collection[str] | Callable[[Row], bool] | None) -> bool:
    """Whether `Sweep.retry` makes a clip again: what failed, and what was paid and is gone only by its name."""
    if row.status in RETRIED:
        if where is None:
            return True
        return where(row) if callable(where) else row.error_class in where or row.status in where
    return row.status in RETRIED_BY_NAME and not callable(where) and row.status in (where or ())


def is_condition(given: Any) -> bool:
    """Whether it says what kind of rows are meant, by words or a function, and not which ones."""
    if given is None or isinstance(given, str) or callable(given):
        return True
    words = isinstance(given, Collection) and not isinstance(given, Mapping) and not hasattr(given, "iloc")
    return words and all(isinstance(each, str) for each in given)


def matches_nothing(rows: Sequence[Row], where: Collection[str]) -> str | None:
    """Say that words which say what kind of rows are meant name no state and no error class of these; None if one does."""
    there = {word for row in rows for word in (row.status, row.error_class) if word}
    if there & set(where) or set(where) & {*RETRIED, *RETRIED_BY_NAME}:
        return None
    known = [*there, *RETRIED, *RETRIED_BY_NAME]
    near = "".join(difflib.get_close_matches(next(iter(where), ""), known, n=1))
    meant = f" (did you mean {near!r}?)" if near else ""
    named = ", ".join(sorted(there))
    return f"where={sorted(where)!r} is no state and no error class of these clips{meant}; theirs are {named}. Nothing was sent."


def passed_over(given: Sequence[Row], chosen: Collection[Row]) -> str | None:
    """Say which of the rows that a person gave are not made again, and how they would be; None if all are."""
    indices = {each.index for each in chosen}
    left = [each for each in given if each.index not in indices]
    if not left:
        return None
    named = ", ".join(f"row {each.index} ({each.status})" for each in left[:_MOST_NAMED])
    more = f" and {len(left) - _MOST_NAMED} more" if len(left) > _MOST_NAMED else ""
    paid = [status for status in RETRIED_BY_NAME if any(each.status == status for each in left)]
    how = "Rows that failed or were rejected are made again; what was paid only when its state is named"
    name = f", as by where={paid[0]!r}" if paid else ""
    lost = any(each.status == State.UNKNOWN for each in left)
    settle = "; what is unknown is settled by sweep.unknown" if lost else ""
    return f"passed over {len(left)} of {len(given)} rows: {named}{more}. {how}{name}{settle}."
