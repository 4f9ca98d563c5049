"""What moves: strips of scenery, water, sprites and light, each a function of time."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Protocol

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from gridgen.simulator.clips.plates import Canvas, Plate

    Floats = NDArray[np.float32]
    Indices = NDArray[np.int64]

__all__ = ["Beam", "Flash", "Layer", "Moment", "Sprite", "Strip", "Water"]


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
        self.plate.scroll(
            canvas, self.speed * now.t - now.pan * self.depth, self.y - now.tilt * self.depth + lift
        )


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
    lead : float
        Seconds by which the cycle is ahead.
    """

    cycle: Sequence[Plate]
    path: Callable[[float], tuple[float, float]]
    rate: float = 0.0
    depth: float = 0.0
    lead: float = 0.0

    def draw(self, canvas: Canvas, now: Moment) -> None:
        """Lay it on `canvas`."""
        plate = self.cycle[int((now.t + self.lead) * self.rate) % len(self.cycle)]
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
        far, close = (np.array(tint, np.float32)[:, None, None] for tint in tints)
        ink = (far + (close - far) * near[:, None]) * (256 - self._keep)
        self._ink, self._ink_half = ink[0].astype(np.uint16), ink[1:, ::2].astype(np.uint16)

    def draw(self, canvas: Canvas, now: Moment) -> None:
        """Mirror `canvas` below the horizon."""
        depth, unit = self._depth, self._unit
        phase = 90.0 / (0.12 + self._near)
        ripple = np.sin(phase * 0.9 + 2.6 * now.t) + 0.7 * np.sin(phase * 1.7 - 3.7 * now.t + 1.3)
        rows = self.horizon - 2 - depth * 0.94 + ripple * (self._rough * unit * (0.7 + 7.0 * self._near))
        chosen = np.clip(rows, 0, self.horizon - 1).astype(np.int64)
        canvas.y[self.horizon :] = canvas.y[chosen]
        canvas.blend(canvas.y[self.horizon :], self._ink, self._keep)
        below = canvas.uv[:, self.horizon // 2 :]
        below[...] = canvas.uv[:, chosen[::2] // 2]
        canvas.blend(below, self._ink_half, self._keep[::2])


class Beam:
    """Cones of light that turn about a lamp.

    Parameters
    ----------
    size : tuple of int
        Of the clip, pixels.
    lamp : tuple of float
        Where the light comes from, pixels.
    width : float
        Half angle of a cone, radians.
    turn : float
        Radians a second.
    strength : float
        Coverage at the lamp, 0 to 1.
    floor : int
        The light ends at this height, pixels from the top.
    """

    _COARSE = 6

    def __init__(
        self,
        size: tuple[int, int],
        lamp: tuple[float, float],
        *,
        width: float,
        turn: float,
        strength: float,
        floor: int,
    ) -> None:
        self._size = (size[0], floor // 2 * 2)
        down, right = np.mgrid[0 : self._size[1] : self._COARSE, 0 : size[0] : self._COARSE].astype(
            np.float32
        )
        down, right = down - lamp[1], right - lamp[0]
        self._angle = np.arctan2(down * 2.6, right)
        distance = np.hypot(down, right) / max(size)
        self._fade = np.clip(strength * np.exp(-1.6 * distance) * np.clip(distance * 40, 0, 1), 0, 1)
        self._width, self._turn = width, turn

    def draw(self, canvas: Canvas, now: Moment) -> None:
        """Light up the air of `canvas`."""
        light = np.zeros_like(self._fade)
        facing = 0.55 + 0.45 * math.cos(2 * self._turn * now.t)
        for half in (0.0, math.pi):
            away = np.abs((self._angle - self._turn * now.t - half + math.pi) % (2 * math.pi) - math.pi)
            light += np.clip(1 - away / (self._width * (1.6 - 0.6 * facing)), 0, 1) ** 1.4
        soft = Image.fromarray((np.clip(light * self._fade, 0, 1) * 255).astype(np.uint8))
        cover = np.asarray(soft.resize(self._size, Image.Resampling.BILINEAR)).astype(np.uint16)
        canvas.blend(canvas.y[: self._size[1]], cover * np.uint16(232), 256 - cover)


@dataclass(frozen=True, slots=True)
class Flash:
    """Lightning: the whole picture brightens for an instant.

    Attributes
    ----------
    times : tuple of float
        Seconds at which it strikes.
    every : float
        Seconds after which the strikes come again.
    bolt : Plate
        What is seen of the lightning itself.
    places : tuple of tuple of float
        Its top left corner at each strike, pixels.
    """

    times: tuple[float, ...]
    every: float
    bolt: Plate
    places: tuple[tuple[float, float], ...]

    _SEEN: ClassVar = 0.22
    _FADED: ClassVar = 0.42

    def draw(self, canvas: Canvas, now: Moment) -> None:
        """Brighten `canvas`."""
        since, which = min(((now.t - strike) % self.every, n) for n, strike in enumerate(self.times))
        if since < self._SEEN:
            self.bolt.draw(canvas, *self.places[which])
        dip = 1 - 0.4 * math.exp(-(((since - 0.14) / 0.03) ** 2))
        power = dip * max(0.0, 1.0 - since / self._FADED)
        if power > 0:
            keep = np.full((1, 1), round(256 * (1 - 0.34 * power)), np.uint16)
            canvas.blend(canvas.y, (256 - keep) * np.uint16(225), keep)
