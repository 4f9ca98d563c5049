"""What a sweep knows of prices, and what running it would cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gridgen.errors import GridgenError
from gridgen.estimate import NEW, Estimate, Services, estimate, pictures
from gridgen.estimate.prices import Prices
from gridgen.grid.images import FRESH
from gridgen.journal import read_uploads

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from decimal import Decimal

    from gridgen.client import Client
    from gridgen.clock import Clock
    from gridgen.journal import Row
    from gridgen.models import Price
    from gridgen.sweep.plan import Plan
    from gridgen.sweep.rows import Rows

__all__ = ["Pricing"]


class Pricing:
    """The prices of a sweep's clips: of the catalogue, of the server's list, and of what the clips have cost.

    Parameters
    ----------
    plan : Plan
    rows : Rows
        Tell what is made, and what it has cost.
    """

    def __init__(self, plan: Plan, rows: Rows) -> None:
        self._plan, self._rows = plan, rows
        self._prices: Prices | None = None

    async def asked(self, client: Client | None) -> Prices:
        """Return the prices; those that the catalogue does not know are asked for, once."""
        if self._prices is None:
            unpriced = dict.fromkeys(cell.model for cell in self._plan.grid if cell.price() is None)
            self._prices = Prices({model: await _listed(client, model) for model in unpriced})
        return self._learned(self._prices)

    def heard(self, client: Client | None) -> Prices:
        """Return the prices as far as they are known, without asking."""
        if self._prices is not None:
            return self._prices
        return self._learned(Prices(None if client is None else client.listed))

    def estimate(
        self, prices: Prices, *, budget: Decimal | None, clock: Clock, rows: Sequence[Row] | None = None
    ) -> Estimate:
        """Return what running would make and cost.

        Parameters
        ----------
        prices : Prices
        budget : Decimal or None
            Shown beside the price.
        clock : Clock
            Tells which links of uploaded pictures are too old.
        rows : sequence of Row, optional
            In place of the rows as they stand.
        """
        rows = self._rows.now() if rows is None else rows
        return estimate(
            self._plan.grid.places,
            rows,
            prices,
            committed=self._rows.committed(),
            budget=budget,
            uploads=self._unsent_pictures(rows, clock),
            services=Services(rows),
            takes=self._plan.takes,
        )

    def _unsent_pictures(self, rows: Iterable[Row], clock: Clock) -> int:
        """Count the pictures of one's own that a run would upload."""
        needed = pictures(each.cell for each in rows if each.status in NEW)
        if not needed:
            return 0
        known, until = read_uploads(self._plan.folder), clock.time() + FRESH
        links = (known.get((self._plan.origin, image)) for image in needed)
        return sum(link is None or (link.expires_at or 0.0) < until for link in links)

    def _learned(self, prices: Prices) -> Prices:
        for each in self._rows.now():
            if each.cost is not None:
                prices.learn(each.cell, each.cost)
        return prices


async def _listed(client: Client | None, model: str) -> Price | None:
    if client is None:
        return None
    try:
        return await client.price(model)
    except GridgenError:
        return None
