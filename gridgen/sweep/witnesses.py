"""Other witnesses than the journal: clips named by key and take, ``sweep.csv``, and how far the journal was.

A journal that is missing, empty or older than the clips beside it would have them paid
again. What else lies in the folder is asked before anything is sent.
"""

from __future__ import annotations

import csv
import os
import re
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from gridgen.errors import GridError, JournalError
from gridgen.grid.rows_io import bare_text, csv_text, names_in
from gridgen.models.price import money
from gridgen.states import RETRIED, UNSENT, State
from gridgen.sweep.reopen import mark_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from decimal import Decimal
    from pathlib import Path

    from gridgen.journal import Changes, Record
    from gridgen.media import Facts
    from gridgen.sweep.plan import Plan
    from gridgen.sweep.work_queue import Job

__all__ = ["Witness", "check", "is_behind", "told", "unnoted"]

TABLE = "sweep.csv"

_CLIP = re.compile(r".*_([0-9a-f]{8})-(\d{1,9})(?:[-.].*)?\.(?:mp4|webm|mkv|mov)", re.DOTALL)
_CLIPLESS = UNSENT | RETRIED | {""}
"""What tells of no clip that was paid."""

_LARGEST = 100_000_000
"""Bytes of the largest table that is asked."""


@dataclass(frozen=True, slots=True)
class Witness:
    """What tells that a clip was paid of which the journal knows nothing.

    Attributes
    ----------
    job : Job
    path : str or None
        The file, by its name in the folder.
    task_id, cost : str and Decimal, optional
        As ``sweep.csv`` says.
    """

    job: Job
    path: str | None
    task_id: str | None = None
    cost: Decimal | None = None

    @property
    def named(self) -> str:
        """What tells of it, for a person."""
        if self.path is not None:
            return self.path
        task = f", task {self.task_id}" if self.task_id else ""
        return f"{TABLE}: {self.job.cell.prompt[:40]!r}, take {self.job.take}{task}"


def check(
    plan: Plan, records: Collection[Record], store: str, sequence: int, earlier: Collection[str]
) -> None:
    """See that the journal knows all that others know.

    Parameters
    ----------
    plan : Plan
    records : collection of Record
        All that the journal has.
    store : str
        Its id, empty where there is none.
    sequence : int
        The number of its last event.
    earlier : collection of str
        Tasks and files of attempts in whose place a later one stands.

    Raises
    ------
    JournalError
        If it does not, with the ways out.
    """
    its_store, _ = mark_of(plan.folder)
    behind = is_behind(plan.folder, store, sequence)
    found = unnoted(plan, records, () if behind else earlier)
    if not behind and not found:
        return
    what = "an older journal than what lies beside it" if records else "no journal, or an empty one"
    if records and behind and store != its_store:
        what = "another journal than the one in which its clips were noted"
    said = f"{len(found)} clips that lie or are listed there" if len(found) != 1 else "a clip of it"
    such = next((f" ({each.named})" for each in found), "")
    risk = f"so {said}{such} would be paid again" if found else "and what is not in it may be paid already"
    msg = (
        f"the folder {plan.name!r} has {what}, {risk}. Put the right journal.sqlite back; or restore it from a "
        "snapshot, sweep.restore('journal.jsonl'); or let sweep.restore() take in, as paid, what lies there; or give "
        "another folder. Nothing was sent."
    )
    raise JournalError(msg)


def is_behind(folder: Path, store: str, sequence: int) -> bool:
    """Whether another journal, or a later state of this one, was in use in the folder."""
    its_store, its_sequence = mark_of(folder)
    return its_sequence > 0 and (store != its_store or sequence < its_sequence)


def unnoted(plan: Plan, records: Collection[Record], earlier: Collection[str]) -> list[Witness]:
    """Return the clips of a plan that files or the table tell of, and the journal does not.

    A journal that is behind may not know that an attempt which it has planned has left: then what
    bears the name of an earlier one's file is taken for that attempt's, and `earlier` is empty.
    """
    paths = {*(record.path for record in records), *earlier}
    files = {clip: name for name, clip in _clips(plan.folder) if name not in paths}
    listed = _listed(plan, records, earlier)
    if not files and not listed:
        return []
    sent = {(each.cell, each.take) for each in records if each.state not in _CLIPLESS}
    found = []
    for job in plan.jobs:
        _, key, take = job.slot
        path, told = files.get((key[:8], take)), listed.get((key, take))
        if (key, take) not in sent and (path or told is not None):
            told = told or {}
            found.append(
                Witness(job, path, bare_text(told.get("task_id")) or None, _cost(told.get("cost") or ""))
            )
    return found


def told(witness: Witness, folder: Path, now: float) -> Changes:
    """Return what is to be noted of a clip: its file as it is measured, or the task that brings it again.

    A clip that has neither is noted as missing: it was paid, and is made again only when
    a person says so.
    """
    from gridgen import media

    found: Changes = {"task_id": witness.task_id, "cost": witness.cost, "submitted_at": now}
    if witness.path is not None:
        try:
            return found | _measured(media.probe(folder / witness.path), folder, witness.path)
        except (media.MediaError, OSError) as error:
            why = f"its file cannot be used: {error}"
    else:
        why = "it is listed in sweep.csv and its file is gone"
    if witness.task_id is not None:
        return found | {"state": State.QUEUED}
    return found | {"state": State.MISSING, "error_class": "download", "error": f"{why}; it was paid"[:500]}


def _measured(facts: Facts, folder: Path, name: str) -> Changes:
    stem = PurePosixPath(name).stem
    pictures = {"poster": f"posters/{stem}.webp", "preview": f"previews/{stem}.mp4"}
    there = {what: path if is_own_file(folder, path) else None for what, path in pictures.items()}
    return {
        "state": State.DONE,
        "path": name,
        "poster": there["poster"],
        "preview": there["preview"],
        "width": facts.width,
        "height": facts.height,
        "fps": facts.fps,
        "frames": facts.frames,
        "clip_seconds": facts.seconds,
        "bytes": facts.bytes,
        "sha256": facts.sha256,
    }


def is_own_file(folder: Path, name: str) -> bool:
    """Whether a file lies in the folder itself, reached through no link."""
    path = folder / name
    return path.is_file() and path.resolve().is_relative_to(folder.resolve())


def _clips(folder: Path) -> Iterator[tuple[str, tuple[str, int]]]:
    """Yield the names of files that are called as clips are, each with the begin of its key, and its take."""
    try:
        with os.scandir(folder) as entries:
            names = sorted(entry.name for entry in entries if entry.is_file(follow_symlinks=False))
    except OSError:
        return
    for name in reversed(names):
        clip = _clip(name)
        if clip is not None:
            yield name, clip


def _clip(name: str) -> tuple[str, int] | None:
    named = _CLIP.fullmatch(name)
    return None if named is None else (named[1], int(named[2]))


def _listed(
    plan: Plan, records: Collection[Record], earlier: Collection[str]
) -> dict[tuple[str, int], Mapping[str, str]]:
    """Return what the table says of clips that were sent, by cell and take, where the journal has neither file nor task."""
    rows = _rows(plan.folder / TABLE)
    # as they stand in a table, where an id may be kept from being a formula
    known = {csv_text(each) for record in records for each in (record.path, record.task_id)}
    known.update(map(csv_text, earlier))
    left = {(each.cell, each.take) for each in records if each.tries or each.n > 1}
    foreign = [
        row
        for row in rows
        if row.get("status", "") not in _CLIPLESS
        and not any(row.get(name) and row[name] in known for name in ("path", "task_id"))
    ]
    if not foreign:
        return {}
    names = list(foreign[0])[: list(foreign[0]).index("take")]
    by_fields = {(*(row[name] for name in names), row["take"]): row for row in foreign}
    by_clip = {clip: row for row in foreign if (clip := _clip(row.get("path") or "")) is not None}
    found: dict[tuple[str, int], Mapping[str, str]] = {}
    for job in plan.jobs:
        _, key, take = job.slot
        row = by_clip.get((key[:8], take))
        if row is None:
            row = by_fields.get((*(csv_text(job.cell.get(name)) for name in names), str(take)))
        # without file and task it tells only that one left, which the journal may know, and how it ended since
        if row is not None and (row.get("path") or row.get("task_id") or (key, take) not in left):
            found[key, take] = row
    return found


def _rows(path: Path) -> list[dict[str, str]]:
    """Return the rows of a sweep's table, none where there is none that gridgen could have written."""
    try:
        if path.is_symlink() or path.stat().st_size > _LARGEST:
            return []
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            reader.fieldnames = names_in(reader.fieldnames or ())
            rows = list(reader)
    except (OSError, ValueError, csv.Error):
        return []
    wanted = {"take", "status", "path"}
    return [row for row in rows if None not in row and wanted <= set(row) and None not in row.values()]


def _cost(text: str) -> Decimal | None:
    try:
        return money(text) if text else None
    except GridError:
        return None
