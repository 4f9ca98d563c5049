"""Replies of the server: every known shape is read, and rubbish is told from a task."""

from __future__ import annotations

import json
from decimal import Decimal

import hypothesis.strategies as st
import pytest
from hypothesis import given

from gridgen.task import Status, Video, error_text, parse_json, parse_task, task_id, valid_id

KNOWN = "task_01K8SGYNNNVBQTXNR4MM964S7K"


@pytest.mark.parametrize(
    "reply",
    [
        {"code": 200, "data": [{"status": "submitted", "task_id": KNOWN}]},
        {"code": 200, "data": {"id": KNOWN, "status": "submitted", "progress": 0, "created": 1710000000}},
        {
            "code": 202,
            "request_id": "req_1",
            "data": {"id": KNOWN, "status": "queued", "object": "generation.task"},
        },
        {"data": {"task_id": KNOWN}},
    ],
)
def test_every_submit_shape_names_its_task(reply):
    """The id is found in an array, in an object, and under either name."""
    assert task_id(reply) == KNOWN


@pytest.mark.parametrize(
    "reply", [None, [], {}, {"data": []}, {"data": {}}, {"data": [{"id": 7}]}, {"data": "x"}, "x"]
)
def test_a_reply_without_an_id_has_none(reply):
    """What names no task is told from what does."""
    assert task_id(reply) is None


@pytest.mark.parametrize("text", ["", " ", "a\nb", "a\x00b", "x" * 201, 7, None])
def test_hostile_ids_are_refused(text):
    """An id is one printable text of at most 200 characters."""
    assert not valid_id(text)


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("submitted", Status.QUEUED),
        ("PENDING", Status.QUEUED),
        ("queued", Status.QUEUED),
        ("processing", Status.RUNNING),
        ("in_progress", Status.RUNNING),
        ("running", Status.RUNNING),
        ("dreaming", Status.RUNNING),
        ("Completed", Status.COMPLETED),
        ("succeeded", Status.COMPLETED),
        ("success", Status.COMPLETED),
        ("done", Status.COMPLETED),
        (" finished ", Status.COMPLETED),
        ("failed", Status.FAILED),
        ("failure", Status.FAILED),
        ("ERROR", Status.FAILED),
        ("cancelled", Status.CANCELLED),
        ("canceled", Status.CANCELLED),
    ],
)
def test_status_words(word, status):
    """C16: known words in any case mean what they say, and an unknown one is not an end."""
    assert parse_task({"data": {"status": word}}, KNOWN).status is status


VIDEO = "https://upload.apimart.ai/f/video/a.mp4"
FRAME = "https://upload.apimart.ai/f/image/a-last.png"


@pytest.mark.parametrize(
    ("result", "videos"),
    [
        ({"videos": [{"url": [VIDEO], "expires_at": 1763174708}]}, (Video(VIDEO, 1763174708.0),)),
        ({"videos": [{"url": VIDEO, "expires_at": 1763174708}]}, (Video(VIDEO, 1763174708.0),)),
        ({"videos": [VIDEO]}, (Video(VIDEO),)),
        ({"videos": [{"url": [VIDEO, "https://e.org/b"]}]}, (Video(VIDEO, mirrors=("https://e.org/b",)),)),
        ({"videos": [{"url": VIDEO}, {"url": "https://e.org/b"}]}, (Video(VIDEO), Video("https://e.org/b"))),
        ({"videos": [{"urls": [VIDEO, VIDEO]}]}, (Video(VIDEO),)),
        ({"videos": [{"video_url": VIDEO}, {"video_url": VIDEO}]}, (Video(VIDEO),)),
        ({"videos": [{"url": VIDEO, "last_frame_url": FRAME}]}, (Video(VIDEO, last_frame_url=FRAME),)),
        ({"video_url": VIDEO, "last_frame_url": FRAME}, (Video(VIDEO, last_frame_url=FRAME),)),
        ({"video_urls": [VIDEO, "https://e.org/b"]}, (Video(VIDEO), Video("https://e.org/b"))),
        ({"videos": [], "url": f"\n {VIDEO} "}, (Video(VIDEO),)),
        ({"video_url": VIDEO}, (Video(VIDEO),)),
        ({"video_urls": [VIDEO]}, (Video(VIDEO),)),
        ({"url": VIDEO}, (Video(VIDEO),)),
        ({"videos": [{"url": ""}]}, ()),
        ({"videos": {"url": VIDEO}}, (Video(VIDEO),)),
        ({}, ()),
        (None, ()),
    ],
)
def test_links_in_every_form(result, videos):
    """C14, cases F3, F4, T8: links are lists, texts, plain items or under other names; none of them is dropped."""
    assert parse_task({"data": {"status": "completed", "result": result}}, KNOWN).videos == videos


@pytest.mark.parametrize(
    "data", [{"videos": [{"url": VIDEO}]}, {"video_url": VIDEO}, {"video_urls": [VIDEO]}]
)
def test_links_beside_the_result(data):
    """C14: relays put the links into the task itself."""
    assert parse_task({"data": {"status": "completed", **data}}, KNOWN).videos == (Video(VIDEO),)


def test_all_links_of_a_video_begin_with_its_first():
    """Case F4: what is to be tried in turn is the link, then its mirrors."""
    assert Video(VIDEO, mirrors=("https://e.org/b",)).urls == (VIDEO, "https://e.org/b")


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ({"error": {"code": "x", "message": "too dark"}}, "too dark"),
        ({"error": "too dark"}, "too dark"),
        ({"message": "too dark"}, "too dark"),
        ({"fail_reason": "too dark"}, "too dark"),
        ({"error": {"message": {"a": 1}}}, "the task failed without a reason"),
        ({}, "the task failed without a reason"),
    ],
)
def test_failure_text(data, text):
    """C18: the reason is found wherever the server put it, and is never a raw object."""
    assert parse_task({"data": {"status": "failed", **data}}, KNOWN).error == text


@pytest.mark.parametrize(
    ("typed", "percent"),
    [
        (0, 0),
        (40, 40),
        ("50%", 50),
        ("7", 7),
        (150, 100),
        (-1, None),
        (None, None),
        ("soon", None),
        (True, None),
    ],
)
def test_progress_in_every_form(typed, percent):
    """C17: progress is an integer, a text with a percent sign, or nothing."""
    assert parse_task({"data": {"status": "running", "progress": typed}}, KNOWN).progress == percent


def test_cost_loses_its_float_noise():
    """A cost of 0.047920000000000004 is 0.04792."""
    assert parse_task({"data": {"status": "running", "cost": 0.047920000000000004}}, KNOWN).cost == Decimal(
        "0.04792"
    )
    assert parse_task({"data": {"status": "failed", "cost": 0}}, KNOWN).cost == 0


def test_service_time_is_the_servers_own():
    """The seconds a task took come from the server's stamps."""
    task = parse_task(
        {"data": {"status": "completed", "created": 1763088289, "completed": 1763088308}}, KNOWN
    )
    assert task.service_seconds == 19


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
        lambda each: (
            st.lists(each)
            | st.dictionaries(
                st.sampled_from(
                    [
                        "data",
                        "status",
                        "result",
                        "videos",
                        "url",
                        "error",
                        "message",
                        "progress",
                        "cost",
                        "created",
                        "id",
                    ]
                ),
                each,
            )
        ),
        max_leaves=20,
    )
)
def test_no_reply_breaks_the_parser(payload):
    """Whatever JSON arrives, the parsers answer and never raise."""
    task = parse_task(payload, KNOWN)
    assert task is None or task.id == KNOWN
    assert task_id(payload) is None or isinstance(task_id(payload), str)
    assert error_text(payload) is None or isinstance(error_text(payload), str)


@given(st.binary())
def test_no_bytes_break_the_parser(body):
    """Bytes that are no JSON are None."""
    try:
        expected = json.loads(body)
    except ValueError:
        expected = None
    found = parse_json(body)
    assert found == expected or found != found  # noqa: PLR0124 - NaN differs from itself
