"""A sweep in one zip: page, clips, table, journal and ratings, to open elsewhere as the same sweep.

What is unpacked may come from anybody. Names are checked before a file is made,
sizes before it is read, and nothing of it is at its place before all of it is.
"""

from __future__ import annotations

import json
import re
import secrets
import shutil
import tempfile
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gridgen.calls import explained
from gridgen.client.download import LARGEST_FILE
from gridgen.errors import GridError, GridgenError, JournalError, absent
from gridgen.file_links import file_link
from gridgen.gallery.layout import sheet_axes, sides
from gridgen.grid.images import PICTURES
from gridgen.journal import is_inside, restore
from gridgen.judgements.ratings import clip_names
from gridgen.judgements.ratings_file import FORMAT as RATINGS_FORMAT
from gridgen.judgements.ratings_file import browser_of
from gridgen.share.page import sized, zipped
from gridgen.share.page_data import ExportOptions, known
from gridgen.sweep import open as open_sweep
from gridgen.sweep.reopen import SWEEP_FILE

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Iterator, Mapping

    from gridgen.journal import Row
    from gridgen.judgements.store import RatingLog
    from gridgen.sweep import Sweep

__all__ = ["Bundle", "pack", "unpack"]

MANIFEST, JOURNAL, TABLE = "gridgen.json", "journal.jsonl", "sweep.csv"
KIND, FORMAT = "gridgen bundle", 1

_PICTURE = re.compile(r"[0-9a-f]{32}\.[a-z]{3,4}")
_MEDIA = frozenset({".mp4", ".webm", ".mkv", ".webp", ".png", ".jpg", ".gif"})
_LARGEST_TEXT = 2**28
"""Bytes of the largest part of a bundle that is no clip."""

_MOST_FILES = 2_000_000
_ROOM = 2**26
_MOST_PACKED = 20
"""How many times larger what is in a zip may be than the zip; clips hardly shrink, and bombs do."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """A sweep that was packed.

    Attributes
    ----------
    path : Path
        The zip.
    clips : int
        Videos in it.
    bytes : int
        Its size.
    """

    path: Path
    clips: int
    bytes: int

    def __fspath__(self) -> str:
        return str(self.path)

    def __repr__(self) -> str:
        return f"Bundle({self.path.name!r}: {sized(self.clips, self.bytes)})"

    def _repr_html_(self) -> str:
        return file_link(self.path, sized(self.clips, self.bytes))


def pack(sweep: Sweep, path: str | os.PathLike[str]) -> Bundle:
    """Pack a sweep; arguments and errors as in `Sweep.to_zip`."""
    target = Path(path).expanduser()
    if target.suffix.lower() != ".zip":
        msg = f"{str(path)!r} is not the name of a zip; a bundle is one, such as 'boats.zip'"
        raise GridError(msg, nothing="Nothing was written.")
    found = known(
        sweep,
        range(len(sweep.rows())),
        sides(sheet_axes(sweep), None, None),
        "",
        ExportOptions(cost=True, originals=True),
    )
    found.told["page"] = {"id": secrets.token_hex(12), "sweep": found.told["snapshot"]["name"]}
    # a clip that is its own preview has two names in the page, and is one file of the sweep
    folder = sweep.folder.resolve()
    names = {file.relative_to(folder).as_posix(): name for name, file in found.files.items()}
    for name in _further(sweep.rows(), folder):
        names[name] = f"further-{name}"
        found.files[names[name]] = folder / name
    told = {"kind": KIND, "format": FORMAT, "files": names}
    with tempfile.TemporaryDirectory() as place:
        journal = sweep.snapshot(Path(place) / JOURNAL).read_bytes()
    more = {MANIFEST: _json(told), JOURNAL: journal, **_beside(sweep.folder), **_ratings(sweep)}
    try:
        zipped(target, found, more)
    except OSError as error:
        msg = f"the bundle {str(path)!r} cannot be written: {error.strerror or error}. What was there is as it was."
        raise GridgenError(msg) from error
    clips = sum(row.path in names for row in sweep.rows())
    return Bundle(target, clips, target.stat().st_size)


@explained({"unpack": "sweep = gridgen.unpack('boats.zip')"})
def unpack(path: str | os.PathLike[str], folder: str | os.PathLike[str] | None = None) -> Sweep:
    """Unpack a bundle, and open the sweep that it holds: same table, same clips, same ratings.

    Nothing is sent and no key is needed. With a client, ``gridgen.open(folder,
    client=...)`` goes on where the sweep stood; clips whose answer was lost stay as
    unknown as they were.

    Parameters
    ----------
    path : str or path
        As written by `Sweep.to_zip`.
    folder : str or path, optional
        Where to; by default one named after the zip, where Python works.

    Returns
    -------
    Sweep

    Raises
    ------
    JournalError
        If the file is no bundle, or damaged, or holds what a bundle does not; or if
        the folder holds files already. Nothing is left behind.
    """
    source = Path(path).expanduser()
    if not source.exists():
        msg = f"{absent(source, 'file', '.zip')}. Nothing was unpacked."
        raise JournalError(msg)
    target = Path(source.stem if folder is None else folder).expanduser().absolute()
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        msg = f"{str(target)!r} is not an empty folder. Unpack into another one: unpack({str(source)!r}, 'elsewhere')."
        raise JournalError(msg)
    target.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    try:
        _unpack(source, work)
        if target.exists():
            target.rmdir()
        work.rename(target)
    except (
        OSError,
        zipfile.BadZipFile,
        GridgenError,
        ValueError,
        LookupError,
        TypeError,
        AttributeError,
        ArithmeticError,
        EOFError,
        RuntimeError,
        MemoryError,
        zlib.error,
    ) as error:
        why = str(error) if isinstance(error, GridgenError) else f"{error}."
        msg = f"{str(source)!r} is not a whole bundle: {why} Nothing was unpacked."
        raise JournalError(msg) from error
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return open_sweep(target)


def _further(rows: Iterable[Row], folder: Path) -> Iterator[str]:
    """Yield the files of what tasks brought beside their first videos; links of what could not be had are none."""
    told = (name for row in rows for name in (row.last_frame, *(row.further or "").split()) if name)
    for name in told:
        if is_inside(name) and (folder / name).is_file() and not (folder / name).is_symlink():
            yield name


def _json(told: Any) -> bytes:
    return json.dumps(told, ensure_ascii=False, indent=1).encode()


def _beside(folder: Path) -> dict[str, bytes]:
    """Return what lies in a sweep's folder beside its clips and the journal."""
    files = [folder / SWEEP_FILE, folder / TABLE, *sorted((folder / PICTURES).glob("*"))]
    return {
        file.relative_to(folder).as_posix(): file.read_bytes()
        for file in files
        if file.is_file()
        and not file.is_symlink()
        and (file.parent == folder or _PICTURE.fullmatch(file.name))
    }


def _ratings(sweep: Sweep) -> dict[str, bytes]:
    """Return what each reviewer says, as a ratings file of an exported page would."""
    book, names = sweep.internals.judgements.book, clip_names(sweep)
    clips = {sweep.internals.slot(row): name for row, name in zip(sweep.rows(), names, strict=True)}
    found: dict[str, tuple[list[Any], list[Any]]] = {}
    for slot, opinions in book.opinions.items():
        for reviewer, said in opinions.items():
            if slot in clips:
                told = {"stars": said.stars, "pick": said.pick, "tags": list(said.tags), "note": said.note}
                entry = {"clip": clips[slot], "at": book.moment(slot, reviewer), **told}
                found.setdefault(reviewer, ([], []))[0].append(entry)
    for each in book.counted:
        if each.left in clips and each.right in clips:
            pair = {"left": clips[each.left], "right": clips[each.right]}
            found.setdefault(each.reviewer, ([], []))[1].append(
                {**pair, "outcome": each.outcome, "at": each.at}
            )
    browsers = _browsers(book)
    return {
        f"ratings/{at}.json": _json(
            {
                "gridgen_ratings": RATINGS_FORMAT,
                "page": secrets.token_hex(12),
                **({"browser": browsers[reviewer]} if reviewer in browsers else {}),
                "sweep": sweep.folder.name,
                "reviewer": reviewer,
                "judgements": judged,
                "choices": chosen,
            }
        )
        for at, (reviewer, (judged, chosen)) in enumerate(sorted(found.items()))
    }


def _browsers(book: RatingLog) -> dict[str, str]:
    """Return the browser of each reviewer who judged in one alone, so that a later file is still known as theirs."""
    found = {reviewer: set(map(browser_of, sources)) for reviewer, sources in book.sources.items()}
    return {reviewer: min(names) for reviewer, names in found.items() if len(names) == 1 and "" not in names}


class _Archive:
    """A bundle that is read; everything in it lies in one folder."""

    def __init__(self, archive: zipfile.ZipFile, size: int) -> None:
        self._archive = archive
        entries = archive.infolist()
        self._entries = {entry.filename: entry for entry in entries}
        if len(entries) > _MOST_FILES:
            msg = f"it holds {len(entries):,} files"
            raise ValueError(msg)
        if sum(entry.file_size for entry in entries) > _MOST_PACKED * size + _ROOM:
            msg = "it is packed more tightly than clips can be"
            raise ValueError(msg)
        tops = [name for name in self._entries if name.count("/") == 1 and name.endswith(f"/{MANIFEST}")]
        if len(tops) != 1:
            msg = f"there is no {MANIFEST} in it"
            raise ValueError(msg)
        self._top = tops[0].removesuffix(MANIFEST)

    def under(self, folder: str) -> Iterator[str]:
        """Yield the names of what lies in a folder of it."""
        start = f"{self._top}{folder}/"
        return (name.removeprefix(start) for name in self._entries if name.startswith(start))

    def __contains__(self, name: str) -> bool:
        return self._top + name in self._entries

    def copy(self, name: str, to: Path, *, most: int = _LARGEST_TEXT) -> Path:
        """Copy one file out of it."""
        entry = self._entries[self._top + name]
        if entry.file_size > most:
            msg = f"{name[:80]!r} has {entry.file_size} bytes, more than {most}"
            raise ValueError(msg)
        to.parent.mkdir(mode=0o700, exist_ok=True)
        with self._archive.open(entry) as file, to.open("xb") as copied:
            shutil.copyfileobj(file, copied)
        return to


def _unpack(source: Path, work: Path) -> None:
    with zipfile.ZipFile(source) as opened:
        archive = _Archive(opened, source.stat().st_size)
        told = json.loads(archive.copy(MANIFEST, work / MANIFEST).read_bytes())
        (work / MANIFEST).unlink()
        for file, name in _files(told).items():
            archive.copy(f"media/{name}", work / file, most=LARGEST_FILE)
        for name in archive.under(PICTURES):
            if not _PICTURE.fullmatch(name):
                msg = f"{name[:80]!r} is not the name of a picture"
                raise ValueError(msg)
            archive.copy(f"{PICTURES}/{name}", work / PICTURES / name)
        for name in (SWEEP_FILE, TABLE):
            if name in archive:
                archive.copy(name, work / name)
        restore(archive.copy(JOURNAL, work / JOURNAL), work)
        (work / JOURNAL).unlink()
        _merge(archive, work)


def _files(told: Mapping[str, Any]) -> dict[str, str]:
    """Return the files to be made, and what each is called in the bundle, as its manifest says, having checked it."""
    if told["kind"] != KIND or type(told["format"]) is not int:
        msg = f"its {MANIFEST} is of another kind"
        raise ValueError(msg)
    if told["format"] > FORMAT:
        msg = f"it is of a newer gridgen (format {told['format']}; this one reads {FORMAT}): pip install --upgrade gridgen"
        raise ValueError(msg)
    files: dict[str, str] = dict(told["files"])
    for name in (*files, *files.values()):
        if not is_inside(name) or Path(name).suffix not in _MEDIA:
            msg = f"{name[:80]!r} is not the name of a clip or a poster"
            raise ValueError(msg)
    return files


def _merge(archive: _Archive, work: Path) -> None:
    """Take in what the reviewers say."""
    sweep = open_sweep(work)
    with tempfile.TemporaryDirectory() as folder:
        for at, name in enumerate(sorted(archive.under("ratings"))):
            file = archive.copy(f"ratings/{name}", Path(folder) / f"{at}.json")
            reviewer = json.loads(file.read_bytes())["reviewer"]
            sweep.ratings.merge(file, reviewer=reviewer)
