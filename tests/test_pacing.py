"""When to submit: what is learned from refusals, against servers of a few lines."""

from __future__ import annotations

import heapq
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridgen import Client, GridgenError
from gridgen.pacing import Bucket, CircuitBreaker, ConcurrencyLimit, RateControl, backoff


class Server:
    """Refuses submissions beyond a rate, or beyond a number of open tasks; says how long to wait, or not."""

    def __init__(self, *, rate=math.inf, burst=5.0, slots=math.inf, service=60.0, silent=False):
        self.rate, self.burst, self.slots = rate / 60, burst, slots
        self.service, self.silent = service, silent
        self.tokens, self.at = burst, 0.0
        self.ends: list[float] = []

    def submit(self, now: float) -> float | None:
        """Return None for an accepted submission, else the seconds to stay away."""
        self.tokens = (
            min(self.burst, self.tokens + (now - self.at) * self.rate) if self.at < now else self.tokens
        )
        self.at = now
        running = [end for end in self.ends if end > now]
        if len(running) >= self.slots:
            return 5.0 if self.silent else math.ceil(min(running) - now)
        if self.tokens < 1:
            return 5.0 if self.silent else math.ceil((1 - self.tokens) / self.rate)
        self.tokens -= 1
        heapq.heappush(self.ends, now + self.service)
        return None


def drive(server: Server, pace: RateControl, seconds: float, notice: float = 1.0):
    """Submit all the time for some virtual seconds; return when submissions were accepted and refused."""
    now, noticed, accepted, refused = 0.0, 0, [], []
    while now < seconds:
        while noticed < len(accepted) and accepted[noticed] + server.service + notice <= now:
            noticed += 1
            pace.finished()
        pace.open = len(accepted) - noticed
        wait = pace.submits.wait(now)
        if wait == 0 and pace.open < pace.window.limit:
            pace.submits.take(now)
            told = server.submit(now)
            if told is None:
                accepted.append(now)
                pace.accepted(pace.open)
            else:
                refused.append((now, told))
                pace.refused(now, told, pace.open)
        else:
            now += max(0.05, wait)
    return accepted, refused


def rate(times: list[float], begin: float, end: float) -> float:
    """Return how many a minute fall between two moments."""
    return 60 * sum(begin <= at < end for at in times) / (end - begin)


@pytest.mark.parametrize("silent", [False, True], ids=["told", "silent"])
@pytest.mark.parametrize(
    ("limit", "burst", "used"), [(6, 5, 0.95), (40, 5, 0.95), (200, 20, 0.95), (6, 1, 0.6), (40, 1, 0.6)]
)
def test_an_unknown_rate_is_found_and_kept(limit, burst, used, silent):
    """After ten minutes nearly all of the rate is used, with few refusals; less where no bursts are taken."""
    accepted, refused = drive(Server(rate=limit, burst=burst, silent=silent), RateControl(), 1800)

    assert rate(accepted, 600, 1800) >= used * limit
    assert len([at for at, _ in refused if at >= 600]) <= 0.06 * len(accepted)


@pytest.mark.parametrize("slots", [3, 10, 60])
def test_a_limit_on_open_tasks_is_found_and_kept(slots):
    """A server that refuses beyond its slots keeps them busy, less our delay, with few refusals."""
    server = Server(slots=slots)
    accepted, refused = drive(server, RateControl(), 3600)

    possible = slots * 60 / (server.service + 1.0)
    assert rate(accepted, 600, 3600) >= 0.95 * possible
    assert len([at for at, _ in refused if at >= 600]) <= 0.05 * len(accepted)


def test_a_server_without_limits_is_not_held_back():
    """After a minute at the usual rate it grows, as nothing is refused, to what a machine can send; no window closes."""
    pace = RateControl()
    accepted, refused = drive(Server(), pace, 120)

    assert refused == []
    assert rate(accepted, 0, 50) <= 40 * 1.2
    assert rate(accepted, 90, 120) > 2000
    assert pace.window.limit == math.inf


def test_a_rate_that_is_told_is_never_passed():
    """With rate=40 no refusal comes from a server that takes 40 a minute, and nearly all of it is used."""
    accepted, refused = drive(Server(rate=40), RateControl.at(40), 1800)

    assert refused == []
    assert rate(accepted, 300, 1800) >= 0.97 * 40


@pytest.mark.parametrize("seconds", [1.0, 30.0, 300.0])
def test_after_a_refusal_nothing_leaves_too_soon_and_all_is_well_soon_after(seconds):
    """No submission before Retry-After is over; from then to three times it, 95 % of the rate is used."""
    pace, at, sent = RateControl.at(40), 600.0, []
    drive(Server(rate=40), pace, at)
    pace.refused(at, seconds, 40)
    now = at
    while now < at + 3 * max(seconds, 30):
        if pace.submits.wait(now) == 0:
            pace.submits.take(now)
            sent.append(now)
        else:
            now += max(0.01, pace.submits.wait(now))

    assert min(sent) >= at + seconds
    assert rate(sent, at + seconds, at + 3 * max(seconds, 30)) >= 0.95 * 40


@given(st.lists(st.tuples(st.floats(0.0, 30.0), st.booleans()), max_size=80), st.floats(1.0, 600.0))
def test_no_more_than_the_top_rate_ever_leaves(steps, top):
    """In any stretch of time at most the burst and the told rate leave, whatever is refused between."""
    bucket, now, sent = Bucket(top=top / 60, rate=top / 60), 0.0, []
    for wait, refuse in steps:
        now += wait
        while bucket.wait(now) == 0:
            bucket.take(now)
            sent.append(now)
        if refuse:
            bucket.refused(now, wait)
            assert bucket.wait(now) >= wait - 1e-6
    for first, begin in enumerate(sent):
        for last in range(first, len(sent)):
            assert last - first + 1 <= 5 + (sent[last] - begin) * top / 60 + 1e-6


def test_refusals_of_the_same_moment_count_once():
    """Five submissions that were on their way together and were all refused slow down once."""
    once, together = RateControl(), RateControl()
    once.refused(10.0, 5.0, 3)
    for _ in range(5):
        together.refused(10.0, 5.0, 3)

    assert together.submits.limit == once.submits.limit
    assert together.submits.wait(10.0) == once.submits.wait(10.0) >= 5.0


def test_a_window_looks_beyond_its_limit_ever_more_rarely():
    """After a limit is confirmed, twice as many tasks must end before one more is tried."""
    window, ended = ConcurrencyLimit(), []
    for _ in range(4):
        window.refused(10)
        count = 0
        while window.limit == 10:
            window.finished()
            count += 1
        ended.append(count)

    assert ended == [10, 20, 40, 80]


def test_waits_after_failures_double_up_to_twenty_seconds():
    """The first wait is half a second; none is longer than twenty, however many failed."""
    assert [backoff(n) for n in (1, 2, 3)] == [0.5, 1.0, 2.0]
    assert backoff(10_000) == 20.0


def test_a_storm_lets_one_question_out_every_fifteen_seconds():
    """After five failures in a row one probe may leave per 15 s; one answer ends it."""
    storm = CircuitBreaker()
    for _ in range(5):
        storm.failed(100.0)

    assert storm.open
    assert (storm.most(110.0, 12), storm.most(115.0, 12)) == (0, 1)
    storm.calm()
    assert storm.most(110.0, 12) == 12


@pytest.mark.parametrize("value", [0, -1, math.inf, math.nan, True, "40"])
def test_a_rate_is_a_number_of_submissions_a_minute(value):
    """Anything else is refused where it is typed."""
    with pytest.raises(GridgenError, match="rate="):
        Client("sim-x", "http://127.0.0.1:1", rate=value)
