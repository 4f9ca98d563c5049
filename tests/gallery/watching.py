"""Opening a page with the wall on it, and what to ask of it there."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from lab import QUIET
from page import Pages

from gridgen.gallery import Gallery

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from fake_sweep import FakeSweep
    from playwright.sync_api import Browser, Page

PLAY = ".gg-wall > .gg-transport .gg-play"
READY = """(count) => {
  const players = [...document.querySelectorAll(".gg-video")];
  return players.length === count && players.every((video) => video.readyState >= 2);
}"""
MOVING = """() => {
  const players = [...document.querySelectorAll(".gg-video")];
  return players.length > 0 && players.every((video) => video.currentTime > 0.2 && !video.paused);
}"""
SIDES = """[...document.querySelectorAll(".gg-side")].map((head) => head.textContent)"""
RECORD = """() => {
  window.shown = [...document.querySelectorAll(".gg-video")].map((video) => {
    const frames = [];
    const note = (now, { mediaTime, expectedDisplayTime }) => {
      frames.push([expectedDisplayTime, mediaTime]);
      video.requestVideoFrameCallback(note);
    };
    video.requestVideoFrameCallback(note);
    return frames;
  });
}"""
OFFSETS = """() => shown.map((frames) => {
  const offsets = frames.slice(-12).map(([display, media]) => media - display / 1000).sort((a, b) => a - b);
  return offsets[offsets.length >> 1];
})"""
COUNT_BLOBS = """
  window.blobs = 0;
  const { createObjectURL, revokeObjectURL } = URL;
  URL.createObjectURL = (blob) => { blobs += 1; return createObjectURL.call(URL, blob); };
  URL.revokeObjectURL = (url) => { blobs -= 1; return revokeObjectURL.call(URL, url); };
"""
TOLD = """(view) => sent.some((each) => each.kind === "view" && [null, each.view].includes(view)
  && replied.has(each.request))"""
SETTLED = "() => document.getAnimations().every(({ playState }) => playState !== 'running')"
CONTRASTS = """() => {
  const channels = (text) => (text.match(/[\\d.]+/g) ?? []).map(Number);
  const canvas = Object.assign(document.createElement("canvas"), { width: 1, height: 1 }).getContext("2d");
  const rgb = (layers) => {
    for (const layer of layers) { canvas.fillStyle = layer; canvas.fillRect(0, 0, 1, 1); }
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const light = ([r, g, b]) => [r, g, b].map((c) => c / 255)
    .map((c) => c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, at) => sum + c * [0.2126, 0.7152, 0.0722][at], 0);
  const layersOf = (element) => element
    ? [...layersOf(element.parentElement), getComputedStyle(element).backgroundColor] : ["#fff"];
  const texts = [...document.querySelectorAll(".gg-wall *")].filter((element) => element.checkVisibility()
    && [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim()));
  return texts.map((element) => {
    const under = layersOf(element);
    const [a, b] = [rgb([...under, getComputedStyle(element).color]), rgb(under)].map(light);
    return [element.className, element.innerText.slice(0, 30), (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)];
  });
}"""


def opened(
    browser: Browser, pages: Pages, at: str = "", before: str = "", *, quiet: bool = True, **options: Any
) -> Page:
    """Return a page with the wall on it, which rests until it is told if quiet; whatever goes wrong there fails the test at its end."""
    page = browser.new_page(**{"viewport": {"width": 1200, "height": 900}, **options})
    # a seek of a video that is decoded by the processor has taken twenty seconds on a busy machine
    page.set_default_timeout(60_000)
    page.troubles = []
    page.on("pageerror", lambda error: page.troubles.append(str(error)))
    page.on("console", lambda said: page.troubles.append(said.text) if said.type == "error" else None)
    page.add_init_script(COUNT_BLOBS)
    page.add_init_script(before)
    if quiet:
        page.add_init_script(QUIET)
    page.goto(f"{pages.base}{at}" if at else pages.url)
    page.wait_for_function("window.ready")
    return page


@contextlib.contextmanager
def shown(
    browser: Browser,
    sweep: FakeSweep,
    files: Path | None,
    *,
    theme: str = "",
    forgiving: bool = False,
    **options: Any,
) -> Iterator[tuple[Page, Pages, Gallery]]:
    """Show a sweep's wall on a page, and fail if anything went wrong there, unless forgiving; rows, cols, view and reviewer go to the gallery."""
    sides = {name: options.pop(name) for name in ("rows", "cols", "view", "reviewer") if name in options}
    gallery = Gallery(sweep, **sides)
    gallery.wall.rounds = options.pop("rounds", [])
    with Pages(gallery.wall, files=files, theme=theme).serving() as pages:
        page = opened(browser, pages, **options)
        try:
            yield page, pages, gallery
            assert forgiving or page.troubles == []
        finally:
            page.close()
            gallery.close()
