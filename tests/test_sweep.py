"""Sweeps: what is submitted, what is paid, what is on the disk, judged by the simulator's ledger."""

from __future__ import annotations

import asyncio
import contextlib
import csv
import hashlib
import itertools
import json
import os
import pty
import re
import signal
import stat
import subprocess
import sys
import textwrap
import time
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from functools import partial

import httpx
import httpx2
import nbformat
import pandas as pd
import pytest
from nbclient import NotebookClient
from waiting import until

import gridgen
from gridgen import (
    BudgetError,
    Client,
    Grid,
    GridError,
    GridgenError,
    JournalError,
    OutOfCreditsError,
    Simulator,
    Sweep,
)
from gridgen.simulator import Fault
from gridgen.sweep.progress import Milestones
from gridgen.sweep.table import write_table

EXT = "grok-imagine-1.5-video-ext"


def posts(simulator: Simulator) -> int:
    """Count the submissions that were seen on the wire."""
    return sum(request.method == "POST" for request in simulator.requests)


def test_a_sweep_makes_every_clip_once(simulate, boats, tmp_path):
    """Eight cells are eight POSTs, eight ledger entries, eight verified files with posters and previews."""
    simulator = simulate()
    sweep = Sweep(boats, client=simulator.client(), folder=tmp_path / "boats")

    sweep.run()

    assert sweep.counts() == {"done": 8}
    assert (posts(simulator), len(simulator.ledger)) == (8, 8)
    assert sweep.cost == simulator.ledger.billed
    for row in sweep.rows():
        video = sweep.folder / row.path
        assert hashlib.sha256(video.read_bytes()).hexdigest() == row.sha256
        assert (sweep.folder / row.poster).is_file()
        assert (sweep.folder / row.preview).is_file()
        assert row.clip_seconds == pytest.approx(row.cell.duration, abs=0.01)
    assert not list(sweep.folder.glob("**/*.part"))


def test_running_again_costs_nothing(simulate, boats, tmp_path):
    """The same grid in the same folder, by the same and by a new object, submits nothing more."""
    simulator = simulate()
    sweep = Sweep(boats, client=simulator.client(), folder=tmp_path)
    sweep.run()
    sweep.run()
    Sweep(boats, client=simulator.client(), folder=tmp_path).run()

    assert posts(simulator) == 8


def test_a_new_value_costs_only_the_new_cells(simulate, tmp_path):
    """Adding a duration to a finished grid submits that duration only."""
    simulator = simulate()
    Sweep(Grid(prompt="boat", duration=[6, 10]), client=simulator.client(), folder=tmp_path).run()
    wider = Sweep(Grid(prompt="boat", duration=[6, 8, 10]), client=simulator.client(), folder=tmp_path)

    assert (wider.estimate().videos, wider.estimate().made) == (1, 2)
    wider.run()

    assert [entry.body["duration"] for entry in simulator.ledger] == [6, 10, 8]
    assert wider.counts() == {"done": 3}


def test_takes_are_clips_of_their_own(simulate, tmp_path):
    """Two takes of a cell are two submissions and two files that differ."""
    simulator = simulate()
    sweep = Sweep(Grid(prompt="boat"), client=simulator.client(), folder=tmp_path, takes=2)
    sweep.run()

    assert [row.take for row in sweep.rows()] == [1, 2]
    assert len({row.sha256 for row in sweep.rows()}) == 2
    assert len(simulator.ledger) == 2


def test_the_contracts_text_to_video_body(simulate, tmp_path):
    """The body that reaches the server for text to video is the contract's, key for key."""
    simulator = simulate()
    Sweep(Grid(prompt="a paper boat"), client=simulator.client(), folder=tmp_path).run()

    body = json.loads(simulator.ledger[0].raw)
    assert body == {
        "model": "grok-imagine-1.0-video-apimart",
        "prompt": "a paper boat",
        "size": "16:9",
        "duration": 6,
        "quality": "480p",
    }
    assert type(body["duration"]) is int


def test_the_contracts_image_to_video_body(simulate, tmp_path):
    """The body for image to video at 720p and 10 s is the contract's, key for key."""
    simulator = simulate()
    grid = Grid(
        prompt="it sails away", duration=10, quality="720p", image_urls="https://example.org/boat.png"
    )
    Sweep(grid, client=simulator.client(), folder=tmp_path).run()

    assert json.loads(simulator.ledger[0].raw) == {
        "model": "grok-imagine-1.0-video-apimart",
        "prompt": "it sails away",
        "size": "16:9",
        "duration": 10,
        "quality": "720p",
        "image_urls": ["https://example.org/boat.png"],
    }


def test_the_tier_goes_under_the_models_own_name(simulate, tmp_path):
    """C8: quality is called resolution on the wire for -ext, and never both."""
    simulator = simulate()
    Sweep(Grid(prompt="boat", quality="720p", model=EXT), client=simulator.client(), folder=tmp_path).run()

    body = json.loads(simulator.ledger[0].raw)
    assert body["resolution"] == "720p"
    assert "quality" not in body


@pytest.mark.parametrize("profile", ["demo", "contract", "live", "demo+string-url"])
def test_every_profile_is_understood(simulate, tmp_path, profile):
    """C2, C14: both submit shapes and both forms of the link end in a clip."""
    sweep = Sweep(Grid(prompt=["a", "b"]), client=simulate(profile=profile).client(), folder=tmp_path)
    sweep.run()

    assert sweep.counts() == {"done": 2}


def test_the_table(simulate, boats, tmp_path, monkeypatch):
    """The DataFrame is in grid order, with ordered text, plain numbers, UTC times and measured facts."""
    monkeypatch.chdir(tmp_path)
    sweep = Sweep(boats, client=simulate().client(), folder="boats")
    planned = sweep.df
    sweep.run()
    table = sweep.df

    assert list(planned["status"]) == ["planned"] * 8
    assert planned["cost"].isna().all()
    assert list(table.columns[:6]) == ["prompt", "size", "duration", "status", "cost", "rating"]
    assert list(table.columns[-3:]) == ["sha256", "task_id", "cell"]
    assert list(table["cell"]) == [cell.key for cell in boats]
    assert list(table["size"].cat.categories) == ["16:9", "9:16"]
    assert list(table["duration"]) == [6, 10] * 4
    assert str(table["completed_at"].dt.tz) == "UTC"
    assert (table["completed_at"] > table["submitted_at"]).all()
    assert (table["service_seconds"] > 0).all()
    assert table["path"][0] == f"boats/a-paper-boat-crossing-a-puddle_16x9_6s_{boats[0].key[:8]}-1.mp4"
    assert not table["url"].str.contains("?", regex=False).any()
    assert {name: str(table[name].dtype) for name in ("progress", "cost", "width", "error", "pick")} == {
        "progress": "Int64",
        "cost": "Float64",
        "width": "Int64",
        "error": "string",
        "pick": "boolean",
    }
    assert table.groupby("prompt", observed=True)["cost"].sum().sum() == pytest.approx(0.6528)
    pd.testing.assert_frame_equal(planned[["cell", "prompt"]], table[["cell", "prompt"]])


def test_a_failed_cell_is_a_row(simulate, tmp_path):
    """A task that fails on the server is told in its row, costs nothing, and stops nobody."""
    sweep = Sweep(Grid(prompt=["a", "b"]), client=simulate(failures=1.0).client(), folder=tmp_path)
    sweep.run()

    assert sweep.counts() == {"failed": 2}
    assert sweep.cost == 0
    assert sweep.df["error"].str.len().min() > 0


def test_a_refused_cell_is_a_row(simulate, tmp_path):
    """A parameter error ends its own cell, unpaid, and the others are made."""
    simulator = simulate(durations="live")
    sweep = Sweep(Grid(prompt="boat", duration=[6, 16]), client=simulator.client(), folder=tmp_path)
    sweep.run()

    assert [row.status for row in sweep.rows()] == ["done", "rejected"]
    assert "duration" in sweep.rows()[1].error
    assert len(simulator.ledger) == 1


def test_no_money_stops_the_sweep_and_loses_nothing(simulate, tmp_path):
    """402 raises, leaves the cells planned, and after a top-up the same sweep goes on."""
    simulator = simulate(balance=Decimal("0.07"), balance_fails=True)
    sweep = Sweep(Grid(prompt=["a", "b", "c"]), client=simulator.client(), folder=tmp_path)

    with pytest.raises(OutOfCreditsError):
        sweep.run()
    assert sweep.counts() == {"planned": 2, "done": 1}

    simulator.top_up(1)
    sweep.run()
    assert sweep.counts() == {"done": 3}
    assert len(simulator.ledger) == 3


def test_rate_limits_are_waited_for(simulate, tmp_path):
    """C29: refused submissions are repeated when the server says so, and none is paid twice."""
    simulator = simulate(rate=6.0, burst=1)
    sweep = Sweep(Grid(prompt=[f"boat {n}" for n in range(6)]), client=simulator.client(), folder=tmp_path)
    sweep.run()

    assert sweep.counts() == {"done": 6}
    assert posts(simulator) > len(simulator.ledger) == 6


def test_a_lost_answer_is_unknown_and_never_repeated(tmp_path, simulate):
    """A transport that bills and then loses the answer, without a trace: one POST, one row that says so."""
    simulator = simulate()
    inner = simulator.transport()

    class Loses(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            response = await inner.handle_async_request(request)
            if request.method == "POST":
                await response.aread()
                msg = "the answer never came"
                raise httpx.ReadTimeout(msg, request=request)
            return response

    client = simulator.client(http_client=lambda: httpx.AsyncClient(transport=Loses()))
    sweep = Sweep(Grid(prompt="boat"), client=client, folder=tmp_path)
    sweep.run()
    sweep.run()

    assert sweep.counts() == {"unknown": 1}
    assert len(simulator.ledger) == posts(simulator) == 1
    assert "may be billed" in sweep.unknown[0].error


def test_an_injected_httpx2_client_works(simulate, tmp_path):
    """The same sweep runs over the maintained successor of httpx, on a real socket."""
    simulator = simulate(speed=1000.0)
    client = simulator.client(http_client=lambda: httpx2.AsyncClient(trust_env=False))
    sweep = Sweep(Grid(prompt=["a", "b"]), client=client, folder=tmp_path)
    sweep.run()
    client.close()

    assert sweep.counts() == {"done": 2}
    assert len(simulator.ledger) == 2


def test_a_real_socket_works(simulate, boats, tmp_path):
    """Over loopback HTTP, with the trace hook writing the intents, the ledger counts one submission per cell."""
    simulator = simulate(speed=1000.0)
    sweep = Sweep(boats, client=simulator.client(), folder=tmp_path)
    sweep.run()

    assert sweep.counts() == {"done": 8}
    assert [entry.idempotency_key is not None for entry in simulator.ledger] == [True] * 8
    assert len({entry.idempotency_key for entry in simulator.ledger}) == 8


def test_two_origins_share_a_folder_and_no_clip(simulate, boats, tmp_path):
    """A clip made at one origin never satisfies a cell at another: both submit all."""
    simulator, other = simulate(), simulate(seed=1)
    elsewhere = other.client(api_key="sk-test-other")
    Sweep(boats, client=simulator.client(), folder=tmp_path).run()
    second = Sweep(boats, client=elsewhere, folder=tmp_path, budget=5)
    second.run()

    assert (len(simulator.ledger), len(other.ledger)) == (8, 8)
    assert second.counts() == {"done": 8}
    assert len(list(tmp_path.glob("*.mp4"))) == 16


def test_real_money_needs_a_budget(simulate, boats, tmp_path):
    """A client that is not the simulator's needs budget=; the error states the estimate; nothing is sent."""
    simulator = simulate()
    client = simulator.client(api_key="sk-test-real")
    sweep = Sweep(boats, client=client, folder=tmp_path / "x")

    with pytest.raises(BudgetError, match=r"8 videos for \$0\.6528.*add budget=0\.66"):
        sweep.run()
    assert posts(simulator) == 0
    assert not (tmp_path / "x").exists()


def test_a_budget_that_is_too_small_sends_nothing(simulate, boats, tmp_path):
    """A known price that would pass the budget is an error before the first POST."""
    simulator = simulate()
    sweep = Sweep(boats, client=simulator.client(), folder=tmp_path, budget=0.60)

    with pytest.raises(BudgetError, match=r"\$0\.6528.*budget=0\.6"):
        sweep.start()
    assert posts(simulator) == 0


def test_a_budget_counts_what_was_spent_before(simulate, tmp_path):
    """The cap holds over all runs: what the folder's cells have cost counts."""
    simulator = simulate()
    Sweep(Grid(prompt="a"), client=simulator.client(), folder=tmp_path, budget=0.07).run()
    wider = Sweep(Grid(prompt=["a", "b"]), client=simulator.client(), folder=tmp_path, budget=0.07)

    with pytest.raises(BudgetError):
        wider.run()
    assert len(simulator.ledger) == 1


@pytest.mark.parametrize("budget", ["much", True, -1, float("nan")])
def test_a_budget_is_a_sum_of_money(simulate, boats, tmp_path, budget):
    """Anything else is refused on the line that was typed."""
    with pytest.raises(GridError, match="budget="):
        Sweep(boats, client=simulate().client(), folder=tmp_path, budget=budget)


def test_takes_and_grid_are_checked(simulate, boats, tmp_path):
    """A wrong argument fails where it is typed."""
    client = simulate().client()
    with pytest.raises(GridError, match="takes=0"):
        Sweep(boats, client=client, folder=tmp_path, takes=0)
    with pytest.raises(GridError, match="takes a Grid, not a list"):
        Sweep([1], client=client, folder=tmp_path)
    with pytest.raises(GridError, match=r"client= is a gridgen.Client, not a str") as caught:
        Sweep(boats, client="sk-a-key-by-mistake", folder=tmp_path)
    assert "mistake" not in str(caught.value)


def test_await_and_as_completed(simulate, boats, tmp_path):
    """`await sweep` runs it, and `as_completed` yields each row once, finished."""

    async def use() -> list[int]:
        first = Sweep(boats[:2], client=simulate().client(), folder=tmp_path / "a")
        await first
        assert first.counts() == {"done": 2}
        second = Sweep(boats, client=simulate().client(), folder=tmp_path / "b")
        return [row.index async for row in second.as_completed() if row.status == "done"]

    assert sorted(asyncio.run(use())) == list(range(8))


def test_stop_leaves_the_rest_planned(simulate, tmp_path):
    """After stop no POST leaves; what was submitted is followed to its end; run goes on with the rest."""
    simulator = simulate(speed=600.0, rate=60.0, burst=2)
    sweep = Sweep(Grid(prompt=[f"boat {n}" for n in range(30)]), client=simulator.client(), folder=tmp_path)
    sweep.start()
    until(lambda: len(simulator.ledger))
    sweep.stop()
    submitted = len(simulator.ledger)
    sweep.wait()

    assert 0 < submitted < 30
    assert len(simulator.ledger) == submitted
    assert sweep.counts() == {"planned": 30 - submitted, "done": submitted}
    sweep.run()
    assert sweep.counts() == {"done": 30}
    assert len(simulator.ledger) == 30


def test_two_sweeps_of_one_process_share_a_folder(simulate, boats, tmp_path):
    """Overlapping sweeps that run at once submit each cell once, and both end with all clips."""
    simulator = simulate(speed=600.0)
    client = simulator.client()
    first = Sweep(boats[:6], client=client, folder=tmp_path)
    second = Sweep(boats[2:], client=client, folder=tmp_path)
    first.start()
    second.start()
    first.wait()
    second.wait()

    assert first.counts() == {"done": 6}
    assert second.counts() == {"done": 6}
    assert len(simulator.ledger) == 8


def test_a_second_sweep_joins_the_run_of_its_cells_and_says_so(simulate, boats, tmp_path):
    """A cell that another sweep of the process brings is not submitted again; what is waited for is named."""
    simulator = simulate(speed=600.0)
    client = simulator.client()
    first, second = (Sweep(boats, client=client, folder=tmp_path) for _ in range(2))
    first.start()
    second.start()
    until(lambda: "another sweep in this folder: 8 clips that it brings for both" in second.waits_for)
    first.wait()
    second.wait()

    assert first.counts() == second.counts() == {"done": 8}
    assert len(simulator.ledger) == 8


def test_threads_that_start_a_sweep_at_once_begin_one_run(simulate, boats, tmp_path):
    """Case A1: eight threads in start() make one scheduler, which stop() then stops."""
    simulator = simulate(speed=600.0, faults=[Fault(kind="slow", on="balance", seconds=30, times=None)])
    sweep = Sweep(boats, client=simulator.client(), folder=tmp_path, takes=20)
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda _: sweep.start(), range(8)))
    until(lambda: posts(simulator))
    sweep.stop()
    submitted = posts(simulator)
    sweep.wait()

    assert submitted < 160
    assert posts(simulator) == submitted


def test_sweeps_that_end_at_once_write_one_table(simulate, boats, tmp_path):
    """Four sweeps of one folder that write their table at the same moment all succeed and leave a whole one."""
    client = simulate().client()
    Sweep(boats, client=client, folder=tmp_path).run()
    tables = [Sweep(boats, client=client, folder=tmp_path).rows() for _ in range(4)]
    with ThreadPoolExecutor(4) as threads:
        for _ in range(30):
            list(threads.map(partial(write_table, tmp_path, boats.axes), tables))

    with (tmp_path / "sweep.csv").open(encoding="utf-8-sig", newline="") as file:
        assert len(list(csv.DictReader(file))) == 8
    assert list(tmp_path.glob("*.part")) == []


def test_a_table_that_is_held_open_elsewhere_is_told(simulate, boats, tmp_path):
    """When sweep.csv cannot be replaced the error says so, no clip is lost and no scrap stays."""
    (tmp_path / "sweep.csv").mkdir()
    sweep = Sweep(boats, client=simulate().client(), folder=tmp_path)

    with pytest.raises(GridgenError, match=r"sweep.csv.*cannot be written.*clips are safe"):
        sweep.run()
    assert sweep.counts() == {"done": 8}
    assert list(tmp_path.glob("*.part")) == []


CHILD = """
import os, sys
from gridgen import Client, Grid, Sweep
url, key, folder, speed = sys.argv[1:]
grid = Grid(prompt=[f"boat {n}" for n in range(12)])
sweep = Sweep(grid, client=Client(key, url), folder=folder)
print("ready", flush=True)
sweep.run()
"""


@pytest.mark.full
def test_killed_in_mid_sweep_and_finished_by_another(simulate, tmp_path):
    """SIGKILL while submitting; a new process takes the folder over; the ledger counts one submission per cell."""
    simulator = simulate(speed=1.0, service=0.02, clips="tiny")
    arguments = [sys.executable, "-c", textwrap.dedent(CHILD)]
    arguments += [simulator.base_url, simulator.api_key, str(tmp_path / "boats"), "1"]
    with subprocess.Popen(arguments, stdout=subprocess.DEVNULL) as child:
        until(lambda: len(simulator.ledger) >= 3 or child.poll() is not None)
        os.kill(child.pid, signal.SIGKILL)

    killed_at = len(simulator.ledger)
    grid = Grid(prompt=[f"boat {n}" for n in range(12)])
    sweep = Sweep(grid, client=simulator.client(), folder=tmp_path / "boats")
    sweep.run()

    assert 3 <= killed_at < 12
    unknown = len(sweep.unknown)
    assert unknown <= 12
    assert sweep.counts().get("done", 0) + unknown == 12
    prompts = [entry.body["prompt"] for entry in simulator.ledger]
    assert len(prompts) == len(set(prompts))


def test_a_folder_in_use_by_another_process(simulate, boats, tmp_path):
    """A second process cannot submit into a folder at work; it can still read the table."""
    simulator = simulate()
    sweep = Sweep(boats, client=simulator.client(), folder=tmp_path)
    sweep.run()
    holder = "import fcntl, sys; f = open(sys.argv[1], 'r+'); fcntl.flock(f, fcntl.LOCK_EX); print('held', flush=True); sys.stdin.read()"
    arguments = [sys.executable, "-c", holder, str(tmp_path / "journal.lock")]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True) as child:
        child.stdout.readline()
        again = Sweep(boats, client=simulator.client(), folder=tmp_path)
        with pytest.raises(JournalError, match="is at work in"):
            again.start()
        assert again.counts() == {"done": 8}
        child.stdin.close()


def test_a_foreign_file_is_no_journal(simulate, boats, tmp_path):
    """A file that gridgen did not write is refused, and nothing is sent."""
    simulator = simulate()
    (tmp_path / "journal.sqlite").write_bytes(b"not a database, not at all" * 50)
    with pytest.raises(JournalError, match="Nothing was sent"):
        Sweep(boats, client=simulator.client(), folder=tmp_path).run()
    assert posts(simulator) == 0


@pytest.mark.security("S24")
def test_the_files_are_private(simulate, boats, tmp_path):
    """S24: the journal is readable by its owner only, as is a folder that gridgen makes."""
    sweep = Sweep(boats[:1], client=simulate().client(), folder=tmp_path / "boats")
    sweep.run()

    assert stat.S_IMODE(sweep.folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((sweep.folder / "journal.sqlite").stat().st_mode) == 0o600


def test_a_clip_that_was_deleted_is_fetched_again(simulate, boats, tmp_path):
    """A missing file is downloaded again as long as its link lives; nothing is submitted."""
    simulator = simulate()
    sweep = Sweep(boats[:2], client=simulator.client(), folder=tmp_path)
    sweep.run()
    (sweep.folder / sweep.rows()[0].path).unlink()
    sweep.run()

    assert (sweep.folder / sweep.rows()[0].path).is_file()
    assert posts(simulator) == 2


@pytest.mark.security("S17")
def test_the_csv_is_safe_for_spreadsheets(simulate, tmp_path):
    """S17: a prompt that a spreadsheet would take for a formula is quoted in sweep.csv."""
    sweep = Sweep(Grid(prompt=["=1+1", "boat"]), client=simulate().client(), folder=tmp_path)
    sweep.run()
    with (tmp_path / "sweep.csv").open(encoding="utf-8-sig", newline="") as file:
        prompts = [line["prompt"] for line in csv.DictReader(file)]

    assert prompts == ["'=1+1", "boat"]


def test_a_file_is_named_in_the_script_of_its_prompt(simulate, tmp_path):
    """Names tell the prompts of other scripts apart, with their vowel signs and beside "4k"; what has no letter is a clip."""
    prompts = {
        "水墨画中的小船": "水墨画中的小船",
        "дом и пароход": "дом-и-пароход",
        "läuft": "lauft",
        "🦊!": "clip",
        "雨" * 99: "雨" * 24,
        "गांव में नाव": "गांव-में-नाव",
        "水墨画中的小船, 4k": "水墨画中的小船-4k",
        "a boat, 水墨画": "a-boat",
    }
    sweep = Sweep(Grid(prompt=list(prompts)), client=simulate().client(), folder=tmp_path)
    sweep.run()

    assert [row.path.partition("_")[0] for row in sweep.rows()] == list(prompts.values())
    assert all(row.poster and row.preview and (tmp_path / row.preview).is_file() for row in sweep.rows())


def test_no_clip_lacks_its_poster(simulate, tmp_path):
    """However fast clips arrive, each finished row has a poster and a preview when run() returns."""
    sweep = Sweep(
        Grid(prompt=[f"boat {n}" for n in range(40)]),
        client=simulate(profile="instant").client(),
        folder=tmp_path,
    )
    sweep.run()

    assert [row.status for row in sweep.rows() if not (row.poster and row.preview)] == []


def test_a_preview_that_cannot_be_made_leaves_the_poster(simulate, tmp_path):
    """The poster is kept as soon as it is drawn: a folder of previews that is a link takes only the preview away."""
    folder = tmp_path / "boats"
    folder.mkdir()
    (folder / "previews").symlink_to(tmp_path)
    sweep = Sweep(Grid(prompt="boat"), client=simulate().client(), folder=folder)
    sweep.run()
    row = sweep.rows()[0]

    assert (row.status, row.preview) == ("done", None)
    assert (folder / row.poster).is_file()


@pytest.mark.parametrize(
    "damage", [b"", bytes(5000), lambda good: good[:-1], lambda good: good[: len(good) // 2]]
)
@pytest.mark.parametrize("kind", ["previews/*-1.mp4", "previews/*.small.mp4", "posters/*.webp"])
def test_a_picture_that_the_disk_spoilt_is_made_anew(simulate, tmp_path, damage, kind):
    """A poster or preview that is empty, zeros or cut short is drawn again by the next run, at no cost: case V2."""
    simulator = simulate()
    sweep = Sweep(Grid(prompt="boat"), client=simulator.client(), folder=tmp_path)
    sweep.run()
    [picture] = tmp_path.glob(kind)
    good = picture.read_bytes()
    picture.write_bytes(damage(good) if callable(damage) else damage)
    sweep.run()

    assert picture.read_bytes() == good
    assert len(simulator.ledger) == 1


def test_what_takes_long_to_show_is_shown_rarely(simulate, tmp_path):
    """A watcher gets a tenth of the engine's time at most, so that a huge sweep goes on while it is drawn."""
    grid = Grid(prompt=[f"boat {n}" for n in range(12)])
    sweep = Sweep(grid, client=simulate(speed=100.0).client(), folder=tmp_path, previews=False)
    calls = []

    def draw(_rows):
        calls.append(time.perf_counter())
        time.sleep(0.04)  # noqa: TID251 - it stands for work, which takes real time

    stop = sweep.watch(draw)
    sweep.run()
    stop()

    assert all(later - at >= 0.4 for at, later in itertools.pairwise(calls[1:]))


def test_watchers_hear_everything(simulate, boats, tmp_path):
    """A watcher gets all rows first and ends with the final state of each."""
    sweep = Sweep(boats, client=simulate().client(), folder=tmp_path)
    calls = []
    stop = sweep.watch(calls.append)
    sweep.run()
    until(lambda: all(row.preview for row in {row.index: row for call in calls for row in call}.values()))
    stop()

    assert len(calls[0]) == 8
    assert {row.status for row in {row.index: row for call in calls for row in call}.values()} == {"done"}


def test_the_key_is_nowhere(simulate, boats, tmp_path, caplog):
    """S1: a canary key is in no file, repr, attribute, log line or traceback of a full run."""
    canary = "sk-test-CANARY0123456789"
    simulator = simulate(speed=1000.0)
    caplog.set_level("DEBUG")
    client = simulator.client(api_key=canary)
    sweep = Sweep(boats[:2], client=client, folder=tmp_path, budget=1)
    sweep.run()
    with pytest.raises(TypeError) as caught:
        client.__reduce_ex__(4)

    seen = [
        caplog.text,
        repr(client),
        repr(vars(client)),
        repr(sweep),
        repr(vars(sweep)),
        sweep.df.to_csv(),
        str(caught.value),
    ]
    seen += [path.read_bytes().decode("latin-1") for path in tmp_path.rglob("*") if path.is_file()]
    assert [canary in text for text in seen] == [False] * len(seen)


def test_clients_know_their_origin():
    """Official hosts and mirrors are one origin, another host is its own, a simulator is its key."""
    assert Client("sk-x").origin == Client("sk-x", "https://api.apib.ai/v1/").origin == "apimart"
    assert Client("sk-x", "https://example.org").origin == "example.org"
    assert Client("sim-x", "http://127.0.0.1:1").origin == "simulator"


TERMINAL = """
import math, sys
from gridgen import Grid, Simulator, Sweep
with Simulator(speed=1000.0, clips="tiny") as simulator:
    Sweep(Grid(prompt=["a", "b"]), client=simulator.client(), folder=sys.argv[1]).run()
"""


def test_a_terminal_sees_a_live_line(tmp_path):
    """In a terminal, run() shows one line with counts, seconds and cost, and ends it with a line break."""
    screen, child_end = pty.openpty()
    arguments = [sys.executable, "-c", TERMINAL, str(tmp_path / "boats")]
    with subprocess.Popen(arguments, stderr=child_end, stdout=child_end) as child:
        os.close(child_end)
        shown = b""
        with contextlib.suppress(OSError):
            while piece := os.read(screen, 65536):
                shown += piece
    os.close(screen)

    assert child.returncode == 0, shown
    last = shown.decode().replace("\r\n", "\n").strip().split("\r\x1b[K")[-1]
    assert last.startswith(f"{tmp_path / 'boats'}"[:30])
    assert "2 done" in last
    assert "$0.12" in last


SCRIPT = """
import asyncio, logging, sys
from gridgen import Grid, Simulator, Sweep
from gridgen.sweep import progress

progress.BRIEF = 0.0

async def main(sweep):
    await sweep

with Simulator(speed=1000.0, clips="tiny") as simulator:
    sweep = Sweep(Grid(prompt=list("abcdefgh")), client=simulator.client(), folder=sys.argv[1])
    if sys.argv[3:]:
        logging.getLogger("gridgen").setLevel(sys.argv[3])
    sweep.run() if sys.argv[2] == "run" else asyncio.run(main(sweep))
    sweep.run()
"""


@pytest.mark.parametrize("verb", ["run", "await"])
def test_u4_a_script_without_a_terminal_says_a_line_now_and_then(tmp_path, verb):
    """Case U4: where nothing can be drawn over, a quarter more of the clips is a line, also for await; a second run is one."""
    arguments = [sys.executable, "-c", SCRIPT, "boats", verb]
    done = subprocess.run(arguments, cwd=tmp_path, capture_output=True, text=True, check=False)
    lines = done.stderr.splitlines()
    percent = [int(re.match(r"boats: (\d+) %", line)[1]) for line in lines]

    assert (done.returncode, done.stdout) == (0, "")
    assert percent[0] < 25
    assert percent[-2:] == [100, 100]
    assert percent == sorted(percent)
    assert len(lines) <= 6
    assert all(part in lines[-1] for part in ("8 done", " s; $0.49"))


@pytest.mark.parametrize(("level", "count"), [("INFO", True), ("WARNING", False)])
def test_u4_a_script_can_be_quiet(tmp_path, level, count):
    """Case U4: who lets the logger of gridgen tell nothing below a warning is told nothing of how it gets on."""
    arguments = [sys.executable, "-c", SCRIPT, "boats", "run", level]
    done = subprocess.run(arguments, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert (done.returncode, bool(done.stderr)) == (0, count)


def test_u4_a_slow_script_says_a_line_every_few_minutes():
    """Case U4: a line is due for each quarter, and for minutes without one; never for less, and none in a brief run."""
    told = [
        (0, 0.0),
        (10, 29.0),
        (10, 30.0),
        (24, 329.0),
        (24, 330.0),
        (26, 340.0),
        (40, 400.0),
        (80, 500.0),
        (80, 900.0),
    ]
    milestones = Milestones()

    assert [at for percent, at in told if milestones.due(percent, at)] == [30.0, 330.0, 340.0, 500.0, 900.0]


@pytest.mark.notebooks
def test_u4_await_shows_the_board(tmp_path):
    """Case U4: in a notebook `await sweep` shows what `run()` and `wait()` show, and nothing on stderr."""
    notebook = nbformat.v4.new_notebook()
    begin = """import gridgen as gg
simulator = gg.Simulator(speed=1000.0, clips="tiny")
sweep = gg.Sweep(gg.Grid(prompt=["a", "b"]), client=simulator.client(), folder="boats")"""
    notebook.cells = [nbformat.v4.new_code_cell(text) for text in (begin, "await sweep", "sweep.run()")]
    NotebookClient(notebook, timeout=60, resources={"metadata": {"path": str(tmp_path)}}).execute()
    [awaited, still], [ran, again] = (cell.outputs for cell in notebook.cells[1:])

    assert list(still.data) == list(again.data) == ["text/html"]
    assert awaited.data["text/plain"] == ran.data["text/plain"] == "Board('boats': 2 clips, 12 s of footage)"


def test_a_sweep_is_the_sequence_of_its_rows(simulate, tmp_path):
    """Its rows are counted, indexed, sliced and gone through as those of any sequence, in the order of the table."""
    sweep = Sweep(Grid(prompt=["a", "b", "c"]), client=simulate().client(), folder=tmp_path / "boats")

    assert len(sweep) == 3
    assert list(sweep) == list(sweep.rows()) == [sweep[0], sweep[1], sweep[-1]]
    assert [row.cell.prompt for row in sweep[1:]] == ["b", "c"]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("cancel", "stop()"),
        ("resume", "run()"),
        ("filter", "query"),
        ("to_csv", "sweep.csv"),
        ("status", "counts()"),
    ],
)
def test_a_name_that_people_look_for_says_the_right_one(simulate, tmp_path, name, said):
    """What does not exist under a likely name is an AttributeError that names what there is."""
    sweep = Sweep(Grid(prompt="a"), client=simulate().client(), folder=tmp_path / "boats")

    with pytest.raises(AttributeError, match=re.escape(said)):
        getattr(sweep, name)
    with pytest.raises(AttributeError, match="refresh_catalogue"):
        _ = gridgen.catalogue
    assert not hasattr(sweep, "nonsense")


def test_what_a_dead_process_left_of_table_and_grid_is_cleared(simulate, tmp_path):
    """Parts that a killed process did not put in place go with the next run; one of another name stays."""
    left = [tmp_path / f"{name}.1-{'0' * 16}.part" for name in ("sweep.json", "sweep.csv", "mine.txt")]
    for path in left:
        path.write_text("half")
    Sweep(Grid(prompt="a"), client=simulate().client(), folder=tmp_path, previews=False).run()

    assert [path.exists() for path in left] == [False, False, True]
    assert [path.name for path in tmp_path.glob("sweep.*.part")] == []
