"""The layout of a sweep: what is made of it, what would be, and what is skipped and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gridgen.estimate import Services, basis, span, time_of
from gridgen.grid.axes import Axis
from gridgen.grid.pivot import TAKE
from gridgen.grid.preview import Preview, Tile, state_of, totals_of
from gridgen.states import NEW

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gridgen.estimate.prices import Prices
    from gridgen.journal import Row
    from gridgen.sweep.plan import Plan

__all__ = ["laid_out"]


def laid_out(
    plan: Plan,
    made: Iterable[Row],
    prices: Prices,
    *,
    rows: str | list[str] | None = None,
    cols: str | list[str] | None = None,
    speed: float | None = 1.0,
) -> Preview:
    """Return the preview of a sweep.

    Parameters
    ----------
    plan : Plan
    made : iterable of Row
        All places and takes as they stand.
    prices : Prices
        Of what is not made yet.
    rows, cols : str or list of str, optional
        As of `Sweep.gallery`.
    speed : float or None, default 1.0
        As of `Estimate`.

    Raises
    ------
    GridError
        If one of them is no axis of the grid.
    """
    takes = tuple(range(1, plan.takes + 1))
    axes = (*plan.grid.axes, Axis(TAKE, takes, tuple(map(str, takes))))
    tiles = [
        Tile(
            each.index,
            (*plan.grid.combinations.codes(each.index // plan.takes), each.take - 1),
            each.cell,
            state_of(each.status),
            each.error,
            prices.of(each.cell) if each.status in NEW else each.price,
        )
        for each in made
    ]
    services = Services()
    new = [tile.cell for tile in tiles if tile.state == "new"]
    times = time_of([services.of(cell) for cell in new])
    time = span(*times, speed=speed)
    return Preview(
        axes, tiles, totals_of(tiles, time, basis(((cell, 1) for cell in new), prices)), rows=rows, cols=cols
    )
