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


RETRY = ".gg-attention .gg-retry"


def test_what_needs_attention_has_its_action_beside_it(browser: Browser, sweep: FakeSweep) -> None:
    """Case U4: a named button with the price, beside what is wrong; a click names the clips it showed; a refusal is said."""
    board = Board(sweep)
    for index in (0, 1):
        sweep.change(index, status="failed")
    for index in (2, 3):
        sweep.change(index, status="missing")
    with Pages(board).serving() as pages:
        page = opened(browser, pages)
        button = page.get_by_role("button", name="Make 2 clips again: $0.20")
        assert page.locator(".gg-troubles summary").inner_text() == "4 clips need attention"
        assert 'sweep.retry(where="missing")' in page.locator(".gg-remedies").inner_text()
        assert page.evaluate("sent.filter(({ kind }) => kind === 'retry').length") == 0
        sweep.change(1, status="queued")
        button.click()
        page.wait_for_function(f"{NOTE}.startsWith('Not made again: what failed has changed')")

        assert page.evaluate("sent.filter(({ kind }) => kind === 'retry').map(({ rows }) => rows)") == [
            [0, 1]
        ]
        assert page.locator(RETRY).is_enabled()
        assert page.troubles == []
        page.close()
    board.close()


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
