"""Records of models, read: the catalogue's, those in a file of a grid, and the price page's.

A record has each fact under the name of the attribute that it becomes, in the types of
JSON or TOML. The catalogue writes less, and `gridgen.models.records` fills it up first.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

from gridgen.models.fields import Choice, Images, Option, Rule, Span
from gridgen.models.model import Model
from gridgen.models.price import Price, money

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["PageRecord", "read_choice", "read_model", "read_page_record"]


class PageRecord(NamedTuple):
    """What the price page says of one model.

    Attributes
    ----------
    unit : str
        What is counted: ``"second"`` or ``"request"``.
    usd : dict of str to Decimal
        By the page's own names of its entries.
    per_image : Decimal
        What each reference image costs in addition.
    images_free : int
        How many cost nothing.
    """

    unit: str
    usd: dict[str, Decimal]
    per_image: Decimal
    images_free: int


def read_model(record: Mapping[str, Any]) -> Model:
    """Return the model of a record.

    Raises
    ------
    GridError
        If a value is wrong.
    TypeError, ValueError, KeyError, AttributeError
        If it is no record of a model.
    """
    facts = dict(record)
    for name, read in _PARTS.items():
        if facts.get(name) is not None:
            facts[name] = read(facts[name])
    return Model(facts.pop("id"), **facts)


def read_choice(record: Mapping[str, Any]) -> Choice:
    """Return a field with a list of legal words."""
    return Choice(**_tuples(record))


def read_page_record(record: Mapping[str, Any]) -> PageRecord:
    """Return what the price page says of a model."""
    unit = next(name for name in ("second", "request") if name in record)
    usd = {entry: Decimal(each) for entry, each in record[unit].items()}
    return PageRecord(unit, usd, Decimal(record.get("per_image", "0")), record.get("images_free", 0))


def _tuples(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return a record's values with tuples for lists, as frozen things hold them."""
    return {name: tuple(value) if isinstance(value, list) else value for name, value in record.items()}


def _date(told: Any) -> date | None:
    return date.fromisoformat(told) if told and isinstance(told, str) else told


def _price(record: Mapping[str, Any]) -> Price:
    facts = {"usd": {}, **_tuples(record)}
    facts["usd"] = {tier: money(usd, "price") for tier, usd in facts["usd"].items()}
    # an older gridgen knew a price beside images; the dearer of both is not less than what is billed
    for tier, usd in (facts.pop("with_images", None) or {}).items():
        facts["usd"][tier] = max(facts["usd"].get(tier, Decimal(0)), money(usd, "price"))
    facts["per_image"] = money(facts.get("per_image", "0"), "price")
    facts["verified_on"] = _date(facts.get("verified_on"))
    return Price(**facts)


_PARTS: dict[str, Callable[[Any], Any]] = {
    "size": read_choice,
    "quality": read_choice,
    "duration": lambda record: Span(**_tuples(record)),
    "images": lambda record: Images(**_tuples(record)),
    "options": lambda records: {name: Option(**_tuples(each)) for name, each in records.items()},
    "rules": lambda records: [Rule(**{side: _tuples(each[side]) for side in each}) for each in records],
    "price": _price,
    "verified_on": _date,
}
