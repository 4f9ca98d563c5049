"""The form in a real JupyterLab: typed into, clicked and run by keyboard alone, as a person would."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from lab import chromium, lab, open_notebook, run_all, write_notebook

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

CELLS = """import gridgen as gg
simulator = gg.Simulator(speed=2000, clips="tiny")
form = gg.builder(client=simulator.client(), folder="boats")
form"""
FACTS = "() => document.querySelector('.gg-facts')?.textContent ?? ''"


def test_a_grid_is_built_and_run_by_keyboard(tmp_path_factory: pytest.TempPathFactory) -> None:
    """G15: prompts, sizes, a place left out and Run, all without the mouse; the wall fills, no cell is changed."""
    served: Path = tmp_path_factory.mktemp("served")
    write_notebook(served / "form.ipynb", [CELLS])
    with lab(served, tmp_path_factory.mktemp("home")) as base, chromium() as browser:
        page, troubles = open_notebook(browser, base, "form.ipynb")
        run_all(page)
        page.get_by_placeholder("One prompt a line").focus()
        page.keyboard.type("a paper boat\na red kite")
        expect_facts(page, "2 clips to make")
        for size in ("16:9", "9:16"):
            tab_to(page, size)
            page.keyboard.press("Space")
        expect_facts(page, "4 clips to make")
        leave_out_last(page)
        expect_facts(page, "3 clips to make")
        tab_to(page, "Run 3 clips")
        page.keyboard.press("Enter")
        page.wait_for_function("() => document.querySelectorAll('.gridgen-builder .gg-tile').length >= 3")
        page.wait_for_function(
            "() => document.querySelector('.gridgen-builder .gg-counts')?.textContent.includes('3 done')"
        )

        assert 'exclude=[{"prompt": "a red kite", "size": "9:16"}]' in page.locator(".gg-code").inner_text()
        assert page.evaluate("jupyterapp.shell.currentWidget.content.widgets.length") == 1
        assert troubles == []


def expect_facts(page: Page, begin: str) -> None:
    """Wait for the figures to begin so."""
    page.wait_for_function(f"() => ({FACTS})().startsWith('{begin}')")


def leave_out_last(page: Page) -> None:
    """Walk through the layout by arrow keys to its last place, and press Enter there."""
    tab_to(page, "", ".gg-places")
    for _ in range(4):
        page.keyboard.press("ArrowDown")
        page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")


def tab_to(page: Page, text: str, within: str = "body") -> None:
    """Press Tab until what begins with that text, in that part of the page, has the focus."""
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate(
            "([text, within]) => document.activeElement.closest(within)"
            " && document.activeElement.textContent.trim().startsWith(text)",
            [text, within],
        ):
            return
    pytest.fail(f"Tab never reaches {text!r}")
