"""A maker of simulators in virtual time."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pytest

from gridgen.simulator import Simulator
from simulator.asking import Asker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture
def world() -> Iterator[Callable[..., Asker]]:
    """Yield a maker of askers; their simulators are closed at the end."""
    made: list[Simulator] = []

    def make(**options: Any) -> Asker:
        simulator = Simulator(**{"speed": math.inf, "clips": "tiny", **options})
        made.append(simulator)
        return Asker(simulator)

    yield make
    for simulator in made:
        simulator.close()
