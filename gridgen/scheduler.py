"""One scheduler for all cells of a sweep: submits, asks and downloads, on the engine's loop.

Due times drive it; there is no task per cell, and at most sixteen requests are
in flight.
"""

from __future__ import annotations

import asyncio
import errno
import heapq
import itertools
import json
import math
from collections import Counter, deque
from dataclasses import dataclass, field
from decimal import Decimal
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from gridgen import media
from gridgen._loop import engine
from gridgen.client import CONTROL, DOWNLOADS
from gridgen.download import is_dead_link
from gridgen.errors import APIError, AuthenticationError, GridgenError, JournalError, NetworkError
from gridgen.journal import LIVE, Record, spent
from gridgen.outcome import Accepted, Ambiguous, NotApplied, NotSent, Outcome, Rejected
from gridgen.pacing import LONGEST, Backoff, Bucket, ServiceTimes, Storm, Window
from gridgen.stats import Meter
from gridgen.task import Status, Task

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable
    from pathlib import Path

    from gridgen.client import Client
    from gridgen.estimate import Prices
    from gridgen.grid import Cell
    from gridgen.journal import Journal

__all__ = ["Item", "Scheduler"]

MOST_UNSENT = 6
MOST_TRIES = 4
MISSING_AFTER = 120.0
STALLED_AFTER = 900.0
FAILING_FOR = 900.0
STALLED_INTERVAL = 60.0
GIVEN_UP_AFTER = 86_400.0
"""Seconds after which a stalled task is left alone; the next run asks for it again."""

LONGEST_PAUSE = 600.0
PICTURES = 2
SHORTEST_REST = 0.001
"""Seconds; a clock may not tell shorter waits from none."""

_ASKED_AGAIN = {"queued", "running", "stalled", "missing", "expired"}
"""A paid video that could not be had last time may be had now."""


class StoppedError(GridgenError):
    """Submitting was stopped before this request left."""


@dataclass(slots=True, eq=False)
class Item:
    """One cell and take in the scheduler's hands.

    ``phase`` is what happens with it next: foreign (another sweep of this
    process has it), planned, held, submit, poll, download, picture, or over.
    """

    index: int
    cell: Cell
    take: int
    slot: tuple[str, str, int]
    name: str
    phase: str = "over"
    tries: int = 0
    failing_since: float | None = None
    backoff: Backoff = field(default_factory=Backoff)
    missing_since: float | None = None
    started: float | None = None


class Scheduler:
    """Runs what is planned, follows what runs, downloads what is done.

    Parameters
    ----------
    client : Client
    journal : Journal
    items : iterable of Item
        In submit order.
    prices : Prices
    budget : Decimal or None
        USD that these items may have cost, together and over all runs.
    on_change : callable
        Called with an item whose submission is held or released.
    """

    def __init__(
        self,
        *,
        client: Client,
        journal: Journal,
        items: Iterable[Item],
        prices: Prices,
        budget: Decimal | None,
        on_change: Callable[[Item], None],
    ) -> None:
        self.client, self.journal, self.clock = client, journal, client.clock
        self.items = tuple(items)
        self.prices = prices
        self.budget = budget
        self.error: Exception | None = None
        self.stopping = False
        self.settled = asyncio.Event()
        self.finished = False
        self.stalled = 0
        self.meter = Meter()
        self._blocked: tuple[str, float] | None = None
        self._on_change = on_change
        for item in self.items:
            item.phase = "over"
        self._phases: Counter[str] = Counter(over=len(self.items))
        self._planned: deque[Item] = deque()
        self._polls: deque[Item] = deque()
        self._links: list[tuple[float, int, Item]] = []
        self._pictures: deque[Item] = deque()
        self._due: list[tuple[float, int, str, Item]] = []
        self._order = itertools.count()
        self._flying: Counter[str] = Counter()
        self._tasks: set[asyncio.Task[None]] = set()
        self._reserved: dict[Item, Decimal] = {}
        self._services: dict[tuple[str, int, str], ServiceTimes] = {}
        self._per_second: dict[tuple[str, str, bool], Decimal] = {}
        self._bucket, self._window = Bucket(), Window()
        self._unsent, self._refused = Backoff(), Backoff()
        self._at_server: dict[Item, Status] = {}
        self._storm = Storm()
        self._wake = asyncio.Event()

    async def run(self) -> None:
        """Work until nothing is left to submit, to follow or to download."""
        self.journal.watchers.append(self._hear)
        try:
            for item in self.items:
                self._take_on(item)
            while self._step():
                await self._rest()
        finally:
            self.journal.watchers.remove(self._hear)
            self.journal.release({item.slot for item in self.items if item.phase != "foreign"})
            self.finished = True
            self.settled.set()

    async def stop(self) -> None:
        """Let no further submission leave; what was submitted is still followed.

        Returns when the requests that were already leaving have got their
        answer, or after 0.3 s.
        """
        self.stopping = True
        self._wake.set()
        submitting = [task for task in self._tasks if task.get_name() == "submit"]
        if submitting:
            await asyncio.wait(submitting, timeout=0.3)

    def reconsider(self) -> None:
        """Look again at what was over: a person may have settled or renewed it."""
        for item in self.items:
            if item.phase == "over":
                self.journal.claims.discard(item.slot)
                self._take_on(item)
        self.settled.clear()
        self._wake.set()

    def resume(self) -> None:
        """Submit again after `stop`, or after what was wrong was mended."""
        self.stopping, self.error = False, None
        self._storm.calm()
        for item in self.items:
            if item.phase == "held":
                self._plan(item)
        self.reconsider()

    # Taking on

    def _take_on(self, item: Item) -> None:
        if item.slot in self.journal.claims:
            self._move(item, "foreign")
            return
        self.journal.claims.add(item.slot)
        record = self.journal.records.get(item.slot)
        if record is None or record.state == "planned":
            self._plan(item)
        elif record.task_id is not None and record.state in _ASKED_AGAIN:
            self._move(item, "poll")
            self._polls.append(item)
        elif record.state == "downloading" or (record.state == "done" and not self._exists(record.path)):
            self._queue_download(item, record)
        elif record.state == "done" and not (self._exists(record.poster) and self._exists(record.preview)):
            self._queue_picture(item)
        else:
            self._move(item, "over")

    def _plan(self, item: Item) -> None:
        self._move(item, "planned")
        self._planned.append(item)

    def _queue_download(self, item: Item, record: Record) -> None:
        self._move(item, "download")
        heapq.heappush(self._links, (record.expires_at or float("inf"), next(self._order), item))

    def _queue_picture(self, item: Item) -> None:
        self._move(item, "picture")
        self._pictures.append(item)

    def _exists(self, name: str | None) -> bool:
        return name is not None and (self.journal.folder / name).is_file()

    def _move(self, item: Item, phase: str) -> None:
        self._phases[item.phase] -= 1
        self._phases[phase] += 1
        shown = {"held", item.phase} if phase == "held" or item.phase == "held" else ()
        item.phase = phase
        if phase not in {"poll", "foreign"}:
            self._at_server.pop(item, None)
        if shown:
            self._on_change(item)

    def _record(self, item: Item) -> Record:
        return self.journal.records[item.slot]

    def _hear(self, _record: Record | None) -> None:
        if self._phases["foreign"]:
            self._wake.set()

    # The loop

    def _step(self) -> bool:
        """Start whatever may start now; say whether anything is left to wait for."""
        self._wake.clear()
        self._take_on_released()
        self._ripen()
        self._start_submissions()
        most = self._storm.most(self.clock.monotonic(), CONTROL - self._flying["submit"])
        self._start("poll", self._polls, most, self._poll)
        self._start_probe()
        self._start("download", self._links, DOWNLOADS, self._download)
        self._start("picture", self._pictures, PICTURES, self._picture)
        unfinished = sum(self._phases[phase] for phase in ("submit", "poll", "download", "picture"))
        unfinished += self._still_foreign()
        waiting = unfinished + (0 if self.stopping or self.error else self._phases["planned"])
        self.stalled = self._count_stalled()
        if waiting == self.stalled:
            self.settled.set()
        self.finished = not waiting
        return bool(waiting)

    def _may_probe(self) -> bool:
        """Whether anybody waits for the storm to pass and no question is on its way."""
        return bool(self._polls or self._planned) and not (self._flying["poll"] or self._flying["probe"])

    def _start_probe(self) -> None:
        """Ask for the balance, which costs nothing, when a storm leaves nothing else to ask."""
        over = self.stopping or self.error is not None or bool(self._polls)
        due = self._storm.open and self.clock.monotonic() >= self._storm.next_probe
        if due and self._may_probe() and not over:
            self._spawn("probe", None, self._probe())

    async def _probe(self) -> None:
        try:
            await self.client.probe()
        except (APIError, NetworkError):
            self._storm.failed(self.clock.monotonic())
        else:
            self._storm.calm()

    def _count_stalled(self) -> int:
        if not self._phases["poll"]:
            return 0
        polled = (item for item in self.items if item.phase == "poll")
        return sum(self._record(item).state == "stalled" for item in polled)

    def _still_foreign(self) -> int:
        """Count what another sweep of this process still has to bring."""
        if not self._phases["foreign"]:
            return 0
        found = (self.journal.records.get(item.slot) for item in self.items if item.phase == "foreign")
        open_states = {"planned", *LIVE} - {"stalled"}
        return sum(record is None or record.state in open_states for record in found)

    async def _rest(self) -> None:
        """Wait until something changed or the next thing is due."""
        due = self._due[0][0] if self._due else float("inf")
        now = self.clock.monotonic()
        if self._storm.open:
            due = min(due, max(self._storm.next_probe, now + SHORTEST_REST)) if self._may_probe() else due
        elif self._planned and not (self.stopping or self.error):
            wait = self._bucket.wait(now)
            due = min(due, now + max(wait, SHORTEST_REST)) if wait > 0 else due
        waker = asyncio.create_task(self._wake.wait())
        waiting: set[asyncio.Task[Any]] = {waker}
        if due < float("inf"):
            waiting.add(asyncio.create_task(self.clock.sleep(due - self.clock.monotonic())))
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)

    def _ripen(self) -> None:
        now = self.clock.monotonic()
        while self._due and self._due[0][0] <= now:
            _, _, what, item = heapq.heappop(self._due)
            if what == "plan":
                self._plan(item)
            elif what == "poll":
                self._polls.append(item)
            else:
                self._queue_download(item, self._record(item))

    def _later(self, seconds: float, what: str, item: Item) -> None:
        heapq.heappush(self._due, (self.clock.monotonic() + seconds, next(self._order), what, item))

    def _take_on_released(self) -> None:
        if not self._phases["foreign"]:
            return
        for item in self.items:
            if item.phase == "foreign" and item.slot not in self.journal.claims:
                self._take_on(item)

    def _start(
        self, what: str, ready: Any, most: int, work: Callable[[Item], Coroutine[Any, Any, None]]
    ) -> None:
        while ready and self._flying[what] < most:
            item = heapq.heappop(ready)[-1] if isinstance(ready, list) else ready.popleft()
            self._spawn(what, item, work(item))

    def _spawn(self, what: str, item: Item | None, work: Coroutine[Any, Any, None]) -> None:
        async def bracketed() -> None:
            try:
                with self.clock.working():
                    await work
            except Exception as error:  # noqa: BLE001 - whatever it is, the person who waits must see it
                self.error = self.error or error
                if item is not None:
                    self._move(item, "over")
            finally:
                self._flying[what] -= 1
                self._wake.set()

        self._flying[what] += 1
        task = asyncio.create_task(bracketed(), name=what)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # Submitting

    def _start_submissions(self) -> None:
        while self._planned and not self.stopping and self.error is None:
            now = self.clock.monotonic()
            if self._hindered(now) or self._storm.open:
                return
            item = self._planned.popleft()
            if not self._affordable(item):
                self._move(item, "held")
                continue
            self._bucket.take(now)
            self._reserved[item] = self._price(item) or Decimal(0)
            self._move(item, "submit")
            self._spawn("submit", item, self._submit(item))
        self._blocked = None

    def _hindered(self, now: float) -> bool:
        """Whether no submission may leave now; keeps account of what it waits for."""
        if self._blocked is not None:
            why, since = self._blocked
            self.meter.lost(why, now - since)
        hindrances = {
            "rate": self._bucket.wait(now) > 0,
            "window": self._phases["submit"] + self._phases["poll"] >= self._window.size
            or self._queue_is_long(),
            "requests": self._flying["submit"] + self._flying["poll"] >= CONTROL,
        }
        found = next((why for why, holds in hindrances.items() if holds), None)
        self._blocked = None if found is None else (found, now)
        return found is not None

    def _queue_is_long(self) -> bool:
        """Whether the server has enough waiting that more would only wait there too."""
        queued = sum(status is Status.QUEUED for status in self._at_server.values())
        return queued > 2 + (len(self._at_server) - queued) // 4

    def _price(self, item: Item) -> Decimal | None:
        cell = item.cell
        known = self.prices.of(cell)
        if known is None:
            each = self._per_second.get(_price_class(cell))
            known = None if each is None else each * cell.duration
        return known

    def _affordable(self, item: Item) -> bool:
        """Whether the budget covers this item; an unknown price sends one probe of its class."""
        if self.budget is None:
            return True
        price = self._price(item)
        if price is None:
            kind = _price_class(item.cell)
            probing = (other for other in self.items if other.phase in {"submit", "poll"})
            return not any(_price_class(other.cell) == kind for other in probing)
        return self.committed() + sum(self._reserved.values()) + price <= self.budget

    def committed(self) -> Decimal:
        """Return what these items have cost or may cost so far, in USD."""
        found = (self.journal.records.get(item.slot) for item in self.items)
        return spent(record for record in found if record is not None)

    def _release_held(self) -> None:
        for item in self.items if self._phases["held"] else ():
            if item.phase == "held":
                self._plan(item)

    async def _submit(self, item: Item) -> None:
        body = json.dumps(item.cell.body(), ensure_ascii=False, separators=(",", ":")).encode()
        record = self.journal.prepare(origin=item.slot[0], cell=item.cell, take=item.take, body=body)

        async def on_sending() -> None:
            if not self.stopping:
                await self.journal.intend(record, item.cell, price=self._price(item))
                self._reserved.pop(item, None)
            if self.stopping:
                raise StoppedError

        self.meter.began = self.clock.monotonic() if self.meter.began is None else self.meter.began
        self.meter.requests["submissions"] += 1
        try:
            outcome = await self.client.send(
                record.body, idempotency_key=record.idempotency_key, on_sending=on_sending
            )
        except StoppedError:
            outcome = NotSent("stopped")
        finally:
            self._reserved.pop(item, None)
        await self._apply(item, record, outcome)

    async def _apply(self, item: Item, record: Record, outcome: Outcome) -> None:
        match outcome:
            case Accepted(task_id):
                self._storm.calm()
                self._unsent.failures = self._refused.failures = 0
                await self._accepted(item, record, task_id)
            case Ambiguous(evidence):
                self._storm.failed(self.clock.monotonic())
                self._move(item, "over")
                text = f"sent, and the answer was lost ({evidence}); it may be billed and is not repeated"
                await self.journal.save(
                    record,
                    durable=True,
                    state="unknown",
                    evidence=evidence,
                    error_class="unknown",
                    error=text,
                )
            case Rejected(error, everywhere) if not everywhere:
                self._move(item, "over")
                await self.journal.save(
                    record, state="rejected", error_class="invalid", error=str(error)[:500]
                )
            case _:
                await self._unapplied(item, record, outcome)

    async def _accepted(self, item: Item, record: Record, task_id: str) -> None:
        """Keep the task's id: try for half a minute, and tell it to the person if the disk refuses."""
        self._move(item, "poll")
        wait = Backoff()
        while True:
            try:
                await self.journal.save(
                    record, durable=True, state="queued", task_id=task_id, error_class=None, error=None
                )
            except JournalError as error:
                msg = f"{error} Task {task_id} is paid and could not be noted in the journal: write its id down."
                self.error = JournalError(msg)
                if wait.failures >= MOST_UNSENT:
                    raise self.error from error
                await self.clock.sleep(wait.failed())
            else:
                break
        self._later(self._service(item).hazard.next_check(0.0), "poll", item)

    async def _unapplied(self, item: Item, record: Record, outcome: NotSent | NotApplied | Rejected) -> None:
        """Plan an item again whose submission provably did nothing."""
        if self.journal.records.get(item.slot) is record and record.state == "sending":
            await self.journal.save(record, state="planned", submitted_at=None)
        self.meter.requests["refused"] += 1
        now = self.clock.monotonic()
        wait = 0.0
        if isinstance(outcome, Rejected):
            self.error = self.error or outcome.error
        elif isinstance(outcome, NotApplied):
            asked = outcome.retry_after
            wait = min(LONGEST_PAUSE, 10 * self._refused.failed() if asked is None else asked)
            self._bucket.pause(now, wait)
            self._window.refused(self._phases["poll"])
        elif not self.stopping:
            wait = self._unsent.failed()
            self._bucket.pause(now, wait)
            if self._unsent.failures >= MOST_UNSENT:
                msg = f"no connection to {self.client.host} ({outcome.evidence}). Nothing was sent; run() goes on."
                self.error = self.error or NetworkError(msg)
        self._move(item, "planned")
        self._planned.appendleft(item)

    # Asking

    def _service(self, item: Item) -> ServiceTimes:
        key = (item.cell.model, item.cell.duration, item.cell.quality)
        return self._services.setdefault(key, ServiceTimes())

    async def _poll(self, item: Item) -> None:
        record = self._record(item)
        self.meter.requests["polls"] += 1
        try:
            task = await self.client.poll(record.task_id or "")
        except (APIError, NetworkError) as error:
            await self._poll_failed(item, record, error)
            return
        self._storm.calm()
        item.backoff.failures, item.missing_since = 0, None
        self._learn_price(item, task)
        if not task.status.finished:
            await self._still_running(item, record, task)
        elif task.status is Status.COMPLETED:
            await self._completed(item, record, task)
        else:
            self._move(item, "over")
            self._window.finished()
            cost = Decimal(0) if task.cost is None else task.cost
            await self.journal.save(
                record,
                state="failed",
                progress=None,
                cost=cost,
                created_at=task.created,
                completed_at=task.completed,
                error_class=_failure_class(task),
                error=(task.error or "")[:500],
            )
            self._release_held()

    async def _poll_failed(self, item: Item, record: Record, error: APIError | NetworkError) -> None:
        """Ask again later: a failed question is no failed task, unless it is unknown for two minutes."""
        if isinstance(error, AuthenticationError):
            raise error
        now = self.clock.monotonic()
        if getattr(error, "status", 0) >= HTTPStatus.INTERNAL_SERVER_ERROR or isinstance(error, NetworkError):
            self._storm.failed(now)
        if getattr(error, "status", None) == HTTPStatus.NOT_FOUND:
            item.missing_since = now if item.missing_since is None else item.missing_since
            if now - item.missing_since >= MISSING_AFTER:
                self._move(item, "over")
                await self.journal.save(
                    record, state="missing", error_class="missing", error=str(error)[:500]
                )
                return
        wait = max(item.backoff.failed(), getattr(error, "retry_after", None) or 0.0)
        self._ask_again(wait, item, record)

    def _ask_again(self, seconds: float, item: Item, record: Record) -> None:
        """Ask later, but leave a task alone that has been stalled for a day."""
        now = self.clock.time()
        if record.state == "stalled" and now - (record.submitted_at or now) > GIVEN_UP_AFTER:
            self._move(item, "over")
        else:
            self._later(seconds, "poll", item)

    async def _still_running(self, item: Item, record: Record, task: Task) -> None:
        now = self.clock.time()
        service = self._service(item)
        service.estimate = service.estimate or task.estimated_time
        waited = self._at_server.get(item) is Status.QUEUED
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
        if task.progress is not None:
            self.journal.show(record, progress=max(task.progress, record.progress or 0))
        if state != record.state or task.cost != record.cost:
            await self.journal.save(record, state=state, cost=task.cost, created_at=task.created)
        self._ask_again(wait, item, record)

    def _turn(self, item: Item, service: ServiceTimes) -> float:
        """Return the seconds until a queued task's turn may have come: queues are served in order."""
        running = max(1, sum(status is Status.RUNNING for status in self._at_server.values()))
        ahead = 0
        for other, status in self._at_server.items():
            if other is item:
                break
            ahead += status is Status.QUEUED
        each = math.exp(service.hazard.mu) / running
        return min(LONGEST, max(1.0, 0.8 * (ahead + 1) * each))

    def _learn_price(self, item: Item, task: Task) -> None:
        if task.cost and self.prices.of(item.cell) is None:
            self._per_second.setdefault(_price_class(item.cell), task.cost / item.cell.duration)
            self._release_held()

    async def _completed(self, item: Item, record: Record, task: Task) -> None:
        if not task.videos:
            await self._without_video(item, record)
            return
        if task.service_seconds is not None and task.completed is not None:
            began = task.created if item.started is None else item.started
            self._service(item).learn(task.completed - max(began or 0.0, task.created or 0.0))
        if task.completed is not None and record.state != "downloading":
            self.meter.delays.append(max(0.0, self.clock.time() - task.completed))
        self._window.finished()
        await self.journal.save(
            record,
            state="downloading",
            progress=100,
            cost=task.cost,
            created_at=task.created,
            completed_at=task.completed,
            url=task.videos[0].url,
            expires_at=task.videos[0].expires_at,
        )
        self._queue_download(item, record)
        self._release_held()

    async def _without_video(self, item: Item, record: Record) -> None:
        item.tries += 1
        if item.tries <= MOST_TRIES:
            self._later(2.0 * item.tries, "poll", item)
            return
        self._move(item, "over")
        text = "the task is completed, yet its answer names no video; it is billed"
        await self.journal.save(record, state="missing", error_class="no_media", error=text)

    # Downloading

    async def _download(self, item: Item) -> None:
        record = self._record(item)
        name = record.path or self._file_name(item)
        target = self.journal.folder / name
        part = target.with_name(f"{target.name}.part")
        self.meter.requests["downloads"] += 1
        try:
            await self.client.fetch(record.url or "", part)
            facts = await engine().in_thread(_accept, part, target)
        except (APIError, NetworkError, media.MediaError) as error:
            await self._download_failed(item, record, error)
        except OSError as error:
            await self._disk_failed(item, error)
        else:
            self.meter.ended, self.meter.bytes = self.clock.monotonic(), self.meter.bytes + facts.bytes
            await self.journal.save(
                record,
                durable=True,
                state="done",
                path=name,
                error_class=None,
                error=None,
                width=facts.width,
                height=facts.height,
                fps=facts.fps,
                frames=facts.frames,
                clip_seconds=facts.seconds,
                bytes=facts.bytes,
                sha256=facts.sha256,
            )
            self._queue_picture(item)

    def _file_name(self, item: Item) -> str:
        """Return the item's name, with its origin where another origin has taken it."""
        taken = {record.path for record in self.journal.records.values() if record.slot != item.slot}
        if item.name not in taken:
            return item.name
        return f"{item.name.removesuffix('.mp4')}-{item.slot[0]}.mp4"

    async def _download_failed(self, item: Item, record: Record, error: Exception) -> None:
        now = self.clock.monotonic()
        item.tries += isinstance(error, media.MediaError)
        item.failing_since = now if item.failing_since is None else item.failing_since
        dead = isinstance(error, APIError) and is_dead_link(error)
        hopeless = item.tries >= MOST_TRIES or now - item.failing_since > FAILING_FOR
        if hopeless or (dead and not await self._renewed(record)):
            self._move(item, "over")
            kind, state = ("expired", "expired") if dead else ("download", "missing")
            await self.journal.save(record, state=state, error_class=kind, error=str(error)[:500])
            return
        self._later(item.backoff.failed(), "download", item)

    async def _renewed(self, record: Record) -> bool:
        """Ask once for a fresh link."""
        try:
            task = await self.client.poll(record.task_id or "")
        except (APIError, NetworkError):
            return False
        if not task.videos or task.videos[0].url == record.url:
            return False
        await self.journal.save(record, url=task.videos[0].url, expires_at=task.videos[0].expires_at)
        return True

    async def _disk_failed(self, item: Item, error: OSError) -> None:
        """Leave the item where it is: the next run goes on with it."""
        self._move(item, "over")
        why = (
            "the disk is full"
            if error.errno == errno.ENOSPC
            else f"a file cannot be written: {error.strerror}"
        )
        msg = f"{why} in {str(self.journal.folder)!r}. Nothing is lost: make room, then run() downloads the rest."
        self.error = self.error or GridgenError(msg)

    async def _picture(self, item: Item) -> None:
        record = self._record(item)
        folder = self.journal.folder
        stem = (record.path or "").removesuffix(".mp4")
        poster, preview = f"posters/{stem}.webp", f"previews/{stem}.mp4"
        try:
            await engine().in_thread(
                _illustrate, folder / (record.path or ""), folder / poster, folder / preview
            )
            await self.journal.save(record, poster=poster, preview=preview)
        except (media.MediaError, OSError) as error:
            self.journal.show(record, error_class="preview", error=f"no preview could be made: {error}"[:500])
        finally:
            self._move(item, "over")


def _accept(part: Path, target: Path) -> media.Facts:
    """Check a downloaded file, and only then give it its name."""
    try:
        facts = media.probe(part)
    except media.MediaError:
        part.unlink()
        raise
    if target.is_symlink():
        raise media.MediaError(target, "it is a link, which is not written through")
    part.replace(target)
    return facts


def _illustrate(video: Path, poster: Path, preview: Path) -> None:
    for target, make in ((poster, media.poster), (preview, media.preview)):
        target.parent.mkdir(mode=0o700, exist_ok=True)
        make(video, target)


def _price_class(cell: Cell) -> tuple[str, str, bool]:
    return (cell.model, cell.quality, bool(cell.image_urls))


def _failure_class(task: Task) -> str:
    said = f"{task.error_code} {task.error}".lower()
    if any(word in said for word in ("moderation", "policy", "safety", "nsfw", "sensitive")):
        return "moderation"
    if task.status is Status.CANCELLED:
        return "cancelled"
    return "invalid" if any(word in said for word in ("invalid", "parameter")) else "failed"
