"""The API's checklist, C1 to C42, on the client's side: what is sent, what is understood, what is shown.

The simulator's side of the list is with the simulator. The last test holds the
table of all items that concern the client.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
from decimal import Decimal
from typing import TYPE_CHECKING

import httpx
import pytest
from numbered import bearers
from waiting import until

from gridgen import (
    APIError,
    AuthenticationError,
    Cell,
    Client,
    Grid,
    GridError,
    Sweep,
    UnknownOutcome,
)
from gridgen.simulator import Fault

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from gridgen import Simulator

PRICE = Decimal("0.0612")
BOAT = Cell("a paper boat", "16:9", 6, "480p")
EXT = "grok-imagine-1.5-video-ext"


@pytest.fixture
def swept(simulate, tmp_path: Path) -> Callable[..., tuple[Simulator, Sweep]]:
    """Run a sweep on a simulator, without previews."""

    def run(*faults: Fault, grid: Grid | None = None, **options: object) -> tuple[Simulator, Sweep]:
        simulator = simulate(faults=list(faults), **options)
        made = Grid(prompt="boat") if grid is None else grid
        sweep = Sweep(made, client=simulator.client(), folder=tmp_path / "boats", previews=False)
        sweep.run()
        return simulator, sweep

    return run


def answering(status: int = 200, payload: object = None, **headers: str) -> Client:
    """Return a client whose server gives one answer to everything."""

    def handle(_request: httpx.Request) -> httpx.Response:
        named = {name.replace("_", "-"): text for name, text in headers.items()}
        return httpx.Response(status, content=json.dumps(payload).encode(), headers=named)

    return Client(
        "sk-test-x",
        "http://127.0.0.1",
        http_client=lambda: httpx.AsyncClient(transport=httpx.MockTransport(handle)),
    )


def posts(simulator: Simulator) -> int:
    """Count the submissions that were seen on the wire."""
    return sum(seen.method == "POST" for seen in simulator.requests)


@pytest.mark.conformance("C2", "C3")
@pytest.mark.parametrize("shape", ["A", "B", "C"])
def test_every_submit_shape(swept, shape):
    """C2, C3: an array with task_id, an object with id and a 202 are all acceptance."""
    simulator, sweep = swept(shape=shape)

    assert sweep.counts() == {"done": 1}
    assert sweep.rows()[0].task_id == simulator.ledger[0].task_id


@pytest.mark.conformance("C3")
@pytest.mark.parametrize("status", [200, 201, 202, 206, 299])
def test_any_2xx_is_success(status):
    """C3: the exact success code does not matter when a task is named."""
    assert answering(status, {"code": status, "data": {"id": "task_1"}}).submit(BOAT).id == "task_1"


@pytest.mark.conformance("C4")
def test_a_success_without_an_id(swept):
    """C4: it is an error with at most 300 characters of the body, and never submitted again."""
    empty = Fault(kind="reply", on="submit", when="after", status=200, body="<p>" + "x" * 900)
    simulator, sweep = swept(empty)
    sweep.run()

    assert (posts(simulator), sweep.counts()) == (1, {"unknown": 1})
    with pytest.raises(UnknownOutcome) as told:
        answering(200, "x" * 900).submit(BOAT)
    assert 200 < str(told.value).count("x") <= 310


@pytest.mark.conformance("C5")
def test_the_id_is_on_the_disk_before_the_first_question(simulate, tmp_path):
    """C5: when a task is first asked for, the journal's file already names it."""
    simulator = simulate()
    inner = simulator.transport()
    known: list[bool] = []

    class Looks(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            if request.url.path.startswith("/v1/tasks/"):
                with contextlib.closing(sqlite3.connect(tmp_path / "journal.sqlite")) as journal:
                    kept = {name for (name,) in journal.execute("SELECT task_id FROM attempt")}
                known.append(request.url.path.rpartition("/")[2] in kept)
            return await inner.handle_async_request(request)

    client = simulator.client(http_client=lambda: httpx.AsyncClient(transport=Looks()))
    Sweep(Grid(prompt=["a", "b", "c"]), client=client, folder=tmp_path, previews=False).run()

    assert len(known) >= 3
    assert all(known)


@pytest.mark.conformance("C6", "C8", "C11")
@pytest.mark.parametrize(
    ("grid", "body"),
    [
        (
            Grid(prompt="boat", duration=10),
            {
                "model": "grok-imagine-1.0-video-apimart",
                "prompt": "boat",
                "size": "16:9",
                "duration": 10,
                "quality": "480p",
            },
        ),
        (
            Grid(prompt="boat", quality="720p", model=EXT),
            {"model": EXT, "prompt": "boat", "size": "16:9", "duration": 6, "resolution": "720p"},
        ),
        (
            Grid(prompt="boat", image_urls="https://example.org/a.png"),
            {
                "model": "grok-imagine-1.0-video-apimart",
                "prompt": "boat",
                "size": "16:9",
                "duration": 6,
                "quality": "480p",
                "image_urls": ["https://example.org/a.png"],
            },
        ),
    ],
)
def test_the_body_is_the_catalogues(swept, grid, body):
    """C6, C8, C11: duration is an integer, the tier has the model's own name, nothing is null, empty or foreign."""
    simulator, _ = swept(grid=grid)
    sent = json.loads(simulator.ledger[0].raw)

    assert sent == body
    assert type(sent["duration"]) is int
    assert simulator.ledger[0].ignored in {(), ("size",)}


@pytest.mark.conformance("C7")
def test_no_duration_of_the_default_model_is_refused_here(swept):
    """C7: 6 to 30 s go out, and it is the server that says no; beyond them nothing does."""
    simulator, sweep = swept(grid=Grid(prompt="boat", duration=[6, 15, 16, 30]), durations="live")

    assert [row.status for row in sweep.rows()] == ["done", "done", "rejected", "rejected"]
    assert posts(simulator) == 4
    for duration in (5, 31):
        with pytest.raises(GridError, match="duration"):
            Grid(prompt="boat", duration=duration)


@pytest.mark.conformance("C9")
@pytest.mark.parametrize(
    "urls",
    [
        [f"https://example.org/{n}.png" for n in range(8)],
        ["data:image/png;base64,AAAA"],
        ["ftp://example.org/a.png"],
        ["javascript:alert(1)"],
    ],
)
def test_bad_images_are_refused_here(urls):
    """C9: more than seven images, data: URIs and other schemes never leave."""
    with pytest.raises(GridError):
        Grid(prompt="boat", image_urls=[urls])


@pytest.mark.conformance("C14")
@pytest.mark.parametrize("url", ["list", "string", "plain"])
def test_links_in_every_form(swept, url):
    """C14: a link in a list, as a string, and as a bare item."""
    assert swept(url=url)[1].counts() == {"done": 1}


@pytest.mark.conformance("C15")
@pytest.mark.parametrize("status", [403, 404])
def test_a_link_that_has_died(swept, status):
    """C15: the table says until when a link lives; an error page is never saved as a clip."""
    page = Fault(kind="reply", on="result", status=status, body="<html>gone</html>", times=None)
    _, sweep = swept(page)
    row = sweep.rows()[0]

    assert row.status == "expired"
    assert row.expires_at - row.completed_at == 86_400
    assert sweep.df["expires_at"].notna().all()
    assert not list(sweep.folder.glob("*.mp4*"))


@pytest.mark.conformance("C16")
@pytest.mark.parametrize(
    "word", ["submitted", "Pending", "queued", "PROCESSING", "in_progress", "running", "pondering"]
)
def test_words_that_are_no_end(swept, word):
    """C16: a task is followed as long as its status is no known end, in any case."""
    odd = Fault(kind="patch", on="status", patch={"data": {"status": word}}, times=3)
    assert swept(odd)[1].counts() == {"done": 1}


@pytest.mark.conformance("C16")
@pytest.mark.parametrize("word", ["failed", "FAILURE", "error", "Cancelled", "canceled"])
def test_words_that_end_badly(swept, word):
    """C16: each word of failure ends the cell."""
    patch = {"data": {"status": word, "cost": 0, "error": {"message": "no"}}}
    assert swept(Fault(kind="patch", on="status", patch=patch, times=None))[1].counts() == {"failed": 1}


@pytest.mark.conformance("C17")
@pytest.mark.parametrize("progress", ["absent", "percent", "backwards", "over", "noisy"])
def test_progress_never_goes_back(simulate, tmp_path, progress):
    """C17: missing, a text with a percent sign, past a hundred or falling: what is shown only grows, to 100."""
    simulator = simulate(progress=progress, speed=300.0, service=2.0)
    sweep = Sweep(Grid(prompt="boat"), client=simulator.client(), folder=tmp_path, previews=False)
    shown: list[int] = []
    stop = sweep.watch(lambda rows: shown.extend(row.progress or 0 for row in rows))
    sweep.run()
    stop()

    assert shown == sorted(shown)
    assert max(shown) <= 100
    assert sweep.rows()[0].progress == 100


@pytest.mark.conformance("C18")
@pytest.mark.parametrize(
    ("told", "shown"),
    [
        ({"error": {"message": "too dark", "code": "x"}}, "too dark"),
        ({"error": "too dark"}, "too dark"),
        ({"error": ..., "message": "too dark"}, "too dark"),
        ({"error": ..., "fail_reason": "too dark"}, "too dark"),
        ({"error": {"message": {"a": [1]}}}, "without a reason"),
        ({"error": ...}, "without a reason"),
    ],
)
def test_the_reason_of_a_failure(swept, told, shown):
    """C18: it is found wherever the server put it, and is never a raw object."""
    _, sweep = swept(
        Fault(kind="patch", on="status", patch={"data": {"status": "failed", **told}}, times=None)
    )

    assert shown in sweep.rows()[0].error
    assert "{" not in sweep.rows()[0].error


@pytest.mark.conformance("C19")
@pytest.mark.parametrize(
    "fault",
    [
        Fault(kind="reply", on="status", status=500, times=4),
        Fault(kind="reply", on="status", status=429, times=4),
        Fault(kind="reply", on="status", status=200, body="<html>", times=4),
        Fault(kind="reply", on="status", status=200, body="{", times=4),
        Fault(kind="reset", on="status", times=4),
    ],
    ids=["500", "429", "html", "json", "reset"],
)
def test_failed_questions_are_asked_again(swept, fault):
    """C19: no failed question fails a task."""
    simulator, sweep = swept(fault)

    assert sweep.counts() == {"done": 1}
    assert posts(simulator) == 1


@pytest.mark.conformance("C20")
def test_nothing_is_given_up_before_ten_minutes(simulate, tmp_path):
    """C20: a task that goes on is stalled after a quarter of an hour at the earliest, keeps its id, and is not submitted again."""
    simulator = simulate(faults=[Fault(kind="delay", on="submit", seconds=800)], service_cv=0.01)
    patient = Sweep(Grid(prompt="boat"), client=simulator.client(), folder=tmp_path / "a", previews=False)
    patient.run()
    assert patient.counts() == {"done": 1}

    stuck = simulate(faults=[Fault(kind="stick", on="submit")])
    sweep = Sweep(Grid(prompt="boat"), client=stuck.client(), folder=tmp_path / "b", previews=False)
    sweep.run()
    asked = [seen.at for seen in stuck.requests if seen.path.startswith("/v1/tasks")]
    assert (sweep.counts(), posts(stuck)) == ({"stalled": 1}, 1)
    assert sweep.rows()[0].task_id == stuck.ledger[0].task_id
    assert asked[-1] - stuck.ledger[0].accepted_at >= 600


RETRIED = [
    Fault(kind="reply", on="submit", status=429),
    Fault(kind="reply", on="submit", status=400, body={"error": {"code": "get_channel_failed"}}),
    Fault(kind="reply", on="submit", status=503, body={"error": {"code": "idempotency_unavailable"}}),
]
NEVER = [
    Fault(kind="hang", on="submit", when="after"),
    Fault(kind="reply", on="submit", when="after", status=500),
    Fault(kind="reply", on="submit", when="after", status=502),
    Fault(kind="reply", on="submit", when="after", status=503, body={"error": {"code": "other"}}),
    Fault(kind="reply", on="submit", when="before", status=400, body={"error": {"code": "invalid"}}),
]


@pytest.mark.conformance("C21")
@pytest.mark.parametrize(
    ("fault", "count"), [*((each, 2) for each in RETRIED), *((each, 1) for each in NEVER)]
)
def test_which_submissions_are_repeated(swept, fault, count):
    """C21: only where the server says that nothing was done; a lost answer is left to the person."""
    simulator, sweep = swept(fault)

    assert posts(simulator) == count
    assert len(simulator.ledger) <= 1
    assert sweep.counts() == (
        {"done": 1} if count == 2 else {"unknown": 1} if simulator.ledger else {"rejected": 1}
    )


@pytest.mark.conformance("C24", "C27")
@pytest.mark.parametrize("code", ["", 0, 401, "401", "invalid_api_key", None, {"a": 1}, []])
def test_the_http_status_decides(code):
    """C24, C27: a 401 is a bad key whatever type and value its code has."""
    with pytest.raises(AuthenticationError, match="invalid API key") as told:
        answering(
            401, {"error": {"code": code, "message": "invalid API key", "type": "apimart_error"}}
        ).submit(BOAT)
    assert told.value.status == 401


@pytest.mark.conformance("C28")
def test_a_parameter_error_behind_a_500(swept):
    """C28: a 500 that begins with build_request_failed rejects its cell and is never repeated."""
    body = {"error": {"code": "", "message": "build_request_failed: invalid size: 3:5, allowed: 16:9"}}
    simulator, sweep = swept(Fault(kind="reply", on="submit", when="before", status=500, body=body))
    sweep.run()

    assert (posts(simulator), sweep.counts()) == (1, {"rejected": 1})
    assert "invalid size" in sweep.rows()[0].error


@pytest.mark.conformance("C29")
@pytest.mark.parametrize("said", ["header", "body", "text"])
def test_rate_limits(swept, said):
    """C29: told in a header, in the body or in words, the wait holds for all submissions, and none counts as spent."""
    simulator, sweep = swept(
        grid=Grid(prompt=[f"boat {n}" for n in range(6)]), rate=6.0, burst=1, rate_reply=said
    )

    assert sweep.counts() == {"done": 6}
    assert sweep.cost == simulator.ledger.billed == 6 * PRICE
    refused = [seen.at for seen in simulator.requests if seen.status == 429]
    sent = sorted(seen.at for seen in simulator.requests if seen.method == "POST")
    for at in refused:
        assert [each for each in sent if at + 0.5 < each < at + 5] == []


@pytest.mark.conformance("C30")
@pytest.mark.parametrize(
    "payload",
    [
        {"code": 400, "message": "no"},
        {"success": False, "message": "no"},
        {"code": 200, "error": {"message": "no"}},
    ],
)
def test_a_failure_inside_a_success(payload):
    """C30: HTTP 200 with another code, success false or an error is a failure, of a question and of a submission."""
    for call in (
        lambda client: client.submit(BOAT),
        lambda client: client.task("task_1"),
        lambda client: client.balance(),
    ):
        with pytest.raises(APIError, match="no"):
            call(answering(200, payload))


@pytest.mark.conformance("C31")
def test_a_slow_server(swept):
    """C31: minutes in a queue at progress 0 and five times the estimate end in clips, if late ones in the background."""
    simulator, sweep = swept(profile="slow", grid=Grid(prompt=[f"boat {n}" for n in range(6)]))

    assert set(sweep.counts()) <= {"done", "stalled", "downloading"}
    until(lambda: sweep.counts() == {"done": 6})
    assert posts(simulator) == 6
    assert max(row.service_seconds for row in sweep.rows()) > 200


@pytest.mark.conformance("C33")
def test_only_completed_tasks_cost(swept):
    """C33: failed tasks count as nothing; the estimate and what was charged are two figures."""
    bad = Fault(kind="fail", on="submit", match='"b"')
    simulator, sweep = swept(bad, grid=Grid(prompt=["a", "b", "c"]))

    assert sweep.cost == simulator.ledger.billed == 2 * PRICE
    assert sweep.stats().estimated == 3 * PRICE
    assert sweep.df.set_index("prompt").loc["b", "cost"] == 0


@pytest.mark.conformance("C34")
def test_the_balance_is_the_accounts(simulate):
    """C34: float credits, an unlimited key and a failure inside a 200 are understood; -1 is never shown."""
    assert simulate(profile="unlimited", balance=Decimal("2.5")).client().balance().remaining == Decimal(
        "2.5"
    )
    assert simulate(balance=Decimal("0.07")).client().balance().remaining == Decimal("0.07")
    with pytest.raises(APIError, match="Failed to get token info"):
        simulate(balance_fails=True).client().balance()


@pytest.mark.conformance("C35")
def test_an_unknown_price_is_not_free(simulate, tmp_path):
    """C35: zeros in the price list mean unknown, and the estimate says so."""
    zeros = {"success": True, "data": {"model_name": "", "model_price": 0, "resolution_prices": {}}}
    simulator = simulate(faults=[Fault(kind="reply", on="prices", status=200, body=zeros, times=None)])
    found = Sweep(Grid(prompt="boat"), client=simulator.client(), folder=tmp_path).estimate()

    assert (found.usd, found.unpriced) == (0, 1)
    assert "unknown price" in repr(found)


@pytest.mark.conformance("C37")
@pytest.mark.parametrize("typed", ["", "/", "/v1", "/v1/", "/v1/v1"])
def test_the_base_url_in_every_form(simulate, typed):
    """C37: with or without /v1 and slashes the same paths are asked."""
    simulator = simulate(speed=1000.0)
    with Client(simulator.api_key, f"{simulator.base_url}{typed}") as client:
        client.balance()
    assert simulator.requests[-1].path == "/v1/user/balance"


@pytest.mark.conformance("C38")
def test_a_download_is_bare_and_bounded(swept):
    """C38: result links are fetched without a key, with their status and content checked."""
    simulator, sweep = swept(Fault(kind="reply", on="result", status=500, body=b"x" * 100, times=1))
    fetched = [seen for seen in simulator.requests if seen.path.startswith("/f/video")]

    assert len(fetched) == 2
    assert not any("authorization" in seen.headers for seen in fetched)
    assert sweep.counts() == {"done": 1}


@pytest.mark.conformance("C39")
def test_no_language_is_asked_for(swept):
    """C39: the client sends no language, so none with a region and none beyond the ten codes; errors stay in English."""
    simulator, _ = swept(grid=Grid(prompt="ein Boot 船"))

    assert {seen.query for seen in simulator.requests if seen.path.startswith("/v1/")} == {""}


CLIENT = [2, 3, 4, 5, 6, 7, 8, 9, 11, *range(14, 22), 24, *range(27, 32), *range(33, 40), 42]
"""The items of the checklist that say something of the client."""


def test_no_item_is_missing():
    """Each of the client's items has a test that bears its number, and each number borne is on the list."""
    found = {int(name.removeprefix("C")) for name in bearers("conformance")}

    assert sorted(found) == CLIENT
