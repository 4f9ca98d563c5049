"""Trees, grass and weeds."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, Final

import numpy as np

from gridgen.simulator.clips.colours import BLACK, WHITE, Colour, from_hex, lit, mix
from gridgen.simulator.clips.layers import Strip
from gridgen.simulator.clips.pen import Pen, Point
from gridgen.simulator.clips.plates import Plate
from gridgen.simulator.clips.scenery import Tone, spread
from gridgen.simulator.clips.shapes import draw

if TYPE_CHECKING:
    from gridgen.simulator.clips.stage import Stage


__all__ = ["birches", "boughs", "conifers", "copses", "corals", "grass", "kelp", "reeds", "trunks"]

_CORALS: Final = tuple(map(from_hex, ("f06e78", "faa854", "ba76dc", "f4ce68", "6ec4b4")))
_BLOSSOMS: Final = tuple(map(from_hex, ("ffc4d8", "fa9ebe", "ffe8f0")))
_VAST = 1_500_000
"""Pixels beyond which a coloured plate is drawn at its own size, to spare memory."""


def _around(pen: Pen, x: float, reach: float) -> list[float]:
    """Return where something at `x` is seen, also beyond the edges at which a strip repeats."""
    return [x + shift for shift in (-pen.aspect, 0, pen.aspect) if -reach < x + shift < pen.aspect + reach]


def conifers(stage: Stage, place: tuple[float, float], height: float, tone: Tone, spacing: float) -> None:
    """Add a row of firs at a foot and a depth, so far apart in heights of the row."""
    pen, rng, floor = stage.pen(height * stage.unit), stage.rng(f"woods {place[0]}"), 0.88
    pen.box(WHITE, (0, floor), pen.aspect, 1)
    for x in np.arange(0, pen.aspect, spacing).tolist():
        size, tiers = rng.uniform(0.45, 1.0) * floor, int(rng.integers(5, 9))
        for at in _around(pen, x + rng.uniform(-0.4, 0.4) * spacing, 0.2):
            _fir(pen, (at, floor + 0.04), size, tiers)
    stage.band(pen, *place, tone)


def _fir(pen: Pen, foot: Point, size: float, tiers: int) -> None:
    right = []
    for share in ((tier + 1) / tiers for tier in range(tiers)):
        y, reach = foot[1] - size * (1 - share * 0.94), size * 0.2 * (0.14 + 0.86 * share**0.9)
        right += [(reach, y + size * 0.015), (reach * 0.52, y - size * 0.012)]
    sides = [(foot[0] + x, y) for x, y in right] + [(foot[0] - x, y) for x, y in reversed(right)]
    pen.facet(WHITE, (foot[0], foot[1] - size), *sides)


def birches(stage: Stage, foot: float, near: float, count: int) -> None:
    """Add birches that reach from above the frame down to a share of its height."""
    palette, rng = stage.palette, stage.rng(f"birch {near}")
    white = lit((240.0, 238.0, 232.0), mix(palette.shade, WHITE, 0.45))
    bark = mix(palette.haze, white, 0.35 + 0.6 * near)
    dark = mix(palette.haze, lit((70.0, 62.0, 66.0), palette.shade), 0.25 + 0.7 * near)
    tall = round(stage.y(foot)) // 2 * 2
    vast = stage.period * tall > _VAST
    pen = Pen(tall, stage.period / tall, bark, sharp=1) if vast else stage.pen(tall, bark)
    for x in spread(rng, count, pen.aspect):
        _birch(pen, rng, (x, (0.02 + 0.03 * near) * rng.uniform(0.6, 1.2)), (bark, dark))
    stage.band(pen, foot, 0.2 + near * 0.95)


def _birch(
    pen: Pen, rng: np.random.Generator, shape: tuple[float, float], tones: tuple[Colour, Colour]
) -> None:
    (x, girth), (bark, dark) = shape, tones
    lean, top, foot = girth * rng.uniform(-1.2, 1.2), girth * 0.36, girth * 0.6
    right = ((x + lean + top, 0), (x + foot, 1))
    pen.facet(bark, (x + lean - top, 0), *right, (x - foot, 1))
    pen.facet(mix(bark, dark, 0.38), (x + lean + top * 0.15, 0), *right, (x + foot * 0.2, 1))
    for _ in range(int(rng.integers(3, 6))):
        y, reach = rng.uniform(0.02, 0.5), girth * rng.uniform(2.5, 5.0)
        way = (rng.choice((-1.0, 1.0)) * reach, -reach * 1.2)
        _branch(pen, rng, (x + lean * (1 - y), y), way, girth * 0.16, ink=dark)
    for y in rng.uniform(0, 1, rng.integers(8, 15)):
        middle = (x + lean * (1 - y) + girth * rng.uniform(-0.35, 0.2), y)
        pen.oval(dark, middle, girth * rng.uniform(0.1, 0.34), girth * rng.uniform(0.03, 0.1))


def trunks(stage: Stage) -> None:
    """Add two dark trunks before everything."""
    pen, rng = stage.pen(stage.size[1]), stage.rng("trunks")
    for x in (pen.aspect * (place + rng.uniform(-0.05, 0.05)) for place in (0.1, 0.72)):
        girth = stage.unit / stage.size[1] * rng.uniform(0.026, 0.044)
        pen.facet(WHITE, (x - girth * 0.55, 0), (x + girth * 0.55, 0), (x + girth, 0.94), (x - girth, 0.94))
        pen.facet(WHITE, (x - girth, 0.94), (x + girth, 0.94), (x + girth * 2.2, 1), (x - girth * 2.2, 1))
        for side in (-1, 1, -1, 1, 1):
            start, reach = (x, rng.uniform(0.02, 0.42)), girth * rng.uniform(3.5, 7)
            _branch(pen, rng, start, (side * reach, -reach * rng.uniform(0.3, 0.8)), girth * 0.3)
    stage.band(pen, 1.0, 1.3, stage.ground((38.0, 36.0, 40.0), 1.0))


def _branch(
    pen: Pen, rng: np.random.Generator, start: Point, way: Point, girth: float, *, ink: Colour = WHITE
) -> None:
    """Draw a bough that tapers and rises, with its twigs."""
    shares = [step / 7 for step in range(8)]
    points = [(start[0] + way[0] * share, start[1] + way[1] * share**1.8) for share in shares]
    for share, ends in zip(shares[1:], itertools.pairwise(points), strict=True):
        pen.line(ink, *ends, width=girth * (1.1 - share))
    if girth > 0.005:  # noqa: PLR2004 - a twig has no twigs
        for end in points[2::2]:
            _branch(
                pen, rng, end, (way[0] * 0.3, -abs(way[0]) * rng.uniform(0.1, 0.35)), girth * 0.4, ink=ink
            )


def copses(stage: Stage, foot: float, depth: float) -> None:
    """Add round trees in small groups on a far hill."""
    pen, rng = stage.pen(stage.unit * 0.13), stage.rng("copses")
    for place in rng.uniform(0.02, 0.98, 7) * pen.aspect:
        for _ in range(int(rng.integers(1, 5))):
            x, size = place + rng.normal(0, 0.5), rng.uniform(0.14, 0.27)
            pen.box(WHITE, (x - size * 0.09, 1 - size * 2), size * 0.18, size * 2)
            for dx, dy, share in ((0, -2.2, 1.0), (-0.6, -1.7, 0.72), (0.6, -1.75, 0.7)):
                pen.oval(WHITE, (x + dx * size, 1 + dy * size), size * share, size * share)
    material: Colour = (70.0, 124.0, 72.0)
    if "autumn" in stage.look.manner:
        material = (206.0, 124.0, 52.0)
    elif "blossom" in stage.look.manner:
        material = (248.0, 176.0, 200.0)
    stage.band(pen, foot + 0.01, depth, stage.ground(material, depth + 0.15))


def grass(stage: Stage, foot: float, height: float, *, colour: Colour, flowers: tuple[Colour, ...]) -> None:
    """Add blades of grass, and flowers, along the lower edge of the frame."""
    tall, rng = stage.y(1.02 - foot) + stage.unit * height, stage.rng("grass")
    crest, low = stage.ground(colour, 1.0)
    pen, floor = stage.pen(tall, crest), stage.unit * height / tall
    pen.box(mix(crest, low, 0.7), (0, floor * 1.1), pen.aspect, 1)
    for x in rng.uniform(0, pen.aspect, int(pen.aspect / (floor * 0.035))):
        size, lean, half = floor * rng.uniform(0.25, 0.75), floor * rng.uniform(-0.2, 0.2), floor * 0.018
        blade = ((x - half, floor * 1.2), (x + lean, floor * 1.1 - size), (x + half, floor * 1.2))
        pen.facet(mix(crest, low, rng.random()), *blade)
    light = mix(stage.palette.shade, WHITE, 0.4)
    for x in rng.uniform(0, pen.aspect, int(pen.aspect / (floor * 0.5)) if flowers else 0):
        y, size = floor * rng.uniform(0.3, 0.95), floor * rng.uniform(0.035, 0.06)
        pen.line(low, (x, y), (x, floor * 1.1), width=floor * 0.012)
        pen.oval(lit(flowers[int(rng.integers(0, len(flowers)))], light), (x, y), size, size * 0.8)
    stage.band(pen, 1.02, 1.1)


def reeds(stage: Stage, foot: float, height: float) -> None:
    """Add dark blades in the lower corners of the frame."""
    tall, rng = round(stage.unit * height) // 2 * 2, stage.rng("reeds")
    pen = Pen(tall, stage.size[0] / tall, None, sharp=2)
    for x in np.concatenate([rng.normal(0.02, 0.06, 26), rng.normal(0.99, 0.05, 22)]) * pen.aspect:
        side, size = 1 if x < pen.aspect / 2 else -1, rng.uniform(0.35, 1.0)
        lean, half = rng.uniform(0.0, 0.45) * side, rng.uniform(0.012, 0.024)
        bend = (x + lean * 0.3, 1 - size * 0.6)
        left, right = (bend[0] - half * 0.8, bend[1]), (bend[0] + half * 0.8, bend[1])
        pen.facet(WHITE, (x - half, 1), left, (x + lean, 1 - size), right, (x + half, 1))
    crest, low = stage.ground((58.0, 96.0, 58.0), 1.0)
    stage.band(pen, foot, 0.0, (crest, mix(low, BLACK, 0.45)))


def kelp(stage: Stage, foot: float, height: float) -> None:
    """Add fronds of kelp on both sides."""
    pen, rng = stage.pen(stage.unit * height), stage.rng("kelp")
    for place in spread(rng, 9, pen.aspect):
        size, phase = rng.uniform(0.35, 0.98), rng.uniform(0, 6)
        points = [(place + 0.03 * math.sin(phase + k * 0.55), 1 - size * k / 14) for k in range(15)]
        pen.line(WHITE, *points, width=0.014)
        for k, (x, y) in enumerate(points[1:-1], start=1):
            side, leaf = 1 if k % 2 else -1, 0.07 * (1 - k / 20)
            edge = ((0.5, 0.5), (1.3, 0.5), (0.6, 0.05))
            pen.facet(WHITE, (x, y), *((x + side * leaf * out, y - leaf * up) for out, up in edge))
    stage.band(pen, foot, 0.9, stage.ground((46.0, 120.0, 92.0), 0.9))


def boughs(stage: Stage) -> None:
    """Add boughs in blossom that hang into the frame from above."""
    rng, shade = stage.rng("boughs"), mix(stage.palette.shade, WHITE, 0.5)
    petals, bark = [lit(tone, shade) for tone in _BLOSSOMS], lit((84.0, 60.0, 62.0), shade)
    pen = stage.pen(stage.unit * 0.4, petals[0])
    for place, reach in ((0.0, 0.3), (0.42, -0.16), (0.7, -0.28), (0.98, 0.2)):
        start, way = (pen.aspect * place, -0.05), (reach * pen.aspect, rng.uniform(0.5, 0.72))
        _branch(pen, rng, start, way, 0.026, ink=bark)
        for share in rng.uniform(0.05, 1.0, 150):
            x, size = start[0] + way[0] * share + rng.normal(0, 0.09), rng.uniform(0.012, 0.03)
            y, tone = start[1] + way[1] * share**1.8 + rng.normal(0, 0.07), petals[int(rng.integers(0, 3))]
            for at in _around(pen, x, size):
                pen.oval(tone, (at, y), size, size)
    stage.layers.append(Strip(Plate.of(pen.finished()), 0.0, 1.1, 0.0, stage.unit * 0.004))


def corals(stage: Stage, foot: float, height: float, depth: float) -> None:
    """Add corals of three kinds along the sea bed."""
    rng, light = stage.rng("corals"), mix(stage.palette.shade, WHITE, 0.45)
    pen = stage.pen(stage.unit * height, (60.0, 120.0, 130.0))
    for x in spread(rng, 14, pen.aspect):
        own = lit(_CORALS[int(rng.integers(0, len(_CORALS)))], light)
        size, kind = rng.uniform(0.35, 0.9), ("staghorn", "sea fan", "brain coral")[int(rng.integers(0, 3))]
        tone = mix(stage.palette.haze, own, depth + 0.2)
        for at in _around(pen, x, size):
            draw(pen, kind, {"own": tone}, at=(at, 1), scale=size)
    stage.band(pen, foot, depth)
