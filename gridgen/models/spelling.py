"""What a size, a tier or a length is called here that was written as other tools write it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["meant_length", "meant_word"]

_TWO = re.compile(r"(\d{1,5})\s*[:x\u00d7*/\u2236-]\s*(\d{1,5})")
_TIER = re.compile(r"(\d{3,4})\s*p?")
_LENGTH = re.compile(r"(\d{1,4})(?:\.0+)?\s*(?:s|secs?|seconds?)?")
_SHAPES = {
    **dict.fromkeys(("landscape", "horizontal", "wide", "widescreen"), "16:9"),
    **dict.fromkeys(("portrait", "vertical", "tall"), "9:16"),
    "square": "1:1",
}
_TIERS = {
    "sd": "480p",
    "hd": "720p",
    **dict.fromkeys(("fhd", "full hd", "fullhd"), "1080p"),
    **dict.fromkeys(("2160p", "uhd", "ultra hd"), "4k"),
}
NEAR = 0.02
"""The share by which a ratio of pixels may differ from that of its shape: 854 x 480 is meant to be 16:9."""


def meant_word(field: str, value: object, offered: Sequence[str]) -> str:
    """Return the word among those offered that a value of ``size`` or ``quality`` means; empty if there is none."""
    text = str(value).strip().casefold()
    if field == "size":
        return _shape(text, offered)
    tier = _TIER.fullmatch(text)
    found = f"{tier[1]}p" if tier else text
    wanted = {found, _TIERS.get(found, found)}
    return next((word for word in offered if word.casefold() in wanted), "")


def _shape(text: str, offered: Sequence[str]) -> str:
    if text in _SHAPES:
        return _SHAPES[text] if _SHAPES[text] in offered else ""
    ratio = _ratio(text)
    near = [word for word in offered if abs((_ratio(word) or 0.0) / (ratio or 1.0) - 1.0) < NEAR]
    return near[0] if ratio and near else ""


def _ratio(text: str) -> float | None:
    pair = _TWO.fullmatch(text)
    if pair:
        return int(pair[1]) / int(pair[2]) if int(pair[2]) else None
    try:
        return float(text)
    except ValueError:
        return None


def meant_length(value: object) -> int | None:
    """Return the whole seconds that a value of ``duration`` means, None if it is not certain."""
    found = _LENGTH.fullmatch(str(value).strip().casefold())
    return int(found[1]) if found else None
