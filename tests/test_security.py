"""The security cases of the engine, by number: who may see a key, where files go, what hostile servers reach.

Cases of the exported page are with the page, those of the simulator with the
simulator; the last test holds the table of all that concern the engine.
"""

from __future__ import annotations

import ast
import contextlib
import gzip
import io
import json
import logging
import pickle
import random
import string
import sys
import types
import warnings
from pathlib import Path

import httpx
import nbformat
import pandas as pd
import pytest
from nbclient import NotebookClient
from numbered import bearers

import gridgen
from gridgen import Cell, Client, Gallery, Grid, GridgenError, Simulator, Sweep
from gridgen._loop import wait
from gridgen.board import Board
from gridgen.client import download as downloads
from gridgen.clock import Clock
from gridgen.outcome import Outcome, classify
from gridgen.simulator import Fault
from gridgen.task import parse_json, parse_task, task_id

CANARY = "sk-test-CANARY0123456789"
BOAT = Cell("boat", "16:9", 6, "480p")


def shown(thing: object) -> list[str]:
    """Return every way in which a thing shows itself."""
    found = [repr(thing), str(thing), repr(getattr(thing, "__dict__", {}))]
    for name in ("_repr_html_", "_repr_mimebundle_", "to_csv"):
        with contextlib.suppress(AttributeError):
            found.append(str(getattr(thing, name)()))
    return found


@pytest.mark.security("S1", "S4")
def test_the_key_is_in_nothing_that_a_run_leaves(simulate, tmp_path, monkeypatch, caplog):
    """S1: a canary key is in no file, table, snapshot, log, repr, rich form, error or pickle of a full run."""
    monkeypatch.setenv("GRIDGEN_DATA_DIR", str(tmp_path / "data"))
    caplog.set_level("DEBUG")
    lost = Fault(kind="close", on="submit", when="after", match='"lost"')
    simulator = simulate(speed=1000.0, faults=[lost])
    client = simulator.client(api_key=CANARY)
    proof = client.prove_idempotency(budget=1)
    sweep = Sweep(Grid(prompt=["boat", "lost"]), client=client, folder=tmp_path / "boats", budget=1)
    sweep.run()
    sweep.snapshot(tmp_path / "snapshot.jsonl")
    with pytest.raises(TypeError) as unpickled:
        pickle.dumps(client)
    with pytest.raises(GridgenError) as told:
        client.task("nonsense")

    things = [
        client,
        sweep,
        sweep.df,
        sweep.unknown,
        sweep.estimate(),
        sweep.stats(),
        proof,
        Gallery(sweep),
        Board(sweep),
    ]
    seen = [
        caplog.text,
        str(unpickled.value),
        str(told.value),
        *(text for each in things for text in shown(each)),
    ]
    buffer = io.BytesIO()
    pd.to_pickle(sweep.df, buffer)
    seen.append(buffer.getvalue().decode("latin-1"))
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    seen += [path.read_bytes().decode("latin-1") for path in files]

    assert len(files) > 8
    assert sweep.counts() == {"unknown": 1, "done": 1}
    assert [text[:80] for text in seen if CANARY in text] == []


NOTEBOOK = [
    "import gridgen as gg, os, logging; logging.basicConfig(level='DEBUG')",
    "client = gg.Client(os.environ['BOAT_KEY'], os.environ['BOAT_URL']); client",
    "sweep = gg.Sweep(gg.Grid(prompt='boat'), client=client, folder='boats', budget=1); sweep.run(); sweep",
    "sweep.gallery()",
    "sweep.df",
    "client.task('nonsense')",
]


@pytest.mark.notebooks
@pytest.mark.security("S1", "S2")
def test_the_key_is_in_no_saved_notebook(simulate, tmp_path, monkeypatch):
    """S1, S2: a notebook that was run, with its widgets' state and a verbose traceback, holds no key."""
    simulator = simulate(speed=600.0)
    monkeypatch.setenv("BOAT_KEY", CANARY)
    monkeypatch.setenv("BOAT_URL", simulator.base_url)
    cells = ["%xmode Verbose", *NOTEBOOK]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    place = {"metadata": {"path": str(tmp_path)}}
    NotebookClient(
        notebook, timeout=60, allow_errors=True, store_widget_state=True, resources=place
    ).execute()
    saved = nbformat.writes(notebook)

    assert "APIError" in saved
    assert "application/vnd.jupyter.widget-view+json" in saved
    assert CANARY not in saved


@pytest.mark.security("S4")
def test_signed_links_are_logged_without_their_query(tmp_path, caplog):
    """S4: what httpx logs of a download names the file and not the query that signs it; other requests stay as they are."""
    caplog.set_level(logging.INFO)
    body = b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom"

    async def run() -> None:
        transport = httpx.MockTransport(lambda _request: httpx.Response(200, content=body))
        async with httpx.AsyncClient(transport=transport) as http:
            link = "http://127.0.0.1/f/a.mp4?X-Amz-Signature=SECRET"
            await downloads.download(http, link, tmp_path / "a", on_loopback=True, clock=Clock())
            await http.get("http://elsewhere.example.org/?q=kept")

    wait(run())
    assert "/f/a.mp4" in caplog.text
    assert "SECRET" not in caplog.text
    assert "q=kept" in caplog.text


@pytest.mark.security("S3")
def test_headers_are_never_default_headers(simulate):
    """S3: no HTTP client that gridgen makes carries the key among its headers."""
    client = simulate(speed=1000.0).client(api_key=CANARY)
    client.balance()
    made = list(client.wire._http.values())

    assert made
    assert [dict(http.headers) for http in made if CANARY in repr(dict(http.headers))] == []
    client.close()


@pytest.mark.security("S6")
def test_no_api_call_follows_a_redirect():
    """S6: a redirect of any API call leads nowhere, so that no header goes to another host."""
    seen: list[str] = []

    def handle(request: httpx.Request) -> httpx.Response:
        seen.append(request.url.host)
        return httpx.Response(302, headers={"location": "https://evil.example.org/"})

    client = Client(
        CANARY,
        "http://127.0.0.1",
        http_client=lambda: httpx.AsyncClient(transport=httpx.MockTransport(handle), follow_redirects=True),
    )
    for call in (lambda: client.submit(BOAT), lambda: client.task("task_1"), client.balance):
        with pytest.raises(GridgenError):
            call()
    assert set(seen) == {"127.0.0.1"}


@pytest.mark.security("S12")
def test_a_bomb_in_json_is_cut_off():
    """S12: an answer that unpacks to 100 MB is read up to 8 MiB and is no answer."""
    bomb = gzip.compress(b" " * (100 * 2**20))
    chunks = [bomb[at : at + 16_384] for at in range(0, len(bomb), 16_384)]

    def handle(_request: httpx.Request) -> httpx.Response:
        async def body():
            for chunk in chunks:
                yield chunk

        return httpx.Response(200, headers={"content-encoding": "gzip"}, content=body())

    client = Client(
        CANARY,
        "http://127.0.0.1",
        http_client=lambda: httpx.AsyncClient(transport=httpx.MockTransport(handle)),
    )
    with pytest.raises(GridgenError):
        client.task("task_1")


@pytest.mark.security("S17")
@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_no_spreadsheet_runs_a_prompt(simulate, tmp_path, start):
    """S17: whatever a spreadsheet would take for a formula begins with a quote in sweep.csv."""
    sweep = Sweep(
        Grid(prompt=f"{start}cmd|'/c calc'!A0"), client=simulate().client(), folder=tmp_path, previews=False
    )
    sweep.run()
    text = (tmp_path / "sweep.csv").read_text(encoding="utf-8-sig").splitlines()[1]

    assert text.lstrip('"').startswith("'")


FORBIDDEN_CALLS = {"eval", "exec", "compile", "__import__", "yaml.load", "yaml.unsafe_load", "yaml.full_load"}
FORBIDDEN_MODULES = {"pickle", "marshal", "shelve", "dill", "cloudpickle"}
SHIPPED = [
    path for path in sorted(Path(gridgen.__file__).parent.rglob("*.py")) if "simulator" not in path.parts
]


@pytest.mark.security("S18")
@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_nothing_shipped_can_run_what_it_reads(path):
    """S18: no module unpickles, evaluates or starts anything."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {name.name.split(".")[0] for name in node.names} & FORBIDDEN_MODULES
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found |= {(node.module or "").split(".")[0]} & FORBIDDEN_MODULES
        elif isinstance(node, ast.Call):
            found |= {ast.unparse(node.func)} & FORBIDDEN_CALLS
    assert found == set()


@pytest.mark.security("S23")
@pytest.mark.parametrize("where", ["the cell itself", "a cell that papermill injected"])
def test_a_key_in_a_cell_is_warned_of(monkeypatch, where):
    """S23: a real key that stands in a cell of the notebook is told, as it is saved with it; the key is not repeated."""
    cells = {"the cell itself": ["", f"client = gg.Client('{CANARY}')"]}
    cells["a cell that papermill injected"] = [
        "",
        f"# Parameters\napi_key = '{CANARY}'",
        "gg.Client(api_key)",
    ]
    shell = types.SimpleNamespace(user_ns={"In": cells[where]}, config={})
    monkeypatch.setitem(sys.modules, "IPython", types.SimpleNamespace(get_ipython=lambda: shell))

    with pytest.warns(UserWarning, match="stands in a cell of this notebook") as told:
        Client(CANARY)
    assert CANARY not in str(told[0].message)


@pytest.mark.security("S23")
@pytest.mark.parametrize("key", ["environment", "getpass", "simulator"])
def test_other_sources_of_a_key_are_fine(monkeypatch, key):
    """S23: a key from the environment, from a question, or of a simulator is no reason to warn."""
    cells = ["", "gg.Client()", "gg.Client(getpass.getpass())", "gg.Client('sim-0123')"]
    shell = types.SimpleNamespace(user_ns={"In": cells}, config={})
    monkeypatch.setitem(sys.modules, "IPython", types.SimpleNamespace(get_ipython=lambda: shell))
    monkeypatch.setenv("APIMART_API_KEY", CANARY)

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        if key == "environment":
            Client()
        else:
            Client(CANARY if key == "getpass" else "sim-0123", "http://127.0.0.1:1")


@pytest.mark.security("S26")
def test_looking_spends_nothing(simulate, tmp_path):
    """S26: making, showing and reading a sweep, its board and its gallery submits nothing; only start and run do."""
    simulator = simulate()
    sweep = Sweep(Grid(prompt=["a", "b"]), client=simulator.client(), folder=tmp_path)
    board, gallery = Board(sweep), sweep.gallery()
    for thing in (sweep, board, gallery, sweep.df, sweep.unknown, sweep.estimate(), sweep.stats()):
        shown(thing)
    board.answer({"kind": "standing"})
    gallery.wall.answer({"kind": "snapshot"})
    assert (sweep.waits_for, sweep.counts()) == ((), {"planned": 2})
    sweep.wait()

    assert [seen.method for seen in simulator.requests if seen.method == "POST"] == []
    assert not (tmp_path / "journal.sqlite").exists()


@pytest.mark.security("S28")
def test_the_table_tells_no_secrets(simulate, tmp_path):
    """S28: no column holds a key or a link's query; an error is at most 500 characters long."""
    long = Fault(
        kind="reply",
        on="submit",
        when="before",
        status=400,
        match='"b"',
        body={"error": {"code": "", "message": "no " * 5000}},
    )
    signed = Fault(
        kind="patch",
        on="status",
        times=None,
        patch={"data": {"result": {"videos": [{"url": ["http://127.0.0.1/f/x.mp4?sign=SECRET"]}]}}},
    )
    sweep = Sweep(
        Grid(prompt=["a", "b"]),
        client=simulate(faults=[long, signed]).client(api_key=CANARY),
        folder=tmp_path,
        budget=1,
        previews=False,
    )
    sweep.run()
    table = sweep.df

    assert CANARY not in table.to_csv()
    assert "SECRET" not in table.to_csv()
    assert table["error"].str.len().max() <= 500
    assert not any("key" in name or "token" in name for name in table.columns)


def hostile(chance: random.Random) -> tuple[int, dict[str, str], bytes]:
    """Return an answer as no honest server gives it."""
    values = [
        None,
        True,
        -1,
        0,
        1e308,
        "",
        "x" * 300,
        [],
        {},
        [[]],
        "task_1",
        "../../x",
        "\x00",
        "NaN",
        2**70,
    ]
    names = ["code", "data", "error", "message", "status", "id", "task_id", "result", "videos", "url", "cost"]
    names += ["progress", "expires_at", "created", "completed", "retry_after", "success"]

    def value(depth: int) -> object:
        if depth and chance.random() < 0.6:
            if chance.random() < 0.3:
                return [value(depth - 1) for _ in range(chance.randrange(3))]
            return {chance.choice(names): value(depth - 1) for _ in range(chance.randrange(6))}
        return chance.choice(values)

    told = {"code": 200, "data": [{"task_id": value(1)}]} if chance.random() < 0.2 else value(4)
    body = json.dumps(told).encode()
    if chance.random() < 0.3:
        body = bytes(chance.randrange(256) for _ in range(chance.randrange(60)))
    elif chance.random() < 0.2:
        body = body[: chance.randrange(len(body) + 1)]
    said = "".join(chance.choice(string.printable) for _ in range(chance.randrange(20)))
    headers = {"retry-after": said, "date": said, "idempotency-replayed": said, "x-request-id": said}
    return chance.choice([200, 201, 202, 204, 302, 400, 401, 404, 409, 429, 500, 503, 599]), headers, body


@pytest.mark.security("S13", "S29")
def test_no_answer_breaks_the_engine():
    """Ten thousand hostile answers are each judged without an exception; no id that they name is a path."""
    chance = random.Random(7)
    judged = set()
    for _ in range(10_000):
        status, headers, body = hostile(chance)
        outcome = classify(("http11.send_request_body.started",), status, headers, body)
        payload = parse_json(body)
        parse_task(payload, "task_1")
        named = task_id(payload)
        assert isinstance(outcome, Outcome)
        assert named is None or "\x00" not in named
        judged.add(type(outcome).__name__)
    assert judged == {"Accepted", "Ambiguous", "NotApplied", "Rejected"}


@pytest.mark.security("S21", "S22")
def test_a_real_key_never_meets_a_simulator_by_itself(monkeypatch):
    """S21, S22: the environment's key is not sent to this machine, and a simulator does not take it."""
    monkeypatch.setenv("APIMART_API_KEY", "sk-" + "A1" * 16)
    with Simulator(speed=1000.0) as simulator:
        with pytest.raises(GridgenError, match="only sent to APIMart"):
            Client(base_url=simulator.base_url)
        assert simulator.client().is_simulator
        with pytest.raises(GridgenError, match="401"):
            Client("sk-" + "A1" * 16, simulator.base_url).balance()


ENGINE = [f"S{number}" for number in (*range(1, 14), 17, 18, *range(20, 31))]
"""The cases that concern the engine: S14 to S16 are the page's, S19 a bundle's."""


def test_no_case_is_missing():
    """Each security case of the engine has a test that bears its number."""
    found = bearers("security")

    assert [case for case in ENGINE if case not in found] == []
