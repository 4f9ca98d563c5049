"""One clip large, and several compared, on the clock of the wall."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from fake_sweep import FakeSweep
from watching import PLAY, READY, shown

from gridgen.grid import Grid

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]

LARGE = """(count) => {
  const players = [...document.querySelectorAll(".gg-large")];
  return players.length === count && players.every((video) => video.readyState >= 2);
}"""
TIMES = """[...document.querySelectorAll(".gg-large")].map((video) => video.currentTime)"""
SPREAD = """() => {
  const times = [...document.querySelectorAll(".gg-large")].map((video) => video.currentTime);
  return Math.max(...times) - Math.min(...times);
}"""
NAME = """document.querySelector(".gg-stage .gg-pane").getAttribute("aria-label")"""


def pin(page: Page, *ids: int) -> None:
    """Put clips aside to be compared."""
    for index in ids:
        page.locator(f".gg-tile[data-id='{index}']").focus()
        page.keyboard.press("c")


def test_walking_from_clip_to_clip_keeps_the_playhead(
    browser: Browser, served: Path, done: FakeSweep
) -> None:
    """Arrows follow rows and columns, and go on at the end of one; the clip that comes plays on from where the last one was."""
    with shown(browser, done, served, rows="prompt", cols="size") as (page, _, _):
        page.wait_for_function(READY, arg=4)
        page.locator(".gg-tile[data-id='0']").focus()
        page.keyboard.press("Enter")
        page.wait_for_function(LARGE, arg=1)
        page.wait_for_function(f"{TIMES}[0] > 1.5")
        for arrow, name in (
            ("ArrowRight", "a paper boat, 9:16"),
            ("ArrowDown", "a red fox, 9:16"),
            ("ArrowLeft", "a red fox, 16:9"),
            ("ArrowLeft", "a paper boat, 9:16"),
            ("ArrowLeft", "a paper boat, 16:9"),
            ("ArrowLeft", "a paper boat, 16:9"),
        ):
            before = page.evaluate("document.querySelector('.gg-stage .gg-position').textContent")
            page.keyboard.press(arrow)
            assert page.evaluate(NAME) == name
            page.wait_for_function(LARGE, arg=1)
            after = page.evaluate("document.querySelector('.gg-stage .gg-position').textContent")
            assert (float(after.split()[0]) - float(before.split()[0])) % 6 < 2
            page.wait_for_function(
                """() => Math.abs(document.querySelector(".gg-large").currentTime
                  - parseFloat(document.querySelector(".gg-stage .gg-position").textContent)) < 0.25"""
            )
        page.keyboard.press("Escape")
        assert page.evaluate("document.activeElement.dataset.id") == "0"
        page.wait_for_function("[...document.querySelectorAll('.gg-video')].every((video) => video.paused)")


def test_two_to_four_clips_are_compared_in_step(browser: Browser, served: Path, done: FakeSweep) -> None:
    """Put aside by key, side by side, in step while playing and by single pictures; a fifth replaces the first."""
    with shown(browser, done, served, rows="prompt", cols="size") as (page, _, _):
        page.wait_for_function(READY, arg=4)
        pin(page, 0, 1, 2, 3)
        assert page.locator(".gg-badge[data-kind=pin]").all_inner_texts() == ["A", "B", "C", "D"]
        page.keyboard.press("v")
        page.wait_for_function(LARGE, arg=4)
        page.wait_for_function(f"{TIMES}.every((time) => time > 1)")
        page.wait_for_function(f"({SPREAD})() < 0.1")
        page.keyboard.press(".")
        page.wait_for_function(
            "[...document.querySelectorAll('.gg-large')].every((video) => video.paused && !video.seeking)"
        )
        before = page.evaluate(TIMES)
        page.keyboard.press(".")
        page.wait_for_function(
            f"(before) => {TIMES}.every((time, at) => Math.abs(time - before[at] - 1 / 6) < 0.01)", arg=before
        )
        assert page.evaluate(SPREAD) < 0.01


def test_what_differs_between_compared_clips_is_marked(browser: Browser, served: Path) -> None:
    """Equal parameters are quiet, differing ones stand out, and within a prompt only the words that differ."""
    prompts = ["a boat in heavy rain at dawn", "a boat in soft snow at dawn"]
    sweep = FakeSweep(Grid(prompt=prompts, duration=[6, 7]), served / "nb" / "boats")
    for row in sweep.rows():
        sweep.finish(row.index)
    with shown(browser, sweep, served, rows="prompt", cols="duration") as (page, _, _):
        page.wait_for_function(READY, arg=4)
        pin(page, 0, 3)
        page.keyboard.press("v")
        page.wait_for_function(LARGE, arg=2)
        differing = page.locator(".gg-table tr[data-differs]")
        names = differing.evaluate_all("(rows) => rows.map((row) => row.dataset.name)")
        assert {"prompt", "duration", "length", "file"} <= set(names)
        assert not {"size", "quality", "model", "state", "frame rate"} & set(names)
        marks = page.locator(".gg-table tr[data-name=prompt] mark").all_inner_texts()
        assert marks == ["heavy rain", "soft snow"]


def test_two_clips_are_flipped_and_wiped_in_place(browser: Browser, served: Path, done: FakeSweep) -> None:
    """F shows one after the other at the same place; W draws a line between two that can be moved; both play on."""
    with shown(browser, done, served, rows="prompt", cols="size") as (page, _, _):
        page.wait_for_function(READY, arg=4)
        pin(page, 0, 2)
        page.get_by_role("button", name="Compare 2").click()
        page.wait_for_function(LARGE, arg=2)
        seen = """[...document.querySelectorAll(".gg-pane")].map((pane) => getComputedStyle(pane).opacity)"""
        page.keyboard.press("f")
        assert page.evaluate(seen) == ["1", "0"]
        page.keyboard.press("f")
        assert page.evaluate(seen) == ["0", "1"]
        boxes = page.evaluate(
            "[...document.querySelectorAll('.gg-pane')].map((pane) => JSON.stringify(pane.getBoundingClientRect()))"
        )
        assert boxes[0] == boxes[1]
        page.keyboard.press("w")
        screen = page.locator(".gg-screen").bounding_box()
        page.mouse.move(screen["x"] + screen["width"] * 0.5, screen["y"] + 50)
        page.mouse.down()
        page.mouse.move(screen["x"] + screen["width"] * 0.25, screen["y"] + 50)
        page.mouse.up()
        clips = page.evaluate(
            "[...document.querySelectorAll('.gg-pane')].map((pane) => getComputedStyle(pane).clipPath)"
        )
        assert clips == ["inset(0px 75% 0px 0px)", "inset(0px 0px 0px 25%)"]
        page.keyboard.press("ArrowRight")
        assert page.locator(".gg-wipe").input_value() == "275"
        page.wait_for_function(f"{TIMES}.every((time) => time > 0.3) && ({SPREAD})() < 0.1")
        page.keyboard.press("Escape")
        page.keyboard.press("v")
        page.wait_for_function(LARGE, arg=2)
        assert page.locator(".gg-stage").get_attribute("data-way") == "wipe"


def test_a_clip_that_cannot_be_played_says_why_on_the_stage(
    browser: Browser, served: Path, done: FakeSweep
) -> None:
    """A format that the browser does not know, and a clip that is not there yet, are named; the other one plays."""
    (done.folder / "clip-0001.mp4").write_bytes(b"not a video" * 99)
    done.change(3, status="running", progress=10, path=None, preview=None, poster=None)
    with shown(browser, done, served, rows="prompt", cols="size") as (page, _, _):
        page.wait_for_function("document.querySelectorAll('.gg-tile[data-tone=bad]').length === 1")
        pin(page, 0, 1, 3)
        page.keyboard.press("v")
        page.wait_for_function("document.querySelector('.gg-large')?.currentTime > 0.3")
        page.get_by_text("It cannot be played: this browser does not know its format.").wait_for()
        assert page.locator(".gg-none").last.inner_text() == "running"


def test_playing_on_the_stage_ends_with_it(browser: Browser, served: Path, done: FakeSweep) -> None:
    """A wall at rest is at rest again after a look at one clip, and one that plays goes on from there."""
    with shown(browser, done, served, rows="prompt", cols="size") as (page, _, _):
        page.wait_for_function(READY, arg=4)
        page.locator(PLAY).click()
        page.wait_for_function("document.querySelectorAll('.gg-video')[0].currentTime > 0.5")
        page.locator(".gg-tile[data-id='0']").click()
        page.wait_for_function(LARGE, arg=1)
        page.wait_for_function("[...document.querySelectorAll('.gg-video')].every((video) => video.paused)")
        page.keyboard.press("Escape")
        page.wait_for_function("[...document.querySelectorAll('.gg-video')].every((video) => !video.paused)")
        assert page.locator(".gg-large").count() == 0
