"""A room with a window, which shows what is outside, and a table top."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from gridgen.simulator.clips import land, scenery, weather, works
from gridgen.simulator.clips.acting import perform
from gridgen.simulator.clips.colours import DARK, WHITE, Colour, from_hex, lit, mix
from gridgen.simulator.clips.shapes import draw

if TYPE_CHECKING:
    from gridgen.simulator.clips.pen import Pen
    from gridgen.simulator.clips.stage import Stage

__all__ = ["room", "table"]

_FLOOR: Final = 0.74
_WALLS: Final = tuple(map(from_hex, ("d6bea0", "b0c0b4", "bcb0c6", "cca08c")))
_WOOD: Final = (146.0, 98.0, 66.0)
_MARBLE: Final = (236.0, 232.0, 228.0)
_SPINES: Final = tuple(map(from_hex, ("963c36", "3c5c78", "c4a060", "4a684c", "78546e")))


def table(stage: Stage) -> None:
    """Set a table top close by, a garden behind it."""
    works.bokeh(stage, 0.6)
    light = mix(stage.palette.shade, (255.0, 250.0, 240.0), 0.6)
    wood = lit(stage.tint(_MARBLE if "marble" in stage.prompt.lower() else _WOOD), light)
    tone = (mix(wood, WHITE, 0.25), mix(wood, DARK, 0.3))
    stage.layers.append(replace(stage.mound("table", (), 0.0, (0.58, 1.04), tone), depth=0.7))
    perform(stage, 0.84, 0.7, scale=1.3)


def room(stage: Stage, fitting: str = "picture") -> None:
    """Set a room: outside, a wall with its window and fittings, a floor, a table and a plant."""
    land.outlook(stage)
    weather.fall(stage)
    light = mix(stage.palette.shade, (255.0, 244.0, 226.0), 0.25 if stage.palette.night else 0.5)
    wall = lit(stage.tint(_WALLS[int(stage.rng("wall").integers(0, len(_WALLS)))]), light)
    wood = lit(_WOOD, light)
    _wall(
        stage,
        {"wall": wall, "wood": wood, "drape": stage.tint(mix(wall, (180.0, 70.0, 70.0), 0.55))},
        fitting,
    )
    tone = (mix(wood, wall, 0.25), mix(wood, DARK, 0.45))
    stage.layers.append(replace(stage.mound("floor", (), 0.0, (_FLOOR, 1.04), tone), depth=0.4))
    if stage.palette.night:
        lamp = scenery.glow(stage.unit * 0.5, stage.palette.lamp, 0.5)
        stage.layers.append(stage.hung(lamp, stage.size[0] * 0.84, stage.y(0.36), 0.3))
    perform(stage, 0.86, 0.55, scale=1.5)
    pen, scale = stage.pen(stage.unit * 0.58, wood), 1 / 0.58
    draw(pen, "desk", {"wood": wood, "lamp": stage.palette.lamp}, at=(pen.aspect * 0.6, 0), scale=scale)
    if "confetti" in stage.look.weather:
        draw(pen, "cake", {}, at=(pen.aspect * 0.6, 0), scale=scale)
    green = lit((70.0, 126.0, 84.0), mix(stage.palette.shade, WHITE, 0.3))
    draw(pen, "plant", {"own": green}, at=(pen.aspect * 0.06, 1), scale=scale)
    stage.band(pen, 1.02, 0.7)


def _wall(stage: Stage, colours: dict[str, Colour], fitting: str) -> None:
    """Add a wall that repeats, with a hole for each window."""
    tall = stage.y(_FLOOR + 0.02)
    pen, unit, wall = stage.pen(tall, colours["wall"]), stage.unit / tall, colours["wall"]
    floor, left = stage.y(_FLOOR) / tall, pen.aspect * 0.12
    top, low, right = floor - 0.64 * unit, floor - 0.2 * unit, left + 0.71 * unit
    pen.box(wall, (0, 0), pen.aspect, top)
    pen.box(wall, (0, low), pen.aspect, 1)
    pen.box(wall, (0, 0), left, 1)
    pen.box(wall, (right, 0), pen.aspect, 1)
    if fitting == "shelves":
        for shelf in ((0, left - 0.14 * unit), (left + 0.88 * unit, pen.aspect)):
            _shelves(pen, stage, shelf, (floor, unit), colours["wood"])
    else:
        draw(pen, fitting, colours, at=(left, floor), scale=unit)
    draw(pen, "window", colours, at=(left, floor), scale=unit)
    if "confetti" in stage.look.weather:
        draw(pen, "garland", {}, at=(left, floor), scale=unit)
    pen.box(mix(wall, colours["wood"], 0.5), (0, floor - 0.02 * unit), pen.aspect, 1)
    stage.band(pen, _FLOOR + 0.005, 0.3)


def _shelves(
    pen: Pen, stage: Stage, sides: tuple[float, float], measures: tuple[float, float], wood: Colour
) -> None:
    """Draw shelves full of books between two sides."""
    (left, right), (floor, unit), rng = sides, measures, stage.rng(f"books {sides[0]}")
    pen.box(mix(wood, DARK, 0.62), (left, floor * 0.06), right - left, floor)
    for foot in np.linspace(0.26, 1.0, 5) * floor:
        x = left + unit * 0.02
        while x < right - unit * 0.05:
            thick, tall = unit * rng.uniform(0.018, 0.042), floor * rng.uniform(0.1, 0.155)
            spine = mix(_SPINES[int(rng.integers(0, len(_SPINES)))], stage.palette.shade, 0.3)
            pen.box(spine, (x, foot - tall), thick, tall)
            x += thick + unit * 0.004
        pen.box(mix(wood, DARK, 0.45), (left, foot), right - left, unit * 0.018)
