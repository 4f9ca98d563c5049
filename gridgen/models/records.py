"""The known models, read from ``catalogue.toml``: each record has its source and its date."""

from __future__ import annotations

import difflib
import functools
import tomllib
from decimal import Decimal
from importlib import resources
from typing import TYPE_CHECKING, Any

from gridgen.errors import GridError
from gridgen.models.fields import Choice, Images, Option, Rule, Span
from gridgen.models.model import Model
from gridgen.models.price import Price

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["DEFAULT_MODEL", "catalogue", "find", "nearest"]

DEFAULT_MODEL = "grok-imagine-1.0-video-apimart"


def _listed(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return a record's values with tuples for lists, as frozen things hold them."""
    return {name: tuple(value) if isinstance(value, list) else value for name, value in record.items()}


def _chosen(record: Mapping[str, Any] | None) -> Choice | None:
    """Return a choice; without a default of its own the first value is asked for."""
    if record is None:
        return None
    facts = {"values": (), **_listed(record)}
    facts.setdefault("default", next(iter(facts["values"]), None))
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


def _priced(record: Mapping[str, Any] | None) -> Price | None:
    if record is None:
        return None
    facts = dict(record)
    for name in ("usd", "with_images"):
        if name in facts:
            facts[name] = {tier: Decimal(usd) for tier, usd in facts[name].items()}
    facts["per_image"] = Decimal(facts.get("per_image", "0"))
    return Price(**facts)


def _ruled(record: Mapping[str, Mapping[str, Any]]) -> Rule:
    return Rule(when=_listed(record["when"]), only=_listed(record["only"]))


def _model(record: Mapping[str, Any], id: str) -> Model:  # noqa: A002 - as the parameter of Model
    images = {"field": "image_urls", "max": 0, **_listed(record.get("images", {}))}
    return Model(
        id,
        size=_chosen(record.get("size")),
        duration=_spanned(record.get("duration")),
        quality=_chosen(record.get("quality")),
        images=Images(**images),
        options={name: _optional(name, each) for name, each in record.get("options", {}).items()},
        price=_priced(record.get("price")),
        prompt_max=record.get("prompt_max"),
        exclusive=record.get("exclusive", ()),
        rules=map(_ruled, record.get("rules", ())),
        aliases=record.get("aliases", {}).get(id, ()),
        source=record["source"],
        verified_on=record["verified_on"],
    )


@functools.cache
def catalogue() -> dict[str, Model]:
    """Return every known model by id, in the order of the catalogue."""
    text = resources.files("gridgen.models").joinpath("catalogue.toml").read_text("utf-8")
    records = tomllib.loads(text)["model"]
    return {name: _model(record, name) for record in records for name in record["ids"]}


@functools.cache
def _by_name() -> dict[str, Model]:
    """Return every model by its names, as they are written and in lower case."""
    named = {name: model for model in catalogue().values() for name in (model.id, *model.aliases)}
    return {name.casefold(): model for name, model in named.items()} | named


@functools.cache
def _unknown(name: str) -> Model:
    """Return a model of which nothing is known: the usual names, no limits, no defaults."""
    return Model(
        name,
        size=Choice("size", (), open=True),
        duration=Span("duration", 1, 600),
        quality=Choice("resolution", (), open=True),
        images=Images("image_urls", 100),
        source="not in the catalogue",
        known=False,
    )


def find(name: object) -> Model:
    """Return the model of that id or alias; a `Model` is its own.

    An id that the catalogue does not have gives a model with ``known`` False: its
    values are not checked, and only what is stated is sent.

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
