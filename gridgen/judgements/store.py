"""The judgements of a folder: appended in short transactions of their own, by any process.

They lie beside the journal, not in it. The journal has one writer, who may be
another process, and money must never wait for a person's note.
"""

from __future__ import annotations

import contextlib
import functools
import os
import sqlite3
import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from gridgen.clock import Clock
from gridgen.errors import GridError, JournalError
from gridgen.judgements.opinion import NO_OPINION, Consensus, Opinion, agreed, changed, seen_name
from gridgen.money import ClipKey

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

__all__ = ["NAME", "OUTCOMES", "Choice", "Judgement", "Judgements", "RatingLog"]

NAME = "judgements.sqlite"

OUTCOMES = ("left", "right", "tie", "skip")
"""What may come of two clips side by side; a skipped pair says nothing."""

_VERSION = 1
_TABLES = f"""
CREATE TABLE IF NOT EXISTS judgement (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    reviewer TEXT NOT NULL,
    origin TEXT NOT NULL,
    cell TEXT NOT NULL,
    take INTEGER NOT NULL,
    stars INTEGER CHECK (stars BETWEEN 0 AND 5),
    pick INTEGER CHECK (pick IN (0, 1)),
    tags TEXT NOT NULL,
    note TEXT NOT NULL,
    undoes INTEGER UNIQUE REFERENCES judgement(id),
    source TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX IF NOT EXISTS judged_once ON judgement (source, reviewer, origin, cell, take, at) WHERE source <> '';
CREATE TABLE IF NOT EXISTS choice (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    reviewer TEXT NOT NULL,
    origin TEXT NOT NULL,
    left_cell TEXT NOT NULL,
    left_take INTEGER NOT NULL,
    right_cell TEXT NOT NULL,
    right_take INTEGER NOT NULL,
    outcome TEXT NOT NULL CHECK (outcome IN {OUTCOMES}),
    undoes INTEGER UNIQUE REFERENCES choice(id),
    source TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX IF NOT EXISTS chosen_once ON choice (source, reviewer, origin, left_cell, left_take, right_cell, right_take, at)
WHERE source <> '';
CREATE TRIGGER IF NOT EXISTS judgements_stay BEFORE DELETE ON judgement
BEGIN SELECT RAISE(ABORT, 'a judgement is never forgotten'); END;
CREATE TRIGGER IF NOT EXISTS judgements_never_change BEFORE UPDATE ON judgement
BEGIN SELECT RAISE(ABORT, 'a judgement never changes'); END;
CREATE TRIGGER IF NOT EXISTS choices_stay BEFORE DELETE ON choice
BEGIN SELECT RAISE(ABORT, 'a choice is never forgotten'); END;
CREATE TRIGGER IF NOT EXISTS choices_never_change BEFORE UPDATE ON choice
BEGIN SELECT RAISE(ABORT, 'a choice never changes'); END;
"""

_JUDGEMENT = "at, reviewer, origin, cell, take, stars, pick, tags, note, undoes, source"
_CHOICE = "at, reviewer, origin, left_cell, left_take, right_cell, right_take, outcome, undoes, source"
_JUDGEMENTS_AFTER = f"SELECT id, {_JUDGEMENT} FROM judgement WHERE id > ? ORDER BY id"  # noqa: S608 - our own names
_CHOICES_AFTER = f"SELECT id, {_CHOICE} FROM choice WHERE id > ? ORDER BY id"  # noqa: S608 - our own names
_LARGEST = 2**20
"""Bytes of the longest text that is read; foreign files may hold anything."""

_clock = Clock()


@dataclass(frozen=True, slots=True)
class Judgement:
    """One entry: what a reviewer says of a clip from that moment on.

    Attributes
    ----------
    id : int
        In the order in which the folder heard of them.
    at : int
        Unix milliseconds.
    reviewer : str
    slot : ClipKey
    opinion : Opinion
    undoes : int, optional
        The entry that this one takes back.
    source : str
        The exported page that it came from, empty when it was made here.
    """

    id: int
    at: int
    reviewer: str
    slot: ClipKey
    opinion: Opinion
    undoes: int | None = None
    source: str = ""


@dataclass(frozen=True, slots=True)
class Choice:
    """One blind comparison of two clips, or the taking back of one; fields as in `Judgement`."""

    id: int
    at: int
    reviewer: str
    left: ClipKey
    right: ClipKey
    outcome: str
    undoes: int | None = None
    source: str = ""


@dataclass(slots=True)
class RatingLog:
    """All entries of a folder, and what counts of them.

    Attributes
    ----------
    judgements, choices : list
        Everything, in the order of their ids.
    opinions : dict
        What counts: for each clip the latest opinion of each reviewer who has one.
    """

    judgements: list[Judgement] = field(default_factory=list)
    choices: list[Choice] = field(default_factory=list)
    opinions: dict[ClipKey, dict[str, Opinion]] = field(default_factory=dict)
    _names: dict[str, str] = field(default_factory=dict)
    _latest: dict[tuple[ClipKey, str], tuple[int, int]] = field(default_factory=dict)

    def add(self, judgement: Judgement) -> None:
        """Take up one more entry."""
        self.judgements.append(judgement)
        self.meet(judgement.reviewer)
        key, moment = (judgement.slot, judgement.reviewer), (judgement.at, judgement.id)
        if moment < self._latest.get(key, (0, 0)):
            return
        self._latest[key] = moment
        of_clip = self.opinions.setdefault(judgement.slot, {})
        if judgement.opinion == NO_OPINION:
            of_clip.pop(judgement.reviewer, None)
        else:
            of_clip[judgement.reviewer] = judgement.opinion

    def meet(self, reviewer: str) -> str:
        """Note a reviewer; return the name of the first one who looks the same, which may be this one."""
        return self._names.setdefault(seen_name(reviewer), reviewer)

    def check(self, reviewer: str) -> None:
        """See that nobody who looks the same has judged here.

        Raises
        ------
        GridError
            If somebody has: they are two people, and nobody could tell whose word is whose.
        """
        other = self._names.get(seen_name(reviewer), reviewer)
        if other != reviewer:
            msg = (
                f"reviewer={reviewer!a} looks like {other!a}, who has judged here: two people whom nobody can tell apart. "
                f"Give the name as it was, or another one, such as reviewer={other + ' 2'!a}"
            )
            raise GridError(msg, nothing="Nothing was noted.")

    def of(self, slot: ClipKey, reviewer: str) -> Opinion:
        """Return what a reviewer says of a clip."""
        return self.opinions.get(slot, {}).get(reviewer, NO_OPINION)

    def consensus(self, slot: ClipKey) -> Consensus | None:
        """Return what all say of a clip, None where nobody does."""
        opinions = self.opinions.get(slot)
        return agreed(opinions) if opinions else None

    @property
    def counted(self) -> list[Choice]:
        """The choices that count: neither taken back nor the taking back."""
        undone = {choice.undoes for choice in self.choices}
        return [choice for choice in self.choices if choice.undoes is None and choice.id not in undone]

    @property
    def sources(self) -> dict[str, set[str]]:
        """Where the entries of each reviewer came from, as `Judgement.source` says."""
        entries: list[Judgement | Choice] = [*self.judgements, *self.choices]
        found: dict[str, set[str]] = {}
        for each in entries:
            found.setdefault(each.reviewer, set()).add(each.source)
        return found

    def moment(self, slot: ClipKey, reviewer: str) -> int:
        """Return when a reviewer last said something of a clip, in Unix milliseconds; 0 for never."""
        return self._latest.get((slot, reviewer), (0, 0))[0]

    def undoable(self, reviewer: str) -> Judgement | None:
        """Return the latest entry of a reviewer, made here, that is not taken back."""
        return _undoable(self.judgements, reviewer)

    def undoable_choice(self, reviewer: str) -> Choice | None:
        """Return the latest choice of a reviewer, made here, that is not taken back."""
        return _undoable(self.choices, reviewer)

    def before(self, judgement: Judgement) -> Opinion:
        """Return what its reviewer would say of the clip without an entry."""
        undone = {each.undoes for each in self.judgements} | {judgement.id}
        others = [
            each
            for each in self.judgements
            if (each.slot, each.reviewer) == (judgement.slot, judgement.reviewer)
            and each.undoes is None
            and each.id not in undone
        ]
        return max(others, key=lambda each: (each.at, each.id)).opinion if others else NO_OPINION


Entry = TypeVar("Entry", Judgement, Choice)


def _undoable(entries: Sequence[Entry], reviewer: str) -> Entry | None:
    undone = {entry.undoes for entry in entries}
    for entry in reversed(entries):
        if (entry.reviewer, entry.source, entry.undoes) == (reviewer, "", None) and entry.id not in undone:
            return entry
    return None


class Judgements:
    """What reviewers said of the clips in a folder, in `judgements.sqlite` beside the journal.

    Every entry is appended, none is changed; undoing is one more entry. Each
    append is a transaction of its own of a few milliseconds, so several processes
    may rate at once, also while another one runs the sweep.

    Parameters
    ----------
    folder : Path
        Made, with mode 0700, with the first entry.

    Attributes
    ----------
    book : RatingLog
        As last read; `refresh` reads what is new.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / NAME
        self.book = RatingLog()
        self._stamp = (0, 0)
        self._lock = threading.RLock()

    def refresh(self) -> set[ClipKey]:
        """Read what others have added; return the clips that it is about.

        Raises
        ------
        JournalError
            If the file is none that gridgen wrote.
        """
        with self._lock:
            stamp, last = self._look(), self._stamp
            if stamp == last:
                return set()
            replaced = self._forget() if stamp[0] != last[0] or stamp[1] < last[1] else set()
            if stamp[0]:
                with self._opened(writing=False) as connection:
                    replaced |= self._take_in(connection)
            self._stamp = stamp
            return replaced

    def judge(self, slots: Iterable[ClipKey], reviewer: str, **parts: Any) -> set[ClipKey]:
        """Append an opinion on each clip, the given parts of it replaced.

        Returns
        -------
        set
            The clips of which something is new: these, unless nothing changed, and
            those that others judged meanwhile.

        Raises
        ------
        GridError
            If a part is wrong, or somebody who looks like the reviewer has judged here.
            Nothing is appended.
        JournalError
            If it cannot be written.
        """
        changed(NO_OPINION, **parts)
        with self._writing() as (connection, touched):
            self.book.check(reviewer)
            for slot in dict.fromkeys(slots):
                now = self.book.of(slot, reviewer)
                then = changed(now, **parts)
                if then != now:
                    at = max(_now(), self.book.moment(slot, reviewer) + 1)
                    _append(connection, Judgement(0, at, reviewer, slot, then))
        return touched

    def undo(self, reviewer: str) -> set[ClipKey]:
        """Take back the latest entry that a reviewer made here, by an entry that restores what was before.

        Returns
        -------
        set
            The clip, empty when there is nothing to take back.
        """
        with self._writing() as (connection, touched):
            last = self.book.undoable(reviewer)
            if last is not None:
                at = max(_now(), self.book.moment(last.slot, reviewer) + 1)
                opinion = self.book.before(last)
                _append(connection, Judgement(0, at, reviewer, last.slot, opinion, undoes=last.id))
        return touched

    def choose(self, reviewer: str, left: ClipKey, right: ClipKey, outcome: str) -> None:
        """Append what came of one blind comparison.

        Raises
        ------
        GridError
            If somebody who looks like the reviewer has judged here.
        """
        with self._writing() as (connection, _):
            self.book.check(reviewer)
            _append(connection, Choice(0, _now(), reviewer, left, right, outcome))

    def undo_choice(self, reviewer: str) -> Choice | None:
        """Take back the latest choice that a reviewer made here; None when there is none."""
        with self._writing() as (connection, _):
            last = self.book.undoable_choice(reviewer)
            if last is not None:
                taken = Choice(0, _now(), reviewer, last.left, last.right, last.outcome, undoes=last.id)
                _append(connection, taken)
        return last

    def append(self, entries: Iterable[Judgement | Choice]) -> tuple[Counter[type], set[ClipKey]]:
        """Append entries that were made elsewhere, all or none; those that are known already are passed over.

        Returns
        -------
        tuple
            How many of each kind were new, and the clips of which something is new.
        """
        new: Counter[type] = Counter()
        with self._writing() as (connection, touched):
            for entry in entries:
                self.book.check(entry.reviewer)
                new[type(entry)] += _append(connection, entry)
        return new, touched

    @contextlib.contextmanager
    def _writing(self) -> Iterator[tuple[sqlite3.Connection, set[ClipKey]]]:
        """Lend a transaction in which the book is current; the set is filled with what is new at its end."""
        with self._lock:
            touched = self.refresh()
            self._make()
            try:
                with self._opened(writing=True) as connection:
                    connection.execute("BEGIN IMMEDIATE")
                    touched |= self._take_in(connection)
                    yield connection, touched
                    touched |= self._take_in(connection)
                    connection.execute("COMMIT")
            except BaseException:
                self._forget()
                raise
            self._stamp = self._look()

    def _forget(self) -> set[ClipKey]:
        """Know nothing, so that all is read again; return the clips that something was known of."""
        known = set(self.book.opinions)
        self.book, self._stamp = RatingLog(), (0, 0)
        return known

    def _make(self) -> None:
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.close(os.open(self.path, os.O_CREAT | os.O_RDWR | getattr(os, "O_NOFOLLOW", 0), 0o600))
        except OSError as error:
            msg = (
                f"judgements cannot be written to {str(self.folder)!r}: {error.strerror}. Nothing was noted."
            )
            raise JournalError(msg) from error

    @contextlib.contextmanager
    def _opened(self, *, writing: bool) -> Iterator[sqlite3.Connection]:
        """Lend a connection to a file that is gridgen's own, and name what goes wrong with it."""
        try:
            with contextlib.closing(self._connect(writing=writing)) as connection:
                self._check(connection, writing=writing)
                yield connection
        except sqlite3.Error as error:
            what = "written" if writing else "read"
            msg = f"the judgements in {str(self.path)!r} cannot be {what}: {error}. Nothing was noted."
            raise JournalError(msg) from error

    def _connect(self, *, writing: bool) -> sqlite3.Connection:
        # a reader, too, must be able to roll back what a killed writer left
        mode = "rw" if writing or os.access(self.path, os.W_OK) else "ro"
        address = f"{self.path.resolve().as_uri()}?mode={mode}"
        connection = sqlite3.connect(address, uri=True, timeout=5, isolation_level=None)
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LARGEST)
        return connection

    def _check(self, connection: sqlite3.Connection, *, writing: bool) -> None:
        if connection.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,):
            if writing:
                _create(connection)
            return
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version > _VERSION:
            msg = f"{str(self.path)!r} is a newer gridgen's. Update gridgen (pip install --upgrade gridgen). Nothing was noted."
            raise JournalError(msg)
        if version < 1 or _objects(connection) != _expected():
            msg = f"{str(self.path)!r} is not as gridgen made it; move it away. Nothing was noted."
            raise JournalError(msg)

    def _take_in(self, connection: sqlite3.Connection) -> set[ClipKey]:
        """Read the entries that the book lacks; return the clips that they are about."""
        book = self.book
        if not _objects(connection):
            return set()
        known = (book.judgements[-1].id if book.judgements else 0, book.choices[-1].id if book.choices else 0)
        touched = set()
        for values in connection.execute(_JUDGEMENTS_AFTER, known[:1]).fetchall():
            judgement = _judgement(values)
            book.add(judgement)
            touched.add(judgement.slot)
        chosen = [_choice(values) for values in connection.execute(_CHOICES_AFTER, known[1:]).fetchall()]
        book.choices += chosen
        for name in {each.reviewer for each in chosen}:
            book.meet(name)
        return touched

    def _look(self) -> tuple[int, int]:
        """Return which file it is and how often it was written, as SQLite counts; zeros where there is none.

        sqlite.org/fileformat.html, section 1.3.7: the file change counter. The time of
        a file is too coarse to tell two short transactions apart.
        """
        try:
            with self.path.open("rb") as file:
                file.seek(24)
                return os.fstat(file.fileno()).st_ino, int.from_bytes(file.read(4))
        except OSError:
            return 0, 0


def _now() -> int:
    return round(_clock.time() * 1000)


def _append(connection: sqlite3.Connection, entry: Judgement | Choice) -> int:
    """Append one entry; return 0 where it is there already."""
    table, names, values = _stored(entry)
    statement = (
        f"INSERT INTO {table} ({names}) VALUES ({', '.join('?' * len(values))}) ON CONFLICT DO NOTHING"  # noqa: S608 - our own names
    )
    return connection.execute(statement, values).rowcount


def _stored(entry: Judgement | Choice) -> tuple[str, str, tuple[Any, ...]]:
    if isinstance(entry, Choice):
        (origin, *left), (_, *right) = entry.left, entry.right
        about = (entry.at, entry.reviewer, origin, *left, *right, entry.outcome)
        return "choice", _CHOICE, (*about, entry.undoes, entry.source)
    opinion = entry.opinion
    said = (opinion.stars, opinion.pick, ",".join(opinion.tags), opinion.note)
    return "judgement", _JUDGEMENT, (entry.at, entry.reviewer, *entry.slot, *said, entry.undoes, entry.source)


def _judgement(values: tuple[Any, ...]) -> Judgement:
    number, at, reviewer, origin, cell, take, stars, pick, tags, note, undoes, source = values
    words = tuple(filter(None, tags.split(",")))
    opinion = Opinion(stars, None if pick is None else bool(pick), words, note)
    return Judgement(number, at, reviewer, ClipKey(origin, cell, take), opinion, undoes, source)


def _choice(values: tuple[Any, ...]) -> Choice:
    number, at, reviewer, origin, left_cell, left_take, right_cell, right_take, *rest = values
    left, right = ClipKey(origin, left_cell, left_take), ClipKey(origin, right_cell, right_take)
    return Choice(number, at, reviewer, left, right, *rest)


def _create(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA journal_mode = DELETE")
    connection.executescript(f"BEGIN IMMEDIATE; {_TABLES} PRAGMA user_version = {_VERSION}; COMMIT;")


def _objects(connection: sqlite3.Connection) -> frozenset[tuple[str, ...]]:
    asked = "SELECT type, name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
    return frozenset((kind, name, " ".join(sql.split())) for kind, name, sql in connection.execute(asked))


@functools.cache
def _expected() -> frozenset[tuple[str, ...]]:
    with contextlib.closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        _create(connection)
        return _objects(connection)
