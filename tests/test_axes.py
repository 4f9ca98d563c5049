"""Axes: what a person may type for one, and what is shown for its values."""

from __future__ import annotations

import itertools
import json
import pickle
from datetime import date
from pathlib import Path

import hypothesis.strategies as st
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings

import gridgen as gg
from gridgen import Grid, GridError, Model, linked, value
from gridgen.frame import COLUMNS
from gridgen.grid import GridAxes
from gridgen.grid.axes import RESERVED
from gridgen.grid.cells import FIELDS, Cell, option_names

SEEDANCE = "seedance-2.0"
EXT = "grok-imagine-1.5-video-ext"


def durations(**typed: object) -> list[int | None]:
    """Return the durations of a grid."""
    return [cell.duration for cell in Grid(prompt="a", **typed)]


def test_six_axes_are_an_exact_product():
    """G1: any field of the model is an axis; values carry labels and notes; the last varies fastest."""
    grid = Grid(
        prompt=["a", "b"],
        model=SEEDANCE,
        size=["16:9", value("9:16", label="tall", note="for phones")],
        duration={"short": 5, "long": 10},
        quality=["480p", "720p"],
        seed=[1, 2, 3],
        audio=[True, False],
    )

    assert len(grid) == 2 * 2 * 2 * 2 * 3 * 2
    assert [
        (cell.prompt, cell.size, cell.duration, cell.quality, cell.seed, cell.audio) for cell in grid
    ] == list(
        itertools.product(["a", "b"], ["16:9", "9:16"], [5, 10], ["480p", "720p"], [1, 2, 3], [True, False])
    )
    axes = {axis.name: axis for axis in grid.axes}
    assert (axes["size"].labels, axes["size"].notes) == (("16:9", "tall"), ("", "for phones"))
    assert axes["duration"].labels == ("short", "long")
    assert axes["audio"].labels == ("on", "off")
    assert grid[0].body() == {
        "model": SEEDANCE,
        "prompt": "a",
        "size": "16:9",
        "duration": 5,
        "resolution": "480p",
        "seed": 1,
        "generate_audio": True,
    }


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("1, 2, .., 5", [1, 2, 3, 4, 5]),
        ("1,2,..,10", list(range(1, 11))),
        ("1, 2, ..., 6, 8, ... 14", [1, 2, 3, 4, 5, 6, 8, 10, 12, 14]),
        ("6,8,..,30", list(range(6, 31, 2))),
        ("30, 28, .., 24", [30, 28, 26, 24]),
        ("6, …, 9", [6, 7, 8, 9]),
        ("7", None),
        ("7, 9", [7, 9]),
    ],
)
def test_number_shorthand(text, numbers):
    """G6: dots go on in the step of the two numbers before them, as in Swarm and the infinity grid."""
    if numbers is None:
        with pytest.raises(GridError, match="takes a whole number as seed, not '7'"):
            Grid(prompt="a", model=SEEDANCE, seed=text)
    else:
        assert [cell.seed for cell in Grid(prompt="a", model=SEEDANCE, seed=text)] == numbers


def test_fractions_in_shorthand():
    """G6: Swarm's own example with a fraction is read to the letter, and refused where whole numbers are wanted."""
    from gridgen.values import listed

    read = listed("x", "1, 3, 5, 6, 6.5, .., 9, 11, 13", numeric=True)
    assert [each.value for each in read] == [1, 3, 5, 6, 6.5, 7, 7.5, 8, 8.5, 9, 11, 13]
    assert [each.value for each in listed("x", "7.0, 7.1, ..., 7.8", numeric=True)][-2:] == [7.7, 7.8]
    with pytest.raises(GridError, match=r"duration=6\.5 is a float"):
        Grid(prompt="a", duration="6, 6.5, .., 8")


@pytest.mark.parametrize(
    "text",
    ["6,8,..,11", "..,6", "6,..", "6,x", "6,,8", "6,6,..,8", "6,..,..,9", "8,6,..,30", "1,2,..,99999999"],
)
def test_bad_shorthand_is_a_clear_error(text):
    """Dots that lead nowhere, to no end or past it are an error that shows how it is written."""
    with pytest.raises(GridError, match="duration="):
        Grid(prompt="a", duration=text)


def test_ranges_arrays_and_series_are_axes():
    """G6: what numpy and pandas make is as good as a list; whole floats of linspace are whole numbers."""
    assert durations(duration=range(6, 10)) == [6, 7, 8, 9]
    assert durations(duration=np.linspace(6, 30, 5)) == [6, 12, 18, 24, 30]
    assert durations(duration=np.arange(6, 9)) == [6, 7, 8]
    assert durations(duration=np.array(7)) == [7]
    assert durations(duration=np.int64(7)) == [7]
    assert durations(duration=pd.Series([6, 8])) == [6, 8]
    assert durations(duration=(each for each in (6, 7))) == [6, 7]
    assert all(type(each) is int for each in durations(duration=np.linspace(6, 8, 3)))
    with pytest.raises(GridError, match=r"duration=6\.5 is a float"):
        Grid(prompt="a", duration=np.linspace(6, 7, 3))
    with pytest.raises(GridError, match="is taken for endless"):
        Grid(prompt="a", duration=itertools.count(6))


def test_none_states_nothing():
    """None on an axis of a further field is the request without it; its key is that of the request without it."""
    grid = Grid(prompt="a", model=SEEDANCE, seed=[None, 7])

    assert grid[0] == Grid(prompt="a", model=SEEDANCE)[0]
    assert "seed" not in grid[0].body()
    assert grid[1].key != grid[0].key
    assert (
        Grid(prompt="a", model="wan2.7", negative_prompt="")[0].key == Grid(prompt="a", model="wan2.7")[0].key
    )


def test_wire_names_are_understood():
    """A field under its name on the wire is the one that the catalogue calls otherwise."""
    assert Grid(prompt="a", model=SEEDANCE, generate_audio=True) == Grid(
        prompt="a", model=SEEDANCE, audio=True
    )


def test_a_model_of_ones_own():
    """A `Model` is an axis value as good as an id; what it takes is checked, sent and kept with its cells."""
    house = Model(
        "house-1", duration=(2, 4), quality=["720p"], options={"motion": int}, names={"quality": "tier"}
    )
    grid = Grid(prompt="a", model=[house, EXT], duration=[2, 6], quality="720p", motion=None)

    assert [(cell.model, cell.duration) for cell in grid] == [("house-1", 2), (EXT, 6)]
    assert grid[0].body() == {"model": "house-1", "prompt": "a", "duration": 2, "tier": "720p"}
    assert Grid(prompt="a", model=house, motion=3)[0].body()["motion"] == 3
    with pytest.raises(GridError, match="duration=9 is not offered by 'house-1'"):
        Grid(prompt="a", model=house, duration=9)


def test_an_unknown_field_names_the_nearest():
    """A keyword that is no field of the model says which is meant, also among fields of other models."""
    with pytest.raises(GridError, match=r"'sead' is not an axis \(did you mean 'seed'\?\)"):
        Grid(prompt="a", sead=1)
    with pytest.raises(GridError, match=r"audio=True is not offered by 'grok-imagine-1\.0-video-apimart'"):
        Grid(prompt="a", audio=True)
    with pytest.raises(GridError, match="takes a whole number as seed, not 'x'"):
        Grid(prompt="a", model=SEEDANCE, seed="x")


def test_every_field_of_the_catalogue_is_a_keyword():
    """A type checker knows each field that some model takes."""
    assert set(GridAxes.__annotations__) == {*FIELDS, *option_names(), "labels", "linked", "where", "exclude"}


def test_no_axis_is_called_like_a_column():
    """Names of the tables' own columns are reserved, all of them."""
    assert set(COLUMNS) | {"cell", "take", "skipped"} <= RESERVED


def test_cells_are_asked_by_name():
    """A cell gives fields, further fields and labels by name, None for a field that is not stated."""
    [cell] = Grid(linked(size=["1:1"], labels={"shape": "square"}), prompt="a", model=SEEDANCE, seed=3)

    assert (cell["size"], cell["seed"], cell["shape"], cell["audio"]) == ("1:1", 3, "square", None)
    assert (cell.seed, cell.shape, cell.audio) == (3, "square", None)
    with pytest.raises(KeyError):
        cell["colour"]
    with pytest.raises(AttributeError, match="a cell has no 'shap'; did you mean 'shape'"):
        cell.shap  # noqa: B018 - the misspelt name is what is tried
    assert pickle.loads(pickle.dumps(cell)) == cell
    assert Cell("a", "1:1", 5, "480p", (), SEEDANCE, {"seed": 3, "audio": None}) == cell


def test_committed_keys_with_further_fields():
    """Keys of cells with further fields are pinned for ever as well."""
    keys = json.loads(Path(__file__).with_name("keys_of_options.json").read_text("utf-8"))

    assert len(keys) == 10
    for each in keys:
        assert Grid(**each["typed"])[0].key == each["key"]


def test_the_order_of_fields_changes_no_key():
    """Further fields in another order, or mappings with their names in another order, mean the same."""
    one = Grid(prompt="a", model=SEEDANCE, seed=1, audio=True, tools=[[{"type": "web_search", "x": 1}]])[0]
    two = Grid(tools=[[{"x": 1, "type": "web_search"}]], audio=True, prompt="a", seed=1, model=SEEDANCE)[0]

    assert (one, one.key, hash(one)) == (two, two.key, hash(two))


def test_labels_and_notes_reach_the_table():
    """Numbers stay numbers in the table under whatever label; texts are their labels."""
    grid = Grid(prompt={"boat": "a paper boat", "fox": "a red fox"}, duration=[value(6, label="short"), 8])

    assert list(grid.df["prompt"].cat.categories) == ["boat", "fox"]
    assert grid.df["duration"].tolist() == [6, 8, 6, 8]
    assert [cell.prompt for cell in grid][:2] == ["a paper boat"] * 2


def test_public_names():
    """What a person needs for a grid is at the top of the package."""
    assert gg.value is value
    assert gg.linked is linked
    assert {"template", "search_replace", "open", "Preview", "Skipped"} <= set(gg.__all__)


ODD = [
    *(
        None,
        True,
        0,
        6,
        6.0,
        -1,
        "",
        "6",
        "16:9",
        b"x",
        [],
        [None],
        ["a", "a"],
        [6, 6.5],
        {"a": 1},
        {},
        {1, 2},
        (6,),
    ),
    *(
        range(6, 9),
        np.array([6, 7]),
        np.array([[1, 2], [3, 4]]),
        np.float64(6),
        pd.Series(["a", "b"]),
        object(),
    ),
    *(
        print,
        value(6, label="x"),
        value(None),
        [value("a"), "a"],
        gg.template("a {x}", x=["b"]),
        gg.template("a {y}"),
    ),
    *([gg.template("{a|b}"), "c"], linked(size=["16:9"]), date(2026, 1, 1), float("nan"), float("inf"), [[]]),
    *("https://e.org/a.png", [{"a": 1}], "6,8,..,12", "6,..", SEEDANCE, [SEEDANCE, "kling-v2-6"], Model("h")),
    *("\ud800", 10**30, ["\0"], {"a": {"b": 1}}),
]
"""What somebody may type by mistake."""

KEYWORDS = [
    *FIELDS[1:],
    "seed",
    "audio",
    "negative_prompt",
    "tools",
    "labels",
    "linked",
    "where",
    "exclude",
    "nope",
]


@settings(deadline=None, max_examples=300)
@given(
    st.dictionaries(st.sampled_from(KEYWORDS), st.sampled_from(ODD), min_size=1, max_size=4),
    st.sampled_from(ODD),
)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_anything_typed_is_a_grid_or_a_clear_error(typed, prompt):
    """Whatever is typed for whatever keyword: a grid that can be shown and submitted, or a GridError that says why not."""
    for each in ("a", prompt):
        try:
            grid, said = Grid(prompt=each, **typed), ""
        except GridError as error:
            grid, said = Grid(prompt="a"), str(error)
        assert not said or "Nothing" in said
        assert len({cell.key for cell in grid}) == len(grid)
        assert grid + grid == grid
        assert len(grid.df) == len(grid.combinations)
        assert sorted(grid.submit_order()) == list(range(len(grid)))
        assert all(cell.body()["model"] == cell.model for cell in grid)
        grid._repr_html_()
