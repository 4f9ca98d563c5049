"""The vendor's own client would be content with the simulator: a client as strict as it is, over a real socket."""

from __future__ import annotations

import io
import itertools
import socket
from urllib.parse import urlsplit

import jsonschema
import pytest
from PIL import Image

from gridgen.models import catalogue
from gridgen.models.records import unseen
from gridgen.simulator import Fault, Simulator
from simulator.asking import DEFAULT, EXT
from simulator.official import ContractError, Official, Refused

FIELDS = {"prompt": "a paper boat", "size": "16:9", "duration": 6, "resolution": "480p"}
FORMATS = {"PNG": "image/png", "JPEG": "image/jpeg", "GIF": "image/gif", "WEBP": "image/webp"}
NAMES = sorted(
    {name for model in (*catalogue().values(), *unseen().values()) for name in (model.id, *model.aliases)}
)
"""Every id and every other name that the catalogue has, of models of which only the name is known, too."""


@pytest.fixture
def served():
    """Yield a maker of simulators on a socket of their own, where a clip takes a fifth of a second."""
    made = []

    def serve(**options) -> tuple[Simulator, Official]:
        simulator = Simulator(**{"speed": 200, "clips": "tiny", **options})
        made.append(simulator)
        return simulator, Official(simulator.base_url, simulator.api_key, simulator.clock)

    yield serve
    for simulator in made:
        simulator.close()


@pytest.fixture(scope="module")
def client():
    """Yield a client of a simulator that the tests share."""
    with Simulator(speed=200, clips="tiny") as simulator:
        yield Official(simulator.base_url, simulator.api_key, simulator.clock)


def picture(kind: str = "PNG") -> bytes:
    """Return a small image."""
    file = io.BytesIO()
    Image.new("RGB", (120, 80), "teal").save(file, kind)
    return file.getvalue()


def refused(call, *arguments, **options) -> Refused:
    """Return the refusal that a call meets."""
    with pytest.raises(Refused) as caught:
        call(*arguments, **options)
    return caught.value


def test_text_to_video(served):
    """Page, schema, submission, status and download, each as the client wants it."""
    simulator, client = served()
    assert EXT in client.models()
    assert "`resolution`" in client.docs(EXT)["markdown"]

    made = client.generate_video(EXT, FIELDS, "first")
    task = client.ended(made.task_id)

    assert task["status"] == "completed"
    [link] = task["result"]["videos"][0]["url"]
    clip = client.download(link)
    assert (clip.status, clip.headers["Content-Type"], clip.data[4:8]) == (200, "video/mp4", b"ftyp")
    assert [entry.body for entry in simulator.ledger] == [{**FIELDS, "model": EXT}]
    assert simulator.ledger[0].idempotency_key == "first"
    assert not made.replayed


def test_image_to_video(served):
    """A picture is uploaded, its link goes into the field that the schema names, and a video comes of it."""
    simulator, client = served()
    upload = client.upload("first.png", picture())
    takes = client.schema(EXT)["input_schema"]["properties"]
    assert takes["image_urls"]["type"] == "array"

    made = client.generate_video(EXT, {**FIELDS, "image_urls": [upload["url"]]}, "second")
    task = client.ended(made.task_id)

    assert client.download(upload["url"]).data == picture()
    assert client.download(task["result"]["videos"][0]["url"][0]).data[4:8] == b"ftyp"
    assert simulator.ledger[0].body["image_urls"] == [upload["url"]]


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize(
    "name", ["a.png", "лодка на воде.png", 'a "b".png', "图.webp", "x" * 200, "a;b=c.gif"]
)
def test_an_upload_is_answered_flat(client, name, kind):
    """Each format, under any name that a file may have: the reply has the name, and the link serves the bytes."""
    data = picture(kind)

    reply = client.upload(name.replace('"', "%22"), data)

    file = client.download(reply["url"])
    assert (file.status, file.headers["Content-Type"], file.data) == (200, FORMATS[kind], data)


def test_uploads_that_are_none(client):
    """Too large is 413, another format and another field are 400."""
    large = refused(client.post_file, "a.png", picture() + b"\0" * (20 * 1024 * 1024), "image/png")
    larger = refused(client.post_file, "a.png", picture() + b"\0" * (24 * 1024 * 1024), "image/png")
    text = refused(client.post_file, "a.png", b"no picture", "image/png")
    field = refused(client.post_file, "a.png", picture(), "image/png", "image")

    assert [each.status for each in (large, larger, text, field)] == [413, 413, 400, 400]


@pytest.mark.parametrize("name", NAMES)
def test_a_model_is_answered_under_the_name_that_was_asked_for(client, name):
    """An alias too: the client refuses a page of another model than it asked for."""
    schema, page = client.schema(name), client.docs(name)

    assert list(schema)[:3] == ["model", "operation", "input_schema"]
    assert list(page)[:8] == [
        *("object", "model", "doc_url", "markdown_url", "markdown"),
        *("fetched_at", "cache_ttl_seconds", "stale"),
    ]


VALUES = {
    "string": lambda field: next(iter(field.get("enum", ())), "https://e.org/a.png"),
    "integer": lambda field: next(iter(field.get("enum", ())), field.get("minimum", 1)),
    "boolean": lambda _: True,
    "object": lambda _: {"url": "https://e.org/a.png"},
    "array": lambda field: [VALUES[field["items"]["type"]](field["items"])] * field.get("minItems", 1),
}


@pytest.mark.parametrize("name", catalogue())
def test_a_body_made_from_the_schema_is_taken(client, name):
    """What the schema says is required is all that is: whoever builds a body from it alone gets a task."""
    schema = client.schema(name)["input_schema"]
    fields = {
        field: VALUES[schema["properties"][field]["type"]](schema["properties"][field])
        for field in schema["required"]
        if field != "model"
    }
    jsonschema.validate({**fields, "model": name}, schema)

    assert client.generate_video(name, fields, f"schema of {name}".replace(" ", "-")).task_id


def test_unknown_models_are_refused(client):
    """404 for page and schema, 400 for a submission, each in the form of an error."""
    said = [refused(call, "no-such-model") for call in (client.docs, client.schema)]
    said.append(refused(client.submit, {**FIELDS, "model": "no-such-model"}, "none"))

    assert [(each.status, each.code) for each in said] == [
        (404, "model_not_found"),
        (404, "model_not_found"),
        (400, "model_not_found"),
    ]


def test_a_model_that_makes_videos_makes_no_images(client):
    """Asked for another operation, the server does not say that the model has it."""
    with pytest.raises(ContractError, match="operation image_generation"):
        client.schema(EXT, "image_generation")


@pytest.mark.parametrize("call", ["schema", "docs"])
def test_a_wrapper_is_refused(served, call):
    """The client does refuse what it is known to refuse: the same reply under ``data``."""
    simulator, client = served()
    inner = getattr(client, call)(EXT)
    wrapped = {"success": True, "data": inner}
    simulator.faults.add(Fault(kind="reply", on="models", status=200, body=wrapped))

    with pytest.raises(ContractError):
        getattr(client, call)(EXT)


@pytest.mark.parametrize(
    "patch",
    [
        {"data": {"id": ""}},
        {"data": {"id": 5}},
        {"data": {"object": ...}},
        {"data": [{"task_id": "task_1"}]},
        {"code": 200},
    ],
)
def test_another_shape_of_submission_is_refused(served, patch):
    """The client does tell shape C from what it is not."""
    simulator, client = served()
    simulator.faults.add(Fault(kind="patch", on="submit", patch=patch))

    with pytest.raises(ContractError):
        client.submit({**FIELDS, "model": EXT}, "key")


def test_unknown_query_parameters_change_nothing(client):
    """A parameter that nobody knows is no error."""
    page, schema = client.docs(EXT, x="1"), client.schema(EXT, x="1")

    assert (page["markdown"], schema) == (client.docs(EXT)["markdown"], client.schema(EXT))
    made = client.generate_video(EXT, FIELDS, "queries")
    assert client.task(made.task_id, x="1", language="en")["id"] == made.task_id


def test_the_pages_links_lead_somewhere(client):
    """The Markdown that a page holds is at its links as well, which need no key, by GET and HEAD."""
    page = client.docs(DEFAULT)

    for link in (page["markdown_url"], page["doc_url"]):
        found, head = client.download(link), client.download(link, "HEAD")
        assert (found.status, found.data.decode()) == (200, page["markdown"])
        assert found.headers.get_content_type() == "text/markdown"
        assert (head.status, head.data, head.headers["Content-Length"]) == (200, b"", str(len(found.data)))
    assert client.download(page["markdown_url"].replace(DEFAULT, "none")).status == 404


def test_links_by_head(client):
    """HEAD of a clip, a thumbnail and an upload tells type and size as GET does, and sends nothing."""
    upload = client.upload("a.png", picture())
    made = client.generate_video(EXT, {**FIELDS, "image_urls": [upload["url"]]}, "head")
    result = client.ended(made.task_id)["result"]

    for link in (upload["url"], result["videos"][0]["url"][0], result["thumbnail_url"]):
        found, head = client.download(link), client.download(link, "HEAD")
        assert (head.status, head.data) == (200, b"")
        assert all(
            head.headers[name] == found.headers[name] for name in ("Content-Type", "Content-Length", "ETag")
        )


def test_a_key_that_comes_again_is_the_original_reply(served):
    """The same body under the same key is the same reply with a header that says so, and one task."""
    simulator, client = served()

    first, again, late = (client.generate_video(EXT, FIELDS, "key") for _ in range(3))

    assert [each.replayed for each in (first, again, late)] == [False, True, True]
    assert first.body == again.body == late.body
    assert len(simulator.ledger) == 1


def test_a_replay_long_after_is_the_original_reply(served):
    """A task that is done is still answered as it was when it was submitted."""
    simulator, client = served()
    first = client.generate_video(EXT, FIELDS, "key")
    client.ended(first.task_id)

    assert client.generate_video(EXT, FIELDS, "key").body == first.body
    assert len(simulator.ledger) == 1


@pytest.mark.parametrize(
    "other",
    [{"prompt": "another"}, {"duration": 7}, {"model": DEFAULT}, {"seed": 1}],
    ids=["prompt", "duration", "model", "a further field"],
)
def test_a_key_for_another_body_is_refused(client, other):
    """409, never retried, and nothing is made of it."""
    key = f"reused-{'-'.join(other)}"
    client.submit({**FIELDS, "model": EXT}, key)

    said = refused(client.submit, {**FIELDS, "model": EXT, **other}, key)

    assert (said.status, said.code, said.retryable, said.wait) == (409, "idempotency_key_reused", False, None)


def test_a_key_is_another_for_another_account_key(served):
    """Two API keys that use the same idempotency key do not see each other's tasks."""
    simulator, client = served()
    other = Official(simulator.base_url, "sk-test-other", simulator.clock)

    assert (
        client.submit({**FIELDS, "model": EXT}, "key").task_id
        != other.submit({**FIELDS, "model": EXT}, "key").task_id
    )


def test_a_key_in_flight_is_waited_for(served):
    """While the first request with a key is on its way the second is told to wait, and then it is a replay."""
    simulator, client = served()
    host = urlsplit(simulator.base_url)
    body = b'{"prompt": "a paper boat", "model": "%s"}' % EXT.encode()
    head = (
        "POST /v1/videos/generations HTTP/1.1\r\n"
        f"Host: {host.netloc}\r\nAuthorization: Bearer {client.key}\r\nContent-Type: application/json\r\n"
        "Idempotency-Key: slow\r\nX-APIMart-Response-Version: 2026-07-27\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    with socket.create_connection((host.hostname, host.port), timeout=20) as first:
        first.sendall(head.encode() + body[:5])
        while not simulator.requests:
            client.wait(2)
        said = refused(client.submit, {"prompt": "a paper boat", "model": EXT}, "slow")
        first.sendall(body[5:])
        answer = b"".join(iter(lambda: first.recv(65_536), b""))

    assert (said.status, said.code) == (409, "idempotency_in_progress")
    assert said.wait
    assert answer.startswith(b"HTTP/1.1 202")
    assert client.submit({"prompt": "a paper boat", "model": EXT}, "slow").replayed
    assert len(simulator.ledger) == 1


@pytest.mark.parametrize(
    ("mode", "status", "code", "again"),
    [
        ("indeterminate", 409, "idempotency_result_indeterminate", False),
        ("unavailable", 503, "idempotency_unavailable", True),
    ],
)
def test_the_other_answers_to_a_key(served, mode, status, code, again):
    """Indeterminate is not for retrying; unavailable is, and nothing was executed."""
    simulator, client = served()
    if mode == "indeterminate":
        client.submit({**FIELDS, "model": EXT}, "key")
    simulator.profile = simulator.profile.but(idempotency=mode)

    said = refused(client.submit, {**FIELDS, "model": EXT}, "key")

    assert (said.status, said.code, said.retryable) == (status, code, again)
    assert len(simulator.ledger) == (mode == "indeterminate")


@pytest.mark.parametrize("key", ["", "a b", "x" * 192, "ключ".encode().decode("latin-1")])
def test_a_key_that_is_none(client, key):
    """400 for what is not 1 to 191 visible ASCII characters."""
    assert refused(client.submit, {**FIELDS, "model": EXT}, key).status == 400


def test_no_money(served):
    """402 says what is there and what is needed; with money the same key makes the clip."""
    simulator, client = served()
    held = simulator.balance
    simulator.top_up(-held)

    said = refused(client.submit, {**FIELDS, "model": EXT}, "key")
    listing = refused(client.models)

    assert {(each.status, each.code, each.retryable) for each in (said, listing)} == {
        (402, "payment_required", False)
    }
    assert said.message.count("$") == 2
    assert len(simulator.ledger) == 0
    simulator.top_up(held)
    assert not client.submit({**FIELDS, "model": EXT}, "key").replayed


@pytest.mark.parametrize("form", ["header", "date"])
def test_too_many(served, form):
    """429 is for retrying under the same key, says when, and made nothing."""
    simulator, client = served(speed=1, rate=6.0, burst=1, rate_reply=form)
    client.submit({**FIELDS, "model": EXT}, "one")

    said = refused(client.submit, {**FIELDS, "model": EXT}, "two")

    assert (said.status, said.code, said.retryable) == (429, "rate_limit_exceeded", True)
    assert said.wait in {9, 10, 11}
    assert len(simulator.ledger) == 1
    # a replay takes nothing from the rate
    assert client.submit({**FIELDS, "model": EXT}, "one").replayed


def test_a_failed_task(served):
    """A task that failed has ended, says why in each of the client's languages, and costs nothing."""
    simulator, client = served()
    simulator.faults.add(Fault(kind="fail", times=1))
    made = client.generate_video(EXT, FIELDS, "key")

    task = client.ended(made.task_id)

    assert task["status"] == "failed"
    assert (task["error"]["code"], task["error"]["type"]) == ("task_failed", "task_failed")
    said = {
        code: client.task(made.task_id, language=code)["error"]["message"]
        for code in ("zh", "en", "ko", "ja")
    }
    assert len(set(said.values())) == 4
    assert said["en"] == task["error"]["message"]
    assert simulator.ledger.billed == 0
    # the same key brings the task that failed, another one a new task
    assert client.generate_video(EXT, FIELDS, "key").task_id == made.task_id
    assert client.generate_video(EXT, FIELDS, "another").task_id != made.task_id


def test_tasks_that_are_none(client):
    """400 for what is no id, 404 for one that nobody was given."""
    said = [refused(client.task, task_id) for task_id in ("x", "a/b", "task_" + "0" * 26)]

    assert [each.status for each in said] == [400, 400, 404]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/videos/generations"),
        ("POST", "/v1/tasks/task_00000000000000000000000000"),
        ("DELETE", "/v1/models"),
        ("POST", "/v1/images/generations"),
        ("GET", "/v1/models/"),
        ("GET", "/v2/models"),
        ("PUT", "/v1/uploads/images"),
    ],
)
def test_what_the_api_does_not_have(client, method, path):
    """404 and an error in JSON, whatever the method."""
    said = refused(client.request, method, path)

    assert (said.status, said.message[:11]) == (404, "Invalid URL")


def test_keys_that_are_none(client):
    """401 for every command that needs a key, before anything else is weighed."""
    stranger = Official(client.base_url, "sk-nobody", client.clock)
    calls = [
        stranger.models,
        lambda: stranger.docs("none"),
        lambda: stranger.schema("none"),
        lambda: stranger.task("x"),
        lambda: stranger.submit({}, "a b"),
        lambda: stranger.post_file("a.png", b"", "image/png"),
    ]

    said = [refused(call) for call in calls]

    assert {(each.status, each.code, each.type) for each in said} == {(401, "", "apimart_error")}


@pytest.mark.parametrize(
    "body",
    [b"", b"null", b"[]", b"{", b'{"model": 5}', b"\xff", b'{"model": "%s"}' % EXT.encode(), b"[" * 10_000],
)
def test_bodies_that_are_none(client, body):
    """400 in the form of an error, for anything that is no submission."""
    headers = {"Content-Type": "application/json", "X-APIMart-Response-Version": "2026-07-27"}

    assert refused(client.request, "POST", "/v1/videos/generations", body, headers).status == 400


def test_ids_are_never_given_twice(client):
    """Each key is a task of its own, even for the same body."""
    ids = [client.submit({**FIELDS, "model": EXT}, f"own-{number}").task_id for number in range(5)]

    assert all(one != other for one, other in itertools.combinations(ids, 2))
