"""What became of a submission, judged on what real sockets did: one test for each row of evidence."""

from __future__ import annotations

import asyncio
import json
import socket
import threading

import h2.config
import h2.connection
import h2.errors
import h2.events
import httpx
import httpx2
import pytest
from scripted import answer, reset, scripted
from waiting import until

from gridgen import Client, Grid, GridgenError, Sweep
from gridgen._loop import wait
from gridgen.outcome import Accepted, Ambiguous, NotApplied, NotSent, Rejected
from gridgen.simulator import Fault

BODY = b'{"model":"m","prompt":"a paper boat"}'
LONG = b'{"prompt":"' + b"boat " * 3_000_000 + b'"}'
TASK = b'{"code":200,"data":[{"status":"submitted","task_id":"task_1"}]}'
KEY = "sk-test-CANARY0123456789"


def submitted(url, *, body=BODY, before=None, **options):
    """Send one submission for real; return the outcome and how many intents were written."""
    written = []

    async def on_sending() -> None:
        written.append(True)
        if before is not None:
            await before()

    client = Client(KEY, url, **options)
    try:
        outcome = wait(client.wire.send(body, idempotency_key="key-1", on_sending=on_sending))
    finally:
        client.close()
    return outcome, len(written)


def free_port() -> int:
    """Return a port on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


# Nothing left, or no whole request


def test_refused():
    """F1: nobody listens: nothing was sent, and no intent was written."""
    outcome, intents = submitted(f"http://127.0.0.1:{free_port()}")

    assert isinstance(outcome, NotSent)
    assert "connect_tcp.failed" in outcome.evidence
    assert intents == 0


def test_no_such_host(monkeypatch):
    """F1: a name that does not resolve: nothing was sent."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    outcome, intents = submitted("https://no-such-host.invalid")

    assert isinstance(outcome, NotSent)
    assert intents == 0


def test_tls_that_fails():
    """F2: a server that speaks no TLS: nothing was sent, the key least of all."""
    with scripted(lambda _, connection: connection.sendall(b"no TLS here\r\n")) as server:
        outcome, intents = submitted(f"https://{server.address}")

    assert isinstance(outcome, NotSent)
    assert "start_tls.failed" in outcome.evidence
    assert intents == 0


CONNECTS = {
    "407": lambda server, connection: (server.read(connection), connection.sendall(answer(407, b"who?"))),
    "502": lambda server, connection: (server.read(connection), connection.sendall(answer(502, b""))),
    "reset": lambda server, connection: (server.read(connection), reset(connection)),
    "captive": lambda server, connection: (
        server.read(connection),
        connection.sendall(answer(302, b"", "location: http://login.example/")),
    ),
}


@pytest.mark.parametrize("kind", CONNECTS)
def test_a_proxy_that_does_not_connect(monkeypatch, kind):
    """F29: the headers of CONNECT are not those of the POST: nothing was sent, no intent was written."""
    with scripted(CONNECTS[kind]) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://{proxy.address}")
        monkeypatch.setenv("https_proxy", f"http://{proxy.address}")
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        outcome, intents = submitted("https://api.example.com")

    assert proxy.requests[0].startswith(b"CONNECT api.example.com:443")
    assert KEY.encode() not in b"".join(proxy.requests)
    assert isinstance(outcome, NotSent)
    assert intents == 0


@pytest.mark.parametrize("library", [httpx, httpx2], ids=["httpx", "httpx2"])
def test_a_proxy_that_refuses_the_post_itself(library):
    """F29: a forward proxy's 407 to the POST: it was not passed on, and no other cell would fare better."""
    with scripted(
        lambda proxy, connection: (proxy.read(connection), connection.sendall(answer(407, b"who?")))
    ) as proxy:
        outcome, _ = submitted(
            "http://127.0.0.1:9", http_client=lambda: library.AsyncClient(proxy=f"http://{proxy.address}")
        )

    assert proxy.requests[0].startswith(b"POST http://127.0.0.1:9/v1/videos/generations")
    assert isinstance(outcome, Rejected)
    assert outcome.everywhere


@pytest.mark.parametrize("library", [httpx, httpx2], ids=["httpx", "httpx2"])
def test_no_connection_to_be_had(library):
    """F3: a pool whose connections are all in use: nothing was sent."""

    async def briefly(request) -> None:
        request.extensions["timeout"]["pool"] = 0.02

    async def two(client: Client) -> list:
        async def intend() -> None:
            """Nothing is kept here."""

        first = asyncio.create_task(client.wire.send(BODY, idempotency_key="a", on_sending=intend))
        await asyncio.to_thread(until, lambda: server.requests)
        second = await client.wire.send(BODY, idempotency_key="b", on_sending=intend)
        server.over.set()
        return [await first, second]

    def script(server, connection) -> None:
        server.read(connection)
        server.over.wait(10)
        connection.sendall(answer(200, TASK))

    limits = library.Limits(max_connections=1)
    with scripted(script) as server:
        client = Client(
            KEY,
            f"http://{server.address}",
            http_client=lambda: library.AsyncClient(limits=limits, event_hooks={"request": [briefly]}),
        )
        first, second = wait(two(client))
        client.close()

    assert first == Accepted("task_1")
    assert isinstance(second, NotSent)
    assert "PoolTimeout" in second.evidence
    assert len(server.requests) == 1


# The body was on its way, and no answer came

SILENCES = {
    "hang": lambda server, connection: (server.read(connection), server.over.wait(10)),
    "reset": lambda server, connection: (server.read(connection), reset(connection)),
    "close": lambda server, connection: server.read(connection),
    "garbage": lambda server, connection: (server.read(connection), connection.sendall(b"\x16\x03\x01 no")),
    "half-headers": lambda server, connection: (
        server.read(connection),
        connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-le"),
    ),
    "half-body": lambda server, connection: (
        server.read(connection),
        connection.sendall(answer(200, TASK)[:-20]),
    ),
}


@pytest.mark.parametrize("library", [None, httpx, httpx2], ids=["own", "httpx", "httpx2"])
@pytest.mark.parametrize("kind", SILENCES)
def test_sent_and_no_answer(kind, library):
    """F4 to F7: the whole request was read and the answer is lost: unknown, with the transport's last event, one POST."""
    own = {} if library is None else {"http_client": lambda: library.AsyncClient(trust_env=False)}
    with scripted(SILENCES[kind]) as server:
        seconds = 0.05 if kind == "hang" else None
        outcome, intents = submitted(f"http://{server.address}", timeout=seconds, **own)
        until(lambda: server.requests)

    assert isinstance(outcome, Ambiguous)
    assert outcome.event.startswith("http11.re")
    assert outcome.status == (200 if kind == "half-body" else None)
    assert intents == len(server.requests) == 1


def test_a_connection_that_is_cut_before_the_first_byte():
    """Nothing arrives, but the system notices only at the body: it counts as sent, and is not repeated."""
    sending, cut = threading.Event(), threading.Event()

    async def until_cut() -> None:
        sending.set()
        await asyncio.to_thread(cut.wait, 10)

    def script(_, connection) -> None:
        sending.wait(10)
        reset(connection)
        cut.set()

    with scripted(script) as server:
        outcome, intents = submitted(f"http://{server.address}", before=until_cut)

    assert isinstance(outcome, Ambiguous)
    assert (intents, server.requests) == (1, [])


def test_a_body_that_breaks_off():
    """The write of the body fails, which surfaces as a failed read: the trace tells, not the exception's name."""

    def script(_, connection) -> None:
        connection.recv(65536)
        reset(connection)

    with scripted(script) as server:
        outcome, _ = submitted(f"http://{server.address}", body=LONG)

    assert isinstance(outcome, Ambiguous)
    assert "ReadError" in outcome.evidence


def test_an_early_refusal():
    """A refusal that comes while the body is still going out is a refusal."""

    def script(_, connection) -> None:
        connection.recv(65536)
        connection.sendall(answer(413, b'{"error":{"message":"too large"}}'))
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(1 << 20):
            pass

    with scripted(script) as server:
        outcome, _ = submitted(f"http://{server.address}", body=LONG)

    assert isinstance(outcome, Rejected)


@pytest.mark.parametrize("kind", ["asgi", "mock", "mock2"])
def test_a_transport_that_tells_nothing(kind):
    """Transports that emit no events: an exception proves nothing, and the intent was written before it."""
    served = []

    async def app(_scope, receive, _send) -> None:
        served.append(await receive())
        msg = "it was billed before this"
        raise httpx.ReadTimeout(msg)

    def handler(request):
        served.append(request)
        msg = "it was billed before this"
        raise httpx.ReadTimeout(msg)

    made = {
        "asgi": lambda: httpx.AsyncClient(transport=httpx.ASGITransport(app=app)),
        "mock": lambda: httpx.AsyncClient(transport=httpx.MockTransport(handler)),
        "mock2": lambda: httpx2.AsyncClient(transport=httpx2.MockTransport(handler)),
    }
    outcome, intents = submitted("http://127.0.0.1:9", http_client=made[kind])

    assert outcome == Ambiguous("ReadTimeout after no trace of the request")
    assert intents == len(served) == 1


def test_an_injected_client_that_cannot_connect():
    """F1: a client of one's own whose events say that it never connected leaves nothing unknown."""
    port = free_port()
    for library in (httpx, httpx2):
        outcome, _ = submitted(
            f"http://127.0.0.1:{port}",
            http_client=lambda library=library: library.AsyncClient(trust_env=False),
        )
        assert isinstance(outcome, NotSent)


def test_an_intent_that_cannot_be_written():
    """F19, F20: when the journal refuses, no byte of the request leaves, with httpx and with an injected httpx2."""

    async def refuse() -> None:
        msg = "the disk is full"
        raise GridgenError(msg)

    def script(server, connection) -> None:
        server.requests.append(connection.recv(65536))

    for own in ({}, {"http_client": lambda: httpx2.AsyncClient(trust_env=False)}):
        with scripted(script) as server:
            with pytest.raises(GridgenError, match="the disk is full"):
                submitted(f"http://{server.address}", before=refuse, **own)
            assert b"".join(server.requests) == b""


# An answer came


def error(code="", message="no"):
    """Return an error body as the server writes it."""
    return json.dumps({"error": {"code": code, "message": message, "type": "e", "param": ""}}).encode()


ANSWERS = {
    "200-id": (200, TASK, Accepted),
    "202-id": (202, b'{"code":202,"data":{"id":"task_1"}}', Accepted),
    "200-html": (200, b"<html>login</html>", Ambiguous),
    "200-empty": (200, b"", Ambiguous),
    "200-no-id": (200, b'{"code":200,"data":[]}', Ambiguous),
    "200-list": (200, b"[]", Ambiguous),
    "200-cut": (200, TASK[:-9], Ambiguous),
    "200-402": (200, b'{"code":402,"error":{"message":"no money"}}', Rejected),
    "200-429": (200, b'{"code":429,"message":"slow down"}', NotApplied),
    "200-500": (200, b'{"code":500,"message":"oops"}', Ambiguous),
    "200-word": (200, b'{"code":"get_channel_failed","error":{"code":"get_channel_failed"}}', NotApplied),
    "200-false": (200, b'{"success":false,"message":"bad"}', Rejected),
    "200-error": (200, b'{"code":200,"error":{"message":"bad"}}', Rejected),
    **{str(status): (status, error(), Rejected) for status in (400, 404, 405, 413, 415, 422)},
    "400-channel": (400, error("get_channel_failed"), NotApplied),
    **{str(status): (status, error(), Rejected) for status in (401, 402, 403, 407)},
    "425": (425, b"", NotApplied),
    "429": (429, error(), NotApplied),
    "409-in-progress": (409, error("idempotency_in_progress"), Ambiguous),
    "409-reused": (409, error("idempotency_key_reused"), Rejected),
    "409-indeterminate": (409, error("idempotency_result_indeterminate"), Ambiguous),
    "409": (409, error(), Ambiguous),
    "503-unavailable": (503, error("idempotency_unavailable"), NotApplied),
    "500-unavailable": (500, error("idempotency_unavailable"), Ambiguous),
    "400-reused": (400, error("idempotency_key_reused"), Rejected),
    **{str(status): (status, error(), Ambiguous) for status in (408, 500, 502, 503, 504, 520, 522, 524, 599)},
    "500-validation": (500, error(message="build_request_failed: invalid size"), Rejected),
    "521": (521, b"", NotApplied),
    "523": (523, b"", NotApplied),
    **{str(status): (status, b"", Rejected) for status in (300, 301, 302, 304, 305, 307, 308)},
    "303": (303, b"", Ambiguous),
}


@pytest.mark.parametrize("case", ANSWERS)
def test_an_answer(case):
    """Each row of status, code and body has its verdict, after one whole POST on a real socket, never a second one."""
    status, body, verdict = ANSWERS[case]

    def script(server, connection) -> None:
        server.read(connection)
        connection.sendall(
            answer(status, body, "location: http://127.0.0.1:1/elsewhere", "x-request-id: req-7")
        )

    with scripted(script) as server:
        outcome, intents = submitted(f"http://{server.address}")

    assert type(outcome) is verdict
    assert intents == len(server.requests) == 1
    if verdict is Ambiguous:
        kept = (outcome.status, outcome.request_id, outcome.reply)
        assert kept == (500 if case == "200-500" else status, "req-7", body)


@pytest.mark.parametrize("status", [401, 402, 403, 407])
def test_refusals_that_concern_all_cells(status):
    """C24: a bad key, an empty account and a proxy that wants a password stop the sweep, a parameter error its cell."""

    def script(server, connection) -> None:
        server.read(connection)
        connection.sendall(answer(status, error()))

    with scripted(script) as server:
        outcome, _ = submitted(f"http://{server.address}")

    assert outcome.everywhere


@pytest.mark.security("S29")
def test_the_key_in_an_answer_is_taken_out():
    """S29: a server that quotes the key in its error, or in its name for the request, teaches it to nobody."""

    def script(server, connection) -> None:
        server.read(connection)
        said = json.dumps({"error": {"message": f"upstream refused {KEY}"}}).encode()
        connection.sendall(answer(500, said, f"x-request-id: {KEY}"))

    with scripted(script) as server:
        outcome, _ = submitted(f"http://{server.address}")

    assert b"upstream refused [key]" in outcome.reply
    assert KEY not in repr(outcome)


def test_the_evidence_is_in_the_journal(simulate, tmp_path):
    """What is known of a lost answer is kept for the person who settles it: event, status, request id, first bytes."""
    simulator = simulate(
        faults=[
            Fault(
                kind="reply",
                on="submit",
                when="after",
                status=502,
                body="<html>bad gateway</html>" * 2000,
                headers={"x-request-id": "req-9"},
                match="status",
            ),
            Fault(kind="reset", on="submit", when="after", match="event"),
        ]
    )
    sweep = Sweep(Grid(prompt=["status", "event"]), client=simulator.client(), folder=tmp_path)
    sweep.run()
    records = asyncio.run(_records(sweep))

    assert sweep.counts() == {"unknown": 2}
    assert (records["status"].http_status, records["status"].request_id) == (502, "req-9")
    assert records["status"].reply.startswith(b"<html>bad gateway")
    assert len(records["status"].reply) == 16_384
    assert records["event"].trace_event.startswith("http11.receive_response")


async def _records(sweep) -> dict:
    from gridgen.journal import read

    found = read(sweep.folder)
    return {row.cell.prompt: found[sweep.internals.slot(row)] for row in sweep.rows()}


def over_http2(answers):
    """Return a script that speaks HTTP/2 with prior knowledge and does as told once the request has ended."""

    def script(server, connection) -> None:
        spoken = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
        spoken.initiate_connection()
        connection.sendall(spoken.data_to_send())
        while data := connection.recv(65536):
            if spoken.state_machine.state is h2.connection.ConnectionState.CLOSED:
                continue
            for event in spoken.receive_data(data):
                if isinstance(event, h2.events.StreamEnded):
                    server.requests.append(b"POST")
                    answers(spoken, event.stream_id)
            connection.sendall(spoken.data_to_send())

    return script


def refused_stream(spoken, stream: int) -> None:
    """Reset the stream as one that was not processed."""
    spoken.reset_stream(stream, error_code=h2.errors.ErrorCodes.REFUSED_STREAM)


def goes_away(spoken, _stream: int) -> None:
    """Close the connection, naming no stream as processed."""
    spoken.close_connection(last_stream_id=0)


def task_id(spoken, stream: int) -> None:
    """Answer with a task."""
    spoken.send_headers(stream, [(":status", "200")])
    spoken.send_data(stream, TASK, end_stream=True)


@pytest.mark.parametrize(
    ("answers", "verdict"),
    [(task_id, Accepted), (refused_stream, Ambiguous), (goes_away, Ambiguous)],
    ids=["task", "refused-stream", "goaway"],
)
def test_an_injected_client_that_speaks_http2(answers, verdict):
    """Gridgen itself never does; with such a client even a refused stream is unknown, never a second POST."""
    with scripted(over_http2(answers)) as server:
        outcome, intents = submitted(
            f"http://{server.address}",
            http_client=lambda: httpx.AsyncClient(http1=False, http2=True, trust_env=False),
        )

    assert type(outcome) is verdict
    assert intents == len(server.requests) == 1
