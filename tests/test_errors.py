"""Errors and grids go through pickle and copy whole, as pools of processes send them."""

from __future__ import annotations

import copy
import multiprocessing
import pickle
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

from gridgen import Cell, Grid, GridgenError, Task, errors
from gridgen.client.links import InsideError, RefusedError
from gridgen.media import MediaError
from gridgen.sweep.submitting import StoppedError

BOAT = Cell("boat", "16:9", 6, "480p")
TASK = Task("task_1")
ERRORS = [
    errors.GridgenError("no"),
    errors.GridError("no"),
    errors.MissingKeyError("no"),
    errors.BudgetError("no"),
    errors.JournalError("no"),
    errors.APIError("no", status=500, code="broken", request_id="r1"),
    errors.AuthenticationError("no", status=401),
    errors.OutOfCreditsError("no", status=402),
    errors.RateLimitError("no", retry_after=3.0),
    errors.NetworkError("no", trusted=False),
    errors.UnknownOutcome("no", cell=BOAT, evidence="sent", idempotency_key="k"),
    errors.TaskFailed("no", task=TASK),
    errors.TaskTimeout("no", task=TASK),
    RefusedError("no"),
    InsideError("no"),
    MediaError(Path("boat.mp4"), "is no video"),
]


def kinds(base: type[BaseException]) -> set[type[BaseException]]:
    """Return a class and all that derive from it."""
    return {base}.union(*(kinds(each) for each in base.__subclasses__()))


def test_every_error_is_tried():
    """Case N4: no error of ours is left out of what follows, but one that never leaves the engine."""
    assert kinds(GridgenError) - {type(error) for error in ERRORS} <= {StoppedError}


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("again", [lambda error: pickle.loads(pickle.dumps(error)), copy.deepcopy, copy.copy])
def test_errors_survive_a_round_trip(error, again):
    """Case N4: kind, message, arguments and all that it tells are the same after pickling and copying."""
    found = again(error)

    assert (type(found), str(found), found.args, vars(found)) == (
        type(error),
        str(error),
        error.args,
        vars(error),
    )


def test_a_grid_survives_a_round_trip():
    """Case N4: a grid with templates, exclusions and samples is equal after pickling and copying, cell by cell."""
    grid = Grid(
        prompt=["a boat", "a kite"], size=["16:9", "9:16"], exclude=[{"prompt": "a boat", "size": "9:16"}]
    )
    for found in (pickle.loads(pickle.dumps(grid)), copy.deepcopy(grid)):
        assert (found == grid, list(found), repr(found)) == (True, list(grid), repr(grid))


def raise_media_error(_number: int) -> None:
    """Fail as a probe of a broken clip does."""
    raise MediaError(Path("boat.mp4"), "is no video")


def test_a_media_error_comes_out_of_a_pool_of_processes():
    """Case N4: an error that is raised in a worker arrives as itself, and the pool goes on."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        with pytest.raises(MediaError, match="is no video"):
            pool.submit(raise_media_error, 1).result()
        assert pool.submit(abs, -1).result() == 1
