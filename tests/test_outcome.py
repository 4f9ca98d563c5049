"""What became of a submission: one row of evidence, one verdict."""

from __future__ import annotations

import json

import pytest

from gridgen import APIError, AuthenticationError, OutOfCreditsError, RateLimitError
from gridgen.outcome import Accepted, Ambiguous, NotApplied, NotSent, Rejected, classify, retry_after

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
    ("payload", "verdict"),
    [
        ({"code": 402, "error": {"message": "no money"}}, Rejected),
        ({"code": 429, "message": "slow down"}, NotApplied),
        ({"code": 400, "message": "bad"}, Rejected),
        ({"code": 500, "message": "oops"}, Ambiguous),
        ({"success": False, "message": "bad"}, Rejected),
        ({"code": 200, "error": {"message": "bad"}}, Rejected),
        ({"code": "get_channel_failed", "error": {"code": "get_channel_failed"}}, NotApplied),
    ],
)
def test_a_failure_inside_a_success(payload, verdict):
    """C30: HTTP 200 with another code, an error or success false is judged by what it says."""
    assert isinstance(reply(200, payload), verdict)


@pytest.mark.parametrize("status", [400, 404, 405, 413, 415, 422, 301, 302, 307, 308])
def test_refusals_concern_one_cell(status):
    """A parameter error, or a redirect, which is never followed, ends the cell and not the sweep."""
    verdict = reply(status, error())
    assert isinstance(verdict, Rejected)
    assert not verdict.everywhere


@pytest.mark.parametrize(
    ("status", "kind"), [(401, AuthenticationError), (403, AuthenticationError), (402, OutOfCreditsError)]
)
def test_some_refusals_concern_all_cells(status, kind):
    """C24: a bad key and an empty account are told by the HTTP status, though the code is empty."""
    verdict = reply(status, error(code=""))
    assert isinstance(verdict, Rejected)
    assert verdict.everywhere
    assert type(verdict.error) is kind


@pytest.mark.parametrize(
    ("status", "payload"),
    [
        (425, None),
        (429, None),
        (521, None),
        (523, None),
        (503, error("idempotency_unavailable")),
        (400, error("get_channel_failed")),
    ],
)
def test_provably_not_applied(status, payload):
    """C21: these answers say that nothing was done."""
    assert isinstance(reply(status, payload), NotApplied)


@pytest.mark.parametrize("status", [408, 500, 502, 503, 504, 520, 522, 524, 303, 599])
def test_gateway_errors_prove_nothing(status):
    """A gateway's error may follow a paid submission."""
    assert isinstance(reply(status, error()), Ambiguous)


@pytest.mark.parametrize(
    ("code", "verdict"),
    [
        ("idempotency_in_progress", Ambiguous),
        ("idempotency_result_indeterminate", Ambiguous),
        ("idempotency_key_reused", Rejected),
        ("", Ambiguous),
    ],
)
def test_the_idempotency_family(code, verdict):
    """409 with a subtype: pending and indeterminate stay unknown, a reused key is our mistake."""
    assert isinstance(reply(409, error(code)), verdict)


def test_validation_behind_a_500():
    """C28: a 500 that starts with build_request_failed is a parameter error."""
    said = error(message="build_request_failed: invalid size: 3:5, allowed: 16:9")
    assert isinstance(reply(500, said), Rejected)


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


def test_a_rate_limit_carries_its_wait():
    """The error of a 429 says how long to wait."""
    verdict = reply(429, error(), {"retry-after": "3"})
    assert isinstance(verdict.error, RateLimitError)
    assert verdict.error.retry_after == 3
    assert verdict.retry_after == 3
