"""Everything that a person, a server and a death can do to a sweep, in any order, judged by the ledger.

Hypothesis draws the order; time is virtual; the server lives through it all.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import gc
import io
import json
import math
import multiprocessing
import os
import shutil
import sqlite3
import sys
import tempfile
import traceback
import warnings
from collections import Counter, defaultdict
from decimal import Decimal
from pathlib import Path

import httpx
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from mortal import MOMENTS, Life, living, standing

from gridgen import Client, Grid, GridgenError, Simulator, Sweep
from gridgen.clock import Clock, SteadyClock
from gridgen.simulator import Fault
from gridgen.states import FINAL, State

PRICE = Decimal("0.0612")
PROMPTS = tuple(f"boat {number}" for number in range(16))
SHARED_MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None

FAULTS = {
    "submit: answer lost": Fault(kind="reset", on="submit", when="after"),
    "submit: closed before it was read": Fault(kind="close", on="submit", when="before_read"),
    "submit: hangs": Fault(kind="hang", on="submit", when="after"),
    "submit: garbage": Fault(kind="garbage", on="submit", when="after"),
    "submit: cut": Fault(kind="close", on="submit", when="mid_reply", size=20),
    "submit: slow": Fault(kind="slow", on="submit", seconds=20),
    "submit: html": Fault(kind="reply", on="submit", when="after", status=200, body="<html>"),
    "submit: 500, billed": Fault(kind="reply", on="submit", when="after", status=500),
    "submit: 502": Fault(kind="reply", on="submit", when="before", status=502),
    "submit: 504, billed": Fault(kind="reply", on="submit", when="after", status=504),
    "submit: 409 in progress": Fault(
        kind="reply", on="submit", status=409, body={"error": {"code": "idempotency_in_progress"}}
    ),
    "submit: 409 indeterminate": Fault(
        kind="reply", on="submit", status=409, body={"error": {"code": "idempotency_result_indeterminate"}}
    ),
    "submit: 429": Fault(kind="reply", on="submit", status=429, headers={"retry-after": "7"}, times=2),
    "submit: 503 unavailable": Fault(
        kind="reply", on="submit", status=503, body={"error": {"code": "idempotency_unavailable"}}
    ),
    "submit: 422": Fault(kind="reply", on="submit", status=422),
    "submit: 401": Fault(kind="reply", on="submit", status=401),
    "submit: 402": Fault(kind="reply", on="submit", status=402),
    "status: reset": Fault(kind="reset", on="status", times=3),
    "status: hangs": Fault(kind="hang", on="status"),
    "status: 500": Fault(kind="reply", on="status", status=500, times=4),
    "status: 404": Fault(kind="reply", on="status", status=404, times=2),
    "status: 404 for long": Fault(kind="reply", on="status", status=404, times=60),
    "status: 429": Fault(kind="reply", on="status", status=429, headers={"retry-after": "3"}),
    "status: garbage": Fault(kind="garbage", on="status"),
    "status: no video": Fault(
        kind="patch", on="status", patch={"data": {"result": {"videos": []}}}, times=None
    ),
    "status: dearer": Fault(
        kind="patch", on="status", patch={"data": {"cost": 0.09, "credits_cost": 0.9}}, times=None
    ),
    "result: reset": Fault(kind="reset", on="result", when="mid_reply", size=500),
    "result: 403": Fault(kind="reply", on="result", status=403, times=2),
    "result: gone": Fault(kind="reply", on="result", status=410, times=None),
    "result: html": Fault(kind="reply", on="result", status=200, body="<html>"),
    "result: corrupt": Fault(kind="corrupt", on="result"),
    "prices: unknown": Fault(kind="reply", on="prices", status=500, times=None),
    "task: fails": Fault(kind="fail", on="submit"),
    "task: cancelled": Fault(kind="cancel", on="submit"),
    "task: never ends": Fault(kind="stick", on="submit"),
    "task: takes long": Fault(kind="delay", on="submit", seconds=1200),
    "offline": None,
}

MORE = st.integers(0, 2)
WEATHER = st.lists(st.sampled_from(sorted(FAULTS)), max_size=4)
GAMES = 5000
ACTIONS = (
    "run",
    "stop",
    "kill",
    "restart",
    "other grid",
    "two sweeps",
    "on_unknown=hold",
    "on_unknown=replay",
    "on_unknown=lost",
    "on_unknown=resubmit",
    "budget",
    "top up",
    "prove",
    "retry",
    "resubmit",
    "replay",
    "drop",
    "attach",
    "attach wrongly",
    "time passes",
    "clock is set",
)
MET: dict[str, Counter[str]] = {
    "state": Counter(),
    "fault": Counter(),
    "action": Counter(),
    "runs": Counter(),
}


WRONG: list[str] = []


class Skewed(Clock):
    """The simulator's clock as a machine sees it whose own was set forward or back."""

    def __init__(self, inner: Clock) -> None:
        self.inner, self.offset, self.speed = inner, 0.0, inner.speed

    def time(self) -> float:
        """Return the wrong time."""
        return self.inner.time() + self.offset

    def monotonic(self) -> float:
        """Return what no setting changes."""
        return self.inner.monotonic()

    def slept(self) -> float:
        """Return that nothing is left out."""
        return 0.0

    def era(self) -> str:
        """Name the inner clock's."""
        return self.inner.era()

    async def sleep(self, seconds: float) -> None:
        """Wait by the inner clock."""
        await self.inner.sleep(seconds)

    def working(self) -> contextlib.AbstractContextManager[None]:
        """Hold the inner clock."""
        return self.inner.working()


def told(work):
    """Keep what goes wrong in a method with the story so far: played again, the same game may go otherwise."""

    @functools.wraps(work)
    def kept(self, *args):
        try:
            return work(self, *args)
        except BaseException as error:
            story = "\n".join(self.story)
            WRONG.append(f"{story}\n\n{''.join(traceback.format_exception(error))}")
            raise

    return kept


class Machine(RuleBasedStateMachine):
    """One folder, one server, one process after another."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(dir=SHARED_MEMORY, prefix="gridgen-"))
        self.patches = contextlib.ExitStack()
        self.monkeypatch = self.patches.enter_context(pytest.MonkeyPatch.context())
        self.monkeypatch.setenv("GRIDGEN_DATA_DIR", str(self.folder / "data"))
        self.patches.enter_context(living(self.monkeypatch))
        self.simulator = Simulator(speed=math.inf, clips="tiny", service=0.2, record=10, slots=2)
        self.met: set[tuple[str, str]] = set()
        self.allowed: Counter[str] = Counter()
        self.resubmitted = 0
        self.budget: Decimal | None = None
        self.policy = "hold"
        self.cells = 2
        self.struck: list[tuple[str, Fault]] = []
        self.terminal: dict[int, str] = {}
        self.tasks: dict[int, str] = {}
        self.most = Decimal(0)
        self.dear, self.probe = False, Decimal(0)
        self.offline: contextlib.AbstractContextManager[None] | None = None
        self.clock = Skewed(self.simulator.clock)
        self.life: Life | None = None
        self.sweeps: list[Sweep] = []
        self.broken = self.proven = False
        self.story: list[str] = []

    @initialize(
        cells=st.integers(1, 3),
        budget=st.sampled_from([None, None, "0.10", "0.20", "0.40"]),
        service=st.sampled_from([0.2, 1.0, 4.0]),
        faults=WEATHER,
    )
    def begin(self, cells: int, budget: str | None, service: float, faults: list[str]) -> None:
        """Open the folder for the first time, in any weather."""
        self.simulator.profile = self.simulator.profile.but(service=service)
        self.cells = cells
        self.budget = None if budget is None else Decimal(budget)
        self.live()
        self.misfortune(faults)

    # Processes

    def live(self) -> None:
        """Begin a process: a client and a sweep."""
        self.life = Life()
        life, simulator = self.life, self.simulator
        life.clock = SteadyClock(self.clock)
        self.client = Client(
            simulator.api_key,
            simulator.base_url,
            clock=life.clock,
            http_client=lambda: httpx.AsyncClient(
                transport=life.transport(simulator.transport()), trust_env=False
            ),
        )
        self.sweeps = []
        self.take_up()

    def take_up(self) -> None:
        """Make a sweep of the grid as it is wanted now."""
        prompts = [*PROMPTS[: self.cells], "not wanted"]
        grid = Grid(prompt=prompts).where(lambda prompt: prompt != "not wanted")
        cap = {"resubmit_budget": PRICE} if self.policy == "resubmit" else {}
        self.sweep = Sweep(
            grid,
            client=self.client,
            folder=self.folder / "boats",
            budget=self.budget,
            previews=False,
            on_unknown=self.policy,
            **cap,
        )
        self.sweeps.append(self.sweep)

    @told
    def do(self, action: str, *work) -> None:
        """Let a person do something, who may be told why it cannot be done; a dead process is buried."""
        self.met.add(("action", action))
        self.story.append(f"{action}: {self.cells} cells, budget {self.budget}, {self.policy}")
        self.broken = True
        before, twice = self.billed(), self.paid_twice()
        try:
            for each in work:
                each()
        except GridgenError:
            pass
        except BaseException:
            if self.life.alive:
                raise
        self.settle_down()
        alike = {sweep.budget for sweep in self.sweeps} == {self.budget}
        if self.budget is not None and alike and not self.dear:
            assert self.billed() <= max(before, self.budget) + self.probe, (before, self.billed())
        # of two sweeps at a time the one with fewer cells may have its one besides, whatever the other had before
        most = twice + self.resubmitted if len(self.sweeps) > 1 else max(twice, self.resubmitted)
        assert self.paid_twice() <= most, self.excess()
        self.come_to_rest()
        self.broken = False

    def settle_down(self) -> None:
        """Wait for all that runs, as long as the process lives."""
        for sweep in self.sweeps:
            try:
                self.wait_for(sweep)
            except GridgenError:
                continue
            except BaseException:
                if self.life.alive:
                    raise
        self.note_states()

    def come_to_rest(self) -> None:
        """Bury a process that died, or that would follow stalled tasks for a day."""
        if not self.life.alive or any(sweep.running for sweep in self.sweeps):
            self.life.bury()
            self.live()
        self.sweeps = [self.sweep]

    def run_out(self) -> None:
        """Start and wait for the end."""
        self.sweep.start()
        self.wait_for(self.sweep)

    def wait_for(self, sweep: Sweep) -> None:
        """Wait as long as the process lives, but not for ever: a sweep that hangs is a fault of ours."""
        for seconds in (0.5 if self.offline is None else 0.1, 1.0, 3.0, 10.0, 20.0):
            with contextlib.suppress(TimeoutError):
                sweep.wait(seconds)
                return
            if not self.life.alive:
                return
            if self.offline is not None:
                # nobody answers, and a sweep asks for ever: the machine is switched off
                self.life.alive = False
                return
        scheduler = sweep._execution.scheduler
        found = f"{sweep.counts()} {scheduler.standing()} {dict(+scheduler._agenda.flying)}"
        raise AssertionError(f"it hangs: {found}, {standing()}")

    def wait(self) -> None:
        """Wait for the sweep at hand."""
        self.wait_for(self.sweep)

    def billed(self) -> Decimal:
        """Return what the server has been paid for the cells that the budget is about."""
        wanted = PROMPTS[: self.cells]
        paid = (entry for entry in self.entries() if not entry.refunded and entry.body["prompt"] in wanted)
        return sum((entry.cost for entry in paid), Decimal(0))

    def entries(self):
        """Return the ledger's entries, but for the proof's."""
        return [entry for entry in self.simulator.ledger if entry.body["prompt"] in PROMPTS]

    # What a person does

    def want(self, more: int) -> None:
        """Add cells to the grid."""
        if more:
            self.cells = min(len(PROMPTS), self.cells + more)
            self.take_up()

    @rule(more=MORE, faults=WEATHER)
    def run(self, more: int, faults: list[str]) -> None:
        """Run to the end."""
        self.want(more)
        self.misfortune(faults)
        self.do("run", self.run_out)

    @rule(more=MORE, faults=WEATHER)
    def run_in_bad_weather(self, more: int, faults: list[str]) -> None:
        """Run to the end while things go wrong, which are lifted afterwards."""
        self.want(more)
        self.misfortune(faults)
        self.do("run", self.run_out)
        self.fair_weather()

    @rule(more=MORE)
    def run_without_prices(self, more: int) -> None:
        """Run on a budget for about one clip, while the server does not tell what one costs."""
        self.cells = min(len(PROMPTS), self.cells + more + 1)
        self.budget = self.billed() + PRICE
        self.take_up()
        self.misfortune(["prices: unknown"])
        self.do("run", self.run_out)

    @rule(more=MORE, faults=WEATHER)
    def start_and_stop(self, more: int, faults: list[str]) -> None:
        """Start, stop at once, wait for what had left."""
        self.want(more)
        self.misfortune(faults)
        self.do("stop", self.sweep.start, self.sweep.stop, self.wait)

    @rule(moment=st.sampled_from(MOMENTS), nth=st.integers(1, 12), more=MORE, faults=WEATHER)
    def die(self, moment: str, nth: int, more: int, faults: list[str]) -> None:
        """Run, and be killed in the middle."""
        self.want(more)
        self.misfortune(faults)
        self.life.doom(moment, nth)
        self.story.append(f"{moment}, {nth}")
        self.do("kill", self.run_out)
        self.life.doom(moment, -1)

    @rule()
    def restart(self) -> None:
        """Restart the kernel at rest."""
        self.met.add(("action", "restart"))
        self.story.append("restart")
        self.client.close()
        self.live()

    @rule(cells=st.integers(1, len(PROMPTS)), faults=WEATHER)
    def other_grid(self, cells: int, faults: list[str]) -> None:
        """Run another grid in the same folder."""
        self.cells = cells
        self.take_up()
        self.misfortune(faults)
        self.do("other grid", self.run_out)

    @rule(more=MORE, faults=WEATHER)
    def two_at_once(self, more: int, faults: list[str]) -> None:
        """Run two sweeps of one process that overlap."""
        self.misfortune(faults)
        first = self.sweep
        self.want(max(1, more))
        second = self.sweep
        self.do(
            "two sweeps",
            first.start,
            second.start,
            lambda: self.wait_for(first),
            lambda: self.wait_for(second),
        )

    @rule(policy=st.sampled_from(["hold", "replay", "lost", "resubmit"]))
    def other_policy(self, policy: str) -> None:
        """Change what is done unasked with lost answers."""
        self.met.add(("action", f"on_unknown={policy}"))
        self.policy = policy
        if policy == "resubmit":
            self.resubmitted = 1
        self.take_up()

    @rule(usd=st.sampled_from(["0.10", "0.20", "0.40", "1.00", None]))
    def other_budget(self, usd: str | None) -> None:
        """Raise the budget, lower it, or do without."""
        self.met.add(("action", "budget"))
        self.budget = None if usd is None else Decimal(usd)
        self.take_up()

    @rule()
    def top_up(self) -> None:
        """Pay into the account."""
        self.met.add(("action", "top up"))
        self.simulator.top_up(1)

    @rule()
    def prove(self) -> None:
        """Prove that the server honours the key."""
        if not self.proven:
            self.proven = True
            self.do("prove", self.client.prove_idempotency)

    @rule()
    def retry(self) -> None:
        """Submit what failed again."""
        again = [row.cell.prompt for row in self.sweep.rows() if row.status in {"failed", "rejected"}]
        if again:
            self.allowed.update(again)
            self.do("retry", self.sweep.retry, self.wait)

    @rule(
        way=st.sampled_from(["resubmit", "replay", "drop", "attach", "attach wrongly"]), at=st.integers(0, 3)
    )
    def settle(self, way: str, at: int) -> None:
        """Settle what is unknown, in one of a person's ways."""
        unknown = self.sweep.unknown
        if not unknown:
            return
        row = unknown[at % len(unknown)]
        ways = {
            "resubmit": lambda: unknown.resubmit(row),
            "replay": lambda: unknown.replay(row),
            "drop": lambda: unknown.drop(row),
            "attach": lambda: unknown.attach(row, self.lost_task(row.cell.prompt)),
            "attach wrongly": lambda: unknown.attach(row, next(iter(self.tasks.values()), "nonsense")),
        }
        self.allowed[row.cell.prompt] += way == "resubmit"
        self.do(way, ways[way], self.wait)

    def lost_task(self, prompt: str) -> str:
        """Return the task of a paid submission that nobody knows, as a person finds it in the account."""
        known = set(self.tasks.values())
        paid = (entry.task_id for entry in self.entries() if entry.body["prompt"] == prompt)
        return next((task for task in paid if task not in known), "nonsense")

    # What the world does

    def misfortune(self, names: list[str]) -> None:
        """Put faults in force."""
        self.story += names
        for name in names:
            fault = FAULTS[name]
            self.dear = self.dear or name == "status: dearer"
            self.probe = PRICE if name == "prices: unknown" else self.probe
            if fault is None:
                self.go_offline()
                continue
            copy = Fault(**vars(fault))
            self.simulator.faults.add(copy)
            self.struck.append((name, copy))

    def go_offline(self) -> None:
        """Take the network away until it is lifted."""
        if self.offline is None:
            self.met.add(("fault", "offline"))
            self.offline = self.simulator.offline()
            self.offline.__enter__()

    @rule()
    def fair_weather(self) -> None:
        """Lift all faults."""
        self.story.append("fair weather")
        self.met.update(("fault", name) for name, fault in self.struck if self.simulator.faults.struck(fault))
        self.simulator.faults.clear()
        self.struck.clear()
        if self.offline is not None:
            self.offline.__exit__(None, None, None)
            self.offline = None

    @rule(seconds=st.sampled_from([1.0, 300.0, 3600.0, 30_000.0, 110_000.0]))
    def time_passes(self, seconds: float) -> None:
        """Let the machine sleep."""
        self.met.add(("action", "time passes"))
        self.story.append(f"{seconds} s pass")
        asyncio.run(self.simulator.clock.sleep(seconds))

    @rule(seconds=st.sampled_from([3600.0, -3600.0, 0.0]))
    def clock_is_set(self, seconds: float) -> None:
        """Set the machine's clock forward or back."""
        self.met.add(("action", "clock is set"))
        self.story.append(f"clock is set {seconds}")
        self.clock.offset = seconds

    # What must hold

    def journal(self, *statements: str) -> list[list[tuple]]:
        """Ask the journal on the disk."""
        path = self.folder / "boats" / "journal.sqlite"
        if not path.exists() or not path.stat().st_size:
            return [[] for _ in statements]
        with contextlib.closing(sqlite3.connect(path)) as connection:
            return [connection.execute(statement).fetchall() for statement in statements]

    @invariant()
    @told
    def all_is_well(self) -> None:
        """What must hold whenever nothing runs."""
        found, kept, whole = self.journal(
            "SELECT a.id, json_extract(fields, '$.prompt'), state, task_id FROM attempt a JOIN cell ON cell = key",
            "SELECT json_extract(fields, '$.prompt'), state FROM attempt a JOIN cell ON cell = key "
            "WHERE n = (SELECT max(n) FROM attempt b WHERE b.cell = a.cell)",
            "PRAGMA integrity_check",
        )
        self.nothing_is_paid_twice()
        self.nothing_paid_is_lost(self.entries(), found)
        self.what_is_over_stays(found)
        self.what_is_shown_is_what_is_kept(dict(kept))
        assert whole in ([], [("ok",)])

    def nothing_is_paid_twice(self) -> None:
        """Billed submissions are at most one for each cell, and one for each that a person wanted again.

        The policy's cap allows one besides to each sweep, whose cells may be others than an earlier one's.
        """
        assert all(each <= self.resubmitted for each in self.excess().values()), self.excess()

    def excess(self) -> dict[str, int]:
        """Return how many submissions more than that were billed for each cell."""
        counts = Counter(entry.body["prompt"] for entry in self.entries())
        return {prompt: counts[prompt] - 1 - self.allowed[prompt] for prompt in counts}

    def paid_twice(self) -> int:
        """Return how many submissions more than that were billed for the cells that are wanted now."""
        found = self.excess()
        return sum(max(0, found.get(prompt, 0)) for prompt in PROMPTS[: self.cells])

    def nothing_paid_is_lost(self, entries: list, found: list[tuple]) -> None:
        """Every billed task is in the journal, or its submission is there as unknown or lost, or of a dead sender."""
        tracked = {task for *_, task in found}
        open_ = Counter(
            prompt
            for _, prompt, state, task in found
            if task is None and state in {"unknown", "lost", "sending"}
        )
        untracked = Counter(entry.body["prompt"] for entry in entries if entry.task_id not in tracked)
        assert not untracked - open_, untracked - open_

    def what_is_over_stays(self, found: list[tuple]) -> None:
        """Terminal states and tasks never change."""
        for attempt, _, state, task in found:
            assert self.terminal.get(attempt, state) == state
            assert self.tasks.get(attempt, task) == task
            if state in FINAL:
                self.terminal[attempt] = state
            if task is not None:
                self.tasks[attempt] = task

    def what_is_shown_is_what_is_kept(self, kept: dict[str, str]) -> None:
        """At rest the table says what the journal says; of what a dead process was sending, that nobody knows."""
        for row in self.sweep.rows():
            if row.status not in {"skipped", "held"}:
                said = kept.get(row.cell.prompt, "planned")
                assert row.status == ("unknown" if said == "sending" else said), (row, said)

    def note_states(self) -> None:
        """Note which states there are, on the disk and for a person."""
        for found in self.journal("SELECT DISTINCT state FROM attempt", "SELECT DISTINCT state FROM event"):
            self.met.update(("state", state) for (state,) in found)
        self.met.update(("state", row.status) for row in self.sweep.rows())

    def teardown(self) -> None:
        """At last everything is lifted and paid for: nothing that can be brought to an end is left."""
        try:
            if self.life is not None and not self.broken:
                self.end_well()
        finally:
            self.client.close()
            self.simulator.close()
            self.patches.close()
            shutil.rmtree(self.folder, ignore_errors=True)
        MET["runs"]["examples"] += 1
        for kind, name in self.met:
            MET[kind][name] += 1

    @told
    def end_well(self) -> None:
        """Run once more, in fair weather and with money, and see that nothing hangs."""
        self.fair_weather()
        self.simulator.top_up(10)
        self.budget, self.policy, self.clock.offset = Decimal(10), "hold", 0.0
        self.take_up()
        self.run_out()
        ends = {*FINAL, "skipped", "unknown", "missing", "expired", "stalled"}
        if self.sweep.running:
            # a stalled task is not waited for, and may come to life at any moment
            ends |= {"running", "downloading"}
        left = [row for row in self.sweep.rows() if row.status not in ends]
        self.settle_down()
        self.come_to_rest()
        assert left == [], left
        self.all_is_well()


ABANDONED = "ignore::pytest.PytestUnraisableExceptionWarning"
"""What is killed closes nothing; its handles are left to the collector, here rather than in another test."""


def explore(examples: int, steps: int, *, anew: bool = False) -> None:
    """Play so many games, and tell what was met in how many of them."""
    for counter in MET.values():
        counter.clear()
    chosen = settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        database=None,
        derandomize=not anew,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    from hypothesis.stateful import run_state_machine_as_test

    WRONG.clear()
    try:
        run_state_machine_as_test(Machine, settings=chosen)
    except Exception as error:
        raise AssertionError(WRONG[0] if WRONG else "it went wrong outside of the games") from error
    sys.stdout.write(
        json.dumps({kind: dict(met.most_common()) for kind, met in MET.items()}, indent=1) + "\n"
    )


@pytest.mark.timeout(100)
@pytest.mark.filterwarnings("ignore:the price of", ABANDONED)
def test_a_few_games():
    """No order of a few dozen events breaks an invariant."""
    explore(12, 30)
    gc.collect()


def played(games: int) -> dict[str, Counter[str]]:
    """Play so many games, in a process that does nothing else, and return what was met."""
    warnings.simplefilter("ignore")
    with contextlib.redirect_stdout(io.StringIO()):
        explore(games, 50, anew=True)
    return MET


def rare(met: dict[str, Counter[str]]) -> dict[tuple[str, str], int]:
    """Return what was met in less than one game of a hundred, and in how many."""
    games = met["runs"]["examples"]
    wanted = {"state": State, "fault": FAULTS, "action": ACTIONS}
    named = ((kind, name) for kind, names in wanted.items() for name in names)
    return {(kind, name): met[kind][name] for kind, name in named if met[kind][name] < games / 100}


@pytest.mark.machine
@pytest.mark.timeout(7200)
def test_many_games():
    """In 5,000 games of up to 50 events no invariant breaks, and everything is met in at least one game of a hundred."""
    met: dict[str, Counter[str]] = defaultdict(Counter)
    with multiprocessing.get_context("spawn").Pool(os.cpu_count(), maxtasksperchild=4) as pool:
        for share in pool.imap_unordered(played, [GAMES // 50] * 50):
            for kind, counts in share.items():
                met[kind].update(counts)
            sys.stderr.write(f"{met['runs']['examples']} games\n")
    sys.stdout.write(
        f"{json.dumps({kind: dict(each.most_common()) for kind, each in met.items()}, indent=1)}\n"
    )

    assert met["runs"]["examples"] >= GAMES
    assert rare(met) == {}
