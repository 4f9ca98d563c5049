"""What the first minute and the first judgement ask of a person: seconds, keys and clicks, in JupyterLab in Chromium.

Run ``python tests/benchmarks/people.py``: a line of JSON on stdout, and with ``--json FILE`` in a file.
``--fresh`` also runs README's first command as it stands, in a fresh clone, once. Counts are held to what
``tests/browser/test_counted.py`` asks; seconds are reported only, since they say as much of the machine and its network.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "browser"))

from counted import rate_all, send_page
from first_minute import MOVING, film
from lab import RUN_ALL, chromium, lab, open_notebook
from test_counted import MOST_CLICKS, MOST_KEYS

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "01_first_grid.ipynb"
RUNS = 3


def until_it_moves() -> float:
    """Return the seconds from the start of JupyterLab, its packages there, to the first notebook's first moving clip."""
    with (
        tempfile.TemporaryDirectory() as root,
        tempfile.TemporaryDirectory() as home,
        chromium() as browser,
    ):
        shutil.copy(NOTEBOOK, root)
        began = time.perf_counter()
        with lab(Path(root), Path(home)) as base:
            page, _ = open_notebook(browser, base, NOTEBOOK.name, quiet=False)
            page.evaluate(f"() => {{ ({RUN_ALL})(); }}")
            page.wait_for_selector(".gridgen-gallery .gg-tile")
            page.locator(".gridgen-gallery").first.scroll_into_view_if_needed()
            page.wait_for_function(MOVING)
            return time.perf_counter() - began


def counts() -> dict[str, int]:
    """Return keys to rate 18 clips, and clicks from the preview of a grid to the file of its page."""
    with (
        tempfile.TemporaryDirectory() as root,
        tempfile.TemporaryDirectory() as home,
        lab(Path(root), Path(home)) as base,
        chromium() as browser,
    ):
        rated, _ = rate_all(browser, base, Path(root) / "rated")
        sent, _ = send_page(browser, base, Path(root) / "sent")
    return {"keys_to_rate_18": rated["keys"], "clicks_to_a_page": sent["clicks"]}


def main() -> int:
    """Measure, print, and return 1 where a count is missed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", type=Path)
    parser.add_argument("--fresh", action="store_true")
    chosen = parser.parse_args()
    figures: dict[str, float] = {
        "seconds_to_a_moving_clip": statistics.median(until_it_moves() for _ in range(RUNS)),
        **counts(),
    }
    if chosen.fresh:
        with tempfile.TemporaryDirectory() as folder:
            _, figures["seconds_from_a_fresh_clone"] = film(Path(folder))
    text = json.dumps({name: round(value, 1) for name, value in figures.items()})
    print(text)
    if chosen.json:
        chosen.json.write_text(f"{text}\n", "utf-8")
    return int(figures["keys_to_rate_18"] > MOST_KEYS or figures["clicks_to_a_page"] > MOST_CLICKS)


if __name__ == "__main__":
    sys.exit(main())
