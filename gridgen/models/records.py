"""The known models, read from ``catalogue.toml``, and their prices: each record has its source and its date."""

from __future__ import annotations

import difflib
import functools
import tomllib
from decimal import Decimal
from importlib import resources
from typing import TYPE_CHECKING, Any

from gridgen.errors import GridError
from gridgen.models.entries import Entries
from gridgen.models.fields import Choice, Images, Option, Rule, Span
from gridgen.models.model import Model
from gridgen.models.price import Price

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["DEFAULT_MODEL", "catalogue", "find", "nearest", "price_page", "relative", "unseen"]

DEFAULT_MODEL = "grok-imagine-1.0-video-apimart"


def _listed(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return a record's values with tuples for lists, as frozen things hold them."""
    return {name: tuple(value) if isinstance(value, list) else value for name, value in record.items()}


def _chosen(record: Mapping[str, Any] | None) -> Choice | None:
    """Return a choice; without a default of its own the first value is asked for, with an empty one nothing."""
    if record is None:
        return None
    facts = {"values": (), **_listed(record)}
    facts["default"] = facts.get("default", next(iter(facts["values"]), None)) or None
    if facts.pop("case", None) == "upper":
        facts["wire"] = tuple(value.upper() for value in facts["values"])
    return Choice(**facts)


def _spanned(record: Mapping[str, Any] | None) -> Span | None:
    if record is None:
        return None
    facts = {"field": "duration", **_listed(record)}
    values = facts.get("values") or (facts["min"], facts["max"])
    ends = {"min": min(values), "max": max(values), "default": values[0]}
    return Span(**{**ends, **facts})


def _optional(name: str, record: str | Mapping[str, Any]) -> Option:
    return Option(name, record) if isinstance(record, str) else Option(name, **_listed(record))


def _priced(names: tuple[str, ...], quality: Choice | None) -> Price | None:
    """Return the price of a model, which the page has under one of its names."""
    told = price_page()
    listed = next((name for name in names if name in told["price"]), None)
    if listed is None:
        return None
    record = told["price"][listed]
    unit = next(name for name in ("second", "request") if name in record)
    entries = Entries({name: Decimal(usd) for name, usd in record[unit].items()}, quality)
    return Price(
        unit,
        entries.usd,
        told["source"] + ("; settled by tokens, so an estimate" if listed in told["tokens"] else ""),
        told["verified_on"],
        per_image=Decimal(record.get("per_image", "0")),
        images_free=record.get("images_free", 0),
        unread=entries.unread,
        base=entries.base,
    )


def _ruled(record: Mapping[str, Mapping[str, Any]]) -> Rule:
    return Rule(when=_listed(record["when"]), only=_listed(record["only"]))


def _model(record: Mapping[str, Any], id: str) -> Model:  # noqa: A002 - as the parameter of Model
    aliases = tuple(record.get("aliases", {}).get(id, ()))
    quality = _chosen(record.get("quality"))
    price = _priced((id, *aliases), quality)
    if record.get("unseen"):
        return _unseen(id, quality=quality, price=price, aliases=aliases, **_origin(record))
    images = {"field": "image_urls", "max": 0, **_listed(record.get("images", {}))}
    options = {**record.get("options", {}), "nsfw_check": "flag"}
    return Model(
        id,
        size=_chosen(record.get("size")),
        duration=_spanned(record.get("duration")),
        quality=quality,
        images=Images(**images),
        options={name: _optional(name, each) for name, each in options.items()},
        price=price,
        prompt_max=record.get("prompt_max"),
        exclusive=record.get("exclusive", ()),
        rules=map(_ruled, record.get("rules", ())),
        aliases=aliases,
        **_origin(record),
    )


def _origin(record: Mapping[str, Any]) -> dict[str, Any]:
    return {"source": record["source"], "verified_on": record["verified_on"]}


def _unseen(id: str, *, quality: Choice | None = None, **facts: Any) -> Model:  # noqa: A002 - as the parameter of Model
    """Return a model whose fields nobody has seen: the usual names, no limits, no defaults."""
    return Model(
        id,
        size=Choice("size", (), open=True),
        duration=Span("duration", 1, 600),
        quality=quality or Choice("resolution", (), open=True),
        images=Images("image_urls", 100),
        known=False,
        **facts,
    )


@functools.cache
def price_page() -> dict[str, Any]:
    """Return the price page as it was on one day, in its own words: of each id, what is counted and USD by entry."""
    return tomllib.loads(resources.files("gridgen.models").joinpath("prices.toml").read_text("utf-8"))


@functools.cache
def _models() -> dict[str, Model]:
    text = resources.files("gridgen.models").joinpath("catalogue.toml").read_text("utf-8")
    records = tomllib.loads(text)["model"]
    return {name: _model(record, name) for record in records for name in record["ids"]}


@functools.cache
def catalogue() -> dict[str, Model]:
    """Return every known model by id, in the order of the catalogue."""
    return {name: model for name, model in _models().items() if model.known}


@functools.cache
def unseen() -> dict[str, Model]:
    """Return the models, by id, of which only the name is known, and mostly the price."""
    return {name: model for name, model in _models().items() if not model.known}


def relative(name: str) -> Model | None:
    """Return the model whose price is the best guess for that of one without any, None where there is none."""
    like = price_page()["like"].get(find(name).id)
    return None if like is None else find(like)


@functools.cache
def _by_name() -> dict[str, Model]:
    """Return every model by its names, as they are written and in lower case."""
    named = {name: model for model in _models().values() for name in (model.id, *model.aliases)}
    return {name.casefold(): model for name, model in named.items()} | named


@functools.cache
def _unknown(name: str) -> Model:
    return _unseen(name, source="not in the catalogue")


def find(name: object) -> Model:
    """Return the model of that id or alias; a `Model` is its own.

    An id that the catalogue does not have gives a model with ``known`` False, as one of
    which only the price is known: its values are not checked, and only what is stated
    is sent.

    Raises
    ------
    GridError
        If it is not the name of a model.
    """
    if isinstance(name, Model):
        return name
    known = _by_name().get(name) if isinstance(name, str) else None
    if known is not None:
        return known
    if not isinstance(name, str) or not name.strip():
        msg = f"model={name!r} is not the name of a model, such as {DEFAULT_MODEL!r}"
        raise GridError(msg)
    return _by_name().get(name.casefold()) or _unknown(name)


def nearest(name: str) -> str:
    """Return the id of the catalogue that is most like a name."""
    return difflib.get_close_matches(name, catalogue(), n=1, cutoff=0.0)[0]
