"""Doing to a request what a fault says, on a socket or in process."""

from __future__ import annotations

import gzip
import io
import json
from collections import deque
from dataclasses import replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Protocol

from gridgen.simulator.error_replies import ErrorReply
from gridgen.simulator.forms import filled

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from gridgen.clock import Clock
    from gridgen.simulator.faults import Fault, Faults
    from gridgen.simulator.world import World

__all__ = ["Injector", "Wire"]

_PLACES = {
    "/v1/videos/generations": "submit",
    "/v1/uploads/images": "upload",
    "/v1/balance": "balance",
    "/balance": "balance",
    "/v1/user/balance": "balance",
    "/user/balance": "balance",
    "/v1/usage": "usage",
    "/v1/models": "models",
    "/v1/model-schema": "models",
    "/v1/model-docs": "models",
    "/api/pricing/model": "prices",
    "/api/pricing/models/all": "prices",
    "/api/marketplace/models": "prices",
}
_FOLDERS = {
    "/v1/tasks/": "status",
    "/v1/models/": "models",
    "/f/video/": "result",
    "/f/thumbnail/": "thumbnail",
    "/f/image/": "image",
}
_ALL = ("before_read", "before", "after", "mid_reply")
_FIRST = _ALL[:1]
_FOR_EVER = 86_400.0
_BLOCK = 65_536
_HELD = 8 * 1024 * 1024
_NO_HTTP = b"\x16\x03\x01\x00\xff this is not HTTP \x00\r\n\r\n"


class Wire(Protocol):
    """What a fault can do to the connection of one exchange."""

    async def wait(self, seconds: float) -> None:
        """Let time pass before anything more is sent."""

    def reset(self) -> None:
        """Cut the connection with RST."""

    def close(self) -> None:
        """Close the connection after what was sent so far."""

    def raw(self, data: bytes) -> None:
        """Send bytes as they are, outside HTTP, and close."""


class Injector:
    """Lets the faults in force strike the requests of an application.

    Parameters
    ----------
    app : ASGI application
        What lies behind.
    faults : Faults
        The rules.
    world : World
        Tells which submission a task came from.
    clock : Clock
        For waits.
    """

    def __init__(self, app: ASGIApp, faults: Faults, world: World, clock: Clock) -> None:
        self._app = app
        self._faults = faults
        self._world = world
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or fail to."""
        if not len(self._faults):
            await self._app(scope, receive, send)
            return
        place = _place(scope["path"])
        submission = self._submission(place, scope["path"])
        is_to_be = self._stands(scope["path"]) if place == "status" else "accepted"
        fault = self._faults.pick(place, _FIRST if place == "submit" else _ALL, submission, is_to_be)
        if fault is None and place == "submit":
            submission, receive = await _buffered(receive)
            fault = self._faults.pick(place, _ALL[1:], submission, is_to_be)
        if fault is None:
            await self._app(scope, receive, send)
        elif fault.when in {"before_read", "before"}:
            await self._instead(fault, scope, receive, send)
        elif fault.kind == "slow":
            start, body = await _reply_of(self._app, scope, receive)
            await _wire(scope, self._clock).wait(fault.seconds or 0.0)
            await send(start)
            await send({"type": "http.response.body", "body": body})
        elif fault.when == "after":
            await self._app(scope, receive, _nowhere)
            await self._instead(fault, scope, receive, send)
        else:
            await self._in_reply(fault, scope, receive, send)

    def _submission(self, place: str, path: str) -> bytes | None:
        if place not in {"status", "result", "thumbnail"}:
            return None
        name = path.rsplit("/", 1)[-1]
        task_id = name if place == "status" else "-".join(name.split("-")[:-2])
        return self._world.body_of(task_id)

    def _stands(self, path: str) -> str:
        """Return how a task stands, as forms of replies tell it, empty where there is none."""
        try:
            phase = self._world.look(_task_id(path), self._clock.time()).phase
        except ErrorReply:
            return ""
        return {"queued": "running", "cancelled": "failed"}.get(phase, phase)

    async def _instead(self, fault: Fault, scope: Scope, receive: Receive, send: Send) -> None:
        """Do what the fault says in place of answering."""
        wire = _wire(scope, self._clock)
        if fault.kind == "slow":
            await wire.wait(fault.seconds or 0.0)
            await self._app(scope, receive, send)
        elif fault.kind in {"reset", "close", "garbage", "hang"}:
            await _break(fault, wire, receive)
        else:
            await _say(fault, send)

    async def _in_reply(self, fault: Fault, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the application answer, and do what the fault says to its reply."""
        start, body = await _reply_of(self._app, scope, receive)
        wire = _wire(scope, self._clock)
        if fault.kind in {"headers", "corrupt", "patch", "form"}:
            start, body = _changed(fault, start, body, scope["path"])
            await send(start)
            await send({"type": "http.response.body", "body": body})
            return
        await send(start)
        if fault.kind == "drip":
            await _drip(fault, wire, body, send)
            return
        await send({"type": "http.response.body", "body": body[: fault.size], "more_body": True})
        await _break(fault, wire, receive)


def _place(path: str) -> str:
    for folder, place in _FOLDERS.items():
        if path.startswith(folder):
            return place
    return _PLACES.get(path, "any")


def _wire(scope: Scope, clock: Clock) -> Wire:
    state = scope["state"]
    if "line" in state:
        line: Wire = state["line"]
        return line
    from gridgen.simulator.server import SocketWire

    return SocketWire(state["transport"], clock)


async def _nowhere(message: Message) -> None:
    """Lose an answer."""


async def _buffered(receive: Receive) -> tuple[bytes, Receive]:
    """Read a request's body, and return it with a `receive` that yields it again.

    Of a body that is larger than the API takes, the rest is left unread.
    """
    unread: deque[Message] = deque()
    size = 0
    while size <= _HELD:
        message = await receive()
        unread.append(message)
        size += len(message.get("body", b""))
        if not message.get("more_body", False):
            break
    body = b"".join(message.get("body", b"") for message in unread)

    async def again() -> Message:
        return unread.popleft() if unread else await receive()

    return body, again


async def _reply_of(app: ASGIApp, scope: Scope, receive: Receive) -> tuple[Message, bytes]:
    messages: list[Message] = []

    async def keep(message: Message) -> None:
        messages.append(message)

    await app(scope, receive, keep)
    return messages[0], b"".join(message.get("body", b"") for message in messages[1:])


async def _break(fault: Fault, wire: Wire, receive: Receive) -> None:
    if fault.kind == "hang":
        await wire.wait(_FOR_EVER if fault.seconds is None else fault.seconds)
    if fault.kind == "reset":
        wire.reset()
    elif fault.kind == "garbage":
        wire.raw(_as_body(fault)[0] or _NO_HTTP)
    else:
        wire.close()
    while (await receive())["type"] != "http.disconnect":
        pass


async def _drip(fault: Fault, wire: Wire, body: bytes, send: Send) -> None:
    size = max(1, fault.size)
    if not body:
        await send({"type": "http.response.body", "body": b""})
    for at in range(0, len(body), size):
        await wire.wait(fault.seconds or 1.0)
        part = body[at : at + size]
        more = at + size < len(body)
        await send({"type": "http.response.body", "body": part, "more_body": more})


def _task_id(path: str) -> str:
    folder, _, name = path.rpartition("/")
    return name if folder == "/v1/tasks" else ""


def _changed(fault: Fault, start: Message, body: bytes, path: str) -> tuple[Message, bytes]:
    headers = list(start["headers"])
    if fault.kind == "headers":
        filler = b"x" * 1000
        headers += [(f"x-filler-{n}".encode(), filler) for n in range(fault.size // 1000 + 1)]
    elif fault.kind == "corrupt":
        middle = len(body) // 2
        body = (
            body[:middle] + bytes(255 - byte for byte in body[middle : middle + 4096]) + body[middle + 4096 :]
        )
    elif fault.kind == "form":
        return _respelled(fault, start, body, path)
    elif (b"content-type", b"application/json") in headers:
        body = json.dumps(_merged(json.loads(body), fault.patch)).encode()
        headers = [pair for pair in headers if pair[0].lower() != b"content-length"]
        headers.append((b"content-length", str(len(body)).encode()))
    return {**start, "headers": headers}, body


def _respelled(fault: Fault, start: Message, body: bytes, path: str) -> tuple[Message, bytes]:
    """Return a true reply in the form that a fault names; a refusal stays one."""
    if start["status"] >= HTTPStatus.BAD_REQUEST:
        return start, body
    spelled = replace(
        fault, kind="reply", form="", when="before", body=filled(fault.body, json.loads(body), _task_id(path))
    )
    said, content_type = _as_body(spelled)
    headers = {"content-type": content_type, **{name.lower(): value for name, value in fault.headers.items()}}
    return _start(fault.status, {**headers, "content-length": str(len(said))}), said


def _merged(value: Any, patch: Any) -> Any:
    """Return JSON with a patch laid over it; ``...`` removes."""
    if not (isinstance(value, dict) and isinstance(patch, dict)):
        return patch
    merged = {**value}
    for name, new in patch.items():
        if new is ...:
            merged.pop(name, None)
        else:
            merged[name] = _merged(merged.get(name), new)
    return merged


async def _say(fault: Fault, send: Send) -> None:
    """Send the reply that a fault puts in place of the real one."""
    headers = {name.lower(): value for name, value in fault.headers.items()}
    if fault.kind == "flood":
        await _flood(fault, headers, send)
        return
    body, content_type = _as_body(fault)
    headers.setdefault("content-type", content_type)
    if fault.kind == "gzip":
        headers["content-encoding"] = "gzip"
    headers["content-length"] = str(len(body))
    await send(_start(fault.status, headers))
    await send({"type": "http.response.body", "body": body})


def _as_body(fault: Fault) -> tuple[bytes, str]:
    if fault.kind == "gzip":
        return _bomb(fault.size or 100_000_000), "application/json"
    if isinstance(fault.body, bytes):
        return fault.body, "application/octet-stream"
    if isinstance(fault.body, str):
        html = fault.body.lstrip().startswith("<")
        return fault.body.encode(
            "utf-8", "surrogatepass"
        ), "text/html; charset=utf-8" if html else "text/plain"
    return json.dumps(fault.body).encode(), "application/json"


async def _flood(fault: Fault, headers: dict[str, str], send: Send) -> None:
    await send(_start(fault.status, {"content-type": "application/json", **headers}))
    left = fault.size or 50_000_000
    block = b" " * _BLOCK
    while left > 0:
        part = block[:left]
        left -= len(part)
        await send({"type": "http.response.body", "body": part, "more_body": left > 0})


def _start(status: int, headers: dict[str, str]) -> Message:
    pairs = [(name.encode("latin-1"), str(value).encode("latin-1")) for name, value in headers.items()]
    return {"type": "http.response.start", "status": status, "headers": pairs}


def _bomb(size: int) -> bytes:
    """Return `size` blanks, compressed about a thousandfold."""
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", compresslevel=9, mtime=0) as out:
        block = b" " * (16 * _BLOCK)
        for at in range(0, size, len(block)):
            out.write(block[: size - at])
    return packed.getvalue()
