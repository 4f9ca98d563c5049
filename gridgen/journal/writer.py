"""The one thread that writes: many changes in one transaction, the important ones synced at once."""

from __future__ import annotations

import asyncio
import contextlib
import queue
import sqlite3
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gridgen.clock import Clock
from gridgen.errors import JournalError
from gridgen.journal.lease import HEARTBEAT

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from gridgen.journal.lease import Lease

__all__ = ["Statement", "Writer"]

Statement = tuple[str, "Sequence[Any]"]

LATEST = 0.25
"""Seconds after which a change that nobody waits for is committed."""

_MOST_AT_ONCE = 500


class Writer:
    """Commits what it is given, in order, on a thread of its own.

    What is durable is synced before its caller goes on. The rest is what the
    server would tell again; it waits for the next commit, a quarter of a second
    at most, and is kept and tried again when the disk refuses it.

    Parameters
    ----------
    connection : sqlite3.Connection
        Used by this thread only, until `close`.
    lease : Lease
        Looked at before each durable commit.
    folder : Path
        Named in errors.

    Attributes
    ----------
    synced, written : int
        Transactions that were synced, and statements that were committed.
    """

    def __init__(self, connection: sqlite3.Connection, lease: Lease, folder: Path) -> None:
        self._connection, self._lease, self._folder = connection, lease, folder
        self.synced = self.written = 0
        self._refused: JournalError | None = None
        self._closing, self._closed = threading.Lock(), False
        self._queue: queue.SimpleQueue[_Write | None] = queue.SimpleQueue()
        self._kept: list[_Write] = []
        self._clock = Clock()
        self._thread = threading.Thread(target=self._run, name="gridgen-journal", daemon=True)
        self._thread.start()

    async def commit(self, statements: list[Statement]) -> None:
        """Write and sync; return when it is on the disk.

        Raises
        ------
        JournalError
            If it cannot be written. Then none of it is.
        """
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()
        self._put(_Write(statements, loop, done))
        # what was handed over will be committed, so a cancelled caller still waits for it
        await _finished(done)

    def soon(self, statements: list[Statement]) -> None:
        """Write with the next commit.

        Raises
        ------
        JournalError
            If an earlier one was refused, or the journal is closed.
        """
        self._put(_Write(statements))

    def _put(self, write: _Write) -> None:
        refused, self._refused = self._refused, None
        if refused is not None:
            raise refused
        with self._closing:
            if self._closed:
                msg = f"the journal in {str(self._folder)!r} is closed. Nothing more is sent."
                raise JournalError(msg)
            self._queue.put(write)

    def close(self) -> None:
        """Commit what was handed over, and end the thread."""
        with self._closing:
            self._closed = True
            self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        open_, beaten = True, self._clock.monotonic()
        while open_:
            batch = self._gather()
            open_ = None not in batch
            self._write([write for write in batch if write is not None])
            if self._clock.monotonic() - beaten > HEARTBEAT:
                beaten = self._clock.monotonic()
                self._lease.beat()

    def _gather(self) -> list[_Write | None]:
        """Return what came in: at once when somebody waits for it, else what comes within a moment."""
        batch: list[_Write | None] = []
        end = self._clock.monotonic() + (LATEST if self._kept else HEARTBEAT)
        while len(batch) < _MOST_AT_ONCE:
            now = self._clock.monotonic()
            try:
                write = self._queue.get(timeout=max(0.0, end - now))
            except queue.Empty:
                break
            batch.append(write)
            end = now if write is None or write.done is not None else min(end, now + LATEST)
        return batch

    def _write(self, writes: list[_Write]) -> None:
        writes = self._kept + writes
        self._kept = []
        if not writes:
            return
        try:
            self._commit(writes)
        except (sqlite3.Error, JournalError):
            self._write_singly(writes)
            if self._kept:
                # where the folder is gone this never ends, so whoever writes next must hear of it
                self._refused = self._moved() or self._refused
        else:
            _settle([(write, None) for write in writes])

    def _write_singly(self, writes: list[_Write]) -> None:
        """Find out which cannot be written; after one that the disk refused none is tried, to keep their order."""
        refused: Exception | None = None
        for write in writes:
            if refused is None:
                try:
                    self._commit([write])
                except sqlite3.IntegrityError as error:
                    self._tell(write, error)
                except (sqlite3.Error, JournalError) as error:
                    refused = error
                else:
                    _settle([(write, None)])
            if refused is not None and write.done is not None:
                self._tell(write, refused)
            elif refused is not None:
                self._kept.append(write)

    def _tell(self, write: _Write, error: Exception) -> None:
        told = error if isinstance(error, JournalError) else self._unwritable(error)
        told.__cause__ = None if told is error else error
        if write.done is None:
            self._refused = told
        else:
            _settle([(write, told)])

    def _moved(self) -> JournalError | None:
        """Return what is to be said of a folder that is no longer where it was, None where it is."""
        try:
            self._lease.check()
        except JournalError as error:
            return error
        return None

    def _unwritable(self, error: Exception) -> JournalError:
        return self._moved() or JournalError(
            f"the journal in {str(self._folder)!r} cannot be written: {error}. Nothing more is sent."
        )

    def _commit(self, writes: list[_Write]) -> None:
        durable = any(write.done is not None for write in writes)
        if durable:
            self._lease.check()
        self._connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
        with self._connection:
            self._connection.execute("BEGIN IMMEDIATE")
            for write in writes:
                for statement, values in write.statements:
                    self._connection.execute(statement, values)
        self.synced += durable
        self.written += sum(len(write.statements) for write in writes)


@dataclass(slots=True)
class _Write:
    statements: list[Statement]
    loop: asyncio.AbstractEventLoop | None = None
    done: asyncio.Future[None] | None = None


def _settle(told: list[tuple[_Write, JournalError | None]]) -> None:
    """Let those who wait go on: one call for all that wait on the same loop."""
    for loop in {write.loop for write, _ in told if write.loop is not None}:
        with contextlib.suppress(RuntimeError):  # a loop that was closed meanwhile waits for nothing
            loop.call_soon_threadsafe(_resolve, [each for each in told if each[0].loop is loop])


def _resolve(told: list[tuple[_Write, JournalError | None]]) -> None:
    for write, error in told:
        if write.done is None:
            continue
        if error is None:
            write.done.set_result(None)
        else:
            write.done.set_exception(error)


async def _finished(done: asyncio.Future[None]) -> None:
    """Wait for a commit to its end; being cancelled comes through at the caller's next wait, when it has noted it."""
    cancelled = False
    while not done.done():
        try:
            await asyncio.shield(done)
        except asyncio.CancelledError:
            cancelled = True
    if cancelled and (task := asyncio.current_task()) is not None:
        task.cancel()
    done.result()
