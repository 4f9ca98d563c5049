"""Grids in files: YAML, JSON and CSV."""

from __future__ import annotations

import codecs
import contextlib
import json
import re
from collections.abc import Hashable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from gridgen.atomic import write_atomically
from gridgen.errors import GridError, Problem, absent
from gridgen.grid.axes import NOTHING
from gridgen.grid.definition import codes_of, definition
from gridgen.grid.images import copy_into, local_images, recalled
from gridgen.grid.rows_io import csv_of, from_csv

if TYPE_CHECKING:
    from pathlib import Path

    from gridgen.grid.combinations import Combinations

__all__ = ["read", "write"]

LARGEST = 100_000_000
"""Bytes of the largest file that is read."""

MOST_NODES = 2_000_000
"""Values of the largest YAML file that is read, each alias written out."""

_KEY = re.compile(r"""(?:^|[{,\s])["']?(\w+)["']?\s*:(?=\s|$)""")
_BREAKS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff]")
_SHORT, _WIDEST = 90, 1_000
"""Characters of a list that stands in one line, and of a line before a text is broken."""


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
            # without the mark Excel takes UTF-8 for the code page of the machine
            part.write_bytes(text.encode("utf-8-sig" if kind == "csv" else "utf-8"))
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
        data = _data(kind, text, where)
        return codes_of(recalled(data, path.parent), where, lines=_lines(text))
    except RecursionError:
        problem = Problem("it is nested too deeply for a grid", where=where)
        raise GridError(problem, nothing=NOTHING) from None


def _data(kind: str, text: str, where: str) -> Mapping[str, Any]:
    """Return what a JSON or YAML file holds, as plain values."""
    try:
        data = json.loads(text) if kind == "json" else _of_yaml(text)
    except json.JSONDecodeError as error:
        place = f"{where}, line {error.lineno}, column {error.colno}"
        problem = Problem(f"this is not JSON: {error.msg}", where=place, line=error.lineno)
    except _yaml().YAMLError as error:
        problem = _not_yaml(error, where)
    except (ValueError, OverflowError) as error:
        problem = Problem(f"a value in it cannot be read: {error}", where=where)
    else:
        if isinstance(data, Mapping):
            return data
        found = "empty" if data is None else f"a {type(data).__name__}"
        problem = Problem(f"{where} is {found}, and a grid is a mapping such as 'prompt: a paper boat'")
    raise GridError(problem, nothing=NOTHING)


def _not_yaml(error: Any, where: str) -> Problem:
    why, mark = f"this is not YAML: {getattr(error, 'problem', error)}", getattr(error, "problem_mark", None)
    if mark is None:
        return Problem(why, where=where)
    place = f"{where}, line {mark.line + 1}, column {mark.column + 1}"
    return Problem(why, where=place, line=mark.line + 1)


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
        msg = f"{path.name or str(path)!r} ends in none of .yaml, .yml, .json and .csv, which say what a grid's file holds"
        raise GridError(msg, nothing=NOTHING)
    return kind


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > LARGEST:
            msg = f"{str(path)!r} has more than {LARGEST // 1_000_000} MB and is not read as a grid"
            raise GridError(msg, nothing=NOTHING)
        return _decoded(path.read_bytes())
    except FileNotFoundError:
        raise GridError(absent(path, "file", path.suffix), nothing=NOTHING) from None
    except OSError as error:
        msg = f"{str(path)!r} cannot be read: {error.strerror}"
        raise GridError(msg, nothing=NOTHING) from error
    except UnicodeDecodeError as error:
        msg = f"{str(path)!r} is not UTF-8 text at byte {error.start}; save it as UTF-8"
        raise GridError(msg, nothing=NOTHING) from None


def _decoded(data: bytes) -> str:
    # Excel's "Unicode Text" is UTF-16 with a mark
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        with contextlib.suppress(UnicodeDecodeError):
            return data.decode("utf-16")
    return data.decode("utf-8-sig")


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
