"""The committed notebooks, run from the top and compared with what they show."""

from __future__ import annotations

import itertools
import json
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections import Counter
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from gridgen import Simulator

HERE = Path(__file__).parent
COMMITTED = sorted((HERE.parents[1] / "notebooks").glob("*.ipynb"))
SECONDS = 60
"""What one cell may take."""

pytestmark = [pytest.mark.notebooks, pytest.mark.timeout(300)]


def code_cells(path: Path) -> list[Any]:
    """Return the code cells of a notebook."""
    return [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]


def compare(path: Path) -> tuple[Counter[str], str]:
    """Run a notebook where it lies with nbval, strictly; return how its cells fared and what was said.

    After a cell's timeout nbval marks the cells that follow as expected
    failures, so only ``passed`` is good.
    """
    report = path.parent / "report.xml"
    settings = path.parent / "pytest.ini"
    settings.write_text("[pytest]\n")
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-c", str(settings), "--tb=short"]
    command += [
        "--nbval",
        f"--nbval-cell-timeout={SECONDS}",
        f"--nbval-sanitize-with={HERE / 'sanitize.cfg'}",
    ]
    command += [f"--junitxml={report}", str(path)]
    said = subprocess.run(
        command, cwd=path.parent, capture_output=True, text=True, timeout=280, check=False
    ).stdout
    cases = ET.parse(report).iter("testcase")
    return Counter(
        next((child.tag for child in case if child.tag != "system-out"), "passed") for case in cases
    ), said


@pytest.fixture(scope="module", params=COMMITTED, ids=lambda path: path.stem)
def committed(request: pytest.FixtureRequest) -> Path:
    """Each committed notebook."""
    return request.param


@pytest.fixture(scope="module")
def played(committed: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Counter[str], str]:
    """A copy in a fresh folder, run once and compared."""
    copy = Path(shutil.copy(committed, tmp_path_factory.mktemp("first")))
    return copy, *compare(copy)


def test_a_fresh_copy_shows_what_is_committed(committed, played):
    """Every output of a first run equals the committed one."""
    _, cells, said = played

    assert cells == {"passed": len(code_cells(committed))}, said


def test_another_fresh_copy_of_one_shows_the_same(tmp_path):
    """Nothing of a run is left anywhere that a later one would find; here for the last notebook alone."""
    cells, said = compare(Path(shutil.copy(COMMITTED[-1], tmp_path)))

    assert cells == {"passed": len(code_cells(COMMITTED[-1]))}, said


@pytest.mark.full
def test_another_fresh_copy_shows_the_same(committed, played, tmp_path):
    """Nothing of the first run is left anywhere that a second one would find."""
    cells, said = compare(Path(shutil.copy(committed, tmp_path)))

    assert cells == played[1], said


def test_running_again_in_place_submits_nothing(committed, played):
    """In the folder of a finished run every clip is there: no cell fails, and each ledger stays as it was."""
    folder = played[0].parent
    source = "\n".join(cell.source for cell in code_cells(committed))
    books = [folder / name for name in re.findall(r'state="([^"]+)"', source)]
    books += sorted(folder.glob("*/simulator.jsonl"))
    before = [submissions(book) for book in books]

    execute(committed, folder)

    assert bool(books) == bool(re.search(r"Sweep\(|builder\(", source)), "no simulator outlives its notebook"
    assert all(before)
    assert [submissions(book) for book in books] == before


def execute(path: Path, folder: Path) -> Any:
    """Return a notebook as nbclient leaves it that runs it in a folder."""
    notebook = nbformat.read(path, as_version=4)
    resources = {"metadata": {"path": str(folder)}}
    return NotebookClient(notebook, timeout=SECONDS, resources=resources).execute()


def stills(notebook: Any) -> list[list[str]]:
    """Return what stands in for the widgets of each cell in the end, without what differs from run to run."""
    pages = [
        [output.data.get("text/html", "") for output in cell.get("outputs", []) if "data" in output]
        for cell in notebook.cells
    ]
    return [
        [re.sub(r"base64,[\w+/=]+|\b[0-9a-f]{16}\b", "", page) for page in cell if "data-gg-still=" in page]
        for cell in pages
    ]


@pytest.mark.parametrize(
    "path",
    [
        pytest.param(path, id=path.stem, marks=[pytest.mark.full] if at else [])
        for at, path in enumerate(COMMITTED)
    ],
)
def test_the_stills_of_a_fresh_run_end_as_committed(path, tmp_path):
    """What stands in for a widget is sent anew when its sweep goes on, which nbval does not hear: here it counts."""
    assert stills(execute(path, tmp_path)) == stills(nbformat.read(path, as_version=4))


def test_every_widget_has_its_last_still(committed):
    """Case V5: beside each widget of a committed notebook stands its still, of a finished gallery with every poster."""
    pages = []
    for cell in code_cells(committed):
        shown = [output.data for output in cell.outputs if "data" in output]
        for widget, still in itertools.pairwise([*shown, {}]):
            if "application/vnd.jupyter.widget-view+json" in widget:
                assert "text/html" not in widget
                pages.append(still["text/html"])

    assert all(page.startswith('<div data-gg-still="') for page in pages)
    assert all(len(page) < 100_000 for page in pages)
    assert not any("planned" in page for page in pages)


def submissions(state: Path) -> int:
    """Count what a simulator's state file, or what it keeps in a sweep's folder, says was ever submitted."""
    if state.suffix == ".jsonl":
        return sum(json.loads(line)[0] == "task" for line in state.read_text("utf-8").splitlines())
    with Simulator(state=state) as simulator:
        return len(simulator.ledger)


@pytest.mark.parametrize(
    ("committed_text", "changed"),
    [("8 cells", "9 cells"), pytest.param("0.33", "0.34", marks=pytest.mark.full)],
)
def test_a_changed_number_is_noticed(tmp_path, committed_text, changed):
    """One digit of a committed output, changed, makes the comparison fail: it does compare."""
    notebook = nbformat.read(COMMITTED[0], as_version=4)
    numbers = [at for at, cell in enumerate(notebook.cells) if cell.cell_type == "code"]
    notebook.cells = notebook.cells[: numbers[1] + 1]
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            output.data = json.loads(json.dumps(output.data).replace(committed_text, changed))
    nbformat.write(notebook, tmp_path / "changed.ipynb")

    cells, said = compare(tmp_path / "changed.ipynb")

    assert cells == {"passed": 1, "failure": 1}, said
