"""What can be chosen of the view: the menus above the wall, here and on an exported page."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from gridgen.gallery.layout import Sides
    from gridgen.grid import Axis

__all__ = ["Menu", "menus"]

_MOST_PAIRED = 4
_LEAST_NESTED = 3
"""Axes below which there is nothing left to go outside."""
_SORTS = (
    ("stars, most first", "-stars"),
    ("stars of all, most first", "-rating"),
    ("cost, most first", "-cost"),
    ("cost, least first", "cost"),
    ("service time, longest first", "-service"),
    ("service time, shortest first", "service"),
    ("clip length, longest first", "-seconds"),
    ("file size, largest first", "-bytes"),
    ("frame rate, most first", "-fps"),
    ("tags", "tags"),
    ("state", "status"),
    ("kind of error", "error_class"),
)
_FITS = (("own shape", "shape"), ("true scale", "scale"), ("same box", "box"))


@dataclass(frozen=True, slots=True)
class Menu:
    """One choice of the view.

    Attributes
    ----------
    name : str
        What it sets; the name of the wall's trait that holds the position.
    says : str
        Its label.
    options : tuple of (str, value)
        Words, and what choosing them means to the wall's script.
    """

    name: str
    says: str
    options: tuple[tuple[str, Any], ...]

    def position(self, value: object) -> int:
        """Return where a value is among the options."""
        return [option for _, option in self.options].index(value)

    def state(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "name": self.name,
            "says": self.says,
            "options": [[words, value] for words, value in self.options],
        }


def menus(axes: Sequence[Axis], shown: Sides) -> tuple[Menu, ...]:
    """Return the menus for these axes, able to say what is shown."""
    varied = [axis.name for axis in axes if len(axis) > 1]
    inner = _sides(varied, [shown.rows[-1:], shown.cols[-1:]])
    pairs = itertools.permutations(varied, 2) if len(varied) <= _MOST_PAIRED else ()
    outer = _sides(varied, [*pairs, shown.rows[:-1], shown.cols[:-1]])
    sorts = [(name.replace("_urls", "s"), name) for name in varied]
    nested = (Menu("outer_rows", "Outer rows", outer), Menu("outer_cols", "Outer columns", outer))
    return (
        Menu("rows", "Rows", inner),
        Menu("cols", "Columns", inner),
        *(nested if len(varied) >= _LEAST_NESTED or shown.rows[:-1] or shown.cols[:-1] else ()),
        Menu("sort", "Sort by", (("grid order", ""), *sorts, *_SORTS)),
        Menu("fit", "Fit", _FITS),
    )


def _sides(varied: Sequence[str], further: Iterable[Sequence[str]]) -> tuple[tuple[str, list[str]], ...]:
    """Return nothing, each axis that varies, and further lists of axes, each once."""
    found = [(), *((name,) for name in varied), *(tuple(names) for names in further)]
    return tuple((" › ".join(names) or "none", list(names)) for names in dict.fromkeys(found))  # noqa: RUF001 - a sign for nesting
