"""The engine under each fault, by its number: what went over the wire, what was paid, what the row says.

The numbers are those of the fault matrix that the engine was designed to; the
last test holds the table of all of them. ``pytest -m fault`` runs the suite.
"""

from __future__ import annotations

import contextlib
import math
import socket
import sqlite3
import ssl
import subprocess
import sys
import textwrap
import threading
from collections import Counter
from decimal import Decimal
from typing import TYPE_CHECKING

import httpx
import pytest
from numbered import bearers
from waiting import until

from gridgen import (
    AuthenticationError,
    Client,
    Grid,
    GridgenError,
    JournalError,
    NetworkError,
    OutOfCreditsError,
    Sweep,
)
from gridgen.simulator import Fault
from gridgen.simulator.clock import ScaledClock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from gridgen import Simulator

PRICE = Decimal("0.0612")


def boats(count: int) -> Grid:
    """Return a grid of so many cells of one price."""
    return Grid(prompt=[f"boat {number}" for number in range(count)])


def verdict(simulator: Simulator, sweep: Sweep) -> tuple[int, Decimal, dict[str, int]]:
    """Return POSTs seen on the wire, the ledger's sum, and the rows' states."""
    posts = sum(seen.method == "POST" for seen in simulator.requests)
    return posts, simulator.ledger.billed, sweep.counts()


@pytest.fixture
def swept(simulate, tmp_path: Path):
    """Run a sweep on a simulator with faults, in virtual time unless told otherwise, to be judged."""

    def run(*faults: Fault, cells: int = 1, client: Callable | None = None, **options):
        simulator = simulate(faults=list(faults), **options)
        made = simulator.client() if client is None else client(simulator)
        sweep = Sweep(boats(cells), client=made, folder=tmp_path / "boats", previews=False)
        sweep.run()
        return simulator, sweep

    return run


class Broken(httpx.AsyncBaseTransport):
    """A transport to a simulator that raises, a few times, before some requests leave."""

    def __init__(self, simulator: Simulator, where: str, error: Callable[[], Exception], times: int) -> None:
        self.inner = simulator.transport()
        self.where, self.error, self.left = where, error, times

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Raise, or pass the request on."""
        if request.url.path.startswith(self.where) and self.left:
            self.left -= 1
            raise self.error()
        return await self.inner.handle_async_request(request)


def breaking(where: str, error: Callable[[], Exception], times: int) -> Callable[[Simulator], Client]:
    """Return what makes a client whose requests to a place fail before they leave."""

    def make(simulator: Simulator) -> Client:
        transport = Broken(simulator, where, error, times)
        return simulator.client(http_client=lambda: httpx.AsyncClient(transport=transport))

    return make


def unreachable() -> Exception:
    """Return what httpx raises when nobody listens."""
    return httpx.ConnectError("[Errno 111] Connection refused")


def distrusted() -> Exception:
    """Return what httpx raises when a certificate is refused."""
    error = httpx.ConnectError("[SSL: CERTIFICATE_VERIFY_FAILED]")
    cause = ssl.SSLCertVerificationError(1, "certificate verify failed")
    cause.verify_message = "self-signed certificate"
    error.__cause__ = cause
    return error


# 1, 2, 3, 29: before a request leaves


@contextlib.contextmanager
def speaking(reply: bytes, *, tls: ssl.SSLContext | None = None) -> Iterator[tuple[int, list[bytes]]]:
    """Answer every connection with the same bytes; yield the port and what came in."""
    seen: list[bytes] = []
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection, contextlib.suppress(OSError):
                speaker = connection if tls is None else tls.wrap_socket(connection, server_side=True)
                seen.append(speaker.recv(65536))
                speaker.sendall(reply)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield listener.getsockname()[1], seen
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


@pytest.mark.fault("1-submit")
def test_nobody_listens(tmp_path):
    """F1: connection refused: tried a few times, told, nothing sent, everything still planned."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
    client = Client("sim-x", address, clock=ScaledClock(2000.0))
    sweep = Sweep(boats(2), client=client, folder=tmp_path, previews=False)

    with pytest.raises(NetworkError, match="Nothing was sent"):
        sweep.run()
    assert sweep.counts() == {"planned": 2}


@pytest.mark.fault("1-submit")
def test_a_server_that_comes_back(swept):
    """F1: a refused connection is tried again, by the same attempt; one POST, one payment, a clip."""
    simulator, sweep = swept(client=breaking("/v1/videos", unreachable, 0))
    assert verdict(simulator, sweep) == (1, PRICE, {"done": 1})


@pytest.mark.parametrize(
    "where",
    [
        pytest.param("/v1/tasks", marks=pytest.mark.fault("1-poll")),
        pytest.param("/f/video", marks=pytest.mark.fault("1-download")),
    ],
)
def test_connections_that_fail_later(swept, where):
    """F1: a question or a download that finds nobody is tried again; state and part are kept."""
    simulator, sweep = swept(client=breaking(where, unreachable, 3))

    assert verdict(simulator, sweep) == (1, PRICE, {"done": 1})


@pytest.mark.fault("2-submit")
def test_a_server_without_tls(tmp_path):
    """F2: a failed TLS handshake sends nothing; everything is still planned."""
    with speaking(b"HTTP/1.1 400 Bad Request\r\n\r\n") as (port, seen):
        client = Client("sim-x", f"https://127.0.0.1:{port}", clock=ScaledClock(2000.0))
        sweep = Sweep(boats(1), client=client, folder=tmp_path, previews=False)
        with pytest.raises(NetworkError, match="Nothing was sent"):
            sweep.run()
        client.close()

    assert sweep.counts() == {"planned": 1}
    assert not any(b"POST" in request for request in seen)


@pytest.fixture(scope="session")
def certificate(tmp_path_factory) -> tuple[Path, Path]:
    """Return a self-signed certificate and its key."""
    folder = tmp_path_factory.mktemp("tls")
    made = folder / "certificate", folder / "key"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=x"]
    command += ["-out", str(made[0]), "-keyout", str(made[1])]
    subprocess.run(command, check=True, capture_output=True)
    return made


@pytest.mark.fault("2-submit")
def test_an_untrusted_certificate(tmp_path, certificate):
    """F2: a certificate that nobody vouches for stops the sweep at once, in words; verification is never switched off."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(*certificate)
    with speaking(b"HTTP/1.1 200 OK\r\n\r\n", tls=tls) as (port, seen):
        client = Client("sim-x", f"https://127.0.0.1:{port}", clock=ScaledClock(2000.0))
        sweep = Sweep(boats(3), client=client, folder=tmp_path, previews=False)
        with pytest.raises(NetworkError, match=r"certificate is not trusted \(self-signed certificate\)"):
            sweep.run()
        client.close()

    assert sweep.counts() == {"planned": 3}
    assert seen == []


@pytest.mark.parametrize(
    ("where", "state"),
    [
        pytest.param("/v1/tasks", "queued", marks=pytest.mark.fault("2-poll")),
        pytest.param("/f/video", "downloading", marks=pytest.mark.fault("2-download")),
    ],
)
def test_a_certificate_that_stops_being_trusted(simulate, tmp_path, where, state):
    """F2: refused in mid-sweep, it stops the sweep with a clear message; what is paid is kept and fetched later."""
    simulator = simulate()
    client = breaking(where, distrusted, 1)(simulator)
    sweep = Sweep(boats(1), client=client, folder=tmp_path, previews=False)
    with pytest.raises(NetworkError, match="certificate is not trusted"):
        sweep.run()
    assert verdict(simulator, sweep) == (1, PRICE, {state: 1})

    sweep.run()
    assert verdict(simulator, sweep) == (1, PRICE, {"done": 1})


@pytest.mark.fault("3-submit", "3-poll", "3-download")
def test_the_pool_is_never_exhausted(swept):
    """F3: at most 12 questions and submissions and 4 downloads are on their way at once; no cell waits for a connection."""
    flying: Counter[str] = Counter()
    most: Counter[str] = Counter()

    def client(simulator: Simulator) -> Client:
        inner = simulator.transport()

        class Counts(httpx.AsyncBaseTransport):
            async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
                kind = "download" if request.url.path.startswith("/f/") else "control"
                flying[kind] += 1
                most[kind] = max(most[kind], flying[kind])
                try:
                    await simulator.clock.sleep(0.2)
                    return await inner.handle_async_request(request)
                finally:
                    flying[kind] -= 1

        return simulator.client(http_client=lambda: httpx.AsyncClient(transport=Counts()))

    simulator, sweep = swept(cells=60, client=client, rate=None, slots=None)

    posts, billed, counts = verdict(simulator, sweep)
    assert (posts, billed, counts) == (60, 60 * PRICE, {"done": 60})
    assert most["control"] <= 12
    assert most["download"] <= 4


@pytest.mark.fault("29-submit")
def test_a_proxy_that_asks_for_a_password(tmp_path, monkeypatch):
    """F29: 407 to CONNECT is no answer to the submission: nothing was sent, and nothing is unknown."""
    with speaking(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n") as (port, seen):
        monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{port}")
        client = Client("sim-x", "https://api.example.org", clock=ScaledClock(2000.0))
        sweep = Sweep(boats(2), client=client, folder=tmp_path, previews=False)
        with pytest.raises(NetworkError, match="Nothing was sent"):
            sweep.run()
        client.close()

    assert sweep.counts() == {"planned": 2}
    assert {request.split(b" ")[0] for request in seen} == {b"CONNECT"}


# 4 to 7, 13, 28 on submission: a lost answer

LOST = [
    pytest.param(
        Fault(kind="reset", on="submit", when="after"), id="reset", marks=pytest.mark.fault("4-submit")
    ),
    pytest.param(
        Fault(kind="close", on="submit", when="after"), id="close", marks=pytest.mark.fault("4-submit")
    ),
    pytest.param(
        Fault(kind="hang", on="submit", when="after"), id="hang", marks=pytest.mark.fault("4-submit")
    ),
    pytest.param(
        Fault(kind="drip", on="submit", when="mid_reply", size=1, seconds=20),
        id="drip",
        marks=pytest.mark.fault("5-submit"),
    ),
    pytest.param(
        Fault(kind="close", on="submit", when="mid_reply", size=20),
        id="half-a-body",
        marks=pytest.mark.fault("6-submit"),
    ),
    pytest.param(
        Fault(kind="reply", on="submit", when="after", status=200, body="<html>"),
        id="html",
        marks=pytest.mark.fault("7-submit"),
    ),
    pytest.param(
        Fault(kind="garbage", on="submit", when="after"), id="no-http", marks=pytest.mark.fault("7-submit")
    ),
    pytest.param(
        Fault(kind="reply", on="submit", when="after", status=200, body={"code": 200, "data": []}),
        id="no-id",
        marks=pytest.mark.fault("7-submit"),
    ),
    pytest.param(
        Fault(kind="reply", on="submit", when="after", status=200, body={"code": 500, "message": "oops"}),
        id="inner-500",
        marks=pytest.mark.fault("8-submit"),
    ),
    *(
        pytest.param(
            Fault(kind="reply", on="submit", when="after", status=status),
            id=str(status),
            marks=pytest.mark.fault("13-submit"),
        )
        for status in (408, 500, 502, 504, 520, 522, 524)
    ),
    pytest.param(
        Fault(kind="flood", on="submit", when="after", size=50 * 2**20),
        id="flood",
        marks=pytest.mark.fault("28-submit"),
    ),
    pytest.param(
        Fault(kind="gzip", on="submit", when="after", size=100 * 2**20),
        id="gzip",
        marks=pytest.mark.fault("28-submit"),
    ),
]


@pytest.mark.parametrize("fault", LOST)
@pytest.mark.parametrize("speed", [math.inf, 2000.0], ids=["in-process", "socket"])
def test_a_lost_answer_to_a_paid_submission(swept, fault, speed):
    """F4 to F8, F13, F28: billed, answer lost: one POST, one payment, one unknown row, whatever the loss looks like."""
    if fault.kind in {"hang", "drip"} and speed < math.inf:
        speed = math.inf  # a real socket would be waited for in real seconds
    simulator, sweep = swept(fault, speed=speed)

    assert verdict(simulator, sweep) == (1, PRICE, {"unknown": 1})


@pytest.mark.fault("28-submit")
def test_a_bomb_of_headers(swept):
    """F28: an answer with a megabyte of headers is cut off by the transport: unknown, one POST, one payment."""
    bomb = Fault(kind="headers", on="submit", when="mid_reply", size=2**20)
    simulator, sweep = swept(bomb, speed=2000.0)

    assert verdict(simulator, sweep) == (1, PRICE, {"unknown": 1})


# 8, 9, 10, 12, 27: what the server says

UNPAID = [
    pytest.param(
        Fault(kind="reply", on="submit", status=429), id="429", marks=pytest.mark.fault("12-submit")
    ),
    *(
        pytest.param(
            Fault(kind="reply", on="submit", status=429, headers={"retry-after": said}),
            id=f"retry-after-{name}",
            marks=pytest.mark.fault("12-submit"),
        )
        for name, said in (("garbage", "soon"), ("negative", "-7"), ("a-day", "86400"), ("never", "inf"))
    ),
    pytest.param(
        Fault(kind="reply", on="submit", status=400, body={"error": {"code": "get_channel_failed"}}),
        id="channel",
        marks=pytest.mark.fault("13-submit"),
    ),
    pytest.param(
        Fault(kind="reply", on="submit", status=503, body={"error": {"code": "idempotency_unavailable"}}),
        id="unavailable",
        marks=pytest.mark.fault("27-submit"),
    ),
    *(
        pytest.param(
            Fault(kind="reply", on="submit", status=status),
            id=str(status),
            marks=pytest.mark.fault("13-submit"),
        )
        for status in (425, 521, 523)
    ),
]


@pytest.mark.parametrize("fault", UNPAID)
def test_a_refusal_that_did_nothing_is_repeated(swept, fault):
    """F12, F13, F27: the server says that it did nothing; the same attempt goes out again, and is paid once."""
    simulator, sweep = swept(fault)
    keys = {seen.headers["idempotency-key"] for seen in simulator.requests if seen.method == "POST"}

    assert verdict(simulator, sweep) == (2, PRICE, {"done": 1})
    assert len(keys) == 1


@pytest.mark.fault("12-submit")
@pytest.mark.parametrize("said", ["header", "body", "text", "date", "none"])
def test_rate_limits_in_every_form(swept, said):
    """F12: each way of saying 429 pauses all submissions; every cell is made and paid once."""
    simulator, sweep = swept(cells=8, rate=10.0, burst=2, rate_reply=said)

    posts, billed, counts = verdict(simulator, sweep)
    assert (billed, counts) == (8 * PRICE, {"done": 8})
    assert posts < 24


@pytest.mark.fault("12-submit")
def test_nothing_leaves_before_retry_after(swept):
    """F12: after a 429 with Retry-After 120, no submission of the key leaves for 120 s."""
    refused = Fault(kind="reply", on="submit", status=429, headers={"retry-after": "120"})
    simulator, sweep = swept(refused, cells=5)

    sent = sorted(seen.at for seen in simulator.requests if seen.method == "POST")
    told = next(seen.at for seen in simulator.requests if seen.status == 429)
    assert [at for at in sent if told + 1 < at < told + 119] == []
    assert verdict(simulator, sweep)[1:] == (5 * PRICE, {"done": 5})


@pytest.mark.parametrize(
    "status",
    [
        *(pytest.param(each, marks=pytest.mark.fault("8-submit")) for each in (400, 404, 405, 413, 415, 422)),
        *(pytest.param(each, marks=pytest.mark.fault("29-submit")) for each in (302, 307)),
    ],
)
def test_a_refused_submission_is_a_row(swept, status):
    """F8, F29: a refusal, or a redirect of a captive portal, ends its own cell without a second POST."""
    fault = Fault(
        kind="reply",
        on="submit",
        status=status,
        headers={"location": "http://127.0.0.1:1/"},
        match="boat 0",
        when="before",
    )
    simulator, sweep = swept(fault, cells=2)

    assert verdict(simulator, sweep) == (2, PRICE, {"done": 1, "rejected": 1})


@pytest.mark.fault("8-submit")
@pytest.mark.parametrize(
    "body",
    [
        {"code": 400, "message": "bad size"},
        {"success": False, "message": "bad size"},
        {"code": 200, "error": {"message": "bad size"}},
    ],
)
def test_a_refusal_inside_a_success(swept, body):
    """F8: HTTP 200 with another code, an error or success false is judged by what it says."""
    simulator, sweep = swept(Fault(kind="reply", on="submit", status=200, body=body))

    assert verdict(simulator, sweep) == (1, 0, {"rejected": 1})
    assert "bad size" in sweep.rows()[0].error


@pytest.mark.fault("9-submit")
@pytest.mark.parametrize("status", [401, 403])
def test_a_bad_key_stops_the_sweep(simulate, tmp_path, status):
    """F9: 401 and 403 stop submitting at once, leave the cells planned, and a good key goes on."""
    refused = Fault(kind="reply", on="submit", when="before", status=status, times=None)
    simulator = simulate(faults=[refused])
    sweep = Sweep(boats(20), client=simulator.client(), folder=tmp_path, previews=False)
    with pytest.raises(AuthenticationError):
        sweep.run()
    posts, billed, counts = verdict(simulator, sweep)
    assert (billed, counts) == (0, {"planned": 20})
    assert posts <= 12

    simulator.faults.clear()
    sweep.run()
    assert verdict(simulator, sweep)[1:] == (20 * PRICE, {"done": 20})


@pytest.mark.fault("9-poll", "31-poll")
@pytest.mark.parametrize("status", [401, 403])
def test_a_key_revoked_while_polling(simulate, tmp_path, status):
    """F9, F31: tasks of a revoked key are not lost: the sweep says so, and the next run follows them."""
    said = {"error": {"code": "", "message": "that key is not valid", "type": "apimart_error"}}
    simulator = simulate(faults=[Fault(kind="reply", on="status", status=status, body=said, times=None)])
    sweep = Sweep(boats(1), client=simulator.client(), folder=tmp_path, previews=False)
    with pytest.raises(AuthenticationError):
        sweep.run()
    assert verdict(simulator, sweep) == (1, PRICE, {"queued": 1})

    simulator.faults.clear()
    sweep.run()
    assert verdict(simulator, sweep) == (1, PRICE, {"done": 1})


@pytest.mark.fault("10-submit", "10-poll")
def test_the_money_runs_out(simulate, tmp_path):
    """F10: 402 leaves the rest planned while what runs is followed to its end; after a top-up the sweep goes on."""
    simulator = simulate(balance=2 * PRICE, balance_fails=True, rate=60.0, burst=1)
    sweep = Sweep(boats(5), client=simulator.client(), folder=tmp_path, previews=False)
    with pytest.raises(OutOfCreditsError):
        sweep.run()
    assert verdict(simulator, sweep)[1:] == (2 * PRICE, {"planned": 3, "done": 2})

    simulator.top_up(1)
    sweep.run()
    assert verdict(simulator, sweep)[1:] == (5 * PRICE, {"done": 5})


# Polling

POLLING = [
    pytest.param(Fault(kind="reset", on="status", times=3), id="reset", marks=pytest.mark.fault("1-poll")),
    pytest.param(Fault(kind="hang", on="status", times=2), id="hang", marks=pytest.mark.fault("4-poll")),
    pytest.param(
        Fault(kind="slow", on="status", seconds=60, times=2), id="slow", marks=pytest.mark.fault("4-poll")
    ),
    pytest.param(
        Fault(kind="drip", on="status", when="mid_reply", size=1, seconds=5, times=2),
        id="drip",
        marks=pytest.mark.fault("5-poll"),
    ),
    pytest.param(
        Fault(kind="close", on="status", when="mid_reply", size=10, times=3),
        id="half",
        marks=pytest.mark.fault("6-poll"),
    ),
    pytest.param(
        Fault(kind="reply", on="status", status=200, body="<html>", times=8),
        id="html",
        marks=pytest.mark.fault("7-poll"),
    ),
    pytest.param(
        Fault(kind="garbage", on="status", times=3), id="no-http", marks=pytest.mark.fault("7-poll")
    ),
    pytest.param(
        Fault(kind="reply", on="status", status=200, body={"code": 500, "message": "oops"}, times=3),
        id="inner-500",
        marks=pytest.mark.fault("8-poll"),
    ),
    pytest.param(
        Fault(kind="reply", on="status", status=200, body={"code": 404, "message": "gone"}, times=3),
        id="inner-404",
        marks=pytest.mark.fault("8-poll"),
    ),
    pytest.param(
        Fault(kind="reply", on="status", status=404, times=3), id="404", marks=pytest.mark.fault("11-poll")
    ),
    pytest.param(
        Fault(kind="reply", on="status", status=429, headers={"retry-after": "9"}, times=3),
        id="429",
        marks=pytest.mark.fault("12-poll"),
    ),
    pytest.param(
        Fault(kind="reply", on="status", status=503, times=4), id="503", marks=pytest.mark.fault("13-poll")
    ),
    pytest.param(
        Fault(kind="flood", on="status", size=20 * 2**20, times=1),
        id="flood",
        marks=pytest.mark.fault("28-poll"),
    ),
    pytest.param(
        Fault(kind="gzip", on="status", size=50 * 2**20, times=1),
        id="gzip",
        marks=pytest.mark.fault("28-poll"),
    ),
    pytest.param(
        Fault(kind="reply", on="status", status=302, headers={"location": "http://127.0.0.1:1/"}, times=2),
        id="captive",
        marks=pytest.mark.fault("29-poll"),
    ),
]


@pytest.mark.parametrize("fault", POLLING)
def test_a_failed_question_is_no_failed_task(swept, fault):
    """F1 to F13, F28, F29 while polling: asked again until it answers; one POST, one payment, a clip."""
    simulator, sweep = swept(fault)

    assert verdict(simulator, sweep) == (1, PRICE, {"done": 1})


@pytest.mark.fault("11-poll", "8-poll")
@pytest.mark.parametrize("status", [404, 200])
def test_a_task_that_the_server_forgot(swept, status):
    """F8, F11: two minutes of 404, as status or inside a 200, make a task missing; it is never submitted again."""
    gone = Fault(kind="reply", on="status", status=status, body={"code": 404, "message": "no"}, times=None)
    simulator, sweep = swept(gone)

    assert verdict(simulator, sweep) == (1, PRICE, {"missing": 1})
    asked = [seen.at for seen in simulator.requests if seen.path.startswith("/v1/tasks")]
    assert asked[-1] - asked[0] >= 120


@pytest.mark.fault("14-poll")
def test_a_task_that_never_ends(swept):
    """F14: long past what any task takes, it is stalled; waiting ends, and nothing is declared failed."""
    simulator, sweep = swept(Fault(kind="stick", on="submit", match="boat 0"), cells=3)

    posts, billed, counts = verdict(simulator, sweep)
    assert (posts, billed, counts) == (3, 3 * PRICE, {"stalled": 1, "done": 2})
    assert sweep.cost == 3 * PRICE


@pytest.mark.fault("15-poll")
@pytest.mark.parametrize("progress", ["noisy", "plateau", "stuck", "backwards", "percent", "over", "absent"])
def test_odd_progress(simulate, tmp_path, progress):
    """F15: whatever progress and status words say, progress is never shown going back, and the clip arrives."""
    simulator = simulate(progress=progress, words="odd", speed=200.0, service=2.0)
    sweep = Sweep(boats(2), client=simulator.client(), folder=tmp_path, previews=False)
    shown: dict[int, list[int]] = {0: [], 1: []}

    def hear(rows) -> None:
        for row in rows:
            shown[row.index].append(row.progress or 0)

    stop = sweep.watch(hear)
    sweep.run()
    stop()

    assert verdict(simulator, sweep) == (2, 2 * PRICE, {"done": 2})
    assert all(each == sorted(each) for each in shown.values())
    assert [row.progress for row in sweep.rows()] == [100, 100]


@pytest.mark.fault("15-poll")
def test_a_status_that_nobody_knows(swept):
    """F15: an unknown word counts as running until a known one comes."""
    odd = Fault(kind="patch", on="status", patch={"data": {"status": "pondering"}}, times=6)
    simulator, sweep = swept(odd)

    assert verdict(simulator, sweep) == (1, PRICE, {"done": 1})


@pytest.mark.fault("16-poll")
@pytest.mark.parametrize(
    ("options", "state"),
    [
        ({"url": "plain"}, "done"),
        ({"url": "string"}, "done"),
        ({"url": "list"}, "done"),
        ({"url": "list", "videos": 3}, "done"),
        ({"url": "missing"}, "missing"),
    ],
)
def test_links_in_every_shape(swept, options, state):
    """F16: a link in any shape is found; a completed task without one is asked five times, then told."""
    simulator, sweep = swept(**options)

    assert verdict(simulator, sweep) == (1, PRICE, {state: 1})
    if state == "missing":
        assert sweep.rows()[0].error_class == "no_media"
        assert sweep.cost == PRICE


@pytest.mark.fault("32-submit", "32-poll")
def test_the_shape_of_replies_may_change(simulate, tmp_path):
    """F32: replies of shapes A, B and C in one run, changing while it goes on, are all understood."""
    simulator = simulate(rate=60.0, burst=1)
    inner = simulator.transport()
    shapes = iter("ABC" * 100)

    class Changing(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            simulator.profile = simulator.profile.but(
                shape=next(shapes), url=["list", "string", "plain"][len(request.url.path) % 3]
            )
            return await inner.handle_async_request(request)

    client = simulator.client(http_client=lambda: httpx.AsyncClient(transport=Changing()))
    sweep = Sweep(boats(9), client=client, folder=tmp_path, previews=False)
    sweep.run()

    assert verdict(simulator, sweep)[1:] == (9 * PRICE, {"done": 9})


@pytest.mark.fault("13-submit", "13-poll", "13-download")
def test_a_storm_is_sat_out(swept):
    """F13: ten minutes of 503 from everything: nothing fails, no answer is lost, and one question per 15 s goes out."""
    storm = Fault(kind="reply", on="any", status=503, times=None, during=(30, 630))
    simulator, sweep = swept(storm, cells=30)

    posts, billed, counts = verdict(simulator, sweep)
    lost = counts.get("unknown", 0)
    assert counts["done"] + lost == 30
    assert billed == counts["done"] * PRICE
    assert posts == 30
    began = min(seen.at for seen in simulator.requests)
    during = [seen for seen in simulator.requests if began + 120 < seen.at < began + 600]
    assert len(during) <= 480 / 15 + 2


# Downloading

DOWNLOADING = [
    pytest.param(
        Fault(kind="reset", on="result", times=2), id="reset", marks=pytest.mark.fault("1-download")
    ),
    pytest.param(
        Fault(kind="hang", on="result", when="mid_reply", size=500, times=1),
        id="hang",
        marks=pytest.mark.fault("5-download"),
    ),
    pytest.param(
        Fault(kind="slow", on="result", seconds=60, times=2), id="slow", marks=pytest.mark.fault("4-download")
    ),
    pytest.param(
        Fault(kind="close", on="result", when="mid_reply", size=700, times=2),
        id="truncated",
        marks=pytest.mark.fault("6-download"),
    ),
    pytest.param(
        Fault(kind="reply", on="result", status=200, body="<html>", times=1),
        id="html",
        marks=pytest.mark.fault("7-download"),
    ),
    pytest.param(
        Fault(kind="reply", on="result", status=429, headers={"retry-after": "9"}, times=2),
        id="429",
        marks=pytest.mark.fault("12-download"),
    ),
    pytest.param(
        Fault(kind="reply", on="result", status=500, times=3),
        id="500",
        marks=pytest.mark.fault("13-download"),
    ),
    pytest.param(
        Fault(kind="reply", on="result", status=200, body=b"", times=2),
        id="empty",
        marks=pytest.mark.fault("18-download"),
    ),
    pytest.param(
        Fault(kind="corrupt", on="result", when="mid_reply", times=1),
        id="corrupt",
        marks=pytest.mark.fault("18-download"),
    ),
    pytest.param(
        Fault(kind="flood", on="result", size=20 * 2**20, times=1),
        id="flood",
        marks=pytest.mark.fault("28-download"),
    ),
    pytest.param(
        Fault(kind="gzip", on="result", size=100 * 2**20, times=1),
        id="gzip",
        marks=pytest.mark.fault("28-download"),
    ),
]


@pytest.mark.parametrize("fault", DOWNLOADING)
def test_a_broken_download_is_mended(swept, fault):
    """F1 to F7, F12, F13, F18, F28 while downloading: tried again, never paid again, and nothing wrong is kept."""
    simulator, sweep = swept(fault)

    posts, billed, counts = verdict(simulator, sweep)
    assert (posts, billed) == (1, PRICE)
    assert counts == {"done": 1}
    assert not list(sweep.folder.glob("*.part*"))


@pytest.mark.fault("5-download", "6-download")
def test_a_truncated_download_is_resumed(swept):
    """F5, F6: the second try asks only for what is missing."""
    cut = Fault(kind="close", on="result", when="mid_reply", size=700, times=1)
    simulator, sweep = swept(cut, speed=2000.0)

    ranges = [seen.headers.get("range") for seen in simulator.requests if seen.path.startswith("/f/video")]
    assert ranges[0] is None
    assert ranges[1] is not None
    assert verdict(simulator, sweep) == (1, PRICE, {"done": 1})


@pytest.mark.fault("18-download")
def test_a_corrupt_file_is_never_shown(swept):
    """F18: a file that stays broken is not kept under its name; the clip stays paid and visible."""
    junk = Fault(kind="reply", on="result", status=200, body=b"\x00\x00\x00\x18ftypmp42junk", times=None)
    simulator, sweep = swept(junk)

    assert verdict(simulator, sweep) == (1, PRICE, {"missing": 1})
    assert not list(sweep.folder.glob("*.mp4"))
    assert sweep.cost == PRICE


@pytest.mark.parametrize(
    "status",
    [
        pytest.param(403, marks=pytest.mark.fault("17-download", "9-download")),
        pytest.param(404, marks=pytest.mark.fault("17-download", "11-download")),
        pytest.param(410, marks=pytest.mark.fault("17-download")),
    ],
)
def test_an_expired_link(swept, status):
    """F9, F11, F17: a dead link is asked for again once; the clip stays paid and visible as expired, and may be had later."""
    simulator, sweep = swept(Fault(kind="reply", on="result", status=status, times=None))
    assert verdict(simulator, sweep) == (1, PRICE, {"expired": 1})
    assert sweep.cost == PRICE

    simulator.faults.clear()
    sweep.run()
    assert verdict(simulator, sweep) == (1, PRICE, {"done": 1})


@pytest.mark.fault("17-poll", "17-download")
def test_a_fresh_link_is_asked_for(swept):
    """F17: after a dead link one question brings a new one, which is fetched."""

    def client(simulator: Simulator) -> Client:
        inner = simulator.transport()
        done = []

        class Renews(httpx.AsyncBaseTransport):
            """Gives a link that is dead in the first answer of a completed task."""

            async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
                response = await inner.handle_async_request(request)
                if request.url.path.startswith("/v1/tasks") and not done:
                    body = await response.aread()
                    if b'"completed"' in body:
                        done.append(1)
                        text = body.replace(b"/f/video/", b"/f/video/old-")
                        return httpx.Response(200, content=text)
                    return httpx.Response(200, content=body)
                return response

        return simulator.client(http_client=lambda: httpx.AsyncClient(transport=Renews()))

    simulator, sweep = swept(client=client)

    links = [seen.path for seen in simulator.requests if seen.path.startswith("/f/video")]
    assert verdict(simulator, sweep) == (1, PRICE, {"done": 1})
    assert len(links) == len(set(links)) == 2


# 19, 20: the disk and the journal


@pytest.mark.fault("19-submit", "20-submit")
def test_an_unwritable_folder_sends_nothing(simulate, tmp_path):
    """F19, F20: a folder that cannot be made is told before the first POST."""
    (tmp_path / "file").write_text("not a folder")
    simulator = simulate()
    sweep = Sweep(boats(1), client=simulator.client(), folder=tmp_path / "file" / "boats", previews=False)
    with pytest.raises(GridgenError, match="Nothing was sent"):
        sweep.run()
    assert verdict(simulator, sweep) == (0, 0, {"planned": 1})


@pytest.mark.fault("20-submit")
def test_a_journal_that_is_held_by_another_program(simulate, tmp_path):
    """F20: a database that stays locked for five seconds fails before the POST; when it is free, the sweep goes on."""
    simulator = simulate()
    sweep = Sweep(boats(2), client=simulator.client(), folder=tmp_path, previews=False)
    sweep.run()
    wider = Sweep(boats(4), client=simulator.client(), folder=tmp_path, previews=False)
    other = sqlite3.connect(tmp_path / "journal.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(JournalError, match="locked"):
        wider.run()
    assert verdict(simulator, wider) == (2, 2 * PRICE, {"planned": 2, "done": 2})

    other.execute("ROLLBACK")
    other.close()
    wider.run()
    assert verdict(simulator, wider) == (4, 4 * PRICE, {"done": 4})


@pytest.mark.fault("20-poll")
def test_a_journal_that_is_busy_while_tasks_run(simulate, tmp_path):
    """F20: a database that is locked for a moment in mid-sweep holds up nothing for good."""
    simulator = simulate(speed=200.0, rate=None, slots=None)
    sweep = Sweep(boats(6), client=simulator.client(), folder=tmp_path, previews=False)
    sweep.start()
    until(lambda: len(simulator.ledger) >= 3)
    other = sqlite3.connect(tmp_path / "journal.sqlite", isolation_level=None, timeout=10)
    other.execute("BEGIN IMMEDIATE")
    threading.Event().wait(0.3)
    other.execute("ROLLBACK")
    other.close()
    sweep.wait()
    if sweep.counts() != {"done": 6}:
        sweep.run()

    assert verdict(simulator, sweep) == (6, 6 * PRICE, {"done": 6})


@pytest.mark.fault("20-submit", "20-download")
def test_a_second_owner_reads(simulate, tmp_path):
    """F20: a folder in use by another process is read only: its rows are seen, nothing is sent, nothing downloaded."""
    pytest.importorskip("fcntl")
    simulator = simulate()
    sweep = Sweep(boats(2), client=simulator.client(), folder=tmp_path, previews=False)
    sweep.run()
    holder = "import fcntl, sys; f = open(sys.argv[1], 'r+'); fcntl.flock(f, fcntl.LOCK_EX); print('held', flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", holder, str(tmp_path / "journal.lock")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True) as child:
        child.stdout.readline()
        wider = Sweep(boats(4), client=simulator.client(), folder=tmp_path, previews=False)
        with pytest.raises(JournalError, match="at work"):
            wider.run()
        assert verdict(simulator, wider) == (2, 2 * PRICE, {"planned": 2, "done": 2})
        child.stdin.close()


# 21, 22: kill -9 and a kernel that starts anew

KILLED = """
import sys
from gridgen import Client, Grid, Sweep
from gridgen.simulator.clock import ScaledClock
url, key, folder, speed, count = sys.argv[1:]
client = Client(key, url, clock=ScaledClock(float(speed)))
grid = Grid(prompt=[f"boat {n}" for n in range(int(count))])
Sweep(grid, client=client, folder=folder, previews=False).run()
"""


@contextlib.contextmanager
def running(simulator: Simulator, folder: Path, *, speed: float, count: int) -> Iterator[subprocess.Popen]:
    """Run a sweep in a process of its own, which is killed with SIGKILL at the end of the block."""
    command = [sys.executable, "-c", textwrap.dedent(KILLED)]
    command += [simulator.base_url, simulator.api_key, str(folder), str(speed), str(count)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as child:
        yield child
        child.kill()


@pytest.mark.fault("21-submit", "21-poll", "22-submit", "22-poll")
def test_a_killed_process(simulate, tmp_path):
    """F21, F22: after SIGKILL another kernel shows every row, submits nothing twice, and follows what was accepted."""
    simulator = simulate(speed=20.0, rate=None, slots=None)
    with running(simulator, tmp_path / "boats", speed=20.0, count=12) as child:
        until(lambda: len(simulator.ledger) >= 3 or child.poll() is not None)
    accepted = {entry.body["prompt"] for entry in simulator.ledger}
    sweep = Sweep(boats(12), client=simulator.client(), folder=tmp_path / "boats", previews=False)
    known = sum(count for status, count in sweep.counts().items() if status != "planned")
    assert known >= len(accepted)
    sweep.run()

    posts, billed, counts = verdict(simulator, sweep)
    unknown = counts.get("unknown", 0)
    assert counts.get("done", 0) + unknown == 12
    prompts = [entry.body["prompt"] for entry in simulator.ledger]
    assert len(prompts) == len(set(prompts)) <= posts
    assert billed <= 12 * PRICE
    assert unknown <= 12


@pytest.mark.fault("21-submit", "22-submit")
def test_what_a_killed_process_was_sending(simulate, tmp_path):
    """F21, F22: it is shown as being sent while its process lives, and from its death on as unknown, before any run."""
    simulator = simulate(speed=20.0, faults=[Fault(kind="hang", on="submit", when="after")])
    folder = tmp_path / "boats"
    sweep = Sweep(boats(1), client=simulator.client(), folder=folder, previews=False)
    with running(simulator, folder, speed=20.0, count=1) as child:
        until(lambda: len(simulator.ledger) == 1 or child.poll() is not None)
        assert sweep.counts() == {"sending": 1}
        assert len(sweep.unknown) == 0

    assert sweep.counts() == {"unknown": 1}
    assert repr(sweep.unknown).startswith("1 submission unknown, at most $0.0612 at risk")
    assert "process ended" in sweep.unknown[0].error
    sweep.unknown.attach(0, simulator.ledger[0].task_id)
    sweep.wait()
    assert verdict(simulator, sweep) == (1, PRICE, {"done": 1})


@pytest.mark.fault("21-download", "22-submit")
def test_a_process_killed_while_it_downloads(simulate, tmp_path):
    """F21: the part of a download survives SIGKILL, and the next process fetches only the rest."""
    drip = Fault(kind="drip", on="result", when="mid_reply", size=400, seconds=20, times=1)
    simulator = simulate(speed=60.0, faults=[drip])
    folder = tmp_path / "boats"
    with running(simulator, folder, speed=60.0, count=1) as child:
        until(
            lambda: (
                any(part.stat().st_size for part in folder.glob("*.mp4*.part")) or child.poll() is not None
            )
        )
    sweep = Sweep(boats(1), client=simulator.client(), folder=folder, previews=False)
    sweep.run()

    ranges = [seen.headers.get("range") for seen in simulator.requests if seen.path.startswith("/f/video")]
    assert ranges[0] is None
    assert ranges[-1] is not None
    assert verdict(simulator, sweep) == (1, PRICE, {"done": 1})


MATRIX = {
    "submit": [*range(1, 11), 12, 13, *range(19, 30), 31, 32],
    "poll": [*range(1, 18), 19, *range(20, 26), 28, 29, 30, 31, 32, 33],
    "download": [*range(1, 8), 9, 11, 12, 13, 17, 18, 19, 20, 21, 23, 24, 25, 28],
}
"""The cells of the fault matrix that say something, by where the fault strikes."""


@pytest.mark.parametrize("where", MATRIX)
def test_no_number_is_missing(where):
    """Each cell of the fault matrix has a test that bears its number, and no test bears a number that is none."""
    found = {name for name in bearers("fault") if name.endswith(f"-{where}")}

    assert found == {f"{number}-{where}" for number in MATRIX[where]}
