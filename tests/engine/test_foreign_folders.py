"""Folders and bundles of somebody else: what leaves is what the cells say, and nothing outside is touched."""

from __future__ import annotations

import contextlib
import hashlib
import json
import sqlite3
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image
from waiting import until

import gridgen as gg
from gridgen import Grid, JournalError, Model, Simulator, Sweep
from gridgen.simulator import Fault

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

EXT = {"model": "grok-imagine-1.5-video-ext", "duration": 6, "quality": "480p"}
SEND_NOT = {"previews": False}


def forge(folder: Path, statement: str, *values: Any, triggers: bool = True) -> None:
    """Change a journal as nobody's gridgen would."""
    with contextlib.closing(sqlite3.connect(folder / "journal.sqlite")) as connection, connection:
        names = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for name, _ in names if triggers else ():
            connection.execute(f"DROP TRIGGER {name}")
        connection.execute(statement, values)
        for _, sql in names if triggers else ():
            connection.execute(sql)


def planned(simulator: Simulator, folder: Path, grid: Grid) -> Sweep:
    """Return a sweep whose rows are planned in the journal, none of them sent."""
    sweep = Sweep(grid, client=simulator.client(), folder=folder, previews=False)
    sweep.run()
    forge(
        folder,
        "UPDATE attempt SET state = 'planned', task_id = NULL, path = NULL, cost = NULL, submitted_at = NULL",
    )
    for path in [*folder.glob("*.mp4"), folder / "sweep.csv"]:
        path.unlink()
    return sweep


def test_a_planned_row_sends_what_its_cell_says(simulate: Callable[..., Simulator], tmp_path: Path) -> None:
    """Case A6: a body that somebody else planned is not sent; the cell's own leaves under a key of its own."""
    simulator = simulate()
    grid = Grid(prompt="a boat", **EXT)
    sweep = planned(simulator, tmp_path, grid)
    body = json.dumps({**grid[0].body(), "duration": 15, "prompt": "something else"}).encode()
    digest = hashlib.sha256(body).hexdigest()
    forge(tmp_path, "UPDATE attempt SET body = ?, body_sha256 = ?, idempotency_key = 'theirs'", body, digest)
    sweep.run()

    assert sweep.counts() == {"done": 1}
    assert [entry.body for entry in simulator.ledger] == [grid[0].body(1)] * 2


def test_an_unknown_row_of_somebody_else_is_not_replayed(
    simulate: Callable[..., Simulator], tmp_path: Path
) -> None:
    """Case A6: a body that is not the cell's stays unknown though the model is proven; the cell's own is replayed."""
    simulator = simulate()
    grid = Grid(prompt="a boat", **EXT)
    client = simulator.client()
    assert client.prove_idempotency(EXT["model"]).honoured
    for folder, forged in ((tmp_path / "theirs", True), (tmp_path / "own", False)):
        simulator.faults.add(Fault(kind="close", on="submit", when="after", times=1))
        Sweep(grid, client=client, folder=folder, previews=False).run()
        if forged:
            body = json.dumps({**grid[0].body(1), "duration": 15}).encode()
            forge(
                folder, "UPDATE attempt SET body = ?, body_sha256 = ?", body, hashlib.sha256(body).hexdigest()
            )
        simulator.requests.clear()
        again = Sweep(grid, client=client, folder=folder, previews=False, on_unknown="replay")
        again.run()

        assert again.counts() == ({"unknown": 1} if forged else {"done": 1})
        assert sum(seen.method == "POST" for seen in simulator.requests) == (not forged)


def test_a_folder_that_is_renamed_in_mid_run_says_so(
    simulate: Callable[..., Simulator], tmp_path: Path
) -> None:
    """Case A13: a sweep whose folder is moved away stops with a sentence, and goes on from where the folder is now."""
    simulator = simulate(speed=100.0)
    sweep = Sweep(
        Grid(prompt=["a", "b", "c"], **EXT), client=simulator.client(), folder=tmp_path / "one", **SEND_NOT
    )
    sweep.start()
    until(lambda: all(row.task_id for row in sweep.rows()))
    (tmp_path / "one").rename(tmp_path / "two")
    with pytest.raises(JournalError, match="was deleted or moved while it was in use"):
        sweep.wait(60)
    again = gg.open(tmp_path / "two", client=simulator.client())
    until(lambda: not sweep.running)
    again.run()

    assert again.counts() == {"done": 3}
    assert len(simulator.ledger) == 3


@pytest.mark.parametrize(
    "path", ["../outside.mp4", "/tmp/outside.mp4", "C:\\outside.mp4", "..\\outside.mp4", "sub/x.mp4"]
)
def test_no_file_outside_is_written(simulate: Callable[..., Simulator], tmp_path: Path, path: str) -> None:
    """Case A6: a path in a journal that leads out of the folder, also by a linked folder, is none."""
    folder, outside = tmp_path / "sweep", tmp_path / "elsewhere"
    outside.mkdir()
    for victim in (tmp_path / "outside.mp4", outside / "x.mp4"):
        victim.write_bytes(b"mine")
    simulator = simulate()
    Sweep(Grid(prompt="a", **EXT), client=simulator.client(), folder=folder, previews=False).run()
    (folder / "sub").symlink_to(outside)
    for clip in folder.glob("*.mp4"):
        clip.unlink()
    forge(
        folder,
        "UPDATE attempt SET state = 'downloading', path = ?, poster = ?, preview = ?",
        path,
        path,
        path,
    )
    again = gg.open(folder, client=simulator.client())
    assert again.df["path"].isna().all() or path == "sub/x.mp4"
    again.run()

    assert again.counts() == {"done": 1}
    assert (tmp_path / "outside.mp4").read_bytes() == (outside / "x.mp4").read_bytes() == b"mine"
    assert "/" not in again.rows()[0].path
    assert len(simulator.ledger) == 1


def test_sums_below_zero_raise_no_budget(simulate: Callable[..., Simulator], tmp_path: Path) -> None:
    """Case A6: a cost of somebody else's journal that would give money back counts at the price."""
    simulator = simulate()
    grid = Grid(prompt="a", **EXT)
    Sweep(grid, client=simulator.client(), folder=tmp_path, previews=False).run()
    forge(tmp_path, "UPDATE attempt SET cost = -1000000000")
    price = grid[0].price()
    wider = Sweep(Grid(prompt=["a", "b"], **EXT), client=simulator.client(), folder=tmp_path, budget=price)
    with pytest.raises(gg.BudgetError):
        wider.run()
    assert len(simulator.ledger) == 1


def official(folder: Path, budget: str | None) -> None:
    """Let a folder say that its clips are made at the official service."""
    told = json.loads((folder / "sweep.json").read_text("utf-8"))
    (folder / "sweep.json").write_text(json.dumps(told | {"origin": "apimart", "budget": budget}))


def test_a_budget_counts_where_this_user_gave_it(
    simulate: Callable[..., Simulator], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Case A6: a budget that somebody else kept, or changed, is no leave to spend; one's own is, and for no other user."""
    from gridgen.sweep.reopen import save_sweep

    Sweep(Grid(prompt="a"), client=simulate().client(), folder=tmp_path / "one", budget=1).run()
    official(tmp_path / "one", "500")
    (tmp_path / "two").mkdir()
    grid = Grid(prompt="a", model=Model("kling-v2-6", duration=[5], price="0.5"))
    save_sweep(
        tmp_path / "two",
        grid.combinations,
        takes=1,
        budget=gg.open(tmp_path / "one").budget,
        origin="apimart",
    )
    save_sweep(tmp_path / "two", grid.combinations, takes=1, budget=3, origin="apimart")
    with gg.Client("sk-none", "https://api.apimart.ai") as real:
        assert gg.open(tmp_path / "one", client=real).budget is None
        assert gg.open(tmp_path / "one").budget is None
        assert gg.open(tmp_path / "one", client=real, budget=2).budget == 2
        own = gg.open(tmp_path / "two", client=real)
        assert (own.budget, own.grid[0].price()) == (3, grid[0].price())
        monkeypatch.setenv("GRIDGEN_DATA_DIR", str(tmp_path / "somebody else"))
        with pytest.warns(UserWarning, match="a record of its own of kling-v2-6"):
            other = gg.open(tmp_path / "two", client=real)
        assert (other.budget, other.grid[0].price()) == (
            None,
            Grid(prompt="a", model="kling-v2-6")[0].price(),
        )


def test_a_changed_picture_never_goes_out(simulate: Callable[..., Simulator], tmp_path: Path) -> None:
    """Case A6: a copy that was exchanged in the folder is not uploaded under the old hash, and no clip is ordered."""
    Image.new("RGB", (64, 64), "teal").save(tmp_path / "boat.png")
    simulator = simulate()
    made = Sweep(
        Grid(prompt="a", image_urls=tmp_path / "boat.png"),
        client=simulator.client(),
        folder=tmp_path / "one",
        **SEND_NOT,
    )
    made.run()
    made.to_zip(tmp_path / "one.zip")
    again = gg.unpack(tmp_path / "one.zip", tmp_path / "two")
    [copy] = (tmp_path / "two" / "images").iterdir()
    Image.new("RGB", (64, 64), "red").save(copy)
    before = len(simulator.ledger)
    wider = Sweep(
        again.grid.extend(prompt="b"), client=simulator.client(), folder=tmp_path / "two", **SEND_NOT
    )
    wider.run()
    assert [row.status for row in wider.rows()] == ["done", "rejected"]
    assert "is not the picture that it was" in wider.rows()[1].error
    assert len(simulator.ledger) == before


def test_a_journal_without_an_id_is_none(simulate: Callable[..., Simulator], tmp_path: Path) -> None:
    """Case A6: what every key is made of must be there."""
    simulator = simulate()
    sweep = Sweep(Grid(prompt="a", **EXT), client=simulator.client(), folder=tmp_path, previews=False)
    sweep.run()
    forge(tmp_path, "DELETE FROM meta WHERE name = 'store_id'")
    with pytest.raises(JournalError, match="has no id"):
        sweep.run()
