"""What importing gridgen costs, and what it leaves alone."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import gridgen

HEAVY = [
    "IPython",
    "anywidget",
    "av",
    "httpx",
    "ipywidgets",
    "numpy",
    "pandas",
    "PIL",
    "starlette",
    "uvicorn",
]


def python(code: str, *options: str) -> subprocess.CompletedProcess[str]:
    """Run code in a fresh interpreter in which every warning is an error."""
    command = [sys.executable, "-W", "error", *options, "-c", textwrap.dedent(code)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_import_loads_nothing_heavy():
    """The names are loaded on use: no table, widget, video or HTTP library comes with the package."""
    report = python("import gridgen", "-X", "importtime").stderr
    loaded = {line.rsplit("|", 1)[1].strip().split(".")[0] for line in report.splitlines() if "|" in line}

    assert "gridgen" in loaded
    assert loaded.isdisjoint(HEAVY)


def test_building_a_grid_loads_nothing_heavy():
    """A grid is pure combinatorics, quick even where pandas is slow to load."""
    result = python(f"""
        import sys, gridgen
        grid = gridgen.Grid(prompt=["a", "b"], duration=[6, 10])
        repr(grid), grid[0].key, grid._repr_html_()
        print(sorted(set({HEAVY}) & set(sys.modules)))
    """)

    assert (result.stdout.strip(), result.stderr) == ("[]", "")


def test_a_sweep_without_a_client_loads_nothing_heavy():
    """The class that opens a folder needs no HTTP, video or widget library before something is sent or shown."""
    result = python(f"""
        import sys
        from gridgen import Sweep, open
        print(sorted(set({HEAVY}) & set(sys.modules)))
    """)

    assert (result.stdout.strip(), result.stderr) == ("[]", "")


@pytest.mark.security("S30")
def test_import_opens_no_socket_and_no_file_for_writing():
    """Importing every public name talks to nobody and writes nothing."""
    result = python("""
        import sys
        writes = {"w", "a", "x", "+"}
        def audit(event, arguments):
            if event.startswith("socket.") and event != "socket.__new__":
                raise SystemExit(f"{event} {arguments}")
            if event == "open" and isinstance(arguments[1], str) and writes & set(arguments[1]):
                raise SystemExit(f"{event} {arguments}")
        import asyncio, ipywidgets, anywidget, httpx, pandas
        sys.dont_write_bytecode = True
        sys.addaudithook(audit)
        import gridgen
        for name in gridgen.__all__:
            getattr(gridgen, name)
    """)

    assert (result.returncode, result.stderr) == (0, "")


@pytest.mark.parametrize(
    "policy", ["import gridgen", "from gridgen import Client, Simulator, Sweep, Gallery"]
)
def test_import_patches_nothing_of_asyncio(policy):
    """asyncio.run, the loop class and the running state are the standard library's own afterwards."""
    result = python(
        f"""
        import asyncio, asyncio.events, sys
        names = ["run", "get_event_loop", "new_event_loop", "Task", "Future", "all_tasks", "current_task"]
        def state():
            loop = type(asyncio.new_event_loop())
            return ([getattr(asyncio, name) for name in names], loop, loop.__mro__,
                    {{name: value for base in loop.__mro__ for name, value in vars(base).items()
                      if name in ("run_until_complete", "run_forever", "_run_once", "_check_running")}})
        before = state()
        {policy}
        assert state() == before
        assert not hasattr(asyncio, "_nest_patched")
        assert not {{"nest_asyncio", "nest_asyncio2"}} & set(sys.modules)
    """,
        "-W",
        "ignore::ResourceWarning",
    )

    assert (result.returncode, result.stderr) == (0, "")


@pytest.mark.security("S30")
def test_import_starts_no_thread():
    """The engine's thread starts with the first sweep, not with the import."""
    result = python("""
        import threading
        from gridgen import Client, Grid, Simulator, Sweep
        print([thread.name for thread in threading.enumerate()])
    """)

    assert result.stdout.strip() == "['MainThread']"


def test_what_pyodide_lacks_is_named():
    """There gridgen says which package is missing, as an ImportError too; other people's imports fail as ever."""
    result = python(
        f"""
        import sys
        sys.platform = "emscripten"
        sys.path.append({str(Path(gridgen.__file__).parents[1])!r})
        import gridgen
        for act in (lambda: gridgen.Grid(prompt="a boat").df, lambda: __import__("gridgen.media"), lambda: __import__("pandas")):
            try:
                act()
            except ImportError as error:
                print(isinstance(error, gridgen.GridgenError), error)
        """,
        "-S",
    )

    frame, media, plain = result.stdout.splitlines()
    assert frame.startswith(
        "True this needs the package pandas, which this pyodide lacks: `import micropip; "
    )
    assert media.startswith(
        "True this needs the package av, which this pyodide lacks: pyodide has no build of PyAV"
    )
    assert plain == "False No module named 'pandas'"


def test_what_runs_needs_threads_and_says_so_in_pyodide(tmp_path):
    """Where no thread can be started a sweep, an await and a simulator on a socket are refused in a sentence, and nothing else is said."""
    result = python(f"""
        import asyncio, math, sys
        from gridgen import Client, Grid, GridgenError, Simulator, Sweep
        simulator = Simulator(speed=math.inf)
        sweep = Sweep(Grid(prompt="a boat"), client=simulator.client(), folder={str(tmp_path / "boats")!r}, budget=5)
        sys.platform = "emscripten"
        async def awaited():
            await sweep
        for act in (sweep.run, sweep.start, Client("sk-none").balance, lambda: asyncio.run(awaited())):
            try:
                act()
            except GridgenError as error:
                print("no threads" in str(error), len(simulator.ledger))
        try:
            Simulator().client()
        except GridgenError as error:
            print(error)
    """)

    assert (result.stdout.splitlines()[:4], result.stderr) == (["True 0"] * 4, "")
    assert "Simulator(speed=math.inf) needs none" in result.stdout


def test_what_no_pyodide_has_is_not_asked_for_there():
    """The markers of the package leave out on emscripten what has no build for it, and nothing else."""
    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text("utf-8"))["project"]
    wanted = [Requirement(each) for each in project["dependencies"]]

    def asked(platform):
        return {
            each.name
            for each in wanted
            if each.marker is None or each.marker.evaluate({"sys_platform": platform})
        }

    assert asked("linux") - asked("emscripten") == {"av", "httptools"}


def test_import_is_quick():
    """Importing takes less than 0.3 s on top of the interpreter, best of three."""
    times = []
    for _ in range(3):
        report = python("import gridgen", "-X", "importtime").stderr
        line = next(line for line in report.splitlines() if line.endswith("| gridgen"))
        times.append(int(line.split("|")[1]))

    assert min(times) < 300_000
