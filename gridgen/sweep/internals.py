"""What other parts of gridgen need of a sweep, and nobody else: kept off its public face."""

from __future__ import annotations

import contextlib
import math
from typing import TYPE_CHECKING, Any

from gridgen._loop import engine, wait
from gridgen.clock import Clock
from gridgen.states import State

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence
    from contextlib import AbstractAsyncContextManager
    from decimal import Decimal

    from gridgen.estimate import Estimate
    from gridgen.journal import Journal, Row
    from gridgen.judgements import Judgements
    from gridgen.money import ClipKey
    from gridgen.sweep.execution import Execution
    from gridgen.sweep.plan import Plan
    from gridgen.sweep.rows import Rows

__all__ = ["INTERRUPTED", "Internals"]

INTERRUPTED = (
    "stopped submitting; what was submitted is still followed and downloaded in the background. "
    "run() submits the rest, wait() waits for what runs"
)


class Internals:
    """The inner side of a sweep, for `Sweep.unknown`, the ratings, the board, the wall and the exports.

    Parameters
    ----------
    plan : Plan
    rows : Rows
    execution : Execution
    begin : callable
        Begins a run, unless there was a stop since so many were counted.
    """

    def __init__(self, plan: Plan, rows: Rows, execution: Execution, begin: Callable[[int], None]) -> None:
        self._plan, self._rows, self._execution, self._begin = plan, rows, execution, begin

    # Rows

    def slot(self, row: Row) -> ClipKey:
        """Return what names a row in the journal."""
        return self._plan.slot(row)

    def chosen(self, rows: Any, *, usable: Collection[str] = frozenset(State), nothing: str) -> list[Row]:
        """Return the rows that a person means, as they stand now, each once, in the order given.

        Parameters
        ----------
        rows
            As of `Ratings.rate`.
        usable : collection of str
            Statuses of rows that the verb can use: those are meant by a cell without a
            take, and all of its takes where it has no such.
        nothing : str
            A sentence that says what did not happen if this raises.

        Raises
        ------
        GridError
            If something is no row of this sweep.
        """
        found = self._rows.now()
        chosen = self._plan.lookup.rows(rows, lambda at: found[at].status in usable, nothing)
        return [found[at] for at in chosen]

    # Ratings

    @property
    def judgements(self) -> Judgements:
        """What reviewers said of the clips."""
        return self._rows.judgements

    def rejudge(self, slots: Collection[ClipKey]) -> None:
        """Show anew what is said of these clips; from any thread."""
        self._rows.rejudge(slots)

    # The engine

    @property
    def clock(self) -> Clock:
        """The client's clock; the machine's own without a client."""
        client = self._execution.client
        return Clock() if client is None else client.clock

    @property
    def speed(self) -> float | None:
        """How many seconds of its clock pass in one of a person's, so that what is shown can be real time.

        None where nobody can say: time that jumps, and a simulator's folder without its simulator.
        """
        client = self._execution.client
        if client is None:
            return None if self._plan.origin == "simulator" else 1.0
        return client.clock.speed if math.isfinite(client.clock.speed) else None

    @property
    def stop_file(self) -> str:
        """Name of an empty file that, put into its folder, stops a sweep that goes on, once; the name changes then."""
        return self._execution.stop_file.name

    @property
    def stopped(self) -> bool:
        """Whether `stop`, an interrupt or a page stopped the submitting, and nobody has begun it again."""
        return self._execution.stopped

    @contextlib.contextmanager
    def stoppable(self) -> Iterator[Callable[[], None]]:
        """Let a verb submit nothing after an interrupt or a stop since it began, whatever the engine does for it.

        Yields
        ------
        callable
            Does as `start`, unless there was a stop.
        """
        try:
            stops = wait(self._execution.stops_until_now())
            yield lambda: self._begin(stops)
        except KeyboardInterrupt:
            engine().submit(self._execution.stop())
            raise KeyboardInterrupt(INTERRUPTED) from None

    def renew(self, rows: Sequence[Row], budget: Decimal | None) -> None:
        """Plan a new attempt of each of these takes, if there is money for it and for what is planned already.

        Raises
        ------
        BudgetError, OutOfCreditsError
            If there is not. Nothing has changed then.
        """
        wait(self._execution.renew(rows, budget))

    def check_budget(self, found: Estimate, budget: Decimal | None) -> None:
        """Raise `BudgetError` if a run would pass a budget, or spend real money without one."""
        self._execution.check_budget(found, budget)

    def replay(self, rows: Sequence[Row]) -> None:
        """Let the next run send these again as they were."""
        self._execution.replaying.update(map(self.slot, rows))

    def check_unused(self, journal: Journal, task_id: str) -> None:
        """Raise `JournalError` if some clip of the folder has a task already."""
        self._execution.check_unused(journal, task_id)

    def journaled(self) -> AbstractAsyncContextManager[Journal]:
        """Lend the journal for a change that a person asked for; on the engine's loop."""
        return self._execution.journaled()
