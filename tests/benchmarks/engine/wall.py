"""The bars that need real time: loopback HTTP, memory, the journal's disk; reported, not gated."""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
import multiprocessing
import os
import sqlite3
import statistics
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import httpx
import requests

from benchmarks.engine.bounds import list_schedule
from benchmarks.engine.report import OURS, Figure
from benchmarks.engine.world import MEDIAN, Scenario, sweep
from gridgen import Client, Grid, Simulator, Sweep
from gridgen.board import Board
from gridgen.clock import Clock
from gridgen.errors import APIError
from gridgen.journal import Journal
from gridgen.outcome import NotApplied
from gridgen.simulator import Fault
from gridgen.task import Status, Task

if TYPE_CHECKING:
    from collections.abc import Callable

    from gridgen.outcome import Outcome

PATH = "/v1/videos/generations"
PLENTY = 1e6
"""Submissions a minute: no limit."""


# A server in a process of its own, so that its CPU is not counted


def _serve(pipe: Any, options: dict[str, Any]) -> None:
    with Simulator(speed=1.0, clips="tiny", record=0, **options) as simulator:
        pipe.send((simulator.base_url, simulator.api_key))
        pipe.recv()
        pipe.send([(task.at, task.begin, task.end) for task in simulator._world.tasks])


class Server:
    """A simulator of its own process."""

    def __init__(self, **options: Any) -> None:
        spawn = multiprocessing.get_context("spawn")
        self._pipe, theirs = spawn.Pipe()
        self._process = spawn.Process(target=_serve, args=(theirs, options), daemon=True)
        self._process.start()
        self.url, self.key = self._pipe.recv()

    def close(self) -> list[tuple[float, float, float]]:
        """End it and return when each task was accepted, begun and ended."""
        self._pipe.send(None)
        tasks: list[tuple[float, float, float]] = self._pipe.recv()
        self._process.join()
        return tasks


class Watch:
    """CPU, sockets and memory of this process while a block runs."""

    def __enter__(self) -> Self:
        self.sockets, self._over = 0, threading.Event()
        self._resident = resident()
        self.grown = 0.0
        self._thread = threading.Thread(target=self._sample)
        self._thread.start()
        self._begun, self._cpu = time.perf_counter(), time.process_time()
        return self

    def __exit__(self, *_: object) -> None:
        self.seconds = time.perf_counter() - self._begun
        self.cpu = time.process_time() - self._cpu
        self._over.set()
        self._thread.join()

    def _sample(self) -> None:
        while not self._over.wait(0.5):
            self.sockets = max(self.sockets, _sockets())
            self.grown = max(self.grown, resident() - self._resident)


def resident() -> float:
    """Return the memory that this process holds just now, in MB."""
    try:
        text = Path("/proc/self/statm").read_text()
    except OSError:
        return math.nan
    return int(text.split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def _sockets() -> int:
    found = 0
    with contextlib.suppress(OSError):
        for each in Path("/proc/self/fd").iterdir():
            with contextlib.suppress(OSError):
                found += str(each.readlink()).startswith("socket:")
    return found


# Bar 7


def loopback(*, quick: bool) -> list[Figure]:
    """Bar 7: six hundred jobs of 10 s on sixty slots over loopback HTTP, ours and the usual loops."""
    cells, slots, mean = (60, 12, 3.0) if quick else (600, 60, 10.0)
    what = f"{cells} jobs of {mean:g} s, {slots} slots, loopback"
    options = {
        "slots": slots,
        "rate": None,
        "service": mean / math.exp(math.log1p(0.25**2) / 2) / MEDIAN,
        "progress": "absent",
        "balance": 1e6,
    }
    runners: dict[str, Callable[[str, str, int, int], list[float]]] = {
        OURS: _ours,
        "semaphore + httpx, 5 s": lambda *of: asyncio.run(_loops(*of, every=5.0)),
        "semaphore + httpx, 1 s (openai-style)": lambda *of: asyncio.run(_loops(*of, every=1.0)),
        "semaphore + httpx, 0.1 s (fal-style)": lambda *of: asyncio.run(_loops(*of, every=0.1)),
        "threads + requests, 5 s": _threads,
        "gather, httpx as it comes, 5 s": lambda *of: asyncio.run(_gather(*of)),
    }
    found = []
    for name, runner in runners.items():
        server = Server(**options)
        with Watch() as watch:
            delays = runner(server.url, server.key, cells, slots)
        service = [end - begin for _, begin, end in server.close()]
        least = list_schedule(service, rate=math.inf, burst=1, slots=slots)
        ours = name == OURS
        found.append(Figure("7", what, name, "done", len(delays), cells if ours else None, most=False))
        if delays:
            goals = [1.03, 12.0, None, 20.0, 15.0] if ours and not quick else [None] * 5
            found += _costs(what, name, watch=watch, least=least, delays=delays, goals=goals)
    return found


def _costs(
    what: str, name: str, *, watch: Watch, least: float, delays: list[float], goals: list[float | None]
) -> list[Figure]:
    values = {
        "makespan/LB": watch.seconds / least,
        "CPU ms/job": 1000 * watch.cpu / len(delays),
        "delay s": statistics.fmean(delays),
        "sockets": watch.sockets,
        "MB grown": watch.grown,
    }
    return [
        Figure("7", what, name, measure, value, goal, gates=False)
        for (measure, value), goal in zip(values.items(), goals, strict=True)
    ]


def _grid(cells: int) -> Grid:
    return Grid(prompt=[f"a paper boat, variation {number}" for number in range(cells)])


def _ours(url: str, key: str, cells: int, _slots: int) -> list[float]:
    with tempfile.TemporaryDirectory() as folder, Client(key, url, rate=PLENTY) as client:
        found = Sweep(_grid(cells), client=client, folder=folder, previews=False)
        found.run()
        return [found.stats().detection_mean] * found.counts().get("done", 0)


def _bodies(cells: int) -> list[dict[str, Any]]:
    return [cell.body() for cell in _grid(cells)]


def _end(data: dict[str, Any]) -> str | None:
    """Return the link of a finished task, None while it runs."""
    if data["status"] not in {"completed", "failed"}:
        return None
    url: Any = data["result"]["videos"][0]["url"]
    return url if isinstance(url, str) else url[0]


async def _loops(url: str, key: str, cells: int, slots: int, *, every: float) -> list[float]:
    limits = httpx.Limits(max_connections=slots, max_keepalive_connections=slots)
    headers = {"Authorization": f"Bearer {key}"}
    places, delays = asyncio.Semaphore(slots), []
    async with httpx.AsyncClient(base_url=url, headers=headers, limits=limits, timeout=60) as http:

        async def one(body: dict[str, Any]) -> None:
            async with places:
                task = (await http.post(PATH, json=body)).json()["data"][0]["task_id"]
                while True:
                    await asyncio.sleep(every)
                    data = (await http.get(f"/v1/tasks/{task}")).json()["data"]
                    link = _end(data)
                    if link is not None:
                        delays.append(max(0.0, time.time() - data["completed"] - 0.5))
                        await http.get(link)
                        return

        await asyncio.gather(*map(one, _bodies(cells)))
    return delays


async def _gather(url: str, key: str, cells: int, _slots: int) -> list[float]:
    """Do what a first try does: everything at once over one client with its defaults."""
    delays: list[float] = []
    async with httpx.AsyncClient(base_url=url, headers={"Authorization": f"Bearer {key}"}) as http:

        async def one(body: dict[str, Any]) -> None:
            task = (await http.post(PATH, json=body)).json()["data"][0]["task_id"]
            while True:
                await asyncio.sleep(5.0)
                data = (await http.get(f"/v1/tasks/{task}")).json()["data"]
                if _end(data) is not None:
                    delays.append(max(0.0, time.time() - data["completed"] - 0.5))
                    return

        await asyncio.gather(*map(one, _bodies(cells)), return_exceptions=True)
    return delays


def _threads(url: str, key: str, cells: int, slots: int) -> list[float]:
    delays: list[float] = []
    local = threading.local()

    def one(body: dict[str, Any]) -> None:
        if not hasattr(local, "http"):
            local.http = requests.Session()
            local.http.headers["Authorization"] = f"Bearer {key}"
        task = local.http.post(url + PATH, json=body).json()["data"][0]["task_id"]
        while True:
            time.sleep(5.0)
            data = local.http.get(f"{url}/v1/tasks/{task}").json()["data"]
            link = _end(data)
            if link is not None:
                delays.append(max(0.0, time.time() - data["completed"] - 0.5))
                local.http.get(link)
                return

    with ThreadPoolExecutor(slots) as pool:
        list(pool.map(one, _bodies(cells)))
    return delays


# Bar 8


def many(*, quick: bool) -> list[Figure]:
    """Bar 8: five thousand cells at once; ours loses none, a plain gather loses most."""
    cells = 500 if quick else 5000
    what = f"{cells} cells at once"
    options = {"service": 0.0, "slots": None, "rate": None, "balance": 1e6}
    server = Server(**options)
    done = len(_ours(server.url, server.key, cells, 0))
    made = len(server.close())
    server = Server(**options)
    submitted, timeouts = asyncio.run(_post_all(server.url, server.key, cells))
    server.close()
    return [
        Figure("8", what, OURS, "submitted", made, float(cells), most=False),
        Figure("8", what, OURS, "lost", cells - done, 0.0),
        Figure("8", what, "gather, httpx as it comes", "submitted", submitted),
        Figure("8", what, "gather, httpx as it comes", "PoolTimeout", timeouts),
    ]


async def _post_all(url: str, key: str, cells: int) -> tuple[int, int]:
    async with httpx.AsyncClient(base_url=url, headers={"Authorization": f"Bearer {key}"}) as http:
        found = await asyncio.gather(
            *(http.post(PATH, json=body) for body in _bodies(cells)), return_exceptions=True
        )
    timeouts = sum(isinstance(each, httpx.PoolTimeout) for each in found)
    return sum(isinstance(each, httpx.Response) for each in found), timeouts


# Bars 9 and 14


class Endless:
    """A client whose tasks all run for ever, so that nothing but the waiting takes memory."""

    def __init__(self, real: Client) -> None:
        self._real = real

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    async def poll(self, task_id: str) -> Task:
        """Say that a task runs."""
        return Task(task_id, Status.RUNNING)

    async def send(self, *_: object, **__: object) -> Outcome:
        """Keep every submission waiting."""
        return NotApplied(APIError("not now", status=429), retry_after=600.0)


def memory(*, quick: bool) -> list[Figure]:
    """Bar 9: what a hundred thousand pending cells take, and as many open tasks, which no server would allow."""
    cells = 10_000 if quick else 100_000
    grid = Grid(prompt=[f"a paper boat, variation {number}" for number in range(cells)])
    client: Any = Endless(Client("sim-x", "http://127.0.0.1:1"))
    found = []
    with tempfile.TemporaryDirectory() as folder, Simulator(speed=math.inf, clips="tiny") as simulator:
        Sweep(grid[:1], client=simulator.client(), folder=Path(folder) / "warm", previews=False).run()
        _queued(Path(folder) / "open", grid)
        for what in ("pending", "open"):
            before = resident()
            sweep = Sweep(grid, client=client, folder=Path(folder) / what, previews=False)
            begun = time.perf_counter()
            sweep.start()
            started = time.perf_counter() - begun
            # Memory is read once the real engine thread has come to rest, which no clock of ours tells.
            time.sleep(3.0)
            goal = 90.0 * cells / 100_000 if what == "pending" else None
            found += [
                Figure(
                    "9", f"{cells} {what}", OURS, "MB over baseline", resident() - before, goal, gates=False
                ),
                Figure("9", f"{cells} {what}", OURS, "s to start", started),
            ]
            sweep.stop()
    return found


def _queued(folder: Path, grid: Grid) -> None:
    """Write a journal in which all cells are accepted and queued."""
    journal = Journal(folder, Clock())
    now = journal.clock.time()

    async def fill() -> None:
        first = grid[0]
        record = journal.prepare(origin="simulator", cell=first, take=1, body=_body(first))
        await journal.intend(record, first, price=None)
        await journal.save(record, durable=True, state="queued", task_id="task_0")

    asyncio.run(fill())
    journal.close()
    with contextlib.closing(sqlite3.connect(folder / "journal.sqlite")) as connection, connection:
        connection.row_factory = sqlite3.Row
        known = dict(connection.execute("SELECT * FROM attempt").fetchone())
        names = [name for name in known if name != "id"]
        insert = f"INSERT INTO attempt ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})"
        fields = connection.execute("SELECT fields FROM cell").fetchone()[0]
        for number, cell in enumerate(list(grid)[1:], 1):
            changed = {
                **known,
                "cell": cell.key,
                "task_id": f"task_{number:026d}",
                "idempotency_key": f"gridgen-{number:048d}",
                "submitted_at": int(now * 1000),
                "body": _body(cell),
            }
            connection.execute("INSERT INTO cell VALUES (?, ?)", (cell.key, fields))
            connection.execute(insert, [changed[name] for name in names])


def _body(cell: Any) -> bytes:
    return json.dumps(cell.body(), separators=(",", ":")).encode()


def journal(*, quick: bool) -> list[Figure]:
    """Bar 14: a transition, the synced commits of a job, and opening a journal of a hundred thousand jobs."""
    cells = 10_000 if quick else 100_000
    with tempfile.TemporaryDirectory() as folder:
        grid = Grid(prompt=[f"a paper boat, variation {number}" for number in range(cells)])
        _queued(Path(folder), grid)
        begun, cpu = time.perf_counter(), time.process_time()
        opened = Journal(Path(folder), Clock())
        reopened, reopened_cpu = time.perf_counter() - begun, time.process_time() - cpu
        records = list(opened.records.values())[:5000]
        begun, cpu = time.perf_counter(), time.process_time()

        async def move() -> None:
            for record in records:
                await opened.save(record, state="running")

        asyncio.run(move())
        opened.close()
        moved, moved_cpu = time.perf_counter() - begun, time.process_time() - cpu
    run, _, _, kept = sweep(Scenario(300, 30, mean=60.0, told=600))
    what, batched, each = f"{cells} jobs", "running, batched", 1e6 / len(records)
    return [
        Figure("14", what, OURS, "s to open", reopened, cells / 100_000, gates=False),
        Figure("14", what, OURS, "CPU s to open", reopened_cpu),
        Figure("14", batched, OURS, "us a transition", each * moved, 60.0, gates=False),
        Figure("14", batched, OURS, "CPU us a transition", each * moved_cpu),
        Figure("14", "300 jobs", OURS, "synced commits a job", kept.writer.synced / run.jobs, 2.5),
    ]


# Bars 11 and 27


def first(*, quick: bool) -> list[Figure]:
    """Bar 11: how long after the first task's end its clip can be seen, with its poster and preview."""
    del quick
    server_options = {"slots": None, "rate": None, "service": 3.0 / MEDIAN}
    with (
        tempfile.TemporaryDirectory() as folder,
        Simulator(speed=1.0, clips="tiny", **server_options) as simulator,
    ):
        seen: list[float] = []
        found = Sweep(_grid(6), client=simulator.client(), folder=folder)
        stop = found.watch(
            lambda rows: seen.append(time.time()) if any(row.poster for row in rows) and not seen else None
        )
        found.run()
        stop()
        ended = min(task.end for task in simulator._world.tasks)
    return [
        Figure(
            "11",
            "6 clips of 6 s",
            OURS,
            "s from the first end to the first clip seen",
            seen[0] - ended,
            1.5,
            gates=False,
        )
    ]


def resumption(*, quick: bool) -> list[Figure]:
    """Bar 27: a sweep of a thousand cells taken up by a new kernel: its board, and what it sends."""
    cells = 100 if quick else 1000
    simulator = Simulator(speed=math.inf, profile="instant", clips="tiny")
    with tempfile.TemporaryDirectory() as folder, simulator:
        Sweep(_grid(cells), client=simulator.client(), folder=folder, previews=False).run()
        posts = len(simulator.ledger)
        begun = time.perf_counter()
        again = Sweep(_grid(cells), client=simulator.client(), folder=folder, previews=False)
        Board(again).state()
        board = time.perf_counter() - begun
        again.run()
        resumed = time.perf_counter() - begun
        more = len(simulator.ledger) - posts
    what = f"{cells} cells, all made"
    return [
        Figure("27", what, OURS, "s to the board", board, 2.0, gates=False),
        Figure("27", what, OURS, "s to the end of run()", resumed),
        Figure("27", what, OURS, "POSTs", more, 0.0),
    ]


# Bar 20, and that below HTTP and through it the counts are the same


LOST = {
    "dropped": Fault(kind="reset", on="submit", when="after"),
    "hangs": Fault(kind="hang", on="submit", when="after"),
    "500": Fault(kind="reply", on="submit", when="after", status=500),
    "502": Fault(kind="reply", on="submit", when="after", status=502),
    "504": Fault(kind="reply", on="submit", when="after", status=504),
}


def lost(*, quick: bool) -> list[Figure]:
    """Bar 20, our side: submissions that are billed and whose answers are lost; POSTs for each."""
    del quick
    found = []
    for name, fault in LOST.items():
        faults = [replace(fault, times=None)]
        with (
            tempfile.TemporaryDirectory() as folder,
            Simulator(speed=math.inf, clips="tiny", faults=faults) as simulator,
        ):
            run = Sweep(_grid(4), client=simulator.client(), folder=folder, previews=False)
            run.run()
            posts = sum(seen.method == "POST" for seen in simulator.requests)
            what = f"answer {name}"
            found += [
                Figure("20", what, OURS, "POSTs a submission", posts / 4, 1.0),
                Figure("20", what, OURS, "unknown", len(run.unknown), 4.0),
                Figure("20", what, OURS, "paid twice", len(simulator.ledger) - posts, 0.0),
            ]
    return found


def parity(*, quick: bool = False, cells: int = 1000) -> list[Figure]:
    """The same thousand jobs below HTTP and through it, parsed from JSON: the counts agree."""
    cells = 100 if quick else cells
    scenario = Scenario(cells, 60, rate=600.0, burst=60, told=600.0)
    run, *_ = sweep(scenario)
    profile = scenario.profile().but(progress="absent", balance=Decimal(10**7))
    with (
        tempfile.TemporaryDirectory() as folder,
        Simulator(speed=math.inf, clips="tiny", profile=profile, record=100_000) as simulator,
    ):
        client = Client(
            simulator.api_key,
            simulator.base_url,
            http_client=simulator._http_client,
            clock=simulator.clock,
            rate=600,
        )
        through = Sweep(scenario.grid(), client=client, folder=folder, previews=False)
        through.run()
        posts = sum(seen.method == "POST" for seen in simulator.requests)
        polls = sum(seen.path.startswith("/v1/tasks/") for seen in simulator.requests)
    what = f"{cells} jobs below and through HTTP"
    return [
        Figure("1", what, "below", "POSTs", run.posts),
        Figure("1", what, "through", "POSTs", posts, float(run.posts)),
        Figure("1", what, "below", "polls", run.polls * run.jobs),
        Figure("1", what, "through", "polls", polls, 1.02 * run.polls * run.jobs),
        Figure("1", what, "through", "done", through.counts().get("done", 0), float(cells), most=False),
    ]


BENCHMARKS = {
    each.__name__: each for each in (loopback, many, memory, journal, first, resumption, lost, parity)
}
