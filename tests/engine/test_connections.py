"""Over which connections submissions leave: a stale one may be closed by the server as they arrive on it."""

from __future__ import annotations

import itertools
import json
import threading

import httpx
import pytest
from scripted import scripted

import gridgen.client
from gridgen import Client, Grid


def reply(payload: dict[str, object]) -> bytes:
    """Return a whole answer that keeps its connection open."""
    body = json.dumps(payload).encode()
    head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    return head.encode() + body


@pytest.mark.parametrize("injected", [False, True])
def test_a_submission_leaves_on_a_connection_that_was_just_used(injected, monkeypatch):
    """Case T9: after a rest a submission opens a connection anew, questions keep theirs, and bursts share one."""
    monkeypatch.setattr(gridgen.client, "FRESH_FOR", 0.02)
    carried: list[tuple[int, str]] = []

    numbers = itertools.count()

    def script(server, connection) -> None:
        number = next(numbers)
        while True:
            line = server.read(connection).split(b" ", 1)[0].decode()
            carried.append((number, line))
            data = {"remain_balance": 1, "used_balance": 0}
            task = {"code": 200, "data": [{"status": "submitted", "task_id": f"task_{len(carried)}"}]}
            connection.sendall(reply(task if line == "POST" else data))

    with scripted(script) as server:
        options = {"http_client": lambda: httpx.AsyncClient(trust_env=False)} if injected else {}
        client = Client("sim-key", f"http://{server.address}", **options)
        cell = Grid(prompt="boat")[0]
        for _ in range(3):
            client.balance()
            client.submit(cell)
            threading.Event().wait(0.04)
        client.close()

    posts = [number for number, line in carried if line == "POST"]
    questions = [number for number, line in carried if line == "GET"]
    assert len(set(posts)) == 3
    assert len(set(questions)) == 1
    assert not set(posts) & set(questions)
