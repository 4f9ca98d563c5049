"""Bringing finished videos home: download by expiry, check, name, and draw their pictures."""

from __future__ import annotations

import contextlib
import errno
import heapq
import itertools
import os
import re
import stat
import unicodedata
from collections import deque
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from gridgen import media
from gridgen._loop import engine
from gridgen.client import DOWNLOADS
from gridgen.client.download import LARGEST_FILE, is_dead_link, is_hopeless
from gridgen.client.links import InsideError
from gridgen.errors import APIError, GridgenError, JournalError, NetworkError, RateLimitError
from gridgen.journal import extras
from gridgen.pacing import backoff
from gridgen.states import State
from gridgen.sweep.further import bring, free_name

if TYPE_CHECKING:
    from pathlib import Path

    from gridgen.grid import Cell
    from gridgen.journal import Journal, Record
    from gridgen.money import ClipKey
    from gridgen.sweep.run import Run
    from gridgen.sweep.work_queue import Job
    from gridgen.sweep.workers import Workers

__all__ = ["SECOND_TASK", "Accept", "Fetching", "accept"]

Accept = Callable[["Path", "Path"], Awaitable[media.Facts]]

SECOND_TASK = "second_task"
"""Error class of a row whose submission made more tasks than its own: that is told for good."""

UNDRAWN = "preview"
"""Error class of a row whose clip is here and could not be drawn; the next run tries again."""

MOST_TRIES = 4
FAILING_FOR = 900.0
LINKS_LAST = 86_400.0
"""Seconds that a link lives of which no end is told (docs.apimart.ai, page of VEO: 24 hours)."""
DEAD_FOR = 60.0
"""Seconds for which a link that should live may be refused before it is dead."""


class Fetching:
    """The downloads and the pictures of a run.

    Parameters
    ----------
    run : Run
    previews : bool
        Whether a poster and a preview are made of each clip.
    quota : int or None
        Bytes that the videos of the folder may take together.
    accept : callable
        Checks a downloaded file, and only then gives it its name; see `accept`.
    workers : Workers
        Who draws.
    """

    def __init__(
        self, run: Run, *, previews: bool, quota: int | None, accept: Accept, workers: Workers
    ) -> None:
        self._run, self._queue, self._journal = run, run.queue, run.journal
        self._previews, self._quota, self._accept = previews, quota, accept
        self._workers = workers
        self._coming: dict[Job, int] = {}
        self._links: list[tuple[float, int, Job]] = []
        self._order = itertools.count()
        self._pictures: deque[Job] = deque()
        self._failing: dict[Job, float] = {}
        self._names: dict[str, ClipKey] | None = None
        self._fresh: set[Job] = set()

    def forgive(self) -> None:
        """Count failed tries anew."""
        self._failing.clear()
        self._queue.results.reset()

    def take_on(self, job: Job, record: Record) -> bool:
        """Take on what is still to be fetched, checked or drawn of a finished task; say whether anything is."""
        if record.state == State.DOWNLOADING:
            self.download(job, record)
        elif record.state != State.DONE:
            return False
        elif (spoilt := self._spoilt(record)) is not None:
            self._fetch_anew(job, record, spoilt)
        elif self._is_complete(record):
            return False
        else:
            self._draw(job)
        return True

    def _spoilt(self, record: Record) -> str | None:
        """Say in words what has become of a file that was good, None for nothing that its size would show."""
        try:
            found = (self._journal.folder / (record.path or "")).stat()
        except OSError:
            return "its file is gone"
        if not stat.S_ISREG(found.st_mode):
            return "its file is none any more"
        if record.bytes not in {None, found.st_size}:
            return f"its file has {found.st_size} bytes, expected {record.bytes}"
        return None

    def _fetch_anew(self, job: Job, record: Record, why: str) -> None:
        """Fetch a video again whose file is not what was checked; the journal calls it done until it is known better."""
        text = f"{why}; it is fetched again"
        self._journal.show(record, state=State.DOWNLOADING, error_class="download", error=text)
        self.download(job, record)

    def _is_complete(self, record: Record) -> bool:
        return not self._is_doubtful(record) and self._is_drawn(record) and not self._lacks(record)

    def _is_doubtful(self, record: Record) -> bool:
        """Whether a file was written since it was checked; older journals do not tell."""
        file = self._journal.folder / (record.path or "")
        return record.mtime is not None and record.mtime != _written_at(file)

    def _lacks(self, record: Record) -> bool:
        """Whether a further result of the task is still to be fetched."""
        return any(each.wanted and not self._exists(each.path) for each in extras.read(record.further))

    def download(self, job: Job, record: Record) -> None:
        """Fetch a job's video, the one whose link dies first before others."""
        self._queue.move(job, "download")
        heapq.heappush(self._links, (record.expires_at or float("inf"), next(self._order), job))

    def start(self) -> None:
        """Begin the downloads and pictures that there is room for."""
        flying = self._queue.flying
        while self._links and flying["download"] < DOWNLOADS:
            most = self._allowance()
            if most <= 0 and self._coming:
                break
            job = heapq.heappop(self._links)[-1]
            self._coming[job] = most
            self._queue.spawn("download", job, self._download(job, most))
        while self._pictures and flying["picture"] < self._workers.most:
            job = self._pictures.popleft()
            self._queue.spawn("picture", job, self._picture(job))

    def _allowance(self) -> int:
        """Return how many bytes the next video may have: none while others may take all that the quota has left."""
        if self._quota is None:
            return LARGEST_FILE
        records = self._journal.records.values()
        taken = sum(
            (record.bytes or 0) + sum(each.bytes for each in extras.read(record.further))
            for record in records
            if record.path is not None
        )
        return min(LARGEST_FILE, self._quota - taken - sum(self._coming.values()))

    def hear(self, record: Record) -> None:
        """Note which file names are taken."""
        if self._names is not None and record.path is not None:
            self._names[_stem_of(record.path)] = record.slot

    def _draw(self, job: Job) -> None:
        if self._is_complete(self._journal.records[job.slot]) and job not in self._fresh:
            self._queue.move(job, "over")
            return
        self._queue.move(job, "picture")
        self._pictures.append(job)

    def _is_drawn(self, record: Record) -> bool:
        """Whether poster and previews are there and whole; folders of earlier versions lack the smaller preview."""
        if not self._previews:
            return True
        if record.poster is None or record.preview is None:
            return False
        folder = self._journal.folder
        small = folder / media.small_of(record.preview)
        drawn = [folder / record.poster, folder / record.preview, *([small] if small.exists() else [])]
        return all(media.is_whole(each) for each in drawn)

    def _exists(self, name: str | None) -> bool:
        return name is not None and (self._journal.folder / name).is_file()

    async def _download(self, job: Job, most: int) -> None:
        record = self._journal.records[job.slot]
        meter = self._queue.meter
        meter.requests["downloads"] += 1
        try:
            self._journal.check()
            target, facts = await self._fetched(job, record, most)
        except JournalError:
            raise
        except OSError as error:
            self._disk_failed(job, error)
        except Exception as error:  # noqa: BLE001 - a server's file may cause anything; it is this row's error alone
            await self._failed(job, record, error)
        else:
            meter.ended, meter.bytes = self._run.clock.monotonic(), meter.bytes + facts.bytes
            told = record.error_class == SECOND_TASK
            self._queue.results.had()
            await self._journal.save(
                record,
                durable=True,
                state=State.DONE,
                path=target.name,
                mtime=_written_at(target),
                error_class=record.error_class if told else None,
                error=record.error if told else None,
                width=facts.width,
                height=facts.height,
                fps=facts.fps,
                frames=facts.frames,
                clip_seconds=facts.seconds,
                bytes=facts.bytes,
                sha256=facts.sha256,
            )
            self._fresh.add(job)
            self._draw(job)
        finally:
            self._coming.pop(job, None)

    async def _fetched(self, job: Job, record: Record, most: int) -> tuple[Path, media.Facts]:
        """Fetch a video from the first of its links that brings it; raise what the most hopeful one raised."""
        folder = self._journal.folder
        # clips lie in the folder itself: what is noted elsewhere was noted by somebody else
        named = record.path if record.path and "/" not in record.path else None
        stem = self._file_stem(job) if named is None else _stem_of(named)
        # what broke off belongs to one attempt and one link; others bring another file
        attempt = "" if record.n == 1 else f".{record.n}"
        links = (record.url or "", *extras.mirrors(record.further))
        parts = [folder / f"{stem}.mp4{attempt}{f'.{at}' if at else ''}.part" for at in range(len(links))]
        errors: list[Exception] = []
        for link, part in zip(links, parts, strict=True):
            try:
                await self._run.client.wire.fetch(link, part, most=max(0, most))
                target = folder / f"{stem}{_suffix(part)}"
                if record.path is None and record.n > 1:
                    target = await engine().in_thread(_unnamed, target, self._journal)
                if target.exists():
                    target = await engine().in_thread(free_name, target, part)
                facts = await self._accept(part, target)
            except (JournalError, OSError):
                raise
            except Exception as error:  # noqa: BLE001 - the next link may be better
                errors.append(error)
            else:
                _sweep_away(parts)
                return target, facts
        raise min(errors, key=_hopelessness)

    def _file_stem(self, job: Job) -> str:
        """Return the job's name without its suffix, with its origin where another slot has taken it."""
        if self._names is None:
            records = self._journal.records.items()
            self._names = {_stem_of(record.path): slot for slot, record in records if record.path}
        origin, key, take = job.slot
        name = f"{_stem(job.cell)}_{key[:8]}-{take}"
        return name if self._names.setdefault(name, job.slot) == job.slot else f"{name}-{origin}"

    async def _failed(self, job: Job, record: Record, error: Exception) -> None:
        """Try again later, the row saying why, or leave it; too many in a row let no more be paid."""
        if isinstance(error, NetworkError) and await self._is_elsewhere(job, record):
            self._queue.later(0.0, "download", job)
            return
        results, why = self._queue.results, str(error)[:500] or type(error).__name__
        dead = isinstance(error, APIError) and is_dead_link(error)
        if not (dead and self._has_had_its_time(record)):
            results.failed(job.slot, why, certain=isinstance(error, InsideError))
        if not getattr(error, "trusted", True):
            self._journal.show(record, error_class="download", error=why)
            raise error
        now = self._run.clock.monotonic()
        job.tries += not isinstance(error, (APIError, NetworkError))
        since = self._failing.setdefault(job, now)
        hopeless = is_hopeless(error) or job.tries >= MOST_TRIES or now - since > FAILING_FOR
        if hopeless or (dead and not await self._may_be_renewed(record) and self._stays_dead(record, since)):
            self._queue.move(job, "over")
            kind, state = ("expired", State.EXPIRED) if dead else ("download", State.MISSING)
            await self._journal.save(record, state=state, error_class=kind, error=why)
            results.gave_up(job.slot)
            return
        if record.error_class in {None, "download"} and record.error != why:
            await self._journal.save(record, error_class="download", error=why)
        job.failures += 1
        self._queue.later(backoff(job.failures), "download", job)
        if self._links:
            self._queue.wake()

    async def _is_elsewhere(self, job: Job, record: Record) -> bool:
        """Whether a link that reached nobody, an earlier run's perhaps, has another in its place by now."""
        url = record.url
        if job not in self._failing:
            await self._may_be_renewed(record)
        return record.url != url

    def _stays_dead(self, record: Record, since: float) -> bool:
        """Whether a link will not come alive: its time is over, or storage that lags behind its API had a minute."""
        return self._has_had_its_time(record) or self._run.clock.monotonic() - since >= DEAD_FOR

    def _has_had_its_time(self, record: Record) -> bool:
        """Whether a link is dead because it was left too long, which tells nothing of others."""
        begun, told = record.submitted_at or 0.0, record.expires_at or 0.0
        return (told if told > begun else begun + LINKS_LAST) <= self._run.clock.time()

    def break_off(self, coming: int) -> None:
        """Stop submitting when results in a row could not be had and none of them is tried any more.

        Parameters
        ----------
        coming : int
            How many clips may still have a result; where there is none, nothing would end the waiting.
        """
        results, phases = self._queue.results, self._queue.phases
        waiting = phases["planned"] + phases["replay"]
        over = results.hopeless or (results.open and not coming + phases["download"])
        if not (over and waiting):
            return
        count = "the first clip" if results.count == 1 else f"{results.count} clips in a row"
        msg = (
            f"{count} could not be had though paid ({results.why}), so the other {waiting} are not submitted. "
            "The reasons are in the table (df.error); once they are mended, run() fetches these clips and goes on."
        )
        self._queue.fail(GridgenError(msg))

    async def _may_be_renewed(self, record: Record) -> bool:
        """Ask once for a fresh link; say whether there is one, or whether the question has to be asked again."""
        try:
            task = await self._run.client.wire.poll(record.task_id or "")
        except NetworkError:
            return True
        except APIError as error:
            return error.status >= HTTPStatus.INTERNAL_SERVER_ERROR or isinstance(error, RateLimitError)
        known = {record.url, *extras.mirrors(record.further)}
        if not task.videos or known.issuperset(task.videos[0].urls):
            return False
        await self._journal.save(
            record,
            url=task.videos[0].url,
            expires_at=task.videos[0].expires_at,
            further=extras.noted(task.videos, record.further),
        )
        return True

    def _disk_failed(self, job: Job, error: OSError) -> None:
        """Begin no further download: the next run goes on, soonest to expire first."""
        self._queue.fail(self._why_unwritten(error))
        for each in (job, *(queued[-1] for queued in self._links)):
            self._queue.move(each, "over")
            record = self._journal.records[each.slot]
            self._journal.show(record, error_class="download", error=str(self._queue.error)[:500])
        self._links.clear()

    def _why_unwritten(self, error: OSError) -> GridgenError:
        try:
            self._journal.check()
        except JournalError as lost:
            return lost
        why = {
            errno.ENOSPC: "the disk is full",
            errno.EDQUOT: f"the videos would take more than disk_quota={self._quota} bytes"
            if self._quota is not None
            else "the disk quota is used up",
        }.get(error.errno or 0, f"a file cannot be written: {error.strerror}")
        msg = f"{why} in {str(self._journal.folder)!r}. Nothing is lost: make room, then run() downloads the rest."
        return GridgenError(msg)

    async def _picture(self, job: Job) -> None:
        """Do what is left to be done with a file that is there: be sure of it, bring what belongs to it, draw it."""
        record = self._journal.records[job.slot]
        try:
            if job not in self._fresh and not await self._is_as_checked(record):
                self._fetch_anew(job, record, "its file is another one than was checked")
                return
            if self._lacks(record):
                await bring(self._run.client, self._journal, record, self._allowance)
            if self._previews and (job in self._fresh or not self._is_drawn(record)):
                await self._draw_pictures(record)
        except JournalError:
            raise
        except Exception as error:  # noqa: BLE001 - a server's file may cause anything; it is this row's error alone
            await self._tell_undrawn(record, f"no preview could be made: {error}"[:500])
        finally:
            self._fresh.discard(job)
            if job.phase == "picture":
                self._queue.move(job, "over")

    async def _tell_undrawn(self, record: Record, why: str) -> None:
        """Keep in the row why its clip has no pictures, unless it says something that is kept for good."""
        if record.error_class not in {None, UNDRAWN}:
            self._journal.show(record, error_class=UNDRAWN, error=why)
        elif record.error != why:
            await self._journal.save(record, error_class=UNDRAWN, error=why)

    async def _is_as_checked(self, record: Record) -> bool:
        """Whether a file is the one that was checked, though it was written since."""
        file = self._journal.folder / (record.path or "")
        written = _written_at(file)
        if record.mtime in {None, written}:
            return True
        if await engine().in_thread(media.fingerprint, file) != (record.bytes, record.sha256):
            return False
        await self._journal.save(record, mtime=written)
        return True

    async def _draw_pictures(self, record: Record) -> None:
        video = self._journal.folder / (record.path or "")
        stem = _stem_of(record.path or "")
        poster, preview = f"posters/{stem}.webp", f"previews/{stem}.mp4"
        await self._workers.draw(media.poster, video, self._journal.folder / poster)
        await self._journal.save(record, poster=poster)
        await self._workers.draw(media.preview, video, self._journal.folder / preview)
        await self._journal.save(record, preview=preview)
        if record.error_class == UNDRAWN:
            await self._journal.save(record, error_class=None, error=None)


async def accept(part: Path, target: Path) -> media.Facts:
    """Check a downloaded file in a thread, and only then give it its name.

    Raises
    ------
    MediaError
        If it is no video that plays; it is kept under another name, as it is paid and may
        be all that will ever come.
    """
    return await engine().in_thread(_checked, part, target)


def _checked(part: Path, target: Path) -> media.Facts:
    kept = target.with_name(f"{target.name}.kept")
    try:
        facts = media.probe(part)
    except media.MediaError as error:
        part.replace(kept)
        why = f"{error.why} What came is kept as {kept.name}"
        raise media.MediaError(target, why) from error
    if target.is_symlink():
        raise media.MediaError(target, "it is a link, which is not written through")
    part.replace(target)
    kept.unlink(missing_ok=True)
    _sync(target.parent)
    return facts


def _unnamed(target: Path, journal: Journal) -> Path:
    """Return a file's name, or another one where an earlier attempt of the take had it: a name is one attempt's for ever."""
    names = (target.with_stem(f"{target.stem}.{number}") for number in itertools.count(2))
    free = target
    while journal.names(free.name):
        free = next(names)
    return free


def _hopelessness(error: Exception) -> int:
    """Return 0 for what may be mended by waiting, more for what a fresh link or nothing mends."""
    return 2 if is_hopeless(error) else int(isinstance(error, APIError) and is_dead_link(error))


def _suffix(part: Path) -> str:
    try:
        return media.suffix_of(part)
    except OSError:
        return ".mp4"


def _stem_of(name: str) -> str:
    return PurePosixPath(name).with_suffix("").as_posix()


def _written_at(file: Path) -> int | None:
    """Return when a file was last written, in nanoseconds; None for no file."""
    try:
        return file.stat().st_mtime_ns
    except OSError:
        return None


def _sweep_away(parts: list[Path]) -> None:
    """Leave nothing of the links that were not needed."""
    for part in parts if len(parts) > 1 else ():
        part.unlink(missing_ok=True)
        part.with_name(f"{part.name}.etag").unlink(missing_ok=True)


def _sync(folder: Path) -> None:
    """Let a new name outlive a power failure, where folders can be synced."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _stem(cell: Cell) -> str:
    """Return what a person reads in a file's name: a-z, 0-9 and hyphens, or the prompt's own letters where few are left."""
    plain = unicodedata.normalize("NFKD", cell.prompt).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:40].strip("-")
    whole = unicodedata.normalize("NFC", cell.prompt)
    own = "".join(each if unicodedata.category(each)[0] in "LMN" else "-" for each in whole)
    if sum(map(str.isalpha, plain)) * 2 < sum(map(str.isalpha, own)):
        slug = re.sub("-+", "-", own)[:24].strip("-")
    slug = slug or "clip"
    size = "" if cell.size is None else f"_{cell.size.replace(':', 'x')}"
    return f"{slug}{size}_{cell.seconds}s" if cell.seconds else f"{slug}{size}"
