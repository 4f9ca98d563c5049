"""Nothing is judged by accident: small tiles, keys without a focus, the way back from the stage, and undoing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from fake_sweep import FakeSweep
from page import Pages
from watching import READY, shown

from gridgen.gallery import Gallery
from gridgen.grid import Grid

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]

SAID = "sent.filter(({ kind }) => kind === 'judge' || kind === 'undo').length"
HERE = "document.activeElement.dataset.id"
STAGE = "document.querySelector('.gg-stage').open"
TOAST = ".gg-toast:not(:empty)"
PLACES = """() => [...document.querySelectorAll(".gg-wall > *, .gg-tile")].map((each) => {
  const { left, top, width, height } = each.getBoundingClientRect();
  return [each.className, left, top, width, height].join(" ");
}).filter((line) => !line.startsWith("gg-toast"))"""

OVER_THE_MIDDLE = """(id) => {
  const tile = document.querySelector(`.gg-tile[data-id="${id}"]`);
  const { left, top, width, height } = tile.querySelector(".gg-frame").getBoundingClientRect();
  const points = [0.3, 0.5, 0.7].map((share) => [left + width * share, top + height / 2]);
  const hit = points.map(([x, y]) => document.elementFromPoint(x, y)?.closest("[role=button], .gg-scrubstrip")).filter(Boolean);
  return hit.map((button) => `${Math.round(width)}x${Math.round(height)}: ${button.className}`);
}"""


def tile(page: Page, index: int) -> Any:
    """Return the tile of a clip."""
    return page.locator(f".gg-tile[data-id='{index}']")


def test_a_click_on_a_small_tile_opens_it(browser: Browser, served: Path, done: FakeSweep) -> None:
    """Case U3: wherever one clicks on a picture of less than 150 pixels nothing is rated; larger ones have their stars."""
    with shown(browser, done, served, rows="prompt", cols="size", view="tile=112") as (page, _, _):
        page.wait_for_function(READY, arg=4)
        for place in ({"x": 56, "y": 31}, {"x": 20, "y": 40}):
            tile(page, 0).hover(position=place)
            tile(page, 0).click(position=place)
            assert page.evaluate(STAGE)
            page.keyboard.press("Escape")
            page.wait_for_function(f"!{STAGE}")
        tile(page, 0).click(position={"x": 56, "y": 31}, modifiers=["Shift"])
        assert tile(page, 0).get_attribute("aria-selected") == "true"
        page.evaluate("model.set('tile', 64)")
        tile(page, 0).click(position={"x": 32, "y": 18})
        assert page.evaluate(STAGE)
        page.keyboard.press("Escape")
        assert page.evaluate(SAID) == 0
        page.evaluate("model.set('tile', 280)")
        tile(page, 0).hover()
        assert page.locator(".gg-tools .gg-star").first.is_visible()


def test_a_click_in_the_middle_of_a_picture_opens_it(browser: Browser, served: Path, done: FakeSweep) -> None:
    """Case U3: between the smallest and the largest tiles no star lies in the middle, playing or not, whatever the shape."""
    with shown(browser, done, served, rows="prompt", cols="size") as (page, _, _):
        page.wait_for_function(READY, arg=4)
        found = []
        for size in range(150, 341, 10):
            page.evaluate("(size) => model.set('tile', size)", size)
            for index in (0, 1):
                tile(page, index).hover(position={"x": 4, "y": 4})
                found += page.evaluate(OVER_THE_MIDDLE, index)
        assert found == []


def test_a_rating_by_key_needs_a_clip_that_is_seen_to_have_the_focus(
    browser: Browser, served: Path, sweep: FakeSweep
) -> None:
    """Case U3: keys rate, tag, hide and select nothing while no tile has the focus; one out of sight is shown first."""
    many = FakeSweep(Grid(prompt=[f"prompt {n}" for n in range(60)], duration=6), sweep.folder)
    many.finish(0)
    for index in range(1, 60):
        many.finish_like(index, 0)
    with shown(browser, many, served, rows=[], cols=[], view="tile=200") as (page, _, _):
        page.locator(".gg-wall").focus()
        for key in "5pxtnsch":
            page.keyboard.press(key)
        page.locator(".gg-transport .gg-play").first.focus()
        for key in "5px":
            page.keyboard.press(key)
        assert page.evaluate(SAID) == 0
        assert page.locator(".gg-clause").count() == 0
        assert page.locator(".gg-tile:is([aria-selected=true], [data-pinned])").count() == 0
        assert not page.evaluate(STAGE)
        tile(page, 0).focus()
        page.evaluate("document.querySelector('.gg-scroll').scrollTop = 700")
        page.wait_for_function("document.querySelector('.gg-scroll').scrollTop === 700")
        page.keyboard.press("4")
        assert page.evaluate(SAID) == 0
        page.wait_for_function("document.querySelector('.gg-scroll').scrollTop < 50")
        page.keyboard.press("4")
        assert page.evaluate(SAID) == 1
        for _ in range(12):
            page.keyboard.press("ArrowDown")
        page.keyboard.press("3")
        page.wait_for_function(f"{SAID} === 2")


def test_arrows_go_on_at_the_end_of_a_row_and_the_way_back_leads_to_the_clip_last_seen(
    browser: Browser, served: Path, done: FakeSweep
) -> None:
    """Case U3: right of a row's last clip is the next row's first, and back; Esc on the stage comes back to where it went."""
    with shown(browser, done, served, rows="prompt", cols="size") as (page, _, _):
        page.wait_for_function(READY, arg=4)
        tile(page, 0).focus()
        went = []
        for arrow in ("Right", "Right", "Right", "Right", "Left", "Left", "Left", "Left", "Down", "Down"):
            page.keyboard.press(f"Arrow{arrow}")
            went.append(page.evaluate(HERE))
        assert went == list("1233210021")
        page.keyboard.press("Enter")
        for arrow in ("Right", "Right"):
            page.keyboard.press(f"Arrow{arrow}")
        page.keyboard.press("Escape")
        page.wait_for_function(f"{HERE} === '3'")
        page.keyboard.press("ArrowLeft")
        assert page.evaluate(HERE) == "2"


def test_every_rating_can_be_taken_back_where_it_was_made(
    browser: Browser, served: Path, done: FakeSweep
) -> None:
    """Case U3: a quiet line says what was said of which clip, with Undo by button and by U, on the stage too; nothing moves."""
    with shown(browser, done, served, rows="prompt", cols="size") as (page, _, _):
        page.wait_for_function(READY, arg=4)
        tile(page, 0).focus()
        # tiles glide to their places for a quarter of a second when what a clip's file is like is known
        page.wait_for_function(
            "!document.getAnimations().some(({ effect }) => effect?.target?.matches?.('.gg-tile'))"
        )
        before = page.evaluate(PLACES)
        page.keyboard.press("4")
        toast = page.locator(TOAST)
        assert toast.locator(".gg-toast-text").inner_text() == "4 stars: a paper boat, 16:9"
        assert page.locator(".gg-toast[aria-live=polite]").count() == 1
        assert page.evaluate(PLACES) == before
        toast.get_by_role("button", name="Undo").click()
        page.wait_for_function("!document.querySelector('.gg-badge[data-kind=stars]')")
        assert page.evaluate(HERE) == "0"
        tile(page, 1).hover()
        page.get_by_role("button", name="Pick (P)").first.click()
        assert toast.locator(".gg-toast-text").inner_text() == "Picked: a paper boat, 9:16"
        page.keyboard.press("u")
        page.wait_for_function("!document.querySelector('.gg-badge[data-kind=pick]')")
        tile(page, 2).focus()
        page.keyboard.press("Enter")
        page.keyboard.press("x")
        undo = page.locator(".gg-stage").locator(TOAST).get_by_role("button", name="Undo")
        undo.click()
        page.wait_for_function("!document.querySelector('.gg-badge[data-kind=pick]')")
        page.keyboard.press("Escape")
        page.wait_for_function(f"!{STAGE}")
        assert page.locator(".gg-toast").count() == 1


def test_the_line_with_undo_goes_by_itself_on_a_page_without_a_kernel(
    browser: Browser, served: Path, done: FakeSweep
) -> None:
    """Case U3: the exported page has it too; after a few seconds it is gone, unless the pointer rests on it."""
    gallery = Gallery(done, rows="prompt", cols="size")
    with Pages(gallery.wall, files=served).serving() as pages:
        page = browser.new_page()
        page.clock.install()
        page.goto(f"{pages.base}/user/me/files/nb/plain.html")
        page.wait_for_function("window.ready")
        tile(page, 0).focus()
        page.keyboard.press("3")
        page.locator(TOAST).hover()
        page.clock.run_for(20_000)
        assert page.locator(TOAST).count() == 1
        page.mouse.move(2, 2)
        page.clock.run_for(20_000)
        assert page.locator(TOAST).count() == 0
        page.close()
    gallery.close()


PRESS = """([key, code, held = {}]) => document.activeElement.dispatchEvent(
  new KeyboardEvent("keydown", { key, code, bubbles: true, cancelable: true, ...held }))"""
DIRECTIONS = """() => Object.fromEntries([".gg-side .gg-label", ".gg-stage h3", ".gg-note-text", ".gg-toast bdi"]
  .map((name) => [name, getComputedStyle(document.querySelector(name)).direction]))"""


def test_keys_and_texts_of_other_languages(browser: Browser, served: Path) -> None:
    """Case V8: Cyrillic, Greek and French keys rate by where they lie, AltGr types in a field; Hebrew runs from the right; help has groups."""
    sweep = FakeSweep(Grid(prompt=["סירת נייר", "a paper boat"], duration=6), served / "nb" / "boats")
    sweep.finish(0)
    with shown(browser, sweep, served, rows="prompt", cols=[]) as (page, _, _):
        tile(page, 0).focus()
        page.evaluate(PRESS, ["ч", "KeyX"])
        assert tile(page, 0).get_attribute("data-pick") == "rejected"
        page.evaluate(PRESS, ["π", "KeyP"])
        assert tile(page, 0).get_attribute("data-pick") == "picked"
        page.evaluate(PRESS, ["(", "Digit5"])
        assert tile(page, 0).locator(".gg-badge[data-kind=stars]").inner_text() == "★ 5"
        page.evaluate(PRESS, ["?", "Minus", {"shiftKey": True}])
        assert page.locator(".gg-help h4").all_inner_texts() == [
            *("Playing", "Moving", "Comparing", "Judging", "Choosing", "The wall")
        ]
        page.keyboard.press("Escape")
        tile(page, 0).focus()
        page.evaluate(PRESS, ["ε", "KeyE"])
        assert page.evaluate("document.activeElement.className").endswith("gg-note-text")
        said = page.evaluate(SAID)
        assert page.evaluate(
            PRESS, ["[", "Digit8", {"ctrlKey": True, "altKey": True, "modifierAltGraph": True}]
        )
        page.keyboard.type("שלום")
        assert page.evaluate(SAID) == said
        assert set(page.evaluate(DIRECTIONS).values()) == {"rtl"}
