"""The journal's tables, and how a file of an older gridgen becomes one of this.

`MIGRATIONS` holds one script per version. A new journal runs them all, an
older one those it lacks, so both end with the same tables, to the letter; what
else a file holds is foreign, and is not trusted. To change the tables, append a
script; never edit one that was released.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import sqlite3
from typing import TYPE_CHECKING

from gridgen.atomic import write_atomically
from gridgen.errors import JournalError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = [
    "MIGRATIONS",
    "SCHEMA",
    "check_tables",
    "found",
    "is_empty",
    "make",
    "migrate",
    "readable",
    "tables",
]

_META = "CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT"

_FIRST = f"""
{_META};
CREATE TABLE cell (key TEXT PRIMARY KEY, fields TEXT NOT NULL) STRICT;
CREATE TABLE attempt (
    id INTEGER PRIMARY KEY,
    origin TEXT NOT NULL,
    cell TEXT NOT NULL REFERENCES cell(key),
    take INTEGER NOT NULL,
    n INTEGER NOT NULL,
    state TEXT NOT NULL,
    idempotency_key TEXT NOT NULL UNIQUE,
    body BLOB NOT NULL,
    price INTEGER,
    cost INTEGER,
    task_id TEXT,
    progress INTEGER,
    submitted_at INTEGER,
    created_at INTEGER,
    completed_at INTEGER,
    url TEXT,
    expires_at INTEGER,
    error_class TEXT,
    error TEXT,
    evidence TEXT,
    path TEXT,
    poster TEXT,
    preview TEXT,
    width INTEGER,
    height INTEGER,
    fps REAL,
    frames INTEGER,
    clip_seconds REAL,
    bytes INTEGER,
    sha256 TEXT,
    UNIQUE (origin, cell, take, n)
) STRICT;
CREATE UNIQUE INDEX one_live ON attempt (origin, cell, take) WHERE state NOT IN ('rejected', 'failed', 'lost');
CREATE UNIQUE INDEX one_task ON attempt (origin, task_id) WHERE task_id IS NOT NULL;
CREATE UNIQUE INDEX one_file ON attempt (path) WHERE path IS NOT NULL;
CREATE TABLE event (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    attempt INTEGER NOT NULL REFERENCES attempt(id),
    at INTEGER NOT NULL,
    state TEXT NOT NULL,
    detail TEXT
) STRICT;
"""

_IDENTITY = "INSERT INTO meta VALUES ('schema', ''), ('store_id', lower(hex(randomblob(16))));"

_EVIDENCE_AND_INVARIANTS = """
ALTER TABLE attempt ADD COLUMN body_sha256 TEXT;
ALTER TABLE attempt ADD COLUMN tries INTEGER NOT NULL DEFAULT 0;
ALTER TABLE attempt ADD COLUMN sent_monotonic REAL;
ALTER TABLE attempt ADD COLUMN boot TEXT;
ALTER TABLE attempt ADD COLUMN host TEXT;
ALTER TABLE attempt ADD COLUMN key_print TEXT;
ALTER TABLE attempt ADD COLUMN trace_event TEXT;
ALTER TABLE attempt ADD COLUMN http_status INTEGER;
ALTER TABLE attempt ADD COLUMN request_id TEXT;
ALTER TABLE attempt ADD COLUMN reply BLOB;
UPDATE attempt SET body_sha256 = sha256(body), tries = submitted_at IS NOT NULL;
INSERT INTO meta VALUES ('salt', lower(hex(randomblob(16))));
CREATE TRIGGER terminal_stays BEFORE UPDATE OF state ON attempt
WHEN NEW.state <> OLD.state AND (
    OLD.state IN ('failed', 'rejected', 'lost')
    OR OLD.state = 'done' AND NEW.state NOT IN ('downloading', 'expired', 'missing')
)
BEGIN SELECT RAISE(ABORT, 'a terminal state never changes'); END;
CREATE TRIGGER task_stays BEFORE UPDATE OF task_id ON attempt
WHEN OLD.task_id IS NOT NULL AND NEW.task_id IS NOT OLD.task_id
BEGIN SELECT RAISE(ABORT, 'the task of an attempt never changes'); END;
CREATE TRIGGER identity_stays BEFORE UPDATE OF origin, cell, take, n, idempotency_key, body, body_sha256 ON attempt
BEGIN SELECT RAISE(ABORT, 'what an attempt sends never changes'); END;
CREATE TRIGGER attempts_stay BEFORE DELETE ON attempt
BEGIN SELECT RAISE(ABORT, 'an attempt is never forgotten'); END;
CREATE TRIGGER events_stay BEFORE DELETE ON event
BEGIN SELECT RAISE(ABORT, 'an event is never forgotten'); END;
CREATE TRIGGER events_never_change BEFORE UPDATE ON event
BEGIN SELECT RAISE(ABORT, 'an event never changes'); END;
"""

_REPLAYS = "ALTER TABLE attempt ADD COLUMN replays INTEGER NOT NULL DEFAULT 0;"

_UPLOADS = """
CREATE TABLE upload (
    id INTEGER PRIMARY KEY,
    origin TEXT NOT NULL,
    image TEXT NOT NULL,
    at INTEGER NOT NULL,
    url TEXT,
    expires_at INTEGER,
    error TEXT
) STRICT;
CREATE INDEX upload_of_image ON upload (origin, image);
"""

_FURTHER_RESULTS = """
ALTER TABLE attempt ADD COLUMN last_frame TEXT;
ALTER TABLE attempt ADD COLUMN further TEXT;
ALTER TABLE attempt ADD COLUMN mtime INTEGER;
"""

MIGRATIONS = (_FIRST, _EVIDENCE_AND_INVARIANTS, _REPLAYS, _UPLOADS, _FURTHER_RESULTS)
"""What leads from each version to the next, the first one from nothing.

Scripts may call ``sha256(blob)``, which gives hexadecimal text.
"""

SCHEMA = len(MIGRATIONS)
"""The version that this gridgen writes."""

_Object = tuple[str, str, str, str]


def found(connection: sqlite3.Connection, path: Path) -> int:
    """Return the version of a journal that is whole and all gridgen's own, 0 for an empty file.

    Raises
    ------
    JournalError
        If it is none of gridgen's, of a newer gridgen, or damaged.
    """
    with readable(path):
        if is_empty(connection):
            return 0
        number = check_tables(connection, path)
        broken = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if broken != "ok":
        raise _damaged(path, broken)
    return number


def is_empty(connection: sqlite3.Connection) -> bool:
    """Return whether nothing was ever made in a file; its process may have died right after it began."""
    return bool(connection.execute("SELECT count(*) = 0 FROM sqlite_master").fetchone()[0])


def check_tables(connection: sqlite3.Connection, path: Path) -> int:
    """Return the version of a journal that holds what gridgen put there and nothing else.

    Raises
    ------
    JournalError
        If it is none of gridgen's, or of a newer gridgen.
    """
    with readable(path):
        objects = _objects(connection)
        number = _version(connection, path) if any(_META in each for each in objects) else 0
    if number < 1:
        raise _foreign(path, "it names no version")
    for kind, name, *_ in sorted(objects ^ _expected(number)):
        msg = (
            f"{str(path)!r} is not as gridgen made it: {kind} {name[:80]!r} is not what version {number} has. "
            "Give another folder. Nothing was sent."
        )
        raise JournalError(msg)
    return number


def migrate(connection: sqlite3.Connection, path: Path, number: int) -> None:
    """Make the tables in an empty file, or bring those of an older version up to date.

    A copy of an older one is kept beside it, such as ``journal.schema1.sqlite``.

    Raises
    ------
    JournalError
        If it cannot be done; the file is as it was.
    """
    if number == SCHEMA:
        return
    try:
        if number:
            _copy(connection, path.with_name(f"{path.stem}.schema{number}{path.suffix}"))
        _run(connection, number, SCHEMA)
    except (OSError, sqlite3.Error) as error:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        what = "brought up to date" if number else "made"
        msg = f"the journal {str(path)!r} cannot be {what}: {error}. It is as it was. Nothing was sent."
        raise JournalError(msg) from error


def make(connection: sqlite3.Connection, number: int) -> None:
    """Make the tables of a version in an empty file."""
    _run(connection, 0, number)


def tables(connection: sqlite3.Connection) -> dict[str, tuple[str, ...]]:
    """Return the columns of each table."""
    names = sorted(name for kind, name, *_ in _objects(connection) if kind == "table")
    return {
        name: tuple(column for _, column, *_ in connection.execute(f"PRAGMA table_info({name})"))
        for name in names
    }


def _version(connection: sqlite3.Connection, path: Path) -> int:
    told = connection.execute("SELECT value FROM meta WHERE name = 'schema'").fetchone()
    number = int(told[0]) if told and told[0].isdecimal() else 0
    if number > SCHEMA:
        msg = (
            f"{str(path)!r} has schema {number}, a newer gridgen's; this one reads up to {SCHEMA}. "
            "Update gridgen (pip install --upgrade gridgen). Nothing was sent."
        )
        raise JournalError(msg)
    return number


@contextlib.contextmanager
def readable(path: Path) -> Iterator[None]:
    """Tell a damaged file and a foreign one from one that cannot be read just now."""
    try:
        yield
    except sqlite3.OperationalError:
        raise
    except sqlite3.Error as error:
        corrupt = error.sqlite_errorcode == sqlite3.SQLITE_CORRUPT
        raise (_damaged if corrupt else _foreign)(path, error) from error


def _foreign(path: Path, why: object) -> JournalError:
    return JournalError(
        f"{str(path)!r} is not a journal that gridgen wrote: {why}. Give another folder. Nothing was sent."
    )


def _damaged(path: Path, why: object) -> JournalError:
    return JournalError(f"{str(path)!r} is damaged: {why}. Restore it from a copy. Nothing was sent.")


def _run(connection: sqlite3.Connection, number: int, upto: int) -> None:
    """Run the scripts that lead from one version to another, in one transaction."""
    connection.create_function("sha256", 1, _sha256, deterministic=True)
    scripts = list(MIGRATIONS[number:upto])
    if not number:
        scripts.insert(1, _IDENTITY)
    scripts.append(f"UPDATE meta SET value = '{upto}' WHERE name = 'schema';")  # noqa: S608 - a number
    connection.executescript(f"BEGIN IMMEDIATE; {''.join(scripts)} COMMIT;")


def _copy(connection: sqlite3.Connection, target: Path) -> None:
    with write_atomically(target, mode=0o600) as part, contextlib.closing(sqlite3.connect(part)) as copy:
        connection.backup(copy)


def _sha256(blob: bytes) -> str:
    return hashlib.sha256(blob).hexdigest()


def _objects(connection: sqlite3.Connection) -> frozenset[_Object]:
    asked = "SELECT type, name, tbl_name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
    found = connection.execute(asked).fetchall()
    return frozenset((kind, name, table, " ".join(sql.split())) for kind, name, table, sql in found)


@functools.cache
def _expected(number: int) -> frozenset[_Object]:
    """Return the tables, indexes and triggers of a version, as SQLite words them."""
    with contextlib.closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        make(connection, number)
        return _objects(connection)
