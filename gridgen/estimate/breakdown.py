"""Sums of a sweep by the values of its axes, as tables and in HTML."""

from __future__ import annotations

import html
from dataclasses import fields
from typing import TYPE_CHECKING, Any, TypeVar

from gridgen.errors import GridError, Problem
from gridgen.grid.axes import nearest
from gridgen.grid.images import thumbnails

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import pandas as pd

    from gridgen.grid.axes import Axis
    from gridgen.grid.combinations import Combinations

__all__ = ["MOST_LISTED", "axis_html", "beside", "grouped", "summed", "varied"]

MOST_LISTED = 40
"""Values of an axis that a table shows."""

_Thing = TypeVar("_Thing")


def grouped(
    combinations: Combinations, things: Iterable[tuple[int, _Thing]], axes: Sequence[str]
) -> dict[tuple[int, ...], list[_Thing]]:
    """Return things, each with the index of its place, by where they stand on some axes, in the order of the axes.

    Raises
    ------
    GridError
        If there is no such axis.
    """
    columns = [combinations.column(name) for name in _names(combinations, axes)]
    found: dict[tuple[int, ...], list[_Thing]] = {}
    for index, thing in things:
        found.setdefault(tuple([column[index] for column in columns]), []).append(thing)
    return dict(sorted(found.items()))


def _names(combinations: Combinations, axes: Sequence[str]) -> list[str]:
    """Return the axes asked for, by default those of several values."""
    known = [axis.name for axis in combinations.axes]
    for name in axes:
        if name not in known:
            why, remedy = f"by({name!r}): the grid has no such axis", f"it has {', '.join(known)}"
            raise GridError(Problem(why, name, None, tuple(known), nearest(name, known), remedy))
    return list(axes) or [axis.name for axis in varied(combinations)]


def summed(
    combinations: Combinations, axes: Sequence[str], sums: Mapping[tuple[int, ...], Any]
) -> pd.DataFrame:
    """Return sums, one object for each place on some axes, as a table with the objects' fields for columns."""
    from gridgen.frame import axes_frame

    names = [each.name for each in fields(next(iter(sums.values())))] if sums else []
    columns = {name: [getattr(each, name) for each in sums.values()] for name in names}
    return axes_frame(combinations, _names(combinations, axes), list(sums), columns)


def axis_html(axis: Axis, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table of what each value of an axis has: its label, with small pictures where it is of pictures."""
    pictures = {label: thumbnails(value) for label, value in zip(axis.labels, axis.values, strict=True)}
    body = "".join(
        f"<tr><td style='text-align:left'>{pictures[label]}{html.escape(label)}</td>"
        f"{''.join(f'<td>{html.escape(text)}</td>' for text in texts)}</tr>"
        for label, *texts in rows[:MOST_LISTED]
    )
    more = len(rows) - MOST_LISTED
    rest = (
        f"<tr><td style='text-align:left' colspan={len(heads) + 1}>… {more} more</td></tr>"
        if more > 0
        else ""
    )
    named = "".join(f"<th>{name}</th>" for name in heads)
    return f"<table><tr><th style='text-align:left'>{html.escape(axis.name)}</th>{named}</tr>{body}{rest}</table>"


def beside(tables: Sequence[str]) -> str:
    """Return tables side by side, as many as there is room for."""
    style = "display:flex;flex-wrap:wrap;align-items:flex-start;gap:0 2em"
    return (
        f"<div style='{style}'>{''.join(f'<div>{table}</div>' for table in tables)}</div>" if tables else ""
    )


def varied(combinations: Combinations) -> list[Axis]:
    """Return the axes with several values."""
    return [axis for axis in combinations.axes if len(axis) > 1]
