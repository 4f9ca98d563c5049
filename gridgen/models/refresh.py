"""What the server says of its models by now, beside what the catalogue says."""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from gridgen.models.fields import Choice, Images, Option, Span
from gridgen.models.model import Model
from gridgen.models.records import catalogue
from gridgen.money import exact_dollars, without_mathematics

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date

    from gridgen.models.price import Price

__all__ = ["CatalogueReport", "Difference", "Told", "compared", "model_of"]

_USUAL = {"model", "prompt", "webhook", "language"}
_RATIOS, _TIERS = ("size", "aspect_ratio"), ("quality", "resolution", "mode")
_IMAGES = ("image_urls", "first_frame_image", "image_url")
_UNKNOWN = "unknown"
_MOST = 1_000_000
"""The largest number of a schema that is taken for a limit."""


@dataclass(frozen=True, slots=True)
class Told:
    """What the server tells of one model.

    Attributes
    ----------
    id : str
        As listed.
    schema : mapping or None
        The ``input_schema`` of a video generation; None where it gave none.
    price : Price or None
        None where its list has none: unknown, not free.
    """

    id: str
    schema: Mapping[str, Any] | None
    price: Price | None


@dataclass(frozen=True, slots=True)
class Difference:
    """One fact that the catalogue and the server state otherwise.

    Attributes
    ----------
    model : str
        Id of the model.
    fact : str
        Field on the wire, or ``price``, by tier.
    ours, theirs : str
        What each says.
    """

    model: str
    fact: str
    ours: str
    theirs: str


@dataclass(frozen=True)
class CatalogueReport:
    """What differs between the catalogue and the server; nothing of ours is changed by it.

    It is true where anything differs.

    Attributes
    ----------
    host : str
        Who was asked.
    asked_on : date
        When.
    new : mapping of str to Model
        Video models that the server lists and the catalogue does not know, as far as
        its schema tells; ready for `Grid`.
    gone : tuple of str
        Ids of the catalogue that the server does not list.
    differences : tuple of Difference
        In the order of the catalogue.
    silent : tuple of str
        Models of both of which the server gave no schema.
    """

    host: str
    asked_on: date
    new: Mapping[str, Model]
    gone: tuple[str, ...]
    differences: tuple[Difference, ...]
    silent: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.new or self.gone or self.differences)

    def __repr__(self) -> str:
        if not self:
            return f"CatalogueReport({self.host} agrees with the catalogue)"
        models = len({each.model for each in self.differences})
        return (
            f"CatalogueReport({self.host}: {len(self.new)} new models, {len(self.gone)} not listed, "
            f"{len(self.differences)} differences in {models} models)"
        )

    def __str__(self) -> str:
        lines = [repr(self)[16:-1]]
        lines += [f"new: {model!r}" for model in self.new.values()]
        lines += [f"not listed by the server: {name}" for name in self.gone]
        lines += [
            f"{each.model}: {each.fact}: ours {each.ours}, the server's {each.theirs}"
            for each in self.differences
        ]
        lines += [f"no schema: {', '.join(self.silent)}"] if self.silent else []
        return "\n".join(lines)

    @without_mathematics
    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr>{''.join(_cell(text) for text in (each.model, each.fact, each.ours, each.theirs))}</tr>"
            for each in self.differences
        )
        heads = "".join(
            f"<th style='text-align:left'>{name}</th>" for name in ("model", "fact", "ours", "the server's")
        )
        table = f"<table><tr>{heads}</tr>{rows}</table>" if rows else ""
        lists = _list("New at the server", [repr(model) for model in self.new.values()])
        lists += _list("Not listed by the server", self.gone) + _list("Without a schema", self.silent)
        head = html.escape(repr(self)[16:-1])
        return f"<div><p><strong>{head}</strong> ({self.asked_on:%Y-%m-%d})</p>{table}{lists}</div>"


def compared(told: Iterable[Told], *, host: str, today: date) -> CatalogueReport:
    """Set what the server tells of its video models beside the catalogue."""
    listed = {each.id: each for each in told}
    ours = catalogue()
    names = {alias: model.id for model in ours.values() for alias in model.aliases}
    known = {names.get(name, name): each for name, each in listed.items() if names.get(name, name) in ours}
    found = [
        difference for name in ours if name in known for difference in _differences(ours[name], known[name])
    ]
    return CatalogueReport(
        host=host,
        asked_on=today,
        new={
            name: model_of(each, host=host, today=today)
            for name, each in listed.items()
            if name not in ours and name not in names
        },
        gone=tuple(name for name in ours if name not in known),
        differences=tuple(found),
        silent=tuple(name for name in ours if name in known and known[name].schema is None),
    )


def model_of(told: Told, *, host: str, today: date) -> Model:
    """Return a model as the server's schema describes it: what it does not state is not checked."""
    fields = _fields(told)
    ratio, tier, image = (_first(fields, names) for names in (_RATIOS, _TIERS, _IMAGES))
    taken = {ratio, tier, image, "duration"} | _USUAL
    return Model(
        told.id,
        size=None if ratio is None else _choice(ratio, fields[ratio]),
        duration=_span(fields["duration"]) if "duration" in fields else None,
        quality=None if tier is None else _choice(tier, fields[tier]),
        images=0 if image is None else _images(image, fields[image]),
        options={name: _option(name, each) for name, each in fields.items() if name not in taken},
        price=told.price,
        source=f"the schema that {host} gives",
        verified_on=today,
    )


def _differences(model: Model, told: Told) -> Iterable[Difference]:
    if told.schema is not None:
        yield from _of_fields(model, _fields(told))
    yield from _of_prices(model, told.price)


def _of_fields(model: Model, fields: Mapping[str, _Field]) -> Iterable[Difference]:
    for choice in (model.size, model.quality):
        if choice is not None:
            yield from _of_choice(model, choice, fields.get(choice.field))
    if model.duration is not None:
        yield from _of_span(model, model.duration, fields.get(model.duration.field))
    images = model.images
    if images.max:
        theirs = fields.get(images.field)
        most = None if theirs is None else theirs.most_items
        if theirs is None or (most is not None and most != images.max):
            said = "no such field" if theirs is None else f"at most {most}"
            yield Difference(model.id, images.field, f"at most {images.max}", said)
    for option in model.options.values():
        if option.field not in fields:
            yield Difference(model.id, option.field, option.offered, "no such field")


def _of_choice(model: Model, choice: Choice, theirs: _Field | None) -> Iterable[Difference]:
    ours = list(choice.wire or choice.values)
    if theirs is None:
        yield Difference(model.id, choice.field, ", ".join(ours) or "any", "no such field")
        return
    offered = set(theirs.listed)
    if offered and (offered - set(ours) if choice.open else offered != set(ours)):
        yield Difference(model.id, choice.field, ", ".join(ours), ", ".join(map(str, theirs.listed)))


def _of_span(model: Model, span: Span, theirs: _Field | None) -> Iterable[Difference]:
    if theirs is None:
        yield Difference(model.id, span.field, span.offered(), "no such field")
        return
    enum = theirs.numbers
    ends = (
        span.min if theirs.least is None else theirs.least,
        span.max if theirs.most is None else theirs.most,
    )
    if (enum and set(enum) != set(span.values)) or (not enum and ends != (span.min, span.max)):
        low, high = (min(enum), max(enum)) if enum else ends
        said = Span(span.field, low, high, values=enum).offered()
        yield Difference(model.id, span.field, span.offered(), said)


def _of_prices(model: Model, theirs: Price | None) -> Iterable[Difference]:
    """Yield one line for all tiers whose prices differ."""
    if theirs is None:
        return
    tiers = model.quality.values if model.quality is not None else ("",)
    told = [(tier, _price(model.price, tier), _price(theirs, tier)) for tier in tiers]
    odd = [(tier, ours, each) for tier, ours, each in told if ours != each]
    if odd:
        ours = {each for _, each, _ in odd}
        shown = (
            _UNKNOWN if ours == {_UNKNOWN} else ", ".join(f"{tier} {each}".strip() for tier, each, _ in odd)
        )
        yield Difference(
            model.id, "price", shown, ", ".join(f"{tier} {each}".strip() for tier, _, each in odd)
        )


def _price(price: Price | None, tier: str) -> str:
    each = None if price is None else price.usd.get(tier, price.usd.get(""))
    return _UNKNOWN if price is None or each is None else f"{exact_dollars(each)} a {price.unit}"


class _Field(NamedTuple):
    """What a schema states of one field, as far as it is understood; a server may state anything."""

    kind: str
    listed: tuple[str | int, ...]
    default: str | int | None
    least: int | None
    most: int | None
    longest: int | None
    most_items: int | None
    of_objects: bool

    @property
    def words(self) -> tuple[str, ...]:
        return tuple(each for each in self.listed if isinstance(each, str))

    @property
    def numbers(self) -> tuple[int, ...]:
        return tuple(each for each in self.listed if isinstance(each, int))


def _fields(told: Told) -> dict[str, _Field]:
    """Return the fields of a model's schema by their names."""
    found = (told.schema or {}).get("properties")
    each = found.items() if isinstance(found, dict) else ()
    return {name: _field(schema) for name, schema in each if isinstance(schema, dict)}


def _field(schema: Mapping[str, Any]) -> _Field:
    listed, items = schema.get("enum"), schema.get("items")
    stated = [_scalar(each) for each in listed] if isinstance(listed, list) else []
    return _Field(
        kind=str(schema.get("type")),
        listed=tuple(dict.fromkeys(each for each in stated if each is not None)),
        default=_scalar(schema.get("default")),
        least=_whole(schema.get("minimum")),
        most=_whole(schema.get("maximum")),
        longest=_whole(schema.get("maxLength")),
        most_items=_whole(schema.get("maxItems")),
        of_objects=isinstance(items, dict) and items.get("type") == "object",
    )


def _scalar(value: Any) -> str | int | None:
    return value if isinstance(value, str) else _whole(value)


def _whole(value: Any) -> int | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not -_MOST <= value <= _MOST:
        return None
    return int(value) if value == int(value) else None


def _first(fields: Mapping[str, Any], names: Iterable[str]) -> str | None:
    return next((name for name in names if name in fields), None)


def _choice(name: str, field: _Field) -> Choice:
    words = field.words
    default = words[0] if words and field.default is None else field.default
    return Choice(name, words, default if isinstance(default, str) else None, open=not words)


def _span(field: _Field) -> Span:
    values = field.numbers
    low = min(values) if values else 1 if field.least is None else field.least
    high = max(values) if values else 600 if field.most is None else field.most
    default = field.default if isinstance(field.default, int) else values[0] if values else low
    return Span("duration", low, high, default, values)


def _images(name: str, field: _Field) -> Images:
    if field.kind == "string":
        return Images(name, 1, single=True)
    return Images(name, 100 if field.most_items is None else field.most_items)


def _option(name: str, field: _Field) -> Option:
    """Return a further field; of a schema that is not understood nothing is checked but that it is a text."""
    if field.words:
        return Option(name, "choice", values=field.words)
    kind = {"boolean": "flag", "integer": "integer", "object": "object"}.get(field.kind, "text")
    if field.kind == "array":
        kind = "objects" if field.of_objects else "urls"
    low, high = {
        "integer": (field.least, field.most),
        "text": (None, field.longest),
        "urls": (None, field.most_items),
    }.get(kind, (None, None))
    return Option(name, kind, min=low, max=high)


def _cell(text: str) -> str:
    return f"<td style='text-align:left'>{html.escape(text)}</td>"


def _list(head: str, entries: Iterable[str]) -> str:
    items = "".join(f"<li>{html.escape(entry)}</li>" for entry in entries)
    return f"<p>{head}</p><ul>{items}</ul>" if items else ""
