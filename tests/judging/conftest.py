"""Finished sweeps to judge."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gridgen import Grid, Sweep

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from gridgen import Simulator


@pytest.fixture
def planned(simulate: Callable[..., Simulator], tmp_path: Path) -> Sweep:
    """Eight clips that nobody asked for yet: two prompts, two sizes, two durations."""
    grid = Grid(prompt=["a paper boat", "a red fox"], size=["16:9", "9:16"], duration=[6, 10])
    return Sweep(grid, client=simulate().client(), folder=tmp_path / "boats", previews=False)


@pytest.fixture
def sweep(planned: Sweep) -> Sweep:
    """The same eight clips, finished."""
    planned.run()
    return planned
