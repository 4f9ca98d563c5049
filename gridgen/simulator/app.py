"""The HTTP face of a simulated world."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import re
from collections import deque
from dataclasses import dataclass
from email.utils import formatdate
from typing import TYPE_CHECKING, Any, TypeAlias

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route, Router

from gridgen.simulator import pricing, replies
from gridgen.simulator.clip_cache import Reel
from gridgen.simulator.clock import VirtualClock
from gridgen.simulator.error_replies import ErrorReply
from gridgen.simulator.http_ranges import Span, requested
from gridgen.simulator.images import UPLOAD_LIMIT, file_field
from gridgen.simulator.usage import usage

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from gridgen.clock import Clock
    from gridgen.models import Model
    from gridgen.simulator.clip_cache import ClipCache
    from gridgen.simulator.world import Task, World

    Endpoint: TypeAlias = Callable[[Request], Awaitable[Response]]

__all__ = ["App", "Gate", "Seen"]

_ENCODE = json.JSONEncoder(separators=(",", ":")).encode
_REMEMBERED = 65_536
_BODY_LIMIT = 8 * 1024 * 1024
_RESULT = re.compile(r"(task[-_][0-9A-Za-z-]+)-([0-9]+)-([0-9a-f]{20})\.(?:mp4|jpg)")
_LOCAL = re.compile(r"(?:127\.0\.0\.1|localhost|\[::1\])(?::[0-9]{1,5})?", re.IGNORECASE)
_SECRET = frozenset({b"authorization", b"cookie", b"proxy-authorization"})


@dataclass(slots=True)
class Seen:
    """One request as it was seen on the wire.

    Attributes
    ----------
    method, path, query : str
        As in the request line.
    headers : dict of str to str
        Names in lower case; without those that carry secrets.
    body : bytes
        What was read of it, up to 64 kB.
    at : float
        Unix seconds on the simulator's clock.
    status : int or None
        What was answered; None while, or if, nothing was.
    """

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes
    at: float
    status: int | None = None


def _json(body: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    data = _ENCODE(body).encode()
    return Response(data, status, headers, "application/json")


def _answering(endpoint: Endpoint) -> Endpoint:
    """Return an endpoint that turns refusals into replies."""

    @functools.wraps(endpoint)
    async def answer(request: Request) -> Response:
        try:
            return await endpoint(request)
        except ErrorReply as refusal:
            return _json(refusal.body, refusal.status, refusal.headers)

    return answer


def _base(request: Request) -> str:
    """Return the URL by which the client reached this server; `Gate` has checked it."""
    return f"http://{request.headers['host']}"


async def _read(request: Request, limit: int) -> bytes:
    parts = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > limit:
            message = f"request body is larger than {limit // (1024 * 1024)} MB"
            raise ErrorReply(413, message, code="request_too_large")
        parts.append(part)
    return b"".join(parts)


class App:
    """The endpoints of the API over one world, as an ASGI application.

    Parameters
    ----------
    world : World
        What they act on.
    clock : Clock
        What time it is there.
    footage : ClipCache
        What the results' links serve.
    """

    def __init__(self, world: World, clock: Clock, footage: ClipCache) -> None:
        self.world = world
        self.clock = clock
        self.footage = footage
        self._ahead = not isinstance(clock, VirtualClock)
        self._in_flight: set[tuple[str, str]] = set()
        self._requests = 0
        self._router = Router(self._routes(), redirect_slashes=False, default=_InvalidURL())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        await self._router(scope, receive, send)

    def _routes(self) -> list[Route]:
        get = ("GET",)
        table: list[tuple[str, tuple[str, ...], Endpoint]] = [
            ("/v1/tasks/{task_id:path}", get, self.task),
            ("/v1/videos/generations", ("POST",), self.submit),
            ("/f/video/{name}", get, self.video),
            ("/f/thumbnail/{name}", get, self.thumbnail),
            ("/f/image/{name}", get, self.image),
            ("/v1/uploads/images", ("POST",), self.upload),
            ("/v1/balance", get, self.key_balance),
            ("/balance", get, self.key_balance),
            ("/v1/user/balance", get, self.user_balance),
            ("/user/balance", get, self.user_balance),
            ("/v1/usage", get, self.usage),
            ("/v1/models", get, self.models),
            ("/v1/models/{model}/schema", get, self.model_schema),
            ("/v1/model-schema", get, self.model_schema),
            ("/v1/model-docs", get, self.model_docs),
            ("/api/pricing/model", get, self.price),
            ("/api/pricing/models/all", get, self.prices),
            ("/api/marketplace/models", get, self.marketplace),
            ("/docs/{name:path}", get, self.page),
            ("/openapi.json", get, self.openapi),
        ]
        routes = [Route(path, _answering(end), methods=how) for path, how, end in table]
        return [*routes, Route("/{rest:path}", _InvalidURL())]

    # what is asked for by everyone

    def _now(self) -> float:
        return self.clock.time()

    def _request_id(self) -> str:
        self._requests += 1
        return replies.request_id(str(self._requests))

    def _key_id(self, request: Request) -> str:
        return self.world.admit(request.headers.get("authorization"), self._request_id())

    # tasks

    async def submit(self, request: Request) -> Response:
        """Answer ``POST /v1/videos/generations``."""
        key_id = self._key_id(request)
        versioned = request.headers.get("x-apimart-response-version") == replies.VERSION
        key = request.headers.get("idempotency-key")
        with self._sole_use(key_id, key):
            receipt = self.world.submit(
                await _read(request, _BODY_LIMIT),
                self._now(),
                key_id=key_id,
                idempotency_key=key,
                versioned=versioned,
            )
        shape = "C" if versioned else self.world.profile.shape
        headers = {"X-APIMart-Response-Version": replies.VERSION} if shape == "C" else {}
        if receipt.replayed:
            headers["Idempotency-Replayed"] = "true"
        body = replies.submitted(receipt, shape, self.world.profile.skew)
        return _json(body, body["code"], headers)

    @contextlib.contextmanager
    def _sole_use(self, key_id: str, key: str | None) -> Iterator[None]:
        """Refuse a second request with an idempotency key while the first is being read."""
        if key is None:
            yield
            return
        if (key_id, key) in self._in_flight:
            raise ErrorReply.in_progress()
        self._in_flight.add((key_id, key))
        try:
            yield
        finally:
            self._in_flight.discard((key_id, key))

    async def task(self, request: Request) -> Response:
        """Answer ``GET /v1/tasks/{task_id}``."""
        self._key_id(request)
        view = self.world.look(request.path_params["task_id"], self._now())
        links: tuple[list[str], str] = [], ""
        if view.phase == "completed":
            links = self._links(view.task, _base(request))
        if self._ahead and view.fraction and view.task.outcome == "completed":
            self.footage.ahead(view.task)
        language = request.query_params.get("language") if request.scope["query_string"] else None
        return _json(replies.task(view, self.world.profile, links, language))

    def _links(self, task: Task, base: str) -> tuple[list[str], str]:
        names = [f"{task.id}-{number}" for number in range(self.world.profile.videos)]
        signed = [f"{name}-{self.world.signature(name)}" for name in names]
        videos = [f"{base}/f/video/{name}.mp4" for name in signed]
        return videos, f"{base}/f/thumbnail/{signed[0]}.jpg" if signed else ""

    # files

    async def video(self, request: Request) -> Response:
        """Answer GET and HEAD of a result's link."""
        task, number = self._result(request.path_params["name"])
        with self.clock.working():
            reel = await self.footage.clip(task, number)
        return _file(request, reel, "video/mp4")

    async def thumbnail(self, request: Request) -> Response:
        """Answer GET and HEAD of a thumbnail's link."""
        task, _ = self._result(request.path_params["name"])
        with self.clock.working():
            reel = await self.footage.thumbnail(task)
        return _file(request, reel, "image/jpeg")

    async def image(self, request: Request) -> Response:
        """Answer GET and HEAD of an uploaded image."""
        upload = self.world.image(f"/f/image/{request.path_params['name']}", self._now())
        if upload is None:
            raise ErrorReply(404, "NoSuchKey", code="NoSuchKey")
        etag = f'"{hashlib.sha256(upload.data).hexdigest()[:32]}"'
        return _file(request, Reel(upload.data, etag), upload.content_type)

    def _result(self, name: str) -> tuple[Task, int]:
        match = _RESULT.fullmatch(name)
        gone = ErrorReply(404, "NoSuchKey", code="NoSuchKey")
        if match is None:
            raise gone
        task_id, number, signature = match.groups()
        if signature != self.world.signature(f"{task_id}-{number}"):
            raise gone
        now = self._now()
        view = self.world.look(task_id, now)
        if view.phase != "completed":
            raise gone
        if now >= view.task.end + self.world.profile.link_life:
            raise ErrorReply(self.world.profile.expired_status, "Request has expired", code="AccessDenied")
        return view.task, int(number)

    async def upload(self, request: Request) -> Response:
        """Answer ``POST /v1/uploads/images``."""
        self._key_id(request)
        body = await _read(request, UPLOAD_LIMIT + 64 * 1024)
        name, data = file_field(body, request.headers.get("content-type", ""))
        if len(data) > UPLOAD_LIMIT:
            message = "file is larger than 20 MB"
            raise ErrorReply(413, message, code="file_too_large")
        upload = self.world.upload(data, name, self._now())
        return _json(replies.uploaded(upload, _base(request)))

    # account

    async def key_balance(self, request: Request) -> Response:
        """Answer ``GET /v1/balance``."""
        return self._balance(request, of_key=True)

    async def user_balance(self, request: Request) -> Response:
        """Answer ``GET /v1/user/balance``."""
        return self._balance(request, of_key=False)

    def _balance(self, request: Request, *, of_key: bool) -> Response:
        self._key_id(request)
        held, used = self.world.balance(self._now())
        return _json(replies.balance(held, used, self.world.profile, of_key=of_key))

    async def usage(self, request: Request) -> Response:
        """Answer ``GET /v1/usage``."""
        key_id = self._key_id(request)
        self.world.pass_usage(key_id, self._now())
        return _json(usage(self.world, key_id, self._now(), dict(request.query_params)))

    # models and prices

    async def models(self, request: Request) -> Response:
        """Answer ``GET /v1/models``; 402 for an account that holds nothing."""
        self._key_id(request)
        self.world.require_credit(self._now())
        return _json(replies.models(self.world.shelf, expand=request.query_params.get("expand")))

    async def model_schema(self, request: Request) -> Response:
        """Answer ``GET /v1/model-schema`` and ``GET /v1/models/{model}/schema``."""
        self._key_id(request)
        name = request.path_params.get("model") or request.query_params.get("model", "")
        return _json(replies.model_schema(self._known(name), name))

    async def model_docs(self, request: Request) -> Response:
        """Answer ``GET /v1/model-docs``."""
        self._key_id(request)
        name = request.query_params.get("model", "")
        return _json(replies.model_docs(self._known(name), name, int(self._now()), _base(request)))

    async def page(self, request: Request) -> Response:
        """Answer GET and HEAD of the links to a model's page; public."""
        name = request.path_params["name"].removesuffix(".md")
        return Response(replies.model_page(self._known(name), name), media_type="text/markdown")

    def _known(self, name: str) -> Model:
        model = self.world.shelf.find(name)
        if model is None:
            message = f"model {name[:80]!r} not found"
            raise ErrorReply(404, message, code="model_not_found")
        return model

    async def price(self, request: Request) -> Response:
        """Answer ``GET /api/pricing/model``; public."""
        return _json(pricing.price_of_model(request.query_params.get("model", ""), self.world.shelf))

    async def prices(self, request: Request) -> Response:  # noqa: ARG002 - an endpoint's signature
        """Answer ``GET /api/pricing/models/all``; public."""
        return _json(pricing.price_list(self.world.shelf))

    async def marketplace(self, request: Request) -> Response:
        """Answer ``GET /api/marketplace/models``; public."""
        asked = request.query_params
        page, size = _positive(asked.get("page"), 1), _positive(asked.get("page_size"), 50)
        return _json(pricing.marketplace(page, min(size, 100), asked.get("type", ""), self.world.shelf))

    async def openapi(self, request: Request) -> Response:
        """Answer ``GET /openapi.json``: this API, described."""
        from gridgen.simulator.openapi import description

        return _json(description(_base(request), self.world.profile.shape, self.world.shelf))


def _positive(text: str | None, default: int) -> int:
    return max(1, int(text)) if text and text.isascii() and text.isdigit() and len(text) < 9 else default  # noqa: PLR2004


def _file(request: Request, reel: Reel, content_type: str) -> Response:
    """Return a file, or the range of it that was asked for."""
    size = len(reel.data)
    headers = {"ETag": reel.etag, "Accept-Ranges": "bytes"}
    if _holds(request.headers.get("if-none-match", ""), reel.etag):
        return Response(None, 304, headers)
    wanted = request.headers.get("range")
    if request.headers.get("if-range", reel.etag) != reel.etag:
        wanted = None
    span = requested(wanted, size)
    if span == Span(0, 0) and size:
        return Response(None, 416, {**headers, "Content-Range": f"bytes */{size}"})
    if span is None:
        return Response(reel.data, 200, headers, content_type)
    headers["Content-Range"] = f"bytes {span.start}-{span.stop - 1}/{size}"
    return Response(reel.data[span.start : span.stop], 206, headers, content_type)


def _holds(asked: str, etag: str) -> bool:
    """Return whether an If-None-Match header names a file's tag (RFC 9110, section 13.1.2)."""
    return asked.strip() == "*" or etag in {each.strip().removeprefix("W/") for each in asked.split(",")}


class _InvalidURL:
    """The answer to every path that is none of the API's."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        message = f"Invalid URL ({scope['method']} {scope['path'][:200]})"
        refusal = ErrorReply(404, message)
        await _json(refusal.body, 404)(scope, receive, send)


class Gate:
    """What every request passes first: the Host check, the log, the Date header.

    Parameters
    ----------
    app : ASGI application
        What lies behind.
    clock : Clock
        For stamps.
    world : World
        For the skew of its stamps.
    keep : int, default 10_000
        Requests to remember.
    """

    def __init__(self, app: ASGIApp, clock: Clock, world: World, keep: int = 10_000) -> None:
        self._app = app
        self._clock = clock
        self._world = world
        self._date = 0, b""
        self.requests: deque[Seen] = deque(maxlen=keep)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let one request pass, or refuse it."""
        if scope["type"] != "http":
            return
        seen = self._note(scope)

        async def watched() -> Message:
            message = await receive()
            if len(seen.body) < _REMEMBERED:
                seen.body = (seen.body + message.get("body", b""))[:_REMEMBERED]
            return message

        async def stamped(message: Message) -> None:
            if message["type"] == "http.response.start":
                seen.status = message["status"]
                message["headers"] = [*message.get("headers", ()), (b"date", self._stamp())]
            await send(message)

        hosts = [value.decode("latin-1") for name, value in scope["headers"] if name == b"host"]
        if len(hosts) != 1 or not _LOCAL.fullmatch(hosts[0]):
            refusal = ErrorReply(421, "this server answers on the loopback interface only")
            await _json(refusal.body, 421)(scope, watched, stamped)
            return
        with contextlib.suppress(ClientDisconnect):
            await self._app(scope, watched, stamped)

    def _note(self, scope: Scope) -> Seen:
        headers = {
            name.decode("latin-1"): value.decode("latin-1")
            for name, value in scope["headers"]
            if name not in _SECRET
        }
        query = scope["query_string"].decode("latin-1")
        seen = Seen(scope["method"], scope["path"], query, headers, b"", self._clock.time())
        self.requests.append(seen)
        return seen

    def _stamp(self) -> bytes:
        second = int(self._clock.time() + self._world.profile.skew)
        if second != self._date[0]:
            self._date = second, formatdate(second, usegmt=True).encode()
        return self._date[1]
