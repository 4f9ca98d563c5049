"""What the users of a ledger tell it and hear from it."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from dataclasses import dataclass, field
from decimal import ROUND_CEILING, Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

from gridgen.money import Answer, Cap, ClipKey, Dollars, Outlay, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "DAY",
    "FREED",
    "NANO",
    "TEAM",
    "Claim",
    "Entry",
    "Holder",
    "Money",
    "Reply",
    "day_of",
    "money_of",
    "named",
    "project_of",
]

NANO = Decimal("1e-9")
TEAM, DAY = "all", "day"
"""The budgets of a ledger itself: for all that is noted in it, and for each UTC day."""

FREED = "planned"
"""The state of an attempt that was claimed and provably never applied: anybody may claim its clip."""


class Money(NamedTuple):
    """What an attempt counts at: billionths of a USD, and whether nobody knows its price."""

    nano: int
    unpriced: bool


def money_of(outlay: Outlay) -> Money:
    """Return what an attempt counts at."""
    return Money(int((outlay.at_most() / NANO).to_integral_value(ROUND_CEILING)), outlay.unpriced)


@dataclass(frozen=True, slots=True)
class Holder:
    """One process that uses a ledger, for as long as it has the lease of a folder.

    Attributes
    ----------
    token : str
        Another one each time that a process takes the folder.
    host, pid : str and int
        For people.
    """

    token: str
    host: str
    pid: int


@dataclass(frozen=True, slots=True)
class Claim:
    """A wish to submit a clip now.

    Attributes
    ----------
    clip : ClipKey
    after : int
        The number of the clip's last attempt that the claimant knows of, 0 for none: where
        there is a later one, somebody else was quicker.
    name : str
        The idempotency key that it leaves with.
    account : str
        Stands for service and key; neither can be read from it.
    price : Decimal or None
        USD; None where nobody knows.
    money : Money
        What the attempt counts at until its end is told.
    caps : tuple of pairs
        The claimant's own budgets: the project in the ledger, and USD.
    rate, burst : float
        Submissions per second of the database's clock, and how many may leave at once.
    day : str
        The UTC day on which it counts, such as ``2026-11-29``.
    told : dict
        What others are told of it (JSON values).
    heard : str
        The state of that last attempt as the claimant has heard it: where it is another one by
        now that stands for a clip, the claimant wants what is there already. Empty for any.
    """

    clip: ClipKey
    after: int
    name: str
    account: str
    price: Decimal | None
    money: Money
    caps: tuple[tuple[str, Decimal], ...] = ()
    rate: float = 1e9
    burst: float = 1e9
    day: str = ""
    told: dict[str, Any] = field(default_factory=dict)
    heard: str = ""


class Reply(NamedTuple):
    """What becomes of a claim.

    Attributes
    ----------
    verdict : Verdict
        Whether the money is there; its cap is named as in the ledger.
    n : int
        The number of the attempt that was claimed, 0 where none was.
    taken : bool
        Whether somebody else has the clip, or has had it since.
    wait : float
        Seconds of the database's clock until the rate, or a pause that a server asked for, lets the next one out.
    """

    verdict: Verdict
    n: int = 0
    taken: bool = False
    wait: float = 0.0


YES = Verdict(Answer.YES)


@dataclass(frozen=True, slots=True)
class Entry:
    """The latest attempt of a clip, as the ledger holds it.

    Attributes
    ----------
    clip : ClipKey
    n : int
        Counts the clip's attempts, whoever made them.
    name : str
        The idempotency key of the attempt.
    state : str
    money : Money
    holder : str
        The token of who follows it.
    host : str
        Where that one runs, for people; empty where nobody knows.
    alive : bool
        Whether that one has given a sign of life lately.
    told : dict
        What else is known of it (JSON values): task, link, stamps, price, cost, error.
    day : str
        The UTC day on which it was submitted, empty where it does not matter.
    """

    clip: ClipKey
    n: int
    name: str
    state: str
    money: Money
    holder: str = ""
    host: str = ""
    alive: bool = False
    told: dict[str, Any] = field(default_factory=dict)
    day: str = ""


def named(cap: Cap) -> Cap:
    """Return a cap that is named as in a ledger as a person knows it."""
    per = {TEAM: " of the ledger", DAY: " a day of the ledger"}.get(cap.name, "")
    usd = Dollars(cap.usd).normalize()
    return Cap(f"budget={usd:f} USD{per}", usd, cap.commitments, daily=cap.name == DAY)


def project_of(cells: Iterable[tuple[str, str]]) -> str:
    """Return what names the budget of a grid in a ledger: the same for the same cells, on any machine."""
    meant = json.dumps(sorted(cells), separators=(",", ":"))
    return f"grid {hashlib.sha256(meant.encode()).hexdigest()[:24]}"


def day_of(now: float) -> str:
    """Return the UTC day of a moment in Unix seconds, such as ``2026-11-29``."""
    return dt.datetime.fromtimestamp(now, dt.UTC).date().isoformat()
