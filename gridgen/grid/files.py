"""Grids in files: YAML, JSON and CSV.

A file holds either the keywords of `Grid`, as a person would write them, or its axes
with the places on them, as `save` writes them.
"""

from __future__ import annotations

import json
import math
import re
import warnings
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import asdict, is_dataclass
from datetime import date
from decimal import Decimal
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

from gridgen.atomic import write_atomically
from gridgen.errors import GridError
from gridgen.grid.axes import NOTHING, Axis, bare, checked, labelled, nearest, refuse
from gridgen.grid.cells import FIELDS
from gridgen.grid.combinations import Combinations
from gridgen.grid.compatibility import unsupported
from gridgen.grid.constraints import excluded
from gridgen.grid.images import HASH, LocalImage, copy_into, digested, local_images, recalled
from gridgen.grid.parse import MOST_CELLS, Column, build
from gridgen.grid.rows_io import csv_of, from_csv
from gridgen.grid.selection import money
from gridgen.models import Model, Price, find
from gridgen.models.fields import Choice, Images, Option, Rule, Span
from gridgen.templates import template
from gridgen.values import Value

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["codes_of", "definition", "read", "write"]

FORMAT = 1
LARGEST = 100_000_000
"""Bytes of the largest file that is read."""

MOST_NODES = 2_000_000
"""Values of the largest YAML file that is read, each alias written out."""

_KEY = re.compile(r"""(?:^|[{,\s])["']?(\w+)["']?\s*:(?=\s|$)""")
_KEYWORD = re.compile(r"'?(\w+)")
_RUN = re.compile(r"(\d+)(?:-(\d+))?")
_BREAKS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff]")
_SHORT, _WIDEST = 90, 1_000
"""Characters of a list that stands in one line, and of a line before a text is broken."""
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
    found: dict[str, Any] = {
        "gridgen": FORMAT,
        "axes": {
            axis.name: [_entry(axis, at, own) for at, own in enumerate(_plain_labels(axis))]
            for axis in combinations.axes
        },
    }
    labels = [axis.name for axis in combinations.axes if not axis.sent]
    follows = {axis.name: list(axis.follows) for axis in combinations.axes if axis.follows}
    if labels:
        found["labels"] = labels
    if follows:
        found["follows"] = follows
    # the product of a table's columns may be of any size, so it is counted before it is compared
    count = math.prod(map(len, combinations.axes))
    if len(combinations) != count or list(combinations.positions) != list(range(count)):
        found["cells"] = _runs(combinations.positions)
    reasons: dict[str, list[int]] = {}
    for position, reason in combinations.left_out.items():
        reasons.setdefault(reason, []).append(position)
    if reasons:
        found["skipped"] = {reason: _runs(sorted(positions)) for reason, positions in reasons.items()}
    if combinations.records:
        found["models"] = {name: _json(vars(model)) for name, model in combinations.records.items()}
    return found


def _plain_labels(axis: Axis) -> tuple[str, ...]:
    return labelled(axis.name, axis.values, [None] * len(axis))


def _entry(axis: Axis, at: int, own: str) -> Any:
    value = _json(axis.values[at] or None) if axis.name == "image_urls" else _json(axis.values[at])
    more: dict[str, Any] = {}
    if axis.labels[at] != own:
        more["label"] = axis.labels[at]
    if axis.notes and axis.notes[at]:
        more["note"] = axis.notes[at]
    if axis.weights and axis.weights[at] != 1:
        more["weight"] = axis.weights[at]
    return {"value": value, **more} if more or isinstance(value, dict) else value


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
    version = data.get("gridgen", FORMAT)
    if version != FORMAT:
        msg = f"{where}: format {version!r} is not the {FORMAT} that this gridgen reads; update gridgen. {NOTHING}"
        raise GridError(msg)
    rest = {name: value for name, value in data.items() if name != "gridgen"}
    if "axes" not in rest:
        return _typed(rest, where, lines)
    for name in rest:
        if name not in _PARTS:
            msg = f"{where}: {name!r} is not a part of a grid{nearest(name, _PARTS)}; the parts are {', '.join(_PARTS)}. {NOTHING}"
            raise GridError(msg)
    _check_shape(rest, where)
    try:
        return _exact(rest, where, trusted=trusted, own=own)
    except GridError as error:
        if where in str(error):
            raise
        msg = f"{where}: {bare(error)}. {NOTHING}"
        raise GridError(msg) from None
    except (TypeError, ValueError, AttributeError, KeyError, ArithmeticError) as error:
        msg = f"{where}: this is not what Grid.save wrote ({type(error).__name__}: {error}). {NOTHING}"
        raise GridError(msg) from error


def _check_shape(data: Mapping[str, Any], where: str) -> None:
    """See that each part is of its kind."""
    kinds = {"axes": dict, "labels": list, "follows": dict, "skipped": dict, "models": dict}
    for name, kind in kinds.items():
        if not isinstance(data.get(name, kind()), kind):
            wanted = "a mapping" if kind is dict else "a list of names"
            msg = f"{where}: {name} is {wanted}, not {data[name]!r:.60}. {NOTHING}"
            raise GridError(msg)


def _typed(data: Mapping[str, Any], where: str, lines: Mapping[str, int]) -> Combinations:
    """Read the keywords of `Grid`; a template is a mapping with the key ``template``."""
    if "where" in data:
        msg = (
            f"{where}: a file cannot hold where=, which is a function; write patterns as exclude=. {NOTHING}"
        )
        raise GridError(msg)
    try:
        typed = {name: _read_value(name, value) for name, value in data.items() if name != "exclude"}
        links = [_link(each) for each in _listed(typed.pop("linked", []))]
        built = build(typed, links)
        combinations = built.combinations
        _check_count(len(combinations), where)
        if "exclude" in data:
            combinations = combinations.skipping(excluded(combinations, data["exclude"]))
        return combinations.skipping(unsupported(combinations, built.models, built.unsaid))
    except GridError as error:
        raise GridError(_placed(str(error), where, lines)) from None


def _placed(said: str, where: str, lines: Mapping[str, int]) -> str:
    """Put before each problem of an error where it stands: the file, and the line of the keyword that it begins with."""
    found = []
    for problem in said.splitlines():
        named = _KEYWORD.match(problem)
        line = lines.get(named[1]) if named else None
        place = where if line is None else f"{where}, line {line}"
        found.append(problem if problem == NOTHING else f"{place}: {problem}")
    return "\n".join(found)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _link(data: Any) -> Any:
    from gridgen.grid.axes import linked

    return linked(**data) if isinstance(data, Mapping) else data


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


def _exact(data: Mapping[str, Any], where: str, *, trusted: bool, own: bool) -> Combinations:
    labels, follows = data.get("labels", ()), data.get("follows", {})
    records = _records(data.get("models", {}), where, own=own)
    columns = data["axes"]
    if not isinstance(columns, Mapping) or not {*FIELDS} <= {*columns}:
        lacks = [name for name in FIELDS if name not in (columns if isinstance(columns, Mapping) else ())]
        msg = f"{where}: axes lack {', '.join(lacks)}; leave out 'axes' to write only what differs from the defaults. {NOTHING}"
        raise GridError(msg)
    models = [records.get(_bare(each)) or find(_bare(each)) for each in _listed(columns["model"])]
    wrong: dict[tuple[str, int], str] = {}
    axes = []
    for name, entries in columns.items():
        column = Column(name, sent=name not in labels, follows=tuple(map(str, follows.get(name, ()))))
        for entry in map(_value, _listed(entries)):
            value, problem = entry.value, None
            if column.sent and name != "model" and not trusted:
                value, problem = _checked(name, entry.value, models)
            code = column.code(entry, () if name == "image_urls" and value is None else value)
            if problem is not None:
                wrong[name, code] = problem
        axes.append(column.axis())
    count = math.prod(len(axis) for axis in axes)
    if "cells" not in data:
        _check_count(count, where)
    positions = _numbers(data["cells"], count, where) if "cells" in data else range(count)
    reasons = {
        position: str(reason)
        for reason, cells in data.get("skipped", {}).items()
        for position in _numbers(cells, count, where)
    }
    combinations = Combinations(axes, positions, reasons, records)
    used = {name: set(combinations.active_column(combinations.axis(name))) for name, _ in wrong}
    refuse(
        [
            f"{where}: {problem}"
            for (name, code), problem in wrong.items()
            if code in used[name] or not isinstance(combinations.axis(name).values[code], _kinds(name))
        ]
    )
    return combinations if trusted else combinations.skipping(unsupported(combinations, models, ()))


def _kinds(name: str) -> tuple[type, ...]:
    """Return what a value may be that is on the axis for skipped places only."""
    return (int,) if name == "duration" else (str, int, float, tuple)


def _bare(entry: Any) -> Any:
    return entry["value"] if isinstance(entry, Mapping) else entry


def _checked(name: str, value: Any, models: Sequence[Model]) -> tuple[Any, str | None]:
    """Return a value as the catalogue spells it, and what is wrong with it if anything is."""
    try:
        return checked(name, value, models), None
    except GridError as error:
        return value, bare(error)


def _numbers(cells: Any, count: int, where: str) -> list[int]:
    found: list[int] = []
    text = str(cells).strip("[] ")
    for piece in text.split(",") if text else ():
        run = _RUN.fullmatch(piece.strip())
        first, last = (int(run[1]), int(run[2] or run[1])) if run else (0, count)
        if last >= count:
            msg = f"{where}: cells {piece.strip()!r} are not numbers from 0 to {count - 1} such as '0-7, 9'. {NOTHING}"
            raise GridError(msg)
        _check_count(len(found) + last + 1 - first, where)
        found += range(first, last + 1)
    return list(dict.fromkeys(found))


def _check_count(count: int, where: str) -> None:
    """Refuse a file that asks for more cells than are counted one by one; a few lines can name any number."""
    if count > MOST_CELLS:
        told = f"{count:,}" if count < MOST_CELLS**2 else "far"
        msg = f"{where}: it has {told} {'cells, ' if told != 'far' else ''}more than the {MOST_CELLS:,} cells that are read from a file. {NOTHING}"
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
    found = {name: _model(record) for name, record in told.items()}
    for name, model in found.items():
        if model.id != name:
            msg = f"{where}: the record of {name!r:.60} is of another model, {model.id!r:.60}. {NOTHING}"
            raise GridError(msg)
    known = sorted(name for name, model in found.items() if find(name).known and model != find(name))
    if known and not own:
        warnings.warn(
            f"{where} brings a record of its own of {', '.join(known)}, which the catalogue knows: the catalogue's "
            "counts. Where yours is meant, give it in Python, as model=gridgen.Model(...).",
            UserWarning,
            stacklevel=2,
        )
    return {name: model for name, model in found.items() if own or not find(name).known}


def _model(record: Mapping[str, Any]) -> Model:
    """Return a model from what `definition` kept of it."""
    facts = dict(record)
    made: dict[str, Callable[..., Any]] = {
        "size": Choice,
        "quality": Choice,
        "duration": Span,
        "images": Images,
    }
    for name, kind in made.items():
        if facts.get(name) is not None:
            facts[name] = kind(**_tuples(facts[name]))
    facts["options"] = {name: Option(**_tuples(each)) for name, each in facts.get("options", {}).items()}
    facts["rules"] = [
        Rule(**{side: _tuples(found) for side, found in rule.items()}) for rule in facts.get("rules", ())
    ]
    if facts.get("price") is not None:
        facts["price"] = _price(facts["price"])
    if facts.get("verified_on"):
        facts["verified_on"] = date.fromisoformat(facts["verified_on"])
    return Model(facts.pop("id"), **facts)


def _tuples(record: Mapping[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in record.items()}


def _price(record: Mapping[str, Any]) -> Price:
    facts = {"usd": {}, **record}
    facts["usd"] = {tier: money(usd, "price") for tier, usd in facts["usd"].items()}
    # an older gridgen knew a price beside images; the dearer of both is not less than what is billed
    for tier, usd in (facts.pop("with_images", None) or {}).items():
        facts["usd"][tier] = max(facts["usd"].get(tier, Decimal(0)), money(usd, "price"))
    facts["per_image"] = money(facts.get("per_image", "0"), "price")
    facts["unread"] = tuple(facts.get("unread", ()))
    if facts.get("verified_on"):
        facts["verified_on"] = date.fromisoformat(facts["verified_on"])
    return Price(**facts)


# Files


def write(combinations: Combinations, path: Path) -> None:
    """Write a grid to a file: YAML, JSON or CSV, as its name ends; its pictures are copied beside it.

    Raises
    ------
    GridError
        If the name ends otherwise, or the file cannot be written.
    """
    kind = _kind(path)
    copy_into(local_images(value for axis in combinations.axes for value in axis.values), path.parent)
    if kind == "csv":
        text = csv_of(combinations)
    elif kind == "json":
        text = json.dumps(definition(combinations), ensure_ascii=False, indent=1) + "\n"
    else:
        text = _yaml().dump(
            definition(combinations), Dumper=_dumper(), sort_keys=False, allow_unicode=True, width=_WIDEST
        )
    try:
        # a link is written through, as a person who keeps the file elsewhere expects
        with write_atomically(path.resolve(), shared=True) as part:
            part.write_bytes(text.encode())
    except OSError as error:
        msg = f"{str(path)!r} cannot be written: {error.strerror}"
        raise GridError(msg) from error


def read(path: Path, labels: Sequence[str] = ()) -> Combinations:
    """Read a grid from a file that `write` wrote or a person did.

    Parameters
    ----------
    path : Path
        A name that ends in ``.yaml``, ``.yml``, ``.json`` or ``.csv``.
    labels : sequence of str
        Columns of a CSV file that are no part of the request.

    Raises
    ------
    GridError
        Naming the file, the place in it, and the remedy.
    """
    kind = _kind(path)
    where = path.name
    text = _text(path)
    if kind == "csv":
        return from_csv(text, labels=labels, where=where)
    try:
        data = json.loads(text) if kind == "json" else _of_yaml(text)
    except json.JSONDecodeError as error:
        msg = f"{where}, line {error.lineno}, column {error.colno}: this is not JSON: {error.msg}. {NOTHING}"
        raise GridError(msg) from None
    except _yaml().YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        msg = f"{where}{line}: this is not YAML: {getattr(error, 'problem', error)}. {NOTHING}"
        raise GridError(msg) from None
    except RecursionError:
        msg = f"{where}: it is nested too deeply for a grid. {NOTHING}"
        raise GridError(msg) from None
    except (ValueError, OverflowError) as error:
        msg = f"{where}: a value in it cannot be read: {error}. {NOTHING}"
        raise GridError(msg) from None
    if not isinstance(data, Mapping):
        found = "empty" if data is None else f"a {type(data).__name__}"
        msg = f"{where} is {found}, and a grid is a mapping such as 'prompt: a paper boat'. {NOTHING}"
        raise GridError(msg)
    try:
        return codes_of(recalled(data, path.parent), where, lines=_lines(text))
    except RecursionError:
        msg = f"{where}: it is nested too deeply for a grid. {NOTHING}"
        raise GridError(msg) from None


def _lines(text: str) -> dict[str, int]:
    """Return the line on which each keyword of a YAML or JSON file first stands."""
    found: dict[str, int] = {}
    for number, line in enumerate(text.splitlines(), 1):
        for name in _KEY.findall(line):
            found.setdefault(name, number)
    return found


def _kind(path: Path) -> str:
    kind = {".yaml": "yaml", ".yml": "yaml", ".json": "json", ".csv": "csv"}.get(path.suffix.lower())
    if kind is None:
        msg = f"{path.name or str(path)!r} ends in none of .yaml, .yml, .json and .csv, which say what a grid's file holds. {NOTHING}"
        raise GridError(msg)
    return kind


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > LARGEST:
            msg = (
                f"{str(path)!r} has more than {LARGEST // 1_000_000} MB and is not read as a grid. {NOTHING}"
            )
            raise GridError(msg)
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        msg = f"{str(path)!r} cannot be read: {error.strerror}. {NOTHING}"
        raise GridError(msg) from error
    except UnicodeDecodeError as error:
        msg = f"{str(path)!r} is not UTF-8 text at byte {error.start}; save it as UTF-8. {NOTHING}"
        raise GridError(msg) from None


def _yaml() -> Any:
    import yaml  # type: ignore[import-untyped]  # the library has no types

    return yaml


def _dumper() -> Any:
    """Return a safe dumper that escapes the characters in which YAML 1.1 would break a line."""
    yaml = _yaml()

    class Dumper(yaml.SafeDumper):  # type: ignore[misc, name-defined]  # the library has no types
        pass

    def text(dumper: Any, value: str) -> Any:
        style = '"' if _BREAKS.search(value) else None
        return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)

    def items(dumper: Any, value: list[Any]) -> Any:
        short = len(str(value)) <= _SHORT and not any(isinstance(each, (dict, list)) for each in value)
        return dumper.represent_sequence("tag:yaml.org,2002:seq", value, flow_style=short)

    Dumper.add_representer(str, text)
    Dumper.add_representer(list, items)
    _read_as_core(Dumper)
    return Dumper


def _of_yaml(text: str) -> Any:
    """Read a YAML file whose aliases, written out, do not make it a thousand times larger.

    Raises
    ------
    YAMLError
        If it is none.
    GridError
        If they would, or stand for what they are part of.
    """
    loader = _loader()(text)
    try:
        node = loader.get_single_node()
        if node is None:
            return None
        _written_out(node, {})
        return loader.construct_document(node)
    finally:
        loader.dispose()


def _written_out(node: Any, known: dict[int, int]) -> int:
    """Return how many values a node of a YAML file has, each alias of it written out."""
    if not isinstance(node.value, list):
        return 1
    if id(node) in known:
        return known[id(node)]
    known[id(node)] = MOST_NODES + 1
    parts = (each for part in node.value for each in (part if isinstance(part, tuple) else (part,)))
    count = 1 + sum(_written_out(each, known) for each in parts)
    if count > MOST_NODES:
        line = node.start_mark.line + 1
        msg = f"line {line}: its aliases (*name) stand for more than {MOST_NODES:,} values, or for themselves"
        raise _yaml().constructor.ConstructorError(None, None, msg, node.start_mark)
    known[id(node)] = count
    return count


def _loader() -> Any:
    """Return a safe loader that reads scalars as YAML 1.2 does, and refuses a key that is there twice.

    YAML 1.1 takes an unquoted ``16:9`` for the number 969, and ``no`` for False.
    """
    yaml = _yaml()

    class Loader(yaml.SafeLoader):  # type: ignore[misc, name-defined]  # the library has no types
        yaml_implicit_resolvers: ClassVar[dict[str, Any]] = {}

        def construct_mapping(self, node: Any, deep: bool = False) -> Any:  # noqa: FBT001, FBT002 - the library's signature
            seen: set[Any] = set()
            for key, _ in node.value:
                name = self.construct_object(key, deep=True)
                if not isinstance(name, Hashable):
                    raise yaml.constructor.ConstructorError(
                        None, None, "a list or a mapping stands where a name is meant", key.start_mark
                    )
                if name in seen:
                    raise yaml.constructor.ConstructorError(
                        None, None, f"{name!r} is there twice", key.start_mark
                    )
                seen.add(name)
            return super().construct_mapping(node, deep=deep)

    _read_as_core(Loader)
    return Loader


def _read_as_core(kind: Any) -> None:
    """Teach a loader, or a dumper that has to know what needs quotes, the scalars of YAML 1.2's core schema."""
    for name, (pattern, first) in _CORE.items():
        kind.add_implicit_resolver(f"tag:yaml.org,2002:{name}", re.compile(pattern), list(first))


_CORE: dict[str, tuple[str, Sequence[str]]] = {
    "bool": (r"^(?:true|True|TRUE|false|False|FALSE)$", "tTfF"),
    "int": (r"^[-+]?[0-9]+$", "-+0123456789"),
    "float": (r"^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$", "-+.0123456789"),
    "null": (r"^(?:~|null|Null|NULL|)$", ("~", "n", "N", "")),
}
