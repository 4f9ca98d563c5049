"""A run's part in a ledger: claims what leaves, tells what becomes of it, and takes in what other machines tell."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import logging
import os
import socket
import sqlite3
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from gridgen._loop import engine
from gridgen.clock import Clock
from gridgen.errors import JournalError
from gridgen.journal.record import MOST_MONEY
from gridgen.journal.store import filed_under
from gridgen.ledger import DAY, FREED, TEAM, Claim, Entry, Holder, Reply, day_of, money_of, named, project_of
from gridgen.ledger.tables import SILENT_AFTER
from gridgen.money import Answer, Cap, Dollars, Outlay, Stage, Verdict
from gridgen.pacing import LONGEST_WAIT
from gridgen.states import CHARGED, IN_HAND, MADE, SENDABLE, TOLD, UNHEARD, UNSETTLED, State, way

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from gridgen.journal import Changes, Record
    from gridgen.ledger.tables import Tables
    from gridgen.money import ClipKey
    from gridgen.sweep.budget import Budget
    from gridgen.sweep.run import Run
    from gridgen.sweep.work_queue import Job

__all__ = ["Sharing"]

LOOK, SOON, BEAT = 1.0, 0.2, 5.0
"""Seconds of the machine between two looks at the ledger, before a telling, and between two signs of life."""

PATIENCE = 60.0
"""Seconds for which a ledger that does not answer is tried again, before the submitting is given up."""

AGAIN = 2.0
FRESH = SILENT_AFTER - BEAT
"""Seconds for which a claim is good: after more of them the others may take this process for dead."""

_OTHERS_TASK = "the ledger tells of it with the task of another clip"
_NOTHING = money_of(Outlay(Stage.FREE, None, None))
_TEXTS = ("task_id", "url", "error_class", "error")
_TIMES = ("submitted_at", "created_at", "completed_at", "expires_at")
_log = logging.getLogger("gridgen")


class _Known(NamedTuple):
    """An attempt of the journal that the ledger knows."""

    record: int
    n: int
    name: str
    claimed_at: float | None = None


class Sharing:
    """What several machines share of a run; on the engine's loop.

    Parameters
    ----------
    run : Run
    ledger : Tables
    budget : Budget
        Learns what is left for all.
    counted : collection of pairs of str
        Origin and key of the cells of the run.
    on_news : callable
        Called with a job of which something is new.

    Attributes
    ----------
    trouble : str
        Why the ledger cannot be used just now, empty when it can.
    """

    def __init__(
        self,
        run: Run,
        ledger: Tables,
        budget: Budget,
        counted: Collection[tuple[str, str]],
        on_news: Callable[[Job], None],
    ) -> None:
        self._run, self._journal, self._ledger, self._budget = run, run.journal, ledger, budget
        self._counted, self._on_news = tuple(counted), on_news
        self._home = _home(self._journal.folder, self._journal.store_id)
        self._me = Holder(
            f"{self._home}:{self._journal.lease_token}", socket.gethostname()[:100], os.getpid()
        )
        self._project = project_of(self._counted)
        self._jobs = {job.slot: job for job in run.queue.jobs}
        self._account: tuple[str, str] = ("", "")
        self._salt = ""
        self._seen: dict[ClipKey, Entry] = {}
        self._known: dict[ClipKey, _Known] = {}
        self._told: dict[tuple[ClipKey, int], Entry] = {}
        # whose clips somebody else had, so that they are looked at whatever has changed
        self._asked: set[ClipKey] = set()
        self._taking_in: ClipKey | None = None
        self._since = 0
        self._sums: dict[str, Cap] = {}
        self._pauses: list[float] = []
        self._going: asyncio.Task[None] | None = None
        # the sweeps of this process in the folder are one machine
        self._together = run.journal.shared(_sharing)
        self._wake = asyncio.Event()
        # what was told before a claim must not arrive after it: it may give back what is claimed
        self._talking = asyncio.Lock()
        self._failing_since: float | None = None
        self._beat_at = 0.0
        self._refused = self._looked_since = 0
        self.trouble = ""

    @property
    def behind(self) -> bool:
        """Whether something was heard of that is not in the journal yet, or will be at the next look.

        What a claim was refused for may be spent on clips of this very run.
        """
        return self._taking_in is not None or self._refused > self._looked_since

    def elsewhere(self, slot: ClipKey) -> bool:
        """Whether another process has a clip in its hands."""
        entry = self._seen.get(slot)
        if entry is None or entry.holder == self._me.token:
            return False
        return entry.state in IN_HAND

    def ask(self, slot: ClipKey) -> None:
        """Look at a clip that somebody else has, even where all news of it were heard before."""
        self._asked.add(slot)
        self._wake.set()

    async def begin(self) -> None:
        """Take part: bring what the folder knows, and take in what the others know.

        Raises
        ------
        JournalError
            If the ledger cannot be used. Nothing is submitted without it.
        """
        self._together.append(self)
        await self._journal.flush()
        history = await engine().in_thread(self._journal.attempts)
        entries, self._since = await engine().in_thread(self._join, history)
        mine = {(each.slot, name): each for name, each in history}
        for each in entries:
            own = mine.get((each.clip, each.name)) or mine.get((each.clip, _mirrored_name(each)))
            if own is not None:
                self._known[each.clip] = _Known(own.id, each.n, each.name)
        freed = self._unsent(entries, mine)
        await engine().in_thread(self._ledger.tell, self._me, freed)
        self._tell_on(entries, mine)
        await self._take_in([each for each in entries if each.clip not in {back.clip for back in freed}])
        self._going = asyncio.create_task(self._go_on())

    def _join(self, history: list[tuple[str, Record]]) -> tuple[list[Entry], int]:
        self._salt = self._ledger.salt()
        self._ledger.join(self._me, self._project, self._counted)
        counted = set(self._counted)
        self._ledger.tell(
            self._me,
            [
                self._entry(record, 0, name)
                for name, record in history
                if record.slot[:2] in counted and "@" not in name
            ],
        )
        return self._ledger.news(self._project)

    def _unsent(self, entries: list[Entry], mine: dict[tuple[ClipKey, str], Record]) -> list[Entry]:
        """Return, to be given back, what an earlier process of this very folder claimed, and the journal shows that it never left.

        Its intent is on the disk before the first byte leaves; a copy of the folder is another folder.
        """
        return [
            replace(each, state=FREED, money=_NOTHING)
            for each in entries
            if each.state in SENDABLE
            and each.state != FREED
            and (each.clip, each.name) not in mine
            # whoever told of it last is noted as its holder: what counts is whose claim it was
            and each.name == self._journal.next_key(each.clip)
            and each.holder != self._me.token
            and each.holder.split(":")[0] == self._home
        ]

    def _tell_on(self, entries: list[Entry], mine: dict[tuple[ClipKey, str], Record]) -> None:
        """Tell what a person has made here, while no run went on, of submissions that are unknown to the others."""
        for each in entries:
            own = mine.get((each.clip, _mirrored_name(each)))
            if own is not None and each.state == State.UNKNOWN and own.state in TOLD - {State.UNKNOWN}:
                self._tell(self._entry(own, each.n, each.name))

    async def leave(self) -> None:
        """Tell what is left to tell, and take part no more."""
        if self in self._together:
            self._together.remove(self)
        if self._going is not None:
            async with self._talking:
                self._going.cancel()
            await asyncio.gather(self._going, return_exceptions=True)
        try:
            await engine().in_thread(self._send, self._told, self._pauses)
            if not self._together:
                await engine().in_thread(self._ledger.leave, self._me)
        except Exception as error:  # noqa: BLE001 - the run has ended all the same, and the others take over
            _log.info("the last word to the ledger was lost: %r", error)
        finally:
            await engine().in_thread(self._ledger.close)

    # Claims

    async def claim(self, record: Record, price: Decimal | None) -> Reply:
        """Claim an attempt that is about to leave, in the journal's name.

        Where the ledger does not answer for a while, the reply is to wait; nothing leaves without it.

        Raises
        ------
        JournalError
            If it has not answered for long.
        """
        client, clock = self._run.client, self._run.clock
        now, asked_at = clock.time(), _elapsed()
        pace, speed = client.pace.submits, clock.speed
        latest, last = self._journal.records.get(record.slot), self._known.get(record.slot)
        if max(0 if latest is None else latest.id, 0 if last is None else last.record) > record.id:
            # another machine's attempt was taken in, or is just being taken in, since this one was planned
            return Reply(Verdict(Answer.YES), taken=True)
        heard = self._seen.get(record.slot)
        wanted = Claim(
            clip=record.slot,
            after=0 if last is None else last.n,
            name=record.idempotency_key,
            account=self._account_name(),
            price=price,
            money=money_of(Outlay(Stage.UNDER_WAY, price, None)),
            caps=() if self._budget.usd is None else ((self._project, self._budget.usd),),
            rate=pace.current(clock.monotonic()) * speed,
            burst=max(1.0, pace.burst - 1.0),
            day=day_of(now),
            told={"submitted_at": now, **({} if price is None else {"price": str(price)})},
            heard="" if heard is None else heard.state,
        )
        try:
            async with self._talking:
                # what became of the attempt before is known there first: while it counts as under way, nobody gets another
                told = {key: entry for key, entry in self._told.items() if key[0] == record.slot}
                reply = await engine().in_thread(self._settle_and_claim, list(told.values()), wanted)
                self._told = {key: each for key, each in self._told.items() if told.get(key) is not each}
        except JournalError as error:
            self._failed(error)
            if self.hopeless:
                raise
            return Reply(Verdict(Answer.YES), wait=AGAIN * speed)
        self._worked()
        if reply.n:
            # a claim that is made again takes the place of what was to be told of it
            self._told.pop((record.slot, reply.n), None)
            self._known[record.slot] = _Known(record.id, reply.n, wanted.name, asked_at)
            self._seen[record.slot] = Entry(
                record.slot,
                reply.n,
                wanted.name,
                State.SENDING,
                wanted.money,
                self._me.token,
                alive=True,
                day=wanted.day,
            )
        cap = reply.verdict.cap
        if cap is not None:
            self._refused += 1
            self._wake.set()
            shown = named(cap)
            self._sums[cap.name] = shown
            self._budget.shared_caps = list(self._sums.values())
            reply = reply._replace(verdict=Verdict(reply.verdict.answer, shown))
        # whatever somebody has written there, it is asked again some day
        wait = reply.wait * speed
        return reply._replace(wait=min(LONGEST_WAIT, wait))

    def is_too_old(self, record: Record) -> bool:
        """Whether an attempt was claimed so long ago that the others may take it for unknown by now."""
        known = self._known.get(record.slot)
        if known is None or known.record != record.id or known.claimed_at is None:
            return True
        return _elapsed() - known.claimed_at > FRESH

    def give_back(self, record: Record) -> None:
        """Tell that an attempt does not leave, where it was claimed."""
        known = self._known.get(record.slot)
        if known is not None and known.record == record.id:
            self._tell_back(record.slot, known)

    def _tell_back(self, slot: ClipKey, known: _Known) -> None:
        # another sweep of this process may have claimed it, and claims it anew before this word arrives
        if known.claimed_at is not None:
            self._tell(Entry(slot, known.n, known.name, FREED, _NOTHING, day=day_of(self._run.clock.time())))
        # its number is free again; the attempts before it are known as before
        self._known[slot] = _Known(0, known.n - 1, "")

    def _settle_and_claim(self, told: list[Entry], wanted: Claim) -> Reply:
        if told:
            self._ledger.tell(self._me, told)
        return self._ledger.claim(self._me, wanted)

    def paused(self, seconds: float) -> None:
        """Let nobody submit under the key for a while: the server has asked this one to wait."""
        self._pauses.append(seconds / self._run.clock.speed)
        self._wake.set()

    def _account_name(self) -> str:
        client = self._run.client
        key = client.fingerprint(f"{self._salt} ledger {client.origin}")
        return f"{client.origin} {key}"

    # Telling

    def hear(self, record: Record) -> None:
        """Take in what became of an attempt that the ledger knows, to be told soon."""
        known = self._known.get(record.slot)
        if record.slot == self._taking_in or record.state == State.SENDING:
            return
        if known is None or known.record < record.id:
            if (
                record.state in TOLD
                and record.submitted_at
                and not record.tries
                and record.slot in self._jobs
            ):
                # nobody claimed it, and it never left from here: it was adopted
                self._tell(self._entry(record, 0, self._journal.key_of(record)))
            return
        if known.record != record.id:
            return
        if record.state == State.PLANNED:
            self._tell_back(record.slot, known)
        else:
            self._tell(self._entry(record, known.n, known.name))

    def _tell(self, entry: Entry) -> None:
        self._told[entry.clip, entry.n] = entry
        if (seen := self._seen.get(entry.clip)) is not None and seen.n == entry.n:
            self._seen[entry.clip] = replace(entry, holder=self._me.token)
        self._wake.set()

    def _entry(self, record: Record, n: int, name: str) -> Entry:
        state = FREED if record.state == State.PLANNED else str(record.state)
        told: dict[str, Any] = {key: getattr(record, key) for key in (*_TEXTS, *_TIMES, "progress")}
        told |= {
            key: None if (usd := getattr(record, key)) is None else str(Decimal(usd))
            for key in ("price", "cost")
        }
        present = {key: value for key, value in told.items() if value is not None}
        day = day_of(record.submitted_at or self._run.clock.time())
        return Entry(record.slot, n, name, state, money_of(record.outlays[-1]), told=present, day=day)

    def _send(self, told: dict[tuple[ClipKey, int], Entry], pauses: list[float]) -> None:
        if told:
            self._ledger.tell(self._me, list(told.values()))
        for seconds in pauses:
            self._ledger.pause(self._account_name(), seconds)

    # Looking

    async def _go_on(self) -> None:
        while True:
            try:
                await self._turn()
            except Exception as error:  # noqa: BLE001 - whatever it is, the run goes on and tells of it
                # nobody else would notice, and clips that others have would be waited for without an end
                _log.warning("the ledger cannot be followed, and is tried again: %r", error)
                self._failed(JournalError(f"the ledger cannot be followed ({type(error).__name__})"))

    async def _turn(self) -> None:
        """Wait until it is time, tell what is to be told, and take in what is new."""
        waiting = asyncio.ensure_future(self._wake.wait())
        try:
            await asyncio.wait([waiting], timeout=LOOK)
        finally:
            waiting.cancel()
        if self._wake.is_set():
            # what is told together is one transaction
            await Clock().sleep(SOON)
            self._wake.clear()
        async with self._talking:
            told, pauses, asked = self._told, self._pauses, self._asked
            self._told, self._pauses, self._asked, refused = {}, [], set(), self._refused
            try:
                entries, taken = await engine().in_thread(self._look, told, pauses, asked)
            except BaseException as error:
                # told the next time, unless something newer is to be told by then
                self._told, self._pauses = told | self._told, pauses + self._pauses
                self._asked |= asked
                if not isinstance(error, JournalError):
                    raise
                self._failed(error)
                return
        self._worked()
        for slot in taken:
            if slot in self._seen:
                self._seen[slot] = replace(self._seen[slot], holder=self._me.token)
        await self._take_in(entries)
        for slot in {*taken, *asked}:
            if slot in self._jobs:
                self._on_news(self._jobs[slot])
        self._budget.shared_caps = list(self._sums.values())
        self._budget.ease()
        self._looked_since = refused
        self._run.queue.wake()

    def _look(
        self, told: dict[tuple[ClipKey, int], Entry], pauses: list[float], asked: set[ClipKey]
    ) -> tuple[list[Entry], list[ClipKey]]:
        self._send(told, pauses)
        taken: list[ClipKey] = []
        if (now := Clock().monotonic()) >= self._beat_at:
            self._ledger.beat(self._me)
            self._beat_at = now + BEAT
            taken = self._ledger.take_over(self._me, self._project)
        # before the news: what counts and is not heard of would hold a clip back for money that another one has for it
        self._sums = self._limits()
        entries, self._since = self._ledger.news(self._project, self._since)
        entries += [each for slot in asked for each in self._ledger.of_clip(slot)]
        return entries, taken

    def _limits(self) -> dict[str, Cap]:
        """Return the budgets that the ledger holds against what leaves, and what is committed under each."""
        caps = self._ledger.caps(day_of(self._run.clock.time()))
        found = {DAY if each.daily else TEAM: each for each in caps}
        if self._budget.usd is not None:
            for _, spent in self._ledger.sums([self._project]).values():
                found[self._project] = named(Cap(self._project, self._budget.usd, spent))
        return found

    def _failed(self, error: JournalError) -> None:
        if self._failing_since is None:
            self._failing_since = Clock().monotonic()
            _log.info("%s", error)
        self.trouble = str(error)
        if self.hopeless:
            self._run.queue.fail(error)
        self._run.queue.wake()

    def _worked(self) -> None:
        self._failing_since, self.trouble = None, ""

    @property
    def hopeless(self) -> bool:
        """Whether the ledger has not answered for so long that nobody waits for it any more."""
        return self._failing_since is not None and Clock().monotonic() - self._failing_since > PATIENCE

    # Taking in

    async def _take_in(self, entries: list[Entry]) -> None:
        """Bring the journal up to what the others tell, one clip after the other."""
        for entry in entries:
            before = self._seen.get(entry.clip)
            if before is not None and before.n > entry.n:
                continue
            job = self._jobs.get(entry.clip)
            if job is None or self._knows_better(entry):
                self._seen[entry.clip] = entry
                self._number(entry)
                continue
            self._taking_in = job.slot
            try:
                await self._mirror(job, entry)
            except JournalError as error:
                self._run.queue.fail(error)
            except Exception as error:  # noqa: BLE001 - one odd clip is one odd row
                _log.warning(
                    "what the ledger tells of cell %s cannot be taken in: %r", entry.clip.cell[:8], error
                )
            finally:
                self._taking_in = None
            self._seen[entry.clip] = entry
            self._on_news(job)

    def _knows_better(self, entry: Entry) -> bool:
        """Whether an attempt is this one's own, or in its journal already; what was only taken over is taken in first."""
        if entry.holder != self._me.token:
            return False
        known = self._known.get(entry.clip)
        return (known is not None and known.n >= entry.n) or entry.name == self._journal.next_key(entry.clip)

    def _number(self, entry: Entry) -> None:
        """Take in the number that the ledger gave to an attempt that this one did not claim, such as one that was adopted."""
        record, known = self._journal.records.get(entry.clip), self._known.get(entry.clip)
        if (
            record is not None
            and (known is None or known.n < entry.n)
            and entry.name == self._journal.key_of(record)
        ):
            self._known[entry.clip] = _Known(record.id, entry.n, entry.name)

    async def _mirror(self, job: Job, entry: Entry) -> None:
        await self._drop_unsent(entry)
        if entry.state not in TOLD:
            return
        told, state = _checked(entry), entry.state
        if state in CHARGED:
            # whether its file is here, each folder says for itself
            state = State.DOWNLOADING if told.get("url") else State.MISSING
        record, known = self._journal.records.get(entry.clip), self._known.get(entry.clip)
        if known is not None and known.n == entry.n and record is not None and record.id == known.record:
            if record.state in UNSETTLED:
                await self._bring(job, record, state, told)
        elif known is None or known.n < entry.n or self._is_superseded(record, entry):
            made = await self._journal.mirror(job.slot, name=_mirrored_name(entry))
            if made is None:
                return
            self._known[entry.clip] = _Known(made.id, entry.n, entry.name)
            await self._bring_new(job, made, state, told)
        if state in CHARGED and told.get("cost"):
            self._budget.learn(job.cell, told["cost"])

    async def _drop_unsent(self, entry: Entry) -> None:
        """Note that what was taken for unknown never left: its number is free, or another claim has it by now."""
        record = self._journal.records.get(entry.clip)
        if record is None or record.state != State.UNKNOWN or "@" not in record.idempotency_key:
            return
        name, _, number = filed_under(record).rpartition("@")
        if number == str(entry.n) and (entry.state == FREED or name != entry.name[:150]):
            await self._journal.unsent(record)
            self._known[entry.clip] = _Known(0, entry.n - 1, "")

    def _is_superseded(self, planned: Record | None, entry: Entry) -> bool:
        """Whether another attempt was planned here in place of one that turns out to have brought a clip."""
        if planned is None or planned.state != State.PLANNED or entry.state not in MADE:
            return False
        seen = self._seen.get(entry.clip)
        unsure = seen is None or seen.state in UNHEARD
        news = seen is None or (seen.n, seen.state) != (entry.n, entry.state)
        return unsure and news and entry.holder.split(":")[0] != self._home

    async def _bring_new(self, job: Job, made: Record, state: str, told: Changes) -> None:
        try:
            await self._bring(job, made, state, told)
        except JournalError as error:
            if not isinstance(error.__cause__, sqlite3.IntegrityError):
                raise
            # it is told with another clip's task: whose that is only a person can tell
            await self._bring(job, made, State.UNKNOWN, {"error_class": "ledger", "error": _OTHERS_TASK})

    async def _bring(self, job: Job, record: Record, state: str, told: Changes) -> None:
        """Bring an attempt to a state, step by step; what is told of it goes with the last one."""
        progress = told.pop("progress", None)
        steps = way(record.state, state)
        if steps is None:
            return
        for each in steps[:-1]:
            await self._journal.step(record, job.cell, each, told)
        if steps or any(getattr(record, name) != value for name, value in told.items()):
            await self._journal.step(record, job.cell, state, told)
        if progress is not None and progress != record.progress:
            self._journal.show(record, progress=progress)


def _mirrored_name(entry: Entry) -> str:
    """Return what an attempt of another machine is filed under here; it is no key to send anything with."""
    return f"{entry.name[:150]}@{entry.n}"


def _checked(entry: Entry) -> Changes:
    """Return what another machine tells of an attempt, as far as it is of the right kind; the journal bounds it."""
    told: dict[str, Any] = {}
    for name in _TEXTS:
        if isinstance(value := entry.told.get(name), str):
            told[name] = value
    for name in _TIMES:
        if isinstance(value := entry.told.get(name), (int, float)) and not isinstance(value, bool):
            with contextlib.suppress(OverflowError):
                told[name] = float(value)
    if isinstance(value := entry.told.get("progress"), int) and not isinstance(value, bool):
        told["progress"] = max(0, min(value, 100))
    for name in ("price", "cost"):
        with contextlib.suppress(InvalidOperation, TypeError, ValueError):
            usd = Decimal(str(entry.told[name])) if name in entry.told else None
            if usd is not None and usd.is_finite() and 0 <= usd <= MOST_MONEY:
                told[name] = Dollars(usd)
    return cast("Changes", told)


def _home(folder: Any, store: str) -> str:
    """Return what names this very folder on this very machine: a copy of it, or one that was moved, is another one."""
    try:
        inode = folder.stat().st_ino
    except OSError:
        inode = 0
    meant = json.dumps([store, socket.gethostname(), str(folder.resolve()), inode])
    return hashlib.sha256(meant.encode()).hexdigest()[:24]


def _elapsed() -> float:
    """Return the seconds that have passed on this machine since some moment, its sleep included."""
    clock = Clock()
    return clock.monotonic() + clock.slept()


def _sharing() -> list[Sharing]:
    """Return an empty list for all runs of a folder that share a ledger."""
    return []
