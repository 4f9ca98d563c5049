"""Buildings, and what nature built: castles, mills, falls, volcanoes, fires and flowers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from gridgen.simulator.clips.colours import Colour, mix
from gridgen.simulator.clips.pen import Pen, turned

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["campfire", "castle", "flower", "house", "lighthouse", "volcano", "waterfall", "windmill"]

_DARK: Final = (22.0, 22.0, 30.0)
_WHITE: Final = (255.0, 255.0, 255.0)
_TURN: Final = 2 * math.pi


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


def castle(height: int, colour: Colour, lamp: Colour) -> Image.Image:
    """Draw a castle with pointed roofs, its windows lit."""
    pen = Pen(height, 1.3, colour)
    for x, top, wide in ((0.4, 0.3, 0.16), (0.76, 0.18, 0.17), (0.08, 0.42, 0.19), (1.03, 0.38, 0.19)):
        _tower(pen, (x, top, wide), colour, lamp)
    wall = mix(colour, _DARK, 0.12)
    pen.box(wall, (0.16, 0.62), 0.98, 0.4)
    for battlement in range(9):
        pen.box(wall, (0.17 + battlement * 0.112, 0.58), 0.066, 0.06)
    pen.box(_DARK, (0.58, 0.78), 0.14, 0.26, round_=0.07)
    for x in (0.32, 0.46, 0.8, 0.94):
        pen.box(lamp, (x, 0.7), 0.026, 0.06, round_=0.012)
    return pen.finished()


def _tower(pen: Pen, place: tuple[float, float, float], colour: Colour, lamp: Colour) -> None:
    x, top, wide = place
    roof = mix((122.0, 58.0, 74.0), colour, 0.25)
    pen.box(colour, (x, top), wide, 1.02 - top)
    pen.box(mix(colour, _DARK, 0.3), (x + wide * 0.62, top), wide * 0.38, 1.02 - top)
    pen.box(mix(colour, _DARK, 0.15), (x - 0.015, top - 0.01), wide + 0.03, 0.045)
    middle, tip = x + wide / 2, top - wide * 1.25
    pen.facet(roof, (x - 0.025, top), (x + wide + 0.025, top), (middle, tip))
    pen.facet(mix(roof, _DARK, 0.35), (middle + 0.01, top), (x + wide + 0.025, top), (middle, tip))
    pen.line(_DARK, (middle, tip), (middle, tip - 0.05), width=0.007)
    pen.box(lamp, (middle - 0.016, top + 0.1), 0.032, 0.06, round_=0.014)


def house(height: int, colour: Colour, lamp: Colour) -> Image.Image:
    """Draw a small house with a chimney, its windows lit."""
    pen = Pen(height, 1.3, colour)
    roof, side = (104.0, 58.0, 50.0), mix(colour, _DARK, 0.25)
    pen.box(mix(roof, _DARK, 0.2), (0.84, 0.08), 0.12, 0.3)
    pen.box(colour, (0.2, 0.44), 0.9, 0.58)
    pen.box(side, (0.8, 0.44), 0.3, 0.58)
    pen.facet(roof, (0.08, 0.48), (0.36, 0.12), (0.96, 0.12), (1.22, 0.48))
    pen.facet(mix(roof, _DARK, 0.3), (0.8, 0.48), (0.96, 0.12), (1.22, 0.48))
    for x in (0.3, 0.9):
        pen.box(mix(side, _WHITE, 0.5), (x - 0.015, 0.585), 0.15, 0.17)
        pen.box(lamp, (x, 0.6), 0.12, 0.14)
        pen.line(side, (x + 0.06, 0.6), (x + 0.06, 0.74), width=0.014)
    pen.box(mix(roof, _DARK, 0.3), (0.55, 0.62), 0.17, 0.4, round_=0.02)
    pen.oval(lamp, (0.69, 0.82), 0.012, 0.012)
    return pen.finished()


def volcano(height: int, colour: Colour, glow: float) -> Image.Image:
    """Draw a volcano whose lava glows, -1 to 1; the crater is at x 0.9, y 0.16."""
    pen = Pen(height, 1.8, colour)
    lava = mix((244.0, 84.0, 34.0), (255.0, 206.0, 92.0), 0.35 + 0.25 * glow)
    pen.curve(
        colour,
        (0.0, 1.06),
        (0.34, 0.72),
        (0.62, 0.34),
        (0.76, 0.14),
        (1.04, 0.14),
        (1.2, 0.36),
        (1.48, 0.74),
        (1.8, 1.06),
    )
    pen.curve(
        mix(colour, _DARK, 0.35),
        (0.98, 0.16),
        (1.04, 0.14),
        (1.2, 0.36),
        (1.48, 0.74),
        (1.8, 1.06),
        (1.1, 1.06),
        (1.02, 0.6),
    )
    pen.oval(lava, (0.9, 0.15), 0.125, 0.035)
    for start, bends in (
        (0.82, (0.78, 0.7, 0.72, 0.6)),
        (0.92, (0.94, 0.9, 0.98, 0.97)),
        (0.98, (1.06, 1.1, 1.2, 1.27)),
    ):
        spots = [(x, 0.3 + 0.15 * step, 0.026 - 0.005 * step) for step, x in enumerate(bends)]
        pen.limb(lava, (start, 0.16, 0.032), *spots)
    return pen.finished()


def waterfall(height: int, colour: Colour, phase: float) -> Image.Image:
    """Draw water that falls between mossy rocks into a pool, at a phase (0 to 1) of its fall."""
    pen = Pen(height, 1.9, colour)
    water = (206.0, 232.0, 240.0)
    pen.facet(mix(water, colour, 0.25), (0.8, 0.06), (1.1, 0.06), (1.18, 1.0), (0.74, 1.0))
    for streak in range(26):
        x, share = 0.81 + 0.29 * (streak * 0.618 % 1), (streak * 0.37 + phase) % 1
        y, lean = 0.05 + 0.9 * share, (x - 0.95) * 0.4
        pen.line(_WHITE, (x + lean * share, y), (x + lean * (share + 0.12), y + 0.1), width=0.011)
    for side in (-1, 1):
        _cliff(pen, colour if side < 0 else mix(colour, _DARK, 0.22), side)
    pen.oval(mix(water, (70.0, 120.0, 140.0), 0.5), (0.95, 1.0), 0.5, 0.055)
    for bubble in range(9):
        swell = 0.5 + 0.5 * math.sin(_TURN * phase + bubble * 2.1)
        pen.oval(_WHITE, (0.71 + bubble * 0.06, 0.97 - 0.02 * swell), 0.05 + 0.018 * swell, 0.032)
    return pen.finished()


def _cliff(pen: Pen, rock: Colour, side: int) -> None:
    """Draw the rock on one side of the falls (-1 left, 1 right): ledges under moss."""
    moss = mix((92.0, 132.0, 78.0), rock, 0.2)
    for number, (near, far, top) in enumerate(
        ((0.13, 0.42, 0.03), (0.2, 0.6, 0.2), (0.17, 0.74, 0.42), (0.21, 0.86, 0.64))
    ):
        tone = mix(rock, _DARK, 0.07 * number)
        inner, outer = 0.95 + side * near, 0.95 + side * far
        middle = (inner + outer) / 2
        pen.curve(
            tone,
            (inner, top + 0.03),
            (middle, top),
            (outer - side * 0.08, top + 0.05),
            (outer, top + 0.2),
            (outer, 1.04),
            (inner, 1.04),
            steps=4,
        )
        pen.curve(
            moss,
            (inner - side * 0.02, top + 0.04),
            (middle, top - 0.02),
            (outer - side * 0.06, top + 0.045),
            (outer - side * 0.1, top + 0.1),
            (middle, top + 0.05),
            (inner + side * 0.04, top + 0.09),
            steps=4,
        )


def campfire(height: int, colour: Colour, phase: float) -> Image.Image:
    """Draw a fire of logs at a phase (0 to 1) of its flicker."""
    pen = Pen(height, 1.0, colour)
    for tone, wide, tall, lag in (
        (mix(colour, (220.0, 60.0, 20.0), 0.4), 0.24, 0.62, 0.0),
        (mix(colour, (255.0, 176.0, 60.0), 0.7), 0.17, 0.46, 0.3),
        ((255.0, 240.0, 176.0), 0.09, 0.28, 0.6),
    ):
        sway = 0.05 * math.sin(_TURN * (phase + lag))
        reach = tall * (1 + 0.12 * math.sin(_TURN * (2 * phase + lag)))
        pen.curve(
            tone,
            (0.5 - wide, 0.8),
            (0.5 - wide * 0.7, 0.8 - reach * 0.5),
            (0.5 + sway, 0.82 - reach),
            (0.5 + wide * 0.75, 0.8 - reach * 0.45),
            (0.5 + wide, 0.8),
            (0.5, 0.88),
        )
    for tilt in (-0.05, 0.05):
        pen.limb((84.0, 56.0, 40.0), (0.18, 0.88 + tilt, 0.045), (0.82, 0.88 - tilt, 0.045))
        pen.oval((150.0, 112.0, 78.0), (0.82, 0.88 - tilt), 0.03, 0.034)
    return pen.finished()


def flower(height: int, colour: Colour, spread: float, tilt: float) -> Image.Image:
    """Draw a flower on its stem, open from 0 (a bud) to 1, swung by `tilt` degrees."""
    pen = Pen(height, 0.8, colour, tilt)
    green, heart = (72.0, 128.0, 66.0), (0.4, 0.34)
    pen.limb(green, (0.42, 1.02, 0.016), (0.38, 0.7, 0.014), (*heart, 0.012))
    for side, y in ((-1, 0.78), (1, 0.68)):
        pen.curve(
            mix(green, _DARK, 0.12 * (side + 1)),
            (0.39, y),
            (0.39 + side * 0.14, y - 0.1),
            (0.39 + side * 0.3, y - 0.09),
            (0.39 + side * 0.16, y - 0.01),
        )
    fan, reach = math.pi * (0.16 + 0.8 * spread), 0.17 + 0.09 * spread
    for ring, count in enumerate((9, 8)):
        for petal in sorted(range(count), key=lambda n: -abs(n - (count - 1) / 2)):
            angle = math.pi + fan * (2 * petal / (count - 1) - 1)
            long, half = reach * (1 - 0.24 * ring), 0.2 + 0.1 * spread
            tone = mix(mix(colour, _WHITE, 0.22 * ring), _DARK, 0.14 * abs(2 * petal / (count - 1) - 1))
            sides = (turned(heart, long * 0.62, angle + turn) for turn in (half, -half))
            left, right = sides
            pen.curve(tone, heart, left, turned(heart, long, angle), right, steps=5)
    pen.oval((246.0, 204.0, 88.0), heart, 0.02 + 0.045 * spread, 0.02 + 0.045 * spread)
    return pen.finished()
