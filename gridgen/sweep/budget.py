"""What the items of a run may cost: prices known and learned, the budget, and who waits for money."""

from __future__ import annotations

from collections import deque
from decimal import Decimal
from typing import TYPE_CHECKING

from gridgen.estimate.prices import NOISE, PriceClass, price_class
from gridgen.money import Answer, Cap, Commitments, Verdict, allows, total

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from gridgen.estimate.prices import Prices
    from gridgen.grid import Cell
    from gridgen.journal import Record
    from gridgen.models import Price
    from gridgen.sweep.agenda import Item

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
    wake : callable
        Called when something happened that may let a held item go.

    Attributes
    ----------
    eased : bool
        Whether something happened that may let a held item go.
    """

    def __init__(
        self,
        prices: Prices,
        usd: Decimal | None,
        commitments: Commitments,
        *,
        counted: Collection[tuple[str, str]],
        together: list[Budget],
        wake: Callable[[], None],
    ) -> None:
        self.prices = prices
        self.usd = usd
        self.commitments = commitments
        self.eased = False
        self._counted, self._together, self._wake = counted, together, wake
        self._reserved: set[tuple[str, str, int]] = set()
        self._held: dict[PriceClass, deque[Item]] = {}
        self._before = self._sums()

    @property
    def caps(self) -> list[Cap]:
        """What it caps: one sum, or nothing."""
        return [] if self.usd is None else [Cap(f"budget={self.usd} USD", self.usd, self.commitments)]

    def join(self) -> None:
        """Share with the others from now on."""
        for each in self._together:
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
        """Look at the held items again."""
        self.eased = True
        if self._held:
            self._wake()

    def _ease_all(self) -> None:
        for each in self._together:
            each.ease()

    def hear(self) -> None:
        """Look at the held items again, here and in the other sweeps, where less is committed than before."""
        before, self._before = self._before, self._sums()
        if any(now < then for now, then in zip(self._before, before, strict=True)):
            self._ease_all()

    def _sums(self) -> tuple[Decimal, ...]:
        found = self.commitments
        return found.known, Decimal(found.unpriced), Decimal(found.blind)

    def price(self, cell: Cell) -> Decimal | None:
        """Return what a cell costs in USD, None while nobody knows."""
        return self.prices.of(cell)

    def asks(self, cell: Cell) -> bool:
        """Whether a cell's price matters and is unknown only because the server's list could not be had."""
        return self.usd is not None and self.price(cell) is None and not self.prices.heard(cell.model)

    def hear_price(self, model: str, price: Price | None) -> None:
        """Take in what the server's list says of a model."""
        for each in self._together:
            each.prices.hear(model, price)

    def reprice(self) -> None:
        """Price what left without a price by what is known now."""
        self.commitments.reprice()
        self.ease()

    def learn(self, cell: Cell, record: Record, cost: Decimal | None) -> bool:
        """Take in what the server charges for a task; say whether that is more than was known when it left."""
        if cost is None:
            return False
        for each in self._together:
            each.prices.learn(cell, cost)
        return record.price is not None and cost - record.price > NOISE

    def allows(self, item: Item, *, besides: Decimal = Decimal(0)) -> Verdict:
        """Say whether an item may be submitted under the caps of all running sweeps that count it."""
        caps = (cap for each in self._sharing(item) for cap in each.caps)
        return allows(caps, self.price(item.cell), besides=besides)

    def _sharing(self, item: Item) -> Iterator[Budget]:
        return (each for each in self._together if item.slot[:2] in each.counted)

    @property
    def counted(self) -> Collection[tuple[str, str]]:
        """Origin and key of the cells that the budget is about."""
        return self._counted

    def reserve(self, item: Item) -> None:
        """Count an item until its intent is in the journal, so that no other takes its money meanwhile."""
        self._reserved.add(item.slot)
        for each in self._sharing(item):
            each.commitments.reserve(item.slot, self.price(item.cell))

    def release(self, item: Item) -> None:
        """Count an item no longer, unless its intent is in the journal by now."""
        if self._release(item.slot):
            self._ease_all()

    def _release(self, slot: tuple[str, str, int]) -> bool:
        self._reserved.discard(slot)
        return sum(each.commitments.release(slot) for each in (self, *self._together)) > 0

    def hold(self, item: Item) -> None:
        """Keep an item until there is money for it."""
        self._held.setdefault(price_class(item.cell), deque()).append(item)

    def forget(self, item: Item) -> None:
        """Hold an item no longer."""
        waiting = self._held.get(price_class(item.cell))
        if waiting is not None and item in waiting:
            waiting.remove(item)

    def freed(self) -> Iterator[Item]:
        """Yield held items that there may be money for now, the first of each price class first."""
        self.eased = False
        besides = total(())
        for kind, waiting in list(self._held.items()):
            while waiting and self.allows(waiting[0], besides=besides).answer is Answer.YES:
                item = waiting.popleft()
                price = self.price(item.cell)
                besides = total((besides, price))
                yield item
                if price is None:
                    return
            if not waiting:
                del self._held[kind]

    def free_all(self) -> list[Item]:
        """Return all held items, which are held no longer."""
        found = [item for waiting in self._held.values() for item in waiting]
        self._held.clear()
        return sorted(found, key=lambda item: item.index)
