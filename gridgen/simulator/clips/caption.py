"""The lettering at the foot of a clip."""

from __future__ import annotations

import functools
import hashlib
import unicodedata

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from gridgen.simulator.clips.plates import Plate

__all__ = ["caption", "printable"]

_MISSING = "\U0010fffe"
_LINES = 2


@functools.lru_cache(maxsize=32)
def _font(size: int) -> ImageFont.FreeTypeFont:
    font = ImageFont.load_default(size)
    if not isinstance(font, ImageFont.FreeTypeFont):
        message = "Pillow was built without FreeType, so the clips cannot be lettered. Install a Pillow wheel from PyPI."
        raise TypeError(message)
    return font


@functools.lru_cache(maxsize=4096)
def _drawable(character: str) -> bool:
    if unicodedata.category(character)[0] in "CM":
        return False
    font = _font(16)
    return bytes(font.getmask(character)) != bytes(font.getmask(_MISSING)) or character == " "


def printable(text: str) -> str:
    """Return what of a text the font can draw, on one line.

    Control characters, marks of direction and letters that the font lacks are
    left out. A text of which nothing is left is named by its hash, so that two
    of them can still be told apart.
    """
    plain = " ".join(unicodedata.normalize("NFC", text[:2000]).split())
    kept = " ".join("".join(c for c in plain if _drawable(c)).split())
    if not any(c.isalnum() for c in kept):
        return f"prompt {hashlib.sha256(text.encode('utf-8', 'replace')).hexdigest()[:6]}"
    return kept


def caption(size: tuple[int, int], prompt: str, facts: str) -> tuple[Plate, int]:
    """Letter a bar with the prompt and the facts of the request.

    Parameters
    ----------
    size : tuple of int
        Of the clip, pixels.
    prompt : str
        Any text; shortened to two lines.
    facts : str
        Size, duration, quality.

    Returns
    -------
    tuple of Plate and int
        The bar, and its top edge in pixels.
    """
    width, height = size
    largest = max(8, round(min(max(size) / 32, min(size) / 17)))
    margin = largest * 3 // 4
    letter, lines = _set(printable(prompt), width - 2 * margin, largest)
    small = max(7, round(largest * 0.84))
    deep = round(letter * 1.24 * len(lines) + small * 1.3 + largest * 0.95) // 2 * 2
    bar = Image.new("RGBA", (width, deep), (8, 10, 16, 0))
    fall = np.clip(np.linspace(0, 1.6, deep, dtype=np.float32), 0, 1) ** np.float32(0.8) * 172
    bar.putalpha(Image.fromarray(np.repeat(fall.astype(np.uint8)[:, None], width, axis=1)))
    draw = ImageDraw.Draw(bar)
    y = largest * 0.55
    for line in lines:
        draw.text((margin, y), line, font=_font(letter), fill=(250, 250, 252, 255))
        y += letter * 1.24
    draw.text((margin, y + small * 0.08), facts, font=_font(small), fill=(255, 212, 132, 255))
    return Plate.of(bar), height - deep


def _set(text: str, width: float, largest: int) -> tuple[int, list[str]]:
    """Choose the letters' size: a little smaller where one line is then enough."""
    for letter in range(largest, round(largest * 0.8) - 1, -1):
        if _font(letter).getlength(text) <= width:
            return letter, [text]
    letter = round(largest * 0.9)
    return letter, _wrapped(text, _font(letter), width)


def _wrapped(text: str, font: ImageFont.FreeTypeFont, width: float) -> list[str]:
    lines, words = [""], text.split()
    for word in words:
        longer = f"{lines[-1]} {word}".strip()
        if font.getlength(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    lines = [line for line in lines if line] or [""]
    if len(lines) > _LINES:
        lines = lines[:_LINES]
        lines[-1] += " …"
    return [_shortened(line, font, width) for line in lines]


def _shortened(line: str, font: ImageFont.FreeTypeFont, width: float) -> str:
    if font.getlength(line) <= width:
        return line
    kept = line.rstrip(" …")
    while kept and font.getlength(kept + "…") > width:
        kept = kept[:-1]
    return kept.rstrip() + "…"
