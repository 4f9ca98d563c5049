"""Errors and grids go through pickle and copy whole, as pools of processes send them."""

from __future__ import annotations

import copy
import importlib
import inspect
import math
import multiprocessing
import pickle
import pkgutil
from concurrent.futures import ProcessPoolExecutor
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import cloudpickle
import pytest

import gridgen
from gridgen import Cell, Grid, GridError, Price, Simulator, Sweep, Task, errors, media
from gridgen.board import Board
from gridgen.media import MediaError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CANARY = "sk-test-CANARY0123456789"
BOAT = Cell("boat", "16:9", 6, "480p")
PROBLEM = errors.Problem("no", "size", "4:5", ("1:1",))
ARGUMENTS = {
    "str": ["no", "wrong"],
    "int": [500],
    "float | None": [3.5],
    "bool": [False],
    "object": [31],
    "Path": [Path("boat.mp4")],
    "Cell": [BOAT],
    "Task": [Task("task_1")],
    "str | int": ["broken", 7],
    "str | Problem": ["no", PROBLEM],
    "dict[str, str] | None": [{"retry-after": "3"}],
    "dict[str, Any] | None": [{"code": 500}],
}
"""Values for the parameters of an error, by their annotation."""


def errors_of_the_package() -> list[type[BaseException]]:
    """Return every class of errors that a module of gridgen defines, by its name."""
    found = set()
    for each in pkgutil.walk_packages(gridgen.__path__, "gridgen."):
        if not each.name.endswith("__main__"):
            values = vars(importlib.import_module(each.name)).values()
            found |= {
                value for value in values if isinstance(value, type) and issubclass(value, BaseException)
            }
    return sorted(
        (each for each in found if each.__module__.startswith("gridgen.")), key=lambda each: each.__name__
    )


def made(kind: type[BaseException]) -> BaseException:
    """Return an error with an argument for each parameter, none of them what it is by default."""
    given: list[object] = []
    named: dict[str, object] = {}
    if not inspect.isfunction(kind.__init__):
        return kind("no", 3, **{"name": "av"} if issubclass(kind, ImportError) else {})
    for each in inspect.signature(kind).parameters.values():
        values = ARGUMENTS[str(each.annotation)]
        if each.kind is each.VAR_POSITIONAL:
            given += values
        elif each.kind is each.KEYWORD_ONLY:
            named[each.name] = values[-1]
        else:
            given.append(values[0])
    return kind(*given, **named)


def told(error: BaseException) -> dict[str, object]:
    """Return the attributes of an error, those too that Python keeps elsewhere."""
    return {**vars(error), "name": getattr(error, "name", None)}


def test_the_errors_of_the_package_are_found():
    """Case N4: what follows is about every class of errors, private ones too, and about more than the public ones."""
    found = {each.__name__ for each in errors_of_the_package()}

    assert {name for name in errors.__all__ if isinstance(getattr(errors, name), type)} - {"Problem"} < found
    assert {"MediaError", "StoppedError", "ErrorReply"} < found


@pytest.mark.parametrize("kind", errors_of_the_package(), ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("again", [lambda error: pickle.loads(pickle.dumps(error)), copy.deepcopy, copy.copy])
def test_errors_survive_a_round_trip(kind, again):
    """Case N4: kind, message, arguments and all that it tells are the same after pickling and copying."""
    error = made(kind)
    error.add_note("row 3")
    error.seen = "later"
    found = again(error)

    assert (type(found), str(found), found.args, told(found)) == (kind, str(error), error.args, told(error))


def test_a_grid_survives_a_round_trip():
    """Case N4: a grid with templates, exclusions and samples is equal after pickling and copying, cell by cell."""
    grid = Grid(
        prompt=["a boat", "a kite"], size=["16:9", "9:16"], exclude=[{"prompt": "a boat", "size": "9:16"}]
    )
    for found in (pickle.loads(pickle.dumps(grid)), copy.deepcopy(grid)):
        assert (found == grid, list(found), repr(found)) == (True, list(grid), repr(grid))


BOUND = {
    "client": lambda sweep: sweep.client,
    "wire": lambda sweep: sweep.client.wire,
    "sweep": lambda sweep: sweep,
    "simulator": lambda sweep: sweep.client.simulator,
    "gallery": lambda sweep: sweep.gallery(),
    "board": Board,
    "builder": lambda sweep: gridgen.builder(client=sweep.client, folder=sweep.folder),
    "ratings": lambda sweep: sweep.ratings,
    "unknown": lambda sweep: sweep.unknown,
    "rounds": lambda sweep: sweep.rounds(),
    "table": lambda sweep: sweep.table(),
    "a verb": lambda sweep: sweep.run,
    "a list of sweeps": lambda sweep: [sweep],
}
VALUES = {
    "grid": lambda sweep: sweep.grid,
    "cell": lambda sweep: sweep.grid[0],
    "axis": lambda sweep: sweep.grid.axes,
    "rows": lambda sweep: sweep.rows(),
    "skipped": lambda sweep: sweep.grid.skipped,
    "facts": lambda sweep: media.probe(sweep.folder / sweep[0].path),
    "estimate": lambda sweep: sweep.estimate(),
    "costs": lambda sweep: sweep.costs,
    "cost": lambda sweep: sweep.cost,
    "stats": lambda sweep: sweep.stats(),
    "reasons": lambda sweep: sweep.explain(0),
    "task": lambda sweep: sweep.client.task(sweep.df["task_id"][0]),
    "balance": lambda sweep: sweep.client.balance(),
    "price": lambda _sweep: Price("second", {"480p": Decimal("0.05")}, "a page", date(2026, 9, 24)),
    "model": lambda _sweep: gridgen.Model,
    "linked": lambda _sweep: gridgen.linked(size=["16:9"], duration=[6]),
    "template": lambda _sweep: gridgen.template("a {animal}", animal=["hen", "fox"]),
    "a page that was written": lambda sweep: sweep.to_html(sweep.folder / "boats.html"),
}


@pytest.fixture(scope="module")
def boats(tmp_path_factory) -> Iterator[Sweep]:
    """A sweep of three clips that are made; a fourth is left out."""
    with Simulator(speed=math.inf, clips="tiny") as simulator:
        grid = Grid(
            prompt=["a boat", "a kite"],
            size=["16:9", "9:16"],
            exclude=[{"prompt": "a boat", "size": "9:16"}],
        )
        client = simulator.client(api_key=CANARY)
        sweep = Sweep(grid, client=client, folder=tmp_path_factory.mktemp("boats"), budget=1)
        sweep.run()
        yield sweep


@pytest.mark.security("S1")
@pytest.mark.parametrize("of", BOUND.values(), ids=BOUND)
@pytest.mark.parametrize("again", [pickle.dumps, cloudpickle.dumps, copy.deepcopy])
def test_what_is_of_one_process_is_not_sent(boats, of, again):
    """S1, case N4: what holds threads, sockets or the key refuses, and says in a sentence without a key what to send."""
    with pytest.raises(TypeError, match=r"neither pickled nor copied: (send|make)") as caught:
        again(of(boats))

    assert CANARY not in str(caught.value)


@pytest.mark.parametrize("of", [BOUND[each] for each in ("client", "sweep", "simulator", "gallery", "board")])
def test_what_is_of_one_process_is_not_copied_by_half(boats, of):
    """Case N4: a shallow copy would stop, or be closed, with the first."""
    with pytest.raises(TypeError, match="neither pickled nor copied"):
        copy.copy(of(boats))


@pytest.mark.parametrize("of", VALUES.values(), ids=VALUES)
@pytest.mark.parametrize(
    "again",
    [
        lambda value: pickle.loads(pickle.dumps(value)),
        lambda value: pickle.loads(cloudpickle.dumps(value)),
        copy.deepcopy,
    ],
)
def test_values_survive_a_round_trip(boats, of, again):
    """S1, case N4: what a person would hand to a worker arrives equal, whoever pickles it, and with no key in it."""
    value = of(boats)

    assert again(value) == value
    assert CANARY.encode() not in pickle.dumps(value)


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
