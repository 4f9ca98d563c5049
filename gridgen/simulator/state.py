"""Files in which a simulated world outlives its process: one of its own, or one in each sweep's folder.

One JSON array a line, only ever appended, each line written whole before the reply
that it backs leaves: a killed process loses no accepted task. Several simulators may
share a file, one after the other or at once. A file may come from anybody, so that
all of it is checked before any of it counts.
"""

from __future__ import annotations

import contextlib
import json
import os
import stat
import sys
import warnings
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

T = TypeVar("T")

if sys.platform == "win32":  # no flock: one simulator at a time there

    def _lock(file: int) -> None:
        pass

    def _unlock(file: int) -> None:
        pass

else:
    import fcntl

    def _lock(file: int) -> None:
        fcntl.flock(file, fcntl.LOCK_EX)

    def _unlock(file: int) -> None:
        fcntl.flock(file, fcntl.LOCK_UN)


__all__ = ["KEPT", "Copies", "StateFile", "is_time", "warn_of_loss"]

KEPT = "simulator.jsonl"
"""What the file in a sweep's folder is called."""

_LARGEST = 2**28
"""Bytes of the largest file that is taken in from a sweep's folder."""

_KINDS = ("task", "upload", "key", "revoked", "top-up", "time")
_BEGINNINGS = tuple(f'["{kind}",'.encode() for kind in _KINDS)


_LATEST = 4_102_444_800.0
"""The latest time that a file may tell, in Unix seconds (the year 2100): a clock goes on from it."""


def is_time(value: object) -> bool:
    """Whether something that a file holds can be a moment of a world's time."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= _LATEST


class StateFile:
    """The log of a world.

    Parameters
    ----------
    path : str or Path
        Made when absent, readable by its owner only; its folder must exist.

    Raises
    ------
    OSError
        If the file cannot be opened.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0)
        try:
            self._file = os.open(self.path, flags, 0o600)
        except OSError as error:
            msg = f"state={str(path)!r} cannot be opened ({error.strerror}); its folder must exist."
            raise OSError(error.errno, msg) from None
        self._read_to = 0

    @property
    def lies_there(self) -> bool:
        """Whether it still is what its path leads to."""
        try:
            return os.path.samestat(os.fstat(self._file), self.path.stat(follow_symlinks=False))
        except OSError:
            return False

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other simulators from writing while the block runs."""
        _lock(self._file)
        try:
            yield
        finally:
            _unlock(self._file)

    def news(self, take: Callable[[list[Any]], T]) -> list[T]:
        """Return the records that were added since the last call, as `take` makes them; call it locked.

        Half a line at the end, left by a crash of the machine, is cut off.

        Raises
        ------
        ValueError
            If the file is something else than such a log; it is left as it is.
        """
        size = os.fstat(self._file).st_size
        if size <= self._read_to:
            return []
        text = self._tail(size)
        whole = text.rfind(b"\n") + 1
        records = [self._record(line, take) for line in text[:whole].splitlines()]
        half = text[whole:]
        if half:
            if not any(half.startswith(begin) or begin.startswith(half) for begin in _BEGINNINGS):
                raise self._foreign(half)
            os.ftruncate(self._file, self._read_to + whole)
        self._read_to += whole
        return records

    def append(self, record: list[Any]) -> None:
        """Add a record; call it locked, after `news`."""
        line = memoryview(json.dumps(record, separators=(",", ":")).encode() + b"\n")
        self._read_to += len(line)
        while line:
            line = line[os.write(self._file, line) :]

    def close(self) -> None:
        """Close the file; a second call does nothing."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _tail(self, size: int) -> bytes:
        os.lseek(self._file, self._read_to, os.SEEK_SET)
        parts = []
        left = size - self._read_to
        while left:
            part = os.read(self._file, left)
            if not part:
                break
            parts.append(part)
            left -= len(part)
        return b"".join(parts)

    def _record(self, line: bytes, take: Callable[[list[Any]], T]) -> T:
        try:
            record = json.loads(line)
            if not isinstance(record, list) or len(record) < 2 or record[0] not in _KINDS:  # noqa: PLR2004 - a kind and what it tells
                raise self._foreign(line)
            return take(record)
        except (TypeError, ValueError, AttributeError, LookupError, ArithmeticError, RecursionError):
            raise self._foreign(line) from None

    def _foreign(self, line: bytes) -> ValueError:
        return ValueError(
            f"{self.path} is not a simulator's state (a line of it reads {line[:40]!r}). "
            "Name another file, or remove this one to begin anew."
        )


class Copies:
    """The files in folders of sweeps, each open while a sweep of its folder is at work."""

    def __init__(self) -> None:
        self._files: dict[Path, StateFile] = {}
        self._users: Counter[Path] = Counter()

    def __bool__(self) -> bool:
        return bool(self._users)

    def join(self, path: Path) -> bool:
        """Begin to write to a file, or count one more who wants that; say whether it is open anew.

        Raises
        ------
        OSError
            If it cannot be opened.
        ValueError
            If it is no plain file, or too large.
        """
        known = self._files.get(path)
        new = known is None or not known.lies_there
        if new:
            _check_plain(path)
            if known is not None:
                known.close()
            self._files[path] = StateFile(path)
        self._users[path] += 1
        return new

    def leave(self, path: Path) -> None:
        """Count one less who wants it, and write to it no more when there is none."""
        self._users -= Counter([path])

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other simulators from writing to them while the block runs."""
        with contextlib.ExitStack() as held:
            # in one order, so that two simulators never wait for each other
            for path in sorted(self._users):
                held.enter_context(self._files[path].locked())
            yield

    def news(self, take: Callable[[list[Any]], T]) -> list[T]:
        """Do as `StateFile.news` for all of them; one that was spoilt meanwhile is let go."""
        found = []
        for path in tuple(self._users):
            try:
                found += self._files[path].news(take)
            except (OSError, ValueError) as error:
                self._give_up(path, error)
        return found

    def append(self, record: list[Any], only: Path | None = None) -> None:
        """Add a record to all of them, or to one; what cannot be written is let go."""
        for path in [each for each in self._users if only in {None, each}]:
            try:
                self._files[path].append(record)
            except OSError as error:
                self._give_up(path, error)

    def close(self) -> None:
        """Close them; a second call does nothing."""
        self._users.clear()
        for file in self._files.values():
            file.close()

    def _give_up(self, path: Path, error: Exception) -> None:
        del self._users[path]
        warn_of_loss(error)


def warn_of_loss(error: Exception) -> None:
    """Say that a folder's file is not written to, and what that means."""
    msg = f"{error} It is left as it is, and what this simulator makes is gone with its process."
    warnings.warn(msg, UserWarning, stacklevel=2)


def _check_plain(path: Path) -> None:
    try:
        found = path.stat(follow_symlinks=False)
    except FileNotFoundError:
        return
    if not stat.S_ISREG(found.st_mode) or found.st_size > _LARGEST:
        what = "larger than 256 MB" if stat.S_ISREG(found.st_mode) else "no plain file"
        msg = f"{path} is {what}, and so no simulator's state. Remove it to begin anew."
        raise ValueError(msg)
