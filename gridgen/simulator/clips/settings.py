"""The places: which scenery stands where, from the sky to the foreground."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from gridgen.simulator.clips import scenery
from gridgen.simulator.clips.colours import Colour, lit, mix
from gridgen.simulator.clips.layers import Water
from gridgen.simulator.clips.plates import yuv

if TYPE_CHECKING:
    from collections.abc import Callable

    from gridgen.simulator.clips.stage import Stage

__all__ = ["SETTINGS", "settle"]

_SNOW: Final = (226.0, 234.0, 246.0)


def settle(place: str | None, kinds: frozenset[str], choice: Callable[[tuple[str, ...]], str]) -> str:
    """Decide on a place.

    Parameters
    ----------
    place : str or None
        What the prompt says.
    kinds : frozenset of str
        The subjects, which suggest one.
    choice : callable
        Chooses where nothing says anything.
    """
    if place is not None:
        return place
    for home, kept in _HOMES.items():
        if kinds & kept:
            return home
    return choice(("meadow", "mountains", "lake", "desert", "hills"))


_HOMES: Final = {
    "sea": frozenset({"paper boat", "sailboat", "ship", "whale", "dolphin", "lighthouse"}),
    "underwater": frozenset({"fish", "jellyfish"}),
    "space": frozenset({"astronaut", "rocket"}),
    "city": frozenset({"robot", "car", "train", "umbrella"}),
    "forest": frozenset({"fox", "wolf", "deer", "bear"}),
    "meadow": frozenset({"horse", "dog", "cat", "butterfly", "windmill", "balloon"}),
    "desert": frozenset({"elephant"}),
}


def _hills(stage: Stage, material: Colour) -> None:
    """Add three rolling ranges and the ground that subjects stand on."""
    unit, period = stage.unit, stage.period
    for number, (foot, depth, rise) in enumerate(((0.72, 0.16, 0.07), (0.8, 0.36, 0.06), (0.9, 0.6, 0.045))):
        rng = stage.rng(f"hills {number}")
        waves = ((2 + number, 1.0), (5 + number, 0.35), (11, 0.12))
        outline = scenery.rolling(rng, period, waves) * unit * rise
        relief = 1 + 0.16 * np.gradient(outline) / (np.abs(np.gradient(outline)).max() + 1e-6)
        tall = stage.y(0.2) + unit * rise * 1.6
        stage.strip(scenery.terrain(outline + unit * rise * 1.5, round(tall), stage.ground(material, depth), relief), foot + 0.06, depth)
    stage.perform(0.86, 0.7)


def _foreground(stage: Stage, material: Colour, foot: float = 1.0, rise: float = 0.03) -> None:
    rng, unit = stage.rng("foreground"), stage.unit
    outline = scenery.rolling(rng, stage.period, ((3, 1.0), (7, 0.5))) * unit * rise
    stage.strip(scenery.terrain(outline + unit * rise * 1.5, round(unit * 0.22), stage.ground(material, 1.0)), foot, 1.0)


def meadow(stage: Stage) -> None:
    """Set a green meadow under hills."""
    _hills(stage, _SNOW if "snowy" in stage.look.manner else (96.0, 148.0, 74.0))
    _foreground(stage, _SNOW if "snowy" in stage.look.manner else (64.0, 112.0, 58.0))


def hills(stage: Stage) -> None:
    """Set hills with woods on them."""
    material = _SNOW if "snowy" in stage.look.manner else (74.0, 118.0, 96.0)
    _hills(stage, material)
    _woods(stage, 1.04, 1.0, 0.3, 0.5)


def desert(stage: Stage) -> None:
    """Set dunes."""
    _hills(stage, (232.0, 158.0, 92.0))
    _foreground(stage, (196.0, 118.0, 66.0))


def mountains(stage: Stage) -> None:
    """Set three ranges with snow on the summits, and firs before them."""
    unit, period = stage.unit, stage.period
    for number, (foot, depth, rise, peaks) in enumerate(((0.74, 0.22, 0.2, 4), (0.84, 0.45, 0.15, 6))):
        outline = scenery.crags(stage.rng(f"range {number}"), period, peaks) * unit * rise
        slope = np.gradient(outline)
        relief = 1 + 0.3 * np.tanh(slope * 2.0) * (1 if stage.sun[0] > 0.5 else -1) * -1
        cap = np.clip(unit * (0.1 - 0.05 * number) - outline * 0.35 + scenery.crags(stage.rng(f"cap {number}"), period, 30) * unit * 0.02, 0, None)
        top = outline - outline.min() + 4
        tone = stage.ground((104.0, 116.0, 142.0), depth)
        stage.strip(scenery.terrain(top, round(float(top.max()) + unit * 0.12), tone, relief.astype(np.float32), cap), foot, depth)
    _woods(stage, 0.92, 0.68, 0.24, 0.45)
    stage.perform(0.9, 0.7)
    _foreground(stage, _SNOW if "snowy" in stage.look.manner else (60.0, 92.0, 66.0))


def _woods(stage: Stage, foot: float, depth: float, height: float, spread: float) -> None:
    material = mix((38.0, 84.0, 62.0), _SNOW, 0.35 if "snowy" in stage.look.manner else 0.0)
    if "autumn" in stage.look.manner:
        material = (196.0, 104.0, 44.0)
    rng = stage.rng(f"woods {foot}")
    plate = scenery.conifers(rng, stage.period, round(height * stage.unit) // 2 * 2, stage.ground(material, depth), spread=spread * 0.5, ground=0.16)
    stage.strip(plate, foot, depth)


def forest(stage: Stage) -> None:
    """Set a forest of firs, or of birches where the prompt says so."""
    birch = "birch" in stage.look.manner
    ground = _SNOW if "snowy" in stage.look.manner else (70.0, 92.0, 58.0)
    _woods(stage, 0.76, 0.18, 0.36, 0.4)
    _woods(stage, 0.82, 0.36, 0.42, 0.55)
    if birch:
        for number, (foot, near, count) in enumerate(((0.84, 0.3, 15), (0.88, 0.6, 9))):
            plate = scenery.trunks(stage.rng(f"birch {number}"), stage.period, round(stage.y(foot)) // 2 * 2, stage.palette, near=near, count=count)
            stage.strip(plate, foot, 0.35 + near * 0.4)
    else:
        _woods(stage, 0.9, 0.6, 0.52, 0.8)
    rng = stage.rng("floor")
    outline = scenery.rolling(rng, stage.period, ((3, 1.0), (8, 0.4))) * stage.unit * 0.015
    stage.strip(scenery.terrain(outline + stage.unit * 0.03, round(stage.y(0.26)), stage.ground(ground, 0.85)), 1.06, 0.75)
    stage.perform(0.9, 0.75)
    if birch:
        plate = scenery.trunks(stage.rng("birch near"), stage.period, stage.size[1], stage.palette, near=1.0, count=3)
        stage.strip(plate, 1.0, 1.25)
    _foreground(stage, ground, 1.06)


def city(stage: Stage) -> None:
    """Set a street under towers, mirrored in wet asphalt."""
    palette, wet = stage.palette, bool({"rain", "storm"} & stage.look.weather)
    lights = 0.5 if palette.night else 0.14
    for number, (foot, depth, height, wide) in enumerate(((0.74, 0.2, 0.5, 0.13), (0.76, 0.42, 0.5, 0.2), (0.78, 0.72, 0.44, 0.3))):
        tone = stage.ground((58.0, 58.0, 84.0), depth + 0.1)
        plate = scenery.towers(stage.rng(f"towers {number}"), stage.period, round(stage.y(height)) // 2 * 2, tone, mix(palette.lamp, palette.haze, 0.5 - 0.5 * depth), lights=lights, wide=wide)
        stage.strip(plate, foot, depth)
    far, near = mix(palette.haze, (20.0, 20.0, 34.0), 0.55), lit((58.0, 60.0, 78.0), palette.shade)
    share = (0.5, 0.72) if wet else (0.86, 0.97)
    stage.layers.append(Water(round(stage.y(0.78)), stage.size, (yuv(far), yuv(near)), share, 0.7 if wet else 0.0))
    stage.perform(0.9, 0.8)


def sea(stage: Stage) -> None:
    """Set open water, with swell where there is a storm."""
    palette, storm = stage.palette, "storm" in stage.look.weather
    deep = lit((26.0, 92.0, 128.0), palette.shade)
    far = mix(palette.haze, deep, 0.35)
    stage.layers.append(Water(round(stage.y(stage.horizon)), stage.size, (yuv(far), yuv(deep)), (0.35, 0.7), 2.2 if storm else 1.0))
    _swell(stage, 0, deep, storm=storm)
    stage.perform(0.84, 0.7, afloat=True)
    _swell(stage, 1, deep, storm=storm)
    _swell(stage, 2, deep, storm=storm)


def _swell(stage: Stage, number: int, deep: Colour, *, storm: bool) -> None:
    unit, period = stage.unit, stage.period
    rng = stage.rng(f"swell {number}")
    rise = (0.035 if storm else 0.008) * (1 + 0.5 * number) * unit
    outline = scenery.rolling(rng, period, ((4 + number, 1.0), (9 + number, 0.45), (17, 0.2))) * rise
    crest = mix(deep, stage.palette.low, 0.35 - 0.1 * number)
    tone = (crest, mix(deep, (0.0, 0.0, 0.0), 0.25))
    plate = scenery.terrain(outline + rise * 1.8, round(unit * 0.26), tone)
    stage.strip(plate, 0.98 + 0.09 * number, 0.6 + 0.25 * number, speed=unit * (0.05 + 0.03 * number) * (1 if number % 2 else -1), bob=rise * 0.7)


def lake(stage: Stage) -> None:
    """Set a lake under hills."""
    unit, period = stage.unit, stage.period
    shore = round(stage.y(0.62)) / stage.size[1]
    for number, (depth, rise) in enumerate(((0.2, 0.16), (0.42, 0.1))):
        outline = scenery.crags(stage.rng(f"range {number}"), period, 4 + number * 2) * unit * rise
        top = outline - outline.min() + 4
        relief = 1 + 0.25 * np.tanh(np.gradient(outline) * 2.0)
        stage.strip(scenery.terrain(top, round(float(top.max())), stage.ground((98.0, 116.0, 132.0), depth), relief.astype(np.float32)), shore, depth)
    _woods(stage, shore, 0.55, 0.14, 0.5)
    deep = lit((30.0, 88.0, 112.0), stage.palette.shade)
    stage.layers.append(Water(round(stage.y(shore)), stage.size, (yuv(mix(stage.palette.haze, deep, 0.3)), yuv(deep)), (0.25, 0.6), 0.7))
    stage.perform(0.82, 0.6, afloat=True)
    _foreground(stage, _SNOW if "snowy" in stage.look.manner else (52.0, 84.0, 60.0), 1.1)


def puddle(stage: Stage) -> None:
    """Set a puddle seen from the height of a paper boat."""
    lake(stage)


def space(stage: Stage) -> None:
    """Set the night between planets."""
    stage.perform(0.6, 0.4)


def underwater(stage: Stage) -> None:
    """Set a sea bed."""
    stage.perform(0.6, 0.5)
    _foreground(stage, (86.0, 142.0, 140.0), 1.02)


SETTINGS: Final[dict[str, Callable[[Stage], None]]] = {
    "forest": forest, "city": city, "sea": sea, "desert": desert, "mountains": mountains, "meadow": meadow,
    "puddle": puddle, "lake": lake, "space": space, "underwater": underwater, "hills": hills,
}  # fmt: skip
"""Each place and who sets it."""
