"""Each fault is really on the wire: raw sockets see it, and so does httpx in process."""

from __future__ import annotations

import asyncio
import gzip
import json
import socket
import threading
import time
from contextlib import closing
from typing import TYPE_CHECKING, NamedTuple

import httpx
import pytest

from gridgen.simulator import Fault, Simulator
from gridgen.simulator.faults import ENDPOINTS, KINDS
from simulator.asking import PNG, Asker, cell

if TYPE_CHECKING:
    from collections.abc import Callable

SUBMIT = "/v1/videos/generations"


@pytest.fixture
def served():
    """Yield a simulator on a socket, where a simulated minute is a real 6 ms."""
    with Simulator(speed=10_000, clips="tiny") as simulator:
        yield simulator


def _request(simulator: Simulator, method: str, path: str, body: bytes = b"") -> bytes:
    head = (
        f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
        f"Authorization: Bearer {simulator.api_key}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def exchange(simulator: Simulator, data: bytes, timeout: float = 5.0) -> tuple[bytes, str]:
    """Return every byte that came back, and how the connection ended."""
    port = int(simulator.base_url.rsplit(":", 1)[1])
    got = b""
    with closing(socket.create_connection(("127.0.0.1", port))) as line:
        line.sendall(data)
        line.settimeout(timeout)
        try:
            while part := line.recv(65536):
                got += part
        except ConnectionResetError:
            return got, "reset"
        except TimeoutError:
            return got, "silence"
    return got, "end"


def submit(simulator: Simulator, **fields) -> tuple[bytes, str]:
    """Submit a good body over a raw socket."""
    return exchange(simulator, _request(simulator, "POST", SUBMIT, json.dumps(cell(**fields)).encode()))


def first_task(simulator: Simulator) -> str:
    """Submit over the wire and return the id that the ledger knows."""
    submit(simulator)
    return simulator.ledger[0].task_id


class Heard(NamedTuple):
    """What came back of one exchange."""

    head: bytes
    body: bytes
    end: str


MARKS: dict[str, Callable[[Heard], bool]] = {
    "reset": lambda heard: heard.end == "reset",
    "close": lambda heard: heard.end == "end" and len(heard.body) < 20,
    "hang": lambda heard: heard.end == "silence" and len(heard.body) < 20,
    "garbage": lambda heard: heard.head == b"teapot",
    "reply": lambda heard: heard.head.startswith(b"HTTP/1.1 418") and heard.body == b"teapot",
    "flood": lambda heard: heard.head.startswith(b"HTTP/1.1 418") and len(heard.body) > 90_000,
    "gzip": lambda heard: len(gzip.decompress(heard.body)) == 90_000 > 50 * len(heard.body),
    "slow": lambda heard: b'"submitted"' in heard.body,
    "drip": lambda heard: b'"submitted"' in heard.body,
    "headers": lambda heard: len(heard.head) > 90_000 and b'"submitted"' in heard.body,
    "corrupt": lambda heard: len(heard.body) == 88 and b'"task_id"' not in heard.body,
    "patch": lambda heard: json.loads(heard.body)["code"] == 999,
    "form": lambda heard: heard.head[9:12] == str(json.loads(heard.body).get("code", 402)).encode() != b"200",
}
"""What each kind of fault leaves on the wire."""
FATES = {"fail": b'"failed"', "cancel": b'"cancelled"', "stick": b'"processing"', "delay": b'"processing"'}
SIZES = {"close": 10, "hang": 10, "reset": 10, "drip": 20}


@pytest.mark.parametrize(
    ("kind", "when"), [(kind, when) for kind, moments in KINDS.items() for when in moments if kind in MARKS]
)
def test_every_kind_at_every_moment(served, kind, when):
    """Raw bytes show each fault at each of its moments; what came before the answer is billed, or not."""
    seconds = {"slow": 300, "drip": 50}.get(kind)
    size = SIZES.get(kind, 90_000)
    fault = {"status": 418, "body": "teapot", "patch": {"code": 999}, "size": size, "seconds": seconds}
    form = {"form": "202, id alone" if when == "mid_reply" else "402"} if kind == "form" else {}
    served.faults.add(Fault(kind=kind, on="submit", when=when, **fault, **form))
    request = _request(served, "POST", SUBMIT, json.dumps(cell()).encode())
    begun = time.perf_counter()

    got, end = exchange(served, request, timeout=0.05 if kind == "hang" else 5)

    head, _, body = got.partition(b"\r\n\r\n")
    assert MARKS[kind](Heard(head, body, end)), (got[:300], end)
    assert time.perf_counter() - begun >= (0.02 if seconds else 0)
    assert len(served.ledger) == (when in {"after", "mid_reply"} or kind == "slow")
    assert b'"submitted"' in submit(served)[0]


@pytest.mark.parametrize("kind", FATES)
def test_every_fate(served, kind):
    """A task that is to fail, to be cancelled, to stick or to dawdle says so over the wire."""
    served.faults.add(Fault(kind=kind, on="submit", match="paper boat", seconds=1e9))
    ids = [json.loads(submit(served, prompt=p)[0].partition(b"\r\n\r\n")[2]) for p in ("a paper boat", "fox")]
    struck, spared = (_request(served, "GET", f"/v1/tasks/{reply['data'][0]['task_id']}") for reply in ids)

    while b'"completed"' not in exchange(served, spared)[0]:
        threading.Event().wait(0.002)

    assert FATES[kind] in exchange(served, struck)[0]


def test_no_kind_is_left_out():
    """Whatever can be ordered is looked for on the wire."""
    assert set(KINDS) == set(MARKS) | set(FATES)


def test_every_endpoint_can_be_aimed_at(world):
    """A fault on one endpoint strikes there and nowhere else; "any" strikes everywhere."""
    asker = world()
    data = asker.finished()["result"]
    picture = asker.ask("POST", "/v1/uploads/images", files={"file": ("a.png", PNG)}).json()["url"]
    requests = {
        "submit": lambda: asker.post(cell()),
        "status": lambda: asker.get(f"/v1/tasks/{asker.simulator.ledger[0].task_id}"),
        "result": lambda: asker.get(data["videos"][0]["url"][0]),
        "thumbnail": lambda: asker.get(data["thumbnail_url"]),
        "image": lambda: asker.get(picture),
        "upload": lambda: asker.ask("POST", "/v1/uploads/images", files={"file": ("a.png", PNG)}),
        "balance": lambda: asker.get("/v1/user/balance"),
        "usage": lambda: asker.get("/v1/usage"),
        "models": lambda: asker.get("/v1/models"),
        "prices": lambda: asker.get("/api/pricing/model?model=x"),
    }

    for aim in ENDPOINTS:
        asker.simulator.faults.add(Fault(kind="reply", on=aim, status=418, times=None))
        struck = {name for name, ask in requests.items() if ask().status_code == 418}
        assert struck == (set(requests) if aim == "any" else {aim})
        asker.simulator.faults.clear()
    assert {*requests, "any"} == set(ENDPOINTS)


@pytest.mark.parametrize(("when", "billed"), [("before_read", 0), ("before", 0), ("after", 1)])
@pytest.mark.parametrize(("kind", "ending"), [("reset", "reset"), ("close", "end"), ("hang", "silence")])
def test_a_lost_answer(served, kind, ending, when, billed):
    """Not a byte comes back; whether it was billed depends on the moment."""
    served.faults.add(Fault(kind=kind, on="submit", when=when))
    request = _request(served, "POST", SUBMIT, json.dumps(cell()).encode())

    assert (b"", ending) == exchange(served, request, timeout=0.05 if kind == "hang" else 5)
    assert billed == len(served.ledger)
    assert b"HTTP/1.1 200" in submit(served)[0]
    assert billed + 1 == len(served.ledger)


def test_half_a_body(served):
    """The head promises more bytes than come; the connection then ends or breaks."""
    for kind, ending in (("close", "end"), ("reset", "reset")):
        served.faults.add(Fault(kind=kind, on="submit", when="mid_reply", size=20))

        got, end = submit(served)

        head, _, body = got.partition(b"\r\n\r\n")
        if kind == "close":
            assert b"content-length: 88" in head.lower()
            assert len(body) == 20
        assert ending == end
        assert len(body) <= 20
    assert len(served.ledger) == 2


def test_a_hang_in_mid_reply_ends_after_its_time(served):
    """Half a body, a pause on the simulator's clock, the end."""
    served.faults.add(Fault(kind="hang", on="submit", when="mid_reply", size=10, seconds=300))
    begun = time.perf_counter()

    got, end = submit(served)

    assert len(got.partition(b"\r\n\r\n")[2]) == 10
    assert end == "end"
    assert time.perf_counter() - begun >= 0.03


def test_bytes_that_are_no_http(served):
    """What comes back cannot be a status line."""
    served.faults.add(Fault(kind="garbage", on="submit", when="after"))

    got, end = submit(served)

    assert end == "end"
    assert got
    assert not got.startswith(b"HTTP/")
    assert len(served.ledger) == 1


def test_a_drip(served):
    """The body comes a few bytes at a time, whole in the end."""
    served.faults.add(Fault(kind="drip", on="status", size=16, seconds=20))
    task_id = first_task(served)
    port = int(served.base_url.rsplit(":", 1)[1])
    parts = []
    with closing(socket.create_connection(("127.0.0.1", port))) as line:
        line.sendall(_request(served, "GET", f"/v1/tasks/{task_id}"))
        while part := line.recv(65536):
            parts.append(part)

    assert len(parts) > 5
    assert task_id == json.loads(b"".join(parts).partition(b"\r\n\r\n")[2])["data"]["id"]


@pytest.mark.parametrize("when", ["before_read", "before", "after"])
def test_a_slow_answer(served, when):
    """The whole answer comes, late."""
    served.faults.add(Fault(kind="slow", on="submit", when=when, seconds=300))
    begun = time.perf_counter()

    got, _ = submit(served)

    assert time.perf_counter() - begun >= 0.03
    assert b'"submitted"' in got
    assert len(served.ledger) == 1


@pytest.mark.parametrize(
    ("status", "body", "headers", "kind"),
    [
        (401, {"error": {"code": "", "message": "invalid API key"}}, {}, "application/json"),
        (429, {"detail": "slow down", "retry_after": 7}, {"Retry-After": "soon"}, "application/json"),
        (502, "<html>Bad Gateway</html>", {}, "text/html; charset=utf-8"),
        (200, "<!doctype html>", {}, "text/html; charset=utf-8"),
        (200, b'{"code":200,"da', {"Content-Type": "application/json"}, "application/json"),
        (302, "", {"Location": "http://login.example/"}, "text/plain"),
        (407, "proxy", {"Proxy-Authenticate": "Basic"}, "text/plain"),
        (200, {"code": 500, "message": "busy"}, {}, "application/json"),
    ],
)
def test_another_reply(served, status, body, headers, kind):
    """Any status, body and headers can stand in for the answer, billed or not."""
    served.faults.add(
        Fault(kind="reply", on="submit", when="after", status=status, body=body, headers=headers)
    )

    got, _ = submit(served)

    head, _, content = got.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d" % status)
    assert f"content-type: {kind}".encode() in head.lower()
    for name, value in headers.items():
        assert f"{name}: {value}".lower().encode() in head.lower()
    expected = json.dumps(body).encode() if isinstance(body, dict) else body
    assert content == (expected.encode() if isinstance(expected, str) else expected)
    assert len(served.ledger) == 1


def test_a_flood(served):
    """Megabytes where a few bytes were due."""
    served.faults.add(Fault(kind="flood", on="submit", status=500, size=3_000_000))

    got, _ = submit(served)

    assert got.startswith(b"HTTP/1.1 500")
    assert len(got) > 3_000_000
    assert len(served.ledger) == 0


def test_a_compression_bomb(served):
    """A few kB that say they are gzip and unpack to all that was ordered."""
    served.faults.add(Fault(kind="gzip", on="submit", status=200, size=5_000_000))

    head, _, body = submit(served)[0].partition(b"\r\n\r\n")

    assert b"content-encoding: gzip" in head.lower()
    assert len(body) < 20_000
    assert len(gzip.decompress(body)) == 5_000_000


def test_a_header_bomb(served):
    """The true reply under a heap of headers."""
    served.faults.add(Fault(kind="headers", on="submit", size=100_000))

    head, _, body = submit(served)[0].partition(b"\r\n\r\n")

    assert len(head) > 100_000
    assert json.loads(body)["code"] == 200


def test_a_patched_reply(world):
    """Fields of a true reply are changed, added and removed; all else stays."""
    asker = world()
    task_id = asker.submit()
    true = asker.task(task_id)
    patch = {"data": {"status": "ORBITING", "progress": None, "cost": ..., "extra": [1]}}
    asker.simulator.faults.add(Fault(kind="patch", on="status", patch=patch))

    data = asker.task(task_id)

    expected = true | {"status": "ORBITING", "progress": None, "extra": [1]}
    del expected["cost"]
    assert expected == data
    assert true == asker.task(task_id)


def test_corrupt_and_empty_results(world):
    """A download of the right length with wrong bytes, then one of no bytes, then the truth."""
    asker = world()
    url = asker.finished()["result"]["videos"][0]["url"][0]
    asker.simulator.faults.add(Fault(kind="corrupt", on="result"))
    asker.simulator.faults.add(Fault(kind="reply", on="result", status=200))

    wrong, empty, right = (asker.get(url) for _ in range(3))

    assert len(wrong.content) == len(right.content) > 1000
    assert wrong.content != right.content
    assert (empty.status_code, empty.content) == (200, b"")


def test_aim(world):
    """A rule strikes only the cells, the endpoint and the times that it names."""
    asker = world()
    boat, fox = asker.submit(), asker.submit(prompt="a fox")
    faults = asker.simulator.faults
    rules = [
        Fault(kind="reply", on="status", match="paper boat", status=503, times=2, skip=1),
        Fault(kind="reply", on="status", match=lambda body: "fox" in body["prompt"], status=500, times=None),
    ]
    for fault in rules:
        faults.add(fault)

    def statuses(task_id: str) -> list[int]:
        return [asker.get(f"/v1/tasks/{task_id}").status_code for _ in range(5)]

    assert statuses(boat) == [200, 503, 503, 200, 200]
    assert statuses(fox) == [500] * 5
    assert [faults.struck(fault) for fault in rules] == [2, 5]
    assert asker.get("/v1/balance").status_code == 200
    faults.clear()
    assert statuses(fox) == [200] * 5


def test_chance_is_seeded(world):
    """A rule with a chance strikes about as often, and at the same requests, each time."""

    def pattern(seed: int) -> list[int]:
        fault = Fault(kind="reply", on="prices", status=500, times=None, chance=0.3)
        asker = world(seed=seed, faults=[fault])
        return [asker.get("/api/pricing/models/all").status_code for _ in range(200)]

    first = pattern(1)

    assert 40 < first.count(500) < 80
    assert first == pattern(1)
    assert first != pattern(2)


def test_offline(served):
    """Connections are refused while the block lasts; the port is the same afterwards."""
    port = int(served.base_url.rsplit(":", 1)[1])
    held = socket.create_connection(("127.0.0.1", port))
    held.settimeout(5)

    with served.offline():
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port))
        try:
            held.sendall(b"GET / HTTP/1.1\r\n")
            assert held.recv(10) == b""
        except (ConnectionResetError, BrokenPipeError):
            pass
    held.close()

    assert b"200 OK" in submit(served)[0]


def test_silence(served):
    """With the network gone a connection neither opens nor is refused; afterwards all is as before."""
    port = int(served.base_url.rsplit(":", 1)[1])

    with served.offline(silent=True), pytest.raises(TimeoutError):
        socket.create_connection(("127.0.0.1", port), timeout=0.05)

    assert b"200 OK" in submit(served)[0]
    assert len(served.requests) == 1


def test_two_requests_with_one_key_at_once(served):
    """While the first is still being read, the second hears that it is in progress."""
    port = int(served.base_url.rsplit(":", 1)[1])
    body = json.dumps(cell()).encode()
    whole = _request(served, "POST", SUBMIT, body).replace(b"Host", b"Idempotency-Key: k\r\nHost", 1)
    with closing(socket.create_connection(("127.0.0.1", port))) as slow:
        slow.sendall(whole[:-10])
        while not served.requests or not served.requests[-1].body:
            threading.Event().wait(0.002)
        assert b"idempotency_in_progress" in exchange(served, whole)[0]
        slow.sendall(whole[-10:])
        got = b""
        while part := slow.recv(65536):
            got += part
        assert b'"submitted"' in got
    assert b"idempotency-replayed: true" in exchange(served, whole)[0].lower()
    assert len(served.ledger) == 1


IN_PROCESS = [
    ("reset", "before", httpx.ReadError, "http11.receive_response_headers.failed"),
    ("close", "after", httpx.RemoteProtocolError, "http11.receive_response_headers.failed"),
    ("garbage", "before", httpx.RemoteProtocolError, "http11.receive_response_headers.failed"),
    ("hang", "after", httpx.ReadTimeout, "http11.receive_response_headers.failed"),
    ("reset", "mid_reply", httpx.ReadError, "http11.receive_response_body.failed"),
    ("close", "mid_reply", httpx.RemoteProtocolError, "http11.receive_response_body.failed"),
    ("hang", "mid_reply", httpx.ReadTimeout, "http11.receive_response_body.failed"),
]


@pytest.mark.parametrize(("kind", "when", "error", "last"), IN_PROCESS)
def test_faults_in_process(world, kind, when, error, last):
    """Without a socket httpx raises what it raises with one, and the trace ends alike."""
    asker = world(faults=[Fault(kind=kind, on="submit", when=when, size=5)])
    events: list[str] = []

    async def trace(name: str, _: dict) -> None:
        events.append(name)

    with pytest.raises(error):
        asker.post(cell(), extensions={"trace": trace}, timeout=30)

    assert events[:6] == [
        "connection.connect_tcp.started",
        "connection.connect_tcp.complete",
        "http11.send_request_headers.started",
        "http11.send_request_headers.complete",
        "http11.send_request_body.started",
        "http11.send_request_body.complete",
    ]
    assert last in events
    assert (when != "before") == len(asker.simulator.ledger)
    assert (30.0 if kind == "hang" else 0.0) == asker.simulator.clock.monotonic()


def test_the_trace_in_process_is_that_of_a_socket(world, served):
    """Httpx tells the same story of one exchange, in process and over loopback."""

    def told(client: httpx.AsyncClient, asker: Asker) -> list[str]:
        events: list[str] = []

        async def trace(name: str, info: dict) -> None:
            events.append(name)
            if name == "http11.send_request_headers.started":
                events.append(info["request"].method.decode())

        async def main() -> None:
            async with client:
                await client.post(
                    f"{asker.simulator.base_url}{SUBMIT}",
                    json=cell(),
                    headers=asker.headers,
                    extensions={"trace": trace},
                )
            events[:] = [e for e in events if not e.startswith("connection.close")]

        asyncio.run(main())
        return events

    inside = world()
    assert told(httpx.AsyncClient(trust_env=False), Asker(served)) == told(
        httpx.AsyncClient(transport=inside.simulator.transport()), inside
    )


def test_a_hook_can_stop_a_request_before_it_is_sent(world):
    """An exception in the trace hook before the headers leaves the server untouched."""
    asker = world()

    async def trace(name: str, _: dict) -> None:
        if name == "http11.send_request_headers.started":
            message = "disk full"
            raise OSError(message)

    with pytest.raises(OSError, match="disk full"):
        asker.post(cell(), extensions={"trace": trace})

    assert len(asker.simulator.ledger) == 0
    assert len(asker.simulator.requests) == 0


def test_offline_in_process(world):
    """A refused connection is a ConnectError, and nothing was sent."""
    asker = world()

    with asker.simulator.offline(), pytest.raises(httpx.ConnectError):
        asker.post(cell())

    assert len(asker.simulator.requests) == 0
    assert asker.post(cell()).status_code == 200


def test_silence_in_process(world):
    """A connection that hangs is a ConnectTimeout after the client's own patience, and nothing was sent."""
    asker = world()

    with asker.simulator.offline(silent=True), pytest.raises(httpx.ConnectTimeout):
        asker.post(cell(), timeout=httpx.Timeout(60, connect=7))

    assert asker.simulator.clock.monotonic() == 7.0
    assert len(asker.simulator.requests) == 0


def test_a_drip_in_process_takes_its_time(world):
    """Each part of a dripping body comes at its own moment of virtual time."""
    asker = world()
    url = asker.finished()["result"]["videos"][0]["url"][0]
    size = len(asker.get(url).content)
    asker.simulator.faults.add(Fault(kind="drip", on="result", size=size // 4 + 1, seconds=7))
    moments = []

    async def main() -> None:
        clock = asker.simulator.clock
        async with (
            httpx.AsyncClient(transport=asker.simulator.transport(), timeout=30) as client,
            client.stream("GET", url) as reply,
        ):
            begun = clock.monotonic()
            moments.extend([clock.monotonic() - begun async for _ in reply.aiter_raw()])

    asyncio.run(main())

    assert moments == [7.0, 14.0, 21.0, 28.0]
