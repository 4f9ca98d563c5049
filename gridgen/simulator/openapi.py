"""The simulated API, described in OpenAPI 3.1; every reply it gives fits this."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gridgen.simulator.images import IMAGE_TYPES
from gridgen.simulator.replies import LANGUAGES, VERSION, model_schema

if TYPE_CHECKING:
    from gridgen.simulator.model_registry import ModelRegistry

__all__ = ["description"]

_TEXT = {"type": "string"}
_WHOLE = {"type": "integer"}
_MONEY = {"type": "number"}
_TRUE = {"const": True}

_ERROR = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "message", "param", "type"],
            "properties": {
                "code": {"type": ["string", "integer"]},
                "message": _TEXT,
                "param": _TEXT,
                "type": _TEXT,
            },
        }
    },
}
_SLOW_DOWN = {
    "anyOf": [
        _ERROR,
        {
            "type": "object",
            "required": ["detail", "retry_after"],
            "properties": {"detail": _TEXT, "retry_after": _WHOLE},
        },
    ]
}
_TASK_ID = {"type": "string", "pattern": "^task_[0-9A-HJKMNP-TV-Z]{26}$"}


def _object(required: dict[str, Any], optional: dict[str, Any] | None = None) -> dict[str, Any]:
    properties = {**required, **(optional or {})}
    return {"type": "object", "required": list(required), "properties": properties}


def _array(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items}


_SUBMITTED = _object(
    {
        "code": {"const": 200},
        "data": {
            "anyOf": [
                {
                    **_array(_object({"status": {"const": "submitted"}, "task_id": _TASK_ID})),
                    "minItems": 1,
                },
                _object(
                    {
                        "id": _TASK_ID,
                        "status": {"const": "submitted"},
                        "progress": _WHOLE,
                        "created": _WHOLE,
                        "type": {"const": "video"},
                    }
                ),
            ]
        },
    }
)
_ACCEPTED = _object(
    {
        "code": {"const": 202},
        "request_id": _TEXT,
        "data": _object(
            {"id": _TASK_ID, "status": {"const": "queued"}, "object": {"const": "generation.task"}}
        ),
    }
)
_VIDEO = {
    "anyOf": [
        _TEXT,
        _object({"url": {"anyOf": [_TEXT, _array(_TEXT)]}, "expires_at": _WHOLE}),
    ]
}
_TASK = _object(
    {
        "code": {"const": 200},
        "data": _object(
            {
                "id": _TASK_ID,
                "status": _TEXT,
                "cost": _MONEY,
                "credits_cost": _MONEY,
                "created": _WHOLE,
                "estimated_time": _WHOLE,
            },
            {
                "progress": {"type": ["integer", "string"]},
                "completed": _WHOLE,
                "actual_time": _WHOLE,
                "result": _object({"videos": _array(_VIDEO)}, {"thumbnail_url": _TEXT}),
                "error": _object({"code": _TEXT, "message": _TEXT, "param": _TEXT, "type": _TEXT}),
            },
        ),
    }
)
_BALANCE = {
    "anyOf": [
        _object(
            {
                "success": _TRUE,
                "remain_balance": _MONEY,
                "used_balance": _MONEY,
                "unlimited_quota": {"type": "boolean"},
                "remain_credits": _MONEY,
                "used_credits": _MONEY,
            }
        ),
        _object({"success": {"const": False}, "message": _TEXT}),
    ]
}
_SPENT = _object({"amount_usd": _MONEY, "credits": _MONEY, "requests": _WHOLE})
_USAGE = _object({"success": _TRUE, "data": _object({"total": _SPENT, "items": _array(_SPENT)})})
_MODELS = _object(
    {
        "object": {"const": "list"},
        "success": _TRUE,
        "data": _array(_object({"id": _TEXT, "object": {"const": "model"}, "created": _WHOLE})),
    }
)
_UPLOADED = _object(
    {
        "url": _TEXT,
        "filename": _TEXT,
        "content_type": _TEXT,
        "bytes": _WHOLE,
        "created_at": _WHOLE,
    }
)
_SCHEMA = _object({"model": _TEXT, "operation": _TEXT, "input_schema": {"type": "object"}})
_DOCS = _object(
    {
        "object": {"const": "model.documentation"},
        "model": _TEXT,
        "doc_url": _TEXT,
        "markdown_url": _TEXT,
        "markdown": _TEXT,
        "fetched_at": _WHOLE,
        "cache_ttl_seconds": _WHOLE,
        "stale": {"type": "boolean"},
    }
)
_DONE = _object({"success": _TRUE, "data": {"type": "object"}})


def _reply(schema: dict[str, Any], summary: str = "The answer") -> dict[str, Any]:
    return {"description": summary, "content": {"application/json": {"schema": schema}}}


def _refusals(*codes: int) -> dict[str, Any]:
    return {str(code): _reply(_SLOW_DOWN if code == 429 else _ERROR, "Refused") for code in codes}  # noqa: PLR2004


def _query(**schemas: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"name": name, "in": "query", "schema": schema} for name, schema in schemas.items()]


def _get(
    schema: dict[str, Any],
    *codes: int,
    public: bool = False,
    parameters: list[dict[str, Any]] | None = None,
) -> dict[str, Any]:
    security: dict[str, Any] = {"security": []} if public else {}
    replies = {"200": _reply(schema), **_refusals(*codes, *(() if public else (401,)))}
    return {"get": {"parameters": parameters or [], "responses": replies, **security}}


def _body(shelf: ModelRegistry) -> dict[str, Any]:
    """Return the schema of a submission: what one of the models takes."""
    always = {"webhook": _TEXT, "language": _TEXT}
    bodies = []
    for model in shelf:
        schema = model_schema(model, model.id)["input_schema"]
        bodies.append({**schema, "title": model.id, "properties": {**schema["properties"], **always}})
    return {"oneOf": bodies, "discriminator": {"propertyName": "model"}}


def _submit(shape: str, shelf: ModelRegistry) -> dict[str, Any]:
    headers = [
        {"name": name, "in": "header", "schema": {"type": "string", "pattern": pattern}}
        for name, pattern in (
            ("Idempotency-Key", "^[!-~]{1,191}$"),
            ("X-APIMart-Response-Version", f"^{VERSION}$"),
        )
    ]
    replies = {
        "200": _reply(_SUBMITTED, "Accepted") | _link("/data/0/task_id" if shape == "A" else "/data/id"),
        "202": _reply(_ACCEPTED, "Accepted, for a client that sent the version") | _link("/data/id"),
        **_refusals(400, 401, 402, 409, 413, 429, 500, 503),
    }
    body = {"required": True, "content": {"application/json": {"schema": _body(shelf)}}}
    return {"post": {"parameters": headers, "requestBody": body, "responses": replies}}


def _link(place: str) -> dict[str, Any]:
    """Return the link from an accepted submission to the status of its task."""
    return {
        "links": {"status": {"operationId": "status", "parameters": {"task_id": f"$response.body#{place}"}}}
    }


def _upload() -> dict[str, Any]:
    form = _object({"file": {"type": "string", "contentMediaType": "image/*"}})
    body = {"required": True, "content": {"multipart/form-data": {"schema": form}}}
    replies = {"200": _reply(_UPLOADED), **_refusals(400, 401, 413)}
    return {"post": {"requestBody": body, "responses": replies}}


def _file(*kinds: str, refused: tuple[int, ...]) -> dict[str, Any]:
    """Return the description of a link to a file, which needs no key."""
    content: dict[str, Any] = {kind: {} for kind in kinds}
    text = {"type": "string", "pattern": "^[ -~]*$"}
    headers = ("Range", "If-Range", "If-None-Match")
    asked = [_path("name"), *({"name": name, "in": "header", "schema": text} for name in headers)]
    found = {
        "200": {"description": "The file", "content": content},
        "206": {"description": "A range of it", "content": content},
        "304": {"description": "Not changed"},
        "416": {"description": "No such range"},
    }
    gone = {str(code): {"description": "Gone"} for code in refused}
    operation = {"parameters": asked, "security": []}
    return {
        "get": {**operation, "responses": {**found, **_refusals(*refused)}},
        "head": {**operation, "responses": {**found, **gone}},
    }


def _path(name: str, schema: dict[str, Any] = _TEXT) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": schema}


def description(base: str, shape: str, shelf: ModelRegistry) -> dict[str, Any]:
    """Return the description of the API that is served at `base`, where submissions are answered in `shape`."""
    dates = _query(
        start=_TEXT,
        end=_TEXT,
        model=_TEXT,
        tz=_TEXT,
        group_by={"type": "string", "enum": ["none", "model", "date", "model,date"]},
        scope={"type": "string", "enum": ["key", "account"]},
    )
    name = {"type": "string", "enum": [model.id for model in shelf]}
    one_model = _query(model=name)
    language = {"type": "string", "enum": list(LANGUAGES)}
    status = _get(_TASK, 400, 404, parameters=[_path("task_id"), *_query(language=language)])
    status["get"]["operationId"] = "status"
    paths = {
        "/v1/videos/generations": _submit(shape, shelf),
        "/v1/tasks/{task_id}": status,
        "/v1/uploads/images": _upload(),
        "/v1/balance": _get(_BALANCE),
        "/balance": _get(_BALANCE),
        "/v1/user/balance": _get(_BALANCE),
        "/user/balance": _get(_BALANCE),
        "/v1/usage": _get(_USAGE, 400, 429, parameters=dates),
        "/v1/models": _get(_MODELS, 402, parameters=_query(expand=_TEXT)),
        "/v1/models/{model}/schema": _get(_SCHEMA, 404, parameters=[_path("model", name)]),
        "/v1/model-schema": _get(_SCHEMA, 404, parameters=one_model),
        "/v1/model-docs": _get(_DOCS, 404, parameters=one_model),
        "/api/pricing/model": _get(_DONE, public=True, parameters=_query(model=_TEXT)),
        "/api/pricing/models/all": _get(_DONE, public=True),
        "/api/marketplace/models": _get(
            _DONE, public=True, parameters=_query(page=_TEXT, page_size=_TEXT, type=_TEXT)
        ),
        "/f/video/{name}": _file("video/mp4", refused=(403, 404, 410)),
        "/f/thumbnail/{name}": _file("image/jpeg", refused=(403, 404, 410)),
        "/f/image/{name}": _file(*IMAGE_TYPES, refused=(404,)),
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": "APIMart video API, simulated", "version": "1"},
        "servers": [{"url": base}],
        "security": [{"key": []}],
        "components": {"securitySchemes": {"key": {"type": "http", "scheme": "bearer"}}},
        "paths": paths,
    }
