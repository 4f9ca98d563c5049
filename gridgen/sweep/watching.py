"""Who watches a sweep, and when each is told what has changed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gridgen._loop import engine
from gridgen.clock import Clock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from gridgen.journal import Row

__all__ = ["INTERVAL", "LEISURE", "Watchers"]

INTERVAL = 0.2
"""Shortest time between two messages to a watcher, in seconds of real time."""

LEISURE = 10.0
"""How much longer than showing a sweep took is waited before it is shown again: large ones are shown less often."""


@dataclass(eq=False, slots=True)
class _Watcher:
    callback: Callable[[tuple[Row, ...]], None]
    dirty: set[int] = field(default_factory=set)
    due: bool = False
    interval: float = INTERVAL


class Watchers:
    """The callbacks of those who watch, all called on the engine's thread.

    Parameters
    ----------
    rows : callable
        Returns all rows as they were last heard.
    refresh : callable
        Brings them up to date, for somebody who begins to watch.
    """

    def __init__(self, rows: Callable[[], Sequence[Row]], refresh: Callable[[], None]) -> None:
        self._rows, self._refresh = rows, refresh
        self._watchers: list[_Watcher] = []

    def __len__(self) -> int:
        return len(self._watchers)

    def add(self, callback: Callable[[tuple[Row, ...]], None]) -> Callable[[], None]:
        """Call back with all rows soon and with changed ones later; from any thread.

        Returns
        -------
        callable
            Ends the watching.
        """
        watcher, loop = _Watcher(callback), engine().loop
        loop.call_soon_threadsafe(self._begin, watcher)

        def stop() -> None:
            loop.call_soon_threadsafe(self._end, watcher)

        return stop

    def mark(self, indices: Iterable[int]) -> None:
        """Note that rows have changed, or with none that something else has; on the engine's loop."""
        changed = tuple(indices)
        for watcher in self._watchers:
            watcher.dirty.update(changed)
            if not watcher.due:
                watcher.due = True
                engine().loop.call_later(watcher.interval, self._flush, watcher)

    def _begin(self, watcher: _Watcher) -> None:
        self._refresh()
        watcher.dirty.update(range(len(self._rows())))
        self._watchers.append(watcher)
        self._flush(watcher)

    def _end(self, watcher: _Watcher) -> None:
        if watcher in self._watchers:
            self._watchers.remove(watcher)

    def _flush(self, watcher: _Watcher) -> None:
        watcher.due = False
        changed, watcher.dirty = sorted(watcher.dirty), set()
        if watcher in self._watchers:
            begun = Clock().monotonic()
            rows = self._rows()
            watcher.callback(tuple(rows[index] for index in changed))
            watcher.interval = max(INTERVAL, LEISURE * (Clock().monotonic() - begun))
