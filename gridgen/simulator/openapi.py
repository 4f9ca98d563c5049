"""The simulated API, described in OpenAPI 3.1; every reply it gives fits this."""

from __future__ import annotations

from typing import Any

from gridgen.models import catalogue
from gridgen.simulator.replies import model_schema

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


def _body() -> dict[str, Any]:
    """Return the schema of a submission: what one of the catalogue's models takes."""
    models = catalogue()
    properties: dict[str, Any] = {
        "model": {"type": "string", "enum": list(models)},
        "prompt": {"type": "string", "minLength": 1},
        "webhook": _TEXT,
        "language": _TEXT,
    }
    for model in models.values():
        for name, schema in model_schema(model)["input_schema"]["properties"].items():
            if name not in {"model", "prompt"}:
                properties[name] = _either(properties.get(name), schema)
    return {"type": "object", "required": ["model", "prompt"], "properties": properties}


def _either(known: dict[str, Any] | None, schema: dict[str, Any]) -> dict[str, Any]:
    """Return a schema that a field fits if it fits one of the models'."""
    if known is None or known == schema:
        return schema
    listed = known.get("anyOf", [known])
    return {"anyOf": listed if schema in listed else [*listed, schema]}


def _submit() -> dict[str, Any]:
    headers = [
        {"name": name, "in": "header", "schema": _TEXT}
        for name in ("Idempotency-Key", "X-APIMart-Response-Version")
    ]
    replies = {
        "200": _reply(_SUBMITTED, "Accepted, in shape A or B"),
        "202": _reply(_ACCEPTED, "Accepted, in shape C"),
        **_refusals(400, 401, 402, 409, 413, 429, 500, 503),
    }
    body = {"required": True, "content": {"application/json": {"schema": _body()}}}
    return {"post": {"parameters": headers, "requestBody": body, "responses": replies}}


def _upload() -> dict[str, Any]:
    form = _object({"file": {"type": "string", "contentMediaType": "image/*"}})
    body = {"required": True, "content": {"multipart/form-data": {"schema": form}}}
    replies = {"200": _reply(_UPLOADED), **_refusals(400, 401, 413)}
    return {"post": {"requestBody": body, "responses": replies}}


def _path(name: str, schema: dict[str, Any] = _TEXT) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": schema}


def description(base: str) -> dict[str, Any]:
    """Return the description of the API that is served at `base`."""
    dates = _query(
        start=_TEXT,
        end=_TEXT,
        model=_TEXT,
        tz=_TEXT,
        group_by={"type": "string", "enum": ["none", "model", "date", "model,date"]},
        scope={"type": "string", "enum": ["key", "account"]},
    )
    one_model = _query(model=_TEXT)
    status = [_path("task_id"), *_query(language=_TEXT)]
    paths = {
        "/v1/videos/generations": _submit(),
        "/v1/tasks/{task_id}": _get(_TASK, 400, 404, parameters=status),
        "/v1/uploads/images": _upload(),
        "/v1/balance": _get(_BALANCE),
        "/v1/user/balance": _get(_BALANCE),
        "/v1/usage": _get(_USAGE, 400, parameters=dates),
        "/v1/models": _get(_MODELS, 402, parameters=_query(expand=_TEXT)),
        "/v1/models/{model}/schema": _get(_DONE, 404, parameters=[_path("model")]),
        "/v1/model-schema": _get(_DONE, 404, parameters=one_model),
        "/v1/model-docs": _get(_DONE, 404, parameters=one_model),
        "/api/pricing/model": _get(_DONE, public=True, parameters=one_model),
        "/api/pricing/models/all": _get(_DONE, public=True),
        "/api/marketplace/models": _get(
            _DONE, public=True, parameters=_query(page=_TEXT, page_size=_TEXT, type=_TEXT)
        ),
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": "APIMart video API, simulated", "version": "1"},
        "servers": [{"url": base}],
        "security": [{"key": []}],
        "components": {"securitySchemes": {"key": {"type": "http", "scheme": "bearer"}}},
        "paths": paths,
    }
