"""All that gridgen shows to people: in JupyterLab, each brought in sight by its name, and the page that it exports."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab import QUIET, open_notebook, run_all, write_notebook

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser, Locator, Page

CELLS = {
    "sweep": """import math
import gridgen as gg
from gridgen.simulator import Fault
grid = gg.Grid(
    prompt=["a paper boat crossing a puddle", "a paper boat in a storm"],
    size=["16:9", "9:16"],
    duration=[6, 10],
)
client = gg.Simulator(speed=math.inf, clips="CLIPS").client()
sweep = gg.Sweep(grid, client=client, folder="boats", budget=2.00)
sweep.run()
sweep.ratings.rate([0, 4], stars=4, pick=True, tags="calm", note="the best light", reviewer="anna")
sweep.ratings.rate(3, stars=1, pick=False, reviewer="anna")
sweep.to_html("boats.html", rows="prompt", cols=["size", "duration"])""",
    "wall": 'sweep.gallery(rows="prompt", cols=["size", "duration"], reviewer="anna")',
    "table": "sweep.table()",
    "board": """faults = [Fault(kind="fail", on="submit", match="storm", times=2)]
slow = gg.Simulator(speed=2, clips="tiny", slots=3, faults=faults)
troubled = gg.Sweep(grid, client=slow.client(), folder="troubled", budget=2.00)
troubled.start()""",
    "filling": 'troubled.gallery(rows="prompt", cols=["size", "duration"])',
    "form": """form = gg.builder(client=client, folder="by_hand")
form.fill(
    prompts=["a {animal} crosses a frozen lake at {dawn|dusk}"],
    slots={"animal": ["red fox", "paper boat"]},
    models=["grok-imagine-1.5-video-ext"],
    sizes=["16:9", "9:16"],
    durations="6, 10",
    exclude=[{"animal": "paper boat", "duration": 10}],
)
form""",
    "preview": "grid.preview()",
    "rounds": 'sweep.rounds(reviewer="anna")',
}

IN_SIGHT = """async ([at, name]) => {
  const { content } = jupyterapp.shell.currentWidget;
  await content.scrollToItem(at, "start");
  const output = content.widgets[at].node.querySelector(".jp-Cell-outputWrapper");
  output.dataset.surface = name;
  output.scrollIntoView({ block: "start" });
}"""
DRAWN = """(name) => {
  const shown = document.querySelector(`[data-surface=${name}] :is(.gg-wall, .gg-place, .jp-RenderedHTMLCommon)`);
  const clips = [...document.querySelectorAll(`[data-surface=${name}] .gg-video`)];
  const handles = [...document.querySelectorAll(`[data-surface=${name}] .noUi-handle`)];
  return shown && clips.every((video) => video.readyState >= 2) && handles.every((each) => each.ariaLabel);
}"""
THEME = "(theme) => jupyterapp.commands.execute('apputils:change-theme', { theme })"
THEMED = "(light) => document.body.dataset.jpThemeLight === light"
LARGE = """(count) => {
  const found = [...document.querySelectorAll(".gg-large")];
  return found.length === count && found.every((video) => video.readyState >= 2);
}"""


class Surfaces:
    """A notebook that shows all of it, run in JupyterLab.

    Parameters
    ----------
    folder : Path
        In the folder that JupyterLab serves.
    names : tuple of str
        Which of `CELLS`.
    clips : str
        As for `Simulator`.
    """

    def __init__(
        self,
        browser: Browser,
        base: str,
        folder: Path,
        names: tuple[str, ...] = tuple(CELLS),
        *,
        clips: str = "tiny",
    ) -> None:
        self.names, self.folder = names, folder
        write_notebook(folder / "all.ipynb", [CELLS[name].replace("CLIPS", clips) for name in names])
        self.page, self.troubles = open_notebook(browser, base, f"{folder.name}/all.ipynb")
        self.page.evaluate("jupyterapp.commands.execute('application:toggle-left-area')")
        run_all(self.page)

    def theme(self, name: str) -> None:
        """Make JupyterLab light or dark."""
        self.page.evaluate(THEME, f"JupyterLab {name.capitalize()}")
        self.page.wait_for_function(THEMED, arg=str(name == "light").lower())

    def bring(self, name: str) -> Locator:
        """Scroll to what a cell shows, and return it once its clips can be seen."""
        self.page.evaluate(IN_SIGHT, [self.names.index(name), name])
        self.page.wait_for_function(DRAWN, arg=name)
        return self.page.locator(f"[data-surface={name}]")


def exported(browser: Browser, surfaces: Surfaces, theme: str, *, width: int = 1400) -> Page:
    """Open the page that the notebook exported, from the disk."""
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=theme)
    page.add_init_script(QUIET)
    page.goto((surfaces.folder / "boats.html").as_uri())
    page.locator(".gg-tile").first.wait_for()
    page.wait_for_function(
        "() => [...document.querySelectorAll('.gg-video')].every(({ readyState }) => readyState >= 2)"
    )
    return page


def open_stage(page: Page, wall: Locator) -> None:
    """Open a wall's first clip large, by its key."""
    wall.locator(".gg-tile").first.focus()
    page.keyboard.press("Enter")
    page.wait_for_function(LARGE, arg=1)


def open_compare(page: Page, wall: Locator) -> None:
    """Put a wall's first two clips side by side, by their keys."""
    wall.locator(".gg-tile").first.focus()
    for key in ("c", "ArrowRight", "c", "v"):
        page.keyboard.press(key)
    page.wait_for_function(LARGE, arg=2)


def close(page: Page) -> None:
    """Leave what lies over the wall, and take all clips out of the comparison."""
    page.keyboard.press("Escape")
    page.wait_for_function("() => !document.querySelector('dialog[open]')")
