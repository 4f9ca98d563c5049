"""What a reader meets in this house, counted: ``python tests/measures.py [root ...]``, a column for each checkout.

It reads the files, and runs one submission in a process of its own, so that any commit can be counted beside another.
"""

from __future__ import annotations

import ast
import io
import os
import statistics
import subprocess
import sys
import tempfile
import tokenize
from pathlib import Path
from typing import TYPE_CHECKING

from references import dangling

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MONEY = ("submitting", "execution", "budget", "store", "lease", "writer", "money", "limiter")
"""Modules in which money moves, by name."""

PRIVATE = frozenset(
    [
        "agenda",
        "standing",
        "misses",
        "funds",
        "settling",
        "line",
        "pace",
        "proof",
        "outlet",
        "channel",
        "feed",
        "skeleton",
        "known",
        "exchange",
        "private",
        "thinning",
        "limits",
        "building",
        "tables",
        "sheet",
        "places",
        "shelf",
        "fate",
        "orders",
        "refusals",
        "painters",
        "footage",
        "ranges",
        "embedded",
        "rover",
        "tray",
        "stage",
        "deck",
        "duel",
        "finder",
        "words",
        "strip",
        "verdict",
        "facts",
        "tools",
        "sender",
        "book",
        "host",
        "link",
        "tip",
        "standings",
    ]
)
"""Names of modules that only this house used for what they hold."""


def modules(root: Path) -> list[Path]:
    """Return the package's modules, the simulator's included."""
    return sorted((root / "gridgen").rglob("*.py"))


def functions(root: Path) -> Iterator[int]:
    """Yield the lines of each function."""
    for path in modules(root):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                yield (node.end_lineno or node.lineno) - node.lineno + 1


def public_names(root: Path, module: str, name: str) -> int:
    """Count the methods and properties of a class that a person sees."""
    tree = ast.parse((root / "gridgen" / module / "__init__.py").read_text("utf-8"))
    found = next(node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == name)
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return len(
        {each.name for each in found.body if isinstance(each, kinds) and not each.name.startswith("_")}
    )


def odd_names(root: Path) -> int:
    """Count modules and scripts that are called as nothing else is in the field."""
    scripts = (root / "gridgen/gallery/js").glob("*.js")
    return sum(path.stem in PRIVATE for path in (*modules(root), *scripts) if "clips" not in path.parts)


def comments(root: Path) -> float:
    """Return the comments in a hundred lines of code where money moves."""
    lines = said = 0
    for path in modules(root):
        if path.stem in MONEY and "simulator" not in path.parts:
            text = path.read_text("utf-8")
            lines += sum(bool(line.strip()) for line in text.splitlines())
            tokens = tokenize.generate_tokens(io.StringIO(text).readline)
            said += sum(token.type == tokenize.COMMENT and "noqa" not in token.string for token in tokens)
    return 100 * said / max(1, lines)


def words(root: Path) -> int:
    """Count the words of the documentation's pages as they are written."""
    return sum(len(path.read_text("utf-8").split()) for path in (root / "docs").rglob("*.md"))


SUBMISSION = """
import math, sys, threading
from pathlib import Path
from gridgen import Grid, Simulator, Sweep

package, deepest = str(Path(sys.modules["gridgen"].__file__).parent), 0

def look(frame, event, _):
    global deepest
    posts = event == "call" and frame.f_code.co_name == "handle_async_request" and any(
        getattr(value, "method", None) == "POST" for value in frame.f_locals.values()
    )
    depth = 0
    while posts and frame:
        depth += frame.f_code.co_filename.startswith(package) and "/simulator/" not in frame.f_code.co_filename
        frame = frame.f_back
    deepest = max(deepest, depth)

threading.setprofile(look)
Sweep(Grid(prompt="boat"), client=Simulator(speed=math.inf, clips="tiny").client(), folder=sys.argv[1]).run()
print(deepest)
"""
"""Prints how many frames of the package stand above each other where a submission leaves for the transport."""


def deepest_submission(root: Path) -> int:
    """Count the frames of the package on the call stack of a submission."""
    with tempfile.TemporaryDirectory() as folder:
        places = {"PYTHONPATH": str(root), "XDG_RUNTIME_DIR": folder, "XDG_STATE_HOME": folder}
        command = [sys.executable, "-c", SUBMISSION, f"{folder}/sweep"]
        ran = subprocess.run(
            command, env={**os.environ, **places}, cwd=folder, capture_output=True, text=True, check=True
        )
    return int(ran.stdout.split()[-1])


MEASURES: dict[str, Callable[[Path], float]] = {
    "lines of Python": lambda root: sum(len(path.read_text("utf-8").splitlines()) for path in modules(root)),
    "modules": lambda root: len(modules(root)),
    "functions": lambda root: len(list(functions(root))),
    "lines of a function, 90 %": lambda root: statistics.quantiles(functions(root), n=10)[-1],
    "public names on Sweep": lambda root: public_names(root, "sweep", "Sweep"),
    "public names on Client": lambda root: public_names(root, "client", "Client"),
    "public names on Grid": lambda root: public_names(root, "grid", "Grid"),
    "modules and scripts of odd names": odd_names,
    "frames of a submission's call stack": deepest_submission,
    "comments in 100 lines of money code": comments,
    "citations that no page explains": lambda root: len(dangling(root)),
    "words of documentation": words,
}


def main(roots: list[Path]) -> None:
    """Print a line for each measure, with a column for each checkout."""
    for name, measure in MEASURES.items():
        columns = "".join(f"{round(measure(root), 1):>10g}" for root in roots)
        sys.stdout.write(f"{name:38}{columns}\n")


if __name__ == "__main__":
    main([Path(each) for each in sys.argv[1:]] or [Path(__file__).parents[1]])
