"""How fast the grid language is: building, thinning out, covering, showing and saving large grids.

Run ``python tests/benchmarks/grid.py`` with nothing else at work: each benchmark in a process of its
own, a table and a line of JSON on stdout, and with ``--json FILE`` the figures in a file.
"""

from __future__ import annotations

import argparse
import json
import platform
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from gridgen import Grid, template

if TYPE_CHECKING:
    from collections.abc import Callable

Figures = dict[str, float]

SIZES = ["16:9", "9:16", "1:1", "3:2", "2:3"]
EXT = "grok-imagine-1.5-video-ext"

GOALS = {
    "build": {"seconds": 1.0, "growth_mb": 100.0},
    "template": {"seconds": 1.0, "with_cells_seconds": 1.0, "growth_mb": 100.0},
    "where": {"by_axis_seconds": 1.0, "by_cell_seconds": 1.0},
    "exclude": {"seconds": 1.0},
    "cover": {"seconds": 10.0},
    "cover_of_a_part": {"seconds": 10.0},
    "preview": {"seconds": 0.3},
    "order": {"seconds": 1.0},
    "estimate": {"seconds": 0.5},
}
"""What each benchmark is held to: no figure named here may be larger."""


def peak_mb() -> float:
    """Return the most memory that this process has held so far, in MB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak / 1e3


def timed(work: Callable[[], object]) -> float:
    """Return the seconds that some work takes, at best of three."""
    times = []
    for _ in range(3):
        begun = time.perf_counter()
        work()
        times.append(time.perf_counter() - begun)
    return min(times)


def hundred_thousand() -> Grid:
    """Return 1,000 prompts x 5 sizes x 20 durations."""
    return Grid(
        prompt=[f"a paper boat, number {at}" for at in range(1000)], size=SIZES, duration=range(6, 26)
    )


def million() -> Grid:
    """Return 10 x 10 x 10 x 10 x 10 x 10 combinations."""
    return Grid(
        prompt=[f"a boat, number {at}" for at in range(10)],
        model="seedance-2.0",
        duration=range(4, 14),
        seed=range(10),
        negative_prompt=None,
        video_urls=[[f"https://example.org/{at}.mp4"] for at in range(10)],
        image_urls=[[f"https://example.org/{at}.png"] for at in range(10)],
        audio_urls=[[f"https://example.org/{at}.mp3"] for at in range(10)],
    )


def build() -> Figures:
    """A plain product of 100,000 cells, every cell of it made."""
    Grid(prompt="warm")
    before = peak_mb()
    begun = time.perf_counter()
    cells = list(hundred_thousand())
    seconds = time.perf_counter() - begun
    return {"cells": len(cells), "seconds": seconds, "growth_mb": peak_mb() - before}


def from_template() -> Figures:
    """A template of three slots that makes 100,000 prompts, every cell of it made."""
    Grid(prompt="warm")
    before = peak_mb()
    begun = time.perf_counter()
    text = template(
        "a {thing}, {shade} and {far} miles away", thing=range(50), shade=range(50), far=range(40)
    )
    grid = Grid(prompt=text)
    seconds = time.perf_counter() - begun
    cells = list(grid)
    whole = time.perf_counter() - begun
    return {
        "cells": len(cells),
        "seconds": seconds,
        "with_cells_seconds": whole,
        "growth_mb": peak_mb() - before,
    }


def where() -> Figures:
    """A predicate over 100,000 cells: of two axes, and of the whole cell."""
    grid = hundred_thousand()
    return {
        "by_axis_seconds": timed(lambda: grid.where(lambda size, duration: size != "1:1" or duration < 20)),
        "by_cell_seconds": timed(lambda: grid.where(lambda cell: cell.size != "1:1" or cell.duration < 20)),
    }


def exclude() -> Figures:
    """Two patterns over 100,000 cells."""
    grid = hundred_thousand()
    return {
        "seconds": timed(lambda: grid.exclude({"size": "1:1", "duration": range(20, 26)}, {"duration": 6}))
    }


def algebra() -> Figures:
    """Two grids of 100,000 cells, a tenth of which they share, joined and subtracted."""
    one = hundred_thousand()
    two = Grid(
        prompt=[f"a paper boat, number {at}" for at in range(900, 1900)], size=SIZES, duration=range(6, 26)
    )
    return {"union_seconds": timed(lambda: one + two), "difference_seconds": timed(lambda: one - two)}


def cover() -> Figures:
    """Every pair of values of a million combinations, the whole product."""
    grid = million()
    found = grid.sample(method="pairwise")
    return {"of": len(grid), "cells": len(found), "seconds": timed(lambda: grid.sample(method="pairwise"))}


def cover_of_a_part() -> Figures:
    """Every pair of values of a million combinations of which a predicate took some away."""
    grid = million().where(lambda duration, seed: duration != seed)
    begun = time.perf_counter()
    found = grid.sample(method="pairwise")
    return {"of": len(grid), "cells": len(found), "seconds": time.perf_counter() - begun}


def preview() -> Figures:
    """The layout of 1,000 cells, in HTML."""
    grid = Grid(prompt=[f"a boat, number {at}" for at in range(10)], size=SIZES, duration=range(6, 26))
    return {"cells": len(grid), "seconds": timed(lambda: grid.preview()._repr_html_())}


def order() -> Figures:
    """The order in which 100,000 cells are submitted."""
    grid = hundred_thousand()
    return {"seconds": timed(grid.submit_order)}


def estimate() -> Figures:
    """The price of 100,000 cells, and its form for a notebook."""
    grid = Grid(
        prompt=[f"a paper boat, number {at}" for at in range(2000)],
        model=EXT,
        size=SIZES,
        duration=range(6, 16),
    )
    found = grid.estimate()
    return {"seconds": timed(grid.estimate), "html_seconds": timed(found._repr_html_)}


def files() -> Figures:
    """100,000 cells thinned out, written and read."""
    grid = hundred_thousand().exclude({"duration": 6})
    figures: Figures = {}
    with tempfile.TemporaryDirectory() as folder:
        for kind in ("json", "yaml", "csv"):
            path = Path(folder) / f"grid.{kind}"
            begun = time.perf_counter()
            grid.save(path)
            figures[f"{kind}_save_seconds"] = time.perf_counter() - begun
            begun = time.perf_counter()
            Grid.load(path)
            figures[f"{kind}_load_seconds"] = time.perf_counter() - begun
    return figures


BENCHMARKS: dict[str, Callable[[], Figures]] = {
    "build": build,
    "template": from_template,
    "where": where,
    "exclude": exclude,
    "algebra": algebra,
    "cover": cover,
    "cover_of_a_part": cover_of_a_part,
    "preview": preview,
    "order": order,
    "estimate": estimate,
    "files": files,
}


def measured(name: str) -> Figures:
    """Run one benchmark in a process of its own."""
    done = subprocess.run(
        [sys.executable, __file__, "--only", name], capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


def report(found: dict[str, Figures]) -> bool:
    """Print a table and a line of JSON; say whether every goal is met."""
    met = True
    for name, figures in found.items():
        print(f"{name:18} {(BENCHMARKS[name].__doc__ or '').strip()}")
        for what, figure in figures.items():
            goal = GOALS.get(name, {}).get(what)
            missed = goal is not None and figure > goal
            met = met and not missed
            held = "" if goal is None else f"   goal {goal:g}{'  MISSED' if missed else ''}"
            print(f"    {what:22} {figure:12,.3f}{held}")
    print(json.dumps({"machine": platform.machine(), "python": platform.python_version(), "figures": found}))
    return met


def main() -> None:
    """Run them all, or one for `measured`."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--only", choices=BENCHMARKS, help="print the figures of one, as JSON")
    asked.add_argument("--json", type=Path, help="a file for the figures")
    options = asked.parse_args()
    if options.only:
        print(json.dumps(BENCHMARKS[options.only]()))
        return
    found = {name: measured(name) for name in BENCHMARKS}
    met = report(found)
    if options.json:
        options.json.write_text(json.dumps(found, indent=1) + "\n")
    sys.exit(not met)


if __name__ == "__main__":
    main()
