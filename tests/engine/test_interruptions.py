"""What interrupts a sweep: a person, a closed lid, a clock that is set, a key that is changed, another kernel."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import json
import math
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from decimal import Decimal
from typing import TYPE_CHECKING

import httpx
import pytest
from waiting import until

from gridgen import AuthenticationError, Client, Grid, GridgenError, JournalError, Simulator, Sweep
from gridgen._loop import engine
from gridgen.clock import Clock, SteadyClock
from gridgen.simulator import Fault

if TYPE_CHECKING:
    from gridgen.simulator.clock import VirtualClock

PRICE = Decimal("0.0612")
HOUR = 3600.0


def boats(count: int) -> Grid:
    """Return a grid of so many cells."""
    return Grid(prompt=[f"boat {number}" for number in range(count)])


def posts(simulator: Simulator) -> int:
    """Count the submissions that were seen on the wire."""
    return sum(seen.method == "POST" for seen in simulator.requests)


class Lid:
    """A transport to a simulator that does something once, when so many questions were asked."""

    def __init__(self, simulator: Simulator, after: int, act) -> None:
        self.simulator, self.after, self.act = simulator, after, act
        self.made: list[httpx.AsyncClient] = []

    def __call__(self) -> httpx.AsyncClient:
        """Make an HTTP client, as `http_client=` asks for."""
        lid, inner = self, self.simulator.transport()

        class Watched(httpx.AsyncBaseTransport):
            async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
                response = await inner.handle_async_request(request)
                if request.url.path.startswith("/v1/tasks"):
                    lid.after -= 1
                    if lid.after == 0:
                        lid.act()
                return response

        self.made.append(httpx.AsyncClient(transport=Watched()))
        return self.made[-1]


class Machine(Clock):
    """A laptop beside a server in virtual time: it may sleep, and its time of day may be set."""

    speed = math.inf

    def __init__(self, server: VirtualClock) -> None:
        self.server = server
        self.set_by = 0.0
        self.uncounted = 0.0

    def time(self) -> float:
        """Return what its panel shows."""
        return self.server.time() + self.set_by

    def monotonic(self) -> float:
        """Return seconds that stand still in sleep, as on Linux."""
        return self.server.monotonic()

    def slept(self) -> float:
        """Return how long it slept."""
        return self.uncounted

    async def sleep(self, seconds: float) -> None:
        """Wait as long as it is awake."""
        await self.server.sleep(seconds)

    def working(self):
        """Hold the server's time still."""
        return self.server.working()

    def close_lid(self, seconds: float) -> None:
        """Let the world go on for a while."""
        self.server._start += seconds
        self.uncounted += seconds


@pytest.mark.fault("23-submit", "23-poll")
def test_a_closed_lid(simulate, tmp_path):
    """F23: after eight hours of sleep connections are new, every task is asked for at once, and nothing is lost."""
    simulator = simulate(service=40.0, slots=None)
    machine = Machine(simulator.clock)
    lid = Lid(simulator, 20, lambda: machine.close_lid(8 * HOUR))
    client = Client(simulator.api_key, simulator.base_url, http_client=lid, clock=SteadyClock(machine))
    sweep = Sweep(boats(30), client=client, folder=tmp_path, previews=False)
    sweep.run()

    assert sweep.counts() == {"done": 30}
    assert posts(simulator) == len(simulator.ledger) == 30
    assert len(lid.made) >= 3  # control and downloads, and control once more
    woken = [seen.at for seen in simulator.requests if seen.at > simulator.requests[0].at + 7 * HOUR]
    asleep = woken[0] - HOUR
    fetched = {
        seen.path.rpartition("/")[2] for seen in simulator.requests if seen.at < asleep and "/f/" in seen.path
    }
    known = {entry.task_id for entry in simulator.ledger if entry.accepted_at < asleep}
    asked = {seen.path.rpartition("/")[2] for seen in simulator.requests if 0 <= seen.at - woken[0] < 5}
    assert len(known) >= 5
    # one may have been on its way to the server as the lid closed: it is asked in its own time, as any that was just sent
    assert len(known - fetched - asked) <= 1


class Slow:
    """A transport to a simulator whose answers to submissions are held back until they are let through."""

    def __init__(self, simulator: Simulator) -> None:
        self.simulator, self.through = simulator, asyncio.Event()
        self.closed = 0

    def __call__(self) -> httpx.AsyncClient:
        """Make an HTTP client, as `http_client=` asks for; once closed it has no answer left, as a socket has none."""
        slow, inner = self, self.simulator.transport()

        class Held(httpx.AsyncBaseTransport):
            def __init__(self) -> None:
                self.open = True

            async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
                response = await inner.handle_async_request(request)
                if request.method == "POST":
                    await slow.through.wait()
                if not self.open:
                    message = "the connection was closed"
                    raise httpx.ReadError(message)
                return response

            async def aclose(self) -> None:
                slow.closed += self.open
                self.open = False

        return httpx.AsyncClient(transport=Held())


@pytest.mark.fault("23-submit")
@pytest.mark.parametrize("close", [lambda client: client.wire.reconnect(), Client.aclose])
def test_a_lid_closed_twice_while_a_submission_is_on_its_way(simulate, tmp_path, close):
    """F23: new connections, however often, cut no answer that is still to come; the old ones are closed after it."""
    simulator = simulate(speed=300.0)
    slow = Slow(simulator)
    client = Client(simulator.api_key, simulator.base_url, http_client=slow, clock=simulator.clock)
    sweep = Sweep(boats(1), client=client, folder=tmp_path, previews=False)
    sweep.start()
    until(lambda: len(simulator.ledger) == 1)
    for _ in range(3):
        engine().submit(close(client)).result(10)
    before = slow.closed
    engine().loop.call_soon_threadsafe(slow.through.set)
    sweep.wait(10)

    assert sweep.counts() == {"done": 1}
    assert posts(simulator) == len(simulator.ledger) == 1
    until(lambda: slow.closed == before + 1)


@pytest.mark.fault("23-download")
def test_a_lid_closed_before_the_links_die(simulate, tmp_path):
    """F23: links that died during the sleep are asked for anew; the clips are not lost."""
    simulator = simulate(link_life=24 * HOUR, service=10.0)
    machine = Machine(simulator.clock)
    lid = Lid(simulator, 12, lambda: machine.close_lid(30 * HOUR))
    client = Client(simulator.api_key, simulator.base_url, http_client=lid, clock=SteadyClock(machine))
    sweep = Sweep(boats(10), client=client, folder=tmp_path, previews=False)
    sweep.run()

    counts = sweep.counts()
    assert counts.get("done", 0) + counts.get("expired", 0) == 10
    assert simulator.ledger.billed == 10 * PRICE
    assert posts(simulator) == 10


@pytest.mark.fault("24-submit", "24-poll", "24-download")
@pytest.mark.parametrize("step", [HOUR, -HOUR, 30.0, -30.0], ids=["+1h", "-1h", "+30s", "-30s"])
def test_the_time_of_day_is_set(simulate, tmp_path, step):
    """F24: when the clock is set while a sweep runs, no task is stalled, failed, missing or submitted again by it."""
    simulator = simulate(slots=4)
    machine = Machine(simulator.clock)
    lid = Lid(simulator, 20, lambda: setattr(machine, "set_by", step))
    client = Client(simulator.api_key, simulator.base_url, http_client=lid, clock=SteadyClock(machine))
    seen: set[str] = set()
    sweep = Sweep(boats(20), client=client, folder=tmp_path, previews=False)
    stop = sweep.watch(lambda rows: seen.update(row.status for row in rows))
    sweep.run()
    stop()

    assert sweep.counts() == {"done": 20}
    assert len(simulator.ledger) == posts(simulator) == 20
    assert not seen & {"stalled", "failed", "missing", "expired", "unknown"}
    assert all(0 <= row.service_seconds < 300 for row in sweep.rows())


@pytest.mark.fault("24-poll", "24-download")
@pytest.mark.parametrize("wrong", [HOUR, -HOUR, -40 * 365 * 24 * HOUR], ids=["+1h", "-1h", "1985"])
def test_a_machine_that_shows_a_wrong_time(simulate, tmp_path, wrong):
    """F24: stamps and ages are the server's where the machine's time of day is wrong from the start."""
    simulator = simulate()
    machine = Machine(simulator.clock)
    machine.set_by = wrong
    client = Client(
        simulator.api_key,
        simulator.base_url,
        http_client=Lid(simulator, -1, None),
        clock=SteadyClock(machine),
    )
    sweep = Sweep(boats(3), client=client, folder=tmp_path, previews=False)
    sweep.run()

    assert sweep.counts() == {"done": 3}
    for row in sweep.rows():
        assert abs(row.submitted_at - row.completed_at) < 300
        assert row.expires_at > row.submitted_at


@pytest.mark.fault("24-submit")
def test_a_clock_set_back_makes_no_old_answer_young(simulate, tmp_path):
    """F24: a submission of twenty minutes ago is not replayed though the machine shows an earlier time than it left at."""
    simulator = simulate()
    machine = Machine(simulator.clock)
    lid = Lid(simulator, -1, None)
    client = Client(simulator.api_key, simulator.base_url, http_client=lid, clock=SteadyClock(machine))
    assert client.prove_idempotency().honoured
    simulator.faults.add(Fault(kind="close", on="submit", when="after"))
    sweep = Sweep(boats(1), client=client, folder=tmp_path)
    sweep.run()
    machine.set_by = -HOUR
    simulator.clock._now += 1200

    with pytest.raises(GridgenError, match="more than 10 minutes ago"):
        sweep.unknown.replay(0)
    assert len(simulator.ledger) == 2


def test_the_machine_tells_its_sleep():
    """Where the system has a clock that counts sleep, it is read; it never goes back."""
    assert 0 <= Clock().slept() <= Clock().slept() + 1
    steady = SteadyClock()
    assert abs(steady.time() - Clock().time()) < 1


def test_a_clock_that_is_named_and_not_there_counts_nothing(monkeypatch):
    """Pyodide has CLOCK_BOOTTIME by name alone, and EINVAL for who reads it: a clock is made all the same."""

    def refuses(_clock):
        raise OSError(errno.EINVAL, "Invalid argument")

    monkeypatch.setattr("time.clock_gettime", refuses)
    assert Clock().slept() == 0
    assert abs(SteadyClock().time() - Clock().time()) < 1


def test_the_servers_date_sets_a_clock_right(simulate):
    """A date that is off by seconds changes nothing; one that is off by more is taken over."""
    machine = Machine(simulate().clock)
    steady = SteadyClock(machine)
    steady.hear(machine.time() - 3)
    assert steady.time() == pytest.approx(machine.time(), rel=0, abs=0.1)
    steady.hear(machine.time() + 100)
    assert steady.time() == pytest.approx(machine.time() + 100.5, rel=0, abs=0.1)


@pytest.mark.fault("31-submit", "31-poll")
def test_a_key_is_changed_in_mid_sweep(simulate, tmp_path):
    """F31: after a rotation new submissions leave under the new key, and old tasks are followed; nothing is paid twice."""
    simulator = simulate(speed=300.0, rate=30.0, burst=2)
    old = simulator.api_key
    sweep = Sweep(boats(16), client=simulator.client(), folder=tmp_path, previews=False)
    sweep.start()
    until(lambda: len(simulator.ledger) >= 3)
    simulator.issue_key()
    sweep.client = simulator.client()
    simulator.revoke(old)
    with contextlib.suppress(AuthenticationError):  # a submission of the old key may have been on its way
        sweep.wait()
    sweep.run()

    assert sweep.counts() == {"done": 16}
    assert len(simulator.ledger) == 16
    assert len({entry.api_key_id for entry in simulator.ledger}) == 2
    assert simulator.ledger[-1].api_key_id != simulator.ledger[0].api_key_id


@pytest.mark.fault("31-submit")
def test_a_changed_key_takes_the_open_tasks_along(simulate, tmp_path):
    """F31: open tasks take places in the new key's window and none in the old one's; what leaves is noted as the new one's."""
    simulator = simulate(speed=40.0, rate=None, slots=None, service=3.0)
    old, new = simulator.client(), simulator.client(api_key=simulator.issue_key())
    old.pace.window.limit = 2
    sweep = Sweep(boats(4), client=old, folder=tmp_path, previews=False)
    sweep.start()
    until(lambda: sweep.counts().get("queued", 0) + sweep.counts().get("running", 0) == 2)
    sweep.client = new
    until(lambda: new.pace.open)
    assert (old.pace.open, new.pace.open >= 2) == (0, True)

    sweep.wait(30)
    assert sweep.counts() == {"done": 4}
    assert (old.pace.open, new.pace.open) == (0, 0)
    with contextlib.closing(sqlite3.connect(tmp_path / "journal.sqlite")) as journal:
        [(salt,)] = journal.execute("SELECT value FROM meta WHERE name = 'salt'")
        prints = [key_print for (key_print,) in journal.execute("SELECT key_print FROM attempt ORDER BY id")]
    assert prints == [*[old.fingerprint(salt)] * 2, *[new.fingerprint(salt)] * 2]


@pytest.mark.fault("31-submit")
def test_what_is_leaving_as_the_key_changes_is_noted_as_the_old_ones(simulate, tmp_path, monkeypatch):
    """F31: a submission that waits for a connection while the key changes leaves as the old one's, and is noted so."""
    simulator = simulate(speed=40.0, rate=None, slots=None, service=3.0)
    address = simulator.base_url.replace("127.0.0.1", "localhost")
    old, new = (Client(api_key=key, base_url=address) for key in (simulator.api_key, simulator.issue_key()))
    sweep = Sweep(boats(4), client=old, folder=tmp_path, previews=False, budget=9)
    looked_up, getaddrinfo = [], socket.getaddrinfo

    def changing(host, *args, **options):
        looked_up.append(host)
        if len(looked_up) == 2:
            sweep.client = new
        return getaddrinfo(host, *args, **options)

    monkeypatch.setattr(socket, "getaddrinfo", changing)
    sweep.run()

    olds = [entry.task_id for entry in simulator.ledger if entry.api_key_id == simulator.ledger[0].api_key_id]
    with contextlib.closing(sqlite3.connect(tmp_path / "journal.sqlite")) as journal:
        [(salt,)] = journal.execute("SELECT value FROM meta WHERE name = 'salt'")
        noted = dict(journal.execute("SELECT task_id, key_print FROM attempt"))
    assert len(looked_up) >= 2
    assert {task for task, key_print in noted.items() if key_print == old.fingerprint(salt)} == set(olds)


@pytest.mark.fault("9-poll", "31-poll")
def test_a_revoked_key_waits_for_a_good_one(simulate, tmp_path):
    """F9, F31: 401 to a question stops the sweep and says what to set; with a good key all tasks are found."""
    simulator = simulate(speed=300.0, rate=30.0, burst=2, service=3.0)
    old = simulator.api_key
    sweep = Sweep(boats(6), client=simulator.client(), folder=tmp_path, previews=False)
    sweep.start()
    until(lambda: len(simulator.ledger) >= 2)
    simulator.issue_key()
    simulator.revoke(old)
    with pytest.raises(AuthenticationError):
        sweep.wait()
    assert sweep.waits_for[0].startswith("a key that works (sweep.client = ")

    sweep.client = simulator.client()
    sweep.run()
    assert sweep.counts() == {"done": 6}
    assert len(simulator.ledger) == 6


def keyed(simulator: Simulator, mine: set[str]) -> httpx.AsyncClient:
    """Return an HTTP client for which a task is unknown to every key but the one that made it."""
    inner, made = simulator.transport(), {}

    class Private(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            key = request.headers.get("authorization")
            response = await inner.handle_async_request(request)
            if request.method == "POST" and response.status_code == 200:
                body = json.loads(await response.aread())
                made[body["data"][0]["task_id"]] = key
            name = request.url.path.rpartition("/")[2]
            if request.url.path.startswith("/v1/tasks") and made.get(name) != key:
                mine.add(name)
                return httpx.Response(404, json={"code": 404, "message": "not found"})
            return response

    return httpx.AsyncClient(transport=Private())


@pytest.mark.fault("31-poll")
def test_tasks_that_only_the_old_key_may_see(simulate, tmp_path):
    """F31: where a task is unknown to the new key, the old one is asked, and nothing is called missing."""
    simulator = simulate(rate=None, slots=None)
    foreign: set[str] = set()
    http = keyed(simulator, foreign)

    class Shared(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            return await http._transport.handle_async_request(request)

    def make() -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=Shared())

    first = simulator.client(http_client=make)
    sweep = Sweep(boats(3), client=first, folder=tmp_path, previews=False)
    sweep.start()
    until(lambda: len(simulator.ledger) >= 1)
    simulator.issue_key()
    sweep.client = simulator.client(http_client=make)
    sweep.wait()
    sweep.run()

    assert sweep.counts() == {"done": 3}
    assert len(simulator.ledger) == 3


@pytest.mark.fault("32-submit")
def test_another_service_is_another_sweep(simulate, tmp_path):
    """F32, S22: a client of another origin is refused with the reason, and the sweep keeps its own."""
    simulator = simulate()
    client = simulator.client()
    sweep = Sweep(boats(1), client=client, folder=tmp_path)
    with pytest.raises(GridgenError, match="Make another Sweep"):
        sweep.client = Client("sk-test-x")

    assert sweep.client is client
    sweep.client = client
    assert client.earlier == ()


def test_clients_that_take_turns(simulate, tmp_path):
    """Setting one client, another and the first again never asks a client for itself."""
    simulator = simulate()
    one, two = simulator.client(), simulator.client()
    sweep = Sweep(boats(1), client=one, folder=tmp_path)
    for client in (two, one, two, one):
        sweep.client = client

    assert one.earlier == (two,)
    assert two.earlier == (one,)
    sweep.run()
    assert sweep.counts() == {"done": 1}


@pytest.mark.fault("25-submit", "25-poll", "25-download")
@pytest.mark.parametrize("phase", ["planned", "sending", "queued", "downloading"])
def test_a_cancelled_await_loses_nothing(simulate, tmp_path, phase):
    """F25: cancelling the await in any phase stops submitting; what was sent is followed; the next run makes the rest."""
    slow = {
        "planned": Fault(kind="slow", on="prices", seconds=120),
        "sending": Fault(kind="slow", on="submit", when="after", seconds=30),
        "queued": Fault(kind="slow", on="status", seconds=10),
        "downloading": Fault(kind="slow", on="result", seconds=20),
    }[phase]
    simulator = simulate(speed=200.0, rate=60.0, burst=1, faults=[slow])
    sweep = Sweep(boats(6), client=simulator.client(), folder=tmp_path, previews=False)

    async def interrupted() -> None:
        waiting = asyncio.ensure_future(sweep._await())
        while not simulator.faults.struck(slow):
            await asyncio.wait({waiting}, timeout=0.005)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError, match="stopped submitting"):
            await waiting

    asyncio.run(interrupted())
    sweep.wait()
    sent = posts(simulator)
    assert sweep.counts().get("done", 0) == len(simulator.ledger)
    assert posts(simulator) == sent

    sweep.run()
    assert sweep.counts() == {"done": 6}
    assert len(simulator.ledger) == 6


INTERRUPTED = """
import signal, sys
from gridgen import Client, Grid, Sweep
from gridgen.simulator.clock import ScaledClock
url, key, folder = sys.argv[1:]
signal.signal(signal.SIGINT, signal.default_int_handler)
client = Client(key, url, clock=ScaledClock(20.0))
sweep = Sweep(Grid(prompt=[f"boat {n}" for n in range(6)]), client=client, folder=folder, previews=False)
print("ready", flush=True)
try:
    sweep.run()
except KeyboardInterrupt as error:
    print(error, flush=True)
print(sweep.counts(), flush=True)
"""


@pytest.mark.fault("25-submit")
@pytest.mark.parametrize("presses", [1, 2])
def test_ctrl_c_in_a_script(simulate, tmp_path, presses):
    """F25: Ctrl-C, once or twice, ends run() within a second; each submission in flight is on record; the rest is made later."""
    simulator = simulate(speed=20.0, rate=None, slots=None)
    command = [
        sys.executable,
        "-c",
        INTERRUPTED,
        simulator.base_url,
        simulator.api_key,
        str(tmp_path / "boats"),
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as child:
        child.stdout.readline()
        until(lambda: len(simulator.ledger) >= 2)
        pressed = time.monotonic()  # noqa: TID251 - another process is timed
        for _ in range(presses):
            os.kill(child.pid, signal.SIGINT)
            threading.Event().wait(0.03)
        said = child.communicate(timeout=30)[0]
        assert time.monotonic() - pressed < 3.0  # noqa: TID251

    if presses == 1:
        assert "stopped submitting" in said
    sweep = Sweep(boats(6), client=simulator.client(), folder=tmp_path / "boats", previews=False)
    assert len(simulator.ledger) <= sum(
        count for status, count in sweep.counts().items() if status != "planned"
    )
    sweep.run()
    counts = sweep.counts()
    assert counts.get("done", 0) + counts.get("unknown", 0) == 6
    prompts = [entry.body["prompt"] for entry in simulator.ledger]
    assert len(prompts) == len(set(prompts))


@pytest.mark.fault("25-submit")
def test_a_commit_is_not_interrupted(simulate, tmp_path):
    """F25: cancelling the engine's task in the middle of a commit never forgets what was sent."""
    simulator = simulate(speed=500.0)
    sweep = Sweep(boats(4), client=simulator.client(), folder=tmp_path, previews=False)
    sweep.start()
    until(lambda: len(simulator.ledger) >= 1)
    scheduler = sweep._execution.scheduler

    def cancel() -> None:
        for task in tuple(scheduler._agenda._tasks):
            task.cancel()

    engine().loop.call_soon_threadsafe(cancel)
    with contextlib.suppress(GridgenError, asyncio.CancelledError):
        sweep.wait(timeout=20)
    again = Sweep(boats(4), client=simulator.client(), folder=tmp_path, previews=False)
    until(lambda: not sweep.running)
    again.run()

    states = again.counts()
    assert states.get("done", 0) + states.get("unknown", 0) == 4
    prompts = [entry.body["prompt"] for entry in simulator.ledger]
    assert len(prompts) == len(set(prompts))


@pytest.mark.fault("26-submit")
def test_the_same_grid_in_two_kernels(simulate, tmp_path):
    """F26: a second kernel on the same folder is refused, shows the table, and after the first has ended pays nothing."""
    simulator = simulate(speed=20.0, service=0.5, rate=None, slots=None)
    code = INTERRUPTED.replace("range(6)", "range(5)")
    command = [sys.executable, "-c", code, simulator.base_url, simulator.api_key, str(tmp_path / "boats")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        child.stdout.readline()
        until(lambda: len(simulator.ledger) >= 1)
        second = Sweep(boats(5), client=simulator.client(), folder=tmp_path / "boats", previews=False)
        with pytest.raises(JournalError, match="at work"):
            second.run()
        assert sum(second.counts().values()) == 5
        child.communicate(timeout=60)
    second.run()

    assert second.counts() == {"done": 5}
    assert posts(simulator) == len(simulator.ledger) == 5


@pytest.mark.fault("26-submit")
def test_a_grid_edited_and_run_again(simulate, tmp_path):
    """F26: equal cells of an edited grid, in another order, are not submitted again; the estimate shows the difference."""
    simulator = simulate()
    Sweep(Grid(prompt=["a", "b", "c"]), client=simulator.client(), folder=tmp_path).run()
    edited = Sweep(Grid(prompt=["c", "d", "a"]), client=simulator.client(), folder=tmp_path)

    assert (edited.estimate().videos, edited.estimate().made) == (1, 2)
    edited.run()
    assert edited.counts() == {"done": 3}
    assert len(simulator.ledger) == 4


@pytest.mark.fault("30-poll")
def test_the_sweep_goes_on_while_user_code_blocks(simulate, tmp_path):
    """F30: a cell that computes for a while, in a running loop of its own, holds up nothing that cannot be caught up."""
    simulator = simulate(speed=60.0, rate=None, slots=None)
    sweep = Sweep(boats(8), client=simulator.client(), folder=tmp_path, previews=False)

    async def cell() -> None:
        sweep.start()
        begun = time.monotonic()  # noqa: TID251 - a busy cell is timed by the real clock
        while time.monotonic() - begun < 0.4:  # noqa: TID251
            sum(math.sqrt(number) for number in range(20_000))
        await sweep

    asyncio.run(cell())
    assert sweep.counts() == {"done": 8}
    assert posts(simulator) == 8


@pytest.mark.fault("33-poll")
def test_watchers_are_not_flooded(simulate, tmp_path):
    """F33: a sweep of 60 cells that change as fast as they can calls a watcher ten times a second at most, the last time with the end."""
    simulator = simulate(profile="instant")
    sweep = Sweep(boats(60), client=simulator.client(), folder=tmp_path, previews=False)
    calls: list[tuple[float, dict[int, str]]] = []

    def hear(rows) -> None:
        calls.append((time.monotonic(), {row.index: row.status for row in rows}))  # noqa: TID251 - real messages

    stop = sweep.watch(hear)
    sweep.run()
    until(lambda: {k: v for _, each in calls for k, v in each.items()} == dict.fromkeys(range(60), "done"))
    stop()

    span = calls[-1][0] - calls[0][0]
    assert len(calls) <= 10 * max(1.0, span)
