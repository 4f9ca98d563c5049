"""The price of a grid, before it is spent."""

from __future__ import annotations

import html
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

from gridgen.estimate.breakdown import MOST_LISTED, axis_html, beside, grouped, summed, varied
from gridgen.estimate.prices import Prices
from gridgen.grid.images import LocalImage, local_images
from gridgen.models import find
from gridgen.models.fields import plural
from gridgen.money import dollars, exact_dollars, total, without_mathematics
from gridgen.pacing import Bucket
from gridgen.states import MADE, NEW, State

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import pandas as pd

    from gridgen.grid.axes import Axis
    from gridgen.grid.cells import Cell
    from gridgen.grid.combinations import Combinations
    from gridgen.journal import Row

__all__ = [
    "OBSERVED",
    "Estimate",
    "ServerQueue",
    "Services",
    "Share",
    "basis",
    "counted",
    "estimate",
    "pictures",
    "planned",
    "span",
    "time_of",
]

AT_ONCE = 64
"""Tasks that a server is taken to work on at once, as long as nothing is known of it."""

OBSERVED = (36.0, 547.0)
"""Shortest and longest service time that a live run saw for six equal jobs, in seconds.

It stands for models of which nothing was learned in this folder. (A public
TypeScript adapter's probes of 2026-07-08.)
"""


class Services:
    """How long the server works on a clip: what this folder's finished ones took, else what others saw.

    Parameters
    ----------
    rows : iterable of Row
        Those with a service time count.
    """

    def __init__(self, rows: Iterable[Row] = ()) -> None:
        self._seen: dict[tuple[str, str | None, int | None], list[float]] = {}
        self.count = 0
        for row in rows:
            if row.service_seconds is not None and row.status == State.DONE:
                self._seen.setdefault(_kind(row.cell), []).append(row.service_seconds)
                self.count += 1

    def of(self, cell: Cell) -> tuple[float, float]:
        """Return the shortest and the longest service time to be expected, in seconds."""
        found = self._seen.get(_kind(cell))
        if found is None:
            same = [times for kind, times in self._seen.items() if kind[0] == cell.model]
            found = [seconds for times in same for seconds in times]
        return (min(found), max(found)) if found else OBSERVED

    def of_each(self, lines: Iterable[ServerQueue]) -> list[tuple[float, float]]:
        """Return the same for each clip that would be submitted."""
        known: dict[tuple[str, str | None, int | None], tuple[float, float]] = {}
        found = []
        for line in lines:
            if line.status in NEW:
                kind = _kind(line.cell)
                if kind not in known:
                    known[kind] = self.of(line.cell)
                found.append(known[kind])
        return found


def _kind(cell: Cell) -> tuple[str, str | None, int | None]:
    return cell.model, cell.quality, cell.duration


@dataclass(frozen=True, slots=True)
class Share:
    """What one value of an axis, or one cell, has in an estimate.

    Attributes
    ----------
    videos, seconds : int
        Clips that would be submitted, and their footage.
    usd : Decimal or None
        Price of those whose price is known; None where none of them has one.
    unpriced : int
        How many have no known price.
    made : int
        Clips that exist already or are on their way.
    """

    videos: int
    seconds: int
    usd: Decimal | None
    unpriced: int
    made: int

    @property
    def price(self) -> str:
        """The price in words: unknown prices stay unknown."""
        if self.usd is None:
            return "unknown"
        return dollars(self.usd) + (f" + {self.unpriced} unknown" if self.unpriced else "")


@dataclass(frozen=True)
class Estimate:
    """What running a sweep now would make and cost.

    Attributes
    ----------
    videos : int
        Clips that would be submitted.
    seconds : int
        Their footage.
    usd : Decimal
        Price of those whose price is known.
    unpriced : int
        How many of them have no known price; they are not free.
    made : int
        Clips that exist already, or are on their way, and cost nothing more.
    skipped : int
        Cells that the grid leaves out.
    uploads : int
        Pictures of one's own that would be sent to the server first.
    committed : Decimal
        USD that this grid has cost, or may cost, in this folder so far.
    budget : Decimal or None
        The sweep's cap in USD.
    limits : tuple of str
        What is left of budgets that count more than this sweep (`set_budget`), in words.
    sources : tuple of str
        Where each price was read, when, and which entry it is.
    guess : Decimal or None
        USD that clips of unknown price would cost if they cost what others of their
        model's family do. It is no price: nothing is spent against it.
    like : tuple of str
        Whose prices those are, as in ``like grok-imagine-1.5-video-apimart``.
    time : tuple of float
        Shortest and longest time that it may take, in seconds of the sweep's clock.
    timed_by : str
        What the time is reckoned from.
    speed : float or None
        How many of those seconds pass in one of a person's; None where nobody knows.
    combinations : Combinations
        Those of the grid.
    lines : tuple of ServerQueue
        One for each cell and take.
    """

    videos: int
    seconds: int
    usd: Decimal
    unpriced: int
    made: int
    committed: Decimal
    budget: Decimal | None
    sources: tuple[str, ...]
    skipped: int = 0
    uploads: int = 0
    time: tuple[float, float] = (0.0, 0.0)
    timed_by: str = ""
    speed: float | None = 1.0
    guess: Decimal | None = None
    like: tuple[str, ...] = ()
    limits: tuple[str, ...] = ()
    combinations: Combinations = field(kw_only=True, repr=False, compare=False)
    lines: tuple[ServerQueue, ...] = field(kw_only=True, repr=False, compare=False)

    @property
    def total(self) -> str:
        """The price in words: unknown prices stay unknown."""
        return self._total(dollars(self.usd))

    @property
    def exact_total(self) -> str:
        """The same with all digits of the sum, to be held against a budget."""
        return self._total(exact_dollars(self.usd))

    def _total(self, known: str) -> str:
        if self.unpriced == self.videos and self.videos:
            return "an unknown price"
        return f"{known} and {self.unpriced} clips of unknown price" if self.unpriced else known

    @property
    def lasts(self) -> str:
        """How long it may take a person, in words: ``1 min to 9 min``."""
        return span(*self.time, speed=self.speed)

    @property
    def df(self) -> pd.DataFrame:
        """One row per cell and take: its place on the axes, whether it is new, its price in USD, and the price's source.

        A price that nobody knows is missing (``<NA>``), never 0; ``guess`` and ``like``
        then say what it would be at the price of another model, where one is near.
        """
        from gridgen.frame import cells_frame

        lines = self.lines
        columns: dict[str, list[Any]] = {
            "take": [line.take for line in lines],
            "status": [line.status for line in lines],
            "new": [line.status in NEW for line in lines],
            "usd": [line.usd for line in lines],
            "source": [line.source for line in lines],
            "guess": [line.guess for line in lines],
            "like": [line.like for line in lines],
        }
        return cells_frame(self.combinations, [line.place for line in lines], columns)

    def by(self, *axes: str) -> pd.DataFrame:
        """Return what each value of an axis, or each combination of values of several, has in it.

        Parameters
        ----------
        *axes : str
            Axes of the grid; by default all that have several values.

        Returns
        -------
        pandas.DataFrame
            The axes, and ``videos``, ``seconds``, ``usd`` (missing where no price is
            known), ``unpriced`` and ``made``.

        Raises
        ------
        GridError
            If the grid has no such axis.
        """
        found = grouped(self.combinations, _indexed(self.lines), axes)
        shares = {at: share(lines) for at, lines in found.items()}
        return summed(self.combinations, axes, shares)

    def shares(self, axis: str) -> list[tuple[str, Share]]:
        """Return what each value of one axis has in it, under its label, in the order of the axis."""
        names = next(each.labels for each in self.combinations.axes if each.name == axis)
        found = grouped(self.combinations, _indexed(self.lines), [axis])
        return [(names[at], share(lines)) for (at,), lines in found.items()]

    def __repr__(self) -> str:
        parts = [f"{self.made} already made"]
        parts += [f"{self.skipped} skipped"] if self.skipped else []
        parts += [f"{self.uploads} {plural('picture', self.uploads)} to upload"] if self.uploads else []
        guess = f" ({self._guess})" if self.like else ""
        return f"Estimate({counted(self.videos)}, {self.seconds} s, {self.total}{guess}; {', '.join(parts)})"

    def __str__(self) -> str:
        lines = [f"{name:15} {text}" for name, text in self._facts()]
        for axis in varied(self.combinations):
            lines += ["", axis.name]
            lines += [
                f"  {label[:40]:40} {counted(found.videos):>13}  {found.price}"
                for label, found in self.shares(axis.name)[:MOST_LISTED]
            ]
        return "\n".join(lines)

    def _facts(self) -> list[tuple[str, str]]:
        facts = [
            ("to make", f"{counted(self.videos)}, {self.seconds:,} s of footage"),
            ("price", self.total),
            ("already made", str(self.made)),
        ]
        if self.skipped:
            facts.append(("skipped", str(self.skipped)))
        takes = max((line.take for line in self.lines), default=1)
        if takes > 1:
            facts.append(("takes", _told_apart(self.combinations, takes)))
        if self.uploads:
            facts.append(("to upload", f"{self.uploads} {plural('picture', self.uploads)}, once each"))
        facts += [
            ("spent so far", dollars(self.committed)),
            ("budget", "none" if self.budget is None else exact_dollars(self.budget)),
            *(("beside it", each) for each in self.limits),
            ("price read from", _read_from(self.sources) or "nowhere: no price is known"),
        ]
        if self.videos and self.timed_by:
            facts.append(("time", f"{self.lasts}, {self.timed_by}"))
        if self.unpriced:
            facts.append(("unknown prices", _PROBED))
        if self.like:
            facts.append(("an estimate", f"{self._guess}. {_GUESSED}"))
        return facts

    @property
    def _guess(self) -> str:
        return f"{' and '.join(self.like)}: {dollars(total([self.guess]))}"

    @without_mathematics
    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><th style='text-align:left;padding-right:1.5em'>{name}</th>"
            f"<td style='text-align:left'>{html.escape(text)}</td></tr>"
            for name, text in self._facts()
        )
        tables = [self._axis_html(axis) for axis in varied(self.combinations)]
        return f"<div><table>{rows}</table>{beside(tables)}</div>"

    def _axis_html(self, axis: Axis) -> str:
        rows = [
            (label, str(found.videos), f"{found.seconds} s", found.price, str(found.made))
            for label, found in self.shares(axis.name)
        ]
        return axis_html(axis, ("videos", "footage", "price", "made"), rows)


def counted(videos: int) -> str:
    """Return a number of videos in words."""
    return f"{videos:,} {plural('video', videos)}"


def _told_apart(combinations: Combinations, takes: int) -> str:
    """Say what sets the takes of a cell apart: a seed for each, or chance where a model has none."""
    models = [combinations.records.get(name) or find(name) for name in combinations.axis("model").values]
    chance = [model.id for model in models if model.option("seed") is None]
    parts = [f"{takes} of each cell"]
    if len(chance) < len(models) and not any(axis.name == "seed" for axis in combinations.axes):
        parts.append(f"seeds 1 to {takes}")
    if chance:
        parts.append(f"those of {' and '.join(chance)}, which has no seed, differ by chance")
    return "; ".join(parts)


_PROBED = (
    "the shortest clip of each kind goes first and alone; what it costs is the price of the others. "
    "It is the one submission that may pass a budget"
)


_GUESSED = (
    "No list has a price for these, so this is the price of another model of their family, and nothing is spent "
    "against it: to the budget the price is unknown. What the first clip costs settles it"
)


class ServerQueue(NamedTuple):
    """One cell and take in an estimate.

    Attributes
    ----------
    place : int
        Index of its place in the grid, the skipped ones counted.
    cell : Cell
    take : int
    status : str
        Of its row.
    usd, source : Decimal and str, optional
        Its price, and where that comes from; None where nobody knows.
    guess, like : Decimal and str, optional
        What a clip of unknown price would cost if it cost what another model's do, and
        which model that is.
    """

    place: int
    cell: Cell
    take: int
    status: str
    usd: Decimal | None
    source: str | None
    guess: Decimal | None = None
    like: str | None = None


def _line(place: int, cell: Cell, take: int, status: str, prices: Prices) -> ServerQueue:
    usd, source = prices.quoted(cell)
    guess = (None, None) if usd is not None else prices.like(cell)
    return ServerQueue(place, cell, take, status, usd, source, *guess)


def estimate(
    combinations: Combinations,
    rows: Sequence[Row],
    prices: Prices,
    *,
    committed: Decimal = Decimal(0),
    budget: Decimal | None = None,
    uploads: int = 0,
    services: Services | None = None,
    takes: int = 1,
    speed: float | None = 1.0,
) -> Estimate:
    """Sum up what the rows that are not made yet would cost.

    Parameters
    ----------
    combinations : Combinations
        Those of the grid.
    rows : sequence of Row
        All places and takes of the grid, in grid order.
    prices : Prices
    committed, budget, uploads
        As of `Estimate`.
    services : Services, optional
        What is known of the server's speed.
    takes : int, default 1
        How many rows each place has.
    speed : float or None, default 1.0
        As of `Estimate`.
    """
    lines = tuple(
        _line(row.index // takes, row.cell, row.take, row.status, prices)
        for row in rows
        if row.status != State.SKIPPED
    )
    return _summary(
        combinations,
        lines,
        services or Services(),
        committed=committed,
        budget=budget,
        uploads=uploads,
        speed=speed,
    )


def planned(combinations: Combinations, *, takes: int = 1, budget: Decimal | None = None) -> Estimate:
    """Sum up what all cells of a grid would cost, by the catalogue alone."""
    prices = Prices()
    cells = list(zip(combinations.active, combinations.cells(combinations.active_positions()), strict=True))
    lines = tuple(
        _line(index, cell, take, State.PLANNED, prices)
        for index, cell in cells
        for take in range(1, takes + 1)
    )
    uploads = len(pictures(cell for _, cell in cells))
    return _summary(combinations, lines, Services(), committed=Decimal(0), budget=budget, uploads=uploads)


def _summary(
    combinations: Combinations,
    lines: tuple[ServerQueue, ...],
    services: Services,
    *,
    committed: Decimal,
    budget: Decimal | None,
    uploads: int,
    speed: float | None = 1.0,
) -> Estimate:
    whole = share(lines)
    named = (line.source for line in lines if line.source is not None)
    guessed = [line for line in lines if line.guess is not None and line.status in NEW]
    return Estimate(
        videos=whole.videos,
        seconds=whole.seconds,
        usd=whole.usd or Decimal(0),
        unpriced=whole.unpriced,
        made=whole.made,
        committed=committed,
        budget=budget,
        sources=tuple(dict.fromkeys(named)),
        skipped=len(combinations) - len(combinations.active),
        uploads=uploads,
        time=time_of(services.of_each(lines)),
        timed_by=f"as {services.count} clips took here" if services.count else "as live runs of others took",
        speed=speed,
        guess=total([line.guess for line in guessed if line.guess is not None]) if guessed else None,
        like=tuple(dict.fromkeys(line.like for line in guessed if line.like is not None)),
        combinations=combinations,
        lines=lines,
    )


def basis(kinds: Iterable[tuple[Cell, int]], prices: Prices | None = None) -> str:
    """Say in a clause or two where the prices of so many clips of each cell are from, and what unknown ones may be.

    Parameters
    ----------
    kinds : iterable of tuple of Cell and int
    prices : Prices, optional
        The catalogue's alone by default.
    """
    prices = prices or Prices()
    sources, like, guess, videos = dict[str, None](), dict[str, None](), Decimal(0), 0
    for cell, count in kinds:
        videos += count
        usd, source = prices.quoted(cell)
        if source is not None:
            sources[source] = None
        about, whose = (None, None) if usd is not None else prices.like(cell)
        if about is not None and whose is not None:
            guess += about * count
            like[whose] = None
    if not videos:
        return ""
    found = [f"price read from {_read_from(sources)}" if sources else "no price is known"]
    if like:
        found.append(f"{' and '.join(like)}: {dollars(guess)}, which is an estimate and no price")
    return "; ".join(found)


def _read_from(sources: Iterable[str]) -> str:
    return "; ".join(dict.fromkeys(source.partition(": ")[0] for source in sources))


def pictures(cells: Iterable[Cell]) -> list[LocalImage]:
    """Return the pictures of one's own that cells refer to, each once."""
    stated = (cell for cell in cells if cell.image_urls or cell.extras)
    return local_images((cell.image_urls, *(value for _, value in cell.extras)) for cell in stated)


def time_of(services: list[tuple[float, float]]) -> tuple[float, float]:
    """Return the shortest and longest time that so many clips take: the submit rate, then the last one's service."""
    if not services:
        return (0.0, 0.0)
    bucket, most = Bucket(), AT_ONCE
    submitting = max(0.0, len(services) - bucket.burst) / bucket.rate
    # clips beyond those that may be open at the server at once wait for a place
    waves = max(0.0, len(services) - most) / most

    def whole(times: list[float], last: float) -> float:
        return max(submitting, waves * sum(times) / len(times)) + last

    lows, highs = [low for low, _ in services], [high for _, high in services]
    return whole(lows, min(lows)), whole(highs, max(highs))


def share(lines: Iterable[ServerQueue]) -> Share:
    """Sum up some lines of an estimate."""
    lines = tuple(lines)
    new = [line for line in lines if line.status in NEW]
    known = [line.usd for line in new if line.usd is not None]
    return Share(
        videos=len(new),
        seconds=sum(line.cell.seconds for line in new),
        usd=total(known) if known or not new else None,
        unpriced=len(new) - len(known),
        made=sum(line.status in MADE for line in lines),
    )


def _indexed(lines: Iterable[ServerQueue]) -> Iterator[tuple[int, ServerQueue]]:
    return ((line.place, line) for line in lines)


def span(low: float, high: float, *, speed: float | None = 1.0) -> str:
    """Say a range of times, given in seconds of which so many pass in one of a person's; None: nobody knows."""
    times = [seconds / (speed or 1.0) for seconds in (low, high)]
    shown = [_lasting(max(seconds, 1.0) if seconds else 0.0) for seconds in times]
    said = shown[0] if shown[0] == shown[1] else f"{shown[0]} to {shown[1]}"
    return said if speed is not None else f"{said} of simulated time"


def _lasting(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"  # noqa: PLR2004 - a minute and a half
