"""The lettering at the foot of a clip."""

from __future__ import annotations

import hashlib

import numpy as np
from PIL import Image, ImageDraw

from gridgen.lettering import broken, font, lettering
from gridgen.simulator.clips.plates import Plate

__all__ = ["caption", "printable"]

_LINES = 2
_MOST = 2000
"""Characters of a text that are looked at."""


def printable(text: str) -> tuple[str, str]:
    """Return what of a text can be drawn, on one line, and the font that draws it.

    A text of which too little is left is named by its hash, so that two of them can still
    be told apart.
    """
    digest = hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
    return lettering(text[:_MOST], f"prompt {digest[:6]}")


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
    said, name = printable(prompt)
    letter, lines = _set(said, name, width - 2 * margin, largest)
    small = max(7, round(largest * 0.84))
    deep = round(letter * 1.24 * len(lines) + small * 1.3 + largest * 0.95) // 2 * 2
    bar = Image.new("RGBA", (width, deep), (8, 10, 16, 0))
    fall = np.clip(np.linspace(0, 1.6, deep, dtype=np.float32), 0, 1) ** np.float32(0.8) * 172
    bar.putalpha(Image.fromarray(np.repeat(fall.astype(np.uint8)[:, None], width, axis=1)))
    draw = ImageDraw.Draw(bar)
    y = largest * 0.55
    for line in lines:
        draw.text((margin, y), line, font=font(name, letter), fill=(250, 250, 252, 255))
        y += letter * 1.24
    draw.text((margin, y + small * 0.08), facts, font=font("", small), fill=(255, 212, 132, 255))
    return Plate.of(bar), height - deep


def _set(text: str, name: str, width: float, largest: int) -> tuple[int, list[str]]:
    """Choose the letters' size: a little smaller where one line is then enough."""
    for letter in range(largest, round(largest * 0.8) - 1, -1):
        if font(name, letter).getlength(text) <= width:
            return letter, [text]
    letter = round(largest * 0.9)
    return letter, broken(text, font(name, letter), width, _LINES)
