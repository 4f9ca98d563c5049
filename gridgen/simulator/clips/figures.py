"""People, robots and things as simple figures."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, Final

from gridgen.simulator.clips.colours import Colour, mix
from gridgen.simulator.clips.pen import Pen, Point, turned

if TYPE_CHECKING:
    from PIL import Image


__all__ = ["astronaut", "kite", "lantern", "person", "robot", "umbrella"]

_DARK: Final = (22.0, 22.0, 30.0)


_WHITE: Final = (255.0, 255.0, 255.0)
_SKIN: Final = (226.0, 178.0, 146.0)
_TROUSERS: Final = (46.0, 50.0, 70.0)


def robot(height: int, colour: Colour, phase: float, lamp: Colour, *, walking: bool) -> Image.Image:
    """Draw a robot facing right at a phase (0 to 1) of its step or its breath."""
    pen = Pen(height, 0.75, colour)
    angle = phase * 2 * math.pi
    light, dark = mix(colour, _WHITE, 0.35), mix(colour, _DARK, 0.45)
    bob = (0.012 if walking else 0.006) * math.sin(2 * angle if walking else angle)
    swing = 0.42 if walking else 0.0
    for side, shade in ((math.pi, dark), (0.0, mix(colour, _DARK, 0.15))):
        lift = swing * math.sin(angle + side)
        hip = (0.36 + (0.02 if side else 0.0), 0.66 + bob)
        knee = turned(hip, 0.14, lift)
        foot = turned(knee, 0.14, lift - swing * max(0.0, math.cos(angle + side)))
        pen.limb(shade, (*hip, 0.042), (*knee, 0.036), (*foot, 0.034))
        pen.box(shade, (foot[0] - 0.05, foot[1]), 0.13, 0.045, round_=0.02)
        shoulder = (0.365, 0.41 + bob)
        elbow = turned(shoulder, 0.13, -lift * 0.8 - 0.08)
        hand = turned(elbow, 0.12, -lift * 0.6 + 0.25)
        if side:
            pen.limb(shade, (*shoulder, 0.034), (*elbow, 0.028), (*hand, 0.034))
    pen.box(colour, (0.22, 0.35 + bob), 0.3, 0.34, round_=0.07)
    pen.box(dark, (0.34, 0.43 + bob), 0.14, 0.11, round_=0.02)
    pen.oval(lamp, (0.41, 0.485 + bob), 0.022 + 0.004 * math.sin(angle), 0.022 + 0.004 * math.sin(angle))
    pen.limb(shade, (*shoulder, 0.036), (*elbow, 0.03), (*hand, 0.036))
    pen.box(dark, (0.32, 0.31 + bob), 0.1, 0.06)
    pen.box(light, (0.2, 0.1 + bob * 1.6), 0.34, 0.23, round_=0.075)
    pen.box(dark, (0.29, 0.15 + bob * 1.6), 0.25, 0.12, round_=0.05)
    for x in (0.37, 0.47):
        pen.oval(lamp, (x, 0.21 + bob * 1.6), 0.026, 0.026 if phase or walking else 0.006)
    pen.line(dark, (0.34, 0.1 + bob * 1.6), (0.34, 0.035), width=0.012)
    pen.oval(lamp, (0.34, 0.03), 0.022, 0.022)
    return pen.finished()


def person(height: int, colour: Colour, phase: float, *, gait: str, skirt: bool) -> Image.Image:
    """Draw somebody in a coat or a dress facing right; `gait` is walk, run, wait, dance or float."""
    pen = Pen(height, 0.8, colour)
    angle = phase * 2 * math.pi
    swing = {"walk": 0.42, "run": 0.85, "dance": 0.6}.get(gait, 0.03)
    bob = 0.015 * math.sin(2 * angle) * {"wait": 0.2, "float": 0.2, "dance": 1.8}.get(gait, 1.0)
    hip, neck = (0.4, 0.58 + bob), (0.42 if gait == "run" else 0.4, 0.28 + bob)
    if gait == "dance":
        neck = (neck[0] + 0.035 * math.sin(angle), neck[1])
    for side in (math.pi, 0.0):
        lift = swing * math.sin(angle + side)
        _leg(pen, hip, (lift, swing * max(0.0, math.cos(angle + side))), far=bool(side))
        if not side:
            _garment(pen, colour, (neck, hip), flare=0.05 * math.sin(angle), skirt=skirt)
        sleeve = mix(colour, _DARK, 0.35 if side else 0.15)
        _arm(pen, sleeve, neck, -lift * 0.9, gait=gait, way=1.0 if side else -1.0)
    _face(pen, neck, sway=0.06 * swing * math.sin(angle + 0.8), long_hair=skirt)
    return pen.finished()


def _leg(pen: Pen, hip: Point, step: tuple[float, float], *, far: bool) -> None:
    lift, fold = step
    shade = mix(_TROUSERS, _DARK, 0.4) if far else _TROUSERS
    knee = turned(hip, 0.18, lift + 0.06)
    foot = turned(knee, 0.18, lift - 1.1 * fold)
    pen.limb(shade, (*hip, 0.05), (*knee, 0.038), (*foot, 0.028))
    pen.limb(_DARK, (*foot, 0.03), (foot[0] + 0.05, foot[1] + 0.008, 0.022))


def _arm(pen: Pen, sleeve: Colour, neck: Point, swing: float, *, gait: str, way: float) -> None:
    raised = 2.2 * way if gait == "dance" else 0.0
    elbow = turned((neck[0] - 0.01, neck[1] + 0.05), 0.13, swing + raised)
    hand = turned(elbow, 0.12, swing + (0.9 if gait == "run" else 0.15) + raised * 1.2)
    pen.limb(sleeve, (neck[0] - 0.01, neck[1] + 0.05, 0.036), (*elbow, 0.028), (*hand, 0.02))
    pen.oval(_SKIN, hand, 0.022, 0.022)


def _garment(pen: Pen, colour: Colour, body: tuple[Point, Point], *, flare: float, skirt: bool) -> None:
    neck, hip = body
    waist, hem, low = (0.06, 0.19, 0.2) if skirt else (0.1, 0.125, 0.13)
    pen.curve(
        colour,
        (neck[0] - 0.085, neck[1] + 0.01),
        (neck[0] + 0.07, neck[1] + 0.01),
        (hip[0] + waist, hip[1] - 0.04),
        (hip[0] + hem + flare * skirt, hip[1] + low),
        (hip[0] - hem + flare * skirt, hip[1] + low),
        (hip[0] - waist, hip[1] - 0.06),
        steps=5,
    )


def _face(pen: Pen, neck: Point, *, sway: float, long_hair: bool) -> None:
    pen.limb(_SKIN, (neck[0], neck[1], 0.03), (neck[0] + 0.012, neck[1] - 0.06, 0.03))
    pen.oval(_SKIN, (neck[0] + 0.02, neck[1] - 0.12), 0.068, 0.078)
    back = (
        [(neck[0] - 0.1 - sway, neck[1] + 0.03), (neck[0] - 0.04 - sway, neck[1] + 0.06)]
        if long_hair
        else [(neck[0] - 0.06, neck[1] - 0.06)]
    )
    pen.curve(
        (54, 38, 34),
        (neck[0] + 0.075, neck[1] - 0.165),
        (neck[0] + 0.01, neck[1] - 0.215),
        (neck[0] - 0.065, neck[1] - 0.16),
        *back,
        (neck[0] - 0.01, neck[1] - 0.12),
        steps=5,
    )


def astronaut(height: int, colour: Colour, tilt: float) -> Image.Image:
    """Draw an astronaut adrift, turned by `tilt` degrees."""
    pen = Pen(height, 0.9, colour, tilt)
    suit = mix(colour, _WHITE, 0.8)
    shade = mix(suit, (80, 90, 130), 0.3)
    pen.box(shade, (0.24, 0.34), 0.2, 0.3, round_=0.05)
    pen.limb(shade, (0.42, 0.62, 0.062), (0.36, 0.78, 0.062), (0.42, 0.92, 0.062))
    pen.limb(suit, (0.52, 0.62, 0.062), (0.6, 0.76, 0.062), (0.56, 0.92, 0.062))
    pen.limb(suit, (0.36, 0.42, 0.055), (0.22, 0.5, 0.05), (0.14, 0.4, 0.046))
    pen.box(suit, (0.33, 0.34), 0.28, 0.32, round_=0.09)
    pen.limb(suit, (0.58, 0.42, 0.055), (0.72, 0.46, 0.05), (0.8, 0.36, 0.046))
    pen.box(colour, (0.42, 0.46), 0.13, 0.08, round_=0.02)
    pen.oval(suit, (0.48, 0.21), 0.155, 0.15)
    pen.oval((38, 56, 96), (0.51, 0.21), 0.115, 0.1)
    pen.oval((150, 190, 236), (0.55, 0.17), 0.034, 0.026)
    return pen.finished()


def umbrella(height: int, colour: Colour, tilt: float) -> Image.Image:
    """Draw an open umbrella, turned by `tilt` degrees."""
    pen = Pen(height, 1.2, colour, tilt)
    pen.line((96, 66, 46), (0.6, 0.1), (0.6, 0.84), (0.57, 0.92), (0.52, 0.88), width=0.022)
    rim = (0.08, 0.34, 0.6, 0.86, 1.12)
    for number, (left, right) in enumerate(itertools.pairwise(rim)):
        tone = colour if number % 2 else mix(colour, _WHITE, 0.3)
        arc = [
            (0.6 + (edge - 0.6) * math.sin(s * math.pi / 16), 0.52 - 0.4 * math.cos(s * math.pi / 16))
            for edge, steps in ((left, range(9)), (right, range(8, -1, -1)))
            for s in steps
        ]
        pen.facet(tone, *arc)
    return pen.finished()


def lantern(height: int, colour: Colour, tilt: float) -> Image.Image:
    """Draw a glowing paper lantern, swung by `tilt` degrees."""
    pen = Pen(height, 0.8, colour, tilt)
    bright = mix(colour, (255, 226, 150), 0.65)
    pen.curve(colour, (0.24, 0.16), (0.56, 0.16), (0.66, 0.4), (0.6, 0.74), (0.2, 0.74), (0.14, 0.4))
    pen.curve(bright, (0.32, 0.2), (0.48, 0.2), (0.54, 0.42), (0.5, 0.7), (0.3, 0.7), (0.26, 0.42))
    pen.box(mix(colour, _DARK, 0.5), (0.22, 0.12), 0.36, 0.06, round_=0.02)
    pen.box(mix(colour, _DARK, 0.5), (0.22, 0.72), 0.36, 0.06, round_=0.02)
    pen.line(colour, (0.4, 0.78), (0.4, 0.94), width=0.016)
    return pen.finished()


def kite(height: int, colour: Colour, tilt: float) -> Image.Image:
    """Draw a kite with a tail of ribbons, turned by `tilt` degrees."""
    pen = Pen(height, 1.0, colour, tilt)
    top, left, right, foot, middle = (0.6, 0.04), (0.34, 0.24), (0.88, 0.3), (0.56, 0.66), (0.6, 0.28)
    light = mix(colour, _WHITE, 0.45)
    for one, other, tone in (
        (top, left, light),
        (top, right, colour),
        (foot, left, colour),
        (foot, right, light),
    ):
        pen.facet(tone, one, other, middle)
    tail = [foot, (0.46, 0.74), (0.5, 0.82), (0.38, 0.88), (0.4, 0.97)]
    pen.line(_DARK, *tail, width=0.008)
    for x, y in tail[1:]:
        pen.facet(
            mix(colour, (250, 220, 90), 0.6),
            (x - 0.05, y - 0.025),
            (x - 0.05, y + 0.025),
            (x + 0.05, y - 0.025),
            (x + 0.05, y + 0.025),
        )
    return pen.finished()
