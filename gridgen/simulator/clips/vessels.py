"""Boats, balloons and vehicles as simple figures."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from gridgen.simulator.clips.colours import Colour, mix
from gridgen.simulator.clips.pen import Pen, turned

if TYPE_CHECKING:
    from PIL import Image


__all__ = ["balloon", "car", "paper_boat", "plane", "rocket", "sailboat", "ship", "train"]

_DARK: Final = (22.0, 22.0, 30.0)


_WHITE: Final = (255.0, 255.0, 255.0)


_GLASS: Final = (168.0, 208.0, 226.0)


def paper_boat(height: int, colour: Colour, tilt: float) -> Image.Image:
    """Draw a folded paper boat, heeled by `tilt` degrees."""
    pen = Pen(height, 1.7, colour, tilt)
    shade, deep, light = (
        mix(colour, (60, 76, 120), 0.24),
        mix(colour, (40, 52, 96), 0.46),
        mix(colour, _WHITE, 0.6),
    )
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
    pen.curve(
        mix(sail, (120, 130, 160), 0.3),
        (0.455, 0.14),
        (0.33, 0.44),
        (0.2, 0.7),
        (0.32, 0.715),
        (0.45, 0.705),
        (0.455, 0.42),
        steps=6,
    )
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
    stripes = (
        colour,
        mix(colour, _WHITE, 0.75),
        mix(colour, _WHITE, 0.1),
        mix(colour, _WHITE, 0.62),
        mix(colour, _DARK, 0.22),
    )
    for number, stripe in enumerate(stripes):
        left, right = -0.34 + number * 0.136, -0.34 + (number + 1) * 0.136
        edge = [(0.4 + _gore(left, y), y) for y in _GORE] + [
            (0.4 + _gore(right, y), y) for y in reversed(_GORE)
        ]
        pen.facet(stripe, *edge)
    pen.line(_DARK, (0.32, 0.72), (0.35, 0.86), width=0.008)
    pen.line(_DARK, (0.48, 0.72), (0.45, 0.86), width=0.008)
    pen.box((134, 90, 52), (0.34, 0.85), 0.12, 0.1, round_=0.015)
    pen.box((170, 122, 74), (0.335, 0.845), 0.13, 0.024)
    return pen.finished()


_WIDEST: Final = 0.42
_GORE: Final = tuple(0.04 + 0.7 * step / 24 for step in range(25))


def _gore(place: float, y: float) -> float:
    share = (y - 0.04) / 0.7 - _WIDEST
    if share < 0:
        return place * math.sqrt(max(0.0, 1 - (share / _WIDEST) ** 2))
    return place * (1 - 0.72 * math.pow(share / (1 - _WIDEST), 1.6))


def car(height: int, colour: Colour, roll: float) -> Image.Image:
    """Draw a car facing right, its wheels turned by `roll` radians."""
    pen = Pen(height, 2.2, colour)
    pen.curve(
        mix(colour, _DARK, 0.1),
        (0.5, 0.5),
        (0.72, 0.2),
        (0.95, 0.14),
        (1.3, 0.15),
        (1.52, 0.28),
        (1.74, 0.5),
        steps=6,
    )
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
        end, start = (
            turned(hub, radius * 0.5, roll + spoke * math.pi / 3),
            turned(hub, -radius * 0.5, roll + spoke * math.pi / 3),
        )
        pen.line(_DARK, start, end, width=radius * 0.16)


def train(height: int, colour: Colour, lamp: Colour) -> Image.Image:
    """Draw a train of three cars facing right, its windows lit."""
    pen = Pen(height, 8.0, colour)
    wagons = 3
    for wagon in range(wagons):
        left, wide = 0.06 + wagon * 2.62, 2.54
        pen.box(colour, (left, 0.14), wide, 0.66, round_=0.2 if wagon == wagons - 1 else 0.1)
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


def rocket(height: int, colour: Colour, flame: float) -> Image.Image:
    """Draw a rocket, nose up, over a flame of length 0 to 1."""
    pen = Pen(height, 0.5, colour)
    white = (240.0, 240.0, 244.0)
    long = 0.14 + 0.12 * flame
    pen.curve(
        (255, 150, 50),
        (0.19, 0.7),
        (0.31, 0.7),
        (0.29, 0.76 + long * 0.4),
        (0.25, 0.72 + long),
        (0.21, 0.76 + long * 0.4),
    )
    pen.curve((255, 238, 150), (0.22, 0.7), (0.28, 0.7), (0.25, 0.71 + long * 0.55))
    for side in (-1, 1):
        pen.facet(
            colour,
            (0.25 + side * 0.08, 0.5),
            (0.25 + side * 0.19, 0.68),
            (0.25 + side * 0.18, 0.75),
            (0.25 + side * 0.08, 0.69),
        )
    pen.curve(
        white, (0.25, 0.03), (0.33, 0.2), (0.35, 0.44), (0.31, 0.71), (0.19, 0.71), (0.15, 0.44), (0.17, 0.2)
    )
    pen.curve(
        mix(white, (90, 96, 130), 0.3),
        (0.25, 0.04),
        (0.33, 0.2),
        (0.35, 0.44),
        (0.31, 0.71),
        (0.27, 0.71),
        (0.3, 0.44),
        (0.29, 0.2),
    )
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
    pen.curve(
        white,
        (0.14, 0.44),
        (0.6, 0.4),
        (1.9, 0.38),
        (2.3, 0.44),
        (2.46, 0.54),
        (2.2, 0.63),
        (1.2, 0.65),
        (0.5, 0.58),
    )
    pen.facet(mix(white, _DARK, 0.18), (1.12, 0.56), (1.58, 0.56), (0.98, 0.94), (0.84, 0.94))
    for window in range(11):
        pen.oval((70, 92, 130), (0.76 + window * 0.12, 0.48), 0.02, 0.024)
    pen.facet((70, 92, 130), (2.2, 0.45), (2.32, 0.47), (2.34, 0.51), (2.2, 0.51))
    return pen.finished()
