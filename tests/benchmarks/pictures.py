"""How fast pictures are drawn on executors beside the engine's own threads, on one machine and in the same run.

Run ``python tests/benchmarks/pictures.py``: for each of threads, a pool of processes and Dask, with
``--workers`` of each, the clips of one folder are drawn anew, ``--runs`` times by turns; a line of JSON with
the median of its clips a second, and of its speed against that of threads in the same turn. It ends with an
error where a clip is not drawn, or a poster is another one.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import math
import multiprocessing
import shutil
import statistics
import sys
import tempfile
import time
from concurrent.futures import Executor, ProcessPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import gridgen
from gridgen import Grid, Simulator, Sweep

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@contextlib.contextmanager
def threads(_count: int) -> Iterator[None]:
    """Leave it to the engine's two threads."""
    yield None


@contextlib.contextmanager
def processes(count: int) -> Iterator[Executor]:
    """Begin a pool whose processes have imported what they need."""
    with ProcessPoolExecutor(count, mp_context=multiprocessing.get_context("spawn")) as pool:
        yield pool


@contextlib.contextmanager
def dask(count: int) -> Iterator[Executor]:
    """Begin a cluster of worker processes with one thread each."""
    from distributed import Client, LocalCluster

    with (
        LocalCluster(n_workers=count, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        yield client.get_executor()


KINDS: dict[str, Callable[[int], contextlib.AbstractContextManager[Executor | None]]] = {
    "threads": threads,
    "processes": processes,
    "dask": dask,
}


def draw(fetched: Path, folder: Path, simulator: Simulator, executor: Executor | None) -> tuple[float, str]:
    """Draw the clips of a copy of a folder, and return the seconds and a digest of its posters."""
    shutil.copytree(fetched, folder)
    sweep = gridgen.open(folder, client=simulator.client(), workers=executor)
    begun = time.perf_counter()
    sweep.run()
    seconds = time.perf_counter() - begun
    drawn = sorted([*folder.glob("posters/*"), *folder.glob("previews/*")])
    if sweep.waits_for or len(drawn) != 3 * len(sweep):
        sys.exit(f"not every clip was drawn: {sweep.waits_for}")
    posters = (each for each in drawn if each.suffix == ".webp")
    digest = hashlib.sha256(b"".join(each.name.encode() + each.read_bytes() for each in posters)).hexdigest()
    shutil.rmtree(folder)
    return seconds, digest


def main() -> None:
    """Draw by turns, and print a line of figures for each kind."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clips", type=int, default=100)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument(
        "--tiny", action="store_true", help="clips of a few kB, where what is sent weighs most"
    )
    options = parser.parse_args()
    grid = Grid(prompt=[f"boat {number}" for number in range(options.clips)])
    seconds: dict[str, list[float]] = {kind: [] for kind in KINDS}
    digests = set()
    with (
        tempfile.TemporaryDirectory() as place,
        Simulator(speed=math.inf, clips="tiny" if options.tiny else "full") as simulator,
        contextlib.ExitStack() as stack,
    ):
        fetched = Path(place) / "fetched"
        Sweep(grid, client=simulator.client(), folder=fetched, previews=False).run()
        made = {kind: stack.enter_context(begin(options.workers)) for kind, begin in KINDS.items()}
        for executor in made.values():
            if executor is not None:  # its processes import what they need before anything is timed
                draw(fetched, Path(place) / "first", simulator, executor)
        for _ in range(options.runs):
            for kind, executor in made.items():
                took, digest = draw(fetched, Path(place) / "boats", simulator, executor)
                seconds[kind].append(took)
                digests.add(digest)
    for kind, took in seconds.items():
        ratios = [here / there for here, there in zip(seconds["threads"], took, strict=True)]
        figures = {
            "kind": kind,
            "clips": options.clips,
            "clips_a_second": round(options.clips / statistics.median(took), 2),
            "against_threads": round(statistics.median(ratios), 2),
        }
        print(json.dumps(figures), flush=True)
    if len(digests) != 1:
        sys.exit("not all drew the same")


if __name__ == "__main__":
    main()
