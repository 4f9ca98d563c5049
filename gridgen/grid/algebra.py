"""Grids joined, subtracted and extended: the work on axes and positions."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from gridgen.errors import GridError, Problem
from gridgen.grid.axes import NOTHING, Axis, labelled
from gridgen.grid.combinations import Combinations, strides
from gridgen.grid.parse import build
from gridgen.models import Model, find

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["common", "extended", "united", "without"]

_Entry = tuple[Any, str | None, str, float]
"""A value, its label, its note and its weight."""


def united(first: Combinations, second: Combinations) -> Combinations:
    """Return the places of both: those of the first, then what the second has besides.

    A clip that either makes is made.
    """
    axes = _joined(first.axes, second.axes)
    first, second = first.recoded(axes), second.recoded(axes)
    if all(axis.sent for axis in axes):
        had: Mapping[Any, int] = {position: position for position in first.positions}
        asked: Sequence[Any] = second.positions
    else:
        had = dict(zip(first.cells(), first.positions, strict=True))
        asked = list(second.cells())
    positions = list(first.positions)
    reasons = dict(first.left_out)
    for position, cell in zip(second.positions, asked, strict=True):
        if cell not in had:
            positions.append(position)
            if position in second.left_out:
                reasons[position] = second.left_out[position]
        elif position not in second.reasons:
            reasons.pop(had[cell], None)
    return Combinations(axes, positions, reasons, {**second.records, **first.records})


def without(first: Combinations, second: Combinations) -> Combinations:
    """Return the first places but for the clips that the second ones make."""
    there = set(second.cells(second.active_positions()))
    return first.keeping(
        [position for position, cell in zip(first.positions, first.cells(), strict=True) if cell not in there]
    )


def common(first: Combinations, second: Combinations) -> Combinations:
    """Return the places of the clips that both make, as they stand in the first."""
    there = set(second.cells(second.active_positions()))
    live = first.active_positions()
    return first.keeping(
        [position for position, cell in zip(live, first.cells(live), strict=True) if cell in there]
    )


def _joined(first: Sequence[Axis], second: Sequence[Axis]) -> tuple[Axis, ...]:
    """Return the axes of both, each with the values of both."""
    found = {axis.name: axis for axis in first}
    others = {axis.name: axis for axis in second}
    if first == second:
        return tuple(first)
    names = dict.fromkeys([*found, *others])
    return tuple(
        _merged(found[name], others[name])
        if name in found and name in others
        else _with_absent(found.get(name) or others[name])
        for name in names
    )


def _with_absent(axis: Axis) -> Axis:
    """Return an axis that some cells are made without."""
    nothing: Any = () if axis.name == "image_urls" else None
    return axis if nothing in axis.values else _longer(axis, [(nothing, None, "", 1.0)])


def _merged(here: Axis, there: Axis) -> Axis:
    if here.sent is not there.sent:
        msg = (
            f"{here.name!r} is a field of the request in one grid and a label in the other; "
            f"give the label another name"
        )
        raise GridError(msg, nothing=NOTHING)
    merged = _longer(
        here, [_entry(there, at) for at, value in enumerate(there.values) if value not in here.values]
    )
    return merged if here.follows == there.follows else replace(merged, follows=())


def _entry(axis: Axis, at: int) -> _Entry:
    note = axis.notes[at] if axis.notes else ""
    weight = axis.weights[at] if axis.weights else 1.0
    return axis.values[at], axis.labels[at], note, weight


def _longer(axis: Axis, more: Sequence[_Entry]) -> Axis:
    """Return an axis with more values; a label that is taken already is told apart by the value."""
    if not more:
        return axis
    found = [*(_entry(axis, at) for at in range(len(axis))), *more]
    values, typed, notes, weights = zip(*found, strict=True)
    labels: dict[str, None] = {}
    for label, plain in zip(typed, labelled(axis.name, values, [None] * len(values)), strict=True):
        wanted = plain if label is None else label
        labels[f"{wanted} ({plain})" if wanted in labels else wanted] = None
    return replace(
        axis,
        values=values,
        labels=tuple(labels),
        notes=notes if any(notes) else (),
        weights=weights if len(set(weights)) > 1 else (),
    )


def extended(combinations: Combinations, typed: Mapping[str, Any]) -> tuple[Combinations, list[Model]]:
    """Return the places with more values on their axes, and the models that they ask.

    Every cell is made with each of the new values in turn; with the old ones nothing
    changes.

    Raises
    ------
    GridError
        If a value is wrong or there already, or an axis cannot grow in this way.
    """
    for name in {"labels", "linked"} & {*typed}:
        msg = f"extend({name}=...): write a grid with it and add that: grid + gridgen.Grid(...)"
        raise GridError(msg, nothing=NOTHING)
    ascending = all(a < b for a, b in itertools.pairwise(combinations.positions))
    models = [combinations.records.get(name) or find(name) for name in combinations.axis("model").values]
    built = build({"prompt": "-", "model": models, **typed}, ())
    if any(not axis.sent for axis in built.combinations.axes):
        msg = "extend: a template brings axes of its own; write a grid with it and add that: grid + gridgen.Grid(...)"
        raise GridError(msg, nothing=NOTHING)
    for name in typed:
        combinations = _grown(combinations, built.combinations.axis(name))
    if ascending:
        combinations = combinations.keeping(sorted(combinations.positions))
    models += [model for model in built.models if model not in models]
    records = {**combinations.records, **built.combinations.records}
    return Combinations(combinations.axes, combinations.positions, combinations.left_out, records), models


def _grown(combinations: Combinations, more: Axis) -> Combinations:
    """Return the places with each cell made with each value of an axis besides its own."""
    name = more.name
    axes = _lengthened(combinations.axes, more)
    reset = [name]
    if name == "prompt":
        # a prompt of its own names no slot of the templates that wrote the others
        axes = [_with_absent(axis) if not axis.sent else axis for axis in axes]
        axes = [replace(axis, follows=()) if axis.name == name else axis for axis in axes]
        reset += [axis.name for axis in axes if not axis.sent]
    [grown] = [axis for axis in axes if axis.name == name]
    codes = [grown.values.index(value) for value in more.values]
    return _with_each(combinations.recoded(axes), axes, reset, codes)


def _lengthened(axes: Sequence[Axis], more: Axis) -> list[Axis]:
    """Return the axes with the values of one more; where there was none of its name, the cells so far are without."""
    own = next((axis for axis in axes if axis.name == more.name), None)
    if own is None:
        empty = replace(more, values=(), labels=(), notes=(), weights=(), follows=())
        return [*axes, _longer(_with_absent(empty), [_entry(more, at) for at in range(len(more))])]
    there = [value for value in more.values if value in own.values]
    if there:
        why = f"extend: {more.name}={there[0]!r} is on the axis already"
        raise GridError(Problem(why, more.name, there[0]), nothing=NOTHING)
    return [_merged(axis, more) if axis is own else axis for axis in axes]


def _with_each(
    combinations: Combinations, axes: Sequence[Axis], reset: Sequence[str], codes: Sequence[int]
) -> Combinations:
    names = [axis.name for axis in axes]
    steps = strides([len(axis) for axis in axes])
    bases = list(combinations.positions)
    for name in reset:
        at = names.index(name)
        nothing = 0 if name == reset[0] else axes[at].values.index(None)
        bases = [
            base + (nothing - code) * steps[at]
            for base, code in zip(bases, combinations.column(name), strict=True)
        ]
    step = steps[names.index(reset[0])]
    new = [base + code * step for base in dict.fromkeys(bases) for code in codes]
    return Combinations(axes, [*combinations.positions, *new], combinations.left_out, combinations.records)
