"""What no client can beat, computed apart from the engine."""

from __future__ import annotations

import heapq
import math


def list_schedule(service: list[float], *, rate: float, burst: float, slots: int | None) -> float:
    """Return the makespan of a list schedule without any delay, in seconds.

    Parameters
    ----------
    service : list of float
        Service times in seconds, in submit order.
    rate, burst : float
        Releases: `burst` at once, then one each ``1 / rate`` seconds.
    slots : int or None
        Servers; None for one each.
    """
    free = [0.0] * min(slots or len(service), len(service))
    last = 0.0
    for at, seconds in enumerate(service):
        released = max(0.0, at + 1 - burst) / rate
        end = max(released, free[0]) + seconds
        heapq.heapreplace(free, end)
        last = max(last, end)
    return last


def keller(mean: float, cv: float, steps: int = 200_000) -> float:
    """Return the least polls per job times mean delay for lognormal service times, G squared over two.

    Keller, "Optimum checking schedules", Management Science 21(3), 1974: with checks
    as dense as ``k sqrt(hazard)``, both follow from ``G``, the integral of
    ``sqrt(density * survival)``.
    """
    sigma = math.sqrt(math.log1p(cv * cv))
    mu = math.log(mean) - sigma * sigma / 2
    low, high = -8.0, 8.0
    width = (high - low) / steps
    total = 0.0
    for step in range(steps):
        z = low + (step + 0.5) * width
        age = math.exp(mu + sigma * z)
        density = math.exp(-z * z / 2) / math.sqrt(2 * math.pi) / (age * sigma)
        survival = math.erfc(z / math.sqrt(2)) / 2
        total += math.sqrt(density * survival) * age * sigma * width
    return total * total / 2
