"""Prompt templates: a text with slots, choices and wildcards, each an axis of its own."""

from __future__ import annotations

import fnmatch
import itertools
import math
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from gridgen.calls import explained
from gridgen.errors import GridError, Problem
from gridgen.templates.grammar import Choice, Node, Ref, Wildcard, parse
from gridgen.values import Value, listed

__all__ = ["Outcome", "Part", "Slot", "Template", "search_replace", "template"]

MOST_TEXTS = 1_000_000
"""Most texts that one template, or one choice in it, may make."""

Part: TypeAlias = str | Ref


@dataclass(frozen=True, slots=True)
class Outcome:
    """One value of a slot, and what it writes into the text.

    Attributes
    ----------
    value : str, int, float or bool
        As it was given; a choice's own text.
    parts : tuple
        What it writes: texts, and the slots that it names in turn.
    label, note, weight
        As of a `gridgen.values.Value`.
    """

    value: Any
    parts: tuple[Part, ...]
    label: str | None = None
    note: str = ""
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Slot:
    """A place in a template and all that may stand there."""

    name: str
    outcomes: tuple[Outcome, ...]


@dataclass(frozen=True, slots=True, repr=False)
class Template:
    """A prompt with places to fill; made by `gridgen.template` and `gridgen.search_replace`.

    Attributes
    ----------
    text : str
        As it was typed.
    parts : tuple
        Literal texts, and the slots that stand between them.
    slots : tuple of Slot
        The slots whose values it knows, each an axis; the last varies fastest.
        Others that it names are filled by axes of the grid.
    """

    text: str
    parts: tuple[Part, ...]
    slots: tuple[Slot, ...]

    def __repr__(self) -> str:
        sizes = " x ".join(f"{slot.name} {len(slot.outcomes)}" for slot in self.slots)
        return f"Template({self.text!r}{': ' if sizes else ''}{sizes})"

    @property
    def wanted(self) -> tuple[str, ...]:
        """Names of the slots that an axis of the grid has to fill."""
        own = {slot.name for slot in self.slots}
        named = _named(self.parts, *(outcome.parts for slot in self.slots for outcome in slot.outcomes))
        return tuple(name for name in named if name not in own)

    @property
    def texts(self) -> list[str]:
        """All prompts that it makes, in order.

        Raises
        ------
        GridError
            If it names a slot that only a grid can fill.
        """
        if self.wanted:
            msg = f"{self!r} names {_braced(self.wanted)}, which a grid has to fill"
            raise GridError(msg)
        return ["".join(str(part) for part in parts) for _, parts in self.rows()]

    def rows(self) -> Iterator[tuple[tuple[int | None, ...], tuple[Part, ...]]]:
        """Yield each way to fill the slots.

        Yields
        ------
        codes : tuple of int or None
            For each slot the position of its outcome, None where the text does not
            come to name that slot.
        parts : tuple
            What is written; only slots of the grid are left open.
        """
        ranges = [range(len(slot.outcomes)) for slot in self.slots]
        plain = self._plain()
        if plain is not None:
            for codes in itertools.product(*ranges):
                yield (
                    codes,
                    (
                        "".join(
                            [part if isinstance(part, str) else part[0][codes[part[1]]] for part in plain]
                        ),
                    ),
                )
            return
        seen: set[tuple[int | None, ...]] = set()
        for codes in itertools.product(*ranges):
            met: set[str] = set()
            parts = self._written(codes, met)
            shown = tuple(
                code if slot.name in met else None for slot, code in zip(self.slots, codes, strict=True)
            )
            if shown not in seen:
                seen.add(shown)
                yield shown, parts

    def _plain(self) -> list[str | tuple[list[str], int]] | None:
        """Return the parts with the texts of each slot in its place, None where slots name others."""
        texts = {
            slot.name: ([_said(outcome.parts) for outcome in slot.outcomes], at)
            for at, slot in enumerate(self.slots)
        }
        if _named(*(outcome.parts for slot in self.slots for outcome in slot.outcomes)) or self.wanted:
            return None
        return [part if isinstance(part, str) else texts[part.name] for part in self.parts]

    def _written(self, codes: tuple[int, ...], met: set[str] | None = None) -> tuple[Part, ...]:
        chosen = {slot.name: slot.outcomes[code].parts for slot, code in zip(self.slots, codes, strict=True)}
        return _merged(_filled(self.parts, chosen, met))


@explained({"template": "gridgen.template('a {animal} in the rain', animal=['fox', 'hen'])"})
def template(text: Any, /, *, wildcards: Any = None, **slots: Any) -> Template:
    """Make a prompt with places to fill, each of which is an axis of the grid.

    A plain string is never a template. Here ``{animal}`` is a slot, ``{fox|hen}`` a
    choice, ``{3::fox|hen}`` one with weights (for `Grid.sample`), ``{2$$ and $$a|b|c}``
    two of three in every order, joined by ``" and "``, and ``__animals__`` a line of a
    file. Inside choices and wildcard files the grammar of dynamicprompts holds.
    Literal braces and double underscores are doubled.

    Parameters
    ----------
    text : str
        The prompt.
    wildcards : path or mapping of str to list, optional
        Where ``__animals__`` is looked up: a folder with ``animals.txt`` (a text on
        each line; empty lines and those that begin with ``#`` are passed over), or
        the texts themselves.
    **slots
        Values of each slot: what an axis takes. Their order is that of the axes; the
        choices and wildcards of the text come after them. A value may be a template
        that names further slots. A slot without values here is filled by an axis of
        the grid with that name.

    Returns
    -------
    Template

    Raises
    ------
    GridError
        If the text cannot be read, a slot has values and no place, slots name one
        another in a circle, or a wildcard has no file.

    Examples
    --------
    >>> template("a {animal} at {time}", animal=["fox", "hen"], time=["dawn", "noon"]).texts
    ['a fox at dawn', 'a fox at noon', 'a hen at dawn', 'a hen at noon']
    """
    if not isinstance(text, str):
        msg = f"template({text!r}): a {type(text).__name__} is not a text"
        raise GridError(msg, nothing=_NOTHING)
    making = _Making(text, wildcards)
    for name, given in slots.items():
        making.add(name, given)
    parts = making.top(parse(text))
    return making.finished(parts)


@explained({"search_replace": "gridgen.search_replace('a fox in the rain', fox=['fox', 'hen'])"})
def search_replace(text: str, /, **words: Any) -> Template:
    """Make a template from a finished prompt by naming the words to replace.

    Parameters
    ----------
    text : str
        The prompt, in which nothing has a meaning of its own.
    **words
        For each axis a list of texts, of which the first stands in the prompt: it is
        kept once and replaced by each of the others, wherever it stands.

    Returns
    -------
    Template

    Raises
    ------
    GridError
        If a first text does not stand in the prompt, or two of them overlap there.

    Examples
    --------
    >>> search_replace("a red boat at dawn", colour=["red", "blue"], time=["dawn", "noon"]).texts
    ['a red boat at dawn', 'a red boat at noon', 'a blue boat at dawn', 'a blue boat at noon']
    """
    making = _Making(text, None)
    found: list[tuple[int, int, str]] = []
    for name, given in words.items():
        making.add(name, given)
        [first, *_] = making.slots[name].outcomes
        sought = "".join(part for part in first.parts if isinstance(part, str))
        places = [match.start() for match in re.finditer(re.escape(sought), text)] if sought else []
        if not places:
            msg = (
                f"search_replace: {name}={sought!r} does not stand in the prompt {text!r}; it must come first"
            )
            raise GridError(msg, nothing=_NOTHING)
        found += [(place, place + len(sought), name) for place in places]
    return making.finished(_cut(text, sorted(found)))


_NOTHING = "Nothing was submitted."


def _cut(text: str, found: list[tuple[int, int, str]]) -> tuple[Part, ...]:
    """Put slots where texts were found."""
    parts: list[Part] = []
    at = 0
    for (start, end, name), (_, before, other) in zip(found, [(0, 0, ""), *found], strict=False):
        if start < before:
            msg = f"search_replace: {other} and {name} overlap at {text[start:end]!r} in {text!r}"
            raise GridError(msg, nothing=_NOTHING)
        parts += [text[at:start], Ref(name)]
        at = end
    return _merged([*parts, text[at:]])


class _Making:
    """A template in the making: its slots by name, and where wildcards come from."""

    def __init__(self, text: str, wildcards: Any) -> None:
        self.text = text
        self.slots: dict[str, Slot] = {}
        self._choices: dict[str, Slot] = {}
        self._wildcards = wildcards
        self._opened: list[str] = []

    def add(self, name: str, given: Any) -> None:
        """Take in the values of a slot."""
        entries = [Value(given)] if isinstance(given, Template) else listed(name, given)
        outcomes = [self._outcome(name, entry) for entry in entries]
        seen: set[tuple[Part, ...]] = set()
        for outcome in outcomes:
            if outcome.parts in seen:
                self.fail(f"slot {name}={outcome.value!r} is there twice; each value makes its own cells")
            seen.add(outcome.parts)
        self._define(Slot(name, tuple(outcomes)))
        for entry in entries:
            for slot in entry.value.slots if isinstance(entry.value, Template) else ():
                self._define(slot)

    def _outcome(self, name: str, entry: Value) -> Outcome:
        value = entry.value
        if isinstance(value, Template):
            return Outcome(value.text, value.parts, entry.label, entry.note, entry.weight)
        if not isinstance(value, (str, int, float)):
            self.fail(f"slot {name}={value!r} is a {type(value).__name__}; a slot takes texts and numbers")
        return Outcome(value, (str(value),), entry.label, entry.note, entry.weight)

    def _define(self, slot: Slot) -> None:
        if self.slots.setdefault(slot.name, slot) != slot:
            self.fail(f"slot {slot.name!r} is given two lists of values")

    def fail(self, why: str) -> None:
        """Refuse, naming the template."""
        raise GridError(Problem(f"template {self.text!r}: {why}", "template", self.text), nothing=_NOTHING)

    def top(self, nodes: tuple[Node, ...]) -> tuple[Part, ...]:
        """Make a slot of each choice and wildcard that stands in the text itself."""
        parts: list[Part] = []
        count = 1
        for node in nodes:
            if isinstance(node, (str, Ref)):
                parts.append(node)
                continue
            base = node.name if isinstance(node, Wildcard) else "variant1"
            name = self._free_name(base)
            self._choices[name] = Slot(name, self._outcomes(node))
            count *= len(self._choices[name].outcomes)
            self._check_number(count)
            parts.append(Ref(name))
        return tuple(parts)

    def _free_name(self, base: str) -> str:
        stem = base.rstrip("0123456789") if base == "variant1" else base
        names = itertools.chain([base], (f"{stem}{number}" for number in itertools.count(2)))
        return next(name for name in names if name not in self.slots and name not in self._choices)

    def _outcomes(self, node: Choice | Wildcard) -> tuple[Outcome, ...]:
        weights: dict[tuple[Part, ...], float] = {}
        for parts, weight in self._expanded(node):
            weights[parts] = weights.get(parts, 0.0) + weight
        return tuple(Outcome(_said(parts), parts, weight=weight) for parts, weight in weights.items())

    def _expanded(self, node: Node) -> Iterator[tuple[tuple[Part, ...], float]]:
        """Yield each way that a node can turn out, with its weight."""
        match node:
            case Choice():
                yield from self._chosen(node)
            case Wildcard():
                for line in self._lines(node.name):
                    yield from self._sequence(parse(line, f"wildcard {node.name!r}, line"))
                self._opened.remove(node.name)
            case _:
                yield (node,), 1.0

    def _sequence(self, nodes: tuple[Node, ...]) -> Iterator[tuple[tuple[Part, ...], float]]:
        ways = [list(self._expanded(node)) for node in nodes]
        self._check_number(math.prod(map(len, ways)))
        for way in itertools.product(*ways):
            yield (
                _merged(itertools.chain.from_iterable(parts for parts, _ in way)),
                math.prod(weight for _, weight in way),
            )

    def _chosen(self, choice: Choice) -> Iterator[tuple[tuple[Part, ...], float]]:
        options = [
            [(parts, weight * option.weight) for parts, weight in self._sequence(option.nodes)]
            for option in choice.options
        ]
        counts = range(choice.low, choice.high + 1)
        self._check_number(_ways(len(options), counts))
        for count in counts:
            for picked in itertools.permutations(options, count):
                for way in itertools.product(*picked):
                    if len({parts for parts, _ in way}) == count:
                        yield (
                            _separated([parts for parts, _ in way], choice.separator),
                            math.prod(weight for _, weight in way),
                        )

    def _check_number(self, count: int) -> None:
        if count > MOST_TEXTS:
            # a number of thousands of digits is not even written by Python
            told = f"{count:,}" if count < MOST_TEXTS**2 else "too many"
            self.fail(f"it makes {told} texts, more than the {MOST_TEXTS:,} that are allowed")

    def _lines(self, name: str) -> list[str]:
        if name in self._opened:
            circle = " -> ".join([*self._opened[self._opened.index(name) :], name])
            self.fail(f"wildcards name one another in a circle: {circle}")
        found = _wildcard_lines(self._wildcards, name)
        if not found:
            where = (
                "no wildcards= says where its lines are"
                if self._wildcards is None
                else f"wildcards={self._wildcards!r} has no lines for it"
            )
            self.fail(f"__{name}__ is a wildcard, and {where}; write '____' for a literal '__'")
        self._opened.append(name)
        return found

    def finished(self, parts: tuple[Part, ...]) -> Template:
        """Return the template, once every slot has its place."""
        slots = {**self.slots, **self._choices}
        reached: list[str] = []
        self._reach(_named(parts), slots, reached, ())
        for name in slots:
            if name not in reached:
                near = [other for other in reached if other not in slots]
                hint = f"; it names {_braced(near)}" if near else ""
                self.fail(f"slot {name!r} has values, and the text has no {{{name}}}{hint}")
        self._check_number(math.prod(len(slot.outcomes) for slot in slots.values()))
        return Template(self.text, _merged(parts), tuple(slots.values()))

    def _reach(
        self, names: Iterable[str], slots: Mapping[str, Slot], reached: list[str], path: tuple[str, ...]
    ) -> None:
        for name in names:
            if name in path:
                self.fail(f"slots name one another in a circle: {' -> '.join((*path, name))}")
            if name in reached and name not in slots:
                continue
            reached.append(name)
            if name in slots:
                inner = _named(*(outcome.parts for outcome in slots[name].outcomes))
                self._reach(inner, slots, reached, (*path, name))


def _wildcard_lines(wildcards: Any, name: str) -> list[str]:
    """Return the lines of a wildcard: of all files, or entries, whose name fits."""
    if wildcards is None:
        return []
    if isinstance(wildcards, Mapping):
        names = [key for key in wildcards if fnmatch.fnmatchcase(key, name)]
        return [str(line) for key in names for line in wildcards[key]]
    folder = Path(os.fspath(wildcards)).expanduser()
    found = {path.relative_to(folder).with_suffix("").as_posix(): path for path in folder.rglob("*.txt")}
    lines: list[str] = []
    for key in sorted(found):
        if fnmatch.fnmatchcase(key, name):
            read = found[key].read_text(encoding="utf-8-sig").splitlines()
            lines += [line.strip() for line in read if line.strip() and not line.lstrip().startswith("#")]
    return lines


def _ways(options: int, counts: Iterable[int]) -> int:
    """Return in how many orders some of the options can be taken; counted no further than need be."""
    ways = 0
    for count in counts:
        taken = 1
        for left in range(options, options - count, -1):
            taken *= left
            if ways + taken >= MOST_TEXTS**2:
                return ways + taken
        ways += taken
    return ways


def _named(*sequences: Iterable[Part]) -> list[str]:
    """Return the slots that texts name, each once, in order."""
    names = (part.name for parts in sequences for part in parts if isinstance(part, Ref))
    return list(dict.fromkeys(names))


def _filled(
    parts: tuple[Part, ...], chosen: Mapping[str, tuple[Part, ...]], met: set[str] | None
) -> Iterator[Part]:
    for part in parts:
        if isinstance(part, str) or part.name not in chosen:
            yield part
            continue
        if met is not None:
            met.add(part.name)
        yield from _filled(chosen[part.name], chosen, met)


def _merged(parts: Iterable[Part]) -> tuple[Part, ...]:
    """Return the parts with neighbouring texts made one and empty ones left out."""
    found: list[Part] = []
    for is_text, group in itertools.groupby(parts, key=lambda part: isinstance(part, str)):
        if not is_text:
            found += group
        elif text := "".join(str(part) for part in group):
            found.append(text)
    return tuple(found)


def _separated(pieces: list[tuple[Part, ...]], separator: str) -> tuple[Part, ...]:
    joined: list[Part] = []
    for at, piece in enumerate(pieces):
        joined += [separator, *piece] if at else piece
    return _merged(joined)


def _said(parts: tuple[Part, ...]) -> str:
    return "".join(part if isinstance(part, str) else f"{{{part.name}}}" for part in parts)


def _braced(names: Iterable[str]) -> str:
    return ", ".join(f"{{{name}}}" for name in names)
