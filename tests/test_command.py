"""The command ``gridgen``, as a shell, a terminal and a workflow tool meet it."""

from __future__ import annotations

import base64
import json
import os
import pty
import re
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml
from environments import environment
from waiting import until

import gridgen as gg
from gridgen.simulator.faults import Fault

if TYPE_CHECKING:
    from collections.abc import Callable

GRIDGEN = (sys.executable, "-m", "gridgen")
NOBODY = "http://127.0.0.1:9"
"""A proxy at which nobody listens, so that no test can reach the real API."""

ONE = "prompt: a paper boat\nquality: 480p\nduration: 6\n"
KITES = f"prompt: [{', '.join(f'kite {number}' for number in range(3))}]\nquality: 480p\nduration: 6\n"
DEMO = re.compile(r"gridgen-demo: 8 done; \$0\.\d\d\ngridgen-demo\.html\n")


@pytest.fixture
def surroundings(tmp_path: Path) -> dict[str, str]:
    """Return an environment of its own, without a key and with no way to the network."""
    data = tmp_path / "data"
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "GRIDGEN_DATA_DIR": str(data),
        "HTTPS_PROXY": NOBODY,
    }


@pytest.fixture
def call(tmp_path: Path, surroundings: dict[str, str]) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Call the command through pipes, in a folder of its own."""

    def called(*words: str, **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*GRIDGEN, *words],
            cwd=tmp_path,
            env=surroundings | more,
            capture_output=True,
            encoding="utf-8",
            stdin=subprocess.DEVNULL,
            check=False,
        )

    return called


def in_terminal(*words: str, cwd: Path, env: dict[str, str], typed: bytes = b"") -> tuple[int, str]:
    """Call the command in a terminal, type, and return its exit code and all that was shown."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*GRIDGEN, *words],
        cwd=cwd,
        env=env,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    os.write(ours, typed)
    shown = b""
    while True:
        try:
            news = os.read(ours, 4096)
        except OSError:  # Linux says so when the other side has gone
            break
        if not news:
            break
        shown += news
    os.close(ours)
    return process.wait(), shown.decode()


def begun(*words: str, cwd: Path, env: dict[str, str]) -> subprocess.Popen[str]:
    """Begin the command, with Ctrl-C as a terminal has it whatever the tests were started from."""
    return subprocess.Popen(
        [*GRIDGEN, *words],
        cwd=cwd,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        stdin=subprocess.DEVNULL,
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 - it takes no lock
    )


def paid(folder: Path) -> list[str]:
    """Return the tasks that the simulator has taken for a folder, by its own file; each is one paid POST."""
    kept = folder / "simulator.jsonl"
    lines = kept.read_bytes().split(b"\n") if kept.exists() else []
    return [line.decode() for line in lines if line.startswith(b'["task",')]


@pytest.fixture
def made(tmp_path, simulate):
    """Make a folder with one clip of each prompt, and return it."""

    def make(*prompts: str, **options: object) -> Path:
        client = simulate(**options).client()
        grid = gg.Grid(prompt=list(prompts), quality="480p", duration=6)
        gg.Sweep(grid, client=client, folder=tmp_path / "made").run()
        return tmp_path / "made"

    return make


@pytest.mark.full
def test_the_demo_is_one_line(tmp_path):
    """Of an environment with PATH and HOME alone, `demo` makes a page that has all eight clips in it, and writes two lines."""
    ended = subprocess.run(
        ["env", "-i", f"PATH={os.environ['PATH']}", f"HOME={tmp_path / 'home'}", *GRIDGEN, "demo"],
        cwd=tmp_path,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )

    assert (ended.returncode, ended.stderr) == (0, "")
    assert DEMO.fullmatch(ended.stdout)
    page = (tmp_path / ended.stdout.splitlines()[-1]).read_text(encoding="utf-8")
    [told] = re.findall(r'<script type="application/json" id="gridgen-known">(.*?)</script>', page)
    tiles = json.loads(told)["snapshot"]["tiles"]
    held = re.findall(r'<script type="application/octet-stream" id="file:[^"]+\.mp4">([^<]{80})', page)
    assert len(tiles) == 8
    assert len(held) >= 8
    assert all(base64.b64decode(start)[4:8] == b"ftyp" for start in held)
    assert len(paid(tmp_path / "gridgen-demo")) == 8


@pytest.mark.full
def test_a_second_run_pays_nothing(tmp_path, call):
    """`run` of a grid on the simulator ends with 0 and its clips; the same again, with and without the grid, makes 0 POSTs."""
    (tmp_path / "boats.yaml").write_text(ONE, "utf-8")
    words = ("run", "boats", "--grid", "boats.yaml", "--budget", "2", "--simulator", "--yes", "--json")
    first = call(*words)
    tasks = paid(tmp_path / "boats")
    again, opened = call(*words), call("run", "boats", "--simulator")

    assert (first.returncode, again.returncode, opened.returncode) == (0, 0, 0)
    assert len(tasks) == 1
    assert paid(tmp_path / "boats") == tasks
    told = json.loads(first.stdout)
    assert json.loads(again.stdout)["rows"] == told["rows"]
    assert (told["counts"], told["exit_code"]) == ({"done": 1}, 0)
    assert (tmp_path / "boats" / told["rows"][0]["path"]).stat().st_size > 0
    assert re.fullmatch(r"boats: 1 done; \$0\.\d+\n", opened.stdout)


@pytest.mark.full
def test_failed_clips_end_with_3_and_are_made_again(made, call):
    """A folder with a failed clip gives 3 and a line for it; `retry` makes it again, once, and gives 0."""
    folder = made("a paper boat", failures=1.0)
    told = call("status", "made")
    run = call("run", "made", "--simulator")
    tasks = paid(folder)
    again = call("retry", "made", "--simulator")

    assert (told.returncode, run.returncode, again.returncode) == (3, 3, 0)
    assert "row 0 failed: " in told.stdout
    assert len(tasks) == 1
    assert len(paid(folder)) == 2


@pytest.mark.full
def test_an_unknown_clip_ends_with_4_and_is_not_sent_again(made, call):
    """A lost answer beside a failed clip gives 4, is listed with what is at risk, and is not repeated by `run`."""
    lost = Fault(kind="reset", on="submit", when="after", match="kite")
    folder = made("a paper boat", "a paper kite", failures=1.0, faults=[lost])
    tasks = paid(folder)
    status, unknown, run = (
        call("status", "made"),
        call("unknown", "made", "--json"),
        call("run", "made", "--simulator"),
    )

    assert (status.returncode, unknown.returncode, run.returncode) == (4, 4, 4)
    told = json.loads(unknown.stdout)
    assert [row["prompt"] for row in told["rows"]] == ["a paper kite"]
    assert float(told["at_risk"]) > 0
    assert paid(folder) == tasks


def test_money_ends_with_5_and_says_so_in_a_line(made, call, tmp_path):
    """A budget that is too small gives 5, over a failed and a lost clip too, in one line and one document; nothing is sent."""
    lost = Fault(kind="reset", on="submit", when="after", match="kite")
    folder = made("a paper boat", "a paper kite", failures=1.0, faults=[lost])
    tasks = paid(folder)
    (tmp_path / "more.yaml").write_text(
        "prompt: [a paper boat, a paper kite, a gull]\nquality: 480p\nduration: 6\n"
    )
    words = ("made", "--grid", "more.yaml", "--budget", "0.01", "--simulator")
    run, estimate = call("run", *words, "--json"), call("estimate", *words)

    assert (run.returncode, estimate.returncode) == (5, 5)
    assert run.stderr.endswith("Nothing was sent.\n")
    assert run.stderr.count("\n") == 1
    assert json.loads(run.stdout)["error"] == run.stderr.strip()
    assert paid(folder) == tasks


def test_what_cannot_be_done_is_one_line(call, tmp_path):
    """No folder, no key and a wrong grid give 1 and a sentence; a wrong call gives 2 and does not repeat a key; no traceback."""
    (tmp_path / "bad.yaml").write_text("prompt: a boat\nsizes: '16:9'\n", "utf-8")
    absent = call("status", "absent", "--json")
    keyless = call("run", "boats", "--grid", "bad.yaml")
    wrong = call("run", "boats", "--grid", "bad.yaml", "--simulator")
    key = call("run", "boats", "--api-key=sk-secret")

    assert [each.returncode for each in (absent, keyless, wrong, key)] == [1, 1, 1, 2]
    assert "APIMART_API_KEY" in keyless.stderr
    assert "--simulator" in keyless.stderr
    assert "sizes" in wrong.stderr
    assert all(each.stderr.count("\n") <= 2 for each in (absent, keyless, wrong))
    assert "secret" not in key.stdout + key.stderr
    assert json.loads(absent.stdout) == {"error": absent.stderr.strip(), "exit_code": 1}
    assert not (tmp_path / "boats").exists()


def test_nothing_is_paid_unasked(tmp_path, call, surroundings):
    """With a real key and nobody to ask, `run` shows the estimate and refuses with 5; in a terminal it asks, and no is no."""
    (tmp_path / "boats.yaml").write_text(ONE, "utf-8")
    words = ("run", "boats", "--grid", "boats.yaml", "--budget", "2")
    key = {"APIMART_API_KEY": "sk-0123456789"}
    alone = call(*words, **key)
    code, shown = in_terminal(*words, cwd=tmp_path, env=surroundings | key, typed=b"n\n")

    assert (alone.returncode, code) == (5, 5)
    assert alone.stderr.startswith("to make         1 video, 6 s of footage\n")
    assert "--yes" in alone.stderr.splitlines()[-1]
    assert "Make 1 video for" in shown
    assert shown.endswith("not agreed to. Nothing was sent.\r\n")
    assert "sk-0123456789" not in alone.stderr + shown
    assert not (tmp_path / "boats").exists()


@pytest.mark.full
def test_no_text_of_others_commands_a_terminal(tmp_path, surroundings, made):
    """A prompt and a folder's name with control sequences are shown without them by all that show them in a terminal."""
    evil = "a boat \x1b]0;owned\x07\x1b[2J\x9b31m\u202e"
    lost = Fault(kind="reset", on="submit", when="after", match="boat")
    made(evil, "a kite", faults=[lost]).rename(tmp_path / "\x1b[2J\u202e")
    verbs = {"status": "waits for you", "unknown": "boat", "estimate": "boat", "run": "1 unknown"}
    for verb, said in verbs.items():
        more = ("--simulator",) if verb in {"estimate", "run"} else ()
        _, text = in_terminal(verb, "\x1b[2J\u202e", *more, cwd=tmp_path, env=surroundings)
        ours = text.replace("\r\x1b[K", "").replace("\r\n", "\n")
        assert [each for each in ours if each in "\x1b\x07\x9b\u202e\r"] == []
        assert said in ours
        assert ("\r\x1b[K" in text) == (verb == "run")  # the line of progress


@pytest.mark.full
def test_a_killed_run_is_taken_up(tmp_path, call, surroundings):
    """Killed in mid-run and run again, no cell is paid twice; and a run after that makes 0 POSTs."""
    (tmp_path / "kites.yaml").write_text(KITES, "utf-8")
    folder = tmp_path / "kites"
    words = ("run", "kites", "--grid", "kites.yaml", "--simulator")
    with begun(*words, cwd=tmp_path, env=surroundings) as killed:
        until(lambda: len(paid(folder)) >= 2)
        killed.kill()
    before = paid(folder)
    second = call(*words, "--json")
    after = paid(folder)
    third = call(*words)

    told = json.loads(second.stdout)
    unknown = told["counts"].get("unknown", 0)
    assert killed.returncode == -signal.SIGKILL
    assert second.returncode == third.returncode == (4 if unknown else 0)
    assert after[: len(before)] == before
    assert told["counts"].get("done", 0) == 3 - unknown <= len(after) <= 3
    assert all(sum(f"kite {number}" in task for task in after) <= 1 for number in range(3))
    assert paid(folder) == after


@pytest.mark.full
def test_an_interrupt_stops_submitting_and_fetches_what_is_paid(tmp_path, surroundings):
    """After Ctrl-C all that the server has taken is fetched, the exit code is that of an interrupt, and no traceback is shown."""
    (tmp_path / "kites.yaml").write_text(KITES, "utf-8")
    folder = tmp_path / "kites"
    words = ("run", "kites", "--grid", "kites.yaml", "--simulator", "--json")
    with begun(*words, cwd=tmp_path, env=surroundings) as process:
        until(lambda: paid(folder))
        process.send_signal(signal.SIGINT)
        out, err = process.communicate()

    told = json.loads(out)
    assert process.returncode == told["exit_code"] == 130
    assert told["counts"]["done"] == len(paid(folder)) >= 1
    assert err.startswith("Submitting has stopped; what is paid is still fetched.")
    assert "Traceback" not in err


@pytest.mark.full
def test_what_is_shared_is_written_beside_the_folder(tmp_path, made, call):
    """`page`, `sheet` and `bundle` write a file of the folder's name, or the one that is named, and print its path; `rank` a table."""
    folder = made("a paper boat", "a paper kite")
    gg.open(folder).rounds().note(1, 0, "left")
    told = {verb: call(verb, "made") for verb in ("page", "sheet", "bundle")}
    named = call("page", "made", "-o", "sent/kites.html", "--rows", "prompt", "--json")
    ranked = call("rank", "made", "--json")

    assert {verb: each.stdout for verb, each in told.items()} == {
        "page": "made.html\n",
        "sheet": "made.png\n",
        "bundle": "made.zip\n",
    }
    assert json.loads(named.stdout)["path"] == str(Path("sent", "kites.html"))
    assert all(
        (tmp_path / name).stat().st_size > 10_000 for name in ("made.html", "made.png", "sent/kites.html")
    )
    assert len(gg.unpack(tmp_path / "made.zip", tmp_path / "elsewhere")) == 2
    assert [row["row"] for row in json.loads(ranked.stdout)["ranking"]] == [1, 0]


def test_a_shell_completes_its_verbs(call):
    """A shell, here bash, is told the verbs that begin with what was typed."""
    words = {"COMP_WORDS": "gridgen re", "COMP_CWORD": "1", "_GRIDGEN_COMPLETE": "bash_complete"}

    assert call(**words).stdout == "plain,retry\n"


def test_importing_gridgen_does_not_load_the_command(surroundings):
    """``import gridgen`` loads neither the command nor its library."""
    code = "import gridgen, sys; print({'click', 'gridgen.command'} & set(sys.modules))"
    ended = subprocess.run(
        [sys.executable, "-c", code], env=surroundings, capture_output=True, encoding="utf-8", check=True
    )

    assert ended.stdout == "set()\n"


BLOCK = re.compile(r"^```(yaml|text)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


@pytest.fixture
def workflows(tmp_path: Path) -> Path:
    """Write the files of the guide's page on scripts into a folder."""
    text = (Path(__file__).parents[1] / "docs/guide/scripts.md").read_text(encoding="utf-8")
    files = [block for _, block in BLOCK.findall(text)]
    for name, block in zip(("boats.yaml", "Snakefile", "dvc.yaml"), files, strict=True):
        (tmp_path / name).write_text(block, "utf-8")
    return tmp_path


@pytest.mark.full
def test_the_commands_of_the_workflows_run_again_for_nothing(workflows, call):
    """The commands that the guide gives to Snakemake and DVC are the same, work, and make 0 POSTs when they are run again."""
    snakefile = (workflows / "Snakefile").read_text("utf-8")
    rules = re.findall(
        r'shell: "gridgen (.*)"', snakefile.replace("{input}", "boats.yaml").replace("{output}", "boats.html")
    )
    stages = [
        each["cmd"].removeprefix("gridgen ")
        for each in yaml.safe_load((workflows / "dvc.yaml").read_text("utf-8"))["stages"].values()
    ]
    assert sorted(rules) == sorted(stages)

    for _ in range(2):
        assert [call(*each.split()).returncode for each in stages] == [0, 0]
        assert len(paid(workflows / "boats")) == 1
    assert (workflows / "boats.html").exists()


@pytest.mark.full
@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("package", "commands"),
    [
        ("snakemake", ("snakemake -c1", "snakemake -c1", "snakemake -c1 --forceall")),
        ("dvc", ("dvc init --no-scm -q", "dvc repro", "dvc repro", "dvc repro --force")),
    ],
)
def test_a_workflow_runs_again_for_nothing(package, commands, workflows, surroundings):
    """Snakemake and DVC make the page, and made to do all of it again they make 0 POSTs."""
    programs = environment(package, ["install", "-q", package]).parent
    path = os.pathsep.join([str(programs), str(Path(sys.executable).parent), surroundings["PATH"]])
    for command in commands:
        subprocess.run(command.split(), cwd=workflows, env=surroundings | {"PATH": path}, check=True)

    assert len(paid(workflows / "boats")) == 1
    assert (workflows / "boats.html").exists()
