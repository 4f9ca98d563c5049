"""A sweep for tests of what shows it: the same face, no engine behind it."""

from __future__ import annotations

import dataclasses
import itertools
import math
import random
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Self

import av
import numpy as np
from PIL import Image

from gridgen.clock import Clock
from gridgen.judgements import Consensus, Judgements
from gridgen.money import ClipKey

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from pathlib import Path

    from av.audio.stream import AudioStream
    from av.container import OutputContainer

    from gridgen.grid import Cell, Grid


@dataclasses.dataclass(frozen=True)
class FakeRow:
    """One cell and take, with the fields that the journal's rows have."""

    index: int
    cell: Cell
    take: int
    status: str = "planned"
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
    frames: int | None = None
    fps: float | None = None
    clip_seconds: float | None = None
    bytes: int | None = None
    sha256: str | None = None
    last_frame: str | None = None
    further: str | None = None
    rating: int | None = None
    pick: bool | None = None
    tags: str | None = None
    note: str | None = None


class FakeClock(Clock):
    """A clock that stands where the test puts it."""

    def __init__(self, now: float = 1_800_000_000.0) -> None:
        self.now = now

    def time(self) -> float:
        """Return the Unix time that the test set."""
        return self.now


class FakeSweep:
    """A sweep whose rows a test changes by hand; `change` tells the watchers at once."""

    fps = 6
    origin = "fake"

    def __init__(self, grid: Grid, folder: Path, *, takes: int = 1, name: str = "boats") -> None:
        self.grid, self.folder, self.takes, self.name = grid, folder, takes, name
        self.clock = FakeClock()
        self.judgements = Judgements(folder)
        self.running = False
        self.stopped = False
        self.stop_file = "stop-0.txt"
        self.speed = 1.0
        self.watchers: list[Callable[[tuple[FakeRow, ...]], None]] = []
        pairs = itertools.product(grid, range(1, takes + 1))
        self._rows = [
            FakeRow(index, cell, take, price=Decimal("0.10")) for index, (cell, take) in enumerate(pairs)
        ]

    @property
    def internals(self) -> Self:
        """Return what the wall needs of a sweep beside its public face: it is all in one place here."""
        return self

    @property
    def cost(self) -> Decimal:
        """USD that the finished rows cost."""
        return sum((row.cost for row in self._rows if row.cost is not None), Decimal(0))

    def rows(self) -> tuple[FakeRow, ...]:
        """Return all rows in grid order."""
        return tuple(self._rows)

    @property
    def waits_for(self) -> tuple[str, ...]:
        """What it says that it waits for."""
        return ("the server: 1 clip in its hands",) if "running" in self.counts() else ()

    def counts(self) -> dict[str, int]:
        """Return how many rows there are by status."""
        statuses = [row.status for row in self._rows]
        return {status: statuses.count(status) for status in dict.fromkeys(statuses)}

    def watch(self, callback: Callable[[tuple[FakeRow, ...]], None]) -> Callable[[], None]:
        """Call back with all rows now and with changed ones later, until the returned function is called."""
        self.watchers.append(callback)
        callback(self.rows())
        return lambda: self.watchers.remove(callback)

    def change(self, index: int, **fields: Any) -> None:
        """Replace fields of one row and tell the watchers."""
        self._rows[index] = dataclasses.replace(self._rows[index], **fields)
        for callback in list(self.watchers):
            callback((self._rows[index],))

    def finish(self, index: int, *, sound: bool = False) -> None:
        """Make the clip of one row and tell that it is done."""
        self.change(index, **make_clip(self.folder, self._rows[index], self.fps, sound=sound))

    def finish_like(self, index: int, model: int) -> None:
        """Let one row have the files of another, to have many clips at little cost."""
        shared = (
            "status",
            "cost",
            "path",
            "poster",
            "preview",
            "width",
            "height",
            "fps",
            "clip_seconds",
            "bytes",
        )
        self.change(index, **{name: getattr(self._rows[model], name) for name in shared})

    def slot(self, row: FakeRow) -> ClipKey:
        """Return what names a row in the journal."""
        return ClipKey(self.origin, row.cell.key, row.take)

    def rejudge(self, slots: Collection[ClipKey]) -> None:
        """Tell the watchers what is said of these clips."""
        for row in self.rows():
            if self.slot(row) in slots:
                said = self.judgements.book.consensus(self.slot(row)) or Consensus()
                self.change(row.index, rating=said.rating, pick=said.pick, tags=said.tags, note=said.note)

    def stop(self) -> None:
        """Note that it was asked to stop."""
        self.stopped = True


SAMPLES = 44_100
SHAPES = {"16:9": (320, 180), "9:16": (180, 320), "1:1": (320, 320), "3:2": (320, 214), "2:3": (214, 320)}


def make_clip(folder: Path, row: FakeRow, fps: int, *, sound: bool = False) -> dict[str, Any]:
    """Write a small clip, its poster and its preview; return the fields of a finished row."""
    folder.mkdir(parents=True, exist_ok=True)
    width, height = SHAPES[row.cell.size]
    name = f"clip-{row.index:04}"
    seconds = row.cell.duration
    colours = _colours(row)
    with av.open(folder / f"{name}.mp4", "w", options={"movflags": "faststart"}) as container:
        stream = container.add_stream(
            "h264", rate=fps, options={"preset": "ultrafast", "crf": "30", "threads": "1"}
        )
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.gop_size = fps
        tone = container.add_stream("aac", rate=SAMPLES) if sound else None
        for at in range(seconds * fps):
            picture = _picture(colours, width, height, at / fps)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
        if tone:
            _hum(container, tone, seconds)
    poster = folder / f"{name}.webp"
    Image.fromarray(_picture(colours, width, height, seconds / 3)).save(poster, quality=70)
    path = folder / f"{name}.mp4"
    return {
        "status": "done",
        "progress": 100,
        "cost": Decimal("0.10"),
        "service_seconds": 41.5,
        "path": path.name,
        "preview": path.name,
        "poster": poster.name,
        "width": width,
        "height": height,
        "fps": float(fps),
        "frames": seconds * fps,
        "clip_seconds": float(seconds),
        "bytes": path.stat().st_size,
    }


def _hum(container: OutputContainer, tone: AudioStream, seconds: int) -> None:
    """Lay a tone under the picture."""
    times = np.arange(seconds * SAMPLES) / SAMPLES
    waves = (0.2 * np.sin(2 * np.pi * 220 * times)).astype(np.float32)[None, :]
    frame = av.AudioFrame.from_ndarray(waves, format="fltp", layout="mono")
    frame.sample_rate = SAMPLES
    container.mux(tone.encode(frame))
    container.mux(tone.encode())


def _colours(row: FakeRow) -> tuple[np.ndarray, np.ndarray]:
    dice = random.Random(f"{row.cell.prompt}/{row.index}")
    hue = dice.random()
    top, low = _hsv(hue, 0.55, 0.35), _hsv(hue + 0.12, 0.5, 0.9)
    return np.array(top), np.array(low)


def _hsv(hue: float, saturation: float, value: float) -> list[float]:
    return [
        255 * value * (1 - saturation * max(0, min(1, abs((hue * 6 + n) % 6 - 3) - 1))) for n in (3, 1, 5)
    ]


def _picture(colours: tuple[np.ndarray, np.ndarray], width: int, height: int, time: float) -> np.ndarray:
    """Return a sky with a sun that moves, so that two moments differ."""
    top, low = colours
    ramp = np.linspace(0, 1, height)[:, None, None]
    sky = top * (1 - ramp) + low * ramp
    picture = np.repeat(sky, width, axis=1)
    y, x = np.mgrid[:height, :width]
    sun = (x - width * (0.15 + 0.07 * time)) ** 2 + (y - height * (0.45 + 0.1 * math.sin(time))) ** 2
    picture[sun < (min(width, height) * 0.12) ** 2] = (255, 244, 214)
    hills = y > height * (0.78 + 0.06 * np.sin(x / width * 9 + time * 0.6))
    picture[hills] *= 0.35
    return picture.astype(np.uint8)
