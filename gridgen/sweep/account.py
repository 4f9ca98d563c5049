"""Comparing what a key was charged with what its sweeps were told: the account's word against the journals'."""

from __future__ import annotations

import asyncio
import contextlib
import math
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import TYPE_CHECKING

from gridgen._loop import engine
from gridgen.money import NOTHING, reconcile

if TYPE_CHECKING:
    from collections.abc import Iterator
    from decimal import Decimal

    from gridgen.client import Client
    from gridgen.money import ClipKey, Commitments, Outlay

__all__ = ["Reconciliation", "doubt"]

PATIENCE = 3.0
"""Seconds that the account's answer is waited for, before a run and after it; without one nothing is said."""


@dataclass(slots=True)
class _Window:
    """What happened under one key from a sweep's beginning to the end of the last that runs at the same time.

    ``used`` is None where nobody can tell; ``behind`` is what the account had not booked at the end.
    """

    beginning: asyncio.Lock = field(default_factory=asyncio.Lock)
    used: Decimal | None = None
    behind: Decimal = NOTHING
    foreign: int | None = None
    running: set[Reconciliation] = field(default_factory=set)
    attempts: list[Outlay] = field(default_factory=list)


class Reconciliation:
    """One run's part in it; all of it on the engine's loop.

    Parameters
    ----------
    client : Client
    commitments : Commitments
        Of the run's clips, kept up to date by who hears the journal.
    """

    def __init__(self, client: Client, commitments: Commitments) -> None:
        self._client, self._commitments = client, commitments
        self._before: dict[ClipKey, tuple[Outlay, ...]] = {}
        self._window = engine().shared(_windows).setdefault(_key(client), _Window())

    async def begin(self, *, submits: bool) -> None:
        """Note what the key has used, unless nothing will be sent, or another sweep of it is at work and has done so."""
        self._before, window = self._commitments.outlays(), self._window
        # what another sweep is asking for must not hold a clip of this one already
        async with window.beginning:
            first = not window.running
            window.running.add(self)
            if first:
                window.used, window.attempts = None, []
            if first and submits:
                window.used, window.foreign = await _used(self._client), _foreign(self._client)
            elif not first and self._client.is_simulator:
                # it has just taken in what the folder's earlier runs have cost
                window.used = None

    async def end(self) -> Decimal:
        """Return the USD that the key was charged beyond what its sweeps know of, 0 where nobody can tell.

        Of sweeps that run at the same time the last to end is told. What was settled before, and what
        another process may have caused, is left out.
        """
        window = self._window
        window.attempts += self._unsettled()
        if window.running != {self} or window.used is None or not window.attempts:
            return NOTHING
        before, used = window.used, await _used(self._client)
        alone = window.used == before and window.running == {self} and window.foreign is not None
        if used is None or not alone or window.foreign != _foreign(self._client):
            return NOTHING
        more, window.behind = reconcile(used - before, window.attempts, window.behind)
        return more

    def leave(self) -> None:
        """Take no further part, whether it has come to its end or not."""
        self._window.running.discard(self)

    def _unsettled(self) -> Iterator[Outlay]:
        """Yield the attempts that may have been billed since the beginning."""
        for key, outlays in self._commitments.outlays().items():
            for now, before in zip_longest(outlays, self._before.get(key, ())):
                if now is not None and not (before is not None and before.settled):
                    yield now


def doubt(*clients: Client) -> None:
    """Let nothing be told of these keys' runs: a sweep has changed from one to the other."""
    for client in clients:
        engine().shared(_windows).setdefault(_key(client), _Window()).used = None


def _windows() -> dict[tuple[str, str], _Window]:
    """Return an empty table of windows, one for each key."""
    return {}


def _key(client: Client) -> tuple[str, str]:
    return client.base_url, client.fingerprint(client.base_url)


async def _used(client: Client) -> Decimal | None:
    """Return the USD that the key has used; whatever goes wrong with that is nobody's trouble."""
    ask = asyncio.create_task(_asked(client))
    try:
        await asyncio.wait({ask}, timeout=PATIENCE)
        return ask.result() if ask.done() else None
    finally:
        ask.cancel()


async def _asked(client: Client) -> Decimal | None:
    with contextlib.suppress(Exception):
        return await client.wire.used()
    return None


def _foreign(client: Client) -> int | None:
    """Return how often other processes were seen to use the key; none can where time jumps, which it does here alone."""
    if client.clock.speed == math.inf:
        return 0
    return None if client.limiter is None else client.limiter.foreign()
