"""The models that a simulated server offers: those of the catalogue, and a person's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gridgen.models import catalogue, find, unseen

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from gridgen.models import Model

__all__ = ["ModelRegistry"]


class ModelRegistry:
    """Models by id.

    Parameters
    ----------
    further : iterable of Model, default ()
        Offered beside those of the catalogue; one of the same id takes its place.
    """

    def __init__(self, further: Iterable[Model] = ()) -> None:
        self._models = {**catalogue(), **{model.id: model for model in further}}

    def __iter__(self) -> Iterator[Model]:
        return iter(self._models.values())

    def find(self, name: str) -> Model | None:
        """Return a model by its id, or by another name of the catalogue's; None for one that is not offered.

        Those of which only the name is known are made too, and never listed.
        """
        if name in self._models or not name.strip():
            return self._models.get(name)
        found = find(name).id
        return self._models.get(found) or unseen().get(found)
