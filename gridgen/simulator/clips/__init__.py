"""The simulator's clips: real videos, drawn from the prompt.

`render` makes a whole MP4 of a `Scene`, `still` a thumbnail of it. The same
scene gives the same bytes on one machine, in any thread or process.
"""

from __future__ import annotations

import hashlib
import io
import re
from dataclasses import dataclass
from typing import Final

from PIL import Image, ImageOps, UnidentifiedImageError

from gridgen.simulator.clips.encode import encode
from gridgen.simulator.clips.film import Film

__all__ = ["Scene", "dimensions", "readable", "render", "stand_in", "still"]

FPS: Final = 24
_SHOWN: Final = 2
_TINY_FPS: Final = 2
_TINY_SIDE: Final = 64
_WIDEST: Final = 4.0
_LONGEST: Final = 60
_MOST_PIXELS: Final = 50_000_000


@dataclass(frozen=True, slots=True)
class Scene:
    """What a clip is made from.

    Attributes
    ----------
    prompt : str
        Any text.
    size : str
        Aspect ratio such as ``"16:9"``; without effect beside an image that it follows.
    duration : int
        Seconds.
    quality : str
        Pixels of the short side, such as ``"480p"``.
    seed : int
        Which take; takes differ, and belong together.
    image : bytes or None
        A reference picture, in any format that Pillow reads.
    follows_image : bool
        Whether the clip takes the picture's shape; it is cut to fit otherwise.
    caption : bool
        Whether prompt, size, duration and quality are lettered on it.
    """

    prompt: str
    size: str
    duration: int
    quality: str
    seed: int = 0
    image: bytes | None = None
    follows_image: bool = True
    caption: bool = True


def dimensions(size: str, quality: str, image: bytes | None = None) -> tuple[int, int]:
    """Return the width and height of a clip.

    Parameters
    ----------
    size : str
        Aspect ratio, two whole numbers around a colon or an x.
    quality : str
        Pixels of the short side, such as ``"480p"``.
    image : bytes, optional
        A reference picture, whose aspect ratio is used instead of `size`.

    Returns
    -------
    tuple of int
        Pixels, both even; at most four times as long as wide.

    Raises
    ------
    ValueError
        A text is not of that form, or the image cannot be read.
    """
    across, down = _ratio(size) if image is None else _picture(image).size
    found = re.fullmatch(r"(\d{2,4})p", quality.strip().lower())
    if found is None or not int(found[1]):
        message = f"quality={quality!r} is not a number of lines such as '480p' or '720p'."
        raise ValueError(message)
    short, ratio = int(found[1]), min(_WIDEST, max(1 / _WIDEST, across / down))
    width, height = (short * ratio, short) if ratio >= 1 else (short, short / ratio)
    return max(2, round(width / 2) * 2), max(2, round(height / 2) * 2)


def render(scene: Scene, *, tiny: bool = False) -> bytes:
    """Make a clip.

    Parameters
    ----------
    scene : Scene
        What to show.
    tiny : bool, default False
        A picture of at most 64 pixels at 2 frames a second, a few kB: for tests. It has
        the prompt's light and colours, and no subject.

    Returns
    -------
    bytes
        An MP4: H.264, yuv420p, silent, its index first, exactly as long as asked.

    Raises
    ------
    ValueError
        A field of the scene cannot be used.
    """
    size = _dimensions(scene)
    if not 0 < scene.duration <= _LONGEST:
        message = f"duration={scene.duration!r} is not between 1 and {_LONGEST} seconds."
        raise ValueError(message)
    fps, shown, crf = (_TINY_FPS, 1, 32) if tiny else (FPS, _SHOWN, 27)
    if tiny:
        size = _shrunk(size, _TINY_SIDE)
    film = _film(scene, size, caption=scene.caption and not tiny, sketch=tiny)
    count = fps * scene.duration
    pictures = film.pictures(times=[index * shown / fps for index in range(-(-count // shown))])
    return encode(pictures, size=size, count=count, fps=fps, repeat=shown, crf=crf)


def still(scene: Scene) -> bytes:
    """Make a thumbnail of a clip: a JPEG of 320 pixels on its long side."""
    size = _shrunk(_dimensions(scene), 320)
    return _jpeg(scene, size, scene.duration * 0.4, 82)


def readable(image: bytes) -> bool:
    """Return whether a reference picture can be read, all of it."""
    try:
        _picture(image)
    except ValueError:
        return False
    return True


def stand_in(url: str) -> bytes:
    """Make a reference picture in place of one that cannot be fetched.

    Parameters
    ----------
    url : str
        Its address: the same address gives the same picture.

    Returns
    -------
    bytes
        A JPEG of 960 x 640.
    """
    digest = hashlib.sha256(url.encode("utf-8", "replace")).hexdigest()
    words = ("lake", "mountains", "forest", "desert", "meadow")[int(digest[0], 16) % 5]
    scene = Scene(f"{words} {digest[:12]}", "3:2", 6, "640p", caption=False)
    return _jpeg(scene, (960, 640), 1.0, 88)


def _jpeg(scene: Scene, size: tuple[int, int], moment: float, quality: int) -> bytes:
    out = io.BytesIO()
    next(iter(_film(scene, size, caption=False).pictures([moment]))).rgb().save(out, "JPEG", quality=quality)
    return out.getvalue()


def _dimensions(scene: Scene) -> tuple[int, int]:
    return dimensions(scene.size, scene.quality, scene.image if scene.follows_image else None)


def _film(scene: Scene, size: tuple[int, int], *, caption: bool, sketch: bool = False) -> Film:
    image = None if scene.image is None else _picture(scene.image)
    shape = scene.size if image is None or not scene.follows_image else "from image"
    facts = f"{shape}   {scene.duration} s   {scene.quality}" if caption else None
    return Film(scene.prompt, size, scene.duration, seed=scene.seed, image=image, facts=facts, sketch=sketch)


def _picture(image: bytes) -> Image.Image:
    try:
        opened = Image.open(io.BytesIO(image))
        if opened.width * opened.height > _MOST_PIXELS:
            message = (
                f"image: {opened.width}x{opened.height} pixels; at most {_MOST_PIXELS:,} in all are read."
            )
            raise ValueError(message)
        opened.draft("RGB", (2560, 2560))
        return ImageOps.exif_transpose(opened).convert("RGB")
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, SyntaxError) as error:
        message = f"image: {len(image)} bytes that are no picture Pillow can read ({error})."
        raise ValueError(message) from error


def _ratio(size: str) -> tuple[int, int]:
    found = re.fullmatch(r"(\d{1,5})\s*[:xX]\s*(\d{1,5})", size.strip())
    if found is None or not int(found[1]) or not int(found[2]):
        message = f"size={size!r} is not an aspect ratio such as '16:9'."
        raise ValueError(message)
    return int(found[1]), int(found[2])


def _shrunk(size: tuple[int, int], side: int) -> tuple[int, int]:
    scale = min(1.0, side / max(size))
    return max(16, round(size[0] * scale / 2) * 2), max(16, round(size[1] * scale / 2) * 2)
