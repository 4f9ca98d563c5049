"""The price before it is spent, the cap while it is, and the charge beside the price afterwards."""

from __future__ import annotations

import io
import math
import warnings
from decimal import Decimal

import pandas as pd
import pytest
from PIL import Image
from waiting import until

import gridgen
from gridgen import BudgetError, Client, Grid, GridError, Sweep
from gridgen.board import Board
from gridgen.estimate import OBSERVED, Services
from gridgen.estimate.prices import Prices
from gridgen.simulator import Fault

EXT = "grok-imagine-1.5-video-ext"
NO_PRICES = {"success": True, "data": {"resolution_prices": {}, "paid_price": 0}}


def posts(simulator) -> int:
    """Count what was sent and not merely asked."""
    return sum(request.method == "POST" for request in simulator.requests)


def silent(**options):
    """Return a fault that leaves the price list without prices."""
    return Fault(kind="reply", on="prices", status=200, body=NO_PRICES, times=None, **options)


@pytest.fixture
def mixed() -> Grid:
    """Two models, one of which has no price in the catalogue, and two durations."""
    return Grid(prompt="a boat", model=[EXT, "grok-imagine-1.0-video-apimart"], duration=[6, 10])


def test_e1_an_unknown_price_is_never_zero(mixed):
    """E1: what no source states is missing in the table, "unknown" in words, and counted."""
    found = mixed.estimate()

    assert (found.videos, found.unpriced, found.usd) == (4, 2, Decimal("0.1632"))
    assert list(found.df["usd"].isna()) == [False, False, True, True]
    by_model = found.by("model")
    assert list(by_model["usd"].isna()) == [False, True]
    assert not (found.df["usd"] == 0).any()
    for text in (repr(found), str(found), found._repr_html_()):
        assert "2 clips of unknown price" in text
        assert "$0.00" not in text.replace("spent so far</th><td style='text-align:left'>$0.00", "").replace(
            "spent so far    $0.00", ""
        )
    assert Grid(prompt="a").estimate().total == "an unknown price"
    assert "unknown" in Grid(prompt=["a", "b"]).estimate()._repr_html_()


def test_e1_each_price_has_a_source_and_a_date(mixed):
    """E1: the table and the summary say where a price was read, and when."""
    found = mixed.estimate()

    [source] = found.sources
    assert source.startswith("apimart.ai's pricing page, as kept by")
    assert source.endswith(", 2026-09-24: 480p $0.0102 a second")
    assert list(found.df["source"].fillna("")) == [source, source, "", ""]
    assert "2026-09-24" in found._repr_html_()


def test_the_servers_list_fills_what_the_catalogue_leaves_open(simulate, mixed, tmp_path):
    """With a client the server's own price list is asked for every model; it wins, and is named as the source."""
    simulator = simulate()
    sweep = Sweep(mixed, client=simulator.client(), folder=tmp_path / "s")

    found = sweep.estimate()

    assert (found.unpriced, found.usd) == (0, Decimal("0.3264"))
    assert found.sources == ("the server's price list: 480p $0.0102 a second",)
    # what the catalogue cannot price is asked for first
    assert [seen.query for seen in simulator.requests] == [
        "model=grok-imagine-1.0-video-apimart",
        f"model={EXT}",
    ]
    assert not (tmp_path / "s").exists()


def test_an_estimate_need_not_ask(simulate, mixed, tmp_path):
    """With ask=False nothing goes to the server; what the client was told before counts, for the layout too."""
    simulator = simulate()
    client = simulator.client()
    silent = Sweep(mixed, client=client, folder=tmp_path).estimate(ask=False)
    assert (silent.unpriced, len(simulator.requests)) == (2, 0)
    assert "of unknown price" in str(Sweep(mixed, client=client, folder=tmp_path).preview())
    Sweep(mixed, client=client, folder=tmp_path).estimate()
    told = Sweep(mixed, client=client, folder=tmp_path)

    assert (told.estimate(ask=False).usd, told.estimate(ask=False).unpriced) == (Decimal("0.3264"), 0)
    assert "$0.33" in str(told.preview())
    assert len(simulator.requests) == 2


def test_tables_by_axis(simulate, tmp_path):
    """Each axis value, and each combination, has its clips, footage, price and what exists; sums agree."""
    grid = Grid(prompt=["a", "b"], duration=[6, 10], model=EXT)
    simulator = simulate()
    Sweep(grid[:1], client=simulator.client(), folder=tmp_path).run()
    found = Sweep(grid, client=simulator.client(), folder=tmp_path).estimate()

    table = found.by("duration")
    assert table.to_dict("list") == {
        "duration": [6, 10],
        "videos": [1, 2],
        "seconds": [6, 20],
        "usd": [0.0612, 0.204],
        "unpriced": [0, 0],
        "made": [1, 0],
    }
    assert list(found.by().columns) == ["prompt", "duration", "videos", "seconds", "usd", "unpriced", "made"]
    assert found.by()["usd"].sum() == pytest.approx(float(found.usd))
    assert list(found.df["new"]) == [False, True, True, True]
    assert list(found.df["status"]) == ["done", "planned", "planned", "planned"]
    assert isinstance(found.df["prompt"].dtype, pd.CategoricalDtype)
    assert "already made" in str(found)
    with pytest.raises(GridError, match=r"no such axis \(did you mean 'duration'\?\)"):
        found.by("durations")


def test_takes_count():
    """Three takes of two cells are six clips."""
    found = Grid(prompt=["a", "b"], model=EXT).estimate(takes=3, budget=2)

    assert (found.videos, found.usd, found.budget) == (6, Decimal("0.3672"), Decimal(2))
    assert list(found.df["take"]) == [1, 2, 3, 1, 2, 3]


def test_prompts_are_escaped():
    """What a person typed is text in the HTML form."""
    found = Grid(prompt=["<script>alert(1)</script>", "b"]).estimate()

    assert "<script>" not in found._repr_html_()


@pytest.mark.parametrize(
    ("speed", "said"),
    [(1.0, "36 s to 9 min"), (60.0, "1 s to 9 s"), (math.inf, "36 s to 9 min of simulated time")],
)
def test_u4_a_demo_lasts_as_long_as_the_person_waits(simulate, tmp_path, speed, said):
    """Case U4: of a hurried simulator the real time is told, of one whose time jumps that it is simulated; a board too."""
    sweep = Sweep(Grid(prompt="a"), client=simulate(speed=speed).client(), folder=tmp_path)
    found = sweep.estimate(ask=False)

    assert found.time == OBSERVED
    assert found.lasts == said
    assert f"{said}, as live runs of others took" in str(found)
    assert sweep.preview().time == said
    assert Board(sweep).state()["speed"] == (speed if speed < math.inf else None)


def test_u4_a_simulators_folder_without_it_has_no_speed(simulate, tmp_path):
    """Case U4: without the simulator nobody knows how fast its time ran; on the service a second is one."""
    Sweep(Grid(prompt="a"), client=simulate().client(), folder=tmp_path).run()

    assert gridgen.open(tmp_path).internals.speed is None
    assert gridgen.open(tmp_path).estimate().lasts == "0 s of simulated time"
    real = Sweep(Grid(prompt="a"), client=Client("sk-x"), folder=tmp_path / "real")
    assert real.internals.speed == 1.0


def test_time_is_a_range_with_its_basis(simulate, tmp_path):
    """Before anything was made others' runs tell, afterwards this folder's own; the submit rate counts."""
    few, many = Grid(prompt="a").estimate(), Grid(prompt=[f"{n}" for n in range(125)]).estimate()
    assert few.time == OBSERVED
    assert few.timed_by == "as live runs of others took"
    assert many.time[0] == pytest.approx(OBSERVED[0] + 120 * 60 / 40)
    grid = Grid(prompt=["a", "b", "c"])
    simulator = simulate()
    Sweep(grid[:2], client=simulator.client(), folder=tmp_path).run()

    sweep = Sweep(grid, client=simulator.client(), folder=tmp_path)
    found = sweep.estimate()

    seen = [row.service_seconds for row in sweep.rows() if row.service_seconds is not None]
    assert found.time == (min(seen), max(seen))
    assert "as 2 clips took here" in str(found)
    assert Services(sweep.rows()).of(Grid(prompt="a", model=EXT)[0]) == OBSERVED


def test_uploads_are_told_before_they_happen(simulate, tmp_path):
    """Pictures of one's own are counted, each content once, until they are on the server; the table shows them small."""
    pictures = []
    for colour in ("red", "blue"):
        out = io.BytesIO()
        Image.new("RGB", (40, 30), colour).save(out, "PNG")
        pictures.append(out.getvalue())
    grid = Grid(prompt=["a", "b"], image_urls=[[pictures[0]], pictures, [pictures[1]], "https://e.org/a.png"])
    simulator = simulate()
    sweep = Sweep(grid, client=simulator.client(), folder=tmp_path)

    assert grid.estimate().uploads == sweep.estimate().uploads == 2
    assert "2 pictures to upload" in repr(sweep.estimate())
    assert sweep.estimate()._repr_html_().count("<img src='data:image/webp;base64,") == 4
    assert posts(simulator) == 0
    sweep.run()
    assert sweep.estimate().uploads == 0
    wider = Sweep(
        Grid(prompt=["a", "b", "c"], image_urls=[[pictures[0]]]), client=simulator.client(), folder=tmp_path
    )
    assert (wider.estimate().videos, wider.estimate().uploads) == (1, 0)


def test_e2_no_post_without_a_budget(simulate, boats, tmp_path):
    """E2: with a key that is not a simulator's nothing is sent, no file is made, whichever verb is used."""
    simulator = simulate()
    sweep = Sweep(boats, client=simulator.client(api_key="sk-test-real"), folder=tmp_path / "x")

    for verb in (sweep.start, sweep.run):
        with pytest.raises(BudgetError, match=r"add budget=0\.66"):
            verb()

    assert posts(simulator) == 0
    assert not (tmp_path / "x").exists()


def test_e2_the_suggested_budget_is_enough(simulate, boats, tmp_path):
    """What the error tells to add is rounded up, so that adding it does."""
    simulator = simulate()
    client = simulator.client(api_key="sk-test-real")

    Sweep(boats, client=client, folder=tmp_path, budget=0.66).run()

    assert len(simulator.ledger) == 8


def test_e3_the_cap_holds_when_the_server_charges_more(simulate, tmp_path):
    """E3: real charges count: when clips turn out dearer than the list says, nothing more leaves, and what exists is kept."""
    simulator = simulate(
        faults=[Fault(kind="patch", on="status", patch={"data": {"cost": 0.2}}, times=None)], slots=1
    )
    grid = Grid(prompt=[f"boat {n}" for n in range(60)], model=EXT)
    sweep = Sweep(grid, client=simulator.client(), folder=tmp_path, budget=4)

    with pytest.raises(BudgetError, match=r"the server charges \$0\.20 for a clip"):
        sweep.run()
    until(lambda: not sweep.running)

    counts = sweep.counts()
    assert counts["done"] == len(simulator.ledger) < 60
    assert counts["planned"] == 60 - counts["done"]
    with pytest.raises(BudgetError, match=r"more than budget=4 USD"):
        sweep.run()
    assert len(simulator.ledger) == counts["done"]


def test_e3_an_unknown_price_sends_its_shortest_clip_alone(simulate, tmp_path):
    """E3: the sweep says so before; the shortest of each class is the probe; the budget then holds for the others."""
    simulator = simulate(faults=[silent()])
    grid = Grid(prompt=["a", "b"], duration=[10, 6, 8], quality=["480p", "720p"])
    sweep = Sweep(grid, client=simulator.client(), folder=tmp_path, budget=0.30)
    assert "the shortest clip of each kind goes first and alone" in str(sweep.estimate())

    with pytest.warns(UserWarning, match=r"price of 12 of 12 clips is unknown.*may pass budget=0.3"):
        sweep.run()

    first = simulator.ledger[:2]
    assert {(entry.body["duration"], entry.body["quality"]) for entry in first} == {(6, "480p"), (6, "720p")}
    assert simulator.ledger.billed <= Decimal("0.30")
    assert sweep.counts()["held"] > 0


def test_no_notice_where_prices_are_known(simulate, boats, tmp_path):
    """A sweep whose prices are known says nothing."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Sweep(boats[:1], client=simulate().client(), folder=tmp_path, budget=1).run()


def test_costs_beside_estimates(simulate, tmp_path):
    """After the run the price as it was known and the charge stand side by side, per clip and per axis value."""
    simulator = simulate(
        faults=[Fault(kind="patch", on="status", match="cheap", patch={"data": {"cost": 0.05}}, times=None)]
    )
    grid = Grid(prompt=["a cheap boat", "a boat"], duration=[6, 10], model=EXT)
    sweep = Sweep(grid, client=simulator.client(), folder=tmp_path)
    sweep.run()

    costs = sweep.costs

    assert (costs.clips, costs.estimated, costs.charged) == (4, Decimal("0.3264"), Decimal("0.2632"))
    table = costs.by("prompt")
    assert list(table["estimated"]) == [0.1632, 0.1632]
    assert list(table["charged"]) == [0.1, 0.1632]
    assert list(table["difference"].round(4)) == [-0.0632, 0.0]
    assert (table["service_seconds"] > 0).all()
    assert list(costs.df["difference"].round(4)) == [-0.0112, -0.052, 0.0, 0.0]
    assert repr(costs) == "Costs(4 clips: $0.33 estimated, $0.26 charged)"
    assert "<th>difference</th>" in costs._repr_html_()


def test_costs_that_nobody_knows(simulate, tmp_path):
    """Nothing submitted, or no price known: missing, never 0."""
    sweep = Sweep(Grid(prompt=["a", "b"]), client=simulate(faults=[silent()]).client(), folder=tmp_path)
    assert (sweep.costs.clips, sweep.costs.estimated, sweep.costs.charged) == (0, None, None)
    assert len(sweep.costs.by()) == 0
    sweep.run()

    assert sweep.costs.unpriced >= 1
    assert sweep.costs.df["estimated"].isna().any()
    assert not (sweep.costs.df["estimated"] == 0).any()
    assert sweep.costs.charged == sweep.cost


def test_a_large_estimate_is_quick_to_hold():
    """Ten thousand cells are summed up; the HTML form stays short."""
    grid = Grid(prompt=[f"boat {n}" for n in range(2500)], duration=[6, 7, 8, 9], model=EXT)

    found = grid.estimate()

    assert found.videos == 10_000
    assert len(found._repr_html_()) < 20_000
    assert "… 2460 more" in found._repr_html_()


def test_the_servers_list_goes_before_the_catalogue():
    """What the server lists today overrules the catalogue, tier by tier; what it has not the catalogue tells."""
    from gridgen.models import Price

    listed = Price("second", {"720p": Decimal(9), "1080p": Decimal("0.5")}, "the server's price list", None)
    prices = Prices({"grok-imagine-video-1.5": listed, EXT: listed})

    assert prices.of(Grid(prompt="a", model=EXT)[0]) == Decimal("0.0612")
    assert prices.of(Grid(prompt="a", model=EXT, quality="720p")[0]) == Decimal(54)
    assert prices.of(Grid(prompt="a", model="grok-imagine-video-1.5", quality="1080p")[0]) == Decimal("3.0")
