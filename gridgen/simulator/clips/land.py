"""Places on land, and one above it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from gridgen.simulator.clips import plants, scenery, weather, works
from gridgen.simulator.clips.acting import perform
from gridgen.simulator.clips.colours import Colour, from_hex, lit, mix
from gridgen.simulator.clips.layers import Strip, Water
from gridgen.simulator.clips.plates import yuv

if TYPE_CHECKING:
    from gridgen.simulator.clips.stage import Stage

__all__ = [
    "city",
    "desert",
    "foreground",
    "forest",
    "hills",
    "meadow",
    "mountains",
    "outlook",
    "range_",
    "space",
    "woods",
]

FLOOR: Final = 0.79
"""Where feet stand, a share of the height: above the caption."""

_SNOW: Final = (296.0, 300.0, 312.0)
"""Brighter than white, since it is multiplied by the light."""
_FLOWERS: Final = tuple(map(from_hex, ("f45c5c", "fac44c", "faf4ec", "c47ce0")))


def _or_snow(stage: Stage, material: Colour) -> Colour:
    if "autumn" in stage.look.manner:
        material = mix(material, (206.0, 122.0, 52.0), 0.55)
    return mix(material, _SNOW, 0.92) if "snowy" in stage.look.manner else material


def _folds(stage: Stage, material: Colour, bands: tuple[tuple[float, float, float], ...]) -> None:
    """Add rolling ranges, each a (top edge, depth, height) band, far to near."""
    unit, period = stage.unit, stage.period
    for number, (top, depth, rise) in enumerate(bands):
        waves = ((2 + number, 1.0), (5 + number, 0.35), (11, 0.12))
        outline = scenery.rolling(stage.rng(f"folds {number}"), period, waves) * unit * rise
        slope = np.gradient(outline)
        relief = 1 + 0.2 * slope / (np.abs(slope).max() + 1e-6) * stage.side
        tall = round(stage.y(1.14 - top)) if number == len(bands) - 1 else round(unit * 0.3)
        slopes = (relief.astype(np.float32), 1.1 * stage.side)
        plate = scenery.terrain(outline + unit * rise * 1.5, tall, stage.ground(material, depth), slopes)
        stage.layers.append(Strip(plate, stage.y(top) - unit * rise * 1.5, depth))


def foreground(stage: Stage, material: Colour, top: float = 0.93, rise: float = 0.02) -> None:
    """Add the dark ground before everything."""
    tone = stage.ground(lit(material, (150.0, 150.0, 160.0)), 1.0)
    ground = stage.mound("foreground", ((3, 1.0), (7, 0.5)), rise, (top, 1.14), tone)
    stage.layers.append(replace(ground, depth=1.15))


def meadow(stage: Stage) -> None:
    """Set a meadow under rolling hills, with flowers."""
    green = _or_snow(stage, (112.0, 164.0, 78.0))
    _folds(stage, green, ((0.56, 0.14, 0.06), (0.62, 0.34, 0.05), (0.69, 0.62, 0.03)))
    plants.copses(stage, 0.655, 0.36)
    perform(stage, FLOOR, 0.75)
    flowers = () if "snowy" in stage.look.manner else _FLOWERS
    plants.grass(stage, 0.93, 0.2, colour=lit(green, (215.0, 225.0, 205.0)), flowers=flowers)


def outlook(stage: Stage) -> None:
    """Set what is seen from a window: hills and a few trees, far off."""
    green = _or_snow(stage, (104.0, 150.0, 90.0))
    _folds(stage, green, ((0.44, 0.14, 0.05), (0.5, 0.34, 0.04)))
    plants.copses(stage, 0.52, 0.36)


def hills(stage: Stage) -> None:
    """Set wooded hills in mist."""
    green = _or_snow(stage, (84.0, 132.0, 104.0))
    _folds(stage, green, ((0.52, 0.12, 0.08), (0.58, 0.28, 0.06)))
    woods(stage, 0.72, 0.4, 0.2, 0.45)
    weather.veil(stage, 0.68, 0.45, strength=0.5)
    _folds(stage, green, ((0.72, 0.68, 0.03),))
    if any(subject.kind == "plane" for subject in stage.look.subjects):
        tarmac = stage.ground((112.0, 112.0, 122.0), 0.75)
        stage.layers.append(replace(stage.mound("runway", (), 0.0, (0.765, 0.83), tarmac), depth=0.75))
        perform(stage, FLOOR, 0.75)
        return
    perform(stage, FLOOR, 0.75)
    woods(stage, 1.0, 1.15, 0.26, 1.1)


def desert(stage: Stage) -> None:
    """Set dunes over which sand is blown."""
    sand = (236.0, 164.0, 96.0)
    _folds(stage, sand, ((0.57, 0.2, 0.07), (0.64, 0.45, 0.065), (0.71, 0.75, 0.045)))
    weather.blown(stage, sand)
    perform(stage, FLOOR, 0.8)
    foreground(stage, (206.0, 128.0, 72.0))


def range_(stage: Stage, foot: float, depth: float, rise: float, peaks: int) -> None:
    """Add a range of rocky mountains whose feet are at a share of the height."""
    unit, number = stage.unit, peaks
    outline = scenery.crags(stage.rng(f"range {number}"), stage.period, peaks) * unit * rise
    relief = 1 + 0.26 * np.tanh(scenery.smooth(np.gradient(outline), 5) * 2.2) * stage.side
    teeth = scenery.crags(stage.rng(f"cap {number}"), stage.period, 40) * unit * 0.016
    top = outline - outline.min() + 4
    reach = unit * rise * (1.5 if "snowy" in stage.look.manner else 0.95)
    cap = np.clip(reach - top * 0.9 + teeth, 0, None)
    tall = round(float(top.max()) + unit * 0.04)
    tone = stage.ground(mix((92.0, 104.0, 134.0), (120.0, 96.0, 104.0), 0.3), depth)
    slopes = (relief.astype(np.float32), 0.55 * stage.side)
    plate = scenery.terrain(top, tall, tone, slopes, cap=cap.astype(np.float32))
    stage.strip(plate, foot, depth)


def mountains(stage: Stage) -> None:
    """Set two ranges of snowy summits behind firs."""
    range_(stage, 0.7, 0.18, 0.2, 4)
    range_(stage, 0.78, 0.4, 0.13, 7)
    volcanic = any(subject.kind == "volcano" for subject in stage.look.subjects)
    if volcanic:
        perform(stage, 0.8, 0.5)
    weather.veil(stage, 0.69, 0.42, strength=0.55)
    woods(stage, 0.78, 0.62, 0.17, 0.45)
    _folds(stage, _or_snow(stage, (78.0, 116.0, 84.0)), ((0.745, 0.8, 0.014),))
    if not volcanic:
        perform(stage, FLOOR, 0.8)
    woods(stage, 1.02, 1.2, 0.28, 1.2)


def woods(stage: Stage, foot: float, depth: float, height: float, spread: float) -> None:
    """Add a row of firs."""
    material: Colour = (40.0, 92.0, 70.0)
    if "autumn" in stage.look.manner:
        material = (208.0, 112.0, 48.0)
    material = mix(material, _SNOW, 0.3) if "snowy" in stage.look.manner else material
    plants.conifers(stage, (foot, depth), height, stage.ground(material, depth), spread * 0.5)


def forest(stage: Stage) -> None:
    """Set a forest of firs, or of birches where the prompt says so."""
    floor = _or_snow(stage, (86.0, 112.0, 66.0))
    woods(stage, 0.72, 0.12, 0.34, 0.35)
    woods(stage, 0.74, 0.26, 0.4, 0.5)
    if "birch" in stage.look.manner:
        plants.birches(stage, 0.735, 0.3, 13)
    else:
        woods(stage, 0.77, 0.46, 0.52, 0.8)
    if not stage.palette.night:
        stage.layers.append(
            Strip(scenery.shafts(stage.size, stage.sun, stage.palette.glow, stage.rng("shafts")), 0, 0.02)
        )
    _folds(stage, floor, ((0.7, 0.66, 0.012),))
    if "birch" in stage.look.manner:
        plants.birches(stage, 0.775, 0.62, 6)
    weather.veil(stage, 0.73, 0.55, strength=0.4)
    perform(stage, FLOOR, 0.8)
    if "birch" in stage.look.manner:
        plants.birches(stage, 1.02, 1.0, 2)
    else:
        plants.trunks(stage)
    foreground(stage, floor, 0.95)


def city(stage: Stage) -> None:
    """Set towers over a street that mirrors them where it is wet."""
    palette, wet = stage.palette, bool({"rain", "storm"} & stage.look.weather) or "neon" in stage.look.manner
    kerb = 0.69
    lights = 0.3 if palette.night else 0.4
    pane = palette.lamp if palette.night else mix(palette.top, palette.low, 0.6)
    for number, (depth, height, wide) in enumerate(
        ((0.14, 0.62, 0.12), (0.32, 0.52, 0.16), (0.55, 0.42, 0.3))
    ):
        tone = stage.ground((70.0, 72.0, 104.0), depth + 0.12)
        lamp = mix(pane, palette.haze, 0.5 - 0.6 * depth)
        row = works.towers(stage, number, height, tone, lamp, lights=lights, wide=wide)
        stage.strip(row, kerb, depth)
        if number and "neon" in stage.look.manner:
            stage.strip(works.signs(stage, number, height), kerb, depth)
    far, near = mix(palette.haze, (26.0, 24.0, 44.0), 0.5), lit((84.0, 86.0, 108.0), palette.shade)
    share = (0.3, 0.6) if wet else (0.86, 0.97)
    stage.layers.append(
        Water(round(stage.y(kerb)), stage.size, (yuv(far), yuv(near)), share, 0.8 if wet else 0.0)
    )
    if "rain" in stage.look.weather:
        weather.drops(stage, kerb, 0.95)
    perform(stage, FLOOR, 0.8, mirrored=wet)
    works.wires(stage)


def space(stage: Stage) -> None:
    """Set planets among stars."""
    luck = stage.rng("planets")
    tones = ((228.0, 148.0, 96.0), (126.0, 166.0, 232.0), (204.0, 132.0, 208.0), (120.0, 200.0, 180.0))
    first = tones[int(luck.integers(0, 4))]
    unit, tint = stage.unit, stage.tint(first)
    big = works.planet(stage.rng("planet"), unit * 0.34, tint, ringed=bool(luck.integers(0, 2)))
    x, y = stage.size[0] * (0.5 - 0.28 * stage.side), stage.y(0.4)
    stage.layers.append(stage.hung(big, x, y, 0.12))
    moon = works.planet(stage.rng("moon"), unit * 0.07, (198.0, 198.0, 208.0), ringed=False)
    stage.layers.append(stage.hung(moon, stage.size[0] * (1 - x / stage.size[0]) * 0.9, stage.y(0.62), 0.3))
    perform(stage, FLOOR, 0.5)
