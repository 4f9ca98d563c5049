"""The bodies of successful replies, in every shape that the real server was seen to use."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from gridgen.simulator.drawn_outcome import progress
from gridgen.simulator.pricing import MICRO

if TYPE_CHECKING:
    from gridgen.models import Model
    from gridgen.models.fields import Option
    from gridgen.simulator.images import Upload
    from gridgen.simulator.model_registry import ModelRegistry
    from gridgen.simulator.profiles import Profile
    from gridgen.simulator.world import Receipt, View

__all__ = [
    "LANGUAGES",
    "VERSION",
    "balance",
    "model_docs",
    "model_page",
    "model_schema",
    "models",
    "request_id",
    "submitted",
    "task",
    "uploaded",
]

VERSION = "2026-07-27"
"""The response version that asks for shape C."""

_WORDS = {
    "live": {"queued": "pending", "running": "processing"},
    "contract": {"queued": "submitted", "running": "in_progress"},
    "odd": {
        "queued": "QUEUED",
        "running": "Running",
        "completed": "Success",
        "failed": "FAILURE",
        "cancelled": "canceled",
    },
}

LANGUAGES = {
    "en": "Generation failed. Please change the prompt and try again.",
    "zh": "生成失败，请修改提示词后重试。",  # noqa: RUF001 - a Chinese sentence has Chinese punctuation
    "ja": "生成に失敗しました。プロンプトを変更して再試行してください。",
    "ko": "생성에 실패했습니다. 프롬프트를 수정한 후 다시 시도하세요.",
    "ru": "Не удалось создать видео. Измените запрос и попробуйте снова.",  # noqa: RUF001 - Cyrillic
    "fr": "La génération a échoué. Modifiez la description et réessayez.",
    "de": "Die Erzeugung ist fehlgeschlagen. Bitte ändern Sie den Prompt.",
    "id": "Pembuatan gagal. Ubah prompt lalu coba lagi.",
    "pt": "A geração falhou. Altere o prompt e tente novamente.",
    "es": "La generación ha fallado. Cambie el texto e inténtelo de nuevo.",
}
"""What a failed task says, by the codes that ``?language=`` takes."""


def request_id(request: str) -> str:
    """Return the id that a request is known by: the same for the same one, so that a replay is the original reply."""
    return "req_" + hashlib.blake2b(request.encode(), digest_size=12).hexdigest()


def submitted(receipt: Receipt, shape: str, skew: float = 0.0) -> dict[str, Any]:
    """Return the reply to a submission in shape A, B or C."""
    task = receipt.task
    if shape == "C":
        data = {"id": task.id, "status": "queued", "object": "generation.task"}
        return {"code": 202, "request_id": request_id(task.id), "data": data}
    if shape == "B":
        created = int(task.at + skew)
        made = {"id": task.id, "status": "submitted", "progress": 0}
        return {"code": 200, "data": {**made, "created": created, "type": "video"}}
    return {"code": 200, "data": [{"status": "submitted", "task_id": task.id}]}


def task(view: View, profile: Profile, links: tuple[list[str], str], language: str | None) -> Any:
    """Return the status of a task.

    Parameters
    ----------
    view : View
        The task as it stands.
    profile : Profile
        Spelling of status, progress and links.
    links : tuple of list of str and str
        URLs of the clips and of the thumbnail.
    language : str or None
        One of `LANGUAGES` in any case; anything else means English.
    """
    which, phase, fraction, cost = view
    created = int(which.at + profile.skew)
    data: dict[str, Any] = {
        "id": which.id,
        "status": _WORDS[profile.words].get(phase, phase),
        "progress": 100 if phase == "completed" else 0,
        **({} if cost is None else {"cost": cost / MICRO, "credits_cost": cost / MICRO * 10}),
        "created": created,
        "estimated_time": which.estimate,
    }
    if phase == "running":
        data["progress"] = progress(profile.progress, fraction, which.id)
        if data["progress"] is None:
            del data["progress"]
    elif phase == "completed":
        completed = int(which.end + profile.skew)
        data["completed"] = completed
        data["actual_time"] = completed - created
        data["result"] = _result(profile, links, completed)
    elif phase in {"failed", "cancelled"}:
        data["error"] = _error(phase, language)
    return {"code": 200, "data": data}


def _result(profile: Profile, links: tuple[list[str], str], completed: int) -> dict[str, Any]:
    urls, thumbnail = links
    expires = completed + int(profile.link_life)
    if profile.url == "missing":
        return {"videos": []}
    if profile.url == "plain":
        return {"videos": urls, "thumbnail_url": thumbnail}
    videos = [{"url": [url] if profile.url == "list" else url, "expires_at": expires} for url in urls]
    return {"videos": videos, "thumbnail_url": thumbnail}


def _error(phase: str, language: str | None) -> dict[str, Any]:
    if phase == "cancelled":
        message = "task was cancelled"
    else:
        message = LANGUAGES.get((language or "en").strip().lower(), LANGUAGES["en"])
    return {"code": "task_failed", "message": message, "param": "", "type": "task_failed"}


def uploaded(upload: Upload, base: str) -> dict[str, Any]:
    """Return the reply to an upload."""
    return {
        "url": base + upload.path,
        "filename": upload.name,
        "content_type": upload.content_type,
        "bytes": len(upload.data),
        "created_at": int(upload.at),
    }


def balance(held: int, used: int, profile: Profile, *, of_key: bool) -> dict[str, Any]:
    """Return the balance of a key or of the account, from micro-USD."""
    if profile.balance_fails:
        return {"success": False, "message": "Failed to get token info"}
    unlimited = of_key and profile.unlimited
    remain = -1.0 if unlimited else held / MICRO
    return {
        "success": True,
        "remain_balance": remain,
        "used_balance": used / MICRO,
        "unlimited_quota": unlimited,
        "remain_credits": remain if unlimited else remain * 10,
        "used_credits": used / MICRO * 10,
    }


def models(shelf: ModelRegistry, *, expand: str | None) -> dict[str, Any]:
    """Return the list of models, with categories and parameters if asked for."""
    data = []
    for model in shelf:
        record: dict[str, Any] = {
            "id": model.id,
            "object": "model",
            "created": 1_760_000_000,
            "owned_by": "apimart",
            "supported_endpoint_types": ["video"],
        }
        if expand in {"category", "parameters"}:
            record |= {"category": "video", "capability_tags": ["text-to-video", "image-to-video"]}
        if expand == "parameters":
            record["parameters"] = model_schema(model, model.id)
        data.append(record)
    return {"object": "list", "success": True, "data": data}


def model_schema(model: Model, name: str) -> dict[str, Any]:
    """Return what a model takes, as the server's registry states it, under the name that was asked for."""
    properties: dict[str, Any] = {
        "model": {"type": "string", "const": name},
        "prompt": {"type": "string", "pattern": r"\S"}
        | ({"maxLength": model.prompt_max} if model.prompt_max else {}),
        **_limits(model),
        **{option.field: _described(option) for option in model.options.values()},
    }
    needed = [model.images.field] if model.images.min else []
    needed += [option.field for option in model.options.values() if option.required]
    schema = {"type": "object", "required": ["model", "prompt", *needed], "properties": properties}
    return {
        "model": name,
        "operation": "video_generation",
        "input_schema": schema,
        "method": "POST",
        "endpoint": "/v1/videos/generations",
        "schema_version": "2026-07-30",
        "source": "task_model_registry",
    }


def _limits(model: Model) -> dict[str, Any]:
    """Return the schema of ratio, length, tier and images, as far as the model takes them."""
    span, images = model.duration, model.images
    found: dict[str, Any] = {}
    for choice in (model.size, model.quality):
        if choice is not None:
            enum = {} if choice.open else {"enum": list(choice.wire or choice.values)}
            found[choice.field] = {"type": "string", **enum}
    if span is not None:
        listed = {"enum": list(span.values)} if span.values else {}
        found[span.field] = {"type": "integer", "minimum": span.min, "maximum": span.max, **listed}
    if images.max and images.single:
        found[images.field] = _LINK
    elif images.max:
        least = {"minItems": images.min} if images.min else {}
        found[images.field] = {"type": "array", "items": _LINK, **least, "maxItems": images.max}
    return found


def _described(option: Option) -> dict[str, Any]:
    """Return the schema of a further field."""
    limits = {"minimum": option.min, "maximum": option.max} if option.kind == "integer" else {}
    if option.kind in {"urls", "objects"}:
        limits = {"minItems": option.min, "maxItems": option.max}
    elif option.kind == "text":
        limits = {"minLength": option.min, "maxLength": option.max}
    return {**_KINDS[option.kind], **{name: limit for name, limit in limits.items() if limit is not None}} | (
        {"enum": list(option.values)} if option.values else {}
    )


_LINK: dict[str, Any] = {"type": "string", "format": "uri", "pattern": "^https?://"}
_KINDS: dict[str, dict[str, Any]] = {
    "flag": {"type": "boolean"},
    "integer": {"type": "integer"},
    "text": {"type": "string"},
    "choice": {"type": "string"},
    "url": _LINK,
    "urls": {"type": "array", "items": _LINK},
    "object": {"type": "object"},
    "objects": {"type": "array", "items": {"type": "object"}},
}


def model_page(model: Model, name: str) -> str:
    """Return a model's page under one of its names, as Markdown made from the catalogue."""
    choices = [choice for choice in (model.size, model.quality) if choice is not None]
    lines = [f"# {name}"]
    lines += [f"- `{choice.field}`: {', '.join(choice.wire or choice.values)}" for choice in choices]
    if model.duration is not None:
        span = model.duration
        lines.append(f"- `{span.field}`: {span.offered()}, default {span.default}")
    if model.images.max:
        lines.append(f"- `{model.images.field}`: at most {model.images.max} public URLs")
    lines += [f"- `{option.field}`: {option.offered}" for option in model.options.values()]
    return "\n".join(lines)


def model_docs(model: Model, name: str, now: int, base: str) -> dict[str, Any]:
    """Return what is known of a model's page, which was fetched at a Unix time, under the name that was asked for."""
    at = f"{base}/docs/{quote(name)}"
    return {
        "object": "model.documentation",
        "model": name,
        "doc_url": at,
        "markdown_url": f"{at}.md",
        "markdown": model_page(model, name),
        "fetched_at": now,
        "cache_ttl_seconds": 604_800,
        "stale": False,
    }
