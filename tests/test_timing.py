"""When to ask: the learned schedule against Keller's bound, and how far progress is believed."""

from __future__ import annotations

import math
import random
import statistics

import pytest
from benchmarks.engine.bounds import keller
from hypothesis import given
from hypothesis import strategies as st

from gridgen import Grid
from gridgen.pacing.timing import BELIEVED, DENSITY, Expectations, Hazard, Progress, ServiceTimes

SHAPES = {
    "honest": lambda share, draw: share + draw.gauss(0, 0.02),
    "noisy": lambda share, draw: share + draw.gauss(0, 0.05),
    "plateau": lambda share, draw: min(1.6 * share, 0.6 + 0.3 * draw.random()),
    "random": lambda _share, draw: draw.random(),
    "ahead": lambda share, _draw: min(0.99, 3 * share),
    "backwards": lambda share, _draw: share - 0.3 if 0.5 <= share < 0.6 else share,
}


def asked(cv: float, shape: str | None = None, jobs: int = 3000, mean: float = 90.0) -> tuple[float, ...]:
    """Ask jobs one after the other as the engine does, learning from stamps in whole seconds.

    Returns
    -------
    tuple of float
        Questions a job, mean delay and the delay that one in twenty exceeds, in seconds.
    """
    draw = random.Random(7)
    sigma = math.sqrt(math.log1p(cv * cv))
    times, progress = ServiceTimes(), Progress()
    questions, delays = 0, []
    for _ in range(jobs):
        seconds = draw.lognormvariate(math.log(mean) - sigma * sigma / 2, sigma)
        looks: list[tuple[float, float]] = []
        age = 0.0
        while age < seconds:
            if looks or age:
                shown = SHAPES[shape](age / seconds, draw) if shape else 0.0
                looks.append((age, int(100 * min(0.99, max(0.0, shown))) / 100))
            hazard = progress.hazard(times.hazard, looks) if shape else times.hazard
            age = hazard.next_check(age, density=DENSITY if hazard is times.hazard else BELIEVED)
            questions += 1
        delays.append(age - seconds)
        times.learn(float(round(seconds)))
        progress.learn(looks, seconds)
    return questions / jobs, statistics.fmean(delays), statistics.quantiles(delays, n=20)[-1]


@pytest.mark.parametrize("cv", [0.10, 0.25, 0.50])
def test_without_progress_the_schedule_is_near_kellers_bound(cv):
    """Polls per job times mean delay: within a tenth of the least possible, half of any fixed interval or less."""
    polls, delay, _ = asked(cv)

    assert polls * delay <= 1.10 * keller(90, cv, steps=4000)


@pytest.mark.parametrize("cv", [0.10, 0.25, 0.50])
def test_honest_progress_saves_nine_tenths(cv):
    """Progress that is right within 2 % brings polls per job times mean delay to 5 or less."""
    polls, delay, _ = asked(cv, "honest")

    assert polls * delay <= 5.0


def test_noisy_progress_finds_the_end_within_a_second():
    """With 5 % noise: a second's delay at most on the average, 3 s for one in twenty, at 8 questions a job."""
    polls, delay, late = asked(0.25, "noisy")

    assert polls <= 8.0
    assert delay <= 1.0
    assert late <= 3.0


@pytest.mark.parametrize("shape", ["plateau", "random", "ahead"])
@pytest.mark.parametrize("cv", [0.10, 0.25, 0.50])
def test_made_up_progress_does_no_harm(shape, cv):
    """Progress that stops, jumps about or runs ahead costs at most a fifth over the bound without it."""
    polls, delay, _ = asked(cv, shape)

    assert polls * delay <= 1.20 * keller(90, cv, steps=4000)


def test_progress_that_goes_back_is_no_harm_either():
    """A dip of thirty points in mid-course, as seen in the wild, leaves the schedule better than without progress."""
    polls, delay, _ = asked(0.25, "backwards")

    assert polls * delay <= keller(90, 0.25, steps=4000)


def test_a_heavy_tail_is_not_asked_for_ever():
    """Service times that differ twentyfold (cv 1, as reported from the API) cost 25 questions a job at most."""
    polls, delay, _ = asked(1.0, mean=180.0)

    assert polls <= 25
    assert delay < 10


@given(
    st.floats(1.0, 7.0), st.floats(0.03, 1.5), st.floats(0.0, 5000.0), st.sampled_from([0.5, 1.2, 1.7, 2.0])
)
def test_the_next_check_lies_ahead_and_not_too_far(mu, sigma, age, density):
    """Whatever is known, the next check is later than now; after the first one at most 15 s or a twentieth away."""
    hazard = Hazard(mu, sigma)
    at = hazard.next_check(age, density=density)

    assert at > age
    if hazard.rate(age) > 0 and age > 3 * math.exp(mu + sigma):
        assert 0.25 <= at - age <= max(15.0, age / 20) + 1e-9


def test_nothing_is_asked_before_anything_can_have_ended():
    """The first check waits for the time at which one task in fifty has ended."""
    hazard = Hazard(math.log(90), 0.25)

    assert hazard.next_check(0.0) >= math.exp(math.log(90) - 2.06 * 0.25)


def test_the_servers_estimate_is_only_a_prior():
    """Before eight tasks have ended the estimate counts, with a wide spread; after them it does not."""
    times = ServiceTimes()
    times.expect(60.0)
    before = times.hazard
    for _ in range(8):
        times.learn(19.0)

    assert before.mean == pytest.approx(60.0)
    assert before.sigma > 0.4
    assert times.hazard.mean == pytest.approx(19.0, rel=0.1)


def test_classes_of_one_model_share_how_far_its_estimates_are_off():
    """A class without finished tasks of its own is expected by its estimate, corrected by what others showed."""
    short, long = Grid(prompt="boat", duration=[6, 10])
    known = Expectations()
    known.times(short).expect(60.0)
    known.times(long).expect(100.0)
    before = known.times(long).hazard.mean
    known.times(short).learn(30.0)
    early = known.times(long).hazard.mean
    for _ in range(11):
        known.times(short).learn(30.0)

    assert before == pytest.approx(100.0)
    assert early < 80.0
    assert known.times(long).hazard.mean == pytest.approx(50.0, rel=0.15)


def test_old_times_are_forgotten():
    """When a server becomes twice as slow, some hundreds of tasks later the old times hardly count."""
    times = ServiceTimes()
    for seconds in [50.0] * 1000 + [100.0] * 600:
        times.learn(seconds)

    assert times.hazard.mean == pytest.approx(100.0, rel=0.06)
