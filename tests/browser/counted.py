"""What a person presses and clicks to get somewhere in JupyterLab, counted as the page hears it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab import ask, open_notebook, run_all, write_notebook

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser, Page

GRID = """import math
import gridgen as gg
grid = gg.Grid(
    prompt=["a paper boat at dawn", "a paper boat in a storm", "a red fox in snow"],
    size=["16:9", "9:16", "1:1"],
    duration=[6, 10],
)
client = gg.Simulator(speed=math.inf, clips="tiny").client()
grid.preview()"""
RUN = """sweep = gg.Sweep(grid, client=client, folder="boats", budget=5.00)
sweep.start()
gallery = sweep.gallery(rows="prompt", cols=["size", "duration"], reviewer="anna")
gallery"""
SEND = 'sweep.to_html("boats.html", rows="prompt", cols=["size", "duration"])'
CLIPS = 18

COUNT = """
  window.counted = { keys: 0, clicks: 0 };
  addEventListener("keydown", ({ isTrusted }) => { if (isTrusted) counted.keys += 1; }, true);
  addEventListener("pointerdown", ({ isTrusted }) => { if (isTrusted) counted.clicks += 1; }, true);
"""
ALL_DONE = f"document.querySelectorAll('.gg-tile[data-status=done]').length === {CLIPS}"
RATED = "document.querySelectorAll('.gg-badge[data-kind=stars]').length"
FIRST = "() => { jupyterapp.shell.currentWidget.content.activeCellIndex = 0; }"
RUN_BUTTON = ".jp-NotebookPanel-toolbar [data-jp-item-name='run'] >> css=button, jp-button"


def opened(browser: Browser, base: str, folder: Path, *cells: str) -> Page:
    """Open a notebook of cells on a page that counts."""
    write_notebook(folder / "boats.ipynb", cells)
    page, _ = open_notebook(browser, base, f"{folder.name}/boats.ipynb", before=COUNT)
    return page


def counted(page: Page) -> dict[str, int]:
    """Return how many keys and clicks there were since the page was opened."""
    found: dict[str, int] = page.evaluate("counted")
    return found


def rate_all(browser: Browser, base: str, folder: Path) -> tuple[dict[str, int], list[int]]:
    """Open the first clip of a wall by a click, and rate all of them by keys.

    Returns
    -------
    tuple
        What was counted, and the stars that the kernel has of each clip.
    """
    page = opened(browser, base, folder, GRID, RUN, "sweep.wait()")
    run_all(page)
    page.wait_for_function(ALL_DONE)
    page.locator(".gg-tile").first.scroll_into_view_if_needed()
    page.locator(".gg-tile").first.click()
    page.locator(".gg-stage[open]").wait_for()
    for number in range(CLIPS):
        page.keyboard.press(str(number % 5 + 1))
        if number + 1 < CLIPS:
            page.keyboard.press("ArrowRight")
    page.keyboard.press("Escape")
    page.wait_for_function(f"{RATED} === {CLIPS}")
    found = counted(page)
    stars = [
        int(text)
        for text in ask(page, "' '.join(map(str, sweep.df['rating'].astype(int)))").strip("'").split()
    ]
    page.close()
    return found, stars


def send_page(browser: Browser, base: str, folder: Path) -> tuple[dict[str, int], Path]:
    """Go from the preview of a grid, by clicks alone, to the file of its page that the browser downloads.

    Returns
    -------
    tuple
        What was counted, and the file.
    """
    page = opened(browser, base, folder, GRID, RUN, SEND)
    run = page.locator(".jp-NotebookPanel-toolbar [data-jp-item-name='run'] jp-button").first
    page.evaluate(FIRST)
    run.click()
    page.locator(".jp-RenderedHTMLCommon table").first.wait_for()
    page.evaluate("() => { counted.keys = counted.clicks = 0; }")
    run.click()
    page.wait_for_function(ALL_DONE)
    run.click()
    file = page.locator(".jp-DirListing-item", has_text="boats.html")
    file.click(button="right")
    with page.expect_download() as download:
        page.get_by_text("Download", exact=True).click()
    found = counted(page)
    target = folder / "downloaded.html"
    download.value.save_as(target)
    page.close()
    return found, target
