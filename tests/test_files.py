"""Grids in files and tables: what is written is what is read, and what is wrong is named with its place."""

from __future__ import annotations

import contextlib
import json
import resource
import signal
import tracemalloc
import warnings
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import hypothesis.strategies as st
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from test_algebra import grids

from gridgen import Grid, GridError, Model, linked, template, value
from gridgen.models import DEFAULT_MODEL, catalogue

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SEEDANCE = "seedance-2.0"


def same(a: Grid, b: Grid) -> bool:
    """Whether two grids agree in all that a person can see of them."""
    return (
        a == b
        and a.axes == b.axes
        and list(a.combinations.positions) == list(b.combinations.positions)
        and [(each.cell, each.reason) for each in a.skipped]
        == [(each.cell, each.reason) for each in b.skipped]
        and [cell.labels for cell in a] == [cell.labels for cell in b]
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A folder for the files of all examples."""
    return tmp_path_factory.mktemp("files")


@pytest.fixture
def few_bytes() -> Callable[[], contextlib.AbstractContextManager[None]]:
    """Let a file have a thousand bytes at most, as on a disk that is nearly full."""

    @contextlib.contextmanager
    def limited() -> Iterator[None]:
        limits, signals = resource.getrlimit(resource.RLIMIT_FSIZE), signal.getsignal(signal.SIGXFSZ)
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
            signal.signal(signal.SIGXFSZ, signals)

    return limited


@settings(deadline=None, max_examples=40)
@given(grids(), grids(), st.sampled_from(["yaml", "json"]))
def test_what_is_saved_is_loaded(folder, a, b, kind):
    """G12: any grid, thinned out and joined, is the same again from YAML and from JSON, reasons and labels included."""
    for grid in (
        a,
        a + b,
        (a - b).where(lambda cell: cell.duration != 8, reason='"odd": \n reason'),
        a[::-1],
    ):
        grid.save(folder / f"grid.{kind}")
        assert same(Grid.load(folder / f"grid.{kind}"), grid)


@given(st.lists(st.text(st.characters(codec="utf-8"), min_size=1).filter(str.strip), min_size=1, unique=True))
@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_prompt_survives_every_format(tmp_path, prompts):
    """G12: whatever a prompt holds, quotes, newlines, formulas, it comes back from YAML, JSON and CSV."""
    grid = Grid(prompt=prompts, duration=[6, 8])
    for kind in ("yaml", "json", "csv"):
        clean = [each.replace("\0", "") for each in prompts]
        if kind == "csv" and (clean != prompts or not all(map(str.strip, clean))):
            continue
        grid.save(tmp_path / f"grid.{kind}")
        assert Grid.load(tmp_path / f"grid.{kind}") == grid


def test_a_grid_with_everything(tmp_path):
    """G12: labels, notes, weights, further fields, models of one's own and pictures come back."""
    house = Model(
        "house-1",
        size=["16:9"],
        duration=(2, 9),
        quality=["720p"],
        images=2,
        options={"motion": int},
        price=0.02,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        grid = Grid(
            linked(size=["16:9", "9:16"], labels={"shape": ["wide", "tall"]}),
            prompt=template(
                "a {3::fox|hen} at {time}", time=[value("dawn", label="early", note="cold"), "noon"]
            ),
            model=[SEEDANCE, house],
            duration={"short": 5, "long": 8},
            image_urls=[None, ["https://e.org/a.png", "https://e.org/b.png"]],
            seed=[1, None],
            tools=[None, [{"type": "web_search"}]],
            where={"too long": lambda duration, shape: duration < 8 or shape == "wide"},
        )
    for kind in ("yaml", "json"):
        grid.save(tmp_path / f"grid.{kind}")
        again = Grid.load(tmp_path / f"grid.{kind}")

        assert same(again, grid)
        assert [cell.body() for cell in again] == [cell.body() for cell in grid]
        assert [cell.price() for cell in again] == [cell.price() for cell in grid]
    assert Decimal("0.10") in {cell.price() for cell in grid}


def test_what_a_person_writes(tmp_path):
    """A file may hold the keywords of Grid; sizes need no quotes, and a template is a mapping."""
    (tmp_path / "grid.yaml").write_text(
        """
        prompt:
          template: a {animal} at {time}
          animal: [fox, {value: hen, label: bird, note: it clucks}]
          time: [dawn, noon]
        size: [16:9, 9:16]
        duration: 6,8,..,12
        exclude:
          - {size: 9:16, duration: [10, 12], reason: too long}
        """,
        "utf-8",
    )
    grid = Grid.load(tmp_path / "grid.yaml")

    assert grid == Grid(
        prompt=template("a {animal} at {time}", animal=["fox", "hen"], time=["dawn", "noon"]),
        size=["16:9", "9:16"],
        duration=[6, 8, 10, 12],
        exclude={"size": "9:16", "duration": [10, 12]},
    )
    assert {each.reason for each in grid.skipped} == {"too long"}
    assert grid.axes[1].labels == ("fox", "bird")


def test_linked_axes_in_a_file(tmp_path):
    """Axes that go together are a mapping, or a list of mappings."""
    (tmp_path / "grid.json").write_text(
        json.dumps({"prompt": ["a", "b"], "linked": {"size": ["16:9", "1:1"], "quality": ["480p", "720p"]}})
    )

    assert Grid.load(tmp_path / "grid.json") == Grid(
        linked(size=["16:9", "1:1"], quality=["480p", "720p"]), prompt=["a", "b"]
    )


def test_yaml_reads_no_surprises(tmp_path):
    """What YAML 1.1 takes for numbers and flags is read as YAML 1.2 does: 16:9 is a text, and so is no."""
    (tmp_path / "grid.yml").write_text("prompt: [no, on, 1_000, 0o7, 2026-11-24]\nsize: 16:9\n")

    assert [cell.prompt for cell in Grid.load(tmp_path / "grid.yml")] == [
        "no",
        "on",
        "1_000",
        "0o7",
        "2026-11-24",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "0e0",
        "0.",
        ".0",
        "1_0",
        "16:9",
        "no",
        "null",
        "~",
        "true",
        "0x1",
        "=",
        "<<",
        "2026-11-24",
        "- a",
        "a: b",
        "#",
        "a\x85b",
        "a\ufeff",
    ],
)
def test_texts_that_look_like_something_else(tmp_path, text):
    """What YAML would read as a number, a date, a flag or a line break is quoted, and comes back as the text."""
    for kind in ("yaml", "json", "csv"):
        Grid(prompt=[text, "b"]).save(tmp_path / f"g.{kind}")
        assert Grid.load(tmp_path / f"g.{kind}") == Grid(prompt=[text, "b"])


def test_csv_and_rows_and_frames(tmp_path):
    """G12: a grid is made of the rows of a CSV file, a DataFrame, or a list of mappings, in their order."""
    rows = [
        {"prompt": "a boat", "duration": 6, "size": "16:9", "mood": "calm"},
        {"prompt": "a fox", "duration": 10, "size": None, "mood": "wild"},
    ]
    expected = [("a boat", 6, "16:9"), ("a fox", 10, "16:9")]
    frame = pd.DataFrame(rows)
    frame.to_csv(tmp_path / "cells.csv", index=False)

    for grid in (
        Grid.from_rows(rows, labels=["mood"]),
        Grid.from_rows(frame, labels=["mood"]),
        Grid.load(tmp_path / "cells.csv", labels=["mood"]),
    ):
        assert [(cell.prompt, cell.duration, cell.size) for cell in grid] == expected
        assert [cell.mood for cell in grid] == ["calm", "wild"]


@given(grids())
@settings(deadline=None, max_examples=40)
def test_a_grid_is_made_again_of_its_own_table(folder, a):
    """The table of a grid, as DataFrame and as CSV, is the grid again; what was skipped still is."""
    labels = [axis.name for axis in a.axes if not axis.sent]
    again = Grid.from_rows(a.df, labels=labels) if len(a.combinations) else a
    assert again == a
    assert [each.reason for each in again.skipped] == [each.reason for each in a.skipped]
    if len(a.combinations):
        a.save(folder / "grid.csv")
        assert Grid.load(folder / "grid.csv", labels=labels) == a


def test_a_table_of_many_columns_is_saved_as_it_is(tmp_path):
    """A table is no product: 500 rows whose columns span 10 ** 10 places are written and read as 500, in little memory."""
    rows = [
        {
            "prompt": f"boat {n}",
            "model": SEEDANCE,
            "size": ["16:9", "9:16"][n % 2],
            "seed": n,
            "shot": n,
            "a": n,
        }
        for n in range(500)
    ]
    grid = Grid.from_rows(rows, labels=["shot", "a"])

    tracemalloc.start()
    grid.save(tmp_path / "grid.json")
    used = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert used < 20e6
    assert same(Grid.load(tmp_path / "grid.json"), grid)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_csv_of_any_spreadsheet(tmp_path, delimiter):
    """Columns may be parted as the spreadsheet of the person's country does, with a byte order mark in front."""
    lines = ["prompt,duration", '"a boat, red",6', '"a; b",8']
    text = "\r\n".join(line if at else line.replace(",", delimiter) for at, line in enumerate(lines))
    text = text.replace('",', f'"{delimiter}')
    (tmp_path / "g.csv").write_bytes(b"\xef\xbb\xbf" + text.encode())

    assert [(cell.prompt, cell.duration) for cell in Grid.load(tmp_path / "g.csv")] == [
        ("a boat, red", 6),
        ("a; b", 8),
    ]


def test_csv_of_further_fields(tmp_path):
    """Flags, numbers, mappings and images come back from CSV as what they are."""
    grid = Grid(
        prompt="a",
        model=SEEDANCE,
        audio=[True, False],
        seed=[None, 7],
        tools=[None, [{"type": "web_search"}]],
        image_urls=[None, ["https://e.org/a.png", "https://e.org/b.png"]],
    )
    grid.save(tmp_path / "grid.csv")

    assert Grid.load(tmp_path / "grid.csv") == grid


def test_a_formula_is_no_formula(tmp_path):
    """A prompt that a spreadsheet would run is written so that none does."""
    Grid(prompt=["=HYPERLINK(1)", "'=x", "-1", "+a", "@b"]).save(tmp_path / "grid.csv")
    cells = [line.split(",")[0] for line in (tmp_path / "grid.csv").read_text("utf-8").splitlines()[1:]]

    assert cells == ["'=HYPERLINK(1)", "''=x", "'-1", "'+a", "'@b"]
    assert [cell.prompt for cell in Grid.load(tmp_path / "grid.csv")] == [
        "=HYPERLINK(1)",
        "'=x",
        "-1",
        "+a",
        "@b",
    ]


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        (
            "g.yaml",
            "prompt: a\ndurations: 6\n",
            "g.yaml, line 2: 'durations' is not an axis (did you mean 'duration'?)",
        ),
        ("g.yaml", "prompt: a\nduration: 99\n", "g.yaml, line 2: duration=99 is not offered"),
        ("g.yaml", "prompt: [a\nsize: 1:1\n", "g.yaml, line 2, column"),
        (
            "g.yaml",
            "prompt: a\nsize: 1:1\nsize: 16:9\n",
            "g.yaml, line 3, column 1: this is not YAML: 'size' is there twice",
        ),
        (
            "g.yaml",
            "prompt: !!python/object/apply:os.system [ls]\n",
            "this is not YAML: could not determine a constructor",
        ),
        ("g.yaml", "- a\n", "g.yaml is a list, and a grid is a mapping such as 'prompt: a paper boat'"),
        ("g.yaml", "", "g.yaml is empty, and a grid is a mapping"),
        (
            "g.yaml",
            "prompt: a\nwhere: x\n",
            "a file cannot hold where=, which is a function; write patterns as exclude=",
        ),
        (
            "g.yaml",
            "size: 1:1\nprompt: {template: 'a {x'}\n",
            "g.yaml, line 2: template 'a {x', character 3: a '{' without its '}'",
        ),
        ("g.json", '{"prompt": "a",\n "size": "4:5"}', "g.json, line 2: size='4:5' is not offered"),
        (
            "g.yaml",
            "prompt: a\nexclude: {size: 9:16}\n",
            "g.yaml, line 2: exclude: size='9:16' is not on the axis",
        ),
        ("g.json", '{"prompt": "a",}', "g.json, line 1, column"),
        (
            "g.json",
            '{"gridgen": 9, "prompt": "a"}',
            "format 9 is not the 1 that this gridgen reads; update gridgen",
        ),
        ("g.json", '{"axes": {"prompt": ["a"]}}', "axes lack size, duration, quality, image_urls, model"),
        ("g.json", '{"axes": {}, "cell": "1"}', "'cell' is not a part of a grid (did you mean 'cells'?)"),
        (
            "g.csv",
            "prompt,dration\na,6\n",
            "'dration' is not a field of a request (did you mean 'duration'?)",
        ),
        ("g.csv", "prompt,duration\na,6\nb,99\n", "g.csv, row 2: duration=99 is not offered"),
        ("g.csv", "prompt,duration\na,six\n", "g.csv, row 1: duration='six' is a str, not a whole number"),
        ("g.csv", "prompt,duration\na,6,9\n", "row 2 of the file (the header is row 1): it has 3 values"),
        ("g.csv", "prompt,duration\n,6\n", "row 1 has no prompt"),
        ("g.csv", "prompt\n", "g.csv has no rows"),
        ("g.txt", "prompt: a\n", "ends in none of .yaml, .yml, .json and .csv"),
    ],
)
def test_bad_files_are_clear_errors(tmp_path, name, text, said):
    """Each mistake names the file, the place in it and the remedy; nothing is run and nothing is sent."""
    (tmp_path / name).write_text(text, "utf-8")
    with pytest.raises(GridError) as caught:
        Grid.load(tmp_path / name)

    assert said in str(caught.value)
    assert str(caught.value).count("Nothing was submitted.") == 1


def test_a_wrong_column_is_named_once(tmp_path):
    """A column that is no field is one problem, however many rows it has; the others are still named."""
    (tmp_path / "g.csv").write_text("prompt,dration,size\na,6,16:9\nb,8,4:5\n", "utf-8")
    with pytest.raises(GridError) as caught:
        Grid.load(tmp_path / "g.csv")

    assert [line.partition(" is not")[0] for line in str(caught.value).splitlines()] == [
        "g.csv: 'dration'",
        "g.csv, row 2: size='4:5'",
        "Nothing was submitted.",
    ]


def test_files_that_cannot_be_read(tmp_path):
    """A missing file, one of bytes and one that cannot be written are errors that say so."""
    with pytest.raises(GridError, match="there is no such file as"):
        Grid.load(tmp_path / "none.yaml")
    (tmp_path / "bytes.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(GridError, match="is not UTF-8 text at byte 0"):
        Grid.load(tmp_path / "bytes.json")
    with pytest.raises(GridError, match="cannot be written"):
        Grid(prompt="a").save(tmp_path / "no" / "grid.json")
    with pytest.raises(GridError, match="not a int"):
        Grid.from_rows(7)
    with pytest.raises(GridError, match="row 1: 7 is not a mapping"):
        Grid.from_rows([7])


@pytest.mark.parametrize("cells", ["9", "0-9", "x", "-1", "3-"])
def test_places_that_are_none(tmp_path, cells):
    """Positions beyond the product, or no numbers, are named."""
    text = Grid(prompt=["a", "b"], duration=[6, 8])[:3]
    text.save(tmp_path / "g.json")
    told = json.loads((tmp_path / "g.json").read_text("utf-8"))
    (tmp_path / "g.json").write_text(json.dumps({**told, "cells": cells}))

    with pytest.raises(GridError, match="are not numbers from 0 to 3 such as"):
        Grid.load(tmp_path / "g.json")


JUNK = [
    None,
    1,
    -1,
    "x",
    [],
    {},
    True,
    1.5,
    [[1]],
    {"a": 1},
    "0-3",
    ["a", 1],
    {"value": 1},
    {"template": "{a}", "a": [1]},
]


def places_in(told: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the way to each part of JSON values."""
    inner = told.items() if isinstance(told, dict) else enumerate(told) if isinstance(told, list) else ()
    return [path, *(found for name, each in inner for found in places_in(each, (*path, name)))]


@settings(deadline=None, max_examples=300)
@given(st.data())
def test_a_damaged_file_is_a_grid_or_a_clear_error(folder, data):
    """A file of which some part was replaced by something else is read as a grid, or is an error that names it."""
    house = Model("house-1", duration=(1, 9), quality=["720p"], options={"motion": int}, price=1)
    grid = data.draw(
        st.sampled_from(
            [
                Grid(prompt=template("a {x}", x=["b", "c"]), model=[SEEDANCE, "kling-v2-6"], duration=[5, 8]),
                Grid(prompt=["a", "b"], model=house, exclude={"prompt": "b"}),
            ]
        )
    )
    grid.save(folder / "damaged.json")
    told = json.loads((folder / "damaged.json").read_text("utf-8"))
    *way, last = data.draw(st.sampled_from(places_in(told)[1:]))
    part = told
    for name in way:
        part = part[name]
    if data.draw(st.booleans()):
        part[last] = data.draw(st.sampled_from(JUNK))
    else:
        del part[last]
    (folder / "damaged.json").write_text(json.dumps(told))
    try:
        found, said = Grid.load(folder / "damaged.json"), ""
    except GridError as error:
        found, said = grid, str(error)
    assert not said or ("damaged.json" in said and "Nothing was submitted." in said)
    assert len(found.df) == len(found.combinations)
    found._repr_html_()


@pytest.mark.parametrize("kind", ["yaml", "json", "csv"])
def test_a_full_disk_leaves_the_file_as_it_was(tmp_path, few_bytes, kind):
    """A grid that does not fit is an error; the grid that was in the file is still there, alone, behind a link too."""
    path, link = tmp_path / f"boats.{kind}", tmp_path / f"link.{kind}"
    link.symlink_to(path)
    boats = Grid(prompt="a boat")
    boats.save(link)
    with few_bytes(), pytest.raises(GridError, match="cannot be written"):
        Grid(prompt=["a boat" * 400, "a fox" * 400]).save(link)

    assert same(Grid.load(path), boats)
    assert sorted(tmp_path.iterdir()) == [path, link]
    assert link.is_symlink()


@pytest.mark.parametrize("known", list(catalogue().values()), ids=lambda model: model.id)
@pytest.mark.parametrize("kind", ["yaml", "json"])
def test_a_record_is_the_same_model_from_the_catalogue_and_from_a_file(tmp_path, known, kind):
    """Whatever the catalogue says of a model, its fields, rules, price and dates, a grid's file says as well."""
    own = Model(**{**vars(known), "id": f"own-{known.id}"})
    path = tmp_path / f"boats.{kind}"
    Grid(prompt="a boat", model=[own, DEFAULT_MODEL]).save(path)

    assert dict(Grid.load(path).combinations.records) == {own.id: own}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("base", []),
        ("base", 1),
        ("unit", "banana"),
        ("unit", {}),
        ("images_free", -1),
        ("images_free", "x"),
        ("unread", [1]),
    ],
)
def test_a_price_of_another_kind_is_refused_where_it_is_read(tmp_path, name, value):
    """Case A6: what a file says of a price is checked at once, and named, before anything reckons with it."""
    house = Model("house-1", duration=(1, 9), price="0.1")
    path = tmp_path / "boats.json"
    Grid(prompt="a boat", model=house).save(path)
    told = json.loads(path.read_text())
    told["models"]["house-1"]["price"][name] = value
    path.write_text(json.dumps(told))

    with pytest.raises(GridError, match=name):
        Grid.load(path)
