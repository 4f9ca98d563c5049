"""A page with the wall on it that opens from the disk, offline, with no Python behind it."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import math
import secrets
import shutil
import zipfile
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gridgen.atomic import write_atomically
from gridgen.errors import GridError, GridgenError
from gridgen.file_links import file_link
from gridgen.gallery.layout import sheet_axes, sides
from gridgen.gallery.script import script, style
from gridgen.share.heading import Heading, missing
from gridgen.share.page_data import ExportOptions, PageData, known
from gridgen.states import State
from gridgen.sweep.table import OTHER_FILES

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Mapping

    from gridgen.sweep import Sweep

__all__ = ["Page", "sized", "to_html", "zipped"]

MARK = "made-by-gridgen.txt"
"""Lists, in a folder of media, the files that may be deleted by the next export to the same place."""

_INDEX = "index.html"
_AROUND = 400
"""Bytes around a file that a page holds in itself, its name among them, and some to spare."""


@dataclass(frozen=True, slots=True)
class Page:
    """A page that was exported.

    Attributes
    ----------
    path : Path
        The page, or the zip that it is in.
    folder : Path, optional
        The media beside it, without which it shows no clip; None for a page or a zip
        that has all in itself.
    clips : int
        How many it shows.
    bytes : int
        Size of all of it.
    """

    path: Path
    folder: Path | None
    clips: int
    bytes: int

    def __fspath__(self) -> str:
        return str(self.path)

    def __repr__(self) -> str:
        return f"Page({self.path.name!r}{self._with_folder()}: {sized(self.clips, self.bytes)})"

    def _repr_html_(self) -> str:
        return file_link(self.path, f"{sized(self.clips, self.bytes)}{self._with_folder()}")

    def _with_folder(self) -> str:
        return f" with the folder {self.folder.name!r}" if self.folder else ""


def sized(clips: int, size: int) -> str:
    """Say how many clips there are in so many bytes."""
    return f"{clips} {'clip' if clips == 1 else 'clips'}, {size / 1e6:.1f} MB"


def to_html(
    sweep: Sweep,
    path: str | os.PathLike[str],
    *,
    rows: str | Iterable[str] | None,
    cols: str | Iterable[str] | None,
    view: str,
    clips: Any,
    shown: ExportOptions,
    limit: int,
    lead: Heading | None = None,
) -> Page:
    """Write a page; arguments and errors as in `Sweep.to_html`."""
    target = Path(path).expanduser()
    if target.suffix.lower() in OTHER_FILES - {".html", ".htm", ".zip"} and not target.is_dir():
        msg = f"{str(path)!r} is the name of another kind of file; a page is 'boats.html', 'boats.zip' or a folder"
        raise GridError(msg, nothing="Nothing was written.")
    given = (
        sweep.rows()
        if clips is None
        else sweep.internals.chosen(clips, usable={State.DONE}, nothing="Nothing was written.")
    )
    chosen = sorted(row.index for row in given)
    if not chosen:
        msg = "there is no clip to show: clips= names none"
        raise GridError(msg, nothing="Nothing was written.")
    laid = sides(sheet_axes(sweep), rows, cols)
    found = _entitled(
        known(sweep, chosen, laid, view, replace(shown, originals=shown.originals is not False)), lead
    )
    if shown.originals is None and _about(found) > limit:
        found = _entitled(known(sweep, chosen, laid, view, replace(shown, originals=False)), lead)
    try:
        return _write(target, found, limit, len(chosen))
    except OSError as error:
        msg = f"the page {str(path)!r} cannot be written: {error.strerror or error}. What was there is as it was, or lacks media."
        raise GridgenError(msg) from error


def _entitled(found: PageData, lead: Heading | None) -> PageData:
    """Give a page its name, its heading and its address for ratings."""
    snapshot = found.told["snapshot"]
    found.lead = lead or Heading()
    found.told["page"] = {
        "id": secrets.token_hex(12),
        "sweep": snapshot["name"],
        "send_to": found.lead.send_to,
    }
    snapshot["name"] = found.lead.title or snapshot["name"]
    return found


def _about(found: PageData) -> int:
    """Return the bytes that a page with all in itself has, or a few more."""
    return len(render(found, {}).encode()) + math.ceil(found.bytes * 4 / 3) + _AROUND * len(found.files)


def _write(target: Path, found: PageData, limit: int, clips: int) -> Page:
    if target.suffix.lower() == ".zip":
        zipped(target, found, {})
        return Page(target, None, clips, target.stat().st_size)
    if target.suffix.lower() not in {".html", ".htm"}:
        folder = _clear(target / "media")
        return _beside(target / _INDEX, folder, found, clips)
    whole = (
        render(found, {name: file.read_bytes() for name, file in found.files.items()})
        if _fits(found, limit)
        else ""
    )
    if whole and len(whole.encode()) <= limit:
        _remove(_neighbour(target))
        _replace(target, whole)
        return Page(target, None, clips, target.stat().st_size)
    return _beside(target, _clear(_neighbour(target)), found, clips)


def _fits(found: PageData, limit: int) -> bool:
    return found.bytes * 4 / 3 <= limit


def _neighbour(target: Path) -> Path:
    return target.with_name(f"{target.stem}_files")


def _beside(target: Path, folder: Path, found: PageData, clips: int) -> Page:
    """Write a page whose media lie in a folder beside it."""
    for name, file in found.files.items():
        shutil.copyfile(file, folder / name)
    (folder / MARK).write_text("\n".join([*found.files, ""]), "utf-8")
    found.told["snapshot"]["folder"] = folder.name
    _replace(target, render(found, {}))
    return Page(target, folder, clips, target.stat().st_size + found.bytes)


def zipped(target: Path, found: PageData, more: Mapping[str, bytes]) -> None:
    """Write a page, its media and more files into a zip, in a folder of the zip's name.

    Raises
    ------
    OSError
        If it cannot be written; what was there is as it was.
    """
    stem = target.stem
    found.told["snapshot"]["folder"] = "media"
    page = render(found, {})
    target.parent.mkdir(parents=True, exist_ok=True)
    with write_atomically(target, shared=True) as part, zipfile.ZipFile(part, "w") as archive:
        archive.writestr(f"{stem}/{_INDEX}", page, zipfile.ZIP_DEFLATED)
        for name, source in found.files.items():
            entry = zipfile.ZipInfo.from_file(source, f"{stem}/media/{name}")
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, source.read_bytes())
        for name, data in more.items():
            archive.writestr(f"{stem}/{name}", data, zipfile.ZIP_DEFLATED)


def _clear(folder: Path) -> Path:
    """Return an empty folder for media; what an earlier export left there goes, so that nothing hidden since stays.

    Raises
    ------
    GridError
        If it holds what no export put there.
    """
    _remove(folder)
    if folder.exists() and any(folder.iterdir()):
        msg = f"the folder {str(folder)!r} holds files that no export put there; give another path"
        raise GridError(msg, nothing="Nothing was written.")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _remove(folder: Path) -> None:
    """Delete what an earlier export put into a folder, and the folder if that was all."""
    mark = folder / MARK
    if folder.is_symlink() or not mark.is_file():
        return
    for name in mark.read_text("utf-8").splitlines():
        if name and name == Path(name).name:
            (folder / name).unlink(missing_ok=True)
    mark.unlink()
    if not any(folder.iterdir()):
        folder.rmdir()


def _replace(target: Path, text: str) -> None:
    """Write a file as a whole, or not at all."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with write_atomically(target, shared=True) as part:
        part.write_text(text, encoding="utf-8")


def render(found: PageData, files: Mapping[str, bytes]) -> str:
    """Return the page's HTML.

    Nothing but its own script and style runs in it, and nothing is fetched but what
    lies beside it: its policy allows them by their hashes.

    Parameters
    ----------
    found : PageData
    files : mapping
        Media that the page holds in itself, by their names.
    """
    told = found.told
    sheet = f"{style()}\n{resources.files('gridgen.share').joinpath('page.css').read_text('utf-8')}"
    program = script("page")
    own = "" if told["snapshot"]["folder"] is None else "'self' "
    media = f"{own}data: blob:"
    policy = (
        f"default-src 'none'; script-src {_hash(program)}; style-src {_hash(sheet)}; "
        f"img-src {media}; media-src {media}; base-uri 'none'; form-action 'none'"
    )
    held = "\n".join(
        f'<script type="application/octet-stream" id="file:{html.escape(name)}">{base64.b64encode(data).decode()}</script>'
        for name, data in files.items()
    )
    name = str(told["snapshot"]["name"])
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="referrer" content="no-referrer">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="gridgen">
<title>{html.escape(name)}</title>
<style>{sheet}</style>
</head>
<body>
<noscript dir="ltr">This page plays {len(told["snapshot"]["tiles"])} clips side by side. That takes JavaScript, all of which is in the page: allow it to run; in JupyterLab by the button Trust HTML. The preview of a mail or of a phone runs none: save this file and open it in a browser.</noscript>
{found.lead.html(name)}
{missing(told["snapshot"]["folder"])}<div id="gridgen-wall"></div>
<script type="application/json" id="gridgen-known">{_json(told)}</script>
{held}
<script type="module">{program}</script>
</body>
</html>
"""


def _json(told: Mapping[str, Any]) -> str:
    """Return JSON that no text in it can end the element of."""
    return json.dumps(told, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")


def _hash(text: str) -> str:
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return f"'sha256-{digest}'"
