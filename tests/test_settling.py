"""What a person decides: unknown submissions, failed cells, tasks from elsewhere."""

from __future__ import annotations

from decimal import Decimal

import httpx
import pytest

from gridgen import APIError, BudgetError, Cell, Grid, GridgenError, JournalError, Sweep


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
