"""What an older gridgen made stays made: its folders, bundles and pages, opened by this one."""

from __future__ import annotations

import json
import tarfile
import warnings
from pathlib import Path

import pytest

import gridgen as gg
from gridgen import Grid, Sweep

FIXTURES = Path(__file__).with_name("fixtures")
TYPED = json.loads((FIXTURES / "cells_of_bb77cf4.json").read_text("utf-8"))


@pytest.fixture
def older(tmp_path):
    """Return a folder with what gridgen at bb77cf4 made."""
    with tarfile.open(FIXTURES / "folders_of_bb77cf4.tar.xz") as packed:
        packed.extractall(tmp_path, filter="data")
    return tmp_path


def grid_of(rows: list[dict]) -> Grid:
    """Return the grid of what was typed, whatever it warns of."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return Grid.from_rows(rows)


def reopened(folder, client) -> Sweep:
    """Open a folder whose clips need no previews."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        sweep = gg.open(folder, client=client)
    sweep.previews = False
    return sweep


def posts(simulator) -> list[str]:
    """Return what was sent to the server."""
    return [seen.path for seen in simulator.requests if seen.method == "POST"]


@pytest.mark.parametrize("name", sorted(TYPED))
def test_no_cell_is_made_again(simulate, older, name):
    """Typed anew, one row at a time and all at once, each cell of every id finds its clip: nothing is submitted."""
    simulator = simulate()
    rows = TYPED[name]
    missed = []
    for row in rows:
        sweep = Sweep(grid_of([row]), client=simulator.client(), folder=older / name, previews=False)
        if [each.status for each in sweep.rows()] != ["done"]:
            missed.append(row)
    assert missed == []

    sweep = Sweep(grid_of(rows), client=simulator.client(), folder=older / name, previews=False)
    before = sweep.cost
    sweep.run()

    assert posts(simulator) == []
    assert set(sweep.counts()) == {"done"}
    assert sweep.cost == before > 0


@pytest.mark.parametrize("name", sorted(TYPED))
def test_a_folder_that_is_opened_goes_on(simulate, older, name):
    """Opened by the grid that is kept in it, or by its journal alone, a folder has all its clips and submits nothing."""
    simulator = simulate()
    reopened(older / name, simulator.client()).run()
    (older / name / "sweep.json").unlink()
    sweep = reopened(older / name, simulator.client())
    sweep.run()

    assert posts(simulator) == []
    assert set(sweep.counts()) == {"done"}


def test_bundles_and_ratings_stay(simulate, older):
    """A folder and a bundle with ratings open with clips, ratings and what was skipped, and submit nothing."""
    simulator = simulate()
    unpacked = gg.unpack(older / "plain.zip", older / "again")
    for sweep in (gg.open(older / "plain"), unpacked):
        assert sweep.counts() == {"skipped": 1, "done": 3}
        rated = sweep.df.query("status == 'done'")
        assert list(rated["rating"].dropna()) == [4.5, 2.0]
        assert rated["tags"].iloc[0] == "calm, best"
    for folder in ("plain", "again"):
        gg.open(older / folder, client=simulator.client()).run()

    assert posts(simulator) == []
