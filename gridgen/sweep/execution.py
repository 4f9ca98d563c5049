"""A sweep on the engine's loop: begun, stopped, settled, and changed by a person."""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import functools
import logging
import os
import sys
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from gridgen._loop import ended, engine
from gridgen.atomic import clear_parts
from gridgen.errors import GridgenError, JournalError
from gridgen.estimate import pictures
from gridgen.grid.images import copy_into
from gridgen.journal import is_begun
from gridgen.ledger import open_ledger
from gridgen.money import NOTHING
from gridgen.states import LIVE, STRANDED, VACANT, State
from gridgen.sweep import witnesses
from gridgen.sweep.account import Reconciliation, doubt
from gridgen.sweep.journals import attach, detach
from gridgen.sweep.preflight import check_balance, check_budget, check_priced
from gridgen.sweep.reopen import SWEEP_FILE, save_sequence, save_sweep
from gridgen.sweep.stopping import StopFile, heed_stop_files
from gridgen.sweep.table import write_table
from gridgen.sweep.wait_reasons import WaitReasons

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Sequence
    from concurrent.futures import Executor, Future
    from decimal import Decimal

    from gridgen.client import Client
    from gridgen.clock import Clock
    from gridgen.estimate import Estimate
    from gridgen.estimate.prices import Prices
    from gridgen.journal import Journal, Record, Row
    from gridgen.ledger import Address
    from gridgen.money import ClipKey
    from gridgen.outcome import Policy
    from gridgen.sweep.plan import Plan
    from gridgen.sweep.pricing import Pricing
    from gridgen.sweep.rows import Rows
    from gridgen.sweep.scheduler import Scheduler
    from gridgen.sweep.work_queue import Job

__all__ = ["Execution", "RunOptions"]

_log = logging.getLogger("gridgen")

"""States of an attempt that must end as lost before another one begins; what they cost still counts."""


@dataclass(frozen=True, slots=True)
class RunOptions:
    """On what terms a sweep is executed; each field is the argument of `Sweep` of that name."""

    budget: Decimal | None
    previews: bool
    disk_quota: int | None
    policy: Policy
    workers: Executor | None
    ledger: Address | None


class Execution:
    """What happens to the clips of a sweep, run after run; all of it on the engine's loop.

    Parameters
    ----------
    plan : Plan
        What is to be made.
    rows : Rows
        Where it is seen.
    pricing : Pricing
        What it costs.
    client : Client or None
        Where it is made; with None nothing can be sent.

    Attributes
    ----------
    scheduler : Scheduler or None
        That of the latest run.
    future : Future or None
        The latest run itself.
    replaying : set of ClipKey
        Submissions that a person wants replayed.
    stops : int
        How often it was stopped.
    stopped : bool
        Whether a person stopped it and nobody has begun it again.
    stop_file : StopFile
        How a page stops it while a cell holds the kernel.
    """

    def __init__(self, plan: Plan, rows: Rows, pricing: Pricing, client: Client | None) -> None:
        self._plan, self._rows, self._pricing = plan, rows, pricing
        self.client = client
        self.scheduler: Scheduler | None = None
        self.future: Future[None] | None = None
        self.replaying: set[ClipKey] = set()
        self._waits: tuple[str, ...] = ()
        self._handed: list[Callable[[], None]] = []
        self._starting = asyncio.Lock()
        self.stops = 0
        self.stopped = False
        self.stop_file = StopFile(plan.folder, self.stop)
        self._heeding: asyncio.Task[None] | None = None
        self._unaccounted = NOTHING

    @property
    def running(self) -> bool:
        """Whether something is being submitted, followed or downloaded."""
        return self.future is not None and not self.future.done()

    @property
    def wait_reasons(self) -> WaitReasons:
        """What is waited for now."""
        found = WaitReasons() if self.scheduler is None else self.scheduler.wait_reasons()
        return replace(found, unaccounted=self._unaccounted) if self._unaccounted else found

    def connected(self) -> Client:
        """Return the client.

        Raises
        ------
        GridgenError
            If there is none, or it cannot send anything from here.
        """
        if self.client is None:
            msg = (
                f"this sweep was opened without a client, so nothing can be sent or followed: "
                f"gridgen.open({self._plan.name!r}, client=gridgen.Client()), or client=gridgen.Simulator().client()"
            )
            raise GridgenError(msg)
        self.client.wire.check()
        return self.client

    def use(self, client: Client) -> None:
        """Go on with another client; from any thread."""
        before, self.client = self.client, client
        if self.scheduler is not None:
            engine().submit(self._use(self.scheduler, client, before))

    async def _use(self, scheduler: Scheduler, client: Client, before: Client | None) -> None:
        if not scheduler.finished:
            doubt(client, *(() if before is None else (before,)))
            await self._hand_folder(client)
        scheduler.use(client)

    async def start(self, terms: RunOptions, stops: int) -> None:
        """Begin a run, or go on with the one that is stopping, unless it was stopped since `stops` were counted.

        Raises
        ------
        BudgetError, OutOfCreditsError
            If there is no money for it. Nothing is sent.
        JournalError
            If the folder cannot be used. Nothing is sent.
        """
        if self.stops != stops:
            return
        self.stopped = False
        running = engine().shared(_executions)
        if self._heeding is None or self._heeding.done():
            self._heeding = asyncio.create_task(heed_stop_files(self._plan.folder, lambda: self in running))
        async with self._starting:
            # of two that start at once, the second finds the run of the first
            running.add(self)
            try:
                await self._start(terms, stops)
            finally:
                if not self.running:
                    running.discard(self)

    async def _start(self, terms: RunOptions, stops: int) -> None:
        """Begin, unless it was stopped since."""
        if self.scheduler is not None and self.future is not None:
            if terms.budget is None:
                await self._check_funds(self._pricing.heard(self.client), None)
            if not self.scheduler.finished:
                if self.stops != stops:
                    return
                self.scheduler.resume(terms.budget)
                if self._rows.journal is not None:
                    await self._keep(self._rows.journal, terms)
                return
            await ended(self.future)
        client = self.connected()
        # funds before the folder: a sweep that may not begin leaves no trace there
        prices = await self._pricing.asked(client, anew=False)
        submits = await self._check_funds(prices, terms.budget)
        from gridgen.sweep.scheduler import Scheduler

        # what is sent later must be what the cell says now, whatever becomes of the files meanwhile
        await self._keep_pictures()
        if self.stops != stops:
            return
        journal = await self._open(terms, prices)
        reconciliation = await self._begin_reconciling(client, journal, submits=submits)
        if self.stops != stops:
            reconciliation.leave()
            await self._close(journal)
            return
        self.scheduler = Scheduler(
            client=client,
            journal=journal,
            jobs=self._plan.submit_order(prices),
            prices=prices,
            budget=terms.budget,
            commitments=self._rows.commitments,
            counted=self._plan.cells,
            on_change=self._rows.look_at,
            on_step=self._stepped,
            previews=terms.previews,
            quota=terms.disk_quota,
            policy=terms.policy,
            workers=terms.workers,
            ledger=None if terms.ledger is None else open_ledger(terms.ledger),
            replaying=self.replaying,
        )
        self.future = engine().submit(self._run(self.scheduler, journal, reconciliation))

    async def _begin_reconciling(self, client: Client, journal: Journal, *, submits: bool) -> Reconciliation:
        found, self._unaccounted = Reconciliation(client, self._rows.commitments), NOTHING
        try:
            await found.begin(submits=submits)
        except BaseException:
            found.leave()
            await self._close(journal)
            raise
        return found

    async def _run(self, scheduler: Scheduler, journal: Journal, reconciliation: Reconciliation) -> None:
        try:
            await scheduler.run()
            # the table comes first: where the journal is lost one day, it tells what was paid
            await engine().in_thread(write_table, self._plan.folder, self._plan.grid.axes, self._rows.last())
            await self._keep(journal)
            self._unaccounted = await reconciliation.end()
            self._rows.watchers.mark(())
        finally:
            reconciliation.leave()
            # one that is being started anew is still running
            if not self._starting.locked():
                engine().shared(_executions).discard(self)
            await self._close(journal)

    async def _close(self, journal: Journal) -> None:
        while self._handed:
            self._handed.pop()()
        self._rows.leave()
        await detach(journal)

    async def _hand_folder(self, client: Client) -> None:
        """Let the client's simulator, where it has one, keep there what would be gone with its process."""
        keep_in = getattr(client.simulator, "keep_in", None)
        if keep_in is not None and client.is_simulator:
            self._handed.append(await engine().in_thread(keep_in, self._plan.folder))

    async def stop(self) -> None:
        """Submit nothing more of these clips in this process; what was submitted is still followed and downloaded.

        Another sweep in the folder that brings some of them is stopped as well: the
        person who made the same sweep twice means both.
        """
        # a person who made the same sweep twice and stops one of them means the money, not the object
        others = engine().shared(_executions)
        found = {self, *(each for each in others if self._shares_clips(each))}
        # all of it is counted before anything is waited for, so that no verb that begins later is meant
        for each in found:
            each.stops += 1
            each.stopped = True
        await asyncio.gather(*(each.halt() for each in found))

    async def stops_until_now(self) -> int:
        """Return how often it was stopped, those stops included that another thread has asked for before."""
        return self.stops

    async def halt(self) -> None:
        """Let the run of this sweep alone submit nothing more."""
        if self.scheduler is not None and not self.scheduler.finished:
            await self.scheduler.stop()
        self._rows.watchers.mark(())

    def _shares_clips(self, other: Execution) -> bool:
        mine, theirs = self._plan, other._plan
        return mine.folder == theirs.folder and not mine.by_slot.keys().isdisjoint(theirs.by_slot)

    def parting_word(self) -> str:
        """Say what is paid, or under way, and not in the folder, empty for nothing; from any thread."""
        left = sum(row.status in LIVE for row in self._rows.last()) if self.running else 0
        if not left:
            return ""
        clips, they, are = ("1 clip", "it", "is") if left == 1 else (f"{left} clips", "they", "are")
        return (
            f"gridgen: this process ends before {clips} of {self._plan.name!r} {are} fetched, which {are} paid or "
            f"under way. Run it again: {they} {are} fetched then, and not paid again. "
            f"sweep.wait() at its end waits for {'it' if left == 1 else 'them'}.\n"
        )

    async def until_idle(self) -> None:
        """Wait for the scheduler to have nothing to wait for, and raise what stopped it."""
        scheduler, future = self.scheduler, self.future
        if scheduler is None or future is None:
            return
        await scheduler.idle.wait()
        if not scheduler.stalled:
            await asyncio.wrap_future(future)
        if scheduler.error is not None:
            raise scheduler.error

    async def renew(self, rows: Sequence[Row], budget: Decimal | None) -> None:
        """Plan a new attempt of each of these takes, if there is money for it and for what is planned already.

        Raises
        ------
        BudgetError, OutOfCreditsError
            If there is not. Nothing has changed then.
        """
        _log.info("rows %s are made again", ", ".join(str(row.index) for row in rows))
        renewed = {each.index: replace(each, status=State.PLANNED) for each in rows}
        prices = await self._pricing.asked(self.client)
        await self._check_funds(prices, budget, [renewed.get(each.index, each) for each in self._rows.now()])
        async with self.journaled() as journal:
            if budget is not None:
                keyed = ((each, self._plan.slot(each)) for each in rows)
                check_priced(keyed, self._rows.committed(prices), budget)
            for each in rows:
                record = journal.records[self._plan.slot(each)]
                ending = State.LOST if record.state in STRANDED else None
                await journal.again(record, ending=ending)

    async def adopt(self, job: Job, task_id: str) -> None:
        """Take up a task that was submitted elsewhere as one of the clips.

        Raises
        ------
        APIError
            If the server does not know the task.
        JournalError
            If the job has a clip already, or another one has that task.
        """
        await self.connected().wire.poll(task_id)
        async with self.journaled() as journal:
            last = journal.records.get(job.slot)
            if last is not None and last.state not in VACANT:
                how = (
                    "; settle it with sweep.unknown.attach(row, task_id)"
                    if last.state == State.UNKNOWN
                    else ""
                )
                msg = f"take {job.take} of this cell is {last.state} already{how}. Nothing has changed."
                raise JournalError(msg)
            self.check_unused(journal, task_id)
            with self._withheld(job):
                await journal.adopt(origin=job.slot.origin, cell=job.cell, take=job.take, task_id=task_id)

    def check_unused(self, journal: Journal, task_id: str) -> None:
        """Raise `JournalError` if some clip of the folder has a task already."""
        for record in journal.records.values():
            if record.task_id == task_id and record.origin == self._plan.origin:
                msg = (
                    f"task {task_id[:80]!r} is another clip's already (cell {record.cell[:8]}, take {record.take}); "
                    "one task is one clip. Nothing has changed."
                )
                raise JournalError(msg)

    @contextlib.asynccontextmanager
    async def journaled(self, clock: Clock | None = None) -> AsyncIterator[Journal]:
        """Lend the journal for a change that a person asked for; stamped by the client's clock where none is given."""
        if self._rows.journal is not None:
            yield self._rows.journal
            return
        journal = await attach(self._plan.folder, clock or self.connected().clock)
        try:
            yield journal
        finally:
            self._rows.forget()
            await detach(journal)

    @contextlib.contextmanager
    def _withheld(self, job: Job) -> Iterator[None]:
        """Keep a job from being submitted while a person does something with it."""
        scheduler = self.scheduler
        if scheduler is None or scheduler.finished:
            yield
            return
        if not scheduler.withhold(job):
            msg = f"take {job.take} of this cell is being submitted at this moment. Nothing has changed."
            raise JournalError(msg)
        try:
            yield
        finally:
            scheduler.look_again(job)

    def check_budget(self, found: Estimate, budget: Decimal | None) -> None:
        """Raise `BudgetError` if a run would pass a budget, or spend real money without one; from any thread."""
        client = self.connected()
        check_budget(found, budget, client, self._pricing.wider_caps(client))

    async def _check_funds(
        self, prices: Prices, budget: Decimal | None, rows: Sequence[Row] | None = None
    ) -> bool:
        """Raise where there is no money for what would be made; say whether anything would."""
        client = self.connected()
        wider = await engine().in_thread(self._pricing.wider_caps, client)
        found = self._pricing.estimate(prices, budget=budget, wider=wider, clock=client.clock, rows=rows)
        check_budget(found, budget, client, wider)
        await check_balance(found, client)
        return found.videos > 0

    async def _keep_pictures(self) -> None:
        """Have a copy of each picture in the folder before anything is sent."""
        found = pictures(self._plan.grid)
        if found:
            await engine().in_thread(copy_into, found, self._plan.folder)

    async def _open(self, terms: RunOptions, prices: Prices) -> Journal:
        """Open the folder's journal, unless others in the folder know more than it does."""
        folder = self._plan.folder
        if not is_begun(folder):
            # seen before it is made, so that the folder stays as it is
            await engine().in_thread(witnesses.check, self._plan, (), "", 0, ())
        journal = await attach(folder, self.connected().clock)
        try:
            # the lease is this process's, so what others left of these files was left by dead ones
            for name in (SWEEP_FILE, witnesses.TABLE):
                await engine().in_thread(clear_parts, folder / name)
            sequence = await engine().in_thread(journal.sequence)
            records, earlier = tuple(journal.records.values()), await engine().in_thread(journal.earlier)
            await engine().in_thread(
                witnesses.check, self._plan, records, journal.store_id, sequence, earlier
            )
            await self._keep(journal, terms)
            await self._hand_folder(self.connected())
        except OSError as error:
            await detach(journal)
            msg = f"the folder {str(folder)!r} cannot be written: {error.strerror}. Nothing was sent."
            raise JournalError(msg) from error
        except BaseException:
            await detach(journal)
            raise
        self._rows.follow(journal, prices)
        return journal

    async def take_in(self, terms: RunOptions, clock: Clock) -> None:
        """Note in the journal, as paid, the clips that it does not know and that lie in the folder or in its table.

        Raises
        ------
        JournalError
            If the folder cannot be used.
        """
        prices = self._pricing.heard(self.client)
        # one at a time: a verb that was interrupted goes on here, and may have been called again
        async with self.journaled(clock) as journal, journal.shared(_taking_in):
            records = tuple(journal.records.values())
            tasks = {record.task_id for record in records}
            for each in await engine().in_thread(self._unnoted, journal, records):
                told = await engine().in_thread(witnesses.told, each, self._plan.folder, clock.time())
                if told.get("task_id") in tasks:
                    told |= {
                        "task_id": None,
                        "state": State.MISSING if told["state"] == State.QUEUED else told["state"],
                    }
                tasks.add(told.get("task_id"))
                origin, _, take = each.job.slot
                told["price"] = prices.of(each.job.cell)
                await journal.take_in(origin=origin, cell=each.job.cell, take=take, **told)
            await self._keep(journal, terms)

    def _unnoted(self, journal: Journal, records: tuple[Record, ...]) -> list[witnesses.Witness]:
        behind = witnesses.is_behind(self._plan.folder, journal.store_id, journal.sequence())
        return witnesses.unnoted(self._plan, records, () if behind else journal.earlier())

    async def _keep(self, journal: Journal, terms: RunOptions | None = None) -> None:
        """Keep beside the journal how far it is, and on what terms the plan is begun if it begins."""
        plan = self._plan
        # one at a time: another sweep of the folder may keep its plan at this moment
        async with journal.shared(_keeping):
            sequence = await engine().in_thread(journal.sequence)
            if terms is None:
                await engine().in_thread(save_sequence, plan.folder, journal.store_id, sequence)
                return
            keeping = functools.partial(
                save_sweep,
                plan.folder,
                plan.grid.combinations,
                takes=plan.takes,
                budget=terms.budget,
                origin=plan.origin,
                store=journal.store_id,
                sequence=sequence,
            )
            await engine().in_thread(keeping)

    def _stepped(self) -> None:
        """Let the watchers know when something else is waited for."""
        if not self._rows.watchers:
            return
        waits = self.wait_reasons.words()
        if waits != self._waits:
            self._waits = waits
            self._rows.watchers.mark(())


def _executions() -> set[Execution]:
    """Return an empty set of what runs; at the process's end it says what it leaves behind."""
    running: set[Execution] = set()
    atexit.register(_take_leave, running, os.getpid())
    return running


def _taking_in() -> asyncio.Lock:
    """Return what lets one verb at a time take clips into a journal."""
    return asyncio.Lock()


def _keeping() -> asyncio.Lock:
    """Return what lets one sweep at a time keep its plan beside a journal."""
    return asyncio.Lock()


def _take_leave(running: set[Execution], pid: int) -> None:
    """Write each sweep's parting word where a script's errors go; a notebook's own streams are closed by then."""
    if pid != os.getpid() or sys.__stderr__ is None:
        return
    words = dict.fromkeys(each.parting_word() for each in tuple(running))
    with contextlib.suppress(OSError, ValueError):
        sys.__stderr__.write("".join(words))
