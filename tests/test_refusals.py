"""What would be taken silently and followed by nothing is refused: attributes, and names of other kinds of files."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

import pytest

import gridgen
from gridgen import Client, Grid, GridError, GridgenError, Simulator, Sweep


@pytest.fixture(scope="module")
def boats(tmp_path_factory) -> Sweep:
    """Return a finished sweep."""
    simulator = Simulator(speed=math.inf, clips="tiny")
    folder = tmp_path_factory.mktemp("place") / "boats"
    sweep = Sweep(Grid(prompt=["a", "b"]), client=simulator.client(), folder=folder, budget=1)
    sweep.run()
    return sweep


ATTRIBUTES = {
    "grid": (Grid(prompt="c"), r"the grid of a Sweep cannot be set: another Sweep\("),
    "folder": ("elsewhere", r"gridgen\.open"),
    "takes": (3, r"another Sweep\("),
    "name": ("x", "cannot be set"),
    "origin": ("apimart", "cannot be set"),
    "budget": ("much", "not a sum of money in USD"),
    "previews": ("some", "neither True nor False"),
    "disk_quota": (-5, "not a number of bytes"),
    "workers": (4, r"ProcessPoolExecutor\(4\)"),
    "client": (3, r"client= is a gridgen\.Client"),
    "bugdet": (3, r"has no 'bugdet' \(did you mean 'budget'\?\)"),
    "df": (3, "not to be set"),
    "cost": (0, "not to be set"),
}


@pytest.mark.parametrize("name", ATTRIBUTES)
def test_an_attribute_that_nothing_follows_is_refused(boats, name):
    """Case U10: setting what is settled, what is not there, or nonsense says so and changes nothing."""
    value, said = ATTRIBUTES[name]
    before = {each: getattr(boats, each, None) for each in ATTRIBUTES if each != "df"}
    with pytest.raises(GridgenError, match=said):
        setattr(boats, name, value)

    assert {each: getattr(boats, each, None) for each in ATTRIBUTES if each != "df"} == before


@pytest.mark.parametrize("value", [-1, math.nan, True, math.inf])
def test_a_budget_is_a_sum(boats, value):
    """Case U10: a budget that is set later is checked as that of the beginning is."""
    with pytest.raises(GridError, match="not a sum of money"):
        boats.budget = value


def test_what_may_be_set_still_is(boats):
    """Case U10: budget, previews, quota and client may change at any time, and read back as they are used."""
    boats.budget, boats.previews, boats.disk_quota, boats.client = "2.50", False, 10**9, boats.client

    assert (boats.budget, boats.previews, boats.disk_quota) == (Decimal("2.50"), False, 10**9)
    boats.budget = boats.disk_quota = None
    assert boats.budget is None


def test_grids_and_clients_take_no_attributes():
    """Case U10: an axis set on a grid and a key set on a client would be ignored, so each is refused."""
    grid: Any = Grid(prompt="a")
    client: Any = Client("sk-x")
    for thing, name, said in (
        (grid, "duration", "a Grid has no 'duration'; nothing of it may be set"),
        (grid, "axes", r"extend\("),
        (grid, "combinations", "make new grids"),
        (client, "api_key", r"sweep\.client = client"),
        (client, "base_url", r"another gridgen\.Client"),
        (client, "timeout", "has no 'timeout'"),
    ):
        with pytest.raises(GridgenError, match=said) as caught:
            setattr(thing, name, "sk-CANARY")
        assert "CANARY" not in str(caught.value)
    client.close()


NAMES = {
    "to_html": ["x.pdf", "x.csv", "x.mp4", "x.PNG", "x.xlsx", "x.json"],
    "to_image": ["x.html", "x.pdf", "x.zip", "x"],
    "to_zip": ["x.html", "x.tar", "x"],
    "snapshot": ["x.html", "x.zip", "sweep.csv", "x.mp4"],
}


@pytest.mark.parametrize(("verb", "name"), [(verb, name) for verb, names in NAMES.items() for name in names])
def test_a_name_of_another_kind_is_refused(boats, tmp_path, verb, name):
    """Case U10: a page called x.pdf, a picture called x.html and the like are refused, and nothing is written."""
    with pytest.raises(GridError, match=r"Nothing was written\."):
        getattr(boats, verb)(tmp_path / name)

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["pages", "v1.2", "example.org"])
def test_other_names_are_folders_of_pages_still(boats, tmp_path, name):
    """Case U10: a folder may be called as it likes, with a dot in it as well."""
    assert boats.to_html(tmp_path / name).path == tmp_path / name / "index.html"


@pytest.mark.parametrize("name", ["sweep.csv", "journal.sqlite"])
def test_other_files_are_no_ratings(boats, name):
    """Case U10: a file of another kind given to merge is called that, not an error of a parser."""
    with pytest.raises(
        GridError, match=r"is not a ratings file of an exported page: it is not JSON"
    ) as caught:
        boats.ratings.merge(boats.folder / name)

    assert str(caught.value).endswith("Nothing was merged.")


def test_a_folder_is_opened_with_a_client_or_none(boats):
    """Case U10: something else than a client is refused before the folder is read."""
    with pytest.raises(GridError, match=r"client= is a gridgen\.Client, not a int"):
        gridgen.open(boats.folder, client=3)  # type: ignore[arg-type]  # that is the mistake
