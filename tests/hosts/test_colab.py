"""Google Colab, whose own packages are held at older versions."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest
from environments import ROOT, environment, interpreter, run

from gridgen import Grid, Simulator, Sweep

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.full, pytest.mark.timeout(1800)]

PINS = [
    "ipykernel==6.17.1",
    "ipython==7.34.0",
    "ipywidgets==7.7.1",
    "numpy==2.0.2",
    "pandas==2.2.2",
    "pillow==11.3.0",
    "requests==2.32.4",
    "tornado==6.5.1",
    "traitlets==5.7.1",
]
"""Of github.com/googlecolab/backend-info; ``google-colab`` itself asks for that pandas, as seen to June 2026."""

TOOLS = [
    "h2",
    "httpx2",
    "hypothesis",
    "jsonschema",
    "openpyxl",
    "playwright",
    "pytest>=9",
    "pytest-timeout",
    "pytest-xdist",
]
FILES = [
    "test_grid.py",
    "test_rows.py",
    "test_estimate.py",
    "test_sweep.py",
    "test_board.py",
    "gallery/test_gallery.py",
    "form/test_builder.py",
]
TABLES = """
import sys, gridgen
sweep = gridgen.open(sys.argv[1])
for table in (sweep.df, sweep.grid.df, sweep.costs.df, sweep.estimate(ask=False).df, sweep.ratings.df):
    types = table.dtypes.astype(str).str.replace("object", "str")
    print(table.to_csv(date_format="%Y-%m-%dT%H:%M:%S.%f"), types.to_dict())
"""
DEPRECATED = "ignore:Deprecated in traitlets:DeprecationWarning"
"""What ipywidgets 7.7 does."""


@pytest.fixture(scope="module")
def python() -> Path:
    """The interpreter of an environment into which pip put gridgen beside Colab's pins, in one resolution."""
    return environment("colab", ["install", "-q", *PINS, *TOOLS, "-e", str(ROOT)], python=interpreter("3.12"))


def test_the_pins_are_kept(python: Path) -> None:
    """Pip finds versions of all that gridgen needs which go with Colab's, and changes none of those."""
    run([str(python), "-m", "pip", "check"])
    frozen = run([str(python), "-m", "pip", "freeze"]).splitlines()
    assert [pin for pin in PINS if pin not in frozen] == []


def test_tables_say_the_same_there(python: Path, tmp_path: Path) -> None:
    """A folder that is read beside the pins has the tables that it has here, to the letter; only text is of pandas' older type."""
    with Simulator(speed=float("inf"), clips="tiny") as simulator:
        grid = Grid(prompt=["a boat", "a fox"], size=["16:9", "9:16"], duration=6)
        sweep = Sweep(grid, client=simulator.client(), folder=tmp_path / "boats", budget=5)
        sweep.run()
        sweep.ratings.rate(1, stars=4, tags="calm", reviewer="ana")
    told = [run([each, "-c", TABLES, str(sweep.folder)]) for each in (sys.executable, str(python))]
    assert told[0] == told[1]
    assert "a boat" in told[0]


@pytest.mark.parametrize("file", FILES)
def test_the_tests_of_python_pass(python: Path, file: str) -> None:
    """Grids, tables, sweeps, the wall's and the form's Python act on pandas 2.2 and ipywidgets 7.7 as on the newest."""
    words = ["-q", "-p", "no:cacheprovider", "-W", DEPRECATED, "-m", "not full and not browser"]
    said = run([str(python), "-m", "pytest", *words, f"tests/{file}"])
    assert " passed" in said
