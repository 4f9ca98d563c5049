"""A file in which a simulated world outlives its process.

One JSON array a line, only ever appended, each line written whole before the reply
that it backs leaves: a killed process loses no accepted task. Several simulators may
share a file, one after the other or at once.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

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


__all__ = ["StateFile"]

_KINDS = ("task", "upload", "key", "revoked", "top-up", "time")
_BEGINNINGS = tuple(f'["{kind}",'.encode() for kind in _KINDS)


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

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other simulators from writing while the block runs."""
        _lock(self._file)
        try:
            yield
        finally:
            _unlock(self._file)

    def news(self) -> list[list[Any]]:
        """Return the records that were added since the last call; call it locked.

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
        records = [self._record(line) for line in text[:whole].splitlines()]
        half = text[whole:]
        if half:
            if not any(half.startswith(begin) or begin.startswith(half) for begin in _BEGINNINGS):
                raise self.foreign(half)
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

    def _record(self, line: bytes) -> list[Any]:
        try:
            record = json.loads(line)
        except ValueError:
            record = None
        if not isinstance(record, list) or len(record) < 2 or record[0] not in _KINDS:  # noqa: PLR2004
            raise self.foreign(line)
        return record

    def foreign(self, line: bytes) -> ValueError:
        """Return the error that says that the file, having such a line, is no log of a world."""
        return ValueError(
            f"{self.path} is not a simulator's state (a line of it reads {line[:40]!r}). "
            "Name another file, or remove this one to begin anew."
        )
