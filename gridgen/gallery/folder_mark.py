"""A random text in a sweep's folder, by which a page knows the folder among its copies."""

from __future__ import annotations

import hashlib
import secrets
from typing import TYPE_CHECKING

from gridgen.atomic import write_atomically

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["folder_mark"]

_NAME = "folder-mark.txt"
_DIGITS = 32


def folder_mark(folder: Path) -> str | None:
    """Return a folder's mark, which is written at its first use.

    A copy of a folder holds the mark of its origin. So the mark ends with a digest of the
    place where it was made, and where that is another one it is made anew.

    Parameters
    ----------
    folder : Path

    Returns
    -------
    str or None
        64 hexadecimal digits; None for a folder that is not there or cannot be written.
    """
    file = folder / _NAME
    try:
        with file.open(encoding="ascii") as opened:
            found = opened.read(_DIGITS * 2 + 1)
    except (OSError, ValueError):
        found = ""
    if found == _made(found[:_DIGITS], folder):
        return found
    mark = _made(secrets.token_hex(_DIGITS // 2), folder)
    try:
        with write_atomically(file, mode=0o600, shared=True) as part:
            part.write_text(mark, "ascii")
    except OSError:
        return None
    return mark


def _made(start: str, folder: Path) -> str:
    place = hashlib.sha256(f"{start}{folder.resolve()}".encode("utf-8", "surrogateescape")).hexdigest()
    return start + place[:_DIGITS]
