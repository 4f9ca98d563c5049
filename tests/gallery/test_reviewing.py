"""Judging in the wall as a person does it: by keys and by mouse, on tiles, beside the open clip, and blindly."""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING, Any

import pytest
from fake_sweep import FakeSweep
from hostile import HOSTILE
from watching import CONTRASTS, READY, SETTLED, shown

from gridgen.grid import Grid
from gridgen.simulator.clips import dimensions
from gridgen.simulator.clips.caption import caption

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

BADGES = """(id) => Object.fromEntries([...document.querySelectorAll(`.gg-tile[data-id="${id}"] .gg-badge`)]
  .map((badge) => [badge.dataset.kind, badge.textContent]))"""
IDS = "() => [...document.querySelectorAll('.gg-tile')].map((tile) => Number(tile.dataset.id)).sort((a, b) => a - b)"
PAIR = """() => {
  const videos = [...document.querySelectorAll(".gg-pair video")];
  return videos.length === 2 && videos.every((video) => video.readyState >= 2);
}"""


IN_STEP = """() => {
  const [left, right] = [...document.querySelectorAll(".gg-pair video")].map((video) => video.currentTime);
  return left > 0.2 && right > 0.2 && Math.abs(left - right) < 0.05;
}"""


def opinion(sweep: FakeSweep, index: int, reviewer: str = "anna") -> tuple[Any, ...]:
    """Return what a reviewer says of a row: stars, pick, tags, note."""
    found = sweep.internals.judgements.book.of(sweep.internals.slot(sweep.rows()[index]), reviewer)
    return found.stars, found.pick, found.tags, found.note


def tile(page: Page, index: int) -> Any:
    """Return the tile of a clip."""
    return page.locator(f".gg-tile[data-id='{index}']")


def press(page: Page, *keys: str) -> None:
    """Press keys one after another."""
    for key in keys:
        page.keyboard.press(key)


def answered(page: Page) -> None:
    """Wait until the kernel has kept all that was said."""
    page.wait_for_function(
        "() => sent.filter(({ request }) => request).every(({ request }) => replied.has(request))"
    )


def wall(browser: Browser, sweep: FakeSweep, served: Path | None, **options: Any) -> Any:
    """Show the wall of a reviewer called anna."""
    return shown(browser, sweep, served, reviewer="anna", **options)


def test_keys_rate_the_clip_with_the_focus(browser: Browser, served: Path, done: FakeSweep) -> None:
    """Digits give stars, P picks, X rejects, the same again takes back, U undoes; tile, label, count and Python agree."""
    with wall(browser, done, served, rows="prompt", cols="size") as (page, _, gallery):
        tile(page, 0).focus()
        press(page, "4", "p")
        assert page.evaluate(BADGES, 0) == {"stars": "★ 4", "pick": "✓"}
        assert tile(page, 0).get_attribute("aria-label").endswith("done, 4 stars, picked")
        answered(page)
        assert opinion(done, 0) == (4, True, (), "")
        press(page, "ArrowRight", "0", "x")
        assert page.evaluate(BADGES, 1) == {"stars": "★ 0", "pick": "✕"}
        assert page.locator(".gg-judged").inner_text() == "2 of 4 rated"
        press(page, "0", "x")
        assert page.evaluate(BADGES, 1) == {}
        answered(page)
        press(page, "u")
        page.wait_for_function(f"({BADGES})(1).pick === '✕'")
        press(page, "u")
        page.wait_for_function(f"({BADGES})(1).stars === '★ 0'")
        answered(page)
        assert opinion(done, 1) == (0, False, (), "")
        assert gallery.wall.feed.reviewer == "anna"


OUTSIDE = """[...document.querySelectorAll(".gg-wall > :not(dialog, .gg-tip) *")].filter((element) => {
  const bar = element.closest(".gg-header, .gg-shelf, .gg-transport");
  if (!bar || !element.checkVisibility() || element.closest(".gg-quick, .gg-ticks, .gg-live")) return false;
  const [inner, outer] = [element, bar].map((each) => each.getBoundingClientRect());
  return inner.width > 0 && (inner.top < outer.top - 2 || inner.bottom > outer.bottom + 2);
}).map((element) => element.className)"""


@pytest.mark.parametrize("width", [560, 980, 1400])
def test_every_control_stands_in_its_bar(browser: Browser, served: Path, done: FakeSweep, width: int) -> None:
    """At any width what belongs to the header, the row of filters and the transport is within them, the button of the rounds too."""
    done.internals.judgements.judge([done.internals.slot(done.rows()[0])], "anna", pick=True)
    viewport = {"width": width, "height": 900}
    with wall(browser, done, served, rows="prompt", cols="size", viewport=viewport) as (page, _, _):
        page.wait_for_function(READY, arg=4)
        assert page.locator(".gg-review .gg-button", has_text="Blind rounds").is_visible()
        assert page.evaluate(OUTSIDE) == []


def test_the_mouse_rates_over_a_tile(browser: Browser, served: Path, done: FakeSweep) -> None:
    """Stars and moods under the pointer are clicked without opening the clip; the same star again takes it back."""
    with wall(browser, done, served, rows="prompt", cols="size") as (page, _, _):
        tile(page, 2).hover()
        page.get_by_role("button", name="3 stars (3)").first.click()
        page.get_by_role("button", name="Reject (X)").first.click()
        assert page.evaluate(BADGES, 2) == {"stars": "★ 3", "pick": "✕"}
        assert page.locator(".gg-stage[open]").count() == 0
        tile(page, 1).hover()
        assert page.locator(".gg-tools .gg-star[data-on]").count() == 0
        tile(page, 2).hover()
        assert page.locator(".gg-tools .gg-star[data-on]").count() == 3
        page.get_by_role("button", name="3 stars (3)").first.click()
        answered(page)
        assert opinion(done, 2) == (None, False, (), "")


def test_tags_and_a_note_are_written_beside_the_open_clip(
    browser: Browser, served: Path, done: FakeSweep
) -> None:
    """T and E lead to the fields, what is typed there rates nothing, known tags are one click, closing keeps all."""
    with wall(browser, done, served, rows="prompt", cols="size") as (page, _, _):
        tile(page, 0).focus()
        press(page, "t")
        page.locator(".gg-stage[open]").wait_for()
        page.keyboard.type("sharp, 5xpu")
        press(page, "Enter")
        page.locator(".gg-stage").focus()
        press(page, "e")
        page.keyboard.type("3 stars? up")
        press(page, "Escape")
        answered(page)
        assert opinion(done, 0) == (None, None, ("sharp", "5xpu"), "3 stars? up")
        press(page, "ArrowRight", "Enter")
        page.locator(".gg-stage[open]").wait_for()
        assert page.locator(".gg-note-text").input_value() == ""
        page.get_by_role("button", name="sharp").click()
        page.locator(".gg-verdicts").get_by_role("button", name="Pick (P)").click()
        answered(page)
        assert opinion(done, 1) == (None, True, ("sharp",), "")
        page.locator(".gg-stage").focus()
        press(page, "2", "ArrowLeft")
        page.wait_for_function("document.querySelector('.gg-note-text').value === '3 stars? up'")
        answered(page)
        assert opinion(done, 1)[0] == 2


def test_compared_clips_are_rated_in_their_places(browser: Browser, served: Path, done: FakeSweep) -> None:
    """Each clip has its own stars; keys are about the one in front."""
    with wall(browser, done, served, rows="prompt", cols="size") as (page, _, _):
        tile(page, 0).focus()
        press(page, "c", "ArrowRight", "c", "v")
        page.locator(".gg-pane .gg-judge").nth(1).wait_for()
        press(page, "5")
        page.locator(".gg-pane").nth(1).get_by_role("button", name="2 stars (2)").click()
        answered(page)
        assert (opinion(done, 0)[0], opinion(done, 1)[0]) == (5, 2)
        page.locator(".gg-pane").nth(1).click(position={"x": 60, "y": 60})
        press(page, "p")
        answered(page)
        assert (opinion(done, 0)[1], opinion(done, 1)[1]) == (None, True)


def test_what_cannot_be_kept_is_taken_back(browser: Browser, served: Path, done: FakeSweep) -> None:
    """A rating that the disk refuses leaves the tile again, with the reason in the row above."""
    done.internals.judgements.path.symlink_to(served / "elsewhere")
    with wall(browser, done, served, rows="prompt", cols="size") as (page, _, _):
        tile(page, 0).focus()
        press(page, "4")
        page.wait_for_function(
            "document.querySelector('.gg-said').textContent.startsWith('Not noted: judgements')"
        )
        assert page.evaluate(BADGES, 0) == {}


def test_ratings_wait_for_a_busy_kernel(browser: Browser, served: Path, done: FakeSweep) -> None:
    """They are on screen at once; after a while the row says that they wait."""
    with wall(browser, done, served, rows="prompt", cols="size") as (page, _, _):
        page.evaluate("window.kernelBusy = true")
        tile(page, 0).focus()
        press(page, "4")
        assert page.evaluate(BADGES, 0) == {"stars": "★ 4"}
        page.wait_for_function(
            "document.querySelector('.gg-said').textContent === '1 rating waits for the kernel'"
        )


def test_the_unrated_are_gone_through_one_by_one(browser: Browser, served: Path, done: FakeSweep) -> None:
    """In the filter of unrated clips each rating leads to the next clip, until none is left."""
    with wall(browser, done, served, rows="prompt", cols="size") as (page, _, _):
        page.get_by_role("button", name="Unrated 4").click()
        tile(page, 0).focus()
        for left in (3, 2, 1):
            press(page, str(left))
            page.wait_for_function(f"({IDS})().length === {left}")
            assert page.evaluate("document.activeElement.classList.contains('gg-tile')")
        press(page, "x")
        page.get_by_text("No clip passes the filter.").wait_for()
        answered(page)
        assert [opinion(done, index)[:2] for index in range(4)] == [
            (3, None),
            (2, None),
            (1, None),
            (None, False),
        ]
        page.get_by_role("button", name="All 4").click()
        page.wait_for_function(f"({IDS})().length === 4")


def test_clips_are_filtered_by_any_column_and_hidden(browser: Browser, served: Path, done: FakeSweep) -> None:
    """Clauses are built, shown, joined and taken away; H hides; a view is kept for the next page and given to Python."""
    with wall(browser, done, served, rows="prompt", cols="size") as (page, _, gallery):
        page.get_by_role("button", name="Filter by any column").click()
        page.get_by_label("Column", exact=True).select_option("size")
        page.get_by_label("Value", exact=True).select_option("9:16")
        page.get_by_role("button", name="Add").click()
        assert page.evaluate(IDS) == [1, 3]
        page.get_by_label("Column", exact=True).select_option("seconds")
        page.get_by_label("Condition", exact=True).select_option(">=")
        page.get_by_label("Value", exact=True).fill("7")
        page.get_by_label("Value", exact=True).press("Enter")
        assert page.evaluate(IDS) == []
        page.get_by_role("button", name="clip length at least 7").click()
        tile(page, 1).focus()
        press(page, "h")
        assert page.evaluate(IDS) == [3]
        assert [each.inner_text() for each in page.locator(".gg-clause").all()] == [
            "size is 9:16",
            "1 hidden",
        ]
        page.wait_for_function("sent.some(({ kind, view }) => kind === 'view' && view.includes('clip'))")
        answered(page)
        assert gallery.view.startswith("filter=size")
        page.evaluate("() => show(host.signal, document.body.appendChild(document.createElement('div')))")
        page.wait_for_function("document.querySelectorAll('.gg-wall').length === 2")
        assert page.evaluate("document.querySelectorAll('.gg-clause').length") == 4
        page.reload()
        page.wait_for_function(f"({IDS})().join() === '3'")


def test_clips_are_selected_and_python_has_them(browser: Browser, served: Path, done: FakeSweep) -> None:
    """Ctrl+click, Shift+click and S select; a plain click opens; the selection outlives the page."""
    with wall(browser, done, served, rows="prompt", cols="size") as (page, _, gallery):
        tile(page, 0).click(modifiers=["Control"])
        tile(page, 3).click(modifiers=["Shift"])
        answered(page)
        assert gallery.wall.judge.selected == (0, 1, 2, 3)
        tile(page, 1).click(modifiers=["Control"])
        tile(page, 2).focus()
        press(page, "s")
        answered(page)
        assert gallery.wall.judge.selected == (0, 3)
        selected = (
            "[...document.querySelectorAll('[aria-selected=true]')].map((each) => Number(each.dataset.id))"
        )
        assert sorted(page.evaluate(selected)) == [0, 3]
        page.reload()
        page.wait_for_function(f"{selected}.length === 2")
        tile(page, 2).click()
        page.locator(".gg-stage[open]").wait_for()
        assert gallery.wall.judge.selected == (0, 3)


def test_rounds_are_blind_until_one_is_chosen(browser: Browser, served: Path, done: FakeSweep) -> None:
    """Nothing tells what the two clips are before the choice; then it is shown, kept, and the next pair comes by itself."""
    with wall(browser, done, served, rows="prompt", cols="size") as (page, _, _):
        page.wait_for_function(READY, arg=4)
        tile(page, 0).focus()
        press(page, "b")
        page.wait_for_function(PAIR)
        told = page.locator(".gg-duel").evaluate(
            "(dialog) => [...dialog.querySelectorAll('.gg-rounds *')].flatMap((each) => [...each.attributes].filter(({ name }) => name !== 'src').map(({ value }) => value)).join() + dialog.innerText"
        )
        assert not any(word in told for word in ("boat", "fox", "16:9", "9:16", "data-id"))
        page.wait_for_function(IN_STEP)
        press(page, "ArrowLeft")
        words = page.locator(".gg-reveal").first.inner_text()
        assert "paper boat" in words or "red fox" in words
        answered(page)
        (choice,) = done.internals.judgements.book.counted
        assert (choice.reviewer, choice.outcome) == ("anna", "left")
        page.wait_for_function(
            "document.querySelector('.gg-duel .gg-stage-title').textContent.endsWith('Round 2')"
        )
        page.wait_for_function(PAIR)
        press(page, "ArrowDown", "Enter")
        press(page, "ArrowUp")
        answered(page)
        assert [each.outcome for each in done.internals.judgements.book.choices] == ["left", "tie", "skip"]
        press(page, "u")
        page.wait_for_function("document.querySelector('.gg-duel .gg-said').textContent === 'Undone.'")
        press(page, "u")
        answered(page)
        assert [each.outcome for each in done.internals.judgements.book.counted] == ["left"]


LETTERING = """async ([module, ratios]) => {
  const { letteringOf } = await import(`data:text/javascript,${encodeURIComponent(module)}`);
  return ratios.map(letteringOf);
}"""


def test_all_that_the_simulator_letters_is_covered(browser: Browser) -> None:
    """For every shape and number of lines the part that rounds cover holds the whole caption of a long prompt, and little more."""
    shapes = [
        dimensions(size, f"{lines}p")
        for size in ("16:9", "9:16", "1:1", "3:2", "2:3", "21:9", "4:3")
        for lines in (480, 720, 1080)
    ]
    module = resources.files("gridgen.gallery").joinpath("js/layout.js").read_text("utf-8")
    page = browser.new_page()
    shares = page.evaluate(LETTERING, [module, [width / height for width, height in shapes]])
    page.close()
    for (width, height), share in zip(shapes, shares, strict=True):
        _, top = caption((width, height), "long " * 90, "16:9   10 s   480p")
        assert 0 <= share - (1 - top / height) < 0.02


def test_keys_go_on_where_the_mouse_left_off(browser: Browser, served: Path, done: FakeSweep) -> None:
    """What a click does away with, a clip, a clause, a tag or a whole view, does not take the focus along; a click outside does."""
    here = "document.activeElement.closest('.gg-wall') !== null"
    with wall(browser, done, served, rows="prompt", cols="size") as (page, _, _):
        tile(page, 0).focus()
        press(page, "b")
        page.wait_for_function(PAIR)
        page.locator(".gg-pair video").first.click()
        press(page, "Enter")
        page.wait_for_function(PAIR)
        press(page, "ArrowRight")
        answered(page)
        assert [each.outcome for each in done.internals.judgements.book.choices] == ["left", "right"]
        page.get_by_role("button", name="Undo").click()
        page.locator(".gg-answer").first.click()
        press(page, "r")
        page.locator(".gg-ranking").get_by_role("button", name="size").click()
        press(page, "u")
        answered(page)
        assert [each.outcome for each in done.internals.judgements.book.counted] == ["left"]
        press(page, "Escape")
        tile(page, 0).focus()
        press(page, "t")
        page.keyboard.type("sharp, calm")
        press(page, "Enter")
        page.locator(".gg-tag").first.click()
        press(page, "5", "Escape")
        answered(page)
        assert opinion(done, 0)[0] == 5
        tile(page, 1).focus()
        press(page, "h")
        page.get_by_role("button", name="1 hidden").click()
        assert page.evaluate(here)
        page.mouse.click(2, 2)
        page.evaluate("model.set('rows', 0)")
        page.evaluate("new Promise((done) => setTimeout(done, 50))")
        assert not page.evaluate(here)


PICTURES = "[...document.querySelectorAll('.gg-standings img')]"
PLAYED = ((0, 1, "left"), (3, 2, "right"), (0, 3, "left"), (1, 2, "right"), (2, 0, "right"))


def test_the_ranking_is_shown_over_clips_and_axes(browser: Browser, served: Path, done: FakeSweep) -> None:
    """After some rounds R shows who leads, with intervals and each clip's picture, also for the values of each axis."""
    rows = done.rows()
    for _ in range(6):
        for left, right, outcome in PLAYED:
            done.internals.judgements.choose(
                "ben", done.internals.slot(rows[left]), done.internals.slot(rows[right]), outcome
            )
    with wall(browser, done, served, rows="prompt", cols="size") as (page, _, _):
        tile(page, 0).focus()
        press(page, "b", "r")
        page.locator(".gg-standings").wait_for()
        leads = "document.querySelector('.gg-standings tbody tr td').textContent"
        assert page.evaluate(leads) == "a paper boat, 16:9"
        page.wait_for_function(
            f"{PICTURES}.length === 4 && {PICTURES}.every((image) => image.naturalWidth > 0)"
        )
        page.locator(".gg-ranking").get_by_role("button", name="size").click()
        assert page.evaluate(leads) == "16:9"
        assert page.evaluate(f"{PICTURES}.length") == 0
        assert page.locator(".gg-standings tbody tr").first.locator("td").last.inner_text().startswith("24")
        assert "30 choices" in page.locator(".gg-quietly").inner_text()


@pytest.mark.usefixtures("served")
def test_closing_the_rounds_frees_everything(browser: Browser, done: FakeSweep) -> None:
    """Ten times in and out leave as many players, blobs and listeners as before, and the wall goes on."""
    with wall(browser, done, None, rows="prompt", cols="size") as (page, _, _):
        page.wait_for_function(READY, arg=4)
        tile(page, 0).focus()
        count = "[document.querySelectorAll('video').length, blobs, listeners(), document.querySelectorAll('*').length]"

        def round_trip() -> list[int]:
            press(page, "b")
            page.wait_for_function(PAIR)
            press(page, "ArrowRight", "Escape")
            page.wait_for_function(
                "!document.querySelector('.gg-duel').open && !document.querySelector('.gg-pair video')"
            )
            found: list[int] = page.evaluate(count)
            return found

        for _ in range(4):
            before = round_trip()
        for _ in range(6):
            after = round_trip()
        assert after == before
        assert page.evaluate("document.activeElement.classList.contains('gg-tile')")


def test_rounds_alone_take_the_place_of_the_wall(browser: Browser, served: Path, done: FakeSweep) -> None:
    """A widget of rounds begins with a press, shows only the rows that take part, and keys choose."""
    with wall(browser, done, served, rounds=[0, 2]) as (page, _, _):
        assert page.locator(".gg-tile").count() == 0
        page.get_by_role("button", name="Begin the blind rounds").click()
        page.wait_for_function(PAIR)
        press(page, "ArrowRight")
        answered(page)
        (choice,) = done.internals.judgements.book.counted
        rows = done.rows()
        assert {choice.left, choice.right} == {done.internals.slot(rows[0]), done.internals.slot(rows[2])}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_of_it_can_be_read(browser: Browser, served: Path, done: FakeSweep, scheme: str) -> None:
    """Contrast is 4.5 or more in the row, the builder, the open clip's panel and the ranking; in light and dark."""
    with wall(browser, done, served, rows="prompt", cols="size", color_scheme=scheme) as (page, _, _):
        tile(page, 0).focus()
        press(page, "4", "p", "ArrowRight", "x")
        page.get_by_role("button", name="Filter by any column").click()
        page.get_by_role("button", name="Add").click()
        page.wait_for_function(SETTLED)
        skipped = {"gg-badge", "gg-info", "gg-save"}
        poor = [each for each in page.evaluate(CONTRASTS) if each[2] < 4.5 and each[0] not in skipped]
        assert poor == []
        page.get_by_role("button", name="All 4").click()
        tile(page, 0).focus()
        press(page, "t")
        page.keyboard.type("sharp")
        press(page, "Enter", "Escape", "b", "r")
        page.locator(".gg-standings").wait_for()
        page.wait_for_function(SETTLED)
        poor = [each for each in page.evaluate(CONTRASTS) if each[2] < 4.5 and each[0] not in skipped]
        assert poor == []


WATCH = """
  window.alarms = [];
  window.alarm = () => alarms.push(new Error().stack);
"""
FOREIGN = ".gg-wall :is(script, iframe, style, link, object, embed, form, base, meta, audio, img[src='x'], a)"


def test_hostile_words_stay_words(browser: Browser, served: Path) -> None:
    """Tags, notes and reviewers from a journal, and the same typed by hand, are shown as text and run nothing."""
    sweep = FakeSweep(Grid(prompt=[f"prompt {n}" for n in range(len(HOSTILE))]), served / "nb" / "boats")
    for row, text in zip(sweep.rows(), HOSTILE, strict=True):
        words = "".join(each for each in text[:2000] if each.isprintable())
        for reviewer in ("anna", words[:60].strip()):
            slots = [sweep.internals.slot(row)]
            said = {"note": words, "tags": [words[:40].replace(",", ";")], "stars": 3}
            sweep.internals.rejudge(sweep.internals.judgements.judge(slots, reviewer, **said))
    with shown(browser, sweep, served, reviewer="anna", before=WATCH, rows="prompt", cols=[]) as (page, _, _):
        fetched: list[str] = []
        page.on("request", lambda request: fetched.append(request.url))
        tile(page, 0).focus()
        press(page, "Enter")
        for index in range(0, len(HOSTILE), 4):
            page.wait_for_function(
                "(note) => document.querySelector('.gg-note-text').value === note",
                arg=opinion(sweep, index)[3].replace("\r\n", "\n"),
            )
            press(page, *["ArrowDown"] * 4)
        press(page, "Escape")
        page.get_by_role("button", name="Filter by any column").click()
        for column in ("tags", "note"):
            page.get_by_label("Column", exact=True).select_option(column)
            page.get_by_label("Condition", exact=True).select_option("=")
            page.get_by_label("Value", exact=True).select_option(index=3)
            page.get_by_role("button", name="Add").click()
        assert page.evaluate(f"[document.querySelectorAll({FOREIGN!r}).length, alarms.length]") == [0, 0]
        assert [url for url in fetched if not url.endswith("/ask")] == []
