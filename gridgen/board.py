"""The live view of a sweep: how far it is, what it cost, what went wrong, and a button that stops it."""

from __future__ import annotations

import html
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import IPython.display
import traitlets as t

from gridgen.errors import GridgenError
from gridgen.file_links import beside_notebook
from gridgen.gallery.folder_mark import folder_mark
from gridgen.gallery.layout import describe, sheet_axes
from gridgen.gallery.rpc import QuestionError, SweepWidget
from gridgen.gallery.script import script, style
from gridgen.gallery.still import Still
from gridgen.money import total, without_mathematics
from gridgen.states import ATTENTION, AWAITED, FACTS, RETRIED, UNFINISHED, State, meanings
from gridgen.sweep.reopen import SWEEP_FILE

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from gridgen.journal import Row
    from gridgen.sweep import Sweep

__all__ = ["Board"]

_MOST_TROUBLES = 20
_LONGEST = 1_000
"""Characters that a still says of one axis."""
_RANKS = {"good": 0, "busy": 1, "warn": 2, "bad": 2, "idle": 3}
"""The order of tones, from finished to not begun."""


def _standing(_value: object, board: Board) -> dict[str, Any]:
    return board.state()


class Board(SweepWidget):
    """Where a sweep stands, live in a notebook.

    Parameters
    ----------
    sweep : Sweep
        What to follow.

    Notes
    -----
    Where no widgets run, the board is the plan: axes, clips, seconds of footage,
    and the outcome once nothing is left to do.
    """

    _esm = script("board")
    _css = style()

    states: t.Dict[str, Any] = t.Dict().tag(sync=True)
    standing = t.Any().tag(sync=True, to_json=_standing)

    def __init__(self, sweep: Sweep) -> None:
        self.sweep = sweep
        self._rows = {row.index: row for row in sweep.rows()}
        still = Still(sweep.rows, lambda _largest: self._static(sweep.rows(), so_far=True))
        super().__init__(still=still.name, states=meanings())
        self.follow(sweep, still)

    def display(self) -> None:
        """Show the board in the cell that runs."""
        IPython.display.display(self)  # type: ignore[no-untyped-call]

    def _ipython_display_(self) -> None:
        self.picture.show(*self._repr_mimebundle_())

    def state(self) -> dict[str, Any]:
        """Return what the board shows, as JSON values; money is decimal text."""
        rows = self._known()
        troubled = [row for row in rows if row.status in ATTENTION]
        finished = not any(row.status in UNFINISHED for row in rows)
        prices = [row.price for row in rows if row.price is not None]
        ended = [row.completed_at for row in rows if row.completed_at is not None]
        return {
            "now": self.sweep.internals.clock.time(),
            "name": Path(self.sweep.name).name,
            "clips": _wanted(rows),
            "counts": _counts(rows),
            "footage": sum(row.cell.seconds for row in rows if row.status == State.DONE),
            "wanted": sum(row.cell.seconds for row in rows if row.status != State.SKIPPED),
            "began": min((row.submitted_at for row in rows if row.submitted_at is not None), default=None),
            "ended": max(ended, default=None) if finished else None,
            "speed": self.sweep.internals.speed,
            "cost": str(self.sweep.cost),
            "estimate": str(total(prices)) if prices else "",
            "unpriced": _wanted(rows) - len(prices),
            "stopped": self.sweep.internals.stopped,
            "waits": list(self.sweep.waits_for),
            "troubles": [self._trouble(row) for row in troubled[:_MOST_TROUBLES]],
            "more": max(0, len(troubled) - _MOST_TROUBLES),
            "retry": self._offer(rows),
            "remedies": _remedies(rows),
            "stop": {
                "folder": beside_notebook(self.sweep.folder),
                "mark": folder_mark(self.sweep.folder),
                "beside": SWEEP_FILE,
                "file": self.sweep.internals.stop_file,
            },
        }

    def __repr__(self) -> str:
        seconds = sum(row.cell.seconds for row in self._rows.values() if row.status != State.SKIPPED)
        clips = _wanted(self._rows.values())
        return f"Board({Path(self.sweep.name).name[:60]!r}: {_clips(clips)}, {seconds} s of footage)"

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        data, metadata = super()._repr_mimebundle_(**kwargs) or ({}, {})
        return {**data, "text/plain": repr(self), "text/html": self._static(self._known())}, metadata

    def changed(self, rows: tuple[Row, ...]) -> None:
        """Send what the browser has not heard."""
        if rows and all(self._rows.get(row.index) == row for row in rows):
            return
        self._rows.update((row.index, row) for row in rows)
        self.send({"kind": "standing", "standing": self.state()})

    def answer(self, question: dict[str, Any]) -> tuple[dict[str, Any], list[bytes]]:
        """Say how things stand, stop the sweep, or make the failed clips again that a person saw and clicked for."""
        match question.get("kind"):
            case "standing":
                return {"standing": self.state()}, []
            case "stop":
                name = self.sweep.internals.stop_file
                # of a click that a file has told already, the message comes when the cell is over
                taken = question.get("file", name) != name
                if not taken:
                    self.sweep.stop()
                return {"stopped": True, "taken": taken}, []
            case "retry":
                return {"count": self._retry(question.get("rows"))}, []
            case other:
                msg = f"{other!r} is not a question that the board answers"
                raise QuestionError(msg)

    def _known(self) -> list[Row]:
        return [self._rows[index] for index in sorted(self._rows)]

    def _offer(self, rows: Sequence[Row]) -> dict[str, Any]:
        """Return which failed clips a click makes again, and for how much; none before all else is over."""
        offered = [row for row in rows if row.status in RETRIED]
        if any(row.status in AWAITED for row in rows):
            offered = []
        known = [row.price for row in offered if row.price is not None]
        return {
            "rows": [row.index for row in offered],
            "price": str(total(known)) if known else "",
            "unpriced": len(offered) - len(known),
        }

    def _retry(self, rows: object) -> int:
        """Make these again, which the person saw as failed, unless any of them is not so any more."""
        now = {row.index: row for row in self.sweep.rows()}
        wanted = rows if isinstance(rows, list) else []
        if not wanted or any(
            type(at) is not int or at not in now or now[at].status not in RETRIED for at in wanted
        ):
            msg = "what failed has changed meanwhile; look again"
            raise QuestionError(msg)
        try:
            return self.sweep.retry(*wanted)
        except GridgenError as error:
            raise QuestionError(str(error)) from None

    def _trouble(self, row: Row) -> dict[str, str]:
        why = ": ".join(part for part in (row.error_class, row.error) if part)
        return {"what": self._name(row), "status": row.status, "why": why}

    def _name(self, row: Row) -> str:
        shown = [axis for axis in sheet_axes(self.sweep) if len(axis) > 1 or axis.name == "prompt"]
        return ", ".join(describe(shown, row))

    @without_mathematics
    def _static(self, rows: Sequence[Row], *, so_far: bool = False) -> str:
        """Return the plan as HTML; how far it is too, once nothing is left to do or where that is asked for."""
        facts = [
            _clips(_wanted(rows)),
            f"{sum(row.cell.seconds for row in rows if row.status != State.SKIPPED)} s of footage",
        ]
        if so_far or not any(row.status in UNFINISHED for row in rows):
            facts += [f"{count} {status}" for status, count in _counts(rows)]
        axes = "".join(
            f'<tr style="background:none"><th style="text-align:left">{html.escape(axis.name)}</th>'
            f'<td style="text-align:left">{html.escape(_few(axis.labels) if so_far else ", ".join(axis.labels))}</td></tr>'
            for axis in sheet_axes(self.sweep)
            if len(axis) > 1
        )
        name = html.escape(Path(self.sweep.name).name)
        return f"<div><p><strong>{name}</strong> · {' · '.join(facts)}</p><table>{axes}</table></div>"


def _remedies(rows: Sequence[Row]) -> list[str]:
    """Say what can be done about clips that no click makes again, or not yet."""
    counts = Counter(row.status for row in rows)
    busy = any(row.status in AWAITED for row in rows)
    found = []
    for status, facts in FACTS.items():
        count, it, them = counts[status], *(("it", "it") if counts[status] == 1 else ("they", "them"))
        if not count or status not in ATTENTION or (status in RETRIED and not busy):
            continue
        if status in RETRIED:
            text = f"once the others are through, a button here makes {them} again"
        elif facts.retried == "by name":
            asks = f"run() asks for {them} again; " if facts.asked else ""
            text = f'{asks}sweep.retry(where="{status}") makes and pays {them} again'
        elif status == State.UNKNOWN:
            text = f"sweep.unknown shows what {it} may have cost, and the ways to settle {them}"
        elif status == State.HELD:
            text = f"what {it} {'waits' if count == 1 else 'wait'} for is said above"
        else:
            text = f"nothing to do: {it} {'is' if count == 1 else 'are'} still asked for"
        found.append(f"{count} {status}: {text}")
    return found


def _few(labels: Sequence[str]) -> str:
    """Return the labels in one line, as many of them as a still has room for."""
    line = ", ".join(labels)
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]} …"


def _wanted(rows: Iterable[Row]) -> int:
    """Return how many clips the grid asks for; what it skips is none."""
    return sum(row.status != State.SKIPPED for row in rows)


def _clips(count: int) -> str:
    return f"{count} {'clip' if count == 1 else 'clips'}"


def _counts(rows: Sequence[Row]) -> list[tuple[str, int]]:
    """Return how many rows there are by state, from finished to not begun."""
    ranks = {state: _RANKS[facts.tone] for state, facts in FACTS.items()}
    counts = Counter(row.status for row in rows)
    return sorted(counts.items(), key=lambda each: (ranks.get(each[0], 1), each[0]))
