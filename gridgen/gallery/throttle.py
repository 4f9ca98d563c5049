"""How much is sent to the browser: little at once, and only so much a second."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from gridgen._loop import engine

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Throttle"]

RATE = 22_000.0
"""Bytes a second in the long run."""
BURST = 22_000.0
"""Bytes that may go at once after a rest; with `RATE` under 50 kB in any second."""


class Throttle:
    """Sends at once while there is room, and otherwise later all that has gathered.

    Parameters
    ----------
    send : callable
        Sends what there is and returns its size in bytes, 0 for nothing.
    """

    def __init__(self, send: Callable[[], int]) -> None:
        self._send = send
        self._loop = engine().loop
        self._lock = threading.Lock()
        self._owed = 0.0
        self._since = self._loop.time()
        self._waits = False

    def open(self) -> None:
        """Send now, or as soon as what was sent before has passed."""
        with self._lock:
            wait = self._wait()
            if wait <= 0:
                self._owed += self._send()
            elif not self._waits:
                self._waits = True
                self._loop.call_soon_threadsafe(self._loop.call_later, wait, self._again)

    def _again(self) -> None:
        with self._lock:
            self._waits = False
        self.open()

    def _wait(self) -> float:
        """Return the seconds until there is room."""
        now = self._loop.time()
        self._owed = max(0.0, self._owed - (now - self._since) * RATE)
        self._since = now
        return (self._owed - BURST) / RATE
