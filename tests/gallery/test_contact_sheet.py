"""The contact sheet: each clip in its place, labelled, at the moments asked for, or an error and no file."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from fake_sweep import FakeSweep
from hostile import HOSTILE, hostile_grid
from PIL import Image

from gridgen import Grid, GridError, GridgenError, Simulator, Sweep
from gridgen.gallery.change_feed import ChangeFeed
from gridgen.share import FrameOptions, contact_sheet

if TYPE_CHECKING:
    from pathlib import Path

COLOURS = ((220, 30, 30), (30, 200, 30), (30, 30, 220), (210, 200, 20))


@pytest.fixture
def coloured(done: FakeSweep) -> FakeSweep:
    """Four clips, the poster of each in one colour of its own."""
    for row, colour in zip(done.rows(), COLOURS, strict=True):
        Image.new("RGB", (row.width, row.height), colour).save(done.folder / row.poster, lossless=True)
    return done


def sheet(sweep: Any, path: Path, rows: Any = "prompt", cols: Any = "size", **taken: Any) -> np.ndarray:
    """Write a sheet of all clips and return its pixels."""
    made = contact_sheet(sweep, path, rows=rows, cols=cols, clips=None, taken=FrameOptions(**taken))
    with Image.open(made) as image:
        assert image.size == (made.width, made.height)
        return np.asarray(image.convert("RGB")).astype(int)


def places(pixels: np.ndarray) -> list[tuple[int, int, int, int]]:
    """Return where each colour is: left, top, width, height."""
    found = []
    for colour in COLOURS:
        down, across = np.nonzero(np.abs(pixels - colour).max(axis=2) < 20)
        found.append((int(across.min()), int(down.min()), int(np.ptp(across)) + 1, int(np.ptp(down)) + 1))
    return found


def test_each_clip_stands_where_its_axes_put_it(coloured: FakeSweep, tmp_path: Path) -> None:
    """Prompts down and sizes across, or the other way round, or in line; each picture has its own shape and the same area."""
    a, b, c, d = places(sheet(coloured, tmp_path / "a.png"))
    assert (a[:2], b[0], d[:2]) == ((c[0], b[1]), d[0], (b[0], c[1]))
    assert [each[2:] for each in (a, b)] == [(240, 135), (135, 240)]
    turned = places(sheet(coloured, tmp_path / "b.png", rows="size", cols="prompt"))
    assert turned[0][0] == turned[1][0] < turned[2][0]
    assert turned[0][1] == turned[2][1] < turned[1][1]
    lined = places(sheet(coloured, tmp_path / "c.png", rows=[], cols=["prompt", "size"], width=96))
    assert [each[0] for each in lined] == sorted(each[0] for each in lined)
    assert len({each[1] for each in lined}) == 1


def test_rows_and_columns_are_labelled(coloured: FakeSweep, tmp_path: Path) -> None:
    """Something is written beside each row and over each column, and it is other where the prompt is other."""
    pixels = sheet(coloured, tmp_path / "a.png")
    left, top, _, high = places(pixels)[0]
    beside, over = pixels[top : top + high, :left], pixels[:top, left:]
    assert beside.min() < 60
    assert over.min() < 60
    other = FakeSweep(Grid(prompt=["a white whale", "a red fox"], size=["16:9", "9:16"]), coloured.folder)
    for row in coloured.rows():
        other.change(row.index, status="done", poster=row.poster)
    assert not np.array_equal(pixels, sheet(other, tmp_path / "b.png"))
    blind = [sheet(each, tmp_path / f"{at}.png", prompts=False) for at, each in enumerate((coloured, other))]
    assert np.array_equal(*blind)


def test_several_moments_of_each_clip(done: FakeSweep, tmp_path: Path) -> None:
    """Frames stand side by side and differ, `at` shows one moment, and past the end stands the last picture."""
    one = done.rows()[0]
    lone = FakeSweep(Grid(prompt="a paper boat"), done.folder)
    lone.change(
        0, **{name: getattr(one, name) for name in ("status", "poster", "preview", "path", "clip_seconds")}
    )
    strip = sheet(lone, tmp_path / "a.png", frames=3)[60:180]
    pictures = [strip[:, 20 + at * 242 : 260 + at * 242] for at in range(3)]
    assert all(
        np.abs(one - other).mean() > 2
        for one, other in ((pictures[0], pictures[1]), (pictures[1], pictures[2]))
    )
    moments = [sheet(lone, tmp_path / f"{at}.png", at=at) for at in (0.0, 3.0, 5.9, 99.0)]
    assert np.abs(moments[0] - moments[1]).mean() > 1
    assert np.abs(moments[2] - moments[3]).mean() < 1


def test_what_is_not_there_says_so(coloured: FakeSweep, tmp_path: Path) -> None:
    """Failed, planned and unreadable clips are a box with words; without a poster the preview is asked."""
    whole = sheet(coloured, tmp_path / "a.png")
    coloured.change(0, status="failed", error_class="content_policy")
    coloured.change(1, poster=None)
    (coloured.folder / coloured.rows()[2].poster).write_bytes(b"no picture")
    pixels = sheet(coloured, tmp_path / "b.png")
    assert pixels.shape == whole.shape
    a, b, c, d = places(whole)
    for left, top, wide, high in (a, c):
        box = pixels[top : top + high, left : left + wide]
        assert np.median(box) > 225
        assert box.min() < 140
    drawn = pixels[b[1] : b[1] + b[3], b[0] : b[0] + b[2]]
    assert np.ptp(drawn) > 60
    assert np.array_equal(pixels[d[1], d[0]], whole[d[1], d[0]])


def test_any_text_can_be_written(tmp_path: Path) -> None:
    """Prompts, errors and names of every kind, too long ones among them, make a sheet."""
    sweep = FakeSweep(hostile_grid("prompt"), tmp_path / "x", name="\u202e\n" + "A" * 300)
    for index, text in enumerate(HOSTILE):
        sweep.change(index, status="failed", error_class=text, error=text)
    assert sheet(sweep, tmp_path / "a.png", rows="prompt", cols=[], width=96).shape[0] > 78 * 50


def test_the_kinds_of_file_and_what_a_notebook_shows(coloured: FakeSweep, tmp_path: Path) -> None:
    """PNG, JPEG and WebP by the ending; in a notebook it is a picture, and a word once the file is gone."""
    for ending, kind in ((".png", "PNG"), (".JPG", "JPEG"), (".webp", "WEBP")):
        made = contact_sheet(
            coloured,
            tmp_path / f"new/a{ending}",
            rows=None,
            cols=None,
            clips=None,
            taken=FrameOptions(dark=True),
        )
        with Image.open(made.path) as image:
            assert image.format == kind
    assert repr(made) == f"ContactSheet('a.webp': 4 clips, {made.width}x{made.height})"
    bundle = made._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "image/jpeg", "text/html"}
    assert 'href="../new/a.webp"' in bundle["text/html"]
    assert bundle["image/jpeg"] in bundle["text/html"]
    assert sorted(each.name for each in (tmp_path / "new").iterdir()) == ["a.JPG", "a.png", "a.webp"]
    made.path.unlink()
    assert set(made._repr_mimebundle_()) == {"text/plain"}


def test_some_clips_of_a_real_sweep(tmp_path: Path) -> None:
    """`clips` takes a table's rows; a budget of pixels, a bad argument and a place that cannot be written are told, and nothing is left."""
    with Simulator(speed=math.inf, clips="tiny") as simulator:
        grid = Grid(prompt=[f"boat {n}" for n in range(3)], duration=[6, 10])
        sweep = Sweep(grid, client=simulator.client(), folder=tmp_path / "boats")
        sweep.run()
        whole = sweep.to_image(tmp_path / "all.png")
        some = sweep.to_image(tmp_path / "some.png", clips=sweep.df.query("duration == 6"))
        assert (whole.clips, some.clips) == (6, 3)
        assert some.width < whole.width
        wrong: list[tuple[dict[str, Any], str]] = [
            (
                {"path": "a.gif"},
                "'a.gif' names no kind of picture that is written (.png, .jpg, .jpeg, .webp)",
            ),
            ({"frames": 0}, "frames=0 is not a whole number from 1 to 24"),
            ({"width": 20_000}, "width=20000 is not a whole number from 48 to 1920"),
            ({"at": 1.0, "frames": 2}, "at= is one moment"),
            ({"at": math.nan}, "at=nan"),
            ({"clips": []}, "clips= names none"),
            ({"rows": "colour"}, "'colour' is not an axis"),
            ({"frames": 24, "width": 1000}, "more than 16000 a side"),
        ]
        for arguments, told in wrong:
            with pytest.raises(GridError) as refused:
                sweep.to_image(**{"path": tmp_path / "no.png", **arguments})
            assert told in str(refused.value)
        (tmp_path / "file").touch()
        with pytest.raises(GridgenError, match="cannot be written"):
            sweep.to_image(tmp_path / "file" / "a.png")
    assert sorted(each.name for each in tmp_path.glob("*.p*")) == ["all.png", "some.png"]


@pytest.mark.parametrize("damage", [b"", bytes(3000)])
def test_a_spoilt_preview_is_no_loss(done: FakeSweep, tmp_path: Path, damage: bytes) -> None:
    """Moments of a clip whose preview the disk spoilt come from the clip itself, and a page has that: case V2."""
    whole = sheet(done, tmp_path / "a.png", at=2.0)
    for row in done.rows():
        done.change(row.index, preview=f"spoilt-{row.index}.mp4")
        (done.folder / f"spoilt-{row.index}.mp4").write_bytes(damage)
    told = ChangeFeed(done, "me").snapshot()["tiles"]

    assert np.array_equal(sheet(done, tmp_path / "b.png", at=2.0), whole)
    assert [tile["preview"] for tile in told] == [row.path for row in done.rows()]


def test_letters_that_no_font_has_are_a_number(tmp_path: Path) -> None:
    """Boxes in place of letters would make all prompts look alike; a mixed one keeps what can be drawn."""
    strange = FakeSweep(
        Grid(prompt=["\ue000\ue001", "\ue002 \ue003"], size="16:9", duration=6), tmp_path / "x"
    )
    mixed = FakeSweep(Grid(prompt=["a boat \ue000", "läuft \ue001"], size="16:9", duration=6), tmp_path / "y")
    plain = FakeSweep(Grid(prompt=["a boat", "läuft"], size="16:9", duration=6), tmp_path / "z")
    numbered = sheet(strange, tmp_path / "a.png", cols=[], prompts=False)
    assert np.array_equal(sheet(strange, tmp_path / "b.png", cols=[]), numbered)
    assert np.array_equal(
        sheet(mixed, tmp_path / "c.png", cols=[]), sheet(plain, tmp_path / "d.png", cols=[])
    )
