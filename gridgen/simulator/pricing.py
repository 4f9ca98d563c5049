"""What the simulated server charges, and what its public price list says.

Both come from the price page as it was on one day, in the page's own words; what a
clip is charged is worked out here, not by the client's reading. Where no public source
states a price the simulator has its own, which its price list publishes as the real
one does.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

from gridgen.models import find, page_record
from gridgen.money import Dollars

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gridgen.models import Model
    from gridgen.simulator.model_registry import ModelRegistry
    from gridgen.simulator.validation import Order

__all__ = ["MICRO", "cost", "marketplace", "price_list", "price_of_model", "usd"]

MICRO = 1_000_000
"""Micro-USD in one USD; the world counts money in whole micro-USD."""

_HOUSE = {
    "360P": Decimal("0.008"),
    "480P": Decimal("0.0102"),
    "540P": Decimal("0.014"),
    "720P": Decimal("0.01912"),
    "1080P": Decimal("0.045"),
    "4K": Decimal("0.12"),
}
_HOUSE_ELSE = Decimal("0.03")
_DISCOUNT = Decimal("0.8")
"""What is billed of the list price; on the page it was the same for every row."""

_REFERENCE = 5
"""Seconds that a reference video is taken to have."""


class _Tariff(NamedTuple):
    """What a model costs: what is counted, USD by the page's entries in capitals, images, and what is billed of it."""

    unit: str
    usd: dict[str, Decimal]
    image: Decimal = Decimal(0)
    images_free: int = 0
    discount: Decimal = _DISCOUNT


def usd(micro: int) -> Decimal:
    """Return micro-USD as USD."""
    return Dollars(Decimal(micro) / MICRO)


def _tariff(model: Model) -> _Tariff:
    listed = page_record(model.id, *model.aliases)
    if listed is not None and find(model.id) is model:
        entries = {name.upper(): price for name, price in listed.usd.items()}
        return _Tariff(listed.unit, entries, listed.per_image, listed.images_free)
    if model.price is not None:
        own = {tier.upper() or "DEFAULT": price for tier, price in model.price.usd.items()}
        return _Tariff(model.price.unit, own, discount=Decimal(1))
    tiers = [tier.upper() for tier in model.quality.values] if model.quality is not None else []
    house = {tier: _HOUSE.get(tier, _HOUSE_ELSE) for tier in tiers}
    return _Tariff("second", house or {"DEFAULT": _HOUSE_ELSE}, discount=Decimal(1))


def cost(order: Order) -> int:
    """Return what a clip costs, in micro-USD."""
    tariff = _tariff(order.model)
    entry = next((name for name in _entries(order) if name in tariff.usd), next(iter(tariff.usd)))
    each, seconds = tariff.usd[entry], order.duration
    if entry.endswith("-INPUT"):
        seconds += order.videos * _REFERENCE
    images = max(0, len(order.images) - tariff.images_free) * tariff.image
    return round((each * (seconds if tariff.unit == "second" else 1) + images) * MICRO)


def _entries(order: Order) -> Iterator[str]:
    """Yield names that the entry for an order may have on the page, the closest first."""
    quality = order.model.quality
    spelled = [order.quality, *([quality.spelled(order.quality)] if quality is not None else [])]
    tiers = [tier.upper() for tier in dict.fromkeys(spelled)]
    if order.task:
        yield from (f"{order.task.upper()}-{tier}" for tier in tiers)
        yield order.task.upper()
    if order.videos:
        for tier in tiers:
            yield from (f"{tier}-INPUT", f"{tier}-REFVIDEO", f"{tier}-VIDEO", f"V2V-{tier}", f"{tier}-VIDREF")
        yield "VIDEO"
    if order.sound:
        yield from (f"{tier}-{kind}" for tier in tiers for kind in ("SOUND", "AUDIO"))
        if tiers[-1] in {"STD", tiers[0]}:
            yield from ("SOUND", "AUDIO")
    for tier in tiers:
        yield from (f"{tier}-{order.duration}S", tier, f"OFFICIAL-{tier}")
    yield "DEFAULT"


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
    "billing_tier_paid_prices": {},
}


def price_of_model(name: str, shelf: ModelRegistry) -> dict[str, Any]:
    """Return the reply of ``GET /api/pricing/model``: zeros for a model it does not know.

    What a model with modes costs stands in tables of its own, beside empty ones by resolution.
    """
    model = shelf.find(name)
    if model is None:
        return {"success": True, "data": {"model_name": name, **_NO_MODEL}}
    tariff = _tariff(model)
    whole = tariff.usd.get("DEFAULT", Decimal(0))
    tiers = {entry: price for entry, price in tariff.usd.items() if entry != "DEFAULT"}
    modes = model.quality is not None and model.quality.field == "mode"
    paid = {entry.lower() if modes else entry: float(price) for entry, price in tiers.items()}
    listed = {entry: _listed(price, tariff) for entry, price in tiers.items()}
    data = {
        "model_name": name,
        **_NO_MODEL,
        "billing_type": f"per_{tariff.unit}",
        "model_price": _listed(whole, tariff),
        "discount_rate": float(tariff.discount),
        "resolution_enabled": not modes,
        "supported_sizes": list(model.size.values) if model.size else [],
        "supported_qualities": list(model.quality.values) if model.quality else [],
        "resolution_prices": {} if modes else listed,
        "paid_price": float(whole),
        "resolution_paid_prices": {} if modes else paid,
        "billing_tier_paid_prices": paid if modes else {},
    }
    if tariff.image:
        data |= {
            "input_image_price": _listed(tariff.image, tariff),
            "input_image_paid_price": float(tariff.image),
        }
    return {"success": True, "data": data}


def _listed(price: Decimal, tariff: _Tariff) -> float:
    """Return a list price, before the discount."""
    return float(round(price / tariff.discount, 8))


def price_list(shelf: ModelRegistry) -> dict[str, Any]:
    """Return the reply of ``GET /api/pricing/models/all``, which is what the page shows."""
    video = []
    for model in shelf:
        tariff = _tariff(model)
        items = [
            {"key": entry, "original_price": _listed(price, tariff), "after_discount": float(price)}
            for entry, price in tariff.usd.items()
        ]
        prices = {"unit": tariff.unit, "dimension": "resolution", "items": items}
        off = int(100 - 100 * tariff.discount)
        video.append({"id": model.id, "discount_percent": off, "fixed_prices": prices})
    return {"success": True, "data": {"models": {"video": video}}}


def marketplace(page: int, size: int, kind: str, shelf: ModelRegistry) -> dict[str, Any]:
    """Return one page of the reply of ``GET /api/marketplace/models``."""
    models = [model.id for model in shelf] if kind in {"", "video"} else []
    shown = models[(page - 1) * size : page * size]
    items = [{"model_name": name, "type": "video"} for name in shown]
    data = {"items": items, "total": len(models), "page": page, "page_size": size}
    return {"success": True, "data": data}
