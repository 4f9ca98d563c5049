"""Virtual environments of their own, for tests that need other versions than the installed ones.

They are kept in the user's cache between runs, under a name that changes with what they hold.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "gridgen-tests"


def environment(name: str, *steps: list[str], python: str = sys.executable) -> Path:
    """Return the interpreter of an environment, made on first use by running pip with each step's words.

    Raises
    ------
    RuntimeError
        With pip's own last words, if a step fails.
    """
    key = hashlib.sha256(repr((python, steps)).encode()).hexdigest()[:8]
    folder = CACHE / f"{name}-{key}"
    inside = folder / "bin" / "python"
    if (folder / "complete").exists():
        return inside
    shutil.rmtree(folder, ignore_errors=True)
    run([python, "-m", "venv", str(folder)])
    for step in steps:
        run([str(inside), "-m", "pip", "--disable-pip-version-check", *step])
    (folder / "complete").touch()
    return inside


def run(command: list[str], *, cwd: Path = ROOT, path: Path | None = None) -> str:
    """Run a command to its end and return what it printed; `path` is a folder that goes before PATH."""
    surroundings = dict(os.environ)
    if path is not None:
        surroundings["PATH"] = f"{path}{os.pathsep}{surroundings['PATH']}"
    done = subprocess.run(
        command, cwd=cwd, env=surroundings, capture_output=True, text=True, timeout=900, check=False
    )
    if done.returncode:
        last = "\n".join((done.stdout + done.stderr).splitlines()[-30:])
        msg = f"{' '.join(command)} ended with {done.returncode}:\n{last}"
        raise RuntimeError(msg)
    return done.stdout + done.stderr


def interpreter(version: str) -> str:
    """Return a Python of that minor version, such as 3.12, from the PATH or from pyenv.

    Raises
    ------
    RuntimeError
        If there is none.
    """
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    found = [shutil.which(f"python{version}"), *sorted(map(str, pyenv.glob(f"{version}.*/bin/python")))]
    for each in filter(None, found):
        if subprocess.run([each, "-c", ""], capture_output=True, check=False).returncode == 0:
            return each
    msg = f"this suite needs Python {version}: install it (Debian, Ubuntu: python{version}; or pyenv install {version})"
    raise RuntimeError(msg)
