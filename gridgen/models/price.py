"""What a model costs, in USD, and which entry of a price list says so."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import ROUND_UP, Decimal, InvalidOperation
from typing import TYPE_CHECKING, NamedTuple

from gridgen.errors import GridError
from gridgen.models.fields import AUTOMATIC
from gridgen.money import Dollars, exact_dollars

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["NO_TRAITS", "Price", "Quote", "enough", "entry_name", "money"]

NO_TRAITS: frozenset[str] = frozenset()

MOST_USD = 10**9
"""The largest sum of money that is read."""

UNITS = ("second", "request", "token")

_REPLACED = {"edit": "video", "extend": "video"}
"""What works on a clip that exists has a price of its own, in place of that beside a reference video."""


class Quote(NamedTuple):
    """What a price list says of one clip.

    Attributes
    ----------
    usd : Decimal or None
        None where the list has the model and does not say what this clip costs.
    entry : str
        Which entry says so, or why none does.
    """

    usd: Decimal | None
    entry: str


@dataclass(frozen=True, slots=True)
class Price:
    """What a model costs, in USD.

    Attributes
    ----------
    unit : str
        What is counted: ``"second"`` of footage, ``"request"``, or ``"token"``, whose
        number nobody knows beforehand.
    usd : mapping of str to Decimal
        Price of one unit, by entry: a tier, what else sets the price apart, and the
        length where that does, as in ``720p``, ``1080p-sound``, ``4k-video``,
        ``720p-8s``. An entry without a tier (``""``, ``-sound``) holds for every tier
        without one of its own. ``input`` is the price of a second beside a reference
        video whose own seconds are billed as well, so that nobody knows the sum.
    source : str
        Where the price was read.
    verified_on : date or None
        When it was read; None when a server said it just now.
    per_image : Decimal
        What each reference image costs in addition.
    images_free : int
        How many cost nothing.
    unread : tuple of str
        Tiers of which an entry says something that nobody proved; their price is unknown.
    base : str or None
        The only tier for which entries without one hold; None for all.

    Raises
    ------
    GridError
        If an attribute is of another kind; prices come from files, too.
    """

    unit: str
    usd: Mapping[str, Decimal]
    source: str
    verified_on: date | None
    per_image: Decimal = Decimal(0)
    images_free: int = 0
    unread: tuple[str, ...] = ()
    base: str | None = None

    def __post_init__(self) -> None:
        expected = {
            "unit": (self.unit in UNITS, f"one of {', '.join(UNITS)}"),
            "usd": (all(type(entry) is str for entry in self.usd), "USD by the name of the entry"),
            "source": (type(self.source) is str, "text"),
            "images_free": (type(self.images_free) is int and self.images_free >= 0, "a number from 0"),
            "unread": (all(type(tier) is str for tier in self.unread), "names of tiers"),
            "verified_on": (self.verified_on is None or isinstance(self.verified_on, date), "a date"),
            "base": (self.base is None or type(self.base) is str, "the name of a tier"),
        }
        for name, (holds, what) in expected.items():
            if not holds:
                msg = f"the {name} of a price is {what}, not {str(getattr(self, name))[:60]!r}"
                raise GridError(msg)

    def __repr__(self) -> str:
        listed = ", ".join(
            f"{entry.lstrip('-') or 'default'} {exact_dollars(usd)}" for entry, usd in self.usd.items()
        )
        images = f", {exact_dollars(self.per_image)} an image" if self.per_image else ""
        return f"Price({listed or 'nothing'} a {self.unit}{images}; {self.named})"

    @property
    def named(self) -> str:
        """Its source, and its date where it has one."""
        return self.source if self.verified_on is None else f"{self.source}, {self.verified_on:%Y-%m-%d}"

    def billed_images(self, images: int) -> int:
        """Return how many of so many reference images cost something."""
        return max(0, images - self.images_free) if self.per_image else 0

    def of(
        self,
        *,
        quality: str | None,
        duration: int | None,
        images: int = 0,
        traits: frozenset[str] = NO_TRAITS,
    ) -> Decimal | None:
        """Return the price of one clip in USD, None where it is unknown; arguments as of `quote`."""
        found = self.quote(quality=quality, duration=duration, images=images, traits=traits)
        return None if found is None else found.usd

    def quote(
        self,
        *,
        quality: str | None,
        duration: int | None,
        images: int = 0,
        traits: frozenset[str] = NO_TRAITS,
    ) -> Quote | None:
        """Return what it says of one clip, None where it says nothing of its tier.

        Parameters
        ----------
        quality : str or None
            The tier, in the user's words.
        duration : int or None
            Whole seconds; None and -1 where they are left to the model.
        images : int, default 0
            How many pictures go along.
        traits : frozenset of str
            What sets the price apart, as of `Model.traits`.
        """
        if self.unit == "token":
            return Quote(None, "billed by tokens")
        entry, why = self._entry(quality or "", duration, self._priced(traits))
        if entry is None:
            return None if not why else Quote(None, why)
        each, extra = self.usd[entry], self.billed_images(images) * self.per_image
        named = f"{entry.lstrip('-') or 'default'} {exact_dollars(each)} a {self.unit}"
        if self.unit != "second":
            return Quote(Dollars(each + extra), named)
        if duration is None or duration == AUTOMATIC:
            return Quote(None, f"{named}, and nobody knows for how many")
        return Quote(Dollars(each * duration + extra), named)

    def _priced(self, traits: frozenset[str]) -> frozenset[str]:
        """Return the traits that set a price apart here: sound only where the list tells it from silence."""
        found = {trait for trait in traits if not any(_REPLACED.get(each) == trait for each in traits)}
        if not any("sound" in entry.split("-") for entry in self.usd):
            found.discard("sound")
        return frozenset(found)

    def _entry(self, tier: str, duration: int | None, traits: frozenset[str]) -> tuple[str | None, str]:
        """Return the entry for a clip, or None and why there is none; an empty reason where the tier is not listed."""
        general = self.base is None or tier in {"", self.base}
        for place in dict.fromkeys((tier, tier.casefold(), *([""] if general else []))):
            if place in self.unread:
                return None, "an entry of the list that nobody proved how to read"
            for seconds in (duration, None):
                entry = entry_name(place, traits, seconds)
                if entry in self.usd:
                    return entry, ""
            if entry_name(place, (traits - {"video"}) | {"input"}) in self.usd and "video" in traits:
                return None, "the seconds of the reference video are billed as well"
            if not traits and self._by_length(place):
                return None, "no entry for this length"
        if traits:
            return None, f"no entry for {' and '.join(sorted(traits))}"
        return None, ""

    def _by_length(self, tier: str) -> bool:
        """Whether a tier has a price for each length."""
        return any(
            entry.startswith(f"{tier}-") and entry.rpartition("-")[2][:-1].isdigit() for entry in self.usd
        )


def entry_name(tier: str, traits: Iterable[str] = (), seconds: int | None = None) -> str:
    """Return what a price list's entry is called here: its tier, what else sets it apart, its length."""
    return "-".join([tier, *sorted(traits), *([] if seconds is None else [f"{seconds}s"])])


def enough(usd: Decimal) -> Decimal:
    """Return a sum of whole cents that covers a price."""
    return usd.quantize(Decimal("0.01"), ROUND_UP)


def money(value: float | Decimal | str, name: str = "budget") -> Dollars:
    """Return a sum of money in USD.

    Raises
    ------
    GridError
        If it is none.
    """
    try:
        found = Decimal("NaN") if isinstance(value, bool) else Decimal(str(value))
    except InvalidOperation:
        found = Decimal("NaN")
    if not found.is_finite() or not 0 <= found <= MOST_USD:
        msg = f"{name}={value!r:.80} is not a sum of money in USD, such as {name}=2.00"
        raise GridError(msg)
    return Dollars(found)
