"""Colours by name, and the palettes of the hours."""

from __future__ import annotations

import colorsys
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from gridgen.simulator.clips.words import Look

__all__ = [
    "BLACK",
    "DARK",
    "NAMES",
    "SKIN",
    "WHITE",
    "Colour",
    "Palette",
    "from_hex",
    "ints",
    "lit",
    "mix",
    "palette",
    "tinted",
]

Colour = tuple[float, float, float]


WHITE: Final = (255.0, 255.0, 255.0)
BLACK: Final = (0.0, 0.0, 0.0)
DARK: Final = (22.0, 20.0, 28.0)
SKIN: Final = (226.0, 178.0, 146.0)


def from_hex(code: str) -> Colour:
    """Return the colour of six hexadecimal digits."""
    red, green, blue = bytes.fromhex(code)
    return float(red), float(green), float(blue)


_NAMED: Final = """
red:e0342b crimson:c81d3c scarlet:ea3323 orange:f2852b amber:f5a623 yellow:f6d23a gold:e8b130 golden:f0b63a
green:3da35a emerald:1fae6b lime:9bd83a olive:8a8a3a teal:1f9a94 turquoise:2fc3b8 cyan:2fc8e0 blue:2f6fe0
azure:3f9ff0 navy:23408f indigo:4a3fb0 violet:8a4fd0 purple:8a3fc0 magenta:d836b8 pink:f283b0 rose:ec6a8c
brown:8a5a36 beige:d8c3a0 white:f4f5f7 silver:c3c9d2 grey:8d939b gray:8d939b black:17181d
"""
NAMES: Final[dict[str, Colour]] = {
    name: from_hex(code) for name, code in (pair.split(":") for pair in _NAMED.split())
}
"""Colour words and what they mean, each 0 to 255."""


@dataclass(frozen=True, slots=True)
class Palette:
    """The colours of one picture, each 0 to 255.

    Attributes
    ----------
    top, middle, low : Colour
        The sky, from the zenith to the horizon.
    sun, glow : Colour
        The sun or moon, and the light around it.
    haze : Colour
        What distance fades into.
    shade : Colour
        By what (each / 255) the colours of near things are multiplied.
    lamp : Colour
        Windows, lanterns and other lights.
    night : bool
        Whether stars and lamps show.
    """

    top: Colour
    middle: Colour
    low: Colour
    sun: Colour
    glow: Colour
    haze: Colour
    shade: Colour
    lamp: Colour
    night: bool


def _palette(codes: str, *, night: bool = False) -> Palette:
    top, middle, low, sun, glow, haze, shade, lamp = map(from_hex, codes.split())
    return Palette(top, middle, low, sun, glow, haze, shade, lamp, night)


_HOURS: Final = {
    "dawn": _palette("5a74b0 d9a3b0 ffd9ae fff3d6 ffbe8a e9bdb4 a98fa6 ffd596"),
    "day": _palette("2f7fd0 7fbdec d8eff4 fffbe8 fff6d8 c3e0ec d2dde0 fff0b8"),
    "golden": _palette("55639c f0a766 ffdf9a fff6cf ffbe5c f4c48c b98a74 ffdf8f"),
    "dusk": _palette("2a2a66 8d4a8a ff9a72 ffe0b0 ff7a68 b2658c 6d5486 ffcf8a"),
    "night": _palette("060b22 10244c 2c4f7c f4f1df 7ea6d8 24426a 2c3f66 ffd98a", night=True),
    "storm": _palette("1e2c3a 435a68 a9b4a2 e8ece4 c9d2c0 6d818a 73838e ffe3a8"),
    "grey": _palette("6b7683 98a3ae c6ced4 f3f3ee dfe4e6 b4bec6 98a2aa ffe3a8"),
    "neon": _palette("0c0828 3d1264 d63a8c ffd0f0 ff4fae 6a2288 3a2a66 ffd080", night=True),
    "space": _palette("04030d 0d0a26 1c1748 fff4dc 8a6cff 2a2060 6a6a90 ffd98a", night=True),
    "underwater": _palette("8ee8e2 1f93b4 0a4a78 f4fff4 bff8ea 1c7c9c 4f94a4 fff0b8"),
}
_USUAL: Final = ("golden", "dawn", "dusk", "day", "golden", "day")


def mix(one: Colour, other: Colour, share: float) -> Colour:
    """Return the colour `share` (0 to 1) of the way from one to the other."""
    a, b, c = (p + (q - p) * share for p, q in zip(one, other, strict=True))
    return a, b, c


def ints(colour: Colour) -> tuple[int, int, int]:
    """Return a colour as whole numbers, 0 to 255."""
    red, green, blue = (min(255, max(0, int(part))) for part in colour)
    return red, green, blue


def lit(colour: Colour, light: Colour, strength: float = 1.0) -> Colour:
    """Return a colour as it looks under a light: multiplied, each / 255."""
    return mix(colour, _clip(tuple(p * q / 255 for p, q in zip(colour, light, strict=True))), strength)


def tinted(colour: Colour, tint: Colour, strength: float) -> Colour:
    """Return a colour with the hue of `tint`, at its own lightness."""
    light = max(_luma(colour), 1.0) / max(_luma(tint), 24.0)
    full = _clip(tuple(part * light for part in tint))
    pull = mix(full, tint, 0.35)
    return mix(colour, pull, strength)


def palette(look: Look, setting: str, rng: random.Random) -> Palette:
    """Choose the colours of a picture.

    Parameters
    ----------
    look : Look
        What the prompt asks for.
    setting : str
        The place that was settled on.
    rng : random.Random
        Chooses where the prompt leaves it open.

    Returns
    -------
    Palette
    """
    name = _name(look, setting, rng)
    shift, exposure = rng.uniform(-0.015, 0.015), look.light
    if "storm" in look.weather:
        exposure *= 0.9
    found = _mapped(_HOURS[name], lambda c: _graded(c, shift, look.manner))
    if "fog" in look.weather:
        found = _veiled(found)
    if look.colour is not None:
        tint = NAMES[look.colour]
        found = _mapped(found, lambda c: tinted(c, tint, 0.62))
    return _mapped(found, lambda c: _clip(tuple(part * exposure for part in c)))


def _name(look: Look, setting: str, rng: random.Random) -> str:
    chosen = rng.choice(_USUAL)
    if setting in ("space", "underwater"):
        return setting
    if "neon" in look.manner and look.hour in (None, "night"):
        return "neon"
    if look.hour is not None:
        return look.hour
    if "storm" in look.weather:
        return "storm"
    return "grey" if look.weather & {"rain", "fog", "storm", "cloud"} else chosen


def _veiled(found: Palette) -> Palette:
    veil = mix(found.haze, (214.0, 220.0, 224.0), 0.12 if found.night else 0.5)
    sky: dict[str, Any] = {name: mix(getattr(found, name), veil, 0.5) for name in ("top", "middle", "low")}
    return replace(found, **sky, haze=veil)


def _graded(colour: Colour, shift: float, manner: frozenset[str]) -> Colour:
    hue, light, full = colorsys.rgb_to_hls(*(part / 255 for part in colour))
    if "mono" in manner:
        full = 0.0
    if "vivid" in manner:
        full = min(1.0, full * 1.35)
    if "pale" in manner:
        full, light = full * 0.6, light * 0.75 + 0.25
    red, green, blue = colorsys.hls_to_rgb((hue + shift) % 1.0, light, full)
    return red * 255, green * 255, blue * 255


def _mapped(found: Palette, change: Callable[[Colour], Colour]) -> Palette:
    tones: dict[str, Any] = {
        name: change(getattr(found, name)) for name in Palette.__slots__ if name != "night"
    }
    return replace(found, **tones)


def _luma(colour: Colour) -> float:
    return 0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2]


def _clip(colour: tuple[float, ...]) -> Colour:
    red, green, blue = (min(255.0, max(0.0, part)) for part in colour)
    return red, green, blue
