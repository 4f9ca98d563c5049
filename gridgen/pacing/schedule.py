"""Whom to ask next, and when, given what was answered so far: pure, and told the time.

Times are Unix seconds of our clock; what is measured between answers of one kind is on
the monotonic clock, and called so.
"""

from __future__ import annotations

import heapq
import itertools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from gridgen.pacing.server_queue import ServerQueue
from gridgen.pacing.timing import BELIEVED, DENSITY, ENOUGH, RELAXED, Expectations, RunningStats

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from gridgen.grid import Cell
    from gridgen.pacing.timing import Hazard, ServiceTimes

__all__ = ["FARTHEST", "STALLED_INTERVAL", "Schedule", "credible"]

T = TypeVar("T", bound="Hashable")

MISSING_AFTER, MISSING_AT_LEAST = 120.0, 3
"""Seconds, and answers, after which a task that the API does not know is missing."""

DOUBTED_FOR = 60.0
"""Seconds after which a status that nobody knows, with the same reason beside it, is a failure."""

ODD = 30.0
"""Seconds by which a server's stamp may contradict our clock; it has whole ones, and answers are slow."""

FARTHEST = 2 * 3600.0
"""Seconds by which a server's clock may differ from ours."""

ODD_IN_A_ROW = 3
"""Stamps that contradict what was learned before that is given up."""

STALLED_AFTER = 900.0
STALLED_IN_LINE = 3600.0
"""Seconds without an end, or in line while no other task ends, after which a task may be stalled."""

OVERDUE = 1.5
"""How much longer than all but one in a thousand: of a thousand good tasks none should be called stalled."""

STALLED_INTERVAL = 60.0

RECONSIDERED = 15.0
"""Seconds between questions to a task that waits for its turn, at least."""

EXPLORED = 4
"""Tasks of a kind that are asked early and often, as long as no end of any was seen: what the others do hangs on them."""

EXPLORE, EXPLORE_AGAIN = 1.0, 0.25
"""Seconds between questions to such a task, at least, and in ages."""

MANY = 100
"""Planned cells from which on a late answer keeps nobody waiting."""


@dataclass(slots=True)
class TrackedTask:
    """What is known of a task at the server.

    ``certain`` says whether its beginning is known; ``observations`` are pairs of age
    and share of progress shown; ``sent`` is when the last question that got an answer
    left, ``unended`` when it was last seen not to have ended. Of answers of one kind in a
    row, ``gone``, ``denied`` and ``doubted`` tell the first one's time on the monotonic
    clock: that it is unknown, that the key may not see it, or of a status that nobody
    knows, with the reason beside it.
    """

    cell: Cell
    accepted: float | None = None
    asked: float | None = None
    sent: float | None = None
    unended: float | None = None
    waited: float | None = None
    certain: bool = True
    gone: float | None = None
    gone_times: int = 0
    denied: float | None = None
    doubted: tuple[float, str] | None = None
    observations: tuple[tuple[float, float], ...] = ()


class Schedule(Generic[T]):
    """The questions to the open tasks of one run.

    What takes in an answer returns the tasks about which it tells something new; `wait`
    says when each of them is to be asked then.

    Parameters
    ----------
    now : float
        When the run begins.

    Attributes
    ----------
    queue : ServerQueue
        Who is worked on and who waits.
    """

    def __init__(self, now: float) -> None:
        self.queue: ServerQueue[T] = ServerQueue()
        self._tracked: dict[T, TrackedTask] = {}
        self._expected = Expectations()
        self._explored: dict[ServiceTimes, set[T]] = {}
        self._ended_at = now
        self._delay = RunningStats()
        self._skew = RunningStats()
        self._odd = 0
        self._ready: list[tuple[float, int, T]] = []
        self._order = itertools.count()
        self._ranked = 0.0

    # Who is open

    def accepted(self, task: T, cell: Cell, now: float) -> None:
        """Take in a task that the server has just accepted."""
        self._tracked[task] = TrackedTask(cell, accepted=now)
        self.queue.join(task, now)

    def resumed(self, task: T, cell: Cell, submitted: float) -> None:
        """Take in a task that an earlier run submitted; when it begins to be worked on, nobody saw."""
        self._tracked[task] = TrackedTask(cell, certain=False)
        self.queue.join(task, submitted)

    def left(self, task: T, ended: float | None, now: float) -> list[T]:
        """Take in that a task has ended, by the server's stamp where it is credible."""
        self._ended_at = now
        return [] if ended is None else self.queue.leave(task, ended)

    def dropped(self, task: T, now: float) -> list[T]:
        """Take in that a task holds no slot any more, whatever became of it."""
        return self.queue.drop(task, now)

    def forget(self, task: T) -> None:
        """Track a task no longer; where it told nothing, another one of its kind is explored."""
        known = self._tracked.pop(task, None)
        if known is not None:
            self._explored.get(self._expected.times(known.cell), set()).discard(task)

    def forgive(self, now: float) -> None:
        """Count refused questions, and the time without any end, anew."""
        self._ended_at = now
        for known in self._tracked.values():
            known.gone, known.gone_times, known.denied = None, 0, None

    # Whom to ask

    @property
    def waiting(self) -> bool:
        """Whether a task waits to be asked now."""
        return bool(self._ready)

    def put(self, task: T, likely: float) -> None:
        """Let a task be asked as soon as there is room, the likeliest to have ended first."""
        heapq.heappush(self._ready, (-likely, next(self._order), task))

    def pop(self) -> T:
        """Return the task to be asked next of those that were put here."""
        return heapq.heappop(self._ready)[-1]

    def rank(self, now: float, monotonic: float, *, room: int, waits: Callable[[T], bool]) -> None:
        """Put those that wait in order anew, now and then: how likely each has ended changes.

        Parameters
        ----------
        now, monotonic : float
        room : int
            How many questions may be on their way at once; as few need no order.
        waits : callable
            Tells whether a task that was put here still waits.
        """
        if len(self._ready) <= room or monotonic - self._ranked < max(1.0, len(self._ready) / 20_000):
            return
        self._ranked = monotonic
        asked = {task: rank for rank, _, task in self._ready if waits(task)}
        self._ready = [
            (min(0.0, rank) if rank == -math.inf else -self.likely(task, now), next(self._order), task)
            for task, rank in asked.items()
        ]
        heapq.heapify(self._ready)

    def likely(self, task: T, now: float) -> float:
        """Return about how likely a task has ended since it was last asked."""
        begun = self.queue.running.get(task)
        if begun is None:
            return 0.0
        asked = self._tracked[task].asked or begun
        return self._hazard(task).rate(now - begun) * (now - asked)

    @property
    def queue_is_long(self) -> bool:
        """Whether the server has enough waiting that more would only wait there too.

        Two more than it has slots keep it busy, and as many as end while we do not
        know it yet (measured in virtual time with ten slots: with one more the last
        clip comes 0.6 % late, with two 0.02 %).
        """
        return self.queue.full(2 + math.ceil(self._turnover * (self._delay.mean + 0.5)))

    # When

    def wait(self, task: T, now: float, *, planned: int) -> float:
        """Return the seconds after which a task is to be asked next, negative where it should have been.

        Parameters
        ----------
        task
        now : float
        planned : int
            How many cells are still to be submitted.
        """
        begun = self.queue.running.get(task)
        if begun is None:
            return self._turn(task, now)
        known = self._tracked[task]
        prior = self._hazard(task)
        hazard = self._expected.progress(known.cell).hazard(prior, known.observations)
        density = BELIEVED if hazard is not prior else self._density(known.cell, planned)
        longest = self._expected.LONGEST_BELIEVED if hazard is not prior else None
        asked = max(0.0, (known.asked or begun) - begun)
        at = hazard.next_check(asked, density=density, longest=longest)
        if self._explores(task, known.cell):
            at = min(at, asked + max(EXPLORE, EXPLORE_AGAIN * asked))
        return begun + at - now

    def doubts(self, task: T) -> float | None:
        """Return the seconds after which a task of doubtful status is asked again, None for no doubt."""
        return None if self._tracked[task].doubted is None else DOUBTED_FOR

    def _hazard(self, task: T) -> Hazard:
        return self._expected.times(self._tracked[task].cell).hazard

    @property
    def _turnover(self) -> float:
        """Tasks that end in a second."""
        return len(self.queue.running) / max(1.0, self._expected.mean)

    def _density(self, cell: Cell, planned: int) -> float:
        """Return how densely to ask where only the service times are known.

        As long as not even they are, one task of a kind tells of all: of many, each is asked more rarely.
        Where a late answer costs no slot and keeps nobody waiting, fewer questions do.
        """
        if self._expected.times(cell).guessed:
            return DENSITY * math.sqrt(min(1.0, EXPLORED * self._expected.kinds / len(self.queue.running)))
        relaxed = self.queue.trusted and bool(self.queue.waiting) and planned >= MANY
        return RELAXED if relaxed else DENSITY

    def _explores(self, task: T, cell: Cell) -> bool:
        """Whether a task is one of the first of its kind, which are asked early, as no end of any was seen."""
        times = self._expected.times(cell)
        if not times.guessed:
            return False
        explored = self._explored.setdefault(times, set())
        if len(explored) < EXPLORED:
            explored.add(task)
        return task in explored

    def _turn(self, task: T, now: float) -> float:
        """Return the seconds after which a waiting task is asked though no other has ended meanwhile."""
        waited = now - (self._tracked[task].accepted or now)
        if not self.queue.trusted:
            return min(STALLED_INTERVAL, max(RECONSIDERED, waited / 8))
        turns = self.queue.position(task) / max(1e-3, self._turnover)
        return max(RECONSIDERED, 2 * turns)

    # Answers

    def heard(
        self, task: T, *, sent: float, now: float, created: float | None, estimate: float | None
    ) -> list[T]:
        """Take in what any answer tells: that the task is known, the server's clock, its estimate in seconds."""
        known = self._tracked[task]
        known.gone, known.gone_times, known.denied = None, 0, None
        known.sent = sent
        if known.asked is None and known.accepted is not None and created is not None:
            self._learn_skew(created + 0.5 - known.accepted)
        known.asked = now
        times = self._expected.times(known.cell)
        return self._alike(times) if times.expect(estimate) else []

    def saw_waiting(self, task: T, now: float) -> list[T]:
        """Take in that a task waits for its turn."""
        known = self._tracked[task]
        known.unended, known.waited = known.sent, now
        return [each for each in self.queue.saw_waiting(task) if each is not task]

    def saw_running(self, task: T, now: float, share: float | None) -> list[T]:
        """Take in that a task is worked on, and the share of its work that it shows, from 0 to 1."""
        known = self._tracked[task]
        known.unended = known.sent
        begun = self.queue.saw_running(task, now)
        for each in begun:
            self._tracked[each].certain = False
        if task in begun and known.waited is not None:
            self.queue.running[task] = (known.waited + now) / 2
            known.certain = now - known.waited < self._expected.mean / 8
        since = self.queue.running.get(task)
        if share is not None and since is not None and now > since:
            known.observations += ((now - since, share),)
        return [each for each in begun if each is not task]

    def is_stalled(self, task: T, *, queued: bool, submitted: float | None, now: float) -> bool:
        """Whether a task is long past what any takes, or in line while no other ends."""
        # an answer that was long on its way, or slept with the machine, says how things were
        now = self._tracked[task].sent or now
        submitted = submitted or now
        if queued:
            return now - max(self._ended_at, submitted) > max(STALLED_IN_LINE, 3 * self._expected.mean)
        age = now - self.queue.running.get(task, submitted)
        return age > max(STALLED_AFTER, OVERDUE * self._hazard(task).latest())

    def is_missing(self, task: T, monotonic: float) -> bool:
        """Take in that the API does not know a task; whether it has said so for minutes."""
        known = self._tracked[task]
        known.gone = monotonic if known.gone is None else known.gone
        known.gone_times += 1
        return monotonic - known.gone >= MISSING_AFTER and known.gone_times >= MISSING_AT_LEAST

    def denied_for(self, task: T, monotonic: float) -> float | None:
        """Take in that the key may not ask for a task; return for how many seconds already, None for the first time."""
        known = self._tracked[task]
        if known.denied is None:
            known.denied = monotonic
            return None
        return monotonic - known.denied

    def not_denied(self, task: T) -> None:
        """Take in an answer that is no refusal of the key."""
        self._tracked[task].denied = None

    def has_failed(self, task: T, reason: str | None, monotonic: float) -> bool:
        """Take in a status that nobody knows, with the reason beside it; whether the same stood there a minute ago."""
        known = self._tracked[task]
        if reason is None or known.doubted is None or known.doubted[1] != reason:
            known.doubted = None if reason is None else (monotonic, reason)
        return known.doubted is not None and monotonic - known.doubted[0] >= DOUBTED_FOR

    # Ends

    def ended(self, task: T, completed: float | None, submitted: float | None, now: float) -> float | None:
        """Return when a task ended on our clock, None where its stamp contradicts what we have seen."""
        if completed is None:
            return None
        known, ended = self._tracked[task], completed + 0.5 - self._skew.mean
        earliest = known.unended or known.accepted or submitted or ended
        return ended if earliest - ODD <= ended <= now + ODD else None

    def noticed(self, ended: float, now: float) -> float:
        """Take in that an end was noticed now; return how many seconds late."""
        delay = max(0.0, now - ended)
        self._delay.learn(delay)
        return delay

    def service(self, task: T, ended: float) -> float | None:
        """Return for how many seconds a task was worked on, None where its beginning is not known."""
        begun = self.queue.running.get(task)
        if begun is None or not self._tracked[task].certain or ended <= begun:
            return None
        return ended - begun

    def served(self, task: T, seconds: float) -> list[T]:
        """Learn from a completed task how long such tasks take and how far progress can be believed."""
        known = self._tracked[task]
        times = self._expected.times(known.cell)
        times.learn(seconds)
        alike = self._alike(times) if times.logs.count <= ENOUGH else []
        self._expected.progress(known.cell).learn(known.observations, seconds)
        return alike

    def _alike(self, times: ServiceTimes) -> list[T]:
        """Return the running tasks of a class and of those whose times tell of it."""
        expected, tracked = self._expected, self._tracked
        return [
            task for task in self.queue.running if expected.times(tracked[task].cell).ratios is times.ratios
        ]

    def _learn_skew(self, ahead: float) -> None:
        """Take in how far the server's clock is ahead of ours, in seconds, as one stamp tells it."""
        odd = self._skew.count > 0 and abs(ahead - self._skew.mean) > ODD
        self._odd = self._odd + 1 if odd else 0
        if self._odd >= ODD_IN_A_ROW:
            self._skew, self._odd = RunningStats(), 0
        if abs(ahead) <= FARTHEST and not self._odd:
            self._skew.learn(ahead)


def credible(stamp: float | None, submitted: float | None, now: float) -> float | None:
    """Return a server's stamp, None for one that cannot be true by our clock, or none at all."""
    earliest = 0.0 if submitted is None else submitted - FARTHEST
    return stamp if stamp is not None and earliest <= stamp <= now + FARTHEST else None
