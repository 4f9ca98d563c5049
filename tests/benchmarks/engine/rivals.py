"""What people run instead, in virtual time against the same world: loops that ask at fixed times.

Their questions change nothing at the server, so the moment at which such a loop
hears of a task's end, and how often it has asked by then, follow from arithmetic.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.engine import jump
from benchmarks.engine.world import Api, Run, judge
from gridgen.outcome import Accepted, NotApplied
from gridgen.simulator.world import World

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from benchmarks.engine.world import Scenario


@dataclass(frozen=True)
class Rival:
    """A way of submitting and asking.

    Attributes
    ----------
    name : str
    waits : callable
        Returns the seconds before each question.
    window : bool
        Whether it keeps as many tasks open as there are slots, instead of all.
    retries : int
        How often a refused submission is repeated, after 0.5 s doubling to 8 s.
    """

    name: str
    waits: Callable[[], Iterator[float]]
    window: bool = False
    retries: int = 0


def every(seconds: float) -> Callable[[], Iterator[float]]:
    """Ask at fixed intervals."""
    return lambda: itertools.repeat(seconds)


def ten_then_three() -> Iterator[float]:
    """Ask after 10 s, then every 3 s (apimart-cli, bragi)."""
    return itertools.chain([10.0], itertools.repeat(3.0))


def exponential() -> Iterator[float]:
    """Ask after 1 s, then half as long again each time, up to 30 s."""
    return (min(30.0, 1.5**number) for number in itertools.count())


GATHER = Rival("gather, 5 s", every(5.0))
SEMAPHORE = Rival("semaphore, 5 s", every(5.0), window=True, retries=10)
SEMAPHORE_1 = Rival("semaphore, 1 s", every(1.0), window=True, retries=10)
OPENAI = Rival("openai-style, 1 s", every(1.0), retries=2)
FAL = Rival("fal-style, 0.1 s", every(0.1), retries=10)
TEN_THREE = Rival("10 s then 3 s", ten_then_three, window=True, retries=10)
EXPONENTIAL = Rival("exponential 1 s x 1.5, 30 s", exponential, window=True, retries=10)


def asked(waits: Callable[[], Iterator[float]], seconds: float) -> tuple[float, int]:
    """Return when a loop hears of an end that comes after `seconds`, and how often it has asked by then."""
    schedule = waits()
    if isinstance(schedule, itertools.repeat):
        step = next(schedule)
        count = max(1, math.ceil(seconds / step))
        return count * step, count
    at, count = 0.0, 0
    while at < seconds or not count:
        at, count = at + next(schedule), count + 1
    return at, count


def compete(rival: Rival, scenario: Scenario) -> Run:
    """Let a rival run a scenario; what it gave up is in ``jobs - done``."""
    clock = jump.JumpClock()
    return jump.run(clock, _compete(rival, scenario, clock))


async def _compete(rival: Rival, scenario: Scenario, clock: jump.JumpClock) -> Run:
    world = World(seed=scenario.seed, profile=scenario.profile())
    api = Api(scenario, world, clock)
    places = asyncio.Semaphore((scenario.slots or scenario.cells) if rival.window else scenario.cells)
    polls = 0

    async def one(body: bytes) -> None:
        nonlocal polls
        async with places:
            task_id = await _submitted(rival, api, clock, body)
            if task_id is None:
                return
            heard, count = asked(rival.waits, world.find(task_id).end - clock.time())
            polls += count
            await clock.sleep(heard)
            api.heard[task_id] = clock.time()

    bodies = [json.dumps(cell.body()).encode() for cell in scenario.grid()]
    await asyncio.gather(*map(one, bodies))
    run = judge(scenario, world, api.heard, polls)
    run.jobs, run.posts = scenario.cells, len(api.posts)
    run.refused = sum(status != 200 for _, status in api.posts)
    return run


async def _submitted(rival: Rival, api: Api, clock: jump.JumpClock, body: bytes) -> str | None:
    async def on_sending() -> None:
        pass

    for again in range(rival.retries + 1):
        outcome = await api.send(body, idempotency_key=None, on_sending=on_sending)
        if isinstance(outcome, Accepted):
            return outcome.task_id
        if not isinstance(outcome, NotApplied):
            return None
        await clock.sleep(min(8.0, 0.5 * 2**again))
    return None
