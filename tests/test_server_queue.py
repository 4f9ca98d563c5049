"""Who is worked on and who waits: what a few looks tell of a server that serves in order."""

from __future__ import annotations

import heapq
import random

from hypothesis import given, settings
from hypothesis import strategies as st

from gridgen.pacing.server_queue import ServerQueue


class Slots:
    """A server with some slots that serves in order of arrival."""

    def __init__(self, slots: int) -> None:
        self.free = [0.0] * slots
        self.begin: list[float] = []
        self.end: list[float] = []

    def submit(self, now: float, seconds: float) -> int:
        """Take in a task and return its number."""
        begin = max(now, self.free[0])
        heapq.heapreplace(self.free, begin + seconds)
        self.begin.append(begin)
        self.end.append(begin + seconds)
        return len(self.begin) - 1


def tell(line: ServerQueue[int], server: Slots, task: int, now: float) -> None:
    """Look at a task and take in the answer."""
    if server.begin[task] > now:
        line.saw_waiting(task)
    else:
        line.saw_running(task, now)


def test_a_few_looks_find_the_number_of_slots():
    """Of a hundred tasks at a server with seven slots, nine looks tell which seven are worked on."""
    server, line = Slots(7), ServerQueue[int]()
    for _ in range(100):
        line.join(server.submit(0.0, 60.0), 0.0)
    now, looks = 1.0, 0
    while (task := line.look(now)) is not None and line.slots != 7:
        tell(line, server, task, now)
        now, looks = now + 0.5, looks + 1

    assert list(line.running) == list(range(7))
    assert looks <= 9


def test_a_task_that_ends_tells_when_the_next_one_began():
    """The first in line is taken to begin at the stamp of the one that ended, though nobody asked it."""
    line = ServerQueue[str]()
    for task in "abcd":
        line.join(task, 0.0)
    line.saw_running("b", 1.0)
    line.saw_waiting("c")

    assert line.slots == 2
    assert line.leave("a", 60.0) == ["c"]
    assert line.running == {"b": 0.0, "c": 60.0}
    assert list(line.waiting) == ["d"]


def test_a_task_that_ended_was_worked_on_as_were_those_before_it():
    """An end that comes out of turn shows that all before it had begun."""
    line = ServerQueue[str]()
    for task in "abcd":
        line.join(task, 0.0)
    line.saw_running("a", 1.0)
    line.saw_waiting("b")
    line.leave("c", 50.0)

    assert "b" in line.running
    assert list(line.waiting) in (["d"], [])


def test_without_a_sign_only_so_many_are_sent():
    """Up to sixteen tasks, or as many as gave a sign, may be open before a look tells whether more would wait."""
    line = ServerQueue[int]()
    for task in range(16):
        assert not line.full(2)
        line.join(task, 0.0)
    assert line.full(2)
    line.saw_running(line.look(1.0), 1.0)

    assert not line.full(2)


def test_a_server_that_keeps_all_waiting_is_no_server_with_slots():
    """Where nobody is worked on, a wait is not a matter of slots: up to 64 may wait."""
    line = ServerQueue[int]()
    for task in range(10):
        line.join(task, 0.0)
    line.saw_waiting(0)

    assert line.slots is None
    assert not line.full(2)


@settings(deadline=None)
@given(st.integers(1, 40), st.integers(0, 10_000), st.floats(0.0, 0.5))
def test_the_slots_stay_busy_and_few_wait(slots, seed, spread):
    """Once the line is trusted, it keeps about as many in line as wanted, and no slot is idle for long."""
    draw, server, line = random.Random(seed), Slots(slots), ServerQueue[int]()
    open_tasks: list[int] = []
    now, extra = 0.0, 2 + slots // 20
    while now < 1500.0:
        for task in [task for task in open_tasks if server.end[task] <= now]:
            open_tasks.remove(task)
            line.leave(task, server.end[task])
        looked = line.look(now)
        if looked in open_tasks:
            tell(line, server, looked, now)
        for task in open_tasks:
            if task in line.running and 30 < now - line.running[task] < 31:
                tell(line, server, task, now)
        while not line.full(extra) and len(open_tasks) < 200:
            task = server.submit(now, 60.0 * draw.uniform(1 - spread, 1 + spread))
            open_tasks.append(task)
            line.join(task, now)
        now += 1.0

    waiting = sum(server.begin[task] > now for task in open_tasks)
    assert line.trusted
    assert abs(line.slots - slots) <= 1 + slots // 20
    assert waiting <= extra + 2 + slots // 10
    assert len(open_tasks) - waiting >= slots - 1
