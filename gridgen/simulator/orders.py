"""Reading a submission: from a request body to what was ordered, or to a refusal."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from gridgen.errors import GridError
from gridgen.models import find
from gridgen.simulator.refusals import Refusal

if TYPE_CHECKING:
    from gridgen.models import Choice, Model
    from gridgen.simulator.profiles import Profile

__all__ = ["Order", "parse", "read"]

_LIVE_LONGEST = 15
_ALWAYS_KNOWN = frozenset({"model", "prompt", "webhook", "language"})
_ALSO_KNOWN = {"grok-imagine-1.5-video-ext": frozenset({"nsfw_check"})}


@dataclass(frozen=True, slots=True)
class Order:
    """What a body asks for, its defaults filled in.

    Attributes
    ----------
    model : Model
        Record of the catalogue.
    prompt, size, quality : str
        As understood; `size` is the default where an image overrules it.
    duration : int
        Whole seconds.
    images : tuple of str
        URLs of reference images.
    ignored : tuple of str
        Names of fields that had no effect.
    doomed : str or None
        Why the task will fail although it is accepted.
    """

    model: Model
    prompt: str
    size: str
    duration: int
    quality: str
    images: tuple[str, ...]
    ignored: tuple[str, ...] = ()
    doomed: str | None = None


class _Unoffered(Exception):  # noqa: N818 - caught where the profile decides what it means
    """A value of the right type that the model does not offer."""

    def __init__(self, field: str, value: object, legal: str) -> None:
        super().__init__(f"invalid {field}: {value}, allowed: {legal}")
        self.field = field


def parse(raw: bytes) -> dict[str, Any]:
    """Return the JSON object in a request body.

    Raises
    ------
    Refusal
        400 if it is no JSON object.
    """
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError) as error:
        message = f"request body is not valid JSON: {error}"
        raise Refusal.invalid(message, "invalid_json") from None
    if not isinstance(body, dict):
        message = f"request body must be a JSON object, got {type(body).__name__}"
        raise Refusal.invalid(message, "invalid_json")
    return body


def read(body: dict[str, Any], profile: Profile) -> Order:
    """Return what a body orders.

    Raises
    ------
    Refusal
        400, or 500 ``build_request_failed``, if the model would not take it.
    """
    model = _model(body.get("model"))
    images = _images(body, model)
    complaints: list[str] = []

    def offered(value: Any, default: Any, error: _Unoffered | None) -> Any:
        if error is None:
            return value
        if profile.bad_values not in {"ignore", "fail"}:
            raise _refusal(error, profile)
        if profile.bad_values == "fail":
            complaints.append(str(error))
        return default

    size = offered(*_choice(body, model.size, overruled=bool(images)))
    return Order(
        model=model,
        prompt=_prompt(body),
        size=size,
        duration=offered(*_duration(body, model, profile)),
        quality=offered(*_choice(body, model.quality)),
        images=images,
        ignored=_ignored(body, model, profile, with_images=bool(images)),
        doomed=complaints[0] if complaints else None,
    )


def _refusal(error: _Unoffered, profile: Profile) -> Refusal:
    if error.field in {"size", "aspect_ratio"} and profile.bad_values == "500":
        message = f"build_request_failed: {error}"
        return Refusal(500, message, code="build_request_failed", type="apimart_error")
    code = {"duration": "invalid_duration", "size": "invalid_size"}.get(error.field)
    return Refusal.invalid(str(error), code or "invalid_resolution")


def _model(name: Any) -> Model:
    if not isinstance(name, str) or not name:
        message = "field model is required"
        raise Refusal.invalid(message)
    try:
        return find(name)
    except GridError:
        message = f"model {name[:80]} is not supported"
        raise Refusal.invalid(message, "model_not_found") from None


def _prompt(body: dict[str, Any]) -> str:
    prompt = body.get("prompt")
    if not isinstance(prompt, str) or not prompt.strip():
        message = "field prompt is required and must be a non-empty string"
        raise Refusal.invalid(message)
    return prompt


def _choice(
    body: dict[str, Any], choice: Choice, *, overruled: bool = False
) -> tuple[str, str, _Unoffered | None]:
    value = body.get(choice.field, choice.default)
    if not isinstance(value, str):
        message = f"field {choice.field} must be a string, got {type(value).__name__}"
        raise Refusal.invalid(message)
    if overruled and choice.ignored_with_images:
        return choice.default, choice.default, None
    if value in choice.values:
        return value, choice.default, None
    unoffered = _Unoffered(choice.field, value[:80], ", ".join(choice.values))
    return value, choice.default, unoffered


def _duration(body: dict[str, Any], model: Model, profile: Profile) -> tuple[int, int, _Unoffered | None]:
    span = model.duration
    value = body.get(span.field, span.default)
    if type(value) is not int:
        message = f"field {span.field} must be an integer, got {type(value).__name__}"
        raise Refusal.invalid(message)
    longest = span.max
    if profile.durations == "live" and model.id.endswith("-apimart"):
        longest = min(longest, _LIVE_LONGEST)
    if span.min <= value <= longest:
        return value, span.default, None
    unoffered = _Unoffered("duration", value, f"{span.min}-{longest} seconds")
    return value, span.default, unoffered


def _images(body: dict[str, Any], model: Model) -> tuple[str, ...]:
    field = model.images.field
    urls = body.get(field, [])
    if not isinstance(urls, list) or not all(isinstance(url, str) for url in urls):
        message = f"field {field} must be an array of strings"
        raise Refusal.invalid(message)
    if len(urls) > model.images.max:
        message = f"field {field} takes at most {model.images.max} images, got {len(urls)}"
        raise Refusal.invalid(message)
    for url in urls:
        if not _public(url):
            message = f"field {field} takes public http(s) URLs, got {url[:40]!r}"
            raise Refusal.invalid(message)
    return tuple(urls)


def _public(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in {"http", "https"} and bool(parts.hostname)
    except ValueError:
        return False


def _ignored(body: dict[str, Any], model: Model, profile: Profile, *, with_images: bool) -> tuple[str, ...]:
    fields = {choice.field for choice in (model.size, model.quality)}
    known = fields | {model.duration.field, model.images.field} | _ALWAYS_KNOWN
    unknown = [name for name in body if name not in known | _ALSO_KNOWN.get(model.id, frozenset())]
    if unknown and profile.unknown_fields == "refuse":
        message = f"unknown field {unknown[0][:80]!r} for model {model.id}"
        raise Refusal.invalid(message, "unknown_parameter")
    if with_images and model.size.ignored_with_images and model.size.field in body:
        unknown.append(model.size.field)
    return tuple(unknown)
