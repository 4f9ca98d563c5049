"""Case I5: the states of a row are classified in one place, and what is said of each is true."""

from __future__ import annotations

import ast
import asyncio
import contextlib
import itertools
import json
import logging
import pickle
import re
import sqlite3
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import gridgen
from gridgen import Grid, Sweep
from gridgen.clock import Clock
from gridgen.journal import Journal, schema
from gridgen.states import FACTS, FINAL, NEXT, UNFINISHED, Phase, State, is_step, meanings

if TYPE_CHECKING:
    from gridgen.journal import Record

PACKAGE = Path(gridgen.__file__).parent
ELSEWHERE = {
    "states.py": "their home",
    "task.py": "the words of servers for the status of a task, which is no row's",
    "journal/schema.py": "released SQL never changes",
}
"""Files that may list such words, and why; the simulator's are a server's too."""


def words_of(node: ast.AST) -> list[str]:
    """Return the words of states in a literal or a chain of comparisons, bare or as members of `State` or `Phase`."""
    match node:
        case ast.Set(elts) | ast.List(elts) | ast.Tuple(elts):
            parts = elts
        case ast.Dict(keys):
            parts = [key for key in keys if key is not None]
        case ast.BoolOp(values=values):
            parts = [side for each in values if isinstance(each, ast.Compare) for side in each.comparators]
        case ast.MatchOr(patterns):
            parts = [each.value for each in patterns if isinstance(each, ast.MatchValue)]
        case _:
            parts = []
    return [word for part in parts if (word := word_of(part))]


def word_of(node: ast.AST) -> str:
    """Return the state or phase that an expression names, else nothing."""
    match node:
        case ast.Starred(value):
            return word_of(value)
        case ast.Constant(str(word)):
            return word
        case ast.Attribute(ast.Name("State"), name):
            return State.__members__.get(name, "")
        case ast.Attribute(ast.Name("Phase"), name):
            return Phase.__members__.get(name, "")
    return ""


def is_listing(words: list[str]) -> bool:
    """Whether two or more states, or two or more phases, stand side by side."""
    return any(len(kind.intersection(words)) > 1 for kind in (set(State), set(Phase)))


def in_python(source: str) -> list[str]:
    """Return the sets of states in a module."""
    found = [words_of(node) for node in ast.walk(ast.parse(source))]
    return [" ".join(words) for words in found if is_listing(words)]


def in_browser(source: str) -> list[str]:
    """Return the sets of states in a script or a style sheet: lists, tables, comparisons in a row, selectors."""
    word = rf"(?:{'|'.join(State)})"
    quoted, key, selector = rf'"{word}"', rf'\b"?{word}"?:\s', rf'\[data-(?:status|state)="?{word}"?\]'
    sets = (
        rf"{quoted},\s*{quoted}",
        rf"{key}[^;]*?{key}",
        rf"{quoted}[^;\n]*(?:\|\||&&)[^;\n]*(?:status|state) !?=== {quoted}",
        rf"{selector}[^{{}}]*?,\s*[^,{{}}]*{selector}",
        rf":not\({selector}\)",
    )
    return [found[0] for each in sets for found in re.finditer(each, source)]


def test_states_are_listed_nowhere_but_in_their_home() -> None:
    """Case I5: no set, list, table, comparison or selector of several states stands outside `gridgen.states`."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.*")):
        name = path.relative_to(PACKAGE).as_posix()
        look = {".py": in_python, ".js": in_browser, ".css": in_browser}.get(path.suffix)
        if look is not None and name not in ELSEWHERE and not name.startswith("simulator/"):
            found[name] = look(path.read_text("utf-8"))
    assert len(found) > 150, "the package is where the test looks"
    assert {name: sets for name, sets in found.items() if sets} == {}


@pytest.mark.parametrize(
    ("look", "source"),
    [
        (in_python, 'x in {"failed", "lost"}'),
        (in_python, 'x in ("queued", State.RUNNING)'),
        (in_python, "x == State.DONE or x == 'lost'"),
        (in_python, 'TONES = {"done": 1, "lost": 2}'),
        (in_python, 'match x:\n    case "done" | "lost": pass'),
        (in_python, 'item.phase in {"submit", "poll"}'),
        (in_browser, 'new Set(["done", "lost"])'),
        (in_browser, 'const TONES = { done: { tone: "good" }, lost: { tone: "bad" } };'),
        (in_browser, 'if (status === "done" || status === "lost") return;'),
        (in_browser, '.a[data-status="done"] b,\n.a[data-status="lost"] b { top: 0; }'),
        (in_browser, '.a:not([data-status="done"]) { top: 0; }'),
    ],
)
def test_a_set_of_states_is_seen_wherever_it_stands(look, source):
    """Case I5: the search above finds each way to list states."""
    assert look(source)


def test_every_state_has_its_facts_and_its_steps():
    """Case I5: each state says what it means in true sentences, and the allowed steps name nothing else."""
    assert list(FACTS) == list(NEXT) == list(State)
    assert all(facts.says.endswith(".") for facts in FACTS.values())
    assert {state for state, facts in FACTS.items() if facts.final} == {"done", "failed", "rejected", "lost"}
    assert set().union(*NEXT.values()) <= set(State) - {State.SKIPPED, State.HELD}
    maybe = {state for state, facts in FACTS.items() if "may be billed" in facts.says}
    maybe |= {state for state, facts in FACTS.items() if "may have been billed" in facts.says}
    assert maybe == {"unknown", "missing", "lost"}
    assert all(FACTS[state].billing == "lost" for state in maybe)


def test_the_browser_is_told_each_state():
    """Case I5: tone, sentence and place of every state travel as plain JSON values."""
    told = json.loads(json.dumps(meanings()))

    assert [(each, told[each]["at"]) for each in told] == [(state, at) for at, state in enumerate(State)]
    assert {state for state in told if not told[state]["settled"]} == UNFINISHED
    assert {told[state]["says"] for state in told} == {facts.says for facts in FACTS.values()}


def test_a_state_is_its_word_wherever_it_goes():
    """Case I5: text, repr, JSON, pickles and SQLite hold the same as the bare word did."""
    assert (str(State.DONE), repr(State.DONE), f"{State.DONE}") == ("done", "'done'", "done")
    assert json.dumps({State.DONE: State.LOST}) == '{"done": "lost"}'
    assert pickle.loads(pickle.dumps(State.DONE)) is State.DONE
    with contextlib.closing(sqlite3.connect(":memory:")) as connection:
        assert connection.execute("SELECT ?, typeof(?)", (State.DONE, State.DONE)).fetchone() == (
            "done",
            "text",
        )


def test_no_step_is_allowed_that_the_tables_refuse():
    """Case I5: what the journal's triggers abort is no allowed step, and of a final state nothing else is one."""
    with contextlib.closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        schema.make(connection, schema.SCHEMA)
        connection.execute("INSERT INTO cell VALUES ('c', '{}')")
        insert = "INSERT INTO attempt (origin, cell, take, n, state, idempotency_key, body) VALUES ('o', 'c', ?, 1, ?, ?, x'')"
        for at, (before, after) in enumerate(itertools.permutations(State, 2)):
            key = connection.execute(insert, (at, before, str(at))).lastrowid
            try:
                connection.execute("UPDATE attempt SET state = ? WHERE id = ?", (after, key))
            except sqlite3.IntegrityError:
                assert not is_step(before, after), (before, after)
            else:
                assert before not in FINAL or is_step(before, after), (before, after)


def path_to(state: State) -> list[State]:
    """Return the shortest way to a state, by allowed steps, from an attempt that leaves."""
    ways = [[State.SENDING]]
    while ways[0][-1] != state:
        ways += [[*ways[0], State(after)] for after in sorted(NEXT[ways[0][-1]]) if after not in ways[0]]
        ways.pop(0)
    return ways[0]


async def put(journal: Journal, sweep: Sweep, at: int, state: State, **changes: object) -> Record:
    """Bring the take of a cell into a state, step by step."""
    cell = sweep.grid[at]
    record = journal.prepare(origin=sweep.origin, cell=cell, take=1, body=b"{}")
    await journal.intend(record, cell, price=Decimal("0.1"))
    for step in path_to(state)[1:]:
        await journal.save(record, durable=True, state=step)
    if changes:
        await journal.save(record, durable=True, **changes)
    return record


JOURNALED = [state for state in State if state not in {"skipped", "planned", "held", "sending"}]


def test_explain_tells_the_truth_of_every_state(simulate, tmp_path):
    """Case I5: only of a clip that is done it is said that the folder has it; the others say what they are."""
    grid = Grid(prompt=[str(state) for state in JOURNALED])
    sweep = Sweep(grid, client=simulate().client(), folder=tmp_path)

    async def fill() -> None:
        with contextlib.closing(Journal(tmp_path, Clock())) as journal:
            for at, state in enumerate(JOURNALED):
                await put(journal, sweep, at, state, **({"path": "a.mp4"} if state == "done" else {}))

    asyncio.run(fill())
    (tmp_path / "a.mp4").touch()
    assert [row.status for row in sweep.rows()] == JOURNALED
    for at, state in enumerate(JOURNALED):
        said = sweep.explain(at)
        assert said.startswith(f"{state}: ")
        assert ("this folder has it" in said) == (state == "done")
        assert state == "done" or FACTS[state].says in said


def test_what_failed_is_not_made(simulate, tmp_path):
    """Case I5: the takes of a cell and the nearest one count as made only where there is a clip."""
    client = simulate().client()
    sweep = Sweep(Grid(prompt="a fox"), client=client, folder=tmp_path)

    async def fill() -> None:
        with contextlib.closing(Journal(tmp_path, Clock())) as journal:
            await put(journal, sweep, 0, State.FAILED)

    asyncio.run(fill())
    more = Sweep(Grid(prompt=["a fox", "a fox."]), client=client, folder=tmp_path, takes=2)
    assert more.explain(1) == "planned: no clip of this cell is made in this folder"
    assert more.explain(2) == "planned: no clip of this cell is made in this folder"


@pytest.mark.parametrize(
    ("before", "after"), [("planned", "running"), ("lost", "queued"), ("done", "failed")]
)
def test_in_tests_a_step_that_is_not_allowed_is_an_error(simulate, tmp_path, before, after):
    """Case I5: the suite stops at a step that no state allows, and nothing of it is written."""
    sweep = Sweep(Grid(prompt="a fox"), client=simulate().client(), folder=tmp_path)

    async def step() -> None:
        with contextlib.closing(Journal(tmp_path, Clock())) as journal:
            record = journal.prepare(origin=sweep.origin, cell=sweep.grid[0], take=1, body=b"{}")
            if before != "planned":
                record = await put(journal, sweep, 0, State(before))
            else:
                await journal.refuse(record, sweep.grid[0], "no")
                record = await journal.again(record)
            with pytest.raises(AssertionError, match=f"unexpected step from {before} to {after}"):
                await journal.save(record, state=after)
            assert record.state == before

    asyncio.run(step())


@pytest.mark.parametrize("before", ["lost", "failed", "rejected", "done"])
def test_in_use_what_was_paid_is_written_whatever_the_step(simulate, tmp_path, caplog, monkeypatch, before):
    """Case I5: task, cost and link of an answer that no state allows are kept; the step is logged and in the row."""
    monkeypatch.setattr(Journal, "strict", False)
    sweep = Sweep(Grid(prompt="a fox"), client=simulate().client(), folder=tmp_path)
    paid = {"task_id": "task-1", "cost": Decimal("0.25"), "url": "https://files.test/a.mp4"}

    async def step() -> None:
        with contextlib.closing(Journal(tmp_path, Clock())) as journal:
            record = await put(journal, sweep, 0, State(before))
            await journal.save(record, state="queued", error=None, **paid)

    with caplog.at_level(logging.WARNING, "gridgen"):
        asyncio.run(step())
    [row] = sweep.rows()
    assert {name: getattr(row, name) for name in paid} == paid
    assert row.status == before
    assert f"unexpected step from {before} to queued" in (row.error or "")
    [text] = [record.message for record in caplog.records]
    assert text.startswith(f"unexpected step from {before} to queued: ")
    caplog.clear()


def test_in_use_an_unexpected_step_forward_is_taken(simulate, tmp_path, caplog, monkeypatch):
    """Case I5: what is not final goes on by the server's word, so that nobody pays for it again."""
    monkeypatch.setattr(Journal, "strict", False)
    sweep = Sweep(Grid(prompt="a fox"), client=simulate().client(), folder=tmp_path)

    async def step() -> None:
        with contextlib.closing(Journal(tmp_path, Clock())) as journal:
            record = await put(journal, sweep, 0, State.UNKNOWN)
            await journal.save(record, state="downloading", task_id="task-1", error="late")

    with caplog.at_level(logging.WARNING, "gridgen"):
        asyncio.run(step())
    [row] = sweep.rows()
    assert (row.status, row.task_id) == ("downloading", "task-1")
    assert row.error == "unexpected step from unknown to downloading; late"
    assert len(caplog.records) == 1
    caplog.clear()


def test_in_use_a_second_task_is_named_and_the_first_stays(simulate, tmp_path, caplog, monkeypatch):
    """Case I5: an attempt has one task; another one that turns up is told to the person, since it may be paid too."""
    monkeypatch.setattr(Journal, "strict", False)
    sweep = Sweep(Grid(prompt="a fox"), client=simulate().client(), folder=tmp_path)

    async def step() -> None:
        with contextlib.closing(Journal(tmp_path, Clock())) as journal:
            record = await put(journal, sweep, 0, State.FAILED, task_id="task-1")
            await journal.save(record, state="queued", task_id="task-2", cost=Decimal("0.25"))

    with caplog.at_level(logging.WARNING, "gridgen"):
        asyncio.run(step())
    [row] = sweep.rows()
    assert (row.task_id, row.cost) == ("task-1", Decimal("0.25"))
    assert row.error == "unexpected step from failed to queued, task task-2"
    caplog.clear()
