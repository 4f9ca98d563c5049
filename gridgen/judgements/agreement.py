"""How far reviewers agree: pair by pair, and Krippendorff's alpha over all; pure."""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from gridgen.judgements.opinion import Opinion

__all__ = ["Agreement", "Pair", "agreement", "alpha"]


@dataclass(frozen=True, slots=True)
class Pair:
    """Two reviewers, and the clips that both of them judged.

    Attributes
    ----------
    a, b : str
    rated : int
        Clips to which both gave stars.
    same, within_one : float, optional
        Share of those with the same stars, and with at most one between them.
    difference : float, optional
        Mean of a's stars minus b's.
    picked : int
        Clips that both picked or rejected.
    same_pick : float, optional
        Share of those on which they agree.
    """

    a: str
    b: str
    rated: int
    same: float | None
    within_one: float | None
    difference: float | None
    picked: int
    same_pick: float | None


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far the reviewers of some clips agree.

    Attributes
    ----------
    reviewers : tuple of str
    clips : int
        Judged by two or more.
    stars, picks : float, optional
        Krippendorff's alpha: 1 is agreement, 0 is chance; None where nothing can be
        said, because no clip has two ratings or all ratings are alike.
    pairs : tuple of Pair
    """

    reviewers: tuple[str, ...]
    clips: int
    stars: float | None
    picks: float | None
    pairs: tuple[Pair, ...]

    def __str__(self) -> str:
        if not self.clips:
            return f"{_count(len(self.reviewers), 'reviewer')}, no clip judged by two"
        found = [("stars", self.stars), ("picks", self.picks)]
        said = [f"alpha {value:.2f} for {name}" for name, value in found if value is not None]
        head = (
            f"{_count(len(self.reviewers), 'reviewer')}, {_count(self.clips, 'clip')} judged by two or more"
        )
        return f"{head}: {', '.join(said)}" if said else head


def agreement(opinions: Iterable[Mapping[str, Opinion]]) -> Agreement:
    """Compare the reviewers of each clip.

    Parameters
    ----------
    opinions : iterable of mapping
        For each clip the opinion of each reviewer.
    """
    clips = list(opinions)
    names = sorted({name for clip in clips for name in clip})
    stars = [[each.stars for each in clip.values() if each.stars is not None] for clip in clips]
    picks = [[int(each.pick) for each in clip.values() if each.pick is not None] for clip in clips]
    pairs = (_pair(a, b, clips) for a, b in itertools.combinations(names, 2))
    return Agreement(
        reviewers=tuple(names),
        clips=sum(len(clip) > 1 for clip in clips),
        stars=alpha(stars, "ordinal"),
        picks=alpha(picks, "nominal"),
        pairs=tuple(pair for pair in pairs if pair.rated or pair.picked),
    )


def alpha(units: Iterable[Sequence[int]], metric: Literal["nominal", "ordinal", "interval"]) -> float | None:
    """Return Krippendorff's alpha, None where there is no disagreement to expect.

    K. Krippendorff, Computing Krippendorff's Alpha-Reliability (2011-01-25),
    repository.upenn.edu/asc_papers/43.

    Parameters
    ----------
    units : iterable of sequence of int
        The values that each thing was given; those with fewer than two do not count.
    metric : {"nominal", "ordinal", "interval"}
        How two values differ.
    """
    together: defaultdict[tuple[int, int], float] = defaultdict(float)
    for values in units:
        for one, other in itertools.permutations(values, 2):
            together[one, other] += 1 / (len(values) - 1)
    totals: Counter[int] = Counter()
    for (one, _), count in together.items():
        totals[one] += count  # type: ignore[assignment]  # a share of a count
    expected = sum(totals[a] * totals[b] * _apart(a, b, totals, metric) for a in totals for b in totals)
    if not expected:
        return None
    observed = sum(count * _apart(a, b, totals, metric) for (a, b), count in together.items())
    return 1 - (sum(totals.values()) - 1) * observed / expected


def _apart(a: int, b: int, totals: Mapping[int, float], metric: str) -> float:
    if metric == "nominal":
        return float(a != b)
    if metric == "interval":
        return float((a - b) ** 2)
    low, high = sorted((a, b))
    between = sum(count for value, count in totals.items() if low <= value <= high)
    return (between - (totals[a] + totals[b]) / 2) ** 2 if a != b else 0.0


def _pair(a: str, b: str, clips: Sequence[Mapping[str, Opinion]]) -> Pair:
    both = [(clip[a], clip[b]) for clip in clips if a in clip and b in clip]
    steps = [x.stars - y.stars for x, y in both if x.stars is not None and y.stars is not None]
    picks = [x.pick == y.pick for x, y in both if x.pick is not None and y.pick is not None]
    return Pair(
        a,
        b,
        rated=len(steps),
        same=_mean([step == 0 for step in steps]),
        within_one=_mean([abs(step) <= 1 for step in steps]),
        difference=_mean(steps),
        picked=len(picks),
        same_pick=_mean(picks),
    )


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
