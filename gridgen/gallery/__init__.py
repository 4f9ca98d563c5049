"""The gallery of a sweep: menus over one wall of players."""

from __future__ import annotations

import weakref
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import ipywidgets

from gridgen.gallery.box import Box
from gridgen.gallery.layout import sheet_axes, sides
from gridgen.gallery.static import static_form
from gridgen.gallery.still import Still
from gridgen.gallery.table import ClipTable
from gridgen.gallery.thumbnails import thumbnails_of
from gridgen.gallery.wall import Wall
from gridgen.judgements import reviewer_name
from gridgen.judgements.ratings import me

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd

    from gridgen.gallery.menus import Menu
    from gridgen.gallery.static import Poster
    from gridgen.judgements.rounds import Rounds
    from gridgen.sweep import Sweep

__all__ = ["ClipTable", "Gallery", "thumbnails_of"]

WIDEST = 480


class Gallery(Box):
    """The clips of a sweep side by side, playing in step.

    The menus act in the browser, so they work while a cell keeps the
    kernel busy and after the kernel is gone. Where no widgets run, the gallery is
    a table of posters without any script.

    When its cell is run again and shows the same sweep, it is closed as soon as no page
    shows it any more; where the front end does not name its cells, never.

    Parameters
    ----------
    sweep : Sweep
        Running, finished or not begun: the wall fills as clips arrive.
    rows, cols : str or list of str, optional
        Axis names; lists nest, outermost first, and an empty list is none. By
        default the axes that vary are dealt out; the rest are tabs.
    view : str, optional
        How to look at it, as `view` once said or as the address of an exported page
        ends; it takes precedence over `rows` and `cols`.
    reviewer : str, optional
        Who judges in it; by default the user of the hub or of the system.
    rounds : Rounds, optional
        Shows these blind rounds in place of the wall.

    Raises
    ------
    GridError
        If a name is no axis of the sweep.

    Examples
    --------
    >>> sweep.gallery(rows="prompt", cols=["size", "duration"])  # doctest: +SKIP
    """

    _owned: tuple[ipywidgets.Widget, ...] = ()
    _open: ClassVar[weakref.WeakSet[Gallery]] = weakref.WeakSet()

    def __init__(
        self,
        sweep: Sweep,
        rows: str | Iterable[str] | None = None,
        cols: str | Iterable[str] | None = None,
        *,
        view: str = "",
        reviewer: str | None = None,
        rounds: Rounds | None = None,
    ) -> None:
        self.sweep = sweep
        self.reviewer = me() if reviewer is None else reviewer_name(reviewer)
        self._rounds = rounds
        self._posters: dict[Poster, bytes] = {}
        taking_part = [] if rounds is None else [row.index for row in rounds.rows]
        self.wall = Wall(
            sweep,
            sides(sheet_axes(sweep), rows, cols),
            view,
            still=Still(self._facts, lambda largest: self._static(so_far=True, largest=largest)),
            reviewer=self.reviewer,
            rounds=taking_part,
        )
        controls, links = _controls(self.wall)
        self._owned = (*links, *controls.children, controls, self.wall)
        super().__init__([self.wall] if taking_part else [controls, self.wall])
        self.add_class("gridgen-gallery")
        self._replace_earlier()
        self._open.add(self)

    @property
    def rows(self) -> tuple[str, ...]:
        """Names of the axes along the rows, as last chosen, outermost first."""
        return self.wall.shown.rows

    @property
    def cols(self) -> tuple[str, ...]:
        """Names of the axes along the columns, as last chosen, outermost first."""
        return self.wall.shown.cols

    @property
    def view(self) -> str:
        """How the wall is looked at, as a short text; ``gallery(view=...)`` begins so again."""
        return self.wall.seen

    @property
    def picks(self) -> pd.DataFrame:
        """The rows of `Sweep.df` that this gallery's reviewer has picked; a notebook shows them with pictures."""
        found = self.sweep.rows()
        book = self.sweep.internals.judgements.book
        rows = [row.index for row in found if book.of(self.sweep.internals.slot(row), self.reviewer).pick]
        return self._illustrated(rows)

    @property
    def selection(self) -> pd.DataFrame:
        """The rows of `Sweep.df` that are selected in the wall, in grid order; a notebook shows them with pictures."""
        return self._illustrated(list(self.wall.judge.selected))

    def _illustrated(self, rows: list[int]) -> pd.DataFrame:
        from gridgen.frame import illustrated

        return illustrated(self.sweep.df.loc[rows], thumbnails_of(self.sweep, self.sweep.rows()))

    def close(self) -> None:
        """Take it off every page and free what it holds."""
        self._open.discard(self)
        for widget in self._owned:
            widget.close()
        super().close()

    def _replace_earlier(self) -> None:
        """Let those of this sweep go that an earlier run of this cell has made."""
        for each in list(self._open):
            again = each.wall.cell is not None and each.wall.cell.again(self.wall.cell)
            if again and each.sweep.folder == self.sweep.folder:
                each.wall.replace(each.close)

    def __repr__(self) -> str:
        return f"Gallery({len(self.sweep.rows())} clips of {Path(self.sweep.name).name[:60]!r})"

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:
        return {
            **super()._repr_mimebundle_(**kwargs),
            "text/html": self._static(),
        }

    def _display_(self) -> Wall:
        """Return what marimo shows: it draws widgets of anywidget and no others, so the wall has its own menus there."""
        self.wall.bare = True
        return self.wall

    def _ipython_display_(self) -> None:
        self.wall.picture.show(self._repr_mimebundle_())

    def _static(self, *, so_far: bool = False, largest: int | None = None) -> str:
        """Return what it shows, as HTML for places that run no widgets; of an unfinished sweep the plan, or how far it is."""
        if self._rounds is not None:
            return self._rounds._repr_html_()
        return static_form(
            self.sweep, self.rows, self.cols, so_far=so_far, largest=largest, drawn=self._posters
        )

    def _facts(self) -> object:
        return self.sweep.rows() if self._rounds is None else repr(self._rounds), self.rows, self.cols


def _controls(wall: Wall) -> tuple[ipywidgets.Box, list[Any]]:
    """Return the menus and the slider, and the links that tie them to the wall."""
    made = [_menu(wall, menu) for menu in wall.offered]
    tile = ipywidgets.IntSlider(
        wall.tile,
        min=0,
        max=WIDEST,
        step=8,
        description="Tiles",
        readout=False,
        layout={"width": "150px"},
    )
    tile.style.description_width = "initial"
    links = [
        ipywidgets.jslink((shown, "index"), (wall, menu.name))
        for menu, shown in zip(wall.offered, made, strict=True)
    ]
    links.append(ipywidgets.jslink((tile, "value"), (wall, "tile")))
    controls = ipywidgets.HBox([*made, tile])
    controls.add_class("gridgen-controls")
    return controls, links


def _menu(wall: Wall, menu: Menu) -> ipywidgets.Dropdown:
    shown = ipywidgets.Dropdown(
        options=[(words, at) for at, (words, _) in enumerate(menu.options)],
        index=getattr(wall, menu.name),
        description=menu.says,
        layout={"width": "auto"},
    )
    shown.style.description_width = "initial"
    return shown
