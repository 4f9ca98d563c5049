"""Sweeps in cells of a real kernel: queued cells, the stop button, and what is patched."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from waiting import until

from kernels.conftest import SUITE

if TYPE_CHECKING:
    from collections.abc import Callable

    from gridgen import Simulator

pytestmark = pytest.mark.timeout(600)  # an environment is made on first use

CELLS, SPEED = 6, 20.0
SWEEP = """
import asyncio, gridgen as gg
from gridgen.simulator.clock import ScaledClock
grid = gg.Grid(prompt=[f"boat {{n}}" for n in range({cells})])
client = gg.Client({key!r}, {url!r}, clock=ScaledClock({speed}))
sweep = gg.Sweep(grid, client=client, folder="boats")
"""


@pytest.fixture
def slow(simulate: Callable[..., Simulator]) -> Simulator:
    """A server that makes a clip in about three seconds, and takes two at once and two a second, all in real time."""
    return simulate(speed=SPEED, slots=None, rate=2.0, burst=2)


def sweep_of(simulator: Simulator) -> str:
    """Return a cell that makes a sweep of six clips at a simulator in the process of the test."""
    return SWEEP.format(cells=CELLS, key=simulator.api_key, url=simulator.base_url, speed=SPEED)


def posts(simulator: Simulator) -> int:
    """Count the submissions that were seen on the wire, refused ones included."""
    return sum(request.method == "POST" for request in simulator.requests)


def fetched(simulator: Simulator) -> int:
    """Count the downloads of clips that were seen on the wire."""
    return sum(request.method == "GET" and request.path.endswith(".mp4") for request in simulator.requests)


def counts(kernel: Any) -> dict[str, int]:
    """Return how many cells of the sweep have each status."""
    found: dict[str, int] = json.loads(kernel.run("import json; print(json.dumps(sweep.counts()))"))
    return found


def prompts(simulator: Simulator) -> list[str]:
    """Return the prompts that were accepted, sorted."""
    return sorted(entry.body["prompt"] for entry in simulator.ledger)


def test_queued_cells_all_run_in_order(kernel):
    """Three cells queued at once, the first in run(), the second in an await: each runs, one after the other."""
    kernel.run("""
        import gridgen as gg
        simulator = gg.Simulator(speed=600, clips="tiny")
        grid, order = gg.Grid(prompt=["boat", "kite"]), []
        first = gg.Sweep(grid, client=simulator.client(), folder="first")
        second = gg.Sweep(grid, client=gg.Simulator(speed=600, clips="tiny").client(), folder="second")
    """)

    cells = kernel.send(
        "first.run(); order.append(1); print(first.counts())",
        "await second; order.append(2); print(second.counts())",
        "order.append(3); print(order)",
    )

    printed = [kernel.ended(cell).printed for cell in cells]
    assert [each["stdout"].strip() for each in printed] == ["{'done': 2}", "{'done': 2}", "[1, 2, 3]"]
    assert kernel.complaints() == ""


@pytest.mark.parametrize(
    ("waiting", "errors"),
    [
        ("sweep.run()", {"KeyboardInterrupt"}),
        pytest.param("await sweep", {"KeyboardInterrupt", "CancelledError"}, marks=pytest.mark.full),
    ],
)
def test_the_stop_button_stops_submitting_and_loses_nothing(kernel, slow, waiting, errors):
    """The cell ends before a clip does, no POST leaves after it, what runs is fetched, run() makes the rest."""
    kernel.run(sweep_of(slow))
    (cell,) = kernel.send(f"print('at work'); {waiting}")
    kernel.says(cell, "at work")
    until(lambda: len(slow.ledger) >= 2)

    kernel.interrupt()
    ran = kernel.ended(cell)
    sent = posts(slow)
    paid = len(slow.ledger)

    assert fetched(slow) == 0
    assert ran.error in errors
    assert "run() submits the rest" in ran.message
    until(lambda: counts(kernel) == {"planned": CELLS - paid, "done": paid})
    assert (posts(slow), len(slow.ledger)) == (sent, paid)
    assert 0 < paid < CELLS

    kernel.run("sweep.run()")

    assert counts(kernel) == {"done": CELLS}
    assert fetched(slow) >= CELLS
    assert prompts(slow) == [f"boat {number}" for number in range(CELLS)]
    assert kernel.complaints() == ""


@pytest.mark.full
def test_interrupting_wait_ends_only_the_waiting(kernel, slow):
    """The sweep goes on in the background after an interrupted wait(), also while another cell is busy."""
    kernel.run(sweep_of(slow) + "sweep.start()")
    (cell,) = kernel.send("print('at work'); sweep.wait()")
    kernel.says(cell, "at work")

    kernel.interrupt()
    ran = kernel.ended(cell)

    assert (ran.error, fetched(slow)) == ("KeyboardInterrupt", 0)
    kernel.run("import time; time.sleep(1.5)")
    assert len(slow.ledger) > 2
    kernel.run("sweep.wait()")
    assert counts(kernel) == {"done": CELLS}
    assert prompts(slow) == [f"boat {number}" for number in range(CELLS)]


def test_a_sweep_prints_nothing_into_other_cells(kernel, slow):
    """While a sweep works in the background, a cell shows what it printed itself and nothing else."""
    kernel.run(sweep_of(slow) + "sweep.start()")

    ran = kernel.ended(*kernel.send("import time; time.sleep(1.5); print('mine')"))

    assert ran.printed == {"stdout": "mine\n", "stderr": ""}


def test_import_and_run_patch_nothing(kernel):
    """After a run in a cell, asyncio and the kernel's loop are as they were."""
    kernel.run("""
        import asyncio
        loop = type(asyncio.get_running_loop())
        before = [asyncio.run, loop.run_until_complete, loop.run_forever, loop._run_once]
        import gridgen as gg
        client = gg.Simulator(speed=600, clips="tiny").client()
        gg.Sweep(gg.Grid(prompt="boat"), client=client, folder="boats").run()
    """)

    patched = "hasattr(asyncio, '_nest_patched') or hasattr(loop, '_nest_patched')"
    now = "[asyncio.run, loop.run_until_complete, loop.run_forever, loop._run_once]"
    assert kernel.run(f"print({patched}, before == {now})") == "False True"


NESTED = "order.append(1); asyncio.run(asyncio.sleep(1)); print(order)"


@pytest.mark.parametrize("version", [version for version, (_, safe) in SUITE.items() if safe], indirect=True)
def test_nested_loops_where_they_are_safe(kernel):
    """After allow_nested_loops() a cell may call asyncio.run(), and the cells queued behind it still run."""
    kernel.run("import asyncio, gridgen as gg; order = []; gg.allow_nested_loops()")

    cells = kernel.send(NESTED, "order.append(2)", "order.append(3); print(order)")

    assert [kernel.ended(cell).status for cell in cells] == ["ok", "ok", "ok"]
    assert kernel.ended(cells[-1]).printed["stdout"].strip() == "[1, 2, 3]"


UNSAFE = [version for version, (_, safe) in SUITE.items() if not safe]


@pytest.mark.parametrize("version", UNSAFE, indirect=True)
def test_nested_loops_where_cells_would_be_lost(kernel):
    """There allow_nested_loops() raises, says why and what to do, and patches nothing."""
    kernel.run("import asyncio, gridgen as gg")

    refused = kernel.ended(*kernel.send("gg.allow_nested_loops()"))

    assert refused.error == "GridgenError"
    assert "silently skip the cells that Run All has queued" in refused.message
    assert "nest-asyncio2>=1.7.3" in refused.message
    assert kernel.run("print(hasattr(asyncio, '_nest_patched'))") == "False"


@pytest.mark.parametrize("version", UNSAFE, indirect=True)
def test_the_danger_is_real(kernel):
    """Where allow_nested_loops() refuses, what it refused to do loses the queued cells."""
    nest = "try:\n    import nest_asyncio2 as nest\nexcept ImportError:\n    import nest_asyncio as nest\nnest.apply()"
    kernel.run(f"import asyncio\norder = []\n{nest}")

    first, second, _ = kernel.send(NESTED, "order.append(2)", "order.append(3)")

    kernel.ended(first)
    with pytest.raises(TimeoutError):
        kernel.ended(second, 4.0)
