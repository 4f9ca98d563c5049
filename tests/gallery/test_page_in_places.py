"""The exported page where something is taken from it: in a sandbox, saved by the browser, printed, from right to left."""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING

import pytest

from gridgen import Grid, Simulator, Sweep
from gridgen.judgements.ratings_file import read_ratings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Frame, Page

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

SANDBOXED = '<!doctype html><iframe sandbox="allow-scripts" width="1200" height="800" %s></iframe>'
# the page's own policy forbids what Playwright's waiting would evaluate, so it waits in one evaluation
UNTIL = """() => new Promise((resolve) => {
  const end = performance.now() + 20000;
  const look = () => (%s ? resolve(true) : performance.now() > end ? resolve(false) : setTimeout(look, 30));
  look();
})"""
MOVING = """(() => {
  const seen = [...document.querySelectorAll(".gg-video")];
  return seen.length > 0 && seen.every((video) => video.currentTime > 0.2 && !video.paused);
})()"""
SIDES = "[...document.querySelectorAll('.gg-side')].map((head) => head.textContent).join()"
PRINTED = """[...document.querySelectorAll("img")].filter((poster) => {
  const { width, left, right } = poster.getBoundingClientRect();
  return poster.naturalWidth > 0 && width > 20 && left >= 0 && right <= innerWidth;
}).length"""


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of 24 clips, more than a window shows."""
    folder = tmp_path_factory.mktemp("made")
    prompts = [f"a paper boat, number {number}" for number in range(6)]
    with Simulator(speed=float("inf"), clips="tiny") as simulator:
        grid = Grid(prompt=prompts, size=["16:9", "9:16"], duration=[6, 10])
        sweep = Sweep(grid, client=simulator.client(), folder=folder / "boats")
        sweep.run()
        sweep.to_html(folder / "apart" / "boats.html", rows="prompt", cols=["size", "duration"], limit=1000)
        return sweep.to_html(folder / "boats.html", rows="prompt", cols=["size", "duration"]).path


@pytest.fixture(scope="module")
def made_of_one(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a single clip."""
    folder = tmp_path_factory.mktemp("one")
    with Simulator(speed=float("inf"), clips="tiny") as simulator:
        sweep = Sweep(Grid(prompt="a paper boat"), client=simulator.client(), folder=folder / "boat")
        sweep.run()
        return sweep.to_html(folder / "boat.html").path


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page without a network; nothing may go wrong in it."""
    context = browser.new_context(offline=True, viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.set_default_timeout(20_000)
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    yield page
    context.close()
    assert faults == []


def until(frame: Page | Frame, condition: str) -> None:
    """Wait until something holds in a frame."""
    assert frame.evaluate(UNTIL % condition)


def plays(frame: Page | Frame) -> None:
    """See every clip in view move, as they do by themselves."""
    until(frame, MOVING)


@pytest.mark.parametrize("kind", ["srcdoc", "file"])
def test_a_sandbox_takes_the_address_and_nothing_else(page, exported, tmp_path, kind):
    """Case V1: where the page may not write its address, the view is kept all the same, and all that follows it goes on."""
    text = exported.read_text("utf-8").replace("&", "&amp;").replace('"', "&quot;")
    where = f'srcdoc="{text}"' if kind == "srcdoc" else f'src="{exported.as_uri()}"'
    (tmp_path / "outer.html").write_text(SANDBOXED % where, "utf-8")
    page.goto((tmp_path / "outer.html").as_uri())
    frame = page.frames[1]
    frame.locator(".gg-tile").first.wait_for()
    frame.locator("select[name='rows']").select_option(label="size")
    until(frame, f"{SIDES} === '16:9,9:16'")
    frame.get_by_role("button", name=re.compile("Unrated")).click()
    until(
        frame, "document.querySelector('.gg-quickly[aria-pressed=true]')?.textContent.startsWith('Unrated')"
    )
    plays(frame)


def test_a_page_that_the_browser_saved_is_alive(page, exported, tmp_path):
    """Case V4: saved with all that was drawn in it and opened again, it has one wall, and that one plays."""
    page.goto(exported.as_uri())
    page.locator(".gg-video").first.wait_for()
    (tmp_path / "saved.html").write_text(page.content(), "utf-8")
    page.goto((tmp_path / "saved.html").as_uri())
    page.locator(".gg-video").first.wait_for()
    assert page.locator(".gg-wall").count() == 1
    plays(page)


def test_printing_shows_every_clip(page, exported):
    """Case V4: on paper, narrower than the window, each clip has its picture and its name."""
    page.goto(exported.as_uri())
    until(page, "document.querySelectorAll('.gg-print img').length === 24")
    assert page.evaluate(f"(() => {PRINTED})()") < 24
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 720, "height": 1000})
    until(page, f"{PRINTED} === 24")
    names = page.locator(".gg-print figcaption").all_inner_texts()
    assert len(set(names)) == 24
    assert "number 5" in names[-1]
    pictures = page.pdf(format="A4").count(b"/Subtype /Image")
    assert pictures >= 24


def test_what_is_filtered_out_is_not_printed(page, exported):
    """What is printed is what the wall shows, in its order."""
    page.goto(f"{exported.as_uri()}#filter=size%3D9:16&sort=-duration")
    until(page, "document.querySelectorAll('.gg-print img').length === 24")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    names = page.locator(".gg-print figcaption").all_inner_texts()
    assert len(names) == 12
    assert all("9:16" in name for name in names)


def test_clips_are_seen_from_right_to_left(page, exported, tmp_path):
    """Case V4: on a page in Arabic or Hebrew the clips are where they can be seen and played."""
    text = exported.read_text("utf-8").replace('<html lang="en">', '<html lang="ar" dir="rtl">')
    (tmp_path / "rtl.html").write_text(text, "utf-8")
    page.goto(f"{(tmp_path / 'rtl.html').as_uri()}#tile=640")
    page.locator(".gg-tile").first.wait_for()
    until(page, "document.querySelectorAll('.gg-video').length > 1")
    first = page.locator(".gg-tile[data-id='0']").bounding_box()
    assert first is not None
    assert 0 <= first["x"] < 1280 - first["width"]
    page.locator(".gg-scroll").evaluate("(scroll) => scroll.scrollTo({ left: 900 })")
    page.locator(".gg-tile[data-id='2']").wait_for()
    plays(page)


@pytest.mark.parametrize("place", ["alone", "srcdoc", "sandbox"])
def test_a_page_without_its_folder_names_the_folder(page, exported, tmp_path, place):
    """Case V2: mailed without its media folder, or kept from it, the page and its clips say which folder is missing."""
    apart = exported.parent / "apart" / "boats.html"
    frame = page
    if place == "alone":
        shutil.copy(apart, tmp_path / "boats.html")
        page.goto((tmp_path / "boats.html").as_uri())
    else:
        text = apart.read_text("utf-8").replace("&", "&amp;").replace('"', "&quot;")
        where = f'srcdoc="{text}"' if place == "srcdoc" else f'src="{apart.as_uri()}"'
        (tmp_path / "outer.html").write_text(SANDBOXED % where, "utf-8")
        page.goto((tmp_path / "outer.html").as_uri())
        frame = page.frames[1]
    missing = frame.locator("#gridgen-missing")
    missing.wait_for()
    assert "boats_files" in missing.inner_text()
    until(
        frame,
        "document.querySelector('.gg-tile .gg-reason')?.textContent.includes('is not in the folder boats_files')",
    )
    assert "format" not in frame.locator(".gg-tile").first.inner_text()


def test_a_page_beside_its_folder_misses_nothing(page, exported):
    """Case V2: with the folder beside it nothing is said of it."""
    page.goto((exported.parent / "apart" / "boats.html").as_uri())
    plays(page)
    assert not page.locator("#gridgen-missing").is_visible()


@pytest.mark.parametrize("broken", ["setItem", "localStorage"])
def test_a_browser_that_keeps_nothing_shows_all_the_same(page, exported, broken):
    """Case V1: where storage throws, the page plays and takes ratings, and says that it does not keep them."""
    refuse = "{ throw new DOMException('no', 'SecurityError'); }"
    page.add_init_script(
        f"Object.defineProperty(window, 'localStorage', {{ get() {refuse} }})"
        if broken == "localStorage"
        else f"Storage.prototype.{broken} = () => {refuse}"
    )
    page.goto(exported.as_uri())
    plays(page)
    page.locator(".gg-tile").first.focus()
    page.keyboard.press("4")
    until(page, "document.querySelector('.gg-badge[data-kind=stars]')?.textContent === '★ 4'")
    until(page, "document.querySelector('.gg-sender').hasAttribute('data-fleeting')")


def test_a_sandbox_that_forbids_downloads_has_the_ratings_as_text(page, exported, tmp_path):
    """Case V3: where nothing is saved and nothing said, the ratings can be copied as text, which is a ratings file."""
    (tmp_path / "outer.html").write_text(SANDBOXED % f'src="{exported.as_uri()}"', "utf-8")
    page.goto((tmp_path / "outer.html").as_uri())
    frame = page.frames[1]
    frame.locator(".gg-tile").first.focus()
    page.keyboard.press("4")
    frame.get_by_role("button", name="Download ratings (1)").click()
    frame.get_by_role("button", name="Copy the text").click()
    until(frame, "document.querySelector('.gg-copied').textContent === 'Copied.'")
    text = frame.locator(".gg-after textarea").input_value()
    assert [said.stars for _, _, said in read_ratings(text).judgements] == [4]
    page.keyboard.press("Escape")
    frame.locator(".gg-reviewer").fill("")
    frame.locator(".gg-reviewer").focus()
    page.keyboard.press("Control+V")
    assert frame.locator(".gg-reviewer").input_value() == text[:60]


def test_one_clip_is_in_no_rounds(page, made_of_one):
    """Case U8: where fewer than two clips are on the page, the button of the rounds says so instead of doing nothing."""
    page.goto(made_of_one.as_uri())
    plays(page)
    page.get_by_role("button", name="Blind rounds").click()
    until(page, "document.querySelector('.gg-toast').textContent.includes('two finished clips')")
    assert not page.locator(".gg-duel").is_visible()


def test_two_tabs_of_one_page_keep_what_is_said_in_both(page, exported):
    """Case I3: a page that is open twice shows in each tab what was rated in the other, and neither file lacks any of it."""
    page.goto(exported.as_uri())
    other = page.context.new_page()
    other.goto(exported.as_uri())
    for tab, at, stars in ((page, 0, 4), (other, 1, 2), (page, 2, 5)):
        tab.locator(f".gg-tile[data-id='{at}']").focus()
        tab.keyboard.press(str(stars))
        for each in (page, other):
            until(
                each,
                f"[...document.querySelectorAll('.gg-save')].some((e) => e.textContent.includes('({at + 1})'))",
            )
            badge = f".gg-tile[data-id='{at}'] .gg-badge[data-kind=stars]"
            until(each, f"""document.querySelector("{badge}")?.textContent === '★ {stars}'""")
    other.reload()
    until(
        other, "[...document.querySelectorAll('.gg-save')].some((each) => each.textContent.includes('(3)'))"
    )


def test_its_own_sentences_keep_their_order_from_right_to_left(page, exported, tmp_path):
    """Case V4: on a page in Arabic or Hebrew what gridgen says in English begins at the left and ends with its full stop."""
    text = exported.read_text("utf-8").replace('<html lang="en">', '<html lang="ar" dir="rtl">')
    (tmp_path / "rtl.html").write_text(text, "utf-8")
    page.goto((tmp_path / "rtl.html").as_uri())
    page.locator(".gg-tile").first.wait_for()
    said = page.evaluate("""() => ["#gridgen-missing", ".gg-instruction", ".gg-header", ".gg-after"].flatMap((name) =>
      [...document.querySelectorAll(name)].map((each) => getComputedStyle(each).direction))""")
    assert set(said) == {"ltr"}


def test_without_scripts_it_says_what_to_do(browser, exported):
    """Case V1: the preview of a mail or of a phone runs no script; there the page says to open it in a browser."""
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(exported.as_uri())
    said = page.locator("noscript").inner_text()
    assert "in a browser" in said
    assert "24 clips" in said
    context.close()
