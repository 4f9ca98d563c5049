"""When to ask a task whether it is done: pure, and told the time.

Asking follows Keller's optimum checking schedule (Management Science 21(3),
1974, doi 10.1287/mnsc.21.3.256): checks as dense as the square root of the
hazard, so most of them fall where the task is likely to finish.
"""

from __future__ import annotations

import bisect
import functools
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gridgen.grid import Cell

__all__ = [
    "BELIEVED",
    "DENSITY",
    "ENOUGH",
    "RELAXED",
    "Expectations",
    "Hazard",
    "Progress",
    "RunningStats",
    "ServiceTimes",
]

DENSITY = 2.0
"""Checks per square root of a second; the mean delay is a quarter of Keller's G."""

RELAXED = 1.0
"""The same where a delay costs no slot: the server has more of ours waiting."""

BELIEVED = 1.5
"""The same where progress tells more than the service times."""

SHORTEST, LONGEST = 0.25, 15.0
"""Bounds of the time between two checks, in seconds; the upper one up to the age at which it is a twentieth."""

LONGEST_SHARE = 0.05

FIRST_QUANTILE = -2.054
"""Standard score of the 2 % quantile: nothing finishes before it."""

MOST_CHECKS = 20.0
"""Checks that a task is worth, about; of very long ones each waits longer instead."""

P999 = 3.09
LOW, HIGH, STEPS = -4.0, 3.0, 350
WIDTH = (HIGH - LOW) / STEPS
NARROWEST = 0.002
LONGEST_ESTIMATE = 7200.0
"""Seconds that an estimate may say; a longer one is taken for another unit, or for nonsense."""

ENOUGH = 8
"""Finished tasks after which what was learned replaces what was assumed."""

WEIGHT = 0.5
"""How many finished tasks an estimate counts for."""

MEMORY = 200
"""Finished tasks after which an old one counts less."""


def _mills(z: float) -> float:
    """Return the hazard of a standard normal variable."""
    return math.exp(-z * z / 2) / math.sqrt(2 * math.pi) / (math.erfc(z / math.sqrt(2)) / 2)


@functools.lru_cache(maxsize=256)
def _gathered(sigma: float) -> tuple[tuple[float, ...], float]:
    """Integrate the root of the hazard over the standard score, for a median of one.

    Returns
    -------
    tuple
        The integral up to each step, and what a task gathers until it ends, on the
        average: Keller's G.
    """
    total, mean, sums = 0.0, 0.0, [0.0]
    for step in range(STEPS):
        z = LOW + (step + 0.5) * WIDTH
        part = math.exp(sigma * z / 2) * math.sqrt(_mills(z)) * WIDTH
        total += part
        mean += part * math.erfc(z / math.sqrt(2)) / 2
        sums.append(total)
    return tuple(sums), mean


class Hazard:
    """Lognormal service times, in seconds.

    Parameters
    ----------
    mu, sigma : float
        Mean and standard deviation of their logarithm.
    """

    __slots__ = ("_mean", "_scale", "_sums", "_tail", "mu", "sigma")

    def __init__(self, mu: float, sigma: float) -> None:
        self.mu, self.sigma = mu, max(sigma, NARROWEST)
        self._sums, self._mean = _gathered(round(self.sigma, 3 if self.sigma < 0.1 else 2))  # noqa: PLR2004 - coarser where it is wide
        self._scale = math.sqrt(self.sigma) * math.exp(mu / 2)
        self._tail = math.exp(mu + HIGH * self.sigma)

    def rate(self, age: float) -> float:
        """Return the chance per second that a task of this age finishes now."""
        if age <= 0:
            return 0.0
        z = min(HIGH, (math.log(age) - self.mu) / self.sigma)
        return _mills(z) / (self.sigma * age) if z > 2 * LOW else 0.0

    @property
    def mean(self) -> float:
        """The expected service time in seconds."""
        return math.exp(self.mu + self.sigma * self.sigma / 2)

    def latest(self) -> float:
        """Return the age in seconds that one task in a thousand outlives."""
        return math.exp(self.mu + P999 * self.sigma)

    def next_check(self, age: float, *, density: float = DENSITY, longest: float | None = None) -> float:
        """Return the age, in seconds, at which to ask next.

        It lies at least 0.25 s ahead, and at most `longest` (15 s, or a twentieth of
        the age where that is more), except for the first check, which waits for the
        2 % quantile at least.
        """
        density = min(density, MOST_CHECKS / (self._mean * self._scale))
        first = max(math.exp(self.mu + FIRST_QUANTILE * self.sigma), self._age(1.0 / density))
        if age < first:
            return max(first, age + SHORTEST)
        ahead = self._age(self._gather(age) + 1.0 / density)
        return min(max(ahead, age + SHORTEST), age + max(longest or LONGEST, LONGEST_SHARE * age))

    def given(self, mean: float, deviation: float) -> Hazard:
        """Return what is known with one more opinion of the logarithm of the service time."""
        prior, other = self.sigma**-2, deviation**-2
        return Hazard((self.mu * prior + mean * other) / (prior + other), (prior + other) ** -0.5)

    def _gather(self, age: float) -> float:
        """Return the integral of the root of the hazard up to an age."""
        z = (math.log(age) - self.mu) / self.sigma
        if z >= HIGH:
            return self._sums[-1] * self._scale + 2 * self._root * (math.sqrt(age) - math.sqrt(self._tail))
        at = max(0.0, (z - LOW) / WIDTH)
        step = min(int(at), STEPS - 1)
        low, high = self._sums[step], self._sums[step + 1]
        return (low + (high - low) * (at - step)) * self._scale

    def _age(self, gathered: float) -> float:
        """Return the age up to which the integral comes to this."""
        part = gathered / self._scale
        if part >= self._sums[-1]:
            more = (gathered - self._sums[-1] * self._scale) / (2 * self._root)
            return (math.sqrt(self._tail) + more) ** 2
        step = bisect.bisect_right(self._sums, part) - 1
        low, high = self._sums[step], self._sums[step + 1]
        z = LOW + (step + (part - low) / (high - low)) * WIDTH
        return math.exp(self.mu + self.sigma * z)

    @property
    def _root(self) -> float:
        """Root of the factor of ``1 / age`` that the hazard is taken to be in the far tail."""
        return math.sqrt(_mills(HIGH) / self.sigma)


@dataclass(slots=True)
class RunningStats:
    """Mean and spread of what was observed, old observations counting less."""

    count: int = 0
    mean: float = 0.0
    variance: float = 0.0

    def learn(self, value: float) -> None:
        """Take in one observation."""
        self.count += 1
        share = 1.0 / min(self.count, MEMORY)
        delta = value - self.mean
        self.mean += share * delta
        self.variance = (1.0 - share) * (self.variance + share * delta * delta)

    def deviation(self, assumed: float) -> float:
        """Return the standard deviation, one observation's worth of an assumed one included."""
        count = min(self.count, MEMORY)
        return math.sqrt((assumed * assumed + count * self.variance) / max(1, count))

    def beside(self, assumed: float) -> float:
        """Return the mean, half an observation's worth of an assumed one included."""
        count = min(self.count, MEMORY)
        return (WEIGHT * assumed + count * self.mean) / (WEIGHT + count)

    @property
    def cautious(self) -> float:
        """The standard deviation, larger while little was observed."""
        return max(0.003, math.sqrt(self.variance) * (1 + 4 / max(1, self.count)))


@dataclass(slots=True, eq=False)
class ServiceTimes:
    """What is known of the service times of one model, duration and quality.

    Eight finished tasks replace the prior: the server's estimate, or 60 s, with
    a coefficient of variation of one half; those before count beside it. The
    estimate is corrected by how far the model's estimates were off elsewhere.

    Parameters
    ----------
    ratios : RunningStats
        Logarithms of service time over estimate, shared by all classes of a model.
    """

    ratios: RunningStats = field(default_factory=RunningStats)
    estimate: float | None = None
    logs: RunningStats = field(default_factory=RunningStats)
    _hazard: Hazard | None = None
    _heard: int = 0

    def learn(self, seconds: float) -> None:
        """Take in one service time from the server's own stamps (whole seconds)."""
        value = math.log(max(seconds, 0.5))
        self.logs.learn(value)
        if self.estimate:
            self.ratios.learn(value - math.log(max(1.0, self.estimate)))
        self._hazard = None

    def expect(self, estimate: float | None) -> bool:
        """Take in the server's estimate, in seconds; the first one counts, and is told."""
        if self.estimate is not None or not estimate or estimate > LONGEST_ESTIMATE:
            return False
        self.estimate, self._hazard = estimate, None
        return True

    @property
    def guessed(self) -> bool:
        """Whether no task has shown how long such ones take: neither one of them nor, by estimates, their like."""
        return not self.logs.count and not (self.estimate and self.ratios.count >= ENOUGH)

    @property
    def hazard(self) -> Hazard:
        """The best guess now."""
        if self._hazard is None or self._heard < min(ENOUGH, self.ratios.count):
            self._hazard, self._heard = self._guess(), self.ratios.count
        return self._hazard

    def _guess(self) -> Hazard:
        assumed = math.sqrt(math.log(1.25))
        if self.logs.count >= ENOUGH:
            return Hazard(self.logs.mean, max(0.03, self.logs.deviation(assumed)))
        mean, alike = -assumed * assumed / 2, self.logs
        if self.estimate:
            # the model's other classes tell how far its estimates are off
            mean, alike = self.ratios.beside(mean), self.ratios
        mean = self.logs.beside(math.log(max(1.0, self.estimate or 60.0)) + mean)
        return Hazard(mean, max(0.1, alike.deviation(assumed)))


class Progress:
    """How far one model's progress can be believed, learned from its finished tasks.

    For each tenth of progress it knows how the true share of the service time
    compared with the share that was shown: honest progress has a ratio near one
    and little spread, a made-up one has much. It counts only where it says more
    than the service times alone.
    """

    BINS = 10
    LEAST = 0.05

    def __init__(self) -> None:
        self._bins = [RunningStats() for _ in range(self.BINS)]

    def learn(self, looks: Sequence[tuple[float, float]], seconds: float) -> None:
        """Judge what a task of this service time showed: pairs of age in seconds and share shown."""
        for age, share in looks:
            if share >= self.LEAST and 0 < age < seconds:
                self._bin(share).learn(math.log(seconds * share / age))

    def hazard(self, prior: Hazard, looks: Sequence[tuple[float, float]]) -> Hazard:
        """Return what the looks at a running task say of its service time; `prior` itself where nothing.

        A later look counts twice the one before it. One that shows no headway
        where some was due takes the belief away.
        """
        if not looks or self._stands_still(looks):
            return prior
        precision = weighted = 0.0
        for age, share in looks[-3:]:
            found = self._bin(share)
            deviation = found.cautious
            precision, weighted = precision / 2, weighted / 2
            if share >= self.LEAST and found.count >= ENOUGH and deviation < 0.7 * prior.sigma:
                precision += deviation**-2
                weighted += deviation**-2 * (math.log(age / share) + found.mean)
        if self._bin(looks[-1][1]).count < ENOUGH or not precision:
            return prior
        return prior.given(weighted / precision, precision**-0.5)

    def _bin(self, share: float) -> RunningStats:
        return self._bins[min(self.BINS - 1, int(share * self.BINS))]

    def _stands_still(self, looks: Sequence[tuple[float, float]]) -> bool:
        if len(looks) < 2:  # noqa: PLR2004 - headway is between two
            return False
        (before, earlier), (age, share) = looks[-2:]
        due = earlier * (age - before) / max(before, SHORTEST)
        return due > self.LEAST and share - earlier < due / 4


class Expectations:
    """What is known of the tasks of one run: their service times by class, their progress by model."""

    LONGEST_BELIEVED = 60.0
    """Seconds between two looks at most where progress is believed."""

    def __init__(self) -> None:
        self._times: dict[tuple[str, int | None, str | None], ServiceTimes] = {}
        self._ratios: dict[str, RunningStats] = {}
        self._progress: dict[str, Progress] = {}
        self._latest: ServiceTimes | None = None

    def times(self, cell: Cell) -> ServiceTimes:
        """Return the service times of a cell's model, duration and tier."""
        kind = (cell.model, cell.duration, cell.quality)
        if kind not in self._times:
            ratios = self._ratios.setdefault(cell.model, RunningStats())
            self._times[kind] = ServiceTimes(ratios)
        self._latest = self._times[kind]
        return self._latest

    @property
    def kinds(self) -> int:
        """How many classes of tasks were seen."""
        return len(self._times)

    def progress(self, cell: Cell) -> Progress:
        """Return how far the progress of a cell's model can be believed."""
        return self._progress.setdefault(cell.model, Progress())

    @property
    def mean(self) -> float:
        """Seconds that a task takes about, by the class that was looked at last."""
        return 60.0 if self._latest is None else self._latest.hazard.mean
