"""The notebooks as pages: as they were committed, each with a live wall beside its stored pictures."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import walls

import gridgen

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.config import Config

ROOT = Path(__file__).parents[2]
FILE_LINK = re.compile(r'<a href=\\"[^>]*\\" (?:target|download)=[^>]*>([^<]*)</a>')
"""What a notebook wrote lies beside it where it ran, and not beside its page here."""

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
LINK = "[See its wall play](#the-wall-live), without a kernel."
PAGE = """## The wall, live

This wall plays here, without a kernel: it is a page that gridgen exported ([Share](../guide/share.md) says how).
Its clips were made on the simulator when these pages were built. Click on it and press the space bar.

<iframe class="wall" src="../_static/walls/{name}.html" sandbox="allow-scripts allow-downloads" loading="lazy" height="720" title="The wall of this notebook, playing"></iframe>
"""


def bring(app: Sphinx, config: Config) -> None:
    """Copy the notebooks beside the other pages, and make the walls that are missing or out of date."""
    pages = Path(app.srcdir) / "notebooks"
    pages.mkdir(exist_ok=True)
    for source in sorted((ROOT / "notebooks").glob("*.ipynb")):
        notebook = json.loads(source.read_text(encoding="utf-8"))
        _leave_out_widgets(notebook["cells"])
        if source.stem in config.gridgen_walls:
            _wall(app, source.stem)
            notebook["cells"].insert(1, _cell("to-live-wall", LINK))
            notebook["cells"].append(_cell("live-wall", PAGE.format(name=source.stem)))
        text = FILE_LINK.sub(r"\1", json.dumps(notebook, ensure_ascii=False, indent=1))
        page = pages / source.name
        if not page.exists() or page.read_text(encoding="utf-8") != text:
            page.write_text(text, encoding="utf-8")


def _leave_out_widgets(cells: list[dict[str, Any]]) -> None:
    """Leave out the widgets, which no kernel keeps alive here: each has its still beside it."""
    for cell in cells:
        if outputs := cell.get("outputs"):
            cell["outputs"] = [each for each in outputs if WIDGET_VIEW not in each.get("data", {})]


def _cell(name: str, text: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "id": name, "metadata": {}, "source": text}


def _wall(app: Sphinx, name: str) -> None:
    """Make a wall, unless it was made of the same sources."""
    target = Path(app.srcdir) / "_static" / "walls" / f"{name}.html"
    print_ = target.with_suffix(".sha256")
    wanted = f"{_sources()} {app.config.gridgen_clips}"
    if target.exists() and print_.exists() and print_.read_text() == wanted:
        return
    target.parent.mkdir(exist_ok=True)
    walls.make(name, target, clips=app.config.gridgen_clips)
    print_.write_text(wanted)


def _sources() -> str:
    """Return a print of all that may change what a wall looks like."""
    found = hashlib.sha256(Path(walls.__file__).read_bytes())
    for path in sorted(Path(gridgen.__file__).parent.rglob("*")):
        if path.suffix in {".py", ".js", ".css", ".toml"}:
            found.update(path.read_bytes())
    return found.hexdigest()


def setup(app: Sphinx) -> dict[str, Any]:
    """Tell Sphinx of the notebooks."""
    app.add_config_value("gridgen_walls", list(walls.WALLS), "env", [list])
    app.add_config_value("gridgen_clips", "full", "env", [str])
    app.connect("config-inited", bring)
    return {"parallel_read_safe": True}
