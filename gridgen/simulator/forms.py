"""The forms of replies in ``forms.json``: what the server was seen to say, besides what the simulator says by itself."""

from __future__ import annotations

import functools
import json
import re
from importlib import resources
from typing import Any, NamedTuple

__all__ = ["Form", "filled", "forms"]

_SIGNATURE = re.compile(r"[0-9a-f]{20}(?=\.mp4$)")


class Form(NamedTuple):
    """One form of a reply.

    `of` is what the true reply has to be (``accepted``, ``running``, ``completed`` or
    ``failed``), empty for a reply that stands in its place.
    """

    on: str
    of: str
    status: int
    headers: dict[str, str]
    body: Any


@functools.cache
def forms() -> dict[str, Form]:
    """Return all forms by their names."""
    text = resources.files(__package__).joinpath("forms.json").read_text(encoding="utf-8")
    return {
        each["name"]: Form(
            each["on"], each.get("of", ""), each.get("status", 200), each.get("headers", {}), each["body"]
        )
        for each in json.loads(text)["forms"]
    }


def filled(body: Any, reply: Any, task_id: str) -> Any:
    """Return a form's body with what the true reply says in place of its words that begin with ``$``.

    Parameters
    ----------
    body : object
        As in ``forms.json``.
    reply : object
        The true reply, as JSON.
    task_id : str
        Of a status; empty for a submission, whose reply names it.
    """
    return _filled(body, _facts(reply["data"], task_id))


def _facts(data: Any, task_id: str) -> dict[str, Any]:
    data = data[0] if isinstance(data, list) else data
    video, result = _first_link(data), data.get("result", {})
    return {
        "$id": task_id or data.get("task_id") or data.get("id"),
        "$video": video,
        "$dead": _SIGNATURE.sub("0" * 20, video),
        "$thumbnail": result.get("thumbnail_url"),
        "$expires": data.get("completed", 0) + 86_400,
        "$cost": data.get("cost"),
        "$cost as text": str(data.get("cost")),
        "$created": data.get("created"),
        "$completed": data.get("completed"),
        "$estimated": data.get("estimated_time"),
        "$actual": data.get("actual_time"),
        "$progress": data.get("progress"),
    }


def _first_link(data: dict[str, Any]) -> str:
    """Return the link of the first clip, however the profile spells it, empty where there is none."""
    found: Any = data.get("result", {}).get("videos")
    while found and not isinstance(found, str):
        found = found[0] if isinstance(found, list) else found.get("url")
    return found or ""


def _filled(value: Any, facts: dict[str, Any]) -> Any:
    if isinstance(value, dict):
        return {name: _filled(each, facts) for name, each in value.items()}
    if isinstance(value, list):
        return [_filled(each, facts) for each in value]
    return facts.get(value, value) if isinstance(value, str) else value
