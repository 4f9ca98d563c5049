"""The clock that every wait, deadline, rate and stamp goes through.

A client owns one clock. The real one is the default; a simulator brings its
own, scaled or virtual, so that both sides agree on what a second is.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Clock", "boot_id"]


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


@functools.cache
def boot_id() -> str:
    """Name the run of this machine since it was last started.

    Where the system does not tell, each process is a run of its own.
    """
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return uuid.uuid4().hex
