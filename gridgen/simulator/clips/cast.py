"""From a subject's name to the cycle of pictures that shows it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from gridgen.simulator.clips.colours import NAMES, SKIN, lit, mix
from gridgen.simulator.clips.drawings import ASPECTS
from gridgen.simulator.clips.figures import flower, person, robot
from gridgen.simulator.clips.kinds import KINDS
from gridgen.simulator.clips.pen import Pen
from gridgen.simulator.clips.plates import Plate
from gridgen.simulator.clips.quadrupeds import QUADRUPEDS, quadruped
from gridgen.simulator.clips.shapes import Motion, draw

if TYPE_CHECKING:
    from PIL import Image

    from gridgen.simulator.clips.colours import Colour, Palette
    from gridgen.simulator.clips.words import Subject

__all__ = ["cycle"]

_COAT: Final = (176.0, 58.0, 60.0)
_AFOOT: Final = frozenset({"run", "walk"})
_STEADY: Final = frozenset({"car", "waterfall", "windmill"})
"""Figures that turn or flow, rather than go back the way they came."""


def cycle(subject: Subject, height: int, palette: Palette, *, rough: float = 1.0) -> list[Plate]:
    """Paint a subject's cycle of pictures, facing right.

    Parameters
    ----------
    subject : Subject
    height : int
        Pixels.
    palette : Palette
        The light it stands in.
    rough : float, default 1.0
        How strongly boats rock.
    """
    kind = KINDS[subject.kind]
    own = NAMES[subject.colour] if subject.colour else kind.colour
    if kind.name in QUADRUPEDS and subject.colour not in {None, "black", "white"}:
        own = mix(own, kind.colour, 0.45)
    colour = lit(own, palette.shade, 0.25 if "glows" in kind.traits else 0.4)
    sway = kind.sway * (0.3 if subject.deed in _AFOOT else rough if "afloat" in kind.traits else 1.0)
    jointed = kind.name not in ASPECTS or kind.name in _STEADY
    painted: dict[Motion, Plate] = {}
    pictures = []
    for phase in (frame / kind.frames for frame in range(kind.frames)):
        swing = round(math.sin(phase * 2 * math.pi), 6)
        motion = Motion(swing, phase if jointed else 0.0)
        if motion not in painted:
            drawn = _picture(subject, height, (colour, palette), motion, sway * swing)
            painted[motion] = Plate.of(drawn)
        pictures.append(painted[motion])
    return pictures


def _picture(
    subject: Subject, height: int, light: tuple[Colour, Palette], motion: Motion, tilt: float
) -> Image.Image:
    kind, deed, phase, (colour, palette) = subject.kind, subject.deed, motion.phase, light
    if kind in QUADRUPEDS:
        mark = lit(QUADRUPEDS[kind].mark, palette.shade, 0.4)
        rider = lit(_COAT, palette.shade, 0.5) if subject.ridden else None
        phase = 0.02 * motion.swing if deed == "wait" else phase
        return quadruped(height, kind, (colour, mark), phase, gallop=deed in {"run", "leap"}, rider=rider)
    if "person" in KINDS[kind].traits:
        return person(height, colour, phase, gait=deed, kind=kind)
    if kind == "robot":
        return robot(height, colour, phase, palette.lamp, walking=deed in {"walk", "run", "dance"})
    if kind == "flower":
        return flower(height, colour, phase, 0.0) if deed == "bloom" else flower(height, colour, 1.0, tilt)
    pen = Pen(height, ASPECTS[kind], colour, tilt)
    draw(pen, kind, {"own": colour, "lamp": palette.lamp, "skin": SKIN}, motion)
    return pen.finished()
