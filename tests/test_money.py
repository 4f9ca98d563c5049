"""Money in one place: what attempts have cost or may cost, what caps allow, and who counts with it."""

from __future__ import annotations

import ast
import copy
import pickle
import re
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import gridgen
from gridgen import BudgetError, Grid, Sweep
from gridgen.money import (
    Answer,
    Cap,
    ClipKey,
    Commitments,
    Dollars,
    Outlay,
    Stage,
    allows,
    dollars,
    exact_dollars,
    later_cost,
    total,
)
from gridgen.simulator import Fault

PRICE = Decimal("0.0612")
SUM = re.compile(r"^[\w.]*\b(usd|cost|besides|committed|spent)\b [+-]=|[+-]= .*Decimal\(")
GRIDGEN = Path(gridgen.__file__).parent

USD = st.decimals(min_value=0, max_value=20, places=4)
MAYBE = st.none() | USD
OUTLAYS = st.builds(Outlay, st.sampled_from(Stage), MAYBE, MAYBE)
CLIPS = st.dictionaries(st.integers(0, 5), st.lists(OUTLAYS, max_size=4).map(tuple), max_size=6)


def key(number: int) -> ClipKey:
    """Return what names a clip."""
    return ClipKey("simulator", str(number), 1)


def committed(clips: dict[int, tuple[Outlay, ...]], **options) -> Commitments:
    """Return what some clips are committed to."""
    found = Commitments(**options)
    for number, outlays in clips.items():
        found.put(key(number), outlays)
    return found


def sums(found: Commitments) -> tuple[Decimal, Decimal, int, int]:
    """Return all that a cap looks at."""
    return found.known, found.charged, found.unpriced, found.blind


@given(st.decimals(min_value=-1000, max_value=1000, places=6))
def test_an_amount_is_written_near_what_it_is(usd):
    """Case U1: a written amount is off by half a cent at most and by less than a twentieth, and nothing only where it is nothing."""
    shown = Decimal(dollars(usd).replace("$", ""))
    written = Decimal(exact_dollars(usd).replace("$", ""))

    assert abs(shown - usd) <= min(Decimal("0.005"), abs(usd) / 20)
    assert (shown == 0) == (usd == 0)
    assert written == usd
    assert len(dollars(usd).partition(".")[2]) >= 2


@given(st.lists(USD, min_size=2), st.integers(1, 9))
def test_an_amount_that_is_shown_is_exact_where_it_counts(sums, times):
    """Case U1: what is shown as $1.47 is 1.4688 in all that is reckoned with it, and after a copy too."""
    whole = total(sums)
    again = pickle.loads(pickle.dumps(whole))

    assert repr(whole) == dollars(sum(sums))
    assert (str(whole), whole * times, hash(whole)) == (str(sum(sums)), sum(sums) * times, hash(sum(sums)))
    assert (type(again), again, copy.copy(whole)) == (Dollars, whole, whole)


@given(st.lists(st.tuples(st.integers(0, 5), st.lists(OUTLAYS, max_size=3).map(tuple)), max_size=20))
def test_the_order_in_which_things_are_heard_changes_no_sum(heard):
    """What is kept up step by step equals what is summed up afresh from how things stand at the end."""
    step_by_step = Commitments()
    for number, outlays in heard:
        step_by_step.put(key(number), outlays)

    assert sums(step_by_step) == sums(committed(dict(heard)))


@given(CLIPS, USD)
def test_a_price_that_comes_in_later_counts_for_all_that_left_without_one(clips, price):
    """Repriced sums equal those of a world in which the price was known from the start."""
    later = committed(clips)
    later.reprice(lambda _key: price)

    assert sums(later) == sums(committed(clips, price_of=lambda _key: price))
    assert later.unpriced == 0


@given(CLIPS, st.lists(st.tuples(st.integers(6, 9), MAYBE), max_size=6, unique_by=lambda each: each[0]))
def test_what_is_reserved_and_released_leaves_no_trace(clips, reserved):
    """A reservation counts while it is held, of unknown price too, and afterwards nothing of it does."""
    found = committed(clips)
    before = sums(found)
    for number, price in reserved:
        found.reserve(key(number), price)
    known = total(price for _, price in reserved)
    blind = sum(price is None for _, price in reserved)
    assert sums(found) == (before[0] + known, before[1], before[2] + blind, before[3] + blind)

    assert all(found.release(key(number)) for number, _ in reserved)
    assert sums(found) == before


def test_an_attempt_under_way_takes_the_place_of_its_reservation():
    """Between the intent's being written and the reservation's being given back, nothing counts twice."""
    found = Commitments()
    found.reserve(key(1), PRICE)
    found.put(key(1), (Outlay(Stage.UNDER_WAY, PRICE, None),))

    assert found.known == PRICE
    assert not found.release(key(1))


@given(CLIPS, st.lists(USD, min_size=1, max_size=4), MAYBE)
def test_one_more_clip_never_passes_any_cap_but_for_one_of_unknown_price(clips, caps, price):
    """Whatever caps there are: a known price fits in all; an unknown one goes only while each has money left and none is unknown."""
    found = committed(clips)
    verdict = allows([Cap(f"cap {at}", usd, found) for at, usd in enumerate(caps)], price)

    tightest = min(caps)
    over = found.known >= tightest if price is None else found.known + price > tightest
    waits = price is None and found.unpriced > 0
    assert verdict.answer is (Answer.OVER if over else Answer.WAIT_FOR_PRICE if waits else Answer.YES)
    assert (verdict.cap is None) == (verdict.answer is Answer.YES)


def test_the_cap_that_binds_is_named():
    """Of several caps the one that is passed is named, before one for which a price is waited for."""
    roomy, blind, spent = Commitments(), Commitments(), Commitments()
    blind.put(key(1), (Outlay(Stage.UNDER_WAY, None, None),))
    spent.put(key(2), (Outlay(Stage.ENDED, PRICE, PRICE),))
    caps = [Cap("grid", Decimal(1), roomy), Cap("day", Decimal(1), blind), Cap("team", PRICE, spent)]

    assert allows(caps, None) == (Answer.OVER, caps[2])
    assert allows(caps[:2], None) == (Answer.WAIT_FOR_PRICE, caps[1])
    assert allows(caps[:2], PRICE) == allows(caps[:1], None) == (Answer.YES, None)


@given(MAYBE, MAYBE, st.booleans())
def test_what_was_told_is_never_forgotten(before, now, ended):
    """Case A8: an answer without a cost takes no earlier one back, and only the end may lower it."""
    found = later_cost(before, now, ended=ended)

    if before is not None:
        assert found is not None
        assert ended or found >= before
    if now is not None and ended:
        assert found == now


def test_a_told_cost_outlives_answers_without_one(simulate, tmp_path):
    """Case A8: a cost that is told once, and not in later answers, counts to the end and holds the next clip back."""
    told, silent = ({"data": {"cost": usd, "credits_cost": usd and 10 * usd}} for usd in (5.0, None))
    simulator = simulate(
        faults=[
            Fault(kind="patch", on="status", patch=told, times=1),
            Fault(kind="patch", on="status", patch=silent, times=None, skip=1),
        ]
    )
    options = {"client": simulator.client(), "folder": tmp_path, "budget": 2, "previews": False}
    with pytest.raises(BudgetError, match=r"charges \$5"):
        Sweep(Grid(prompt="a"), **options).run()
    sweep = Sweep(Grid(prompt=["a", "b"]), **options)
    with pytest.raises(BudgetError, match=r"5\.00 is spent already"):
        sweep.run()

    assert sweep.cost == 5
    assert len(simulator.ledger) == 1


def test_cost_counts_every_attempt(simulate, tmp_path):
    """Case A8: a clip that was paid, lost and paid again has cost both, in `cost`, in `costs` and for the budget."""
    simulator = simulate(faults=[Fault(kind="reply", on="result", status=410, times=None)])
    grid = Grid(prompt=["a", "b"], size=["16:9", "9:16"])
    sweep = Sweep(grid, client=simulator.client(), folder=tmp_path, budget=2, previews=False)
    sweep.run()
    simulator.faults.clear()
    assert sweep.counts() == {"expired": 4}
    sweep.retry("expired")
    sweep.wait()

    assert simulator.ledger.billed == 8 * PRICE
    assert sweep.cost == sweep.costs.charged == sweep.estimate().committed == 8 * PRICE
    assert sweep.costs.df["charged"].sum() == pytest.approx(float(8 * PRICE))
    assert list(sweep.costs.by("prompt")["charged"]) == pytest.approx([float(4 * PRICE)] * 2)


def test_fewer_takes_hide_no_money(simulate, tmp_path):
    """Case A8: what two takes have cost counts in a sweep that asks for one of them."""
    simulator = simulate()
    options = {"client": simulator.client(), "folder": tmp_path, "previews": False}
    Sweep(Grid(prompt=["a", "b"]), takes=2, budget=1, **options).run()
    sweep = Sweep(Grid(prompt=["a", "b"]), takes=1, budget=1, **options)

    assert sweep.cost == sweep.costs.charged == sweep.estimate().committed == 4 * PRICE
    with pytest.raises(BudgetError, match=r"0\.2448 is spent already"):
        Sweep(Grid(prompt=["a", "b", "c"]), budget=4 * PRICE, **options).run()


def test_a_proof_of_unknown_price_keeps_its_budget(simulate):
    """Case A8: nobody knows whether two jobs of unknown price fit in a cent, so none leaves."""
    silent = Fault(kind="reply", on="prices", status=500, times=None)
    simulator = simulate(faults=[silent])
    with pytest.raises(BudgetError, match="an unknown price"):
        simulator.client().prove_idempotency(budget=0.01)
    assert len(simulator.ledger) == 0


def adds_up_money(path: Path) -> bool:
    """Whether a module sums up decimals, or adds to one."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        summed = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "sum"
        if summed and "Decimal(" in ast.unparse(node):
            return True
        if isinstance(node, ast.AugAssign) and SUM.search(ast.unparse(node)):
            return True
    return False


def test_nobody_else_adds_up_money():
    """Outside of the simulator, which is an independent witness, one module adds up money."""
    others = (
        path for path in GRIDGEN.rglob("*.py") if "simulator" not in path.parts and path.name != "money.py"
    )
    assert [path.name for path in others if adds_up_money(path)] == []
