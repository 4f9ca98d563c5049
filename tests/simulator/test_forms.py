"""Every form of a reply that was seen in public can be had of the simulator, and a sweep makes of it what it means."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import httpx
import pytest

import gridgen as gg
from gridgen.simulator import Fault, Simulator
from simulator.asking import cell

FORMS = json.loads((Path(gg.__file__).parent / "simulator" / "forms.json").read_text(encoding="utf-8"))[
    "forms"
]
NAMES = [form["name"] for form in FORMS]
OF = {form["name"]: form.get("of", "") for form in FORMS}
ON = {form["name"]: form["on"] for form in FORMS}
PRICE = 0.0612

UNKNOWN = {"a result and no id", "a page with 200", "500"}
"""Forms that let nobody know whether a submission is paid."""

WEATHER = {"get_channel_failed", "429 with detail", "a firewall's page"}
"""Forms after which the same is asked again."""


def strings(value: Any) -> list[str]:
    """Return all texts in JSON."""
    if isinstance(value, dict):
        return [text for each in value.values() for text in strings(each)]
    if isinstance(value, list):
        return [text for each in value for text in strings(each)]
    return [value] if isinstance(value, str) else []


def fault(name: str, **options: Any) -> list[Fault]:
    """Return the rules that make a form strike."""
    ends = [Fault(kind="fail", times=None)] if OF[name] == "failed" else []
    return [*ends, Fault(kind="form", form=name, **{"times": None, **options})]


def test_names_are_the_forms_own():
    """No two forms have one name, and each says on what it strikes and how far it can be trusted."""
    assert len(set(NAMES)) == len(NAMES) > 60
    assert {form["on"] for form in FORMS} == {"submit", "status"}
    assert set(OF.values()) == {"", "accepted", "running", "completed", "failed"}
    assert all(form["seen"] for form in FORMS)


@pytest.mark.parametrize("name", [name for name in NAMES if OF[name]])
def test_a_true_reply_is_spelled_otherwise(world, name):
    """Id, links and stamps are those of the true reply, each link leads to the clip, and only replies of its kind change."""
    asker = world(faults=fault(name), service_cv=0.0)
    reply = asker.post(cell())
    if ON[name] == "submit":
        assert len(asker.simulator.ledger) == 1
        task_id = asker.simulator.ledger[0].task_id
    else:
        task_id = reply.json()["data"][0]["task_id"]
        asker.later(20 if OF[name] == "running" else 3600)
        reply = asker.get(f"/v1/tasks/{task_id}")
    form = FORMS[NAMES.index(name)]

    assert reply.status_code == form.get("status", 200)
    if isinstance(form["body"], str):
        assert reply.text == form["body"]
        return
    texts = strings(reply.json())
    assert ("$id" in strings(form["body"])) == (task_id in texts)
    assert not [text for text in texts if text.startswith("$")]
    links = [text for text in texts if text.startswith("http://")]
    found = {asker.get(link.removeprefix(asker.simulator.base_url)).status_code for link in links}
    wanted = {"$video": 200, "$thumbnail": 200, "$dead": 404}
    assert found == {wanted[word] for word in strings(form["body"]) if word in wanted}


def test_only_replies_of_its_kind_are_spelled_otherwise(world):
    """A form of a finished task leaves running ones and those that failed as they are."""
    asker = world(faults=[Fault(kind="fail", match="a kite"), *fault("succeed")])
    ids = [asker.submit(prompt=prompt) for prompt in ("a kite", "a boat")]
    before = [asker.task(task_id)["status"] for task_id in ids]
    asker.later(3600)

    assert "succeed" not in before
    assert [asker.task(task_id)["status"] for task_id in ids] == ["failed", "succeed"]


@pytest.mark.parametrize("name", [name for name in NAMES if not OF[name]])
def test_a_reply_stands_in_place_of_doing_anything(world, name):
    """A refusal is said as it is, and nothing is made or billed for it."""
    asker = world()
    task_id = asker.submit()
    for each in fault(name):
        asker.simulator.faults.add(each)
    reply = asker.post(cell(prompt="b")) if ON[name] == "submit" else asker.get(f"/v1/tasks/{task_id}")
    form = FORMS[NAMES.index(name)]

    assert reply.status_code == form.get("status", 200)
    assert (reply.text if isinstance(form["body"], str) else reply.json()) == form["body"]
    assert {name.lower(): text for name, text in form.get("headers", {}).items()}.items() <= dict(
        reply.headers
    ).items()
    assert len(asker.simulator.ledger) == 1


def test_a_form_strikes_the_cells_and_times_that_it_is_told(world):
    """As every fault it takes `match`, `times` and `skip`, and counts only replies of its kind."""
    form = Fault(kind="form", form="succeed", match="a kite", skip=1)
    asker = world(faults=[form], service_cv=0.0)
    boat, kite = asker.submit(prompt="a boat"), asker.submit(prompt="a kite")
    assert asker.task(kite)["status"] in {"pending", "processing"}
    asker.later(3600)

    assert [asker.task(kite)["status"] for _ in range(3)] == ["completed", "succeed", "completed"]
    assert asker.task(boat)["status"] == "completed"
    assert asker.simulator.faults.struck(form) == 1


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"form": "succeeed"}, "nearest: 'succeed'"),
        ({"form": "succeed", "on": "submit"}, "strikes on='status', in the reply"),
        ({"form": "succeed", "when": "before"}, "strikes on='status', in the reply"),
        ({"form": "402", "when": "mid_reply"}, "strikes on='submit', before or after a reply"),
    ],
)
def test_a_form_that_cannot_strike_is_refused(options, says):
    """The message names what is wrong with it."""
    with pytest.raises(ValueError, match=says):
        Fault(kind="form", **options)


def expected(name: str) -> str:
    """Return what becomes of a clip whose every reply of that kind has a form."""
    if ON[name] == "submit":
        if name in UNKNOWN:
            return "unknown"
        return "done" if OF[name] or name in WEATHER else "refused"
    if not OF[name]:
        return "done" if name in WEATHER else "missing"
    return {"failed": "failed"}.get(OF[name], "expired" if name == "all links dead" else "done")


@pytest.mark.parametrize("name", NAMES)
def test_a_sweep_makes_of_it_what_it_means(tmp_path, name):
    """Cases T1 to T8, F4: clips come, fail with the server's words, or are missing; none is paid twice, and no run hangs."""
    times = 1 if name in WEATHER | UNKNOWN else None
    with Simulator(speed=math.inf, clips="tiny", faults=fault(name, times=times)) as simulator:
        sweep = gg.Sweep(
            gg.Grid(prompt=["a boat"]), client=simulator.client(), folder=tmp_path, previews=False
        )
        said = ""
        try:
            sweep.run()
        except gg.GridgenError as error:
            said = str(error)
        row, became = sweep.rows()[0], expected(name)
        if became == "refused":
            assert row.status in {"planned", "held", "rejected"}
            words = [text for text in strings(FORMS[NAMES.index(name)]["body"]) if " " in text or "_" in text]
            assert any(word in f"{row.error} {said}" for word in words)
            assert len(simulator.ledger) == 0
            return
        made = 0 if name == "500" else 1
        assert (row.status, len(simulator.ledger)) == (became, made)
        if became == "failed":
            told = [text for text in strings(FORMS[NAMES.index(name)]["body"]) if " " in text]
            assert any(word in row.error for word in told)


def test_a_form_strikes_over_a_socket_too():
    """What is told in process is told over HTTP, with a length and a type that fit."""
    with Simulator(speed=1000.0, clips="tiny", faults=fault("code as text")) as simulator:
        headers = {"Authorization": f"Bearer {simulator.api_key}"}
        url = f"{simulator.base_url}/v1/videos/generations"
        reply = httpx.post(url, json=cell(), headers=headers, trust_env=False)
    assert reply.json()["code"] == "200"
    assert reply.headers["content-type"] == "application/json"
