"""Following what was accepted: asking each task when it is likely to be done, until it has ended."""

from __future__ import annotations

import heapq
import itertools
import math
from dataclasses import dataclass
from decimal import Decimal
from http import HTTPStatus
from typing import TYPE_CHECKING

from gridgen.client import CONTROL
from gridgen.errors import APIError, AuthenticationError, BudgetError, NetworkError, RateLimitError
from gridgen.estimate.prices import NOISE
from gridgen.journal.extras import noted
from gridgen.outcome import is_gone
from gridgen.pacing import LONGEST_WAIT, backoff, wording
from gridgen.pacing.line import Line
from gridgen.pacing.timing import BELIEVED, DENSITY, ENOUGH, RELAXED, Expectations, Learned
from gridgen.states import AT_SERVER, State
from gridgen.task import Status, Task, cleaned

if TYPE_CHECKING:
    from gridgen.client import Client
    from gridgen.journal import Journal, Record
    from gridgen.pacing.timing import Hazard, ServiceTimes
    from gridgen.sweep.agenda import Agenda, Item
    from gridgen.sweep.budget import Budget
    from gridgen.sweep.fetching import Fetching

__all__ = ["Polling"]

MOST_TRIES = 4
MISSING_AFTER, MISSING_AT_LEAST = 120.0, 3
"""Seconds, and answers, after which a task that the API does not know is missing."""

REFUSED_TWICE = 2
REFUSED_FOR = 120.0
"""Questions that a key may be refused in a row before submitting stops; seconds before its task is left to a later run."""

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
GIVEN_UP_AFTER = 86_400.0
"""Seconds after which a stalled task is left alone; the next run asks for it again."""

RECONSIDERED = 15.0
"""Seconds between questions to a task that waits for its turn, at least."""

SCOUTS = 4
"""Tasks of a kind that are asked early and often, as long as no end of any was seen: what the others do hangs on them."""

SCOUT, SCOUT_AGAIN = 1.0, 0.25
"""Seconds between questions to such a task, at least, and in ages."""

CHARGE_ASKED = (10.0, 60.0, 240.0)
"""Seconds between questions to an ended task for a cost that it did not tell, where others wait for it."""

MANY = 100
"""Planned cells from which on a late answer keeps nobody waiting."""


@dataclass(slots=True)
class Followed:
    """What is known of a task at the server; times are Unix seconds of our clock.

    ``certain`` says whether its beginning is known; ``looks`` are pairs of age
    and share of progress shown; ``sent`` is when the last question that got an answer
    left, ``unended`` when it was last seen not to have ended. Of answers of one kind in a
    row, ``gone``, ``denied`` and ``doubted`` tell the first one's time on the monotonic
    clock: that it is unknown, that the key may not see it, or of a status that nobody
    knows, with the reason beside it.
    """

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
    looks: tuple[tuple[float, float], ...] = ()


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
    line : Line
        Who is worked on and who waits.
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
        self.line: Line[Item] = Line()
        self.stalled: set[Item] = set()
        self.failing: tuple[int, str] | None = None
        self._followed: dict[Item, Followed] = {}
        self._ready: list[tuple[float, int, Item]] = []
        self._order = itertools.count()
        self._ranked = 0.0
        self._open = 0
        self._expected = Expectations()
        self._scouts: dict[ServiceTimes, set[Item]] = {}
        self._ended_at = agenda.clock.time()
        self._delay = Learned()
        self._skew = Learned()
        self._odd = 0

    @property
    def waiting(self) -> bool:
        """Whether a question could be asked now."""
        return bool(self._ready)

    @property
    def others(self) -> int:
        """How many open tasks of the key are not this sweep's."""
        return self._client.pace.open - self._open

    @property
    def queue_is_long(self) -> bool:
        """Whether the server has enough waiting that more would only wait there too.

        Two more than it has slots keep it busy, and as many as end while we do not
        know it yet (measured in virtual time with ten slots: with one more the last
        clip comes 0.6 % late, with two 0.02 %).
        """
        return self.line.full(2 + math.ceil(self._turnover * (self._delay.mean + 0.5)))

    @property
    def _turnover(self) -> float:
        """Tasks that end in a second."""
        return len(self.line.running) / max(1.0, self._expected.mean)

    def use(self, client: Client) -> None:
        """Go on with another client of the same service."""
        self._client.pace.count(-self._open)
        self._client, self._questions = client, client.pace.questions
        client.pace.count(self._open)

    def forgive(self) -> None:
        """Count failed questions, and the time without any end, anew."""
        self._ended_at = self._agenda.clock.time()
        for known in self._followed.values():
            known.gone, known.gone_times, known.denied = None, 0, None

    def follow(self, item: Item) -> None:
        """Ask for a task that was just accepted when it may be done."""
        now = self._agenda.clock.time()
        self._followed[item] = Followed(accepted=now)
        self.line.join(item, now)
        self._plan(item)

    def take_on(self, item: Item, record: Record) -> None:
        """Follow a task that an earlier run submitted: ask for it soon."""
        self._agenda.move(item, "poll")
        self._followed[item] = Followed(certain=False)
        self.line.join(item, record.submitted_at or self._agenda.clock.time())
        self._push(item, 0.0)

    def ask(self, item: Item) -> None:
        """Ask for a task whose time has come as soon as there is room, the likeliest to have ended first."""
        if item.phase == "poll":
            self._push(item, self._chance(item))

    def due(self, now: float) -> float:
        """Return when a question may leave that waits for nothing else, infinity when none does."""
        look = self.line.next_look
        if self._ready:
            wait = self._questions.wait(now)
            look = min(look, now + wait) if wait > 0 else look
        return max(look, now + 0.05)

    def start(self, now: float) -> None:
        """Begin the questions that may be asked now."""
        flying = self._agenda.flying
        telling = self.line.look(now)
        if telling is not None:
            self._push(telling, math.inf)
        self._rank(now)
        most = self._agenda.storm.most(now, CONTROL - flying["submit"])
        while self._ready and flying["poll"] < most and self._questions.wait(now) <= 0:
            _, _, item = heapq.heappop(self._ready)
            if item.due != -math.inf:
                continue
            item.due = math.inf
            self._questions.take(now)
            self._agenda.spawn("poll", item, self._poll(item))
        self._agenda.crowded |= bool(self._ready)

    def moved(self, item: Item, before: str, after: str) -> None:
        """Note that an item went from one phase to another."""
        if after in AT_SERVER and before not in AT_SERVER:
            self._count(1)
        elif before in AT_SERVER and after not in AT_SERVER and item not in self.stalled:
            self._count(-1)
        if before == "poll":
            self.stalled.discard(item)
            self._drop(item)
            self._followed.pop(item, None)
            item.due = math.inf
            self._recall(item)

    def close(self) -> None:
        """Give up all places in the window: nobody follows these tasks any more."""
        self._count(-self._open)

    def _count(self, more: int) -> None:
        self._open += more
        self._client.pace.count(more)

    def _push(self, item: Item, chance: float) -> None:
        item.due = -math.inf
        heapq.heappush(self._ready, (-chance, next(self._order), item))

    def _rank(self, now: float) -> None:
        """Put those that wait for the budget of questions in order anew, now and then: chances change."""
        if len(self._ready) <= CONTROL or now - self._ranked < max(1.0, len(self._ready) / 20_000):
            return
        self._ranked = now
        asked = {item: chance for chance, _, item in self._ready if item.due == -math.inf}
        self._ready = [
            (min(0.0, chance) if chance == -math.inf else -self._chance(item), next(self._order), item)
            for item, chance in asked.items()
        ]
        heapq.heapify(self._ready)

    def _chance(self, item: Item) -> float:
        """Return about how likely a task has ended since it was last asked."""
        now, known = self._agenda.clock.time(), self._followed[item]
        begun = self.line.running.get(item)
        if begun is None:
            return 0.0
        return self._hazard(item).rate(now - begun) * (now - (known.asked or begun))

    # When

    def _hazard(self, item: Item) -> Hazard:
        return self._expected.times(item.cell).hazard

    def _plan(self, item: Item) -> None:
        """Set when a task is asked next."""
        begun, now = self.line.running.get(item), self._agenda.clock.time()
        if begun is None:
            self._later(self._turn(item), item)
            return
        prior = self._hazard(item)
        known = self._followed[item]
        hazard = self._expected.progress(item.cell).hazard(prior, known.looks)
        density = BELIEVED if hazard is not prior else self._density(item)
        longest = self._expected.LONGEST_BELIEVED if hazard is not prior else None
        asked = max(0.0, (known.asked or begun) - begun)
        at = hazard.next_check(asked, density=density, longest=longest)
        if self._scouts_for(item):
            at = min(at, asked + max(SCOUT, SCOUT_AGAIN * asked))
        self._later(begun + at - now, item)

    def _later(self, seconds: float, item: Item) -> None:
        """Ask after a while, but for no reason later than in ten minutes."""
        self._agenda.later(min(LONGEST_WAIT, max(0.0, seconds)), "poll", item)

    def _density(self, item: Item) -> float:
        """Return how densely to ask where only the service times are known.

        As long as not even they are, one task of a kind tells of all: of many, each is asked more rarely.
        """
        if self._expected.times(item.cell).guessed:
            return DENSITY * math.sqrt(min(1.0, SCOUTS * self._expected.kinds / len(self.line.running)))
        return RELAXED if self._is_relaxed() else DENSITY

    def _scouts_for(self, item: Item) -> bool:
        """Whether an item is one of the first of its kind, which are asked early, as no end of any was seen."""
        times = self._expected.times(item.cell)
        if not times.guessed:
            return False
        scouts = self._scouts.setdefault(times, set())
        if len(scouts) < SCOUTS:
            scouts.add(item)
        return item in scouts

    def _recall(self, item: Item) -> None:
        """Let another task be among the first of its kind, where this one has ended and tells nothing."""
        self._scouts.get(self._expected.times(item.cell), set()).discard(item)

    def _plan_anew(self, times: ServiceTimes) -> None:
        """Set when the running tasks of a class and its like are asked, now that more is known."""
        for each in self.line.running:
            if -math.inf < each.due < math.inf and self._expected.times(each.cell).ratios is times.ratios:
                self._plan(each)

    def _is_relaxed(self) -> bool:
        """Whether a late answer costs no slot and keeps nobody waiting."""
        return self.line.trusted and bool(self.line.waiting) and self._agenda.phases["planned"] >= MANY

    def _turn(self, item: Item) -> float:
        """Return the seconds after which a waiting task is asked though no other has ended meanwhile."""
        waited = self._agenda.clock.time() - (self._followed[item].accepted or self._agenda.clock.time())
        if not self.line.trusted:
            return min(STALLED_INTERVAL, max(RECONSIDERED, waited / 8))
        turns = self.line.place(item) / max(1e-3, self._turnover)
        return max(RECONSIDERED, 2 * turns)

    def _learn_skew(self, ahead: float) -> None:
        """Take in how far the server's clock is ahead of ours, in seconds, as one stamp tells it."""
        odd = self._skew.count > 0 and abs(ahead - self._skew.mean) > ODD
        self._odd = self._odd + 1 if odd else 0
        if self._odd >= ODD_IN_A_ROW:
            self._skew, self._odd = Learned(), 0
        if abs(ahead) <= FARTHEST and not self._odd:
            self._skew.learn(ahead)

    def _ended(self, item: Item, record: Record, task: Task) -> float | None:
        """Return when a task ended on our clock, None where its stamp contradicts what we have seen."""
        if task.completed is None:
            return None
        known, ended = self._followed[item], task.completed + 0.5 - self._skew.mean
        earliest = known.unended or known.accepted or record.submitted_at or ended
        return ended if earliest - ODD <= ended <= self._agenda.clock.time() + ODD else None

    def _stamps(self, record: Record, task: Task) -> tuple[float | None, float | None]:
        """Return when a task began and ended by the server's stamps, without what cannot be true by our clock."""
        latest = self._agenda.clock.time() + FARTHEST
        earliest = (record.submitted_at or 0.0) - FARTHEST if record.tries else 0.0
        created, completed = (
            stamp if stamp is not None and earliest <= stamp <= latest else None
            for stamp in (task.created, task.completed)
        )
        return created, completed

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
        self._followed[item].sent = sent
        self._heard(item, record, task)
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

    def _heard(self, item: Item, record: Record, task: Task) -> None:
        """Learn from any answer: the price, the server's clock, its estimate."""
        known = self._followed[item]
        known.gone, known.gone_times, known.denied = None, 0, None
        self._hear_charge(item, record, task)
        if known.asked is None and known.accepted is not None and task.created is not None:
            self._learn_skew(task.created + 0.5 - known.accepted)
        known.asked = self._agenda.clock.time()
        times = self._expected.times(item.cell)
        if times.expect(task.estimated_time):
            self._plan_anew(times)

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
        known = self._followed[item]
        if is_gone(error):
            known.gone, known.gone_times = now if known.gone is None else known.gone, known.gone_times + 1
            if now - known.gone < MISSING_AFTER or known.gone_times < MISSING_AT_LEAST:
                return False
            self._agenda.move(item, "over")
            await self._journal.save(
                record, state=State.MISSING, error_class="missing", error=str(error)[:500]
            )
            return True
        if not (isinstance(error, AuthenticationError) and error.genuine):
            known.denied = None
            return False
        if known.denied is None:
            known.denied = now
            return False
        # what is paid is asked for all the same, as long as the answer may be another one
        self._agenda.fail(error)
        if now - known.denied >= REFUSED_FOR:
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
        now = self._agenda.clock.time()
        self._followed[item].unended = self._followed[item].sent
        if task.status is Status.QUEUED:
            self._sees_waiting(item, now)
        else:
            self._sees_running(item, now, task.progress)
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
        if item in self.stalled:
            self._ask_again(STALLED_INTERVAL, item, record)
        elif self._followed[item].doubted is not None:
            self._later(DOUBTED_FOR, item)
        elif item.due == math.inf:
            self._plan(item)

    def _has_failed(self, item: Item, task: Task) -> bool:
        """Whether a status that nobody knows is a failure: the same reason stood beside it a minute ago."""
        known, now = self._followed[item], self._agenda.clock.monotonic()
        said = None if task.error is None else wording(task.error)
        if said is None or known.doubted is None or known.doubted[1] != said:
            known.doubted = None if said is None else (now, said)
        return known.doubted is not None and now - known.doubted[0] >= DOUBTED_FOR

    def _sees_waiting(self, item: Item, now: float) -> None:
        self._followed[item].waited = now
        for each in self.line.saw_waiting(item):
            if each is not item:
                self._plan(each)

    def _sees_running(self, item: Item, now: float, progress: int | None) -> None:
        known = self._followed[item]
        for each in self.line.saw_running(item, now):
            self._followed[each].certain = False
            if each is not item:
                self._plan(each)
            elif known.waited is not None:
                self.line.running[item] = (known.waited + now) / 2
                known.certain = now - known.waited < self._expected.mean / 8
        begun = self.line.running.get(item)
        if progress is not None and begun is not None and now > begun:
            known.looks += ((now - begun, progress / 100),)

    def _is_stalled(self, item: Item, record: Record, task: Task) -> bool:
        # an answer that was long on its way, or slept with the machine, says how things were
        now = self._followed[item].sent or self._agenda.clock.time()
        submitted = record.submitted_at or now
        if task.status is Status.QUEUED:
            return now - max(self._ended_at, submitted) > max(STALLED_IN_LINE, 3 * self._expected.mean)
        age = now - self.line.running.get(item, submitted)
        return age > max(STALLED_AFTER, OVERDUE * self._hazard(item).latest())

    def _stall(self, item: Item) -> None:
        """Let a task that is long past all others hold no slot and no place in the window."""
        if item not in self.stalled:
            self.stalled.add(item)
            self._count(-1)
            self._drop(item)
            self._agenda.wake()

    def _drop(self, item: Item) -> None:
        for each in self.line.drop(item, self._agenda.clock.time()):
            self._plan(each)

    def _leave(self, item: Item, ended: float | None) -> None:
        """Note that a task has ended; the one whose turn has come thereby is asked by its own times."""
        self._ended_at = self._agenda.clock.time()
        if ended is not None:
            for each in self.line.leave(item, ended):
                self._plan(each)

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
        known, begun = self._followed[item], self.line.running.get(item)
        if record.state != State.DOWNLOADING:
            delay = max(0.0, self._agenda.clock.time() - ended)
            self._agenda.meter.delays.append(delay)
            self._delay.learn(delay)
        if begun is None or not known.certain or ended <= begun:
            return
        seconds = ended - begun
        self._agenda.meter.served(record.submitted_at or begun, seconds)
        times = self._expected.times(item.cell)
        times.learn(seconds)
        if times.logs.count <= ENOUGH:
            self._plan_anew(times)
        self._expected.progress(item.cell).learn(known.looks, seconds)

    async def _ended_badly(self, item: Item, record: Record, task: Task) -> None:
        self._client.pace.finished()
        begun, ended = self.line.running.get(item), self._ended(item, record, task)
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
