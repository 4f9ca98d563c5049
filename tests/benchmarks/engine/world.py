"""The engine in virtual time against the simulator's world, below HTTP.

`Api` gives the scheduler what a client gives it; everything else of the engine,
the journal included, is what people run. The world knows when each task really
ended, which is what the figures are taken against.
"""

from __future__ import annotations

import asyncio
import json
import math
import random
import statistics
import tempfile
import time
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.engine import jump
from benchmarks.engine.bounds import list_schedule
from gridgen import Grid
from gridgen.errors import APIError, NetworkError
from gridgen.estimate.prices import Prices
from gridgen.journal import Journal, Record
from gridgen.media import Facts
from gridgen.money import ClipKey, Commitments
from gridgen.outcome import Outcome, Policy, api_error, classify
from gridgen.pacing import RateControl
from gridgen.simulator.error_replies import ErrorReply
from gridgen.simulator.profiles import Profile
from gridgen.simulator.world import View, World
from gridgen.sweep.scheduler import Job, Scheduler
from gridgen.task import Status, Task, Video

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

MEDIAN = 40.8
"""Seconds that the simulator takes for a clip of 6 s at 480p when nothing is scaled."""

MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None
"""Where journals go: virtual time says nothing about the disk, so it should not wait for one."""

KEY = "sk-test-benchmark"
CLIP = Facts(848, 480, 24.0, 144, 6.0, 200_000, "0" * 64, "h264")


@dataclass(frozen=True)
class Scenario:
    """A server and a sweep.

    Attributes
    ----------
    cells, slots : int
        N and C; None for slots without end.
    mean, cv : float
        Service times: lognormal, mean in seconds and coefficient of variation.
    kinds : int
        How many lengths of clips there are, from 6 s on; `mean` is that of 6 s.
    estimate : float
        Factor by which the server's estimate misses the median.
    rate, burst : float or None, int
        Submissions a minute that the server takes; None for any number.
    refuses : bool
        Whether the server answers 429 beyond its slots instead of queueing.
    progress : str
        ``none``, ``honest``, ``plateau``, ``random`` or ``ahead`` (at 99 % after a third).
    noise : float
        Standard deviation of honest progress, as a share of one.
    trip : float
        Seconds from a request to its answer.
    link_life : float
        Seconds for which a result can be fetched.
    storm : tuple of float
        From when to when, in seconds after the start, everything answers 503.
    sleep : tuple of float or None
        When the machine falls asleep, in seconds after the start, and for how long.
    told : float or None
        What the client is told of the rate, in submissions a minute.
    refusals : tuple of tuple of float
        Moments from which one submission is refused with 429, and its Retry-After.
    """

    cells: int
    slots: int | None = None
    mean: float = 90.0
    cv: float = 0.25
    kinds: int = 1
    estimate: float = 1.0
    rate: float | None = None
    burst: int = 5
    refuses: bool = False
    progress: str = "none"
    noise: float = 0.0
    trip: float = 0.0
    link_life: float = 86_400.0
    storm: tuple[float, float] = (math.inf, math.inf)
    sleep: tuple[float, float] | None = None
    refusals: tuple[tuple[float, float], ...] = ()
    told: float | None = None
    seed: int = 0

    def profile(self) -> Profile:
        """Return the simulator's switches for this server."""
        sigma2 = math.log1p(self.cv * self.cv)
        return Profile(
            slots=self.slots,
            beyond_slots="refuse" if self.refuses else "queue",
            rate=self.rate,
            burst=self.burst,
            service=self.mean / math.exp(sigma2 / 2) / MEDIAN,
            service_cv=self.cv,
            estimate=self.estimate,
            link_life=self.link_life,
            balance=Decimal(10**7),
        )

    def grid(self) -> Grid:
        """Return the cells."""
        prompts = [f"a paper boat, variation {number}" for number in range(self.cells // self.kinds)]
        return Grid(prompt=prompts, duration=[6 + more for more in range(self.kinds)])


class Api:
    """What the scheduler needs of a client, answered by a world in the same process."""

    host = "world"
    is_simulator = True
    on_loopback = True
    limiter = None
    origin = "simulator"

    def __init__(self, scenario: Scenario, world: World, clock: jump.JumpClock) -> None:
        self.scenario, self.world, self.clock = scenario, world, clock
        self.wire = self
        self.pace = RateControl.at(scenario.told)
        self.posts: list[tuple[float, int]] = []
        self.asked: list[float] = []
        self.heard: dict[str, float] = {}
        self.fetched: list[float] = []
        self.stalled = 0
        self.began = clock.time()
        self._key = world.admit(f"Bearer {KEY}")
        self._noise = random.Random(scenario.seed)
        self._refusals = list(scenario.refusals)

    def _stormy(self) -> bool:
        begin, end = self.scenario.storm
        return begin <= self.clock.time() - self.began < end

    async def _travel(self) -> None:
        if self.scenario.trip:
            await self.clock.sleep(self.scenario.trip)

    async def send(
        self, body: bytes, *, idempotency_key: str | None, on_sending: Callable[[], Awaitable[None]]
    ) -> Outcome:
        """Submit to the world; its refusals are classified as the client classifies them."""
        await on_sending()
        await self._travel()
        status, headers, reply = self._answer(body, idempotency_key)
        self.posts.append((self.clock.time(), status))
        return classify(["http11.send_request_body.started"], status, headers, json.dumps(reply).encode())

    def _answer(self, body: bytes, key: str | None) -> tuple[int, dict[str, str], Any]:
        now = self.clock.time()
        if self._stormy():
            return 503, {}, {"error": {"code": "idempotency_unavailable"}}
        if self._refusals and now - self.began >= self._refusals[0][0]:
            _, seconds = self._refusals.pop(0)
            return 429, {"retry-after": f"{seconds:g}"}, {}
        try:
            task = self.world.submit(body, now, key_id=self._key, idempotency_key=key).task
        except ErrorReply as refusal:
            return refusal.status, {n.lower(): text for n, text in refusal.headers.items()}, refusal.body
        return 200, {}, {"data": [{"task_id": task.id}]}

    def fingerprint(self, salt: str) -> str:
        """Return a print of no key."""
        return salt[:4]

    def proof(self, model: str) -> None:
        """Tell that nothing is proven."""

    async def poll(self, task_id: str) -> Task:
        """Look at a task."""
        await self._travel()
        now = self.clock.time()
        self.asked.append(now)
        if self._stormy():
            raise api_error(503, {}, b"")
        view = self.world.look(task_id, now)
        found = self._task(view)
        if found.status.finished:
            self.heard.setdefault(task_id, now)
        return found

    def _task(self, view: View) -> Task:
        task = view.task
        done = view.phase == "completed"
        return Task(
            id=task.id,
            status=Status(view.phase),
            progress=100 if done else self._progress(view),
            cost=Decimal(view.cost) / 1_000_000,
            created=float(int(task.at)),
            completed=float(int(task.end)) if view.phase not in {"queued", "running"} else None,
            estimated_time=task.estimate,
            videos=(Video(task.id, int(task.end) + self.scenario.link_life),) if done else (),
        )

    def _progress(self, view: View) -> int | None:
        if self.scenario.progress == "none" or view.phase != "running":
            return None
        shown = {
            "honest": lambda: view.fraction + self._noise.gauss(0.0, self.scenario.noise),
            "plateau": lambda: min(1.6 * view.fraction, 0.6 + (hash(view.task.id) % 30) / 100),
            "random": self._noise.random,
            "ahead": lambda: min(0.99, 3 * view.fraction),
        }[self.scenario.progress]()
        return min(99, max(0, int(100 * shown)))

    async def fetch(self, url: str, _part: Path, **_limits: int) -> None:
        """Pretend to download, while the link lives."""
        await self._travel()
        now = self.clock.time()
        if self._stormy():
            raise NetworkError("storm")
        if now >= self.world.find(url).end + self.scenario.link_life:
            raise APIError("gone", status=410)
        self.fetched.append(now)

    async def reconnect(self) -> None:
        """Do nothing: there are no connections."""

    async def probe(self) -> None:
        """Answer that the server is there, or not."""
        self.asked.append(self.clock.time())
        if self._stormy():
            raise api_error(503, {}, b"")


async def _accept(_part: Path, _target: Path) -> Facts:
    return CLIP


async def _nap(clock: jump.JumpClock, scenario: Scenario) -> None:
    if scenario.sleep is not None:
        at, seconds = scenario.sleep
        await clock.sleep(at)
        clock.asleep += seconds


@dataclass
class Run:
    """What a runner did with a scenario, judged by the world."""

    makespan: float
    bound: float
    polls: float
    delays: list[float] = field(repr=False)
    posts: int
    refused: int
    jobs: int
    done: int
    real_seconds: float

    @property
    def ratio(self) -> float:
        """Makespan against the zero-latency list schedule."""
        return self.makespan / self.bound

    @property
    def latency(self) -> float:
        """Mean seconds from a task's real end to our hearing of it."""
        return statistics.fmean(self.delays)

    @property
    def p95(self) -> float:
        """The delay that one task in twenty exceeds."""
        return statistics.quantiles(self.delays, n=20)[-1]

    @property
    def pl(self) -> float:
        """Polls per job times mean delay: what Keller's bound bounds."""
        return self.polls * self.latency


def bound(scenario: Scenario, world: World) -> float:
    """Return the makespan that no client could beat, from the service times that the world settled."""
    service = [task.end - task.begin for task in world.tasks]
    rate = math.inf if scenario.rate is None else scenario.rate / 60
    return list_schedule(service, rate=rate, burst=scenario.burst, slots=scenario.slots)


def sweep(scenario: Scenario, folder: Path | None = None) -> tuple[Run, Api, Scheduler, Journal]:
    """Run a sweep in virtual time; the journal is a real one, in a folder that is thrown away."""
    clock = jump.JumpClock()
    with tempfile.TemporaryDirectory(dir=MEMORY) as made:
        return jump.run(clock, _sweep(scenario, folder or Path(made), clock))


async def _sweep(
    scenario: Scenario, folder: Path, clock: jump.JumpClock
) -> tuple[Run, Api, Scheduler, Journal]:
    world = World(seed=scenario.seed, profile=scenario.profile())
    api = Api(scenario, world, clock)
    jobs = [Job(at, cell, 1, ClipKey("simulator", cell.key, 1)) for at, cell in enumerate(scenario.grid())]

    def note() -> None:
        api.stalled = max(api.stalled, scheduler.stalled)

    begun = time.perf_counter()
    journal = Journal(folder, clock)
    commitments = Commitments()

    def count(record: Record | None) -> None:
        if record is not None:
            commitments.put(record.slot, record.outlays)

    journal.watchers.append(count)
    scheduler = Scheduler(
        client=api,
        journal=journal,
        jobs=jobs,
        prices=Prices(),
        budget=None,
        commitments=commitments,
        counted={item.slot[:2] for item in jobs},
        on_change=lambda _item: None,
        on_step=note,
        previews=False,
        policy=Policy("hold"),
        replaying=set(),
        accept=_accept,
    )
    napping = asyncio.create_task(_nap(clock, scenario))
    await scheduler.run()
    napping.cancel()
    if scheduler.error is not None:
        raise scheduler.error
    seconds = time.perf_counter() - begun
    journal.close()
    run = judge(scenario, world, api.heard, len(api.asked))
    run.done = sum(record.state == "done" for record in journal.records.values())
    run.posts, run.refused = len(api.posts), sum(status != 200 for _, status in api.posts)
    run.real_seconds = seconds
    return run, api, scheduler, journal


def judge(scenario: Scenario, world: World, heard: dict[str, float], polls: float) -> Run:
    """Take the figures of a run from the world's own stamps."""
    first = min(task.at for task in world.tasks)
    return Run(
        makespan=max(heard.values()) - first,
        bound=bound(scenario, world),
        polls=polls / len(world.tasks),
        delays=[heard[task.id] - task.end for task in world.tasks],
        posts=len(world.tasks),
        refused=0,
        jobs=len(world.tasks),
        done=len(heard),
        real_seconds=0.0,
    )
