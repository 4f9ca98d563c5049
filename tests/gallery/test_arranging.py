"""Where the tiles go: rows, columns, outside of them, tabs; sizes; labels; what is shown at all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from fake_sweep import FakeSweep
from watching import PLAY, READY, SIDES, TOLD, shown

from gridgen.grid import Grid
from gridgen.values import value

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser, Page

    from gridgen.gallery import Gallery

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]

TOPS = """[...document.querySelectorAll(".gg-top")].map((head) => head.textContent)"""
TABS = """[...document.querySelectorAll(".gg-tab")].map((tab) => tab.innerText.replace(/\\s+/g, " "))"""
IDS = """[...document.querySelectorAll(".gg-tile")].map((tile) => Number(tile.dataset.id)).sort((a, b) => a - b)"""
WHOLLY_SEEN = """(selector) => {
  const box = document.querySelector(".gg-scroll").getBoundingClientRect();
  return [...document.querySelectorAll(selector)].filter((label) => {
    const { left, right, top, bottom } = label.getBoundingClientRect();
    return left >= box.left && right <= box.right && top >= box.top && bottom <= box.bottom;
  }).map((label) => label.textContent);
}"""


@pytest.fixture
def four(served: Path) -> FakeSweep:
    """Two values on each of four axes, and two takes: 32 clips."""
    grid = Grid(prompt=["a boat", "a fox"], size=["16:9", "9:16"], duration=[6, 10], quality=["480p", "720p"])
    return FakeSweep(grid, served / "nb" / "boats", takes=2)


def choose(page: Page, gallery: Gallery, name: str, value: Any) -> None:
    """Choose from a menu, as the linked control does."""
    menu = next(menu for menu in gallery.wall.menus if menu["name"] == name)
    at = [option for _, option in menu["options"]].index(value)
    page.evaluate("([name, at]) => model.set(name, at)", [name, at])


def test_any_axis_goes_anywhere_and_the_rest_are_tabs(
    browser: Browser, served: Path, four: FakeSweep
) -> None:
    """Rows, columns, outer rows, outer columns; what is left over gets tabs with counts; Python hears of it."""
    with shown(browser, four, served, rows="prompt", cols="size") as (page, _, gallery):
        assert page.evaluate(SIDES) == ["a boat", "a fox"]
        assert page.evaluate(TOPS) == ["16:9", "9:16"]
        assert page.evaluate(TABS) == [
            *("all 32", "6 s 16", "10 s 16"),
            *("all 32", "480p 16", "720p 16"),
            *("all 32", "take 1 16", "take 2 16"),
        ]
        choose(page, gallery, "outer_rows", ["quality"])
        choose(page, gallery, "outer_cols", ["take"])
        assert page.evaluate(SIDES) == ["480p", "720p", "a boat", "a fox", "a boat", "a fox"]
        assert page.evaluate(TOPS) == ["take 1", "take 2", "16:9", "9:16", "16:9", "9:16"]
        choose(page, gallery, "rows", ["take"])
        assert page.evaluate(SIDES)[:3] == ["480p", "720p", "take 1"]
        assert page.evaluate(TOPS)[:2] == ["a boat", "a fox"], "it changes places with what was there"
        choose(page, gallery, "cols", [])
        assert page.evaluate(TOPS) == ["a boat", "a fox"], "what was outside moves in"
        choose(page, gallery, "cols", [])
        assert page.evaluate(TABS)[:3] == ["all 32", "a boat 16", "a fox 16"]
        page.wait_for_function(TOLD, arg="rows=quality,take&cols=")
        assert (gallery.rows, gallery.cols) == (("quality", "take"), ())
        assert gallery.view == "rows=quality,take&cols="


def test_tabs_choose_count_and_take_turns(browser: Browser, served: Path, four: FakeSweep) -> None:
    """A tab leaves only its clips, by mouse and by keys; an axis may take turns by itself."""
    with shown(browser, four, served, rows="prompt", cols=["size", "quality"]) as (page, _, _):
        page.get_by_role("tab", name="10 s").click()
        assert page.evaluate(IDS) == [at for at in range(32) if at % 8 >= 4]
        page.keyboard.press("ArrowLeft")
        assert page.evaluate(IDS) == [at for at in range(32) if at % 8 < 4]
        assert page.evaluate("document.activeElement.innerText").startswith("6 s")
        page.locator(".gg-tile").first.focus()
        page.keyboard.press("PageDown")
        assert page.get_by_role("tab", name="10 s").get_attribute("aria-selected") == "true"
        page.get_by_role("button", name="Let the values of take take turns").click()
        for take in (1, 2, 1):
            page.wait_for_function(
                f"""document.querySelector("[aria-label=take] [aria-selected=true]").innerText.startsWith("take {take}")""",
                timeout=6000,
            )


def test_headers_stay_in_sight_both_ways(browser: Browser, served: Path) -> None:
    """Wherever the wall is scrolled to, the labels of what is in view are in view, outer ones too."""
    grid = Grid(prompt=[f"prompt {n}" for n in range(12)], size=["16:9", "1:1"], duration=[6, 7, 8, 9, 10])
    sweep = FakeSweep(grid, served / "nb" / "boats", takes=2)
    options = {"rows": ["size", "prompt"], "cols": ["take", "duration"]}
    with shown(browser, sweep, served, **options) as (page, _, _):
        page.evaluate("model.set('tile', 240)")
        for left, top, expected in ((0, 0, ("16:9", "take 1")), (1900, 2600, ("1:1", "take 2"))):
            page.evaluate(
                "([left, top]) => document.querySelector('.gg-scroll').scrollTo(left, top)", [left, top]
            )
            page.wait_for_function(
                f"([label]) => ({WHOLLY_SEEN})('.gg-side .gg-label').includes(label)", arg=[expected[0]]
            )
            seen_tops = page.evaluate(WHOLLY_SEEN, ".gg-top .gg-label")
            seen_sides = page.evaluate(WHOLLY_SEEN, ".gg-side .gg-label")
            assert expected[1] in seen_tops
            assert any(label.endswith(" s") for label in seen_tops)
            assert any(label.startswith("prompt ") for label in seen_sides)


STACKED = """[...document.querySelectorAll(".gg-tile")].map((tile) => {
  const [whole, frame, caption] = [tile, tile.querySelector(".gg-frame"), tile.querySelector(".gg-caption")]
    .map((each) => each.getBoundingClientRect());
  return Math.abs(frame.top - whole.top) < 1 && caption.top >= frame.bottom - 1;
})"""
"""Whether in each tile the clip is on top and its caption wholly below it."""


def test_unequal_clips_are_shown_as_shaped_to_scale_or_alike(browser: Browser, served: Path) -> None:
    """Equal areas by default; to one scale twice the pixels are twice as wide; in one box none is cut off."""
    sweep = FakeSweep(
        Grid(prompt="a", size=["16:9", "9:16"], quality=["480p", "720p"]), served / "nb" / "boats"
    )
    for row in sweep.rows():
        sweep.finish(row.index)
    sweep.change(1, width=640, height=360)
    sizes = """[...document.querySelectorAll(".gg-tile .gg-frame")]
      .map((frame) => [frame.offsetWidth, frame.offsetHeight])"""
    with shown(browser, sweep, served, rows=[], cols=[]) as (page, _, gallery):
        assert page.evaluate(STACKED) == [True] * 4
        page.evaluate("model.set('tile', 240)")
        areas = [width * height for width, height in page.evaluate(sizes)]
        assert max(areas) - min(areas) < 0.02 * max(areas)
        choose(page, gallery, "fit", "scale")
        wide = [width for width, _ in page.evaluate(sizes)]
        assert wide == [120, 240, 68, 68]
        choose(page, gallery, "fit", "box")
        assert len({tuple(size) for size in page.evaluate(sizes)}) == 1
        page.wait_for_function(READY, arg=4)
        assert page.evaluate("getComputedStyle(document.querySelector('.gg-video')).objectFit") == "contain"


LONG = "a red fox runs through a snowy birch forest at {} dawn, slow push in, 35 mm film, soft light"


def test_long_labels_show_what_differs_and_the_whole_on_demand(browser: Browser, served: Path) -> None:
    """Nearly equal prompts are told by their differing words; pointer and focus show all, the difference marked."""
    sweep = FakeSweep(Grid(prompt=[LONG.format("grey"), LONG.format("golden")]), served / "nb" / "boats")
    with shown(browser, sweep, served, rows="prompt", cols=[]) as (page, _, _):
        assert page.evaluate(SIDES) == ["… grey …", "… golden …"]
        labels = page.locator(".gg-side .gg-label")
        labels.nth(1).hover()
        assert page.locator(".gg-tip:popover-open").inner_text() == LONG.format("golden")
        assert page.locator(".gg-tip mark").all_inner_texts() == ["golden"]
        page.mouse.move(2, 2)
        page.wait_for_function("!document.querySelector('.gg-tip').matches(':popover-open')")
        labels.first.focus()
        assert page.locator(".gg-tip:popover-open").inner_text() == LONG.format("grey")


def test_notes_of_values_are_told_on_demand(browser: Browser, served: Path) -> None:
    """G1: a header shows the label that was given to its value; pointer and focus show the note on it, as text."""
    grid = Grid(
        prompt="a fox",
        size=[value("16:9", label="wide", note="<b>for television</b>"), "9:16"],
        duration=[6, 8],
    )
    with shown(browser, FakeSweep(grid, served / "nb" / "boats"), served, rows="size", cols="duration") as (
        page,
        _,
        _,
    ):
        assert page.evaluate(SIDES) == ["wide", "9:16"]
        page.locator(".gg-side .gg-label").first.focus()
        assert page.locator(".gg-tip:popover-open").inner_text() == "wide – <b>for television</b>"  # noqa: RUF001 - a dash
        assert page.locator(".gg-side .gg-label[tabindex]").count() == 1


def test_clips_are_filtered_and_sorted_and_what_remains_plays(
    browser: Browser, served: Path, done: FakeSweep
) -> None:
    """Only what failed; dearest first; and a filter that leaves nothing says so. New states move tiles in and out."""
    done.change(2, status="failed", error="no", preview=None, path=None, poster=None)
    with shown(browser, done, served, rows=[], cols=[]) as (page, pages, gallery):
        page.get_by_role("button", name="Failed 1").click()
        assert page.evaluate(IDS) == [2]
        done.change(3, status="lost")
        page.evaluate("hear", pages.told[-1])
        assert page.evaluate(IDS) == [2, 3]
        page.get_by_role("button", name="All 4").click()
        assert page.evaluate(IDS) == [0, 1, 2, 3]
        choose(page, gallery, "sort", "size")
        order = """[...document.querySelectorAll(".gg-tile")].sort((a, b) => a.ariaPosInSet - b.ariaPosInSet)
          .map((tile) => Number(tile.dataset.id))"""
        assert page.evaluate(order) == [0, 2, 1, 3]


def test_a_view_is_kept_and_given_back(browser: Browser, served: Path, done: FakeSweep) -> None:
    """What was chosen comes back from its text, in another gallery of the same sweep."""
    view = "rows=size&cols=&sort=-cost&speed=0.5&mode=percent&fit=box&range=1-3&pins=0,2"
    with shown(browser, done, served, view=view) as (page, _, gallery):
        page.wait_for_function(TOLD, arg=None)
        assert page.evaluate(SIDES) == ["16:9", "9:16"]
        assert page.get_by_label("Speed").first.input_value() == "0.5"
        assert page.locator(".gg-pin").count() == 2
        page.wait_for_function(
            "[...document.querySelectorAll('.gg-pin img')].filter((image) => image.naturalWidth > 0).length === 2"
        )
        assert set(gallery.view.split("&")) >= {"rows=size", "mode=percent", "fit=box", "pins=0,2"}
        assert gallery.wall.get_state()["view"] == gallery.view
        page.locator(PLAY).click()


def test_narrow_and_wide_pages_are_filled(browser: Browser, served: Path, four: FakeSweep) -> None:
    """Tiles take the width there is: no sideways scrolling at 1800 px, and none of the bar cut off at 700 px."""
    for width in (700, 1800):
        options = {
            "rows": "prompt",
            "cols": ["size", "duration"],
            "viewport": {"width": width, "height": 900},
        }
        with shown(browser, four, served, **options) as (page, _, _):
            scroll = page.locator(".gg-scroll").evaluate("(box) => [box.scrollWidth, box.clientWidth]")
            if width == 1800:
                assert scroll[0] == scroll[1]
            assert page.evaluate(
                """[...document.querySelectorAll(".gg-transport button, .gg-transport select, .gg-tab")]
                .filter((each) => each.checkVisibility())
                .every((each) => each.getBoundingClientRect().right <= document.querySelector(".gg-wall").getBoundingClientRect().right)"""
            )
