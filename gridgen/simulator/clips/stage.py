"""The state shared by those who set a scene: its size, light, chance and layers."""

from __future__ import annotations

import hashlib
import math
import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np

from gridgen.simulator.clips import cast
from gridgen.simulator.clips.colours import NAMES, Colour, lit, mix, tinted

from gridgen.simulator.clips.layers import Layer, Sprite, Strip

if TYPE_CHECKING:
    from collections.abc import Callable

    from gridgen.simulator.clips.colours import Palette
    from gridgen.simulator.clips.plates import Plate
    from gridgen.simulator.clips.words import Look, Subject

__all__ = ["Stage", "chance"]

Path = "Callable[[float], tuple[float, float]]"
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

    def ground(self, material: Colour, depth: float) -> tuple[Colour, Colour]:
        """Return crest and foot colours of something at a depth (0 far, 1 near)."""
        if self.look.colour is not None:
            material = tinted(material, NAMES[self.look.colour], 0.45)
        own = lit(material, self.palette.shade)
        crest = mix(self.palette.haze, own, min(1.0, depth) ** 0.75)
        mist = 0.5 * (1 - depth) + (0.25 if "fog" in self.look.weather else 0.0)
        return crest, mix(crest, self.palette.haze, mist)

    def strip(self, plate: Plate, foot: float, depth: float, *, speed: float = 0.0, bob: float = 0.0) -> None:
        """Add a strip whose lower edge is at `foot`, a share of the height."""
        phase = chance(self.prompt, self.seed, f"strip {len(self.layers)}").uniform(0, _SINE)
        self.layers.append(Strip(plate, self.y(foot) - plate.height, depth, speed, bob, phase))

    def perform(self, foot: float, depth: float, *, afloat: bool = False) -> None:
        """Add the subjects standing, or floating, at `foot`, a share of the height."""
        for number, subject in reversed(list(enumerate(self.look.subjects))):
            self._perform(subject, number, (foot, depth), afloat=afloat)

    def _perform(self, subject: Subject, number: int, place: tuple[float, float], *, afloat: bool) -> None:
        part = cast.role(subject)
        foot, depth = place
        height = round(part.height * self.unit * (0.8 if number else 1.0))
        pictures = cast.cycle(subject, height, self.palette)
        rate = part.frames / part.seconds
        path = self._path(subject, number, height, self.y(foot))
        if subject.kind == "whale":
            pictures = pictures[:1] + pictures[1:]
        self.layers.append(Sprite(pictures, path, rate, 0.0 if self.track else depth * 0.5))

    def _path(self, subject: Subject, number: int, height: int, foot: float) -> Callable[[float], tuple[float, float]]:
        luck = chance(self.prompt, self.seed, f"path {subject.kind}")
        width = self.size[0]
        start = width * (luck.uniform(0.36, 0.5) if number == 0 else luck.uniform(0.62, 0.74))
        middle = foot - height * 0.5
        deed = subject.deed
        if subject.kind == "train":
            return lambda t: ((t * self.unit * 0.55) % (width + 9 * height) - 4 * height, foot - height * 0.6)
        if deed == "leap":
            every = max(3.2, self.seconds / max(1, round(self.seconds / 5.0)))
            return lambda t: _leap(t, every, start, foot, height)
        if subject.kind in cast.IN_AIR or deed in {"fly", "rise", "fall"}:
            return self._airborne(subject, start, height, luck)
        if deed == "wait":
            return lambda _: (start, middle)
        if deed in {"float", "swim", "dance"} or subject.kind in cast.AFLOAT:
            speed = self.unit * (0.035 if deed != "swim" else 0.14)
            first = start - width * 0.12
            return lambda t: (first + speed * t, middle + height * 0.13 + height * 0.03 * math.sin(t * 2.2))
        if self.track:
            return lambda t: (start + width * 0.05 * math.sin(t * 0.6), middle)
        speed = self.unit * (0.34 if deed == "run" else 0.1)
        first = width * 0.16 if deed == "run" else start - width * 0.2
        return lambda t: ((first + speed * t + height) % (width + 2 * height) - height, middle)

    def _airborne(self, subject: Subject, start: float, height: int, luck: random.Random) -> Callable[[float], tuple[float, float]]:
        width, tall = self.size
        level = tall * luck.uniform(0.26, 0.38)
        if subject.deed == "rise":
            speed, base = tall * 0.07, tall * (0.5 if subject.kind != "rocket" else 0.62)
            return lambda t: (start, base - speed * t * (1 + 0.12 * t * (subject.kind == "rocket")))
        if subject.deed == "fall":
            return lambda t: (start + height * 0.5 * math.sin(t), level + tall * 0.06 * t)
        slow = subject.kind in {"balloon", "lantern", "astronaut"}
        speed = self.unit * (0.03 if slow else 0.13)
        first = start - width * (0.08 if slow else 0.24)
        return lambda t: (
            (first + speed * t + height) % (width + 2 * height) - height,
            level + height * 0.12 * math.sin(t * (0.9 if slow else 1.7)),
        )


def _leap(t: float, every: float, start: float, foot: float, height: float) -> tuple[float, float]:
    """Return where something is that rises out of the water and falls back, again and again."""
    u = (t % every) / every
    reach = math.sin(math.pi * min(1.0, max(0.0, (u - 0.08) / 0.62)))
    return start + height * 0.55 * (u - 0.4), foot + height * 0.62 - height * 0.98 * reach
