"""Hostile text in every place that takes text: nothing runs, nothing is fetched, and all of it can be read."""

from __future__ import annotations

import html.parser
import re
from typing import TYPE_CHECKING

import pandas as pd
import pytest
from fake_sweep import FakeSweep
from hostile import HOSTILE, hostile_grid
from watching import SIDES, shown

from gridgen.board import Board
from gridgen.frame import sweep_frame
from gridgen.gallery import Gallery

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

WATCH = """
  window.alarms = [];
  window.alarm = () => alarms.push(new Error().stack);
  window.print = window.alert = window.confirm = window.prompt = window.open = alarm;
"""
FOREIGN = (
    ".gg-wall :is(script, iframe, style, link, object, embed, svg[onload], math, form, base, meta, audio, a)"
)
EVENTS = """[...document.querySelectorAll(".gg-wall *")].flatMap((element) => [...element.attributes])
  .filter(({ name, value }) => name.startsWith("on") || /^(javascript|data|vbscript):/i.test(value)
    && ["href", "src", "action", "formaction", "xlink:href"].includes(name)).length"""


def hostile(axis: str, folder: Path) -> FakeSweep:
    """Return a sweep in which prompts or models, errors, kinds of error, tags and notes are all hostile; none of it succeeded."""
    made = FakeSweep(hostile_grid(axis), folder, name="<img src=x onerror=alarm()>")
    for index, text in enumerate(HOSTILE):
        made.change(index, status="failed", error_class=text, error=text, tags=text, note=text, rating=3.5)
    return made


def unharmed(page: Page) -> bool:
    """Return whether nothing foreign was made of the texts, and nothing of them ran."""
    return page.evaluate(f"[document.querySelectorAll({FOREIGN!r}).length, {EVENTS}, alarms.length]") == [
        0,
        0,
        0,
    ]


def test_at_least_sixty_texts_are_tried() -> None:
    """The list is long, without doubles, and most of it would call something."""
    assert len(set(HOSTILE)) == len(HOSTILE) >= 60
    assert sum("alarm()" in text for text in HOSTILE) > 40


@pytest.mark.parametrize("axis", ["prompt", pytest.param("model", marks=pytest.mark.full)])
def test_in_the_wall_it_stays_text(browser: Browser, served: Path, axis: str) -> None:
    """On tiles, headers, tips, tabs, stage and comparison it is shown as typed."""
    sweep = hostile(axis, served / "nb" / "boats")
    told = ".gg-facts h3" if axis == "prompt" else ".gg-facts"
    with shown(browser, sweep, served, rows=axis, cols=[], before=WATCH) as (page, _, _):
        fetched: list[str] = []
        page.on("request", lambda request: fetched.append(request.url))
        page.locator(".gg-tile").first.focus()
        for text in HOSTILE:
            page.keyboard.press("Enter")
            assert text in page.evaluate(f"document.querySelector('{told}').textContent")
            assert text in page.evaluate("document.querySelector('.gg-verdicts').textContent")
            page.keyboard.press("Escape")
            page.wait_for_function(
                "(text) => document.querySelector('.gg-tile:focus .gg-reason')?.textContent === text",
                arg=text,
            )
            page.wait_for_function(
                f"(text) => {SIDES}.some((side) => text.startsWith(side.slice(0, 40)))", arg=text
            )
            page.keyboard.press("c")
            page.keyboard.press("ArrowDown")
        page.keyboard.press("v")
        page.locator(".gg-table").wait_for()
        page.keyboard.press("Escape")
        page.evaluate("model.set('rows', 0)")
        page.locator(".gg-tabs select").wait_for()
        assert unharmed(page)
        assert [url for url in fetched if not url.endswith("/ask")] == []


def test_names_of_files_lead_nowhere_else(browser: Browser, served: Path, sweep: FakeSweep) -> None:
    """A hostile name is a name in the sweep's folder, quoted; no other host or folder is asked."""
    for index, text in enumerate((*HOSTILE[:3], "http://evil.example/x.mp4")):
        sweep.change(index, status="done", path=text, preview=text, poster=text, clip_seconds=6.0)
    with shown(browser, sweep, served, before=WATCH, forgiving=True) as (page, pages, _):
        fetched: list[str] = []
        page.on("request", lambda request: fetched.append(request.url))
        page.wait_for_function("document.querySelectorAll('.gg-tile[data-tone=bad]').length === 4")
        page.locator(".gg-tile").first.click()
        page.locator(".gg-stage[open]").wait_for()
        assert unharmed(page)
        assert all(url.startswith((pages.base, "blob:")) for url in fetched)


@pytest.mark.full
def test_in_the_address_of_a_view_it_stays_text(browser: Browser, served: Path, sweep: FakeSweep) -> None:
    """A view text that someone sends is read as a view or not at all."""
    for text in HOSTILE[::6]:
        view = f"rows={text}&tabs={text}&filter={text}&sort={text}&cycle={text}&pins={text}"
        with shown(browser, sweep, served, view=view, before=WATCH) as (page, _, _):
            page.locator(".gg-wall").wait_for()
            assert unharmed(page)


class Tags(html.parser.HTMLParser):
    """Collects tags, the names of their attributes, and text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.names: set[str] = set()
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag."""
        self.tags.add(tag)
        self.names |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        """Note a text."""
        self.text += data


TABLE = {"div", "p", "strong", "table", "tr", "th", "td", "thead", "tbody", "img", "style", "span"}
PLAIN = {"style", "scoped", "rowspan", "colspan", "class", "border", "id", "scope", "src", "alt", "title"}


@pytest.mark.parametrize("axis", ["prompt", "model"])
def test_without_widgets_it_stays_text(tmp_path: Path, axis: str) -> None:
    """The static form of gallery and board and the DataFrame's HTML hold the texts as texts and nothing else."""
    sweep = hostile(axis, tmp_path)
    for index, text in enumerate(HOSTILE):
        sweep.change(index, path=text, poster=text, url=text, task_id=text)
    gallery, board = Gallery(sweep, rows=axis), Board(sweep)
    whole = ("display.max_columns", None, "display.max_rows", None, "display.max_colwidth", None)
    with pd.option_context(*whole):
        table = sweep_frame(sweep.grid, sweep.rows(), 1)._repr_html_()
    forms = [gallery._repr_mimebundle_()["text/html"], board._repr_mimebundle_()[0]["text/html"], table]
    gallery.close()
    board.close()
    for form in forms:
        found = Tags(form)
        assert found.tags <= TABLE
        assert found.names <= PLAIN
        assert not re.search(r"<(script|svg|iframe)\b", form)
    for form, least in ((forms[0], 2), (table, 8)):
        squeezed = "".join(Tags(form).text.split())
        texts = ["".join(text.split()) for text in HOSTILE if "\ufeff" not in text]
        assert [text for text in texts if squeezed.count(text) < least] == []


def test_posters_that_lead_elsewhere_are_not_read(done: FakeSweep, tmp_path: Path) -> None:
    """A name in the journal that leads out of the folder, or is none at all, leaves its clip without a picture."""
    (tmp_path / "secret.webp").write_bytes((done.folder / "clip-0000.webp").read_bytes())
    for index, name in enumerate(("../../secret.webp", "a\0b", str(tmp_path / "secret.webp"))):
        done.change(index, poster=name)
    gallery = Gallery(done, rows="prompt")
    assert gallery._repr_mimebundle_()["text/html"].count("data:image/webp") == 1
    gallery.close()
