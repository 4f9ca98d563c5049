"""SIGKILL at twelve places and at random moments, judged by the simulator's ledger.

A child process runs a real sweep against a simulator in this process, over a
socket, and is killed; then the folder is opened again and the sweep run to its
end, first holding what is unknown, then replaying it under its proven key.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import queue
import sqlite3
import subprocess
import sys
import threading
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
from points import POINTS

from gridgen import Simulator
from gridgen.simulator.clock import ScaledClock

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

SPEED = 300.0
SEEDS = 200
WORKERS = 2
HERE = Path(__file__).parent


@dataclass
class Verdict:
    """What the ledger and the journal say of some kills."""

    kills: int = 0
    missed: int = 0
    duplicates: int = 0
    untracked: int = 0
    excess: int = 0
    unknown: int = 0
    unknown_after_replay: int = 0
    undone: int = 0
    billed: int = 0
    broken: list[str] = field(default_factory=list)

    def add(self, other: Verdict) -> None:
        """Count another one in."""
        for name, value in vars(other).items():
            setattr(self, name, getattr(self, name) + value)

    def __str__(self) -> str:
        return ", ".join(f"{name} {value}" for name, value in vars(self).items())


class Nursery:
    """A forking process, one order at a time."""

    def __init__(self, data: Path) -> None:
        command = [sys.executable, str(HERE / "nursery.py")]
        environment = {**os.environ, "GRIDGEN_DATA_DIR": str(data)}
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )
        assert self._process.stdout.readline() == "ready\n"

    def __call__(self, **told: Any) -> dict[str, Any]:
        """Have one child live, and return what became of it."""
        self._process.stdin.write(json.dumps(told) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def close(self) -> None:
        """End the process."""
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()


class Court:
    """A simulator with a proven key, the processes that are killed, and the judgment of each kill."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        data = folder / "data"
        monkeypatch.setenv("GRIDGEN_DATA_DIR", str(data))
        self.simulator = Simulator(
            speed=SPEED, clips="tiny", slots=None, rate=None, service=0.2, record=1, failures=0.0
        )
        self.key = self.simulator.api_key
        with self.simulator.client() as client:
            assert client.prove_idempotency().honoured
        self._data = data
        self._numbers = itertools.count()
        self._lock = threading.Lock()
        self._seen = 0
        self._tasks: dict[str, list[str]] = {}

    def close(self) -> None:
        """End the simulator."""
        self.simulator.close()

    def billed(self, prompts: Iterable[str]) -> dict[str, list[str]]:
        """Return the tasks that the ledger has for each prompt."""
        with self._lock:
            for entry in self.simulator.ledger[self._seen :]:
                self._tasks.setdefault(entry.body["prompt"], []).append(entry.task_id)
                self._seen += 1
            return {prompt: self._tasks.get(prompt, []) for prompt in prompts}

    def kill(self, nursery: Nursery, point: str | None, seed: int) -> Verdict:
        """Kill one child, let two others bring its sweep to an end, and judge."""
        random = Random(f"{point} {seed}")
        number = next(self._numbers)
        cells = random.randint(2, 5)
        told = {
            "url": self.simulator.base_url,
            "key": self.key,
            "speed": SPEED,
            "folder": str(self.folder / f"run-{number}"),
            "prompts": [f"boat {number} {cell}" for cell in range(cells)],
            "previews": point == POINTS[-1],
        }
        how = {"point": point, "nth": random.randint(1, cells), "seed": seed}
        if point is None:
            how = {"kill_after": random.uniform(0.02, 0.6)}
        killed = nursery(**told, **how, policy="hold", now=self.simulator.clock.time())
        return self._judge(nursery, told, killed)

    def _judge(self, nursery: Nursery, told: dict[str, Any], killed: dict[str, Any]) -> Verdict:
        found = Verdict(kills=int(killed["killed"]), missed=int(not killed["killed"]))
        # a slow machine must not let keys grow old: both runs believe that the kill was just now, and take their time
        now = self.simulator.clock.time()
        held = nursery(**told, policy="hold", now=now)
        rows = self._rows(held, found)
        unknown = [prompt for prompt, (state, _) in rows.items() if state == "unknown"]
        found.unknown = len(unknown)
        found.excess = max(0, len(unknown) - killed["in_flight"])
        self._compare(told["prompts"], rows, found)
        if unknown:
            replayed = nursery(**{**told, "speed": SPEED / 4}, policy="replay", now=now)
            rows = self._rows(replayed, found)
            found.unknown_after_replay = sum(state == "unknown" for state, _ in rows.values())
            self._compare(told["prompts"], rows, found)
        found.undone = sum(state not in {"done", "unknown"} for state, _ in rows.values())
        found.billed = len([task for tasks in self.billed(told["prompts"]).values() for task in tasks])
        found.broken += _integrity(Path(told["folder"]))
        return found

    def _rows(self, told: dict[str, Any], found: Verdict) -> dict[str, Any]:
        rows = told["rows"]
        if rows is None or told["hung"] or "error" in rows:
            found.broken.append(f"the sweep did not come to its end: {told}")
            return {}
        return rows

    def _compare(self, prompts: list[str], rows: dict[str, Any], found: Verdict) -> None:
        tasks = self.billed(prompts)
        found.duplicates = sum(max(0, len(each) - 1) for each in tasks.values())
        found.untracked += sum(
            1
            for prompt, each in tasks.items()
            for task in each
            if prompt in rows and rows[prompt][0] != "unknown" and rows[prompt][1] != task
        )

    def kill_all(self, orders: list[tuple[str | None, int]], workers: int = WORKERS) -> dict[str, Verdict]:
        """Carry out many kills, several at a time, and return the verdict on each point."""
        waiting: queue.SimpleQueue[tuple[str | None, int]] = queue.SimpleQueue()
        for order in orders:
            waiting.put(order)
        found: dict[str, Verdict] = {}
        failures: list[BaseException] = []

        def work() -> None:
            with contextlib.closing(Nursery(self._data)) as nursery, contextlib.suppress(queue.Empty):
                while not failures:
                    point, seed = waiting.get_nowait()
                    try:
                        verdict = self.kill(nursery, point, seed)
                    except BaseException as error:  # noqa: BLE001 - told by the main thread
                        failures.append(error)
                        return
                    found.setdefault(point or "at random moments", Verdict()).add(verdict)

        threads = [threading.Thread(target=work) for _ in range(workers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if failures:
            raise failures[0]
        return found

    def kill_again_and_again(self, cells: int) -> Verdict:
        """Kill one sweep at random moments until it comes to its end, replaying what is unknown each time."""
        found, random, number = Verdict(), Random("again"), next(self._numbers)
        # slower than the server, so that no key grows old while a loaded machine starts the next child
        clock = ScaledClock(SPEED / 5)
        told = {
            "url": self.simulator.base_url,
            "key": self.key,
            "speed": clock.speed,
            "folder": str(self.folder / f"run-{number}"),
            "prompts": [f"boat {number} {cell}" for cell in range(cells)],
            "previews": False,
            "policy": "replay",
        }
        with contextlib.closing(Nursery(self._data)) as nursery:
            ended = False
            while not ended:
                killed = nursery(**told, now=clock.time(), kill_after=random.uniform(0.2, 1.0))
                found.kills += killed["killed"]
                ended = not killed["killed"]
        rows = self._rows(killed, found)
        self._compare(told["prompts"], rows, found)
        found.unknown_after_replay = sum(state == "unknown" for state, _ in rows.values())
        found.undone = cells - sum(state == "done" for state, _ in rows.values())
        found.billed = sum(map(len, self.billed(told["prompts"]).values()))
        found.broken += _integrity(Path(told["folder"]))
        return found

    def kill_naively(self, kills: int) -> Verdict:
        """Kill a plain script with eight threads, and count what it pays twice."""
        found = Verdict()
        with contextlib.closing(Nursery(self._data)) as nursery:
            while found.kills < kills:
                random, number = Random(f"naive {found.kills}"), next(self._numbers)
                told = {
                    "url": self.simulator.base_url,
                    "key": self.key,
                    "folder": str(self.folder / f"run-{number}"),
                    "prompts": [f"boat {number} {cell}" for cell in range(40)],
                    "naive": True,
                }
                found.kills += nursery(**told, kill_after=random.uniform(0.02, 0.2))["killed"]
                nursery(**told)
                found.duplicates += sum(len(each) - 1 for each in self.billed(told["prompts"]).values())
        return found


def _integrity(folder: Path) -> list[str]:
    with contextlib.closing(sqlite3.connect(folder / "journal.sqlite")) as connection:
        said = connection.execute("PRAGMA integrity_check").fetchone()[0]
    left = [path.name for path in folder.rglob("*.part")]
    return [*([] if said == "ok" else [said]), *left]


@pytest.fixture
def court(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Court]:
    """Return a court for the length of a test."""
    made = Court(tmp_path, monkeypatch)
    yield made
    made.close()


def holds(found: dict[str, Verdict]) -> None:
    """Check what must hold after every kill."""
    for point, verdict in sorted(found.items()):
        sys.stdout.write(f"{point}: {verdict}\n")
    total = Counter()
    for verdict in found.values():
        assert verdict.broken == []
        total.update({name: value for name, value in vars(verdict).items() if isinstance(value, int)})
    bad = {"duplicates", "untracked", "excess", "unknown_after_replay", "undone"}
    assert {name: total[name] for name in bad} == dict.fromkeys(bad, 0)


@pytest.mark.timeout(90)
def test_killed_anywhere_a_few_times(court):
    """F21: at each of the twelve points and at random moments: nothing is paid twice, lost, or left unknown for ever."""
    found = court.kill_all([*((point, 0) for point in POINTS), (None, 0), (None, 1)])

    holds(found)
    assert {point: found[point].kills for point in POINTS} == dict.fromkeys(POINTS, 1)
    assert sum(verdict.unknown for verdict in found.values()) > 0


@pytest.mark.kill
@pytest.mark.timeout(3000)
@pytest.mark.parametrize("point", POINTS)
def test_killed_at_a_point(court, point):
    """F21: 200 seeds at one point: 0 duplicates, 0 untracked, unknown only what was in flight, 0 after replay."""
    found = court.kill_all([(point, seed) for seed in range(SEEDS)])

    holds(found)
    assert found[point].kills == SEEDS


@pytest.mark.kill
@pytest.mark.timeout(600)
def test_killed_again_and_again(court):
    """F21: one sweep of 400 cells, killed every half second until it is through, pays each cell once and ends whole."""
    found = court.kill_again_and_again(400)

    holds({"again and again": found})
    assert found.billed == 400
    assert found.kills > 10


@pytest.mark.kill
@pytest.mark.timeout(3000)
def test_killed_at_random_moments(court):
    """F21: killed from outside 200 times, at moments nobody chose; a plain script beside it pays many times twice.

    A child that was through before its moment came counts for nothing, and another takes its place.
    """
    found, seeds = Verdict(), itertools.count()
    while found.kills < SEEDS:
        orders = [(None, next(seeds)) for _ in range(SEEDS - found.kills)]
        for verdict in court.kill_all(orders).values():
            found.add(verdict)
    holds({"at random moments": found})

    naive = court.kill_naively(50)
    sys.stdout.write(f"record after POST, 8 threads: {naive.kills} kills, {naive.duplicates} paid twice\n")
    assert naive.duplicates > 0
