"""Boats, vehicles, buildings and people as simple figures."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from gridgen.simulator.clips.colours import Colour, mix
from gridgen.simulator.clips.pen import Pen, turned

if TYPE_CHECKING:
    from PIL import Image

__all__ = [
    "balloon",
    "car",
    "lantern",
    "lighthouse",
    "paper_boat",
    "person",
    "plane",
    "robot",
    "rocket",
    "sailboat",
    "ship",
    "train",
    "umbrella",
    "windmill",
]

_DARK: Final = (22.0, 22.0, 30.0)
_WHITE: Final = (255.0, 255.0, 255.0)
_GLASS: Final = (168.0, 208.0, 226.0)


def paper_boat(height: int, colour: Colour, tilt: float) -> Image.Image:
    """Draw a folded paper boat, heeled by `tilt` degrees."""
    pen = Pen(height, 1.7, colour, tilt)
    shade, deep, light = mix(colour, (60, 76, 120), 0.24), mix(colour, (40, 52, 96), 0.46), mix(colour, _WHITE, 0.6)
    pen.facet(light, (0.85, 0.10), (0.5, 0.66), (0.85, 0.66))
    pen.facet(shade, (0.85, 0.10), (0.85, 0.66), (1.2, 0.66))
    pen.facet(deep, (0.08, 0.42), (0.5, 0.64), (1.2, 0.64), (1.62, 0.42), (1.24, 0.72), (0.46, 0.72))
    pen.facet(colour, (0.08, 0.42), (0.44, 0.88), (0.85, 0.88), (0.85, 0.66), (0.5, 0.64))
    pen.facet(mix(colour, shade, 0.75), (1.62, 0.42), (1.26, 0.88), (0.85, 0.88), (0.85, 0.66), (1.2, 0.64))
    pen.facet(light, (0.08, 0.42), (0.5, 0.64), (0.85, 0.66), (0.85, 0.69), (0.48, 0.68))
    pen.line(shade, (0.85, 0.66), (0.85, 0.88), width=0.008)
    return pen.finished()


def sailboat(height: int, colour: Colour, tilt: float) -> Image.Image:
    """Draw a sailing boat, heeled by `tilt` degrees."""
    pen = Pen(height, 1.0, colour, tilt)
    sail = mix(colour, _WHITE, 0.82)
    pen.line(mix(_DARK, (120, 84, 56), 0.6), (0.48, 0.06), (0.48, 0.8), width=0.016)
    pen.curve(sail, (0.5, 0.08), (0.66, 0.36), (0.78, 0.7), (0.66, 0.72), (0.505, 0.71), (0.5, 0.4), steps=6)
    pen.curve(mix(sail, (120, 130, 160), 0.3), (0.455, 0.14), (0.33, 0.44), (0.2, 0.7), (0.32, 0.715), (0.45, 0.705), (0.455, 0.42), steps=6)
    pen.facet(colour, (0.1, 0.76), (0.92, 0.76), (0.8, 0.9), (0.24, 0.9))
    pen.facet(mix(colour, _DARK, 0.35), (0.16, 0.835), (0.855, 0.835), (0.8, 0.9), (0.24, 0.9))
    pen.line(mix(colour, _WHITE, 0.7), (0.1, 0.765), (0.92, 0.765), width=0.018)
    return pen.finished()


def ship(height: int, colour: Colour, tilt: float) -> Image.Image:
    """Draw a steamer, heeled by `tilt` degrees."""
    pen = Pen(height, 2.0, colour, tilt)
    white = (240.0, 238.0, 230.0)
    for x in (0.72, 1.02):
        pen.box(colour, (x, 0.18), 0.16, 0.3)
        pen.box(_DARK, (x, 0.18), 0.16, 0.06)
    pen.box(white, (0.5, 0.42), 1.0, 0.16, round_=0.02)
    pen.box(mix(white, _DARK, 0.1), (0.36, 0.54), 1.24, 0.14, round_=0.02)
    for window in range(9):
        pen.oval((255, 214, 130), (0.46 + window * 0.13, 0.61), 0.026, 0.026)
    pen.facet(mix(_DARK, colour, 0.25), (0.1, 0.66), (1.94, 0.62), (1.74, 0.9), (0.24, 0.9))
    pen.facet(colour, (0.19, 0.82), (1.8, 0.82), (1.74, 0.9), (0.24, 0.9))
    return pen.finished()


def balloon(height: int, colour: Colour, tilt: float) -> Image.Image:
    """Draw a hot-air balloon, swung by `tilt` degrees."""
    pen = Pen(height, 0.8, colour, tilt)
    stripes = (colour, mix(colour, _WHITE, 0.75), mix(colour, _WHITE, 0.1), mix(colour, _WHITE, 0.62), mix(colour, _DARK, 0.22))
    for number, stripe in enumerate(stripes):
        left, right = -0.34 + number * 0.136, -0.34 + (number + 1) * 0.136
        edge = [(0.4 + _gore(left, y), y) for y in _GORE] + [(0.4 + _gore(right, y), y) for y in reversed(_GORE)]
        pen.facet(stripe, *edge)
    pen.line(_DARK, (0.32, 0.72), (0.35, 0.86), width=0.008)
    pen.line(_DARK, (0.48, 0.72), (0.45, 0.86), width=0.008)
    pen.box((134, 90, 52), (0.34, 0.85), 0.12, 0.1, round_=0.015)
    pen.box((170, 122, 74), (0.335, 0.845), 0.13, 0.024)
    return pen.finished()


_GORE: Final = tuple(0.04 + 0.7 * step / 24 for step in range(25))


def _gore(place: float, y: float) -> float:
    share = (y - 0.04) / 0.7
    wide = math.sqrt(max(0.0, 1 - ((share - 0.42) / 0.42) ** 2)) if share < 0.42 else 1 - 0.72 * ((share - 0.42) / 0.58) ** 1.6
    return place * wide


def car(height: int, colour: Colour, roll: float) -> Image.Image:
    """Draw a car facing right, its wheels turned by `roll` radians."""
    pen = Pen(height, 2.2, colour)
    pen.curve(mix(colour, _DARK, 0.1), (0.5, 0.5), (0.72, 0.2), (0.95, 0.14), (1.3, 0.15), (1.52, 0.28), (1.74, 0.5), steps=6)
    pen.facet(_GLASS, (0.66, 0.46), (0.8, 0.25), (1.06, 0.22), (1.06, 0.46))
    pen.facet(mix(_GLASS, _DARK, 0.15), (1.12, 0.46), (1.12, 0.22), (1.34, 0.24), (1.56, 0.46))
    pen.box(colour, (0.12, 0.44), 1.96, 0.32, round_=0.13)
    pen.box(mix(colour, _DARK, 0.4), (0.16, 0.66), 1.88, 0.11, round_=0.05)
    pen.oval((255, 236, 170), (2.02, 0.56), 0.05, 0.055)
    pen.oval((220, 40, 40), (0.16, 0.56), 0.035, 0.05)
    for x in (0.52, 1.66):
        _wheel(pen, (x, 0.76), 0.19, roll)
    return pen.finished()


def _wheel(pen: Pen, hub: tuple[float, float], radius: float, roll: float) -> None:
    pen.oval(_DARK, hub, radius, radius)
    pen.oval((150, 154, 164), hub, radius * 0.55, radius * 0.55)
    for spoke in range(3):
        end, start = turned(hub, radius * 0.5, roll + spoke * math.pi / 3), turned(hub, -radius * 0.5, roll + spoke * math.pi / 3)
        pen.line(_DARK, start, end, width=radius * 0.16)


def train(height: int, colour: Colour, lamp: Colour) -> Image.Image:
    """Draw a train of three cars facing right, its windows lit."""
    pen = Pen(height, 8.0, colour)
    for wagon in range(3):
        left, wide = 0.06 + wagon * 2.62, 2.54
        pen.box(colour, (left, 0.14), wide, 0.66, round_=0.1 if wagon < 2 else 0.2)
        pen.box(mix(colour, _WHITE, 0.55), (left, 0.62), wide, 0.05)
        pen.box(mix(colour, _DARK, 0.45), (left + 0.1, 0.14), wide - 0.2, 0.05)
        for window in range(6):
            pen.box(lamp, (left + 0.14 + window * 0.39, 0.28), 0.27, 0.24, round_=0.035)
        pen.box(_DARK, (left + 0.2, 0.8), wide - 0.4, 0.09)
        for wheel in (0.4, 0.72, wide - 0.72, wide - 0.4):
            pen.oval(_DARK, (left + wheel, 0.88), 0.1, 0.1)
    pen.facet(mix(lamp, _WHITE, 0.4), (7.62, 0.28), (7.78, 0.28), (7.84, 0.5), (7.62, 0.5))
    pen.oval(_WHITE, (7.78, 0.68), 0.05, 0.05)
    return pen.finished()


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
        pen.oval(lamp, (x, 0.21 + bob * 1.6), 0.026, 0.026 if 0.06 < phase or walking else 0.006)
    pen.line(dark, (0.34, 0.1 + bob * 1.6), (0.34, 0.035), width=0.012)
    pen.oval(lamp, (0.34, 0.03), 0.022, 0.022)
    return pen.finished()


def person(height: int, colour: Colour, phase: float, *, gait: str) -> Image.Image:
    """Draw somebody in a coat facing right; `gait` is walk, run, wait, dance or float."""
    pen = Pen(height, 0.8, colour)
    angle = phase * 2 * math.pi
    skin, trousers = (226.0, 178.0, 146.0), (46.0, 50.0, 70.0)
    swing = {"walk": 0.42, "run": 0.85, "dance": 0.6}.get(gait, 0.03)
    bob = 0.015 * math.sin(2 * angle) * (1.0 if swing > 0.1 else 0.2)
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
        hand = turned(elbow, 0.12, -lift * 0.9 + (0.9 if gait == "run" else 0.15) + (raised * 1.2 if side else -raised * 1.2))
        if not side:
            pen.curve(colour, (neck[0] - 0.085, neck[1] + 0.01), (neck[0] + 0.07, neck[1] + 0.01), (hip[0] + 0.1, hip[1] + 0.02), (hip[0] + 0.12, hip[1] + 0.13), (hip[0] - 0.13, hip[1] + 0.13), (hip[0] - 0.09, hip[1] - 0.02), steps=5)
        pen.limb(mix(colour, _DARK, 0.35 if side else 0.15), (neck[0] - 0.01, neck[1] + 0.05, 0.036), (*elbow, 0.028), (*hand, 0.02))
        pen.oval(skin, hand, 0.022, 0.022)
    pen.limb(skin, (neck[0], neck[1], 0.03), (neck[0] + 0.012, neck[1] - 0.06, 0.03))
    pen.oval(skin, (neck[0] + 0.02, neck[1] - 0.12), 0.068, 0.078)
    pen.curve((54, 38, 34), (neck[0] + 0.075, neck[1] - 0.165), (neck[0] + 0.01, neck[1] - 0.215), (neck[0] - 0.065, neck[1] - 0.16), (neck[0] - 0.06, neck[1] - 0.06), (neck[0] - 0.01, neck[1] - 0.12), steps=5)
    return pen.finished()


def astronaut(height: int, colour: Colour, tilt: float) -> Image.Image:
    """Draw an astronaut adrift, turned by `tilt` degrees."""
    pen = Pen(height, 0.9, colour, tilt)
    suit = mix(colour, _WHITE, 0.8)
    shade = mix(suit, (80, 90, 130), 0.3)
    pen.box(shade, (0.24, 0.34), 0.2, 0.3, round_=0.05)
    for points in (((0.42, 0.62), (0.36, 0.78), (0.42, 0.92)), ((0.52, 0.62), (0.6, 0.76), (0.56, 0.92))):
        pen.limb(shade if points[0][0] < 0.5 else suit, *((x, y, 0.062) for x, y in points))
    pen.limb(suit, (0.36, 0.42, 0.055), (0.22, 0.5, 0.05), (0.14, 0.4, 0.046))
    pen.box(suit, (0.33, 0.34), 0.28, 0.32, round_=0.09)
    pen.limb(suit, (0.58, 0.42, 0.055), (0.72, 0.46, 0.05), (0.8, 0.36, 0.046))
    pen.box(colour, (0.42, 0.46), 0.13, 0.08, round_=0.02)
    pen.oval(suit, (0.48, 0.21), 0.155, 0.15)
    pen.oval((38, 56, 96), (0.51, 0.21), 0.115, 0.1)
    pen.oval((150, 190, 236), (0.55, 0.17), 0.034, 0.026)
    return pen.finished()


def rocket(height: int, colour: Colour, flame: float) -> Image.Image:
    """Draw a rocket, nose up, over a flame of length 0 to 1."""
    pen = Pen(height, 0.5, colour)
    white = (240.0, 240.0, 244.0)
    long = 0.14 + 0.12 * flame
    pen.curve((255, 150, 50), (0.19, 0.7), (0.31, 0.7), (0.29, 0.76 + long * 0.4), (0.25, 0.72 + long), (0.21, 0.76 + long * 0.4))
    pen.curve((255, 238, 150), (0.22, 0.7), (0.28, 0.7), (0.25, 0.71 + long * 0.55))
    for side in (-1, 1):
        pen.facet(colour, (0.25 + side * 0.08, 0.5), (0.25 + side * 0.19, 0.68), (0.25 + side * 0.18, 0.75), (0.25 + side * 0.08, 0.69))
    pen.curve(white, (0.25, 0.03), (0.33, 0.2), (0.35, 0.44), (0.31, 0.71), (0.19, 0.71), (0.15, 0.44), (0.17, 0.2))
    pen.curve(mix(white, (90, 96, 130), 0.3), (0.25, 0.04), (0.33, 0.2), (0.35, 0.44), (0.31, 0.71), (0.27, 0.71), (0.3, 0.44), (0.29, 0.2))
    pen.curve(colour, (0.25, 0.02), (0.3, 0.11), (0.325, 0.18), (0.175, 0.18), (0.2, 0.11), steps=5)
    pen.oval(colour, (0.25, 0.36), 0.056, 0.056)
    pen.oval(_GLASS, (0.25, 0.36), 0.04, 0.04)
    return pen.finished()


def plane(height: int, colour: Colour, tilt: float) -> Image.Image:
    """Draw an airliner facing right, its nose up by `tilt` degrees."""
    pen = Pen(height, 2.6, colour, tilt)
    white = (242.0, 243.0, 246.0)
    pen.facet(mix(white, _DARK, 0.25), (1.2, 0.5), (1.5, 0.48), (1.12, 0.18), (1.0, 0.18))
    pen.facet(colour, (0.22, 0.46), (0.12, 0.1), (0.3, 0.1), (0.6, 0.44))
    pen.curve(white, (0.14, 0.44), (0.6, 0.4), (1.9, 0.38), (2.3, 0.44), (2.46, 0.54), (2.2, 0.63), (1.2, 0.65), (0.5, 0.58))
    pen.facet(mix(white, _DARK, 0.18), (1.12, 0.56), (1.58, 0.56), (0.98, 0.94), (0.84, 0.94))
    for window in range(11):
        pen.oval((70, 92, 130), (0.76 + window * 0.12, 0.48), 0.02, 0.024)
    pen.facet((70, 92, 130), (2.2, 0.45), (2.32, 0.47), (2.34, 0.51), (2.2, 0.51))
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
        pen.facet(mix(tone, _DARK, 0.35), (0.5 + left * 0.25, upper), (0.5 + left, upper), (0.5 + right, lower), (0.5 + right * 0.25, lower))
    pen.box(_DARK, (0.4, 0.185), 0.2, 0.022)
    pen.box(lamp, (0.455, 0.095), 0.09, 0.09)
    pen.line(_DARK, (0.5, 0.095), (0.5, 0.185), width=0.008)
    pen.facet(colour, (0.43, 0.1), (0.57, 0.1), (0.5, 0.03))
    pen.box(lamp, (0.485, 0.45), 0.03, 0.045)
    pen.curve(rock, (0.0, 1.04), (0.1, 0.9), (0.28, 0.83), (0.4, 0.8), (0.62, 0.81), (0.76, 0.86), (0.92, 0.9), (1.0, 1.04))
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
    for number, (left, right) in enumerate(zip(rim, rim[1:], strict=False)):
        tone = colour if number % 2 else mix(colour, _WHITE, 0.3)
        arc = [(0.6 + (edge - 0.6) * math.sin(s * math.pi / 16), 0.52 - 0.4 * math.cos(s * math.pi / 16)) for edge, steps in ((left, range(9)), (right, range(8, -1, -1))) for s in steps]
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
