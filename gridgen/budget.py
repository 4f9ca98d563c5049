"""What the items of a run may cost: prices known and learned, the budget, and who waits for money."""

from __future__ import annotations

from collections import Counter, deque
from decimal import Decimal
from typing import TYPE_CHECKING

from gridgen.prices import NOISE, PriceClass, price_class

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gridgen.agenda import Item
    from gridgen.grid import Cell
    from gridgen.journal import Record
    from gridgen.prices import Prices

__all__ = ["Budget"]

OPEN = frozenset({"submit", "poll"})
"""Phases in which an item is on its way to the server, or there."""


class Budget:
    """The money side of a run; it is told everything that happens.

    Parameters
    ----------
    prices : Prices
        What is known before.
    cap : Decimal or None
        USD that the items may have cost, together and over all runs.

    Attributes
    ----------
    committed : Decimal
        What the items have cost or may cost so far, in USD.
    eased : bool
        Whether something happened that may let a held item go.
    """

    def __init__(self, prices: Prices, cap: Decimal | None) -> None:
        self.prices = prices
        self.cap = cap
        self.committed = Decimal(0)
        self.eased = False
        self._counted: dict[tuple[str, str, int], Decimal] = {}
        self._reserved: dict[Item, Decimal] = {}
        self._promised = Decimal(0)
        self._open: Counter[PriceClass] = Counter()
        self._probed: dict[PriceClass, Cell] = {}
        self._held: dict[PriceClass, deque[Item]] = {}

    def count(self, record: Record) -> None:
        """Take in what a take has cost or may cost by now."""
        before = self._counted.get(record.slot, Decimal(0))
        found = record.committed + record.before
        if found != before:
            self._counted[record.slot] = found
            self.committed += found - before
            self.eased = self.eased or found < before

    def moved(self, item: Item, before: str, after: str) -> None:
        """Note that an item went from one phase to another."""
        if (before in OPEN) == (after in OPEN):
            return
        kind = price_class(item.cell)
        self._open[kind] += 1 if after in OPEN else -1
        if after in OPEN and self.price(item.cell) is None:
            self._probed[kind] = item.cell
        self.eased = self.eased or before in OPEN

    def price(self, cell: Cell) -> Decimal | None:
        """Return what a cell costs in USD, None while nobody knows."""
        return self.prices.of(cell)

    def learn(self, cell: Cell, record: Record, cost: Decimal | None) -> bool:
        """Take in what the server charges for a task; say whether that is more than was known when it left."""
        if cost is None:
            return False
        if self.prices.learn(cell, cost):
            self.eased = True
        return record.price is not None and cost - record.price > NOISE

    def affords(self, item: Item, besides: Decimal = Decimal(0)) -> bool:
        """Whether the cap covers this item and a sum besides; an unknown price sends one probe of its class."""
        if self.cap is None:
            return True
        price = self.price(item.cell)
        if price is None:
            return not self._open[price_class(item.cell)]
        return not self._blind() and self.committed + self._promised + besides + price <= self.cap

    def _blind(self) -> bool:
        """Whether a probe is on its way whose price nobody knows: until it is told, nobody knows what is left."""
        for kind, cell in list(self._probed.items()):
            if self.price(cell) is not None:
                del self._probed[kind]
        return any(self._open[kind] for kind in self._probed)

    def reserve(self, item: Item) -> None:
        """Set the price of an item aside until its intent is in the journal."""
        self._reserved[item] = self.price(item.cell) or Decimal(0)
        self._promised += self._reserved[item]

    def settle(self, item: Item) -> None:
        """Give back what was set aside for an item."""
        self._promised -= self._reserved.pop(item, Decimal(0))

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
                    break
            if not waiting:
                del self._held[kind]

    def release_all(self) -> list[Item]:
        """Return all held items, which are held no longer."""
        found = [item for waiting in self._held.values() for item in waiting]
        self._held.clear()
        return sorted(found, key=lambda item: item.index)
