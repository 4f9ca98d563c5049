"""A person's Ctrl-C, at a moment of a test's choice, in the verb that it is meant for and nowhere else."""

from __future__ import annotations

import contextlib
import signal
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

__all__ = ["Interrupts"]

TAKEN = 0.2
"""Longest real seconds for which the thread that sends one waits until it has arrived."""


class Interrupts:
    """Sends the main thread what a terminal or the stop button of a notebook sends it.

    Attributes
    ----------
    struck : bool
        Whether the latest verb was interrupted.
    """

    def __init__(self) -> None:
        self.struck = False
        self._open = self._sent = False
        self._taken = threading.Event()

    @contextlib.contextmanager
    def heeded(self) -> Iterator[None]:
        """Take care of what is sent, as long as the block runs; a real Ctrl-C stays one."""
        before = signal.signal(signal.SIGINT, self._arrived)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)

    def _arrived(self, _: int, frame: FrameType | None) -> None:
        if _is_dropped(frame):
            threading.Timer(
                0.001, signal.pthread_kill, (threading.main_thread().ident, signal.SIGINT)
            ).start()
            return
        sent, self._sent = self._sent, False
        self._taken.set()
        if self._open or not sent:
            self._open, self.struck = False, True
            raise KeyboardInterrupt

    def send(self) -> None:
        """Send one, from any thread; the caller goes on when it has arrived, or is known to be late."""
        if self._open:
            self._taken.clear()
            self._sent = True
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
            self._taken.wait(TAKEN)

    def during(self, verb: Callable[[], object], seconds: float) -> None:
        """Call a verb that may be interrupted, and is after so many seconds of real time.

        Raises
        ------
        KeyboardInterrupt
            If it was.
        """
        impatient = threading.Timer(seconds, self.send)
        impatient.start()
        self.struck, self._open = False, True
        try:
            verb()
        finally:
            self._open = False
            impatient.cancel()
            impatient.join()


def _is_dropped(frame: FrameType | None) -> bool:
    """Whether Python would drop an exception that is raised here: a callback of a weak reference or of its collector runs."""
    while frame is not None:
        callback = frame.f_code.co_name in {"__del__", "gc_callback"}
        if callback or frame.f_code.co_filename.endswith(("weakref.py", "_weakrefset.py")):
            return True
        frame = frame.f_back
    return False
