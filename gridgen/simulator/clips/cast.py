"""From a subject's name to the cycle of pictures that shows it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gridgen.simulator.clips import animals, objects
from gridgen.simulator.clips.colours import NAMES, Colour, lit, mix
from gridgen.simulator.clips.plates import Plate

if TYPE_CHECKING:
    from collections.abc import Callable

    from PIL import Image

    from gridgen.simulator.clips.colours import Palette
    from gridgen.simulator.clips.words import Subject

__all__ = ["AFLOAT", "IN_AIR", "Role", "cycle", "role"]

AFLOAT: Final = frozenset({"paper boat", "sailboat", "ship"})
IN_AIR: Final = frozenset({"bird", "butterfly", "balloon", "plane", "rocket", "umbrella", "lantern", "astronaut"})
_GLOWING: Final = frozenset({"lantern", "lighthouse", "train", "robot", "jellyfish"})
_TURN: Final = 2 * math.pi


@dataclass(frozen=True, slots=True)
class Role:
    """How large a figure is and how fast it goes through its cycle.

    Attributes
    ----------
    height : float
        In short sides of the frame.
    colour : Colour
        Where the prompt names none.
    frames : int
        Pictures in the cycle.
    seconds : float
        Length of the cycle.
    """

    height: float
    colour: Colour
    frames: int
    seconds: float


_ROLES: Final = {
    "fox": Role(0.30, (226, 104, 44), 10, 0.62),
    "wolf": Role(0.33, (122, 126, 136), 10, 0.66),
    "dog": Role(0.30, (206, 154, 92), 10, 0.6),
    "cat": Role(0.26, (84, 80, 90), 12, 1.0),
    "horse": Role(0.42, (132, 84, 52), 10, 0.7),
    "deer": Role(0.40, (168, 116, 72), 12, 1.1),
    "bear": Role(0.38, (96, 70, 54), 12, 1.3),
    "elephant": Role(0.48, (138, 138, 148), 12, 1.6),
    "whale": Role(0.62, (62, 84, 112), 12, 3.0),
    "dolphin": Role(0.4, (98, 126, 150), 12, 1.6),
    "fish": Role(0.2, (240, 132, 52), 12, 0.8),
    "jellyfish": Role(0.34, (226, 150, 220), 16, 2.2),
    "bird": Role(0.22, (236, 238, 242), 12, 0.9),
    "butterfly": Role(0.2, (244, 152, 58), 10, 0.5),
    "paper boat": Role(0.3, (248, 246, 238), 16, 2.8),
    "sailboat": Role(0.36, (196, 66, 52), 16, 3.2),
    "ship": Role(0.3, (190, 56, 48), 16, 4.0),
    "balloon": Role(0.42, (226, 70, 56), 16, 5.0),
    "car": Role(0.22, (206, 58, 50), 8, 0.4),
    "train": Role(0.2, (58, 92, 128), 1, 1.0),
    "robot": Role(0.42, (172, 182, 194), 12, 1.6),
    "astronaut": Role(0.42, (224, 96, 50), 16, 7.0),
    "person": Role(0.38, (186, 62, 54), 12, 1.0),
    "rocket": Role(0.5, (216, 62, 50), 6, 0.3),
    "plane": Role(0.17, (52, 104, 184), 8, 4.0),
    "lighthouse": Role(0.56, (192, 52, 46), 1, 1.0),
    "windmill": Role(0.5, (214, 196, 168), 16, 1.6),
    "umbrella": Role(0.26, (218, 52, 60), 16, 3.5),
    "lantern": Role(0.22, (238, 96, 52), 16, 4.0),
}


def role(subject: Subject) -> Role:
    """Return a subject's role."""
    return _ROLES[subject.kind]


def cycle(subject: Subject, height: int, palette: Palette) -> list[Plate]:
    """Paint a subject's cycle of pictures, facing right.

    Parameters
    ----------
    subject : Subject
    height : int
        Pixels.
    palette : Palette
        The light it stands in.
    """
    part = _ROLES[subject.kind]
    own = NAMES[subject.colour] if subject.colour else part.colour
    strength = 0.25 if subject.kind in _GLOWING else 0.72
    shown = mix(lit(own, palette.shade, strength), own, 0.35)
    draw = _pictures(subject, shown, palette)
    return [Plate.of(draw(height, frame / part.frames)) for frame in range(part.frames)]


def _pictures(subject: Subject, colour: Colour, palette: Palette) -> Callable[[int, float], Image.Image]:
    kind, deed, lamp = subject.kind, subject.deed, mix(palette.lamp, (255, 255, 255), 0.1)
    if kind in animals.QUADRUPEDS:
        return _four_legs(kind, deed, colour, palette)
    if kind in _ROCKING:
        draw, degrees = _ROCKING[kind]
        return lambda height, u: draw(height, colour, degrees * math.sin(u * _TURN))
    if kind in _BENDING:
        shape = _BENDING[kind]
        return lambda height, u: shape(height, colour, math.sin(u * _TURN))
    if kind == "robot":
        return lambda height, u: objects.robot(height, colour, u, lamp, walking=deed in {"walk", "run", "dance"})
    if kind == "person":
        return lambda height, u: objects.person(height, colour, u, gait=deed)
    if kind == "train":
        return lambda height, _: objects.train(height, colour, lamp)
    if kind == "lighthouse":
        return lambda height, _: objects.lighthouse(height, colour, lamp)
    turning = objects.car if kind == "car" else objects.windmill
    step = _TURN / 3 if kind == "car" else _TURN / 4
    return lambda height, u: turning(height, colour, u * step)


def _four_legs(kind: str, deed: str, colour: Colour, palette: Palette) -> Callable[[int, float], Image.Image]:
    build = animals.QUADRUPEDS[kind]
    dressed = animals.Build(
        coat=colour,
        mark=mix(lit(build.mark, palette.shade, 0.6), build.mark, 0.35),
        **{name: getattr(build, name) for name in ("body", "girth", "leg", "neck", "rise", "head", "snout", "ears", "tail")},
    )
    if deed == "wait":
        return lambda height, u: animals.quadruped(height, dressed, 0.02 * math.sin(u * _TURN), gallop=False)
    return lambda height, u: animals.quadruped(height, dressed, u, gallop=deed in {"run", "leap"})


_ROCKING: Final = {
    "paper boat": (objects.paper_boat, 5.0),
    "sailboat": (objects.sailboat, 4.0),
    "ship": (objects.ship, 1.2),
    "balloon": (objects.balloon, 3.0),
    "astronaut": (objects.astronaut, 14.0),
    "plane": (objects.plane, 2.5),
    "umbrella": (objects.umbrella, 16.0),
    "lantern": (objects.lantern, 5.0),
}
_BENDING: Final = {
    "whale": animals.whale,
    "dolphin": animals.whale,
    "fish": animals.fish,
    "bird": animals.bird,
    "butterfly": animals.butterfly,
    "jellyfish": animals.jellyfish,
    "rocket": objects.rocket,
}
