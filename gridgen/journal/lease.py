"""Who writes a folder's journal: an operating-system lock, and a note of who holds it.

On one host the lock is the truth: it ends with its process, however that ends.
On a network file system a lock may reach no other host, so there the note
counts as well, as long as its owner keeps touching it.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import logging
import os
import socket
import threading
import uuid
import weakref
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Self

from gridgen.clock import Clock, boot_id
from gridgen.errors import JournalError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["HEARTBEAT", "Lease", "Owner", "abandoned", "owner"]

NAME = "journal.lock"
HEARTBEAT = 10.0
"""Seconds between two signs of life of an owner."""

SILENT_AFTER = 6 * HEARTBEAT
"""Seconds without a sign of life after which an owner on another host is taken for dead."""

_FAR = 1 << 30
_log = logging.getLogger("gridgen")
_clock = Clock()


@dataclass(frozen=True, slots=True)
class Owner:
    """The process that writes a folder.

    Attributes
    ----------
    pid, host : int and str
    boot : str
        Names the run of that machine since it was last started.
    started, since, heartbeat : float
        Unix seconds: when the process began, when it took the folder, when it last
        gave a sign of life.
    token : str
        Another one for each taking.
    """

    pid: int
    host: str
    boot: str
    started: float | None
    since: float
    token: str
    heartbeat: float = 0.0

    def __str__(self) -> str:
        began = dt.datetime.fromtimestamp(self.since, dt.UTC).astimezone()
        seen = max(0.0, _clock.time() - self.heartbeat)
        return (
            f"process {self.pid} on {self.host}, since {began:%Y-%m-%d %H:%M:%S}, last seen {seen:.0f} s ago,"
        )

    @classmethod
    def me(cls) -> Self:
        """Return this process as an owner from now on."""
        now = _clock.time()
        return cls(os.getpid(), socket.gethostname(), boot_id(), _started(), now, uuid.uuid4().hex, now)


def may_take(holder: Owner | None, me: Owner, now: float, *, network: bool) -> bool:
    """Decide whether a folder whose lock was to be had may be taken from who is noted there.

    Parameters
    ----------
    holder : Owner or None
        Whom the note names; a process that ends well leaves none.
    me : Owner
    now : float
        Unix seconds.
    network : bool
        Whether other hosts may reach the folder, without feeling the lock.
    """
    if holder is None or not network or (holder.host, holder.boot) == (me.host, me.boot):
        return True
    return now - holder.heartbeat > SILENT_AFTER


def owner(folder: Path) -> Owner | None:
    """Return who writes a folder, None when nobody does; an owner that left no note has pid 0."""
    try:
        file = _open(folder, os.O_RDONLY)
    except OSError:
        return None
    with file:
        try:
            _lock(file, shared=True)
        except OSError:
            return _noted(file) or Owner(0, "", "", None, 0.0, "")
        return None


def abandoned(folder: Path) -> bool:
    """Whether certainly nobody writes a folder: who did is dead, or has given it back."""
    try:
        file = _open(folder, os.O_RDONLY)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    with file:
        try:
            _lock(file, shared=True)
        except OSError:
            return False
        holder = _noted(file)
        return holder is None or may_take(holder, Owner.me(), _clock.time(), network=True)


class Lease:
    """The right to write a folder's journal, until `release`.

    Parameters
    ----------
    folder : Path
    network : bool
        Whether other hosts may reach it.

    Raises
    ------
    JournalError
        If another process has it; the message says which and since when.
    """

    def __init__(self, folder: Path, *, network: bool) -> None:
        self.folder, self.network = folder, network
        self.owner = Owner.me()
        try:
            self._file = _open(folder, os.O_CREAT | os.O_RDWR)
        except OSError as error:
            msg = f"the folder {str(folder)!r} cannot be written: {error.strerror}. Nothing was sent."
            raise JournalError(msg) from error
        try:
            self._take()
        except BaseException:
            self._file.close()
            raise
        _held.add(self)

    def _take(self) -> None:
        try:
            _patiently(lambda: _lock(self._file, shared=False))
        except OSError as error:
            raise _occupied(self.folder, _noted(self._file)) from error
        holder = _noted(self._file)
        # on a network the lock may hold for one host alone, so the note has the last word
        if not may_take(holder, self.owner, _clock.time(), network=self.network):
            raise _occupied(self.folder, holder)
        # from here on a process that dies leaves its name, by which the next one knows that it died
        self._file.seek(0)
        self._file.truncate()
        json.dump(asdict(self.owner), self._file)
        self._file.flush()
        _log.info("took the folder %s", self.folder)

    def beat(self) -> None:
        """Give a sign of life."""
        with contextlib.suppress(OSError):
            os.utime(self.folder / NAME)

    def check(self) -> None:
        """Make sure that the folder is still this process's.

        Raises
        ------
        JournalError
            If the lock was deleted, or another host has taken the folder while this
            process slept.
        """
        try:
            # a folder that was deleted and made anew has another lock, which ours does not guard
            ours = os.path.samestat((self.folder / NAME).stat(), os.fstat(self._file.fileno()))
        except OSError:
            ours = False
        if not ours:
            msg = f"the folder {str(self.folder)!r} or the lock in it was deleted or moved while it was in use. Nothing more is sent."
            raise JournalError(msg)
        holder = _noted(self._file) if self.network else self.owner
        # while this machine slept, another one may have taken the folder as abandoned
        if holder is None or holder.token != self.owner.token:
            raise _occupied(self.folder, holder)

    def release(self) -> None:
        """Give the folder back and leave no note."""
        if self in _held:
            _held.discard(self)
            _log.info("gave the folder %s back", self.folder)
            with contextlib.suppress(OSError):
                # no note says that all is written and nobody is at work
                self._file.truncate(0)
                _unlock(self._file)
        self._file.close()

    def forget(self) -> None:
        """Close the copy of the lock that a forked child has inherited; its parent keeps the lock."""
        self._file.close()


_held: weakref.WeakSet[Lease] = weakref.WeakSet()


def _forget_all() -> None:
    for lease in _held:
        with contextlib.suppress(OSError, ValueError):
            lease.forget()
    _held.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_all)


def _occupied(folder: Path, holder: Owner | None) -> JournalError:
    who = "another process" if holder is None else str(holder)
    return JournalError(
        f"{who} is at work in {str(folder)!r}. Let it finish or stop it there; "
        "the table and the gallery can be read meanwhile. Nothing was sent."
    )


def _noted(file: IO[str]) -> Owner | None:
    """Return whom the note names; its last sign of life is the time of the file."""
    try:
        file.seek(0)
        told = json.loads(file.read(4096))
        host, boot, token = (str(told[name])[:100] for name in ("host", "boot", "token"))
        started = None if told["started"] is None else float(told["started"])
        seen = os.fstat(file.fileno()).st_mtime
        return Owner(int(told["pid"]), host, boot, started, float(told["since"]), token, seen)
    except (OSError, ValueError, TypeError, LookupError):
        return None


def _open(folder: Path, flags: int) -> IO[str]:
    descriptor = os.open(folder / NAME, flags | getattr(os, "O_NOFOLLOW", 0), 0o600)
    return os.fdopen(descriptor, "r" if flags == os.O_RDONLY else "r+", encoding="utf-8", errors="replace")


def _patiently(attempt: Callable[[], None]) -> None:
    """Try a few times: somebody may only be looking who has the lock."""
    for left in range(5, -1, -1):
        try:
            attempt()
        except OSError:
            if not left:
                raise
            threading.Event().wait(0.02)
        else:
            return


def _lock(file: IO[str], *, shared: bool) -> None:
    try:
        import fcntl
    except ImportError:
        import msvcrt

        # far behind the note, which others must be able to read
        file.seek(_FAR)
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
        if shared:
            msvcrt.locking(file.fileno(), msvcrt.LK_UNLCK, 1)  # type: ignore[attr-defined]
    else:
        fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)


def _unlock(file: IO[str]) -> None:
    """Give a lock back at once, though a child that was just forked may still have it open."""
    with contextlib.suppress(ImportError):
        import fcntl

        fcntl.flock(file, fcntl.LOCK_UN)


def _started() -> float | None:
    """Return when this process began, in Unix seconds, where the system tells it as Linux does."""
    try:
        after_name = Path("/proc/self/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        ticks = int(after_name[19])
        uptime = float(Path("/proc/uptime").read_text(encoding="utf-8").split()[0])
    except (OSError, ValueError, IndexError):
        return None
    return _clock.time() - uptime + ticks / os.sysconf("SC_CLK_TCK")
