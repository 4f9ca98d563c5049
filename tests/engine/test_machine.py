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
import threading
import traceback
import warnings
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import httpx
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from interrupting import Interrupts
from losing import Known, copied, known, listed, lose, marked, put_back
from mortal import MOMENTS, Life, living, standing
from waiting import until

from gridgen import Client, Grid, GridError, GridgenError, JournalError, Simulator, Sweep
from gridgen._loop import engine, wait
from gridgen.clock import Clock, SteadyClock
from gridgen.simulator import Fault
from gridgen.states import FINAL, MADE, State
from gridgen.sweep.execution import Execution
from gridgen.sweep.unknown import Unknown

if TYPE_CHECKING:
    from collections.abc import Callable

PRICE = Decimal("0.0612")
PROMPTS = tuple(f"boat {number}" for number in range(24))
SHARED_MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


class Charges(NamedTuple):
    """What tasks tell of their cost: at first, and how many seconds after their end the whole of it."""

    told_first: str
    settles: float | None


class Expiry(NamedTuple):
    """When links are said to die."""

    at: Any


def stamped(stamp: Any) -> Fault:
    """Return a fault that has all of a task's stamps say the same."""
    stamps = dict.fromkeys(("created", "completed", "estimated_time", "actual_time"), stamp)
    return Fault(kind="patch", on="status", patch={"data": stamps}, times=20)


def linked(link: str, **options: Any) -> Fault:
    """Return a fault that has a finished task name another link."""
    result = {"videos": [{"url": [link], "expires_at": 2_000_000_000}]}
    return Fault(kind="patch", on="status", patch={"data": {"result": result}}, **options)


HALF = "half \ud83d of it"
SAID = {"message": HALF, "request_id": "\ud83d", HALF: HALF}

FAULTS: dict[str, Fault | Charges | Expiry | None] = {
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
    "result: 401 for long": Fault(kind="reply", on="result", status=401, times=None),
    "result: inside": linked("https://10.0.0.1/a.mp4", times=None),
    "result: no link": linked(f"https://[{HALF}", times=3),
    "result: html": Fault(kind="reply", on="result", status=200, body="<html>"),
    "result: corrupt": Fault(kind="corrupt", on="result"),
    "prices: unknown": Fault(kind="reply", on="prices", status=500, times=None),
    "task: fails": Fault(kind="fail", on="submit"),
    "task: cancelled": Fault(kind="cancel", on="submit"),
    "task: never ends": Fault(kind="stick", on="submit"),
    "task: takes long": Fault(kind="delay", on="submit", seconds=1200),
    "charges: a part at first": Charges("part", 0.0),
    "charges: 0 at first": Charges("zero", 0.0),
    "charges: late": Charges("absent", 600.0),
    "charges: 0, and late": Charges("zero", 600.0),
    "charges: never": Charges("absent", None),
    "stamps: 0": stamped(0),
    "stamps: negative": stamped(-10_000_000_000),
    "stamps: huge": stamped(10**400),
    "stamps: a year ahead": stamped(1_791_536_000),
    "stamps: not a number": stamped(math.nan),
    "stamps: infinite": stamped(math.inf),
    "stamps: text": stamped("yesterday"),
    "expiry: 0": Expiry(0),
    "expiry: negative": Expiry(-1e300),
    "expiry: huge": Expiry(10**400),
    "expiry: not a number": Expiry(math.nan),
    "expiry: text": Expiry(HALF),
    "submit: 429 for ages": Fault(
        kind="reply", on="submit", status=429, headers={"retry-after": "99999999999"}
    ),
    "submit: 429, not a number": Fault(kind="reply", on="submit", status=429, headers={"retry-after": "nan"}),
    "submit: half an emoji": Fault(kind="patch", on="submit", patch=SAID, times=3),
    "submit: 422 with half an emoji": Fault(
        kind="reply", on="submit", status=422, body={"error": {"message": HALF, "code": "\ud83d"}}
    ),
    "status: half an emoji": Fault(
        kind="patch",
        on="status",
        patch={**SAID, "data": {"message": HALF, "error": {"message": HALF, "code": "\udfff"}}},
        times=3,
    ),
    "status: half an emoji as status": Fault(kind="patch", on="status", patch={"data": {"status": "\ud83d"}}),
    "offline": None,
}

MORE = st.integers(0, 2)
WEATHER = st.lists(st.sampled_from(sorted(FAULTS)), max_size=4)
GAMES = 5000
VERBS = ("start", "run", "await", "wait", "retry", "resubmit", "replay", "attach", "restore")
LOSSES, WAYS = ("missing", "empty", "older"), ("put back", "taken in")
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
    "surrogate in a prompt",
    "surrogate in a task's id",
    "two sweeps from two threads",
    "two sweeps of two clients",
    *(f"stopped when {moment}" for moment in MOMENTS),
    *(f"interrupted {verb}" for verb in VERBS),
    *(f"{how} journal, {way}" for how in LOSSES for way in WAYS),
)
MET: dict[str, Counter[str]] = {
    "state": Counter(),
    "fault": Counter(),
    "action": Counter(),
    "runs": Counter(),
}


WRONG: list[str] = []
INTERRUPTS = Interrupts()
KEYS = {cell.prompt: cell.key[:8] for cell in Grid(prompt=list(PROMPTS))}


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


class Spoken(httpx.AsyncBaseTransport):
    """A transport whose answers say of every link that it dies when the game says so."""

    def __init__(self, game: Machine, inner: httpx.AsyncBaseTransport) -> None:
        self.game, self.inner = game, inner

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Pass a request on, and change what a task's answer says."""
        response = await self.inner.handle_async_request(request)
        if self.game.expiry is None or not request.url.path.startswith("/v1/tasks/"):
            return response
        try:
            told = json.loads(await response.aread())
            videos = [each for each in told["data"]["result"]["videos"] if isinstance(each, dict)]
        except (ValueError, LookupError, TypeError):
            return response
        for each in videos:
            each["expires_at"] = self.game.expiry.at
            self.game.expired += 1
        return httpx.Response(response.status_code, content=json.dumps(told)) if videos else response


LEFT = {
    verb.__qualname__
    for verb in (
        Execution.renew,
        Execution.start,
        Execution.stop,
        Execution.take_in,
        Unknown._attach,
        Unknown._check_replays,
    )
}


async def rounds() -> None:
    """Let everything that was handed to the engine begin."""
    for _ in range(20):
        await Clock().sleep(0)


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
        self.struck: list[tuple[str, Callable[[], int]]] = []
        self.expiry: Expiry | None = None
        self.expired = 0
        self.books: tuple[Any, list[Any]] = None, []
        self.forgotten: dict[str, Any] = {}
        self.has_lost = False
        self.clips: dict[str, int] = {}
        self.still: tuple[Life, int] | None = None
        self.stopping: list[threading.Thread] = []
        self.clients: list[Client] = []
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
        self.life = life = Life()
        life.clock = SteadyClock(self.clock)
        self.client = self.connected()
        self.sweeps = []
        self.take_up()

    def connected(self) -> Client:
        """Return one more client of this process."""
        life, simulator = self.life, self.simulator
        self.clients.append(
            Client(
                simulator.api_key,
                simulator.base_url,
                clock=life.clock,
                http_client=lambda: httpx.AsyncClient(
                    transport=life.transport(Spoken(self, simulator.transport())), trust_env=False
                ),
            )
        )
        return self.clients[-1]

    def end(self) -> None:
        """End a process at rest."""
        while self.clients:
            self.clients.pop().close()

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
        except JournalError:
            if self.has_lost:
                # a clip lies there whose cell was not wanted when the others were taken in
                self.sweep.restore()
        except GridgenError:
            pass
        except BaseException:
            if self.life.alive:
                raise
        self.settle_down()
        self.stop_has_stopped()
        alike = {sweep.budget for sweep in self.sweeps} == {self.budget}
        if self.budget is not None and alike and not self.dear:
            assert self.billed() <= max(before, self.budget + self.untold()) + self.probe, (
                before,
                self.billed(),
            )
        # of two sweeps at a time the one with fewer cells may have its one besides, whatever the other had before
        most = twice + self.resubmitted if len(self.sweeps) > 1 else max(twice, self.resubmitted)
        assert self.paid_twice() <= most, self.excess()
        self.come_to_rest()
        self.broken = False

    def stop_has_stopped(self) -> None:
        """See that nothing has left since a stop was through, or a verb was interrupted."""
        self.life.when(MOMENTS[0], 0, lambda: None)
        while self.stopping:
            self.stopping.pop().join()
        if self.still is not None:
            life, posts = self.still
            self.still = None
            assert life.posts == posts, "something was submitted after a stop"

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
        for seconds in (0.5 if self.offline is None else 0.1, 1.0, 3.0, 10.0, 20.0, 60.0):
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
        found = f"{sweep.counts()} {scheduler.wait_reasons().words()} {dict(+scheduler._queue.flying)}"
        raise AssertionError(f"it hangs: {found}, {standing()}")

    def wait(self) -> None:
        """Wait for the sweep at hand."""
        self.wait_for(self.sweep)

    def billed(self) -> Decimal:
        """Return what the server has been paid for the cells that the budget is about."""
        wanted = PROMPTS[: self.cells]
        paid = (entry for entry in self.entries() if not entry.refunded and entry.body["prompt"] in wanted)
        return sum((entry.cost for entry in paid), Decimal(0))

    def untold(self) -> Decimal:
        """Return what was paid for the wanted cells and is in no journal any more."""
        wanted = PROMPTS[: self.cells]
        return sum(
            (each.cost for each in self.forgotten.values() if each.body["prompt"] in wanted), Decimal(0)
        )

    def entries(self):
        """Return the ledger's entries, but for the proof's."""
        at = len(self.simulator.ledger), self.simulator.clock.time()
        if self.books[0] != at:
            self.books = at, [each for each in self.simulator.ledger if each.body["prompt"] in PROMPTS]
        return self.books[1]

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

    @rule(name=st.sampled_from(sorted(FAULTS)))
    def run_under_one_fault(self, name: str) -> None:
        """Run to the end with one cell more, money for it, and one thing that goes wrong."""
        self.fair_weather()
        self.cells = min(len(PROMPTS), self.cells + 1)
        if self.budget is not None:
            self.budget = max(self.budget, PRICE * (self.cells + 1))
        self.take_up()
        self.misfortune([name])
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

    @rule(moment=st.sampled_from(MOMENTS), nth=st.integers(1, 6), more=MORE, faults=WEATHER)
    def stop_at_any_moment(self, moment: str, nth: int, more: int, faults: list[str]) -> None:
        """Run, and stop in the middle."""
        self.want(more)
        self.misfortune(faults)
        self.story.append(f"stop: {moment}, {nth}")
        life, sweep = self.life, self.sweep

        def stop() -> None:
            sweep.stop()
            self.still = (life, life.posts)
            self.met.add(("action", f"stopped when {moment}"))

        def begin() -> None:
            self.stopping.append(threading.Thread(target=stop))
            self.stopping[-1].start()

        life.when(moment, nth, begin)
        self.do("run", self.run_out)

    @rule(
        verb=st.sampled_from(["start", "run", "await", "wait"]),
        moment=st.sampled_from(MOMENTS),
        nth=st.integers(1, 5),
        more=MORE,
        faults=WEATHER,
    )
    def interrupt(self, verb: str, moment: str, nth: int, more: int, faults: list[str]) -> None:
        """Interrupt what submits, or waits."""
        self.want(more)
        self.misfortune(faults)
        sweep = self.sweep
        verbs = {
            "start": sweep.start,
            "run": sweep.run,
            "wait": sweep.wait,
            "await": lambda: asyncio.run(awaited(sweep)),
        }
        if verb == "wait":
            self.do("run", sweep.start, lambda: self.interrupted(verb, verbs[verb], moment, nth), self.wait)
        else:
            self.do("run", lambda: self.interrupted(verb, verbs[verb], moment, nth), self.wait)

    @rule(
        verb=st.sampled_from(["replay", "retry", "resubmit", "replay", "attach"]),
        moment=st.sampled_from(MOMENTS),
        nth=st.integers(1, 4),
        at=st.integers(0, 3),
    )
    def interrupt_a_decision(self, verb: str, moment: str, nth: int, at: int) -> None:
        """Interrupt a person's decision that submits."""
        self.policy = "hold"
        if verb == "replay":
            self.prove()
        if verb == "replay" or not self.undecided(verb):
            self.run_under_one_fault("task: fails" if verb == "retry" else "submit: answer lost")
        rows = self.undecided(verb)
        if not rows:
            return
        # only a young submission is replayed
        row, sweep = rows[-1 if verb == "replay" else at % len(rows)], self.sweep
        verbs = {
            "retry": lambda: sweep.retry(row),
            "resubmit": lambda: sweep.unknown.resubmit(row),
            "replay": lambda: sweep.unknown.replay(row),
            "attach": lambda: sweep.unknown.attach(row, self.lost_task(row.cell.prompt)),
        }
        self.allowed[row.cell.prompt] += verb in {"retry", "resubmit"}
        self.do(verb, lambda: self.interrupted(verb, verbs[verb], moment, nth), self.wait)

    def undecided(self, verb: str) -> list[Any]:
        """Return the rows that a verb is for."""
        if verb == "retry":
            return [row for row in self.sweep.rows() if row.status in {"failed", "rejected"}]
        return list(self.sweep.unknown)

    def interrupted(self, verb: str, call: Callable[[], object], moment: str, nth: int) -> None:
        """Call a verb, and interrupt it at a moment, or when it takes long."""
        self.story.append(f"interrupt {verb}: {moment}, {nth}")
        life = self.life
        life.when(moment, nth, INTERRUPTS.send)
        try:
            INTERRUPTS.during(call, 0.3)
        except KeyboardInterrupt:
            self.met.add(("action", f"interrupted {verb}"))
            if verb not in {"wait", "restore"}:
                wait(rounds())
                self.still = (life, life.posts)
            until(lambda: not going_on())
        else:
            assert not INTERRUPTS.struck, f"{verb} swallowed an interrupt"

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
        self.end()
        self.live()

    @rule()
    def copy_journal(self) -> None:
        """Keep a copy of the journal, which may be put in its place one day."""
        self.story.append("a copy of the journal is kept")
        copied(self.folder / "boats", self.folder / "older.sqlite")

    @rule(
        how=st.sampled_from(LOSSES),
        way=st.sampled_from(WAYS),
        moment=st.sampled_from(MOMENTS),
        nth=st.integers(0, 3),
    )
    def lose_journal(self, how: str, way: str, moment: str, nth: int) -> None:
        """Lose the journal between two processes: the next one pays nothing that a witness tells of."""
        folder, older = self.folder / "boats", self.folder / "older.sqlite"
        if not (folder / "journal.sqlite").exists() or (how == "older" and not older.exists()):
            return
        self.fair_weather()
        self.story.append(f"{how} journal, {way}")
        self.life.bury()
        self.end()
        copied(folder, self.folder / "right.sqlite")
        told, paid = listed(folder), self.entries()
        lose(folder, how, older)
        now, (store, sequence) = known(folder), marked(folder)
        self.live()
        behind = sequence > 0 and (store != now.store or now.sequence < sequence)
        unnoted = {
            prompt
            for prompt in PROMPTS[: self.cells]
            if told.get(KEYS[prompt]) == "clip" and KEYS[prompt] not in now.cells
        }
        self.met.add(("action", f"{how} journal, {way}"))
        if not behind and not unnoted:
            # nothing in the folder can tell
            self.forget(paid, told, now)
            self.do("run", self.run_out)
            return
        self.do("run", self.is_refused)
        if way == "put back":
            self.life.bury()
            self.end()
            put_back(folder, self.folder / "right.sqlite")
            self.live()
        else:
            self.forget(paid, told, now)
            self.do("take in", lambda: self.interrupted("restore", self.sweep.restore, moment, nth))
            self.do("take in", lambda: self.takes_in(unnoted))
        self.do("run", self.run_out)

    def is_refused(self) -> None:
        """See that a run is refused, and sends nothing."""
        before = len(self.simulator.ledger)
        with pytest.raises(GridgenError):
            self.run_out()
        assert len(self.simulator.ledger) == before, "paid though the journal is lost"

    def takes_in(self, unnoted: set[str]) -> None:
        """Take in what lies in the folder."""
        self.sweep.restore()
        rows = {row.cell.prompt: row.status for row in self.sweep.rows()}
        assert all(rows[prompt] in MADE for prompt in unnoted), (unnoted, rows)

    def forget(self, paid: list, told: dict[str, str], now: Known) -> None:
        """Note what no witness tells of: it may be paid once more, and counts in no budget."""
        self.has_lost = True
        self.terminal.clear()
        self.tasks.clear()
        wanted = PROMPTS[: self.cells]
        for prompt in PROMPTS:
            gone = [each for each in paid if each.body["prompt"] == prompt and each.task_id not in now.tasks]
            if not gone:
                continue
            key = KEYS[prompt]
            seen = told.get(key) == "clip" or (key in told and prompt in wanted)
            self.allowed[prompt] += not seen and key not in now.cells
            stands = seen and key not in now.cells
            self.forgotten.update((each.task_id, each) for each in gone[:-1])
            self.forgotten[gone[-1].task_id] = replace(gone[-1], cost=Decimal(0)) if stands else gone[-1]
        self.resubmitted += self.resubmitted > 0

    @rule(cells=st.integers(1, len(PROMPTS)), faults=WEATHER)
    def other_grid(self, cells: int, faults: list[str]) -> None:
        """Run another grid in the same folder."""
        self.cells = cells
        self.take_up()
        self.misfortune(faults)
        self.do("other grid", self.run_out)

    @rule(more=MORE, faults=WEATHER, how=st.sampled_from(["", " from two threads", " of two clients"]))
    def two_at_once(self, more: int, faults: list[str], how: str) -> None:
        """Run two sweeps of one process that overlap, or are alike."""
        self.misfortune(faults)
        first = self.sweep
        if how.endswith("clients"):
            self.client = self.connected()
        self.cells = min(len(PROMPTS), self.cells + more)
        self.take_up()
        second = self.sweep
        begin = (
            (first.start, second.start) if how != " from two threads" else (lambda: at_once(first, second),)
        )
        self.do(
            f"two sweeps{how}",
            *begin,
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

    @rule(usd=st.sampled_from(["0.10", "0.20", "0.40", "1.00", "2.00", None]))
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
        way=st.sampled_from(
            ["resubmit", "replay", "drop", "attach", "attach wrongly", "surrogate in a task's id"]
        ),
        at=st.integers(0, 3),
    )
    def settle(self, way: str, at: int) -> None:
        """Settle what is unknown, in one of a person's ways."""
        if self.policy == "hold" and not self.sweep.unknown:
            self.run_under_one_fault("submit: answer lost")
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
            "surrogate in a task's id": lambda: unknown.attach(row, HALF),
        }
        self.allowed[row.cell.prompt] += way == "resubmit"
        self.do(way, ways[way], self.wait)

    def lost_task(self, prompt: str) -> str:
        """Return the task of a paid submission that nobody knows, as a person finds it in the account."""
        known = {*self.tasks.values(), *self.forgotten}
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
            elif isinstance(fault, Charges):
                before = len(self.simulator.ledger)
                self.charge(fault)
                self.struck.append((name, lambda before=before: len(self.simulator.ledger) - before))
            elif isinstance(fault, Expiry):
                self.expiry, before = fault, self.expired
                self.struck.append((name, lambda before=before: self.expired - before))
            else:
                copy = Fault(**vars(fault))
                self.simulator.faults.add(copy)
                self.struck.append((name, functools.partial(self.simulator.faults.struck, copy)))

    def charge(self, how: Charges) -> None:
        """Let the server tell its charges in this way."""
        self.simulator.profile = self.simulator.profile.but(told_first=how.told_first, settles=how.settles)

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
        self.met.update(("fault", name) for name, times in self.struck if times())
        self.simulator.faults.clear()
        self.struck.clear()
        self.expiry = None
        self.charge(Charges("whole", 0.0))
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

    @rule(more=MORE)
    def odd_prompt(self, more: int) -> None:
        """Write half an emoji into a grid: it is refused, whatever else is in it."""
        self.met.add(("action", "surrogate in a prompt"))
        before = len(self.simulator.ledger)
        with pytest.raises(GridError):
            Grid(prompt=[*PROMPTS[: self.cells + more], HALF])
        assert len(self.simulator.ledger) == before

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
        self.nothing_paid_is_lost(
            [each for each in self.entries() if each.task_id not in self.forgotten], found
        )
        self.what_is_over_stays(found)
        self.what_is_shown_is_what_is_kept(dict(kept))
        self.clips_stay()
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

    def clips_stay(self) -> None:
        """No clip is ever replaced or removed."""
        clips = {path.name: hash(path.read_bytes()) for path in (self.folder / "boats").glob("*.mp4")}
        assert self.clips.items() <= clips.items(), (self.clips, clips)
        self.clips = clips

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
            self.end()
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
        try:
            self.run_out()
        except JournalError:
            if not self.has_lost:
                raise
            self.sweep.restore()
            self.run_out()
        except GridgenError as error:
            # dead links that were said to live for years stop it once; the next run goes on, as the error says
            if "could not be had though paid" not in str(error):
                raise
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


def going_on() -> list[asyncio.Task[Any]]:
    """Return what an interrupted verb has left to the engine, but for what brings clips home."""
    found = asyncio.all_tasks(engine().loop)
    # what closes a generator is a task too, and has no name
    return [task for task in found if getattr(task.get_coro(), "__qualname__", "") in LEFT]


async def awaited(sweep: Sweep) -> None:
    """Await a sweep."""
    await sweep


def at_once(*sweeps: Sweep) -> None:
    """Start sweeps, each on a thread of its own."""
    with ThreadPoolExecutor(len(sweeps)) as pool:
        for each in [pool.submit(sweep.start) for sweep in sweeps]:
            each.result()


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
        with INTERRUPTS.heeded():
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
    explore(8, 30)
    gc.collect()


def played(games: int) -> dict[str, Counter[str]]:
    """Play so many games, in a process that does nothing else, and return what was met."""
    warnings.simplefilter("ignore")
    with contextlib.redirect_stdout(io.StringIO()):
        explore(games, 40, anew=True)
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
    """In 5,000 games of up to 40 events no invariant breaks, and everything is met in at least one game of a hundred."""
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
