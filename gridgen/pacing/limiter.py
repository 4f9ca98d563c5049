"""The submit rate of one key, shared by the processes of this machine.

A generic cell rate algorithm (ITU-T I.371) over one small locked file for each
server and key: the file holds the moment at which the next submission is due at
the full rate, and submissions may run ahead of it by a burst. Whatever goes
wrong with the file, submissions go on at this process's own rate.
"""

from __future__ import annotations

import contextlib
import os
import struct
import zlib
from typing import TYPE_CHECKING

from gridgen import userdirs
from gridgen.clock import Clock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["Limiter"]

_RECORD = struct.Struct("<ddddI")
"""When the next is due, until when none may leave, when that was written by two clocks, and a checksum."""

SAME_RUN = 5.0
"""Seconds by which two clocks may drift apart within one run of the machine, sleep excepted."""

BUSY_WAIT = 0.005
"""Seconds to come again when another process holds the lock, which takes microseconds."""

MOST_BUSY = 200
LONGEST = 3600.0
"""Seconds ahead beyond which a file is not believed."""

IDLE = 86_400.0
"""Seconds after which a file that nobody used is removed."""


class Limiter:
    """Takes turns with the other processes that use the same key.

    The file holds times of the machine's monotonic clock, which its processes share.

    Parameters
    ----------
    name : str
        Stands for server and key; what it stands for cannot be read from it.
    folder : Path or None, optional
        Where the file lies; a folder of this user's by default.
    speed : float, default 1.0
        How many of the caller's seconds pass in one of the machine's.
    """

    def __init__(self, name: str, folder: Path | None = None, *, speed: float = 1.0) -> None:
        self._name = name
        self._folder = folder
        self._speed = speed
        self._clock = Clock()
        self._pid = os.getpid()
        self._descriptor: int | None = None
        self._busy = 0
        self._usable = True
        self._last = b""
        self._foreign = 0

    def foreign(self) -> int | None:
        """Return how often the file was found as another process left it, None where it cannot be looked at now."""
        with contextlib.suppress(OSError), self._locked() as descriptor:
            if descriptor is not None:
                self._read(descriptor, self._clock.monotonic())
                return self._foreign
        return None

    def acquire(self, *, rate: float, burst: float) -> float:
        """Take a turn and return 0.0, or return the seconds to wait before asking again.

        Parameters
        ----------
        rate : float
            Submissions per second.
        burst : float
            How many may leave at once.
        """
        with contextlib.suppress(OSError), self._locked() as descriptor:
            if descriptor is None:
                # somebody has the file for a moment; without a usable one each process keeps to its own rate
                return BUSY_WAIT * self._speed if self._usable else 0.0
            now = self._clock.monotonic()
            due, paused_until = self._read(descriptor, now)
            interval = 1.0 / (rate * self._speed)
            wait = max(paused_until - now, max(due, now) - (burst - 1.0) * interval - now)
            if wait > 0:
                return wait * self._speed
            # the turn is spent before the submission leaves, so that two processes never take the same one
            self._write(descriptor, max(due, now) + interval, paused_until)
            return 0.0
        self._give_up()
        return 0.0

    def pause(self, seconds: float) -> None:
        """Let no process submit under this key for a while."""
        with contextlib.suppress(OSError), self._locked() as descriptor:
            if descriptor is not None:
                now = self._clock.monotonic()
                due, paused_until = self._read(descriptor, now)
                self._write(descriptor, due, max(paused_until, now + min(seconds / self._speed, LONGEST / 2)))
            return
        self._give_up()

    def close(self) -> None:
        """Close the file; it is opened again when needed."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            with contextlib.suppress(OSError):
                os.close(descriptor)

    @contextlib.contextmanager
    def _locked(self) -> Iterator[int | None]:
        """Lend the file for a moment; None when it is not to be had, without waiting for it."""
        descriptor = self._open()
        if descriptor is None or not self._lock(descriptor):
            yield None
            return
        try:
            yield descriptor
        finally:
            _unlock(descriptor)

    def _open(self) -> int | None:
        if not self._usable:
            return None
        if self._descriptor is not None and self._is_stale(self._descriptor):
            self.close()
        if self._descriptor is None:
            folder = self._folder or userdirs.runtime_folder()
            if folder is None:
                self._usable = False
                return None
            _tidy(folder, self._clock.time())
            flags = os.O_CREAT | os.O_RDWR | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
            self._pid = os.getpid()
            self._descriptor = os.open(folder / f"rate-{self._name}", flags, 0o600)
        return self._descriptor

    def _is_stale(self, descriptor: int) -> bool:
        """Whether the file was removed, or belongs to the process that this one was forked from."""
        return self._pid != os.getpid() or not os.fstat(descriptor).st_nlink

    def _lock(self, descriptor: int) -> bool:
        if _try_lock(descriptor):
            self._busy = 0
            return True
        self._busy += 1
        if self._busy >= MOST_BUSY:
            self._give_up()
        return False

    def _give_up(self) -> None:
        """Share no more: the process's own rate still holds."""
        self._usable = False
        self.close()

    def _read(self, descriptor: int, now: float) -> tuple[float, float]:
        """Return what the file says, if it was written in this run of the machine."""
        os.lseek(descriptor, 0, os.SEEK_SET)
        data = os.read(descriptor, _RECORD.size)
        self._foreign += data != self._last
        self._last = data
        if len(data) == _RECORD.size and zlib.crc32(data[:-4]) == _RECORD.unpack(data)[-1]:
            due, paused_until, written, at, _ = _RECORD.unpack(data)
            drift = (self._clock.time() - at) - (now - written)
            if abs(drift) < SAME_RUN and due < now + LONGEST and paused_until < now + LONGEST:
                return due, paused_until
        return now, now

    def _write(self, descriptor: int, due: float, paused_until: float) -> None:
        now = self._clock.monotonic()
        data = _RECORD.pack(due, paused_until, now, self._clock.time(), 0)[:-4]
        os.lseek(descriptor, 0, os.SEEK_SET)
        self._last = data + struct.pack("<I", zlib.crc32(data))
        os.write(descriptor, self._last)


def _tidy(folder: Path, now: float) -> None:
    """Remove the files of keys that were not used for a day."""
    with contextlib.suppress(OSError):
        for path in folder.glob("rate-*"):
            if now - path.lstat().st_mtime > IDLE:
                path.unlink(missing_ok=True)


def _try_lock(descriptor: int) -> bool:
    try:
        import fcntl
    except ImportError:
        return _try_lock_windows(descriptor)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _try_lock_windows(descriptor: int) -> bool:
    import msvcrt

    os.lseek(descriptor, _RECORD.size, os.SEEK_SET)
    try:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
    except OSError:
        return False
    return True


def _unlock(descriptor: int) -> None:
    try:
        import fcntl
    except ImportError:
        import msvcrt

        os.lseek(descriptor, _RECORD.size, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_UNLCK, 1)  # type: ignore[attr-defined]
    else:
        fcntl.flock(descriptor, fcntl.LOCK_UN)
