"""What a turn at the shared submit rate costs, alone and while four processes ask at once.

Run ``python tests/benchmarks/limiter.py``: a table, and a line of JSON, on stdout.
"""

from __future__ import annotations

import json
import multiprocessing
import statistics
import tempfile
import time
from pathlib import Path

from gridgen.pacing.limiter import BUSY_WAIT, Limiter

ASKED = 20_000
GOAL_MS = 2.0
"""What the slowest of a hundred turns may take."""


def ask(folder: str, count: int) -> list[float]:
    """Return how many milliseconds each of so many questions took."""
    limiter = Limiter("bench", Path(folder))
    found = []
    for _ in range(count):
        begun = time.perf_counter()
        wait = limiter.acquire(rate=50.0, burst=5)
        found.append((time.perf_counter() - begun) * 1000)
        if wait == BUSY_WAIT:
            time.sleep(wait)
    return found


def figures(found: list[float]) -> dict[str, float]:
    """Return the median and the slowest of a hundred, in milliseconds."""
    return {
        "p50_ms": round(statistics.median(found), 4),
        "p99_ms": round(statistics.quantiles(found, n=100)[98], 4),
    }


def main() -> None:
    """Measure both and print them."""
    with tempfile.TemporaryDirectory() as folder:
        alone = figures(ask(folder, ASKED))
        with multiprocessing.get_context("spawn").Pool(4) as pool:
            shares = pool.starmap(ask, [(folder, ASKED // 4)] * 4)
    found = {"alone": alone, "four": figures([each for share in shares for each in share])}
    print(f"{'processes':<12}{'p50 ms':>10}{'p99 ms':>10}{'goal':>8}")
    for name, row in found.items():
        print(f"{name:<12}{row['p50_ms']:>10.4f}{row['p99_ms']:>10.4f}{GOAL_MS:>8}")
    print(json.dumps(found))


if __name__ == "__main__":
    main()
