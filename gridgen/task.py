"""A task as the server tells it: parsed from any of its reply forms, and pure.

This is the border: text that comes from a server is cleaned here, and numbers are
bounded, before anything else of gridgen sees them.
"""

from __future__ import annotations

import enum
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal, InvalidOperation
from typing import Any

from gridgen.money import Dollars

__all__ = [
    "LONGEST_ID",
    "Status",
    "Task",
    "Video",
    "as_text",
    "cleaned",
    "error_text",
    "parse_json",
    "parse_task",
    "says_error",
    "says_nothing",
    "says_taken",
    "task_id",
    "task_ids",
    "valid_id",
    "wrong_code",
]

LONGEST_ID = 200
_LONGEST_TEXT, _LONGEST_LINK, _LONGEST_REPLY = 2000, 8192, 16_384
"""Characters of a text, a link and a reply that are kept; a longer link is none."""

_LARGEST_COST = Decimal(10_000)
"""USD beyond which a task's cost is no cost: it would not even fit into the journal."""

_FIRST_STAMP, _LAST_STAMP = 1e9, 1e10
"""Unix seconds between which a stamp lies: 2001 to 2286, so 0, and milliseconds, are none."""

_MOST_VIDEOS = 16
"""Videos of a task, and links of a video, that are looked at."""

_STREAM = re.compile(r"(data|event|id|retry):")
_LARGEST_ID = 10**18
_MOST_DIGITS = 400
"""Digits of a whole number from which on it is as good as infinite."""

_UNSOUND = re.compile(r"[\x00\ud800-\udfff]")
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]+")


class Status(enum.StrEnum):
    """Where a task stands on the server."""

    QUEUED = "queued"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def finished(self) -> bool:
        """Whether the server will do nothing more."""
        return self not in {Status.QUEUED, Status.RUNNING}


_WORDS = {
    Status.QUEUED: (
        "submitted pending queued queueing queuing in_queue waiting scheduled created accepted "
        "not_start not_started"
    ),
    Status.RUNNING: "processing in_progress running generating started",
    Status.COMPLETED: "completed complete succeeded succeed success successful done finished ready",
    Status.FAILED: "failed fail failure error rejected expired timeout timed_out aborted",
    Status.CANCELLED: "cancelled canceled",
}
_STATUS = {word: status for status, words in _WORDS.items() for word in words.split()}
_LATE = frozenset({"expired", "timeout", "timed_out"})
"""Words that say nothing against a link beside them."""

_WELL = frozenset({*_WORDS[Status.COMPLETED].split(), "ok", "none", "null"})
"""Words that are no reason for a failure, though they stand where one should."""


@dataclass(frozen=True, slots=True)
class Video:
    """A finished video.

    Attributes
    ----------
    url : str
        Its first link, as the server gave it: it may lead anywhere.
    expires_at : float or None
        When the links die, in Unix seconds; None when the server did not say.
    mirrors : tuple of str
        Further links to the same video, for where the first one is dead.
    last_frame_url : str or None
        A picture of how it ends, where ``return_last_frame`` asked for one.
    """

    url: str
    expires_at: float | None = None
    mirrors: tuple[str, ...] = ()
    last_frame_url: str | None = None

    @property
    def urls(self) -> tuple[str, ...]:
        """All links to this video, in the order in which they are to be tried."""
        return (self.url, *self.mirrors)


@dataclass(frozen=True, slots=True)
class Task:
    """One submission as the server last described it.

    Attributes
    ----------
    id : str
        The server's name of the task; opaque.
    status : Status
        An unknown word beside a link is completed, and running otherwise: only a known end is an end.
    progress : int or None
        Percent, 0 to 100; None when the server did not say.
    cost : Decimal or None
        USD; known from the first status on, 0 for a failed task.
    created, completed : float or None
        The server's stamps, Unix seconds; None also where it says what cannot be one, such as 0.
    estimated_time : float or None
        Seconds that the server expects the task to take; only a hint.
    videos : tuple of Video
        The results; empty until the task is completed.
    error, error_code : str or None
        Why it failed, in the server's words. Of a running task: what stands beside a status that
        nobody knows; it has failed if the server says the same a minute later.
    refused : bool
        Whether the server calls it completed and gives a reason in place of a video, as its filters
        do: it has failed, and may be billed all the same.
    reply : str or None
        What the server said, as far as it is kept, of an ended task in which no video was found.
    """

    id: str
    status: Status = Status.QUEUED
    progress: int | None = None
    cost: Decimal | None = None
    created: float | None = None
    completed: float | None = None
    estimated_time: float | None = None
    videos: tuple[Video, ...] = ()
    error: str | None = None
    error_code: str | None = None
    refused: bool = False
    reply: str | None = field(default=None, repr=False, compare=False)

    @property
    def service_seconds(self) -> float | None:
        """Seconds from the server's own stamps, immune to the local clock."""
        if self.created is None or self.completed is None:
            return None
        return max(0.0, self.completed - self.created)


def parse_json(body: bytes) -> Any:
    """Return the decoded JSON, None when the body is no JSON.

    Neither a byte that is no UTF-8, nor a number of thousands of digits, nor what stands
    behind an object hides that. No text in it has NUL or half a surrogate pair, which JSON can spell and nothing can store.
    """
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        found = _legible(body)
    # such a character is spelled with a backslash, or takes bytes that are not ASCII, or NUL
    return found if body.isascii() and b"\\u" not in body and b"\0" not in body else _sound(found)


def _legible(body: bytes) -> Any:
    """Return the object or list that a body begins with, or the first event of a stream, None where none is whole."""
    text = body.decode("utf-8", "replace").lstrip("\ufeff \t\r\n")
    if _STREAM.match(text):
        text = next((line[5:].strip() for line in text.splitlines() if line.startswith("data:")), "")
    if not text.startswith(("{", "[")):
        return None
    try:
        return json.JSONDecoder(parse_int=_whole).raw_decode(text)[0]
    except (ValueError, RecursionError):
        return None


def _whole(digits: str) -> float:
    return int(digits) if len(digits) < _MOST_DIGITS else float(digits)


def _sound(found: Any) -> Any:
    """Replace what cannot be stored in all texts of decoded JSON, however deep it is."""
    root = [found]
    waiting: list[Any] = [root]
    while waiting:
        each = waiting.pop()
        items: list[tuple[Any, Any]] = list(each.items() if isinstance(each, dict) else enumerate(each))
        if isinstance(each, dict):
            each.clear()
            items = [(_UNSOUND.sub("\ufffd", name), value) for name, value in items]
        for name, value in items:
            each[name] = _UNSOUND.sub("\ufffd", value) if isinstance(value, str) else value
            if isinstance(value, (dict, list)):
                waiting.append(value)
    return root[0]


def cleaned(text: str, most: int = _LONGEST_TEXT) -> str:
    """Return a server's text as one line that can be stored and shown.

    Control characters and those that turn the direction of writing become blanks, half a
    surrogate pair becomes U+FFFD, and what is beyond the bound is cut off.

    Parameters
    ----------
    text : str
    most : int, default 2000
        Characters at most.
    """
    return _UNPRINTABLE.sub(" ", _UNSOUND.sub("\ufffd", text[: 2 * most])).strip()[:most]


def valid_id(value: object) -> bool:
    """Whether a task id is a printable text of at most 200 characters, and no step in a path."""
    return (
        isinstance(value, str)
        and 0 < len(value) <= LONGEST_ID
        and value.isprintable()
        and not value.isspace()
        and value not in {".", ".."}
    )


def task_id(payload: Any) -> str | None:
    """Return the task's id from a submit reply of any known shape, None without one."""
    return next(iter(task_ids(payload)), None)


def task_ids(payload: Any) -> tuple[str, ...]:
    """Return the ids of all tasks that a submit reply names; a submission should have made one.

    A bare ``id`` beside an error, or beside other data, may be the error's or the request's.
    """
    whole = _mapping(payload)
    data = whole.get("data") if whole else payload
    found = list(_named(data))
    if not found and whole:
        alone = not data and not whole.get("error") and wrong_code(whole) is None
        found = [*_named([{name: whole.get(name) for name in _NAMES[: 3 if alone else 2]}])]
        found = found or [*_named(whole.get("result"))]
    return tuple(dict.fromkeys(found))


_NAMES = ("task_id", "taskId", "id")


def _named(told: Any) -> Iterator[str]:
    """Yield the id of each task in a part of a reply, or in its ``task`` or ``tasks``."""
    for each in told if isinstance(told, list) else [told]:
        if isinstance(each, Mapping):
            tasks = each.get("tasks")
            inner = [each.get("task"), *(tasks if isinstance(tasks, list) else ())]
            own = _own_id(each)
            yield from filter(None, [own] if own else map(_own_id, inner))


def _own_id(task: object) -> str | None:
    named = (_id(task, name) for name in _NAMES) if isinstance(task, Mapping) else ()
    return next(filter(None, named), None)


def _id(task: Mapping[str, Any], name: str) -> str | None:
    """Return a task's id, which may be a number as well; a mere ``id`` only where a status shows whose it is."""
    value = task.get(name)
    numbered = isinstance(value, int) and not isinstance(value, bool) and 0 < value < _LARGEST_ID
    if numbered and (name != "id" or "status" in task):
        return str(value)
    return value if isinstance(value, str) and valid_id(value) else None


def parse_task(payload: Any, known_id: str) -> Task | None:
    """Return the task from a status reply, None when the reply describes no task.

    Parameters
    ----------
    payload : object
        The decoded JSON.
    known_id : str
        The id that was asked for; what the reply calls itself does not count.
    """
    data = _described(payload, known_id)
    if data is None:
        return None
    status, videos, reason = _judged(data)
    ended_without = status.finished and not videos
    refused = status is Status.COMPLETED and not videos and reason is not None
    if refused:
        status = Status.FAILED
    if status in {Status.FAILED, Status.CANCELLED} and reason is None:
        reason = error_text(data) or _reason(payload) or _error_code(data)
        reason = reason or f"the task {status} without a reason"
    told = status is not Status.COMPLETED and reason is not None
    return Task(
        id=known_id,
        status=status,
        progress=_percent(data.get("progress")),
        cost=_cost(data, failed=status in {Status.FAILED, Status.CANCELLED}),
        created=_stamp(data.get("created")),
        completed=_stamp(data.get("completed")),
        estimated_time=_number(data.get("estimated_time")),
        videos=videos,
        error=reason if told else None,
        error_code=_error_code(data) if told else None,
        refused=refused,
        reply=as_text(payload) if ended_without else None,
    )


def _judged(data: Mapping[str, Any]) -> tuple[Status, tuple[Video, ...], str | None]:
    """Weigh a task's word against what stands beside it: its links, and its reason where there is none."""
    word = _word(data)
    status = _STATUS.get(word)
    if status is Status.COMPLETED or status is None or word in _LATE:
        videos = _videos(data)
        status = Status.COMPLETED if videos else status
    else:
        videos = ()
    doubtful = status is None or (status is not Status.RUNNING and status.finished)
    return status or Status.RUNNING, videos, None if videos or not doubtful else _reason(data)


def _described(payload: Any, known_id: str) -> Mapping[str, Any] | None:
    """Return the part of a reply that describes a task: its ``data``, one item of that, or the whole of it."""
    if not isinstance(payload, Mapping):
        return None
    data = payload.get("data")
    if isinstance(data, list):
        items = [each for each in data if isinstance(each, Mapping)]
        data = next((each for each in items if known_id in _named(each)), None)
        data = items[0] if data is None and items else data
    if isinstance(data, Mapping) and _tells(data):
        return data
    bare = {**_mapping(data), **{name: value for name, value in payload.items() if name != "data"}}
    marked = any(valid_id(bare.get(name)) for name in ("id", "task_id")) or not _MARKS.isdisjoint(bare)
    return bare if marked and _tells(bare) else None


_MARKS = frozenset({"progress", "result", "created", "videos", "video_url"})
"""What shows that an object without an envelope is a task, and no other answer with a status."""


def _tells(data: Mapping[str, Any]) -> bool:
    return bool(_word(data) or _videos(data))


def wrong_code(payload: Mapping[str, Any]) -> int | None:
    """Return the status that the code in a reply stands for, None where the code is a success or there is none.

    A word that nobody knows stands for 400; 605 is NOT_ENOUGH_BALANCE in one client's table of errors.
    """
    code = payload.get("code")
    text = (
        "" if code is None or isinstance(code, (bool, dict, list)) else str(code).strip().lower()[:LONGEST_ID]
    )
    if text.isdecimal():
        number = int(text)
        known = {0: None, 605: 402}
        return known.get(number, None if number // 100 == 2 else number)  # noqa: PLR2004 - any 2xx
    return None if not text or text in _WELL else 400


def says_error(payload: Mapping[str, Any]) -> bool:
    """Whether an ``error`` in a reply says that something went wrong; some give one that says that all is well."""
    error = payload.get("error")
    code = str(error.get("code") or "").lower() if isinstance(error, Mapping) else ""
    return bool(error) and (_reason(payload) is not None or code not in {"", "200", *_WELL})


def says_taken(payload: Any) -> bool:
    """Whether a reply says that all is well and tells of no failure, though it names no task."""
    if not isinstance(payload, Mapping) or payload.get("success") is False or says_error(payload):
        return False
    wrong = wrong_code(payload)
    words = (payload.get(name) for name in ("message", "msg"))
    praised = payload.get("success") is True or any(
        isinstance(word, str) and _is_well(word) for word in words
    )
    if wrong is None:
        return bool(payload.get("data")) and (praised or "code" in payload)
    return praised and (not str(payload["code"]).isdecimal() or wrong // 100 not in {4, 5})


def says_nothing(payload: Any) -> bool:
    """Whether a reply has an envelope with nothing in it, as some give for a task that they do not know."""
    return isinstance(payload, Mapping) and "data" in payload and payload["data"] in (None, [], {}, "")


def _word(data: Mapping[str, Any]) -> str:
    if isinstance(data.get("status"), str) and data["status"] in _STATUS:
        return str(data["status"])
    told = (data.get(name) for name in ("status", "task_status", "state"))
    word = next((text.strip() for text in told if isinstance(text, str) and text.strip()), "")
    return re.sub(r"[\s-]+", "_", word[:LONGEST_ID]).lower()


def error_text(data: Any) -> str | None:
    """Return the server's words for what went wrong, from wherever it put them."""
    if not isinstance(data, Mapping):
        return None
    loose = (data.get(name) for name in ("task_status_msg", "message", "detail"))
    return _reason(data) or next(_readable(loose), None)


def _reason(data: Any) -> str | None:
    """Return what stands where only a reason can stand; a message may be anything."""
    if not isinstance(data, Mapping):
        return None
    error = data.get("error")
    inner = error.get("error") if isinstance(error, Mapping) else None
    places = [
        error.get("message") if isinstance(error, Mapping) else error,
        inner.get("message") if isinstance(inner, Mapping) else inner,
        *(data.get(name) for name in ("error_message", "failure_reason", "fail_reason")),
    ]
    return next(_readable(places), None)


def _readable(places: Any) -> Iterator[str]:
    """Yield the texts that say what went wrong: not that all is well, and no link."""
    for text in places:
        found = cleaned(text) if isinstance(text, str) else ""
        if found and not _is_well(found) and not found.startswith(("http://", "https://")):
            yield found


def _is_well(text: str) -> bool:
    return text.lower().strip(" .!") in _WELL


def _error_code(data: Mapping[str, Any]) -> str | None:
    error = data.get("error")
    code = error.get("code") if isinstance(error, Mapping) else data.get("error_code")
    return cleaned(str(code), LONGEST_ID) or None if isinstance(code, (str, int)) else None


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if 0 <= number < 1e12 else None  # noqa: PLR2004 - beyond any Unix time; also drops nan and inf


def _stamp(value: Any) -> float | None:
    """Return Unix seconds, None for what cannot be a moment at which anything happened here."""
    number = _number(value)
    return number if number is not None and _FIRST_STAMP <= number < _LAST_STAMP else None


def _percent(value: Any) -> int | None:
    if isinstance(value, str):
        value = value.strip().removesuffix("%")
    number = _number(value)
    return None if number is None else min(100, int(number))


def _cost(data: Mapping[str, Any], *, failed: bool) -> Decimal | None:
    """Return what a task costs in USD, the most that is told; ten credits are a dollar, where no dollars are told.

    Of one that failed no dollars are all that it costs.
    """
    places = (data, _mapping(data.get("usage")))
    told = [_money(place.get(name)) for place in places for name in ("cost", "total_cost", "actual_cost")]
    in_credits = (_money(place.get("credits_cost"), 10) for place in places)
    if not any(told) and not (failed and Decimal(0) in told):
        told = [*told, *in_credits]
    return max((usd for usd in told if usd is not None), default=None)


def _money(value: Any, per_dollar: int = 1) -> Decimal | None:
    """Return USD rounded to a micro-dollar: floats on the wire carry noise."""
    if isinstance(value, Mapping):
        value = value.get("amount") if str(value.get("currency")).upper() == "USD" else None
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    if isinstance(value, str):
        value = value.strip().removeprefix("$").removesuffix("USD")
    try:
        amount = Decimal(str(value)) / per_dollar
        return (
            Dollars(amount.quantize(Decimal("0.000001")).normalize() + 0)
            if amount.is_finite() and 0 <= amount <= _LARGEST_COST
            else None
        )
    except (InvalidOperation, ValueError):
        return None


def as_text(payload: Any, most: int = _LONGEST_REPLY) -> str:
    """Return the first part of a reply as text, for a person who looks for what was not found in it."""
    try:
        return _UNSOUND.sub("\ufffd", json.dumps(payload, ensure_ascii=False)[:most])
    except (ValueError, RecursionError):
        return "(too deep to be shown)"


def _videos(data: Mapping[str, Any]) -> tuple[Video, ...]:
    """Return the videos from the first place that names any."""
    result, output = _mapping(data.get("result")), _mapping(data.get("output"))
    places = (
        (result, "videos", True),
        (data, "videos", True),
        (result, "video_urls", True),
        (data, "video_urls", True),
        (result, "video_url", False),
        (result, "url", False),
        (output, "video_url", False),
        (data, "video_url", False),
    )
    held = ((place[name], several) for place, name, several in places if place.get(name))
    tried = (_distinct(value if several and isinstance(value, list) else [value]) for value, several in held)
    found = next(filter(None, tried), ())
    if not found:
        return ()
    frame = _link(result.get("last_frame_url")) or _link(data.get("last_frame_url"))
    if frame and found[0].last_frame_url is None:
        found = (replace(found[0], last_frame_url=frame), *found[1:])
    return found


def _distinct(items: list[Any]) -> tuple[Video, ...]:
    """Return one video for each item that has a link of its own."""
    found: dict[str, Video] = {}
    for video in filter(None, map(_video, items[:_MOST_VIDEOS])):
        found.setdefault(video.url, video)
    return tuple(found.values())


def _video(item: Any) -> Video | None:
    """Return the video of one item: a link, a list of links to the same video, or an object that holds them."""
    if not isinstance(item, Mapping):
        item = {"url": item}
    links = [link for name in ("url", "urls", "video_url") for link in _all_links(item.get(name))]
    if not links:
        return None
    url, *mirrors = dict.fromkeys(links)
    return Video(url, _stamp(item.get("expires_at")), tuple(mirrors), _link(item.get("last_frame_url")))


def _all_links(value: Any) -> list[str]:
    return list(filter(None, map(_link, value[:_MOST_VIDEOS] if isinstance(value, list) else [value])))


def _link(value: Any) -> str | None:
    """Return a link without the blanks around it and the breaks within; whether it leads anywhere is not judged."""
    if not isinstance(value, str) or len(value) > _LONGEST_LINK:
        return None
    if value.isascii() and value.isprintable():
        return value.strip() or None
    return _UNPRINTABLE.sub("", _UNSOUND.sub("\ufffd", value)).strip() or None


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
