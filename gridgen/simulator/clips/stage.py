"""The state shared by those who set a scene: its size, light, chance and layers."""

from __future__ import annotations

import hashlib
import math
import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np

from gridgen.simulator.clips.colours import NAMES, Colour, lit, mix, tinted
from gridgen.simulator.clips.layers import Layer, Sprite, Strip
from gridgen.simulator.clips.pen import Pen
from gridgen.simulator.clips.plates import Plate
from gridgen.simulator.clips.scenery import SHARP, Tone, rolling, shaded, terrain

if TYPE_CHECKING:
    from gridgen.simulator.clips.colours import Palette
    from gridgen.simulator.clips.words import Look

__all__ = ["Stage", "chance"]

_MIDDLE: Final = 0.5
_SINE: Final = 2 * math.pi


def chance(prompt: str, seed: int, purpose: str) -> random.Random:
    """Return a source of chance fixed by a prompt, a seed and a purpose."""
    digest = hashlib.sha256(f"{purpose}\0{seed}\0{prompt}".encode("utf-8", "replace")).digest()
    return random.Random(int.from_bytes(digest[:8]))  # noqa: S311 - repeatable on purpose


@dataclass
class Stage:
    """A scene being set, from the sky to the foreground.

    Attributes
    ----------
    size : tuple of int
        Width and height, pixels.
    seconds : float
        Length of the clip, at the prompt's pace.
    look : Look
    palette : Palette
    prompt, seed : str, int
        What chance is drawn from.
    sun : tuple of float
        Place of the sun or moon, shares of width and height.
    horizon : float
        Share of the height.
    track : float
        Pixels a second at which the camera follows a running subject.
    layers : list of Layer
        Far to near.
    """

    size: tuple[int, int]
    seconds: float
    look: Look
    palette: Palette
    prompt: str
    seed: int
    sun: tuple[float, float] = (0.6, 0.35)
    horizon: float = 0.62
    track: float = 0.0
    layers: list[Layer] = field(default_factory=list)

    @property
    def unit(self) -> int:
        """Pixels of the short side."""
        return min(self.size)

    @property
    def period(self) -> int:
        """Pixels after which strips repeat; even, wider than the frame."""
        return round(self.size[0] * 1.3) // 2 * 2

    def rng(self, purpose: str) -> np.random.Generator:
        """Return a generator fixed by prompt, seed and purpose."""
        return np.random.Generator(np.random.PCG64(chance(self.prompt, self.seed, purpose).getrandbits(64)))

    def y(self, share: float) -> float:
        """Return a height in pixels from the top."""
        return share * self.size[1]

    @property
    def side(self) -> int:
        """1 where the sun stands on the right, -1 on the left."""
        return 1 if self.sun[0] > _MIDDLE else -1

    def tint(self, colour: Colour) -> Colour:
        """Return a colour under the prompt's colour word, if there is one."""
        return colour if self.look.colour is None else tinted(colour, NAMES[self.look.colour], 0.45)

    def hung(self, plate: Plate, x: float, y: float, depth: float) -> Sprite:
        """Return a layer that stays where it is, its middle at `x`, `y` in pixels."""
        return Sprite([plate], lambda _: (x, y), 0.0, depth)

    def ground(self, material: Colour, depth: float) -> tuple[Colour, Colour]:
        """Return crest and foot colours of something at a depth (0 far, 1 near)."""
        own = lit(self.tint(material), self.palette.shade)
        crest = mix(self.palette.haze, own, min(1.0, depth) ** 0.75)
        mist = 0.5 * (1 - depth) + (0.25 if "fog" in self.look.weather else 0.0)
        return crest, mix(crest, self.palette.haze, mist)

    def pen(self, tall: float, ground: Colour | None = None) -> Pen:
        """Return a pen for a band of scenery that is `tall` pixels high: a silhouette, or in colours."""
        high = max(4, round(tall) // 2 * 2)
        return Pen(high, self.period / high, ground, sharp=SHARP)

    def band(self, pen: Pen, foot: float, depth: float, tone: Tone | None = None) -> None:
        """Add what a pen drew as a strip; a silhouette in the colours `tone`."""
        drawn = pen.finished()
        self.strip(Plate.of(drawn) if tone is None else shaded(drawn, tone), foot, depth)

    def mound(
        self,
        name: str,
        waves: tuple[tuple[int, float], ...],
        rise: float,
        edges: tuple[float, float],
        tone: Tone,
    ) -> Strip:
        """Return ground between two heights, its rolling crest so many short sides high."""
        lift = self.unit * rise * 1.7
        outline = rolling(self.rng(name), self.period, waves) * self.unit * rise + lift
        plate = terrain(outline, round(self.y(edges[1] - edges[0]) + lift), tone)
        return Strip(plate, self.y(edges[0]) - lift, 1.0)

    def strip(self, plate: Plate, foot: float, depth: float, *, speed: float = 0.0, bob: float = 0.0) -> None:
        """Add a strip whose lower edge is at `foot`, a share of the height."""
        phase = chance(self.prompt, self.seed, f"strip {len(self.layers)}").uniform(0, _SINE)
        self.layers.append(Strip(plate, self.y(foot) - plate.height, depth, speed, bob, phase))
