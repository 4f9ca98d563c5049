"""A journal as a text file to take away, one JSON object a line, and back again.

The first line tells what it is; each other one is a row of a table. No key is
in it; prompts and result links are.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import json
import sqlite3
from typing import TYPE_CHECKING, Any

from gridgen.atomic import write_atomically
from gridgen.errors import JournalError
from gridgen.journal import schema
from gridgen.journal.lease import Lease
from gridgen.journal.record import is_inside
from gridgen.journal.store import NAME, connect, is_begun

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

__all__ = ["restore", "snapshot"]

_KIND = "gridgen journal"
_LONGEST = 64 * 2**20
"""Bytes of the longest line that is read."""


def snapshot(folder: Path, target: Path) -> Path:
    """Write what a folder's journal holds at this moment, also while a process is at work in it.

    Raises
    ------
    JournalError
        If there is no journal, or it cannot be read.
    """
    path = folder / NAME
    if not path.exists():
        msg = f"there is no journal in {str(folder)!r} yet; it begins with the first run"
        raise JournalError(msg)
    with (
        contextlib.closing(connect(path, readonly=True)) as connection,
        write_atomically(target, mode=0o600) as part,
        part.open("w", encoding="utf-8") as file,
    ):
        connection.execute("BEGIN")
        number = schema.check_tables(connection, path)
        for line in _lines(connection, number):
            json.dump(line, file, ensure_ascii=False, separators=(",", ":"))
            file.write("\n")
    return target


def restore(source: Path, folder: Path) -> None:
    """Make a folder's journal from a snapshot; the clips are downloaded again where their links live.

    Idempotency keys come out as they would have, so what was submitted after the
    snapshot is not a new submission to a server that honours them.

    Raises
    ------
    JournalError
        If the folder has a journal already that the snapshot does not go on from, or
        the file is no snapshot of a version that this gridgen reads. The folder is as
        it was.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / NAME
    part = path.with_name(f"{NAME}.part")
    lease = Lease(folder, network=False)
    try:
        part.unlink(missing_ok=True)
        with contextlib.closing(connect(part)) as connection:
            _fill(connection, source)
        _make_way(path, part)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
        lease.release()


def _make_way(path: Path, part: Path) -> None:
    """Let a journal be replaced by one that tells the same and more, and no other."""
    if is_begun(path.parent) and not _goes_on(path, part):
        msg = (
            f"{str(path.parent)!r} has a journal already, and the snapshot does not go on from it. Restore into another "
            "folder; nothing was changed."
        )
        raise JournalError(msg)
    for name in (f"{NAME}-wal", f"{NAME}-shm"):
        path.with_name(name).unlink(missing_ok=True)


def _goes_on(path: Path, part: Path) -> bool:
    """Whether one journal begins with all events of another: they are only ever appended."""
    with (
        contextlib.closing(connect(path)) as old,
        contextlib.closing(connect(part, readonly=True)) as new,
        schema.readable(path),
    ):
        if schema.is_empty(old):
            return True
        schema.check_tables(old, path)
        events = "SELECT seq, attempt, at, state FROM event"
        last = old.execute(f"{events} ORDER BY seq DESC LIMIT 1").fetchone()
        if last is None:
            return True
        same = new.execute(f"{events} WHERE seq = ?", last[:1]).fetchone() == last
        (further,) = new.execute("SELECT max(seq) FROM event").fetchone()
        stores = {
            each.execute("SELECT value FROM meta WHERE name = 'store_id'").fetchone() for each in (old, new)
        }
        if not same or len(stores) > 1 or further <= last[0]:
            return False
        # what its log still holds goes into the file, so that none is left beside the new one
        old.execute("PRAGMA journal_mode = DELETE")
        return True


def _lines(connection: sqlite3.Connection, number: int) -> Iterator[dict[str, Any]]:
    yield {"kind": _KIND, "schema": number}
    for table, columns in schema.tables(connection).items():
        asked = f"SELECT {', '.join(columns)} FROM {table}"  # noqa: S608 - names of our own schema
        for values in connection.execute(asked):
            row = {name: _text(value) for name, value in zip(columns, values, strict=True)}
            yield {"table": table, "row": {name: value for name, value in row.items() if value is not None}}


def _text(value: Any) -> Any:
    return {"base64": base64.b64encode(value).decode()} if isinstance(value, bytes) else value


def _value(told: Any) -> Any:
    return base64.b64decode(told["base64"], validate=True) if isinstance(told, dict) else told


def _fill(connection: sqlite3.Connection, source: Path) -> None:
    try:
        with source.open(encoding="utf-8") as file:
            lines = _parsed(file)
            head = next(lines, None)
            schema.make(connection, _version(source, head))
            _insert(connection, lines)
        schema.check_tables(connection, source)
    except (
        OSError,
        ValueError,
        TypeError,
        LookupError,
        AttributeError,
        OverflowError,
        RecursionError,
        sqlite3.Error,
        binascii.Error,
    ) as error:
        msg = f"{str(source)!r} is not a whole snapshot of a journal: {error}. Nothing was restored."
        raise JournalError(msg) from error


def _version(source: Path, head: Any) -> int:
    number = head.get("schema") if isinstance(head, dict) and head.get("kind") == _KIND else None
    if not isinstance(number, int) or number < 1:
        msg = f"{str(source)!r} is no snapshot of a journal. Nothing was restored."
        raise JournalError(msg)
    if number > schema.SCHEMA:
        msg = (
            f"{str(source)!r} was taken by a newer gridgen (schema {number}; this one reads up to {schema.SCHEMA}). "
            "Update gridgen (pip install --upgrade gridgen). Nothing was restored."
        )
        raise JournalError(msg)
    return number


def _parsed(file: Any) -> Iterator[dict[str, Any]]:
    while line := file.readline(_LONGEST):
        yield json.loads(line)


def _check_names(row: Mapping[str, Any]) -> None:
    """Refuse files outside of the folder that the journal will be in."""
    for name in ("path", "poster", "preview", "last_frame"):
        if row.get(name) is not None and not is_inside(row[name]):
            msg = f"{str(row[name])[:80]!r} is not the name of a file in the sweep's folder"
            raise ValueError(msg)


def _insert(connection: sqlite3.Connection, lines: Iterable[dict[str, Any]]) -> None:
    known = schema.tables(connection)
    with connection:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("DELETE FROM meta")
        for line in lines:
            table, row = line["table"], line["row"]
            if table == "upload":
                # a link of somebody else's may be of another picture; uploading anew costs nothing
                continue
            _check_names(row)
            names = [name for name in known[table] if name in row]
            if len(names) != len(row):
                msg = f"table {table} has no column {min(set(row) - set(names))[:80]!r}"
                raise LookupError(msg)
            connection.execute(
                f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})",  # noqa: S608 - names of our own schema
                [_value(row[name]) for name in names],
            )
