"""The clock that every wait, deadline, rate and stamp goes through.

A client owns one clock. The real one is the default; a simulator brings its
own, scaled or virtual, so that both sides agree on what a second is.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import math
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Clock", "SteadyClock", "boot_id", "of_the_person", "of_the_wire"]

DOUBT = 5.0
"""Seconds by which an answer's date may differ from the clock: it has whole seconds, and was on its way."""

LITTLE, FARTHEST = 300.0, 2 * 3600.0
"""Seconds by which any answer, and one before others have confirmed the clock, may set it right alone."""

OUR_DAYS = 1_735_689_600.0
"""Unix seconds that are over wherever this runs: the beginning of 2025."""


class Clock:
    """Real time, and the interface of every other clock.

    Seconds are floats. `time` is for stamps that others see (Unix time),
    `monotonic` for waits and rates.

    Attributes
    ----------
    speed : float
        How many of its seconds pass in one of the machine's; infinity where time jumps.
    """

    speed: float = 1.0

    def time(self) -> float:
        """Return the current Unix time in seconds."""
        return time.time()  # noqa: TID251 - this is the one place that reads it

    def monotonic(self) -> float:
        """Return seconds from an arbitrary start; never goes back."""
        return time.monotonic()  # noqa: TID251 - this is the one place that reads it

    def slept(self) -> float:
        """Return the seconds that the machine has slept and `monotonic` did not count."""
        return _slept()

    def hear(self, server_time: float, asked: float | None = None) -> None:
        """Take in what time it was at the server, in Unix seconds, when it answered what was asked at `asked`."""

    def era(self) -> str:
        """Name the stretch of time over which `monotonic` may be compared, between processes too."""
        return boot_id()

    async def sleep(self, seconds: float) -> None:
        """Wait; a delay of zero or less yields to other tasks once."""
        await asyncio.sleep(max(0.0, seconds))  # noqa: TID251 - this is the one place that waits

    @contextlib.contextmanager
    def working(self) -> Iterator[None]:
        """Hold virtual time still while the block runs; real time cannot be held."""
        yield


class SteadyClock(Clock):
    """A clock on which setting the time of day changes nothing.

    It takes the time of day once and goes on from there by the monotonic clock,
    sleep included. Where the server's answers show that it is wrong, it is set
    right by them: by one answer where it is off by minutes, or may never have been right,
    else by two in a row that agree, as the date of a single one may be anything.

    Parameters
    ----------
    source : Clock, optional
        The machine's clock by default.
    """

    def __init__(self, source: Clock | None = None) -> None:
        self._source = source or Clock()
        self.speed = self._source.speed
        self._base = self._source.time() - self._elapsed()
        self._confirmed = False
        self._doubted = math.nan

    def time(self) -> float:
        """Return the Unix time in seconds, whatever the machine's time of day was set to meanwhile."""
        return self._base + self._elapsed()

    def monotonic(self) -> float:
        """Return the source's seconds from an arbitrary start."""
        return self._source.monotonic()

    def slept(self) -> float:
        """Return the seconds that the source did not count."""
        return self._source.slept()

    def era(self) -> str:
        """Name the stretch of time over which the source's seconds may be compared."""
        return self._source.era()

    def hear(self, server_time: float, asked: float | None = None) -> None:
        """Set itself right by a server's whole seconds, where it is off by more than a few.

        An answer may have been on its way for long, or have slept with the machine: only
        one that was given before it was asked for, or after it came, shows anything.
        """
        now = self.time()
        off = server_time + 0.5 - now
        if (now if asked is None else asked) <= server_time + 0.5 <= now:
            off = 0.0
        agreed, self._doubted = abs(off - self._doubted) <= DOUBT, off
        if abs(off) <= DOUBT:
            self._confirmed = True
        elif self._believes(abs(off), agreed=agreed):
            self._base += off

    def _believes(self, off: float, *, agreed: bool) -> bool:
        """Whether an answer that is off by more than a few seconds is right, and the clock is not."""
        never_right = not self._confirmed and (off <= FARTHEST or self.time() < OUR_DAYS)
        return off <= LITTLE or agreed or never_right

    async def sleep(self, seconds: float) -> None:
        """Wait as the source does."""
        await self._source.sleep(seconds)

    @contextlib.contextmanager
    def working(self) -> Iterator[None]:
        """Hold the source still, where it can be held."""
        with self._source.working():
            yield

    def _elapsed(self) -> float:
        return self._source.monotonic() + self._source.slept()


def of_the_wire(clock: Clock) -> Clock:
    """Return the clock that a transport's timeouts go by: the machine's, unless time jumps."""
    return clock if clock.speed == math.inf else Clock()


def of_the_person(clock: Clock, at: float) -> float:
    """Return what a person's watch shows, in Unix seconds, when a clock shows that; of a clock that jumps, what it shows."""
    if clock.speed in {1.0, math.inf}:
        return at
    return Clock().time() + (at - clock.time()) / clock.speed


def _slept() -> float:
    """Return by how much a clock that counts sleep is ahead of the monotonic one, where there is one."""
    name = "CLOCK_BOOTTIME" if hasattr(time, "CLOCK_BOOTTIME") else "CLOCK_MONOTONIC"
    if not hasattr(time, name):
        return 0.0
    try:
        return max(0.0, time.clock_gettime(getattr(time, name)) - time.monotonic())  # noqa: TID251 - as above
    except OSError:  # pyodide names a clock that it does not have
        return 0.0


@functools.cache
def boot_id() -> str:
    """Name the run of this machine since it was last started.

    Where the system does not tell, each process is a run of its own.
    """
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return uuid.uuid4().hex
