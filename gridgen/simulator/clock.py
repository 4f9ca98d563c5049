"""Clocks of the simulated world: time that runs faster, and time that jumps.

A simulator and its clients share one clock, so that both agree on what a
second is. `ScaledClock` serves people, `VirtualClock` serves tests.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import heapq
import itertools
import math
import threading
import uuid
from collections import Counter
from typing import TYPE_CHECKING

from gridgen.clock import Clock

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop, Future
    from collections.abc import Iterator

__all__ = ["EPOCH", "ScaledClock", "VirtualClock"]

EPOCH = 1_760_000_000.0
"""Where virtual time starts, in Unix seconds (2025-10-09)."""


_PROCESS = uuid.uuid4().hex


class _Simulated(Clock):
    """A clock whose time is its own."""

    _start: float

    def forward(self, to: float) -> None:
        """Set the time to Unix seconds that lie ahead; what it measures, and who sleeps, stay as they are."""
        self._start += max(0.0, to - self.time())

    def slept(self) -> float:
        """Return 0: it counts whatever passes."""
        return 0.0

    def era(self) -> str:
        """Name this clock: what it measures is comparable with no other's."""
        return f"{_PROCESS}-{id(self)}"


class ScaledClock(_Simulated):
    """Real time, `speed` times as fast.

    Parameters
    ----------
    speed : float, default 1.0
        Simulated seconds that pass in one real second; more than zero.
    start : float or None, default None
        Unix time at which to begin when that lies ahead of the real time, so that
        a world that was closed goes on where it stood.
    """

    def __init__(self, speed: float = 1.0, *, start: float | None = None) -> None:
        if not speed > 0:
            msg = f"speed={speed!r} must be more than 0 (1 is real time, math.inf is virtual time)."
            raise ValueError(msg)
        self.speed = speed
        self._real = Clock()
        self._began = self._real.monotonic()
        now = self._real.time()
        self._start = now if start is None else max(now, start)

    def time(self) -> float:
        """Return the simulated Unix time in seconds."""
        return self._start + self.monotonic()

    def monotonic(self) -> float:
        """Return simulated seconds since the clock was made."""
        return (self._real.monotonic() - self._began) * self.speed

    async def sleep(self, seconds: float) -> None:
        """Wait `seconds` of simulated time."""
        await self._real.sleep(seconds / self.speed)


class _Hold:
    """One `working` block: it holds time still unless somebody inside it sleeps."""

    __slots__ = ("asleep", "open", "outer", "owner")

    def __init__(self, owner: object, outer: _Hold | None) -> None:
        self.owner = owner
        self.outer = outer
        self.open = True
        self.asleep = 0


_hold: contextvars.ContextVar[_Hold | None] = contextvars.ContextVar("_hold", default=None)


def _running() -> AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def _owner() -> object:
    task = None if _running() is None else asyncio.current_task()
    return threading.get_ident() if task is None else task


def _open_holds() -> Iterator[_Hold]:
    hold = _hold.get()
    while hold is not None:
        if hold.open:
            yield hold
        hold = hold.outer


def _idle(loop: AbstractEventLoop) -> bool:
    """Return whether a loop has no callback waiting; true for loops that do not tell."""
    return not getattr(loop, "_ready", ())


def _wake(future: Future[None]) -> None:
    if not future.done():
        future.set_result(None)


class VirtualClock(_Simulated):
    """Time that stands still while anybody works, then jumps to the next sleeper.

    It jumps when no `working` block is open and no event loop with a sleeper has a
    callback left to run. Sleepers may live on several loops. Whoever works outside
    those loops, in a thread or a process, says so with `working`.

    A task that sleeps inside `working` lets go of that hold, and of those around it,
    while it sleeps: a server that dawdles inside a client's request would otherwise
    wait for ever.

    Parameters
    ----------
    start : float, default EPOCH
        Unix time at which to begin.
    """

    speed = math.inf

    def __init__(self, start: float = EPOCH) -> None:
        self._start = start
        self._now = 0.0
        self._lock = threading.RLock()
        self._sleepers: list[tuple[float, int, Future[None], AbstractEventLoop]] = []
        self._count = itertools.count()
        self._holding = 0
        self._round = 0
        self._parked: Counter[AbstractEventLoop] = Counter()
        self._idle: set[AbstractEventLoop] = set()
        self._woken: set[AbstractEventLoop] = set()

    def time(self) -> float:
        """Return the virtual Unix time in seconds."""
        return self._start + self._now

    def monotonic(self) -> float:
        """Return virtual seconds since the clock was made."""
        return self._now

    async def sleep(self, seconds: float) -> None:
        """Park the caller until virtual time reaches that moment; cancelling unparks it."""
        if seconds <= 0:
            await super().sleep(0)
            return
        loop = asyncio.get_running_loop()
        future = loop.create_future()
        holds = tuple(_open_holds())
        with self._lock:
            heapq.heappush(self._sleepers, (self._now + seconds, next(self._count), future, loop))
            self._parked[loop] += 1
            self._let_go(holds)
            self._watch()
        try:
            await future
        finally:
            future.cancel()
            with self._lock:
                self._unpark(loop)
                self._take_back(holds)
                self._watch()

    @contextlib.contextmanager
    def working(self) -> Iterator[None]:
        """Hold virtual time still while the block runs, in a coroutine or a thread."""
        owner = _owner()
        if any(hold.owner == owner for hold in _open_holds()):
            yield
            return
        outer = _hold.get()
        hold = _Hold(owner, outer)
        with self._lock:
            self._holding += 1
            self._round += 1
        _hold.set(hold)
        try:
            yield
        finally:
            _hold.set(outer)
            with self._lock:
                hold.open = False
                self._holding -= not hold.asleep
                self._watch()

    def _let_go(self, holds: tuple[_Hold, ...]) -> None:
        for hold in holds:
            self._holding -= hold.open and not hold.asleep
            hold.asleep += 1

    def _take_back(self, holds: tuple[_Hold, ...]) -> None:
        for hold in holds:
            hold.asleep -= 1
            self._holding += hold.open and not hold.asleep

    def _unpark(self, loop: AbstractEventLoop) -> None:
        self._parked[loop] -= 1
        if not self._parked[loop]:
            del self._parked[loop]
        if len(self._sleepers) > 2 * self._parked.total() + 64:
            self._sleepers = [sleeper for sleeper in self._sleepers if not sleeper[2].done()]
            heapq.heapify(self._sleepers)

    def _loops(self) -> set[AbstractEventLoop]:
        """Return the loops that must be idle before time may jump."""
        return {loop for loop in {*self._parked, *self._woken} if loop.is_running()}

    def _watch(self) -> None:
        """Begin a new round of asking every loop whether it is idle."""
        self._round += 1
        self._idle.clear()
        if self._holding or not self._sleepers:
            return
        for loop in self._loops():
            self._ask(loop)

    def _ask(self, loop: AbstractEventLoop) -> None:
        call_soon = loop.call_soon if loop is _running() else loop.call_soon_threadsafe
        with contextlib.suppress(RuntimeError):
            call_soon(self._answer, loop, self._round)

    def _answer(self, loop: AbstractEventLoop, asked: int) -> None:
        with self._lock:
            if asked != self._round or self._holding:
                return
            if not _idle(loop):
                # a timer, not call_soon: two clocks on one loop would each keep the other's loop busy
                loop.call_later(0, self._answer, loop, asked)
                return
            self._idle.add(loop)
            waited_for = self._loops()
            if waited_for - self._idle or not all(map(_idle, waited_for)):
                loop.call_later(0.001, self._answer, loop, asked)
                return
            self._jump()

    def _jump(self) -> None:
        """Move time to the earliest sleeper and wake everyone due at that instant."""
        self._woken.clear()
        while self._sleepers and self._sleepers[0][2].done():
            heapq.heappop(self._sleepers)
        if not self._sleepers or self._sleepers[0][0] == math.inf:
            return
        self._now = max(self._now, self._sleepers[0][0])
        while self._sleepers and self._sleepers[0][0] <= self._now:
            _, _, future, loop = heapq.heappop(self._sleepers)
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(_wake, future)
                self._woken.add(loop)
        self._watch()
