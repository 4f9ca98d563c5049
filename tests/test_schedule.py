"""Whom to ask next, and when, from nothing but answers: no client, no journal, no clock."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridgen import Cell
from gridgen.pacing.schedule import Schedule, credible

BOAT, FOX = Cell("boat", "16:9", 6, "480p"), Cell("fox", "16:9", 12, "480p")
NOW = 1_800_000_000.0


def opened(count: int) -> Schedule[int]:
    """Return the schedule of tasks 0, 1, 2 ... that were accepted in that order, a second apart."""
    schedule: Schedule[int] = Schedule(NOW)
    for task in range(count):
        schedule.accepted(task, BOAT, NOW + task)
    return schedule


def answer(schedule: Schedule[int], task: int, at: float, *, share: float | None = None) -> None:
    """Let a question that is answered at once find a task at work."""
    schedule.heard(task, sent=at, now=at, created=None, estimate=None)
    schedule.saw_running(task, at, share)


def finish(schedule: Schedule[int], task: int, ended: float) -> None:
    """Let a task end, and be seen to have."""
    service = schedule.service(task, ended)
    assert service is not None
    schedule.served(task, service)
    schedule.left(task, ended, ended)
    schedule.dropped(task, ended)
    schedule.forget(task)


def test_what_was_learned_says_when():
    """After ten tasks of 100 s the next one is asked first when some such may have ended, and soon again."""
    schedule = opened(10)
    for task in range(10):
        finish(schedule, task, NOW + task + 100.0)
    begun = NOW + 200
    schedule.accepted(10, BOAT, begun)
    first = schedule.wait(10, begun, planned=0)
    answer(schedule, 10, begun + first)

    assert 60 < first < 100
    assert schedule.wait(10, begun + first, planned=0) < 10


def test_an_estimate_plans_those_alike_anew():
    """The server's first estimate for one task tells of all of its class, and of none that is told already."""
    schedule = opened(3)
    schedule.accepted(3, FOX, NOW)
    before = schedule.wait(1, NOW + 3, planned=0)
    alike = schedule.heard(0, sent=NOW + 3, now=NOW + 3, created=None, estimate=600.0)

    assert {0, 1, 2} <= set(alike)
    assert schedule.heard(1, sent=NOW + 3, now=NOW + 3, created=None, estimate=60.0) == []
    assert schedule.wait(2, NOW + 3, planned=0) >= before


def test_one_that_waits_tells_that_the_later_ones_do():
    """Servers serve in order: a look at one task that waits moves those behind it, and an end brings the first its turn."""
    schedule = opened(6)
    schedule.heard(3, sent=NOW + 6, now=NOW + 6, created=None, estimate=None)

    assert schedule.saw_waiting(3, NOW + 6) == [4, 5]
    assert list(schedule.queue.running) == [0, 1, 2]
    assert schedule.left(0, NOW + 60, NOW + 60) == [3]


def test_the_likeliest_to_have_ended_is_asked_first():
    """Of many that wait for room the one with the most to tell comes out first, also when chances have changed since."""
    schedule = opened(40)
    for task in range(10):
        finish(schedule, task, NOW + task + 60.0)
    for task in range(10, 40):
        schedule.put(task, 0.0)
    answer(schedule, 10, NOW + 74)
    schedule.rank(NOW + 75, 5.0, room=8, waits=lambda _task: True)
    order = [schedule.pop() for _ in range(30)]

    assert order[0] == 11
    assert not schedule.waiting


@pytest.mark.parametrize(("seconds", "is_stalled"), [(60, False), (899, False), (5000, True)])
def test_what_is_long_past_all_others_is_stalled(seconds, is_stalled):
    """A task is stalled a quarter of an hour after its beginning at the earliest, by when the question left."""
    schedule = opened(1)
    at = NOW + seconds
    answer(schedule, 0, at)

    assert schedule.is_stalled(0, queued=False, submitted=NOW, now=at + 9999) is is_stalled


def test_only_minutes_of_the_same_answer_end_a_task():
    """Unknown for two minutes and three answers is missing; any other answer between begins anew."""
    schedule = opened(1)

    assert [schedule.is_missing(0, at) for at in (0.0, 60.0, 119.0)] == [False, False, False]
    schedule.heard(0, sent=NOW, now=NOW, created=None, estimate=None)
    assert [schedule.is_missing(0, at) for at in (120.0, 200.0, 240.0)] == [False, False, True]


def test_a_doubtful_status_fails_when_it_is_repeated_a_minute_later():
    """One that nobody knows, with the same reason after a minute, has failed; with another reason it is doubted anew."""
    schedule = opened(1)

    assert not schedule.has_failed(0, "no", 0.0)
    assert schedule.doubts(0) == 60.0
    assert not schedule.has_failed(0, "never", 60.0)
    assert schedule.has_failed(0, "never", 120.0)
    assert not schedule.has_failed(0, None, 121.0)
    assert schedule.doubts(0) is None


@given(st.floats(allow_nan=True, allow_infinity=True))
def test_stamps_that_cannot_be_true_teach_nothing(stamp):
    """Whatever a server stamps, what is believed lies between the submission and now, give or take two hours."""
    told = credible(stamp, NOW, NOW + 60)
    ended = opened(1).ended(0, stamp, NOW, NOW + 60)

    assert told is None or NOW - 7200 <= told <= NOW + 7260
    assert ended is None or NOW - 31 <= ended <= NOW + 91


@given(
    st.lists(
        st.tuples(st.sampled_from(["running", "waiting"]), st.integers(0, 7), st.floats(0.1, 60)), max_size=30
    )
)
def test_every_task_has_a_time(answers):
    """Whatever is answered in whatever order, each open task either runs or waits, and is asked in a finite time."""
    schedule, now = opened(8), NOW + 8
    for kind, task, later in answers:
        now += later
        schedule.heard(task, sent=now, now=now, created=None, estimate=None)
        if kind == "running":
            schedule.saw_running(task, now, None)
        else:
            schedule.saw_waiting(task, now)

    assert {*schedule.queue.running, *schedule.queue.waiting} == set(range(8))
    for task in range(8):
        assert -1e5 < schedule.wait(task, now, planned=0) < 1e5
