"""Pictures as Y, U and V planes, and how one is laid on another.

Everything is kept in the encoder's own colour space (BT.601, limited range,
chroma at half size), so that a frame is composed by a few integer operations
on whole planes and handed to the encoder as it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gridgen.simulator.clips.colours import Colour

    Bytes = NDArray[np.uint8]
    Words = NDArray[np.uint16]
    Floats = NDArray[np.float32]

__all__ = ["Canvas", "Plate", "yuv"]

_LUMA: Final = np.array((65.481, 128.553, 24.966), np.float32) / 255
_BLUE: Final = np.array((-37.797, -74.203, 112.0), np.float32) / 255
_RED: Final = np.array((112.0, -93.786, -18.214), np.float32) / 255
_TV_LUMA: Final = np.round(16 + np.arange(256) * 219 / 255).astype(np.uint8)
_TV_CHROMA: Final = np.round(128 + (np.arange(256) - 128) * 224 / 255).astype(np.uint8)
_OPAQUE: Final = 256
_GAP: Final = 24


def yuv(colour: Colour) -> tuple[int, int, int]:
    """Return a colour as limited-range Y, U and V, each 16 to 240."""
    rgb = np.asarray(colour, np.float32)
    return round(16 + float(rgb @ _LUMA)), round(128 + float(rgb @ _BLUE)), round(128 + float(rgb @ _RED))


class Canvas:
    """A picture under composition.

    Attributes
    ----------
    y : uint8 array of height x width
    u, v : uint8 array of half that height and width
    """

    __slots__ = ("_scratch", "u", "v", "y")

    def __init__(self, width: int, height: int) -> None:
        self.y: Bytes = np.full((height, width), 16, np.uint8)
        self.u: Bytes = np.full((height // 2, width // 2), 128, np.uint8)
        self.v: Bytes = np.full((height // 2, width // 2), 128, np.uint8)
        self._scratch: Words = np.empty((height, width), np.uint16)

    @property
    def width(self) -> int:
        """Pixels, even."""
        return int(self.y.shape[1])

    @property
    def height(self) -> int:
        """Pixels, even."""
        return int(self.y.shape[0])

    @classmethod
    def of(cls, rgb: Floats, size: tuple[int, int], rng: np.random.Generator) -> Canvas:
        """Enlarge a soft picture to a canvas, with a grain against banding.

        Parameters
        ----------
        rgb : float32 array of height x width x 3
            0 to 255, of any size.
        size : tuple of int
            Width and height of the canvas.
        rng : numpy.random.Generator
            The grain.
        """
        canvas = cls(*size)
        tile = rng.random((160, 192), np.float32) + rng.random((160, 192), np.float32)
        offsets = ((canvas.y, _LUMA, 16.0), (canvas.u, _BLUE, 128.0), (canvas.v, _RED, 128.0))
        for plane, weights, base in offsets:
            height, width = plane.shape
            grain = np.tile(tile, (height // 160 + 1, width // 192 + 1))[:height, :width]
            soft = Image.fromarray(np.ascontiguousarray(rgb @ weights))
            full = np.asarray(soft.resize((width, height), Image.Resampling.BICUBIC))
            np.add(full + (base - 0.5), grain, out=plane, casting="unsafe")
        return canvas

    def copy_from(self, other: Canvas) -> None:
        """Become a copy of a canvas of the same size."""
        self.y[...] = other.y
        self.u[...] = other.u
        self.v[...] = other.v

    def blend(self, plane: Bytes, ink: Words, keep: Words) -> None:
        """Lay premultiplied `ink` (0 to 65,280) on `plane`, of which `keep` / 256 stays."""
        room = self._scratch.reshape(-1)[: plane.size].reshape(plane.shape)
        np.multiply(plane, keep, out=room)
        room += ink
        room >>= 8
        np.copyto(plane, room, casting="unsafe")

    def rgb(self) -> Image.Image:
        """Return the picture as an RGB image."""
        luma = np.clip((self.y.astype(np.float32) - 16) * (255 / 219), 0, 255).astype(np.uint8)
        planes = [Image.fromarray(luma)]
        for chroma in (self.u, self.v):
            full = np.clip((chroma.astype(np.float32) - 128) * (255 / 224) + 128, 0, 255)
            small = Image.fromarray(full.astype(np.uint8))
            planes.append(small.resize((self.width, self.height), Image.Resampling.BILINEAR))
        return Image.merge("YCbCr", planes).convert("RGB")


class Plate:
    """A still picture with transparency, ready to be laid on a canvas.

    Parameters
    ----------
    ink, keep : uint16 arrays of height x width
        Y times coverage, and what stays of what lies below; coverage is 0 to 256.
    chroma : tuple of two uint16 arrays of half that height and width
        U and V times coverage.
    keep_half : uint16 array of that size
        What stays of what lies below.
    """

    __slots__ = ("_chroma", "_ink", "_keep", "_keep_half", "_solid", "_spans", "height", "width")

    def __init__(self, ink: Words, keep: Words, chroma: tuple[Words, Words], keep_half: Words) -> None:
        self.height, self.width = ink.shape
        self._ink, self._keep, self._chroma, self._keep_half = ink, keep, chroma, keep_half
        holes = np.flatnonzero(keep.max(axis=1))
        self._solid = (int(holes[-1]) // 2 + 1) * 2 if holes.size else 0
        self._spans = _spans(keep.min(axis=0) < _OPAQUE)

    @classmethod
    def painted(cls, rgb: Bytes, alpha: Bytes) -> Plate:
        """Take over a picture.

        Parameters
        ----------
        rgb : uint8 array of height x width x 3
            The colours; both sides even.
        alpha : uint8 array of height x width
            Coverage, 0 to 255.
        """
        cover = alpha.astype(np.uint16)
        cover += cover >> 7
        luma, blue, red = Image.fromarray(rgb).convert("YCbCr").split()
        u, v = (_halved(_TV_CHROMA[np.asarray(plane)] * cover) for plane in (blue, red))
        return cls(_TV_LUMA[np.asarray(luma)] * cover, _OPAQUE - cover, (u, v), _OPAQUE - _halved(cover))

    @classmethod
    def toned(cls, rows: Floats, alpha: Bytes) -> Plate:
        """Take over a silhouette.

        Parameters
        ----------
        rows : float32 array of height x 3, or 1 x 3
            The colour of each row, or of all, 0 to 255.
        alpha : uint8 array of height x width
            Coverage, 0 to 255; both sides even.
        """
        cover = alpha.astype(np.uint16)
        cover += cover >> 7
        half, coarse = _halved(cover), rows[:: 2 if len(rows) > 1 else 1]
        luma = (16.5 + rows @ _LUMA).astype(np.uint16)[:, None]
        u, v = ((128.5 + coarse @ weights).astype(np.uint16)[:, None] for weights in (_BLUE, _RED))
        return cls(luma * cover, _OPAQUE - cover, (u * half, v * half), _OPAQUE - half)

    @classmethod
    def of(cls, image: Image.Image) -> Plate:
        """Take over an RGBA image, cut to even sides."""
        width, height = image.width // 2 * 2, image.height // 2 * 2
        whole: Bytes = np.asarray(image)
        return cls.painted(np.ascontiguousarray(whole[:height, :width, :3]), whole[:height, :width, 3])

    def cover(self) -> Bytes:
        """Return its coverage, 0 to 255."""
        return np.minimum(255, _OPAQUE - self._keep).astype(np.uint8)

    def mirrored(self, strength: float) -> Plate:
        """Return a copy turned upside down, with `strength` (0 to 1) of the coverage."""
        part = round(strength * _OPAQUE)
        u, v = (_scaled(ink[::-1], part) for ink in self._chroma)
        keep, keep_half = (_OPAQUE - _scaled(_OPAQUE - k[::-1], part) for k in (self._keep, self._keep_half))
        return Plate(_scaled(self._ink[::-1], part), keep, (u, v), keep_half)

    def draw(self, canvas: Canvas, x: float, y: float) -> None:
        """Lay the plate with its top left corner at `x`, `y`; what lies outside is cut."""
        left, top = round(x), round(y)
        upper, lower = max(0, top), min(canvas.height, top + self.height)
        for start, end in self._spans if upper < lower else ():
            first, last = max(0, left + start), min(canvas.width, left + end)
            if first < last:
                self._lay(canvas, (left, top), (upper, lower), (first, last))

    def scroll(self, canvas: Canvas, x: float, y: float) -> None:
        """Lay the plate across the whole canvas, repeated, shifted right by `x`."""
        start = round(x) % self.width - self.width
        for left in range(start, canvas.width, self.width):
            self.draw(canvas, left, y)

    def _lay(
        self, canvas: Canvas, corner: tuple[int, int], rows: tuple[int, int], columns: tuple[int, int]
    ) -> None:
        x, y = corner
        (upper, lower), (first, last) = rows, columns
        seam = min(lower, max(upper, y + self._solid))
        here, there = slice(first, last), slice(first - x, last - x)
        canvas.blend(
            canvas.y[upper:seam, here],
            self._ink[upper - y : seam - y, there],
            self._keep[upper - y : seam - y, there],
        )
        np.right_shift(
            self._ink[seam - y : lower - y, there], 8, out=canvas.y[seam:lower, here], casting="unsafe"
        )
        x, y, seam = x // 2, y // 2, seam // 2
        upper, lower = max(0, y), min(canvas.u.shape[0], y + self.height // 2)
        first, last = max(first // 2, x), min((last + 1) // 2, x + self.width // 2)
        seam = min(lower, max(upper, seam))
        here, there = slice(first, last), slice(first - x, last - x)
        keep = self._keep_half[upper - y : seam - y, there]
        for plane, ink in zip((canvas.u, canvas.v), self._chroma, strict=True):
            canvas.blend(plane[upper:seam, here], ink[upper - y : seam - y, there], keep)
            np.right_shift(ink[seam - y : lower - y, there], 8, out=plane[seam:lower, here], casting="unsafe")


def _spans(used: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Return the runs of used columns, gaps of up to `_GAP` closed, edges even."""
    columns = np.flatnonzero(used)
    if not columns.size:
        return []
    breaks = np.flatnonzero(np.diff(columns) > _GAP)
    starts = columns[np.concatenate([[0], breaks + 1])] // 2 * 2
    ends = columns[np.concatenate([breaks, [columns.size - 1]])] // 2 * 2 + 2
    return [(int(a), int(b)) for a, b in zip(starts, ends, strict=True)]


def _halved(plane: Words) -> Words:
    quarter = plane >> 2
    total: Words = quarter[::2, ::2] + quarter[1::2, ::2] + quarter[::2, 1::2] + quarter[1::2, 1::2]
    return total


def _scaled(plane: Words, part: int) -> Words:
    return ((plane.astype(np.uint32) * part) >> 8).astype(np.uint16)
