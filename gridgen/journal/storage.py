"""How SQLite may keep a journal where a folder lies: write-ahead log, or rollback journal.

A write-ahead log needs all its users on one host, and a SQLite without the
WAL-reset bug.
"""

from __future__ import annotations

import functools
import re
import subprocess
from pathlib import Path
from typing import Literal

__all__ = ["MOUNTS", "file_system", "is_network", "journal_mode", "mounted"]

MOUNTS = Path("/proc/self/mounts")
"""Where Linux lists what is mounted."""

_NETWORK = frozenset(
    {
        "9p",
        "afpfs",
        "afs",
        "beegfs",
        "ceph",
        "cifs",
        "coda",
        "davfs",
        "drvfs",
        "glusterfs",
        "gpfs",
        "lustre",
        "ncpfs",
        "nfs",
        "nfs4",
        "orangefs",
        "pvfs2",
        "smb2",
        "smb3",
        "smbfs",
        "vboxsf",
        "virtiofs",
        "webdav",
    }
)
_FUSE_ON_A_DISK = frozenset({"fuseblk", "fuse.fuse-overlayfs", "fuse.mergerfs", "fuse.bindfs", "fusectl"})
_FIRST_WITH_WAL, _FIXED = (3, 7, 0), (3, 51, 3)
_BACKPORTED = {(3, 44): 6, (3, 50): 7}


def journal_mode(version: tuple[int, int, int], kind: str) -> Literal["WAL", "TRUNCATE"]:
    """Decide how SQLite keeps its changes.

    Parameters
    ----------
    version : tuple of int
        Of the SQLite library. From 3.7.0 to 3.51.2, but for 3.44.6 and 3.50.7 and
        later of those lines, two connections that write or checkpoint a write-ahead
        log at once may corrupt it (sqlite.org/wal.html#walresetbug, 2026-03-13).
        gridgen has one such connection, but a person may open the file as well.
    kind : str
        The file system's type. A write-ahead log is shared through memory, which
        other hosts do not see.
    """
    backport = _BACKPORTED.get(version[:2])
    mended = version >= _FIXED or (backport is not None and version[2] >= backport)
    affected = version >= _FIRST_WITH_WAL and not mended
    return "TRUNCATE" if affected or is_network(kind) else "WAL"


def is_network(kind: str) -> bool:
    """Return whether other hosts may have a file system of this type too."""
    kind = kind.lower()
    by_fuse = kind.startswith("fuse") or "fuse" in kind
    return kind in _NETWORK or (by_fuse and kind not in _FUSE_ON_A_DISK)


def file_system(path: Path, mounts: str) -> str:
    """Return the type of the file system that a path lies on, empty where it is not listed.

    Parameters
    ----------
    path : Path
        Absolute, with its links resolved.
    mounts : str
        As in ``/proc/self/mounts``, or as ``mount`` prints it on macOS and BSD.
    """
    if str(path).startswith(("\\\\", "//")):
        return "smbfs"
    found, deepest = "", -1
    for line in mounts.splitlines():
        point, kind = _mount(line)
        # of two mounts on one point the later one is on top
        if point is not None and path.is_relative_to(point) and len(point.parts) >= deepest:
            found, deepest = kind, len(point.parts)
    return found


def _mount(line: str) -> tuple[Path | None, str]:
    """Return the mount point and the type that one line tells."""
    printed = re.match(r".* on (/.*) \(([\w.-]+)", line)
    if printed:
        return Path(printed[1]), printed[2]
    words = line.split()
    if len(words) < 3 or not words[1].startswith("/"):  # noqa: PLR2004 - device, point, type
        return None, ""
    point = re.sub(r"\\([0-7]{3})", lambda code: chr(int(code[1], 8)), words[1])
    return Path(point), words[2]


def mounted() -> str:
    """Return what is mounted here, empty where nobody tells."""
    try:
        return MOUNTS.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return _printed_mounts()


@functools.cache
def _printed_mounts() -> str:
    try:
        asked = subprocess.run(["mount"], capture_output=True, text=True, timeout=5, check=False)  # noqa: S607 - wherever the system has it
    except (OSError, subprocess.SubprocessError):
        return ""
    return asked.stdout
