"""Playing in step: the bar, the modes, the range, the pointer, the sound."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from fake_sweep import FakeSweep
from watching import MOVING, PLAY, READY, shown

from gridgen.grid import Grid

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]

BAR = ".gg-wall > .gg-transport"
TIMES = """[...document.querySelectorAll(".gg-video")].map((video) => video.currentTime)"""
AT_REST = """(time) => [...document.querySelectorAll(".gg-video")]
  .every((video) => video.paused && !video.seeking && Math.abs(video.currentTime - time) < 0.02)"""
AUDIBLE = """[...document.querySelectorAll("video")].filter((video) => !video.muted && video.volume > 0)
  .map((video) => Number(video.closest("[data-id]").dataset.id))"""
POSTERS = """[...document.querySelectorAll(".gg-poster")].every((poster) => poster.complete && poster.naturalWidth > 0)"""


@pytest.fixture
def lengths(served: Path) -> FakeSweep:
    """Clips of 6, 8 and 10 s, six pictures a second."""
    made = FakeSweep(Grid(prompt="a boat", duration=[6, 8, 10]), served / "nb" / "boats")
    for row in made.rows():
        made.finish(row.index)
    return made


def scrub(page: Page, share: float) -> None:
    """Put the position where a share of the whole is."""
    page.locator(f"{BAR} .gg-scrub").evaluate(
        "(scrub, share) => { scrub.value = share * 1000; scrub.dispatchEvent(new Event('input')); }", share
    )


def test_scrubbing_and_stepping_move_all_clips_alike(
    browser: Browser, served: Path, lengths: FakeSweep
) -> None:
    """At rest every clip shows the moment of the bar, and a step is one picture for all, by button and by key."""
    with shown(browser, lengths, served, rows=[], cols=[]) as (page, _, _):
        page.wait_for_function(READY, arg=3)
        scrub(page, 0.3)
        page.wait_for_function(AT_REST, arg=3.0)
        page.get_by_role("button", name="One frame on").first.click()
        page.wait_for_function(AT_REST, arg=(18 + 1.5) / 6)
        # the focus may scroll a tile under the pointer, which would scrub it by itself
        page.mouse.move(1, 1)
        page.locator(".gg-tile").first.focus()
        for _ in range(3):
            page.keyboard.press(",")
        page.wait_for_function(AT_REST, arg=(18 - 1.5) / 6)
        assert page.locator(f"{BAR} .gg-position").inner_text() == "2.8 / 10.0 s"


@pytest.mark.parametrize("way", ["step", "seek"])
def test_the_clip_under_the_pointer_moves_with_the_others(
    browser: Browser, served: Path, lengths: FakeSweep, way: str
) -> None:
    """A clip that plays or is scrubbed by itself under the pointer comes back into step with a key, and stays there while the pointer rests."""
    with shown(browser, lengths, served, rows=[], cols=[]) as (page, _, _):
        page.wait_for_function(READY, arg=3)
        scrub(page, 0.3)
        page.wait_for_function(AT_REST, arg=3.0)
        page.locator(".gg-tile").first.focus()
        page.locator(".gg-tile").first.hover()
        page.wait_for_function(f"{TIMES}[0] > 3.3")
        if way == "step":
            page.keyboard.press(".")
        else:
            scrub(page, 0.3 + 1 / 40)
        page.wait_for_function(AT_REST, arg=(18 + 1.5) / 6)
        page.wait_for_timeout(400)
        assert page.evaluate(f"({AT_REST})({(18 + 1.5) / 6})")
        page.locator(".gg-tile").last.hover()
        page.wait_for_function(f"{TIMES}[2] > 3.5")
        page.locator(".gg-tile").first.hover()
        page.wait_for_function(f"{TIMES}[0] > 3.5")


def test_a_shorter_clip_waits_at_its_end_and_the_bar_says_where(
    browser: Browser, served: Path, lengths: FakeSweep
) -> None:
    """In the mode of the same time a tick marks each earlier end, and the tile says that it has ended."""
    with shown(browser, lengths, served, rows=[], cols=[]) as (page, _, _):
        page.wait_for_function(READY, arg=3)
        ticks = page.locator(f"{BAR} .gg-tick")
        assert [ticks.nth(at).get_attribute("style") for at in range(2)] == ["left: 60%;", "left: 80%;"]
        assert ticks.first.get_attribute("title") == "1 clip ends at 6.0 s"
        scrub(page, 0.7)
        page.locator(PLAY).click()
        page.wait_for_function("document.querySelectorAll('.gg-tile[data-over]').length === 1")
        assert page.locator(".gg-tile[data-over]").get_attribute("data-id") == "0"


def test_modes_keep_step_by_part_or_end_with_the_shortest(
    browser: Browser, served: Path, lengths: FakeSweep
) -> None:
    """Same percent: each at the same part of its own length, at its own pace; the shortest: all loop with it."""
    with shown(browser, lengths, served, rows=[], cols=[]) as (page, _, _):
        page.wait_for_function(READY, arg=3)
        mode = page.get_by_label("How clips of unequal length keep step").first
        mode.select_option("percent")
        scrub(page, 0.5)
        page.wait_for_function(f"JSON.stringify({TIMES}.map((time) => Math.round(time))) === '[3,4,5]'")
        page.locator(PLAY).click()
        page.wait_for_function(MOVING)
        page.wait_for_function(
            """() => [...document.querySelectorAll(".gg-video")]
            .every((video) => Math.abs(video.playbackRate - video.duration / 10) < 0.1)"""
        )
        assert page.locator(f"{BAR} .gg-tick").count() == 0
        mode.select_option("shortest")
        page.wait_for_function("document.querySelector('.gg-position').textContent.endsWith('/ 6.0 s')")
        scrub(page, 0.95)
        page.wait_for_function(f"{TIMES}.every((time) => time < 2)")


def test_speed_is_that_of_every_clip(browser: Browser, served: Path, lengths: FakeSweep) -> None:
    """From a quarter to twice the speed, by menu and by key; the clock runs at that speed too."""
    with shown(browser, lengths, served, rows=[], cols=[]) as (page, _, _):
        page.wait_for_function(READY, arg=3)
        page.locator(PLAY).click()
        page.wait_for_function(MOVING)
        speed = page.get_by_label("Speed").first
        for chosen in ("0.25", "2"):
            speed.select_option(chosen)
            page.wait_for_function(
                """(speed) => [...document.querySelectorAll(".gg-video")]
                .every((video) => Math.abs(video.playbackRate / speed - 1) < 0.3)""",
                arg=float(chosen),
            )
        page.locator(".gg-tile").first.focus()
        page.keyboard.press("<")
        assert speed.input_value() == "1.5"


def test_a_range_is_looped_by_all(browser: Browser, served: Path, lengths: FakeSweep) -> None:
    """Between the two marks, and nowhere else; the marks can be dragged, and taken away."""
    with shown(browser, lengths, served, rows=[], cols=[]) as (page, _, _):
        page.wait_for_function(READY, arg=3)
        page.locator(".gg-tile").first.focus()
        scrub(page, 0.2)
        page.keyboard.press("[")
        scrub(page, 0.4)
        page.keyboard.press("]")
        page.keyboard.press(" ")
        page.wait_for_function(MOVING)
        page.wait_for_timeout(50)
        seen = page.evaluate(
            f"""async () => {{
              const seen = [];
              const end = performance.now() + 4500;
              while (performance.now() < end) {{
                await new Promise((go) => setTimeout(go, 100));
                seen.push(...{TIMES});
              }}
              return seen;
            }}"""
        )
        assert min(seen) > 1.7
        assert max(seen) < 4.5
        handle = page.locator(f"{BAR} .gg-handle[data-end=to]")
        box = page.locator(f"{BAR} .gg-track").bounding_box()
        handle.hover()
        page.mouse.down()
        page.mouse.move(box["x"] + box["width"] * 0.8, box["y"])
        page.mouse.up()
        assert handle.evaluate("(handle) => parseFloat(getComputedStyle(handle).left)") == pytest.approx(
            box["width"] * 0.8, abs=3
        )
        page.keyboard.press("\\")
        page.wait_for_function(f"!document.querySelector('{BAR}').hasAttribute('data-limited')")


def test_the_pointer_plays_one_clip_and_its_strip_scrubs_it(
    browser: Browser, served: Path, lengths: FakeSweep
) -> None:
    """Posters come first; a clip plays under the pointer, shows any moment under the strip, and returns to the others."""
    with shown(browser, lengths, served, rows=[], cols=[]) as (page, _, _):
        page.wait_for_function(POSTERS)
        page.wait_for_function(READY, arg=3)
        assert page.locator(".gg-tile[data-live]").count() == 0
        tile = page.locator(".gg-tile").nth(1)
        tile.hover(position={"x": 40, "y": 20})
        page.wait_for_function("document.querySelectorAll('.gg-video')[1].currentTime > 0.3")
        assert (
            page.evaluate(
                "[...document.querySelectorAll('.gg-video')].filter((video) => !video.paused).length"
            )
            == 1
        )
        strip = page.locator(".gg-scrubstrip").bounding_box()
        page.mouse.move(strip["x"] + strip["width"] * 0.75, strip["y"] + 8)
        page.wait_for_function("Math.abs(document.querySelectorAll('.gg-video')[1].currentTime - 6) < 0.1")
        page.mouse.move(5, 5)
        page.wait_for_function(AT_REST, arg=0.0)


def test_at_most_one_clip_sounds(browser: Browser, served: Path) -> None:
    """Silent at first; the clip whose sound is asked for plays its original; never two at once, on the stage neither."""
    sweep = FakeSweep(Grid(prompt=["a", "b", "c"]), served / "nb" / "boats")
    for index in range(3):
        sweep.finish(index, sound=True)
    with shown(browser, sweep, served, rows=[], cols=[]) as (page, _, _):
        page.wait_for_function(READY, arg=3)
        page.evaluate(
            f"""() => {{ window.most = 0;
            setInterval(() => {{ most = Math.max(most, {AUDIBLE}.length); }}, 5); }}"""
        )
        page.locator(PLAY).click()
        page.wait_for_function(MOVING)
        assert page.evaluate(AUDIBLE) == []
        for index in (1, 2):
            page.locator(".gg-tile").nth(index).focus()
            page.keyboard.press("m")
            page.wait_for_function(f"JSON.stringify({AUDIBLE}) === '[{index}]'")
        page.wait_for_function(MOVING)
        page.keyboard.press("Enter")
        page.wait_for_function("document.querySelector('.gg-large')?.readyState >= 2")
        page.wait_for_function(
            f"JSON.stringify({AUDIBLE}) === '[2]' && !document.querySelector('.gg-large').muted"
        )
        page.keyboard.press("ArrowLeft")
        page.wait_for_function(f"JSON.stringify({AUDIBLE}) === '[1]'")
        page.keyboard.press("Escape")
        page.locator(".gg-tile").nth(1).focus()
        page.keyboard.press("m")
        page.wait_for_function(f"{AUDIBLE}.length === 0")
        assert page.evaluate("most") == 1


def test_a_preview_that_cannot_be_played_gives_way_to_its_original(
    browser: Browser, served: Path, lengths: FakeSweep
) -> None:
    """One that breaks while the wall is open, and one that was empty before: both clips play: case V2."""
    (lengths.folder / "empty.mp4").touch()
    lengths.change(1, preview="empty.mp4")
    with shown(browser, lengths, served, rows=[], cols=[]) as (page, _, _):
        page.route("**/clip-0002.preview.mp4*", lambda route: route.fulfill(body=b"\0" * 3000))
        (lengths.folder / "clip-0002.preview.mp4").write_bytes(
            (lengths.folder / "clip-0002.mp4").read_bytes()
        )
        lengths.change(2, preview="clip-0002.preview.mp4")
        page.wait_for_function(READY, arg=3)
        assert page.get_by_text("Enter opens its details").count() == 0
