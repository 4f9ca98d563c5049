"""The exported page in JupyterLab's HTML viewer, which changes its base, sandboxes it and keeps its neighbours from it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gridgen import Grid, Simulator, Sweep

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser, FrameLocator, Page

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]


@pytest.fixture(scope="module")
def exported(place: Path) -> None:
    """The same four clips as a page of one file, and as one with its media beside it."""
    with Simulator(speed=float("inf"), clips="tiny") as simulator:
        grid = Grid(prompt=["a paper boat", "a red fox"], size=["16:9", "9:16"])
        sweep = Sweep(grid, client=simulator.client(), folder=place / "boats")
        sweep.run()
        sweep.to_html(place / "whole.html")
        sweep.to_html(place / "apart.html", limit=1000)


def viewed(browser: Browser, base: str, name: str) -> tuple[Page, FrameLocator]:
    """Open a page in the HTML viewer."""
    page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
    page.set_default_timeout(60_000)
    page.goto(f"{base}lab?reset")
    page.wait_for_function("() => window.jupyterapp?.shell && document.querySelector('.jp-Launcher')")
    page.evaluate(
        "(path) => jupyterapp.commands.execute('docmanager:open', { path, factory: 'HTML Viewer' })", name
    )
    return page, page.frame_locator(".jp-HTMLViewer iframe")


@pytest.mark.full
@pytest.mark.usefixtures("exported")
def test_it_says_what_it_needs_and_plays_once_it_is_trusted(browser, base):
    """Case V1: untrusted it says where the button is; trusted it plays, arranges itself anew and takes a rating."""
    page, frame = viewed(browser, base, "whole.html")
    assert "Trust HTML" in frame.locator("noscript").inner_text()
    page.get_by_role("button", name="Trust HTML").click()
    frame.locator(".gg-tile[data-live]").first.wait_for()
    frame.locator("select[name='rows']").select_option(label="size")
    frame.locator(".gg-side", has_text="9:16").wait_for()
    frame.locator(".gg-tile").first.focus()
    page.keyboard.press("4")
    frame.locator(".gg-badge[data-kind='stars']").wait_for()
    page.context.close()


@pytest.mark.full
@pytest.mark.usefixtures("exported")
def test_it_names_the_folder_that_the_viewer_keeps_from_it(browser, base):
    """Case V2: where the viewer gives it no file beside it, the page names its folder."""
    page, frame = viewed(browser, base, "apart.html")
    page.get_by_role("button", name="Trust HTML").click()
    missing = frame.locator("#gridgen-missing")
    missing.wait_for()
    assert "apart_files" in missing.inner_text()
    page.context.close()
