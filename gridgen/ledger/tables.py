"""What a ledger does on any database; the two that there are differ in how they lock and what they call things."""

from __future__ import annotations

import json
import logging
from abc import ABC, abstractmethod
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from gridgen.ledger.values import DAY, NANO, TEAM, Claim, Entry, Holder, Money, Reply, named
from gridgen.money import Cap, ClipKey, Sums
from gridgen.states import ATTEMPTED, FINAL, FOLLOWED, LIVE, VACANT, State

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

__all__ = ["HELD", "KEPT", "SETTLED", "SILENT_AFTER", "VERSION", "Tables"]

VERSION = 1
SILENT_AFTER = 15.0
"""Seconds without a sign of life after which a process is taken for dead."""

MOST_TAKEN = 50
"""How many tasks of dead processes one takes over at once, so that several share them."""

HELD = tuple(sorted(LIVE))
"""What nobody else may claim, and no person either."""

KEPT = tuple(sorted(FINAL))
"""What one process has brought to its end is no other's to change."""

SETTLED = tuple(sorted(VACANT))
"""In whose place another attempt may stand, whatever was heard of it."""

_log = logging.getLogger("gridgen")


class Tables(ABC):
    """One ledger, used by one process from any of its threads, one call at a time."""

    REV: str
    """SQL for the number of the change that is being made."""
    SINCE: str
    """SQL for the number from which on a later look has to read."""
    NOW: str
    """SQL for the database's time in Unix seconds."""
    LOCK: str
    """What follows a selection of rows that another process may not take at the same time."""

    @abstractmethod
    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Run one statement, with ``?`` for each value, and return its rows."""

    @abstractmethod
    def many(self, sql: str, values: Iterable[Sequence[Any]]) -> None:
        """Run one statement for each of these, all of them or none."""

    @abstractmethod
    def claim(self, holder: Holder, claim: Claim) -> Reply:
        """Note that a clip is about to be submitted, if nobody else has it and money and rate allow it.

        The caller may submit after ``YES`` and a number; it counts from then on, for all.
        """

    @abstractmethod
    def tell(self, holder: Holder, entries: Sequence[Entry]) -> None:
        """Note what has become of attempts: those of a number that is there, or of clips that nobody knows."""

    @abstractmethod
    def close(self) -> None:
        """Close the connection; it is opened again when needed."""

    def salt(self) -> str:
        """Return what goes into the names of accounts, so that they tell nothing elsewhere."""
        ((found,),) = self.rows("SELECT value FROM meta WHERE name = 'salt'")
        return str(found)

    def join(self, holder: Holder, project: str, cells: Collection[tuple[str, str]]) -> None:
        """Take part: give a sign of life, and let a budget count all clips of some cells, noted before or later."""
        self.beat(holder)
        if not self.rows("SELECT name FROM cap WHERE name = ?", (project,)):
            self._found(project, [f"{origin} {cell}" for origin, cell in cells])

    @abstractmethod
    def _found(self, project: str, cells: list[str]) -> None:
        """Make a budget that counts these cells, in one transaction."""

    def beat(self, holder: Holder) -> None:
        """Give a sign of life, and note what dead processes were sending as unknown: nobody knows what became of it."""
        told = (holder.token, holder.host, holder.pid)
        self.rows(
            f"INSERT INTO holder VALUES (?, ?, ?, {self.NOW}) ON CONFLICT (token) DO UPDATE SET seen = {self.NOW} "
            "RETURNING token",
            told,
        )
        dead = self.rows(
            f"UPDATE attempt SET state = '{State.UNKNOWN}', rev = {self.REV} WHERE state = '{State.SENDING}' "
            f"AND holder NOT IN (SELECT token FROM holder WHERE seen > {self.NOW} - ?) RETURNING cell, take",
            (SILENT_AFTER,),
        )
        for cell, take in dead:
            _log.info(
                "what became of cell %s, take %s is unknown: its process died while it was sent",
                cell[:8],
                take,
            )

    def leave(self, holder: Holder) -> None:
        """Take part no more: what is left is for others to follow."""
        self.rows("UPDATE holder SET seen = 0 WHERE token = ? RETURNING token", (holder.token,))

    def take_over(self, holder: Holder, project: str) -> list[ClipKey]:
        """Take over some tasks that dead processes followed; returns whose tasks they are."""
        states = ", ".join(f"'{state}'" for state in sorted(FOLLOWED))
        found = self.rows(
            f"UPDATE attempt SET holder = ?, rev = {self.REV} WHERE (origin, cell, take, n) IN ("
            f"SELECT origin, cell, take, n FROM attempt WHERE state IN ({states}) "
            f"AND holder NOT IN (SELECT token FROM holder WHERE seen > {self.NOW} - ?) "
            f"AND origin || ' ' || cell IN (SELECT cell FROM member WHERE cap = ?) LIMIT {MOST_TAKEN}{self.LOCK}) "
            "RETURNING origin, cell, take",
            (holder.token, SILENT_AFTER, project),
        )
        return [ClipKey(*each) for each in found]

    def news(self, project: str, since: int = 0) -> tuple[list[Entry], int]:
        """Return the attempts of a project that have changed since an earlier look, the earliest of a clip first.

        Returns
        -------
        list of Entry, and int
            What to give as ``since`` the next time; a change may be told twice, and none is left out.
        """
        # the number is read first: what commits between the two is told again
        ((later,),) = self.rows(f"SELECT {self.SINCE}")
        found = self._entries(
            "rev >= ? AND origin || ' ' || a.cell IN (SELECT cell FROM member WHERE cap = ?)",
            (since, project),
        )
        return found, int(later)

    def of_clip(self, clip: ClipKey) -> list[Entry]:
        """Return all attempts of a clip, the earliest first."""
        return self._entries("(origin, a.cell, take) = (?, ?, ?)", tuple(clip))

    def _entries(self, which: str, values: tuple[Any, ...]) -> list[Entry]:
        found = self.rows(
            "SELECT origin, a.cell, take, n, name, state, nano, unpriced, a.holder, coalesce(h.host, ''), "
            f"coalesce(h.seen > {self.NOW} - ?, ?), told, day FROM attempt a LEFT JOIN holder h ON h.token = a.holder "
            f"WHERE {which} ORDER BY n",
            (SILENT_AFTER, False, *values),
        )
        return [_entry(each) for each in found]

    def sums(self, names: Iterable[str]) -> dict[str, tuple[Decimal | None, Sums]]:
        """Return each of some budgets in USD, where it is kept in the ledger itself, and what is committed under it."""
        found = {}
        for name in names:
            for usd, nano, unpriced in self.rows(
                "SELECT usd, nano, unpriced FROM cap WHERE name = ?", (name,)
            ):
                found[name] = (None if usd is None else usd * NANO, Sums(nano * NANO, unpriced))
        return found

    def caps(self, day: str) -> list[Cap]:
        """Return the budgets of the ledger itself on a UTC day, as people know them."""
        found = self.sums((TEAM, DAY, f"day {day}"))
        nothing = None, Sums(Decimal(0), 0)
        limits = {per: found.get(per, nothing)[0] for per in (TEAM, DAY)}
        spent = {TEAM: found.get(TEAM, nothing)[1], DAY: found.get(f"day {day}", nothing)[1]}
        return [named(Cap(per, usd, spent[per])) for per, usd in limits.items() if usd is not None]

    def pause(self, account: str, seconds: float) -> None:
        """Let nobody submit under a key for a while."""
        self.rows(
            f"INSERT INTO account VALUES (?, 0, {self.NOW} + ?) ON CONFLICT (name) DO UPDATE "
            "SET paused = CASE WHEN account.paused > excluded.paused THEN account.paused ELSE excluded.paused END "
            "RETURNING name",
            (account, seconds),
        )

    def save_budget(self, per: str, usd: Decimal | None) -> None:
        """Keep a budget of the ledger itself, or remove it."""
        if per not in {TEAM, DAY}:
            raise ValueError(per)
        nano = None if usd is None else int(usd / NANO)
        self.rows("UPDATE cap SET usd = ? WHERE name = ? RETURNING name", (nano, per))


def _entry(values: tuple[Any, ...]) -> Entry:
    origin, cell, take, n, name, state, nano, unpriced, holder, host, alive, told, day = values
    try:
        known = json.loads(told)
    except (ValueError, RecursionError):
        known = None
    # what gridgen did not write is one odd clip: nobody knows what became of it
    state = state if state in ATTEMPTED else State.UNKNOWN
    known = known if isinstance(known, dict) else {}
    clip = ClipKey(origin, cell, take)
    return Entry(clip, n, name, state, Money(nano, bool(unpriced)), holder, host, bool(alive), known, day)
