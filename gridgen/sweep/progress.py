"""How a sweep gets on, shown while a cell or a terminal waits for it."""

from __future__ import annotations

import contextlib
import shutil
import sys
from typing import TYPE_CHECKING

from gridgen.clock import Clock
from gridgen.sweep.wait_reasons import CHARGED_MORE
from gridgen.sweep.watching import LEISURE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from gridgen.sweep import Sweep

__all__ = ["showing"]


@contextlib.contextmanager
def showing(sweep: Sweep) -> Iterator[Callable[[], None] | None]:
    """Show a sweep's board in a notebook, or a line in a terminal, until the block ends.

    Yields
    ------
    callable or None
        What is to be called now and then meanwhile.
    """
    if _in_notebook():
        from gridgen.board import Board

        Board(sweep).display()
        yield None
    elif sys.stderr.isatty():
        with _line_in_terminal(sweep) as tick:
            yield tick
    else:
        yield None


@contextlib.contextmanager
def _line_in_terminal(sweep: Sweep) -> Iterator[Callable[[], None]]:
    due = start = Clock().monotonic()

    def show() -> None:
        sys.stderr.write(f"\r\x1b[K{_line(sweep, Clock().monotonic() - start)}")
        sys.stderr.flush()

    def tick() -> None:
        nonlocal due
        begun = Clock().monotonic()
        if begun >= due:
            show()
            due = begun + LEISURE * (Clock().monotonic() - begun)

    try:
        yield tick
    finally:
        show()
        sys.stderr.write("\n")
        for each in sweep.waits_for:
            if each.startswith(CHARGED_MORE):
                sys.stderr.write(f"{each.partition(': ')[2]}\n")


def _line(sweep: Sweep, seconds: float) -> str:
    counts = ", ".join(f"{count} {status}" for status, count in sweep.counts().items())
    waits = sweep.waits_for
    shown = f"; waits for {waits[0]}" if waits and sweep.running else ""
    line = f"{sweep.name[:30]}: {counts}; {seconds:.0f} s; ${sweep.cost:.4f}{shown}"
    return line[: max(40, shutil.get_terminal_size().columns - 1)]


def _in_notebook() -> bool:
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    return shell is not None and "IPKernelApp" in shell.config
