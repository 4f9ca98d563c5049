"""The price of a grid, before it is spent."""

from __future__ import annotations

import html
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from gridgen.models import find

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from gridgen.grid import Cell
    from gridgen.journal import Row
    from gridgen.models import Price

__all__ = ["NOISE", "Estimate", "PriceClass", "Prices", "estimate", "price_class"]

NOISE = Decimal("0.00001")
"""USD by which two sums may differ on the wire and mean the same: they come as floats."""

MICRO = Decimal("0.000001")

PriceClass = tuple[str, str | None, bool]
"""Model, tier, and whether there is a reference image."""


class Prices:
    """What a clip costs, by the best source there is: the catalogue, then the server's list.

    What the server was seen to charge counts too: where nothing is listed, and
    where it charges more than is listed.

    Parameters
    ----------
    listed : mapping of str to Price or None
        The server's own prices by model id, for models without one in the catalogue.
    """

    def __init__(self, listed: Mapping[str, Price | None]) -> None:
        self._listed = listed
        self._charged: dict[PriceClass, Decimal] = {}

    def source(self, model: str) -> Price | None:
        """Return the price list that holds for a model, None where none is known."""
        return find(model).price or self._listed.get(model)

    def of(self, cell: Cell) -> Decimal | None:
        """Return the price of one clip of a cell in USD, None where it is unknown."""
        listed = self._of_list(cell)
        charged = self._charged.get(price_class(cell))
        if charged is None:
            return listed
        return max(listed or Decimal(0), (charged * _seconds(cell)).quantize(MICRO))

    def learn(self, cell: Cell, cost: Decimal) -> bool:
        """Take in what the server charges for a cell; say whether it is a first or a higher price."""
        known = self.of(cell)
        if not cost or (known is not None and cost - known <= NOISE):
            return False
        self._charged[price_class(cell)] = cost / _seconds(cell)
        return True

    def _of_list(self, cell: Cell) -> Decimal | None:
        price = self.source(cell.model)
        if price is None:
            return None
        return price.of(quality=cell.quality, duration=cell.duration, images=len(cell.image_urls))


def price_class(cell: Cell) -> PriceClass:
    """Return what cells must share so that one's cost tells the other's: model, tier, with or without image."""
    return (cell.model, cell.quality, bool(cell.image_urls))


def _seconds(cell: Cell) -> int:
    return max(1, cell.duration or 1)


@dataclass(frozen=True, slots=True)
class Estimate:
    """What running a sweep now would make and cost.

    Attributes
    ----------
    videos : int
        Clips that would be submitted.
    seconds : int
        Their footage.
    usd : Decimal
        Price of those whose price is known.
    unpriced : int
        How many of them have no known price; they are not free.
    made : int
        Clips that exist already, or are on their way, and cost nothing more.
    committed : Decimal
        USD that this grid has cost, or may cost, in this folder so far.
    budget : Decimal or None
        The sweep's cap in USD.
    sources : tuple of str
        Where each price was read, and when.
    """

    videos: int
    seconds: int
    usd: Decimal
    unpriced: int
    made: int
    committed: Decimal
    budget: Decimal | None
    sources: tuple[str, ...]

    @property
    def total(self) -> str:
        """The price in words: unknown prices stay unknown."""
        if self.unpriced == self.videos and self.videos:
            return "an unknown price"
        known = f"${self.usd:.4f}"
        return f"{known} and {self.unpriced} clips of unknown price" if self.unpriced else known

    def __repr__(self) -> str:
        return f"Estimate({self.videos} videos, {self.seconds} s, {self.total}; {self.made} already made)"

    def _repr_html_(self) -> str:
        lines = [
            ("to make", f"{self.videos} videos, {self.seconds} s of footage"),
            ("price", self.total),
            ("already made", str(self.made)),
            ("spent so far", f"${self.committed:.4f}"),
            ("budget", "none" if self.budget is None else f"${self.budget:.2f}"),
            ("price read from", "; ".join(self.sources) or "nowhere: no price is known"),
        ]
        rows = "".join(
            f"<tr><th style='text-align:left;padding-right:1.5em'>{name}</th>"
            f"<td style='text-align:left'>{html.escape(text)}</td></tr>"
            for name, text in lines
        )
        return f"<table>{rows}</table>"


def estimate(rows: Iterable[Row], prices: Prices, *, committed: Decimal, budget: Decimal | None) -> Estimate:
    """Sum up what the rows that are not made yet would cost."""
    rows = tuple(rows)
    new = [row for row in rows if row.status in {"planned", "held"}]
    found = [prices.of(row.cell) for row in new]
    sources = {row.cell.model: prices.source(row.cell.model) for row in rows}
    return Estimate(
        videos=len(new),
        seconds=sum(row.cell.seconds for row in new),
        usd=sum((price for price in found if price is not None), Decimal(0)),
        unpriced=sum(price is None for price in found),
        made=sum(row.status in _MADE for row in rows),
        committed=committed,
        budget=budget,
        sources=tuple(dict.fromkeys(_named(price) for price in sources.values() if price is not None)),
    )


_MADE = frozenset({"sending", "queued", "running", "stalled", "downloading", "done", "expired", "missing"})


def _named(price: Price) -> str:
    return price.source if price.verified_on is None else f"{price.source}, {price.verified_on:%Y-%m-%d}"
