"""The interpreter of figures that are written as text: a stroke of the pen a line.

A line names a tone, a tool and places in heights of the picture::

    own-30 curve .42,.5 .16,.22~.14 .2,.52~.14        a closed curve through points
    lamp box .13,.28,.26,.24,.03 *17:.44,0            a row of windows with round corners

Tones: ``own``, another colour that is handed over, or six hexadecimal digits; then ``-30`` for a
share of 30 % of darkness, ``+30`` of white, ``|c0ffee:30`` of another tone.
Tools: those of `Pen` (a place of ``limb`` is x, y, radius; of ``oval`` x, y and half axes; of
``box`` a corner, width, height and the corners' radius; ``line:.02`` is so wide), or the name of
another figure, whose places are x, y and size.
Numbers: ``.22~.14`` goes to and fro by .14.
Copies: ``*6:.4,0`` six in a row, ``=.5`` one more, mirrored at x = .5; ``@.5,.3:4`` four around a
point, which turn; ``>0,.2`` a flow by so much in each cycle.
"""

from __future__ import annotations

import functools
import itertools
import math
import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple

from gridgen.simulator.clips.colours import DARK, WHITE, Colour, from_hex, mix
from gridgen.simulator.clips.drawings import DRAWINGS
from gridgen.simulator.clips.pen import Point

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gridgen.simulator.clips.pen import Pen

__all__ = ["STILL", "Motion", "draw"]

_Number = tuple[float, float]
"""A number, and how far it goes to and fro."""
_Move = Callable[[Point], Point]
_Copies = tuple[str, tuple[float, ...]]
"""How a stroke is repeated: the sign, and its numbers."""
_SHADES: Final = {"+": WHITE, "-": DARK}
_TOOLS: Final = frozenset({"box", "curve", "facet", "limb", "line", "oval"})
_CHANGES: Final = re.compile(r"([-+|])(?:(\w+):)?([\d.]+(?:~-?[\d.]+)?)")


class Motion(NamedTuple):
    """Where in its cycle a figure is.

    Attributes
    ----------
    swing : float
        -1 to 1.
    phase : float
        0 to 1.
    """

    swing: float = 0.0
    phase: float = 0.0


class _Stroke(NamedTuple):
    tone: str
    changes: tuple[tuple[str, str, _Number], ...]
    tool: str
    width: float
    places: tuple[tuple[_Number, ...], ...]
    copies: tuple[_Copies, ...]


STILL: Final = Motion()


def draw(
    pen: Pen,
    name: str,
    colours: Mapping[str, Colour],
    motion: Motion = STILL,
    *,
    at: Point = (0.0, 0.0),
    scale: float = 1.0,
) -> None:
    """Draw a figure of `DRAWINGS`.

    Parameters
    ----------
    pen : Pen
    name : str
        Of the figure.
    colours : mapping
        By the names that its text uses.
    motion : Motion, optional
    at, scale : tuple of float, float
        Where its origin is, and its size.
    """
    for stroke in _strokes(DRAWINGS[name]):
        tone = _tone(stroke, colours, motion.swing)
        for move in _moves(stroke.copies, motion.phase):
            places = []
            for place in stroke.places:
                x, y, *more = (number + reach * motion.swing for number, reach in place)
                x, y = move((x, y))
                places.append((at[0] + scale * x, at[1] + scale * y, *(scale * each for each in more)))
            if stroke.tool in _TOOLS:
                _put(pen, stroke, tone, places, scale)
                continue
            for x, y, size in places:
                draw(pen, stroke.tool, {**colours, "own": tone}, motion, at=(x, y), scale=size)


def _put(pen: Pen, stroke: _Stroke, tone: Colour, places: list[tuple[float, ...]], scale: float) -> None:
    if stroke.tool == "line":
        pen.line(tone, *places, width=stroke.width * scale)  # type: ignore[arg-type]
    elif stroke.tool in {"oval", "box"}:
        for x, y, *more in places:
            getattr(pen, stroke.tool)(tone, (x, y), *more)
    else:
        getattr(pen, stroke.tool)(tone, *places)


def _tone(stroke: _Stroke, colours: Mapping[str, Colour], swing: float) -> Colour:
    tone = _named(stroke.tone, colours)
    for sign, other, (share, reach) in stroke.changes:
        to = _named(other, colours) if other else _SHADES[sign]
        tone = mix(tone, to, (share + reach * swing) / 100)
    return tone


def _named(name: str, colours: Mapping[str, Colour]) -> Colour:
    return colours[name] if name in colours else from_hex(name)


def _moves(copies: tuple[_Copies, ...], phase: float) -> Iterator[_Move]:
    """Return what takes a stroke's points to those of each of its copies."""
    ways = [list(_MOVES[how](phase, *numbers)) for how, numbers in copies]
    for chosen in itertools.product(*ways):
        yield lambda point, chosen=chosen: functools.reduce(lambda p, move: move(p), chosen, point)  # type: ignore[misc]


def _row(_: float, count: float, right: float, down: float) -> Iterator[_Move]:
    yield from (partial(_shift, n * right, n * down) for n in range(int(count)))


def _mirror(_: float, axis: float) -> Iterator[_Move]:
    yield lambda point: point
    yield lambda point: (2 * axis - point[0], point[1])


def _ring(phase: float, x: float, y: float, count: float) -> Iterator[_Move]:
    yield from (partial(_turn, (x, y), 2 * math.pi * (n + phase) / count) for n in range(int(count)))


def _flow(phase: float, right: float, down: float) -> Iterator[_Move]:
    yield partial(_shift, phase * right, phase * down)


_MOVES: Final[dict[str, Callable[..., Iterator[_Move]]]] = {"*": _row, "=": _mirror, "@": _ring, ">": _flow}


def _shift(right: float, down: float, point: Point) -> Point:
    return point[0] + right, point[1] + down


def _turn(hub: Point, angle: float, point: Point) -> Point:
    across, down = point[0] - hub[0], point[1] - hub[1]
    cosine, sine = math.cos(angle), math.sin(angle)
    return hub[0] + across * cosine - down * sine, hub[1] + across * sine + down * cosine


@functools.lru_cache(maxsize=256)
def _strokes(text: str) -> tuple[_Stroke, ...]:
    return tuple(_stroke(line) for line in text.strip().splitlines())


def _stroke(line: str) -> _Stroke:
    tone, tool, *rest = line.split()
    name = re.split("[-+|]", tone, maxsplit=1)[0]
    changes = tuple(
        (sign, other, _number(share)) for sign, other, share in _CHANGES.findall(tone[len(name) :])
    )
    tool, _, width = tool.partition(":")
    places = tuple(tuple(map(_number, word.split(","))) for word in rest if word[0] not in _MOVES)
    copies = tuple(
        (word[0], tuple(map(float, re.split("[:,]", word[1:])))) for word in rest if word[0] in _MOVES
    )
    return _Stroke(name, changes, tool.replace("_", " "), float(width or 0), places, copies)


def _number(word: str) -> _Number:
    fixed, _, moving = word.partition("~")
    return float(fixed), float(moving or 0)
