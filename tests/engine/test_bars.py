"""The engine against the list schedule and Keller's bound, in virtual time: ratios and counts that gate.

The whole suite, with rivals and real time, is in tests/benchmarks/engine.
"""

from __future__ import annotations

import itertools

import pytest
from benchmarks.engine import wall
from benchmarks.engine.bounds import keller, list_schedule
from benchmarks.engine.world import Scenario, sweep

from gridgen.sweep.stats import Limits, lower_bound

PRACTICE = {"rate": 40.0, "burst": 5}
APART = {"rate": 60.0, "told": 60.0}


@pytest.mark.parametrize(("slots", "most", "seed"), [(10, 1.006, 0), (60, 1.01, 1)])
def test_a_server_that_queues_is_kept_busy(slots, most, seed):
    """Bar 1: a thousand jobs end within 0.6 % (10 slots) or 1 % (60) of a list schedule without any delay."""
    run, _, scheduler, _ = sweep(Scenario(1000, slots, seed=seed, **PRACTICE))

    assert run.done == 1000
    assert run.ratio <= most
    assert abs(scheduler.limits.slots - slots) <= 1 + slots // 20


def test_a_server_that_refuses_is_kept_busy():
    """Bar 1: where a submission beyond ten open ones is refused, the last clip comes within 4 %, few are refused."""
    run, *_ = sweep(Scenario(600, 10, refuses=True, **PRACTICE))

    assert run.done == 600
    assert run.ratio <= 1.04
    assert run.refused <= 20


def test_few_questions_where_many_wait():
    """Bar 2, a fifth of its size: seven questions a job and a list schedule's makespan on fifty slots."""
    run, *_ = sweep(Scenario(2000, 50, mean=60.0, rate=600, burst=60, told=600.0))

    assert run.polls <= 7.0
    assert run.ratio <= 1.01


@pytest.mark.parametrize(("cv", "jobs"), [(0.10, 1000), (0.25, 600), (0.50, 600)])
def test_asking_is_near_the_optimum(cv, jobs):
    """Bar 3: the whole engine, the learning of the first jobs included, is within a tenth of Keller's bound."""
    run, *_ = sweep(Scenario(jobs, cv=cv, **APART))

    assert run.pl <= 1.10 * keller(90, cv, steps=4000)


def test_honest_progress_is_used():
    """Bar 4: with progress right within 2 %, polls per job times mean delay is 5 at most."""
    run, *_ = sweep(Scenario(600, progress="honest", noise=0.02, **APART))

    assert run.pl <= 5.0


def test_noisy_progress_is_used_as_well():
    """Bar 5: with 5 % noise a second's delay on the average and 3 s for one in twenty, at eight questions a job."""
    run, *_ = sweep(Scenario(800, progress="honest", noise=0.05, **APART))

    assert run.polls <= 8.0
    assert run.latency <= 1.0
    assert run.p95 <= 3.0


def test_a_heavy_tail_fails_nobody():
    """Bar 6: jobs that take from half a minute to half an hour are all fetched, none declared failed."""
    run, *_ = sweep(Scenario(400, cv=1.0, mean=200.0, **APART))

    assert run.done == 400


@pytest.mark.parametrize("estimate", [1.0, 3.0])
@pytest.mark.parametrize("mean", [3.0, 20.0])
def test_the_first_clip_is_heard_of_soon(mean, estimate):
    """However fast the server is, nobody waits for a first clip until one of the usual length would be there."""
    _, api, *_ = sweep(Scenario(8, mean=mean, estimate=estimate))
    ends = [task.end for task in api.world.tasks]

    assert min(api.heard.values()) - min(ends) <= 1.0 + mean / 4
    assert max(api.heard[task.id] - task.end for task in api.world.tasks) <= 1.0 + mean / 2


def test_each_length_of_clip_is_learned_by_itself():
    """Of ten lengths and four clips each none is heard of late, the first least of all."""
    run, api, *_ = sweep(Scenario(40, kinds=10, mean=60.0, **APART))

    assert min(api.heard.values()) - min(task.end for task in api.world.tasks) <= 2.0
    assert run.latency <= 1.2
    assert run.p95 <= 3.0


def test_waiting_for_a_slot_is_no_stalling():
    """On one slot a task waits for longer than any takes; it is not stalled when it begins at last."""
    _, api, *_ = sweep(Scenario(24, 1, mean=500.0, cv=0.05))

    assert api.stalled == 0


def test_a_line_that_does_not_move_is_stalled():
    """What has waited for an hour in which no task of ours has ended is told as stalled."""
    _, api, *_ = sweep(Scenario(3, 1, mean=10_000.0, estimate=0.01))

    assert api.stalled == 3


@pytest.mark.parametrize("pause", [30.0, 60.0])
def test_one_refusal_costs_its_pause_and_no_more(pause):
    """Bar 13: nothing leaves before Retry-After is over, and 95 % of the rate is used right after it."""
    _, api, *_ = sweep(Scenario(500, refusals=((300.0, pause),), told=40.0))
    refused = next(at for at, status in api.posts if status == 429)
    sent = [at for at, status in api.posts if status == 200]
    after = sum(refused + pause <= at < refused + 3 * pause for at in sent)

    assert not [at for at in sent if refused < at < refused + pause - 1e-6]
    assert after / (2 * pause * 40 / 60) >= 0.95


def test_eight_hours_of_sleep_fail_nobody():
    """Bar 24: the machine sleeps in mid-sweep; all is fetched, nothing submitted twice, no flood of questions."""
    run, api, *_ = sweep(Scenario(200, 50, sleep=(100.0, 8 * 3600.0), told=600.0))

    assert (run.done, run.posts) == (200, 200)
    assert max(sum(at <= other < at + 1 for other in api.asked) for at in api.asked) <= 42


def test_links_that_die_within_the_sweep_are_fetched_in_time():
    """Bar 25: a sweep of thirty hours on links of one day leaves none unfetched."""
    run, api, *_ = sweep(Scenario(200, 10, mean=5400.0))

    assert len(api.fetched) == run.jobs == 200
    assert api.stalled == 0
    assert run.polls <= 40
    assert run.makespan > 24 * 3600


def test_a_storm_costs_its_length_and_half_a_minute():
    """Bar 26: ten minutes of 503 in mid-sweep: one request in 15 s, and the last clip at most 30 s late."""
    run, api, *_ = sweep(Scenario(200, 20, storm=(300.0, 900.0), told=600.0))
    begun = api.began + 300.0
    during = sorted(at for at in [*api.asked, *(at for at, _ in api.posts)] if begun + 30 < at < begun + 600)

    assert run.done == 200
    assert run.makespan <= run.bound + 600 + 30
    assert min((later - at for at, later in itertools.pairwise(during)), default=15.0) >= 14.9


def test_below_http_and_through_it_the_counts_are_the_same():
    """Sixty jobs through httpx and JSON take exactly the requests that they take below HTTP."""
    found = {(each.runner, each.measure): each.value for each in wall.parity(cells=60)}

    assert found["through", "POSTs"] == found["below", "POSTs"] == 60
    assert found["through", "polls"] == pytest.approx(found["below", "polls"], rel=0.01)
    assert found["through", "done"] == 60


def test_two_list_schedules_agree():
    """What stats() calls the bound is what the benchmarks compute apart from it."""
    service = [60.0 + 7 * (number % 13) for number in range(200)]
    for slots in (None, 1, 7, 300):
        theirs = list_schedule(service, rate=0.7, burst=5, slots=slots)
        assert lower_bound(service, Limits(0.7, 5, slots)) == pytest.approx(theirs)


def test_stats_tell_the_bound_that_the_server_set():
    """The scheduler's own figures: slots found, the bound over them, and what limited the run."""
    run, _, scheduler, _ = sweep(Scenario(300, 10, told=600.0))
    bound = lower_bound(
        [
            seconds
            for _, seconds in sorted(zip(scheduler.meter.starts, scheduler.meter.services, strict=True))
        ],
        scheduler.limits,
    )

    assert scheduler.limits.slots == 10
    assert bound == pytest.approx(run.bound, rel=0.03)
    assert scheduler.meter.blocked.most_common(1)[0][0] == "concurrency"
