"""The still of a widget: a second, plain output of the same cell, kept up to date and small."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import nbformat
from fake_sweep import FakeSweep
from hostile import HOSTILE
from nbclient import NotebookClient

from gridgen.board import Board
from gridgen.gallery import Gallery
from gridgen.grid import Grid

if TYPE_CHECKING:
    from pathlib import Path

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"

SWEEP = """\
import math
import gridgen as gg
from ipywidgets import VBox
client = gg.Simulator(speed=math.inf, clips="tiny").client()
grid = gg.Grid(prompt=["a boat", "a fox"], size=["16:9", "9:16"])
sweep = gg.Sweep(grid, client=client, folder="boats")
gallery = sweep.gallery(rows="prompt", cols="size")"""


def ran(folder: Path, *cells: str) -> list[list[Any]]:
    """Return what the cells of a notebook show in the end that nbclient runs, as nbconvert and papermill do."""
    made = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    made.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    NotebookClient(made, timeout=60, resources={"metadata": {"path": str(folder)}}).execute()
    return [cell.outputs for cell in made.cells]


def page(outputs: list[Any]) -> str:
    """Return the still of a cell, which shows a widget and its still and nothing else."""
    widget, still = outputs
    assert set(widget.data) == {WIDGET_VIEW, "text/plain"}
    assert set(still.data) == {"text/html"}
    return still.data["text/html"]


def test_a_cell_holds_a_widget_and_the_still_of_its_end(tmp_path: Path) -> None:
    """Whatever shows it: the last expression, display, an awaited sweep; a box of one's own has none, and a further run one."""
    shown = ran(
        tmp_path,
        SWEEP,
        "gallery",
        "sweep.start()",
        "await sweep",
        "display(gallery)",
        "VBox([gallery])",
        "rounds = sweep.rounds()\nrounds",
        "rounds.choose('left')",
        "gg.builder()",
        "gallery.close()",
    )
    assert page(shown[1]).count("data:image/webp") == 4
    assert page(shown[4]) == page(shown[1]), "one gallery has one still, wherever it is shown"
    assert "4 done" in page(shown[2])
    assert "4 done" in page(shown[3])
    assert [set(output.data) for output in shown[5]] == [{WIDGET_VIEW, "text/plain"}]
    assert "1 choices" in page(shown[6])
    assert "prompt" in page(shown[8])
    assert (
        len({re.findall('data-gg-still="([0-9a-f]{16})"', page(shown[at]))[0] for at in (1, 2, 3, 6, 8)}) == 5
    )


def test_the_form_keeps_the_still_of_its_wall(tmp_path: Path) -> None:
    """A form that was shown before it was filled in and run ends with its layout, its code and the posters."""
    form = 'form = gg.builder(client=client, folder="by_hand")\nform'
    shown = ran(tmp_path, SWEEP, form, 'form.fill(prompts=["a boat", "a fox"])', "form.start().wait()")
    assert page(shown[1]).count("data:image/webp") == 2
    assert "gg.Grid(" in page(shown[1])
    assert len(page(shown[1])) < 100_000


def test_a_still_shows_how_far_a_sweep_is(sweep: FakeSweep) -> None:
    """While it runs the posters that are there and the states of the others; other forms stay the plan."""
    gallery = Gallery(sweep, rows="prompt", cols="size")
    sweep.finish(1)
    sweep.change(2, status="running", progress=40)
    now = gallery.wall.picture.draw(98_000)
    assert now.count("data:image/webp") == 1
    assert "1 done · 2 planned · 1 running" in now
    assert "<img" not in gallery._repr_mimebundle_()["text/html"]
    sweep.finish(0)
    assert gallery.wall.picture.draw(98_000).count(re.findall(r'src="([^"]*)"', now)[0]) == 1, (
        "a picture stays as it was"
    )
    gallery.close()


def test_a_still_is_small_however_large_the_sweep(served: Path) -> None:
    """Three hundred clips with long prompts, and words that grow when they are escaped: under 100 kB, with pictures."""
    for text in ("a boat in a storm, " * 100, "$<&" * 600, "🛶" * 900):
        sweep = FakeSweep(
            Grid(prompt=[f"{text} {n}" for n in range(150)], duration=[6, 10]), served / text[:1]
        )
        sweep.finish(0)
        for index in range(1, 300):
            sweep.finish_like(index, 0)
        gallery = Gallery(sweep)
        shown = gallery.wall.picture.draw(98_000)
        assert len(shown.encode()) < 99_000
        assert re.search(r"300 clips .* the first \d+ are shown", shown)
        assert shown.count("data:image/webp") > 0
        board = Board(sweep)
        assert len(board.picture.draw(98_000).encode()) < 99_000
        board.close()
        gallery.close()


def test_many_posters_are_all_there(served: Path) -> None:
    """Sixty clips, each with its poster."""
    sweep = FakeSweep(Grid(prompt=[f"a boat, number {n}" for n in range(60)]), served / "sixty")
    sweep.finish(0)
    for index in range(1, 60):
        sweep.finish_like(index, 0)
    gallery = Gallery(sweep, rows="prompt")
    shown = gallery.wall.picture.draw(98_000)
    assert shown.count("data:image/webp") == 60
    assert len(shown.encode()) < 99_000
    gallery.close()


def test_hostile_words_stay_words_in_a_still(served: Path) -> None:
    """Prompts and errors that look like markup make no element, also where they are cut short."""
    tags: set[str] = set()
    for number, text in enumerate(HOSTILE):
        clean = "".join(each for each in text if each.isprintable())[:4000] or "a"
        sweep = FakeSweep(Grid(prompt=["x" * n + clean for n in (0, 290)]), served / str(number))
        sweep.change(0, status="failed", error_class="TaskFailed", error=text)
        gallery = Gallery(sweep, rows="prompt")
        parser = HTMLParser()
        parser.handle_starttag = lambda tag, _attributes: tags.add(tag)  # type: ignore[method-assign]
        parser.feed(gallery.wall.picture.draw(98_000))
        parser.close()
        gallery.close()
    assert tags == {"div", "p", "strong", "span", "table", "tr", "th", "td"}
