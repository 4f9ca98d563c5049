"""Still scenery: skies, clouds, ranges and waves, painted once per clip."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from PIL import Image, ImageDraw

from gridgen.simulator.clips.colours import Colour, ints
from gridgen.simulator.clips.plates import Plate

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gridgen.simulator.clips.colours import Palette

    Bytes = NDArray[np.uint8]
    Floats = NDArray[np.float32]

__all__ = [
    "Tone",
    "clouds",
    "crags",
    "disc",
    "froth",
    "glow",
    "halo",
    "rolling",
    "shaded",
    "shafts",
    "sky",
    "smooth",
    "spread",
    "terrain",
]

SHARP = 2
"""How many times larger silhouettes are drawn before they are reduced."""

Tone = tuple[Colour, Colour]
"""A silhouette's colour at its crest, and at its foot where mist gathers."""


Relief = tuple["Floats", float]
"""Light on the columns of a range, 1 being usual, and by how many columns it moves in each row, as edges of rock do."""


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
        outline += strength * np.interp(x * count, np.arange(count + 1), np.append(knots, knots[0])).astype(
            np.float32
        )
    return outline


def sky(
    size: tuple[int, int],
    horizon: float,
    palette: Palette,
    sun: tuple[float, float],
    rng: np.random.Generator,
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
    shine = 0.85 * np.exp(-((distance / 0.11) ** 1.1)) + 0.5 * np.exp(-distance / 0.34)
    picture += (np.array(palette.glow, np.float32) - picture) * np.clip(shine, 0, 0.92)[..., None]
    return picture


def _wisps(size: tuple[int, int], rng: np.random.Generator) -> Floats:
    """Return soft streaks, 0 to 1."""
    total = np.zeros((size[1], size[0]), np.float32)
    for across, down, strength in ((3, 7, 0.55), (6, 15, 0.3), (14, 30, 0.2)):
        seed = Image.fromarray(rng.random((down, across), np.float32))
        total += strength * np.asarray(seed.resize(size, Image.Resampling.BICUBIC))
    wisps: Floats = np.clip((total - 0.48) * 2.6, 0, 1)
    return wisps


def terrain(
    top: Floats,
    height: int,
    tone: Tone,
    relief: Relief | None = None,
    *,
    cap: Floats | None = None,
    white: Colour | None = None,
) -> Plate:
    """Paint everything below an outline.

    Parameters
    ----------
    top : float32 array
        The outline, pixels from the plate's upper edge, one for each column.
    height : int
        Of the plate.
    tone : Tone
        Colours at the crest and at the foot.
    relief : Relief, optional
        Light on the slopes.
    cap : float32 array, optional
        Pixels of snow or foam below the crest, one for each column.
    white : Colour, optional
        Of that foam; snow has the light of the crest.

    Returns
    -------
    Plate
    """
    colour = _graded(top, height // 2 * 2, tone, relief)
    depth = np.arange(colour.shape[0], dtype=np.float32)[:, None] - top[None, :]
    if cap is not None:
        snow = np.minimum(255, np.array(tone[0], np.float32) * 0.35 + 165)
        bright = snow if white is None else np.array(white, np.float32)
        share = np.clip((cap[None, :] - depth) * 0.5, 0, 1)[..., None]
        share *= 0.85 if relief is None else 0.7 * _leaning(relief, len(colour))
        colour = np.clip(colour + (bright - colour) * share, 0, 255).astype(np.uint8)
    alpha = np.clip(depth + 0.5, 0, 1) * 255
    return Plate.painted(colour, alpha.astype(np.uint8))


def _leaning(relief: Relief, rows: int) -> Floats:
    """Return the light on so many rows, as an array of rows x columns x 1."""
    light, lean = relief
    shift = (np.arange(rows)[:, None] * lean).astype(np.int64)
    slope: Floats = light[(np.arange(len(light)) + shift) % len(light)][..., None]
    return slope


def _graded(top: Floats, height: int, tone: Tone, relief: Relief | None = None) -> Bytes:
    """Return the colours below an outline, fading from crest to foot; they are coarse by two pixels."""
    depth = np.arange(0, height, 2, dtype=np.float32)[:, None] - top[None, ::2]
    fade = np.sqrt(np.clip(depth / np.float32(height * 0.7), 0, 1))[..., None]
    crest, foot = (np.array(c, np.float32) for c in tone)
    colour = crest + (foot - crest) * fade
    if relief is not None:
        colour *= 1 + (_leaning((relief[0][::2], relief[1]), len(colour)) - 1) * (1 - fade)
    coarse: Bytes = np.clip(colour, 0, 255).astype(np.uint8)
    return coarse.repeat(2, axis=0).repeat(2, axis=1)


def shaded(mask: Image.Image, tone: Tone) -> Plate:
    """Colour a silhouette, whose sides are even."""
    fade = np.linspace(0, 1, mask.height, dtype=np.float32)[:, None] ** np.float32(1.3)
    crest, foot = (np.array(c, np.float32) for c in tone)
    return Plate.toned(crest + (foot - crest) * fade, np.asarray(mask))


def spread(rng: np.random.Generator, count: int, wide: float) -> list[float]:
    """Return places along a strip, about as far from one another."""
    places: list[float] = ((np.arange(count) + rng.uniform(0.1, 0.9, count)) / count * wide).tolist()
    return places


def froth(top: Floats, rim: float) -> Floats:
    """Return how much foam is on the crests of an outline of water, pixels for each column."""
    steep = np.clip(0.15 + (top.max() - top) / (np.ptp(top) + 1e-6), 0.15, 1)
    foam: Floats = rim * steep * (0.4 + steep)
    return foam


_FLAT: Final = [round(round(cover / 255 * 4) / 4 * 255) for cover in range(256)]
"""Coverage, 0 to 255, in four steps."""


def clouds(rng: np.random.Generator, period: int, height: int, colour: Colour, *, cover: float) -> Plate:
    """Paint a band of cloud in flat tones, periodic, thinner above and below."""
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
    soft_edged = grey.resize((period // 2 * 2, height // 2 * 2), Image.Resampling.BICUBIC)
    alpha = np.asarray(soft_edged.point(_FLAT))
    return Plate.toned(np.array([colour], np.float32), alpha)


def disc(radius: float, colour: Colour) -> Plate:
    """Paint a sun or a moon."""
    side = max(4, round(radius * 2 + 4) // 2 * 2)
    image = Image.new("RGBA", (side * 4, side * 4), (*ints(colour), 0))
    middle, reach = side * 2, radius * 4
    ImageDraw.Draw(image).ellipse(
        (middle - reach, middle - reach, middle + reach, middle + reach), fill=(*ints(colour), 255)
    )
    return Plate.of(image.reduce(4))


def glow(radius: float, colour: Colour, strength: float = 1.0, flat: float = 1.0) -> Plate:
    """Paint a soft round light, or a shadow, `flat` times as high as wide."""
    return Plate.toned(np.array([colour], np.float32), halo(radius, strength, flat))


def halo(radius: float, strength: float = 1.0, flat: float = 1.0) -> Bytes:
    """Return the coverage of a soft round light, 0 to 255."""
    side = max(4, round(radius * 2) // 2 * 2)
    tall = max(4, round(radius * 2 * flat) // 2 * 2)
    down, right = (np.linspace(-1, 1, count, dtype=np.float32) for count in (tall, side))
    distance = np.hypot(down[:, None], right[None, :])
    soft: Bytes = (np.clip(1 - distance, 0, 1) ** 2 * (255 * strength)).astype(np.uint8)
    return soft


def shafts(
    size: tuple[int, int], sun: tuple[float, float], colour: Colour, rng: np.random.Generator
) -> Plate:
    """Paint rays that fan out from the sun, over the whole frame."""
    width, height = size[0] // 4, size[1] // 4
    down, right = np.mgrid[0:height, 0:width].astype(np.float32)
    down, right = down / height - sun[1], (right / width - sun[0]) * size[0] / size[1]
    angle, distance = np.arctan2(right, down + 0.25), np.hypot(down, right)
    rays = np.zeros_like(angle)
    for count, strength in ((9, 0.5), (17, 0.35), (31, 0.25)):
        rays += strength * np.sin(angle * count + np.float32(rng.uniform(0, 2 * np.pi)))
    light = np.clip(rays - 0.05, 0, 1) * np.exp(-1.5 * distance) * np.clip(down * 4 + 0.6, 0, 1)
    soft = Image.fromarray((np.clip(light * 0.62, 0, 1) * 255).astype(np.uint8))
    alpha = np.asarray(soft.resize(size, Image.Resampling.BICUBIC))
    return Plate.toned(np.array([colour], np.float32), alpha)


def smooth(line: Floats, reach: int) -> Floats:
    """Return a periodic line averaged over `reach` columns, an odd number."""
    around = np.concatenate([line[-(reach // 2) :], line, line[: reach // 2]])
    return np.convolve(around, np.full(reach, 1 / reach, np.float32), "valid").astype(np.float32)


def swell(rng: np.random.Generator, period: int, waves: int) -> Floats:
    """Return an outline of water, about -1 to 1: crests sharper than troughs."""
    x = np.linspace(0, 2 * np.pi, period, endpoint=False, dtype=np.float32)
    outline = np.zeros(period, np.float32)
    for count, strength in ((waves, 1.0), (waves * 2 + 1, 0.45), (waves * 5 + 2, 0.14)):
        phase = np.float32(rng.uniform(0, 2 * np.pi))
        outline -= strength * (
            1 - 2 * np.abs(np.sin((count * x + phase) / 2 * 1.0)) ** 1.2
            if count % 2 == 0
            else np.sin(count * x + phase)
        )
    return outline
