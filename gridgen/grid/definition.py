"""What a grid's file holds: the keywords of `Grid`, as a person would write them, or its axes with the places on them."""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict, is_dataclass
from datetime import date
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from gridgen.errors import GridError, Problem
from gridgen.grid.axes import NOTHING, Axis, Collecting, checked, labelled, linked, nearest, placed, refuse
from gridgen.grid.cells import FIELDS
from gridgen.grid.columns import Column
from gridgen.grid.combinations import Combinations
from gridgen.grid.compatibility import unsupported
from gridgen.grid.constraints import excluded
from gridgen.grid.images import HASH, LocalImage, digested
from gridgen.grid.multiply import MOST_CELLS
from gridgen.grid.parse import build
from gridgen.models import Model, find
from gridgen.models.reader import read_model
from gridgen.templates import template
from gridgen.values import Value

__all__ = ["codes_of", "definition"]

FORMAT = 1
_RUN = re.compile(r"(\d+)(?:-(\d+))?")
_PARTS = ("axes", "cells", "skipped", "labels", "follows", "models")


def definition(combinations: Combinations) -> dict[str, Any]:
    """Return a grid as plain JSON values, from which `codes_of` makes it again.

    Returns
    -------
    dict
        ``gridgen`` (the version of the format), ``axes``, and where they are needed
        ``labels`` (the axes that are no part of the request), ``follows``, ``cells``
        (positions in the product, the last axis fastest), ``skipped`` (positions by
        reason) and ``models``.
    """
    axes = combinations.axes
    # the product of a table's columns may be of any size, so it is counted before it is compared
    count = math.prod(map(len, axes))
    whole = len(combinations) == count and list(combinations.positions) == list(range(count))
    parts = {
        "gridgen": FORMAT,
        "axes": {axis.name: _entries(axis) for axis in axes},
        "labels": [axis.name for axis in axes if not axis.sent],
        "follows": {axis.name: list(axis.follows) for axis in axes if axis.follows},
        # a grid of no cells has the empty text here, and not all of them
        "cells": None if whole else _runs(combinations.positions),
        "skipped": _skipped(combinations.left_out),
        "models": {name: _json(vars(model)) for name, model in combinations.records.items()},
    }
    return {name: part for name, part in parts.items() if part not in (None, [], {})}


def _skipped(reasons: Mapping[int, str]) -> dict[str, str]:
    found: dict[str, list[int]] = {}
    for position, reason in reasons.items():
        found.setdefault(reason, []).append(position)
    return {reason: _runs(sorted(positions)) for reason, positions in found.items()}


def _entries(axis: Axis) -> list[Any]:
    own = labelled(axis.name, axis.values, [None] * len(axis))
    notes, weights = axis.notes or [""] * len(axis), axis.weights or [1] * len(axis)
    found: list[Any] = []
    for value, label, plain, note, weight in zip(axis.values, axis.labels, own, notes, weights, strict=True):
        told = _json(None if axis.name == "image_urls" and not value else value)
        more: dict[str, Any] = {"label": label} if label != plain else {}
        more |= {"note": note} if note else {}
        more |= {"weight": weight} if weight != 1 else {}
        found.append({"value": told, **more} if more or isinstance(told, dict) else told)
    return found


def _json(value: Any) -> Any:
    """Return a value in the types of JSON."""
    if isinstance(value, LocalImage):
        return {
            "image": str(value),
            "name": value.name,
            "content_type": value.content_type,
            "size": value.size,
        }
    if is_dataclass(value) and not isinstance(value, type):
        return _json(asdict(value))
    if isinstance(value, Mapping):
        return {str(name): _json(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_json(each) for each in value]
    if isinstance(value, (Decimal, date)):
        return str(value)
    return value


def _runs(positions: Sequence[int]) -> str:
    """Return numbers as text, neighbours as runs: ``0-7, 9``."""
    found: list[list[int]] = []
    for position in positions:
        if found and position == found[-1][1] + 1:
            found[-1][1] = position
        else:
            found.append([position, position])
    return ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in found)


def codes_of(
    data: Mapping[str, Any],
    where: str,
    *,
    trusted: bool = False,
    own: bool = False,
    lines: Mapping[str, int] = MappingProxyType({}),
) -> Combinations:
    """Return the places that a definition describes.

    Parameters
    ----------
    data : mapping
        As `definition` gives, or the keywords of `Grid`.
    where : str
        Where it was read, for messages.
    trusted : bool
        Whether the values were checked when they were written, so that what the
        catalogue says by now does not matter.
    own : bool
        Whether this user wrote it here, so that its records of models count though the
        catalogue knows these.
    lines : mapping of str to int
        The line of each keyword, for messages.

    Raises
    ------
    GridError
        If it is none, or a value is wrong.
    """
    try:
        _check_version(data)
        parts = {name: value for name, value in data.items() if name != "gridgen"}
        return _saved(parts, where, trusted=trusted, own=own) if "axes" in parts else _typed(parts)
    except GridError as error:
        problems = [_in_file(problem, where, lines) for problem in error.problems]
        raise GridError(*problems, nothing=NOTHING) from None


def _check_version(data: Mapping[str, Any]) -> None:
    version = data.get("gridgen", FORMAT)
    if version != FORMAT:
        why = f"format {version!r} is not the {FORMAT} that this gridgen reads"
        raise GridError(Problem(why, "gridgen", version, remedy="update gridgen"))


def _in_file(problem: Problem, where: str, lines: Mapping[str, int]) -> Problem:
    """Return a problem with the file that it is in, and the line of the keyword that it is about."""
    line = lines.get(problem.field)
    return placed(problem, where=where if line is None else f"{where}, line {line}", line=line)


def _typed(data: Mapping[str, Any]) -> Combinations:
    """Read the keywords of `Grid`; a template is a mapping with the key ``template``."""
    if "where" in data:
        why = "a file cannot hold where=, which is a function"
        raise GridError(Problem(why, "where", remedy="write patterns as exclude="))
    typed = {name: _read_value(name, value) for name, value in data.items() if name != "exclude"}
    links = [
        linked(**each) if isinstance(each, Mapping) else each for each in _listed(typed.pop("linked", []))
    ]
    built = build(typed, links)
    combinations = built.combinations
    _check_count(len(combinations))
    if "exclude" in data:
        combinations = combinations.skipping(excluded(combinations, data["exclude"]))
    return combinations.skipping(unsupported(combinations, built.models, built.unsaid))


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _read_value(name: str, value: Any) -> Any:
    if isinstance(value, list):
        return [_read_value(name, each) for each in value]
    if not isinstance(value, Mapping) or name in {"labels", "linked"}:
        return value
    if "template" in value:
        slots = {slot: _read_value(slot, each) for slot, each in value.items() if slot != "template"}
        return template(value["template"], **slots)
    return _value(value) if "value" in value else value


def _value(entry: Any) -> Value:
    if not isinstance(entry, Mapping) or "value" not in entry:
        return Value(_with_images(entry))
    return Value(
        _with_images(entry["value"]),
        None if entry.get("label") is None else str(entry["label"]),
        str(entry.get("note", "")),
        float(entry.get("weight", 1.0)),
    )


def _with_images(value: Any) -> Any:
    """Return a value with its pictures, whose content is elsewhere, and tuples for lists."""
    if isinstance(value, Mapping):
        if str(value.get("image")).startswith(HASH):
            known = {name: value[name] for name in ("name", "content_type", "size") if name in value}
            return LocalImage(digested(value["image"]), **known)
        return {str(name): _with_images(each) for name, each in value.items()}
    return tuple(_with_images(each) for each in value) if isinstance(value, (list, tuple)) else value


def _saved(data: Mapping[str, Any], where: str, *, trusted: bool, own: bool) -> Combinations:
    """Read what `definition` gave; a person may have changed it since."""
    _check_parts(data)
    try:
        return _exact(data, where, trusted=trusted, own=own)
    except GridError:
        raise
    except (TypeError, ValueError, AttributeError, KeyError, ArithmeticError) as error:
        msg = f"this is not what Grid.save wrote ({type(error).__name__}: {error})"
        raise GridError(msg) from error


def _check_parts(data: Mapping[str, Any]) -> None:
    """See that each part is one, and of its kind."""
    for name in data:
        if name not in _PARTS:
            why, remedy = f"{name!r} is not a part of a grid", f"the parts are {', '.join(_PARTS)}"
            raise GridError(Problem(why, str(name), None, _PARTS, nearest(name, _PARTS), remedy))
    kinds = {"axes": dict, "labels": list, "follows": dict, "skipped": dict, "models": dict}
    for name, kind in kinds.items():
        if not isinstance(data.get(name, kind()), kind):
            wanted = "a mapping" if kind is dict else "a list of names"
            raise GridError(Problem(f"{name} is {wanted}, not {data[name]!r:.60}", name, data[name]))
    lacks = [name for name in FIELDS if name not in data["axes"]]
    if lacks:
        remedy = "leave out 'axes' to write only what differs from the defaults"
        raise GridError(Problem(f"axes lack {', '.join(lacks)}", "axes", remedy=remedy))


def _exact(data: Mapping[str, Any], where: str, *, trusted: bool, own: bool) -> Combinations:
    labels, follows = data.get("labels", ()), data.get("follows", {})
    records = _records(data.get("models", {}), where, own=own)
    named = [_value(each).value for each in _listed(data["axes"]["model"])]
    models = [records.get(name) or find(name) for name in named]
    wrong: _Wrong = {}
    axes = []
    for name, entries in data["axes"].items():
        column = Column(name, sent=name not in labels, follows=tuple(map(str, follows.get(name, ()))))
        is_checked = column.sent and name != "model" and not trusted
        _fill(column, entries, models if is_checked else None, wrong)
        axes.append(column.axis())
    count = math.prod(len(axis) for axis in axes)
    reasons = _reasons(data.get("skipped", {}), count)
    combinations = Combinations(axes, _positions(data, count), reasons, records)
    _refuse_made(combinations, wrong)
    return combinations if trusted else combinations.skipping(unsupported(combinations, models, ()))


_Wrong = dict[tuple[str, int], list[Problem]]
"""What is wrong with the values of axes, by the axis and the place on it."""


def _fill(column: Column, entries: Any, models: Sequence[Model] | None, wrong: _Wrong) -> None:
    """Put the values of a file on an axis; with models, as the catalogue spells them."""
    problems: list[Problem] = []
    collecting = Collecting(problems, column.name)
    for entry in map(_value, _listed(entries)):
        value = entry.value
        if models is not None:
            with collecting:
                value = checked(column.name, value, models)
        code = column.code(entry, () if column.name == "image_urls" and value is None else value)
        if problems:
            wrong[column.name, code] = problems[:]
            problems.clear()


def _refuse_made(combinations: Combinations, wrong: _Wrong) -> None:
    """Refuse wrong values, but not those of skipped places alone, which are there to be shown."""
    found: list[Problem] = []
    used = {name: set(combinations.active_column(combinations.axis(name))) for name, _ in wrong}
    for (name, code), problems in wrong.items():
        # a list or a mapping is on no axis, whatever is made of it
        kinds = (int,) if name == "duration" else (str, int, float, tuple)
        if code in used[name] or not isinstance(combinations.axis(name).values[code], kinds):
            found += problems
    refuse(found)


def _reasons(skipped: Mapping[Any, Any], count: int) -> dict[int, str]:
    return {position: str(reason) for reason, cells in skipped.items() for position in _numbers(cells, count)}


def _positions(data: Mapping[str, Any], count: int) -> Sequence[int]:
    if "cells" in data:
        return _numbers(data["cells"], count)
    _check_count(count)
    return range(count)


def _numbers(cells: Any, count: int) -> list[int]:
    found: list[int] = []
    text = str(cells).strip("[] ")
    for piece in text.split(",") if text else ():
        run = _RUN.fullmatch(piece.strip())
        first, last = (int(run[1]), int(run[2] or run[1])) if run else (0, count)
        if last >= count:
            why = f"cells {piece.strip()!r} are not numbers from 0 to {count - 1} such as '0-7, 9'"
            raise GridError(Problem(why, "cells", cells))
        _check_count(len(found) + last + 1 - first)
        found += range(first, last + 1)
    return list(dict.fromkeys(found))


def _check_count(count: int) -> None:
    """Refuse a file that asks for more cells than are counted one by one; a few lines can name any number."""
    if count > MOST_CELLS:
        told = f"{count:,} cells," if count < MOST_CELLS**2 else "far"
        msg = f"it has {told} more than the {MOST_CELLS:,} cells that are read from a file"
        raise GridError(msg)


def _records(told: Mapping[str, Any], where: str, *, own: bool) -> dict[str, Model]:
    """Return the models that a file brings; of those that the catalogue knows, the catalogue's own record counts.

    A file may be anybody's: with a price, or names on the wire, of its own for a known
    model it could show one sum and cost another.

    Raises
    ------
    GridError
        If one goes by another's name.
    """
    found = {name: _model(name, record) for name, record in told.items()}
    if own:
        return found
    known = {name: model for name in found if (model := find(name)).known}
    changed = sorted(name for name, model in known.items() if model != found[name])
    if changed:
        warnings.warn(
            f"{where} brings a record of its own of {', '.join(changed)}, which the catalogue knows: the catalogue's "
            "counts. Where yours is meant, give it in Python, as model=gridgen.Model(...).",
            UserWarning,
            stacklevel=2,
        )
    return {name: model for name, model in found.items() if name not in known}


def _model(key: str, record: Mapping[str, Any]) -> Model:
    """Return a model from what `definition` kept of it under its name."""
    model = read_model(record)
    if model.id != key:
        why = f"the record of {key!r:.60} is of another model, {model.id!r:.60}"
        raise GridError(Problem(why, "models", model.id))
    return model
