"""The product of resolved axes: which places a grid has, and what stands on each."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from gridgen.errors import GridError, Problem
from gridgen.grid.axes import NOTHING, Collecting, checked, refuse
from gridgen.grid.combinations import strides
from gridgen.grid.resolve import CHOSEN, PLAIN, Resolved, has_seed
from gridgen.templates.grammar import Ref
from gridgen.values import Value

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gridgen.grid.axes import Axis
    from gridgen.grid.columns import Column, Factor
    from gridgen.models import Model

__all__ = ["MOST_CELLS", "multiplied"]

MOST_CELLS = 2_000_000
"""Most cells of a grid that is not a plain product, since they are counted one by one."""

_Codes = dict[str, list[int]]
"""For each axis where every cell stands on it."""


def multiplied(grid: Resolved) -> tuple[list[Axis], Sequence[int], list[str]]:
    """Return the finished axes, the positions of the cells in their product, and what the user should know.

    Raises
    ------
    GridError
        If there are too many cells, or a template writes a prompt that is none.
    """
    count = math.prod(len(factor.rows) for factor in grid.factors)
    unseeded = [model for model in grid.models if "seed" in grid.columns and not has_seed(model)]
    if not unseeded and _is_plain(grid):
        return _axes(grid), range(count), []
    if count > MOST_CELLS:
        msg = f"this asks for {count:,} cells, more than the {MOST_CELLS:,} that gridgen counts one by one"
        raise GridError(msg, nothing=NOTHING)
    problems: list[Problem] = []
    codes = _spread(grid, count, problems)
    _leave_to_models(grid, codes)
    advice = [_without_seed(grid, codes, unseeded)] if unseeded else []
    for name, column in grid.columns.items():
        codes[name] = column.narrowed(codes[name])
    axes = _axes(grid)
    refuse(problems)
    return axes, _positions(axes, codes, count), advice


def _axes(grid: Resolved) -> list[Axis]:
    return [column.axis() for column in grid.columns.values()]


def _is_plain(grid: Resolved) -> bool:
    """Whether the grid is the full product of its axes as they stand."""
    return (
        [factor.names for factor in grid.factors] == [(name,) for name in grid.columns]
        and not any(factor.wanted for factor in grid.factors)
        and not (len(grid.models) > 1 and any(None in grid.columns[name].values for name in CHOSEN))
    )


def _positions(axes: Sequence[Axis], codes: _Codes, count: int) -> list[int]:
    positions = [0] * count
    for axis, stride in zip(axes, strides([len(axis) for axis in axes]), strict=True):
        if len(axis) > 1:
            positions = [
                position + code * stride for position, code in zip(positions, codes[axis.name], strict=True)
            ]
    return list(dict.fromkeys(positions))


def _spread(grid: Resolved, count: int, problems: list[Problem]) -> _Codes:
    """Return for each axis where every cell stands on it, the last factor varying fastest."""
    codes: _Codes = {}
    inner = count
    steps: list[tuple[Factor, list[int]]] = []
    for factor in grid.factors:
        inner //= max(1, len(factor.rows))
        outer = count // max(1, inner * len(factor.rows))
        for at, name in enumerate(factor.names):
            codes[name] = [row[at] for row in factor.rows for _ in range(inner)] * outer
        if factor.wanted:
            steps.append((factor, [at for at in range(len(factor.rows)) for _ in range(inner)] * outer))
    for factor, rows in steps:
        codes["prompt"] = _written(grid, factor, rows, codes, problems)
    for factor, rows in steps:
        _leave_unnamed(grid, factor, rows, codes)
    return codes


def _written(
    grid: Resolved, factor: Factor, rows: Sequence[int], codes: _Codes, problems: list[Problem]
) -> list[int]:
    """Fill up a template from the axes that it names."""
    texts = [[str(value) for value in grid.columns[name].values] for name in factor.wanted]
    known: dict[tuple[int, ...], int] = {}
    column, collecting = grid.columns["prompt"], Collecting(problems, "prompt")
    found = []
    for key in zip(rows, *(codes[name] for name in factor.wanted), strict=True):
        if key not in known:
            row, *chosen = key
            said = {name: text[code] for name, text, code in zip(factor.wanted, texts, chosen, strict=True)}
            known[key] = 0
            with collecting:
                parts = (part if isinstance(part, str) else said[part.name] for part in factor.texts[row])
                known[key] = column.code(PLAIN, checked("prompt", "".join(parts), grid.models))
        found.append(known[key])
    return found


def _leave_unnamed(grid: Resolved, factor: Factor, rows: Sequence[int], codes: _Codes) -> None:
    """Give the prompts that do not come to name a free axis no place on it; they are made once."""
    for name in factor.wanted:
        named = [Ref(name) in parts for parts in factor.texts]
        if name in grid.free and not all(named):
            nothing = grid.columns[name].unnamed()
            codes[name] = [
                code if named[row] else nothing for row, code in zip(rows, codes[name], strict=True)
            ]


def _leave_to_models(grid: Resolved, codes: _Codes) -> None:
    """Put in the models' own words where the user left a field to them."""
    for name in CHOSEN:
        column, stated = grid.columns[name], codes.get(name)
        if stated is None:
            own = _own_words(column, grid.models)
            codes[name] = [own[model] for model in codes["model"]]
        elif None in column.values:
            none, own = column.values.index(None), _own_words(column, grid.models)
            codes[name] = [
                own[model] if code == none else code
                for model, code in zip(codes["model"], stated, strict=True)
            ]


def _own_words(column: Column, models: Sequence[Model]) -> list[int]:
    return [column.code(Value(None), model.defaults[column.name]) for model in models]


def _without_seed(grid: Resolved, codes: _Codes, unseeded: Sequence[Model]) -> str:
    """Take the seed from the cells of models that have none, and say so."""
    no_seed = grid.columns["seed"].code(Value(None, "no seed"), None)
    without = {at for at, model in enumerate(grid.models) if model in unseeded}
    codes["seed"] = [
        no_seed if model in without else code
        for model, code in zip(codes["model"], codes["seed"], strict=True)
    ]
    ids = " and ".join(repr(model.id) for model in unseeded)
    return f"{ids} has no seed: its cells are made once for all seeds, and cannot be repeated exactly"
