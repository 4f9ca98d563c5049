"""From what a person typed to the places of a grid: the product of axes, checked."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from gridgen.errors import GridError
from gridgen.grid.axes import (
    NOTHING,
    RESERVED,
    Axis,
    Linked,
    bare,
    check_text,
    checked,
    entries,
    labelled,
    nearest,
    refuse,
)
from gridgen.grid.cells import FIELDS, option_names
from gridgen.grid.combinations import Combinations, strides
from gridgen.models import DEFAULT_MODEL, Model, find, unseen
from gridgen.models import nearest as nearest_model
from gridgen.templates import Part, Template
from gridgen.templates.grammar import Ref
from gridgen.values import Value, plain

__all__ = ["MOST_CELLS", "Built", "Column", "build"]

MOST_CELLS = 2_000_000
"""Most cells of a grid that is not a plain product, since they are counted one by one."""

_PLAIN = Value(None)
"""What was typed for a prompt that a template writes: no label, note or weight of its own."""

_CHOSEN = ("size", "duration", "quality")
"""Fields for which a model has a word of its own where the user says nothing."""


@dataclass(frozen=True, slots=True)
class Built:
    """What came of it.

    Attributes
    ----------
    combinations : Combinations
        Nothing is skipped yet.
    models : tuple of Model
        In the order of their axis.
    unsaid : frozenset of str
        Fields that the user left to the models.
    warnings : list of str
        What the user should know.
    """

    combinations: Combinations
    models: tuple[Model, ...]
    unsaid: frozenset[str]
    warnings: list[str]


def build(typed: Mapping[str, Any], links: Sequence[Linked]) -> Built:
    """Return the places of the grid that was typed.

    Parameters
    ----------
    typed : mapping
        The keywords of `gridgen.Grid` in their order, without ``where`` and ``exclude``.
    links : sequence of Linked
        Axes tied together, which come first.

    Raises
    ------
    GridError
        Naming all that is wrong.
    """
    return _Building(typed, links).built()


class Column:
    """An axis in the making."""

    def __init__(self, name: str, *, sent: bool = True, follows: tuple[str, ...] = ()) -> None:
        self.name, self.sent, self.follows = name, sent, follows
        self.values: list[Any] = []
        self.entries: list[Value] = []
        self._found: dict[Any, int] = {}

    def code(self, entry: Value, value: Any) -> int:
        """Return where a value stands, adding it if need be."""
        new = len(self.values)
        try:
            at = self._found.setdefault((type(value), value), new)
        except TypeError:
            at = self._found.setdefault((type(value), repr(value)), new)
        if at == new:
            self.values.append(value)
            self.entries.append(entry)
        return at

    def narrowed(self, codes: list[int]) -> list[int]:
        """Drop the values that no cell has, and return the codes under those that are left."""
        used = sorted(set(codes))
        if len(used) == len(self.values):
            return codes
        self.values = [self.values[code] for code in used]
        self.entries = [self.entries[code] for code in used]
        moved = {code: at for at, code in enumerate(used)}
        return [moved[code] for code in codes]

    def axis(self) -> Axis:
        """Return it, finished.

        Raises
        ------
        GridError
            If some text that only people read has half a character.
        """
        check_text("the axis", self.name)
        for entry, value in zip(self.entries, self.values, strict=True):
            check_text(f"{self.name}: the label", entry.label)
            check_text(f"{self.name}: the note", entry.note)
            if not self.sent:
                check_text(f"{self.name}: the value", value)
        notes = tuple(entry.note for entry in self.entries)
        weights = tuple(entry.weight for entry in self.entries)
        return Axis(
            self.name,
            tuple(self.values),
            labelled(self.name, self.values, [entry.label for entry in self.entries]),
            notes if any(notes) else (),
            weights if len(set(weights)) > 1 else (),
            self.sent,
            self.follows,
        )


@dataclass(frozen=True, slots=True)
class _Factor:
    """Axes that vary together: their names, and where each step stands on them.

    ``texts`` is what each step of a template writes, where an axis of the grid has to
    fill it up; ``wanted`` names these axes.
    """

    names: tuple[str, ...]
    rows: Sequence[tuple[int, ...]]
    texts: Sequence[tuple[Part, ...]] = ()
    wanted: tuple[str, ...] = ()


class _Building:
    """The work on one grid."""

    def __init__(self, typed: Mapping[str, Any], links: Sequence[Linked]) -> None:
        self.typed = dict(typed)
        more = self.typed.get("linked", ())
        self.links = [*links, *(more if isinstance(more, (list, tuple)) else (more,))]
        self.problems: list[str] = []
        self.warnings: list[str] = []
        self.columns: dict[str, Column] = {}
        self.factors: list[_Factor] = []
        self.free: dict[str, int] = {}
        self.unsaid: set[str] = set()
        self.open = _open_slots(self.typed.get("prompt"))
        self.models = self._models()

    def built(self) -> Built:
        """Take in what was typed, in order, and multiply it out."""
        for link in self.links:
            self._link(link)
        for name, given in self.typed.items():
            self._take(name, given)
        if "prompt" not in self.columns and not self.problems:
            self.problems.append("prompt= is missing: give one text or a list of texts")
        self._add_defaults()
        self._check_slots()
        refuse(list(dict.fromkeys(self.problems)))
        records = {model.id: model for model in self.models if find(model.id) is not model}
        axes, positions = self._multiplied()
        combinations = Combinations(axes, positions, records=records)
        return Built(combinations, tuple(self.models), frozenset(self.unsaid), self.warnings)

    def _models(self) -> list[Model]:
        links = [link for link in self.links if isinstance(link, Linked)]
        linked = [link.axes["model"] for link in links if "model" in link.axes]
        given = self.typed.get("model", linked[0] if linked else DEFAULT_MODEL)
        found: dict[str, Model] = {}
        for entry in self._entries("model", [given] if isinstance(given, Model) else given):
            try:
                model = find(entry.value)
                checked("model", model.id, ())
            except GridError as error:
                self.problems.append(bare(error))
                continue
            found.setdefault(model.id, model)
            if not model.known:
                self.warnings.append(_unseen(model))
        return list(found.values()) or [find(DEFAULT_MODEL)]

    def _entries(self, name: str, given: Any) -> list[Value]:
        try:
            return entries(name, given)
        except GridError as error:
            self.problems.append(bare(error))
            return []

    # Taking in

    def _take(self, name: str, given: Any) -> None:
        if name == "linked":
            return
        if name == "labels":
            self._take_labels(given)
        elif name == "prompt":
            self._take_prompt(given)
        elif self._is_slot(name):
            self._take_labels({name: given})
        elif (field_name := self._field(name)) is not None:
            given = [given] if isinstance(given, Model) else given
            codes = self._codes(field_name, given, column=self._column(field_name))
            self.factors.append(_Factor((field_name,), [(code,) for code in codes]))

    def _field(self, name: str) -> str | None:
        """Return the catalogue's word for a request field, None for what is none."""
        if name in FIELDS:
            return name
        for model in self.models:
            option = model.option(name)
            if option is not None:
                return option.name
        if name in option_names():
            return name
        known = [*FIELDS, *dict.fromkeys(each for model in self.models for each in model.options)]
        self.problems.append(
            f"{name!r} is not an axis{nearest(name, [*known, *option_names()])}; the axes are {', '.join(known)}"
        )
        return None

    def _column(self, name: str, *, sent: bool = True, follows: tuple[str, ...] = ()) -> Column:
        if name in self.columns:
            self.problems.append(f"{name} is given twice; each axis has one list of values")
        self.columns[name] = Column(name, sent=sent, follows=follows)
        return self.columns[name]

    def _codes(self, name: str, given: Any, *, column: Column, repeats: bool = False) -> list[int]:
        """Check the values of a request field and return where each stands on its axis."""
        codes = []
        for entry in self._entries(name, given):
            try:
                value = self._checked(name, entry.value)
            except GridError as error:
                self.problems.append(bare(error))
                continue
            before = len(column.values)
            codes.append(column.code(entry, value))
            if codes[-1] < before and not repeats:
                self.problems.append(
                    f"{name}={_twice(name, entry.value, value, column.values[codes[-1]])}; each value makes its own cells, so name it once"
                )
        return codes

    def _checked(self, name: str, value: Any) -> Any:
        if name == "model":
            return find(value).id
        if name == "prompt" and isinstance(value, Template):
            msg = (
                "prompt: a template cannot be linked; link its slots, or write one grid for each and add them"
            )
            raise GridError(msg)
        if value is None and name in _CHOSEN:
            defaults = {model.defaults[name] for model in self.models}
            return defaults.pop() if len(defaults) == 1 else None
        if name == "seed" and value is not None and not any(_has_seed(model) for model in self.models):
            ids = " and ".join(repr(model.id) for model in self.models)
            msg = f"seed={value!r}: {ids} has no seed; for several clips of one cell give Sweep(..., takes=3)"
            raise GridError(msg)
        return checked(name, value, self.models)

    def _take_labels(self, given: Any) -> None:
        if not isinstance(given, Mapping):
            self.problems.append(f"labels={given!r} is not a mapping such as {{'mood': ['calm', 'wild']}}")
            return
        for name, values in given.items():
            codes = self._label_codes(name, values)
            self.factors.append(_Factor((name,), [(code,) for code in codes]))
            self.free[name] = len(codes)

    def _label_codes(self, name: Any, given: Any, *, repeats: bool = False) -> list[int]:
        column = self._column(name, sent=False)
        self._check_label(name)
        codes = []
        for entry in self._entries(name, given):
            if not isinstance(entry.value, (str, int, float, bool)):
                self.problems.append(
                    f"labels: {name}={entry.value!r} is a {type(entry.value).__name__}, not a text or a number"
                )
                continue
            before = len(column.values)
            codes.append(column.code(entry, entry.value))
            if codes[-1] < before and not repeats:
                self.problems.append(f"labels: {name}={entry.value!r} is on the axis twice; name it once")
        return codes

    def _check_label(self, name: Any) -> None:
        if not isinstance(name, str) or not name.strip():
            self.problems.append(f"labels: {name!r} is not a name for an axis")
        elif name in FIELDS or name in option_names():
            self.problems.append(f"{name!r} is a field of the request; a slot or label needs another name")
        elif name in RESERVED:
            self.problems.append(
                f"{name!r} is a column of the table already; a slot or label needs another name"
            )

    def _link(self, link: Any) -> None:
        if not isinstance(link, Linked):
            meant = (
                f"a prompt is a keyword: Grid(prompt={link!r}, ...)"
                if isinstance(link, (str, Template))
                else "write gridgen.linked(size=[...], quality=[...])"
            )
            self.problems.append(f"{link!r} is not linked axes; {meant}")
            return
        found: dict[str, list[int]] = {}
        for name, given in link.axes.items():
            if self._is_slot(name):
                found[name] = self._label_codes(name, given, repeats=True)
            elif (known := self._field(name)) is not None:
                found[known] = self._codes(known, given, column=self._column(known), repeats=True)
        for name, given in link.labels.items():
            found[name] = self._label_codes(name, given, repeats=True)
        self._tie(found)

    def _is_slot(self, name: str) -> bool:
        """Whether a name is a place that the prompt's template leaves open."""
        return name not in FIELDS and name in self.open

    def _tie(self, found: Mapping[str, list[int]]) -> None:
        lengths = {name: len(codes) for name, codes in found.items()}
        if len(set(lengths.values())) > 1:
            said = ", ".join(f"{name} has {length}" for name, length in lengths.items())
            self.problems.append(f"linked axes go together value by value, yet {said}")
            return
        if not found:
            return
        rows = list(zip(*found.values(), strict=True))
        if len(set(rows)) < len(rows):
            self.problems.append(f"linked axes {', '.join(found)} have a pair of values twice; name it once")
        first, *others = found
        for name in others:
            if len(set(zip(found[first], found[name], strict=True))) == len(self.columns[first].values):
                self.columns[name].follows = (first,)
        self.factors.append(_Factor(tuple(found), rows))

    # Prompts

    def _take_prompt(self, given: Any) -> None:
        column = self._column("prompt")
        found = [Value(given)] if isinstance(given, Template) else self._entries("prompt", given)
        if not any(isinstance(entry.value, Template) for entry in found):
            codes = self._codes("prompt", found, column=column) if found else []
            self.factors.append(_Factor(("prompt",), [(code,) for code in codes]))
            return
        names = list(dict.fromkeys(slot.name for entry in found for slot in _slots(entry)))
        for name in names:
            self._column(name, sent=False)
            self._check_label(name)
        if len(found) > 1:
            self._column("template", sent=False)
        rows: list[tuple[int, ...]] = []
        texts: list[tuple[Part, ...]] = []
        for entry in found:
            for row, parts in self._filled(entry, names):
                rows.append(row)
                texts.append(parts)
        column.follows = tuple(names)
        names += ["template"] if len(found) > 1 else []
        self._add_template(tuple(names), rows, texts)

    def _filled(
        self, entry: Value, names: Sequence[str]
    ) -> Iterable[tuple[tuple[int, ...], tuple[Part, ...]]]:
        """Yield the steps of one template, or of a plain prompt among templates."""
        own = [slot.name for slot in _slots(entry)]
        last: tuple[int, ...] = ()
        if "template" in self.columns:
            last = (self.columns["template"].code(Value(None, entry.label), _text(entry)),)
        if not isinstance(entry.value, Template):
            yield tuple(self._unnamed(name) for name in names) + last, (entry.value,)
            return
        tables = [
            [
                self.columns[slot.name].code(
                    Value(each.value, each.label, each.note, each.weight), each.value
                )
                for each in slot.outcomes
            ]
            for slot in entry.value.slots
        ]
        order = [own.index(name) if name in own else None for name in names]
        alike = own == list(names) and all(table == list(range(len(table))) for table in tables)
        for codes, parts in entry.value.rows():
            if alike and None not in codes:
                yield cast("tuple[int, ...]", codes) + last, parts
                continue
            found = []
            for name, place in zip(names, order, strict=True):
                code = None if place is None else codes[place]
                found.append(self._unnamed(name) if place is None or code is None else tables[place][code])
            yield tuple(found) + last, parts

    def _unnamed(self, name: str) -> int:
        return self.columns[name].code(Value(None), None)

    def _add_template(
        self, names: tuple[str, ...], rows: list[tuple[int, ...]], texts: list[tuple[Part, ...]]
    ) -> None:
        wanted = tuple(dict.fromkeys(part.name for parts in texts for part in parts if isinstance(part, Ref)))
        if wanted:
            self.columns["prompt"].follows += wanted
            self.factors.append(_Factor(names, rows, texts, wanted))
            return
        prompts = [self._prompt_code("".join(map(str, parts))) for parts in texts]
        self.factors.append(
            _Factor(("prompt", *names), [(code, *row) for code, row in zip(prompts, rows, strict=True)])
        )

    def _prompt_code(self, text: str) -> int:
        try:
            return self.columns["prompt"].code(_PLAIN, checked("prompt", text, self.models))
        except GridError as error:
            self.problems.append(bare(error))
            return 0

    def _check_slots(self) -> None:
        """See that every slot that a template leaves open has an axis, and every free axis a use."""
        wanted = [name for factor in self.factors for name in factor.wanted]
        for name in wanted:
            if name not in self.columns or name in {"prompt", "image_urls"}:
                labels = [each for each in self.columns if each not in {"prompt", "image_urls"}]
                self.problems.append(
                    f"the prompt's template names {{{name}}}, and nothing gives its values{nearest(name, labels)}; write "
                    f"Grid(..., {name}=[...]) or gridgen.template(..., {name}=[...])"
                )
        for name, length in self.free.items():
            if length > 1 and name not in wanted:
                self.problems.append(
                    f"labels: {name!r} has {length} values, and no cell would differ by it; name {{{name}}} in a template, "
                    f"tie it with gridgen.linked(prompt=[...], labels={{{name!r}: [...]}}), or give Sweep(..., takes={length})"
                )

    # Multiplying out

    def _add_defaults(self) -> None:
        if "model" not in self.columns:
            self._take("model", self.models[0])
        for name in _CHOSEN:
            if name not in self.columns:
                self.unsaid.add(name)
                column = self._column(name)
                for model in self.models:
                    column.code(Value(None), model.defaults[name])
                if len(column.values) == 1:
                    self.factors.append(_Factor((name,), [(0,)]))
                else:
                    column.follows = ("model",)
        if "image_urls" not in self.columns:
            self._take("image_urls", None)

    def _multiplied(self) -> tuple[list[Axis], Sequence[int]]:
        count = math.prod(len(factor.rows) for factor in self.factors)
        if self._is_plain():
            return [column.axis() for column in self.columns.values()], range(count)
        if count > MOST_CELLS:
            msg = f"this asks for {count:,} cells, more than the {MOST_CELLS:,} that gridgen counts one by one. {NOTHING}"
            raise GridError(msg)
        codes = self._spread(count)
        self._settle(codes)
        for name, column in self.columns.items():
            codes[name] = column.narrowed(codes[name])
        axes = [column.axis() for column in self.columns.values()]
        refuse(self.problems)
        positions = [0] * count
        for axis, stride in zip(axes, strides([len(axis) for axis in axes]), strict=True):
            if len(axis) > 1:
                positions = [
                    position + code * stride
                    for position, code in zip(positions, codes[axis.name], strict=True)
                ]
        return axes, list(dict.fromkeys(positions))

    def _is_plain(self) -> bool:
        """Whether the grid is the full product of its axes as they stand."""
        return (
            [factor.names for factor in self.factors] == [(name,) for name in self.columns]
            and not any(factor.wanted for factor in self.factors)
            and not self._unseeded()
            and not any(None in self.columns[name].values for name in _CHOSEN if len(self.models) > 1)
        )

    def _spread(self, count: int) -> dict[str, list[int]]:
        """Return for each axis where every cell stands on it, the last factor varying fastest."""
        codes: dict[str, list[int]] = {}
        inner = count
        steps: list[tuple[_Factor, list[int]]] = []
        for factor in self.factors:
            inner //= max(1, len(factor.rows))
            outer = count // max(1, inner * len(factor.rows))
            for at, name in enumerate(factor.names):
                codes[name] = [row[at] for row in factor.rows for _ in range(inner)] * outer
            if factor.wanted:
                steps.append((factor, [at for at in range(len(factor.rows)) for _ in range(inner)] * outer))
        for factor, rows in steps:
            codes["prompt"] = self._written(factor, rows, codes)
        for factor, rows in steps:
            self._leave_unnamed(factor, rows, codes)
        return codes

    def _leave_unnamed(self, factor: _Factor, rows: Sequence[int], codes: dict[str, list[int]]) -> None:
        """Give the prompts that do not come to name a free axis no place on it; they are made once."""
        for name in factor.wanted:
            named = [any(part == Ref(name) for part in parts) for parts in factor.texts]
            if name in self.free and not all(named):
                nothing = self._unnamed(name)
                codes[name] = [
                    code if named[row] else nothing for row, code in zip(rows, codes[name], strict=True)
                ]

    def _written(self, factor: _Factor, rows: Sequence[int], codes: Mapping[str, Sequence[int]]) -> list[int]:
        """Fill up a template from the axes that it names."""
        texts = {name: [str(value) for value in self.columns[name].values] for name in factor.wanted}
        known: dict[tuple[int, ...], int] = {}
        found = []
        for row, *chosen in zip(rows, *(codes[name] for name in factor.wanted), strict=True):
            key = (row, *chosen)
            if key not in known:
                said = {name: texts[name][code] for name, code in zip(factor.wanted, chosen, strict=True)}
                parts = [part if isinstance(part, str) else said[part.name] for part in factor.texts[row]]
                known[key] = self._prompt_code("".join(parts))
            found.append(known[key])
        return found

    def _settle(self, codes: dict[str, list[int]]) -> None:
        """Put in what depends on the model: its own words, and no seed where it has none."""
        models = codes["model"]
        for name in _CHOSEN:
            column = self.columns[name]
            none = column.values.index(None) if name in codes and None in column.values else None
            if name in codes and none is None:
                continue
            own = [column.code(Value(None), model.defaults[name]) for model in self.models]
            stated = codes.get(name)
            if stated is None:
                codes[name] = [own[model] for model in models]
            else:
                codes[name] = [
                    own[model] if code == none else code for model, code in zip(models, stated, strict=True)
                ]
        unseeded = self._unseeded()
        if unseeded:
            no_seed = self.columns["seed"].code(Value(None, "no seed"), None)
            without = {at for at, model in enumerate(self.models) if model in unseeded}
            codes["seed"] = [
                no_seed if model in without else code
                for model, code in zip(models, codes["seed"], strict=True)
            ]
            ids = " and ".join(repr(model.id) for model in unseeded)
            self.warnings.append(
                f"{ids} has no seed: its cells are made once for all seeds, and cannot be repeated exactly"
            )

    def _unseeded(self) -> list[Model]:
        if "seed" not in self.columns:
            return []
        return [model for model in self.models if not _has_seed(model)]


def _unseen(model: Model) -> str:
    """Say of a model whose values are not checked what the user should know."""
    what = f"is not in the catalogue (nearest: {nearest_model(model.id)!r})"
    if model.id in unseen():
        what = "is known by its name only" if model.price is None else "is known by its name and price only"
    unpriced = ", and its price is unknown" if model.price is None else ""
    return f"model={model.id!r} {what}, so its values are not checked, only what you state is sent{unpriced}"


def _open_slots(prompt: Any) -> set[str]:
    """Return the slots that the templates among prompts leave to the grid."""
    found = list(prompt.values()) if isinstance(prompt, Mapping) else prompt
    found = [plain(each).value for each in (found if isinstance(found, (list, tuple)) else [found])]
    return {name for each in found if isinstance(each, Template) for name in each.wanted}


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


def _has_seed(model: Model) -> bool:
    return not model.known or model.option("seed") is not None
