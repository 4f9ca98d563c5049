"""Tables as people read them and as spreadsheets write them."""

from __future__ import annotations

import csv
import datetime as dt
import io
import math
import sys

import pandas as pd
import pytest

from gridgen import Grid, GridError, GridgenError, Simulator, Sweep, linked, template


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


def loaded(tmp_path, text: str | bytes) -> Grid:
    """Return the grid of a CSV file."""
    path = tmp_path / "grid.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return Grid.load(path)


BOATS = Grid.from_rows([{"prompt": "a boat", "size": "16:9"}, {"prompt": "a fox; red", "size": "9:16"}])
LOADED = {
    "declared delimiter": 'sep=;\r\nprompt;size\r\na boat;16:9\r\n"a fox; red";9:16\r\n',
    "declared in quotes": '"sep=;"\nprompt;size\na boat;16:9\n"a fox; red";9:16\n',
    "declared comma": "sep=,\nprompt,size\na boat,16:9\na fox; red,9:16\n",
    "empty rows and columns": 'prompt;size;;\na boat;16:9;;\n"a fox; red";9:16;;\n;;;\n;;;\n',
    "blanks": "prompt, size \na boat, 16:9 \na fox; red,\t9:16\n",
    "blanks everywhere": "prompt , size\n a boat , 16:9\n a fox; red , 9:16\n",
    "capitals": "Prompt,SIZE\na boat,16:9\na fox; red,9:16\n",
    "carriage returns": "prompt,size\ra boat,16:9\ra fox; red,9:16\r",
    "a mark": "\ufeffprompt,size\na boat,16:9\na fox; red,9:16\n",
    "tabs": "prompt\tsize\na boat\t16:9\na fox; red\t9:16\n\t\n",
    "Unicode text": "prompt\tsize\r\na boat\t16:9\r\na fox; red\t9:16\r\n".encode("utf-16"),
    "Unicode text, the other way round": "\ufeffprompt,size\na boat,16:9\na fox; red,9:16\n".encode(
        "utf-16-be"
    ),
}


@pytest.mark.parametrize("text", LOADED.values(), ids=LOADED)
def test_what_excel_writes_is_read(tmp_path, text):
    """Case X2: Excel's first line, its empty rows and columns, blanks, capitals and line ends load as what is meant."""
    assert loaded(tmp_path, text) == BOATS


def test_a_long_field_is_read(tmp_path):
    """Case X2: a field of 200,000 characters is no end of the file, and the reader's limit stays as it was."""
    before = csv.field_size_limit()
    text = f"prompt,size,note\na boat,16:9,{'x' * 200_000}\na fox; red,9:16,\n"

    assert loaded(tmp_path, text) == BOATS
    assert csv.field_size_limit() == before


@pytest.mark.parametrize(
    "header", ["prompt,prompt", "prompt,Prompt", "Prompt,PROMPT", "prompt, prompt ", "note,note,prompt"]
)
def test_two_columns_of_one_name_are_refused(tmp_path, header):
    """Case X2: of two columns that mean one field neither is left out unsaid, in a file and in a data frame."""
    values = [f"boat {number}" for number, _ in enumerate(header.split(","))]
    frame = pd.DataFrame([values], columns=header.split(","))
    for make in (
        lambda: loaded(tmp_path, f"{header}\n{','.join(values)}\n"),
        lambda: Grid.from_rows(frame),
    ):
        with pytest.raises(GridError, match=r"two columns .*(prompt|note)"):
            make()


def test_a_quote_that_nobody_closes_is_refused(tmp_path):
    """Case X1: what follows an open quote would become one long prompt, and be paid as it is."""
    with pytest.raises(GridError, match=r"line 2.*quote"):
        loaded(tmp_path, 'prompt,size\n"a boat,16:9\na fox,9:16\na hen,1:1\n')


def test_empty_rows_of_a_workbook_are_passed_over():
    """Case X2: rows of nothing and columns without a name, as read_excel returns them, are no cells."""
    table = pd.DataFrame(
        {
            "Prompt": ["a boat", None, "a fox; red", float("nan")],
            "size": ["16:9", None, "9:16", None],
            "Unnamed: 2": [None, float("nan"), None, None],
        }
    )

    assert Grid.from_rows(table) == BOATS


@pytest.mark.parametrize(
    ("value", "meant"),
    [
        ("16:09:00", "16:9"),
        ("16:09", "16:9"),
        ("09:16", "9:16"),
        ("21:09:00", "21:9"),
        (dt.time(16, 9), "16:9"),
        (dt.time(1, 1), "1:1"),
        (dt.timedelta(hours=16, minutes=9), "16:9"),
        (dt.datetime(1900, 1, 1, 9, 16), "9:16"),  # noqa: DTZ001 - a workbook has no zones
        ("1900-01-01 16:09:00", "16:9"),
        ("1899-12-30T09:16:00", "9:16"),
        ("0 days 16:09:00", "16:9"),
        (0.6729166666666667, "16:9"),
        ("0.672916667", "16:9"),
        ("0,386111111", "9:16"),
        (969, "16:9"),
        (556, "9:16"),
        (61, "1:1"),
        (1269, "21:9"),
    ],
)
def test_a_ratio_that_became_a_time_is_named(value, meant):
    """Case X2: what a spreadsheet or YAML made of 16:9 is refused with the cause, in a table and in a grid."""
    for make in (
        lambda: Grid.from_rows([{"prompt": "a", "size": value}]),
        lambda: Grid(prompt="a", size=[value]),
    ):
        with pytest.raises(GridError, match=r"spreadsheet|YAML 1\.1") as caught:
            make()
        assert f"what became of {meant}" in str(caught.value)


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        ("16x9", "16:9"),
        ("16/9", "16:9"),
        ("16 : 9", "16:9"),
        ("16-9", "16:9"),
        ("16\u22369", "16:9"),
        ("1920x1080", "16:9"),
        ("1280\u00d7720", "16:9"),
        ("720*1280", "9:16"),
        ("1024x1024", "1:1"),
        (1.7777777, "16:9"),
        ("landscape", "16:9"),
        ("Portrait", "9:16"),
        ("square", "1:1"),
        ("vertical", "9:16"),
    ],
)
def test_a_ratio_in_another_spelling_is_named(value, hint):
    """What other tools call a shape is refused with the ratio that is meant."""
    with pytest.raises(GridError, match=f"did you mean '{hint}'"):
        Grid(prompt="a", size=[value])


SLOTTED = Grid(
    linked(size=["16:9", "9:16"], labels={"shape": ["wide", "tall"]}),
    prompt=template("a {animal} at {time}", animal=["fox", "hen"], time=["dawn", "=noon"]),
)


def test_own_tables_are_read_without_naming_their_slots(tmp_path):
    """Case X3: gridgen's own CSV, grid.df and the table of a sweep give back a grid with slots and labels."""
    SLOTTED.save(tmp_path / "grid.csv")
    sweep = Sweep(SLOTTED, client=Simulator(speed=math.inf, clips="tiny").client(), folder=tmp_path / "boats")
    sweep.run()
    again = {
        "csv": Grid.load(tmp_path / "grid.csv"),
        "df": Grid.from_rows(SLOTTED.df),
        "sweep.df": Grid.from_rows(sweep.df),
        "sweep.csv": Grid.load(tmp_path / "boats" / "sweep.csv"),
        "part": Grid.from_rows(SLOTTED.df.iloc[:8]),
    }

    for name, grid in again.items():
        assert grid == SLOTTED, name
        assert [cell.labels for cell in grid] != [()] * len(grid)
        assert [cell["animal"] for cell in grid] == [cell["animal"] for cell in SLOTTED], name
        assert [cell["shape"] for cell in grid] == [cell["shape"] for cell in SLOTTED], name


def test_a_misspelled_column_of_an_own_table_is_still_named():
    """Case X3: a field that was renamed by mistake changes what is meant, so no column becomes a label unseen."""
    table = Grid(prompt=["a", "b"], duration=10).df.rename(columns={"duration": "dration"})

    with pytest.raises(
        GridError, match=r"'dration' is not a field of a request \(did you mean 'duration'\?\)"
    ):
        Grid.from_rows(table)


def test_a_workbook_is_written(boats, tmp_path):
    """Case X4: to_excel writes the whole table in its order, times without zones and no formula; read again it is the grid."""
    path = boats.to_excel(tmp_path / "new" / "boats.xlsx")
    table = pd.read_excel(path)

    assert list(table.columns) == list(boats.df.columns)
    assert len(table) == 4
    assert table["prompt"].iloc[0] == "'=1+1"
    assert table["completed_at"].dtype.kind == "M"
    assert list(table["cost"]) == list(boats.df["cost"])
    assert Grid.from_rows(table.assign(prompt=boats.df["prompt"])) == boats.grid


def test_a_workbook_without_its_library_says_what_to_install(boats, tmp_path, monkeypatch):
    """Case X4: where openpyxl is missing the error says how to get it, and nothing is written."""
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    with pytest.raises(GridgenError, match=r"pip install 'gridgen\[excel\]'"):
        boats.to_excel(tmp_path / "boats.xlsx")
    with pytest.raises(GridError, match="not the name of a workbook"):
        boats.to_excel(tmp_path / "boats.csv")

    assert list(tmp_path.iterdir()) == []


def test_tables_open_in_excel(boats, tmp_path):
    """Case X4: sweep.csv and a saved grid begin with the mark by which Excel knows UTF-8, once, and are read as before."""
    boats.grid.save(tmp_path / "grid.csv")
    for path in (boats.folder / "sweep.csv", tmp_path / "grid.csv"):
        data = path.read_bytes()
        assert data.startswith(b"\xef\xbb\xbf")
        assert data.count(b"\xef\xbb\xbf") == 1
        assert "größer; 船" in data.decode("utf-8-sig")
        assert Grid.load(path) == boats.grid
        assert next(csv.reader(io.StringIO(data.decode("utf-8-sig"))))[0] == "prompt"
        assert pd.read_csv(path).columns[0] == "prompt"
