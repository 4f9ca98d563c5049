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
    from collections.abc import Callable, Sequence
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
        Looked at in each commit.
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
        self._closing, self._closed = threading.Lock(), False
        self._ended: JournalError | None = None
        self._queue: queue.SimpleQueue[_Write | None] = queue.SimpleQueue()
        self._kept: list[_Write] = []
        self._batch: list[_Write | None] = []
        self._gone: JournalError | None = None
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

    def soon(self, statements: list[Statement], refused: Callable[[JournalError], None]) -> None:
        """Write with the next commit.

        Parameters
        ----------
        statements : list of Statement
        refused : callable
            Called on the loop of the caller when these, and not the disk, are to blame that
            they cannot be written.

        Raises
        ------
        JournalError
            If the journal is closed, or the folder is no longer this process's.
        """
        self._put(_Write(statements, asyncio.get_running_loop(), refused=refused))

    def _put(self, write: _Write) -> None:
        with self._closing:
            for refusal in (self._ended, self._gone):
                if refusal is not None:
                    raise refusal
            # under the lock of close, or a write could come in behind the last one and be waited for for ever
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
        try:
            self._work()
        except BaseException as error:  # noqa: BLE001 - whatever ends this thread, all that wait for it must be told
            self._end(error)

    def _end(self, error: BaseException) -> None:
        """Tell those who wait, and those who come later, that nothing is written any more."""
        ended = JournalError(
            f"the journal's writer has ended ({type(error).__name__}: {error}) in {str(self._folder)!r}. "
            "Nothing more is sent; restart the kernel, then run() goes on."
        )
        with self._closing:
            self._ended = ended
        writes, self._batch = [*self._kept, *self._batch], []
        with contextlib.suppress(queue.Empty):
            while True:
                writes.append(self._queue.get_nowait())
        _settle([(write, ended) for write in writes if write is not None])

    def _work(self) -> None:
        open_, beaten = True, self._clock.monotonic()
        while open_:
            self._batch = self._gather()
            open_ = None not in self._batch
            self._write([write for write in self._batch if write is not None])
            self._batch = []
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
            # whoever waits holds up a submission, so the rest rides along with it
            end = now if write is None or write.done is not None else min(end, now + LATEST)
        return batch

    def _write(self, writes: list[_Write]) -> None:
        writes = self._kept + writes
        self._kept = []
        if not writes:
            return
        try:
            self._commit(writes)
        except Exception:  # noqa: BLE001 - a value may be anything; which one it is, each alone will show
            self._write_singly(writes)
            # where the folder is gone this never ends, so whoever writes next must hear of it
            self._gone = self._moved() if self._kept else None
        else:
            self._gone = None
            _settle([(write, None) for write in writes])

    def _write_singly(self, writes: list[_Write]) -> None:
        """Find out which cannot be written; after one that the disk refused none is tried, to keep their order."""
        refused: Exception | None = None
        for write in writes:
            if refused is None:
                try:
                    self._commit([write])
                except Exception as error:  # noqa: BLE001 - its caller gets whatever it is
                    refused = error if _is_the_disks(error) else None
                    if refused is None:
                        _settle([(write, self._unwritable(error))])
                else:
                    _settle([(write, None)])
            if refused is not None and write.done is not None:
                _settle([(write, self._unwritable(refused))])
            elif refused is not None:
                self._kept.append(write)

    def _moved(self) -> JournalError | None:
        """Return what is to be said of a folder that is no longer this process's, or where it was; None where it is."""
        try:
            self._lease.check()
        except JournalError as error:
            return error
        return None

    def _unwritable(self, error: Exception) -> JournalError:
        if isinstance(error, JournalError):
            return error
        told = self._moved() or JournalError(
            f"the journal in {str(self._folder)!r} cannot be written: {error}. Nothing more is sent."
        )
        told.__cause__ = error
        return told

    def _commit(self, writes: list[_Write]) -> None:
        durable = any(write.done is not None for write in writes)
        # FULL outlives a power cut at each commit (sqlite.org/pragma.html#pragma_synchronous), which an intent must
        self._connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
        with self._connection:
            # now rather than at the first change: nobody may write between the look at the lease and the change
            self._connection.execute("BEGIN IMMEDIATE")
            # only now can no other owner write: one that lost the folder while it slept changes nothing in it
            self._lease.check()
            for write in writes:
                for statement, values in write.statements:
                    self._connection.execute(statement, values)
        self.synced += durable
        self.written += sum(len(write.statements) for write in writes)


@dataclass(slots=True)
class _Write:
    statements: list[Statement]
    loop: asyncio.AbstractEventLoop
    done: asyncio.Future[None] | None = None
    refused: Callable[[JournalError], None] | None = None


def _is_the_disks(error: Exception) -> bool:
    """Whether what follows would fare no better: the disk, the file or the lease refuses, not this one value."""
    return isinstance(error, (sqlite3.OperationalError, JournalError)) or type(error) is sqlite3.DatabaseError


def _settle(told: list[tuple[_Write, JournalError | None]]) -> None:
    """Let those who wait go on: one call for all that wait on the same loop."""
    for loop in {write.loop for write, _ in told}:
        with contextlib.suppress(RuntimeError):  # a loop that was closed meanwhile waits for nothing
            loop.call_soon_threadsafe(_resolve, [each for each in told if each[0].loop is loop])


def _resolve(told: list[tuple[_Write, JournalError | None]]) -> None:
    for write, error in told:
        if write.done is None:
            if error is not None and write.refused is not None:
                write.refused(error)
        elif write.done.done():
            continue
        elif error is None:
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
