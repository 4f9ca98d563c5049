"""Case I5: the states of a row are classified in one place, and what is said of each is true."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import gridgen
from gridgen.states import Phase, State

PACKAGE = Path(gridgen.__file__).parent
WORDS = {*State, *Phase}
ELSEWHERE = {
    "states.py": "their home",
    "task.py": "the words of servers for the status of a task, which is no row's",
    "journal/schema.py": "released SQL never changes",
    "gallery/js/words.js": "the order of tones, which are no states",
}
"""Files that may list such words, and why; the simulator's are a server's too."""


def words_of(node: ast.AST) -> list[str]:
    """Return the words of states in a literal or a chain of comparisons, bare or as members of `State` or `Phase`."""
    match node:
        case ast.Set(elts) | ast.List(elts) | ast.Tuple(elts):
            parts = elts
        case ast.Dict(keys):
            parts = [key for key in keys if key is not None]
        case ast.BoolOp(values=values):
            parts = [side for each in values if isinstance(each, ast.Compare) for side in each.comparators]
        case ast.MatchOr(patterns):
            parts = [each.value for each in patterns if isinstance(each, ast.MatchValue)]
        case _:
            parts = []
    return [word for part in parts if (word := word_of(part))]


def word_of(node: ast.AST) -> str:
    """Return the state or phase that an expression names, else nothing."""
    match node:
        case ast.Starred(value):
            return word_of(value)
        case ast.Constant(str(word)):
            return word
        case ast.Attribute(ast.Name("State"), name):
            return State.__members__.get(name, "")
        case ast.Attribute(ast.Name("Phase"), name):
            return Phase.__members__.get(name, "")
    return ""


def is_listing(words: list[str]) -> bool:
    """Whether two or more states, or two or more phases, stand side by side."""
    return any(len(kind.intersection(words)) > 1 for kind in (set(State), set(Phase)))


def in_python(source: str) -> list[str]:
    """Return the sets of states in a module."""
    found = [words_of(node) for node in ast.walk(ast.parse(source))]
    return [" ".join(words) for words in found if is_listing(words)]


def in_browser(source: str) -> list[str]:
    """Return the sets of states in a script or a style sheet: lists, tables, comparisons in a row, selectors."""
    word = rf"(?:{'|'.join(State)})"
    quoted, key, selector = rf'"{word}"', rf'\b"?{word}"?:\s', rf'\[data-(?:status|state)="?{word}"?\]'
    sets = (
        rf"{quoted},\s*{quoted}",
        rf"{key}[^;]*?{key}",
        rf"{quoted}[^;\n]*(?:\|\||&&)[^;\n]*(?:status|state) !?=== {quoted}",
        rf"{selector}[^{{}}]*?,\s*[^,{{}}]*{selector}",
        rf":not\({selector}\)",
    )
    return [found[0] for each in sets for found in re.finditer(each, source)]


def test_states_are_listed_nowhere_but_in_their_home() -> None:
    """Case I5: no set, list, table, comparison or selector of several states stands outside `gridgen.states`."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.*")):
        name = path.relative_to(PACKAGE).as_posix()
        look = {".py": in_python, ".js": in_browser, ".css": in_browser}.get(path.suffix)
        if look is not None and name not in ELSEWHERE and not name.startswith("simulator/"):
            found[name] = look(path.read_text("utf-8"))
    assert len(found) > 150, "the package is where the test looks"
    assert {name: sets for name, sets in found.items() if sets} == {}
