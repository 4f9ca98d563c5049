"""Stopping: after a stop, or an interrupt of a verb that submits, nothing more is submitted in this process."""

from __future__ import annotations

import _thread
import asyncio
import signal
import threading
from contextlib import suppress

import pytest
from waiting import until

from gridgen import Grid, GridgenError, Sweep
from gridgen.board import Board
from gridgen.simulator import Fault


def boats(count: int) -> Grid:
    """Return a grid of so many cells."""
    return Grid(prompt=[f"boat {number}" for number in range(count)])


def posts(simulator) -> int:
    """Count the submissions that were seen on the wire."""
    return sum(seen.method == "POST" for seen in simulator.requests)


def posts_at_rest(sweep: Sweep, simulator) -> int:
    """Count the submissions once those that had left before a stop have arrived and been answered."""
    until(lambda: "sending" not in sweep.counts())
    return posts(simulator)


def test_stop_stops_a_sweep_that_was_made_twice(simulate, tmp_path):
    """Case A1: a cell that makes and starts a sweep was run twice; stopping the second object stops the first one's run."""
    simulator = simulate(speed=60.0, rate=40.0)
    client = simulator.client()
    for _ in range(2):
        sweep = Sweep(boats(60), client=client, folder=tmp_path, previews=False)
        sweep.start()
        until(lambda: posts(simulator) >= 2)
    sweep.stop()
    stopped = posts_at_rest(sweep, simulator)

    asyncio.run(simulator.clock.sleep(30))
    assert posts(simulator) == stopped < 60


def test_stop_leaves_a_sweep_of_other_clips_alone(simulate, tmp_path):
    """Two sweeps of one folder that have no clip in common are stopped each for itself."""
    client = simulate(speed=600.0).client()
    first = Sweep(boats(3), client=client, folder=tmp_path, previews=False)
    other = Sweep(Grid(prompt=["gull", "whale"]), client=client, folder=tmp_path, previews=False)
    first.start()
    other.start()
    first.stop()
    other.wait()

    assert other.counts() == {"done": 2}


def test_stop_may_be_called_in_a_callback(simulate, tmp_path):
    """Case A7: a watcher that stops the sweep on the engine's thread stops it, and nothing waits for itself."""
    simulator = simulate(speed=60.0, rate=40.0)
    sweep = Sweep(boats(60), client=simulator.client(), folder=tmp_path, previews=False)
    sweep.watch(lambda rows: sweep.stop() if any(row.task_id for row in rows) else None)
    sweep.start()
    until(lambda: any("stopped" in words for words in sweep.waits_for))

    assert 0 < posts(simulator) < 60


def test_what_waits_is_refused_in_a_callback(simulate, tmp_path):
    """Case A7: any verb that waits for the engine, called on its thread, is an error that says what to do instead."""
    sweep = Sweep(boats(2), client=simulate().client(), folder=tmp_path, previews=False)
    said = []

    def on_rows(_rows):
        with suppress(GridgenError):
            sweep.run()
            return
        said.append("refused")

    sweep.watch(on_rows)
    sweep.start()
    until(lambda: said)
    sweep.wait()
    assert sweep.counts() == {"done": 2}


VERBS = [
    "run",
    "retry",
    *(pytest.param(verb, marks=pytest.mark.full) for verb in ("start", "resubmit", "await")),
]


@pytest.mark.parametrize("verb", VERBS)
def test_an_interrupted_verb_submits_nothing(simulate, tmp_path, verb):
    """Case A2: interrupted while the account's balance is asked for, no verb submits anything afterwards."""
    lost = Fault(kind="close", on="submit", when="after", match="boat 0")
    simulator = simulate(speed=30.0, faults=[lost, Fault(kind="fail", on="submit", match="boat 1")])
    sweep = Sweep(boats(2), client=simulator.client(), folder=tmp_path, previews=False)
    if verb in {"retry", "resubmit"}:
        sweep.run()
        assert set(sweep.counts()) == {"unknown", "failed"}
    before = posts(simulator)
    simulator.faults.clear()
    simulator.faults.add(Fault(kind="slow", on="balance", seconds=90, times=None))

    seen = len(simulator.requests)
    verbs = {
        "start": sweep.start,
        "run": sweep.run,
        "retry": sweep.retry,
        "resubmit": sweep.unknown.resubmit,
        "await": lambda: asyncio.run(awaited(sweep)),
    }
    with pytest.raises((KeyboardInterrupt, asyncio.CancelledError)):
        interrupted(
            verbs[verb], lambda: any("balance" in each.path for each in list(simulator.requests)[seen:])
        )

    asyncio.run(simulator.clock.sleep(120))
    assert posts(simulator) == before


@pytest.mark.parametrize("verb", VERBS)
def test_a_stop_counts_for_a_verb_that_has_only_begun(simulate, tmp_path, verb):
    """A verb that still asks for prices when stop() is called submits nothing afterwards; the next one does."""
    lost = Fault(kind="close", on="submit", when="after", match="boat 0")
    simulator = simulate(speed=30.0, faults=[lost, Fault(kind="fail", on="submit", match="boat 1")])
    sweep = Sweep(boats(2), client=simulator.client(), folder=tmp_path, previews=False)
    if verb in {"retry", "resubmit"}:
        sweep.run()
    before, seen = posts(simulator), len(simulator.requests)
    simulator.faults.add(Fault(kind="slow", on="prices", seconds=10))
    verbs = {
        "start": sweep.start,
        "run": sweep.run,
        "retry": sweep.retry,
        "resubmit": sweep.unknown.resubmit,
        "await": lambda: asyncio.run(awaited(sweep)),
    }
    begun = threading.Thread(target=verbs[verb])
    begun.start()
    until(lambda: any("pricing" in each.path for each in list(simulator.requests)[seen:]))
    sweep.stop()
    begun.join()

    asyncio.run(simulator.clock.sleep(30))
    assert posts(simulator) == before
    assert sweep.internals.stopped
    sweep.run()
    assert posts(simulator) > before


def interrupted(verb, when) -> None:
    """Call a verb, and send this thread what the stop button of a notebook sends as soon as something holds."""

    def interrupt() -> None:
        until(when)
        _thread.interrupt_main()

    other = threading.Thread(target=interrupt)
    # a shell that starts the tests in the background lets them ignore what is sent here
    ignored = signal.signal(signal.SIGINT, signal.default_int_handler)
    other.start()
    try:
        verb()
    finally:
        other.join()
        signal.signal(signal.SIGINT, ignored)


async def awaited(sweep: Sweep) -> None:
    """Await a sweep."""
    await sweep


@pytest.fixture
def slow(simulate, tmp_path):
    """A sweep of sixty clips that takes half a minute, of which a few are submitted each second, and its simulator."""
    simulator = simulate(speed=60.0, rate=40.0)
    return Sweep(boats(60), client=simulator.client(), folder=tmp_path, previews=False), simulator


def stops(sweep: Sweep, simulator, name: str) -> None:
    """Leave an empty file in the sweep's folder, and see that soon nothing more is submitted."""
    asked = sweep.folder / name
    asked.touch()
    until(lambda: any("stopped" in words for words in sweep.waits_for))
    stopped = posts_at_rest(sweep, simulator)

    asyncio.run(simulator.clock.sleep(30))
    assert 0 < posts(simulator) == stopped < 60
    assert not asked.exists()


def test_a_file_in_the_folder_stops_the_sweep(slow):
    """Case U1: where the kernel hears no button, the empty file that the board names stops the run."""
    sweep, simulator = slow
    board = Board(sweep)
    sweep.start()
    until(lambda: posts(simulator) >= 2)

    stops(sweep, simulator, board.state()["stop"]["file"])
    board.close()


def test_a_file_stops_a_sweep_that_was_made_twice(slow):
    """Cases U1 and A1: the file of a board that shows the second object stops the run of the first."""
    sweep, simulator = slow
    sweep.start()
    until(lambda: posts(simulator) >= 2)
    board = Board(Sweep(boats(60), client=simulator.client(), folder=sweep.folder, previews=False))

    stops(sweep, simulator, board.state()["stop"]["file"])
    board.close()


def test_a_file_stops_once_and_a_late_message_of_the_same_click_not_at_all(slow):
    """Case U1: the name is spent with the file, so neither the queued message nor the same file stops what goes on then."""
    sweep, simulator = slow
    board = Board(sweep)
    sweep.start()
    until(lambda: posts(simulator) >= 2)
    spent = board.state()["stop"]["file"]
    stops(sweep, simulator, spent)
    sweep.start()
    (sweep.folder / spent).touch()
    board.answer({"kind": "stop", "file": spent})
    before = posts(simulator)
    until(lambda: posts(simulator) >= before + 5)

    assert not any("stopped" in words for words in sweep.waits_for)
    board.close()
    sweep.stop()


def test_a_file_is_there_while_the_server_that_wrote_it_looks_at_it(slow):
    """A Jupyter server answers with what it reads back, so a file that is gone at once were an error on the page."""
    sweep, simulator = slow
    board = Board(sweep)
    sweep.start()
    until(lambda: posts(simulator) >= 2)
    file = sweep.folder / board.state()["stop"]["file"]
    file.touch()

    until(lambda: board.state()["stop"]["file"] != file.name)
    assert file.exists()
    sweep.wait()
    until(lambda: not file.exists(), 1.0)
    board.close()


def test_no_other_file_stops_a_sweep_and_what_pages_left_is_cleared(slow):
    """Case U1: an empty file of a run that is dead is removed by the next; what somebody wrote stays; neither stops it."""
    sweep, simulator = slow
    board = Board(sweep)
    name = board.state()["stop"]["file"]
    dead, written = (sweep.folder / f"stop-{digit * (len(name) - len('stop-.txt'))}.txt" for digit in "ab")
    dead.touch()
    written.write_text("mine")
    sweep.start()
    until(lambda: posts(simulator) >= 5)

    assert (dead.exists(), written.exists()) == (False, True)
    assert not any("stopped" in words for words in sweep.waits_for)
    board.close()
    sweep.stop()
