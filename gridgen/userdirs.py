"""Folders of this user on this machine that no other user enters, and prints of secrets.

What lies here makes gridgen quicker or bolder, and may be missing: every
function says so by None instead of raising.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
import sys
import tempfile
from pathlib import Path

import platformdirs

__all__ = ["data_folder", "runtime_folder", "salt"]

ELSEWHERE = "GRIDGEN_DATA_DIR"
"""Environment variable that names another folder for all of it."""

_SALT_BYTES = 32


def data_folder() -> Path | None:
    """Return the folder for what outlives a restart of the machine, None where none can be had."""
    elsewhere = os.environ.get(ELSEWHERE)
    with contextlib.suppress(RuntimeError):  # platformdirs' word for a user who has no home
        return _own(Path(elsewhere) if elsewhere else platformdirs.user_data_path("gridgen", appauthor=False))
    return None


def runtime_folder() -> Path | None:
    """Return the folder for what running processes share, None where none can be had."""
    if elsewhere := os.environ.get(ELSEWHERE):
        return _own(Path(elsewhere))
    with contextlib.suppress(OSError, RuntimeError):
        base = _runtime_base()
        return None if base is None else _own(base / "gridgen")
    return None


def salt() -> str | None:
    """Return 64 hex digits that go into prints of secrets, the same for all processes; None where none can be kept."""
    folder = data_folder()
    return None if folder is None else _salt(folder / "salt")


def _runtime_base() -> Path | None:
    """Return the folder that platformdirs chooses, without the warning that it writes where it is told none.

    Every process of a user comes to the same one, also where only some are told the folder that a login makes.
    """
    named = os.environ.get("XDG_RUNTIME_DIR", "")
    if os.name != "posix" or (sys.platform == "darwin" and not named):
        return platformdirs.user_runtime_path()
    user = os.getuid()
    if Path(named).is_absolute() and _is_guarded(Path(named)) and (base := _own(Path(named), mend=False)):
        return base
    usual = Path(f"/run/user/{user}")
    if usual.is_dir() and (base := _own(usual, mend=False)):
        return base
    return _own(Path(tempfile.gettempdir(), f"runtime-{user}"))


def _is_guarded(folder: Path) -> bool:
    """Tell whether the folders above are there, and none lets everybody replace what lies in it."""
    try:
        above = [parent.stat().st_mode for parent in folder.parents]
    except OSError:
        return False
    return not any(mode & stat.S_IWOTH and not mode & stat.S_ISVTX for mode in above)


def _own(folder: Path, *, mend: bool = True) -> Path | None:
    """Make a folder of mode 0700; None if somebody else could look or write into it.

    A folder of this user's that is open to others is closed to them, or refused without `mend`.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        facts = folder.lstat()
        if not stat.S_ISDIR(facts.st_mode) or (hasattr(os, "getuid") and facts.st_uid != os.getuid()):
            return None
        if os.name == "posix" and stat.S_IMODE(facts.st_mode) & 0o077:
            if not mend:
                return None
            folder.chmod(0o700)
    except OSError:
        return None
    return folder


def _salt(path: Path) -> str | None:
    """Return the salt, made on first use; two processes that make it at once end with the same."""
    try:
        if not path.exists():
            _make_salt(path)
        salt = path.read_text(encoding="ascii")
    except (OSError, ValueError):
        return None
    return salt if len(salt) == 2 * _SALT_BYTES else None


def _make_salt(path: Path) -> None:
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix="salt.")
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(secrets.token_hex(_SALT_BYTES))
    try:
        with contextlib.suppress(FileExistsError):
            if hasattr(os, "link"):
                os.link(name, path)
            else:  # in pyodide, where no other process can have made it
                Path(name).rename(path)
    finally:
        Path(name).unlink(missing_ok=True)
