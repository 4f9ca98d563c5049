"""Every form of a reply that was seen in public is read as what it means, over a socket of the test's own."""

from __future__ import annotations

import contextlib
import http.server
import json
import threading
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from gridgen import APIError, AuthenticationError, Client, OutOfCreditsError
from gridgen._loop import wait
from gridgen.outcome import Accepted, Ambiguous, NotApplied, Rejected, is_gone

if TYPE_CHECKING:
    from collections.abc import Iterator

REPLIES = json.loads((Path(__file__).parent / "replies.json").read_text(encoding="utf-8"))["replies"]
TASK = "task_01ZZPAPERBOAT0000000000001"


def of(kind: str) -> list[Any]:
    """Return the forms of a kind, as parameters named after them."""
    return [pytest.param(each, id=each["name"]) for each in REPLIES if each["kind"] == kind]


@contextlib.contextmanager
def saying(reply: dict[str, Any]) -> Iterator[tuple[Client, list[str]]]:
    """Answer every request on loopback with one reply; yield a client, and the paths that it asked for."""
    asked: list[str] = []
    body = reply["body"] if isinstance(reply["body"], str) else json.dumps(reply["body"])

    class Handler(http.server.BaseHTTPRequestHandler):
        def answer(self) -> None:
            asked.append(self.path)
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self.send_response(reply["status"])
            for name, value in {"Content-Type": "application/json", **reply["headers"]}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body.encode())))
            self.end_headers()
            self.wfile.write(body.encode())

        do_GET = do_POST = answer  # noqa: N815 - as the standard library names them

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        with Client("sim-key", f"http://127.0.0.1:{server.server_port}") as client:
            yield client, asked
    finally:
        server.shutdown()
        server.server_close()


async def nothing() -> None:
    """Write nothing down before a submission leaves."""


@pytest.mark.parametrize("reply", of("submit"))
def test_what_became_of_a_submission(reply):
    """Cases T5, A12: each form of an answer to a submission has its verdict, and the server's words are in it."""
    means = reply["means"]
    with saying(reply) as (client, asked):
        outcome = wait(client.wire.send(b"{}", idempotency_key="k", on_sending=nothing))

    assert len(asked) == 1
    error = getattr(outcome, "error", None)
    match means["verdict"]:
        case "accepted":
            assert outcome == Accepted(means["task"], others=tuple(means.get("others", ())))
        case "unknown":
            assert isinstance(outcome, Ambiguous)
            assert means["says"] in outcome.reply.decode()
        case "not applied":
            assert isinstance(outcome, NotApplied)
            assert outcome.retry_after == means.get("wait")
        case verdict:
            kind = {"no money": OutOfCreditsError, "bad key": AuthenticationError}.get(verdict, APIError)
            assert isinstance(outcome, Rejected)
            assert type(error) is kind
            assert outcome.everywhere is (verdict != "refused")
            assert means["says"] in str(error)


@pytest.mark.parametrize("reply", of("task"))
def test_where_a_task_stands(reply):
    """Cases T1, T2, T3, T4, T7, T8, F3, F4, F8, A3: each form of a status reply is read, or says whether the task is gone."""
    means = reply["means"]
    with saying(reply) as (client, asked):
        if "missing" in means:
            with pytest.raises(APIError) as told:
                client.task(TASK)
            assert is_gone(told.value) is means["missing"]
            return
        task = client.task(TASK)

    assert asked == [f"/v1/tasks/{TASK}"]
    assert (task.id, str(task.status)) == (TASK, means["status"])
    assert [list(video.urls) for video in task.videos] == means.get("videos", [])
    assert task.error == means.get("error")
    assert task.refused is means.get("refused", False)
    assert task.cost == (None if means.get("cost") is None else Decimal(means["cost"]))
    assert task.progress == means.get("progress", task.progress)
    assert task.service_seconds == means.get("service_seconds", task.service_seconds)
    if "last_frame" in means:
        assert task.videos[0].last_frame_url == means["last_frame"]
    assert means.get("says", "") in (task.reply or "")
