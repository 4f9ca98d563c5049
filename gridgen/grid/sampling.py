"""Which cells of a grid to take first, or at all: spread, balanced and pairwise choices.

Everything here works on codes: where a cell stands on each axis. A seed gives the same
choice for ever: only `random.Random.random` is used, whose sequence Python guarantees.
"""

from __future__ import annotations

import heapq
import itertools
import math
import random
from collections import defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

__all__ = ["balanced", "drawn", "pairwise", "pairwise_of", "spread", "unspread"]

Codes = tuple[int, ...]

_TRIES = 40
_EFFORT = 400_000
"""About how many looks at a value the search for a small cover may take."""
_POOL = 4_000


def spread(codes: Sequence[int], lengths: Sequence[int]) -> Codes:
    """Return a sort key under which neighbours differ on every axis.

    The product of cyclic axes falls into diagonals, along which each axis steps by
    one, so that each diagonal comes by every value of every axis. The diagonals are
    sorted in the same way by where they begin.

    Parameters
    ----------
    codes : sequence of int
        Where a cell stands on each axis, the longest axis first.
    lengths : sequence of int
        Length of each axis.
    """
    rest = list(codes)
    steps = []
    for at, length in enumerate(lengths):
        step = rest[at] % length
        steps.append(step)
        for later in range(at + 1, len(rest)):
            rest[later] = (rest[later] - step) % lengths[later]
    return tuple(reversed(steps))


def unspread(rank: int, lengths: Sequence[int]) -> Codes:
    """Return the codes of the cell of that rank when the whole product is sorted by `spread`."""
    total = 0
    codes = []
    for length in lengths:
        rank, step = divmod(rank, length)
        total += step
        codes.append(total % length)
    return tuple(codes)


def first_touching(order: Iterable[int], codes: Sequence[Sequence[int]]) -> list[int]:
    """Return the order with those cells first that bring a value not seen before.

    Parameters
    ----------
    order : iterable of int
        Indices of cells.
    codes : sequence of sequences of int
        Where each cell stands on each axis, by axis.
    """
    seen: list[set[int]] = [set() for _ in codes]
    first, rest = [], []
    missing = sum(len(set(column)) for column in codes)
    for index in order:
        new = [column[index] not in met for column, met in zip(codes, seen, strict=True)] if missing else ()
        if not any(new):
            rest.append(index)
            continue
        first.append(index)
        missing -= sum(new)
        for column, met in zip(codes, seen, strict=True):
            met.add(column[index])
    return first + rest


def drawn(count: int, n: int, seed: int, weights: Sequence[float] | None = None) -> list[int]:
    """Return n of count indices by chance, in order; weights say how often each comes.

    Weighted draws are those of Efraimidis and Spirakis (2006): the largest of u**(1/w).
    """
    dice = random.Random(seed)  # noqa: S311 - no secret hangs on it
    if weights is None:
        found: set[int] = set()
        for at in range(count - n, count):
            # Floyd's draw: n steps, however many there are to draw from
            pick = int(dice.random() * (at + 1))
            found.add(pick if pick not in found else at)
        return sorted(found)
    keyed = ((dice.random() ** (1 / weight), at) for at, weight in enumerate(weights) if weight > 0)
    return sorted(at for _, at in heapq.nlargest(n, keyed))


def balanced(candidates: Iterable[Codes], n: int, lengths: Sequence[int]) -> list[Codes]:
    """Return n cells in which the values of each axis come about equally often.

    Parameters
    ----------
    candidates : iterable of tuple of int
        Cells in an order that spreads them, as `spread` does.
    n : int
        How many to take.
    lengths : sequence of int
        Length of each axis.
    """
    quota = [math.ceil(n / length) for length in lengths]
    counts = [[0] * length for length in lengths]
    taken: list[Codes] = []
    left: list[Codes] = []
    for codes in candidates:
        if len(taken) == n:
            break
        if all(counts[axis][code] < quota[axis] for axis, code in enumerate(codes)):
            taken.append(codes)
            for axis, code in enumerate(codes):
                counts[axis][code] += 1
        else:
            left.append(codes)
    return taken + left[: n - len(taken)]


def shuffled(lengths: Sequence[int], seed: int) -> list[list[int]]:
    """Return the codes of each axis in an order of chance."""
    dice = random.Random(seed)  # noqa: S311 - no secret hangs on it
    return [_permuted(range(length), dice) for length in lengths]


def _permuted(items: Iterable[int], dice: random.Random) -> list[int]:
    found = list(items)
    for at in range(len(found) - 1, 0, -1):
        other = int(dice.random() * (at + 1))
        found[at], found[other] = found[other], found[at]
    return found


def pairwise(lengths: Sequence[int], seed: int) -> list[Codes]:
    """Return few cells of a whole product that show every pair of values of any two axes.

    Axis by axis (Lei and Tai 1998, in-parameter-order): the rows that cover the first
    axes are made longer by the value that covers most of what is missing, and what is
    still missing gets rows of its own. The best of several tries is kept.

    Parameters
    ----------
    lengths : sequence of int
        Length of each axis.
    seed : int
        Settles ties.
    """
    order = sorted(range(len(lengths)), key=lambda axis: -lengths[axis])
    sorted_lengths = [lengths[axis] for axis in order]
    floor = math.prod(sorted_lengths[:2])
    best: list[list[int]] | None = None
    effort = 0
    for attempt in range(_TRIES):
        rows = _covering(sorted_lengths, random.Random(seed * _TRIES + attempt))  # noqa: S311 - no secret hangs on it
        if best is None or len(rows) < len(best):
            best = rows
        effort += len(rows) * sum(sorted_lengths) * len(lengths)
        if len(best) == floor or effort > _EFFORT:
            break
    back = [order.index(axis) for axis in range(len(lengths))]
    return [tuple(row[at] for at in back) for row in best or []]


def _covering(lengths: Sequence[int], dice: random.Random) -> list[list[int]]:
    first = lengths[:2]
    rows = [list(codes) for codes in itertools.product(*map(range, first))]
    for axis in range(2, len(lengths)):
        missing = [
            {(before, code) for before in range(lengths[other]) for code in range(lengths[axis])}
            for other in range(axis)
        ]
        for row in rows:
            _lengthen(row, missing, lengths[axis], dice)
        _add_rows(rows, missing, lengths, dice)
    return rows


def _lengthen(row: list[int], missing: list[set[tuple[int, int]]], length: int, dice: random.Random) -> None:
    """Give a row the value of the next axis that covers most of what is missing."""
    gains = [
        sum((before, code) in pairs for before, pairs in zip(row, missing, strict=True))
        for code in range(length)
    ]
    most = max(gains)
    best = [code for code, gain in enumerate(gains) if gain == most]
    code = best[int(dice.random() * len(best))]
    for before, pairs in zip(row, missing, strict=True):
        pairs.discard((before, code))
    row.append(code)


def _add_rows(
    rows: list[list[int]], missing: list[set[tuple[int, int]]], lengths: Sequence[int], dice: random.Random
) -> None:
    """Cover what is left by new rows, each filled with as many missing pairs as fit."""
    axis = len(missing)
    open_rows: dict[int, list[list[int | None]]] = defaultdict(list)
    for other, pairs in enumerate(missing):
        for before, code in sorted(pairs):
            row = next((each for each in open_rows[code] if each[other] is None), None)
            if row is None:
                row = [None] * axis
                open_rows[code].append(row)
            row[other] = before
    for code, filled in sorted(open_rows.items()):
        rows += [[*_filled(each, lengths, dice), code] for each in filled]


def _filled(row: Sequence[int | None], lengths: Sequence[int], dice: random.Random) -> Iterator[int]:
    """Put any value where a row has none."""
    for value, length in zip(row, lengths, strict=False):
        yield int(dice.random() * length) if value is None else value


def pairwise_of(columns: Sequence[Sequence[int]], seed: int) -> list[int]:
    """Return few of the cells given that show every pair of values that any of them shows.

    Parameters
    ----------
    columns : sequence of sequences of int
        Where each cell stands on each axis, by axis.
    seed : int
        Settles ties.

    Returns
    -------
    list of int
        Indices of cells, in order.
    """
    count = len(columns[0]) if columns else 0
    axes = list(itertools.combinations(range(len(columns)), 2))
    witness = [
        dict(zip(zip(columns[a], columns[b], strict=True), range(count), strict=True)) for a, b in axes
    ]
    best: list[int] | None = None
    for attempt in range(_TRIES):
        dice = random.Random(seed * _TRIES + attempt)  # noqa: S311 - no secret hangs on it
        pool = {index for found in witness for index in found.values()}
        pool |= {int(dice.random() * count) for _ in range(_POOL)} if count > _POOL else set(range(count))
        chosen = _greedy_cover(_permuted(sorted(pool), dice), columns, axes, witness)
        if best is None or len(chosen) < len(best):
            best = chosen
        floor = max(map(len, witness), default=0)
        if len(best) == floor or (attempt + 1) * len(pool) * len(axes) > _EFFORT:
            break
    return sorted(best or [])


def _greedy_cover(
    pool: Sequence[int],
    columns: Sequence[Sequence[int]],
    axes: Sequence[tuple[int, int]],
    witness: Sequence[dict[tuple[int, int], int]],
) -> list[int]:
    """Take the cell that shows most missing pairs, again and again; gains only shrink, so few are looked at anew."""
    missing = [set(found) for found in witness]
    left = sum(map(len, missing))

    def gain(index: int) -> int:
        return sum(
            (columns[a][index], columns[b][index]) in pairs
            for (a, b), pairs in zip(axes, missing, strict=True)
        )

    heap = [(-len(axes), at, index) for at, index in enumerate(pool)]
    heapq.heapify(heap)
    chosen = []
    while left:
        believed, at, index = heapq.heappop(heap)
        now = gain(index)
        if -believed != now:
            if now:
                heapq.heappush(heap, (-now, at, index))
            continue
        chosen.append(index)
        left -= now
        for (a, b), pairs in zip(axes, missing, strict=True):
            pairs.discard((columns[a][index], columns[b][index]))
    return chosen


def ranks(columns: Sequence[Sequence[int]], lengths: Sequence[int]) -> Iterator[Codes]:
    """Yield the `spread` key of every cell, the longest axis counted first."""
    order = sorted(range(len(lengths)), key=lambda axis: -lengths[axis])
    ordered = [columns[axis] for axis in order]
    sizes = [lengths[axis] for axis in order]
    return (spread(codes, sizes) for codes in zip(*ordered, strict=True))
