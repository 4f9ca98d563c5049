"""Profiles: how the simulated server behaves, as data.

A profile is a set of switches. Names combine, later ones winning:
``named("live+slow+string-url")``.
"""

from __future__ import annotations

import dataclasses
import difflib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple, TypedDict, Unpack

__all__ = ["PROFILES", "Profile", "Switches", "named"]


_SERVICE, _SPREAD = 1.0, 0.25


class Switches(TypedDict, total=False):
    """The switches of a `Profile`, as keywords."""

    shape: str
    url: str
    words: str
    durations: str
    unknown_fields: str
    bad_values: str
    slots: int | None
    beyond_slots: str
    rate: float | None
    burst: int
    rate_reply: str
    service: float | Mapping[str, float]
    service_cv: float | Mapping[str, float]
    wait: float
    wait_cv: float
    estimate: float
    progress: str
    failures: float
    stuck: float
    link_life: float
    expired_status: int
    idempotency: str
    told_first: str
    settles: float | None
    balance: float | Decimal
    unlimited: bool
    balance_fails: bool
    videos: int
    skew: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """Every switch of the simulated server. The defaults are the demo.

    Attributes
    ----------
    shape : str
        Submit reply: ``"A"`` (array, live), ``"B"`` (object, the default model's page)
        or ``"C"`` (202). The version header asks for C whatever this says.
    url : str
        ``videos[0].url``: ``"list"``, ``"string"``, ``"plain"`` (items are strings), or
        ``"missing"`` (completed, and no link).
    words : str
        Status words: ``"live"``, ``"contract"`` or ``"odd"`` (other cases and synonyms).
    durations : str
        ``"page"`` (6-30 s for the ``-apimart`` ids) or ``"live"`` (no more than 15 s).
    unknown_fields : str
        ``"ignore"`` or ``"refuse"`` (400). The official xAI models refuse always.
    bad_values : str
        A size, duration or tier that the model does not offer: ``"refuse"`` (400),
        ``"500"`` (as seen live: a bad size gives 500 ``build_request_failed``, a bad
        ``mode`` is accepted and fails later, the rest is refused), ``"ignore"`` (the
        default is used) or ``"fail"`` (accepted, then failed, cost 0).
    slots : int or None
        Tasks that run at once; None means all.
    beyond_slots : str
        ``"queue"``, or ``"refuse"`` with 429.
    rate, burst : float or None, int
        Submissions a minute and key, and how many may come at once.
    rate_reply : str
        How a 429 says when to come back: ``"header"``, ``"body"``, ``"text"``, ``"date"``
        (an HTTP date in the header) or ``"none"``.
    service : float, or mapping of model id to float
        Factor on service times; 0 makes every task finish at once. A model that a
        mapping leaves out keeps the default.
    service_cv : float, or mapping of model id to float
        Spread of service times (coefficient of variation of a lognormal); 1 has a heavy
        tail.
    wait, wait_cv : float
        Median of an upstream queue in seconds, spent at progress 0, and its spread.
    estimate : float
        Factor by which ``estimated_time`` misses the median service time.
    progress : str
        ``"linear"``, ``"noisy"``, ``"plateau"``, ``"stuck"`` (at 99), ``"backwards"``,
        ``"percent"`` (a string), ``"over"`` (past 100) or ``"absent"``.
    failures, stuck : float
        Share of tasks that fail, and that never end; 0 to 1.
    link_life : float
        Seconds from completion until a result's link dies.
    expired_status : int
        What a dead link answers: 403, 404 or 410.
    idempotency : str
        ``"honoured"``, ``"ignored"``, ``"in_progress"`` or ``"indeterminate"`` (409 on a
        repeat), or ``"unavailable"`` (503; nothing is executed).
    told_first : str
        What a task tells of its cost until it is settled: ``"whole"``, ``"part"`` (a tenth),
        ``"zero"`` or ``"absent"``. The account is charged the whole in any case.
    settles : float or None
        Seconds from a task's end until it tells its whole cost; None means never.
    balance : Decimal
        What the account holds at the start, in USD.
    unlimited : bool
        Whether the key has no quota of its own; its balance then reads -1.
    balance_fails : bool
        Whether the balance endpoints answer 200 with ``success: false``.
    videos : int
        Clips listed in a result; the first is the one asked for.
    skew : float
        Seconds by which the server's stamps run ahead of the clock.

    Raises
    ------
    ValueError
        If a value is none that the switch can have; the message says which it can.
    """

    shape: str = "A"
    url: str = "list"
    words: str = "live"
    durations: str = "page"
    unknown_fields: str = "ignore"
    bad_values: str = "refuse"
    slots: int | None = 8
    beyond_slots: str = "queue"
    rate: float | None = 600.0
    burst: int = 60
    rate_reply: str = "header"
    service: float | Mapping[str, float] = _SERVICE
    service_cv: float | Mapping[str, float] = _SPREAD
    wait: float = 0.0
    wait_cv: float = 0.8
    estimate: float = 1.0
    progress: str = "linear"
    failures: float = 0.0
    stuck: float = 0.0
    link_life: float = 86_400.0
    expired_status: int = 403
    idempotency: str = "honoured"
    told_first: str = "whole"
    settles: float | None = 0.0
    balance: Decimal = Decimal(1000)
    unlimited: bool = False
    balance_fails: bool = False
    videos: int = 1
    skew: float = 0.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "balance", _money(self.balance))
        for switch, words in _WORDS.items():
            value = getattr(self, switch)
            if value not in words:
                known = ", ".join(map(str, words))
                msg = f"{switch}={value!r} is no setting of the simulator (known: {known})."
                raise ValueError(msg)
        for switch, number in _NUMBERS.items():
            value = getattr(self, switch)
            if not number.takes(value):
                msg = f"{switch}={value!r} is no setting of the simulator; it takes {number}."
                raise ValueError(msg)

    def service_of(self, model: str) -> tuple[float, float]:
        """Return a model's factor on service times, and their spread."""
        return _of(self.service, model, _SERVICE), _of(self.service_cv, model, _SPREAD)

    def but(self, **switches: Unpack[Switches]) -> Profile:
        """Return a copy with some switches set otherwise.

        Raises
        ------
        TypeError
            If there is no such switch; the message names the nearest.
        ValueError
            If a switch cannot have that value.
        """
        known = [field.name for field in dataclasses.fields(self)]
        for switch in switches:
            if switch not in known:
                near = difflib.get_close_matches(switch, known, n=1, cutoff=0.0)[0]
                msg = f"The simulator has no switch {switch!r} (nearest: {near!r}; all: {', '.join(known)})."
                raise TypeError(msg)
        values: dict[str, Any] = {**switches}
        return dataclasses.replace(self, **values)


class _Number(NamedTuple):
    """What numbers a switch takes."""

    least: float = 0.0
    most: float = math.inf
    whole: bool = False
    above: bool = False
    optional: bool = False
    by_model: bool = False

    def __str__(self) -> str:
        kind = "a whole number" if self.whole else "a number"
        span = f" {'above' if self.above else 'of at least'} {self.least:g}"
        if self.least == -math.inf:
            span = ""
        elif self.most < math.inf:
            span = f" from {self.least:g} to {self.most:g}"
        others = (", or None for no limit" if self.optional else "") + (
            ", or one for each model" if self.by_model else ""
        )
        return kind + span + others

    def takes(self, value: object) -> bool:
        """Return whether a switch can have that value."""
        if value is None:
            return self.optional
        if self.by_model and isinstance(value, Mapping):
            return all(
                each is not None and self._replace(by_model=False).takes(each) for each in value.values()
            )
        if isinstance(value, bool) or not isinstance(value, int if self.whole else (int, float)):
            return False
        within = self.least < value if self.above else self.least <= value
        return math.isfinite(value) and within and value <= self.most


def _money(value: object) -> Decimal:
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite():
        msg = f"balance={value!r} is no setting of the simulator; it takes an amount in USD."
        raise ValueError(msg)
    return amount


def _of(value: float | Mapping[str, float], model: str, default: float) -> float:
    return value.get(model, default) if isinstance(value, Mapping) else value


_WORDS: dict[str, tuple[str | int, ...]] = {
    "shape": ("A", "B", "C"),
    "url": ("list", "string", "plain", "missing"),
    "words": ("live", "contract", "odd"),
    "durations": ("page", "live"),
    "unknown_fields": ("ignore", "refuse"),
    "bad_values": ("refuse", "500", "ignore", "fail"),
    "beyond_slots": ("queue", "refuse"),
    "rate_reply": ("header", "body", "text", "date", "none"),
    "progress": (
        "linear",
        "noisy",
        "plateau",
        "stuck",
        "backwards",
        "percent",
        "over",
        "absent",
    ),
    "idempotency": ("honoured", "ignored", "in_progress", "indeterminate", "unavailable"),
    "told_first": ("whole", "part", "zero", "absent"),
    "expired_status": (403, 404, 410),
    "unlimited": (False, True),
    "balance_fails": (False, True),
}
_NUMBERS = {
    "slots": _Number(1, whole=True, optional=True),
    "rate": _Number(above=True, optional=True),
    "burst": _Number(1, whole=True),
    "service": _Number(by_model=True),
    "service_cv": _Number(by_model=True),
    "wait": _Number(),
    "wait_cv": _Number(),
    "estimate": _Number(),
    "failures": _Number(most=1),
    "stuck": _Number(most=1),
    "link_life": _Number(),
    "settles": _Number(optional=True),
    "videos": _Number(whole=True),
    "skew": _Number(-math.inf),
}

PROFILES: dict[str, Switches] = {
    "demo": {},
    "contract": {"shape": "B", "words": "contract"},
    "live": {
        "durations": "live",
        "bad_values": "500",
        "rate": 40.0,
        "burst": 5,
        "service_cv": 0.8,
        "progress": "plateau",
        "estimate": 0.7,
        "failures": 0.02,
    },
    "strict": {"unknown_fields": "refuse"},
    "zero-balance": {"balance": Decimal(0)},
    "slow": {"wait": 240.0, "service_cv": 1.0, "service": 1.5},
    "instant": {"service": 0.0, "slots": None, "rate": None},
    "string-url": {"url": "string"},
    "long-links": {"link_life": 259_200.0},
    "flaky": {"failures": 0.25, "progress": "noisy"},
    "late-failure": {"bad_values": "fail"},
    "ignored-duration": {"bad_values": "ignore"},
    "unlimited": {"unlimited": True},
    "part-charge": {"told_first": "part"},
    "late-charge": {"told_first": "absent", "settles": 600.0},
    "no-charge": {"told_first": "absent", "settles": None},
}
"""What each named profile sets otherwise than the demo."""


def named(names: str) -> Profile:
    """Return the profile of that name, or of several joined by ``+``.

    Raises
    ------
    ValueError
        If a name is unknown; the message lists those that exist.
    """
    profile = Profile()
    for name in names.split("+"):
        if name not in PROFILES:
            msg = f"profile={names!r}: {name!r} is not a profile (known: {', '.join(PROFILES)}; join by '+')."
            raise ValueError(msg)
        profile = profile.but(**PROFILES[name])
    return profile
