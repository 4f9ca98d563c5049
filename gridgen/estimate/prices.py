"""What a clip costs: by the server's own list, by the catalogue, by what it charged."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

from gridgen.models import relative
from gridgen.models.fields import AUTOMATIC
from gridgen.money import Dollars

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gridgen.grid.cells import Cell
    from gridgen.models import Price, Quote

__all__ = ["CHARGED", "NOISE", "PriceClass", "Prices", "price_class"]

NOISE = Decimal("0.00001")
"""USD by which two sums may differ on the wire and mean the same: they come as floats."""

MICRO = Decimal("0.000001")

CHARGED = "what the server charged here"
RECALLED = "what was listed when one like it was submitted here"


class PriceClass(NamedTuple):
    """What cells must share so that one's cost tells the other's.

    Attributes
    ----------
    model : str
    quality : str or None
    traits : frozenset of str
        What else sets the price apart, as of `Model.traits`.
    pictures : int
        Those that are billed.
    length : int or None
        Where it tells nothing of others.
    videos : tuple of str
        Reference videos, where their own seconds may be billed: nobody knows how many they have.
    """

    model: str
    quality: str | None
    traits: frozenset[str]
    pictures: int
    length: int | None
    videos: tuple[str, ...] = ()


class _Paid(NamedTuple):
    """What one clip of a class costs, and how long it is."""

    usd: Decimal
    seconds: int


class Prices:
    """What a clip costs, by the best source there is: the server's list, then the catalogue.

    What the server was seen to charge counts too: where nothing is listed, and
    where it charges more than is listed. Where there is none of these, what was
    known when a clip of its class left does: prices last longer than a list that
    cannot be had just now.

    Parameters
    ----------
    listed : mapping of str to Price or None
        The server's own prices by model id.

    Attributes
    ----------
    watchers : list of callable
        Called when some price may have changed.
    """

    def __init__(self, listed: Mapping[str, Price | None] | None = None) -> None:
        self.watchers: list[Callable[[], None]] = []
        self._listed = dict(listed or {})
        self._charged: dict[PriceClass, _Paid] = {}
        self._recalled: dict[PriceClass, _Paid] = {}
        self._confirmed: set[PriceClass] = set()
        self._quoted: dict[Any, tuple[Decimal | None, str | None]] = {}

    def of(self, cell: Cell) -> Decimal | None:
        """Return the price of one clip of a cell in USD, None where it is unknown."""
        return self.quoted(cell)[0]

    def quoted(self, cell: Cell) -> tuple[Decimal | None, str | None]:
        """Return the price of one clip in USD and where it comes from, both None where it is unknown."""
        kind = (
            *(cell.model, cell.record, cell.quality, cell.duration, cell.pictures),
            *(cell.traits, cell.videos),
        )
        found = self._quoted.get(kind)
        if found is None:
            found = self._quoted[kind] = self._quote(cell)
        return found

    def like(self, cell: Cell) -> tuple[Decimal | None, str | None]:
        """Return what the clip would cost at the price of its model's family, and whose price that is.

        It is a guess, and never spent against: nobody has seen what the model itself costs.
        """
        model = relative(cell.model)
        if model is None or cell.record is not None:
            return None, None
        for price in (self._listed.get(model.id), model.price):
            quote = cell.quote(price)
            if quote is not None and quote.usd is not None:
                return quote.usd, f"like {model.id}"
        return None, None

    def _quote(self, cell: Cell) -> tuple[Decimal | None, str | None]:
        price, quote = self._of_lists(cell)
        listed = None if quote is None else quote.usd
        source = None if price is None or quote is None or listed is None else f"{price.named}: {quote.entry}"
        if self._has_any_length(cell):
            return listed, source
        kind = self._class(cell)
        for known, named in ((self._charged.get(kind), CHARGED), (self._recalled.get(kind), RECALLED)):
            if known is None or (listed is not None and named == RECALLED):
                continue
            usd = self._scaled(known, cell)
            if listed is None or listed < usd:
                listed, source = usd, named
        return listed, source

    def confirmed(self, cell: Cell) -> bool:
        """Whether a cell's price is one that the server told: by its list at this start, or by a charge of late."""
        listed = cell.quote(self._listed.get(cell.model))
        return self._class(cell) in self._confirmed or (listed is not None and listed.usd is not None)

    def heard(self, model: str) -> bool:
        """Whether the server's list has told of a model, if only that it has no price."""
        return model in self._listed

    def hear(self, model: str, price: Price | None) -> None:
        """Take in what the server's list says of a model; a price that it told stays when it tells none."""
        if price is None and self.heard(model):
            return
        if self._listed.get(model, self) != price:
            self._listed[model] = price
            self._changed()

    def recall(self, cell: Cell, price: Decimal) -> None:
        """Take in what was known of a cell's price when it was submitted."""
        kind = self._class(cell)
        before = self._recalled.get(kind)
        if before is None or self._scaled(before, cell) < price:
            self._recalled[kind] = _Paid(price, _seconds(cell))
            self._changed()

    def learn(self, cell: Cell, cost: Decimal, *, lately: bool = True) -> None:
        """Take in what the server charged for a cell, where that is a first or a higher price.

        What it charged lately, in the last seven days, confirms the price as well.
        """
        known = self.of(cell)
        if cost and lately:
            self._confirmed.add(self._class(cell))
        if not cost or (known is not None and cost - known <= NOISE):
            return
        self._charged[self._class(cell)] = _Paid(cost, _seconds(cell))
        self._changed()

    def _changed(self) -> None:
        self._quoted.clear()
        for watcher in tuple(self.watchers):
            watcher()

    def _of_lists(self, cell: Cell) -> tuple[Price | None, Quote | None]:
        """Return the list that has the clip's model and tier, the server's first, and what it says."""
        for price in (self._listed.get(cell.model), cell.spec.price):
            quote = cell.quote(price)
            if quote is not None:
                return price, quote
        return None, None

    def _unit(self, cell: Cell) -> str | None:
        """Return what a clip of the model is billed by, that of its family if need be, None where nobody knows."""
        family = relative(cell.model) if cell.record is None else None
        known = (self._listed.get(cell.model), cell.spec.price, None if family is None else family.price)
        return next((price.unit for price in known if price is not None), None)

    def _has_any_length(self, cell: Cell) -> bool:
        """Whether the model chooses how long a clip is that is not billed as one: no other's charge tells its price."""
        return cell.duration == AUTOMATIC and self._unit(cell) != "request"

    def _class(self, cell: Cell) -> PriceClass:
        """Return the class of a cell by the server's list, which may bill by the clip, or not price a reference video."""
        kind, quote = price_class(cell), self._of_lists(cell)[1]
        if self._unit(cell) == "request":
            return kind._replace(length=cell.duration, videos=())
        return kind._replace(videos=() if quote is not None and quote.usd is not None else cell.videos)

    def _scaled(self, paid: _Paid, cell: Cell) -> Decimal:
        """Return what a clip costs as far as one of its class tells.

        Only what is billed by the second is divided by seconds. Where pictures or the
        seconds of a reference video may be in the sum, or nobody knows what is billed, a
        shorter clip may cost as much.
        """
        longer = Decimal(_seconds(cell)) / paid.seconds
        unit = self._unit(cell)
        if unit == "request":
            return paid.usd
        kind = self._class(cell)
        if unit != "second" or kind.pictures or kind.videos:
            longer = max(Decimal(1), longer)
        return Dollars((paid.usd * longer).quantize(MICRO))


def price_class(cell: Cell) -> PriceClass:
    """Return what cells must share so that one's cost tells the other's: all that one entry of a list covers.

    A clip whose length the model chooses tells nothing of a second's price. Of what is
    billed by the clip each length is a class of its own.
    """
    price = cell.spec.price
    billed = cell.pictures if price is None else price.billed_images(cell.pictures)
    by_clip = price is not None and price.unit == "request"
    length = cell.duration if by_clip else None if cell.seconds else 0
    videos = () if by_clip or cell.price() is not None else cell.videos
    return PriceClass(cell.model, cell.quality, cell.traits, billed, length, videos)


def _seconds(cell: Cell) -> int:
    return max(1, cell.duration or 1)
