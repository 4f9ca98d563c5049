"""Towers, signs, planets, stones and lights."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, Final

import numpy as np
from PIL import Image, ImageFilter

from gridgen.simulator.clips.colours import BLACK, WHITE, Colour, from_hex, lit, mix
from gridgen.simulator.clips.drawings import ASPECTS
from gridgen.simulator.clips.layers import Sprite, Strip
from gridgen.simulator.clips.pen import Pen, Point
from gridgen.simulator.clips.plates import Plate
from gridgen.simulator.clips.scenery import SHARP, Tone, halo, spread
from gridgen.simulator.clips.shapes import draw

if TYPE_CHECKING:
    from gridgen.simulator.clips.stage import Stage


__all__ = ["bokeh", "pebbles", "planet", "shoal", "signs", "towers", "wires"]

_NEON: Final = tuple(map(from_hex, ("ff40aa", "28e2ff", "ffc43c", "82ff96", "b06eff")))
_GREENS: Final = tuple(map(from_hex, ("4a804e", "709c54", "36685c", "c4b060")))


def towers(
    stage: Stage, number: int, height: float, tone: Tone, lamp: Colour, *, lights: float, wide: float
) -> Plate:
    """Paint a row of buildings.

    Parameters
    ----------
    stage : Stage
    number : int
        Of the row, far to near.
    height : float
        Of the plate, a share of the frame's.
    tone : Tone
    lamp : Colour
    lights : float
        Share of windows that are lit.
    wide : float
        Mean width of a building, in heights of the plate.
    """
    walls, panes, rng = stage.pen(stage.y(height)), stage.pen(stage.y(height)), stage.rng(f"towers {number}")
    x = 0.0
    while x < walls.aspect:
        width, top = wide * rng.uniform(0.6, 1.5), 0.06 + 0.62 * rng.random() ** 1.3
        walls.box(WHITE, (x, top), width, 1)
        _roof(walls, rng, (x, top), width)
        _windows(panes, rng, (x, top), width, lights)
        x += width * rng.uniform(0.92, 1.02)
    alpha, glass = walls.finished(), panes.finished()
    fade = np.linspace(0, 1, alpha.height, dtype=np.float32)[:, None, None] ** np.float32(1.4)
    crest, foot, warm = (np.array(colour, np.float32) for colour in (*tone, lamp))
    wall = crest + (foot - crest) * fade
    rgb = wall + (warm - wall) * (np.asarray(glass, np.float32) / 255)[..., None]
    return Plate.painted(rgb.astype(np.uint8), np.asarray(alpha))


def _roof(walls: Pen, rng: np.random.Generator, corner: Point, width: float) -> None:
    (x, top), kind = corner, str(rng.choice(("mast", "hut", "slope", "flat")))
    if kind == "mast":
        walls.line(WHITE, (x + width / 2, top), (x + width / 2, top - 0.09), width=0.006)
    elif kind == "hut":
        walls.box(WHITE, (x + width * 0.2, top - 0.035), width * 0.5, 0.04)
    elif kind == "slope":
        walls.facet(WHITE, (x, top), (x + width, top), (x + width, top - 0.05))


def _windows(panes: Pen, rng: np.random.Generator, corner: Point, width: float, lights: float) -> None:
    step, (x, top) = 0.034, corner
    columns, rows = max(0, int(width / step - 1)), int((1 - top) / (step * 1.25))
    lit_up = rng.random((rows, columns)) < lights
    strength, margin = rng.integers(110, 256, lit_up.shape), (width - columns * step) / 2
    for row, column in zip(*np.nonzero(lit_up), strict=True):
        left, upper = x + margin + column * step, top + step * (0.7 + row * 1.25)
        panes.box((strength[row, column],) * 3, (left + step * 0.2, upper), step * 0.55, step * 0.7)


def pebbles(stage: Stage, top: float) -> None:
    """Add wet stones along the near edge of the water."""
    pen, rng = stage.pen(stage.y(1.04 - top) + stage.unit * 0.05, (60.0, 60.0, 66.0)), stage.rng("pebbles")
    crest, low = stage.ground((126.0, 118.0, 116.0), 1.0)
    for row in range(3):
        for x in spread(rng, round(pen.aspect / 0.3), pen.aspect):
            size, y = rng.uniform(0.14, 0.26), 0.28 + 0.22 * row + rng.uniform(-0.05, 0.05)
            tone = mix(crest, low, rng.random() * 0.7 + 0.15 * row)
            for at in (x, x + pen.aspect) if x < size else (x,):
                _stone(pen, (at, y), size, tone, stage.palette.low)
    stage.band(pen, 1.04, 1.0)


def _stone(pen: Pen, place: Point, size: float, tone: Colour, gleam: Colour) -> None:
    x, y = place
    pen.oval(mix(tone, BLACK, 0.35), (x, y + size * 0.5), size, size * 1.1)
    pen.oval(tone, (x, y), size * 0.9, size * 0.5)
    pen.oval(mix(tone, gleam, 0.45), (x - size * 0.2, y - size * 0.25), size * 0.3, size * 0.15)


def bokeh(stage: Stage, foot: float) -> None:
    """Add a garden far behind: rounds of dim greens, and lights among them."""
    rng, palette = stage.rng("bokeh"), stage.palette
    greens = [stage.ground(green, 0.5)[0] for green in _GREENS]
    pen = stage.pen(stage.y(foot), greens[0])
    for x in rng.uniform(0, pen.aspect, 26):
        green, size, y = greens[int(rng.integers(0, 4))], rng.uniform(0.12, 0.3), rng.uniform(0.62, 1.05)
        for at in (x - pen.aspect, x, x + pen.aspect):
            pen.oval(green, (at, y), size, size)
    glow = mix(palette.sun, palette.glow, 0.4)
    for x in rng.uniform(0, pen.aspect, 16):
        size, y = rng.uniform(0.02, 0.05), rng.uniform(0.45, 0.95)
        pen.oval(mix(greens[0], glow, rng.uniform(0.2, 0.6)), (x, y), size, size)
    stage.band(pen, foot + 0.01, 0.15)


def signs(stage: Stage, number: int, height: float) -> Plate:
    """Paint neon signs with their glow, to hang on the towers of a row."""
    pen, rng = stage.pen(stage.y(height), BLACK), stage.rng(f"signs {number}")
    for x in spread(rng, 7, pen.aspect):
        tone, wide = _NEON[int(rng.integers(0, len(_NEON)))], 0.05 + 0.025 * number
        tall, top, edge = rng.uniform(0.2, 0.42), rng.uniform(0.3, 0.55), wide * 0.1
        pen.box(tone, (x, top), wide, tall, wide * 0.2)
        pen.box(mix(tone, BLACK, 0.75), (x + edge, top + edge), wide - 2 * edge, tall - 2 * edge, wide * 0.1)
        for glyph in range(int(tall / wide)):
            y, kind = top + wide * (glyph + 0.24), int(rng.integers(0, 3))
            pen.line(tone, (x + wide * 0.24, y), (x + wide * 0.76, y), width=edge)
            slant = ((x + wide * (0.3 + 0.2 * kind), y), (x + wide * (0.7 - 0.2 * kind), y + wide * 0.5))
            pen.line(tone, *slant, width=edge)
    crisp = pen.finished()
    small = crisp.resize((crisp.width // 4, crisp.height // 4), Image.Resampling.BOX)
    glow = small.filter(ImageFilter.GaussianBlur(crisp.height * 0.012)).resize(
        crisp.size, Image.Resampling.BICUBIC
    )
    glow.putalpha(glow.getchannel("A").point(lambda a: min(150, a * 2)))
    glow.alpha_composite(crisp)
    return Plate.of(glow)


def wires(stage: Stage) -> None:
    """Add two street lamps and the wires between them, before everything."""
    tone, pen = stage.ground((30.0, 30.0, 44.0), 1.0), stage.pen(stage.y(0.9))
    unit = stage.unit / stage.y(0.9)
    poles, girth, arm = (pen.aspect * 0.2, pen.aspect * 0.7), unit * 0.009, unit * 0.11
    for x in poles:
        pen.box(WHITE, (x - girth, 0.05), girth * 2, 1)
        pen.box(WHITE, (x - girth * 1.8, 0.86), girth * 3.6, 1)
        pen.box(WHITE, (x - arm * 0.5, 0.1), arm, girth)
        pen.line(WHITE, (x, 0.3), (x + arm * 0.5, 0.25), (x + arm, 0.25), width=girth)
        pen.box(WHITE, (x + arm * 0.8, 0.25), arm * 0.45, girth * 2, girth)
    for left, right in (
        (poles[0], poles[1]),
        (poles[1] - pen.aspect, poles[0]),
        (poles[1], poles[0] + pen.aspect),
    ):
        for number in range(3):
            shares = [step / 24 for step in range(25)]
            drop = 0.105 + 0.006 * number
            wire = [(left + (right - left) * t, drop + 0.2 * t * (1 - t)) for t in shares]
            pen.line((210.0, 210.0, 210.0), *wire, width=girth * 0.22)
    stage.band(pen, 1.0, 1.2, tone)
    if stage.palette.night:
        _lamplight(stage, [(x + arm) * stage.y(0.9) for x in poles], stage.y(0.9))


def _lamplight(stage: Stage, places: list[float], high: float) -> None:
    tile = Image.fromarray(halo(stage.unit * 0.2, 0.9))
    alpha = Image.new("L", (stage.period, tile.height))
    for x in places:
        alpha.paste(tile, (round(x - tile.width / 2), 0))
    light = Plate.toned(np.array([stage.palette.lamp], np.float32), np.asarray(alpha))
    stage.layers.append(Strip(light, stage.y(0.1) + high * 0.26 - tile.height / 2, 1.2))


def planet(rng: np.random.Generator, radius: float, colour: Colour, *, ringed: bool) -> Plate:
    """Paint a banded planet in flat tones, lit from one side, with a ring or without."""
    side = round(radius * (4.6 if ringed else 2.2)) // 2 * 2 * SHARP
    axis = (np.arange(side, dtype=np.float32) - side / 2) / (radius * SHARP)
    x, y = axis[None, :], axis[:, None]
    distance = np.hypot(x, y)
    seen = distance < 1
    light = np.clip(0.6 * np.sqrt(np.clip(1 - distance**2, 0, 1)) - 0.62 * x - 0.5 * y, 0.05, 1)
    bands = 1 + 0.06 * np.sign(np.sin((y * 0.95 + x * 0.3) * 9 + rng.uniform(0, 6)))
    rgb = np.array(colour, np.float32) * (bands * (0.2 + 0.8 * np.ceil(light * 4 - 0.5) / 4))[..., None]
    if ringed:
        tilted = y * 0.955 - x * 0.3
        flat = np.hypot(x * 0.955 + y * 0.3, tilted * 3.6)
        ring = (flat > 1.46) & (flat < 2.0) & ~(seen & (tilted < 0))  # noqa: PLR2004 - in radii
        rgb[ring] = mix(colour, (255.0, 240.0, 220.0), 0.55)
        seen |= ring
    rgba = np.dstack([np.clip(rgb, 0, 255), seen * 255.0]).astype(np.uint8)
    return Plate.of(Image.fromarray(rgba).reduce(SHARP))


def shoal(stage: Stage) -> None:
    """Add a shoal of small fish far off."""
    rng, unit, width = stage.rng("shoal"), stage.unit, stage.size[0]
    tone = mix(stage.palette.haze, lit((70.0, 120.0, 150.0), stage.palette.shade), 0.6)
    pen = Pen(round(unit * 0.035), ASPECTS["fish"], tone)
    draw(pen, "fish", {"own": tone})
    plate, way = Plate.of(pen.finished()), width + unit // 2

    def swim(x: float, y: float, speed: float, t: float) -> Point:
        return (x * way + speed * t) % way - unit / 4, stage.y(y) + unit * 0.01 * math.sin(t + 9 * x)

    for x, y, pace in rng.normal((0.5, 0.45, 1.0), (0.16, 0.066, 0.06), (16, 3)).tolist():
        stage.layers.append(Sprite([plate], partial(swim, x, y, unit * 0.06 * pace), depth=0.5))
