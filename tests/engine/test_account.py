"""What a key was charged beside what its sweeps know: said after a run, and only where nobody else explains it."""

from __future__ import annotations

import asyncio
import io
import itertools
import subprocess
import sys
import threading
from decimal import Decimal

import av
import numpy as np
import pytest
from biller import Biller

from gridgen import Grid, Simulator, Sweep
from gridgen.pacing.limiter import Limiter
from gridgen.simulator import Fault
from gridgen.sweep import account

EXT = "grok-imagine-1.5-video-ext"
PRICE = Decimal("0.0612")
LISTED = {EXT: {"billing_type": "per_second", "paid_price": 0.0102}}
SAID = "you to look: the account was charged $0.20 more than this folder knows; others may use the key"


@pytest.fixture(scope="module")
def clip():
    """Return the bytes of a small grey video."""
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=8, options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = 64, 36, "yuv420p"
        for shade in range(48):
            frame = av.VideoFrame.from_ndarray(np.full((36, 64, 3), 4 * shade, np.uint8), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return file.getvalue()


def biller(clip: bytes, *, tells: str = "at the end", unit: str = "usd") -> Biller:
    """Return a server that lists and bills one price."""
    return Biller(clip, lambda _body: PRICE, tells=tells, listed=LISTED, unit=unit)


def boats(server: Biller, folder, count: int = 3, client=None) -> Sweep:
    """Return a sweep of so many clips of that price."""
    grid = Grid(prompt=[f"boat {number}" for number in range(count)], model=EXT)
    return Sweep(grid, client=client or server.client(), folder=folder, budget=5, previews=False)


def charge_at_the_third(server: Biller, usd: str = "0.20") -> None:
    """Let the key be charged for something else while the third clip is made."""
    server.on_submission = lambda: setattr(
        server, "charged_elsewhere", Decimal(usd) if len(server.bills) > 2 else Decimal(0)
    )


def test_a_charge_that_the_folder_does_not_know_is_said(clip, tmp_path):
    """A key charged for more than the clips have cost: said after the run, by words and never by an error."""
    server = biller(clip)
    charge_at_the_third(server)
    sweep = boats(server, tmp_path)
    sweep.run()

    assert sweep.waits_for == (SAID,)
    assert SAID[:60] in repr(sweep)
    assert sweep.counts() == {"done": 3}


def test_it_is_said_of_that_run_only(clip, tmp_path):
    """The next run in the folder, with charges as they should be, says nothing of the one before."""
    server = biller(clip)
    charge_at_the_third(server)
    client = server.client()
    sweep = boats(server, tmp_path, client=client)
    sweep.run()
    sweep.run()
    assert sweep.waits_for == ()

    more = boats(server, tmp_path, count=5, client=client)
    more.run()
    assert more.waits_for == ()
    assert len(server.bills) == 5


@pytest.mark.parametrize("tells", ["at once", "partly", "zero first", "at the end", "late", "never"])
def test_equal_sums_say_nothing(clip, tmp_path, tells):
    """Whenever the cost is told, late or never, a clip that is not told of counts at its known price."""
    server = biller(clip, tells=tells)
    client = server.client()
    for count in (2, 4):
        sweep = boats(server, tmp_path, count=count, client=client)
        sweep.run()
        assert sweep.waits_for == ()
    assert len(server.bills) == 4


@pytest.mark.parametrize("tells", ["at the end", "late"])
def test_a_charge_that_is_booked_late_is_not_said_in_the_next_run(clip, tmp_path, tells):
    """What the account books after a run's end is of that run's clips: no surprise in the next, told before or not."""
    server = biller(clip, tells=tells)
    server.booked_after = 60.0
    client = server.client()
    first = boats(server, tmp_path, count=3, client=client)
    first.run()
    assert server.used == 0

    second = boats(server, tmp_path, count=4, client=client)
    second.run()
    assert server.used == 3 * PRICE
    assert (first.waits_for, second.waits_for) == ((), ())


@pytest.mark.parametrize("unit", ["credits", "cny", "untold", "unlimited", "refused", "broken"])
def test_what_is_not_the_keys_own_in_usd_says_nothing(clip, tmp_path, unit):
    """Another unit, none, a key without a limit, and a balance that cannot be had are no difference."""
    server = biller(clip, unit=unit)
    charge_at_the_third(server)
    sweep = boats(server, tmp_path)
    sweep.run()

    assert sweep.waits_for == ()
    assert sweep.counts() == {"done": 3}


def test_a_balance_that_hangs_keeps_nobody(clip, tmp_path, monkeypatch):
    """Without an answer within moments a run begins, and one ends, and nothing is said."""
    monkeypatch.setattr(account, "PATIENCE", 0.05)
    server = biller(clip)
    charge_at_the_third(server)
    sweep = boats(server, tmp_path)
    sweep.estimate()
    server.on_submission = lambda: setattr(server, "unit", "silent")
    sweep.run()
    assert sweep.waits_for == ()
    assert sweep.counts() == {"done": 3}


def test_all_sweeps_of_the_key_count_together(clip, tmp_path):
    """Two sweeps at once, with a client each: what one pays is no surprise to the other, what neither paid is."""
    server = biller(clip)
    one, two = boats(server, tmp_path / "one", 2), boats(server, tmp_path / "two", 6)
    one.start()
    two.start()
    one.wait()
    two.wait()
    assert (one.waits_for, two.waits_for) == ((), ())

    three, four = boats(server, tmp_path / "three", 3), boats(server, tmp_path / "four", 6)
    server.on_submission = lambda: setattr(server, "charged_elsewhere", Decimal("0.20"))
    three.start()
    four.start()
    three.wait()
    four.wait()
    assert {*three.waits_for, *four.waits_for} == {SAID}


def test_nothing_is_paid_before_it_is_known_what_the_key_has_used(clip, tmp_path):
    """A second sweep waits for the answer that the first has asked for, lest its own clip be in it already."""
    server = biller(clip)
    paid, asked = asyncio.Event(), threading.Event()
    questions = itertools.count(1)

    async def slow_the_second_time() -> None:
        # the first is whether there is money for it
        if next(questions) == 2:
            asked.set()
            await asyncio.wait({asyncio.create_task(paid.wait())}, timeout=0.4)

    def charge() -> None:
        paid.set()
        server.charged_elsewhere = Decimal("0.20")

    server.before_balance, server.on_submission = slow_the_second_time, charge
    three, four = boats(server, tmp_path / "three", 3), boats(server, tmp_path / "four", 6)
    starting = threading.Thread(target=three.start)
    starting.start()
    assert asked.wait(10)
    four.start()
    starting.join()
    three.wait()
    four.wait()
    assert {*three.waits_for, *four.waits_for} == {SAID}


def test_after_another_key_took_over_nothing_is_said(clip, tmp_path):
    """A sweep that changed its key in mid-run is part of two accounts, and of neither as a whole."""
    server = biller(clip)
    sweep = boats(server, tmp_path)
    charge_at_the_third(server)
    other = server.client("sk-another")
    sweep.start()
    sweep.client = other
    sweep.wait()
    assert sweep.waits_for == ()


OTHER = """
import sys, threading
from gridgen import Client
limiter = Client(sys.argv[1], sys.argv[2]).limiter
print("ready", flush=True)
input()
while wait := limiter.acquire(rate=1000.0, burst=5):
    threading.Event().wait(wait)
print("taken", flush=True)
"""


def test_a_limiter_tells_whether_another_process_used_the_key(tmp_path):
    """What a process wrote itself is nobody else's; after another one's turn, or its pause, it is seen."""
    mine, again = Limiter("a", tmp_path), Limiter("b", tmp_path)
    mine.acquire(rate=100, burst=5)
    before, apart = mine.foreign(), again.foreign()
    mine.acquire(rate=100, burst=5)
    mine.pause(0.0)
    assert mine.foreign() == before is not None

    Limiter("a", tmp_path).acquire(rate=100, burst=5)
    assert mine.foreign() > before
    assert again.foreign() == apart


@pytest.mark.parametrize("shared", [False, True])
def test_where_another_process_used_the_key_nothing_is_said(tmp_path, shared):
    """Of a key under which another process of this machine submits, nobody here knows what was charged for what."""
    with Simulator(speed=30.0, clips="tiny") as simulator:
        # the tasks tell less than they are billed
        simulator.faults.add(Fault(kind="patch", on="status", patch={"data": {"cost": 0.01}}, times=None))
        client = simulator.client()
        arguments = [sys.executable, "-c", OTHER, simulator.api_key, client.base_url]
        with subprocess.Popen(
            arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        ) as other:
            assert other.stdout.readline() == "ready\n"
            sweep = Sweep(Grid(prompt=["a", "b"]), client=client, folder=tmp_path, previews=False)
            sweep.start()
            said, _ = other.communicate("now\n" if shared else None)
            sweep.wait()
        assert said == ("taken\n" if shared else "")
        told = (
            "you to look: the account was charged $0.1024 more than this folder knows; others may use the key"
        )
        assert sweep.waits_for == (() if shared else (told,))
