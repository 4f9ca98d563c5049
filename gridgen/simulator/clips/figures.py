"""People, robots, buildings and things as simple figures."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, Final

from gridgen.simulator.clips.colours import Colour, mix
from gridgen.simulator.clips.pen import Pen, turned

if TYPE_CHECKING:
    from PIL import Image


__all__ = ["astronaut", "lantern", "lighthouse", "person", "robot", "umbrella", "windmill"]

_DARK: Final = (22.0, 22.0, 30.0)


_WHITE: Final = (255.0, 255.0, 255.0)


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


def person(height: int, colour: Colour, phase: float, *, gait: str) -> Image.Image:
    """Draw somebody in a coat facing right; `gait` is walk, run, wait, dance or float."""
    pen = Pen(height, 0.8, colour)
    angle = phase * 2 * math.pi
    skin, trousers = (226.0, 178.0, 146.0), (46.0, 50.0, 70.0)
    swing = {"walk": 0.42, "run": 0.85, "dance": 0.6}.get(gait, 0.03)
    bob = 0.015 * math.sin(2 * angle) * (0.2 if gait in {"wait", "float"} else 1.0)
    hip, neck = (0.4, 0.58 + bob), (0.42 if gait == "run" else 0.4, 0.28 + bob)
    for side in (math.pi, 0.0):
        shade = mix(trousers, _DARK, 0.4) if side else trousers
        lift = swing * math.sin(angle + side)
        knee = turned(hip, 0.18, lift + 0.06)
        foot = turned(knee, 0.18, lift - swing * 1.1 * max(0.0, math.cos(angle + side)))
        pen.limb(shade, (*hip, 0.05), (*knee, 0.038), (*foot, 0.028))
        pen.limb(_DARK, (*foot, 0.03), (foot[0] + 0.05, foot[1] + 0.008, 0.022))
        raised = 2.2 if gait == "dance" else 0.0
        elbow = turned((neck[0] - 0.01, neck[1] + 0.05), 0.13, -lift * 0.9 + (raised if side else -raised))
        hand = turned(
            elbow,
            0.12,
            -lift * 0.9 + (0.9 if gait == "run" else 0.15) + (raised * 1.2 if side else -raised * 1.2),
        )
        if not side:
            pen.curve(
                colour,
                (neck[0] - 0.085, neck[1] + 0.01),
                (neck[0] + 0.07, neck[1] + 0.01),
                (hip[0] + 0.1, hip[1] + 0.02),
                (hip[0] + 0.12, hip[1] + 0.13),
                (hip[0] - 0.13, hip[1] + 0.13),
                (hip[0] - 0.09, hip[1] - 0.02),
                steps=5,
            )
        pen.limb(
            mix(colour, _DARK, 0.35 if side else 0.15),
            (neck[0] - 0.01, neck[1] + 0.05, 0.036),
            (*elbow, 0.028),
            (*hand, 0.02),
        )
        pen.oval(skin, hand, 0.022, 0.022)
    pen.limb(skin, (neck[0], neck[1], 0.03), (neck[0] + 0.012, neck[1] - 0.06, 0.03))
    pen.oval(skin, (neck[0] + 0.02, neck[1] - 0.12), 0.068, 0.078)
    pen.curve(
        (54, 38, 34),
        (neck[0] + 0.075, neck[1] - 0.165),
        (neck[0] + 0.01, neck[1] - 0.215),
        (neck[0] - 0.065, neck[1] - 0.16),
        (neck[0] - 0.06, neck[1] - 0.06),
        (neck[0] - 0.01, neck[1] - 0.12),
        steps=5,
    )
    return pen.finished()


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


def lighthouse(height: int, colour: Colour, lamp: Colour) -> Image.Image:
    """Draw a striped lighthouse on its rock; the lamp is at x 0.5, y 0.13."""
    pen = Pen(height, 1.0, colour)
    white, rock = mix((236.0, 234.0, 230.0), colour, 0.04), mix(_DARK, colour, 0.12)
    for stripe in range(6):
        upper, lower = 0.2 + stripe * 0.105, 0.2 + (stripe + 1) * 0.105
        left, right = 0.07 + stripe * 0.0085, 0.07 + (stripe + 1) * 0.0085
        tone = white if stripe % 2 else colour
        pen.facet(tone, (0.5 - left, upper), (0.5 + left, upper), (0.5 + right, lower), (0.5 - right, lower))
        pen.facet(
            mix(tone, _DARK, 0.35),
            (0.5 + left * 0.25, upper),
            (0.5 + left, upper),
            (0.5 + right, lower),
            (0.5 + right * 0.25, lower),
        )
    pen.box(_DARK, (0.4, 0.185), 0.2, 0.022)
    pen.box(lamp, (0.455, 0.095), 0.09, 0.09)
    pen.line(_DARK, (0.5, 0.095), (0.5, 0.185), width=0.008)
    pen.facet(colour, (0.43, 0.1), (0.57, 0.1), (0.5, 0.03))
    pen.box(lamp, (0.485, 0.45), 0.03, 0.045)
    pen.curve(
        rock,
        (0.0, 1.04),
        (0.1, 0.9),
        (0.28, 0.83),
        (0.4, 0.8),
        (0.62, 0.81),
        (0.76, 0.86),
        (0.92, 0.9),
        (1.0, 1.04),
    )
    return pen.finished()


def windmill(height: int, colour: Colour, turn: float) -> Image.Image:
    """Draw a windmill, its sails turned by `turn` radians."""
    pen = Pen(height, 0.9, colour)
    pen.facet(colour, (0.36, 0.34), (0.54, 0.34), (0.62, 1.0), (0.28, 1.0))
    pen.facet(mix(colour, _DARK, 0.3), (0.47, 0.34), (0.54, 0.34), (0.62, 1.0), (0.48, 1.0))
    pen.facet(mix(colour, (120, 50, 40), 0.6), (0.33, 0.36), (0.57, 0.36), (0.45, 0.22))
    hub = (0.45, 0.36)
    for sail in range(4):
        angle = turn + sail * math.pi / 2
        tip, side = turned(hub, 0.34, angle), turned(hub, 0.34, angle + 0.2)
        pen.facet((240, 232, 216), turned(hub, 0.08, angle), tip, side, turned(hub, 0.1, angle + 0.5))
        pen.line(_DARK, hub, tip, width=0.014)
    pen.oval(_DARK, hub, 0.026, 0.026)
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
