"""Take the README's pictures of the gallery from the first notebook in a real JupyterLab.

Run as ``python tests/browser/still.py``; it writes ``notebooks/images/gallery.png``, and
``notebooks/images/gallery.webp``, in which the wall fills, plays and is laid out anew.
"""

from __future__ import annotations

import base64
import contextlib
import io
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lab import chromium, lab, open_notebook, run_all
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Locator, Page

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
WALLS = """[...document.querySelectorAll(".gridgen-gallery")]"""
PLAYING = f"() => {WALLS}[1].querySelectorAll('.gg-video').length >= 8"
FULL = f"{WALLS}[0]?.querySelectorAll('.gg-tile[data-status=done]').length === 8"
RUN_TO_TABLE = """() => {
  const { content } = jupyterapp.shell.currentWidget;
  content.activeCellIndex = content.widgets.findIndex((cell) => cell.model.sharedModel.getSource().includes("## The table"));
  jupyterapp.commands.execute("notebook:run-all-above");
}"""
PLAY = ".gg-wall > .gg-transport .gg-play"
IN_A_HURRY, SLOWER = "gg.Simulator(", "gg.Simulator(speed=10, "
"""So that the clips arrive one after another also where painting them takes a while."""
ALONE = ".jp-Notebook .jp-Cell:not(:has(.gridgen-gallery)) { display: none }"

MOST_STILL, MOST_FILM = 250_000, 1_500_000
"""Bytes of a picture and of the film."""
PICTURE_MS = 125
"""How long each picture of the film is shown."""


def main(images: Path) -> None:
    """Open the notebook, and take the film while it runs and the picture when it has."""
    images.mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as root,
        tempfile.TemporaryDirectory() as home,
        lab(Path(root), Path(home)) as base,
        chromium() as browser,
    ):
        first = shutil.copy(NOTEBOOKS / "01_first_grid.ipynb", root)
        unhurried = Path(first).read_text("utf-8").replace(IN_A_HURRY, SLOWER)
        (Path(root) / "film").mkdir()
        (Path(root) / "film" / "01_first_grid.ipynb").write_text(unhurried, "utf-8")
        page, troubles = open_notebook(browser, base, "film/01_first_grid.ipynb")
        page.evaluate("() => jupyterapp.commands.execute('application:toggle-left-area')")
        film(page, images / "gallery.webp")
        page.close()
        page, more = open_notebook(browser, base, "01_first_grid.ipynb", device_scale_factor=1.5)
        still(page, images / "gallery.png")
        if troubles or more:
            raise RuntimeError([*troubles, *more])


def still(page: Page, target: Path) -> None:
    """Play the complete wall, and save a picture of controls and wall together."""
    page.set_viewport_size({"width": 1500, "height": 1100})
    run_all(page)
    output = output_of(page, 1)
    output.scroll_into_view_if_needed()
    page.wait_for_function(PLAYING)
    output.locator(PLAY).click()
    page.wait_for_timeout(2500)
    shot = Image.open(io.BytesIO(output.screenshot())).convert("RGB")
    shot.quantize(256, dither=Image.Dither.FLOYDSTEINBERG).save(target, optimize=True)
    small_enough(target, MOST_STILL)


def film(page: Page, target: Path) -> None:
    """Let the wall fill, play in step, and take other axes."""
    page.set_viewport_size({"width": 1240, "height": 1080})
    page.evaluate(RUN_TO_TABLE)
    page.wait_for_function(f"{WALLS}.length > 0")
    page.add_style_tag(content=ALONE)
    output = output_of(page, 0)
    output.scroll_into_view_if_needed()
    page.wait_for_timeout(300)
    box = output.bounding_box()
    assert box is not None
    with screencast(page) as pictures:
        page.wait_for_function(FULL)
        look(page, 0.6)
        output.locator(PLAY).click()
        look(page, 3.5)
        output.locator("select").first.select_option("size")
        look(page, 2.5)
    frame = [round(side) for side in (box["x"], box["y"], box["x"] + box["width"], box["y"] + box["height"])]
    save(resampled(pictures, frame), target)
    small_enough(target, MOST_FILM)


def output_of(page: Page, number: int) -> Locator:
    """Return the output with a wall, by its number in the notebook."""
    return page.locator(".jp-OutputArea-output", has=page.locator(".gridgen-gallery")).nth(number)


def look(page: Page, seconds: float) -> None:
    """Let the wall be for a while."""
    page.wait_for_timeout(seconds * 1000)


@contextlib.contextmanager
def screencast(page: Page) -> Iterator[list[tuple[float, bytes]]]:
    """Collect what the page shows: seconds, and a JPEG."""
    devtools = page.context.new_cdp_session(page)
    pictures: list[tuple[float, bytes]] = []

    def take(shown: dict[str, Any]) -> None:
        pictures.append((shown["metadata"]["timestamp"], base64.b64decode(shown["data"])))
        devtools.send("Page.screencastFrameAck", {"sessionId": shown["sessionId"]})

    devtools.on("Page.screencastFrame", take)
    devtools.send("Page.startScreencast", {"format": "jpeg", "quality": 92})
    yield pictures
    devtools.send("Page.stopScreencast")
    devtools.detach()


def resampled(pictures: list[tuple[float, bytes]], frame: list[int]) -> list[Image.Image]:
    """Return the part of the page that is meant, at even distances in time."""
    start, end = pictures[0][0], pictures[-1][0]
    found, at = [], 0
    for number in range(int((end - start) * 1000 / PICTURE_MS)):
        while at + 1 < len(pictures) and pictures[at + 1][0] <= start + number * PICTURE_MS / 1000:
            at += 1
        whole = Image.open(io.BytesIO(pictures[at][1])).convert("RGB")
        part = whole.crop((frame[0], frame[1], frame[2], min(frame[3], whole.height)))
        found.append(part.resize((840, round(part.height * 840 / part.width)), Image.Resampling.LANCZOS))
    return found


def save(pictures: list[Image.Image], target: Path) -> None:
    """Write the film, as good as there is room for."""
    for quality in (60, 45, 32, 22):
        pictures[0].save(
            target,
            save_all=True,
            append_images=pictures[1:],
            duration=PICTURE_MS,
            loop=0,
            quality=quality,
            method=4,
        )
        if target.stat().st_size < MOST_FILM:
            return


def small_enough(target: Path, most: int) -> None:
    """Refuse a file that is too large for a README."""
    if target.stat().st_size > most:
        msg = f"{target.name} has {target.stat().st_size} bytes, more than {most}"
        raise RuntimeError(msg)


if __name__ == "__main__":
    main(NOTEBOOKS / "images")
