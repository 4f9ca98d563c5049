"""Tables as people read them and as spreadsheets write them."""

from __future__ import annotations

import math

import pytest

from gridgen import Grid, Simulator, Sweep


@pytest.fixture(scope="module")
def boats(tmp_path_factory) -> Sweep:
    """Return a finished sweep."""
    simulator = Simulator(speed=math.inf, clips="tiny")
    grid = Grid(prompt=["=1+1", "ein Boot, größer; 船"], size=["16:9", "9:16"])
    sweep = Sweep(grid, client=simulator.client(), folder=tmp_path_factory.mktemp("place") / "boats")
    sweep.run()
    return sweep


def test_the_table_begins_with_what_varies(boats):
    """Case U7: first the axes that vary, how each clip went, its cost and rating; last what is constant, ids and hashes."""
    columns = list(boats.df.columns)

    assert columns[:5] == ["prompt", "size", "status", "cost", "rating"]
    assert columns.index("error") < columns.index("duration") < columns.index("sha256")
    assert columns[-3:] == ["sha256", "task_id", "cell"]


def test_all_columns_are_still_there(boats):
    """Case U7: only the order of the columns has changed."""
    known = "cell take prompt size duration quality image_urls model status progress task_id path last_frame further url "
    known += (
        "expires_at submitted_at completed_at service_seconds cost error_class error width height fps frames "
    )
    known += "clip_seconds bytes sha256 rating pick tags note"

    assert sorted(boats.df.columns) == sorted(known.split())


def test_several_takes_stand_beside_the_axes(boats):
    """Case U7: where a cell has several takes, the take is among what varies."""
    several = Sweep(boats.grid, client=boats.client, folder=boats.folder, takes=2)

    assert list(several.df.columns)[:4] == ["prompt", "size", "take", "status"]


def test_other_tables_begin_with_their_axes_too(boats):
    """Case U7: no table of cells opens with a hash of 64 digits."""
    for table in (boats.grid.df, boats.costs.df, boats.estimate(ask=False).df):
        assert list(table.columns)[:2] == ["prompt", "size"]
        assert table.columns[-1] == "cell"
