"""The catalogue: what each model accepts, its names on the wire, and its price.

The facts are data (``catalogue.toml``), each record with its source and date.
The client checks against them and the simulator serves them.
"""

from __future__ import annotations

import difflib
import functools
import tomllib
from dataclasses import dataclass
from decimal import Decimal
from importlib import resources
from typing import TYPE_CHECKING, Any

from gridgen.errors import GridError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

__all__ = [
    "DEFAULT_MODEL",
    "Choice",
    "Images",
    "Model",
    "Price",
    "Span",
    "catalogue",
    "find",
]

DEFAULT_MODEL = "grok-imagine-1.0-video-apimart"


@dataclass(frozen=True, slots=True)
class Choice:
    """A request field with a list of legal strings.

    Attributes
    ----------
    field : str
        Name on the wire.
    values : tuple of str
        What the model offers, in the order of its page.
    default : str
        What the model takes when the field is absent.
    ignored_with_images : bool
        Whether a reference image overrules the field.
    """

    field: str
    values: tuple[str, ...]
    default: str
    ignored_with_images: bool = False


@dataclass(frozen=True, slots=True)
class Span:
    """A request field of whole seconds, both ends included."""

    field: str
    min: int
    max: int
    default: int


@dataclass(frozen=True, slots=True)
class Images:
    """Reference images: the field's name on the wire and how many it takes."""

    field: str
    max: int


@dataclass(frozen=True, slots=True)
class Price:
    """What a model costs, in USD.

    Attributes
    ----------
    unit : str
        What is counted: ``"second"`` of footage or ``"request"``.
    usd : mapping of str to Decimal
        Price of one unit, by quality.
    source : str
        Where the price was read.
    verified_on : date or None
        When it was read; None when a server said it just now.
    """

    unit: str
    usd: Mapping[str, Decimal]
    source: str
    verified_on: date | None

    def of(self, *, quality: str, duration: int) -> Decimal | None:
        """Return the price of one clip in USD, None where the quality has no price."""
        each = self.usd.get(quality)
        if each is None:
            return None
        return each * duration if self.unit == "second" else each


@dataclass(frozen=True, slots=True)
class Model:
    """One video model: what it accepts and what it costs.

    Attributes
    ----------
    id : str
        Name on the wire.
    size, quality : Choice
        Aspect ratio, and the tier that the user calls quality.
    duration : Span
        Length of a clip in whole seconds.
    images : Images
        Reference images.
    source : str
        Where the record was read.
    verified_on : date
        When it was read.
    aliases : tuple of str
        Other ids that mean the same model.
    price : Price or None
        None when no public source states one.
    """

    id: str
    size: Choice
    duration: Span
    quality: Choice
    images: Images
    source: str
    verified_on: date
    aliases: tuple[str, ...] = ()
    price: Price | None = None

    def body(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Return the request body for a cell's fields, in the order of the model's page.

        Parameters
        ----------
        fields : mapping
            ``prompt``, ``size``, ``duration``, ``quality`` and ``image_urls`` in the
            user's words; the last may be an empty sequence.

        Returns
        -------
        dict
            Only fields that the model knows, under its own names, none of them empty.
        """
        body: dict[str, Any] = {
            "model": self.id,
            "prompt": fields["prompt"],
            self.size.field: fields["size"],
            self.duration.field: fields["duration"],
            self.quality.field: fields["quality"],
        }
        if fields["image_urls"]:
            body[self.images.field] = list(fields["image_urls"])
        return body


def _model(record: dict[str, Any]) -> Model:
    price = record.get("price")
    return Model(
        id=record["id"],
        aliases=tuple(record.get("aliases", ())),
        size=Choice(**{**record["size"], "values": tuple(record["size"]["values"])}),
        duration=Span(**record["duration"]),
        quality=Choice(**{**record["quality"], "values": tuple(record["quality"]["values"])}),
        images=Images(**record["images"]),
        source=record["source"],
        verified_on=record["verified_on"],
        price=None
        if price is None
        else Price(
            unit=price["unit"],
            usd={tier: Decimal(usd) for tier, usd in price["usd"].items()},
            source=price["source"],
            verified_on=price["verified_on"],
        ),
    )


@functools.cache
def catalogue() -> dict[str, Model]:
    """Return every known model by id, in the order of the catalogue."""
    text = resources.files("gridgen").joinpath("catalogue.toml").read_text("utf-8")
    return {record["id"]: _model(record) for record in tomllib.loads(text)["model"]}


def find(name: object) -> Model:
    """Return the model of that id or alias.

    Raises
    ------
    GridError
        If the catalogue has no such model; the message names the nearest.
    """
    models = catalogue()
    if isinstance(name, str) and name in models:
        return models[name]
    for model in models.values():
        if name in model.aliases:
            return model
    near = difflib.get_close_matches(str(name), models, n=1, cutoff=0.0)
    msg = (
        f"model={name!r} is not in the catalogue (nearest: {near[0]!r}; "
        f"known: {', '.join(models)}). Nothing was submitted."
    )
    raise GridError(msg)
