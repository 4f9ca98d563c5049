"""The clips of a sweep in a table that a person sorts and searches, in any page, without a kernel.

It is plain HTML with a small script behind it; where a site or an untrusted notebook drops
the script, the table stays. DataTables, as itables brings it, would put six hundred kilobytes into
each notebook, and would take prompts for HTML as soon as a column may hold pictures.
"""

from __future__ import annotations

import html
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote

from gridgen.file_links import beside_notebook
from gridgen.gallery.layout import coordinates, sheet_axes, speak
from gridgen.gallery.script import script, style
from gridgen.gallery.thumbnails import MOST_BYTES, SIDE, data_uri, picture, shrunk
from gridgen.money import dollars, without_mathematics
from gridgen.states import State

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from decimal import Decimal

    from gridgen.journal import Row
    from gridgen.sweep import Sweep

__all__ = ["ClipTable"]

MOST_ROWS = 2_000
"""Rows that are shown; a browser sorts more of them only after a while."""

_PICTURES = 300_000
"""Bytes of posters inside of the page, base64 not counted; those beyond are linked to where the server has them."""

_LONGEST = 600
"""Characters of a text that are shown and searched."""

_MARKS = {True: "✓ picked", False: "✗ rejected"}
_STATES = [str(state) for state in State]


class _Cell(NamedTuple):
    """What stands in a cell, and the number by which it is sorted, None for its text."""

    text: str
    key: float | Decimal | None = None


_EMPTY = _Cell("")


class ClipTable:
    """A table with the posters of some clips, for the last line of a cell.

    Parameters
    ----------
    sweep : Sweep
        Shown as it stands when this is made.
    rows : int, Row, Series, DataFrame, or several of them, optional
        Which of its rows, as in `Ratings.rate`; all by default.

    Raises
    ------
    GridError
        If something is no row of the sweep.
    """

    def __init__(self, sweep: Sweep, rows: Any = None) -> None:
        self.sweep = sweep
        self.rows = (
            sweep.rows() if rows is None else tuple(sweep.internals.chosen(rows, nothing="Nothing is shown."))
        )

    def __repr__(self) -> str:
        clips = "1 clip" if len(self.rows) == 1 else f"{len(self.rows)} clips"
        return f"ClipTable({clips} of {Path(self.sweep.name).name[:60]!r}; sweep.df is the same for pandas)"

    def _repr_html_(self) -> str:
        code = f"(() => {{\n{script('table')}\n}})();"  # else its names would be the page's
        return f"<style>{style('table')}</style>{self._table()}<script>{code}</script>"

    @without_mathematics
    def _table(self) -> str:
        shown = self.rows[:MOST_ROWS]
        columns = self._columns(shown)
        heads = "".join(
            f'<th scope="col"><button type="button">{html.escape(name)}</button></th>' for name in columns
        )
        lines = zip(self._pictures(shown), *columns.values(), strict=True)
        body = "".join(f"<tr><td>{poster}</td>{''.join(map(_td, cells))}</tr>" for poster, *cells in lines)
        more = len(self.rows) - len(shown)
        rest = f"<p>The first {len(shown):,} of {len(self.rows):,} clips are shown.</p>" if more else ""
        return (
            '<div class="gg-clips"><label hidden>Find<input type="search" autocomplete="off" spellcheck="false">'
            f'<output></output></label><div class="gg-clips-rows"><table><thead><tr><th scope="col"></th>{heads}</tr>'
            f"</thead><tbody>{body}</tbody></table></div>{rest}</div>"
        )

    def _columns(self, rows: Sequence[Row]) -> dict[str, list[_Cell]]:
        """Return the cells of each column that says something: what varies, how it went, what people say of it."""
        every = sheet_axes(self.sweep)
        axes = [axis for axis in every if len(axis) > 1 or axis.name == "prompt"]
        places = [coordinates(axes, row) for row in rows]
        found = {"row": [_Cell(str(row.index), row.index) for row in rows]}
        for number, axis in enumerate(axes):
            texts = [speak(axis, at) for at in range(len(axis))]
            found[axis.name] = [_Cell(texts[place[number]], place[number]) for place in places]
        found["status"] = [_Cell(row.status, _STATES.index(row.status)) for row in rows]
        found["cost"] = [_EMPTY if row.cost is None else _Cell(dollars(row.cost), row.cost) for row in rows]
        said = {
            "rating": [
                _EMPTY if row.rating is None else _Cell(f"{row.rating:.3g} ★", row.rating) for row in rows
            ],
            "pick": [_EMPTY if row.pick is None else _Cell(_MARKS[row.pick], not row.pick) for row in rows],
            "tags": [_Cell(row.tags or "") for row in rows],
            "note": [_Cell(row.note or "") for row in rows],
            "took": [
                _EMPTY
                if row.service_seconds is None
                else _Cell(f"{row.service_seconds:.0f} s", row.service_seconds)
                for row in rows
            ],
            "error": [
                _Cell(": ".join(part for part in (row.error_class, row.error) if part)) for row in rows
            ],
        }
        return found | {name: cells for name, cells in said.items() if any(cell.text for cell in cells)}

    def _pictures(self, rows: Sequence[Row]) -> Iterator[str]:
        """Yield the posters: as many inside of the page as its budget has room for, the others by their place."""
        folder, left = self.sweep.folder, _PICTURES
        beside = beside_notebook(folder)
        for row in rows:
            if not row.poster or row.status != State.DONE:
                yield ""
            elif left > 0:
                data = shrunk(folder, row.poster, SIDE, MOST_BYTES)
                left -= len(data)
                yield picture(data_uri(data)) if data else ""
            else:
                yield picture(quote(f"{beside}/{row.poster}"))


def _td(cell: _Cell) -> str:
    key = "" if cell.key is None else f' data-key="{cell.key}"'
    text = cell.text if len(cell.text) <= _LONGEST else f"{cell.text[: _LONGEST - 1]}…"
    return f'<td dir="auto"{key}>{html.escape(text)}</td>'
