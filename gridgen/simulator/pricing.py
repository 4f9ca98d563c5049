"""What the simulated server charges, and what its public price list says.

The catalogue's price holds where it has one. Where no public source states a price
the simulator has its own, which its price list publishes as the real one does.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gridgen.models import Model
    from gridgen.simulator.orders import Order
    from gridgen.simulator.shelf import Shelf

__all__ = ["MICRO", "cost", "marketplace", "price_list", "price_of_model", "usd"]

MICRO = 1_000_000
"""Micro-USD in one USD; the world counts money in whole micro-USD."""

_HOUSE = {
    "360p": Decimal("0.008"),
    "480p": Decimal("0.0102"),
    "540p": Decimal("0.014"),
    "720p": Decimal("0.01912"),
    "1080p": Decimal("0.045"),
    "4k": Decimal("0.12"),
}
_HOUSE_ELSE = Decimal("0.03")


def usd(micro: int) -> Decimal:
    """Return micro-USD as USD."""
    return Decimal(micro) / MICRO


def _unit(model: Model) -> tuple[str, dict[str, Decimal]]:
    """Return what is counted, and the price of one by tier: the catalogue's, else the house's."""
    tiers = model.quality.values if model.quality is not None else ("",)
    known = model.price.usd if model.price is not None else {}
    unit = model.price.unit if model.price is not None else "second"
    return unit, {tier: known.get(tier, known.get("", _HOUSE.get(tier, _HOUSE_ELSE))) for tier in tiers}


def cost(order: Order) -> int:
    """Return what a clip costs, in micro-USD."""
    known, count = order.model.price, len(order.images)
    price = None
    if known is not None:
        price = known.of(quality=order.quality, duration=order.duration, images=count)
    if price is None:
        unit, each = _unit(order.model)
        price = each.get(order.quality, _HOUSE_ELSE) * (order.duration if unit == "second" else 1)
    return round(price * MICRO)


_NO_MODEL: dict[str, Any] = {
    "billing_type": "",
    "model_price": 0,
    "discount_rate": 0,
    "resolution_enabled": False,
    "supported_sizes": [],
    "supported_qualities": [],
    "resolution_prices": {},
    "size_quality_prices": {},
    "paid_price": 0,
    "resolution_paid_prices": {},
}


def price_of_model(name: str, shelf: Shelf) -> dict[str, Any]:
    """Return the reply of ``GET /api/pricing/model``: zeros for a model it does not know."""
    model = shelf.find(name)
    if model is None:
        return {"success": True, "data": {"model_name": name, **_NO_MODEL}}
    unit, each = _unit(model)
    prices = {tier.upper(): float(price) for tier, price in each.items()}
    lowest = min(prices.values(), default=0.0)
    data = {
        "model_name": name,
        **_NO_MODEL,
        "billing_type": f"per_{unit}",
        "model_price": lowest,
        "discount_rate": 1,
        "resolution_enabled": True,
        "supported_sizes": list(model.size.values) if model.size else [],
        "supported_qualities": list(model.quality.values) if model.quality else [],
        "resolution_prices": prices,
        "paid_price": lowest,
        "resolution_paid_prices": prices,
    }
    return {"success": True, "data": data}


def price_list(shelf: Shelf) -> dict[str, Any]:
    """Return the reply of ``GET /api/pricing/models/all``."""
    video = []
    for model in shelf:
        unit, each = _unit(model)
        items = [{"key": t.upper(), "after_discount": float(p)} for t, p in each.items()]
        prices = {"unit": unit, "dimension": "resolution", "items": items}
        video.append({"id": model.id, "discount_percent": 0, "fixed_prices": prices})
    return {"success": True, "data": {"models": {"video": video}}}


def marketplace(page: int, size: int, kind: str, shelf: Shelf) -> dict[str, Any]:
    """Return one page of the reply of ``GET /api/marketplace/models``."""
    models = [model.id for model in shelf] if kind in {"", "video"} else []
    shown = models[(page - 1) * size : page * size]
    items = [{"model_name": name, "type": "video"} for name in shown]
    data = {"items": items, "total": len(models), "page": page, "page_size": size}
    return {"success": True, "data": data}
