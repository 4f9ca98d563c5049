"""Bringing finished videos home: download by expiry, check, name, and draw their pictures."""

from __future__ import annotations

import contextlib
import errno
import filecmp
import heapq
import itertools
import os
import re
import unicodedata
from collections import deque
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import TYPE_CHECKING

from gridgen import media
from gridgen._loop import engine
from gridgen.client import DOWNLOADS
from gridgen.client.download import LARGEST_FILE, is_dead_link, make_sure_of_room
from gridgen.errors import APIError, GridgenError, NetworkError, RateLimitError
from gridgen.pacing import backoff
from gridgen.states import State

if TYPE_CHECKING:
    from pathlib import Path

    from gridgen.client import Client
    from gridgen.grid import Cell
    from gridgen.journal import Journal, Record
    from gridgen.sweep.agenda import Agenda, Item

__all__ = ["SECOND_TASK", "Accept", "Fetching", "accept"]

Accept = Callable[["Path", "Path"], Awaitable[media.Facts]]

SECOND_TASK = "second_task"
"""Error class of a row whose submission made more tasks than its own: that is told for good."""

MOST_TRIES = 4
FAILING_FOR = 900.0
PICTURES = 2


class Fetching:
    """The downloads and the pictures of a run.

    Parameters
    ----------
    agenda : Agenda
    client : Client
    journal : Journal
    previews : bool
        Whether a poster and a preview are made of each clip.
    quota : int or None
        Bytes that the videos of the folder may take together.
    accept : callable
        Checks a downloaded file, and only then gives it its name; see `accept`.
    """

    def __init__(
        self,
        agenda: Agenda,
        client: Client,
        journal: Journal,
        *,
        previews: bool,
        quota: int | None,
        accept: Accept,
    ) -> None:
        self._agenda, self._client, self._journal = agenda, client, journal
        self._previews, self._quota, self._accept = previews, quota, accept
        self._coming: dict[Item, int] = {}
        self._links: list[tuple[float, int, Item]] = []
        self._order = itertools.count()
        self._pictures: deque[Item] = deque()
        self._failing: dict[Item, float] = {}
        self._names: dict[str, tuple[str, str, int]] | None = None

    def use(self, client: Client) -> None:
        """Go on with another client of the same service."""
        self._client = client

    def forgive(self) -> None:
        """Count failed tries anew."""
        self._failing.clear()

    def take_on(self, item: Item, record: Record) -> bool:
        """Take on what is still to be fetched or drawn of a finished task; say whether anything is."""
        if record.state == State.DOWNLOADING or (
            record.state == State.DONE and not self._exists(record.path)
        ):
            self.download(item, record)
        elif record.state == State.DONE and not self._is_drawn(record):
            self._draw(item)
        else:
            return False
        return True

    def download(self, item: Item, record: Record) -> None:
        """Fetch an item's video, the one whose link dies first before others."""
        self._agenda.move(item, "download")
        heapq.heappush(self._links, (record.expires_at or float("inf"), next(self._order), item))

    def start(self) -> None:
        """Begin the downloads and pictures that there is room for."""
        flying = self._agenda.flying
        while self._links and flying["download"] < DOWNLOADS:
            most = self._allowance()
            if most <= 0 and self._coming:
                break
            item = heapq.heappop(self._links)[-1]
            self._coming[item] = most
            self._agenda.spawn("download", item, self._download(item, most))
        while self._pictures and flying["picture"] < PICTURES:
            item = self._pictures.popleft()
            self._agenda.spawn("picture", item, self._picture(item))

    def _allowance(self) -> int:
        """Return how many bytes the next video may have: none while others may take all that the quota has left."""
        if self._quota is None:
            return LARGEST_FILE
        records = self._journal.records.values()
        taken = sum(record.bytes or 0 for record in records if record.path is not None)
        return min(LARGEST_FILE, self._quota - taken - sum(self._coming.values()))

    def hear(self, record: Record) -> None:
        """Note which file names are taken."""
        if self._names is not None and record.path is not None:
            self._names[record.path] = record.slot

    def _draw(self, item: Item) -> None:
        if not self._previews:
            self._agenda.move(item, "over")
            return
        self._agenda.move(item, "picture")
        self._pictures.append(item)

    def _is_drawn(self, record: Record) -> bool:
        return not self._previews or (self._exists(record.poster) and self._exists(record.preview))

    def _exists(self, name: str | None) -> bool:
        return name is not None and (self._journal.folder / name).is_file()

    async def _download(self, item: Item, most: int) -> None:
        record = self._journal.records[item.slot]
        # clips lie in the folder itself: what is noted elsewhere was noted by somebody else
        name = record.path if record.path and "/" not in record.path else self._file_name(item)
        target = self._journal.folder / name
        if record.path is None and record.n > 1:
            target = await engine().in_thread(_unnamed, target, self._journal)
        # what broke off belongs to one attempt; another one's task is another file
        part = target.with_name(f"{target.name}{'' if record.n == 1 else f'.{record.n}'}.part")
        meter = self._agenda.meter
        meter.requests["downloads"] += 1
        try:
            await self._client.fetch(record.url or "", part, most=max(0, most))
            target = await engine().in_thread(_free, target, part)
            name = target.relative_to(self._journal.folder).as_posix()
            facts = await self._accept(part, target)
        except (APIError, NetworkError, media.MediaError) as error:
            await self._failed(item, record, error)
        except OSError as error:
            self._disk_failed(item, error)
        else:
            meter.ended, meter.bytes = self._agenda.clock.monotonic(), meter.bytes + facts.bytes
            told = record.error_class == SECOND_TASK
            await self._journal.save(
                record,
                durable=True,
                state=State.DONE,
                path=name,
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
            self._draw(item)
        finally:
            self._coming.pop(item, None)

    def _file_name(self, item: Item) -> str:
        """Return the item's name, with its origin where another slot has taken it."""
        if self._names is None:
            self._names = {record.path: slot for slot, record in self._journal.records.items() if record.path}
        origin, key, take = item.slot
        name = f"{_stem(item.cell)}_{key[:8]}-{take}"
        if self._names.setdefault(f"{name}.mp4", item.slot) == item.slot:
            return f"{name}.mp4"
        return f"{name}-{origin}.mp4"

    async def _failed(self, item: Item, record: Record, error: Exception) -> None:
        if not getattr(error, "trusted", True):
            raise error
        now = self._agenda.clock.monotonic()
        item.tries += isinstance(error, media.MediaError)
        since = self._failing.setdefault(item, now)
        dead = isinstance(error, APIError) and is_dead_link(error)
        hopeless = item.tries >= MOST_TRIES or now - since > FAILING_FOR
        if hopeless or (dead and not await self._may_be_renewed(record)):
            self._agenda.move(item, "over")
            kind, state = ("expired", State.EXPIRED) if dead else ("download", State.MISSING)
            await self._journal.save(record, state=state, error_class=kind, error=str(error)[:500])
            return
        item.failures += 1
        self._agenda.later(backoff(item.failures), "download", item)
        if self._links:
            self._agenda.wake()

    async def _may_be_renewed(self, record: Record) -> bool:
        """Ask once for a fresh link; say whether there is one, or whether the question has to be asked again."""
        try:
            task = await self._client.poll(record.task_id or "")
        except NetworkError:
            return True
        except APIError as error:
            return error.status >= HTTPStatus.INTERNAL_SERVER_ERROR or isinstance(error, RateLimitError)
        if not task.videos or task.videos[0].url == record.url:
            return False
        await self._journal.save(record, url=task.videos[0].url, expires_at=task.videos[0].expires_at)
        return True

    def _disk_failed(self, item: Item, error: OSError) -> None:
        """Begin no further download: the next run goes on, soonest to expire first."""
        for each in (item, *(queued[-1] for queued in self._links)):
            self._agenda.move(each, "over")
        self._links.clear()
        why = {
            errno.ENOSPC: "the disk is full",
            errno.EDQUOT: f"the videos would take more than disk_quota={self._quota} bytes"
            if self._quota is not None
            else "the disk quota is used up",
        }.get(error.errno or 0, f"a file cannot be written: {error.strerror}")
        msg = f"{why} in {str(self._journal.folder)!r}. Nothing is lost: make room, then run() downloads the rest."
        self._agenda.fail(GridgenError(msg))

    async def _picture(self, item: Item) -> None:
        record = self._journal.records[item.slot]
        folder = self._journal.folder
        stem = (record.path or "").removesuffix(".mp4")
        poster, preview = f"posters/{stem}.webp", f"previews/{stem}.mp4"
        try:
            await engine().in_thread(_draw, media.poster, folder / (record.path or ""), folder / poster)
            await self._journal.save(record, poster=poster)
            await engine().in_thread(_draw, media.preview, folder / (record.path or ""), folder / preview)
            await self._journal.save(record, preview=preview)
        except (media.MediaError, OSError) as error:
            self._journal.show(
                record, error_class="preview", error=f"no preview could be made: {error}"[:500]
            )
        finally:
            self._agenda.move(item, "over")


async def accept(part: Path, target: Path) -> media.Facts:
    """Check a downloaded file in a thread, and only then give it its name.

    Raises
    ------
    MediaError
        If it is no video that plays; it is deleted.
    """
    return await engine().in_thread(_checked, part, target)


def _checked(part: Path, target: Path) -> media.Facts:
    try:
        facts = media.probe(part)
    except media.MediaError:
        part.unlink()
        raise
    if target.is_symlink():
        raise media.MediaError(target, "it is a link, which is not written through")
    part.replace(target)
    _sync(target.parent)
    return facts


def _free(target: Path, part: Path) -> Path:
    """Return a file's name, or another one where a file has it that is not the same: nothing is ever replaced."""
    names = (target.with_stem(f"{target.stem}.{number}") for number in itertools.count(2))
    free = target
    # a link is no name to move on from: the file is refused as it is checked
    while free.exists() and not free.is_symlink() and not _is_same(free, part):
        free = next(names)
    return free


def _unnamed(target: Path, journal: Journal) -> Path:
    """Return a file's name, or another one where an earlier attempt of the take had it: a name is one attempt's for ever."""
    names = (target.with_stem(f"{target.stem}.{number}") for number in itertools.count(2))
    free = target
    while journal.names(free.name):
        free = next(names)
    return free


def _is_same(file: Path, part: Path) -> bool:
    """Whether a file is the one that came just now, as when a process ended before it noted so, or has nothing in it."""
    return file.is_file() and (not file.stat().st_size or filecmp.cmp(file, part, shallow=False))


def _sync(folder: Path) -> None:
    """Let a new name outlive a power failure, where folders can be synced."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _draw(make: Callable[[Path, Path], object], video: Path, target: Path) -> None:
    target.parent.mkdir(mode=0o700, exist_ok=True)
    if target.parent.is_symlink():
        raise media.MediaError(target, "its folder is a link, which is not written through")
    if video.is_symlink():
        raise media.MediaError(video, "it is a link, which is not followed")
    make_sure_of_room(target, 0)
    make(video, target)


def _stem(cell: Cell) -> str:
    """Return what a person reads in a file's name: a-z, 0-9 and hyphens."""
    plain = unicodedata.normalize("NFKD", cell.prompt).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:40].strip("-") or "clip"
    size = "" if cell.size is None else f"_{cell.size.replace(':', 'x')}"
    return f"{slug}{size}_{cell.seconds}s" if cell.seconds else f"{slug}{size}"
