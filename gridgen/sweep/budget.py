"""What the jobs of a run may cost: prices known and learned, the budget, and who waits for money."""

from __future__ import annotations

from collections import deque
from decimal import Decimal
from typing import TYPE_CHECKING

from gridgen._loop import engine
from gridgen.errors import JournalError
from gridgen.estimate.prices import PriceClass, price_class
from gridgen.money import Answer, Cap, Commitments, Outlay, Stage, Verdict, allows, total
from gridgen.spending import attempt_id
from gridgen.states import UNBILLED, Phase

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from gridgen.estimate.prices import Prices
    from gridgen.grid import Cell
    from gridgen.journal import Record
    from gridgen.models import Price
    from gridgen.money import ClipKey
    from gridgen.spending import FolderBudget
    from gridgen.sweep.run import Run
    from gridgen.sweep.work_queue import Job

__all__ = ["Budget"]


class Budget:
    """The money side of a run: who may leave, who waits, and what the clips turn out to cost.

    Parameters
    ----------
    prices : Prices
        What is known before.
    usd : Decimal or None
        What the clips may have cost, together and over all runs.
    commitments : Commitments
        What they have cost and may cost; kept up to date by the sweep's rows.
    counted : collection of pairs of str
        Origin and key of the cells that the budget is about, in all their takes.
    together : list of Budget
        Those of all sweeps that run in the same folder; what one learns, all know.
    folder : FolderBudget
        What all sweeps of the folder may cost together.
    run : Run
        Whose key may have a budget as well.
    first_alone : bool, default True
        Whether the first clip of a price that the server has not told goes alone in
        its class: a wrong price is then paid once, and not by all that are under way.

    Attributes
    ----------
    first : dict
        Such clips that are under way, by their price class.
    eased : bool
        Whether something happened that may let a held job go.
    binding : Cap or None
        What a job was last held by.
    shared_caps : list of Cap
        Those of a ledger that other machines spend from too, as last heard.
    """

    def __init__(
        self,
        prices: Prices,
        usd: Decimal | None,
        commitments: Commitments,
        *,
        counted: Collection[tuple[str, str]],
        together: list[Budget],
        folder: FolderBudget,
        run: Run,
        first_alone: bool = True,
    ) -> None:
        self.prices = prices
        self.usd = usd
        self.commitments = commitments
        self.eased = False
        self.binding: Cap | None = None
        self.shared_caps: list[Cap] = []
        self._counted, self._together, self._folder, self._run = counted, together, folder, run
        self.first: dict[PriceClass, ClipKey] = {}
        self._first_alone, self._led = first_alone, set[PriceClass]()
        self._reserved: set[ClipKey] = set()
        self._held: dict[PriceClass, deque[Job]] = {}
        self._before = self._sums()

    @property
    def caps(self) -> list[Cap]:
        """What this sweep caps: one sum, or nothing."""
        return [] if self.usd is None else [Cap(f"budget={self.usd} USD", self.usd, self.commitments)]

    def _wider_caps(self) -> list[Cap]:
        """Return the caps of the folder, of a ledger and of the key, as they stand."""
        folder, key = self._folder.cap(), self._run.key_budget
        found = [*self.shared_caps] if folder is None else [folder, *self.shared_caps]
        return found if key is None else [*found, *key.caps(self._run.clock.time())]

    @property
    def _capped(self) -> bool:
        """Whether anything caps it, so that an unknown price matters."""
        try:
            return self.usd is not None or bool(self._wider_caps())
        except JournalError:
            # one that cannot be read is a cap all the same; what is paid is followed without it
            return True

    def join(self) -> None:
        """Share with the others from now on."""
        for each in self._together:
            # what the others have reserved is in no journal yet, and must not be spent twice
            self.commitments.reserve_as(each.commitments, lambda slot: slot[:2] in self._counted)
        self._together.append(self)
        self.prices.watchers.append(self.reprice)

    def leave(self) -> None:
        """Share no more, and leave nothing that the others would wait for."""
        self._together.remove(self)
        self.prices.watchers.remove(self.reprice)
        for slot in tuple(self._reserved):
            self._release(slot)
        self._ease_all()

    def ease(self) -> None:
        """Look at the held jobs again."""
        self.eased = True
        if self._held:
            self._run.queue.wake()

    def _ease_all(self) -> None:
        for each in self._together:
            each.ease()

    def hear(self) -> None:
        """Look at the held jobs again, here and in the other sweeps, where less is committed than before."""
        before, now = self._before, self._sums()
        if now != before:
            self._before = now
            # more committed frees nobody
            if any(less < then for less, then in zip(now, before, strict=True)):
                self._ease_all()

    def _sums(self) -> tuple[Decimal | int, ...]:
        mine, of_all = self.commitments, self._folder.commitments
        return mine.known, mine.unpriced, mine.blind, of_all.known, of_all.unpriced, of_all.blind

    def price(self, cell: Cell) -> Decimal | None:
        """Return what a cell costs in USD, None while nobody knows."""
        return self.prices.of(cell)

    def asks(self, cell: Cell) -> bool:
        """Whether a cell's price matters and is unknown only because the server's list could not be had."""
        return self.price(cell) is None and not self.prices.heard(cell.model) and self._capped

    def hear_price(self, model: str, price: Price | None) -> None:
        """Take in what the server's list says of a model."""
        for each in self._together:
            each.prices.hear(model, price)

    def reprice(self) -> None:
        """Price what left without a price by what is known now."""
        self.commitments.reprice()
        self.ease()

    def learn(self, cell: Cell, cost: Decimal | None) -> None:
        """Take in what the server charged for a clip in the end."""
        if cost:
            # a charge is the same for all that run in the folder
            for each in self._together:
                each.prices.learn(cell, cost)

    @property
    def probing(self) -> bool:
        """Whether the first clip of some price is under way, and tells it."""
        return bool(self.first) or self.commitments.blind > 0

    def waits_for_price(self, cell: Cell) -> bool:
        """Whether others are held until somebody tells what such a clip costs."""
        return self.price(cell) is None and self._capped

    def allows(self, job: Job, *, besides: Decimal = Decimal(0)) -> Verdict:
        """Say whether a job may be submitted under the caps of all running sweeps that count it."""
        caps = [cap for each in self._sharing(job) for cap in each.caps]
        try:
            verdict = allows([*caps, *self._wider_caps()], self.price(job.cell), besides=besides)
        except JournalError as error:
            # a budget that cannot be read may be passed already
            self._run.queue.fail(error)
            return Verdict(Answer.OVER)
        # a listed price is believed for one clip; its charge shows whether it holds for the others
        if verdict.answer is Answer.YES and self._waits_for_first(job):
            verdict = Verdict(Answer.WAIT_FOR_PRICE, next(iter(self.caps)))
        self.binding = verdict.cap or self.binding
        return verdict

    async def claim(self, record: Record, price: Decimal | None) -> Verdict:
        """Count an attempt that is about to leave under its key's budgets, where other processes see it."""
        key = self._run.key_budget
        if key is None or not key.active:
            return Verdict(Answer.YES)
        name = attempt_id(self._run.journal.store_id, record)
        verdict = await engine().in_thread(key.claim, name, price, self._run.clock.time())
        self.binding = verdict.cap or self.binding
        return verdict

    def give_back(self, record: Record) -> None:
        """Count an attempt no longer that was claimed and does not leave."""
        key = self._run.key_budget
        if key is not None and key.active:
            key.put(attempt_id(self._run.journal.store_id, record), Outlay(Stage.FREE, None, None))

    def hear_record(self, record: Record) -> None:
        """Take in what became of an attempt that was claimed."""
        key = self._run.key_budget
        if key is not None and key.active:
            key.put(attempt_id(self._run.journal.store_id, record), record.outlays[-1])

    def _wants_first(self, cell: Cell) -> bool:
        """Whether a clip is to go before the others of its price class, to see that the price holds."""
        known = self._first_alone and self.usd is not None and self.price(cell) is not None
        return known and price_class(cell) not in self._led and not self.prices.confirmed(cell)

    def _waits_for_first(self, job: Job) -> bool:
        if not self._wants_first(job.cell):
            return False
        kind = price_class(job.cell)
        return any(kind in each.first for each in self._together)

    def moved(self, job: Job, before: str, after: str) -> None:
        """Let the others of a class go once their first clip is made; where it is not, another one is the first."""
        if not self.first or before not in UNBILLED or after in UNBILLED:
            return
        kind = price_class(job.cell)
        if self.first.get(kind) != job.slot:
            return
        del self.first[kind]
        # it was made at this price; one that failed has shown nothing
        if after == Phase.DOWNLOAD:
            self._led.add(kind)
        self._ease_all()

    def _sharing(self, job: Job) -> Iterator[Budget]:
        return (each for each in self._together if job.slot[:2] in each.counted)

    def _counting(self, job: Job) -> Iterator[Commitments]:
        yield self._folder.commitments
        yield from (each.commitments for each in self._sharing(job))

    @property
    def counted(self) -> Collection[tuple[str, str]]:
        """Origin and key of the cells that the budget is about."""
        return self._counted

    def reserve(self, job: Job) -> None:
        """Count a job until its intent is in the journal, so that no other takes its money meanwhile."""
        self._reserved.add(job.slot)
        if self._wants_first(job.cell):
            self.first[price_class(job.cell)] = job.slot
        for each in self._counting(job):
            each.reserve(job.slot, self.price(job.cell))

    def release(self, job: Job) -> None:
        """Count a job no longer, unless its intent is in the journal by now."""
        if self._release(job.slot):
            self._ease_all()

    def _release(self, slot: ClipKey) -> bool:
        self._reserved.discard(slot)
        found = [self._folder.commitments, *(each.commitments for each in (self, *self._together))]
        return sum(each.release(slot) for each in found) > 0

    def hold(self, job: Job) -> None:
        """Keep a job until there is money for it."""
        self._held.setdefault(price_class(job.cell), deque()).append(job)

    def forget(self, job: Job) -> None:
        """Hold a job no longer."""
        waiting = self._held.get(price_class(job.cell))
        if waiting is not None and job in waiting:
            waiting.remove(job)

    def freed(self) -> Iterator[Job]:
        """Yield held jobs that there may be money for now, the first of each price class first."""
        self.eased = False
        besides = total(())
        for kind, waiting in list(self._held.items()):
            while waiting and self.allows(waiting[0], besides=besides).answer is Answer.YES:
                job = waiting.popleft()
                price = self.price(job.cell)
                besides = total((besides, price))
                yield job
                # what is left for a second one only the charge of this one can say
                if price is None:
                    return
            if not waiting:
                del self._held[kind]

    def free_all(self) -> list[Job]:
        """Return all held jobs, which are held no longer."""
        found = [job for waiting in self._held.values() for job in waiting]
        self._held.clear()
        return sorted(found, key=lambda job: job.index)
