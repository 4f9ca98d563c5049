"""What clips have cost, what they may cost, and what may still be spent: the only place that adds up money.

Everything here is pure. A clip is made by one attempt or by several, one after
the other, and each of them may have been billed. What an attempt counts at is
never less than what the server may charge for it, as far as anybody knows.
"""

from __future__ import annotations

import functools
import re
from decimal import ROUND_HALF_UP, Decimal
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple, ParamSpec

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

__all__ = [
    "Answer",
    "Cap",
    "ClipKey",
    "Commitments",
    "Dollars",
    "Outlay",
    "Stage",
    "Sums",
    "Verdict",
    "allows",
    "dollars",
    "exact_dollars",
    "later_cost",
    "reconcile",
    "total",
    "without_mathematics",
]

NOTHING = Decimal(0)
P = ParamSpec("P")
_DOLLAR = re.compile(r"(<style\b.*?</style>|<[^>]*>)|\$", re.DOTALL)

SMALLEST, ROUNDING = Decimal("0.005"), Decimal("0.0001")
"""USD by which an account and a journal may differ, in all and for each attempt: sums come as rounded floats."""

_TEN_CENTS, _MICRO = Decimal("0.1"), Decimal("0.000001")


class Dollars(Decimal):
    """An amount of USD: a `Decimal` in every way, shown as people write it, ``$1.47``.

    ``str`` gives all its digits, and what is reckoned with it is a plain `Decimal`.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return dollars(self)


def dollars(usd: Decimal) -> str:
    """Write an amount of USD for people: in cents; below ten of them with two digits that count.

    So ``$1.47``, and ``$0.061`` for a clip, whose price cents would hide. Nothing that is
    more than nothing is shown as nothing. Where an amount is held against another one, or
    is a promise, take `exact_dollars`.
    """
    size = max(abs(usd), _MICRO) if usd else NOTHING
    places = 2 if size >= _TEN_CENTS or not size else min(6, 1 - size.adjusted())
    whole, _, cents = f"{size.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP):f}".partition(".")
    return f"{'-' if usd < 0 else ''}${whole}.{cents[:2]}{cents[2:].rstrip('0')}"


def exact_dollars(usd: Decimal) -> str:
    """Write an amount of USD with all its digits, at least its cents, such as ``$0.0612`` or ``$0.20``."""
    whole, _, cents = f"{abs(usd).normalize():f}".partition(".")
    return f"{'-' if usd < 0 else ''}${whole}.{cents:0<2}"


class ClipKey(NamedTuple):
    """What names a clip in a folder; it compares and hashes as the plain tuple does.

    Attributes
    ----------
    origin : str
        Where it is made.
    cell : str
        The key of its cell.
    take : int
        Which clip of the cell, from 1.
    """

    origin: str
    cell: str
    take: int


class Stage(Enum):
    """How far the money of an attempt is settled."""

    FREE = "free"
    """It was not applied, so it costs nothing."""
    REFUNDED = "refunded"
    """It failed, and what fails is not charged unless the server says so."""
    UNDER_WAY = "under way"
    """It may be billed; what was told so far may be a part of it, and the rest is still to come."""
    LOST = "lost"
    """It may be billed; what was told so far may be a part of it, and nothing more is to come."""
    ENDED = "ended"
    """It was billed, and what was told is all of it."""


class Outlay(NamedTuple):
    """The money of one attempt, in USD.

    Attributes
    ----------
    stage : Stage
    price : Decimal or None
        What was known of its price when it left.
    cost : Decimal or None
        What the server told that it charges.
    """

    stage: Stage
    price: Decimal | None
    cost: Decimal | None

    @property
    def charge(self) -> Decimal | None:
        """What it was charged at the end, None as long as that is not told; a clip that was made is not free."""
        return self.cost if self.stage is Stage.ENDED and self.cost else None

    @property
    def settled(self) -> bool:
        """Whether what it costs has been told for good."""
        return self.stage is Stage.FREE or self.stage is Stage.REFUNDED or self.charge is not None

    @property
    def unpriced(self) -> bool:
        """Whether it may be billed at a price that neither a list nor a charge has told."""
        return self.price is None and not self.settled

    def at_most(self, price: Decimal | None = None) -> Decimal:
        """Return what it has cost, or may cost at most as far as that is known.

        Parameters
        ----------
        price : Decimal or None
            What such a clip costs by what is known now; counts where nothing was
            known when this one left.
        """
        if self.stage is Stage.FREE:
            return NOTHING
        if self.stage is Stage.REFUNDED:
            return self.cost or NOTHING
        if self.charge is not None:
            return self.charge
        known = price if self.price is None else self.price
        return max(self.cost or NOTHING, known or NOTHING)


class Answer(Enum):
    """What becomes of a clip that would be submitted now."""

    YES = "yes"
    WAIT_FOR_PRICE = "wait for price"
    OVER = "over"


class Sums(NamedTuple):
    """What some clips have cost or may cost in USD, and how many attempts may cost what nobody knows."""

    known: Decimal
    unpriced: int


class Cap(NamedTuple):
    """A sum that some clips together may cost.

    Attributes
    ----------
    name : str
        As a person gave it, such as ``budget=2 USD``.
    usd : Decimal
    commitments : Commitments or Sums
        Of the clips that it is about.
    own : bool, default True
        Whether this user gave it, and so leave to spend that much.
    daily : bool, default False
        Whether it begins anew with each UTC day.
    """

    name: str
    usd: Decimal
    commitments: Commitments | Sums
    own: bool = True
    daily: bool = False


class Verdict(NamedTuple):
    """An answer, and the cap that it comes from; None where none forbids it."""

    answer: Answer
    cap: Cap | None = None


def allows(caps: Iterable[Cap], price: Decimal | None, *, besides: Decimal = NOTHING) -> Verdict:
    """Say whether one more clip may be submitted under all of some caps.

    A clip of known price may be submitted where it fits. One of unknown price goes
    while money is left, and no second one does before its price is known, so that it
    is the only one that can pass a cap; where it never tells, none follows at all.

    Parameters
    ----------
    caps : iterable of Cap
        Those that count the clip.
    price : Decimal or None
        What it costs in USD; None where nobody knows.
    besides : Decimal, default 0
        USD that are about to be spent before it.

    Returns
    -------
    Verdict
        With the cap that is passed, else with the one for which a price is waited for.
    """
    waits: Cap | None = None
    for cap in caps:
        left = cap.usd - cap.commitments.known - besides
        if left <= 0 if price is None else left < price:
            return Verdict(Answer.OVER, cap)
        if price is None and cap.commitments.unpriced:
            waits = waits or cap
    return Verdict(Answer.YES) if waits is None else Verdict(Answer.WAIT_FOR_PRICE, waits)


class _Clip(NamedTuple):
    """What one clip counts at, by the outlays of all its attempts."""

    known: Decimal
    charged: Decimal
    unpriced: int
    blind: int
    outlays: tuple[Outlay, ...]


_UNTOUCHED = _Clip(NOTHING, NOTHING, 0, 0, ())


class Commitments:
    """What some clips have cost, may cost or are about to cost, over all their attempts.

    Parameters
    ----------
    price_of : callable, optional
        Returns what a clip costs by what is known now, None where nobody knows; it
        prices attempts that left without a price.

    Attributes
    ----------
    known : Decimal
        USD spent, promised or reserved.
    charged : Decimal
        USD that the server told that it charged.
    unpriced : int
        Attempts that may be billed at a price that nobody knows, reserved ones included.
    blind : int
        Those of them that will still tell their price.
    """

    def __init__(self, price_of: Callable[[ClipKey], Decimal | None] = lambda _key: None) -> None:
        self._price_of = price_of
        self._clips: dict[ClipKey, _Clip] = {}
        self._reserved: dict[ClipKey, Decimal | None] = {}
        self._repriced: set[ClipKey] = set()
        self.known = self.charged = NOTHING
        self.unpriced = self.blind = 0

    def put(self, key: ClipKey, outlays: tuple[Outlay, ...]) -> bool:
        """Take in all attempts of a clip, the latest last; say whether less is committed than before.

        An attempt under way takes the place of what was reserved for it.
        """
        # the intent and its reservation are one sum, which must neither count twice nor fall out between them
        if outlays and outlays[-1].stage is Stage.UNDER_WAY:
            self.release(key)
        before = self._clips.get(key)
        if before is not None and before.outlays == outlays:
            return False  # most steps of a clip change nothing of its money
        return self._replace(key, self._clip(key, outlays))

    def _clip(self, key: ClipKey, outlays: tuple[Outlay, ...]) -> _Clip:
        # nearly all clips are so, and this runs at each of their steps
        if len(outlays) == 1 and not outlays[0].unpriced:
            (only,) = outlays
            return _Clip(only.at_most(), only.cost or NOTHING, 0, 0, outlays)
        unpriced = [each for each in outlays if each.unpriced]
        price = self._price_of(key) if unpriced else None
        nobody_knows = unpriced if price is None else []
        return _Clip(
            known=total(each.at_most(price) for each in outlays),
            charged=total(each.cost for each in outlays),
            unpriced=len(nobody_knows),
            blind=sum(each.stage is Stage.UNDER_WAY for each in nobody_knows),
            outlays=outlays,
        )

    def _replace(self, key: ClipKey, clip: _Clip) -> bool:
        before = self._clips.get(key, _UNTOUCHED)
        self._clips[key] = clip
        (self._repriced.add if any(each.unpriced for each in clip.outlays) else self._repriced.discard)(key)
        self.known += clip.known - before.known
        self.charged += clip.charged - before.charged
        self.unpriced += clip.unpriced - before.unpriced
        self.blind += clip.blind - before.blind
        return clip.known < before.known or clip.unpriced < before.unpriced or clip.blind < before.blind

    def reprice(self, price_of: Callable[[ClipKey], Decimal | None] | None = None) -> None:
        """Price what left without a price by what is known now, by the same source of prices or another one."""
        self._price_of = self._price_of if price_of is None else price_of
        for key in tuple(self._repriced):
            self._replace(key, self._clip(key, self._clips[key].outlays))
        # what is reserved and has no attempt yet is told of the price as well, or it would stay blind till its intent
        for key in [key for key, price in self._reserved.items() if price is None]:
            self.reserve(key, self._price_of(key))

    def reserve(self, key: ClipKey, price: Decimal | None) -> None:
        """Count a clip that is about to be submitted, until its attempt says so or it is released."""
        self.release(key)
        # reserved without a price it holds up all others of its kind, as its attempt will
        self._reserved[key] = price
        self.known += price or NOTHING
        self.unpriced += price is None
        self.blind += price is None

    def reserve_as(self, other: Commitments, counts: Callable[[ClipKey], bool]) -> None:
        """Reserve what others have reserved, as far as it counts here too."""
        for key, price in other._reserved.items():
            if counts(key):
                self.reserve(key, price)

    def release(self, key: ClipKey) -> bool:
        """Count a reservation no longer; say whether there was one."""
        if key not in self._reserved:
            return False
        price = self._reserved.pop(key)
        self.known -= price or NOTHING
        self.unpriced -= price is None
        self.blind -= price is None
        return True

    def outlays(self) -> dict[ClipKey, tuple[Outlay, ...]]:
        """Return all attempts of each clip as they stand."""
        return {key: clip.outlays for key, clip in self._clips.items()}

    def unpriced_of(self, key: ClipKey) -> int:
        """Return how many attempts of one clip may be billed at a price that nobody knows."""
        return self._clips.get(key, _UNTOUCHED).unpriced


def later_cost(before: Decimal | None, now: Decimal | None, *, ended: bool) -> Decimal | None:
    """Return what an attempt costs by what the server told earlier and tells now, in USD.

    What was told is never forgotten: an answer without a cost changes nothing, and
    as long as a task runs the larger figure counts. At its end the last one does.
    """
    if before is None or now is None:
        return before if now is None else now
    return now if ended else max(before, now)


def reconcile(used: Decimal, attempts: Collection[Outlay], behind: Decimal) -> tuple[Decimal, Decimal]:
    """Compare what a key was charged with what its attempts may have cost.

    A charge that is still to come counts at its known price, and so does a refund.

    Parameters
    ----------
    used : Decimal
        What the key was charged from before the first of them to after the last.
    attempts : collection of Outlay
        All that may have been billed meanwhile.
    behind : Decimal
        What earlier attempts were told to cost and the account had not booked then.

    Returns
    -------
    tuple of Decimal and Decimal
        What was charged beyond, 0 where nobody can tell; and how far the account is behind now.
    """
    most = [
        max(each.cost or NOTHING, each.price or NOTHING) if each.stage is Stage.REFUNDED else each.at_most()
        for each in attempts
    ]
    blind = any(
        each.price is None and each.charge is None and each.stage is not Stage.FREE for each in attempts
    )
    more = used - behind - total(most)
    known = not blind and more > max(SMALLEST, len(most) * ROUNDING)
    return more if known else NOTHING, max(NOTHING, behind + total(each.charge for each in attempts) - used)


def total(sums: Iterable[Decimal | None]) -> Dollars:
    """Return the sum of what is known of some sums in USD."""
    return Dollars(sum((each for each in sums if each is not None), NOTHING))


def without_mathematics(render: Callable[P, str]) -> Callable[P, str]:
    """Let no ``$`` in the HTML that a function returns begin a formula.

    Jupyter pairs those of one text, so each stands in an element of its own. A class that
    keeps MathJax out would hold only where the front end knows it and leaves it in.
    """

    @functools.wraps(render)
    def shown(*args: P.args, **kwargs: P.kwargs) -> str:
        return _DOLLAR.sub(lambda found: found[1] or "<span>$</span>", render(*args, **kwargs))

    return shown
