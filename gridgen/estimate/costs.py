"""What the clips of a sweep were estimated to cost, beside what the server charged."""

from __future__ import annotations

import html
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from gridgen.estimate.breakdown import axis_html, beside, grouped, summed, varied
from gridgen.money import dollars, total, without_mathematics

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from decimal import Decimal

    import pandas as pd

    from gridgen.grid.axes import Axis
    from gridgen.grid.combinations import Combinations
    from gridgen.journal import Row

__all__ = ["Costs", "costs"]


@dataclass(frozen=True)
class Costs:
    """What the clips of a sweep were estimated to cost, and what the server charged.

    Attributes
    ----------
    clips : int
        Clips that were submitted.
    estimated : Decimal or None
        USD by the prices known when each was submitted; None where none was known.
    charged : Decimal or None
        USD that the server reports; None while it has reported nothing.
    unpriced, unreported : int
        How many had no known price, and of how many no charge is known yet.
    combinations : Combinations
        Those of the grid.
    rows : tuple of (int, Row)
        What was submitted, each with the index of its place; also takes that are not
        asked for any more.

    What earlier attempts of a take were estimated to cost, and were charged, is in the sums.
    """

    clips: int
    estimated: Decimal | None
    charged: Decimal | None
    unpriced: int
    unreported: int
    combinations: Combinations = field(kw_only=True, repr=False, compare=False)
    rows: tuple[tuple[int, Row], ...] = field(kw_only=True, repr=False, compare=False)

    @property
    def df(self) -> pd.DataFrame:
        """One row per clip submitted: its place on the axes, ``estimated``, ``charged`` and ``difference`` in USD."""
        from gridgen.frame import cells_frame

        rows = [row for _, row in self.rows]
        columns: dict[str, list[Any]] = {
            "take": [row.take for row in rows],
            "status": [row.status for row in rows],
            "estimated": [_estimated([row]) for row in rows],
            "charged": [_charged([row]) for row in rows],
            "difference": [_difference([row]) for row in rows],
            "service_seconds": [row.service_seconds for row in rows],
        }
        return cells_frame(self.combinations, [index for index, _ in self.rows], columns)

    def by(self, *axes: str) -> pd.DataFrame:
        """Return what each value of an axis, or each combination of values of several, cost.

        Parameters
        ----------
        *axes : str
            Axes of the grid; by default all that have several values.

        Returns
        -------
        pandas.DataFrame
            The axes, and ``clips``, ``estimated``, ``charged``, ``difference`` (over the
            clips of which both are known), and ``service_seconds``, the mean time that
            the server worked on one.

        Raises
        ------
        GridError
            If the grid has no such axis.
        """
        found = grouped(self.combinations, self.rows, axes)
        sums = {at: _Spent.of(rows) for at, rows in found.items()}
        return summed(self.combinations, axes, sums)

    def __repr__(self) -> str:
        return f"Costs({self.clips} clips: {_usd(self.estimated)} estimated, {_usd(self.charged)} charged)"

    @without_mathematics
    def _repr_html_(self) -> str:
        tables = [self._axis_html(axis) for axis in varied(self.combinations)]
        return f"<div><p>{html.escape(repr(self)[6:-1])}</p>{beside(tables)}</div>"

    def _axis_html(self, axis: Axis) -> str:
        found = grouped(self.combinations, self.rows, [axis.name])
        rows = []
        for (at,), placed in found.items():
            spent = _Spent.of(placed)
            seconds = "" if spent.service_seconds is None else f"{spent.service_seconds:.0f} s"
            sums = (_usd(spent.estimated), _usd(spent.charged), _usd(spent.difference))
            rows.append((axis.labels[at], str(spent.clips), *sums, seconds))
        return axis_html(axis, ("clips", "estimated", "charged", "difference", "mean time"), rows)


@dataclass(frozen=True, slots=True)
class _Spent:
    clips: int
    estimated: Decimal | None
    charged: Decimal | None
    difference: Decimal | None
    service_seconds: float | None

    @classmethod
    def of(cls, rows: Sequence[Row]) -> _Spent:
        times = [row.service_seconds for row in rows if row.service_seconds is not None]
        return cls(
            clips=len(rows),
            estimated=_estimated(rows),
            charged=_charged(rows),
            difference=_difference(rows),
            service_seconds=sum(times) / len(times) if times else None,
        )


def costs(combinations: Combinations, rows: Iterable[tuple[int, Row]]) -> Costs:
    """Set what was estimated beside what was charged, for the rows that were submitted, each given with its place."""
    sent = tuple((place, row) for place, row in rows if row.submitted_at is not None or row.earlier)
    return Costs(
        clips=len(sent),
        estimated=_estimated([row for _, row in sent]),
        charged=_charged([row for _, row in sent]),
        unpriced=sum(row.price is None for _, row in sent),
        unreported=sum(row.cost is None for _, row in sent),
        combinations=combinations,
        rows=sent,
    )


def _total(sums: Iterable[Decimal | None]) -> Decimal | None:
    """Return the sum of what is known, None where nothing is."""
    known = [usd for usd in sums if usd is not None]
    return total(known) if known else None


def _attempts(rows: Iterable[Row]) -> Iterator[tuple[Decimal | None, Decimal | None]]:
    """Yield the price and the charge of every attempt."""
    for row in rows:
        yield from ((each.price, each.cost) for each in row.earlier)
        yield row.price, row.cost


def _estimated(rows: Iterable[Row]) -> Decimal | None:
    return _total(price for price, _ in _attempts(rows))


def _charged(rows: Iterable[Row]) -> Decimal | None:
    return _total(cost for _, cost in _attempts(rows))


def _difference(rows: Iterable[Row]) -> Decimal | None:
    return _total(cost - price for price, cost in _attempts(rows) if cost is not None and price is not None)


def _usd(sum_: Decimal | None) -> str:
    return "unknown" if sum_ is None else dollars(sum_)
