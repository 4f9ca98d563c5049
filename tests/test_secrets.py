"""The key is found in nothing that a run leaves behind or shows."""

from __future__ import annotations

import logging
import socket
import sys

import pytest
from IPython.core import ultratb

from gridgen import Cell, Client, Grid, GridgenError, Sweep
from gridgen.simulator import Fault

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


def test_the_log_tells_what_happens_and_no_secret(simulate, tmp_path, caplog):
    """The logger "gridgen" tells of submissions, pauses, refusals, retries and the folder; no key and no query of a link."""
    simulator = simulate(
        faults=[
            Fault(kind="reply", on="submit", when="before", status=429, times=1),
            Fault(kind="reply", on="submit", when="before", status=400, match="fox", times=1),
        ]
    )
    sweep = Sweep(Grid(prompt=["boat", "fox"]), client=simulator.client(), folder=tmp_path / "boats")
    with caplog.at_level("DEBUG", logger="gridgen"):
        sweep.run()
        sweep.retry()
        sweep.wait()
    told = "\n".join(record.getMessage() for record in caplog.records if record.name == "gridgen")

    for said in (
        "as task",
        "nothing is submitted for",
        "refused row 1: HTTP 400",
        "made again",
        "took the folder",
        "back",
    ):
        assert said in told
    assert simulator.api_key not in told
    assert "?" not in told


def test_nothing_is_logged_to_a_person_who_asked_for_nothing():
    """Without logging configured, a warning of gridgen's goes nowhere: a notebook shows what the board says."""
    handlers = logging.getLogger("gridgen").handlers

    assert any(isinstance(handler, logging.NullHandler) for handler in handlers)


@pytest.mark.parametrize(
    "place",
    [
        "https://{}@h.example",
        "https://u:{}@h.example",
        "https://h.example/v1?key={}",
        "http://h.example/{}",
        "{}",
    ],
)
def test_a_key_in_an_address_is_not_repeated(place):
    """Case A10: a key that was put into the address is refused there, and the error does not show it."""
    with pytest.raises(GridgenError, match="base_url=") as refused:
        Client("sk-another-key-0123", place.format(CANARY))

    assert CANARY not in str(refused.value)
