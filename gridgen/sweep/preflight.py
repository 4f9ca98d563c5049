"""Whether there is money for what a sweep would make: its budget, and what the account has left."""

from __future__ import annotations

import warnings
from http import HTTPStatus
from typing import TYPE_CHECKING

from gridgen.errors import BudgetError, GridgenError, OutOfCreditsError
from gridgen.estimate import Estimate, counted
from gridgen.models import enough
from gridgen.money import exact_dollars

if TYPE_CHECKING:
    from collections.abc import Iterable
    from decimal import Decimal

    from gridgen.client import Client
    from gridgen.journal import Row
    from gridgen.money import Cap, ClipKey, Commitments

__all__ = ["check_balance", "check_budget", "check_priced", "warn_of_probes"]


def warn_of_probes(found: Estimate, budget: Decimal) -> None:
    """Say, to whoever called the caller, which submission may pass the budget."""
    if found.unpriced:
        warnings.warn(
            f"the price of {found.unpriced} of {found.videos} clips is unknown: the shortest of each kind goes first "
            f"and alone, and what it costs prices the others. That one may pass budget={budget} USD.",
            UserWarning,
            stacklevel=3,
        )


def check_budget(found: Estimate, budget: Decimal | None, client: Client, wider: Iterable[Cap]) -> None:
    """Raise `BudgetError` if a run would pass a budget, or spend real money without one.

    A budget for each day stops no grid that is dearer: what does not fit today is held.
    """
    if not found.videos:
        return
    leave = False
    for cap in wider:
        leave = leave or cap.own
        if not cap.daily and cap.commitments.known + found.usd > cap.usd:
            msg = (
                f"{counted(found.videos)} cost {found.exact_total}, and {exact_dollars(cap.commitments.known)} is spent "
                f"or promised already; that is more than {cap.name}. Raise it with gridgen.set_budget, or make the grid "
                "smaller. Nothing was sent."
            )
            raise BudgetError(msg)
    if budget is None and (leave or client.is_simulator):
        return
    if budget is None:
        suggested = "budget=..." if found.unpriced else f"budget={enough(found.usd + found.committed)}"
        msg = (
            f"this would make {counted(found.videos)} for {found.exact_total} on {client.origin}; a sweep that "
            f"spends real money needs a cap: add {suggested} to Sweep(...). Nothing was sent."
        )
        raise BudgetError(msg)
    if found.committed + found.usd > budget:
        msg = (
            f"{counted(found.videos)} cost {found.exact_total}, and {exact_dollars(found.committed)} is spent "
            f"already; that is more than budget={budget} USD. Raise the budget or make the grid smaller. Nothing was sent."
        )
        raise BudgetError(msg)


def check_priced(renewed: Iterable[tuple[Row, ClipKey]], commitments: Commitments, budget: Decimal) -> None:
    """Raise `BudgetError` if a clip is to be made again that may be paid already, and nobody knows how dearly."""
    for row, key in renewed:
        if commitments.unpriced_of(key):
            msg = (
                f"nobody knows what row {row.index} has cost, as its price was unknown when it left and is still, so "
                f"nobody knows what is left of budget={budget} USD. Find its task in the account's usage and note it "
                "(sweep.unknown.attach), or make the clip in another folder, with a budget of its own. Nothing has "
                "changed."
            )
            raise BudgetError(msg)


async def check_balance(found: Estimate, client: Client) -> None:
    """Raise `OutOfCreditsError` if the account cannot pay for all; one that does not tell is no obstacle."""
    if not found.usd:
        return
    try:
        left = (await client.wire.remaining()).remaining
    except GridgenError:
        return
    if 0 <= left < found.usd:
        msg = (
            f"{counted(found.videos)} cost {found.exact_total}, and the account has {exact_dollars(left)} left. "
            f"Top up by ${enough(found.usd - left)} or make the grid smaller. Nothing was sent."
        )
        raise OutOfCreditsError(msg, status=HTTPStatus.PAYMENT_REQUIRED)
