"""Bringing home what a task made beside its first video: further videos, and pictures of how they end."""

from __future__ import annotations

import filecmp
import itertools
from dataclasses import replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from gridgen import media
from gridgen._loop import engine
from gridgen.client.download import LARGEST_FILE, is_dead_link, is_hopeless
from gridgen.errors import APIError, JournalError
from gridgen.grid.images import LARGEST, LocalImage, reference
from gridgen.journal.extras import FRAME, Extra, read, written
from gridgen.pacing import Backoff

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from gridgen.client import Client
    from gridgen.journal import Journal, Record

__all__ = ["bring", "free_name"]

MOST_TRIES = 3


async def bring(client: Client, journal: Journal, record: Record, room: Callable[[], int]) -> None:
    """Fetch the further results of a task whose video is there, each into a file beside it.

    What cannot be had is said in the row, with its link kept; the next run tries again.

    Parameters
    ----------
    client : Client
    journal : Journal
    record : Record
        Of a task that is done.
    room : callable
        Returns how many bytes the next file may have.
    """
    found = []
    for each in read(record.further):
        there = each.path is not None and (journal.folder / each.path).is_file()
        found.append(
            await _brought(client, journal, record, each, room) if each.wanted and not there else each
        )
    frames = (each.path for each in found if each.kind == FRAME and each.number == 1)
    unsupported = [each for each in found if each.wanted and each.path is None]
    told = None
    if unsupported:
        named = "; ".join(f"{each.urls[0].partition('?')[0]}: {each.why}" for each in unsupported)
        results = "1 further result" if len(unsupported) == 1 else f"{len(unsupported)} further results"
        are = "is" if len(unsupported) == 1 else "are"
        told = f"the clip is here, and {results} of its task {are} not: {named}"[:500]
    await journal.save(record, further=written(found), last_frame=next(frames, None))
    if told is not None:
        await journal.save(record, error_class="further", error=told)
    elif record.error_class == "further":
        await journal.save(record, error_class=None, error=None)


async def _brought(
    client: Client, journal: Journal, record: Record, extra: Extra, room: Callable[[], int]
) -> Extra:
    """Return a further result with its file, or with why it could not be had."""
    stem = PurePosixPath(record.path or "").with_suffix("").as_posix()
    part = journal.folder / f"{stem}{extra.mark}.part"
    wait = Backoff()
    while True:
        try:
            return await _fetched(client, part, extra, room)
        except JournalError:
            raise
        except Exception as error:  # noqa: BLE001 - a server's file may cause anything; it is told in the row
            part.unlink(missing_ok=True)
            dead = is_hopeless(error) or (isinstance(error, APIError) and is_dead_link(error))
            if dead or isinstance(error, OSError) or wait.failures >= MOST_TRIES:
                return replace(extra, path=None, why=str(error)[:200] or type(error).__name__)
            await client.clock.sleep(wait.failed())


async def _fetched(client: Client, part: Path, extra: Extra, room: Callable[[], int]) -> Extra:
    is_frame = extra.kind == FRAME
    most = min(LARGEST if is_frame else LARGEST_FILE, room())
    last: Exception | None = None
    for link in extra.urls:
        try:
            await client.wire.fetch(link, part, most=max(0, most), picture=is_frame)
            suffix = await engine().in_thread(_picture_suffix if is_frame else _video_suffix, part)
        except (JournalError, OSError):
            raise
        except Exception as error:  # noqa: BLE001 - the next link may be better
            part.unlink(missing_ok=True)
            last = error
        else:
            target = await engine().in_thread(free_name, part.with_suffix(suffix), part)
            if target.is_symlink():
                raise media.MediaError(target, "it is a link, which is not written through")
            size = part.stat().st_size
            part.replace(target)
            return replace(extra, path=target.name, bytes=size, why=None)
    assert last is not None  # noqa: S101 - an extra has a link
    raise last


def _picture_suffix(part: Path) -> str:
    """Return the suffix of a picture that the API would take as an image; raise `GridError` for what is none."""
    picture = reference(part)
    return PurePosixPath(picture.file_name).suffix if isinstance(picture, LocalImage) else ""


def _video_suffix(part: Path) -> str:
    media.probe(part)
    return media.suffix_of(part)


def free_name(target: Path, part: Path) -> Path:
    """Return a file's name, or another one where a file has it that is not the same: nothing is ever replaced."""
    names = (target.with_stem(f"{target.stem}.{number}") for number in itertools.count(2))
    free = target
    # a link is no name to move on from: the file is refused as it is checked
    while free.exists() and not free.is_symlink() and not _is_same(free, part):
        free = next(names)
    return free


def _is_same(file: Path, part: Path) -> bool:
    """Whether a file is the one that came just now, as when a process ended before it noted so, or has nothing in it."""
    return file.is_file() and (not file.stat().st_size or filecmp.cmp(file, part, shallow=False))
