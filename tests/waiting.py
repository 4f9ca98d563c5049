"""Waiting in real time for what another thread or process brings about."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def until(holds: Callable[[], object], seconds: float = 30.0) -> None:
    """Ask every 10 ms whether something holds, and go on as soon as it does.

    Raises
    ------
    TimeoutError
        If it does not come about in time.
    """
    for _ in range(round(seconds * 100)):
        if holds():
            return
        threading.Event().wait(0.01)
    msg = f"it did not come about in {seconds} s"
    raise TimeoutError(msg)
