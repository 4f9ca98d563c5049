"""Facts, posters and previews of video files.

A file that came from a server is not trusted: its container is chosen by its
first bytes, never by FFmpeg's guess, so that a playlist dressed up as a video
opens nothing else, and pictures beyond `LONGEST_SIDE` are refused.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import itertools
import struct
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, BinaryIO, Self

import av
import av.error
import numpy as np
from av.sidedata.sidedata import SideData
from av.video.frame import PictureType, VideoFrame
from av.video.reformatter import VideoReformatter
from PIL import Image

from gridgen.atomic import write_atomically
from gridgen.errors import GridgenError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from av.container import InputContainer
    from av.packet import Packet
    from av.video.stream import VideoStream

__all__ = [
    "Facts",
    "MediaError",
    "draw",
    "fingerprint",
    "is_whole",
    "poster",
    "preview",
    "probe",
    "small_of",
    "sniff",
    "stills",
    "suffix_of",
]

LONGEST_SIDE = 8192
"""Pixels; the largest side of a picture that is opened."""

TILE = 320
"""Pixels on the long side of posters and previews."""

SMALL = 160
"""The same for the smaller of two previews: a hundred of these play at 24 frames a second where 320 px give 16."""

_POSTER_BYTES = 7000
_POSTER_MOMENTS = (0.4, 0.6, 0.25, 0.8, 0.1, 0.95, 0.0)
_DARK = 14
_BT709, _UNNAMED, _BT601 = 1, 2, 6
_HIGH = 720
_PREVIEW_FPS = 30
_DEMUXERS = {"mp4": "mov", "webm": "matroska"}
_HEAD, _BOX = 64, 16
_WEBM_MAGIC = b"\x1a\x45\xdf\xa3"
_TURNS = {
    (-1, 0, 0, 1): Image.Transpose.FLIP_LEFT_RIGHT,
    (1, 0, 0, -1): Image.Transpose.FLIP_TOP_BOTTOM,
    (-1, 0, 0, -1): Image.Transpose.ROTATE_180,
    (0, 1, 1, 0): Image.Transpose.TRANSPOSE,
    (0, 1, -1, 0): Image.Transpose.ROTATE_270,
    (0, -1, 1, 0): Image.Transpose.ROTATE_90,
    (0, -1, -1, 0): Image.Transpose.TRANSVERSE,
}
"""By the signs of a, b, c and d of a display matrix (ISO/IEC 14496-12, 8.3.2): x is shown at ax + cy, y at bx + dy."""


class MediaError(GridgenError, ValueError):
    """A file is not the playable video that it should be.

    Parameters
    ----------
    path : Path
        The file.
    why : str
        What is wrong with it, and what now.
    """

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(f"{path}: {why}")
        self.path = path
        self.why = why


@dataclass(frozen=True, slots=True)
class Facts:
    """What a video file holds, measured from the file itself.

    Attributes
    ----------
    width, height : int
        Pixels of the picture as players show it: turned as the file says (its display
        matrix), and with square pixels, to which end one side grows.
    fps : float
        Average frames per second.
    frames : int
        Frames that the file shows, counted.
    seconds : float
        Length of the picture, from the first frame's start to the last one's end.
    bytes : int
        Size of the file.
    sha256 : str
        Hex digest of the file.
    codec : str
        FFmpeg's name of the codec, such as ``"h264"``.
    """

    width: int
    height: int
    fps: float
    frames: int
    seconds: float
    bytes: int
    sha256: str
    codec: str


def sniff(head: bytes) -> str | None:
    """Tell a video's container by its first bytes.

    Parameters
    ----------
    head : bytes
        The first 12 bytes of the file, or more.

    Returns
    -------
    str or None
        ``"mp4"`` for ISO base media (an ``ftyp`` box first), ``"webm"`` for EBML,
        None for anything else.
    """
    if head[4:8] == b"ftyp":
        return "mp4"
    if head[:4] == _WEBM_MAGIC:
        return "webm"
    return None


def suffix_of(path: Path) -> str:
    """Return how the name of a video is to end, by its content: ``.mp4``, ``.webm`` or ``.mkv``.

    WebM is Matroska that says so (RFC 9559 and the WebM container guidelines, DocType).
    """
    with path.open("rb") as file:
        head = file.read(_HEAD)
    return ".mp4" if sniff(head) != "webm" else ".mkv" if b"matroska" in head else ".webm"


def probe(path: Path) -> Facts:
    """Measure a video file: every packet is read, the first frame is decoded.

    Parameters
    ----------
    path : Path
        The file, MP4 or WebM.

    Returns
    -------
    Facts
        Its measures.

    Raises
    ------
    MediaError
        It is no video, cannot be decoded, or ends early.
    OSError
        The file cannot be read.
    """
    size, digest = fingerprint(path)
    with _opened(path) as (container, stream):
        first = next(container.decode(stream), None)
        if first is None:
            raise MediaError(path, "the video stream holds no picture.")
        container.seek(0)
        counted = _count(path, container, stream)
        width, height = _Upright.of(first, stream).shown
        return Facts(
            width=width,
            height=height,
            fps=float(counted[0] / counted[1]),
            frames=counted[0],
            seconds=float(counted[1]),
            bytes=size,
            sha256=digest,
            codec=stream.codec_context.codec.canonical_name,
        )


def draw(
    make: Callable[..., None], path: Path, target: Path, *, shared: bool = False
) -> GridgenError | OSError | None:
    """Draw a picture of a video into a folder beside it, and return what is wrong with the one or the other.

    What it raises all the same is no fault of the file, so that whoever has it done by
    another process can tell that process's failures from the file's.

    Parameters
    ----------
    make : callable
        `poster` or `preview`.
    path, target : Path
        As of that function; the folder of `target` is made where it is missing, that of `path` is not.
    shared : bool, default False
        Whether somebody else may be drawing the same picture at this moment.

    Returns
    -------
    GridgenError, OSError or None
        None once it is drawn.
    """
    try:
        target.parent.mkdir(mode=0o700, exist_ok=True)
        if target.parent.is_symlink():
            return MediaError(target, "its folder is a link, which is not written through")
        if path.is_symlink():
            return MediaError(path, "it is a link, which is not followed")
        make(path, target, shared=shared)
    except (GridgenError, OSError) as error:
        return error
    return None


def poster(path: Path, target: Path, *, shared: bool = False) -> None:
    """Write a still of a video as a small WebP, atomically.

    The frame lies 40 % into the clip, or elsewhere where that one is black.

    Parameters
    ----------
    path : Path
        The video.
    target : Path
        The WebP to write: 320 px on the long side at most, 7 kB or less where the picture allows.
    shared : bool, default False
        Whether somebody else may write the same target at this moment.

    Raises
    ------
    MediaError
        The video cannot be decoded, or `target` is a symbolic link.
    """
    with _opened(path) as (container, stream):
        image = _telling_frame(path, container, stream)
    image = image.resize(_fit(*image.size), Image.Resampling.LANCZOS, reducing_gap=3.0)
    _replace(target, lambda part: part.write_bytes(_webp(image)), shared=shared)


def preview(path: Path, target: Path, *, shared: bool = False) -> None:
    """Write two light copies of a video for tiles, each atomically.

    320 px on the long side at most, and 160 px beside it under the name that
    `small_of` gives, for walls of many; H.264 yuv420p, a keyframe every second
    or less, no sound, index first, 30 frames a second or fewer, one encoder
    thread so that the bytes do not depend on the machine's cores.

    Parameters
    ----------
    path : Path
        The video; its copies are stored as it is shown, turned and with square pixels.
    target : Path
        The larger MP4 to write.
    shared : bool, default False
        Whether somebody else may write the same targets at this moment.

    Raises
    ------
    MediaError
        The video cannot be decoded, or a target is a symbolic link.
    """
    small = target.with_name(small_of(target.name))
    with _opened(path) as (container, stream):
        try:
            _replace(
                small,
                lambda low: _replace(
                    target, lambda part: _transcode(path, container, stream, part, low), shared=shared
                ),
                shared=shared,
            )
        except av.error.FFmpegError as error:
            raise MediaError(path, f"cannot be decoded to the end ({error.strerror}).") from error


def small_of(preview: str) -> str:
    """Return the name of the smaller preview beside one."""
    return f"{preview.removesuffix('.mp4')}.small.mp4"


def is_whole(picture: Path) -> bool:
    """Return whether a poster or preview has all the bytes that its own head tells of, as one that the disk spoilt has not.

    A WebP says its length (RFC 9649, 2.4), an MP4 those of its boxes (ISO/IEC 14496-12, 4.2);
    of a WebM, which only stands in for a preview, the first bytes must do.
    """
    try:
        size = picture.stat().st_size
        with picture.open("rb") as file:
            head = file.read(_HEAD)
            if head[:4] == b"RIFF":
                return size == 8 + int.from_bytes(head[4:8], "little")
            return _ends_with_a_box(file, size) if sniff(head) == "mp4" else sniff(head) is not None
    # no file can have every name that a journal may hold
    except (OSError, ValueError):
        return False


def _ends_with_a_box(file: BinaryIO, size: int) -> bool:
    end = 0
    while end < size:
        file.seek(end)
        head = file.read(_BOX)
        length = int.from_bytes(head[:4])
        if length == 1:
            length = int.from_bytes(head[8:])
        if not length:  # the last box, as long as the file
            return True
        end += max(length, _BOX // 2)
    return end == size


def stills(path: Path, moments: Sequence[float]) -> list[Image.Image]:
    """Return pictures of a video at some moments.

    Parameters
    ----------
    path : Path
        The video.
    moments : sequence of float
        Seconds from its beginning; beyond its end the last picture stands.

    Raises
    ------
    MediaError
        The video cannot be decoded, or holds no picture.
    OSError
        The file cannot be read.
    """
    found = []
    with _opened(path) as (container, stream):
        length = float(_length(container, stream)) or 1.0
        for moment in moments:
            frame = _frame_at(container, stream, min(moment / length, 1.0))
            if frame is None:
                raise MediaError(path, "the video stream holds no picture.")
            found.append(_image(frame, stream))
    return found


def fingerprint(path: Path) -> tuple[int, str]:
    """Return the size of a file in bytes, and the hex digest of its SHA-256."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        return file.tell(), digest


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[tuple[InputContainer, VideoStream]]:
    with path.open("rb") as file:
        head = file.read(_HEAD)
    container_name = sniff(head)
    if container_name is None:
        found = "is empty" if not head else f"starts with {head[:16]!r}"
        raise MediaError(path, f"not an MP4 or WebM video: it {found}. Fetch it again.")
    try:
        with av.open(str(path), format=_DEMUXERS[container_name]) as container:
            yield container, _picture(path, container)
    except av.error.FFmpegError as error:
        raise MediaError(path, f"damaged or cut short ({error.strerror}). Fetch it again.") from error
    except (GridgenError, OSError):
        raise
    except (
        Exception
    ) as error:  # the bindings raise anything at damaged files: AttributeError, UnicodeDecodeError
        raise MediaError(path, f"damaged ({type(error).__name__}: {error}). Fetch it again.") from error


def _picture(path: Path, container: InputContainer) -> VideoStream:
    if not container.streams.video:
        kinds = ", ".join(sorted({stream.type for stream in container.streams}))
        raise MediaError(path, f"no video stream; it holds {kinds or 'nothing'}.")
    stream = container.streams.video[0]
    if not 0 < max(stream.width, stream.height) <= LONGEST_SIDE:
        expected = f"expected 1 to {LONGEST_SIDE} px a side"
        raise MediaError(path, f"a picture of {stream.width}x{stream.height}; {expected}.")
    stream.codec_context.thread_count = 1
    return stream


def _count(path: Path, container: InputContainer, stream: VideoStream) -> tuple[int, Fraction]:
    there = [p for p in container.demux(stream) if p.pts is not None and p.time_base is not None]
    sound = sum(not p.is_corrupt for p in there)
    if sound < len(there) or (sound < stream.frames and _untrimmed(path) < stream.frames):
        whole = stream.frames or "all"
        raise MediaError(path, f"cut short: {sound} of {whole} frames are there. Fetch it again.")
    packets = [p for p in there if not p.is_discard]
    if not packets:
        raise MediaError(path, "the video stream shows no picture.")
    starts = [_moment(packet) for packet in packets]
    ends = [_moment(packet, packet.duration or 0) for packet in packets]
    seconds = max(ends) - min(starts)
    if seconds <= 0 and stream.average_rate:
        seconds = len(packets) / stream.average_rate
    if seconds <= 0:
        raise MediaError(path, f"{len(packets)} frames without a length.")
    return len(packets), seconds


def _untrimmed(path: Path) -> int:
    """Count the frames in a file, those too that an edit list of it leaves out on purpose."""
    with av.open(str(path), options={"ignore_editlist": "1"}, format=_DEMUXERS["mp4"]) as container:
        stream = container.streams.video[0]
        return sum(packet.pts is not None and not packet.is_corrupt for packet in container.demux(stream))


def _moment(packet: Packet[Any], later: int = 0) -> Fraction:
    return Fraction((packet.pts or 0) + later) * (packet.time_base or 1)


@dataclass(frozen=True, slots=True)
class _Upright:
    """How a stored picture is shown: its size once its pixels are square, and how it is then turned."""

    size: tuple[int, int]
    turn: Image.Transpose | None

    @classmethod
    def of(cls, frame: VideoFrame, stream: VideoStream) -> _Upright:
        """Read it from a file; a ratio of pixels beyond sense is none."""
        size, ratio = (frame.width, frame.height), stream.sample_aspect_ratio or Fraction(1)
        # one side is made longer, none shorter: HTML Standard, "intrinsic width" of a video
        wide, high = max(ratio, Fraction(1)), max(1 / ratio, Fraction(1)) if ratio > 0 else Fraction(1)
        square = round(size[0] * wide), round(size[1] * high)
        return cls(square if max(square) <= LONGEST_SIDE else size, _turn(frame))

    @property
    def lies(self) -> bool:
        """Whether width and height change places."""
        return self.turn is not None and self.turn.name in {
            "TRANSPOSE",
            "ROTATE_90",
            "ROTATE_270",
            "TRANSVERSE",
        }

    @property
    def shown(self) -> tuple[int, int]:
        """Width and height at last."""
        return self.size[::-1] if self.lies else self.size


def _turn(frame: VideoFrame) -> Image.Transpose | None:
    found = frame.side_data.get("DISPLAYMATRIX")
    if not isinstance(found, SideData):
        return None
    a, b, _, c, d, *_ = struct.unpack("=9i", bytes(found))
    return _TURNS.get(tuple((part > 0) - (part < 0) for part in (a, b, c, d)))


def _image(frame: VideoFrame, stream: VideoStream) -> Image.Image:
    """Return a picture as players show it."""
    upright = _Upright.of(frame, stream)
    frame.colorspace = _matrix(frame.colorspace, frame.height)
    image: Image.Image = frame.to_image()  # type: ignore[no-untyped-call]  # PyAV leaves it untyped
    if image.size != upright.size:
        image = image.resize(upright.size, Image.Resampling.BICUBIC)
    return image if upright.turn is None else image.transpose(upright.turn)


def _fit(width: int, height: int, longest: int = TILE) -> tuple[int, int]:
    scale = min(1.0, longest / max(width, height))
    return max(2, round(width * scale / 2) * 2), max(2, round(height * scale / 2) * 2)


def _telling_frame(path: Path, container: InputContainer, stream: VideoStream) -> Image.Image:
    brightest, best = -1.0, None
    for share in _POSTER_MOMENTS:
        frame = _frame_at(container, stream, share)
        if frame is None:
            continue
        image = _image(frame, stream)
        light = max(image.convert("L").resize((16, 16), Image.Resampling.BOX).tobytes())
        if light > brightest:
            brightest, best = light, image
        if light > _DARK:
            break
    if best is None:
        raise MediaError(path, "the video stream holds no picture.")
    return best


def _frame_at(container: InputContainer, stream: VideoStream, share: float) -> VideoFrame | None:
    length, base = _length(container, stream), stream.time_base or Fraction(1, 1000)
    wanted = (stream.start_time or 0) + int(length * Fraction(share) / base)
    container.seek(wanted, stream=stream, backward=True)
    last = None
    for frame in container.decode(stream):
        last = frame
        if frame.pts is not None and frame.pts >= wanted:
            break
    return last


def _length(container: InputContainer, stream: VideoStream) -> Fraction:
    if stream.duration and stream.time_base:
        return stream.duration * stream.time_base
    return Fraction(container.duration or 0, av.time_base)


def _webp(image: Image.Image) -> bytes:
    for quality in (72, 55, 40, 25, 10):
        out = io.BytesIO()
        image.save(out, "WEBP", quality=quality, method=4)
        if out.tell() <= _POSTER_BYTES:
            break
    return out.getvalue()


def _transcode(path: Path, source: InputContainer, stream: VideoStream, part: Path, low: Path) -> None:
    frames = source.decode(stream)
    first = next(frames, None)
    if first is None:
        raise MediaError(path, "the video stream holds no picture.")
    upright = _Upright.of(first, stream)
    with contextlib.ExitStack() as stack:
        large = stack.enter_context(_Rendition(part, stream, _fit(*upright.shown)))
        small = stack.enter_context(_Rendition(low, stream, _fit(*upright.shown, SMALL)))
        stored = large.size[::-1] if upright.lies else large.size
        reformatter = VideoReformatter()
        for frame in _thinned(itertools.chain([first], frames)):
            light = reformatter.reformat(frame, *stored, format="yuv420p", interpolation="AREA")
            light.pict_type = frame.pict_type
            small.add(large.add(light if upright.turn is None else _turned(light, upright.turn)))


def _turned(frame: VideoFrame, turn: Image.Transpose) -> VideoFrame:
    """Turn a picture plane by plane, so that its colours stay what they are."""
    planes = [
        np.asarray(Image.fromarray(plane).transpose(turn))
        for plane in frame.reformat(format="yuv444p").to_ndarray()
    ]
    made = VideoFrame.from_ndarray(np.stack(planes), format="yuv444p").reformat(format="yuv420p")
    made.pts, made.time_base, made.pict_type = frame.pts, frame.time_base, frame.pict_type
    return made


class _Rendition:
    """A light copy while it is written."""

    def __init__(self, path: Path, source: VideoStream, size: tuple[int, int]) -> None:
        rate = min(Fraction(_PREVIEW_FPS), Fraction(source.average_rate or 24))
        self.size = size
        self._out = av.open(str(path), "w", format="mp4", options={"movflags": "faststart"})
        self._encoder = _encoder(self._out.add_stream("libx264", rate=rate), size, source)
        self._reformatter = VideoReformatter()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        with self._out:
            if kind is None:
                self._out.mux(self._encoder.encode())

    def add(self, frame: VideoFrame) -> VideoFrame:
        """Encode a picture, and return it as it was made smaller."""
        small = self._reformatter.reformat(frame, *self.size, format="yuv420p", interpolation="AREA")
        small.pict_type = frame.pict_type
        self._out.mux(self._encoder.encode(small))
        return small


def _encoder(tile: VideoStream, size: tuple[int, int], source: VideoStream) -> VideoStream:
    tile.width, tile.height = size
    tile.pix_fmt = "yuv420p"
    tile.codec_context.time_base = source.time_base or Fraction(1, 1000)
    tile.codec_context.thread_count = 1
    tile.codec_context.colorspace = _matrix(source.codec_context.colorspace, source.height)
    tile.codec_context.color_primaries = source.codec_context.color_primaries
    tile.codec_context.color_trc = source.codec_context.color_trc
    tile.options = {
        "preset": "veryfast",
        "crf": "27",
        "forced-idr": "1",
        "x264-params": "threads=1:keyint=infinite:scenecut=0:rc-lookahead=10:vbv-maxrate=102:vbv-bufsize=102",
    }
    return tile


def _matrix(named: int, height: int) -> int:
    """Return the colour matrix of a picture; one that names none is taken as browsers take it."""
    return named if named != _UNNAMED else _BT709 if height >= _HIGH else _BT601


def _thinned(frames: Iterable[VideoFrame]) -> Iterator[VideoFrame]:
    """Drop frames beyond `_PREVIEW_FPS` and ask for a keyframe at least once a second."""
    due, keyed = Fraction(-1), Fraction(-1)
    for frame in frames:
        if frame.pts is None or frame.time_base is None:
            continue
        now = frame.pts * frame.time_base
        if now < due:
            continue
        due = max(due, now - Fraction(1, _PREVIEW_FPS)) + Fraction(1, _PREVIEW_FPS)
        fresh = now - keyed >= Fraction(23, 24)
        keyed = now if fresh else keyed
        frame.pict_type = PictureType.I if fresh else PictureType.NONE
        yield frame


def _replace(target: Path, write: Callable[[Path], object], *, shared: bool) -> None:
    if target.is_symlink():
        raise MediaError(target, "a symbolic link; it is not written through. Remove it first.")
    with write_atomically(target, mode=0o600, shared=shared) as part:
        write(part)
