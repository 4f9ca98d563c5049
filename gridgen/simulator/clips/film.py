"""A scene set once, and its pictures drawn one after the other."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np
from PIL import Image, ImageOps

from gridgen.simulator.clips import scenery, weather, words
from gridgen.simulator.clips.acting import perform
from gridgen.simulator.clips.caption import caption
from gridgen.simulator.clips.colours import mix, palette
from gridgen.simulator.clips.layers import Moment, Sprite, Strip
from gridgen.simulator.clips.places import PLACES, settle
from gridgen.simulator.clips.plates import Canvas, Plate
from gridgen.simulator.clips.stage import Stage, chance

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["Film"]

_ZOOM: Final = 1.3
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
        self._seconds = seconds
        self.stage = Stage(size, seconds * self.look.pace, self.look, colours, prompt, seed)
        self._backdrop = self._sky(place) if image is None else _covering(image, size)
        if sketch:
            self._sketch()
        else:
            self._set(place, framed=image is not None)
        self._caption = None if facts is None else caption(size, prompt, facts)

    def pictures(self, times: Sequence[float]) -> Iterator[Canvas]:
        """Draw the pictures at some times, in seconds; each is overwritten by the next."""
        canvas, shown = Canvas(*self.stage.size), Canvas(*self.stage.size)
        for t in times:
            now, zoom = self._camera(t)
            canvas.copy_from(self._backdrop)
            for layer in self.stage.layers:
                layer.draw(canvas, now)
            picture = _zoomed(canvas, shown, zoom) if zoom > 1 else canvas
            if "mono" in self.look.manner:
                picture.u[...] = picture.v[...] = _GREY
            if self._caption is not None:
                self._caption[0].draw(picture, 0, self._caption[1])
            yield picture

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

    def _set(self, place: str, *, framed: bool) -> None:
        stage = self.stage
        runs = any(s.deed == "run" for s in stage.look.subjects[:1])
        stage.track = stage.unit * 0.3 if runs and self.look.camera not in {"static", "orbit"} else 0.0
        if framed:
            perform(stage, 0.8, 0.7)
        else:
            if stage.palette.night:
                weather.stars(stage)
            elif place != "underwater":
                tone = mix(stage.palette.low, (255.0, 255.0, 255.0), 0.4)
                heavy = bool(stage.look.weather & {"storm", "cloud", "rain"})
                tone = mix(stage.palette.top, stage.palette.low, 0.3) if heavy else tone
                plate = scenery.clouds(
                    stage.rng("clouds"),
                    stage.period,
                    round(stage.unit * 0.34),
                    tone,
                    cover=0.85 if heavy else 0.45,
                )
                stage.layers.append(Strip(plate, stage.y(0.06), 0.06, stage.unit * 0.012))
            PLACES[place](stage)
            if "fog" in stage.look.weather:
                weather.veil(stage, 0.66, 0.4)
                weather.veil(stage, 0.86, 0.9)
        weather.fall(stage)

    def _camera(self, t: float) -> tuple[Moment, float]:
        look, unit = self.look, self.stage.unit
        time = t * look.pace
        pan, tilt, zoom, share = self.stage.track * time, 0.0, 1.0, t / max(self._seconds, 1e-6)
        grown = min(_ZOOM, 1 + 0.035 * self._seconds * look.pace)
        if look.camera == "push in":
            zoom = 1 + (grown - 1) * share
        elif look.camera == "pull out":
            zoom = grown - (grown - 1) * share
        elif look.camera in {"pan left", "pan right"}:
            pan += unit * 0.16 * time * (1 if look.camera == "pan right" else -1)
        elif look.camera in {"tilt up", "tilt down"}:
            tilt = unit * 0.013 * min(time, 6.0) * (-1 if look.camera == "tilt up" else 1)
        elif look.camera == "orbit":
            pan += unit * 0.22 * math.sin(time * 0.5)
        elif look.camera == "handheld":
            pan += unit * 0.012 * (math.sin(2.1 * time) + 0.6 * math.sin(5.3 * time))
            tilt = unit * 0.007 * (math.sin(2.9 * time + 1) + 0.5 * math.sin(6.1 * time))
        elif look.camera == "drift":
            pan += unit * 0.035 * time
        return Moment(time, pan, tilt), zoom


def _covering(image: Image.Image, size: tuple[int, int]) -> Canvas:
    fitted = ImageOps.fit(image, size, Image.Resampling.LANCZOS)
    canvas = Canvas(*size)
    Plate.painted(np.asarray(fitted), np.full((size[1], size[0]), 255, np.uint8)).draw(canvas, 0, 0)
    return canvas


def _zoomed(canvas: Canvas, shown: Canvas, zoom: float) -> Canvas:
    smooth, plain = Image.Resampling.BILINEAR, Image.Resampling.NEAREST
    for source, target, way in (
        (canvas.y, shown.y, smooth),
        (canvas.u, shown.u, plain),
        (canvas.v, shown.v, plain),
    ):
        height, width = source.shape
        left, top = width * (1 - 1 / zoom) / 2, height * (1 - 1 / zoom) / 2
        whole = Image.fromarray(source)
        target[...] = np.asarray(
            whole.resize((width, height), way, box=(left, top, width - left, height - top))
        )
    return shown
