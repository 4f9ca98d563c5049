"""What tests/run makes of the shell that it is started from."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

RUN = Path(__file__).with_name("run")
KEPT = {
    "LANG": "C",
    "PYTHON": "python3",
    "CI": "true",
    "PYENV_ROOT": "",
    "https_proxy": "http://proxy:1 and words\non two lines",
    "NO_PROXY": "localhost",
    "SSL_CERT_FILE": "/certs",
    "NODE_EXTRA_CA_CERTS": "/certs",
    "PIP_INDEX_URL": "https://example.org/$HOME `id` \"'",
    "UV_INDEX_URL": "https://example.org",
    "npm_config_registry": "https://example.org",
    "NPM_CONFIG_CAFILE": "/certs",
}
STRANGE = {
    "XDG_RUNTIME_DIR": "/nowhere",
    "XDG_CACHE_HOME": "/nowhere",
    "DISPLAY": ":0",
    "DBUS_SESSION_BUS_ADDRESS": "unix:path=/nowhere",
    "LC_ALL": "C",
    "PYTHONPATH": "/nowhere",
    "PYTHONWARNINGS": "ignore",
    "PYTEST_ADDOPTS": "-k nothing",
    "GRIDGEN_DATA_DIR": "/nowhere",
    "APIMART_API_KEY": "none",
    "PIPELINE": "1",
}
OF_THE_SHELL = {"PWD", "OLDPWD", "SHLVL", "_"}


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder with tests/run and an interpreter that only notes the environment which it is given."""
    python = tmp_path / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text("#!/bin/sh\nenv -0 >environment\n", "utf-8")
    python.chmod(0o755)
    (tmp_path / "tests").mkdir()
    shutil.copy(RUN, tmp_path / "tests")
    for name in ("pyproject.toml", "tests/constraints.txt"):
        (tmp_path / name).write_text("", "utf-8")
    return tmp_path


def test_a_developers_shell_hides_nothing(checkout):
    """Case N3: of the shell that starts tests/run the checks see what the machine needs, unchanged, and nothing else."""
    needed = {"PATH": os.environ["PATH"], "HOME": str(checkout), "TMPDIR": str(checkout), **KEPT}
    done = subprocess.run(
        [checkout / "tests" / "run", "setup"],
        env={**needed, **STRANGE},
        capture_output=True,
        text=True,
        check=False,
    )
    noted = (checkout / "environment").read_text("utf-8").split("\0")[:-1]
    seen = dict(each.split("=", 1) for each in noted)

    assert (done.returncode, done.stderr) == (0, "")
    assert {name: seen[name] for name in seen if name not in OF_THE_SHELL} == needed


def test_words_reach_the_task_whole(checkout):
    """A word with blanks or stars that goes to pytest is the same after the start in a clean environment."""
    words = ["-k", "grid and *", ""]
    python = checkout / ".venv" / "bin" / "python"
    python.write_text('#!/bin/sh\nprintf "%s|" "$@" >words\n', "utf-8")
    subprocess.run(
        [checkout / "tests" / "run", "machine", *words],
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        check=True,
    )

    assert (checkout / "words").read_text("utf-8").split("|")[-4:-1] == words
