"""When to submit and when to ask: pure, and told the time.

Asking follows Keller's optimum checking schedule (Management Science 21(3),
1974, doi 10.1287/mnsc.21.3.256): checks as dense as the square root of the
hazard, so most of them fall where the task is likely to finish.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field

__all__ = ["Alike", "Backoff", "Bucket", "Hazard", "ServiceTimes", "Storm", "Window"]

DENSITY = 2.0
"""Checks per square root of a second: a quarter of G is the mean delay."""

FAR_TAIL = 3.0
"""Standard scores beyond which the fit says nothing; waits then grow with the age."""

ROUNDING = 1e-6
"""Seconds below which a wait is an error of arithmetic; a clock may be too coarse to end it."""

STORM_AFTER = 5
ALIKE = 5
PROBE_INTERVAL = 15.0
SHORTEST, LONGEST = 0.25, 15.0
FIRST_QUANTILE = -2.054
"""Standard score of the 2 % quantile: nothing finishes before it."""


@dataclass(frozen=True, slots=True)
class Hazard:
    """Lognormal service times, in seconds: ``mu`` and ``sigma`` of their logarithm."""

    mu: float
    sigma: float

    def rate(self, age: float) -> float:
        """Return the chance per second that a task of this age finishes now."""
        if age <= 0:
            return 0.0
        z = (math.log(age) - self.mu) / self.sigma
        surviving = math.erfc(z / math.sqrt(2)) / 2
        if z > FAR_TAIL:
            return 4.0 / age
        density = math.exp(-z * z / 2) / (age * self.sigma * math.sqrt(2 * math.pi))
        return density / surviving

    def latest(self) -> float:
        """Return the age in seconds that one task in a thousand outlives."""
        return math.exp(self.mu + 3.09 * self.sigma)

    def next_check(self, age: float, *, density: float = DENSITY) -> float:
        """Return the age, in seconds, at which to ask next.

        It lies at least 0.25 s and at most 15 s ahead, except for the first
        check, which waits for the 2 % quantile.
        """
        first = math.exp(self.mu + FIRST_QUANTILE * self.sigma)
        if age < first - SHORTEST:
            return first
        step = max(0.02, math.exp(self.mu) / 200)
        at, gathered = age, 0.0
        while gathered < 1.0 and at < age + LONGEST:
            at += step
            gathered += density * math.sqrt(self.rate(at - step / 2)) * step
        return min(max(at, age + SHORTEST), age + LONGEST)


@dataclass(slots=True)
class ServiceTimes:
    """What is known of the service times of one model, duration and quality.

    Eight finished tasks replace the prior: the server's estimate, or 60 s, with
    a coefficient of variation of one half.
    """

    estimate: float | None = None
    count: int = 0
    mean: float = 0.0
    spread: float = 0.0

    def learn(self, seconds: float) -> None:
        """Take in one service time from the server's own stamps (whole seconds)."""
        value = math.log(max(seconds, 0.5))
        self.count += 1
        delta = value - self.mean
        self.mean += delta / self.count
        self.spread += delta * (value - self.mean)

    @property
    def hazard(self) -> Hazard:
        """The best guess now."""
        enough = 8
        if self.count >= enough:
            return Hazard(self.mean, max(0.08, math.sqrt(self.spread / (self.count - 1))))
        sigma = math.sqrt(math.log(1.25))
        return Hazard(math.log(max(1.0, self.estimate or 60.0)) - sigma * sigma / 2, sigma)


@dataclass(slots=True)
class Bucket:
    """A token bucket for submissions of one key.

    Attributes
    ----------
    rate : float
        Submissions per second; 40 a minute has been seen to be accepted.
    burst : float
        How many may go out at once.
    """

    rate: float = 40 / 60
    burst: float = 5.0
    tokens: float = 5.0
    at: float = field(default=-math.inf)
    paused_until: float = -math.inf

    def wait(self, now: float) -> float:
        """Return the seconds until a submission may leave, 0 for at once."""
        self._fill(now)
        missing = max(0.0, (1.0 - self.tokens) / self.rate)
        wait = max(missing, self.paused_until - now)
        return wait if wait > ROUNDING else 0.0

    def take(self, now: float) -> None:
        """Count a submission that leaves now."""
        self._fill(now)
        self.tokens -= 1.0

    def pause(self, now: float, seconds: float) -> None:
        """Let nothing out for a while."""
        self.paused_until = max(self.paused_until, now + seconds)

    def _fill(self, now: float) -> None:
        if self.at > -math.inf:
            self.tokens = min(self.burst, self.tokens + (now - self.at) * self.rate)
        self.at = now


@dataclass(slots=True)
class Window:
    """How many tasks may be open at the server at once: shrinks on 429, grows back."""

    size: float = 64.0
    most: float = 64.0

    def refused(self, still_open: int) -> None:
        """Shrink to seven tenths of what was open when the server said 429."""
        self.size = max(1.0, min(self.size, max(1, still_open)) * 0.7)

    def finished(self) -> None:
        """Grow by one for about each windowful of finished tasks."""
        self.size = min(self.most, self.size + 1.0 / max(1.0, self.size))


@dataclass(slots=True)
class Backoff:
    """Waits after failures in a row: doubling from 0.5 s to 20 s."""

    failures: int = 0

    def failed(self) -> float:
        """Count a failure and return the seconds to wait."""
        self.failures += 1
        return min(20.0, 0.5 * 2.0 ** min(self.failures - 1, 6))


@dataclass(slots=True)
class Alike:
    """A breaker for refusals: five in a row in the same words, whatever their request ids."""

    words: str = ""
    count: int = 0

    def refused(self, words: str) -> bool:
        """Take in a refusal; say whether it is one too many."""
        words = re.sub(r"\(?request[ _]id[^)]*\)?", "", words, flags=re.IGNORECASE)
        self.count = self.count + 1 if words == self.words else 1
        self.words = words
        return self.count >= ALIKE


@dataclass(slots=True)
class Storm:
    """A breaker: after five failures of the server in a row, one question every 15 s tells when it is over.

    While it is open nothing is submitted: an answer lost in a storm may be a
    paid one, and a question costs nothing.
    """

    failures: int = 0
    next_probe: float = -math.inf

    @property
    def open(self) -> bool:
        """Whether the server is taken to be down."""
        return self.failures >= STORM_AFTER

    def failed(self, now: float) -> None:
        """Count an answer that never came or was the server's own failure."""
        self.failures += 1
        if self.open:
            self.next_probe = now + PROBE_INTERVAL

    def calm(self) -> None:
        """Note that the server answered."""
        self.failures = 0

    def most(self, now: float, usual: int) -> int:
        """Return how many questions may be in flight."""
        if not self.open:
            return usual
        return 1 if now >= self.next_probe else 0
