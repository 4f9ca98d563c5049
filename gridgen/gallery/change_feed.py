"""What the browser knows of a sweep: one snapshot, then changes."""

from __future__ import annotations

import threading
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gridgen.file_links import beside_notebook
from gridgen.gallery.layout import coordinates, sheet_axes
from gridgen.gallery.rpc import QuestionError
from gridgen.judgements import Opinion
from gridgen.media import is_whole, small_of
from gridgen.states import meanings

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gridgen.journal import Row
    from gridgen.sweep import Sweep

__all__ = ["ChangeFeed", "inside"]

MEDIA = ("poster", "preview", "small", "path")
MOST_BYTES = 20_000_000
"""Largest file that goes through the kernel's own channel."""


class ChangeFeed:
    """The state of a sweep as the browser knows it.

    Rows come from the engine's thread and questions from the kernel's, so both
    sides hold one lock.

    Parameters
    ----------
    sweep : Sweep
    reviewer : str
        Whose opinions it tells as ``said``; what all say together is in ``rating``,
        ``pick``, ``tags`` and ``note``.
    """

    def __init__(self, sweep: Sweep, reviewer: str) -> None:
        self._sweep = sweep
        self.reviewer = reviewer
        self._axes = sheet_axes(sweep)
        self._lock = threading.Lock()
        self._seq = 0
        self._rows = {row.index: row for row in sweep.rows()}
        self._noted: set[int] = set()
        self._told = {index: self._tile(row) for index, row in self._rows.items()}
        self._combinations = {index: coordinates(self._axes, row) for index, row in self._rows.items()}

    @property
    def axes(self) -> list[dict[str, Any]]:
        """The axes as JSON values, in order."""
        told = [{"name": axis.name, "labels": list(axis.labels)} for axis in self._axes]
        return [
            {**each, "notes": list(axis.notes)} if axis.notes else each
            for each, axis in zip(told, self._axes, strict=True)
        ]

    def snapshot(self) -> dict[str, Any]:
        """Return everything, as JSON values; money is decimal text."""
        with self._lock:
            return {
                **self._stamp(),
                "name": Path(self._sweep.name).name,
                "folder": beside_notebook(self._sweep.folder),
                "lettered": self._sweep.origin == "simulator",
                "speed": self._sweep.internals.speed,
                "axes": self.axes,
                "states": meanings(),
                "tiles": [
                    {"id": index, "at": self._combinations[index], **tile}
                    for index, tile in self._told.items()
                ],
            }

    def note(self, rows: Iterable[Row]) -> None:
        """Take up rows that may have changed."""
        with self._lock:
            for row in rows:
                if row.index in self._told:
                    self._rows[row.index] = row
                    self._noted.add(row.index)

    def delta(self) -> dict[str, Any] | None:
        """Return what of the noted rows is new to the browser, None for nothing.

        Rows of which only the progress moved, as of hundreds that run at once, are
        a flat list of number and percent.
        """
        with self._lock:
            changes = [change for index in sorted(self._noted) if (change := self._change(self._rows[index]))]
            self._noted.clear()
            if not changes:
                return None
            self._seq += 1
            moved = [change for change in changes if change.keys() == {"id", "progress"}]
            progress = [number for change in moved for number in (change["id"], change["progress"])]
            tiles = [change for change in changes if change.keys() != {"id", "progress"}]
            return {"kind": "delta", **self._stamp(), "tiles": tiles, "progress": progress}

    def opinion(self, index: int) -> dict[str, Any]:
        """Return what the reviewer now says of a row, and the number of the last delta that cannot know of it."""
        with self._lock:
            return {"id": index, "said": self._said(self._rows[index]), "seq": self._seq}

    def file(self, index: object, what: object) -> bytes:
        """Return one file of one row.

        Raises
        ------
        QuestionError
            If there is no such row, kind of file or file, or it is too large to send.
        """
        with self._lock:
            tile = self._told.get(index) if type(index) is int else None
        if tile is None or what not in MEDIA:
            msg = f"no {what!r} of clip {index!r} is known here"
            raise QuestionError(msg)
        return _read(self._sweep.folder, tile[str(what)])

    def _stamp(self) -> dict[str, Any]:
        return {"seq": self._seq, "now": self._sweep.internals.clock.time(), "cost": str(self._sweep.cost)}

    def _change(self, row: Row) -> dict[str, Any] | None:
        told, tile = self._told[row.index], self._tile(row)
        self._told[row.index] = tile
        change = {name: value for name, value in tile.items() if told[name] != value}
        return {"id": row.index, **change} if change else None

    def _small(self, row: Row) -> str | None:
        """Return the smaller preview, which folders of earlier versions lack."""
        return self._whole(row.preview and small_of(row.preview))

    def _whole(self, name: str | None) -> str | None:
        """Return a picture's name, None for one that the disk spoilt, which the next run makes anew."""
        return name if name and is_whole(self._sweep.folder / name) else None

    def _said(self, row: Row) -> dict[str, Any] | None:
        """Return the reviewer's opinion as JSON values, None for no opinion."""
        opinion = self._sweep.internals.judgements.book.of(self._sweep.internals.slot(row), self.reviewer)
        return None if opinion == Opinion() else {**asdict(opinion), "tags": list(opinion.tags)}

    def _tile(self, row: Row) -> dict[str, Any]:
        return {
            "status": row.status,
            "progress": row.progress,
            "began": row.submitted_at,
            "service": row.service_seconds,
            "price": None if row.price is None else str(row.price),
            "cost": None if row.cost is None else str(row.cost),
            "error_class": row.error_class,
            "error": row.error,
            "path": row.path,
            "poster": self._whole(row.poster),
            "preview": row.preview and (self._whole(row.preview) or row.path),
            "small": self._small(row),
            "width": row.width,
            "height": row.height,
            "fps": row.fps,
            "seconds": row.clip_seconds,
            "bytes": row.bytes,
            "rating": row.rating,
            "pick": row.pick,
            "tags": row.tags,
            "note": row.note,
            "said": self._said(row),
        }


def inside(folder: Path, name: str | None) -> Path:
    """Return where a file of a clip is.

    Raises
    ------
    QuestionError
        If the clip has no such file, or it is not within the sweep's folder.
    """
    if name is None:
        msg = "this clip has no such file yet"
        raise QuestionError(msg)
    path = (folder / name).resolve()
    if not path.is_relative_to(folder.resolve()):
        msg = f"{name!r} is outside the sweep's folder and is not sent"
        raise QuestionError(msg)
    return path


def _read(folder: Path, name: str | None) -> bytes:
    path = inside(folder, name)
    try:
        size = path.stat().st_size
        if size > MOST_BYTES:
            msg = f"{name} has {size / 1e6:.0f} MB, too much to send through the kernel; open it in the sweep's folder"
            raise QuestionError(msg)
        return path.read_bytes()
    except OSError as error:
        msg = f"{name} cannot be read: {error.strerror}"
        raise QuestionError(msg) from None
