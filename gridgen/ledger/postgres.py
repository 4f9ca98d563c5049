"""A ledger on PostgreSQL, 13 or newer."""

from __future__ import annotations

import contextlib
import json
import threading
import uuid
from typing import TYPE_CHECKING, Any

from gridgen.errors import JournalError
from gridgen.ledger.tables import HELD, KEPT, SETTLED, VERSION, Tables
from gridgen.ledger.values import FREED, NANO, Claim, Entry, Holder, Reply
from gridgen.money import Answer, Cap, Sums, Verdict
from gridgen.states import CLAIMED, GIVEN_UP, State

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import psycopg

    from gridgen.ledger.address import Address

__all__ = ["Postgres"]

_MAKING = 7_310_402
"""The advisory lock of whoever makes the tables."""

_PATIENCE = "15s"
"""How long one statement may take, waiting for others included."""


def _quoted(words: Iterable[str]) -> str:
    return ", ".join(f"'{word}'" for word in words)


_TABLES = f"""
CREATE SCHEMA IF NOT EXISTS gridgen;
SET search_path TO gridgen;
CREATE TABLE IF NOT EXISTS meta (name text PRIMARY KEY, value text NOT NULL);
CREATE TABLE IF NOT EXISTS holder (
    token text PRIMARY KEY, host text NOT NULL, pid bigint NOT NULL, seen double precision NOT NULL
);
CREATE TABLE IF NOT EXISTS account (
    name text PRIMARY KEY, due double precision NOT NULL, paused double precision NOT NULL
);
CREATE TABLE IF NOT EXISTS cap (
    name text PRIMARY KEY, usd bigint, nano bigint NOT NULL DEFAULT 0, unpriced bigint NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS member (cell text NOT NULL, cap text NOT NULL, PRIMARY KEY (cell, cap));
CREATE INDEX IF NOT EXISTS member_of ON member (cap, cell);
CREATE TABLE IF NOT EXISTS attempt (
    origin text NOT NULL, cell text NOT NULL, take bigint NOT NULL, n bigint NOT NULL,
    name text NOT NULL, state text NOT NULL, holder text NOT NULL, day text NOT NULL,
    nano bigint NOT NULL, unpriced boolean NOT NULL, told text NOT NULL, rev bigint NOT NULL,
    PRIMARY KEY (origin, cell, take, n)
);
CREATE INDEX IF NOT EXISTS attempt_rev ON attempt (rev);
CREATE INDEX IF NOT EXISTS attempt_sending ON attempt (holder) WHERE state = '{State.SENDING}';
INSERT INTO meta VALUES ('version', '{VERSION}') ON CONFLICT DO NOTHING;
INSERT INTO cap (name) VALUES ('all'), ('day') ON CONFLICT DO NOTHING;

-- all that may change a sum begins here, so that it is known until the end of the transaction, and nobody waits crosswise
CREATE OR REPLACE FUNCTION lock_sums() RETURNS void LANGUAGE sql AS $$
    SELECT FROM gridgen.cap WHERE name = 'all' FOR UPDATE
$$;

CREATE OR REPLACE FUNCTION add(_origin text, _cell text, _day text, _nano bigint, _unpriced bigint)
RETURNS void LANGUAGE sql AS $$
    UPDATE gridgen.cap SET nano = nano + _nano, unpriced = unpriced + _unpriced
    WHERE (_nano, _unpriced) <> (0, 0) AND (name IN ('all', 'day ' || _day)
        OR name IN (SELECT cap FROM gridgen.member WHERE cell = _origin || ' ' || _cell))
$$;

CREATE OR REPLACE FUNCTION claim(
    _origin text, _cell text, _take bigint, _after bigint, _name text, _holder text, _account text, _price bigint,
    _nano bigint, _unpriced boolean, _caps text[], _usd bigint[], _spacing double precision, _burst double precision,
    _day text, _told text, _heard text,
    OUT answer text, OUT number bigint, OUT wait double precision, OUT cap_name text, OUT cap_usd bigint,
    OUT cap_nano bigint, OUT cap_unpriced bigint
) LANGUAGE plpgsql AS $$
DECLARE
    latest gridgen.attempt;
    account gridgen.account;
    cap record;
    now_ double precision;
    waits record;
BEGIN
    number := 0; wait := 0;
    PERFORM gridgen.lock_sums();
    UPDATE gridgen.holder SET seen = extract(epoch FROM clock_timestamp()) WHERE token = _holder;
    now_ := extract(epoch FROM clock_timestamp());
    SELECT * INTO latest FROM gridgen.attempt a WHERE (a.origin, a.cell, a.take) = (_origin, _cell, _take)
        ORDER BY a.n DESC LIMIT 1;
    IF FOUND AND latest.state <> '{FREED}' THEN
        IF latest.state IN ({_quoted(sorted(CLAIMED))}) AND (latest.holder, latest.name) = (_holder, _name) THEN
            -- the reply to this very claim was lost, and nothing has left; others may have called it unknown since
            UPDATE gridgen.attempt a SET state = '{State.SENDING}', rev = pg_current_xact_id()::text::bigint
                WHERE (a.origin, a.cell, a.take, a.n) = (_origin, _cell, _take, latest.n);
            answer := 'yes'; number := latest.n; RETURN;
        ELSIF latest.n <> _after OR latest.state IN ({_quoted(HELD)})
            OR latest.state NOT IN ({_quoted(SETTLED)}, coalesce(nullif(_heard, ''), latest.state)) THEN
            answer := 'taken'; RETURN;
        END IF;
    ELSIF FOUND AND EXISTS (SELECT FROM gridgen.attempt a WHERE (a.origin, a.cell, a.take) = (_origin, _cell, _take)
        AND a.n > _after AND a.state <> '{FREED}') THEN
        answer := 'taken'; RETURN;  -- that the last attempt did nothing says nothing of those before it
    END IF;
    INSERT INTO gridgen.account VALUES (_account, 0, 0) ON CONFLICT DO NOTHING;
    SELECT * INTO account FROM gridgen.account a WHERE a.name = _account FOR UPDATE;
    wait := greatest(0, account.paused - now_, greatest(account.due, now_) - (_burst - 1) * _spacing - now_);
    IF wait > 0 THEN
        answer := 'wait'; RETURN;
    END IF;
    INSERT INTO gridgen.cap (name) VALUES ('day ' || _day) ON CONFLICT DO NOTHING;
    FOR cap IN
        SELECT mine.name, mine.usd, c.nano, c.unpriced
            FROM unnest(_caps, _usd) WITH ORDINALITY AS mine(name, usd, at) JOIN gridgen.cap c ON c.name = mine.name
        UNION ALL SELECT c.name, c.usd, c.nano, c.unpriced FROM gridgen.cap c WHERE c.name = 'all' AND c.usd IS NOT NULL
        UNION ALL SELECT 'day', each_day.usd, c.nano, c.unpriced FROM gridgen.cap each_day, gridgen.cap c
            WHERE each_day.name = 'day' AND each_day.usd IS NOT NULL AND c.name = 'day ' || _day
    LOOP
        -- as money.allows has it: what fits may go; of unknown price one goes while money is left, and no second one
        IF (_unpriced AND cap.usd - cap.nano <= 0) OR (NOT _unpriced AND cap.usd - cap.nano < _price) THEN
            answer := 'over';
        ELSIF _unpriced AND cap.unpriced > 0 AND waits IS NULL THEN
            waits := cap; CONTINUE;
        ELSE
            CONTINUE;
        END IF;
        cap_name := cap.name; cap_usd := cap.usd; cap_nano := cap.nano; cap_unpriced := cap.unpriced;
        RETURN;
    END LOOP;
    IF waits IS NOT NULL THEN
        answer := 'price';
        cap_name := waits.name; cap_usd := waits.usd; cap_nano := waits.nano; cap_unpriced := waits.unpriced;
        RETURN;
    END IF;
    IF latest.n IS NULL OR latest.state <> '{FREED}' THEN
        number := coalesce(latest.n, 0) + 1;
    ELSE
        number := latest.n;
    END IF;
    INSERT INTO gridgen.attempt VALUES (_origin, _cell, _take, number, _name, '{State.SENDING}', _holder, _day, _nano,
        _unpriced, _told, pg_current_xact_id()::text::bigint)
    ON CONFLICT (origin, cell, take, n) DO UPDATE SET name = excluded.name, state = excluded.state,
        holder = excluded.holder, day = excluded.day, nano = excluded.nano, unpriced = excluded.unpriced,
        told = excluded.told, rev = excluded.rev;
    PERFORM gridgen.add(_origin, _cell, _day, _nano, _unpriced::int);
    UPDATE gridgen.account a SET due = greatest(account.due, now_) + _spacing WHERE a.name = _account;
    answer := 'yes';
END $$;

CREATE OR REPLACE FUNCTION tell(
    _origin text, _cell text, _take bigint, _n bigint, _name text, _state text, _holder text, _day text, _nano bigint,
    _unpriced boolean, _told text
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    before gridgen.attempt;
    at bigint := _n;
BEGIN
    SELECT * INTO before FROM gridgen.attempt a WHERE (a.origin, a.cell, a.take, a.n) = (_origin, _cell, _take, _n);
    IF NOT FOUND OR (before.nano, before.unpriced) <> (_nano, _unpriced) THEN
        PERFORM gridgen.lock_sums();
        IF _n = 0 THEN  -- history of a folder that joins: unless it is here already, it follows what is
            SELECT * INTO before FROM gridgen.attempt a WHERE (a.origin, a.cell, a.take, a.name) = (_origin, _cell, _take, _name);
            at := before.n;
            IF at IS NULL THEN
                SELECT coalesce(max(n), 0) + 1 INTO at FROM gridgen.attempt a
                    WHERE (a.origin, a.cell, a.take) = (_origin, _cell, _take);
            END IF;
        ELSE
            SELECT * INTO before FROM gridgen.attempt a WHERE (a.origin, a.cell, a.take, a.n) = (_origin, _cell, _take, _n);
        END IF;
    END IF;
    -- who gave it back, and tells so again, has nothing to say of the one that claimed it since
    IF before.name <> _name OR before.state IN ({_quoted(KEPT)}) THEN
        RETURN;
    END IF;
    -- only the folder that has it can tell that it never left, and while it has it, what became of it
    IF split_part(before.holder, ':', 1) <> split_part(_holder, ':', 1)
        AND (_state = '{FREED}' OR (_state IN ({_quoted(sorted(GIVEN_UP))}) AND before.state IN ({_quoted(HELD)}))) THEN
        RETURN;
    END IF;
    INSERT INTO gridgen.cap (name) VALUES ('day ' || _day) ON CONFLICT DO NOTHING;
    INSERT INTO gridgen.attempt VALUES (_origin, _cell, _take, at, _name, _state, _holder, _day, _nano, _unpriced, _told,
        pg_current_xact_id()::text::bigint)
    ON CONFLICT (origin, cell, take, n) DO UPDATE SET state = excluded.state, holder = excluded.holder,
        nano = excluded.nano, unpriced = excluded.unpriced, told = excluded.told, rev = excluded.rev;
    PERFORM gridgen.add(_origin, _cell, coalesce(before.day, _day), _nano - coalesce(before.nano, 0),
        _unpriced::int - coalesce(before.unpriced, false)::int);
END $$;
"""


class Postgres(Tables):
    """A ledger on a PostgreSQL server.

    Parameters
    ----------
    address : Address
    """

    REV = "pg_current_xact_id()::text::bigint"
    SINCE = "pg_snapshot_xmin(pg_current_snapshot())::text::bigint"
    NOW = "extract(epoch FROM clock_timestamp())::double precision"
    LOCK = " FOR UPDATE SKIP LOCKED"

    def __init__(self, address: Address) -> None:
        self._address = address
        self._lock = threading.Lock()
        self._connection: psycopg.Connection[Any] | None = None
        self._made = False

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Run one statement, as `Tables` says."""
        with self._using() as connection:
            return connection.execute(sql.replace("?", "%s"), values).fetchall()

    def many(self, sql: str, values: Iterable[Sequence[Any]]) -> None:
        """Run one statement for each of these, in one transaction."""
        with self._using() as connection, connection.transaction(), connection.cursor() as cursor:
            cursor.executemany(sql.replace("?", "%s"), values)

    def claim(self, holder: Holder, claim: Claim) -> Reply:
        """Claim a clip, as `Tables` says."""
        names, usd = [name for name, _ in claim.caps], [int(usd / NANO) for _, usd in claim.caps]
        price = None if claim.price is None else claim.money.nano
        values = (
            *claim.clip,
            claim.after,
            claim.name,
            holder.token,
            claim.account,
            price,
            *claim.money,
            names,
            usd,
            1.0 / claim.rate,
            min(claim.burst, 1e6),
            claim.day,
            json.dumps(claim.told),
            claim.heard,
        )
        ((answer, n, wait, *cap),) = self.rows(
            f"SELECT * FROM claim({', '.join('?' * len(values))})",
            values,
        )
        if answer in {"yes", "taken", "wait"}:
            return Reply(Verdict(Answer.YES), n, answer == "taken", wait)
        name, limit, nano, unpriced = cap
        found = Answer.OVER if answer == "over" else Answer.WAIT_FOR_PRICE
        return Reply(Verdict(found, Cap(name, limit * NANO, Sums(nano * NANO, unpriced))))

    def tell(self, holder: Holder, entries: Sequence[Entry]) -> None:
        """Note what has become of attempts, in one transaction."""
        values = [
            (
                *each.clip,
                each.n,
                each.name,
                each.state,
                holder.token,
                each.day,
                *each.money,
                json.dumps(each.told),
            )
            for each in entries
        ]
        self.many("SELECT tell(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", values)

    def _found(self, project: str, cells: list[str]) -> None:
        with self._using() as connection, connection.transaction():
            connection.execute("SELECT lock_sums()")
            connection.execute(
                "INSERT INTO member SELECT unnest(%s::text[]), %s ON CONFLICT DO NOTHING", (cells, project)
            )
            connection.execute(
                "INSERT INTO cap (name, nano, unpriced) SELECT %s, coalesce(sum(nano), 0), "
                "coalesce(sum(unpriced::int), 0) FROM attempt "
                "WHERE origin || ' ' || cell IN (SELECT cell FROM member WHERE cap = %s) ON CONFLICT DO NOTHING",
                (project, project),
            )

    def close(self) -> None:
        """Close the connection; it is opened again when needed."""
        with self._lock:
            connection, self._connection = self._connection, None
            if connection is not None:
                connection.close()

    @contextlib.contextmanager
    def _using(self) -> Iterator[psycopg.Connection[Any]]:
        import psycopg

        with self._lock:
            try:
                if self._connection is None or self._connection.closed:
                    self._connection = self._connect()
                yield self._connection
            except psycopg.Error as error:
                msg = f"the ledger {self._address} cannot be used ({_first_line(error)}); nothing is submitted without it"
                raise JournalError(msg) from None

    def _connect(self) -> psycopg.Connection[Any]:
        connection = self._address.connect()
        try:
            if not self._made:
                self._make(connection)
            # what was claimed must outlive the server, and what is seen under a lock must be what is there
            connection.execute("SET synchronous_commit = on")
            connection.execute("SET default_transaction_isolation = 'read committed'")
            connection.execute("SET search_path TO gridgen")
            connection.execute(f"SET statement_timeout = '{_PATIENCE}'")
        except BaseException:
            # nobody else knows of this connection yet, so nobody else would close it
            connection.close()
            raise
        self._made = True
        return connection

    def _make(self, connection: psycopg.Connection[Any]) -> None:
        """Make what is not there, one process at a time."""
        made = connection.execute("SELECT to_regclass('gridgen.meta') IS NOT NULL").fetchone() == (True,)
        with connection.transaction():
            connection.execute("SELECT pg_advisory_xact_lock(%s)", (_MAKING,))
            if made:
                ((version,),) = connection.execute(
                    "SELECT value FROM gridgen.meta WHERE name = 'version'"
                ).fetchall() or [("0",)]
                if str(version) != str(VERSION):
                    msg = (
                        f"the ledger {self._address} has version {version!s:.20}, and this gridgen reads {VERSION}. "
                        "Use the same gridgen on all machines, or another database. Nothing was sent."
                    )
                    raise JournalError(msg)
                return
            connection.execute(_TABLES)
            connection.execute(
                "INSERT INTO meta VALUES ('salt', %s) ON CONFLICT DO NOTHING", (uuid.uuid4().hex,)
            )


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
