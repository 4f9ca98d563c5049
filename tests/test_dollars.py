"""Sums and prompts with a dollar sign are shown as they are, never as mathematics."""

from __future__ import annotations

import math
import re
from typing import Any

import pandas as pd
import pytest

from gridgen import Grid, Simulator, Sweep

PROMPT = "from $5 to $10 <b>$"


@pytest.fixture(scope="module")
def boats(tmp_path_factory) -> Sweep:
    """Return a finished sweep of prompts that hold dollars."""
    simulator = Simulator(speed=math.inf, clips="tiny")
    grid = Grid(prompt=[PROMPT, "a $ and a $"], size=["16:9", "9:16"])
    sweep = Sweep(
        grid, client=simulator.client(), folder=tmp_path_factory.mktemp("$place$") / "boats", budget=9
    )
    sweep.run()
    sweep.ratings.rate(0, note="worth $1 or $2", tags=["$a", "$b"])
    return sweep


def bundle(thing: Any) -> str:
    """Return the HTML of something that has several forms."""
    found = thing._repr_mimebundle_()
    page: str = (found[0] if isinstance(found, tuple) else found)["text/html"]
    return page


SHOWN = {
    "grid": lambda sweep: sweep.grid._repr_html_(),
    "preview": lambda sweep: sweep.preview()._repr_html_(),
    "estimate": lambda sweep: sweep.estimate(ask=False)._repr_html_(),
    "costs": lambda sweep: sweep.costs._repr_html_(),
    "stats": lambda sweep: sweep.stats()._repr_html_(),
    "unknown": lambda sweep: sweep.unknown._repr_html_(),
    "ratings": lambda sweep: sweep.ratings._repr_html_(),
    "df": lambda sweep: sweep.df._repr_html_(),
    "part of df": lambda sweep: sweep.df[["prompt", "cost"]].query("prompt != ''").head(3)._repr_html_(),
    "grid.df": lambda sweep: sweep.grid.df._repr_html_(),
    "costs by": lambda sweep: sweep.costs.by("prompt")._repr_html_(),
    "board": bundle,
    "still": lambda sweep: bundle(sweep.gallery()),
    "rounds": lambda sweep: sweep.rounds()._repr_html_(),
}


@pytest.mark.parametrize("what", SHOWN)
def test_no_page_has_two_dollars_in_one_text(boats, what):
    """Case V6: between two tags stands one dollar at most, so no front end takes what is between two for a formula."""
    page = SHOWN[what](boats)
    texts = re.split(r"<[^>]*>", re.sub(r"<style\b.*?</style>", "", page, flags=re.DOTALL))

    assert [text for text in texts if "$" in text and text != "$"] == []


@pytest.mark.parametrize("what", ["grid", "preview", "estimate", "costs", "df", "board", "still"])
def test_the_dollars_are_still_there(boats, what):
    """Case V6: what people read is the same as before, and what is in attributes is untouched."""
    page = SHOWN[what](boats)

    assert "$" in re.sub(r"<[^>]*>", "", page)
    assert all("<span>" not in tag for tag in re.findall(r'"[^"<>]*"', page))


def test_the_table_is_an_ordinary_one(boats):
    """Case V6: sweep.df is a DataFrame still, equal to one of the same columns, and empty ones are shown."""
    table = boats.df

    assert isinstance(table, pd.DataFrame)
    pd.testing.assert_frame_equal(pd.DataFrame(table), table, check_frame_type=False)
    assert isinstance(table["cost"], pd.Series)
    assert table[table["status"] == "failed"]._repr_html_()
    assert table.groupby("size", observed=True)["cost"].sum().round(4).tolist() == [0.1224, 0.1224]
