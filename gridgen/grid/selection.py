"""Some of a grid's cells only: samples, what a sum of money buys, and what to submit first."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from gridgen.errors import GridError
from gridgen.grid.axes import NOTHING, Axis
from gridgen.grid.sampling import (
    balanced,
    drawn,
    first_touching,
    pairwise,
    pairwise_of,
    ranks,
    shuffled,
    spread,
    unspread,
)
from gridgen.models.price import money
from gridgen.money import Answer, Cap, ClipKey, Commitments, allows, dollars

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from gridgen.grid.combinations import Combinations

__all__ = ["free_axes", "sampled", "submit_order", "unaffordable"]

_METHODS = ("random", "balanced", "pairwise")


def free_axes(combinations: Combinations) -> list[Axis]:
    """Return the axes that vary by themselves: none that another one settles."""
    varied = [axis for axis in combinations.axes if len(axis) > 1]
    names = {axis.name for axis in varied}
    return [axis for axis in varied if not axis.follows or not names.issuperset(axis.follows)] or varied[:1]


def submit_order(combinations: Combinations) -> list[int]:
    """Return the numbers of the live places in the order in which they are best submitted."""
    axes = free_axes(combinations)
    if not axes:
        return list(range(len(combinations.active)))
    columns = [combinations.active_column(axis) for axis in axes]
    keys = list(ranks(columns, [len(axis) for axis in axes]))
    return first_touching(sorted(range(len(keys)), key=keys.__getitem__), columns)


def unaffordable(combinations: Combinations, budget: float | Decimal | str, takes: int) -> dict[int, str]:
    """Return the positions that a sum of money in USD is not enough for, and why; the cheapest are kept.

    Raises
    ------
    GridError
        If it is no sum of money, or takes are no number of clips.
    """
    limit = money(budget)
    chosen = Commitments()
    cap = Cap("budget", limit, chosen)
    takes = counted_takes(takes)
    positions = combinations.active_positions()
    prices = [cell.price() for cell in combinations.cells(positions)]
    reasons: dict[int, str] = {}
    for at in sorted(submit_order(combinations), key=lambda at: prices[at] or Decimal(0)):
        price = prices[at]
        if price is None:
            reasons[positions[at]] = "its price is unknown"
        elif allows([cap], price * takes).answer is not Answer.YES:
            reasons[positions[at]] = f"does not fit in {dollars(limit)}"
        else:
            chosen.reserve(ClipKey("", str(at), 1), price * takes)
    return reasons


MOST_CLIPS = 500_000
"""Most clips of one sweep; each has a row and an item in memory."""


def counted_takes(takes: Any, cells: int = 1) -> int:
    """Return how many clips of each of so many cells are wanted.

    Raises
    ------
    GridError
        If it is no whole number above 0, or asks for more clips than are kept track of.
    """
    if isinstance(takes, bool) or not isinstance(takes, int) or takes < 1:
        msg = f"takes={takes!r} is not a whole number of at least 1"
        raise GridError(msg)
    if takes * cells > MOST_CLIPS:
        msg = f"takes={takes:.4g} of {cells:,} cells are more than the {MOST_CLIPS:,} clips that one sweep keeps track of"
        raise GridError(msg)
    return takes


def sampled(combinations: Combinations, n: int | None, seed: int, method: str) -> Combinations:
    """Return some of the live places, in order.

    Raises
    ------
    GridError
        If an argument is wrong, or more cells are needed to show every pair.
    """
    _check(combinations, n, seed, method)
    if method == "random":
        return _picked(combinations, drawn(len(combinations.active), n or 0, seed, _weights(combinations)))
    if method == "balanced":
        return _balanced(combinations, n or 0, seed)
    return _pairwise(combinations, n, seed)


def _check(combinations: Combinations, n: object, seed: object, method: object) -> None:
    if method not in _METHODS:
        msg = f"sample(method={method!r}): the methods are 'random', 'balanced' and 'pairwise'"
        raise GridError(msg, nothing=NOTHING)
    if isinstance(seed, bool) or not isinstance(seed, int):
        msg = f"sample(seed={seed!r}): a seed is a whole number"
        raise GridError(msg, nothing=NOTHING)
    count = len(combinations.active)
    if n is None and method == "pairwise":
        return
    if isinstance(n, bool) or not isinstance(n, int) or not 0 <= n <= count:
        msg = f"sample(n={n!r}): n is a whole number from 0 to the {count:,} cells of the grid"
        raise GridError(msg, nothing=NOTHING)


def _picked(combinations: Combinations, numbers: Iterable[int]) -> Combinations:
    return combinations.keeping([combinations.positions[combinations.active[at]] for at in numbers])


def _weights(combinations: Combinations) -> list[float] | None:
    weighted = [axis for axis in combinations.axes if axis.weights]
    if not weighted:
        return None
    columns = [[axis.weights[code] for code in combinations.active_column(axis)] for axis in weighted]
    return [math.prod(weights) for weights in zip(*columns, strict=True)]


def _balanced(combinations: Combinations, n: int, seed: int) -> Combinations:
    axes = sorted(free_axes(combinations), key=lambda axis: -len(axis))
    lengths = [len(axis) for axis in axes]
    moved = shuffled(lengths, seed)
    if _is_product(combinations, axes):
        order = (unspread(rank, lengths) for rank in range(len(combinations)))
        rows = [
            [perm[code] for perm, code in zip(moved, codes, strict=True)]
            for codes in balanced(order, n, lengths)
        ]
        return _at(combinations, axes, rows)
    back = [{code: at for at, code in enumerate(perm)} for perm in moved]
    columns = [
        [there[code] for code in combinations.active_column(axis)]
        for axis, there in zip(axes, back, strict=True)
    ]
    rows_of_codes = list(zip(*columns, strict=True)) if columns else [()] * len(combinations.active)
    order_of_cells = sorted(range(len(rows_of_codes)), key=lambda at: spread(rows_of_codes[at], lengths))
    numbers: dict[tuple[int, ...], list[int]] = {}
    for at in reversed(order_of_cells):
        numbers.setdefault(rows_of_codes[at], []).append(at)
    chosen = balanced((rows_of_codes[at] for at in order_of_cells), n, lengths)
    return _picked(combinations, sorted(numbers[codes].pop() for codes in chosen))


def _pairwise(combinations: Combinations, n: int | None, seed: int) -> Combinations:
    axes = free_axes(combinations)
    if len(axes) < 2:  # noqa: PLR2004 - a pair
        found = combinations.keeping(combinations.active_positions())
    elif _is_product(combinations, axes):
        found = _at(combinations, axes, pairwise([len(axis) for axis in axes], seed))
    else:
        found = _picked(combinations, pairwise_of([combinations.active_column(axis) for axis in axes], seed))
    if n is None or n == len(found):
        return found
    if n < len(found):
        msg = (
            f"sample(n={n}, method='pairwise'): the smallest set found that shows every pair of values has "
            f"{len(found)} cells; leave n out"
        )
        raise GridError(msg, nothing=NOTHING)
    taken = set(found.positions)
    live = combinations.active_positions()
    rest = combinations.keeping([position for position in live if position not in taken])
    taken |= set(_balanced(rest, n - len(found), seed).positions)
    return combinations.keeping([position for position in live if position in taken])


def _is_product(combinations: Combinations, axes: Sequence[Axis]) -> bool:
    """Whether every combination of these axes is a cell, and every cell one of them."""
    return (
        not combinations.reasons
        and isinstance(combinations.positions, range)
        and len(combinations) == math.prod(map(len, combinations.axes)) == math.prod(map(len, axes))
    )


def _at(combinations: Combinations, axes: Sequence[Axis], rows: Iterable[Sequence[int]]) -> Combinations:
    steps = [combinations.strides[combinations.axes.index(axis)] for axis in axes]
    positions = {sum(code * step for code, step in zip(row, steps, strict=True)) for row in rows}
    return combinations.keeping(sorted(positions))
