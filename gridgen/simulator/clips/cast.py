"""From a subject's name to the cycle of pictures that shows it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Final

from gridgen.simulator.clips import creatures, figures, landmarks, things, vessels
from gridgen.simulator.clips.colours import NAMES, Colour, lit, mix
from gridgen.simulator.clips.plates import Plate
from gridgen.simulator.clips.quadrupeds import QUADRUPEDS, quadruped

if TYPE_CHECKING:
    from PIL import Image

    from gridgen.simulator.clips.colours import Palette
    from gridgen.simulator.clips.words import Subject

    _Shape = Callable[[int, Colour, float], Image.Image]

__all__ = ["AFLOAT", "BUILT", "IN_AIR", "Role", "cycle", "role"]

AFLOAT: Final = frozenset({"paper boat", "sailboat", "ship"})
BUILT: Final = frozenset(
    {"lighthouse", "windmill", "castle", "house", "volcano", "waterfall", "campfire", "flower"}
    | {"bottle", "cup", "swing"}
)
IN_AIR: Final = frozenset(
    {
        "bee",
        "bird",
        "butterfly",
        "balloon",
        "plane",
        "rocket",
        "umbrella",
        "lantern",
        "astronaut",
        "dragon",
        "kite",
    }
)
_GLOWING: Final = frozenset(
    {"fish", "lantern", "lighthouse", "train", "robot", "jellyfish", "campfire", "flower"}
)
_COAT: Final = (176.0, 58.0, 60.0)
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
    "butterfly": Role(0.26, (244, 152, 58), 10, 0.5),
    "paper boat": Role(0.36, (248, 246, 238), 16, 2.8),
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
    "lighthouse": Role(0.62, (192, 52, 46), 1, 1.0),
    "windmill": Role(0.5, (214, 196, 168), 16, 1.6),
    "umbrella": Role(0.26, (218, 52, 60), 16, 3.5),
    "lantern": Role(0.22, (238, 96, 52), 16, 4.0),
    "castle": Role(0.56, (166, 160, 172), 1, 1.0),
    "house": Role(0.34, (214, 190, 160), 1, 1.0),
    "volcano": Role(0.6, (92, 78, 84), 12, 3.0),
    "waterfall": Role(0.66, (116, 112, 116), 12, 1.2),
    "campfire": Role(0.3, (236, 110, 40), 12, 0.8),
    "flower": Role(0.6, (232, 84, 130), 24, 6.0),
    "kite": Role(0.26, (236, 84, 70), 16, 2.4),
    "dragon": Role(0.42, (72, 132, 84), 12, 1.1),
    "woman": Role(0.38, (186, 62, 54), 12, 1.0),
    "child": Role(0.27, (236, 150, 60), 12, 0.8),
    "cup": Role(0.4, (232, 226, 214), 1, 1.0),
    "bottle": Role(0.52, (232, 168, 150), 1, 1.0),
    "hand": Role(0.42, (66, 92, 136), 16, 1.4),
    "swing": Role(1.95, (214, 70, 84), 20, 3.2),
    "bee": Role(0.17, (246, 190, 44), 8, 0.5),
    "diver": Role(0.26, (40, 60, 84), 12, 1.8),
}


def role(subject: Subject) -> Role:
    """Return a subject's role."""
    return _ROLES[subject.kind]


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
    part = _ROLES[subject.kind]
    own = NAMES[subject.colour] if subject.colour else part.colour
    if subject.kind in QUADRUPEDS and subject.colour not in {None, "black", "white"}:
        own = mix(own, part.colour, 0.45)
    colour = lit(own, palette.shade, 0.25 if subject.kind in _GLOWING else 0.5)
    dress = _Dress(subject.deed, colour, palette, rough, subject.ridden)
    draw = _DRAWN[subject.kind]
    if subject.kind not in _SWINGING:
        return [Plate.of(draw(height, frame / part.frames, dress)) for frame in range(part.frames)]
    swings = [round(math.sin(frame / part.frames * _TURN), 6) for frame in range(part.frames)]
    painted = {
        swing: Plate.of(draw(height, math.asin(swing) / _TURN, dress)) for swing in sorted(set(swings))
    }
    return [painted[swing] for swing in swings]


@dataclass(frozen=True, slots=True)
class _Dress:
    """How a figure is drawn: its deed, its colour, the light, how strongly it rocks, whether it is ridden."""

    deed: str
    colour: Colour
    palette: Palette
    rough: float
    ridden: bool


_Draw = Callable[[int, float, _Dress], "Image.Image"]


def _stepping(kind: str) -> _Draw:
    build = QUADRUPEDS[kind]

    def draw(height: int, phase: float, dress: _Dress) -> Image.Image:
        mark = mix(lit(build.mark, dress.palette.shade, 0.6), build.mark, 0.35)
        dressed = replace(build, coat=dress.colour, mark=mark)
        rider = lit(_COAT, dress.palette.shade, 0.5) if dress.ridden else None
        if dress.deed == "wait":
            return quadruped(height, dressed, 0.02 * math.sin(phase * _TURN), gallop=False, rider=rider)
        return quadruped(height, dressed, phase, gallop=dress.deed in {"run", "leap"}, rider=rider)

    return draw


def _rocking(shape: _Shape, degrees: float) -> _Draw:
    return lambda height, phase, dress: shape(
        height, dress.colour, degrees * dress.rough * math.sin(phase * _TURN)
    )


def _bending(shape: _Shape) -> _Draw:
    return lambda height, phase, dress: shape(height, dress.colour, math.sin(phase * _TURN))


def _turning(shape: _Shape, spokes: int) -> _Draw:
    return lambda height, phase, dress: shape(height, dress.colour, phase * _TURN / spokes)


def _robot(height: int, phase: float, dress: _Dress) -> Image.Image:
    walking = dress.deed in {"walk", "run", "dance"}
    return figures.robot(height, dress.colour, phase, dress.palette.lamp, walking=walking)


def _walking(*, skirt: bool) -> _Draw:
    return lambda height, phase, dress: figures.person(
        height, dress.colour, phase, gait=dress.deed, skirt=skirt
    )


def _flower(height: int, phase: float, dress: _Dress) -> Image.Image:
    blooms = dress.deed == "bloom"
    return landmarks.flower(
        height, dress.colour, phase if blooms else 1.0, 0.0 if blooms else 3 * math.sin(phase * _TURN)
    )


_TILTS: Final = {"bee": 7.0, "bottle": 0.0, "cup": 0.0, "diver": 5.0, "hand": 4.0, "swing": 17.0}

_DRAWN: Final[dict[str, _Draw]] = {
    **{kind: _stepping(kind) for kind in QUADRUPEDS},
    "astronaut": _rocking(figures.astronaut, 14.0),
    "balloon": _rocking(vessels.balloon, 3.0),
    "bird": _bending(creatures.bird),
    "butterfly": _bending(creatures.butterfly),
    "car": _turning(vessels.car, 3),
    "dolphin": _bending(creatures.whale),
    "fish": _bending(creatures.fish),
    "jellyfish": _bending(creatures.jellyfish),
    "lantern": _rocking(figures.lantern, 5.0),
    "campfire": lambda height, phase, dress: landmarks.campfire(height, dress.colour, phase),
    "castle": lambda height, _, dress: landmarks.castle(height, dress.colour, dress.palette.lamp),
    "dragon": _bending(creatures.dragon),
    "flower": _flower,
    "kite": _rocking(figures.kite, 9.0),
    "house": lambda height, _, dress: landmarks.house(height, dress.colour, dress.palette.lamp),
    "lighthouse": lambda height, _, dress: landmarks.lighthouse(height, dress.colour, dress.palette.lamp),
    "paper boat": _rocking(vessels.paper_boat, 5.0),
    "person": _walking(skirt=False),
    "plane": _rocking(vessels.plane, 2.5),
    "robot": _robot,
    "rocket": _bending(vessels.rocket),
    "sailboat": _rocking(vessels.sailboat, 4.0),
    "ship": _rocking(vessels.ship, 1.2),
    "train": lambda height, _, dress: vessels.train(height, dress.colour, dress.palette.lamp),
    "umbrella": _rocking(figures.umbrella, 16.0),
    "whale": _bending(creatures.whale),
    "volcano": _bending(landmarks.volcano),
    "waterfall": lambda height, phase, dress: landmarks.waterfall(height, dress.colour, phase),
    "windmill": _turning(landmarks.windmill, 4),
    "woman": _walking(skirt=True),
    "child": _walking(skirt=False),
    **{kind: _rocking(partial(things.thing, kind), degrees) for kind, degrees in _TILTS.items()},
}
_SWINGING: Final = frozenset(
    {"swing"}
    | {
        "astronaut",
        "balloon",
        "bird",
        "butterfly",
        "dolphin",
        "dragon",
        "fish",
        "jellyfish",
        "kite",
        "lantern",
    }
    | {
        "bee",
        "diver",
        "hand",
        "paper boat",
        "plane",
        "rocket",
        "sailboat",
        "ship",
        "umbrella",
        "volcano",
        "whale",
    }
)
"""Figures that go back the way they came: half of their pictures serve twice."""
