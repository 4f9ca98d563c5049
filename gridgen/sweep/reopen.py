"""A sweep's folder opened again: its grid is kept there, so nobody has to write it anew."""

from __future__ import annotations

import hmac
import json
import os
import re
from typing import TYPE_CHECKING, Any

from gridgen.atomic import write_atomically
from gridgen.errors import GridError, JournalError, absent
from gridgen.grid import Grid
from gridgen.grid.definition import codes_of, definition
from gridgen.grid.images import recall, recalled
from gridgen.grid.selection import counted_takes
from gridgen.journal import read, read_cells
from gridgen.journal.store import NAME
from gridgen.models.price import money
from gridgen.userdirs import salt

if TYPE_CHECKING:
    from collections.abc import Mapping
    from decimal import Decimal
    from pathlib import Path

    from gridgen.grid.combinations import Combinations

__all__ = ["SWEEP_FILE", "SavedSweep", "load_sweep_json", "mark_of", "save_sequence", "save_sweep"]

_HASH = re.compile("sha256:[0-9a-f]{64}")

SWEEP_FILE = "sweep.json"
"""The file in a sweep's folder that holds the grid last begun there, takes, budget and origin."""

SavedSweep = dict[str, Any]
"""``grid`` (Grid), ``takes`` (int), ``budget`` (Decimal or None), ``origin`` (str) and ``own`` (bool: this user wrote it)."""


def save_sweep(
    folder: Path,
    combinations: Combinations,
    *,
    takes: int,
    budget: Decimal | None,
    origin: str,
    store: str = "",
    sequence: int = 0,
) -> None:
    """Keep what a sweep is in its folder, replacing what was kept before.

    Parameters
    ----------
    folder, places, takes, budget, origin
        What it is.
    store : str
        The id of the journal beside it.
    sequence : int
        The number of the journal's last event, so that an older one is recognised.

    Raises
    ------
    OSError
        If it cannot be written; what was kept before is as it was.
    """
    told = {
        "grid": definition(combinations),
        "takes": takes,
        "budget": None if budget is None else str(budget),
        "origin": origin,
        "store": store,
        "sequence": sequence,
    }
    _write(folder, told | {"mark": _mark(told)})


def save_sequence(folder: Path, store: str, sequence: int) -> None:
    """Note how far the journal is by now, and leave the rest of what is kept as it is.

    Raises
    ------
    OSError
        If it cannot be written; what was kept before is as it was.
    """
    try:
        told = json.loads((folder / SWEEP_FILE).read_text(encoding="utf-8"))
        own = _is_own(told)
    except (ValueError, RecursionError):
        return
    if isinstance(told, dict):
        told |= {"store": store, "sequence": sequence}
        _write(folder, told | {"mark": _mark(told) if own else ""})


def mark_of(folder: Path) -> tuple[str, int]:
    """Return the id of the journal that was last beside what is kept, and how far it was; "" and 0 where nothing says."""
    try:
        told = json.loads((folder / SWEEP_FILE).read_text(encoding="utf-8"))
        store, sequence = told["store"], told["sequence"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return "", 0
    return (store, sequence) if isinstance(store, str) and type(sequence) is int else ("", 0)


def _write(folder: Path, told: Mapping[str, Any]) -> None:
    with write_atomically(folder / SWEEP_FILE, mode=0o600, shared=True) as part:
        part.write_bytes(json.dumps(told, ensure_ascii=False, indent=1).encode())


def _mark(told: Mapping[str, Any]) -> str:
    """Return what only this user's gridgen can write under what is kept, empty where no secret can be had."""
    secret = salt()
    if secret is None:
        return ""
    meant = json.dumps({name: told[name] for name in sorted(told) if name != "mark"}, sort_keys=True)
    return hmac.new(secret.encode(), meant.encode(), "sha256").hexdigest()


def _is_own(told: Any) -> bool:
    """Whether this user wrote all of what is kept; another one's budget is no leave to spend this one's money."""
    if not isinstance(told, dict) or not isinstance(told.get("mark"), str) or not told["mark"]:
        return False
    return hmac.compare_digest(_mark(told).encode(), told["mark"].encode())


def load_sweep_json(folder: Path) -> SavedSweep:
    """Return what was last begun in a folder; from the journal's own notes where nothing was kept.

    Raises
    ------
    JournalError
        If the folder holds no sweep, or what was kept cannot be read.
    """
    path = folder / SWEEP_FILE
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        own = _is_own(told)
        grid = Grid.of(codes_of(recalled(told["grid"], folder), str(path), trusted=True, own=own))
        return {
            "grid": grid,
            "takes": counted_takes(told["takes"], len(grid)),
            "budget": None if told["budget"] is None else money(told["budget"]),
            "origin": str(told["origin"]),
            "own": own,
        }
    except FileNotFoundError:
        if not folder.exists():
            msg = f"{absent(folder, 'folder', NAME)}. Nothing was opened."
            raise JournalError(msg) from None
        return _from_journal(folder)
    except NotADirectoryError:
        msg = f"{os.fspath(folder)!r} is a file, not the folder of a sweep"
        raise JournalError(msg) from None
    except (GridError, OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        why = "; ".join(map(str, error.problems)) if isinstance(error, GridError) else error
        msg = (
            f"{os.fspath(path)!r} cannot be read ({why}). The clips are safe: move that file away, and the sweep is "
            "opened from the journal beside it."
        )
        raise JournalError(msg) from error


def _from_journal(folder: Path) -> SavedSweep:
    cells = read_cells(folder)
    if not cells:
        inside = sorted(each.parent.name for each in folder.glob(f"*/{NAME}"))
        within = f" The folder {inside[0]!r} in it does." if inside else ""
        msg = (
            f"{os.fspath(folder)!r} holds no sweep: nothing was ever submitted from it.{within} "
            "Write Sweep(grid, client=..., folder=...)."
        )
        raise JournalError(msg)
    records = read(folder)
    labels = sorted({name for fields in cells.values() for name in fields.get("labels", {})})
    grid = Grid.from_rows([_row(fields, folder) for fields in cells.values()], labels=labels, checks=False)
    origins = [record.origin for record in records.values()]
    return {
        "grid": grid,
        "takes": max((record.take for record in records.values()), default=1),
        "budget": None,
        "own": False,
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
