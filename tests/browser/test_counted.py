"""What gridgen asks of people's hands: keys to rate a wall, and clicks from a preview to a page that can be sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from counted import CLIPS, rate_all, send_page

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

MOST_KEYS, MOST_CLICKS = 36, 6


@pytest.mark.full
def test_a_wall_is_rated_with_two_keys_a_clip(browser: Browser, base: str, place: Path) -> None:
    """Eighteen clips on the stage: a digit and an arrow each, and the way back; Python has what was pressed."""
    found, stars = rate_all(browser, base, place / "rated")

    assert stars == [number % 5 + 1 for number in range(CLIPS)]
    assert found["keys"] <= MOST_KEYS
    assert found["clicks"] == 1


@pytest.mark.full
def test_a_page_is_sent_within_six_clicks_of_the_preview(browser: Browser, base: str, place: Path) -> None:
    """Run, export, and the download of the file: clicks alone; what comes is the page with all its clips."""
    found, file = send_page(browser, base, place / "sent")

    assert file.read_text("utf-8").count('id="file:') >= CLIPS
    assert found == {"keys": 0, "clicks": found["clicks"]}
    assert found["clicks"] <= MOST_CLICKS
