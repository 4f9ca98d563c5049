"""From rows to pandas: built column by column, in grid order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from gridgen.grid import FIELDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from decimal import Decimal

    from gridgen.grid import Axis, Grid
    from gridgen.journal import Row

__all__ = ["COLUMNS", "grid_frame", "sweep_frame"]

MEASURED = ("width", "height", "fps", "frames", "clip_seconds", "bytes", "sha256")
PERSONAL = ("rating", "pick", "tags", "note")
COLUMNS = (
    "status",
    "progress",
    "task_id",
    "path",
    "url",
    "expires_at",
    "submitted_at",
    "completed_at",
    "service_seconds",
    "cost",
    "error_class",
    "error",
    *MEASURED,
    *PERSONAL,
)
"""The columns after the cell, the take and the request's fields."""

_INTEGERS = {"progress", "width", "height", "frames", "bytes"}
_FLOATS = {"service_seconds", "cost", "fps", "clip_seconds", "rating"}
_TIMES = {"expires_at", "submitted_at", "completed_at"}


def grid_frame(grid: Grid) -> pd.DataFrame:
    """Return one row per cell: ``cell`` (the key) and one column per request field."""
    table = {"cell": pd.array([cell.key for cell in grid], dtype="str")}
    return pd.DataFrame({**table, **_axes(grid, range(len(grid)))})


def sweep_frame(grid: Grid, rows: Sequence[Row], takes: int) -> pd.DataFrame:
    """Return one row per cell and take, in grid order.

    Text axes are ordered categoricals in the order of the axis, times are UTC,
    and what is not known is missing (``<NA>``, ``NaT``).
    """
    table: dict[str, Any] = {
        "cell": pd.array([row.cell.key for row in rows], dtype="str"),
        "take": pd.array([row.take for row in rows], dtype="int64"),
        **_axes(grid, [row.index // takes for row in rows]),
    }
    for name in COLUMNS:
        table[name] = _column(name, [getattr(row, name) for row in rows])
    return pd.DataFrame(table)


def _axes(grid: Grid, cells: Iterable[int]) -> dict[str, Any]:
    places = [grid.coordinates(cell) for cell in cells]
    return {axis.name: _axis(axis, [place[axis.name] for place in places]) for axis in grid.axes}


def _axis(axis: Axis, codes: list[int]) -> Any:
    if axis.name in FIELDS and all(isinstance(value, int) for value in axis.values):
        return pd.array([axis.values[code] for code in codes], dtype="int64")
    return pd.Categorical.from_codes(codes, categories=pd.Index(axis.labels, dtype="str"), ordered=True)


def _column(name: str, values: list[Any]) -> Any:
    if name in _INTEGERS:
        return pd.array(values, dtype="Int64")
    if name in _FLOATS:
        return pd.array([_float(value) for value in values], dtype="Float64")
    if name in _TIMES:
        return pd.to_datetime(pd.Series(values, dtype="Float64"), unit="s", utc=True).dt.as_unit("ms")
    if name == "pick":
        return pd.array(values, dtype="boolean")
    if name == "url":
        values = [None if value is None else value.partition("?")[0] for value in values]
    return pd.array(values, dtype="string")


def _float(value: float | Decimal | None) -> float | None:
    return None if value is None else float(value)
