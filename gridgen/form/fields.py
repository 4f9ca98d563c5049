"""The fields of the form that builds a grid, on ipywidgets."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import ipywidgets
import traitlets as t

from gridgen.errors import GridError
from gridgen.grid import Grid
from gridgen.models import catalogue
from gridgen.money import dollars

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["LEFT", "WIDE", "Chips", "Slots", "lines_of", "priced", "searched"]

WIDE = {"width": "calc(100% - 4px)"}
"""Layout of a field that takes the form's whole width."""

LEFT = {"description_width": "84px"}
"""Style of a field whose name stands left of it."""


def lines_of(text: str) -> tuple[str, ...]:
    """Return the lines of a field that say something, each once."""
    return tuple(dict.fromkeys(line.strip() for line in text.splitlines() if line.strip()))


@functools.cache
def priced() -> tuple[tuple[str, str], ...]:
    """Return each model of the catalogue with what its usual clip costs, as a label, and its name."""
    return tuple((f"{name}: {_price_of(name)}", name) for name in catalogue())


def searched(words: str, chosen: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """Return those models whose names have all of these words in them, and those that are chosen."""
    wanted, kept = words.lower().split(), set(chosen)
    return tuple(
        (label, name)
        for label, name in priced()
        if name in kept or all(word in name.lower() for word in wanted)
    )


def _price_of(name: str) -> str:
    try:
        [cell] = Grid(prompt="a", model=name)
    except GridError:
        return "needs an image"
    price = cell.price()
    return "price unknown" if price is None else f"from {dollars(price)} for {cell.seconds} s"


class Chips(ipywidgets.HBox):  # type: ignore[misc]  # ipywidgets has no types
    """A row of switches, one for each value that may be ticked.

    Parameters
    ----------
    says : str
        The field's name.
    """

    value = t.Tuple()

    def __init__(self, says: str) -> None:
        self._label = ipywidgets.Label(says, layout={"width": "84px", "justify_content": "flex-end"})
        self._row = ipywidgets.HBox(layout={"flex_flow": "row wrap", "padding": "0 0 0 4px"})
        super().__init__([self._label, self._row])

    def offer(self, values: Iterable[str]) -> None:
        """Offer these values; what was ticked stays so where it is still offered."""
        values = list(dict.fromkeys(values))
        kept = set(self.value)
        if [switch.description for switch in self._row.children] != values:
            old, self._row.children = (
                self._row.children,
                [self._switch(text, text in kept) for text in values],
            )
            for switch in old:
                switch.close()
        self.layout.display = None if values else "none"
        self._collect()

    def tick(self, values: Iterable[str]) -> None:
        """Tick these, and nothing else."""
        wanted = set(values)
        for switch in self._row.children:
            switch.value = switch.description in wanted

    def _switch(self, text: str, on: bool) -> ipywidgets.ToggleButton:  # noqa: FBT001 - private
        switch = ipywidgets.ToggleButton(on, description=text, layout={"width": "auto", "min_width": "64px"})
        _tick(switch)
        switch.observe(self._ticked, "value")
        return switch

    def _ticked(self, change: Any) -> None:
        _tick(change["owner"])
        self._collect()

    def _collect(self) -> None:
        self.value = tuple(switch.description for switch in self._row.children if switch.value)


def _tick(switch: ipywidgets.ToggleButton) -> None:
    """Show by colour and by a tick whether a switch is on."""
    switch.button_style, switch.icon = ("info", "check") if switch.value else ("", "")


class Slots(ipywidgets.VBox):  # type: ignore[misc]  # ipywidgets has no types
    """A field for the texts of each slot that the prompts name."""

    value = t.Dict()

    def __init__(self) -> None:
        self._fields: dict[str, ipywidgets.Textarea] = {}
        super().__init__()

    def name(self, slots: Sequence[str]) -> None:
        """Show a field for each of these; what was written for others is kept for their return."""
        for slot in slots:
            if slot not in self._fields:
                self._fields[slot] = ipywidgets.Textarea(
                    description=f"{{{slot}}}",
                    placeholder=f"what stands for {slot}, one a line",
                    rows=2,
                    layout=WIDE,
                    style=LEFT,
                )
                self._fields[slot].observe(self._collect, "value")
        self.children = [self._fields[slot] for slot in slots]
        self._collect()

    def fill(self, slots: dict[str, Sequence[str]]) -> None:
        """Write texts into the fields."""
        self.name(list(slots))
        for slot, texts in slots.items():
            self._fields[slot].value = "\n".join(texts)

    def _collect(self, _change: Any = None) -> None:
        shown = [slot for slot, field in self._fields.items() if field in self.children]
        self.value = {slot: lines_of(self._fields[slot].value) for slot in shown}
