"""The simulator as a server of its own, for clients in any language."""

from __future__ import annotations

import argparse
import json
import math
import signal
import sys
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gridgen.simulator.faults import Fault

__all__ = ["main"]


def _arguments(arguments: Sequence[str] | None) -> dict[str, Any]:
    from gridgen.simulator.profiles import PROFILES

    parser = argparse.ArgumentParser(
        prog="python -m gridgen.simulator",
        description="A pretend APIMart video API on 127.0.0.1, with real clips and no bills.",
    )
    add = parser.add_argument
    add("--port", type=int, default=0, help="port; a free one by default")
    add("--speed", type=_speed, default=1.0, help="simulated seconds in a real one (default: 1)")
    add("--seed", type=int, default=0, help="fixes ids, times, outcomes, pictures")
    add("--profile", default="demo", help=f"{', '.join(PROFILES)}; several join by '+'")
    add("--state", help="file in which tasks and money outlive this process")
    add("--key", help="API key to hand out ('sim-' and a token); new by default")
    add("--clips", choices=("full", "tiny"), default="full", help="size of clips")
    add(
        "--set",
        type=_switch,
        action="append",
        default=[],
        metavar="SWITCH=VALUE",
        help="a switch of the profile, such as slots=2 or failures=0.1; may be repeated",
    )
    add(
        "--fault",
        type=_fault,
        action="append",
        default=[],
        dest="faults",
        metavar="JSON",
        help="""what goes wrong, such as '{"kind": "reset", "on": "submit", "when": "after"}';
        may be repeated""",
    )
    options = vars(parser.parse_args(arguments))
    return options | dict(options.pop("set"))


def _speed(text: str) -> float:
    speed = float(text)
    if not 0 < speed < math.inf:
        msg = "a server needs a speed above 0 that is finite; virtual time is for Simulator(speed=math.inf)"
        raise argparse.ArgumentTypeError(msg)
    return speed


def _switch(text: str) -> tuple[str, Any]:
    name, _, value = text.partition("=")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


def _fault(text: str) -> Fault:
    from gridgen.simulator.faults import Fault

    try:
        return Fault(**json.loads(text))
    except (ValueError, TypeError) as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until interrupted; return the exit code."""
    from gridgen.simulator.embedded import Simulator

    options = _arguments(arguments)
    done = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: done.set())
    try:
        simulator = Simulator(**options)
    except (ValueError, TypeError, OSError) as error:
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
