"""Animals of the sea and the air, real and not, as simple figures."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from gridgen.simulator.clips.colours import Colour, mix
from gridgen.simulator.clips.pen import Pen

if TYPE_CHECKING:
    from PIL import Image


__all__ = ["bird", "butterfly", "dragon", "fish", "jellyfish", "whale"]

_DARK: Final = (24.0, 20.0, 26.0)


def whale(height: int, colour: Colour, bend: float) -> Image.Image:
    """Draw a humpback, head up to the right, its tail bent by -1 to 1."""
    pen = Pen(height, 1.3, colour)
    belly, dark = mix(colour, (236, 240, 240), 0.72), mix(colour, _DARK, 0.35)
    tail = (0.1, 0.86 + 0.06 * bend)
    pen.curve(
        dark,
        tail,
        (0.0, 0.80 + 0.1 * bend),
        (-0.02, 0.72 + 0.12 * bend),
        (0.1, 0.79 + 0.08 * bend),
        (0.17, 0.83 + 0.05 * bend),
    )
    pen.curve(
        dark,
        tail,
        (0.07, 0.96 + 0.08 * bend),
        (0.12, 1.0 + 0.08 * bend),
        (0.17, 0.93 + 0.06 * bend),
        (0.19, 0.85 + 0.04 * bend),
    )
    pen.curve(
        colour,
        (0.1, 0.87 + 0.06 * bend),
        (0.3, 0.66),
        (0.52, 0.42),
        (0.78, 0.16),
        (0.98, 0.05),
        (1.08, 0.08),
        (1.11, 0.18),
        (1.06, 0.36),
        (0.88, 0.56),
        (0.62, 0.75),
        (0.36, 0.87),
        (0.18, 0.9 + 0.05 * bend),
    )
    pen.curve(
        belly,
        (1.105, 0.17),
        (1.07, 0.35),
        (0.9, 0.56),
        (0.66, 0.73),
        (0.5, 0.8),
        (0.62, 0.67),
        (0.82, 0.5),
        (1.0, 0.28),
    )
    groove = mix(belly, colour, 0.4)
    for step in range(4):
        shift = 0.028 * step
        pen.line(
            groove,
            (1.08 - shift, 0.27 + shift * 0.3),
            (0.93 - shift, 0.48 + shift * 0.2),
            (0.74 - shift * 0.8, 0.64 + shift * 0.3),
            width=0.007,
        )
    fin = 0.12 * bend
    pen.curve(
        dark,
        (0.72, 0.52),
        (0.66, 0.68 + fin),
        (0.52, 0.9 + fin),
        (0.46, 0.92 + fin),
        (0.5, 0.78 + fin),
        (0.6, 0.55),
    )
    pen.curve(dark, (0.42, 0.53), (0.4, 0.46), (0.44, 0.44), (0.5, 0.46))
    pen.oval(_DARK, (0.93, 0.27), 0.014, 0.014)
    return pen.finished()


def fish(height: int, colour: Colour, bend: float) -> Image.Image:
    """Draw a fish facing right, its tail bent by -1 to 1."""
    pen = Pen(height, 1.8, colour)
    dark, light = mix(colour, _DARK, 0.3), mix(colour, (255, 250, 240), 0.5)
    sweep = 0.14 * bend
    pen.curve(
        dark,
        (0.42, 0.5),
        (0.16, 0.22 + sweep),
        (0.1, 0.3 + sweep),
        (0.2, 0.52 + sweep),
        (0.1, 0.76 + sweep),
        (0.18, 0.82 + sweep),
    )
    pen.curve(dark, (0.72, 0.3), (0.86, 0.06), (1.12, 0.14), (1.2, 0.3))
    pen.curve(
        colour,
        (0.36, 0.5 + sweep * 0.3),
        (0.62, 0.3),
        (1.0, 0.2),
        (1.4, 0.3),
        (1.68, 0.5),
        (1.4, 0.7),
        (1.0, 0.8),
        (0.62, 0.69),
    )
    pen.curve(light, (0.7, 0.66), (1.0, 0.62), (1.4, 0.58), (1.62, 0.53), (1.4, 0.69), (1.0, 0.78))
    pen.curve(dark, (1.12, 0.56), (0.96, 0.78 - sweep), (0.86, 0.76 - sweep), (1.0, 0.54))
    pen.oval((250, 250, 244), (1.44, 0.43), 0.045, 0.045)
    pen.oval(_DARK, (1.45, 0.43), 0.026, 0.026)
    return pen.finished()


def bird(height: int, colour: Colour, lift: float) -> Image.Image:
    """Draw a bird facing right, its wings at -1 (down) to 1 (up)."""
    pen = Pen(height, 1.5, colour)
    dark = mix(colour, _DARK, 0.3)
    y = 0.56 - 0.05 * lift
    far = y - 0.34 * lift
    pen.curve(
        dark,
        (0.84, y),
        (0.9, (y + far) / 2 - 0.05),
        (0.84, far - 0.02),
        (0.72, (y + far) / 2 + 0.02),
        (0.7, y + 0.02),
    )
    pen.curve(
        colour,
        (0.16, y + 0.08),
        (0.42, y - 0.02),
        (0.72, y - 0.085),
        (0.98, y - 0.09),
        (1.1, y - 0.05),
        (1.02, y + 0.05),
        (0.78, y + 0.1),
        (0.46, y + 0.085),
    )
    pen.facet((242, 178, 66), (1.07, y - 0.075), (1.22, y - 0.025), (1.06, y - 0.015))
    near = y - (0.41 + 0.07 * lift) * lift
    pen.curve(
        mix(colour, (255, 255, 255), 0.16),
        (0.86, y - 0.03),
        (0.8, (y + near) / 2 - 0.08),
        (0.54, near - 0.02),
        (0.42, near + 0.01),
        (0.55, (y + near) / 2 + 0.06),
        (0.6, y + 0.02),
    )
    pen.oval(_DARK, (1.02, y - 0.055), 0.015, 0.015)
    return pen.finished()


def dragon(height: int, colour: Colour, lift: float) -> Image.Image:
    """Draw a dragon facing right, its wings at -1 (down) to 1 (up)."""
    pen = Pen(height, 1.7, colour)
    dark, belly = mix(colour, _DARK, 0.4), mix(colour, (240, 214, 140), 0.6)
    y = 0.6 - 0.04 * lift
    _wing(pen, dark, (0.98, y - 0.04), 0.9 * lift, 0.86)
    tail = [
        (0.12 + 0.09 * k, y + 0.02 + 0.05 * math.sin(k * 1.1 + 2 * lift), 0.012 + 0.011 * k) for k in range(5)
    ]
    pen.limb(colour, *tail, (0.66, y + 0.02, 0.085))
    pen.facet(dark, (0.14, y - 0.03), (0.02, y - 0.02), (0.13, y + 0.06))
    for x, reach in ((0.62, 0.15), (1.0, 0.12)):
        pen.limb(dark, (x, y + 0.05, 0.045), (x - 0.07, y + reach, 0.03), (x - 0.02, y + reach + 0.05, 0.014))
    pen.limb(colour, (0.66, y + 0.02, 0.09), (0.92, y, 0.105), (1.12, y - 0.06, 0.07))
    pen.limb(belly, (0.72, y + 0.075, 0.03), (0.94, y + 0.075, 0.036), (1.12, y - 0.01, 0.026))
    pen.limb(colour, (1.12, y - 0.06, 0.07), (1.26, y - 0.17, 0.05), (1.37, y - 0.23, 0.048))
    pen.limb(colour, (1.37, y - 0.23, 0.056), (1.54, y - 0.19, 0.03))
    pen.facet(dark, (1.42, y - 0.16), (1.6, y - 0.165), (1.44, y - 0.13))
    for horn in (0.0, 0.05):
        pen.facet(belly, (1.33 + horn, y - 0.27), (1.22 + horn, y - 0.36), (1.38 + horn, y - 0.28))
    for spike, rise in enumerate((0.08, 0.095, 0.1, 0.105, 0.11, 0.115)):
        x, up = 0.6 + 0.1 * spike, y - rise
        pen.facet(dark, (x, up + 0.02), (x + 0.02, up - 0.035), (x + 0.06, up + 0.02))
    pen.oval((255, 214, 90), (1.42, y - 0.245), 0.014, 0.012)
    _wing(pen, mix(colour, (255, 240, 200), 0.16), (0.9, y - 0.04), lift, 1.0)
    return pen.finished()


def _wing(pen: Pen, skin: Colour, joint: tuple[float, float], lift: float, size: float) -> None:
    """Draw a wing of skin over three fingers, from its joint backwards."""
    x, y = joint
    bone = mix(skin, _DARK, 0.45)
    wrist = (x - 0.08 * size, y - 0.3 * size * lift)
    tips = [
        (x - 0.2 * size, y - (0.5 * lift + 0.02) * size),
        (x - 0.52 * size, y - (0.36 * lift + 0.02) * size),
        (x - 0.5 * size, y - (0.08 * lift - 0.03) * size),
    ]
    pen.facet(
        skin,
        joint,
        wrist,
        tips[0],
        (x - 0.3 * size, y - 0.3 * size * lift),
        tips[1],
        (x - 0.36 * size, y - 0.14 * size * lift),
        tips[2],
        (x - 0.2 * size, y + 0.05),
    )
    for tip in tips:
        pen.line(bone, wrist, tip, width=0.012)
    pen.line(bone, joint, wrist, width=0.022)


def butterfly(height: int, colour: Colour, spread: float) -> Image.Image:
    """Draw a butterfly, its wings spread from 0.3 to 1."""
    pen = Pen(height, 1.2, colour)
    light, wide = mix(colour, (255, 255, 255), 0.35), 0.3 + 0.7 * abs(spread)
    for side in (-1, 1):
        reach = side * wide
        pen.curve(
            colour,
            (0.6, 0.5),
            (0.6 + 0.3 * reach, 0.12),
            (0.6 + 0.52 * reach, 0.1),
            (0.6 + 0.5 * reach, 0.4),
            (0.6 + 0.2 * reach, 0.55),
        )
        pen.curve(
            light,
            (0.6, 0.52),
            (0.6 + 0.32 * reach, 0.54),
            (0.6 + 0.4 * reach, 0.74),
            (0.6 + 0.22 * reach, 0.88),
            (0.6 + 0.06 * reach, 0.68),
        )
    pen.limb(_DARK, (0.6, 0.34, 0.025), (0.6, 0.74, 0.018))
    return pen.finished()


def jellyfish(height: int, colour: Colour, squeeze: float) -> Image.Image:
    """Draw a jellyfish, squeezed by -1 to 1."""
    pen = Pen(height, 0.8, colour)
    wide = 0.3 + 0.04 * squeeze
    for strand in range(7):
        x = 0.4 + (strand - 3) * 0.07
        sway = 0.05 * math.sin(strand * 1.3 + squeeze * 2)
        pen.line(
            mix(colour, (255, 255, 255), 0.3),
            (x, 0.36),
            (x + sway, 0.6),
            (x - sway, 0.82),
            (x + sway, 0.97),
            width=0.014,
        )
    pen.curve(
        colour,
        (0.4 - wide, 0.4),
        (0.4 - wide * 0.9, 0.18),
        (0.4, 0.06 - 0.02 * squeeze),
        (0.4 + wide * 0.9, 0.18),
        (0.4 + wide, 0.4),
        (0.4, 0.36),
    )
    pen.curve(
        mix(colour, (255, 255, 255), 0.4),
        (0.4 - wide * 0.6, 0.24),
        (0.4, 0.12),
        (0.4 + wide * 0.3, 0.16),
        (0.4, 0.2),
    )
    return pen.finished()
