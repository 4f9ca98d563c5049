"""Crowds of particles: snow, rain, petals, sparks and spray."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gridgen.simulator.clips.layers import Moment
    from gridgen.simulator.clips.plates import Canvas

    Floats = NDArray[np.float32]
    Indices = NDArray[np.int64]
    Stamp = tuple[Indices, Indices, Floats]

__all__ = ["Burst", "Flakes", "dash", "ring", "spot", "spray", "streak"]

_FAINT: Final = 0.02


def spot(radius: float, strength: float = 1.0) -> Stamp:
    """Return the stamp of a soft round particle."""
    reach = math.ceil(radius)
    down, right = (axis.ravel() for axis in np.mgrid[-reach : reach + 1, -reach : reach + 1])
    cover = np.clip((radius + 0.5 - np.hypot(down, right)) / max(0.9, radius * 0.7), 0, 1) * strength
    return _kept(down, right, cover)


def streak(length: float, slant: float, strength: float) -> Stamp:
    """Return the stamp of a raindrop's trace, brighter at its foot."""
    down = np.arange(max(2, round(length)))
    cover = np.linspace(0.15, 1, down.size) * strength
    return down, np.round(down * slant).astype(np.int64), cover.astype(np.float32)


def dash(length: float, strength: float) -> Stamp:
    """Return the stamp of a level glint."""
    right = np.arange(max(2, round(length)))
    cover = np.sin(np.pi * (right + 0.5) / right.size) * strength
    return np.zeros_like(right), right, cover.astype(np.float32)


def ring(radius: float, strength: float) -> Stamp:
    """Return the stamp of a ripple seen from the side: a flat ellipse."""
    angle = np.linspace(0, 2 * np.pi, max(12, round(radius * 5)), endpoint=False)
    down, right = np.round(np.sin(angle) * radius * 0.3), np.round(np.cos(angle) * radius)
    cover = np.full(angle.shape, strength, np.float32)
    return down.astype(np.int64), right.astype(np.int64), cover


def _kept(down: Indices, right: Indices, cover: NDArray[np.floating]) -> Stamp:
    kept = cover > _FAINT
    order = np.argsort(-cover[kept], kind="stable")
    return down[kept][order], right[kept][order], cover[kept][order].astype(np.float32)


def spray(
    rng: np.random.Generator, count: int, angles: tuple[float, float], speeds: tuple[float, float]
) -> Floats:
    """Return speeds, right and down, that fan out between two angles and two speeds."""
    angle, speed = rng.uniform(*angles, count), rng.uniform(*speeds, count)
    return np.stack([np.cos(angle) * speed, np.sin(angle) * speed], -1).astype(np.float32)


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
    stamp: Stamp
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
        _scatter(canvas, (y, x), self.stamp, power[:, None], self.colour)


def _scatter(
    canvas: Canvas,
    places: tuple[NDArray[np.floating], NDArray[np.floating]],
    stamp: Stamp,
    power: Floats,
    colour: tuple[int, int, int],
) -> None:
    """Put a stamp at each place, in so much of its strength."""
    down, right, cover = stamp
    y, x = (axis.astype(np.int64)[:, None] for axis in places)
    _ink(canvas.y[None], (y + down, x + right), power * cover, colour[:1])
    coarse = slice(None, None, max(1, cover.size // 12))
    cells = (y + down[coarse]) // 2, (x + right[coarse]) // 2
    _ink(canvas.uv, cells, power * cover[coarse], colour[1:])


def _ink(
    planes: NDArray[np.uint8], cells: tuple[Indices, Indices], cover: Floats, values: tuple[int, ...]
) -> None:
    rows, columns = cells
    height, width = planes.shape[1:]
    inside = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
    spots, strength = (rows * width + columns)[inside], cover[inside]
    for plane, value in zip(planes.reshape(len(planes), -1), values, strict=True):
        below = plane[spots].astype(np.float32)
        plane[spots] = (below + (value - below) * strength + 0.5).astype(np.uint8)


@dataclass(frozen=True, slots=True)
class Burst:
    """Spray that is thrown up again and again.

    Attributes
    ----------
    origin : tuple of float
        Pixels.
    speeds : float32 array of n x 2
        Pixels a second at the start, right and down.
    gravity : float
        Pixels a second squared.
    times : tuple of float
        Seconds after the start of each round at which it is thrown.
    every : float
        Seconds of a round.
    last : float
        Seconds that the spray lasts.
    stamp : tuple of arrays
        As of `Flakes`.
    colour : tuple of int
        Y, U and V.
    floor : float, default 4.0
        Pixels below the origin where it is seen no more.
    """

    origin: tuple[float, float]
    speeds: Floats
    gravity: float
    times: tuple[float, ...]
    every: float
    last: float
    stamp: Stamp
    colour: tuple[int, int, int]
    floor: float = 4.0

    def draw(self, canvas: Canvas, now: Moment) -> None:
        """Scatter it over `canvas`."""
        for start in self.times:
            age = now.t % self.every - start
            if 0 <= age < self.last:
                self._thrown(canvas, age)

    def _thrown(self, canvas: Canvas, age: float) -> None:
        x = self.origin[0] + self.speeds[:, 0] * age
        y = self.origin[1] + self.speeds[:, 1] * age + self.gravity * age * age / 2
        fade = np.float32(min(1.0, 1.6 * (1 - age / self.last)))
        power = np.where(y < self.origin[1] + self.floor, fade, np.float32(0))[:, None]
        _scatter(canvas, (y, x), self.stamp, power, self.colour)
