"""The ledger that several machines share: who makes which clip, and what all of it has cost or may cost.

Each machine has its own folder with its own journal, clips and wall. Before a submission
leaves, its clip, its money and its turn are claimed here, for all machines in one step; what
becomes of it is told here, and the others take it into their journals. A claim whose
process dies is unknown, and is never submitted again unasked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gridgen.ledger.address import Address, address
from gridgen.ledger.values import (
    DAY,
    FREED,
    TEAM,
    Claim,
    Entry,
    Holder,
    Money,
    Reply,
    day_of,
    money_of,
    named,
    project_of,
)

if TYPE_CHECKING:
    from gridgen.ledger.tables import Tables

__all__ = [
    "DAY",
    "FREED",
    "TEAM",
    "Address",
    "Claim",
    "Entry",
    "Holder",
    "Money",
    "Reply",
    "address",
    "day_of",
    "money_of",
    "named",
    "open_ledger",
    "project_of",
]


def open_ledger(where: Address) -> Tables:
    """Return the ledger at an address; the connection is made when it is needed."""
    if where.path is not None:
        from gridgen.ledger.sqlite import SQLite

        return SQLite(where)
    from gridgen.ledger.postgres import Postgres

    return Postgres(where)
