"""What a person does to clips in the browser: judge them, choose between them, select them.

Messages come from a page, so each is checked against its shape before any of it
is used, and speaks only of clips by their numbers.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from gridgen.errors import GridgenError
from gridgen.gallery.rpc import QuestionError
from gridgen.judgements import OUTCOMES
from gridgen.states import State

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gridgen.gallery.change_feed import ChangeFeed
    from gridgen.money import ClipKey
    from gridgen.sweep import Sweep

__all__ = ["Judge", "choices"]

_SHAPES: Mapping[str, Mapping[str, type]] = {
    "judge": {"id": int, "said": dict},
    "undo": {},
    "choose": {"left": int, "right": int, "outcome": str},
    "unchoose": {},
    "select": {"ids": list},
}
_PARTS = {"stars", "pick", "tags", "note"}


class Judge:
    """Takes down what one reviewer does in the browser.

    Parameters
    ----------
    sweep : Sweep
    feed : ChangeFeed
        What the page knows, and whose opinions it is told as its own.

    Attributes
    ----------
    kinds : set of str
        The kinds of message that it takes.
    selected : tuple of int
        The rows that the person has selected, in grid order.
    """

    kinds = frozenset(_SHAPES)

    def __init__(self, sweep: Sweep, feed: ChangeFeed) -> None:
        self._sweep, self._feed, self.reviewer = sweep, feed, feed.reviewer
        self._rows = {row.index: row for row in sweep.rows() if row.status != State.SKIPPED}
        self.selected: tuple[int, ...] = ()
        self._lock = threading.Lock()

    def answer(self, question: Mapping[str, Any]) -> dict[str, Any]:
        """Do what a message asks for, and say what came of it.

        Raises
        ------
        QuestionError
            If it is not exactly of the shape of its kind, or names an unknown clip.
            Nothing was noted.
        """
        kind = question["kind"]
        told = _shaped(question, _SHAPES[kind])
        does: dict[str, Callable[..., dict[str, Any]]] = {
            "judge": self._judge,
            "undo": self._undo,
            "choose": self._choose,
            "unchoose": self._unchoose,
            "select": self._select,
        }
        try:
            with self._lock:
                return does[kind](**told)
        except GridgenError as error:
            raise QuestionError(str(error)) from error

    def choices(self) -> list[list[int]]:
        """Return the choices that count between clips of this sweep, as numbers: left, right, outcome."""
        return choices(self._sweep)

    def _judge(self, id: int, said: dict[str, Any]) -> dict[str, Any]:  # noqa: A002 - the page's word
        if not said or not said.keys() <= _PARTS:
            raise _refusal(said)
        slot = self._slot(id)
        touched = self._sweep.internals.judgements.judge([slot], self.reviewer, **said)
        self._sweep.internals.rejudge(touched)
        return self._feed.opinion(id)

    def _undo(self) -> dict[str, Any]:
        store = self._sweep.internals.judgements
        last = store.book.undoable(self.reviewer)
        touched = store.undo(self.reviewer)
        self._sweep.internals.rejudge(touched)
        found = [
            at for at, row in self._rows.items() if last and self._sweep.internals.slot(row) == last.slot
        ]
        return self._feed.opinion(found[0]) if found else {}

    def _choose(self, left: int, right: int, outcome: str) -> dict[str, Any]:
        if outcome not in OUTCOMES or left == right:
            raise _refusal([left, right, outcome])
        self._sweep.internals.judgements.choose(self.reviewer, self._slot(left), self._slot(right), outcome)
        return {}

    def _unchoose(self) -> dict[str, Any]:
        return {"undone": self._sweep.internals.judgements.undo_choice(self.reviewer) is not None}

    def _select(self, ids: list[Any]) -> dict[str, Any]:
        if len(ids) > len(self._rows):
            raise _refusal(ids[:3])
        for each in ids:
            self._slot(each)
        self.selected = tuple(sorted(set(ids)))
        return {}

    def _slot(self, index: object) -> ClipKey:
        row = self._rows.get(index) if type(index) is int else None
        if row is None:
            raise _refusal(index)
        return self._sweep.internals.slot(row)


def choices(sweep: Sweep) -> list[list[int]]:
    """Return the choices that count between clips of a sweep, as numbers: left, right, outcome."""
    index = {sweep.internals.slot(row): row.index for row in sweep.rows() if row.status != State.SKIPPED}
    return [
        [index[choice.left], index[choice.right], OUTCOMES.index(choice.outcome)]
        for choice in sweep.internals.judgements.book.counted
        if choice.outcome != "skip" and choice.left in index and choice.right in index
    ]


def _shaped(question: Mapping[str, Any], shape: Mapping[str, type]) -> dict[str, Any]:
    """Return the fields of a message, which are these and no others, each exactly of its type."""
    told = {name: value for name, value in question.items() if name not in {"kind", "request", "buffers"}}
    if (
        question.get("buffers")
        or told.keys() != shape.keys()
        or any(type(told[name]) is not kind for name, kind in shape.items())
    ):
        raise _refusal(told)
    return told


def _refusal(told: object) -> QuestionError:
    return QuestionError(f"{ascii(told)[:80]} is not what the wall sends. Nothing was noted.")
