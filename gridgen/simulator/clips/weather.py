"""What falls, drifts and shines: rain, snow, fog, stars and small lights."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np
from PIL import Image

from gridgen.simulator.clips import scenery
from gridgen.simulator.clips.colours import WHITE, Colour, from_hex, mix
from gridgen.simulator.clips.layers import Flash
from gridgen.simulator.clips.particles import Burst, Flakes, dash, ring, spot, spray, streak
from gridgen.simulator.clips.pen import Pen
from gridgen.simulator.clips.plates import Plate, yuv

if TYPE_CHECKING:
    from gridgen.simulator.clips.particles import Stamp
    from gridgen.simulator.clips.stage import Stage

__all__ = ["aurora", "blown", "drops", "fall", "fireworks", "glitter", "stars", "veil"]


@dataclass(frozen=True, slots=True)
class _Crowd:
    """A kind of particle.

    Attributes
    ----------
    count : int
        How many in a frame of 16:9 in usual weather.
    speed : tuple of float
        Short sides a second, right and down.
    sway : float
        Short sides, from side to side.
    radius : float
        Short sides.
    colour : Colour
    strength : float
        Coverage, 0 to 1.
    twinkle : float
        0 for steady, 1 for on and off.
    depth : float
        How strongly the camera's moves shift it.
    """

    count: int
    speed: tuple[float, float] = (0.0, 0.0)
    sway: float = 0.0
    radius: float = 0.003
    colour: Colour = (250.0, 252.0, 255.0)
    strength: float = 0.9
    twinkle: float = 0.0
    depth: float = 0.5


_SNOW: Final = (
    _Crowd(150, (0.02, 0.10), 0.02, 0.0022, depth=0.4),
    _Crowd(80, (0.02, 0.17), 0.02, 0.004, strength=0.8, depth=0.8),
    _Crowd(26, (0.02, 0.27), 0.02, 0.0085, strength=0.66, depth=1.2),
)
_STARS: Final = (
    _Crowd(130, radius=0.0012, strength=0.7, twinkle=0.3, depth=0.02),
    _Crowd(34, radius=0.0026, strength=0.8, twinkle=0.85, depth=0.02),
)
_SPARKS: Final = tuple(map(from_hex, ("ffbe50", "ff5a6e", "6edcff", "beff8c")))
_DRIFTING: Final = {
    "petals": _Crowd(70, (0.07, 0.1), 0.05, 0.0065, (255.0, 176.0, 202.0)),
    "leaves": _Crowd(30, (0.06, 0.11), 0.06, 0.009, (226.0, 122.0, 44.0)),
    "embers": _Crowd(60, (0.02, -0.16), 0.03, 0.0045, (255.0, 150.0, 50.0), twinkle=0.7),
    "fireflies": _Crowd(34, (0.01, -0.006), 0.05, 0.0055, (240.0, 250.0, 120.0), twinkle=1.0),
    "bubbles": _Crowd(40, (0.0, -0.13), 0.02, 0.005, (220.0, 250.0, 250.0), strength=0.6),
    "dust": _Crowd(90, (0.24, 0.006), 0.02, 0.0034, (252.0, 214.0, 160.0), strength=0.8, twinkle=0.4),
    "confetti": _Crowd(60, (0.02, 0.14), 0.05, 0.008, (250.0, 210.0, 80.0)),
}


def _field(stage: Stage) -> tuple[int, int, int, int]:
    margin = round(0.08 * stage.unit)
    return -margin, -margin, stage.size[0] + 2 * margin, stage.size[1] + 2 * margin


def _add(stage: Stage, name: str, crowd: _Crowd, stamp: Stamp, field: tuple[int, int, int, int]) -> None:
    rng, unit, count = stage.rng(f"flakes {name}"), stage.unit, crowd.count
    places = rng.random((count, 2), np.float32) * np.array(field[2:], np.float32)
    speeds = np.array(crowd.speed, np.float32) * unit * (0.75 + 0.5 * rng.random((count, 1), np.float32))
    swing = rng.random((count, 3), np.float32) * np.array((crowd.sway * unit, 1.4, 2 * math.pi), np.float32)
    swing[:, 1] += 0.6
    colour = yuv(crowd.colour)
    stage.layers.append(
        Flakes(places, speeds, swing, stamp, colour, field, twinkle=crowd.twinkle, depth=crowd.depth)
    )


def _spread(stage: Stage, name: str, crowd: _Crowd, heavy: float | None = None) -> None:
    """Add round particles all over the frame."""
    stamp = spot(crowd.radius * stage.unit, crowd.strength)
    _add(stage, name, _thickened(stage, crowd, heavy), stamp, _field(stage))


def _thickened(stage: Stage, crowd: _Crowd, heavy: float | None = None) -> _Crowd:
    width, height = stage.size
    share = (stage.look.heavy if heavy is None else heavy) * width * height / (stage.unit**2 * 16 / 9)
    return replace(crowd, count=max(4, round(crowd.count * share)))


def fall(stage: Stage) -> None:
    """Add whatever falls or floats before the scene."""
    weather = stage.look.weather
    if "snow" in weather:
        for number, crowd in enumerate(_SNOW):
            _spread(stage, f"snow {number}", crowd)
    elif "rain" in weather:
        _rain(stage)
    for name in sorted(weather & set(_DRIFTING)):
        _spread(stage, name, _DRIFTING[name])
    if not weather & {"snow", "rain", *_DRIFTING}:
        tone = mix(stage.palette.sun, WHITE, 0.3)
        _spread(stage, "motes", _Crowd(18, (0.012, -0.014), 0.03, 0.0035, tone, strength=0.55, twinkle=1.0))
    if "storm" in weather and "snow" not in weather:
        _lightning(stage)


def _rain(stage: Stage) -> None:
    wind = 0.42 if "storm" in stage.look.weather else 0.12
    tone = mix(stage.palette.low, WHITE, 0.6)
    for number, (count, long, speed) in enumerate(((90, 0.035, 1.5), (60, 0.06, 2.2))):
        crowd = _Crowd(count, (-speed * wind * 0.8, speed), colour=tone, depth=0.3)
        stamp = streak(long * stage.unit, -wind * 0.8, 0.32 + 0.14 * number)
        _add(stage, f"rain {number}", _thickened(stage, crowd), stamp, _field(stage))


def _lightning(stage: Stage) -> None:
    luck, width, tall = stage.rng("lightning"), stage.size[0], round(stage.y(stage.horizon))
    x = 0.5 + np.cumsum(luck.uniform(-1, 1, 12)) * 0.045
    bolt = [(float(across), step / 11) for step, across in enumerate(x)]
    fork = [bolt[4], (bolt[4][0] + 0.1, 0.52), (bolt[4][0] + 0.13, 0.66)]
    pen = Pen(tall, 1.0, None)
    for thick, strength in ((0.03, 40), (0.014, 110), (0.006, 255)):
        pen.line((strength,) * 3, *bolt, width=thick)
        pen.line((strength // 2,) * 3, *fork, width=thick / 2)
    plate = Plate.toned(np.array([(240.0, 244.0, 255.0)], np.float32), np.asarray(pen.finished()))
    times = (float(luck.uniform(0.5, 2.2)), float(luck.uniform(3.2, 4.8)))
    places = tuple((float(luck.uniform(*side)) * width - tall / 2, 0.0) for side in ((0.1, 0.4), (0.55, 0.9)))
    stage.layers.insert(1, Flash(times, 5.5, plate, places))


def glitter(stage: Stage, horizon: float, foot: float) -> None:
    """Add the sun's glints on water between two heights, shares of the frame's."""
    width, unit = stage.size[0], stage.unit
    middle = stage.sun[0] * width
    tone = mix(stage.palette.sun, stage.palette.glow, 0.2)
    path = scenery.glow(unit * 0.3, stage.palette.glow, 0.5, flat=1.1)
    stage.layers.append(stage.hung(path, middle, stage.y((horizon + foot) / 2), 0.0))
    for name, spread, count, long in (("far", 0.07, 44, 0.016), ("near", 0.13, 40, 0.034)):
        top = horizon if name == "far" else (horizon * 2 + foot) / 3
        left, right = round(middle - spread * unit * 16 / 9), round(middle + spread * unit * 16 / 9)
        field = (left, round(stage.y(top)) + 2, right - left, round(stage.y(foot - top)))
        crowd = _Crowd(count, sway=0.02, colour=tone, twinkle=1.0, depth=0.0)
        _add(stage, f"glitter {name}", crowd, dash(long * unit, 0.85), field)


def drops(stage: Stage, horizon: float, foot: float) -> None:
    """Add the rings of raindrops on water between two heights, shares of the frame's."""
    tone = mix(stage.palette.low, WHITE, 0.5)
    for number, (count, radius) in enumerate(((26, 0.012), (16, 0.024))):
        top = horizon + (foot - horizon) * 0.3 * number
        field = (0, round(stage.y(top)) + 3, stage.size[0], round(stage.y(foot - top)))
        crowd = _thickened(stage, _Crowd(count, colour=tone, twinkle=1.0, depth=0.6))
        _add(stage, f"drops {number}", crowd, ring(radius * stage.unit, 0.5), field)


def stars(stage: Stage) -> None:
    """Add stars to the sky, some of which twinkle."""
    for number, crowd in enumerate(_STARS):
        _spread(stage, f"stars {number}", crowd, heavy=1.0)


def aurora(stage: Stage) -> None:
    """Add curtains of light that waver over a night sky."""
    width, height = stage.period // 4, round(stage.y(0.6)) // 4
    down = np.arange(height, dtype=np.float32)[:, None]
    tones = np.array([(150.0, 90.0, 214.0), (70.0, 224.0, 190.0), (96.0, 244.0, 150.0)], np.float32)
    for number in range(2):
        rng = stage.rng(f"aurora {number}")
        hem = 0.62 + 0.14 * number + scenery.rolling(rng, width, ((2, 0.5), (5, 0.2))) * 0.16
        rays = 0.62 + 0.38 * scenery.rolling(rng, width, ((17, 0.4), (29, 0.35), (61, 0.25)))
        above = (hem[None, :] - down / height) / 0.62
        light = np.clip(above * 12, 0, 1) * np.exp(-2.4 * np.clip(above, 0, None)) * np.clip(rays, 0.1, 1)
        share = np.clip(1 - above * 1.5, 0, 1)
        planes = [np.interp(share, (0, 0.5, 1), tones[:, channel]) for channel in range(3)]
        planes.append(np.clip(light * (0.95 - 0.2 * number), 0, 1) * 255)
        soft = Image.fromarray(np.stack(planes, -1).astype(np.uint8))
        whole = soft.resize((stage.period, height * 4), Image.Resampling.BICUBIC)
        speed = stage.unit * (0.05, -0.035)[number]
        stage.strip(Plate.of(whole), 0.6, 0.03, speed=speed, bob=stage.unit * 0.01)


def blown(stage: Stage, colour: Colour) -> None:
    """Add sand that the wind drives along the ground."""
    dusty, unit, width = "dust" in stage.look.weather, stage.unit, stage.size[0]
    tone = mix(stage.ground(colour, 0.6)[0], WHITE, 0.45)
    for number, (count, long, speed) in enumerate(((60, 0.03, 0.5), (44, 0.07, 0.8))):
        field = (-unit // 8, round(stage.y(0.6 + 0.07 * number)), width + unit // 4, round(stage.y(0.22)))
        few = _Crowd(count, (speed, 0.012), 0.03, colour=tone, twinkle=0.8, depth=0.5 + 0.3 * number)
        crowd = _thickened(stage, few, heavy=1.6 if dusty else 0.8)
        _add(stage, f"sand {number}", crowd, dash(long * unit, 0.6 if dusty else 0.42), field)
    for foot, depth in ((0.6, 0.3), (0.74, 0.8)) if dusty else ():
        rng, tall = stage.rng(f"dust {foot}"), round(unit * 0.3)
        plate = scenery.clouds(rng, stage.period, tall, tone, cover=0.75)
        stage.strip(plate, foot + 0.15, depth, speed=unit * 0.22 * (0.6 + depth))


def fireworks(stage: Stage) -> None:
    """Add rockets that burst into balls of sparks, one after the other."""
    rng, every = stage.rng("fireworks"), 4.2
    stamp = spot(max(1.0, stage.unit * 0.009), 1.0)
    for number in range(9):
        speeds = spray(rng, 110, (0, 2 * math.pi), (0.3, 1.0)) * np.float32(stage.unit * 0.17)
        origin = (stage.size[0] * float(rng.uniform(0.1, 0.9)), stage.y(float(rng.uniform(0.12, 0.42))))
        colour = yuv(_SPARKS[number % len(_SPARKS)])
        start = (number * 0.45 % every,)
        stage.layers.append(
            Burst(origin, speeds, stage.unit * 0.05, start, every, 1.7, stamp, colour, floor=math.inf)
        )


def veil(stage: Stage, foot: float, depth: float, strength: float = 1.0) -> None:
    """Add a drifting bank of fog whose middle is at `foot`, a share of the height."""
    rng, height = stage.rng(f"fog {foot}"), round(stage.unit * 0.34)
    tone = mix(stage.palette.haze, WHITE, 0.06 if stage.palette.night else 0.3)
    plate = scenery.clouds(rng, stage.period, height, tone, cover=0.9 * strength)
    stage.strip(plate, foot + height / 2 / stage.size[1], depth, speed=stage.unit * 0.04 * (0.5 + depth))
