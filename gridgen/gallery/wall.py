"""The wall of players: one widget for all clips of a sweep."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import traitlets as t

from gridgen.gallery.cell import running_cell
from gridgen.gallery.change_feed import ChangeFeed
from gridgen.gallery.folder_mark import folder_mark
from gridgen.gallery.judge import Judge
from gridgen.gallery.layout import Sides, sheet_axes
from gridgen.gallery.menus import menus
from gridgen.gallery.rpc import QuestionError, SweepWidget
from gridgen.gallery.script import script, style
from gridgen.gallery.throttle import Throttle

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gridgen.gallery.still import Still
    from gridgen.journal import Row
    from gridgen.sweep import Sweep

__all__ = ["Wall"]

MOST_VIEW = 20_000
"""Characters of the longest text of a view that is kept."""

MOST_PAGES, LONGEST_PAGE = 100, 40
"""How many pages that show the wall are told apart, and characters of the longest name of one."""


def _view(_value: object, wall: Wall) -> str:
    return wall.seen


def _snapshot(_value: object, wall: Wall) -> dict[str, Any]:
    return wall.known()


def _selected(_value: object, wall: Wall) -> list[int]:
    return list(wall.judge.selected)


class Wall(SweepWidget):
    """All clips of a sweep, laid out by axes and played in step in the browser.

    Its traits are view settings only. Tiles travel as one snapshot, which is part
    of the widget's state so that it needs no answer from a busy kernel, and then
    as changes.

    Parameters
    ----------
    sweep : Sweep
        What to show.
    sides : Sides
        Axes along rows and columns to begin with.
    view : str
        How it is looked at, as `view` once said.
    still : Still
        What stands in for it.
    reviewer : str
        Who judges in it.
    rounds : sequence of int, optional
        Rows that take part in blind rounds, which are then shown in place of the wall.
    """

    _esm = script("wall")
    _css = style()

    menus: t.List[dict[str, Any]] = t.List().tag(sync=True)
    rows = t.Int(0, allow_none=True).tag(sync=True)
    cols = t.Int(0, allow_none=True).tag(sync=True)
    outer_rows = t.Int(0, allow_none=True).tag(sync=True)
    outer_cols = t.Int(0, allow_none=True).tag(sync=True)
    sort = t.Int(0, allow_none=True).tag(sync=True)
    fit = t.Int(0, allow_none=True).tag(sync=True)
    tile = t.Int(0).tag(sync=True)
    look: t.Dict[str, Any] = t.Dict().tag(sync=True)
    view = t.Any().tag(sync=True, to_json=_view)
    selected = t.Any().tag(sync=True, to_json=_selected)
    bare = t.Bool(default_value=False).tag(sync=True)  # whether nothing around it has its menus
    rounds: t.List[int] = t.List().tag(sync=True)
    snapshot = t.Any().tag(sync=True, to_json=_snapshot)

    def __init__(
        self,
        sweep: Sweep,
        sides: Sides,
        view: str = "",
        *,
        still: Still,
        reviewer: str,
        rounds: Sequence[int] = (),
    ) -> None:
        self.feed = ChangeFeed(sweep, reviewer)
        self.judge = Judge(sweep, self.feed)
        self.cell = running_cell()
        self.shown = sides
        self.seen = view
        self._folder, self._mark = sweep.folder, folder_mark(sweep.folder)
        self._pages: set[str] = set()
        self._unseen = self._left = False
        self._close: Callable[[], None] | None = None
        self.offered = menus(sheet_axes(sweep), sides)
        begun = {
            "rows": sides.rows[-1:],
            "cols": sides.cols[-1:],
            "outer_rows": sides.rows[:-1],
            "outer_cols": sides.cols[:-1],
        }
        super().__init__(
            still=still.name,
            rounds=list(rounds),
            menus=[menu.state() for menu in self.offered],
            look={"rows": list(sides.rows), "cols": list(sides.cols)},
            **{
                menu.name: menu.position(list(begun[menu.name]))
                for menu in self.offered
                if menu.name in begun
            },
        )
        self._outlet = Throttle(self._flow)
        self.follow(sweep, still)

    def __repr__(self) -> str:
        return "Wall()"

    def known(self) -> dict[str, Any]:
        """Return all that the browser begins with, as JSON values."""
        self._mark = folder_mark(self._folder)
        return {**self.feed.snapshot(), "mark": self._mark, "choices": self.judge.choices()}

    def changed(self, rows: tuple[Row, ...]) -> None:
        """Send what the browser has not heard, now or when there is room for it."""
        self.feed.note(rows)
        self._outlet.open()

    def _flow(self) -> int:
        delta = None if self._unseen else self.feed.delta()
        if delta is None:
            return 0
        if self._mark is None and (mark := folder_mark(self._folder)):
            self._mark = delta["mark"] = mark
        self.send(delta)
        return len(json.dumps(delta))

    def answer(self, question: dict[str, Any]) -> tuple[dict[str, Any], list[bytes]]:
        """Answer one question; the files of known clips are the only ones sent."""
        match question.get("kind"):
            case str(kind) if kind in self.judge.kinds:
                return self.judge.answer(question), []
            case "snapshot":
                return {"snapshot": self.known()}, []
            case "view":
                return self._looked(question)
            case "page":
                return self._turned(question.get("page"), question.get("shows"))
            case "left":
                return self._let_go(), []
            case "media":
                return {}, [self.feed.file(question.get("id"), question.get("what"))]
            case other:
                msg = f"{other!r} is not a question that the wall answers"
                raise QuestionError(msg)

    def _turned(self, page: object, shows: object) -> tuple[dict[str, Any], list[bytes]]:
        """Take up whether a page shows the wall; while none does, what changes is kept for the next one."""
        if not isinstance(page, str) or len(page) > LONGEST_PAGE or not isinstance(shows, bool):
            msg = "this is no page that shows the wall"
            raise QuestionError(msg)
        if not shows:
            self._pages.discard(page)
        elif len(self._pages) < MOST_PAGES:
            self._pages.add(page)
        self._unseen, self._left = not shows and not self._pages, False
        self._outlet.open()
        return {}, []

    def replace(self, close: Callable[[], None]) -> None:
        """Take up that another wall has its place: it is closed once no page shows it, which has shown it before.

        A page that was reloaded or closed never said that it hides the wall, so all are
        forgotten, and those that live say anew whether they show it.
        """
        self._close = close
        if self._left:
            close()
        elif self._pages:
            self._pages.clear()
            self.send({"kind": "who"})

    def _let_go(self) -> dict[str, Any]:
        """Take up that the last page that showed it has not shown it again for a while, as one does that moves it."""
        self._left = self._unseen
        if self._left and self._close is not None:
            self._close()
        return {}

    def _looked(self, question: dict[str, Any]) -> tuple[dict[str, Any], list[bytes]]:
        """Take up how the person looks at it."""
        names = [axis["name"] for axis in self.feed.axes]
        rows, cols, view = (question.get(name) for name in ("rows", "cols", "view"))
        sides = [
            side for side in (rows, cols) if isinstance(side, list) and all(name in names for name in side)
        ]
        if len(sides) < len((rows, cols)) or not isinstance(view, str) or len(view) > MOST_VIEW:
            msg = "this is no view that the wall can have"
            raise QuestionError(msg)
        self.shown, self.seen = Sides(tuple(sides[0]), tuple(sides[1])), view
        self.picture.changed(last=True)
        return {}, []
