"""The grammar of prompt templates: slots, choices and wildcards, read into nodes.

Slots (``{animal}``) are gridgen's own. Inside ``{a|b}``, ``{2::a|b}`` and
``{2$$ and $$a|b|c}`` the grammar of dynamicprompts 0.31 holds, as far as a grid
needs it; its variables (``${x=...}``), wraps and comments are not read.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NoReturn, TypeAlias

from gridgen.errors import GridError, Problem

__all__ = ["Choice", "Node", "Option", "Ref", "Wildcard", "parse"]


@dataclass(frozen=True, slots=True)
class Ref:
    """The name of a slot where it stands in a text."""

    name: str


@dataclass(frozen=True, slots=True)
class Wildcard:
    """The name of a file of texts where it stands in a text; it may hold ``*``."""

    name: str


@dataclass(frozen=True, slots=True)
class Option:
    """One way that a choice can turn out."""

    weight: float
    nodes: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """Several ways to go on, of which ``low`` to ``high`` are taken."""

    options: tuple[Option, ...]
    low: int = 1
    high: int = 1
    separator: str = ","


Node: TypeAlias = str | Ref | Choice | Wildcard

_REF = re.compile(r"\{\s*([^\W\d]\w*)\s*\}")
_WILDCARD = re.compile(r"__([^{}|$#]+?)__")
_LITERAL = re.compile(r"(?:[^{}|_]|_(?!_))+")
_SAMPLER = re.compile(r"\s*([!~@])")
_BOUNDS = re.compile(r"\s*(?:(\d+)-(\d+)|-(\d+)|(\d+)-|(\d+))\$\$(?:([^${}]+)\$\$)?")
_WEIGHT = re.compile(r"\s*(\d+(?:\.\d*)?|\.\d+)\s*::")
_SPACE = re.compile(r"\s*")
_DEEPEST = 40
_LONGEST = 9
"""Digits of the longest number that is read: Python refuses to read very long ones."""
_SHOWN = 80
_DOUBLED = "double a literal brace, and write '{ {' where a choice begins with a choice"


def parse(text: str, where: str = "template") -> tuple[Node, ...]:
    """Read a template's text.

    Parameters
    ----------
    text : str
        Literal braces and double underscores are doubled.
    where : str
        What the text is, for messages.

    Returns
    -------
    tuple
        Literal texts, slots, choices and wildcards, in order.

    Raises
    ------
    GridError
        If a brace or a double underscore has no partner, or braces hold neither a
        slot nor a choice.
    """
    return _Reader(text, where).sequence(opened=None)


class _Reader:
    """A place in a text, moved on by what is read."""

    def __init__(self, text: str, where: str) -> None:
        self.text, self.where, self.at, self.depth = text, where, 0, 0

    def sequence(self, opened: int | None) -> tuple[Node, ...]:
        """Read up to the end, or inside braces up to ``|`` or ``}``."""
        nodes: list[Node] = []
        literal_braces = 0
        while self.at < len(self.text):
            two, one = self.text[self.at : self.at + 2], self.text[self.at]
            if two == "{{":
                nodes.append(self._taken("{", 2))
                literal_braces += 1
            elif two == "}}" and (opened is None or literal_braces):
                nodes.append(self._taken("}", 2))
                literal_braces -= 1
            elif one in "}|" and opened is not None:
                return _joined(nodes)
            elif one == "}":
                self._fail(self.at, f"a '}}' without its '{{'; {_DOUBLED}")
            else:
                nodes.append(self._node())
        if opened is not None:
            self._fail(opened, f"a '{{' without its '}}'; {_DOUBLED}")
        return _joined(nodes)

    def _node(self) -> Node:
        if self.text[self.at] == "{":
            return self._braces()
        if self.text.startswith("____", self.at):
            return self._taken("__", 4)
        if self.text.startswith("__", self.at):
            found = _WILDCARD.match(self.text, self.at)
            if found is None:
                self._fail(self.at, "a '__' without its partner; write '____' for a literal one")
            self.at = found.end()
            return Wildcard(found[1].strip())
        literal = _LITERAL.match(self.text, self.at)
        return self._taken(literal[0], len(literal[0])) if literal else self._taken(self.text[self.at], 1)

    def _taken(self, text: str, length: int) -> str:
        self.at += length
        return text

    def _braces(self) -> Ref | Choice:
        start = self.at
        slot = _REF.match(self.text, start)
        if slot is not None:
            self.at = slot.end()
            return Ref(slot[1])
        self.at += 1
        self.depth += 1
        if self.depth > _DEEPEST:
            self._fail(start, f"choices are nested more than {_DEEPEST} deep")
        self._sampler()
        bounds = _BOUNDS.match(self.text, self.at)
        if bounds is not None:
            self.at = bounds.end()
        options = [self._option(start)]
        while self.text[self.at] == "|":
            self.at += 1
            options.append(self._option(start))
        self.at += 1
        self.depth -= 1
        if bounds is not None:
            return self._bounded(start, options, bounds)
        if len(options) == 1:
            inner = self.text[start : self.at]
            self._fail(start, f"{inner!r} is neither a slot like {{name}} nor a choice like {{a|b}}")
        return Choice(tuple(options))

    def _sampler(self) -> None:
        """Pass over dynamicprompts' mark for "every one", which is what a grid does anyway."""
        mark = _SAMPLER.match(self.text, self.at)
        if mark is None:
            return
        if mark[1] != "!":
            said = f"{mark[1]!r} asks for a chance choice; a grid makes every one, and Grid.sample() draws"
            self._fail(mark.start(1), said)
        self.at = mark.end()

    def _option(self, start: int) -> Option:
        weight = _WEIGHT.match(self.text, self.at)
        space = weight or _SPACE.match(self.text, self.at)
        self.at = self.at if space is None else space.end()
        if weight is not None and len(weight[1]) > 2 * _LONGEST:
            self._fail(start, f"a weight has at most {2 * _LONGEST} digits")
        nodes = self.sequence(opened=start)
        return Option(1.0 if weight is None else float(weight[1]), nodes)

    def _bounded(self, start: int, options: list[Option], bounds: re.Match[str]) -> Choice:
        low, high, most, least, exact, separator = bounds.groups()
        if any(len(number) > _LONGEST for number in bounds.groups()[:5] if number):
            self._fail(
                start, f"a choice takes at most {'9' * _LONGEST} of its options, and names a larger number"
            )
        first = int(exact or low or least or 1)
        last = int(exact or high or most or len(options))
        if first > last:
            self._fail(start, f"{bounds[0].strip()!r} takes at least {first} and at most {last}")
        count = len(options)
        return Choice(tuple(options), min(first, count), min(last, count), separator or ",")

    def _fail(self, at: int, why: str) -> NoReturn:
        shown = self.text if len(self.text) <= _SHOWN else f"{self.text[:_SHOWN]}…"
        problem = Problem(f"{self.where} {shown!r}, character {at + 1}: {why}", "template", self.text)
        raise GridError(problem, nothing="Nothing was submitted.")


def _joined(nodes: list[Node]) -> tuple[Node, ...]:
    """Return the nodes with neighbouring texts made one."""
    found: list[Node] = []
    for node in nodes:
        if isinstance(node, str) and found and isinstance(found[-1], str):
            found[-1] += node
        else:
            found.append(node)
    return tuple(found)
