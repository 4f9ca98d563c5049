"""Voila, which serves a notebook's outputs with a live kernel and without its code."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from lab import write_notebook
from waiting import until
from walls import GALLERY, SWEEP, Wall

import gridgen

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Serve
    from playwright.sync_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.full, pytest.mark.timeout(600)]

VOILA = ("voila==0.5.13", "ipykernel")
QUIET = ("--no-browser", "--port={port}", "--Voila.root_dir=.")


def test_the_gallery_plays_is_rated_and_pivoted(page: Page, serve: Serve, tmp_path: Path) -> None:
    """Clips come through the kernel, as Voila serves no video; a star is in the folder, the menus of ipywidgets pivot."""
    write_notebook(tmp_path / "wall.ipynb", [SWEEP, GALLERY])
    with serve(VOILA, *QUIET, "wall.ipynb") as address:
        page.goto(address)
        wall = Wall(page)
        wall.plays(4)
        assert page.evaluate(
            "[...document.querySelectorAll('.gg-video')].every(({ src }) => src.startsWith('blob:'))"
        )
        wall.rates(1, 4)
        until(lambda: gridgen.open(tmp_path / "boats").df["rating"].tolist()[1] == 4)
        wall.shows("a paper boat", "a red fox")
        page.locator(".gridgen-controls select").first.select_option("size")
        wall.shows("16:9", "9:16")
