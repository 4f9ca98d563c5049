"""A sweep in one zip: what comes out is what went in, and what is no bundle leaves nothing behind."""

from __future__ import annotations

import io
import json
import shutil
import zipfile
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

import gridgen
from gridgen import Grid, GridError, JournalError, Sweep
from gridgen.judgements.ratings import clip_names
from gridgen.simulator import Fault

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from gridgen import Simulator

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c6360606060000000050001a5f645400000000049454e44ae426082"
)
KEY = "sk-test-canary-0123456789"
CELLS = {"prompt": ["a boat", "a 'kite' & <more>"], "size": ["16:9", "9:16"]}


@pytest.fixture
def sweep(simulate: Callable[..., Simulator], tmp_path: Path) -> Sweep:
    """A finished sweep of four clips, one failed, judged by two, in a folder of its own."""
    simulator = simulate(faults=[Fault(kind="fail", on="submit", match="kite")])
    made = Sweep(Grid(**CELLS), client=simulator.client(api_key=KEY), folder=tmp_path / "boats", budget=1)
    made.run()
    made.ratings.rate(0, stars=4, pick=True, note="calm", reviewer="anna")
    made.ratings.rate([0, 1], stars=2, tags=["wet"], reviewer="ben")
    made.internals.judgements.choose(
        "anna", made.internals.slot(made.rows()[0]), made.internals.slot(made.rows()[1]), "left"
    )
    return made


def changed(source: Path, change: Callable[[dict[str, bytes]], Any]) -> Path:
    """Return a bundle beside another one, with its files changed."""
    with zipfile.ZipFile(source) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    change(files)
    target = source.with_name("changed.zip")
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return target


def told(files: dict[str, bytes], name: str, data: Any) -> None:
    """Replace one JSON file of a bundle."""
    files[f"boats/{name}"] = json.dumps(data).encode()


def renamed(files: dict[str, bytes], to: str) -> None:
    """Let the manifest put its first file elsewhere."""
    manifest = json.loads(files["boats/gridgen.json"])
    manifest["files"][to] = manifest["files"].pop(next(iter(manifest["files"])))
    told(files, "gridgen.json", manifest)


def test_what_comes_out_is_what_went_in(sweep: Sweep, tmp_path: Path) -> None:
    """H8: table, clips byte for byte, grid, budget, ratings and rounds; nothing of it is sent or asked again."""
    packed = sweep.to_zip(tmp_path / "boats.zip")
    assert packed.clips == 3
    assert packed.bytes == packed.path.stat().st_size

    again = gridgen.unpack(packed, tmp_path / "elsewhere")
    pd.testing.assert_frame_equal(
        again.df.drop(columns="path"), sweep.df.drop(columns="path"), check_exact=True
    )
    assert again.grid == sweep.grid
    assert str(again.budget) == "1"
    for row, was in zip(again.rows(), sweep.rows(), strict=True):
        for name in ("path", "poster", "preview"):
            file = getattr(was, name)
            assert getattr(row, name) == file
            if file:
                assert (again.folder / file).read_bytes() == (sweep.folder / file).read_bytes()
    assert [each.outcome for each in again.internals.judgements.book.counted] == ["left"]
    assert {each.reviewer for each in again.internals.judgements.book.judgements} == {"anna", "ben"}


def test_a_reviewer_is_known_again_by_the_browser(sweep: Sweep, tmp_path: Path) -> None:
    """Case I3: a later file of a reviewer is theirs in the unpacked sweep, too, and that of a namesake is not."""

    def file(of: Sweep, browser: str, stars: int) -> str:
        judged = {"clip": clip_names(of)[0], "at": 1, "stars": stars, "pick": None, "tags": [], "note": ""}
        top = {"gridgen_ratings": 1, "page": "0" * 24, "sweep": "boats", "reviewer": "eva", "choices": []}
        return json.dumps({**top, "browser": browser * 24, "judgements": [judged]})

    sweep.ratings.merge(file(sweep, "a", 5))
    again = gridgen.unpack(sweep.to_zip(tmp_path / "boats.zip"), tmp_path / "elsewhere")
    assert again.ratings.merge(file(again, "b", 1)).reviewer == "eva 2"
    assert again.ratings.merge(file(again, "a", 4)).reviewer == "eva"


def test_it_goes_on_where_it_stood(simulate: Callable[..., Simulator], tmp_path: Path) -> None:
    """With a client nothing that is made or paid is submitted again; what is added is."""
    simulator = simulate()
    sweep = Sweep(
        Grid(prompt=["a", "b"]), client=simulator.client(), folder=tmp_path / "boats", previews=False
    )
    sweep.run()
    gridgen.unpack(sweep.to_zip(tmp_path / "boats.zip"), tmp_path / "new")
    for cells in (["a", "b"], ["a", "b", "c"]):
        more = Sweep(Grid(prompt=cells), client=simulator.client(), folder=tmp_path / "new", previews=False)
        more.run()
        assert more.counts() == {"done": len(cells)}
        assert len(simulator.ledger) == len(cells)


def test_pictures_go_along(simulate: Callable[..., Simulator], tmp_path: Path) -> None:
    """A reference image of one's own is in the bundle, and the grid has it again."""
    picture = tmp_path / "boat.png"
    picture.write_bytes(PNG)
    simulator = simulate()
    sweep = Sweep(
        Grid(prompt="a", image_urls=[[picture]]),
        client=simulator.client(),
        folder=tmp_path / "boats",
        previews=False,
    )
    sweep.run()
    again = gridgen.unpack(sweep.to_zip(tmp_path / "boats.zip"), tmp_path / "new")
    picture.unlink()
    shutil.rmtree(sweep.folder)
    assert again.grid[0].image_urls[0].read() == PNG


def test_the_page_in_it_finds_its_clips(sweep: Sweep, tmp_path: Path) -> None:
    """Unzipped by hand, every file that the page names lies beside it."""
    packed = sweep.to_zip(tmp_path / "boats.zip")
    with zipfile.ZipFile(packed.path) as archive:
        page = archive.read("boats/index.html").decode()
        known = json.loads(page.split('id="gridgen-known">')[1].split("</script>")[0])
        names = set(archive.namelist())
    tiles = known["snapshot"]["tiles"]
    files = {tile[what] for tile in tiles for what in ("path", "poster", "preview") if tile[what]}
    assert len(files) == 3 * packed.clips
    assert {f"boats/{known['snapshot']['folder']}/{file}" for file in files} <= names


def test_no_key_is_in_it(sweep: Sweep, tmp_path: Path) -> None:
    """S1: the key that the clips were made with is in no file of the bundle."""
    packed = sweep.to_zip(tmp_path / "boats.zip")
    with zipfile.ZipFile(packed.path) as archive:
        assert not any(KEY.encode() in archive.read(name) for name in archive.namelist())


HOSTILE = {
    "a path upwards": lambda files: renamed(files, "../../evil.mp4"),
    "a path of Windows": lambda files: renamed(files, "..\\evil.mp4"),
    "an absolute path": lambda files: renamed(files, "/tmp/evil.mp4"),
    "a hidden file": lambda files: renamed(files, ".evil.mp4"),
    "a journal as a clip": lambda files: renamed(files, "journal.sqlite"),
    "a file that is not there": lambda files: files.pop(next(name for name in files if "/media/" in name)),
    "two names of one file where case does not count": lambda files: renamed(files, "sweep.csv"),
    "no manifest": lambda files: files.pop("boats/gridgen.json"),
    "a manifest of something else": lambda files: told(
        files, "gridgen.json", {"kind": "x", "format": 1, "files": {}}
    ),
    "a newer format": lambda files: told(
        files, "gridgen.json", {"kind": "gridgen bundle", "format": 2, "files": {}}
    ),
    "a manifest that is a list": lambda files: told(files, "gridgen.json", []),
    "no journal": lambda files: files.pop("boats/journal.jsonl"),
    "a journal that is none": lambda files: files.update({"boats/journal.jsonl": b"hello\n"}),
    "a journal that points out of the folder": lambda files: files.update(
        {
            "boats/journal.jsonl": b"\n".join(
                line.replace(b'"path":"', b'"path":"../')
                for line in files["boats/journal.jsonl"].split(b"\n")
            )
        }
    ),
    "a grid that is none": lambda files: files.update({"boats/sweep.json": b"{"}),
    "ratings that are none": lambda files: files.update({"boats/ratings/0.json": b"[]"}),
    "a picture by another name": lambda files: files.update({"boats/images/../../evil.png": PNG}),
    "a bomb": lambda files: files.update({"boats/sweep.csv": bytes(10**8)}),
}


@pytest.mark.security("S10")
@pytest.mark.parametrize("what", HOSTILE)
def test_what_is_no_bundle_leaves_nothing_behind(sweep: Sweep, tmp_path: Path, what: str) -> None:
    """Foreign names, missing and broken parts and bombs are refused in a sentence; no file is made anywhere."""
    wrong = changed(sweep.to_zip(tmp_path / "boats.zip").path, HOSTILE[what])
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(JournalError, match=r"is not a whole bundle: .* Nothing was unpacked"):
        gridgen.unpack(wrong, tmp_path / "new")
    assert sorted(tmp_path.rglob("*")) == before


def test_places_and_names_are_checked_first(sweep: Sweep, tmp_path: Path) -> None:
    """A folder with files, a name that is no zip, a sweep that never ran and a file that is no zip are told apart."""
    with pytest.raises(GridError, match=r"not the name of a zip"):
        sweep.to_zip(tmp_path / "boats.html")
    packed = sweep.to_zip(tmp_path / "boats.zip")
    with pytest.raises(JournalError, match=r"not an empty folder"):
        gridgen.unpack(packed, sweep.folder)
    idle = Sweep(Grid(prompt="a"), client=sweep.client, folder=tmp_path / "idle")
    with pytest.raises(JournalError, match=r"no journal .* yet"):
        idle.to_zip(tmp_path / "idle.zip")
    (tmp_path / "text.zip").write_text("hello")
    with pytest.raises(JournalError, match=r"not a whole bundle"):
        gridgen.unpack(tmp_path / "text.zip", tmp_path / "new")
    assert not (tmp_path / "idle.zip").exists()
    assert io.BytesIO(packed.path.read_bytes()).read(2) == b"PK"


def test_no_path_of_this_machine_is_in_it(sweep: Sweep, tmp_path: Path) -> None:
    """Case A13: a rated bundle names the folder, and not where on this machine it lies."""
    packed = sweep.to_zip(tmp_path / "boats.zip")
    with zipfile.ZipFile(packed.path) as archive:
        texts = {
            name: archive.read(name) for name in archive.namelist() if not name.endswith((".mp4", ".webp"))
        }
    assert any("/ratings/" in name for name in texts)
    for place in {str(tmp_path), str(tmp_path.parent), str(sweep.folder)}:
        assert [name for name, text in texts.items() if place.encode() in text] == []


BOMBS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "takes": lambda kept: kept.update(takes=10**7),
    "takes without end": lambda kept: kept.update(takes=int("9" * 4000)),
    "takes that are none": lambda kept: kept.update(takes="many"),
    "a negative number of takes": lambda kept: kept.update(takes=-1),
    "a budget without end": lambda kept: kept.update(budget="1E+999999999"),
    "a budget that is no number": lambda kept: kept.update(budget="NaN"),
    "cells": lambda kept: kept["grid"].update(cells="0-99999999999"),
    "a product": lambda kept: kept["grid"]["axes"].update(
        {name: list(range(3000)) for name in ("seed", "mood", "duration")}
    ),
    "depth": lambda kept: kept["grid"]["axes"].update(prompt=json.loads("[" * 900 + "]" * 900)),
}


@pytest.mark.security("S10")
@pytest.mark.parametrize("what", BOMBS)
def test_bombs_are_refused_before_they_take_memory(sweep: Sweep, tmp_path: Path, what: str) -> None:
    """Case A13: a small bundle that asks for millions of clips, or for numbers without end, is refused in a sentence."""

    def change(files: dict[str, bytes]) -> None:
        kept = json.loads(files["boats/sweep.json"])
        BOMBS[what](kept)
        told(files, "sweep.json", kept)

    wrong = changed(sweep.to_zip(tmp_path / "boats.zip").path, change)
    with pytest.raises(JournalError, match=r"is not a whole bundle: .* Nothing was unpacked"):
        gridgen.unpack(wrong, tmp_path / "new")
    assert not (tmp_path / "new").exists()
