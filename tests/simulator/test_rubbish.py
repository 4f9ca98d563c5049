"""Rubbish: what makes no sense is refused in a sentence, and nothing is made or left hanging."""

from __future__ import annotations

import asyncio
import json
import math
import signal
import socket
import threading
from contextlib import closing
from decimal import Decimal

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridgen.simulator import Fault, Profile, Simulator
from gridgen.simulator.__main__ import main
from gridgen.simulator.faults import ENDPOINTS, KINDS
from gridgen.simulator.profiles import Switches
from simulator.asking import DEFAULT, PNG, Asker, cell

SUBMIT = "/v1/videos/generations"


@pytest.fixture(scope="module")
def asker() -> Asker:
    """Return one asker for all bodies."""
    return Asker(Simulator(speed=math.inf, clips="tiny", rate=None, balance=10**9, slots=None))


# settings


@pytest.mark.parametrize(
    ("switch", "value", "says"),
    [
        ("slots", 0, "a whole number of at least 1, or None for no limit"),
        ("slots", 1.5, "a whole number"),
        ("slots", True, "a whole number"),
        ("rate", 0, "a number above 0, or None for no limit"),
        ("rate", math.nan, "a number above 0"),
        ("burst", 0, "a whole number of at least 1"),
        ("burst", None, "a whole number of at least 1"),
        ("service", -1, "a number of at least 0, or one for each model"),
        ("service", "fast", "a number"),
        ("service", {DEFAULT: "fast"}, "one for each model"),
        ("service_cv", {DEFAULT: None}, "one for each model"),
        ("wait", math.inf, "a number of at least 0"),
        ("failures", 1.01, "a number from 0 to 1"),
        ("stuck", -0.1, "a number from 0 to 1"),
        ("link_life", "1 day", "a number of at least 0"),
        ("videos", -1, "a whole number of at least 0"),
        ("skew", "1h", "it takes a number."),
        ("balance", "a lot", "an amount in USD"),
        ("balance", math.nan, "an amount in USD"),
        ("expired_status", 200, "known: 403, 404, 410"),
        ("unlimited", "yes", "known: False, True"),
        ("balance_fails", None, "known: False, True"),
    ],
)
def test_a_switch_takes_only_what_makes_sense(switch, value, says):
    """The refusal names the switch, the value, and what it takes."""
    with pytest.raises(ValueError, match=f"^{switch}=") as refused:
        Profile(**{switch: value})

    assert says in str(refused.value)
    assert repr(value) in str(refused.value)


def test_what_makes_sense_is_taken():
    """None where there is no limit, a mapping by model, whole numbers for fractions, either end of a span."""
    profile = Profile(
        slots=None, rate=None, service={DEFAULT: 0}, failures=1, skew=-3600, balance="2.50", wait=0
    )

    assert (profile.slots, profile.rate, profile.balance) == (None, None, Decimal("2.50"))
    assert profile.service_of(DEFAULT)[0] == 0


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"kind": "explode"}, "known: reset"),
        ({"kind": ["reset"]}, "known: reset"),
        ({"kind": "reset", "on": "moon"}, "known: submit"),
        ({"kind": "drip", "when": "before"}, "it can: mid_reply"),
        ({"kind": "reset", "on": "submit", "match": "x"}, "when='before'"),
        ({"kind": "fail", "on": "status"}, "use on='submit'"),
        ({"kind": "reply", "on": "balance", "match": "x"}, "on='balance' belongs to none"),
        ({"kind": "reply", "when": "after", "match": 3}, "neither a text nor a function"),
        ({"kind": "reply", "times": -1}, "None for always"),
        ({"kind": "reply", "skip": 1.5}, "whole number"),
        ({"kind": "reply", "chance": 7}, "from 0 to 1"),
        ({"kind": "slow", "seconds": -1}, "None for ever"),
        ({"kind": "slow", "seconds": "5"}, "None for ever"),
        ({"kind": "flood", "size": -1}, "whole number of bytes"),
        ({"kind": "reply", "status": 9999}, "200 to 599"),
        ({"kind": "reply", "status": "503"}, "200 to 599"),
        ({"kind": "reply", "during": 5}, "from and to"),
        ({"kind": "reply", "headers": {"X-A": "a\r\nX-B: b"}}, "one line of Latin-1"),
        ({"kind": "reply", "headers": {"X-A": "狐"}}, "one line of Latin-1"),
        ({"kind": "reply", "headers": ["X-A"]}, "not a dict"),
        ({"kind": "reply", "body": {1, 2}}, "what JSON can hold"),
        ({"kind": "patch", "patch": [1]}, "not a dict"),
        ({"kind": "patch", "patch": {"data": {"cost": {1}}}}, "what JSON can hold"),
    ],
)
def test_an_impossible_fault_is_refused(wrong, says):
    """What cannot be done, or could never strike, is said when it is ordered."""
    with pytest.raises(ValueError, match=says):
        Fault(**wrong)


@pytest.mark.parametrize("port", [-1, 65_536])
def test_a_port_that_is_none_is_refused(port):
    """The message says what a port is."""
    with pytest.raises(ValueError, match=f"port={port} is no port: a whole number from 0 to 65535"):
        Simulator(port=port)


@pytest.mark.parametrize("key", ["sk-mine", "sim-", "sim-a b", "sim-é", ""])
def test_a_key_that_could_not_be_sent_is_refused(key):
    """A key is ``sim-`` and what a header can carry."""
    with pytest.raises(ValueError, match="begins with 'sim-'"):
        Simulator(speed=math.inf, key=key)


# the command line


@pytest.fixture
def told(capsys):
    """Return a way to run the command line in this process: its exit code and what it said."""
    before = [(number, signal.getsignal(number)) for number in (signal.SIGINT, signal.SIGTERM)]

    def run(*arguments: str) -> tuple[object, str]:
        try:
            code: object = main(arguments)
        except SystemExit as ended:
            code = ended.code
        return code, "".join(capsys.readouterr())

    yield run
    for number, handler in before:
        signal.signal(number, handler)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--port", "99999"], "0 to 65535"),
        (["--speed", "nan"], "finite"),
        (["--seed", "x"], "invalid int"),
        (["--state", "/nowhere/at/all"], "No such file"),
        (["--set", "slots"], "'slots' is not SWITCH=VALUE"),
        (["--set", "slots=0"], "a whole number of at least 1"),
        (["--set", "balance=lots"], "an amount in USD"),
        (["--set", "port=5"], "no switch 'port'"),
        (["--set", "faults=[1]"], "no switch 'faults'"),
        (["--fault", "[]"], "a fault is a JSON object"),
        (["--fault", "{}"], "kind='' is not a fault"),
        (["--fault", '{"kind": "reply", "statsu": 503}'], "nearest: 'status'"),
        (["--fault", '{"kind": "reply", "chance": 7}'], "from 0 to 1"),
    ],
)
def test_the_command_line_refuses_rubbish(told, arguments, says):
    """Exit code 2, and a sentence that says what would be right."""
    code, said = told(*arguments)

    assert code == 2
    assert says in said


def test_help_tells_all_there_is(told):
    """Every switch, every kind of fault, its places and moments, and how to point a client here."""
    code, said = told("--help")

    assert code == 0
    moments = {moment for each in KINDS.values() for moment in each}
    for word in (*Switches.__annotations__, *KINDS, *ENDPOINTS, *moments):
        assert word in said
    assert "Point a client here" in said


# bodies

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=12,
)
FIELDS = st.sampled_from([*cell(), "resolution", "image_urls", "webhook", "language", "aspect_ratio", "seed"])
URLS = st.lists(
    st.sampled_from(["https://x.example/a.png", "http://[::", "data:,", "", "https://"]), max_size=9
)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(
    body=st.one_of(
        st.binary(max_size=60),
        st.builds(lambda value: json.dumps(value).encode(), JSON),
        st.builds(lambda odd: json.dumps(cell() | odd).encode(), st.dictionaries(FIELDS, JSON, max_size=3)),
        st.builds(lambda urls: json.dumps(cell(image_urls=urls)).encode("utf-16"), URLS),
    )
)
def test_any_body_is_taken_or_refused(asker, body):
    """Whatever is sent is accepted and billed once, or refused as the caller's mistake and not billed."""
    before = len(asker.simulator.ledger)

    reply = asker.ask("POST", SUBMIT, content=body)

    assert reply.status_code in {200, 400}
    assert len(asker.simulator.ledger) - before == (reply.status_code == 200)
    if reply.status_code == 400:
        assert set(reply.json()["error"]) == {"code", "message", "param", "type"}


@pytest.mark.parametrize("depth", [99, 101, 500, 900, 5000, 100_000])
@pytest.mark.parametrize(("opened", "closed"), [("[", "]"), ('{"a":', "}")])
@pytest.mark.parametrize("faulty", [False, True])
def test_deep_nesting(world, depth, opened, closed, faulty):
    """More than 100 levels are refused, however many there are and whatever rule has to look into them."""
    asker = world(faults=[Fault(kind="reply", on="submit", when="before", match="nothing")] * faulty)
    middle = "1" if closed == "}" else ""
    odd = opened * depth + middle + closed * depth

    reply = asker.ask("POST", SUBMIT, content=json.dumps(cell())[:-1] + f', "z": {odd}}}')

    assert reply.status_code == (200 if depth < 100 else 400)
    if depth > 100:
        assert reply.json()["error"]["code"] == "invalid_json"
    assert len(asker.simulator.ledger) == (depth < 100)


@pytest.mark.parametrize("faulty", [False, True])
def test_a_body_without_end_is_cut_short(faulty):
    """413 as soon as there is too much, long before a gigabyte was sent; faults do not change that."""
    rules = [Fault(kind="reply", on="submit", when="before", match="nothing")] * faulty
    with Simulator(clips="tiny", faults=rules) as simulator:
        port = int(simulator.base_url.rsplit(":", 1)[1])
        head = (
            f"POST {SUBMIT} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {simulator.api_key}\r\n"
            f"Content-Length: {10**9}\r\n\r\n"
        )
        with closing(socket.create_connection(("127.0.0.1", port), timeout=5)) as line:
            line.sendall(head.encode() + b" " * (9 * 1024 * 1024))
            assert line.recv(65_536).startswith(b"HTTP/1.1 413")
        assert len(simulator.ledger) == 0


@pytest.mark.parametrize("faulty", [False, True])
def test_a_body_that_breaks_off_is_not_accepted(faulty):
    """Whoever leaves before the promised length came has ordered nothing, even if what came is good JSON."""
    rules = [Fault(kind="reply", on="submit", when="before", match="nothing")] * faulty
    with Simulator(clips="tiny", faults=rules) as simulator:
        port = int(simulator.base_url.rsplit(":", 1)[1])
        body = json.dumps(cell()).encode()
        head = (
            f"POST {SUBMIT} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {simulator.api_key}\r\n"
            f"Content-Length: {len(body) + 1}\r\n\r\n"
        )
        with closing(socket.create_connection(("127.0.0.1", port), timeout=5)) as line:
            line.sendall(head.encode() + body)
            while not simulator.requests or simulator.requests[-1].body != body:
                threading.Event().wait(0.002)
        # the connection is let go of before the next one is answered
        with httpx.Client(base_url=simulator.base_url, trust_env=False) as client:
            for _ in range(5):
                client.get("/api/pricing/model")

        assert len(simulator.ledger) == 0


# headers and queries


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ("bytes=" + "9" * 5000 + "-", 416),
        ("bytes=0-" + "9" * 5000, 206),
        ("bytes=-" + "9" * 5000, 206),
        ("bytes=" + "0" * 5000 + "-" + "0" * 5000, 206),
        ("bytes=٣-٤", 200),
    ],
)
def test_endless_ranges(world, asked, status):
    """A number of thousands of digits is a number like any other."""
    asker = world()
    link = asker.finished()["result"]["videos"][0]["url"][0]

    reply = asker.get(link, headers={"Range": asked.encode()})

    assert reply.status_code == status


@pytest.mark.security("S21")
@pytest.mark.parametrize("hosts", [("localhost", "evil.example"), ("evil.example", "localhost"), ()])
def test_one_host_and_no_other(world, hosts):
    """A request that names two hosts, or none, is refused, and no link to another place comes out of it."""
    asker = world()

    async def answer() -> int:
        request = httpx.Request("GET", f"{asker.simulator.base_url}/v1/balance")
        request.headers = httpx.Headers([("Host", host) for host in hosts])
        return (await asker.simulator.transport().handle_async_request(request)).status_code

    assert asyncio.run(answer()) == 421


@pytest.mark.parametrize(
    "query",
    [
        "scope=moon",
        "group_by=date,model",
        "start=2025-W41-4",
        "start=-5",
        "start=%C2%B2",
        "end=9999-12-31",
        "tz=Europe",
        "tz=..%2F..%2Fetc%2Fpasswd",
        "start=2025-09-01&end=2025-10-09",
        "start=2025-10-09&end=2025-10-08",
    ],
)
def test_odd_questions_about_usage(world, query):
    """What is no date, span, zone, scope or grouping is 400."""
    assert world().get(f"/v1/usage?{query}").status_code == 400


# faults on what they do not fit


def test_a_patch_leaves_alone_what_is_no_json(world):
    """A rule for every reply passes clips by and patches the rest."""
    asker = world()
    link = asker.finished()["result"]["videos"][0]["url"][0]
    clip = asker.get(link).content
    asker.simulator.faults.add(Fault(kind="patch", patch={"new": 1}, times=None))

    assert asker.get(link).content == clip
    assert asker.get("/v1/balance").json()["new"] == 1


def test_an_empty_reply_can_drip(world):
    """A reply without a body ends at once, and is whole."""
    asker = world()
    link = asker.finished()["result"]["videos"][0]["url"][0]
    etag = asker.get(link).headers["ETag"]
    asker.simulator.faults.add(Fault(kind="drip", on="result"))

    with Simulator(clips="tiny", faults=[Fault(kind="drip", on="image", size=1)]) as served:
        head = httpx.head(f"{served.base_url}/f/image/none", trust_env=False, timeout=5)

    assert head.status_code == 404
    assert asker.get(link, headers={"If-None-Match": etag}).status_code == 304


@pytest.mark.parametrize(
    ("match", "struck"),
    [
        ('says "boo"', True),
        ("two\nlines", True),
        ('"duration": 6', True),
        (lambda body: body["prompt"].startswith("it"), True),
        (lambda body: body["seed"] == 3, False),
        ("owl", False),
    ],
)
def test_cells_are_found_by_what_they_say(world, match, struck):
    """A text within a prompt matches as it is read, quotes and new lines included; a missing field is no match."""
    asker = world(faults=[Fault(kind="reply", on="submit", when="before", match=match, status=503)])

    reply = asker.post(cell(prompt='it says "boo" on\ntwo\nlines'))

    assert (reply.status_code == 503) == struck


@pytest.mark.parametrize(
    ("on", "path"),
    [
        ("balance", "/balance"),
        ("balance", "/user/balance"),
        ("models", "/v1/model-schema?model=x"),
        ("models", "/v1/model-docs?model=x"),
        ("models", f"/v1/models/{DEFAULT}/schema"),
        ("prices", "/api/marketplace/models"),
        ("prices", "/api/pricing/models/all"),
    ],
)
def test_an_aim_takes_in_all_its_paths(world, on, path):
    """Whatever tells of balances, models or prices is struck by a rule on those."""
    asker = world(faults=[Fault(kind="reply", on=on, status=418)])

    assert asker.get(path).status_code == 418


@pytest.mark.parametrize("clips", ["tiny", "full"])
def test_an_upload_that_is_a_picture_only_by_name(world, clips):
    """A file that begins like a picture and is none is taken, and the task's clip and thumbnail play all the same."""
    asker = world(clips=clips)
    url = asker.ask("POST", "/v1/uploads/images", files={"file": ("a.png", PNG)}).json()["url"]

    result = asker.finished(image_urls=[url])["result"]

    assert asker.get(result["videos"][0]["url"][0]).content[4:8] == b"ftyp"
    assert asker.get(result["thumbnail_url"]).content.startswith(b"\xff\xd8\xff")
