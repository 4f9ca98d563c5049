"""What reviewers said of a sweep's clips, as tables, and the ways to add to it."""

from __future__ import annotations

import getpass
import html
import itertools
import math
import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from gridgen.calls import explained
from gridgen.clock import Clock
from gridgen.errors import GridError
from gridgen.journal import store_id
from gridgen.judgements.agreement import Agreement, agreement
from gridgen.judgements.opinion import (
    LONGEST_NAME,
    NO_OPINION,
    UNCHANGED,
    notes_of,
    reviewer_name,
    seen_name,
)
from gridgen.judgements.ratings_file import browser_of, clip_name, names_of, read_ratings
from gridgen.judgements.store import Choice, Judgement
from gridgen.money import without_mathematics
from gridgen.states import State

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from types import EllipsisType

    import pandas as pd

    from gridgen.judgements.opinion import Opinion
    from gridgen.judgements.ratings_file import RatingsFile
    from gridgen.judgements.store import RatingLog
    from gridgen.money import ClipKey
    from gridgen.sweep import Sweep

__all__ = ["Merged", "Ratings", "me"]

_NOTHING = "Nothing was noted."


def me() -> str:
    """Return the reviewer that a notebook speaks for when none is named: the user of the hub or of the system."""
    try:
        return reviewer_name(os.environ.get("JUPYTERHUB_USER") or getpass.getuser())
    except (OSError, KeyError, ImportError, GridError):
        return "me"


@dataclass(frozen=True, slots=True)
class Merged:
    """What came of merging a ratings file.

    Attributes
    ----------
    reviewer : str
    judgements, choices : int
        New ones.
    known : int
        Those that had been merged before.
    foreign : int
        Clips in the file that this sweep does not have.
    agreement : Agreement
        Of all reviewers, with the file's.
    """

    reviewer: str
    judgements: int
    choices: int
    known: int
    foreign: int
    agreement: Agreement

    def __repr__(self) -> str:
        parts = [
            f"{self.judgements} judgements and {self.choices} choices by {self.reviewer!r}",
            f"{self.known} known already" if self.known else "",
            f"{self.foreign} clips are not in this sweep" if self.foreign else "",
            str(self.agreement),
        ]
        return f"Merged({'; '.join(filter(None, parts))})"


@explained({"rate": "sweep.ratings.rate(0, stars=4)", "merge": "sweep.ratings.merge('boats-ratings.json')"})
class Ratings:
    """What reviewers said of a sweep's clips.

    Of each reviewer the latest word on a clip counts; nothing is ever overwritten.
    It is kept in `judgements.sqlite` in the sweep's folder, beside the journal, so
    any process may add to it, also while another one runs the sweep.

    Parameters
    ----------
    sweep : Sweep
    """

    def __init__(self, sweep: Sweep) -> None:
        self._sweep = sweep
        self._rows = sweep.rows()
        self._index = {sweep.internals.slot(row): row.index for row in self._rows}

    def __repr__(self) -> str:
        judged = [
            opinions for slot, opinions in self._book.opinions.items() if opinions and slot in self._index
        ]
        names = {name for opinions in judged for name in opinions}
        return f"Ratings({len(judged)} of {len(self._rows)} clips judged, by {', '.join(sorted(names)) or 'nobody'})"

    @without_mathematics
    def _repr_html_(self) -> str:
        return f"<div><p>{html.escape(repr(self))}</p>{self.df.to_html(index=False, escape=True)}</div>"

    @property
    def reviewers(self) -> tuple[str, ...]:
        """Everybody who judged or compared a clip of this sweep."""
        judged = {each.reviewer for each in self._book.judgements if each.slot in self._index}
        chose = {each.reviewer for each in self._book.choices if each.left in self._index}
        return tuple(sorted(judged | chose))

    @property
    def df(self) -> pd.DataFrame:
        """What counts: one row per clip and reviewer, and one more for each further note.

        Columns: ``row`` (of `Sweep.df`), ``reviewer``, ``rating`` (0 to 5), ``pick``
        (True picked, False rejected), ``tags``, ``note``, ``at`` (seconds into the clip that
        the note is about, NaN for all of it), ``when`` (UTC), ``cell``, ``take``. In the row of
        a further note ``rating``, ``pick`` and ``tags`` are empty, so that none counts twice.
        """
        latest: dict[tuple[ClipKey, str], Judgement] = {}
        for each in sorted(self._book.judgements, key=lambda entry: (entry.at, entry.id)):
            latest[each.slot, each.reviewer] = each
        kept = [each for each in latest.values() if each.reviewer in self._book.opinions.get(each.slot, {})]
        return self._table(kept).drop(columns=["undone", "source"])

    @property
    def history(self) -> pd.DataFrame:
        """Every entry in the order in which it came, those taken back and those that took back too.

        Columns as in `df`, then ``undone`` (whether it was taken back) and ``source``
        (the exported page that it came from, and after a dot the browser; empty when
        it was made here).
        """
        return self._table(self._book.judgements)

    @property
    def agreement(self) -> Agreement:
        """How far the reviewers agree."""
        return agreement(opinions for slot, opinions in self._book.opinions.items() if slot in self._index)

    @property
    def _book(self) -> RatingLog:
        return self._sweep.internals.judgements.book

    def rate(
        self,
        rows: Any,
        *,
        stars: int | EllipsisType | None = UNCHANGED,
        pick: bool | EllipsisType | None = UNCHANGED,
        tags: str | Iterable[str] | EllipsisType | None = UNCHANGED,
        note: str | EllipsisType | None = UNCHANGED,
        reviewer: str | None = None,
    ) -> None:
        """Note what a reviewer says of clips; what is left out stays as it was.

        It is on the disk when this returns, in `Sweep.df` and on every open wall of this
        sweep at once. It also works while the sweep runs, here or in another process.

        Parameters
        ----------
        rows : int, Row, Series, DataFrame, or several of them
            A row of `df` by its index, or a table such as ``sweep.df.query("size == '9:16'")``.
            Tables are read by their columns ``cell`` and ``take``, else by ``row``, so
            they may be sorted, renumbered or come from a file; gridgen's own tables
            (`Rounds.ranking`, `Ratings.df`, `costs`) can be given as they are. One with
            cells and no takes, as a ranking, means the takes that have a clip; all
            takes of a cell that has none.
        stars : int, optional
            0 to 5; None takes the rating back.
        pick : bool, optional
            True to pick, False to reject, None for neither.
        tags : str or iterable of str, optional
            In place of those that it has; a string is split at its commas.
        note : str, optional
            At most 2,000 characters. A line such as ``0:02.4 the hand melts`` is a note
            at that moment of the clip.
        reviewer : str, optional
            Who says so; by default the user of the hub or of the system.

        Raises
        ------
        GridError
            If a value or a row is wrong. Nothing is noted.
        JournalError
            If the folder cannot be written.
        """
        chosen = self._sweep.internals.chosen(rows, usable={State.DONE}, nothing=_NOTHING)
        skipped = next((row for row in chosen if row.status == State.SKIPPED), None)
        if skipped is not None:
            msg = f"row {skipped.index} is skipped ({skipped.error}); there is no clip to judge"
            raise GridError(msg, nothing=_NOTHING)
        slots = [self._sweep.internals.slot(row) for row in chosen]
        name = me() if reviewer is None else reviewer_name(reviewer)
        said = {"stars": stars, "pick": pick, "tags": tags, "note": note}
        self._sweep.internals.rejudge(self._sweep.internals.judgements.judge(slots, name, **said))

    def undo(self, reviewer: str | None = None) -> bool:
        """Take back the latest word of a reviewer, by one more entry; return whether there was one.

        What was merged from a page is not taken back so.
        """
        name = me() if reviewer is None else reviewer_name(reviewer)
        touched = self._sweep.internals.judgements.undo(name)
        self._sweep.internals.rejudge(touched)
        return bool(touched)

    def merge(self, path: str | os.PathLike[str], *, reviewer: str | None = None) -> Merged:
        """Take in the file that a reviewer downloaded from an exported page.

        The same file may be merged again, and a later one of the same page: what is
        known already is passed over. Two files of one name from two browsers are of
        two people unless `reviewer` says otherwise: the second is ``anna 2``.

        Parameters
        ----------
        path : str or path
            The file, or the text that the page offers in its place.
        reviewer : str, optional
            In place of the name in the file; needed where that name has judged here
            as well, so that nobody is spoken for by mistake.

        Returns
        -------
        Merged
            What was new, and how far the reviewers agree.

        Raises
        ------
        GridError
            If it is no such file, or about none of these clips. Nothing is merged.
        """
        told = read_ratings(path)
        known = names_of(store_id(self._sweep.folder), self._index)
        foreign = told.clips - known.keys()
        if told.clips and foreign == told.clips:
            msg = (
                f"{str(path)!r:.80} is about {len(told.clips)} clips, none of which is in this sweep; "
                "merge it into the sweep that its page was exported from"
            )
            raise GridError(msg, nothing="Nothing was merged.")
        name = self._author(told, reviewer)
        entries = told.entries(known, name, round(Clock().time() * 1000))
        new, touched = self._sweep.internals.judgements.append(entries)
        self._sweep.internals.rejudge(touched)
        known_before = len(entries) - new.total()
        return Merged(name, new[Judgement], new[Choice], known_before, len(foreign), self.agreement)

    def _author(self, told: RatingsFile, given: str | None) -> str:
        """Return under whose name a file goes: nobody is spoken for unasked."""
        if given is not None:
            return reviewer_name(given)
        name = told.reviewer
        sources = self._book.sources
        if "" in sources.get(name, ()):
            msg = (
                f"the file is by {name!r}, who has judged here as well. If that is the same person, "
                f"say ratings.merge(..., reviewer={name!r}); else give another name"
            )
            raise GridError(msg, nothing="Nothing was merged.")
        return _apart(name, told.browser, sources) if told.browser else name

    def _table(self, entries: Iterable[Judgement]) -> pd.DataFrame:
        import pandas as pd

        undone = {each.undoes for each in self._book.judgements}
        lines = [line for each in entries if each.slot in self._index for line in _lines(each)]
        shown, said = [each for each, _, _ in lines], [opinion for _, opinion, _ in lines]
        return pd.DataFrame(
            {
                "row": pd.array([self._index[each.slot] for each in shown], dtype="int64"),
                "reviewer": pd.array([each.reviewer for each in shown], dtype="str"),
                "rating": pd.array([each.stars for each in said], dtype="Int64"),
                "pick": pd.array([each.pick for each in said], dtype="boolean"),
                "tags": pd.array([", ".join(each.tags) or None for each in said], dtype="string"),
                "note": pd.array([each.note or None for each in said], dtype="string"),
                "at": pd.array([at for _, _, at in lines], dtype="float64"),
                "when": pd.to_datetime(
                    pd.Series([each.at for each in shown], dtype="int64"), unit="ms", utc=True
                ).dt.as_unit("us"),
                "cell": pd.array([each.slot.cell for each in shown], dtype="str"),
                "take": pd.array([each.slot.take for each in shown], dtype="int64"),
                "undone": pd.array([each.id in undone for each in shown], dtype="bool"),
                "source": pd.array([each.source for each in shown], dtype="str"),
            }
        )


def _lines(entry: Judgement) -> list[tuple[Judgement, Opinion, float]]:
    """Return an entry once for each note in it, of which the first has all else, and the moment of each."""
    (at, text), *further = notes_of(entry.opinion.note) or [(None, "")]
    return [
        (entry, replace(opinion, note=note), math.nan if moment is None else moment)
        for opinion, moment, note in [
            (entry.opinion, at, text),
            *((NO_OPINION, *each) for each in further),
        ]
    ]


def _apart(name: str, browser: str, sources: Mapping[str, Iterable[str]]) -> str:
    """Return a reviewer's name, with a number where others have it, none of whom judged in the same browser."""
    browsers: dict[str, set[str]] = {}
    for other, found in sources.items():
        browsers.setdefault(seen_name(other), set()).update(map(browser_of, found))
    numbers = (f" {number}" for number in itertools.count(2))
    names = (f"{name[: LONGEST_NAME - len(number)].rstrip()}{number}" for number in numbers)
    return next(
        each
        for each in (name, *itertools.islice(names, len(sources)))
        if browser in browsers.get(seen_name(each), {browser})
    )


def clip_names(sweep: Sweep) -> list[str]:
    """Return the name of each row's clip in exported pages."""
    store = store_id(sweep.folder)
    return [clip_name(store, sweep.internals.slot(row)) for row in sweep.rows()]
