"""Which tests bear which number of a list of cases: read from the markers in the sources."""

from __future__ import annotations

import ast
import functools
from collections import defaultdict
from pathlib import Path

TESTS = Path(__file__).parent


@functools.cache
def bearers(marker: str) -> dict[str, list[str]]:
    """Return, for each argument of ``pytest.mark.<marker>(...)`` in any test, where it stands.

    A marker on a test and one on a parameter of a test count alike.
    """
    found: dict[str, list[str]] = defaultdict(list)
    for path in sorted(TESTS.rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == f"pytest.mark.{marker}":
                for argument in node.args:
                    place = f"{path.relative_to(TESTS).as_posix()}:{node.lineno}"
                    found[ast.literal_eval(argument)].append(place)
    return dict(found)
