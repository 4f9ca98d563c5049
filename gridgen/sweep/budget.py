"""What the items of a run may cost: prices known and learned, the budget, and who waits for money."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING

from gridgen.estimate.prices import NOISE, PriceClass, price_class

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from gridgen.estimate.prices import Prices
    from gridgen.grid import Cell
    from gridgen.journal import Record
    from gridgen.models import Price
    from gridgen.sweep.agenda import Item

__all__ = ["Budget", "Purse"]

OPEN = frozenset({"submit", "poll"})
"""Phases in which an item is on its way to the server, or there."""


Slot = tuple[str, str, int]

MUTE = frozenset({"unknown", "downloading", "done", "expired", "missing", "lost"})
"""States of a submission that tells no price any more."""


@dataclass(slots=True)
class Purse:
    """What the sweeps of one folder and origin have on its way at a time, for each to count what is its own of it.

    Attributes
    ----------
    promised : dict
        USD set aside for submissions whose intent is not in the journal yet.
    probing : dict
        Cells that left without a price and are still on their way or at the server.
    budgets : list of Budget
        Theirs; what one learns, all know.
    """

    promised: dict[Slot, Decimal] = field(default_factory=dict)
    probing: dict[Slot, Cell] = field(default_factory=dict)
    budgets: list[Budget] = field(default_factory=list)

    def ease(self) -> None:
        """Let every sweep look at its held items again."""
        for each in self.budgets:
            each.ease()


class Budget:
    """The money side of a run; it is told everything that happens.

    Parameters
    ----------
    prices : Prices
        What is known before.
    cap : Decimal or None
        USD that the items may have cost, together and over all runs.
    items : mapping of slots to items
        All that count, also those that another sweep of this process brings.
    purse : Purse
        Shared with the sweeps that run in the same folder.
    wake : callable
        Called when something happened that may let a held item go.

    Attributes
    ----------
    committed : Decimal
        What the items have cost or may cost so far, in USD.
    eased : bool
        Whether something happened that may let a held item go.
    """

    def __init__(
        self,
        prices: Prices,
        cap: Decimal | None,
        items: Mapping[Slot, Item],
        purse: Purse,
        wake: Callable[[], None],
    ) -> None:
        self.prices = prices
        self.cap = cap
        self.committed = Decimal(0)
        self.eased = False
        self._items, self._purse, self._wake = items, purse, wake
        self._counted: dict[Slot, Decimal] = {}
        self._untold: dict[Slot, Record] = {}
        self._mute: set[Slot] = set()
        self._held: dict[PriceClass, deque[Item]] = {}

    @property
    def untold(self) -> int:
        """How many submissions tell no price any more, and nobody knows it."""
        return sum(self.price(self._items[slot].cell) is None for slot in self._mute)

    def join(self) -> None:
        """Share with the others from now on."""
        self._purse.budgets.append(self)
        self.prices.watchers.append(self.recount)

    def leave(self) -> None:
        """Share no more, and leave nothing that the others would wait for."""
        self._purse.budgets.remove(self)
        self.prices.watchers.remove(self.recount)
        for kept in (self._purse.promised, self._purse.probing):
            for slot in [slot for slot in kept if slot in self._items]:
                if self._items[slot].phase != "foreign":
                    del kept[slot]
        self._purse.ease()

    def ease(self) -> None:
        """Look at the held items again."""
        self.eased = True
        if self._held:
            self._wake()

    def count(self, record: Record) -> None:
        """Take in what a take has cost or may cost by now."""
        before = self._counted.get(record.slot, Decimal(0))
        found = self._committed(record) + record.before
        if found != before:
            self._counted[record.slot] = found
            self.committed += found - before
            if found < before:
                self.eased = True
                self._purse.ease()

    def _committed(self, record: Record) -> Decimal:
        """Return what an attempt may have cost; what left without a price counts at what is known by now."""
        slot, left = record.slot, record.untold_before + record.untold
        if record.untold_before or (record.untold and record.state in MUTE):
            self._mute.add(slot)
        else:
            self._mute.discard(slot)
        if not left:
            self._untold.pop(slot, None)
            return record.committed
        self._untold[slot] = record
        return record.committed + left * (self.price(self._items[slot].cell) or Decimal(0))

    def moved(self, item: Item, before: str, after: str) -> None:
        """Note that an item went from one phase to another."""
        if (before in OPEN) == (after in OPEN):
            return
        if after not in OPEN:
            self._purse.probing.pop(item.slot, None)
            self._purse.ease()
        elif self.price(item.cell) is None:
            self._purse.probing[item.slot] = item.cell

    def price(self, cell: Cell) -> Decimal | None:
        """Return what a cell costs in USD, None while nobody knows."""
        return self.prices.of(cell)

    def asks(self, cell: Cell) -> bool:
        """Whether a cell's price matters and is unknown only because the server's list could not be had."""
        return self.cap is not None and self.price(cell) is None and not self.prices.heard(cell.model)

    def hear(self, model: str, price: Price | None) -> None:
        """Take in what the server's list says of a model."""
        for each in self._purse.budgets:
            each.prices.hear(model, price)

    def recount(self) -> None:
        """Price what left without a price by what is known now."""
        for record in list(self._untold.values()):
            self.count(record)
        self.ease()

    def learn(self, cell: Cell, record: Record, cost: Decimal | None) -> bool:
        """Take in what the server charges for a task; say whether that is more than was known when it left."""
        if cost is None:
            return False
        for each in self._purse.budgets:
            each.prices.learn(cell, cost)
        return record.price is not None and cost - record.price > NOISE

    def affords(self, item: Item, besides: Decimal = Decimal(0)) -> bool:
        """Whether the cap covers this item and a sum besides, and so does that of every other sweep that counts it too.

        An unknown price sends one probe, while money is left. Probes go one at a time, of
        whatever class, so that one alone may pass the cap. After one that never told its price
        no other goes: nobody knows what that one has cost.
        """
        others = (each for each in self._purse.budgets if each is not self and item.slot in each.counts)
        return self.covers(item, besides) and all(each.covers(item) for each in others)

    @property
    def counts(self) -> Mapping[Slot, Item]:
        """The items that the cap is about."""
        return self._items

    def covers(self, item: Item, besides: Decimal = Decimal(0)) -> bool:
        """Whether this cap alone covers an item and a sum besides."""
        if self.cap is None:
            return True
        if self._blind():
            return False
        price = self.price(item.cell)
        promised = sum((usd for slot, usd in self._purse.promised.items() if slot in self._items), Decimal(0))
        spent = self.committed + promised + besides
        if price is None:
            return not self.untold and spent < self.cap
        return spent + price <= self.cap

    def _blind(self) -> bool:
        """Whether a probe is on its way whose price nobody knows: until it is told, nobody knows what is left."""
        probing = (cell for slot, cell in self._purse.probing.items() if slot in self._items)
        return any(self.price(cell) is None for cell in probing)

    def reserve(self, item: Item) -> None:
        """Set the price of an item aside until its intent is in the journal."""
        self._purse.promised[item.slot] = self.price(item.cell) or Decimal(0)

    def settle(self, item: Item) -> None:
        """Give back what was set aside for an item."""
        if self._purse.promised.pop(item.slot, None):
            self._purse.ease()

    def hold(self, item: Item) -> None:
        """Keep an item until there is money for it."""
        self._held.setdefault(price_class(item.cell), deque()).append(item)

    def forget(self, item: Item) -> None:
        """Hold an item no longer."""
        waiting = self._held.get(price_class(item.cell))
        if waiting is not None and item in waiting:
            waiting.remove(item)

    def release(self) -> Iterator[Item]:
        """Yield held items that there may be money for now, the first of each price class first."""
        self.eased = False
        besides = Decimal(0)
        for kind, waiting in list(self._held.items()):
            while waiting and self.affords(waiting[0], besides):
                item = waiting.popleft()
                price = self.price(item.cell)
                besides += price or Decimal(0)
                yield item
                if price is None:
                    return
            if not waiting:
                del self._held[kind]

    def release_all(self) -> list[Item]:
        """Return all held items, which are held no longer."""
        found = [item for waiting in self._held.values() for item in waiting]
        self._held.clear()
        return sorted(found, key=lambda item: item.index)
