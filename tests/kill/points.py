"""Where a child kills itself with SIGKILL: wraps the journal, the client and the files from outside."""

from __future__ import annotations

import mmap
import os
import signal
import struct
from typing import TYPE_CHECKING, Any

from httpcore._backends.anyio import AnyIOStream

from gridgen import client as http
from gridgen.client import download
from gridgen.journal import Journal
from gridgen.sweep import fetching
from gridgen.sweep.submitting import Submitting

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

__all__ = ["POINTS", "InFlight", "arm"]

POINTS = (
    "before the intent",
    "after the intent, before the first byte",
    "after the headers",
    "in the middle of the body",
    "after the body, before the answer",
    "after the answer, before it is noted",
    "after the task is noted",
    "while asking",
    "completed, before that is noted",
    "in the middle of the download",
    "after the rename, before it is noted",
    "between poster and preview",
)


class InFlight:
    """How many submissions of a child are on their way, in memory that outlives it."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, 8)

    @property
    def count(self) -> int:
        """Submissions that were begun and of which the journal has not taken in the end."""
        found: int = struct.unpack_from("q", self._memory)[0]
        return found

    def add(self, number: int) -> None:
        """Count one more, or one less."""
        struct.pack_into("q", self._memory, 0, self.count + number)

    def watch(self) -> None:
        """Count the submissions of this process from now on."""
        submit = Submitting._submit

        async def counted(self_: Submitting, item: Any) -> None:
            self.add(1)
            await submit(self_, item)
            self.add(-1)

        Submitting._submit = counted


def arm(point: str, nth: int, random: Random) -> None:
    """Let this process die where a point is passed for the nth time, or for the last time if it is passed less often."""
    left = [nth]

    def passed() -> bool:
        left[0] -= 1
        return left[0] == 0

    _ARMS[POINTS.index(point)](passed, random)


def die() -> None:
    """End this process as the system's memory killer does."""
    os.kill(os.getpid(), signal.SIGKILL)


def _around_intent(*, before: bool) -> Callable[[Callable[[], bool], Random], None]:
    def armed(passed: Callable[[], bool], _random: Random) -> None:
        intend = Journal.intend

        async def wrapped(self: Journal, *args: Any, **options: Any) -> None:
            last = passed()
            if last and before:
                die()
            await intend(self, *args, **options)
            if last:
                die()

        Journal.intend = wrapped

    return armed


def _on_event(name: str) -> Callable[[Callable[[], bool], Random], None]:
    def armed(passed: Callable[[], bool], _random: Random) -> None:
        heard = http._Trace.__call__

        async def wrapped(self: http._Trace, event: str, info: Any) -> None:
            await heard(self, event, info)
            if event == name and passed():
                die()

        http._Trace.__call__ = wrapped

    return armed


def _in_body(passed: Callable[[], bool], _random: Random) -> None:
    write = AnyIOStream.write

    async def wrapped(self: AnyIOStream, buffer: bytes, **options: Any) -> None:
        if b'"prompt"' in buffer and passed():
            await write(self, buffer[: len(buffer) // 2], **options)
            die()
        await write(self, buffer, **options)

    AnyIOStream.write = wrapped


def _around_save(state: str, *, before: bool) -> Callable[[Callable[[], bool], Random], None]:
    def armed(passed: Callable[[], bool], _random: Random) -> None:
        save = Journal.save

        async def wrapped(self: Journal, record: Any, **changes: Any) -> None:
            aimed = changes.get("state") == state and record.state != state
            # a stalled or missing task becomes queued again without a new id
            last = aimed and (state != "queued" or "task_id" in changes) and passed()
            if last and before:
                die()
            await save(self, record, **changes)
            if last:
                die()

        Journal.save = wrapped

    return armed


def _while_asking(passed: Callable[[], bool], random: Random) -> None:
    poll = http.Wire.poll
    answered = random.random() < 0.5

    async def wrapped(self: http.Wire, task_id: str) -> Any:
        last = passed()
        if last and not answered:
            die()
        task = await poll(self, task_id)
        if last:
            die()
        return task

    http.Wire.poll = wrapped


def _in_download(passed: Callable[[], bool], random: Random) -> None:
    on_disk = random.random() < 0.5

    copy = download._File._copy

    async def wrapped(self: Any, chunks: Any, out: Any) -> int:
        async def halved() -> Any:
            async for chunk in chunks:
                if passed():
                    if on_disk:
                        out.write(chunk[: len(chunk) // 2])
                        out.flush()
                    die()
                yield chunk

        return await copy(self, halved(), out)

    download._File._copy = wrapped


def _between_pictures(passed: Callable[[], bool], random: Random) -> None:
    preview = fetching.media.preview
    made = random.random() < 0.5

    def wrapped(video: Any, target: Any, **options: Any) -> None:
        last = passed()
        if last and not made:
            die()
        preview(video, target, **options)
        if last:
            die()

    fetching.media.preview = wrapped


_ARMS = (
    _around_intent(before=True),
    _around_intent(before=False),
    _on_event("http11.send_request_headers.complete"),
    _in_body,
    _on_event("http11.send_request_body.complete"),
    _around_save("queued", before=True),
    _around_save("queued", before=False),
    _while_asking,
    _around_save("downloading", before=True),
    _in_download,
    _around_save("done", before=True),
    _between_pictures,
)
