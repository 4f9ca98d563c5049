"""The API's own description is right: driven by it, schemathesis meets no reply outside it."""

from __future__ import annotations

import math
import subprocess
import sys
from collections import Counter
from typing import TYPE_CHECKING

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gridgen.simulator import Fault, Simulator
from simulator.asking import PNG, Asker

if TYPE_CHECKING:
    from pathlib import Path

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "response_headers_conformance",
)
HEADS = st.sampled_from([PNG, b"\xff\xd8\xff", b"GIF87a", b"GIF89a", b"RIFF\0\0\0\0WEBP"])
LIFE_OF_A_TASK = ("--phases=stateful", "--include-path-regex=generations|tasks")


@pytest.fixture
def simulator(request):
    """Yield a simulator of the profile that the test names, rich and patient enough for a thousand requests."""
    with Simulator(speed=1000, clips="tiny", profile=request.param, rate=None) as simulator:
        if simulator.balance:
            simulator.top_up(1_000_000)
        yield simulator


def explore(simulator: Simulator, folder: Path, *options: str) -> tuple[int, str]:
    """Let schemathesis try the API, the same way each time; return its exit code and what it said."""
    command = [sys.executable, "-m", "schemathesis.cli", "run", f"{simulator.base_url}/openapi.json"]
    command += ["--header", f"Authorization: Bearer {simulator.api_key}", "--generation-deterministic"]
    command += ["--no-color", f"--checks={','.join(CHECKS)}", *options]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=150)
    return done.returncode, done.stdout + done.stderr


def answered(simulator: Simulator) -> Counter[tuple[str, int | None]]:
    """Return how often each first part of a path was answered with which status."""
    return Counter(
        (seen.path.split("/")[2], seen.status) for seen in simulator.requests if "/v1/" in seen.path
    )


@pytest.mark.full
@pytest.mark.parametrize("simulator", ["demo"], indirect=True)
def test_every_operation(simulator, tmp_path):
    """Right and wrong requests to all that is described are answered as described, with no server error."""
    simulator.profile = simulator.profile.but(idempotency="ignored")

    code, said = explore(simulator, tmp_path, "--phases=coverage,fuzzing", "--max-examples=20")

    assert code == 0, said
    assert "Tested: 21\n" in said
    seen = answered(simulator)
    assert seen["videos", 200] > 50
    assert seen["videos", 400] > 1000
    assert seen["usage", 200] > 5 < seen["models", 200]


@pytest.mark.parametrize(
    "simulator",
    ["contract", *(pytest.param(name, marks=pytest.mark.full) for name in ("live+flaky", "strict+slow"))],
    indirect=True,
)
def test_from_submission_to_end(simulator, tmp_path):
    """Whatever is accepted can be asked for, and each status is as described, in each shape."""
    simulator.profile = simulator.profile.but(bad_values="refuse")

    code, said = explore(simulator, tmp_path, *LIFE_OF_A_TASK, "--max-examples=40")

    assert code == 0, said
    assert "2 covered / 2 selected" in said
    assert answered(simulator)["tasks", 200] > 20


@pytest.mark.full
@pytest.mark.parametrize("simulator", ["zero-balance"], indirect=True)
def test_without_money(simulator, tmp_path):
    """An account that holds nothing gets 402 as described, and makes nothing."""
    code, said = explore(simulator, tmp_path, "--phases=fuzzing", "--max-examples=10")

    assert code == 0, said
    assert answered(simulator)["videos", 402] > 0 < answered(simulator)["models", 402]
    assert len(simulator.ledger) == 0


@pytest.mark.parametrize("simulator", ["demo"], indirect=True)
@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (Fault(kind="reply", on="balance", status=500, body={}, times=None), "Server error"),
        (Fault(kind="patch", on="balance", patch={"remain_credits": "10"}, times=None), "schema"),
        (Fault(kind="reply", on="balance", status=418, body={}, times=None), "418"),
        (Fault(kind="reply", on="balance", status=200, body="<p>", times=None), "Undocumented Content-Type"),
    ],
)
def test_a_wrong_answer_would_be_found(simulator, tmp_path, fault, says):
    """A reply outside the description, ordered as a fault, is reported: the other tests can fail."""
    simulator.faults.add(fault)

    code, said = explore(
        simulator, tmp_path, "--phases=fuzzing", "--include-path=/v1/balance", "--max-examples=1"
    )

    assert code == 1
    assert says.lower() in said.lower()


def test_the_schemas_are_schemas(world):
    """Each operation names its replies with a valid JSON schema."""
    described = world().get("/openapi.json").json()

    assert described["openapi"].startswith("3.1")
    for operations in described["paths"].values():
        for operation in operations.values():
            assert "200" in operation["responses"]
            for reply in operation["responses"].values():
                schema = reply.get("content", {}).get("application/json", {}).get("schema", True)
                jsonschema.Draft202012Validator.check_schema(schema)


DOCUMENTED = """
POST /v1/videos/generations
GET /v1/tasks/{task_id}
POST /v1/uploads/images
GET /v1/balance
GET /balance
GET /v1/user/balance
GET /user/balance
GET /v1/usage
GET /v1/models
GET /v1/models/{model}/schema
GET /v1/model-schema
GET /v1/model-docs
GET /api/pricing/model
GET /api/pricing/models/all
GET /api/marketplace/models
GET /f/video/{name}
HEAD /f/video/{name}
GET /f/thumbnail/{name}
HEAD /f/thumbnail/{name}
GET /f/image/{name}
HEAD /f/image/{name}
"""


def test_nothing_is_left_undescribed(world):
    """What the wire reference documents is described, nothing else is, and all of it is there."""
    asker = world()
    described = asker.get("/openapi.json").json()["paths"]
    documented = [line.split() for line in DOCUMENTED.strip().splitlines()]

    assert {(path, method.lower()) for method, path in documented} == {
        (path, method) for path, operations in described.items() for method in operations
    }
    for method, path in documented:
        assert "Invalid URL" not in asker.ask(method, path.replace("{", "").replace("}", "")).text


@pytest.fixture(scope="module")
def asker() -> Asker:
    """Return one asker for all uploads, whose description is fetched once."""
    return Asker(Simulator(speed=math.inf, clips="tiny"))


@settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    field=st.sampled_from(["file", "file", "file", "image", ""]),
    name=st.text(max_size=30),
    data=st.one_of(st.binary(max_size=100), st.builds(bytes.__add__, HEADS, st.binary(max_size=60))),
    kind=st.sampled_from(["image/png", "text/html", ""]),
    form=st.sampled_from([None, None, "multipart/form-data", "multipart/form-data; boundary=", "text/plain"]),
)
def test_uploads(asker, *, field, name, data, kind, form):
    """Whatever is uploaded is kept byte for byte, or refused with 400."""
    headers = {"Content-Type": form} if form else {}

    reply = asker.ask("POST", "/v1/uploads/images", files={field: (name, data, kind)}, headers=headers)

    picture = data.startswith((PNG[:8], b"\xff\xd8\xff", b"GIF87a", b"GIF89a"))
    picture |= data[:4] == b"RIFF" and data[8:12] == b"WEBP"
    good = field == "file" and bool(name) and picture and form is None
    assert reply.status_code == (200 if good else 400)
    if good:
        assert asker.get(reply.json()["url"]).content == data
