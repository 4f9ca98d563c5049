"""Places on, in and under water."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from gridgen.simulator.clips import plants, scenery, weather, works
from gridgen.simulator.clips.acting import perform, stands
from gridgen.simulator.clips.colours import BLACK, WHITE, Colour, lit, mix
from gridgen.simulator.clips.land import FLOOR, foreground, range_, woods
from gridgen.simulator.clips.layers import Strip, Water
from gridgen.simulator.clips.plates import yuv

if TYPE_CHECKING:
    from gridgen.simulator.clips.stage import Stage

__all__ = ["lake", "puddle", "sea", "underwater"]

_SAND: Final = (238.0, 206.0, 160.0)
_REEF: Final = (52.0, 118.0, 130.0)


def _deep(stage: Stage, own: Colour) -> Colour:
    light = mix(stage.palette.shade, WHITE, 0.15)
    return mix(stage.tint(lit(own, light)), stage.palette.top, 0.3)


def sea(stage: Stage) -> None:
    """Set open water with swell, high where there is a storm."""
    palette, storm = stage.palette, "storm" in stage.look.weather
    stage.horizon = 0.58
    deep = _deep(stage, (36.0, 104.0, 142.0))
    far = mix(palette.low, deep, 0.25)
    share = (0.2, 0.72) if not storm else (0.4, 0.8)
    stage.layers.append(
        Water(round(stage.y(0.58)), stage.size, (yuv(far), yuv(deep)), share, 2.4 if storm else 1.0)
    )
    bright = not stage.look.weather & {"storm", "fog", "rain", "cloud"}
    if bright:
        weather.glitter(stage, 0.58, 0.82)
    _swell(stage, 0, deep, 0.65 if stands(stage) else 0.69, storm=storm)
    if stands(stage):
        _beach(stage, 0.72)
        perform(stage, 0.81, 0.9)
        return
    perform(stage, 0.77, 0.6, afloat=True)
    _swell(stage, 1, deep, 0.765, storm=storm)
    if storm:
        _swell(stage, 2, deep, 0.87, storm=storm)
    else:
        _beach(stage, 0.905)


def _swell(stage: Stage, number: int, deep: Colour, top: float, *, storm: bool) -> None:
    unit, period = stage.unit, stage.period
    rise = (0.026 + 0.01 * number if storm else 0.005 + 0.002 * number) * unit
    count = 4 - number if storm else 7 - number
    waves = ((count, 1.0), (count * 2 + 1, 0.45), (count * 5 + 2, 0.14))
    outline = scenery.rolling(stage.rng(f"swell {number}"), period, waves)
    # crests are sharper than troughs
    outline = (outline + np.float32(0.2) - np.float32(0.3) * outline**2) * np.float32(rise)
    crest = mix(deep, stage.palette.low, 0.5 - 0.12 * number if not storm else 0.34 - 0.06 * number)
    foot = mix(deep, BLACK, 0.22 + 0.1 * number)
    foam = mix(crest, WHITE, 0.6 if storm else 0.4)
    tall = round(stage.y(1.14 - top) if number else unit * 0.2)
    edge, cap = outline + rise * 1.6, scenery.froth(outline, unit * (0.009 if storm else 0.0035))
    plate = scenery.terrain(edge, tall, (crest, foot), cap=cap, white=foam)
    speed = unit * (0.07 + 0.05 * number) * (1 if number % 2 else -1) * (1.5 if storm else 0.5)
    stage.layers.append(
        Strip(plate, stage.y(top) - rise * 1.6, 0.5 + 0.2 * number, speed, rise * 0.7, number * 2.0)
    )


def _beach(stage: Stage, top: float) -> None:
    unit, waves, rise = stage.unit, ((2, 1.0), (5, 0.3)), 0.014
    foam = mix(stage.palette.low, WHITE, 0.7)
    wet = stage.ground(lit(_SAND, (196.0, 184.0, 184.0)), 1.0)
    surf = stage.mound("beach", waves, rise, (top, top + 0.1), (foam, wet[0]))
    stage.layers.append(replace(surf, bob=unit * 0.012, phase=1.0))
    stage.layers.append(stage.mound("beach", waves, rise, (top + 0.035, 1.1), stage.ground(_SAND, 1.0)))


def lake(stage: Stage) -> None:
    """Set a lake under mountains."""
    shore = 0.6
    range_(stage, shore + 0.005, 0.2, 0.17, 4)
    range_(stage, shore + 0.005, 0.4, 0.1, 8)
    woods(stage, shore + 0.005, 0.55, 0.12, 0.5)
    _still_water(stage, shore, (34.0, 92.0, 116.0), 0.7)
    weather.veil(stage, shore + 0.01, 0.5, strength=0.4)
    kinds = {subject.kind for subject in stage.look.subjects}
    if stands(stage):
        foreground(stage, (108.0, 120.0, 88.0), 0.75, 0.012)
        perform(stage, FLOOR, 0.9)
    else:
        perform(stage, 0.86 if "fish" in kinds else 0.77, 0.6, afloat=True)
    plants.reeds(stage, 1.02, 0.24)


def _still_water(stage: Stage, shore: float, own: Colour, rough: float) -> None:
    deep = _deep(stage, own)
    tints = (yuv(mix(stage.palette.haze, deep, 0.25)), yuv(deep))
    stage.layers.append(Water(round(stage.y(shore)), stage.size, tints, (0.16, 0.62), rough))
    if stage.look.weather & {"rain"}:
        weather.drops(stage, shore, 0.98)
    elif not stage.look.weather & {"fog", "cloud"}:
        weather.glitter(stage, shore, 0.8)


def puddle(stage: Stage) -> None:
    """Set a puddle seen from the height of a paper boat, a garden out of focus behind it."""
    bank, unit = 0.5, stage.unit
    works.bokeh(stage, bank)
    soil = lit((124.0, 104.0, 92.0), (230.0, 230.0, 230.0))
    waves = ((3, 1.0), (8, 0.4), (19, 0.2))
    shore = stage.mound("bank", waves, 0.008, (bank, bank + 0.06), stage.ground(soil, 0.7))
    stage.layers.append(replace(shore, depth=0.5))
    _still_water(stage, bank + unit * 0.032 / stage.size[1], (58.0, 104.0, 122.0), 0.8)
    perform(stage, 0.765, 0.6, afloat=True)
    works.pebbles(stage, 0.925)
    plants.reeds(stage, 1.02, 0.4)


def underwater(stage: Stage) -> None:
    """Set a reef of corals under shafts of light."""
    for number, (foot, depth, rise) in enumerate(((0.86, 0.2, 0.12), (0.95, 0.5, 0.07))):
        waves, tone = ((2 + number, 1.0), (5, 0.5), (11, 0.22), (23, 0.1)), stage.ground(_REEF, depth)
        reef = stage.mound(f"reef {number}", waves, rise, (foot - 1.8 * rise, foot), tone)
        stage.layers.append(replace(reef, depth=depth))
    light = mix(stage.palette.glow, WHITE, 0.3)
    sun = (stage.sun[0], -0.15)
    stage.layers.append(Strip(scenery.shafts(stage.size, sun, light, stage.rng("shafts")), 0, 0.05))
    works.shoal(stage)
    plants.corals(stage, 0.93, 0.26, 0.6)
    perform(stage, 0.68, 0.5)
    plants.kelp(stage, 1.04, 0.5)
    foreground(stage, (96.0, 150.0, 146.0), 0.95)
