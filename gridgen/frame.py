"""From rows to pandas: built column by column, in grid order."""

from __future__ import annotations

import functools
import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar

import pandas as pd

from gridgen.money import dollars, without_mathematics

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from gridgen.grid import Axis, Grid
    from gridgen.grid.combinations import Combinations
    from gridgen.journal import Row

__all__ = ["COLUMNS", "axes_frame", "cells_frame", "grid_frame", "illustrated", "sweep_frame"]

PERSONAL = ("rating", "pick", "tags", "note")
_READ = (
    "status",
    "cost",
    *PERSONAL,
    "error",
    "error_class",
    "progress",
    "service_seconds",
    "clip_seconds",
    "width",
    "height",
    "fps",
    "path",
    "submitted_at",
    "completed_at",
)
_KEPT = ("last_frame", "further", "url", "expires_at", "frames", "bytes", "sha256", "task_id")
COLUMNS = (*_READ, *_KEPT)
"""The columns besides the cell, the take and the request's fields: what people read, then what machines do."""

_INTEGERS = {"progress", "width", "height", "frames", "bytes"}
_INTEGERS |= {"take", "videos", "seconds", "unpriced", "made", "clips"}
_FLOATS = {"service_seconds", "cost", "fps", "clip_seconds", "rating"}
_MONEY = {"cost", "usd", "guess", "estimated", "charged", "difference"}
_FLOATS |= _MONEY
_INT64 = 2**63
_TIMES = {"expires_at", "submitted_at", "completed_at"}


_FIRST_SIGN, _MOST_SIGNS, _MOST_PICTURES = 0xF0000, 0xFFFE, 200
_SIGN = re.compile("<td>([\U000f0000-\U000ffffd])</td>")
"""Signs of the first plane for private use, in which nothing is written."""


class Table(pd.DataFrame):
    """An ordinary table that reads well in a notebook.

    Money stands there as ``$1.47``, a prompt with two ``$`` is no formula, and a table about
    clips has a picture of each, where `illustrated` gave it one.
    """

    _metadata: ClassVar = ["_thumbnail"]
    _thumbnail: Callable[[str, int | None], str] | None = None

    @property
    def _constructor(self) -> type[Table]:
        return Table

    @without_mathematics
    def _shown(self) -> str:
        shown = pd.DataFrame(self)
        for at, (name, dtype) in enumerate(zip(self.columns, self.dtypes, strict=True)):
            if dtype == "Float64" and name in _MONEY:
                sums = self.iloc[:, at]
                texts = {usd: dollars(Decimal(str(usd))) for usd in sums.dropna().unique()}
                shown.isetitem(at, sums.astype("object").map(texts, na_action="ignore").array)
        if not self._tells_clips():
            return shown._repr_html_() or ""  # type: ignore[operator]  # the stubs leave it out
        # pandas escapes what it shows; these signs tell which rows it has shown, and are replaced by pictures
        signs = [chr(_FIRST_SIGN + at) for at in range(len(self))]
        shown.insert(0, "clip", signs, allow_duplicates=True)
        page: str = shown._repr_html_() or ""  # type: ignore[operator]  # as above
        return _SIGN.sub(functools.partial(self._picture, iter(range(_MOST_PICTURES))), page)

    def _tells_clips(self) -> bool:
        """Whether each row is about a clip that has a picture, as far as the columns tell it."""
        known = self._thumbnail is not None and list(self.columns).count("cell") == 1
        return known and len(self) <= _MOST_SIGNS

    def _picture(self, left: Iterator[int], sign: re.Match[str]) -> str:
        at = ord(sign[1]) - _FIRST_SIGN
        if at >= len(self) or self._thumbnail is None or next(left, None) is None:
            return "<td></td>"
        take = self["take"].iloc[at] if list(self.columns).count("take") == 1 else None
        return f"<td>{self._thumbnail(str(self['cell'].iloc[at]), None if pd.isna(take) else int(take))}</td>"

    def _repr_html_(self) -> str | None:
        return self._shown() or None


def illustrated(table: pd.DataFrame, thumbnail: Callable[[str, int | None], str]) -> pd.DataFrame:
    """Let a table, and what is taken of it, show a picture of each clip in a notebook; its columns stay as they are.

    Parameters
    ----------
    table : DataFrame
        Made here, with a column ``cell``, and ``take`` where takes are told apart.
    thumbnail : callable
        Returns the HTML of a picture of a cell and a take, which is None where any will do.
    """
    object.__setattr__(table, "_thumbnail", thumbnail)
    return table


def grid_frame(grid: Grid) -> pd.DataFrame:
    """Return one row per place: the axes, ``skipped`` if any is, and last ``cell`` (the key)."""
    combinations = grid.combinations
    varied, constant = _axes(combinations, range(len(combinations)))
    reasons = [combinations.reason(at) for at in range(len(combinations))] if combinations.reasons else []
    skipped = {"skipped": pd.array(reasons, dtype="string")} if reasons else {}
    keys = pd.array([cell.key for cell in combinations.cells()], dtype="str")
    return Table({**varied, **skipped, **constant, "cell": keys})


def sweep_frame(grid: Grid, rows: Sequence[Row], takes: int) -> pd.DataFrame:
    """Return one row per place and take, in grid order; the columns in that in which a person reads them.

    What varies comes first, then how each clip went and what people say of it; what is
    the same in all rows, ids and hashes come last.

    Text axes are ordered categoricals in the order of the axis, times are UTC,
    and what is not known is missing (``<NA>``, ``NaT``).
    """
    varied, constant = _axes(grid.combinations, [row.index // takes for row in rows])
    (constant if takes == 1 else varied)["take"] = pd.array([row.take for row in rows], dtype="int64")
    read, kept = (
        {name: _column(name, [getattr(row, name) for row in rows]) for name in names}
        for names in (_READ, _KEPT)
    )
    cells = pd.array([row.cell.key for row in rows], dtype="str")
    return Table({**varied, **read, **constant, **kept, "cell": cells})


def cells_frame(
    combinations: Combinations, indices: Sequence[int], columns: Mapping[str, list[Any]]
) -> pd.DataFrame:
    """Return one row for each index of a place: where it stands, further columns, and last the cell's key."""
    found = combinations.cells([combinations.positions[index] for index in indices])
    varied, constant = _axes(combinations, indices)
    more = {name: _column(name, values) for name, values in columns.items()}
    keys = pd.array([cell.key for cell in found], dtype="str")
    return Table({**varied, **more, **constant, "cell": keys})


def axes_frame(
    combinations: Combinations,
    names: Sequence[str],
    at: Sequence[tuple[int, ...]],
    columns: Mapping[str, list[Any]],
) -> pd.DataFrame:
    """Return one row for each combination of values of some axes, with further columns."""
    table = {
        name: _axis(combinations.axis(name), [codes[number] for codes in at])
        for number, name in enumerate(names)
    }
    return Table(table | {name: _column(name, values) for name, values in columns.items()})


def _axes(combinations: Combinations, indices: Sequence[int]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the columns of the axes that vary, and of those that do not."""
    columns = {axis.name: combinations.column(axis.name) for axis in combinations.axes}
    varied: dict[str, Any] = {}
    constant: dict[str, Any] = {}
    for axis in combinations.axes:
        found = _axis(axis, [columns[axis.name][at] for at in indices])
        (varied if len(axis) > 1 else constant)[axis.name] = found
    return varied, constant


def _number_type(values: Sequence[Any]) -> Any:
    """Return the type of a column of numbers or flags, None for one of texts."""
    kinds = {type(value) for value in values if value is not None}
    missing = None in values
    if kinds == {int} and all(value is None or -_INT64 <= value < _INT64 for value in values):
        return "Int64" if missing else "int64"
    if kinds == {bool}:
        return "boolean" if missing else "bool"
    return ("Float64" if missing else "float64") if kinds and kinds <= {int, float} else None


def _axis(axis: Axis, codes: list[int]) -> Any:
    dtype = _number_type(axis.values)
    if dtype is not None:
        return pd.Series([axis.values[code] for code in codes], dtype=dtype).array
    labels = [None if value is None else label for value, label in zip(axis.values, axis.labels, strict=True)]
    known = [label for label in labels if label is not None]
    there = {label: at for at, label in enumerate(known)}
    moved = [-1 if label is None else there[label] for label in labels]
    return pd.Categorical.from_codes(
        [moved[code] for code in codes], categories=pd.Index(known, dtype="str"), ordered=True
    )


def _column(name: str, values: list[Any]) -> Any:
    if name in _INTEGERS:
        return pd.array(values, dtype="Int64")
    if name in _FLOATS:
        return pd.array([_float(value) for value in values], dtype="Float64")
    if name in _TIMES:
        return pd.to_datetime(pd.Series(values, dtype="Float64"), unit="s", utc=True).dt.as_unit("ms")
    if name in {"pick", "new"}:
        return pd.array(values, dtype="boolean")
    if name == "url":
        values = [None if value is None else value.partition("?")[0] for value in values]
    return pd.array(values, dtype="string")


def _float(value: float | Decimal | None) -> float | None:
    return None if value is None else float(value)
