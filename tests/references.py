"""Which numbered facts and cases tests and sources cite, and which of them `docs/sources.md` does not explain.

Run it for the figures: ``python tests/references.py``. It ends with 1 if a reference dangles.
"""

from __future__ import annotations

import ast
import io
import re
import sys
import tokenize
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]

CODE = r"[A-Z]\d{1,2}(?![\w-])"
# "case F6" is another list than "F6"; a word holds for all that follow it with commas, "and" and "to"
CITED = re.compile(rf"(?<![\w.-])(?P<case>[Cc]ases? )?(?P<codes>{CODE}(?:(?:, | and | to ){CODE})*)")
EXPLAINED = re.compile(rf"^\| (?P<case>case )?(?P<code>{CODE}) \| (?P<says>[^|]+) \|$", re.MULTILINE)
MARKED = {"conformance", "security"}


class Reference(NamedTuple):
    """A number that somebody cites, and where."""

    code: str
    place: str


def read(text: str) -> list[str]:
    """Return what a sentence cites: ``"F6"`` of the faults, ``"case F6"`` of the cases; a range is all of its numbers."""
    lists = [("case " if found["case"] else "", found["codes"]) for found in CITED.finditer(text)]
    return [kind + code for kind, codes in lists for code in _each(codes)]


def _each(codes: str) -> Iterator[str]:
    for part in re.split(r", | and ", codes):
        first, _, last = part.partition(" to ")
        letter, end = first[0], last or first
        for number in range(int(first[1:]), int(end[1:]) + 1):
            yield f"{letter}{number}"


def of_python(text: str) -> Iterator[tuple[int, str]]:
    """Yield what a module says of itself, with its lines: docstrings, comments, and the arguments of markers."""
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield getattr(node, "lineno", 1), ast.get_docstring(node) or ""
        if isinstance(node, ast.Call) and ast.unparse(node.func).removeprefix("pytest.mark.") in MARKED:
            for argument in node.args:
                yield node.lineno, str(ast.literal_eval(argument))
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string


def of_javascript(text: str) -> Iterator[tuple[int, str]]:
    """Yield the comments of a module and the titles of its tests, with their lines."""
    for number, line in enumerate(text.splitlines(), 1):
        for found in re.finditer(r"^\s*(?:/?\*|//)(.*)$|\s// (.*)$|\btest\(\s*[\"'`](.*?)[\"'`],", line):
            yield number, "".join(filter(None, found.groups()))


def cited(root: Path = ROOT) -> list[Reference]:
    """Return every reference of tests and sources."""
    found = []
    for folder in ("gridgen", "tests"):
        for path in sorted((root / folder).rglob("*")):
            read_as = {".py": of_python, ".js": of_javascript, ".mjs": of_javascript}.get(path.suffix)
            if read_as:
                place = path.relative_to(root).as_posix()
                told = read_as(path.read_text(encoding="utf-8"))
                found += [Reference(code, f"{place}:{line}") for line, said in told for code in read(said)]
    return found


def explained(root: Path = ROOT) -> dict[str, str]:
    """Return what the page of sources says of each number."""
    sources = root / "docs" / "sources.md"
    text = sources.read_text(encoding="utf-8") if sources.exists() else ""
    return {f"{row['case'] or ''}{row['code']}": row["says"].strip() for row in EXPLAINED.finditer(text)}


def dangling(root: Path = ROOT) -> list[Reference]:
    """Return the references that the page of sources does not explain."""
    known = explained(root)
    return [reference for reference in cited(root) if reference.code not in known]


if __name__ == "__main__":
    lost = dangling()
    sys.stdout.write(f"{len(cited())} references to {len({each.code for each in cited()})} facts and cases\n")
    sys.stdout.write(f"{len(lost)} dangling\n" + "".join(f"{each.place}: {each.code}\n" for each in lost))
    sys.exit(bool(lost))
