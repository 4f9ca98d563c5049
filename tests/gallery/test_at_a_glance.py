"""What a wall shows without a hand on it: it plays by itself, fits what it is scrolled in, and its tiles are tidy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from fake_sweep import FakeSweep
from page import LAB_DARK
from watching import MOVING, PLAY, READY, shown

from gridgen.grid import Grid

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]

LABEL = f"document.querySelector('{PLAY}').getAttribute('aria-label')"
SILENT = "[...document.querySelectorAll('.gg-video')].every((video) => video.muted)"
SPREAD = """(() => {
  const times = [...document.querySelectorAll(".gg-video")].map((video) => video.currentTime);
  return Math.max(...times) - Math.min(...times);
})()"""
IN_SIGHT = """() => {
  const [{ top, bottom }, wall] = [".gg-wall > .gg-transport", ".gg-wall"].map((name) => document.querySelector(name).getBoundingClientRect());
  return [top >= 0 && bottom <= innerHeight + 1, wall.height <= innerHeight];
}"""
UNTIDY = """() => [...document.querySelectorAll(".gg-tile")].flatMap((tile) => {
  const frame = tile.querySelector(".gg-frame").getBoundingClientRect();
  const parts = [...tile.querySelectorAll(".gg-words > *, .gg-bar")].filter((part) => part.checkVisibility() && part.offsetHeight);
  const boxes = parts.map((part) => [part.className, part.getBoundingClientRect()]);
  const out = boxes.filter(([, box]) => box.top < frame.top || box.bottom > frame.bottom || box.left < frame.left || box.right > frame.right);
  const over = boxes.flatMap(([name, a], at) => boxes.slice(at + 1).filter(([, b]) => a.top < b.bottom - 1 && b.top < a.bottom - 1).map(([other]) => `${name}/${other}`));
  const terse = frame.width < 160 ? parts.map(({ className }) => className).filter((name) => !["gg-state", "gg-bar"].includes(name)) : [];
  return [...out.map(([name]) => `${name} sticks out`), ...over, ...terse].map((fault) => `${tile.dataset.id} ${tile.dataset.status} ${Math.round(frame.width)}x${Math.round(frame.height)}: ${fault}`);
})"""
SCROLLED = "#root { margin-top: 300px } body { margin-bottom: 900px }"


def plays_by_itself(page: Page) -> None:
    """See all clips move in step, without a sound and without a click."""
    page.wait_for_function(MOVING)
    page.wait_for_function(f"{SPREAD} < 0.15")
    assert page.evaluate(LABEL) == "Pause all"
    assert page.evaluate(SILENT)


def test_it_plays_by_itself_when_the_first_clips_arrive(
    browser: Browser, served: Path, sweep: FakeSweep
) -> None:
    """Case U6: silently and in step; what is stopped stays so; the switch is remembered; not where motion is unwanted."""
    with shown(browser, sweep, served, rows="prompt", cols="size", quiet=False) as (page, pages, _):
        assert page.evaluate(LABEL) == "Play all"
        for index in (0, 1):
            sweep.finish_like(index, 0) if index else sweep.finish(0)
            page.evaluate("hear", pages.told[-1])
        page.wait_for_function(READY, arg=2)
        plays_by_itself(page)
        page.locator(PLAY).click()
        sweep.finish(2)
        page.evaluate("hear", pages.told[-1])
        page.wait_for_function(READY, arg=3)
        assert page.evaluate(LABEL) == "Play all"
        page.get_by_role("button", name="Play by itself").first.click()
        page.reload()
        page.wait_for_function("window.ready")
        page.wait_for_function(READY, arg=3)
        assert page.evaluate(LABEL) == "Play all"
        assert (
            page.get_by_role("button", name="Play by itself").first.get_attribute("aria-pressed") == "false"
        )
        page.get_by_role("button", name="Play by itself").first.click()
        page.emulate_media(reduced_motion="reduce")
        page.reload()
        page.wait_for_function("window.ready")
        page.wait_for_function(READY, arg=3)
        assert page.evaluate(LABEL) == "Play all"


@pytest.mark.parametrize(
    ("width", "height"),
    [
        (1400, 900),
        *(pytest.param(*size, marks=pytest.mark.full) for size in ((820, 900), (1400, 600), (390, 800))),
    ],
)
def test_the_bar_is_in_sight_and_the_wall_fits(
    browser: Browser, served: Path, sweep: FakeSweep, width: int, height: int
) -> None:
    """Case U6: wherever the page is scrolled while the table is in view, and no wall is taller than its pane."""
    many = FakeSweep(Grid(prompt=[f"prompt {n}" for n in range(60)], size=["16:9", "9:16"]), sweep.folder)
    viewport = {"width": width, "height": height}
    with shown(browser, many, served, rows=[], cols=[], theme=SCROLLED, viewport=viewport) as (page, _, _):
        assert page.evaluate(IN_SIGHT) == [True, True]
        page.evaluate("scrollTo(0, 280)")
        assert page.evaluate(IN_SIGHT) == [True, True]


@pytest.mark.parametrize("theme", ["", pytest.param(LAB_DARK, marks=pytest.mark.full)])
def test_tiles_without_a_clip_are_tidy_at_any_size(browser: Browser, served: Path, theme: str) -> None:
    """Case U6: no text lies over another, over the bar or outside; below 160 pixels there are state and bar only."""
    sweep = FakeSweep(
        Grid(prompt=[f"p{n}" for n in range(4)], size=["16:9", "9:16", "1:1"]), served / "nb" / "boats"
    )
    long = "The server refused this prompt because it names a person, and because it is too long by far. " * 2
    for index in range(12):
        kind = index // 3
        if kind == 0:
            sweep.change(
                index, status="downloading", progress=100, submitted_at=sweep.internals.clock.now - 276
            )
        elif kind == 1:
            sweep.change(index, status="failed", error=long)
        elif kind == 2:
            sweep.change(index, status="unknown")
    with shown(browser, sweep, served, rows=[], cols=[], theme=theme) as (page, _, _):
        for size in (64, 112, 158, 170, 240, 340):
            page.evaluate("(size) => model.set('tile', size)", size)
            assert page.evaluate(UNTIDY) == []
