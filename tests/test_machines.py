"""Several machines that share a ledger make each clip once, within one budget and one rate, and all of them get all clips."""

from __future__ import annotations

import contextlib
import json
import os
import random
import subprocess
import sys
import textwrap
from collections import Counter
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

import postgres
import pytest
from waiting import until

import gridgen as gg
from gridgen import JournalError, NetworkError
from gridgen.ledger import Claim, Entry, Holder, address, money_of, open_ledger, project_of
from gridgen.ledger.tables import SILENT_AFTER
from gridgen.money import Outlay, Stage
from gridgen.simulator import Fault, Simulator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from gridgen.ledger.tables import Tables
    from gridgen.money import ClipKey

PRICED = "grok-imagine-1.5-video-apimart"
"""A model whose price is listed: a clip of six seconds in 480p costs the same each time."""


@pytest.fixture(scope="module")
def server() -> Iterator[postgres.Server]:
    """A PostgreSQL server."""
    with postgres.running() as found:
        yield found


@pytest.fixture(params=["sqlite", "postgresql"])
def where(request, tmp_path) -> str:
    """The address of an empty ledger of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'ledger.sqlite'}"
    return request.getfixturevalue("server").make()


@pytest.fixture
def live(simulate) -> Callable[..., Simulator]:
    """Make simulators whose time runs, sixty times as fast as the machine's."""
    return lambda **options: simulate(**{"speed": 60.0, **options})


def grid(count: int, first: int = 0) -> gg.Grid:
    """Return a grid of clips at a listed price."""
    return gg.Grid(prompt=[f"boat {number}" for number in range(first, first + count)], model=PRICED)


def price(simulator: Simulator, tmp_path: Path) -> Decimal:
    """Return what one such clip costs."""
    (usd,) = gg.Sweep(grid(1), client=simulator.client(), folder=tmp_path / "priced").estimate().df["usd"]
    return Decimal(str(usd))


def prompts(simulator: Simulator) -> Counter[str]:
    """Count what was ever paid, by its prompt."""
    return Counter(str(entry.body["prompt"]) for entry in simulator.ledger)


def states(where: str) -> Counter[str]:
    """Count the states of all attempts of a ledger."""
    book = open_ledger(address(where))
    found = book.rows("SELECT state, count(*) FROM attempt GROUP BY state")
    book.close()
    return Counter({state: int(count) for state, count in found})


def test_two_machines_make_each_clip_once_and_both_get_all(live, where, tmp_path):
    """Side by side in folders of their own: one submission a clip, every clip in both folders, and each saw the other's run."""
    simulator = live(service=2.0)
    sweeps = [
        gg.Sweep(grid(16), client=simulator.client(), folder=tmp_path / name, ledger=where)
        for name in ("a", "b")
    ]
    for each in sweeps:
        each.start()
    until(lambda: any("other machines of the ledger" in each for each in sweeps[1].waits_for))
    for each in sweeps:
        each.wait()

    assert [each.counts() for each in sweeps] == [{"done": 16}] * 2
    # what became of one's own clips is told, also while those of others are taken in
    assert states(where) == {"done": 16}
    assert set(prompts(simulator).values()) == {1}
    assert len(simulator.ledger) == 16
    assert {row.task_id for row in sweeps[0].rows()} == {row.task_id for row in sweeps[1].rows()}
    assert sweeps[0].cost == sweeps[1].cost == simulator.ledger.billed
    assert all(
        (each.folder / str(row.path)).stat().st_size == row.bytes for each in sweeps for row in each.rows()
    )
    for each in sweeps:
        each.run()
    assert len(simulator.ledger) == 16


def test_a_folder_brings_its_history_and_gets_that_of_others(live, where, tmp_path):
    """What was made before there was a ledger is made by nobody again; the folder that joins later gets it for nothing."""
    simulator = live()
    old = gg.Sweep(grid(3), client=simulator.client(), folder=tmp_path / "old")
    old.run()
    gg.open(tmp_path / "old", client=simulator.client(), ledger=where).run()
    paid = len(simulator.ledger)
    new = gg.Sweep(grid(4), client=simulator.client(), folder=tmp_path / "new", ledger=where)
    new.run()

    assert (paid, len(simulator.ledger), new.counts()) == (3, 4, {"done": 4})
    assert new.cost == simulator.ledger.billed
    copy = gg.Sweep(grid(4), client=simulator.client(), folder=tmp_path / "copy")
    assert copy.counts() == {"planned": 4}


def test_a_budget_of_the_ledger_holds_for_all(live, where, tmp_path):
    """Two grids on two machines, each with a budget that fits, stay below the ledger's; what is held says by which."""
    simulator = live()
    one = price(simulator, tmp_path)
    gg.set_budget(one * 5, ledger=where)
    sweeps = [
        gg.Sweep(
            grid(4, 4 * at),
            client=simulator.client(),
            folder=tmp_path / str(at),
            ledger=where,
            budget=one * 4,
        )
        for at in range(2)
    ]
    for each in sweeps:
        each.start()
    for each in sweeps:
        each.wait()

    assert simulator.ledger.billed == one * 5
    held = [each for each in sweeps if each.counts().get("held")]
    assert sum(each.counts()["held"] for each in held) == 3
    assert any("of the ledger" in text for each in held for text in each.waits_for)
    assert gg.budgets(ledger=where).to_dict("records") == [
        {"budget": "of the ledger", "usd": one * 5, "committed": one * 5, "left": Decimal(0)}
    ]
    gg.set_budget(None, ledger=where)
    for each in sweeps:
        each.run()
    assert simulator.ledger.billed == one * 8


def test_what_failed_on_one_machine_is_retried_by_another(live, where, tmp_path):
    """A clip that one machine saw fail is a failed row on the other, which makes it again; the first one gets that clip."""
    simulator = live(faults=[Fault(kind="fail", times=1)])
    first, second = (
        gg.Sweep(grid(2), client=simulator.client(), folder=tmp_path / name, ledger=where)
        for name in ("a", "b")
    )
    first.run()
    second.run()
    assert second.counts() == first.counts() == {"done": 1, "failed": 1}

    second.retry()
    second.run()
    first.run()

    assert first.counts() == second.counts() == {"done": 2}
    assert sorted(prompts(simulator).values()) == [1, 2]


def test_without_the_database_nothing_is_sent(live, tmp_path):
    """A ledger that cannot be reached ends run() with a sentence that says where it is, and nothing has left."""
    simulator = live()
    sweep = gg.Sweep(
        grid(2),
        client=simulator.client(),
        folder=tmp_path / "boats",
        ledger="postgresql://u:SECRET@127.0.0.1:9/db",
    )
    with pytest.raises(JournalError, match=r"the ledger 127\.0\.0\.1/db cannot be used") as caught:
        sweep.run()

    assert len(simulator.ledger) == 0
    assert "SECRET" not in str(caught.value) + repr(sweep) + (tmp_path / "boats" / "sweep.json").read_text()


def test_a_database_that_restarts_stops_nothing_for_good(live, server, tmp_path):
    """While it is down nothing is submitted and what runs is followed; afterwards the sweep goes on by itself."""
    simulator = live(rate=6.0, burst=1)
    where = server.make()
    sweep = gg.Sweep(grid(20), client=simulator.client(), folder=tmp_path / "boats", ledger=where)
    sweep.start()
    until(lambda: len(simulator.ledger) >= 5)
    server.stop("immediate")
    until(lambda: any("the ledger" in each for each in sweep.waits_for))
    before = len(simulator.ledger)
    server.start()
    sweep.wait()

    assert before < 20
    assert sweep.counts() == {"done": 20}
    assert set(prompts(simulator).values()) == {1}


@contextlib.contextmanager
def passed_on(port: int, to_port: int) -> Iterator[int]:
    """Lend a port, 0 for any, behind which another one of this machine is."""
    told = [sys.executable, "-c", PASSING_ON, "127.0.0.1", str(port), "127.0.0.1", str(to_port)]
    with subprocess.Popen(told, stdout=subprocess.PIPE, text=True) as child:
        yield int(child.stdout.readline())
        child.kill()


@pytest.mark.full
def test_who_was_cut_off_takes_in_all_that_was_made_meanwhile(live, server, tmp_path):
    """Clips that another machine made while the ledger was out of reach are fetched, though the whole budget is spent on them."""
    simulator = live(rate=6.0, burst=1)
    where, one = server.make(), price(simulator, tmp_path)
    with passed_on(0, server.port) as port:
        through = where.replace(f":{server.port}/", f":{port}/")
        first = gg.Sweep(
            grid(12), client=simulator.client(), folder=tmp_path / "a", ledger=through, budget=one * 12
        )
        first.start()
        until(lambda: len(simulator.ledger) >= 2)
    second = gg.Sweep(
        grid(12), client=simulator.client(), folder=tmp_path / "b", ledger=where, budget=one * 12
    )
    second.run()
    with passed_on(port, server.port):
        first.wait()
    second.run()

    assert first.counts() == second.counts() == {"done": 12}
    assert set(prompts(simulator).values()) == {1}


MACHINE = """
import json, sys
import gridgen as gg
from gridgen.simulator.clock import ScaledClock
url, key, speed, folder, where, count, usd, model = sys.argv[1:]
client = gg.Client(key, url, clock=ScaledClock(float(speed)))
grid = gg.Grid(prompt=[f"boat {n}" for n in range(int(count))], model=model)
sweep = gg.Sweep(grid, client=client, folder=folder, budget=usd, previews=False, ledger=where)
print("ready", flush=True)
sweep.run()
print(json.dumps(sweep.counts()), flush=True)
"""


class Machines:
    """Processes that share a ledger, each with a folder of its own, killed and begun again."""

    def __init__(self, simulator: Simulator, where: str, folder: Path, count: int, usd: Decimal) -> None:
        self._told = [simulator.base_url, simulator.api_key, "60"]
        self._rest = [where, str(count), str(usd), PRICED]
        self._folder = folder
        self.running: dict[int, subprocess.Popen[str]] = {}

    def begin(self, number: int) -> None:
        """Start one."""
        arguments = [*self._told, str(self._folder / f"machine {number}"), *self._rest]
        self.running[number] = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(MACHINE), *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def kill(self, number: int) -> None:
        """Kill one and bury it."""
        child = self.running.pop(number)
        by_itself = child.poll()
        child.kill()
        complaint = child.communicate()[1]
        # one that begins while there is no database says so and ends
        assert by_itself in {None, 0} or "cannot be used" in complaint, complaint[-2000:]

    def all_ended(self) -> list[dict[str, int]]:
        """Wait for all to end, and once more, as one may end before another has told of its last clips."""
        numbers = sorted(self.running)
        for number in numbers:
            self.ended(number)
            self.begin(number)
        return [self.ended(number) for number in numbers]

    def any_ended(self) -> bool:
        """Whether some have come to their end."""
        return any(child.poll() is not None for child in self.running.values())

    def ended(self, number: int) -> dict[str, int]:
        """Wait for one to end, and return what became of its rows."""
        printed, complaint = self.running.pop(number).communicate(timeout=300)
        assert printed.startswith("ready"), complaint[-2000:]
        found: dict[str, int] = json.loads(printed.splitlines()[-1])
        return found


def judged(simulator: Simulator, where: str, folder: Path, count: int, *, kills: int) -> dict[str, int]:
    """Hold what the server billed against what the ledger and the folders say; return the ledger's states."""
    assert set(prompts(simulator).values()) == {1}, "a clip was paid twice"
    found = states(where)
    with contextlib.closing(open_ledger(address(where))) as book:
        ((committed,),) = book.rows("SELECT nano FROM cap WHERE name = 'all'")
    unknown = found.get("unknown", 0)
    assert sum(found.values()) == count
    assert len(simulator.ledger) <= count
    assert unknown <= kills * 16
    assert Decimal(committed) / 10**9 >= simulator.ledger.billed
    tracked = {
        str(row.task_id) for each in folder.glob("machine *") for row in gg.open(each).rows() if row.task_id
    }
    assert len({entry.task_id for entry in simulator.ledger} - tracked) <= unknown
    return found


def test_machines_that_are_killed_pay_for_nothing_twice(live, server, tmp_path):
    """Three processes, six kills at random moments: one submission a clip, all of it tracked, the budget kept."""
    simulator = live(rate=20.0, burst=2)
    where, count, dice = server.make(), 40, random.Random(16)
    one = price(simulator, tmp_path)
    machines = Machines(simulator, where, tmp_path, count, one * count)
    for number in range(3):
        machines.begin(number)
    for _ in range(6):
        before = len(simulator.ledger)
        until(lambda before=before: len(simulator.ledger) >= min(count, before + 3))
        number = dice.randrange(3)
        machines.kill(number)
        machines.begin(number)
    counts = machines.all_ended()

    found = judged(simulator, where, tmp_path, count, kills=6)
    assert simulator.ledger.billed <= one * count
    assert [each.get("done", 0) for each in counts] == [found["done"]] * 3


def put_to_the_test(
    simulator: Simulator, server: postgres.Server, folder: Path, count: int, kills: int
) -> dict[str, int]:
    """Let eight processes make so many clips under a budget for all of them, kill them at random, and restart the database."""
    where, dice = server.make(), random.Random(kills)
    one = price(simulator, folder)
    machines = Machines(simulator, where, folder, count, one * count)
    for number in range(8):
        machines.begin(number)
    for kill in range(kills):
        before = len(simulator.ledger)
        until(lambda before=before: len(simulator.ledger) >= before + 3 or machines.any_ended(), seconds=120)
        number = dice.randrange(8)
        machines.kill(number)
        machines.begin(number)
        if kill == kills // 2:
            server.stop("immediate")
            server.start()
    counts = machines.all_ended()
    found = judged(simulator, where, folder, count, kills=kills)
    assert simulator.ledger.billed <= one * count
    assert [each.get("done", 0) for each in counts] == [found["done"]] * 8
    return found


@pytest.mark.team
@pytest.mark.timeout(3600)
def test_eight_processes_two_hundred_kills_and_a_restart(live, server, tmp_path):
    """A thousand cells: what the server billed are as many distinct cells, none untracked, the budget kept to the cent."""
    simulator = live(rate=12.0, burst=2)
    found = put_to_the_test(simulator, server, tmp_path, 1000, 200)
    billed = simulator.ledger.billed
    print(f"the ledger: {found}; {len(simulator.ledger)} of 1000 cells for {billed} USD")  # noqa: T201 - shown by -rP


CLAIMANT = """
import sys, time
from decimal import Decimal
from gridgen.ledger import Claim, Holder, Money, address, open_ledger
from gridgen.money import ClipKey
where, number = sys.argv[1], int(sys.argv[2])
book = open_ledger(address(where))
me = Holder(f"holder {number}", "", number)
cells = [("o", f"cell {n}") for n in range(8000)]
book.join(me, "grid", cells)
print("ready", flush=True)
sys.stdin.readline()
got, began = 0, time.perf_counter()
for cell in cells[number::8]:
    got += book.claim(me, Claim(
        clip=ClipKey(*cell, 1), after=0, name=str(cell), account="account", price=Decimal("0.01"),
        money=Money(10_000_000, False), caps=(("grid", Decimal(1000)),), day="2026-11-29",
    )).n > 0
    if time.perf_counter() > began + 4:
        break
print(got, time.perf_counter() - began, flush=True)
"""


@pytest.mark.team
@pytest.mark.timeout(300)
def test_claims_a_second(server):
    """Eight processes claim clips from the ledger alone for four seconds; how many a second is printed, each is claimed once."""
    where = server.make()
    children = [
        subprocess.Popen(
            [sys.executable, "-c", CLAIMANT, where, str(number)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(8)
    ]
    for each in children:
        assert each.stdout.readline() == "ready\n"
    for each in children:
        each.stdin.write("\n")
        each.stdin.flush()
    told = [each.communicate(timeout=120)[0].split() for each in children]
    claimed, seconds = sum(int(got) for got, _ in told), max(float(taken) for _, taken in told)
    book = open_ledger(address(where))
    ((rows,),) = book.rows("SELECT count(*) FROM attempt")
    book.close()
    print(f"{claimed} claims in {seconds:.2f} s: {claimed / seconds:.0f} a second")  # noqa: T201 - shown by -rP
    assert rows == claimed


OTHER = Holder("another machine", "there", 2)


def beside(where: str, sweep: gg.Sweep) -> tuple[Tables, list[ClipKey]]:
    """Return the ledger as another machine uses it that makes the same clips, and these."""
    book = open_ledger(address(where))
    clips = [sweep.internals.slot(row) for row in sweep.rows()]
    book.join(OTHER, project_of({each[:2] for each in clips}), {each[:2] for each in clips})
    return book, clips


def told(clip: ClipKey, state: str, usd: Decimal, n: int = 1, **more: object) -> Entry:
    """Return what the other machine tells of its attempt."""
    billed = {"done": Stage.ENDED, "planned": Stage.FREE, "failed": Stage.REFUNDED}.get(
        state, Stage.UNDER_WAY
    )
    cost = usd if state == "done" else None
    return Entry(
        clip,
        n,
        f"theirs {clip.cell}",
        state,
        money_of(Outlay(billed, usd, cost)),
        told=dict(more),
        day="2026-11-29",
    )


def taken_by_other(book: Tables, clip: ClipKey, usd: Decimal, name: str = "") -> None:
    """Let the other machine claim a clip."""
    reply = book.claim(
        OTHER,
        Claim(
            clip,
            0,
            name or f"theirs {clip.cell}",
            "account",
            usd,
            money_of(Outlay(Stage.UNDER_WAY, usd, None)),
            day="2026-11-29",
        ),
    )
    assert reply.n == 1


def test_what_is_given_up_is_made_again_at_once(live, where, tmp_path):
    """A lost answer that the policy submits anew is not taken for another machine's clip, for which the run would wait for ever."""
    simulator = live(faults=[Fault(kind="reset", on="submit", when="after", times=1)])
    sweep = gg.Sweep(
        grid(1),
        client=simulator.client(),
        folder=tmp_path / "boats",
        ledger=where,
        on_unknown="resubmit",
        resubmit_budget=1,
        budget=5,
    )
    sweep.start()
    sweep.wait(timeout=20)

    assert sweep.counts() == {"done": 1}
    assert states(where) == {"unknown": 1, "done": 1}


DYING = """
import os
from gridgen.journal import Journal
def die(*_, **__):
    os._exit(9)
Journal.intend = die
"""


def test_what_was_claimed_and_never_left_is_made_by_the_next_process(live, where, tmp_path):
    """A process that dies between claim and intent leaves nothing that the next one in its folder would wait for."""
    simulator = live()
    sweep = gg.Sweep(
        grid(2), client=simulator.client(), folder=tmp_path / "machine 0", ledger=where, budget=5
    )
    arguments = [simulator.base_url, simulator.api_key, "60", str(sweep.folder), where, "2", "5", PRICED]
    died = subprocess.run(
        [sys.executable, "-c", DYING + MACHINE, *arguments], check=False, capture_output=True
    )
    assert died.returncode == 9, died.stderr
    assert states(where)["sending"] >= 1

    sweep.start()
    sweep.wait(timeout=20)
    assert sweep.counts() == {"done": 2}
    assert states(where) == {"done": 2}


def test_a_key_budget_counts_nothing_that_the_ledger_held_back(live, where, tmp_path, monkeypatch):
    """What a budget of the ledger forbids at the last moment is not counted under the key for ever."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    simulator = live()
    one, client = price(simulator, tmp_path), simulator.client()
    gg.set_budget(one * 50, client=client)
    gg.set_budget(one, ledger=where)
    sweep = gg.Sweep(grid(4), client=client, folder=tmp_path / "boats", ledger=where)
    sweep.start()
    sweep.wait(timeout=20)

    assert sweep.counts() == {"done": 1, "held": 3}
    assert [each["committed"] for each in gg.budgets(client=client).to_dict("records")] == [one]


def test_an_adopted_task_is_told(live, where, tmp_path):
    """A task that was submitted elsewhere and taken up while a sweep runs is no other machine's to make."""
    simulator = live()
    elsewhere = gg.Sweep(grid(1, 1), client=simulator.client(), folder=tmp_path / "before")
    elsewhere.run()
    sweep = gg.Sweep(grid(2), client=simulator.client(), folder=tmp_path / "boats", ledger=where)
    sweep.start()
    sweep.adopt(str(elsewhere[0].task_id), 1)
    until(lambda: states(where)["done"])
    sweep.wait(timeout=30)

    assert sweep.counts() == {"done": 2}
    assert states(where) == {"done": 2}
    assert len(simulator.ledger) == 2


def test_rows_that_gridgen_did_not_write_stop_nothing(live, where, tmp_path):
    """Whatever others have put into the ledger costs no more than what it says itself: clips are made, and the run ends."""
    simulator = live()
    sweep = gg.Sweep(grid(8), client=simulator.client(), folder=tmp_path / "boats", ledger=where, budget=5)
    book, clips = beside(where, sweep)
    odd = [
        "not JSON",
        "[1, 2]",
        '"text"',
        "NaN",
        '{"submitted_at": 1' + "0" * 400 + "}",
        '{"cost": {"a": 1}, "price": "1e999999999999", "expires_at": NaN, "progress": 1e400, "url": "\\ud800\\u0000"}',
        "[" * 100_000,
    ]
    add = "INSERT INTO attempt VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING n"
    for number, (clip, text) in enumerate(zip(clips, odd, strict=False)):
        state = "done" if number % 2 else "what is this"
        for rev in (1, 2**60):
            book.rows(
                add, (*clip, rev, f"name {number}", state, "nobody", "", 0, book_bool(where), text, rev)
            )
    sweep.start()
    until(lambda: simulator.ledger or not sweep.running)
    book.rows(add, (*clips[-1], 2**61, "x", "running", "nobody", "", 0, book_bool(where), "{", 2**61))
    sweep.wait(timeout=30)
    book.close()

    assert sweep.counts()["done"] >= 1
    assert max(prompts(simulator).values()) == 1


def book_bool(where: str) -> object:
    """Return what stands for false in a ledger of a kind."""
    return 0 if where.startswith("sqlite") else False


def test_a_claim_that_is_too_old_sends_nothing(live, where, tmp_path, monkeypatch):
    """A process that was away for as long as makes it dead to the others submits nothing under its claim, and gives it back."""
    monkeypatch.setattr("gridgen.sweep.sharing.FRESH", -1.0)
    simulator = live()
    sweep = gg.Sweep(grid(2), client=simulator.client(), folder=tmp_path / "boats", ledger=where, budget=5)
    with pytest.raises(NetworkError):
        sweep.run()

    assert (len(simulator.ledger), sweep.counts()) == (0, {"planned": 2})
    assert set(states(where)) == {"planned"}
    monkeypatch.undo()
    sweep.run()
    assert (len(simulator.ledger), sweep.counts()) == (2, {"done": 2})


def test_what_another_machine_finds_stalled_is_followed_here_too(live, where, tmp_path):
    """A run does not wait for a machine that itself no longer waits: it follows the task, and here it is done."""
    simulator = live()
    before = gg.Sweep(grid(1), client=simulator.client(), folder=tmp_path / "before")
    before.run()
    sweep = gg.Sweep(grid(1), client=simulator.client(), folder=tmp_path / "boats", ledger=where, budget=5)
    book, (clip,) = beside(where, sweep)
    taken_by_other(book, clip, Decimal("0.06"))
    book.tell(OTHER, [told(clip, "stalled", Decimal("0.06"), task_id=before[0].task_id, submitted_at=1.8e9)])
    sweep.start()
    until(lambda: book.beat(OTHER) or not sweep.running)
    book.close()

    assert sweep.counts() == {"done": 1}
    assert len(simulator.ledger) == 1


def test_a_database_that_is_gone_for_good_ends_the_waiting(live, server, tmp_path, monkeypatch):
    """Clips that others have are not waited for where nobody can tell of them any more: the run ends with a sentence."""
    monkeypatch.setattr("gridgen.sweep.sharing.PATIENCE", 0.2)
    simulator, where = live(), server.make()
    sweep = gg.Sweep(grid(1), client=simulator.client(), folder=tmp_path / "boats", ledger=where, budget=5)
    book, (clip,) = beside(where, sweep)
    taken_by_other(book, clip, Decimal("0.06"))
    book.close()
    sweep.start()
    until(lambda: any("other machines of the ledger" in each for each in sweep.waits_for))
    server.stop("immediate")
    try:
        with pytest.raises(JournalError, match="the ledger"):
            sweep.wait(timeout=20)
    finally:
        server.start()
    assert len(simulator.ledger) == 0


@pytest.mark.full
def test_a_plan_that_knew_of_no_clip_is_dropped_for_the_clip(live, where, tmp_path):
    """What one person submits anew as unknown while another one, elsewhere, finds its task is not paid again: the clip is fetched."""
    simulator = live(faults=[Fault(kind="reset", on="submit", when="after", times=1)])
    sweep = gg.Sweep(grid(1), client=simulator.client(), folder=tmp_path / "boats", ledger=where, budget=5)
    sweep.run()
    assert sweep.counts() == {"unknown": 1}
    (paid,) = simulator.ledger
    book, (clip,) = beside(where, sweep)
    (found,) = book.of_clip(clip)
    book.tell(OTHER, [replace(found, state="done", told={"task_id": paid.task_id, "submitted_at": 1.8e9})])
    book.close()
    sweep.unknown.resubmit(0)
    sweep.wait(timeout=30)

    assert sweep.counts() == {"done": 1}
    assert len(simulator.ledger) == 1


@pytest.mark.parametrize("since", ["given back", "claimed again"])
def test_what_another_machine_claimed_and_never_sent_costs_nothing(live, where, tmp_path, since):
    """A claim that was taken for unknown, and turns out never to have left, is no money: a budget for one clip makes it."""
    simulator = live()
    one = price(simulator, tmp_path)
    sweep = gg.Sweep(grid(1), client=simulator.client(), folder=tmp_path / "boats", ledger=where, budget=one)
    book, (clip,) = beside(where, sweep)
    taken_by_other(book, clip, one)
    book.leave(OTHER)
    sweep.run()
    assert sweep.counts() == {"unknown": 1}
    book.tell(OTHER, [told(clip, "planned", one)])
    if since == "claimed again":
        taken_by_other(book, clip, one, name="another key")
        book.tell(OTHER, [replace(told(clip, "failed", one, task_id="task_of_theirs"), name="another key")])
        sweep.run()
        assert sweep.counts() == {"failed": 1}
        sweep.retry()
    sweep.run()

    assert sweep.counts() == {"done": 1}
    assert sweep.cost == one == simulator.ledger.billed
    book.close()


PASSING_ON = """
import asyncio, sys
host, port, to_host, to_port = sys.argv[1:]

async def copy(reader, writer):
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except OSError:
        pass
    finally:
        writer.close()

async def serve(reader, writer):
    try:
        there = await asyncio.open_connection(to_host, int(to_port))
    except OSError:
        writer.close()
        return
    await asyncio.gather(copy(reader, there[1]), copy(there[0], writer))

async def main():
    server = await asyncio.start_server(serve, host, int(port))
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()

asyncio.run(main())
"""


class Network:
    """Two hosts of the test's own, each on a wire that can be cut; both reach this machine's database and server."""

    def __init__(self, port: int) -> None:
        self._children: list[subprocess.Popen[str]] = []
        self._port = port
        for at in (1, 2):
            self._run("netns", "add", f"gg{at}")
            self._run(
                "link", "add", f"ggh{at}", "type", "veth", "peer", "name", f"ggn{at}", "netns", f"gg{at}"
            )
            self._run("addr", "add", f"10.213.{at}.1/30", "dev", f"ggh{at}")
            self._run("link", "set", f"ggh{at}", "up")
            self._run("-n", f"gg{at}", "addr", "add", f"10.213.{at}.2/30", "dev", f"ggn{at}")
            self._run("-n", f"gg{at}", "link", "set", f"ggn{at}", "up")
            self._run("-n", f"gg{at}", "link", "set", "lo", "up")
        passed = self._pass_on([], "0.0.0.0", 0, "127.0.0.1", port)
        for at in (1, 2):
            self._pass_on(self.inside(at), "127.0.0.1", port, f"10.213.{at}.1", passed)

    def _run(self, *words: str) -> None:
        subprocess.run(["ip", *words], check=True, capture_output=True)

    def inside(self, at: int) -> list[str]:
        """Return what comes before a command that is to run on one of the hosts."""
        return ["ip", "netns", "exec", f"gg{at}"]

    def _pass_on(self, before: list[str], host: str, port: int, to_host: str, to_port: int) -> int:
        told = [*before, sys.executable, "-c", PASSING_ON, host, str(port), to_host, str(to_port)]
        child = subprocess.Popen(told, stdout=subprocess.PIPE, text=True)
        self._children.append(child)
        return int(child.stdout.readline())

    def wire(self, at: int, state: str) -> None:
        """Cut the wire of one host (``down``), or mend it (``up``)."""
        self._run("link", "set", f"ggh{at}", state)

    def close(self) -> None:
        """End what passes things on, and take the hosts away."""
        for child in self._children:
            child.kill()
            child.communicate()
        for at in (1, 2):
            subprocess.run(["ip", "netns", "delete", f"gg{at}"], check=False, capture_output=True)
            subprocess.run(["ip", "link", "delete", f"ggh{at}"], check=False, capture_output=True)


@pytest.mark.team
@pytest.mark.timeout(900)
@pytest.mark.skipif(os.getuid() != 0, reason="only root may make hosts of its own")
def test_a_network_that_parts(live, tmp_path):
    """Two hosts, one cut off for longer than it takes to be thought dead: no clip is paid twice, and both end with all."""
    simulator = live(rate=60.0, burst=2)
    one, count = price(simulator, tmp_path), 60
    network = Network(int(simulator.base_url.rpartition(":")[2]))
    with contextlib.closing(network), postgres.running("*") as server:
        where = server.make()

        def begun(at: int) -> subprocess.Popen[str]:
            database = where.replace("127.0.0.1", f"10.213.{at}.1")
            told = [simulator.base_url, simulator.api_key, "60", str(tmp_path / f"machine {at}")]
            told += [database, str(count), str(one * count), PRICED]
            command = [*network.inside(at), sys.executable, "-c", textwrap.dedent(MACHINE), *told]
            return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

        children = [begun(at) for at in (1, 2)]
        until(lambda: len(simulator.ledger) >= 15)
        network.wire(1, "down")
        until(lambda: len(simulator.ledger) >= 40 and is_silent(where), seconds=120)
        network.wire(1, "up")
        said = [each.communicate(timeout=600) for each in children]
        # one may have come to its end before the other one could tell what had become of its clips
        said += [begun(at).communicate(timeout=600) for at in (1, 2)]
        counts = [json.loads(printed.splitlines()[-1]) for printed, _ in said]
        found = judged(simulator, where, tmp_path, count, kills=1)
    print(f"the ledger: {found}; the machines: {counts}")  # noqa: T201 - shown by -rP
    assert simulator.ledger.billed <= one * count
    assert counts[2:] == [{"done": count}] * 2


def is_silent(where: str) -> bool:
    """Whether somebody has been silent for so long that others take over."""
    book = open_ledger(address(where))
    ((silent,),) = book.rows(f"SELECT count(*) FROM holder WHERE seen < {book.NOW} - ?", (SILENT_AFTER + 2,))
    book.close()
    return bool(silent)
