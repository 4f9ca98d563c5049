"""The known models, read from ``catalogue.toml``, and their prices: each record has its source and its date."""

from __future__ import annotations

import difflib
import functools
import tomllib
from importlib import resources
from typing import TYPE_CHECKING, Any

from gridgen.errors import GridError
from gridgen.models.entries import Entries
from gridgen.models.model import Model
from gridgen.models.reader import read_choice, read_model, read_page_record

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from gridgen.models.fields import Choice
    from gridgen.models.reader import PageRecord

__all__ = ["DEFAULT_MODEL", "catalogue", "find", "nearest", "page_record", "price_page", "relative", "unseen"]

DEFAULT_MODEL = "grok-imagine-1.0-video-apimart"

_UNSEEN: Mapping[str, Any] = {
    "size": {"field": "size", "values": (), "open": True},
    "duration": {"field": "duration", "min": 1, "max": 600},
    "quality": {"field": "resolution", "values": (), "open": True},
    "images": {"field": "image_urls", "max": 100},
    "known": False,
}
"""A model whose fields nobody has seen: the usual names, no limits, no defaults."""


def page_record(*names: str) -> PageRecord | None:
    """Return what the price page says of a model, which it has under one of its names, None if it has none of them."""
    listed = _on_page(names)
    return None if listed is None else read_page_record(price_page()["price"][listed])


def _on_page(names: Iterable[str]) -> str | None:
    return next((name for name in names if name in price_page()["price"]), None)


def _chosen(record: Mapping[str, Any]) -> dict[str, Any]:
    """Fill up a choice; without a default of its own the first value is asked for, with an empty one nothing."""
    facts = {"values": (), **record}
    facts["default"] = facts.get("default", next(iter(facts["values"]), None)) or None
    if facts.pop("case", None) == "upper":
        facts["wire"] = [value.upper() for value in facts["values"]]
    return facts


def _spanned(record: Mapping[str, Any]) -> dict[str, Any]:
    values = record.get("values") or (record["min"], record["max"])
    return {"field": "duration", "min": min(values), "max": max(values), "default": values[0], **record}


def _optional(name: str, record: str | Mapping[str, Any]) -> dict[str, Any]:
    return {"name": name, **({"kind": record} if isinstance(record, str) else record)}


def _priced(names: tuple[str, ...], quality: Choice | None) -> dict[str, Any] | None:
    """Return the price of a model as a record has it, None for one that the page does not have."""
    told, name, listed = price_page(), _on_page(names), page_record(*names)
    if listed is None:
        return None
    entries = Entries(listed.usd, quality)
    return {
        "unit": listed.unit,
        "usd": entries.usd,
        "source": told["source"] + ("; settled by tokens, so an estimate" if name in told["tokens"] else ""),
        "verified_on": told["verified_on"],
        "per_image": listed.per_image,
        "images_free": listed.images_free,
        "unread": entries.unread,
        "base": entries.base,
    }


def _model(record: Mapping[str, Any], id: str) -> Model:  # noqa: A002 - as the parameter of Model
    """Return a model from a record of the catalogue, which leaves out what goes without saying."""
    facts = {name: value for name, value in record.items() if name not in {"ids", "unseen"}}
    facts |= {name: _chosen(record[name]) for name in ("size", "quality") if name in record}
    quality = read_choice(facts["quality"]) if "quality" in facts else None
    aliases = tuple(record.get("aliases", {}).get(id, ()))
    facts |= {"id": id, "aliases": aliases, "price": _priced((id, *aliases), quality)}
    if record.get("unseen"):
        return read_model({**_UNSEEN, **facts})
    if "duration" in record:
        facts["duration"] = _spanned(record["duration"])
    facts["images"] = {"field": "image_urls", "max": 0, **record.get("images", {})}
    options = {**record.get("options", {}), "nsfw_check": "flag"}
    facts["options"] = {name: _optional(name, each) for name, each in options.items()}
    return read_model(facts)


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
    return read_model({**_UNSEEN, "id": name, "source": "not in the catalogue"})


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
