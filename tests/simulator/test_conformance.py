"""The simulator keeps the wire reference: one test an item, bearing its number.

`TABLE` is the list, by number: the sentence and its test. `test_the_table_is_complete` keeps it honest.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from datetime import UTC, date, datetime

import pytest

from gridgen.models import catalogue
from simulator.asking import DEFAULT, EXT, LEGACY, PNG, cell

TABLE = {
    1: (
        "a submission with a valid key gives 200, shape A, status submitted, task_ + 26 Crockford characters",
        "test_c01_live_submission",
    ),
    2: (
        "the contract profile answers in shape B",
        "test_c02_contract_submission",
    ),
    3: (
        "the version header gives 202 and shape C",
        "test_c03_versioned_submission",
    ),
    6: (
        "a duration that is no JSON integer gives 400",
        "test_c06_duration_is_an_integer",
    ),
    7: (
        "durations: -ext 6-15; -apimart 6-30 by the page, at most 15 live; else 400 invalid_duration",
        "test_c07_durations",
    ),
    8: (
        "the other model's tier field is ignored, and that is recorded",
        "test_c08_tier_field",
    ),
    9: (
        "more than 7 images, data: URIs and other schemes give 400",
        "test_c09_images",
    ),
    10: (
        "unknown fields are ignored, or give 400 in the strict profile",
        "test_c10_unknown_fields",
    ),
    12: (
        "a status carries its fields; result, completed, actual_time and error only when due",
        "test_c12_status",
    ),
    13: (
        "stamps and progress are integers; actual_time and credits_cost add up",
        "test_c13_integers",
    ),
    14: (
        "videos[0].url is a list, or a string by switch",
        "test_c14_url_forms",
    ),
    15: (
        "a link lives 24 h, or 72 h by switch, and is then refused",
        "test_c15_link_life",
    ),
    22: (
        "an Idempotency-Key gives the same task once; the 409 family and 503 by switch",
        "test_c22_idempotency",
    ),
    23: (
        "a key outside 1-191 visible ASCII characters gives 400",
        "test_c23_idempotency_key_form",
    ),
    24: (
        "no key and a bad key give 401, each in its own words",
        "test_c24_keys",
    ),
    25: (
        "without money 402, on submissions and on the model list; nothing is created",
        "test_c25_no_money",
    ),
    26: (
        "a malformed id gives 400, an unknown path 404",
        "test_c26_bad_addresses",
    ),
    29: (
        "429 says when to come back in a header, a body or a text",
        "test_c29_rate",
    ),
    31: (
        "the slow profile queues for minutes and outlasts its estimates",
        "test_c31_slow",
    ),
    32: (
        "a bad value can fail late at no cost, or be ignored",
        "test_c32_late_failure_and_ignored_duration",
    ),
    34: (
        "balances are floats, -1 when unlimited, and can fail with 200",
        "test_c34_balances",
    ),
    35: (
        "the price of an unknown model is 200 with zeros",
        "test_c35_unknown_price",
    ),
    36: (
        "uploads: multipart file, flat reply, 413 over 20 MB, 400 by content",
        "test_c36_uploads",
    ),
    39: (
        "language changes the error's message and nothing else",
        "test_c39_language",
    ),
    40: (
        "the parsing rules of two foreign clients hold in the default mode",
        "test_c40_foreign_parsing",
    ),
    41: (
        "a virtual clock and a seed fix ids, times, failures and bytes",
        "test_c41_determinism",
    ),
    42: (
        "client and simulator read one catalogue; each record has source and date",
        "test_c42_one_catalogue",
    ),
}
CLIENTS = {4, 5, 11, 16, 17, 18, 19, 20, 21, 27, 28, 30, 33, 37, 38}
"""Items that bind clients alone."""
TASK_ID = re.compile(r"task_[0-9A-HJKMNP-TV-Z]{26}")


def test_the_table_is_complete():
    """Each of the 42 items is here with a sentence and a test of its number, or binds clients alone."""
    tests = {name for name in globals() if name.startswith("test_c")}

    assert {int(name[6:8]) for name in tests} == set(TABLE)
    assert tests >= {test for _, test in TABLE.values()}
    assert all(test.startswith(f"test_c{number:02}_") for number, (_, test) in TABLE.items())
    assert all(sentence for sentence, _ in TABLE.values())
    assert sorted([*TABLE, *CLIENTS]) == list(range(1, 43))


def test_c01_live_submission(world):
    """C1: shape A."""
    reply = world().post(cell())

    assert reply.status_code == 200
    assert reply.json()["code"] == 200
    [task] = reply.json()["data"]
    assert task["status"] == "submitted"
    assert TASK_ID.fullmatch(task["task_id"])
    assert {"status", "task_id"} == set(task)


def test_c02_contract_submission(world):
    """C2: shape B, key for key as in the contract."""
    reply = world(profile="contract").post(cell())

    assert list(reply.json()) == ["code", "data"]
    data = reply.json()["data"]
    assert list(data) == ["id", "status", "progress", "created", "type"]
    assert TASK_ID.fullmatch(data["id"])
    assert (data["status"], data["progress"], data["type"]) == ("submitted", 0, "video")


def test_c03_versioned_submission(world):
    """C3: shape C, with its header, and only for the version that exists."""
    asker = world()

    reply = asker.post(cell(), headers={"X-APIMart-Response-Version": "2026-07-27"})

    assert 202 == reply.status_code == reply.json()["code"]
    assert reply.headers["X-APIMart-Response-Version"] == "2026-07-27"
    assert reply.json()["request_id"].startswith("req_")
    assert (
        reply.json()["data"]["status"],
        reply.json()["data"]["object"],
    ) == ("queued", "generation.task")
    assert asker.post(cell(), headers={"X-APIMart-Response-Version": "1999"}).status_code == 200


@pytest.mark.parametrize("duration", ["6", 6.0, 6.5, True, [6], {}])
def test_c06_duration_is_an_integer(world, duration):
    """C6: anything else is 400, and nothing is created."""
    asker = world()

    reply = asker.post(cell(duration=duration))

    assert reply.status_code == 400
    assert "must be an integer" in reply.json()["error"]["message"]
    assert len(asker.simulator.ledger) == 0


@pytest.mark.parametrize(
    ("profile", "model", "good", "bad"),
    [
        ("demo", EXT, (6, 15), (5, 16)),
        ("demo", DEFAULT, (6, 30), (5, 31)),
        ("contract", LEGACY, (6, 30), (5, 31)),
        ("live", DEFAULT, (6, 15), (5, 16)),
        ("live", EXT, (6, 15), (5, 16)),
    ],
)
def test_c07_durations(world, profile, model, good, bad):
    """C7: each profile's limits, both ends."""
    asker = world(profile=profile)

    assert [asker.post(cell(model=model, duration=n, quality=None)).status_code for n in good] == [200, 200]
    for duration in bad:
        reply = asker.post(cell(model=model, duration=duration, quality=None))
        assert reply.status_code == 400
        assert reply.json()["error"]["code"] == "invalid_duration"


@pytest.mark.parametrize(
    ("model", "field", "other"),
    [(DEFAULT, "quality", "resolution"), (EXT, "resolution", "quality")],
)
def test_c08_tier_field(world, model, field, other):
    """C8: the other field changes neither price nor picture, and the ledger names it."""
    asker = world()

    asker.submit(**{"model": model, "quality": None, field: "720p"})
    asker.submit(**{"model": model, "quality": None, other: "720p"})

    right, wrong = asker.simulator.ledger
    assert (str(right.cost), right.ignored) == ("0.11472", ())
    assert ("0.0612", (other,)) == (str(wrong.cost), wrong.ignored)


@pytest.mark.parametrize(
    "images",
    [
        ["https://example.com/a.png"] * 8,
        ["data:image/png;base64,AAAA"],
        ["file:///etc/passwd"],
        ["ftp://example.com/a.png"],
        ["a.png"],
        ["https://"],
        "https://example.com/a.png",
        [1],
    ],
)
def test_c09_images(world, images):
    """C9: what is not a list of at most 7 http(s) URLs is 400."""
    asker = world()

    assert asker.post(cell(image_urls=images)).status_code == 400
    assert asker.post(cell(image_urls=["https://example.com/a.png"] * 7)).status_code == 200


def test_c10_unknown_fields(world):
    """C10: ignored and recorded, or 400 in the strict profile."""
    easy, strict = world(), world(profile="strict")

    assert easy.post(cell(seed=3)).status_code == 200
    assert easy.simulator.ledger[0].ignored == ("seed",)
    reply = strict.post(cell(seed=3))
    assert (reply.status_code, reply.json()["error"]["code"]) == (400, "unknown_parameter")
    assert strict.post(cell(webhook="https://example.com")).status_code == 200
    official = {"model": "grok-imagine-video-1.5", "prompt": "a fox"}
    assert [easy.post(official | more).status_code for more in ({}, {"seed": 3})] == [200, 400]


def test_c12_status(world):
    """C12: the fields of a task that waits, that is done, and that failed."""
    always = {"id", "status", "progress", "cost", "credits_cost", "created", "estimated_time"}
    asker = world()
    task_id = asker.submit()

    reply = asker.get(f"/v1/tasks/{task_id}")
    assert 200 == reply.status_code == reply.json()["code"]
    assert always == set(reply.json()["data"])
    asker.later(3600)
    assert always | {"result", "completed", "actual_time"} == set(asker.task(task_id))
    assert always | {"error"} == set(world(failures=1.0).finished())


def test_c13_integers(world):
    """C13: from acceptance to the end."""
    asker = world()
    task_id = asker.submit(quality="720p", duration=7)

    for _ in range(30):
        data = asker.task(task_id)
        for name in ("progress", "created", "estimated_time"):
            assert int is type(data[name])
        assert data["credits_cost"] == data["cost"] * 10
        asker.later(5)
    assert (int, int) == (type(data["completed"]), type(data["actual_time"]))
    assert data["actual_time"] == data["completed"] - data["created"] > 0


def test_c14_url_forms(world):
    """C14: a list by default, a string or a plain item by switch."""
    listed = world().finished()["result"]["videos"][0]["url"]
    text = world(profile="string-url").finished()["result"]["videos"][0]["url"]
    plain = world(url="plain").finished()["result"]["videos"][0]

    assert [text] == listed
    assert plain == text


@pytest.mark.parametrize(("switches", "life"), [({}, 86_400), ({"profile": "long-links"}, 259_200)])
def test_c15_link_life(world, switches, life):
    """C15: a link works until `expires_at`, and answers 403 or 404 from then on."""
    asker = world(**switches)
    task_id = asker.submit()
    asker.later(600)
    data = asker.task(task_id)
    [video] = data["result"]["videos"]

    assert data["completed"] + life == video["expires_at"]
    asker.later(video["expires_at"] - asker.simulator.clock.time() - 1)
    assert asker.get(video["url"][0]).status_code == 200
    asker.later(2)
    assert asker.get(video["url"][0]).status_code == 403
    asker.simulator.profile = asker.simulator.profile.but(expired_status=404)
    assert asker.get(video["url"][0]).status_code == 404


def test_c22_idempotency(world):
    """C22: honoured; another body or version is 409; the other answers by switch."""
    asker = world()
    simulator = asker.simulator
    key = {"Idempotency-Key": "cell-1"}

    first, again = asker.post(cell(), headers=key), asker.post(cell(), headers=key)

    assert first.json() == again.json()
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    versioned = {**key, "X-APIMart-Response-Version": "2026-07-27"}
    for reply in (asker.post(cell(prompt="b"), headers=key), asker.post(cell(), headers=versioned)):
        assert (reply.status_code, reply.json()["error"]["code"]) == (409, "idempotency_key_reused")
    assert len(simulator.ledger) == 1
    for mode, status, code in (
        ("in_progress", 409, "idempotency_in_progress"),
        ("indeterminate", 409, "idempotency_result_indeterminate"),
        ("unavailable", 503, "idempotency_unavailable"),
    ):
        simulator.profile = simulator.profile.but(idempotency=mode)
        reply = asker.post(cell(), headers=key)
        assert (status, code) == (reply.status_code, reply.json()["error"]["code"])
        assert ("Retry-After" in reply.headers) == (mode == "in_progress")
    assert len(simulator.ledger) == 1
    simulator.profile = simulator.profile.but(idempotency="ignored")
    assert asker.post(cell(), headers=key).status_code == 200
    assert len(simulator.ledger) == 2


@pytest.mark.parametrize(
    ("key", "status"), [("x" * 191, 200), ("x" * 192, 400), ("", 400), ("a b", 400), ("é", 400)]
)
def test_c23_idempotency_key_form(world, key, status):
    """C23: 1-191 visible ASCII characters."""
    assert status == world().post(cell(), headers={"Idempotency-Key": key.encode()}).status_code


def test_c24_keys(world):
    """C24: no key, and a bad key with its empty code."""
    asker = world()

    none = asker.post(cell(), headers={"Authorization": ""})
    bad = asker.post(cell(), headers={"Authorization": "Bearer sk-real-looking"})

    assert 401 == none.status_code == bad.status_code
    assert none.json()["error"]["message"].startswith("API key is required")
    assert (bad.json()["error"]["code"], bad.json()["error"]["type"]) == ("", "apimart_error")
    assert re.match(r"invalid API key \(request id: .+\)", bad.json()["error"]["message"])
    assert asker.post(cell(), headers={"Authorization": "Bearer sk-test"}).status_code == 200
    assert len(asker.simulator.ledger) == 1


def test_c25_no_money(world):
    """C25: 402 before anything is made, until the account is topped up."""
    asker = world(profile="zero-balance")

    assert [asker.post(cell()).status_code, asker.get("/v1/models").status_code] == [402, 402]
    assert asker.post(cell()).json()["error"]["code"] == "payment_required"
    asker.simulator.top_up(0.06)
    assert asker.post(cell()).status_code == 402
    assert len(asker.simulator.ledger) == 0
    asker.simulator.top_up(0.01)
    assert [asker.get("/v1/models").status_code, asker.post(cell()).status_code] == [200, 200]


def test_c26_bad_addresses(world):
    """C26: a malformed id, a well-formed unknown one, and an unknown path."""
    asker = world()

    malformed = asker.get("/v1/tasks/nonsense")
    unknown = asker.get("/v1/tasks/task_" + "0" * 26)
    lost = asker.get("/v2/nothing")

    assert (malformed.status_code, malformed.json()["error"]["message"]) == (400, "Invalid task ID format")
    assert (unknown.status_code, unknown.json()["error"]["code"]) == (404, 404)
    assert 404 == lost.status_code == asker.get("/v1/videos/generations").status_code
    assert lost.json()["error"]["message"].startswith("Invalid URL")


@pytest.mark.parametrize("form", ["header", "body", "text", "date", "none"])
def test_c29_rate(world, form):
    """C29: a burst beyond the rate is refused, creates nothing, and says when to return."""
    asker = world(rate=6.0, burst=2, rate_reply=form)

    replies = [asker.post(cell()) for _ in range(3)]

    assert [reply.status_code for reply in replies] == [200, 200, 429]
    told = {
        "header": lambda r: r.headers["Retry-After"],
        "body": lambda r: str(r.json()["retry_after"]),
        "text": lambda r: re.search(r"retry in (\d+)s", r.json()["error"]["message"])[1],
        "date": lambda r: str(_seconds_until(r.headers["Retry-After"], r.headers["Date"])),
        "none": lambda _: "10",
    }[form](replies[2])
    assert told == "10"
    assert len(asker.simulator.ledger) == 2
    asker.later(10)
    assert asker.post(cell()).status_code == 200


def _seconds_until(moment: str, now: str) -> int:
    form = "%a, %d %b %Y %H:%M:%S GMT"
    span = datetime.strptime(moment, form).replace(tzinfo=UTC) - datetime.strptime(now, form).replace(
        tzinfo=UTC
    )
    return int(span.total_seconds())


def test_c31_slow(world):
    """C31: minutes queued at progress 0, and usually about five times the estimate, for some more."""
    asker = world(profile="slow", slots=None)
    ids = [asker.submit(prompt=f"cell {number}") for number in range(40)]
    asker.later(60)
    waiting = [asker.task(task_id) for task_id in ids]
    asker.later(24 * 3600)
    done = [asker.task(task_id) for task_id in ids]

    assert sum(data["progress"] == 0 and data["status"] == "pending" for data in waiting) > 30
    overruns = sorted(data["actual_time"] / data["estimated_time"] for data in done)
    assert 3 < overruns[20] < 8
    assert overruns[-1] > 5.5


def test_c32_late_failure_and_ignored_duration(world):
    """C32: accepted, then failed at no cost; or accepted with the default instead."""
    failing, lenient = world(profile="late-failure"), world(profile="ignored-duration")

    failed = failing.finished(quality="1080p")
    assert (failed["status"], failed["cost"]) == ("failed", 0)
    [entry] = failing.simulator.ledger
    assert entry.refunded
    assert failing.simulator.ledger.billed == 0
    assert lenient.finished(duration=99)["cost"] == 0.0612


def test_c32_a_mode_that_is_none_fails_late_today(world):
    """C32: as seen live, Kling takes "standard" for "std", and the task fails at no cost."""
    asker = world(profile="live", failures=0.0)
    kling = {"model": "kling-v3", "size": None, "quality": None}

    assert asker.finished(**kling, mode="std")["status"] == "completed"
    failed = asker.finished(**kling, mode="standard")
    assert (failed["status"], failed["cost"]) == ("failed", 0)
    assert asker.simulator.ledger[1].refunded
    assert world().post(cell(**kling, mode="standard")).status_code == 400


def test_c34_balances(world):
    """C34: float credits, -1 when unlimited, and failure as 200."""
    asker = world(balance=2)
    asker.submit()

    reply = asker.get("/v1/balance").json()
    assert tuple(
        reply[name] for name in ("success", "remain_balance", "used_balance", "unlimited_quota")
    ) == (True, 1.9388, 0.0612, False)
    assert float is type(reply["remain_credits"]) is type(reply["used_credits"])
    assert reply == asker.get("/v1/user/balance").json() == asker.get("/balance").json()
    asker.simulator.profile = asker.simulator.profile.but(unlimited=True)
    unlimited = asker.get("/v1/balance").json()
    assert tuple(unlimited[name] for name in ("remain_balance", "remain_credits", "unlimited_quota")) == (
        -1,
        -1,
        True,
    )
    assert asker.get("/v1/user/balance").json()["remain_balance"] == 1.9388
    asker.simulator.profile = asker.simulator.profile.but(balance_fails=True)
    failing = asker.get("/v1/balance")
    assert (failing.status_code, failing.json()["success"]) == (200, False)


def test_c35_unknown_price(world):
    """C35: zeros for an unknown model, a price a second for the default one; no key needed."""
    asker = world()
    no_key = {"Authorization": ""}

    unknown = asker.get("/api/pricing/model?model=nothing", headers=no_key).json()
    known = asker.get(f"/api/pricing/model?model={DEFAULT}", headers=no_key).json()["data"]

    assert unknown["success"]
    assert tuple(unknown["data"][name] for name in ("model_price", "paid_price", "resolution_prices")) == (
        0,
        0,
        {},
    )
    assert (
        known["billing_type"],
        known["resolution_prices"],
    ) == ("per_second", {"480P": 0.0102, "720P": 0.01912})


def test_c36_uploads(world):
    """C36: what is told by its content to be an image is kept and served."""
    asker = world()

    def upload(field: str, name: str, data: bytes, kind: str = "image/png"):
        return asker.ask("POST", "/v1/uploads/images", files={field: (name, data, kind)})

    good = upload("file", "../fox pic.png", PNG)
    assert good.status_code == 200
    assert {"url", "filename", "content_type", "bytes", "created_at"} == set(good.json())
    assert (good.json()["content_type"], good.json()["bytes"]) == ("image/png", 32)
    assert asker.get(good.json()["url"]).content == PNG
    assert re.fullmatch(r"http://127.0.0.1/f/image/[0-9a-f]+-[0-9a-f-]{36}-fox-pic\.png", good.json()["url"])
    assert upload("file", "a.png", b"<html>").status_code == 400
    assert upload("picture", "a.png", PNG).status_code == 400
    assert upload("file", "a.png", PNG + b"\0" * 20 * 1024 * 1024).status_code == 413
    asker.later(259_200)
    assert asker.get(good.json()["url"]).status_code == 404


@pytest.mark.parametrize("code", ["en", "ZH", " ja ", "ko", "ru", "fr", "de", "id", "pt", "es"])
def test_c39_language(world, code):
    """C39: only `error.message` differs; a code with a region means English."""
    asker = world(failures=1.0)
    plain = asker.finished()

    told = asker.task(plain["id"], params={"language": code})
    assert (code == "en") == (plain == told)
    told["error"]["message"] = plain["error"]["message"]
    assert plain == told
    assert plain == asker.task(plain["id"], params={"language": "zh-CN"})


def test_c40_foreign_parsing(world):
    """C40: exactly 200, an array with task_id, int stamps, a list of https-able strings.

    These are the rules of a Go client (typed fields, list url) and of a Python one (any
    poll error aborts, url of either kind). A Node client runs in a test of its own.
    """
    asker = world()
    reply = asker.post(cell())
    assert reply.status_code == 200
    [accepted] = reply.json()["data"]
    asker.later(3600)
    data = asker.task(accepted["task_id"])

    assert data["status"] == "completed"
    assert [int] * 4 == [type(data[name]) for name in ("progress", "created", "completed", "actual_time")]
    [video] = data["result"]["videos"]
    assert list is type(video["url"])
    assert all(str is type(url) and url.startswith("http") for url in video["url"])
    assert str is type(data["result"]["thumbnail_url"])


GRID = """
import asyncio, hashlib, json, math, sys
sys.path.insert(0, sys.argv[1])
from simulator.asking import Asker
from gridgen.simulator import Simulator
cells = [dict(prompt=p, duration=d) for p in ("a fox", "a boat", "a fox") for d in (6, 10)]
if sys.argv[2] == "backwards":
    cells.reverse()
with Simulator(seed=7, speed=math.inf, clips="tiny", failures=0.3, slots=None) as simulator:
    asker = Asker(simulator)
    ids = [asker.submit(**cell) for cell in cells]
    asker.later(3600)
    seen = {}
    for task_id in ids:
        data = asker.task(task_id)
        videos = data.get("result", {}).get("videos", [])
        bytes_ = [hashlib.sha256(asker.get(url).content).hexdigest() for video in videos for url in video["url"]]
        seen[task_id] = [data, bytes_]
print(json.dumps(seen, sort_keys=True))
"""


def test_c41_determinism():
    """C41: two processes, one submitting backwards, see the same ids, times, ends and bytes."""
    from pathlib import Path

    def run(order: str) -> dict:
        command = [sys.executable, "-c", GRID, str(Path(__file__).parents[1]), order]
        return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)

    forwards, backwards = run("forwards"), run("backwards")

    assert len(forwards) == 6
    assert {"completed", "failed"} == {data["status"] for data, _ in forwards.values()}
    assert forwards == backwards


def test_c42_one_catalogue(world):
    """C42: what the simulator serves is the catalogue, and each record says whence and when."""
    listed = world().get("/v1/models?expand=parameters").json()["data"]

    assert list(catalogue()) == [record["id"] for record in listed]
    for model, record in zip(catalogue().values(), listed, strict=True):
        properties = record["parameters"]["input_schema"]["properties"]
        tier, span = model.quality, model.duration
        assert tier.open or list(tier.wire or tier.values) == properties[tier.field]["enum"]
        if span is not None:
            assert (span.min, span.max) == (
                properties["duration"]["minimum"],
                properties["duration"]["maximum"],
            )
        assert model.source
        assert isinstance(model.verified_on, date)
