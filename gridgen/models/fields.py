"""The fields of a model's request: their types, limits and names on the wire."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

from gridgen.errors import GridError

__all__ = ["AUTOMATIC", "Choice", "Images", "Option", "Rule", "Span", "either", "plural", "public_url"]

AUTOMATIC = -1
"""The duration that leaves the length of the clip to the model, where it takes that."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A request field with a list of legal words.

    Attributes
    ----------
    field : str
        Name on the wire.
    values : tuple of str
        What the model offers, in the user's words and the order of its page.
    default : str or None
        What is asked for where the user says nothing: the model's own default, or the
        first value where its page names none; None leaves the field out.
    wire : tuple of str
        How the values are spelled on the wire, one for each; empty where they are the
        same.
    open : bool
        Whether the list is not complete, so that other words pass unchecked.
    ignored_with_images : bool
        Whether a reference image overrules the field.
    omit_with : tuple of str
        Fields beside which this one must not be sent.
    any_case : bool
        Whether the server takes the words in any letter case.
    """

    field: str
    values: tuple[str, ...]
    default: str | None = None
    wire: tuple[str, ...] = ()
    open: bool = False
    ignored_with_images: bool = False
    omit_with: tuple[str, ...] = ()
    any_case: bool = False

    def word(self, value: object) -> str | None:
        """Return the user's word for a value in any case or spelling, None for one not offered."""
        if not isinstance(value, str) or not value:
            return None
        typed = value.casefold()
        for word, spelled in zip(self.values, self.wire or self.values, strict=True):
            if typed in {word.casefold(), spelled.casefold()}:
                return word
        return value if self.open else None

    def spelled(self, word: str) -> str:
        """Return a word as it goes over the wire."""
        return dict(zip(self.values, self.wire, strict=True)).get(word, word) if self.wire else word


@dataclass(frozen=True, slots=True)
class Span:
    """A request field of whole seconds, both ends included.

    Attributes
    ----------
    field : str
        Name on the wire.
    min, max : int
        Shortest and longest clip.
    default : int or None
        As in `Choice`.
    values : tuple of int
        The only lengths between the ends, where not every second is one.
    automatic : bool
        Whether -1 leaves the length to the model.
    lenient : bool
        Whether the server takes a length beyond the ends and makes its own instead.
    omit_with : tuple of str
        Fields beside which this one must not be sent.
    """

    field: str
    min: int
    max: int
    default: int | None = None
    values: tuple[int, ...] = ()
    automatic: bool = False
    lenient: bool = False
    omit_with: tuple[str, ...] = ()

    def offers(self, seconds: int) -> bool:
        """Whether a clip can be that long."""
        if seconds == AUTOMATIC and self.automatic:
            return True
        return self.min <= seconds <= self.max and (not self.values or seconds in self.values)

    def offered(self, unit: str = "s") -> str:
        """Return the legal lengths in words, such as ``6 to 30 s`` or ``5 or 10 s``."""
        values = [str(value) for value in self.values]
        text = either(values) if values else f"{self.min} to {self.max}"
        return f"{text} {unit}{', or -1 to leave it to the model' if self.automatic else ''}"


@dataclass(frozen=True, slots=True)
class Images:
    """Reference images.

    Attributes
    ----------
    field : str
        Name on the wire.
    max, min : int
        How many it takes and needs.
    counts : tuple of int
        The only legal numbers, where not every one between the ends is.
    single : bool
        Whether the field is one URL instead of a list.
    """

    field: str
    max: int
    min: int = 0
    counts: tuple[int, ...] = ()
    single: bool = False

    def problem(self, count: int, *, counted: bool = True) -> str | None:
        """Say what is wrong with a number of images, which is told as well if `counted`; None if nothing is."""
        said = f", not {count}" if counted else ""
        if not self.max:
            return None if not count else "takes no reference image"
        if self.counts and count not in self.counts:
            return f"takes {either([str(each) for each in self.counts])} reference images{said}"
        if count > self.max:
            return f"takes at most {self.max} reference {plural('image', self.max)}{said}"
        if count < self.min:
            return f"needs {self.min} reference {plural('image', self.min)}"
        return None


@dataclass(frozen=True, slots=True)
class Rule:
    """A combination that a model lacks: beside these values, only those.

    Attributes
    ----------
    when, only : mapping of str to tuple
        Field, in the user's words, and its values; ``images`` is how many there are.
    """

    when: Mapping[str, tuple[Any, ...]]
    only: Mapping[str, tuple[Any, ...]]

    def broken(self, facts: Mapping[str, Any]) -> str | None:
        """Return the field that may not be as it is, None if the rule holds."""
        if any(facts.get(name) not in values for name, values in self.when.items()):
            return None
        return next(
            (name for name, values in self.only.items() if name in facts and facts[name] not in values), None
        )


_TYPES = {bool: "flag", int: "integer", str: "text", list: "urls", dict: "object"}


@dataclass(frozen=True, slots=True)
class Option:
    """A field of a request beside prompt, size, duration, quality and reference images.

    Attributes
    ----------
    name : str
        What the user calls it.
    kind : str
        ``"flag"``, ``"integer"``, ``"text"``, ``"choice"``, ``"url"``, ``"urls"``,
        ``"object"`` or ``"objects"``.
    field : str
        Name on the wire; that of the user where empty.
    min, max : int or None
        Limits of an integer, of a text's characters, or of the number of items.
    values : tuple of str
        The words of a choice.
    required : bool
        Whether no request is complete without it.
    needs : tuple of str
        Fields of which one must stand beside it.
    image : bool
        Whether the URLs are those of reference images.
    """

    name: str
    kind: str
    field: str = ""
    min: int | None = None
    max: int | None = None
    values: tuple[str, ...] = ()
    required: bool = False
    needs: tuple[str, ...] = ()
    image: bool = False

    def __post_init__(self) -> None:
        if self.kind not in _CHECKS:
            msg = f"option {self.name!r}: kind={self.kind!r} is none of {', '.join(_CHECKS)}"
            raise GridError(msg)
        if not self.field:
            object.__setattr__(self, "field", self.name)

    @classmethod
    def made(cls, name: str, given: Option | type) -> Option:
        """Return an option from one under any name, or from a Python type."""
        if isinstance(given, Option):
            return given if given.name == name else replace(given, name=name)
        if given not in _TYPES:
            msg = f"option {name!r}: {given!r} is neither an Option nor bool, int, str, list or dict"
            raise GridError(msg)
        return cls(name, _TYPES[given])

    def problem(self, value: Any) -> str | None:
        """Say what the field takes instead of a value, None if the value is good."""
        return None if _CHECKS[self.kind](self, value) else self.offered

    def wire(self, value: Any) -> Any:
        """Return a value as JSON holds it: lists for sequences."""
        if isinstance(value, str):
            return value
        return [self.wire(each) for each in value] if isinstance(value, Sequence) else value

    @property
    def offered(self) -> str:
        """What the field takes, in words."""
        return {
            "flag": "True or False",
            "integer": f"a whole number{self._limits('from', 'to')}",
            "text": f"a text{self._limits('of at least', 'of at most', ' characters')}",
            "choice": " or ".join(repr(value) for value in self.values),
            "url": "a public URL",
            "urls": f"a list{self._limits('of at least', 'of at most') or ' of'} public URLs",
            "object": "a mapping",
            "objects": f"a list{self._limits('of at least', 'of at most') or ' of'} mappings{' with a url' * self.image}",
        }[self.kind]

    def _limits(self, least: str, most: str, unit: str = "") -> str:
        low = "" if self.min is None else f" {least} {self.min}"
        high = "" if self.max is None else f" {most} {self.max}"
        return f"{low}{high}{unit if low or high else ''}"

    def within(self, number: int) -> bool:
        """Whether a number is between the limits."""
        return (self.min is None or number >= self.min) and (self.max is None or number <= self.max)


def public_url(value: object) -> bool:
    """Whether a value is a text that names a place on the web."""
    if not isinstance(value, str):
        return False
    try:
        parts = urlsplit(value)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname)


def _listed(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, (str, bytes))


def _is_integer(option: Option, value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and option.within(value)


def _is_text(option: Option, value: Any) -> bool:
    return isinstance(value, str) and option.within(len(value))


def _is_url(option: Option, value: Any) -> bool:
    # a picture of one's own is known by its hash until it is uploaded
    return public_url(value) or (option.image and isinstance(value, str) and value.startswith("sha256:"))


def _are_urls(option: Option, value: Any) -> bool:
    return _listed(value) and option.within(len(value)) and all(_is_url(option, each) for each in value)


def _is_object(option: Option, value: Any) -> bool:
    return isinstance(value, dict) and (not option.image or _is_url(option, value.get("url")))


def _are_objects(option: Option, value: Any) -> bool:
    return _listed(value) and option.within(len(value)) and all(_is_object(option, each) for each in value)


_CHECKS: dict[str, Callable[[Option, Any], bool]] = {
    "flag": lambda _, value: isinstance(value, bool),
    "integer": _is_integer,
    "text": _is_text,
    "choice": lambda option, value: value in option.values,
    "url": _is_url,
    "urls": _are_urls,
    "object": _is_object,
    "objects": _are_objects,
}


def either(words: Iterable[str]) -> str:
    """Return words as alternatives: ``5, 8 or 10``."""
    *most, last = words
    return f"{', '.join(most)} or {last}" if most else last


def plural(noun: str, count: int) -> str:
    """Return a noun as it stands beside a number."""
    return noun if count == 1 else f"{noun}s"
