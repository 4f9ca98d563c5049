"""A process that renders: scenes come in by stdin, files go out by stdout, both pickled.

`gridgen.simulator.renderer` starts it and is the only one that talks to it.
"""

from __future__ import annotations

import pickle
import signal
import sys

from gridgen.simulator import clips


def main() -> None:
    """Render until stdin ends."""
    # a notebook's stop button interrupts the whole process group
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    asked, answers = sys.stdin.buffer, sys.stdout.buffer
    sys.stdout = sys.stderr
    while True:
        try:
            what, scene = pickle.load(asked)  # noqa: S301 - from the process that started this one
        except EOFError:
            return
        try:
            answer: bytes | ValueError = getattr(clips, what)(scene)
        except ValueError as error:
            answer = error
        pickle.dump(answer, answers)
        answers.flush()


if __name__ == "__main__":
    main()
