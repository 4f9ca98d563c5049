"""What a person sees in a cell that fails: the line they wrote, and one sentence of ours."""

from __future__ import annotations

import inspect
import json
import os
import subprocess
import sys
from typing import Any

import pytest

import gridgen
from gridgen import Client, Grid, GridError, GridgenError, JournalError, Simulator, Sweep

CANARY = "sk-CANARYcanary0123"
ODD = "Wo-kein/Muster_passt"

SHELL = """
import json, sys
from IPython.core.history import HistoryManager
from IPython.core.interactiveshell import InteractiveShell

HistoryManager.enabled = False

class Shell(InteractiveShell):
    def _showtraceback(self, etype, evalue, stb):
        self.shown = "\\n".join(stb)

shell, told = Shell.instance(colors="nocolor"), {}
for name, cell in json.load(sys.stdin):
    shell.shown = ""
    shell.run_cell(cell, store_history=True)
    told[name] = shell.shown
json.dump(told, sys.__stdout__)
"""

SETUP = """
import math
import gridgen as gg
from gridgen.simulator import Fault
simulator = gg.Simulator(speed=math.inf, clips="tiny", faults=[
    Fault(kind="reply", on="submit", when="before", status=402, times=9)])
def sweep_in(folder):
    return gg.Sweep(gg.Grid(prompt="a boat"), client=simulator.client(), folder=folder, budget=1)
def made(size):
    return gg.Grid(prompt="a", size=size)
"""

CELLS = [
    ("setup", SETUP),
    ("grid", "harmless = 1\ngrid = gg.Grid(prompt='a', ratio='16:9')\nharmless = 2"),
    ("lines", "grid = gg.Grid(\n    prompt='a',\n    ratio='16:9',\n)"),
    ("nested", "1 + 1\nmade('77:1')"),
    ("run", "sweep = sweep_in('one')\nsweep.run()"),
    ("await", "sweep = sweep_in('two')\nawait sweep"),
    ("call", "gg.Sweep('a boat')"),
    ("key", f"gg.Client('{CANARY}', base_url='nonsense')"),
    ("named key", f"gg.Client(api_key='{ODD}', base_url='nonsense')"),
    ("given key", f"client = gg.Client(\n    \"{ODD}\",\n    'nonsense')"),
    ("unknown", f"gg.Client(token='{ODD}')"),
    ("axis", f"gg.Grid(prompt='a', api_key='{ODD}')"),
    ("other", "1 / 0"),
    ("switch", "%xmode Verbose"),
    ("all", "gg.Grid(prompt='a', ratio='16:9')"),
    ("all of a key", f"SECRET = '{CANARY}'\ngg.Client(SECRET, base_url='nonsense')"),
    ("all of a call", f"gg.Client('{CANARY}', token=1)"),
]


@pytest.fixture(scope="module")
def shown(tmp_path_factory) -> dict[str, str]:
    """Run the cells in one IPython, and return what each shows of its error."""
    place = tmp_path_factory.mktemp("notebook")
    done = subprocess.run(
        [sys.executable, "-c", SHELL],
        input=json.dumps(CELLS),
        capture_output=True,
        text=True,
        check=True,
        cwd=place,
        env={**os.environ, "IPYTHONDIR": str(place / "ipython")},
        timeout=100,
    )
    found: dict[str, str] = json.loads(done.stdout[done.stdout.index('{"setup"') :])
    return found


def test_an_error_shows_the_users_line_and_the_sentence(shown):
    """Case U5: of a wrong argument a notebook shows the line, not those around it, and what to write."""
    lines = shown["grid"].splitlines()

    assert "line 2" in lines[0]
    assert lines[1] == "----> 2 grid = gg.Grid(prompt='a', ratio='16:9')"
    assert lines[2].startswith("GridError: 'ratio' is not an axis (did you mean 'size'?)")
    assert lines[3:] == ["(%xmode Verbose, and the cell run again, shows the frames of the libraries too.)"]


def test_a_call_over_several_lines_is_shown_whole(shown):
    """Case U5: a call that takes several lines is the user's line, all of it."""
    assert "----> 1 grid = gg.Grid(\n      2     prompt='a',\n      3     ratio='16:9',\n" in shown["lines"]


def test_all_the_users_frames_are_shown(shown):
    """Case U5: an error within a function of an earlier cell shows both cells and no library."""
    assert "----> 2 made('77:1')" in shown["nested"]
    assert "in made()" in shown["nested"]
    assert 'return gg.Grid(prompt="a", size=size)' in shown["nested"]
    assert shown["nested"].count("---->") == 2


@pytest.mark.parametrize(("cell", "line"), [("run", "sweep.run()"), ("await", "await sweep")])
def test_errors_of_the_engine_are_short_too(shown, cell, line):
    """Case U5: what the engine's thread raised comes without its frames, by run() and by await."""
    assert f"----> 2 {line}" in shown[cell]
    assert "OutOfCreditsError: " in shown[cell]
    assert len(shown[cell].splitlines()) <= 6
    assert "gridgen/" not in shown[cell]


def test_a_call_that_does_not_fit_is_short_too(shown):
    """Case U5: a call without what it needs shows the line and the call to write."""
    assert "----> 1 gg.Sweep('a boat')" in shown["call"]
    assert "write sweep = gridgen.Sweep(" in shown["call"]


def test_other_errors_are_shown_as_always(shown):
    """Case U5: an error that is not ours looks as IPython makes it look."""
    assert "ZeroDivisionError" in shown["other"]
    assert "xmode" not in shown["other"]


def test_one_switch_shows_all_frames(shown):
    """Case U5: after %xmode Verbose our own frames are there."""
    assert "resolve.py" in shown["all"]
    assert "'ratio' is not an axis" in shown["all"]


@pytest.mark.security("S2")
@pytest.mark.parametrize("cell", [name for name, code in CELLS if CANARY in code or ODD in code])
def test_no_key_is_shown(shown, cell):
    """Case U5: a key that stands in the line that failed is not repeated under it, in short or at length."""
    assert "gg." in shown[cell]
    assert "Error" in shown[cell]
    assert CANARY not in shown[cell]
    assert ODD not in shown[cell]


def test_plain_python_shows_what_it_always_shows():
    """Case U5: in a script nothing is taken out of a traceback."""
    script = "import gridgen\ngridgen.Grid(prompt='a', ratio='16:9')"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)

    assert done.stderr.startswith("Traceback (most recent call last):")
    assert "resolve.py" in done.stderr


SYNONYMS = {
    "size": ["ratio", "aspect_ratio", "Aspect_Ratio"],
    "quality": ["resolution"],
    "duration": ["seconds", "length", "video_length"],
    "image_urls": ["image", "images", "image_url", "reference_images"],
    "negative_prompt": ["negative"],
    "audio": ["sound", "generate_audio"],
    "first_frame_image": ["start_image"],
}


@pytest.mark.parametrize(
    ("field", "word"), [(field, word) for field, words in SYNONYMS.items() for word in words]
)
def test_words_of_other_apis_are_understood(field, word):
    """Case U5: what other video APIs call a field brings up the name that it has here, in a grid and in a table."""
    for make in (lambda: Grid(prompt="a", **{word: 3}), lambda: Grid.from_rows([{"prompt": "a", word: 3}])):
        with pytest.raises(GridError) as caught:
            make()

        assert f"did you mean {field!r}?" in str(caught.value)


@pytest.mark.parametrize(
    ("word", "said"),
    [
        *((word, "Sweep(..., takes=3)") for word in ("n", "count", "samples", "num_videos")),
        ("fps", "the API has none; the model sets the frame rate"),
        ("num_frames", "duration="),
        ("width", "size='16:9'"),
        ("cfg", "no sampling settings"),
        ("guidance_scale", "no sampling settings"),
        ("camera_motion", "say it in the prompt"),
        ("budget", "argument of Sweep"),
        ("api_key", "Client(api_key=...)"),
    ],
)
def test_what_the_api_lacks_is_said(word, said):
    """Case U5: a setting that other APIs have and this one has not is named as such, without a wrong guess."""
    with pytest.raises(GridError) as caught:
        Grid(prompt="a", **{word: 3})

    assert said in str(caught.value)
    assert "did you mean" not in str(caught.value)


@pytest.fixture(scope="module")
def boats(tmp_path_factory) -> Sweep:
    """Return a finished sweep."""
    simulator = Simulator(speed=float("inf"), clips="tiny")
    place = tmp_path_factory.mktemp("place") / "boats"
    sweep = Sweep(Grid(prompt=["a", "b"]), client=simulator.client(), folder=place)
    sweep.run()
    return sweep


def test_a_folder_that_is_not_there_is_said_so(boats, monkeypatch):
    """Case U5: opening a folder that does not exist says that, and names the one that may be meant."""
    monkeypatch.chdir(boats.folder.parent)
    with pytest.raises(JournalError) as caught:
        gridgen.open("boat")

    assert (
        str(caught.value) == "there is no such folder as 'boat' (did you mean 'boats'?). Nothing was opened."
    )
    with pytest.raises(JournalError, match=r"there is no such folder as 'nowhere'\. Nothing"):
        gridgen.open("nowhere")
    with pytest.raises(JournalError, match=r"holds no sweep.*The folder 'boats' in it does"):
        gridgen.open(".")


def test_a_file_that_is_not_there_is_said_so(boats, tmp_path, monkeypatch):
    """Case U5: a bundle, a grid's file or ratings that do not exist are named with what may be meant."""
    monkeypatch.chdir(tmp_path)
    for name in ("boats.zip", "grid.yaml", "alex.json"):
        (tmp_path / name).touch()

    for read, meant in (
        (lambda: gridgen.unpack("boat.zip"), "boats.zip"),
        (lambda: Grid.load("gird.yaml"), "grid.yaml"),
        (lambda: boats.ratings.merge("alx.json"), "alex.json"),
    ):
        with pytest.raises(GridgenError) as caught:
            read()
        assert "there is no such file" in str(caught.value)
        assert f"did you mean {meant!r}?" in str(caught.value)
    with pytest.raises(JournalError, match=r"there is no such file as 'nope\.zip'\. Nothing was unpacked"):
        gridgen.unpack("nope.zip")


def calls(sweep: Sweep) -> dict[str, Any]:
    """Return first calls that Python itself would refuse with a bare TypeError, each with the example to be told."""
    grid, client, simulator = sweep.grid, sweep.client, sweep.client.simulator
    assert isinstance(simulator, Simulator)

    def a(function: Any, *args: Any, **named: Any) -> Any:
        return lambda: function(*args, **named)

    return {
        "gridgen.Sweep(": [
            a(Sweep),
            a(Sweep, "a boat"),
            a(Sweep, grid),
            a(Sweep, grid, client, "x"),
            a(Sweep, grid, client=client, folder=None),
            a(Sweep, grid, client=client, folder=3),
            a(Sweep, grid, client=client, folder="x", n=3),
        ],
        "gridgen.Simulator(speed=60)": [a(Simulator, 1), a(Simulator, speed="fast")],
        "gridgen.Simulator().client()": [a(simulator.client, 1), a(simulator.client, token=1)],
        "gridgen.Client(api_key=...)": [
            a(Client, 123),
            a(Client, token="x"),
            a(Client, "sk-x", "http://x", 3),
            a(Client, "sk-x", 5),
            a(Client, "sk-x", timeout="long"),
        ],
        "client.submit(grid[0])": [a(client.submit)],
        "client.task('task_...')": [a(client.task), a(client.task, 1)],
        "sweep.gallery(rows='prompt'": [a(sweep.gallery, columns="size"), a(sweep.gallery, "a", "b", "c")],
        "sweep.to_html('boats.html')": [a(sweep.to_html), a(sweep.to_html, 1)],
        "sweep.to_image('boats.png')": [a(sweep.to_image), a(sweep.to_image, None)],
        "sweep.to_zip('boats.zip')": [a(sweep.to_zip), a(sweep.to_zip, 1)],
        "sweep.explain(rows)": [a(sweep.explain)],
        "sweep.run()": [a(sweep.run, 1)],
        "sweep.wait(timeout=None)": [a(sweep.wait, "long")],
        "sweep.adopt(": [a(sweep.adopt, "task_1")],
        "gridgen.open('boats'": [a(gridgen.open), a(gridgen.open, 1), a(gridgen.open, None)],
        "gridgen.unpack('boats.zip')": [a(gridgen.unpack), a(gridgen.unpack, 1)],
        "gridgen.value(6, label='short')": [a(gridgen.value)],
        "gridgen.template(": [a(gridgen.template)],
        "gridgen.search_replace(": [a(gridgen.search_replace)],
        "gridgen.linked(": [a(gridgen.linked, ["16:9"])],
        "gridgen.Grid.load('grid.yaml')": [a(Grid.load), a(Grid.load, 1)],
        "gridgen.Grid.from_rows(": [a(Grid.from_rows)],
        "grid.save('grid.yaml')": [a(grid.save), a(grid.save, 1)],
        "grid.sample(4)": [a(grid.sample, 2, 3)],
        "grid.fit(2.00)": [a(grid.fit)],
        "grid.exclude({": [a(grid.exclude, size="1:1")],
        "grid.extend(duration=[10])": [a(grid.extend, [10])],
        "sweep.ratings.rate(0, stars=4)": [a(sweep.ratings.rate)],
        "sweep.ratings.merge(": [a(sweep.ratings.merge), a(sweep.ratings.merge, 1)],
    }


def test_a_call_that_does_not_fit_names_the_one_to_write(boats):
    """Case U5: every first call with too little, too much or the wrong kind says what to write, and is still a TypeError."""
    for example, tried in calls(boats).items():
        for call in tried:
            with pytest.raises(TypeError) as caught:
                call()
            assert isinstance(caught.value, GridError), example
            assert example in str(caught.value)


def test_a_parameter_under_another_name_is_named():
    """Case U5: what a person calls a parameter brings up its name."""
    grid = Grid(prompt="a")
    for word, meant in (
        ("n", "takes"),
        ("max_cost", "budget"),
        ("bugdet", "budget"),
        ("output_dir", "folder"),
    ):
        with pytest.raises(TypeError, match=f"did you mean {meant!r}"):
            Sweep(grid, client=None, **{word: 3})


def test_a_name_with_a_nul_is_refused_where_it_is_given(boats):
    """A file's name that no system can have is an error of the call, and not of what opens it."""
    for call in (
        lambda: boats.to_html("a\0.html"),
        lambda: Sweep(boats.grid, client=boats.client, folder="a\0"),
        lambda: gridgen.open("a\0"),
        lambda: boats.grid.save("a\0.csv"),
    ):
        with pytest.raises(TypeError, match=r"no character U\+0000"):
            call()


def test_a_row_that_is_not_there_is_said_so(boats):
    """Of a sequence of rows an index beyond the last names the last; a name leads to the table."""
    with pytest.raises(IndexError, match=f"row 99 is none of this sweep: it has {len(boats)}"):
        boats[99]
    with pytest.raises(TypeError, match=r"'prompt' is no index of one; its table is sweep\.df"):
        boats["prompt"]
    assert boats[-1] == boats.rows()[-1]


@pytest.mark.parametrize("where", ["dnoe", ["dnoe"], {"dnoe"}])
def test_a_retry_of_nothing_says_so(boats, where):
    """A word that is no state and no error class is not passed over in silence."""
    with pytest.warns(UserWarning, match=r"dnoe.*did you mean 'done'.*Nothing was sent"):
        assert boats.retry(where=where) == 0


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("to_df", "df"),
        ("videos", "df.path"),
        ("show", "gallery()"),
        ("failed", "retry()"),
        ("total", "costs"),
        ("generate", "run()"),
        ("close", "nothing needs to be closed"),
        ("export_html", "to_html"),
    ],
)
def test_what_a_sweep_has_under_another_name_is_named(boats, name, said):
    """Case U5: what people look for leads to what there is."""
    with pytest.raises(AttributeError) as caught:
        getattr(boats, name)
    assert said in str(caught.value)


def test_what_is_called_wrongly_is_not_repeated():
    """Case A10: a key given under a wrong name or in a wrong place is in no frame and no sentence."""
    for call in (lambda: Client(token=CANARY), lambda: Client(CANARY, 5), lambda: Client(CANARY, "x", 3)):
        with pytest.raises(TypeError) as caught:
            call()
        frames = [
            frame
            for frame in inspect.getinnerframes(caught.tb)
            if "gridgen" in frame.filename and "tests" not in frame.filename
        ]
        assert frames
        assert not any(CANARY in repr(frame.frame.f_locals) for frame in frames)
        assert CANARY not in str(caught.value)


def test_an_error_within_a_call_is_not_mistaken_for_one_of_the_call():
    """Case U5: a TypeError of the user's own function keeps its words."""

    def wrong(size: str) -> bool:
        return size > 3  # type: ignore[operator]  # that is the mistake

    with pytest.raises(GridgenError, match="not supported between"):
        Grid(prompt="a").where(wrong)


def test_help_shows_the_parameters_still():
    """Case U5: tab and Shift-Tab show the parameters of what is explained, and none of the explaining."""
    assert list(inspect.signature(Sweep).parameters)[:4] == ["grid", "client", "folder", "budget"]
    assert "rows" in inspect.signature(Sweep.gallery).parameters
    assert Sweep.gallery.__doc__
