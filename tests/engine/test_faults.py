"""The engine under each fault, by its number: what went over the wire, what was paid, what the row says.

The numbers are those of the fault matrix that the engine was designed to.
"""

from __future__ import annotations

import math
import socket
import threading
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from gridgen import AuthenticationError, Client, Grid, GridgenError, NetworkError, Sweep
from gridgen.simulator import Fault
from gridgen.simulator.clock import ScaledClock

if TYPE_CHECKING:
    from pathlib import Path

PRICE = Decimal("0.0612")


def verdict(simulator, sweep) -> tuple[int, Decimal, dict[str, int]]:
    """Return POSTs seen on the wire, the ledger's sum, and the rows' states."""
    posts = sum(seen.method == "POST" for seen in simulator.requests)
    return posts, simulator.ledger.billed, sweep.counts()


@pytest.fixture
def swept(simulate, tmp_path: Path):
    """Run one cell on a simulator with faults, in virtual time unless told otherwise, and judge it."""

    def run(*faults: Fault, cells: int = 1, **options):
        simulator = simulate(faults=list(faults), **options)
        grid = Grid(prompt=[f"boat {number}" for number in range(cells)])
        sweep = Sweep(grid, client=simulator.client(), folder=tmp_path / "boats")
        sweep.run()
        return simulator, sweep

    return run


LOST = [
    pytest.param(Fault(kind="reset", on="submit", when="after"), id="F4-reset"),
    pytest.param(Fault(kind="close", on="submit", when="after"), id="F4-close"),
    pytest.param(Fault(kind="hang", on="submit", when="after"), id="F4-hang"),
    pytest.param(Fault(kind="close", on="submit", when="mid_reply", size=20), id="F6-half-a-body"),
    pytest.param(Fault(kind="reply", on="submit", when="after", status=200, body="<html>"), id="F7-html"),
    pytest.param(Fault(kind="garbage", on="submit", when="after"), id="F7-no-http"),
    pytest.param(
        Fault(kind="reply", on="submit", when="after", status=200, body={"code": 200, "data": []}),
        id="F7-no-id",
    ),
    pytest.param(Fault(kind="reply", on="submit", when="after", status=500), id="F13-500"),
    pytest.param(Fault(kind="reply", on="submit", when="after", status=502), id="F13-502"),
    pytest.param(Fault(kind="reply", on="submit", when="after", status=504), id="F13-504"),
    pytest.param(Fault(kind="flood", on="submit", when="after", size=50 * 2**20), id="F28-flood"),
    pytest.param(Fault(kind="gzip", on="submit", when="after", size=100 * 2**20), id="F28-gzip"),
]


@pytest.mark.parametrize("fault", LOST)
@pytest.mark.parametrize("speed", [math.inf, 2000.0], ids=["in-process", "socket"])
def test_a_lost_answer_to_a_paid_submission(swept, fault, speed):
    """F4 to F7, F13, F28: billed, answer lost: one POST, one payment, one unknown row, whatever the loss looks like."""
    if fault.kind == "hang" and speed < math.inf:
        speed = math.inf  # a real socket would be waited for in real seconds
    simulator, sweep = swept(fault, speed=speed)

    assert verdict(simulator, sweep) == (1, PRICE, {"unknown": 1})


UNPAID = [
    pytest.param(Fault(kind="reply", on="submit", status=429), 2, id="F12-429"),
    pytest.param(
        Fault(kind="reply", on="submit", status=429, headers={"retry-after": "garbage"}), 2, id="F12-garbage"
    ),
    pytest.param(
        Fault(kind="reply", on="submit", status=429, headers={"retry-after": "-7"}), 2, id="F12-negative"
    ),
    pytest.param(
        Fault(kind="reply", on="submit", status=429, headers={"retry-after": "86400"}), 2, id="F12-a-day"
    ),
    pytest.param(
        Fault(kind="reply", on="submit", status=400, body={"error": {"code": "get_channel_failed"}}),
        2,
        id="C21-channel",
    ),
    pytest.param(
        Fault(kind="reply", on="submit", status=503, body={"error": {"code": "idempotency_unavailable"}}),
        2,
        id="F27-unavailable",
    ),
    pytest.param(Fault(kind="reply", on="submit", status=425), 2, id="425"),
]


@pytest.mark.parametrize(("fault", "posts"), UNPAID)
def test_a_refusal_that_did_nothing_is_repeated(swept, fault, posts):
    """F12, F27, C21: the server says that it did nothing; the same attempt goes out again, and is paid once."""
    simulator, sweep = swept(fault)

    assert verdict(simulator, sweep) == (posts, PRICE, {"done": 1})


@pytest.mark.parametrize("said", ["header", "body", "text", "date", "none"])
def test_rate_limits_in_every_form(swept, said):
    """F12, C29: each way of saying 429 pauses all submissions; every cell is made and paid once."""
    simulator, sweep = swept(cells=8, rate=10.0, burst=2, rate_reply=said)

    posts, billed, counts = verdict(simulator, sweep)
    assert (billed, counts) == (8 * PRICE, {"done": 8})
    assert posts < 24


def test_nothing_leaves_before_retry_after(swept):
    """F12: after a 429 with Retry-After 120, no submission of the key leaves for 120 s."""
    simulator, _ = swept(
        Fault(kind="reply", on="submit", status=429, headers={"retry-after": "120"}), cells=5
    )

    sent = sorted(seen.at for seen in simulator.requests if seen.method == "POST")
    refused = next(seen.at for seen in simulator.requests if seen.status == 429)
    assert [at for at in sent if refused + 1 < at < refused + 119] == []


@pytest.mark.parametrize("status", [400, 404, 405, 413, 415, 422, 302, 307])
def test_a_refused_submission_is_a_row(swept, status):
    """F8, F29: a refusal, or a redirect, ends its own cell without a second POST."""
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


def test_a_refusal_inside_a_success(swept):
    """F8, C30: HTTP 200 with another code in the body is judged by that code."""
    simulator, sweep = swept(
        Fault(kind="reply", on="submit", status=200, body={"code": 400, "message": "bad size"})
    )

    assert verdict(simulator, sweep) == (1, 0, {"rejected": 1})
    assert "bad size" in sweep.rows()[0].error


POLLING = [
    pytest.param(Fault(kind="reset", on="status", times=3), id="F1-reset"),
    pytest.param(Fault(kind="hang", on="status", times=2), id="F4-hang"),
    pytest.param(Fault(kind="drip", on="status", when="mid_reply", size=1, seconds=5, times=1), id="F5-drip"),
    pytest.param(Fault(kind="close", on="status", when="mid_reply", size=10, times=3), id="F6-half"),
    pytest.param(Fault(kind="reply", on="status", status=200, body="<html>", times=4), id="F7-html"),
    pytest.param(Fault(kind="garbage", on="status", times=3), id="F7-garbage"),
    pytest.param(
        Fault(kind="reply", on="status", status=200, body={"code": 500, "message": "oops"}, times=3),
        id="F8-code",
    ),
    pytest.param(Fault(kind="reply", on="status", status=404, times=3), id="F11-404"),
    pytest.param(
        Fault(kind="reply", on="status", status=429, headers={"retry-after": "9"}, times=3), id="F12-429"
    ),
    pytest.param(Fault(kind="reply", on="status", status=503, times=4), id="F13-503"),
    pytest.param(Fault(kind="flood", on="status", size=20 * 2**20, times=1), id="F28-flood"),
    pytest.param(
        Fault(kind="reply", on="status", status=302, headers={"location": "http://127.0.0.1:1/"}, times=2),
        id="F29-302",
    ),
]


@pytest.mark.parametrize("fault", POLLING)
def test_a_failed_question_is_no_failed_task(swept, fault):
    """F1 to F13, F28, F29 while polling, C19: asked again until it answers; one POST, one payment, a clip."""
    simulator, sweep = swept(fault)

    assert verdict(simulator, sweep) == (1, PRICE, {"done": 1})


DOWNLOADING = [
    pytest.param(Fault(kind="reset", on="result", times=2), id="F1-reset"),
    pytest.param(Fault(kind="hang", on="result", when="mid_reply", size=500, times=1), id="F4-hang"),
    pytest.param(Fault(kind="close", on="result", when="mid_reply", size=700, times=2), id="F6-truncated"),
    pytest.param(Fault(kind="reply", on="result", status=200, body="<html>", times=1), id="S13-html"),
    pytest.param(Fault(kind="reply", on="result", status=500, times=3), id="F13-500"),
    pytest.param(Fault(kind="reply", on="result", status=200, body=b"", times=2), id="F18-empty"),
]


@pytest.mark.parametrize("fault", DOWNLOADING)
def test_a_broken_download_is_mended(swept, fault):
    """F1, F4, F6, F13, F18 while downloading: tried again, never paid again, and nothing wrong is kept."""
    simulator, sweep = swept(fault)

    assert verdict(simulator, sweep) == (1, PRICE, {"done": 1})
    assert not list(sweep.folder.glob("*.part"))


def test_a_truncated_download_is_resumed(swept):
    """F6: the second try asks only for what is missing."""
    simulator, sweep = swept(
        Fault(kind="close", on="result", when="mid_reply", size=700, times=1), speed=2000.0
    )

    ranges = [seen.headers.get("range") for seen in simulator.requests if seen.path.startswith("/f/video")]
    assert ranges[0] is None
    assert ranges[1] is not None
    assert sweep.counts() == {"done": 1}


def test_a_corrupt_file_is_never_shown(swept):
    """F18: a file that stays broken is not kept under its name; the clip stays paid and visible."""
    simulator, sweep = swept(
        Fault(kind="reply", on="result", status=200, body=b"\x00\x00\x00\x18ftypmp42junk", times=None)
    )

    assert verdict(simulator, sweep) == (1, PRICE, {"missing": 1})
    assert not list(sweep.folder.glob("*.mp4"))
    assert sweep.cost == PRICE


def test_an_expired_link(swept):
    """F17: a dead link is asked for again once; the clip stays paid and visible as expired."""
    simulator, sweep = swept(Fault(kind="reply", on="result", status=403, times=None))

    assert verdict(simulator, sweep) == (1, PRICE, {"expired": 1})
    assert sweep.cost == PRICE


def test_what_could_not_be_had_may_be_had_later(swept):
    """F17: the next run asks again, submits nothing, and brings the clip."""
    simulator, sweep = swept(Fault(kind="reply", on="result", status=403, times=None))
    simulator.faults.clear()
    sweep.run()

    assert verdict(simulator, sweep) == (1, PRICE, {"done": 1})


def test_a_task_that_the_server_forgot(swept):
    """F11: two minutes of 404 make a task missing; it is never submitted again."""
    simulator, sweep = swept(Fault(kind="reply", on="status", status=404, times=None))

    assert verdict(simulator, sweep) == (1, PRICE, {"missing": 1})


def test_a_task_that_never_ends(swept):
    """F14: long past what any task takes, it is stalled; waiting ends, and nothing is declared failed."""
    simulator, sweep = swept(Fault(kind="stick", on="submit", match="boat 0"), cells=3)

    posts, _, counts = verdict(simulator, sweep)
    assert (posts, counts) == (3, {"stalled": 1, "done": 2})


@pytest.mark.parametrize("progress", ["noisy", "plateau", "stuck", "backwards", "percent", "over", "absent"])
def test_odd_progress(swept, progress):
    """F15, C17: whatever progress says, it is never shown going back, and the clip arrives."""
    seen: list[int] = []
    simulator, sweep = swept(progress=progress, words="odd")

    assert verdict(simulator, sweep) == (1, PRICE, {"done": 1})
    assert seen == sorted(seen)
    assert sweep.rows()[0].progress == 100


@pytest.mark.parametrize(
    ("url", "state"), [("plain", "done"), ("string", "done"), ("list", "done"), ("missing", "missing")]
)
def test_links_in_every_shape(swept, url, state):
    """F16, C14: a link in any shape is found; a completed task without one is asked again and then told."""
    simulator, sweep = swept(url=url)

    assert verdict(simulator, sweep) == (1, PRICE, {state: 1})


def test_the_shape_of_replies_may_change(swept):
    """F32: replies of shapes A, B and C in one run are all understood."""
    for shape in "ABC":
        simulator, sweep = swept(shape=shape)
        assert sweep.counts() == {"done": 1}
        sweep.folder.rename(sweep.folder.with_name(f"boats-{shape}"))
        assert len(simulator.ledger) == 1


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


def test_nobody_listens(tmp_path):
    """F1: connection refused: tried a few times, told, nothing sent, everything still planned."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
    sweep = Sweep(
        Grid(prompt=["a", "b"]), client=Client("sim-x", address, clock=ScaledClock(2000.0)), folder=tmp_path
    )

    with pytest.raises(NetworkError, match="Nothing was sent"):
        sweep.run()
    assert sweep.counts() == {"planned": 2}


def test_a_server_without_tls(tmp_path):
    """F2: a failed TLS handshake sends nothing, and verification is never switched off."""
    listener = socket.create_server(("127.0.0.1", 0))

    def refuse() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                connection.recv(4096)
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    thread = threading.Thread(target=refuse)
    thread.start()
    client = Client("sim-x", f"https://127.0.0.1:{listener.getsockname()[1]}", clock=ScaledClock(2000.0))
    sweep = Sweep(Grid(prompt="a"), client=client, folder=tmp_path)
    try:
        with pytest.raises(NetworkError, match="Nothing was sent"):
            sweep.run()
    finally:
        client.close()
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()
    assert sweep.counts() == {"planned": 1}


def test_a_bad_key_stops_the_sweep(simulate, tmp_path):
    """F9: 401 stops submitting at once, leaves the cells planned, and a good key goes on."""
    simulator = simulate()
    grid = Grid(prompt=[f"boat {number}" for number in range(20)])
    refused = Sweep(grid, client=simulator.client(api_key="sim-stranger"), folder=tmp_path)
    with pytest.raises(AuthenticationError):
        refused.run()

    assert refused.counts() == {"planned": 20}
    assert len(simulator.ledger) == 0
    good = Sweep(grid, client=simulator.client(), folder=tmp_path)
    good.run()
    assert good.counts() == {"done": 20}


def test_a_key_revoked_while_polling(simulate, tmp_path):
    """F9, F31: tasks of a revoked key are not lost: the sweep says so, and the next run follows them."""
    simulator = simulate(faults=[Fault(kind="reply", on="status", status=401, times=1)])
    sweep = Sweep(Grid(prompt="boat"), client=simulator.client(), folder=tmp_path)
    with pytest.raises(AuthenticationError):
        sweep.run()
    assert sweep.counts() == {"queued": 1}

    sweep.run()
    assert verdict(simulator, sweep) == (1, PRICE, {"done": 1})


def test_an_unwritable_folder_sends_nothing(simulate, tmp_path):
    """F19, F20: a folder that cannot be made is told before the first POST."""
    (tmp_path / "file").write_text("not a folder")
    simulator = simulate()
    with pytest.raises(GridgenError, match="Nothing was sent"):
        Sweep(Grid(prompt="a"), client=simulator.client(), folder=tmp_path / "file" / "boats").run()
    assert not simulator.requests or all(seen.method == "GET" for seen in simulator.requests)
