"""The gallery of a sweep: menus and switches over one wall of players."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import ipywidgets

from gridgen.gallery.layout import choices, sheet_axes, sides
from gridgen.gallery.static import static_form
from gridgen.gallery.wall import Wall

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gridgen.sweep import Sweep

__all__ = ["Gallery"]

NARROWEST, WIDEST = 96, 480


class Gallery(ipywidgets.VBox):  # type: ignore[misc]  # ipywidgets has no types
    """The clips of a sweep side by side, playing in step.

    The menus and switches act in the browser, so they work while a cell keeps the
    kernel busy and after the kernel is gone. Where no widgets run, the gallery is
    a table of posters without any script.

    Parameters
    ----------
    sweep : Sweep
        Running, finished or not begun: the wall fills as clips arrive.
    rows, cols : str or list of str, optional
        Axis names; lists nest, outermost first, and an empty list is none. By
        default the axes that vary are dealt out.

    Raises
    ------
    GridError
        If a name is no axis of the sweep.

    Examples
    --------
    >>> sweep.gallery(rows="prompt", cols=["size", "duration"])  # doctest: +SKIP
    """

    _owned: tuple[ipywidgets.Widget, ...] = ()

    def __init__(
        self,
        sweep: Sweep,
        rows: str | Iterable[str] | None = None,
        cols: str | Iterable[str] | None = None,
    ) -> None:
        axes = sheet_axes(sweep)
        shown = sides(axes, rows, cols)
        offered = choices(axes, shown)
        self.sweep = sweep
        self.wall = Wall(
            sweep, choices=offered, rows=offered.index(shown.rows), cols=offered.index(shown.cols)
        )
        controls, links = _controls(self.wall)
        self._owned = (*links, *controls.children, controls, self.wall)
        super().__init__([controls, self.wall])
        self.add_class("gridgen-gallery")

    @property
    def rows(self) -> tuple[str, ...]:
        """Names of the axes along the rows, as last chosen, outermost first."""
        return tuple(self.wall.choices[self.wall.rows or 0])

    @property
    def cols(self) -> tuple[str, ...]:
        """Names of the axes along the columns, as last chosen, outermost first."""
        return tuple(self.wall.choices[self.wall.cols or 0])

    def close(self) -> None:
        """Take it off every page and free what it holds."""
        for widget in self._owned:
            widget.close()
        super().close()

    def __repr__(self) -> str:
        return f"Gallery({len(self.sweep.rows())} clips of {Path(self.sweep.name).name[:60]!r})"

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:
        bundle = super()._repr_mimebundle_(**kwargs) or {}
        return {
            **bundle,
            "text/plain": repr(self),
            "text/html": static_form(self.sweep, self.rows, self.cols),
        }


def _controls(wall: Wall) -> tuple[ipywidgets.Box, list[Any]]:
    """Return the menus and switches, and the links that tie them to the wall."""
    play = _switch(
        wall.play_words, wall.play_icon, "Play or pause every visible clip (Space)", "120px", on=False
    )
    mute = _switch("Mute", "volume-off", "Sound of the clip that is open (M)", "84px", on=True)
    loop = _switch("Loop", "refresh", "Begin again at the end (L)", "84px", on=True)
    tile = ipywidgets.IntSlider(
        wall.tile,
        min=NARROWEST,
        max=WIDEST,
        step=8,
        description="Tiles",
        readout=False,
        layout={"width": "190px"},
    )
    tile.style.description_width = "34px"
    rows, cols = (_menu(wall, name) for name in ("rows", "cols"))
    links = [
        ipywidgets.jslink((rows, "index"), (wall, "rows")),
        ipywidgets.jslink((cols, "index"), (wall, "cols")),
        ipywidgets.jslink((play, "value"), (wall, "playing")),
        ipywidgets.jslink((mute, "value"), (wall, "muted")),
        ipywidgets.jslink((loop, "value"), (wall, "loop")),
        ipywidgets.jslink((tile, "value"), (wall, "tile")),
        ipywidgets.jsdlink((wall, "play_icon"), (play, "icon")),
        ipywidgets.jsdlink((wall, "play_words"), (play, "description")),
    ]
    controls = ipywidgets.HBox([rows, cols, play, mute, loop, tile])
    controls.add_class("gridgen-controls")
    return controls, links


def _switch(text: str, icon: str, tooltip: str, width: str, *, on: bool) -> ipywidgets.ToggleButton:
    return ipywidgets.ToggleButton(on, description=text, icon=icon, tooltip=tooltip, layout={"width": width})


def _menu(wall: Wall, side: str) -> ipywidgets.Dropdown:
    options = [(" › ".join(names) or "none", at) for at, names in enumerate(wall.choices)]  # noqa: RUF001 - a sign for nesting
    menu = ipywidgets.Dropdown(
        options=options,
        index=getattr(wall, side),
        description={"rows": "Rows", "cols": "Columns"}[side],
        layout={"width": "210px"},
    )
    menu.style.description_width = "60px"
    return menu
