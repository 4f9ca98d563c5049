"""Which axis goes where: pure choices behind the wall and its static form."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gridgen.errors import GridError
from gridgen.grid import Axis

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from gridgen.journal import Row
    from gridgen.sweep import Sweep

__all__ = ["UNFINISHED", "Sides", "coordinates", "describe", "sheet_axes", "sides", "speak"]

TAKE = "take"
UNFINISHED = frozenset({"planned", "sending", "queued", "running", "stalled", "downloading"})
"""States that still change by themselves."""
_UNITS = {"duration": "{} s", TAKE: "take {}"}


@dataclass(frozen=True, slots=True)
class Sides:
    """The axes along the rows and along the columns, outermost first."""

    rows: tuple[str, ...]
    cols: tuple[str, ...]


def sheet_axes(sweep: Sweep) -> tuple[Axis, ...]:
    """Return the axes of a sweep's clips: those of the grid, then the takes."""
    takes = tuple(range(1, sweep.takes + 1))
    return (*sweep.grid.axes, Axis(TAKE, takes, tuple(str(take) for take in takes)))


def coordinates(axes: Sequence[Axis], row: Row) -> list[int]:
    """Return the position of a row's value on each axis."""
    return [
        axis.values.index(row.take if axis.name == TAKE else getattr(row.cell, axis.name)) for axis in axes
    ]


def speak(axis: Axis, position: int) -> str:
    """Say a value so that it stands alone: ``"6 s"`` rather than ``"6"``."""
    return _UNITS.get(axis.name, "{}").format(axis.labels[position])


def describe(axes: Sequence[Axis], row: Row) -> list[str]:
    """Say a row's value on each axis."""
    return [speak(axis, at) for axis, at in zip(axes, coordinates(axes, row), strict=True)]


def sides(
    axes: Sequence[Axis],
    rows: str | Iterable[str] | None = None,
    cols: str | Iterable[str] | None = None,
) -> Sides:
    """Settle rows and columns.

    Parameters
    ----------
    axes : sequence of Axis
        As `sheet_axes` gives.
    rows, cols : str or list of str, optional
        Axis names, outermost first; an empty list for none. What is left out is
        chosen: the first axis that varies to the rows and the next two to the
        columns. A lone axis stays free, and its clips flow like text.

    Raises
    ------
    GridError
        If a name is no axis, or is named twice.
    """
    down = None if rows is None else _named(axes, rows, "rows")
    across = None if cols is None else _named(axes, cols, "cols")
    taken = (*(down or ()), *(across or ()))
    twice = {name for name in taken if taken.count(name) > 1}
    if twice:
        msg = f"{', '.join(sorted(twice))!s} is named twice in rows={rows!r}, cols={cols!r}; name each axis once"
        raise GridError(msg)
    free = [axis.name for axis in axes if len(axis) > 1 and axis.name not in taken]
    if down is None and across is None and len(free) == 1:
        return Sides((), ())
    if down is None:
        down, free = tuple(free[:1]), free[1:]
    return Sides(down, tuple(free[:2]) if across is None else across)


def _named(axes: Sequence[Axis], given: str | Iterable[str], where: str) -> tuple[str, ...]:
    names = (given,) if isinstance(given, str) else tuple(given)
    known = [axis.name for axis in axes]
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(str(name), known, n=1)
            hint = f" (did you mean {near[0]!r}?)" if near else ""
            msg = f"{where}={given!r}: {name!r} is not an axis{hint}; the axes are {', '.join(known)}"
            raise GridError(msg)
    return names
