"""The server's public price list, read: ``GET /api/pricing/model``."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from gridgen.models.entries import Entries
from gridgen.models.price import Price

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gridgen.models.model import Model

__all__ = ["LISTED", "listed_price"]

LISTED = "the server's price list"
UNDISCOUNTED = "the server's price list, before its discount"

_DEAREST = 1_000_000
"""USD from which on a number is no price."""

_BY_CALL = frozenset({"request", "call", "use", "time", "times", "video", "fixed"})


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
    odd = _is_odd(data, undiscounted=not (paid or whole))
    if not (listed or paid or whole or flat or odd or data.get("size_quality_prices")):
        return None
    if not (listed or paid) and data.get("size_quality_prices"):
        odd = True
    before = Entries({name: usd for name, usd in listed.items() if name not in paid}, model.quality)
    after = Entries(paid, model.quality)
    usd = {"": flat, **before.usd, **({"": whole} if whole else {}), **after.usd}
    known = model.price
    per_image, free = _images(data)
    tiers = () if model.quality is None else model.quality.values
    return Price(
        _unit(data, known),
        {name: each for name, each in usd.items() if each is not None},
        LISTED if paid or whole else UNDISCOUNTED,
        None,
        per_image=per_image,
        images_free=max(free, known.images_free if known is not None else 0),
        unread=tuple(dict.fromkeys((*before.unread, *after.unread, *(("", *tiers) if odd else ())))),
        base=after.base,
    )


_TABLES = frozenset(
    f"{what}_{kind}"
    for what in ("resolution", "billing_tier", "input_material", "size_quality")
    for kind in ("prices", "paid_prices")
) - {"size_quality_paid_prices"}
"""Tables that are understood, or are before a discount."""

_CHANGING = re.compile(r"min(imum)?_.*(price|charge|cost|fee)|.*surcharge.*|(base|setup|start)_(fee|price)")
"""Numbers that make a clip dearer than its seconds."""


def _is_odd(data: Mapping[str, Any], *, undiscounted: bool) -> bool:
    """Whether something beside the prices makes them others, in a way that nobody proved."""
    figures = [data.get(name) for name in ("paid_price", "input_image_paid_price", "input_image_price")]
    materials = data.get("input_material_prices")
    figures += [materials.get("image")] if isinstance(materials, dict) else []
    rate = _usd(data.get("discount_rate"))
    return (
        any(_changes(name, each) for name, each in data.items())
        or any(each and _usd(each) is None for each in figures)
        or str(data.get("currency") or "USD").upper() not in {"USD", "$"}
        or "cent" in str(data.get("unit") or "").casefold()
        or (undiscounted and rate is not None and rate > 1)
    )


def _changes(name: str, value: Any) -> bool:
    if not value or "token" in name:
        return False
    table = isinstance(value, (dict, list)) and name.endswith("prices")
    return (table and name not in _TABLES) or _CHANGING.fullmatch(name) is not None


def _billed(data: Mapping[str, Any]) -> dict[str, Decimal | None]:
    return {**_table(data, "resolution_paid_prices"), **_table(data, "billing_tier_paid_prices")}


def _unit(data: Mapping[str, Any], known: Price | None) -> str:
    """Return what is counted; of a way of billing that nobody knows no number is known beforehand."""
    told = re.sub(r"[^a-z]+", "", str(data.get("billing_type") or "").casefold()).removeprefix("per")
    if told in {"second", "seconds", "sec"}:
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


def _table(data: Mapping[str, Any], name: str) -> dict[str, Decimal | None]:
    """Return a table of prices, None for each that is no number; no table where all of it is zeros, as of no model."""
    table = data.get(name)
    if not isinstance(table, dict):
        return {"": None} if table else {}
    found = {str(key): _usd(each) for key, each in table.items()}
    return found if any(each is None or each for each in table.values()) else {}


def _usd(value: Any) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < _DEAREST:
        return None
    return Decimal(str(value))
