"""Binder: what repo2docker is told, and that an environment made so runs the first notebook."""

from __future__ import annotations

import hashlib
import os
import re
import resource
import shutil
import time
import tomllib
from typing import TYPE_CHECKING

import pytest
from environments import ROOT, environment, interpreter, run
from packaging.requirements import Requirement

if TYPE_CHECKING:
    from pathlib import Path

BINDER = ROOT / "binder"
PINS = [
    Requirement(line) for line in (BINDER / "requirements.txt").read_text().splitlines() if line[0] != "#"
]
NOTEBOOK = "01_first_grid.ipynb"


def version(pin: Requirement) -> str:
    """Return the one version that a pin allows."""
    (specifier,) = pin.specifier
    assert specifier.operator == "=="
    return specifier.version


def constraints() -> dict[str, str]:
    """Return the versions that the tests run with, by name."""
    lines = (ROOT / "tests" / "constraints.txt").read_text().splitlines()
    return {
        pin.name.lower(): version(pin) for pin in map(Requirement, (line for line in lines if line[0] != "#"))
    }


def test_everything_is_pinned_to_what_is_tested():
    """Each pin is exact and the version that the tests use; only the kernel is one of the kernel suite's."""
    tested = constraints()
    pinned = {pin.name: version(pin) for pin in PINS}
    suite = (ROOT / "tests" / "kernels" / "conftest.py").read_text()

    kernel = pinned.pop("ipykernel")
    assert f'"{kernel}"' in suite
    assert {name: tested[name] for name in pinned} == pinned


def test_what_the_package_needs_is_there():
    """Every run-time and lab requirement of pyproject.toml is met by a pin: gridgen goes in without its own."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    pinned = {pin.name: version(pin) for pin in PINS}

    for text in [*project["dependencies"], *project["optional-dependencies"]["lab"]]:
        needed = Requirement(text)
        assert needed.specifier.contains(pinned[needed.name]), text


def test_python_is_named_and_supported():
    """repo2docker falls back to Python 3.10 without a runtime.txt, below what pandas 3 takes."""
    found = re.fullmatch(r"python-(\d)\.(\d+)\n", (BINDER / "runtime.txt").read_text())

    assert found
    assert (3, 11) <= tuple(map(int, found.groups())) <= (3, 13)


def test_post_build_stops_at_the_first_error():
    """The postBuild script is executable; without `set -e` repo2docker would go on after an error."""
    lines = (BINDER / "postBuild").read_text().splitlines()

    assert os.access(BINDER / "postBuild", os.X_OK)
    assert lines[:2] == ["#!/usr/bin/env bash", "set -euo pipefail"]


def test_nothing_overrides_these_files():
    """A second folder is an error to repo2docker, and an environment.yml or Dockerfile would win silently."""
    assert not (ROOT / ".binder").exists()
    assert {path.name for path in BINDER.iterdir()} == {"postBuild", "requirements.txt", "runtime.txt"}


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Copy what a launch would see."""
    target = tmp_path / "repository"
    skipped = shutil.ignore_patterns(".*", "__pycache__", "*.egg-info")
    shutil.copytree(ROOT, target, ignore=skipped)
    for folder in (target / "notebooks").iterdir():
        if folder.is_dir() and folder.name != "images":
            shutil.rmtree(folder)
    return target


@pytest.mark.binder
@pytest.mark.timeout(600)
def test_repo2docker_reads_the_files_as_meant(checkout):
    """The image has the named Python, installs the pins before it copies the repository, then runs postBuild."""
    python = environment("repo2docker", ["install", "-q", "jupyter-repo2docker==2026.4.0"])
    docker = run([str(python), "-m", "repo2docker", "--no-build", "--debug", str(checkout)])

    pins = docker.index('pip install --no-cache-dir -r "binder/requirements.txt"')
    copied = docker.index("src/ ${REPO_DIR}/")
    built = docker.index("RUN ./binder/postBuild")
    assert pins < copied < built
    # the lock file of the named Python, as repo2docker spells paths: environment.py-3.12-64.lock
    assert "environment-2epy-2d3-2e12-" in docker


@pytest.mark.binder
@pytest.mark.timeout(900)
def test_its_environment_runs_the_first_notebook(checkout):
    """A fresh environment made from binder/ runs the notebook to its end in 60 s and 1 GB, without a key."""
    runtime = (BINDER / "runtime.txt").read_text().strip().removeprefix("python-")
    pins = ["install", "-q", "-r", str(BINDER / "requirements.txt")]
    contents = hashlib.sha256((BINDER / "requirements.txt").read_bytes()).hexdigest()[:8]
    python = environment(f"binder-{contents}", pins, python=interpreter(runtime))
    run([str(checkout / "binder" / "postBuild")], cwd=checkout, path=python.parent)

    start = time.perf_counter()
    command = [str(python), "-m", "jupyter", "execute", "--inplace", NOTEBOOK]
    run(command, cwd=checkout / "notebooks", path=python.parent)
    seconds = time.perf_counter() - start

    assert seconds < 60
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024 < 1_000_000_000
