"""The gallery without script: a table of posters for places that run no widgets.

Inline styles only, since sanitizers drop style sheets; pictures rather than
players, since some sites refuse those. Nothing in it changes from run to run.
"""

from __future__ import annotations

import html
from pathlib import Path
from typing import TYPE_CHECKING

from gridgen.gallery.layout import coordinates, sheet_axes
from gridgen.gallery.thumbnails import data_uri, shrunk
from gridgen.grid.pivot import Pivot, Sides
from gridgen.money import without_mathematics
from gridgen.states import REASONED, TROUBLED, UNFINISHED, State

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gridgen.journal import Row
    from gridgen.sweep import Sweep

__all__ = ["static_form"]

_BUDGET = 62_000
"""Bytes of pictures in one form; base64 makes them a third more."""
_WIDEST, _NARROWEST = 240, 112

_GREY = "rgba(128,128,128,.45)"
_NOTE = "font-size:11px;opacity:.75"


@without_mathematics
def static_form(sweep: Sweep, rows: Sequence[str], cols: Sequence[str]) -> str:
    """Return the sweep's clips as a table of posters.

    Parameters
    ----------
    sweep : Sweep
        What to show. While any of it is unfinished only the plan is shown, so that
        the form does not depend on the moment.
    rows, cols : sequence of str
        Axis names, outermost first.

    Returns
    -------
    str
        HTML with every text escaped.
    """
    found = sweep.rows()
    axes = sheet_axes(sweep)
    sheet = Pivot(axes, [coordinates(axes, row) for row in found], Sides(tuple(rows), tuple(cols)))
    finished = not any(row.status in UNFINISHED for row in found)
    pictures = _pictures(sweep.folder, found) if finished else {}

    def draw(numbers: Sequence[int]) -> str:
        return "".join(
            _tile(found[at], sheet.caption(at), pictures.get(found[at].index), finished=finished)
            for at in numbers
        )

    return (
        '<div style="font-family:system-ui,sans-serif;font-size:13px;line-height:1.4;overflow-x:auto">'
        f'<p style="margin:0 0 6px">{_summary(sweep, found, finished=finished)}</p>'
        '<table style="border-collapse:separate;border-spacing:4px;border:0;margin:0">'
        f"{sheet.html(draw)}</table></div>"
    )


def _summary(sweep: Sweep, found: Sequence[Row], *, finished: bool) -> str:
    seconds = sum(row.cell.seconds for row in found if row.status != State.SKIPPED)
    parts = [f"{len(found)} {'clip' if len(found) == 1 else 'clips'}", f"{seconds} s of footage"]
    if finished:
        states = sorted({row.status for row in found}, key=lambda status: (status != State.DONE, status))
        parts += [f"{sum(row.status == status for row in found)} {status}" for status in states]
    return f"<strong>{html.escape(Path(sweep.name).name)}</strong> · {html.escape(' · '.join(parts))}"


def _tile(row: Row, caption: str, picture: str | None, *, finished: bool) -> str:
    alt = html.escape(f"{row.cell.prompt}, {row.cell.size}, {row.cell.duration} s")
    status = row.status if finished or row.status == State.SKIPPED else State.PLANNED
    if picture:
        shown = f'<img src="{picture}" alt="{alt}" style="display:block;border-radius:8px;margin:0">'
    else:
        edge = "solid #c23a3a" if status in TROUBLED else f"dashed {_GREY}"
        shown = (
            f'<div style="width:{_NARROWEST}px;padding:12px 8px;border:1px {edge};border-radius:8px;{_dim(status)}'
            f'text-align:center;font-size:12px">{html.escape(status)}</div>'
        )
    notes = [caption, _trouble(row) if finished or row.status == State.SKIPPED else ""]
    lines = "".join(
        f'<div style="{_NOTE};max-width:220px">{html.escape(note)}</div>' for note in notes if note
    )
    return f'<div style="display:inline-block;vertical-align:top;margin:0 6px 4px 0">{shown}{lines}</div>'


def _dim(status: str) -> str:
    return "opacity:.6;" if status == State.SKIPPED else ""


def _trouble(row: Row) -> str:
    if row.status not in REASONED:
        return ""
    return ": ".join(part for part in (row.error_class, row.error) if part)


def _pictures(folder: Path, found: Sequence[Row]) -> dict[int, str]:
    """Return posters as data URIs, as large as the budget lets them be, for as many rows as it reaches."""
    named = [(row.index, row.poster) for row in found if row.poster and row.status == State.DONE]
    if not named:
        return {}
    share = _BUDGET // len(named)
    side = max(_NARROWEST, min(_WIDEST, round(_WIDEST * (share / 5_000) ** 0.5)))
    pictures, left = {}, _BUDGET
    for index, name in named:
        data = shrunk(folder, name, side, share, effort=6)
        left -= len(data)
        if left < 0:
            break
        if not data:
            continue
        pictures[index] = data_uri(data)
    return pictures
