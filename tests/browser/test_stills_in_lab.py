"""What a notebook shows where its wall is not: reopened, with its kernel busy, not trusted, turned into pages. Case V5."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import nbconvert
import nbformat
import nbformat.sign
import pytest
from lab import KERNEL, READY, open_notebook, run_all, write_notebook
from nbclient import NotebookClient

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

SWEEP = """\
import gridgen as gg
grid = gg.Grid(prompt=["a paper boat at dawn", "a <b>fox</b>"], size=["16:9", "9:16"], duration=6)
sweep = gg.Sweep(grid, client=gg.Simulator(speed=600, clips="tiny").client(), folder="boats")
sweep.start()"""
EARLY = 'gallery = sweep.gallery(rows="prompt", cols="size")\ngallery'
WAIT = "sweep.wait()"
LATE = 'sweep.gallery(rows="prompt", cols="size")'
BUSY = "import time; time.sleep(600)"

POSTERS = """() => [...document.querySelectorAll("[data-gg-still] img, .jp-RenderedHTML img")].filter(
  (poster) => poster.checkVisibility() && poster.complete && poster.naturalWidth > 0).length"""
"""How many posters of stills a person sees."""
WALLS = """() => [...document.querySelectorAll(".gridgen-gallery .gg-wall")].filter((wall) => wall.checkVisibility()).length"""
BROKEN = """() => [...document.querySelectorAll(".jp-OutputArea-child")].filter((row) => row.checkVisibility()
  && (/model not found|Loading widget/.test(row.textContent) || !row.innerText.trim())).length"""
"""How many rows of outputs are an error, wait for a widget, or are blank."""
SAVE = "() => jupyterapp.commands.execute('docmanager:save')"
STOP = "() => jupyterapp.serviceManager.sessions.shutdownAll()"
LOST = """(count) => [...document.querySelectorAll(".jp-OutputArea-output")].filter(
  (output) => output.textContent.includes("model not found")).length === count"""
FULL = """(count) => document.querySelectorAll(".gg-tile[data-status=done]").length === count"""


def seen(page: Page) -> dict[str, int]:
    """Return what a person sees: posters of stills, walls, and rows that are blank or an error."""
    found = {"posters": POSTERS, "walls": WALLS, "broken": BROKEN}
    return {name: page.evaluate(script) for name, script in found.items()}


def opened(browser: Browser, base: str, place: Path, folder: str, *cells: str) -> Page:
    """Return a page with a new notebook of those cells."""
    write_notebook(place / folder / "first.ipynb", cells)
    page, _ = open_notebook(browser, base, f"{folder}/first.ipynb")
    return page


def test_a_reopened_notebook_shows_its_last_wall(browser: Browser, base: str, place: Path) -> None:
    """With its kernel the wall, alone; with another kernel the posters of the end, and nothing that says "not found"."""
    page = opened(browser, base, place, "reopened", SWEEP, EARLY, WAIT, LATE)
    run_all(page)
    page.wait_for_function(FULL, arg=8)
    page.wait_for_function(f"({WALLS})() === 2")
    assert seen(page) == {"posters": 0, "walls": 2, "broken": 0}

    page.evaluate(SAVE)
    page.reload()
    page.wait_for_function(FULL, arg=8)
    page.wait_for_function(f"({WALLS})() === 2")
    assert seen(page) == {"posters": 0, "walls": 2, "broken": 0}

    page.evaluate(STOP)
    page.reload()
    page.wait_for_function(READY)
    page.wait_for_function(LOST, arg=4)
    assert seen(page) == {"posters": 8, "walls": 0, "broken": 0}
    page.close()


@pytest.mark.full
def test_a_busy_kernel_leaves_the_still_to_a_page_that_is_loaded_anew(
    browser: Browser, base: str, place: Path
) -> None:
    """While another cell holds the kernel the posters came and are there, and once it is free the wall instead."""
    page = opened(browser, base, place, "busy", SWEEP, EARLY, BUSY)
    page.evaluate("() => { jupyterapp.commands.execute('notebook:run-all-cells'); }")
    page.wait_for_function(f"({WALLS})() === 1")
    page.wait_for_function(FULL, arg=4)
    page.wait_for_function("document.querySelectorAll('[data-gg-still] img').length === 4")
    assert seen(page) == {"posters": 0, "walls": 1, "broken": 0}
    page.evaluate(SAVE)
    page.reload()
    page.wait_for_function(f"({POSTERS})() === 4")
    kernel = "jupyterapp.shell.currentWidget?.sessionContext?.session?.kernel"
    page.wait_for_function(f"{kernel}?.status === 'busy' || {kernel}?.status === 'unknown'")
    page.wait_for_timeout(40)
    assert seen(page) == {"posters": 4, "walls": 0, "broken": 0}
    page.evaluate(f"() => {kernel}.interrupt()")
    page.wait_for_function(f"({WALLS})() === 1")
    assert seen(page) == {"posters": 0, "walls": 1, "broken": 0}
    page.close()


@pytest.mark.full
def test_a_restarted_kernel_leaves_the_wall_until_the_page_is_loaded_anew(
    browser: Browser, base: str, place: Path
) -> None:
    """What is loaded plays on when the kernel is gone; a page without it shows the still."""
    page = opened(browser, base, place, "restarted", SWEEP, WAIT, LATE)
    run_all(page)
    page.wait_for_function(FULL, arg=4)
    page.evaluate(SAVE)
    page.evaluate("() => jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()")
    page.locator(".gg-wall[data-gone]").first.wait_for()
    assert seen(page) == {"posters": 0, "walls": 1, "broken": 0}
    page.reload()
    page.wait_for_function(READY)
    page.wait_for_function(LOST, arg=3)
    assert seen(page) == {"posters": 4, "walls": 0, "broken": 0}
    page.close()


def executed(folder: Path, *cells: str) -> Any:
    """Return a notebook that nbclient has run in a new folder, as nbconvert --execute and papermill do it."""
    folder.mkdir()
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(cell) for cell in cells], metadata=KERNEL
    )
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(folder)}}).execute()
    return notebook


@pytest.fixture(scope="module")
def notebook(place: Path) -> Any:
    """A notebook that was executed without a browser, with its widgets' state."""
    return executed(place / "executed", SWEEP, EARLY, WAIT, LATE)


@pytest.mark.parametrize("form", ["html", pytest.param("slides", marks=pytest.mark.full)])
def test_what_nbconvert_executes_shows_every_poster_offline(
    browser: Browser, notebook: Any, tmp_path: Path, form: str
) -> None:
    """As one page and as slides, with the network cut: the posters of both walls, and no blank place."""
    assert notebook.metadata.widgets
    exporter = nbconvert.get_exporter(form)()
    text, _ = exporter.from_notebook_node(notebook)
    (tmp_path / "made.html").write_text(text, "utf-8")
    page = browser.new_context(offline=True).new_page()
    page.goto((tmp_path / "made.html").as_uri())
    page.evaluate("document.querySelectorAll('section').forEach((each) => (each.style.display = 'block'))")
    assert seen(page) == {"posters": 8, "walls": 0, "broken": 0}
    page.close()


@pytest.mark.full
def test_a_saved_widget_state_shows_a_whole_wall_or_the_still(
    browser: Browser, base: str, place: Path, notebook: Any
) -> None:
    """Walls come back without a kernel: one that knows all and finds its files plays, all others leave the place to the still."""
    nbformat.write(notebook, place / "executed" / "kept.ipynb")
    nbformat.sign.NotebookNotary().sign(notebook)
    page, _ = open_notebook(browser, base, "executed/kept.ipynb")
    page.wait_for_function(f"({WALLS})() === 1")
    page.locator(".gridgen-gallery").nth(1).scroll_into_view_if_needed()
    page.locator(".gridgen-gallery").nth(1).locator(".gg-poster[src]").first.wait_for()
    assert seen(page) == {"posters": 4, "walls": 1, "broken": 0}
    page.close()

    (place / "elsewhere").mkdir()
    shutil.copy(place / "executed" / "kept.ipynb", place / "elsewhere")
    page, _ = open_notebook(browser, base, "elsewhere/kept.ipynb")
    page.wait_for_function("document.querySelectorAll('.gridgen-gallery .gg-wall').length === 2")
    page.wait_for_function(f"({POSTERS})() === 8")
    assert seen(page) == {"posters": 8, "walls": 0, "broken": 0}
    page.close()


@pytest.mark.full
def test_an_untrusted_notebook_shows_posters(browser: Browser, base: str, place: Path, notebook: Any) -> None:
    """Of a stranger's notebook, without scripts and style sheets, as GitHub shows it: one line and the posters."""
    stranger = json.loads(nbformat.writes(notebook))
    stranger["cells"][0]["source"] = "# from elsewhere"
    (place / "stranger.ipynb").write_text(json.dumps(stranger))
    page, _ = open_notebook(browser, base, "stranger.ipynb")
    page.wait_for_function(f"({POSTERS})() === 8")
    assert seen(page) == {"posters": 8, "walls": 0, "broken": 0}
    assert page.get_by_text("Gallery(4 clips of 'boats')").count() == 2
    page.close()
