"""What a person leaves out of a grid: predicates and patterns, and the reasons that they give."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING, Any

from gridgen.errors import GridError, Problem
from gridgen.grid.axes import NOTHING, Axis, unknown_axis
from gridgen.values import Value

if TYPE_CHECKING:
    from gridgen.grid.combinations import Combinations

__all__ = ["excluded", "unwanted"]

Predicate = Callable[..., object]


def unwanted(combinations: Combinations, where: Any, reason: str | None = None) -> dict[int, str]:
    """Return the positions that a predicate does not want, and why.

    Parameters
    ----------
    combinations : Combinations
        What is skipped already is not asked about.
    where : callable, mapping or list
        A predicate, several, or predicates by the reason that they give. A predicate
        with one parameter called ``cell``, or by one letter, gets the cell; the
        parameters of others are axes.
    reason : str, optional
        What is said of the cells left out.

    Raises
    ------
    GridError
        If it is no predicate, names an unknown axis, or raises.
    """
    named: list[tuple[str | None, Any]]
    if isinstance(where, Mapping):
        named = [(str(why), each) for why, each in where.items()]
    elif isinstance(where, (list, tuple)):
        named = [(reason, each) for each in where]
    else:
        named = [(reason, where)]
    found: dict[int, str] = {}
    for why, predicate in named:
        if not callable(predicate):
            msg = f"where={predicate!r} is not a function of a cell or of axes, such as lambda size, duration: .."
            raise GridError(msg, nothing=NOTHING)
        left_out = _left_out(combinations, predicate)
        said = why or _said(predicate)
        found = {**dict.fromkeys(left_out, said), **found}
    return found


def _left_out(combinations: Combinations, predicate: Predicate) -> list[int]:
    names = _parameters(predicate, [axis.name for axis in combinations.axes])
    live = [position for position in combinations.positions if position not in combinations.reasons]
    if names is None:
        return [
            position
            for position, cell in zip(live, combinations.cells(live), strict=True)
            if not _asked(predicate, {"cell": cell}, by_name=False)
        ]
    axes = [combinations.axis(name) for name in names]
    at = [combinations.axes.index(axis) for axis in axes]
    steps = [(combinations.strides[place], len(combinations.axes[place])) for place in at]
    answers: dict[tuple[int, ...], bool] = {}
    found = []
    for position in live:
        key = tuple([position // stride % length for stride, length in steps])
        answer = answers.get(key)
        if answer is None:
            values = {axis.name: axis.values[code] for axis, code in zip(axes, key, strict=True)}
            answer = answers[key] = _asked(predicate, values, by_name=True)
        if not answer:
            found.append(position)
    return found


def _parameters(predicate: Predicate, axes: Sequence[str]) -> list[str] | None:
    """Return the axes that a predicate asks for, None for one that takes the whole cell."""
    try:
        parameters = inspect.signature(predicate).parameters.values()
    except (TypeError, ValueError):
        return None
    if any(each.kind is inspect.Parameter.VAR_KEYWORD for each in parameters):
        return list(axes)
    names = [
        each.name
        for each in parameters
        if each.default is inspect.Parameter.empty and each.kind is not inspect.Parameter.VAR_POSITIONAL
    ]
    if len(names) == 1 and names[0] not in axes and (names[0] == "cell" or len(names[0]) == 1):
        return None
    for name in names:
        if name not in axes:
            problem = unknown_axis(f"where= asks for {name!r}, which is not an axis", name, axes)
            raise GridError(problem, nothing=f"A parameter called cell gets the whole cell. {NOTHING}")
    return names


def _asked(predicate: Predicate, values: Mapping[str, Any], *, by_name: bool) -> bool:
    try:
        return bool(predicate(**values) if by_name else predicate(*values.values()))
    except Exception as error:
        shown = ", ".join(f"{name}={value!r}" for name, value in values.items())
        msg = f"where= raised {type(error).__name__}: {error}, for {shown}"
        raise GridError(msg, nothing=NOTHING) from error


def _said(predicate: Predicate) -> str:
    described = (inspect.getdoc(predicate) or "").partition("\n")[0].strip().rstrip(".")
    name = getattr(predicate, "__name__", "<lambda>")
    if inspect.isfunction(predicate) and described:
        return described
    return "left out by where" if name == "<lambda>" else f"left out by {name}"


def excluded(combinations: Combinations, exclude: Any) -> dict[int, str]:
    """Return the positions that fit a pattern, and why they are left out.

    Parameters
    ----------
    combinations : Combinations
    exclude : mapping, or list of mappings
        From axis to a value, several values, or a predicate of the value. A cell is
        left out where all of a pattern fit. The key ``reason`` says why.

    Raises
    ------
    GridError
        If a pattern names no axis, or a value that is not on it.
    """
    patterns = [exclude] if isinstance(exclude, Mapping) else exclude
    if not isinstance(patterns, (list, tuple)) or not all(isinstance(each, Mapping) for each in patterns):
        why = f"exclude={exclude!r} is not a pattern such as {{'size': '1:1', 'duration': [10, 12]}}, or a list of them"
        raise GridError(Problem(why, "exclude", exclude), nothing=NOTHING)
    found: dict[int, str] = {}
    for pattern in patterns:
        chosen = {
            name: _codes(combinations, name, given) for name, given in pattern.items() if name != "reason"
        }
        if not chosen:
            told = f"exclude={pattern!r} names no axis, so it would leave out every cell"
            raise GridError(Problem(told, "exclude", pattern), nothing=NOTHING)
        why = str(pattern.get("reason") or f"excluded: {_described(combinations, chosen)}")
        for position in _fitting(combinations, chosen):
            found.setdefault(position, why)
    return found


def _fitting(combinations: Combinations, chosen: Mapping[str, AbstractSet[int]]) -> Iterable[int]:
    columns = [combinations.column(name) for name in chosen]
    wanted = list(chosen.values())
    for position, *codes in zip(combinations.positions, *columns, strict=True):
        if position not in combinations.reasons and all(
            code in codes_wanted for code, codes_wanted in zip(codes, wanted, strict=True)
        ):
            yield position


def _codes(combinations: Combinations, name: str, given: Any) -> set[int]:
    names = [axis.name for axis in combinations.axes]
    if name not in names:
        problem = unknown_axis(f"exclude names {name!r}, which is not an axis", name, names)
        raise GridError(problem, nothing=NOTHING)
    axis = combinations.axis(name)
    if callable(given):
        return {at for at, value in enumerate(axis.values) if _asked(given, {name: value}, by_name=False)}
    return {_position(axis, each) for each in _listed(axis, given)}


def _listed(axis: Axis, given: Any) -> Sequence[Any]:
    if axis.name == "image_urls":
        given = () if given is None else (given,) if isinstance(given, str) else given
        whole = tuple(given)
        return [whole] if axis.position(whole) is not None else list(given)
    if isinstance(given, (str, bytes, Mapping, Value)) or not isinstance(given, Iterable):
        return [given]
    return list(given)


def _position(axis: Axis, given: Any) -> int:
    value = given.value if isinstance(given, Value) else given
    if isinstance(value, list):
        value = tuple(value)
    at = axis.position(value)
    if at is None and axis.name == "image_urls":
        at = axis.position((value,))
    if at is None:
        shown = ", ".join(axis.labels[:12]) + (", …" if len(axis) > 12 else "")  # noqa: PLR2004 - as many as fit a line
        why = f"exclude: {axis.name}={value!r} is not on the axis ({shown})"
        raise GridError(Problem(why, "exclude", value), nothing=NOTHING)
    return at


def _described(combinations: Combinations, chosen: Mapping[str, AbstractSet[int]]) -> str:
    parts = []
    for name, codes in chosen.items():
        labels = combinations.axis(name).labels
        parts.append(f"{name} {' or '.join(labels[at] for at in sorted(codes))}")
    return ", ".join(parts)
