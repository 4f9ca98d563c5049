"""A journal that is missing, empty or old: what else lies in the folder is asked before anything is paid again."""

from __future__ import annotations

import contextlib
import csv
import json
import shutil
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

import gridgen as gg
from gridgen import Grid, JournalError, Sweep
from gridgen.simulator import Fault

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from gridgen import Simulator

MODEL = {"model": "grok-imagine-1.5-video-ext", "duration": 6, "quality": "480p"}
JOURNAL = ("journal.sqlite", "journal.sqlite-wal", "journal.sqlite-shm")


@pytest.fixture
def simulator(simulate: Callable[..., Simulator]) -> Simulator:
    """One world for all sweeps of a test."""
    return simulate()


def sweep_of(simulator: Simulator, folder: Path, *prompts: str, **options: Any) -> Sweep:
    """Return a sweep of one cell a prompt."""
    grid = Grid(prompt=list(prompts), **MODEL)
    return Sweep(grid, client=simulator.client(), folder=folder, **{"previews": False, **options})


def posts(simulator: Simulator) -> int:
    """Count what was paid."""
    return len(simulator.ledger)


def lose(folder: Path, how: str) -> None:
    """Lose a journal."""
    for name in JOURNAL:
        (folder / name).unlink(missing_ok=True)
    if how == "empty":
        (folder / "journal.sqlite").touch()


def clips(folder: Path) -> dict[str, bytes]:
    """Return the videos of a folder."""
    return {path.name: path.read_bytes() for path in folder.glob("*.mp4")}


@contextlib.contextmanager
def refused(simulator: Simulator, said: str) -> Iterator[None]:
    """Expect a refusal that sends nothing."""
    before = posts(simulator)
    with pytest.raises(JournalError, match=said) as caught:
        yield
    assert posts(simulator) == before
    for way in ("Put the right journal.sqlite back", "sweep.restore()", "another folder", "Nothing was sent"):
        assert way in str(caught.value)


@pytest.mark.parametrize("how", ["missing", "empty"])
@pytest.mark.parametrize("kept", ["all", "clips", "sequence", "table"])
def test_a_lost_journal_is_recognised(simulator: Simulator, tmp_path: Path, how: str, kept: str) -> None:
    """Case A4: each witness alone is enough, and the folder is as it was."""
    sweep_of(simulator, tmp_path, "a", "b").run()
    lose(tmp_path, how)
    if kept != "all":
        keep = {"clips": "*.mp4", "sequence": "sweep.json", "table": "sweep.csv"}[kept]
        wanted = set(tmp_path.glob(keep))
        for path in (*tmp_path.glob("*.mp4"), tmp_path / "sweep.json", tmp_path / "sweep.csv"):
            if path not in wanted:
                path.unlink()
    before = sorted(tmp_path.iterdir())

    with refused(simulator, "has no journal, or an empty one"):
        sweep_of(simulator, tmp_path, "a", "b").run()
    assert [path for path in sorted(tmp_path.iterdir()) if path.name != "journal.lock"] == [
        path for path in before if path.name != "journal.lock"
    ]


@pytest.mark.parametrize("old", [False, True])
def test_an_older_journal_is_recognised(simulator: Simulator, tmp_path: Path, *, old: bool) -> None:
    """Case A4: a copy from before the last run pays nothing again, also in a folder that keeps no sequence."""
    sweep_of(simulator, tmp_path / "one", "a").run()
    shutil.copy(tmp_path / "one" / "journal.sqlite", tmp_path / "copy.sqlite")
    sweep_of(simulator, tmp_path / "one", "a", "b").run()
    lose(tmp_path / "one", "missing")
    shutil.copy(tmp_path / "copy.sqlite", tmp_path / "one" / "journal.sqlite")
    if old:
        as_before(tmp_path / "one")

    with refused(simulator, "has an older journal than what lies beside it"):
        sweep_of(simulator, tmp_path / "one", "a", "b").run()


def as_before(folder: Path) -> None:
    """Leave a folder as an earlier gridgen would have."""
    told = json.loads((folder / "sweep.json").read_text("utf-8"))
    (folder / "sweep.json").write_text(
        json.dumps({name: told[name] for name in ("grid", "takes", "budget", "origin")})
    )
    with (folder / "sweep.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = [
            {name: text for name, text in row.items() if name != "task_id"} for row in csv.DictReader(file)
        ]
    with (folder / "sweep.csv").open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, list(rows[0]))
        table.writeheader()
        table.writerows(rows)


def test_another_journal_is_recognised(simulator: Simulator, tmp_path: Path) -> None:
    """Case A4: the journal of another folder is no witness of this one's clips."""
    sweep_of(simulator, tmp_path / "one", "a").run()
    sweep_of(simulator, tmp_path / "two", "c", "d", "e").run()
    lose(tmp_path / "one", "missing")
    shutil.copy(tmp_path / "two" / "journal.sqlite", tmp_path / "one" / "journal.sqlite")

    with refused(simulator, "has another journal than the one in which its clips were noted"):
        sweep_of(simulator, tmp_path / "one", "b").run()


def test_a_folder_of_an_earlier_gridgen_opens_as_before(simulator: Simulator, tmp_path: Path) -> None:
    """Case A4: without sequence and task ids nothing is refused that is whole, and what is added is made."""
    sweep_of(simulator, tmp_path, "a", "b").run()
    as_before(tmp_path)
    gg.open(tmp_path, client=simulator.client()).run()
    assert posts(simulator) == 2
    sweep_of(simulator, tmp_path, "a", "b", "c").run()
    assert posts(simulator) == 3


def test_another_sweep_of_the_folder_is_no_lost_journal(simulator: Simulator, tmp_path: Path) -> None:
    """Case A4: cells that were never made are made, whatever clips and table of other cells lie there."""
    sweep_of(simulator, tmp_path, "a").run()
    sweep_of(simulator, tmp_path, "b").run()
    sweep_of(simulator, tmp_path, "a", "b", takes=2).run()
    assert posts(simulator) == 4


@pytest.mark.parametrize("how", ["missing", "empty"])
def test_the_clips_are_taken_in(simulator: Simulator, tmp_path: Path, how: str) -> None:
    """Case A4: the first way out: what lies there is done, at its cost, and only what is new is paid."""
    first = sweep_of(simulator, tmp_path, "a", "b")
    first.run()
    before, rows = clips(tmp_path), first.rows()
    lose(tmp_path, how)
    again = sweep_of(simulator, tmp_path, "a", "b", "c")
    again.restore()

    assert again.counts() == {"planned": 1, "done": 2}
    for row, was in zip(again.rows()[:2], rows, strict=True):
        assert (row.path, row.sha256, row.frames, row.task_id) == (
            was.path,
            was.sha256,
            was.frames,
            was.task_id,
        )
        assert row.cost == was.cost
    again.run()
    assert again.counts() == {"done": 3}
    assert posts(simulator) == 3
    assert clips(tmp_path).items() >= before.items()
    again.run()
    assert gg.open(tmp_path).counts() == {"done": 3}


def test_clips_are_taken_in_once_though_that_is_asked_for_twice(simulator: Simulator, tmp_path: Path) -> None:
    """Case A4: a restore that was interrupted goes on, so another one that begins meanwhile waits for its end."""
    prompts = [f"boat {number}" for number in range(8)]
    sweep_of(simulator, tmp_path, *prompts).run()
    lose(tmp_path, "missing")
    again = [sweep_of(simulator, tmp_path, *prompts) for _ in range(2)]
    with ThreadPoolExecutor(4) as pool:
        for each in [pool.submit(sweep.restore) for sweep in again * 2]:
            each.result()

    assert again[0].counts() == again[1].counts() == {"done": 8}
    again[0].run()
    assert posts(simulator) == 8


def test_a_planned_row_takes_in_its_clip_too(simulator: Simulator, tmp_path: Path) -> None:
    """Case A4: a clip that an old journal only plans is taken in as the attempt that it is."""
    sweep_of(simulator, tmp_path, "a").run()
    change(tmp_path, "UPDATE attempt SET state = 'planned', path = NULL, task_id = NULL, cost = NULL")
    again = sweep_of(simulator, tmp_path, "a")
    with refused(simulator, "has an older journal"):
        again.run()
    again.restore()
    again.run()

    assert again.counts() == {"done": 1}
    assert posts(simulator) == 1


def test_a_retry_that_an_old_journal_only_plans_takes_in_its_clip_too(simulate, tmp_path):
    """Case A4: a journal from between a failure and its retry knows an earlier attempt, and not that the later one was paid."""
    simulator = simulate(faults=[Fault(kind="fail", on="submit")])
    sweep = sweep_of(simulator, tmp_path, "a")
    sweep.run()
    assert sweep.retry() == 1
    sweep.wait()
    assert sweep.counts() == {"done": 1}
    change(
        tmp_path, "UPDATE attempt SET state = 'planned', path = NULL, task_id = NULL, cost = NULL WHERE n = 2"
    )

    again = sweep_of(simulator, tmp_path, "a")
    with refused(simulator, "has an older journal"):
        again.run()
    again.restore()
    again.run()

    assert again.counts() == {"done": 1}
    assert posts(simulator) == 2


def test_what_is_taken_in_counts_at_its_price(simulator: Simulator, tmp_path: Path) -> None:
    """Case A4: a clip whose cost nobody tells any more counts against the budget at its known price."""
    sweep_of(simulator, tmp_path, "a").run()
    lose(tmp_path, "missing")
    (tmp_path / "sweep.csv").unlink()
    price = Grid(prompt="a", **MODEL)[0].price()
    again = sweep_of(simulator, tmp_path, "a", "b", budget=price)
    again.restore()
    with pytest.raises(gg.BudgetError):
        again.run()
    assert posts(simulator) == 1


def test_a_task_of_the_table_brings_its_clip_again(simulator: Simulator, tmp_path: Path) -> None:
    """Case A4: where the file is gone, too, the task that sweep.csv names is asked for and nothing is paid."""
    first = sweep_of(simulator, tmp_path, "a", "b")
    first.run()
    paths = clips(tmp_path)
    lose(tmp_path, "missing")
    for name in paths:
        (tmp_path / name).unlink()
    again = sweep_of(simulator, tmp_path, "a", "b")
    again.restore()
    again.run()

    assert again.counts() == {"done": 2}
    assert posts(simulator) == 2
    assert clips(tmp_path) == paths


def test_what_left_no_task_is_missing_and_not_paid_again(simulator: Simulator, tmp_path: Path) -> None:
    """Case A4: a clip that only an old table tells of is a row that says so."""
    sweep_of(simulator, tmp_path, "a").run()
    as_before(tmp_path)
    lose(tmp_path, "missing")
    for name in clips(tmp_path):
        (tmp_path / name).unlink()
    again = sweep_of(simulator, tmp_path, "a")
    again.restore()
    again.run()

    assert again.counts() == {"missing": 1}
    assert "it was paid" in again.rows()[0].error
    assert posts(simulator) == 1


def test_a_damaged_clip_is_taken_in_by_its_task(simulator: Simulator, tmp_path: Path) -> None:
    """Case A4: a file that is no video is not replaced; the clip comes again beside it under another name."""
    sweep_of(simulator, tmp_path, "a").run()
    [name] = clips(tmp_path)
    lose(tmp_path, "missing")
    (tmp_path / name).write_bytes(b"mine, not a video")
    again = sweep_of(simulator, tmp_path, "a")
    again.restore()
    again.run()

    assert again.counts() == {"done": 1}
    assert posts(simulator) == 1
    assert (tmp_path / name).read_bytes() == b"mine, not a video"
    assert again.rows()[0].path == name.replace(".mp4", ".2.mp4")


def test_a_snapshot_is_restored_over_a_lost_journal(simulator: Simulator, tmp_path: Path) -> None:
    """Case A4: the second way out: a snapshot takes the place of no journal, of an empty one and of an older one."""
    sweep = sweep_of(simulator, tmp_path / "one", "a")
    sweep.run()
    shutil.copy(tmp_path / "one" / "journal.sqlite", tmp_path / "copy.sqlite")
    wider = sweep_of(simulator, tmp_path / "one", "a", "b")
    wider.run()
    taken = wider.snapshot(tmp_path / "taken.jsonl")
    for how in ("missing", "empty", "older"):
        lose(tmp_path / "one", how)
        if how == "older":
            shutil.copy(tmp_path / "copy.sqlite", tmp_path / "one" / "journal.sqlite")
        again = sweep_of(simulator, tmp_path / "one", "a", "b")
        with refused(simulator, "journal"):
            again.run()
        again.restore(taken)
        again.run()
        assert again.counts() == {"done": 2}
    assert posts(simulator) == 2


def test_an_older_snapshot_is_no_way_to_pay_again(simulator: Simulator, tmp_path: Path) -> None:
    """Case A4: after a snapshot from before the last run the other witnesses are still heard; both ways together help."""
    sweep = sweep_of(simulator, tmp_path / "one", "a")
    sweep.run()
    taken = sweep.snapshot(tmp_path / "taken.jsonl")
    sweep_of(simulator, tmp_path / "one", "a", "b").run()
    with pytest.raises(JournalError, match="does not go on from it"):
        sweep.restore(taken)
    lose(tmp_path / "one", "missing")
    again = sweep_of(simulator, tmp_path / "one", "a", "b")
    again.restore(taken)
    with refused(simulator, "has an older journal"):
        again.run()
    again.restore()
    again.run()
    assert again.counts() == {"done": 2}
    assert posts(simulator) == 2


def test_another_folder_is_a_way_out(simulator: Simulator, tmp_path: Path) -> None:
    """Case A4: the third way out: elsewhere the clips are made anew, and those that lie here stay."""
    sweep_of(simulator, tmp_path / "one", "a").run()
    lose(tmp_path / "one", "missing")
    before = clips(tmp_path / "one")
    sweep_of(simulator, tmp_path / "two", "a").run()
    assert clips(tmp_path / "one") == before


def test_a_file_is_never_replaced(simulator: Simulator, tmp_path: Path) -> None:
    """Case A4: a file that this attempt did not write keeps its name and its content; the clip takes another name."""
    sweep_of(simulator, tmp_path, "a").run()
    [(name, content)] = clips(tmp_path).items()
    change(tmp_path, "UPDATE attempt SET state = 'downloading', path = NULL, sha256 = NULL")
    (tmp_path / name).write_bytes(b"somebody else's")
    again = sweep_of(simulator, tmp_path, "a")
    again.run()

    assert clips(tmp_path) == {name: b"somebody else's", name.replace(".mp4", ".2.mp4"): content}
    assert again.counts() == {"done": 1}
    sweep_of(simulator, tmp_path, "a").run()
    assert posts(simulator) == 1


def change(folder: Path, statement: str) -> None:
    """Change a journal as a process would have left it."""
    with contextlib.closing(sqlite3.connect(folder / "journal.sqlite")) as connection, connection:
        triggers = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for name, _ in triggers:
            connection.execute(f"DROP TRIGGER {name}")
        connection.execute(statement)
        for _, sql in triggers:
            connection.execute(sql)


def test_a_clip_that_was_placed_and_not_noted_is_not_there_twice(
    simulator: Simulator, tmp_path: Path
) -> None:
    """Case A4: after an end between placing a clip and noting it, the same content takes the same name."""
    sweep_of(simulator, tmp_path, "a").run()
    before = clips(tmp_path)
    change(tmp_path, "UPDATE attempt SET state = 'downloading', path = NULL, sha256 = NULL")
    again = sweep_of(simulator, tmp_path, "a")
    again.run()
    assert again.counts() == {"done": 1}
    assert clips(tmp_path) == before


def test_a_clip_made_again_after_its_link_died_has_a_file(simulator: Simulator, tmp_path: Path) -> None:
    """Case A4: a new attempt of a take whose first file is gone takes a name that the first one does not have."""
    sweep = sweep_of(simulator, tmp_path, "a")
    sweep.run()
    [name] = clips(tmp_path)
    (tmp_path / name).unlink()
    change(tmp_path, "UPDATE attempt SET state = 'expired'")
    assert sweep.retry("expired") == 1
    sweep.wait()

    assert sweep.counts() == {"done": 1}
    assert (tmp_path / sweep.rows()[0].path).is_file()
    assert posts(simulator) == 2


def test_a_table_that_fell_behind_is_no_witness_of_what_the_journal_settled(simulate, tmp_path):
    """Case A4: a row that was unknown when the table was written may have ended since; the journal knows that it left."""
    simulator = simulate(
        faults=[Fault(kind="fail", on="submit"), Fault(kind="reset", on="submit", when="after")]
    )
    grid = Grid(prompt=["a", "b"])
    sweep = Sweep(grid, client=simulator.client(), folder=tmp_path)
    sweep.run()
    assert sweep.counts() == {"unknown": 1, "done": 1}
    table = (tmp_path / "sweep.csv").read_bytes()
    (row,) = (each for each in sweep.rows() if each.status == "unknown")
    known = {each.task_id for each in sweep.rows()}
    sweep.unknown.attach(
        row.index, next(each.task_id for each in simulator.ledger if each.task_id not in known)
    )
    sweep.run()
    assert sweep.counts() == {"failed": 1, "done": 1}
    (tmp_path / "sweep.csv").write_bytes(table)

    again = Sweep(grid, client=simulator.client(), folder=tmp_path)
    again.run()
    assert again.counts() == {"failed": 1, "done": 1}


@pytest.mark.parametrize("task", ["-1f", "=2", "+", "@x"])
def test_an_odd_id_in_an_older_table_is_the_one_of_the_journal(simulate, tmp_path, task):
    """Case A4: an id that a spreadsheet would take for a formula stands otherwise in the table, and is no other task."""
    simulator = simulate(faults=[Fault(kind="fail", on="submit")])
    sweep = sweep_of(simulator, tmp_path, "a")
    sweep.run()
    change(tmp_path, f"UPDATE attempt SET task_id = '{task}'")
    table = (tmp_path / "sweep.csv").read_text("utf-8")
    told = table.replace(simulator.ledger[0].task_id, f"'{task}").replace(",failed,", ",running,")
    assert told != table
    (tmp_path / "sweep.csv").write_text(told, "utf-8")
    again = sweep_of(simulator, tmp_path, "a")
    again.run()

    assert again.counts() == {"failed": 1}
    assert posts(simulator) == 1


def test_an_odd_id_is_taken_in_as_the_server_gave_it(simulate, tmp_path):
    """Case A4: what a table kept from being a formula is the task's own id again when a lost journal is made anew."""
    simulator = simulate()
    sweep_of(simulator, tmp_path, "a").run()
    table, (entry,) = (tmp_path / "sweep.csv").read_text("utf-8"), simulator.ledger
    (tmp_path / "sweep.csv").write_text(table.replace(entry.task_id, "'-1f"), "utf-8")
    lose(tmp_path, "missing")
    again = sweep_of(simulator, tmp_path, "a")
    again.restore()

    assert again.rows()[0].task_id == "-1f"
