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
    uv : uint8 array of 2 x half that height x half that width
    """

    __slots__ = ("_scratch", "uv", "y")

    def __init__(self, width: int, height: int) -> None:
        self.y: Bytes = np.full((height, width), 16, np.uint8)
        self.uv: Bytes = np.full((2, height // 2, width // 2), 128, np.uint8)
        self._scratch: Words = np.empty(height * width, np.uint16)

    @property
    def width(self) -> int:
        """Pixels, even."""
        return int(self.y.shape[1])

    @property
    def height(self) -> int:
        """Pixels, even."""
        return int(self.y.shape[0])

    @property
    def planes(self) -> tuple[Bytes, Bytes, Bytes]:
        """The Y, U and V planes."""
        return self.y, self.uv[0], self.uv[1]

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
        offsets = ((_LUMA, 16.0), (_BLUE, 128.0), (_RED, 128.0))
        for plane, (weights, base) in zip(canvas.planes, offsets, strict=True):
            height, width = plane.shape
            grain = np.tile(tile, (height // 160 + 1, width // 192 + 1))[:height, :width]
            soft = Image.fromarray(np.ascontiguousarray(rgb @ weights))
            full = np.asarray(soft.resize((width, height), Image.Resampling.BICUBIC))
            np.add(full + (base - 0.5), grain, out=plane, casting="unsafe")
        return canvas

    def copy_from(self, other: Canvas) -> None:
        """Become a copy of a canvas of the same size."""
        self.y[...] = other.y
        self.uv[...] = other.uv

    def blend(self, plane: Bytes, ink: Words, keep: Words) -> None:
        """Lay premultiplied `ink` (0 to 65,280) on `plane`, of which `keep` / 256 stays."""
        room = self._scratch[: plane.size].reshape(plane.shape)
        np.multiply(plane, keep, out=room)
        room += ink
        room >>= 8
        np.copyto(plane, room, casting="unsafe")

    def rgb(self) -> Image.Image:
        """Return the picture as an RGB image."""
        luma = np.clip((self.y.astype(np.float32) - 16) * (255 / 219), 0, 255).astype(np.uint8)
        planes = [Image.fromarray(luma)]
        for chroma in self.uv:
            full = np.clip((chroma.astype(np.float32) - 128) * (255 / 224) + 128, 0, 255)
            small = Image.fromarray(full.astype(np.uint8))
            planes.append(small.resize((self.width, self.height), Image.Resampling.BILINEAR))
        return Image.merge("YCbCr", planes).convert("RGB")


class _Sheet:
    """A plate's picture at one resolution, its opaque foot apart.

    Parameters
    ----------
    ink : uint16 array of (planes x) height x width
        Values times coverage.
    keep : uint16 array of height x width
        What stays of what lies below; coverage and it are 256 together.
    """

    __slots__ = ("_foot", "_ink", "_keep", "_solid", "height")

    def __init__(self, ink: Words, keep: Words) -> None:
        self.height = len(keep)
        holes = np.flatnonzero(keep.max(axis=1))
        self._solid = int(holes[-1]) + 1 if holes.size else 0
        self._foot = (ink[..., self._solid :, :] >> 8).astype(np.uint8)
        if self._solid < self.height:
            ink, keep = ink[..., : self._solid, :].copy(), keep[: self._solid].copy()
        self._ink, self._keep = ink, keep

    def lay(self, canvas: Canvas, plane: Bytes, corner: tuple[int, int], columns: tuple[int, int]) -> None:
        """Lay it on a plane of `canvas`, its top left at `corner`, between two columns of the plane."""
        x, y = corner
        upper, lower = max(0, y), min(plane.shape[-2], y + self.height)
        seam = min(lower, max(upper, y + self._solid))
        here, there = slice(*columns), slice(columns[0] - x, columns[1] - x)
        if upper < seam:
            rows = slice(upper - y, seam - y)
            canvas.blend(plane[..., upper:seam, here], self._ink[..., rows, there], self._keep[rows, there])
        if seam < lower:
            top = y + self._solid
            plane[..., seam:lower, here] = self._foot[..., seam - top : lower - top, there]

    def mirrored(self, part: int) -> tuple[Words, Words]:
        """Return ink and keep turned upside down, with `part` / 256 of the coverage."""
        ink = np.concatenate([self._ink, self._foot.astype(np.uint16) << 8], axis=-2)
        bare = np.zeros((self.height - self._solid, ink.shape[-1]), np.uint16)
        cover = _OPAQUE - np.concatenate([self._keep, bare])
        return _scaled(ink[..., ::-1, :], part), _OPAQUE - _scaled(cover[::-1], part)


class Plate:
    """A still picture with transparency, ready to be laid on a canvas.

    Parameters
    ----------
    ink, keep : uint16 arrays of height x width
        Y times coverage, and what stays of what lies below; coverage is 0 to 256.
    ink_half : uint16 array of 2 x half that height x half that width
        U and V times coverage.
    keep_half : uint16 array of half the height x half the width
        What stays of what lies below.
    """

    __slots__ = ("_coarse", "_fine", "_spans", "height", "width")

    def __init__(self, ink: Words, keep: Words, ink_half: Words, keep_half: Words) -> None:
        self.height, self.width = ink.shape
        self._spans = _spans(keep.min(axis=0) < _OPAQUE)
        self._fine, self._coarse = _Sheet(ink, keep), _Sheet(ink_half, keep_half)

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
        cover = _covering(alpha)
        luma, blue, red = Image.fromarray(rgb).convert("YCbCr").split()
        chroma = np.stack([_halved(_TV_CHROMA[np.asarray(plane)] * cover) for plane in (blue, red)])
        return cls(_TV_LUMA[np.asarray(luma)] * cover, _OPAQUE - cover, chroma, _OPAQUE - _halved(cover))

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
        cover = _covering(alpha)
        half, coarse = _halved(cover), rows[:: 2 if len(rows) > 1 else 1]
        luma = (16.5 + rows @ _LUMA).astype(np.uint16)[:, None]
        chroma = np.stack(
            [(128.5 + coarse @ weights).astype(np.uint16)[:, None] for weights in (_BLUE, _RED)]
        )
        return cls(luma * cover, _OPAQUE - cover, chroma * half, _OPAQUE - half)

    @classmethod
    def of(cls, image: Image.Image) -> Plate:
        """Take over an RGBA image, cut to even sides."""
        width, height = image.width // 2 * 2, image.height // 2 * 2
        whole: Bytes = np.asarray(image)
        return cls.painted(np.ascontiguousarray(whole[:height, :width, :3]), whole[:height, :width, 3])

    def mirrored(self, strength: float) -> Plate:
        """Return a copy turned upside down, with `strength` (0 to 1) of the coverage."""
        part = round(strength * _OPAQUE)
        return Plate(*self._fine.mirrored(part), *self._coarse.mirrored(part))

    def draw(self, canvas: Canvas, x: float, y: float) -> None:
        """Lay the plate with its top left corner at `x`, `y`; what lies outside is cut."""
        left, top = round(x), round(y)
        for start, end in self._spans:
            first, last = max(0, left + start), min(canvas.width, left + end)
            if first < last and -self.height < top < canvas.height:
                self._fine.lay(canvas, canvas.y, (left, top), (first, last))
                columns = max(first // 2, left // 2), min((last + 1) // 2, (left + self.width) // 2)
                self._coarse.lay(canvas, canvas.uv, (left // 2, top // 2), columns)

    def scroll(self, canvas: Canvas, x: float, y: float) -> None:
        """Lay the plate across the whole canvas, repeated, shifted right by `x`."""
        start = round(x) % self.width - self.width
        for left in range(start, canvas.width, self.width):
            self.draw(canvas, left, y)


def _covering(alpha: Bytes) -> Words:
    """Return coverage from 0 to 256 for coverage from 0 to 255."""
    cover = alpha.astype(np.uint16)
    cover += cover >> 7
    return cover


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
