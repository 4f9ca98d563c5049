"""The journal of a folder: one process writes it, others read."""

from __future__ import annotations

import contextlib
import gc
import hashlib
import json
import logging
import os
import sqlite3
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from gridgen._loop import Shared
from gridgen.clock import Clock
from gridgen.errors import JournalError
from gridgen.journal import schema, storage
from gridgen.journal.lease import Lease, abandoned
from gridgen.journal.record import (
    COLUMNS,
    WHILE_SENDABLE,
    Changes,
    Record,
    Sender,
    changed,
    clean,
    loaded,
    selected,
    stage,
    stored,
)
from gridgen.journal.uploads import Upload, begin, end, load_uploads
from gridgen.journal.writer import Statement, Writer
from gridgen.money import ClipKey, Stage, later_cost
from gridgen.states import FINAL, SENDABLE, STRANDED, SYNCED, VACANT, State, is_step

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from decimal import Decimal
    from pathlib import Path
    from typing import Unpack

    from gridgen.grid import Cell

__all__ = ["NAME", "Journal", "connect", "filed_under", "is_begun", "read", "read_uploads", "store_id"]

NAME = "journal.sqlite"

_Key = TypeVar("_Key")
_Kept = TypeVar("_Kept")

_log = logging.getLogger("gridgen")

_ENDED = "the process ended while the request was on its way"

_MIRRORED = "#"
"""What stands in no key of ours, and in what another machine's attempt is filed under."""

_LARGEST = 64 * 2**20
"""Bytes of the longest text or blob that is read; foreign files may hold anything."""


def read(folder: Path) -> dict[ClipKey, Record]:
    """Return the latest attempt of every slot from a folder, without taking its lock.

    What a process was sending that is dead by now is unknown, as the next writer will note.

    Raises
    ------
    JournalError
        If the file is no journal of a version that this gridgen reads.
    """
    found = _read(folder, _load, lambda journal: journal.records)
    sending = [record for record in found.values() if record.state == State.SENDING]
    if sending and abandoned(folder):
        for record in sending:
            record.state, record.error_class = State.UNKNOWN, "unknown"
            record.evidence = record.error = _ENDED
    return found


def is_begun(folder: Path) -> bool:
    """Whether a folder has a journal with anything in its file."""
    try:
        return (folder / NAME).stat().st_size > 0
    except OSError:
        return False


def read_uploads(folder: Path) -> dict[tuple[str, str], Upload]:
    """Return the latest upload of each picture that got a link, by origin and picture; raises as `read`."""
    return _read(folder, load_uploads, lambda journal: journal.uploads)


def read_cells(folder: Path) -> dict[str, dict[str, Any]]:
    """Return the fields of every cell that was ever submitted, by its key; raises as `read`."""
    return _read(folder, _load_cells, lambda journal: journal.cells())


def _read(
    folder: Path,
    load: Callable[[sqlite3.Connection], dict[_Key, _Kept]],
    held: Callable[[Journal], dict[_Key, _Kept]],
) -> dict[_Key, _Kept]:
    path = folder / NAME
    if not path.exists():
        return {}
    try:
        with contextlib.closing(connect(path, readonly=True)) as connection, schema.readable(path):
            if schema.is_empty(connection):
                return {}
            schema.check_tables(connection, path)
            return load(connection)
    except sqlite3.OperationalError:
        # a writer that died in mid-commit left changes that only a writer may take back
        with contextlib.closing(Journal(folder, Clock())) as journal:
            return held(journal)


def filed_under(record: Record) -> str:
    """Return the key of an attempt, or what was given to `Journal.mirror` for it."""
    return record.idempotency_key.partition(_MIRRORED)[0]


def store_id(folder: Path) -> str:
    """Return the id of a folder's journal, empty where there is none; raises as `read`."""
    return _read(folder, _load_meta, lambda journal: {"store_id": journal.store_id}).get("store_id", "")


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
    uploads : dict
        The latest upload of each picture that got a link, by origin and picture.
    shared : Shared
        What the runs that use this journal keep together; on the engine's loop only.
    salt : str
        Goes into prints of keys, so that they tell nothing elsewhere.

    Raises
    ------
    JournalError
        If another process writes the folder, or it cannot be written or read.
    """

    strict: ClassVar[bool] = False
    """Whether a step that `gridgen.states.NEXT` does not allow is an error, as it is in tests."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self.folder = folder
        self.clock = clock
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            msg = f"the folder {str(folder)!r} cannot be made: {error.strerror}. Nothing was sent."
            raise JournalError(msg) from error
        kind = storage.file_system(folder.resolve(), storage.mounted())
        lease = Lease(folder, network=storage.is_network(kind))
        try:
            self._connection = _open(folder / NAME, storage.journal_mode(sqlite3.sqlite_version_info, kind))
            self._take_in()
        except sqlite3.Error as error:
            lease.release()
            msg = f"the journal {str(folder / NAME)!r} cannot be used: {error}. Nothing was sent."
            raise JournalError(msg) from error
        except BaseException:
            lease.release()
            raise
        self._lease = lease
        self.claims: set[ClipKey] = set()
        self.watchers: list[Callable[[Record | None], None]] = []
        self.shared = Shared()
        self.writer = Writer(self._connection, lease, folder)

    def _take_in(self) -> None:
        meta = _load_meta(self._connection)
        if not {"store_id", "salt"} <= meta.keys():
            msg = (
                f"{str(self.folder / NAME)!r} is not a journal that gridgen wrote: it has no id. Give another folder. "
                "Nothing was sent."
            )
            raise JournalError(msg)
        self.store_id: str = meta["store_id"]
        self.salt: str = meta["salt"]
        self._settle_dead_owner()
        self.records = _load(self._connection)
        self.uploads = load_uploads(self._connection)
        (self._next_upload,) = self._connection.execute(
            "SELECT coalesce(max(id), 0) + 1 FROM upload"
        ).fetchone()
        (self._next_id,) = self._connection.execute("SELECT coalesce(max(id), 0) + 1 FROM attempt").fetchone()

    def _settle_dead_owner(self) -> None:
        """Nobody can know what became of what a dead process was sending."""
        with self._connection:
            self._connection.execute("BEGIN IMMEDIATE")
            dead = self._connection.execute("SELECT id FROM attempt WHERE state = 'sending'").fetchall()
            for (attempt,) in dead:
                self._connection.execute(
                    "UPDATE attempt SET state = 'unknown', evidence = ?, error_class = 'unknown', error = ? WHERE id = ?",
                    (_ENDED, _ENDED, attempt),
                )
                self._connection.execute(*_event(attempt, self.clock, State.UNKNOWN, _ENDED))

    def names(self, path: str) -> bool:
        """Whether some attempt, be it one that is over, has a file of this name."""
        with contextlib.closing(connect(self.folder / NAME, readonly=True)) as connection:
            asked = "SELECT count(*) FROM attempt WHERE path = ?"
            return bool(connection.execute(asked, (path,)).fetchone()[0])

    def earlier(self) -> set[str]:
        """Return the tasks and files of attempts in whose place a later one stands."""
        asked = (
            "SELECT task_id, path FROM attempt a "
            "WHERE n < (SELECT max(n) FROM attempt b WHERE (b.origin, b.cell, b.take) = (a.origin, a.cell, a.take))"
        )
        with contextlib.closing(connect(self.folder / NAME, readonly=True)) as connection:
            return {each for row in connection.execute(asked) for each in row if isinstance(each, str)}

    def sequence(self) -> int:
        """Return the number of the last event that is on the disk, whatever happens to the machine."""
        path = self.folder / NAME
        with contextlib.closing(connect(path, readonly=True)) as connection:
            (number,) = connection.execute("SELECT coalesce(max(seq), 0) FROM event").fetchone()
        for each in (path, path.with_name(f"{NAME}-wal")):
            with contextlib.suppress(OSError):
                _sync(each)
        return int(number)

    def check(self) -> None:
        """Make sure that the folder is still this process's.

        Raises
        ------
        JournalError
            If it is not: another one has taken it, or it was deleted or moved.
        """
        self._lease.check()

    async def flush(self) -> None:
        """Bring everything that was saved to the disk.

        Raises
        ------
        JournalError
            If it cannot be written.
        """
        await self._commit([])

    def close(self) -> None:
        """Finish what was asked to be written, and give the folder back."""
        self.writer.close()
        self._connection.close()
        self._lease.release()

    def cells(self) -> dict[str, dict[str, Any]]:
        """Return the fields of every cell that was ever submitted, by its key."""
        return _load_cells(self._connection)

    def prepare(self, *, origin: str, cell: Cell, take: int, body: bytes) -> Record:
        """Return the attempt that a submission of this take would be; nothing is written.

        An attempt that provably was not applied is taken up again with its own
        key and bytes; otherwise a new attempt begins.
        """
        slot = ClipKey(origin, cell.filed_as, take)
        last = self.records.get(slot)
        if last is not None and last.state == State.PLANNED:
            return last
        return self._new(slot, last, body)

    def is_own(self, record: Record, body: bytes) -> bool:
        """Whether an attempt that is planned sends this body, under the key that this journal gives it."""
        return record.body == body and record.idempotency_key == self.key_of(record)

    def key_of(self, record: Record) -> str:
        """Return the key that this journal gives an attempt."""
        return _idempotency_key(self.store_id, record.slot, record.n)

    def _new(self, slot: ClipKey, last: Record | None, body: bytes) -> Record:
        n = 1 if last is None else last.n + 1
        self._next_id += 1
        key = _idempotency_key(self.store_id, slot, n)
        return Record(self._next_id - 1, *slot, n, State.PLANNED, key, body)

    async def again(self, last: Record, *, ending: str | None = None, body: bytes | None = None) -> Record:
        """Plan a new attempt of a take whose last one has ended, or ends so now, in one transaction.

        It sends what the last one sent, or another body.

        Raises
        ------
        JournalError
            If it cannot be written.
        """
        statements: list[Statement] = []
        if ending is not None:
            odd = self._odd(last, ending)
            statements.append(("UPDATE attempt SET state = ? WHERE id = ?", (ending, last.id)))
            statements.append(_event(last.id, self.clock, ending, odd))
        record = self._new(last.slot, last, body or b"")
        inserted = _copy(record, last) if body is None else _insertion(record)
        statements += [inserted, _event(record.id, self.clock, State.PLANNED, None)]
        await self._commit(statements)
        if body is None:
            record.body = last.body or self._body(record)
        changed(last, {"state": last.state if ending is None else ending})
        self._keep(record)
        return record

    def _body(self, record: Record) -> bytes:
        with contextlib.closing(connect(self.folder / NAME, readonly=True)) as connection:
            asked = "SELECT body FROM attempt WHERE id = ?"
            body: bytes = connection.execute(asked, (record.id,)).fetchone()[0]
            return body

    async def intend(
        self, record: Record, cell: Cell, *, price: Decimal | None, sender: Sender | None = None
    ) -> None:
        """Commit, synced, that this attempt is about to leave.

        Raises
        ------
        JournalError
            If it cannot be written, or its slot has a live attempt already.
        """
        leaving: Changes = {
            "state": State.SENDING,
            "submitted_at": self.clock.time(),
            "sent_monotonic": self.clock.monotonic(),
            "boot": self.clock.era(),
            "price": price,
            # that it left once, whatever becomes of it: other witnesses of the same clip are judged by it
            "tries": record.tries + 1,
        }
        if sender is not None:
            leaving["host"], leaving["key_print"] = sender.host, sender.key_print
        await self._begin(record, cell, leaving)

    async def replay(self, record: Record, *, counted: bool) -> None:
        """Commit, synced, that an attempt of unknown outcome is about to leave again, as it was.

        Raises
        ------
        JournalError
            If it cannot be written.
        """
        replays = record.replays + counted
        await self.save(record, durable=True, detail="replayed", state=State.SENDING, replays=replays)

    async def _begin(
        self, record: Record, cell: Cell, changes: Changes, *, detail: str | None = None
    ) -> None:
        """Write an attempt's first or next going out."""
        changes = clean(changes)
        if self.records.get(record.slot) is record:
            await self.save(record, durable=True, detail=detail, **changes)
            return
        odd = self._odd(record, changes["state"])
        changes = _paid(record, changes, odd) if odd else changes
        named = json.dumps(_fields(cell), sort_keys=True, ensure_ascii=False)
        await self._commit(
            [
                ("INSERT OR IGNORE INTO cell VALUES (?, ?)", (cell.filed_as, named)),
                _insertion(record, changes),
                _event(record.id, self.clock, changes["state"], odd or detail),
            ]
        )
        changed(record, changes)
        self._keep(record)

    def _keep(self, record: Record) -> None:
        last = self.records.get(record.slot)
        if last is not None:
            record.earlier = last.outlays
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
        taken: Changes = {"state": State.QUEUED, "task_id": task_id, "submitted_at": self.clock.time()}
        await self._begin(record, cell, taken, detail="adopted")

    async def take_in(self, *, origin: str, cell: Cell, take: int, **told: Unpack[Changes]) -> None:
        """Note what other witnesses tell of a take that this journal knows nothing of.

        Raises
        ------
        JournalError
            If the take has a live attempt, or file or task belong to another one.
        """
        record = self.prepare(origin=origin, cell=cell, take=take, body=b"")
        # it goes the way that every clip goes
        taken: Changes = {**told, "state": State.QUEUED, "path": None}
        await self._begin(record, cell, taken, detail="taken in")
        if told["state"] == State.DONE:
            await self.save(record, durable=True, detail="taken in", state=State.DOWNLOADING)
        if told["state"] != State.QUEUED:
            await self.save(record, durable=True, detail="taken in", **told)

    @property
    def lease_token(self) -> str:
        """Names this process for as long as it has the folder; another one each time."""
        return self._lease.owner.token

    def attempts(self) -> list[tuple[str, Record]]:
        """Return every attempt that was sent, here or elsewhere, the first one first, by what it is filed under; from any thread."""
        columns = {name: selected(name) for name in COLUMNS} | {"body": "x''"}
        sent = f"submitted_at IS NOT NULL OR instr(idempotency_key, '{_MIRRORED}') AND state <> '{State.PLANNED}'"
        asked = f"SELECT {', '.join(columns.values())} FROM attempt WHERE {sent} ORDER BY id"  # noqa: S608 - our own names
        with contextlib.closing(connect(self.folder / NAME, readonly=True)) as connection:
            found = [loaded(values, {}) for values in connection.execute(asked)]
        return [(filed_under(each), each) for each in found]

    def next_key(self, slot: ClipKey) -> str:
        """Return the key with which a submission of a take would leave now."""
        last = self.records.get(slot)
        if last is None:
            return _idempotency_key(self.store_id, slot, 1)
        if last.state == State.PLANNED and filed_under(last) == last.idempotency_key:
            return last.idempotency_key
        return _idempotency_key(self.store_id, slot, last.n + 1)

    async def mirror(self, slot: ClipKey, *, name: str) -> Record | None:
        """Return a new attempt that another machine makes, for `step`; None where this one has one that stands in its way.

        Parameters
        ----------
        slot : ClipKey
        name : str
            What it is filed under in place of a key; it is never sent from here.

        Raises
        ------
        JournalError
            If it cannot be written.
        """
        last = self.records.get(slot)
        if last is not None and last.state == State.PLANNED:
            text = "another machine makes this clip"
            await self.save(last, durable=True, state=State.REJECTED, error_class="ledger", error=text)
        elif last is not None and last.state in STRANDED:
            # there it was given up, or another one could not have begun
            await self.save(last, durable=True, state=State.LOST)
        elif last is not None and last.state not in VACANT:
            return None
        record = self._new(slot, last, b"")
        # the same may be filed again, where it never left the first time
        record.idempotency_key = f"{name}{_MIRRORED}{record.id}"
        return record

    async def unsent(self, record: Record) -> None:
        """Note that an unknown attempt of another machine never left, and costs nothing; its clip is planned again.

        Raises
        ------
        JournalError
            If it cannot be written.
        """
        await self.save(record, durable=True, detail="told by the ledger", state=State.SENDING)
        await self.save(
            record,
            durable=True,
            detail="never left",
            state=State.PLANNED,
            submitted_at=None,
            error_class=None,
            error=None,
            evidence=None,
        )

    async def step(self, record: Record, cell: Cell, state: str, told: Changes) -> None:
        """Note that another machine tells that an attempt has come to a state.

        Raises
        ------
        JournalError
            If it cannot be written.
        """
        taken: Changes = {**told, "state": state}
        if self.records.get(record.slot) is record:
            await self.save(record, durable=True, detail="told by the ledger", **taken)
        else:
            taken["tries"] = 1
            await self._begin(record, cell, taken, detail="told by the ledger")

    async def refuse(self, record: Record, cell: Cell, error: str) -> None:
        """Note that an attempt never left, since what it needs was refused."""
        refused: Changes = {"state": State.REJECTED, "error_class": "invalid", "error": error[:500]}
        await self._begin(record, cell, refused)

    async def uploading(self, origin: str, image: str) -> Upload:
        """Commit, synced, that a picture is about to leave.

        Raises
        ------
        JournalError
            If it cannot be written.
        """
        upload = Upload(self._next_upload, origin, str(image), self.clock.time())
        self._next_upload += 1
        await self._commit([begin(upload)])
        return upload

    async def uploaded(
        self,
        upload: Upload,
        *,
        url: str | None = None,
        expires_at: float | None = None,
        error: str | None = None,
    ) -> None:
        """Commit, synced, what became of an upload.

        Raises
        ------
        JournalError
            If it cannot be written.
        """
        told = clean({"url": url, "expires_at": expires_at, "error": error})
        ended = replace(upload, url=told["url"], expires_at=told["expires_at"], error=told["error"])
        await self._commit([end(ended)])
        if url is not None:
            self.uploads[ended.origin, ended.image] = ended

    async def save(
        self, record: Record, *, durable: bool = False, detail: str | None = None, **changes: Unpack[Changes]
    ) -> None:
        """Write changes of a record and apply them in memory.

        What is about money is on the disk, synced, before it is applied; what the
        server would tell again is written a moment later. A step that is not allowed is
        logged and shown in the row; what was paid is written all the same.

        Raises
        ------
        JournalError
            If it cannot be written.
        """
        changes = clean(changes)
        odd = self._odd(record, changes.get("state", record.state))
        if odd:
            changes, detail, durable = _paid(record, changes, odd), odd, True
        if "cost" in changes:
            changes["cost"] = later_cost(record.cost, changes["cost"], ended=_has_ended(record, changes))
        sets = ", ".join(f"{name} = ?" for name in changes)
        values = [stored(name, value) for name, value in changes.items()]
        statements: list[Statement] = [
            (f"UPDATE attempt SET {sets} WHERE id = ?", [*values, record.id])  # noqa: S608 - names are our own keywords
        ]
        after = changes.get("state", record.state)
        if odd or after != record.state:
            statements.append(_event(record.id, self.clock, after, detail))
        if durable or _is_money(record, changes):
            await self._commit(statements)
        else:
            self.writer.soon(statements, lambda error: self._unkept(record, error))
        changed(record, changes)
        self._tell(record)

    def _odd(self, record: Record, after: str) -> str:
        """Say in words that a state may not follow that of a record; empty where it may."""
        if is_step(record.state, after):
            return ""
        text = f"unexpected step from {record.state} to {after}"
        if self.strict:
            raise AssertionError(text)
        _log.warning("%s: cell %s, take %d in %s", text, record.cell[:8], record.take, self.folder)
        return text

    def _unkept(self, record: Record, error: JournalError) -> None:
        self.show(record, error_class="journal", error=str(error)[:500])

    def show(self, record: Record, **changes: Unpack[Changes]) -> None:
        """Apply changes in memory only: progress is seen, not kept."""
        changed(record, clean(changes))
        self._tell(record)

    def release(self, slots: set[ClipKey]) -> None:
        """Give claims back, and let whoever waits for these slots know."""
        self.claims -= slots
        self._tell(None)

    def _tell(self, record: Record | None) -> None:
        for watcher in tuple(self.watchers):
            watcher(record)

    async def _commit(self, statements: list[Statement]) -> None:
        with self.clock.working():
            await self.writer.commit(statements)


def _has_ended(record: Record, changes: Changes) -> bool:
    """Whether what the server charges by these changes is all that it will charge."""
    now = stage(changes.get("state", record.state), changes.get("completed_at", record.completed_at))
    return now in {Stage.ENDED, Stage.REFUNDED}


def _is_money(record: Record, changes: Changes) -> bool:
    """Whether a change must outlive a power failure: nobody tells it again, or it is dearer than was known."""
    dearer = (changes.get("cost") or 0) > (record.cost or record.price or 0)
    return dearer or changes.get("state") in SYNCED or "task_id" in changes


def _paid(record: Record, changes: Changes, odd: str) -> Changes:
    """Return what is written of an unexpected step: all but what the tables refuse, which would undo the rest."""
    kept = changes.copy()
    if record.state in FINAL:
        kept.pop("state", None)
    task = changes.get("task_id")
    if task is not None and record.task_id not in {None, task}:
        del kept["task_id"]
        odd = f"{odd}, task {task}"
    kept["error"] = "; ".join(part for part in (odd, changes.get("error")) if part)[:500]
    return kept


_STORED = (*COLUMNS, "body_sha256")
_INSERT = f"INSERT INTO attempt ({', '.join(_STORED)}) VALUES ({', '.join('?' * len(_STORED))})"  # noqa: S608 - our own names


def _insertion(record: Record, changes: Changes | None = None) -> Statement:
    """Return the statement for a new attempt, with the changes that its first step brings."""
    now: dict[str, Any] = {name: getattr(record, name) for name in COLUMNS}
    now |= changes or {}
    digest = hashlib.sha256(record.body).hexdigest()
    return _INSERT, [*(stored(name, now[name]) for name in COLUMNS), digest]


def _copy(record: Record, last: Record) -> Statement:
    """Return the statement for a new attempt that sends the bytes of an earlier one."""
    own = [name for name in COLUMNS if name != "body"]
    into = ", ".join([*own, "body", "body_sha256"])
    statement = f"INSERT INTO attempt ({into}) SELECT {', '.join('?' * len(own))}, body, body_sha256 FROM attempt WHERE id = ?"  # noqa: S608 - our own names
    return statement, [*(stored(name, getattr(record, name)) for name in own), last.id]


def _event(attempt: int, clock: Clock, state: str, detail: str | None) -> Statement:
    statement = "INSERT INTO event (attempt, at, state, detail) VALUES (?, ?, ?, ?)"
    return statement, (attempt, round(clock.time() * 1000), state, detail)


def _fields(cell: Cell) -> dict[str, Any]:
    return {**cell.stated(), "labels": dict(cell.labels)} if cell.labels else cell.stated()


def _load_cells(connection: sqlite3.Connection) -> dict[str, dict[str, Any]]:
    rows = connection.execute("SELECT key, fields FROM cell ORDER BY rowid")
    return {key: json.loads(told) for key, told in rows}


def _idempotency_key(store_id: str, slot: ClipKey, n: int) -> str:
    """Return 1 to 191 visible ASCII characters, the same for ever for one attempt."""
    meant = json.dumps([store_id, *slot, n], separators=(",", ":"))
    return f"gridgen-{hashlib.sha256(meant.encode()).hexdigest()[:48]}"


def _load_meta(connection: sqlite3.Connection) -> dict[str, str]:
    return dict(connection.execute("SELECT name, value FROM meta").fetchall())


def _load(connection: sqlite3.Connection) -> dict[ClipKey, Record]:
    """Return the latest attempt of each slot; of what can no longer be sent, only what is shown or counted."""
    kept = {name for _, name, *_ in connection.execute("PRAGMA table_info(attempt)")}
    names = {name: selected(name) if name in kept else _LACKING.get(name, "NULL") for name in COLUMNS}
    states = ", ".join(map(repr, sorted(SENDABLE)))
    # what may be sent is the latest attempt of its slot, so it comes last
    parts = [(names | WHILE_SENDABLE, f"state NOT IN ({states})"), (names, f"state IN ({states})")]
    found: dict[ClipKey, Record] = {}
    known: dict[Any, Any] = {}
    with _no_collection():
        for columns, which in parts:
            asked = f"SELECT {', '.join(columns.values())} FROM attempt WHERE {which} ORDER BY id"  # noqa: S608 - our own names
            for values in connection.execute(asked):
                record = loaded(values, known)
                slot = record.slot
                if slot in found:
                    record.earlier = found[slot].outlays
                found[slot] = record
    return found


_LACKING = {"tries": "0", "replays": "0"}
"""What stands for a column in journals of an older version, where it is not NULL."""


@contextlib.contextmanager
def _no_collection() -> Iterator[None]:
    """Keep the garbage collector from going through a hundred thousand new objects again and again."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


def connect(path: Path, *, readonly: bool = False) -> sqlite3.Connection:
    """Open a database of gridgen's, with nothing in it trusted; without ``readonly`` it is made when absent.

    Raises
    ------
    JournalError
        If it cannot be opened.
    """
    try:
        # a file that this process has open already is not opened besides: closing it would give back SQLite's locks on it
        if not readonly and (path.is_symlink() or not path.exists()):
            os.close(os.open(path, os.O_CREAT | os.O_RDWR | getattr(os, "O_NOFOLLOW", 0), 0o600))
        address = f"{path.resolve().as_uri()}?mode={'ro' if readonly else 'rw'}"
        connection = sqlite3.connect(
            address, uri=True, timeout=5, isolation_level=None, check_same_thread=False
        )
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LARGEST)
    except (OSError, sqlite3.Error) as error:
        msg = f"the journal {str(path)!r} cannot be opened: {error}. Nothing was sent."
        raise JournalError(msg) from error
    return connection


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _open(path: Path, mode: str) -> sqlite3.Connection:
    connection = connect(path)
    try:
        number = schema.found(connection, path)
        connection.execute(f"PRAGMA journal_mode = {mode}")
        connection.execute("PRAGMA synchronous = FULL")
        schema.migrate(connection, path, number)
    except sqlite3.Error as error:
        connection.close()
        msg = f"the journal {str(path)!r} cannot be used: {error}. Nothing was sent."
        raise JournalError(msg) from error
    except BaseException:
        connection.close()
        raise
    return connection
