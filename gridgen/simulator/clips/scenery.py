"""Still scenery: skies, ranges, trees and towers, painted once per clip."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from gridgen.simulator.clips.colours import Colour, lit, mix
from gridgen.simulator.clips.plates import Plate

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gridgen.simulator.clips.colours import Palette

    Floats = NDArray[np.float32]

__all__ = ["Tone", "clouds", "conifers", "crags", "disc", "glow", "rolling", "sky", "terrain", "towers", "trunks"]

SHARP = 2
"""How many times larger silhouettes are drawn before they are reduced."""

Tone = tuple[Colour, Colour]
"""A silhouette's colour at its crest, and at its foot where mist gathers."""


def rolling(rng: np.random.Generator, period: int, waves: tuple[tuple[int, float], ...]) -> Floats:
    """Return a smooth periodic outline, about -1 to 1, from (waves per period, strength) pairs."""
    x = np.linspace(0, 2 * np.pi, period, endpoint=False, dtype=np.float32)
    outline = np.zeros(period, np.float32)
    for count, strength in waves:
        outline += strength * np.sin(count * x + np.float32(rng.uniform(0, 2 * np.pi)))
    return outline


def crags(rng: np.random.Generator, period: int, peaks: int) -> Floats:
    """Return a jagged periodic outline, about -1 to 1, with so many summits."""
    x = np.arange(period, dtype=np.float32) / period
    outline = np.zeros(period, np.float32)
    for octave, strength in enumerate((1.0, 0.42, 0.2, 0.1, 0.05)):
        count = peaks * 2**octave * (2 if octave == 0 else 1)
        knots = rng.uniform(-1, 1, count).astype(np.float32)
        if octave == 0:
            knots = np.abs(knots) * np.where(np.arange(count) % 2, -1, 1).astype(np.float32)
        outline += strength * np.interp(x * count, np.arange(count + 1), np.append(knots, knots[0])).astype(np.float32)
    return outline


def sky(
    size: tuple[int, int], horizon: float, palette: Palette, sun: tuple[float, float], rng: np.random.Generator
) -> Floats:
    """Paint a quarter-size sky with the sun's glow and high thin cloud.

    Parameters
    ----------
    size : tuple of int
        Of the clip, pixels.
    horizon, sun : float, tuple of float
        Where they are, as shares of width and height.

    Returns
    -------
    float32 array of a quarter of the height x a quarter of the width x 3
    """
    width, height = size[0] // 4, size[1] // 4
    y = np.linspace(0, 1, height, dtype=np.float32)[:, None]
    x = np.linspace(0, 1, width, dtype=np.float32)[None, :] * (width / height)
    stops = np.array((0.0, 0.55 * horizon, horizon, 1.0))
    tones = np.array((palette.top, palette.middle, palette.low, palette.low))
    rows = np.stack([np.interp(y[:, 0], stops, tones[:, c]) for c in range(3)], -1).astype(np.float32)
    picture = np.repeat(rows[:, None, :], width, axis=1)
    wisps = _wisps((width, height), rng) * np.clip((horizon - y) * 3, 0, 1)
    picture += (np.array(palette.glow, np.float32) - picture) * (0.3 * wisps)[..., None]
    distance = np.hypot(x - sun[0] * width / height, (y - sun[1]) * 1.15)
    halo = 0.85 * np.exp(-((distance / 0.11) ** 1.1)) + 0.5 * np.exp(-distance / 0.34)
    picture += (np.array(palette.glow, np.float32) - picture) * np.clip(halo, 0, 0.92)[..., None]
    return picture


def _wisps(size: tuple[int, int], rng: np.random.Generator) -> Floats:
    """Return soft streaks, 0 to 1."""
    total = np.zeros((size[1], size[0]), np.float32)
    for across, down, strength in ((3, 7, 0.55), (6, 15, 0.3), (14, 30, 0.2)):
        seed = Image.fromarray(rng.random((down, across), np.float32))
        total += strength * np.asarray(seed.resize(size, Image.Resampling.BICUBIC))
    return np.clip((total - 0.48) * 2.6, 0, 1)


def terrain(top: Floats, height: int, tone: Tone, relief: Floats | None = None, cap: Floats | None = None) -> Plate:
    """Paint everything below an outline.

    Parameters
    ----------
    top : float32 array
        The outline, pixels from the plate's upper edge, one for each column.
    height : int
        Of the plate.
    tone : Tone
        Colours at the crest and at the foot.
    relief : float32 array, optional
        Light on each column, 1 being usual.
    cap : float32 array, optional
        Pixels of snow below the crest, one for each column.

    Returns
    -------
    Plate
    """
    height = height // 2 * 2
    depth = np.arange(height, dtype=np.float32)[:, None] - top[None, :]
    fade = np.clip(depth / (height * 0.75), 0, 1)[..., None] ** np.float32(0.8)
    crest, foot = (np.array(c, np.float32) for c in tone)
    colour = crest + (foot - crest) * fade
    if relief is not None:
        colour *= 1 + (relief[None, :, None] - 1) * (1 - fade)
    if cap is not None:
        white = np.clip((cap[None, :] - depth) * 0.5, 0, 1)[..., None]
        colour += (np.minimum(255, crest * 0.35 + 165) - colour) * white * (0.85 if relief is None else 0.7 * relief[None, :, None])
    alpha = np.clip(depth + 0.5, 0, 1) * 255
    return Plate(np.clip(colour, 0, 255).astype(np.uint8), alpha.astype(np.uint8))


def _shaded(mask: Image.Image, tone: Tone) -> Plate:
    """Colour a silhouette that was drawn `SHARP` times too large."""
    alpha = np.asarray(mask.reduce(SHARP))
    height, width = alpha.shape[0] // 2 * 2, alpha.shape[1] // 2 * 2
    fade = np.linspace(0, 1, height, dtype=np.float32)[:, None] ** np.float32(1.3)
    crest, foot = (np.array(c, np.float32) for c in tone)
    rows = (crest + (foot - crest) * fade).astype(np.uint8)
    return Plate(np.repeat(rows[:, None, :], width, axis=1), alpha[:height, :width])


def conifers(rng: np.random.Generator, period: int, height: int, tone: Tone, *, spread: float, ground: float) -> Plate:
    """Paint a row of firs.

    Parameters
    ----------
    period, height : int
        Of the plate, pixels.
    spread : float
        Mean distance of two trees, in heights of the plate.
    ground : float
        Share of the plate's height that is solid at its foot.
    """
    wide, tall = period * SHARP, height * SHARP
    mask = Image.new("L", (wide, tall))
    draw = ImageDraw.Draw(mask)
    floor = tall * (1 - ground)
    draw.rectangle((0, floor, wide, tall), fill=255)
    for place in np.arange(0, wide, spread * tall):
        x = float(place + rng.uniform(-0.4, 0.4) * spread * tall)
        size = float(rng.uniform(0.45, 1.0)) * (floor - 2)
        for shift in (-wide, 0, wide):
            _fir(draw, x + shift, floor + 0.04 * tall, size, rng.integers(5, 9))
    return _shaded(mask, tone)


def _fir(draw: ImageDraw.ImageDraw, x: float, foot: float, size: float, tiers: int) -> None:
    half = size * 0.2
    points: list[tuple[float, float]] = [(x, foot - size)]
    right = []
    for tier in range(1, tiers + 1):
        share = tier / tiers
        y = foot - size * (1 - share * 0.94)
        reach = half * (0.14 + 0.86 * share**0.9)
        right += [(x + reach, y + size * 0.015), (x + reach * 0.52, y - size * 0.012)]
    left = [(2 * x - px, py) for px, py in reversed(right)]
    draw.polygon(points + right + [(x, foot)] + left, fill=255)
    draw.rectangle((x - size * 0.018, foot - size * 0.08, x + size * 0.018, foot), fill=255)


def trunks(rng: np.random.Generator, period: int, height: int, palette: Palette, *, near: float, count: int) -> Plate:
    """Paint a row of birch trunks with their dark marks, as tall as the plate."""
    wide, tall = period * SHARP, height * SHARP
    bark = mix(palette.haze, lit((240.0, 238.0, 232.0), mix(palette.shade, (255.0, 255.0, 255.0), 0.45)), 0.35 + 0.6 * near)
    dark = mix(palette.haze, lit((70.0, 62.0, 66.0), palette.shade), 0.25 + 0.7 * near)
    image = Image.new("RGBA", (wide, tall), (*_ints(bark), 0))
    draw = ImageDraw.Draw(image)
    for place in (np.arange(count) + rng.uniform(0.15, 0.85, count)) / count * wide:
        girth = tall * (0.02 + 0.03 * near) * float(rng.uniform(0.6, 1.2))
        _birch(draw, rng, (float(place), girth, tall), _ints(bark), _ints(dark))
    return Plate.of(image.reduce(SHARP))


def _birch(
    draw: ImageDraw.ImageDraw,
    rng: np.random.Generator,
    shape: tuple[float, float, int],
    bark: tuple[int, int, int],
    dark: tuple[int, int, int],
) -> None:
    x, girth, tall = shape
    lean = girth * float(rng.uniform(-1.2, 1.2))
    shadow = tuple(int(b * 0.62 + d * 0.38) for b, d in zip(bark, dark, strict=True))
    top, foot = girth * 0.36, girth * 0.6
    draw.polygon([(x + lean - top, 0), (x + lean + top, 0), (x + foot, tall), (x - foot, tall)], fill=(*bark, 255))
    draw.polygon([(x + lean + top * 0.15, 0), (x + lean + top, 0), (x + foot, tall), (x + foot * 0.2, tall)], fill=(*shadow, 255))
    for _ in range(int(rng.integers(3, 6))):
        y, side = float(rng.uniform(0.02, 0.5)) * tall, float(rng.choice((-1.0, 1.0)))
        start = x + lean * (1 - y / tall)
        reach = girth * float(rng.uniform(2.5, 5.0)) * side
        draw.line([(start, y), (start + reach * 0.5, y - abs(reach) * 0.5), (start + reach, y - abs(reach) * 1.2)], fill=(*dark, 255), width=max(1, int(girth * 0.12)), joint="curve")
    for _ in range(int(rng.integers(8, 15))):
        y = float(rng.uniform(0, 1)) * tall
        mid = x + lean * (1 - y / tall) + girth * float(rng.uniform(-0.35, 0.2))
        long, thick = girth * float(rng.uniform(0.1, 0.34)), girth * float(rng.uniform(0.03, 0.1))
        draw.ellipse((mid - long, y - thick, mid + long, y + thick), fill=(*dark, 255))


def towers(rng: np.random.Generator, period: int, height: int, tone: Tone, lamp: Colour, *, lights: float, wide: float) -> Plate:
    """Paint a row of buildings.

    Parameters
    ----------
    lights : float
        Share of windows that are lit.
    wide : float
        Mean width of a building, in heights of the plate.
    """
    across, tall = period * SHARP, height * SHARP
    alpha = Image.new("L", (across, tall))
    glass = Image.new("L", (across, tall))
    draw, panes = ImageDraw.Draw(alpha), ImageDraw.Draw(glass)
    x = 0.0
    while x < across:
        width = min(across - x, tall * wide * float(rng.uniform(0.6, 1.5)))
        top = tall * (0.06 + 0.62 * float(rng.random()) ** 1.3)
        draw.rectangle((x, top, x + width, tall), fill=255)
        _roof(draw, rng, (x, top, width), tall)
        _windows(panes, rng, (x, top, width, tall), lights)
        x += width * float(rng.uniform(0.92, 1.02))
    plain = _tinted_rows(alpha, tone)
    warm = Image.new("RGB", plain.size, _ints(lamp))
    plain.paste(warm, mask=glass)
    plain.putalpha(alpha)
    return Plate.of(plain.reduce(SHARP))


def _roof(draw: ImageDraw.ImageDraw, rng: np.random.Generator, box: tuple[float, float, float], tall: int) -> None:
    x, top, width = box
    kind = int(rng.integers(0, 4))
    if kind == 0:
        draw.line((x + width / 2, top, x + width / 2, top - tall * 0.09), fill=255, width=max(2, tall // 160))
    elif kind == 1:
        draw.rectangle((x + width * 0.2, top - tall * 0.035, x + width * 0.7, top), fill=255)
    elif kind == 2:
        draw.polygon([(x, top), (x + width, top), (x + width, top - tall * 0.05)], fill=255)


def _windows(panes: ImageDraw.ImageDraw, rng: np.random.Generator, box: tuple[float, float, float, int], lights: float) -> None:
    x, top, width, tall = box
    step = tall * 0.034
    columns, rows = int((width - step) / step), int((tall - top) / (step * 1.25))
    lit_up = rng.random((max(rows, 0), max(columns, 0))) < lights
    strength = rng.integers(110, 256, lit_up.shape)
    margin = (width - columns * step) / 2
    for row, column in zip(*np.nonzero(lit_up), strict=True):
        left, upper = x + margin + column * step, top + step * (0.7 + row * 1.25)
        panes.rectangle((left + step * 0.2, upper, left + step * 0.75, upper + step * 0.7), fill=int(strength[row, column]))


def _tinted_rows(mask: Image.Image, tone: Tone) -> Image.Image:
    fade = np.linspace(0, 1, mask.height, dtype=np.float32)[:, None] ** np.float32(1.4)
    crest, foot = (np.array(c, np.float32) for c in tone)
    rows: Any = (crest + (foot - crest) * fade).astype(np.uint8)[:, None, :]
    return Image.fromarray(rows).resize(mask.size, Image.Resampling.NEAREST)


def clouds(rng: np.random.Generator, period: int, height: int, colour: Colour, *, cover: float) -> Plate:
    """Paint a band of soft cloud, periodic, fading above and below."""
    small = (period // 8, height // 4)
    total = np.zeros((small[1], small[0]), np.float32)
    for across, down, strength in ((5, 3, 0.5), (11, 6, 0.3), (24, 12, 0.2), (48, 22, 0.1)):
        seed = rng.random((down, across), np.float32)
        wrapped = Image.fromarray(np.tile(seed, (1, 3)))
        whole = np.asarray(wrapped.resize((small[0] * 3, small[1]), Image.Resampling.BICUBIC))
        total += strength * whole[:, small[0] : 2 * small[0]]
    y = np.linspace(-1, 1, small[1], dtype=np.float32)[:, None]
    soft = np.clip((total - (0.78 - 0.5 * cover)) * 2.4, 0, 1) * (1 - y**2)
    grey = Image.fromarray((soft * 255).astype(np.uint8))
    alpha = np.asarray(grey.resize((period // 2 * 2, height // 2 * 2), Image.Resampling.BICUBIC))
    rgb = np.empty((*alpha.shape, 3), np.uint8)
    rgb[...] = _ints(colour)
    return Plate(rgb, alpha)


def disc(radius: float, colour: Colour) -> Plate:
    """Paint a sun or a moon."""
    side = max(4, round(radius * 2 + 4) // 2 * 2)
    image = Image.new("RGBA", (side * 4, side * 4), (*_ints(colour), 0))
    middle, reach = side * 2, radius * 4
    ImageDraw.Draw(image).ellipse((middle - reach, middle - reach, middle + reach, middle + reach), fill=(*_ints(colour), 255))
    return Plate.of(image.reduce(4))


def glow(radius: float, colour: Colour, strength: float = 1.0) -> Plate:
    """Paint a soft round light."""
    side = max(4, round(radius * 2) // 2 * 2)
    axis = np.linspace(-1, 1, side, dtype=np.float32)
    distance = np.hypot(axis[:, None], axis[None, :])
    alpha = np.clip(1 - distance, 0, 1) ** 2 * (255 * strength)
    rgb = np.empty((side, side, 3), np.uint8)
    rgb[...] = _ints(colour)
    return Plate(rgb, alpha.astype(np.uint8))


def blurred(image: Image.Image, radius: float) -> Image.Image:
    """Return an image out of focus."""
    return image.filter(ImageFilter.GaussianBlur(radius))


def _ints(colour: Colour) -> tuple[int, int, int]:
    red, green, blue = (min(255, max(0, int(part))) for part in colour)
    return red, green, blue
