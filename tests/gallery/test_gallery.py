"""The Python side of gallery and board: what they tell the browser, answer it, and show without it."""

from __future__ import annotations

import dataclasses
import html.parser
import json
import os
import re
import shutil
import subprocess
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from fake_sweep import FakeSweep
from outbox import Outbox
from waiting import until

from gridgen._loop import engine
from gridgen.board import Board
from gridgen.errors import GridError
from gridgen.gallery import Gallery
from gridgen.gallery.change_feed import ChangeFeed
from gridgen.gallery.script import script, style
from gridgen.grid import Grid

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
TESTS = Path(__file__).parent
SCRIPTS = TESTS.parents[1] / "gridgen" / "gallery" / "js"


class Tags(html.parser.HTMLParser):
    """Collects tags, their attributes, and text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag."""
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        """Note a text."""
        self.texts.append(data)


def finished(sweep: FakeSweep) -> FakeSweep:
    """Make every clip of a sweep."""
    for row in sweep.rows():
        sweep.finish(row.index)
    return sweep


def test_the_script_passes_node() -> None:
    """The pure modules pass their own tests, and the joined scripts are valid modules."""
    node = shutil.which("node")
    assert node, "node is needed: install Node.js 20 or newer"
    subprocess.run(
        [node, "--test", str(TESTS / "pure.test.mjs")], check=True, capture_output=True, timeout=60
    )
    for entry, exports in (("wall", 1), ("board", 1), ("layout_picker", 1), ("page", 0)):
        source = script(entry)
        subprocess.run(
            [node, "--check", "--input-type=module", "-"], input=source.encode(), check=True, timeout=30
        )
        assert not re.search(r"^import |^export (?!default)", source, re.MULTILINE)
        assert source.count("export default") == exports


def test_no_import_renames() -> None:
    """Where modules are joined a name is the same everywhere: what an import renames would be undefined in the browser."""
    for path in sorted(SCRIPTS.glob("*.js")):
        imports = re.findall(r"^import\b[^;]*;", path.read_text("utf-8"), re.MULTILINE)
        plain = re.compile(r'import \{ ?[\w$]+(?:, [\w$]+)* ?\} from "\./[\w-]+\.js";')
        assert [each for each in imports if not plain.fullmatch(each)] == [], path.name


def test_style_and_script_fetch_nothing() -> None:
    """No address of another host is in what the widget brings along."""
    assert "@import" not in style()
    assert "url(" not in style()
    for entry in ("wall", "board", "layout_picker", "page"):
        addresses = set(re.findall(r"https?://[^\s\"'`]+", script(entry)))
        assert addresses == {"http://www.w3.org/2000/svg"} & addresses


def test_a_name_is_styled_in_one_sheet() -> None:
    """No two style sheets lay out the same bare name: they are joined, and one would change the other's parts."""
    homes: dict[str, set[str]] = {}
    for sheet in sorted((TESTS.parents[1] / "gridgen" / "gallery" / "css").glob("*.css")):
        text = re.sub(r"/\*.*?\*/", "", sheet.read_text("utf-8"), flags=re.DOTALL)
        for selectors in re.findall(r"(?:^|})\s*([^{}@]+){", text):
            for name in re.findall(r"(?:^|,)\s*(\.gg-[\w-]+)(?:::?[\w-]+)?\s*(?=,|$)", selectors):
                homes.setdefault(name, set()).add(sheet.name)

    assert len(homes) > 50
    assert {name: where for name, where in homes.items() if len(where) > 1} == {}


def test_all_that_is_styled_is_drawn() -> None:
    """Each class in a style sheet is written by a module or by Python, each sheet is joined, and each token is used."""
    folder = TESTS.parents[1] / "gridgen"
    sheets = {path: path.read_text("utf-8") for path in (folder / "gallery" / "css").glob("*.css")}
    code = "".join(path.read_text("utf-8") for path in (*SCRIPTS.glob("*.js"), *folder.rglob("*.py")))
    styled = set(re.findall(r"\.(g(?:g|ridgen)-[\w-]+)", style()))
    composed = {f"gg-{name}" for name in ("state", "time", "cost", "reason")}
    used = set(re.findall(r"var\((--gg-[\w-]+)", style()))

    assert [path.name for path, text in sheets.items() if text not in style()] == []
    assert {name for name in styled - composed if not re.search(rf"(?<![\w-]){name}(?![\w-])", code)} == set()
    assert set(re.findall(r"(--gg-[\w-]+):", style())) - used == set()


@pytest.mark.parametrize(
    ("rows", "cols", "found"),
    [
        (None, None, (("prompt",), ("size", "duration"))),
        ("size", None, (("size",), ("prompt", "duration"))),
        (None, "size", (("prompt",), ("size",))),
        (["duration", "size"], [], (("duration", "size"), ())),
        ([], [], ((), ())),
        ("model", "take", (("model",), ("take",))),
    ],
)
def test_rows_and_columns_are_as_named_or_chosen(
    served: Path, rows: Any, cols: Any, found: tuple[tuple[str, ...], tuple[str, ...]]
) -> None:
    """Names go where they are put; what is left out is dealt from the axes that vary."""
    grid = Grid(prompt=["a", "b"], size=["16:9", "1:1"], duration=[6, 10])
    gallery = Gallery(FakeSweep(grid, served), rows, cols)
    assert (gallery.rows, gallery.cols) == found
    gallery.close()


def test_one_axis_flows(served: Path) -> None:
    """A lone axis is not spread over rows or columns."""
    gallery = Gallery(FakeSweep(Grid(prompt=["a", "b"]), served))
    assert (gallery.rows, gallery.cols) == ((), ())
    gallery.close()


@pytest.mark.parametrize(
    ("rows", "cols", "message"),
    [
        (
            "promt",
            None,
            r"'promt' is not an axis \(did you mean 'prompt'\?\); the axes are prompt, size, duration",
        ),
        (["prompt", "colour"], None, "'colour' is not an axis"),
        ("size", ["size"], "size is named twice"),
    ],
)
def test_a_wrong_axis_is_named(sweep: FakeSweep, rows: Any, cols: Any, message: str) -> None:
    """A GridError says which name is wrong and which axes there are."""
    with pytest.raises(GridError, match=message):
        Gallery(sweep, rows, cols)


def test_the_state_is_current_whenever_a_page_is_loaded(sweep: FakeSweep) -> None:
    """A page that is loaded late gets the tiles as they are then, as JSON, in grid order."""
    gallery = Gallery(sweep)
    sweep.change(2, status="running", progress=7)
    snapshot = gallery.wall.get_state()["snapshot"]
    assert json.loads(json.dumps(snapshot)) == snapshot
    assert [tile["id"] for tile in snapshot["tiles"]] == [0, 1, 2, 3]
    assert snapshot["tiles"][2]["status"] == "running"
    assert snapshot["folder"] == "boats"
    assert [snapshot["axes"][at]["name"] for at in (0, 1, -1)] == ["prompt", "size", "take"]
    gallery.close()


LINKS = {
    "the folder itself": ("nb/first.ipynb", {"nb/boats": "disk/boats"}, "nb", "boats", "boats"),
    "a parent of it": ("nb/first.ipynb", {"data": "disk"}, "nb", "../data/boats", "../data/boats"),
    "the notebook's folder": ("link/first.ipynb", {"link": "disk"}, "../disk", "boats", "boats"),
    "both": (
        "link/first.ipynb",
        {"link": "disk", "link/data": "store"},
        "../disk",
        "data/boats",
        "data/boats",
    ),
    "the root": ("nb/first.ipynb", {"../home": "root"}, "nb", "../clips/boats", "../clips/boats"),
}


@pytest.mark.parametrize("case", LINKS)
def test_a_folder_behind_a_link_is_named_by_the_way_that_is_served(tmp_path, monkeypatch, case):
    """Jupyter serves what a path under its root leads to, links included, so the path is told as the root sees it: case V7."""
    notebook, links, works_in, folder, expected = LINKS[case]
    root = tmp_path / "root"
    for made in ("root/nb", "disk", "store"):
        (tmp_path / made).mkdir(parents=True)
    for name, goal in links.items():
        (root / name).symlink_to(tmp_path / goal)
    monkeypatch.chdir(root / works_in)
    sweep = FakeSweep(Grid(prompt="a boat", size="16:9", duration=6), Path(folder).absolute())
    sweep.folder.resolve().mkdir(parents=True)
    root = tmp_path / "home" if case == "the root" else root
    monkeypatch.setenv("JPY_SESSION_NAME", str(root / notebook))
    told = ChangeFeed(sweep, "me").snapshot()["folder"]

    assert told == expected
    assert Path(os.path.normpath(root / Path(notebook).parent / told)).samefile(sweep.folder)


def test_a_copied_folder_is_another_one_at_its_first_use(sweep: FakeSweep, tmp_path: Path) -> None:
    """A folder keeps its random mark, a copy of it gets its own, and neither page nor copy tells where it was: case I4."""
    first = Gallery(sweep)
    outbox = Outbox(first.wall)
    assert first.wall.known()["mark"] is None
    for row in sweep.rows():
        sweep.finish(row.index)
    mark = outbox.sent[0][0]["mark"]
    assert re.fullmatch("[0-9a-f]{64}", mark)
    assert ["mark" in content for content, _ in outbox.sent[1:]] == [False] * 3

    copy = FakeSweep(sweep.grid, tmp_path / "copy")
    shutil.copytree(sweep.folder, copy.folder)
    other = Gallery(copy).wall.known()["mark"]
    assert other != mark
    assert [Gallery(each).wall.known()["mark"] for each in (sweep, copy, sweep)] == [mark, other, mark]
    told = [content for content, _ in outbox.sent] + [first.wall.known()]
    assert str(tmp_path) not in json.dumps(told) + (copy.folder / "folder-mark.txt").read_text()
    assert Board(copy).state()["stop"]["mark"] == other
    first.close()


@pytest.mark.parametrize("content", ["", "x" * 64, "0" * 64, "é" * 64, "0" * 99_999])
def test_a_mark_that_is_none_is_made_anew(done: FakeSweep, content: str) -> None:
    """Whatever the file holds, what the page hears is what the file says: case I4."""
    (done.folder / "folder-mark.txt").write_text(content, "utf-8")
    mark = Gallery(done).wall.known()["mark"]
    assert re.fullmatch("[0-9a-f]{64}", mark)
    assert mark == (done.folder / "folder-mark.txt").read_text() != content


def test_only_what_changed_is_sent(sweep: FakeSweep) -> None:
    """A change goes out with its row's number and the changed fields; no change, no message."""
    gallery = Gallery(sweep)
    outbox = Outbox(gallery.wall)
    sweep.change(1, status="running", progress=5)
    sweep.change(1, status="running", progress=5)
    sweep.change(1, progress=9, cost=Decimal("0.10"))
    sweep.change(1, progress=10)
    assert [content["tiles"] for content, _ in outbox.sent] == [
        [{"id": 1, "status": "running", "progress": 5}],
        [{"id": 1, "progress": 9, "cost": "0.10"}],
        [],
    ]
    assert outbox.sent[2][0]["progress"] == [1, 10]
    assert outbox.sent[1][0]["cost"] == "0.10"
    gallery.close()


def test_a_wall_that_no_page_shows_is_sent_nothing(sweep: FakeSweep) -> None:
    """Once the last page that showed it has let it go, changes are kept, and the next page gets all of them at once."""
    gallery = Gallery(sweep)
    outbox = Outbox(gallery.wall)

    def deltas() -> list[dict[str, Any]]:
        return [content for content, _ in outbox.sent if content.get("kind") == "delta"]

    for page, shows in (("a", True), ("b", True), ("a", False)):
        outbox.ask(kind="page", page=page, shows=shows, request=1)
    sweep.change(0, status="queued")
    assert len(deltas()) == 1
    outbox.ask(kind="page", page="b", shows=False, request=2)
    sweep.change(0, status="running", progress=5)
    sweep.change(1, status="running", progress=7)
    assert len(deltas()) == 1
    content, _ = outbox.ask(kind="page", page="c", shows=True, request=3)
    assert content == {"request": 3}
    assert deltas()[1]["seq"] == deltas()[0]["seq"] + 1
    assert deltas()[1]["tiles"] == [
        {"id": 0, "status": "running", "progress": 5},
        {"id": 1, "status": "running", "progress": 7},
    ]
    gallery.close()


class Notebook:
    """Says which cell runs, as ipykernel's shell does."""

    def __init__(self) -> None:
        self.runs = 0
        self.cell: str | None = None

    def run(self, cell: str | None) -> None:
        """Begin to run a cell, or one without an id."""
        self.runs, self.cell = self.runs + 1, cell

    def get_parent(self) -> dict[str, Any]:
        """Return the message that asked for what runs."""
        metadata = {} if self.cell is None else {"cellId": self.cell}
        return {"header": {"msg_id": str(self.runs)}, "metadata": metadata}


@pytest.fixture
def notebook(monkeypatch: pytest.MonkeyPatch) -> Notebook:
    """A front end that names its cells."""
    made = Notebook()
    monkeypatch.setattr("gridgen.gallery.cell.get_ipython", lambda: made)
    return made


def alive(galleries: list[Gallery]) -> list[int]:
    """Return which of them the browser may still show."""
    return [at for at, each in enumerate(galleries) if each.comm is not None and each.wall.comm is not None]


def tell(gallery: Gallery, *told: str) -> None:
    """Let a page say that it shows the wall, or hides it; at the end that it was not shown again."""
    outbox = Outbox(gallery.wall)
    for each in told:
        outbox.ask(kind="page", page="a", shows=each == "shown", request=1)
    if told[-1] == "hidden":
        outbox.ask(kind="left", request=2)


class TestRunAgain:
    """Case V11: a cell that is run again leaves one wall, and none that is seen is ever closed."""

    def test_thirty_runs_keep_one(self, sweep: FakeSweep, notebook: Notebook) -> None:
        """Each is closed once the page has let it go, whether that is heard before its successor is there or after."""
        made: list[Gallery] = []
        for turn in range(31):
            notebook.run("one")
            if made and turn % 2:
                tell(made[-1], "hidden")
            made.append(Gallery(sweep))
            if len(made) > 1 and not turn % 2:
                tell(made[-2], "hidden")
            tell(made[-1], "shown")
            assert alive(made) == [turn]
        assert len(sweep.watchers) == 1
        made[-1].close()

    def test_a_page_that_was_reloaded_keeps_none_alive(self, sweep: FakeSweep, notebook: Notebook) -> None:
        """A page that goes says nothing: when the cell runs again, those that live say anew whether they show the wall."""
        notebook.run("one")
        made = [Gallery(sweep)]
        outbox = Outbox(made[0].wall)
        for page in ("gone", "here", "other"):
            outbox.ask(kind="page", page=page, shows=True, request=1)
        notebook.run("one")
        made.append(Gallery(sweep))
        assert [content for content, _ in outbox.sent if content == {"kind": "who"}] == [{"kind": "who"}]
        for page in ("here", "other"):
            outbox.ask(kind="page", page=page, shows=True, request=2)
        outbox.ask(kind="page", page="here", shows=False, request=3)
        outbox.ask(kind="left", request=4)
        assert alive(made) == [0, 1]
        outbox.ask(kind="page", page="other", shows=False, request=5)
        outbox.ask(kind="left", request=6)
        assert alive(made) == [1]
        made[-1].close()

    def test_what_may_be_seen_stays(self, sweep: FakeSweep, notebook: Notebook) -> None:
        """In two cells, twice in one run, still on a page, moved to another place, not shown yet, in no cell that is known."""
        made: list[Gallery] = []
        for cell in ("one", "two"):
            notebook.run(cell)
            made += [Gallery(sweep), Gallery(sweep)]
        notebook.run("one")
        tell(made[0], "shown")
        made.append(Gallery(sweep))
        tell(made[2], "shown", "hidden")
        assert alive(made) == [0, 1, 2, 3, 4]
        tell(made[0], "hidden", "shown")
        assert alive(made) == [0, 1, 2, 3, 4]
        notebook.run(None)
        made += [Gallery(sweep)]
        notebook.run(None)
        tell(made[5], "shown", "hidden")
        made += [Gallery(sweep)]
        assert alive(made) == [0, 1, 2, 3, 4, 5, 6]
        for each in made:
            each.close()


def test_files_of_known_clips_are_sent(sweep: FakeSweep) -> None:
    """The browser gets poster, preview and original by the number of the clip."""
    sweep.finish(3)
    gallery = Gallery(sweep)
    outbox = Outbox(gallery.wall)
    for what, name in (("poster", "clip-0003.webp"), ("preview", "clip-0003.mp4"), ("path", "clip-0003.mp4")):
        content, buffers = outbox.ask(kind="media", id=3, what=what, request=8)
        assert content == {"request": 8}
        assert buffers == [(sweep.folder / name).read_bytes()]
    gallery.close()


@pytest.mark.security("S25")
@pytest.mark.parametrize(
    "question",
    [
        {"kind": "media", "id": 99, "what": "path"},
        {"kind": "media", "id": True, "what": "path"},
        {"kind": "media", "id": "../../etc/passwd", "what": "path"},
        {"kind": "media", "id": [0], "what": "path"},
        {"kind": "media", "id": 0, "what": "sha256"},
        {"kind": "media", "id": 0, "what": ["path"]},
        {"kind": "media", "id": 1, "what": "path"},
        {"kind": "media"},
        {"kind": "page", "page": "a", "shows": 1},
        {"kind": "page", "page": "a" * 41, "shows": True},
        {"kind": "page", "shows": False},
        {"kind": "run", "code": "print(1)"},
        {"kind": None},
        {},
    ],
)
def test_a_wrong_question_gets_a_reason_and_no_bytes(sweep: FakeSweep, question: dict[str, Any]) -> None:
    """Unknown clips, kinds and fields are refused by name; nothing of the message is used as a path."""
    sweep.finish(0)
    gallery = Gallery(sweep)
    content, buffers = Outbox(gallery.wall).ask(**question, request=1)
    assert content["request"] == 1
    assert content["error"]
    assert buffers == []
    gallery.close()


@pytest.mark.security("S25")
def test_what_is_no_question_is_ignored(sweep: FakeSweep) -> None:
    """A message without a number, or that is no mapping, is not answered."""
    gallery = Gallery(sweep)
    outbox = Outbox(gallery.wall)
    for content in ("stop", None, 3, ["kind"], {"kind": "snapshot"}, {"kind": "snapshot", "request": "1"}):
        gallery.wall._handle_custom_msg(content, [])
    assert outbox.sent == []
    gallery.close()


def test_a_path_that_leads_out_of_the_folder_is_refused(sweep: FakeSweep, served: Path) -> None:
    """Not even the journal makes the wall read a file outside the sweep's folder, by dots or by a link."""
    (served / "secret.txt").write_text("secret")
    sweep.folder.mkdir()
    (sweep.folder / "link.mp4").symlink_to(served / "secret.txt")
    gallery = Gallery(sweep)
    outbox = Outbox(gallery.wall)
    for name in ("../../secret.txt", str(served / "secret.txt"), "link.mp4"):
        sweep.change(0, status="done", path=name)
        content, buffers = outbox.ask(kind="media", id=0, what="path", request=1)
        assert "outside the sweep's folder" in content["error"]
        assert buffers == []
    gallery.close()


def test_a_file_too_large_for_the_kernel_is_refused(sweep: FakeSweep) -> None:
    """A large original is named with its size instead of being sent."""
    sweep.folder.mkdir()
    with (sweep.folder / "large.mp4").open("wb") as file:
        file.truncate(30_000_000)
    sweep.change(0, status="done", path="large.mp4")
    gallery = Gallery(sweep)
    content, _ = Outbox(gallery.wall).ask(kind="media", id=0, what="path", request=1)
    assert "large.mp4 has 30 MB" in content["error"]
    gallery.close()


def test_a_failure_while_answering_is_told(sweep: FakeSweep) -> None:
    """What goes wrong inside reaches the person in the browser instead of vanishing."""
    board = Board(sweep)
    outbox = Outbox(board)

    def stop() -> None:
        msg = "the engine is gone"
        raise RuntimeError(msg)

    sweep.stop = stop
    content, _ = outbox.ask(kind="stop", request=4)
    assert content == {"request": 4, "error": "gridgen failed here: RuntimeError: the engine is gone"}
    board.close()


def test_closing_ends_the_watching(sweep: FakeSweep) -> None:
    """A closed gallery or board is no longer called, also when closed twice."""
    gallery, board = Gallery(sweep), Board(sweep)
    assert len(sweep.watchers) == 2
    for _ in range(2):
        gallery.close()
        board.close()
    assert sweep.watchers == []


def test_two_thousand_changes_end_in_the_right_state(served: Path) -> None:
    """What the browser puts together from snapshot and changes is what Python has."""
    sweep = FakeSweep(Grid(prompt=[f"p{n}" for n in range(100)]), served / "many")
    gallery = Gallery(sweep)
    outbox = Outbox(gallery.wall)
    tiles = {tile["id"]: tile for tile in gallery.wall.feed.snapshot()["tiles"]}
    for step in range(2000):
        sweep.change(step % 100, status="running", progress=step // 20)
    wanted = [row.progress for row in sweep.rows()]
    until(lambda: [tile["progress"] for tile in gallery.wall.feed.snapshot()["tiles"]] == wanted)
    for content, _ in outbox.sent:
        for change in content["tiles"]:
            tiles[change["id"]].update(change)
        for index, progress in zip(content["progress"][::2], content["progress"][1::2], strict=True):
            tiles[index]["progress"] = progress
    assert list(tiles.values()) == gallery.wall.feed.snapshot()["tiles"]
    gallery.close()


def test_a_thousand_that_all_move_are_told_in_little(served: Path) -> None:
    """However much changes, no second carries more than 50 kB to the browser, and the last word gets there."""
    sweep = FakeSweep(Grid(prompt=[f"p{n}" for n in range(1000)]), served / "many")
    gallery = Gallery(sweep)
    sent: list[tuple[float, int]] = []
    clock = engine().loop.time
    gallery.wall.send = lambda content, _buffers=None: sent.append((clock(), len(json.dumps(content))))
    began = clock()
    for progress in range(40):
        for index in range(1000):
            sweep._rows[index] = dataclasses.replace(sweep._rows[index], status="running", progress=progress)
        for callback in sweep.watchers:
            callback(sweep.rows())
    until(lambda: gallery.wall.feed.snapshot()["tiles"][-1]["progress"] == 39)
    for start, _ in sent:
        within = [size for at, size in sent if start <= at < start + 1]
        assert sum(within) <= 50_000 + max(size for _, size in sent)
    assert sum(size for _, size in sent) <= 50_000 * (1 + clock() - began)
    gallery.close()


def test_the_bundle_has_widget_html_and_one_line(sweep: FakeSweep) -> None:
    """Places with widgets get one, others a table; the text is short and has no address."""
    for shown in (Gallery(sweep), Board(sweep)):
        bundle = shown._repr_mimebundle_()
        data = bundle[0] if isinstance(bundle, tuple) else bundle
        assert set(data) == {WIDGET_VIEW, "text/html", "text/plain"}
        assert data["text/plain"] == repr(shown)
        assert len(repr(shown)) < 120
        assert "0x" not in repr(shown)
        shown.close()


def static(sweep: FakeSweep, **sides: Any) -> str:
    """Return the static form of a sweep's gallery."""
    gallery = Gallery(sweep, **sides)
    text = gallery._repr_mimebundle_()["text/html"]
    gallery.close()
    return text


def test_the_static_form_is_the_plan_until_all_is_finished(sweep: FakeSweep) -> None:
    """Whatever the moment, an unfinished sweep shows the same words and no picture."""
    plan = static(sweep)
    sweep.change(0, status="running", progress=50)
    sweep.finish(1)
    sweep.change(2, status="failed", error="no")
    assert static(sweep) == plan
    assert plan.count("planned") == 4
    assert "<img" not in plan


def test_the_static_form_shows_posters_labels_and_errors(sweep: FakeSweep) -> None:
    """A finished sweep shows a picture per clip under its labels, and the reason where there is none."""
    for index in (0, 1, 3):
        sweep.finish(index)
    sweep.change(2, status="failed", error_class="TaskFailed", error="refused by the filter")
    text = static(sweep, rows="prompt", cols="size")
    assert text.count("data:image/webp;base64,") == 3
    assert "TaskFailed: refused by the filter" in text
    assert "4 clips · 24 s of footage · 3 done · 1 failed" in text
    heads = [tag for tag, _ in Tags(text).tags if tag == "th"]
    assert len(heads) == 1 + 2 + 2


def test_the_static_form_nests_headers(served: Path) -> None:
    """Outer headers span their inner ones, in rows and in columns."""
    grid = Grid(prompt=["a", "b"], size=["16:9", "1:1"], duration=[6, 10])
    text = static(FakeSweep(grid, served), rows="prompt", cols=["size", "duration"])
    spans = [attrs.get("colspan") for tag, attrs in Tags(text).tags if tag == "th" and "colspan" in attrs]
    assert spans == ["1", "2", "2", "1", "1", "1", "1", "1"]
    text = static(FakeSweep(grid, served), rows=["size", "duration"], cols="prompt")
    assert [attrs["rowspan"] for tag, attrs in Tags(text).tags if "rowspan" in attrs] == [
        "2",
        "1",
        "1",
        "2",
        "1",
        "1",
    ]


def test_the_static_form_is_small_and_the_same_each_time(served: Path) -> None:
    """Twelve clips with posters stay under 100 kB, and nothing in them depends on time or place."""
    grid = Grid(prompt=["a boat", "a fox", "a whale"], size=["16:9", "9:16"], duration=[6, 10])
    texts = []
    for place in ("one", "two"):
        sweep = finished(FakeSweep(grid, served / place))
        texts.append(static(sweep))
    assert texts[0] == texts[1]
    assert len(texts[0]) < 100_000
    assert texts[0].count("data:image") == 12
    assert str(served) not in texts[0]


def test_the_static_form_survives_sanitizers(sweep: FakeSweep) -> None:
    """It is made of tables, divisions and pictures with inline styles, and of nothing that is stripped."""
    tags = {tag for tag, _ in Tags(static(finished(sweep))).tags}
    assert tags == {"div", "p", "strong", "table", "tr", "th", "td", "img"}


def test_the_board_says_where_a_sweep_stands(sweep: FakeSweep) -> None:
    """Counts, footage, time, cost and what needs attention, as JSON."""
    board = Board(sweep)
    sweep.change(0, submitted_at=100.0)
    sweep.finish(0)
    sweep.change(0, completed_at=141.5)
    sweep.change(1, status="failed", submitted_at=101.0, error_class="TaskFailed", error="no")
    sweep.change(2, status="running", submitted_at=102.0)
    state = board.state()
    assert json.loads(json.dumps(state))["counts"] == [
        ["done", 1],
        ["running", 1],
        ["failed", 1],
        ["planned", 1],
    ]
    assert (state["footage"], state["wanted"]) == (6, 24)
    assert (state["began"], state["ended"]) == (100.0, None)
    assert (state["cost"], state["estimate"], state["unpriced"]) == ("0.10", "0.40", 0)
    assert state["troubles"] == [{"what": "a paper boat, 9:16", "status": "failed", "why": "TaskFailed: no"}]
    board.close()


def test_an_unknown_price_is_not_nothing(sweep: FakeSweep) -> None:
    """Clips without a price are counted, and an estimate of none is empty rather than zero."""
    sweep._rows = [dataclasses.replace(row, price=None) for row in sweep.rows()]
    board = Board(sweep)
    assert (board.state()["estimate"], board.state()["unpriced"]) == ("", 4)
    board.close()


def test_the_stop_button_stops_the_sweep(sweep: FakeSweep) -> None:
    """The browser's question stops the sweep and is answered."""
    board = Board(sweep)
    assert Outbox(board).ask(kind="stop", request=2) == ({"request": 2, "stopped": True, "taken": False}, [])
    assert sweep.internals.stopped
    board.close()


def test_the_board_without_widgets_is_the_plan_then_the_outcome(sweep: FakeSweep) -> None:
    """Its HTML does not depend on the moment, and names the outcome only at the end."""
    board = Board(sweep)

    def shown() -> str:
        return board._repr_mimebundle_()[0]["text/html"]

    plan = shown()
    sweep.change(0, status="running", progress=3)
    assert shown() == plan
    for index in range(4):
        sweep.change(index, status="done")
    assert "4 done" in shown()
    assert repr(board) == "Board('boats': 4 clips, 24 s of footage)"
    board.close()
