"""The simulated server without HTTP: accounts, money, slots, tasks, uploads.

Everything that will become of a task is settled when it is accepted, so a task's
state is a function of the time at which somebody looks. Callers pass that time;
nothing here waits, and nothing reads a clock.
"""

from __future__ import annotations

import contextlib
import hashlib
import heapq
import json
import math
import re
import secrets
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from gridgen.simulator import drawn_outcome, pricing
from gridgen.simulator.error_replies import ErrorReply
from gridgen.simulator.images import Upload, make_upload
from gridgen.simulator.ledger import LedgerEntry
from gridgen.simulator.model_registry import ModelRegistry
from gridgen.simulator.profiles import Profile
from gridgen.simulator.state import Copies, is_time
from gridgen.simulator.validation import Order, parse, read

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from gridgen.models import Model
    from gridgen.simulator.drawn_outcome import DrawnOutcome
    from gridgen.simulator.state import StateFile

__all__ = ["UPLOAD_LIFE", "Receipt", "Sent", "Task", "View", "World", "new_key"]

_TASK_ID = re.compile(r"task_[0-9A-HJKMNP-TV-Z]{26}|task-unified-[0-9]+-[0-9A-Za-z]{8}")
_VISIBLE_ASCII = re.compile(r"[!-~]{1,191}")
_KEY = re.compile(r"sim-[!-~]{1,200}")
_TEST_KEY = re.compile(r"sk-test[!-~]*")
_OUTCOMES = ("completed", "failed", "cancelled", "stuck")
_USAGE_RATE = 60
_TOLD = 60.0
"""Seconds by which the time that was kept may be behind."""

_DEAREST = 10**10
"""Micro-USD that a task in a file may have cost."""

UPLOAD_LIFE = 259_200.0
"""Seconds for which an uploaded image can be fetched: 72 h."""


def new_key() -> str:
    """Return a key that no simulator has."""
    return "sim-" + secrets.token_hex(12)


class Sent(NamedTuple):
    """A submission as it arrived."""

    raw: bytes
    key_id: str
    idempotency_key: str | None
    versioned: bool


@dataclass(slots=True)
class Task:
    """One accepted submission and its settled future.

    Attributes
    ----------
    id : str
        Task id.
    raw : bytes
        The request body.
    key_id : str
        Fingerprint of the key.
    idempotency_key : str or None
        As received.
    versioned : bool
        Whether the response-version header came with it.
    arrival : int
        How often this body had come, this time included.
    at, begin, end : float
        Unix seconds of acceptance, start and end; a stuck task's end is infinite.
    estimate : int
        ``estimated_time`` in seconds.
    outcome : str
        ``completed``, ``failed``, ``cancelled`` or ``stuck``.
    cost : int
        Micro-USD.
    """

    id: str
    raw: bytes
    key_id: str
    idempotency_key: str | None
    versioned: bool
    arrival: int
    at: float
    begin: float
    end: float
    estimate: int
    outcome: str
    cost: int

    def fields(self) -> list[Any]:
        """Return the task as JSON can hold it."""
        values = {name: getattr(self, name) for name in self.__slots__}
        values["raw"] = self.raw.decode("utf-8", "surrogateescape")
        values["end"] = None if self.end == math.inf else self.end
        return list(values.values())

    @classmethod
    def from_fields(cls, fields: list[Any]) -> Task:
        """Return the task that `fields` came from.

        Raises
        ------
        ValueError, ErrorReply
            If they are not those of a task.
        """
        task = cls(*fields)
        task.raw = fields[1].encode("utf-8", "surrogateescape")
        task.end = math.inf if fields[8] is None else task.end
        numbers = _whole(task.arrival, 1), _whole(task.estimate, 1), _whole(task.cost, 0, _DEAREST)
        times = is_time(task.at) and task.at <= task.begin <= task.end
        if not (all(numbers) and times and _TASK_ID.fullmatch(task.id) and task.outcome in _OUTCOMES):
            msg = "this is no task"
            raise ValueError(msg)
        if not isinstance(parse(task.raw)["model"], str):
            raise TypeError
        return task


def _whole(value: object, least: int, most: int = 10**9) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


class Receipt(NamedTuple):
    """What a submission made: the task, and whether it had been made before."""

    task: Task
    replayed: bool


class View(NamedTuple):
    """A task as it stands at one moment.

    `phase` is ``queued``, ``running``, ``completed``, ``failed`` or ``cancelled``;
    `fraction` is the share of the service time that has passed, `cost` what is told of its
    charge, in micro-USD, None where nothing is.
    """

    task: Task
    phase: str
    fraction: float
    cost: int | None


class World:
    """One account of the simulated server and all that happened in it.

    Parameters
    ----------
    seed : int, default 0
        Fixes, for each body and how often it came, what becomes of it.
    profile : Profile or None, default None
        Behaviour; the demo when None. May be replaced at any time.
    state : StateFile or None, default None
        Where tasks, uploads and money outlive the process.
    models : iterable of Model, default ()
        Offered beside those of the catalogue.
    """

    def __init__(
        self,
        *,
        seed: int = 0,
        profile: Profile | None = None,
        state: StateFile | None = None,
        models: Iterable[Model] = (),
    ) -> None:
        self.seed = seed
        self.shelf = ModelRegistry(models)
        self.profile = profile or Profile()
        self.key = ""
        self.latest = 0.0
        self.meddle: Callable[[dict[str, Any], DrawnOutcome], DrawnOutcome] | None = None
        self.tasks: list[Task] = []
        self.uploads: dict[str, Upload] = {}
        self._state = state
        self.copies = Copies()
        self._lock = threading.RLock()
        self._index: dict[str, int] = {}
        self._arrivals: dict[int, int] = {}
        self._submitted: dict[str, dict[str, int]] = {}
        self._slots: list[float] = []
        self._buckets: dict[str, tuple[float, float]] = {}
        self._keys: set[str] = set()
        self._revoked: set[str] = set()
        self._refunds: list[tuple[float, int]] = []
        self._held = int(self.profile.balance * pricing.MICRO)
        self._used = 0
        with self._writing():
            pass

    # accounts

    def admit(self, authorization: str | None, request_id: str = "req_0") -> str:
        """Return the fingerprint of the key in an Authorization header.

        Raises
        ------
        ErrorReply
            401 without a key, or for one that is neither a simulator's nor a test key.
        """
        scheme, _, key = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not key.strip():
            raise ErrorReply.without_key()
        key = key.strip()
        known = key in self._keys or _TEST_KEY.fullmatch(key)
        if not known or key in self._revoked:
            raise ErrorReply.bad_key(request_id)
        return "key-" + hashlib.sha256(key.encode()).hexdigest()[:12]

    def revoke(self, key: str) -> None:
        """Refuse a key from now on, as after its rotation."""
        with self._writing():
            self._save("revoked", key)

    def set_key(self, key: str | None) -> None:
        """Make a key the world's own, or with None, a new one unless it has one, wherever its state is kept.

        Raises
        ------
        ValueError
            If that key was revoked.
        """
        if key in self._revoked:
            msg = "That key was revoked in this state; give another, or none."
            raise ValueError(msg)
        if key is not None and key != self.key:
            self.issue(key)
        elif not self.key:
            self.issue(new_key())

    def issue(self, key: str) -> None:
        """Accept one more key of the account, from now on the world's own."""
        with self._writing():
            self._save("key", key)

    def top_up(self, micro: int) -> None:
        """Pay micro-USD into the account."""
        with self._writing():
            self._save("top-up", micro)

    def balance(self, now: float) -> tuple[int, int]:
        """Return what the account holds and what it has spent, in micro-USD."""
        with self._lock:
            while self._refunds and self._refunds[0][0] <= now:
                cost = self.tasks[heapq.heappop(self._refunds)[1]].cost
                self._held += cost
                self._used -= cost
            return self._held, self._used

    def require_credit(self, now: float) -> None:
        """Raise 402 if the account holds nothing, as listing models does."""
        held, _ = self.balance(now)
        if held <= 0:
            raise ErrorReply.unpaid(0.0, 0.0)

    # submission

    def submit(
        self,
        raw: bytes,
        now: float,
        *,
        key_id: str = "",
        idempotency_key: str | None = None,
        versioned: bool = False,
    ) -> Receipt:
        """Accept a submission, or find the one that it repeats.

        Parameters
        ----------
        raw : bytes
            The request body.
        now : float
            Unix seconds.
        key_id : str, default ""
            Fingerprint of the key, from `admit`.
        idempotency_key : str or None, default None
            The header, as received.
        versioned : bool, default False
            Whether the response-version header came with it.

        Raises
        ------
        ErrorReply
            400, 402, 409, 429, 500 or 503; nothing was created and nothing billed.
        """
        sent = Sent(raw, key_id, idempotency_key, versioned)
        with self._writing():
            earlier = self._earlier(sent)
            if earlier is not None:
                return Receipt(earlier, replayed=True)
            self._pass_rate(key_id, now)
            body = parse(raw)
            order = read(body, self.profile, self.shelf)
            cost = pricing.cost(order)
            held, _ = self.balance(now)
            if cost > held or held <= 0:
                raise ErrorReply.unpaid(held / pricing.MICRO, cost / pricing.MICRO)
            self._find_slot(now)
            task = self._new_task(sent, self._fate(body, order), now, cost)
            self._save("task", task)
            return Receipt(task, replayed=False)

    def _earlier(self, sent: Sent) -> Task | None:
        """Return the task that an idempotency key already made, None if there is none."""
        key, mode = sent.idempotency_key, self.profile.idempotency
        if key is None:
            return None
        if not _VISIBLE_ASCII.fullmatch(key):
            message = "Idempotency-Key must be 1 to 191 visible ASCII characters"
            raise ErrorReply.invalid(message, "invalid_idempotency_key")
        if mode == "unavailable":
            raise ErrorReply.idempotency(mode)
        found = self._submitted.get(sent.key_id, {}).get(key)
        if found is None or mode == "ignored":
            return None
        task = self.tasks[found]
        if task.raw != sent.raw or task.versioned != sent.versioned:
            raise ErrorReply.key_reused()
        if mode != "honoured":
            raise ErrorReply.idempotency(mode)
        return task

    def pass_usage(self, key_id: str, now: float) -> None:
        """Raise 429 if a key asks for its usage more than 60 times a minute."""
        with self._lock:
            self._take_token(f"usage of {key_id}", _USAGE_RATE, _USAGE_RATE, now)

    def _pass_rate(self, key_id: str, now: float) -> None:
        if self.profile.rate is not None:
            self._take_token(key_id, self.profile.rate, self.profile.burst, now)

    def _take_token(self, bucket: str, rate: float, burst: int, now: float) -> None:
        tokens, since = self._buckets.get(bucket, (float(burst), now))
        tokens = min(float(burst), tokens + max(0.0, now - since) * rate / 60)
        if tokens < 1:
            self._buckets[bucket] = tokens, now
            raise ErrorReply.too_many((1 - tokens) * 60 / rate, self.profile.rate_reply, now)
        self._buckets[bucket] = tokens - 1, now

    def _find_slot(self, now: float) -> None:
        """Make the slots as many as the profile says; raise 429 if none may be waited for."""
        slots = self.profile.slots
        if slots is None:
            return
        if len(self._slots) != slots:
            ends = [end for end in map(_slot_free, self.tasks) if end > now]
            busy = heapq.nlargest(slots, ends)
            self._slots = [0.0] * (slots - len(busy)) + busy
            heapq.heapify(self._slots)
        if self.profile.beyond_slots == "refuse" and self._slots[0] > now:
            raise ErrorReply.too_many(self._slots[0] - now, self.profile.rate_reply, now)

    def _fate(self, body: dict[str, Any], order: Order) -> tuple[DrawnOutcome, int]:
        spelled = drawn_outcome.canonical(body)
        arrival = self._arrivals.get(_digest(spelled), 0) + 1
        future = drawn_outcome.draw(self.seed, spelled, arrival, order, self.profile)
        return future if self.meddle is None else self.meddle(body, future), arrival

    def _new_task(self, sent: Sent, lot: tuple[DrawnOutcome, int], now: float, cost: int) -> Task:
        future, arrival = lot
        begin = now + future.wait
        if self.profile.slots is not None:
            begin = max(begin, self._slots[0])
        end = begin + future.service * (1.0 if future.outcome == "completed" else 0.6)
        return Task(
            id=future.id,
            raw=sent.raw,
            key_id=sent.key_id,
            idempotency_key=sent.idempotency_key,
            versioned=sent.versioned,
            arrival=arrival,
            at=now,
            begin=begin,
            end=math.inf if future.outcome == "stuck" else end,
            estimate=future.estimate,
            outcome=future.outcome,
            cost=cost,
        )

    def _book(self, task: Task) -> None:
        index = self._index.setdefault(task.id, len(self.tasks))
        if task.idempotency_key is not None:
            self._submitted.setdefault(task.key_id, {})[task.idempotency_key] = index
        if index < len(self.tasks):
            # the same body for the same time: what another file tells of it is the same clip
            return
        self.tasks.append(task)
        digest = _digest(drawn_outcome.canonical(json.loads(task.raw)))
        self._arrivals[digest] = max(task.arrival, self._arrivals.get(digest, 0))
        self._held -= task.cost
        self._used += task.cost
        if task.outcome in {"failed", "cancelled"}:
            heapq.heappush(self._refunds, (task.end, index))
        if self._slots:
            heapq.heapreplace(self._slots, _slot_free(task))

    # looking

    def find(self, task_id: str) -> Task:
        """Return a task.

        Raises
        ------
        ErrorReply
            400 for an id that is none, 404 for one that nobody was given.
        """
        if not _TASK_ID.fullmatch(task_id):
            message = "Invalid task ID format"
            raise ErrorReply.invalid(message, "invalid_task_id")
        if task_id not in self._index and self._is_kept:
            with self._writing():
                pass
        index = self._index.get(task_id)
        if index is None:
            raise ErrorReply(404, "not found", code=404)
        return self.tasks[index]

    def body_of(self, task_id: str) -> bytes | None:
        """Return the body that a task was submitted with, None for an unknown task."""
        index = self._index.get(task_id)
        return None if index is None else self.tasks[index].raw

    def look(self, task_id: str, now: float) -> View:
        """Return a task as it stands now; raises as `find`."""
        task = self.find(task_id)
        if self._is_kept and (self.latest < task.end <= now or now - self.latest > _TOLD):
            with self._writing():
                self._save("time", now)
        if now >= task.end:
            return View(task, task.outcome, 1.0, self._told(task, now))
        if now < task.begin:
            return View(task, "queued", 0.0, self._told(task, now))
        span = 2.0 * task.estimate if task.end == math.inf else task.end - task.begin
        return View(task, "running", min(0.999, (now - task.begin) / span), self._told(task, now))

    def _told(self, task: Task, now: float) -> int | None:
        settles = self.profile.settles
        if settles is not None and now >= task.end + settles:
            return task.cost if task.outcome == "completed" else 0
        first = {"whole": task.cost, "part": task.cost // 10, "zero": 0}
        return first.get(self.profile.told_first)

    def order(self, task: Task) -> Order:
        """Return what a task was asked for, as it was understood."""
        understood = self.profile.but(bad_values="ignore", unknown_fields="ignore", durations="page")
        return read(json.loads(task.raw), understood, self.shelf)

    def model_of(self, task: Task) -> Model:
        """Return a task's model, without weighing the rest of its body."""
        return self.shelf.find(json.loads(task.raw)["model"]) or self.order(task).model

    def entry(self, index: int, now: float) -> LedgerEntry:
        """Return a task's line in the books."""
        task = self.tasks[index]
        body = json.loads(task.raw)
        return LedgerEntry(
            task_id=task.id,
            model=body["model"],
            body=body,
            raw=task.raw,
            api_key_id=task.key_id,
            idempotency_key=task.idempotency_key,
            accepted_at=task.at,
            cost=pricing.usd(task.cost),
            refunded=task.outcome in {"failed", "cancelled"} and now >= task.end,
            ignored=self.order(task).ignored,
        )

    def signature(self, name: str) -> str:
        """Return what makes a link to a result unguessable, the same for one seed."""
        key = b"link" + str(self.seed).encode()
        return hashlib.blake2b(name.encode(), key=key[:64], digest_size=10).hexdigest()

    # images

    def upload(self, data: bytes, name: str, now: float) -> Upload:
        """Keep an image.

        Raises
        ------
        ErrorReply
            400 if it is no JPEG, PNG, WebP or GIF.
        """
        with self._writing():
            self.uploads = {p: u for p, u in self.uploads.items() if now < u.at + UPLOAD_LIFE}
            count = sum(upload.data == data for upload in self.uploads.values())
            upload = make_upload(data, name, now, f"{self.seed}:{count}")
            self._save("upload", upload)
            return upload

    def image(self, path: str, now: float) -> Upload | None:
        """Return the upload that is served at a path, None if there is none (any more)."""
        upload = self.uploads.get(path)
        return upload if upload is not None and now < upload.at + UPLOAD_LIFE else None

    # keeping

    @property
    def _is_kept(self) -> bool:
        return self._state is not None or bool(self.copies)

    def keep_in(self, path: Path) -> None:
        """Write tasks, uploads, keys and time to a file as well, having taken in those that are in it.

        What is no such file is left as it is, nothing of it counts, and a warning says so.

        Raises
        ------
        OSError
            If it cannot be opened.
        ValueError
            If it is no plain file.
        """
        with self._lock:
            new = self.copies.join(path)
            with self._writing():
                if new:
                    self.copies.append(["key", self.key], only=path)

    def leave(self, path: Path) -> None:
        """Write to a file no more, once for each time that it was asked for."""
        with self._lock:
            self.copies.leave(path)

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        """Be the only writer, knowing all that others wrote to the files."""
        with self._lock, self.copies.locked():
            for kind, value in self.copies.news(_read):
                self._take_in(kind, value)
            if self._state is None:
                yield
                return
            with self._state.locked():
                for kind, value in self._state.news(_read):
                    self._apply(kind, value)
                yield

    def _take_in(self, kind: str, value: Any) -> None:
        """Let count what the file in a folder says: a key of then is taken, and is not the world's own."""
        if kind == "key":
            self._keys.add(value)
        elif kind == "task" and not self._is_offered(value):
            return
        elif kind in _COPIED:
            self._apply(kind, value)

    def _is_offered(self, task: Task) -> bool:
        try:
            self.order(task)
        except ErrorReply:
            return False
        return True

    def _save(self, kind: str, value: Any) -> None:
        """Write what happened to the files, then let it count."""
        if self._is_kept:
            record = [kind, *(value.fields() if kind in _FORMS else [value])]
            if self._state is not None:
                self._state.append(record)
            if kind in _COPIED:
                self.copies.append(record)
        self._apply(kind, value)

    def _apply(self, kind: str, value: Any) -> None:
        if kind == "task":
            self._book(value)
            self.latest = max(self.latest, value.at)
        elif kind == "upload":
            self.uploads[value.path] = value
        elif kind == "key":
            self.key = value
            self._keys.add(value)
        elif kind == "revoked":
            self._revoked.add(value)
        elif kind == "top-up":
            self._held += value
        elif kind == "time":
            self.latest = max(self.latest, value)


_FORMS: dict[str, type[Task | Upload]] = {"task": Task, "upload": Upload}
"""What happens that takes more than one value to say."""

_COPIED = frozenset({"task", "upload", "key", "time"})
"""What is written to the folders of sweeps; what a person does to the account is done again by the same cells."""

_SOUND: dict[str, Callable[[Any], bool]] = {
    "key": lambda key: _KEY.fullmatch(key) is not None,
    "revoked": lambda key: isinstance(key, str),
    "top-up": lambda micro: isinstance(micro, int) and abs(micro) <= _DEAREST**2,
    "time": is_time,
}


def _read(record: list[Any]) -> tuple[str, Any]:
    """Return a kind and a value from a file, having checked them.

    Raises
    ------
    ValueError, TypeError, AttributeError
        If they are nothing that could have happened.
    """
    kind, *fields = record
    try:
        if kind in _FORMS:
            return kind, _FORMS[kind].from_fields(fields)
    except ErrorReply as error:
        raise ValueError(str(error)) from None
    (value,) = fields
    if not _SOUND[kind](value):
        msg = f"this is no {kind}"
        raise ValueError(msg)
    return kind, value


def _slot_free(task: Task) -> float:
    """Return when a task leaves its slot; a stuck one loses it after twice its estimate."""
    return task.begin + 2.0 * task.estimate if task.end == math.inf else task.end


def _digest(spelled: bytes) -> int:
    return int.from_bytes(hashlib.blake2b(spelled, digest_size=8).digest())
