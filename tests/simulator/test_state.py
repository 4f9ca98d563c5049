"""A world that outlives its process."""

from __future__ import annotations

import json
import math
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import httpx
import pytest

from gridgen.simulator import Simulator
from simulator.asking import PNG, Asker, cell

if TYPE_CHECKING:
    from pathlib import Path

SERVE = [sys.executable, "-m", "gridgen.simulator", "--clips", "tiny", "--speed", "60"]


def test_keys_outlive_the_process(world, tmp_path):
    """The key issued last is the world's own, and a revoked one stays refused."""
    state = tmp_path / "world.jsonl"
    before = world(state=state)
    first = before.simulator.api_key
    second = before.simulator.issue_key()
    before.simulator.revoke(first)
    before.simulator.close()

    after = world(state=state)

    assert after.simulator.api_key == second
    codes = [
        after.get("/v1/balance", headers={"Authorization": f"Bearer {key}"}).status_code
        for key in (first, second)
    ]
    assert codes == [401, 200]


def test_everything_comes_back(world, tmp_path):
    """Tasks, ledger, balance, keys, uploads and the count of arrivals are as they were."""
    state = tmp_path / "world.jsonl"
    before = world(state=state, failures=0.3, balance=3)
    ids = [before.submit(prompt=p, duration=7) for p in "abcdef"]
    before.post(cell(), headers={"Idempotency-Key": "k"})
    url = before.ask("POST", "/v1/uploads/images", files={"file": ("a.png", PNG)}).json()["url"]
    before.later(100)
    seen = [before.task(task_id) for task_id in ids]
    books = list(before.simulator.ledger)
    before.simulator.close()

    after = world(state=state, failures=0.3, balance=3)

    assert after.simulator.api_key == before.simulator.api_key
    assert after.simulator.clock.time() >= before.simulator.clock.time()
    assert books == list(after.simulator.ledger)
    assert before.simulator.balance == after.simulator.balance
    ended = [data for data in seen if "completed" in data]
    assert len(ended) > 2
    assert ended == [data for data in map(after.task, ids) if "completed" in data]
    assert after.get(url).content == PNG
    again = after.post(cell(), headers={"Idempotency-Key": "k"})
    assert again.headers["Idempotency-Replayed"] == "true"
    assert len(ids) + 1 == len(after.simulator.ledger)
    assert after.submit(prompt="a", duration=7) not in ids


def test_an_end_once_seen_stays_seen(world, tmp_path):
    """Time goes on from the last thing that anybody was told."""
    before = world(state=tmp_path / "s")
    task_id = before.submit()
    before.later(300)
    told = before.task(task_id)
    before.simulator.close()

    assert told == world(state=tmp_path / "s").task(task_id)


def test_a_key_that_is_asked_for_is_handed_out(world, tmp_path):
    """Also by a world that had another; the other stays good, and stays the world's own for who asks for none."""
    state = tmp_path / "s"
    first = world(state=state)
    task_id = first.submit()
    first.simulator.close()

    second = world(state=state, key="sim-mine")
    assert second.simulator.api_key == "sim-mine"
    assert second.task(task_id)["id"] == task_id
    assert second.get("/v1/balance", headers=first.headers).status_code == 200
    second.simulator.close()
    third = world(state=state)
    assert third.simulator.api_key == "sim-mine"
    third.simulator.revoke("sim-mine")
    third.simulator.close()
    with pytest.raises(ValueError, match="was revoked"):
        world(state=state, key="sim-mine")


def test_a_state_in_a_folder_that_is_not_there(tmp_path):
    """The message names the file and what is wanted."""
    with pytest.raises(OSError, match=r"nowhere/s' cannot be opened \(No such file.*its folder must exist"):
        Simulator(state=tmp_path / "nowhere" / "s", speed=math.inf)


def test_two_simulators_share_a_file(world, tmp_path):
    """Open at once, each knows the other's tasks, and no id is given twice."""
    one, two = (world(state=tmp_path / "s") for _ in range(2))

    ids = [asker.submit() for asker in (one, two, one, two)]

    assert len(set(ids)) == 4
    assert one.task(ids[3])["id"] == ids[3] == two.task(ids[3])["id"]
    one.submit(prompt="sync")
    assert len(one.simulator.ledger) == 5


def test_half_a_line_is_cut_off(world, tmp_path):
    """A line that a crash of the machine left half written loses only itself."""
    before = world(state=tmp_path / "s")
    task_id = before.submit()
    before.simulator.close()
    with (tmp_path / "s").open("ab") as file:
        file.write(b'["task","task_01K8')

    after = world(state=tmp_path / "s")
    other = after.submit(prompt="more")
    after.simulator.close()

    assert [task_id, other] == [entry.task_id for entry in world(state=tmp_path / "s").simulator.ledger]


@pytest.mark.parametrize(
    "text",
    [
        "my notes\n",
        "my notes",
        "\n",
        '["my notes", 1]\n',
        '["key"]\n',
        "{}\n",
        '["key","sim-a"]\nmy notes',
        '["task",1]\n',
        '["upload","x"]\n',
        '["top-up","x"]\n',
        '["time","x"]\n',
        '["task",1,2,3,4,5,6,7,8,9,10,11,12]\n',
    ],
)
def test_another_file_is_left_alone(tmp_path, text):
    """A file that is no state is refused by name, and not changed."""
    other = tmp_path / "notes.txt"
    other.write_text(text)

    with pytest.raises(ValueError, match=r"notes\.txt is not a simulator's state .a line of it reads"):
        Simulator(state=other, speed=math.inf)

    assert other.read_text() == text


def _served(state: Path) -> tuple[subprocess.Popen, str, dict[str, str]]:
    process = subprocess.Popen([*SERVE, "--state", str(state)], stdout=subprocess.PIPE, text=True)
    base, key = (process.stdout.readline().split()[-1] for _ in range(2))
    return process, base, {"Authorization": f"Bearer {key}"}


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")
def test_a_killed_process_loses_no_accepted_task(tmp_path):
    """SIGKILL right after an answer, four times: the next process knows every task."""
    state, ids = tmp_path / "s", []
    for number in range(4):
        process, base, headers = _served(state)
        with process, httpx.Client(base_url=base, headers=headers, trust_env=False) as client:
            for task_id in ids:
                assert client.get(f"/v1/tasks/{task_id}").status_code == 200
            for take in range(5):
                body = cell(prompt=f"cell {number} {take}")
                reply = client.post("/v1/videos/generations", json=body)
                ids.append(reply.json()["data"][0]["task_id"])
            process.send_signal(signal.SIGKILL)
            process.wait(10)

    with Simulator(state=state, speed=math.inf, clips="tiny") as simulator:
        assert ids == [entry.task_id for entry in simulator.ledger]
        assert "sim-" not in json.dumps([e.api_key_id for e in simulator.ledger])
        Asker(simulator).later(3600)
        assert Asker(simulator).task(ids[-1])["status"] == "completed"
