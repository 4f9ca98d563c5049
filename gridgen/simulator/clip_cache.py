"""The clips behind the links: rendered once per content, kept within a bound."""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
import threading
import zlib
from collections import OrderedDict
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from gridgen.models import DEFAULT_MODEL
from gridgen.simulator.renderer import RenderPool

if TYPE_CHECKING:
    from gridgen.simulator.clips import Scene
    from gridgen.simulator.world import Task, World

__all__ = ["ClipCache", "Reel"]

_TAKES_APART = 1_000_003
_RATIO = re.compile(r"[1-9][0-9]{0,2}:[1-9][0-9]{0,2}")
_TIER = re.compile(r"[0-9]{3,4}p")
_LINES = {"2k": "1440p", "4k": "2160p"}
_STILL = -1
_MOST = 4
"""Processes that render at once, about 80 MB each."""

_KEPT = 96 * 1024 * 1024
"""Bytes of finished files that are kept; older ones are rendered again when asked for."""


class Reel(NamedTuple):
    """A file as it is served."""

    data: bytes
    etag: str


class ClipCache:
    """Renders what the tasks of a world show.

    Parameters
    ----------
    world : World
        Tells what each task was asked for, and holds the uploaded images.
    tiny : bool, default False
        Whether to make clips of a few kB, for tests.
    """

    def __init__(self, world: World, *, tiny: bool = False) -> None:
        self._world = world
        self._tiny = tiny
        self._kept: OrderedDict[tuple[str, int], Reel] = OrderedDict()
        self._size = 0
        self._rendering: dict[tuple[str, int], Future[Reel]] = {}
        self._lock = threading.Lock()
        self._painters = RenderPool()
        self._threads = ThreadPoolExecutor(
            min(_MOST, os.cpu_count() or 1), thread_name_prefix="simulator-render"
        )

    async def clip(self, task: Task, number: int = 0) -> Reel:
        """Return a task's clip as an mp4 file, once it is rendered."""
        return await asyncio.shield(asyncio.wrap_future(self.ahead(task, number)))

    async def thumbnail(self, task: Task) -> Reel:
        """Return a task's thumbnail as a JPEG file."""
        return await asyncio.shield(asyncio.wrap_future(self._future(task, _STILL)))

    def ahead(self, task: Task, number: int = 0) -> Future[Reel]:
        """Begin to render a task's clip unless that was done."""
        return self._future(task, number)

    def scene(self, task: Task, number: int = 0) -> Scene:
        """Return what a task's clip shows; takes of one body, and models, differ by their seed."""
        from gridgen.simulator.clips import Scene

        order = self._world.order(task)
        return Scene(
            prompt=order.prompt,
            size=order.size if _RATIO.fullmatch(order.size) else "16:9",
            duration=order.duration,
            quality=_LINES.get(order.quality, order.quality if _TIER.fullmatch(order.quality) else "720p"),
            seed=self._world.seed * _TAKES_APART
            + task.arrival
            - 1
            + 1000 * number
            + _own_seed(order.model.id),
            image=self._image(order.images[0], task) if order.images else None,
            follows_image=order.model.size is None or order.model.size.ignored_with_images,
        )

    def close(self) -> None:
        """Drop what is waiting to be rendered; a second call does nothing."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._painters.close()

    def _image(self, url: str, task: Task) -> bytes:
        """Return an uploaded image, or a stand-in for one that lies elsewhere or is no picture but by its name."""
        from gridgen.simulator.clips import readable, stand_in

        upload = self._world.image(urlsplit(url).path, task.at)
        return upload.data if upload is not None and readable(upload.data) else stand_in(url)

    def _future(self, task: Task, number: int) -> Future[Reel]:
        wanted = task.id, number
        with self._lock:
            if wanted in self._kept:
                self._kept.move_to_end(wanted)
                done: Future[Reel] = Future()
                done.set_result(self._kept[wanted])
                return done
            if wanted not in self._rendering:
                self._rendering[wanted] = self._threads.submit(self._render, task, number)
            return self._rendering[wanted]

    def _render(self, task: Task, number: int) -> Reel:
        try:
            data = self._draw(task, number)
            reel = Reel(data, f'"{hashlib.sha256(data).hexdigest()[:32]}"')
        finally:
            with self._lock:
                self._rendering.pop((task.id, number), None)
        with self._lock:
            self._kept[task.id, number] = reel
            self._size += len(data)
            while self._size > _KEPT and len(self._kept) > 1:
                _, oldest = self._kept.popitem(last=False)
                self._size -= len(oldest.data)
        return reel

    def _draw(self, task: Task, number: int) -> bytes:
        from gridgen.simulator import clips

        if number == _STILL:
            return (clips if self._tiny else self._painters).still(self.scene(task))
        if self._tiny:
            return clips.render(self.scene(task, number), tiny=True)
        return self._painters.render(self.scene(task, number))


def _own_seed(model: str) -> int:
    """Return by how much a model's seed differs from the default model's."""
    return 0 if model == DEFAULT_MODEL else 10_000 * (1 + zlib.crc32(model.encode()) % 97)
