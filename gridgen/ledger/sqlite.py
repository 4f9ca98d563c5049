"""A ledger in a file, for the processes of one machine."""

from __future__ import annotations

import contextlib
import functools
import json
import sqlite3
import threading
import uuid
from typing import TYPE_CHECKING, Any

from gridgen.errors import JournalError
from gridgen.journal.store import connect
from gridgen.ledger.tables import HELD, KEPT, SETTLED, VERSION, Tables
from gridgen.ledger.values import DAY, FREED, NANO, TEAM, Claim, Entry, Holder, Money, Reply
from gridgen.money import Answer, Cap, Sums, Verdict, allows
from gridgen.states import CLAIMED, GIVEN_UP, State

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from decimal import Decimal

    from gridgen.ledger.address import Address

__all__ = ["SQLite"]

_BUSY = 15_000
"""Milliseconds to wait for another process that is at the file."""

_TABLES = f"""
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS change (number INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS holder (token TEXT PRIMARY KEY, host TEXT NOT NULL, pid INTEGER NOT NULL, seen REAL NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS account (name TEXT PRIMARY KEY, due REAL NOT NULL, paused REAL NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS cap (
    name TEXT PRIMARY KEY, usd INTEGER, nano INTEGER NOT NULL DEFAULT 0, unpriced INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE IF NOT EXISTS member (cell TEXT NOT NULL, cap TEXT NOT NULL, PRIMARY KEY (cell, cap)) STRICT;
CREATE INDEX IF NOT EXISTS member_of ON member (cap, cell);
CREATE TABLE IF NOT EXISTS attempt (
    origin TEXT NOT NULL, cell TEXT NOT NULL, take INTEGER NOT NULL, n INTEGER NOT NULL,
    name TEXT NOT NULL, state TEXT NOT NULL, holder TEXT NOT NULL, day TEXT NOT NULL,
    nano INTEGER NOT NULL, unpriced INTEGER NOT NULL, told TEXT NOT NULL, rev INTEGER NOT NULL,
    PRIMARY KEY (origin, cell, take, n)
) STRICT;
CREATE INDEX IF NOT EXISTS attempt_rev ON attempt (rev);
CREATE INDEX IF NOT EXISTS attempt_sending ON attempt (holder) WHERE state = '{State.SENDING}';
INSERT OR IGNORE INTO cap (name) VALUES ('{TEAM}'), ('{DAY}');
INSERT INTO change SELECT 1 WHERE NOT EXISTS (SELECT * FROM change);
"""

_CLIP = "(origin, cell, take) = (?, ?, ?)"


class SQLite(Tables):
    """A ledger in a file of its own.

    Parameters
    ----------
    address : Address
    """

    REV = "(SELECT number FROM change)"
    SINCE = "number FROM change"
    NOW = "(julianday('now') - 2440587.5) * 86400.0"
    LOCK = ""

    def __init__(self, address: Address) -> None:
        if address.path is None:
            raise ValueError(address)
        self._address, self._path = address, address.path
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Run one statement, as `Tables` says."""
        if sql.startswith("SELECT"):
            with self._using() as connection:
                return connection.execute(sql, values).fetchall()
        with self._writing() as connection:
            return connection.execute(sql, values).fetchall()

    def many(self, sql: str, values: Iterable[Sequence[Any]]) -> None:
        """Run one statement for each of these, in one transaction."""
        with self._writing() as connection:
            connection.executemany(sql, values)

    def claim(self, holder: Holder, claim: Claim) -> Reply:
        """Claim a clip, as `Tables` says."""
        with self._writing() as connection:
            yes = Verdict(Answer.YES)
            connection.execute(f"UPDATE holder SET seen = {self.NOW} WHERE token = ?", (holder.token,))
            latest = self._latest(connection, claim)
            n, name, state, owner = latest
            if state in CLAIMED and (owner, name) == (holder.token, claim.name):
                # the reply to this very claim was lost, and nothing has left; others may have called it unknown since
                again = (
                    f"UPDATE attempt SET state = '{State.SENDING}', rev = {self.REV} WHERE {_CLIP} AND n = ?"
                )
                connection.execute(again, (*claim.clip, n))
                return Reply(yes, n)
            other = state not in SETTLED and state != (claim.heard or state)
            if state and state != FREED and (n != claim.after or state in HELD or other):
                return Reply(yes, taken=True)
            if state == FREED and self._has_later(connection, claim):
                return Reply(yes, taken=True)
            now, due, wait = self._turn(connection, claim)
            if wait > 0:
                return Reply(yes, wait=wait)
            connection.execute("INSERT OR IGNORE INTO cap (name) VALUES (?)", (f"day {claim.day}",))
            verdict = allows(self._caps(connection, claim), claim.price)
            if verdict.answer is not Answer.YES:
                return Reply(verdict)
            number = n if state == FREED else n + 1
            connection.execute(
                f"INSERT OR REPLACE INTO attempt VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, {self.REV})",
                (
                    *claim.clip,
                    number,
                    claim.name,
                    State.SENDING,
                    holder.token,
                    claim.day,
                    *claim.money,
                    json.dumps(claim.told),
                ),
            )
            self._add(connection, claim.clip[:2], claim.day, claim.money, Money(0, unpriced=False))
            spacing = 1.0 / claim.rate
            connection.execute(
                "UPDATE account SET due = ? WHERE name = ?", (max(due, now) + spacing, claim.account)
            )
            return Reply(yes, number)

    def _latest(self, connection: sqlite3.Connection, claim: Claim) -> tuple[int, str, str, str]:
        asked = f"SELECT n, name, state, holder FROM attempt WHERE {_CLIP} ORDER BY n DESC LIMIT 1"
        found: tuple[int, str, str, str] | None = connection.execute(asked, claim.clip).fetchone()
        return found or (0, "", "", "")

    def _has_later(self, connection: sqlite3.Connection, claim: Claim) -> bool:
        """Whether there is an attempt that the claimant does not know: that the last one did nothing says nothing of it."""
        asked = f"SELECT count(*) FROM attempt WHERE {_CLIP} AND n > ? AND state <> '{FREED}'"
        ((count,),) = connection.execute(asked, (*claim.clip, claim.after))
        return bool(count)

    def _turn(self, connection: sqlite3.Connection, claim: Claim) -> tuple[float, float, float]:
        """Return the time, when the account's next turn is due, and how long is to be waited for it."""
        connection.execute("INSERT OR IGNORE INTO account VALUES (?, 0, 0)", (claim.account,))
        asked = f"SELECT {self.NOW}, due, paused FROM account WHERE name = ?"
        now, due, paused = connection.execute(asked, (claim.account,)).fetchone()
        early = max(due, now) - (min(claim.burst, 1e6) - 1) / claim.rate
        return now, due, max(0.0, paused - now, early - now)

    def _caps(self, connection: sqlite3.Connection, claim: Claim) -> list[Cap]:
        wanted: list[tuple[str, str, Decimal | None]] = [(name, name, usd) for name, usd in claim.caps]
        for per, counter in ((TEAM, TEAM), (DAY, f"day {claim.day}")):
            ((usd,),) = connection.execute("SELECT usd FROM cap WHERE name = ?", (per,))
            wanted.append((per, counter, None if usd is None else usd * NANO))
        found = []
        for name, counter, limit in wanted:
            if limit is not None:
                asked = "SELECT nano, unpriced FROM cap WHERE name = ?"
                found += [
                    Cap(name, limit, Sums(nano * NANO, unpriced))
                    for nano, unpriced in connection.execute(asked, (counter,))
                ]
        return found

    def tell(self, holder: Holder, entries: Sequence[Entry]) -> None:
        """Note what has become of attempts, in one transaction."""
        with self._writing() as connection:
            for each in entries:
                self._tell(connection, holder, each)

    def _tell(self, connection: sqlite3.Connection, holder: Holder, each: Entry) -> None:
        columns = "n, state, day, nano, unpriced, name, holder"
        values: tuple[Any, ...]
        if each.n:
            asked, values = f"SELECT {columns} FROM attempt WHERE {_CLIP} AND n = ?", (*each.clip, each.n)
        else:
            # history of a folder that joins: unless it is here already, it follows what is
            asked, values = (
                f"SELECT {columns} FROM attempt WHERE {_CLIP} AND name = ?",
                (*each.clip, each.name),
            )
        before = connection.execute(asked, values).fetchone()
        if before is None:
            ((last,),) = connection.execute(
                f"SELECT coalesce(max(n), 0) FROM attempt WHERE {_CLIP}",
                each.clip,
            )
            before = (each.n or last + 1, "", each.day, 0, 0, each.name, "")
            connection.execute("INSERT OR IGNORE INTO cap (name) VALUES (?)", (f"day {each.day}",))
        number, state, day, nano, unpriced, name, owner = before
        # who gave it back, and tells so again, has nothing to say of the one that claimed it since
        if name != each.name or state in KEPT:
            return
        # only the folder that has it can tell that it never left, and while it has it, what became of it
        if _home(owner or holder.token) != _home(holder.token) and (
            each.state == FREED or (each.state in GIVEN_UP and state in HELD)
        ):
            return
        connection.execute(
            f"INSERT INTO attempt VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, {self.REV}) ON CONFLICT DO UPDATE SET "
            "state = excluded.state, holder = excluded.holder, nano = excluded.nano, unpriced = excluded.unpriced, "
            "told = excluded.told, rev = excluded.rev",
            (
                *each.clip,
                number,
                each.name,
                each.state,
                holder.token,
                day,
                *each.money,
                json.dumps(each.told),
            ),
        )
        self._add(connection, each.clip[:2], day, each.money, Money(nano, bool(unpriced)))

    def _add(
        self, connection: sqlite3.Connection, cell: tuple[str, str], day: str, now: Money, before: Money
    ) -> None:
        more = now.nano - before.nano, now.unpriced - before.unpriced
        if any(more):
            connection.execute(
                "UPDATE cap SET nano = nano + ?, unpriced = unpriced + ? WHERE name IN (?, ?) "
                "OR name IN (SELECT cap FROM member WHERE cell = ?)",
                (*more, TEAM, f"day {day}", " ".join(cell)),
            )

    def _found(self, project: str, cells: list[str]) -> None:
        with self._writing() as connection:
            connection.executemany(
                "INSERT OR IGNORE INTO member VALUES (?, ?)", [(cell, project) for cell in cells]
            )
            connection.execute(
                "INSERT OR IGNORE INTO cap (name, nano, unpriced) SELECT ?, coalesce(sum(nano), 0), "
                "coalesce(sum(unpriced), 0) FROM attempt "
                "WHERE origin || ' ' || cell IN (SELECT cell FROM member WHERE cap = ?)",
                (project, project),
            )

    def close(self) -> None:
        """Close the connection; it is opened again when needed."""
        with self._lock:
            connection, self._connection = self._connection, None
            if connection is not None:
                connection.close()

    @contextlib.contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """Hold the file from before anything is read to after all is written."""
        with self._using() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                connection.execute("UPDATE change SET number = number + 1")
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                # nothing of it is written; the caller hears why
                connection.execute("ROLLBACK")
                raise

    @contextlib.contextmanager
    def _using(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            try:
                if self._connection is None:
                    self._connection = self._connect()
                yield self._connection
            except (sqlite3.Error, OSError) as error:
                msg = f"the ledger {self._address} cannot be used ({error}); nothing is submitted without it"
                raise JournalError(msg) from error

    def _connect(self) -> sqlite3.Connection:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        connection = connect(self._path)
        # what is no text is one odd row, and not the end of all looks
        connection.text_factory = functools.partial(str, encoding="utf-8", errors="replace")
        try:
            connection.execute(f"PRAGMA busy_timeout = {_BUSY}")
            connection.execute("PRAGMA synchronous = FULL")
            connection.executescript(f"BEGIN IMMEDIATE; {_TABLES} COMMIT;")
            fresh = [("version", str(VERSION)), ("salt", uuid.uuid4().hex)]
            connection.executemany("INSERT OR IGNORE INTO meta VALUES (?, ?)", fresh)
            ((version,),) = connection.execute("SELECT value FROM meta WHERE name = 'version'")
        except BaseException:
            # nobody else knows of this connection yet, so nobody else would close it
            connection.close()
            raise
        if version != str(VERSION):
            connection.close()
            msg = (
                f"the ledger {self._address} has version {version!s:.20}, and this gridgen reads {VERSION}. "
                "Use the same gridgen for all, or another file. Nothing was sent."
            )
            raise JournalError(msg)
        return connection


def _home(token: str) -> str:
    return token.partition(":")[0]
