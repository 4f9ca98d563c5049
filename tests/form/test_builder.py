"""The form on the kernel's side: its fields make a grid, its places are clicked, Run and Stop act on a sweep."""

from __future__ import annotations

import io
import json
import re

import pytest
from PIL import Image
from waiting import until

from gridgen import Builder, GridError, builder

EXT = "grok-imagine-1.5-video-ext"


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    """Work in an empty folder, where dropped images go."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def form(simulate):
    """Return a filled form with a simulator to run on: eight cells."""
    made = builder(client=simulate().client(), folder="boats")
    made.fill(prompts=["a boat", "a kite"], sizes=["16:9", "9:16"], durations="6, 10")
    yield made
    made.close()


def ask(form: Builder, question: dict, buffers: list[bytes] | None = None) -> dict:
    """Send a message as the browser would, and return the reply."""
    told: list[dict] = []
    form._picker.send = lambda content, _buffers=None: told.append(content)
    form._picker._handle_custom_msg({"request": 1, **question}, buffers or [])
    return told[0]


def places(form: Builder) -> dict[str, dict]:
    """Return the drawn places by id."""
    return {
        place["id"]: place for line in form._picker.plan["lines"] for box in line["boxes"] for place in box
    }


def test_fields_make_a_grid_with_price_time_and_code(form):
    """Count, seconds, price and time are shown, and the code builds the same grid."""
    facts = " · ".join(form._picker.plan["facts"])
    names: dict[str, object] = {}
    exec(form.code.partition("sweep =")[0], names)

    assert len(form.grid) == 8
    assert facts.startswith("8 clips to make · 64 s of footage · ")
    assert "takes " in facts
    assert names["grid"] == form.grid
    assert len(places(form)) == 8
    assert form._run.description.startswith("Run 8 clips: ")


def test_a_click_on_a_place_and_on_a_header(form):
    """A place is left out and taken in again; a header leaves out all that stands under it."""
    assert ask(form, {"kind": "toggle", "place": "t0"}) == {"request": 1}
    assert len(form.grid) == 7
    assert places(form)["t0"]["state"] == "skipped"
    ask(form, {"kind": "toggle", "place": "t0"})
    assert len(form.grid) == 8
    ask(form, {"kind": "toggle", "place": "r0.0"})
    assert {cell.prompt for cell in form.grid} == {"a kite"}


@pytest.mark.parametrize(
    "question",
    [
        {"kind": "toggle", "place": "t99"},
        {"kind": "toggle", "place": {"$": 1}},
        {"kind": "toggle"},
        {"kind": "run"},
        {"kind": "image", "name": "x.png"},
        {"kind": "image", "name": 5, "buffers": [b"x"]},
        {},
    ],
)
def test_a_made_up_message_changes_nothing(form, question, tmp_path):
    """S25: what the browser may not ask is refused with a reason; nothing runs, nothing is written."""
    reply = ask(form, question)

    assert reply["error"]
    assert len(form.grid) == 8
    assert form.sweep is None
    assert list(tmp_path.iterdir()) == []


def test_a_dropped_image_is_kept_and_found_again(form, tmp_path):
    """A picture is told by its content, named safely, put into the code by its path; other files are refused."""
    data = io.BytesIO()
    Image.new("RGB", (8, 8), "red").save(data, "PNG")

    reply = ask(form, {"kind": "image", "name": "../../Red Boat!.html"}, [data.getvalue()])
    refused = ask(form, {"kind": "image", "name": "key.png"}, [b"-----BEGIN OPENSSH PRIVATE KEY-----"])

    [kept] = [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()]
    assert kept.startswith("references/red-boat-")
    assert kept.endswith(".png")
    assert kept in reply["said"]
    assert "error" in refused
    assert len(form.grid) == 16
    assert kept in form.code


def test_what_is_wrong_is_said_and_cannot_be_run(form):
    """A duration that no model offers, and a budget that is none, are named; Run is off, and there is no code."""
    form._durations.value = "5"
    assert form._picker.plan["wrong"] == {
        "durations": "5 is not offered by 'grok-imagine-1.0-video-apimart'; offered: 6 to 30 seconds."
    }
    assert (form._run.disabled, form.code) == (True, "")

    form._durations.value = "6"
    form._budget.value = "two"
    assert "'two' is not a sum of money" in form._picker.plan["wrong"]["budget"]
    assert form._run.disabled


@pytest.mark.parametrize("budget", ["-1", "nan", "0", "inf", "1e99", "two", "1,5", "0.00"])
def test_u9_a_budget_that_is_none_is_refused_at_its_field(form, budget):
    """Case U9: what is no sum of money above nothing is said at the field, in words; nothing can be run until it is mended."""
    form._budget.value = budget
    said = form._picker.plan["wrong"]["budget"]

    assert said == f"The budget {budget!r} is not a sum of money above 0 in USD, such as 2.00."
    assert (form._run.disabled, form.code) == (True, "")
    form._run.click()
    assert form.sweep is None
    form._budget.value = "2"
    assert (form._picker.plan["wrong"], form._run.disabled) == ({}, False)


def test_u9_a_budget_too_small_is_said_before_the_click(form):
    """Case U9: what the clips cost beyond the budget is at its field as soon as both are known."""
    form._models.value = (EXT,)
    form._budget.value = "0.01"

    assert form._picker.plan["wrong"]["budget"].startswith("The clips cost $0.6528, more than this budget")


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"durations": "ten"}, "durations"),
        ({"durations": "6,,8"}, "durations"),
        ({"images": ["no.png"]}, "images"),
        ({"models": ["MiniMax-Hailuo-2.3-Fast"], "durations": ""}, "images"),
        ({"prompts": ["a {b"], "slots": {}}, "prompts"),
        ({"prompts": ["a {b}"], "slots": {}}, "slots"),
    ],
)
def test_u9_what_is_wrong_is_said_in_words_at_its_field(form, fields, field):
    """Case U9: each problem stands at the field where it is mended, and speaks no Python."""
    form.fill(**{"prompts": ["a boat"], **fields})
    wrong = form._picker.plan["wrong"]

    assert list(wrong) == [field]
    assert not re.search(r"\w=|exclude|where=|\bstr\b|image_urls", wrong[field]), wrong


def test_u9_run_is_first_and_says_what_runs(simulate):
    """Case U9: Run and its board stand above the fields; while clips come it counts them and cannot be clicked again."""
    form = builder(client=simulate(speed=1.0).client(), folder="boats")
    form.fill(prompts=["a boat", "a kite"])
    assert form.children[0] is form._run
    assert form.children[1] is form._standing
    form._run.click()

    assert form._run.description == "Running: 0 of 2 done"
    assert form._run.disabled
    form._prompts.value = "a boat\na kite\na fox"
    assert form._run.description.startswith("Run "), "what was added can be run"
    form._prompts.value = "a boat\na kite"
    assert form._run.description.startswith("Running: ")
    form._standing.children[0].answer({"kind": "stop"})
    until(lambda: form._run.description.startswith("Run ") or not form.sweep.counts().get("planned"))
    form.close()


def test_u9_models_have_prices_and_are_found(form):
    """Case U9: each model stands with what its shortest clip costs by the catalogue, or that nobody knows; words find it."""
    labels = dict(map(reversed, form._models.options))
    assert labels["kling-v2-6"] == "kling-v2-6: from $0.18 for 5 s"
    assert labels["grok-imagine-1.0-video-apimart"] == "grok-imagine-1.0-video-apimart: price unknown"
    form.fill(prompts=["a boat"], models=("kling-v2-6",))
    grid = form.grid

    form._search.value = "Seedance 2"
    shown = [name for _, name in form._models.options]
    assert "kling-v2-6" in shown, "what is chosen stays"
    assert {"seedance-2.0", "seedance-2.5"} < set(shown)
    assert not any("veo" in name for name in shown)
    assert (form._models.value, form.grid) == (("kling-v2-6",), grid)
    form._search.value = ""
    assert len(form._models.options) == len(labels)


def test_what_is_wrong_tells_its_field(form):
    """The error of a form names the field that is to be mended, what stands there and what is offered."""
    form.fill(prompts=["a {animal} at {time}"], slots={"animal": ["fox"]}, durations="5")
    with pytest.raises(GridError) as caught:
        _ = form.grid
    [slot] = caught.value.problems
    form.fill(prompts=["a fox"], durations="5")
    with pytest.raises(GridError) as caught:
        _ = form.grid
    [seconds] = caught.value.problems
    form.fill(prompts=["a fox"])
    form._budget.value = "two"
    with pytest.raises(GridError) as caught:
        form.start()
    [budget] = caught.value.problems

    assert (slot.field, slot.remedy) == ("time", "write them one a line")
    assert (seconds.field, seconds.value, seconds.offered) == ("duration", 5, ("6 to 30 seconds",))
    assert (budget.field, budget.value) == ("budget", "two")


def test_run(form):
    """Run makes the clips and shows their wall; then the layout knows them as made and there is nothing to run."""
    form._run.click()
    assert form.sweep is not None
    form.sweep.wait()
    until(lambda: {place["state"] for place in places(form).values()} == {"made"})

    assert form.sweep.counts() == {"done": 8}
    assert len(form._results.children) == 1
    assert (form._run.disabled, form._run.description) == (True, "Run")


def test_the_price_comes_from_the_server_where_the_catalogue_has_none(simulate):
    """The server's list is asked once for each model while the person goes on typing; what is made costs nothing more."""
    simulator = simulate()
    form = builder(client=simulator.client(), folder="boats")
    form.fill(prompts=["a boat"])
    until(lambda: "$0.061" in form._picker.plan["facts"])
    form.fill(prompts=["a boat", "a kite"], durations="10")

    assert "$0.20" in form._picker.plan["facts"]
    assert form._run.description == "Run 2 clips: $0.20"
    assert [seen.query for seen in simulator.requests] == ["model=grok-imagine-1.0-video-apimart"]
    form._run.click()
    form.sweep.wait()
    until(lambda: form._picker.plan["facts"][0] == "0 clips to make")
    form.close()


def test_stop(simulate):
    """Under Run stands the board of what it started, whose Stop submits nothing more; a new Run has a board of its own."""
    form = builder(client=simulate(speed=1.0).client(), folder="boats")
    form.fill(prompts=[f"boat {number}" for number in range(40)])
    form._run.click()
    [board] = form._standing.children
    board.answer({"kind": "stop"})

    assert form.sweep.counts()["planned"] > 0
    assert any("stopped" in words for words in form.sweep.waits_for)
    form._run.click()
    assert form._standing.children[0].sweep is form.sweep is not board.sweep
    form.close()


def test_without_a_client_it_only_shows(tmp_path):
    """The form works without a client, says how to get one, and neither runs nor writes."""
    form = builder()
    form.fill(prompts=["a boat"])
    form._run.click()

    assert len(form.grid) == 1
    assert "client=" in form._picker.said
    assert form._run.disabled
    assert list(tmp_path.iterdir()) == []


def test_models_offer_what_they_have(form):
    """Another model offers its own sizes; two offer both, and what one lacks is a place left out with its reason."""
    form._models.value = ("grok-imagine-1.0-video-apimart", "kling-v2-6")
    form._durations.value = "6, 10"

    reasons = [place["says"] for place in places(form).values() if place["state"] == "skipped"]
    assert any("kling-v2-6 makes clips of 5 or 10 s, not 6" in text for text in reasons)
    assert json.dumps(form._picker.plan)
