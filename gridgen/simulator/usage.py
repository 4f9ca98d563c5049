"""What an account or a key has spent over a span of days."""

from __future__ import annotations

import re
from collections import defaultdict
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from gridgen.simulator.error_replies import ErrorReply
from gridgen.simulator.pricing import MICRO

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gridgen.simulator.world import Task, World

__all__ = ["usage"]

_DAY = 86_400
_LONGEST = 31
_CLOCK_CHANGE = 3_600
_KEPT = 60
_GROUPINGS = ("none", "model", "date", "model,date")
_SCOPES = ("key", "account")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def usage(world: World, key_id: str, now: float, query: Mapping[str, str]) -> dict[str, Any]:
    """Return the reply of ``GET /v1/usage``.

    Tasks are booked when they complete; failed ones never. What is told is up to a
    minute old, as the real server's answers are kept for 60 s.

    Parameters
    ----------
    world : World
        Whose tasks.
    key_id : str
        Whose key, for ``scope=key`` (the default).
    now : float
        Unix seconds.
    query : mapping
        ``start`` and ``end`` (Unix seconds or YYYY-MM-DD, both days counted, 31 days at
        most), ``model``, ``group_by``, ``tz`` and ``scope``.

    Raises
    ------
    ErrorReply
        400 for a span that is too long or a value that is none.
    """
    zone = _zone(query.get("tz") or "UTC")
    grouping = query.get("group_by") or "none"
    if grouping not in _GROUPINGS:
        message = f"group_by must be one of {', '.join(_GROUPINGS)}"
        raise ErrorReply.invalid(message)
    scope = query.get("scope") or "key"
    if scope not in _SCOPES:
        message = f"scope must be one of {', '.join(_SCOPES)}"
        raise ErrorReply.invalid(message)
    end = _moment(query.get("end"), now, zone, days=1)
    start = _moment(query.get("start"), end - _LONGEST * _DAY, zone)
    if not 0 < end - start <= _LONGEST * _DAY + _CLOCK_CHANGE:
        message = "end must come after start, by at most 31 days"
        raise ErrorReply.invalid(message)
    until = min(end, now - now % _KEPT)
    wanted = query.get("model")
    groups: dict[tuple[tuple[str, str], ...], list[int]] = defaultdict(list)
    for task in world.tasks:
        if task.outcome != "completed" or not start <= task.end <= until:
            continue
        if scope == "key" and task.key_id != key_id:
            continue
        if wanted and _model(world, task) != wanted:
            continue
        group = tuple(
            (name, _LABELS[name](world, task, zone)) for name in grouping.split(",") if name in _LABELS
        )
        groups[group].append(task.cost)
    items = [{**dict(group), **_sum(costs)} for group, costs in sorted(groups.items())]
    total = _sum([cost for costs in groups.values() for cost in costs])
    return {"success": True, "data": {"total": total, "items": items}}


def _model(world: World, task: Task) -> str:
    return world.model_of(task).id


_LABELS: dict[str, Callable[[World, Task, ZoneInfo], str]] = {
    "model": lambda world, task, _: _model(world, task),
    "date": lambda _, task, zone: datetime.fromtimestamp(task.end, zone).date().isoformat(),
}


def _sum(costs: list[int]) -> dict[str, Any]:
    amount = sum(costs) / MICRO
    return {"amount_usd": amount, "credits": amount * 10, "requests": len(costs)}


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        message = f"tz {name[:40]!r} is not a time zone"
        raise ErrorReply.invalid(message) from None


def _moment(text: str | None, default: float, zone: ZoneInfo, days: int = 0) -> float:
    """Return the time that a text names: of a date its beginning, or that of the day `days` later."""
    if not text:
        return default
    try:
        if _DATE.fullmatch(text):
            day = date.fromisoformat(text) + timedelta(days)
            return datetime.combine(day, time(), zone).timestamp()
        return datetime.fromtimestamp(int(text if text.isdigit() else ""), UTC).timestamp()
    except (ValueError, OverflowError, OSError):
        message = f"{text[:40]!r} is neither Unix seconds nor YYYY-MM-DD"
        raise ErrorReply.invalid(message) from None
