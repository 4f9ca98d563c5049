"""Axes laid out as a table: which go to the rows and columns, and the headers that follow."""

from __future__ import annotations

import html
import itertools
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gridgen.errors import GridError
from gridgen.grid.axes import Axis, unknown_axis
from gridgen.grid.images import thumbnails

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["BOX", "TAKE", "Pivot", "Sides", "runs", "settled", "sides", "speak"]

TAKE = "take"
_UNITS = {"duration": "{} s", TAKE: "take {}"}

BOX = (
    "font-size:13px;text-align:left;vertical-align:top;padding:4px 8px;background:none;border:0;"
    "max-width:240px;white-space:normal"
)
"""Style of a header or box of a table, inline since sanitizers drop style sheets."""


@dataclass(frozen=True, slots=True)
class Sides:
    """The axes along the rows and along the columns, outermost first."""

    rows: tuple[str, ...]
    cols: tuple[str, ...]


def speak(axis: Axis, position: int) -> str:
    """Say a value so that it stands alone: ``"6 s"`` rather than ``"6"``."""
    label = axis.labels[position]
    return _UNITS.get(axis.name, "{}").format(label) if label == str(axis.values[position]) else label


def settled(axis: Axis, names: Iterable[str]) -> bool:
    """Whether an axis says nothing more once others are known."""
    return bool(axis.follows) and set(names).issuperset(axis.follows)


def sides(
    axes: Sequence[Axis],
    rows: str | Iterable[str] | None = None,
    cols: str | Iterable[str] | None = None,
) -> Sides:
    """Settle rows and columns.

    Parameters
    ----------
    axes : sequence of Axis
        Those of the grid, and that of the takes.
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
    varied = [axis.name for axis in axes if len(axis) > 1]
    free = [
        axis.name
        for axis in axes
        if axis.name in varied and axis.name not in taken and not settled(axis, varied)
    ]
    if down is None and across is None and len(free) == 1:
        return Sides((), ())
    if down is None:
        down, free = tuple(free[:1]), free[1:]
    return Sides(down, tuple(free[:2]) if across is None else across)


def _named(axes: Sequence[Axis], given: Any, where: str) -> tuple[str, ...]:
    known = [axis.name for axis in axes]
    if not isinstance(given, Iterable):
        msg = f"{where}={given!r} names no axes; give a name or a list of names out of {', '.join(known)}"
        raise GridError(msg)
    names = (given,) if isinstance(given, str) else tuple(given)
    for name in names:
        if name not in known:
            raise GridError(unknown_axis(f"{where}={given!r}: {name!r} is not an axis", name, known))
    return names


class Pivot:
    """Things in the boxes of a table, by where they stand on the axes.

    Parameters
    ----------
    axes : sequence of Axis
    codes : sequence of sequence of int
        For each thing its position on each axis.
    shown : Sides

    Attributes
    ----------
    rows, cols, rest : list of Axis
        Those along the rows, along the columns, and those that vary besides.
    boxes : dict
        From the positions on rows and columns to the numbers of the things there.
    row_keys, col_keys : list of tuple of int
        The rows and columns that there are, in order.
    """

    def __init__(self, axes: Sequence[Axis], codes: Sequence[Sequence[int]], shown: Sides) -> None:
        self.axes = tuple(axes)
        names = [axis.name for axis in axes]
        down, across = ([names.index(name) for name in side] for side in (shown.rows, shown.cols))
        self.rows, self.cols = ([axes[at] for at in side] for side in (down, across))
        varied = [axis.name for axis in axes if len(axis) > 1]
        self.rest = [
            axis
            for axis in axes
            if axis.name in varied
            and axis not in self.rows
            and axis not in self.cols
            and not settled(axis, varied)
        ]
        self._codes = codes
        self.boxes: dict[tuple[tuple[int, ...], tuple[int, ...]], list[int]] = {}
        for number, found in enumerate(codes):
            place = (tuple([found[at] for at in down]), tuple([found[at] for at in across]))
            self.boxes.setdefault(place, []).append(number)
        self.row_keys = sorted({key for key, _ in self.boxes})
        self.col_keys = sorted({key for _, key in self.boxes})

    def caption(self, number: int) -> str:
        """Return what neither rows nor columns say of a thing."""
        names = [axis.name for axis in self.axes]
        rest = sorted(self.rest, key=lambda axis: axis.name == "prompt")
        return " · ".join(speak(axis, self._codes[number][names.index(axis.name)]) for axis in rest)

    def html(self, draw: Callable[[list[int]], str]) -> str:
        """Return the rows of an HTML table.

        Parameters
        ----------
        draw : callable
            Returns the HTML of the things in one box.
        """
        keys = self.row_keys
        spans = [{start: span for _, start, span in runs(keys, level)} for level in range(len(self.rows))]
        lines = []
        for at, key in enumerate(keys):
            heads = "".join(
                _head(axis, key[level], f'rowspan="{spans[level][at]}"')
                for level, axis in enumerate(self.rows)
                if at in spans[level]
            )
            boxes = "".join(
                f'<td style="{BOX};max-width:none">{draw(self.boxes.get((key, col), []))}</td>'
                for col in self.col_keys
            )
            lines.append(f'<tr style="background:none">{heads}{boxes}</tr>')
        return self._top() + "".join(lines)

    def _top(self) -> str:
        corner = f'<th colspan="{len(self.rows)}" style="{BOX}"></th>' if self.rows else ""
        return "".join(
            '<tr style="background:none">'
            + corner
            + "".join(_head(axis, at, f'colspan="{span}"') for at, _, span in runs(self.col_keys, level))
            + "</tr>"
            for level, axis in enumerate(self.cols)
        )


def _head(axis: Axis, at: int, span: str) -> str:
    note = axis.notes[at] if axis.notes else ""
    said = f' title="{html.escape(note)}"' if note else ""
    shown = thumbnails(axis.values[at]) + html.escape(speak(axis, at))
    return f'<th {span}{said} style="{BOX}">{shown}</th>'


def runs(keys: Sequence[tuple[int, ...]], level: int) -> list[tuple[int, int, int]]:
    """Return value, beginning and length of each run of neighbours that share a header."""
    found = []
    start = 0
    for prefix, group in itertools.groupby(keys, key=lambda key: key[: level + 1]):
        length = len(list(group))
        found.append((prefix[level], start, length))
        start += length
    return found
