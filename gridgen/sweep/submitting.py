"""Sending what is planned: when the rate, the window, the server's queue and the budget allow it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sqlite3
from collections import deque
from typing import TYPE_CHECKING

from gridgen.client import CONTROL
from gridgen.client.upload import encoded
from gridgen.errors import APIError, GridError, GridgenError, JournalError, NetworkError
from gridgen.money import Answer
from gridgen.outcome import Accepted, Ambiguous, NotApplied, NotSent, Outcome, Rejected
from gridgen.pacing import LONGEST_WAIT, Backoff, RepeatedRefusalBreaker
from gridgen.states import State
from gridgen.sweep.fetching import SECOND_TASK
from gridgen.sweep.uploading import Uploading

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from decimal import Decimal

    from gridgen.journal import Record, Sender
    from gridgen.pacing import Bucket
    from gridgen.sweep.budget import Budget
    from gridgen.sweep.polling import Polling
    from gridgen.sweep.run import Run
    from gridgen.sweep.sharing import Sharing
    from gridgen.sweep.work_queue import Job

__all__ = ["Submitting"]

_log = logging.getLogger("gridgen")

MOST_UNSENT = 6
SHORTEST_REST = 0.001
"""Seconds; a clock may not tell shorter waits from none."""


class StoppedError(GridgenError):
    """Submitting was stopped, by a person or an error, before this request left."""


class OverBudgetError(GridgenError):
    """A budget that is wider than the sweep's own forbade it at the last moment: another sweep or process was quicker."""


class TakenError(GridgenError):
    """Another machine has the clip."""


class NotYetError(GridgenError):
    """The rate that several machines share lets it out later."""


class Submitting:
    """The submissions of a run, in order, and what becomes of each.

    Parameters
    ----------
    run : Run
    budget : Budget
    polling : Polling
        Follows what was accepted.
    lost : callable
        Awaited with a job and its record when the answer was lost.
    sharing : Sharing or None
        Claims what leaves where other machines make the same clips.
    taken : callable
        Called with a job that another machine has.
    """

    def __init__(
        self,
        run: Run,
        budget: Budget,
        polling: Polling,
        *,
        lost: Callable[[Job, Record, Ambiguous], Awaitable[None]],
        sharing: Sharing | None,
        taken: Callable[[Job], None],
    ) -> None:
        self._lost, self._sharing, self._taken = lost, sharing, taken
        self._run, self._queue, self._journal = run, run.queue, run.journal
        self._budget, self._polling = budget, polling
        self._uploading = Uploading(run)
        self._planned: deque[Job] = deque()
        self._unsent, self._refused, self._alike = Backoff(), Backoff(), RepeatedRefusalBreaker()
        self._blocked: tuple[str, float] | None = None
        self._late = False
        self._paused: tuple[str, float, float] | None = None

    @property
    def pausing(self) -> tuple[str, float] | None:
        """Why nothing is submitted just now, and until when (Unix seconds)."""
        if self._paused is None or self._run.clock.monotonic() >= self._paused[1]:
            return None
        return self._paused[0], self._paused[2]

    @property
    def _bucket(self) -> Bucket:
        return self._run.client.pace.submits

    @property
    def slow(self) -> str | None:
        """What the next submission waits for: rate, concurrency or requests."""
        return None if self._blocked is None else self._blocked[0]

    def plan(self, job: Job) -> None:
        """Put a job at the end of the line."""
        self._queue.move(job, "planned")
        self._planned.append(job)
        self._uploading.expect(job.cell)

    @property
    def uploads(self) -> int:
        """How many pictures of one's own are still to be sent to the server."""
        return self._uploading.waiting

    def forget(self, job: Job) -> None:
        """Take a job out of the line."""
        with contextlib.suppress(ValueError):
            self._planned.remove(job)

    @property
    def waiting(self) -> bool:
        """Whether anything is planned."""
        return bool(self._planned)

    def due(self, now: float) -> float:
        """Return when the rate lets the next submission out, infinity when it has held none back in this round."""
        late, self._late = self._late, False
        if not late or not self._queue.submits:
            return float("inf")
        return now + max(self._bucket.wait(now), SHORTEST_REST)

    def start(self, now: float) -> None:
        """Begin the submissions that may leave now."""
        if self._budget.eased:
            for job in self._budget.freed():
                self.plan(job)
        while self._planned and self._queue.submits:
            if self._hindered(now) or self._queue.breaker.open or self._queue.results.open:
                return
            job = self._planned.popleft()
            # money before the turn: one that is taken and not used would be lost to the key's other processes
            if self._budget.allows(job).answer is not Answer.YES:
                self._queue.move(job, "held")
                self._budget.hold(job)
                continue
            if not self._takes_shared_turn(now):
                # it keeps its place, so that grids are made in their order
                self._planned.appendleft(job)
                return
            # until its intent is in the journal nothing else knows of this money
            self._budget.reserve(job)
            self._queue.move(job, "submit")
            self._queue.spawn("submit", job, self._submit(job))
        self._blocked = None

    def takes_turn(self, now: float) -> bool:
        """Whether a submission that is not in the line may leave now; if so it has been counted."""
        if self._queue.breaker.open or self._queue.results.open:
            return False
        self._late = self._late or self._bucket.wait(now) > 0
        return not self._late and self._takes_shared_turn(now)

    def _takes_shared_turn(self, now: float) -> bool:
        """Take a turn among all processes that use the key; without one, wait as long as the others need."""
        limiter = self._run.client.limiter
        burst = max(1.0, self._bucket.burst - 1.0)
        wait = 0.0 if limiter is None else limiter.acquire(rate=self._bucket.current(now), burst=burst)
        if wait > 0:
            self._bucket.pause(now, wait)
            self._late = True
            return False
        self._bucket.take(now)
        return True

    def _hindered(self, now: float) -> bool:
        """Whether no submission may leave now; keeps account of what it waits for."""
        if self._blocked is not None:
            why, since = self._blocked
            self._queue.meter.lost(why, now - since)
        found = self._hindrance(now)
        self._blocked = None if found is None else (found, now)
        return found is not None

    def _hindrance(self, now: float) -> str | None:
        flying = self._queue.flying
        if self._bucket.wait(now) > 0:
            self._late = True
            return "rate"
        if self._is_window_full() or self._polling.schedule.queue_is_long:
            return "concurrency"
        if flying["submit"] + flying["poll"] >= CONTROL:
            self._queue.crowded = True
            return "requests"
        return None

    def _is_window_full(self) -> bool:
        """Whether the key has as many open tasks as it may; some may be another sweep's, whose end is told then."""
        pace = self._run.client.pace
        if pace.open < pace.window.limit:
            return False
        pace.waiting.add(self._queue.wake)
        self._queue.yielding = self._run.others > 0
        return True

    def resume(self) -> None:
        """Try again what this run had given up."""
        self._uploading.resume()

    async def _submit(self, job: Job) -> None:
        # a refusal tells how many were open when it left, which other answers may change meanwhile
        beside = self._run.client.pace.open - 1
        try:
            if self._budget.asks(job.cell) and not await self._priced(job):
                return
            body = await self._body(job)
            if isinstance(body, bytes):
                record = await self._prepared(job, body)
                outcome = await self.send(record, lambda sender: self._intend(job, record, sender))
        except OverBudgetError:
            self._queue.move(job, "held")
            self._budget.hold(job)
            return
        except TakenError:
            self._taken(job)
            return
        except NotYetError:
            self._queue.move(job, "planned")
            self._planned.appendleft(job)
            return
        finally:
            # its intent is written by now, and counts by itself, or nothing has left
            self._budget.release(job)
        if isinstance(body, bytes):
            if isinstance(outcome, Accepted):
                self._run.client.pace.accepted(beside)
            await self.apply(job, record, outcome, beside=beside)
        else:
            await self._unfit(job, body)

    async def _body(self, job: Job) -> bytes | GridError | NotSent | NotApplied | Rejected:
        try:
            return await self._uploading.body(job.cell, job.take)
        # a picture of the folder that is gone or another one by now is its cells' fault alone
        except GridError as error:
            return error

    async def _priced(self, job: Job) -> bool:
        """Ask once more for a price before a clip is paid blindly; say whether it may still leave."""
        try:
            price = await self._run.client.wire.price(job.cell.model)
        # a server that answers and has no list: the rule for unknown prices holds, as it would with an empty one
        except APIError:
            return True
        except NetworkError as error:
            await self._unfit(job, NotSent(str(error)))
            return False
        self._budget.hear_price(job.cell.model, price)
        self._budget.release(job)
        if self._budget.allows(job).answer is Answer.YES:
            self._budget.reserve(job)
            return True
        self._queue.move(job, "held")
        self._budget.hold(job)
        return False

    async def _intend(self, job: Job, record: Record, sender: Sender) -> None:
        price = self._budget.price(job.cell)
        # before the intent: a process that dies between them leaves money counted, and not money spent that nobody counts
        if (await self._budget.claim(record, price)).answer is not Answer.YES:
            raise OverBudgetError
        try:
            if self._sharing is not None:
                await self._claim(self._sharing, record, price)
            await self._journal.intend(record, job.cell, price=price, sender=sender)
            self._check_age(record)
        except BaseException:
            # it does not leave, so that nothing of it counts anywhere
            self._budget.give_back(record)
            if self._sharing is not None:
                self._sharing.give_back(record)
            raise

    def _check_age(self, record: Record) -> None:
        """Raise where the claim is so old, as after a sleep, that the others may have settled it as unknown."""
        if self._sharing is not None and self._sharing.is_too_old(record):
            msg = "its claim in the ledger has grown too old"
            raise StoppedError(msg)

    async def _claim(self, sharing: Sharing, record: Record, price: Decimal | None) -> None:
        """Claim clip, money and turn for all machines in one step; raise where one of them is not to be had now."""
        reply = await sharing.claim(record, price)
        if reply.taken:
            raise TakenError
        if reply.verdict.answer is not Answer.YES:
            self._budget.binding = reply.verdict.cap or self._budget.binding
            raise OverBudgetError
        if not reply.n:
            self._late = True
            self._bucket.pause(self._run.clock.monotonic(), max(reply.wait, SHORTEST_REST))
            raise NotYetError

    async def _prepared(self, job: Job, body: bytes) -> Record:
        record = self._journal.prepare(origin=job.slot.origin, cell=job.cell, take=job.take, body=body)
        if not self._journal.is_own(record, body):
            # a link in it has died, or somebody else planned it: what leaves is what the cell says. What an attempt
            # sends never changes, so another one begins
            record = await self._journal.again(record, ending=State.REJECTED, body=body)
        return record

    async def send(self, record: Record, intend: Callable[[Sender], Awaitable[None]]) -> Outcome:
        """Send one submission unless that was stopped; the intent is written right before it leaves."""
        queue = self._queue
        # it leaves as this one's, whoever takes its place while a connection is made
        client, sender = self._run.client, self._run.sender

        async def on_sending() -> None:
            # durable before the first byte: a process that dies in between finds it, and asks instead of paying again
            if queue.submits:
                await intend(sender)
            # a person may have stopped it while the disk was waited for; then no byte leaves
            if not queue.submits:
                raise StoppedError

        queue.meter.began = self._run.clock.monotonic() if queue.meter.began is None else queue.meter.began
        queue.meter.requests["submissions"] += 1
        try:
            outcome = await client.wire.send(
                record.body, idempotency_key=record.idempotency_key, on_sending=on_sending
            )
        except StoppedError as error:
            outcome = NotSent(str(error) or "stopped")
        except asyncio.CancelledError:
            # before its intent nothing has left; after it the request may have arrived, which is for classify to say
            if record.state != State.SENDING:
                raise
            outcome = Ambiguous("cancelled while the request was on its way")
        if isinstance(outcome, (NotSent, NotApplied)) or (
            isinstance(outcome, Rejected) and outcome.everywhere
        ):
            queue.meter.requests["refused"] += 1
        return outcome

    async def _unfit(self, job: Job, why: GridError | NotSent | NotApplied | Rejected) -> None:
        """Deal with a picture that did not get to the server, or a price that could not be asked for."""
        body = encoded(job.cell, {}, job.take)
        record = self._journal.prepare(origin=job.slot.origin, cell=job.cell, take=job.take, body=body)
        match why:
            case GridError():
                await self._refuse(job, record, str(why))
            case Rejected(error, everywhere) if not everywhere:
                await self._refuse(job, record, f"the server refused a picture: {error}")
            case _:
                await self._unapplied(job, record, why)

    async def _refuse(self, job: Job, record: Record, text: str) -> None:
        self._queue.move(job, "over")
        await self._journal.refuse(record, job.cell, text)

    async def apply(self, job: Job, record: Record, outcome: Outcome, *, beside: int = 0) -> None:
        """Write down what became of a submission beside so many open tasks, and go on from there."""
        match outcome:
            case Accepted():
                self._queue.calm()
                self._unsent.failures = self._refused.failures = self._alike.count = 0
                await self._accepted(job, record, outcome)
            case Ambiguous(pending=pending):
                _log.info("the answer to row %d was lost: %s", job.index, outcome.evidence)
                if pending is None:
                    self._queue.breaker.failed(self._run.clock.monotonic())
                await self._lost(job, record, outcome)
            case Rejected(error, everywhere) if not everywhere:
                _log.info("the server refused row %d: HTTP %d", job.index, error.status)
                self._queue.move(job, "over")
                await self._journal.save(
                    record, state=State.REJECTED, error_class="invalid", error=str(error)[:500]
                )
                self._break_off(error)
            case _:
                await self._unapplied(job, record, outcome, beside)

    def _break_off(self, error: APIError) -> None:
        """Stop submitting when refusals in a row are all alike: the rest would fare no better."""
        if not self._alike.refused(str(error)) or not self._planned:
            return
        msg = (
            f"{self._alike.count} submissions in a row were refused in the same words ({error}), so the other "
            f"{len(self._planned)} are not sent. Mend the grid, or run() again to go on all the same."
        )
        self._alike.count = 0
        self._queue.fail(type(error)(msg, status=error.status, code=error.code, request_id=error.request_id))

    async def _accepted(self, job: Job, record: Record, outcome: Accepted) -> None:
        """Keep the task's id: try for half a minute, and tell it to the person if the disk refuses."""
        # paid, and this id is the only way to the clip
        task_id, further = outcome.task_id, _further(outcome)
        _log.info("submitted row %d as task %s", job.index, task_id)
        self._queue.move(job, "poll")
        wait = Backoff()
        while True:
            try:
                await self._journal.save(
                    record,
                    durable=True,
                    detail=further,
                    state=State.QUEUED,
                    task_id=task_id,
                    error_class=None if further is None else SECOND_TASK,
                    error=further,
                )
            except JournalError as error:
                # one task for two clips: whose it is nobody here can tell, so this one waits for a person
                if isinstance(error.__cause__, sqlite3.IntegrityError):
                    await self._lost(job, record, _taken(task_id))
                    return
                msg = f"{error} Task {task_id} is paid and could not be noted in the journal: write its id down."
                self._queue.error = JournalError(msg)
                if wait.failures >= MOST_UNSENT:
                    raise self._queue.error from error
                await self._run.clock.sleep(wait.failed())
            else:
                break
        self._polling.follow(job)

    async def _unapplied(
        self, job: Job, record: Record, outcome: NotSent | NotApplied | Rejected, beside: int = 0
    ) -> None:
        """Plan a job again whose submission provably did nothing."""
        if self._journal.records.get(job.slot) is record and record.state == State.SENDING:
            # proven not applied, so the same attempt may leave again under the same key
            await self._journal.save(record, state=State.PLANNED, submitted_at=None)
        if isinstance(outcome, Rejected):
            self._queue.fail(outcome.error)
        else:
            self.pause(outcome, beside)
        self._queue.move(job, "planned")
        self._planned.appendleft(job)

    def pause(self, outcome: Outcome, beside: int = 0) -> None:
        """After a submission that did nothing, let none out for a while: as long as its answer asks for."""
        if not isinstance(outcome, (NotSent, NotApplied)):
            return
        now = self._run.clock.monotonic()
        if isinstance(outcome, NotApplied):
            asked = outcome.retry_after
            wait = min(LONGEST_WAIT, 10 * self._refused.failed() if asked is None else asked)
            self._run.client.pace.refused(now, wait, beside)
            self._hold_back(now, wait, _left_alone(outcome))
            # the key was refused, not this process
            if self._run.client.limiter is not None:
                self._run.client.limiter.pause(wait)
            if self._sharing is not None:
                self._sharing.paused(wait)
        elif self._queue.submits:
            self._hold_back(now, self._unsent.failed(), f"a connection to {self._run.client.host}")
            if self._unsent.failures >= MOST_UNSENT or outcome.hopeless:
                msg = f"no connection to {self._run.client.host} ({outcome.evidence}). Nothing was sent; run() goes on."
                self._queue.fail(NetworkError(msg))

    def _hold_back(self, now: float, seconds: float, why: str) -> None:
        _log.info("nothing is submitted for %.1f s: %s", seconds, why)
        self._bucket.pause(now, seconds)
        self._paused = (why, now + seconds, self._run.clock.time() + seconds)


def _left_alone(outcome: NotApplied) -> str:
    """Return what is waited for after a refusal that asks for a pause, however long."""
    asked = outcome.retry_after or 0.0
    if asked <= LONGEST_WAIT:
        return "the server, which asked to be left alone (HTTP 429)"
    return (
        f"the server, which asked to be left alone for {asked / 3600:,.1f} hours ({str(outcome.error)[:200]}); "
        f"it is tried again after {LONGEST_WAIT / 60:.0f} minutes at most"
    )


def _further(outcome: Accepted) -> str | None:
    """Return what to tell of tasks that one submission made besides its own."""
    if not outcome.others:
        return None
    named = ", ".join(outcome.others)[:300]
    return f"the server made more than one task of this submission, which may be billed as well: {named}"


def _taken(task_id: str) -> Ambiguous:
    """Return what became of a submission that was answered with the task of another one."""
    evidence = f"the server answered with task {task_id}, which is another clip's already"
    return Ambiguous(evidence, final=True)
