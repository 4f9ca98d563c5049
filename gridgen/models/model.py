"""One video model: what it accepts, its names on the wire, and what it costs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar

from gridgen.errors import GridError, Problem
from gridgen.models.fields import Choice, Images, Option, Rule, Span, either, plural
from gridgen.models.price import Price
from gridgen.models.spelling import meant_word

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

__all__ = ["Model", "Unsupported"]

_VIDEOS = ("video_urls", "video_list", "video_url")
_TASK = "omni_reference_task_type"


@dataclass(frozen=True, slots=True)
class Unsupported:
    """Why a model cannot make what is asked.

    Attributes
    ----------
    reason : str
        For a skipped cell: ``kling-v2-6 makes clips of 5 or 10 s, not 6``.
    problem : Problem
        For the person who typed it: the field in the user's words, the value, and what
        is offered.
    """

    reason: str
    problem: Problem

    @property
    def field(self) -> str:
        """Which field, in the user's words."""
        return self.problem.field

    @property
    def error(self) -> str:
        """The problem in words."""
        return str(self.problem)

    def __str__(self) -> str:
        return self.reason


class Model:
    """One video model: what it accepts and what it costs.

    Parameters
    ----------
    id : str
        Name on the wire.
    size : list of str or Choice, optional
        Aspect ratios; None for a model that takes none.
    duration : int, (int, int), list of int or Span, optional
        One length, the shortest and the longest, or all lengths, in whole seconds.
    quality : list of str or Choice, optional
        The tiers, such as ``["480p", "720p"]``.
    images : int or Images, default 0
        How many reference images it takes.
    options : mapping of str to Option or type, optional
        Further fields: a type (``bool``, ``int``, ``str``, ``list``) or an `Option`.
    price : number, str, Decimal, mapping or Price, optional
        USD for one second of footage, or a mapping from quality to that.
    names : mapping of str to str, optional
        Names on the wire where they differ from ``size``, ``duration``, ``resolution``
        (of the quality) and ``image_urls``.
    prompt_max : int, optional
        Longest prompt in characters.
    exclusive : sequence of sequences of str, optional
        Fields of which only one may be stated.
    rules : sequence of Rule, optional
        Combinations that do not exist.
    aliases : sequence of str, optional
        Other ids that mean the same model.
    source : str, default "given by the user"
        Where the record was read.
    verified_on : date, optional
        When it was read.
    known : bool, default True
        Whether anything is known of the model; of an unknown one nothing is checked.

    Raises
    ------
    GridError
        If an argument is none of these.

    Examples
    --------
    >>> Model("house-model-2", size=["16:9", "1:1"], duration=(4, 12), quality=["720p"], images=1)
    Model('house-model-2': size 16:9, 1:1; duration 4 to 12 s; quality 720p; at most 1 image)
    """

    def __init__(
        self,
        id: str,  # noqa: A002 - the field's name in the API
        *,
        size: Choice | Iterable[str] | None = None,
        duration: Span | int | Iterable[int] | None = None,
        quality: Choice | Iterable[str] | None = None,
        images: Images | int = 0,
        options: Mapping[str, Option | type] | None = None,
        price: Price | Decimal | float | str | Mapping[str, Any] | None = None,
        names: Mapping[str, str] | None = None,
        prompt_max: int | None = None,
        exclusive: Iterable[Iterable[str]] = (),
        rules: Iterable[Rule] = (),
        aliases: Iterable[str] = (),
        source: str = "given by the user",
        verified_on: date | None = None,
        known: bool = True,
    ) -> None:
        wire = {"size": "size", "duration": "duration", "quality": "resolution", "image_urls": "image_urls"}
        for name in names or {}:
            if name not in wire:
                msg = f"names={dict(names or {})!r}: {name!r} has no name to change; there are {', '.join(wire)}"
                raise GridError(msg)
        wire |= names or {}
        if not str(id).strip():
            msg = f"id={id!r} is not the name of a model"
            raise GridError(msg)
        self.id = id
        self.size = _choice(wire["size"], size)
        self.duration = _span(wire["duration"], duration)
        self.quality = _choice(wire["quality"], quality)
        self.images = images if isinstance(images, Images) else Images(wire["image_urls"], images)
        self.options = {name: Option.made(name, each) for name, each in (options or {}).items()}
        self.price = _price(price, source, verified_on)
        self.prompt_max = prompt_max
        self.exclusive = tuple(tuple(each) for each in exclusive)
        self.rules = tuple(rules)
        self.aliases = tuple(aliases)
        self.source = source
        self.verified_on = verified_on
        self.known = known

    def __repr__(self) -> str:
        parts = [
            f"{name} {', '.join(choice.values) or 'any'}"
            for name, choice in (("size", self.size), ("quality", self.quality))
            if choice is not None
        ]
        if self.duration is not None:
            parts.insert(1 if self.size else 0, f"duration {self.duration.offered()}")
        if self.images.max:
            parts.append(f"at most {self.images.max} {plural('image', self.images.max)}")
        parts += self.options
        return f"Model({self.id!r}: {'; '.join(parts)})"

    def __eq__(self, other: object) -> bool:
        return vars(self) == vars(other) if isinstance(other, Model) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.id)

    @property
    def fields(self) -> tuple[str, ...]:
        """What the model takes, in the user's words."""
        there = {
            "size": self.size,
            "duration": self.duration,
            "quality": self.quality,
            "image_urls": self.images.max,
        }
        return ("prompt", *(name for name, has in there.items() if has), *self.options)

    @property
    def defaults(self) -> dict[str, Any]:
        """What is asked for where the user says nothing; None for what the model does not take."""
        fields = {"size": self.size, "duration": self.duration, "quality": self.quality}
        return {name: None if field is None else field.default for name, field in fields.items()}

    def option(self, name: str) -> Option | None:
        """Return a further field by the user's word or its name on the wire, None if there is none."""
        found = self.options.get(name)
        return found or next((each for each in self.options.values() if each.field == name), None)

    def names_pictures(self, name: str) -> bool:
        """Whether a further field takes reference images."""
        option = self.option(name)
        return option is not None and option.image

    def traits(self, stated: Mapping[str, Any]) -> frozenset[str]:
        """Return what sets the price of a clip apart besides tier, length and pictures.

        Parameters
        ----------
        stated : mapping
            Further fields, under the user's words.

        Returns
        -------
        frozenset of str
            ``sound`` where it is asked for, ``video`` beside a reference video (a model
            that always works from one has no other price), ``edit``, ``extend``,
            ``nsfw_check``, which costs extra (a public gateway's notes on the pages,
            2026-09-08).
        """
        found = {str(stated.get(_TASK))} & {"edit", "extend"}
        if stated.get("audio") is True:
            found.add("sound")
        if stated.get("extend_from_task_id"):
            found.add("extend")
        if stated.get("nsfw_check") is True:
            found.add("nsfw_check")
        for name in _VIDEOS:
            option = self.option(name)
            if stated.get(name) and not (option is not None and option.required):
                found.add("video")
        return frozenset(found)

    def videos(self, stated: Mapping[str, Any]) -> tuple[str, ...]:
        """Return the reference videos among further fields, as texts that are the same for the same ones."""
        return tuple(repr(stated[name]) for name in _VIDEOS if stated.get(name))

    def settled(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Return a cell's fields in one spelling each: the same for all ways to mean the same clip.

        Parameters
        ----------
        fields : mapping
            In the user's words; what is missing or None takes the model's default.

        Returns
        -------
        dict
            ``size``, ``duration`` and ``quality`` always, None where the model does not
            take them; further fields as given, under the catalogue's word, without
            those that state nothing.
        """
        found: dict[str, Any] = dict(self.defaults)
        for name, value in fields.items():
            if _absent(value):
                continue
            option = self.option(name)
            choice = self.size if name == "size" else self.quality if name == "quality" else None
            word = choice.word(value) if choice is not None else None
            found[option.name if option else name] = value if word is None else word
        return found

    def offers(self, name: str, value: Any) -> Unsupported | None:
        """Say why the model does not take one value, None if it does.

        Parameters
        ----------
        name : str
            A field in the user's words.
        value : object
            Of the field's type; None and what is empty state nothing.
        """
        if _absent(value) or name == "model":
            return None
        check = self._checks.get(name)
        return self._further(name, value) if check is None else check(self, value)

    def lacks(self, fields: Mapping[str, Any]) -> tuple[Unsupported, ...]:
        """Say why the model cannot make a cell: each value, then their combination.

        Parameters
        ----------
        fields : mapping
            What the cell states, in the user's words.

        Returns
        -------
        tuple of Unsupported
            Empty if the model can.
        """
        values = [self.offers(name, value) for name, value in fields.items()]
        found = [lack for lack in values if lack is not None]
        return tuple(found) if found or not self.known else tuple(self._combined(fields))

    def body(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Return the request body for a cell's fields, in the order of the model's page.

        Parameters
        ----------
        fields : mapping
            ``prompt``, ``size``, ``duration``, ``quality``, ``image_urls`` and further
            ones in the user's words.

        Returns
        -------
        dict
            Only fields that the model knows, under its own names, none of them empty.
        """
        given = {name: value for name, value in fields.items() if not _absent(value)}
        body: dict[str, Any] = {"model": self.id}
        if "prompt" in given:
            body["prompt"] = given["prompt"]
        sized = (("size", self.size), ("duration", self.duration), ("quality", self.quality))
        for name, field in sized:
            if field is None or name not in given or any(other in given for other in field.omit_with):
                continue
            value = given[name]
            body[field.field] = field.spelled(value) if isinstance(field, Choice) else value
        if "image_urls" in given and self.images.max:
            urls = list(given["image_urls"])
            body[self.images.field] = urls[0] if self.images.single else urls
        return body | self._options(given)

    def _options(self, given: Mapping[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        taken = {"model", "prompt", "size", "duration", "quality", "image_urls"}
        for name, value in given.items():
            option = self.option(name)
            if option is not None:
                found[option.field] = option.wire(value)
            elif not self.known and name not in taken:
                found[name] = value
        return found

    def _size(self, value: Any) -> Unsupported | None:
        return self._worded("size", self.size, value)

    def _quality(self, value: Any) -> Unsupported | None:
        return self._worded("quality", self.quality, value)

    def _worded(self, name: str, choice: Choice | None, value: Any) -> Unsupported | None:
        if choice is None:
            return self._lack(name, f"takes no {name}", value)
        if choice.word(value) is not None:
            return None
        reason = f"has no {name} {value} (it has {', '.join(choice.values)})"
        return self._lack(name, reason, value, choice.values)

    def _duration(self, value: Any) -> Unsupported | None:
        span = self.duration
        if span is None:
            return self._lack("duration", "takes no duration", value)
        if not isinstance(value, int) or span.offers(value):
            return None
        reason = f"makes clips of {span.offered()}, not {value}"
        return self._lack("duration", reason, value, (span.offered("seconds"),))

    def _prompt(self, value: Any) -> Unsupported | None:
        if self.prompt_max is None or not isinstance(value, str) or len(value) <= self.prompt_max:
            return None
        reason = f"takes prompts of at most {self.prompt_max} characters, not {len(value)}"
        why = f"prompt={value[:40] + '…'!r}: {self.id!r} {reason}"
        return Unsupported(f"{self.id} {reason}", Problem(why, "prompt", value))

    def _images(self, value: Any) -> Unsupported | None:
        if not self.known:
            return None
        problem = self.images.problem(len(value))
        if problem is None:
            return None
        takes = self.images.problem(len(value), counted=False)
        why = f"image_urls has {len(value)} {plural('image', len(value))} in one value; {self.id!r} {takes}"
        return Unsupported(f"{self.id} {problem}", Problem(why, "image_urls", value))

    _checks: ClassVar[Mapping[str, Callable[[Model, Any], Unsupported | None]]] = {
        "prompt": _prompt,
        "size": _size,
        "quality": _quality,
        "duration": _duration,
        "image_urls": _images,
    }

    def _further(self, name: str, value: Any) -> Unsupported | None:
        if not self.known:
            return None
        option = self.option(name)
        if option is None:
            why = f"{name}={value!r} is not offered by {self.id!r} (it takes {', '.join(self.fields)})"
            return Unsupported(f"{self.id} takes no {name}", Problem(why, name, value))
        problem = option.problem(value)
        return (
            None if problem is None else self._lack(name, f"takes {problem} as {name}, not {value!r}", value)
        )

    def _combined(self, fields: Mapping[str, Any]) -> Iterable[Unsupported]:
        given = {
            option.name if (option := self.option(name)) else name: value
            for name, value in fields.items()
            if not _absent(value)
        }
        yield from self._missing(given)
        for group in self.exclusive:
            stated = [name for name in group if name in given]
            if len(stated) > 1:
                yield self._lack(stated[1], f"takes {stated[0]} or {stated[1]}, not both", given[stated[1]])
        span = self.duration
        beside = [name for name in span.omit_with if name in given] if span and "duration" in given else []
        if beside:
            yield self._lack("duration", f"takes no duration beside {beside[0]}", given["duration"])
        yield from self._ruled(given)

    def _missing(self, given: Mapping[str, Any]) -> Iterable[Unsupported]:
        if self.images.min and "image_urls" not in given:
            yield self._lack("image_urls", self.images.problem(0) or "", None)
        for name, option in self.options.items():
            if option.required and name not in given:
                yield self._lack(name, f"needs {name}", None)
            if option.needs and name in given and not any(other in given for other in option.needs):
                yield self._lack(name, f"takes {name} only beside {either(option.needs)}", given[name])

    def _ruled(self, given: Mapping[str, Any]) -> Iterable[Unsupported]:
        facts = {**self.settled(given), "images": len(given.get("image_urls", ()))}
        for rule in self.rules:
            broken = rule.broken(facts)
            if broken is None:
                continue
            beside = " and ".join(f"{name} {_said(facts[name])}" for name in rule.when)
            only = either([_said(value) for value in rule.only[broken]])
            field = "image_urls" if broken == "images" else broken
            reason = f"takes {broken} {only} beside {beside}, not {_said(facts[broken])}"
            yield self._lack(field, reason, given.get(field))

    def _lack(
        self, name: str, reason: str, value: Any, offered: tuple[str, ...] | None = None
    ) -> Unsupported:
        stated = f"{name}={value!r}" if value is not None else name
        why = (
            f"{stated}: {self.id} {reason}" if offered is None else f"{stated} is not offered by {self.id!r}"
        )
        hint = meant_word(name, value, offered or ())
        return Unsupported(f"{self.id} {reason}", Problem(why, name, value, offered or (), hint))


def _absent(value: object) -> bool:
    """Whether a value states nothing: None, and what is empty."""
    if isinstance(value, str):
        return not value
    return value is None or (hasattr(value, "__len__") and len(value) == 0)


def _said(value: Any) -> str:
    return {True: "on", False: "off"}[value] if isinstance(value, bool) else str(value)


def _choice(field: str, given: Any) -> Choice | None:
    if given is None or isinstance(given, Choice):
        return given
    values = (given,) if isinstance(given, str) else tuple(given)
    if not values or not all(isinstance(value, str) for value in values):
        msg = f"{field}={given!r} is not a list of texts such as ['16:9', '1:1']"
        raise GridError(msg)
    return Choice(field, values, values[0])


def _span(field: str, given: Any) -> Span | None:
    if given is None or isinstance(given, Span):
        return given
    values = (given,) if isinstance(given, int) else tuple(given)
    if not values or not all(isinstance(value, int) and value > 0 for value in values):
        msg = f"{field}={given!r} is not a number of seconds, (shortest, longest), or a list of seconds"
        raise GridError(msg)
    pair = isinstance(given, tuple) and len(given) == 2  # noqa: PLR2004 - the two ends
    return Span(field, min(values), max(values), values[0], () if pair else values)


def _price(given: Any, source: str, verified_on: date | None) -> Price | None:
    if given is None or isinstance(given, Price):
        return given
    listed = given if isinstance(given, Mapping) else {"": given}
    return Price("second", {tier: Decimal(str(usd)) for tier, usd in listed.items()}, source, verified_on)
