"""The way to a simulator in the same process: an httpx transport without a socket.

It says on the `trace` extension what httpcore says for a real connection, and keeps
the `timeout` extension by the simulator's clock, so that a client cannot tell it from
the wire.
"""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import httpx

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from starlette.types import ASGIApp, Message, Scope

    from gridgen.clock import Clock

__all__ = ["Door", "InProcess", "Line"]

Door: TypeAlias = Literal["open", "refusing", "silent"]
"""How a simulator meets those who connect."""


class Line:
    """The pretended connection of one exchange: what the server did to it, and when.

    Parameters
    ----------
    clock : Clock
        Of the simulator.
    timeouts : dict
        httpx's ``timeout`` extension: seconds or None, by phase.
    """

    def __init__(self, clock: Clock, timeouts: dict[str, float | None]) -> None:
        self._clock = clock
        self._patience = timeouts.get("read") or math.inf
        self.status = 0
        self.headers: list[tuple[bytes, bytes]] = []
        self.parts: list[tuple[float, bytes | Exception]] = []
        self._delay = 0.0

    @property
    def started(self) -> bool:
        """Whether a response has begun."""
        return bool(self.status)

    async def receive_part(self, part: bytes) -> None:
        """Take a part of the response's body."""
        self.parts.append((self._delay, part))
        self._delay = 0.0

    async def wait(self, seconds: float) -> None:
        """Let time pass before the next part; the client's read timeout may end it."""
        if self.started:
            self._delay += seconds
            return
        await self._pass(seconds)

    async def _pass(self, seconds: float) -> None:
        await self._clock.sleep(min(seconds, self._patience))
        if seconds > self._patience:
            message = "the simulated server did not answer in time"
            raise httpx.ReadTimeout(message)

    def reset(self) -> None:
        """Cut the connection: the client reads a reset."""
        self._end(httpx.ReadError("[Errno 104] Connection reset by peer"))

    def close(self) -> None:
        """Close the connection: the client reads an end where more was due."""
        self._end(httpx.RemoteProtocolError("peer closed connection without sending complete message"))

    def raw(self, data: bytes) -> None:
        """Send what is no HTTP."""
        self._end(httpx.RemoteProtocolError(f"illegal status line: {data[:40]!r}"))

    def _end(self, error: Exception) -> None:
        """End the exchange: raise at once, or once the parts so far were read."""
        if not self.started:
            raise error
        self.parts.append((self._delay, error))

    async def replay(self) -> AsyncIterator[bytes]:
        """Yield the parts as they would have come in."""
        for delay, part in self.parts:
            if delay:
                await self._pass(delay)
            if isinstance(part, Exception):
                raise part
            if part:
                yield part


class _Stream(httpx.AsyncByteStream):
    def __init__(self, line: Line, trace: _Trace) -> None:
        self._line = line
        self._trace = trace

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async with self._trace("http11.receive_response_body"):
            async for part in self._line.replay():
                yield part

    async def aclose(self) -> None:
        async with self._trace("http11.response_closed"):
            pass


class _Trace:
    """Tells httpx's ``trace`` extension how an exchange gets on."""

    def __init__(self, request: httpx.Request) -> None:
        self._tell = request.extensions.get("trace")
        self._info = {
            "request": SimpleNamespace(
                method=request.method.encode(), url=request.url, headers=request.headers.raw
            )
        }

    def __call__(self, name: str) -> _Step:
        return _Step(self, name)

    async def tell(self, name: str, info: dict[str, Any] | None = None) -> None:
        if self._tell is not None:
            await self._tell(name, self._info if info is None else info)


class _Step:
    """One traced step: started, then complete or failed."""

    def __init__(self, trace: _Trace, name: str) -> None:
        self._trace = trace
        self._name = name

    async def __aenter__(self) -> None:
        await self._trace.tell(f"{self._name}.started")

    async def __aexit__(self, kind: object, error: BaseException | None, where: object) -> None:
        if error is None:
            await self._trace.tell(f"{self._name}.complete", {"return_value": None})
        elif isinstance(error, Exception):
            await self._trace.tell(f"{self._name}.failed", {"exception": error})


class InProcess(httpx.AsyncBaseTransport):
    """Carries requests to an ASGI application in the same event loop.

    Parameters
    ----------
    app : ASGI application
        The simulator's.
    clock : Clock
        The simulator's.
    door : callable
        Returns how connections are met just now.
    """

    def __init__(self, app: ASGIApp, clock: Clock, door: Callable[[], Door]) -> None:
        self._app = app
        self._clock = clock
        self._door = door
        self._connected = False

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Return the application's response."""
        trace = _Trace(request)
        timeouts = request.extensions.get("timeout", {})
        self._connected &= self._door() == "open"
        if not self._connected:
            async with trace("connection.connect_tcp"):
                await self._connect(timeouts.get("connect") or math.inf)
                self._connected = True
        async with trace("http11.send_request_headers"):
            scope = _scope(request)
        line = Line(self._clock, timeouts)
        scope["state"] = {"line": line}
        async with trace("http11.send_request_body"):
            body = b"".join([part async for part in _body(request)])
        async with trace("http11.receive_response_headers"):
            await self._exchange(scope, body, line)
        return httpx.Response(line.status, headers=line.headers, stream=_Stream(line, trace))

    async def _connect(self, patience: float) -> None:
        door = self._door()
        if door == "silent":
            await self._clock.sleep(patience)
            message = "the simulated network did not answer in time"
            raise httpx.ConnectTimeout(message)
        if door == "refusing":
            message = "[Errno 111] Connection refused"
            raise httpx.ConnectError(message)

    async def _exchange(self, scope: Scope, body: bytes, line: Line) -> None:
        unread = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive() -> Message:
            return unread.pop() if unread else {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            if message["type"] == "http.response.start":
                line.status = message["status"]
                line.headers = list(message.get("headers", ()))
            elif scope["method"] != "HEAD":
                await line.receive_part(message.get("body", b""))

        await self._app(scope, receive, send)
        if not line.started:
            message = "Server disconnected without sending a response."
            raise httpx.RemoteProtocolError(message)


async def _body(request: httpx.Request) -> AsyncIterator[bytes]:
    if isinstance(request.stream, httpx.AsyncByteStream):
        async for part in request.stream:
            yield part


def _scope(request: httpx.Request) -> Scope:
    path, _, query = request.url.raw_path.partition(b"?")
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": request.method,
        "headers": [(name.lower(), value) for name, value in request.headers.raw],
        "scheme": request.url.scheme,
        "path": request.url.path,
        "raw_path": path,
        "query_string": query,
        "root_path": "",
        "server": (request.url.host, request.url.port),
        "client": ("127.0.0.1", 1),
    }
