"""How a run went: against the limit, in requests, in money."""

from __future__ import annotations

import heapq
import html
import math
import statistics
from array import array
from collections import Counter
from dataclasses import dataclass, field, fields
from decimal import Decimal
from typing import TYPE_CHECKING

from gridgen.money import dollars, without_mathematics

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Limits", "Meter", "Stats", "lower_bound", "summed_up"]


@dataclass(slots=True)
class Meter:
    """What a scheduler counts while it works; times are seconds of its clock."""

    requests: Counter[str] = field(default_factory=Counter)
    delays: array[float] = field(default_factory=lambda: array("d"))
    blocked: Counter[str] = field(default_factory=Counter)
    starts: array[float] = field(default_factory=lambda: array("d"))
    services: array[float] = field(default_factory=lambda: array("d"))
    bytes: int = 0
    began: float | None = None
    ended: float | None = None

    def served(self, submitted: float, seconds: float) -> None:
        """Note how long the server worked on a task, waiting not included, and when it was submitted."""
        self.starts.append(submitted)
        self.services.append(seconds)

    def lost(self, why: str, seconds: float) -> None:
        """Note that submissions had to wait for one reason."""
        self.blocked[why] += round(seconds * 1000)


@dataclass(frozen=True, slots=True)
class Stats:
    """One run of a sweep in figures.

    Attributes
    ----------
    makespan : float
        Seconds from the first submission to the last clip on disk.
    lower_bound : float
        Seconds that no client could beat: a list schedule of the same service times,
        without any delay of ours, on as many slots and at such a rate as the server
        was found to allow; what was not found to be limited does not limit it.
    limited_by : str
        What submissions waited for most: ``"rate"``, ``"concurrency"`` (the server's
        slots), ``"requests"`` (in flight), ``"service"`` when they never waited, or
        ``"nothing"`` when there were none.
    submissions, polls, downloads : int
        Requests of each kind, repeats included.
    refused : int
        Submissions that the server provably did not apply, and that were repeated.
    polls_per_clip : float
        Questions asked for each task that finished.
    detection_mean, detection_p95, detection_worst : float
        Seconds between the server's completion stamp (whole seconds, brought to our
        clock) and our hearing of it: mean, what one in twenty exceeds, longest.
    pl : float
        Polls per clip times mean delay, which no way of asking can make less than
        Keller's bound; any fixed interval makes it half the mean service time.
    bytes : int
        Downloaded.
    estimated, cost, at_risk : Decimal
        USD: known prices of what was submitted, charges reported, and what
        unknown submissions may have cost.
    """

    makespan: float
    lower_bound: float
    limited_by: str
    submissions: int
    polls: int
    downloads: int
    refused: int
    polls_per_clip: float
    detection_mean: float
    detection_p95: float
    detection_worst: float
    pl: float
    bytes: int
    estimated: Decimal
    cost: Decimal
    at_risk: Decimal

    def __repr__(self) -> str:
        return (
            f"Stats({self.makespan:.1f} s, bound {self.lower_bound:.1f} s, limited by {self.limited_by}; "
            f"{self.submissions} submissions, {self.polls_per_clip:.1f} polls a clip; {dollars(self.cost)})"
        )

    @without_mathematics
    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><th style='text-align:left'>{name.name.replace('_', ' ')}</th>"
            f"<td>{html.escape(_shown(getattr(self, name.name)))}</td></tr>"
            for name in fields(self)
        )
        return f"<table>{rows}</table>"


@dataclass(frozen=True, slots=True)
class Limits:
    """What the server was found to allow.

    Attributes
    ----------
    rate : float
        Submissions a second after the first `burst`; infinity where none was refused.
    burst : float
        How many may go out at once.
    slots : int or None
        Tasks worked on at once; None where none was seen to wait.
    """

    rate: float = math.inf
    burst: float = 1.0
    slots: int | None = None


def lower_bound(service: Sequence[float], limits: Limits) -> float:
    """Return the seconds that a list schedule without any delay takes.

    Parameters
    ----------
    service : sequence of float
        Service times in seconds, in submit order.
    limits : Limits
        Releases and slots.
    """
    if not service:
        return 0.0
    free = [0.0] * min(limits.slots or len(service), len(service))
    for at, seconds in enumerate(service):
        released = max(0.0, at + 1 - limits.burst) / limits.rate
        heapq.heapreplace(free, max(released, free[0]) + seconds)
    return max(free)


def summed_up(meter: Meter, limits: Limits, *, estimated: Decimal, cost: Decimal, at_risk: Decimal) -> Stats:
    """Return a run's figures from what was counted."""
    requests, delays = meter.requests, meter.delays
    in_order = [seconds for _, seconds in sorted(zip(meter.starts, meter.services, strict=True))]
    blocked = meter.blocked.most_common(1)
    polls_per_clip = requests["polls"] / max(1, len(delays))
    mean = sum(delays) / max(1, len(delays))
    return Stats(
        makespan=0.0 if meter.began is None or meter.ended is None else meter.ended - meter.began,
        lower_bound=lower_bound(in_order, limits),
        limited_by=blocked[0][0] if blocked else "nothing" if meter.began is None else "service",
        submissions=requests["submissions"],
        polls=requests["polls"],
        downloads=requests["downloads"],
        refused=requests["refused"],
        polls_per_clip=polls_per_clip,
        detection_mean=mean,
        detection_p95=statistics.quantiles(delays, n=20)[-1] if len(delays) > 1 else mean,
        detection_worst=max(delays, default=0.0),
        pl=polls_per_clip * mean,
        bytes=meter.bytes,
        estimated=estimated,
        cost=cost,
        at_risk=at_risk,
    )


def _shown(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.2f}"
    return dollars(value) if isinstance(value, Decimal) else str(value)
