"""One way to write a file: as a whole, or not at all."""

from __future__ import annotations

import contextlib
import glob
import os
import secrets
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["clear_parts", "write_atomically"]


@contextlib.contextmanager
def write_atomically(target: Path, *, mode: int = 0o666, shared: bool = False) -> Iterator[Path]:
    """Yield the path of an empty file beside the target, which takes its place when the block ends well.

    Where it does not end well, or the disk is full, the target is as it was.

    Parameters
    ----------
    target : Path
        In a folder that exists. A symbolic link is replaced, not written through.
    mode : int, default 0o666
        Permissions, less the umask; 0o600 for what is its owner's alone.
    shared : bool, default False
        Whether somebody else may write the same target at this moment. Then the part has a name
        that nobody else has; otherwise it has a fixed one, so that what a killed process left
        behind is used up by the next.

    Raises
    ------
    OSError
        If it cannot be written or replaced.
    """
    own = f"{os.getpid()}-{secrets.token_hex(8)}." if shared else ""
    part = target.with_name(f"{target.name}.{own}part")
    part.unlink(missing_ok=True)
    os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode))
    try:
        yield part
        with part.open("rb+") as file:
            os.fsync(file.fileno())
        part.replace(target)
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)


def clear_parts(target: Path) -> None:
    """Remove what other processes began to write in place of a shared target and did not end; only where none can be at it."""
    own = f"{target.name}.{os.getpid()}-"
    with contextlib.suppress(OSError):
        for part in target.parent.glob(f"{glob.escape(target.name)}.*-*.part"):
            if not part.name.startswith(own):
                part.unlink(missing_ok=True)
