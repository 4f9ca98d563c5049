"""The board's Stop in a real JupyterLab while a cell holds the kernel, in several versions of ipykernel."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import pytest
from kernels.conftest import SUITE, installed
from lab import ask, chromium, lab, open_notebook, write_notebook
from waiting import until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

    from gridgen import Simulator

    Place = tuple[Path, str, Browser]

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

CLIPS, SPEED = 60, 60.0
SWEEP = """import gridgen as gg
from gridgen.simulator.clock import ScaledClock
client = gg.Client({key!r}, {url!r}, clock=ScaledClock({speed}))
grid = gg.Grid(prompt=[f"boat {{n}}" for n in range({clips})])
sweep = gg.Sweep(grid, client=client, folder={folder!r}, previews=False)
ran = []"""
IDLE = "() => jupyterapp.shell.currentWidget.sessionContext.session?.kernel?.status === 'idle'"
VERSIONS = [
    pytest.param(version, marks=[] if version == "installed" else [pytest.mark.kernels]) for version in SUITE
]


@pytest.fixture(scope="module", params=VERSIONS, ids=lambda version: f"ipykernel-{version}")
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A folder that JupyterLab serves, where, and a browser; notebooks run in that version of ipykernel."""
    served, home = tmp_path_factory.mktemp("served"), tmp_path_factory.mktemp("home")
    python = installed(request.param)
    spec = home / "data" / "kernels" / "python3" / "kernel.json"
    spec.parent.mkdir(parents=True)
    command = [python, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    spec.write_text(json.dumps({"argv": command, "display_name": "Python 3", "language": "python"}))
    with lab(served, home) as base, chromium() as browser:
        yield served, base, browser


@pytest.fixture
def slow(simulate: Callable[..., Simulator]) -> Simulator:
    """A server that takes two submissions a second of real time, and makes a clip of each in about one."""
    return simulate(speed=SPEED, slots=None, rate=2.0, burst=2)


def opened(place: Place, slow: Simulator, folder: str, *cells: str) -> tuple[Page, list[str]]:
    """Open a notebook whose first cell makes the sweep, and run all of its cells without waiting for them."""
    served, base, browser = place
    name = f"{folder.strip('.').replace('/', '-')}/stop.ipynb"
    setup = SWEEP.format(key=slow.api_key, url=slow.base_url, speed=SPEED, clips=CLIPS, folder=folder)
    write_notebook(served / name, [setup, *cells])
    page, troubles = open_notebook(browser, base, name)
    page.evaluate("() => { jupyterapp.commands.execute('notebook:run-all-cells'); }")
    return page, troubles


def posts(slow: Simulator) -> int:
    """Count the submissions that were seen on the wire."""
    return sum(request.method == "POST" for request in slow.requests)


def click_stop(page: Page, button: str, slow: Simulator) -> int:
    """Click, and return how much was submitted when a second had passed; in a while the board says that it stopped."""
    page.locator(button).last.click()
    clicked = time.perf_counter()
    while time.perf_counter() < clicked + 1:
        page.wait_for_timeout(20)
    stopped = posts(slow)
    page.get_by_text("Stopped: nothing more is submitted").last.wait_for(timeout=5000)
    return stopped


@pytest.mark.parametrize(
    "verb",
    [
        "sweep.run()",
        pytest.param("sweep.start(); sweep.wait()", marks=pytest.mark.full),
        pytest.param("sweep.start(); sweep.run()", marks=pytest.mark.full),
    ],
    ids=["run", "wait", "again"],
)
def test_a_click_on_stop_while_a_verb_holds_the_kernel(place: Place, slow: Simulator, verb: str) -> None:
    """Case U1: within a second nothing more is submitted, the board says so, and the two cells queued behind all run."""
    cells = (f"{verb}; ran.append(1)", "ran.append(2)", "ran.append(3)")
    page, troubles = opened(place, slow, f"boats-{len(verb)}", *cells)
    until(lambda: posts(slow) >= 3, 60)
    stopped = click_stop(page, ".gg-stop", slow)
    page.wait_for_function(IDLE)

    assert ask(page, "ran") == "[1, 2, 3]"
    assert posts(slow) == stopped < CLIPS
    assert ask(page, "list(sweep.folder.glob('stop-*'))") == "[]"
    assert troubles == []
    page.close()


@pytest.mark.full
def test_a_click_on_the_forms_stop_while_a_cell_holds_the_kernel(place: Place, slow: Simulator) -> None:
    """Case U1: the form's button stops what Run started while any cell at all holds the kernel, and that cell goes on."""
    cells = (
        "form = gg.builder(client=client, folder='of the form')\nform.fill(prompts=grid.df.prompt)\nform",
        "import time\nform.start()\nran.append(1)\ntime.sleep(8)\nran.append(2)",
        "ran.append(3)",
    )
    page, troubles = opened(place, slow, "form", *cells)
    until(lambda: posts(slow) >= 3, 60)
    stopped = click_stop(page, ".gridgen-builder .gg-stop", slow)
    page.wait_for_function(IDLE)

    assert ask(page, "ran") == "[1, 2, 3]"
    assert posts(slow) == stopped < CLIPS
    assert troubles == []
    page.close()


@pytest.mark.full
def test_where_the_server_cannot_write_the_kernels_own_button_is_named(place: Place, slow: Simulator) -> None:
    """Case U1: a folder that the server does not serve leaves the kernel's own button, which the board names; cells run."""
    cells = (
        "import os; os.makedirs('.hidden', exist_ok=True)",
        "sweep.run(); ran.append(1)",
        "ran.append(2)",
    )
    page, _ = opened(place, slow, ".hidden/boats", *cells)
    until(lambda: posts(slow) >= 3, 60)
    page.locator(".gg-stop").click()
    page.get_by_text("Use the kernel's stop button (■)").wait_for(timeout=8000)
    page.evaluate("() => jupyterapp.commands.execute('notebook:interrupt-kernel')")
    page.get_by_text("Stopped: nothing more is submitted").wait_for()
    stopped = posts(slow)
    page.wait_for_function(IDLE)

    assert posts(slow) == stopped < CLIPS
    page.close()
