"""What a task brings beside the first link to its first video; kept as JSON, so that none of it is lost."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gridgen.task import Video

__all__ = ["Extra", "mirrors", "noted", "read", "shown", "written"]

MIRROR, VIDEO, FRAME = "mirror", "video", "last_frame"
_KINDS = frozenset({MIRROR, VIDEO, FRAME})
_MOST = 2**16
"""Characters of all links of a task together that are kept."""


@dataclass(frozen=True, slots=True)
class Extra:
    """One further result.

    Attributes
    ----------
    kind : str
        ``mirror`` for another link to the first video, ``video`` for a further video,
        ``last_frame`` for a picture of how one ends.
    number : int
        Of the video that it is, or belongs to, from 1.
    urls : tuple of str
        Its links, in the order in which they are tried.
    path : str or None
        Its file in the folder, once it is there.
    bytes : int
        Size of that file.
    why : str or None
        Why it could not be had when it was last tried.
    """

    kind: str
    number: int
    urls: tuple[str, ...]
    path: str | None = None
    bytes: int = 0
    why: str | None = None

    @property
    def wanted(self) -> bool:
        """Whether it is a file of its own, to be fetched."""
        return self.kind != MIRROR

    @property
    def mark(self) -> str:
        """What stands between the name of the clip and the suffix in the name of its file."""
        video = "" if self.number == 1 else f".v{self.number}"
        return f"{video}.last" if self.kind == FRAME else video


def noted(videos: Iterable[Video], before: str | None = None) -> str | None:
    """Return as JSON what a task brings besides, None for nothing; of what was noted before the files are kept."""
    had = {(each.kind, each.number): each for each in read(before) if each.path is not None}
    found: list[Extra] = []
    for number, video in enumerate(videos, start=1):
        mirrored = (MIRROR, video.mirrors) if number == 1 else (VIDEO, video.urls)
        frame = () if video.last_frame_url is None else (video.last_frame_url,)
        found += [Extra(kind, number, urls) for kind, urls in (mirrored, (FRAME, frame)) if urls]
    return written(had.get((each.kind, each.number), each) for each in found)


def written(extras: Iterable[Extra]) -> str | None:
    """Return them as JSON, None for none; links beyond what a row may hold are left out, the last ones first."""
    told: list[dict[str, Any]] = []
    size = 0
    for each in extras:
        size += sum(map(len, each.urls))
        if size <= _MOST or each.path is not None:
            told.append({name: value for name, value in asdict(each).items() if value})
    return json.dumps(told, ensure_ascii=True) if told else None


def read(text: str | None) -> tuple[Extra, ...]:
    """Return what JSON tells; what is no extra, or names a file elsewhere, is left out."""
    if text is None:
        return ()
    try:
        told = json.loads(text)
    except (ValueError, RecursionError):
        return ()
    return tuple(filter(None, map(_extra, told if isinstance(told, list) else [])))


def mirrors(text: str | None) -> tuple[str, ...]:
    """Return the other links to the first video."""
    return tuple(url for each in read(text) if each.kind == MIRROR for url in each.urls)


def shown(text: str | None) -> str | None:
    """Return for a person the files of further results, or their links where they could not be had; None for none."""
    if text is None:
        return None
    wanted = [each for each in read(text) if each.wanted and (each.kind, each.number) != (FRAME, 1)]
    return " ".join(each.path or each.urls[0].partition("?")[0] for each in wanted) or None


def _extra(told: Any) -> Extra | None:
    if not isinstance(told, dict) or told.get("kind") not in _KINDS or type(told.get("number")) is not int:
        return None
    urls, path, size, why = (told.get(name) for name in ("urls", "path", "bytes", "why"))
    if not (isinstance(urls, list) and urls and all(isinstance(url, str) for url in urls)):
        return None
    return Extra(
        told["kind"],
        told["number"],
        tuple(urls),
        path if isinstance(path, str) and _is_plain(path) else None,
        size if type(size) is int and size > 0 else 0,
        why if isinstance(why, str) else None,
    )


def _is_plain(name: str) -> bool:
    """Whether a name is that of a file in the folder itself, on any system."""
    alone = PurePosixPath(name).name == name == PureWindowsPath(name).name
    return alone and bool(name) and not name.startswith(".") and name.isprintable()
