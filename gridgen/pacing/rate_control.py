"""When to submit: pure, and told the time.

What a key may do is not published (40 submissions a minute and bursts of five
have been seen to be accepted, 2026-09), so it is learned from the server's
refusals, by the shape of CUBIC (RFC 9438, section 4.2): back off to seven
tenths, return soon to where the refusal came, stay, and look beyond it ever
more rarely.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "LONGEST_WAIT",
    "Backoff",
    "Bucket",
    "CircuitBreaker",
    "ConcurrencyLimit",
    "RateControl",
    "RepeatedRefusalBreaker",
    "ResultBreaker",
    "backoff",
    "wording",
]

LONGEST_WAIT = 600.0
"""Seconds after which a task is asked for, or a refused submission tried, whatever the server wished: links die."""

USUAL_RATE = 40.0
"""Submissions a minute to begin with."""

QUESTIONS = 1800.0
"""Questions a minute, at most: thirty in a second."""

SURE = 40
"""Submissions accepted before a faster rate is tried: a minute at the usual one; most sweeps need no more."""

GROWTH, FASTEST = 1.2, 50.0
"""Factor on the rate for each accepted submission that had to wait, before the first refusal; to so many a second."""

BACK_OFF = 0.7
SOONEST, LATEST = 10.0, 60.0
"""Seconds until a rate is back where it was refused: the server's own Retry-After within these."""

FIRST_PATIENCE, LONGEST_PATIENCE = 60.0, 1200.0
"""Seconds for which a known limit is kept before a look beyond it."""

ROUNDING = 1e-6
"""Seconds below which a wait is an error of arithmetic; a clock may be too coarse to end it."""

SLIGHTLY = 0.99
"""Factor on a rate that was refused after it had been taken for long."""

LONG_RUN = 8
"""Submissions accepted in a row from which their rate can be told."""

STRIKES = 4
"""Refusals in a row at the same number of open tasks that show that it is to blame."""

STORM_AFTER = 5
ALIKE = 5
PROBE_INTERVAL = 15.0


@dataclass(slots=True)
class Bucket:
    """A token bucket for the requests of one key, whose rate follows what the server takes.

    Attributes
    ----------
    top : float
        Requests a second that are never passed; infinity where nobody knows.
    rate : float
        Requests a second, as long as none was refused.
    burst : float
        How many may go out at once.
    limit : float or None
        Requests a second at which one was refused.
    waited : bool
        Whether the last request had to wait for the rate.
    taken : int
        How many the server took.
    """

    top: float = math.inf
    rate: float = USUAL_RATE / 60
    burst: float = 5.0
    tokens: float = 5.0
    at: float = -math.inf
    paused_until: float = -math.inf
    limit: float | None = None
    waited: bool = False
    taken: int = 0
    _recovery: float = SOONEST
    _patience: float = FIRST_PATIENCE
    _unused: float = 0.0
    _depth: float = 1.0 - BACK_OFF

    @property
    def known(self) -> float:
        """Requests a second that the server was found, or is said, to allow; infinity where nobody knows."""
        return self.top if self.limit is None else min(self.top, self.limit)

    def current(self, now: float) -> float:
        """Return the requests a second that may leave now."""
        if self.limit is None:
            return min(self.top, self.rate)
        since = now - self.paused_until - self._unused - self._recovery
        share = since / (self._recovery if since < 0 else self._patience)
        depth = self._depth if share < 0 else 1.0 - BACK_OFF
        return min(self.top, self.limit * (1.0 + depth * max(-1.0, share) ** 3))

    def wait(self, now: float) -> float:
        """Return the seconds until a request may leave, 0 for at once."""
        self._fill(now)
        missing = max(0.0, (1.0 - self.tokens) / self.current(now))
        wait = max(missing, self.paused_until - now)
        return wait if wait > ROUNDING else 0.0

    def take(self, now: float) -> None:
        """Count a request that leaves now."""
        self._fill(now)
        self.waited = self.tokens < 2  # noqa: PLR2004 - this one and not another at once
        self.tokens -= 1.0

    def accepted(self) -> None:
        """Note that the server took a request: until it refuses one, the rate grows as far as it is used."""
        self.taken += 1
        if self.limit is None and self.waited and self.taken > SURE:
            self.rate = min(self.top, FASTEST, self.rate * GROWTH)

    def pause(self, now: float, seconds: float) -> None:
        """Let nothing out for a while."""
        self.paused_until = max(self.paused_until, now + seconds)
        self.tokens = min(self.tokens, 1.0)
        self.at = max(self.at, self.paused_until)

    def refused(self, now: float, seconds: float, *, measured: float = 0.0) -> None:
        """Pause as the server asks, and back off from the rate that it refused.

        Parameters
        ----------
        now : float
            Seconds of the clock.
        seconds : float
            How long the server wants to be left alone.
        measured : float
            Requests a second that it took between its last two refusals, a little
            less than it would have taken; 0 where they were too few to tell.
        """
        if now >= self.paused_until:
            rate, known = self.current(now), self.limit or math.inf
            self.limit = rate
            self._depth = (1.0 - BACK_OFF) / (3 if measured and rate < 1.25 * known < math.inf else 1)
            if rate <= 1.02 * known < math.inf:
                self.limit *= SLIGHTLY if measured else (1 + BACK_OFF) / 2
            elif rate < 1.25 * known < math.inf:
                self._patience = min(LONGEST_PATIENCE, 2 * self._patience)
            else:
                self._patience = FIRST_PATIENCE
            if measured and not self._unused:
                self.limit = measured if measured < rate / 2 else (measured + rate) / 2
            self._unused = 0.0
            self._recovery = min(LATEST, max(SOONEST, seconds))
        self.pause(now, seconds)

    def _fill(self, now: float) -> None:
        if now <= self.at:
            return
        if self.at > -math.inf:
            rate = self.current(now)
            tokens = self.tokens + (now - self.at) * rate
            self.tokens = min(self.burst, tokens)
            self._unused += (tokens - self.tokens) / rate
        self.at = now


@dataclass(slots=True)
class ConcurrencyLimit:
    """How many tasks may be open at a server that refuses more than it works on.

    The number at which one was refused is the limit; after ever more finished
    tasks one more than that is tried.

    Attributes
    ----------
    limit : float
        Open tasks at most; infinity as long as no number was refused.
    """

    limit: float = math.inf
    _finished: int = 0
    _patience: float = 1.0
    _step: int = 1

    def refused(self, still_open: int) -> None:
        """Take in that one more than so many open tasks was refused."""
        same = still_open >= self.limit - self._step
        self._patience = min(32.0, 2 * max(1.0, self._patience)) if same else 1.0
        self.limit = max(1.0, min(self.limit, float(still_open)))
        self._finished, self._step = 0, 1

    def accepted(self, still_open: int) -> None:
        """Take in that one more than so many open tasks was accepted."""
        if still_open >= self.limit:
            self._step *= 2
            self._patience = 0.25

    def finished(self) -> None:
        """Take in that a task has ended: after some windowfuls of them more may be open."""
        self._finished += 1
        if self._finished >= self._patience * self.limit:
            self._finished = 0
            self.limit += self._step


@dataclass(slots=True)
class RateControl:
    """What one key may do just now, as far as is known; shared by all who use the key.

    A refusal does not say whether the rate or the number of open tasks is to
    blame. The number is, where several refusals in a row come at the same number;
    once that is known, also where the refused submission had not used up the rate,
    unless far fewer were open: then the server takes no such burst.

    Attributes
    ----------
    submits, questions : Bucket
    window : ConcurrencyLimit
    open : int
        Tasks at the server, or on their way to it.
    waiting : set of callables
        Called once, when there are fewer of them.
    """

    submits: Bucket = field(default_factory=Bucket)
    questions: Bucket = field(
        default_factory=lambda: Bucket(top=QUESTIONS / 60, rate=QUESTIONS / 60, burst=12.0, tokens=12.0)
    )
    window: ConcurrencyLimit = field(default_factory=ConcurrencyLimit)
    open: int = 0
    waiting: set[Callable[[], None]] = field(default_factory=set)
    _run: int = 1
    _level: int = 0
    _strikes: int = 0
    _proven: int = 0
    _refused_at: float = -math.inf
    _unspoilt: float | None = None

    @classmethod
    def at(cls, rate: float | None) -> RateControl:
        """Return the pace of a key that may make so many submissions a minute, None where nobody knows."""
        if rate is None:
            return cls()
        return cls(Bucket(top=rate / 60, rate=rate / 60))

    def count(self, more: int) -> None:
        """Take in that so many more tasks are open, or fewer: then whoever waits for that looks again."""
        self.open += more
        if more < 0:
            waiting, self.waiting = self.waiting, set()
            for look_again in waiting:
                look_again()

    def accepted(self, beside: int) -> None:
        """Take in that a submission was accepted beside so many open tasks."""
        self._run += 1
        self.submits.accepted()
        self.window.accepted(beside)

    def finished(self) -> None:
        """Take in that a task has ended."""
        self.window.finished()

    def refused(self, now: float, seconds: float, beside: int) -> None:
        """Take in a 429 that asks for a pause; of several that were on their way, the first one tells."""
        if now < self.submits.paused_until:
            self.submits.pause(now, seconds)
            return
        run, elapsed = self._run, now - self._refused_at
        self._run, self._refused_at = 0, now
        if run:
            self._strike(beside)
        if self._strikes >= STRIKES:
            self._strikes, self.submits.limit = 0, self._unspoilt
            self._proven = beside
        elif self.window.limit == math.inf or self.submits.waited:
            self.submits.refused(now, seconds, measured=run / elapsed if run >= LONG_RUN else 0.0)
            return
        if beside < self._proven - max(1.0, beside / 10):
            self.submits.burst = max(1.0, self.submits.burst - 1.0)
        else:
            self.window.refused(beside)
        self.submits.pause(now, seconds)

    def _strike(self, beside: int) -> None:
        """Count refusals at about the same number of open tasks, with others accepted between them."""
        if abs(beside - self._level) > max(1.0, beside / 30):
            self._level, self._strikes, self._unspoilt = beside, 0, self.submits.limit
        self._strikes += 1


@dataclass(slots=True)
class Backoff:
    """Waits after failures in a row: doubling from 0.5 s to 20 s."""

    failures: int = 0

    def failed(self) -> float:
        """Count a failure and return the seconds to wait."""
        self.failures += 1
        return backoff(self.failures)


def backoff(failures: int) -> float:
    """Return the seconds to wait after so many failures in a row: doubling from 0.5 s to 20 s."""
    return min(20.0, 0.5 * 2.0 ** min(9, failures - 1))


def wording(text: str) -> str:
    """Return what a server says, without the id that it gives each request."""
    return re.sub(r"\(?request[ _]id[^)]*\)?", "", text, flags=re.IGNORECASE)


@dataclass(slots=True)
class RepeatedRefusalBreaker:
    """A breaker for refusals: five in a row in the same words, whatever their request ids."""

    words: str = ""
    count: int = 0

    def refused(self, words: str) -> bool:
        """Take in a refusal; say whether it is one too many."""
        words = wording(words)
        self.count = self.count + 1 if words == self.words else 1
        self.words = words
        return self.count >= ALIKE


@dataclass(slots=True)
class ResultBreaker:
    """A breaker for paid results: five in a row that could not be had let no more be paid until one can be.

    Attributes
    ----------
    why : str
        The reason of the last one.
    """

    why: str = ""
    _failing: set[object] = field(default_factory=set)
    _given_up: set[object] = field(default_factory=set)
    _had: bool = False
    _certain: bool = False

    @property
    def count(self) -> int:
        """How many could not be had, without a good one between them."""
        return len(self._failing)

    @property
    def open(self) -> bool:
        """Whether nothing more is to be paid."""
        return self._certain or self.count >= ALIKE

    @property
    def hopeless(self) -> bool:
        """Whether none of those that it is about is tried any more."""
        return self.open and (self._certain or self._failing <= self._given_up)

    def failed(self, result: object, why: str, *, certain: bool = False) -> None:
        """Take in that a result could not be had just now.

        Parameters
        ----------
        result : object
            Which; tried again, it counts once.
        why : str
        certain : bool, default False
            Whether the others will fare no better, as long as none was had.
        """
        self.why = why
        self._failing.add(result)
        self._certain = self._certain or (certain and not self._had)

    def gave_up(self, result: object) -> None:
        """Take in that one that failed is not tried again."""
        self._given_up.add(result)

    def had(self) -> None:
        """Take in that a result was had: the way is open."""
        self.reset()
        self._had = True

    def reset(self) -> None:
        """Count anew."""
        self._failing.clear()
        self._given_up.clear()
        self._certain = False


@dataclass(slots=True)
class CircuitBreaker:
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
