"""Clips are rendered in processes of their own, whatever becomes of those."""

from __future__ import annotations

import os
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path

import pytest

from gridgen.simulator import Simulator
from gridgen.simulator.clips import Scene, render, still
from gridgen.simulator.renderer import RenderPool
from simulator.asking import Asker

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are counted in /proc")

SCENE = Scene("a paper boat", "16:9", 1, "90p")


@pytest.fixture
def painters():
    """Yield painters, ended afterwards."""
    painters = RenderPool()
    yield painters
    painters.close()


def children() -> set[str]:
    """Return the ids of this process's rendering children that are alive, as Linux tells them."""
    found = set()
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            state, parent = (entry / "stat").read_text().rpartition(")")[2].split()[:2]
            renders = b"gridgen.simulator.clips" in (entry / "cmdline").read_bytes()
            if renders and state != "Z" and int(parent) == os.getpid():
                found.add(entry.name)
    return found


def test_another_process_renders_the_same(painters):
    """Clip and thumbnail are the bytes that this process would make, and two threads have two processes."""
    with ThreadPoolExecutor(2) as pool:
        clips = list(pool.map(painters.render, [SCENE] * 4))

    assert clips == [render(SCENE)] * 4
    assert painters.still(SCENE) == still(SCENE)
    assert 1 <= len(children()) <= 3


def test_a_bad_scene_is_named(painters):
    """What cannot be drawn is the same ValueError as here, and the process goes on."""
    with pytest.raises(ValueError, match="no picture"):
        painters.render(Scene("x", "1:1", 1, "90p", image=b"<html>"))

    assert painters.render(SCENE) == render(SCENE)
    assert len(children()) == 1


def test_a_killed_process_is_replaced(painters):
    """SIGKILL between two clips costs nothing but the start of another process."""
    painters.render(SCENE)
    [first] = children()
    os.kill(int(first), signal.SIGKILL)

    assert painters.render(SCENE) == render(SCENE)
    assert children().isdisjoint({first})


def test_an_interrupt_is_not_for_it(painters):
    """The stop button of a notebook interrupts the whole group; the renderer goes on."""
    painters.render(SCENE)
    before = children()
    os.kill(int(*before), signal.SIGINT)

    assert painters.render(SCENE) == render(SCENE)
    assert children() == before


@pytest.mark.parametrize("command", [("/no/such/python",), (sys.executable, "-c", "print(1)")])
def test_without_a_process(command):
    """Where none can be started, or none stays, this process renders."""
    with closing(RenderPool(command)) as painters:
        assert painters.render(SCENE) == render(SCENE)


def test_none_is_left_behind():
    """A closed simulator has no process any more; one with tiny clips never had any."""
    with Simulator(speed=10_000, clips="tiny") as tiny, Simulator(speed=10_000, clips="full") as full:
        for simulator in (tiny, full):
            asker = Asker(simulator)
            task_id = asker.submit()
            while asker.task(task_id)["status"] != "completed":
                asker.later(10)
            asker.get(asker.task(task_id)["result"]["videos"][0]["url"][0])
            assert len(children()) == (simulator is full)

    assert children() == set()
