"""Budgets for more than one sweep: of a folder, of a key, and of a key for each day.

That of a folder is a small file in it, held against the folder's journal. Those of a key
lie with this user's data, beside a note of each submission under it: a claim is written
before a submission leaves, in the transaction that looks at the budgets, so that no other
process of this user spends the same money, and a process that dies leaves it counted.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import sqlite3
import threading
from decimal import ROUND_CEILING, Decimal
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from gridgen import userdirs
from gridgen._loop import engine
from gridgen.atomic import write_atomically
from gridgen.clock import Clock
from gridgen.errors import GridError, JournalError
from gridgen.journal.store import connect, read
from gridgen.ledger import TEAM, address, day_of, open_ledger
from gridgen.models.price import money
from gridgen.money import (
    NOTHING,
    Answer,
    Cap,
    Commitments,
    Dollars,
    Outlay,
    Stage,
    Sums,
    Verdict,
    allows,
    exact_dollars,
)

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Iterator

    import pandas as pd

    from gridgen.client import Client
    from gridgen.journal import Record

__all__ = [
    "FolderBudget",
    "KeyBudget",
    "attempt_id",
    "budgets",
    "committed",
    "in_words",
    "key_budget",
    "own_key_budget",
    "save_folder_budget",
    "set_budget",
]

FOLDER_FILE = "budget.json"
DATABASE = "spending.sqlite"
ALL, DAY = "all", "day"

_NANO = Decimal("1e-9")
_BUSY = 10_000
"""Milliseconds to wait for another process that is at the file."""

_TABLES = """
CREATE TABLE IF NOT EXISTS budget (
    key TEXT NOT NULL, per TEXT NOT NULL, usd TEXT NOT NULL, PRIMARY KEY (key, per)
) STRICT;
CREATE TABLE IF NOT EXISTS attempt (
    id TEXT PRIMARY KEY, key TEXT NOT NULL, day TEXT NOT NULL, nano INTEGER NOT NULL,
    earlier INTEGER NOT NULL DEFAULT 0, unpriced INTEGER NOT NULL, settled INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE IF NOT EXISTS spent (
    key TEXT NOT NULL, day TEXT NOT NULL, nano INTEGER NOT NULL, unpriced INTEGER NOT NULL, PRIMARY KEY (key, day)
) STRICT;
CREATE TRIGGER IF NOT EXISTS added AFTER INSERT ON attempt BEGIN
    INSERT INTO spent VALUES (new.key, new.day, new.nano + new.earlier, new.unpriced)
    ON CONFLICT DO UPDATE SET nano = nano + excluded.nano, unpriced = unpriced + excluded.unpriced;
END;
CREATE TRIGGER IF NOT EXISTS changed AFTER UPDATE ON attempt BEGIN
    UPDATE spent SET nano = nano - old.nano - old.earlier, unpriced = unpriced - old.unpriced
    WHERE key = old.key AND day = old.day;
    INSERT INTO spent VALUES (new.key, new.day, new.nano + new.earlier, new.unpriced)
    ON CONFLICT DO UPDATE SET nano = nano + excluded.nano, unpriced = unpriced + excluded.unpriced;
END;
"""


class FolderBudget:
    """What all sweeps of a folder together may cost, as the file in it says at each look.

    Parameters
    ----------
    folder : Path
    commitments : Commitments
        Of all clips of the folder that are made at one service.
    """

    def __init__(self, folder: Path, commitments: Commitments) -> None:
        self._folder, self.commitments = folder, commitments
        self._seen: object = ()
        self._usd: Decimal | None = None
        self._own = False

    def cap(self) -> Cap | None:
        """Return the cap, None where there is none.

        Raises
        ------
        JournalError
            If the file cannot be read: nobody knows what may be spent then.
        """
        path = self._folder / FOLDER_FILE
        try:
            facts = path.stat()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise _unreadable(path, error.strerror) from error
        seen = facts.st_mtime_ns, facts.st_size, facts.st_ino
        if seen != self._seen:
            self._usd, self._own = _read_folder_budget(path)
            self._seen = seen
        if self._usd is None:
            return None
        name = f"budget={self._usd} USD of the folder {self._folder.name!r}"
        return Cap(name, self._usd, self.commitments, own=self._own)


def committed(records: Iterable[Record], origin: str) -> Commitments:
    """Return what the clips of a folder that are made at one service have cost and may cost."""
    found = Commitments()
    for each in records:
        if each.origin == origin:
            found.put(each.slot, each.outlays)
    return found


def save_folder_budget(folder: Path, usd: Decimal | None) -> None:
    """Keep a folder's budget in it, or remove it.

    Raises
    ------
    JournalError
        If it cannot be written; what was kept is as it was.
    """
    path = folder / FOLDER_FILE
    try:
        if usd is None:
            path.unlink(missing_ok=True)
            return
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with write_atomically(path, mode=0o600, shared=True) as part:
            part.write_text(json.dumps({"usd": str(usd), "mark": _mark(str(usd))}), encoding="utf-8")
    except OSError as error:
        msg = (
            f"the budget of the folder {str(folder)!r} cannot be kept: {error.strerror}. Nothing has changed."
        )
        raise JournalError(msg) from error


def _read_folder_budget(path: Path) -> tuple[Decimal, bool]:
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        usd, mark = money(told["usd"]), told["mark"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError, GridError) as error:
        raise _unreadable(path, str(error)[:100]) from error
    # a stranger's folder may hold its clips back, but is no leave to spend this user's money
    right = _mark(told["usd"]) if isinstance(told["usd"], str) else ""
    return usd, bool(right) and isinstance(mark, str) and hmac.compare_digest(mark.encode(), right.encode())


def _mark(usd: str) -> str:
    secret = userdirs.salt()
    return "" if secret is None else hmac.new(secret.encode(), f"budget {usd}".encode(), "sha256").hexdigest()


def _unreadable(path: Path, why: str | None) -> JournalError:
    msg = (
        f"the budget {str(path)!r} cannot be read ({why}), so nothing more is submitted there; give it anew with "
        f"gridgen.set_budget(usd, folder={path.parent.name!r}), or None for none"
    )
    return JournalError(msg)


class _Counted(NamedTuple):
    """What an attempt counts at: billionths of a USD, whether nobody knows its price, and whether that is for good."""

    nano: int
    unpriced: bool
    settled: bool


def _counted(outlay: Outlay) -> _Counted:
    nano = int((outlay.at_most() / _NANO).to_integral_value(ROUND_CEILING))
    return _Counted(nano, outlay.unpriced, outlay.settled)


class KeyBudget:
    """What all submissions of this user under one key may cost, in all and on each UTC day; from any thread.

    Parameters
    ----------
    path : Path
        The database with this user's data; made with the first budget.
    key : str
        Stands for service and key; neither can be read from it.
    """

    def __init__(self, path: Path, key: str) -> None:
        self.named = path, key
        self._path, self._key = path, key
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._open: dict[str, _Counted] = {}
        self._news: dict[str, _Counted] = {}

    @property
    def active(self) -> bool:
        """Whether submissions are noted: from this user's first budget of a key on."""
        return self._path.exists()

    def close(self) -> None:
        """Close the file; it is opened again when needed."""
        with self._lock:
            connection, self._connection = self._connection, None
            if connection is not None:
                connection.close()

    def save(self, per: str, usd: Decimal | None) -> None:
        """Keep a budget, or remove it."""
        with self._using() as connection, _writing(connection):
            if usd is None:
                connection.execute("DELETE FROM budget WHERE (key, per) = (?, ?)", (self._key, per))
            else:
                connection.execute(
                    "INSERT OR REPLACE INTO budget VALUES (?, ?, ?)", (self._key, per, str(usd))
                )

    def caps(self, now: float) -> list[Cap]:
        """Return the budgets and what is committed under each at a moment (Unix seconds)."""
        if not self._path.exists():
            return []
        with self._using() as connection:
            if not self._budgets(connection):
                return []
            with _writing(connection):
                self._note(connection)
                return self._caps(connection, now)

    def claim(self, attempt: str, price: Decimal | None, now: float) -> Verdict:
        """Count a submission that is about to leave, if the budgets allow it; another process sees it from then on.

        Parameters
        ----------
        attempt : str
            Names it; the same for all times that it leaves.
        price : Decimal or None
            USD; None where nobody knows.
        now : float
            Unix seconds; the day that it counts on.
        """
        if not self.active:
            return Verdict(Answer.YES)
        counted = _counted(Outlay(Stage.UNDER_WAY, price, None))
        with self._using() as connection, _writing(connection):
            self._note(connection)
            verdict = allows(self._caps(connection, now), price)
            if verdict.answer is Answer.YES:
                # one that is claimed again and was not known to have done nothing before may be billed twice
                connection.execute(
                    "INSERT INTO attempt (id, key, day, nano, unpriced) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET "
                    "day = excluded.day, earlier = earlier + nano, nano = excluded.nano, unpriced = excluded.unpriced, "
                    "settled = 0",
                    (attempt, self._key, day_of(now), counted.nano, counted.unpriced),
                )
                self._open[attempt] = counted
        return verdict

    def put(self, attempt: str, outlay: Outlay) -> None:
        """Take in what is known of the money of a submission now; written with the next claim, or by `flush`."""
        if attempt in self._open and (counted := _counted(outlay)) != self._open[attempt]:
            self._open[attempt] = self._news[attempt] = counted

    def follow(self, outlays: dict[str, Outlay]) -> None:
        """Go on with what dead processes have claimed, of which a journal tells these outlays."""
        if not self._path.exists():
            return
        with self._using() as connection:
            asked = "SELECT id, nano, unpriced FROM attempt WHERE key = ? AND NOT settled"
            for attempt, nano, unpriced in connection.execute(asked, (self._key,)):
                if attempt in outlays:
                    self._open.setdefault(attempt, _Counted(nano, bool(unpriced), settled=False))
        for attempt, outlay in outlays.items():
            self.put(attempt, outlay)
        self.flush()

    def flush(self) -> None:
        """Write down what is known by now."""
        if self._news:
            with self._using() as connection, _writing(connection):
                self._note(connection)

    def _note(self, connection: sqlite3.Connection) -> None:
        while self._news:
            attempt, counted = self._news.popitem()
            connection.execute(
                "UPDATE attempt SET nano = ?, unpriced = ?, settled = ? WHERE id = ?", (*counted, attempt)
            )
            if counted.settled and counted.nano:
                self._open.pop(attempt, None)

    def _budgets(self, connection: sqlite3.Connection) -> dict[str, Decimal]:
        found = connection.execute("SELECT per, usd FROM budget WHERE key = ?", (self._key,)).fetchall()
        return {per: money(usd) for per, usd in found}

    def _caps(self, connection: sqlite3.Connection, now: float) -> list[Cap]:
        asked = "SELECT coalesce(sum(nano), 0), coalesce(sum(unpriced), 0) FROM spent WHERE key = ?"
        budgets, caps = self._budgets(connection), []
        for per, usd in sorted(budgets.items()):
            which, values = (" AND day = ?", (self._key, day_of(now))) if per == DAY else ("", (self._key,))
            nano, unpriced = connection.execute(asked + which, values).fetchone()
            name = f"budget={usd} USD {'a day ' if per == DAY else ''}of this key"
            caps.append(Cap(name, usd, Sums(nano * _NANO, unpriced), own=True, daily=per == DAY))
        return caps

    @contextlib.contextmanager
    def _using(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            try:
                if self._connection is None:
                    self._connection = self._connect()
                yield self._connection
            except (sqlite3.Error, JournalError, GridError) as error:
                msg = (
                    f"what was spent under this key is noted in {str(self._path)!r}, which cannot be used ({error}); "
                    "nothing is submitted without it. Move it away if it is damaged: its budgets are to be given anew then"
                )
                raise JournalError(msg) from error

    def _connect(self) -> sqlite3.Connection:
        connection = connect(self._path)
        connection.execute(f"PRAGMA busy_timeout = {_BUSY}")
        connection.executescript(_TABLES)
        return connection


@contextlib.contextmanager
def _writing(connection: sqlite3.Connection) -> Iterator[None]:
    """Hold the file from before the sums are read to after the claim is written."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def attempt_id(store: str, record: Record) -> str:
    """Return what names an attempt of a folder among all that this user makes."""
    meant = json.dumps([store, record.origin, record.cell, record.take, record.n])
    return hashlib.sha256(meant.encode()).hexdigest()[:32]


def key_budget(client: Client) -> KeyBudget | None:
    """Return that of a client's key, one for all runs of this process, on the engine's loop; None where none can be kept."""
    made = own_key_budget(client)
    return None if made is None else engine().shared(_known).setdefault(made.named, made)


def own_key_budget(client: Client) -> KeyBudget | None:
    """Return that of a client's key, to be closed after use; None where none can be kept."""
    folder, secret = userdirs.data_folder(), userdirs.salt()
    if folder is None or secret is None:
        return None
    name = client.fingerprint(f"{secret} spending {client.origin}")
    return KeyBudget(folder / DATABASE, name)


def _known() -> dict[tuple[Path, str], KeyBudget]:
    """Return an empty table of the budgets of keys."""
    return {}


def in_words(cap: Cap) -> str:
    """Say what is left of a cap."""
    left = max(NOTHING, cap.usd - cap.commitments.known)
    return f"{exact_dollars(left)} left of {cap.name}"


def set_budget(
    usd: float | Decimal | str | None,
    *,
    folder: str | os.PathLike[str] | None = None,
    client: Client | None = None,
    ledger: str | None = None,
    per_day: bool = False,
) -> None:
    """Cap what several sweeps together may cost: those of a folder, all under a key, or all machines of a ledger.

    It holds beside each sweep's own ``budget=``, and the tightest of them binds. What is
    under way or unknown counts, and in a folder all that was ever spent there. A sweep that does not
    know of it obeys it all the same. On a key of the real API a budget that this user gave
    stands in for the sweep's own.

    A budget of a folder lies in it (``budget.json``), where every process and machine that
    uses the folder sees it. One of a key lies with this user's data on this machine, beside
    a note of every submission that is made from the user's first budget of a key on; it
    does not count what was spent before that. One of a ledger (`Sweep`, ``ledger=``) lies in
    its database and holds for every machine that submits by it, whatever its key.

    Parameters
    ----------
    usd : number or None
        USD; None for no such budget any more.
    folder : path, optional
        All sweeps of this folder; made when absent.
    client : Client, optional
        All sweeps under this client's key.
    ledger : str, optional
        The address of a ledger; give one of the three.
    per_day : bool, default False
        With a client or a ledger: for each UTC day. A clip counts on the day on which it was submitted.

    Raises
    ------
    GridError
        If it is no sum of money, or not said of what. Nothing has changed.
    JournalError
        If it cannot be kept.

    Examples
    --------
    >>> gridgen.set_budget(20, folder="boats")
    >>> gridgen.set_budget(5, client=client, per_day=True)
    """
    given, ledger = iter((ledger,)), None  # it may hold a password, so no frame that raises may hold it
    where = address(next(given))
    found = None if usd is None else money(usd, "usd")
    if [folder, client, where].count(None) != 2 or (per_day and folder is not None):  # noqa: PLR2004 - one of three
        msg = (
            "a budget is for a folder, for the key of a client or for a ledger: set_budget(20, folder='boats'), "
            "set_budget(50, client=client) or set_budget(5, client=client, per_day=True). Nothing has changed."
        )
        raise GridError(msg)
    if folder is not None:
        save_folder_budget(Path(folder), found)
    elif client is not None:
        with contextlib.closing(_of_key(client)) as key:
            key.save(DAY if per_day else ALL, found)
    elif where is not None:
        with contextlib.closing(open_ledger(where)) as book:
            book.save_budget(DAY if per_day else TEAM, found)


def budgets(
    folder: str | os.PathLike[str] | None = None, *, client: Client | None = None, ledger: str | None = None
) -> pd.DataFrame:
    """Return the budgets of a folder, of a client's key and of a ledger, with what is left of each.

    Parameters
    ----------
    folder : path, optional
    client : Client, optional
        Without one, a folder's clips count wherever they are made.
    ledger : str, optional
        The address of a ledger; its day is this machine's.

    Returns
    -------
    pandas.DataFrame
        A row for each budget: what it is (``budget``), and in USD ``usd``, ``committed``
        (spent, under way or unknown, at most) and ``left``.

    Raises
    ------
    GridError
        If neither is given.
    JournalError
        If a budget, or what was spent, cannot be read.
    """
    import pandas as pd

    given, ledger = iter((ledger,)), None
    where = address(next(given))
    if folder is None and client is None and where is None:
        msg = "say whose budgets: budgets('boats'), budgets(client=client), or both"
        raise GridError(msg)
    found: list[Cap] = []
    if folder is not None:
        found += _of_folder(Path(folder), client)
    if client is not None:
        with contextlib.closing(_of_key(client)) as key:
            found += key.caps(client.clock.time())
    if where is not None:
        with contextlib.closing(open_ledger(where)) as book:
            found += book.caps(day_of((Clock() if client is None else client.clock).time()))
    rows = [
        (
            each.name.partition(" USD ")[2],
            Dollars(each.usd),
            Dollars(known),
            Dollars(max(NOTHING, each.usd - known)),
        )
        for each in found
        for known in [each.commitments.known]
    ]
    return pd.DataFrame(rows, columns=["budget", "usd", "committed", "left"])


def _of_folder(folder: Path, client: Client | None) -> list[Cap]:
    records = read(folder).values()
    origins = {each.origin for each in records} if client is None else {client.origin}
    caps = [FolderBudget(folder, committed(records, origin)).cap() for origin in sorted(origins)]
    caps = caps or [FolderBudget(folder, Commitments()).cap()]
    return [each for each in caps if each is not None]


def _of_key(client: Client) -> KeyBudget:
    found = own_key_budget(client)
    if found is None:
        msg = (
            "there is no folder of this user's where a key's budget could be kept: "
            "set the environment variable GRIDGEN_DATA_DIR to one. Nothing has changed."
        )
        raise GridError(msg)
    return found
