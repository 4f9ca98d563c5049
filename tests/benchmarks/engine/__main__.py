"""The engine's benchmarks, each in a process of its own: a table, and with ``--json FILE`` the figures.

Run them by ``tests/run bench engine``, all or by name.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.engine import virtual, wall
from benchmarks.engine.report import Figure, machine, table, to_json

BENCHMARKS = {**virtual.BENCHMARKS, **wall.BENCHMARKS}


def alone(name: str, *, quick: bool) -> tuple[list[Figure], float]:
    """Run one in a fresh process."""
    begun = time.perf_counter()
    arguments = [sys.executable, "-m", "benchmarks.engine", "--alone", name, *(["--quick"] if quick else [])]
    done = subprocess.run(arguments, stdout=subprocess.PIPE, text=True, check=True, env=os.environ)
    figures = [Figure(**each) for each in json.loads(done.stdout.splitlines()[-1])]
    return figures, time.perf_counter() - begun


def main() -> None:
    """Run the chosen benchmarks; the exit code says whether every bar that gates was kept."""
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("names", nargs="*", choices=[[], *BENCHMARKS], help="which; all by default")
    asked.add_argument("--quick", action="store_true", help="small sizes, in a tenth of the time")
    asked.add_argument("--json", type=Path, help="a file for the figures")
    asked.add_argument("--alone", choices=BENCHMARKS, help=argparse.SUPPRESS)
    options = asked.parse_args()
    if options.alone:
        found = BENCHMARKS[options.alone](quick=options.quick)
        print(
            json.dumps([{name: getattr(each, name) for name in each.__dataclass_fields__} for each in found])
        )
        return
    figures: list[Figure] = []
    seconds: dict[str, float] = {}
    for name in options.names or BENCHMARKS:
        print(f"# {BENCHMARKS[name].__doc__}", flush=True)
        found, seconds[name] = alone(name, quick=options.quick)
        figures += found
        print(*table(found)[2:], f"{seconds[name]:.0f} s", sep="\n", flush=True)
    print("", *table(figures), "", json.dumps(machine()), sep="\n")
    if options.json:
        options.json.write_text(to_json(figures, seconds) + "\n")
    missed = [each for each in figures if not each.met]
    for each in missed:
        print(
            f"MISSED{'' if each.gates else ' (reported only)'}: bar {each.bar}, {each.scenario}: {each.shown()}"
        )
    sys.exit(any(each.gates for each in missed))


if __name__ == "__main__":
    main()
