"""The gallery without script: a table of posters for places that run no widgets.

Inline styles only, since sanitizers drop style sheets; pictures rather than
players, since some sites refuse those. Nothing in it changes from run to run.
"""

from __future__ import annotations

import base64
import html
import io
import itertools
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from gridgen.gallery.layout import UNFINISHED, coordinates, describe, sheet_axes, speak

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gridgen.grid import Axis
    from gridgen.journal import Row
    from gridgen.sweep import Sweep

__all__ = ["static_form"]

_BUDGET = 62_000
"""Bytes of pictures in one form; base64 makes them a third more."""
_WIDEST, _NARROWEST = 240, 112
_BAD = frozenset({"failed", "rejected", "expired", "missing", "lost", "unknown"})

_GREY = "rgba(128,128,128,.45)"
_TEXT = "font-size:13px;text-align:left;vertical-align:top;padding:4px 8px;background:none;border:0;max-width:240px;white-space:normal"
_NOTE = "font-size:11px;opacity:.75"


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
    sheet = _Sheet(sheet_axes(sweep), found, rows, cols)
    finished = not any(row.status in UNFINISHED for row in found)
    pictures = _pictures(sweep.folder, found) if finished else {}
    body = "".join(_line(sheet, at, pictures, finished=finished) for at in range(len(sheet.row_keys)))
    return (
        '<div style="font-family:system-ui,sans-serif;font-size:13px;line-height:1.4;overflow-x:auto">'
        f'<p style="margin:0 0 6px">{_summary(sweep, found, finished=finished)}</p>'
        '<table style="border-collapse:separate;border-spacing:4px;border:0;margin:0">'
        f"{_heads(sheet)}{body}</table></div>"
    )


class _Sheet:
    """Rows of a sweep in the boxes of a table."""

    def __init__(
        self, axes: Sequence[Axis], found: Sequence[Row], rows: Sequence[str], cols: Sequence[str]
    ) -> None:
        names = [axis.name for axis in axes]
        self.rows = [axes[names.index(name)] for name in rows]
        self.cols = [axes[names.index(name)] for name in cols]
        self.rest = [
            axis for axis in axes if len(axis) > 1 and axis not in self.rows and axis not in self.cols
        ]
        self.boxes: dict[tuple[tuple[int, ...], tuple[int, ...]], list[Row]] = {}
        for row in found:
            place = (tuple(coordinates(self.rows, row)), tuple(coordinates(self.cols, row)))
            self.boxes.setdefault(place, []).append(row)
        self.row_keys = sorted({key for key, _ in self.boxes})
        self.col_keys = sorted({key for _, key in self.boxes})

    def caption(self, row: Row) -> str:
        """Return what neither rows nor columns say."""
        return " · ".join(describe(sorted(self.rest, key=lambda axis: axis.name == "prompt"), row))


def _summary(sweep: Sweep, found: Sequence[Row], *, finished: bool) -> str:
    seconds = sum(row.cell.duration for row in found)
    parts = [f"{len(found)} {'clip' if len(found) == 1 else 'clips'}", f"{seconds} s of footage"]
    if finished:
        states = sorted({row.status for row in found}, key=lambda status: (status != "done", status))
        parts += [f"{sum(row.status == status for row in found)} {status}" for status in states]
    return f"<strong>{html.escape(Path(sweep.name).name)}</strong> · {html.escape(' · '.join(parts))}"


def _runs(keys: Sequence[tuple[int, ...]], level: int) -> list[tuple[int, int]]:
    """Return value and length of each run of neighbours that share a header."""
    grouped = itertools.groupby(keys, key=lambda key: key[: level + 1])
    return [(prefix[level], len(list(group))) for prefix, group in grouped]


def _heads(sheet: _Sheet) -> str:
    corner = f'<th colspan="{len(sheet.rows)}" style="{_TEXT}"></th>' if sheet.rows else ""
    return "".join(
        '<tr style="background:none">'
        + corner
        + "".join(
            f'<th colspan="{span}" style="{_TEXT}">{html.escape(speak(axis, at))}</th>'
            for at, span in _runs(sheet.col_keys, level)
        )
        + "</tr>"
        for level, axis in enumerate(sheet.cols)
    )


def _line(sheet: _Sheet, at: int, pictures: dict[int, str], *, finished: bool) -> str:
    key = sheet.row_keys[at]
    heads = "".join(
        f'<th rowspan="{span}" style="{_TEXT}">{html.escape(speak(axis, key[level]))}</th>'
        for level, axis in enumerate(sheet.rows)
        if (span := _begins(sheet.row_keys, level, at))
    )
    cells = "".join(
        f'<td style="{_TEXT};max-width:none">'
        + "".join(
            _tile(sheet, row, pictures.get(row.index), finished=finished)
            for row in sheet.boxes.get((key, col), [])
        )
        + "</td>"
        for col in sheet.col_keys
    )
    return f'<tr style="background:none">{heads}{cells}</tr>'


def _begins(keys: Sequence[tuple[int, ...]], level: int, at: int) -> int:
    """Return how many rows a header spans that begins here, 0 where none does."""
    start = 0
    for _, span in _runs(keys, level):
        if start == at:
            return span
        start += span
    return 0


def _tile(sheet: _Sheet, row: Row, picture: str | None, *, finished: bool) -> str:
    alt = html.escape(f"{row.cell.prompt}, {row.cell.size}, {row.cell.duration} s")
    status = row.status if finished else "planned"
    if picture:
        shown = f'<img src="{picture}" alt="{alt}" style="display:block;border-radius:8px;margin:0">'
    else:
        edge = "solid #c23a3a" if status in _BAD else f"dashed {_GREY}"
        shown = (
            f'<div style="width:{_NARROWEST}px;padding:12px 8px;border:1px {edge};border-radius:8px;'
            f'text-align:center;font-size:12px">{html.escape(status)}</div>'
        )
    notes = [sheet.caption(row), _trouble(row) if finished else ""]
    lines = "".join(
        f'<div style="{_NOTE};max-width:220px">{html.escape(note)}</div>' for note in notes if note
    )
    return f'<div style="display:inline-block;vertical-align:top;margin:0 6px 4px 0">{shown}{lines}</div>'


def _trouble(row: Row) -> str:
    return ": ".join(part for part in (row.error_class, row.error) if part) if row.status in _BAD else ""


def _pictures(folder: Path, found: Sequence[Row]) -> dict[int, str]:
    """Return posters as data URIs, as large as the budget lets them be, for as many rows as it reaches."""
    named = [(row.index, row.poster) for row in found if row.poster and row.status == "done"]
    if not named:
        return {}
    share = _BUDGET // len(named)
    side = max(_NARROWEST, min(_WIDEST, round(_WIDEST * (share / 5_000) ** 0.5)))
    pictures, left = {}, _BUDGET
    for index, name in named:
        data = _shrunk(folder / name, side, share)
        left -= len(data)
        if left < 0:
            break
        if not data:
            continue
        pictures[index] = "data:image/webp;base64," + base64.b64encode(data).decode()
    return pictures


def _shrunk(path: Path, side: int, most: int) -> bytes:
    """Return a poster with its long side at most `side` pixels, in about `most` bytes; empty where it is unreadable."""
    try:
        with Image.open(path) as image:
            image.thumbnail((side, side))
            for quality in (72, 50, 30):
                data = io.BytesIO()
                image.convert("RGB").save(data, "WEBP", quality=quality, method=6)
                if data.tell() <= most:
                    break
    except OSError:
        return b""
    return data.getvalue()
