"""The places of a grid: positions in the product of its axes, and why some are skipped."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from gridgen.grid.axes import check_text
from gridgen.grid.cells import FIELDS, Cell

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from gridgen.grid.axes import Axis
    from gridgen.models import Model

__all__ = ["Combinations"]

_Reader = tuple[int, int, tuple[Any, ...]]
"""An axis's stride, its length, and what stands on it."""


class Combinations:
    """Every place of a grid in its order: what is to be made, and what is skipped and why.

    A position is a number in the mixed radix of the axes' lengths, the last axis
    counting ones. Two places that ask for the same clip are never both made: the
    later one is skipped.

    Parameters
    ----------
    axes : sequence of Axis
    positions : sequence of int
        Each at most once.
    reasons : mapping of int to str
        Why a position is skipped.
    records : mapping of str to Model
        Models by id that are not the catalogue's.

    Attributes
    ----------
    left_out, reasons : mapping of int to str
        Why positions are skipped: by those who made the grid, and in all.
    active : sequence of int
        Indices of the places that are to be made, in order.
    """

    def __init__(
        self,
        axes: Sequence[Axis],
        positions: Sequence[int],
        reasons: Mapping[int, str] = MappingProxyType({}),
        records: Mapping[str, Model] = MappingProxyType({}),
    ) -> None:
        self.axes = tuple(axes)
        self.positions = positions
        self.records = records
        self.strides = strides([len(axis) for axis in self.axes])
        self.left_out = reasons
        self.reasons = {**reasons, **self._duplicates()}
        self.active: Sequence[int] = range(len(positions))
        if self.reasons:
            self.active = [at for at, position in enumerate(positions) if position not in self.reasons]

    def __len__(self) -> int:
        return len(self.positions)

    def codes(self, index: int) -> tuple[int, ...]:
        """Return where a place stands on each axis."""
        position = self.positions[index]
        return tuple(
            position // stride % len(axis) for stride, axis in zip(self.strides, self.axes, strict=True)
        )

    def coordinates(self, index: int) -> dict[str, int]:
        """Return where a place stands, by the name of the axis."""
        return dict(zip((axis.name for axis in self.axes), self.codes(index), strict=True))

    def active_positions(self) -> Sequence[int]:
        """Return the positions of the places that are to be made."""
        if not self.reasons:
            return self.positions
        return [position for position in self.positions if position not in self.reasons]

    def active_column(self, axis: Axis) -> list[int]:
        """Return where each place that is to be made stands on one axis."""
        stride, length = self.strides[self.axes.index(axis)], len(axis)
        return [position // stride % length for position in self.active_positions()]

    def classes(self, names: Sequence[str]) -> list[tuple[int, int]]:
        """Return a position for each combination of values that live places have on some axes, and how often it comes."""
        columns = [self.active_column(self.axis(name)) for name in names if len(self.axis(name)) > 1]
        live = self.active_positions()
        if not columns:
            return [(live[0], len(live))] if live else []
        keys = list(zip(*columns, strict=True))
        first = dict(zip(reversed(keys), reversed(live), strict=True))
        return [(first[key], count) for key, count in Counter(keys).items()]

    def cell(self, index: int) -> Cell:
        """Return what is asked for at a place."""
        return next(self.cells([self.positions[index]]))

    def reason(self, index: int) -> str | None:
        """Return why a place is skipped, None if it is not."""
        return self.reasons.get(self.positions[index])

    def column(self, name: str) -> list[int]:
        """Return where every place stands on one axis."""
        at = [axis.name for axis in self.axes].index(name)
        stride, length = self.strides[at], len(self.axes[at])
        return [position // stride % length for position in self.positions]

    def axis(self, name: str) -> Axis:
        """Return an axis by its name."""
        return next(axis for axis in self.axes if axis.name == name)

    def cells(self, positions: Iterable[int] | None = None) -> Iterator[Cell]:
        """Yield what is asked for at each position, all of them by default."""
        fields = [self._reader(name) for name in FIELDS]
        stated: list[Any] = [values[0] if values else None for _, _, values in fields]
        varied = [(at, *reader) for at, reader in enumerate(fields) if reader[1] > 1]
        extras = [self._named(axis.name) for axis in self._beside(sent=True)]
        labels = [self._named(axis.name) for axis in self._beside(sent=False)]
        records = self.records
        for position in self.positions if positions is None else positions:
            for at, stride, length, values in varied:
                stated[at] = values[position // stride % length]
            prompt, size, duration, quality, images, model = stated
            yield Cell(
                prompt,
                size,
                duration,
                quality,
                images,
                model,
                tuple([pair for pair in _read(extras, position) if pair[1] is not None]) if extras else (),
                tuple(_read(labels, position)) if labels else (),
                records.get(model) if records else None,
            )

    def _beside(self, *, sent: bool) -> list[Axis]:
        found = [axis for axis in self.axes if axis.sent is sent and axis.name not in FIELDS]
        return sorted(found, key=lambda axis: axis.name) if sent else found

    def _reader(self, name: str) -> _Reader:
        for axis, stride in zip(self.axes, self.strides, strict=True):
            if axis.name == name:
                return stride, len(axis), axis.values
        raise KeyError(name)

    def _named(self, name: str) -> _Reader:
        """Return the reader of an axis whose values come with its name."""
        stride, length, values = self._reader(name)
        return stride, length, tuple((name, value) for value in values)

    def _duplicates(self) -> dict[int, str]:
        """Find places that ask for the same as an earlier one: only labels set them apart."""
        if all(axis.sent or len(axis) == 1 for axis in self.axes):
            return {}
        sent = [axis.name for axis in self.axes if axis.sent and len(axis) > 1]
        requests = zip(*(self.column(name) for name in sent), strict=True) if sent else itertools.repeat(())
        first: dict[tuple[int, ...], int] = {}
        twins = {}
        for at, (position, request) in enumerate(zip(self.positions, requests, strict=False)):
            if position not in self.left_out and first.setdefault(request, at) != at:
                twins[position] = f"asks for the same clip as cell {first[request]} of the grid"
        return twins

    def skipping(self, reasons: Mapping[int, str]) -> Combinations:
        """Return the same places, more of them skipped; an earlier reason stays.

        Raises
        ------
        GridError
            If a reason has half a character.
        """
        for reason in set(reasons.values()):
            check_text("the reason", reason)
        return Combinations(self.axes, self.positions, {**reasons, **self.left_out}, self.records)

    def keeping(self, positions: Sequence[int]) -> Combinations:
        """Return only these positions, in the order given."""
        kept = set(positions) if self.left_out else ()
        reasons = {position: why for position, why in self.left_out.items() if position in kept}
        return Combinations(self.axes, positions, reasons, self.records)

    def narrowed(self) -> Combinations:
        """Return the same places without the values that none of them has."""
        used = [sorted(set(self.column(axis.name))) for axis in self.axes]
        if not self.positions or all(
            len(codes) == len(axis) for codes, axis in zip(used, self.axes, strict=True)
        ):
            return self
        axes = [axis.having(codes) for axis, codes in zip(self.axes, used, strict=True)]
        steps = strides([len(axis) for axis in axes])
        columns = []
        for axis, codes, step in zip(self.axes, used, steps, strict=True):
            there = {code: at * step for at, code in enumerate(codes)}
            columns.append([there[code] for code in self.column(axis.name)])
        return self._moved(axes, [sum(parts) for parts in zip(*columns, strict=True)])

    def _moved(self, axes: Sequence[Axis], positions: Sequence[int]) -> Combinations:
        """Return the same places under other axes, where each has another position."""
        at = dict(zip(self.positions, positions, strict=True)) if self.left_out else {}
        reasons = {at[position]: why for position, why in self.left_out.items()}
        return Combinations(axes, positions, reasons, self.records)

    def recoded(self, axes: Sequence[Axis]) -> Combinations:
        """Return the same places under axes that have all the values of these, in whatever order."""
        if tuple(axes) == self.axes:
            return self
        steps = strides([len(axis) for axis in axes])
        shifts = []
        fixed = 0
        for axis, step in zip(axes, steps, strict=True):
            own = next((each for each in self.axes if each.name == axis.name), None)
            if own is None:
                fixed += absent(axis) * step
                continue
            there = codes_of(own.values, axis.values)
            shifts.append((own.name, [at * step for at in there]))
        columns = [[shift[code] for code in self.column(name)] for name, shift in shifts]
        return self._moved(axes, [sum(parts, fixed) for parts in zip(*columns, strict=True)])


def strides(lengths: Sequence[int]) -> tuple[int, ...]:
    """Return what one step along each axis adds to a position."""
    return tuple(math.prod(lengths[at + 1 :]) for at in range(len(lengths)))


def absent(axis: Axis) -> int:
    """Return where cells stand on an axis that they were made without."""
    return axis.values.index(() if axis.name == "image_urls" else None)


def codes_of(values: Sequence[Any], among: Sequence[Any]) -> list[int]:
    """Return where each value stands among others, by type and value."""
    try:
        found = {(type(value), value): at for at, value in reversed(list(enumerate(among)))}
        return [found[type(value), value] for value in values]
    except TypeError:
        return [among.index(value) for value in values]


def _read(readers: Sequence[_Reader], position: int) -> list[Any]:
    return [values[position // stride % length] for stride, length, values in readers]
