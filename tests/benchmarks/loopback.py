"""Whether thousands of cells finish over real loopback, by real time, against a simulator in a process of its own.

Run ``python tests/benchmarks/loopback.py``: 5,000 cells of instant service, which take about three
minutes, the rate of questions being thirty a second; a line of JSON for each of ``--runs``. It ends
with an error where a cell is left, or one was paid twice.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from gridgen import Client, Grid, Simulator, Sweep

PLENTY = 1e6
"""Submissions a minute that hold nobody back, and what is in the account."""


def finish(cells: int, folder: Path, *, within: float) -> dict[str, float]:
    """Run a sweep of so many cells and return its figures; seconds are of real time.

    Raises
    ------
    TimeoutError
        If it has not ended within so many seconds.
    """
    serve = [sys.executable, "-m", "gridgen.simulator", "--profile", "instant", "--clips", "tiny"]
    serve += ["--set", f"balance={PLENTY}", "--state", str(folder / "server")]
    with subprocess.Popen(serve, stdout=subprocess.PIPE, text=True) as server:
        try:
            url, key = (server.stdout.readline().split()[-1] for _ in range(2))
            grid = Grid(prompt=[f"boat {number}" for number in range(cells)])
            with Client(key, url, rate=PLENTY) as client:
                sweep = Sweep(grid, client=client, folder=folder / "boats", previews=False)
                begun = time.perf_counter()
                sweep.start()
                sweep.wait(within)
                seconds = time.perf_counter() - begun
        finally:
            server.terminate()
    with Simulator(state=folder / "server") as books:
        posts = len(books.ledger)
    return {
        "cells": cells,
        "done": sweep.counts().get("done", 0),
        "posts": posts,
        "seconds": round(seconds, 1),
    }


def main() -> None:
    """Run as often as was asked for, and print each run's figures as it ends."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cells", type=int, default=5000)
    parser.add_argument("--runs", type=int, default=1)
    options = parser.parse_args()
    for _ in range(options.runs):
        with tempfile.TemporaryDirectory() as folder:
            found = finish(options.cells, Path(folder), within=600 + options.cells / 5)
        print(json.dumps(found), flush=True)
        if not found["cells"] == found["done"] == found["posts"]:
            sys.exit("not every cell was made once")


if __name__ == "__main__":
    main()
