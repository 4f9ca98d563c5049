"""The simulator as a server of its own, for clients in any language."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["main"]


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    from gridgen.simulator.profiles import PROFILES

    parser = argparse.ArgumentParser(
        prog="python -m gridgen.simulator",
        description="A pretend APIMart video API on 127.0.0.1, with real clips and no bills.",
    )
    parser.add_argument("--port", type=int, default=0, help="port; a free one by default")
    parser.add_argument(
        "--speed", type=float, default=1.0, help="simulated seconds in a real one (default: 1)"
    )
    parser.add_argument("--seed", type=int, default=0, help="fixes ids, times, outcomes, pictures")
    parser.add_argument("--profile", default="demo", help=f"{', '.join(PROFILES)}; several join by '+'")
    parser.add_argument("--state", help="file in which tasks and money outlive this process")
    parser.add_argument("--key", help="API key to hand out ('sim-' and a token); new by default")
    parser.add_argument("--clips", choices=("full", "tiny"), default="full", help="size of clips")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until interrupted; return the exit code."""
    from gridgen.simulator.embedded import Simulator

    options = vars(_arguments(arguments))
    done = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: done.set())
    try:
        simulator = Simulator(**options)
    except (ValueError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    with simulator:
        sys.stdout.write(
            f"Base URL  {simulator.base_url}\n"
            f"API key   {simulator.api_key}\n"
            "Point a client here by giving it this base URL (with /v1 if it wants one) and this key; "
            "Ctrl-C stops.\n"
        )
        sys.stdout.flush()
        while not done.wait(1.0):
            pass
    return 0


if __name__ == "__main__":
    sys.exit(main())
