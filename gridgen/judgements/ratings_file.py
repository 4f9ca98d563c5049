"""The small file in which a reviewer of an exported page sends back ratings.

It is JSON, written by the page's script and perhaps by somebody else, so every
part of it is checked before any of it counts.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gridgen.errors import GridError, absent
from gridgen.judgements.opinion import NO_OPINION, Opinion, changed, reviewer_name
from gridgen.judgements.store import OUTCOMES, Choice, Judgement

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Mapping

    from gridgen.money import ClipKey

__all__ = ["FORMAT", "MOST_BYTES", "RatingsFile", "browser_of", "clip_name", "names_of", "read_ratings"]

FORMAT = 1
MOST_BYTES = 8_000_000
_IN_MAIL = re.compile(r"^[> \t]*(\{\"gridgen_ratings\".*)$", re.MULTILINE)
"""The one line that a page puts into a mail, which a program may quote."""
_MOST_ENTRIES = 50_000
_NAME = re.compile(r"[0-9a-f]{24}")
_TOP = {"gridgen_ratings", "page", "sweep", "reviewer", "judgements", "choices"}
_JUDGED = {"clip", "at", "stars", "pick", "tags", "note"}
_CHOSEN = {"left", "right", "outcome", "at"}
_LATEST = 2**52


@dataclass(frozen=True, slots=True)
class RatingsFile:
    """What a ratings file says, checked.

    Attributes
    ----------
    page : str
        The exported page that it was made on.
    browser : str
        The browser that it was made in, by the name that the page gave it at random;
        empty where the page is too old to give one.
    reviewer : str
    judgements : tuple
        Clip, Unix milliseconds and opinion of each.
    choices : tuple
        Left clip, right clip, outcome and Unix milliseconds of each.
    """

    page: str
    browser: str
    reviewer: str
    judgements: tuple[tuple[str, int, Opinion], ...]
    choices: tuple[tuple[str, str, str, int], ...]

    @property
    def source(self) -> str:
        """The page, and the browser where it is known: what an entry of a folder says of where it came from."""
        return f"{self.page}.{self.browser}" if self.browser else self.page

    @property
    def clips(self) -> set[str]:
        """The names of all clips that it speaks of."""
        compared = {name for left, right, _, _ in self.choices for name in (left, right)}
        return {name for name, _, _ in self.judgements} | compared

    def entries(self, known: Mapping[str, ClipKey], reviewer: str, latest: int) -> list[Judgement | Choice]:
        """Return what it says of known clips as entries of a folder.

        Parameters
        ----------
        known : mapping
            Clips by their names in pages.
        reviewer : str
            Under whose name.
        latest : int
            Unix milliseconds; what claims to be later is taken to be of then, so that
            no file outlasts what a reviewer says afterwards.
        """
        judged = [
            Judgement(0, min(at, latest), reviewer, known[clip], opinion, source=self.source)
            for clip, at, opinion in self.judgements
            if clip in known
        ]
        chosen = [
            Choice(0, min(at, latest), reviewer, known[left], known[right], outcome, source=self.source)
            for left, right, outcome, at in self.choices
            if left in known and right in known and known[left].origin == known[right].origin
        ]
        return [*judged, *chosen]


def browser_of(source: str) -> str:
    """Return the browser in an entry's source, empty where there is none."""
    return source.partition(".")[2]


def clip_name(store: str, slot: ClipKey) -> str:
    """Return the name of a clip in exported pages.

    Whoever has only the page cannot try out from it what a hidden prompt was.

    Parameters
    ----------
    store : str
        The journal's id, which is in no page.
    slot : ClipKey
    """
    return hashlib.sha256(json.dumps([store, *slot]).encode()).hexdigest()[:24]


def names_of(store: str, slots: Iterable[ClipKey]) -> dict[str, ClipKey]:
    """Return clips by their names in exported pages."""
    return {clip_name(store, slot): slot for slot in slots}


def read_ratings(path: str | os.PathLike[str]) -> RatingsFile:
    """Read and check a ratings file, or its text, with or without a mail around it.

    Raises
    ------
    GridError
        If it is none: what is wrong, and where.
    """
    is_text = isinstance(path, str) and (path.lstrip().startswith("{") or bool(_IN_MAIL.search(path)))
    try:
        text = str(path) if is_text else _text(Path(path).expanduser())
        return _checked(_json(text))
    except (ValueError, RecursionError) as error:
        why = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        if isinstance(error, GridError):
            why = "; ".join(map(str, error.problems))
        elif isinstance(error, ValueError):
            why = f"it is not JSON, as the button Download ratings of a page writes it ({error})"
        what = "the text" if is_text else repr(str(path))
        msg = f"{what} is not a ratings file of an exported page: {why}"
        raise GridError(msg, nothing="Nothing was merged.") from None


def _text(file: Path) -> str:
    try:
        if not file.is_file():
            raise GridError("it is not a plain file" if file.exists() else absent(file, "file", ".json"))
        with file.open("rb") as opened:
            data = opened.read(MOST_BYTES + 1)
    except OSError as error:
        msg = f"it cannot be read: {error.strerror}"
        raise GridError(msg) from error
    if len(data) > MOST_BYTES:
        msg = f"it has more than {MOST_BYTES // 1_000_000} MB"
        raise GridError(msg)
    return data.decode("utf-8-sig")


def _json(text: str) -> Any:
    """Return what a text says; of a mail, what the line says that the page wrote into it."""
    found = _IN_MAIL.search(text)
    return json.loads(found[1].rstrip() if found else text, parse_constant=_no_constant)


def _no_constant(name: str) -> None:
    msg = f"{name} is no number"
    raise GridError(msg)


def _checked(told: object) -> RatingsFile:
    named = isinstance(told, dict) and "browser" in told
    top = _mapping(told, _TOP | {"browser"} if named else _TOP, "it")
    if top["gridgen_ratings"] != FORMAT or isinstance(top["gridgen_ratings"], bool):
        msg = f"its format is {top['gridgen_ratings']!r:.40}, and this gridgen reads {FORMAT}"
        raise GridError(msg)
    judgements, choices = (_list(top[name], name) for name in ("judgements", "choices"))
    return RatingsFile(
        page=_name(top["page"], "page"),
        browser=_name(top["browser"], "browser") if named else "",
        reviewer=reviewer_name(top["reviewer"]),
        judgements=tuple(_judged(each, f"judgements[{at}]") for at, each in enumerate(judgements)),
        choices=tuple(_chosen(each, f"choices[{at}]") for at, each in enumerate(choices)),
    )


def _judged(told: object, where: str) -> tuple[str, int, Opinion]:
    entry = _mapping(told, _JUDGED, where)
    if not isinstance(entry["tags"], list):
        msg = f"{where}.tags is not a list"
        raise GridError(msg)
    parts = {name: entry[name] for name in ("stars", "pick", "tags", "note")}
    try:
        opinion = changed(NO_OPINION, **parts)
    except GridError as error:
        raise GridError(*(replace(each, why=f"in {where}, {each.why}") for each in error.problems)) from None
    return _name(entry["clip"], f"{where}.clip"), _moment(entry["at"], where), opinion


def _chosen(told: object, where: str) -> tuple[str, str, str, int]:
    entry = _mapping(told, _CHOSEN, where)
    left, right = (_name(entry[side], f"{where}.{side}") for side in ("left", "right"))
    if left == right:
        msg = f"{where} compares a clip with itself"
        raise GridError(msg)
    if entry["outcome"] not in OUTCOMES:
        msg = f"{where}.outcome is {entry['outcome']!r:.40}, not one of {', '.join(OUTCOMES)}"
        raise GridError(msg)
    return left, right, entry["outcome"], _moment(entry["at"], where)


def _mapping(told: object, names: set[str], where: str) -> dict[str, Any]:
    if not isinstance(told, dict) or set(told) != names:
        msg = f"{where} does not have exactly the fields {', '.join(sorted(names))}"
        raise GridError(msg)
    return told


def _list(told: object, where: str) -> list[Any]:
    if not isinstance(told, list) or len(told) > _MOST_ENTRIES:
        msg = f"{where} is not a list of at most {_MOST_ENTRIES} entries"
        raise GridError(msg)
    return told


def _name(told: object, where: str) -> str:
    if not isinstance(told, str) or not _NAME.fullmatch(told):
        msg = f"{where} is {told!r:.40}, not a name that gridgen gives"
        raise GridError(msg)
    return told


def _moment(told: object, where: str) -> int:
    if isinstance(told, bool) or not isinstance(told, int) or not 0 <= told <= _LATEST:
        msg = f"{where}.at is {told!r:.40}, not a time in milliseconds"
        raise GridError(msg)
    return told
