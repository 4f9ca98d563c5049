"""How a sweep gets on, shown while a cell, a terminal or a script waits for it."""

from __future__ import annotations

import contextlib
import logging
import math
import shutil
import sys
from typing import TYPE_CHECKING

from gridgen.clock import Clock
from gridgen.money import dollars
from gridgen.states import TROUBLED, State
from gridgen.sweep.wait_reasons import TO_LOOK
from gridgen.sweep.watching import INTERVAL, LEISURE
from gridgen.traces import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from gridgen.sweep import Sweep

__all__ = ["Milestones", "showing"]

QUARTER = 25
"""Percent of the clips after which a script says a line."""

BRIEF = 30.0
"""Seconds of real time that a script is given to be through before it says anything."""

SELDOM = 300.0
"""Seconds of real time after which it says one in any case."""

_log = logging.getLogger("gridgen")


@contextlib.contextmanager
def showing(sweep: Sweep) -> Iterator[Callable[[], None] | None]:
    """Show a sweep's board in a notebook, a line in a terminal, or some in a log, until the block ends.

    Lines go to stderr, and none where the logger ``gridgen`` is to tell nothing below a warning.

    Yields
    ------
    callable or None
        What is to be called now and then meanwhile.
    """
    if _in_notebook():
        from gridgen.board import Board

        Board(sweep).display()
        yield None
    elif sys.stderr is None or _log.level > logging.INFO:
        yield None
    else:
        lines = _line_in_terminal if sys.stderr.isatty() else _lines_in_log
        with lines(sweep) as tick:
            yield tick


@contextlib.contextmanager
def _line_in_terminal(sweep: Sweep) -> Iterator[Callable[[], None]]:
    start = Clock().monotonic()

    def show() -> None:
        line = _line(sweep, Clock().monotonic() - start)
        sys.stderr.write(f"\r\x1b[K{line[: max(40, shutil.get_terminal_size().columns - 1)]}")
        sys.stderr.flush()

    try:
        yield _leisurely(show)
    finally:
        show()
        sys.stderr.write("\n")
        _tell_a_person(sweep)


@contextlib.contextmanager
def _lines_in_log(sweep: Sweep) -> Iterator[Callable[[], None]]:
    start, milestones, said = Clock().monotonic(), Milestones(), ""

    def show(*, at_last: bool = False) -> None:
        nonlocal said
        now, percent = Clock().monotonic(), _finished(sweep)
        news = f"{percent} %, {_counts(sweep)}"
        if milestones.due(percent, now) or (at_last and news != said):
            said = news
            sys.stderr.write(f"{_line(sweep, now - start, percent)}\n")
            sys.stderr.flush()

    try:
        yield _leisurely(show)
    finally:
        # who was told nothing meanwhile is told nothing at the end
        if said:
            show(at_last=True)
            _tell_a_person(sweep)


def _tell_a_person(sweep: Sweep) -> None:
    for each in sweep.waits_for:
        if each.startswith(TO_LOOK):
            sys.stderr.write(f"{each.partition(': ')[2]}\n")


class Milestones:
    """When a script that takes its time says a line: for each quarter of the clips, and after minutes without one."""

    def __init__(self) -> None:
        self._quarter, self._at = -1, -math.inf
        self._begun: float | None = None

    def due(self, percent: int, now: float) -> bool:
        """Whether a line is to be said; it is taken to be said then.

        Parameters
        ----------
        percent : int
            Of the clips that are finished.
        now : float
            Seconds of real time, from any start.
        """
        self._begun = now if self._begun is None else self._begun
        if now - self._begun < BRIEF:
            return False
        quarter = percent // QUARTER
        if quarter <= self._quarter and now - self._at < SELDOM:
            return False
        self._quarter, self._at = quarter, now
        return True


def _leisurely(show: Callable[[], None]) -> Callable[[], None]:
    """Return what shows at most so often that it costs a small part of the time."""
    due = -math.inf

    def tick() -> None:
        nonlocal due
        begun = Clock().monotonic()
        if begun >= due:
            show()
            due = begun + max(INTERVAL, LEISURE * (Clock().monotonic() - begun))

    return tick


def _finished(sweep: Sweep) -> int:
    """Return how many of a hundred clips have come to an end, good or bad."""
    counts = sweep.counts()
    over = sum(count for status, count in counts.items() if status == State.DONE or status in TROUBLED)
    return 100 * over // max(1, sum(counts.values()) - counts.get(State.SKIPPED, 0))


def _counts(sweep: Sweep) -> str:
    return ", ".join(f"{count} {status}" for status, count in sweep.counts().items())


def _line(sweep: Sweep, seconds: float, percent: int | None = None) -> str:
    waits = sweep.waits_for
    shown = f"; waits for {waits[0]}" if waits and sweep.running else ""
    done = "" if percent is None else f"{percent} %, "
    line = f"{sweep.name[:30]}: {done}{_counts(sweep)}; {seconds:.0f} s; {dollars(sweep.cost)}{shown}"
    return printable(line).replace("\n", " ")


def _in_notebook() -> bool:
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    return shell is not None and "IPKernelApp" in shell.config
