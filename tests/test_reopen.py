"""Grids in sweeps: what is skipped is never sent, what goes first, and a folder that is opened again."""

from __future__ import annotations

import contextlib
import csv
import json
import sqlite3
from decimal import Decimal
from pathlib import Path

import pytest
from PIL import Image

import gridgen as gg
from gridgen import Grid, GridError, GridgenError, JournalError, Model, Sweep, linked, template
from gridgen.gallery.change_feed import ChangeFeed
from gridgen.simulator import Fault
from gridgen.states import State
from gridgen.sweep.reopen import save_sweep

KLING = "kling-v2-6"
EXT = "grok-imagine-1.5-video-ext"


def thinned() -> Grid:
    """Four cells of six: one left out by a person, one that a model lacks."""
    return Grid(
        prompt=template("a {thing}", thing=["boat"]), model=[EXT, KLING], duration=[6, 10, 5]
    ).exclude({"model": EXT, "duration": 10, "reason": "too dear"})


def test_what_is_skipped_is_never_sent(simulate, tmp_path):
    """G2: each skipped combination is a row with its reason in grid order, and no request is ever made for it."""
    simulator = simulate()
    grid = thinned()
    sweep = Sweep(grid, client=simulator.client(), folder=tmp_path, takes=2)

    assert (sweep.estimate().videos, len(sweep.rows())) == (6, 12)
    sweep.run()

    assert [entry.body["duration"] for entry in simulator.ledger].count(10) == 2
    assert len(simulator.ledger) == 6
    assert sweep.counts() == {"skipped": 6, "done": 6}
    table = sweep.df
    assert list(table["status"]) == ["done"] * 2 + ["skipped"] * 6 + ["done"] * 4
    assert list(table["error"].dropna().unique()) == [
        "too dear",
        f"{EXT} makes clips of 6 to 15 s, not 5",
        f"{KLING} makes clips of 5 or 10 s, not 6",
    ]
    assert list(table["thing"].unique()) == ["boat"]
    with (sweep.folder / "sweep.csv").open(encoding="utf-8-sig", newline="") as file:
        written = list(csv.DictReader(file))
    assert [row["thing"] for row in written] == ["boat"] * 12
    assert [row["status"] for row in written] == list(table["status"])


def test_every_place_is_in_the_gallery_and_on_the_board(simulate, tmp_path):
    """Skipped combinations have a tile with the reason in the wall's still form, and a count on the board."""
    sweep = Sweep(thinned(), client=simulate().client(), folder=tmp_path)
    sweep.run()
    gallery = sweep.gallery(rows="model", cols="duration")
    shown = gallery._repr_mimebundle_()["text/html"]

    assert shown.count("too dear") == 1
    assert "kling-v2-6 makes clips of 5 or 10 s, not 6" in shown
    assert "skipped" in sweep._repr_mimebundle_()[0]["text/html"]
    gallery.close()


def test_rows_and_columns_begin_to_fill_at_once(simulate, tmp_path):
    """G9: the first submissions show every value of every axis, while the table keeps grid order."""
    simulator = simulate()
    grid = Grid(prompt=["a", "b", "c"], size=["16:9", "9:16", "1:1"], duration=[6, 8])
    sweep = Sweep(grid, client=simulator.client(), folder=tmp_path, takes=2)
    sweep.run()
    first = [entry.body for entry in simulator.ledger][:3]

    assert {body["prompt"] for body in first} == {"a", "b", "c"}
    assert {body["size"] for body in first} == {"16:9", "9:16", "1:1"}
    assert {body["duration"] for body in first} == {6, 8}
    assert [row.take for row in sweep.rows()] == [1, 2] * 18
    assert list(sweep.df["prompt"]) == ["a"] * 12 + ["b"] * 12 + ["c"] * 12


def test_the_cache_goes_by_content(simulate, tmp_path):
    """E9: axes in another order and labels are the same clips; a changed prompt is another one, in one folder."""
    simulator = simulate()
    client = simulator.client()
    Sweep(Grid(prompt=["a fox", "a hen"], duration=[6, 8]), client=client, folder=tmp_path).run()
    reordered = Grid(duration=[8, 6], prompt=template("a {animal}", animal=["hen", "fox"]))
    again = Sweep(reordered, client=client, folder=tmp_path)

    assert (again.estimate().videos, again.estimate().made) == (0, 4)
    again.run()
    assert len(simulator.ledger) == 4
    changed = Sweep(Grid(prompt=["a fox.", "a hen"], duration=[6, 8]), client=client, folder=tmp_path)
    assert (changed.estimate().videos, changed.estimate().made) == (2, 2)


def test_chosen_clips_are_made_once_more(simulate, tmp_path):
    """E9: a finished take is never made again; one take more of chosen cells refreshes them alone, and the first stays."""
    simulator = simulate()
    client = simulator.client()
    sweep = Sweep(Grid(prompt=["a fox", "a hen", "a boat"]), client=client, folder=tmp_path)
    sweep.run()
    sweep.ratings.rate([0, 2], pick=False)
    weak = sweep.grid.promote(sweep.df[sweep.df["pick"].eq(False).fillna(False)])  # noqa: FBT003 - a column's value
    again = Sweep(weak, client=client, folder=tmp_path, takes=2)

    assert (again.estimate().videos, again.estimate().made) == (2, 2)
    again.run()
    assert [entry.body["prompt"] for entry in simulator.ledger][3:] == ["a fox", "a boat"]
    assert again.df[["take", "status"]].to_numpy().tolist() == [[1, "done"], [2, "done"]] * 2
    assert len(set(again.df["path"])) == 4
    assert all(Path(path).is_file() for path in again.df["path"])
    assert again.df["pick"].isna().tolist() == [False, True, False, True]
    assert sweep.counts() == {"done": 3}


def test_a_miss_is_explained(simulate, tmp_path):
    """E9: of a cell that is not made it is said in what the nearest made one differs; of the others, where they stand."""
    client = simulate().client()
    Sweep(Grid(prompt=["a red fox", "a boat"], duration=[6, 8]), client=client, folder=tmp_path).run()
    wider = Grid(
        prompt=["a red fox", "a red fox."], duration=[6, 9], exclude={"prompt": "a red fox.", "duration": 9}
    )
    sweep = Sweep(wider, client=client, folder=tmp_path, takes=2)

    assert sweep.explain(0).startswith("done: this folder has it under the key ")
    assert sweep.explain(1) == "planned: takes of this cell are made, and take 2 is not yet"
    assert sweep.explain(2) == (
        "planned: no clip of this cell is made; the nearest that is made differs in duration 9, there 6"
    )
    assert sweep.explain(sweep.rows()[4]).endswith("differs in prompt 'a red fox.', there 'a red fox'")
    assert sweep.explain(6) == "skipped: excluded: prompt a red fox., duration 9"
    assert Sweep(wider, client=client, folder=tmp_path / "new").explain(0) == (
        "planned: no clip of this cell is made in this folder"
    )


def test_every_status_is_explained_truly(simulate, tmp_path):
    """Case I5: of what failed, was refused, lost or cannot be had it is said what happened and what can be done."""
    faults = [
        Fault(kind="fail", on="submit", match='"a"'),
        Fault(kind="reply", on="submit", status=400, when="before", match='"b"'),
        Fault(kind="close", on="submit", when="after", match='"c"'),
        Fault(kind="reply", on="result", status=403, match='"d"', times=None),
    ]
    client = simulate(faults=faults, failures=0.0).client()
    sweep = Sweep(Grid(prompt=["a", "b", "c", "d", "e"]), client=client, folder=tmp_path, previews=False)
    sweep.run()
    failed, rejected, unknown, expired, done = (sweep.explain(at) for at in range(5))

    assert failed.startswith("failed: The server made no video. (")
    assert failed.endswith(") retry() submits it again.")
    assert rejected.startswith("rejected: The server refused the request. (")
    assert unknown.startswith("unknown: Sent, but the answer was lost: it may be billed.")
    assert unknown.endswith("Settle it with sweep.unknown.")
    assert expired.startswith("expired: The link died before the file was saved. (")
    assert expired.endswith(
        "run() asks for it again; retry(where='expired') makes it, and pays for it, again."
    )
    assert done == f"done: this folder has it under the key {sweep.grid[4].key[:8]}, take 1"

    sweep.unknown.drop()
    assert sweep.explain(2).startswith("lost: Given up after its answer was lost; it may have been billed.")
    (tmp_path / sweep.rows()[4].path).unlink()
    assert "is no longer in this folder; run() downloads it again" in sweep.explain(4)
    wider = Sweep(Grid(prompt=["a", "e", "f"]), client=client, folder=tmp_path, takes=2)
    assert wider.explain(1).startswith(
        "planned: no clip of this cell is made; the nearest that is made differs in"
    )
    assert wider.explain(3) == "planned: takes of this cell are made, and take 2 is not yet"
    assert wider.explain(4).endswith("differs in prompt 'f', there 'e'")


@pytest.mark.parametrize("status", sorted(set(State) - {"skipped", "planned", "held", "sending", "done"}))
def test_only_what_is_done_is_here(simulate, tmp_path, status):
    """Case I5: in no other state is it said that the folder has the clip; each has a sentence of its own."""
    client = simulate(faults=[Fault(kind="close", on="submit", when="after")]).client()
    Sweep(Grid(prompt="a"), client=client, folder=tmp_path, previews=False).run()
    with contextlib.closing(sqlite3.connect(tmp_path / "journal.sqlite")) as journal, journal:
        journal.execute("UPDATE attempt SET state = ?", (status,))
    said = gg.open(tmp_path).explain(0)

    assert said.startswith(f"{status}: ")
    assert "has it" not in said
    assert len(said) > len(status) + 40


def test_extending_makes_only_what_is_new(simulate, tmp_path):
    """G13: values and a whole new axis added to a finished sweep submit the new cells only."""
    simulator = simulate()
    client = simulator.client()
    Sweep(Grid(prompt=["a", "b"], duration=6), client=client, folder=tmp_path).run()
    wider = gg.open(tmp_path).grid.extend(duration=8, quality="720p")
    sweep = Sweep(wider, client=client, folder=tmp_path)
    sweep.run()

    assert (len(wider), len(simulator.ledger)) == (8, 8)
    assert sweep.counts() == {"done": 8}


def test_opening_a_folder_gives_the_sweep_back(simulate, tmp_path, monkeypatch):
    """G12: grid, takes, budget, labels, skipped places and rows are there again, without a client and with one."""
    monkeypatch.chdir(tmp_path)
    simulator = simulate()
    sweep = Sweep(thinned(), client=simulator.client(), folder="boats", takes=2, budget="4.00")
    sweep.run()
    alone = gg.open("boats")

    assert (alone.grid, alone.takes, alone.budget) == (sweep.grid, 2, Decimal("4.00"))
    assert alone.rows() == sweep.rows()
    assert alone.df.equals(sweep.df)
    assert alone.cost == sweep.cost == simulator.ledger.billed
    assert repr(alone) == repr(sweep)
    assert alone.estimate().videos == 0
    again = gg.open("boats", client=simulator.client(), takes=1)
    again.run()
    assert (again.takes, len(simulator.ledger)) == (1, 6)


def test_a_budget_of_the_simulator_is_no_leave_to_spend_real_money(simulate, tmp_path):
    """The kept budget holds where it was given; another origin asks for one of its own."""
    Sweep(Grid(prompt="a"), client=simulate().client(), folder=tmp_path, budget=50).run()

    assert gg.open(tmp_path, client=simulate().client()).budget == 50
    with gg.Client("sk-none", "https://api.apimart.ai") as real:
        assert gg.open(tmp_path, client=real).budget is None
        assert gg.open(tmp_path, client=real, budget=1).budget == 1


def test_the_table_beside_the_clips_is_a_grid_too(simulate, tmp_path):
    """G12: sweep.csv gives the grid back, what was skipped included."""
    sweep = Sweep(thinned(), client=simulate().client(), folder=tmp_path, takes=2)
    sweep.run()
    again = Grid.load(tmp_path / "sweep.csv", labels=["thing"])

    assert again == sweep.grid
    assert [each.reason for each in again.skipped] == [each.reason for each in sweep.grid.skipped]


def test_without_a_client_nothing_is_sent_and_it_says_so(simulate, tmp_path):
    """run(), start() and whatever else needs the server name the client that is missing; the views work."""
    simulator = simulate()
    Sweep(Grid(prompt="a"), client=simulator.client(), folder=tmp_path, budget=1).run()
    alone = gg.open(tmp_path)

    for verb in (alone.run, alone.start, lambda: alone.adopt("task_x", 0)):
        with pytest.raises(
            GridgenError, match=r"opened without a client, so nothing can be sent.*gridgen\.open\("
        ):
            verb()
    assert len(simulator.ledger) == 1
    gallery = alone.gallery()
    assert "data:image/webp" in gallery._repr_mimebundle_()["text/html"]
    assert "made 1" in alone.preview()._repr_html_()
    gallery.close()


def test_a_person_judges_a_reopened_folder(simulate, tmp_path):
    """Ratings need no client: they are noted in the reopened folder and are there for the next one."""
    Sweep(Grid(prompt="a"), client=simulate().client(), folder=tmp_path).run()
    alone = gg.open(tmp_path)
    alone.ratings.rate(0, stars=5)

    assert gg.open(tmp_path).df["rating"].tolist() == [5]


def test_the_grid_last_begun_is_kept(simulate, tmp_path):
    """Of two sweeps in one folder the later one is opened; nothing is kept before anything is begun."""
    client = simulate().client()
    Sweep(Grid(prompt="a"), client=client, folder=tmp_path).run()
    Sweep(Grid(prompt="b", duration=[6, 8]), client=client, folder=tmp_path).run()
    Sweep(Grid(prompt="c"), client=client, folder=tmp_path)

    assert gg.open(tmp_path).grid == Grid(prompt="b", duration=[6, 8])


def test_a_folder_from_before_is_opened_by_its_journal(simulate, tmp_path):
    """A folder that keeps no grid gives the cells that were ever submitted from it, labels included."""
    grid = Grid(prompt=template("a {x}", x=["fox", "hen"]), duration=[6, 8])
    Sweep(grid, client=simulate().client(), folder=tmp_path, takes=2).run()
    (tmp_path / "sweep.json").unlink()
    found = gg.open(tmp_path)

    assert set(found.grid) == set(grid)
    assert found.takes == 2
    assert found.counts() == {"done": 8}
    assert sorted(found.df["x"]) == sorted(["fox", "hen"] * 4)


def test_what_the_catalogue_offers_no_more_is_opened_all_the_same(simulate, tmp_path):
    """Paid clips are shown whatever the catalogue says by now."""
    Sweep(Grid(prompt="a"), client=simulate().client(), folder=tmp_path).run()
    told = json.loads((tmp_path / "sweep.json").read_text("utf-8"))
    told["grid"]["axes"]["duration"] = [99]
    told["grid"]["axes"]["size"] = ["7:5"]
    (tmp_path / "sweep.json").write_text(json.dumps(told))

    assert gg.open(tmp_path).grid[0].duration == 99


def test_pictures_are_recalled_from_the_folder(simulate, tmp_path):
    """A picture of one's own is in the reopened grid, with its content from the folder's copy and its key."""
    Image.new("RGB", (32, 32), "teal").save(tmp_path / "boat.png")
    grid = Grid(prompt="a", image_urls=tmp_path / "boat.png")
    Sweep(grid, client=simulate().client(), folder=tmp_path / "sweep").run()
    (tmp_path / "boat.png").unlink()
    [cell] = gg.open(tmp_path / "sweep").grid

    assert cell.key == grid[0].key
    assert cell.image_urls[0].read().startswith(b"\x89PNG")
    assert gg.open(tmp_path / "sweep").df["image_urls"].tolist() == ["boat.png"]


def test_a_model_of_ones_own_is_kept_with_the_grid(tmp_path):
    """What was said of a model is there when the folder is opened, so it is asked for in the same way."""
    house = Model("house-1", duration=(2, 4), names={"quality": "tier"}, quality=["720p"], price="0.01")
    grid = Grid(prompt="a", model=house, duration=[2, 4])
    save_sweep(tmp_path, grid.combinations, takes=1, budget=None, origin="simulator")
    again = gg.open(tmp_path).grid

    assert [cell.body() for cell in again] == [cell.body() for cell in grid]
    assert [cell.price() for cell in again] == [Decimal("0.02"), Decimal("0.04")]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "cannot be read"),
        ("{}", "cannot be read"),
        ('{"grid": {"axes": 1}, "takes": 1, "budget": null}', "cannot be read"),
    ],
)
def test_a_broken_file_says_that_the_clips_are_safe(tmp_path, text, said):
    """What was kept and cannot be read is no reason to lose sight of the clips: the message says the way out."""
    (tmp_path / "sweep.json").write_text(text)
    with pytest.raises(JournalError) as caught:
        gg.open(tmp_path)

    assert said in str(caught.value)
    assert "The clips are safe: move that file away" in str(caught.value)


def test_a_folder_without_a_sweep_says_so(tmp_path):
    """Nothing is made of an empty or a missing folder."""
    for folder in (tmp_path, tmp_path / "none"):
        with pytest.raises(JournalError, match=r"holds no sweep|there is no such folder"):
            gg.open(folder)
    assert not (tmp_path / "none").exists()


def test_linked_and_labelled_axes_reach_the_wall(simulate, tmp_path):
    """G1: labels and notes of values, slots and labels are what the wall is told of its axes."""
    grid = Grid(
        linked(size=["16:9", "9:16"], labels={"shape": ["wide", "tall"]}),
        prompt=template("a {thing}", thing={"boat": "paper boat", "fox": "red fox"}),
        duration=[gg.value(6, label="short", note="fits a story"), 8],
    )
    told = ChangeFeed(Sweep(grid, client=simulate().client(), folder=tmp_path), "me").snapshot()
    axes = {axis["name"]: axis["labels"] for axis in told["axes"]}

    assert [axis.get("notes") for axis in told["axes"] if axis["name"] == "duration"] == [
        ["fits a story", ""]
    ]
    assert axes["shape"] == ["wide", "tall"]
    assert axes["thing"] == ["boat", "fox"]
    assert axes["duration"] == ["short", "8"]
    names = [axis["name"] for axis in told["axes"]]
    at = told["tiles"][-1]["at"]
    assert {name: axes[name][at[names.index(name)]] for name in ("shape", "thing", "duration")} == {
        "shape": "tall",
        "thing": "fox",
        "duration": "8",
    }


def test_the_folder_is_named_as_typed(simulate, tmp_path, monkeypatch):
    """The path that a person gives is the one that messages show."""
    monkeypatch.chdir(tmp_path)
    Sweep(Grid(prompt="a"), client=simulate().client(), folder=Path("boats")).run()

    assert gg.open("boats").name == "boats"


def test_one_seed_over_the_grid_and_another_for_each_take(simulate, tmp_path):
    """G7: where a model has a seed and none is stated, all first takes share one, further takes the next."""
    simulator = simulate()
    client = simulator.client()
    grid = Grid(prompt=["a", "b"], model=["seedance-2.0", "kling-v2-6"], duration=5, quality="720p")
    Sweep(grid, client=client, folder=tmp_path).run()
    first = [entry.body for entry in simulator.ledger]
    more = Sweep(grid, client=client, folder=tmp_path, takes=2)

    assert {(body["model"], body.get("seed")) for body in first} == {
        ("seedance-2.0", 1),
        ("kling-v2-6", None),
    }
    assert more.estimate().videos == 4
    more.run()
    then = [entry.body for entry in simulator.ledger][4:]
    assert {(body["model"], body.get("seed")) for body in then} == {("seedance-2.0", 2), ("kling-v2-6", None)}
    assert "takes           2 of each cell; seeds 1 to 2; those of kling-v2-6, which has no seed" in str(
        more.estimate()
    )


def test_a_later_take_is_promoted_with_its_seed(simulate, tmp_path):
    """G16: the take that was picked is the one that is made longer; first takes need no word of it."""
    simulator = simulate()
    client = simulator.client()
    drafts = Sweep(
        Grid(prompt=["a", "b"], model="seedance-2.0", duration=4), client=client, folder=tmp_path, takes=2
    )
    drafts.run()
    table = drafts.df
    finals = drafts.grid.promote(table[(table["take"] == 2) | (table["prompt"] == "a")], duration=8)
    Sweep(finals, client=client, folder=tmp_path).run()

    sent = {
        (body["prompt"], body["seed"])
        for body in (each.body for each in simulator.ledger)
        if body["duration"] == 8
    }
    assert sent == {("a", 1), ("a", 2), ("b", 2)}
    assert [cell["parent"] for cell in finals] == [table["cell"][0], table["cell"][1], table["cell"][3]]
    assert len(drafts.grid.promote(table, model="kling-v2-6", duration=5, quality="720p")) == 2


def test_takes_of_a_fixed_seed_are_refused(simulate, tmp_path):
    """G7: the same seed is not paid for twice: the message writes the seeds that are meant; without a seed takes are free."""
    client = simulate().client()
    grid = Grid(prompt="a", model="seedance-2.0", seed=[None, 7])
    with pytest.raises(GridError, match=r"for seed 7 3 times, .* write seed=\[7, 8, 9\] and leave takes out"):
        Sweep(grid, client=client, folder=tmp_path, takes=3)

    assert len(Sweep(grid[:1], client=client, folder=tmp_path, takes=3).rows()) == 3


def test_drafts_are_promoted(simulate, tmp_path):
    """G16: chosen cells are made again, longer and finer; each row carries its draft's key, and only they are submitted."""
    simulator = simulate()
    client = simulator.client()
    drafts = Sweep(Grid(prompt=template("a {x}", x=["fox", "hen", "boat"])), client=client, folder=tmp_path)
    drafts.run()
    table = drafts.df
    finals = Sweep(
        drafts.grid.promote(table[table["x"] != "hen"], duration=10, quality="720p"),
        client=client,
        folder=tmp_path,
    )
    finals.run()

    assert [entry.body["prompt"] for entry in simulator.ledger][3:] == ["a fox", "a boat"]
    assert list(finals.df["parent"]) == list(table["cell"][[0, 2]])
    assert list(finals.df["x"]) == ["fox", "boat"]
    joined = finals.df.merge(table, left_on="parent", right_on="cell", suffixes=("", "_draft"))
    assert joined[["duration", "duration_draft"]].to_numpy().tolist() == [[10, 6], [10, 6]]


def test_what_may_be_promoted():
    """G16: cells are chosen by index, by key, or by themselves; what is none of the grid's is an error."""
    grid = Grid(prompt=["a", "b"])

    for chosen in ([1], 1, grid[1].key, [grid[1]], grid.df.tail(1)):
        assert list(grid.promote(chosen, duration=8)) == [Grid(prompt="b", duration=8)[0]]
    assert len(grid.promote(duration=[8, 10])) == 4
    for chosen in (2, "x", grid.df[["prompt"]]):
        with pytest.raises(GridError, match="is no cell of this grid"):
            grid.promote(chosen, duration=8)
    with pytest.raises(GridError, match="row 1: duration=99 is not offered"):
        grid.promote(0, duration=99)


def test_hidden_prompts_hide_their_slots_too(simulate, tmp_path):
    """A page without prompts tells none of their words by a slot, a label, a template, a note or a reason."""
    grid = Grid(
        prompt=[
            template("a {thing}", thing={"otter": "sea otter"}),
            template("the {thing} at night", thing=["badger"]),
        ],
        duration=[6, 8],
        exclude={"thing": "badger", "duration": 8, "reason": "badgers are slow"},
    ).extend(prompt="a heron")
    sweep = Sweep(grid, client=simulate().client(), folder=tmp_path)
    sweep.run()
    sweep.to_html(tmp_path / "page.html", prompts=False)
    text = (tmp_path / "page.html").read_text("utf-8")

    assert [word for word in ("otter", "badger", "heron", "{thing}", "night") if word in text] == []
