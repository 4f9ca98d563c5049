"""The wall of players: one widget for all clips of a sweep."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import traitlets as t

from gridgen.gallery.channel import QuestionError, SweepWidget
from gridgen.gallery.feed import Feed
from gridgen.gallery.script import script, style

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gridgen.journal import Row
    from gridgen.sweep import Sweep

__all__ = ["Wall"]


def _snapshot(_value: object, wall: Wall) -> dict[str, Any]:
    return wall.feed.snapshot()


class Wall(SweepWidget):
    """All clips of a sweep, laid out by axes and played in step in the browser.

    Its traits are view settings only. Tiles travel as one snapshot, which is part
    of the widget's state so that it needs no answer from a busy kernel, and then
    as changes.

    Parameters
    ----------
    sweep : Sweep
        What to show.
    choices : sequence of tuples of str
        What rows and columns can be: axis names, outermost first.
    rows, cols : int
        Positions in `choices`.
    """

    _esm = script("wall")
    _css = style()

    choices: t.List[list[str]] = t.List().tag(sync=True)
    rows = t.Int(0, allow_none=True).tag(sync=True)
    cols = t.Int(0, allow_none=True).tag(sync=True)
    playing = t.Bool(default_value=False).tag(sync=True)
    muted = t.Bool(default_value=True).tag(sync=True)
    loop = t.Bool(default_value=True).tag(sync=True)
    tile = t.Int(240).tag(sync=True)
    play_icon = t.Unicode("play").tag(sync=True)
    play_words = t.Unicode("Play all").tag(sync=True)
    snapshot = t.Any().tag(sync=True, to_json=_snapshot)

    def __init__(self, sweep: Sweep, *, choices: Sequence[Sequence[str]], rows: int, cols: int) -> None:
        self.feed = Feed(sweep)
        super().__init__(choices=[list(names) for names in choices], rows=rows, cols=cols)
        self.follow(sweep)

    def __repr__(self) -> str:
        return "Wall()"

    def changed(self, rows: tuple[Row, ...]) -> None:
        """Send what the browser has not heard."""
        delta = self.feed.delta(rows)
        if delta is not None:
            self.send(delta)

    def answer(self, question: dict[str, Any]) -> tuple[dict[str, Any], list[bytes]]:
        """Answer one question; the files of known clips are the only ones sent."""
        match question.get("kind"):
            case "snapshot":
                return {"snapshot": self.feed.snapshot()}, []
            case "media":
                return {}, [self.feed.file(question.get("id"), question.get("what"))]
            case other:
                msg = f"{other!r} is not a question that the wall answers"
                raise QuestionError(msg)
