"""A task as the server tells it: parsed from any of its reply forms, and pure."""

from __future__ import annotations

import enum
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from typing import Any

__all__ = [
    "Status",
    "Task",
    "Video",
    "error_text",
    "parse_json",
    "parse_task",
    "task_id",
    "valid_id",
]

LONGEST_ID = 200
_MOST_VIDEOS = 16
"""Videos of a task, and links of a video, that are looked at."""


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
    Status.QUEUED: ("submitted", "pending", "queued"),
    Status.COMPLETED: ("completed", "succeeded", "success", "done", "finished"),
    Status.FAILED: ("failed", "failure", "error"),
    Status.CANCELLED: ("cancelled", "canceled"),
}
_STATUS = {word: status for status, words in _WORDS.items() for word in words}


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
        An unknown word counts as running: only a known end is an end.
    progress : int or None
        Percent, 0 to 100; None when the server did not say.
    cost : Decimal or None
        USD; known from the first status on, 0 for a failed task.
    created, completed : float or None
        The server's stamps, Unix seconds.
    estimated_time : float or None
        Seconds that the server expects the task to take; only a hint.
    videos : tuple of Video
        The results; empty until the task is completed.
    error, error_code : str or None
        Why it failed, in the server's words.
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

    @property
    def service_seconds(self) -> float | None:
        """Seconds from the server's own stamps, immune to the local clock."""
        if self.created is None or self.completed is None:
            return None
        return max(0.0, self.completed - self.created)


def parse_json(body: bytes) -> Any:
    """Return the decoded JSON, None when the body is no JSON."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def valid_id(value: object) -> bool:
    """Whether a task id is a printable text of at most 200 characters."""
    return (
        isinstance(value, str)
        and 0 < len(value) <= LONGEST_ID
        and value.isprintable()
        and not value.isspace()
    )


def task_id(payload: Any) -> str | None:
    """Return the task's id from a submit reply of any known shape, None without one."""
    data = payload.get("data") if isinstance(payload, dict) else None
    if isinstance(data, list):
        data = data[0] if data else None
    if not isinstance(data, dict):
        return None
    return next((data[name] for name in ("task_id", "id") if valid_id(data.get(name))), None)


def parse_task(payload: Any, known_id: str) -> Task | None:
    """Return the task from a status reply, None when the reply describes no task.

    Parameters
    ----------
    payload : object
        The decoded JSON.
    known_id : str
        The id that was asked for; what the reply calls itself does not count.
    """
    data = payload.get("data") if isinstance(payload, dict) else None
    if not isinstance(data, dict) or not isinstance(data.get("status"), str):
        return None
    status = _STATUS.get(data["status"].strip().lower(), Status.RUNNING)
    bad = status in {Status.FAILED, Status.CANCELLED}
    return Task(
        id=known_id,
        status=status,
        progress=_percent(data.get("progress")),
        cost=_money(data.get("cost")),
        created=_number(data.get("created")),
        completed=_number(data.get("completed")),
        estimated_time=_number(data.get("estimated_time")),
        videos=_videos(data) if status is Status.COMPLETED else (),
        error=(error_text(data) or f"the task {status} without a reason") if bad else None,
        error_code=_error_code(data) if bad else None,
    )


def error_text(data: Any) -> str | None:
    """Return the server's words for what went wrong, from wherever it put them."""
    if not isinstance(data, Mapping):
        return None
    error = data.get("error")
    candidates = [
        error.get("message") if isinstance(error, Mapping) else error,
        data.get("message"),
        data.get("fail_reason"),
        data.get("detail"),
    ]
    return next(
        (text.strip() for text in candidates if isinstance(text, str) and text.strip()),
        None,
    )


def _error_code(data: Mapping[str, Any]) -> str | None:
    error = data.get("error")
    code = error.get("code") if isinstance(error, Mapping) else None
    return str(code) if isinstance(code, (str, int)) and code != "" else None


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if 0 <= number < 1e12 else None  # noqa: PLR2004 - beyond any Unix time; also drops nan and inf


def _percent(value: Any) -> int | None:
    if isinstance(value, str):
        value = value.strip().removesuffix("%")
    number = _number(value)
    return None if number is None else min(100, int(number))


def _money(value: Any) -> Decimal | None:
    """Return USD rounded to a micro-dollar: floats on the wire carry noise."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        amount = Decimal(str(value))
        return (
            amount.quantize(Decimal("0.000001")).normalize() + 0
            if amount.is_finite() and amount >= 0
            else None
        )
    except InvalidOperation:
        return None


def _videos(data: Mapping[str, Any]) -> tuple[Video, ...]:
    """Return the videos from the first place that names any."""
    result, output = (_mapping(data.get(name)) for name in ("result", "output"))
    several = (result.get("videos"), data.get("videos"), result.get("video_urls"), data.get("video_urls"))
    single = (result.get("video_url"), result.get("url"), output.get("video_url"), data.get("video_url"))
    places = [
        *(place if isinstance(place, list) else [place] for place in several),
        *([each] for each in single),
    ]
    found = next(filter(None, map(_distinct, places)), ())
    frame = _link(result.get("last_frame_url")) or _link(data.get("last_frame_url"))
    if found and frame and found[0].last_frame_url is None:
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
    return Video(url, _number(item.get("expires_at")), tuple(mirrors), _link(item.get("last_frame_url")))


def _all_links(value: Any) -> list[str]:
    return list(filter(None, map(_link, value[:_MOST_VIDEOS] if isinstance(value, list) else [value])))


def _link(value: Any) -> str | None:
    return value.strip() or None if isinstance(value, str) else None


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
