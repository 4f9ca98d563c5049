"""What the server says when it refuses, in its own words and codes."""

from __future__ import annotations

from email.utils import formatdate
from typing import Any

from gridgen.errors import GridgenError

__all__ = ["ErrorReply"]

_PLEASE_WAIT = "Too many requests"


class ErrorReply(Exception):  # noqa: N818 - a reply of the simulated server, not an error of gridgen
    """A reply other than success.

    Parameters
    ----------
    status : int
        HTTP status.
    message : str
        ``error.message``.
    code : str or int, default ""
        ``error.code``; the real server leaves it empty for a bad key.
    type : str, default "invalid_request_error"
        ``error.type``.
    headers : dict or None, default None
        Further headers.
    body : dict or None, default None
        The whole body where it is not the usual error object.
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        code: str | int = "",
        type: str = "invalid_request_error",  # noqa: A002 - the wire's name
        headers: dict[str, str] | None = None,
        body: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers or {}
        error = {"code": code, "message": message, "param": "", "type": type}
        self.body = {"error": error} if body is None else body

    __reduce__ = GridgenError.__reduce__

    @classmethod
    def invalid(cls, message: str, code: str = "invalid_parameter") -> ErrorReply:
        """Return 400 for a request that is wrong in itself."""
        return cls(400, message, code=code)

    @classmethod
    def without_key(cls) -> ErrorReply:
        """Return 401 for a request that carries no key."""
        message = "API key is required. Send it as Authorization: Bearer <key>."
        return cls(401, message, type="apimart_error")

    @classmethod
    def bad_key(cls, request_id: str) -> ErrorReply:
        """Return 401 for a key that is none of this server's; its code is empty."""
        return cls(401, f"invalid API key (request id: {request_id})", type="apimart_error")

    @classmethod
    def unpaid(cls, holds: float, needs: float) -> ErrorReply:
        """Return 402 for an account that cannot pay, in USD."""
        message = f"Insufficient balance: ${holds:.4f} left, ${needs:.4f} needed. Please top up."
        return cls(402, message, code="payment_required", type="payment_required")

    @classmethod
    def too_many(cls, seconds: float, form: str, now: float) -> ErrorReply:
        """Return 429, saying in one of the forms seen in the wild when to come back."""
        whole = max(1, int(seconds) + (seconds > int(seconds)))
        if form == "body":
            body = {"detail": _PLEASE_WAIT, "retry_after": whole}
            return cls(429, _PLEASE_WAIT, body=body)
        message = _PLEASE_WAIT
        headers = {}
        if form == "text":
            message = f"{_PLEASE_WAIT}, please retry in {whole}s"
        elif form == "header":
            headers = {"Retry-After": str(whole)}
        elif form == "date":
            headers = {"Retry-After": formatdate(now + whole, usegmt=True)}
        return cls(429, message, code="rate_limit_exceeded", type="rate_limit_error", headers=headers)

    @classmethod
    def idempotency(cls, kind: str) -> ErrorReply:
        """Return the answer to an idempotency key: 409, or 503 where nothing was executed."""
        status, message, headers = _IDEMPOTENCY[kind]
        code = f"idempotency_{kind if kind != 'indeterminate' else 'result_indeterminate'}"
        return cls(status, message, code=code, type="idempotency_error", headers=headers)

    @classmethod
    def in_progress(cls) -> ErrorReply:
        """Return 409 for an idempotency key whose first request is still being answered."""
        return cls.idempotency("in_progress")

    @classmethod
    def key_reused(cls) -> ErrorReply:
        """Return 409 for an idempotency key that came with another request before."""
        return cls.idempotency("key_reused")


_IDEMPOTENCY: dict[str, tuple[int, str, dict[str, str]]] = {
    "in_progress": (
        409,
        "a request with this Idempotency-Key is being processed",
        {"Retry-After": "2"},
    ),
    "key_reused": (409, "this Idempotency-Key was used with another request", {}),
    "indeterminate": (
        409,
        "the result of the request with this Idempotency-Key is not known",
        {},
    ),
    "unavailable": (503, "the idempotency store is unavailable, nothing was executed", {}),
}
