"""The documentation: its examples run, its references lead somewhere, and a slice of it is built and looked at."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

import pytest
import references

import gridgen
from gridgen.states import FACTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from playwright.sync_api import Page

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = sorted(path for path in DOCS.rglob("*.md") if not path.relative_to(DOCS).parts[0].startswith("_"))
RUN = re.compile(r"^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)
MOVING = """() => new Promise((resolve) => {
  const look = () => {
    const videos = [...document.querySelectorAll(".gg-video")];
    if (videos.every((video) => video.currentTime > 0.3 && !video.paused)) resolve(videos.length);
    else requestAnimationFrame(look);
  };
  look();
})"""
WORDS = 700
"""What a page of the guide has at most: it is one page, and read in a few minutes."""


@pytest.mark.parametrize(
    "path",
    [path for path in PAGES if RUN.search(path.read_text(encoding="utf-8"))],
    ids=lambda path: path.stem,
)
def test_what_a_page_shows_can_be_run(path, tmp_path, monkeypatch):
    """The blocks of Python of a page run one after the other, on a simulator that makes nobody wait."""
    monkeypatch.chdir(tmp_path)
    names: dict = {}
    for block in RUN.findall(path.read_text(encoding="utf-8")):
        quick = re.sub(
            r"gg\.Simulator\((?!speed=60)", 'gg.Simulator(speed=float("inf"), clips="tiny", ', block
        )
        exec(compile(quick, f"{path.name}", "exec"), names)


def test_no_reference_dangles():
    """Each number that a test or a source cites is explained, in one sentence, on the page of sources."""
    assert references.dangling() == []
    assert {says[-1] for says in references.explained().values()} == {"."}


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("F6: of the faults", ["F6"]),
        ("Case F6: of the cases", ["case F6"]),
        ("S12, case F6", ["S12", "case F6"]),
        ("cases A1 and A3", ["case A1", "case A3"]),
        ("F4 to F6, F8: lost", ["F4", "F5", "F6", "F8"]),
        ("MiniMax-H3, M5 3 and v1", ["M5"]),
    ],
)
def test_references_are_found(text, codes):
    """A reference is read with its kind; a range names all that is in it; a model's name is none."""
    assert references.read(text) == codes


def test_the_reference_has_every_public_name():
    """What gridgen exports stands in the reference, once."""
    text = "".join(path.read_text(encoding="utf-8") for path in (DOCS / "reference").glob("*.md"))
    named = re.findall(r"^\.\. auto\w+:: (\w+)$", text, re.MULTILINE)

    assert sorted(set(named) & set(gridgen.__all__)) == gridgen.__all__
    assert len(named) == len(set(named))


@pytest.mark.parametrize("path", sorted((DOCS / "guide").glob("*.md")), ids=lambda path: path.stem)
def test_a_page_of_the_guide_is_one_page(path):
    """A page of the guide is short, its code left aside."""
    text = re.sub(r"^(```|:::).*?^\1$", "", path.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)

    assert len(text.split()) <= WORDS


class Links(HTMLParser):
    """Collects what a page leads to, and what in it can be led to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.targets: set[str] = set()
        self.anchors: set[str] = {""}
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note one element."""
        given = dict(attrs)
        self.anchors |= {given.get("id") or "", given.get("name") or ""}
        if tag in {"a", "link", "img", "script", "iframe", "video", "source"}:
            self.targets |= {given.get("href") or "", given.get("src") or ""} - {""}


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    """The documentation, built with warnings as errors, with small clips on one wall."""
    copy = tmp_path_factory.mktemp("site")
    shutil.copytree(DOCS, copy / "docs", ignore=shutil.ignore_patterns("_build", "walls", "notebooks"))
    for name in ("gridgen", "notebooks"):
        (copy / name).symlink_to(ROOT / name)
    slice_ = ["-D", "gridgen_walls=01_first_grid", "-D", "gridgen_clips=tiny"]
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-b", "html", *slice_]
    done = subprocess.run(
        [*command, copy / "docs", copy / "html"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    return copy / "html"


@pytest.mark.browser
class TestSite:
    """The built site."""

    def test_its_links_lead_somewhere(self, site):
        """Every link inside the site names a file that is there, and a place in it that is there."""
        pages = {path: Links(path.read_text(encoding="utf-8")) for path in site.rglob("*.html")}
        lost = []
        for path, page in pages.items():
            for target in page.targets:
                parts = urlsplit(target)
                if parts.scheme or target.startswith("//"):
                    continue
                file = (path.parent / unquote(parts.path)).resolve() if parts.path else path
                at = unquote(parts.fragment)
                if not file.exists() or (file in pages and at not in pages[file].anchors):
                    lost.append((path.relative_to(site).as_posix(), target))

        assert lost == []

    def test_the_states_are_those_of_the_code(self, site):
        """The page of states has a row for each state, with what it says in the code."""
        text = (site / "states.html").read_text(encoding="utf-8")

        for state, facts in FACTS.items():
            assert text.count(f">{state}</span>") >= 2
            assert facts.says.partition(":")[0].rstrip(".") in text

    def test_notebooks_keep_their_outputs(self, site):
        """A notebook's page has its stored pictures, and no widget that waits for a kernel."""
        text = (site / "notebooks" / "01_first_grid.html").read_text(encoding="utf-8")

        assert text.count("<iframe") == 1
        assert "widget-view" not in text
        assert "data:image" in text

    def test_a_wall_plays_with_the_network_cut(self, site, page):
        """From the disk, without a network and in a sandbox, the wall of a notebook's page is alive and plays."""
        page.goto((site / "notebooks" / "01_first_grid.html").as_uri())
        frame = page.frame_locator("iframe.wall")
        page.locator("iframe.wall").scroll_into_view_if_needed()
        frame.locator(".gg-video").nth(3).wait_for()
        assert page.frames[-1].evaluate(MOVING) == 4
        assert page.faults == []

    @pytest.mark.parametrize("width", [390, 1280])
    def test_no_page_is_wider_than_the_window(self, site, page, width):
        """On a phone and on a screen nothing sticks out of a page."""
        page.set_viewport_size({"width": width, "height": 800})
        wide = []
        for name in ("index", "states", "guide/start", "architecture", "reference/sweeps", "sources"):
            page.goto((site / f"{name}.html").as_uri())
            if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
                wide.append(name)

        assert wide == []

    def test_it_keeps_nobody_out(self, site, page):
        """On a page of each kind, in the light theme, axe-core finds nothing serious or critical."""
        assert barred(page, site, ("index", "states", "notebooks/01_first_grid"), "light") == {}

    @pytest.mark.full
    @pytest.mark.timeout(1200)
    @pytest.mark.parametrize("theme", ["light", "dark"])
    def test_no_page_keeps_anybody_out(self, site, page, theme):
        """Nor on any other page, in both themes."""
        pages = [path.relative_to(site).with_suffix("").as_posix() for path in sorted(site.rglob("*.html"))]

        assert barred(page, site, [name for name in pages if not name.startswith("_static/")], theme) == {}


def barred(page: Page, site: Path, names: Iterable[str], theme: str) -> dict[str, list[str]]:
    """Return what axe-core finds on pages, by their names."""
    from accessibility import barriers

    page.emulate_media(color_scheme=theme)
    found = {}
    for name in names:
        page.goto((site / f"{name}.html").as_uri())
        found[name] = barriers(page)
    return {name: said for name, said in found.items() if said}


@pytest.fixture
def page() -> Iterator[Page]:
    """A page in a Chromium that has no network; what its scripts raise is in `faults`."""
    sys.path.append(str(ROOT / "tests" / "browser"))
    from lab import chromium

    with chromium() as browser:
        context = browser.new_context(offline=True)
        page = context.new_page()
        page.faults = []
        page.on("pageerror", lambda error: page.faults.append(str(error)))
        yield page
        context.close()
