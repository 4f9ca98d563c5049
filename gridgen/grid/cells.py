"""A cell of a grid: one video to make, and the key that names it for ever."""

from __future__ import annotations

import difflib
import functools
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from gridgen.errors import GridError
from gridgen.models import DEFAULT_MODEL, NO_TRAITS, Model, catalogue, find

if TYPE_CHECKING:
    from decimal import Decimal

    from gridgen.models import Price, Quote

__all__ = ["FIELDS", "Cell", "option_names", "renamed"]

FIELDS = ("prompt", "size", "duration", "quality", "image_urls", "model")
"""The request fields that every cell states, in the user's words."""

_json = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode


@functools.cache
def option_names() -> tuple[str, ...]:
    """Return the further request fields that any model of the catalogue takes."""
    return tuple(dict.fromkeys(name for model in catalogue().values() for name in model.options))


@dataclass(frozen=True, slots=True)
class Cell:
    """One video to make: every field that the request states.

    ``cell["seed"]`` and ``cell.seed`` give any field or label by its name, None for a
    field that is not stated.

    Attributes
    ----------
    prompt, model : str
        As in the API, with the model's alias resolved.
    size, quality : str or None
        In the user's words; None for a model that takes none.
    duration : int or None
        Length of the clip in whole seconds; None for a model that takes none, -1
        where it is left to the model.
    image_urls : tuple of str
        Reference images, empty for none: URLs, and for pictures of one's own
        ``sha256:`` and the hash of the content.
    extras : tuple of (str, value)
        Further request fields that are stated, sorted by name; a mapping is taken
        too.
    labels : tuple of (str, value)
        Where the cell stands on the axes that are not part of the request. They do
        not count when cells are compared.
    record : Model or None
        What the model takes, where that is not the catalogue's.
    known_as : str or None
        The key under which a folder has the cell since an older catalogue, where that
        is not what it would be by now.
    """

    prompt: str
    size: str | None
    duration: int | None
    quality: str | None
    image_urls: tuple[str, ...] = ()
    model: str = DEFAULT_MODEL
    extras: tuple[tuple[str, Any], ...] = ()
    labels: tuple[tuple[str, Any], ...] = field(default=(), compare=False)
    record: Model | None = field(default=None, compare=False, repr=False)
    known_as: str | None = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        # asking for the exact type first keeps a hundred thousand cells quick
        if type(self.extras) is not tuple and isinstance(self.extras, Mapping):
            stated = sorted((name, value) for name, value in self.extras.items() if value is not None)
            object.__setattr__(self, "extras", tuple(stated))
        if type(self.labels) is not tuple and isinstance(self.labels, Mapping):
            object.__setattr__(self, "labels", tuple(self.labels.items()))

    def __hash__(self) -> int:
        # the values of extras may be mappings
        return hash((self.prompt, self.size, self.duration, self.quality, self.image_urls, self.model))

    def __getitem__(self, name: str) -> Any:
        if name in FIELDS:
            return getattr(self, name)
        for found, value in (*self.extras, *self.labels):
            if found == name:
                return value
        if name in option_names() or self.spec.option(name) is not None:
            return None
        raise KeyError(name)

    def get(self, name: str) -> Any:
        """Return a field or label by its name, None where the cell states none."""
        try:
            return self[name]
        except KeyError:
            return None

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            if name.startswith("__"):
                raise AttributeError(name)
            try:
                return self[name]
            except KeyError:
                known = [*FIELDS, *(found for found, _ in (*self.extras, *self.labels)), *option_names()]
                near = difflib.get_close_matches(name, known, n=1)
                hint = f"; did you mean {near[0]!r}?" if near else ""
                msg = f"a cell has no {name!r}{hint}"
                raise AttributeError(msg) from None

    @property
    def spec(self) -> Model:
        """What the cell's model takes and costs."""
        return self.record or find(self.model)

    @property
    def seconds(self) -> int:
        """Length of the clip in whole seconds as far as it is asked for, 0 where it is left to the model."""
        return max(0, self.duration or 0)

    @property
    def key(self) -> str:
        """SHA-256 (hex) over the canonical JSON of what is meant.

        It names the cell for ever: the order of axes, labels, takes and a
        default spelled out do not change it.
        """
        return _digest(self.stated())

    @property
    def filed_as(self) -> str:
        """The key under which the folder of a sweep has it: `key`, but for what an older catalogue named otherwise."""
        return self.known_as or self.key

    def stated(self) -> dict[str, Any]:
        """Return the fields of the request in the user's words: those of every cell, then the extras."""
        return {
            "prompt": self.prompt,
            "size": self.size,
            "duration": self.duration,
            "quality": self.quality,
            "image_urls": self.image_urls,
            "model": self.model,
            **dict(self.extras),
        }

    def body(self, take: int | None = None) -> dict[str, Any]:
        """Return the request body under the model's wire names.

        Parameters
        ----------
        take : int, optional
            Which take it is for. Where the model has a seed and the cell states none,
            the take's number is sent as the seed: one seed over the whole grid, and
            another for each take. Without it no seed is sent but a stated one.
        """
        stated = self.stated()
        if take is not None and self.is_seeded:
            stated["seed"] = take
        return self.spec.body(stated)

    @property
    def is_seeded(self) -> bool:
        """Whether the takes of the cell have seeds of their own: the model has one, and none is stated."""
        return self.spec.option("seed") is not None and self.get("seed") is None

    @property
    def pictures(self) -> int:
        """How many pictures go along, in whatever fields."""
        found = len(self.image_urls)
        for name, value in self.extras:
            if self.spec.names_pictures(name):
                found += 1 if isinstance(value, (str, Mapping)) else len(value)
        return found

    @property
    def videos(self) -> tuple[str, ...]:
        """The reference videos that go along, in whatever fields, in one spelling each."""
        return self.spec.videos(dict(self.extras)) if self.extras else ()

    @property
    def traits(self) -> frozenset[str]:
        """What sets its price apart besides tier, length and pictures, as of `Model.traits`."""
        return self.spec.traits(dict(self.extras)) if self.extras else NO_TRAITS

    def price(self) -> Decimal | None:
        """Return the catalogue's price in USD, None where it knows none."""
        found = self.quote(self.spec.price)
        return None if found is None else found.usd

    def quote(self, price: Price | None) -> Quote | None:
        """Return what a price of its model says of it, None where that says nothing."""
        if price is None:
            return None
        return price.quote(
            quality=self.quality, duration=self.duration, images=self.pictures, traits=self.traits
        )


def renamed(key: str, fields: Mapping[str, Any]) -> str | None:
    """Return the key that a cell has by today's catalogue, None for what is no cell of that key.

    Parameters
    ----------
    key : str
        Under which a journal has it.
    fields : mapping
        What it once stated, by whatever catalogue, and its labels.
    """
    try:
        told = {name: value for name, value in fields.items() if name != "labels"}
        if _digest(told) != key:
            return None
        model = find(told.pop("model"))
        return _digest({"image_urls": (), **model.settled(told), "model": model.id})
    except (GridError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None


def _digest(stated: Mapping[str, Any]) -> str:
    return hashlib.sha256(_json(stated).encode()).hexdigest()
