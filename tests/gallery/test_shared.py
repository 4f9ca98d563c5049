"""What Python and the page's scripts both know, in the fixtures on which `shared.test.mjs` holds the scripts."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from gridgen import Grid, Sweep
from gridgen.gallery.layout import sheet_axes, speak
from gridgen.gallery.menus import menus
from gridgen.grid.axes import Axis
from gridgen.grid.pivot import Pivot, Sides, runs
from gridgen.judgements import opinion
from gridgen.judgements.ratings_file import read_ratings
from gridgen.judgements.store import OUTCOMES
from gridgen.money import dollars

if TYPE_CHECKING:
    from collections.abc import Callable

    from gridgen import Simulator

FOLDER = Path(__file__).parent
SHARED = json.loads((FOLDER / "shared.json").read_text("utf-8"))


@pytest.fixture
def sweep(simulate: Callable[..., Simulator], tmp_path: Path) -> Sweep:
    """Two prompts, two lengths, all finished."""
    grid = Grid(prompt=["boat", "fox"], duration=[6, 10])
    made = Sweep(grid, client=simulate().client(), folder=tmp_path / "boats", previews=False)
    made.run()
    return made


@pytest.mark.parametrize(("axis", "value", "label", "said"), SHARED["spoken"])
def test_a_value_is_said_as_the_page_says_it(axis: str, value: object, label: str, said: str) -> None:
    """A length has its unit, a take its word, and a label that a person gave stays as it is."""
    assert speak(Axis(axis, (value,), (label,)), 0) == said


@pytest.mark.parametrize(("usd", "said"), SHARED["dollars"])
def test_an_amount_is_written_as_the_page_writes_it(usd: str, said: str) -> None:
    """Case U1: money reads as $1.47, with more digits only where cents would hide what a clip costs, here as there."""
    assert dollars(Decimal(usd)) == said


def test_an_opinion_has_the_bounds_of_the_page() -> None:
    """What a page lets a person write is never more than Python keeps, and rounds end in the same words."""
    assert {name: getattr(opinion, name) for name in SHARED["limits"]} == SHARED["limits"]
    assert list(OUTCOMES) == SHARED["outcomes"]


@pytest.mark.parametrize(("note", "parts"), SHARED["notes"])
def test_a_note_is_taken_apart_as_on_the_page(note: str, parts: list[list[object]]) -> None:
    """What counts as a note at a moment is the same in Python's table as on the wall's bar."""
    assert [list(part) for part in opinion.notes_of(note)] == parts


def test_the_menus_offer_what_the_page_knows(sweep: Sweep) -> None:
    """Each choice of a menu is one that the scripts are tested to read, and none is missing there."""
    offered = {
        menu.name: [value for _, value in menu.options] for menu in menus(sheet_axes(sweep), Sides((), ()))
    }

    assert {name: offered[name] for name in SHARED["menus"]} == SHARED["menus"]
    assert offered["cols"] == offered["rows"]


def test_a_table_is_laid_out_as_on_the_page() -> None:
    """Rows, columns, boxes and shared headers of the static table are those of the sheet."""
    told = SHARED["table"]
    axes = [Axis(name, tuple(labels), tuple(labels)) for name, labels in told["axes"].items()]
    table = Pivot(axes, told["codes"], Sides(tuple(told["rows"]), tuple(told["cols"])))

    assert [[list(key) for key in keys] for keys in (table.row_keys, table.col_keys)] == [
        told["row_keys"],
        told["col_keys"],
    ]
    assert {key: table.boxes[key] for key in table.boxes} == {
        (tuple(row), tuple(col)): things for row, col, things in told["boxes"]
    }
    assert [[list(run) for run in runs(table.col_keys, level)] for level in range(2)] == told["runs"]


def test_standings_are_those_of_the_page(sweep: Sweep) -> None:
    """Wins, losses, ties, strength and interval of the values of an axis, and of cells, are what the page draws."""
    rounds = sweep.rounds()
    for left, right, outcome in SHARED["rounds"]["choices"]:
        rounds.note(left, right, OUTCOMES[outcome])
    columns = ["wins", "losses", "ties", "strength", "low", "high"]

    for by, name in (("duration", "duration"), (None, "cells")):
        found = rounds.ranking(by)[columns].to_numpy()
        assert found == pytest.approx(np.array(SHARED["rounds"][name]), abs=1e-5)


def test_the_file_that_a_page_sends_back_is_read() -> None:
    """A long name, tags of letters beyond the first plane and a note with odd characters spoil no reviewer's work."""
    told = json.loads((FOLDER / "page_ratings.json").read_text("utf-8"))
    found = read_ratings(FOLDER / "page_ratings.json")

    assert found.reviewer == told["reviewer"]
    assert [(clip, list(said.tags), said.note) for clip, _, said in found.judgements] == [
        (each["clip"], each["tags"], each["note"]) for each in told["judgements"]
    ]
    assert [choice[2] for choice in found.choices] == ["tie"]
