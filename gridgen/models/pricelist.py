"""The server's public price list, read: ``GET /api/pricing/model``."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from gridgen.models.price import Price

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gridgen.models.model import Model

__all__ = ["LISTED", "listed_price"]

LISTED = "the server's price list"

_WITH_IMAGES = "-input"


def listed_price(data: Mapping[str, Any], model: Model) -> Price | None:
    """Return the price of a model, None where the server knows none.

    Parameters
    ----------
    data : mapping
        The reply's ``data``. ``resolution_prices`` holds USD by tier, a second's where
        ``billing_type`` is ``per_second``; a key that ends in ``-input`` is the price
        with a reference image. What is billed by request has its prices in
        ``resolution_paid_prices`` and ``paid_price``. An unknown model is answered
        with zeros, which is not free.
    model : Model
        Knows the tiers' names on the wire.
    """
    by_second = data.get("billing_type") == "per_second"
    first, second = "resolution_prices", "resolution_paid_prices"
    tiers = _known(data, *((first, second) if by_second else (second, first)))
    usd = {_word(key, model): each for key, each in tiers.items() if not key.endswith(_WITH_IMAGES)}
    with_images = {
        _word(key.removesuffix(_WITH_IMAGES), model): each
        for key, each in tiers.items()
        if key.endswith(_WITH_IMAGES)
    }
    if not usd:
        whole = next((each for name in ("paid_price", "model_price") if (each := _usd(data.get(name)))), None)
        usd = {} if whole is None else {"": whole}
    if not usd:
        return None
    return Price("second" if by_second else "request", usd, LISTED, None, with_images=with_images or None)


def _known(data: Mapping[str, Any], *names: str) -> dict[str, Decimal]:
    """Return the first of several tables that has prices in it."""
    for name in names:
        table = data.get(name)
        priced = {
            str(key).lower(): usd
            for key, each in (table.items() if isinstance(table, dict) else ())
            if (usd := _usd(each))
        }
        if priced:
            return priced
    return {}


def _usd(value: Any) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < float("inf"):
        return None
    return Decimal(str(value))


def _word(key: str, model: Model) -> str:
    """Return a tier in the user's words; ``default`` holds for all that have none of their own."""
    if key == "default" or model.quality is None:
        return ""
    return model.quality.word(key) or key
