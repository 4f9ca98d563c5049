"""Which clips are meant: every verb that takes rows reads what it is given in one way, or refuses it."""

from __future__ import annotations

import io
import math
import shutil
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import httpx
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gridgen as gg
from gridgen import BudgetError, Grid, GridError, Simulator, Sweep, linked
from gridgen.simulator import Fault

if TYPE_CHECKING:
    from collections.abc import Callable

PROMPTS = ["a boat", "a crow", "a fox", "a hen", "an owl", "a pike"]
LOST = [1, 4]
FAILED = [2, 3]


def csv(table: pd.DataFrame, **options: Any) -> pd.DataFrame:
    """Return a table as it comes back from a file."""
    return pd.read_csv(io.StringIO(table.to_csv(index=False)), **options)


def without_answers(simulator, prompts):
    """Return a client that never hears of the first submission of each of these prompts."""
    inner, left = simulator.transport(), list(prompts)

    class Loses(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            response = await inner.handle_async_request(request)
            mute = [
                each for each in left if request.method == "POST" and f'"{each}"'.encode() in request.content
            ]
            if mute:
                left.remove(mute[0])
                msg = "the answer never came"
                raise httpx.ReadTimeout(msg, request=request)
            return response

    return simulator.client(http_client=lambda: httpx.AsyncClient(transport=Loses()))


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A folder of six finished clips, of which the last was chosen against the first two in blind rounds."""
    folder = tmp_path_factory.mktemp("finished") / "boats"
    with pytest.MonkeyPatch.context() as patch, Simulator(speed=math.inf, clips="tiny") as simulator:
        patch.setenv("GRIDGEN_DATA_DIR", str(folder.parent / "data"))
        sweep = Sweep(Grid(prompt=PROMPTS), client=simulator.client(), folder=folder, previews=False)
        sweep.run()
        rounds = sweep.rounds(reviewer="anna")
        for loser in (0, 1, 0):
            rounds.note(5, loser, "left")
        sweep.ratings.rate([1, 4], stars=4, reviewer="ben")
    return folder


@pytest.fixture
def sweep(finished, tmp_path):
    """The same six clips in a folder of their own; nothing can be sent of them."""
    shutil.copytree(finished, tmp_path / "boats")
    return gg.open(tmp_path / "boats")


@pytest.fixture(scope="module")
def untouched(finished):
    """The same clips as a sweep of which nothing is ever changed."""
    return gg.open(finished)


@pytest.fixture
def mixed(simulate, tmp_path):
    """Six clips: two of unknown outcome (rows 1 and 4), two that failed (rows 2 and 3), two done."""
    faults = [Fault(kind="fail", on="submit", match=f'"{PROMPTS[at]}"', times=1) for at in FAILED]
    simulator = simulate(faults=faults)
    client = without_answers(simulator, [PROMPTS[at] for at in LOST])
    made = Sweep(Grid(prompt=PROMPTS), client=client, folder=tmp_path / "mixed", previews=False)
    made.run()
    assert [row.status for row in made.rows()] == ["done", "unknown", "failed", "failed", "unknown", "done"]
    return made, simulator


FORMS: dict[str, tuple[Callable[[Sweep], Any], list[int]]] = {
    "an index": (lambda _: 4, [4]),
    "a numpy number": (lambda _: np.int64(4), [4]),
    "a list of indices": (lambda _: [4, 1, 4], [4, 1]),
    "a Row": (lambda sweep: sweep.rows()[4], [4]),
    "Rows": (lambda sweep: [sweep.rows()[4], sweep.rows()[1]], [4, 1]),
    "a row of df": (lambda sweep: sweep.df.iloc[4], [4]),
    "a row of a renumbered df": (lambda sweep: sweep.df.iloc[[4, 1]].reset_index(drop=True).iloc[1], [1]),
    "a query": (lambda sweep: sweep.df.query("prompt == 'a crow' or prompt == 'an owl'"), [1, 4]),
    "a renumbered query": (lambda sweep: sweep.df.loc[[1, 4]].reset_index(drop=True), [1, 4]),
    "a sorted, renumbered table": (
        lambda sweep: sweep.df.loc[[1, 4]].sort_values("prompt", ascending=False, ignore_index=True),
        [4, 1],
    ),
    "a CSV file's rows": (lambda sweep: csv(sweep.df.loc[[4, 1]]), [4, 1]),
    "a CSV file's rows, floats": (lambda sweep: csv(sweep.df.loc[[4, 1]]).astype({"take": float}), [4, 1]),
    "a CSV file's rows, texts": (lambda sweep: csv(sweep.df.loc[[4, 1]], dtype=str), [4, 1]),
    "mappings": (lambda sweep: csv(sweep.df.loc[[4, 1]]).to_dict("records"), [4, 1]),
    "tuples of a table": (lambda sweep: sweep.df.loc[[4, 1]].itertuples(index=False), [4, 1]),
    "an index of a table": (lambda sweep: sweep.df.loc[[4, 1]].index, [4, 1]),
    "a table by its rows": (lambda _: pd.DataFrame({"row": [4, 1]}), [4, 1]),
    "a column of rows": (lambda _: pd.Series([4, 1], name="row"), [4, 1]),
    "means by row": (lambda _: pd.DataFrame({"row": [4, 1], "x": [1, 2]}).groupby("row")["x"].mean(), [1, 4]),
    "costs": (
        lambda sweep: sweep.costs.df.loc[lambda table: table["prompt"].isin(["a crow", "an owl"])],
        [1, 4],
    ),
    "the table in the folder": (
        lambda sweep: pd.read_csv(sweep.folder / "sweep.csv").iloc[[4, 1]].reset_index(drop=True),
        [4, 1],
    ),
    "tables and rows": (lambda sweep: [sweep.df.loc[[4]].reset_index(drop=True), sweep.rows()[1]], [4, 1]),
    "nothing": (lambda sweep: sweep.df.query("prompt == 'none'"), []),
}
"""What may be given, made of a sweep of six, and the rows that it means; rows 1 and 4 alone where it can be so."""

WRONG: dict[str, tuple[Callable[[Sweep], Any], str]] = {
    "beyond the end": (lambda _: 6, r"^6 is no row of this sweep: give .* indices of sweep\.df, 0 to 5"),
    "negative": (lambda _: -1, "^-1 is no row"),
    "a flag": (lambda _: True, "^True is no row"),
    "a numpy flag": (lambda _: np.True_, "True.* is no row"),
    "flags": (lambda sweep: sweep.df["prompt"] == "a crow", "is no row"),
    "a float": (lambda _: 1.0, r"^1\.0 is no row"),
    "not a number": (lambda _: [float("nan")], "^nan is no row"),
    "nothing at all": (lambda _: [None], "^None is no row"),
    "a missing value": (lambda _: [pd.NA], "^<NA> is no row"),
    "a text": (lambda _: "1", "^'1' is no row"),
    "texts and numbers": (lambda _: [1, "1"], "^'1' is no row"),
    "a table that says nothing of its rows": (
        lambda sweep: sweep.df[["prompt", "rating"]],
        r"^a table without a column cell or row \(its columns: prompt, rating\) is no row .* may have been renumbered",
    ),
    "a row that says nothing of itself": (
        lambda sweep: sweep.df[["prompt"]].iloc[1],
        "^a table without a column",
    ),
    "a ranking of an axis": (
        lambda sweep: sweep.rounds().ranking("prompt"),
        "^a table without a column cell or row",
    ),
    "costs by an axis": (lambda sweep: sweep.costs.by("prompt"), "^a table without a column cell or row"),
    "ratings": (lambda sweep: sweep.df["rating"], "^a table without a column cell or row"),
    "another sweep's table": (
        lambda sweep: Sweep(Grid(prompt=["a crow", "a cow"]), client=None, folder=sweep.folder).df,
        r"^a row whose cell is '[0-9a-f]{12}', another grid's, is no row of this sweep",
    ),
    "a take too many": (
        lambda sweep: sweep.df.assign(take=2),
        r"^take 2 of the cell '[0-9a-f]{12}' is no row of this sweep, which has takes=1",
    ),
    "a take that is none": (lambda sweep: sweep.df.assign(take=0.5), r"^take 0\.5 of the cell"),
    "a missing take": (lambda sweep: sweep.df.assign(take=float("nan")), "^take nan of the cell"),
    "a missing cell": (lambda sweep: sweep.df.assign(cell=None), "is no row"),
    "a row that is missing": (lambda _: pd.DataFrame({"row": [1.0, float("nan")]}), "^nan is no row"),
    "rows that are flags": (lambda _: pd.DataFrame({"row": [True]}), "^True is no row"),
}
"""What is refused, and what is said of it."""


def done(sweep: Sweep, rows: list[int]) -> list[int]:
    """Return those of the rows that have a clip."""
    return [at for at in rows if sweep.rows()[at].status == "done"]


@pytest.mark.parametrize("form", FORMS)
def test_rate(sweep, form):
    """Case I2: whatever means rows of the table rates these and no others."""
    make, rows = FORMS[form]
    sweep.ratings.rate(make(sweep), note="this", reviewer="ben")
    assert list(sweep.df.index[sweep.df["note"] == "this"]) == sorted(set(rows))


@pytest.mark.parametrize("form", FORMS)
def test_explain(sweep, form):
    """Case I2: each row that is meant is explained, in the order in which it was given."""
    make, rows = FORMS[form]
    sentences = [sweep.explain(at) for at in rows]
    expected = (
        sentences
        if len(rows) == 1
        else [f"row {at}: {text}" for at, text in zip(rows, sentences, strict=True)]
    )
    assert sweep.explain(make(sweep)).splitlines() == expected


@pytest.mark.parametrize("form", [form for form, (_, rows) in FORMS.items() if len(rows) > 1])
def test_rounds(sweep, form):
    """Case I2: the clips that are meant are compared, and no others."""
    make, rows = FORMS[form]
    assert sorted(row.index for row in sweep.rounds(make(sweep)).rows) == sorted(rows)


@pytest.mark.parametrize("form", [form for form, (_, rows) in FORMS.items() if rows])
def test_export_html(sweep, tmp_path, form):
    """Case I2: a page shows the clips that are meant: as many, and the prompts of these only."""
    make, rows = FORMS[form]
    page = sweep.to_html(tmp_path / "page.html", clips=make(sweep))
    assert page.clips == len(rows)
    names = {
        sweep.rows()[at].path
        for at in range(6)
        if sweep.rows()[at].path.removesuffix(".mp4") in page.path.read_text()
    }
    assert names == {sweep.rows()[at].path for at in rows}


@pytest.mark.parametrize("form", [form for form, (_, rows) in FORMS.items() if rows])
def test_contact_sheet(sweep, tmp_path, form):
    """Case I2: a contact sheet is that of the clips that are meant, to the byte."""
    make, rows = FORMS[form]
    sheet = sweep.to_image(tmp_path / "sheet.png", clips=make(sweep))
    plain = sweep.to_image(tmp_path / "plain.png", clips=sorted(rows))
    assert sheet.clips == len(rows)
    assert sheet.path.read_bytes() == plain.path.read_bytes()


@pytest.mark.parametrize(
    "form",
    [form for form in FORMS if "by its rows" not in form and "of rows" not in form and "by row" not in form],
)
def test_promote(sweep, form):
    """Case I2: the cells that are meant are promoted; an index of a table, which counts takes too, is refused."""
    make, rows = FORMS[form]
    if form == "nothing":
        with pytest.raises(GridError, match="no rows"):
            sweep.grid.promote(make(sweep), duration=8)
    elif form == "an index of a table":
        with pytest.raises(GridError, match=r"is no cell of this grid.*the table itself"):
            sweep.grid.promote(make(sweep), duration=8)
    else:
        assert [cell.prompt for cell in sweep.grid.promote(make(sweep), duration=8)] == [
            PROMPTS[at] for at in rows
        ]


@pytest.mark.parametrize("form", FORMS)
def test_retry(mixed, form):
    """Case I2: of the rows that are meant those are made again that failed, and it is said which were passed over."""
    sweep, simulator = mixed
    make, rows = FORMS[form]
    meant = make(sweep)
    if rows:
        with pytest.warns(UserWarning, match=rf"passed over .*row {min(rows)} \(unknown\)"):
            assert sweep.retry(meant) == 0
    else:
        assert sweep.retry(meant) == 0
    assert len(simulator.ledger) == 6


@pytest.mark.parametrize(
    "renumbered",
    [
        lambda table: table,
        lambda table: table.reset_index(drop=True),
        lambda table: table.sort_values("prompt", ascending=False, ignore_index=True),
        csv,
    ],
)
def test_retry_of_what_failed(mixed, renumbered):
    """Case I2: of a table the failed rows are submitted again, however it was renumbered; no other row is."""
    sweep, simulator = mixed
    failed = sweep.df.query("status == 'failed'").head(1)
    assert sweep.retry(renumbered(failed)) == 1
    sweep.wait()
    assert [row.status for row in sweep.rows()] == ["done", "unknown", "done", "failed", "unknown", "done"]
    assert [entry.body["prompt"] for entry in simulator.ledger][6:] == ["a fox"]


@pytest.mark.parametrize("verb", ["resubmit", "drop", "replay"])
@pytest.mark.parametrize("form", FORMS)
def test_unknown(mixed, verb, form):
    """Cases I1, I2: the rows of the table that are meant are settled, no others; nothing is sent of the rest."""
    sweep, simulator = mixed
    make, rows = FORMS[form]
    meant = make(sweep)
    if verb == "replay":
        if rows:
            with pytest.raises(Exception, match=f"row {rows[0]} may not be replayed: .*is not proven"):
                sweep.unknown.replay(meant)
        else:
            sweep.unknown.replay(meant)
        assert len(simulator.ledger) == 6
        return
    getattr(sweep.unknown, verb)(meant)
    sweep.wait()

    became = "done" if verb == "resubmit" else "lost"
    expected = ["done", "unknown", "failed", "failed", "unknown", "done"]
    for at in rows:
        expected[at] = became
    assert [row.status for row in sweep.rows()] == expected
    sent = sorted(entry.body["prompt"] for entry in list(simulator.ledger)[6:])
    assert sent == (sorted(PROMPTS[at] for at in set(rows)) if verb == "resubmit" else [])


@pytest.mark.parametrize("form", [form for form, (_, rows) in FORMS.items() if len(rows) == 1])
def test_attach(mixed, form):
    """Cases I1, I2: a task is attached to the row of the table that is meant."""
    sweep, simulator = mixed
    make, (row,) = FORMS[form]
    paid = next(entry.task_id for entry in simulator.ledger if entry.body["prompt"] == PROMPTS[row])
    sweep.unknown.attach(make(sweep), paid)
    sweep.wait()
    assert sweep.rows()[row].status == "done"
    assert sweep.rows()[row].task_id == paid
    assert len(simulator.ledger) == 6


def test_attach_takes_one_row(mixed):
    """A task is one clip: two rows, or none, are refused before the server is asked."""
    sweep, simulator = mixed
    for rows in ([1, 4], []):
        with pytest.raises(
            GridError, match=rf"{len(rows)} rows were given, and one is needed.*Nothing was sent"
        ):
            sweep.unknown.attach(rows, simulator.ledger[1].task_id)


VERBS: dict[str, Callable[[Sweep, Any], object]] = {
    "rate": lambda sweep, rows: sweep.ratings.rate(rows, stars=1),
    "explain": lambda sweep, rows: sweep.explain(rows),
    "rounds": lambda sweep, rows: sweep.rounds(rows),
    "to_html": lambda sweep, rows: sweep.to_html(sweep.folder / "page.html", clips=rows),
    "contact_sheet": lambda sweep, rows: sweep.to_image(sweep.folder / "sheet.png", clips=rows),
    "resubmit": lambda sweep, rows: sweep.unknown.resubmit(rows),
    "replay": lambda sweep, rows: sweep.unknown.replay(rows),
    "drop": lambda sweep, rows: sweep.unknown.drop(rows),
    "attach": lambda sweep, rows: sweep.unknown.attach(rows, "task"),
    "retry": lambda sweep, rows: sweep.retry(rows, where=None),
}


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("form", WRONG)
def test_what_means_no_row(untouched, verb, form):
    """Case I2: what is no row of this sweep is refused by every verb, with what to give; nothing has changed."""
    make, message = WRONG[form]
    wrong, before = make(untouched), untouched.df
    if verb == "retry" and isinstance(wrong, str):
        with pytest.warns(UserWarning, match="is no state and no error class of these clips"):
            assert untouched.retry(wrong) == 0
        return
    with pytest.raises(GridError, match=message) as caught:
        VERBS[verb](untouched, wrong)
    assert str(caught.value).endswith(
        ("Nothing was noted.", "Nothing was written.", "Nothing was sent.", "Nothing has changed.")
    )
    pd.testing.assert_frame_equal(untouched.df, before)


@pytest.mark.parametrize(
    "form",
    [
        form
        for form in WRONG
        if form not in {"a take too many", "rows that are flags", "a row that is missing"}
    ],
)
def test_what_may_not_be_promoted(untouched, form):
    """Case I2: what is no cell of the grid is refused; of flags, floats and other grids' tables too, nothing is made."""
    make, _ = WRONG[form]
    with pytest.raises(GridError, match=r"is no cell of this grid.*: give .*Nothing was submitted\.$"):
        untouched.grid.promote(make(untouched), duration=8)


def test_unknown_rows_have_the_numbers_of_the_table(mixed):
    """Case I1: resubmit(1) pays for row 1 of the table, and the table of what is unknown shows that number."""
    sweep, simulator = mixed
    page = sweep.unknown._repr_html_()
    assert "<th>row</th>" in page
    assert page.index("<td>1</td>") < page.index("a crow") < page.index("<td>4</td>") < page.index("an owl")

    sweep.unknown.resubmit(4)
    sweep.wait()
    assert [entry.body["prompt"] for entry in simulator.ledger][6:] == ["an owl"]


@pytest.mark.parametrize("verb", ["resubmit", "replay", "drop", "attach"])
@pytest.mark.parametrize("rows", [0, [1, 0]])
def test_a_row_that_is_not_unknown_is_refused(mixed, verb, rows):
    """Case I1: where a row that is meant is not unknown, nothing happens to any, and those that are unknown are named."""
    sweep, simulator = mixed
    with pytest.raises(
        GridError,
        match=r"^row 0 is done, not unknown; .*unknown are the rows 1, 4 of sweep\.df\. Nothing was sent\.$",
    ):
        VERBS[verb](sweep, rows)
    assert sweep.counts() == {"unknown": 2, "done": 2, "failed": 2}
    assert len(simulator.ledger) == 6


def test_a_row_given_twice_is_paid_once(mixed):
    """A row that is named twice, in whatever form, is one row: one new attempt."""
    sweep, simulator = mixed
    sweep.unknown.resubmit(1, sweep.rows()[1], sweep.df.loc[[1, 1]])
    sweep.wait()
    assert [entry.body["prompt"] for entry in simulator.ledger][6:] == ["a crow"]
    assert sweep.retry([2, 2], sweep.rows()[2]) == 1
    sweep.wait()
    assert [entry.body["prompt"] for entry in simulator.ledger][7:] == ["a fox"]


def test_a_row_whose_status_has_changed(mixed):
    """A row is read as the clip stands now, not as it stood when the row was taken."""
    sweep, simulator = mixed
    stale = sweep.rows()[1]
    sweep.unknown.drop(1)
    with pytest.raises(GridError, match="row 1 is lost, not unknown"):
        sweep.unknown.resubmit(stale)
    assert len(simulator.ledger) == 6


def test_what_was_settled_meanwhile_is_not_settled_again(mixed):
    """A list of unknown rows that is older than a verdict pays for none of them a second time."""
    sweep, simulator = mixed
    unknown = sweep.unknown
    unknown.resubmit()
    sweep.wait()
    assert sorted(entry.body["prompt"] for entry in list(simulator.ledger)[6:]) == ["a crow", "an owl"]
    for again in (unknown.resubmit, unknown.replay, unknown.drop):
        again()
    sweep.wait()
    assert len(simulator.ledger) == 8
    assert sweep.counts() == {"done": 4, "failed": 2}


def test_retry_by_rows_needs_the_name_of_what_was_paid(simulate, tmp_path):
    """Rows that are given do not name a state: an expired one is paid again only when that is said, and is told otherwise."""
    dead = Fault(kind="reply", on="result", status=403, match='"a"', times=None)
    simulator = simulate(faults=[dead, Fault(kind="fail", on="submit", match='"b"', times=1)], failures=0.0)
    sweep = Sweep(Grid(prompt=["a", "b", "c"]), client=simulator.client(), folder=tmp_path)
    sweep.run()
    assert [row.status for row in sweep.rows()] == ["expired", "failed", "done"]

    with pytest.warns(UserWarning, match=r"row 0 \(expired\), row 2 \(done\)\. .*where='expired'"):
        assert sweep.retry(sweep.df) == 1
    sweep.wait()
    assert [row.status for row in sweep.rows()] == ["expired", "done", "done"]
    simulator.faults.clear()
    with pytest.warns(UserWarning, match=r"passed over 2 of 3"):
        assert sweep.retry(sweep.rows(), where="expired") == 1
    sweep.wait()
    assert sweep.counts() == {"done": 3}
    assert len(simulator.ledger) == 5


def test_retry_chooses_among_rows(mixed):
    """Rows and a condition together mean those of the rows that fit it."""
    sweep, simulator = mixed
    with pytest.warns(UserWarning, match=r"passed over 1 of 2 rows: row 2 \(failed\)"):
        assert sweep.retry([2, 3], where=lambda row: row.cell.prompt == "a hen") == 1
    sweep.wait()
    assert [entry.body["prompt"] for entry in simulator.ledger][6:] == ["a hen"]


def test_retry_without_money_changes_nothing(mixed):
    """Rows that are given are as little paid beyond the budget as others."""
    sweep, simulator = mixed
    sweep.budget = Decimal("0.25")
    with pytest.raises(BudgetError):
        sweep.retry(2, 3)
    assert sweep.counts() == {"unknown": 2, "done": 2, "failed": 2}
    assert len(simulator.ledger) == 6


def test_a_ranking_means_the_clips_of_its_cells(sweep, tmp_path):
    """Case I2: the head of a ranking, and a part of the ratings, mean the clips that they are about, wherever these stand."""
    ranking = sweep.rounds().ranking()
    best = ranking.head(1)
    assert best["row"].tolist() == [5]
    for table in (best, csv(best), best.iloc[0], best.drop(columns="cell")):
        sweep.ratings.rate(table, tags="best", reviewer="cleo")
        assert list(sweep.df.index[sweep.df["tags"] == "best"]) == [5]
        assert sweep.ratings.undo("cleo")
    assert [cell.prompt for cell in sweep.grid.promote(best, duration=8)] == ["a pike"]
    assert sweep.to_html(tmp_path / "best.html", clips=ranking.tail(2)).clips == 2
    assert "done" in sweep.explain(best)

    judged = sweep.ratings.df.query("reviewer == 'ben' and rating >= 4")
    assert [row.index for row in sweep.rounds(judged).rows] == [1, 4]
    assert [cell.prompt for cell in sweep.grid.promote(judged.reset_index(drop=True))] == ["a crow", "an owl"]
    sweep.ratings.rate(judged.groupby("row")["rating"].mean().nlargest(1), note="liked", reviewer="cleo")
    assert list(sweep.df.index[sweep.df["note"] == "liked"]) == [1]


def test_tables_of_another_sweep_are_told_by_their_cells(sweep, simulate, tmp_path):
    """Case I2: also the ranking and the ratings of another sweep are refused, though their row numbers would fit."""
    other = Sweep(
        Grid(prompt=["x", "y"]), client=simulate().client(), folder=tmp_path / "other", previews=False
    )
    other.run()
    other.ratings.rate(0, stars=5, reviewer="ben")
    for table in (
        other.rounds().ranking(),
        other.ratings.df,
        other.ratings.history,
        other.costs.df,
        other.rows(),
    ):
        with pytest.raises(GridError, match="another grid's, is no row of this sweep"):
            sweep.ratings.rate(table, stars=1)
        with pytest.raises(GridError, match="another grid's, is no cell of this grid"):
            sweep.grid.promote(table)


def test_a_cell_without_a_take_means_its_clips(simulate, tmp_path):
    """Case I2: a table of cells means all takes that the verb can use: those that have a clip, are unknown, or all."""
    simulator = simulate(faults=[Fault(kind="fail", on="submit", match='"b"', times=1)])
    client = without_answers(simulator, ["c"])
    sweep = Sweep(Grid(prompt=["a", "b", "c"]), client=client, folder=tmp_path, takes=2, previews=False)
    sweep.run()
    taken = {at: sweep.rows()[at].status for at in range(6)}
    assert sorted(taken.values()) == ["done"] * 4 + ["failed", "unknown"]
    (failed,), (lost,) = (
        [at for at, status in taken.items() if status == name] for name in ("failed", "unknown")
    )
    assert (failed // 2, lost // 2) == (1, 2)
    cells = sweep.grid.df

    sweep.ratings.rate(cells, stars=3)
    assert sweep.df["rating"].isna().tolist() == [at in {failed, lost} for at in range(6)]
    assert sweep.to_html(tmp_path / "page.html", clips=cells.tail(2)).clips == 2
    assert len(sweep.rounds(cells.head(2)).rows) == 3
    assert len(sweep.explain(cells.head(1)).splitlines()) == 2
    assert sweep.explain(sweep.grid[0]) == sweep.explain([0, 1])
    sweep.unknown.drop(cells.tail(1))
    assert sweep.rows()[lost].status == "lost"
    with pytest.warns(UserWarning, match="passed over 1 of 2"):
        assert sweep.retry(cells.loc[[1]]) == 1
    sweep.wait()
    with pytest.raises(GridError, match=r"not unknown; no row of sweep\.df is"):
        sweep.unknown.resubmit(cells.head(1))


def test_cells_without_any_clip_mean_all_their_takes(simulate, tmp_path):
    """A cell of which nothing is made yet can be rated and shown all the same: all of its takes are meant."""
    sweep = Sweep(Grid(prompt=["a", "b"]), client=simulate().client(), folder=tmp_path, takes=2)
    sweep.ratings.rate(sweep.grid.df.tail(1), note="to come")
    assert list(sweep.df.index[sweep.df["note"] == "to come"]) == [2, 3]


def test_a_retaken_sweep_knows_the_rows_of_the_first(sweep, simulate):
    """Case I2: the table of the same cells with other takes means cells and takes, not places."""
    wider = Sweep(sweep.grid, client=simulate().client(), folder=sweep.folder.with_name("wider"), takes=3)
    wider.ratings.rate(sweep.df.loc[[4]], note="first take")
    assert list(wider.df.index[wider.df["note"] == "first take"]) == [12]
    wider.ratings.rate(sweep.rows()[4], note="the Row too")
    assert list(wider.df.index[wider.df["note"] == "the Row too"]) == [12]
    with pytest.raises(GridError, match=r"take 3 of the cell .* which has takes=1"):
        sweep.ratings.rate(wider.df.loc[[2]], stars=1)


def test_places_that_are_skipped(simulate, tmp_path):
    """A skipped place is explained and shown, not rated or promoted; of two places of one clip the one that is made is meant."""
    grid = Grid(
        linked(prompt=["a", "b", "a"], labels={"mood": ["calm", "calm", "wild"]}),
        duration=[6, 10],
        exclude={"prompt": "b", "duration": 10},
    )
    sweep = Sweep(grid, client=simulate().client(), folder=tmp_path, previews=False)
    sweep.run()
    assert [row.status for row in sweep.rows()] == ["done"] * 3 + ["skipped"] * 3

    twin = "skipped: asks for the same clip as cell 0 of the grid"
    assert sweep.explain(4) == sweep.explain(sweep.rows()[4]) == twin
    sweep.ratings.rate(sweep.df.query("mood == 'wild'"), stars=2)
    assert sweep.df["rating"].dropna().to_dict() == {0: 2, 1: 2}
    refused = r"row 3 is skipped \(excluded: .*\); there is no clip to judge\. Nothing was noted"
    with pytest.raises(GridError, match=refused):
        sweep.ratings.rate(sweep.df.loc[[0, 3]].reset_index(drop=True), stars=1)
    assert sweep.to_html(tmp_path / "page.html", clips=sweep.df.loc[[0, 3]]).clips == 2
    refused = r"^a row whose cell is '[0-9a-f]{12}', skipped \(excluded: .*\), is no cell of this grid"
    with pytest.raises(GridError, match=refused):
        grid.promote(sweep.df.loc[[3]])
    assert [cell.prompt for cell in grid.promote([0, 2])] == ["a", "b"]
    assert [cell.duration for cell in grid.promote(sweep.df.loc[[5]])] == [10]


def test_rounds_note_reads_rows_as_all_do(sweep):
    """Two rows that are compared by hand may be given in any form; a flag is none."""
    rounds = sweep.rounds(reviewer="anna")
    before = len(rounds.choices)
    rounds.note(sweep.df.loc[[4]].reset_index(drop=True), sweep.rows()[1], "left")
    assert [(choice.left, choice.right) for choice in rounds.choices[before:]] == [
        (sweep.internals.slot(sweep.rows()[4]), sweep.internals.slot(sweep.rows()[1]))
    ]
    with pytest.raises(GridError, match="True is no row"):
        rounds.note(0, True, "left")  # noqa: FBT003 - no row


@pytest.mark.parametrize("wrong", [-1, True, 1.5, "1", None])
def test_a_cell_is_promoted_by_its_number_key_or_itself(wrong):
    """Grids have no rows: numbers are those of the grid, also beside skipped places; flags and negatives are none."""
    grid = Grid(prompt=["a", "b", "c"], exclude={"prompt": "a"})
    for chosen in (
        1,
        np.int64(1),
        [1],
        grid[1],
        grid[1].key,
        [grid[1].key],
        grid.df.tail(1),
        csv(grid.df).tail(1),
    ):
        assert [cell.prompt for cell in grid.promote(chosen, duration=8)] == ["c"]
    assert [cell.prompt for cell in grid.promote(grid, duration=8)] == ["b", "c"]
    with pytest.raises(GridError, match="is no cell of this grid"):
        grid.promote([wrong], duration=8)


@settings(deadline=None, max_examples=40)
@given(data=st.data(), takes=st.integers(1, 3))
def test_any_renumbering_means_the_same_rows(tmp_path_factory, data, takes):
    """Case I2: rows drawn, shuffled, renumbered and read back from a file mean what they meant before."""
    with Simulator() as simulator:
        folder = tmp_path_factory.mktemp("none")
        sweep = Sweep(Grid(prompt=PROMPTS[:4]), client=simulator.client(), folder=folder, takes=takes)
    rows = data.draw(st.lists(st.integers(0, 4 * takes - 1), unique=True))
    table = sweep.df.loc[rows]
    for meant in (table, table.reset_index(drop=True), csv(table), table.set_index(["cell", "take"])):
        assert [row.index for row in sweep.internals.chosen(meant, nothing="Nothing.")] == rows
