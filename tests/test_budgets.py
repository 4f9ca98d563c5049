"""Budgets for more than one sweep: of a folder, of a key, and of a key for each day, never passed by more than one probe."""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
import os
import random
import signal
import sqlite3
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from waiting import until

import gridgen as gg
from gridgen import BudgetError, GridError, GridgenError, JournalError
from gridgen.simulator import Fault, Simulator
from gridgen.spending import KeyBudget

PRICED = "grok-imagine-1.5-video-apimart"
"""A model whose price is listed: a clip of six seconds in 480p costs the same each time."""


def grid(*prompts: str, **fields: object) -> gg.Grid:
    """Return a grid of clips at a listed price."""
    return gg.Grid(prompt=list(prompts), model=PRICED, **fields)


def numbered(count: int, first: int = 0) -> list[str]:
    """Return so many prompts that are all different."""
    return [f"boat {number}" for number in range(first, first + count)]


@pytest.fixture
def price(simulate) -> Decimal:
    """What one such clip costs."""
    found = simulate().client()
    (usd,) = gg.Sweep(grid("boat"), client=found, folder="priced").estimate().df["usd"]
    return Decimal(str(usd))


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """Let relative folders lie in a place of the test's own."""
    monkeypatch.chdir(tmp_path)


def test_three_grids_of_a_folder_keep_to_its_budget(simulate, price):
    """Three grids with a budget of their own each stay together below the folder's, and the refusal names it."""
    simulator = simulate()
    client = simulator.client()
    gg.set_budget(price * 5, folder="boats")
    for number in range(2):
        gg.Sweep(grid(*numbered(2, 2 * number)), client=client, folder="boats", budget=price * 3).run()
    third = gg.Sweep(grid(*numbered(2, 4)), client=client, folder="boats", budget=price * 3)

    with pytest.raises(BudgetError, match=r"of the folder 'boats'.*set_budget"):
        third.run()

    assert simulator.ledger.billed == price * 4
    assert gg.budgets("boats").to_dict("records") == [
        {"budget": "of the folder 'boats'", "usd": price * 5, "committed": price * 4, "left": price}
    ]
    gg.set_budget(None, folder="boats")
    third.run()
    assert third.counts() == {"done": 2}
    assert gg.budgets("boats").empty


def test_grids_that_run_at_once_share_a_folders_budget(simulate, price):
    """Of two sweeps that run side by side none spends what the other has reserved, and what is held says by which budget."""
    simulator = simulate(speed=60.0, rate=2.0, burst=1)
    client = simulator.client()
    sweeps = [
        gg.Sweep(grid(*numbered(4, 10 * number)), client=client, folder="boats", previews=False)
        for number in range(2)
    ]
    for each in sweeps:
        each.start()
    gg.set_budget(price * 5, folder="boats")
    for each in sweeps:
        each.wait()

    assert simulator.ledger.billed == price * 5
    held = [each for each in sweeps if "held" in each.counts()]
    assert sum(each.counts()["held"] for each in held) == 3
    for each in held:
        assert f"of budget={price * 5} USD of the folder 'boats' are spent or promised" in "".join(
            each.waits_for
        )


def test_retries_count(simulate, price):
    """A clip that is lost and one that is made again both count under a folder's budget."""
    simulator = simulate(faults=[Fault(kind="close", on="submit", when="after", match="boat 0")])
    sweep = gg.Sweep(grid(*numbered(3)), client=simulator.client(), folder="boats")
    gg.set_budget(price * 3, folder="boats")
    sweep.run()
    assert sweep.counts() == {"done": 2, "unknown": 1}

    with pytest.raises(BudgetError, match="of the folder"):
        sweep.unknown.resubmit()
    gg.set_budget(price * 4, folder="boats")
    sweep.unknown.resubmit()
    sweep.wait()

    assert sweep.counts() == {"done": 3}
    assert simulator.ledger.billed <= price * 4


def test_a_day_has_its_budget(simulate, price):
    """What does not fit into a UTC day is held, says so, and is made on the next one."""
    simulator = simulate()
    client = simulator.client()
    gg.set_budget(price * 4, client=client, per_day=True)
    sweep = gg.Sweep(grid(*numbered(6)), client=client, folder="boats")
    assert f"{price * 4} USD a day of this key" in str(sweep.estimate()).replace("$", "")
    sweep.run()
    assert sweep.counts() == {"done": 4, "held": 2}
    assert "USD a day of this key are spent or promised; run() makes them on the next UTC day" in "".join(
        sweep.waits_for
    )
    sweep.run()
    assert sweep.counts() == {"done": 4, "held": 2}

    asyncio.run(simulator.clock.sleep(86_400))
    sweep.run()

    assert sweep.counts() == {"done": 6}
    assert gg.budgets(client=client)["committed"].tolist() == [price * 2]


def test_a_key_has_a_budget_over_all_folders(simulate, price):
    """Under one key the sweeps of two folders stay together below its budget; another key has nothing to do with it."""
    simulator = simulate()
    client, other = (
        simulator.client(),
        simulator.client(api_key=simulator.issue_key()),
    )
    gg.set_budget(price * 5, client=client)
    gg.Sweep(grid(*numbered(3)), client=client, folder="one").run()
    second = gg.Sweep(grid(*numbered(3)), client=client, folder="two")
    with pytest.raises(BudgetError, match="USD of this key"):
        second.run()
    gg.Sweep(grid(*numbered(3)), client=other, folder="three").run()

    assert simulator.ledger.billed == price * 6
    assert gg.budgets(client=other).empty


def test_a_sweep_that_does_not_know_of_a_budget_obeys_it(simulate, price):
    """A budget that is given while a sweep runs holds what that has not submitted yet."""
    simulator = simulate(speed=60.0, rate=4.0, burst=1)
    client = simulator.client()
    gg.set_budget(price * 100, client=client)
    sweep = gg.Sweep(grid(*numbered(30)), client=client, folder="boats", previews=False)
    sweep.start()
    until(lambda: len(simulator.ledger) >= 2)
    gg.set_budget(price * 6, client=client)
    sweep.wait()

    assert 2 <= len(simulator.ledger) <= 6
    assert sweep.counts()["held"] == 30 - len(simulator.ledger)


def test_only_one_clip_of_unknown_price_goes_at_a_time(simulate):
    """A price that nobody knows is found out by one clip, under a key's budget as under a sweep's."""
    simulator = simulate(faults=[Fault(kind="reply", on="prices", status=500, times=None)])
    client = simulator.client()
    gg.set_budget(0.2, client=client)
    sweep = gg.Sweep(gg.Grid(prompt=numbered(8)), client=client, folder="boats")
    sweep.run()

    first = simulator.ledger[0].cost
    assert simulator.ledger.billed <= Decimal("0.2") + first
    assert sweep.counts()["done"] == max(1, int(Decimal("0.2") / first))


@pytest.mark.parametrize(
    "content", ["", "{}", '{"usd": "NaN", "mark": ""}', '{"usd": -1, "mark": ""}', "[" * 9000]
)
def test_a_budget_that_cannot_be_read_lets_nothing_go(simulate, content):
    """A damaged budget of a folder stops every submission there and says what to do."""
    simulator = simulate()
    gg.set_budget(5, folder="boats")
    Path("boats/budget.json").write_text(content, encoding="utf-8")
    sweep = gg.Sweep(grid("boat"), client=simulator.client(), folder="boats")

    with pytest.raises(JournalError, match=r"gridgen\.set_budget\(usd, folder='boats'\)"):
        sweep.run()
    assert len(simulator.ledger) == 0
    gg.set_budget(5, folder="boats")
    sweep.run()
    assert len(simulator.ledger) == 1


def test_what_is_noted_of_a_key_and_cannot_be_read_lets_nothing_go(simulate):
    """A damaged file beside the user's data stops every submission under the key and says which file."""
    simulator = simulate()
    client = simulator.client()
    gg.set_budget(5, client=client)
    for path in Path(os.environ["GRIDGEN_DATA_DIR"]).glob("spending.sqlite*"):
        path.write_bytes(b"rubbish" * 1000)

    with pytest.raises(JournalError, match=r"spending\.sqlite"):
        gg.Sweep(grid("boat"), client=client, folder="boats").run()
    assert len(simulator.ledger) == 0


def test_notes_that_cannot_be_written_at_the_end_hold_nobody(simulate, price):
    """Where a key's notes are spoilt while the last clip is made, the clip is there and the wait ends with the cause."""
    simulator = simulate(speed=60.0)
    client = simulator.client()
    gg.set_budget(price * 100, client=client)
    sweep = gg.Sweep(grid("boat"), client=client, folder="boats", previews=False)
    sweep.start()
    until(lambda: sweep.rows()[0].task_id)
    Path(os.environ["GRIDGEN_DATA_DIR"], "spending.sqlite").write_bytes(b"rubbish" * 1000)
    with pytest.raises(JournalError, match="spending"):
        sweep.wait(20)
    until(lambda: not sweep.running)

    assert sweep.counts() == {"done": 1}


def damage(simulator, path: Path):
    """Return a watcher that spoils a file once something was submitted."""

    def spoil(_rows) -> None:
        if len(simulator.ledger) and not path.read_bytes().startswith(b"rubbish"):
            path.write_bytes(b"rubbish" * 1000)

    return spoil


@pytest.mark.parametrize("of", ["folder", "key"])
def test_a_budget_that_is_damaged_in_mid_run_loses_no_clip(simulate, price, of):
    """What is paid is fetched, nothing more is submitted, and the wait ends with the cause, now and in the next run."""
    simulator = simulate(speed=60.0, rate=4.0, burst=1)
    client = simulator.client()
    gg.set_budget(price * 100, **({"folder": "boats"} if of == "folder" else {"client": client}))
    path = (
        Path("boats/budget.json")
        if of == "folder"
        else Path(os.environ["GRIDGEN_DATA_DIR"], "spending.sqlite")
    )
    sweep = gg.Sweep(grid(*numbered(30)), client=client, folder="boats", previews=False)
    sweep.watch(damage(simulator, path))
    sweep.start()
    with pytest.raises(JournalError):
        sweep.wait(30)
    until(lambda: not sweep.running)

    assert 0 < len(simulator.ledger) < 30
    assert sweep.counts()["done"] == len(simulator.ledger)
    with pytest.raises(JournalError):
        sweep.run()


def test_a_strangers_budget_is_no_leave_to_spend():
    """On the real API a budget stands in for a sweep's own only where this user gave it."""
    from gridgen.estimate.prices import Prices
    from gridgen.sweep.preflight import check_budget

    client = gg.Client("sk-none", "https://api.example.org")
    sweep = gg.Sweep(grid("boat"), client=client, folder="boats")
    gg.set_budget(5, folder="boats")

    def check() -> None:
        pricing, wider = sweep._pricing, sweep._pricing.wider_caps(client)
        found = pricing.estimate(Prices(), budget=None, wider=wider, clock=client.clock)
        check_budget(found, None, client, wider)

    check()
    Path("boats/budget.json").write_text(json.dumps({"usd": "1000", "mark": "0" * 64}), encoding="utf-8")
    with pytest.raises(BudgetError, match="needs a cap"):
        check()


@pytest.mark.parametrize(
    "options", [{}, {"folder": "a", "client": "c"}, {"folder": "a", "per_day": True}, {"per_day": True}]
)
def test_a_budget_of_nothing_is_an_error_with_the_way(options):
    """What a budget is for is said in one way; anything else is told how, and changes nothing."""
    with pytest.raises(GridError, match=r"set_budget\(20, folder='boats'\)"):
        gg.set_budget(5, **options)
    with pytest.raises(GridError, match="is not a sum of money"):
        gg.set_budget("five", folder="a")
    with pytest.raises(GridError, match="say whose"):
        gg.budgets()
    assert not Path("a").exists()


@given(data=st.data())
@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
def test_no_budget_is_ever_passed(data, tmp_path_factory):
    """Random grids in two folders under folder, day and key budgets: the server's ledger never passes one, but for a probe."""
    root = tmp_path_factory.mktemp("budgets")
    simulator = Simulator(speed=math.inf, clips="tiny")
    client = simulator.client()
    models = [PRICED, None]
    sums = st.sampled_from(["0.10", "0.25", "0.40", "0.90"])
    caps = {
        "all": data.draw(sums),
        "day": data.draw(sums),
        "one": data.draw(st.one_of(st.none(), sums)),
    }
    gg.set_budget(caps["all"], client=client)
    gg.set_budget(caps["day"], client=client, per_day=True)
    gg.set_budget(caps["one"], folder=root / "one")
    folders: dict[str, set[str]] = {"one": set(), "two": set()}
    with simulator:
        for step in range(data.draw(st.integers(1, 4))):
            folder = data.draw(st.sampled_from(sorted(folders)))
            prompts = numbered(data.draw(st.integers(1, 6)), 10 * step)
            model = data.draw(st.sampled_from(models))
            fields = {} if model is None else {"model": model}
            if data.draw(st.booleans()):
                simulator.faults.add(
                    Fault(kind="close", on="submit", when="after", times=data.draw(st.integers(1, 2)))
                )
            folders[folder].update(prompts)
            sweep = gg.Sweep(
                gg.Grid(prompt=prompts, **fields), client=client, folder=root / folder, previews=False
            )
            try:
                sweep.run()
                if data.draw(st.booleans()):
                    sweep.unknown.resubmit()
                    sweep.wait()
            except GridgenError:
                pass
            simulator.faults.clear()
        probe = max((each.cost for each in simulator.ledger), default=Decimal(0))
        billed = simulator.ledger.billed
        in_one = sum(each.cost for each in simulator.ledger if each.body["prompt"] in folders["one"])
    assert billed <= min(Decimal(caps["all"]), Decimal(caps["day"])) + probe
    assert caps["one"] is None or in_one <= Decimal(caps["one"]) + probe


HAMMER = """
import sys
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from gridgen.spending import KeyBudget
path, name = Path(sys.argv[1]), sys.argv[2]
kept = KeyBudget(path, "key")
for number in range(150):
    with closing(KeyBudget(path, "key")) as other:
        other.caps(1.8e9)
        (other if name == "closes" else kept).claim(f"{name} {number}", Decimal("0.01"), 1.8e9)
"""


def test_processes_that_look_and_claim_at_once_damage_nothing(tmp_path):
    """Processes that look at budgets beside what they have open, or close it each time, lose no claim, and the file stays whole."""
    path = tmp_path / "spending.sqlite"
    KeyBudget(path, "key").save("all", Decimal(100))
    arguments = [sys.executable, "-c", HAMMER, str(path)]
    children = [subprocess.Popen([*arguments, name]) for name in ("keeps", "keeps too", "closes")]
    assert [child.wait(60) for child in children] == [0] * 3

    (cap,) = KeyBudget(path, "key").caps(1.8e9)
    assert cap.commitments.known == Decimal("0.01") * 450
    with contextlib.closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


RUN = """
import sys, gridgen as gg
from gridgen.simulator.clock import ScaledClock
key, url, folder = sys.argv[1:]
client = gg.Client(key, url, clock=ScaledClock(60.0))
grid = gg.Grid(prompt=[f"{folder} {n}" for n in range(8)], model="grok-imagine-1.5-video-apimart")
sweep = gg.Sweep(grid, client=client, folder=folder, previews=False)
sweep.run()
"""


def test_processes_that_are_killed_never_pass_a_keys_budget(simulate, price):
    """Four processes in four folders under one key, some of them killed in mid-run, stay below the key's budget."""
    simulator = simulate(speed=60.0, rate=None, slots=None)
    client = simulator.client()
    gg.set_budget(price * 21, client=client)
    arguments = [sys.executable, "-c", RUN, simulator.api_key, simulator.base_url]
    children = [
        subprocess.Popen([*arguments, f"folder {number}"], stderr=subprocess.DEVNULL) for number in range(4)
    ]
    until(lambda: len(simulator.ledger) >= 4, 60)
    for child in random.Random(1).sample(children, 2):
        child.send_signal(signal.SIGKILL)
    for child in children:
        child.wait(60)
    again = [
        subprocess.Popen([*arguments, f"folder {number}"], stderr=subprocess.PIPE) for number in range(4)
    ]
    for child in again:
        child.communicate(timeout=60)

    # a claim whose process died before its submission left counts all the same, and a grid that cannot fit is refused
    assert price * 8 <= simulator.ledger.billed <= price * 21
