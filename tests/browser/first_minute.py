"""Film the first minute: README's command in a fresh clone, and the first notebook until its wall plays.

Run as ``python tests/browser/first_minute.py``; it writes ``docs/images/first_minute.webp`` and a small one for README.
The film has the speed of what it shows: nothing is cut, and a clock in its corner runs from the command on.
Terminal and JupyterLab are one page of Chromium, so that one recording has both.
"""

from __future__ import annotations

import contextlib
import io
import os
import queue
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from lab import chromium
from PIL import Image, ImageDraw, ImageFont
from still import screencast

from gridgen.clock import Clock

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Page

CLOCK = Clock()
ROOT = Path(__file__).parents[2]
SIZE = (1280, 800)
IMAGES = ROOT / "docs" / "images"


class Cut(NamedTuple):
    """One film of a recording: its size, the most bytes of it, and the milliseconds that a picture is shown, at least."""

    name: str
    size: tuple[int, int]
    most: int
    terminal: int
    playing: int


FILM = Cut("first_minute.webp", (720, 450), 1_000_000, 1000, 250)
SMALL = Cut("first_minute_small.webp", (480, 300), 400_000, 1000, 400)
TERMINAL = """<!doctype html><meta charset="utf-8"><title>Terminal</title><style>
  body { margin: 0; background: #14161a; color: #d8dbe2; }
  pre { position: fixed; inset: auto 0 0; max-height: 100vh; margin: 0; padding: 18px 22px; overflow: hidden;
    font: 17px/1.5 "DejaVu Sans Mono", Menlo, Consolas, monospace; white-space: pre-wrap; overflow-wrap: anywhere; }
  pre.few { inset: 0 0 auto; }
</style><pre class="few"></pre>"""
PRINT = """(text) => {
  const pre = document.querySelector("pre");
  pre.textContent += text;
  pre.classList.toggle("few", pre.scrollHeight < innerHeight);
  pre.scrollTop = pre.scrollHeight;
}"""
ADDRESS = re.compile(r"(http://127\.0\.0\.1:\d+/lab\?token=\w+)")
NOTEBOOK = "01_first_grid.ipynb"
MOVING = """() => [...document.querySelectorAll(".gg-video")].some((video) => video.currentTime > 0 && !video.paused)"""


def commands() -> tuple[str, str]:
    """Return README's first command, and what it says to add in a container."""
    text = (ROOT / "README.md").read_text("utf-8")
    (shell, added) = re.findall(r"```sh\n(.*&&.*)\n```|container, add `(.*?)`", text)
    return shell[0], added[1]


def spoken(line: str, root: Path) -> str:
    """Return a line as it is shown: without this machine's name, folders, mirrors and passwords."""
    if any(word in line for word in ("Looking in", "Location 'file:", socket.gethostname())):
        return ""
    line = re.sub(r"(?<=[ (])(https?://(?!127)|/)\S*/", "", line.replace(str(root), "~"))
    return re.sub(r"token=\w+", "token=…", line)


@contextlib.contextmanager
def running(command: str, root: Path) -> Iterator[queue.Queue[str]]:
    """Run a command in the clone, with settings of its own, and give its lines as they come; it ends with the block."""
    names = (
        "JUPYTER_CONFIG_DIR",
        "JUPYTER_DATA_DIR",
        "JUPYTER_RUNTIME_DIR",
        "JUPYTERLAB_SETTINGS_DIR",
        "IPYTHONDIR",
    )
    places = {name: str(root / ".jupyter" / name.lower()) for name in names}
    places |= {
        "PIP_FIND_LINKS": "",
        "PYTHONUNBUFFERED": "1",
        "PIP_NO_CACHE_DIR": "1",
        "GRIDGEN_DATA_DIR": str(root / ".gridgen"),
    }
    process = subprocess.Popen(
        ["bash", "-c", command],
        cwd=root / "gridgen",
        env={**os.environ, **places},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    lines: queue.Queue[str] = queue.Queue()
    assert process.stdout is not None
    threading.Thread(target=lambda: [lines.put(line) for line in process.stdout], daemon=True).start()
    try:
        yield lines
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(20)


def install(page: Page, lines: queue.Queue[str], root: Path) -> str:
    """Show what the command prints until it prints an address, and return that."""
    while True:
        with contextlib.suppress(queue.Empty):
            line = lines.get_nowait()
            page.evaluate(PRINT, spoken(line, root))
            if found := ADDRESS.search(line):
                return found[1]
            continue
        page.wait_for_timeout(50)


def play(page: Page, address: str) -> float:
    """Open the address and the notebook, run all by the menu, scroll to the wall; return when its first clip moved."""
    page.goto(address)
    with page.expect_websocket(lambda socket: "/channels" in socket.url):
        page.locator(".jp-DirListing-item", has_text=NOTEBOOK).dblclick()
    page.wait_for_timeout(1500)  # who runs all before the kernel is there is asked for one
    page.locator(".jp-Notebook-ExecutionIndicator[data-status=idle]").wait_for()
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.locator(".lm-Menu-itemLabel", has_text=re.compile("^Run All Cells$")).click()
    wall = page.locator(".gridgen-gallery .gg-transport").first
    page.get_by_role("button", name="No", exact=True).click()  # JupyterLab asks whether to tell of its news
    page.mouse.move(SIZE[0] / 2, SIZE[1] / 2)
    page.mouse.wheel(0, -100_000)  # JupyterLab has gone to the last cell
    page.wait_for_timeout(300)
    while not wall.is_visible() or wall.bounding_box()["y"] > SIZE[1] - 80:
        page.mouse.wheel(0, 60)
        page.wait_for_timeout(60)
    page.wait_for_function(MOVING)
    moved = CLOCK.time()
    page.wait_for_timeout(7000)
    return moved


def film(folder: Path) -> tuple[float, float]:
    """Film it; return the seconds to the address and to the first clip that moves."""
    command, added = commands()
    whole = f"{command} {added}"
    with tempfile.TemporaryDirectory() as clone, chromium() as browser:
        root = Path(clone)
        subprocess.run(["git", "clone", "-q", ROOT, root / "gridgen"], check=True)
        page = browser.new_page(viewport={"width": SIZE[0], "height": SIZE[1]})
        page.set_default_timeout(300_000)
        page.set_content(TERMINAL)
        with screencast(page) as pictures:
            page.evaluate(PRINT, f"~/gridgen$ {whole}\n")
            page.wait_for_timeout(300)  # the first picture of the film has the command
            began = CLOCK.time()
            with running(whole, root) as lines:
                address = install(page, lines, root)
                ready = CLOCK.time()
                page.wait_for_timeout(700)
                moved = play(page, address)
        for cut in (FILM, SMALL):
            save(pictures, began, ready, cut, folder / cut.name)
    return ready - began, moved - began


def save(pictures: list[tuple[float, bytes]], began: float, ready: float, cut: Cut, target: Path) -> None:
    """Write a film, as good as there is room for."""
    shown = list(drawn(pictures, began, ready, cut))
    images, lasting = [image for image, _ in shown], [milliseconds for _, milliseconds in shown]
    for quality in (60, 45, 32, 22, 12):
        images[0].save(
            target,
            save_all=True,
            append_images=images[1:],
            duration=lasting,
            loop=0,
            quality=quality,
            method=4,
            minimize_size=True,
        )
        if target.stat().st_size < cut.most:
            return
    msg = f"{target.name} has {target.stat().st_size} bytes, more than {cut.most}"
    raise RuntimeError(msg)


def drawn(
    pictures: list[tuple[float, bytes]], began: float, ready: float, cut: Cut
) -> Iterator[tuple[Image.Image, int]]:
    """Give the pictures with a clock in their corner, and how many milliseconds each is shown."""
    at, now, end = 0, began, pictures[-1][0]
    while now < end:
        milliseconds = cut.terminal if now < ready else cut.playing
        while at + 1 < len(pictures) and pictures[at + 1][0] <= now:
            at += 1
        image = (
            Image.open(io.BytesIO(pictures[at][1])).convert("RGB").resize(cut.size, Image.Resampling.LANCZOS)
        )
        passed = int(now - began)
        clock(image, f"{passed // 60}:{passed % 60:02}")
        yield image, milliseconds
        now += milliseconds / 1000


def clock(image: Image.Image, text: str) -> None:
    """Draw a clock into the upper right corner."""
    pen, right = ImageDraw.Draw(image), image.width
    pen.rounded_rectangle((right - 66, 8, right - 8, 34), 7, fill="#1f5ed2")
    pen.text((right - 37, 21), text, fill="white", font=ImageFont.load_default(16), anchor="mm")


if __name__ == "__main__":
    IMAGES.mkdir(exist_ok=True)
    address, moving = film(IMAGES)
    sys.stdout.write(f"{address:.1f} s to the address, {moving:.1f} s to the first moving clip\n")
