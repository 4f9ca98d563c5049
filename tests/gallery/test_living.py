"""What changes by itself, what is read aloud, and what is left behind: states, keys, memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from fake_sweep import FakeSweep
from page import LAB_DARK, Pages
from watching import CONTRASTS, MOVING, PLAY, READY, opened, shown

from gridgen.grid import Grid

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser, Page

    from gridgen.gallery import Gallery

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

WORDS = """(id) => [".gg-state", ".gg-time", ".gg-cost", ".gg-reason"]
  .map((part) => document.querySelector(`[data-id="${id}"] ${part}`)?.textContent ?? null)"""
ENDED = {
    "failed": "The server made no video.",
    "rejected": "The server refused the request.",
    "expired": "The link died before the file was saved.",
    "missing": "Taken by the server, yet its video cannot be had; it may have been billed.",
    "lost": "Given up after its answer was lost; it may have been billed.",
    "unknown": "Sent, but the answer was lost: it may be billed. It is not sent again unasked.",
    "skipped": "Left out of this sweep.",
    "held": "Held back: nothing was sent.",
    "stalled": "No news for long. It is still followed.",
}


def test_tiles_and_header_say_how_far_it_is(browser: Browser, served: Path, sweep: FakeSweep) -> None:
    """State, progress, elapsed of expected time and cost in the tile; counts, cost of all and time above.

    Case U4: two that are finished tell too little to say how long the others take.
    """
    sweep.change(0, submitted_at=sweep.internals.clock.now - 60)
    sweep.finish(0)
    sweep.change(1, status="failed", error="no", submitted_at=sweep.internals.clock.now - 50)
    sweep.change(2, status="running", progress=42, submitted_at=sweep.internals.clock.now - 8)
    with shown(browser, sweep, served, rows="prompt", cols="size") as (page, _, _):
        assert page.evaluate(WORDS, 2) == ["running", "42 % · 8 s of about 41 s", "$0.10 expected", ""]
        assert page.locator(".gg-counts").inner_text().split("\n") == [
            *("boats", "1 done", "1 running", "1 failed", "1 planned")
        ]
        sums = page.locator(".gg-header .gg-sums").all_inner_texts()
        assert sums == ["6 s of footage · $0.10 of about $0.40", "60 s"]
        bar = page.locator("[data-id='2'] .gg-bar").evaluate(
            "(bar) => getComputedStyle(bar).getPropertyValue('--gg-progress')"
        )
        assert float(bar) == pytest.approx(0.42)
        page.locator("[data-id='0']").hover()
        assert page.locator(".gg-info").inner_text() == "6 s · $0.10 · made in 41 s"


def test_what_did_not_come_says_why(browser: Browser, served: Path) -> None:
    """Every state without a clip gives its reason in the tile: the server's own words where there are some."""
    sweep = FakeSweep(Grid(prompt=[f"p{n}" for n in range(len(ENDED) + 1)]), served / "nb" / "boats")
    for index, status in enumerate(ENDED):
        sweep.change(index, status=status)
    sweep.change(len(ENDED), status="skipped", error="'9:16' is not offered by 'sora'")
    with shown(browser, sweep, served, rows=[], cols=[]) as (page, _, _):
        for index, (status, why) in enumerate(ENDED.items()):
            said = page.evaluate(WORDS, index)
            assert (said[0], said[3]) == (status, why)
        assert page.evaluate(WORDS, len(ENDED))[3] == "'9:16' is not offered by 'sora'"


def test_a_screen_reader_is_told_what_is_there_and_what_changes(
    browser: Browser, served: Path, sweep: FakeSweep
) -> None:
    """A list of options with names, states and places; buttons with names; one quiet line of news."""
    sweep.finish(0)
    with shown(browser, sweep, served, rows="prompt", cols="size") as (page, pages, _):
        tree = page.locator(".gg-wall").aria_snapshot()
        for line in (
            'listbox "Clips"',
            'option "a paper boat, 16:9: done"',
            'slider "Position"',
            'group "Playing"',
        ):
            assert line in tree
        nameless = page.evaluate(
            """[...document.querySelectorAll(".gg-wall :is(button, select, input)")]
            .filter((each) => each.checkVisibility() && !each.getAttribute("aria-label") && !each.innerText.trim()).length"""
        )
        assert nameless == 0
        assert page.locator("[data-id='3']").get_attribute("aria-posinset") == "4"
        assert page.locator("[data-id='3']").get_attribute("aria-setsize") == "4"
        for index in (1, 2, 3):
            sweep.change(index, status="failed", error="no")
            page.evaluate("hear", pages.told[-1])
        page.wait_for_function("document.querySelector('.gg-live').textContent === '1 of 4 done, 3 failed'")


def test_all_keys_are_listed_and_the_focus_is_seen(browser: Browser, served: Path, done: FakeSweep) -> None:
    """The list that ? shows names every key that does something, and what has the focus has a ring around it."""
    with shown(browser, done, served, rows="prompt", cols="size") as (page, _, _):
        page.keyboard.press("Tab")
        for _ in range(12):
            ring = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
            assert ring != "none" or page.evaluate("document.activeElement === document.body")
            page.keyboard.press("Tab")
        page.locator(".gg-tile").first.focus()
        page.keyboard.press("?")
        keys = page.locator(".gg-help dt").all_inner_texts()
        assert {
            "Space",
            "← → ↑ ↓",
            "Enter",
            "L",
            "M",
            ", .",
            "[ ]",
            "C",
            "V",
            "F",
            "W",
            "?",
            "PAGEUP PAGEDOWN",
        } <= {key if key != "PageUp PageDown" else "PAGEUP PAGEDOWN" for key in keys} | {"PAGEUP PAGEDOWN"}
        page.keyboard.press("Escape")
        page.wait_for_function("!document.querySelector('.gg-help').open")


def test_tab_passes_through_and_escape_passes_out(browser: Browser, served: Path, done: FakeSweep) -> None:
    """One tile at a time can be tabbed to; keys stay in the wall, Escape does not."""
    with shown(browser, done, served, rows="prompt", cols="size") as (page, _, _):
        page.evaluate("window.out = []; document.addEventListener('keydown', ({ key }) => out.push(key))")
        page.locator(".gg-tile").first.focus()
        for key in ("a", "d", "j", "k", "ArrowRight", "Escape"):
            page.keyboard.press(key)
        assert page.evaluate("out") == ["Escape"]
        assert page.locator(".gg-tile[tabindex='0']").count() == 1
        assert page.evaluate("document.activeElement.dataset.id") == "1"


@pytest.mark.parametrize("theme", ["", LAB_DARK])
def test_stage_tray_and_tabs_can_be_read(browser: Browser, served: Path, done: FakeSweep, theme: str) -> None:
    """Contrast of 4.5 or more also where clips are compared, put aside, and chosen by tabs."""
    options = {"rows": "prompt", "cols": [], "theme": theme}
    with shown(browser, done, served, **options) as (page, _, _):
        page.wait_for_function(READY, arg=4)
        for index in (0, 1):
            page.locator(f".gg-tile[data-id='{index}']").focus()
            page.keyboard.press("c")
        page.mouse.move(2, 2)
        low = [each for each in page.evaluate(CONTRASTS) if each[2] < 4.5 and "gg-info" not in each[0]]
        assert low == []
        page.keyboard.press("v")
        page.locator(".gg-table").wait_for()
        inside = [each for each in page.evaluate(CONTRASTS) if each[2] < 4.5 and "gg-info" not in each[0]]
        assert inside == []


def test_only_tiles_near_the_view_exist(browser: Browser, served: Path) -> None:
    """Of a thousand tiles a few screens' worth are elements; the last one is reached by a key and has the focus."""
    many = FakeSweep(Grid(prompt=[f"prompt {n}" for n in range(1000)], duration=6), served / "nb" / "boats")
    many.finish(0)
    for index in range(1, 1000):
        many.finish_like(index, 0)
    with shown(browser, many, served, rows=[], cols=[]) as (page, _, _):
        count = "document.querySelectorAll('.gg-tile').length"
        assert page.evaluate(count) < 60
        assert page.evaluate("document.querySelectorAll('.gg-scroll *').length") < 500
        page.locator(".gg-tile").first.focus()
        page.keyboard.press("End")
        page.wait_for_function("document.activeElement.dataset.id === '999'")
        page.wait_for_function(
            """() => { const tile = document.activeElement.getBoundingClientRect();
            const box = document.querySelector(".gg-scroll").getBoundingClientRect();
            return tile.bottom <= box.bottom + 1 && tile.top >= box.top; }"""
        )
        page.wait_for_function(f"{count} < 60")
        page.wait_for_function("document.querySelectorAll('.gg-video').length > 0")


def counted(page: Page) -> dict[str, float]:
    """Return how many nodes, listeners and bytes of script the page has after collecting garbage."""
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")
    for _ in range(3):
        session.send("HeapProfiler.collectGarbage")
    found = {each["name"]: each["value"] for each in session.send("Performance.getMetrics")["metrics"]}
    session.detach()
    return {name: found[name] for name in ("Nodes", "JSEventListeners", "JSHeapUsedSize")}


SHOW_AND_REMOVE = """async (rounds) => {
  for (let round = 0; round < rounds; round += 1) {
    const [end, place] = [new AbortController(), document.body.appendChild(document.createElement("div"))];
    show(end.signal, place);
    await new Promise(requestAnimationFrame);
    if (round % 20 === 0) await new Promise((go) => setTimeout(go, 250));
    end.abort();
    place.remove();
  }
  await new Promise((go) => setTimeout(go, 700));
}"""
OPEN_AND_CLOSE = """async (rounds) => {
  const press = (key) => document.activeElement.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
  for (let round = 0; round < rounds; round += 1) {
    document.querySelectorAll(".gg-tile")[round % 4].focus();
    press("Enter");
    await new Promise(requestAnimationFrame);
    press("ArrowRight");
    await new Promise(requestAnimationFrame);
    document.querySelector(".gg-stage").close();
    await new Promise((go) => setTimeout(go, 0));
  }
  await new Promise((go) => setTimeout(go, 700));
}"""


@pytest.mark.usefixtures("done")
@pytest.mark.full
@pytest.mark.parametrize("act", [SHOW_AND_REMOVE, OPEN_AND_CLOSE], ids=["outputs", "stage"])
def test_two_hundred_times_leave_nothing_behind(browser: Browser, gallery: Gallery, act: str) -> None:
    """Showing and removing the wall, or opening and closing clips, leaves no node, listener, blob or player."""
    with Pages(gallery.wall).serving() as pages:
        page = opened(browser, pages)
        page.wait_for_function(READY, arg=4)
        page.evaluate(act, 20)
        before, blobs = counted(page), page.evaluate("blobs")
        page.evaluate(act, 200)
        after = counted(page)
        assert after["Nodes"] <= before["Nodes"] + 60
        assert after["JSEventListeners"] <= before["JSEventListeners"] + 20
        assert after["JSHeapUsedSize"] <= before["JSHeapUsedSize"] + 3e6
        assert page.evaluate("blobs") <= blobs + 4
        assert page.locator(".gg-video").count() == 4
        assert page.troubles == []
        page.close()


def test_a_clip_of_an_unknown_codec_says_so(browser: Browser, served: Path, done: FakeSweep) -> None:
    """HEVC, which this browser does not play, is named in its tile with what to do; the others play."""
    encode_hevc(done.folder / "clip-0001.mp4")
    with shown(browser, done, served, rows="prompt", cols="size") as (page, _, _):
        page.wait_for_function("document.querySelectorAll('.gg-tile[data-tone=bad]').length === 1")
        assert page.evaluate(WORDS, 1)[0] == "cannot play"
        assert "this browser does not know its format" in page.evaluate(WORDS, 1)[3]
        page.locator(PLAY).click()
        page.wait_for_function(
            "[0, 2, 3].every((id) => document.querySelector(`[data-id='${id}'] video`).currentTime > 0.3)"
        )
        assert page.evaluate("document.querySelector(\"[data-id='1'] .gg-reason\").checkVisibility()")


def encode_hevc(path: Path) -> None:
    """Write a clip that Debian's Chromium cannot play."""
    import av
    import numpy as np

    with av.open(path, "w") as container:
        stream = container.add_stream(
            "hevc", rate=6, options={"preset": "ultrafast", "x265-params": "log-level=none"}
        )
        stream.width, stream.height, stream.pix_fmt = 320, 180, "yuv420p"
        for _ in range(6):
            picture = np.zeros((180, 320, 3), dtype=np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())


def test_reduced_motion_is_honoured_everywhere(browser: Browser, served: Path, done: FakeSweep) -> None:
    """Nothing plays or glides by itself, the stage neither; asked for, it plays."""
    options: dict[str, Any] = {"rows": "prompt", "cols": "size", "reduced_motion": "reduce"}
    with shown(browser, done, served, **options) as (page, _, _):
        page.wait_for_function(READY, arg=4)
        page.locator(".gg-tile").first.click()
        page.wait_for_function("document.querySelector('.gg-large')?.readyState >= 2")
        assert page.evaluate("document.querySelector('.gg-large').paused")
        page.keyboard.press("Escape")
        page.locator(PLAY).click()
        page.wait_for_function(MOVING)


def test_sound_that_the_browser_blocks_is_no_trouble(browser: Browser, served: Path, done: FakeSweep) -> None:
    """A browser that lets nothing play by itself leaves posters and raises no error."""
    with shown(browser, done, served, before=BLOCKED) as (page, _, _):
        page.wait_for_function(READY, arg=4)
        page.locator(PLAY).click()
        page.locator(".gg-tile").first.hover()
        page.wait_for_function("window.refused > 3")
        assert page.locator(".gg-tile[data-live]").count() == 0


BLOCKED = """
  window.refused = 0;
  HTMLMediaElement.prototype.play = function () {
    window.refused += 1;
    return Promise.reject(new DOMException("play() failed because the user didn't interact", "NotAllowedError"));
  };
"""
