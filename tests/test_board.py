"""The board's remedies: what needs attention has what can be done beside it, and only a click pays."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from waiting import until

from gridgen import Grid, Sweep
from gridgen.board import Board
from gridgen.simulator import Fault

BOATS = Grid(prompt=["a", "b", "c"])


def failing(times: int | None) -> Fault:
    """Return a fault by which so many tasks fail."""
    return Fault(kind="fail", on="submit", times=times)


def ask(board: Board, **question: Any) -> dict[str, Any]:
    """Send a message as the browser would, and return the reply."""
    told: list[dict[str, Any]] = []
    board.send = lambda content, _buffers=None: told.append(content)
    board._handle_custom_msg({"request": 1, **question}, [])
    [reply] = [each for each in told if "request" in each]
    return reply


def posts(simulator: Any) -> int:
    """Count what was submitted."""
    return sum(request.method == "POST" for request in simulator.requests)


@pytest.fixture
def failed(simulate, tmp_path):
    """Return a maker of a sweep of which two clips of three failed, with its simulator."""

    def make(**options: Any) -> tuple[Any, Sweep]:
        simulator = simulate(faults=[failing(2)])
        sweep = Sweep(BOATS, client=simulator.client(), folder=tmp_path, previews=False, **options)
        sweep.run()
        assert sweep.counts() == {"done": 1, "failed": 2}
        return simulator, sweep

    return make


def test_u4_failed_clips_are_made_again_by_a_click_with_their_price(failed):
    """Case U4: the board offers what retry() would make and at what price; nothing leaves before a click, and once by it."""
    simulator, sweep = failed()
    board = Board(sweep)
    state = board.state()
    rows = [row.index for row in sweep.rows() if row.status == "failed"]
    assert json.loads(json.dumps(state["retry"])) == {"rows": rows, "price": "0.1224", "unpriced": 0}
    assert posts(simulator) == 3

    assert ask(board, kind="retry", rows=rows) == {"request": 1, "count": 2}
    sweep.wait()
    assert (posts(simulator), sweep.counts()) == (5, {"done": 3})
    assert "changed" in ask(board, kind="retry", rows=rows)["error"]
    until(lambda: board.state()["retry"]["rows"] == [])
    assert posts(simulator) == 5
    board.close()


def test_u4_a_click_passes_no_budget(failed):
    """Case U4: where the money is spent, the click is answered with the reason and sends nothing."""
    simulator, sweep = failed(budget=Decimal("0.19"))
    sweep.budget = Decimal("0.07")
    board = Board(sweep)

    reply = ask(board, kind="retry", rows=board.state()["retry"]["rows"])

    assert "budget" in reply["error"]
    assert "gridgen failed" not in reply["error"]
    assert posts(simulator) == 3
    assert sweep.counts() == {"done": 1, "failed": 2}
    board.close()


@pytest.mark.parametrize("rows", [None, [], "all", [True], [99], [0, 1, 2], [-1], [1.0]])
def test_u4_a_made_up_click_sends_nothing(failed, rows):
    """Case U4: what names no failed clips, or others beside them, is refused."""
    simulator, sweep = failed()
    board = Board(sweep)

    assert "error" in ask(board, kind="retry", rows=rows)
    assert posts(simulator) == 3
    board.close()


def test_u4_what_was_paid_is_made_again_only_by_name(simulate, tmp_path):
    """Case U4: for paid clips that cannot be had the board says what to type, and has no button."""
    gone = Fault(kind="reply", on="status", status=404, body={"message": "gone"}, times=None)
    simulator = simulate(faults=[gone])
    sweep = Sweep(BOATS, client=simulator.client(), folder=tmp_path, previews=False)
    sweep.run()
    board = Board(sweep)
    state = board.state()

    assert sweep.counts() == {"missing": 3}
    assert state["retry"]["rows"] == []
    [remedy] = state["remedies"]
    assert remedy.startswith("3 missing: run() asks for them again")
    assert 'sweep.retry(where="missing") makes and pays them again' in remedy
    assert "error" in ask(board, kind="retry", rows=[0])
    assert posts(simulator) == 3
    board.close()


def test_u4_what_is_unknown_or_held_names_the_way_out(simulate, tmp_path):
    """Case U4: an unknown submission names sweep.unknown, held clips what they wait for; neither has a button."""
    mute = Fault(kind="reply", on="prices", status=500, times=None)
    simulator = simulate(faults=[Fault(kind="close", on="submit", when="after"), mute])
    sweep = Sweep(BOATS, client=simulator.client(), folder=tmp_path, budget="0.13", previews=False)
    with pytest.warns(UserWarning, match="price of 3 of 3"):
        sweep.run()
    board = Board(sweep)
    state = board.state()

    assert state["retry"]["rows"] == []
    assert sweep.counts() == {"held": 2, "unknown": 1}
    assert state["remedies"] == [
        "2 held: what they wait for is said above",
        "1 unknown: sweep.unknown shows what it may have cost, and the ways to settle it",
    ]
    board.close()
