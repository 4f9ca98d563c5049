"""Charges: when what a server says of its cost is a price, judged by a server that was written for it."""

from __future__ import annotations

import asyncio
import copy
import io
from decimal import Decimal

import av
import numpy as np
import pytest
from biller import TELLS, Biller
from tariffs import KNOWN, UNKNOWN, Form

from gridgen import BudgetError, Grid, Sweep
from gridgen.models import find

pytestmark = pytest.mark.filterwarnings("ignore:the price of")

USD = Decimal("0.06")
MODEL = "grok-imagine-1.0-video-apimart"


def each_beside_some(names):
    """Return every form with every way of telling its charge; a slice has each form once, and each way several times."""
    return [
        pytest.param(name, tells, marks=[] if (at - way) % len(TELLS) == 0 else [pytest.mark.full])
        for at, name in enumerate(names)
        for way, tells in enumerate(TELLS)
    ]


@pytest.fixture(scope="module")
def clip():
    """Return the bytes of a small grey video."""
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=8, options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = 64, 36, "yuv420p"
        for shade in range(48):
            frame = av.VideoFrame.from_ndarray(np.full((36, 64, 3), 4 * shade, np.uint8), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return file.getvalue()


def boats(count: int, **axes) -> Grid:
    """Return a grid of so many cells."""
    return Grid(prompt=[f"boat {number}" for number in range(count)], **axes)


@pytest.mark.parametrize("tells", TELLS)
def test_a_clip_of_unknown_price_goes_alone_until_its_task_has_ended(clip, tmp_path, tells):
    """Case P3: whatever is told before, 12 clips of unknown price never bill more than the budget and one clip."""
    server = Biller(clip, lambda _body: USD, tells=tells)
    sweep = Sweep(boats(12), client=server.client(), folder=tmp_path, budget="0.20", previews=False)
    sweep.run()

    expected = 1 if tells == "never" else 3
    assert len(server.bills) == expected
    assert server.billed <= Decimal("0.20")
    assert sweep.counts() == {"held": 12 - expected, "done": expected}


EXT = "grok-imagine-1.5-video-ext"
PER_SECOND = Decimal("0.0102")
"""USD a second at 480p by the catalogue, which is as old as the day on which it was read."""


def test_the_first_clip_of_a_price_that_nobody_confirmed_goes_alone(clip, tmp_path):
    """Where the list does not answer, a charge ten times the catalogue's price is paid once, not by a whole window."""
    server = Biller(clip, lambda body: 10 * PER_SECOND * body["duration"], tells="at the end")
    grid = boats(12, model=EXT)
    sweep = Sweep(grid, client=server.client(), folder=tmp_path, budget=2, previews=False)
    with pytest.raises(BudgetError, match="whose known price is"):
        sweep.run()

    assert len(server.bills) == 1
    assert sweep.counts()["done"] == 1


def test_each_class_has_a_first_clip_and_the_others_go_on(clip, tmp_path):
    """Two tiers have two first clips at once; when they have ended as dearly as was known, the rest goes together."""
    usd = {"480p": PER_SECOND, "720p": Decimal("0.01912")}
    server = Biller(clip, lambda body: usd[body["resolution"]] * body["duration"], tells="at the end")
    grid = boats(6, model=EXT, quality=["480p", "720p"])
    Sweep(grid, client=server.client(), folder=tmp_path, budget=5, previews=False).run()

    assert len(server.bills) == 12
    first = [begun for begun in server.begun if begun < server.begun[0] + server.service]
    assert len(first) == 2


def test_a_charge_of_this_week_confirms_a_price(clip, tmp_path):
    """What was charged in the folder within seven days needs no first clip; after eight days it does."""
    server = Biller(clip, lambda body: PER_SECOND * body["duration"], tells="at the end")
    options = {"client": server.client(), "folder": tmp_path, "budget": 5, "previews": False}
    Sweep(boats(1, model=EXT), **options).run()
    Sweep(boats(4, model=EXT), **options).run()
    assert len([begun for begun in server.begun[1:] if begun < server.begun[1] + server.service]) == 3

    asyncio.run(server.clock.sleep(8 * 86_400))
    Sweep(boats(8, model=EXT), **options).run()
    assert len([begun for begun in server.begun[4:] if begun < server.begun[4] + server.service]) == 1
    assert len(server.bills) == 8


def test_clips_of_known_price_go_on_beside_one_of_unknown_price(clip, tmp_path):
    """The first clip of a price that nobody knows holds back its own kind, and no clip whose price is known."""
    known = {"billing_type": "per_second", "paid_price": 0.01}
    server = Biller(clip, lambda _body: USD, tells="at the end", listed={EXT: known})
    grid = Grid(prompt=[f"boat {number}" for number in range(4)], model=[MODEL, EXT])
    Sweep(grid, client=server.client(), folder=tmp_path, budget=5, previews=False).run()

    at_once = [
        model
        for model, begun in zip(server.models, server.begun, strict=True)
        if begun < server.begun[0] + 40
    ]
    assert at_once.count(MODEL) == 1
    assert EXT in at_once
    assert len(server.bills) == 8


def cells(form: Form, **others) -> Grid:
    """Return the twelve cells of a form."""
    grid = Grid(**form.axes | others)
    assert len(grid) == 12
    return grid


def bills(form: Form, grid: Grid) -> list[Decimal]:
    """Return what a server bills for each cell, in USD."""
    return [form.bill(cell.body()) for cell in grid]


def room_for_four(form: Form) -> Decimal:
    """Return a budget for four clips of middling price."""
    return 4 * sum(bills(form, cells(form)), Decimal(0)) / 12


@pytest.mark.parametrize(("name", "tells"), each_beside_some(KNOWN))
def test_what_the_list_tells_never_passes_the_budget(clip, tmp_path, name, tells):
    """Twelve clips are refused under a budget for four; those that fit by the estimate are billed no more than it says."""
    form = KNOWN[name]
    server = Biller(clip, form.bill, tells=tells, listed={form.model: form.listed})
    budget = room_for_four(form)
    with pytest.raises(BudgetError, match="Nothing was sent"):
        Sweep(cells(form), client=server.client(), folder=tmp_path / "all", budget=budget).run()
    assert not server.bills

    grid = cells(form)[:1]
    while True:
        wider = cells(form)[: len(grid) + 1]
        told = Sweep(wider, client=server.client(), folder=tmp_path / "asked").estimate()
        assert not told.unpriced
        if told.usd > budget:
            break
        grid = wider
    sweep = Sweep(grid, client=server.client(), folder=tmp_path / "some", budget=budget, previews=False)
    estimate = sweep.estimate().usd
    sweep.run()

    assert len(server.bills) == len(grid) >= 2
    assert server.billed <= estimate <= budget
    assert sweep.counts() == {"done": len(grid)}


@pytest.mark.parametrize(("name", "tells"), each_beside_some(KNOWN))
def test_a_list_that_is_heard_late_stops_what_is_under_way(clip, tmp_path, name, tells):
    """Where the price comes in after the start, the twelve begin, and no clip leaves that could pass the budget."""
    form = KNOWN[name]
    model = copy.copy(find(form.model))
    model.price = None
    server = Biller(clip, form.bill, tells=tells, listed={form.model: form.listed}, silent=1)
    budget = room_for_four(form)
    sweep = Sweep(
        cells(form, model=model), client=server.client(), folder=tmp_path, budget=budget, previews=False
    )
    sweep.run()

    assert 2 <= len(server.bills) < 12
    assert server.billed <= budget
    assert sweep.counts() == {"held": 12 - len(server.bills), "done": len(server.bills)}


@pytest.mark.parametrize(("name", "tells"), each_beside_some(UNKNOWN))
def test_what_no_list_tells_passes_the_budget_by_one_clip_at_most(clip, tmp_path, name, tells):
    """Twelve clips whose price shows only in their charge: one goes alone, and where nothing is told no other follows."""
    form = UNKNOWN[name]
    server = Biller(clip, form.bill, tells=tells, listed={form.model: form.listed})
    budget = room_for_four(form)
    sweep = Sweep(cells(form), client=server.client(), folder=tmp_path, budget=budget, previews=False)
    assert sweep.estimate().unpriced == 12
    sweep.run()

    assert server.billed <= budget + max(server.bills)
    assert sweep.counts() == {"held": 12 - len(server.bills), "done": len(server.bills)}
    assert len(server.bills) == 1 if tells == "never" else len(server.bills) >= 2


@pytest.mark.parametrize("name", UNKNOWN)
def test_a_charge_prices_no_clip_too_low(clip, tmp_path, name):
    """What one clip of a form was charged prices others at no less than they are billed, whichever it was."""
    form = UNKNOWN[name]
    kinds = {(cell.quality, cell.duration, cell.pictures): number for number, cell in enumerate(cells(form))}
    for first in kinds.values():
        server = Biller(clip, form.bill, listed={form.model: form.listed})
        options = {"client": server.client(), "folder": tmp_path / str(first), "budget": 9, "previews": False}
        Sweep(cells(form)[first : first + 1], **options).run()
        assert len(server.bills) == 1
        for number in {*kinds.values()} - {first}:
            other = cells(form)[number : number + 1]
            found = Sweep(cells(form)[first : first + 1] + other, **options).estimate()
            assert found.unpriced or found.usd >= form.bill(other[0].body())


@pytest.mark.parametrize("tells", ["at once", "partly", "zero first", "at the end"])
@pytest.mark.parametrize(
    "name", ["seconds by resolution", "billing tiers", "by call and length", "further pictures"]
)
def test_a_list_that_tells_too_little_is_believed_until_a_charge_says_otherwise(clip, tmp_path, name, tells):
    """Billed three times what is listed: nothing leaves after that was told, and by the new price nothing more does."""
    form = KNOWN[name]
    server = Biller(clip, lambda body: 3 * form.bill(body), tells=tells, listed={form.model: form.listed})
    server.service = 5
    grid = cells(form)
    options = {
        "client": server.client(),
        "folder": tmp_path,
        "budget": sum(bills(form, grid)),
        "previews": False,
    }
    with pytest.raises(BudgetError, match="whose known price is"):
        Sweep(grid, **options).run()
    made = len(server.bills)
    assert made < 12
    assert max(server.begun) <= server.told_at

    again = Sweep(grid, **options)
    with pytest.raises(BudgetError, match="is spent already"):
        again.run()
    assert len(server.bills) == made
    assert again.cost == server.billed


TOLD = {
    "in credits": lambda usd: {"credits_cost": float(usd * 10)},
    "0 and credits": lambda usd: {"cost": 0, "credits_cost": float(usd * 10)},
    "as text": lambda usd: {"cost": str(usd)},
    "with a sign": lambda usd: {"cost": f" ${usd}"},
    "with its unit": lambda usd: {"cost": f"{usd} USD"},
    "with its currency": lambda usd: {"cost": {"amount": float(usd), "currency": "USD"}},
    "as a total": lambda usd: {"total_cost": float(usd)},
    "as usage": lambda usd: {"usage": {"cost": float(usd), "credits_cost": float(usd * 10)}},
}
"""Ways to tell the same charge."""


@pytest.mark.parametrize("told", TOLD)
def test_a_charge_is_read_however_it_is_told(clip, tmp_path, told):
    """Case P2: a charge counts under whatever name and in whatever unit it is told; 12 clips never pass the budget."""

    class Telling(Biller):
        def _task(self, number: int) -> dict:
            task = super()._task(number)
            task = {name: said for name, said in task.items() if not name.endswith("cost")}
            return task | (TOLD[told](USD) if task["status"] == "completed" else {})

    server = Telling(clip, lambda _body: USD)
    sweep = Sweep(boats(12), client=server.client(), folder=tmp_path, budget="0.20", previews=False)
    sweep.run()

    assert len(server.bills) == 3
    assert sweep.cost == server.billed


@pytest.mark.parametrize(
    "told", ["¥0.06", "0.06 CNY", {"amount": 0.06, "currency": "CNY"}, "0,06", -0.06, [0.06]]
)
def test_a_charge_in_another_unit_is_none(clip, tmp_path, told):
    """Case P3: what is not USD prices nothing: no second clip of unknown price follows."""

    class Telling(Biller):
        def _task(self, number: int) -> dict:
            task = super()._task(number)
            task.pop("credits_cost", None)
            return task | {"cost": told}

    server = Telling(clip, lambda _body: USD)
    Sweep(boats(12), client=server.client(), folder=tmp_path, budget="0.20", previews=False).run()

    assert len(server.bills) == 1
