"""What an exported page knows: the wall's snapshot without what is not to be shown, and the files that it needs."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from gridgen.gallery.change_feed import ChangeFeed, inside
from gridgen.gallery.judge import choices
from gridgen.gallery.layout import Sides, sheet_axes
from gridgen.gallery.menus import menus
from gridgen.gallery.rpc import QuestionError
from gridgen.judgements.ratings import clip_names
from gridgen.media import is_whole, small_of
from gridgen.share.heading import Heading

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from pathlib import Path

    from gridgen.grid import Axis
    from gridgen.journal import Row
    from gridgen.sweep import Sweep

__all__ = ["ExportOptions", "PageData", "hidden_axes", "known"]

_MANY = 36
"""Clips from which on a page holds their smaller previews too: fewer are not in view at once in tiles so small."""

_SILENT = "hidden"
_QUERY = re.compile(r"(https?://[^\s?#]+)[?#]\S*")


@dataclass(frozen=True, slots=True)
class ExportOptions:
    """What a page shows; as the arguments of `Sweep.to_html`."""

    prompts: bool = True
    cost: bool = False
    task_ids: bool = False
    ratings: bool = True
    originals: bool | None = False
    """Whether they go along; None for where the page stays within its limit."""


@dataclass(slots=True)
class PageData:
    """All that goes into a page but its media.

    Attributes
    ----------
    told : dict
        For the page's script, as JSON values.
    files : dict
        Where each file is, by its name in the page.
    lead : Heading
        What it says above its wall.
    """

    told: dict[str, Any]
    files: dict[str, Path] = field(default_factory=dict)
    lead: Heading = field(default_factory=Heading)

    @property
    def bytes(self) -> int:
        """Size of the files together."""
        return sum(path.stat().st_size for path in self.files.values())


def known(sweep: Sweep, rows: Collection[int], sides: Sides, view: str, shown: ExportOptions) -> PageData:
    """Gather what a page of some rows of a sweep knows."""
    axes = sheet_axes(sweep)
    snapshot = ChangeFeed(sweep, reviewer="").snapshot()
    found = sweep.rows()
    clips = clip_names(sweep)
    gathered = PageData({})
    kept = [tile for tile in snapshot["tiles"] if tile["id"] in rows]
    files = _Files(sweep.folder, gathered.files, shown, many=len(kept) > _MANY)
    snapshot["tiles"] = [_tile(tile, found[tile["id"]], clips[tile["id"]], shown, files) for tile in kept]
    snapshot["axes"] = [_axis(axis, shown, hidden_axes(axes)) for axis in axes]
    if not shown.cost:
        snapshot["cost"] = ""
    gathered.told = {
        "snapshot": snapshot
        | {"seq": 0, "folder": None, "choices": _choices(sweep, rows) if shown.ratings else []},
        "menus": [menu.state() for menu in menus(axes, sides)],
        "look": {"rows": list(sides.rows), "cols": list(sides.cols)},
        "view": view,
    }
    return gathered


def _choices(sweep: Sweep, rows: Collection[int]) -> list[list[int]]:
    return [choice for choice in choices(sweep) if choice[0] in rows and choice[1] in rows]


def hidden_axes(axes: Iterable[Axis]) -> set[str]:
    """Return the axes from which a prompt could be read: the prompts, and all slots and labels."""
    return {"prompt", "negative_prompt", *(axis.name for axis in axes if not axis.sent)}


def _axis(axis: Axis, shown: ExportOptions, hidden: set[str]) -> dict[str, Any]:
    if not shown.prompts and axis.name in hidden:
        labels = [f"{axis.name} {at}" for at in range(1, len(axis) + 1)]
    else:
        labels = [_QUERY.sub(r"\1", label) for label in axis.labels]
    return {"name": axis.name, "labels": labels}


def _tile(tile: dict[str, Any], row: Row, clip: str, shown: ExportOptions, files: _Files) -> dict[str, Any]:
    kept = tile | {"clip": clip, "said": None}
    if not shown.ratings:
        kept |= {"rating": None, "pick": None, "tags": None, "note": None}
    if not shown.cost:
        kept |= {"cost": None, "price": None}
    if shown.task_ids:
        kept["task"] = row.task_id
    error = None if row.error is None else _QUERY.sub(r"\1", row.error)
    kept["error"] = error if shown.prompts or error is None else f"{row.error_class or 'error'} ({_SILENT})"
    return kept | files.of(row)


class _Files:
    """Gives the files of clips the names that they have in a page."""

    def __init__(self, folder: Path, files: dict[str, Path], shown: ExportOptions, *, many: bool) -> None:
        self._folder, self._files, self._shown, self._many = folder, files, shown, many

    def of(self, row: Row) -> dict[str, str | None]:
        stem = PurePosixPath(row.path or "").stem if self._shown.prompts else ""
        stem = stem or f"clip-{row.index + 1:04}"
        poster = self._picture(row.poster, f"{stem}.webp")
        preview = self._picture(row.preview, f"{stem}.preview.mp4")
        small = (
            self._picture(small_of(row.preview), f"{stem}.small.mp4") if row.preview and self._many else None
        )
        original = (
            self._take(row.path, f"{stem}{PurePosixPath(row.path or 'a.mp4').suffix}")
            if self._shown.originals or not preview
            else None
        )
        return {"poster": poster, "preview": preview or original, "small": small, "path": original or preview}

    def _picture(self, source: str | None, name: str) -> str | None:
        """Take a poster or preview, unless the disk spoilt it."""
        return self._take(source, name) if source and is_whole(self._folder / source) else None

    def _take(self, source: str | None, name: str) -> str | None:
        try:
            path = inside(self._folder, source)
        except QuestionError:
            return None
        if not path.is_file():
            return None
        self._files[name] = path
        return name
