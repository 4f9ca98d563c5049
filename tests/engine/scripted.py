"""A server on a real socket that does with each connection what a test says, and counts whole requests."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LINGER = struct.pack("ii", 1, 0)


class Scripted:
    """Answers on loopback until it is closed.

    Parameters
    ----------
    script : callable
        Called with this server and each connection, in a thread of its own; the
        connection is closed when it returns.
    """

    def __init__(self, script: Callable[[Scripted, socket.socket], None]) -> None:
        self._script = script
        self.requests: list[bytes] = []
        self.over = threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.listener.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            self._script(self, connection)

    def read(self, connection: socket.socket) -> bytes:
        """Read one request to its end and count it."""
        received = bytearray()
        while b"\r\n\r\n" not in received:
            received += self._more(connection)
        head, _, rest = bytes(received).partition(b"\r\n\r\n")
        lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
        length = int(lengths[0].split(b":")[1]) if lengths else 0
        while len(rest) < length:
            rest += self._more(connection)
        self.requests.append(head + b"\r\n\r\n" + rest)
        return self.requests[-1]

    def _more(self, connection: socket.socket) -> bytes:
        data = connection.recv(65536)
        if not data:
            raise ConnectionResetError
        return data

    def close(self) -> None:
        """Stop listening, and let scripts that wait for it end."""
        self.over.set()
        self.listener.close()


def reset(connection: socket.socket) -> None:
    """Cut a connection with RST."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER)
    connection.close()


def answer(status: int, body: bytes, *headers: str) -> bytes:
    """Return a whole HTTP/1.1 answer."""
    lines = [f"HTTP/1.1 {status} Said", f"content-length: {len(body)}", "connection: close", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


@contextlib.contextmanager
def scripted(script: Callable[[Scripted, socket.socket], None]) -> Iterator[Scripted]:
    """Run a scripted server for the length of a block."""
    server = Scripted(script)
    try:
        yield server
    finally:
        server.close()
