"""The board in a real browser, on a page without Jupyter."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest
from page import Pages
from watching import opened

from gridgen.board import Board

if TYPE_CHECKING:
    from fake_sweep import FakeSweep
    from playwright.sync_api import Browser

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]

NOTE = "document.querySelector('.gg-note').textContent"
STOP = "document.querySelector('.gg-stop').disabled"


def test_that_it_stopped_stays_on_the_board_until_it_goes_on(browser: Browser, sweep: FakeSweep) -> None:
    """Case U1: what was leaving at the click is counted later and clears nothing; every page says it; a start takes it off."""
    board = Board(sweep)
    with Pages(board).serving() as pages:
        page = opened(browser, pages)

        def hear(counts: list[list[Any]], *, stopped: bool) -> tuple[str, bool]:
            standing = {**copy.deepcopy(board.state()), "stopped": stopped, "counts": counts}
            page.evaluate("(standing) => hear({kind: 'standing', standing})", standing)
            return page.evaluate(NOTE)[:8], page.evaluate(STOP)

        page.locator(".gg-stop").click()
        page.wait_for_function(f"{NOTE}.startsWith('Stopped')")

        assert hear([["planned", 4]], stopped=True) == ("Stopped:", True)
        assert hear([["processing", 1], ["planned", 3]], stopped=True) == ("Stopped:", True)
        assert hear([["processing", 1], ["planned", 3]], stopped=False) == ("", False)
        assert hear([["processing", 1], ["planned", 3]], stopped=True) == ("Stopped:", True)
        assert page.troubles == []
        page.close()
    board.close()
