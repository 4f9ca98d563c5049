"""What was typed, checked against the catalogue: which models, axes, values and prompts are meant."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

from gridgen.errors import GridError, Problem
from gridgen.grid.axes import (
    RESERVED,
    Collecting,
    Linked,
    checked,
    entries,
    labelled,
    nearest,
    refuse,
    unknown_axis,
)
from gridgen.grid.cells import FIELDS, option_names
from gridgen.grid.columns import Column, Factor
from gridgen.models import DEFAULT_MODEL, Model, find, unseen
from gridgen.models import nearest as nearest_model
from gridgen.templates import Part, Template
from gridgen.templates.grammar import Ref
from gridgen.values import Value

__all__ = ["CHOSEN", "PLAIN", "Resolved", "Typed", "has_seed", "resolved"]

PLAIN = Value(None)
"""What was typed for a prompt that a template writes: no label, note or weight of its own."""

CHOSEN = ("size", "duration", "quality")
"""Fields for which a model has a word of its own where the user says nothing."""


@dataclass(frozen=True, slots=True)
class Typed:
    """What a person typed, sorted.

    Attributes
    ----------
    axes : mapping of str to object
        The keywords of `gridgen.Grid` in their order, without ``linked``.
    links : sequence of Linked
        Axes tied together, which come first.
    models : object
        What was typed for the models, wherever it stands.
    slots : frozenset of str
        What the prompts' templates leave to the grid.
    """

    axes: Mapping[str, Any]
    links: Sequence[Any]
    models: Any
    slots: frozenset[str]


@dataclass(frozen=True, slots=True)
class Resolved:
    """Axes that are right each by itself.

    Attributes
    ----------
    models : tuple of Model
        In the order of their axis.
    columns : dict of str to Column
        In the order of the axes.
    factors : list of Factor
        What is multiplied.
    free : mapping of str to int
        How many values each axis has that is no part of the request.
    unsaid : frozenset of str
        Fields that the user left to the models.
    warnings : list of str
        What the user should know.
    """

    models: tuple[Model, ...]
    columns: dict[str, Column]
    factors: list[Factor]
    free: Mapping[str, int]
    unsaid: frozenset[str]
    warnings: list[str]


def resolved(typed: Typed) -> Resolved:
    """Return the axes that were meant.

    Raises
    ------
    GridError
        Naming all that is wrong.
    """
    work = _Resolving(typed)
    for link in typed.links:
        work.link(link)
    for name, given in typed.axes.items():
        work.take(name, given)
    if "prompt" not in work.columns and not work.problems:
        work.wrong("prompt= is missing: give one text or a list of texts", "prompt")
    work.add_defaults()
    work.check_slots()
    refuse(list(dict.fromkeys(work.problems)))
    return Resolved(
        tuple(work.models), work.columns, work.factors, work.free, frozenset(work.unsaid), work.warnings
    )


class _Resolving:
    """The work on one grid: columns and factors as they are found, and all that is wrong."""

    def __init__(self, typed: Typed) -> None:
        self.problems: list[Problem] = []
        self.warnings: list[str] = []
        self.columns: dict[str, Column] = {}
        self.factors: list[Factor] = []
        self.free: dict[str, int] = {}
        self.unsaid: set[str] = set()
        self.slots = typed.slots
        self.models = self._models(typed.models)

    def wrong(self, why: str, field: str, value: Any = None, remedy: str = "") -> None:
        """Note a problem, and go on."""
        self.problems.append(Problem(why, str(field), value, remedy=remedy))

    def take(self, name: str, given: Any) -> None:
        """Take in one keyword of `gridgen.Grid`."""
        if name == "labels":
            self._take_labels(given)
        elif name == "prompt":
            self._take_prompts(given)
        elif self._is_slot(name):
            self._take_labels({name: given})
        elif (known := self._field(name)) is not None:
            given = [given] if isinstance(given, Model) else given
            self._vary(known, self._codes(known, given, column=self._column(known)))

    # Models and fields

    def _models(self, given: Any) -> list[Model]:
        found: dict[str, Model] = {}
        for entry in self._entries("model", [given] if isinstance(given, Model) else given):
            with Collecting(self.problems, "model"):
                model = find(entry.value)
                checked("model", model.id, ())
                found.setdefault(model.id, model)
                if not model.known:
                    self.warnings.append(_unseen(model))
        return list(found.values()) or [find(DEFAULT_MODEL)]

    def _entries(self, name: str, given: Any) -> list[Value]:
        with Collecting(self.problems, name):
            return entries(name, given)
        return []

    def _field(self, name: str) -> str | None:
        """Return the catalogue's word for a request field, None for what is none."""
        if name in FIELDS:
            return name
        options = [option for model in self.models if (option := model.option(name)) is not None]
        if options:
            return options[0].name
        if name in option_names():
            return name
        known = [*FIELDS, *dict.fromkeys(each for model in self.models for each in model.options)]
        problem = unknown_axis(f"{name!r} is not an axis", name, known, option_names())
        if problem.hint == "quality" and all(model.quality is None for model in self.models):
            problem = replace(problem, hint="size")
        self.problems.append(problem)
        return None

    def _column(self, name: str, *, sent: bool = True) -> Column:
        if name in self.columns:
            self.wrong(f"{name} is given twice", name, remedy="each axis has one list of values")
        self.columns[name] = Column(name, sent=sent)
        return self.columns[name]

    def _vary(self, name: str, codes: Iterable[int]) -> None:
        self.factors.append(Factor((name,), [(code,) for code in codes]))

    def _codes(self, name: str, given: Any, *, column: Column, repeats: bool = False) -> list[int]:
        """Check the values of a request field and return where each stands on its axis."""
        codes: list[int] = []
        collecting = Collecting(self.problems, name)
        for entry in self._entries(name, given):
            with collecting:
                value = self._checked(name, entry.value)
                before = len(column.values)
                codes.append(column.code(entry, value))
                if codes[-1] < before and not repeats:
                    why = f"{name}={_twice(name, entry.value, value, column.values[codes[-1]])}"
                    remedy = "each value makes its own cells, so name it once"
                    self.wrong(why, name, entry.value, remedy)
        return codes

    def _checked(self, name: str, value: Any) -> Any:
        if name == "model":
            return find(value).id
        if name == "prompt" and isinstance(value, Template):
            remedy = "link its slots, or write one grid for each and add them"
            raise GridError(Problem("prompt: a template cannot be linked", name, value.text, remedy=remedy))
        if value is None and name in CHOSEN:
            defaults = {model.defaults[name] for model in self.models}
            return defaults.pop() if len(defaults) == 1 else None
        if name == "seed" and value is not None:
            self._check_seed(value)
        return checked(name, value, self.models)

    def _check_seed(self, value: Any) -> None:
        if not any(map(has_seed, self.models)):
            ids = " and ".join(repr(model.id) for model in self.models)
            remedy = "for several clips of one cell give Sweep(..., takes=3)"
            raise GridError(Problem(f"seed={value!r}: {ids} has no seed", "seed", value, remedy=remedy))

    def add_defaults(self) -> None:
        """Add the axes of which the user said nothing."""
        if "model" not in self.columns:
            self.take("model", self.models[0])
        for name in CHOSEN:
            if name not in self.columns:
                self._leave_to_models(name)
        if "image_urls" not in self.columns:
            self.take("image_urls", None)

    def _leave_to_models(self, name: str) -> None:
        self.unsaid.add(name)
        column = self._column(name)
        for model in self.models:
            column.code(Value(None), model.defaults[name])
        if len(column.values) == 1:
            self._vary(name, [0])
        else:
            column.follows = ("model",)

    # Labels and links

    def _is_slot(self, name: str) -> bool:
        """Whether a name is a place that the prompt's template leaves open."""
        return name not in FIELDS and name in self.slots

    def _take_labels(self, given: Any) -> None:
        if not isinstance(given, Mapping):
            why = f"labels={given!r} is not a mapping such as {{'mood': ['calm', 'wild']}}"
            self.wrong(why, "labels", given)
            return
        for name, values in given.items():
            codes = self._label_codes(name, values)
            self._vary(name, codes)
            self.free[name] = len(codes)

    def _label_codes(self, name: Any, given: Any, *, repeats: bool = False) -> list[int]:
        column = self._column(name, sent=False)
        self._check_label(name)
        codes: list[int] = []
        for entry in self._entries(name, given):
            said = f"labels: {name}={entry.value!r}"
            if not isinstance(entry.value, (str, int, float, bool)):
                why = f"{said} is a {type(entry.value).__name__}, not a text or a number"
                self.wrong(why, name, entry.value)
                continue
            before = len(column.values)
            codes.append(column.code(entry, entry.value))
            if codes[-1] < before and not repeats:
                self.wrong(f"{said} is on the axis twice", name, entry.value, "name it once")
        return codes

    def _check_label(self, name: Any) -> None:
        remedy = "a slot or label needs another name"
        if not isinstance(name, str) or not name.strip():
            self.wrong(f"labels: {name!r} is not a name for an axis", "labels", name)
        elif name in FIELDS or name in option_names():
            self.wrong(f"{name!r} is a field of the request", name, remedy=remedy)
        elif name in RESERVED:
            self.wrong(f"{name!r} is a column of the table already", name, remedy=remedy)

    def link(self, link: Any) -> None:
        """Take in axes that go together."""
        if not isinstance(link, Linked):
            is_prompt = isinstance(link, (str, Template))
            remedy = (
                f"a prompt is a keyword: Grid(prompt={link!r}, ...)"
                if is_prompt
                else "write gridgen.linked(size=[...], quality=[...])"
            )
            self.wrong(f"{link!r} is not linked axes", "prompt" if is_prompt else "linked", link, remedy)
            return
        found: dict[str, list[int]] = {}
        for name, given in link.axes.items():
            if self._is_slot(name):
                found[name] = self._label_codes(name, given, repeats=True)
            elif (known := self._field(name)) is not None:
                found[known] = self._codes(known, given, column=self._column(known), repeats=True)
        for name, given in link.labels.items():
            found[name] = self._label_codes(name, given, repeats=True)
        if found:
            self._tie(found)

    def _tie(self, found: Mapping[str, list[int]]) -> None:
        if len(set(map(len, found.values()))) > 1:
            said = ", ".join(f"{name} has {len(codes)}" for name, codes in found.items())
            self.wrong(f"linked axes go together value by value, yet {said}", "linked")
            return
        rows = list(zip(*found.values(), strict=True))
        if len(set(rows)) < len(rows):
            why = f"linked axes {', '.join(found)} have a pair of values twice"
            self.wrong(why, "linked", remedy="name it once")
        first, *others = found
        for name in others:
            if len(set(zip(found[first], found[name], strict=True))) == len(self.columns[first].values):
                self.columns[name].follows = (first,)
        self.factors.append(Factor(tuple(found), rows))

    # Prompts

    def _take_prompts(self, given: Any) -> None:
        column = self._column("prompt")
        found = [Value(given)] if isinstance(given, Template) else self._entries("prompt", given)
        if any(isinstance(entry.value, Template) for entry in found):
            self._take_templates(found, column)
        else:
            self._vary("prompt", self._codes("prompt", found, column=column) if found else [])

    def _take_templates(self, found: Sequence[Value], column: Column) -> None:
        names = list(dict.fromkeys(slot.name for entry in found for slot in _slots(entry)))
        for name in names:
            self._column(name, sent=False)
            self._check_label(name)
        several = ["template"] if len(found) > 1 else []
        for name in several:
            self._column(name, sent=False)
        rows: list[tuple[int, ...]] = []
        texts: list[tuple[Part, ...]] = []
        for entry in found:
            for row, parts in self._steps(entry, names):
                rows.append(row)
                texts.append(parts)
        column.follows = tuple(names)
        self._add_steps((*names, *several), rows, texts)

    def _steps(
        self, entry: Value, names: Sequence[str]
    ) -> Iterator[tuple[tuple[int, ...], tuple[Part, ...]]]:
        """Yield the steps of one template, or of a plain prompt among templates."""
        last: tuple[int, ...] = ()
        if "template" in self.columns:
            last = (self.columns["template"].code(Value(None, entry.label), _text(entry)),)
        if not isinstance(entry.value, Template):
            yield (*(self.columns[name].unnamed() for name in names), *last), (entry.value,)
            return
        tables = {slot.name: self._slot_codes(slot) for slot in entry.value.slots}
        alike = list(tables) == list(names) and all(
            table == list(range(len(table))) for table in tables.values()
        )
        for chosen, parts in entry.value.rows():
            # of a template with thousands of steps nearly all stand where the template counts them
            counted = alike and None not in chosen
            codes = cast("tuple[int, ...]", chosen) if counted else self._moved(chosen, tables, names)
            yield codes + last, parts

    def _slot_codes(self, slot: Any) -> list[int]:
        column = self.columns[slot.name]
        return [
            column.code(Value(each.value, each.label, each.note, each.weight), each.value)
            for each in slot.outcomes
        ]

    def _moved(
        self, chosen: Sequence[int | None], tables: Mapping[str, Sequence[int]], names: Sequence[str]
    ) -> tuple[int, ...]:
        """Return where a step of a template stands on the axes of all templates."""
        named = dict(zip(tables, chosen, strict=True))
        codes = []
        for name in names:
            code = named.get(name)
            codes.append(self.columns[name].unnamed() if code is None else tables[name][code])
        return tuple(codes)

    def _add_steps(
        self, names: tuple[str, ...], rows: list[tuple[int, ...]], texts: list[tuple[Part, ...]]
    ) -> None:
        wanted = tuple(dict.fromkeys(part.name for parts in texts for part in parts if isinstance(part, Ref)))
        column = self.columns["prompt"]
        if wanted:
            column.follows += wanted
            self.factors.append(Factor(names, rows, texts, wanted))
            return
        prompts = []
        collecting = Collecting(self.problems, "prompt")
        for parts in texts:
            prompts.append(0)
            with collecting:
                prompts[-1] = column.code(PLAIN, checked("prompt", "".join(map(str, parts)), self.models))
        steps = [(code, *row) for code, row in zip(prompts, rows, strict=True)]
        self.factors.append(Factor(("prompt", *names), steps))

    def check_slots(self) -> None:
        """See that every slot that a template leaves open has an axis, and every free axis a use."""
        wanted = [name for factor in self.factors for name in factor.wanted]
        labels = [name for name in self.columns if name not in {"prompt", "image_urls"}]
        for name in wanted:
            if name not in labels:
                why = f"the prompt's template names {{{name}}}, and nothing gives its values"
                remedy = f"write Grid(..., {name}=[...]) or gridgen.template(..., {name}=[...])"
                self.problems.append(Problem(why, name, hint=nearest(name, labels), remedy=remedy))
        for name, length in self.free.items():
            if length > 1 and name not in wanted:
                why = f"labels: {name!r} has {length} values, and no cell would differ by it"
                remedy = (
                    f"name {{{name}}} in a template, tie it with gridgen.linked(prompt=[...], "
                    f"labels={{{name!r}: [...]}}), or give Sweep(..., takes={length})"
                )
                self.wrong(why, name, remedy=remedy)


def has_seed(model: Model) -> bool:
    """Whether a model takes a seed; one of which nothing is known may."""
    return not model.known or model.option("seed") is not None


def _unseen(model: Model) -> str:
    """Say of a model whose values are not checked what the user should know."""
    what = f"is not in the catalogue (nearest: {nearest_model(model.id)!r})"
    if model.id in unseen():
        what = "is known by its name only" if model.price is None else "is known by its name and price only"
    unpriced = ", and its price is unknown" if model.price is None else ""
    return f"model={model.id!r} {what}, so its values are not checked, only what you state is sent{unpriced}"


def _twice(name: str, typed: Any, value: Any, first: Any) -> str:
    """Say that a value is on its axis already; a picture may have another name there."""
    if name != "image_urls":
        return f"{typed!r} is on the axis twice"
    shown, other = (labelled(name, [each], [None])[0] for each in (value, first))
    return (
        f"{shown!r} is on the axis twice" if shown == other else f"{shown!r} is the picture {other!r} again"
    )


def _slots(entry: Value) -> tuple[Any, ...]:
    return entry.value.slots if isinstance(entry.value, Template) else ()


def _text(entry: Value) -> str:
    return entry.value.text if isinstance(entry.value, Template) else str(entry.value)
