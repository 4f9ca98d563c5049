"""What the journal holds of one submission, and how a person sees it."""

from __future__ import annotations

import functools
import math
import re
from dataclasses import dataclass, fields
from decimal import Decimal
from pathlib import PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING, Any, TypedDict, cast

from gridgen.journal.extras import shown
from gridgen.money import ClipKey, Dollars, Outlay, Stage
from gridgen.states import FACTS, SENDABLE, State

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gridgen.clock import Clock
    from gridgen.grid import Cell

__all__ = [
    "COLUMNS",
    "WHILE_SENDABLE",
    "Changes",
    "Record",
    "Row",
    "Sender",
    "clean",
    "is_inside",
    "row",
]


class Changes(TypedDict, total=False):
    """What may change of a `Record`, under the same names."""

    state: str
    price: Decimal | None
    cost: Decimal | None
    task_id: str | None
    progress: int | None
    submitted_at: float | None
    created_at: float | None
    completed_at: float | None
    url: str | None
    expires_at: float | None
    error_class: str | None
    error: str | None
    evidence: str | None
    reply: bytes | None
    path: str | None
    poster: str | None
    preview: str | None
    width: int | None
    height: int | None
    fps: float | None
    frames: int | None
    clip_seconds: float | None
    bytes: int | None
    sha256: str | None
    tries: int
    sent_monotonic: float | None
    boot: str | None
    host: str | None
    key_print: str | None
    trace_event: str | None
    http_status: int | None
    request_id: str | None
    replays: int
    last_frame: str | None
    further: str | None
    mtime: int | None


@dataclass(slots=True)
class Record:
    """The latest attempt of one take of a cell, as the journal holds it.

    Money is in USD, times are Unix seconds, names are relative to the folder.

    Attributes
    ----------
    earlier : tuple of Outlay
        What the attempts before this one have cost or may cost, the first one first.
    body, idempotency_key : bytes and str
        What is sent, exactly; empty in memory once it cannot be sent again.
    tries : int
        How often this attempt was about to leave; more than once only where the
        earlier ones provably did nothing.
    replays : int
        How often it was sent again under its own key after its answer was lost.
    sent_monotonic, boot : float and str, optional
        The monotonic clock at the last of them, and the stretch of time in which
        it may be compared.
    host, key_print : str, optional
        Where it went, and a salted print of the key that went with it.
    trace_event, http_status, request_id, reply
        What is known of a submission whose outcome nobody knows: the transport's
        last event, and of an answer its status, the server's name for it and the
        first bytes.
    last_frame, further : str, optional
        The file of the picture with which the clip ends, and as JSON (`extras.read`)
        what else the task brought beside the first link to its first video.
    mtime : int, optional
        When the file was last written, in nanoseconds, as its system told it when the
        file was checked.
    """

    id: int
    origin: str
    cell: str
    take: int
    n: int
    state: str
    idempotency_key: str
    body: bytes
    price: Decimal | None = None
    cost: Decimal | None = None
    task_id: str | None = None
    progress: int | None = None
    submitted_at: float | None = None
    created_at: float | None = None
    completed_at: float | None = None
    url: str | None = None
    expires_at: float | None = None
    error_class: str | None = None
    error: str | None = None
    evidence: str | None = None
    reply: bytes | None = None
    path: str | None = None
    poster: str | None = None
    preview: str | None = None
    width: int | None = None
    height: int | None = None
    fps: float | None = None
    frames: int | None = None
    clip_seconds: float | None = None
    bytes: int | None = None
    sha256: str | None = None
    tries: int = 0
    sent_monotonic: float | None = None
    boot: str | None = None
    host: str | None = None
    key_print: str | None = None
    trace_event: str | None = None
    http_status: int | None = None
    request_id: str | None = None
    replays: int = 0
    last_frame: str | None = None
    further: str | None = None
    mtime: int | None = None
    earlier: tuple[Outlay, ...] = ()

    @property
    def outlays(self) -> tuple[Outlay, ...]:
        """What this take has cost or may cost: one for each of its attempts, this one last."""
        return (*self.earlier, Outlay(stage(self.state, self.completed_at), self.price, self.cost))

    @property
    def slot(self) -> ClipKey:
        """What may have one live attempt at a time: origin, cell and take."""
        return ClipKey(self.origin, self.cell, self.take)

    def age(self, clock: Clock) -> float | None:
        """Return the seconds since this attempt last left, None before.

        The larger of two clocks: one may have been set back, the other may have
        slept with the machine. Below zero where the only one that can tell was.
        """
        if self.submitted_at is None:
            return None
        age = clock.time() - self.submitted_at
        if self.boot == clock.era() and self.sent_monotonic is not None:
            age = max(age, clock.monotonic() - self.sent_monotonic)
        return age


@dataclass(frozen=True, slots=True)
class Sender:
    """Where submissions go, and a salted print of the key that goes with them; never the key."""

    host: str
    key_print: str


@dataclass(frozen=True, slots=True)
class Row:
    """One cell and take, as the table, the wall and the board show it.

    Money is in USD, times are Unix seconds, names of files are relative to the sweep's
    folder; None where something is not known, or not yet.

    Attributes
    ----------
    index : int
        Where it stands in `Sweep.rows` and `Sweep.df`.
    cell : Cell
        What is asked for.
    take : int
        Which clip of the cell, from 1.
    status : str
        A state, such as ``planned``, ``running`` or ``done``.
    progress : int or None
        Percent that the server shows.
    task_id : str or None
        The server's name for the job.
    submitted_at, completed_at : float or None
        When it was submitted, and when the server says that it ended.
    service_seconds : float or None
        How long the server worked on it.
    price, cost : Decimal or None
        What was expected, and what the server charged.
    url : str or None
        Where the video was, without its query.
    expires_at : float or None
        Until when.
    error_class, error : str or None
        What went wrong: its kind in a word, and a sentence.
    path, poster, preview : str or None
        The video and its pictures.
    width, height, frames : int or None
    fps, clip_seconds : float or None
        As measured from the video.
    bytes : int or None
        Size of the video.
    sha256 : str or None
        Its digest, in hex digits.
    last_frame : str or None
        A picture of how the clip ends.
    further : str or None
        The files, or else the links, of further results, with blanks between them.
    earlier : tuple of Outlay
        What attempts of this take before the latest one have cost or may cost.
    rating : float or None
        Stars, 0 to 5; the mean of several reviewers.
    pick : bool or None
        True picked, False rejected, by most of them.
    tags, note : str or None
        Theirs, joined.
    """

    index: int
    cell: Cell
    take: int
    status: str
    progress: int | None = None
    task_id: str | None = None
    submitted_at: float | None = None
    completed_at: float | None = None
    service_seconds: float | None = None
    price: Decimal | None = None
    cost: Decimal | None = None
    url: str | None = None
    expires_at: float | None = None
    error_class: str | None = None
    error: str | None = None
    path: str | None = None
    poster: str | None = None
    preview: str | None = None
    width: int | None = None
    height: int | None = None
    fps: float | None = None
    frames: int | None = None
    clip_seconds: float | None = None
    bytes: int | None = None
    sha256: str | None = None
    last_frame: str | None = None
    further: str | None = None
    earlier: tuple[Outlay, ...] = ()
    rating: float | None = None
    pick: bool | None = None
    tags: str | None = None
    note: str | None = None


COLUMNS = tuple(field.name for field in fields(Record) if field.name != "earlier")
"""The columns of the table of attempts that a `Record` is made of, in its order."""

WHILE_SENDABLE = {
    "idempotency_key": "''",
    "body": "x''",
    "evidence": "NULL",
    "reply": "NULL",
    "sent_monotonic": "NULL",
    "boot": "NULL",
    "trace_event": "NULL",
    "http_status": "NULL",
    "request_id": "NULL",
}
"""What of an attempt is of use only while it may be sent, and the SQL that stands for it afterwards."""

_SHARED = tuple(
    field.name
    for field in fields(Row)
    if field.name in {*COLUMNS, "earlier"} and field.name not in {"cell", "take"}
)
_STAGES = {str(state): Stage(facts.billing) for state, facts in FACTS.items()}
_MONEY = ("price", "cost")
_KNOWN = frozenset(State)
_FILES = ("path", "poster", "preview")
_MOST_MILLIONTHS = 10**15
"""The largest sum that is read, in millionths of a USD; journals may be anybody's."""

_TIMES = ("submitted_at", "created_at", "completed_at", "expires_at")

MOST_MONEY = Decimal(_MOST_MILLIONTHS) / 1_000_000
"""USD; what is kept can be read again."""

LATEST_TIME = 253_402_300_799.0
"""Unix seconds: the end of the year 9999, the last one that Python's dates know."""

LONGEST_TEXT = 100_000
_INT64 = 2**63 - 1


def stage(state: str, completed_at: float | None) -> Stage:
    """Return how far the money of an attempt is settled.

    One whose clip cannot be had, but whose end was heard of, has told the whole of its charge.
    """
    found = _STAGES[state]
    return Stage.ENDED if found is Stage.LOST and completed_at is not None else found


def is_inside(name: object) -> bool:
    """Whether this names a file in a folder, or in a folder of that one, on any system."""
    if not isinstance(name, str):
        return False
    if _SIMPLE.fullmatch(name):
        return True
    return name.count("/") <= 1 and all(map(_is_plain, name.split("/")))


def _is_plain(name: str) -> bool:
    alone = PurePosixPath(name).name == name and PureWindowsPath(name).name == name
    return bool(name) and alone and not name.startswith(".") and name.isprintable()


_SIMPLE = re.compile(r"(?:[a-z]+/)?[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*")


def row(index: int, cell: Cell, take: int, record: Record | None, *, planned: str = State.PLANNED) -> Row:
    """Return the row of a cell and take; without a record it is ``planned`` or ``held``."""
    if record is None:
        return Row(index, cell, take, planned, price=cell.price())
    seconds = None
    if record.created_at is not None and record.completed_at is not None:
        seconds = max(0.0, record.completed_at - record.created_at)
    status = planned if record.state == State.PLANNED else record.state
    shared = {name: getattr(record, name) for name in _SHARED}
    shared["further"] = shown(record.further)
    return Row(index, cell, take, status, service_seconds=seconds, **shared)


def clean(changes: Changes) -> Changes:
    """Return changes that a database, a table and a page can hold, whatever a server said.

    Halves of characters become question marks, texts are cut, numbers are bounded, and
    what is no number becomes unknown.
    """
    return cast(
        "Changes", {name: value if value is None else _clean(name, value) for name, value in changes.items()}
    )


def _clean(name: str, value: Any) -> Any:
    kind = type(value)
    if kind is bytes or (kind is str and len(value) <= LONGEST_TEXT and value.isascii()):
        return value
    if isinstance(value, str):
        return value[:LONGEST_TEXT].encode("utf-8", "replace").decode()
    if isinstance(value, (float, Decimal)) and not math.isfinite(value):
        return None
    if name in _TIMES:
        return max(0.0, min(value, LATEST_TIME))
    if name in _MONEY:
        return max(-MOST_MONEY, min(value, MOST_MONEY))
    return max(-_INT64, min(value, _INT64)) if kind is int else value


def stored(name: str, value: Any) -> Any:
    """Return a field that is `clean` as the database keeps it: money in millionths of a USD, times in ms."""
    if value is None:
        return None
    if name in _MONEY:
        return int((value * 1_000_000).to_integral_value())
    return round(value * 1000) if name in _TIMES else value


def selected(name: str) -> str:
    """Return the SQL for a column such that `loaded` can take it in."""
    return f"{name} / 1000.0" if name in _TIMES else name


def loaded(values: Sequence[Any], known: dict[Any, Any]) -> Record:
    """Return the record of one row that was selected as `selected` says, in the order of `COLUMNS`.

    A file outside of the folder and a sum that is none count as not noted.

    Parameters
    ----------
    values : sequence
    known : dict
        Holds one copy of what many rows have in common; the same for all of them.
    """
    record = Record(*values)
    record.origin = known.setdefault(record.origin, record.origin)
    record.state = known.setdefault(record.state, record.state)
    record.host = known.setdefault(record.host, record.host)
    record.key_print = known.setdefault(record.key_print, record.key_print)
    record.price, record.cost = _usd(record.price), _usd(record.cost)
    if record.state not in _KNOWN:
        # never repeated unasked, whatever it was
        record.state = State.UNKNOWN
    for name in _FILES:
        path = getattr(record, name)
        if path is not None and not is_inside(path):
            setattr(record, name, None)
    return record


def changed(record: Record, changes: Changes) -> None:
    """Apply changes in memory; the bytes to send are kept there only while they may be sent."""
    for name, value in changes.items():
        setattr(record, name, value)
    if record.state not in SENDABLE:
        record.body, record.idempotency_key = b"", ""


@functools.lru_cache(maxsize=1024)
def _usd(millionths: int | None) -> Decimal | None:
    if millionths is None or not 0 <= millionths <= _MOST_MILLIONTHS:
        return None
    return Dollars((Decimal(millionths) / 1_000_000).normalize() + 0)
