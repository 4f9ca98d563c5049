"""Following what was accepted: asking each task when it is likely to be done, until it has ended."""

from __future__ import annotations

import math
from decimal import Decimal
from http import HTTPStatus
from typing import TYPE_CHECKING

from gridgen.client import CONTROL
from gridgen.errors import APIError, AuthenticationError, BudgetError, NetworkError, RateLimitError
from gridgen.estimate.prices import NOISE
from gridgen.journal.extras import noted
from gridgen.money import exact_dollars, total
from gridgen.outcome import is_gone
from gridgen.pacing import LONGEST_WAIT, backoff, wording
from gridgen.pacing.schedule import STALLED_INTERVAL, Schedule, credible
from gridgen.states import AT_SERVER, State
from gridgen.task import Status, Task, cleaned

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gridgen.journal import Record
    from gridgen.sweep.budget import Budget
    from gridgen.sweep.fetching import Fetching
    from gridgen.sweep.run import Run
    from gridgen.sweep.work_queue import Job

__all__ = ["Polling"]

MOST_TRIES = 4
REFUSED_FOR = 120.0
"""Seconds for which a key may be refused before its task is left to a later run."""

GIVEN_UP_AFTER = 86_400.0
"""Seconds after which a stalled task is left alone; the next run asks for it again."""

CHARGE_ASKED = (10.0, 60.0, 240.0)
"""Seconds between questions to an ended task for a cost that it did not tell, where others wait for it."""


class Polling:
    """The tasks of a run that are at the server.

    Parameters
    ----------
    run : Run
    budget : Budget
        Learns what tasks cost.
    fetching : Fetching
        Takes over what is completed.

    Attributes
    ----------
    schedule : Schedule
        Whom to ask next, and when.
    stalled : set of Job
        Tasks long past what any task takes.
    failing : tuple of int and str, or None
        How many questions failed in a row, and why the last one did.
    """

    def __init__(self, run: Run, budget: Budget, fetching: Fetching) -> None:
        self._run, self._queue, self._journal = run, run.queue, run.journal
        self._budget, self._fetching = budget, fetching
        self.schedule: Schedule[Job] = Schedule(run.clock.time())
        self.stalled: set[Job] = set()
        self.failing: tuple[int, str] | None = None

    @property
    def waiting(self) -> bool:
        """Whether a question could be asked now."""
        return self.schedule.waiting

    def forgive(self) -> None:
        """Count failed questions, and the time without any end, anew."""
        self.schedule.forgive(self._run.clock.time())

    def follow(self, job: Job) -> None:
        """Ask for a task that was just accepted when it may be done."""
        self.schedule.accepted(job, job.cell, self._run.clock.time())
        self._plan([job])

    def take_on(self, job: Job, record: Record) -> None:
        """Follow a task that an earlier run submitted: ask for it soon."""
        self._queue.move(job, "poll")
        self.schedule.resumed(job, job.cell, record.submitted_at or self._run.clock.time())
        self._put(job, 0.0)

    def ask(self, job: Job) -> None:
        """Ask for a task whose time has come as soon as there is room, the likeliest to have ended first."""
        if job.phase == "poll":
            self._put(job, self.schedule.likely(job, self._run.clock.time()))

    def due(self, now: float) -> float:
        """Return when a question may leave that waits for nothing else, infinity when none does."""
        look = self.schedule.queue.next_look
        if self.schedule.waiting:
            wait = self._run.client.pace.questions.wait(now)
            look = min(look, now + wait) if wait > 0 else look
        return max(look, now + 0.05)

    def start(self, now: float) -> None:
        """Begin the questions that may be asked now."""
        flying, schedule = self._queue.flying, self.schedule
        questions = self._run.client.pace.questions
        telling = schedule.queue.look(now)
        # what it told has come to its end meanwhile: when it is fetched again is not for a question to say
        if telling is not None and telling.phase == "poll":
            self._put(telling, math.inf)
        schedule.rank(self._run.clock.time(), now, room=CONTROL, waits=_is_put)
        most = self._queue.breaker.most(now, CONTROL - flying["submit"])
        while schedule.waiting and flying["poll"] < most and questions.wait(now) <= 0:
            job = schedule.pop()
            if not _is_put(job):
                continue
            job.due = math.inf
            questions.take(now)
            self._queue.spawn("poll", job, self._poll(job))
        self._queue.crowded |= schedule.waiting

    def moved(self, job: Job, before: str, after: str) -> None:
        """Note that a job went from one phase to another."""
        if after in AT_SERVER and before not in AT_SERVER:
            self._run.count(1)
        elif before in AT_SERVER and after not in AT_SERVER and job not in self.stalled:
            self._run.count(-1)
        if before == "poll":
            self.stalled.discard(job)
            self._plan(self.schedule.dropped(job, self._run.clock.time()))
            self.schedule.forget(job)
            job.due = math.inf

    def close(self) -> None:
        """Give up all places in the window: nobody follows these tasks any more."""
        self._run.count(-self._run.open)

    def _put(self, job: Job, likely: float) -> None:
        job.due = -math.inf
        self.schedule.put(job, likely)

    def _plan(self, jobs: Iterable[Job]) -> None:
        """Set when these are asked next."""
        now, planned = self._run.clock.time(), self._queue.phases["planned"]
        for job in jobs:
            self._later(self.schedule.wait(job, now, planned=planned), job)

    def _plan_anew(self, jobs: Iterable[Job]) -> None:
        """Set when those of these are asked that are not being asked, now that more is known."""
        self._plan([job for job in jobs if -math.inf < job.due < math.inf])

    def _later(self, seconds: float, job: Job) -> None:
        """Ask after a while, but for no reason later than in ten minutes; what has ended is asked no more."""
        if job.phase != "poll":
            return
        self._queue.later(min(LONGEST_WAIT, max(0.0, seconds)), "poll", job)

    def _ended(self, job: Job, record: Record, task: Task) -> float | None:
        """Return when a task ended on our clock, None where its stamp contradicts what we have seen."""
        return self.schedule.ended(job, task.completed, record.submitted_at, self._run.clock.time())

    def _stamps(self, record: Record, task: Task) -> tuple[float | None, float | None]:
        """Return when a task began and ended by the server's stamps, without what cannot be true by our clock."""
        now, submitted = self._run.clock.time(), (record.submitted_at or 0.0) if record.tries else None
        return credible(task.created, submitted, now), credible(task.completed, submitted, now)

    # Answers

    async def _poll(self, job: Job) -> None:
        record = self._journal.records[job.slot]
        self._queue.meter.requests["polls"] += 1
        sent = self._run.clock.time()
        try:
            task = await self._run.client.wire.poll(record.task_id or "")
        except (APIError, NetworkError) as error:
            if job.phase == "poll":
                await self._failed(job, record, error)
            return
        self._queue.calm()
        self.failing = None
        if job.phase != "poll":
            return
        job.failures = 0
        self._heard(job, record, task, sent)
        if not task.status.finished and not self._has_failed(job, task):
            await self._still_running(job, record, task)
        elif task.status is Status.COMPLETED:
            await self._completed(job, record, task)
        elif task.refused:
            await self._without_video(job, record, task)
        else:
            await self._ended_badly(job, record, task)

    def _overcharged(self, job: Job, record: Record, task: Task) -> None:
        """Stop submitting: what was estimated, and what the budget was given for, does not hold."""
        if task.cost == record.cost:
            return
        msg = (
            f"the server charges {exact_dollars(total([task.cost]))} for a clip of {job.cell.model} whose known price is "
            f"{exact_dollars(total([record.price]))} (task {task.id}). Nothing more is submitted; what runs is followed. "
            "estimate() counts with the new price, and run() goes on with it as far as the budget allows."
        )
        self._queue.fail(BudgetError(msg))

    def _heard(self, job: Job, record: Record, task: Task, sent: float) -> None:
        """Learn from any answer: the price, the server's clock, its estimate."""
        self._hear_charge(job, record, task)
        now = self._run.clock.time()
        alike = self.schedule.heard(
            job, sent=sent, now=now, created=task.created, estimate=task.estimated_time
        )
        self._plan_anew(alike)

    def _hear_charge(self, job: Job, record: Record, task: Task) -> None:
        """Learn what a clip costs from a task that has made one; stop when any charges more than was known.

        As long as a task runs its cost may be a part of the charge, and what a failed
        one costs is no price of a good one.
        """
        if task.status is Status.COMPLETED:
            self._budget.learn(job.cell, task.cost)
        if record.price is not None and task.cost is not None and task.cost - record.price > NOISE:
            self._overcharged(job, record, task)

    async def _failed(self, job: Job, record: Record, error: APIError | NetworkError) -> None:
        """Ask again later: a failed question is no failed task, unless it is unknown for two minutes."""
        if not getattr(error, "trusted", True):
            raise error
        self.failing = (1 if self.failing is None else self.failing[0] + 1, str(error))
        now = self._run.clock.monotonic()
        if getattr(error, "status", 0) >= HTTPStatus.INTERNAL_SERVER_ERROR or isinstance(error, NetworkError):
            self._queue.breaker.failed(now)
        if isinstance(error, APIError) and await self._is_over(job, record, error, now):
            return
        job.failures += 1
        wait = min(LONGEST_WAIT, max(backoff(job.failures), getattr(error, "retry_after", None) or 0.0))
        if isinstance(error, RateLimitError):
            self._run.client.pace.questions.refused(now, wait)
        self._ask_again(wait, job, record)

    async def _is_over(self, job: Job, record: Record, error: APIError, now: float) -> bool:
        """Whether a task is to be asked for no more: for minutes the API knew none, or refused the key."""
        if is_gone(error):
            if not self.schedule.is_missing(job, now):
                return False
            self._queue.move(job, "over")
            await self._journal.save(
                record, state=State.MISSING, error_class="missing", error=str(error)[:500]
            )
            return True
        if not (isinstance(error, AuthenticationError) and error.genuine):
            self.schedule.not_denied(job)
            return False
        refused_for = self.schedule.denied_for(job, now)
        if refused_for is None:
            return False
        # what is paid is asked for all the same, as long as the answer may be another one
        self._queue.fail(error)
        if refused_for >= REFUSED_FOR:
            self._queue.move(job, "over")
        return job.phase == "over"

    def _ask_again(self, seconds: float, job: Job, record: Record) -> None:
        """Ask later, but leave a task alone that has been stalled for a day."""
        now = self._run.clock.time()
        if record.state == State.STALLED and now - (record.submitted_at or now) > GIVEN_UP_AFTER:
            self._queue.move(job, "over")
        else:
            self._later(seconds, job)

    async def _still_running(self, job: Job, record: Record, task: Task) -> None:
        now, share = self._run.clock.time(), None if task.progress is None else task.progress / 100
        if task.status is Status.QUEUED:
            self._plan(self.schedule.saw_waiting(job, now))
        else:
            self._plan(self.schedule.saw_running(job, now, share))
        state = str(task.status)
        if task.progress is not None:
            self._journal.show(record, progress=max(task.progress, record.progress or 0))
        if self._is_stalled(job, record, task):
            state = State.STALLED
            self._stall(job)
        if state != record.state or task.cost != record.cost:
            created, _ = self._stamps(record, task)
            await self._journal.save(record, state=state, cost=task.cost, created_at=created)
        if job.phase == "poll":
            self._plan_running(job, record)

    def _plan_running(self, job: Job, record: Record) -> None:
        doubts = self.schedule.doubts(job)
        if job in self.stalled:
            self._ask_again(STALLED_INTERVAL, job, record)
        elif doubts is not None:
            self._later(doubts, job)
        elif job.due == math.inf:
            self._plan([job])

    def _has_failed(self, job: Job, task: Task) -> bool:
        """Whether a status that nobody knows is a failure: the same reason stood beside it a minute ago."""
        reason = None if task.error is None else wording(task.error)
        return self.schedule.has_failed(job, reason, self._run.clock.monotonic())

    def _is_stalled(self, job: Job, record: Record, task: Task) -> bool:
        now, queued = self._run.clock.time(), task.status is Status.QUEUED
        return self.schedule.is_stalled(job, queued=queued, submitted=record.submitted_at, now=now)

    def _stall(self, job: Job) -> None:
        """Let a task that is long past all others hold no slot and no place in the window."""
        if job not in self.stalled:
            self.stalled.add(job)
            self._run.count(-1)
            self._plan(self.schedule.dropped(job, self._run.clock.time()))
            self._queue.wake()

    def _leave(self, job: Job, ended: float | None) -> None:
        """Note that a task has ended; the one whose turn has come thereby is asked by its own times."""
        self._plan(self.schedule.left(job, ended, self._run.clock.time()))

    async def _completed(self, job: Job, record: Record, task: Task) -> None:
        if not task.videos:
            await self._without_video(job, record, task)
            return
        ended = self._ended(job, record, task)
        self._learn(job, record, ended)
        self._run.client.pace.finished()
        self._leave(job, ended)
        created, completed = self._stamps(record, task)
        if not task.cost and self._budget.waits_for_price(job.cell):
            self._queue.spawn("charge", None, self._ask_for_charge(job, record))
        await self._journal.save(
            record,
            state=State.DOWNLOADING,
            progress=100,
            cost=task.cost,
            created_at=created,
            completed_at=completed,
            url=task.videos[0].url,
            expires_at=task.videos[0].expires_at,
            further=noted(task.videos, record.further),
        )
        self._fetching.download(job, record)

    async def _ask_for_charge(self, job: Job, record: Record) -> None:
        """Ask an ended task for what it has cost, which some servers tell later than its end."""
        for seconds in CHARGE_ASKED:
            await self._run.clock.sleep(seconds)
            if not self._queue.submits:
                return
            try:
                task = await self._run.client.wire.poll(record.task_id or "")
            except (APIError, NetworkError):
                continue
            if task.cost:
                self._budget.learn(job.cell, task.cost)
                await self._journal.save(record, cost=task.cost)
                return

    def _learn(self, job: Job, record: Record, ended: float | None) -> None:
        """Learn from a completed task how long such tasks take and how far progress can be believed."""
        if ended is None:
            return
        if record.state != State.DOWNLOADING:
            self._queue.meter.delays.append(self.schedule.noticed(ended, self._run.clock.time()))
        seconds = self.schedule.service(job, ended)
        if seconds is not None:
            self._queue.meter.served(record.submitted_at or ended - seconds, seconds)
            self._plan_anew(self.schedule.served(job, seconds))

    async def _ended_badly(self, job: Job, record: Record, task: Task) -> None:
        self._run.client.pace.finished()
        begun, ended = self.schedule.queue.running.get(job), self._ended(job, record, task)
        if begun is not None and ended is not None:
            self._queue.meter.served(record.submitted_at or begun, max(0.0, ended - begun))
        self._leave(job, ended)
        created, completed = self._stamps(record, task)
        self._queue.move(job, "over")
        await self._journal.save(
            record,
            state=State.FAILED,
            progress=None,
            cost=_cost_of_failure(record, task),
            created_at=created,
            completed_at=completed,
            error_class=_failure_class(task),
            error=(task.error or "")[:500],
            reply=_kept(task),
        )

    async def _without_video(self, job: Job, record: Record, task: Task) -> None:
        job.tries += 1
        if job.tries <= MOST_TRIES:
            self._later(2.0 * job.tries, job)
            return
        if task.refused:
            await self._ended_badly(job, record, task)
            return
        self._queue.move(job, "over")
        created, completed = self._stamps(record, task)
        text = f"the task is completed, yet its answer names no video; it is billed. It says: {task.reply}"
        await self._journal.save(
            record,
            state=State.MISSING,
            cost=task.cost,
            created_at=created,
            completed_at=completed,
            error_class="no_media",
            error=cleaned(text, 500),
            reply=_kept(task),
        )


def _is_put(job: Job) -> bool:
    """Whether a job is to be asked as soon as there is room, and no later call said another time."""
    return job.due == -math.inf


def _cost_of_failure(record: Record, task: Task) -> Decimal | None:
    """Return what a task that failed has cost: nothing, unless the server said otherwise or calls it completed."""
    if task.cost is not None or record.cost is not None:
        return task.cost
    return record.price if task.refused else Decimal(0)


def _kept(task: Task) -> bytes | None:
    return None if task.reply is None else task.reply.encode()


def _failure_class(task: Task) -> str:
    said = f"{task.error_code} {task.error}".lower()
    if any(word in said for word in ("moderation", "policy", "safety", "nsfw", "sensitive")):
        return "moderation"
    if task.status is Status.CANCELLED:
        return "cancelled"
    return "invalid" if any(word in said for word in ("invalid", "parameter")) else "failed"
