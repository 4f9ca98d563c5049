"""How the wall plays, scrolls, pivots and talks, in a headless Chromium on this machine.

Run ``python tests/benchmarks/wall.py`` with nothing else at work: a table and a line of JSON on
stdout, and with ``--json FILE`` the figures in a file. Drift and frames are those of the pictures
that were shown: media times told by ``requestVideoFrameCallback`` against one clock, and counts of
``getVideoPlaybackQuality``. The load of the machine stands beside each benchmark.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.append(str(Path(__file__).parents[1] / "gallery"))
sys.path.append(str(Path(__file__).parents[1] / "browser"))

from fake_sweep import FakeSweep
from lab import chromium
from page import Pages
from starlette.responses import HTMLResponse
from starlette.routing import Route

from gridgen import Grid, Simulator, Sweep
from gridgen.gallery import Gallery
from gridgen.media import small_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser, Page
    from starlette.requests import Request
    from starlette.responses import Response

Figures = dict[str, float]

AT_MOST = {
    "nine": {"drift_ms": 50.0},
    "hundred": {"drift_ms": 100.0, "players": 120.0},
    "scroll": {"players": 120.0, "loads_at_once": 4.0},
    "pivot": {"ms": 200.0},
    "talk": {"messages_per_second": 10.0, "kb_per_second": 50.0},
    "kernel": {"blob_mb": 64.0, "loads_at_once": 4.0},
}
AT_LEAST = {
    "nine": {"frames_per_second": 20.0},
    "hundred": {"frames_per_second": 20.0},
    "scroll": {"share_of_empty": 0.9},
}
"""What each benchmark is held to."""

PLAY = ".gg-wall > .gg-transport .gg-play"
SECONDS = 30
TURNS = 5
QUALITY = """async (seconds) => {
  const players = [...document.querySelectorAll("video")];
  const shown = () => players.map((video) => {
    const { totalVideoFrames, droppedVideoFrames } = video.getVideoPlaybackQuality();
    return [totalVideoFrames - droppedVideoFrames, totalVideoFrames];
  });
  const [before, began] = [shown(), performance.now()];
  await new Promise((go) => setTimeout(go, seconds * 1000));
  const passed = (performance.now() - began) / 1000;
  return shown().map(([pictures, all], at) => [(pictures - before[at][0]) / passed, (all - before[at][1]) / passed]);
}"""
OFFSETS = """async (seconds) => {
  const players = [...document.querySelectorAll("video")];
  const told = players.map(() => []);
  let on = true;
  players.forEach((video, at) => {
    const note = (_, { mediaTime, expectedDisplayTime }) => {
      told[at].push(mediaTime - expectedDisplayTime / 1000);
      if (on) video.requestVideoFrameCallback(note);
    };
    video.requestVideoFrameCallback(note);
  });
  await new Promise((go) => setTimeout(go, seconds * 1000));
  on = false;
  return told.map((each) => each.sort((a, b) => a - b)[each.length >> 1]);
}"""
SCROLL = """async ([selector, seconds]) => {
  const box = document.querySelector(selector);
  let [frames, players, loads, step] = [0, 0, 0, 24];
  const end = performance.now() + seconds * 1000;
  const began = performance.now();
  while (performance.now() < end) {
    await new Promise(requestAnimationFrame);
    frames += 1;
    if (box.scrollTop + box.clientHeight >= box.scrollHeight - 1) step = -24;
    if (box.scrollTop <= 0) step = 24;
    box.scrollTop += step;
    if (frames % 10 === 0) {
      const found = [...document.querySelectorAll("video[src]")];
      players = Math.max(players, found.length);
      loads = Math.max(loads, found.filter((video) => video.readyState < 2 && video.networkState === 2).length);
    }
  }
  return [frames / ((performance.now() - began) / 1000), players, loads];
}"""
LOOSE = """<!doctype html><style>
body { margin: 24px } .box { height: 700px; overflow: auto } .inside { position: relative; height: %(height)spx }
.grid { display: grid; grid-template-columns: repeat(auto-fill, 240px); gap: 14px } video { width: 240px; height: 135px }
</style><div class="box"><div class="inside">%(inside)s</div></div>"""


def clips(folder: Path, count: int = 12) -> list[dict[str, Any]]:
    """Make real clips of 10 s with posters and previews, and return what is told of each."""
    grid = Grid(prompt=[f"a paper boat in rain, number {number}" for number in range(count)], duration=10)
    with Simulator(speed=math.inf) as simulator:
        sweep = Sweep(grid, client=simulator.client(), folder=folder)
        sweep.run()
    names = ("path", "poster", "preview", "width", "height", "fps", "clip_seconds", "bytes", "cost")
    return [{"status": "done", **{name: getattr(row, name) for name in names}} for row in sweep.rows()]


def stocked(folder: Path, count: int) -> FakeSweep:
    """Return a sweep of many finished clips, each with files of its own name."""
    made = clips(folder)
    sweep = FakeSweep(Grid(prompt=[f"prompt {number}" for number in range(count)], duration=10), folder)
    for index in range(count):
        told = dict(made[index % len(made)])
        for name in ("path", "poster", "preview"):
            file, link = folder / told[name], folder / f"copies/{index}-{name}{Path(told[name]).suffix}"
            link.parent.mkdir(exist_ok=True)
            os.link(file, link)
            if name == "preview":
                os.link(file.with_name(small_of(file.name)), link.with_name(small_of(link.name)))
            told[name] = str(link.relative_to(folder))
        sweep.change(index, **told)
    return sweep


class LoosePages(Pages):
    """The wall's pages, and beside them one that is empty and one of plain players."""

    height = 0.0

    async def empty(self, _request: Request) -> Response:
        """Return a page of the wall's height with nothing on it."""
        return HTMLResponse(LOOSE % {"height": self.height, "inside": ""})

    async def plain(self, _request: Request) -> Response:
        """Return a page of lazy players, one for each clip."""
        rows = self.widget.feed.snapshot()["tiles"]
        base = "/user/me/files/nb/boats"
        players = "".join(
            f'<video src="{base}/{row["preview"]}" poster="{base}/{row["poster"]}" loading="lazy" '
            'preload="metadata" muted loop playsinline controls></video>'
            for row in rows
        )
        return HTMLResponse(LOOSE % {"height": self.height, "inside": f'<div class="grid">{players}</div>'})

    def routes(self) -> list[Route]:
        """Return the routes of this server."""
        return [*super().routes(), Route("/empty", self.empty), Route("/plain", self.plain)]


@contextlib.contextmanager
def shown(root: Path, count: int, *, files: bool = True, tile: int = 0) -> Iterator[tuple[Page, LoosePages]]:
    """Show a wall of many clips on a page."""
    os.environ["JPY_SESSION_NAME"] = str(root / "nb" / "first.ipynb")
    sweep = stocked(root / "nb" / "boats", count)
    gallery = Gallery(sweep, rows=[], cols=[])
    with chromium() as browser, LoosePages(gallery.wall, files=root if files else None).serving() as pages:
        page = opened(browser, pages.url, tile)
        yield page, pages
    gallery.close()


def opened(browser: Browser, url: str, tile: int) -> Page:
    """Open a wall, as high as the page where its tiles have a size of their own."""
    page = browser.new_context(viewport={"width": 1500, "height": 1300}).new_page()
    page.add_init_script(BLOBS)
    page.goto(url)
    page.wait_for_function("window.ready")
    if tile:
        page.add_style_tag(content=".gg-wall .gg-scroll { max-height: none }")
        page.evaluate("(tile) => model.set('tile', tile)", tile)
    return page


BLOBS = """
  window.blobs = new Map();
  const { createObjectURL, revokeObjectURL } = URL;
  URL.createObjectURL = (blob) => { const url = createObjectURL.call(URL, blob); blobs.set(url, blob.size); return url; };
  URL.revokeObjectURL = (url) => { blobs.delete(url); revokeObjectURL.call(URL, url); };
"""


def in_step(root: Path, count: int, tile: int) -> Figures:
    """Play many clips for half a minute and measure what was shown in the seconds after it."""
    with shown(root, count, tile=tile) as (page, _):
        page.wait_for_function(
            f"""() => {{ const players = [...document.querySelectorAll("video")];
            return players.length === {count} && players.every((video) => video.readyState >= 2); }}""",
            timeout=120_000,
        )
        if page.locator(PLAY).get_attribute("aria-label") == "Play all":
            page.locator(PLAY).click()
        page.wait_for_timeout(SECONDS * 1000)
        rates = page.evaluate(QUALITY, 5)
        offsets = sorted(page.evaluate(OFFSETS, 3))
        pictures = sorted(rate for rate, _ in rates)
        return {
            "players": float(len(rates)),
            "frames_per_second": pictures[0],
            "frames_in_the_middle": pictures[len(pictures) // 2],
            "frames_decoded": sum(rate for _, rate in rates) / len(rates),
            "drift_ms": (offsets[-1] - offsets[0]) * 1000,
        }


def nine(root: Path) -> Figures:
    """Nine players for 30 s: frames a second in the slowest of them, and the spread of what they show."""
    return in_step(root, 9, 0)


def hundred(root: Path) -> Figures:
    """A hundred players for 30 s: frames a second in the slowest of them, and the spread of what they show."""
    return in_step(root, 100, 120)


def scroll(root: Path) -> Figures:
    """A thousand cells scrolled, in turns with an empty page as high; then a plain page of lazy players."""
    found: dict[str, list[list[float]]] = {"wall": [], "empty": [], "plain": []}
    with shown(root, 1000) as (page, pages):
        page.wait_for_timeout(1500)
        pages.height = page.evaluate("document.querySelector('.gg-scroll').scrollHeight")
        other = page.context.new_page()
        other.goto(f"{pages.base}/empty")
        for _ in range(TURNS + 1):
            for name, each, box in (("wall", page, ".gg-scroll"), ("empty", other, ".box")):
                each.bring_to_front()
                found[name].append(each.evaluate(SCROLL, [box, 3]))
        other.goto(f"{pages.base}/plain")
        found["plain"] = [other.evaluate(SCROLL, [".box", 3]) for _ in range(TURNS + 1)]
        nodes = page.evaluate("document.querySelectorAll('.gg-scroll *').length")
        heap = page.evaluate("performance.memory.usedJSHeapSize") / 1e6
    rates = {name: sorted(rate for rate, _, _ in turns[1:])[TURNS // 2] for name, turns in found.items()}
    return {
        "frames_per_second": rates["wall"],
        "empty_frames_per_second": rates["empty"],
        "plain_frames_per_second": rates["plain"],
        "share_of_empty": rates["wall"] / rates["empty"],
        "players": max(players for _, players, _ in found["wall"]),
        "plain_players": max(players for _, players, _ in found["plain"]),
        "loads_at_once": max(loads for _, _, loads in found["wall"]),
        "nodes": float(nodes),
        "heap_mb": heap,
    }


def kernel(root: Path) -> Figures:
    """A thousand cells scrolled up and down with every byte through the kernel: what is held of it."""
    with shown(root, 1000, files=False) as (page, pages):
        page.wait_for_timeout(1500)
        most = 0.0
        for at in [*range(40), *range(40, 0, -1)]:
            page.evaluate("(at) => { document.querySelector('.gg-scroll').scrollTop = at * 700; }", at)
            page.wait_for_timeout(400)
            most = max(most, page.evaluate("[...blobs.values()].reduce((sum, size) => sum + size, 0)") / 1e6)
        asked = sum(question.get("kind") == "media" for question in pages.asked)
        loads = page.evaluate(SCROLL, [".gg-scroll", 2])[2]
        heap = page.evaluate("performance.memory.usedJSHeapSize") / 1e6
    return {"blob_mb": most, "files_asked_for": float(asked), "heap_mb": heap, "loads_at_once": float(loads)}


PIVOT = """async ([rounds, positions]) => {
  const took = [];
  for (let round = 0; round < rounds; round += 1) {
    const began = performance.now();
    model.set("rows", positions[round % positions.length]);
    document.body.getBoundingClientRect();
    took.push(performance.now() - began);
    await new Promise((go) => setTimeout(go, 400));
  }
  return took.sort((a, b) => a - b);
}"""


def pivot(root: Path) -> Figures:
    """A hundred cells laid out anew by another axis, script, style and layout together."""
    grid = Grid(prompt=[f"prompt {n}" for n in range(10)], size=["16:9", "1:1"], duration=[6, 7, 8, 9, 10])
    gallery = Gallery(FakeSweep(grid, root / "boats"), rows="prompt", cols=["size", "duration"])
    with chromium() as browser, Pages(gallery.wall).serving() as pages:
        page = opened(browser, pages.url, 96)
        offered = [value for _, value in gallery.wall.menus[0]["options"]]
        took = page.evaluate(PIVOT, [20, [offered.index([name]) for name in ("duration", "prompt", "size")]])
        tiles = page.evaluate("document.querySelectorAll('.gg-tile').length")
    gallery.close()
    return {"tiles": float(tiles), "ms_in_the_middle": took[10], "ms": took[-1]}


def talk(root: Path) -> Figures:
    """A sweep of a thousand cells for 30 s at the demo's speed: what goes to the browser."""
    grid = Grid(prompt=[f"boat {number}" for number in range(1000)])
    with Simulator(speed=60, clips="tiny") as simulator:
        sweep = Sweep(grid, client=simulator.client(), folder=root / "boats")
        gallery = Gallery(sweep)
        sent: list[tuple[float, int]] = []
        gallery.wall.send = lambda content, _buffers=None: sent.append(
            (time.perf_counter(), len(json.dumps(content)))
        )
        sweep.start()
        threading.Event().wait(SECONDS)
        counted = list(sent)
        sweep.stop()
        gallery.close()
        sweep.wait()
    windows = [[size for at, size in counted if start <= at < start + 1] for start, _ in counted]
    return {
        "messages": float(len(counted)),
        "messages_per_second": float(max(len(window) for window in windows)),
        "kb_per_second": max(sum(window) for window in windows) / 1e3,
        "kb_in_all": sum(size for _, size in counted) / 1e3,
    }


BENCHMARKS: dict[str, Callable[[Path], Figures]] = {
    "nine": nine,
    "hundred": hundred,
    "scroll": scroll,
    "kernel": kernel,
    "pivot": pivot,
    "talk": talk,
}


def alone(name: str) -> Figures:
    """Run a benchmark in a fresh process and a fresh folder."""
    done = subprocess.run(
        [sys.executable, __file__, "--alone", name], stdout=subprocess.PIPE, text=True, check=True
    )
    figures: Figures = json.loads(done.stdout.splitlines()[-1])
    return figures


def lines(name: str, figures: Figures) -> list[str]:
    """Return a benchmark's rows of the table, each with its goal where it has one."""
    rows = []
    for figure, value in figures.items():
        most, least = AT_MOST.get(name, {}).get(figure), AT_LEAST.get(name, {}).get(figure)
        verdict = ""
        if most is not None:
            verdict = f"goal <= {most:g}: {'met' if value <= most else 'MISSED'}"
        if least is not None:
            verdict = f"goal >= {least:g}: {'met' if value >= least else 'MISSED'}"
        rows.append(f"{name:<8} {figure:<24} {value:>10.2f}  {verdict}".rstrip())
    return rows


def main() -> None:
    """Run the chosen benchmarks and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", choices=[[], *BENCHMARKS], help="which; all by default")
    parser.add_argument("--json", type=Path, help="file for the figures")
    parser.add_argument("--alone", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.alone:
        folder = Path(tempfile.mkdtemp())
        try:
            (folder / "nb").mkdir()
            print(json.dumps(BENCHMARKS[options.alone](folder)))
        finally:
            shutil.rmtree(folder)
        return
    found: dict[str, Any] = {}
    for name in options.names or BENCHMARKS:
        print(f"# {BENCHMARKS[name].__doc__}", flush=True)
        load = os.getloadavg()[0]
        found[name] = alone(name)
        found[name]["load_before"] = load
        print(*lines(name, found[name]), sep="\n", flush=True)
    found["machine"] = {"cores": os.cpu_count(), "python": platform.python_version()}
    print(json.dumps(found))
    if options.json:
        options.json.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
