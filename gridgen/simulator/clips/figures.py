"""People, robots and flowers: figures with joints, which text cannot bend."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from gridgen.simulator.clips.colours import DARK, SKIN, WHITE, Colour, mix
from gridgen.simulator.clips.pen import Pen, Point, turned
from gridgen.simulator.clips.shapes import Motion, draw

if TYPE_CHECKING:
    from PIL import Image


__all__ = ["flower", "person", "robot"]

_TROUSERS: Final = (46.0, 50.0, 70.0)
_POLLEN: Final = (246.0, 204.0, 88.0)
_SEEDS: Final = (104.0, 66.0, 40.0)


def robot(height: int, colour: Colour, phase: float, lamp: Colour, *, walking: bool) -> Image.Image:
    """Draw a robot facing right at a phase (0 to 1) of its step or its breath."""
    pen = Pen(height, 0.75, colour)
    angle = phase * 2 * math.pi
    bob = (0.012 if walking else 0.006) * math.sin(2 * angle if walking else angle)
    swing = 0.42 if walking else 0.0
    for side, shade in ((math.pi, mix(colour, DARK, 0.45)), (0.0, mix(colour, DARK, 0.15))):
        lift = swing * math.sin(angle + side)
        hip, shoulder = (0.36 + (0.02 if side else 0.0), 0.66 + bob), (0.365, 0.41 + bob)
        knee = turned(hip, 0.14, lift)
        foot = turned(knee, 0.14, lift - swing * max(0.0, math.cos(angle + side)))
        pen.limb(shade, (*hip, 0.042), (*knee, 0.036), (*foot, 0.034))
        pen.box(shade, (foot[0] - 0.05, foot[1]), 0.13, 0.045, 0.02)
        if not side:
            draw(pen, "torso", {"own": colour, "lamp": lamp}, Motion(math.sin(angle)), at=(0, bob))
        elbow = turned(shoulder, 0.13, -lift * 0.8 - 0.08)
        hand = turned(elbow, 0.12, -lift * 0.6 + 0.25)
        pen.limb(shade, (*shoulder, 0.035), (*elbow, 0.029), (*hand, 0.035))
    draw(pen, "helmet", {"own": colour, "lamp": lamp}, at=(0, bob * 1.6))
    return pen.finished()


def person(height: int, colour: Colour, phase: float, *, gait: str, kind: str) -> Image.Image:
    """Draw a person, woman or child facing right; `gait` is walk, run, wait, dance or float."""
    pen, skirt, head = Pen(height, 0.8, colour), kind == "woman", 1.35 if kind == "child" else 1.0
    angle = phase * 2 * math.pi
    swing = {"walk": 0.42, "run": 0.85, "dance": 0.6}.get(gait, 0.03)
    bob = 0.015 * math.sin(2 * angle) * {"wait": 0.2, "float": 0.2, "dance": 1.8}.get(gait, 1.0)
    sway = {"run": 0.02, "dance": 0.035 * math.sin(angle)}.get(gait, 0.0)
    hip, neck = (0.4, 0.58 + bob), (0.4 + sway, 0.28 + bob)
    for side in (math.pi, 0.0):
        lift = swing * math.sin(angle + side)
        _leg(pen, hip, (lift, swing * max(0.0, math.cos(angle + side))), far=bool(side))
        if not side:
            garment = "dress" if skirt else "coat"
            draw(pen, garment, {"own": colour}, Motion(math.sin(angle)), at=neck)
        sleeve = mix(colour, DARK, 0.35 if side else 0.15)
        _arm(pen, sleeve, neck, -lift * 0.9, gait=gait, way=1.0 if side else -1.0)
    hair, blown = "long hair" if skirt else "short hair", Motion(swing * math.sin(angle + 0.8))
    draw(pen, "face", {"skin": SKIN}, at=neck, scale=head)
    draw(pen, hair, {}, blown, at=neck, scale=head)
    return pen.finished()


def _leg(pen: Pen, hip: Point, step: tuple[float, float], *, far: bool) -> None:
    lift, fold = step
    shade = mix(_TROUSERS, DARK, 0.4) if far else _TROUSERS
    knee = turned(hip, 0.18, lift + 0.06)
    foot = turned(knee, 0.18, lift - 1.1 * fold)
    pen.limb(shade, (*hip, 0.05), (*knee, 0.038), (*foot, 0.028))
    pen.limb(DARK, (*foot, 0.03), (foot[0] + 0.05, foot[1] + 0.008, 0.022))


def _arm(pen: Pen, sleeve: Colour, neck: Point, swing: float, *, gait: str, way: float) -> None:
    raised = 2.2 * way if gait == "dance" else 0.0
    shoulder = (neck[0] - 0.01, neck[1] + 0.05)
    elbow = turned(shoulder, 0.13, swing + raised)
    hand = turned(elbow, 0.12, swing + (0.9 if gait == "run" else 0.15) + raised * 1.2)
    pen.limb(sleeve, (*shoulder, 0.036), (*elbow, 0.028), (*hand, 0.02))
    pen.oval(SKIN, hand, 0.022, 0.022)


def flower(height: int, colour: Colour, spread: float, tilt: float) -> Image.Image:
    """Draw a flower on its stem, open from 0 (a bud) to 1, swung by `tilt` degrees."""
    pen, heart = Pen(height, 0.8, colour, tilt), (0.4, 0.34)
    draw(pen, "bud", {})
    fan, reach, half = math.pi * (0.16 + 0.8 * spread), 0.17 + 0.09 * spread, 0.2 + 0.1 * spread
    for ring, count in enumerate((9, 8)):
        long = reach * (1 - 0.24 * ring)
        for place in sorted((2 * petal / (count - 1) - 1 for petal in range(count)), key=lambda at: -abs(at)):
            angle = math.pi + fan * place
            tone = mix(mix(colour, WHITE, 0.22 * ring), DARK, 0.14 * abs(place))
            left, right = (turned(heart, long * 0.62, angle + turn) for turn in (half, -half))
            pen.curve(tone, heart, left, turned(heart, long, angle), right)
    middle = _SEEDS if colour[1] > 2 * colour[2] else _POLLEN
    pen.oval(middle, heart, 0.02 + 0.045 * spread, 0.02 + 0.045 * spread)
    return pen.finished()
