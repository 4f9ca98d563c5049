"""What a person decides: unknown submissions, failed cells, tasks from elsewhere."""

from __future__ import annotations

import contextlib
import sqlite3
from decimal import Decimal

import httpx
import pytest
from waiting import until

from gridgen import (
    APIError,
    BudgetError,
    Cell,
    Grid,
    GridError,
    GridgenError,
    JournalError,
    OutOfCreditsError,
    Sweep,
)
from gridgen.simulator import Fault


@pytest.fixture
def lossy(simulate):
    """Return a simulator and a client whose first `lost` answers to submissions never come."""

    def make(lost: int, **options):
        simulator = simulate(**options)
        inner = simulator.transport()
        left = [lost]

        class Loses(httpx.AsyncBaseTransport):
            async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
                response = await inner.handle_async_request(request)
                if request.method == "POST" and left[0]:
                    left[0] -= 1
                    msg = "the answer never came"
                    raise httpx.ReadTimeout(msg, request=request)
                return response

        return simulator, simulator.client(http_client=lambda: httpx.AsyncClient(transport=Loses()))

    return make


def test_unknown_says_what_is_at_risk(lossy, tmp_path):
    """The list of unknown submissions tells how many, the money, the evidence, and the ways out."""
    _, client = lossy(2)
    sweep = Sweep(Grid(prompt=["a", "<b>", "c"]), client=client, folder=tmp_path)
    sweep.run()

    assert sweep.counts() == {"unknown": 2, "done": 1}
    assert len(sweep.unknown) == 2
    assert sweep.unknown.at_risk == Decimal("0.1224")
    assert "2 submissions unknown, at most $0.1224 at risk" in repr(sweep.unknown)
    assert "&lt;b&gt;" in sweep.unknown._repr_html_()


def test_attach_finds_the_clip_that_was_paid(lossy, tmp_path):
    """Attaching the right task brings the clip, and nothing is submitted."""
    simulator, client = lossy(1)
    sweep = Sweep(Grid(prompt="a"), client=client, folder=tmp_path)
    sweep.run()
    sweep.unknown.attach(0, simulator.ledger[0].task_id)
    sweep.wait()

    assert sweep.counts() == {"done": 1}
    assert len(simulator.ledger) == 1


def test_attach_refuses_a_task_that_is_not_there(lossy, tmp_path):
    """A wrong id leaves everything as it was."""
    _, client = lossy(1)
    sweep = Sweep(Grid(prompt="a"), client=client, folder=tmp_path)
    sweep.run()
    with pytest.raises(APIError):
        sweep.unknown.attach(0, "nonsense")
    assert sweep.counts() == {"unknown": 1}


def test_resubmit_is_the_persons_word(lossy, tmp_path):
    """Resubmitting makes a new attempt with a new key; the old one stays at risk in the sum."""
    simulator, client = lossy(1)
    sweep = Sweep(Grid(prompt="a"), client=client, folder=tmp_path, budget=1)
    sweep.run()
    sweep.unknown.resubmit(0)
    sweep.wait()

    assert sweep.counts() == {"done": 1}
    assert len(simulator.ledger) == 2
    assert len({entry.idempotency_key for entry in simulator.ledger}) == 2
    assert sweep.estimate().committed == Decimal("0.1224")


def test_resubmit_does_not_pass_the_budget(lossy, tmp_path):
    """What may have been paid counts: a resubmission that could pass the budget is not sent."""
    simulator, client = lossy(1)
    sweep = Sweep(Grid(prompt="a"), client=client, folder=tmp_path, budget=0.10)
    sweep.run()
    with pytest.raises(BudgetError):
        sweep.unknown.resubmit(0)
    assert len(simulator.ledger) == 1


def test_drop_gives_up_and_still_counts(lossy, tmp_path):
    """A dropped submission is lost, is not repeated by a later run, and counts in the budget."""
    simulator, client = lossy(1)
    sweep = Sweep(Grid(prompt="a"), client=client, folder=tmp_path, budget=1)
    sweep.run()
    sweep.unknown.drop()
    sweep.run()

    assert sweep.counts() == {"lost": 1}
    assert len(simulator.ledger) == 1
    assert sweep.estimate().committed == Decimal("0.0612")


def test_only_unknown_rows_are_settled(simulate, tmp_path):
    """A row that is done cannot be dropped by mistake."""
    sweep = Sweep(Grid(prompt="a"), client=simulate().client(), folder=tmp_path)
    sweep.run()
    with pytest.raises(GridgenError, match="not unknown"):
        sweep.unknown.drop(sweep.rows()[0])


def test_run_never_retries_a_failed_cell(simulate, tmp_path):
    """run() leaves failed cells alone; retry() submits them as new attempts of the same take."""
    simulator = simulate(failures=1.0)
    sweep = Sweep(Grid(prompt=["a", "b"]), client=simulator.client(), folder=tmp_path)
    sweep.run()
    sweep.run()
    assert len(simulator.ledger) == 2

    simulator.profile = simulator.profile.but(failures=0.0)
    assert sweep.retry() == 2
    sweep.wait()

    assert sweep.counts() == {"done": 2}
    assert [row.take for row in sweep.rows()] == [1, 1]
    assert len(simulator.ledger) == 4
    assert sweep.cost == simulator.ledger.billed


def test_retry_chooses_by_class_or_by_function(simulate, tmp_path):
    """Only the chosen failures are submitted again."""
    simulator = simulate(failures=1.0)
    sweep = Sweep(Grid(prompt=["a", "b"]), client=simulator.client(), folder=tmp_path)
    sweep.run()
    kind = sweep.rows()[0].error_class

    with pytest.warns(UserWarning, match="is no state and no error class of these clips"):
        assert sweep.retry(where="no such class") == 0
    assert sweep.retry(where=lambda row: row.cell.prompt == "b") == 1
    sweep.wait()
    assert sweep.retry(where=[kind]) >= 1
    sweep.wait()
    assert len(simulator.ledger) >= 4


def test_adopt_a_task_from_elsewhere(simulate, tmp_path):
    """A task that was submitted by other means becomes a clip of the grid without a submission."""
    simulator = simulate()
    client = simulator.client()
    grid = Grid(prompt=["a", "b"])
    elsewhere = client.submit(grid[1])
    sweep = Sweep(grid, client=client, folder=tmp_path)
    sweep.adopt(elsewhere.id, 1)
    sweep.run()

    assert sweep.counts() == {"done": 2}
    assert len(simulator.ledger) == 2


def test_adopt_refuses_a_take_that_has_a_clip(simulate, tmp_path):
    """A second task for the same take is refused, and a stranger's id as well."""
    simulator = simulate()
    client = simulator.client()
    grid = Grid(prompt="a")
    sweep = Sweep(grid, client=client, folder=tmp_path)
    sweep.run()
    other = client.submit(Cell("a", "16:9", 6, "480p"))

    with pytest.raises(JournalError):
        sweep.adopt(other.id, grid[0])
    with pytest.raises(APIError):
        sweep.adopt("nonsense", 0)
    assert sweep.counts() == {"done": 1}


def attempts(folder) -> list[tuple[int, int, str]]:
    """Return take, number and state of every attempt in a folder, oldest first."""
    with contextlib.closing(sqlite3.connect(folder / "journal.sqlite")) as journal:
        return journal.execute("SELECT take, n, state FROM attempt ORDER BY id").fetchall()


def test_takes_keep_their_numbers(simulate, tmp_path):
    """A retried take keeps its number and its neighbours theirs; the failed attempt stays in the journal."""
    simulator = simulate(failures=1.0)
    sweep = Sweep(Grid(prompt="a"), client=simulator.client(), folder=tmp_path, takes=3)
    sweep.run()
    simulator.profile = simulator.profile.but(failures=0.0)
    sweep.retry(where=lambda row: row.take == 2)
    sweep.wait()

    assert [(row.take, row.status) for row in sweep.rows()] == [(1, "failed"), (2, "done"), (3, "failed")]
    assert sorted(attempts(tmp_path)) == [
        (1, 1, "failed"),
        (2, 1, "failed"),
        (2, 2, "done"),
        (3, 1, "failed"),
    ]
    assert sweep.rows()[1].path.endswith("-2.mp4")

    wider = Sweep(Grid(prompt="a"), client=simulator.client(), folder=tmp_path, takes=4)
    wider.run()
    assert [row.status for row in wider.rows()] == ["failed", "done", "failed", "done"]
    assert len(simulator.ledger) == 5


def test_a_retry_that_cannot_be_paid_changes_nothing(simulate, tmp_path):
    """A budget, or an account, that does not cover the new attempts is told first; the rows stay failed."""
    simulator = simulate(failures=1.0, balance=Decimal("0.20"))
    sweep = Sweep(
        Grid(prompt=["a", "b", "c"]), client=simulator.client(), folder=tmp_path, budget=Decimal("0.2")
    )
    sweep.run()
    poor = Sweep(
        Grid(prompt=["a", "b", "c"]), client=simulator.client(), folder=tmp_path, budget=Decimal("0.1")
    )
    with pytest.raises(BudgetError):
        poor.retry()
    simulator.top_up(-simulator.balance)
    with pytest.raises(OutOfCreditsError):
        sweep.retry()

    assert sweep.counts() == poor.counts() == {"failed": 3}
    assert len(simulator.ledger) == 3


def test_a_resubmission_that_cannot_be_paid_changes_nothing(lossy, tmp_path):
    """The row stays unknown, so that its task can still be attached."""
    simulator, client = lossy(1)
    sweep = Sweep(Grid(prompt="a"), client=client, folder=tmp_path, budget=0.10)
    sweep.run()
    with pytest.raises(BudgetError):
        sweep.unknown.resubmit()
    assert sweep.counts() == {"unknown": 1}

    sweep.unknown.attach(0, simulator.ledger[0].task_id)
    sweep.wait()
    assert sweep.counts() == {"done": 1}


def test_what_was_paid_and_lost_is_made_again_only_by_name(simulate, tmp_path):
    """An expired clip is paid again only when its status is named; what it cost still counts."""
    dead = Fault(kind="reply", on="result", status=403, match='"a"', times=None)
    simulator = simulate(faults=[dead], failures=0.0)
    sweep = Sweep(Grid(prompt=["a", "b"]), client=simulator.client(), folder=tmp_path)
    sweep.run()
    assert sweep.counts() == {"done": 1, "expired": 1}
    assert sweep.retry() == 0
    assert sweep.retry(where=lambda _row: True) == 0
    assert len(simulator.ledger) == 2

    simulator.faults.clear()
    assert sweep.retry(where="expired") == 1
    sweep.wait()
    assert sweep.counts() == {"done": 2}
    assert len(simulator.ledger) == 3
    assert sweep.estimate().committed == simulator.ledger.billed
    assert (1, 1, "lost") in attempts(tmp_path)


def test_a_dropped_submission_may_be_made_again(lossy, tmp_path):
    """A lost row is submitted anew when its status is named."""
    simulator, client = lossy(1)
    sweep = Sweep(Grid(prompt="a"), client=client, folder=tmp_path)
    sweep.run()
    sweep.unknown.drop()
    assert sweep.retry() == 0
    assert sweep.retry(where={"lost"}) == 1
    sweep.wait()

    assert sweep.counts() == {"done": 1}
    assert len(simulator.ledger) == 2


@pytest.mark.parametrize(("cell", "take"), [(0, 0), (0, 3), (0, -1), (0, True), (5, 1), (-3, 1), ("x", 1)])
def test_adopt_knows_its_cells_and_takes(simulate, tmp_path, cell, take):
    """A cell or a take that the sweep does not have is refused before the server is asked; no neighbour is hit."""
    simulator = simulate()
    client = simulator.client()
    grid = Grid(prompt=["a", "b"])
    task = client.submit(grid[0])
    sweep = Sweep(grid, client=client, folder=tmp_path, takes=2)
    with pytest.raises(GridError, match="numbered from"):
        sweep.adopt(task.id, cell, take=take)
    assert sweep.counts() == {"planned": 4}


def test_one_task_is_one_clip(lossy, tmp_path):
    """A task that is a clip already is neither adopted nor attached as another, and nothing changes."""
    simulator, client = lossy(1)
    sweep = Sweep(Grid(prompt=["a", "b"]), client=client, folder=tmp_path, takes=2)
    sweep.run()
    used = next(row.task_id for row in sweep.rows() if row.status == "done")

    with pytest.raises(JournalError, match="is another clip's already"):
        sweep.unknown.attach(0, used)
    wider = Sweep(Grid(prompt=["a", "b", "c"]), client=client, folder=tmp_path, takes=2)
    with pytest.raises(JournalError, match="is another clip's already"):
        wider.adopt(used, 2)
    with pytest.raises(JournalError, match=r"is unknown already; settle it with sweep\.unknown\.attach"):
        wider.adopt(simulator.ledger[0].task_id, sweep.unknown[0].cell, take=sweep.unknown[0].take)
    assert sweep.counts() == {"unknown": 1, "done": 3}
    assert wider.counts() == {"planned": 2, "unknown": 1, "done": 3}


@pytest.mark.security("S8")
@pytest.mark.parametrize("task_id", ["", "../../x", "a\nb", "x" * 300, "task_" + "0" * 26])
def test_hostile_ids_are_not_adopted(simulate, tmp_path, task_id):
    """S8: what is no id, or no task of the server, is refused, and nothing is written."""
    sweep = Sweep(Grid(prompt="a"), client=simulate().client(), folder=tmp_path / "boats")
    with pytest.raises(GridgenError):
        sweep.adopt(task_id, 0)
    assert sweep.counts() == {"planned": 1}
    assert not (tmp_path / "boats").exists()


def test_adopt_onto_a_failed_take(simulate, tmp_path):
    """An adopted task is a new attempt of a take that failed."""
    simulator = simulate(faults=[Fault(kind="fail", on="submit")])
    client = simulator.client()
    grid = Grid(prompt="a")
    sweep = Sweep(grid, client=client, folder=tmp_path)
    sweep.run()
    task = client.submit(grid[0])
    sweep.adopt(task.id, grid[0])
    sweep.run()

    assert sweep.counts() == {"done": 1}
    assert attempts(tmp_path) == [(1, 1, "failed"), (1, 2, "done")]


def test_adopt_while_the_sweep_runs(simulate, tmp_path):
    """A task that is adopted for a cell still in line is followed, and the cell is not submitted."""
    simulator = simulate(speed=300.0, rate=20.0, burst=1)
    client = simulator.client()
    grid = Grid(prompt=[f"boat {n}" for n in range(20)])
    elsewhere = client.submit(grid[19])
    sweep = Sweep(grid, client=client, folder=tmp_path, previews=False)
    sweep.start()
    until(lambda: len(simulator.ledger) >= 2)
    sweep.adopt(elsewhere.id, 19)
    sweep.wait()

    assert sweep.counts() == {"done": 20}
    assert len(simulator.ledger) == 20


def test_nothing_to_make_needs_no_budget(simulate, tmp_path):
    """With a real key, following and settling what was submitted takes no cap: nothing is spent."""
    simulator = simulate(faults=[Fault(kind="close", on="submit", when="after")])
    client = simulator.client(api_key="sk-test-real")
    Sweep(Grid(prompt="a"), client=client, folder=tmp_path, budget=1).run()
    sweep = Sweep(Grid(prompt="a"), client=client, folder=tmp_path)
    sweep.unknown.attach(0, simulator.ledger[0].task_id)
    sweep.wait()

    assert sweep.counts() == {"done": 1}
