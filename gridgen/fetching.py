"""Bringing finished videos home: download by expiry, check, name, and draw their pictures."""

from __future__ import annotations

import errno
import heapq
import itertools
from collections import deque
from typing import TYPE_CHECKING

from gridgen import media
from gridgen._loop import engine
from gridgen.client import DOWNLOADS
from gridgen.download import is_dead_link
from gridgen.errors import APIError, GridgenError, NetworkError

if TYPE_CHECKING:
    from pathlib import Path

    from gridgen.agenda import Agenda, Item
    from gridgen.client import Client
    from gridgen.journal import Journal, Record

__all__ = ["Fetching"]

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
    """

    def __init__(self, agenda: Agenda, client: Client, journal: Journal, *, previews: bool) -> None:
        self._agenda, self._client, self._journal = agenda, client, journal
        self._previews = previews
        self._links: list[tuple[float, int, Item]] = []
        self._order = itertools.count()
        self._pictures: deque[Item] = deque()
        self._names: dict[str, tuple[str, str, int]] | None = None

    def take_on(self, item: Item, record: Record) -> bool:
        """Take on what is still to be fetched or drawn of a finished task; say whether anything is."""
        if record.state == "downloading" or (record.state == "done" and not self._exists(record.path)):
            self.download(item, record)
        elif record.state == "done" and not self._is_drawn(record):
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
            item = heapq.heappop(self._links)[-1]
            self._agenda.spawn("download", item, self._download(item))
        while self._pictures and flying["picture"] < PICTURES:
            item = self._pictures.popleft()
            self._agenda.spawn("picture", item, self._picture(item))

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

    async def _download(self, item: Item) -> None:
        record = self._journal.records[item.slot]
        name = record.path or self._file_name(item)
        target = self._journal.folder / name
        part = target.with_name(f"{target.name}.part")
        meter = self._agenda.meter
        meter.requests["downloads"] += 1
        try:
            await self._client.fetch(record.url or "", part)
            facts = await engine().in_thread(_accept, part, target)
        except (APIError, NetworkError, media.MediaError) as error:
            await self._failed(item, record, error)
        except OSError as error:
            self._disk_failed(item, error)
        else:
            meter.ended, meter.bytes = self._agenda.clock.monotonic(), meter.bytes + facts.bytes
            await self._journal.save(
                record,
                durable=True,
                state="done",
                path=name,
                error_class=None,
                error=None,
                width=facts.width,
                height=facts.height,
                fps=facts.fps,
                frames=facts.frames,
                clip_seconds=facts.seconds,
                bytes=facts.bytes,
                sha256=facts.sha256,
            )
            self._draw(item)

    def _file_name(self, item: Item) -> str:
        """Return the item's name, with its origin where another slot has taken it."""
        if self._names is None:
            self._names = {record.path: slot for slot, record in self._journal.records.items() if record.path}
        if self._names.setdefault(item.name, item.slot) == item.slot:
            return item.name
        return f"{item.name.removesuffix('.mp4')}-{item.slot[0]}.mp4"

    async def _failed(self, item: Item, record: Record, error: Exception) -> None:
        now = self._agenda.clock.monotonic()
        item.tries += isinstance(error, media.MediaError)
        item.failing_since = now if item.failing_since is None else item.failing_since
        dead = isinstance(error, APIError) and is_dead_link(error)
        hopeless = item.tries >= MOST_TRIES or now - item.failing_since > FAILING_FOR
        if hopeless or (dead and not await self._renewed(record)):
            self._agenda.move(item, "over")
            kind, state = ("expired", "expired") if dead else ("download", "missing")
            await self._journal.save(record, state=state, error_class=kind, error=str(error)[:500])
            return
        self._agenda.later(item.backoff.failed(), "download", item)

    async def _renewed(self, record: Record) -> bool:
        """Ask once for a fresh link."""
        try:
            task = await self._client.poll(record.task_id or "")
        except (APIError, NetworkError):
            return False
        if not task.videos or task.videos[0].url == record.url:
            return False
        await self._journal.save(record, url=task.videos[0].url, expires_at=task.videos[0].expires_at)
        return True

    def _disk_failed(self, item: Item, error: OSError) -> None:
        """Leave the item where it is: the next run goes on with it."""
        self._agenda.move(item, "over")
        why = (
            "the disk is full"
            if error.errno == errno.ENOSPC
            else f"a file cannot be written: {error.strerror}"
        )
        msg = f"{why} in {str(self._journal.folder)!r}. Nothing is lost: make room, then run() downloads the rest."
        self._agenda.fail(GridgenError(msg))

    async def _picture(self, item: Item) -> None:
        record = self._journal.records[item.slot]
        folder = self._journal.folder
        stem = (record.path or "").removesuffix(".mp4")
        poster, preview = f"posters/{stem}.webp", f"previews/{stem}.mp4"
        try:
            await engine().in_thread(
                _illustrate, folder / (record.path or ""), folder / poster, folder / preview
            )
            await self._journal.save(record, poster=poster, preview=preview)
        except (media.MediaError, OSError) as error:
            self._journal.show(
                record, error_class="preview", error=f"no preview could be made: {error}"[:500]
            )
        finally:
            self._agenda.move(item, "over")


def _accept(part: Path, target: Path) -> media.Facts:
    """Check a downloaded file, and only then give it its name."""
    try:
        facts = media.probe(part)
    except media.MediaError:
        part.unlink()
        raise
    if target.is_symlink():
        raise media.MediaError(target, "it is a link, which is not written through")
    part.replace(target)
    return facts


def _illustrate(video: Path, poster: Path, preview: Path) -> None:
    for target, make in ((poster, media.poster), (preview, media.preview)):
        target.parent.mkdir(mode=0o700, exist_ok=True)
        make(video, target)
