"""From what a person typed to the places of a grid: parse, resolve, multiply."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gridgen.grid.axes import Linked
from gridgen.grid.combinations import Combinations
from gridgen.grid.multiply import multiplied
from gridgen.grid.resolve import Typed, resolved
from gridgen.models import DEFAULT_MODEL, Model, find
from gridgen.templates import Template
from gridgen.values import plain

__all__ = ["Built", "build"]


@dataclass(frozen=True, slots=True)
class Built:
    """What came of it.

    Attributes
    ----------
    combinations : Combinations
        Nothing is skipped yet.
    models : tuple of Model
        In the order of their axis.
    unsaid : frozenset of str
        Fields that the user left to the models.
    warnings : list of str
        What the user should know.
    """

    combinations: Combinations
    models: tuple[Model, ...]
    unsaid: frozenset[str]
    warnings: list[str]


def build(typed: Mapping[str, Any], links: Sequence[Linked]) -> Built:
    """Return the places of the grid that was typed.

    Parameters
    ----------
    typed : mapping
        The keywords of `gridgen.Grid` in their order, without ``where`` and ``exclude``.
    links : sequence of Linked
        Axes tied together, which come first.

    Raises
    ------
    GridError
        Naming all that is wrong.
    """
    found = resolved(parsed(typed, links))
    axes, positions, advice = multiplied(found)
    records = {model.id: model for model in found.models if find(model.id) is not model}
    combinations = Combinations(axes, positions, records=records)
    return Built(combinations, found.models, found.unsaid, [*found.warnings, *advice])


def parsed(typed: Mapping[str, Any], links: Sequence[Any]) -> Typed:
    """Sort what was typed into links and axes, and see which models and slots it speaks of; nothing is checked."""
    axes = dict(typed)
    more = axes.pop("linked", ())
    links = (*links, *(more if isinstance(more, (list, tuple)) else (more,)))
    linked = [link.axes["model"] for link in links if isinstance(link, Linked) and "model" in link.axes]
    models = axes.get("model", linked[0] if linked else DEFAULT_MODEL)
    return Typed(axes, links, models, frozenset(_open_slots(axes.get("prompt"))))


def _open_slots(prompt: Any) -> set[str]:
    """Return the slots that the templates among prompts leave to the grid."""
    found = list(prompt.values()) if isinstance(prompt, Mapping) else prompt
    found = [plain(each).value for each in (found if isinstance(found, (list, tuple)) else [found])]
    return {name for each in found if isinstance(each, Template) for name in each.wanted}
