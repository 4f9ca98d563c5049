"""Faults to order: what goes wrong, where, for which cells, when, and how often."""

from __future__ import annotations

import difflib
import hashlib
import json
import math
import re
import threading
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from gridgen.simulator.forms import forms

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from gridgen.clock import Clock
    from gridgen.simulator.drawn_outcome import DrawnOutcome

__all__ = ["ENDPOINTS", "KINDS", "Fault", "Faults"]

ENDPOINTS = (
    "submit",
    "status",
    "result",
    "thumbnail",
    "image",
    "upload",
    "balance",
    "usage",
    "models",
    "prices",
    "any",
)
"""Where a fault can strike."""

_INSTEAD = ("before_read", "before", "after")
KINDS: dict[str, tuple[str, ...]] = {
    "reset": (*_INSTEAD, "mid_reply"),
    "close": (*_INSTEAD, "mid_reply"),
    "hang": (*_INSTEAD, "mid_reply"),
    "garbage": _INSTEAD,
    "reply": _INSTEAD,
    "flood": _INSTEAD,
    "gzip": _INSTEAD,
    "slow": _INSTEAD,
    "drip": ("mid_reply",),
    "headers": ("mid_reply",),
    "corrupt": ("mid_reply",),
    "patch": ("mid_reply",),
    "form": ("mid_reply", *_INSTEAD),
    "fail": ("fate",),
    "cancel": ("fate",),
    "stick": ("fate",),
    "delay": ("fate",),
}
"""The kinds of fault, each with the moments at which it can strike."""

_OF_A_CELL = frozenset({"submit", "status", "result", "thumbnail", "any"})
_HEADER = re.compile(r"[!-9;-~]+:[\t -~\x80-\xff]*")


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One rule of what goes wrong.

    Attributes
    ----------
    kind : str
        On the wire: ``reset`` (RST), ``close`` (FIN), ``hang`` (no more bytes),
        ``garbage`` (bytes that are no HTTP), ``slow`` (the reply comes `seconds` later),
        ``drip`` (its body comes `size` bytes at a time, `seconds` apart).
        In the reply: ``reply`` (`status`, `headers` and `body` instead of it), ``flood``
        (`size` bytes instead of it), ``gzip`` (a bomb of `size` bytes), ``headers``
        (`size` bytes of further headers), ``corrupt`` (bytes changed, length kept),
        ``patch`` (`patch` merged into its JSON; ``...`` as a value removes the key).
        A reply that is no JSON is not patched. ``form``: the reply that `form` names, as
        the server was seen to give it. In the task that a submission makes:
        ``fail``, ``cancel``, ``stick`` (it never ends), ``delay`` (its service takes
        `seconds` longer).
    on : str
        One of `ENDPOINTS`; faults in the task are on ``submit`` or ``any``, which is the same.
    when : str or None
        ``before_read`` (the body was not read), ``before`` (read, nothing done),
        ``after`` (done, and billed; the answer is lost) or ``mid_reply`` (after `size`
        bytes of the reply's body). By default the first that the kind allows.
    match : str, callable or None
        Which cells: a text within the body of the submission (of the task that a status,
        a result or a thumbnail belongs to), as JSON or within one of its strings, or a
        function of that body that returns a bool (a body that lacks what it looks for is
        not meant).
    times : int or None
        How often it strikes; None means always.
    skip : int
        How many requests it lets pass first.
    during : tuple of float or None
        From when to when, in simulated seconds since the simulator began; None means
        always.
    chance : float
        Probability, 0 to 1, drawn from the simulator's seed.
    seconds : float or None
        On the simulator's clock; None means for ever.
    size : int
        Bytes; see `kind`.
    status, body, headers
        Of a ``reply``; `body`, also of ``garbage``, may be bytes, text or what JSON can
        hold.
    patch : dict
        Of a ``patch``.
    form : str
        Of a ``form``, which says where it strikes: the name of one in ``forms.json``, such
        as ``"succeed"``. Most of them spell a true reply otherwise, with its own id and
        links, and let replies of other kinds pass: ``"fail"`` waits for a task that failed.
        The others stand in its place: ``"insufficient_quota"``.

    Raises
    ------
    ValueError
        If that cannot happen, or could never strike.
    """

    kind: str
    on: str = "any"
    when: str | None = None
    match: str | Callable[[dict[str, Any]], bool] | None = None
    times: int | None = 1
    skip: int = 0
    during: tuple[float, float] | None = None
    chance: float = 1.0
    seconds: float | None = None
    size: int = 0
    status: int = 500
    body: Any = b""
    headers: dict[str, str] = field(default_factory=dict)
    patch: dict[str, Any] = field(default_factory=dict)
    form: str = ""

    def __post_init__(self) -> None:
        _known("kind", self.kind, tuple(KINDS), "a fault")
        if self.kind == "form":
            self._take_form()
        _known("on", self.on, ENDPOINTS, "an endpoint")
        moments = KINDS[self.kind]
        if self.when is None:
            object.__setattr__(self, "when", moments[0])
        if self.when not in moments:
            msg = f"A {self.kind!r} fault cannot strike when={self.when!r} (it can: {', '.join(moments)})."
            raise ValueError(msg)
        self._check_aim()
        self._check_numbers()
        self._check_reply()

    @property
    def of(self) -> str:
        """What a reply has to be for it to strike: a word of `gridgen.simulator.forms`, empty for any."""
        return forms()[self.form].of if self.kind == "form" else ""

    def _take_form(self) -> None:
        """Take from its form where it strikes, and with what."""
        if self.form not in forms():
            near = ", ".join(map(repr, difflib.get_close_matches(str(self.form), forms(), n=5, cutoff=0.0)))
            msg = f"form={self.form!r} is no form of a reply (nearest: {near}; all are in gridgen/simulator/forms.json)."
            raise ValueError(msg)
        form = forms()[self.form]
        when = self.when or ("mid_reply" if form.of else "before")
        if self.on not in {"any", form.on} or (when == "mid_reply") != bool(form.of):
            msg = f"The form {self.form!r} strikes on={form.on!r}, {'in the' if form.of else 'before or after a'} reply."
            raise ValueError(msg)
        for name, value in {**form._asdict(), "when": when}.items():
            if name != "of":
                object.__setattr__(self, name, value)

    def _check_aim(self) -> None:
        """Refuse a rule that could never strike."""
        msg = ""
        if self.when == "fate" and self.on not in {"submit", "any"}:
            msg = f"A {self.kind!r} fault strikes the task that a submission makes; use on='submit'."
        elif not _is_match(self.match):
            msg = f"match={self.match!r} is neither a text nor a function of a body."
        elif self.match is not None and self.on not in _OF_A_CELL:
            msg = f"match= aims at cells, and on={self.on!r} belongs to none; leave one of them out."
        elif self.when == "before_read" and self.match is not None and self.on in {"submit", "any"}:
            msg = "match= needs a body, and before_read comes before it is read; use when='before'."
        if msg:
            raise ValueError(msg)

    def _check_numbers(self) -> None:
        for name, legal, says in (
            ("times", self.times is None or _whole(self.times), "a whole number, or None for always"),
            ("skip", _whole(self.skip), "a whole number"),
            ("size", _whole(self.size), "a whole number of bytes"),
            ("chance", _number(self.chance) and self.chance <= 1, "a number from 0 to 1"),
            ("seconds", self.seconds is None or _number(self.seconds), "a number, or None for ever"),
            ("status", _whole(self.status) and self.status in _STATUSES, "an HTTP status from 200 to 599"),
            ("during", self.during is None or _span(self.during), "two numbers, from and to, or None"),
        ):
            if not legal:
                msg = f"{name}={getattr(self, name)!r} is not {says}."
                raise ValueError(msg)

    def _check_reply(self) -> None:
        """Refuse headers and bodies that could not be sent."""
        for header, text in _dict("headers", self.headers).items():
            if not _HEADER.fullmatch(f"{header}:{text}"):
                msg = f"headers: {header!r}: {text!r} cannot be sent; a header is one line of Latin-1."
                raise ValueError(msg)
        body = "" if isinstance(self.body, bytes) else self.body
        for name, value, default in (("patch", _dict("patch", self.patch), _removal), ("body", body, None)):
            try:
                json.dumps(value, default=default)
            except (TypeError, ValueError) as error:
                msg = f"{name}= is not what JSON can hold ({error})."
                raise ValueError(msg) from None


_STATUSES = range(200, 600)


def _removal(value: object) -> None:
    if value is not ...:
        msg = f"{value!r} is no JSON"
        raise TypeError(msg)


def _known(name: str, value: object, known: tuple[str, ...], what: str) -> None:
    if value not in known:
        msg = f"{name}={value!r} is not {what} (known: {', '.join(known)})."
        raise ValueError(msg)


def _is_match(value: object) -> bool:
    return value is None or isinstance(value, str) or callable(value)


def _dict(name: str, value: Any) -> dict[str, Any]:
    if isinstance(value, dict):
        return value
    msg = f"{name}={value!r} is not a dict."
    raise ValueError(msg)


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < math.inf


def _span(value: object) -> bool:
    return (
        isinstance(value, (tuple, list))
        and len(value) == 2  # noqa: PLR2004 - from and to
        and _number(value[0])
        and (value[1] == math.inf or _number(value[1]))
    )


@dataclass(slots=True)
class _Count:
    met: int = 0
    struck: int = 0


class Faults:
    """The rules in force, and how often each has struck.

    Parameters
    ----------
    faults : iterable of Fault, default ()
        The first that applies to a request strikes.
    seed : int, default 0
        For `Fault.chance`.
    clock : Clock or None, default None
        For `Fault.during`; without one no rule with a span of time ever strikes.
    """

    def __init__(self, faults: Iterable[Fault] = (), *, seed: int = 0, clock: Clock | None = None) -> None:
        self._rules: list[tuple[Fault, _Count]] = [(fault, _Count()) for fault in faults]
        self._seed = seed
        self._clock = clock
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._rules)

    def __iter__(self) -> Iterator[Fault]:
        return iter([fault for fault, _ in self._rules])

    def add(self, fault: Fault) -> Fault:
        """Put a rule in force after the others, and return it."""
        with self._lock:
            self._rules.append((fault, _Count()))
        return fault

    def clear(self) -> None:
        """Lift all rules."""
        with self._lock:
            self._rules.clear()

    def struck(self, fault: Fault) -> int:
        """Return how often a rule in force has struck."""
        return sum(count.struck for rule, count in self._rules if rule is fault)

    def pick(
        self, endpoint: str, moments: tuple[str, ...], submission: bytes | None, is_to_be: str = ""
    ) -> Fault | None:
        """Return the rule that strikes a request, and count it.

        Parameters
        ----------
        endpoint : str
            One of `ENDPOINTS`.
        moments : tuple of str
            Moments of which the rule must name one.
        submission : bytes or None
            Body of the submission that the request is, or belongs to.
        is_to_be : str, default ""
            What the reply is going to be, as far as `Fault.of` tells replies apart.
        """
        if not self._rules:
            return None
        with self._lock:
            for index, (fault, count) in enumerate(self._rules):
                aimed = fault.when in moments and fault.on in {endpoint, "any"} and fault.of in {"", is_to_be}
                if (
                    aimed
                    and self._is_time(fault)
                    and _matches(fault, submission)
                    and self._strikes(index, fault, count)
                ):
                    return fault
        return None

    def meddle(self, body: dict[str, Any], fate: DrawnOutcome) -> DrawnOutcome:
        """Return the fate of an accepted submission as the rules would have it."""
        fault = self.pick("submit", ("fate",), json.dumps(body).encode())
        if fault is None:
            return fate
        if fault.kind == "delay":
            return replace(fate, service=fate.service + (fault.seconds or 0.0))
        outcomes = {"fail": "failed", "cancel": "cancelled", "stick": "stuck"}
        return replace(fate, outcome=outcomes[fault.kind])

    def _is_time(self, fault: Fault) -> bool:
        if fault.during is None:
            return True
        begin, end = fault.during
        return self._clock is not None and begin <= self._clock.monotonic() < end

    def _strikes(self, index: int, fault: Fault, count: _Count) -> bool:
        count.met += 1
        if count.met <= fault.skip or (fault.times is not None and count.struck >= fault.times):
            return False
        if fault.chance < 1 and _uniform(f"{self._seed}:{index}:{count.met}") >= fault.chance:
            return False
        count.struck += 1
        return True


def _uniform(text: str) -> float:
    digest = hashlib.blake2b(text.encode(), digest_size=7).digest()
    return int.from_bytes(digest) / 2**56


def _matches(fault: Fault, submission: bytes | None) -> bool:
    if fault.match is None:
        return True
    if submission is None:
        return False
    try:
        body = json.loads(submission)
        text = json.dumps(body, ensure_ascii=False)
    except (ValueError, RecursionError):
        return False
    if callable(fault.match):
        try:
            return isinstance(body, dict) and bool(fault.match(body))
        except (LookupError, TypeError):
            return False
    return fault.match in text or any(fault.match in string for string in _strings(body))


def _strings(body: Any) -> Iterator[str]:
    """Yield the strings in what JSON holds."""
    unread = [body]
    while unread:
        value = unread.pop()
        if isinstance(value, str):
            yield value
        elif isinstance(value, dict):
            unread += value.values()
        elif isinstance(value, list):
            unread += value
