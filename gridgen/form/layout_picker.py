"""The layout picker of the form: its layout to click on, its figures, its code, and a place to drop images."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import traitlets as t

from gridgen.gallery.rpc import QuestionError, RpcWidget
from gridgen.gallery.script import script, style
from gridgen.grid.pivot import TAKE, Pivot, Sides, runs, settled, speak

if TYPE_CHECKING:
    from collections.abc import Callable

    from gridgen.form.draft import Pattern
    from gridgen.grid.axes import Axis
    from gridgen.grid.preview import Preview

__all__ = ["LayoutPicker", "layout"]

MOST_TILES = 1_000
"""Places that are drawn; the figures count all."""


class LayoutPicker(RpcWidget):
    """What a draft would make, in the browser.

    Parameters
    ----------
    toggle : callable
        Called with a combination that the person pointed at.
    take_image : callable
        Called with the name and the content of an image that the person dropped;
        returns what to say, and raises `QuestionError` where it is none.
    """

    _esm = script("layout_picker")
    _css = style()

    plan = t.Dict().tag(sync=True)
    said = t.Unicode("").tag(sync=True)
    still = t.Unicode("").tag(sync=True)

    def __init__(self, toggle: Callable[[Pattern], None], take_image: Callable[[str, bytes], str]) -> None:
        self._toggle, self._take_image = toggle, take_image
        self._patterns: dict[str, Pattern] = {}
        super().__init__()
        self.listen()

    def __repr__(self) -> str:
        return "LayoutPicker()"

    def show(
        self, preview: Preview | None, *, facts: list[str], problem: str, code: str, wrong: dict[str, str]
    ) -> None:
        """Draw a layout, its figures and its code; without one say what is wrong, by the name of its field, instead."""
        drawn: dict[str, Any] = {}
        self._patterns = {}
        if preview is not None:
            drawn, self._patterns = layout(preview)
        self.plan = {**drawn, "facts": facts, "problem": problem, "code": code, "wrong": wrong}

    def answer(self, question: dict[str, Any]) -> tuple[dict[str, Any], list[bytes]]:
        """Leave a combination out or take it in again, or take an image; nothing else is done."""
        match question.get("kind"):
            case "toggle":
                pattern = self._patterns.get(str(question.get("place")))
                if pattern is None:
                    msg = "the layout has changed meanwhile; look again"
                    raise QuestionError(msg)
                self._toggle(pattern)
                return {}, []
            case "image":
                name, buffers = question.get("name"), question.get("buffers")
                if not isinstance(name, str) or not isinstance(buffers, list) or len(buffers) != 1:
                    msg = "no image came along"
                    raise QuestionError(msg)
                return {"said": self._take_image(name, bytes(buffers[0]))}, []
            case other:
                msg = f"{other!r} is not a question that the form answers"
                raise QuestionError(msg)


def layout(preview: Preview) -> tuple[dict[str, Any], dict[str, Pattern]]:
    """Return a layout as JSON values, and for each place and header what it stands for.

    Parameters
    ----------
    preview : Preview

    Returns
    -------
    drawn : dict
        ``top``: for each level of columns its headers; ``lines``: for each row its
        headers and the boxes of places. A place has ``id``, ``state``, ``text`` and
        ``says``; a header ``id``, ``text`` and ``span``.
    patterns : dict of str to Pattern
        By those ids.
    """
    tiles = preview.tiles[:MOST_TILES]
    sheet = Pivot(preview.axes, [tile.at for tile in tiles], Sides(preview.rows, preview.cols))
    varied = [axis.name for axis in preview.axes if len(axis) > 1]
    free = [
        (at, axis)
        for at, axis in enumerate(preview.axes)
        if axis.name in varied and axis.name != TAKE and not settled(axis, varied)
    ]
    patterns: dict[str, Pattern] = {}

    def place(number: int) -> dict[str, Any]:
        tile = tiles[number]
        patterns[f"t{number}"] = tuple((axis.name, _value(axis, tile.at[at])) for at, axis in free)
        caption = sheet.caption(number)
        whole = " · ".join(speak(axis, tile.at[at]) for at, axis in free)
        says = ": ".join(part for part in (whole, tile.reason or tile.state) if part)
        return {"id": f"t{number}", "state": tile.state, "text": caption, "says": says}

    def heads(
        side: str, axes: list[Axis], keys: list[tuple[int, ...]], level: int
    ) -> dict[int, dict[str, Any]]:
        found = {}
        for _, start, span in runs(keys, level):
            named = f"{side}{level}.{start}"
            above = zip(axes[: level + 1], keys[start], strict=False)
            patterns[named] = tuple((axis.name, _value(axis, at)) for axis, at in above if axis.name != TAKE)
            found[start] = {"id": named, "text": speak(axes[level], keys[start][level]), "span": span}
        return found

    top = [list(heads("c", sheet.cols, sheet.col_keys, level).values()) for level in range(len(sheet.cols))]
    sides = [heads("r", sheet.rows, sheet.row_keys, level) for level in range(len(sheet.rows))]
    lines = [
        {
            "heads": [side[at] for side in sides if at in side],
            "boxes": [
                [place(number) for number in sheet.boxes.get((key, col), [])] for col in sheet.col_keys
            ],
        }
        for at, key in enumerate(sheet.row_keys)
    ]
    more = len(preview.tiles) - len(tiles)
    drawn = {"corner": len(sheet.rows), "cols": list(preview.cols), "rows": list(preview.rows)}
    return {**drawn, "top": top, "lines": lines, "more": more}, patterns


def _value(axis: Axis, at: int) -> Any:
    """Return a value as an exclusion names it: images by their label, the rest by themselves."""
    value = axis.values[at]
    return axis.labels[at] if isinstance(value, (tuple, list, dict)) or value is None else value
