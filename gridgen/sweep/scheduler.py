"""One scheduler for all cells of a sweep: submits, asks and downloads, on the engine's loop.

Due times drive it; there is no task per cell, and at most sixteen requests are
in flight.
"""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING

from gridgen.errors import APIError, NetworkError
from gridgen.states import ASKED_AGAIN, AWAITED, WITHHOLDABLE, State
from gridgen.sweep.agenda import Agenda, Item
from gridgen.sweep.budget import Budget
from gridgen.sweep.fetching import Accept, Fetching, accept
from gridgen.sweep.polling import Polling
from gridgen.sweep.settling import Settling
from gridgen.sweep.standing import Standing
from gridgen.sweep.stats import Limits
from gridgen.sweep.submitting import SHORTEST_REST, Submitting

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable
    from decimal import Decimal

    from gridgen.client import Client
    from gridgen.estimate.prices import Prices
    from gridgen.journal import Journal, Record
    from gridgen.money import Commitments
    from gridgen.outcome import Ambiguous, Policy
    from gridgen.sweep.stats import Meter

__all__ = ["Item", "Scheduler"]


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
    commitments : Commitments
        What they have cost and may cost, kept up to date by who hears the journal.
    counted : collection of pairs of str
        Origin and key of the cells that the budget is about, in all their takes.
    on_change : callable
        Called with an item whose submission is held or released.
    on_step : callable
        Called after each look at what may be done.
    policy : Policy
        What is done with submissions whose answer was lost.
    replaying : set of slots
        Those that a person wants replayed; taken out once that is settled.
    previews : bool, default True
        Whether a poster and a preview are made of each clip.
    quota : int, optional
        Bytes that the videos of the folder may take together.
    accept : callable
        How a downloaded file is checked and named.

    Attributes
    ----------
    settled : asyncio.Event
        Set while nothing is left to wait for but stalled tasks.
    finished : bool
        Whether nothing is left to do at all.
    """

    def __init__(
        self,
        *,
        client: Client,
        journal: Journal,
        items: Iterable[Item],
        prices: Prices,
        budget: Decimal | None,
        commitments: Commitments,
        counted: Collection[tuple[str, str]],
        on_change: Callable[[Item], None],
        on_step: Callable[[], None],
        policy: Policy,
        replaying: set[tuple[str, str, int]],
        previews: bool = True,
        quota: int | None = None,
        accept: Accept = accept,
    ) -> None:
        self._client, self._journal = client, journal
        self._agenda = Agenda(items, client.clock, self._moved)
        self._budget = Budget(
            prices,
            budget,
            commitments,
            counted=counted,
            together=journal.shared.setdefault(f"budgets of {client.origin}", []),
            wake=self._agenda.wake,
            first_alone=not client.is_simulator,
        )
        self._fetching = Fetching(
            self._agenda, client, journal, previews=previews, quota=quota, accept=accept
        )
        self._polling = Polling(self._agenda, client, journal, self._budget, self._fetching)
        self._submitting = Submitting(
            self._agenda, client, journal, self._budget, self._polling, lost=self._lost
        )
        self._settling = Settling(
            self._agenda, client, journal, self._submitting, policy=policy, asked=replaying, counted=counted
        )
        self._foreign: dict[tuple[str, str, int], Item] = {}
        self._on_change, self._on_step = on_change, on_step
        self.settled = asyncio.Event()
        self.finished = False

    @property
    def error(self) -> Exception | None:
        """What stopped the submitting, for the person who waits."""
        return self._agenda.error

    @property
    def meter(self) -> Meter:
        """What was counted so far."""
        return self._agenda.meter

    @property
    def limits(self) -> Limits:
        """What the server was found to allow so far."""
        pace, slots = self._client.pace, self._polling.schedule.line.slots
        if slots is None and pace.window.limit < math.inf:
            slots = int(pace.window.limit)
        return Limits(pace.submits.known, pace.submits.burst, slots)

    @property
    def stalled(self) -> int:
        """How many tasks are long past what any task takes."""
        return len(self._polling.stalled)

    def standing(self) -> Standing:
        """Return where the run stands, for the person who waits."""
        agenda, now = self._agenda, self._agenda.clock.monotonic()
        phases = agenda.phases
        probe_in = agenda.storm.next_probe - now if agenda.storm.open else None
        return Standing(
            planned=phases["planned"],
            held=phases["held"],
            replays=phases["replay"],
            at_server=phases["submit"] + phases["poll"],
            stalled=self.stalled,
            downloads=phases["download"],
            elsewhere=self._still_foreign(),
            uploads=self._submitting.uploads,
            stopped=agenda.stopping,
            error=agenda.error,
            probe_at=None if probe_in is None else agenda.clock.time() + max(0.0, probe_in),
            pause=self._submitting.pausing,
            slow=self._submitting.slow,
            failing=self._polling.failing,
            results=(agenda.results.count, agenda.results.why) if agenda.results.open else None,
            committed=self._budget.commitments.known,
            cap=self._budget.usd,
            probing=self._budget.probing,
            unpriced=self._budget.commitments.unpriced - self._budget.commitments.blind,
        )

    async def run(self) -> None:
        """Work until nothing is left to submit, to follow or to download."""
        items = self._agenda.items
        self._journal.watchers.append(self._hear)
        self._budget.join()
        self._settling.join()
        try:
            for item in sorted(items, key=self._submitted):
                self._take_on(item)
            await self._settling.settle_earlier()
            while self._step(now := self._agenda.clock.monotonic()):
                await self._agenda.rest(self._due(now))
        finally:
            self._agenda.hush()
            self._polling.close()
            self._journal.watchers.remove(self._hear)
            self._budget.leave()
            self._settling.leave()
            self._journal.release({item.slot for item in items if item.phase != "foreign"})
            self.finished = True
            self.settled.set()

    async def stop(self) -> None:
        """Let no further submission leave; what was submitted is still followed.

        Returns when the requests that were already leaving have got their
        answer, or after 0.3 s.
        """
        self._agenda.stopping = True
        self._agenda.wake()
        await self._agenda.finish("submit", 0.3)

    def resume(self, budget: Decimal | None) -> None:
        """Submit again after `stop`, or after what was wrong was mended, as far as the budget allows now.

        What was over is looked at again: a person may have settled or renewed it.
        """
        self._agenda.stopping, self._agenda.error = False, None
        self._budget.usd = budget
        self._agenda.storm.calm()
        self._agenda.results.reset()
        self._submitting.resume()
        for item in self._budget.free_all():
            self._submitting.plan(item)
        for item in self._agenda.items:
            if item.phase == "over":
                self._journal.claims.discard(item.slot)
                self._take_on(item)
        self.settled.clear()
        self._agenda.wake()

    def withhold(self, item: Item) -> bool:
        """Take an item out of the line until `look_again`; say whether that was possible."""
        if item.phase not in WITHHOLDABLE:
            return False
        self._submitting.forget(item)
        self._budget.forget(item)
        self._agenda.move(item, "over")
        return True

    def look_again(self, item: Item) -> None:
        """Take up an item that was withheld as it stands now."""
        self._journal.claims.discard(item.slot)
        self._take_on(item)
        self._agenda.wake()

    def use(self, client: Client) -> None:
        """Go on with another client of the same service."""
        self._client = client
        for part in (self._submitting, self._settling, self._polling, self._fetching):
            part.use(client)
        self._agenda.wake()

    def _submitted(self, item: Item) -> float:
        """Return when an item was submitted, which is the order in which servers work; 0 if it was not."""
        record = self._journal.records.get(item.slot)
        return 0.0 if record is None else record.submitted_at or 0.0

    def _take_on(self, item: Item) -> None:
        if item.slot in self._journal.claims:
            self._agenda.move(item, "foreign")
            self._foreign[item.slot] = item
            return
        self._journal.claims.add(item.slot)
        record = self._journal.records.get(item.slot)
        if record is None or record.state == State.PLANNED:
            self._submitting.plan(item)
        elif record.task_id is not None and record.state in ASKED_AGAIN:
            self._polling.take_on(item, record)
        elif not (self._settling.take_on(item, record) or self._fetching.take_on(item, record)):
            self._agenda.move(item, "over")

    async def _lost(self, item: Item, record: Record, outcome: Ambiguous) -> None:
        await self._settling.lost(item, record, outcome)

    def _moved(self, item: Item, before: str, after: str) -> None:
        self._budget.moved(item, before, after)
        self._polling.moved(item, before, after)
        if "held" in {before, after}:
            self._on_change(item)

    def _hear(self, record: Record | None) -> None:
        if record is not None:
            self._fetching.hear(record)
            self._settling.hear(record)
            self._budget.hear()
        if self._foreign and (record is None or record.slot in self._foreign):
            self._agenda.wake()

    def _step(self, now: float) -> bool:
        """Start whatever may start now; say whether anything is left to wait for.

        All that is decided in one round, and when to look again, goes by one reading of
        the clock: by a later one, what was to be waited for may be over already.
        """
        if self._agenda.slept(now):
            self._recover_from_sleep()
        self._take_on_released()
        self._take_up_due(now)
        self._settling.start(now)
        self._submitting.start(now)
        self._polling.start(now)
        self._start_probe(now)
        self._fetching.start()
        phases = self._agenda.phases
        self._fetching.break_off(phases["submit"] + phases["poll"] - self.stalled)
        waiting = self._agenda.unfinished + self._still_foreign() + self._agenda.flying["charge"]
        if waiting == self.stalled:
            self.settled.set()
        self.finished = not waiting
        self._on_step()
        return bool(waiting)

    def _recover_from_sleep(self) -> None:
        """Trust no connection and no count of failures from before; ask for every task, at the usual pace.

        The journal's lease is looked at by its next commit.
        """
        self._polling.forgive()
        self._fetching.forgive()
        self._agenda.spawn("reconnect", None, self._client.wire.reconnect())
        self._agenda.hasten("poll")

    def _take_up_due(self, now: float) -> None:
        for what, item in self._agenda.ripe(now):
            if what == "poll":
                self._polling.ask(item)
            elif what == "replay":
                self._settling.ready(item)
            else:
                self._fetching.download(item, self._journal.records[item.slot])

    def _due(self, now: float) -> float:
        """Return when to look again though nothing has changed and nothing is due."""
        if not self._agenda.storm.open:
            held = self._submitting.waiting or self._settling.waiting
            return min(self._polling.due(now), self._submitting.due(now) if held else float("inf"))
        return max(self._agenda.storm.next_probe, now + SHORTEST_REST) if self._may_probe() else float("inf")

    def _may_probe(self) -> bool:
        """Whether anybody waits for the storm to pass and no question is on its way."""
        flying = self._agenda.flying
        waiting = self._polling.waiting or self._submitting.waiting or self._settling.waiting
        return waiting and not (flying["poll"] or flying["probe"])

    def _start_probe(self, now: float) -> None:
        """Ask for the balance, which costs nothing, when a storm leaves nothing else to ask."""
        storm = self._agenda.storm
        due = storm.open and now >= storm.next_probe
        if due and self._may_probe() and self._agenda.submits and not self._polling.waiting:
            self._agenda.spawn("probe", None, self._probe())

    async def _probe(self) -> None:
        try:
            await self._client.wire.probe()
        except (APIError, NetworkError):
            self._agenda.storm.failed(self._agenda.clock.monotonic())
        else:
            self._agenda.calm()

    def _take_on_released(self) -> None:
        """Take over what another sweep of this process had and gave back."""
        for slot, item in list(self._foreign.items()):
            if slot not in self._journal.claims:
                del self._foreign[slot]
                self._take_on(item)

    def _still_foreign(self) -> int:
        """Count what another sweep of this process still has to bring."""
        if not self._foreign:
            return 0
        found = (self._journal.records.get(slot) for slot in self._foreign)
        return sum(record is None or record.state in AWAITED for record in found)
