"""A client that others wrote, unchanged, makes videos against the simulator.

It is npm's agency-orchestrator 0.19.2 (Apache-2.0), run by its own command line. Its
APIMart adapter needs shape A and ``url`` as a string.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
from typing import TYPE_CHECKING, NamedTuple

import httpx
import pytest
from PIL import Image

from gridgen.simulator import Fault, Simulator

if TYPE_CHECKING:
    from pathlib import Path

NAME = "agency-orchestrator"
PACKAGE = {
    "dependencies": {NAME: "0.19.2"},
    # a dependency of it that is no longer in the registry, and that making videos does not need
    "overrides": {"superpowers-zh": "npm:is-number@7.0.0"},
}
INTEGRITY = "sha512-EBNGvqfN7qw1gztMLPyGaFV8cceVKchR8yLs072l6nP0/pgGMmfTmy6kFc708rHMh5hSkvOB9L7TcBUa4NNAvg=="
WORKFLOW = """
name: t
description: t
llm: {provider: apimart, model: none}
steps:
  - id: clip
    type: video
    task: a dog on a beach
    output: clip_out
    video: {provider: apimart, model: grok-imagine-1.5-video-ext, resolution: 480p, ratio: "16:9",
            duration: 6, poll_interval: 20%s}
"""
BODY = {
    "model": "grok-imagine-1.5-video-ext",
    "prompt": "a dog on a beach",
    "duration": 6,
    "size": "16:9",
    "resolution": "480p",
}


class Run(NamedTuple):
    """What became of one run of the client: its exit code, all that it said, the clip that it left."""

    code: int
    said: str
    clip: bytes | None


@pytest.fixture(scope="session")
def installed(tmp_path_factory) -> Path:
    """Return a folder in which the client is installed, from the very archive that was tried."""
    folder = tmp_path_factory.mktemp("foreign")
    if not (shutil.which("node") and shutil.which("npm")):
        pytest.fail("Node 20 or newer and npm are needed: install them, or run tests/run as root on Debian")
    (folder / "package.json").write_text(json.dumps(PACKAGE))
    command = ["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=200)
    lock = json.loads((folder / "package-lock.json").read_text())
    assert lock["packages"][f"node_modules/{NAME}"]["integrity"] == INTEGRITY
    return folder


@pytest.fixture
def simulator():
    """Yield a simulator as that client wants it, where a clip takes a fifth of a second."""
    with Simulator(speed=200, profile="string-url", clips="tiny") as simulator:
        yield simulator


def generate(simulator: Simulator, installed: Path, folder: Path, image: Path | None = None) -> Run:
    """Run the client's one step in a folder of its own, of a picture if there is one."""
    (folder / "wf.yaml").write_text(WORKFLOW % (f", image: {image}" if image else ""))
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "APIMART_API_KEY": "sk-test",
        "APIMART_BASE_URL": f"{simulator.base_url}/v1",
    }
    command = [str(installed / "node_modules" / ".bin" / "ao"), "run", "wf.yaml"]
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    clips = list(folder.glob("ao-output/*/assets/clip.mp4"))
    assert len(clips) <= 1
    return Run(done.returncode, done.stdout + done.stderr, clips[0].read_bytes() if clips else None)


def served(simulator: Simulator) -> bytes:
    """Return the clip that the simulator serves for the first task in its ledger."""
    headers = {"Authorization": "Bearer sk-test"}
    with httpx.Client(base_url=simulator.base_url, headers=headers, trust_env=False) as client:
        result = client.get(f"/v1/tasks/{simulator.ledger[0].task_id}").json()["data"]["result"]
        return client.get(result["videos"][0]["url"]).content


def test_text_to_video(simulator, installed, tmp_path):
    """It leaves the clip, byte for byte, and what it sent is the body that its authors meant."""
    made = generate(simulator, installed, tmp_path)

    [entry] = simulator.ledger
    assert made.code == 0, made.said
    assert entry.body == BODY
    assert entry.task_id in made.said
    assert made.clip == served(simulator)
    assert made.clip[4:8] == b"ftyp"


def test_image_to_video(simulator, installed, tmp_path):
    """It uploads a picture and asks for a video of it."""
    picture = io.BytesIO()
    Image.new("RGB", (120, 80), "teal").save(picture, "PNG")
    (tmp_path / "first.png").write_bytes(picture.getvalue())

    made = generate(simulator, installed, tmp_path, tmp_path / "first.png")

    [entry] = simulator.ledger
    assert made.code == 0, made.said
    [url] = entry.body["image_urls"]
    assert entry.body == {**BODY, "image_urls": [url]}
    assert httpx.get(url, trust_env=False).content == picture.getvalue()
    assert made.clip == served(simulator)


def test_no_money(simulator, installed, tmp_path):
    """A 402 ends it with the server's own words, and nothing is made."""
    simulator.top_up(-simulator.balance)

    made = generate(simulator, installed, tmp_path)

    assert (made.code, made.clip) == (1, None)
    assert "HTTP 402" in made.said
    assert "payment_required" in made.said
    assert len(simulator.ledger) == 0


def test_a_failed_task(simulator, installed, tmp_path):
    """A failed task ends it with the task's message and code, and costs nothing."""
    simulator.faults.add(Fault(kind="fail"))

    made = generate(simulator, installed, tmp_path)

    assert (made.code, made.clip) == (1, None)
    assert "Generation failed" in made.said
    assert "code task_failed" in made.said
    assert simulator.ledger.billed == 0


def test_two_bad_answers_while_polling(simulator, installed, tmp_path):
    """Two 503s on the way are noticed and survived."""
    fault = simulator.faults.add(Fault(kind="reply", on="status", status=503, times=2))

    made = generate(simulator, installed, tmp_path)

    assert made.code == 0, made.said
    assert simulator.faults.struck(fault) == made.said.count("HTTP 503") == 2
    assert made.clip == served(simulator)
