"""Every model of the catalogue works at the simulator: submitted, billed, rendered, refused by its own limits."""

from __future__ import annotations

import io
from decimal import Decimal

import pytest
from PIL import Image

from gridgen import Grid, Model, Sweep
from gridgen.media import probe
from gridgen.models import catalogue, find
from gridgen.simulator.clips import dimensions

URL = "https://e.org/a.png"
VIDEO = "https://e.org/v.mp4"


def plain(name: str, **fields) -> dict:
    """Return the body of a model's plainest clip, with fields set otherwise."""
    model = find(name)
    needed = {
        option.name: VIDEO if option.kind == "url" else [VIDEO]
        for option in model.options.values()
        if option.required
    }
    images = tuple(f"https://e.org/{n}.png" for n in range(model.images.min))
    return model.body(model.settled({"prompt": "a red boat", "image_urls": images, **needed, **fields}))


def finished(asker, body: dict) -> dict:
    """Submit a body as it is, wait an hour, and return the task's ``data``."""
    reply = asker.post(body)
    assert reply.is_success, reply.text
    asker.later(3600)
    return asker.task(reply.json()["data"][0]["task_id"])


@pytest.mark.parametrize("name", catalogue())
def test_each_model_end_to_end(world, name, tmp_path):
    """The plainest clip of each model is made, as long and of the shape that was asked, and billed."""
    asker, model = world(), find(name)
    longest = {"duration": model.duration.max} if model.duration else {}
    body = plain(name, **longest, **({"size": model.size.values[-1]} if model.size else {}))

    data = finished(asker, body)

    assert data["status"] == "completed", data
    assert data["cost"] > 0
    path = tmp_path / "clip.mp4"
    path.write_bytes(asker.get(data["result"]["videos"][0]["url"][0]).content)
    facts = probe(path)
    assert facts.seconds == pytest.approx(longest.get("duration", 5), abs=0.1)
    size = body.get(model.size.field, "16:9") if model.size else "16:9"
    if not body.get(model.images.field) and ":" in size:
        width, height = dimensions(size, "720p")
        assert facts.width / facts.height == pytest.approx(width / height, rel=0.08)
    assert not asker.simulator.ledger[0].ignored


def test_one_sweep_over_every_model(simulate, tmp_path):
    """One grid over the whole catalogue: each clip is made at the model's own defaults, the rest says what it needs."""
    simulator = simulate()
    grid = Grid(prompt="a red boat", model=list(catalogue()))
    sweep = Sweep(grid, client=simulator.client(), folder=tmp_path, previews=False)
    needy = {skipped.cell.model: skipped.reason for skipped in grid.skipped}

    assert set(needy) == {
        *("viduq3", "viduq3-mix", "MiniMax-Hailuo-2.3-Fast"),
        *("kling-v2-6-motion-control", "kling-v3-motion-control"),
    }
    assert set(needy.values()) <= {f"{name} needs 1 reference image" for name in needy}
    sweep.run()

    assert sweep.counts() == {"skipped": 5, "done": len(catalogue()) - 5}
    assert sweep.cost == simulator.ledger.billed
    assert all(not entry.ignored for entry in simulator.ledger)
    for row in sweep.rows():
        assert row.status == "skipped" or row.clip_seconds == pytest.approx(row.cell.seconds, abs=0.1)
    estimated = sweep.costs.by("model")
    assert list(estimated["difference"].fillna(0).round(6).abs()) == [0.0] * len(estimated)


@pytest.mark.parametrize(
    ("name", "fields", "said"),
    [
        ("kling-v2-6", {"duration": 6}, "allowed: 5 or 10 seconds"),
        ("kling-v2-6", {"mode": "standard"}, "invalid mode: standard, allowed: std, pro"),
        ("kling-v2-6", {"mode": "1080p"}, "invalid mode: 1080p, allowed: std, pro"),
        ("kling-v2-6", {"audio": 1}, "takes True or False as audio"),
        ("kling-v2-6", {"audio": True}, "takes quality 1080p beside audio on, not 720p"),
        ("wan3.0-video", {"resolution": "720p"}, "allowed: 480P, 720P, 1080P"),
        ("gemini-omni-1.1-flash-ext", {"duration": 5}, "invalid duration"),
        ("gemini-omni-1.1-flash-ext", {"image_urls": [URL, URL]}, "0, 1 or 3 reference images, not 2"),
        ("kling-3.0-turbo", {"first_frame_image": [URL]}, "field first_frame_image must be a string"),
        ("kling-3.0-turbo", {"first_frame_image": "data:,"}, "takes public http(s) URLs"),
        ("MiniMax-H3", {"image_urls": [URL], "first_frame_image": URL}, "not both"),
        ("MiniMax-Hailuo-2.3", {"duration": 10, "resolution": "1080p"}, "duration 6 beside quality 1080p"),
        ("MiniMax-Hailuo-2.3", {"prompt": "a" * 2001}, "at most 2000 characters"),
        ("viduq3", {"image_urls": []}, "needs 1 reference image"),
        ("seedance-2.5", {"duration": -2}, "invalid duration"),
        ("someone-elses-model", {}, "is not supported"),
    ],
)
def test_each_model_has_its_own_limits(world, name, fields, said):
    """G11: what a model lacks is 400 in its own terms, and nothing is billed."""
    asker = world()
    body = {"model": name, "prompt": "a"} if not find(name).known else plain(name)

    reply = asker.post(body | fields)

    assert reply.status_code == 400
    assert said in reply.json()["error"]["message"]
    assert len(asker.simulator.ledger) == 0


@pytest.mark.parametrize(
    ("name", "asked", "made"),
    [("veo3.1-fast", 6, 8), ("gemini-omni-1.1-flash-ext", 30, 4), ("seedance-2.5", -1, 4)],
)
def test_lengths_that_the_server_overrules(world, name, asked, made, tmp_path):
    """C32: Veo and Omni take a length beyond their range and make their own; -1 leaves it to the model."""
    asker = world()

    data = finished(asker, plain(name) | {"duration": asked})

    path = tmp_path / "clip.mp4"
    path.write_bytes(asker.get(data["result"]["videos"][0]["url"][0]).content)
    assert probe(path).seconds == pytest.approx(made, abs=0.1)
    assert asker.simulator.ledger[0].ignored == (() if asked == -1 else ("duration",))


def test_a_wrong_mode_can_fail_late(world):
    """C32: a bad enum is taken, and the task fails at no cost."""
    asker = world(profile="late-failure")

    data = finished(asker, plain("kling-v2-6") | {"mode": "standard"})

    assert (data["status"], data["cost"]) == ("failed", 0)


def test_prices_by_request_and_by_second(world):
    """The catalogue's price holds where it has one: by request whatever the length, by second otherwise."""
    asker = world()

    asker.post(plain("veo3.1-fast", quality="4k"))
    asker.post(plain("grok-imagine-1.5-video-ext", quality="720p", duration=10))

    assert [entry.cost for entry in asker.simulator.ledger] == [Decimal("0.64"), Decimal("0.1912")]
    shown = asker.get("/api/pricing/model?model=veo3.1-fast").json()["data"]
    assert (shown["billing_type"], shown["resolution_paid_prices"]["4K"]) == ("per_request", 0.64)
    assert (shown["resolution_prices"]["4K"], shown["discount_rate"]) == (0.8, 0.8)


def test_a_model_of_ones_own(world, tmp_path):
    """G11: a person's own model is offered, listed, priced and refused by its own limits, as the catalogue's are."""
    model = Model(
        "house-2",
        size=["16:9", "1:1"],
        duration=(4, 12),
        quality=["720p"],
        options={"seed": int},
        price="0.02",
    )
    asker = world(models=[model])
    grid = Grid(prompt="a red boat", model=model, size="1:1", duration=[4, 12], seed=7)
    sweep = Sweep(grid, client=asker.simulator.client(), folder=tmp_path)

    assert sweep.estimate().usd == Decimal("0.32")
    sweep.run()

    assert sweep.counts() == {"done": 2}
    assert sweep.cost == asker.simulator.ledger.billed == Decimal("0.32")
    assert [row.clip_seconds for row in sweep.rows()] == [4.0, 12.0]
    assert "house-2" in [each["id"] for each in asker.get("/v1/models").json()["data"]]
    assert list(asker.simulator.client().refresh_catalogue().new) == ["house-2"]
    reply = asker.post({"model": "house-2", "prompt": "a", "duration": 13})
    assert (reply.status_code, reply.json()["error"]["code"]) == (400, "invalid_duration")
    assert world().post({"model": "house-2", "prompt": "a"}).status_code == 400


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("grok-imagine-1.5-video-ext", (320, 640)),
        ("kling-v3", (640, 640)),
        ("MiniMax-Hailuo-2.3", (320, 640)),
    ],
)
def test_whose_clip_follows_an_image(world, name, shape):
    """A reference image gives the clip its shape where the model says so; elsewhere it is cut to the size asked for."""
    asker, model = world(clips="full"), find(name)
    picture = io.BytesIO()
    Image.new("RGB", (300, 600), "orange").save(picture, "PNG")
    sent = asker.ask("POST", "/v1/uploads/images", files={"file": ("a.png", picture.getvalue(), "image/png")})
    fields = {"image_urls": (sent.json()["url"],)} | ({"size": "1:1"} if model.size else {})

    data = finished(asker, plain(name, **fields))

    still = Image.open(io.BytesIO(asker.get(data["result"]["thumbnail_url"]).content)).convert("RGB")
    assert still.width / still.height == pytest.approx(shape[0] / shape[1], rel=0.02)
    red, green, blue = still.resize((1, 1)).getpixel((0, 0))
    assert red > green > blue
