"""The server's public price list, read: ``GET /api/pricing/model``."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from gridgen.models.entries import Entries
from gridgen.models.price import Price

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from gridgen.models.model import Model

__all__ = ["LISTED", "listed_price"]

LISTED = "the server's price list"
UNDISCOUNTED = "the server's price list, before its discount"

_DEAREST = 1_000_000
"""USD from which on a number is no price."""

_BY_CALL = frozenset({"per_request", "per_call", "per_use", "per_time", "per_times", "per_video", "fixed"})


def listed_price(data: Mapping[str, Any], model: Model) -> Price | None:
    """Return the price of a model, None where the server knows none.

    Parameters
    ----------
    data : mapping
        The reply's ``data``. What is billed stands in ``resolution_paid_prices``,
        ``billing_tier_paid_prices`` and ``paid_price``, which holds for every tier
        without a price of its own. ``resolution_prices`` and ``model_price`` are list
        prices, before a discount of which nobody knows how it is reckoned: where
        nothing is said to be billed they count as they are, since what is billed is
        not more. An unknown model is answered with zeros, which is not free.
    model : Model
        Knows the tiers' names on the wire.
    """
    listed, paid = _table(data, "resolution_prices"), _billed(data)
    whole = _usd(data.get("paid_price"))
    flat = None if whole or listed or paid else _usd(data.get("model_price"))
    odd = () if listed or paid or not data.get("size_quality_prices") else ("",)
    if not (listed or paid or whole or flat or odd):
        return None
    before, after = Entries(listed, model.quality), Entries(paid, model.quality)
    usd = {"": flat, **before.usd, **({"": whole} if whole else {}), **after.usd}
    known = model.price
    per_image, free = _images(data)
    return Price(
        _unit(data, known),
        {name: each for name, each in usd.items() if each is not None},
        LISTED if paid or whole else UNDISCOUNTED,
        None,
        per_image=per_image,
        images_free=max(free, known.images_free if known is not None else 0),
        unread=tuple(dict.fromkeys((*before.unread, *after.unread, *odd))),
        base=after.base,
    )


def _billed(data: Mapping[str, Any]) -> dict[str, Decimal]:
    return {**_table(data, "resolution_paid_prices"), **_table(data, "billing_tier_paid_prices")}


def _unit(data: Mapping[str, Any], known: Price | None) -> str:
    """Return what is counted; of a way of billing that nobody knows no number is known beforehand."""
    told = str(data.get("billing_type") or "").casefold()
    if told == "per_second":
        return "second"
    if "token" in told:
        return "token"
    if told in _BY_CALL or (known is not None and known.unit == "request"):
        return "request"
    return "token"


def _images(data: Mapping[str, Any]) -> tuple[Decimal, int]:
    """Return what a reference image costs, and how many are free."""
    materials = data.get("input_material_prices")
    told = [data.get("input_image_paid_price"), data.get("input_image_price")]
    told += [materials.get("image")] if isinstance(materials, dict) else []
    usd = next((usd for each in told if (usd := _usd(each)) is not None), Decimal(0))
    return usd, int(data.get("input_image_first_free") is True)


def _table(data: Mapping[str, Any], name: str) -> dict[str, Decimal]:
    return dict(_each(data.get(name)))


def _each(table: Any) -> Iterator[tuple[str, Decimal]]:
    for key, each in table.items() if isinstance(table, dict) else ():
        usd = _usd(each)
        if usd is not None:
            yield str(key), usd


def _usd(value: Any) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < _DEAREST:
        return None
    return Decimal(str(value))
