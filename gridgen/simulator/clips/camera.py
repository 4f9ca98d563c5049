"""The camera: what its words do to the view at each moment."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from PIL import Image

from gridgen.simulator.clips.layers import Moment

if TYPE_CHECKING:
    from gridgen.simulator.clips.plates import Canvas

__all__ = ["Camera", "Shot"]

_FURTHEST: Final = 1.3
_SWEPT: Final = 8.0
"""Seconds beyond which a pan takes its time, lest the subject be long out of sight."""
_ROOM: Final = 1.16
"""Zoom that leaves room to move over a flat picture."""


@dataclass(frozen=True, slots=True)
class Shot:
    """The part of the picture that fills the frame.

    Attributes
    ----------
    zoom : float
        How many times it is enlarged, 1 or more.
    across, down : float
        Where it lies: -1 at the left or upper edge, 1 at the right or lower one.
    """

    zoom: float = 1.0
    across: float = 0.0
    down: float = 0.0

    def frame(self, canvas: Canvas, target: Canvas) -> Canvas:
        """Return what the camera sees of `canvas`; `target` is where it may be written."""
        if self.zoom <= 1:
            return canvas
        smooth, plain = Image.Resampling.BILINEAR, Image.Resampling.NEAREST
        for source, filled, way in zip(canvas.planes, target.planes, (smooth, plain, plain), strict=True):
            self._fill(source, filled, way)
        return target

    def _fill(self, source: np.ndarray, target: np.ndarray, way: Image.Resampling) -> None:
        height, width = source.shape
        wide, tall = width / self.zoom, height / self.zoom
        left = (width - wide) * (1 + max(-1.0, min(1.0, self.across))) / 2
        top = (height - tall) * (1 + max(-1.0, min(1.0, self.down))) / 2
        box = (left, top, min(width, left + wide), min(height, top + tall))
        target[...] = np.asarray(Image.fromarray(source).resize((width, height), way, box=box))


@dataclass(frozen=True, slots=True)
class Camera:
    """One camera move through a clip.

    Attributes
    ----------
    move : str
        As in `Look.camera`.
    pace : float
        Of everything, 1 being usual.
    seconds : float
        Length of the clip.
    unit : int
        Short side of the frame, pixels.
    track : float
        Pixels a second, at depth 1, at which it follows a runner.
    flat : bool
        Whether there is a single picture instead of layers, over which it moves as a whole.
    """

    move: str
    pace: float
    seconds: float
    unit: int
    track: float = 0.0
    flat: bool = False

    def at(self, t: float) -> tuple[Moment, Shot]:
        """Return the moment and the view at `t` seconds."""
        time = t * self.pace
        pan, tilt = self._way(time)
        shot = self._over(t, time) if self.flat else Shot(self._zoom(t))
        return Moment(time, pan + self.track * time, tilt), shot

    def _way(self, time: float) -> tuple[float, float]:
        swept = 0.16 * min(1.0, _SWEPT / self.seconds) * time
        moves = {
            "drift": (0.035 * time, 0.0),
            "pan left": (-swept, 0.0),
            "pan right": (swept, 0.0),
            "tilt up": (0.0, -0.013 * min(time, 6.0)),
            "tilt down": (0.0, 0.013 * min(time, 6.0)),
            "orbit": (0.22 * math.sin(time * 0.5), 0.0),
            "handheld": _shake(time),
        }
        pan, tilt = moves.get(self.move, (0.0, 0.0))
        return pan * self.unit, tilt * self.unit

    def _zoom(self, t: float) -> float:
        grown = min(_FURTHEST, 1 + 0.035 * self.seconds * self.pace) - 1
        share = t / self.seconds
        return {"push in": 1 + grown * share, "pull out": 1 + grown * (1 - share)}.get(self.move, 1.0)

    def _over(self, t: float, time: float) -> Shot:
        """Return the view of a flat picture: layers cannot part, so the frame wanders."""
        gone = min(2.0, 0.32 * time) - 1
        right, down = _shake(time)
        shots = {
            "drift": Shot(1.04 + 0.008 * min(time, 12.0), 0.4 * math.sin(time * 0.25), 0.0),
            "pan left": Shot(_ROOM, -gone),
            "pan right": Shot(_ROOM, gone),
            "tilt up": Shot(_ROOM, 0.0, -gone),
            "tilt down": Shot(_ROOM, 0.0, gone),
            "orbit": Shot(_ROOM, math.sin(time * 0.5)),
            "handheld": Shot(1.06, right * 20, down * 20),
        }
        return shots.get(self.move, Shot(self._zoom(t)))


def _shake(time: float) -> tuple[float, float]:
    """Return how a hand moves, right and down, in short sides."""
    right = 0.012 * (math.sin(2.1 * time) + 0.6 * math.sin(5.3 * time))
    return right, 0.007 * (math.sin(2.9 * time + 1) + 0.5 * math.sin(6.1 * time))
