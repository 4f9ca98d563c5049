"""A simulated world on a real socket: uvicorn's HTTP protocol on a thread of its own."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import struct
import sys
import threading
from typing import TYPE_CHECKING, Any

from gridgen.clock import Clock
from gridgen.errors import GridgenError

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import ASGIApp
    from uvicorn import Config

__all__ = ["Server", "SocketWire"]

_BACKLOG = 1024
_TURNS = 5
_FILLING = 4
_QUIET = logging.NullHandler()


class Server:
    """An ASGI application on 127.0.0.1, in a background thread.

    Parameters
    ----------
    app : ASGI application
        What to serve.
    port : int, default 0
        Port to listen on; 0 takes a free one.

    Raises
    ------
    OSError
        If the port is taken.
    ValueError
        If it is none.
    GridgenError
        In pyodide, which has neither sockets nor threads.
    """

    def __init__(self, app: ASGIApp, port: int = 0) -> None:
        if sys.platform == "emscripten":
            msg = "pyodide has no sockets to listen on; Simulator(speed=math.inf) needs none: it lives in virtual time, in process."
            raise GridgenError(msg)
        from uvicorn.server import ServerState

        # else what a client sends that is no HTTP ends as a line in somebody's notebook
        logging.getLogger("uvicorn.error").addHandler(_QUIET)
        self._config = _config(app, _protocol(lambda: self._open))
        self._open = True
        self._state = ServerState()
        self._socket = _listen(port)
        self.port: int = self._socket.getsockname()[1]
        self._clog: list[socket.socket] = []
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="simulator", daemon=True)
        self._thread.start()
        self._ready.wait()

    def close(self) -> None:
        """Stop listening and cut all connections; a second call does nothing."""
        if not self._thread.is_alive():
            return
        self._loop.call_soon_threadsafe(self._stop.set)
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def refuse(self, *, silent: bool = False) -> None:
        """Cut all connections, and until `accept` refuse new ones, or leave them hanging."""
        asyncio.run_coroutine_threadsafe(self._unlisten(), self._loop).result()
        if silent:
            self._clog = _clogged(self.port)

    def accept(self) -> None:
        """Listen again, on the same port."""
        for line in self._clog:
            line.close()
        self._clog = []
        self._socket = _listen(self.port)
        asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result()

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        await self._listen()
        self._ready.set()
        await self._stop.wait()
        await self._unlisten()
        for task in list(self._state.tasks):
            task.cancel()

    async def _listen(self) -> None:
        self._open = True
        protocol: Any = self._config.http_protocol_class

        def connection() -> asyncio.Protocol:
            made: asyncio.Protocol = protocol(config=self._config, server_state=self._state, app_state={})
            return made

        self._listener = await self._loop.create_server(connection, sock=self._socket, backlog=_BACKLOG)

    async def _unlisten(self) -> None:
        """Take no more connections, then cut those there are.

        asyncio loses a connection that was accepted just before its listener closes, so
        the last ones are let in first.
        """
        self._open = False
        with contextlib.suppress(NotImplementedError):
            self._loop.remove_reader(self._socket)
        for _ in range(_TURNS):
            await Clock().sleep(0)
        for connection in list(self._state.connections):
            transport: asyncio.Transport = connection.transport
            transport.abort()
        self._listener.close()


def _config(app: ASGIApp, protocol: Any) -> Config:
    from uvicorn import Config

    config = Config(
        app,
        http=protocol,
        loop="asyncio",
        lifespan="off",
        ws="none",
        log_config=None,
        access_log=False,
        date_header=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=60,
    )
    config.load()
    return config


class SocketWire:
    """One connection, to be mistreated.

    Parameters
    ----------
    transport : asyncio.Transport
        Of the connection.
    clock : Clock
        For waits.
    """

    def __init__(self, transport: asyncio.Transport, clock: Clock) -> None:
        self._transport = transport
        self._clock = clock

    async def wait(self, seconds: float) -> None:
        """Let time pass before anything more is sent."""
        await self._clock.sleep(seconds)

    def reset(self) -> None:
        """Cut the connection with RST."""
        connection = self._transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._transport.abort()

    def close(self) -> None:
        """Close the connection after what was sent so far."""
        self._transport.close()

    def raw(self, data: bytes) -> None:
        """Send bytes as they are, outside HTTP, and close."""
        self._transport.write(data)
        self._transport.close()


def _clogged(port: int) -> list[socket.socket]:
    """Listen with a queue of no length and fill it, so that the kernel drops who else connects."""
    lines = [_listen(port, queue=0)]
    for _ in range(_FILLING):
        line = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        line.settimeout(0)
        line.connect_ex(("127.0.0.1", port))
        lines.append(line)
    return lines


def _listen(port: int, queue: int = _BACKLOG) -> socket.socket:
    """Return a bound socket; without the protocol named, asyncio leaves Nagle's delay on."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen(queue)
    except OverflowError:
        listener.close()
        msg = f"port={port} is no port: a whole number from 0 to 65535, where 0 takes a free one."
        raise ValueError(msg) from None
    except OSError as error:
        listener.close()
        msg = f"Port {port} of 127.0.0.1 cannot be had ({error.strerror}); 0 takes a free one."
        raise OSError(error.errno, msg) from None
    return listener


def _protocol(is_open: Callable[[], bool]) -> Any:
    """Return uvicorn's protocol class, letting the application reach its transport."""
    try:
        from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol as Base
    except ImportError:
        from uvicorn.protocols.http.h11_impl import H11Protocol as Base  # type: ignore[assignment]

    class Tapped(Base):
        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            self.app_state = {**self.app_state, "transport": transport}
            if not is_open():
                transport.abort()

    return Tapped
