"""What becomes of a clip: the states of a row, what holds in each, and which may follow which.

Every set of states is computed here from `FACTS`, so that a state is classified
once. What the server calls the status of a task is another thing: `gridgen.task`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "ACHIEVED",
    "ASKED_AGAIN",
    "ATTEMPTED",
    "ATTENTION",
    "AT_SERVER",
    "AWAITED",
    "CHARGED",
    "FACTS",
    "FINAL",
    "GIVEN_UP",
    "LIVE",
    "MADE",
    "NEW",
    "NEXT",
    "OWED",
    "PLAIN",
    "REASONED",
    "RETRIED",
    "RETRIED_BY_NAME",
    "SENDABLE",
    "STRANDED",
    "SYNCED",
    "TROUBLED",
    "UNBILLED",
    "UNFINISHED",
    "UNHEARD",
    "UNSENT",
    "UNYIELDED",
    "VACANT",
    "WITHHOLDABLE",
    "Facts",
    "Phase",
    "State",
    "is_step",
    "meanings",
]

Tone = Literal["idle", "busy", "warn", "bad", "good"]
"""How a state is coloured: not begun, under way, to be looked at, ended badly, done."""


class State(StrEnum):
    """What a row is, in the order of a cell's life; the words that the journal and the tables hold."""

    SKIPPED = "skipped"
    PLANNED = "planned"
    HELD = "held"
    SENDING = "sending"
    UNKNOWN = "unknown"
    QUEUED = "queued"
    RUNNING = "running"
    STALLED = "stalled"
    DOWNLOADING = "downloading"
    DONE = "done"
    FAILED = "failed"
    REJECTED = "rejected"
    EXPIRED = "expired"
    MISSING = "missing"
    LOST = "lost"

    def __repr__(self) -> str:
        """Return what the bare word gives, so that rows and counts read the same."""
        return str.__repr__(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What holds in a state.

    Attributes
    ----------
    tone : str
        How it is coloured.
    says : str
        What it means, in one sentence for a person.
    new : bool
        A run would submit it.
    sendable : bool
        Its attempt may still leave, or leave again under its own key.
    sent : bool
        It has left, or stands for something that did.
    billing : str
        What becomes of its money, as `gridgen.money.Stage` has it.
    made : bool
        It exists or is on its way, so that a run makes no other and pays nothing more.
    live : bool
        The engine has something to do, or to wait for.
    awaited : bool
        `Sweep.wait` waits for it.
    retold : bool
        Whoever asks the server learns it again, so that losing it loses no money.
    asked : bool
        A run asks the server again for its task, where it has one.
    final : bool
        It never changes; only the file of one that is done may go.
    retried : str
        Whether `Sweep.retry` makes it again: ``"yes"``, ``"no"``, or ``"by name"``
        where it was paid, so that the state has to be named.
    """

    tone: Tone
    says: str
    new: bool = False
    sendable: bool = False
    sent: bool = False
    billing: Literal["free", "refunded", "under way", "lost", "ended"] = "free"
    made: bool = False
    live: bool = False
    awaited: bool = False
    retold: bool = False
    asked: bool = False
    final: bool = False
    retried: Literal["yes", "by name", "no"] = "no"


FACTS: Mapping[str, Facts] = {
    State.SKIPPED: Facts(tone="idle", says="Left out of this sweep."),
    State.PLANNED: Facts(tone="idle", says="Not sent yet.", new=True, sendable=True, awaited=True),
    State.HELD: Facts(tone="warn", says="Held back: nothing was sent.", new=True),
    State.SENDING: Facts(
        tone="busy",
        says="Leaving for the server, which has not answered yet.",
        sendable=True,
        sent=True,
        billing="under way",
        made=True,
        live=True,
        awaited=True,
    ),
    State.UNKNOWN: Facts(
        tone="warn",
        says="Sent, but the answer was lost: it may be billed. It is not sent again unasked.",
        sendable=True,
        sent=True,
        billing="lost",
    ),
    State.QUEUED: Facts(
        tone="busy",
        says="Waiting in line at the server.",
        sent=True,
        billing="under way",
        made=True,
        live=True,
        awaited=True,
        retold=True,
        asked=True,
    ),
    State.RUNNING: Facts(
        tone="busy",
        says="Being made by the server.",
        sent=True,
        billing="under way",
        made=True,
        live=True,
        awaited=True,
        retold=True,
        asked=True,
    ),
    State.STALLED: Facts(
        tone="warn",
        says="No news for long. It is still followed.",
        sent=True,
        billing="under way",
        made=True,
        live=True,
        retold=True,
        asked=True,
    ),
    State.DOWNLOADING: Facts(
        tone="busy",
        says="Made by the server; its file is not in the folder yet.",
        sent=True,
        billing="ended",
        made=True,
        live=True,
        awaited=True,
        retold=True,
    ),
    State.DONE: Facts(
        tone="good",
        says="Its file was saved in the folder.",
        sent=True,
        billing="ended",
        made=True,
        retold=True,
        final=True,
    ),
    State.FAILED: Facts(
        tone="bad",
        says="The server made no video.",
        sent=True,
        billing="refunded",
        retold=True,
        final=True,
        retried="yes",
    ),
    State.REJECTED: Facts(
        tone="bad", says="The server refused the request.", sent=True, final=True, retried="yes"
    ),
    State.EXPIRED: Facts(
        tone="bad",
        says="The link died before the file was saved.",
        sent=True,
        billing="ended",
        made=True,
        retold=True,
        asked=True,
        retried="by name",
    ),
    State.MISSING: Facts(
        tone="bad",
        says="Taken by the server, yet its video cannot be had; it may have been billed.",
        sent=True,
        billing="lost",
        made=True,
        retold=True,
        asked=True,
        retried="by name",
    ),
    State.LOST: Facts(
        tone="bad",
        says="Given up after its answer was lost; it may have been billed.",
        sent=True,
        billing="lost",
        final=True,
        retried="by name",
    ),
}
"""What holds in each state, in the order of a cell's life."""

_AT_SERVER = {State.QUEUED, State.RUNNING, State.STALLED}
_FOUND = {*_AT_SERVER, State.DOWNLOADING, State.FAILED, State.MISSING}

NEXT: Mapping[str, frozenset[str]] = {
    State.SKIPPED: frozenset(),
    State.PLANNED: frozenset({State.SENDING, State.QUEUED, State.REJECTED}),
    State.HELD: frozenset(),
    State.SENDING: frozenset({State.PLANNED, State.UNKNOWN, State.QUEUED, State.REJECTED}),
    State.UNKNOWN: frozenset({State.SENDING, State.QUEUED, State.LOST}),
    State.QUEUED: frozenset(_FOUND - {State.QUEUED}),
    State.RUNNING: frozenset(_FOUND - {State.RUNNING}),
    State.STALLED: frozenset(_FOUND - {State.STALLED}),
    State.DOWNLOADING: frozenset({State.DONE, State.EXPIRED, State.MISSING}),
    State.DONE: frozenset({State.DOWNLOADING, State.EXPIRED, State.MISSING}),
    State.FAILED: frozenset(),
    State.REJECTED: frozenset(),
    State.EXPIRED: frozenset({*_FOUND, State.LOST}),
    State.MISSING: frozenset({*_AT_SERVER, State.DOWNLOADING, State.FAILED, State.LOST}),
    State.LOST: frozenset(),
}
"""The states that may follow each in the journal, which knows no skipped row, and holds one that waits as planned."""

LIVE = frozenset(state for state, facts in FACTS.items() if facts.live)
"""The engine has something to do or to wait for."""

AWAITED = frozenset(state for state, facts in FACTS.items() if facts.awaited)
"""What `Sweep.wait` waits for: it still changes by itself, and soon."""

UNFINISHED = LIVE | AWAITED
"""What still changes by itself, and be it late."""

UNYIELDED = AWAITED | {State.SKIPPED}
"""What `Sweep.as_completed` does not yield."""

NEW = frozenset(state for state, facts in FACTS.items() if facts.new)
"""What a run would submit."""

MADE = frozenset(state for state, facts in FACTS.items() if facts.made)
"""What exists or is on its way, and costs nothing more."""

SENDABLE = frozenset(state for state, facts in FACTS.items() if facts.sendable)
"""What may still leave, or leave again under its own key."""

CLAIMED = frozenset(state for state in SENDABLE if FACTS[state].sent)
"""What an attempt is that has left, or is about to, until it is known what became of it."""

UNSENT = frozenset(state for state, facts in FACTS.items() if not facts.sent)
"""What never left."""

_NOT_TAKEN = frozenset(state for state, facts in FACTS.items() if facts.billing == "free")
"""What the server has no task of, so that it costs nothing."""

SYNCED = frozenset(state for state, facts in FACTS.items() if not facts.retold)
"""What nobody but the journal knows."""

CHARGED = frozenset(state for state, facts in FACTS.items() if facts.billing == "ended")
"""What has told the whole of what it costs."""

ASKED_AGAIN = frozenset(state for state, facts in FACTS.items() if facts.asked)
"""Whose task a run asks for: a paid video that could not be had last time may be had now."""

FOLLOWED = LIVE & ASKED_AGAIN
"""What a process that dies leaves to be followed by another one."""

IN_HAND = frozenset(state for state in LIVE & AWAITED if FACTS[state].billing == "under way")
"""What one process has at the server, so that another one that shares the clip leaves it alone."""

TOLD = frozenset(state for state, facts in FACTS.items() if facts.sent) - {State.SENDING}
"""What has left and come to something, so that other machines take it in."""

UNSETTLED = FOLLOWED | {State.UNKNOWN}
"""Of which another process may learn more."""

UNHEARD = SYNCED - _NOT_TAKEN
"""What may be paid, and of which nobody has heard more than that it left."""

GIVEN_UP = UNHEARD - LIVE
"""What the process in whose hands it is knows better than one that has not heard of it."""

ATTEMPTED = SENDABLE | frozenset(state for state, facts in FACTS.items() if facts.sent)
"""What an attempt may be; a row may be more."""

FINAL = frozenset(state for state, facts in FACTS.items() if facts.final)
"""What never changes; only the file of one that is done may go missing."""

VACANT = _NOT_TAKEN | (FINAL - MADE)
"""A take in this state has no clip, and none is coming: a new attempt may stand for it."""

STRANDED = frozenset(FACTS) - _NOT_TAKEN - LIVE - FINAL
"""What may be paid and does not go on by itself: it has to be given up before a new attempt begins."""

TROUBLED = frozenset(state for state, facts in FACTS.items() if facts.tone != "good") - UNSENT - LIVE
"""What was sent, and has no clip to show for it."""

REASONED = TROUBLED | {State.SKIPPED}
"""What has a reason to be told."""

ATTENTION = frozenset(state for state, facts in FACTS.items() if facts.tone in {"warn", "bad"})
"""What a person may want to act on."""

RETRIED = frozenset(state for state, facts in FACTS.items() if facts.retried == "yes")
"""What `Sweep.retry` makes again."""

RETRIED_BY_NAME = frozenset(state for state, facts in FACTS.items() if facts.retried == "by name")
"""What `Sweep.retry` makes, and pays, again only where the state is named."""


ACHIEVED = frozenset({State.DONE, State.SKIPPED})
"""What a run that came to its end leaves of a cell where nothing went wrong."""

PLAIN = AWAITED | {State.DONE}
"""What the bare word says well enough where there is little room."""


class Phase(StrEnum):
    """What a run does next with one of its items."""

    FOREIGN = "foreign"
    PLANNED = "planned"
    HELD = "held"
    SUBMIT = "submit"
    REPLAY = "replay"
    POLL = "poll"
    DOWNLOAD = "download"
    PICTURE = "picture"
    OVER = "over"


WITHHOLDABLE = frozenset({Phase.PLANNED, Phase.HELD, Phase.OVER})
"""Nothing happens with the item at the moment."""

AT_SERVER = frozenset({Phase.SUBMIT, Phase.POLL})
"""The item is on its way to the server, or there."""

UNBILLED = AT_SERVER | {Phase.REPLAY}
"""What the item is charged is still to come."""

OWED = AT_SERVER | {Phase.REPLAY, Phase.DOWNLOAD, Phase.PICTURE}
"""What was begun with the item has to be brought to its end, also after a stop."""


def is_step(before: str, after: str) -> bool:
    """Whether a state may follow another, or is the same."""
    return before == after or after in NEXT.get(before, ())


def way(before: str, after: str) -> tuple[str, ...] | None:
    """Return the shortest way from a state to another one, both as attempts go, without the first; None where none leads there."""
    ways: dict[str, tuple[str, ...]] = {before: ()}
    line = [before]
    for state in line:
        for later in sorted(NEXT.get(state, ())):
            if later not in ways:
                ways[later] = (*ways[state], later)
                line.append(later)
    return ways.get(after)


def meanings() -> dict[str, dict[str, Any]]:
    """Return the states as the browser needs them, by their names, as JSON values.

    Of each its tone, what it says, whether the word alone says enough in a tile
    (``plain``), whether nothing more happens by itself (``settled``), and its place in
    a cell's life (``at``).
    """
    return {
        str(state): {
            "tone": facts.tone,
            "says": facts.says,
            "plain": state in PLAIN,
            "settled": state not in UNFINISHED,
            "at": at,
        }
        for at, (state, facts) in enumerate(FACTS.items())
    }
