"""The simulator as a server: safety, files with ranges, the command line."""

from __future__ import annotations

import gc
import io
import json
import math
import re
import shlex
import signal
import socket
import subprocess
import sys
import threading
import time

import av
import httpx
import pytest
from PIL import Image

from gridgen.simulator import Simulator
from simulator.asking import DEFAULT, Asker, cell

CURL = """curl --request POST --url https://api.apimart.ai/v1/videos/generations \
--header 'Authorization: Bearer <token>' --header 'Content-Type: application/json' \
--data '{"model": "grok-imagine-1.0-video-apimart", "prompt": "a cat on the beach", \
"size": "16:9", "duration": 6, "quality": "480p"}'"""


@pytest.fixture(scope="module")
def served():
    """Yield a simulator on a socket; a clip takes no time."""
    with Simulator(speed=1000, profile="instant", clips="tiny") as simulator:
        yield simulator


@pytest.fixture
def client(served):
    """Yield an ordinary HTTP client of it."""
    headers = {"Authorization": f"Bearer {served.api_key}"}
    with httpx.Client(base_url=served.base_url, headers=headers, trust_env=False) as client:
        yield client


@pytest.fixture
def link(client):
    """Return the link to a finished clip."""
    task_id = client.post("/v1/videos/generations", json=cell()).json()["data"][0]["task_id"]
    result = client.get(f"/v1/tasks/{task_id}").json()["data"]["result"]
    return result["videos"][0]["url"][0]


def test_the_contracts_curl_line_works(served):
    """With base URL and key changed and nothing else, it answers in the contract's shape."""
    served.profile = served.profile.but(shape="B")
    line = CURL.replace("https://api.apimart.ai", served.base_url).replace("<token>", served.api_key)

    done = subprocess.run([*shlex.split(line), "--silent"], capture_output=True, text=True, check=True)

    served.profile = served.profile.but(shape="A")
    data = json.loads(done.stdout)["data"]
    assert list(data) == ["id", "status", "progress", "created", "type"]
    assert served.ledger[-1].body["model"] == DEFAULT
    assert served.ledger[-1].body["duration"] == 6


def test_a_result_is_a_video(link):
    """A link serves a clip that decodes, to anyone who has it, as long as it says."""
    reply = httpx.get(link, trust_env=False)

    assert (reply.status_code, reply.headers["Content-Type"]) == (200, "video/mp4")
    assert len(reply.content) == int(reply.headers["Content-Length"])
    with av.open(io.BytesIO(reply.content)) as video:
        assert video.streams.video[0].codec_context.name == "h264"
        assert pytest.approx(video.duration / av.time_base, abs=0.2) == 6.0


def test_a_thumbnail_is_a_picture(client):
    """The thumbnail is a JPEG of 320 px on the long side."""
    task_id = client.post("/v1/videos/generations", json=cell()).json()["data"][0]["task_id"]
    reply = client.get(client.get(f"/v1/tasks/{task_id}").json()["data"]["result"]["thumbnail_url"])

    with Image.open(io.BytesIO(reply.content)) as picture:
        assert (picture.format, max(picture.size)) == ("JPEG", 320)


@pytest.mark.parametrize(
    ("asked", "start", "stop"),
    [
        ("bytes=0-99", 0, 100),
        ("bytes=100-", 100, None),
        ("bytes=-50", -50, None),
        ("bytes=10-99999999", 10, None),
        ("bytes=-99999999", 0, None),
        ("BYTES=5-5", 5, 6),
    ],
)
def test_ranges(client, link, asked, start, stop):
    """206 with exactly the bytes asked for, and their place in the file."""
    whole = client.get(link).content

    reply = client.get(link, headers={"Range": asked})

    assert reply.status_code == 206
    assert whole[start:stop] == reply.content
    first = start if start >= 0 else len(whole) + start
    last = first + len(reply.content) - 1
    assert f"bytes {first}-{last}/{len(whole)}" == reply.headers["Content-Range"]


@pytest.mark.parametrize("asked", ["bytes=99999999-", "bytes=-0"])
def test_impossible_ranges(client, link, asked):
    """416 with the size of the file."""
    size = len(client.get(link).content)

    reply = client.get(link, headers={"Range": asked})

    assert (416, f"bytes */{size}") == (reply.status_code, reply.headers["Content-Range"])


@pytest.mark.parametrize(
    "asked", ["bytes=", "bytes=-", "bytes=5-2", "bytes=0-1,5-6", "items=0-1", "bytes=a-b"]
)
def test_ranges_that_are_none(client, link, asked):
    """The whole file, as if nothing had been asked."""
    assert client.get(link).content == client.get(link, headers={"Range": asked}).content


def test_validators(client, link):
    """HEAD, ETag, If-None-Match and If-Range say what they should."""
    whole = client.get(link)
    etag = whole.headers["ETag"]
    head = client.head(link)

    assert (head.status_code, head.content) == (200, b"")
    for name in ("Content-Length", "Content-Type", "ETag", "Accept-Ranges"):
        assert whole.headers[name] == head.headers[name]
    for same in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        assert client.get(link, headers={"If-None-Match": same}).status_code == 304
    assert client.get(link, headers={"If-None-Match": '"other"'}).status_code == 200
    part = {"Range": "bytes=0-9"}
    assert client.get(link, headers={**part, "If-Range": etag}).status_code == 206
    assert client.get(link, headers={**part, "If-Range": '"other"'}).status_code == 200


def test_links_cannot_be_guessed(client, link):
    """Another signature, another number or a task that is not done is 404."""
    name = link.rsplit("/", 1)[1]
    wrong = [
        name[:-5] + ("0" if name[-5] != "0" else "1") + ".mp4",
        name.replace("-0-", "-1-"),
        "x.mp4",
        "task_01K8SG0000AAAAAAAAAAAAAAAA-0-" + "0" * 20 + ".mp4",
    ]

    assert [client.get(f"/f/video/{each}").status_code for each in wrong] == [404] * 4


@pytest.mark.security("S21")
def test_it_listens_on_loopback_only(served):
    """The port is closed on every other address of this machine."""
    port = int(served.base_url.rsplit(":", 1)[1])
    others = {info[4][0] for info in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)}

    for address in others - {"127.0.0.1"}:
        with pytest.raises(OSError, match="refused"):
            socket.create_connection((address, port), timeout=2)
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.2", port), timeout=2)


@pytest.mark.security("S21")
@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:1234", 200),
        ("localhost", 200),
        ("LOCALHOST:80", 200),
        ("[::1]:80", 200),
        ("evil.example", 421),
        ("127.0.0.1.evil.example", 421),
        ("localhost.evil.example:80", 421),
        ("", 421),
    ],
)
def test_a_page_elsewhere_cannot_reach_it(client, host, status):
    """A name that was rebound to this machine is refused, whatever else the request has."""
    reply = client.get("/v1/balance", headers={"Host": host, "Origin": "https://evil.example"})

    assert status == reply.status_code
    assert not [name for name in reply.headers if name.startswith("access-control")]


@pytest.mark.security("S21")
def test_a_real_looking_key_is_refused(client, served):
    """A key that might be real gets 401 everywhere, and is remembered nowhere."""
    canary = "sk-LEAK-0123456789"

    reply = client.get("/v1/balance", headers={"Authorization": f"Bearer {canary}"})

    assert reply.status_code == 401
    assert canary not in reply.text
    assert canary not in repr(served.requests)
    assert served.api_key not in repr(served.requests) + repr(served.ledger) + repr(served)


def test_a_stranger_s_key_is_refused(client, served):
    """Only its own keys and keys made for tests are good: another simulator's is not."""
    with Simulator(speed=math.inf) as other:
        keys = [other.api_key, "sim-", "sk-live", f"{served.api_key}x", "sk-test", served.api_key]

    codes = [
        client.get("/v1/balance", headers={"Authorization": f"Bearer {key}"}).status_code for key in keys
    ]

    assert codes == [401, 401, 401, 401, 200, 200]


def test_a_revoked_key_is_refused(world):
    """After a rotation the old key gets 401 and a new one goes on with the old tasks."""
    asker = world()
    task_id = asker.submit()
    old = asker.simulator.api_key
    asker.simulator.issue_key()
    assert asker.get(f"/v1/tasks/{task_id}").status_code == 200
    asker.simulator.revoke(old)

    assert asker.get(f"/v1/tasks/{task_id}").status_code == 401
    asker.headers = {"Authorization": f"Bearer {asker.simulator.api_key}"}
    assert task_id == asker.task(task_id)["id"]


def test_requests_are_remembered(world):
    """Method, path, body and answer of each, in order, within the bound."""
    asker = world(record=3)
    for number in range(4):
        asker.post(cell(prompt=f"cell {number}"))

    seen = list(asker.simulator.requests)

    assert [f"cell {n}" for n in (1, 2, 3)] == [json.loads(s.body)["prompt"] for s in seen]
    assert [(s.method, s.path, s.status) for s in seen] == [("POST", "/v1/videos/generations", 200)] * 3
    assert all("authorization" not in s.headers for s in seen)


def test_stamps_can_run_ahead(world):
    """A skewed server shifts its stamps and its Date header alike."""
    true, ahead = world().finished(), world(skew=3600)
    data = ahead.finished()

    assert [data[name] - true[name] for name in ("created", "completed")] == [3600, 3600]
    assert true_date(ahead) == "10:53:20"


def true_date(asker: Asker) -> str:
    """Return the time of day of an answer's Date header."""
    return asker.get("/v1/balance").headers["Date"].split()[4]


def test_usage(world):
    """Booked at completion, failures left out, by model and day, for a key or for all."""
    asker = world(slots=None)
    asker.submit()
    asker.submit(duration=10)
    asker.headers = {"Authorization": "Bearer sk-test-other"}
    asker.submit(model="grok-imagine-1.5-video-ext", quality=None)

    assert asker.get("/v1/usage").json()["data"]["total"]["requests"] == 0
    asker.later(3600)
    mine = asker.get("/v1/usage?group_by=model,date").json()["data"]
    every = asker.get("/v1/usage?scope=account&group_by=model&tz=Asia/Tokyo").json()["data"]
    assert mine["total"]["amount_usd"] == 0.0612
    assert [(i["model"], i["date"]) for i in mine["items"]] == [("grok-imagine-1.5-video-ext", "2025-10-09")]
    assert [item["requests"] for item in every["items"]] == [2, 1]
    assert pytest.approx(every["total"]["amount_usd"]) == 0.2244
    for bad in ("group_by=moon", "tz=Nowhere/Land", "start=soon", "start=2020-01-01", "start=9" + "9" * 30):
        assert asker.get(f"/v1/usage?{bad}").status_code == 400


def test_usage_counts_the_days_that_are_named(world):
    """Both ends of a span of dates are in it, in the time zone that is named."""
    asker = world()
    asker.finished()
    told = {}
    for day in ("2025-10-08", "2025-10-09", "2025-10-10"):
        for zone in ("UTC", "Pacific/Honolulu"):
            reply = asker.get(f"/v1/usage?start={day}&end={day}&tz={zone}").json()
            told[day, zone] = reply["data"]["total"]["requests"]

    assert {key for key, requests in told.items() if requests} == {
        ("2025-10-09", "UTC"),
        ("2025-10-08", "Pacific/Honolulu"),
    }
    assert asker.get("/v1/usage?start=2025-09-10&end=2025-10-10").status_code == 200


def test_usage_may_be_asked_for_sixty_times_a_minute(world):
    """The next is 429, for that key alone, until a second has passed; submissions are not held up."""
    asker = world()

    asked = [asker.get("/v1/usage").status_code for _ in range(61)]

    assert asked == [200] * 60 + [429]
    other = {"Authorization": "Bearer sk-test-other"}
    assert asker.get("/v1/usage", headers=other).status_code == 200
    assert asker.post(cell()).status_code == 200
    asker.later(1)
    assert asker.get("/v1/usage").status_code == 200


def test_usage_is_up_to_a_minute_old(world):
    """A task that is done is booked within 60 s, not at once."""
    asker = world()
    task_id = asker.submit()
    while asker.task(task_id)["status"] != "completed":
        asker.later(1)

    at_once = asker.get("/v1/usage").json()["data"]["total"]["requests"]
    asker.later(60)

    assert (at_once, asker.get("/v1/usage").json()["data"]["total"]["requests"]) == (0, 1)


def test_models_and_docs(world):
    """The list grows by `expand`; a schema and a page exist for each model, and for no other."""
    asker = world()

    plain, category = (asker.get(f"/v1/models{q}").json()["data"][0] for q in ("", "?expand=category"))
    assert "category" not in plain
    assert category["category"] == "video"
    schema = asker.get(f"/v1/model-schema?model={DEFAULT}").json()
    assert schema == asker.get(f"/v1/models/{DEFAULT}/schema").json()
    assert {"model", "operation", "input_schema"} <= set(schema)
    page = asker.get(f"/v1/model-docs?model={DEFAULT}").json()
    assert (page["object"], page["model"], page["stale"]) == ("model.documentation", DEFAULT, False)
    assert {"doc_url", "markdown_url", "fetched_at", "cache_ttl_seconds"} <= set(page)
    assert "6 to 30 s" in page["markdown"]
    assert [asker.get(f"/v1/model-{kind}?model=x").status_code for kind in ("docs", "schema")] == [404, 404]
    page = asker.get("/api/marketplace/models?page=2&page_size=1&type=video").json()["data"]
    assert [list(asker.get("/v1/models").json()["data"])[1]["id"]] == [m["model_name"] for m in page["items"]]


def test_image_to_video_follows_the_image(world):
    """The clip takes the shape of an uploaded image, and of a stand-in for a foreign one."""
    asker = world(clips="full")
    tall = io.BytesIO()
    Image.new("RGB", (300, 600), "orange").save(tall, "PNG")
    reply = asker.ask("POST", "/v1/uploads/images", files={"file": ("tall.png", tall.getvalue())})

    def size(url: str) -> tuple[int, int]:
        data = asker.finished(image_urls=[url], prompt="wind")
        clip = asker.get(data["result"]["videos"][0]["url"][0]).content
        with av.open(io.BytesIO(clip)) as video:
            stream = video.streams.video[0]
            return stream.width, stream.height

    width, height = size(reply.json()["url"])
    assert (width, height / width) == (480, 2.0)
    assert all(side % 2 == 0 for side in size("https://example.com/fox.jpg"))


def test_takes_differ(world):
    """The same body twice makes two clips that are not the same."""
    asker = world()
    links = [asker.finished()["result"]["videos"][0]["url"][0] for _ in range(2)]

    one, two = (asker.get(link).content for link in links)

    assert one != two
    assert one == asker.get(links[0]).content


def test_models_see_a_prompt_in_their_own_way(world):
    """The same prompt makes another picture with another model."""
    asker = world(clips="full")
    models = (DEFAULT, "veo3.1-fast")

    one, two = (asker.finished(model=model, quality=None, duration=None, size=None) for model in models)

    shown = [asker.get(data["result"]["thumbnail_url"]).content for data in (one, two)]
    assert shown[0] != shown[1]


@pytest.mark.parametrize(
    "prompt",
    ["\ud800", "a" * 20_000, "\u202e\x00\x07", "🦊🚀", "一只狗", "</script>", " \n.", "%s {0} $x"],
    ids=repr,
)
def test_any_prompt_makes_a_clip(world, prompt):
    """Whatever the server accepts it also paints."""
    asker = world()
    body = json.dumps(cell(prompt=prompt))
    reply = asker.ask("POST", "/v1/videos/generations", content=body)
    asker.later(3600)

    data = asker.task(reply.json()["data"][0]["task_id"])

    with av.open(io.BytesIO(asker.get(data["result"]["videos"][0]["url"][0]).content)) as video:
        assert next(video.decode(video=0)).width > 0


def test_kept_clips_are_bounded(world, monkeypatch):
    """Beyond the bound old clips go, and come back the same when asked for."""
    asker = world()
    footage = asker.simulator._footage
    monkeypatch.setattr("gridgen.simulator.clip_cache._KEPT", 30_000)
    links = [asker.finished(prompt=f"fox {n}")["result"]["videos"][0]["url"][0] for n in range(8)]

    first = [asker.get(link).content for link in links]

    assert footage._size == sum(len(reel.data) for reel in footage._kept.values()) <= 30_000
    assert len(footage._kept) < 8
    assert first == [asker.get(link).content for link in links]


def test_closing_ends_everything():
    """A closed simulator answers nobody; its thread is gone; closing twice does no harm."""
    before = threading.active_count()
    simulator = Simulator(clips="tiny")
    httpx.get(f"{simulator.base_url}/api/pricing/models/all", trust_env=False)

    simulator.close()
    simulator.close()

    with pytest.raises(httpx.ConnectError):
        httpx.get(simulator.base_url, trust_env=False)
    assert threading.active_count() <= before


def test_a_forgotten_simulator_closes_itself():
    """When the last reference goes, so does the server."""
    simulator = Simulator(clips="tiny")
    base = simulator.base_url

    del simulator
    gc.collect()

    with pytest.raises(httpx.ConnectError):
        httpx.get(base, trust_env=False)


def test_wrong_arguments():
    """Each is refused in a sentence that says what is possible."""
    with pytest.raises(ValueError, match=r"clips='huge' .*full, tiny"):
        Simulator(clips="huge", speed=math.inf)
    with pytest.raises(ValueError, match="begins with 'sim-'"):
        Simulator(key="sk-mine", speed=math.inf)
    with pytest.raises(TypeError, match="nearest: 'slots'"):
        Simulator(slot=1, speed=math.inf)


def test_the_command_line():
    """It prints where it is and with which key, answers there, and ends at Ctrl-C."""
    command = [
        sys.executable,
        "-m",
        "gridgen.simulator",
        "--clips",
        "tiny",
        "--key",
        "sim-fixed",
        "--profile",
        "contract",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        lines = [process.stdout.readline() for _ in range(3)]
        base = re.fullmatch(r"Base URL  (http://127\.0\.0\.1:\d+)\n", lines[0])[1]
        assert lines[1] == "API key   sim-fixed\n"
        assert "Point a client here" in lines[2]
        headers = {"Authorization": "Bearer sim-fixed"}
        reply = httpx.post(f"{base}/v1/videos/generations", json=cell(), headers=headers, trust_env=False)
        assert reply.json()["data"]["status"] == "submitted"
        begun = time.perf_counter()
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=10)
    assert (process.returncode, output, errors) == (0, "", "")
    assert time.perf_counter() - begun < 2


def test_the_command_line_takes_switches_and_faults():
    """A switch and a fault given there act on the wire."""
    command = [
        sys.executable,
        "-m",
        "gridgen.simulator",
        "--clips",
        "tiny",
        "--set",
        "shape=B",
        "--set",
        "slots=1",
    ]
    command += ["--fault", json.dumps({"kind": "reply", "on": "submit", "status": 503})]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        base, key = (process.stdout.readline().split()[-1] for _ in range(2))
        headers = {"Authorization": f"Bearer {key}"}
        with httpx.Client(base_url=base, headers=headers, trust_env=False) as client:
            first, second = (client.post("/v1/videos/generations", json=cell()) for _ in range(2))
        process.terminate()
    assert (first.status_code, process.returncode) == (503, 0)
    assert second.json()["data"]["type"] == "video"


def test_the_command_line_says_what_is_wrong():
    """Help names every option; a bad profile and a taken port end in a sentence, not a traceback."""
    run = [sys.executable, "-m", "gridgen.simulator"]
    helped = subprocess.run([*run, "--help"], capture_output=True, text=True, check=True).stdout
    assert {"--port", "--profile", "--speed", "--seed", "--state"} <= set(re.findall(r"--\w+", helped))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        for wrong, says in (
            (["--profile", "x"], "not a profile"),
            (["--port", port], port),
            (["--speed", "inf"], "finite"),
            (["--set", "slot=1"], "nearest: 'slots'"),
            (["--fault", '{"kind": "x"}'], "is not a fault"),
            (["--fault", "{"], "--fault"),
        ):
            done = subprocess.run([*run, *wrong], capture_output=True, text=True, check=False)
            assert done.returncode == 2
            assert says in done.stderr
            assert "Traceback" not in done.stderr
