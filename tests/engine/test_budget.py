"""Money: what a sweep may cost, what it finds out that it costs, and what stops it."""

from __future__ import annotations

import asyncio
import json
import threading
from decimal import Decimal

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from waiting import until

import gridgen
from gridgen import APIError, BudgetError, Grid, NetworkError, OutOfCreditsError, Simulator, Sweep
from gridgen.estimate.prices import Prices
from gridgen.models import enough, find
from gridgen.models.pricelist import listed_price
from gridgen.simulator import Fault

PRICE = Decimal("0.0612")


def posts(simulator) -> int:
    """Count the submissions that were seen on the wire."""
    return sum(seen.method == "POST" for seen in simulator.requests)


def boats(count: int) -> Grid:
    """Return a grid of so many cells of one price."""
    return Grid(prompt=[f"boat {number}" for number in range(count)])


def dearer(usd: float, **options) -> Fault:
    """Return a fault that makes the server report a higher cost for tasks."""
    patch = {"data": {"cost": usd, "credits_cost": usd * 10}}
    return Fault(**{"kind": "patch", "on": "status", "patch": patch, "times": None, **options})


def test_the_suggested_budget_is_enough(simulate, tmp_path):
    """The sum that the error tells to add lets the sweep run: cents are rounded up."""
    client = simulate().client(api_key="sk-test-real")
    with pytest.raises(BudgetError) as caught:
        Sweep(boats(8), client=client, folder=tmp_path, previews=False).run()
    told = str(caught.value).split("budget=")[1].split(" ")[0]

    sweep = Sweep(boats(8), client=client, folder=tmp_path, budget=told, previews=False)
    sweep.run()
    assert sweep.counts() == {"done": 8}


@given(st.decimals(min_value=0, max_value=10_000, places=6))
def test_a_sum_of_whole_cents_covers_a_price(usd):
    """Rounded up to a cent, by less than a cent."""
    assert 0 <= enough(usd) - usd < Decimal("0.01")


def test_more_than_the_account_has_is_told_first(simulate, tmp_path):
    """Three clips and money for one: told with figures before the first POST; after a top-up all are made."""
    simulator = simulate(balance=Decimal("0.07"))
    sweep = Sweep(boats(3), client=simulator.client(), folder=tmp_path / "boats", previews=False)
    with pytest.raises(OutOfCreditsError, match=r"3 videos cost \$0\.1836.*\$0\.07 left.*Top up by \$0\.12"):
        sweep.run()
    assert posts(simulator) == 0
    assert not (tmp_path / "boats").exists()

    simulator.top_up(Decimal("0.12"))
    sweep.run()
    assert sweep.counts() == {"done": 3}


def test_what_is_made_needs_no_money(simulate, tmp_path):
    """A finished sweep runs again on an empty account."""
    simulator = simulate(balance=PRICE)
    sweep = Sweep(boats(1), client=simulator.client(), folder=tmp_path, previews=False)
    sweep.run()
    sweep.run()

    assert simulator.balance == 0
    assert sweep.counts() == {"done": 1}


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(None, id="200-success-false"),
        pytest.param(Fault(kind="reply", on="balance", status=500, times=None), id="500"),
        pytest.param(Fault(kind="reply", on="balance", status=404, times=None), id="404"),
        pytest.param(Fault(kind="reset", on="balance", times=None), id="reset"),
        pytest.param(Fault(kind="hang", on="balance", times=None), id="hang"),
        pytest.param(
            Fault(kind="reply", on="balance", status=200, body={"remain_balance": "much"}, times=None),
            id="words",
        ),
        pytest.param(
            Fault(
                kind="reply",
                on="balance",
                status=200,
                body={"remain_balance": "NaN", "used_balance": 0},
                times=None,
            ),
            id="nan",
        ),
        pytest.param(Fault(kind="reply", on="balance", status=200, body="<html>", times=None), id="html"),
    ],
)
def test_a_balance_that_is_not_told_is_no_obstacle(simulate, tmp_path, fault):
    """C34: whatever the balance endpoint does, the sweep runs."""
    simulator = simulate(balance_fails=fault is None, faults=[] if fault is None else [fault])
    sweep = Sweep(boats(1), client=simulator.client(), folder=tmp_path, previews=False)
    sweep.run()

    assert sweep.counts() == {"done": 1}


def test_unlimited_keys_show_the_accounts_balance(simulate):
    """C34: a key without a limit of its own tells what the account has, not -1."""
    client = simulate(profile="unlimited", balance=Decimal("12.5")).client()

    assert client.balance().remaining == Decimal("12.5")


def test_a_key_may_know_only_its_own_balance(simulate):
    """C34: without the account's endpoint the key's own balance counts, and -1 is an error, not a sum."""
    gone = Fault(kind="reply", on="balance", status=404, times=1)
    limited = simulate(balance=Decimal(3), faults=[gone]).client()
    unlimited = simulate(profile="unlimited", faults=[gone]).client()

    assert limited.balance().remaining == 3
    with pytest.raises(APIError, match="no limit of its own"):
        unlimited.balance()


@pytest.mark.security("S27")
def test_a_charge_above_the_price_stops_the_sweep(simulate, tmp_path):
    """After the server charges more than was known, no further POST leaves, and the sweep says so."""
    simulator = simulate(rate=60.0, burst=1, faults=[dearer(0.09)])
    sweep = Sweep(boats(30), client=simulator.client(), folder=tmp_path, budget=5, previews=False)
    with pytest.raises(BudgetError, match=r"charges \$0\.09.*known price is \$0\.0612.*Nothing more is"):
        sweep.run()

    known = next(seen.at for seen in simulator.requests if seen.path.startswith("/v1/tasks/"))
    made = len(simulator.ledger)
    assert 0 < made < 30
    assert max(seen.at for seen in simulator.requests if seen.method == "POST") <= known + 1
    assert sweep.counts() == {"planned": 30 - made, "done": made}


def test_the_new_price_is_counted_with(simulate, tmp_path):
    """The estimate after a dearer charge uses it; running on is checked against the budget with it."""
    simulator = simulate(rate=60.0, burst=1, faults=[dearer(0.09)])
    sweep = Sweep(boats(30), client=simulator.client(), folder=tmp_path, budget=2, previews=False)
    with pytest.raises(BudgetError, match="charges"):
        sweep.run()
    made = len(simulator.ledger)

    assert sweep.estimate().usd == (30 - made) * Decimal("0.09")
    with pytest.raises(BudgetError, match=r"more than budget=2 USD"):
        sweep.run()
    assert len(simulator.ledger) == made

    again = Sweep(
        boats(30), client=simulator.client(), folder=tmp_path, budget=Decimal("2.70"), previews=False
    )
    again.run()
    assert again.counts() == {"done": 30}
    assert again.cost == 30 * Decimal("0.09")


def test_a_price_within_noise_is_the_price(simulate, tmp_path):
    """Floats on the wire carry noise: a charge that differs by less than 0.00001 USD stops nothing."""
    simulator = simulate(faults=[dearer(0.061204)])
    sweep = Sweep(boats(3), client=simulator.client(), folder=tmp_path, budget=1, previews=False)
    sweep.run()

    assert sweep.counts() == {"done": 3}


def test_refunds_release_the_budget(simulate, tmp_path):
    """Held cells go when failed ones are refunded: a budget for four makes four good clips of six tasks."""
    bad = Fault(
        kind="fail", on="submit", match=lambda body: body["prompt"] in {"boat 0", "boat 1"}, times=None
    )
    simulator = simulate(faults=[bad])
    first = Sweep(boats(4), client=simulator.client(), folder=tmp_path, budget=4 * PRICE, previews=False)
    first.run()
    assert first.counts() == {"done": 2, "failed": 2}

    wider = Sweep(boats(6), client=simulator.client(), folder=tmp_path, budget=4 * PRICE, previews=False)
    wider.run()
    assert wider.counts() == {"done": 4, "failed": 2}
    assert simulator.ledger.billed == 4 * PRICE


def test_unknown_price_sends_one_probe(simulate, tmp_path):
    """Without a price list one cell goes alone; its cost prices the rest, which the budget then caps."""
    silent = Fault(kind="reply", on="prices", status=500, times=None)
    simulator = simulate(faults=[silent])
    sweep = Sweep(boats(10), client=simulator.client(), folder=tmp_path, budget=3 * PRICE, previews=False)
    with pytest.warns(UserWarning, match="the price of 10 of 10 clips is unknown"):
        sweep.run()

    sent = sorted(seen.at for seen in simulator.requests if seen.method == "POST")
    told = next(seen.at for seen in simulator.requests if seen.path.startswith("/v1/tasks/"))
    assert [at for at in sent if at < told] == sent[:1]
    assert sweep.counts() == {"held": 7, "done": 3}
    assert simulator.ledger.billed == 3 * PRICE


@pytest.mark.filterwarnings("ignore:the price of")
def test_a_price_that_could_not_be_had_is_asked_for_again_before_a_clip_is_paid(simulate, tmp_path):
    """A list that answers late, in mid-run, is heard before the probe leaves: nothing goes beyond the budget."""
    simulator = simulate(faults=[Fault(kind="reply", on="prices", status=500, times=1)])
    sweep = Sweep(boats(2), client=simulator.client(), folder=tmp_path, budget="0.05", previews=False)
    sweep.run()
    assert (posts(simulator), sweep.counts()) == (0, {"held": 2})

    sweep.budget = 2 * PRICE
    sweep.run()
    assert (simulator.ledger.billed, sweep.counts()) == (2 * PRICE, {"done": 2})


@pytest.mark.filterwarnings("ignore:the price of")
def test_a_sweep_begun_offline_pays_nothing_blindly(simulate, tmp_path):
    """Where the network was away at the start, the price is asked for before the first clip, and by the next run."""
    simulator = simulate()
    sweep = Sweep(boats(2), client=simulator.client(), folder=tmp_path, budget="0.05", previews=False)
    with simulator.offline(), pytest.raises(NetworkError, match="Nothing was sent"):
        sweep.run()
    assert sweep.counts() == {"planned": 2}

    with pytest.raises(BudgetError, match=r"budget=0\.05"):
        sweep.run()
    assert posts(simulator) == 0


@pytest.mark.filterwarnings("ignore:the price of")
def test_a_price_outlasts_the_list_that_told_it(simulate, tmp_path):
    """Without a list a folder recalls what its submissions were priced at: nothing more leaves than the budget has room for."""
    simulator = simulate(faults=[lost(1)])
    options = {"folder": tmp_path, "budget": "0.10", "previews": False}
    Sweep(boats(1), client=simulator.client(), **options).run()
    simulator.faults.add(silent_about_prices())

    sweep = Sweep(boats(3), client=simulator.client(), **options)
    assert (sweep.estimate().usd, sweep.estimate().unpriced) == (2 * PRICE, 0)
    assert "was submitted here" in sweep.estimate().sources[0]
    with pytest.raises(BudgetError, match=r"0\.0612 is spent already"):
        sweep.run()
    assert posts(simulator) == 1


def silent_about_prices() -> Fault:
    """Return a fault that keeps the price list to itself."""
    return Fault(kind="reply", on="prices", status=500, times=None)


def lost(times: int | None, **options) -> Fault:
    """Return a fault that loses the answers to submissions after they were billed."""
    return Fault(**{"kind": "close", "on": "submit", "when": "after", "times": times, **options})


@pytest.mark.filterwarnings("ignore:the price of")
@pytest.mark.parametrize("policy", ["hold", "lost"])
def test_a_lost_probe_is_followed_by_no_other(simulate, tmp_path, policy):
    """Where no price is known and the probe's answer was lost, the rest is held: nobody knows what it has cost."""
    simulator = simulate(faults=[silent_about_prices(), lost(None)])
    options = {"folder": tmp_path, "budget": "0.10", "previews": False, "on_unknown": policy}
    for _ in range(2):
        sweep = Sweep(boats(6), client=simulator.client(), **options)
        sweep.run()
        assert posts(simulator) == 1
        assert sweep.counts() == {"held": 5, {"hold": "unknown"}.get(policy, policy): 1}
        assert "a price: 5 clips held, as 1 of unknown price got lost" in sweep.waits_for[0]


@pytest.mark.filterwarnings("ignore:the price of")
def test_a_missing_probe_is_followed_by_no_other(simulate, tmp_path):
    """Where no price is known and the probe's task is not to be found, the rest is held as well, in the next run too."""
    gone = Fault(kind="reply", on="status", status=404, times=None)
    simulator = simulate(faults=[silent_about_prices(), gone])
    sweep = Sweep(
        boats(6), client=simulator.client(), folder=tmp_path, budget=float(PRICE) * 2, previews=False
    )
    for _ in range(2):
        sweep.run()
        assert sweep.counts() == {"held": 5, "missing": 1}
    assert posts(simulator) == 1

    simulator.faults.clear()
    with pytest.raises(BudgetError, match=r"5 videos cost \$0\.306, and \$0\.0612 is spent already"):
        sweep.run()
    sweep.budget = 6 * PRICE
    sweep.run()
    assert sweep.counts() == {"done": 6}
    assert posts(simulator) == 6


@pytest.mark.filterwarnings("ignore:the price of")
def test_what_was_lost_counts_once_its_price_is_known(simulate, tmp_path):
    """Lost submissions count at the price that an attached one tells: what is held is let go as far as money is left."""
    simulator = simulate(faults=[silent_about_prices(), lost(2)])
    options = {"client": simulator.client(), "folder": tmp_path, "previews": False}
    for number in range(2):
        Sweep(Grid(prompt=f"boat {number}"), **options).run()
    sweep = Sweep(boats(6), budget=3 * PRICE, **options)
    sweep.run()
    assert sweep.counts() == {"held": 4, "unknown": 2}

    sweep.unknown.attach(0, simulator.ledger[0].task_id)
    sweep.wait()
    assert sweep.counts() == {"held": 3, "unknown": 1, "done": 2}
    assert simulator.ledger.billed == 3 * PRICE


class Gated(httpx.AsyncBaseTransport):
    """A way to a simulator on which no question about a task is answered before the gate is opened."""

    def __init__(self, simulator: Simulator, gate: threading.Event) -> None:
        self.inner, self.gate = simulator.transport(), gate

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Pass a request on."""
        if request.url.path.startswith("/v1/tasks"):
            await asyncio.to_thread(self.gate.wait, 30)
        return await self.inner.handle_async_request(request)


@pytest.mark.filterwarnings("ignore:the price of")
def test_two_sweeps_of_one_folder_keep_the_budget(simulate, tmp_path):
    """Two sweeps at once without a price list, one grid within the other: one probe, and no more than the budget."""
    simulator, gate = simulate(faults=[silent_about_prices()]), threading.Event()
    client = simulator.client(http_client=lambda: httpx.AsyncClient(transport=Gated(simulator, gate)))
    options = {"client": client, "folder": tmp_path, "budget": 2.5 * float(PRICE), "previews": False}
    small, large = Sweep(boats(6), **options), Sweep(boats(12), **options)
    small.start()
    until(lambda: small.counts().get("held"))
    large.start()
    until(lambda: large.counts().get("held") == 6)
    gate.set()
    small.wait()
    large.wait()

    assert simulator.ledger.billed == 2 * PRICE
    assert large.counts() == {"held": 10, "done": 2}


def test_equal_refusals_stop_the_sweep(simulate, tmp_path):
    """Five refusals in a row in the same words end the submitting; the next run tries again."""
    body = {"error": {"code": "model_not_found", "message": "no such model (request id: 20261123-1)"}}
    refused = Fault(kind="reply", on="submit", when="before", status=404, body=body, times=5)
    simulator = simulate(rate=60.0, burst=1, faults=[refused])
    sweep = Sweep(boats(40), client=simulator.client(), folder=tmp_path, previews=False)
    with pytest.raises(
        APIError, match=r"5 submissions in a row were refused.*no such model.*35 are not sent"
    ):
        sweep.run()
    assert sweep.counts() == {"planned": 35, "rejected": 5}

    sweep.run()
    assert sweep.counts() == {"done": 35, "rejected": 5}


def test_different_refusals_are_rows(simulate, tmp_path):
    """Refusals in different words, or with a success between, stop nobody."""
    simulator = simulate(durations="live")
    sweep = Sweep(
        Grid(prompt="boat", duration=range(6, 31)), client=simulator.client(), folder=tmp_path, previews=False
    )
    sweep.run()
    assert sweep.counts()["done"] == 10

    mixed = Sweep(
        Grid(prompt=[f"boat {n}" for n in range(12)], duration=[20, 6]),
        client=simulator.client(),
        folder=tmp_path / "mixed",
        previews=False,
    )
    mixed.run()
    assert mixed.counts() == {"done": 12, "rejected": 12}


@pytest.mark.security("S27")
def test_the_budget_is_never_passed(simulate, tmp_path):
    """A sweep stopped and run on with money for seven of twenty never has more than seven billed."""
    simulator = simulate()
    sweep = Sweep(boats(7), client=simulator.client(), folder=tmp_path, budget=7 * PRICE, previews=False)
    sweep.run()
    for _ in range(2):
        with pytest.raises(BudgetError):
            Sweep(
                boats(20), client=simulator.client(), folder=tmp_path, budget=7 * PRICE, previews=False
            ).run()

    assert simulator.ledger.billed == 7 * PRICE
    assert json.dumps(sweep.counts()) == '{"done": 7}'


@pytest.mark.parametrize(
    "fault",
    [
        Fault(kind="patch", on="status", patch={"data": {"result": {"videos": []}}}, times=None),
        Fault(kind="reply", on="status", status=404, times=None),
    ],
    ids=["no-video", "not-found"],
)
def test_what_is_paid_and_missing_counts(simulate, tmp_path, fault):
    """A task whose video cannot be had, or that the server forgot, has its price: it frees no money for another."""
    simulator = simulate(faults=[fault])
    Sweep(boats(2), client=simulator.client(), folder=tmp_path, budget=0.13).run()

    assert simulator.ledger.billed == 2 * PRICE
    with pytest.raises(BudgetError):
        Sweep(boats(4), client=simulator.client(), folder=tmp_path, budget=0.13).run()
    assert posts(simulator) == 2


@pytest.mark.filterwarnings("ignore:the price of")
def test_a_probe_that_never_tells_its_cost_is_followed_by_no_other(simulate, tmp_path):
    """A server without a price list whose tasks name no cost gets one clip under a budget, in later runs too."""
    mute = Fault(kind="patch", on="status", patch={"data": {"cost": ..., "credits_cost": ...}}, times=None)
    simulator = simulate(faults=[silent_about_prices(), mute])
    for _ in range(2):
        sweep = Sweep(boats(6), client=simulator.client(), folder=tmp_path, budget=PRICE, previews=False)
        sweep.run()
        assert (posts(simulator), sweep.counts()) == (1, {"held": 5, "done": 1})
    assert "1 of unknown price got lost or never told its cost" in sweep.waits_for[0]


@pytest.mark.filterwarnings("ignore:the price of")
@pytest.mark.parametrize(("budget", "made"), [("0.01", 1), ("0.2", 2)])
def test_probes_of_several_kinds_pass_the_budget_once(simulate, tmp_path, budget, made):
    """Without a price list a clip of each tier goes, one after the other, and none once the budget is used up."""
    simulator = simulate(faults=[silent_about_prices()])
    grid = Grid(prompt="boat", quality=["480p", "720p"])
    sweep = Sweep(grid, client=simulator.client(), folder=tmp_path, budget=budget, previews=False)
    sweep.run()

    assert sweep.counts() == ({"done": 2} if made == len(grid) else {"held": 1, "done": 1})
    first, *others = [seen.at for seen in simulator.requests if seen.method == "POST"]
    told = next(seen.at for seen in simulator.requests if seen.path.startswith("/v1/tasks/"))
    assert first < told
    assert all(at >= told for at in others)


@pytest.mark.filterwarnings("ignore:the price of")
@pytest.mark.parametrize(
    ("fault", "again"),
    [
        (Fault(kind="close", on="submit", when="after"), lambda sweep: sweep.unknown.resubmit()),
        (
            Fault(kind="reply", on="status", status=404, match="boat 0", times=None),
            lambda sweep: sweep.retry("missing"),
        ),
    ],
    ids=["unknown", "missing"],
)
def test_what_may_be_paid_is_not_made_again_before_its_price_is_known(simulate, tmp_path, fault, again):
    """A clip that may be paid at an unknown price is not renewed under a budget, and stays as it is."""
    simulator = simulate(faults=[silent_about_prices(), fault])
    sweep = Sweep(boats(6), client=simulator.client(), folder=tmp_path, budget="0.20", previews=False)
    sweep.run()
    before = sweep.counts()
    with pytest.raises(BudgetError, match=r"what row 0 has cost.*budget=0\.20 USD.*Nothing has changed"):
        again(sweep)
    assert (posts(simulator), sweep.counts()) == (1, before)


@pytest.mark.filterwarnings("ignore:the price of")
def test_earlier_attempts_of_unknown_price_count_once_it_is_known(simulate, tmp_path):
    """Two submissions of one clip that left without a price are two in the budget of a later run."""
    simulator = simulate(faults=[silent_about_prices(), lost(1)])
    client = simulator.client()
    unlimited = Sweep(boats(1), client=client, folder=tmp_path, previews=False)
    unlimited.run()
    unlimited.unknown.resubmit()
    unlimited.wait()
    assert simulator.ledger.billed == 2 * PRICE

    sweep = Sweep(boats(3), client=client, folder=tmp_path, budget=3 * PRICE, previews=False)
    assert sweep.estimate().committed == 2 * PRICE
    with pytest.raises(BudgetError, match=r"\$0\.1224 is spent already"):
        sweep.run()
    small = Sweep(boats(2), client=client, folder=tmp_path, budget=3 * PRICE, previews=False)
    small.run()
    assert (small.counts(), simulator.ledger.billed) == ({"done": 2}, 3 * PRICE)


@pytest.mark.filterwarnings("ignore:the price of")
def test_what_is_paid_is_fetched_though_it_passed_the_budget(simulate, tmp_path):
    """A run that has nothing to submit brings the clips, whatever they have cost."""
    gone = Fault(kind="reply", on="result", status=500, times=None)
    simulator = simulate(faults=[silent_about_prices(), gone])
    sweep = Sweep(boats(1), client=simulator.client(), folder=tmp_path, budget="0.05", previews=False)
    sweep.run()
    assert sweep.counts() == {"missing": 1}

    simulator.faults.clear()
    sweep.run()
    assert (sweep.counts(), posts(simulator)) == ({"done": 1}, 1)


@pytest.mark.parametrize("clips", [(6,), (6, 7)], ids=["lowered", "raised"])
def test_a_new_budget_holds_from_the_next_start_on(simulate, tmp_path, clips):
    """Also where the run before still follows what it submitted: as many clips are made as it has room for."""
    simulator, gate = simulate(), threading.Event()
    client = simulator.client(http_client=lambda: httpx.AsyncClient(transport=Gated(simulator, gate)))
    sweep = Sweep(boats(8), client=client, folder=tmp_path, budget=8 * PRICE, previews=False)
    sweep.start()
    until(lambda: posts(simulator))
    sweep.stop()
    for count in clips:
        sweep.budget = count * PRICE
        sweep.start()
    gate.set()
    sweep.wait()

    assert sweep.counts() == {"held": 8 - clips[-1], "done": clips[-1]}
    assert simulator.ledger.billed == sweep.budget
    assert gridgen.open(tmp_path).budget == sweep.budget


def test_a_price_stays_when_the_list_tells_none():
    """A list that answers now with a price and now without one has told it."""
    cell, prices = boats(1)[0], Prices()
    told = {"billing_type": "per_second", "resolution_prices": {"480P": 0.0102}}
    prices.hear(cell.model, listed_price(told, find(cell.model)))
    prices.hear(cell.model, None)

    assert prices.of(cell) == PRICE


@pytest.mark.filterwarnings("ignore:the price of")
def test_a_failed_clip_tells_no_price(simulate, tmp_path):
    """What the server keeps for a failed clip is not what a good one costs: the next one is a probe again."""
    patch = {"data": {"status": "failed", "cost": 0.001, "credits_cost": 0.01}}
    failing = Fault(kind="patch", on="status", patch=patch, match="boat 0", times=None)
    simulator = simulate(faults=[silent_about_prices(), failing])
    options = {"client": simulator.client(), "folder": tmp_path, "previews": False}
    sweep = Sweep(boats(8), budget=2 * PRICE, **options)
    sweep.run()
    assert (sweep.counts(), posts(simulator)) == ({"held": 6, "done": 1, "failed": 1}, 2)

    Sweep(boats(1), client=options["client"], folder=tmp_path / "one", budget=1, previews=False).run()
    after = Sweep(boats(3), client=options["client"], folder=tmp_path / "one", budget=1, previews=False)
    assert after.estimate().unpriced == 2


@pytest.mark.filterwarnings("ignore:the price of")
def test_two_services_in_one_folder_share_no_price(simulate, tmp_path):
    """What a simulator charges prices nothing of another service whose clips are made in the same folder meanwhile."""
    other, gate = simulate(faults=[silent_about_prices(), dearer(0.5)]), threading.Event()
    real = other.client(
        api_key="sk-test-real", http_client=lambda: httpx.AsyncClient(transport=Gated(other, gate))
    )
    dear = Sweep(boats(6), client=real, folder=tmp_path, budget="0.6", previews=False)
    dear.start()
    until(lambda: dear.counts().get("held"))
    cheap = Sweep(boats(6), client=simulate().client(), folder=tmp_path, previews=False)
    cheap.run()
    gate.set()
    dear.wait()

    assert cheap.counts() == {"done": 6}
    assert (posts(other), dear.counts()) == (1, {"held": 5, "done": 1})


@pytest.mark.filterwarnings("ignore:the price of")
def test_a_second_is_no_measure_of_a_length_left_to_the_model(simulate, tmp_path):
    """A clip of four seconds tells no price of clips whose length the model chooses: one goes first, alone."""
    simulator = simulate(faults=[silent_about_prices()])
    options = {"client": simulator.client(), "folder": tmp_path, "previews": False}
    short = Grid(prompt="boat", model="seedance-2.5", duration=4)
    Sweep(short, **options).run()
    known = simulator.ledger.billed

    grid = short + Grid(prompt=[f"boat {n}" for n in range(6)], model="seedance-2.5", duration=-1)
    sweep = Sweep(grid, budget=known + Decimal("0.01"), **options)
    assert sweep.estimate().unpriced == 6
    sweep.run()
    assert sweep.counts() == {"held": 5, "done": 2}


@pytest.mark.filterwarnings("ignore:the price of")
def test_a_price_heard_by_an_estimate_counts_at_once(simulate, tmp_path, monkeypatch):
    """Where the list comes back while a run holds clips behind a lost one, what was lost counts as they are let go."""
    simulator, gate = simulate(faults=[silent_about_prices(), lost(1)]), threading.Event()
    client = simulator.client(http_client=lambda: httpx.AsyncClient(transport=Gated(simulator, gate)))
    options = {"client": client, "folder": tmp_path, "previews": False}
    Sweep(Grid(prompt="boat 0"), **options).run()
    listed = Grid(prompt="boat", model="grok-imagine-1.5-video-ext", quality="480p", duration=6)
    sweep = Sweep(listed + boats(3), budget=Decimal("2.5") * PRICE, **options)
    sweep.start()
    until(lambda: sweep.counts().get("queued") and sweep.counts().get("held") == 2)
    simulator.faults.clear()
    monkeypatch.setattr("gridgen.sweep.pricing.ASKED_AGAIN", -1.0)
    sweep.estimate()
    gate.set()
    sweep.wait()

    assert simulator.ledger.billed == 2 * PRICE
    assert sweep.counts() == {"held": 2, "unknown": 1, "done": 1}


@pytest.mark.filterwarnings("ignore:the price of")
def test_a_list_that_hangs_is_waited_for_once_before_a_run(simulate, tmp_path):
    """Beginning a run asks once, however long that takes; questions for a price are no refused submissions."""
    hanging = Fault(kind="hang", on="prices", times=3)
    simulator = simulate(faults=[hanging])
    sweep = Sweep(boats(2), client=simulator.client(), folder=tmp_path, budget=1, previews=False)
    sweep.run()

    assert sum(seen.path.startswith("/api/pricing") for seen in simulator.requests) == 4
    assert (sweep.stats().submissions, sweep.stats().refused) == (2, 0)


@pytest.mark.filterwarnings("ignore:the price of")
def test_a_risk_of_unknown_price_is_not_told_as_none(simulate, tmp_path):
    """A lost submission without a price is at risk, not for $0."""
    simulator = simulate(faults=[silent_about_prices(), lost(1)])
    sweep = Sweep(boats(2), client=simulator.client(), folder=tmp_path, budget=1, previews=False)
    sweep.run()

    assert "1 of unknown price at risk" in repr(sweep.unknown)
    assert "$0.00" not in repr(sweep.unknown)


def test_what_waits_for_an_upload_does_not_leave_after_a_dearer_charge(simulate, tmp_path):
    """A clip whose picture is still on its way when the server charges more than was known stays planned."""
    picture = tmp_path / "boat.png"
    Image.new("RGB", (40, 30), "red").save(picture)
    slow = Fault(kind="slow", on="upload", seconds=60)
    simulator = simulate(faults=[slow, dearer(0.5)])
    model = "grok-imagine-1.5-video-ext"
    grid = Grid(prompt="boat", model=model) + Grid(prompt="boat", model=model, image_urls=[[picture]])
    sweep = Sweep(grid, client=simulator.client(), folder=tmp_path / "boats", budget=1, previews=False)
    with pytest.raises(BudgetError, match="Nothing more is submitted"):
        sweep.run()

    assert len(simulator.ledger) == 1
    assert sweep.counts() == {"planned": 1, "done": 1}
