"""The key is found in nothing that a run leaves behind or shows."""

from __future__ import annotations

import logging
import socket
import sys

import pytest
from IPython.core import ultratb

from gridgen import Cell, Client, GridgenError

CANARY = "sk-test-CANARY-0123456789"


@pytest.mark.security("S2")
@pytest.mark.parametrize("reply", [b"", b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\n{}"])
def test_verbose_tracebacks_hide_the_key(reply):
    """S2: IPython's verbose tracebacks, which print variables, never print the key."""
    import threading

    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(reply)

        server = threading.Thread(target=answer)
        server.start()
        client = Client(CANARY, f"http://127.0.0.1:{listener.getsockname()[1]}")
        with pytest.raises(GridgenError):
            client.submit(Cell("boat", "16:9", 6, "480p"))
        server.join()
    try:
        client.submit(Cell("boat", "16:9", 6, "480p"))
    except GridgenError:
        shown = ultratb.VerboseTB().text(*sys.exc_info())
    client.close()

    assert "submit" in shown
    assert CANARY not in shown


@pytest.mark.security("S1", "S3")
def test_debug_logs_hide_the_key(simulate, caplog):
    """S1, S3: with every logger at DEBUG, a submission and a poll log no key."""
    caplog.set_level(logging.DEBUG)
    client = simulate(speed=1000.0).client(api_key=CANARY)
    task = client.submit(Cell("boat", "16:9", 6, "480p"))
    client.task(task.id)
    client.close()

    assert caplog.text
    assert CANARY not in caplog.text
