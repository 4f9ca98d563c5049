"""Strengths behind blind comparisons: the Bradley-Terry model with ties, its uncertainty, the next pair.

Two clips with strengths (log-odds) `a` and `b` and a judge who leans by `s` to
the left are judged, with `d = a - b + s` and tie propensity `t`::

    left : right : tie  =  exp(d / 2) : exp(-d / 2) : exp(t)

Without ties and leaning this is Bradley & Terry, Biometrika 39 (1952), 324-345,
doi 10.2307/2334029; the tie is Davidson's, J. Am. Stat. Assoc. 65 (1970),
317-328, doi 10.1080/01621459.1970.10481082; the leaning is Davidson & Beaver's,
Biometrics 33 (1977), 693-702, doi 10.2307/2529467. Strengths are linear in
design columns, so the same fit serves cells and values of axes (Springall,
Applied Statistics 22 (1973), 59-68). The log-likelihood is concave; with weak
normal priors it has one maximum also where a clip never lost or two groups were
never compared, where the maximum likelihood does not exist (Hunter, Annals of
Statistics 32 (2004), 384-406, doi 10.1214/aos/1079120141), and Newton's method
finds it. The inverse of the curvature there is the covariance (Laplace).

No library serves: choix 0.4.1 (MIT, 2025) knows no ties and needs SciPy.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Integers = NDArray[np.int64]

__all__ = ["LEFT", "RIGHT", "TIE", "Fit", "chances", "fit", "gains", "next_pair"]

LEFT, RIGHT, TIE = 0, 1, 2

SPREAD = 2.0
"""Standard deviation of the prior of a strength: a clip at +2 beats an average one in 88 % of decided rounds."""

_TIE_PRIOR = (-1.0, 2.0)
_LEAN_PRIOR = (0.0, 1.0)
_STEPS = 60
_CLOSE = 1e-9
_DRAWS = 4000


@dataclass(frozen=True, slots=True)
class Fit:
    """Strengths of items, in log-odds with a mean of zero, and how well they are known.

    Attributes
    ----------
    strength : array, shape (items,)
    covariance : array, shape (items, items)
        Of the strengths.
    tie, lean : float
        Propensity to call a tie, and to choose the left side, in log-odds.
    lean_error : float
        Standard error of `lean`.
    """

    strength: Floats
    covariance: Floats
    tie: float
    lean: float
    lean_error: float

    @property
    def errors(self) -> Floats:
        """Standard error of each strength."""
        return np.sqrt(np.clip(np.diag(self.covariance), 0.0, None))

    def interval(self, level: float) -> tuple[Floats, Floats]:
        """Return the ends of each strength's interval that covers the truth at a rate of `level`."""
        reach = NormalDist().inv_cdf(0.5 + level / 2) * self.errors
        return self.strength - reach, self.strength + reach

    def best(self, seed: int = 0) -> Floats:
        """Return how probably each item is the strongest of all, from 4,000 draws."""
        dice = np.random.default_rng(seed)
        values, vectors = np.linalg.eigh(self.covariance)
        spread = vectors * np.sqrt(np.clip(values, 0.0, None))
        draws = self.strength + dice.standard_normal((_DRAWS, len(values))) @ spread.T
        return np.bincount(draws.argmax(axis=1), minlength=len(values)) / _DRAWS


def fit(
    design: Floats,
    left: Integers,
    right: Integers,
    outcome: Integers,
    *,
    alternatives: int | None = None,
    spread: float = SPREAD,
) -> Fit:
    """Find the strengths that explain what judges chose.

    Parameters
    ----------
    design : array, shape (items, columns)
        What each item is made of; the identity for a strength of its own each.
    left, right : array of int, shape (rounds,)
        The items that were compared, by their rows in `design`.
    outcome : array of int, shape (rounds,)
        LEFT, RIGHT or TIE.
    alternatives : int, optional
        How many of the first columns are to be ranked; the others only take out
        their own effects. All by default.
    spread : float, default 2.0
        Standard deviation, in log-odds, of the prior of each column's weight.

    Returns
    -------
    Fit
        Of the alternatives; their strengths are against their mean.
    """
    columns = design.shape[1]
    rounds = np.column_stack([design[left] - design[right], np.ones(len(left))])
    mean = np.array([*np.zeros(columns), _LEAN_PRIOR[0], _TIE_PRIOR[0]])
    precision = np.array([*np.full(columns, spread**-2.0), _LEAN_PRIOR[1] ** -2.0, _TIE_PRIOR[1] ** -2.0])
    weights = mean.copy()
    value = _objective(weights, rounds, outcome, mean, precision)
    for _ in range(_STEPS):
        slope, curvature = _derivatives(weights, rounds, outcome, mean, precision)
        step: Floats = np.linalg.solve(curvature, slope).astype(np.float64)
        weights, value, moved = _climb(weights, step, value, (rounds, outcome, mean, precision))
        if moved < _CLOSE:
            break
    _, curvature = _derivatives(weights, rounds, outcome, mean, precision)
    covariance = np.linalg.inv(curvature)
    ranked = alternatives or columns
    centring = np.eye(ranked) - 1.0 / ranked
    inner = covariance[:ranked, :ranked]
    return Fit(
        strength=centring @ weights[:ranked],
        covariance=centring @ inner @ centring,
        tie=float(weights[-1]),
        lean=float(weights[-2]),
        lean_error=float(np.sqrt(covariance[-2, -2])),
    )


def chances(difference: Floats, tie: float) -> tuple[Floats, Floats, Floats]:
    """Return the chances that the left one wins, that the right one does, and of a tie.

    Parameters
    ----------
    difference : array
        Strength of the left one above the right one, the leaning included.
    tie : float
        Propensity to call a tie.
    """
    logits = np.stack([difference / 2, -difference / 2, np.full_like(difference, tie)])
    weights = np.exp(logits - logits.max(axis=0))
    left, right, both = weights / weights.sum(axis=0)
    return left, right, both


def gains(found: Fit) -> Floats:
    """Return what the next round of each pair would tell: the nats by which it is expected to narrow the strengths.

    For a round of two clips that is half the logarithm of one plus the information
    of their difference times its variance (D-optimality; Chaloner & Verdinelli,
    Statistical Science 10 (1995), 273-304).

    Returns
    -------
    array, shape (items, items)
        Symmetric, with zeros on the diagonal.
    """
    difference = found.strength[:, None] - found.strength[None, :]
    left, right, _ = chances(difference, found.tie)
    information = (left + right - (left - right) ** 2) / 4
    own = np.diag(found.covariance)
    variance = np.clip(own[:, None] + own[None, :] - 2 * found.covariance, 0.0, None)
    told = np.log1p(information * variance) / 2
    np.fill_diagonal(told, 0.0)
    return told


def next_pair(found: Fit, dice: np.random.Generator) -> tuple[int, int]:
    """Return the two items whose comparison tells most, on sides drawn by lot; near ties are drawn too."""
    told = np.triu(gains(found), k=1)
    rows, cols = np.nonzero(told >= 0.98 * told.max())
    keep = rows < cols
    at = int(dice.integers(np.count_nonzero(keep)))
    pair = (int(rows[keep][at]), int(cols[keep][at]))
    return pair if dice.random() < 0.5 else pair[::-1]  # noqa: PLR2004 - an even chance


_Model = tuple["Floats", "Integers", "Floats", "Floats"]


def _climb(weights: Floats, step: Floats, value: float, model: _Model) -> tuple[Floats, float, float]:
    """Go along a step, shortened until it leads upwards."""
    for _ in range(30):
        tried = _objective(weights + step, *model)
        if tried >= value:
            return weights + step, tried, float(np.abs(step).max())
        step = step / 2
    return weights, value, 0.0


def _objective(weights: Floats, rounds: Floats, outcome: Integers, mean: Floats, precision: Floats) -> float:
    log_chances = np.log(np.maximum(chances(rounds @ weights[:-1], float(weights[-1])), 1e-300))
    likelihood = log_chances[outcome, np.arange(len(outcome))].sum()
    return float(likelihood - (precision * (weights - mean) ** 2).sum() / 2)


def _derivatives(
    weights: Floats, rounds: Floats, outcome: Integers, mean: Floats, precision: Floats
) -> tuple[Floats, Floats]:
    left, right, tie = chances(rounds @ weights[:-1], float(weights[-1]))
    lead = ((outcome == LEFT) - left - (outcome == RIGHT) + right) / 2
    slope = np.append(rounds.T @ lead, ((outcome == TIE) - tie).sum()) - precision * (weights - mean)
    curvature = np.diag(precision)
    curvature[:-1, :-1] += rounds.T @ (rounds * ((left + right - (left - right) ** 2) / 4)[:, None])
    mixed = -(rounds.T @ ((left - right) * tie)) / 2
    curvature[-1, :-1] += mixed
    curvature[:-1, -1] += mixed
    curvature[-1, -1] += (tie * (1 - tie)).sum()
    return slope, curvature
