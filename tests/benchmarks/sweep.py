"""How fast a sweep is from the first cell to the last preview, and what a thousand cells cost in memory.

Run ``python tests/benchmarks/sweep.py`` with nothing else at work: each benchmark in a process of
its own, a table and a line of JSON on stdout, and with ``--json FILE`` the figures in a file.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gridgen import Grid, Simulator, Sweep

if TYPE_CHECKING:
    from collections.abc import Callable

    from gridgen.journal import Row

Figures = dict[str, float]

GOALS = {
    "demo": {"seconds": 20.0},
    "thousand": {"growth_mb": 150.0},
}
"""What each benchmark is held to: no figure named here may be larger."""


def peak_mb() -> float:
    """Return the most memory that this process has held so far, in MB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak / 1e3


def timed(sweep: Sweep) -> Figures:
    """Run a sweep and note when the first clip and the last preview were there, in seconds."""
    begun = time.perf_counter()
    first: list[float] = []

    def hear(rows: tuple[Row, ...]) -> None:
        if not first and any(row.status == "done" for row in rows):
            first.append(time.perf_counter() - begun)

    stop = sweep.watch(hear)
    sweep.run()
    seconds = time.perf_counter() - begun
    stop()
    if not all(row.status == "done" and row.poster and row.preview for row in sweep.rows()):
        pictures = sum(bool(row.poster and row.preview) for row in sweep.rows())
        sys.exit(f"not all was made: {sweep.counts()}, {pictures} of them with poster and preview")
    return {"first_clip_seconds": first[0], "seconds": seconds}


def demo(folder: Path) -> Figures:
    """Make twelve real clips of 6 s at 480p, with posters and previews, at the speed of the demo."""
    grid = Grid(
        prompt=[
            f"a paper boat {place}"
            for place in ("in rain", "at night", "in snow", "at sea", "in fog", "at dawn")
        ],
        size=["16:9", "9:16"],
    )
    with Simulator() as simulator:
        return timed(Sweep(grid, client=simulator.client(), folder=folder))


def thousand(folder: Path) -> Figures:
    """Make a thousand tiny clips of instant service in virtual time."""
    with Simulator(speed=math.inf, profile="instant", clips="tiny") as simulator:
        Sweep(Grid(prompt="warm up"), client=simulator.client(), folder=folder / "warm").run()
        before = peak_mb()
        grid = Grid(prompt=[f"boat {number}" for number in range(1000)])
        figures = timed(Sweep(grid, client=simulator.client(), folder=folder / "boats"))
    return {**figures, "clips_per_second": 1000 / figures["seconds"], "growth_mb": peak_mb() - before}


BENCHMARKS: dict[str, Callable[[Path], Figures]] = {"demo": demo, "thousand": thousand}


def alone(name: str) -> Figures:
    """Run a benchmark in a fresh process and a fresh folder."""
    done = subprocess.run(
        [sys.executable, __file__, "--alone", name], stdout=subprocess.PIPE, text=True, check=True
    )
    figures: Figures = json.loads(done.stdout.splitlines()[-1])
    return figures


def lines(name: str, figures: Figures) -> list[str]:
    """Return a benchmark's rows of the table, each with its goal where it has one."""
    rows = []
    for figure, value in figures.items():
        goal = GOALS[name].get(figure)
        verdict = "" if goal is None else f"goal < {goal:g}: {'met' if value < goal else 'MISSED'}"
        rows.append(f"{name:<10} {figure:<20} {value:>10.2f}  {verdict}".rstrip())
    return rows


def main() -> None:
    """Run the chosen benchmarks and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", choices=[[], *BENCHMARKS], help="which; all by default")
    parser.add_argument("--json", type=Path, help="file for the figures")
    parser.add_argument("--alone", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.alone:
        with tempfile.TemporaryDirectory() as folder:
            figures = BENCHMARKS[options.alone](Path(folder))
        print(json.dumps(figures))
        return
    found: dict[str, Any] = {}
    for name in options.names or BENCHMARKS:
        print(f"# {BENCHMARKS[name].__doc__}", flush=True)
        found[name] = alone(name)
        print(*lines(name, found[name]), sep="\n", flush=True)
    found["machine"] = {"cores": os.cpu_count(), "python": platform.python_version()}
    print(json.dumps(found))
    if options.json:
        options.json.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
