"""What the server says of its models by now: shown beside the catalogue, which stays as it is."""

from __future__ import annotations

import asyncio
import copy
import math
from datetime import date
from decimal import Decimal

import pytest

from gridgen import Grid, OutOfCreditsError, Simulator
from gridgen.models import catalogue, find
from gridgen.models.pricelist import listed_price
from gridgen.models.refresh import Told, compared, model_of
from gridgen.simulator import Fault
from gridgen.simulator.model_registry import ModelRegistry
from gridgen.simulator.replies import models

TODAY = date(2026, 11, 24)
KLING = "kling-v2-6"


@pytest.fixture(scope="module")
def listed() -> list[dict]:
    """Return the model list as the simulator serves it."""
    return models(ModelRegistry(), expand="parameters")["data"]


def report(listed, simulate, *, change, prices: bool = False):
    """Return the report on a server whose model list was changed."""
    told = copy.deepcopy(listed)
    told = change(told) or told
    body = {"object": "list", "success": True, "data": told}
    faults = [Fault(kind="reply", on="models", status=200, body=body, times=1)]
    if not prices:
        none = {"success": True, "data": {"resolution_prices": {}}}
        faults.append(Fault(kind="reply", on="prices", status=200, body=none, times=None))
    return simulate(faults=faults).client().refresh_catalogue()


def by_id(told: list[dict], name: str) -> dict:
    """Return a model's schema in the list."""
    record = next(each for each in told if each["id"] == name)
    return record["parameters"]["input_schema"]["properties"]


def test_a_server_of_the_same_opinion(listed, simulate):
    """Where nothing differs the report is false and says so in a line."""
    found = report(listed, simulate, change=list)

    assert not found
    assert repr(found) == "CatalogueReport(127.0.0.1 agrees with the catalogue)"
    assert (found.new, found.gone, found.differences, found.silent) == ({}, (), (), ())


def test_prices_that_only_the_server_knows(simulate):
    """A price that the catalogue lacks is a difference; one that agrees is none."""
    found = simulate().client().refresh_catalogue()

    assert {each.fact for each in found.differences} == {"price"}
    told = {each.model: (each.ours, each.theirs) for each in found.differences}
    assert told["grok-imagine-1.0-video-apimart"] == (
        "unknown",
        "480p $0.0102 a second, 720p $0.01912 a second",
    )
    assert not set(told) & {"grok-imagine-1.5-video-ext", "veo3.1-fast"}


def test_what_changed_is_shown_field_by_field(listed, simulate):
    """Values, ends, a limit on images, a field that is gone: each as ours and theirs, and ours is not changed."""

    def change(told):
        fields = by_id(told, KLING)
        fields["aspect_ratio"]["enum"] = ["16:9", "9:16"]
        fields["duration"]["enum"] = [5, 10, 15]
        fields["image_urls"]["maxItems"] = 4
        del fields["negative_prompt"]
        by_id(told, "kling-v3")["duration"]["maximum"] = 20

    found = report(listed, simulate, change=change)

    assert [(each.model, each.fact, each.ours, each.theirs) for each in found.differences] == [
        (KLING, "aspect_ratio", "16:9, 9:16, 1:1", "16:9, 9:16"),
        (KLING, "duration", "5 or 10 s", "5, 10 or 15 s"),
        (KLING, "image_urls", "at most 2", "at most 4"),
        (KLING, "negative_prompt", "a text", "no such field"),
        ("kling-v3", "duration", "3 to 15 s", "3 to 20 s"),
    ]
    assert repr(found) == "CatalogueReport(127.0.0.1: 0 new models, 0 not listed, 5 differences in 2 models)"
    assert f"{KLING}: duration: ours 5 or 10 s, the server's 5, 10 or 15 s" in str(found)
    assert "<td style='text-align:left'>5, 10 or 15 s</td>" in found._repr_html_()
    assert find(KLING).duration.values == (5, 10)


def test_a_new_model_can_be_used_at_once(listed, simulate):
    """A model that the catalogue does not know comes as the server's schema describes it, ready for a grid."""

    def change(told):
        fresh = copy.deepcopy(next(each for each in told if each["id"] == "seedance-2.0"))
        fresh["id"] = "seedance-9"
        fresh["parameters"]["input_schema"]["properties"]["duration"] = {
            "type": "integer",
            "minimum": 3,
            "maximum": 40,
        }
        chat = {"id": "a-chat-model", "category": "chat"}
        return [*told[1:], fresh, chat, {"id": 7}, "odd"]

    found = report(listed, simulate, change=change)

    assert list(found.new) == ["seedance-9"]
    assert found.gone == ("grok-imagine-1.0-video-apimart",)
    model = found.new["seedance-9"]
    assert model.duration.offered() == "3 to 40 s"
    assert "seed" in model.options
    [cell] = Grid(prompt="a", model=model, duration=40, generate_audio=True)
    assert cell.body()["duration"] == 40
    assert cell.body()["generate_audio"] is True
    assert "seedance-9" in found._repr_html_()
    assert "Not listed by the server" in found._repr_html_()


def test_old_names_are_the_same_model(listed, simulate):
    """A server that lists an old id is compared with the model that it means."""

    def change(told):
        for each in told:
            if each["id"] == "gemini-omni-1.1-flash-ext":
                each["id"] = "Omni-Flash-Ext"

    assert not report(listed, simulate, change=change)


def test_a_list_without_schemas(simulate):
    """A model without parameters in the list is asked for its schema; one that has none is named, not guessed."""
    body = {"object": "list", "success": True, "data": [{"id": name} for name in catalogue()]}
    refused = Fault(kind="reply", on="any", status=404, body={"error": {"message": "no"}}, times=1)
    simulator = simulate(faults=[Fault(kind="reply", on="models", status=200, body=body, times=1), refused])

    found = simulator.client().refresh_catalogue()

    assert len(found.silent) == 1
    assert {each.fact for each in found.differences} == {"price"}
    asked = [seen.path for seen in simulator.requests]
    assert asked.count("/v1/model-schema") == len(catalogue())
    assert not [seen for seen in simulator.requests if seen.method == "POST"]


def test_an_empty_account_is_told(simulate):
    """402 on the list is the person's error, not an empty catalogue."""
    with pytest.raises(OutOfCreditsError):
        simulate(profile="zero-balance").client().refresh_catalogue()


def test_from_any_loop():
    """The async twin does the same."""

    async def ask():
        with Simulator(speed=math.inf, clips="tiny") as simulator:
            return await simulator.client().arefresh_catalogue()

    assert asyncio.run(ask()).gone == ()


@pytest.mark.parametrize(
    ("data", "quality", "usd"),
    [
        ({"billing_type": "per_second", "resolution_prices": {"720P": 0.02}}, "720p", "0.12"),
        (
            {"billing_type": "per_second", "resolution_prices": {"PRO": 0.0625, "default": 0.0368}},
            "1080p",
            "0.375",
        ),
        (
            {"billing_type": "per_second", "resolution_prices": {"PRO": 0.0625, "default": 0.0368}},
            "720p",
            "0.2208",
        ),
        (
            {"billing_type": "per_request", "resolution_paid_prices": {"STD": 0.14}, "paid_price": 9},
            "720p",
            "0.14",
        ),
        ({"billing_type": "per_request", "paid_price": 0.14}, "720p", "0.14"),
        ({"billing_type": "per_second", "resolution_prices": {"720P": 0}, "paid_price": 0}, "720p", None),
        ({"billing_type": "per_second", "resolution_prices": {"720P": "0.02"}}, "720p", None),
        ({"billing_type": "per_second", "resolution_prices": {"720P": True, "4K": -1}}, "720p", None),
        ({}, "720p", None),
    ],
)
def test_the_price_list_is_read(data, quality, usd):
    """C35, E1: tiers by their names on the wire, by second and by request; zeros, texts and nothing are unknown."""
    price = listed_price(data, find(KLING))

    found = None if price is None else price.of(quality=quality, duration=6)
    assert found == (None if usd is None else Decimal(usd))


def test_odd_schemas_are_survived():
    """Whatever a schema holds, a model comes of it, and what is not understood is not checked."""
    schema = {
        "properties": {
            "resolution": {"type": "string"},
            "duration": {"type": "integer"},
            "first_frame_image": {"type": "string"},
            "mood": {"type": "number"},
            "level": {"type": "integer", "minimum": "low", "maximum": 9},
            "clips": {"type": "array", "items": {"type": "object"}},
            "nothing": None,
        }
    }

    model = model_of(Told("odd-1", schema, None), host="x", today=TODAY)

    assert model.size is None
    assert (
        model.lacks({"prompt": "a", "quality": "8k", "level": 9, "image_urls": ("https://e.org/a.png",)})
        == ()
    )
    assert list(model.options) == ["mood", "level", "clips"]
    for told in (None, {}, {"properties": []}):
        assert model_of(Told("odd-2", told, None), host="x", today=TODAY).fields == ("prompt",)
        assert compared([Told("odd-2", told, None)], host="x", today=TODAY).new["odd-2"].known


ODD = (5, None, "abc", [[1]], [{}], {"a": 1}, True, float("inf"), float("nan"), -1, 10**30, [True, 2, "x"])


@pytest.mark.parametrize("name", ["kling-v3", "sora-2", "veo3.1-fast", "odd-1"])
@pytest.mark.parametrize(
    "fact", ["enum", "minimum", "maximum", "default", "maxItems", "maxLength", "type", "items"]
)
def test_no_schema_stops_the_comparison(name, fact):
    """Whatever stands in place of a list, a number or a type, a server's schema is compared and makes a model."""
    known = find(name)
    fields = ["size", "duration", "resolution", "mode", "image_urls", "mood"]
    fields += [option.field for option in known.options.values()]
    for kind in ("integer", "array", "string"):
        for odd in ODD:
            schema = {"properties": {field: {"type": kind, fact: odd} for field in fields}}
            report = compared([Told(name, schema, None)], host="x", today=TODAY)
            assert str(report)
            assert repr(model_of(Told(name, schema, None), host="x", today=TODAY))
