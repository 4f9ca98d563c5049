"""The gallery without script: a table of posters for places that run no widgets.

Inline styles only, since sanitizers drop style sheets; pictures rather than
players, since some sites refuse those. Nothing in it changes from run to run.
Where it goes into a notebook it is small, however large the sweep.
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
    from collections.abc import Mapping, Sequence

    from gridgen.journal import Row
    from gridgen.sweep import Sweep

__all__ = ["static_form"]

_BUDGET = 62_000
"""Bytes of pictures in one form; base64 makes them a third more."""
_MOST_CLIPS = (200, 100, 50, 20, 5, 2, 1, 0)
"""How many clips are shown at most, as many of them as their words leave room for."""
_LONGEST = 300
"""Characters of a text about one clip."""
_DOLLAR = 13
"""Bytes that `without_mathematics` puts around a dollar."""
_WIDEST, _NARROWEST = 240, 112

Poster = tuple[str, str | None, int, int]
"""Its name, the print of its clip, and how large it is drawn: pixels and bytes."""

_GREY = "rgba(128,128,128,.45)"
_NOTE = "font-size:11px;opacity:.75"


@without_mathematics
def static_form(
    sweep: Sweep,
    rows: Sequence[str],
    cols: Sequence[str],
    *,
    so_far: bool = False,
    largest: int | None = None,
    drawn: dict[Poster, bytes] | None = None,
) -> str:
    """Return the sweep's clips as a table of posters.

    Parameters
    ----------
    sweep : Sweep
        What to show. While any of it is unfinished only the plan is shown, so that
        the form does not depend on the moment.
    rows, cols : sequence of str
        Axis names, outermost first.
    so_far : bool
        Show how far it is instead of the plan.
    largest : int, optional
        Bytes that it may have: pictures become smaller and long texts are cut, then fewer clips are shown.
    drawn : dict, optional
        Keeps the pictures of one call for the next.

    Returns
    -------
    str
        HTML with every text escaped.
    """
    found = sweep.rows()
    told = so_far or not any(row.status in UNFINISHED for row in found)
    sheet = _Sheet(sweep, found, rows, cols, told=told)
    budget = _BUDGET
    if largest is not None:
        sheets = (_Sheet(sweep, found, rows, cols, most, told=told) for most in _MOST_CLIPS)
        sheet = next(each for each in sheets if each.words <= largest * 2 // 5 or not each.shown)
        budget = min(_BUDGET, (largest - sheet.words) * 3 // 4)
    return sheet.html(_pictures(sweep.folder, sheet, budget, {} if drawn is None else drawn))


class _Sheet:
    """The clips of a sweep, laid out: all of them, or at most so many and with long texts cut.

    Attributes
    ----------
    shown : sequence of Row
    pictured : list of Row
        Those of which there is a picture to show.
    words : int
        Bytes without the pictures.
    """

    def __init__(
        self,
        sweep: Sweep,
        found: Sequence[Row],
        rows: Sequence[str],
        cols: Sequence[str],
        most: int | None = None,
        *,
        told: bool,
    ) -> None:
        self.shown = found[:most]
        self._told, self._longest = told, None if most is None else _LONGEST
        self._summary = _summary(sweep, found, most, told=told)
        axes = sheet_axes(sweep)
        places = [coordinates(axes, row) for row in self.shown]
        self._pivot = Pivot(axes, places, Sides(tuple(rows), tuple(cols)))
        self.pictured = [row for row in self.shown if told and row.poster and row.status == State.DONE]
        page = self.html({row.index: data_uri(b"") for row in self.pictured})
        self.words = len(page.encode()) + page.count("$") * _DOLLAR

    def html(self, pictures: Mapping[int, str]) -> str:
        def draw(numbers: Sequence[int]) -> str:
            return "".join(
                _tile(
                    self.shown[at],
                    self._pivot.caption(at),
                    pictures.get(self.shown[at].index),
                    self._longest,
                    told=self._told,
                )
                for at in numbers
            )

        return (
            '<div style="font-family:system-ui,sans-serif;font-size:13px;line-height:1.4;overflow-x:auto">'
            f'<p style="margin:0 0 6px">{self._summary}</p>'
            '<table style="border-collapse:separate;border-spacing:4px;border:0;margin:0">'
            f"{self._pivot.html(draw)}</table></div>"
        )


def _summary(sweep: Sweep, found: Sequence[Row], most: int | None, *, told: bool) -> str:
    seconds = sum(row.cell.seconds for row in found if row.status != State.SKIPPED)
    parts = [f"{len(found)} {'clip' if len(found) == 1 else 'clips'}", f"{seconds} s of footage"]
    if told:
        states = sorted({row.status for row in found}, key=lambda status: (status != State.DONE, status))
        parts += [f"{sum(row.status == status for row in found)} {status}" for status in states]
    if most is not None and len(found) > most:
        parts.append(f"the first {most} are shown")
    return f"<strong>{html.escape(Path(sweep.name).name)}</strong> · {html.escape(' · '.join(parts))}"


def _tile(row: Row, caption: str, picture: str | None, longest: int | None, *, told: bool) -> str:
    alt = html.escape(f"{row.cell.prompt[:longest]}, {row.cell.size}, {row.cell.duration} s")
    status = row.status if told or row.status == State.SKIPPED else State.PLANNED
    if picture:
        shown = f'<img src="{picture}" alt="{alt}" style="display:block;border-radius:8px;margin:0">'
    else:
        edge = "solid #c23a3a" if status in TROUBLED else f"dashed {_GREY}"
        shown = (
            f'<div style="width:{_NARROWEST}px;padding:12px 8px;border:1px {edge};border-radius:8px;{_dim(status)}'
            f'text-align:center;font-size:12px">{html.escape(status)}</div>'
        )
    notes = [caption, _trouble(row) if told or row.status == State.SKIPPED else ""]
    lines = "".join(
        f'<div style="{_NOTE};max-width:220px">{html.escape(note[:longest])}</div>' for note in notes if note
    )
    return f'<div style="display:inline-block;vertical-align:top;margin:0 6px 4px 0">{shown}{lines}</div>'


def _dim(status: str) -> str:
    return "opacity:.6;" if status == State.SKIPPED else ""


def _trouble(row: Row) -> str:
    if row.status not in REASONED:
        return ""
    return ": ".join(part for part in (row.error_class, row.error) if part)


def _pictures(folder: Path, sheet: _Sheet, budget: int, drawn: dict[Poster, bytes]) -> dict[int, str]:
    """Return posters as data URIs, as large as the budget lets them be, for as many rows as it reaches.

    What is still to come counts too, so that none of them shrinks when it is there.
    """
    coming = len(sheet.pictured) + sum(row.status in UNFINISHED for row in sheet.shown)
    if not sheet.pictured:
        return {}
    share = budget // coming
    side = max(_NARROWEST, min(_WIDEST, round(_WIDEST * (share / 5_000) ** 0.5)))
    pictures, left, kept = {}, budget, dict(drawn)
    drawn.clear()
    for row in sheet.pictured:
        poster = (str(row.poster), row.sha256, side, share)
        drawn[poster] = data = kept.get(poster) or shrunk(folder, str(row.poster), side, share, effort=6)
        left -= len(data)
        if left < 0:
            break
        if not data:
            continue
        pictures[row.index] = data_uri(data)
    return pictures
