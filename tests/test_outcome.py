"""Verdicts on what no socket of ours brings about, and the laws of reading an answer."""

from __future__ import annotations

import json

import pytest

from gridgen import APIError, AuthenticationError, OutOfCreditsError, RateLimitError
from gridgen.outcome import Accepted, Ambiguous, NotSent, classify, retry_after

CONNECTING = ("connection.connect_tcp.started",)
HEADERS = (
    "connection.connect_tcp.started",
    "connection.connect_tcp.complete",
    "http11.send_request_headers.started",
)
BODY = (*HEADERS, "http11.send_request_headers.complete", "http11.send_request_body.started")
SENT = (*BODY, "http11.send_request_body.complete", "http11.receive_response_headers.started")


def reply(status, payload=None, headers=None, body=None):
    """Classify an answer that came in full."""
    found = body if body is not None else json.dumps(payload).encode()
    return classify(SENT, status, headers or {}, found)


def error(code="", message="no", kind="apimart_error"):
    """Return an error body as the server writes it."""
    return {"error": {"code": code, "message": message, "type": kind, "param": ""}}


@pytest.mark.parametrize(
    ("events", "verdict"),
    [
        (("pool.timeout",), NotSent),
        ((*CONNECTING, "connection.connect_tcp.failed"), NotSent),
        (("connection.connect_unix_socket.failed",), NotSent),
        ((*CONNECTING, "connection.connect_tcp.complete", "connection.start_tls.failed"), NotSent),
        (
            (
                *CONNECTING,
                "proxy.http11.send_request_headers.started",
                "proxy.http11.receive_response_headers.complete",
            ),
            NotSent,
        ),
        ((*HEADERS, "http11.send_request_headers.failed"), NotSent),
        ((*HEADERS, "http11.send_request_headers.complete"), NotSent),
        ((), Ambiguous),
        (BODY, Ambiguous),
        ((*BODY, "http11.send_request_body.failed", "http11.receive_response_headers.failed"), Ambiguous),
        ((*SENT, "http11.receive_response_headers.failed"), Ambiguous),
        (("http2.send_request_headers.complete", "http2.send_request_body.started"), Ambiguous),
    ],
)
def test_no_answer(events, verdict):
    """Without an answer only the trace counts: until the body starts nothing can be applied; no trace proves nothing."""
    assert isinstance(classify(events, None, {}, b""), verdict)


@pytest.mark.parametrize(
    "payload",
    [
        {"code": 200, "data": [{"status": "submitted", "task_id": "task_1"}]},
        {"code": 200, "data": {"id": "task_1"}},
        {"code": 202, "data": {"id": "task_1"}},
    ],
)
@pytest.mark.parametrize("status", [200, 201, 202])
def test_a_task_id_is_acceptance(status, payload):
    """C2, C3: any 2xx with a task id is accepted, whatever its shape."""
    assert reply(status, payload) == Accepted("task_1")


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b'{"code":200,"data":', b'{"code":200,"data":[]}', b'{"code":200}', b"[]"]
)
def test_a_success_without_an_id_is_unknown(body):
    """C4: a 2xx that names no task is probably billed; what it said is kept, at most 300 bytes of it."""
    verdict = reply(200, body=body + b" " * 5000)
    assert isinstance(verdict, Ambiguous)
    assert len(verdict.evidence) < 400


@pytest.mark.parametrize(
    ("headers", "payload", "seconds"),
    [
        ({"retry-after": "7"}, None, 7),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:00 GMT", "date": "Wed, 21 Oct 2026 07:27:30 GMT"}, None, 30),
        ({"retry-after": "Wed, 21 Oct 2026 07:27:00 GMT", "date": "Wed, 21 Oct 2026 07:27:30 GMT"}, None, 0),
        ({}, {"detail": "slow", "retry_after": 9}, 9),
        ({}, {"error": {"message": "Please retry in 12s"}}, 12),
        ({}, {"error": {"message": "no tokens"}}, None),
        ({"retry-after": "-5"}, None, None),
        ({"retry-after": "soon"}, None, None),
        ({"retry-after": "nan"}, None, None),
    ],
)
def test_retry_after_in_every_form(headers, payload, seconds):
    """C29: the wait is in the header, as seconds or a date, in the body, or in the words."""
    assert retry_after(headers, payload) == seconds


@pytest.mark.parametrize("code", [7, "7", "word", "", None, {"a": 1}])
def test_error_codes_of_any_type(code):
    """C27: the code is an integer, a numeric text, a word, empty or missing."""
    verdict = reply(400, {"error": {"code": code, "message": "no"}})
    assert isinstance(verdict.error, APIError)
    assert str(verdict.error) == "HTTP 400: no"


@pytest.mark.parametrize(
    ("status", "kind"), [(401, AuthenticationError), (403, AuthenticationError), (402, OutOfCreditsError)]
)
def test_the_status_names_the_error(status, kind):
    """C24: a bad key and an empty account are told by the HTTP status, though the code is empty."""
    assert type(reply(status, error(code="")).error) is kind


def test_a_rate_limit_carries_its_wait():
    """The error of a 429 says how long to wait."""
    verdict = reply(429, error(), {"retry-after": "3"})
    assert isinstance(verdict.error, RateLimitError)
    assert verdict.error.retry_after == 3
    assert verdict.retry_after == 3
