"""What a clip costs: by the catalogue, by the server's own list, by what it charged."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gridgen.grid.cells import Cell
    from gridgen.models import Price

__all__ = ["CHARGED", "NOISE", "PriceClass", "Prices", "price_class"]

NOISE = Decimal("0.00001")
"""USD by which two sums may differ on the wire and mean the same: they come as floats."""

MICRO = Decimal("0.000001")

CHARGED = "what the server charged here"
RECALLED = "what was listed when one like it was submitted here"

PriceClass = tuple[str, str | None, bool, bool]
"""Model, tier, whether there is a reference image, and whether the length is left to the model."""


class Prices:
    """What a clip costs, by the best source there is: the catalogue, then the server's list.

    What the server was seen to charge counts too: where nothing is listed, and
    where it charges more than is listed. Where there is none of these, what was
    known when a clip of its class left does: prices last longer than a list that
    cannot be had just now.

    Parameters
    ----------
    listed : mapping of str to Price or None
        The server's own prices by model id, for models without one in the catalogue.

    Attributes
    ----------
    watchers : list of callable
        Called when some price may have changed.
    """

    def __init__(self, listed: Mapping[str, Price | None] | None = None) -> None:
        self.watchers: list[Callable[[], None]] = []
        self._listed = dict(listed or {})
        self._charged: dict[PriceClass, Decimal] = {}
        self._recalled: dict[PriceClass, Decimal] = {}
        self._confirmed: set[PriceClass] = set()
        self._quoted: dict[Any, tuple[Decimal | None, str | None]] = {}

    def of(self, cell: Cell) -> Decimal | None:
        """Return the price of one clip of a cell in USD, None where it is unknown."""
        return self.quoted(cell)[0]

    def quoted(self, cell: Cell) -> tuple[Decimal | None, str | None]:
        """Return the price of one clip in USD and where it comes from, both None where it is unknown."""
        kind = (cell.model, cell.record, cell.quality, cell.duration, len(cell.image_urls))
        found = self._quoted.get(kind)
        if found is None:
            found = self._quoted[kind] = self._quote(cell)
        return found

    def _quote(self, cell: Cell) -> tuple[Decimal | None, str | None]:
        listed, source = self._of_lists(cell)
        kind = price_class(cell)
        for known, named in ((self._charged.get(kind), CHARGED), (self._recalled.get(kind), RECALLED)):
            if known is None or (listed is not None and named == RECALLED):
                continue
            usd = (known * _seconds(cell)).quantize(MICRO)
            if listed is None or listed < usd:
                listed, source = usd, named
        return listed, source

    def confirmed(self, cell: Cell) -> bool:
        """Whether a cell's price is one that the server told: by its list at this start, or by a charge of late."""
        listed = self._listed.get(cell.model)
        return price_class(cell) in self._confirmed or (listed is not None and _by(listed, cell) is not None)

    def heard(self, model: str) -> bool:
        """Whether the server's list has told of a model, if only that it has no price."""
        return model in self._listed

    def hear(self, model: str, price: Price | None) -> None:
        """Take in what the server's list says of a model; a price that it told stays when it tells none."""
        if price is None and self.heard(model):
            return
        self._listed[model] = price
        self._changed()

    def recall(self, cell: Cell, price: Decimal) -> None:
        """Take in what was known of a cell's price when it was submitted."""
        kind, found = price_class(cell), price / _seconds(cell)
        if found > self._recalled.get(kind, Decimal(0)):
            self._recalled[kind] = found
            self._changed()

    def learn(self, cell: Cell, cost: Decimal, *, lately: bool = True) -> None:
        """Take in what the server charged for a cell, where that is a first or a higher price.

        What it charged lately, in the last seven days, confirms the price as well.
        """
        known = self.of(cell)
        if cost and lately:
            self._confirmed.add(price_class(cell))
        if not cost or (known is not None and cost - known <= NOISE):
            return
        self._charged[price_class(cell)] = cost / _seconds(cell)
        self._changed()

    def _changed(self) -> None:
        self._quoted.clear()
        for watcher in tuple(self.watchers):
            watcher()

    def _of_lists(self, cell: Cell) -> tuple[Decimal | None, str | None]:
        for price in (cell.spec.price, self._listed.get(cell.model)):
            if price is None:
                continue
            usd = _by(price, cell)
            if usd is not None:
                return usd, price.named
        return None, None


def price_class(cell: Cell) -> PriceClass:
    """Return what cells must share so that one's cost tells the other's.

    A clip whose length the model chooses tells nothing of a second's price.
    """
    return (cell.model, cell.quality, bool(cell.image_urls), not cell.seconds)


def _by(price: Price, cell: Cell) -> Decimal | None:
    return price.of(quality=cell.quality, duration=cell.duration, images=len(cell.image_urls))


def _seconds(cell: Cell) -> int:
    return max(1, cell.duration or 1)
