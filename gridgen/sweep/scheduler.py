"""One scheduler for all cells of a sweep: submits, asks and downloads, on the engine's loop.

Due times drive it; there is no task per cell, and at most sixteen requests are
in flight.
"""

from __future__ import annotations

import asyncio
import functools
import math
from typing import TYPE_CHECKING

from gridgen._loop import engine
from gridgen.clock import of_the_person
from gridgen.errors import APIError, JournalError, NetworkError
from gridgen.spending import FolderBudget, attempt_id, committed
from gridgen.states import ASKED_AGAIN, AWAITED, WITHHOLDABLE, State
from gridgen.sweep.budget import Budget
from gridgen.sweep.fetching import Accept, Fetching, accept
from gridgen.sweep.polling import Polling
from gridgen.sweep.reconciling import Reconciling
from gridgen.sweep.run import Run
from gridgen.sweep.sharing import Sharing
from gridgen.sweep.stats import Limits
from gridgen.sweep.submitting import SHORTEST_REST, Submitting
from gridgen.sweep.wait_reasons import WaitReasons
from gridgen.sweep.work_queue import Job, WorkQueue
from gridgen.sweep.workers import Workers

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable
    from concurrent.futures import Executor
    from decimal import Decimal

    from gridgen.client import Client
    from gridgen.estimate.prices import Prices
    from gridgen.journal import Journal, Record
    from gridgen.ledger.tables import Tables
    from gridgen.money import ClipKey, Commitments
    from gridgen.outcome import Ambiguous, Policy
    from gridgen.sweep.stats import Meter

__all__ = ["Job", "Scheduler"]


class Scheduler:
    """Runs what is planned, follows what runs, downloads what is done.

    Parameters
    ----------
    client : Client
    journal : Journal
    jobs : iterable of Job
        In submit order.
    prices : Prices
    budget : Decimal or None
        USD that these jobs may have cost, together and over all runs.
    commitments : Commitments
        What they have cost and may cost, kept up to date by who hears the journal.
    counted : collection of pairs of str
        Origin and key of the cells that the budget is about, in all their takes.
    on_change : callable
        Called with a job whose submission is held or released.
    on_step : callable
        Called after each look at what may be done.
    policy : Policy
        What is done with submissions whose answer was lost.
    replaying : set of ClipKey
        Those that a person wants replayed; taken out once that is settled.
    previews : bool, default True
        Whether a poster and a preview are made of each clip.
    quota : int, optional
        Bytes that the videos of the folder may take together.
    accept : callable
        How a downloaded file is checked and named.
    workers : Executor, optional
        Who draws posters and previews, by default the engine's threads.
    ledger : Tables, optional
        Where other machines that make the same clips claim them too.

    Attributes
    ----------
    idle : asyncio.Event
        Set while nothing is left to wait for but stalled tasks.
    finished : bool
        Whether nothing is left to do at all.
    """

    def __init__(
        self,
        *,
        client: Client,
        journal: Journal,
        jobs: Iterable[Job],
        prices: Prices,
        budget: Decimal | None,
        commitments: Commitments,
        counted: Collection[tuple[str, str]],
        on_change: Callable[[Job], None],
        on_step: Callable[[], None],
        policy: Policy,
        replaying: set[ClipKey],
        previews: bool = True,
        quota: int | None = None,
        accept: Accept = accept,
        workers: Executor | None = None,
        ledger: Tables | None = None,
    ) -> None:
        self._queue, self._journal = WorkQueue(jobs, client.clock, self._moved), journal
        self._run = run = Run(client, journal, self._queue)
        folder = _folder_budget(journal, client.origin)
        self._budget = Budget(
            prices,
            budget,
            commitments,
            counted=counted,
            together=journal.shared(_budgets).setdefault(client.origin, []),
            folder=folder,
            run=run,
            first_alone=not client.is_simulator,
        )
        self._workers = Workers(workers)
        self._fetching = Fetching(run, previews=previews, quota=quota, accept=accept, workers=self._workers)
        self._polling = Polling(run, self._budget, self._fetching)
        self._elsewhere: dict[ClipKey, Job] = {}
        self._sharing = (
            None if ledger is None else Sharing(run, ledger, self._budget, counted, on_news=self._hear_news)
        )
        self._submitting = Submitting(
            run,
            self._budget,
            self._polling,
            lost=self._lost,
            sharing=self._sharing,
            taken=self._hear_taken,
        )
        self._reconciling = Reconciling(
            run, self._submitting, policy=policy, asked=replaying, counted=counted
        )
        self._foreign: dict[ClipKey, Job] = {}
        self._on_change, self._on_step = on_change, on_step
        self.idle = asyncio.Event()
        self.finished = self._begun = False

    @property
    def error(self) -> Exception | None:
        """What stopped the submitting, for the person who waits."""
        return self._queue.error

    @property
    def meter(self) -> Meter:
        """What was counted so far."""
        return self._queue.meter

    @property
    def limits(self) -> Limits:
        """What the server was found to allow so far."""
        pace, slots = self._run.client.pace, self._polling.schedule.queue.slots
        if slots is None and pace.window.limit < math.inf:
            slots = int(pace.window.limit)
        return Limits(pace.submits.known, pace.submits.burst, slots)

    @property
    def stalled(self) -> int:
        """How many tasks are long past what any task takes."""
        return len(self._polling.stalled)

    def wait_reasons(self) -> WaitReasons:
        """Return where the run stands, for the person who waits."""
        queue, clock = self._queue, self._run.clock
        phases, pause, probe_at = queue.phases, self._submitting.pausing, None
        if queue.breaker.open:
            probe_at = clock.time() + max(0.0, queue.breaker.next_probe - clock.monotonic())
        return WaitReasons(
            planned=phases["planned"],
            held=phases["held"],
            replays=phases["replay"],
            at_server=phases["submit"] + phases["poll"],
            stalled=self.stalled,
            downloads=phases["download"],
            pictures=phases["picture"] if self._workers.elsewhere else 0,
            workers=self._workers.trouble,
            elsewhere=self._still_foreign(),
            machines=len(self._elsewhere),
            ledger="" if self._sharing is None else self._sharing.trouble,
            uploads=self._submitting.uploads,
            stopped=queue.stopping,
            error=queue.error,
            probe_at=None if probe_at is None else of_the_person(clock, probe_at),
            pause=None if pause is None else (pause[0], of_the_person(clock, pause[1])),
            slow=self._submitting.slow,
            failing=self._polling.failing,
            results=(queue.results.count, queue.results.why) if queue.results.open else None,
            cap=self._budget.binding or next(iter(self._budget.caps), None),
            probing=self._budget.probing,
        )

    async def run(self) -> None:
        """Work until nothing is left to submit, to follow or to download."""
        jobs = self._queue.jobs
        self._journal.watchers.append(self._hear)
        await self._follow_claims()
        self._budget.join()
        self._reconciling.join()
        try:
            if self._sharing is not None:
                await self._sharing.begin()
            self._begun = True
            for job in sorted(jobs, key=self._submitted):
                self._take_on(job)
            await self._reconciling.reconcile_earlier()
            while self._step(now := self._run.clock.monotonic()):
                await self._queue.rest(self._due(now))
            await self._workers.clear(self._journal.folder)
        finally:
            self._queue.cancel_alarm()
            if self._sharing is not None:
                await self._sharing.leave()
            self._polling.close()
            self._journal.watchers.remove(self._hear)
            self._budget.leave()
            self._reconciling.leave()
            self._journal.release({job.slot for job in jobs if job.phase != "foreign"})
            await self._flush_claims()
            self.finished = True
            self.idle.set()

    async def _follow_claims(self) -> None:
        """Let the key's budget know what has become of what earlier runs have claimed."""
        key, store = self._run.key_budget, self._journal.store_id
        if key is not None and key.active:
            records = tuple(self._journal.records.values())
            outlays = {attempt_id(store, each): each.outlays[-1] for each in records if each.submitted_at}
            await self._noting(functools.partial(key.follow, outlays))

    async def _flush_claims(self) -> None:
        key = self._run.key_budget
        if key is not None and key.active:
            await self._noting(key.flush)

    async def _noting(self, work: Callable[[], None]) -> None:
        """Do something with the notes of the key; where they cannot be used, nothing is submitted, and all else goes on."""
        try:
            await engine().in_thread(work)
        except JournalError as error:
            self._queue.fail(error)

    async def stop(self) -> None:
        """Let no further submission leave; what was submitted is still followed.

        Returns when the requests that were already leaving have got their
        answer, or after 0.3 s.
        """
        self._queue.stopping = True
        self._queue.wake()
        await self._queue.finish("submit", 0.3)

    def resume(self, budget: Decimal | None) -> None:
        """Submit again after `stop`, or after what was wrong was mended, as far as the budget allows now.

        What was over is looked at again: a person may have settled or renewed it.
        """
        self._queue.stopping, self._queue.error = False, None
        self._budget.usd = budget
        self._queue.breaker.calm()
        self._queue.results.reset()
        self._submitting.resume()
        for job in self._budget.free_all():
            self._submitting.plan(job)
        for job in self._queue.jobs:
            if job.phase == "over":
                self._journal.claims.discard(job.slot)
                self._take_on(job)
        self.idle.clear()
        self._queue.wake()

    def withhold(self, job: Job) -> bool:
        """Take a job out of the line until `look_again`; say whether that was possible."""
        if job.phase not in WITHHOLDABLE:
            return False
        self._submitting.forget(job)
        self._budget.forget(job)
        self._queue.move(job, "over")
        return True

    def look_again(self, job: Job) -> None:
        """Take up a job that was withheld as it stands now."""
        self._journal.claims.discard(job.slot)
        self._take_on(job)
        self._queue.wake()

    def use(self, client: Client) -> None:
        """Go on with another client of the same service."""
        self._run.use(client)

    def _submitted(self, job: Job) -> float:
        """Return when a job was submitted, which is the order in which servers work; 0 if it was not."""
        record = self._journal.records.get(job.slot)
        return 0.0 if record is None else record.submitted_at or 0.0

    def _leave_to_others(self, job: Job) -> None:
        """Wait for what the machine makes of a clip that has it."""
        self._queue.move(job, "foreign")
        self._elsewhere[job.slot] = job
        self._journal.release({job.slot})

    def _hear_taken(self, job: Job) -> None:
        """Leave a clip to the machine that was quicker, and ask for what it has made of it: all news may have been heard."""
        self._leave_to_others(job)
        if self._sharing is not None:
            self._sharing.ask(job.slot)

    def _hear_news(self, job: Job) -> None:
        """Look at a clip again of which another machine has told something."""
        there = self._sharing is not None and self._sharing.elsewhere(job.slot)
        if there and self.withhold(job):
            self._leave_to_others(job)
        elif not there and self._elsewhere.pop(job.slot, None) is not None:
            self._take_on(job)
        elif not there and self._is_found(job) and self.withhold(job):
            # what was over, in line or held for money was made, or made again, elsewhere
            self.look_again(job)
        self._queue.wake()

    def _is_found(self, job: Job) -> bool:
        """Whether the journal has an attempt of a clip that nobody here has in hand."""
        record = self._journal.records.get(job.slot)
        return job.phase == "over" or (record is not None and record.state != State.PLANNED)

    def _take_on(self, job: Job) -> None:
        if not self._begun:
            # a ledger is asked at first; each job is taken on once that is done, and by nobody before
            return
        if self._sharing is not None and self._sharing.elsewhere(job.slot):
            self._queue.move(job, "foreign")
            self._elsewhere[job.slot] = job
            return
        if job.slot in self._journal.claims:
            self._queue.move(job, "foreign")
            self._foreign[job.slot] = job
            return
        self._journal.claims.add(job.slot)
        record = self._journal.records.get(job.slot)
        if record is None or record.state == State.PLANNED:
            self._submitting.plan(job)
        elif record.task_id is not None and record.state in ASKED_AGAIN:
            self._polling.take_on(job, record)
        elif not (self._reconciling.take_on(job, record) or self._fetching.take_on(job, record)):
            self._queue.move(job, "over")

    async def _lost(self, job: Job, record: Record, outcome: Ambiguous) -> None:
        await self._reconciling.lost(job, record, outcome)

    def _moved(self, job: Job, before: str, after: str) -> None:
        self._budget.moved(job, before, after)
        self._polling.moved(job, before, after)
        if "held" in {before, after}:
            self._on_change(job)

    def _hear(self, record: Record | None) -> None:
        if record is not None:
            self._fetching.hear(record)
            self._reconciling.hear(record)
            if self._sharing is not None:
                self._sharing.hear(record)
            self._budget.hear_record(record)
            self._budget.hear()
        if self._foreign and (record is None or record.slot in self._foreign):
            self._queue.wake()

    def _step(self, now: float) -> bool:
        """Start whatever may start now; say whether anything is left to wait for.

        All that is decided in one round, and when to look again, goes by one reading of
        the clock: by a later one, what was to be waited for may be over already.
        """
        if self._queue.slept(now):
            self._recover_from_sleep()
        self._take_on_released()
        self._take_up_due(now)
        self._reconciling.start(now)
        self._submitting.start(now)
        self._polling.start(now)
        self._start_probe(now)
        self._fetching.start()
        phases = self._queue.phases
        self._fetching.break_off(phases["submit"] + phases["poll"] - self.stalled)
        waiting = (
            self._queue.unfinished
            + self._still_foreign()
            + self._with_others()
            + self._queue.flying["charge"]
        )
        if waiting == self.stalled:
            self.idle.set()
        self.finished = not waiting
        self._on_step()
        return bool(waiting)

    def _with_others(self) -> int:
        """Count what other machines have in hand, or have had, of which news are still to come."""
        if self._sharing is None or self._sharing.hopeless:
            return 0
        return len(self._elsewhere) + self._sharing.behind

    def _recover_from_sleep(self) -> None:
        """Trust no connection and no count of failures from before; ask for every task, at the usual pace.

        The journal's lease is looked at by its next commit.
        """
        self._polling.forgive()
        self._fetching.forgive()
        self._queue.spawn("reconnect", None, self._run.client.wire.reconnect())
        self._queue.reschedule_all("poll")

    def _take_up_due(self, now: float) -> None:
        for what, job in self._queue.due(now):
            if what == "poll":
                self._polling.ask(job)
            elif what == "replay":
                self._reconciling.ready(job)
            else:
                self._fetching.download(job, self._journal.records[job.slot])

    def _due(self, now: float) -> float:
        """Return when to look again though nothing has changed and nothing is due."""
        if not self._queue.breaker.open:
            held = self._submitting.waiting or self._reconciling.waiting
            return min(self._polling.due(now), self._submitting.due(now) if held else float("inf"))
        return max(self._queue.breaker.next_probe, now + SHORTEST_REST) if self._may_probe() else float("inf")

    def _may_probe(self) -> bool:
        """Whether anybody waits for the storm to pass and no question is on its way."""
        flying = self._queue.flying
        waiting = self._polling.waiting or self._submitting.waiting or self._reconciling.waiting
        return waiting and not (flying["poll"] or flying["probe"])

    def _start_probe(self, now: float) -> None:
        """Ask for the balance, which costs nothing, when a storm leaves nothing else to ask."""
        storm = self._queue.breaker
        due = storm.open and now >= storm.next_probe
        if due and self._may_probe() and self._queue.submits and not self._polling.waiting:
            self._queue.spawn("probe", None, self._probe())

    async def _probe(self) -> None:
        try:
            await self._run.client.wire.probe()
        except (APIError, NetworkError):
            self._queue.breaker.failed(self._run.clock.monotonic())
        else:
            self._queue.calm()

    def _take_on_released(self) -> None:
        """Take over what another sweep of this process had and gave back."""
        for slot, job in list(self._foreign.items()):
            if slot not in self._journal.claims:
                del self._foreign[slot]
                self._take_on(job)

    def _still_foreign(self) -> int:
        """Count what another sweep of this process still has to bring."""
        if not self._foreign:
            return 0
        found = (self._journal.records.get(slot) for slot in self._foreign)
        return sum(record is None or record.state in AWAITED for record in found)


def _folder_budget(journal: Journal, origin: str) -> FolderBudget:
    """Return that of all runs of a folder at one service; it hears what is noted from now on."""
    known = journal.shared(_folder_budgets)
    if origin not in known:
        commitments = committed(journal.records.values(), origin)
        known[origin] = FolderBudget(journal.folder, commitments)

        def hear(record: Record | None) -> None:
            if record is not None and record.origin == origin:
                commitments.put(record.slot, record.outlays)

        # before the runs, which look at what is committed when they hear of a record
        journal.watchers.insert(0, hear)
    return known[origin]


def _folder_budgets() -> dict[str, FolderBudget]:
    """Return an empty table of the folder's budgets, by where the clips are made."""
    return {}


def _budgets() -> dict[str, list[Budget]]:
    """Return an empty table of the budgets of all runs of a folder, by where their clips are made."""
    return {}
