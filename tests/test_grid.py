"""Grids: what a person may type, what comes of it, and what a cell is called for ever."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis.strategies as st
import pandas as pd
import pytest
from hypothesis import given

from gridgen import Cell, Grid, GridError

if TYPE_CHECKING:
    import random

DEFAULT = "grok-imagine-1.0-video-apimart"
EXT = "grok-imagine-1.5-video-ext"
KEYS = json.loads(Path(__file__).with_name("keys.json").read_text("utf-8"))


def test_last_axis_varies_fastest():
    """The product is in the order in which it was typed, the last axis fastest."""
    grid = Grid(prompt=["a", "b"], size=["16:9", "9:16"], duration=[6, 10])

    assert [(cell.prompt, cell.size, cell.duration) for cell in grid] == [
        ("a", "16:9", 6),
        ("a", "16:9", 10),
        ("a", "9:16", 6),
        ("a", "9:16", 10),
        ("b", "16:9", 6),
        ("b", "16:9", 10),
        ("b", "9:16", 6),
        ("b", "9:16", 10),
    ]


def test_the_typed_order_of_axes_counts():
    """Whoever types duration before prompt gets the prompt fastest."""
    grid = Grid(duration=[6, 10], prompt=["a", "b"])

    assert [(cell.duration, cell.prompt) for cell in grid] == [(6, "a"), (6, "b"), (10, "a"), (10, "b")]


def test_a_grid_is_a_sequence():
    """Length, index, negative index, slice and iteration agree with one another."""
    grid = Grid(prompt=["a", "b", "c"], duration=[6, 7])

    assert len(grid) == 6
    assert grid[-1] == list(grid)[5]
    assert list(grid[1:4]) == list(grid)[1:4]
    assert list(grid[::-1]) == list(grid)[::-1]
    assert grid[2] in grid
    assert grid.coordinates(3)["duration"] == 1
    with pytest.raises(IndexError):
        grid[6]


def test_scalars_are_axes_of_one_and_strings_are_never_characters():
    """A lone text is one prompt, and what is left out takes the contract's default."""
    assert list(Grid(prompt="boat")) == [Cell("boat", "16:9", 6, "480p", (), DEFAULT)]


def test_any_ordered_iterable_is_an_axis():
    """Ranges, tuples, Series and numpy integers are as good as a list."""
    assert [cell.duration for cell in Grid(prompt="a", duration=range(6, 9))] == [6, 7, 8]
    durations = Grid(prompt="a", duration=pd.Series([6, 8]).to_numpy())
    assert [type(cell.duration) for cell in durations] == [int, int]


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"duration": "6"}, "duration='6' is a str, not a whole number of seconds (6 to 30)"),
        ({"duration": 6.0}, "duration=6.0 is a float"),
        ({"duration": True}, "duration=True is a bool"),
        ({"duration": 5}, "duration=5 is not offered by 'grok-imagine-1.0-video-apimart' (offered: 6 to 30"),
        ({"duration": 31}, "duration=31 is not offered"),
        (
            {"duration": [6, 16], "model": EXT},
            "duration=16 is not offered by 'grok-imagine-1.5-video-ext' (offered: 6 to 15",
        ),
        (
            {"size": "4:5"},
            "size='4:5' is not offered by 'grok-imagine-1.0-video-apimart' (offered: 16:9, 9:16, 1:1, 3:2, 2:3)",
        ),
        ({"size": 169}, "size=169 is not offered"),
        (
            {"quality": "1080p"},
            "quality='1080p' is not offered by 'grok-imagine-1.0-video-apimart' (offered: 480p, 720p)",
        ),
        ({"prompt": ""}, "prompt='' is empty"),
        ({"prompt": " \n"}, "is empty"),
        ({"prompt": 7}, "prompt=7 is a int, not a text"),
        ({"prompt": "\ud800"}, "lone surrogate"),
        ({"prompt": []}, "prompt=[] is an empty axis"),
        ({"size": []}, "size=[] is an empty axis"),
        ({"image_urls": []}, "image_urls=[] is an empty axis"),
        ({"prompt": {"a", "b"}}, "has no order"),
        ({"prompt": ["a", "a"]}, "prompt='a' is on the axis twice"),
        ({"duration": [6, 6]}, "duration=6 is on the axis twice"),
        ({"model": ""}, "model='' is not the name of a model, such as 'grok-imagine-1.0-video-apimart'"),
        ({"model": [DEFAULT, ["b"]]}, "model=['b'] is not the name of a model"),
        ({"durations": 6}, "'durations' is not an axis (did you mean 'duration'?)"),
        ({"image_urls": "data:image/png;base64,AAAA"}, "is not public"),
        ({"image_urls": ["file:///etc/passwd"]}, "is not public"),
        ({"image_urls": "http://[::1"}, "is not public"),
        ({"image_urls": [[7]]}, "image 7 is a int, not a URL, a path, bytes, a Pillow image or an array"),
        ({"image_urls": [[]]}, "write None for no image"),
        (
            {"image_urls": [[f"https://e.org/{n}.png" for n in range(8)]]},
            "has 8 images in one value; '" + DEFAULT + "' takes at most 7",
        ),
        ({"image_urls": {"a": 1}}, "is not a list of URLs"),
    ],
)
def test_bad_input_is_a_clear_error(typed, said):
    """Every wrong value fails on the line that was typed, says what is legal, and that nothing was sent."""
    with pytest.raises(GridError) as caught:
        Grid(**{"prompt": "a", **typed})

    assert said in str(caught.value)
    assert "Nothing was submitted." in str(caught.value)


def test_an_unknown_model_is_a_warning():
    """G11: what the catalogue does not know is not refused: the nearest is named, and only what is stated is sent."""
    with pytest.warns(
        UserWarning, match=r"'kling-v2.6' is not in the catalogue \(nearest: 'kling-v2-6'"
    ) as caught:
        [cell] = Grid(prompt="a", model="kling-v2.6", duration=99)

    assert caught[0].filename == __file__
    assert cell.body() == {"model": "kling-v2.6", "prompt": "a", "duration": 99}
    assert cell.price() is None


def test_all_bad_values_are_named_at_once():
    """Four mistakes on four axes are four lines of one error."""
    with pytest.raises(GridError) as caught:
        Grid(prompt="", size=["4:5", "16:9"], duration=[5, 6, 31], colour="red")

    said = str(caught.value)
    assert [
        word in said for word in ("prompt=''", "size='4:5'", "duration=5", "duration=31", "'colour'")
    ] == [True] * 5


def test_a_missing_prompt_is_a_grid_error():
    """A grid without a prompt says that one is needed."""
    with pytest.raises(GridError, match="prompt= is missing"):
        Grid(size="16:9")


def test_two_urls_in_a_flat_list_show_both_spellings():
    """One clip with two images and two clips with one each are different wishes."""
    with pytest.raises(GridError) as caught:
        Grid(prompt="a", image_urls=["https://e.org/a.png", "https://e.org/b.png"])

    assert "image_urls=[['https://e.org/a.png', 'https://e.org/b.png']] for one clip with 2 images" in str(
        caught.value
    )
    assert "image_urls=[['https://e.org/a.png'], ['https://e.org/b.png']] for an axis" in str(caught.value)


def test_image_values():
    """A bare string is a list of one, None means no image, a list of lists is an axis."""
    assert Grid(prompt="a", image_urls="https://e.org/a.png")[0].image_urls == ("https://e.org/a.png",)
    assert Grid(prompt="a", image_urls=["https://e.org/a.png"])[0].image_urls == ("https://e.org/a.png",)
    grid = Grid(prompt="a", image_urls=[None, ["https://e.org/a.png", "https://e.org/b.png"]])
    assert [cell.image_urls for cell in grid] == [(), ("https://e.org/a.png", "https://e.org/b.png")]
    assert list(grid.df["image_urls"]) == ["no image", "a.png + b.png"]


def test_seven_images_are_legal():
    """The limit of the contract is seven, included."""
    urls = [f"https://e.org/{n}.png" for n in range(7)]
    assert Grid(prompt="a", image_urls=[urls])[0].image_urls == tuple(urls)


def test_image_labels_stay_apart():
    """Two images of the same file name get labels that differ."""
    grid = Grid(
        prompt="a",
        image_urls=[["https://a.org/x.png?t=1"], ["https://b.org/x.png"], ["https://b.org/x.png?u"]],
    )
    labels = next(axis.labels for axis in grid.axes if axis.name == "image_urls")
    assert len(set(labels)) == 3


def test_size_beside_an_image_is_warned_of():
    """Cells that differ only in a size which the model ignores are named, on the caller's line, with their price."""
    with pytest.warns(
        UserWarning, match=r"1 of 4 cells \(index 3\).*'grok-imagine-1.5-video-ext' ignores"
    ) as caught:
        Grid(prompt="a", image_urls=[None, "https://e.org/a.png"], size=["16:9", "9:16"], model=EXT)

    assert "They would cost $0.061 more" in str(caught[0].message)
    assert caught[0].filename == __file__


def test_no_warning_without_an_image():
    """Sizes of text-to-video cells are all different clips."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(Grid(prompt="a", size=["16:9", "9:16"])) == 2


def test_committed_keys():
    """Ten keys are pinned for ever: folders that people have must keep matching."""
    assert len(KEYS) == 10
    for each in KEYS:
        assert Grid(**each["typed"])[0].key == each["key"]


def test_naming_the_default_changes_no_key():
    """What is meant counts, not what is spelled out."""
    spelled = Grid(model=DEFAULT, quality="480p", duration=6, size="16:9", image_urls=None, prompt="boat")
    assert spelled[0].key == Grid(prompt="boat")[0].key


FIELDS = {
    "prompt": st.lists(
        st.text(st.characters(codec="utf-8"), min_size=1).filter(str.strip),
        min_size=1,
        max_size=3,
        unique=True,
    ),
    "size": st.lists(
        st.sampled_from(["16:9", "9:16", "1:1", "3:2", "2:3"]), min_size=1, max_size=3, unique=True
    ),
    "duration": st.lists(st.integers(6, 15), min_size=1, max_size=3, unique=True),
    "quality": st.lists(st.sampled_from(["480p", "720p"]), min_size=1, unique=True),
    "model": st.lists(st.sampled_from([DEFAULT, EXT]), min_size=1, unique=True),
}


@given(st.fixed_dictionaries(FIELDS), st.randoms(use_true_random=False))
def test_reordering_axes_keeps_every_key(typed, shuffled: random.Random):
    """The set of cells, and each cell's key, does not depend on the order of axes or values."""
    names = list(typed)
    shuffled.shuffle(names)
    other = Grid(**{name: shuffled.sample(typed[name], len(typed[name])) for name in names})

    assert {cell.key for cell in Grid(**typed)} == {cell.key for cell in other}


@given(st.fixed_dictionaries(FIELDS))
def test_keys_are_unique_within_a_grid(typed):
    """Two cells of one grid never share a key."""
    grid = Grid(**typed)
    assert len({cell.key for cell in grid}) == len(grid)


def test_df_has_one_row_per_cell():
    """Text axes are ordered categoricals in the order typed, numbers are numbers."""
    table = Grid(prompt=["b", "a"], duration=[10, 6]).df

    assert list(table.columns) == ["prompt", "duration", "model", "size", "quality", "image_urls", "cell"]
    assert list(table["prompt"].cat.categories) == ["b", "a"]
    assert table["prompt"].cat.ordered
    assert table["duration"].dtype == "int64"
    assert list(table["duration"]) == [10, 6, 10, 6]


def test_repr_is_one_short_line():
    """The repr tells axes, cells and footage, and has no address."""
    assert (
        repr(Grid(prompt=["a", "b"], duration=[6, 10]))
        == "Grid(4 cells: prompt 2 x duration 2; 32 s of footage)"
    )
    assert repr(Grid(prompt="a")) == "Grid(1 cell; 6 s of footage)"


def test_html_escapes_prompts():
    """A prompt is text in the HTML form, whatever it contains."""
    shown = Grid(prompt=["<script>alert(1)</script>", "b"])._repr_html_()

    assert "<script>" not in shown
    assert "&lt;script&gt;" in shown
    assert "2 cells" in shown
    assert "12 s of footage" in shown
