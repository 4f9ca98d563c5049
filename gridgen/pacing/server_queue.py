"""Which tasks the server works on and which wait there, as far as its answers tell: pure.

Servers with a fixed number of slots serve in order of arrival. So one look at
a task says something of all before it or all after it, and a task that ends
tells when the next one began, though nobody asked it.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Hashable

__all__ = ["ServerQueue"]

T = TypeVar("T", bound="Hashable")

UNOBSERVED = 16
"""Tasks that may be open without any sign whether they are worked on, or as many as gave one."""

ROOM, MOST_ROOM = 8, 64
"""Tasks that may wait while turns do not come as expected: to begin with, and when many began by themselves."""

LOOK_SOON, LOOK_AHEAD, LONGEST_LOOK = 0.5, 10.0, 300.0
"""Seconds between looks where submissions wait for a sign, and to check the number of slots."""

TRUSTED = 3
"""Turns that came as expected before the number of slots is believed."""


class ServerQueue(Generic[T]):
    """The open tasks of one account, in the order in which they came.

    Attributes
    ----------
    running : dict
        Tasks believed to be worked on, with the time since when.
    waiting : dict
        Tasks believed to wait for a slot, first come first; the values mean nothing.
    slots : int or None
        How many are worked on while others wait; None where none was seen to wait.
    """

    def __init__(self) -> None:
        self.running: dict[T, float] = {}
        self.waiting: dict[T, None] = {}
        self.slots: int | None = None
        self._unobserved: dict[T, None] = {}
        self._promoted: dict[T, None] = {}
        self._turns = 0
        self._room = ROOM
        self._extra = 2
        self._next_look = 0.0
        self._look_ahead = LOOK_AHEAD
        self._looked_behind = False

    @property
    def trusted(self) -> bool:
        """Whether turns come as expected."""
        return self._turns >= TRUSTED

    def full(self, extra: int) -> bool:
        """Whether more would only wait: `extra` wait already, or there is no sign of too many."""
        self._extra = extra
        if self.waiting:
            return len(self.waiting) >= max(extra, self._room)
        return len(self._unobserved) >= max(UNOBSERVED, len(self.running) - len(self._unobserved))

    def join(self, task: T, at: float) -> None:
        """Take in a task that was accepted."""
        if self.waiting or (self.slots is not None and len(self.running) >= self.slots):
            self.waiting[task] = None
            return
        self.running[task] = at
        if self.slots is None:
            self._unobserved[task] = None

    def position(self, task: T) -> int:
        """Return how many wait up to this task, itself included; 0 when it does not wait."""
        return list(self.waiting).index(task) + 1 if task in self.waiting else 0

    def leave(self, task: T, at: float) -> list[T]:
        """Take in that a task has ended; return those whose turn has come thereby, or before."""
        begun = [each for each in self.saw_running(task, at) if each is not task]
        return [*begun, *self.drop(task, at)]

    def drop(self, task: T, at: float) -> list[T]:
        """Take in that a task is no longer there, whatever became of it; return whose turn has come."""
        self.waiting.pop(task, None)
        was_running = self.running.pop(task, None) is not None
        self._unobserved.pop(task, None)
        self._promoted.pop(task, None)
        if not was_running or not self.waiting or self.slots is None or len(self.running) >= self.slots:
            return []
        first = next(iter(self.waiting))
        del self.waiting[first]
        self.running[first] = at
        self._promoted[first] = None
        return [first]

    def saw_running(self, task: T, at: float) -> list[T]:
        """Take in that a task is worked on; return those that were believed to wait and do not."""
        if task in self._promoted:
            del self._promoted[task]
            self._turns += 1
            self._room //= 2
        self._hear(task)
        if task not in self.waiting:
            return []
        begun = _up_to(self.waiting, task)
        for each in begun:
            del self.waiting[each]
            self.running[each] = at
        if self.slots is None or len(self.running) > self.slots + self._extra:
            self._turns, self._look_ahead = 0, LOOK_AHEAD
            self._room = min(MOST_ROOM, max(ROOM, 2 * self._room))
            self.slots = None if self.slots is None else len(self.running)
        self._next_look = 0.0
        return begun

    def saw_waiting(self, task: T) -> list[T]:
        """Take in that a task waits; return those that were believed to be worked on and are not."""
        if task not in self.running:
            return []
        later = [task, *_after(self._unobserved, task), *_after(self._promoted, task)]
        for each in later:
            del self.running[each]
            self._unobserved.pop(each, None)
            self._promoted.pop(each, None)
        self.waiting = {**dict.fromkeys(later), **self.waiting}
        self.slots = len(self.running) or None
        self._turns, self._look_ahead = 0, LOOK_AHEAD
        if not self.running:
            self._room = MOST_ROOM
        return later

    def look(self, now: float) -> T | None:
        """Return the task that a question now would tell most about, None when none is needed."""
        if now < self._next_look:
            return None
        if self._unobserved and self.waiting:
            self._next_look = now + LOOK_SOON
            return next(islice(self._unobserved, len(self._unobserved) // 2, None))
        if self._unobserved and self.full(self._extra):
            self._next_look = now + LOOK_SOON
            return next(reversed(self._unobserved))
        if not self.waiting:
            return None
        self._next_look = now + self._look_ahead
        self._look_ahead = min(LONGEST_LOOK, 1.5 * self._look_ahead)
        self._looked_behind = not self._looked_behind
        return next(reversed(self._promoted if self._looked_behind and self._promoted else self.waiting))

    @property
    def next_look(self) -> float:
        """When a look may be worth a question again, infinity when there is nothing to look for."""
        worth = bool(self.waiting) or (bool(self._unobserved) and self.full(self._extra))
        return self._next_look if worth else float("inf")

    def _hear(self, task: T) -> None:
        """Note a sign of a task: all that came before it are worked on as well."""
        if task in self._unobserved:
            for each in _up_to(self._unobserved, task):
                del self._unobserved[each]


def _up_to(tasks: dict[T, None], last: T) -> list[T]:
    return list(islice(tasks, list(tasks).index(last) + 1))


def _after(tasks: dict[T, None], first: T) -> list[T]:
    if first not in tasks:
        return []
    return list(islice(tasks, list(tasks).index(first) + 1, None))
