"""What a model costs, in USD."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_UP, Decimal
from typing import TYPE_CHECKING

from gridgen.models.fields import AUTOMATIC

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

__all__ = ["Price", "enough"]


@dataclass(frozen=True, slots=True)
class Price:
    """What a model costs, in USD.

    Attributes
    ----------
    unit : str
        What is counted: ``"second"`` of footage, ``"request"``, or ``"token"``, whose
        number nobody knows beforehand.
    usd : mapping of str to Decimal
        Price of one unit, by quality; the key ``""`` holds for every quality without
        one of its own.
    source : str
        Where the price was read.
    verified_on : date or None
        When it was read; None when a server said it just now.
    per_image : Decimal
        What each reference image costs in addition.
    with_images : mapping of str to Decimal
        Price of one unit beside a reference image, where that differs.
    """

    unit: str
    usd: Mapping[str, Decimal]
    source: str
    verified_on: date | None
    per_image: Decimal = Decimal(0)
    with_images: Mapping[str, Decimal] | None = None

    @property
    def named(self) -> str:
        """Its source, and its date where it has one."""
        return self.source if self.verified_on is None else f"{self.source}, {self.verified_on:%Y-%m-%d}"

    def of(self, *, quality: str | None, duration: int | None, images: int = 0) -> Decimal | None:
        """Return the price of one clip in USD, None where it is unknown."""
        each = self._each(quality or "", with_images=images > 0)
        if each is None or self.unit == "token":
            return None
        if self.unit != "second":
            return each + images * self.per_image
        return (
            None if duration is None or duration == AUTOMATIC else each * duration + images * self.per_image
        )

    def _each(self, quality: str, *, with_images: bool) -> Decimal | None:
        listed = {**self.usd, **((self.with_images or {}) if with_images else {})}
        return listed.get(quality, listed.get(""))


def enough(usd: Decimal) -> Decimal:
    """Return a sum of whole cents that covers a price."""
    return usd.quantize(Decimal("0.01"), ROUND_UP)
