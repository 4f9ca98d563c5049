"""The table of clips and the links of exports in a real JupyterLab."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from lab import ask, open_notebook, run_all, write_notebook

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

SWEEP = """\
import gridgen as gg
grid = gg.Grid(prompt=["a paper boat at dawn", "a red fox in snow"], size=["16:9", "9:16"], duration=6)
sweep = gg.Sweep(grid, client=gg.Simulator(speed=600).client(), folder="boats")
sweep.run()
sweep.ratings.rate(1, stars=2)
sweep.ratings.rate(2, stars=5)"""
FAR = "import gridgen.gallery.table as table\ntable._PICTURES = 1\nsweep.table()"
ROWS = """(at) => [...document.querySelectorAll(".gg-clips")[at].querySelectorAll("tbody tr")]
  .filter((row) => row.offsetHeight).map((row) => Number(row.cells[1].textContent))"""
LOADED = """() => {
  const found = [...document.querySelectorAll(".gg-clips img")];
  return found.length === 8 && found.every((image) => image.complete && image.naturalWidth > 0);
}"""


def opened(browser: Browser, base: str, place: Path, folder: str, *cells: str) -> tuple[Page, list[str]]:
    """Return a page with a notebook of those cells, all run."""
    write_notebook(place / folder / "table.ipynb", cells)
    page, troubles = open_notebook(browser, base, f"{folder}/table.ipynb")
    run_all(page)
    return page, troubles


@pytest.mark.full
def test_the_table_sorts_and_finds_in_the_notebook(browser: Browser, base: str, place: Path) -> None:
    """Posters load, those inside of the page and those beside the notebook; heads sort, and letters typed are no commands."""
    page, troubles = opened(browser, base, place, "sorted", SWEEP, "sweep.table()", FAR)
    page.locator(".gg-clips").nth(1).scroll_into_view_if_needed()
    page.wait_for_function(LOADED)
    sources = page.evaluate(
        "[...document.querySelectorAll('.gg-clips img')].map((image) => image.src.slice(0, 5))"
    )
    assert (sources.count("data:"), sources.count("http:")) == (5, 3)

    first = page.locator(".gg-clips").first
    first.get_by_role("button", name="rating").click()
    first.get_by_role("button", name="rating").click()
    assert page.evaluate(ROWS, 0) == [2, 1, 0, 3]
    first.get_by_label("Find").click()
    page.keyboard.type("boat dd 16:9 abx")
    assert page.evaluate(ROWS, 0) == []
    first.get_by_label("Find").fill("boat 16:9")
    assert page.evaluate(ROWS, 0) == [0]
    assert page.evaluate(ROWS, 1) == [0, 1, 2, 3]
    assert page.evaluate("jupyterapp.shell.currentWidget.content.widgets.length") == 3
    assert troubles == []
    page.close()


@pytest.mark.full
def test_the_link_of_an_export_opens(browser: Browser, base: str, place: Path) -> None:
    """A click opens the page in a tab of its own, where its wall is drawn; a workbook is downloaded whole, from a folder beside the notebook."""
    exports = [
        "sweep.to_html('out/all clips.html')",
        "sweep.to_excel('out/boats.xlsx')",
        "sweep.to_image('out/sheet.png')",
    ]
    page, troubles = opened(browser, base, place, "linked", SWEEP, *exports)
    with page.expect_popup() as popup:
        page.get_by_role("link", name="all clips.html").click()
    tab = popup.value
    tab.wait_for_function("document.querySelectorAll('.gg-tile').length === 4")
    tab.close()
    with page.expect_download() as download:
        page.get_by_role("link", name="boats.xlsx").click()
    saved = place / "linked" / "saved.xlsx"
    download.value.save_as(saved)
    with page.expect_popup() as popup:
        page.get_by_role("link", name="sheet.png").click()
    popup.value.wait_for_function("document.querySelector('img')?.naturalWidth > 100")

    assert saved.read_bytes() == (place / "linked" / "out" / "boats.xlsx").read_bytes()
    assert ask(page, "__import__('os').getcwd().endswith('linked')") == "True"
    assert troubles == []
    page.close()
