"""What is shown can be used by those who see little, or do not point: axe-core finds nothing serious in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from accessibility import barriers
from surfaces import Surfaces, close, exported, open_compare, open_stage

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Locator, Page

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

OURS = "[data-surface=%s] :is(.gg-wall, .gridgen-controls, .gridgen-builder, .jp-RenderedHTMLCommon > *)"
"""What of a cell is gridgen's: the rest is JupyterLab's."""


def test_what_is_used_most_keeps_nobody_out(browser: Browser, base: str, place: Path) -> None:
    """The wall, the form and the exported page in a light theme: nothing serious or critical."""
    shown = Surfaces(browser, base, place / "most", ("sweep", "wall", "form"))
    for name in ("wall", "form"):
        shown.bring(name)
        assert barriers(shown.page, OURS % name) == []
    page = exported(browser, shown, "light")
    assert barriers(page) == []
    page.close()
    shown.page.close()


@pytest.fixture(scope="module")
def whole(browser: Browser, base: str, place: Path) -> Iterator[Surfaces]:
    """A notebook with all that is shown."""
    shown = Surfaces(browser, base, place / "whole")
    yield shown
    shown.page.close()


def steps(page: Page, wall: Locator) -> Iterator[str]:
    """Do one thing after another on a wall, and say what was done; all is as before in the end."""
    wall.locator(".gg-tile").nth(1).focus()
    yield "a tile with the focus"
    page.keyboard.press("5")
    yield "a toast"
    page.keyboard.press("u")
    wall.get_by_role("button", name="Filter by any column").click()
    yield "the filter"
    wall.get_by_role("button", name="Filter by any column").click()
    wall.get_by_role("button", name="Keys").click()
    yield "the list of keys"
    close(page)
    open_stage(page, wall)
    yield "the stage"
    close(page)
    open_compare(page, wall)
    for key in ("s", "f", "w"):
        page.keyboard.press(key)
        yield f"two clips compared, {key}"
    close(page)
    yield "clips put aside"
    while wall.locator(".gg-pin").count():
        wall.locator(".gg-pin").first.click()
    wall.get_by_role("button", name="Blind").click()
    page.locator(".gg-duel[open]").wait_for()
    yield "blind rounds"
    close(page)


@pytest.mark.full
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_nothing_in_jupyterlab_keeps_anybody_out(whole: Surfaces, theme: str) -> None:
    """Whatever a notebook shows, and each step on the wall, in both themes: nothing serious or critical."""
    whole.theme(theme)
    found = {}
    for name in whole.names:
        whole.bring(name)
        found[name] = barriers(whole.page, OURS % name)
    for step in steps(whole.page, whole.bring("wall")):
        found[step] = barriers(whole.page, OURS % "wall")
    assert {name: said for name, said in found.items() if said} == {}


@pytest.mark.full
@pytest.mark.parametrize("width", [390, 1400])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_exported_page_keeps_nobody_out(
    browser: Browser, whole: Surfaces, theme: str, width: int
) -> None:
    """The whole document with each step on its wall, in both themes, on a phone and on a desk."""
    page = exported(browser, whole, theme, width=width)
    found = {"at first": barriers(page)}
    for step in steps(page, page.locator(".gg-wall")):
        found[step] = barriers(page)
    assert {name: said for name, said in found.items() if said} == {}
    page.close()
