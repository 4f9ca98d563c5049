"""Virtual time that goes on a little at each reading, as real time does."""

from __future__ import annotations

from gridgen.simulator.clock import VirtualClock

STEP = 1e-3
"""Seconds that each reading takes: as on a machine that is busy with other things."""


class CreepingClock(VirtualClock):
    """A virtual clock of which no two readings are the same.

    Between two of its jumps a virtual clock stands still, so that it cannot show what
    comes of a decision and the time to look at it again taken from two readings.
    """

    def time(self) -> float:
        """Return the virtual Unix time in seconds, a little later each time."""
        self._creep()
        return super().time()

    def monotonic(self) -> float:
        """Return virtual seconds since the clock was made, a little more each time."""
        self._creep()
        return super().monotonic()

    def _creep(self) -> None:
        with self._lock:
            self._now += STEP
