"""What moves: strips of scenery, water, sprites, particles and light, each a function of time."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from gridgen.simulator.clips.plates import Canvas, Plate

    Floats = NDArray[np.float32]
    Indices = NDArray[np.int64]

__all__ = ["Flakes", "Flash", "Layer", "Moment", "Sprite", "Strip", "Water"]


@dataclass(frozen=True, slots=True)
class Moment:
    """One instant of a clip.

    Attributes
    ----------
    t : float
        Seconds from the start, already at the prompt's pace.
    pan, tilt : float
        Pixels by which the camera has moved right and down, at depth 1.
    """

    t: float
    pan: float = 0.0
    tilt: float = 0.0


class Layer(Protocol):
    """Anything that can be laid on a canvas at a moment."""

    def draw(self, canvas: Canvas, now: Moment) -> None:
        """Lay it on `canvas`."""


@dataclass(frozen=True, slots=True)
class Strip:
    """A band of scenery that repeats to both sides.

    Attributes
    ----------
    plate : Plate
    y : float
        Top edge in pixels.
    depth : float
        0 at infinity, 1 at the camera.
    speed : float
        Its own drift to the right, pixels a second.
    bob : float
        Height in pixels of its rise and fall.
    phase : float
        Where in that rise it starts, radians.
    """

    plate: Plate
    y: float
    depth: float
    speed: float = 0.0
    bob: float = 0.0
    phase: float = 0.0

    def draw(self, canvas: Canvas, now: Moment) -> None:
        """Lay it on `canvas`."""
        lift = self.bob * math.sin(1.7 * now.t + self.phase) if self.bob else 0.0
        self.plate.scroll(canvas, self.speed * now.t - now.pan * self.depth, self.y - now.tilt * self.depth + lift)


@dataclass(frozen=True, slots=True)
class Sprite:
    """A small picture, or a cycle of them, on a path.

    Attributes
    ----------
    cycle : sequence of Plate
    path : callable
        Seconds to the x and y of the picture's centre, in pixels.
    rate : float
        Pictures of the cycle a second.
    depth : float
        How strongly the camera's moves shift it.
    """

    cycle: Sequence[Plate]
    path: Callable[[float], tuple[float, float]]
    rate: float = 0.0
    depth: float = 0.0

    def draw(self, canvas: Canvas, now: Moment) -> None:
        """Lay it on `canvas`."""
        plate = self.cycle[int(now.t * self.rate) % len(self.cycle)]
        x, y = self.path(now.t)
        x -= plate.width / 2 + now.pan * self.depth
        plate.draw(canvas, x, y - plate.height / 2 - now.tilt * self.depth)


class Water:
    """A surface that mirrors what has been drawn above it.

    Parameters
    ----------
    horizon : int
        Its far edge, in pixels from the top.
    tints : sequence of two (Y, U, V)
        The water's own colour far away and near.
    cover : tuple of float
        Share of that colour far away and near, the rest being mirrored.
    rough : float
        Height of the ripples, 1 being a breeze.
    """

    def __init__(
        self,
        horizon: int,
        size: tuple[int, int],
        tints: tuple[tuple[int, int, int], tuple[int, int, int]],
        cover: tuple[float, float],
        rough: float,
    ) -> None:
        self.horizon = horizon // 2 * 2
        self._depth = np.arange(size[1] - self.horizon, dtype=np.float32)
        near = (self._depth / max(1, size[1] - self.horizon)) ** 0.8
        share = (cover[0] + (cover[1] - cover[0]) * near) * 256
        self._near, self._rough, self._unit = near, rough, min(size) / 480
        self._keep = (256 - share).astype(np.uint16)[:, None]
        self._inks = [
            ((far + (close - far) * near) * (256 - self._keep[:, 0])).astype(np.uint16)[:, None]
            for far, close in zip(*tints, strict=True)
        ]

    def draw(self, canvas: Canvas, now: Moment) -> None:
        """Mirror `canvas` below the horizon."""
        depth, unit = self._depth, self._unit
        phase = 90.0 / (0.12 + self._near)
        ripple = np.sin(phase * 0.9 + 2.6 * now.t) + 0.7 * np.sin(phase * 1.7 - 3.7 * now.t + 1.3)
        rows = self.horizon - 2 - depth * 0.94 + ripple * (self._rough * unit * (0.7 + 7.0 * self._near))
        chosen = np.clip(rows, 0, self.horizon - 1).astype(np.int64)
        canvas.y[self.horizon :] = canvas.y[chosen]
        canvas.blend(canvas.y[self.horizon :], self._inks[0], self._keep)
        half = chosen[::2] // 2
        for plane, ink in zip((canvas.u, canvas.v), self._inks[1:], strict=True):
            plane[self.horizon // 2 :] = plane[half]
            canvas.blend(plane[self.horizon // 2 :], ink[::2], self._keep[::2])


@dataclass(frozen=True, slots=True)
class Flakes:
    """A crowd of particles, each on its own way.

    Attributes
    ----------
    places : float32 array of n x 2
        Where they start, in pixels.
    speeds : float32 array of n x 2
        Pixels a second, right and down.
    sway : float32 array of n x 3
        Pixels, radians a second and radians of a side-to-side swing.
    stamp : tuple of arrays
        Offsets down and right in pixels, and coverage 0 to 1, of one particle.
    colour : tuple of int
        Y, U and V.
    field : tuple of int
        Left, top, width and height of where they live; they wrap inside it.
    twinkle : float
        0 for a steady light, 1 for one that goes out and comes back.
    depth : float
        How strongly the camera's moves shift them.
    """

    places: Floats
    speeds: Floats
    sway: Floats
    stamp: tuple[Indices, Indices, Floats]
    colour: tuple[int, int, int]
    field: tuple[int, int, int, int]
    twinkle: float = 0.0
    depth: float = 0.5

    def draw(self, canvas: Canvas, now: Moment) -> None:
        """Scatter them over `canvas`."""
        left, top, width, height = self.field
        swing = self.sway[:, 0] * np.sin(self.sway[:, 1] * now.t + self.sway[:, 2])
        x = (self.places[:, 0] + self.speeds[:, 0] * now.t + swing - now.pan * self.depth) % width + left
        y = (self.places[:, 1] + self.speeds[:, 1] * now.t - now.tilt * self.depth) % height + top
        power = np.ones_like(x)
        if self.twinkle:
            power -= self.twinkle * (0.5 + 0.5 * np.sin(self.sway[:, 1] * 1.9 * now.t + self.sway[:, 2] * 5))
        down, right, cover = self.stamp
        cells = (y.astype(np.int64)[:, None] + down, x.astype(np.int64)[:, None] + right)
        _scatter(canvas.y, cells, power[:, None] * cover, self.colour[0])
        coarse = slice(None, None, max(1, cover.size // 12))
        cells = (cells[0][:, coarse] // 2, cells[1][:, coarse] // 2)
        for plane, value in ((canvas.u, self.colour[1]), (canvas.v, self.colour[2])):
            _scatter(plane, cells, power[:, None] * cover[coarse], value)


def _scatter(plane: NDArray[np.uint8], cells: tuple[Indices, Indices], cover: Floats, value: int) -> None:
    rows, columns = cells
    height, width = plane.shape
    inside = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
    spots, strength = (rows * width + columns)[inside], cover[inside]
    flat = plane.reshape(-1)
    below = flat[spots].astype(np.float32)
    flat[spots] = (below + (value - below) * strength + 0.5).astype(np.uint8)


@dataclass(frozen=True, slots=True)
class Flash:
    """Lightning: the whole picture brightens for an instant.

    Attributes
    ----------
    times : tuple of float
        Seconds at which it strikes.
    every : float
        Seconds after which the strikes come again.
    """

    times: tuple[float, ...]
    every: float

    def draw(self, canvas: Canvas, now: Moment) -> None:
        """Brighten `canvas`."""
        since = min((now.t - strike) % self.every for strike in self.times)
        power = max(0.0, 1.0 - since / 0.45) * (0.6 if 0.1 < since < 0.18 else 1.0)
        if power > 0:
            keep = np.full((1, 1), round(256 * (1 - 0.42 * power)), np.uint16)
            canvas.blend(canvas.y, (256 - keep) * np.uint16(225), keep)
