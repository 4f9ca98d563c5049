"""Errors and grids go through pickle and copy whole, as pools of processes send them."""

from __future__ import annotations

import copy
import multiprocessing
import pickle
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from gridgen import Cell, Grid, GridError, GridgenError, Task, errors
from gridgen.client.links import InsideError, RefusedError
from gridgen.media import MediaError
from gridgen.sweep.submitting import StoppedError

if TYPE_CHECKING:
    from collections.abc import Callable

BOAT = Cell("boat", "16:9", 6, "480p")
TASK = Task("task_1")
ERRORS = [
    errors.GridgenError("no"),
    errors.GridError("no"),
    errors.GridError(errors.Problem("no", "size", "4:5", ("1:1",)), "nor this", nothing="Nothing was sent."),
    errors.CallError("no"),
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


def refused(make: Callable[[], object]) -> GridError:
    """Return the error of input that is wrong."""
    with pytest.raises(GridError) as caught:
        make()
    return caught.value


def test_an_axis_error_tells_its_parts():
    """A wrong value tells its field, itself and what is offered; a wrong name the nearest one and all there are."""
    [value] = refused(lambda: Grid(prompt="a", size="4:5")).problems
    [name] = refused(lambda: Grid(prompt="a", sizes="16:9")).problems

    assert (value.field, value.value, value.hint, value.line) == ("size", "4:5", "", None)
    assert value.offered == ("16:9", "9:16", "1:1", "3:2", "2:3")
    assert (name.field, name.hint) == ("sizes", "size")
    assert {"prompt", "size", "duration"} <= {*name.offered}


def test_several_problems_are_told_apart():
    """Each mistake is a problem of its own, and the text is made of them: a line each, then what did not happen."""
    error = refused(lambda: Grid(prompt="", size="4:5", duration=["six", 31], colour="red"))

    assert [(each.field, each.value) for each in error.problems] == [
        ("prompt", ""),
        ("size", "4:5"),
        ("duration", "six"),
        ("duration", 31),
        ("colour", None),
    ]
    assert str(error).splitlines() == [*map(str, error.problems), "Nothing was submitted."]
    assert error.problems[3].offered == ("6 to 30 seconds",)


def test_a_picture_that_is_not_there_tells_its_axis(tmp_path):
    """What is found out of a value alone knows its axis too, and the name that was meant."""
    (tmp_path / "boat.png").write_bytes(b"")
    [problem] = refused(lambda: Grid(prompt="a", image_urls=tmp_path / "baot.png")).problems

    assert (problem.field, problem.value, problem.hint) == (
        "image_urls",
        tmp_path / "baot.png",
        "boat.png",
    )
    assert problem.remedy == "a URL begins with https://"


def test_a_bad_line_of_a_table_is_told(tmp_path):
    """The line is the file's, also after texts of several lines, where rows are counted otherwise."""
    path = tmp_path / "g.csv"
    path.write_text('prompt,duration\n"a\nboat",6\n"a\nkite",99\n,8\n', "utf-8")
    error = refused(lambda: Grid.load(path))

    assert [(each.field, each.value, each.line) for each in error.problems] == [
        ("duration", 99, 4),
        ("prompt", None, 6),
    ]
    assert error.problems[0].offered == ("6 to 30 seconds",)
    assert str(error.problems[0]).startswith("g.csv, row 2: duration=99 is not offered")

    path.write_text('prompt,duration\n"a\nboat",6\na, kite,8\n', "utf-8")
    assert [each.line for each in refused(lambda: Grid.load(path)).problems] == [4]


def test_a_bad_line_of_a_file_is_told(tmp_path):
    """Each problem of a YAML file has the line of its own keyword, whatever its sentence begins with."""
    path = tmp_path / "g.yaml"
    path.write_text("size: 4:5\nprompt: a\nimage_urls: none.png\n", "utf-8")
    error = refused(lambda: Grid.load(path))
    path.write_text("prompt: a\nsize: [1:1\n", "utf-8")
    [unread] = refused(lambda: Grid.load(path)).problems

    assert [(each.field, each.line) for each in error.problems] == [("size", 1), ("image_urls", 3)]
    assert all(str(each).startswith(f"g.yaml, line {each.line}: ") for each in error.problems)
    assert unread.line == 3


def test_one_sentence_is_a_problem():
    """A text is one problem, and stands in the error as it is."""
    error = GridError("one sentence")

    assert (str(error), error.args) == ("one sentence", ("one sentence",))
    assert error.problems == (errors.Problem("one sentence"),)
    assert (GridError().problems, str(GridError())) == ((), "")


def test_a_problem_of_any_value_goes_to_another_process():
    """Case N4: what was typed may be what no process can send, such as a function; its text goes in its place."""
    error = refused(lambda: Grid(prompt=lambda: "a boat"))
    [found] = pickle.loads(pickle.dumps(error)).problems

    assert callable(error.problems[0].value)
    assert (found.field, str(found)) == ("prompt", str(error.problems[0]))
    assert found.value == repr(error.problems[0].value)


def raise_media_error(_number: int) -> None:
    """Fail as a probe of a broken clip does."""
    raise MediaError(Path("boat.mp4"), "is no video")


def test_a_media_error_comes_out_of_a_pool_of_processes():
    """Case N4: an error that is raised in a worker arrives as itself, and the pool goes on."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        with pytest.raises(MediaError, match="is no video"):
            pool.submit(raise_media_error, 1).result()
        assert pool.submit(abs, -1).result() == 1
