"""Frames to an MP4 in memory."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import av
import numpy as np
from av.packet import Packet
from av.video.frame import VideoFrame

from gridgen.simulator.clips.h264 import Repeats

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from av.video.stream import VideoStream

    from gridgen.simulator.clips.plates import Canvas

__all__ = ["encode"]

_TAGS = "colorprim=smpte170m:transfer=smpte170m:colormatrix=smpte170m:range=tv"
_X264 = f"threads=1:scenecut=0:aq-mode=1:aq-strength=1.2:deblock=0,0:no-deblock=0:{_TAGS}"


def encode(
    pictures: Iterable[Canvas], *, size: tuple[int, int], count: int, fps: int, repeat: int, crf: int
) -> bytes:
    """Encode pictures as H.264 in MP4, the index before the pictures' data.

    One encoder thread: x264's bytes depend on the number of threads.

    Parameters
    ----------
    pictures : iterable of Canvas
        ``count / repeat`` of them; each is read before the next is asked for.
    size : tuple of int
        Width and height in pixels, even.
    count : int
        Frames in the file.
    fps : int
        Frames per second.
    repeat : int
        1 or 2: how often each picture is shown. Twice at 24 frames a second
        looks as hand-drawn film does, and halves the cost.
    crf : int
        x264's quality, lower is better.

    Returns
    -------
    bytes
        The file.
    """
    out = io.BytesIO()
    # FFmpeg's faststart needs a file to read again; room kept at the front needs none.
    with av.open(out, "w", format="mp4", options={"moov_size": str(1200 + 5 * count)}) as container:
        stream = container.add_stream("libx264", rate=fps)
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        stream.codec_context.thread_count = 1
        keyint = f"keyint={2 * fps // repeat}:min-keyint={fps // repeat}"
        stream.options = {"preset": "ultrafast", "crf": str(crf), "x264-params": f"{_X264}:{keyint}"}
        for packet in _packets(stream, pictures, count, repeat):
            container.mux(packet)
    return out.getvalue()


def _packets(
    stream: VideoStream, pictures: Iterable[Canvas], count: int, repeat: int
) -> Iterator[Packet[Any]]:
    repeats, since_key = None, 0
    for packet in _encoded(stream, pictures, repeat):
        since_key = 0 if packet.is_keyframe else since_key + 1
        packet.duration = 1
        start = packet.pts or 0
        yield packet
        for index in range(start + 1, min(start + repeat, count)):
            if repeats is None:
                blocks = -(-stream.width // 16) * -(-stream.height // 16)
                repeats = Repeats(stream.codec_context.extradata or b"", blocks)
            yield _again(stream, repeats.after(since_key), index)


def _encoded(stream: VideoStream, pictures: Iterable[Canvas], repeat: int) -> Iterator[Packet[Any]]:
    for index, picture in enumerate(pictures):
        frame = _frame(picture)
        frame.pts = index * repeat
        yield from stream.encode(frame)
    yield from stream.encode()


def _again(stream: VideoStream, data: bytes, index: int) -> Packet[Any]:
    packet: Packet[Any] = Packet(data)
    packet.stream, packet.time_base = stream, stream.codec_context.time_base
    packet.pts = packet.dts = index
    packet.duration = 1
    return packet


def _frame(picture: Canvas) -> VideoFrame:
    frame = VideoFrame(picture.width, picture.height, "yuv420p")
    for plane, source in zip(frame.planes, picture.planes, strict=True):
        rows = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)  # type: ignore[call-overload]
        rows[: source.shape[0], : source.shape[1]] = source
    return frame
