"""Small pictures of clips, inside of a page: they need no server, and stay with a notebook that is sent."""

from __future__ import annotations

import base64
import html
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PIL import Image

from gridgen.gallery.change_feed import inside

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from gridgen.journal import Row
    from gridgen.sweep import Sweep

__all__ = ["Thumbnails", "data_uri", "shrunk", "thumbnails_of"]

SIDE, MOST_BYTES = 112, 2_500
"""Pixels on the long side of a thumbnail, and about how many bytes it may have."""


@dataclass(frozen=True, slots=True)
class Thumbnails:
    """The posters of some clips.

    Attributes
    ----------
    folder : Path
        Of their sweep.
    posters : mapping
        From a cell's key and a take, or None for any of them, to the name of a picture.
    """

    folder: Path
    posters: Mapping[tuple[str, int | None], str]

    def __call__(self, cell: str, take: int | None, /) -> str:
        """Return a picture of a clip as HTML, "" where it has none."""
        name = self.posters.get((cell, take))
        data = shrunk(self.folder, name, SIDE, MOST_BYTES) if name else b""
        return picture(data_uri(data)) if data else ""


def thumbnails_of(sweep: Sweep, rows: Iterable[Row]) -> Thumbnails:
    """Return the posters of some rows of a sweep; where takes are not told apart, that of the first one counts."""
    posters: dict[tuple[str, int | None], str] = {}
    for row in rows:
        if row.poster:
            posters[row.cell.key, row.take] = row.poster
            posters.setdefault((row.cell.key, None), row.poster)
    return Thumbnails(sweep.folder, posters)


def picture(source: str) -> str:
    """Return a picture that is loaded when it comes into sight."""
    style = "display:block;max-width:96px;max-height:72px;margin:0;border-radius:5px"
    return f'<img src="{html.escape(source)}" alt="" loading="lazy" style="{style}">'


def data_uri(data: bytes) -> str:
    """Return a WebP as an address that holds all of it."""
    return "data:image/webp;base64," + base64.b64encode(data).decode()


def shrunk(folder: Path, name: str, side: int, most: int, *, effort: int = 2) -> bytes:
    """Return a poster as WebP, its long side at most so many pixels, in about so many bytes; empty where it is unreadable.

    Parameters
    ----------
    folder : Path
        Of the sweep, beyond which nothing is read.
    name : str
        The poster's file in it.
    side, most : int
        Pixels and bytes.
    effort : int, default 2
        From 0 to 6: more takes longer and makes less of it.
    """
    try:
        with Image.open(inside(folder, name)) as image:
            image.thumbnail((side, side))
            for quality in (72, 50, 30):
                data = io.BytesIO()
                image.convert("RGB").save(data, "WEBP", quality=quality, method=effort)
                if data.tell() <= most:
                    break
    except (OSError, ValueError, Image.DecompressionBombError):
        return b""
    return data.getvalue()
