"""What is to be done with each cell of a run, and when: phases, due times, requests in flight."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import logging
import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gridgen.pacing import CircuitBreaker, ResultBreaker
from gridgen.states import OWED, Phase
from gridgen.sweep.stats import Meter

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable, Iterator

    from gridgen.clock import Clock
    from gridgen.grid import Cell
    from gridgen.money import ClipKey

__all__ = ["Job", "WorkQueue"]

GRAIN = 0.05
"""Seconds to which due times are rounded up, so that what is due together is done together."""


NAP = 60.0
"""Seconds of which no request has heard, from which on they count as sleep."""

NEGLECT = 1.0
"""Seconds after which a sweep looks again that has work and that nothing would ever wake."""


_log = logging.getLogger("gridgen")


@dataclass(slots=True, eq=False)
class Job:
    """One cell and take in the scheduler's hands.

    ``phase`` is what happens with it next: foreign (another sweep of this
    process has it), planned, held, submit, replay, poll, download, picture, or over;
    ``due`` is when, on the clock's monotonic scale, as far as that is set, and ``turn``
    tells that plan from earlier ones for the same moment.
    ``failures`` counts failed requests in a row, ``tries`` answers of no use.
    """

    index: int
    cell: Cell
    take: int
    slot: ClipKey
    phase: str = "over"
    tries: int = 0
    failures: int = 0
    due: float = math.inf
    turn: int = 0
    pending: bool = False


class WorkQueue:
    """The jobs of one run, by phase and by due time; everything happens on the engine's loop.

    Parameters
    ----------
    jobs : iterable of Job
        In submit order; all begin as over.
    clock : Clock
        What a second is.
    on_move : callable
        Called with a job, the phase that it leaves and the phase that it enters.

    Attributes
    ----------
    phases, flying : Counter
        How many jobs are in each phase, and how many requests of each kind are on their way.
    error : Exception or None
        What stops the submitting; the first one is kept.
    stopping : bool
        Whether a person has stopped the submitting.
    crowded : bool
        Whether something waits for a request in flight to come back.
    yielding : bool
        Whether something waits for what another sweep has in flight.
    """

    def __init__(self, jobs: Iterable[Job], clock: Clock, on_move: Callable[[Job, str, str], None]) -> None:
        self.jobs = tuple(jobs)
        self.clock = clock
        self.meter = Meter()
        self.breaker = CircuitBreaker()
        self.results = ResultBreaker()
        self.error: Exception | None = None
        self.stopping = False
        self.crowded = self.yielding = False
        self.phases: Counter[str] = Counter(over=len(self.jobs))
        self.flying: Counter[str] = Counter()
        self._on_move = on_move
        self._due: list[tuple[float, int, str, Job]] = []
        self._order = itertools.count()
        self._tasks: set[asyncio.Task[None]] = set()
        self._wake = asyncio.Event()
        self._alarm: asyncio.Task[None] | None = None
        self._alarm_at = math.inf
        self._slept = clock.slept()
        self._resting_until = math.inf
        self._told = False
        for job in self.jobs:
            job.phase = "over"

    @property
    def submits(self) -> bool:
        """Whether submissions may leave at all."""
        return not self.stopping and self.error is None

    @property
    def unfinished(self) -> int:
        """How many jobs there is still something to do with."""
        owed = sum(map(self.phases.__getitem__, OWED))
        return owed + self.phases[Phase.PLANNED] if self.submits else owed

    def calm(self) -> None:
        """Note that the server answered; what waited for a storm to pass may go on."""
        if self.breaker.open:
            self.wake()
        self.breaker.calm()

    def fail(self, error: Exception) -> None:
        """Keep the first error, for the person who waits."""
        self.error = self.error or error

    def move(self, job: Job, phase: str) -> None:
        """Put a job into another phase."""
        before, job.phase = job.phase, phase
        if before != phase:
            self.phases[before] -= 1
            self.phases[phase] += 1
            self._on_move(job, before, phase)

    # Time

    def later(self, seconds: float, what: str, job: Job) -> None:
        """Bring a job up again after a while, and not when an earlier call said."""
        job.due = math.ceil((self.clock.monotonic() + seconds) / GRAIN) * GRAIN
        job.turn = next(self._order)
        heapq.heappush(self._due, (job.due, job.turn, what, job))
        if job.due < self._alarm_at:
            self._set_alarm(job.due)

    def due(self, now: float) -> Iterator[tuple[str, Job]]:
        """Yield what has become due."""
        while self._due and self._due[0][0] <= now:
            plan = heapq.heappop(self._due)
            *_, what, job = plan
            if _holds(plan):
                job.due = math.inf
                yield what, job

    def reschedule_all(self, what: str) -> None:
        """Bring up now, in their order, all jobs that were to come up for one thing."""
        waiting = sorted(each for each in self._due if each[2] == what and _holds(each))
        self._due = [each for each in self._due if each[2] != what]
        heapq.heapify(self._due)
        for *_, job in waiting:
            self.later(0.0, what, job)

    def slept(self, now: float) -> bool:
        """Whether the machine slept since the last call.

        Its clock says so, where it stands still in sleep; one that goes on has run
        far past the moment at which the rest was to end.
        """
        total, late = self.clock.slept(), now - self._resting_until
        uncounted, self._slept = total - self._slept, total
        self._resting_until = math.inf
        return max(uncounted, late) > NAP

    def wake(self) -> None:
        """End the rest."""
        self._wake.set()

    async def rest(self, until: float) -> None:
        """Wait until something changed, the next job is due, or the clock shows `until`."""
        while self._due and not _holds(self._due[0]):
            heapq.heappop(self._due)
        due = min(until, self._due[0][0]) if self._due else until
        if due == self._alarm_at == math.inf and self._is_neglected():
            due = self.clock.monotonic() + NEGLECT
        self._resting_until = due
        if due < self._alarm_at:
            self._set_alarm(due)
        await self._wake.wait()
        self._wake.clear()
        self.crowded = self.yielding = False

    def _is_neglected(self) -> bool:
        """Whether there is work and nothing on its way that would wake the sweep: an error of ours, which is told."""
        if self._wake.is_set() or self.yielding or self.flying.total() or not self.unfinished:
            return False
        if not self._told:
            self._told = True
            _log.warning(
                "a sweep had clips to see to (%s) and nothing would have woken it, which is an error in gridgen; "
                "it looks again every %g s.",
                ", ".join(f"{count} {phase}" for phase, count in (+self.phases).items()),
                NEGLECT,
            )
        return True

    def _set_alarm(self, due: float) -> None:
        self.cancel_alarm()
        self._alarm_at = due
        self._alarm = asyncio.create_task(self._ring(due - self.clock.monotonic()))

    async def _ring(self, seconds: float) -> None:
        await self.clock.sleep(seconds)
        self._alarm, self._alarm_at = None, math.inf
        self._wake.set()

    def cancel_alarm(self) -> None:
        """Let no alarm ring any more."""
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm, self._alarm_at = None, math.inf

    # Work

    def spawn(self, what: str, job: Job | None, work: Coroutine[Any, Any, None]) -> None:
        """Begin a piece of work; what goes wrong in it ends its job and is told to who waits."""
        self.flying[what] += 1
        task = asyncio.create_task(self._bracketed(what, job, work), name=what)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _bracketed(self, what: str, job: Job | None, work: Coroutine[Any, Any, None]) -> None:
        try:
            with self.clock.working():
                await work
        except Exception as error:  # noqa: BLE001 - whatever it is, the person who waits must see it
            self.fail(error)
            if job is not None:
                self.move(job, "over")
        except asyncio.CancelledError:
            if job is not None:
                self.move(job, "over")
            raise
        finally:
            self.flying[what] -= 1
            if job is None or job.phase != what or self.crowded:
                self._wake.set()

    async def finish(self, what: str, seconds: float) -> None:
        """Wait until no work of a kind is going on, at most so many real seconds."""
        going = [task for task in self._tasks if task.get_name() == what]
        if going:
            await asyncio.wait(going, timeout=seconds)


def _holds(plan: tuple[float, int, str, Job]) -> bool:
    """Whether no later plan has taken the place of one, be it for the same moment, and none was given up."""
    due, turn, _, job = plan
    return (job.due, job.turn) == (due, turn)
