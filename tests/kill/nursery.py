"""A process that has everything imported and forks children on demand, each of which runs one sweep.

It reads one JSON object a line: what a child is to do, when to kill it from
outside; and writes one a line: what became of it.
"""

from __future__ import annotations

import asyncio
import io
import json
import os
import select
import signal
import sys
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random
from typing import Any

import httpx
from points import InFlight, arm

from gridgen import Client, Grid, Sweep, media
from gridgen._loop import engine
from gridgen.simulator.clock import ScaledClock
from gridgen.sweep import fetching, scheduler

assert fetching, media
assert scheduler


def run_sweep(told: dict[str, Any]) -> dict[str, Any]:
    """Run a sweep to its end and return the states and tasks of its rows, by prompt."""
    clock = ScaledClock(told["speed"], start=told["now"])
    client = Client(told["key"], told["url"], clock=clock)
    sweep = Sweep(
        Grid(prompt=told["prompts"]),
        client=client,
        folder=told["folder"],
        previews=told["previews"],
        on_unknown=told["policy"],
    )
    sweep.run()
    return {row.cell.prompt: (row.status, row.task_id) for row in sweep.rows()}


def run_naively(told: dict[str, Any]) -> dict[str, Any]:
    """Do what a plain script does: POST each prompt that has no id in its file yet, then write the id down."""
    notes = Path(told["folder"]) / "ids.jsonl"
    notes.parent.mkdir(exist_ok=True)
    noted = [json.loads(line)[0] for line in notes.read_text().splitlines()] if notes.exists() else []
    headers = {"Authorization": f"Bearer {told['key']}"}
    with httpx.Client(headers=headers, trust_env=False) as client, ThreadPoolExecutor(8) as pool:

        def submit(prompt: str) -> None:
            body = {"model": "grok-imagine-1.0-video-apimart", "prompt": prompt}
            answer = client.post(f"{told['url']}/v1/videos/generations", json=body).json()
            with notes.open("a") as file:
                file.write(json.dumps([prompt, answer["data"][0]["task_id"]]) + "\n")
                file.flush()
                os.fsync(file.fileno())

        list(pool.map(submit, [prompt for prompt in told["prompts"] if prompt not in noted]))
    return {}


def stuck(pipe: int) -> None:
    """Tell where every thread and task stands, and end."""
    told = io.StringIO()
    for name, frame in sys._current_frames().items():
        told.write(f"thread {name}\n{''.join(traceback.format_stack(frame)[-6:])}\n")
    for task in asyncio.all_tasks(engine().loop):
        task.print_stack(file=told)
    os.write(pipe, json.dumps({"error": told.getvalue()[-40_000:]}).encode())
    os._exit(1)


def child(told: dict[str, Any], pipe: int, in_flight: InFlight) -> None:
    """Live as a process of its own: run, tell, end."""
    signal.signal(signal.SIGUSR1, lambda *_: stuck(pipe))
    in_flight.watch()
    if told.get("point"):
        arm(told["point"], told["nth"], Random(told["seed"]))
    try:
        found: Any = (run_naively if told.get("naive") else run_sweep)(told)
    except Exception as error:  # noqa: BLE001 - whatever it is, the test must see it
        found = {"error": repr(error)}
    os.write(pipe, json.dumps(found).encode())
    os._exit(0)


def serve(told: dict[str, Any]) -> dict[str, Any]:
    """Have one child do what is told, kill it if that is told, and return what became of it."""
    in_flight = InFlight()
    reader, writer = os.pipe()
    pid = os.fork()
    if not pid:
        os.close(reader)
        child(told, writer, in_flight)
    os.close(writer)
    patience = told.get("kill_after") or 40.0
    ended = bool(select.select([reader], [], [], patience)[0])
    if not ended:
        if not told.get("kill_after"):
            os.kill(pid, signal.SIGUSR1)
            select.select([reader], [], [], 5.0)
        os.kill(pid, signal.SIGKILL)
    said = b""
    while data := os.read(reader, 1 << 20):
        said += data
    os.close(reader)
    _, status = os.waitpid(pid, 0)
    return {
        "killed": os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL,
        "hung": not ended and not told.get("kill_after"),
        "in_flight": in_flight.count,
        "rows": json.loads(said) if said else None,
    }


def main() -> None:
    """Serve until the input ends."""
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    for line in sys.stdin:
        sys.stdout.write(json.dumps(serve(json.loads(line))) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
