"""The client: its key, its addresses, its verbs and its refusals."""

from __future__ import annotations

import asyncio
import copy
import pickle
import socket
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import httpx
import pytest

from gridgen import (
    APIError,
    AuthenticationError,
    Cell,
    Client,
    Grid,
    GridgenError,
    MissingKeyError,
    NetworkError,
    OutOfCreditsError,
    RateLimitError,
    Status,
    Task,
    TaskFailed,
    UnknownOutcome,
)
from gridgen._loop import engine, wait, wait_async
from gridgen.task import Video

if TYPE_CHECKING:
    from collections.abc import Iterator

BOAT = Cell("a paper boat", "16:9", 6, "480p")


def answering(status: int = 200, *, body: bytes = b"{}", headers: dict[str, str] | None = None):
    """Return a client whose server always gives one answer."""

    def handle(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(status, content=body, headers=headers)

    return Client(
        "sk-test-x",
        "http://127.0.0.1",
        http_client=lambda: httpx.AsyncClient(transport=httpx.MockTransport(handle)),
    )


@contextmanager
def raw_server(reply: bytes) -> Iterator[tuple[str, list[bytes]]]:
    """Serve one fixed reply to every connection and keep what came in."""
    seen: list[bytes] = []
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                seen.append(connection.recv(65536))
                connection.sendall(reply)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", seen
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


def test_no_key_names_both_ways_out():
    """Without a key the error says how to set one, and how to do without."""
    with pytest.raises(MissingKeyError) as caught:
        Client()

    assert "APIMART_API_KEY" in str(caught.value)
    assert "Simulator().client()" in str(caught.value)


@pytest.mark.security("S22")
def test_the_environments_key_goes_to_apimart_only(monkeypatch):
    """S22: the key of the environment is used for the official host and its mirrors, and for no other."""
    monkeypatch.setenv("APIMART_API_KEY", "sk-test-env")

    assert Client().origin == "apimart"
    assert Client(base_url="https://api.apib.ai").origin == "apimart"
    with pytest.raises(MissingKeyError, match="only sent to APIMart"):
        Client(base_url="https://example.org")


@pytest.mark.parametrize("key", ["", "  ", "a b", "a\nb", "schlüssel"])
def test_a_broken_key_is_told(key):
    """A key that no server issues is refused before anything is sent."""
    with pytest.raises(MissingKeyError):
        Client(key)


@pytest.mark.parametrize(
    "typed",
    [
        "https://api.apimart.ai",
        "https://api.apimart.ai/",
        "https://api.apimart.ai/v1",
        "https://api.apimart.ai/v1/",
        "https://api.apimart.ai/v1/v1",
    ],
)
def test_the_base_url_may_have_v1(typed):
    """C37: with or without /v1, with or without a slash, the address is the same."""
    assert Client("sk-test-x", typed).base_url == "https://api.apimart.ai"


@pytest.mark.conformance("C37")
@pytest.mark.parametrize(
    "typed",
    [
        "http://api.apimart.ai",
        "http://192.168.0.1",
        "ftp://127.0.0.1",
        "api.apimart.ai",
        "https://",
        "https://a:b@c.org",
        "https://c.org:x",
    ],
)
def test_other_addresses_are_refused(typed):
    """C37: plain http goes to this machine only; what is no address is told."""
    with pytest.raises(GridgenError, match="base_url="):
        Client("sk-test-x", typed)


def test_a_ready_made_http_client_is_refused_with_the_reason():
    """A client made on another loop would fail later in strange ways."""
    with pytest.raises(GridgenError, match="callable"):
        Client("sk-test-x", http_client=httpx.AsyncClient())


@pytest.mark.security("S1")
def test_a_client_is_not_copied():
    """S1: pickling or copying a client would copy a key."""
    client = Client("sk-test-x")
    for duplicate in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="holds a key"):
            duplicate(client)


def test_submit_task_download_balance(simulate, tmp_path):
    """The verbs of one clip, one after the other, on a real socket."""
    simulator = simulate(speed=10_000.0)
    with simulator.client() as client:
        task = client.submit(BOAT)
        assert task.status is Status.QUEUED
        while not (task := client.task(task.id)).status.finished:
            pass
        path = client.download(task, tmp_path / "boat.mp4")

        assert path.read_bytes()[4:8] == b"ftyp"
        assert task.cost == simulator.ledger.billed
        assert client.balance().used == task.cost
        assert not list(tmp_path.glob("*.part"))


def test_the_async_twins(simulate, tmp_path):
    """Each verb has a twin that works on any loop."""
    simulator = simulate()

    async def use() -> None:
        client = simulator.client()
        task = await client.asubmit(BOAT)
        while not (task := await client.atask(task.id)).status.finished:
            await wait_async(engine().submit(simulator.clock.sleep(30)))
        await client.adownload(task, tmp_path / "boat.mp4")
        assert (await client.abalance()).used == task.cost
        await client.aclose()

    asyncio.run(use())
    assert (tmp_path / "boat.mp4").stat().st_size > 1000


@pytest.mark.security("S5")
def test_every_request_carries_the_key_and_no_download_does(simulate, tmp_path):
    """C38, S5: the key goes with API calls only; result files are fetched without it."""
    simulator = simulate(speed=10_000.0)
    seen: list[tuple[str, bool]] = []

    def make() -> httpx.AsyncClient:
        async def note(request: httpx.Request) -> None:
            seen.append((request.url.path.split("/")[1], "authorization" in request.headers))

        return httpx.AsyncClient(event_hooks={"request": [note]}, trust_env=False)

    client = simulator.client(http_client=make)
    task = client.submit(BOAT)
    while not (task := client.task(task.id)).status.finished:
        pass
    client.download(task, tmp_path / "boat.mp4")
    client.close()

    assert {key for place, key in seen if place == "v1"} == {True}
    assert {key for place, key in seen if place == "f"} == {False}


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, APIError),
        (401, AuthenticationError),
        (402, OutOfCreditsError),
        (403, AuthenticationError),
        (429, RateLimitError),
    ],
)
def test_refusals_have_their_own_errors(status, kind):
    """The HTTP status decides the error, and the server's words are in it."""
    client = answering(status, body=b'{"error":{"code":"","message":"because"}}')
    with pytest.raises(kind, match="because") as caught:
        client.submit(BOAT)
    assert caught.value.status == status


def test_a_lost_answer_carries_its_cell():
    """UnknownOutcome says what may be billed, what was seen last, and that it was not repeated."""
    with pytest.raises(UnknownOutcome, match="not repeated") as caught:
        answering(502, body=b"<html>bad gateway").submit(BOAT)
    assert caught.value.cell == BOAT
    assert "502" in caught.value.evidence


def test_a_refused_connection_sent_nothing():
    """Nobody listens: NetworkError, which promises that nothing was sent."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
    with pytest.raises(NetworkError, match="nothing was sent"):
        Client("sk-test-x", address).submit(BOAT)


@pytest.mark.parametrize(
    "reply", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{", b"SSH-2.0-OpenSSH\r\n"]
)
def test_a_broken_answer_on_a_real_socket_is_unknown(reply):
    """Reset, half a body, and bytes that are no HTTP: one POST each, outcome unknown."""
    with raw_server(reply) as (address, seen):
        client = Client("sk-test-x", address)
        with pytest.raises(UnknownOutcome):
            client.submit(BOAT)
        client.close()
        assert len(seen) == 1


@pytest.mark.conformance("C37")
@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_redirects_are_not_followed_with_the_key(status):
    """C37: a redirected submission is refused, and the key goes nowhere else."""
    with pytest.raises(APIError):
        answering(status, headers={"location": "https://example.org"}).submit(BOAT)


@pytest.mark.security("S7")
@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/a.mp4",
        "file:///etc/passwd",
        "ftp://example.org/a.mp4",
        "data:video/mp4;base64,AAAA",
        "https://127.0.0.1/a.mp4",
        "https://169.254.169.254/latest",
        "https://[::1]/a.mp4",
        "https://2130706433/a.mp4",
        "//",
        "",
    ],
)
def test_result_links_are_checked_before_connecting(url, tmp_path):
    """S7: only https to public addresses is fetched by a client of a public host."""
    client = Client("sk-test-x", "https://example.org")
    task = Task("task_1", Status.COMPLETED, videos=(Video(url),))
    with pytest.raises(GridgenError):
        client.download(task, tmp_path / "a.mp4")
    assert not list(tmp_path.iterdir())


@pytest.mark.security("S13")
def test_a_page_is_never_saved_as_a_video(tmp_path):
    """S13: an HTML page under a video's link is refused, and no file appears under its name."""
    with raw_server(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>") as (address, _):
        client = Client("sk-test-x", address)
        with pytest.raises(GridgenError):
            client.download(
                Task("task_1", Status.COMPLETED, videos=(Video(f"{address}/a.mp4"),)), tmp_path / "a.mp4"
            )
        client.close()
    assert not (tmp_path / "a.mp4").exists()


def test_a_task_without_a_video_is_not_downloaded(tmp_path):
    """The error carries the task and says why there is none."""
    task = Task("task_1", Status.FAILED, error="too dark")
    with pytest.raises(TaskFailed, match="too dark") as caught:
        Client("sk-test-x").download(task, tmp_path / "a.mp4")
    assert caught.value.task is task


@pytest.mark.security("S8")
@pytest.mark.parametrize("task_id", ["", "a\nb", "x" * 201])
def test_hostile_task_ids_go_nowhere(task_id):
    """S8: what is no id is refused before a request is made."""
    with pytest.raises(GridgenError, match="task id"):
        Client("sk-test-x").task(task_id)


@pytest.mark.security("S8")
def test_task_ids_are_encoded():
    """S8: an id with slashes and dots stays one segment under /v1/tasks."""
    paths: list[bytes] = []

    def handle(request: httpx.Request) -> httpx.Response:
        paths.append(request.url.raw_path)
        return httpx.Response(200, json={"code": 200, "data": {"status": "queued"}})

    client = Client(
        "sk-test-x",
        "http://127.0.0.1",
        http_client=lambda: httpx.AsyncClient(transport=httpx.MockTransport(handle)),
    )
    client.task("../../x?y=%2e")
    assert paths == [b"/v1/tasks/..%2F..%2Fx%3Fy%3D%252e"]


@pytest.mark.conformance("C35")
def test_unknown_models_have_no_price(simulate):
    """C35: zeros from the price list mean unknown, not free."""
    client = simulate().client()
    assert wait(client.wire.price("no-such-model")) is None
    assert (
        wait(client.wire.price("grok-imagine-1.0-video-apimart")).of(quality="480p", duration=6)
        == Grid(prompt="a", model="grok-imagine-1.5-video-ext")[0].price()
    )
