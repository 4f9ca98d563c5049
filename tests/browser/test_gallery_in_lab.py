"""The gallery in a real JupyterLab, from the menus to the pixels."""

from __future__ import annotations

import itertools
import shutil
import statistics
from typing import TYPE_CHECKING

import pytest
from lab import READY, ask, open_notebook, run_all, write_notebook

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

SWEEP = """\
from gridgen.grid import Grid
from gridgen.simulator import Simulator
from gridgen.sweep import Sweep
grid = Grid(prompt=["a paper boat at dawn", "a red fox in snow"], size=["16:9", "9:16"], duration=6)
sweep = Sweep(grid, client=Simulator(speed=600).client(), folder="clips & boats")
sweep.start()"""
GALLERY = 'gallery = sweep.gallery(rows="prompt", cols="size")\ngallery'
WAIT = "sweep.wait()"

PLAY = ".gg-wall > .gg-transport .gg-play"
PLAYERS = """() => [...document.querySelectorAll(".gg-video")].map((video) => ({
  ready: video.readyState, width: video.videoWidth, height: video.videoHeight, at: video.currentTime,
  source: video.src,
}))"""
ALL_READY = """(count) => {
  const players = [...document.querySelectorAll(".gg-video")];
  return players.length === count && players.every((video) => video.readyState >= 2);
}"""
MOVING = """() => [...document.querySelectorAll(".gg-video")].every((video) => video.currentTime > 0.3 && !video.paused)"""
STILL = """() => [...document.querySelectorAll(".gg-video")].every((video) => video.paused)"""
SIDES = """() => [...document.querySelectorAll(".gg-side")].map((head) => head.innerText)"""


def opened(browser: Browser, base: str, place: Path, folder: str, *cells: str) -> tuple[Page, list[str]]:
    """Return a page with a new notebook of those cells."""
    write_notebook(place / folder / "first.ipynb", cells)
    return open_notebook(browser, base, f"{folder}/first.ipynb")


def test_clips_arrive_play_and_are_rearranged(browser: Browser, base: str, place: Path) -> None:
    """A run from the first cell: a tile per cell, each player loaded from the server's files, moving, pivoted by menu."""
    page, troubles = opened(browser, base, place, "my notes #1", SWEEP, GALLERY, WAIT)
    run_all(page)
    assert page.locator(".gg-tile").count() == 4
    page.locator(".gridgen-controls").scroll_into_view_if_needed()
    page.wait_for_function(ALL_READY, arg=4)
    page.locator(PLAY).click()
    page.wait_for_function(MOVING)
    page.wait_for_function(
        f"() => ({PLAYERS})().map(({{ width }}) => width).sort().join() === '180,180,320,320'"
    )
    players = page.evaluate(PLAYERS)
    assert all(
        "/user/me/files/my%20notes%20%231/clips%20%26%20boats/" in player["source"] for player in players
    )
    assert page.evaluate(SIDES) == ["a paper boat at dawn", "a red fox in snow"]
    page.locator(".gridgen-controls select").first.select_option("size")
    page.wait_for_function(f"({SIDES})()[0] === '16:9'")
    assert page.evaluate(SIDES) == ["16:9", "9:16"]
    page.wait_for_function(MOVING)
    assert troubles == []
    page.close()


def test_controls_act_while_a_cell_blocks_and_after_the_kernel_died(
    browser: Browser, base: str, place: Path
) -> None:
    """Menus and switches need no kernel: they work while it is busy, and when it is gone."""
    page, _ = opened(browser, base, place, "busy", SWEEP, GALLERY, WAIT, "import time; time.sleep(600)")
    page.evaluate("() => { jupyterapp.commands.execute('notebook:run-all-cells'); }")
    page.wait_for_function(ALL_READY, arg=4)
    kernel = "jupyterapp.shell.currentWidget.sessionContext.session.kernel"
    page.wait_for_function(f"{kernel}.status === 'busy'")
    controls = page.locator(".gridgen-controls")
    page.locator(PLAY).click()
    page.wait_for_function(MOVING)
    assert page.locator(PLAY).get_attribute("aria-label") == "Pause all"
    controls.locator("select").first.select_option("size")
    page.wait_for_function(f"({SIDES})()[0] === '16:9'")
    assert page.evaluate(f"{kernel}.status") == "busy"
    page.evaluate(f"() => {kernel}.restart()")
    page.locator(".gg-wall[data-gone]").first.wait_for()
    page.wait_for_function(MOVING)
    page.evaluate(f"() => {kernel}.shutdown()")
    page.locator(PLAY).click()
    page.wait_for_function(STILL)
    assert page.locator(PLAY).get_attribute("aria-label") == "Play all"
    controls.locator("select").first.select_option("prompt")
    page.wait_for_function(f"({SIDES})()[0] === 'a paper boat at dawn'")
    page.close()


def test_keys_in_the_wall_leave_the_notebook_alone(browser: Browser, base: str, place: Path) -> None:
    """Letters that are notebook commands change no cell; arrows move the focus, Enter opens a clip, Escape closes it."""
    page, troubles = opened(browser, base, place, "keys", SWEEP, GALLERY, WAIT)
    run_all(page)
    page.wait_for_function(ALL_READY, arg=4)
    count = "jupyterapp.shell.currentWidget.content.widgets.length"
    before = page.evaluate(count)
    page.locator(".gg-tile").first.focus()
    for key in ["a", "d", "d", "x", "j", "k", "b", "Escape", "ArrowRight"]:
        page.keyboard.press(key)
    focused = "document.activeElement.getAttribute('aria-label')"
    assert page.evaluate(focused) == "a paper boat at dawn, 9:16: done"
    page.keyboard.press("Enter")
    page.wait_for_function("document.querySelector('.gg-stage video')?.videoWidth === 480")
    page.keyboard.press("Escape")
    page.locator(".gg-focus[open]").wait_for(state="detached")
    assert page.evaluate(focused) == "a paper boat at dawn, 9:16: done"
    assert page.evaluate(count) == before
    assert troubles == []
    page.close()


def test_a_reload_with_a_live_kernel_brings_the_wall_back(browser: Browser, base: str, place: Path) -> None:
    """After the page is loaded anew the same tiles are there, as they stand now."""
    page, troubles = opened(browser, base, place, "again", SWEEP, GALLERY, WAIT)
    run_all(page)
    page.wait_for_function(ALL_READY, arg=4)
    page.evaluate("() => jupyterapp.commands.execute('docmanager:save')")
    page.reload()
    page.wait_for_function(ALL_READY, arg=4)
    assert page.locator(".gg-tile[data-status=done]").count() == 4
    assert troubles == []
    page.close()


@pytest.mark.full
def test_walls_of_copied_folders_play_their_own_clips(browser: Browser, base: str, place: Path) -> None:
    """A project copied with its notebook, both side by side in one JupyterLab, loaded anew: case I4."""
    page, _ = opened(browser, base, place, "one", SWEEP, GALLERY, WAIT)
    run_all(page)
    shutil.copytree(place / "one", place / "two")
    page.evaluate(
        "jupyterapp.commands.execute('docmanager:open', {path: 'two/first.ipynb', options: {mode: 'split-right'}})"
    )
    page.wait_for_function(f"{READY} && jupyterapp.shell.currentWidget.context.path === 'two/first.ipynb'")
    run_all(page)
    page.wait_for_function(ALL_READY, arg=8)
    page.evaluate("() => jupyterapp.commands.execute('docmanager:save-all')")
    page.reload()
    page.wait_for_function(ALL_READY, arg=8)
    sources = page.evaluate(
        """() => [...jupyterapp.shell.widgets("main")].filter(({ context }) => context).map(({ context, node }) => [
          context.path.split("/")[0], [...node.querySelectorAll(".gg-video")].map(({ src }) => src)])"""
    )
    assert sorted(folder for folder, _ in sources) == ["one", "two"]
    for folder, found in sources:
        assert len(found) == 4
        assert all(f"/files/{folder}/clips%20%26%20boats/" in source for source in found)
    page.close()


def test_a_folder_that_is_not_served_comes_through_the_kernel(
    browser: Browser, base: str, place: Path
) -> None:
    """Jupyter serves no hidden folder: posters and players are filled by the kernel instead."""
    hidden = SWEEP.replace("clips & boats", ".hidden/boats").replace(
        "sweep = ", "import os; os.mkdir('.hidden')\nsweep = "
    )
    page, _ = opened(browser, base, place, "kernel", hidden, GALLERY, WAIT)
    run_all(page)
    page.wait_for_function(ALL_READY, arg=4)
    assert all(player["source"].startswith("blob:") for player in page.evaluate(PLAYERS))
    page.locator(PLAY).click()
    page.wait_for_function(MOVING)
    page.close()


def test_the_stop_button_of_the_board_stops_submitting(browser: Browser, base: str, place: Path) -> None:
    """A click on Stop is answered, says what it means, and clips that were not sent stay planned."""
    slow = SWEEP.replace("Simulator(speed=600)", "Simulator(speed=2)").replace(
        'prompt=["a paper boat at dawn", "a red fox in snow"]', 'prompt=[f"boat {n}" for n in range(120)]'
    )
    page, troubles = opened(browser, base, place, "stop", slow)
    page.evaluate("() => { jupyterapp.commands.execute('notebook:run-all-cells'); }")
    page.locator(".gg-stop").click()
    page.get_by_text("Stopped: nothing more is submitted").wait_for()
    assert page.locator(".gg-chip", has_text="planned").count() == 1
    assert troubles == []
    page.close()


FOUR = SWEEP.replace("duration=6)", 'duration=[6, 7], quality=["480p", "720p"])').replace(
    "600)", '600, clips="tiny")'
)
TOPS = """() => [...document.querySelectorAll(".gg-top")].map((head) => head.innerText)"""
CHOSEN = """() => [...document.querySelectorAll(".gridgen-controls select")].map((menu) => menu.selectedOptions[0]?.text ?? "")"""


@pytest.mark.full
def test_axes_move_in_place_by_menus_and_tabs(browser: Browser, base: str, place: Path) -> None:
    """Rows, columns and outside of them by menu, with no kernel; axes change places; Python knows; a reload keeps it."""
    cells = (FOUR, 'gallery = sweep.gallery(rows="prompt", cols="size")\ngallery', WAIT)
    page, troubles = opened(browser, base, place, "axes", *cells)
    run_all(page)
    page.wait_for_function("document.querySelectorAll('.gg-tile[data-status=done]').length > 8")
    menus = page.locator(".gridgen-controls select")
    assert page.evaluate(CHOSEN)[:4] == ["prompt", "size", "none", "none"]
    menus.nth(3).select_option("duration")
    page.wait_for_function(f"({TOPS})().join() === '6 s,7 s,16:9,9:16,16:9,9:16'")
    menus.nth(0).select_option("size")
    page.wait_for_function(f"({SIDES})().join() === '16:9,9:16'")
    assert page.evaluate(CHOSEN)[:4] == ["size", "prompt", "none", "duration"]
    page.get_by_role("tab", name="720p").click()
    page.wait_for_function("document.querySelectorAll('.gg-tile').length === 8")
    menus.nth(5).select_option("same box")
    page.wait_for_function("document.querySelector('.gg-sheet').dataset.fit === 'box'")
    page.wait_for_timeout(500)
    seen = ask(page, "[gallery.rows, gallery.cols, gallery.view]")
    view = "rows=size&cols=duration,prompt&tabs=quality:720p&fit=box"
    assert " ".join(seen.split()) == f"[('size',), ('duration', 'prompt'), '{view}']"
    page.evaluate("() => jupyterapp.commands.execute('docmanager:save')")
    page.reload()
    page.wait_for_function("document.querySelectorAll('.gg-tile').length === 8")
    assert page.evaluate(SIDES) == ["16:9", "9:16"]
    page.wait_for_function(f"({CHOSEN})()[0] === 'size'")
    assert troubles == []
    page.close()


def test_clips_are_compared_in_step_and_a_removed_output_leaves_nothing(
    browser: Browser, base: str, place: Path
) -> None:
    """By keys alone: two put aside, compared in step, wiped, stepped; then the cell goes, and all that it held."""
    page, troubles = opened(browser, base, place, "compare", SWEEP, GALLERY, WAIT)
    run_all(page)
    page.wait_for_function(ALL_READY, arg=4)
    cells = page.evaluate("jupyterapp.shell.currentWidget.content.widgets.length")
    page.locator(".gg-tile").first.focus()
    for key in ("c", "ArrowDown", "c", "v"):
        page.keyboard.press(key)
    large = "[...document.querySelectorAll('.gg-large')]"
    page.wait_for_function(f"{large}.length === 2 && {large}.every((video) => video.currentTime > 0.5)")
    page.wait_for_function(f"Math.abs({large}[0].currentTime - {large}[1].currentTime) < 0.1")
    assert page.evaluate(f"{large}[0].videoWidth") == 854 or page.evaluate(f"{large}[0].videoWidth") == 848
    page.keyboard.press("w")
    page.keyboard.press(".")
    page.wait_for_function(f"{large}.every((video) => video.paused && !video.seeking)")
    assert page.locator(".gg-stage").get_attribute("data-way") == "wipe"
    assert page.locator(".gg-table tr[data-differs]").count() > 2
    page.keyboard.press("Escape")
    page.locator(".gg-stage[open]").wait_for(state="detached")
    assert page.evaluate("jupyterapp.shell.currentWidget.content.widgets.length") == cells
    page.evaluate("() => { window.kept = [...document.querySelectorAll('video')]; }")
    page.evaluate("() => jupyterapp.commands.execute('editmenu:clear-all')")
    page.wait_for_function("document.querySelectorAll('.gg-wall').length === 0")
    page.wait_for_function("kept.every((video) => !video.src && video.paused && !video.isConnected)")
    assert troubles == []
    page.close()


@pytest.mark.full
def test_the_theme_is_followed_also_when_it_changes(browser: Browser, base: str, place: Path) -> None:
    """Dark in a dark JupyterLab, light in a light one, without a new page."""
    page, troubles = opened(browser, base, place, "theme", SWEEP.replace("\nsweep.start()", ""), GALLERY)
    run_all(page)
    for theme, look in (("JupyterLab Dark", "dark"), ("JupyterLab Light", "light")):
        page.evaluate("(theme) => jupyterapp.commands.execute('apputils:change-theme', { theme })", theme)
        page.wait_for_function(f"document.querySelector('.gg-wall').dataset.theme === '{look}'")
    assert troubles == []
    page.close()


# What Notebook 7.6 logs now and then while it starts, on any notebook: two of its plugins are in a race.
NOTEBOOK_S_OWN = ("(reading 'schema')", "Command 'filebrowser:open-path' not registered")


@pytest.mark.full
def test_the_gallery_runs_in_notebook_7(browser: Browser, base: str, place: Path) -> None:
    """The same wall with the same controls, from the files route, in Notebook's own page."""
    write_notebook(place / "seven" / "first.ipynb", [SWEEP, GALLERY, WAIT])
    page, troubles = open_notebook(browser, base, "seven/first.ipynb", at="notebooks")
    run_all(page)
    page.wait_for_function(ALL_READY, arg=4)
    assert all("/user/me/files/seven/" in player["source"] for player in page.evaluate(PLAYERS))
    page.locator(PLAY).click()
    page.wait_for_function(MOVING)
    page.locator(".gridgen-controls select").first.select_option("size")
    page.wait_for_function(f"({SIDES})()[0] === '16:9'")
    assert [said for said in troubles if not any(own in said for own in NOTEBOOK_S_OWN)] == []
    page.close()


COUNT_BLOBS = """
  window.blobs = new Map();
  const { createObjectURL, revokeObjectURL } = URL;
  URL.createObjectURL = (blob) => {
    const url = createObjectURL.call(URL, blob);
    blobs.set(url, blob.type);
    return url;
  };
  URL.revokeObjectURL = (url) => { blobs.delete(url); return revokeObjectURL.call(URL, url); };
"""
MEDIA = "[...blobs.values()].filter((type) => /^(video|image)/.test(type)).length"
RUN_LAST = """async () => {
  const { content } = jupyterapp.shell.currentWidget;
  content.activeCellIndex = content.widgets.length - 1;
  await jupyterapp.commands.execute("notebook:run-cell");
}"""


@pytest.mark.full
def test_outputs_that_are_shown_and_cleared_leave_nothing(browser: Browser, base: str, place: Path) -> None:
    """Ten times shown and cleared: no wall, player or blob stays, and a turn adds no listener and next to no node.

    It is the wall alone: ipywidgets 8.1 keeps about 220 nodes of each showing of the menus around it.
    """
    hidden = SWEEP.replace("clips & boats", ".kept").replace("sweep.start()", "sweep.run()")
    made = "gallery = sweep.gallery(rows='prompt', cols='size')"
    write_notebook(place / "leak" / "first.ipynb", [hidden, made, "gallery.wall"])
    page, troubles = open_notebook(browser, base, "leak/first.ipynb", before=COUNT_BLOBS)
    run_all(page)
    devtools = page.context.new_cdp_session(page)
    devtools.send("Performance.enable")

    def shown_and_cleared() -> dict[str, int]:
        """Return what is alive after one more turn."""
        page.evaluate(RUN_LAST)
        page.locator(".gg-wall").first.scroll_into_view_if_needed()
        page.wait_for_function(ALL_READY, arg=4)
        assert page.evaluate(MEDIA) == 8
        page.evaluate("() => jupyterapp.commands.execute('editmenu:clear-all')")
        page.wait_for_function(f"!document.querySelector('.gg-wall, .gg-video') && {MEDIA} === 0")
        for _ in range(4):
            devtools.send("HeapProfiler.collectGarbage")
            page.wait_for_timeout(50)
        metrics = devtools.send("Performance.getMetrics")["metrics"]
        return {each["name"]: int(each["value"]) for each in metrics}

    turns = [shown_and_cleared() for _ in range(10)]
    settled = turns[2:]
    grown = {
        name: statistics.median(after[name] - before[name] for before, after in itertools.pairwise(settled))
        for name in ("Nodes", "JSEventListeners")
    }
    assert grown["Nodes"] < 10
    assert grown["JSEventListeners"] < 1
    assert troubles == []
    page.close()


ROUND = GALLERY.replace("gallery = ", "galleries = [*globals().get('galleries', []), ").replace(
    ")\ngallery", ")]\ngalleries[-1]"
)
ALIVE = "[at for at, each in enumerate(galleries) if each.wall.comm is not None]"
IN_SIGHT = """() => {
  const wall = document.querySelector(".gg-wall:has(.gg-scroll)").getBoundingClientRect();
  const bar = document.querySelector(".gg-wall > .gg-transport").getBoundingClientRect();
  const pane = document.querySelector(".jp-WindowedPanel-outer").getBoundingClientRect();
  return bar.top > pane.top && bar.bottom <= pane.bottom + 1 && wall.height <= pane.height;
}"""


@pytest.mark.parametrize("times", [2, pytest.param(31, marks=pytest.mark.full)])
def test_a_cell_that_runs_again_leaves_one_wall_that_plays_in_sight(
    browser: Browser, base: str, place: Path, times: int
) -> None:
    """Cases U6 and V11: the bar is in sight without scrolling, clips play by themselves; the walls of earlier runs are closed, that of another cell lives."""
    ran = SWEEP.replace("sweep.start()", "sweep.run()")
    write_notebook(place / f"again{times}" / "first.ipynb", [ran, "other = sweep.gallery()\nother", ROUND])
    page, troubles = open_notebook(
        browser,
        base,
        f"again{times}/first.ipynb",
        quiet=False,
        viewport={"width": 1400, "height": 900},
    )
    run_all(page)
    page.locator(".gg-wall").first.wait_for()
    page.evaluate("document.querySelector('.jp-WindowedPanel-outer').scrollTop = 0")
    page.wait_for_function(IN_SIGHT)
    page.wait_for_function("document.querySelectorAll('.gg-video').length > 1")
    page.wait_for_function(MOVING)
    for _ in range(times):
        page.evaluate(RUN_LAST)
    for _ in range(100):
        if ask(page, ALIVE) == f"[{times}]":
            break
        page.wait_for_timeout(50)
    assert ask(page, ALIVE) == f"[{times}]"
    assert ask(page, "other.wall.comm is not None") == "True"
    page.wait_for_function("document.querySelectorAll('.gg-wall .gg-scroll').length === 2")
    assert troubles == []
    page.close()


@pytest.mark.full
@pytest.mark.parametrize("comes", ["with the wall", pytest.param("without it", marks=pytest.mark.full)])
def test_a_wall_of_a_page_that_was_reloaded_is_closed_when_its_cell_runs_again(
    browser: Browser, base: str, place: Path, comes: str
) -> None:
    """Case V11: the kernel lives on, the page comes back with the wall or without it, and one wall is left after the cell ran."""
    ran = SWEEP.replace("sweep.start()", "sweep.run()")
    page, troubles = opened(browser, base, place, f"reloaded {comes}", ran, ROUND)
    run_all(page)
    page.wait_for_function(ALL_READY, arg=4)
    if comes == "with the wall":
        page.evaluate("() => jupyterapp.commands.execute('docmanager:save')")
    page.on("dialog", lambda dialog: dialog.accept())
    page.reload()
    page.wait_for_function(
        "window.jupyterapp?.shell?.currentWidget?.sessionContext?.session?.kernel?.status === 'idle'"
    )
    if comes == "with the wall":
        page.wait_for_function(ALL_READY, arg=4)
    page.evaluate(RUN_LAST)
    page.wait_for_function(ALL_READY, arg=4)
    for _ in range(100):
        if ask(page, ALIVE) == "[1]":
            break
        page.wait_for_timeout(50)
    assert ask(page, ALIVE) == "[1]"
    assert troubles == []
    page.close()
