"""A room with a window, which shows what is outside."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from PIL import Image, ImageDraw

from gridgen.simulator.clips import land, scenery, weather, works
from gridgen.simulator.clips.acting import perform
from gridgen.simulator.clips.colours import Colour, lit, mix
from gridgen.simulator.clips.plates import Plate
from gridgen.simulator.clips.scenery import SHARP, ints

if TYPE_CHECKING:
    from collections.abc import Callable

    from gridgen.simulator.clips.stage import Stage

__all__ = ["bookshelves", "kitchen", "room", "table"]

_FLOOR: Final = 0.74
_WALLS: Final = ((214.0, 190.0, 160.0), (176.0, 192.0, 180.0), (188.0, 176.0, 198.0), (204.0, 160.0, 140.0))
_WOOD: Final = (146.0, 98.0, 66.0)
_DARK: Final = (26.0, 20.0, 24.0)
_PALE: Final = (248.0, 246.0, 240.0)
_SPINES: Final = (
    (150.0, 60.0, 54.0),
    (60.0, 92.0, 120.0),
    (196.0, 160.0, 96.0),
    (74.0, 104.0, 76.0),
    (120.0, 84.0, 110.0),
)


def table(stage: Stage) -> None:
    """Set a table top close by, what is behind it out of focus."""
    works.bokeh(stage, 0.6)
    light = mix(stage.palette.shade, (255.0, 250.0, 240.0), 0.6)
    wood = lit(stage.tint((236.0, 232.0, 228.0) if "marble" in stage.prompt.lower() else _WOOD), light)
    top = np.full(stage.period, 3.0, np.float32)
    stage.strip(
        scenery.terrain(top, round(stage.y(0.46)), (mix(wood, _PALE, 0.25), mix(wood, _DARK, 0.3))), 1.04, 0.7
    )
    perform(stage, 0.84, 0.7, scale=1.3)


def kitchen(stage: Stage) -> None:
    """Set a room with cupboards, tiles and a hob."""
    room(stage, _cupboards)


def bookshelves(stage: Stage) -> None:
    """Set a room with shelves full of books."""
    room(stage, _shelves)


def room(stage: Stage, fit: Callable[[Stage, ImageDraw.ImageDraw, Colour], None] | None = None) -> None:
    """Set a room: outside, a wall with its window and fittings, a floor, a table and a plant."""
    land.outlook(stage)
    weather.fall(stage)
    light = mix(stage.palette.shade, (255.0, 244.0, 226.0), 0.25 if stage.palette.night else 0.5)
    wall = lit(stage.tint(_WALLS[int(stage.rng("wall").integers(0, len(_WALLS)))]), light)
    wood = lit(_WOOD, light)
    stage.strip(_wall(stage, wall, wood, fit), _FLOOR + 0.005, 0.3)
    boards = scenery.terrain(
        np.full(stage.period, 2.0, np.float32),
        round(stage.y(1.04 - _FLOOR)),
        (mix(wood, wall, 0.25), mix(wood, _DARK, 0.45)),
    )
    stage.strip(boards, 1.04, 0.4)
    if stage.palette.night:
        lamp = scenery.glow(stage.unit * 0.5, stage.palette.lamp, 0.5)
        stage.layers.append(stage.hung(lamp, stage.size[0] * 0.84, stage.y(0.36), 0.3))
    perform(stage, 0.86, 0.55, scale=1.5)
    stage.strip(_furniture(stage, wood), 1.02, 0.7)


def _shelves(stage: Stage, draw: ImageDraw.ImageDraw, wood: Colour) -> None:
    rng, unit, wide = stage.rng("books"), stage.unit * SHARP, stage.period * SHARP
    high, dark = stage.y(_FLOOR) * SHARP, ints(mix(wood, _DARK, 0.45))
    for left, right in ((0.0, wide * 0.16), (wide * 0.26 + unit * 0.72, wide)):
        draw.rectangle((left, high * 0.06, right, high), fill=(*ints(mix(wood, _DARK, 0.62)), 255))
        for board in np.linspace(0.26, 1.0, 5):
            x, foot = left + unit * 0.02, high * float(board)
            while x < right - unit * 0.05:
                thick, tall = unit * float(rng.uniform(0.018, 0.042)), high * float(rng.uniform(0.1, 0.155))
                spine = mix(_SPINES[int(rng.integers(0, len(_SPINES)))], stage.palette.shade, 0.3)
                draw.rectangle((x, foot - tall, x + thick, foot), fill=(*ints(spine), 255))
                x += thick + unit * 0.004
            draw.rectangle((left, foot, right, foot + unit * 0.018), fill=(*dark, 255))


def _cupboards(stage: Stage, draw: ImageDraw.ImageDraw, wood: Colour) -> None:
    unit, wide, high = stage.unit * SHARP, stage.period * SHARP, stage.y(_FLOOR) * SHARP
    door, edge = ints(mix(wood, _PALE, 0.62)), ints(mix(wood, _DARK, 0.2))
    steel, left = ints(mix(_PALE, _DARK, 0.35)), wide * 0.26 + unit * 0.72
    for number in range(int((wide - left) / (unit * 0.3)) + 1):
        x = left + number * unit * 0.3
        for top, low in ((0.06, 0.34), (0.66, 1.0)):
            place = (x, high * top, x + unit * 0.29, high * low)
            draw.rectangle(place, fill=(*door, 255), outline=(*edge, 255), width=round(unit * 0.006))
            draw.rectangle(
                (
                    x + unit * 0.23,
                    high * (top + low) / 2,
                    x + unit * 0.25,
                    high * (top + low) / 2 + unit * 0.05,
                ),
                fill=(*edge, 255),
            )
    draw.rectangle(
        (left - unit * 0.02, high * 0.62, wide, high * 0.66), fill=(*ints(mix(wood, _DARK, 0.4)), 255)
    )
    pot = (left + unit * 0.36, high * 0.52, left + unit * 0.56, high * 0.62)
    draw.rounded_rectangle(pot, unit * 0.015, fill=(*steel, 255))
    draw.rectangle(
        (pot[0] - unit * 0.03, high * 0.52, pot[2] + unit * 0.03, high * 0.533), fill=(*ints(_DARK), 255)
    )


def _wall(
    stage: Stage,
    wall: Colour,
    wood: Colour,
    fit: Callable[[Stage, ImageDraw.ImageDraw, Colour], None] | None,
) -> Plate:
    """Paint a wall that repeats, with a hole for each window, curtains and a picture."""
    wide, high = stage.period * SHARP, round(stage.y(_FLOOR + 0.02)) // 2 * 2 * SHARP
    image = Image.new("RGBA", (wide, high), (*ints(wall), 255))
    draw, unit = ImageDraw.Draw(image), stage.unit * SHARP
    frame, thick = ints(mix(wood, (255.0, 255.0, 255.0), 0.6)), round(unit * 0.016)
    left, top, right, low = wide * 0.2, high * 0.13, wide * 0.2 + unit * 0.72, high * 0.72
    draw.rectangle((left, top, right, low), fill=(0, 0, 0, 0), outline=(*frame, 255), width=thick)
    draw.rectangle(((left + right - thick) / 2, top, (left + right + thick) / 2, low), fill=(*frame, 255))
    draw.rectangle(
        (left, (top * 1.4 + low) / 2.4, right, (top * 1.4 + low) / 2.4 + thick), fill=(*frame, 255)
    )
    draw.rectangle((left - thick * 2, low, right + thick * 2, low + thick * 1.6), fill=(*frame, 255))
    _curtains(draw, (left, top, right, low), unit, stage.tint(mix(wall, (180.0, 70.0, 70.0), 0.55)))
    if fit is not None:
        fit(stage, draw, wood)
    else:
        _picture(draw, (wide * 0.2 + unit * 1.12, high * 0.24), unit, (wall, wood))
    draw.rectangle((0, high - unit * 0.03, wide, high), fill=(*ints(mix(wall, wood, 0.5)), 255))
    return Plate.of(image.reduce(SHARP))


def _curtains(
    draw: ImageDraw.ImageDraw, window: tuple[float, float, float, float], unit: float, tone: Colour
) -> None:
    left, top, right, low = window
    for side, edge in ((1, left), (-1, right)):
        for fold in range(4):
            start = edge - side * unit * (0.1 - 0.04 * fold)
            foot = start - side * unit * 0.012
            shade = ints(mix(tone, _DARK, 0.1 + 0.14 * (fold % 2)))
            across = side * unit * 0.045
            draw.polygon(
                [
                    (start, top - unit * 0.05),
                    (start + across, top - unit * 0.05),
                    (foot + across, low + unit * 0.09),
                    (foot, low + unit * 0.09),
                ],
                fill=(*shade, 255),
            )
    rod = (left - unit * 0.15, top - unit * 0.06, right + unit * 0.15, top - unit * 0.042)
    draw.rectangle(rod, fill=(*ints(_DARK), 255))


def _picture(
    draw: ImageDraw.ImageDraw, place: tuple[float, float], unit: float, tones: tuple[Colour, Colour]
) -> None:
    (x, y), (wall, wood) = place, tones
    draw.rectangle((x, y, x + unit * 0.26, y + unit * 0.2), fill=(*ints(mix(wood, _DARK, 0.35)), 255))
    inner = (x + unit * 0.02, y + unit * 0.02, x + unit * 0.24, y + unit * 0.18)
    draw.rectangle(inner, fill=(*ints(mix(wall, (120.0, 160.0, 190.0), 0.6)), 255))
    hill = [
        (inner[0], inner[3]),
        (x + unit * 0.11, y + unit * 0.09),
        (x + unit * 0.16, y + unit * 0.13),
        (inner[2], y + unit * 0.08),
        (inner[2], inner[3]),
    ]
    draw.polygon(hill, fill=(*ints(mix(wall, (70.0, 110.0, 90.0), 0.7)), 255))


def _furniture(stage: Stage, wood: Colour) -> Plate:
    """Paint a table with a cup and a lamp, and a plant in its pot, along the near edge."""
    wide, high = stage.period * SHARP, round(stage.unit * 0.58) // 2 * 2 * SHARP
    image = Image.new("RGBA", (wide, high), (*ints(wood), 0))
    draw, unit = ImageDraw.Draw(image), stage.unit * SHARP
    table, dark = wide * 0.6, ints(mix(wood, _DARK, 0.3))
    for leg in (0.05, 0.42):
        draw.rectangle(
            (table + unit * leg, high * 0.42, table + unit * (leg + 0.03), high), fill=(*dark, 255)
        )
    draw.rectangle((table, high * 0.38, table + unit * 0.5, high * 0.43), fill=(*ints(wood), 255))
    cup = ints(mix((236.0, 232.0, 224.0), wood, 0.15))
    draw.rounded_rectangle(
        (table + unit * 0.1, high * 0.28, table + unit * 0.18, high * 0.38), unit * 0.012, fill=(*cup, 255)
    )
    draw.arc(
        (table + unit * 0.165, high * 0.3, table + unit * 0.205, high * 0.36),
        270,
        90,
        fill=(*cup, 255),
        width=round(unit * 0.008),
    )
    draw.rectangle((table + unit * 0.352, high * 0.16, table + unit * 0.364, high * 0.38), fill=(*dark, 255))
    shade = [
        (table + unit * 0.31, high * 0.17),
        (table + unit * 0.335, high * 0.03),
        (table + unit * 0.381, high * 0.03),
        (table + unit * 0.406, high * 0.17),
    ]
    draw.polygon(shade, fill=(*ints(stage.palette.lamp), 255))
    _plant(
        draw,
        (wide * 0.06, high),
        unit,
        lit((70.0, 126.0, 84.0), mix(stage.palette.shade, (255.0, 255.0, 255.0), 0.3)),
    )
    return Plate.of(image.reduce(SHARP))


def _plant(draw: ImageDraw.ImageDraw, foot: tuple[float, float], unit: float, green: Colour) -> None:
    x, y = foot
    pot = ints(mix((176.0, 96.0, 70.0), _DARK, 0.25))
    draw.polygon(
        [
            (x - unit * 0.07, y - unit * 0.13),
            (x + unit * 0.07, y - unit * 0.13),
            (x + unit * 0.05, y),
            (x - unit * 0.05, y),
        ],
        fill=(*pot, 255),
    )
    for leaf, angle in enumerate(np.linspace(-1.15, 1.15, 7)):
        long = unit * (0.3 - 0.07 * abs(float(angle)))
        tip = (x + long * float(np.sin(angle)), y - unit * 0.12 - long * float(np.cos(angle)))
        middle = ((x + tip[0]) / 2, (y - unit * 0.12 + tip[1]) / 2 - unit * 0.02)
        tone = ints(mix(green, _DARK, 0.22 * (leaf % 2)))
        draw.polygon(
            [
                (x, y - unit * 0.12),
                (middle[0] - unit * 0.022, middle[1]),
                tip,
                (middle[0] + unit * 0.022, middle[1]),
            ],
            fill=(*tone, 255),
        )
