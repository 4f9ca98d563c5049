"""Submissions whose outcome nobody can know, and the ways a person can settle them."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, overload

from gridgen._loop import wait
from gridgen.errors import GridError, GridgenError
from gridgen.money import Dollars, exact_dollars, total, without_mathematics
from gridgen.outcome import why_no_replay
from gridgen.states import State

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from gridgen.journal import Journal, Record, Row
    from gridgen.sweep import Sweep

__all__ = ["Unknown"]

_OTHER_WAYS = "attach(row, task_id), resubmit(row) or drop(row)"
_WAYS = f"replay(row), {_OTHER_WAYS}"
_MOST_NAMED = 20


class Unknown(Sequence["Row"]):
    """The rows of a sweep that were sent and whose answer was lost.

    Each may be billed. The API lists no tasks, so only a person can find out,
    in the account's usage, what became of one; these verbs note the verdict.
    They take rows as `Ratings.rate` does: a number is the index in `Sweep.df`, a cell
    without a take means those of its takes that are unknown.

    Parameters
    ----------
    sweep : Sweep
    """

    def __init__(self, sweep: Sweep) -> None:
        self._sweep = sweep
        self._rows = tuple(row for row in sweep.rows() if row.status == State.UNKNOWN)

    @overload
    def __getitem__(self, index: int) -> Row: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Row, ...]: ...
    def __getitem__(self, index: int | slice) -> Row | tuple[Row, ...]:
        return self._rows[index]

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def at_risk(self) -> Dollars:
        """What they may have cost, in USD; unknown prices are not in it."""
        return total(row.price for row in self._rows)

    def __repr__(self) -> str:
        if not self._rows:
            return "nothing is unknown"
        count = "1 submission" if len(self) == 1 else f"{len(self)} submissions"
        return f"{count} unknown, {self._risk()}; settle each with {_WAYS}"

    def _risk(self) -> str:
        unpriced = sum(row.price is None for row in self._rows)
        if not unpriced:
            return f"at most {exact_dollars(self.at_risk)} at risk"
        known = f"{exact_dollars(self.at_risk)} and " if self.at_risk else ""
        return f"{known}{unpriced} of unknown price at risk"

    @without_mathematics
    def _repr_html_(self) -> str:
        now = self._sweep.internals.clock.time()
        lines = "".join(
            f"<tr><td>{row.index}</td><td style='text-align:left'>{html.escape(row.cell.prompt)}</td><td>{row.take}</td>"
            f"<td>{_age(now, row)}</td><td style='text-align:left'>{html.escape(row.error or '')}</td></tr>"
            for row in self._rows
        )
        head = "<tr><th>row</th><th>prompt</th><th>take</th><th>sent</th><th>evidence</th></tr>"
        return (
            f"<div><p>{html.escape(repr(self))}</p>{f'<table>{head}{lines}</table>' if lines else ''}</div>"
        )

    def attach(self, row: Any, task_id: str) -> None:
        """Note that the submission became this task; the sweep follows and downloads it.

        Raises
        ------
        GridError
            If it is not one row whose outcome is unknown.
        APIError
            If the server does not know the task.
        JournalError
            If another clip has that task.
        """
        chosen = self._chosen((row,))
        if len(chosen) != 1:
            msg = f"{len(chosen)} rows were given, and one is needed: a task is one clip"
            raise GridError(msg, nothing="Nothing was sent.")
        with self._sweep.internals.stoppable() as start:
            wait(self._attach(chosen[0], task_id))
            start()

    def replay(self, *rows: Any) -> None:
        """Send these again as they were, under their own keys; all of them when none is named.

        That is no second submission where the server honours the key: it answers
        with the task of the first, or takes it now if it never arrived. At most
        three times, and within ten minutes.

        Raises
        ------
        GridgenError
            If one of them may not be replayed, and why. Nothing was sent.
        """
        chosen = self._chosen(rows)
        if not chosen:
            return
        with self._sweep.internals.stoppable() as start:
            wait(self._check_replays(chosen))
            self._sweep.internals.replay(chosen)
            start()

    async def _check_replays(self, rows: Sequence[Row]) -> None:
        client = self._sweep.client
        async with self._sweep.internals.journaled() as journal:
            for row in rows:
                record = journal.records[self._sweep.internals.slot(row)]
                proof = client.proof(row.cell.model)
                why = why_no_replay(
                    proven=proof is not None and proof.honoured,
                    age=record.age(client.clock),
                    replays=record.replays,
                )
                if why is not None:
                    msg = f"row {row.index} may not be replayed: {why}. Settle it with {_OTHER_WAYS}. Nothing was sent."
                    raise GridgenError(msg)

    def resubmit(self, *rows: Any) -> None:
        """Submit these again, at the price of possibly paying twice; all of them when none is named.

        What may have been paid before stays in the sum that the budget caps.

        Raises
        ------
        BudgetError, OutOfCreditsError
            If there is no money for it. Nothing has changed then.
        """
        chosen = self._chosen(rows)
        if not chosen:
            return
        with self._sweep.internals.stoppable() as start:
            self._sweep.internals.renew(chosen, self._sweep.budget)
            start()

    def drop(self, *rows: Any) -> None:
        """Give these up; all of them when none is named. What they may have cost still counts."""
        for row in self._chosen(rows):
            wait(self._each(row, _dropped))

    def _chosen(self, rows: tuple[Any, ...]) -> list[Row]:
        """Return the rows that are meant, by default those of these that still are unknown; one that is not stops all."""
        chosen = self._sweep.internals.chosen(
            rows or self._rows, usable={State.UNKNOWN}, nothing="Nothing was sent."
        )
        if not rows:
            return [row for row in chosen if row.status == State.UNKNOWN]
        settled = next((row for row in chosen if row.status != State.UNKNOWN), None)
        if settled is not None:
            msg = f"row {settled.index} is {settled.status}, not unknown; {self._numbers()}"
            raise GridError(msg, nothing="Nothing was sent.")
        return chosen

    def _numbers(self) -> str:
        now = [str(row.index) for row in self._sweep.rows() if row.status == State.UNKNOWN]
        if not now:
            return "no row of sweep.df is"
        more = f" and {len(now) - _MOST_NAMED} more" if len(now) > _MOST_NAMED else ""
        return f"unknown are the rows {', '.join(now[:_MOST_NAMED])}{more} of sweep.df"

    async def _attach(self, row: Row, task_id: str) -> None:
        await self._sweep.client.wire.poll(task_id)

        async def attached(journal: Journal, record: Record) -> None:
            self._sweep.internals.check_unused(journal, task_id)
            await journal.save(
                record,
                durable=True,
                detail="attached",
                state=State.QUEUED,
                task_id=task_id,
                error_class=None,
                error=None,
            )

        await self._each(row, attached)

    async def _each(self, row: Row, settle: Callable[[Journal, Record], Awaitable[object]]) -> None:
        async with self._sweep.internals.journaled() as journal:
            record = journal.records[self._sweep.internals.slot(row)]
            if record.state != State.UNKNOWN:
                msg = f"this submission is {record.state} by now; look at sweep.df again"
                raise GridgenError(msg)
            await settle(journal, record)


async def _dropped(journal: Journal, record: Record) -> None:
    await journal.save(record, durable=True, detail="dropped", state=State.LOST)


def _age(now: float, row: Row) -> str:
    if row.submitted_at is None:
        return ""
    minutes = max(0.0, now - row.submitted_at) / 60
    hour = 60
    return f"{minutes:.0f} min ago" if minutes < hour else f"{minutes / hour:.1f} h ago"
