"""Bringing pictures of one's own to the server: each content once, again when its link grows old."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from gridgen._loop import engine
from gridgen.client.upload import Stored, encoded, lost, pictures
from gridgen.errors import NetworkError
from gridgen.grid.images import FRESH
from gridgen.outcome import Ambiguous, NotApplied, NotSent, Rejected

if TYPE_CHECKING:
    from gridgen.client.upload import UploadOutcome
    from gridgen.grid import Cell
    from gridgen.grid.images import LocalImage
    from gridgen.sweep.run import Run

__all__ = ["Uploading"]


class Uploading:
    """The uploads of a run, on the engine's loop.

    Parameters
    ----------
    run : Run
        Its journal remembers what was uploaded, over runs and processes.
    """

    def __init__(self, run: Run) -> None:
        self._run, self._journal = run, run.journal
        self._under_way: dict[str, asyncio.Task[UploadOutcome]] = {}
        self._expected: set[str] = set()

    async def body(self, cell: Cell, take: int) -> bytes | NotSent | NotApplied | Rejected:
        """Return the exact request body of a cell's take, its pictures uploaded, or why there is none.

        Raises
        ------
        NetworkError
            If the answer to an upload was lost; it is not sent again in this run.
        GridError
            If a file is gone or was changed.
        """
        images = pictures(cell)
        urls: dict[str, str] = {}
        for image, found in zip(images, await asyncio.gather(*map(self._stored, images)), strict=True):
            if isinstance(found, Ambiguous):
                raise NetworkError(lost(image, found, "run()"))
            if not isinstance(found, Stored):
                return found
            urls[image] = found.url
        return encoded(cell, urls, take)

    def expect(self, cell: Cell) -> None:
        """Count the pictures of a cell that are not on the server yet."""
        if cell.image_urls or cell.extras:
            self._expected.update(image for image in pictures(cell) if self._known(image) is None)

    @property
    def waiting(self) -> int:
        """How many pictures are still to be sent."""
        return len(self._expected)

    def _known(self, image: str) -> Stored | None:
        """Return the link that a picture has, if that lives for long enough."""
        known = self._journal.uploads.get((self._run.client.origin, image))
        needed = self._run.client.clock.time() + FRESH
        if known is None or known.url is None or (known.expires_at or 0.0) < needed:
            return None
        return Stored(known.url, known.expires_at or 0.0)

    async def _stored(self, image: LocalImage) -> UploadOutcome:
        known = self._known(image)
        if known is not None:
            self._expected.discard(image)
            return known
        task = self._under_way.get(image)
        if task is None or (task.done() and not _is_settled(task)):
            task = self._under_way[image] = asyncio.create_task(self._send(image), name="upload")
        return await asyncio.shield(task)

    def resume(self) -> None:
        """Send again what a person knows to be lost or refused."""
        self._under_way = {image: task for image, task in self._under_way.items() if not task.done()}

    async def _send(self, image: LocalImage) -> UploadOutcome:
        # the sending client's own clock: one of another simulator has a time of its own
        with self._run.client.clock.working():
            data = await engine().in_thread(image.read)
            record = await self._journal.uploading(self._run.client.origin, image)
            outcome = await self._run.client.wire.send_image(image.file_name, data, image.content_type)
            if isinstance(outcome, Stored):
                await self._journal.uploaded(record, url=outcome.url, expires_at=outcome.expires_at)
                self._expected.discard(image)
            else:
                await self._journal.uploaded(record, error=_evidence(outcome)[:500])
            return outcome


def _is_settled(task: asyncio.Task[UploadOutcome]) -> bool:
    """Whether another try is for a person to ask for: the answer was lost, or the picture refused."""
    if task.exception() is not None:
        return False
    outcome = task.result()
    return isinstance(outcome, Ambiguous) or (isinstance(outcome, Rejected) and not outcome.everywhere)


def _evidence(outcome: NotSent | NotApplied | Rejected | Ambiguous) -> str:
    return outcome.evidence if isinstance(outcome, (NotSent, Ambiguous)) else str(outcome.error)
