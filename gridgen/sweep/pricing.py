"""What a sweep knows of prices, and what running it would cost."""

from __future__ import annotations

import asyncio
import contextlib
import math
from dataclasses import replace
from typing import TYPE_CHECKING

from gridgen.clock import Clock, of_the_wire
from gridgen.errors import GridgenError
from gridgen.estimate import Estimate, Services, estimate, pictures
from gridgen.estimate.prices import Prices
from gridgen.grid.images import FRESH
from gridgen.journal import read, read_uploads
from gridgen.money import Commitments, Dollars
from gridgen.spending import FolderBudget, committed, in_words, own_key_budget
from gridgen.states import CHARGED, NEW, UNSENT

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from decimal import Decimal

    from gridgen.client import Client
    from gridgen.journal import Row
    from gridgen.money import Cap
    from gridgen.sweep.plan import Plan
    from gridgen.sweep.rows import Rows

__all__ = ["Pricing"]

ASKED_AGAIN = 10.0
"""Seconds after which the server's list is asked again where it did not answer."""

PATIENCE = 8.0
"""Seconds for which a start waits for the server's list; what it has not told by then the catalogue tells."""

LATELY = 7 * 86_400.0
"""Seconds for which a charge tells that a price still holds."""


class Pricing:
    """The prices of a sweep's clips: of the server's list, of the catalogue, and of what the clips have cost.

    Parameters
    ----------
    plan : Plan
    rows : Rows
        Tell what is made, and what it has cost.
    """

    def __init__(self, plan: Plan, rows: Rows) -> None:
        self._plan, self._rows = plan, rows
        self._prices: Prices | None = None
        self._silent: dict[str, float] = {}

    async def asked(self, client: Client | None, *, anew: bool = True) -> Prices:
        """Return the prices, having asked the server's list for every model of the grid.

        A list that cannot be had stops nothing.

        Parameters
        ----------
        client : Client or None
            Whom to ask; nobody with None.
        anew : bool, default True
            Whether to ask for what it has told already; what it told a while ago may have changed.
        """
        if self._prices is None:
            self._prices = Prices()
        if client is not None:
            await self._ask(client, self._prices, anew=anew)
        return self._learned(self._prices, _now(client))

    async def _ask(self, client: Client, prices: Prices, *, anew: bool) -> None:
        """Ask for all models at once, for a few seconds; first for those that have no price otherwise."""
        now = client.clock.monotonic()
        priced = {cell.model: cell.spec.price is not None for cell in self._plan.cells.values()}
        models = [
            model
            for model in sorted(priced, key=lambda model: priced[model])
            if now - self._silent.get(model, -math.inf) > ASKED_AGAIN and (anew or not prices.heard(model))
        ]
        if not models:
            return
        asks = [asyncio.ensure_future(self._ask_for(model, client, prices)) for model in models]
        over = asyncio.ensure_future(of_the_wire(client.clock).sleep(PATIENCE))
        try:
            while not over.done() and not all(ask.done() for ask in asks):
                await asyncio.wait(
                    {over, *(ask for ask in asks if not ask.done())}, return_when="FIRST_COMPLETED"
                )
        finally:
            for each in (over, *asks):
                each.cancel()
            await asyncio.gather(over, *asks, return_exceptions=True)

    async def _ask_for(self, model: str, client: Client, prices: Prices) -> None:
        self._silent[model] = client.clock.monotonic()
        try:
            prices.hear(model, await client.wire.price(model))
        except GridgenError:
            self._silent[model] = client.clock.monotonic()
        else:
            del self._silent[model]

    def heard(self, client: Client | None) -> Prices:
        """Return the prices as far as they are known, without asking."""
        if self._prices is not None:
            return self._prices
        return self._learned(Prices(None if client is None else client.listed), _now(client))

    def estimate(
        self,
        prices: Prices,
        *,
        budget: Decimal | None,
        wider: Iterable[Cap],
        clock: Clock,
        rows: Sequence[Row] | None = None,
        speed: float | None = 1.0,
    ) -> Estimate:
        """Return what running would make and cost.

        Parameters
        ----------
        prices : Prices
        budget : Decimal or None
            Shown beside the price.
        wider : iterable of Cap
            As of `wider_caps`; shown as well.
        clock : Clock
            Tells which links of uploaded pictures are too old.
        rows : sequence of Row, optional
            In place of the rows as they stand.
        speed : float or None, default 1.0
            How many seconds of the sweep's clock pass in one of a person's.
        """
        rows = self._rows.now() if rows is None else rows
        found = estimate(
            self._plan.grid.combinations,
            rows,
            prices,
            committed=Dollars(self._rows.committed(prices).known),
            budget=budget,
            uploads=self._unsent_pictures(rows, clock),
            services=Services(rows),
            takes=self._plan.takes,
            speed=speed,
        )
        return replace(found, limits=tuple(in_words(each) for each in wider))

    def wider_caps(self, client: Client | None) -> list[Cap]:
        """Return the caps that more than this sweep counts against, as they stand: the folder's, and those of the key.

        Raises
        ------
        JournalError
            If one of them cannot be read.
        """
        found = []
        folder = FolderBudget(self._plan.folder, Commitments())
        if folder.cap() is not None:
            folder.commitments = committed(read(self._plan.folder).values(), self._plan.origin)
            found += [folder.cap()]
        key = None if client is None else own_key_budget(client)
        if key is not None and client is not None:
            with contextlib.closing(key):
                found += key.caps(client.clock.time())
        return [each for each in found if each is not None]

    def _unsent_pictures(self, rows: Iterable[Row], clock: Clock) -> int:
        """Count the pictures of one's own that a run would upload."""
        needed = pictures(each.cell for each in rows if each.status in NEW)
        if not needed:
            return 0
        known, until = read_uploads(self._plan.folder), clock.time() + FRESH
        links = (known.get((self._plan.origin, image)) for image in needed)
        return sum(link is None or (link.expires_at or 0.0) < until for link in links)

    def _learned(self, prices: Prices, now: float) -> Prices:
        for each in self._rows.now():
            if each.cost and each.status in CHARGED:
                lately = each.completed_at is not None and now - each.completed_at < LATELY
                prices.learn(each.cell, each.cost, lately=lately)
            elif each.price is not None and each.status not in UNSENT:
                prices.recall(each.cell, each.price)
        return prices


def _now(client: Client | None) -> float:
    return (Clock() if client is None else client.clock).time()
