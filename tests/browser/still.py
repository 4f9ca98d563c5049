"""Take the README's still of the gallery from the first notebook in a real JupyterLab.

Run as ``python tests/browser/still.py``; it writes ``notebooks/images/gallery.png``.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from lab import chromium, lab, open_notebook, run_all
from PIL import Image

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
PLAYING = """() => [...document.querySelectorAll(".gg-wall")][1].querySelectorAll(".gg-video").length >= 8"""


def take(target: Path) -> None:
    """Run the notebook, play the complete wall, and save a picture of controls and wall together."""
    with (
        tempfile.TemporaryDirectory() as root,
        tempfile.TemporaryDirectory() as home,
        lab(Path(root), Path(home)) as base,
    ):
        shutil.copy(NOTEBOOKS / "01_first_grid.ipynb", root)
        with chromium() as browser:
            page, troubles = open_notebook(browser, base, "01_first_grid.ipynb", device_scale_factor=1.5)
            page.set_viewport_size({"width": 1500, "height": 1100})
            run_all(page)
            output = page.locator(".jp-OutputArea-output", has=page.locator(".gg-wall")).nth(1)
            output.scroll_into_view_if_needed()
            page.wait_for_function(PLAYING)
            output.locator(".gg-wall > .gg-transport .gg-play").click()
            page.wait_for_timeout(2500)
            target.parent.mkdir(exist_ok=True)
            output.screenshot(path=target)
            if troubles:
                raise RuntimeError(troubles)
    Image.open(target).convert("RGB").quantize(256, dither=Image.Dither.FLOYDSTEINBERG).save(
        target, optimize=True
    )


if __name__ == "__main__":
    take(NOTEBOOKS / "images" / "gallery.png")
