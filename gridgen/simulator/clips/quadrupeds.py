"""Four-legged animals as simple figures, one picture for each phase of their step."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gridgen.simulator.clips.colours import DARK, SKIN, Colour, from_hex, mix
from gridgen.simulator.clips.pen import Pen, Point, turned
from gridgen.simulator.clips.shapes import Motion, draw
from gridgen.simulator.clips.tables import rows

if TYPE_CHECKING:
    from PIL import Image


__all__ = ["QUADRUPEDS", "quadruped"]

_TURN: Final = 2 * math.pi


@dataclass(frozen=True, slots=True)
class Build:
    """The proportions of a four-legged animal, in heights of its picture.

    Attributes
    ----------
    mark : Colour
        Of feet, tail tip or mane.
    ears, tail : str
        Names of figures.
    body : float
        Length from hip to chest.
    girth : float
        Radius of the trunk.
    leg, neck : float
        Their lengths.
    rise : float
        How upright the neck is, radians from level.
    head : float
        Radius of the head.
    snout : float
        Length of the muzzle.
    """

    mark: Colour
    ears: str
    tail: str
    body: float
    girth: float
    leg: float
    neck: float
    rise: float
    head: float
    snout: float


_ROWS: Final = """
name     | mark   | ears    | tail  | body girth leg  neck rise head  snout
fox      | faf0e4 | pointed | brush | 0.42 0.11  0.30 0.12 0.70 0.075 0.13
wolf     | 3c3e48 | pointed | brush | 0.42 0.115 0.35 0.12 0.70 0.068 0.12
dog      | 784e2c | flap    | whip  | 0.42 0.105 0.34 0.12 0.70 0.068 0.10
cat      | 28262e | pointed | whip  | 0.38 0.09  0.27 0.08 0.70 0.075 0.035
horse    | 2c1e1a | pointed | hair  | 0.46 0.125 0.42 0.25 0.95 0.06  0.15
deer     | ecdec8 | antlers | stub  | 0.40 0.10  0.40 0.20 1.10 0.052 0.09
bear     | 3c2c24 | round   | stub  | 0.44 0.17  0.27 0.10 0.40 0.10  0.08
elephant | ece4d6 | big     | whip  | 0.46 0.21  0.33 0.08 0.50 0.13  0.10
"""
QUADRUPEDS: Final = {
    name: Build(from_hex(mark), ears, tail, *map(float, sizes.split()))
    for name, mark, ears, tail, sizes in rows(_ROWS)
}


def quadruped(
    height: int,
    kind: str,
    colours: tuple[Colour, Colour],
    phase: float,
    *,
    gallop: bool,
    rider: Colour | None = None,
) -> Image.Image:
    """Draw an animal facing right at a phase (0 to 1) of its step.

    Parameters
    ----------
    height : int
        Pixels of the picture.
    kind : str
        A key of `QUADRUPEDS`.
    colours : tuple of Colour
        Of its coat, and of feet, tail tip or mane.
    phase : float
        Where in the step.
    gallop : bool
        Legs in pairs and the back bending, rather than a walk.
    rider : Colour or None, default None
        The coat of somebody who sits on it.
    """
    build, (coat, mark) = QUADRUPEDS[kind], colours
    named = {"own": coat, "mark": mark}
    pen = Pen(height, 1.55, coat)
    angle = phase * _TURN
    bounce = (0.03 if gallop else 0.008) * math.sin(angle if gallop else 2 * angle)
    pitch = 0.10 * math.sin(angle + 0.9) if gallop else 0.0
    hip = (0.5, 0.93 - build.leg - build.girth * 0.3 + bounce)
    chest = (hip[0] + build.body, hip[1] - pitch * build.body)
    middle = (hip[0] * 0.55 + chest[0] * 0.45, (hip[1] + chest[1]) / 2)
    for far in (True, False):
        colour = mix(coat, DARK, 0.32) if far else coat
        lag = phase + far * (0.13 if gallop else 0.5)
        _leg(pen, build, hip, (lag, gallop, True), (colour, mark))
        _leg(pen, build, chest, (lag + (0.38 if gallop else 0.25), gallop, False), (colour, mark))
    root = (hip[0] - build.girth * 0.75, hip[1] - build.girth * 0.3)
    draw(pen, build.tail, named, Motion(math.sin(angle - 1.2)), at=root)
    _trunk(pen, build, (hip, (middle[0], middle[1] + abs(pitch) * 0.12), chest), colours)
    if rider is not None:
        draw(pen, "rider", {"own": rider, "skin": SKIN}, at=(middle[0], middle[1] - build.girth * 0.85))
    _head(pen, build, chest, pitch + 0.05 * math.sin(angle), named)
    return pen.finished()


def _leg(
    pen: Pen, build: Build, joint: Point, step: tuple[float, bool, bool], colours: tuple[Colour, Colour]
) -> None:
    (phase, gallop, hind), (colour, mark) = step, colours
    angle = phase * _TURN
    swing = (0.95 if gallop else 0.42) * math.sin(angle)
    fold = max(0.0, math.cos(angle)) * (1.5 if gallop else 0.7)
    start = (joint[0] + (0.02 if hind else -0.02), joint[1] + build.girth * 0.35)
    knee = turned(start, build.leg * 0.52, swing + (-0.16 if hind else 0.06))
    foot = turned(knee, build.leg * 0.56, swing - fold * 0.75 + 0.12 if hind else swing - fold)
    thick = build.girth * (0.5 if hind else 0.42)
    pen.limb(colour, (*start, thick), (*knee, thick * 0.5), (*foot, thick * 0.3))
    if build.tail == "brush":
        ankle = (knee[0] * 0.55 + foot[0] * 0.45, knee[1] * 0.55 + foot[1] * 0.45)
        pen.limb(mix(colour, DARK, 0.7), (*ankle, thick * 0.4), (*foot, thick * 0.3))
    sole = mark if build.tail == "hair" else mix(colour, DARK, 0.55)
    pen.limb(sole, (*foot, thick * 0.32), (foot[0] + thick * 0.5, foot[1] + thick * 0.06, thick * 0.24))


def _trunk(pen: Pen, build: Build, back: tuple[Point, Point, Point], colours: tuple[Colour, Colour]) -> None:
    (hip, waist, chest), girth, (coat, mark) = back, build.girth, colours
    pen.limb(coat, (*hip, girth * 0.92), (*waist, girth * 0.84), (*chest, girth))
    if build.tail == "brush":
        x, y = chest
        bib = (x + girth * 0.62, y - girth * 0.1, girth * 0.34)
        pen.limb(mark, bib, (x + girth * 0.3, y + girth * 0.62, girth * 0.24))


def _head(pen: Pen, build: Build, chest: Point, pitch: float, named: dict[str, Colour]) -> None:
    coat, mark, size, rise = named["own"], named["mark"], build.head, build.rise + pitch
    base = (chest[0] + build.girth * 0.35, chest[1] - build.girth * 0.35)
    x, y = base[0] + build.neck * math.cos(rise), base[1] - build.neck * math.sin(rise)
    pen.limb(coat, (*chest, build.girth * 0.8), (*base, build.girth * 0.68), (x, y, size * 0.92))
    if build.tail == "hair":
        pen.limb(mark, (base[0] - 0.05, base[1] - 0.03, 0.03), (x - 0.03, y - 0.045, 0.024))
    if build.ears != "big":
        draw(pen, build.ears, named, at=(x, y), scale=size)
    drop = build.snout * (0.55 if build.tail == "hair" else 0.18)
    nose = (x + size * 0.6 + build.snout, y + size * 0.55 + drop)
    pen.limb(coat, (x + size * 0.2, y, size), (*nose, size * 0.3))
    if build.tail == "brush":
        cheek = (x + size * 0.45, y + size * 0.5, size * 0.42)
        pen.limb(mark, cheek, (nose[0] - 0.01, nose[1] + 0.012, size * 0.14))
    if build.ears == "big":
        draw(pen, "proboscis", named, at=nose)
        draw(pen, "big", named, at=(x, y), scale=size)
    else:
        pen.oval(DARK, nose, size * 0.2, size * 0.17)
    pen.oval(DARK, (x + size * 0.55, y - size * 0.12), size * 0.13, size * 0.15)
