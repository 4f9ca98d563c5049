"""The bars that need no real time: makespans, questions, delays, refusals, storms, sleep and dying links."""

from __future__ import annotations

import math
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from benchmarks.engine import rivals
from benchmarks.engine.bounds import keller
from benchmarks.engine.report import OURS, Figure
from benchmarks.engine.world import Scenario, sweep

if TYPE_CHECKING:
    from collections.abc import Iterable

    from benchmarks.engine.world import Run

REAL = {"rate": 40.0, "burst": 5}
"""The submit limit that was seen in practice."""

ALONE = {"rate": 60.0, "burst": 5, "told": 60.0}
"""Tasks that come one a second and never wait for one another: only the asking counts."""


def queueing(*, quick: bool) -> list[Figure]:
    """Bar 1: a server with slots, that queues or refuses; makespan against the list schedule's."""
    cells = 300 if quick else 1000
    goals = [
        (Scenario(cells, 10, **REAL), "10 slots, queue", 1.006),
        (Scenario(cells, 60, **REAL), "60 slots, queue", 1.01),
        (Scenario(cells, 60, rate=600, burst=60, told=600), "60 slots, queue, 600 a minute told", 1.01),
        (Scenario(cells, 10, refuses=True, **REAL), "10 slots, refuses", 1.04),
    ]
    found = []
    for scenario, server, goal in goals:
        what = f"{cells} jobs, {server}"
        run, *_ = sweep(scenario)
        found += [Figure("1", what, OURS, "makespan/LB", run.ratio, None if quick else goal)]
        found += _told("1", what, OURS, run)
        for rival in (rivals.SEMAPHORE, rivals.SEMAPHORE_1, rivals.GATHER, rivals.OPENAI, rivals.FAL):
            run = rivals.compete(rival, scenario)
            found += [Figure("1", what, rival.name, "makespan/LB", run.ratio)]
            found += _told("1", what, rival.name, run)
    return found


def large(*, quick: bool) -> list[Figure]:
    """Bar 2: ten thousand jobs on fifty slots; questions a job."""
    cells = 1000 if quick else 10_000
    scenario = Scenario(cells, 50, mean=60.0)
    what = f"{cells} jobs, 50 slots, queue"
    run, *_ = sweep(scenario)
    fixed = rivals.compete(rivals.GATHER, scenario)
    return [
        Figure("2", what, OURS, "polls/job", run.polls, 7.0 if not quick else 8.0),
        Figure("2", what, OURS, "makespan/LB", run.ratio, 1.01 if not quick else 1.05),
        *_told("2", what, OURS, run)[1:],
        Figure(
            "2",
            what,
            OURS,
            "times fewer polls",
            fixed.polls / run.polls,
            100.0 if not quick else 10.0,
            most=False,
        ),
        Figure("2", what, rivals.GATHER.name, "polls/job", fixed.polls),
    ]


def asking(*, quick: bool) -> list[Figure]:
    """Bars 3 to 6: when to ask, with and without progress; all 90-s jobs but the heavy tail."""
    cells = 1000 if quick else 5000
    found = []
    for cv in (0.10, 0.25, 0.50):
        scenario, what = Scenario(cells, cv=cv, **ALONE), f"90-s jobs, cv {cv:.2f}, no progress"
        least = keller(90, cv, steps=20_000)
        run, *_ = sweep(scenario)
        found += [Figure("3", what, "Keller's bound", "PL", least)]
        found += [Figure("3", what, OURS, "PL", run.pl, (1.10 if not quick else 1.20) * least)]
        found += _told("3", what, OURS, run)
        for rival in (rivals.SEMAPHORE, rivals.SEMAPHORE_1, rivals.TEN_THREE, rivals.EXPONENTIAL):
            other = rivals.compete(rival, replace(scenario, rate=None))
            found += [Figure("3", what, rival.name, "PL", other.pl), *_told("3", what, rival.name, other)]
    shapes = [
        ("4", "honest progress, 2 %", {"progress": "honest", "noise": 0.02}, 5.0),
        ("4", "progress stops at 60 to 90 %", {"progress": "plateau"}, 1.2 * keller(90, 0.25, steps=20_000)),
        ("4", "progress at random", {"progress": "random"}, 1.2 * keller(90, 0.25, steps=20_000)),
        ("4", "progress at 99 % after a third", {"progress": "ahead"}, 1.2 * keller(90, 0.25, steps=20_000)),
    ]
    for bar, what, options, goal in shapes:
        run, *_ = sweep(Scenario(cells, **ALONE, **options))
        found += [Figure(bar, what, OURS, "PL", run.pl, goal), *_told(bar, what, OURS, run)]
    run, *_ = sweep(Scenario(cells, progress="honest", noise=0.05, **ALONE))
    what = "progress with 5 % noise"
    found += [
        Figure("5", what, OURS, "polls/job", run.polls, 8.0 if not quick else 9.0),
        Figure("5", what, OURS, "delay s", run.latency, 1.0),
        Figure("5", what, OURS, "p95 s", run.p95, 3.0),
    ]
    run, *_ = sweep(Scenario(cells // 2, mean=200.0, cv=1.0, **ALONE))
    what = "heavy tail, cv 1.0, mean 200 s"
    found += [
        Figure("6", what, OURS, "polls/job", run.polls, 25.0),
        Figure("6", what, OURS, "not done", run.jobs - run.done, 0.0),
        *_told("6", what, OURS, run)[1:],
    ]
    return found


def scale(*, quick: bool) -> list[Figure]:
    """Bar 10: a hundred thousand jobs, the journal included, in real seconds."""
    cells = 10_000 if quick else 100_000
    run, *_ = sweep(Scenario(cells, 2000, mean=60.0, rate=60_000, burst=100, told=60_000, progress="honest"))
    small, *_ = sweep(Scenario(1000, 100, mean=60.0, rate=6000, burst=100, told=6000))
    return [
        Figure(
            "10", f"{cells} jobs, 2000 slots", OURS, "real s", run.real_seconds, 6e-4 * cells, gates=False
        ),
        Figure("10", f"{cells} jobs, 2000 slots", OURS, "not done", run.jobs - run.done, 0.0),
        Figure("10", "1000 jobs", OURS, "real s", small.real_seconds, 1.0, gates=False),
    ]


def refusals(*, quick: bool) -> list[Figure]:
    """Bar 13: one 429 with Retry-After in mid-sweep: nothing leaves too soon, and soon all is as before."""
    found = []
    for pause in (10.0, 60.0) if quick else (5.0, 10.0, 30.0, 60.0, 300.0):
        at = 300.0
        scenario = Scenario(800, None, refusals=((at, pause),), told=40.0)
        _, api, *_ = sweep(scenario)
        refused = next(when for when, status in api.posts if status == 429)
        sent = [when for when, status in api.posts if status == 200]
        early = sum(refused < when < refused + pause - 1e-6 for when in sent)
        window = max(2 * pause, 30.0)
        after = sum(refused + pause <= when < refused + pause + window for when in sent)
        what = f"429 with Retry-After {pause:g} at 40 a minute"
        found += [
            Figure("13", what, OURS, "POSTs before it is over", early, 0.0),
            Figure("13", what, OURS, "throughput after it", after / (window * 40 / 60), 0.95, most=False),
        ]
    return found


def sleeping(*, quick: bool) -> list[Figure]:
    """Bar 24: the machine sleeps for eight hours in mid-sweep; nothing fails, and the catching up keeps the budget."""
    scenario = Scenario(200 if quick else 1000, 50, sleep=(200.0, 8 * 3600.0), told=600.0)
    run, api, *_ = sweep(scenario)
    what = f"{scenario.cells} jobs, 8 h asleep"
    return [
        Figure("24", what, OURS, "not done", run.jobs - run.done, 0.0),
        Figure("24", what, OURS, "questions in a second", _busiest(api.asked), 42.0),
        Figure("24", what, OURS, "POSTs", run.posts, float(run.jobs)),
    ]


def links(*, quick: bool) -> list[Figure]:
    """Bar 25: a sweep of thirty hours on links that live for a day: none dies unfetched."""
    cells, mean = (200, 5400.0) if quick else (1200, 900.0)
    run, api, *_ = sweep(Scenario(cells, 10, mean=mean, link_life=86_400.0))
    what = f"{cells} jobs over {run.makespan / 3600:.0f} h, links of 24 h"
    return [
        Figure("25", what, OURS, "not fetched", run.jobs - len(api.fetched), 0.0),
        Figure("25", what, OURS, "makespan/LB", run.ratio),
    ]


def storms(*, quick: bool) -> list[Figure]:
    """Bar 26: ten minutes in which everything answers 503."""
    storm = (300.0, 900.0)
    scenario = Scenario(200 if quick else 600, 20, storm=storm, told=600.0)
    run, api, *_ = sweep(scenario)
    calm, *_ = sweep(replace(scenario, storm=(math.inf, math.inf)))
    begun = api.began + storm[0]
    during = sorted(
        at for at in [*api.asked, *(when for when, _ in api.posts)] if begun + 30 < at < begun + 600
    )
    what = f"{scenario.cells} jobs, 10 min of 503"
    return [
        Figure("26", what, OURS, "makespan over LB and storm, s", run.makespan - run.bound - 600.0, 30.0),
        Figure("26", what, OURS, "requests in 15 s", _busiest(during, 14.9), 1.0),
        Figure("26", what, OURS, "not done", run.jobs - run.done, 0.0),
        Figure("26", what, OURS, "makespan without it, s", calm.makespan),
    ]


def _told(bar: str, what: str, runner: str, run: Run) -> list[Figure]:
    found = [
        Figure(bar, what, runner, "polls/job", run.polls),
        Figure(bar, what, runner, "delay s", run.latency),
        Figure(bar, what, runner, "p95 s", run.p95),
    ]
    if run.refused:
        found.append(Figure(bar, what, runner, "refused", run.refused))
    if run.done < run.jobs:
        found.append(Figure(bar, what, runner, "given up", run.jobs - run.done))
    return found


def _busiest(times: Iterable[float], span: float = 1.0) -> float:
    """Return the most events in any stretch of so many seconds."""
    times, most, first = sorted(times), 0, 0
    for last, at in enumerate(times):
        while times[first] < at - span:
            first += 1
        most = max(most, last - first + 1)
    return float(most)


BENCHMARKS = {
    each.__name__: each for each in (queueing, large, asking, scale, refusals, sleeping, links, storms)
}


def timed(name: str, *, quick: bool) -> tuple[list[Figure], float]:
    """Run one and return its figures and what it took in real seconds."""
    begun = time.perf_counter()
    return BENCHMARKS[name](quick=quick), time.perf_counter() - begun
