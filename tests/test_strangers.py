"""Grids, templates and labels from anybody: what is hostile or only odd is one clear error, or one warning."""

from __future__ import annotations

import csv
import json
import warnings
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gridgen as gg
from gridgen import Grid, GridError, Model, Sweep, template

if TYPE_CHECKING:
    from pathlib import Path

HALF = "\ud83d"
UNKNOWN = "brand-new-video-9"


@pytest.mark.parametrize("model", [UNKNOWN, "kling-v2-6", "grok-imagine-1.0-video-apimart"])
def test_a_row_with_more_values_than_the_header_is_named(tmp_path: Path, model: str) -> None:
    """Case X1: a prompt with a comma in no quotes is not cut and paid, whatever is known of the model."""
    (tmp_path / "g.csv").write_text(f"model,prompt\n{model},a boat, in a storm\n")
    with pytest.raises(
        GridError, match=r"g\.csv, row 2 of the file .* 3 values, and the header names 2 columns"
    ):
        Grid.load(tmp_path / "g.csv")


def test_empty_values_beyond_the_header_are_no_values(tmp_path: Path) -> None:
    """Case X1: what a spreadsheet leaves behind the last column is no reason to refuse a row."""
    (tmp_path / "g.csv").write_text("prompt,duration\na boat,6,,\n")
    assert [cell.prompt for cell in Grid.load(tmp_path / "g.csv")] == ["a boat"]


def test_a_column_that_only_a_later_row_has_is_checked_too() -> None:
    """Case X1: a further name in a later mapping is no field that is sent unasked to an unknown model."""
    rows = [{"model": UNKNOWN, "prompt": "a"}, {"model": UNKNOWN, "prompt": "b", "what stands beyond": "x"}]
    with pytest.raises(GridError, match="'what stands beyond' is not a field of a request"):
        Grid.from_rows(rows)


@pytest.mark.parametrize(
    "prompts",
    [
        ["a boat", "a boat\n"],
        ["a boat", "a  boat"],
        ["caf\u00e9", "cafe\u0301"],
        ["a boat", "\ufeffa boat"],
        ["a boat", "a bo\u200bat"],
    ],
)
def test_prompts_that_look_alike_are_named(tmp_path: Path, prompts: list[str]) -> None:
    """Case P6: two prompts that nobody can tell apart make two paid clips: each way to make the grid says so."""
    told = r"1 of 2 prompts look like another one and are paid apart"
    with pytest.warns(UserWarning, match=told):
        grid = Grid(prompt=prompts)
    with pytest.warns(UserWarning, match=told):
        Grid.from_rows([{"prompt": each} for each in prompts])
    with pytest.warns(UserWarning, match=told):
        Grid(prompt=prompts[0]).extend(prompt=prompts[1])
    with pytest.warns(UserWarning, match=told):
        Grid(prompt=prompts[0]) + Grid(prompt=prompts[1])
    grid.save(tmp_path / "g.yaml")
    with pytest.warns(UserWarning, match=told):
        Grid.load(tmp_path / "g.yaml")
    assert len(grid) == 2


def test_other_prompts_are_no_reason_to_warn() -> None:
    """Case P6: prompts that differ to the eye are left in peace, in whatever script."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Grid(prompt=["a boat", "a Boat", "ein Boot", "лодка", "cafe", "café"])


@pytest.mark.parametrize(
    "frame",
    [
        {"first_frame_image": "https://example.com/a.png"},
        {"last_frame_image": ["https://example.com/a.png", "https://example.com/b.png"]},
    ],
)
def test_sizes_beside_a_first_frame_are_named(frame: dict[str, object]) -> None:
    """Case P4: a clip has the shape of its first frame, so two sizes are two paid clips that are alike."""
    with pytest.warns(UserWarning, match=r"'MiniMax-H3' ignores beside an image: the clip follows the image"):
        Grid(prompt="a", model="MiniMax-H3", size=["16:9", "9:16"], **frame)


def test_one_size_beside_a_first_frame_is_left_in_peace() -> None:
    """Case P4: no warning without a second size, nor without an image."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Grid(prompt="a", model="MiniMax-H3", size="16:9", first_frame_image="https://example.com/a.png")
        Grid(prompt="a", model="MiniMax-H3", size=["16:9", "9:16"])


@pytest.mark.parametrize(
    "text",
    [
        "{" + "9" * 5000 + "$$a|b}",
        "{1-" + "9" * 5000 + "$$a|b}",
        "{" + "9" * 5000 + "::a|b}",
        "{2000$$" + "|".join(f"a{at}" for at in range(2000)) + "}",
        "{1-9000$$" + "|".join(f"a{at}" for at in range(9000)) + "}",
        "{a|b}" * 15_000,
        "{x}" + "{a|b}" * 15_000,
        "{ " * 100 + "a|b" + "}" * 100,
    ],
    ids=["exact", "range", "weight", "orders", "all orders", "choices", "choices beside a slot", "depth"],
)
def test_bombs_of_templates_are_errors(text: str) -> None:
    """Case A13: numbers of thousands of digits, and texts without end, are one clear error at once."""
    with pytest.raises(GridError, match=r"Nothing was submitted\.$"):
        template(text)


def test_half_an_emoji_is_refused_at_once() -> None:
    """Case A13: half a character in a label, note, value, axis or reason is an error before anything is paid."""
    for made in (
        lambda: Grid(prompt=gg.value("a", label=HALF)),
        lambda: Grid(prompt=gg.value("a", note=HALF)),
        lambda: Grid(prompt={HALF: "a"}),
        lambda: Grid(prompt="a", labels={"mood": HALF}),
        lambda: Grid(prompt="a", labels={f"m{HALF}": "b"}),
        lambda: Grid(prompt=template("{x}", x={HALF: "a"})),
        lambda: Grid(prompt=template("{x}", x=HALF)),
        lambda: Grid(prompt="a", exclude={"prompt": "a", "reason": HALF}),
        lambda: Grid(prompt="a").where(lambda prompt: prompt != "a", reason=HALF),
        lambda: Grid(prompt="a", model=UNKNOWN, negative_prompt=HALF),
        lambda: Grid.from_rows([{"prompt": "a", "mood": HALF}], labels=["mood"]),
    ):
        with pytest.raises(GridError, match=r"half a character|lone surrogate|cannot be sent as JSON"):
            made()


def test_a_name_that_is_a_formula_is_none_in_a_table(simulate, tmp_path: Path) -> None:
    """Case A13: the header is kept from being a formula as values are, in both tables, and is read again."""
    name = "=HYPERLINK(1)"
    grid = Grid(prompt=["a", "b"], labels={name: ["x"]})
    grid.save(tmp_path / "g.csv")
    Sweep(grid, client=simulate().client(), folder=tmp_path / "sweep", previews=False).run()
    for path in (tmp_path / "g.csv", tmp_path / "sweep" / "sweep.csv"):
        with path.open(encoding="utf-8", newline="") as file:
            header = next(csv.reader(file))
        assert f"'{name}" in header
        assert not any(each.startswith("=") for each in header)
        assert [cell[name] for cell in Grid.load(path, labels=[name])] == ["x", "x"]


LAUGHS = (
    "a: &a ["
    + ", ".join(["lol"] * 9)
    + "]\n"
    + "".join(
        f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n"
        for before, name in zip("abcdefghi", "bcdefghij", strict=True)
    )
    + "prompt: *j\n"
)
BOMBS = {
    "aliases.yaml": LAUGHS,
    "itself.yaml": "prompt: &a [*a]\n",
    "itself in a mapping.yaml": "prompt: a\nlabels: &a {x: *a}\n",
    "deep.yaml": "prompt: " + "[" * 20_000,
    "deep.json": '{"prompt": ' + "[" * 200_000,
    "deep whole.json": '{"prompt": ' + "[" * 900 + "1" + "]" * 900 + "}",
    "number.yaml": "prompt: a\nduration: " + "9" * 5000,
    "number.json": '{"prompt": "a", "duration": ' + "9" * 5000 + "}",
    "long number.json": '{"prompt": "a", "duration": ' + "9" * 400 + "}",
    "list as a name.yaml": "? [a, b]\n: c\n",
    "cells.json": json.dumps(
        {"axes": {**{name: ["a"] for name in ("prompt", "size", "quality", "model")}, "image_urls": [None],
                  "duration": [6]}, "cells": "0-99999999999"}
    ),
    "product.yaml": f"prompt: {json.dumps([str(at) for at in range(99)])}\nseed: '1,2,..,30000'\nmodel: seedance-2.0\n",
    "number.csv": "prompt,duration\na," + "9" * 5000 + "\n",
    "field.csv": "prompt,duration\n" + "a" * 200_000 + ",x\n",
    "deep.csv": f"prompt,model,element_list\na,kling-v3,{'[' * 100_000}\n",
}  # fmt: skip


@pytest.mark.parametrize("name", BOMBS)
def test_bombs_in_files_are_errors(tmp_path: Path, name: str) -> None:
    """Case A13: aliases, nesting, numbers and counts that would take all memory are a GridError that names the file."""
    (tmp_path / name).write_text(BOMBS[name])
    with pytest.raises(GridError, match=name.split(".", maxsplit=1)[0]):
        Grid.load(tmp_path / name)


def test_an_alias_of_yaml_is_read_where_it_is_small(tmp_path: Path) -> None:
    """Case A13: an anchor that a person writes to say a list once is no bomb."""
    (tmp_path / "g.yaml").write_text(
        "prompt: a\nduration: &d [6, 8]\nlabels: {mood: calm}\nexclude: {duration: *d}\n"
    )
    assert len(Grid.load(tmp_path / "g.yaml").skipped) == 2


@settings(deadline=None)
@given(st.text(alphabet='[]{}",:&*?-|>!%@`\n \t0129eE.+~promtduainl', max_size=60))
def test_no_text_is_anything_but_a_grid_or_an_error(tmp_path_factory, text: str) -> None:
    """Case A13: whatever stands in a file, in each of the formats, is a grid or a GridError and nothing else."""
    folder = tmp_path_factory.getbasetemp()
    for name in ("any.yaml", "any.json", "any.csv"):
        (folder / name).write_text(text)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                Grid.load(folder / name)
            except GridError:
                continue


def saved(folder: Path, grid: Grid, name: str = "g.json") -> dict:
    """Return what a grid's file says."""
    grid.save(folder / name)
    return json.loads((folder / name).read_text("utf-8"))


def test_a_file_never_lowers_a_known_price(tmp_path: Path) -> None:
    """Case A6: a record of a model that the catalogue knows does not count when it comes in a file; that is said."""
    cheap = Model(
        "kling-v2-6",
        duration=[5, 10],
        quality=["720p"],
        size=["16:9"],
        price="0.0001",
        names={"quality": "mode"},
    )
    known = Grid(prompt="a", model="kling-v2-6", duration=5, quality="720p", size="16:9")
    Grid(prompt="a", model=cheap, duration=5, quality="720p", size="16:9").save(tmp_path / "g.yaml")
    with pytest.warns(UserWarning, match="a record of its own of kling-v2-6"):
        grid = Grid.load(tmp_path / "g.yaml")

    assert grid[0].price() == known[0].price()
    assert grid[0].body() == known[0].body()


def test_a_record_goes_by_its_own_name(tmp_path: Path) -> None:
    """Case A6: a cell that says one model is never sent to another."""
    told = saved(tmp_path, Grid(prompt="a", model=Model("house-1", duration=(2, 4), price="0.01")))
    told["models"]["house-1"]["id"] = "kling-v3"
    (tmp_path / "g.json").write_text(json.dumps(told))
    with pytest.raises(GridError, match="the record of 'house-1' is of another model, 'kling-v3'"):
        Grid.load(tmp_path / "g.json")


@pytest.mark.parametrize("usd", ["-1", "NaN", "1E+999999999", "Infinity"])
def test_a_price_of_a_file_is_a_sum_of_money(tmp_path: Path, usd: str) -> None:
    """Case A6: a negative, endless or huge price in a file is refused where it is read."""
    told = saved(tmp_path, Grid(prompt="a", model=Model("house-1", duration=(2, 4), price="0.01")))
    told["models"]["house-1"]["price"]["usd"] = {"": usd}
    (tmp_path / "g.json").write_text(json.dumps(told))
    with pytest.raises(GridError, match="is not a sum of money"):
        Grid.load(tmp_path / "g.json")


@pytest.mark.parametrize("digest", ["../../secret", "0" * 63, "0" * 64 + "/..", "G" * 64])
def test_a_hash_is_checked_where_it_is_read(tmp_path: Path, digest: str) -> None:
    """Case A6: what stands for a picture is 64 hexadecimal digits; nothing else names a file."""
    (tmp_path / "images").mkdir()
    (tmp_path / "secret.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    told = saved(tmp_path, Grid(prompt="a", image_urls="https://example.com/a.png"))
    told["axes"]["image_urls"] = [[{"image": f"sha256:{digest}", "name": "a"}]]
    for text in (
        json.dumps(told),
        json.dumps({"prompt": "a", "image_urls": [[{"image": f"sha256:{digest}"}]]}),
    ):
        (tmp_path / "g.json").write_text(text)
        with pytest.raises(GridError, match="64 hexadecimal digits"):
            Grid.load(tmp_path / "g.json")


def test_a_picture_that_was_changed_never_goes_out_under_its_old_hash(tmp_path: Path) -> None:
    """Case A6: a kept copy is read again only while it is the picture that its hash says, given as file or as pixels."""
    from PIL import Image

    for at, picture in enumerate((tmp_path / "boat.png", Image.new("L", (16, 16), 40))):
        folder = tmp_path / f"grid{at}"
        folder.mkdir()
        Image.new("RGB", (32, 32), "teal").save(tmp_path / "boat.png")
        grid = Grid(prompt="a", image_urls=[[picture]])
        grid.save(folder / "g.json")
        [copy] = (folder / "images").iterdir()
        [image] = Grid.load(folder / "g.json")[0].image_urls
        assert image == grid[0].image_urls[0]
        assert image.read() == copy.read_bytes()
        Image.new("RGB", (32, 32), "red").save(copy)
        with pytest.raises(GridError, match=r"is not the picture that it was.*Nothing of it was sent"):
            image.read()
