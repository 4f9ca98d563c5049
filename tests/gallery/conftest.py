"""Sweeps, pages and a browser for the tests of the wall."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

sys.path.append(str(Path(__file__).parents[1] / "browser"))

from fake_sweep import FakeSweep
from lab import chromium

from gridgen.gallery import Gallery
from gridgen.grid import Grid

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A Chromium that plays H.264; for one module, since its driver keeps an event loop running."""
    with chromium() as started:
        yield started


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The root of a files route, with a notebook in it that the kernel is told of."""
    (tmp_path / "nb").mkdir()
    monkeypatch.setenv("JPY_SESSION_NAME", str(tmp_path / "nb" / "first.ipynb"))
    return tmp_path


@pytest.fixture
def sweep(served: Path) -> FakeSweep:
    """Four cells, nothing sent yet."""
    grid = Grid(prompt=["a paper boat", "a red fox"], size=["16:9", "9:16"], duration=6)
    return FakeSweep(grid, served / "nb" / "boats")


@pytest.fixture
def done(sweep: FakeSweep) -> FakeSweep:
    """Four finished cells."""
    for row in sweep.rows():
        sweep.finish(row.index)
    return sweep


@pytest.fixture
def gallery(sweep: FakeSweep) -> Iterator[Gallery]:
    """Its gallery, sizes in columns."""
    made = Gallery(sweep, rows="prompt", cols="size")
    yield made
    made.close()
