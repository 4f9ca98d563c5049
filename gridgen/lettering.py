"""Fonts for text on pictures: Pillow's own, or one of the machine's that has the letters."""

from __future__ import annotations

import os
import re
import sys
import unicodedata
from bisect import bisect_right
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import ImageFont

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["broken", "font", "lettering"]

_LIKELY = (
    "DejaVuSans.ttf",
    "NotoSans-Regular.ttf",
    "NotoSansCJK-Regular.ttc",
    "wqy-zenhei.ttc",
    "Arial Unicode.ttf",
    "arial.ttf",
    "msyh.ttc",
    "msgothic.ttc",
    "malgun.ttf",
    "PingFang.ttc",
)
_SHUNNED = ("bold", "italic", "oblique", "mono", "symbol", "emoji", "lastresort", "blank")
"""Of font files that are not looked at: other cuts, and those that draw every letter as a box or as nothing."""
_MOST = 300
"""How many files of the machine are looked at."""
_WIDE = "\u2e80-\u2fff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\uff01-\uff60"
_CLOSING = "\u3001\u3002\u3009\u300b\u300d\u300f\u3011\u3015\uff01\uff09\uff0c\uff1a\uff1b\uff1f\u30fc"
_UNIT = re.compile(rf"\s*(?:[{_WIDE}]|[^\s{_WIDE}]+)[{_CLOSING}]*")
"""What no line is broken in: a word, or a letter of a script without blanks, and the marks that close it."""
_UNDRAWN = "\U0010fffe"
_SIZE = 16


def lettering(text: str, instead: str) -> tuple[str, str]:
    """Return what of a text can be drawn on one line, and the font that draws it.

    Control characters and marks of direction are left out. A letter that the font lacks is
    drawn without its accents, or left out.

    Parameters
    ----------
    text : str
        Any text.
    instead : str
        What is drawn where less than half of the text's letters can be.

    Returns
    -------
    tuple of str
        The text, and the font's name for `font`.
    """
    plain = " ".join(unicodedata.normalize("NFC", text).split())
    wanted = "".join(each for each in plain if unicodedata.category(each)[0] not in "CZ" or each == " ")
    name = _best(frozenset(wanted))
    kept = " ".join("".join(_drawn(name, each) for each in wanted).split())
    try:
        font(name, _SIZE).getmask(kept)
    except RuntimeError:  # marks without a letter, which Raqm refuses to lay out
        kept = "".join(each for each in kept if unicodedata.category(each)[0] != "M")
    letters = sum(map(str.isalnum, kept))
    enough = letters and letters * 2 >= sum(map(str.isalnum, wanted))
    return (kept, name) if enough else (instead, "")


@lru_cache(maxsize=256)
def font(name: str, size: int) -> ImageFont.FreeTypeFont:
    """Return a font of a size in pixels; the name "" is that of Pillow's own.

    Raises
    ------
    TypeError
        Pillow was built without FreeType.
    """
    found = ImageFont.truetype(name, size) if name else ImageFont.load_default(size)
    if not isinstance(found, ImageFont.FreeTypeFont):
        message = (
            "Pillow was built without FreeType, so nothing can be lettered. Install a Pillow wheel from PyPI."
        )
        raise TypeError(message)
    return found


def broken(text: str, face: ImageFont.FreeTypeFont, room: float, most: int) -> list[str]:
    """Break a text into lines that fit: between words, and between Chinese and Japanese letters.

    Parameters
    ----------
    text : str
        Without line breaks.
    face : PIL.ImageFont.FreeTypeFont
    room : float
        Width of a line, pixels.
    most : int
        How many lines there may be; the last one ends in "…" where more are needed.

    Returns
    -------
    list of str
        One or more.
    """
    lines = [""]
    for unit in _pieces(text, face, room):
        if face.getlength(lines[-1] + unit) <= room or not lines[-1]:
            lines[-1] += unit
        elif len(lines) == most:
            lines[-1] = _shortened(lines[-1], face, room)
            break
        else:
            lines.append(unit)
        lines[-1] = lines[-1].lstrip()
    return lines


def _pieces(text: str, face: ImageFont.FreeTypeFont, room: float) -> Iterator[str]:
    """Return what stays on one line, with the blanks before it; a word wider than a line is cut."""
    most = int(room) + 1
    for unit in _UNIT.findall(text):
        rest = unit
        while len(rest) > most or (len(rest) > 1 and face.getlength(rest) > room):
            fits = _fitting(rest[:most], face, room)
            yield rest[:fits]
            rest = rest[fits:]
        yield rest


def _fitting(text: str, face: ImageFont.FreeTypeFont, room: float) -> int:
    """Return how many letters of a text, one or more, fit on a line."""
    return max(1, bisect_right(range(1, len(text) + 1), room, key=lambda n: face.getlength(text[:n])))


def _shortened(line: str, face: ImageFont.FreeTypeFont, room: float) -> str:
    kept = line
    while kept and face.getlength(kept + "…") > room:
        kept = kept[:-1]
    return kept.rstrip() + "…"


def _drawn(name: str, character: str) -> str:
    """Return a character as a font draws it: as it is, as the letter under its marks, or not at all."""
    choices = (character, unicodedata.normalize("NFKD", character)[0])
    return next((each for each in choices if _draws(name, each)), "")


@lru_cache(maxsize=1024)
def _best(characters: frozenset[str]) -> str:
    """Return the first font that draws all of some characters, else the first that draws most of them."""
    best, least = "", len(characters) + 1
    for name in _names():
        lacking = sum(not _draws(name, each) for each in characters)
        if lacking < least:
            best, least = name, lacking
        if not least:
            break
    return best


@lru_cache(maxsize=16384)
def _draws(name: str, character: str) -> bool:
    found = font(name, _SIZE).font_variant(layout_engine=ImageFont.Layout.BASIC)
    return character == " " or bytes(found.getmask(character)) != bytes(found.getmask(_UNDRAWN))


def _names() -> Iterator[str]:
    yield ""
    yield from (name for name in (*_LIKELY, *_installed()) if _opens(name))


@lru_cache(maxsize=512)
def _opens(name: str) -> bool:
    try:
        font(name, _SIZE)
    except OSError:
        return False
    return True


@lru_cache(maxsize=1)
def _installed() -> tuple[str, ...]:
    """Return font files of the machine, where its system keeps them."""
    found: list[str] = []
    for folder in _folders():
        for path, folders, files in os.walk(folder):
            folders.sort()
            found += [str(Path(path) / each) for each in sorted(files) if _is_plain(each.lower())]
            if len(found) >= _MOST:
                return tuple(found[:_MOST])
    return tuple(found)


def _is_plain(name: str) -> bool:
    return name.endswith((".ttf", ".ttc", ".otf")) and not any(each in name for each in _SHUNNED)


def _folders() -> list[Path]:
    if sys.platform == "win32":
        return [Path(os.environ.get("WINDIR", "C:/Windows")) / "Fonts"]
    if sys.platform == "darwin":
        return [Path("/System/Library/Fonts"), Path("/Library/Fonts"), Path.home() / "Library/Fonts"]
    own = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local/share") / "fonts"
    return [own, Path("/usr/local/share/fonts"), Path("/usr/share/fonts")]
