"""The README, done as it says: its first command, and its Python from the first block to the last."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import IO

import httpx

import gridgen as gg

ROOT = Path(__file__).parents[1]
QUICK = 'gg.Simulator(speed=float("inf"), clips="tiny").client()'


def blocks() -> list[str]:
    """Return the README's blocks of Python, on a simulator that makes nobody wait; each client is a line of its own."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    found = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    clients = r"gg\.(?:Simulator\(\)\.client|Client)\(\)"
    assert sum(len(re.findall(clients, block)) for block in found) == 2
    return [re.sub(clients, QUICK, block) for block in found]


def test_the_readme_does_what_it_says(tmp_path, monkeypatch):
    """Its examples run as they stand: clips are made and shown, the grid is thinned, and what is added costs alone."""
    monkeypatch.chdir(tmp_path)
    names: dict = {}
    first, second, third = blocks()
    exec(first, names)
    sweep = names["sweep"]
    sweep.wait()
    assert sweep.counts() == {"done": 8}
    assert sweep.estimate().videos == 0

    again = gg.open("boats")
    assert again.grid == names["grid"]
    longer = again.grid.extend(duration=15)
    assert gg.Sweep(longer, client=sweep.client, folder="boats").estimate().videos == 4

    sweep.ratings.rate([0, 3], pick=True)
    assert len(sweep.grid.promote(sweep.df.query("pick"), duration=10, quality="720p")) == 2

    exec(second, names)
    grid = names["grid"]
    assert {each.reason for each in grid.skipped} == {"too dark to see"}
    assert len(grid.sample(method="pairwise")) < len(grid) / 2
    assert 0 < len(grid.fit(2.00)) < len(grid)
    assert grid.fit(2.00).estimate().usd <= 2

    exec(third, names)
    assert "budget" in str(names["sweep"].estimate())
    assert names["sweep"].waits_for == ()


def test_a_bare_machine_is_told_nothing(tmp_path):
    """Case N3: a process that knows PATH and HOME alone runs the ten lines as they stand, and writes nothing to stderr."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    ten = re.findall(r"```python\n(.*?)```", text, re.DOTALL)[0]
    done = subprocess.run(
        [sys.executable, "-c", f"{ten}\nsweep.wait()\nprint(sweep.counts())"],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.stdout, done.stderr) == ("{'done': 8}\n", "")


def printed(log: IO[str]) -> tuple[str, str]:
    """Return the address and the token that JupyterLab prints."""
    said = []
    for line in log:
        said.append(line)
        if found := re.search(r"(http://127\.0\.0\.1:\d+)/lab\?token=(\w+)", line):
            return found[1], found[2]
    raise AssertionError("".join(said))


def test_jupyterlab_starts_in_a_container(tmp_path):
    """Case N5: the first command with what README adds to it serves the notebook, to the token alone, without a display.

    Where the tests run as root this is root's start: without the addition JupyterLab ends.
    """
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    (shell, added) = re.findall(r"```sh\n.*&& (.*)\n```|container, add `(.*?)`", text)
    program, *words = shlex.split(f"{shell[0]} {added[1]}")
    command = [Path(sys.executable).with_name(Path(program).name), *words]
    surroundings = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    with subprocess.Popen(command, cwd=ROOT, env=surroundings, stderr=subprocess.PIPE, text=True) as server:
        try:
            base, token = printed(server.stderr)
            notebook = f"{base}/api/contents/{Path(words[1]).name}"
            page = httpx.get(f"{base}/lab", params={"token": token}, trust_env=False, timeout=60)
            stranger = httpx.get(notebook, trust_env=False, timeout=60)
            told = httpx.get(notebook, params={"token": token}, trust_env=False, timeout=60)
        finally:
            server.terminate()

    assert "<title>JupyterLab</title>" in page.text
    assert stranger.status_code == 403
    assert told.json()["type"] == "notebook"
