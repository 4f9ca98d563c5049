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
from gridgen.outcome import is_gone
from gridgen.pacing import LONGEST_WAIT, backoff, wording
from gridgen.pacing.schedule import STALLED_INTERVAL, Schedule, credible
from gridgen.states import AT_SERVER, State
from gridgen.task import Status, Task, cleaned

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gridgen.client import Client
    from gridgen.journal import Journal, Record
    from gridgen.sweep.agenda import Agenda, Item
    from gridgen.sweep.budget import Budget
    from gridgen.sweep.fetching import Fetching

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
    agenda : Agenda
    client : Client
    journal : Journal
    budget : Budget
        Learns what tasks cost.
    fetching : Fetching
        Takes over what is completed.

    Attributes
    ----------
    schedule : Schedule
        Whom to ask next, and when.
    stalled : set of Item
        Tasks long past what any task takes.
    failing : tuple of int and str, or None
        How many questions failed in a row, and why the last one did.
    """

    def __init__(
        self, agenda: Agenda, client: Client, journal: Journal, budget: Budget, fetching: Fetching
    ) -> None:
        self._agenda, self._client, self._journal = agenda, client, journal
        self._budget, self._fetching = budget, fetching
        self._questions = client.pace.questions
        self.schedule: Schedule[Item] = Schedule(agenda.clock.time())
        self.stalled: set[Item] = set()
        self.failing: tuple[int, str] | None = None
        self._open = 0

    @property
    def waiting(self) -> bool:
        """Whether a question could be asked now."""
        return self.schedule.waiting

    @property
    def others(self) -> int:
        """How many open tasks of the key are not this sweep's."""
        return self._client.pace.open - self._open

    def use(self, client: Client) -> None:
        """Go on with another client of the same service."""
        self._client.pace.count(-self._open)
        self._client, self._questions = client, client.pace.questions
        client.pace.count(self._open)

    def forgive(self) -> None:
        """Count failed questions, and the time without any end, anew."""
        self.schedule.forgive(self._agenda.clock.time())

    def follow(self, item: Item) -> None:
        """Ask for a task that was just accepted when it may be done."""
        self.schedule.accepted(item, item.cell, self._agenda.clock.time())
        self._plan([item])

    def take_on(self, item: Item, record: Record) -> None:
        """Follow a task that an earlier run submitted: ask for it soon."""
        self._agenda.move(item, "poll")
        self.schedule.resumed(item, item.cell, record.submitted_at or self._agenda.clock.time())
        self._put(item, 0.0)

    def ask(self, item: Item) -> None:
        """Ask for a task whose time has come as soon as there is room, the likeliest to have ended first."""
        if item.phase == "poll":
            self._put(item, self.schedule.likely(item, self._agenda.clock.time()))

    def due(self, now: float) -> float:
        """Return when a question may leave that waits for nothing else, infinity when none does."""
        look = self.schedule.line.next_look
        if self.schedule.waiting:
            wait = self._questions.wait(now)
            look = min(look, now + wait) if wait > 0 else look
        return max(look, now + 0.05)

    def start(self, now: float) -> None:
        """Begin the questions that may be asked now."""
        flying, schedule = self._agenda.flying, self.schedule
        telling = schedule.line.look(now)
        if telling is not None:
            self._put(telling, math.inf)
        schedule.rank(self._agenda.clock.time(), now, room=CONTROL, waits=_is_put)
        most = self._agenda.storm.most(now, CONTROL - flying["submit"])
        while schedule.waiting and flying["poll"] < most and self._questions.wait(now) <= 0:
            item = schedule.pop()
            if not _is_put(item):
                continue
            item.due = math.inf
            self._questions.take(now)
            self._agenda.spawn("poll", item, self._poll(item))
        self._agenda.crowded |= schedule.waiting

    def moved(self, item: Item, before: str, after: str) -> None:
        """Note that an item went from one phase to another."""
        if after in AT_SERVER and before not in AT_SERVER:
            self._count(1)
        elif before in AT_SERVER and after not in AT_SERVER and item not in self.stalled:
            self._count(-1)
        if before == "poll":
            self.stalled.discard(item)
            self._plan(self.schedule.dropped(item, self._agenda.clock.time()))
            self.schedule.forget(item)
            item.due = math.inf

    def close(self) -> None:
        """Give up all places in the window: nobody follows these tasks any more."""
        self._count(-self._open)

    def _count(self, more: int) -> None:
        self._open += more
        self._client.pace.count(more)

    def _put(self, item: Item, likely: float) -> None:
        item.due = -math.inf
        self.schedule.put(item, likely)

    def _plan(self, items: Iterable[Item]) -> None:
        """Set when these are asked next."""
        now, planned = self._agenda.clock.time(), self._agenda.phases["planned"]
        for item in items:
            self._later(self.schedule.wait(item, now, planned=planned), item)

    def _plan_anew(self, items: Iterable[Item]) -> None:
        """Set when those of these are asked that are not being asked, now that more is known."""
        self._plan([item for item in items if -math.inf < item.due < math.inf])

    def _later(self, seconds: float, item: Item) -> None:
        """Ask after a while, but for no reason later than in ten minutes."""
        self._agenda.later(min(LONGEST_WAIT, max(0.0, seconds)), "poll", item)

    def _ended(self, item: Item, record: Record, task: Task) -> float | None:
        """Return when a task ended on our clock, None where its stamp contradicts what we have seen."""
        return self.schedule.ended(item, task.completed, record.submitted_at, self._agenda.clock.time())

    def _stamps(self, record: Record, task: Task) -> tuple[float | None, float | None]:
        """Return when a task began and ended by the server's stamps, without what cannot be true by our clock."""
        now, submitted = self._agenda.clock.time(), (record.submitted_at or 0.0) if record.tries else None
        return credible(task.created, submitted, now), credible(task.completed, submitted, now)

    # Answers

    async def _poll(self, item: Item) -> None:
        record = self._journal.records[item.slot]
        self._agenda.meter.requests["polls"] += 1
        sent = self._agenda.clock.time()
        try:
            task = await self._client.wire.poll(record.task_id or "")
        except (APIError, NetworkError) as error:
            if item.phase == "poll":
                await self._failed(item, record, error)
            return
        self._agenda.calm()
        self.failing = None
        if item.phase != "poll":
            return
        item.failures = 0
        self._heard(item, record, task, sent)
        if not task.status.finished and not self._has_failed(item, task):
            await self._still_running(item, record, task)
        elif task.status is Status.COMPLETED:
            await self._completed(item, record, task)
        elif task.refused:
            await self._without_video(item, record, task)
        else:
            await self._ended_badly(item, record, task)

    def _overcharged(self, item: Item, record: Record, task: Task) -> None:
        """Stop submitting: what was estimated, and what the budget was given for, does not hold."""
        if task.cost == record.cost:
            return
        msg = (
            f"the server charges ${task.cost:.4f} for a clip of {item.cell.model} whose known price is "
            f"${record.price:.4f} (task {task.id}). Nothing more is submitted; what runs is followed. "
            "estimate() counts with the new price, and run() goes on with it as far as the budget allows."
        )
        self._agenda.fail(BudgetError(msg))

    def _heard(self, item: Item, record: Record, task: Task, sent: float) -> None:
        """Learn from any answer: the price, the server's clock, its estimate."""
        self._hear_charge(item, record, task)
        now = self._agenda.clock.time()
        alike = self.schedule.heard(
            item, sent=sent, now=now, created=task.created, estimate=task.estimated_time
        )
        self._plan_anew(alike)

    def _hear_charge(self, item: Item, record: Record, task: Task) -> None:
        """Learn what a clip costs from a task that has made one; stop when any charges more than was known.

        As long as a task runs its cost may be a part of the charge, and what a failed
        one costs is no price of a good one.
        """
        if task.status is Status.COMPLETED:
            self._budget.learn(item.cell, task.cost)
        if record.price is not None and task.cost is not None and task.cost - record.price > NOISE:
            self._overcharged(item, record, task)

    async def _failed(self, item: Item, record: Record, error: APIError | NetworkError) -> None:
        """Ask again later: a failed question is no failed task, unless it is unknown for two minutes."""
        if not getattr(error, "trusted", True):
            raise error
        self.failing = (1 if self.failing is None else self.failing[0] + 1, str(error))
        now = self._agenda.clock.monotonic()
        if getattr(error, "status", 0) >= HTTPStatus.INTERNAL_SERVER_ERROR or isinstance(error, NetworkError):
            self._agenda.storm.failed(now)
        if isinstance(error, APIError) and await self._is_over(item, record, error, now):
            return
        item.failures += 1
        wait = min(LONGEST_WAIT, max(backoff(item.failures), getattr(error, "retry_after", None) or 0.0))
        if isinstance(error, RateLimitError):
            self._questions.refused(now, wait)
        self._ask_again(wait, item, record)

    async def _is_over(self, item: Item, record: Record, error: APIError, now: float) -> bool:
        """Whether a task is to be asked for no more: for minutes the API knew none, or refused the key."""
        if is_gone(error):
            if not self.schedule.is_missing(item, now):
                return False
            self._agenda.move(item, "over")
            await self._journal.save(
                record, state=State.MISSING, error_class="missing", error=str(error)[:500]
            )
            return True
        if not (isinstance(error, AuthenticationError) and error.genuine):
            self.schedule.not_denied(item)
            return False
        refused_for = self.schedule.denied_for(item, now)
        if refused_for is None:
            return False
        # what is paid is asked for all the same, as long as the answer may be another one
        self._agenda.fail(error)
        if refused_for >= REFUSED_FOR:
            self._agenda.move(item, "over")
        return item.phase == "over"

    def _ask_again(self, seconds: float, item: Item, record: Record) -> None:
        """Ask later, but leave a task alone that has been stalled for a day."""
        now = self._agenda.clock.time()
        if record.state == State.STALLED and now - (record.submitted_at or now) > GIVEN_UP_AFTER:
            self._agenda.move(item, "over")
        else:
            self._later(seconds, item)

    async def _still_running(self, item: Item, record: Record, task: Task) -> None:
        now, share = self._agenda.clock.time(), None if task.progress is None else task.progress / 100
        if task.status is Status.QUEUED:
            self._plan(self.schedule.saw_waiting(item, now))
        else:
            self._plan(self.schedule.saw_running(item, now, share))
        state = str(task.status)
        if task.progress is not None:
            self._journal.show(record, progress=max(task.progress, record.progress or 0))
        if self._is_stalled(item, record, task):
            state = State.STALLED
            self._stall(item)
        if state != record.state or task.cost != record.cost:
            created, _ = self._stamps(record, task)
            await self._journal.save(record, state=state, cost=task.cost, created_at=created)
        if item.phase == "poll":
            self._plan_running(item, record)

    def _plan_running(self, item: Item, record: Record) -> None:
        doubts = self.schedule.doubts(item)
        if item in self.stalled:
            self._ask_again(STALLED_INTERVAL, item, record)
        elif doubts is not None:
            self._later(doubts, item)
        elif item.due == math.inf:
            self._plan([item])

    def _has_failed(self, item: Item, task: Task) -> bool:
        """Whether a status that nobody knows is a failure: the same reason stood beside it a minute ago."""
        reason = None if task.error is None else wording(task.error)
        return self.schedule.has_failed(item, reason, self._agenda.clock.monotonic())

    def _is_stalled(self, item: Item, record: Record, task: Task) -> bool:
        now, queued = self._agenda.clock.time(), task.status is Status.QUEUED
        return self.schedule.is_stalled(item, queued=queued, submitted=record.submitted_at, now=now)

    def _stall(self, item: Item) -> None:
        """Let a task that is long past all others hold no slot and no place in the window."""
        if item not in self.stalled:
            self.stalled.add(item)
            self._count(-1)
            self._plan(self.schedule.dropped(item, self._agenda.clock.time()))
            self._agenda.wake()

    def _leave(self, item: Item, ended: float | None) -> None:
        """Note that a task has ended; the one whose turn has come thereby is asked by its own times."""
        self._plan(self.schedule.left(item, ended, self._agenda.clock.time()))

    async def _completed(self, item: Item, record: Record, task: Task) -> None:
        if not task.videos:
            await self._without_video(item, record, task)
            return
        ended = self._ended(item, record, task)
        self._learn(item, record, ended)
        self._client.pace.finished()
        self._leave(item, ended)
        created, completed = self._stamps(record, task)
        if not task.cost and self._budget.waits_for_price(item.cell):
            self._agenda.spawn("charge", None, self._ask_for_charge(item, record))
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
        self._fetching.download(item, record)

    async def _ask_for_charge(self, item: Item, record: Record) -> None:
        """Ask an ended task for what it has cost, which some servers tell later than its end."""
        for seconds in CHARGE_ASKED:
            await self._agenda.clock.sleep(seconds)
            if not self._agenda.submits:
                return
            try:
                task = await self._client.wire.poll(record.task_id or "")
            except (APIError, NetworkError):
                continue
            if task.cost:
                self._budget.learn(item.cell, task.cost)
                await self._journal.save(record, cost=task.cost)
                return

    def _learn(self, item: Item, record: Record, ended: float | None) -> None:
        """Learn from a completed task how long such tasks take and how far progress can be believed."""
        if ended is None:
            return
        if record.state != State.DOWNLOADING:
            self._agenda.meter.delays.append(self.schedule.noticed(ended, self._agenda.clock.time()))
        seconds = self.schedule.service(item, ended)
        if seconds is not None:
            self._agenda.meter.served(record.submitted_at or ended - seconds, seconds)
            self._plan_anew(self.schedule.served(item, seconds))

    async def _ended_badly(self, item: Item, record: Record, task: Task) -> None:
        self._client.pace.finished()
        begun, ended = self.schedule.line.running.get(item), self._ended(item, record, task)
        if begun is not None and ended is not None:
            self._agenda.meter.served(record.submitted_at or begun, max(0.0, ended - begun))
        self._leave(item, ended)
        created, completed = self._stamps(record, task)
        self._agenda.move(item, "over")
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

    async def _without_video(self, item: Item, record: Record, task: Task) -> None:
        item.tries += 1
        if item.tries <= MOST_TRIES:
            self._later(2.0 * item.tries, item)
            return
        if task.refused:
            await self._ended_badly(item, record, task)
            return
        self._agenda.move(item, "over")
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


def _is_put(item: Item) -> bool:
    """Whether an item is to be asked as soon as there is room, and no later call said another time."""
    return item.due == -math.inf


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
