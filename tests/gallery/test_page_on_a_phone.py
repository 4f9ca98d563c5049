"""The exported page on a phone: one column, by touch alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gridgen import Grid, Simulator, Sweep

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Locator, Page

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

WIDTH, HEIGHT = 390, 844
FINGER = 44
JUDGED = (
    "() => [...document.querySelectorAll('.gg-judged')].some((each) => each.textContent === '%d of 18 rated')"
)


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page of 18 clips of three shapes, laid out as a table."""
    folder = tmp_path_factory.mktemp("made")
    prompts = [f"a paper boat, number {number}" for number in range(3)]
    with Simulator(speed=float("inf"), clips="tiny") as simulator:
        grid = Grid(prompt=prompts, size=["16:9", "9:16", "1:1"], duration=[6, 10])
        sweep = Sweep(grid, client=simulator.client(), folder=folder / "boats")
        sweep.run()
        return sweep.to_html(folder / "boats.html", rows="prompt", cols=["size", "duration"]).path


@pytest.fixture(params=["light", pytest.param("dark", marks=pytest.mark.full)])
def page(browser: Browser, exported: Path, request: pytest.FixtureRequest) -> Iterator[Page]:
    """The page on a phone with no network; nothing may go wrong in it."""
    context = browser.new_context(
        offline=True,
        viewport={"width": WIDTH, "height": HEIGHT},
        has_touch=True,
        is_mobile=True,
        color_scheme=request.param,
    )
    page = context.new_page()
    page.set_default_timeout(20_000)
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.goto(exported.as_uri())
    page.locator(".gg-tile").first.wait_for()
    yield page
    context.close()
    assert faults == []


def box(of: Locator) -> dict[str, float]:
    """Return where something is on the screen."""
    found = of.bounding_box()
    assert found is not None
    return found


def fits_a_finger(of: Locator) -> bool:
    """Return whether a finger hits it and nothing else."""
    found = box(of)
    return found["width"] >= FINGER and found["height"] >= FINGER


def swipe(page: Page, way: int) -> None:
    """Draw a finger across the open clip; it rests before it leaves, else the browser takes the next touch to stop the fling."""
    at = box(page.locator(".gg-screen"))
    middle = {"x": at["x"] + at["width"] / 2 - way * 80, "y": at["y"] + at["height"] / 2}
    gesture = {"xDistance": way * 160, "yDistance": 0, "speed": 1600, "preventFling": True}
    line = page.context.new_cdp_session(page)
    line.send("Input.synthesizeScrollGesture", {**middle, **gesture, "gestureSourceType": "touch"})


def test_clips_stand_in_one_column_with_the_controls_folded(page: Page) -> None:
    """Case U8: the first clip is in the upper half of the screen; the menus come and go by one button; nothing is too wide."""
    tiles = page.locator(".gg-tile")
    lefts = {box(tile)["x"] for tile in tiles.all()}
    tops = [box(tile)["y"] for tile in tiles.all()]
    assert len(lefts) == 1
    assert len(set(tops)) == len(tops)
    assert box(tiles.first)["y"] < HEIGHT * 0.4
    assert page.evaluate("document.documentElement.scrollWidth") <= WIDTH
    menu = page.locator("select[name='rows']")
    assert not menu.is_visible()
    fold = page.get_by_role("button", name="Menus")
    assert fits_a_finger(fold)
    fold.tap()
    menu.select_option(label="prompt")
    page.locator(".gg-side", has_text="number 0").wait_for()
    fold.tap()
    menu.wait_for(state="hidden")


def test_eighteen_clips_are_rated_by_eighteen_taps(page: Page) -> None:
    """Case U8: a star under each clip is one tap of a finger's size, so that all take no more than two taps a clip."""
    taps = 0
    for at in range(18):
        star = page.locator(f".gg-tile[data-id='{at}'] > .gg-judge .gg-star[data-star='4']")
        page.locator(".gg-scroll").evaluate("(scroll, at) => scroll.scrollBy(0, at ? 60 : 0)", at)
        for _ in range(40):
            if star.count():
                break
            page.locator(".gg-scroll").evaluate("(scroll) => scroll.scrollBy(0, 150)")
            page.wait_for_timeout(20)
        assert fits_a_finger(star)
        star.tap()
        taps += 1
        page.wait_for_function(JUDGED % (at + 1))
    assert taps <= 36
    assert not page.locator(".gg-stage").is_visible()


def test_the_open_clip_goes_on_by_a_swipe_and_by_a_button(page: Page) -> None:
    """Case U8: opened by a tap it is rated, and the next and the one before come by a finger; its stars are of a finger's size."""
    page.locator(".gg-tile[data-id='0'] .gg-frame").tap()
    stage = page.locator(".gg-stage")
    pane = "() => document.querySelector('.gg-stage .gg-pane')?.dataset.id === '%d'"
    page.wait_for_function(pane % 0)
    for star in stage.locator(".gg-star").all():
        assert fits_a_finger(star)
        assert box(star)["x"] + box(star)["width"] <= WIDTH
    stage.locator(".gg-star").nth(2).tap()
    swipe(page, -1)
    page.wait_for_function(pane % 1)
    onward = stage.get_by_role("button", name="Next clip")
    assert fits_a_finger(onward)
    onward.tap()
    page.wait_for_function(pane % 2)
    stage.get_by_role("button", name="Clip before").tap()
    page.wait_for_function(pane % 1)
    swipe(page, 1)
    page.wait_for_function(pane % 0)
    assert stage.get_by_role("button", name="Clip before").is_disabled()
    stage.get_by_role("button", name="Close").tap()
    stage.wait_for(state="hidden")
    page.wait_for_function(JUDGED % 1)


def test_blind_rounds_are_decided_by_touch(page: Page) -> None:
    """Case U8: two clips stand above each other, each as wide as the screen, and a tap on a clip or on a button decides."""
    page.get_by_role("button", name="Blind rounds").tap()
    page.wait_for_function("() => document.querySelectorAll('.gg-pair video').length === 2")
    upper, lower = (box(pane) for pane in page.locator(".gg-pair .gg-pane").all())
    assert upper["width"] > WIDTH * 0.85
    assert lower["y"] >= upper["y"] + upper["height"]
    assert min(upper["height"], lower["height"]) > 180
    chosen = page.get_by_role("button", name="Upper")
    assert fits_a_finger(chosen)
    assert box(chosen)["y"] + box(chosen)["height"] <= HEIGHT
    chosen.tap()
    page.locator(".gg-rounds[data-chosen='left']").wait_for()
    page.wait_for_function("() => !document.querySelector('.gg-rounds[data-chosen]')")
    page.locator(".gg-pair .gg-pane").last.tap()
    page.locator(".gg-rounds[data-chosen='right']").wait_for()


@pytest.mark.parametrize(("wide", "tall"), [(844, 390), (667, 320)])
def test_a_phone_that_lies_on_its_side_has_all_in_sight(page: Page, wide: int, tall: int) -> None:
    """Case U8: turned, the menus stay folded, the open clip has its stars beside it, and rounds their answers below, without keys."""
    page.set_viewport_size({"width": wide, "height": tall})
    assert not page.locator("select[name='rows']").is_visible()
    assert box(page.locator(".gg-tile").first)["y"] < tall
    page.locator(".gg-tile[data-id='0'] .gg-frame").tap(position={"x": 30, "y": 12})
    stage = page.locator(".gg-stage")
    page.wait_for_function("() => document.querySelector('.gg-stage .gg-pane')?.dataset.id === '0'")
    screen, bar = box(stage.locator(".gg-screen")), box(stage.locator(".gg-transport"))
    assert screen["width"] > 300
    assert screen["height"] > tall * 0.45
    assert screen["y"] + screen["height"] <= bar["y"] + 1
    assert bar["y"] + bar["height"] <= tall
    for star in stage.locator(".gg-star").all():
        assert fits_a_finger(star)
        at = box(star)
        assert screen["x"] + screen["width"] <= at["x"] <= wide - at["width"]
        assert at["y"] + at["height"] <= bar["y"]
    swipe(page, -1)
    page.wait_for_function("() => document.querySelector('.gg-stage .gg-pane')?.dataset.id === '1'")
    stage.get_by_role("button", name="Close").tap()
    stage.wait_for(state="hidden")
    page.get_by_role("button", name="Blind rounds").tap()
    page.wait_for_function("() => document.querySelectorAll('.gg-pair video').length === 2")
    left, right = (box(pane) for pane in page.locator(".gg-pair .gg-pane").all())
    assert left["y"] == right["y"]
    assert left["height"] > tall * 0.3
    assert page.locator(".gg-duel kbd:visible").count() == 0
    chosen = page.get_by_role("button", name="Right")
    assert fits_a_finger(chosen)
    assert box(chosen)["y"] + box(chosen)["height"] <= tall


def test_a_long_title_leaves_the_ways_on_beside_each_other(page: Page) -> None:
    """Case U8: in the open clip the title gives way to the buttons, which stay in one row."""
    page.locator(".gg-tile[data-id='0'] .gg-frame").tap()
    stage = page.locator(".gg-stage")
    stage.locator(".gg-stage-title").evaluate(
        "(title) => { title.textContent = 'The spring film, all drafts '.repeat(7); }"
    )
    rows = {
        box(stage.get_by_role("button", name=name))["y"] for name in ("Clip before", "Next clip", "Close")
    }
    assert len(rows) == 1
    assert box(stage.locator(".gg-stage-head"))["height"] < 80
