"""Which axis goes where: pure choices behind the wall and its static form."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gridgen.grid.axes import Axis
from gridgen.grid.pivot import TAKE, Sides, sides, speak

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gridgen.journal import Row
    from gridgen.sweep import Sweep

__all__ = ["Sides", "coordinates", "describe", "sheet_axes", "sides", "speak"]


def sheet_axes(sweep: Sweep) -> tuple[Axis, ...]:
    """Return the axes of a sweep's clips: those of the grid, then the takes."""
    takes = tuple(range(1, sweep.takes + 1))
    return (*sweep.grid.axes, Axis(TAKE, takes, tuple(str(take) for take in takes)))


def coordinates(axes: Sequence[Axis], row: Row) -> list[int]:
    """Return the position of a row's value on each axis."""
    return [axis.values.index(row.take if axis.name == TAKE else row.cell.get(axis.name)) for axis in axes]


def describe(axes: Sequence[Axis], row: Row) -> list[str]:
    """Say a row's value on each axis."""
    return [speak(axis, at) for axis, at in zip(axes, coordinates(axes, row), strict=True)]
