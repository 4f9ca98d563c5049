"""A submission that was taken is known as such, whatever the status and the shape of its answer; judged by what the server made."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from answering import Answering

from gridgen import Grid, Sweep

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

GOOD = {"code": 200, "data": [{"status": "submitted", "task_id": "task_1"}]}


def said(body: Any, status: int = 200, **headers: str) -> httpx.Response:
    """Return an answer of some bytes, or of JSON."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return httpx.Response(status, content=content, headers={"content-type": "application/json", **named})


def taking(answer: httpx.Response, name: str = "task_1") -> Answering:
    """Return a server that takes the first submission, of which it says something odd, and all others as usual."""

    def submit(jobs: dict[str, Any], job: Any) -> httpx.Response | None:
        if job.id != "task_1":
            return None
        job.id = name
        jobs[name] = job
        return answer

    return Answering(submit=submit)


def swept(server: Answering, folder: Path, **options: Any) -> Sweep:
    """Run three cells to their end."""
    grid = Grid(prompt=["boat 0", "boat 1", "boat 2"])
    sweep = Sweep(grid, client=server.client(), folder=folder, previews=False, **options)
    sweep.run()
    return sweep


LEGIBLE: dict[str, Callable[[], httpx.Response]] = {
    "one byte that is no UTF-8": lambda: said(
        json.dumps({**GOOD, "message": "cr"}).encode()[:-2] + b'\xe9"}'
    ),
    "a number of 5,000 digits": lambda: said(
        json.dumps(GOOD).encode()[:-1] + b',"trace":' + b"9" * 5000 + b"}"
    ),
    "a page's comment behind it": lambda: said(json.dumps(GOOD).encode() + b"\n<!-- 0.02 s -->"),
    "an event of a stream": lambda: said(b"event: done\ndata: " + json.dumps(GOOD).encode() + b"\n\n"),
    "429": lambda: said(GOOD, 429, retry_after="1"),
    "400": lambda: said({**GOOD, "error": {"message": "size was corrected", "code": "warning"}}, 400),
    "409": lambda: said({**GOOD, "error": {"message": "at it", "code": "idempotency_in_progress"}}, 409),
    "500": lambda: said({**GOOD, "error": {"message": "late"}}, 500),
    "504 at top level": lambda: said({"task_id": "task_1", "error": {"message": "timeout"}}, 504),
    "200 with an error": lambda: said({"task_id": "task_1", "error": {"message": "timeout"}}),
    "a list": lambda: said([{"task_id": "task_1"}]),
    "in camel case": lambda: said({"code": 200, "data": {"taskId": "task_1"}}),
    "a task in the data": lambda: said({"code": 200, "data": {"task": {"id": "task_1"}}}),
    "tasks in the data": lambda: said({"code": 200, "data": {"tasks": [{"id": "task_1"}]}}),
    "a result beside it": lambda: said({"code": 200, "result": {"task_id": "task_1"}}),
}


@pytest.mark.parametrize("form", LEGIBLE)
def test_a_task_that_can_be_read_is_followed(tmp_path, form):
    """Cases T2 and T3: where a task is named it was made, whatever stands around it: one POST, and its clip is had."""
    server = taking(LEGIBLE[form]())
    sweep = swept(server, tmp_path)

    assert sweep.counts() == {"done": 3}
    assert len(server.posts) == len(server.jobs) == 3


def test_a_task_whose_name_is_a_number(tmp_path):
    """Case T3: a number names a task as well as a text does."""
    server = taking(said({"code": 200, "data": {"id": 770_123, "status": "submitted"}}), "770123")
    sweep = swept(server, tmp_path)

    assert sweep.counts() == {"done": 3}
    assert "770123" in [row.task_id for row in sweep.rows()]


ILLEGIBLE = {
    "a code of its own": said({"code": 1, "msg": "success", "data": {"job": "x"}}),
    "a word of its own": said({"code": "CREATED", "success": True, "data": {"job": "x"}}),
    "a code and nothing against it": said({"code": 1000, "message": "OK", "data": None}),
    "an error that is none": said({"error": {"code": 0, "message": "success"}, "data": {"job": "x"}}),
    "an error of a word": said({"error": "none", "code": 200, "data": {"job": "x"}}),
    "400 that says success": said({"code": 200, "success": True, "data": {"job": "x"}}, 400),
    "429 that says success": said({"code": 200, "message": "success", "data": {"job": "x"}}, 429),
}


@pytest.mark.parametrize("form", ILLEGIBLE)
def test_what_says_that_it_was_taken_is_never_paid_twice(tmp_path, form):
    """Case T2: no code that nobody knows outweighs the rest: the row is unknown, and neither run nor retry pays again."""
    server = taking(ILLEGIBLE[form])
    sweep = swept(server, tmp_path)
    again = swept(server, tmp_path)

    assert again.retry() == 0
    assert again.counts() == {"done": 2, "unknown": 1}
    assert len(server.posts) == 3
    (row,) = [each for each in sweep.rows() if each.status == "unknown"]
    assert "may be billed" in row.error


@pytest.mark.parametrize("name", ["task", "tasks"])
def test_a_reply_of_tasks_within_tasks_is_unknown(tmp_path, name):
    """Case A3: however deep a reply is, it is one row's trouble."""
    opening = b'{"%s":' % name.encode() + (b"[" if name == "tasks" else b"")
    closing = b"]}" if name == "tasks" else b"}"
    body = b'{"code":200,"data":' + opening * 900 + b"1" + closing * 900 + b"}"
    sweep = swept(taking(said(body)), tmp_path)

    assert sweep.counts() == {"done": 2, "unknown": 1}


REFUSED = {
    "a code of its own": said({"code": 1, "msg": "the prompt is empty", "data": None}),
    "not successful": said({"success": False, "message": "bad", "data": {"field": "size"}}),
    "an error": said({"code": 200, "error": {"message": "bad size"}, "data": {"field": "size"}}),
    "an error's code": said({"code": 200, "error": {"code": "bad_size"}}),
    "another task's name": said({"error": {"message": "no such task"}, "task_id": "task_before"}, 404),
}


@pytest.mark.parametrize("form", REFUSED)
def test_what_says_that_it_was_not_taken_is_refused(tmp_path, form):
    """The other side: a reason is a refusal, and a task that the submission itself named is none that it made."""
    server = Answering(submit=lambda _jobs, _job: REFUSED[form])
    grid = Grid(prompt="boat", model="pixverse-v6", extend_from_task_id="task_before")
    sweep = Sweep(grid, client=server.client(), folder=tmp_path, previews=False)
    sweep.run()

    assert sweep.counts() == {"rejected": 1}
