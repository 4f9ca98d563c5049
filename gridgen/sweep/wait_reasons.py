"""What a sweep waits for, in words that a person can act on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from gridgen.errors import AuthenticationError, OutOfCreditsError
from gridgen.money import exact_dollars

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gridgen.money import Cap

__all__ = ["TO_LOOK", "WaitReasons"]

MANY_FAILURES = 5
"""Questions that failed in a row from which on it is told."""

TO_LOOK = "you to look: "
"""How a sentence begins that waits for nothing but a person to read it; it is told after a run too."""

_LONGEST = 300


@dataclass(frozen=True, slots=True)
class WaitReasons:
    """Where a run stands; times are Unix seconds, money is in USD.

    Attributes
    ----------
    planned, held, replays, at_server, stalled, downloads, unknown : int
        How many clips wait for each.
    pictures : int
        How many clips wait for an executor to draw them.
    workers : str
        What went wrong with that executor, and what is done instead; empty for nothing.
    elsewhere : int
        How many another sweep of this process brings.
    machines : int
        How many another machine brings that shares a ledger.
    ledger : str
        Why the ledger cannot be used just now; empty when it can, or there is none.
    uploads : int
        How many pictures are still to be sent to the server.
    stopped : bool
        Whether a person stopped the submitting.
    error : Exception or None
        What stopped it otherwise.
    probe_at : float or None
        When a server that is taken to be down is asked again.
    pause : tuple of str and float, or None
        Why no submission leaves, and until when.
    slow : str or None
        What submissions wait for otherwise: ``"rate"``, ``"concurrency"`` or ``"requests"``.
    failing : tuple of int and str, or None
        How many questions failed in a row, and the last reason.
    results : tuple of int and str, or None
        How many paid clips in a row could not be had, so that no more are paid, and the last reason.
    cap : Cap or None
        What holds clips, else the sweep's own budget.
    at_risk : Decimal
        What unknown submissions may have cost.
    probing : bool
        Whether the first clip of some price is under way, and tells it.
    unaccounted : Decimal
        What the key was charged in the last run beyond what its sweeps know of.
    """

    planned: int = 0
    held: int = 0
    replays: int = 0
    at_server: int = 0
    stalled: int = 0
    downloads: int = 0
    pictures: int = 0
    workers: str = ""
    uploads: int = 0
    unknown: int = 0
    elsewhere: int = 0
    machines: int = 0
    ledger: str = ""
    stopped: bool = False
    error: Exception | None = None
    probe_at: float | None = None
    pause: tuple[str, float] | None = None
    slow: str | None = None
    failing: tuple[int, str] | None = None
    results: tuple[int, str] | None = None
    cap: Cap | None = None
    at_risk: Decimal = Decimal(0)
    probing: bool = False
    unaccounted: Decimal = Decimal(0)

    def words(self) -> tuple[str, ...]:
        """Return one sentence for each thing that is waited for, what holds everything up first."""
        return (*self._hindered(), *self._unanswered(), *self._under_way(), *self._for_a_person())

    def _hindered(self) -> Iterator[str]:
        if self.error is not None:
            yield f"{_remedy(self.error)}: {str(self.error)[:_LONGEST]}"
        elif self.stopped and self.planned:
            yield f"run() or start(): {_clips(self.planned)} not submitted since it was stopped"
        elif self.results is not None and (self.planned or self.replays):
            count, why = self.results
            yield f"results: {_clips(count)} in a row could not be had ({why[:_LONGEST]}); no more are paid until one can be"
        elif self.probe_at is not None:
            yield f"the server, which fails every time; it is asked again at {_clock(self.probe_at)}"
        elif self.pause is not None and (self.planned or self.replays):
            why, until = self.pause
            yield f"{why}; nothing is submitted before {_clock(until)}"
        elif self.planned and self.slow is not None:
            yield f"{_SLOW[self.slow]}: {_clips(self.planned)} in line"

    def _unanswered(self) -> Iterator[str]:
        if self.ledger and self.error is None:
            yield f"{self.ledger[:_LONGEST]}; it is asked again"
        if self.failing is not None and self.failing[0] >= MANY_FAILURES:
            count, why = self.failing
            yield f"an answer: the last {count} questions failed ({why[:_LONGEST]}); no task is lost by that"

    def _under_way(self) -> Iterator[str]:
        if self.replays:
            count = "a lost answer" if self.replays == 1 else f"{self.replays} lost answers"
            yield f"{count}, asked for again under {'its own key' if self.replays == 1 else 'their own keys'}"
        if self.uploads:
            yield f"uploads: {self.uploads} {'picture' if self.uploads == 1 else 'pictures'} to send, once each"
        if self.at_server > self.stalled:
            yield f"the server: {_clips(self.at_server - self.stalled)} in its hands"
        if self.downloads:
            yield f"downloads: {_clips(self.downloads)}"
        if self.pictures:
            yield f"the executor of workers=: the pictures of {_clips(self.pictures)}"
        if self.elsewhere:
            yield f"another sweep in this folder: {_clips(self.elsewhere)} that it brings for both"
        if self.machines:
            yield f"other machines of the ledger: {_clips(self.machines)} in their hands"

    def _for_a_person(self) -> Iterator[str]:
        if self.held and (self.cap is None or self.probing):
            yield f"a price: {_clips(self.held)} held until the first of their kind tells it"
        elif self.held and self.cap is not None:
            yield _money(_clips(self.held), self.cap)
        if self.stalled:
            stalled = "1 stalled clip" if self.stalled == 1 else f"{self.stalled} stalled clips"
            yield f"news of {stalled}, asked for once a minute for a day; run() does not wait for it"
        if self.unknown:
            risk = f", at most {exact_dollars(self.at_risk)} at risk" if self.at_risk else ""
            count = "1 submission" if self.unknown == 1 else f"{self.unknown} submissions"
            yield f"you: {count} of unknown outcome{risk}; see sweep.unknown"
        if self.workers:
            yield f"{TO_LOOK}{self.workers}"
        if self.unaccounted:
            more = exact_dollars(self.unaccounted)
            yield f"{TO_LOOK}the account was charged {more} more than this folder knows; others may use the key"


def _money(clips: str, cap: Cap) -> str:
    lost = cap.commitments.unpriced - getattr(cap.commitments, "blind", 0)
    if lost:
        return (
            f"a price: {clips} held, as {lost} of unknown price got lost or never told its "
            f"cost, and nobody knows what is left of {cap.name}; unknown.attach() tells it, or make "
            "these in another folder, with a budget of its own"
        )
    remedy = "run() makes them on the next UTC day" if cap.daily else "more budget makes them"
    spent = exact_dollars(cap.commitments.known)
    return f"money: {clips} held, as {spent} of {cap.name} are spent or promised; {remedy}"


_SLOW = {
    "rate": "the submit rate",
    "concurrency": "room at the server",
    "requests": "requests on their way",
}


def _remedy(error: Exception) -> str:
    if isinstance(error, OutOfCreditsError):
        return "a top-up, then run()"
    if isinstance(error, AuthenticationError):
        return "a key that works (sweep.client = gridgen.Client(...)), then run()"
    return "run(), once this is mended"


def _clips(count: int) -> str:
    return "1 clip" if count == 1 else f"{count} clips"


def _clock(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%H:%M:%S} UTC"
