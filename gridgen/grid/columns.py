"""Axes in the making: values as they are found, and which of them go together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gridgen.grid.axes import Axis, check_text, labelled
from gridgen.values import Value

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gridgen.templates import Part

__all__ = ["Column", "Factor"]


class Column:
    """An axis in the making."""

    def __init__(self, name: str, *, sent: bool = True, follows: tuple[str, ...] = ()) -> None:
        self.name, self.sent, self.follows = name, sent, follows
        self.values: list[Any] = []
        self.entries: list[Value] = []
        self._found: dict[Any, int] = {}

    def code(self, entry: Value, value: Any) -> int:
        """Return where a value stands, adding it if need be."""
        new = len(self.values)
        try:
            at = self._found.setdefault((type(value), value), new)
        except TypeError:
            at = self._found.setdefault((type(value), repr(value)), new)
        if at == new:
            self.values.append(value)
            self.entries.append(entry)
        return at

    def unnamed(self) -> int:
        """Return where nothing stands, which is the place of prompts that do not name this axis."""
        return self.code(Value(None), None)

    def narrowed(self, codes: list[int]) -> list[int]:
        """Drop the values that no cell has, and return the codes under those that are left."""
        used = sorted(set(codes))
        if len(used) == len(self.values):
            return codes
        self.values = [self.values[code] for code in used]
        self.entries = [self.entries[code] for code in used]
        moved = {code: at for at, code in enumerate(used)}
        return [moved[code] for code in codes]

    def axis(self) -> Axis:
        """Return it, finished.

        Raises
        ------
        GridError
            If some text that only people read has half a character.
        """
        self._check_texts()
        notes = tuple(entry.note for entry in self.entries)
        weights = tuple(entry.weight for entry in self.entries)
        return Axis(
            self.name,
            tuple(self.values),
            labelled(self.name, self.values, [entry.label for entry in self.entries]),
            notes if any(notes) else (),
            weights if len(set(weights)) > 1 else (),
            self.sent,
            self.follows,
        )

    def _check_texts(self) -> None:
        check_text("the axis", self.name)
        for entry, value in zip(self.entries, self.values, strict=True):
            check_text(f"{self.name}: the label", entry.label)
            check_text(f"{self.name}: the note", entry.note)
            if not self.sent:
                check_text(f"{self.name}: the value", value)


@dataclass(frozen=True, slots=True)
class Factor:
    """Axes that vary together: their names, and where each step stands on them.

    ``texts`` is what each step of a template writes, where an axis of the grid has to
    fill it up; ``wanted`` names these axes.
    """

    names: tuple[str, ...]
    rows: Sequence[tuple[int, ...]]
    texts: Sequence[tuple[Part, ...]] = ()
    wanted: tuple[str, ...] = ()
