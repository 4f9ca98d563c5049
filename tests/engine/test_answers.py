"""What a server says decides no more than it can: one word, one stamp or one status, against all the rest."""

from __future__ import annotations

import itertools
import json
from contextlib import closing
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from answering import Answering, completed, finished, running, told
from waiting import until

from gridgen import AuthenticationError, Grid, OutOfCreditsError, Sweep
from gridgen.clock import Clock, SteadyClock
from gridgen.journal import store
from gridgen.money import total
from gridgen.outcome import Ambiguous, classify
from gridgen.simulator import Fault
from gridgen.task import cleaned, parse_json, parse_task

if TYPE_CHECKING:
    from pathlib import Path

DAY = 86_400.0
MINUTES = 600.0


def boats(count: int) -> Grid:
    """Return a grid of so many cells."""
    return Grid(prompt=[f"boat {number}" for number in range(count)])


def swept(server: Answering, folder: Path, count: int = 1, **options: Any) -> Sweep:
    """Run a sweep of so many cells at a server to its end."""
    sweep = Sweep(boats(count), client=server.client(), folder=folder, previews=False, **options)
    sweep.run()
    return sweep


def pauses(server: Answering) -> float:
    """Return the longest time between two questions for one task, or before the first one."""
    return max(
        later - earlier
        for job in server.jobs.values()
        for earlier, later in itertools.pairwise([job.at, *job.questions])
    )


def refusing(status: int, body: Any, **headers: str) -> httpx.Response:
    """Return an answer that is none of a task."""
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    if isinstance(body, str):
        return httpx.Response(status, text=body, headers={"content-type": "text/html", **named})
    return httpx.Response(status, json=body, headers=named)


# Stamps and waits


STAMPS = {
    "1970": {"created": 0, "completed": 0},
    "one second of 1970": {"created": 1, "completed": 1},
    "a year ahead": {"created": 1_760_000_000 + 365 * DAY, "completed": 1_760_000_000 + 366 * DAY},
    "a day ago": {"created": 1_760_000_000 - DAY, "completed": 1_760_000_000 - DAY},
    "milliseconds": {"created": 1_760_000_000_000, "completed": 1_760_000_020_000},
    "no numbers": {"created": "soon", "completed": "NaN"},
    "endless": {"created": "Infinity", "completed": 1e300},
    "below zero": {"created": -5, "completed": -1},
}


@pytest.mark.parametrize("stamps", STAMPS.values(), ids=STAMPS)
def test_one_odd_stamp_teaches_nothing(tmp_path, stamps):
    """Case T1: odd stamps of one task put off no question for any; what cannot be a moment is none in the table."""

    def task(job, age):
        said = finished(job, age)
        odd = job.body["prompt"] == "boat 0"
        return said | {name: stamp for name, stamp in stamps.items() if odd and name in said}

    server = Answering(task)
    sweep = swept(server, tmp_path, 12)

    assert sweep.counts() == {"done": 12}
    assert pauses(server) < 60
    for row in sweep.rows():
        assert row.completed_at is None or abs(row.completed_at - server.clock.time()) < 3600
        assert row.service_seconds in {None, 20.0}
    assert sum(row.completed_at is not None for row in sweep.rows()) >= 11


WAITS = {
    "Retry-After of a day": lambda: refusing(429, {"error": {"message": "slower"}}, retry_after="86400"),
    "a date for it": lambda: refusing(
        503,
        {"error": {"message": "later"}},
        retry_after="Fri, 10 Oct 2025 08:53:20 GMT",
        date="Thu, 09 Oct 2025 08:53:20 GMT",
    ),
    "in the body": lambda: refusing(429, {"detail": "slower", "retry_after": 1e9}),
    "endless": lambda: refusing(429, '{"detail": "slower", "retry_after": 1e999}'),
}


@pytest.mark.parametrize("wait", WAITS.values(), ids=WAITS)
def test_no_question_is_put_off_for_more_than_minutes(tmp_path, wait):
    """Case A9: whatever pause an answer to a question asks for, the next one follows within ten minutes."""
    server = Answering(lambda job, age: wait() if len(job.questions) == 1 else finished(job, age))
    sweep = swept(server, tmp_path, 3)

    assert sweep.counts() == {"done": 3}
    assert pauses(server) <= MINUTES + 1


@pytest.mark.parametrize("estimate", [60_000, 600_000, 1e11, "NaN", -60, 0, 1e-9])
def test_an_estimate_is_a_hint(tmp_path, estimate):
    """Case A9: an estimate in milliseconds, or one that is none, puts off no question."""
    server = Answering(lambda job, age: finished(job, age) | {"estimated_time": estimate})
    sweep = swept(server, tmp_path, 12)

    assert sweep.counts() == {"done": 12}
    assert pauses(server) < 60


class Still(Clock):
    """A machine's clock that a test sets."""

    def __init__(self) -> None:
        self.now = 1_760_000_000.0

    def time(self) -> float:
        """Return the Unix time."""
        return self.now

    def monotonic(self) -> float:
        """Return the same seconds."""
        return self.now

    def slept(self) -> float:
        """Return 0: it has not."""
        return 0.0


@pytest.mark.parametrize("off", [DAY, -DAY, 3 * 3600, -3 * 3600, 365 * DAY])
def test_one_odd_date_sets_no_clock(off):
    """Case A9: a Date header that is hours off changes nothing alone; two in a row that agree do, as after a sleep."""
    clock = SteadyClock(Still())
    now = clock.time()
    clock.hear(now - 0.5)
    clock.hear(now + off)
    assert clock.time() == now
    clock.hear(now - 0.5)
    clock.hear(now + off)
    clock.hear(now - 0.5)
    assert clock.time() == now
    clock.hear(now + off)
    clock.hear(now + off)
    assert clock.time() == now + off + 0.5


def test_the_first_date_may_be_odd_as_well():
    """Case A9: before anything has confirmed the clock, a date a day off is not believed either, and a clock of 1985 is not."""
    clock = SteadyClock(Still())
    clock.hear(clock.time() + DAY)
    assert clock.time() == 1_760_000_000.0
    machine = Still()
    machine.now = 500_000_000.0
    wrong = SteadyClock(machine)
    wrong.hear(1_760_000_000.0)
    assert wrong.time() == 1_760_000_000.5


def test_an_answer_that_slept_tells_no_time():
    """Case A9: the date of an answer that was on its way while the machine slept lies between question and arrival, and is no contradiction."""
    machine = Still()
    clock = SteadyClock(machine)
    asked = clock.time()
    machine.now += 8 * 3600
    for _ in range(3):
        clock.hear(asked + 1, asked)
    assert clock.time() == machine.now


# Words


def test_a_word_that_nobody_knows_beside_a_reason(tmp_path):
    """Case T2: it is a failure only when the same was said a minute before, and is asked for no later than that needs."""
    server = Answering(lambda _job, _age: {"status": "dreaming", "error": {"message": "out of colours"}})
    sweep = swept(server, tmp_path)
    (job,) = server.jobs.values()

    assert sweep.counts() == {"failed": 1}
    assert sweep.rows()[0].error == "out of colours"
    assert 60 <= job.questions[-1] - job.questions[0] <= 180


def test_a_reason_that_passes_is_no_failure(tmp_path):
    """Case T2: what was said once, or in other words each time, ends no task."""

    def task(job, age):
        if age > 400:
            return finished(job, age)
        count = len(job.questions)
        once = {"status": "dreaming"} if count % 2 else {"status": "dreaming", "error": "no colours"}
        changing = {"status": "dreaming", "error": f"step {count} of 90"}
        return once if job.body["prompt"] == "boat 0" else changing

    server = Answering(task)

    assert swept(server, tmp_path, 2).counts() == {"done": 2}


def test_a_word_that_nobody_knows_beside_a_link(tmp_path):
    """Case T2: a link is a video, whatever the word."""
    server = Answering(lambda _job, age: running() if age < 20 else completed(status="delivered"))

    assert swept(server, tmp_path).counts() == {"done": 1}


@pytest.mark.parametrize("cost", [None, 0.02])
def test_a_filter_that_takes_the_video_out(tmp_path, cost):
    """Case T7: completed, a reason and no video is a failure with that reason, once said again and again; it costs what is told, else its price."""
    said = {"status": "completed", "error_message": "held back by a filter", "result": {"videos": []}}
    server = Answering(lambda _job, _age: said if cost is None else said | {"cost": cost})
    sweep = swept(server, tmp_path)
    (row,) = sweep.rows()

    assert (row.status, row.error) == ("failed", "held back by a filter")
    assert counted(tmp_path) == (row.price if cost is None else Decimal(str(cost)))
    assert len(next(iter(server.jobs.values())).questions) >= 5


def test_a_video_that_comes_late_is_not_lost(tmp_path):
    """Case T7: a reason beside no video ends nothing as long as a video still comes."""

    def task(job, age):
        return finished(job, age) if len(job.questions) > 3 else completed(result={}, error_message="not yet")

    assert swept(Answering(task), tmp_path).counts() == {"done": 1}


def counted(folder: Path) -> Decimal:
    """Return what the attempts in a folder have cost, or may cost, in USD."""
    found = store.read(folder).values()
    return total(outlay.at_most() for record in found for outlay in record.outlays)


def records(folder: Path) -> list[Any]:
    """Return what the journal of a folder holds of its attempts: state, reply, error and events' details."""
    with closing(store.connect(folder / store.NAME, readonly=True)) as connection:
        return connection.execute("SELECT state, reply, error FROM attempt ORDER BY id").fetchall()


def test_what_was_said_in_place_of_a_video_is_kept(tmp_path):
    """Case T10: a reply in which no video was found stays with the row and in the journal, without the key."""
    hidden = {"status": "completed", "output": {"movie": "sim-key at https://elsewhere.example/x"}}
    sweep = swept(Answering(lambda _job, _age: hidden), tmp_path)
    ((state, reply, error),) = records(tmp_path)

    assert state == sweep.rows()[0].status == "missing"
    assert "https://elsewhere.example/x" in sweep.rows()[0].error
    assert json.loads(reply)["data"]["output"]["movie"] == "[key] at https://elsewhere.example/x"
    assert "sim-key" not in error


# Refusals


GONE = {
    "410": lambda: refusing(410, {"error": {"message": "gone"}}),
    "422": lambda: refusing(422, {"error": {"message": "no"}}),
    "400": lambda: refusing(400, {"code": "task_not_exist", "message": "task_not_exist", "data": None}),
    "null": lambda: told(None),
    "empty": lambda: told([]),
}


@pytest.mark.parametrize("said", GONE.values(), ids=GONE)
def test_a_task_that_the_api_does_not_know(tmp_path, said):
    """Case T4: it is missing after minutes of it, nobody waits for it, and its price goes on counting."""
    server = Answering(
        lambda job, age: said() if job.body["prompt"] == "boat 0" else finished(job, age) | {"cost": None}
    )
    sweep = swept(server, tmp_path, 3)
    job = next(each for each in server.jobs.values() if each.body["prompt"] == "boat 0")

    assert sweep.counts() == {"missing": 1, "done": 2}
    assert 120 <= job.questions[-1] - job.questions[0] <= MINUTES
    assert counted(tmp_path) == 3 * Decimal("0.06")
    assert len(server.posts) == 3


WEATHER = {
    "401": lambda: refusing(401, "<html>sign in</html>"),
    "402": lambda: refusing(402, {"error": {"message": "no money"}}),
    "403": lambda: refusing(403, "<html>firewall</html>"),
    "429": lambda: refusing(429, {"error": {"message": "slower"}}),
    "503": lambda: refusing(503, {"error": {"message": "down"}}),
    "a page with 404": lambda: refusing(404, "<html>lost</html>"),
    "a page with 410": lambda: refusing(410, "<html>lost</html>"),
    "a page with 200": lambda: refusing(200, "<html>sign in</html>"),
    "400": lambda: refusing(400, {"error": {"code": "invalid_request", "message": "odd"}}),
}


@pytest.mark.parametrize("said", WEATHER.values(), ids=WEATHER)
def test_what_ends_no_task(tmp_path, said):
    """Cases T4, T6: an hour of these, from a server or a machine on the way, ends no task and stops nothing."""
    server = Answering(lambda job, age: said() if age < 3600 else finished(job, age))

    assert swept(server, tmp_path, 2).counts() == {"done": 2}


def test_not_known_for_a_moment(tmp_path):
    """Case T4: a task that is unknown at first, or now and then, is not missing."""
    lost = [GONE["400"], GONE["410"], GONE["null"]]

    def task(job, age):
        count = len(job.questions)
        return lost[count % 3]() if age < 60 or (age < 300 and count % 4) else finished(job, age)

    assert swept(Answering(task), tmp_path, 2).counts() == {"done": 2}


@pytest.mark.parametrize(
    "said", [WEATHER["403"], lambda: refusing(401, {"error": {"message": "no such key"}})]
)
def test_one_refusal_of_the_key_is_weather(tmp_path, said):
    """Case T6: one page of a firewall, and one 401 between good answers, stop nothing: all cells are submitted and fetched."""
    server = Answering(
        lambda job, age: said() if len(job.questions) == 2 and job.id == "task_1" else finished(job, age)
    )
    sweep = swept(server, tmp_path, 12)

    assert sweep.counts() == {"done": 12}


def test_a_key_that_is_refused_twice_stops_submits(tmp_path):
    """Case T6: the API's own word, twice, stops submits; what is paid is asked for all the same, and fetched."""
    refused = {"error": {"code": "", "message": "no such key", "type": "apimart_error"}}

    mended: list[bool] = []

    def task(job, age):
        return finished(job, age) if mended or age > 30 else refusing(401, refused)

    server = Answering(task)
    sweep = Sweep(boats(40), client=server.client(), folder=tmp_path, previews=False)
    with pytest.raises(AuthenticationError, match="no such key"):
        sweep.run()
    counts = sweep.counts()

    assert set(counts) == {"planned", "done"}
    assert counts["done"] == len(server.posts) < 40
    mended.append(True)
    sweep.run()
    assert sweep.counts() == {"done": 40}
    assert len(server.posts) == 40


SPENT = {
    "429": lambda: refusing(
        429,
        {
            "error": {
                "code": "insufficient_quota",
                "message": "this week's clips are used up; resets at 18:00",
            }
        },
        retry_after="39600",
    ),
    "605": lambda: refusing(200, {"code": 605, "message": "NOT_ENOUGH_BALANCE: resets at 18:00"}),
}


@pytest.mark.parametrize("said", SPENT.values(), ids=SPENT)
def test_a_quota_that_is_used_up(tmp_path, said):
    """Case T5: as after 402 submits stop with the server's sentence, what runs is fetched, and a later run goes on."""
    spent = [True]
    server = Answering(submit=lambda jobs, _job: said() if spent[0] and len(jobs) >= 3 else None)
    sweep = Sweep(boats(9), client=server.client(), folder=tmp_path, previews=False)
    with pytest.raises(OutOfCreditsError, match="resets at 18:00"):
        sweep.run()

    assert sweep.counts() == {"planned": 6, "done": 3}
    assert any("resets at 18:00" in text for text in sweep.waits_for)
    assert len(server.posts) <= 3 + 12
    spent[0] = False
    sweep.run()
    assert sweep.counts() == {"done": 9}


def test_a_long_pause_is_tried_sooner(tmp_path):
    """Case T5: a pause of eleven hours that no quota explains is tried again within ten minutes."""
    slow = [refusing(429, {"error": {"message": "the plan rests"}}, retry_after="39600") for _ in range(3)]
    server = Answering(submit=lambda _jobs, _job: slow.pop() if slow else None)
    sweep = swept(server, tmp_path)

    assert sweep.counts() == {"done": 1}
    gaps = [later - earlier for earlier, later in itertools.pairwise(server.posts)]
    assert len(gaps) == 3
    assert all(590 <= gap <= MINUTES + 60 for gap in gaps)


def test_a_long_pause_is_told(simulate, tmp_path):
    """Case T5: such a pause is told while it lasts, as long as it is, with the server's sentence."""
    rest = Fault(
        kind="reply",
        on="submit",
        status=429,
        headers={"retry-after": "39600"},
        body={"error": {"message": "the plan rests"}},
    )
    simulator = simulate(speed=120.0, faults=[rest])
    sweep = Sweep(boats(1), client=simulator.client(), folder=tmp_path, previews=False)
    sweep.start()
    until(lambda: any("11.0 hours" in text and "the plan rests" in text for text in sweep.waits_for))
    sweep.stop()


def test_a_submission_in_progress_is_asked_about_soon():
    """Case A9: however long a server wants to be left alone about a submission in progress, its key is good for minutes only."""
    body = {"error": {"code": "idempotency_in_progress", "message": "still at it"}}
    outcome = classify(["x"], 409, {"retry-after": "86400"}, json.dumps(body).encode())

    assert isinstance(outcome, Ambiguous)
    assert outcome.pending == 120


# Tasks that are not one's own


def test_one_task_for_two_submissions(tmp_path):
    """Case A12: the second row says so and counts as possibly billed, the first one is fetched, and the others go on."""

    def submit(jobs, job):
        return (
            told([{"status": "submitted", "task_id": "task_1"}])
            if len(jobs) == 1 and job.id == "task_2"
            else None
        )

    server = Answering(submit=submit)
    sweep = swept(server, tmp_path, 5)
    (odd,) = (
        sweep.rows(status="unknown") if False else [row for row in sweep.rows() if row.status == "unknown"]
    )

    assert sweep.counts() == {"done": 4, "unknown": 1}
    assert "task_1, which is another clip's already" in odd.error
    assert counted(tmp_path) == 5 * Decimal("0.06")
    assert len(server.posts) == 5
    again = Sweep(boats(5), client=server.client(), folder=tmp_path, previews=False)
    again.run()
    assert len(server.posts) == 5


def test_two_tasks_for_one_submission(tmp_path):
    """Case A12: the first one is the row's, and the row says for good that there is another."""
    both = [{"task_id": "task_1"}, {"task_id": "task_1b"}]

    def submit(jobs, job):
        jobs[job.id] = job
        return told(both)

    sweep = swept(Answering(submit=submit), tmp_path)

    assert sweep.counts() == {"done": 1}
    assert "task_1b" in sweep.rows()[0].error
    assert "task_1b" in Sweep(boats(1), client=Answering().client(), folder=tmp_path).rows()[0].error


@pytest.mark.parametrize("name", ["..", ".", "a/../b", "a?b#c", "%2e%2e", "a\\b", "ä ö", "\ud83d", "x" * 500])
def test_odd_names_of_tasks(tmp_path, name):
    """Case A12: an id is asked for as it is, wholly escaped, or is none; the others are made all the same."""
    paths: list[str] = []

    class Odd(Answering):
        def answer(self, request: httpx.Request, body: bytes) -> httpx.Response:
            paths.append(request.url.raw_path.decode())
            return super().answer(request, body)

    body = json.dumps({"code": 200, "data": [{"status": "submitted", "task_id": name}]})
    server = Odd(submit=lambda _jobs, job: httpx.Response(200, text=body) if job.id == "task_1" else None)
    sweep = swept(server, tmp_path, 3)

    assert sweep.counts() in ({"done": 2, "missing": 1}, {"done": 2, "unknown": 1})
    asked = [
        path
        for path in paths
        if path.startswith("/v1/") and "generations" not in path and "balance" not in path
    ]
    assert all(path.startswith("/v1/tasks/") and path.count("/") == 3 and "?" not in path for path in asked)


# The border


def test_text_is_cleaned_at_the_border(tmp_path):
    """Case A3: half an emoji, NUL, escapes and a text without end reach neither table nor journal, and no other cell."""
    said = json.dumps(
        {
            "code": 200,
            "data": {
                "status": "failed",
                "cost": 1e13,
                "error": {"code": "\ud83d", "message": "a\ud83d\x00b\x1b[31m\nc\u202e" + "x" * 10**6},
            },
        }
    )
    bad = httpx.Response(200, text=said)
    server = Answering(
        lambda job, age: (
            httpx.Response(200, content=bad.content) if job.body["prompt"] == "boat 0" else finished(job, age)
        )
    )
    sweep = swept(server, tmp_path, 7)
    row = next(row for row in sweep.rows() if row.status == "failed")

    assert sweep.counts() == {"failed": 1, "done": 6}
    assert row.error.startswith("a\ufffd\ufffdb [31m c x")
    assert len(row.error) <= 500
    assert row.cost == 0


@pytest.mark.parametrize("link", ["https://e.example/\ud83d", "x" * 10**6, "\x00"])
def test_a_bad_link_is_that_rows_alone(tmp_path, link):
    """Case A3: no link, however odd, keeps the other cells from being made, or the run from ending."""
    odd = json.dumps({"code": 200, "data": completed(result={"videos": [{"url": [link]}]})})
    server = Answering(
        lambda job, age: (
            httpx.Response(200, text=odd) if job.body["prompt"] == "boat 0" else finished(job, age)
        )
    )
    sweep = Sweep(boats(4), client=server.client(), folder=tmp_path, previews=False)
    sweep.run()

    assert sweep.counts()["done"] == 3


def test_what_json_can_spell_and_nothing_can_store():
    """Case A3: decoded JSON has no half surrogate and no NUL in any name or text, however deep; the rest is as it was."""
    deep = (
        b'{"a":' * 900 + rb'{"\ud83d": ["\udc00x", "\u0000", "\ud83d\ude00", "\\ud83d", "a\nb"]}' + b"}" * 900
    )
    found = parse_json(deep)
    for _ in range(900):
        found = found["a"]

    assert found == {"\ufffd": ["\ufffdx", "\ufffd", "\U0001f600", "\\ud83d", "a\nb"]}
    assert parse_json(rb'"\ud83d"') == "\ufffd"


def test_cleaned_text():
    """A server's text is one line of at most so many characters, whatever it was."""
    assert cleaned("  a\r\n\tb\x9b \u2066c\u2069 ") == "a b   c"
    assert cleaned("é" * 9, 4) == "éééé"


def test_a_reply_too_deep_to_show():
    """Case T10: a reply of any depth is read, and what cannot be shown of it is told so."""
    payload: Any = "x"
    for _ in range(5000):
        payload = [payload]
    task = parse_task({"data": {"status": "completed", "junk": payload}}, "task_1")

    assert task.reply
