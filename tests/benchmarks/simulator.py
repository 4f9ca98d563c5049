"""How fast the simulator is, and what a task costs in memory.

Run ``python tests/benchmarks/simulator.py`` with nothing else at work; it prints one
line a figure, with the bar that it is held to.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import socket
import subprocess
import sys
import time
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from gridgen.simulator import Simulator
from gridgen.simulator.clips import Scene
from gridgen.simulator.clock import VirtualClock
from gridgen.simulator.profiles import Profile
from gridgen.simulator.renderer import RenderPool
from gridgen.simulator.world import World

if TYPE_CHECKING:
    from collections.abc import Callable

MODEL = "grok-imagine-1.0-video-apimart"
OPEN = Profile(rate=None, balance=10**9)


def body(number: int) -> bytes:
    """Return the body of one cell of a grid."""
    fields = {
        "model": MODEL,
        "prompt": f"a paper boat crossing a puddle, variation {number}",
        "size": "16:9",
        "duration": 6,
        "quality": "480p",
    }
    return json.dumps(fields).encode()


def world_seconds(tasks: int) -> float:
    """Submit, poll and finish tasks on the world, without HTTP, in virtual time."""
    bodies = [body(number) for number in range(tasks)]
    world, clock = World(profile=OPEN.but(slots=64)), VirtualClock()

    async def client() -> None:
        ids = [world.submit(each, clock.time()).task.id for each in bodies]
        while ids:
            await clock.sleep(3600.0)
            now = clock.time()
            ids = [task for task in ids if world.look(task, now).phase != "completed"]

    begun = time.process_time()
    asyncio.run(client())
    return time.process_time() - begun


def bytes_each(tasks: int, *, keyed: bool) -> float:
    """Return what one task takes, the body kept by the ledger included."""
    world = World(profile=OPEN)
    tracemalloc.start()
    for number in range(tasks):
        key = f"gridgen-{number:032x}" if keyed else None
        world.submit(body(number), float(number), key_id="key", idempotency_key=key)
    used, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return used / tasks


STATUS_CLIENT = """
import socket, sys, time
port, path, key, count = int(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4])
line = socket.create_connection(("127.0.0.1", port))
line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
ask = f"GET {path} HTTP/1.1\\r\\nHost: 127.0.0.1\\r\\nAuthorization: Bearer {key}\\r\\n\\r\\n".encode()
burst = 16
begun = time.perf_counter()
for _ in range(count // burst):
    line.sendall(ask * burst)
    got = 0
    while got < burst:
        got += line.recv(1 << 20).count(b"HTTP/1.1 200")
print(count / (time.perf_counter() - begun))
"""


def status_rate(requests: int) -> tuple[float, float]:
    """Return status requests a second over loopback, and a second of the server's CPU."""
    with Simulator(speed=1.0, clips="tiny", record=100) as simulator:
        line = socket.create_connection(("127.0.0.1", int(simulator.base_url.rsplit(":", 1)[1])))
        payload = body(0)
        line.sendall(
            b"POST /v1/videos/generations HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
            + f"Authorization: Bearer {simulator.api_key}\r\n".encode()
            + f"Content-Length: {len(payload)}\r\n\r\n".encode()
            + payload
        )
        while line.recv(65536):
            pass
        line.close()
        arguments = [
            simulator.base_url.rsplit(":", 1)[1],
            f"/v1/tasks/{simulator.ledger[0].task_id}",
            simulator.api_key,
            str(requests),
        ]
        cpu = time.process_time()
        done = subprocess.run(
            [sys.executable, "-c", STATUS_CLIENT, *arguments],
            check=True,
            capture_output=True,
            text=True,
        )
        return float(done.stdout), requests / (time.process_time() - cpu)


PROMPTS = (
    "a paper boat crossing a puddle",
    "a red fox runs through a snowy birch forest at dawn, slow push in",
    "neon tokyo street in heavy rain, a robot waits for the last train",
    "a humpback whale breaches off a quiet beach, golden light",
    "sand dunes in a desert canyon, drifting dust, wide shot",
    "a lighthouse at night in fog",
    "wild horses run over a meadow",
    "a hot air balloon rises over mountains at sunrise",
    "a woman dances under cherry blossoms at dusk, orbit",
    "koi fish swim in a reef",
    "a castle under the northern lights",
    "a cat in a kitchen watches the rain",
)


def clips_seconds(clips: int) -> tuple[float, float]:
    """Render distinct 6 s clips at 480p, as a simulator does: wall and CPU seconds, start of processes included."""
    scenes = [
        Scene(PROMPTS[n % len(PROMPTS)], "16:9", 6, "480p", seed=n // len(PROMPTS)) for n in range(clips)
    ]
    begun, before = time.perf_counter(), os.times()
    painters = RenderPool()
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        list(threads.map(painters.render, scenes))
    wall = time.perf_counter() - begun
    painters.close()
    after = os.times()
    return wall, sum(after[:4]) - sum(before[:4])


def report(what: str, figure: float, bar: float, *, most: bool = True) -> bool:
    """Print one figure; return whether it keeps its bar."""
    good = figure <= bar if most else figure >= bar
    print(f"{what:<58}{figure:>12,.1f}  {'<=' if most else '>='} {bar:>9,.0f}  {'ok' if good else 'MISSED'}")
    return good


def main() -> int:
    """Run the lot; the exit code says whether every bar was kept."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of everything")
    share = 0.1 if parser.parse_args().quick else 1.0
    rate, rate_cpu = status_rate(int(20_000 * share))
    wall, cpu = clips_seconds(int(200 * share))
    figures: list[tuple[str, Callable[[], float], float, bool]] = [
        (
            "world: 50,000 tasks, virtual clock, CPU s",
            lambda: world_seconds(int(50_000 * share)),
            10 * share,
            True,
        ),
        ("memory of a task, bytes", lambda: bytes_each(int(100_000 * share), keyed=False), 1024, True),
        (
            "memory of a task with an idempotency key, bytes",
            lambda: bytes_each(int(100_000 * share), keyed=True),
            1024,
            True,
        ),
        ("status over loopback, requests/s", lambda: rate, 3000, False),
        ("status over loopback, requests per CPU s of the server", lambda: rate_cpu, 3000, False),
        ("200 clips of 6 s at 480p, wall s", lambda: wall, 60 * share, True),
        ("200 clips of 6 s at 480p, CPU s", lambda: cpu, 110 * share, True),
    ]
    kept = [report(what, measure(), bar, most=most) for what, measure, bar, most in figures]
    return 0 if all(kept) else 1


if __name__ == "__main__":
    sys.exit(main())
