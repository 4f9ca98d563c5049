"""A sweep's folder opened again: its grid is kept there, so nobody has to write it anew."""

from __future__ import annotations

import json
import os
import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from gridgen.errors import JournalError
from gridgen.grid import Grid
from gridgen.grid.files import definition, places_of
from gridgen.grid.images import recall, recalled
from gridgen.journal import read, read_cells
from gridgen.private import keep

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from gridgen.grid.places import Places

__all__ = ["KEPT", "Kept", "keep_sweep", "kept"]

_HASH = re.compile("sha256:[0-9a-f]{64}")

KEPT = "sweep.json"
"""The file in a sweep's folder that holds the grid last begun there, takes, budget and origin."""

Kept = dict[str, Any]
"""``grid`` (Grid), ``takes`` (int), ``budget`` (Decimal or None) and ``origin`` (str)."""


def keep_sweep(folder: Path, places: Places, *, takes: int, budget: Decimal | None, origin: str) -> None:
    """Keep what a sweep is in its folder, replacing what was kept before.

    Raises
    ------
    OSError
        If it cannot be written; what was kept before is as it was.
    """
    told = {
        "grid": definition(places),
        "takes": takes,
        "budget": None if budget is None else str(budget),
        "origin": origin,
    }
    keep(folder / KEPT, json.dumps(told, ensure_ascii=False, indent=1).encode())


def kept(folder: Path) -> Kept:
    """Return what was last begun in a folder; from the journal's own notes where nothing was kept.

    Raises
    ------
    JournalError
        If the folder holds no sweep, or what was kept cannot be read.
    """
    path = folder / KEPT
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        return {
            "grid": Grid.of(places_of(recalled(told["grid"], folder), str(path), trusted=True)),
            "takes": int(told["takes"]),
            "budget": None if told["budget"] is None else Decimal(told["budget"]),
            "origin": str(told["origin"]),
        }
    except FileNotFoundError:
        return _from_journal(folder)
    except NotADirectoryError:
        msg = f"{os.fspath(folder)!r} is a file, not the folder of a sweep"
        raise JournalError(msg) from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        msg = (
            f"{os.fspath(path)!r} cannot be read ({error}). The clips are safe: move that file away, and the sweep is "
            "opened from the journal beside it."
        )
        raise JournalError(msg) from error


def _from_journal(folder: Path) -> Kept:
    cells = read_cells(folder)
    if not cells:
        msg = f"{os.fspath(folder)!r} holds no sweep: nothing was ever submitted from it. Write Sweep(grid, client=..., folder=...)."
        raise JournalError(msg)
    records = read(folder)
    labels = sorted({name for fields in cells.values() for name in fields.get("labels", {})})
    grid = Grid.from_rows([_row(fields, folder) for fields in cells.values()], labels=labels, checks=False)
    origins = [record.origin for record in records.values()]
    return {
        "grid": grid,
        "takes": max((record.take for record in records.values()), default=1),
        "budget": None,
        "origin": max(sorted(set(origins)), key=origins.count),
    }


def _row(fields: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    told = _with_pictures({**fields, **fields.get("labels", {})}, folder)
    told.pop("labels", None)
    return {**told, "image_urls": told["image_urls"] or None}


def _with_pictures(value: Any, folder: Path) -> Any:
    if isinstance(value, dict):
        return {name: _with_pictures(each, folder) for name, each in value.items()}
    if isinstance(value, list):
        return [_with_pictures(each, folder) for each in value]
    return recall(value, folder) if isinstance(value, str) and _HASH.fullmatch(value) else value
