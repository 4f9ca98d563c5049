"""Journals that are lost or old, and what else in a folder tells of its clips, read without gridgen."""

from __future__ import annotations

import contextlib
import csv
import json
import re
import shutil
import sqlite3
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

__all__ = ["Known", "copied", "known", "listed", "lose", "marked", "put_back"]

NAME = "journal.sqlite"
_CLIP = re.compile(r".*_([0-9a-f]{8})-1(?:[-.].*)?[.]mp4")
TELLS_OF_NONE = {"", "skipped", "planned", "held", "failed", "rejected"}
"""What the table says of a row for which nothing was paid, or nothing that a new attempt would pay twice."""


class Known(NamedTuple):
    """What a journal knows: its id, how far it is, the tasks, and the begin of the keys of cells that were sent."""

    store: str
    sequence: int
    tasks: frozenset[str]
    cells: frozenset[str]


NOTHING = Known("", 0, frozenset(), frozenset())


def known(folder: Path) -> Known:
    """Return what the journal in a folder knows."""
    path = folder / NAME
    if not path.exists() or not path.stat().st_size:
        return NOTHING
    with contextlib.closing(sqlite3.connect(path)) as asked:
        (store,) = asked.execute("SELECT value FROM meta WHERE name = 'store_id'").fetchone()
        (sequence,) = asked.execute("SELECT coalesce(max(seq), 0) FROM event").fetchone()
        tasks = asked.execute("SELECT task_id FROM attempt WHERE task_id IS NOT NULL").fetchall()
        cells = asked.execute(
            "SELECT cell FROM attempt a WHERE state <> 'planned' "
            "AND n = (SELECT max(n) FROM attempt b WHERE b.cell = a.cell)"
        ).fetchall()
    return Known(
        store, sequence, frozenset(task for (task,) in tasks), frozenset(cell[:8] for (cell,) in cells)
    )


def marked(folder: Path) -> tuple[str, int]:
    """Return which journal ``sweep.json`` says was there, and how far."""
    path = folder / "sweep.json"
    if not path.exists():
        return "", 0
    told = json.loads(path.read_text("utf-8"))
    return told["store"], told["sequence"]


def listed(folder: Path) -> dict[str, str]:
    """Return the begin of the key of each cell that a clip or the table tells to be paid, with what tells it."""
    found: dict[str, str] = {}
    table = folder / "sweep.csv"
    if table.exists():
        with table.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                if row["status"] not in TELLS_OF_NONE:
                    found[row["cell"][:8]] = row["status"]
    for path in folder.glob("*.mp4"):
        if named := _CLIP.fullmatch(path.name):
            found[named[1]] = "clip"
    return found


def copied(folder: Path, to: Path) -> None:
    """Keep a copy of a journal that nobody writes."""
    with contextlib.suppress(FileNotFoundError):
        shutil.copy(folder / NAME, to)


def lose(folder: Path, how: str, older: Path) -> None:
    """Lose the journal: it is missing, empty, or an older one lies in its place."""
    _remove(folder)
    if how == "empty":
        (folder / NAME).touch()
    elif how == "older":
        shutil.copy(older, folder / NAME)


def put_back(folder: Path, right: Path) -> None:
    """Put the right journal back."""
    _remove(folder)
    shutil.copy(right, folder / NAME)


def _remove(folder: Path, endings: Collection[str] = ("", "-wal", "-shm", "-journal")) -> None:
    for ending in endings:
        (folder / f"{NAME}{ending}").unlink(missing_ok=True)
