"""Why a clip is not there: what became of it, or the nearest that is made and in what that differs."""

from __future__ import annotations

import difflib
from functools import cached_property
from typing import TYPE_CHECKING, Any

from gridgen.journal import read, read_cells
from gridgen.states import ASKED_AGAIN, FACTS, NEW, RETRIED, RETRIED_BY_NAME, State

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from gridgen.journal import Row

__all__ = ["explain", "nearest", "why_missing"]

_MOST_SHOWN = 60


def explain(rows: Iterable[Row], folder: Path, origin: str) -> list[str]:
    """Say in words of each row why its clip is there or not.

    Parameters
    ----------
    rows : iterable of Row
    folder, origin
        As of the sweep.
    """
    made = _Made(folder, origin)
    return [f"{row.status}: {_said(row, folder, made)}" for row in rows]


class _Made:
    """The cells that have a finished clip in a folder, read when they are first asked for."""

    def __init__(self, folder: Path, origin: str) -> None:
        self._folder, self._origin = folder, origin

    @cached_property
    def keys(self) -> set[str]:
        return {
            record.cell
            for record in read(self._folder).values()
            if record.origin == self._origin and record.state == State.DONE
        }

    @cached_property
    def cells(self) -> list[Mapping[str, Any]]:
        return [told for key, told in read_cells(self._folder).items() if key in self.keys]


def _said(row: Row, folder: Path, made: _Made) -> str:
    if row.status == State.SKIPPED:
        return str(row.error)
    if row.status == State.DONE:
        return _of_done(row, folder)
    if row.status not in NEW:
        error = f" ({row.error})" if row.error else ""
        remedy = "" if row.status == State.MISSING else _remedy(row.status)
        return f"{FACTS[row.status].says}{error}{remedy}"
    if row.cell.filed_as in made.keys:
        return f"takes of this cell are made, and take {row.take} is not yet"
    near = nearest(row.cell.stated(), made.cells)
    return f"no clip of this cell is made{f'; {near}' if near else ' in this folder'}"


def why_missing(row: Row, origin: str) -> str:
    """Say why a clip is missing, and what a person can do about it, where its row is seen.

    Parameters
    ----------
    row : Row
        As the journal has it.
    origin : str
        Where it was made.
    """
    if origin == "simulator" and row.error_class == "missing":
        return (
            "the simulator that had this clip is gone with its process, and nothing of it was kept in this folder; "
            f"retry(where={str(row.status)!r}) makes it again, $0"
        )
    return f"{(row.error or 'nobody said why').rstrip('.')}.{_remedy(row.status)}"


def _remedy(status: str) -> str:
    """Say what a person can do about a clip that is not there."""
    if status == State.UNKNOWN:
        return " Settle it with sweep.unknown."
    asked = " run() asks for it again;" if status in ASKED_AGAIN & RETRIED_BY_NAME else ""
    if status in RETRIED_BY_NAME:
        return f"{asked} retry(where={str(status)!r}) makes it, and pays for it, again."
    return " retry() submits it again." if status in RETRIED else ""


def _of_done(row: Row, folder: Path) -> str:
    if row.path is None or not (folder / row.path).is_file():
        return f"it was made, but its file {row.path!r} is no longer in this folder; run() downloads it again while it can be had"
    return f"this folder has it under the key {row.cell.filed_as[:8]}, take {row.take}"


def nearest(stated: Mapping[str, Any], made: Iterable[Mapping[str, Any]]) -> str:
    """Say which of the cells that are made is most like one that is not, and in what they differ.

    Parameters
    ----------
    stated : mapping
        The fields of the cell.
    made : iterable of mapping
        The fields of each cell that is made.

    Returns
    -------
    str
        Empty where nothing is made.
    """
    found = [(differences(stated, other), other) for other in made]
    if not found:
        return ""
    names, other = min(found, key=lambda each: (len(each[0]), -_likeness(stated, each[1])))
    parts = [f"{name} {_shown(stated.get(name))}, there {_shown(other.get(name))}" for name in names]
    return f"the nearest that is made differs in {'; '.join(parts)}"


def differences(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """Return the fields in which two cells differ."""
    names = dict.fromkeys([*one, *other])
    return [name for name in names if name != "labels" and _plain(one.get(name)) != _plain(other.get(name))]


def _plain(value: Any) -> Any:
    return [_plain(each) for each in value] if isinstance(value, (list, tuple)) else value


def _likeness(one: Mapping[str, Any], other: Mapping[str, Any]) -> float:
    return difflib.SequenceMatcher(None, str(one.get("prompt")), str(other.get("prompt"))).quick_ratio()


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}…"
