"""marimo, which shows widgets of anywidget and none of ipywidgets' own: case V10."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import pytest
from waiting import until
from walls import GALLERY, SWEEP, Wall

import gridgen

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Serve
    from playwright.sync_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.full, pytest.mark.timeout(600)]

MARIMO = ("marimo==0.25.2",)
APP = """\
import marimo
app = marimo.App(width="full")

@app.cell
def _():
{sweep}
    return gg, sweep

@app.cell
def _(gg, sweep):
    {shown}
    return

if __name__ == "__main__":
    app.run()
"""


def app(folder: Path, shown: str) -> str:
    """Write an app that makes a sweep and shows something, and return its path."""
    text = APP.format(sweep=textwrap.indent(SWEEP, "    "), shown=shown)
    (folder / "app.py").write_text(text, "utf-8")
    return str(folder / "app.py")


RUN = ("run", "--headless", "--no-token", "--port", "{port}")


def test_v10_the_bare_gallery_plays_is_rated_and_pivoted(page: Page, serve: Serve, tmp_path: Path) -> None:
    """Case V10: the gallery as the last expression of a cell is the whole wall; a star is in the folder, its own menus pivot."""
    with serve(MARIMO, *RUN, app(tmp_path, GALLERY)) as address:
        page.goto(address)
        wall = Wall(page, "document.querySelector('marimo-anywidget').shadowRoot")
        wall.plays(4)
        wall.rates(1, 4)
        until(lambda: gridgen.open(tmp_path / "boats").df["rating"].tolist()[1] == 4)
        wall.shows("a paper boat", "a red fox")
        page.locator(".gg-menus select[name=rows]").select_option(label="size")
        wall.shows("16:9", "9:16")


def test_the_sweep_the_form_and_rounds_show_themselves(page: Page, serve: Serve, tmp_path: Path) -> None:
    """A bare sweep is its board, rounds are a pair of players, and the form says in a sentence why it is none there."""
    with serve(MARIMO, *RUN, app(tmp_path, "[gg.builder(), sweep.rounds(), sweep]")) as address:
        page.goto(address)
        page.locator(".gg-board").wait_for()
        page.locator(".gg-begin").wait_for()
        page.get_by_text("marimo does not draw the fields of this form").wait_for()
