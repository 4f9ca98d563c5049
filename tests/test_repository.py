"""The repository as a whole: its layout, its names, its documents, its notebooks."""

from __future__ import annotations

import ast
import enum
import importlib
import inspect
import json
import re
import subprocess
from pathlib import Path

import pytest

import gridgen

ROOT = Path(__file__).parents[1]
TOP = {
    "CHANGELOG.md",
    "LICENSE",
    "README.md",
    "binder",
    "docs",
    "gridgen",
    "notebooks",
    "pyproject.toml",
    "tests",
}
SHIPPED = sorted((ROOT / "gridgen").rglob("*.py"))
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
VAGUE_FILES = {
    "utils",
    "util",
    "helpers",
    "helper",
    "common",
    "misc",
    "managers",
    "handlers",
    "services",
    "factories",
}
VAGUE_CLASSES = re.compile(r"(Manager|Handler|Service|Factory|Helper|Utils?)$")
# what a page may not show: a place on some machine, a port, a key, the query that signs a link
PRIVATE = {
    "an absolute path": re.compile(r"(?<![\w:/.<])/(?:home|root|tmp|work|Users|mnt|var|opt|srv)/\w"),
    "a port": re.compile(r"(?:127\.0\.0\.1|localhost):\d+"),
    "a key": re.compile(r"\b(?:sk|sim)-[A-Za-z0-9_-]{8,}"),
    "a signed link": re.compile(r"[?&](?:X-Amz-|Signature=|token=|sig=)", re.IGNORECASE),
}


def ours() -> list[str]:
    """Return what git keeps, or would keep if all were added."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout")
    return [name for name in listed.stdout.splitlines() if (ROOT / name).exists()]


def test_top_level_is_as_agreed():
    """Nothing lies at the top but the agreed files and folders, and dot-files."""
    found = {name.split("/")[0] for name in ours()}

    assert {name for name in found if not name.startswith(".")} == TOP


def test_nothing_large_or_generated_is_kept():
    """No file passes 1 MB, and no clip, database or cache is in the tree."""
    names = ours()

    assert [name for name in names if (ROOT / name).stat().st_size > 1_000_000] == []
    assert [name for name in names if re.search(r"\.(mp4|webm|sqlite|pyc|part|log)$", name)] == []


def test_no_text_names_a_machine():
    """No document, source or script holds a path of somebody's machine or a key of the real kind."""
    texts = [
        name
        for name in ours()
        if name.endswith((".md", ".py", ".toml", ".txt", ".js", ".css")) or "." not in name
    ]
    sources = {
        name: (ROOT / name).read_text(encoding="utf-8") for name in texts if not name.startswith("tests/")
    }

    assert [name for name, text in sources.items() if re.search(r"/(?:root|home/\w+|work)/\w", text)] == []
    assert [name for name, text in sources.items() if re.search(r"\bsk-[A-Za-z0-9]{16,}", text)] == []


def test_readme_is_short_and_shows_code_early():
    """The README has at most 120 lines, and its first code stands by line 35."""
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    fences = [number for number, line in enumerate(lines, 1) if line.startswith("```")]

    assert len(lines) <= 120
    assert fences
    assert fences[0] <= 35


def test_readme_links_lead_somewhere():
    """Every relative link and image of the README is a file of the repository."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    targets = re.findall(r"\]\(([^)#\s]+)", text) + re.findall(r'(?:src|href)="([^"#]+)"', text)
    local = [target for target in targets if not target.startswith(("http://", "https://"))]

    assert [target for target in local if not (ROOT / target).exists()] == []


def test_changelog_names_the_version():
    """The changelog has an entry for the version that the package and pyproject.toml state."""
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")

    assert f'\nversion = "{gridgen.__version__}"\n' in project
    assert re.search(rf"^## \[?{re.escape(gridgen.__version__)}\b", changelog, re.MULTILINE)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: str(path.relative_to(ROOT)))
def test_names_say_what_things_are(path):
    """No module or class is named for being of use: Manager, Handler, Helper, Service, Factory, utils."""
    classes = [node.name for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ClassDef)]

    assert path.stem.strip("_") not in VAGUE_FILES
    assert [name for name in classes if VAGUE_CLASSES.search(name)] == []


def test_modules_are_of_a_size_to_read():
    """JavaScript modules have at most 600 lines."""
    modules = (ROOT / "gridgen").rglob("*.js")

    assert [path.name for path in modules if len(path.read_text().splitlines()) > 600] == []


def test_public_names_are_sorted_and_exist():
    """`gridgen.__all__` is sorted without doubles, each name is importable, and `dir` lists it."""
    assert sorted(set(gridgen.__all__)) == gridgen.__all__
    assert [name for name in gridgen.__all__ if not hasattr(gridgen, name)] == []
    assert set(gridgen.__all__) <= set(dir(gridgen))
    with pytest.raises(AttributeError, match="no attribute 'Gird'"):
        gridgen.Gird  # noqa: B018 - the misspelt name is what is tried


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_module_says_what_it_offers(path):
    """A module's `__all__` names only what it has."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    module = importlib.import_module(".".join(part for part in parts if part != "__init__"))

    assert module.__doc__
    assert [name for name in getattr(module, "__all__", ()) if not hasattr(module, name)] == []


def imported_to_run(module: ast.AST) -> list[ast.ImportFrom]:
    """Return the imports from other modules, those for type checkers only left out."""
    found: list[ast.ImportFrom] = []
    for node in ast.iter_child_nodes(module):
        if isinstance(node, ast.ImportFrom):
            found.append(node)
        elif not (isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"):
            found += imported_to_run(node)
    return found


PACKAGES = sorted(
    path.parent for path in SHIPPED if path.name == "__init__.py" and path.parent.name != "gridgen"
)


@pytest.mark.parametrize("folder", PACKAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_part_leans_on_its_modules_and_not_they_on_it(folder):
    """Inside a package imports point down only: no module takes what it runs with from the package itself."""
    package = ".".join(folder.relative_to(ROOT).parts)
    inner = {path.stem for path in folder.iterdir()}
    taken = [
        (path.name, each.name)
        for path in folder.glob("*.py")
        for node in imported_to_run(ast.parse(path.read_text()))
        if node.module == package
        for each in node.names
    ]

    assert [pair for pair in taken if pair[1] not in inner] == []


def members(owner: object) -> list[tuple[str, object]]:
    """Return the public functions, methods and properties of a public name."""
    if not inspect.isclass(owner):
        return [("", owner)]
    found: list[tuple[str, object]] = []
    for name, value in inspect.getmembers_static(owner):
        home = next((base for base in owner.__mro__ if name in vars(base)), object)
        if name.startswith("_") or not home.__module__.startswith("gridgen"):
            continue
        plain = value.__func__ if isinstance(value, staticmethod | classmethod) else value
        if callable(plain) or isinstance(plain, property):
            found.append((name, plain))
    return found


PUBLIC = [
    pytest.param(member, id=".".join(filter(None, (name, inner))))
    for name in gridgen.__all__
    for inner, member in [("", getattr(gridgen, name)), *members(getattr(gridgen, name))]
]


@pytest.mark.parametrize("member", PUBLIC)
def test_public_names_are_documented(member):
    """Every public class, function, method and property has a docstring that ends its first line."""
    text = inspect.getdoc(member)

    assert text
    assert text.splitlines()[0].rstrip().endswith((".", ":", "?"))


def takes_arguments(member: object) -> bool:
    """Tell whether a public name is called with arguments that it names itself."""
    return callable(member) and (not inspect.isclass(member) or "__init__" in vars(member))


INVENTED = {gridgen.linked, gridgen.search_replace, gridgen.template}
"""Functions whose keywords the user thinks of."""


@pytest.mark.parametrize("member", [case for case in PUBLIC if takes_arguments(*case.values)])
def test_no_signature_hides_its_arguments(member):
    """No public callable takes **kwargs, unless a TypedDict names them: completion must show what there is."""
    parameters = inspect.signature(member).parameters.values()
    catchalls = [each for each in parameters if each.kind is inspect.Parameter.VAR_KEYWORD]

    assert member in INVENTED or [each for each in catchalls if "Unpack[" not in str(each.annotation)] == []


CLASSES = [
    value
    for value in (getattr(gridgen, name) for name in gridgen.__all__)
    if inspect.isclass(value) and not issubclass(value, BaseException | enum.Enum)
]


@pytest.mark.parametrize("value", CLASSES)
def test_every_argument_of_a_class_is_described(value):
    """Each argument that makes a public object is named in its docstring."""
    documented = inspect.getdoc(value) or ""
    named = [each.name for each in inspect.signature(value).parameters.values()]

    assert [name for name in named if not re.search(rf"\b{name}\b", documented)] == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
class TestNotebooks:
    """What a committed notebook holds."""

    def test_is_small(self, path):
        """A notebook has at most 200 KB with its outputs, and no attachments."""
        cells = json.loads(path.read_text())["cells"]

        assert path.stat().st_size <= 200_000
        assert [cell for cell in cells if cell.get("attachments")] == []

    def test_was_run_from_top_to_bottom(self, path):
        """Every code cell has an execution count, in order from 1: without one nothing is compared."""
        cells = [cell for cell in json.loads(path.read_text())["cells"] if cell["cell_type"] == "code"]

        assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1))
        assert [cell for cell in cells if not "".join(cell["source"]).strip()] == []

    def test_opens_without_a_question(self, path):
        """The kernel is named, so JupyterLab opens no dialog; no machine's own Python version is."""
        metadata = json.loads(path.read_text())["metadata"]

        assert metadata["kernelspec"]["name"] == "python3"
        assert "widgets" not in metadata

    def test_shows_nothing_private_or_changing(self, path):
        """No output or source holds an absolute path, a port, a key or a signed link."""
        for cell in json.loads(path.read_text())["cells"]:
            text = json.dumps({name: cell.get(name) for name in ("source", "outputs")})
            text = re.sub(r"data:[\w/+.-]+;base64,[A-Za-z0-9+/=]+", "", text)
            for what, pattern in PRIVATE.items():
                assert not pattern.search(text), f"{what}: {pattern.search(text)}"


def test_there_is_a_first_notebook():
    """The notebook that the README and Binder open exists."""
    assert (ROOT / "notebooks" / "01_first_grid.ipynb") in NOTEBOOKS
