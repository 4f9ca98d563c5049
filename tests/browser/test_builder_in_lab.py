"""The form in a real JupyterLab: typed into, clicked and run by keyboard alone, as a person would."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING

import pytest
from lab import chromium, lab, open_notebook, run_all, write_notebook
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

    Place = tuple[Path, str, Browser]

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

CELLS = """import gridgen as gg
simulator = gg.Simulator(speed=2000, clips="tiny")
form = gg.builder(client=simulator.client(), folder="boats")
form"""
FACTS = "() => document.querySelector('.gg-facts')?.textContent ?? ''"


DROP = """([selector, files]) => {
  const dataTransfer = new DataTransfer();
  for (const [name, text] of files) {
    const bytes = Uint8Array.from(atob(text), (each) => each.charCodeAt(0));
    dataTransfer.items.add(new File([bytes], name));
  }
  const there = document.querySelector(selector);
  for (const kind of ["dragenter", "dragover", "drop"]) {
    const event = new DragEvent(kind, { bubbles: true, cancelable: true, dataTransfer });
    if (there.dispatchEvent(event)) throw new Error(`the page would take the ${kind} itself`);
  }
}"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A folder that JupyterLab serves, where, and a browser."""
    served: Path = tmp_path_factory.mktemp("served")
    with lab(served, tmp_path_factory.mktemp("home")) as base, chromium() as browser:
        yield served, base, browser


def open_form(place: Place, name: str) -> tuple[Page, list[str]]:
    """Open a notebook that shows the form, in a folder of its own, and run it."""
    served, base, browser = place
    write_notebook(served / name / "form.ipynb", [CELLS])
    page, troubles = open_notebook(browser, base, f"{name}/form.ipynb")
    run_all(page)
    page.wait_for_selector(".gg-drop")
    return page, troubles


def test_a_grid_is_built_and_run_by_keyboard(place: Place) -> None:
    """G15: prompts, sizes, a place left out and Run, all without the mouse; the wall fills, no cell is changed."""
    page, troubles = open_form(place, "keyboard")
    page.get_by_placeholder("One prompt a line").focus()
    page.keyboard.type("a paper boat\na red kite")
    expect_facts(page, "2 clips to make")
    for size in ("16:9", "9:16"):
        tab_to(page, size)
        page.keyboard.press("Space")
    expect_facts(page, "4 clips to make")
    leave_out_last(page)
    expect_facts(page, "3 clips to make")
    tab_to(page, "Run 3 clips: $0.18")
    page.keyboard.press("Enter")
    expect_counts(page, "3 done")

    assert 'exclude=[{"prompt": "a red kite", "size": "9:16"}]' in page.locator(".gg-code").inner_text()
    assert page.evaluate("jupyterapp.shell.currentWidget.content.widgets.length") == 1
    assert troubles == []
    page.close()


@pytest.mark.full
def test_images_are_dropped_and_a_grid_is_run_by_mouse(place: Place) -> None:
    """G15: pictures dropped on the mark and anywhere on the form are an axis; what is none is named; clicks do the rest."""
    page, troubles = open_form(place, "mouse")
    page.get_by_placeholder("One prompt a line").fill("a paper boat")
    expect_facts(page, "1 clip to make")
    drop(page, ".gg-drop", ("Red Boat.png", picture("red")), ("blue.png", picture("blue")))
    expect_facts(page, "3 clips to make")
    drop(page, ".gridgen-builder textarea", ("green.png", picture("green")))
    expect_facts(page, "4 clips to make")
    drop(page, ".gg-drop", ("notes.png", b"no picture"))
    page.get_by_text("is no JPEG, PNG, WebP or GIF by its content").wait_for()
    page.locator(".gg-place").first.click()
    expect_facts(page, "3 clips to make")
    page.get_by_role("button", name="Run 3 clips").click()
    expect_counts(page, "3 done")

    kept = sorted(path.name.rpartition("-")[0] for path in (place[0] / "mouse" / "references").iterdir())
    assert kept == ["blue", "green", "red-boat"]
    assert '["references/red-boat-' in page.locator(".gg-code").inner_text()
    assert troubles == []
    page.close()


CUT = """() => {
  const form = document.querySelector(".gridgen-builder");
  const { left, right } = form.getBoundingClientRect();
  const parts = [...form.querySelectorAll(".gg-field :is(label, input, textarea, select), .gg-run, .gg-board *")];
  return parts.filter((each) => {
    const box = each.getBoundingClientRect();
    const cut = each.matches(".gg-run, label, .gg-sums, .gg-retry") && each.scrollWidth > each.clientWidth + 1 && each.clientWidth;
    return box.width && (cut || box.left < left - 0.5 || box.right > right + 0.5);
  }).map((each) => each.outerHTML.slice(0, 120));
}"""


def see_that_nothing_is_cut(place: Place, width: int) -> None:
    """Open the form at one width, mistype the budget, run what is right, and see that all fits in."""
    page, troubles = open_form(place, f"wide-{width}")
    page.evaluate("jupyterapp.commands.execute('application:toggle-left-area')")
    page.set_viewport_size({"width": width, "height": 1200})
    page.get_by_placeholder("One prompt a line").fill("a paper boat")
    budget = page.get_by_label("Budget")
    budget.fill("-1")
    page.wait_for_function("() => document.querySelector('.gg-field-budget [aria-invalid]')")
    said = page.locator(f"#{budget.get_attribute('aria-describedby')}").inner_text()
    assert said == "The budget '-1' is not a sum of money above 0 in USD, such as 2.00."
    assert page.evaluate(CUT) == []
    budget.fill("2")
    page.wait_for_function("() => !document.querySelector('.gg-field-budget [aria-invalid]')")
    run = page.get_by_role("button", name="Run 1 clip: $0.06")
    assert run.bounding_box()["y"] < page.get_by_placeholder("One prompt a line").bounding_box()["y"]
    run.click()
    expect_counts(page, "1 done")
    assert page.evaluate(CUT) == []
    assert troubles == []
    page.close()


@pytest.mark.full
def test_u9_a_phone_shows_the_whole_form(place: Place) -> None:
    """Case U9: at 390 pixels Run is first, no field and no word of the board is cut, and a mistake is told at its field."""
    see_that_nothing_is_cut(place, 390)


@pytest.mark.full
@pytest.mark.parametrize("width", [820, 1400])
def test_u9_wider_screens_show_the_whole_form(place: Place, width: int) -> None:
    """Case U9: as on a phone, so on a tablet and a desk."""
    see_that_nothing_is_cut(place, width)


def picture(colour: str) -> bytes:
    """Return a small PNG of one colour."""
    out = io.BytesIO()
    Image.new("RGB", (64, 36), colour).save(out, "PNG")
    return out.getvalue()


def drop(page: Page, selector: str, *files: tuple[str, bytes]) -> None:
    """Drop files as a person would, and see that the page does not take them for itself."""
    page.evaluate(DROP, [selector, [[name, base64.b64encode(data).decode()] for name, data in files]])


def expect_counts(page: Page, counts: str) -> None:
    """Wait for the wall that the form shows to say so."""
    page.wait_for_function(
        f"() => document.querySelector('.gridgen-builder .gg-counts')?.textContent.includes('{counts}')"
    )


def expect_facts(page: Page, begin: str) -> None:
    """Wait for the figures to begin so."""
    page.wait_for_function(f"() => ({FACTS})().startsWith('{begin}')")


def leave_out_last(page: Page) -> None:
    """Walk through the layout by arrow keys to its last place, and press Enter there."""
    tab_to(page, "", ".gg-places")
    for _ in range(4):
        page.keyboard.press("ArrowDown")
        page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")


def tab_to(page: Page, text: str, within: str = "body") -> None:
    """Press Tab until what begins with that text, in that part of the page, has the focus."""
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate(
            "([text, within]) => document.activeElement.closest(within)"
            " && document.activeElement.textContent.trim().startsWith(text)",
            [text, within],
        ):
            return
    pytest.fail(f"Tab never reaches {text!r}")
