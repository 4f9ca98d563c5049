"""What a person does with a wall, whoever shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Page

SWEEP = """\
import gridgen as gg
grid = gg.Grid(prompt=["a paper boat", "a red fox"], size=["16:9", "9:16"], duration=6)
sweep = gg.Sweep(grid, client=gg.Simulator(speed=float("inf"), clips="tiny").client(), folder="boats")
sweep.run()"""
GALLERY = 'sweep.gallery(rows="prompt", cols="size")'

PLAY = ".gg-wall > .gg-transport .gg-play"
PLAYERS = "[...ROOT.querySelectorAll('.gg-video')]"
SIDES = "[...ROOT.querySelectorAll('.gg-side')].map((head) => head.textContent).join()"


class Wall:
    """A wall on a page, wherever in it.

    Parameters
    ----------
    page : Page
        Where it is, or will be.
    root : str
        JavaScript for what holds it: the document, or the root of a shadow.
    """

    def __init__(self, page: Page, root: str = "document") -> None:
        self.page, self._root = page, root

    def until(self, condition: str) -> None:
        """Wait until JavaScript in which ``ROOT`` is what holds the wall is true."""
        whole = condition.replace("ROOT", self._root)
        self.page.wait_for_function(f"() => {{ try {{ return {whole} }} catch {{ return false }} }}")

    def plays(self, count: int) -> None:
        """Press Play, and wait until so many players move."""
        self.page.locator(PLAY).click()
        moving = "video.readyState >= 2 && video.currentTime > 0.2 && !video.paused"
        self.until(f"{PLAYERS}.length === {count} && {PLAYERS}.every((video) => {moving})")

    def rates(self, index: int, stars: int) -> None:
        """Give a clip stars by the key of that number."""
        tile = self.page.locator(f".gg-tile[data-id='{index}']")
        tile.focus()
        self.page.keyboard.press("ArrowRight")
        self.page.keyboard.press("ArrowLeft")
        self.page.keyboard.press(str(stars))

    def shows(self, *sides: str) -> None:
        """Wait until its rows are headed by these words."""
        self.until(f"{SIDES} === {','.join(sides)!r}")
