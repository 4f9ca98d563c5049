"""Facts, posters and previews of video files."""

from __future__ import annotations

import io
import random
import struct
from fractions import Fraction
from typing import TYPE_CHECKING

import av
import numpy as np
import pytest
from av.video.reformatter import Colorspace
from PIL import Image

from gridgen.media import Facts, MediaError, poster, preview, probe, small_of, sniff, stills, suffix_of
from gridgen.simulator.clips import Scene, render

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path


def write_video(
    path: Path,
    size: tuple[int, int] = (64, 48),
    *,
    moments: Iterable[float] = tuple(k / 12 for k in range(24)),
    codec: str = "libx264",
    light: Callable[[float], int] = lambda _: 200,
) -> Path:
    """Write a video with one moving square, its frames at the given seconds."""
    width, height = size
    with av.open(str(path), "w") as out:
        stream = out.add_stream(codec, rate=12)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.codec_context.time_base = stream.time_base = Fraction(1, 1000)
        for t in moments:
            picture = np.zeros((height, width, 3), np.uint8)
            left = int(t * 10) % (width // 2)
            picture[height // 4 : height // 2, left : left + width // 2] = light(t)
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = round(t * 1000), Fraction(1, 1000)
            out.mux(stream.encode(frame))
        out.mux(stream.encode())
    return path


def write_sound(path: Path) -> Path:
    """Write a second of silence as MP4."""
    with av.open(str(path), "w") as out:
        stream = out.add_stream("aac", rate=8000, layout="mono")
        for start in range(0, 8192, 1024):
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
            frame.rate, frame.pts = 8000, start
            out.mux(stream.encode(frame))
        out.mux(stream.encode())
    return path


def gaps(path: Path) -> list[float]:
    """Return the seconds between the keyframes of a video, the last one to its end."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        packets = [p for p in container.demux(stream) if p.pts is not None]
    keys = [float(p.pts * p.time_base) for p in packets if p.is_keyframe]
    end = max(float((p.pts + p.duration) * p.time_base) for p in packets)
    return [later - earlier for earlier, later in zip(keys, [*keys[1:], end], strict=True)]


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a simulator's clip of 6 s, 854 x 480."""
    path = tmp_path_factory.mktemp("clips") / "clip.mp4"
    path.write_bytes(render(Scene("a paper boat crossing a puddle", "16:9", 6, "480p")))
    return path


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (b"\0\0\0\x20ftypisom\0\0\2\0", "mp4"),
        (b"\x1a\x45\xdf\xa3\x9fB\x86\x81", "webm"),
        (b"<!doctype html>", None),
        (b"#EXTM3U\n", None),
        (b"ftyp", None),
        (b"", None),
    ],
)
def test_container_is_told_by_its_first_bytes(head, expected):
    """MP4 and WebM are recognised, nothing else is."""
    assert sniff(head) == expected


def test_facts_of_a_clip(clip):
    """Every fact of a clip is measured as it is."""
    facts = probe(clip)

    assert isinstance(facts, Facts)
    assert (facts.width, facts.height, facts.frames) == (854, 480, 144)
    assert (facts.fps, facts.seconds, facts.codec) == (24.0, 6.0, "h264")
    assert facts.bytes == clip.stat().st_size
    assert len(facts.sha256) == 64


def test_hash_is_that_of_the_bytes(tmp_path):
    """One more byte in the file changes its hash, not its picture's facts."""
    path = write_video(tmp_path / "a.mp4")
    before = probe(path)
    path.write_bytes(path.read_bytes() + b"\0\0\0\x08free")
    after = probe(path)

    assert before.sha256 != after.sha256
    assert (before.frames, before.seconds) == (after.frames, after.seconds)


def test_facts_of_uneven_frames(tmp_path):
    """Frames at uneven distances are counted, and their length is that of the picture."""
    moments = [0, 0.05, 0.3, 0.35, 0.4, 1.1, 1.6, 1.65, 2.0]
    facts = probe(write_video(tmp_path / "vfr.mp4", moments=moments))

    assert facts.frames == len(moments)
    assert facts.seconds == pytest.approx(2.083, abs=0.05)
    assert facts.fps == pytest.approx(len(moments) / 2.083, rel=0.05)


def test_facts_of_webm(tmp_path):
    """A WebM is measured too."""
    facts = probe(write_video(tmp_path / "a.webm", codec="libvpx"))

    assert (facts.width, facts.height, facts.frames, facts.codec) == (64, 48, 24, "vp8")
    assert facts.seconds == pytest.approx(2.0, abs=0.1)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty"),
        (b"<html>404</html>", "starts with"),
        (b"#EXTM3U\nfile:///etc/passwd\n", "starts with"),
        (b"\0\0\0\x18ftypmp42" + bytes(200), "damaged or cut short"),
        (b"\x1a\x45\xdf\xa3" + bytes(200), "damaged or cut short"),
    ],
)
@pytest.mark.parametrize("use", ["probe", "poster", "preview"])
def test_what_is_no_video_is_named(tmp_path, content, reason, use):
    """A page, a playlist, an empty or a damaged file is an error that says which file and why."""
    path = tmp_path / "bad.mp4"
    path.write_bytes(content)
    act = {
        "probe": probe,
        "poster": lambda p: poster(p, tmp_path / "out.webp"),
        "preview": lambda p: preview(p, tmp_path / "out.mp4"),
    }[use]

    with pytest.raises(MediaError, match=reason) as caught:
        act(path)

    assert str(path) in str(caught.value)
    assert [path] == list(tmp_path.iterdir())


@pytest.mark.parametrize("share", [0.3, 0.7, 0.97])
def test_a_file_cut_short_is_found_out(clip, tmp_path, share):
    """A download that ended early is an error although its index came first."""
    whole, path = clip.read_bytes(), tmp_path / "short.mp4"
    path.write_bytes(whole[: int(len(whole) * share)])

    with pytest.raises(MediaError, match=r"cut short: \d+ of 144 frames"):
        probe(path)


def test_index_at_the_end_cut_off(tmp_path):
    """A file whose index came last and was cut off is an error."""
    path = write_video(tmp_path / "a.mp4")
    path.write_bytes(path.read_bytes()[:-400])

    with pytest.raises(MediaError, match="damaged or cut short"):
        probe(path)


def test_sound_alone_is_no_video(tmp_path):
    """A file with a sound track and no picture says so."""
    with pytest.raises(MediaError, match="no video stream; it holds audio"):
        probe(write_sound(tmp_path / "sound.mp4"))


def test_missing_file_is_an_os_error(tmp_path):
    """A file that is not there is told apart from one that is no video."""
    with pytest.raises(FileNotFoundError):
        probe(tmp_path / "nothing.mp4")


def test_poster_is_small_and_keeps_the_shape(clip, tmp_path):
    """A poster is a WebP of 320 px on its long side and of 8 kB at most."""
    target = tmp_path / "poster.webp"
    poster(clip, target)

    with Image.open(target) as image:
        assert (image.format, image.size) == ("WEBP", (320, 180))
    assert target.stat().st_size <= 8000
    assert [target] == list(tmp_path.iterdir())


def test_poster_shows_the_frame_at_two_fifths(clip, tmp_path):
    """The poster is the picture 40 % into the clip."""
    poster(clip, tmp_path / "poster.webp")
    with av.open(str(clip)) as container:
        frames = [frame.to_image() for frame in container.decode(video=0)]
    shown = np.asarray(Image.open(tmp_path / "poster.webp").convert("L"), float)

    def distance(index: int) -> float:
        small = frames[index].resize(shown.shape[::-1], Image.Resampling.LANCZOS).convert("L")
        return float(np.abs(np.asarray(small, float) - shown).mean())

    assert min(range(0, 144, 2), key=distance) == pytest.approx(0.4 * 144, abs=4)


def test_poster_of_a_clip_that_is_black_at_first(tmp_path):
    """Where the frame at 40 % is black another is taken."""
    path = write_video(tmp_path / "dark.mp4", light=lambda t: 0 if t < 1 else 220)
    poster(path, tmp_path / "poster.webp")

    assert max(Image.open(tmp_path / "poster.webp").convert("L").tobytes()) > 150


def test_poster_of_a_black_clip_is_black(tmp_path):
    """A clip that is black throughout still has a poster."""
    poster(write_video(tmp_path / "a.mp4", light=lambda _: 0), tmp_path / "poster.webp")

    assert max(Image.open(tmp_path / "poster.webp").convert("L").tobytes()) < 20


def test_preview_of_a_clip(clip, tmp_path):
    """A preview is a small silent H.264 of the same length, its index first, keyframes each second."""
    target = tmp_path / "preview.mp4"
    preview(clip, target)
    facts, data = probe(target), target.read_bytes()

    assert (facts.width, facts.height, facts.codec) == (320, 180, "h264")
    assert (facts.frames, facts.seconds) == (144, 6.0)
    assert facts.bytes <= 140_000 * 6 / 10 * 1.15
    assert data.index(b"moov") < data.index(b"mdat")
    assert max(gaps(target)) <= 1.0
    assert {target, target.with_name("preview.small.mp4")} == set(tmp_path.iterdir())
    with av.open(str(target)) as container:
        assert not container.streams.audio
        assert container.streams.video[0].codec_context.pix_fmt == "yuv420p"


def test_a_smaller_preview_lies_beside_it(clip, tmp_path):
    """Half as wide, as long, silent, with the same keyframes, and well under half as heavy."""
    target = tmp_path / "preview.mp4"
    preview(clip, target)
    small = tmp_path / small_of(target.name)
    facts, larger = probe(small), probe(target)

    assert (facts.width, facts.height, facts.codec) == (160, 90, "h264")
    assert (facts.frames, facts.seconds) == (larger.frames, larger.seconds)
    assert facts.bytes < larger.bytes / 2
    assert max(gaps(small)) <= 1.0


def test_preview_shows_what_the_clip_shows(clip, tmp_path):
    """Each frame of the preview is the clip's own, made smaller."""
    preview(clip, tmp_path / "preview.mp4")
    with av.open(str(clip)) as whole, av.open(str(tmp_path / "preview.mp4")) as small:
        for large, tile in zip(whole.decode(video=0), small.decode(video=0), strict=True):
            expected = np.asarray(large.to_image().resize((320, 180), Image.Resampling.BOX), float)
            assert np.abs(expected - np.asarray(tile.to_image(), float)).mean() < 8


def test_preview_is_the_same_each_time(clip, tmp_path):
    """Two previews of a clip are equal, byte by byte."""
    preview(clip, tmp_path / "a.mp4")
    preview(clip, tmp_path / "b.mp4")

    assert (tmp_path / "a.mp4").read_bytes() == (tmp_path / "b.mp4").read_bytes()


@pytest.mark.parametrize(
    ("size", "expected"), [((480, 854), (180, 320)), ((160, 90), (160, 90)), ((640, 640), (320, 320))]
)
def test_preview_and_poster_sizes(tmp_path, size, expected):
    """The long side is 320 px at most, also in portrait; small clips are not enlarged."""
    path = write_video(tmp_path / "a.mp4", size, moments=[0, 0.1, 0.2])
    preview(path, tmp_path / "p.mp4")
    poster(path, tmp_path / "p.webp")
    facts = probe(tmp_path / "p.mp4")

    assert (facts.width, facts.height) == expected
    with Image.open(tmp_path / "p.webp") as image:
        assert image.size == expected


def test_preview_of_uneven_frames_keeps_time(tmp_path):
    """Uneven frames stay where they are in time, with a keyframe after each second."""
    moments = [0, 0.1, 0.2, 0.9, 1.3, 2.4, 2.5, 3.0]
    path = write_video(tmp_path / "vfr.mp4", moments=moments)
    preview(path, tmp_path / "p.mp4")
    with av.open(str(tmp_path / "p.mp4")) as container:
        shown = list(container.decode(video=0))

    assert [frame.time for frame in shown] == pytest.approx(moments, abs=0.005)
    assert [f.time for f in shown if f.key_frame] == pytest.approx([0.0, 1.3, 2.4], abs=0.005)


def test_preview_thins_out_fast_frames(tmp_path):
    """A clip of 60 frames a second is shown at 30, as long as before."""
    path = write_video(tmp_path / "fast.mp4", moments=[k / 60 for k in range(120)])
    preview(path, tmp_path / "p.mp4")
    facts = probe(tmp_path / "p.mp4")

    assert facts.frames == pytest.approx(60, abs=2)
    assert facts.seconds == pytest.approx(2.0, abs=0.05)


@pytest.mark.parametrize("make", [poster, preview])
def test_colours_of_unlabelled_high_definition(tmp_path, make):
    """A 720p video that names no colour matrix is read as BT.709, as browsers do, and so is its preview."""
    path, colour = tmp_path / "hd.mp4", (40, 200, 60)
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=12)
        stream.width, stream.height, stream.pix_fmt = 1280, 720, "yuv420p"
        plain = av.VideoFrame.from_image(Image.new("RGB", (1280, 720), colour))
        frame = plain.reformat(format="yuv420p", dst_colorspace=Colorspace.ITU709)
        out.mux(stream.encode(frame))
        out.mux(stream.encode())
    target = tmp_path / "small"
    make(path, target)
    if make is poster:
        shown = Image.open(target).convert("RGB")
    else:
        with av.open(str(target)) as container:
            shown = next(container.decode(video=0)).to_image()

    assert shown.getpixel((100, 100)) == pytest.approx(colour, abs=8)


@pytest.mark.parametrize("make", [poster, preview])
def test_links_are_not_written_through(clip, tmp_path, make):
    """A target that is a symbolic link is refused, and what it points at stays."""
    outside = tmp_path / "outside"
    outside.write_bytes(b"mine")
    link = tmp_path / "link"
    link.symlink_to(outside)

    with pytest.raises(MediaError, match="symbolic link"):
        make(clip, link)

    assert outside.read_bytes() == b"mine"


@pytest.mark.parametrize("make", [poster, preview])
def test_a_waiting_link_in_place_of_the_part_is_not_written_through(clip, tmp_path, make):
    """A link laid where the unfinished file goes is replaced, not followed."""
    outside = tmp_path / "outside"
    outside.write_bytes(b"mine")
    (tmp_path / "out.part").symlink_to(outside)
    make(clip, tmp_path / "out")

    assert outside.read_bytes() == b"mine"
    made = ["out", "out.small.mp4", "outside"] if make is preview else ["out", "outside"]
    assert sorted(p.name for p in tmp_path.iterdir()) == made


def test_a_failed_preview_leaves_the_old_one(clip, tmp_path):
    """When the source breaks in the middle the earlier preview stays and no part is left."""
    target = tmp_path / "p.mp4"
    preview(clip, target)
    held = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    broken = tmp_path / "broken.mp4"
    data = bytearray(clip.read_bytes())
    start = data.index(b"mdat")
    data[start + 4 :] = bytes(len(data) - start - 4)
    broken.write_bytes(data)

    with pytest.raises(MediaError, match=r"broken\.mp4"):
        preview(broken, target)

    broken.unlink()
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == held


def test_an_enormous_picture_is_refused(tmp_path):
    """A picture of more than 8,192 px a side is not opened."""
    path = write_video(tmp_path / "wide.mp4", (8256, 16), moments=[0, 0.1])

    with pytest.raises(MediaError, match="8256x16"):
        probe(path)


def test_a_picture_in_place_of_a_poster_is_webp(clip, tmp_path):
    """The poster's bytes are WebP whatever the target is called."""
    poster(clip, tmp_path / "poster.bin")

    assert Image.open(io.BytesIO((tmp_path / "poster.bin").read_bytes())).format == "WEBP"


def trimmed(path: Path) -> Path:
    """Write an MP4 of 72 frames in three groups, of which an edit list shows the last 36."""
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=24)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.options = {"x264-params": "keyint=24:scenecut=0:bframes=0"}
        for at in range(72):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 3 * at, np.uint8), format="rgb24")
            frame.pts, frame.time_base = at, Fraction(1, 24)
            out.mux(stream.encode(frame))
        out.mux(stream.encode())
    with av.open(str(path)) as made:
        base = made.streams.video[0].time_base
    content = bytearray(path.read_bytes())
    at = content.index(b"elst") + 12
    content[at : at + 8] = struct.pack(">II", 1500, int(Fraction(36, 24) / base))
    path.write_bytes(content)
    return path


def test_a_clip_trimmed_by_an_edit_list_is_whole(tmp_path):
    """Case F5: an edit list leaves frames out on purpose; what is shown counts, and nothing is missing."""
    path = trimmed(tmp_path / "a.mp4")
    with av.open(str(path)) as opened:
        stream = opened.streams.video[0]
        packets = [packet for packet in opened.demux(stream) if packet.pts is not None]
        assert (stream.frames, len(packets)) == (72, 48)

    facts = probe(path)
    assert (facts.frames, facts.seconds, facts.fps) == (36, pytest.approx(1.5), pytest.approx(24.0))
    poster(path, tmp_path / "a.webp")
    preview(path, tmp_path / "b.mp4")
    assert probe(tmp_path / "b.mp4").frames == 36


def test_a_trimmed_clip_cut_short_is_found_out(tmp_path):
    """Case F5: an edit list is no excuse for frames that are not in the file."""
    path = trimmed(tmp_path / "a.mp4")
    content = path.read_bytes()
    moov, mdat = content.index(b"moov") - 4, content.index(b"mdat") - 4
    size = int.from_bytes(content[moov : moov + 4], "big")
    # the index first, as servers send it, so that a cut takes frames alone
    assert moov > mdat
    kept = (moov - mdat) // 2
    index = bytearray(content[moov : moov + size])
    at = index.index(b"stco") + 12
    offset = int.from_bytes(index[at : at + 4], "big") + size
    index[at : at + 4] = offset.to_bytes(4, "big")
    path.write_bytes(content[:mdat] + bytes(index) + content[mdat : mdat + kept])

    with pytest.raises(MediaError, match=r"cut short|damaged|no picture"):
        probe(path)


def damages(content: bytes, count: int) -> list[bytes]:
    """Return so many copies of a clip, in each of which a few bytes of its index or of anything are others."""
    chance = random.Random(5)
    made = []
    for _ in range(count):
        changed = bytearray(content)
        begin = chance.choice([content.index(b"moov"), 0])
        for _ in range(chance.choice([1, 2, 5, 30])):
            changed[chance.randrange(begin, len(changed))] = chance.randrange(256)
        made.append(bytes(changed))
    return made


def test_a_few_changed_bytes_are_a_sentence(tmp_path):
    """Case A5: whatever a decoder raises at a damaged file is a MediaError, of facts and pictures alike."""
    path = write_video(tmp_path / "a.mp4", moments=(0, 0.1, 0.2))
    refused = []
    for content in damages(path.read_bytes(), 200):
        path.write_bytes(content)
        for use in (probe, lambda source: poster(source, tmp_path / "a.webp")):
            try:
                use(path)
            except MediaError as error:
                refused.append(str(error))
    assert len(refused) > 20
    assert all(str(path) in each for each in refused)


@pytest.mark.parametrize(("name", "suffix"), [("a.mp4", ".mp4"), ("a.webm", ".webm"), ("a.mkv", ".mkv")])
def test_what_a_file_is_called_by_its_content(tmp_path, name, suffix):
    """Case F9: MP4, WebM and Matroska are told apart by what is in them."""
    codec = "libvpx" if suffix == ".webm" else "libx264"
    path = write_video(tmp_path / name, codec=codec).rename(tmp_path / "a.part")
    assert suffix_of(path) == suffix


def leaning(
    path: Path, *, matrix: tuple[int, int, int, int] | None = None, pixel: Fraction | None = None
) -> Path:
    """Write a clip of 128 x 64, its left half red and its right half blue, that is to be shown otherwise than stored.

    The matrix (a, b, c, d) is one of ISO/IEC 14496-12: what is at (x, y) is shown at (ax + cy, bx + dy).
    """
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=12)
        stream.width, stream.height, stream.pix_fmt = 128, 64, "yuv420p"
        if pixel is not None:
            stream.codec_context.sample_aspect_ratio = pixel
        picture = np.zeros((64, 128, 3), np.uint8)
        picture[:, :64, 0] = picture[:, 64:, 2] = 220
        for _ in range(12):
            out.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        out.mux(stream.encode())
    if matrix is not None:
        a, b, c, d = (part << 16 for part in matrix)
        content = bytearray(path.read_bytes())
        struct.pack_into(">9i", content, content.index(b"tkhd") + 44, a, b, 0, c, d, 0, 0, 0, 1 << 30)
        path.write_bytes(content)
    return path


def edges(image: Image.Image) -> dict[str, str]:
    """Tell by the middle of each edge whether it is red or blue; nothing for one that is both."""
    wide, high = image.size
    places = {"left": (2, high // 2), "right": (wide - 3, high // 2)}
    if high > wide:
        places = {"top": (wide // 2, 2), "bottom": (wide // 2, high - 3)}
    pixels = {name: image.convert("RGB").getpixel(place) for name, place in places.items()}
    return {name: "red" if red > blue else "blue" for name, (red, _, blue) in pixels.items()}


TURNS = {
    "as it is": ((1, 0, 0, 1), (128, 64), {"left": "red", "right": "blue"}),
    "a quarter clockwise": ((0, 1, -1, 0), (64, 128), {"top": "red", "bottom": "blue"}),
    "half a turn": ((-1, 0, 0, -1), (128, 64), {"left": "blue", "right": "red"}),
    "a quarter the other way": ((0, -1, 1, 0), (64, 128), {"top": "blue", "bottom": "red"}),
    "mirrored": ((-1, 0, 0, 1), (128, 64), {"left": "blue", "right": "red"}),
    "mirrored and turned": ((0, 1, 1, 0), (64, 128), {"top": "red", "bottom": "blue"}),
}


@pytest.mark.parametrize("turn", TURNS)
def test_a_turned_clip_is_shown_as_players_show_it(tmp_path, turn):
    """Facts, poster, stills and both previews obey the file's display matrix: case V9."""
    matrix, size, expected = TURNS[turn]
    path = leaning(tmp_path / "a.mp4", matrix=matrix)
    poster(path, tmp_path / "a.webp")
    preview(path, tmp_path / "p.mp4")
    facts, copy, small = probe(path), probe(tmp_path / "p.mp4"), probe(tmp_path / small_of("p.mp4"))
    with Image.open(tmp_path / "a.webp") as still:
        assert (still.size, edges(still)) == (size, expected)

    assert {(each.width, each.height) for each in (facts, copy, small)} == {size}
    for each in (path, tmp_path / "p.mp4", tmp_path / small_of("p.mp4")):
        [shown] = stills(each, [0.5])
        assert (shown.size, edges(shown)) == (size, expected)


@pytest.mark.parametrize(
    ("pixel", "size"),
    [
        (Fraction(2), (256, 64)),
        (Fraction(1, 2), (128, 128)),
        (Fraction(16, 15), (136, 64)),
        (Fraction(1, 3000), (128, 64)),
    ],
)
def test_pixels_that_are_not_square_are_made_so(tmp_path, pixel, size):
    """One side grows as the HTML standard says, in facts and pictures; a ratio beyond sense is none: case V9."""
    path = leaning(tmp_path / "a.mp4", pixel=pixel)
    poster(path, tmp_path / "a.webp")
    preview(path, tmp_path / "p.mp4")
    facts, copy = probe(path), probe(tmp_path / "p.mp4")
    [still] = stills(path, [0.5])
    with Image.open(tmp_path / "a.webp") as image:
        assert image.size == pytest.approx(size, abs=1)

    assert (facts.width, facts.height) == pytest.approx(size, abs=1)
    assert (copy.width, copy.height) == pytest.approx(size, abs=1)
    assert still.size == (facts.width, facts.height)


def test_a_turned_clip_of_wide_pixels_is_stretched_before_it_is_turned(tmp_path):
    """A ratio of pixels belongs to the stored picture: case V9."""
    path = leaning(tmp_path / "a.mp4", matrix=(0, 1, -1, 0), pixel=Fraction(2))
    facts = probe(path)

    assert (facts.width, facts.height) == (64, 256)
    assert [still.size for still in stills(path, [0.0])] == [(64, 256)]
