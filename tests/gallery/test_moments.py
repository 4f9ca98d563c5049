"""Notes at a moment, the ticks on the bar that lead there, and compared clips of which one is shifted."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from fake_sweep import FakeSweep
from page import Pages
from watching import READY, opened, shown

from gridgen.gallery import Gallery
from gridgen.grid import Grid

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

BAR = ".gg-wall > .gg-transport"
FIELD = ".gg-moment"
AT_REST = """(time) => [...document.querySelectorAll(".gg-video")]
  .every((video) => video.paused && !video.seeking && Math.abs(video.currentTime - time) < 0.02)"""
PRESS = """([key, code, held = {}]) => document.activeElement.dispatchEvent(
  new KeyboardEvent("keydown", { key, code, bubbles: true, cancelable: true, ...held }))"""
LARGE = """(count) => {
  const players = [...document.querySelectorAll(".gg-large")];
  return players.length === count && players.every((video) => video.readyState >= 2);
}"""
LARGE_AT = """(times) => [...document.querySelectorAll(".gg-large")].every((video, at) =>
  video.paused && !video.seeking && Math.abs(video.currentTime - times[at]) < 0.02)"""
ANSWERED = "() => sent.filter(({ request }) => request).every(({ request }) => replied.has(request))"


def tile(page: Page, index: int) -> Any:
    """Return the tile of a clip."""
    return page.locator(f".gg-tile[data-id='{index}']")


def note(sweep: FakeSweep, index: int) -> str:
    """Return what anna noted of a clip."""
    return sweep.judgements.book.of(sweep.slot(sweep.rows()[index]), "anna").note


def seek(page: Page, seconds: float, length: float = 6, bar: str = BAR) -> None:
    """Put the position of the bar."""
    page.locator(f"{bar} .gg-scrub").evaluate(
        "(scrub, value) => { scrub.value = value; scrub.dispatchEvent(new Event('input')); }",
        seconds / length * 1000,
    )


def judge(sweep: FakeSweep, index: int, text: str, reviewer: str = "anna") -> None:
    """Let a reviewer note something."""
    sweep.rejudge(sweep.judgements.judge([sweep.slot(sweep.rows()[index])], reviewer, note=text))


def wall(browser: Browser, sweep: FakeSweep, served: Path, **options: Any) -> Any:
    """Show the wall of a reviewer called anna."""
    return shown(browser, sweep, served, reviewer="anna", rows="prompt", cols="size", **options)


def test_a_note_is_written_at_the_playhead_of_the_clip_with_the_focus(
    browser: Browser, served: Path, done: FakeSweep
) -> None:
    """N shows the moment, Enter keeps it, Esc does not; further ones stand beside the plain note in their order; undo takes the last one back."""
    with wall(browser, done, served) as (page, _, _):
        page.wait_for_function(READY, arg=4)
        seek(page, 2.4)
        page.wait_for_function(AT_REST, arg=2.4)
        tile(page, 1).focus()
        page.keyboard.press("n")
        assert page.locator(f"{FIELD} b").inner_text() == "0:02.4"
        page.keyboard.type("5 hands, p u")
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.dataset.id") == "1"
        page.wait_for_function(ANSWERED)
        assert note(done, 1) == "0:02.4 5 hands, p u"
        page.keyboard.press("n")
        page.keyboard.type("never said")
        page.keyboard.press("Escape")
        assert page.locator(FIELD).count() == 0
        page.keyboard.press("e")
        page.keyboard.press("ControlOrMeta+Home")
        page.keyboard.insert_text("calm\n")
        page.keyboard.press("Escape")
        seek(page, 1.2)
        tile(page, 1).focus()
        page.keyboard.press("n")
        page.keyboard.type("dark")
        page.keyboard.press("Enter")
        page.wait_for_function(ANSWERED)
        assert note(done, 1) == "calm\n0:01.2 dark\n0:02.4 5 hands, p u"
        page.locator(".gg-toast").get_by_role("button", name="Undo").click()
        page.wait_for_function(ANSWERED)
        assert note(done, 1) == "calm\n0:02.4 5 hands, p u"
        page.keyboard.press("?")
        assert "write a note at this moment" in page.locator(".gg-help").inner_text()


def test_a_note_is_about_the_clip_that_is_pointed_at(browser: Browser, served: Path, done: FakeSweep) -> None:
    """Also with the focus elsewhere on the page; at what it shows by itself under the pointer; keys that steer on count for more until the pointer moves."""
    with wall(browser, done, served) as (page, _, _):
        page.wait_for_function(READY, arg=4)
        tile(page, 2).hover()
        page.wait_for_function("document.querySelector('.gg-tile[data-id=\"2\"] video').currentTime > 0.5")
        page.evaluate("document.activeElement.blur()")
        page.keyboard.press("n")
        page.keyboard.type("x")
        page.keyboard.press("Enter")
        page.wait_for_function(ANSWERED)
        said = re.fullmatch(r"0:(\d\d\.\d+) x", note(done, 2))
        assert said is not None
        assert float(said[1]) > 0.4
        tile(page, 0).focus()
        page.keyboard.press("n")
        page.keyboard.type("y")
        page.locator(".gg-judged").click()
        page.wait_for_function(ANSWERED)
        assert note(done, 2).count("\n") == 1
        tile(page, 2).hover()
        tile(page, 0).focus()
        page.keyboard.press("ArrowRight")
        page.keyboard.press("n")
        page.keyboard.type("z")
        page.keyboard.press("Enter")
        page.wait_for_function(ANSWERED)
        assert note(done, 1) == "0:00.0 z"


def test_ticks_lead_to_the_moments(browser: Browser, served: Path) -> None:
    """Each moment has a tick where it is, by seconds and by percent; a click takes all clips there and says the note, of any reviewer."""
    sweep = FakeSweep(Grid(prompt="a boat", duration=[6, 8]), served / "nb" / "boats")
    for row in sweep.rows():
        sweep.finish(row.index)
    judge(sweep, 0, "calm\n0:03.0 <b>the hand</b>")
    judge(sweep, 1, "0:02.0 a flicker", "ben")
    with shown(browser, sweep, served, reviewer="anna", rows=[], cols="duration") as (page, _, _):
        page.wait_for_function(READY, arg=2)
        ticks = page.locator(f"{BAR} .gg-moment-tick")
        assert [ticks.nth(at).get_attribute("style") for at in range(2)] == ["left: 25%;", "left: 37.5%;"]
        assert ticks.nth(1).get_attribute("title") == "0:03.0 <b>the hand</b> (a boat, 6 s)"
        ticks.nth(1).click()
        page.wait_for_function(AT_REST, arg=3.0)
        assert page.locator(".gg-toast").inner_text() == "0:03.0 <b>the hand</b> (a boat, 6 s)"
        ticks.nth(0).click()
        page.wait_for_function(AT_REST, arg=2.0)
        page.locator(f"{BAR} select").nth(1).select_option("percent")
        assert [ticks.nth(at).get_attribute("style") for at in range(2)] == ["left: 25%;", "left: 50%;"]
        ticks.nth(1).click()
        page.wait_for_function(
            "() => [...document.querySelectorAll('.gg-video')].every((video, at) => Math.abs(video.currentTime - [3, 4][at]) < 0.02)"
        )
        tile(page, 1).focus()
        page.keyboard.press("n")
        assert page.locator(f"{FIELD} b").inner_text() == "0:04.0"
        page.keyboard.press("Escape")
        page.keyboard.press("Enter")
        page.wait_for_function(LARGE, arg=1)
        assert page.locator(".gg-stage .gg-moment-tick").count() == 1
        page.locator(".gg-stage .gg-moment-tick").click()
        page.wait_for_function(
            "document.querySelector('.gg-stage .gg-toast')?.textContent.startsWith('0:02.0 a flicker')"
        )


def test_a_note_is_written_on_the_stage(browser: Browser, served: Path, done: FakeSweep) -> None:
    """N by a Cyrillic key beside the clip that is open: Esc closes the field alone, the plain note shows the line, its tick is there at once."""
    with wall(browser, done, served) as (page, _, _):
        page.wait_for_function(READY, arg=4)
        seek(page, 2.4)
        tile(page, 0).focus()
        page.keyboard.press("Enter")
        page.wait_for_function(LARGE, arg=1)
        page.keyboard.press(" ")
        seek(page, 1.5, bar=".gg-stage .gg-transport")
        page.locator(".gg-stage").focus()
        page.evaluate(PRESS, ["т", "KeyN"])
        assert page.locator(f".gg-stage {FIELD} b").inner_text() == "0:01.5"
        page.keyboard.press("Escape")
        assert page.locator(FIELD).count() == 0
        assert page.locator(".gg-stage[open]").count() == 1
        assert not page.evaluate(PRESS, ["n", "KeyN"])
        page.keyboard.type("שלום")
        page.keyboard.press("Enter")
        assert page.locator(".gg-note-text").input_value() == "0:01.5 שלום"
        assert page.locator(".gg-stage .gg-moment-tick").count() == 1
        page.keyboard.press("Escape")
        page.wait_for_function(ANSWERED)
        assert note(done, 0) == "0:01.5 שלום"


def test_a_clip_without_a_video_has_a_plain_note_and_a_full_one_takes_no_more(
    browser: Browser, served: Path, done: FakeSweep
) -> None:
    """There is no moment in what cannot play; what has no room says so before anything is typed."""
    done.change(3, status="failed", path=None, preview=None, poster=None, clip_seconds=None)
    judge(done, 0, "x" * 1995)
    with wall(browser, done, served) as (page, _, _):
        page.wait_for_function(READY, arg=3)
        tile(page, 3).focus()
        page.keyboard.press("n")
        page.wait_for_function("document.activeElement.className.endsWith('gg-note-text')")
        page.keyboard.press("Escape")
        page.wait_for_function("!document.activeElement.className.endsWith('gg-note-text')")
        tile(page, 0).focus()
        page.keyboard.press("n")
        assert page.locator(".gg-moment-text").get_attribute("placeholder").startswith("no room")
        page.keyboard.type("y")
        page.keyboard.press("Enter")
        assert note(done, 0) == "x" * 1995


def test_one_side_is_shifted_against_the_other(browser: Browser, served: Path, done: FakeSweep) -> None:
    """K and J shift the second by frames, at rest, by steps, by ticks and while playing; the clip clicked is the one that moves; R ends it."""
    judge(done, 1, "0:03.0 there")
    with wall(browser, done, served) as (page, _, _):
        page.wait_for_function(READY, arg=4)
        for index in (0, 1):
            tile(page, index).focus()
            page.keyboard.press("c")
        page.keyboard.press("v")
        page.wait_for_function(LARGE, arg=2)
        page.keyboard.press(" ")
        seek(page, 2.1, bar=".gg-stage .gg-transport")
        page.wait_for_function(LARGE_AT, arg=[2.1, 2.1])
        page.locator(".gg-stage").focus()
        said = page.locator(".gg-shift-said")
        assert said.inner_text() == "B: 0 frames"
        page.evaluate(PRESS, ["л", "KeyK"])
        assert said.inner_text() == "B: +1 frame"
        page.get_by_role("button", name="One frame on against the others (K)").click()
        page.keyboard.press("k")
        assert said.inner_text() == "B: +3 frames"
        page.wait_for_function(LARGE_AT, arg=[2.1, 2.6])
        page.keyboard.press(".")
        page.wait_for_function(LARGE_AT, arg=[13.5 / 6, 13.5 / 6 + 0.5])
        page.locator(".gg-stage .gg-moment-tick").click()
        page.wait_for_function(LARGE_AT, arg=[2.5, 3.0])
        page.wait_for_function("sent.some(({ view }) => view?.includes('pins=0,1&shift=1:3'))")
        page.locator(".gg-pane").first.click(position={"x": 60, "y": 60})
        assert said.inner_text() == "B: +3 frames"
        seek(page, 4.9, bar=".gg-stage .gg-transport")
        page.locator(".gg-stage").focus()
        page.keyboard.press(" ")
        page.wait_for_function(
            "document.querySelectorAll('.gg-pane')[1].hasAttribute('data-over')", polling=20
        )
        page.wait_for_function(
            """() => { const [a, b] = [...document.querySelectorAll(".gg-large")].map((video) => video.currentTime);
              return a > 0.6 && a < 4 && Math.abs(b - a - 0.5) < 0.06; }""",
            polling=20,
        )
        page.keyboard.press("r")
        assert said.inner_text() == "B: 0 frames"
        page.wait_for_function(
            """() => { const [a, b] = [...document.querySelectorAll(".gg-large")].map((video) => video.currentTime);
              return a > 0.6 && Math.abs(b - a) < 0.06; }""",
            polling=20,
        )
        for _ in range(4):
            page.keyboard.press("j")
        assert said.inner_text() == "B: \N{MINUS SIGN}4 frames"
        page.keyboard.press(" ")
        seek(page, 0.25, 6 + 4 / 6, bar=".gg-stage .gg-transport")
        page.wait_for_function(LARGE_AT, arg=[0.25, 0.0])
        seek(page, 6 + 4 / 6, 6 + 4 / 6, bar=".gg-stage .gg-transport")
        page.wait_for_function(LARGE_AT, arg=[5.98, 5.98])
        page.keyboard.press("Escape")


def test_a_link_to_an_exported_page_shows_the_same_shift(
    browser: Browser, served: Path, done: FakeSweep
) -> None:
    """On a page without a kernel the shift is in the address, comes back from it, and goes with the clip that is put back."""
    gallery = Gallery(done, rows="prompt", cols="size")
    with Pages(gallery.wall, files=served).serving() as pages:
        page = opened(browser, pages, "/user/me/files/nb/plain.html")
        for index in (0, 2):
            tile(page, index).focus()
            page.keyboard.press("c")
        page.keyboard.press("v")
        page.wait_for_function(LARGE, arg=2)
        for _ in range(3):
            page.keyboard.press("k")
        view = "#pins=0,2&shift=2:3"
        page.wait_for_function("(view) => location.hash === view", arg=view)
        page.close()
        page = opened(browser, pages, f"/user/me/files/nb/plain.html{view}")
        page.get_by_role("button", name="Compare 2").click()
        page.wait_for_function(LARGE, arg=2)
        assert page.locator(".gg-shift-said").inner_text() == "B: +3 frames"
        assert page.locator(".gg-letter").all_inner_texts() == ["A", "B +3"]
        page.keyboard.press(" ")
        seek(page, 1.0, bar=".gg-stage .gg-transport")
        page.wait_for_function(LARGE_AT, arg=[1.0, 1.5])
        page.keyboard.press("Escape")
        page.locator(".gg-stage[open]").wait_for(state="detached")
        tile(page, 2).focus()
        page.keyboard.press("c")
        page.wait_for_function("location.hash === '#pins=0'")
        page.close()
    gallery.close()
