"""A simulator whose process ends: what a sweep paid there is not lost, as its folder keeps it."""

from __future__ import annotations

import json
import math
import os
import re
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import httpx
import pytest

import gridgen as gg
from gridgen.board import Board
from gridgen.simulator import Fault, Simulator
from simulator.asking import PNG, Asker

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

KEPT = "simulator.jsonl"

TEN_LINES = """
import gridgen as gg
from gridgen.simulator import Fault

grid = gg.Grid(
    prompt=["a paper boat crossing a puddle", "a paper boat in a storm"],
    size=["16:9", "9:16"],
    duration=[6, 10],
)
client = gg.Simulator({options}).client()
sweep = gg.Sweep(grid, client=client, folder="boats", budget=2.00)
sweep.start()
sweep.gallery(rows="prompt", cols=["size", "duration"])
"""

HALF_DONE = (
    """clips="tiny", faults=[Fault(kind="delay", match='"duration": 10', times=None, seconds=240)]""",
    {"done": 4, "at the server": 4},
)
ALL_BEING_FETCHED = (
    """clips="tiny", faults=[Fault(kind="hang", on="result", times=None)]""",
    {"downloading": 8},
)
DYING = """
import os, signal, threading
from collections import Counter

words = {"queued": "at the server", "running": "at the server"}
while Counter(words.get(row.status, row.status) for row in sweep.rows()) != {wanted}:
    threading.Event().wait(0.02)
os.kill(os.getpid(), signal.SIGKILL)
"""

LEAVING = """
import threading

while set(row.status for row in sweep.rows()) - {"queued", "running"}:
    threading.Event().wait(0.02)
"""

TELLING = """
import json

sweep.wait()
books = [[entry.task_id, str(entry.cost)] for entry in client.simulator.ledger]
print(json.dumps({"rows": [[row.status, row.task_id] for row in sweep.rows()], "books": books}))
"""


def script(folder: Path, text: str, options: str = 'clips="tiny"') -> subprocess.CompletedProcess[str]:
    """Run README's ten lines, and what follows them, as a process of its own."""
    code = TEN_LINES.replace("{options}", options) + text
    return subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, timeout=110, check=False
    )


def sweep_of(client: gg.Client, folder: Path, **options: object) -> gg.Sweep:
    """Return a sweep of two clips without previews."""
    grid = options.pop("grid", None) or gg.Grid(prompt=["a boat", "a kite"])
    return gg.Sweep(grid, client=client, folder=folder, previews=False, **options)


@pytest.fixture
def begun() -> Callable[..., Simulator]:
    """Return a maker of simulators that all end with the test."""
    made = []

    def make(**options: object) -> Simulator:
        made.append(Simulator(**{"speed": math.inf, "clips": "tiny", **options}))
        return made[-1]

    yield make
    for simulator in made:
        simulator.close()


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")
@pytest.mark.parametrize(
    ("before", "after"),
    [
        (HALF_DONE, 'clips="tiny"'),
        pytest.param(HALF_DONE, 'clips="tiny", speed=float("inf"), seed=7', marks=pytest.mark.full),
        (ALL_BEING_FETCHED, 'clips="tiny"'),
    ],
)
def test_a_kernel_that_is_killed_in_mid_run_loses_nothing(tmp_path, before, after):
    """Case U2: README's ten lines, killed half-way or while all is fetched: run again, all are done, none is paid again."""
    options, wanted = before
    first = script(tmp_path, DYING.replace("{wanted}", repr(wanted)), options)
    assert first.returncode == -signal.SIGKILL, first.stderr
    accepted = [json.loads(line) for line in (tmp_path / "boats" / KEPT).read_text().splitlines()]
    tasks = [record[1] for record in accepted if record[0] == "task"]
    assert len(set(tasks)) == 8

    second = script(tmp_path, TELLING, after)

    assert (second.returncode, second.stderr) == (0, "")
    told = json.loads(second.stdout)
    assert [status for status, _ in told["rows"]] == ["done"] * 8
    assert {task for _, task in told["rows"]} == set(tasks)
    assert [task for task, _ in told["books"]] == tasks
    assert len(list((tmp_path / "boats").glob("*.mp4"))) == 8


def test_a_script_that_ends_too_early_says_so(tmp_path):
    """Case U2: README's ten lines as a plain script say at their end what is paid and not fetched, and how it is had."""
    slow = """clips="tiny", faults=[Fault(kind="delay", times=None, seconds=240)]"""
    first = script(tmp_path, LEAVING, slow)

    assert (first.returncode, first.stdout) == (0, "")
    assert first.stderr == (
        "gridgen: this process ends before 8 clips of 'boats' are fetched, which are paid or under way. Run it "
        "again: they are fetched then, and not paid again. sweep.wait() at its end waits for them.\n"
    )
    second = script(tmp_path, TELLING)
    told = json.loads(second.stdout)
    assert second.stderr == ""
    assert [status for status, _ in told["rows"]] == ["done"] * 8
    assert len(told["books"]) == 8


FORGETFUL = Fault(kind="reply", on="status", status=404, body={"message": "gone"}, times=None)


def test_a_missing_row_says_why_and_how_it_is_had(tmp_path, begun):
    """Case U2: where nothing of the simulator was kept, table, board and explanation say so, and name the way that works."""
    simulator = begun(faults=[FORGETFUL])
    sweep = sweep_of(simulator.client(), tmp_path)
    sweep.run()

    assert sweep.counts() == {"missing": 2}
    for said in (sweep.df["error"][0], Board(sweep).state()["troubles"][0]["why"], sweep.explain(0)):
        assert "the simulator that had this clip is gone with its process" in said
        assert said.count("retry(where='missing') makes it again, $0") == 1
    simulator.faults.clear()
    assert sweep.retry(where="missing") == 2
    sweep.wait()
    assert sweep.counts() == {"done": 2}
    assert len(simulator.ledger) == 4


def test_a_missing_row_of_another_server_says_what_it_costs(tmp_path, begun):
    """The server's own words come first; that it is paid again is said, as nobody knows whether the first was."""
    simulator = begun(
        faults=[Fault(kind="reply", on="status", status=404, body={"message": "gone"}, times=None)]
    )
    client = gg.Client(
        "sk-test-1", simulator.base_url, clock=simulator.clock, http_client=lambda: _in_process(simulator)
    )
    sweep = sweep_of(client, tmp_path, budget=1)
    sweep.run()

    assert sweep.counts() == {"missing": 2}
    assert re.search(
        r"gone.* run\(\) asks for it again; retry\(where='missing'\) makes it, and pays for it, again",
        sweep.df["error"][0],
    )


def _in_process(simulator: Simulator) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=simulator.transport(), trust_env=False)


def test_a_file_that_is_gone_is_fetched_from_a_new_simulator(tmp_path, begun):
    """A finished sweep whose clip was deleted gets it from a simulator that never saw the submission, with other links."""
    sweep = sweep_of(begun().client(), tmp_path)
    sweep.run()
    path = tmp_path / sweep.rows()[1].path
    made = path.read_bytes()
    path.unlink()

    again = begun()
    sweep_of(again.client(), tmp_path).run()

    assert path.read_bytes() == made
    assert len(again.ledger) == 2
    assert [seen for seen in again.requests if seen.method == "POST"] == []


def test_time_goes_only_forward(tmp_path, begun):
    """A new simulator goes on from the time of the old one, by at most a minute less, and never back."""
    old = begun()
    sweep_of(old.client(), tmp_path).run()
    Asker(old).later(3000)
    new = begun()
    was = new.clock.time()

    release = new.keep_in(tmp_path)

    assert new.clock.time() > was + 30
    assert old.clock.time() - 3100 < new.clock.time() <= old.clock.time()
    late = begun()
    Asker(late).later(90_000)
    was = late.clock.time()
    late.keep_in(tmp_path)()
    release()
    assert late.clock.time() == was


def test_the_account_is_charged_once(tmp_path, begun):
    """What was paid before is paid in the books of the new simulator, and asking twice changes nothing."""
    old = begun(failures=0.0)
    sweep_of(old.client(), tmp_path).run()
    new = begun()
    for _ in range(3):
        new.keep_in(tmp_path)()

    assert list(new.ledger) == list(old.ledger)
    assert new.balance == old.balance


def test_two_folders_of_one_simulator(tmp_path, begun):
    """Each keeps what is submitted while its own sweep is at work; the same cell in both is two tasks, and stays two."""
    one, two = tmp_path / "one", tmp_path / "two"
    old = begun()
    for folder in (one, two):
        sweep_of(old.client(), folder).run()
    ids = [entry.task_id for entry in old.ledger]
    assert len(set(ids)) == 4

    for order in ((one, two), (two, one)):
        new = begun()
        for folder in order:
            new.keep_in(folder)()
        assert sorted(entry.task_id for entry in new.ledger) == sorted(ids)
    texts = [(folder / KEPT).read_text() for folder in (one, two)]
    assert [[task in text for task in ids] for text in texts] == [
        [True, True, False, False],
        [False, False, True, True],
    ]
    new.keep_in(two)
    assert Asker(new).submit(prompt="a boat", duration=6) not in ids


def test_two_simulators_keep_in_one_folder(tmp_path, begun):
    """A second one that comes while the first lives knows its tasks, and the first those of the second."""
    one, two = begun(), begun()
    one.keep_in(tmp_path)
    first = Asker(one).submit(prompt="first")
    two.keep_in(tmp_path)
    second = Asker(two).submit(prompt="second")

    assert Asker(two).task(first)["id"] == first
    assert Asker(one).task(second)["id"] == second
    assert Asker(one).submit(prompt="second") != second


def test_an_older_key_and_an_upload_are_known(tmp_path, begun):
    """The new simulator serves an image that the old one took, and answers the old one's key beside its own."""
    old, new = begun(), begun()
    old.keep_in(tmp_path)
    url = Asker(old).ask("POST", "/v1/uploads/images", files={"file": ("a.png", PNG)}).json()["url"]
    mine = new.api_key
    new.keep_in(tmp_path)

    assert Asker(new).get(url).content == PNG
    assert new.api_key == mine
    assert Asker(new).get("/v1/balance", headers=Asker(old).headers).status_code == 200


def test_a_state_of_ones_own_wins(tmp_path, begun):
    """With ``state=`` nothing is kept in the folder of a sweep, and nothing is read there."""
    sweep = sweep_of(begun(state=tmp_path / "own.jsonl").client(), tmp_path / "a")
    sweep.run()

    assert not (tmp_path / "a" / KEPT).exists()
    sweep_of(begun().client(), tmp_path / "b").run()
    before = (tmp_path / "b" / KEPT).read_bytes()
    Asker(begun(state=tmp_path / "own.jsonl")).submit()
    assert (tmp_path / "b" / KEPT).read_bytes() == before


def test_a_bundle_leaves_it_out(tmp_path, begun):
    """What the simulator keeps in a folder goes to nobody with a bundle of it."""
    import zipfile

    sweep = sweep_of(begun().client(), tmp_path / "boats")
    sweep.run()
    assert (tmp_path / "boats" / KEPT).exists()
    with zipfile.ZipFile(sweep.to_zip(tmp_path / "boats.zip")) as packed:
        assert not [name for name in packed.namelist() if KEPT in name]
    gg.unpack(tmp_path / "boats.zip", tmp_path / "elsewhere")
    assert not (tmp_path / "elsewhere" / KEPT).exists()


TASK = json.dumps(
    [
        *("task", "task_01K8SG0000AAAAAAAAAAAAAAAA"),
        json.dumps({"model": "grok-imagine-1.0-video-apimart", "prompt": "a boat"}),
        *("key-0", None, False, 1, 1.76e9, 1.76e9, 1.76e9, 40, "completed", 60_000),
    ]
)
BAD = {
    "notes": "my notes\n",
    "half a line that is none": '["key","sim-a"]\nmy notes',
    "a key of another kind": '["key","sk-secret"]\n',
    "a time beyond all clocks": '["time",1e300]\n',
    "no number": '["time",NaN]\n',
    "a long number": f'["time",{"9" * 5000}]\n',
    "deep": "[" * 100_000 + "\n",
    "a path outside": '["upload","/f/image/../../x","a.png","image/png","","1"]\n',
    "an image that is none": f'["upload","/f/image/{"0" * 16}-{"0" * 36}-a.png","a.png","text/html","PGI+",1]\n',
    "a task without a price": TASK.replace("60000", "null") + "\n",
    "a negative price": TASK.replace("60000", "-60000") + "\n",
    "an end before the beginning": TASK.replace("1760000000.0, 40", "1, 40") + "\n",
    "an id that leads elsewhere": TASK.replace("task_01K8SG0000AAAAAAAAAAAAAAAA", "../../etc") + "\n",
    "a body that is none": TASK.replace("{\\", "[\\").replace('}"', ']"') + "\n",
    "half an emoji": TASK.replace("a boat", "\\ud83d") + "\n",
    "good lines before a bad one": f'["time",1.77e9]\n{TASK}\n{{}}\n["tim',
}


def test_the_task_of_the_bad_ones_is_good(tmp_path, begun):
    """What the cases below spoil is taken in as it is."""
    (tmp_path / KEPT).write_text(TASK + "\n")
    simulator = begun()
    simulator.keep_in(tmp_path)

    assert [entry.body["prompt"] for entry in simulator.ledger] == ["a boat"]


@pytest.mark.parametrize("text", BAD.values(), ids=BAD.keys())
def test_a_strangers_file_is_left_as_it_is(tmp_path, begun, text):
    """Case A6, its kind: nothing of a file that is not wholly sound counts, it is not changed, and the sweep runs."""
    kept = tmp_path / KEPT
    kept.write_text(text)
    simulator = begun()
    was = simulator.clock.time()
    sweep = sweep_of(simulator.client(), tmp_path)

    with pytest.warns(
        UserWarning,
        match=r"simulator\.jsonl is not a simulator's state.*left as it is.*gone with its process",
    ):
        sweep.run()

    assert kept.read_text() == text
    assert sweep.counts() == {"done": 2}
    assert len(simulator.ledger) == 2
    assert simulator.clock.time() < was + 10_000


def test_what_is_no_plain_file_is_left_alone(tmp_path, begun):
    """A link out of the folder, a folder, a pipe and a file of 300 MB are not opened; nothing is made where a link leads."""
    for name, make in {
        "link": lambda path: path.symlink_to(tmp_path / "outside"),
        "folder": lambda path: path.mkdir(),
        "pipe": os.mkfifo,
        "huge": lambda path: (path.touch(), os.truncate(path, 300_000_000)),
    }.items():
        (tmp_path / name).mkdir()
        make(tmp_path / name / KEPT)
        simulator = begun()
        with pytest.warns(UserWarning, match=r"and so no simulator's state.*left as it is"):
            release = simulator.keep_in(tmp_path / name)
        Asker(simulator).submit()
        release()
    assert not (tmp_path / "outside").exists()
    assert (tmp_path / "huge" / KEPT).stat().st_size == 300_000_000


def test_a_file_that_is_spoilt_in_mid_run_stops_nothing(tmp_path, begun):
    """The simulator goes on without it, and says so once."""
    simulator = begun()
    simulator.keep_in(tmp_path)
    asker = Asker(simulator)
    asker.submit()
    with (tmp_path / KEPT).open("a") as file:
        file.write("rubbish\n")
    spoilt = (tmp_path / KEPT).read_bytes()

    with pytest.warns(UserWarning, match="is not a simulator's state"):
        asker.submit()
    asker.submit()

    assert (tmp_path / KEPT).read_bytes() == spoilt


def test_a_model_of_ones_own_that_is_gone_is_passed_over(tmp_path, begun):
    """A task whose model the new simulator does not offer is not taken in; all others are."""
    text = TASK.replace("grok-imagine-1.0-video-apimart", "mine").replace("AAAA", "BBBB")
    (tmp_path / KEPT).write_text(f"{text}\n{TASK}\n")
    simulator = begun()
    simulator.keep_in(tmp_path)

    assert [entry.model for entry in simulator.ledger] == ["grok-imagine-1.0-video-apimart"]


def test_another_client_in_mid_run_hands_the_folder_on(tmp_path, begun):
    """A sweep that goes on with the client of another simulator has that one keep in its folder as well."""
    one, two = begun(), begun()
    sweep = sweep_of(one.client(), tmp_path)
    with one.offline():
        sweep.start()
        sweep.client = two.client()
        sweep.wait()

    assert [entry.task_id in (tmp_path / KEPT).read_text() for entry in two.ledger] == [True, True]
