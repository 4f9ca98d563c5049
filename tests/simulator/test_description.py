"""The API's own description is right: random requests meet no reply outside it."""

from __future__ import annotations

import asyncio
import json
import math

import httpx
import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gridgen.models import catalogue
from gridgen.simulator import Simulator
from simulator.asking import PNG

ASKED_FOR = (400, 401, 402, 404, 409, 413, 421, 429)
PROFILES = ["demo", "contract", "live+flaky", "strict+slow", "zero-balance", "instant", "late-failure"]
WORDS = st.one_of(
    st.text(max_size=20), st.sampled_from(["", "none", "-1", "9" * 40, "\x00", "é", "../..", "%2e"])
)
ODD = st.one_of(
    st.just("\ud800"),
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    WORDS,
    st.lists(WORDS, max_size=3),
)


@pytest.fixture(scope="module")
def simulators():
    """Yield one simulator a profile, in process."""
    made = {
        name: Simulator(speed=math.inf, clips="tiny", profile=name, unlimited=name == "strict+slow")
        for name in PROFILES
    }
    yield made
    for simulator in made.values():
        simulator.close()


@pytest.fixture(scope="module")
def described(simulators):
    """Return the description that the app serves."""
    return _ask(simulators["demo"], "GET", "/openapi.json").json()


def _ask(simulator: Simulator, method: str, path: str, **options) -> httpx.Response:
    async def exchange() -> httpx.Response:
        async with httpx.AsyncClient(transport=simulator.transport(), base_url="http://127.0.0.1") as client:
            return await client.request(method, path, **options)

    return asyncio.run(exchange())


def _check(described: dict, template: str, method: str, reply: httpx.Response) -> None:
    """Fail unless the reply is one of those described, and no server error."""
    operation = described["paths"][template][method.lower()]
    status = str(reply.status_code)
    invalid_size = reply.status_code == 500 and "build_request_failed" in reply.text
    assert reply.status_code < 500 or invalid_size, (template, reply.text)
    assert status in operation["responses"], (template, status, reply.text)
    schema = operation["responses"][status]["content"]["application/json"]["schema"]
    jsonschema.validate(reply.json(), schema)


def test_the_description_is_openapi(described):
    """Each operation names its replies with a valid schema, and each path is served."""
    assert described["openapi"].startswith("3.1")
    for path, operations in described["paths"].items():
        for method, operation in operations.items():
            assert "200" in operation["responses"], path
            for reply in operation["responses"].values():
                schema = reply["content"]["application/json"]["schema"]
                jsonschema.Draft202012Validator.check_schema(schema)
            assert method in {"get", "post"}


def _near_bodies() -> st.SearchStrategy:
    """Return bodies that are mostly right, and wrong in all sorts of ways."""
    model = st.sampled_from(list(catalogue()))
    right = {
        "model": model,
        "prompt": st.text(min_size=1, max_size=40),
        "size": st.sampled_from(["16:9", "9:16", "1:1", "4:5"]),
        "duration": st.integers(5, 31),
        "quality": st.sampled_from(["480p", "720p", "8k"]),
        "resolution": st.sampled_from(["480p", "720p", "8k"]),
        "image_urls": st.lists(
            st.sampled_from(["https://a.example/b.png", "data:,", "http://[", ""]), max_size=8
        ),
        "language": WORDS,
    }
    good = st.fixed_dictionaries(
        {"model": model, "prompt": right["prompt"]},
        optional={name: right[name] for name in list(right)[2:]},
    )
    wrong = st.dictionaries(st.one_of(st.sampled_from(list(right)), WORDS), ODD, max_size=2)
    return st.builds(lambda base, over: base | over, good, st.one_of(st.just({}), wrong))


FUZZ = settings(
    max_examples=250,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)


@FUZZ
@given(
    profile=st.sampled_from(PROFILES),
    body=_near_bodies(),
    raw=st.one_of(st.none(), st.none(), st.none(), st.binary(max_size=40)),
    key=st.one_of(st.none(), st.just("k"), WORDS),
    version=st.one_of(st.none(), st.just("2026-07-27"), WORDS),
    wait=st.sampled_from([0, 10, 1000]),
)
def test_submissions(simulators, described, *, profile, body, raw, key, version, wait):
    """Whatever is submitted, reply and every later status are as described."""
    simulator = simulators[profile]
    headers = {"Authorization": f"Bearer {simulator.api_key}", "Content-Type": "application/json"}
    for name, value in (("Idempotency-Key", key), ("X-APIMart-Response-Version", version)):
        if value is not None:
            headers[name] = value.encode("utf-8", "replace")
    content = json.dumps(body).encode() if raw is None else raw

    reply = _ask(simulator, "POST", "/v1/videos/generations", content=content, headers=headers)

    _check(described, "/v1/videos/generations", "POST", reply)
    asyncio.run(simulator.clock.sleep(wait))
    if reply.is_success:
        path = f"/v1/tasks/{simulator.ledger[-1].task_id}"
        status = _ask(simulator, "GET", path, headers=headers)
        assert status.status_code == 200
        _check(described, "/v1/tasks/{task_id}", "GET", status)


GETS = [
    "/v1/balance",
    "/v1/user/balance",
    "/v1/usage",
    "/v1/models",
    "/v1/model-schema",
    "/v1/model-docs",
    "/api/pricing/model",
    "/api/pricing/models/all",
    "/api/marketplace/models",
    "/v1/tasks/{task_id}",
    "/v1/models/{model}/schema",
]


def test_every_path_is_tried(described):
    """No described path is left out of these tests."""
    assert {*GETS, "/v1/videos/generations", "/v1/uploads/images"} == set(described["paths"])


@FUZZ
@given(
    profile=st.sampled_from(PROFILES),
    path=st.sampled_from(GETS),
    query=st.dictionaries(
        st.sampled_from(
            [
                "start",
                "end",
                "model",
                "group_by",
                "tz",
                "scope",
                "expand",
                "page",
                "page_size",
                "type",
                "language",
            ]
        ),
        st.one_of(
            WORDS,
            st.sampled_from(
                [
                    *catalogue(),
                    "model,date",
                    "date",
                    "account",
                    "parameters",
                    "zh",
                    "2025-10-01",
                    "Asia/Tokyo",
                ]
            ),
        ),
        max_size=4,
    ),
    name=WORDS,
    keyed=st.sampled_from([True, True, True, False]),
)
def test_questions(simulators, described, *, profile, path, query, name, keyed):
    """Whatever is asked, the reply is as described; without a key 401 or public."""
    simulator = simulators[profile]
    headers = {"Authorization": f"Bearer {simulator.api_key}"} if keyed else {}
    quoted = httpx.URL("http://x", params={"q": name}).query.decode()[2:].replace("+", "%20") or "x"
    asked = path.replace("{task_id}", quoted).replace("{model}", quoted)

    reply = _ask(simulator, "GET", asked, params=query, headers=headers)

    if "%2F" in asked and reply.status_code == 404:
        return
    _check(described, path, "GET", reply)
    if not keyed and path.startswith("/v1"):
        assert reply.status_code == 401


@FUZZ
@given(
    field=st.sampled_from(["file", "file", "file", "image", ""]),
    name=st.text(max_size=30),
    data=st.one_of(st.binary(max_size=100), st.binary(max_size=60).map(lambda tail: PNG + tail)),
    kind=st.sampled_from(["image/png", "text/html", ""]),
    form=st.sampled_from([None, None, "multipart/form-data", "multipart/form-data; boundary=", "text/plain"]),
)
def test_uploads(simulators, described, *, field, name, data, kind, form):
    """Whatever is uploaded is kept byte for byte, or refused as described."""
    simulator = simulators["demo"]
    headers = {"Authorization": f"Bearer {simulator.api_key}"} | ({"Content-Type": form} if form else {})

    reply = _ask(simulator, "POST", "/v1/uploads/images", files={field: (name, data, kind)}, headers=headers)

    _check(described, "/v1/uploads/images", "POST", reply)
    assert reply.is_success == (
        field == "file" and bool(name) and data.startswith(b"\x89PNG\r\n\x1a\n") and form is None
    )
    if reply.is_success:
        assert _ask(simulator, "GET", reply.json()["url"]).content == data
