"""How a run went: against the limit, in requests, in money."""

from __future__ import annotations

import html
from collections import Counter
from dataclasses import dataclass, field, fields
from decimal import Decimal

__all__ = ["Meter", "Stats"]


@dataclass(slots=True)
class Meter:
    """What a scheduler counts while it works; times are seconds of its clock."""

    requests: Counter[str] = field(default_factory=Counter)
    delays: list[float] = field(default_factory=list)
    blocked: Counter[str] = field(default_factory=Counter)
    bytes: int = 0
    began: float | None = None
    ended: float | None = None

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
        Seconds that no client could beat: the submit rate and the server's own
        service times, without any delay of ours.
    limited_by : str
        What submissions waited for most: ``"rate"``, ``"window"`` (tasks open at
        the server), ``"requests"`` (in flight), or ``"nothing"``.
    submissions, polls, downloads : int
        Requests of each kind, repeats included.
    refused : int
        Submissions that the server provably did not apply, and that were repeated.
    polls_per_clip : float
        Questions asked for each task that finished.
    detection_mean, detection_worst : float
        Seconds between the server's completion stamp (whole seconds) and our
        hearing of it.
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
    detection_worst: float
    bytes: int
    estimated: Decimal
    cost: Decimal
    at_risk: Decimal

    def __repr__(self) -> str:
        return (
            f"Stats({self.makespan:.1f} s, limit {self.lower_bound:.1f} s, limited by {self.limited_by}; "
            f"{self.submissions} submissions, {self.polls_per_clip:.1f} polls a clip; ${self.cost:.4f})"
        )

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><th style='text-align:left'>{name.name.replace('_', ' ')}</th>"
            f"<td>{html.escape(_shown(getattr(self, name.name)))}</td></tr>"
            for name in fields(self)
        )
        return f"<table>{rows}</table>"


def lower_bound(service: list[float], *, rate: float, burst: float) -> float:
    """Return the seconds that submissions at this rate need at least, in the order given.

    Parameters
    ----------
    service : list of float
        Service times in seconds, in submit order.
    rate : float
        Submissions per second after the first `burst` of them.
    """
    releases = (max(0.0, at + 1 - burst) / rate for at in range(len(service)))
    return max((release + seconds for release, seconds in zip(releases, service, strict=True)), default=0.0)


def _shown(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.2f}"
    return f"${value:.4f}" if isinstance(value, Decimal) else str(value)
