"""A client that others wrote, unchanged, makes videos against the simulator.

It is npm's agency-orchestrator 0.19.2 (Apache-2.0), whose APIMart adapter needs shape A
and ``url`` as a string.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import subprocess
import tarfile
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from PIL import Image

from gridgen.simulator import Fault, Simulator

if TYPE_CHECKING:
    from pathlib import Path

PACKAGE = "agency-orchestrator@0.19.2"
SHA512 = (
    "101346bea7cdeeac35833b4c2cfc8668557c71c79529c851f322ecd3bda5ea73"
    "f4fe98063267d39b2ea415cef4f2b1cc87985292f381f4bed370151ae0d340be"
)
SCRIPT = """
import { readFileSync } from "node:fs";
import { createHash } from "node:crypto";
const { generateVideo } = await import(process.argv[2]);
const asked = JSON.parse(process.argv[3]);
if (asked.image_path) {
  asked.image_bytes = readFileSync(asked.image_path);
  asked.image_name = "first_frame.png";
}
const notices = [];
try {
  const made = await generateVideo({ provider: "apimart" }, asked.prompt, asked, (n) => notices.push(n));
  const sha256 = createHash("sha256").update(made.buffer).digest("hex");
  console.log(JSON.stringify({ taskId: made.taskId, mime: made.mime, sha256, notices }));
} catch (error) {
  console.log(JSON.stringify({ error: error.message, notices }));
}
"""
ASKED = {
    "provider": "apimart",
    "model": "grok-imagine-1.5-video-ext",
    "resolution": "480p",
    "ratio": "16:9",
    "duration": 6,
    "poll_interval": 20,
    "timeout": 30_000,
    "prompt": "a dog on a beach",
}
BODY = {
    "model": "grok-imagine-1.5-video-ext",
    "prompt": "a dog on a beach",
    "duration": 6,
    "size": "16:9",
    "resolution": "480p",
}


@pytest.fixture(scope="session")
def adapter(tmp_path_factory) -> Path:
    """Return the client's video module, unpacked from the very archive that was tried."""
    folder = tmp_path_factory.mktemp("foreign")
    if not (shutil.which("node") and shutil.which("npm")):
        pytest.fail("Node 20 or newer and npm are needed: install them, or run tests/run as root on Debian")
    command = ["npm", "pack", PACKAGE, "--silent", "--prefer-offline", f"--pack-destination={folder}"]
    subprocess.run(command, check=True, capture_output=True, timeout=100)
    [archive] = folder.glob("*.tgz")
    assert hashlib.sha512(archive.read_bytes()).hexdigest() == SHA512
    with tarfile.open(archive) as packed:
        packed.extractall(folder, filter="data")
    (folder / "make.mjs").write_text(SCRIPT)
    return folder / "package" / "dist" / "connectors" / "video.js"


@pytest.fixture
def simulator():
    """Yield a simulator as that client wants it, where a clip takes a fifth of a second."""
    with Simulator(speed=200, profile="string-url", clips="tiny", failures=0) as simulator:
        yield simulator


def generate(simulator: Simulator, adapter: Path, **asked: Any) -> dict[str, Any]:
    """Return what the client reports of one video."""
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(adapter.parents[3]),
        "APIMART_API_KEY": "sk-test",
        "APIMART_BASE_URL": f"{simulator.base_url}/v1",
    }
    script = adapter.parents[3] / "make.mjs"
    command = ["node", str(script), adapter.as_uri(), json.dumps(ASKED | asked)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=True)
    return json.loads(done.stdout)


def served(simulator: Simulator, task_id: str) -> str:
    """Return the hash of the clip that the simulator serves for a task."""
    headers = {"Authorization": "Bearer sk-test"}
    with httpx.Client(base_url=simulator.base_url, headers=headers, trust_env=False) as client:
        result = client.get(f"/v1/tasks/{task_id}").json()["data"]["result"]
        return hashlib.sha256(client.get(result["videos"][0]["url"]).content).hexdigest()


def test_text_to_video(simulator, adapter):
    """It gets the clip, byte for byte, and what it sent is the body that its authors meant."""
    made = generate(simulator, adapter)

    [entry] = simulator.ledger
    assert entry.body == BODY
    assert (made["taskId"], made["mime"]) == (entry.task_id, "video/mp4")
    assert made["sha256"] == served(simulator, entry.task_id)


def test_image_to_video(simulator, adapter, tmp_path):
    """It uploads a picture and asks for a video of it."""
    picture = io.BytesIO()
    Image.new("RGB", (120, 80), "teal").save(picture, "PNG")
    (tmp_path / "first.png").write_bytes(picture.getvalue())

    made = generate(simulator, adapter, image_path=str(tmp_path / "first.png"))

    [entry] = simulator.ledger
    [url] = entry.body["image_urls"]
    assert entry.body == {**BODY, "image_urls": [url]}
    assert httpx.get(url, trust_env=False).content == picture.getvalue()
    assert made["sha256"] == served(simulator, entry.task_id)


def test_no_money(simulator, adapter):
    """A 402 ends it with the server's own words, and nothing is made."""
    simulator.profile = simulator.profile.but(unlimited=False)
    simulator.top_up(-simulator.balance)

    said = generate(simulator, adapter)["error"]

    assert "HTTP 402" in said
    assert "payment_required" in said
    assert len(simulator.ledger) == 0


def test_a_failed_task(simulator, adapter):
    """A failed task ends it with the task's message and code, and costs nothing."""
    simulator.faults.add(Fault(kind="fail"))

    said = generate(simulator, adapter)["error"]

    assert "Generation failed" in said
    assert "task_failed" in said
    assert simulator.ledger.billed == 0


def test_two_bad_answers_while_polling(simulator, adapter):
    """Two 503s on the way are noticed and survived."""
    fault = simulator.faults.add(Fault(kind="reply", on="status", status=503, times=2))

    made = generate(simulator, adapter)

    assert simulator.faults.struck(fault) == 2
    assert sum("HTTP 503" in notice for notice in made["notices"]) == 2
    assert made["sha256"] == served(simulator, simulator.ledger[0].task_id)
