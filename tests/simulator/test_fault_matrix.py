"""Every fault that a server, a network or a proxy can cause can be ordered.

The numbers are those of the engine's fault matrix. What only the client's own machine
can do (a full disk, a killed kernel, a sleeping laptop) is not the simulator's to cause.
"""

from __future__ import annotations

import json
import re
import ssl
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from gridgen.simulator import Fault, Simulator
from simulator.asking import cell

if TYPE_CHECKING:
    from collections.abc import Callable

    from simulator.asking import Asker

ON_THE_CLIENTS_SIDE = {3, 19, 20, 21, 22, 23, 25, 26, 30, 33}


def _error(asker: Asker) -> str:
    with pytest.raises(httpx.TransportError) as caught:
        asker.post(cell(), timeout=15)
    return type(caught.value).__name__


def _unreachable(asker: Asker) -> None:
    for silent, error in ((False, "ConnectError"), (True, "ConnectTimeout")):
        with asker.simulator.offline(silent=silent):
            assert _error(asker) == error
    assert len(asker.simulator.requests) == 0


def _tls(_: Asker) -> None:
    with Simulator(clips="tiny") as simulator, pytest.raises(httpx.ConnectError) as caught:
        httpx.get(simulator.base_url.replace("http", "https"), trust_env=False)
    assert isinstance(caught.value.__context__.__context__, ssl.SSLError)


def _slow_head(asker: Asker) -> None:
    asker.simulator.faults.add(Fault(kind="slow", on="submit", when="after", seconds=60))
    assert _error(asker) == "ReadTimeout"
    assert len(asker.simulator.ledger) == 1


def _drip(asker: Asker) -> None:
    asker.simulator.faults.add(Fault(kind="drip", on="submit", size=8, seconds=14))
    assert asker.post(cell(), timeout=15).is_success
    assert asker.simulator.clock.monotonic() == 14 * 11


def _truncated(asker: Asker) -> None:
    asker.simulator.faults.add(Fault(kind="close", on="submit", when="mid_reply", size=40))
    assert _error(asker) == "RemoteProtocolError"


def _replies(*faults: dict[str, Any]) -> Callable[[Asker], None]:
    """Return a check that each reply comes as ordered, to a submission and to a poll."""

    def check(asker: Asker) -> None:
        task_id = asker.submit()
        for on in ("submit", "status"):
            for fault in faults:
                asker.simulator.faults.add(Fault(kind="reply", on=on, **fault))
                reply = asker.post(cell()) if on == "submit" else asker.get(f"/v1/tasks/{task_id}")
                assert reply.status_code == fault.get("status", 500)
                for name, value in fault.get("headers", {}).items():
                    assert reply.headers[name] == value
        assert len(asker.simulator.ledger) == 1

    return check


def _no_money(asker: Asker) -> None:
    task_id = asker.submit()
    asker.simulator.top_up(-asker.simulator.balance)
    assert asker.post(cell()).status_code == 402
    assert asker.get(f"/v1/tasks/{task_id}").status_code == 200


def _storm(asker: Asker) -> None:
    asker.simulator.faults.add(Fault(kind="reply", times=None, during=(60, 660), status=503))
    seen = []
    for _ in range(12):
        seen.append(asker.get("/v1/balance").status_code)
        asker.later(60)
    assert seen == [200] + [503] * 10 + [200]


def _stuck(asker: Asker) -> None:
    asker.simulator.faults.add(Fault(kind="stick"))
    task_id = asker.submit()
    asker.later(30 * 24 * 3600)
    assert asker.task(task_id)["status"] == "processing"


def _progress(asker: Asker) -> None:
    task_id = asker.submit(duration=30)
    shown: dict[str, list[Any]] = {}
    shapes = ("linear", "noisy", "plateau", "stuck", "backwards", "percent", "over", "absent")
    for _ in range(40):
        asker.later(2)
        for shape in shapes:
            asker.simulator.profile = asker.simulator.profile.but(progress=shape)
            data = asker.task(task_id)
            if data["status"] == "processing":
                shown.setdefault(shape, []).append(data.get("progress", "absent"))
    assert shown["linear"] == sorted(shown["linear"])
    for shape in ("noisy", "backwards"):
        assert shown[shape] != sorted(shown[shape])
    assert 60 <= max(shown["plateau"]) < 90
    assert shown["stuck"].count(99) > 10
    assert max(shown["over"]) > 100
    assert re.fullmatch(r"\d+%", shown["percent"][-1])
    assert set(shown["absent"]) == {"absent"}


def _odd_words(asker: Asker) -> None:
    asker.simulator.profile = asker.simulator.profile.but(words="odd", slots=1)
    first, second = asker.submit(), asker.submit()
    assert [asker.task(task)["status"] for task in (first, second)] == ["Running", "QUEUED"]
    asker.later(3600)
    assert asker.task(first)["status"] == "Success"
    asker.simulator.profile = asker.simulator.profile.but(words="live")
    _progress(asker)


def _results(asker: Asker) -> None:
    task_id = asker.finished()["id"]
    shapes = {}
    for url in ("list", "string", "plain", "missing"):
        asker.simulator.profile = asker.simulator.profile.but(url=url, videos=3)
        shapes[url] = asker.task(task_id)["result"]["videos"]
    links = shapes["plain"]
    assert [[item["url"][0] for item in shapes["list"]], [item["url"] for item in shapes["string"]]] == [
        links
    ] * 2
    assert shapes["missing"] == []
    assert len({asker.get(link).content for link in links}) == 3


def _expired(asker: Asker) -> None:
    asker.simulator.profile = asker.simulator.profile.but(link_life=10, expired_status=410)
    link = asker.finished()["result"]["videos"][0]["url"][0]
    assert asker.get(link).status_code == 410


def _corrupt(asker: Asker) -> None:
    link = asker.finished()["result"]["videos"][0]["url"][0]
    asker.simulator.faults.add(Fault(kind="corrupt", on="result"))
    asker.simulator.faults.add(Fault(kind="reply", on="result", status=200, body=b""))
    wrong, empty, true = (asker.get(link).content for _ in range(3))
    assert (len(wrong), empty) == (len(true), b"")
    assert wrong != true


def _skewed(asker: Asker) -> None:
    before = asker.task(asker.submit())["created"]
    asker.simulator.profile = asker.simulator.profile.but(skew=-3600)
    assert asker.task(asker.submit())["created"] == before - 3600


def _idempotency(asker: Asker) -> None:
    codes = []
    for mode in ("honoured", "honoured", "ignored", "in_progress", "indeterminate", "unavailable"):
        asker.simulator.profile = asker.simulator.profile.but(idempotency=mode)
        codes.append(asker.post(cell(), headers={"Idempotency-Key": "k"}).status_code)
    assert codes == [200, 200, 200, 409, 409, 503]
    assert len(asker.simulator.ledger) == 2


def _bombs(asker: Asker) -> None:
    for fault in (
        Fault(kind="flood", on="balance", size=2_000_000, status=200),
        Fault(kind="gzip", on="balance", size=2_000_000, status=200),
    ):
        asker.simulator.faults.add(fault)
        assert len(asker.get("/v1/balance").content) == 2_000_000
    asker.simulator.faults.add(Fault(kind="headers", on="balance", size=50_000))
    assert sum(map(len, asker.get("/v1/balance").headers.values())) > 50_000


def _rotated(asker: Asker) -> None:
    asker.simulator.revoke(asker.simulator.api_key)
    assert asker.get("/v1/balance").status_code == 401


def _shapes_in_turn(asker: Asker) -> None:
    for shape, status in (("A", 200), ("B", 200), ("C", 202)):
        asker.simulator.profile = asker.simulator.profile.but(shape=shape)
        assert asker.post(cell()).status_code == status


MATRIX: dict[int, Callable[[Asker], None]] = {
    1: _unreachable,
    2: _tls,
    4: _slow_head,
    5: _drip,
    6: _truncated,
    7: _replies({"status": 200, "body": "<html>"}, {"status": 200, "body": b'{"co'}),
    8: _replies({"status": 200, "body": {"code": 404, "message": "not found"}}),
    9: _replies({"status": 401}, {"status": 403}),
    10: _no_money,
    11: _replies({"status": 404, "body": {"error": {"code": 404, "message": "not found"}}}),
    12: _replies(
        *({"status": 429, "headers": {"Retry-After": after}} for after in ("5", "86400", "-1", "soon")),
        {"status": 429, "body": {"detail": "slow down", "retry_after": 5}},
        {"status": 429},
    ),
    13: _storm,
    14: _stuck,
    15: _odd_words,
    16: _results,
    17: _expired,
    18: _corrupt,
    24: _skewed,
    27: _idempotency,
    28: _bombs,
    29: _replies({"status": 407}, {"status": 302, "headers": {"Location": "http://login.example/"}}),
    31: _rotated,
    32: _shapes_in_turn,
}


@pytest.mark.parametrize("number", sorted(MATRIX))
def test_each_fault_can_be_ordered(world, number):
    """The fault of that number is seen by a client, as ordered."""
    MATRIX[number](world())


def test_the_matrix_is_complete():
    """Each of the 33 rows is either the server's to cause, and here, or the client's."""
    assert set(MATRIX) | ON_THE_CLIENTS_SIDE == set(range(1, 34))
    assert set(MATRIX).isdisjoint(ON_THE_CLIENTS_SIDE)


def test_what_was_refused_is_remembered(world):
    """The log of requests says what was answered, or that nothing was."""
    lost = [Fault(kind=kind, on="submit", when="before", status=503) for kind in ("reply", "hang")]
    asker = world(faults=lost)
    asker.post(cell())
    with pytest.raises(httpx.ReadTimeout):
        asker.post(cell(), timeout=5)
    asker.post(cell())

    assert [seen.status for seen in asker.simulator.requests] == [503, None, 200]
    assert [json.loads(seen.body) for seen in asker.simulator.requests] == [cell()] * 3
