"""What became of a submission: the one place that decides whether it may be sent again.

A paid POST may be repeated only on proof that the first one was not applied
(RFC 9110, section 9.2.2). The proof is progress on the wire, from the
transport's trace, or the server's own words; never the name of an exception:
a body that failed to go out can surface as a read error.
"""

from __future__ import annotations

import email.utils
import json
import re
from dataclasses import dataclass
from decimal import Decimal
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from gridgen.errors import (
    APIError,
    AuthenticationError,
    GridError,
    OutOfCreditsError,
    RateLimitError,
)
from gridgen.task import (
    LONGEST_ID,
    cleaned,
    error_text,
    parse_json,
    says_error,
    says_taken,
    task_ids,
    wrong_code,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = [
    "Accepted",
    "Ambiguous",
    "NotApplied",
    "NotSent",
    "Outcome",
    "Policy",
    "Rejected",
    "api_error",
    "classify",
    "is_gone",
    "judge_replay",
    "retry_after",
    "why_no_replay",
]

MOST_REPLAYS = 3
REPLAY_WITHIN = 600.0
"""Seconds after which a key may have lapsed: how long one lives is documented nowhere."""

PENDING_WAIT, LONGEST_PENDING = 5.0, 120.0
"""Seconds until a submission in progress is asked about again, where the server names none, and at most."""

POOL_TIMEOUT = "pool.timeout"
"""The event that stands for a request which never got a connection."""


@dataclass(frozen=True, slots=True)
class NotSent:
    """No whole request left this machine, so there was none to apply; safe to send again.

    ``hopeless`` is True when it would not leave then either: the server's
    certificate is not trusted.
    """

    evidence: str
    hopeless: bool = False


@dataclass(frozen=True, slots=True)
class NotApplied:
    """The server says that it did nothing; safe to send again after a while."""

    error: APIError
    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class Accepted:
    """A task exists and will be billed.

    ``replayed`` is True when the server says that this answer is the one of an
    earlier submission under the same idempotency key; ``others`` are further tasks that it
    names, though one was asked for: they may be billed as well.
    """

    task_id: str
    replayed: bool = False
    others: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rejected:
    """The server refused; the same request would be refused again.

    ``everywhere`` is True when no other cell would fare better (a bad key, no money);
    ``replayed`` as of `Accepted`.
    """

    error: APIError
    everywhere: bool = False
    replayed: bool = False


@dataclass(frozen=True, slots=True)
class Ambiguous:
    """Sent, and the answer is lost or unreadable: it may be billed.

    ``pending`` is the wait in seconds after which the server will tell when it
    gets the same submission under the same idempotency key, None when it has not
    said so; ``final`` is True when it will never tell. The rest is what a person
    may need to find out: the transport's last event, and of an answer its status,
    the server's name for the request and the first bytes.
    """

    evidence: str
    pending: float | None = None
    final: bool = False
    event: str | None = None
    status: int | None = None
    request_id: str | None = None
    reply: bytes = b""


Outcome = NotSent | NotApplied | Accepted | Rejected | Ambiguous

_POLICIES = ("hold", "replay", "resubmit", "lost")


@dataclass(frozen=True, slots=True)
class Policy:
    """What is done with a submission whose answer was lost, without asking.

    Attributes
    ----------
    kind : str
        ``"hold"``: nothing. ``"replay"``: sent again as it was, under its own key,
        where the server is proven to honour it. ``"resubmit"``: given up, and
        submitted anew. ``"lost"``: given up.
    cap : Decimal
        USD that submissions given up for new ones may have cost together.
    """

    kind: str = "hold"
    cap: Decimal = Decimal(0)

    def __post_init__(self) -> None:
        if self.kind not in _POLICIES:
            msg = f"on_unknown={self.kind!r} is no policy (known: {', '.join(_POLICIES)})"
            raise GridError(msg, nothing="Nothing was sent.")


_NOT_APPLIED = {425, 429, 521, 523}
_NOT_APPLIED_CODES = {(400, "get_channel_failed"), (503, "idempotency_unavailable")}
_SWEEP_WIDE = {401, 402, 403, 407}
_KEPT = 16_384
"""Bytes of an unreadable answer that are kept as evidence."""

_REFUSED = {300, 301, 302, 304, 305, 307, 308, 400, 404, 405, 413, 415, 422}


def classify(
    events: Sequence[str],
    status: int | None,
    headers: Mapping[str, str],
    body: bytes,
    *,
    sent: bytes = b"",
) -> Outcome:
    """Decide what became of one POST of a video submission.

    Parameters
    ----------
    events : sequence of str
        Names of the transport's trace events for this request, in order, as
        httpx documents them (python-httpx.org/advanced/extensions), plus
        ``pool.timeout``. Empty for a transport that emits none.
    status : int or None
        HTTP status of the answer; None when an exception came instead.
    headers : mapping of str to str
        Headers of the answer, names in lower case.
    body : bytes
        Body of the answer.
    sent : bytes, optional
        Body of the POST: a task that it names and a refusal quotes was there before.

    Notes
    -----
    A task that is named was made, and what says that all is well may have made one,
    whatever status or code stands beside it. Two cases are judged apart from the letter of the rules, on the safe side of them.
    Headers that left without a body (never empty here) are `NotSent`, not
    `NotApplied`: no server can apply half a request, so none has anything to say of
    it, and what is to be mended is the connection. A stream that an HTTP/2 server
    refused, or left behind a GOAWAY, is `Ambiguous`, though RFC 9113 (section 8.7)
    calls it safe to repeat: no trace event tells why a stream ended, only the text of
    an exception. It concerns clients of one's own that speak HTTP/2; ours does not.
    """
    if status is None:
        return _unanswered(events)
    payload = parse_json(body)
    well = HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES
    quoting = not well or (isinstance(payload, dict) and says_error(payload))
    found = [each for each in task_ids(payload) if not (quoting and json.dumps(each).encode() in sent)]
    if found:
        return Accepted(found[0], _replayed(headers), tuple(found[1:]))
    if well or says_taken(payload):
        return _success(status, headers, payload, body)
    return _refusal(status, headers, payload, body)


def judge_replay(outcome: Outcome) -> Accepted | Rejected | Ambiguous:
    """Decide what a repeat under the same key tells of a submission whose answer was lost.

    Only a task, or a refusal that the server marks as the first one's own answer,
    settles it. That the repeat did nothing says nothing of the first.

    Parameters
    ----------
    outcome : Outcome
        What `classify` says of the repeat.
    """
    if isinstance(outcome, NotSent):
        return Ambiguous(f"the replay was not sent: {outcome.evidence}")
    if isinstance(outcome, NotApplied):
        return Ambiguous(f"the replay was not applied: {outcome.error}")
    if isinstance(outcome, Rejected) and not (outcome.everywhere or outcome.replayed):
        return Ambiguous(f"the replay was refused: {outcome.error}", final=True)
    return outcome


def why_no_replay(*, proven: bool, age: float | None, replays: int = 0) -> str | None:
    """Return why a submission of unknown outcome may not be sent again under its key, None if it may.

    Parameters
    ----------
    proven : bool
        Whether this model at this server has been seen to honour the key.
    age : float or None
        Seconds since it was first sent; None when the clocks cannot tell.
    replays : int
        How often it was replayed so far.
    """
    if not proven:
        return "that the server honours its key is not proven; client.prove_idempotency(model) tries it"
    if age is None or not 0 <= age < REPLAY_WITHIN:
        return f"it was sent more than {REPLAY_WITHIN / 60:.0f} minutes ago, and the key may have lapsed"
    if replays >= MOST_REPLAYS:
        return f"it was replayed {replays} times already"
    return None


def _unanswered(events: Sequence[str]) -> Outcome:
    """Judge by progress: until the body starts, no server has a request to apply."""
    if not events:
        return Ambiguous("no trace of the request")
    if any(event.startswith("http") and event.endswith("send_request_body.started") for event in events):
        return Ambiguous(events[-1], event=events[-1])
    return NotSent(events[-1])


def _success(status: int, headers: Mapping[str, str], payload: Any, body: bytes) -> Outcome:
    if isinstance(payload, dict) and not says_taken(payload):
        refused = wrong_code(payload)
        if refused is None and (payload.get("success") is False or says_error(payload)):
            refused = HTTPStatus.BAD_REQUEST
        if refused is not None:
            return _refusal(max(refused, HTTPStatus.BAD_REQUEST), headers, payload, body)
    return Ambiguous(
        f"HTTP {status} without a task id: {_shown(body)}",
        status=status,
        request_id=_request_id(headers, payload),
        reply=body[:_KEPT],
    )


def _refusal(status: int, headers: Mapping[str, str], payload: Any, body: bytes) -> Outcome:
    error = api_error(status, headers, body, payload)
    if isinstance(error, OutOfCreditsError):
        return Rejected(error, everywhere=True)
    if status in _NOT_APPLIED or (status, error.code) in _NOT_APPLIED_CODES:
        return NotApplied(error, retry_after(headers, payload))
    if status in _SWEEP_WIDE:
        return Rejected(error, everywhere=True)
    reused = (status, error.code) == (HTTPStatus.CONFLICT, "idempotency_key_reused")
    if status in _REFUSED or reused or _is_validation(status, error):
        return Rejected(error, replayed=_replayed(headers))
    subtype = error.code if status == HTTPStatus.CONFLICT else ""
    wait = retry_after(headers, payload)
    pending = PENDING_WAIT if wait is None else wait
    return Ambiguous(
        str(error),
        pending=min(pending, LONGEST_PENDING) if subtype == "idempotency_in_progress" else None,
        final=subtype == "idempotency_result_indeterminate",
        status=status,
        request_id=error.request_id,
        reply=body[:_KEPT],
    )


def _replayed(headers: Mapping[str, str]) -> bool:
    return headers.get("idempotency-replayed", "").strip().lower() == "true"


def _is_validation(status: int, error: APIError) -> bool:
    """Whether a 500 is really a parameter error, which the server prefixes so."""
    return status == HTTPStatus.INTERNAL_SERVER_ERROR and "build_request_failed" in f"{error.code} {error}"


def api_error(status: int, headers: Mapping[str, str], body: bytes, payload: Any = None) -> APIError:
    """Return the error for a refused request: HTTP status first, then the server's code.

    The server's ``code`` may be an integer, a numeric text, a word or empty,
    and need not agree with the HTTP status.
    """
    payload = parse_json(body) if payload is None else payload
    code, words = _code(payload), error_text(payload)
    told: dict[str, Any] = {"status": status, "code": code, "request_id": _request_id(headers, payload)}
    message = f"HTTP {status}: {(words or _shown(body) or 'no reason given')[:300]}"
    if status == HTTPStatus.PAYMENT_REQUIRED or _is_spent(status, code, words or ""):
        return _genuine(OutOfCreditsError(message, **told), payload, body)
    if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        return _genuine(AuthenticationError(message, **told), payload, body)
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return _genuine(
            RateLimitError(message, **told, retry_after=retry_after(headers, payload)), payload, body
        )
    return _genuine(APIError(message, **told), payload, body)


_SPOKEN = frozenset({"error", "code", "message", "detail", "data", "success"})
"""Fields of which an answer of the API has one."""


def _genuine(error: APIError, payload: Any, body: bytes) -> APIError:
    """Note whether the API spoke: a page is another machine's; one that has nothing to show sends no page."""
    spoken = isinstance(payload, dict) and not _SPOKEN.isdisjoint(payload)
    error.genuine = spoken or not body.strip()
    return error


def _code(payload: Any) -> str:
    """Return the server's name for what is wrong: the error's own, else a word at the top level."""
    if not isinstance(payload, dict):
        return ""
    inner, outer = payload.get("error"), payload.get("code")
    code = inner.get("code") if isinstance(inner, dict) else None
    if code in (None, "") and isinstance(outer, str) and not outer.isdecimal():
        code = outer
    return "" if code is None or isinstance(code, (dict, list)) else cleaned(str(code), LONGEST_ID)


_SPENT_CODE = re.compile(
    r"(insufficient|not_?enough)_?(user_?|account_?|token_?)?(quota|balance|credits?|funds)"
    r"|(quota|balance|credits?)_?(exhausted|insufficient|not_?enough)",
    re.IGNORECASE,
)
_SPENT_WORDS = re.compile(
    r"(insufficient|not enough|exhausted|used up|ran out of|exceeded your (current )?)[^.]{0,40}(quota|balance|credit)"
    r"|(quota|balance|credits?)[^.]{0,40}(insufficient|not enough|exhausted|used up|resets? (at|on|in)\b)",
    re.IGNORECASE,
)
_A_RATE = re.compile(r"per[- ](second|minute)|rate[- _]limit", re.IGNORECASE)


def _is_spent(status: int, code: str, words: str) -> bool:
    """Whether a refusal says that money, or a quota that was bought, is used up: more haste or less changes nothing."""
    if _SPENT_CODE.search(code):
        return True
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return bool(_SPENT_WORDS.search(words)) and not _A_RATE.search(words)
    return _SPENT_CODE.fullmatch(words) is not None


def is_gone(error: APIError) -> bool:
    """Whether the API itself says that it has no such task; no page of a machine on the way can."""
    if not error.genuine:
        return False
    unsupported = error.status == HTTPStatus.BAD_REQUEST and _LACKING.search(error.code) is not None
    return unsupported or error.status in {
        HTTPStatus.NOT_FOUND,
        HTTPStatus.GONE,
        HTTPStatus.UNPROCESSABLE_ENTITY,
    }


_LACKING = re.compile(r"not_?(exist|found)|no_?such|unknown_?task", re.IGNORECASE)


def _request_id(headers: Mapping[str, str], payload: Any) -> str:
    told = payload.get("request_id") if isinstance(payload, dict) else None
    told = told if isinstance(told, (str, int)) and told else headers.get("x-request-id", "")
    return cleaned(str(told), LONGEST_ID)


def retry_after(headers: Mapping[str, str], payload: Any) -> float | None:
    """Return the seconds to wait that the server asked for, None when it did not.

    It says so in a ``Retry-After`` header (seconds, or a date read against the
    answer's own ``Date``), in ``retry_after`` of the body, or in the text.
    """
    text = headers.get("retry-after", "")
    candidates: list[float | None] = [
        _seconds(text),
        _until(text, headers.get("date", "")),
    ]
    if isinstance(payload, dict):
        inner = payload.get("error")
        candidates.append(_seconds(payload.get("retry_after")))
        candidates.append(_seconds(inner.get("retry_after")) if isinstance(inner, dict) else None)
        said = re.search(
            r"retry\D{0,20}(\d+(?:\.\d+)?)\s*s",
            error_text(payload) or "",
            re.IGNORECASE,
        )
        candidates.append(_seconds(said[1]) if said else None)
    return next((wait for wait in candidates if wait is not None), None)


def _seconds(value: Any) -> float | None:
    try:
        seconds = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return seconds if 0 <= seconds < float("inf") else None


def _until(text: str, date: str) -> float | None:
    try:
        until, now = (email.utils.parsedate_to_datetime(each) for each in (text, date))
        return max(0.0, (until - now).total_seconds())
    except (TypeError, ValueError, OverflowError):
        return None


def _shown(body: bytes) -> str:
    return cleaned(body[:1200].decode("utf-8", "replace"), 300)
