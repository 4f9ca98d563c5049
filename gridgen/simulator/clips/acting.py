"""How subjects move over a stage, and what they leave on it: shadow, mirror image, spray, light."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from gridgen.simulator.clips import scenery
from gridgen.simulator.clips.cast import cycle
from gridgen.simulator.clips.colours import BLACK, WHITE, mix
from gridgen.simulator.clips.kinds import KINDS, having
from gridgen.simulator.clips.layers import Beam, Sprite
from gridgen.simulator.clips.particles import Burst, spot, spray
from gridgen.simulator.clips.plates import yuv
from gridgen.simulator.clips.stage import chance

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from gridgen.simulator.clips.colours import Colour
    from gridgen.simulator.clips.plates import Plate
    from gridgen.simulator.clips.stage import Stage
    from gridgen.simulator.clips.words import Subject

    Path = Callable[[float], tuple[float, float]]

__all__ = ["perform", "stands"]

_SECOND: Final = 0.8
_IN_AIR: Final = having("air")
_AFLOAT: Final = having("afloat")
_BUILT: Final = having("built")
_PEOPLE: Final = having("person")
_GROUNDED: Final = frozenset({"run", "walk", "wait", "dance"})
_BESIDE: Final = {1: (1,), 2: (-1, 1), 3: (-1, 1, 2), 4: (-2, -1, 1, 2)}
"""Where companions are, by how many there are."""
_COATS: Final = ("crimson", "teal", "navy", "olive", "purple", "amber", "brown", "emerald")


@dataclass(frozen=True, slots=True)
class _Mark:
    """Where one subject acts: pixels of its height, foot and start, depth, its luck, whether it is the main one."""

    subject: Subject
    height: int
    foot: float
    depth: float
    luck: random.Random
    leads: bool
    start: float


def _mark(stage: Stage, number: int, foot: float, depth: float, scale: float = 1.0) -> _Mark:
    subject = _dressed(stage)(stage.look.subjects[number])
    luck = chance(stage.prompt, stage.seed, f"path {subject.kind}")
    size = KINDS[subject.kind].height * luck.uniform(0.92, 1.1) * (_SECOND if number else 1.0) * scale
    near, far = (0.6, 0.76) if number else (0.32, 0.54)
    if subject.kind in _BUILT:
        near, far = (0.26, 0.36) if stage.side > 0 else (0.64, 0.74)
    start = stage.size[0] * luck.uniform(near, far)
    return _Mark(subject, round(size * stage.unit), foot, depth, luck, number == 0, start)


def stands(stage: Stage) -> bool:
    """Return whether the main subject needs ground under its feet."""
    return any(_on_foot(subject) for subject in stage.look.subjects[:1])


def _on_foot(subject: Subject) -> bool:
    aloft = _IN_AIR | _AFLOAT | _BUILT
    return subject.deed in _GROUNDED and (subject.kind == "astronaut" or subject.kind not in aloft)


def perform(
    stage: Stage,
    foot: float,
    depth: float,
    *,
    afloat: bool = False,
    mirrored: bool = False,
    scale: float = 1.0,
) -> None:
    """Add the prompt's subjects to a stage.

    Parameters
    ----------
    stage : Stage
    foot : float
        Where they stand or float, a share of the height.
    depth : float
        Of that place, 0 far to 1 near.
    afloat : bool, default False
        Whether the place is water.
    mirrored : bool, default False
        Whether the ground is wet enough to mirror them.
    scale : float, default 1.0
        How much larger than usual they are, being near.
    """
    for number in reversed(range(len(stage.look.subjects))):
        mark = _mark(stage, number, stage.y(foot), depth, scale)
        path, subject = _path(stage, mark), mark.subject
        carried = number and subject.kind == "umbrella"
        if subject.many and not carried and "alone" not in KINDS[subject.kind].traits:
            _accompany(stage, mark, path, afloat=afloat)
        _act(stage, mark, path, afloat=afloat, mirrored=mirrored)


def _dressed(stage: Stage) -> Callable[[Subject], Subject]:
    """Return what gives people whose colour the prompt leaves open one of their own."""
    coat = chance(stage.prompt, 0, "coat").choice(_COATS)
    return lambda subject: (
        replace(subject, colour=coat) if subject.kind in _PEOPLE and not subject.colour else subject
    )


def _accompany(stage: Stage, mark: _Mark, path: Path, *, afloat: bool) -> None:
    """Add four more of a subject behind it, smaller and each in its own step."""
    part, luck = KINDS[mark.subject.kind], chance(stage.prompt, stage.seed, f"others {mark.subject.kind}")
    height = round(mark.height * (0.9 if mark.subject.others == 1 else 0.62))
    pictures = cycle(mark.subject, height, stage.palette)
    flying = mark.subject.kind in _IN_AIR or mark.subject.deed in {"fly", "swim"}
    highest = -0.1 if afloat else -0.7
    for number in _BESIDE[mark.subject.others]:
        aside = max(mark.height * 0.85, pictures[0].width * 0.8) * (number + luck.uniform(-0.25, 0.25))
        above = mark.height * (luck.uniform(highest, 0.6) if flying else 0.13 + luck.uniform(0, 0.03))
        lead = luck.uniform(0, part.seconds)

        def follow(
            t: float, aside: float = aside, above: float = above, lead: float = lead
        ) -> tuple[float, float]:
            x, y = path(t)
            return x + aside, y + above + height * 0.04 * math.sin(1.4 * t + 6 * lead)

        depth = 0.0 if stage.track else mark.depth * 0.45
        stage.layers.append(Sprite(pictures, follow, part.frames / part.seconds, depth, lead))


def _act(stage: Stage, mark: _Mark, path: Path, *, afloat: bool, mirrored: bool) -> None:
    part = KINDS[mark.subject.kind]
    pictures = cycle(
        mark.subject, mark.height, stage.palette, rough=2.4 if "storm" in stage.look.weather else 1.0
    )
    rate = part.frames / part.seconds
    if mark.subject.deed == "bloom":
        rate = (part.frames - 0.01) / stage.seconds
    shift = 0.0 if stage.track else mark.depth * 0.5
    rests = _on_foot(mark.subject)
    waterline = 0.8 if afloat and mark.subject.kind in _AFLOAT else 0.97 if mirrored and rests else None
    if waterline is not None:
        upside = [plate.mirrored(0.34) for plate in pictures]
        _below(stage, upside, path, mark.height * (2 * waterline - 1), rate=rate, depth=shift)
    elif rests and not afloat:
        _shadow(stage, path, mark, shift)
    if mark.subject.deed == "leap" and afloat:
        _splash(stage, mark)
    shine = _SHINING.get(mark.subject.kind)
    if shine is not None:
        shine(stage, mark, path(0.0))
    stage.layers.append(Sprite(pictures, path, rate, shift))


def _below(
    stage: Stage, pictures: list[Plate], path: Path, drop: float, *, rate: float = 0.0, depth: float
) -> None:
    """Add pictures that go with a path, so many pixels below it."""
    stage.layers.append(Sprite(pictures, lambda t: (path(t)[0], path(t)[1] + drop), rate, depth))


def _shadow(stage: Stage, path: Path, mark: _Mark, shift: float) -> None:
    wide = mark.height * (0.5 if mark.subject.kind in {*_PEOPLE, "robot"} else 1.05)
    plate = scenery.glow(wide * 0.5, mix(stage.palette.shade, BLACK, 0.75), 0.6, flat=0.16)
    _below(stage, [plate], path, mark.height * 0.46, depth=shift)


def _burst(
    stage: Stage,
    mark: _Mark,
    origin: tuple[float, float],
    rounds: tuple[tuple[float, ...], float],
    grains: tuple[tuple[int, float, float, Colour], ...],
    *,
    fan: tuple[float, float],
) -> None:
    """Throw grains up at some times in each round: how many, how large, how strong, in which colour."""
    rng = np.random.Generator(np.random.PCG64(mark.luck.getrandbits(60)))
    times, every = rounds
    for count, size, strength, tone in grains:
        speeds = spray(rng, count, fan, (0.1, 0.62)) * np.float32(mark.height * 1.6)
        stamp = spot(max(1.0, stage.unit * size), strength)
        stage.layers.append(Burst(origin, speeds, stage.unit * 0.9, times, every, 1.4, stamp, yuv(tone)))


def _splash(stage: Stage, mark: _Mark) -> None:
    every, start = _round(stage), mark.start
    tone = mix(stage.palette.low, WHITE, 0.7)
    rounds = ((every * 0.04, every * 0.8), every)
    grains = ((170, 0.003, 0.9, tone), (110, 0.007, 0.5, tone))
    _burst(stage, mark, (start, mark.foot + mark.height * 0.04), rounds, grains, fan=(-2.5, -0.64))
    # white water is left where something breaks the surface and falls back
    shares = (0.5, 1.0, 0.8, 0.6, 0.45, 0.35, 0.35, 0.3, 0.6, 1.0, 0.85, 0.6)
    foam = [
        scenery.glow(mark.height * (0.5 + 0.1 * share), tone, 0.85 * share, flat=0.16) for share in shares
    ]
    stage.layers.append(Sprite(foam, lambda _: (start, mark.foot), len(shares) / every))


def _lava(stage: Stage, mark: _Mark, middle: tuple[float, float]) -> None:
    crater = (middle[0], middle[1] - mark.height * 0.36)
    red = (255.0, 110.0, 44.0)
    stage.layers.append(stage.hung(scenery.glow(mark.height * 0.6, red, 0.55), *crater, mark.depth * 0.5))
    times = tuple(0.3 * step for step in range(10))
    grains = ((30, 0.004, 0.95, (255.0, 176.0, 84.0)), (10, 0.008, 0.95, red))
    _burst(stage, mark, crater, (times, 3.0), grains, fan=(-1.95, -1.2))


def _blaze(stage: Stage, mark: _Mark, middle: tuple[float, float]) -> None:
    plates = [
        scenery.glow(mark.height * (1.3 + share), (255.0, 150.0, 60.0), 0.55) for share in (0, 0.12, 0.05)
    ]
    stage.layers.append(Sprite(plates, lambda _: middle, 7.0, mark.depth * 0.5))


def _light(stage: Stage, mark: _Mark, middle: tuple[float, float]) -> None:
    lamp = (middle[0], middle[1] - mark.height * 0.365)
    dark = stage.palette.night or "fog" in stage.look.weather
    shine = scenery.glow(mark.height * 0.42, stage.palette.lamp, 0.8 if dark else 0.35)
    stage.layers.append(stage.hung(shine, *lamp, mark.depth * 0.5))
    if dark:
        strength, floor = 0.7 if "fog" in stage.look.weather else 0.5, round(stage.y(0.86))
        beam = Beam(stage.size, lamp, width=0.17, turn=0.9, strength=strength, floor=floor)
        stage.layers.append(beam)


def _steam(stage: Stage, mark: _Mark, middle: tuple[float, float]) -> None:
    """Add warm air that rises and thins."""
    for number in range(3):
        plates = [
            scenery.glow(mark.height * (0.1 + 0.016 * step), _STEAM, 0.05 * (12 - step)) for step in range(12)
        ]

        def rise(t: float, lag: float = number / 3) -> tuple[float, float]:
            u = (t / 3 + lag) % 1
            side = mark.height * 0.12 * math.sin(5 * u + 6 * lag)
            return middle[0] + side, middle[1] - mark.height * (0.2 + 0.6 * u)

        stage.layers.append(Sprite(plates, rise, 4.0, mark.depth * 0.5, number))


_STEAM: Final = (255.0, 250.0, 242.0)
_SHINING: Final[dict[str, Callable[[Stage, _Mark, tuple[float, float]], None]]] = {
    "campfire": _blaze,
    "cup": _steam,
    "lighthouse": _light,
    "volcano": _lava,
}
"""What some subjects add to the light around them."""


def _round(stage: Stage) -> float:
    """Return the seconds between two leaps: all of a short clip."""
    return stage.seconds / max(1, round(stage.seconds / 5.0))


def _path(stage: Stage, mark: _Mark) -> Path:
    start, kind, deed = mark.start, mark.subject.kind, mark.subject.deed
    middle = mark.foot - mark.height * 0.48
    lead = stage.look.subjects[0]
    if kind == "umbrella" and not mark.leads and lead.kind in _PEOPLE:
        return _held(stage, mark)
    if kind in _BUILT or deed == "wait":
        return lambda _: (start, middle)
    if deed == "leap":
        every = _round(stage)
        return lambda t: _leap(t, every, start, mark.foot, mark.height)
    if (kind in _IN_AIR and not _on_foot(mark.subject)) or deed in {"fly", "rise", "fall"}:
        return _airborne(stage, mark, start)
    if deed in {"float", "swim"} or kind in _AFLOAT:
        return _afloat(stage, mark, start - stage.size[0] * 0.1)
    return _passing(stage, mark) if kind == "train" else _afoot(stage, mark, (start, middle))


def _held(stage: Stage, mark: _Mark) -> Path:
    """Return the way of what a main subject carries over its head."""
    bearer = _mark(stage, 0, mark.foot, mark.depth)
    path = _path(stage, bearer)
    return lambda t: (path(t)[0] + bearer.height * 0.08, path(t)[1] - bearer.height * 0.4)


def _passing(stage: Stage, mark: _Mark) -> Path:
    speed, way = stage.unit * 0.55, stage.size[0] + 9 * mark.height
    y = mark.foot - mark.height * 0.62
    return lambda t: ((t * speed + 2 * mark.height) % way - 4 * mark.height, y)


def _afloat(stage: Stage, mark: _Mark, start: float) -> Path:
    speed = stage.unit * {"swim": 0.14, "run": 0.14, "walk": 0.085}.get(mark.subject.deed, 0.05)
    middle = mark.foot - mark.height * 0.34
    heave = mark.height * (0.13 if "storm" in stage.look.weather else 0.03)
    if mark.subject.deed == "swim":
        across = _around(stage, mark, start, speed)
        return lambda t: (across(t), middle + heave * math.sin(t * 2.2))
    speed = min(speed, (stage.size[0] * 0.94 - start) / stage.seconds)
    return lambda t: (start + speed * t, middle + heave * math.sin(t * 2.2))


def _around(stage: Stage, mark: _Mark, first: float, speed: float) -> Callable[[float], float]:
    """Return where something is on its way to the right, out of the frame and in again."""
    way, margin = stage.size[0] + 2 * mark.height, mark.height
    return lambda t: (first + speed * t + margin) % way - margin


def _afoot(stage: Stage, mark: _Mark, place: tuple[float, float]) -> Path:
    start, middle = place
    width = stage.size[0]
    if stage.track and mark.leads:
        return lambda t: (start + width * 0.05 * math.sin(t * 0.6), middle)
    speed = stage.unit * (0.34 if mark.subject.deed == "run" else 0.1)
    first = width * 0.16 if mark.subject.deed == "run" else start - width * 0.2
    across = _around(stage, mark, first, speed)
    return lambda t: (across(t), middle)


def _airborne(stage: Stage, mark: _Mark, start: float) -> Path:
    width, tall = stage.size
    height, level = mark.height, tall * mark.luck.uniform(0.26, 0.38)
    if mark.subject.kind == "butterfly":
        level += tall * 0.22
    if mark.subject.deed == "rise":
        speed, base = min(0.07, 0.44 / stage.seconds), 0.62 if mark.subject.kind == "rocket" else 0.5
        return lambda t: (start, tall * (base - speed * t))
    if mark.subject.deed == "fall" and mark.subject.kind == "plane":
        low = mark.foot - height * 0.5
        glide = min(stage.unit * 0.13, width * 0.6 / stage.seconds)
        return lambda t: (
            width * 0.16 + glide * t,
            min(low, level * 0.7 + (low - level * 0.7) * 1.25 * t / stage.seconds),
        )
    if mark.subject.deed == "fall":
        speed = tall * min(0.06, 0.4 / stage.seconds)
        return lambda t: (start + height * 0.5 * math.sin(t), level + speed * t)
    slow = mark.subject.kind in {"balloon", "lantern", "astronaut"}
    speed, first = stage.unit * (0.03 if slow else 0.13), start - width * (0.08 if slow else 0.24)
    across, rate = _around(stage, mark, first, speed), 0.9 if slow else 1.7
    return lambda t: (across(t), level + height * 0.12 * math.sin(t * rate))


def _leap(t: float, every: float, start: float, foot: float, height: float) -> tuple[float, float]:
    """Return where something is that rises out of the water and falls back, again and again."""
    u = (t % every) / every
    reach = math.sin(math.pi * min(1.0, max(0.0, (u - 0.02) / 0.9))) ** 0.8
    return start + height * 0.5 * (u - 0.4), foot + height * 0.66 - height * 0.96 * reach
