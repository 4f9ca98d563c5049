"""The journal: what was meant, sent and heard, in SQLite beside the videos.

It is the truth that a sweep is a view of. An intent, with the exact bytes, is
on the disk before its POST leaves; the task's id is on the disk before
anything else happens with it. One process writes, behind an operating-system
lock; others read.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import os
import queue
import sqlite3
import threading
import uuid
from dataclasses import dataclass, fields
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

from gridgen.errors import JournalError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from gridgen.clock import Clock
    from gridgen.grid import Cell

__all__ = ["LIVE", "STATES", "Journal", "Record", "Row", "read"]

STATES = (
    "skipped",
    "planned",
    "held",
    "sending",
    "unknown",
    "queued",
    "running",
    "stalled",
    "downloading",
    "done",
    "failed",
    "rejected",
    "expired",
    "missing",
    "lost",
)
"""Every status of a row, in the order of a cell's life."""

LIVE = frozenset({"sending", "queued", "running", "stalled", "downloading"})
"""States in which the engine has something to do or to wait for."""

_AT_RISK = LIVE | {"unknown", "lost"}

NAME = "journal.sqlite"
SCHEMA = 1

_TABLES = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
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

_MONEY = ("price", "cost")
_TIMES = ("submitted_at", "created_at", "completed_at", "expires_at")
_COUNTED_ONCE = 500


class Changes(TypedDict, total=False):
    """What may change of a `Record`, under the same names."""

    state: str
    price: Decimal | None
    cost: Decimal | None
    task_id: str | None
    progress: int | None
    submitted_at: float | None
    created_at: float | None
    completed_at: float | None
    url: str | None
    expires_at: float | None
    error_class: str | None
    error: str | None
    evidence: str | None
    path: str | None
    poster: str | None
    preview: str | None
    width: int | None
    height: int | None
    fps: float | None
    frames: int | None
    clip_seconds: float | None
    bytes: int | None
    sha256: str | None


@dataclass(slots=True)
class Record:
    """The latest attempt of one take of a cell, as the journal holds it.

    Money is in USD, times are Unix seconds, names are relative to the folder;
    ``before`` is what earlier attempts of the same take have cost or may cost.
    """

    id: int
    origin: str
    cell: str
    take: int
    n: int
    state: str
    idempotency_key: str
    body: bytes
    price: Decimal | None = None
    cost: Decimal | None = None
    task_id: str | None = None
    progress: int | None = None
    submitted_at: float | None = None
    created_at: float | None = None
    completed_at: float | None = None
    url: str | None = None
    expires_at: float | None = None
    error_class: str | None = None
    error: str | None = None
    evidence: str | None = None
    path: str | None = None
    poster: str | None = None
    preview: str | None = None
    width: int | None = None
    height: int | None = None
    fps: float | None = None
    frames: int | None = None
    clip_seconds: float | None = None
    bytes: int | None = None
    sha256: str | None = None
    before: Decimal = Decimal(0)

    @property
    def committed(self) -> Decimal:
        """What this attempt has cost or may cost, in USD.

        A finished one counts at its cost; one that runs, or whose outcome nobody
        knows, at the larger of its price and the cost that the server reports.
        """
        if self.state in {"rejected", "planned"}:
            return Decimal(0)
        cost = self.cost or Decimal(0)
        return max(cost, self.price or Decimal(0)) if self.state in _AT_RISK else cost

    @property
    def slot(self) -> tuple[str, str, int]:
        """What may have one live attempt at a time: origin, cell and take."""
        return (self.origin, self.cell, self.take)


@dataclass(frozen=True, slots=True)
class Row:
    """One cell and take, as the table, the wall and the board show it.

    Money is in USD, times are Unix seconds, names are relative to the sweep's
    folder. ``status`` is one of `STATES`.
    """

    index: int
    cell: Cell
    take: int
    status: str
    progress: int | None = None
    task_id: str | None = None
    submitted_at: float | None = None
    completed_at: float | None = None
    service_seconds: float | None = None
    price: Decimal | None = None
    cost: Decimal | None = None
    url: str | None = None
    expires_at: float | None = None
    error_class: str | None = None
    error: str | None = None
    path: str | None = None
    poster: str | None = None
    preview: str | None = None
    width: int | None = None
    height: int | None = None
    fps: float | None = None
    frames: int | None = None
    clip_seconds: float | None = None
    bytes: int | None = None
    sha256: str | None = None
    rating: int | None = None
    pick: bool | None = None
    tags: str | None = None
    note: str | None = None


_COLUMNS = tuple(field.name for field in fields(Record) if field.name != "before")
_SHARED = tuple(
    field.name for field in fields(Row) if field.name in _COLUMNS and field.name not in {"cell", "take"}
)


def row(index: int, cell: Cell, take: int, record: Record | None, *, planned: str = "planned") -> Row:
    """Return the row of a cell and take; without a record it is ``planned`` or ``held``."""
    if record is None:
        return Row(index, cell, take, planned, price=cell.price())
    seconds = None
    if record.created_at is not None and record.completed_at is not None:
        seconds = max(0.0, record.completed_at - record.created_at)
    status = planned if record.state == "planned" else record.state
    shown = {name: getattr(record, name) for name in _SHARED}
    return Row(index, cell, take, status, service_seconds=seconds, **shown)


def read(folder: Path) -> dict[tuple[str, str, int], Record]:
    """Return the latest attempt of every slot from a folder, without taking its lock.

    Raises
    ------
    JournalError
        If the file is no journal of a version that this gridgen reads.
    """
    path = folder / NAME
    if not path.exists():
        return {}
    with contextlib.closing(_connect(path, readonly=True)) as connection:
        _check(connection, path)
        return _load(connection)


class Journal:
    """The one writer of a folder's journal.

    Parameters
    ----------
    folder : Path
        Created, with mode 0700, when absent.
    clock : Clock
        Stamps the events.

    Attributes
    ----------
    records : dict
        The latest attempt of each slot; changed on the engine's loop only.

    Raises
    ------
    JournalError
        If another process writes the folder, or it cannot be written or read.
    """

    def __init__(self, folder: Path, clock: Clock) -> None:
        self.folder = folder
        self.clock = clock
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            msg = f"the folder {str(folder)!r} cannot be made: {error.strerror}. Nothing was sent."
            raise JournalError(msg) from error
        self._lock = _lock(folder)
        try:
            self._connection = _connect(folder / NAME)
            _prepare(self._connection, folder / NAME)
            self.store_id: str = self._connection.execute(
                "SELECT value FROM meta WHERE name = 'store_id'"
            ).fetchone()[0]
            self._settle_dead_owner()
            self.records = _load(self._connection)
            self._next_id = self._connection.execute(
                "SELECT coalesce(max(id), 0) + 1 FROM attempt"
            ).fetchone()[0]
        except BaseException:
            self._lock.close()
            raise
        self.claims: set[tuple[str, str, int]] = set()
        self.watchers: list[Callable[[Record | None], None]] = []
        self._queue: queue.SimpleQueue[_Write | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._write_all, name="gridgen-journal", daemon=True)
        self._thread.start()

    def _settle_dead_owner(self) -> None:
        """Nobody can know what became of what a dead process was sending."""
        with self._connection:
            self._connection.execute("BEGIN IMMEDIATE")
            dead = self._connection.execute("SELECT id FROM attempt WHERE state = 'sending'").fetchall()
            evidence = "the process ended while the request was on its way"
            for (attempt,) in dead:
                self._connection.execute(
                    "UPDATE attempt SET state = 'unknown', evidence = ?, error_class = 'unknown', error = ? WHERE id = ?",
                    (evidence, evidence, attempt),
                )
                self._connection.execute(*_event(attempt, self.clock, "unknown", evidence))

    def close(self) -> None:
        """Finish what was asked to be written, and give the lock back."""
        self._queue.put(None)
        self._thread.join()
        self._connection.close()
        self._lock.close()

    def prepare(self, *, origin: str, cell: Cell, take: int, body: bytes) -> Record:
        """Return the attempt that a submission of this take would be; nothing is written.

        An attempt that provably was not applied is taken up again with its own
        key and bytes; otherwise a new attempt begins.
        """
        slot = (origin, cell.key, take)
        last = self.records.get(slot)
        if last is not None and last.state == "planned":
            return last
        return self._new(slot, last, body)

    def _new(self, slot: tuple[str, str, int], last: Record | None, body: bytes) -> Record:
        n = 1 if last is None else last.n + 1
        self._next_id += 1
        key = _idempotency_key(self.store_id, slot, n)
        record = Record(self._next_id - 1, *slot, n, "planned", key, body)
        if last is not None:
            record.before = last.before + last.committed
        return record

    async def again(self, last: Record, *, ending: str | None = None) -> Record:
        """Plan a new attempt of a take whose last one has ended, or ends so now, in one transaction.

        Raises
        ------
        JournalError
            If it cannot be written.
        """
        statements: list[tuple[str, Sequence[Any]]] = []
        if ending is not None:
            statements.append(("UPDATE attempt SET state = ? WHERE id = ?", (ending, last.id)))
            statements.append(_event(last.id, self.clock, ending, None))
            last.state = ending
        record = self._new(last.slot, last, last.body)
        statements.append((_INSERT, [_stored(name, getattr(record, name)) for name in _COLUMNS]))
        statements.append(_event(record.id, self.clock, "planned", None))
        await self._write(statements, durable=True)
        self.records[record.slot] = record
        self._tell(record)
        return record

    async def intend(self, record: Record, cell: Cell, *, price: Decimal | None) -> None:
        """Commit, durably, that this attempt is about to leave.

        Raises
        ------
        JournalError
            If it cannot be written, or its slot has a live attempt already.
        """
        if self.records.get(record.slot) is record:
            await self.save(
                record, durable=True, state="sending", submitted_at=self.clock.time(), price=price
            )
            return
        record.state, record.submitted_at, record.price = "sending", self.clock.time(), price
        await self._insert(record, cell)

    async def _insert(self, record: Record, cell: Cell, detail: str | None = None) -> None:
        named = json.dumps(_fields(cell), sort_keys=True, ensure_ascii=False)
        await self._write(
            [
                ("INSERT OR IGNORE INTO cell VALUES (?, ?)", (cell.key, named)),
                (_INSERT, [_stored(name, getattr(record, name)) for name in _COLUMNS]),
                _event(record.id, self.clock, record.state, detail),
            ],
            durable=True,
        )
        self.records[record.slot] = record
        self._tell(record)

    async def adopt(self, *, origin: str, cell: Cell, take: int, task_id: str) -> None:
        """Take up a task that was submitted elsewhere as an attempt of this take.

        Raises
        ------
        JournalError
            If the take has a live attempt, or the task belongs to another one.
        """
        record = self.prepare(origin=origin, cell=cell, take=take, body=b"")
        now = self.clock.time()
        if self.records.get(record.slot) is record:
            await self.save(record, durable=True, state="queued", task_id=task_id, submitted_at=now)
            return
        record.state, record.task_id, record.submitted_at = "queued", task_id, now
        await self._insert(record, cell, "adopted")

    async def save(
        self, record: Record, *, durable: bool = False, detail: str | None = None, **changes: Unpack[Changes]
    ) -> None:
        """Write changes of a record and, once they are on the disk, apply them in memory."""
        sets = ", ".join(f"{name} = ?" for name in changes)
        values = [_stored(name, value) for name, value in changes.items()]
        statements: list[tuple[str, Sequence[Any]]] = [
            (f"UPDATE attempt SET {sets} WHERE id = ?", [*values, record.id])  # noqa: S608 - names are our own keywords
        ]
        if changes.get("state", record.state) != record.state:
            statements.append(_event(record.id, self.clock, changes.get("state", ""), detail))
        await self._write(statements, durable=durable)
        for name, value in changes.items():
            setattr(record, name, value)
        self._tell(record)

    def show(self, record: Record, **changes: Unpack[Changes]) -> None:
        """Apply changes in memory only: progress is seen, not kept."""
        for name, value in changes.items():
            setattr(record, name, value)
        self._tell(record)

    def release(self, slots: set[tuple[str, str, int]]) -> None:
        """Give claims back, and let whoever waits for these slots know."""
        self.claims -= slots
        self._tell(None)

    def _tell(self, record: Record | None) -> None:
        for watcher in tuple(self.watchers):
            watcher(record)

    async def _write(self, statements: list[tuple[str, Sequence[Any]]], *, durable: bool) -> None:
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()
        with self.clock.working():
            self._queue.put(_Write(statements, durable, loop, done))
            # what was handed over will be committed, so a cancelled caller still waits for it
            await _finished(done)

    def _write_all(self) -> None:
        """Commit what is queued, many writes in one transaction, until told to stop."""
        stopping = False
        while not stopping:
            batch = [self._queue.get()]
            while len(batch) < _COUNTED_ONCE and not self._queue.empty():
                batch.append(self._queue.get())
            stopping = None in batch
            writes = [write for write in batch if write is not None]
            if not writes:
                continue
            try:
                self._commit(writes)
            except sqlite3.Error:
                for write in writes:
                    self._commit_alone(write)
            else:
                for write in writes:
                    write.tell(None)

    def _commit(self, writes: list[_Write]) -> None:
        durable = any(write.durable for write in writes)
        self._connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
        with self._connection:
            self._connection.execute("BEGIN IMMEDIATE")
            for write in writes:
                for statement, values in write.statements:
                    self._connection.execute(statement, values)

    def _commit_alone(self, write: _Write) -> None:
        try:
            self._commit([write])
        except sqlite3.Error as error:
            write.tell(
                JournalError(
                    f"the journal in {str(self.folder)!r} cannot be written: {error}. Nothing more is sent."
                )
            )
        else:
            write.tell(None)


@dataclass(slots=True)
class _Write:
    statements: list[tuple[str, Sequence[Any]]]
    durable: bool
    loop: asyncio.AbstractEventLoop
    done: asyncio.Future[None]

    def tell(self, error: JournalError | None) -> None:
        self.loop.call_soon_threadsafe(self._settle, error)

    def _settle(self, error: JournalError | None) -> None:
        if error is None:
            self.done.set_result(None)
        else:
            self.done.set_exception(error)


async def _finished(done: asyncio.Future[None]) -> None:
    cancelled: asyncio.CancelledError | None = None
    while not done.done():
        try:
            await asyncio.shield(done)
        except asyncio.CancelledError as error:
            cancelled = error
    done.result()
    if cancelled is not None:
        raise cancelled


_INSERT = f"INSERT INTO attempt ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))})"  # noqa: S608 - our own names


def _event(attempt: int, clock: Clock, state: str, detail: str | None) -> tuple[str, Sequence[Any]]:
    statement = "INSERT INTO event (attempt, at, state, detail) VALUES (?, ?, ?, ?)"
    return statement, (attempt, round(clock.time() * 1000), state, detail)


def _fields(cell: Cell) -> dict[str, Any]:
    return {field.name: getattr(cell, field.name) for field in fields(cell)}


def _idempotency_key(store_id: str, slot: tuple[str, str, int], n: int) -> str:
    """Return 1 to 191 visible ASCII characters, the same for ever for one attempt."""
    meant = json.dumps([store_id, *slot, n], separators=(",", ":"))
    return f"gridgen-{hashlib.sha256(meant.encode()).hexdigest()[:48]}"


def _stored(name: str, value: Any) -> Any:
    if value is None:
        return None
    if name in _MONEY:
        return int((value * 1_000_000).to_integral_value())
    return round(value * 1000) if name in _TIMES else value


def _loaded(name: str, value: Any) -> Any:
    if value is None:
        return None
    if name in _MONEY:
        return (Decimal(value) / 1_000_000).normalize() + 0
    return value / 1000 if name in _TIMES else value


def _load(connection: sqlite3.Connection) -> dict[tuple[str, str, int], Record]:
    found: dict[tuple[str, str, int], Record] = {}
    columns = ", ".join(_COLUMNS)
    for values in connection.execute(f"SELECT {columns} FROM attempt ORDER BY n"):  # noqa: S608 - our own names
        record = Record(*(_loaded(name, value) for name, value in zip(_COLUMNS, values, strict=True)))
        last = found.get(record.slot)
        if last is not None:
            record.before = last.before + last.committed
        found[record.slot] = record
    return found


def _connect(path: Path, *, readonly: bool = False) -> sqlite3.Connection:
    try:
        if not readonly:
            os.close(os.open(path, os.O_CREAT | os.O_RDWR | getattr(os, "O_NOFOLLOW", 0), 0o600))
        address = f"{path.resolve().as_uri()}?mode={'ro' if readonly else 'rw'}"
        connection = sqlite3.connect(
            address, uri=True, timeout=5, isolation_level=None, check_same_thread=False
        )
        connection.execute("PRAGMA trusted_schema = OFF")
    except (OSError, sqlite3.Error) as error:
        msg = f"the journal {str(path)!r} cannot be opened: {error}. Nothing was sent."
        raise JournalError(msg) from error
    return connection


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        if connection.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,):
            connection.executescript(f"BEGIN; {_TABLES} COMMIT;")
            meta = [("schema", str(SCHEMA)), ("store_id", uuid.uuid4().hex)]
            connection.executemany("INSERT INTO meta VALUES (?, ?)", meta)
    except sqlite3.Error as error:
        msg = f"the journal {str(path)!r} cannot be used: {error}. Nothing was sent."
        raise JournalError(msg) from error
    _check(connection, path)


def _check(connection: sqlite3.Connection, path: Path) -> None:
    try:
        found = connection.execute("SELECT value FROM meta WHERE name = 'schema'").fetchone()
        broken = connection.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.Error as error:
        msg = f"{str(path)!r} is not a journal that gridgen wrote: {error}. Give another folder. Nothing was sent."
        raise JournalError(msg) from error
    if found != (str(SCHEMA),):
        version = found[0] if found else "unknown"
        msg = f"{str(path)!r} has schema {version}, this gridgen reads {SCHEMA}. Update gridgen. Nothing was sent."
        raise JournalError(msg)
    if broken != ("ok",):
        msg = f"{str(path)!r} is damaged: {broken[0]}. Restore it from a copy. Nothing was sent."
        raise JournalError(msg)


def _lock(folder: Path) -> Any:
    """Take the folder's lock for as long as the returned file is open."""
    path = folder / "journal.lock"
    try:
        descriptor = os.open(path, os.O_CREAT | os.O_RDWR | getattr(os, "O_NOFOLLOW", 0), 0o600)
    except OSError as error:
        msg = f"the folder {str(folder)!r} cannot be written: {error.strerror}. Nothing was sent."
        raise JournalError(msg) from error
    file = os.fdopen(descriptor, "r+", encoding="utf-8")
    try:
        _lock_file(file)
    except OSError as error:
        owner = file.read(200).strip() or "another process"
        file.close()
        msg = (
            f"{owner} is at work in {str(folder)!r}. Let it finish or stop it there; "
            "the table and the gallery can be read meanwhile. Nothing was sent."
        )
        raise JournalError(msg) from error
    file.truncate(0)
    file.write(f"process {os.getpid()}")
    file.flush()
    return file


def _lock_file(file: Any) -> None:
    try:
        import fcntl
    except ImportError:
        import msvcrt

        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
    else:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def spent(records: Iterable[Record]) -> Decimal:
    """Return what these takes have cost or may cost, over all their attempts, in USD."""
    return sum((record.committed + record.before for record in records), Decimal(0))
