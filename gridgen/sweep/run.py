"""What all parts of a run are given: its jobs, the folder's journal, and the client, which may be exchanged meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gridgen.journal import Sender
from gridgen.spending import key_budget

if TYPE_CHECKING:
    from gridgen.client import Client
    from gridgen.journal import Journal
    from gridgen.sweep.work_queue import WorkQueue

__all__ = ["Run"]


class Run:
    """One run of a sweep, as all its parts see it; on the engine's loop only.

    A part may keep the queue, the journal and the clock, which stay. It asks for the client
    each time that it needs one.

    Parameters
    ----------
    client : Client
    journal : Journal
    queue : WorkQueue

    Attributes
    ----------
    client : Client
        Whom the next request goes to.
    sender : Sender
        What the journal notes of it.
    clock : Clock
        That of the first client: due times are told by it, whoever takes that one's place.
    key_budget : KeyBudget or None
        What the client's key may cost over all sweeps.
    open : int
        How many tasks of this run have a place in the window of the client's key.
    """

    def __init__(self, client: Client, journal: Journal, queue: WorkQueue) -> None:
        self.client, self.journal, self.queue = client, journal, queue
        self.sender = self._sender(client)
        self.key_budget = key_budget(client)
        self.clock = queue.clock
        self.open = 0

    def use(self, client: Client) -> None:
        """Go on with another client of the same service: what leaves from now on leaves under its key.

        What is on its way comes back by the client that it left by.
        """
        # nothing is awaited between these lines, so no part finds one client's key beside the other's pace or sender
        self.client.pace.count(-self.open)
        self.client, self.sender = client, self._sender(client)
        self.key_budget = key_budget(client)
        client.pace.count(self.open)
        self.queue.wake()

    def count(self, more: int) -> None:
        """Take so many more places in the window of the client's key, or give them back."""
        self.open += more
        self.client.pace.count(more)

    @property
    def others(self) -> int:
        """How many open tasks of the key are not this run's."""
        return self.client.pace.open - self.open

    def _sender(self, client: Client) -> Sender:
        return Sender(client.host, client.fingerprint(self.journal.salt))
