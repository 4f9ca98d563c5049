"""Charges that are told early, in part, late or never, whatever the account is billed."""

from __future__ import annotations

import pytest

WHOLE = 0.0612
"""What a clip of 6 s at 480p of the current model costs, in USD."""

CELL = {"model": "grok-imagine-1.5-video-ext", "quality": None, "resolution": "480p"}


@pytest.mark.parametrize(
    ("profile", "running", "ended", "later"),
    [
        ("demo", WHOLE, WHOLE, WHOLE),
        ("part-charge", WHOLE / 10, WHOLE, WHOLE),
        ("late-charge", None, None, WHOLE),
        ("no-charge", None, None, None),
    ],
)
def test_when_a_charge_is_told(world, profile, running, ended, later):
    """Case P3, its kind: a running task tells all, a part or nothing of what it costs, and the whole at or after its end, or never; the account pays it all the same."""
    asker = world(profile=profile)
    task_id = asker.submit(**CELL)

    assert told(asker.task(task_id)) == pytest.approx(running)
    asker.later(300)
    assert asker.task(task_id)["status"] == "completed"
    assert told(asker.task(task_id)) == pytest.approx(ended)
    asker.later(900)
    assert told(asker.task(task_id)) == pytest.approx(later)
    assert [float(entry.cost) for entry in asker.simulator.ledger] == [WHOLE]
    assert float(asker.simulator.balance) == pytest.approx(1000 - WHOLE)


@pytest.mark.parametrize(
    ("told_first", "said"), [("whole", WHOLE), ("part", WHOLE / 10), ("zero", 0), ("absent", None)]
)
@pytest.mark.parametrize("settles", [0.0, 500.0, None])
def test_what_is_told_first_stays_until_it_is_settled(world, told_first, said, settles):
    """Each first word goes with each time of settlement; a charge that is never settled keeps its first word."""
    asker = world(told_first=told_first, settles=settles, service_cv=0.0)
    task_id = asker.submit(**CELL)
    asker.later(20)
    assert told(asker.task(task_id)) == pytest.approx(said)
    asker.later(80)
    assert told(asker.task(task_id)) == pytest.approx(WHOLE if settles == 0 else said)
    asker.later(600)
    assert told(asker.task(task_id)) == pytest.approx(said if settles is None else WHOLE)


def test_a_failed_task_costs_nothing_in_the_end(world):
    """What it told while it ran is taken back at its end, or when it is settled."""
    for told_first, settles, ended in (
        ("whole", 0.0, 0),
        ("part", 100.0, WHOLE / 10),
        ("part", None, WHOLE / 10),
    ):
        asker = world(told_first=told_first, settles=settles, failures=1.0)
        task_id = asker.submit(**CELL)
        asker.later(100)
        assert asker.task(task_id)["status"] == "failed"
        assert told(asker.task(task_id)) == pytest.approx(ended)
        asker.later(200)
        assert told(asker.task(task_id)) == pytest.approx(ended if settles is None else 0)
        assert asker.simulator.ledger.billed == 0


def told(task):
    """Return the cost that a status tells, None for none; the same in both currencies."""
    if "cost" not in task:
        assert "credits_cost" not in task
        return None
    assert task["credits_cost"] == pytest.approx(10 * task["cost"])
    return task["cost"]
