"""Trees, grass and weeds."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np
from PIL import Image, ImageDraw

from gridgen.simulator.clips.colours import Colour, lit, mix
from gridgen.simulator.clips.layers import Strip
from gridgen.simulator.clips.plates import Plate
from gridgen.simulator.clips.scenery import SHARP, Tone, ints, shaded

if TYPE_CHECKING:
    from gridgen.simulator.clips.colours import Palette
    from gridgen.simulator.clips.stage import Stage


__all__ = ["birches", "boughs", "conifers", "copses", "corals", "grass", "kelp", "reeds", "trunks"]

_CORALS: Final = (
    (240.0, 110.0, 120.0),
    (250.0, 168.0, 84.0),
    (186.0, 118.0, 220.0),
    (244.0, 206.0, 104.0),
    (110.0, 196.0, 180.0),
)

_VAST = 1_500_000
"""Pixels beyond which a coloured plate is drawn at its own size, to spare memory."""


def conifers(
    rng: np.random.Generator, period: int, height: int, tone: Tone, *, spread: float, ground: float
) -> Plate:
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
            _fir(draw, x + shift, floor + 0.04 * tall, size, int(rng.integers(5, 9)))
    return shaded(mask, tone)


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


def _birch_row(
    rng: np.random.Generator, period: int, height: int, palette: Palette, *, near: float, count: int
) -> Plate:
    """Paint a row of birch trunks with their dark marks, as tall as the plate."""
    sharp = SHARP if period * height < _VAST else 1
    wide, tall = period * sharp, height * sharp
    bark = mix(
        palette.haze,
        lit((240.0, 238.0, 232.0), mix(palette.shade, (255.0, 255.0, 255.0), 0.45)),
        0.35 + 0.6 * near,
    )
    dark = mix(palette.haze, lit((70.0, 62.0, 66.0), palette.shade), 0.25 + 0.7 * near)
    image = Image.new("RGBA", (wide, tall), (*ints(bark), 0))
    draw = ImageDraw.Draw(image)
    for place in (np.arange(count) + rng.uniform(0.15, 0.85, count)) / count * wide:
        girth = tall * (0.02 + 0.03 * near) * float(rng.uniform(0.6, 1.2))
        _birch(draw, rng, (float(place), girth, tall), ints(bark), ints(dark))
    return Plate.of(image.reduce(sharp))


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
    draw.polygon(
        [(x + lean - top, 0), (x + lean + top, 0), (x + foot, tall), (x - foot, tall)], fill=(*bark, 255)
    )
    draw.polygon(
        [(x + lean + top * 0.15, 0), (x + lean + top, 0), (x + foot, tall), (x + foot * 0.2, tall)],
        fill=(*shadow, 255),
    )
    for _ in range(int(rng.integers(3, 6))):
        y, side = float(rng.uniform(0.02, 0.5)) * tall, float(rng.choice((-1.0, 1.0)))
        reach = girth * float(rng.uniform(2.5, 5.0))
        start = (x + lean * (1 - y / tall), y)
        _branch(draw, rng, start, (side * reach, -reach * 1.2), girth * 0.16, ink=(*dark, 255))
    for _ in range(int(rng.integers(8, 15))):
        y = float(rng.uniform(0, 1)) * tall
        mid = x + lean * (1 - y / tall) + girth * float(rng.uniform(-0.35, 0.2))
        long, thick = girth * float(rng.uniform(0.1, 0.34)), girth * float(rng.uniform(0.03, 0.1))
        draw.ellipse((mid - long, y - thick, mid + long, y + thick), fill=(*dark, 255))


def birches(stage: Stage, foot: float, near: float, count: int) -> None:
    """Add birches that reach from above the frame down to a share of its height."""
    tall = round(stage.y(foot)) // 2 * 2
    plate = _birch_row(stage.rng(f"birch {near}"), stage.period, tall, stage.palette, near=near, count=count)
    stage.strip(plate, foot, 0.2 + near * 0.95)


def trunks(stage: Stage) -> None:
    """Add two dark trunks before everything."""
    wide, tall = stage.period * SHARP, stage.size[1] * SHARP
    rng, mask = stage.rng("trunks"), Image.new("L", (wide, tall))
    draw = ImageDraw.Draw(mask)
    for place in (0.1, 0.72):
        x = wide * (place + float(rng.uniform(-0.05, 0.05)))
        girth = stage.unit * SHARP * float(rng.uniform(0.026, 0.044))
        foot = [
            (x - girth, tall * 0.94),
            (x - girth * 2.2, tall),
            (x + girth * 2.2, tall),
            (x + girth, tall * 0.94),
        ]
        draw.polygon([(x + girth * 0.55, 0), (x - girth * 0.55, 0), *foot], fill=255)
        for side in (-1, 1, -1, 1, 1):
            start, reach = (x, tall * float(rng.uniform(0.02, 0.42))), girth * float(rng.uniform(3.5, 7))
            _branch(draw, rng, start, (side * reach, -reach * float(rng.uniform(0.3, 0.8))), girth * 0.3)
    stage.strip(shaded(mask, stage.ground((38.0, 36.0, 40.0), 1.0)), 1.0, 1.3)


def _branch(
    draw: ImageDraw.ImageDraw,
    rng: np.random.Generator,
    start: tuple[float, float],
    way: tuple[float, float],
    girth: float,
    *,
    ink: int | tuple[int, int, int, int] = 255,
) -> None:
    """Draw a bough that tapers and rises, with its twigs."""
    x, y = start
    count = 7
    for step in range(count):
        share = (step + 1) / count
        end = (start[0] + way[0] * share, start[1] + way[1] * share**1.8)
        draw.line([(x, y), end], fill=ink, width=max(1, round(girth * (1.1 - share))))
        if step % 2 and girth > SHARP:
            twig = (way[0] * 0.3, -abs(way[0]) * float(rng.uniform(0.1, 0.35)))
            _branch(draw, rng, end, twig, girth * 0.4, ink=ink)
        x, y = end


def copses(stage: Stage, foot: float, depth: float) -> None:
    """Add round trees in small groups on a far hill."""
    tall = round(stage.unit * 0.13) // 2 * 2
    wide, high = stage.period * SHARP, tall * SHARP
    rng, mask = stage.rng("copses"), Image.new("L", (wide, high))
    draw = ImageDraw.Draw(mask)
    for place in rng.uniform(0.02, 0.98, 7) * wide:
        for _ in range(int(rng.integers(1, 5))):
            x, size = float(place + rng.normal(0, high * 0.5)), high * float(rng.uniform(0.14, 0.27))
            draw.rectangle((x - size * 0.09, high - size * 2, x + size * 0.09, high), fill=255)
            for dx, dy, share in ((0, -2.2, 1.0), (-0.6, -1.7, 0.72), (0.6, -1.75, 0.7)):
                r = size * share
                draw.ellipse(
                    (x + dx * size - r, high + dy * size - r, x + dx * size + r, high + dy * size + r),
                    fill=255,
                )
    material: Colour = (70.0, 124.0, 72.0)
    if "autumn" in stage.look.manner:
        material = (206.0, 124.0, 52.0)
    elif "blossom" in stage.look.manner:
        material = (248.0, 176.0, 200.0)
    stage.strip(shaded(mask, stage.ground(material, depth + 0.15)), foot + 0.01, depth)


def grass(stage: Stage, foot: float, height: float, *, colour: Colour, flowers: tuple[Colour, ...]) -> None:
    """Add blades of grass, and flowers, along the lower edge of the frame."""
    tall = round(stage.y(1.02 - foot) + stage.unit * height) // 2 * 2
    wide, high = stage.period * SHARP, tall * SHARP
    rng = stage.rng("grass")
    crest, low = stage.ground(colour, 1.0)
    image = Image.new("RGBA", (wide, high), (*ints(crest), 0))
    draw, floor = ImageDraw.Draw(image), stage.unit * height * SHARP
    draw.rectangle((0, floor * 1.1, wide, high), fill=(*ints(mix(crest, low, 0.7)), 255))
    for x in rng.uniform(0, wide, int(wide / (floor * 0.035))):
        size, lean = floor * float(rng.uniform(0.25, 0.75)), floor * float(rng.uniform(-0.2, 0.2))
        tone, half = ints(mix(crest, low, float(rng.random()))), floor * 0.018
        draw.polygon(
            [(x - half, floor * 1.2), (x + lean, floor * 1.1 - size), (x + half, floor * 1.2)],
            fill=(*tone, 255),
        )
    for x in rng.uniform(0, wide, int(wide / (floor * 0.5)) if flowers else 0):
        y, size = floor * float(rng.uniform(0.3, 0.95)), floor * float(rng.uniform(0.035, 0.06))
        draw.line([(x, y), (x, floor * 1.1)], fill=(*ints(low), 255), width=max(1, int(floor * 0.012)))
        petal = ints(
            lit(
                flowers[int(rng.integers(0, len(flowers)))],
                mix(stage.palette.shade, (255.0, 255.0, 255.0), 0.4),
            )
        )
        draw.ellipse((x - size, y - size * 0.8, x + size, y + size * 0.8), fill=(*petal, 255))
    stage.strip(Plate.of(image.reduce(SHARP)), 1.02, 1.1)


def reeds(stage: Stage, foot: float, height: float) -> None:
    """Add dark blades in the lower corners of the frame."""
    wide, high = stage.size[0] // 2 * 2 * SHARP, round(stage.unit * height) // 2 * 2 * SHARP
    rng, mask = stage.rng("reeds"), Image.new("L", (wide, high))
    draw = ImageDraw.Draw(mask)
    for place in np.concatenate([rng.normal(0.02, 0.06, 26), rng.normal(0.99, 0.05, 22)]) * wide:
        side = 1 if place < wide / 2 else -1
        size, lean = high * float(rng.uniform(0.35, 1.0)), high * float(rng.uniform(0.0, 0.45)) * side
        half = high * float(rng.uniform(0.012, 0.024))
        middle = (place + lean * 0.3, high - size * 0.6)
        draw.polygon(
            [
                (place - half, high),
                (middle[0] - half * 0.8, middle[1]),
                (place + lean, high - size),
                (middle[0] + half * 0.8, middle[1]),
                (place + half, high),
            ],
            fill=255,
        )
    tone = stage.ground((58.0, 96.0, 58.0), 1.0)
    plate = shaded(mask, (tone[0], mix(tone[1], (0.0, 0.0, 0.0), 0.45)))
    stage.layers.append(stage.hung(plate, stage.size[0] / 2, stage.y(foot) - plate.height / 2, 0.0))


def kelp(stage: Stage, foot: float, height: float) -> None:
    """Add fronds of kelp on both sides."""
    wide, high = stage.period * SHARP, round(stage.unit * height) // 2 * 2 * SHARP
    rng, mask = stage.rng("kelp"), Image.new("L", (wide, high))
    draw = ImageDraw.Draw(mask)
    for place in (np.arange(9) + rng.uniform(0.1, 0.9, 9)) / 9 * wide:
        size, phase, sway = high * float(rng.uniform(0.35, 0.98)), float(rng.uniform(0, 6)), high * 0.03
        points = [(place + sway * math.sin(phase + k * 0.55), high - size * k / 14) for k in range(15)]
        draw.line(points, fill=255, width=max(2, int(high * 0.014)), joint="curve")
        for k in range(1, 14):
            (x, y), side = points[k], 1 if k % 2 else -1
            leaf = high * 0.07 * (1 - k / 20)
            draw.polygon(
                [
                    (x, y),
                    (x + side * leaf * 0.5, y - leaf * 0.5),
                    (x + side * leaf * 1.3, y - leaf * 0.5),
                    (x + side * leaf * 0.6, y - leaf * 0.05),
                ],
                fill=255,
            )
    stage.strip(shaded(mask, stage.ground((46.0, 120.0, 92.0), 0.9)), foot, 0.9)


def boughs(stage: Stage) -> None:
    """Add boughs in blossom that hang into the frame from above."""
    wide, high = stage.period * SHARP, round(stage.unit * 0.4) // 2 * 2 * SHARP
    rng, shade = stage.rng("boughs"), mix(stage.palette.shade, (255.0, 255.0, 255.0), 0.5)
    petals = [
        lit(tone, shade) for tone in ((255.0, 196.0, 216.0), (250.0, 158.0, 190.0), (255.0, 232.0, 240.0))
    ]
    image = Image.new("RGBA", (wide, high), (*ints(petals[0]), 0))
    draw, bark = ImageDraw.Draw(image), ints(lit((84.0, 60.0, 62.0), shade))
    for place, reach in ((0.0, 0.3), (0.42, -0.16), (0.7, -0.28), (0.98, 0.2)):
        start = (wide * place, -high * 0.05)
        way = (reach * wide, high * float(rng.uniform(0.5, 0.72)))
        _branch(draw, rng, start, way, high * 0.026, ink=(*bark, 255))
        for _ in range(150):
            share = float(rng.uniform(0.05, 1.0))
            x = start[0] + way[0] * share + float(rng.normal(0, high * 0.09))
            y = start[1] + way[1] * share**1.8 + float(rng.normal(0, high * 0.07))
            size = high * float(rng.uniform(0.012, 0.03))
            tone = ints(petals[int(rng.integers(0, 3))])
            for shift in (-wide, 0, wide):
                box = (x + shift - size, y - size, x + shift + size, y + size)
                draw.ellipse(box, fill=(*tone, 235))
    stage.layers.append(Strip(Plate.of(image.reduce(SHARP)), 0.0, 1.1, 0.0, stage.unit * 0.004))


def corals(stage: Stage, foot: float, height: float, depth: float) -> None:
    """Add corals of three kinds along the sea bed: stags, fans and domes."""
    wide, high = stage.period * SHARP, round(stage.unit * height) // 2 * 2 * SHARP
    rng, image = stage.rng("corals"), Image.new("RGBA", (wide, high), (60, 120, 130, 0))
    draw = ImageDraw.Draw(image)
    for place in (np.arange(14) + rng.uniform(0.1, 0.9, 14)) / 14 * wide:
        own = _CORALS[int(rng.integers(0, len(_CORALS)))]
        tone = mix(
            stage.palette.haze, lit(own, mix(stage.palette.shade, (255.0, 255.0, 255.0), 0.45)), depth + 0.2
        )
        size, kind = high * float(rng.uniform(0.35, 0.9)), int(rng.integers(0, 3))
        for shift in (-wide, 0, wide) if not size < place < wide - size else (0,):
            _CORAL[kind](draw, rng, (float(place) + shift, float(high)), size, tone)
    stage.strip(Plate.of(image.reduce(SHARP)), foot, depth)


def _stag(
    draw: ImageDraw.ImageDraw, rng: np.random.Generator, root: tuple[float, float], size: float, tone: Colour
) -> None:
    for angle in np.linspace(-0.9, 0.9, 7) + rng.uniform(-0.12, 0.12, 7):
        x, y = root
        for step in range(3):
            turn = float(angle) * (0.55 + 0.3 * step)
            end = (x + size * 0.3 * math.sin(turn), y - size * 0.3 * math.cos(turn))
            girth = size * (0.075 - 0.017 * step)
            draw.line([(x, y), end], fill=(*ints(tone), 255), width=max(2, round(girth)))
            draw.ellipse(
                (end[0] - girth / 2, end[1] - girth / 2, end[0] + girth / 2, end[1] + girth / 2),
                fill=(*ints(tone), 255),
            )
            x, y = end


def _fan(
    draw: ImageDraw.ImageDraw, rng: np.random.Generator, root: tuple[float, float], size: float, tone: Colour
) -> None:
    ribs, dark = int(rng.integers(9, 13)), ints(mix(tone, (0.0, 0.0, 0.0), 0.3))
    angles = [math.pi * (0.16 + 0.68 * k / (ribs - 1)) for k in range(ribs)]
    rim = [
        (root[0] + size * 0.62 * math.cos(a), root[1] - size * (0.78 + 0.06 * (k % 2)) * math.sin(a))
        for k, a in enumerate(angles)
    ]
    draw.polygon([root, *rim], fill=(*ints(tone), 255))
    for tip in rim:
        draw.line([root, tip], fill=(*dark, 255), width=max(1, round(size * 0.014)))


def _dome(
    draw: ImageDraw.ImageDraw, rng: np.random.Generator, root: tuple[float, float], size: float, tone: Colour
) -> None:
    wide, tall = size * float(rng.uniform(0.4, 0.6)), size * 0.46
    dark = ints(mix(tone, (0.0, 0.0, 0.0), 0.22))
    draw.ellipse((root[0] - wide, root[1] - tall, root[0] + wide, root[1] + tall), fill=(*ints(tone), 255))
    for ring in (0.8, 0.56, 0.32):
        box = (root[0] - wide * ring, root[1] - tall * ring, root[0] + wide * ring, root[1] + tall * ring)
        draw.arc(box, 180, 360, fill=(*dark, 255), width=max(1, round(size * 0.016)))


_CORAL: Final = (_stag, _fan, _dome)
