"""Judging in a real JupyterLab: what a person presses and clicks is Python state, and outlives the kernel."""

from __future__ import annotations

import ast
import io
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from lab import ask, open_notebook, run_all, write_notebook
from PIL import Image

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser, Locator, Page

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

SWEEP = """\
import gridgen as gg
grid = gg.Grid(prompt=["a paper boat at dawn", "a red fox in snow"], size=["16:9", "9:16"], duration=6)
sweep = gg.Sweep(grid, client=gg.Simulator(speed=600).client(), folder="boats")"""
RUN = "sweep.run()"
GALLERY = 'gallery = sweep.gallery(rows="prompt", cols="size", reviewer="anna")\ngallery'
ROUNDS = 'rounds = sweep.rounds(reviewer="anna")\nrounds'

JUDGED = "[list(row) for row in sweep.df[['rating', 'pick', 'tags', 'note']].astype(object).where(sweep.df[['rating', 'pick', 'tags', 'note']].notna(), None).to_numpy()]"
NOTHING = [None, None, None, None]
PAIR = """() => {
  const videos = [...document.querySelectorAll(".gg-pair video")];
  return videos.length === 2 && videos.every((video) => video.readyState >= 2)
    && !document.querySelector(".gg-rounds[data-chosen]");
}"""
FOX_SIDE = (
    """() => [...document.querySelectorAll(".gg-pair video")].map((video) => video.src.includes("fox"))"""
)


def opened(browser: Browser, base: str, place: Path, folder: str, *cells: str) -> tuple[Page, list[str]]:
    """Return a page with a notebook of those cells, all run."""
    write_notebook(place / folder / "judge.ipynb", cells)
    page, troubles = open_notebook(browser, base, f"{folder}/judge.ipynb")
    run_all(page)
    return page, troubles


def becomes(page: Page, code: str, wanted: Any, seconds: float = 5.0) -> None:
    """Wait until an expression has a value in the kernel."""
    for _ in range(int(seconds / 0.05)):
        found = ast.literal_eval(ask(page, code))
        if found == wanted:
            return
        page.wait_for_timeout(50)
    assert found == wanted


def press(page: Page, *keys: str) -> None:
    """Press keys one after another."""
    for key in keys:
        page.keyboard.press(key)


def sharpness(shown: Locator) -> int:
    """Return the hardest edge, in steps of 255, in the foot of a picture, where the simulator letters it."""
    picture = np.asarray(Image.open(io.BytesIO(shown.screenshot())).convert("L"), dtype=np.int16)
    foot = picture[int(len(picture) * 0.88) : -12, 12:-12]
    return int(np.abs(np.diff(foot, axis=1)).max())


def test_what_is_judged_in_the_wall_is_python_state(browser: Browser, base: str, place: Path) -> None:
    """By keys and by mouse: stars, pick, reject, tags, note, undo and selection, in `df`, `picks` and `selection`; all survive a new kernel."""
    page, troubles = opened(browser, base, place, "wall", SWEEP, RUN, GALLERY)
    tile = [page.locator(f".gg-tile[data-id='{at}']") for at in range(4)]
    tile[0].scroll_into_view_if_needed()
    tile[0].focus()
    press(page, "4", "p")
    becomes(page, JUDGED, [[4, True, None, None], NOTHING, NOTHING, NOTHING])
    tile[3].hover()
    tile[3].get_by_role("button", name="2 stars (2)").click()
    tile[3].get_by_role("button", name="Reject (X)").click()
    becomes(page, JUDGED, [[4, True, None, None], NOTHING, NOTHING, [2, False, None, None]])
    tile[1].focus()
    press(page, "t")
    page.locator(".gg-stage[open]").wait_for()
    page.keyboard.type("sharp, calm")
    press(page, "Enter")
    page.locator(".gg-stage").focus()
    press(page, "e")
    page.keyboard.type("the best light")
    press(page, "Escape")
    becomes(page, f"({JUDGED})[1]", [None, None, "sharp, calm", "the best light"])
    tile[2].focus()
    press(page, "5", "u")
    becomes(page, f"({JUDGED})[2]", NOTHING)
    becomes(page, "gallery.picks.index.tolist()", [0])
    tile[1].click(modifiers=["Control"])
    press(page, "ArrowDown", "s")
    becomes(page, "gallery.selection.index.tolist()", [1, 3])
    page.get_by_role("button", name="Picked 1").click()
    page.wait_for_function("document.querySelectorAll('.gg-tile').length === 1")
    assert troubles == []
    page.evaluate("() => jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()")
    page.evaluate(
        "(code) => jupyterapp.shell.currentWidget.sessionContext.session.kernel.requestExecute({ code }).done",
        SWEEP,
    )
    becomes(page, f"({JUDGED})[:2]", [[4, True, None, None], [None, None, "sharp, calm", "the best light"]])
    page.close()


@pytest.mark.full
def test_a_note_at_a_moment_and_a_shift_are_python_state(browser: Browser, base: str, place: Path) -> None:
    """N notes the clip under the pointer while the notebook has the focus, and changes no cell; the shift of a compared clip is in the view."""
    page, troubles = opened(browser, base, place, "moments", SWEEP, RUN, GALLERY)
    cells = page.evaluate("jupyterapp.shell.currentWidget.content.widgets.length")
    page.locator(".gg-tile[data-id='2']").scroll_into_view_if_needed()
    page.locator(".gg-tile[data-id='2']").hover()
    press(page, "n")
    page.locator(".gg-moment-text").wait_for()
    page.keyboard.type("dd a flicker")
    press(page, "Enter")
    becomes(page, "sweep.ratings.df['note'].tolist()", ["dd a flicker"])
    becomes(page, "(sweep.ratings.df['at'] >= 0).tolist()", [True])
    for index in (0, 1):
        page.locator(f".gg-tile[data-id='{index}']").focus()
        press(page, "c")
    press(page, "v")
    page.locator(".gg-stage[open]").wait_for()
    press(page, "k", "k", "j", "k")
    assert page.locator(".gg-shift-said").inner_text() == "B: +2 frames"
    becomes(page, "gallery.view.count('pins=0,1&shift=1:2')", 1)
    press(page, "Escape")
    assert page.evaluate("jupyterapp.shell.currentWidget.content.widgets.length") == cells
    assert troubles == []
    page.close()


@pytest.mark.full
def test_blind_rounds_lead_to_a_ranking(browser: Browser, base: str, place: Path) -> None:
    """A person who likes foxes chooses by keys and by mouse; the page's ranking and Python's say so; the clips do not tell by their lettering."""
    page, troubles = opened(browser, base, place, "rounds", SWEEP, RUN, ROUNDS)
    begin = page.get_by_role("button", name="Begin the blind rounds")
    begin.scroll_into_view_if_needed()
    begin.click()
    for at in range(8):
        page.wait_for_function(PAIR)
        if not at:
            blind = [sharpness(frame) for frame in page.locator(".gg-covered").all()]
            page.add_style_tag(content=".gg-covered::after { display: none }")
            seen = [sharpness(frame) for frame in page.locator(".gg-covered").all()]
            assert max(blind) < 25
            assert min(seen) > 75
        foxes = page.evaluate(FOX_SIDE)
        if foxes[0] == foxes[1]:
            press(page, "ArrowDown", "Enter")
        elif at % 2:
            page.locator(".gg-pair .gg-pane").nth(foxes.index(True)).click()
            press(page, "Enter")
        else:
            press(page, "ArrowLeft" if foxes[0] else "ArrowRight", "Enter")
        becomes(page, "len(rounds.choices)", at + 1)
    press(page, "r")
    page.locator(".gg-ranking").get_by_role("button", name="prompt").click()
    leads = "document.querySelector('.gg-standings tbody tr td').textContent"
    assert page.evaluate(leads) == "a red fox in snow"
    becomes(
        page, "rounds.ranking('prompt')['prompt'].tolist()", ["a red fox in snow", "a paper boat at dawn"]
    )
    press(page, "u")
    becomes(page, "len(rounds.choices)", 7)
    assert troubles == []
    page.close()
