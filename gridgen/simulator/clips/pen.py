"""Drawing simple figures: limbs, blobs and facets in a unit box."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING

from PIL import Image, ImageDraw

from gridgen.simulator.clips.colours import Colour, ints

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["Pen", "Point", "Spot", "turned"]

Point = tuple[float, float]
Spot = tuple[float, float, float]
"""x, y and radius."""

_LARGE = 110
_CIRCLE = [(math.cos(math.pi * (k + 0.5) / 16), math.sin(math.pi * (k + 0.5) / 16)) for k in range(32)]


def turned(point: Point, length: float, angle: float) -> Point:
    """Return the point at a distance, at an angle in radians from straight down, forward being right."""
    return point[0] + length * math.sin(angle), point[1] + length * math.cos(angle)


class Pen:
    """Draws on a transparent picture whose height is 1.

    Parameters
    ----------
    height : int
        Pixels of the finished picture.
    aspect : float
        Its width by its height.
    ground : Colour or None
        The colour that its transparent parts take, against fringes; None for a silhouette,
        of which only the coverage is kept: white is all, black none.
    angle : float
        Degrees against the clock by which everything is turned about the middle.
    sharp : int, optional
        How many times larger it is drawn than it becomes.
    """

    def __init__(
        self, height: int, aspect: float, ground: Colour | None, angle: float = 0.0, sharp: int = 0
    ) -> None:
        tall = max(4, height // 2 * 2)
        wide = max(4, round(tall * aspect / 2) * 2)
        self._sharp = sharp or (3 if tall < _LARGE else 2)
        self._scale = tall * self._sharp
        self.aspect = wide / tall
        mode, empty = ("L", 0) if ground is None else ("RGBA", (*ints(ground), 0))
        self.image = Image.new(mode, (wide * self._sharp, tall * self._sharp), empty)
        self._draw = ImageDraw.Draw(self.image)
        self._turn = math.cos(math.radians(angle)), math.sin(math.radians(angle))

    def finished(self) -> Image.Image:
        """Return the picture at its final size."""
        return self.image.reduce(self._sharp)

    def facet(self, colour: Colour, *points: Point) -> None:
        """Fill a polygon."""
        self._draw.polygon([self._at(p) for p in points], fill=self._ink(colour))

    def curve(self, colour: Colour, *points: Point, steps: int = 8) -> None:
        """Fill a closed smooth curve through the points."""
        self.facet(colour, *_smooth(points, steps))

    def limb(self, colour: Colour, *spots: Spot) -> None:
        """Fill a chain of discs and the skin between them."""
        for one, other in itertools.pairwise(spots):
            self.facet(colour, *_skin(one, other))
        for x, y, radius in spots:
            self.oval(colour, (x, y), radius, radius)

    def oval(self, colour: Colour, middle: Point, wide: float, tall: float) -> None:
        """Fill an ellipse of two half axes."""
        if self._turn[1]:
            self.facet(colour, *((middle[0] + wide * x, middle[1] + tall * y) for x, y in _CIRCLE))
            return
        (x, y), s = middle, self._scale
        shape = ((x - wide) * s, (y - tall) * s, (x + wide) * s, (y + tall) * s)
        self._draw.ellipse(shape, fill=self._ink(colour))

    def box(self, colour: Colour, corner: Point, wide: float, tall: float, round_: float = 0.0) -> None:
        """Fill a rectangle, its corners rounded."""
        (left, top), (right, low) = corner, (corner[0] + wide, corner[1] + tall)
        edge: Iterable[Point] = ((left, top), (right, top), (right, low), (left, low))
        if round_:
            x, y, across, down = (left + right) / 2, (top + low) / 2, wide / 2 - round_, tall / 2 - round_
            edge = (
                (x + math.copysign(across, c) + round_ * c, y + math.copysign(down, s) + round_ * s)
                for c, s in _CIRCLE
            )
        self.facet(colour, *edge)

    def line(self, colour: Colour, *points: Point, width: float) -> None:
        """Draw a line through the points."""
        thick = max(1, round(width * self._scale))
        self._draw.line([self._at(p) for p in points], fill=self._ink(colour), width=thick, joint="curve")

    def _ink(self, colour: Colour) -> tuple[int, ...] | int:
        return int(colour[0]) if self.image.mode == "L" else (*ints(colour), 255)

    def _at(self, point: Point) -> Point:
        across, down = point[0] - self.aspect / 2, point[1] - 0.5
        cosine, sine = self._turn
        return (
            (self.aspect / 2 + across * cosine + down * sine) * self._scale,
            (0.5 + down * cosine - across * sine) * self._scale,
        )


def _skin(one: Spot, other: Spot) -> list[Point]:
    (x1, y1, r1), (x2, y2, r2) = one, other
    length = math.hypot(x2 - x1, y2 - y1) or 1e-6
    across, down = -(y2 - y1) / length, (x2 - x1) / length
    return [
        (x1 + across * r1, y1 + down * r1),
        (x2 + across * r2, y2 + down * r2),
        (x2 - across * r2, y2 - down * r2),
        (x1 - across * r1, y1 - down * r1),
    ]


def _smooth(points: Sequence[Point], steps: int) -> list[Point]:
    """Return a closed Catmull-Rom spline through the points."""
    result, count = [], len(points)
    for index in range(count):
        across, down = zip(*(points[(index + k - 1) % count] for k in range(4)), strict=True)
        result += [(_spline(across, step / steps), _spline(down, step / steps)) for step in range(steps)]
    return result


def _spline(knots: Sequence[float], t: float) -> float:
    a, b, c, d = knots
    return 0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)
