"""Virtual time as cheap as it gets: an event loop that skips its idle waits.

`gridgen.simulator.clock.VirtualClock` serves many loops and threads; a benchmark
of a hundred thousand jobs has one loop, and the journal's thread.
"""

from __future__ import annotations

import asyncio
import contextlib
import selectors
from typing import TYPE_CHECKING, Any, TypeVar

from gridgen.clock import Clock

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterator

T = TypeVar("T")

EPOCH = 1_760_000_000.0


class JumpClock(Clock):
    """Time that stands still while anybody works, and else jumps to the next timer."""

    def __init__(self) -> None:
        self.now = 0.0
        self.asleep = 0.0
        self.holders: set[object] = set()

    def time(self) -> float:
        """Return the virtual Unix time in seconds."""
        return EPOCH + self.now + self.asleep

    def slept(self) -> float:
        """Return the seconds for which the machine slept, which `monotonic` does not count."""
        return self.asleep

    def era(self) -> str:
        """Name this run of the pretended machine."""
        return "benchmark"

    def monotonic(self) -> float:
        """Return virtual seconds since the clock was made."""
        return self.now

    async def sleep(self, seconds: float) -> None:
        """Wait; a task that sleeps does not hold time."""
        task = asyncio.current_task()
        held = task in self.holders
        self.holders.discard(task)
        try:
            await asyncio.sleep(max(0.0, seconds))
        finally:
            if held:
                self.holders.add(task)

    @contextlib.contextmanager
    def working(self) -> Iterator[None]:
        """Hold time while the task is in the block, for the thread that works for it meanwhile."""
        task = asyncio.current_task()
        outermost = task not in self.holders
        self.holders.add(task)
        try:
            yield
        finally:
            if outermost:
                self.holders.discard(task)


class _Skipping(selectors.DefaultSelector):
    def __init__(self, clock: JumpClock) -> None:
        super().__init__()
        self._clock = clock

    def select(self, timeout: float | None = None) -> Any:
        if timeout is None or timeout <= 0:
            return super().select(timeout)
        if self._clock.holders:
            return super().select(None)
        ready = super().select(0)
        self._clock.now += 0.0 if ready else timeout
        return ready


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self, clock: JumpClock) -> None:
        super().__init__(_Skipping(clock))
        self._jumps = clock

    def time(self) -> float:
        return self._jumps.now


def run(clock: JumpClock, work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine on a loop of this clock."""
    with asyncio.Runner(loop_factory=lambda: _Loop(clock)) as runner:
        return runner.run(work)
