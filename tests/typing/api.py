"""What a type checker sees of the public API; checked by mypy and never run."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any, assert_type

import httpx
import pandas as pd

import gridgen as gg

# A grid takes a value or several for each axis, and is a sequence of cells.
grid = gg.Grid(
    prompt=["a paper boat crossing a puddle", "a paper boat in a storm"],
    size=["16:9", "9:16"],
    duration=[6, 10],
)
gg.Grid(prompt="one", size="1:1", duration=6, quality="720p", image_urls=None)
gg.Grid(prompt="one", image_urls=[None, ["https://example.org/boat.jpg"]])
assert_type(len(grid), int)
assert_type(grid[0], gg.Cell)
assert_type(grid[1:], gg.Grid)
assert_type(grid.df, pd.DataFrame)
for cell in grid:
    assert_type(cell, gg.Cell)
    assert_type(cell.key, str)
    assert_type(cell.duration, int | None)
    assert_type(cell.seconds, int)
    assert_type(cell.extras, tuple[tuple[str, Any], ...])
gg.Grid(prompt="one", dration=6)  # type: ignore[call-arg]

# The grid language: values, templates, links, constraints, algebra, files.
small = gg.value(6, label="short", note="fits a story")
assert_type(small, gg.Value)
made = gg.template("a {animal} at {time}", animal=["fox", small], time=["dawn"], wildcards={"x": ["y"]})
assert_type(made, gg.Template)
assert_type(made.texts, list[str])
assert_type(gg.search_replace("a red boat", colour=["red", "blue"]), gg.Template)
together = gg.linked(size=["16:9", "9:16"], quality=["480p", "720p"], labels={"screen": ["tv", "phone"]})
assert_type(together, gg.Linked)
rich = gg.Grid(
    together,
    prompt=[made, "a plain one"],
    duration="6,8,..,30",
    model=["kling-v2-6", gg.Model("house")],
    seed=range(3),
    audio={"loud": True, "mute": False},
    labels={"mood": "calm"},
    where=lambda size, duration: size != "1:1" or duration < 10,
    exclude=[{"size": "1:1", "duration": [8, 10]}],
)
assert_type(rich.where(lambda cell: cell.seconds > 6, reason="short"), gg.Grid)
assert_type(rich.exclude({"size": "1:1"}), gg.Grid)
assert_type(rich + grid - grid & rich, gg.Grid)
assert_type(rich.sample(5, seed=1, method="balanced"), gg.Grid)
rich.sample(5, method="best")  # type: ignore[arg-type]
assert_type(rich.fit(Decimal("2.00"), takes=2), gg.Grid)
assert_type(rich.extend(duration=[12], quality="720p"), gg.Grid)
assert_type(rich.promote([0, 1], duration=12), gg.Grid)
assert_type(rich.compact(), gg.Grid)
assert_type(rich.submit_order(), list[int])
assert_type(rich.skipped, tuple[gg.Skipped, ...])
assert_type(rich.preview(rows="prompt", cols=["size", "duration"]), gg.Preview)
assert_type(gg.Grid.load("grid.yaml"), gg.Grid)
rich.save(Path("grid.json"))
assert_type(gg.Grid.from_rows([{"prompt": "one"}], labels=["mood"]), gg.Grid)
assert_type(rich.axes, tuple[gg.Axis, ...])
assert_type(gg.open("boats"), gg.Sweep)

# Clients are named by arguments; an HTTP client is made by a callable.
client = gg.Client()
gg.Client("key", "https://api.apimart.ai", timeout=30.0, http_client=httpx.AsyncClient)
with gg.Client(api_key="key") as open_client:
    assert_type(open_client, gg.Client)
with gg.Simulator(seed=1, speed=60.0, profile="demo", state=Path("state.jsonl")) as simulator:
    assert_type(simulator.client(), gg.Client)
    assert_type(simulator.base_url, str)
    assert_type(simulator.api_key, str)
    assert_type(simulator.ledger.billed, Decimal)

task = client.submit(grid[0])
assert_type(task, gg.Task)
assert_type(task.status, gg.Status)
assert_type(client.task("task_1"), gg.Task)
assert_type(client.download(task, "boat.mp4"), Path)

assert_type(client.upload("boat.png"), str)
if client.refresh_catalogue():
    gg.Grid(prompt="one", model=[*client.refresh_catalogue().new.values()])

# Sweeps.
sweep = gg.Sweep(grid, client=client, folder="boats", budget=2.00, takes=3)
gg.Sweep(grid, client=client, folder=Path("boats"), budget=Decimal("2.00"))
gg.Sweep(grid, client, "boats")  # type: ignore[call-arg]
assert_type(sweep.estimate(), gg.Estimate)
assert_type(sweep.preview(rows="prompt"), gg.Preview)
assert_type(gg.open("boats", client=client, budget=1, takes=2), gg.Sweep)
assert_type(grid.estimate(takes=2), gg.Estimate)
assert_type(sweep.estimate().by("size"), pd.DataFrame)
assert_type(sweep.costs, gg.Costs)
assert_type(gg.builder(client=client, folder="boats", budget=2.00), gg.Builder)
assert_type(sweep.start(), gg.Sweep)
assert_type(sweep.df, pd.DataFrame)
assert_type(sweep.cost, Decimal)
assert_type(sweep.running, bool)
assert_type(sweep.counts(), dict[str, int])
sweep.ratings.rate(0, stars=4, pick=True, tags=["sharp"], note="the best", reviewer="anna")
sweep.ratings.rate(sweep.df.query("duration == 10"), pick=None)
assert_type(sweep.explain(sweep.rows()[0]), str)
assert_type(sweep.retry(), int)
assert_type(sweep.retry("moderation"), int)
assert_type(sweep.retry(0, sweep.df, where=["failed", "expired"]), int)
sweep.unknown.resubmit(0, sweep.df.query("status == 'unknown'"))
assert_type(sweep.ratings.df, pd.DataFrame)
assert_type(sweep.ratings.undo(), bool)
assert_type(sweep.ratings.merge(Path("anna.json")).judgements, int)
rounds = sweep.rounds(sweep.df, reviewer="anna", seed=1)
rounds.choose("left")
assert_type(rounds.ranking("duration", reviewers="anna", level=0.9), pd.DataFrame)
assert_type(sweep.gallery(rows="prompt", cols=["size", "duration"]), gg.Gallery)
assert_type(sweep.to_image("boats.png", rows="prompt", frames=3).path, Path)
sweep.wait(timeout=10)
sweep.run()
sweep.stop()


async def awaiting() -> None:
    """Every verb that waits has an async form."""
    await sweep
    async for row in sweep.as_completed():
        assert_type(row.status, str)
        assert_type(row.price, Decimal | None)
        assert_type(row.path, str | None)
    assert_type(await client.asubmit(grid[0]), gg.Task)
    assert_type(await client.atask("task_1"), gg.Task)
    assert_type(await client.adownload(task, "boat.mp4"), Path)
    await client.aclose()


# Errors carry what a person needs next.
def errors() -> None:
    """Attributes of the error tree."""
    try:
        sweep.run()
    except gg.RateLimitError as error:
        assert_type(error.retry_after, float | None)
    except gg.APIError as error:
        assert_type(error.status, int)
    except (gg.BudgetError, gg.GridgenError):
        raise
