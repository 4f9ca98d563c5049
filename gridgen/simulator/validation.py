"""Reading a submission: from a request body to what was ordered, or to a refusal."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from gridgen.errors import GridgenError
from gridgen.models.fields import AUTOMATIC, public_url
from gridgen.simulator.error_replies import ErrorReply

if TYPE_CHECKING:
    from gridgen.models import Model
    from gridgen.models.fields import Choice, Span
    from gridgen.simulator.model_registry import ModelRegistry
    from gridgen.simulator.profiles import Profile

__all__ = ["Order", "parse", "read"]

_LIVE_LONGEST = 15
_DEEPEST = 100
_XAI = frozenset({"grok-imagine-video", "grok-imagine-video-1.5"})
"""The official xAI models answer 400 to a field that they do not know, whatever the others do."""

_ALWAYS_KNOWN = frozenset({"model", "prompt", "webhook", "language"})
_USUAL = {"size": "16:9", "duration": 5, "quality": "720p"}
"""What a model makes that takes no such field, or is left to choose."""


@dataclass(frozen=True, slots=True)
class Order:
    """What a body asks for, its defaults filled in.

    Attributes
    ----------
    model : Model
        Record of the catalogue.
    prompt, size, quality : str
        As understood, in the catalogue's words; `size` is the default where an image
        overrules it.
    duration : int
        Whole seconds.
    images : tuple of str
        URLs of reference images, whatever fields they came in.
    ignored : tuple of str
        Names of fields that had no effect.
    doomed : str or None
        Why the task will fail although it is accepted.
    sound : bool
        Whether sound is asked for.
    videos : int
        Reference videos, of a model that can do without.
    task : str
        ``edit`` or ``extend`` where a clip that exists is worked on.
    """

    model: Model
    prompt: str
    size: str
    duration: int
    quality: str
    images: tuple[str, ...]
    ignored: tuple[str, ...] = ()
    doomed: str | None = None
    sound: bool = False
    videos: int = 0
    task: str = ""


class _Unoffered(Exception):  # noqa: N818 - caught where the profile decides what it means
    """A value of the right type that the model does not offer."""

    def __init__(self, field: str, value: object, legal: str, *, beyond: bool = False) -> None:
        super().__init__(f"invalid {field}: {value}, allowed: {legal}")
        self.field = field
        self.beyond = beyond

    __reduce__ = GridgenError.__reduce__


_Understood: TypeAlias = tuple[Any, Any, _Unoffered | None]
"""What was sent, what is made instead of what is not offered, and why it is not."""


def parse(raw: bytes) -> dict[str, Any]:
    """Return the JSON object in a request body.

    Raises
    ------
    ErrorReply
        400 if it is no JSON object.
    """
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError) as error:
        message = f"request body is not valid JSON: {error}"
        raise ErrorReply.invalid(message, "invalid_json") from None
    if not isinstance(body, dict):
        message = f"request body must be a JSON object, got {type(body).__name__}"
        raise ErrorReply.invalid(message, "invalid_json")
    if raw.count(b"[") + raw.count(b"{") > _DEEPEST and _is_deep(body):
        message = f"request body is nested more than {_DEEPEST} deep"
        raise ErrorReply.invalid(message, "invalid_json")
    return body


def _is_deep(body: dict[str, Any]) -> bool:
    """Return whether lists and objects are nested so deep that whoever walks them might fall."""
    level: list[Any] = [body]
    for _ in range(_DEEPEST):
        nested = [each for each in level if isinstance(each, (dict, list))]
        level = [part for each in nested for part in (each.values() if isinstance(each, dict) else each)]
    return any(isinstance(each, (dict, list)) for each in level)


def read(body: dict[str, Any], profile: Profile, shelf: ModelRegistry) -> Order:
    """Return what a body orders.

    Raises
    ------
    ErrorReply
        400, or 500 ``build_request_failed``, if the model would not take it.
    """
    model = _model(body.get("model"), shelf)
    images = _images(body, model)
    complaints: list[str] = []
    ignored: list[str] = []

    def offered(field: Choice | Span | None, understood: _Understood) -> Any:
        value, default, error = understood
        if error is None:
            return value
        if getattr(field, "lenient", False) and error.beyond:
            ignored.append(error.field)
            return default
        # as Kling's "standard", which the real server was seen to take and to fail later at no cost
        late = profile.bad_values == "fail" or (profile.bad_values == "500" and error.field == "mode")
        if not late and profile.bad_values != "ignore":
            raise _refusal(error, profile)
        if late:
            complaints.append(str(error))
        return default

    stated = {
        "prompt": _prompt(body),
        "size": offered(model.size, _choice(body, "size", model.size, overruled=bool(images))),
        "duration": offered(model.duration, _duration(body, model, profile)),
        "quality": offered(model.quality, _choice(body, "quality", model.quality)),
    }
    _check(body, model, stated)
    ignored += _ignored(body, model, profile, with_images=bool(images))
    return Order(
        model=model,
        **stated,
        images=images + _further_images(body, model),
        ignored=tuple(ignored),
        doomed=complaints[0] if complaints else None,
        sound=body.get("audio") is True or body.get("generate_audio") is True,
        videos=_videos(body, model),
        task=_task(body),
    )


def _videos(body: dict[str, Any], model: Model) -> int:
    """Count the reference videos of a body; a model that always works from one has no other price."""
    needed = {option.field for option in model.options.values() if option.required}
    given = [body.get(name) for name in ("video_urls", "video_list", "video_url") if name not in needed]
    return sum(len(value) if isinstance(value, list) else bool(value) for value in given)


def _task(body: dict[str, Any]) -> str:
    if body.get("extend_from_task_id"):
        return "extend"
    task = body.get("omni_reference_task_type")
    return task if isinstance(task, str) and task in {"edit", "extend"} else ""


def _refusal(error: _Unoffered, profile: Profile) -> ErrorReply:
    if error.field in {"size", "aspect_ratio"} and profile.bad_values == "500":
        message = f"build_request_failed: {error}"
        return ErrorReply(500, message, code="build_request_failed", type="apimart_error")
    code = {"duration": "invalid_duration", "size": "invalid_size"}.get(error.field)
    return ErrorReply.invalid(str(error), code or "invalid_resolution")


def _model(name: Any, shelf: ModelRegistry) -> Model:
    if not isinstance(name, str) or not name:
        message = "field model is required"
        raise ErrorReply.invalid(message)
    model = shelf.find(name)
    if model is None:
        message = f"model {name[:80]} is not supported"
        raise ErrorReply.invalid(message, "model_not_found")
    return model


def _prompt(body: dict[str, Any]) -> str:
    prompt = body.get("prompt")
    if not isinstance(prompt, str) or not prompt.strip():
        message = "field prompt is required and must be a non-empty string"
        raise ErrorReply.invalid(message)
    return prompt


def _choice(
    body: dict[str, Any], name: str, choice: Choice | None, *, overruled: bool = False
) -> _Understood:
    usual = _USUAL[name] if choice is None or choice.default is None else choice.default
    if choice is None or choice.field not in body:
        return usual, usual, None
    value = body[choice.field]
    if not isinstance(value, str):
        message = f"field {choice.field} must be a string, got {type(value).__name__}"
        raise ErrorReply.invalid(message)
    if overruled and choice.ignored_with_images:
        return usual, usual, None
    word = _read_word(value, choice)
    if word is not None:
        return word, usual, None
    unoffered = _Unoffered(choice.field, value[:80], ", ".join(choice.wire or choice.values))
    return value, usual, unoffered


def _read_word(value: str, choice: Choice) -> str | None:
    """Return the catalogue's word for a value on the wire, whose spelling counts."""
    spelled = choice.wire or choice.values
    if choice.any_case:
        value, spelled = value.casefold(), tuple(each.casefold() for each in spelled)
    if value in spelled:
        return choice.values[spelled.index(value)]
    return value if choice.open and value else None


def _duration(body: dict[str, Any], model: Model, profile: Profile) -> _Understood:
    span = model.duration
    usual = _USUAL["duration"] if span is None or span.default is None else span.default
    if span is None or span.field not in body:
        return usual, usual, None
    value = body[span.field]
    if type(value) is not int:
        message = f"field {span.field} must be an integer, got {type(value).__name__}"
        raise ErrorReply.invalid(message)
    longest = span.max
    if profile.durations == "live" and model.id.endswith("-apimart"):
        longest = min(longest, _LIVE_LONGEST)
    if value == AUTOMATIC and span.automatic:
        return usual, usual, None
    if span.offers(value) and value <= longest:
        return value, usual, None
    legal = f"{span.min}-{longest} seconds" if not span.values else span.offered("seconds")
    beyond = not span.min <= value <= longest
    return value, usual, _Unoffered("duration", value, legal, beyond=beyond)


def _images(body: dict[str, Any], model: Model) -> tuple[str, ...]:
    field, single = model.images.field, model.images.single
    if not model.images.max or field not in body:
        return ()
    urls = [body[field]] if single else body[field]
    if not isinstance(urls, list) or not all(isinstance(url, str) for url in urls):
        message = f"field {field} must be {'a string' if single else 'an array of strings'}"
        raise ErrorReply.invalid(message)
    if len(urls) > model.images.max:
        message = f"field {field} takes at most {model.images.max} images, got {len(urls)}"
        raise ErrorReply.invalid(message)
    for url in urls:
        if not public_url(url):
            message = f"field {field} takes public http(s) URLs, got {url[:40]!r}"
            raise ErrorReply.invalid(message)
    return tuple(urls)


def _further_images(body: dict[str, Any], model: Model) -> tuple[str, ...]:
    """Return the pictures in other fields: a first frame, or images with roles."""
    found: list[str] = []
    for option in model.options.values():
        if option.image and option.field in body:
            value = body[option.field]
            each = value if isinstance(value, list) else [value]
            urls = [item.get("url") if isinstance(item, dict) else item for item in each]
            found += [str(url) for url in urls if public_url(url)]
    return tuple(found)


def _check(body: dict[str, Any], model: Model, stated: dict[str, Any]) -> None:
    """Refuse further fields of a wrong type, and combinations that the model lacks."""
    further = {option.name: body[option.field] for option in model.options.values() if option.field in body}
    given = {name: value for name, value in stated.items() if name in model.fields} | further
    if model.images.max and model.images.field in body:
        images = body[model.images.field]
        given["image_urls"] = (images,) if isinstance(images, str) else images
    if model.duration is not None and model.duration.field not in body:
        del given["duration"]
    lacks = model.lacks(given)
    if lacks:
        raise ErrorReply.invalid(lacks[0].reason, "invalid_parameter")


def _ignored(body: dict[str, Any], model: Model, profile: Profile, *, with_images: bool) -> tuple[str, ...]:
    named = [each.field for each in (model.size, model.duration, model.quality) if each is not None]
    named += [model.images.field] if model.images.max else []
    known = {*named, *(option.field for option in model.options.values())} | _ALWAYS_KNOWN
    unknown = [name for name in body if name not in known]
    if unknown and model.id in _XAI:
        message = f'parameter "{unknown[0][:80]}" is not supported'
        raise ErrorReply.invalid(message, "unknown_parameter")
    if unknown and profile.unknown_fields == "refuse":
        message = f"unknown field {unknown[0][:80]!r} for model {model.id}"
        raise ErrorReply.invalid(message, "unknown_parameter")
    size = model.size
    if with_images and size is not None and size.ignored_with_images and size.field in body:
        unknown.append(size.field)
    return tuple(unknown)
