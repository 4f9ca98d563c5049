"""What falls, drifts and shines: rain, snow, fog, stars and small lights."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from gridgen.simulator.clips import scenery
from gridgen.simulator.clips.colours import Colour, mix
from gridgen.simulator.clips.layers import Flakes, Flash
from gridgen.simulator.clips.plates import yuv

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gridgen.simulator.clips.stage import Stage

    Stamp = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]

__all__ = ["fall", "stars", "veil"]


def spot(radius: float, strength: float = 1.0) -> Stamp:
    """Return the stamp of a soft round particle."""
    reach = math.ceil(radius)
    down, right = (axis.ravel() for axis in np.mgrid[-reach : reach + 1, -reach : reach + 1])
    cover = np.clip((radius + 0.5 - np.hypot(down, right)) / max(0.9, radius * 0.7), 0, 1) * strength
    kept = cover > 0.02
    order = np.argsort(-cover[kept], kind="stable")
    return down[kept][order], right[kept][order], cover[kept][order].astype(np.float32)


def streak(length: float, slant: float, strength: float) -> Stamp:
    """Return the stamp of a raindrop's trace."""
    down = np.arange(max(2, round(length)))
    cover = np.linspace(0.15, 1, down.size, dtype=np.float32) * strength
    return down, np.round(down * slant).astype(np.int64), cover


def _crowd(stage: Stage, name: str, count: int, speed: tuple[float, float], sway: float, stamp: Stamp, colour: Colour, **extra: float) -> Flakes:
    rng, (width, height), unit = stage.rng(f"flakes {name}"), stage.size, stage.unit
    margin = round(0.08 * unit)
    field = (-margin, -margin, width + 2 * margin, height + 2 * margin)
    places = rng.random((count, 2), np.float32) * np.array(field[2:], np.float32)
    pace = 0.75 + 0.5 * rng.random((count, 1), np.float32)
    swing = np.stack([rng.random(count) * sway * unit, 0.6 + 1.4 * rng.random(count), rng.random(count) * 2 * math.pi], -1)
    speeds = np.array(speed, np.float32) * unit * pace
    return Flakes(places, speeds.astype(np.float32), swing.astype(np.float32), stamp, yuv(colour), field, **extra)


def _count(stage: Stage, usual: float) -> int:
    width, height = stage.size
    return max(4, round(usual * stage.look.heavy * width * height / (stage.unit**2 * 16 / 9)))


def fall(stage: Stage) -> None:
    """Add whatever falls or floats before the scene."""
    weather, unit = stage.look.weather, stage.unit
    if "snow" in weather:
        for number, (count, size, speed) in enumerate(((150, 0.0022, 0.10), (80, 0.004, 0.17), (26, 0.0085, 0.27))):
            stage.layers.append(_crowd(stage, f"snow {number}", _count(stage, count), (0.02, speed), 0.02, spot(size * unit, 0.9 - 0.12 * number), (250, 252, 255), depth=0.4 + 0.4 * number))
    elif "rain" in weather:
        wind = 0.42 if "storm" in weather else 0.12
        tone = mix(stage.palette.low, (255.0, 255.0, 255.0), 0.6)
        for number, (count, long, speed) in enumerate(((90, 0.035, 1.5), (60, 0.06, 2.2))):
            stamp = streak(long * unit, -wind * 0.8, 0.3 + 0.14 * number)
            stage.layers.append(_crowd(stage, f"rain {number}", _count(stage, count), (-speed * wind * 0.8, speed), 0.0, stamp, tone, depth=0.3))
    for name in sorted(weather & set(_DRIFTING)):
        count, size, speed, sway, colour, twinkle = _DRIFTING[name]
        stage.layers.append(_crowd(stage, name, _count(stage, count), speed, sway, spot(size * unit, 0.9), colour, twinkle=twinkle))
    if not weather & {"snow", "rain", *_DRIFTING}:
        name = "fireflies" if stage.palette.night else "motes"
        stage.layers.append(_crowd(stage, name, _count(stage, 18), (0.012, -0.014), 0.03, spot(0.0035 * unit, 0.55), mix(stage.palette.sun, (255.0, 255.0, 255.0), 0.3), twinkle=1.0))
    if "storm" in weather and "snow" not in weather:
        luck = stage.rng("lightning")
        stage.layers.append(Flash(tuple(float(t) for t in luck.uniform(0.6, 5.0, 2)), 5.5))


_DRIFTING: dict[str, tuple[int, float, tuple[float, float], float, Colour, float]] = {
    "petals": (46, 0.007, (0.05, 0.09), 0.04, (255.0, 190.0, 208.0), 0.0),
    "leaves": (30, 0.009, (0.06, 0.11), 0.06, (226.0, 122.0, 44.0), 0.0),
    "embers": (50, 0.0035, (0.02, -0.16), 0.03, (255.0, 160.0, 60.0), 0.7),
    "fireflies": (34, 0.005, (0.01, -0.006), 0.05, (236.0, 246.0, 130.0), 1.0),
    "bubbles": (40, 0.005, (0.0, -0.13), 0.02, (220.0, 250.0, 250.0), 0.0),
    "dust": (70, 0.003, (0.16, 0.004), 0.02, (250.0, 220.0, 176.0), 0.4),
    "confetti": (60, 0.008, (0.02, 0.14), 0.05, (250.0, 210.0, 80.0), 0.0),
}


def stars(stage: Stage) -> None:
    """Add stars to the sky, some of which twinkle."""
    for name, count, size, twinkle in (("faint", 130, 0.0012, 0.3), ("bright", 34, 0.0026, 0.85)):
        crowd = _crowd(stage, f"stars {name}", _count(stage, count) , (0.0, 0.0), 0.0, spot(size * stage.unit, 0.7), (238, 242, 255), twinkle=twinkle, depth=0.02)
        stage.layers.append(crowd)


def veil(stage: Stage, foot: float, depth: float) -> None:
    """Add a drifting bank of fog whose middle is at `foot`, a share of the height."""
    rng = stage.rng(f"fog {foot}")
    height = round(stage.unit * 0.34)
    tone = mix(stage.palette.haze, (255.0, 255.0, 255.0), 0.06 if stage.palette.night else 0.3)
    plate = scenery.clouds(rng, stage.period, height, tone, cover=0.9)
    stage.strip(plate, foot + height / 2 / stage.size[1], depth, speed=stage.unit * 0.04 * (0.5 + depth))
