"""Blind rounds: two clips side by side, what they are hidden, and the ranking that follows."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Any

from gridgen.errors import GridError
from gridgen.judgements.opinion import reviewer_name
from gridgen.judgements.ratings import me
from gridgen.judgements.store import OUTCOMES
from gridgen.money import without_mathematics
from gridgen.states import State

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    import numpy as np
    import pandas as pd

    from gridgen.gallery import Gallery
    from gridgen.journal import Row
    from gridgen.judgements.ranking import Fit, Floats, Integers
    from gridgen.judgements.store import Choice
    from gridgen.sweep import Sweep

__all__ = ["Rounds"]

_NOTHING = "Nothing was noted."


class Rounds:
    """Blind comparisons of a sweep's clips, kept in its folder by reviewer.

    In a notebook it shows two clips in step on sides drawn by lot, with keys to
    choose; `next` and `choose` do the same from Python. `ranking` says which cell,
    or which value of an axis, wins, and how sure that is.

    Parameters
    ----------
    sweep : Sweep
    rows : optional
        Which finished clips take part, as in `Ratings.rate`; all by default.
    reviewer : str, optional
        Who chooses.
    seed : int, default 0
        Fixes the sides and, among pairs that tell as much, the pair.

    Raises
    ------
    GridError
        If a row is wrong, or fewer than two different cells have a clip.
    """

    def __init__(self, sweep: Sweep, rows: Any = None, *, reviewer: str | None = None, seed: int = 0) -> None:
        given = (
            sweep.rows()
            if rows is None
            else sweep.internals.chosen(rows, usable={State.DONE}, nothing=_NOTHING)
        )
        self.sweep, self.seed = sweep, seed
        self.reviewer = me() if reviewer is None else reviewer_name(reviewer)
        self.rows = tuple(row for row in given if row.status == State.DONE)
        if len({row.cell.key for row in self.rows}) < 2:  # noqa: PLR2004 - a pair
            msg = "blind rounds need finished clips of at least two different cells; run() the sweep first"
            raise GridError(msg)
        self._first = tuple({row.cell.key: row for row in reversed(self.rows)}.values())[::-1]
        self._item = {row.cell.key: item for item, row in enumerate(self._first)}
        self._pair: tuple[int, Row, Row] | None = None
        self._shown: Gallery | None = None

    def __repr__(self) -> str:
        made = self.choices
        mine = sum(choice.reviewer == self.reviewer for choice in made)
        return f"Rounds({len(self._first)} cells, {len(made)} choices, {mine} of them by {self.reviewer!r})"

    def _repr_mimebundle_(self, **options: Any) -> Any:
        from gridgen.gallery import Gallery

        self._shown = Gallery(self.sweep, reviewer=self.reviewer, rounds=self)
        return {
            **self._shown._repr_mimebundle_(**options),
            "text/plain": repr(self),
            "text/html": self._repr_html_(),
        }

    def _display_(self) -> Any:
        """Return what marimo shows."""
        from gridgen.gallery import Gallery

        self._shown = Gallery(self.sweep, reviewer=self.reviewer, rounds=self)
        return self._shown._display_()

    def _ipython_display_(self) -> None:
        bundle = self._repr_mimebundle_()
        if self._shown is not None:
            self._shown.wall.picture.show(bundle)

    @without_mathematics
    def _repr_html_(self) -> str:
        return f"<div><p>{html.escape(repr(self))}</p></div>"

    @property
    def choices(self) -> list[Choice]:
        """The choices that count, by all reviewers, between clips of different cells that take part.

        Skipped pairs and what was taken back are not among them.
        """
        self.sweep.rows()
        return [
            choice
            for choice in self.sweep.internals.judgements.book.counted
            if choice.outcome != "skip"
            and {choice.left[1], choice.right[1]} <= self._item.keys()
            and choice.left[1] != choice.right[1]
        ]

    def next(self) -> tuple[Row, Row]:
        """Return the left and the right clip of the next round, the same until one is chosen.

        It is the pair whose outcome is expected to narrow the ranking most.
        """
        made = len(self.sweep.internals.judgements.book.choices)
        if self._pair is None or self._pair[0] != made:
            self._pair = (made, *self._draw(made))
        return self._pair[1:]

    def choose(self, outcome: str) -> None:
        """Note what came of the pair that `next` returned: ``"left"``, ``"right"``, ``"tie"`` or ``"skip"``.

        Raises
        ------
        GridError
            If it is none of these.
        """
        left, right = self.next()
        self.note(left, right, outcome)

    def note(self, left: Any, right: Any, outcome: str) -> None:
        """Note what came of any two rows of the sweep, given as in `Ratings.rate`, as `choose` does for its pair.

        Raises
        ------
        GridError
            If they are not two different rows that take part, or it is no outcome.
        """
        try:
            pair = self.sweep.internals.chosen([left, right], usable={State.DONE}, nothing=_NOTHING)
        except GridError as error:
            msg = f"that is no round: {error}"
            raise GridError(msg) from None
        indices = [row.index for row in pair]
        taking_part = {row.index for row in self.rows}
        if outcome not in OUTCOMES or len(pair) != 2 or not taking_part.issuperset(indices):  # noqa: PLR2004 - a pair
            msg = (
                f"{ascii((*indices, outcome))[:80]} is no round: give two rows that take part, "
                f"and one of {', '.join(OUTCOMES)}"
            )
            raise GridError(msg, nothing=_NOTHING)
        one, other = map(self.sweep.internals.slot, pair)
        self.sweep.internals.judgements.choose(self.reviewer, one, other, outcome)

    def undo(self) -> bool:
        """Take back this reviewer's latest choice, by one more entry; return whether there was one."""
        return self.sweep.internals.judgements.undo_choice(self.reviewer) is not None

    def ranking(
        self, by: str | None = None, *, reviewers: str | Collection[str] | None = None, level: float = 0.95
    ) -> pd.DataFrame:
        """Return what was judged best, best first, and how sure that is.

        Parameters
        ----------
        by : str, optional
            An axis, whose values are ranked with the effects of the other axes taken
            out; by default the cells themselves, all takes of a cell together.
        reviewers : str or collection of str, optional
            Whose choices count; everybody's by default.
        level : float, default 0.95
            At which the intervals cover the true strength.

        Returns
        -------
        DataFrame
            Indexed by rank from 1. What is ranked (for cells ``row``, the index in
            `Sweep.df`, and the axes that vary), then ``wins``, ``losses``, ``ties``,
            ``strength`` (log-odds above the average), its ``error`` (standard error),
            ``low`` and ``high`` (the interval), ``beats`` (chance to beat an average one
            in a decided round), ``best`` (probability of being the strongest), and for
            cells ``cell``, the key, so that a part of the table may be given wherever
            rows are taken. A notebook shows those with a picture of each clip.

        Raises
        ------
        GridError
            If `by` is no axis that varies, or `level` is no rate.

        Notes
        -----
        A Bradley-Terry model with ties and a leaning to one side; `gridgen.judgements.ranking`
        names the sources. Choices are taken as independent, and axes as adding up.
        """
        from gridgen.judgements import ranking

        if not 0 < level < 1:
            msg = f"level={level!r} is not a rate between 0 and 1, such as 0.95"
            raise GridError(msg)
        rounds = self._outcomes(reviewers)
        design, codes = self._design(by)
        found = ranking.fit(design, *rounds, alternatives=max(codes) + 1)
        table = self._labels(by, codes).assign(**_tally(codes, *rounds), **_certainty(found, level))
        if by is None:
            table["cell"] = [row.cell.key for row in self._first]
        table = table.sort_values("strength", ascending=False, kind="stable").reset_index(drop=True)
        table.index = table.index.rename("rank") + 1
        return table if by is not None else self._illustrated(table)

    def _illustrated(self, table: pd.DataFrame) -> pd.DataFrame:
        from gridgen.frame import illustrated
        from gridgen.gallery import thumbnails_of

        return illustrated(table, thumbnails_of(self.sweep, self.rows))

    def _draw(self, made: int) -> tuple[Row, Row]:
        import numpy as np

        from gridgen.judgements import ranking

        dice = np.random.default_rng([self.seed, made])
        found = ranking.fit(np.eye(len(self._first)), *self._outcomes(None))
        one, other = ranking.next_pair(found, dice)
        return self._clip(one, dice), self._clip(other, dice)

    def _clip(self, item: int, dice: np.random.Generator) -> Row:
        """Return one take of a cell, by lot."""
        takes = [row for row in self.rows if self._item[row.cell.key] == item]
        return takes[int(dice.integers(len(takes)))]

    def _outcomes(self, reviewers: str | Collection[str] | None) -> tuple[Integers, Integers, Integers]:
        """Return the left and right items and the outcomes of the choices of some reviewers."""
        import numpy as np

        names = {reviewers} if isinstance(reviewers, str) else reviewers
        kept = [choice for choice in self.choices if names is None or choice.reviewer in names]
        return (
            np.array([self._item[choice.left[1]] for choice in kept], dtype=np.int64),
            np.array([self._item[choice.right[1]] for choice in kept], dtype=np.int64),
            np.array([OUTCOMES.index(choice.outcome) for choice in kept], dtype=np.int64),
        )

    def _combinations(self) -> list[dict[str, int]]:
        """Return the position of each item on each axis."""
        return [
            self.sweep.grid.combinations.coordinates(row.index // self.sweep.takes) for row in self._first
        ]

    def _varying(self) -> dict[str, list[int]]:
        """Return, for each axis on which the items differ, the code of each item."""
        combinations = self._combinations()
        codes = {axis.name: [place[axis.name] for place in combinations] for axis in self.sweep.grid.axes}
        return {name: _dense(each) for name, each in codes.items() if len(set(each)) > 1}

    def _design(self, by: str | None) -> tuple[Floats, list[int]]:
        """Return what each item is made of, and which alternative it is."""
        import numpy as np

        if by is None:
            return np.eye(len(self._first)), list(range(len(self._first)))
        varying = self._varying()
        if by not in varying:
            msg = f"by={by!r} is not an axis on which these clips differ; those are {', '.join(varying) or 'none'}"
            raise GridError(msg)
        codes = varying[by]
        others = [each for name, each in varying.items() if name != by and not _tied(codes, each)]
        return np.hstack([np.eye(max(each) + 1)[each] for each in (codes, *others)]), codes

    def _labels(self, by: str | None, codes: Sequence[int]) -> pd.DataFrame:
        """Return what a person reads of each alternative."""
        first = [codes.index(code) for code in range(max(codes) + 1)]
        rows = [self._first[item].index for item in first]
        shown = self.sweep.df.loc[rows]
        if by is None:
            return shown[list(self._varying())].rename_axis("row").reset_index()
        return shown[[by]].reset_index(drop=True)


def _dense(codes: Sequence[int]) -> list[int]:
    """Return values numbered without gaps, in their order."""
    used = {code: at for at, code in enumerate(sorted(set(codes)))}
    return [used[code] for code in codes]


def _tied(one: Sequence[int], other: Sequence[int]) -> bool:
    """Tell whether a value on one axis settles that on the other, as a prompt settles its template's slots."""
    pairs = len(set(zip(one, other, strict=True)))
    return pairs in {len(set(one)), len(set(other))}


def _tally(codes: Sequence[int], left: Integers, right: Integers, outcome: Integers) -> dict[str, Integers]:
    """Return wins, losses and ties of each alternative against the others."""
    import numpy as np

    groups = np.array(codes, dtype=np.int64)
    one, other = groups[left], groups[right]
    apart = one != other

    def count(*sides: tuple[Integers, int]) -> Integers:
        return sum(
            (np.bincount(side[apart & (outcome == came)], minlength=max(codes) + 1) for side, came in sides),
            start=np.zeros(max(codes) + 1, dtype=np.int64),
        )

    return {
        "wins": count((one, 0), (other, 1)),
        "losses": count((other, 0), (one, 1)),
        "ties": count((one, 2), (other, 2)),
    }


def _certainty(found: Fit, level: float) -> dict[str, Floats]:
    import numpy as np

    low, high = found.interval(level)
    return {
        "strength": found.strength,
        "error": found.errors,
        "low": low,
        "high": high,
        "beats": 1 / (1 + np.exp(-found.strength)),
        "best": found.best(),
    }
