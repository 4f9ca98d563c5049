"""Grids in tables: CSV, data frames, lists of mappings, one cell a row."""

from __future__ import annotations

import contextlib
import csv
import io
import itertools
import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from gridgen.errors import GridError, Problem
from gridgen.grid.axes import NO_IMAGE, NOTHING, RESERVED, Collecting, checked, entries, meant, refuse
from gridgen.grid.cells import FIELDS, Cell, option_names
from gridgen.grid.columns import Column
from gridgen.grid.combinations import Combinations, strides
from gridgen.grid.compatibility import unsupported
from gridgen.models import DEFAULT_MODEL, Model, find
from gridgen.values import Value, plain

__all__ = ["bare_text", "csv_of", "csv_text", "from_csv", "from_rows", "names_in", "promoted"]

_DECLARED = re.compile(r'"?sep=(.)"?\r?\n', re.IGNORECASE)
_PROSE = frozenset({"prompt", "negative_prompt"})
_KEY = re.compile("[0-9a-f]{64}")
_BEYOND = "what stands beyond the header"
_FORMULA = re.compile(r"'*[=+\-@\t\r]")
_MOST_NAMED = 20
_LONGEST = 30
"""Characters of the longest whole number that is read."""
_WHOLE = re.compile(r"[-+]?\d+(?:\.0*)?")
_FLAGS = {"true": True, "on": True, "1": True, "false": False, "off": False, "0": False}


def from_csv(text: str, *, labels: Sequence[str] = (), where: str = "the table") -> Combinations:
    """Return the places that a CSV file lists, as `from_rows` does; commas, semicolons or tabs part its columns.

    Raises
    ------
    GridError
        As `from_rows`.
    """
    text = text if "\n" in text else text.replace("\r", "\n")
    declared = _DECLARED.match(text)
    above = 1 if declared else 0
    text = text[declared.end() :] if declared else text
    header = text.partition("\n")[0]
    delimiter = declared[1] if declared else max(",;\t", key=header.count)
    # strict: what follows a quote that nobody closes would be one long prompt
    rows = csv.DictReader(io.StringIO(text), delimiter=delimiter, restkey=_BEYOND, strict=True)
    reading = _Table(where, labels, texts=True)
    before = csv.field_size_limit(max(csv.field_size_limit(), len(text)))
    try:
        _check_header(rows.fieldnames or (), where)
        padded = any(name != name.strip() for name in rows.fieldnames or () if name)
        for number, (line, row) in enumerate(_unescaped(rows, where, above), 1):
            reading.add(number, _trimmed(row, padded=padded), line)
    except csv.Error as error:
        # the line of the row before: where this one ends nobody can tell
        line = above + rows.line_num + 1
        why = "a quote is opened and never closed" if str(error) == "unexpected end of data" else str(error)
        problem = Problem(f"this is not CSV: {why}", where=f"{where}, line {line}", line=line)
        raise GridError(problem, nothing=NOTHING) from None
    finally:
        csv.field_size_limit(before)
    return reading.combinations()


def _check_header(names: Iterable[object], where: str) -> None:
    """Refuse two columns of one name, of which only one would be read."""
    seen: dict[str, object] = {}
    for name in names:
        word = str(name or "").strip().casefold()
        if word in seen:
            why = f"two columns are called {word!r}"
            raise GridError(
                Problem(why, word, remedy="rename one or leave it out", where=where), nothing=NOTHING
            )
        if word:
            seen[word] = name


def _trimmed(row: Mapping[str, Any], *, padded: bool) -> dict[str, Any]:
    """Return a row without the blanks around its names, and around the values that are no prose, or all in a padded file."""
    prose = set() if padded else _PROSE
    return {
        name.strip(): value.strip(" \t") if isinstance(value, str) and name not in prose else value
        for name, value in row.items()
    }


def csv_text(value: Any) -> str:
    """Return a text that no spreadsheet takes for a formula (OWASP ASVS 1.2.10)."""
    if isinstance(value, tuple) and all(isinstance(each, str) for each in value):
        value = " ".join(value)
    if isinstance(value, (dict, tuple)):
        value = json.dumps(value, ensure_ascii=False)
    text = "" if value is None else str(value).replace("\0", "")
    return f"'{text}" if _FORMULA.match(text) else text


def _unescaped(rows: csv.DictReader[str], where: str, above: int) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the rows of a CSV file with their first lines, names and texts as they were before they were kept from being formulas.

    Raises
    ------
    GridError
        If a row has more values than the header has names: a text with a comma that
        stands in no quotes would be cut there, and the clip paid all the same.
    """
    for number, row in enumerate(rows, 2 + above):
        beyond = row.pop(_BEYOND, None)
        line = above + rows.line_num - sum(text.count("\n") for text in row.values() if text)
        if beyond is not None and any(beyond):
            raise _too_long(
                len(rows.fieldnames or ()),
                beyond,
                f"{where}, row {number} of the file (the header is row {1 + above})",
                line,
            )
        yield line, {bare_text(name): bare_text(text) for name, text in row.items()}


def _too_long(columns: int, beyond: Sequence[str], place: str, line: int) -> GridError:
    why = (
        f"it has {columns + len(beyond)} values, and the header names {columns} "
        f"{'column' if columns == 1 else 'columns'}; what is too much is {beyond[0]!r:.60}"
    )
    advice = "Put a text that holds a comma, or whatever parts the columns, in double quotes."
    return GridError(Problem(why, value=beyond[0], where=place, line=line), nothing=f"{advice} {NOTHING}")


def names_in(header: Sequence[str]) -> list[str]:
    """Return the names of a header that was kept from being formulas."""
    return [bare_text(name) for name in header]


def bare_text(text: Any) -> Any:
    """Return a text of a table as it was before it was kept from being a formula; anything else as it is."""
    return text[1:] if isinstance(text, str) and text[:1] == "'" and _FORMULA.match(text) else text


def csv_of(combinations: Combinations) -> str:
    """Return a CSV file of all places, one a row; no spreadsheet takes a text of it for a formula."""
    out = io.StringIO()
    table = csv.writer(out)
    names = [axis.name for axis in combinations.axes]
    skipped = ["skipped"] if combinations.reasons else []
    table.writerow([*map(csv_text, names), *skipped, "cell"])
    for index, cell in enumerate(combinations.cells()):
        why = [csv_text(combinations.reason(index))] if skipped else []
        table.writerow([*(csv_text(cell.get(name)) for name in names), *why, cell.key])
    return out.getvalue()


def from_rows(
    rows: Any,
    *,
    labels: Sequence[str] = (),
    where: str = "the table",
    checks: bool = True,
) -> Combinations:
    """Return the places that a table lists, one a row; what is there twice is one place.

    Parameters
    ----------
    rows : DataFrame or iterable of mappings
        A column for each request field that is stated. Columns that gridgen's own
        tables have besides are passed over, and rows with a text in ``skipped``, or
        the status ``skipped``, are skipped.
    labels : sequence of str
        Columns that are no part of the request.
    where : str
        What the table is, for messages.
    checks : bool
        Whether the values are checked against the catalogue.

    Raises
    ------
    GridError
        If a column or a value is wrong; the row is named.
    """
    reading = _Table(where, labels, checks=checks)
    for number, row in enumerate(_mappings(rows, where), 1):
        reading.add(number, row)
    return reading.combinations()


PARENT = "parent"
"""The axis that holds the key of the draft which a cell was promoted from."""


def promoted(chosen: Iterable[tuple[Cell, int]], changes: Mapping[str, Any]) -> Combinations:
    """Return cells with some fields changed, each with the key of the cell that it comes from.

    Parameters
    ----------
    chosen : iterable of (Cell, int)
        Each with the take that is meant.
    changes : mapping
        From field to the value, or the values, that take the place of the cell's own.

    Raises
    ------
    GridError
        If there are no cells, or a value is wrong.
    """
    given = {name: [entry.value for entry in entries(name, value)] for name, value in changes.items()}
    rows = [
        {
            **cell.stated(),
            **dict(cell.labels),
            "model": cell.spec,
            PARENT: cell.key,
            **({"seed": take} if take > 1 and "model" not in changes else {}),
            **dict(zip(given, values, strict=True)),
        }
        for cell, take in chosen
        for values in itertools.product(*given.values())
    ]
    labels = dict.fromkeys(name for row in rows for name in row if name not in (*FIELDS, *option_names()))
    combinations = from_rows(rows, labels=list(labels), where="promote")
    varied = tuple(axis.name for axis in combinations.axes if axis.sent and len(axis) > 1)
    axes = [replace(axis, follows=varied) if axis.name == PARENT else axis for axis in combinations.axes]
    return Combinations(axes, combinations.positions, combinations.left_out, combinations.records)


def _mappings(rows: Any, where: str) -> Iterator[Mapping[str, Any]]:
    if hasattr(rows, "to_dict") and hasattr(rows, "columns"):
        _check_header(rows.columns, where)
        rows = rows.to_dict("records")
    if isinstance(rows, (str, bytes, Mapping)) or not isinstance(rows, Iterable):
        why = f"rows are a DataFrame or a list of mappings, not a {type(rows).__name__}"
        raise GridError(Problem(why, where=where), nothing=NOTHING)
    for number, row in enumerate(rows, 1):
        if not isinstance(row, Mapping):
            why = f"{row!r:.60} is not a mapping from field to value"
            raise GridError(Problem(why, value=row, where=f"{where}, row {number}"), nothing=NOTHING)
        yield row


class _Table:
    """A grid in the making, row by row."""

    def __init__(
        self, where: str, labels: Sequence[str], *, texts: bool = False, checks: bool = True
    ) -> None:
        self.where, self.labels, self.texts, self.checks = where, tuple(labels), texts, checks
        self.columns: dict[str, Column] = {}
        self.rows: list[dict[str, int]] = []
        self.reasons: dict[int, str] = {}
        self.models: dict[str, Model] = {}
        self.problems: list[Problem] = []
        self.line: int | None = None
        self._known: dict[tuple[str, str, str, bool], Any] = {}
        self._strange: set[Any] = set()
        self._fine: set[Any] = set()
        self._odd: list[Problem] = []
        self._keys: set[str] = set()
        self._as_known: dict[Any, str] | None = None

    def add(self, number: int, row: Mapping[str, Any], line: int | None = None) -> None:
        """Take in one row."""
        self.line = line
        row = self._named(row)
        if all(map(_is_missing, row.values())):
            return  # a spreadsheet has rows of nothing below its table
        self._check_columns(row)
        given = {name: value for name, value in row.items() if self._is_stated(name, value)}
        key = row.get("cell")
        if isinstance(key, str) and _KEY.fullmatch(key):
            self._keys.add(key)
        place = f"{self.where}, row {number}"
        model = find(given.get("model", DEFAULT_MODEL))
        self.models.setdefault(model.id, model)
        stated = {**given, "model": model.id}
        for name, default in model.defaults.items():
            stated.setdefault(name, default)
        stated.setdefault("image_urls", None)
        if "prompt" not in stated:
            self.problems.append(Problem(f"{place} has no prompt", "prompt", line=self.line))
        why = self._skipped(row)
        if why is not None:
            self.reasons[len(self.rows)] = why
        self.rows.append(
            {
                name: self._code(place, name, value, model, checks=self.checks and why is None)
                for name, value in stated.items()
            }
        )

    def _skipped(self, row: Mapping[str, Any]) -> str | None:
        """Return why a row is skipped, None if it is not."""
        why = row.get("error") if row.get("status") == "skipped" else row.get("skipped")
        if isinstance(why, str) and why:
            return why
        return "skipped" if row.get("status") == "skipped" else None

    def _is_stated(self, name: Any, value: Any) -> bool:
        return name not in RESERVED and not _is_missing(value)

    def _named(self, row: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return a row with the fields of a request by their names, however large their letters are."""
        if self._as_known is None:
            known = {*FIELDS, *option_names(), *RESERVED}
            self._as_known = {
                name: name.strip().casefold()
                for name in map(str, row)
                if name not in self.labels and name not in known
                if name.strip().casefold() in known - set(row)
            }
        return {self._as_known.get(name, name): value for name, value in row.items()}

    def _check_columns(self, row: Mapping[str, Any]) -> None:
        """Note columns that are no fields: slots of a grid, where the table turns out to be one of gridgen's own."""
        if self._fine.issuperset(row):
            return
        known = [*FIELDS, *option_names(), *self.labels]
        self._fine.update(name for name in row if name in known or name in RESERVED)
        for name, value in row.items():
            if name not in self._fine and not _is_missing(value):
                self._fine.add(name)
                self._strange.add(name)
                why = f"{name!r} is not a field of a request"
                hint, lacking = meant(name, known)
                remedy = f"rename the column, leave it out, or name it in labels=[{name!r}]"
                remedy = f"{lacking}; {remedy}" if lacking else remedy
                self._odd.append(Problem(why, str(name), None, tuple(known), hint, remedy, self.where))

    def _code(self, place: str, name: str, value: Any, model: Model, *, checks: bool) -> int:
        column = self.columns.setdefault(name, Column(name, sent=name not in (*self.labels, *self._strange)))
        if column.sent and name != "model":
            value = self._checked(place, name, value, model, checks=checks)
        return column.code(Value(None), plain(value).value)

    def _checked(self, place: str, name: str, value: Any, model: Model, *, checks: bool) -> Any:
        key = (model.id, name, repr(value), checks)
        if key not in self._known:
            typed = _of_text(name, value, model) if self.texts and isinstance(value, str) else value
            self._known[key] = None
            with Collecting(self.problems, name, place, self.line):
                self._known[key] = self._settled(name, plain(typed).value, model, checks=checks)
        return self._known[key]

    def _settled(self, name: str, value: Any, model: Model, *, checks: bool) -> Any:
        if name == "duration" and isinstance(value, float) and value.is_integer():
            value = int(value)
        if name == "image_urls" and value == NO_IMAGE:
            value = None
        if checks:
            return checked(name, value, [model])
        if name == "image_urls" and value is None:
            return ()
        choice = {"size": model.size, "quality": model.quality}.get(name)
        if choice is not None:
            return choice.word(value) or value
        return tuple(value) if isinstance(value, list) else value

    def combinations(self) -> Combinations:
        """Return the places, once all rows are in."""
        if not self.rows and not self.problems:
            self.problems.append(Problem(f"{self.where} has no rows"))
        if not self._keys:
            self.problems[:0] = self._odd
        refuse(self.problems[:_MOST_NAMED])
        names = list(self.columns)
        for name, column in self.columns.items():
            nothing: Any = () if name == "image_urls" else None
            for codes in self.rows:
                if name not in codes:
                    codes[name] = column.code(Value(None), nothing)
        axes = [self.columns[name].axis() for name in names]
        steps = dict(zip(names, strides([len(axis) for axis in axes]), strict=True))
        found = [sum(code * steps[name] for name, code in codes.items()) for codes in self.rows]
        reasons = {found[at]: why for at, why in self.reasons.items()}
        records = {name: model for name, model in self.models.items() if find(name) is not model}
        combinations = Combinations(axes, list(dict.fromkeys(found)), reasons, records)
        if self._odd and all(cell.key not in self._keys for cell in combinations.cells()):
            # no key is that of what was read, so what is no field may be one that is misspelled
            refuse(self._odd[:_MOST_NAMED])
        if not self.checks:
            return combinations
        models = [self.models[name] for name in combinations.axis("model").values]
        return combinations.skipping(unsupported(combinations, models, ()))


def _is_missing(value: Any) -> bool:
    missing = value is None or value in ("", (), []) or (isinstance(value, float) and math.isnan(value))
    return missing or type(value).__name__ in {"NAType", "NaTType"}


def _of_text(name: str, text: str, model: Model) -> Any:
    """Return what a text of a CSV file means for a field."""
    option = model.option(name)
    kind = {"duration": "integer", "image_urls": "urls"}.get(name) or (option.kind if option else "text")
    found: Any = text
    if kind == "integer" and len(text) <= _LONGEST and _WHOLE.fullmatch(text.strip()):
        found = int(float(text))
    elif kind == "flag":
        found = _FLAGS.get(text.strip().lower(), text)
    elif kind == "urls":
        found = text.split()
    elif kind in {"object", "objects"}:
        with contextlib.suppress(ValueError, RecursionError):
            found = json.loads(text)
    return found
