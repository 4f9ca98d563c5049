"""Tables of what `gridgen.states` holds, made when the page of states is built."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sphinx.util.docutils import SphinxDirective

from gridgen.states import FACTS, NEXT, Facts

if TYPE_CHECKING:
    from collections.abc import Iterable

    from docutils import nodes
    from sphinx.application import Sphinx

BILLED = {
    "free": "no",
    "refunded": "no: it failed, and what fails is given back",
    "under way": "yes, and not all is told yet",
    "lost": "perhaps; nobody tells any more",
    "ended": "yes, and all is told",
}
"""What each stage of the money means for the person who pays."""


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Return a table in Markdown."""
    head = tuple(head)
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def named(states: Iterable[str]) -> str:
    """Return states in the order of a clip's life."""
    there = frozenset(states)
    return ", ".join(f"`{state}`" for state in FACTS if state in there) or "none"


def _yes(holds: bool) -> str:  # noqa: FBT001 - what a cell of a table says
    return "yes" if holds else ""


def _retried(facts: Facts) -> str:
    return {"yes": "yes", "by name": "only where it is named, since it was paid", "no": ""}[facts.retried]


def meanings() -> str:
    """Return what each state means, how it is coloured, and whether it may be billed."""
    rows = ([f"`{state}`", facts.says, facts.tone, BILLED[facts.billing]] for state, facts in FACTS.items())
    return table(["state", "what it means", "tone", "is it billed?"], rows)


def behaviour() -> str:
    """Return what gridgen does with a row in each state."""
    head = [
        "state",
        "a run submits it",
        "`wait` waits for it",
        "the server is asked again",
        "`retry` makes it again",
        "final",
    ]
    rows = (
        [
            f"`{state}`",
            _yes(facts.new),
            _yes(facts.awaited),
            _yes(facts.asked),
            _retried(facts),
            _yes(facts.final),
        ]
        for state, facts in FACTS.items()
    )
    return table(head, rows)


def steps() -> str:
    """Return which states may follow each in the journal."""
    return table(["from", "to"], ([f"`{state}`", named(NEXT[state])] for state in FACTS if NEXT[state]))


TABLES = {"meanings": meanings, "behaviour": behaviour, "steps": steps}


class StateTable(SphinxDirective):
    """``{state-table} meanings``, ``behaviour`` or ``steps``."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Return the table, as if it stood in the page."""
        self.env.note_dependency(__file__)
        return self.parse_text_to_nodes(TABLES[self.arguments[0]]())


def setup(app: Sphinx) -> dict[str, Any]:
    """Tell Sphinx of the directive."""
    app.add_directive("state-table", StateTable)
    return {"parallel_read_safe": True}
