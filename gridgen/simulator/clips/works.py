"""Towers, signs, planets, stones and lights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from gridgen.simulator.clips.colours import Colour, lit, mix
from gridgen.simulator.clips.layers import Strip
from gridgen.simulator.clips.particles import Flakes
from gridgen.simulator.clips.plates import Plate, yuv
from gridgen.simulator.clips.scenery import SHARP, Tone, halo, ints, shaded

if TYPE_CHECKING:
    from gridgen.simulator.clips.stage import Stage


__all__ = ["bokeh", "pebbles", "planet", "shoal", "signs", "towers", "wires"]

_NEON: Final = ((255, 64, 170), (40, 226, 255), (255, 196, 60), (130, 255, 150), (176, 110, 255))


def towers(
    rng: np.random.Generator,
    period: int,
    height: int,
    tone: Tone,
    lamp: Colour,
    *,
    lights: float,
    wide: float,
) -> Plate:
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
    warm = Image.new("RGB", plain.size, ints(lamp))
    plain.paste(warm, mask=glass)
    plain.putalpha(alpha)
    return Plate.of(plain.reduce(SHARP))


def _roof(
    draw: ImageDraw.ImageDraw, rng: np.random.Generator, box: tuple[float, float, float], tall: int
) -> None:
    x, top, width = box
    kind = str(rng.choice(("mast", "hut", "slope", "flat")))
    if kind == "mast":
        draw.line((x + width / 2, top, x + width / 2, top - tall * 0.09), fill=255, width=max(2, tall // 160))
    elif kind == "hut":
        draw.rectangle((x + width * 0.2, top - tall * 0.035, x + width * 0.7, top), fill=255)
    elif kind == "slope":
        draw.polygon([(x, top), (x + width, top), (x + width, top - tall * 0.05)], fill=255)


def _windows(
    panes: ImageDraw.ImageDraw, rng: np.random.Generator, box: tuple[float, float, float, int], lights: float
) -> None:
    x, top, width, tall = box
    step = tall * 0.034
    columns, rows = int((width - step) / step), int((tall - top) / (step * 1.25))
    lit_up = rng.random((max(rows, 0), max(columns, 0))) < lights
    strength = rng.integers(110, 256, lit_up.shape)
    margin = (width - columns * step) / 2
    for row, column in zip(*np.nonzero(lit_up), strict=True):
        left, upper = x + margin + column * step, top + step * (0.7 + row * 1.25)
        panes.rectangle(
            (left + step * 0.2, upper, left + step * 0.75, upper + step * 0.7),
            fill=int(strength[row, column]),
        )


def _tinted_rows(mask: Image.Image, tone: Tone) -> Image.Image:
    fade = np.linspace(0, 1, mask.height, dtype=np.float32)[:, None] ** np.float32(1.4)
    crest, foot = (np.array(c, np.float32) for c in tone)
    rows: Any = (crest + (foot - crest) * fade).astype(np.uint8)[:, None, :]
    return Image.fromarray(rows).resize(mask.size, Image.Resampling.NEAREST)


def pebbles(stage: Stage, top: float) -> None:
    """Add wet stones along the near edge of the water."""
    tall = round(stage.y(1.04 - top) + stage.unit * 0.05) // 2 * 2
    wide, high = stage.period * SHARP, tall * SHARP
    rng, image = stage.rng("pebbles"), Image.new("RGBA", (wide, high), (60, 60, 66, 0))
    draw, count = ImageDraw.Draw(image), round(wide / high / 0.3)
    crest, low = stage.ground((126.0, 118.0, 116.0), 1.0)
    for row in range(3):
        for x in (np.arange(count) + rng.uniform(-0.33, 0.33, count)) / count * wide:
            place = (float(x), high * (0.28 + 0.22 * row + float(rng.uniform(-0.05, 0.05))))
            tone = mix(crest, low, float(rng.random()) * 0.7 + 0.15 * row)
            _stone(draw, place, high * float(rng.uniform(0.14, 0.26)), tone, stage.palette.low)
            if place[0] < high:
                _stone(draw, (place[0] + wide, place[1]), high * 0.2, tone, stage.palette.low)
    stage.strip(Plate.of(image.reduce(SHARP)), 1.04, 1.0)


def _stone(
    draw: ImageDraw.ImageDraw, place: tuple[float, float], size: float, tone: Colour, gleam: Colour
) -> None:
    x, y = place
    dark, wet = ints(mix(tone, (0.0, 0.0, 0.0), 0.35)), ints(mix(tone, gleam, 0.45))
    draw.ellipse((x - size, y - size * 0.55, x + size, y + size * 1.6), fill=(*dark, 255))
    draw.ellipse((x - size * 0.9, y - size * 0.52, x + size * 0.86, y + size * 0.5), fill=(*ints(tone), 255))
    draw.ellipse((x - size * 0.5, y - size * 0.4, x + size * 0.1, y - size * 0.1), fill=(*wet, 255))


def bokeh(stage: Stage, foot: float) -> None:
    """Add a garden far out of focus: round soft lights over dim greens."""
    width, height = stage.period // 4, round(stage.y(foot)) // 4
    rng, palette = stage.rng("bokeh"), stage.palette
    greens = [
        stage.ground(c, 0.5)[0]
        for c in ((74.0, 128.0, 78.0), (112.0, 156.0, 84.0), (54.0, 104.0, 92.0), (196.0, 176.0, 96.0))
    ]
    image = Image.new("RGBA", (width, height), (*ints(greens[0]), 0))
    draw = ImageDraw.Draw(image)
    for x in rng.uniform(0, width, 26):
        radius, y = height * float(rng.uniform(0.12, 0.3)), height * float(rng.uniform(0.62, 1.05))
        draw.ellipse(
            (x - radius, y - radius, x + radius, y + radius),
            fill=(*ints(greens[int(rng.integers(0, 4))]), 235),
        )
    image = image.filter(ImageFilter.GaussianBlur(height * 0.045))
    lights = Image.new("RGBA", image.size, (*ints(mix(palette.sun, palette.glow, 0.4)), 0))
    draw = ImageDraw.Draw(lights)
    for x in rng.uniform(0, width, 16):
        radius, y = height * float(rng.uniform(0.03, 0.08)), height * float(rng.uniform(0.35, 0.95))
        draw.ellipse(
            (x - radius, y - radius, x + radius, y + radius),
            fill=(*ints(mix(palette.sun, palette.glow, 0.4)), int(rng.integers(40, 120))),
        )
    image.alpha_composite(lights.filter(ImageFilter.GaussianBlur(0.8)))
    full = image.resize((stage.period, round(stage.y(foot)) // 2 * 2), Image.Resampling.BICUBIC)
    stage.strip(Plate.of(full), foot + 0.01, 0.15)


def signs(rng: np.random.Generator, period: int, height: int, number: int) -> Plate:
    """Paint neon signs with their glow, to hang on towers of the same size."""
    size = (period, height)
    crisp = Image.new("RGBA", (period * SHARP, height * SHARP))
    draw = ImageDraw.Draw(crisp)
    for place in (np.arange(7) + rng.uniform(0.1, 0.9, 7)) / 7 * period * SHARP:
        tone = _NEON[int(rng.integers(0, len(_NEON)))]
        tall, wide = height * SHARP * float(rng.uniform(0.2, 0.42)), height * SHARP * (0.05 + 0.025 * number)
        top = height * SHARP * float(rng.uniform(0.3, 0.55))
        draw.rounded_rectangle(
            (place, top, place + wide, top + tall),
            wide * 0.2,
            outline=(*tone, 255),
            width=max(2, int(wide * 0.1)),
            fill=(*(c // 4 for c in tone), 255),
        )
        for glyph in range(int(tall / wide)):
            y, kind = top + wide * (glyph + 0.24), int(rng.integers(0, 3))
            draw.line(
                [(place + wide * 0.24, y), (place + wide * 0.76, y)],
                fill=(*tone, 255),
                width=max(2, int(wide * 0.1)),
            )
            draw.line(
                [(place + wide * (0.3 + 0.2 * kind), y), (place + wide * (0.7 - 0.2 * kind), y + wide * 0.5)],
                fill=(*tone, 255),
                width=max(2, int(wide * 0.1)),
            )
    crisp = crisp.reduce(SHARP)
    halo = crisp.resize((period // 4, height // 4), Image.Resampling.BOX).filter(
        ImageFilter.GaussianBlur(height * 0.012)
    )
    glow = halo.resize(size, Image.Resampling.BICUBIC)
    glow.putalpha(glow.getchannel("A").point(lambda a: min(150, a * 2)))
    glow.alpha_composite(crisp)
    return Plate.of(glow)


def wires(stage: Stage) -> None:
    """Add two street lamps and the wires between them, before everything."""
    tone = stage.ground((30.0, 30.0, 44.0), 1.0)
    wide, high = stage.period * SHARP, round(stage.y(0.9)) // 2 * 2 * SHARP
    poles, girth = Image.new("L", (wide, high)), stage.unit * 0.009 * SHARP
    draw, places = ImageDraw.Draw(poles), (wide * 0.2, wide * 0.7)
    arm = stage.unit * 0.11 * SHARP
    for x in places:
        draw.rectangle((x - girth, high * 0.05, x + girth, high), fill=255)
        draw.rectangle((x - girth * 1.8, high * 0.86, x + girth * 1.8, high), fill=255)
        draw.rectangle((x - arm * 0.5, high * 0.1, x + arm * 0.5, high * 0.1 + girth), fill=255)
        draw.line(
            [(x, high * 0.3), (x + arm * 0.5, high * 0.25), (x + arm, high * 0.25)],
            fill=255,
            width=round(girth),
        )
        draw.rounded_rectangle(
            (x + arm * 0.8, high * 0.25, x + arm * 1.25, high * 0.25 + girth * 2), girth, fill=255
        )
    stage.strip(shaded(poles, tone), 1.0, 1.2)
    lines = Image.new("L", (wide, high // 5))
    draw = ImageDraw.Draw(lines)
    for number in range(3):
        drop = high * (0.105 + 0.006 * number)
        points = [
            (float(x), drop + high * 0.05 * _sag(float(x), places, wide)) for x in range(0, wide + 8, 8)
        ]
        draw.line(points, fill=210, width=max(1, round(girth * 0.22)))
    stage.layers.append(Strip(shaded(lines, (tone[0], tone[0])), stage.y(0.1), 1.2))
    if stage.palette.night:
        _lamplight(stage, [(x + arm) / SHARP for x in places], high / SHARP)


def _sag(x: float, places: tuple[float, float], wide: int) -> float:
    """Return how far a wire hangs, 0 at the poles and 1 between them."""
    before = max((place for place in (*places, places[1] - wide) if place <= x), default=0.0)
    after = min((place for place in (*places, places[0] + wide) if place > x), default=wide)
    share = (x - before) / (after - before)
    return 4 * share * (1 - share)


def _lamplight(stage: Stage, places: list[float], high: float) -> None:
    tile = Image.fromarray(halo(stage.unit * 0.2, 0.9))
    alpha = Image.new("L", (stage.period, tile.height))
    for x in places:
        alpha.paste(tile, (round(x - tile.width / 2), 0))
    light = Plate.toned(np.array([stage.palette.lamp], np.float32), np.asarray(alpha))
    stage.layers.append(Strip(light, stage.y(0.1) + high * 0.26 - tile.height / 2, 1.2))


def planet(rng: np.random.Generator, radius: float, colour: Colour, *, ringed: bool) -> Plate:
    """Paint a banded planet lit from one side, with a ring or without."""
    side = round(radius * (4.6 if ringed else 2.2)) // 2 * 2
    axis = (np.arange(side, dtype=np.float32) - side / 2) / radius
    x, y = axis[None, :], axis[:, None]
    distance = np.hypot(x, y)
    sphere = np.clip((1 - distance) * radius + 0.5, 0, 1)
    depth = np.sqrt(np.clip(1 - distance**2, 0, 1))
    light = np.clip(-0.62 * x - 0.5 * y + 0.6 * depth, 0.05, 1) ** 0.9
    tilt = y * 0.95 + x * 0.3
    bands = sum(
        float(s) * np.sin(tilt * f + float(p))
        for f, s, p in zip((7, 13, 23), (0.09, 0.06, 0.04), rng.uniform(0, 6, 3), strict=True)
    )
    rgb = np.array(colour, np.float32) * ((1 + bands) * light)[..., None] * 1.05
    alpha = sphere
    if ringed:
        flat = np.hypot(x * 0.955 + y * 0.3, (y * 0.955 - x * 0.3) * 3.6)
        band = np.clip(1 - np.abs(flat - 1.75) / 0.36, 0, 1) ** 0.5 * (0.75 + 0.25 * np.sin(flat * 40))
        hidden = (sphere > 0) & (y * 0.955 - x * 0.3 < 0)
        ring = np.where(hidden, 0, band * 0.8)
        rgb += (np.array(mix(colour, (255.0, 240.0, 220.0), 0.55), np.float32) - rgb) * ring[..., None]
        alpha = np.maximum(alpha, ring)
    return Plate.painted(np.clip(rgb, 0, 255).astype(np.uint8), (alpha * 255).astype(np.uint8))


def shoal(stage: Stage) -> None:
    """Add a shoal of small fish far off."""
    rng, unit = stage.rng("shoal"), stage.unit
    size = max(3, round(unit * 0.016))
    right = np.arange(-size, size)
    reach = np.maximum(0, np.round(size * 0.32 * np.sin(np.pi * (right + size + 0.5) / (2 * size)))).astype(
        int
    )
    cells = [(int(d), int(r)) for r, h in zip(right, reach, strict=True) for d in range(-h, h + 1)]
    cells += [(d, -size - k) for k in range(size // 2) for d in range(-k, k + 1)]
    down, across = (np.array(axis, np.int64) for axis in zip(*cells, strict=True))
    count, field = 16, (-unit // 4, round(stage.y(0.3)), stage.size[0] + unit // 2, round(stage.y(0.3)))
    places = (rng.normal((0.5, 0.5), (0.16, 0.22), (count, 2)) * np.array(field[2:])).astype(np.float32)
    speeds = np.tile(np.array((unit * 0.06, 0.0), np.float32), (count, 1)) * rng.uniform(
        0.9, 1.1, (count, 1)
    ).astype(np.float32)
    sway = np.stack(
        [np.full(count, unit * 0.01), rng.uniform(0.8, 1.6, count), rng.uniform(0, 6, count)], -1
    ).astype(np.float32)
    tone = mix(stage.palette.haze, lit((70.0, 120.0, 150.0), stage.palette.shade), 0.6)
    stamp = (down, across, np.full(down.shape, 0.8, np.float32))
    stage.layers.append(Flakes(places, speeds, sway, stamp, yuv(tone), field))
