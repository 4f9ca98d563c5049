"""Take a picture of all that gridgen shows, at two widths and in both themes, and compose them into one sheet.

Run as ``python tests/browser/contact.py [FOLDER]``; it writes ``docs/images/surfaces.webp``, and each picture of
its own size into the folder.
"""

from __future__ import annotations

import io
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from lab import chromium, lab
from PIL import Image, ImageDraw, ImageFont
from surfaces import Surfaces, close, exported, open_compare, open_stage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

SHEET = Path(__file__).parents[2] / "docs" / "images" / "surfaces.webp"
MOST = 400_000
"""Bytes of it."""
LOOKS = [(width, theme) for width in (1400, 820) for theme in ("light", "dark")]
HEIGHT = {1400: 900, 820: 1100}
SCALE = 0.36
GAP, HEAD = 16, 26
ROWS = ("wall", "filling", "stage", "compare", "form", "board", "table", "page")

Pictures = dict[tuple[str, int, str], Image.Image]


def main(folder: Path | None) -> None:
    """Take all pictures, and compose the sheet."""
    with (
        tempfile.TemporaryDirectory() as root,
        tempfile.TemporaryDirectory() as home,
        lab(Path(root), Path(home)) as base,
        chromium() as browser,
    ):
        shown = Surfaces(browser, base, Path(root) / "shown", clips="full")
        pictures = {
            (name, width, theme): Image.open(io.BytesIO(data)).convert("RGB")
            for width, theme in LOOKS
            for name, data in taken(browser, shown, width, theme)
        }
    if folder:
        folder.mkdir(parents=True, exist_ok=True)
        for (name, width, theme), picture in pictures.items():
            picture.save(folder / f"{name}-{width}-{theme}.png")
    SHEET.parent.mkdir(exist_ok=True)
    save(composed(pictures))


def taken(browser: Browser, shown: Surfaces, width: int, theme: str) -> Iterator[tuple[str, bytes]]:
    """Give the name and the PNG of each, as a person sees it in a window of one width."""
    page = shown.page
    page.set_viewport_size({"width": width, "height": HEIGHT[width]})
    shown.theme(theme)
    for name in ("filling", "form", "board", "table", "rounds", "preview", "wall"):
        wall = shown.bring(name)
        page.wait_for_timeout(700)
        yield name, page.screenshot()
    open_stage(page, wall)
    page.wait_for_timeout(700)
    yield "stage", page.screenshot()
    close(page)
    open_compare(page, wall)
    page.wait_for_timeout(700)
    yield "compare", page.screenshot()
    close(page)
    wall.locator(".gg-tile").first.focus()
    for key in ("c", "ArrowRight", "c"):
        page.keyboard.press(key)
    sent = exported(browser, shown, theme, width=width)
    sent.set_viewport_size({"width": width, "height": HEIGHT[width]})
    sent.wait_for_timeout(700)
    yield "page", sent.screenshot()
    sent.close()


def composed(pictures: Pictures) -> Image.Image:
    """Return one sheet: a row for each thing, a column for each width and theme."""
    widths = [round(width * SCALE) for width, _ in LOOKS]
    tall = round(max(HEIGHT.values()) * SCALE)
    size = (sum(widths) + GAP * (len(widths) + 1), (tall + HEAD + GAP) * len(ROWS) + GAP)
    sheet = Image.new("RGB", size, "#d9dce2")
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(17)
    for row, name in enumerate(ROWS):
        top = GAP + row * (tall + HEAD + GAP)
        left = GAP
        for (width, theme), across in zip(LOOKS, widths, strict=True):
            picture = pictures[name, width, theme]
            small = picture.resize((across, round(picture.height * SCALE)), Image.Resampling.LANCZOS)
            pen.text((left, top), f"{name}, {width} px, {theme}", fill="#1b1e24", font=font)
            sheet.paste(small, (left, top + HEAD))
            left += across + GAP
    return sheet


def save(sheet: Image.Image) -> None:
    """Write the sheet, as good as there is room for."""
    for quality in (80, 65, 50, 35):
        sheet.save(SHEET, quality=quality, method=6)
        if SHEET.stat().st_size <= MOST:
            return
    msg = f"{SHEET.name} has {SHEET.stat().st_size} bytes, more than {MOST}"
    raise RuntimeError(msg)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if sys.argv[1:] else None)
