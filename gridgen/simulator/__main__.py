"""The simulator as a server of its own, for clients in any language."""

from __future__ import annotations

import argparse
import dataclasses
import difflib
import json
import math
import queue
import signal
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gridgen.simulator.faults import Fault

__all__ = ["main"]

_WORDS = {"True": True, "False": False, "None": None}


def _arguments(arguments: Sequence[str] | None) -> dict[str, Any]:
    from gridgen.simulator.profiles import PROFILES

    parser = argparse.ArgumentParser(
        prog="python -m gridgen.simulator",
        description="A pretend APIMart video API on 127.0.0.1, with real clips and no bills.",
        epilog=_all_there_is(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
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


def _all_there_is() -> str:
    """Return the switches and the faults by name, for the end of the help."""
    import textwrap

    from gridgen.simulator.faults import ENDPOINTS, KINDS
    from gridgen.simulator.profiles import Switches

    lists = (
        ("switches", list(Switches.__annotations__)),
        ("kinds of fault", list(KINDS)),
        ("faults strike on", list(ENDPOINTS)),
        ("at the moment", list(dict.fromkeys(moment for moments in KINDS.values() for moment in moments))),
    )
    lines = [
        textwrap.fill(f"{name}: {', '.join(words)}", 79, subsequent_indent="  ") for name, words in lists
    ]
    return "\n".join(
        [
            *lines,
            "",
            'In a patch, "..." removes a field. What each does: python -m pydoc gridgen.simulator.profiles,',
            "and python -m pydoc gridgen.simulator.faults.",
            "",
            "Point a client here by giving it the base URL and the key that are printed at the start.",
        ]
    )


def _speed(text: str) -> float:
    speed = float(text)
    if not 0 < speed < math.inf:
        msg = "a server needs a speed above 0 that is finite; virtual time is for Simulator(speed=math.inf)"
        raise argparse.ArgumentTypeError(msg)
    return speed


def _switch(text: str) -> tuple[str, Any]:
    from gridgen.simulator.profiles import Profile

    name, found, word = text.partition("=")
    if not found:
        msg = f"{text!r} is not SWITCH=VALUE"
        raise argparse.ArgumentTypeError(msg)
    try:
        value = _WORDS[word] if word in _WORDS else json.loads(word)
    except ValueError:
        value = word
    switches: dict[str, Any] = {name: value}
    try:
        Profile().but(**switches)
    except (ValueError, TypeError) as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return name, value


def _fault(text: str) -> Fault:
    from gridgen.simulator.faults import Fault

    known = [field.name for field in dataclasses.fields(Fault)]
    try:
        rule = json.loads(text)
        if not isinstance(rule, dict):
            msg = f"a fault is a JSON object, got {text}"
            raise argparse.ArgumentTypeError(msg)
        for name in rule:
            if name not in known:
                near = difflib.get_close_matches(name, known, n=1, cutoff=0.0)[0]
                msg = f"a fault has no {name!r} (nearest: {near!r}; all: {', '.join(known)})"
                raise argparse.ArgumentTypeError(msg)
        return Fault(**{"kind": "", **rule, "patch": _with_removals(rule.get("patch", {}))})
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _with_removals(patch: Any) -> Any:
    """Return a patch with what removes a field, which JSON cannot write, in place of ``"..."``."""
    if isinstance(patch, dict):
        return {name: _with_removals(value) for name, value in patch.items()}
    return ... if patch == "..." else patch


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until interrupted; return the exit code."""
    from gridgen.simulator.in_process import Simulator

    options = _arguments(arguments)
    # a queue, since setting an event within a signal can lock up whoever waits for it
    ended: queue.SimpleQueue[int] = queue.SimpleQueue()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda signal_number, _: ended.put(signal_number))
    try:
        simulator = Simulator(**options)
    except (ValueError, TypeError, OSError) as error:
        sys.stderr.write(f"{getattr(error, 'strerror', error)}\n")
        return 2
    with simulator:
        sys.stdout.write(
            f"Base URL  {simulator.base_url}\n"
            f"API key   {simulator.api_key}\n"
            "Point a client here by giving it this base URL (with /v1 if it wants one) and this key; "
            "Ctrl-C stops.\n"
        )
        sys.stdout.flush()
        _wait_for(ended)
    return 0


def _wait_for(ended: queue.SimpleQueue[int]) -> None:
    """Wait by the second: Windows lets no signal through to a wait without an end."""
    while True:
        try:
            ended.get(timeout=1.0)
        except queue.Empty:
            continue
        return


if __name__ == "__main__":
    sys.exit(main())
