"""The engine never sleeps for ever: whatever waits for a moment or for another is looked at again."""

from __future__ import annotations

import asyncio
import math

import httpx
import pytest
from benchmarks.loopback import finish
from creeping import CreepingClock
from waiting import until

from gridgen import Client, Grid, Simulator, Sweep
from gridgen.money import ClipKey
from gridgen.simulator import Fault
from gridgen.simulator.clock import VirtualClock
from gridgen.sweep.work_queue import NEGLECT, Job, WorkQueue

PLENTY = 1e6
"""Submissions a minute that hold nobody back."""


def boats(count: int) -> Grid:
    """Return a grid of so many cells."""
    return Grid(prompt=[f"boat {number}" for number in range(count)])


def hasty(simulator: Simulator) -> Client:
    """Return a client of a simulator that submits as fast as it can."""
    return Client(
        simulator.api_key,
        simulator.base_url,
        clock=simulator.clock,
        rate=PLENTY,
        http_client=lambda: httpx.AsyncClient(transport=simulator.transport()),
    )


@pytest.fixture
def creeping(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let virtual time go on at each reading."""
    monkeypatch.setattr("gridgen.simulator.in_process.VirtualClock", CreepingClock)


@pytest.mark.usefixtures("creeping")
def test_questions_that_wait_for_their_rate_are_asked(simulate, tmp_path):
    """Case W1: a wait at the rate of questions that is over a moment later leaves no finished task unasked."""
    simulator = simulate(profile="instant", balance=1e6)
    sweep = Sweep(boats(300), client=hasty(simulator), folder=tmp_path, previews=False)
    sweep.start()
    sweep.wait(110)

    assert sweep.counts() == {"done": 300}
    assert len(simulator.ledger) == 300


def test_a_place_that_another_sweep_frees_is_taken(simulate, tmp_path):
    """Case W1: a sweep with nothing at the server, held back by what another one has there, goes on when that ends."""
    client = simulate(speed=40.0).client()
    client.pace.window.limit = 1
    first, second = (
        Sweep(Grid(prompt=prompt), client=client, folder=tmp_path / prompt, previews=False)
        for prompt in ("first", "second")
    )
    first.start()
    until(lambda: client.pace.open == 1)
    second.start()
    until(lambda: any("room at the server" in words for words in second.waits_for))
    first.wait(30)
    second.wait(30)

    assert first.counts() == second.counts() == {"done": 1}


def test_another_client_is_used_at_once(simulate, tmp_path):
    """Case W1: a key that waits for ten minutes holds up nothing that another key may send now."""
    refused = Fault(kind="reply", on="submit", status=429, headers={"retry-after": "600"})
    simulator = simulate(speed=60.0, faults=[refused])
    sweep = Sweep(boats(1), client=simulator.client(), folder=tmp_path, previews=False)
    sweep.start()
    until(lambda: "HTTP 429" in " ".join(sweep.waits_for))
    sweep.client = simulator.client(api_key=simulator.issue_key())
    sweep.wait(5)

    assert sweep.counts() == {"done": 1}


def test_submissions_go_on_as_soon_as_a_storm_is_over(simulate, tmp_path):
    """Case W1: the answer that ends a storm lets out what waits, not only the next question after it."""
    busy = Fault(kind="reply", on="submit", status=429, headers={"retry-after": "20"}, skip=1)
    storm = Fault(kind="reply", on="status", status=503, times=5)
    simulator = simulate(faults=[busy, storm], service=10.0)
    sweep = Sweep(boats(2), client=simulator.client(), folder=tmp_path, previews=False)
    sweep.run()
    answers = [seen for seen in simulator.requests if seen.path.startswith("/v1/tasks/")]
    over = next(seen.at for seen in answers if seen.status == 200)
    sent = [seen.at for seen in simulator.requests if seen.method == "POST"]

    assert [seen.status for seen in answers[:6]] == [503] * 5 + [200]
    assert len(sent) == 3
    assert over <= sent[-1] < over + 0.1


def test_a_download_that_failed_makes_room_at_once(simulate, tmp_path):
    """Case W1: downloads that got no answer for half a minute leave their places to those in line, not only later."""
    broken = Fault(kind="hang", on="result", times=4)
    simulator = simulate(profile="instant", faults=[broken])
    sweep = Sweep(boats(5), client=hasty(simulator), folder=tmp_path, previews=False)
    sweep.run()
    fetched = [seen for seen in simulator.requests if seen.path.startswith("/f/")]

    assert sweep.counts() == {"done": 5}
    assert fetched[4].at < fetched[0].at + 30.1


@pytest.mark.timeout(300)
def test_hundreds_of_cells_finish_over_loopback(tmp_path):
    """Case W1: by real time, against a server in a process of its own, no cell is left and none is paid twice."""
    found = finish(300, tmp_path, within=280)

    assert found["done"] == found["posts"] == 300


def resting(phase: str) -> WorkQueue:
    """Return what there is to do in a run of one job, which is in this phase."""
    cell = next(iter(boats(1)))
    queue = WorkQueue([Job(0, cell, 1, ClipKey("origin", cell.key, 1))], VirtualClock(), lambda *_: None)
    queue.move(queue.jobs[0], phase)
    return queue


def test_what_nothing_would_wake_is_told_and_woken(caplog):
    """Case W1: a run that rests with a task to follow, no due time and no request looks again, and says so once."""

    async def rests() -> float:
        queue = resting("poll")
        await queue.rest(math.inf)
        await queue.rest(math.inf)
        return queue.clock.monotonic()

    assert asyncio.run(rests()) == 2 * NEGLECT
    (told,) = caplog.messages
    assert "1 poll" in told
    caplog.clear()


@pytest.mark.parametrize("phase", ["foreign", "held", "over"])
def test_what_waits_for_nothing_of_its_own_is_not_woken(phase):
    """Case W1: a run whose only clip is another sweep's, or waits for money, rests until it is told of something."""

    async def rests() -> float:
        queue = resting(phase)
        asyncio.get_running_loop().call_later(0.01, queue.wake)
        await queue.rest(math.inf)
        return queue.clock.monotonic()

    assert asyncio.run(rests()) == 0.0


@pytest.mark.parametrize("forward", [False, True])
def test_of_two_plans_for_one_moment_the_later_one_holds(forward):
    """Case W1: a question that was planned for the moment at which its clip is fetched again does not take its place."""

    async def planned() -> list[tuple[str, int]]:
        queue = resting("download")
        (job,) = queue.jobs
        queue.later(1.0, "poll", job)
        queue.later(1.0, "download", job)
        if forward:
            queue.reschedule_all("poll")
        queue.cancel_alarm()
        return [(what, each.index) for what, each in queue.due(job.due)]

    assert asyncio.run(planned()) == [("download", 0)]
