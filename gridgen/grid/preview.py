"""The layout of a grid before anything is spent: each place, what is made already, and why some are skipped."""

from __future__ import annotations

import html
from collections import Counter
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from gridgen.grid.pivot import Pivot, runs, settled, sides, speak
from gridgen.money import dollars, total, without_mathematics
from gridgen.states import LIVE, NEW, State

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from gridgen.grid.axes import Axis
    from gridgen.grid.cells import Cell
    from gridgen.grid.combinations import Combinations

__all__ = ["Preview", "Tile", "Totals", "planned", "state_of", "totals_of"]

_SIGNS = {"new": "+", "made": "=", "under way": "~", "skipped": "x", "in trouble": "!"}
"""How a state is written where there is no colour."""

_MOST_TILES = 1_000
_MOST_REASONS = 12
_WIDEST = 24

_NOTE = "font-size:12px;opacity:.75;margin:4px 0"
_TILE = "display:inline-block;min-width:22px;padding:1px 6px;margin:1px;border-radius:5px;text-align:center;font-size:12px;line-height:18px"
_MARK = 'style="line-height:0;font-size:9px"'
_LOOKS = {
    "new": "border:1px solid rgba(60,130,220,.75);background:rgba(60,130,220,.14)",
    "made": "border:1px solid rgba(46,150,90,.75);background:rgba(46,150,90,.22)",
    "under way": "border:1px dashed rgba(60,130,220,.9);background:rgba(60,130,220,.14)",
    "skipped": "border:1px dashed rgba(128,128,128,.5);opacity:.6",
    "in trouble": "border:1px solid rgba(200,70,60,.85);background:rgba(200,70,60,.16)",
}


@dataclass(frozen=True, slots=True)
class Tile:
    """One place of the layout.

    Attributes
    ----------
    index : int
        Its number among all places, the skipped ones included.
    at : tuple of int
        Where it stands on each axis.
    cell : Cell
        What is asked for.
    state : str
        ``"new"``, ``"made"``, ``"under way"``, ``"skipped"`` or ``"in trouble"``.
    reason : str or None
        Why it is skipped, or what is wrong.
    price : Decimal or None
        USD, None where it is unknown.
    """

    index: int
    at: tuple[int, ...]
    cell: Cell
    state: str
    reason: str | None
    price: Decimal | None


def state_of(status: str) -> str:
    """Return how the status of a row is shown in a layout."""
    if status in NEW:
        return "new"
    if status == State.DONE:
        return "made"
    if status in LIVE:
        return "under way"
    return "skipped" if status == State.SKIPPED else "in trouble"


@dataclass(frozen=True, slots=True)
class Totals:
    """What a layout comes to, over all its places.

    Attributes
    ----------
    counts : mapping of str to int
        How many places are in each state.
    reasons : mapping of str to int
        How many places each reason holds for.
    seconds : int
        Footage that is wanted.
    usd : Decimal
        Price of the new ones, as far as it is known.
    unpriced : int
        How many of the new ones have no known price.
    time : str
        How long making the new ones takes, in words; empty where nothing is said of it.
    basis : str
        Where their price is from, in words, and what it may be where it is unknown.
    """

    counts: Mapping[str, int]
    reasons: Mapping[str, int]
    seconds: int
    usd: Decimal
    unpriced: int
    time: str = ""
    basis: str = ""


def totals_of(tiles: Iterable[Tile], time: str = "", basis: str = "") -> Totals:
    """Return what tiles come to."""
    counts, reasons = Counter[str](), Counter[str]()
    seconds, prices = 0, list[Decimal | None]()
    for tile in tiles:
        counts[tile.state] += 1
        if tile.reason is not None:
            reasons[tile.reason] += 1
        if tile.state != "skipped":
            seconds += tile.cell.seconds
        if tile.state == "new":
            prices.append(tile.price)
    return Totals(counts, reasons, seconds, total(prices), prices.count(None), time, basis)


_UNPRICED = frozenset({"prompt", "size", "seed", "negative_prompt"})
"""Fields of the request on which no price depends, and no time."""


def planned(
    combinations: Combinations,
    rows: str | Iterable[str] | None,
    cols: str | Iterable[str] | None,
    timed: Callable[[Sequence[tuple[Cell, int]]], str],
    basis: Callable[[Sequence[tuple[Cell, int]]], str],
) -> Preview:
    """Return the layout of a grid of which nothing is made yet.

    ``timed`` says how long so many clips of each cell take together, ``basis`` where their
    prices are from.

    What all its cells come to is counted by what prices depend on, not cell by cell.
    """
    sums, unpriced, seconds = list[Decimal](), 0, 0
    kinds: list[tuple[Cell, int]] = []
    names = [axis.name for axis in combinations.axes if axis.sent and axis.name not in _UNPRICED]
    for position, count in combinations.classes(names):
        [cell] = combinations.cells([position])
        price = cell.price()
        if price is None:
            unpriced += count
        else:
            sums.append(price * count)
        seconds += cell.seconds * count
        kinds.append((cell, count))
    counts = {"new": len(combinations.active), "skipped": len(combinations) - len(combinations.active)}
    totals = Totals(
        counts,
        Counter(combinations.reasons.values()),
        seconds,
        total(sums),
        unpriced,
        timed(kinds),
        basis(kinds),
    )
    first = combinations.positions[:_MOST_TILES]
    tiles = []
    for index, (position, cell) in enumerate(zip(first, combinations.cells(first), strict=True)):
        reason = combinations.reasons.get(position)
        state = "new" if reason is None else "skipped"
        tiles.append(Tile(index, combinations.codes(index), cell, state, reason, cell.price()))
    return Preview(combinations.axes, tiles, totals, rows=rows, cols=cols)


class Preview:
    """The layout that the gallery will have, in text and in HTML.

    Parameters
    ----------
    axes : sequence of Axis
    tiles : sequence of Tile
        The places to draw, in grid order; the first thousand are.
    totals : Totals
        What all places come to.
    rows, cols : str or list of str, optional
        Axis names, outermost first; chosen as by the gallery when left out.

    Attributes
    ----------
    tiles : tuple of Tile
        The places that are drawn.
    counts : dict of str to int
        How many places are in each state, those that are not drawn included.
    reasons : dict of str to int
        How many places each reason holds for, the most frequent first.
    usd : Decimal
        Price of the new ones, as far as it is known.
    unpriced : int
        How many of the new ones have no known price; they are not free.
    time : str
        How long making the new ones takes, in words.

    Raises
    ------
    GridError
        If a name is no axis.
    """

    def __init__(
        self,
        axes: Sequence[Axis],
        tiles: Sequence[Tile],
        totals: Totals,
        rows: str | Iterable[str] | None = None,
        cols: str | Iterable[str] | None = None,
    ) -> None:
        self.axes = tuple(axes)
        self.tiles = tuple(tiles[:_MOST_TILES])
        self._shown = sides(self.axes, rows, cols)
        self.counts = {state: totals.counts[state] for state in _SIGNS if totals.counts.get(state)}
        self.reasons = dict(Counter(totals.reasons).most_common())
        self.usd, self.unpriced, self.time = totals.usd, totals.unpriced, totals.time
        self._seconds, self._basis = totals.seconds, totals.basis
        self._sheet = Pivot(self.axes, [tile.at for tile in self.tiles], self._shown)
        self._marks = {reason: number for number, reason in enumerate([*self.reasons][:_MOST_REASONS], 1)}

    @property
    def rows(self) -> tuple[str, ...]:
        """Names of the axes along the rows, outermost first."""
        return self._shown.rows

    @property
    def cols(self) -> tuple[str, ...]:
        """Names of the axes along the columns, outermost first."""
        return self._shown.cols

    @property
    def price(self) -> str:
        """What the new ones cost, in words; unknown prices stay unknown."""
        new = self.counts.get("new", 0)
        if new and self.unpriced == new:
            return "price unknown"
        unknown = f" and {self.unpriced} of unknown price" if self.unpriced else ""
        return f"{dollars(self.usd)}{unknown}"

    def _headline(self, times: str) -> str:
        every = sum(self.counts.values())
        live = every - self.counts.get("skipped", 0)
        varied = [axis.name for axis in self.axes if len(axis) > 1]
        shape = [
            f"{axis.name} {len(axis)}"
            for axis in self.axes
            if axis.name in varied and not settled(axis, varied)
        ]
        count = f"{live:,} {'cell' if live == 1 else 'cells'}{f' of {every:,}' if live < every else ''}"
        parts = [f"{count}: {times.join(shape)}" if shape else count, f"{self._seconds:,} s of footage"]
        if self.counts.get("new"):
            parts += [self.price, self.time] if self.time else [self.price]
        return "; ".join(parts)

    def _everywhere(self) -> str:
        """Say what all cells have in common."""
        fixed = [
            speak(axis, 0)
            for axis in self.axes
            if len(axis) == 1 and axis.name != "take" and axis.values[0] not in ((), None)
        ]
        return ", ".join(fixed)

    # In text

    def __repr__(self) -> str:
        lines = [f"Preview: {self._headline(' x ')}"]
        if self._basis:
            lines.append(self._basis)
        if self._everywhere():
            lines.append(f"all with {self._everywhere()}")
        lines += ["", *self._table(), ""]
        lines.append("  ".join(f"{_SIGNS[state]} {state} {count:,}" for state, count in self.counts.items()))
        lines += [f"x{mark} {reason} ({self.reasons[reason]:,})" for reason, mark in self._marks.items()]
        return "\n".join([*lines, *self._rest()])

    def _table(self) -> list[str]:
        sheet = self._sheet
        heads = [
            " / ".join(_cut(speak(axis, at)) for axis, at in zip(sheet.rows, key, strict=True))
            for key in sheet.row_keys
        ]
        left = max([len(head) for head in heads] + [0])
        tops = [
            [_cut(speak(axis, key[level]), 16) for key in sheet.col_keys]
            for level, axis in enumerate(sheet.cols)
        ]
        boxes = [
            [
                " ".join(self._sign(self.tiles[number]) for number in sheet.boxes.get((row, col), []))
                for col in sheet.col_keys
            ]
            for row in sheet.row_keys
        ]
        widths = [
            max(len(text) for text in (*(top[at] for top in tops), *(line[at] for line in boxes)))
            for at in range(len(sheet.col_keys))
        ]
        found = [_line("", left, _once(top, sheet.col_keys, level), widths) for level, top in enumerate(tops)]
        found += [_line(head, left, line, widths) for head, line in zip(heads, boxes, strict=True)]
        return found

    def _sign(self, tile: Tile) -> str:
        return f"{_SIGNS[tile.state]}{self._marks.get(tile.reason or '', '')}"

    def _rest(self) -> list[str]:
        found = []
        if len(self.reasons) > len(self._marks):
            found.append(f"and {len(self.reasons) - len(self._marks)} more reasons")
        every = sum(self.counts.values())
        if every > len(self.tiles):
            found.append(f"the first {len(self.tiles):,} of {every:,} places are shown")
        return found

    # In HTML

    @without_mathematics
    def _repr_html_(self) -> str:
        head = html.escape(self._headline(" × "))  # noqa: RUF001 - the sign for times
        everywhere = f"all with {self._everywhere()}" if self._everywhere() else ""
        common = "".join(
            f'<div style="{_NOTE}">{html.escape(text)}</div>' for text in (self._basis, everywhere) if text
        )
        table = self._sheet.html(self._draw)
        return (
            '<div style="font-family:system-ui,sans-serif;font-size:13px;line-height:1.4;overflow-x:auto">'
            f"<div><strong>{head}</strong></div>{common}"
            f'<table style="border-collapse:separate;border-spacing:2px;border:0;margin:4px 0;color:inherit">{table}</table>'
            f"{self._legend()}</div>"
        )

    def _draw(self, numbers: list[int]) -> str:
        return "".join(self._tile(number) for number in numbers)

    def _tile(self, number: int) -> str:
        tile = self.tiles[number]
        mark = f"<sup {_MARK}>{self._marks[tile.reason]}</sup>" if tile.reason in self._marks else ""
        caption = self._sheet.caption(number)
        said = " · ".join(part for part in (caption, tile.state, tile.reason or "", _priced(tile)) if part)
        shown = {
            "new": caption or _priced(tile) or "+",
            "made": f"✓ {caption}".strip(),
            "skipped": caption or "–",  # noqa: RUF001 - a dash for nothing
        }.get(tile.state, f"{_SIGNS[tile.state]} {caption}".strip())
        inside = html.escape(_cut(shown, _WIDEST))
        return f'<span title="{html.escape(said)}" style="{_TILE};{_LOOKS[tile.state]}">{inside}{mark}</span>'

    def _legend(self) -> str:
        states = "".join(
            f'<span style="{_TILE};{_LOOKS[state]}">{state} {count:,}</span>'
            for state, count in self.counts.items()
        )
        reasons = "".join(
            f"<div><sup {_MARK}>{mark}</sup> {html.escape(reason)} ({self.reasons[reason]:,})</div>"
            for reason, mark in self._marks.items()
        )
        rest = "".join(f"<div>{html.escape(text)}</div>" for text in self._rest())
        return f'<div style="{_NOTE}">{states}{reasons}{rest}</div>'


def _priced(tile: Tile) -> str:
    return dollars(tile.price) if tile.state == "new" and tile.price is not None else ""


def _once(texts: Sequence[str], keys: Sequence[tuple[int, ...]], level: int) -> list[str]:
    """Return the headers of one level, each where it begins."""
    begins = {start for _, start, _ in runs(keys, level)}
    return [text if at in begins else "" for at, text in enumerate(texts)]


def _cut(text: str, most: int = 40) -> str:
    plain = " ".join(text.split())
    return plain if len(plain) <= most else f"{plain[: most - 1]}…"


def _line(head: str, left: int, texts: Sequence[str], widths: Sequence[int]) -> str:
    shown = "  ".join(text.ljust(width) for text, width in zip(texts, widths, strict=True))
    return f"{head.ljust(left)}  {shown}".rstrip()
