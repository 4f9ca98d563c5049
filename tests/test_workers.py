"""Pictures drawn on an executor: the same pictures, and neither a damaged clip nor a lost worker costs more than itself."""

from __future__ import annotations

import logging
import multiprocessing
import os
import pickle
import signal
import threading
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from distributed import Client, LocalCluster
from waiting import until

import gridgen
from gridgen import Grid, GridError, Sweep, media

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

BOATS = Grid(prompt=[f"boat {number}" for number in range(6)])


class Scripted(Executor):
    """Does with each call what a script says, and then what is asked; ``cancel`` and errors stand for lost workers."""

    def __init__(self, script: Callable[[Path], Any]) -> None:
        self.script, self.calls, self.pool = script, [], ThreadPoolExecutor(2)

    def submit(self, call: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Take a call, note it, and let the script have a say."""
        self.calls.append((call, *args))
        says = self.script(args[-1])
        if says is None:
            return self.pool.submit(call, *args, **kwargs)
        future: Future[Any] = Future()
        if says == "cancel":
            future.cancel()
            future.set_running_or_notify_cancel()
        elif isinstance(says, OSError):
            future.set_result(says)
        elif isinstance(says, Exception):
            future.set_exception(says)
        else:
            return self.pool.submit(says, call, *args, **kwargs)
        return future


class Recording(ProcessPoolExecutor):
    """A pool of processes that notes what it is given; one of them dies before the call of a number, if any."""

    def __init__(self, count: int, *, fatal: int | None = None) -> None:
        super().__init__(count, mp_context=multiprocessing.get_context("spawn"))
        self.sent: list[tuple[Any, ...]] = []
        self.fatal = fatal

    def submit(self, call: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Note a call, and pass it on."""
        if len(self.sent) == self.fatal:
            super().submit(os._exit, 1)
        self.sent.append((call, *args, *kwargs.values()))
        return super().submit(call, *args, **kwargs)


class KilledWorker(Exception):  # noqa: N818 - as dask.distributed calls it
    """What dask.distributed raises of a task that was on several workers as they died."""


@pytest.fixture
def made(simulate, tmp_path) -> Callable[..., Sweep]:
    """Return a function that makes a sweep of six clips, some arguments being given."""
    return partial(Sweep, BOATS, client=simulate().client(), folder=tmp_path / "boats")


@pytest.fixture
def fetched(made) -> Callable[..., Sweep]:
    """Return a function that opens, with some workers, a sweep whose clips are all here and are all to be drawn."""
    sweep = made(previews=False)
    sweep.run()
    return partial(gridgen.open, sweep.folder, client=sweep.client)


def warned(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return and forget what was logged as a warning, which is expected where this is called."""
    said = [each.getMessage() for each in caplog.records if each.levelno >= logging.WARNING]
    caplog.clear()
    return said


def pictures(folder: Path) -> dict[str, object]:
    """Return by its name what was drawn: the bytes of posters, what previews show."""
    posters = {each.name: each.read_bytes() for each in (folder / "posters").iterdir()}
    facts = {each.name: media.probe(each) for each in (folder / "previews").iterdir()}
    shown = {name: (each.width, each.height, each.frames, each.seconds) for name, each in facts.items()}
    return {**posters, **shown}


def drawn(sweep: Sweep) -> list[bool]:
    """Return of each row whether both its pictures are there."""
    rows = sweep.rows()
    there = [[row.poster, row.preview] for row in rows]
    return [all(name and media.is_whole(sweep.folder / name) for name in names) for names in there]


def damage(file: Path) -> None:
    """Spoil a video as a disk does, which changes neither its size nor when it was written."""
    facts = file.stat()
    head = file.read_bytes()[:24]
    file.write_bytes(head + bytes(facts.st_size - len(head)))
    os.utime(file, ns=(facts.st_atime_ns, facts.st_mtime_ns))


def test_a_pool_of_processes_draws_the_same(made, simulate, tmp_path):
    """What processes draw is what threads draw; they are sent functions by name, paths, and no POST."""
    simulator = simulate()
    threads = Sweep(BOATS, client=simulator.client(), folder=tmp_path / "threads")
    threads.run()
    with Recording(2) as pool:
        sweep = made(workers=pool)
        sweep.run()

        assert pool.submit(abs, -1).result() == 1
        assert (drawn(sweep), sweep.waits_for) == ([True] * 6, ())
        assert pictures(sweep.folder) == pictures(threads.folder)
        assert len(pool.sent) == 2 * 6 + 1
        for call, make, *rest in pool.sent[:-1]:
            assert (call, make in {media.poster, media.preview}) == (media.draw, True)
            assert [isinstance(each, (Path, bool)) for each in rest] == [True] * 3
            assert len(pickle.dumps((call, make, *rest))) < 1000


def test_a_damaged_clip_and_a_dead_worker(fetched, caplog):
    """One damaged clip costs its row; a worker that is killed breaks its pool, and all that it was to draw is drawn."""
    before = fetched()
    damage(before.folder / before[2].path)
    with Recording(1, fatal=4) as pool:
        sweep = fetched(workers=pool)
        sweep.run()

    assert drawn(sweep) == [True, True, False, True, True, True]
    assert [row.error_class for row in sweep] == [None, None, "preview", None, None, None]
    assert sweep[2].error.startswith("no preview could be made: ")
    assert sweep[2].path in sweep[2].error
    [said] = sweep.waits_for
    assert said.startswith("you to look: the executor of workers= brings nothing any more (BrokenProcessPool")
    assert [f"you to look: {each.removesuffix('.')}" for each in warned(caplog)] == [said]
    assert not list(sweep.folder.glob("p*/*.part"))


def test_an_executor_that_was_shut_down(fetched, caplog):
    """A sweep that outlives the block of its pool goes on by itself; the next run without it has nothing to say."""
    with ThreadPoolExecutor(1) as pool:
        sweep = fetched(workers=pool)
    sweep.run()

    assert drawn(sweep) == [True] * 6
    assert "cannot schedule new futures after shutdown" in sweep.waits_for[0]
    assert len(warned(caplog)) == 1
    sweep.workers = None
    sweep.run()
    assert sweep.waits_for == ()


def test_what_a_lost_worker_drew_is_drawn_again(fetched):
    """A future that is cancelled, a worker that is killed: the same picture is asked for again, and nothing is left half."""
    lost: dict[Path, list[Any]] = {}

    def script(target: Path) -> Any:
        says = lost.setdefault(target, ["cancel", KilledWorker("died"), None])
        if len(says) == 3:
            target.with_name(f"{target.name}.1-0123456789abcdef.part").write_bytes(b"half")
        return says.pop(0)

    executor = Scripted(script)
    sweep = fetched(workers=executor)
    sweep.run()

    assert (drawn(sweep), sweep.waits_for) == ([True] * 6, ())
    assert len(executor.calls) == 3 * 2 * 6
    assert not list(sweep.folder.glob("p*/*.part"))


@pytest.mark.parametrize("lost", ["cancel", KilledWorker("died")])
def test_a_clip_over_which_workers_are_lost(fetched, lost):
    """After three times its row says why, the others are drawn, and the next run draws it and has nothing to say."""
    bad: list[Path] = []
    others = threading.Event()

    def late(*_args: object, **_kwargs: object) -> None:
        # until others were drawn, it might be the executor's fault
        others.wait(60)
        raise RuntimeError

    def script(target: Path) -> Any:
        bad.extend([] if bad else [target])
        if target != bad[0]:
            if "previews" in target.parts:
                others.set()
            return None
        return lost if others.is_set() else late

    executor = Scripted(script)
    sweep = fetched(workers=executor)
    sweep.run()
    [row] = [row for row in sweep if row.error]

    assert sum(drawn(sweep)) == 5
    assert row.error.startswith("no preview could be made: 3 times the worker was lost that drew it (")
    assert row.error.endswith("run() tries again")
    assert sum(target == bad[0] for *_, target in executor.calls) == 3
    sweep.workers = None
    sweep.run()
    assert (drawn(sweep), {row.error for row in sweep}) == ([True] * 6, {None})


def test_a_clip_that_kills_workers_is_not_drawn_here(fetched):
    """Where nothing says but that each picture killed its workers, this process does not try what killed them."""
    executor = Scripted(lambda _target: KilledWorker("died"))
    sweep = fetched(workers=executor)
    sweep.run()

    assert drawn(sweep) == [False] * 6
    assert ["KilledWorker: died" in row.error for row in sweep] == [True] * 6
    assert sweep.counts() == {"done": 6}


def test_an_executor_that_brings_nothing(fetched, caplog):
    """Where all is lost that it is given, the engine's threads draw all of it, and one warning says so."""
    sweep = fetched(workers=Scripted(lambda _target: "cancel"))
    sweep.run()

    assert drawn(sweep) == [True] * 6
    assert "brings nothing any more (its future was cancelled)" in sweep.waits_for[0]
    assert len(warned(caplog)) == 1


@pytest.mark.parametrize("says", [FileNotFoundError(2, "No such file", "boat.mp4"), lambda *_, **__: None])
def test_workers_that_do_not_see_the_folder(fetched, says, caplog):
    """Workers of a folder that they do not share are found out, whether they say so or draw elsewhere; all is drawn."""
    sweep = fetched(workers=Scripted(lambda _target: says))
    sweep.run()

    assert drawn(sweep) == [True] * 6
    assert f"has workers that do not get at {str(sweep.folder)!r}" in sweep.waits_for[0]
    assert len(warned(caplog)) == 2


def test_one_worker_that_does_not_see_the_folder(fetched, caplog):
    """What one of many could not write is drawn here, the rest by the others, and what to look at is said."""
    says = [PermissionError(13, "Permission denied", "posters")]
    executor = Scripted(lambda _target: says.pop() if says else None)
    sweep = fetched(workers=executor)
    sweep.run()

    assert (drawn(sweep), len(executor.calls)) == ([True] * 6, 12)
    assert "All workers have to see the folder under that path" in sweep.waits_for[0]
    assert len(warned(caplog)) == 1


def test_an_executor_that_lets_nobody_in(simulate, tmp_path):
    """While its submit() waits for a free worker, all clips are fetched all the same, and the sweep says what it waits for."""
    free = threading.Event()

    def script(_target: Path) -> None:
        free.wait(60)

    client = simulate(speed=1000.0).client()
    sweep = Sweep(BOATS, client=client, folder=tmp_path / "boats", workers=Scripted(script))
    sweep.start()
    until(lambda: sweep.counts() == {"done": 6})

    assert sweep.waits_for == ("the executor of workers=: the pictures of 6 clips",)
    free.set()
    sweep.wait(60)
    assert drawn(sweep) == [True] * 6


class Likened:
    """What has an executor and is none, as a client of dask.distributed."""

    def get_executor(self) -> None:
        """Have one."""


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (8, r"not a int: workers=concurrent\.futures\.ProcessPoolExecutor\(8\)"),
        (Likened(), r"not a Likened: workers=client\.get_executor\(\)"),
        (ProcessPoolExecutor, r"not a class: workers=ProcessPoolExecutor\(4\)"),
        ("sk-secret", r"not a str: workers=concurrent"),
    ],
)
def test_what_is_no_executor(made, value, said):
    """Anything else is refused on the line that was typed, with what to write; it may be a key, and is not shown."""
    with pytest.raises(GridError, match=said) as caught:
        made(workers=value)

    assert "secret" not in str(caught.value)
    sweep = made()
    with pytest.raises(GridError, match=said):
        sweep.workers = value
    assert sweep.workers is None


@pytest.fixture
def dask(tmp_path) -> Iterator[Client]:
    """A cluster of two worker processes on this machine, which are started again when they die."""
    with (
        LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            dashboard_address=None,
            local_directory=str(tmp_path / "dask"),
            silence_logs=logging.CRITICAL,
        ) as cluster,
        Client(cluster) as client,
    ):
        yield client


@pytest.mark.full
@pytest.mark.timeout(900)
def test_a_thousand_clips_on_dask(simulate, tmp_path, dask):
    """A thousand clips, one damaged, on a cluster that loses a worker: 999 are drawn, one row says why, and no more."""
    grid = Grid(prompt=[f"boat {number}" for number in range(1000)])
    simulator = simulate()
    sweep = Sweep(grid, client=simulator.client(), folder=tmp_path / "boats", previews=False)
    sweep.run()
    damage(sweep.folder / sweep[500].path)
    [first, second] = dask.run(os.getpid).values()
    again = gridgen.open(sweep.folder, client=simulator.client(), workers=dask.get_executor())
    again.start()
    until(lambda: sum(row.preview is not None for row in again) > 100, 300)
    os.kill(first, signal.SIGKILL)
    again.wait(600)
    told = [(row.index, row.error_class) for row in again if row.error]

    assert (sum(drawn(again)), told, again.waits_for) == (999, [(500, "preview")], ())
    assert len(simulator.ledger) == 1000
    until(lambda: len(dask.scheduler_info()["workers"]) == 2)
    pids = set(dask.run(os.getpid).values())
    assert (first in pids, second in pids) == (False, True)
    assert not list(sweep.folder.glob("p*/*.part"))
