"""The simulated server's own books: every submission that it accepted, and its price."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, overload

from gridgen.money import Dollars, dollars

if TYPE_CHECKING:
    from collections.abc import Callable
    from decimal import Decimal

__all__ = ["Ledger", "LedgerEntry"]


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """One accepted submission.

    Attributes
    ----------
    task_id : str
        The task that it made.
    model : str
        Model named in the body.
    body : dict
        The body as read.
    raw : bytes
        The body as received.
    api_key_id : str
        Fingerprint of the key; never the key.
    idempotency_key : str or None
        As received.
    accepted_at : float
        Unix time on the simulator's clock, in seconds.
    cost : Decimal
        What was charged, in USD.
    refunded : bool
        Whether it was given back, the task having failed.
    ignored : tuple of str
        Names of fields in the body that had no effect.
    """

    task_id: str
    model: str
    body: dict[str, Any]
    raw: bytes
    api_key_id: str
    idempotency_key: str | None
    accepted_at: float
    cost: Decimal
    refunded: bool
    ignored: tuple[str, ...] = ()


class Ledger(Sequence[LedgerEntry]):
    """All accepted submissions in order of acceptance, as they stand at each look.

    Parameters
    ----------
    count : callable
        Returns how many there are.
    entry : callable
        Returns the entry of an index from 0.
    """

    def __init__(self, count: Callable[[], int], entry: Callable[[int], LedgerEntry]) -> None:
        self._count = count
        self._entry = entry

    def __repr__(self) -> str:
        return f"<Ledger: {len(self)} accepted, {dollars(self.billed)} billed>"

    def __len__(self) -> int:
        return self._count()

    @overload
    def __getitem__(self, index: int) -> LedgerEntry: ...
    @overload
    def __getitem__(self, index: slice) -> list[LedgerEntry]: ...
    def __getitem__(self, index: int | slice) -> LedgerEntry | list[LedgerEntry]:
        chosen = range(len(self))[index]
        if isinstance(chosen, range):
            return [self._entry(at) for at in chosen]
        return self._entry(chosen)

    @property
    def billed(self) -> Decimal:
        """What the account has paid and not got back, in USD."""
        return Dollars(sum(entry.cost for entry in self if not entry.refunded))
