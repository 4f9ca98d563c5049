"""Tables of clips in a notebook: they sort and search without a kernel, and stay ordinary tables in Python."""

from __future__ import annotations

import math
import os
import pickle
import re
import time
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import nbformat
import pandas as pd
import pytest
from fake_sweep import FakeSweep
from hostile import HOSTILE, hostile_grid
from nbconvert import HTMLExporter
from PIL import Image

from gridgen import Grid, GridError, Simulator, Sweep
from gridgen.file_links import file_link
from gridgen.gallery.table import ClipTable

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

GRID = Grid(prompt=["a paper boat", "a red fox", "an owl"], size=["16:9", "9:16"], duration=[6, 10])
SHOWN = """() => [...document.querySelectorAll(".gg-clips tbody tr")].filter((row) => row.offsetHeight)
  .map((row) => Number(row.cells[1].textContent))"""
WIDTHS = "() => [...document.querySelectorAll('.gg-clips img')].map((image) => image.naturalWidth)"


@pytest.fixture(scope="module")
def boats(tmp_path_factory: pytest.TempPathFactory) -> Sweep:
    """Twelve finished clips, some of them judged; the clip of row 4 failed."""
    simulator = Simulator(speed=math.inf, clips="tiny")
    folder = tmp_path_factory.mktemp("table") / "boats"
    sweep = Sweep(GRID, client=simulator.client(), folder=folder)
    sweep.run()
    sweep.ratings.rate(2, stars=5, note="waves", tags=["b", "a"])
    sweep.ratings.rate(7, stars=3, pick=True)
    sweep.ratings.rate(9, stars=4, pick=False)
    return sweep


def shown(browser: Browser, page: str) -> Page:
    """Open HTML on a page that can ask nobody for anything."""
    opened = browser.new_page()
    opened.context.set_offline(True)
    opened.set_content(f"<!doctype html><meta charset=utf-8><body>{page}")
    return opened


def head(page: Page, name: str) -> None:
    """Click on the head of a column."""
    page.get_by_role("button", name=name, exact=True).click()


def test_a_table_sorts_and_finds_without_a_kernel(browser: Browser, boats: Sweep) -> None:
    """Cost, rating and axes sort in their own order, what says nothing comes last, the third click brings the first order back; words find rows."""
    page = shown(browser, boats.table()._repr_html_())
    page.wait_for_function(f"({WIDTHS})().every((width) => width > 0)")
    first = list(range(12))

    assert (page.evaluate(SHOWN), len(page.evaluate(WIDTHS))) == (first, 12)
    head(page, "rating")
    assert page.evaluate(SHOWN)[:4] == [7, 9, 2, 0]
    head(page, "rating")
    assert page.evaluate(SHOWN)[:4] == [2, 9, 7, 0]
    assert page.get_by_role("columnheader", name="rating").get_attribute("aria-sort") == "descending"
    head(page, "rating")
    assert page.evaluate(SHOWN) == first
    head(page, "duration")
    assert page.evaluate(SHOWN)[:6] == [0, 2, 4, 6, 8, 10]
    head(page, "cost")
    assert [boats[at].cost for at in page.evaluate(SHOWN)] == sorted(row.cost for row in boats)
    page.get_by_label("Find").fill("FOX 9:16")
    assert {boats[at].cell.prompt for at in page.evaluate(SHOWN)} == {"a red fox"}
    assert page.get_by_role("status").inner_text() == "2 of 12"
    page.get_by_label("Find").fill("waves")
    assert page.evaluate(SHOWN) == [2]
    page.get_by_label("Find").fill("")
    assert len(page.evaluate(SHOWN)) == 12
    page.close()


def test_two_tables_on_a_page_are_two(browser: Browser, boats: Sweep) -> None:
    """Each script works on the table before it, and leaves no name behind."""
    page = shown(browser, boats.table([0, 1])._repr_html_() + boats.table([2, 3])._repr_html_())
    page.get_by_label("Find").nth(1).fill("nothing like it")

    assert page.evaluate(SHOWN) == [0, 1]
    assert page.evaluate("typeof begin + typeof cellsInOrder") == "undefinedundefined"
    page.close()


def test_nbconvert_makes_a_page_that_still_sorts(browser: Browser, boats: Sweep) -> None:
    """What a notebook stores of it is whole: nbconvert's page shows the posters offline, and sorts."""
    data = {"text/html": boats.table()._repr_html_(), "text/plain": repr(boats.table())}
    output = nbformat.v4.new_output("execute_result", data=data, execution_count=1)
    cell = nbformat.v4.new_code_cell("sweep.table()", outputs=[output], execution_count=1)
    body, _ = HTMLExporter().from_notebook_node(nbformat.v4.new_notebook(cells=[cell]))
    page = browser.new_page()
    page.context.set_offline(True)
    page.set_content(body, wait_until="commit")
    page.wait_for_function(f"({WIDTHS})().filter((width) => width > 0).length === 12")
    head(page, "rating")

    assert page.evaluate(SHOWN)[:3] == [7, 9, 2]
    page.close()


def finished(grid: Grid, folder: Path) -> FakeSweep:
    """Return a sweep whose clips all have one picture of noise, which hardly gets smaller."""
    sweep = FakeSweep(grid, folder)
    folder.mkdir(parents=True, exist_ok=True)
    Image.effect_noise((320, 180), 60).save(folder / "noise.webp", quality=60)
    for row in sweep.rows():
        sweep.change(row.index, status="done", poster="noise.webp", cost=Decimal(row.index) / 100)
    return sweep


def test_text_stays_text(browser: Browser, tmp_path: Path) -> None:
    """A prompt or an error that looks like HTML is shown as it reads, and runs nothing."""
    sweep = finished(hostile_grid("prompt"), tmp_path / "boats")
    sweep.change(1, error=HOSTILE[0], error_class=HOSTILE[3])
    page = shown(
        browser, f"<script>alarm = () => document.title = 'ALARM'</script>{ClipTable(sweep)._repr_html_()}"
    )
    page.wait_for_function(f"({WIDTHS})().every((width) => width > 0)")
    texts = page.locator(".gg-clips tbody").inner_text()
    inside = "[...document.querySelectorAll('.gg-clips tbody td *')].map(({ tagName }) => tagName)"

    assert set(page.evaluate(inside)) == {"IMG", "SPAN"}
    assert all(text in texts for text in HOSTILE[:4])
    assert page.title() == ""
    page.close()


def test_a_thousand_rows_are_quick_and_of_bounded_size(browser: Browser, tmp_path: Path) -> None:
    """Each of a thousand clips has its poster, a page of them stays below two megabytes, and is sorted in a moment."""
    sweep = finished(
        Grid(prompt=[f"boat {number} on the lake" for number in range(1000)]), tmp_path / "boats"
    )
    began = time.perf_counter()
    html = ClipTable(sweep)._repr_html_()
    made = time.perf_counter() - began
    page = shown(browser, html)
    head(page, "cost")
    spent = page.evaluate(
        "() => { const began = performance.now(); document.querySelectorAll('.gg-clips thead button')[3].click();"
        " document.body.offsetHeight; return performance.now() - began; }"
    )

    assert page.evaluate(SHOWN)[:2] == [999, 998]
    assert (html.count("<img "), html.count("/noise.webp")) == (1000, 1000 - html.count("data:image/webp"))
    assert len(html) < 2_000_000
    assert (made < 20, spent < 4_000) == (True, True)
    page.close()


def test_a_part_of_the_rows_is_chosen_as_everywhere(boats: Sweep) -> None:
    """Rows, tables and their order are taken as of any verb, and what is none is refused."""
    assert [row.index for row in boats.table(boats.df.query("rating > 3")).rows] == [2, 9]
    assert "2 clips of 'boats'" in repr(boats.table([0, 1]))
    with pytest.raises(GridError, match="Nothing is shown"):
        boats.table(99)


def test_the_ranking_shows_its_clips_and_is_an_ordinary_table(boats: Sweep) -> None:
    """The ranking's page has each clip's poster; in Python it is the table that it was, also sorted, cut, copied and given back."""
    rounds = boats.rounds(reviewer="anna")
    for _ in range(6):
        rounds.choose("left")
    ranking = rounds.ranking()

    assert isinstance(ranking, pd.DataFrame)
    assert "clip" not in ranking.columns
    assert ranking._repr_html_().count("data:image/webp") == 12
    assert ranking.head(3).sort_values("wins")._repr_html_().count("data:image/webp") == 3
    assert ranking.drop(columns="cell")._repr_html_().count("data:image/webp") == 0
    assert pickle.loads(pickle.dumps(ranking)).query("wins > 99")._repr_html_().count("<img") == 0
    assert [row.index for row in boats.table(ranking.head(3)).rows] == ranking["row"].head(3).tolist()
    assert rounds.ranking("size")._repr_html_().count("<img") == 0
    pd.testing.assert_frame_equal(pd.DataFrame(ranking), ranking, check_frame_type=False)


def test_picks_show_the_clips_of_their_takes(boats: Sweep) -> None:
    """What a person picked is a table of rows with their posters, as many as pandas shows."""
    gallery = boats.gallery()
    gallery.wall.judge.selected = tuple(range(12))
    with pd.option_context("display.max_rows", 6, "display.min_rows", 4):
        few = gallery.selection._repr_html_()

    assert gallery.selection._repr_html_().count("data:image/webp") == 12
    assert few.count("data:image/webp") == 4
    assert boats.df._repr_html_().count("<img") == 0
    gallery.close()


@pytest.mark.parametrize("name", ["boats.html", "boats.zip", "boats.xlsx", "a b&c.jsonl", "boats.png"])
def test_a_written_file_shows_as_a_link_beside_the_notebook(
    boats: Sweep, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Each export is a link relative to the notebook, wherever the kernel works; what a browser shows opens in a tab."""
    (tmp_path / "nb" / "out").mkdir(parents=True)
    monkeypatch.setenv("JPY_SESSION_NAME", str(tmp_path / "nb" / "first.ipynb"))
    monkeypatch.chdir(tmp_path)
    target = tmp_path / "nb" / "out" / name
    write = {
        ".html": boats.to_html,
        ".zip": boats.to_zip,
        ".xlsx": boats.to_excel,
        ".jsonl": boats.snapshot,
        ".png": boats.to_image,
    }[target.suffix]
    made = write(target)
    page = made._repr_html_() if hasattr(made, "_repr_html_") else made._repr_mimebundle_()["text/html"]
    [link] = re.findall(r"<a [^>]*>", page)

    assert Path(os.fspath(made)) == target
    assert f'href="out/{name.replace(" ", "%20").replace("&", "%26")}"' in link
    assert ('target="_blank"' in link) == (target.suffix in {".html", ".png"})
    assert ("download=" in link) == (target.suffix not in {".html", ".png"})


def test_a_written_file_is_a_path(boats: Sweep, tmp_path: Path) -> None:
    """What to_excel and snapshot return is the path that they returned before, in all that paths do."""
    made = boats.to_excel(tmp_path / "boats.xlsx")

    assert isinstance(made, Path)
    assert (made, hash(made), str(made)) == (
        tmp_path / "boats.xlsx",
        hash(tmp_path / "boats.xlsx"),
        str(tmp_path / "boats.xlsx"),
    )
    assert pickle.loads(pickle.dumps(made)) == made
    assert made.parent == tmp_path
    assert made.parent._repr_html_() is None
    assert "boats.xlsx" in repr(made)


def test_a_name_is_no_html(tmp_path: Path) -> None:
    """A file's name with quotes and angle brackets ends no attribute."""
    page = file_link(tmp_path / "a\"'<b>$1$.zip")

    assert re.sub(r"<[^>]*>", "", page).count("&lt;b&gt;") == 1
    assert re.findall(r"<\w+", page) == ["<div", "<a", "<span", "<span"]
