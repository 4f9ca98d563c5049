"""Four-legged animals as simple figures, one picture for each phase of their step."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gridgen.simulator.clips.colours import Colour, mix
from gridgen.simulator.clips.pen import Pen, turned

if TYPE_CHECKING:
    from PIL import Image


__all__ = ["QUADRUPEDS", "Build", "quadruped"]

TURN: Final = 2 * math.pi


_DARK: Final = (24.0, 20.0, 26.0)
_BREECHES: Final = (196.0, 184.0, 164.0)


@dataclass(frozen=True, slots=True)
class Build:
    """The proportions of a four-legged animal, in heights of its picture.

    Attributes
    ----------
    coat, mark : Colour
        Of the body; of feet, tail tip or mane.
    body : float
        Length from hip to chest.
    girth : float
        Radius of the trunk.
    leg : float
        Length of a leg.
    neck : float
        Length of the neck.
    rise : float
        How upright the neck is, radians from level.
    head : float
        Radius of the head.
    snout : float
        Length of the muzzle.
    ears : str
        pointed, round, flap or antlers.
    tail : str
        brush, whip, tuft, stub or hair.
    """

    coat: Colour
    mark: Colour
    body: float = 0.42
    girth: float = 0.105
    leg: float = 0.34
    neck: float = 0.12
    rise: float = 0.7
    head: float = 0.068
    snout: float = 0.12
    ears: str = "pointed"
    tail: str = "brush"


QUADRUPEDS: Final = {
    "fox": Build((226, 104, 44), (250, 240, 228), leg=0.3, girth=0.11, head=0.075, snout=0.13),
    "wolf": Build((122, 126, 136), (60, 62, 72), leg=0.35, girth=0.115),
    "dog": Build((206, 154, 92), (120, 78, 44), ears="flap", tail="whip", snout=0.1),
    "cat": Build((84, 80, 90), (40, 38, 46), body=0.38, girth=0.09, leg=0.27, neck=0.08, head=0.075, snout=0.035, tail="whip"),
    "horse": Build((132, 84, 52), (44, 30, 26), body=0.46, girth=0.125, leg=0.42, neck=0.25, rise=0.95, head=0.06, snout=0.15, tail="hair"),
    "deer": Build((168, 116, 72), (236, 222, 200), body=0.4, girth=0.1, leg=0.4, neck=0.2, rise=1.1, head=0.052, snout=0.09, ears="antlers", tail="stub"),
    "bear": Build((96, 70, 54), (60, 44, 36), body=0.44, girth=0.17, leg=0.27, neck=0.1, rise=0.4, head=0.1, snout=0.08, ears="round", tail="stub"),
    "elephant": Build((138, 138, 148), (236, 228, 214), body=0.46, girth=0.21, leg=0.33, neck=0.08, rise=0.5, head=0.13, snout=0.1, ears="big", tail="whip"),
}  # fmt: skip


def quadruped(
    height: int, build: Build, phase: float, *, gallop: bool, rider: Colour | None = None
) -> Image.Image:
    """Draw an animal facing right at a phase (0 to 1) of its step.

    Parameters
    ----------
    height : int
        Pixels of the picture.
    build : Build
        Its proportions and colours.
    phase : float
        Where in the step.
    gallop : bool
        Legs in pairs and the back bending, rather than a walk.
    rider : Colour or None, default None
        The coat of somebody who sits on it.
    """
    pen = Pen(height, 1.55, build.coat)
    angle = phase * TURN
    bounce = (0.03 if gallop else 0.008) * math.sin(angle if gallop else 2 * angle)
    pitch = 0.10 * math.sin(angle + 0.9) if gallop else 0.0
    hip = (0.5, 0.93 - build.leg - build.girth * 0.3 + bounce)
    chest = (hip[0] + build.body, hip[1] - pitch * build.body)
    shadow = mix(build.coat, _DARK, 0.32)
    for lag in (0.5, 0.0):
        colour = shadow if lag else build.coat
        _leg(pen, build, hip, (phase + _lag(lag, gallop=gallop), gallop, True), colour)
        _leg(
            pen,
            build,
            chest,
            (phase + _lag(lag, gallop=gallop) + (0.38 if gallop else 0.25), gallop, False),
            colour,
        )
        if lag:
            _tail(pen, build, hip, angle)
            _trunk(pen, build, hip, chest, pitch)
            if rider is not None:
                _rider(pen, rider, (hip[0] * 0.52 + chest[0] * 0.48, (hip[1] + chest[1]) / 2), build.girth)
    _head(pen, build, chest, pitch, angle)
    return pen.finished()


def _rider(pen: Pen, coat: Colour, seat: tuple[float, float], girth: float) -> None:
    x, y = seat[0], seat[1] - girth * 0.85
    dark = mix(coat, _DARK, 0.45)
    pen.limb(_BREECHES, (x, y, 0.045), (x + 0.075, y + 0.11, 0.034), (x + 0.03, y + 0.21, 0.026))
    pen.limb(_DARK, (x + 0.03, y + 0.21, 0.027), (x + 0.075, y + 0.225, 0.02))
    pen.limb(coat, (x, y, 0.05), (x + 0.025, y - 0.15, 0.045))
    pen.limb(dark, (x + 0.025, y - 0.14, 0.026), (x + 0.06, y - 0.05, 0.022), (x + 0.14, y - 0.06, 0.018))
    pen.oval((226.0, 178.0, 146.0), (x + 0.05, y - 0.225), 0.036, 0.042)
    pen.curve(
        _DARK,
        (x, y - 0.23),
        (x + 0.02, y - 0.28),
        (x + 0.07, y - 0.278),
        (x + 0.085, y - 0.245),
        (x + 0.04, y - 0.25),
    )


def _lag(lag: float, *, gallop: bool) -> float:
    return lag * 0.26 if gallop else lag


def _leg(
    pen: Pen, build: Build, joint: tuple[float, float], step: tuple[float, bool, bool], colour: Colour
) -> None:
    phase, gallop, hind = step
    angle = phase * TURN
    swing = (0.95 if gallop else 0.42) * math.sin(angle)
    fold = max(0.0, math.cos(angle)) * (1.5 if gallop else 0.7)
    upper, lower = build.leg * 0.52, build.leg * 0.56
    start = (joint[0] + (0.02 if hind else -0.02), joint[1] + build.girth * 0.35)
    knee = turned(start, upper, swing + (-0.16 if hind else 0.06))
    bend = swing - fold if not hind else swing - fold * 0.75 + 0.12
    foot = turned(knee, lower, bend)
    thick = build.girth * (0.5 if hind else 0.42)
    pen.limb(colour, (*start, thick), (*knee, thick * 0.5))
    pen.limb(colour, (*knee, thick * 0.5), (*foot, thick * 0.3))
    sole = build.mark if build.tail == "hair" else mix(colour, _DARK, 0.55)
    if build.tail == "brush":
        pen.limb(mix(colour, _DARK, 0.7), (*_between(knee, foot, 0.45), thick * 0.4), (*foot, thick * 0.3))
    pen.limb(sole, (*foot, thick * 0.32), (foot[0] + thick * 0.5, foot[1] + thick * 0.06, thick * 0.24))


def _between(one: tuple[float, float], other: tuple[float, float], share: float) -> tuple[float, float]:
    return one[0] + (other[0] - one[0]) * share, one[1] + (other[1] - one[1]) * share


def _trunk(
    pen: Pen, build: Build, hip: tuple[float, float], chest: tuple[float, float], pitch: float
) -> None:
    waist = ((hip[0] * 0.55 + chest[0] * 0.45), (hip[1] + chest[1]) / 2 + abs(pitch) * 0.12)
    girth = build.girth
    pen.limb(build.coat, (*hip, girth * 0.92), (waist[0], waist[1] - 0.005, girth * 0.84), (*chest, girth))
    x, y = chest
    if build.tail == "brush":
        pen.limb(
            build.mark,
            (x + girth * 0.62, y - girth * 0.1, girth * 0.34),
            (x + girth * 0.3, y + girth * 0.62, girth * 0.24),
        )


def _head(pen: Pen, build: Build, chest: tuple[float, float], pitch: float, angle: float) -> None:
    rise = build.rise + pitch + 0.05 * math.sin(angle)
    base = (chest[0] + build.girth * 0.35, chest[1] - build.girth * 0.35)
    crown = (base[0] + build.neck * math.cos(rise), base[1] - build.neck * math.sin(rise))
    pen.limb(
        build.coat, (*chest, build.girth * 0.8), (*base, build.girth * 0.68), (*crown, build.head * 0.92)
    )
    if build.tail == "hair":
        pen.limb(
            build.mark, (base[0] - 0.05, base[1] - 0.03, 0.03), (crown[0] - 0.03, crown[1] - 0.045, 0.024)
        )
    _ears(pen, build, crown)
    nose = (
        crown[0] + build.head * 0.6 + build.snout,
        crown[1] + build.head * 0.55 + build.snout * (0.55 if build.tail == "hair" else 0.18),
    )
    pen.limb(build.coat, (crown[0] + build.head * 0.2, crown[1], build.head), (*nose, build.head * 0.3))
    if build.tail == "brush":
        cheek = (crown[0] + build.head * 0.45, crown[1] + build.head * 0.5)
        pen.limb(
            build.mark, (*cheek, build.head * 0.42), (nose[0] - 0.01, nose[1] + 0.012, build.head * 0.14)
        )
    if build.ears == "big":
        trunk = [
            (nose[0] + 0.02, nose[1] + 0.1, 0.04),
            (nose[0] + 0.02, nose[1] + 0.24, 0.028),
            (nose[0] + 0.06, nose[1] + 0.3, 0.02),
        ]
        pen.limb(build.coat, (*nose, 0.06), *trunk)
        pen.curve(
            mix(build.coat, _DARK, 0.2),
            (crown[0] - 0.02, crown[1] - 0.1),
            (crown[0] + 0.05, crown[1] + 0.05),
            (crown[0] - 0.06, crown[1] + 0.17),
            (crown[0] - 0.15, crown[1] + 0.03),
        )
    else:
        pen.oval(_DARK, nose, build.head * 0.2, build.head * 0.17)
    pen.oval(
        _DARK,
        (crown[0] + build.head * 0.55, crown[1] - build.head * 0.12),
        build.head * 0.13,
        build.head * 0.15,
    )


def _ears(pen: Pen, build: Build, crown: tuple[float, float]) -> None:
    x, y = crown
    size = build.head
    if build.ears == "pointed":
        for shift, colour in ((-0.25, mix(build.coat, _DARK, 0.35)), (0.1, build.coat)):
            pen.facet(
                colour,
                (x + size * (shift - 0.55), y - size * 0.45),
                (x + size * (shift - 0.35), y - size * 1.95),
                (x + size * (shift + 0.5), y - size * 0.7),
            )
    elif build.ears == "round":
        pen.oval(mix(build.coat, _DARK, 0.2), (x - size * 0.5, y - size * 0.8), size * 0.36, size * 0.36)
    elif build.ears == "flap":
        pen.limb(
            build.mark,
            (x - size * 0.4, y - size * 0.6, size * 0.3),
            (x - size * 0.85, y + size * 0.5, size * 0.26),
        )
    elif build.ears == "antlers":
        for lean in (-0.5, 0.15):
            tip = (x + lean * 0.12 - 0.03, y - 0.24)
            pen.line(
                mix(build.mark, _DARK, 0.35),
                (x - 0.01, y - size * 0.7),
                (x + lean * 0.16 - 0.04, y - 0.14),
                tip,
                width=0.014,
            )
            pen.line(
                mix(build.mark, _DARK, 0.35),
                (x + lean * 0.16 - 0.04, y - 0.14),
                (x + lean * 0.1 + 0.06, y - 0.21),
                width=0.012,
            )
        pen.limb(
            build.coat,
            (x - size * 0.4, y - size * 0.6, size * 0.2),
            (x - size * 1.3, y - size * 0.95, size * 0.16),
        )


def _tail(pen: Pen, build: Build, hip: tuple[float, float], angle: float) -> None:
    x, y = hip[0] - build.girth * 0.75, hip[1] - build.girth * 0.3
    sway = 0.03 * math.sin(angle - 1.2)
    if build.tail == "brush":
        thick = build.girth * 0.62
        middle, tip = (x - 0.14, y + 0.01 + sway, thick), (x - 0.27, y + 0.035 + 2.2 * sway, thick * 0.72)
        end = (x - 0.345, y + 0.035 + 2.9 * sway, thick * 0.12)
        pen.limb(build.coat, (x + 0.03, y, 0.035), middle, tip)
        pen.limb(build.mark, tip, end)
    elif build.tail == "whip":
        pen.limb(
            build.coat,
            (x + 0.02, y, 0.026),
            (x - 0.1, y - 0.05 + sway, 0.02),
            (x - 0.19, y - 0.15 + 2 * sway, 0.015),
        )
    elif build.tail == "hair":
        pen.limb(
            build.mark,
            (x + 0.02, y, 0.026),
            (x - 0.1, y + 0.03 + sway, 0.036),
            (x - 0.2, y + 0.15 + 3 * sway, 0.01),
        )
    else:
        pen.limb(build.mark, (x + 0.03, y, 0.03), (x - 0.02, y + 0.02, 0.022))
