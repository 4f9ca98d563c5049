"""What a person may write as the values of an axis: lists, ranges, shorthand, labels."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from gridgen.calls import explained
from gridgen.errors import GridError, Problem

__all__ = ["Value", "listed", "plain", "value"]

MOST_VALUES = 1_000_000
"""Longest axis; what yields more is taken for endless."""

_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)")
_DOTS = re.compile(r"\s*,?\s*(?:\.{2,}|…)\s*,?\s*")


@dataclass(frozen=True, slots=True)
class Value:
    """One value of an axis, with what a person wants to read for it.

    Attributes
    ----------
    value : object
        What is asked for.
    label : str or None
        What is shown for it; the value itself when None.
    note : str
        A remark, shown beside the label.
    weight : float
        How often a random sample draws it, relative to the others.
    """

    value: Any
    label: str | None = None
    note: str = ""
    weight: float = 1.0


@explained({"value": "gridgen.value(6, label='short')"})
def value(value: object, *, label: str | None = None, note: str = "", weight: float = 1.0) -> Value:
    """Give a value of an axis a label, a note or a weight.

    Parameters
    ----------
    value : object
        What is asked for.
    label : str, optional
        What the table of axes, the preview and the gallery show for it.
    note : str, optional
        A remark on it.
    weight : float, default 1
        How often `Grid.sample` draws it, relative to the others.

    Raises
    ------
    GridError
        If the label is empty or the weight is not above 0.

    Examples
    --------
    >>> value(6, label="short", note="fits a story")
    Value(value=6, label='short', note='fits a story', weight=1.0)
    """
    if label is not None and not label.strip():
        why = f"value({value!r}, label={label!r}): the label is empty"
        raise GridError(Problem(why, "label", label, remedy="leave it out to show the value"))
    if isinstance(weight, bool) or not 0 < weight < float("inf"):
        why = f"value({value!r}, weight={weight!r}): a weight is a number above 0"
        raise GridError(Problem(why, "weight", weight))
    return Value(value, label, note, float(weight))


def listed(name: str, given: Any, *, numeric: bool = False) -> list[Value]:
    """Return the values of an axis as they were typed: a scalar is an axis of one.

    Parameters
    ----------
    name : str
        The axis, for messages.
    given : object
        A value, an ordered iterable of values, or a mapping from label to value.
    numeric : bool
        Whether a text may be shorthand for numbers, such as ``"6,8,..,30"``.

    Raises
    ------
    GridError
        If it is empty, endless or without order.
    """
    if isinstance(given, Mapping):
        values = [replace(plain(each), label=str(label)) for label, each in given.items()]
    elif isinstance(given, AbstractSet):
        raise GridError(Problem(f"{name}={given!r} has no order", name, given, remedy="give a list"))
    elif numeric and isinstance(given, str) and ("," in given or _DOTS.search(given)):
        values = [Value(each) for each in _numbers(name, given)]
    elif isinstance(given, (str, bytes)) or not isinstance(given, Iterable):
        return [plain(given)]
    else:
        values = _each(name, given)
    if not values:
        why = f"{name}=[] is an empty axis, so there would be no cells"
        raise GridError(Problem(why, name, given, remedy="leave it out or give a value"))
    return values


def plain(given: Any) -> Value:
    """Return a value of Python's own types, wrapped once."""
    if isinstance(given, Value):
        return given
    return Value(given.item() if _is_array_scalar(given) else given)


def _is_array_scalar(given: Any) -> bool:
    """Whether it is one number of an array library: it has a type of its own and no dimension."""
    return getattr(given, "shape", None) == () and hasattr(given, "dtype") and hasattr(given, "item")


def _each(name: str, given: Iterable[Any]) -> list[Value]:
    if getattr(given, "shape", None) == ():
        return [plain(given)]
    items = list(itertools.islice(given, MOST_VALUES + 1))
    if len(items) > MOST_VALUES:
        why = f"{name} has more than {MOST_VALUES:,} values, which is taken for endless"
        raise GridError(Problem(why, name))
    values = [plain(each) for each in items]
    if hasattr(given, "dtype"):
        # an array of floats such as linspace makes may hold whole numbers only
        values = [replace(each, value=_whole(each.value)) for each in values]
    return values


def _whole(number: Any) -> Any:
    return int(number) if isinstance(number, float) and number.is_integer() else number


def _numbers(name: str, text: str) -> list[int | float]:
    """Read ``"1, 3, .., 9, 12"``: dots go on in the step of the two numbers before them."""
    found: list[Decimal] = []
    pieces = [piece.strip() for piece in _DOTS.sub(",..,", text).split(",")]
    for before, piece in zip(["", *pieces], pieces, strict=False):
        if piece == ".." and found and before != "..":
            continue
        if not _NUMBER.fullmatch(piece):
            why = f"{name}={text!r}: numbers and '..' between numbers are read, as in '6,8,..,30', not {piece!r}"
            raise GridError(Problem(why, name, text))
        number = Decimal(piece)
        if before == "..":
            found += _filled(name, text, found, number)
        found.append(number)
    if pieces[-1] == "..":
        raise GridError(Problem(f"{name}={text!r} ends without a number, as in '6,8,..,30'", name, text))
    return [int(number) if number == number.to_integral_value() else float(number) for number in found]


def _filled(name: str, text: str, before: list[Decimal], last: Decimal) -> list[Decimal]:
    """Return what stands for the dots: all numbers between the last one before and the one after."""
    first = before[-1]
    step = first - before[-2] if len(before) > 1 else Decimal(1).copy_sign(last - first)
    steps = (last - first) / step if step else Decimal(-1)
    if steps < 1 or steps != steps.to_integral_value():
        why = f"{name}={text!r}: from {first} in steps of {step} one does not come to {last}"
        raise GridError(Problem(why, name, text))
    if steps > MOST_VALUES:
        raise GridError(Problem(f"{name}={text!r} has more than {MOST_VALUES:,} values", name, text))
    return [first + step * number for number in range(1, int(steps))]
