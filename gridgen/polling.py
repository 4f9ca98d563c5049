"""Following what was accepted: asking each task when it is likely to be done, until it has ended."""

from __future__ import annotations

import math
from collections import deque
from decimal import Decimal
from http import HTTPStatus
from typing import TYPE_CHECKING

from gridgen.client import CONTROL
from gridgen.errors import APIError, AuthenticationError, BudgetError, NetworkError
from gridgen.pacing import LONGEST, ServiceTimes, Window
from gridgen.task import Status, Task

if TYPE_CHECKING:
    from gridgen.agenda import Agenda, Item
    from gridgen.budget import Budget
    from gridgen.client import Client
    from gridgen.fetching import Fetching
    from gridgen.journal import Journal, Record

__all__ = ["Polling"]

MOST_TRIES = 4
MISSING_AFTER = 120.0
STALLED_AFTER = 900.0
STALLED_INTERVAL = 60.0
GIVEN_UP_AFTER = 86_400.0
"""Seconds after which a stalled task is left alone; the next run asks for it again."""


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
    window : Window
        How many tasks may be open at once.
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
        self.window = Window()
        self.stalled: set[Item] = set()
        self.failing: tuple[int, str] | None = None
        self._ready: deque[Item] = deque()
        self._services: dict[tuple[str, int, str], ServiceTimes] = {}
        self._at_server: dict[Item, Status] = {}
        self._queued = 0

    @property
    def waiting(self) -> bool:
        """Whether a question could be asked now."""
        return bool(self._ready)

    @property
    def queue_is_long(self) -> bool:
        """Whether the server has enough waiting that more would only wait there too."""
        return self._queued > 2 + (len(self._at_server) - self._queued) // 4

    def use(self, client: Client) -> None:
        """Go on with another client of the same service."""
        self._client = client

    def follow(self, item: Item) -> None:
        """Ask for a task that was just accepted when it may be done."""
        self._agenda.later(self._service(item).hazard.next_check(0.0), "poll", item)

    def ask(self, item: Item) -> None:
        """Ask for a task as soon as a place is free."""
        self._agenda.move(item, "poll")
        self._ready.append(item)

    def start(self) -> None:
        """Begin the questions that may be asked now."""
        flying = self._agenda.flying
        most = self._agenda.storm.most(self._agenda.clock.monotonic(), CONTROL - flying["submit"])
        while self._ready and flying["poll"] < most:
            item = self._ready.popleft()
            self._agenda.spawn("poll", item, self._poll(item))

    def moved(self, item: Item, before: str, after: str) -> None:
        """Note that an item went from one phase to another."""
        if before == "poll" or after == "over":
            self.stalled.discard(item)
            self._queued -= self._at_server.pop(item, None) is Status.QUEUED

    def _service(self, item: Item) -> ServiceTimes:
        key = (item.cell.model, item.cell.seconds, item.cell.quality or "")
        return self._services.setdefault(key, ServiceTimes())

    def _record(self, item: Item) -> Record:
        return self._journal.records[item.slot]

    async def _poll(self, item: Item) -> None:
        record = self._record(item)
        self._agenda.meter.requests["polls"] += 1
        try:
            task = await self._client.poll(record.task_id or "")
        except (APIError, NetworkError) as error:
            await self._failed(item, record, error)
            return
        self._agenda.storm.calm()
        self.failing = None
        item.backoff.failures, item.missing_since = 0, None
        if self._budget.learn(item.cell, record, task.cost):
            self._overcharged(item, record, task)
        if not task.status.finished:
            await self._still_running(item, record, task)
        elif task.status is Status.COMPLETED:
            await self._completed(item, record, task)
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

    async def _failed(self, item: Item, record: Record, error: APIError | NetworkError) -> None:
        """Ask again later: a failed question is no failed task, unless it is unknown for two minutes."""
        if isinstance(error, AuthenticationError) or not getattr(error, "trusted", True):
            raise error
        self.failing = (1 if self.failing is None else self.failing[0] + 1, str(error))
        now = self._agenda.clock.monotonic()
        if getattr(error, "status", 0) >= HTTPStatus.INTERNAL_SERVER_ERROR or isinstance(error, NetworkError):
            self._agenda.storm.failed(now)
        if getattr(error, "status", None) == HTTPStatus.NOT_FOUND:
            item.missing_since = now if item.missing_since is None else item.missing_since
            if now - item.missing_since >= MISSING_AFTER:
                self._agenda.move(item, "over")
                await self._journal.save(
                    record, state="missing", error_class="missing", error=str(error)[:500]
                )
                return
        wait = max(item.backoff.failed(), getattr(error, "retry_after", None) or 0.0)
        self._ask_again(wait, item, record)

    def _ask_again(self, seconds: float, item: Item, record: Record) -> None:
        """Ask later, but leave a task alone that has been stalled for a day."""
        now = self._agenda.clock.time()
        if record.state == "stalled" and now - (record.submitted_at or now) > GIVEN_UP_AFTER:
            self._agenda.move(item, "over")
        else:
            self._agenda.later(seconds, "poll", item)

    async def _still_running(self, item: Item, record: Record, task: Task) -> None:
        now = self._agenda.clock.time()
        service = self._service(item)
        service.estimate = service.estimate or task.estimated_time
        waited = self._at_server.get(item) is Status.QUEUED
        self._queued += (task.status is Status.QUEUED) - waited
        self._at_server[item] = task.status
        state = str(task.status)
        if task.status is Status.QUEUED:
            wait = self._turn(item, service)
        else:
            if item.started is None:
                item.started = now if waited else (record.submitted_at or now)
            age = max(0.0, now - item.started)
            wait = service.hazard.next_check(age) - age
        age = now - (record.submitted_at or now)
        if age > STALLED_AFTER and age > service.hazard.latest() and task.status is not Status.QUEUED:
            state, wait = "stalled", STALLED_INTERVAL
            self.stalled.add(item)
        if task.progress is not None:
            self._journal.show(record, progress=max(task.progress, record.progress or 0))
        if state != record.state or task.cost != record.cost:
            await self._journal.save(record, state=state, cost=task.cost, created_at=task.created)
        self._ask_again(wait, item, record)

    def _turn(self, item: Item, service: ServiceTimes) -> float:
        """Return the seconds until a queued task's turn may have come: queues are served in order."""
        running = max(1, len(self._at_server) - self._queued)
        ahead = 0
        for other, status in self._at_server.items():
            if other is item:
                break
            ahead += status is Status.QUEUED
        each = math.exp(service.hazard.mu) / running
        return min(LONGEST, max(1.0, 0.8 * (ahead + 1) * each))

    async def _completed(self, item: Item, record: Record, task: Task) -> None:
        if not task.videos:
            await self._without_video(item, record, task)
            return
        if task.service_seconds is not None and task.completed is not None:
            began = task.created if item.started is None else item.started
            self._service(item).learn(task.completed - max(began or 0.0, task.created or 0.0))
        if task.completed is not None and record.state != "downloading":
            self._agenda.meter.delays.append(max(0.0, self._agenda.clock.time() - task.completed))
        self.window.finished()
        await self._journal.save(
            record,
            state="downloading",
            progress=100,
            cost=task.cost,
            created_at=task.created,
            completed_at=task.completed,
            url=task.videos[0].url,
            expires_at=task.videos[0].expires_at,
        )
        self._fetching.download(item, record)

    async def _ended_badly(self, item: Item, record: Record, task: Task) -> None:
        self._agenda.move(item, "over")
        self.window.finished()
        await self._journal.save(
            record,
            state="failed",
            progress=None,
            cost=Decimal(0) if task.cost is None else task.cost,
            created_at=task.created,
            completed_at=task.completed,
            error_class=_failure_class(task),
            error=(task.error or "")[:500],
        )

    async def _without_video(self, item: Item, record: Record, task: Task) -> None:
        item.tries += 1
        if item.tries <= MOST_TRIES:
            self._agenda.later(2.0 * item.tries, "poll", item)
            return
        self._agenda.move(item, "over")
        text = "the task is completed, yet its answer names no video; it is billed"
        await self._journal.save(
            record,
            state="missing",
            cost=task.cost,
            created_at=task.created,
            completed_at=task.completed,
            error_class="no_media",
            error=text,
        )


def _failure_class(task: Task) -> str:
    said = f"{task.error_code} {task.error}".lower()
    if any(word in said for word in ("moderation", "policy", "safety", "nsfw", "sensitive")):
        return "moderation"
    if task.status is Status.CANCELLED:
        return "cancelled"
    return "invalid" if any(word in said for word in ("invalid", "parameter")) else "failed"
