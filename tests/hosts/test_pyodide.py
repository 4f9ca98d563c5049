"""Pyodide: Python in a browser, here under Node, without what is compiled."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import json
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from environments import ROOT

import gridgen
from gridgen import Grid, Simulator, Sweep

pytestmark = [pytest.mark.full, pytest.mark.timeout(300)]

PURE = [
    *(
        "anyio",
        "certifi",
        "click",
        "h11",
        "httpcore",
        "httpx",
        "idna",
        "nest_asyncio",
        "platformdirs",
        "sniffio",
    ),
    *("starlette", "typing_extensions", "uvicorn", "yaml"),
]
"""What gridgen needs, directly or not, and is not compiled, or not only; the widgets, which are of no use without pictures, are left out."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with gridgen and all that it needs and that is pure Python."""
    folder = tmp_path_factory.mktemp("site")
    for name in PURE:
        found = importlib.util.find_spec(name)
        assert found is not None
        assert found.origin is not None
        source = Path(found.origin)
        if source.name == "__init__.py":
            shutil.copytree(
                source.parent, folder / name, ignore=shutil.ignore_patterns("*.so", "*.pyd", "__pycache__")
            )
        else:
            shutil.copy(source, folder)
    shutil.copytree(ROOT / "gridgen", folder / "gridgen", ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def in_pyodide(code: str, site: Path, work: Path) -> str:
    """Run code with that folder on the path and another, ``work``, as the current one; return what it printed."""
    interpreter = next(Path(sys.prefix).glob("pyodide-*/node_modules/pyodide"), None)
    assert interpreter is not None, "there is no pyodide in .venv; tests/run full puts it there"
    start = "import os, sys\nsys.path.insert(0, '/site')\nos.chdir('/work')\n"
    command = [
        "node",
        str(Path(__file__).with_name("pyodide.mjs")),
        str(interpreter),
        str(site),
        "/site",
        str(work),
        "/work",
    ]
    done = subprocess.run(
        command, input=start + textwrap.dedent(code), capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


GRIDS = """
import gridgen as gg
grid = gg.Grid(prompt=["a paper boat", "ein Boot, läuft 日本"], size=["16:9", "9:16"], duration=[6, 10])
grid.save("grid.csv"), grid.save("grid.yaml")
for each in (grid, gg.Grid.load("grid.csv"), gg.Grid.load("grid.yaml")):
    print(repr(each), [cell.key for cell in each])
print(str(grid.preview()), grid._repr_html_())
print(str(grid.estimate()), gg.template("a {cat|dog} at {dawn|dusk}"))
client = gg.Simulator(speed=float("inf"), clips="tiny").client()
sweep = gg.Sweep(grid, client=client, folder="new", budget=5)
print(sweep, sweep.counts(), gg.Client("sk-none"))
"""


def test_grids_prices_keys_and_clients_are_the_same(
    site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same lines print the same there and here: keys, preview, prices, a simulator's client, a sweep not begun."""
    monkeypatch.chdir(tmp_path)
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(GRIDS, {})
    assert in_pyodide(GRIDS, site, tmp_path).splitlines() == printed.getvalue().splitlines()


def test_a_folder_is_read_and_rated(site: Path, tmp_path: Path) -> None:
    """The rows, states and costs of a finished sweep are there, and what is said of a clip there is read here."""
    with Simulator(speed=float("inf"), clips="tiny") as simulator:
        sweep = Sweep(
            Grid(prompt=["a", "b"], duration=6), client=simulator.client(), folder=tmp_path / "boats"
        )
        sweep.run()
        expected = [[row.cell.key, row.status, row.path] for row in sweep.rows()], str(sweep.cost)
    told = in_pyodide(
        """
        import json, gridgen as gg
        sweep = gg.open("boats")
        sweep.ratings.rate(1, stars=4, tags="calm", reviewer="ana")
        print(json.dumps([[[row.cell.key, row.status, row.path] for row in sweep.rows()], str(sweep.cost)]))
        """,
        site,
        tmp_path,
    )
    assert json.loads(told) == list(expected)
    assert gridgen.open(tmp_path / "boats").ratings.df[["reviewer", "rating"]].to_numpy().tolist() == [
        ["ana", 4]
    ]


NEEDS = {
    "grid.df": "pandas",
    "sweep.df": "pandas",
    "sweep.gallery()": "ipywidgets",
    "sweep._repr_mimebundle_()": "ipython",
    "gg.builder()": "ipython",
    "gg.unpack": "",
    "sweep.to_html('a.html')": "",
    "sweep.to_image('a.png')": "",
    "__import__('gridgen.media')": "PyAV",
    "gg.Simulator()": "",
    "sweep.run()": "threads",
    "sweep.start()": "threads",
    "gg.Client('sk-none').balance()": "threads",
}


def test_what_cannot_be_had_there_is_said_in_a_sentence(site: Path, tmp_path: Path) -> None:
    """What lacks a package, a thread or a socket is an error of gridgen's that names it, and never a raw one."""
    code = f"""
    import json, gridgen as gg
    grid = gg.Grid(prompt=["a", "b"], duration=6)
    sweep = gg.Sweep(grid, client=gg.Simulator(speed=float("inf")).client(), folder="new", budget=5)
    told = {{}}
    for each in {list(NEEDS)!r}:
        try:
            eval(each)
        except gg.GridgenError as error:
            told[each] = str(error)
        except Exception as error:
            told[each] = "RAW " + repr(error)
    try:
        await sweep
    except gg.GridgenError as error:
        told["await"] = str(error)
    print(json.dumps(told))
    """
    told = json.loads(in_pyodide(code, site, tmp_path))
    assert {each for each, text in told.items() if text.startswith("RAW")} == set()
    assert {each for each, needs in NEEDS.items() if needs not in told[each]} == set()
    assert "threads" in told["await"]
