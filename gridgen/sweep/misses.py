"""Why a cell is not made yet, in a folder where much is made: the nearest clip, and in what it differs."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any

from gridgen.journal import read, read_cells
from gridgen.states import FACTS, NEW, State

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from gridgen.journal import Row

__all__ = ["explained", "nearest_made"]

_MOST_SHOWN = 60


def explained(row: Row, folder: Path, origin: str) -> str:
    """Say in words why a clip is there or not.

    Parameters
    ----------
    row : Row
    folder, origin
        As of the sweep.
    """
    if row.status == State.SKIPPED:
        return f"skipped: {row.error}"
    if row.status not in NEW:
        says = "this folder has it" if row.status == State.DONE else f"{FACTS[row.status].says} It is"
        return f"{row.status}: {says} under the key {row.cell.key[:8]}, take {row.take}"
    records = read(folder).values()
    made = {each.cell for each in records if each.origin == origin and each.state == State.DONE}
    if row.cell.key in made:
        return f"{row.status}: takes of this cell are made, and take {row.take} is not yet"
    near = nearest_made(row.cell.stated(), [told for key, told in read_cells(folder).items() if key in made])
    return f"{row.status}: no clip of this cell is made{f'; {near}' if near else ' in this folder'}"


def nearest_made(stated: Mapping[str, Any], made: Iterable[Mapping[str, Any]]) -> str:
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
