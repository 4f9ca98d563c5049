"""The wall in a real browser, on a page without Jupyter."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from fake_sweep import FakeSweep
from lab import QUIET
from page import CODE_DARK, LAB_DARK, Pages
from waiting import until
from watching import CONTRASTS, MOVING, OFFSETS, PLAY, READY, RECORD, SIDES, opened

from gridgen.gallery import Gallery
from gridgen.grid import Grid

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser, CDPSession, Page

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]


@pytest.mark.usefixtures("done")
def test_clips_come_from_the_files_route(browser: Browser, served: Path, gallery: Gallery) -> None:
    """Where the server has the folder, its place is asked for once and no byte goes through the kernel."""
    with Pages(gallery.wall, files=served).serving() as pages:
        page = opened(browser, pages)
        page.wait_for_function(READY, arg=4)
        asked = [line for line in pages.fetched if "mark" in line or line.startswith("HEAD")]
        assert asked == ["GET nb/boats/folder-mark.txt"]
        assert {question["kind"] for question in pages.asked} <= {"snapshot", "view", "page"}
        assert page.evaluate("blobs") == 0
        assert page.troubles == []
        page.close()


@pytest.mark.usefixtures("done")
def test_the_same_wall_runs_on_a_page_without_a_kernel(
    browser: Browser, served: Path, gallery: Gallery
) -> None:
    """One script with what is known beside it: clips from the neighbouring folder, in step, the view in the address."""
    with Pages(gallery.wall, files=served).serving() as pages:
        page = opened(browser, pages, at="/user/me/files/nb/plain.html#rows=size&cols=")
        page.wait_for_function(READY, arg=4)
        sides = "[...document.querySelectorAll('.gg-side')].map((head) => head.textContent)"
        assert page.evaluate(sides) == ["16:9", "9:16"]
        page.locator(PLAY).click()
        page.wait_for_function(MOVING)
        page.evaluate("location.hash = ''")
        page.wait_for_function(f"{sides}[0] === 'a paper boat'")
        assert (pages.asked, page.troubles) == ([], [])
        page.close()


@pytest.mark.usefixtures("done")
def test_clips_come_through_the_kernel_elsewhere(browser: Browser, gallery: Gallery) -> None:
    """On a page without Jupyter's server posters and previews are asked for one by one, originals when opened."""
    with Pages(gallery.wall).serving() as pages:
        page = opened(browser, pages)
        page.wait_for_function(READY, arg=4)
        asked = [
            (question["what"], question["id"]) for question in pages.asked if question["kind"] == "media"
        ]
        assert sorted(asked) == [(what, index) for what in ("poster", "preview") for index in range(4)]
        page.locator(".gg-tile").nth(1).click()
        page.wait_for_function("document.querySelector('.gg-stage video')?.readyState >= 2")
        assert (pages.asked[-1]["what"], pages.asked[-1]["id"]) == ("path", 1)
        assert page.troubles == []
        page.close()


@pytest.mark.usefixtures("done")
def test_a_wall_without_controls_around_it_has_its_menus(browser: Browser, gallery: Gallery) -> None:
    """Case V10: what marimo is given to show is the wall with menus of its own, which pivot it; Python hears of the view."""
    assert gallery._display_() is gallery.wall
    with Pages(gallery.wall).serving() as pages:
        page = opened(browser, pages)
        page.wait_for_function(f"{SIDES}[0] === 'a paper boat'")
        page.locator(".gg-menus select[name=rows]").select_option(label="size")
        page.wait_for_function(f"{SIDES}[0] === '16:9'")
        until(lambda: gallery.rows == ("size",))
        assert page.troubles == []
        page.close()


VS_CODE = "https://file+.vscode-resource.vscode-cdn.net/notebooks/"
"""The base of VS Code's page of outputs, backLayerWebView.ts: what is relative leads nowhere, and there are no files."""


@pytest.mark.usefixtures("done")
def test_in_vs_code_nothing_is_asked_of_the_page_s_address(browser: Browser, gallery: Gallery) -> None:
    """With VS Code's base and colours, and no server to be seen: all clips by the kernel's channel, not one request elsewhere."""
    # the line to the stand-in for a kernel is no address of the page's
    line = "const own = fetch; window.fetch = (url, ...more) => own(new URL(url, location.origin), ...more)"
    with Pages(gallery.wall, theme=CODE_DARK).serving() as pages:
        page = opened(browser, pages, before=line)
        page.evaluate(
            "(href) => document.head.append(Object.assign(document.createElement('base'), { href }))", VS_CODE
        )
        asked: list[str] = []
        page.on(
            "request", lambda request: asked.append(request.url) if request.url.startswith(VS_CODE) else None
        )
        page.wait_for_function(READY, arg=4)
        page.locator(PLAY).click()
        page.wait_for_function(MOVING)
        page.locator(".gg-tile").nth(1).click()
        page.wait_for_function("document.querySelector('.gg-stage video')?.readyState >= 2")
        assert page.evaluate(
            "[...document.querySelectorAll('video, img')].every(({ src }) => /^(blob:|data:|$)/.test(src))"
        )
        assert (asked, pages.fetched, page.troubles) == ([], [], [])
        page.close()


@pytest.mark.alone
def test_players_are_in_step_and_a_late_one_joins(browser: Browser, served: Path, sweep: FakeSweep) -> None:
    """Shown frames of nine players, three of them late, are at most 50 ms apart against one clock."""
    wide = FakeSweep(Grid(prompt=[f"take {n}" for n in range(9)], duration=6), sweep.folder)
    wide.fps = 24
    wide.finish(0)
    for index in range(1, 6):
        wide.finish_like(index, 0)
    gallery = Gallery(wide, rows=[], cols=[])
    with Pages(gallery.wall, files=served).serving() as pages:
        page = opened(browser, pages)
        page.wait_for_function(READY, arg=6)
        page.locator(PLAY).click()
        page.wait_for_function(MOVING)
        for index in range(6, 9):
            wide.finish_like(index, 0)
            page.evaluate("hear", pages.told[-1])
        page.wait_for_function(READY, arg=9)
        page.evaluate(RECORD)
        page.wait_for_function("shown.every((frames) => frames.length > 60)")
        offsets = page.evaluate(OFFSETS)
        assert max(offsets) - min(offsets) <= 0.05
        assert page.troubles == []
        page.close()
    gallery.close()


@pytest.mark.alone
def test_a_change_is_on_screen_within_a_second(
    browser: Browser, served: Path, sweep: FakeSweep, gallery: Gallery
) -> None:
    """A tile goes from planned through running to a playing clip as Python tells it, without a new page."""
    with Pages(gallery.wall, files=served).serving() as pages:
        page = opened(browser, pages)
        tile = page.locator(".gg-tile").first
        assert tile.get_attribute("aria-label") == "a paper boat, 16:9: planned"
        sweep.change(0, status="running", progress=42, submitted_at=sweep.internals.clock.now - 8)
        page.evaluate("hear", pages.told[-1])
        page.wait_for_function(
            "document.querySelector('.gg-tile .gg-time').textContent === '42 % · 8 s'", timeout=1000
        )
        sweep.finish(0)
        page.evaluate("hear", pages.told[-1])
        page.wait_for_function("document.querySelector('.gg-tile').dataset.status === 'done'", timeout=1000)
        page.wait_for_function(READY, arg=1)
        assert page.locator(".gg-counts").inner_text().split("\n") == ["boats", "1 done", "3 planned"]
        assert page.locator(".gg-sums").first.inner_text() == "6 s of footage · $0.10 of about $0.40"
        page.close()


def test_a_lost_message_is_made_good_by_a_snapshot(
    browser: Browser, served: Path, sweep: FakeSweep, gallery: Gallery
) -> None:
    """After a gap in the numbers the page asks for everything and shows it."""
    with Pages(gallery.wall, files=served).serving() as pages:
        page = opened(browser, pages)
        sweep.change(0, status="failed", error="no")
        sweep.change(1, status="queued")
        page.evaluate("hear", pages.told[-1])
        page.wait_for_function("document.querySelector('.gg-tile').dataset.status === 'failed'")
        page.close()


def test_a_broken_clip_says_so_and_the_others_play(
    browser: Browser, served: Path, done: FakeSweep, gallery: Gallery
) -> None:
    """Bytes that are no video, and a file that is gone, are named in their tiles; nothing else suffers."""
    (done.folder / "clip-0001.mp4").write_bytes(b"not a video" * 99)
    (done.folder / "clip-0002.mp4").unlink()
    with Pages(gallery.wall, files=served).serving() as pages:
        page = opened(browser, pages)
        page.wait_for_function("document.querySelectorAll('.gg-tile[data-tone=bad]').length === 2")
        page.locator(PLAY).click()
        page.wait_for_function(
            "[0, 3].every((id) => document.querySelector(`[data-id='${id}'] video`).currentTime > 0.2)"
        )
        said = page.locator("[data-id='1'] .gg-reason").inner_text()
        assert "this browser does not know its format" in said
        page.close()


def test_a_thousand_tiles_scroll_with_few_players(browser: Browser, served: Path, sweep: FakeSweep) -> None:
    """Only what is in view is live, at most four loads run at a time, and what left is let go."""
    many = FakeSweep(Grid(prompt=[f"prompt {n}" for n in range(1000)], duration=6), sweep.folder)
    many.finish(0)
    for index in range(1, 1000):
        many.finish_like(index, 0)
    gallery = Gallery(many, rows=[], cols=[])
    with Pages(gallery.wall, files=served).serving() as pages:
        page = opened(browser, pages)
        most = page.evaluate(
            """async () => {
              const scroll = document.querySelector(".gg-scroll");
              let [live, loading] = [0, 0];
              const look = () => {
                const videos = [...document.querySelectorAll(".gg-video")];
                live = Math.max(live, videos.length);
                loading = Math.max(loading, videos.filter((video) => video.readyState < 2).length);
              };
              const end = performance.now() + 4000;
              while (performance.now() < end) {
                scroll.scrollTop += scroll.clientHeight / 6;
                await new Promise(requestAnimationFrame);
                look();
              }
              return { live, loading };
            }"""
        )
        assert most["live"] <= 120
        assert most["loading"] <= 4
        page.wait_for_function("document.querySelectorAll('.gg-video').length > 0")
        page.wait_for_function("""() => [...document.querySelectorAll(".gg-video")].every((video) => {
          const [tile, scroll] = [video.closest(".gg-tile").getBoundingClientRect(), document.querySelector(".gg-scroll").getBoundingClientRect()];
          return tile.bottom > scroll.top && tile.top < scroll.bottom;
        })""")
        assert page.troubles == []
        page.close()
    gallery.close()


def test_a_hundred_cells_are_rearranged_quickly(browser: Browser, served: Path, sweep: FakeSweep) -> None:
    """Changing the axes of a hundred cells moves the same tiles, in less than 200 ms of the page's time: the best of five, since others are at work."""
    grid = Grid(prompt=[f"prompt {n}" for n in range(10)], size=["16:9", "1:1"], duration=[6, 7, 8, 9, 10])
    gallery = Gallery(FakeSweep(grid, sweep.folder), rows="prompt", cols=["size", "duration"])
    with Pages(gallery.wall, files=served).serving() as pages:
        page = opened(browser, pages)
        page.evaluate("model.set('tile', 64)")
        options = [value for _, value in gallery.wall.menus[0]["options"]]
        took, same, shown = page.evaluate(
            """(turns) => {
              const before = new Set(document.querySelectorAll(".gg-tile"));
              const turn = (rows) => {
                const start = performance.now();
                model.set("rows", rows);
                document.body.getBoundingClientRect();
                return performance.now() - start;
              };
              const first = turn(turns[0]);
              const after = [...document.querySelectorAll(".gg-tile")];
              const times = [first, ...turns.slice(1).map(turn)];
              return [Math.min(...times), after.every((tile) => before.has(tile)), after.length];
            }""",
            [options.index([axis]) for axis in ("duration", "size", "prompt", "size", "duration")],
        )
        assert (same, shown) == (True, 100)
        assert page.evaluate(SIDES) == ["6 s", "7 s", "8 s", "9 s", "10 s"]
        assert took < 200
        page.close()
    gallery.close()


CYCLES = """async ([count, opening]) => {
  const soon = () => new Promise((done) => setTimeout(done, 0));
  const until = async (there) => { for (let at = 0; at < 400 && !there(); at += 1) await soon(); };
  for (let cycle = 0; cycle < count; cycle += 1) {
    const [end, place] = [new AbortController(), document.body.appendChild(document.createElement("div"))];
    show(end.signal, place);
    await new Promise(requestAnimationFrame);
    const tile = place.querySelector(".gg-tile");
    const key = (key) => document.activeElement.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
    tile.focus();
    for (const each of opening[cycle % opening.length]) key(each);
    await until(() => place.querySelector("video[src]"));
    if (cycle % 4 === 3) await soon();
    end.abort();
    place.remove();
  }
}"""
OPENING = ["", ["Enter"], ["b"], ["c", "ArrowRight", "4"], ["?"]]
"""What is done in one cycle after another: nothing, a clip opened, rounds begun, a clip put aside and rated, the keys shown."""


def alive(page: Page, devtools: CDPSession) -> dict[str, int]:
    """Return the browser's own count of what is alive, once all that can go is gone."""
    found: list[dict[str, int]] = []
    for _ in range(8):
        devtools.send("HeapProfiler.collectGarbage")
        page.wait_for_timeout(50)
        metrics = devtools.send("Performance.getMetrics")["metrics"]
        found.append({each["name"]: int(each["value"]) for each in metrics})
    return {
        name: min(each[name] for each in found) for name in ("Nodes", "JSEventListeners", "JSHeapUsedSize")
    }


@pytest.mark.full
@pytest.mark.usefixtures("done")
@pytest.mark.parametrize("times", [15, pytest.param(200, marks=pytest.mark.full)])
def test_hundreds_of_outputs_leave_nothing(browser: Browser, gallery: Gallery, times: int) -> None:
    """Shown, used and taken away many times: listeners, blobs and nodes are as before, counted by the page and by the browser."""
    with Pages(gallery.wall).serving() as pages:
        page = opened(browser, pages)
        page.wait_for_function(READY, arg=4)
        devtools = page.context.new_cdp_session(page)
        devtools.send("Performance.enable")
        mine = "[listeners(), blobs, document.querySelectorAll('.gg-wall').length]"
        page.evaluate(CYCLES, [20, OPENING])
        before, own = alive(page, devtools), page.evaluate(mine)
        page.evaluate(CYCLES, [times, OPENING])
        after = alive(page, devtools)
        assert page.evaluate(mine) == own
        assert after["Nodes"] - before["Nodes"] < 200
        assert after["JSEventListeners"] - before["JSEventListeners"] < 20
        assert after["JSHeapUsedSize"] - before["JSHeapUsedSize"] < 2e6
        page.evaluate("host.abort()")
        assert page.evaluate(mine) == [0, 0, 0]
        assert page.troubles == []
        page.close()


@pytest.mark.usefixtures("done")
def test_the_last_output_takes_the_blobs_along(browser: Browser, gallery: Gallery) -> None:
    """While one of two outputs is shown nothing is given back; after the second no blob is held, and a third loads anew.

    Python hears when the last is gone and when there is one again.
    """
    shows = "sent.filter(({ kind }) => kind === 'page').map(({ shows }) => shows)"
    with Pages(gallery.wall).serving() as pages:
        page = opened(browser, pages, viewport={"width": 1200, "height": 2600})
        page.wait_for_function(READY, arg=4)
        more = "window.second = new AbortController(); show(second.signal, document.body.appendChild(document.createElement('div')))"
        page.evaluate(more)
        page.wait_for_function(READY, arg=8)
        page.evaluate("first.abort()")
        assert page.evaluate("blobs") == 8
        assert page.evaluate(shows) == [True]
        page.evaluate("second.abort()")
        assert page.evaluate("blobs") == 0
        page.evaluate(more)
        page.wait_for_function(READY, arg=4)
        assert page.evaluate(shows) == [True, False, True]
        assert page.troubles == []
        page.close()


@pytest.mark.usefixtures("done")
def test_a_page_that_is_asked_says_whether_it_shows_the_wall(browser: Browser, gallery: Gallery) -> None:
    """Case V11: one that knows the wall and shows it no more lets it go as if it had hidden it now."""
    told = (
        "sent.filter(({ kind }) => ['page', 'left'].includes(kind)).map(({ kind, shows }) => shows ?? kind)"
    )
    with Pages(gallery.wall).serving() as pages:
        page = opened(browser, pages)
        page.evaluate("hear({ kind: 'who' })")
        assert page.evaluate(told) == [True, True]
        page.evaluate("first.abort()")
        page.evaluate("hear({ kind: 'who' })")
        assert page.evaluate(told) == [True, True, False, False]
        page.wait_for_function(f"({told}).at(-1) === 'left'")
        assert page.troubles == []
        page.close()


@pytest.mark.parametrize("theme", ["", LAB_DARK, CODE_DARK])
def test_all_text_can_be_read(browser: Browser, sweep: FakeSweep, gallery: Gallery, theme: str) -> None:
    """Every text has a contrast of 4.5 or more against what is under it: in light, in dark, on VS Code's white."""
    sweep.change(0, status="running", progress=5, submitted_at=sweep.internals.clock.now)
    sweep.change(1, status="failed", error="The prompt was refused.")
    sweep.change(2, status="unknown")
    with Pages(gallery.wall, theme=theme).serving() as pages:
        page = opened(browser, pages)
        page.wait_for_function(
            f"document.querySelector('.gg-wall').dataset.theme === '{'dark' if theme else 'light'}'"
        )
        found = page.evaluate(CONTRASTS)
        assert len(found) > 15
        assert [each for each in found if each[2] < 4.5] == []
        page.close()


@pytest.mark.usefixtures("done")
def test_less_motion_means_nothing_moves_by_itself(browser: Browser, served: Path, gallery: Gallery) -> None:
    """With reduced motion no clip plays under the pointer, and nothing is animated."""
    with Pages(gallery.wall, files=served).serving() as pages:
        page = opened(browser, pages, reduced_motion="reduce")
        page.wait_for_function(READY, arg=4)
        page.locator(".gg-tile").first.hover()
        page.evaluate("model.set('rows', 2)")
        assert page.evaluate("document.getAnimations().length") == 0
        assert page.evaluate("[...document.querySelectorAll('.gg-video')].every((video) => video.paused)")
        page.close()


@pytest.mark.usefixtures("done")
def test_a_busy_kernel_does_not_keep_clips_away(browser: Browser, served: Path, gallery: Gallery) -> None:
    """With a kernel that answers nothing the wall is filled from its state and plays from the files route."""
    with Pages(gallery.wall, files=served).serving() as pages:
        page = browser.new_page()
        page.add_init_script("window.kernelBusy = true")
        page.add_init_script(QUIET)
        page.goto(pages.url)
        page.wait_for_function(READY, arg=4)
        page.locator(PLAY).click()
        page.wait_for_function(MOVING)
        assert pages.asked == []
        page.close()
