"""A scene set once, and its pictures drawn one after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from PIL import Image, ImageChops, ImageOps

from gridgen.simulator.clips import plants, scenery, weather, words
from gridgen.simulator.clips.acting import perform
from gridgen.simulator.clips.camera import Camera
from gridgen.simulator.clips.caption import caption
from gridgen.simulator.clips.colours import WHITE, ints, mix, palette
from gridgen.simulator.clips.layers import Sprite, Strip
from gridgen.simulator.clips.places import INDOORS, PLACES, settle
from gridgen.simulator.clips.plates import Canvas, Plate
from gridgen.simulator.clips.stage import Stage, chance

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["Film"]

_GREY: Final = 128


class Film:
    """A clip before it is encoded.

    Parameters
    ----------
    prompt : str
        What to show.
    size : tuple of int
        Width and height, pixels, even.
    seconds : float
        Length of the clip.
    seed : int
        Which take.
    image : PIL.Image.Image or None
        RGB picture that becomes the far layer.
    facts : str or None
        Second line of the caption; None for no caption.
    sketch : bool, default False
        Only the light and one moving form, for very small pictures.
    """

    def __init__(
        self,
        prompt: str,
        size: tuple[int, int],
        seconds: float,
        *,
        seed: int,
        image: Image.Image | None,
        facts: str | None,
        sketch: bool = False,
    ) -> None:
        self.look = words.read(prompt)
        luck = chance(prompt, 0, "scene")
        kinds = frozenset(subject.kind for subject in self.look.subjects)
        place = settle(self.look.setting, kinds, luck.choice)
        colours = palette(self.look, place, luck)
        self.stage = Stage(size, seconds * self.look.pace, self.look, colours, prompt, seed)
        self._backdrop = self._sky(place) if image is None else _covering(image, size, self.stage)
        self._camera = self._followed(seconds, flat=image is not None)
        if sketch:
            self._sketch()
        elif image is None:
            self._set(place)
        else:
            perform(self.stage, 0.8, 0.7)
        if not sketch and (place not in INDOORS or image is not None or "confetti" in self.look.weather):
            weather.fall(self.stage)
        self._caption = None if facts is None else caption(size, prompt, facts)

    def pictures(self, times: Sequence[float]) -> Iterator[Canvas]:
        """Draw the pictures at some times, in seconds; each is overwritten by the next."""
        canvas, shown = Canvas(*self.stage.size), Canvas(*self.stage.size)
        for t in times:
            now, shot = self._camera.at(t)
            canvas.copy_from(self._backdrop)
            for layer in self.stage.layers:
                layer.draw(canvas, now)
            picture = shot.frame(canvas, shown)
            if "mono" in self.look.manner:
                picture.uv[...] = _GREY
            if self._caption is not None:
                self._caption[0].draw(picture, 0, self._caption[1])
            yield picture

    def _followed(self, seconds: float, *, flat: bool) -> Camera:
        """Return the camera, which runs along with a main subject that runs."""
        stage, move = self.stage, self.look.camera
        runs = any(subject.deed == "run" for subject in self.look.subjects[:1])
        follows = runs and not flat and move not in {"static", "orbit"}
        stage.track = stage.unit * 0.3 if follows else 0.0
        return Camera(move, self.look.pace, seconds, stage.unit, stage.track, flat=flat)

    def _sky(self, place: str) -> Canvas:
        stage, luck = self.stage, chance(self.stage.prompt, self.stage.seed, "sun")
        stage.horizon = 0.62
        stage.sun = (luck.choice((luck.uniform(0.22, 0.38), luck.uniform(0.62, 0.8))), luck.uniform(0.2, 0.4))
        soft = scenery.sky(stage.size, stage.horizon, stage.palette, stage.sun, stage.rng("sky"))
        canvas = Canvas.of(soft, stage.size, stage.rng("grain"))
        if not stage.look.weather & {"storm", "fog", "rain", "cloud"} and place != "underwater":
            plate = scenery.disc(stage.unit * 0.065, stage.palette.sun)
            plate.draw(
                canvas,
                stage.sun[0] * stage.size[0] - plate.width / 2,
                stage.sun[1] * stage.size[1] - plate.height / 2,
            )
        return canvas

    def _sketch(self) -> None:
        stage, radius = self.stage, self.stage.unit * 0.22
        plate = scenery.disc(radius, mix(stage.palette.shade, stage.palette.glow, 0.5))
        way = stage.size[0] + 2 * radius
        stage.layers.append(Sprite([plate], lambda t: ((t * stage.unit * 0.3) % way - radius, stage.y(0.7))))

    def _set(self, place: str) -> None:
        stage = self.stage
        if stage.palette.night:
            weather.stars(stage)
            if "aurora" in stage.look.weather:
                weather.aurora(stage)
            if "fireworks" in stage.look.weather:
                weather.fireworks(stage)
        elif place != "underwater":
            _cloud(stage)
        PLACES[place](stage)
        if "blossom" in stage.look.manner:
            plants.boughs(stage)
        if "fog" in stage.look.weather:
            weather.veil(stage, 0.66, 0.4)
            weather.veil(stage, 0.86, 0.9)


def _cloud(stage: Stage) -> None:
    palette, heavy = stage.palette, bool(stage.look.weather & {"storm", "cloud", "rain"})
    tone = mix(palette.top, palette.low, 0.3) if heavy else mix(palette.low, WHITE, 0.4)
    tall, cover = round(stage.unit * 0.34), 0.85 if heavy else 0.45
    plate = scenery.clouds(stage.rng("clouds"), stage.period, tall, tone, cover=cover)
    stage.layers.append(Strip(plate, stage.y(0.06), 0.06, stage.unit * 0.012))


def _covering(image: Image.Image, size: tuple[int, int], stage: Stage) -> Canvas:
    """Fit a reference picture to the frame, in the light that the prompt asks for."""
    fitted = ImageOps.fit(image, size, Image.Resampling.LANCZOS)
    look, palette = stage.look, stage.palette
    if palette.night or "storm" in look.weather or look.colour is not None:
        veil = mix(palette.shade, WHITE, 0.25)
        fitted = ImageChops.multiply(fitted, Image.new("RGB", size, ints(veil)))
    if "fog" in look.weather:
        fitted = Image.blend(fitted, Image.new("RGB", size, ints(palette.haze)), 0.4)
    canvas = Canvas(*size)
    Plate.painted(np.asarray(fitted), np.full((size[1], size[0]), 255, np.uint8)).draw(canvas, 0, 0)
    return canvas
