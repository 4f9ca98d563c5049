"""What the tests share: simulators in virtual time, and an environment without a key."""

from __future__ import annotations

import logging
import math
from typing import TYPE_CHECKING, Any

import pytest
from creeping import CreepingClock
from hypothesis import settings

from gridgen import Grid, Simulator
from gridgen.journal import Journal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# the same examples in every run, so that what fails, fails again; --hypothesis-profile=default looks further
settings.register_profile("steady", derandomize=True, deadline=None)
settings.load_profile("steady")

# in use such a step is logged, and what was paid is kept
Journal.strict = True


def pytest_addoption(parser: pytest.Parser) -> None:
    """Offer the clock of which no two readings are the same."""
    parser.addoption("--creeping", action="store_true", help="virtual time goes on a little at each reading")


def pytest_configure(config: pytest.Config) -> None:
    """Give every simulator in virtual time that clock, where it was asked for."""
    if config.getoption("--creeping"):
        patch = pytest.MonkeyPatch()
        patch.setattr("gridgen.simulator.in_process.VirtualClock", CreepingClock)
        config.add_cleanup(patch.undo)


@pytest.fixture(autouse=True)
def nothing_is_neglected(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """No sweep may rest with work that nothing would have woken it for, though it is woken all the same."""
    yield
    records = [each for each in caplog.get_records("call") if each.name == "gridgen"]
    assert [each.getMessage() for each in records if each.levelno >= logging.WARNING] == []


@pytest.fixture(autouse=True)
def no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test may find a real key in the environment."""
    monkeypatch.delenv("APIMART_API_KEY", raising=False)


@pytest.fixture(autouse=True)
def own_data_folder(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """No test leaves anything in the folders of the person who runs it, or finds anything there."""
    monkeypatch.setenv("GRIDGEN_DATA_DIR", str(tmp_path_factory.mktemp("gridgen-data")))


@pytest.fixture
def simulate() -> Iterator[Callable[..., Simulator]]:
    """Make simulators with tiny clips, in virtual time unless told otherwise; close them afterwards."""
    made: list[Simulator] = []

    def make(**options: Any) -> Simulator:
        made.append(Simulator(**{"speed": math.inf, "clips": "tiny", **options}))
        return made[-1]

    yield make
    for simulator in made:
        simulator.close()


@pytest.fixture
def boats() -> Grid:
    """Eight cells: two prompts, two sizes, two durations."""
    return Grid(
        prompt=["a paper boat crossing a puddle", "a paper boat in a storm"],
        size=["16:9", "9:16"],
        duration=[6, 10],
    )
