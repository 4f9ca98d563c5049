"""One script and one style sheet for each widget, joined from the modules beside this file.

anywidget loads a script from a ``blob:`` address, where a relative import has
nothing to be relative to.
"""

from __future__ import annotations

import re
from importlib import resources

__all__ = ["script", "style"]

_IMPORT = re.compile(r'^import \{[^}]*\} from "\./([\w-]+)\.js";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?!default)", re.MULTILINE)

_SHEETS = (
    "tokens",
    "base",
    "controls",
    "help",
    "tooltip",
    "header",
    "menus",
    "tabs",
    "sheet",
    "tile",
    "tile_toolbar",
    "transport",
    "moments",
    "toast",
    "compare_tray",
    "gallery",
    "lightbox",
    "metadata",
    "rating_strip",
    "review",
    "filter_bar",
    "send_ratings",
    "rating_editor",
    "rounds",
    "leaderboard",
    "board",
    "layout_picker",
    "form",
    "table",
)
"""The style sheets in the order of the cascade: one for each part of what is drawn, the tokens of all of them first."""


def script(entry: str) -> str:
    """Return a module and all that it imports as one ES module.

    Parameters
    ----------
    entry : str
        Name of the module to begin with, without ``.js``: ``wall``, ``board`` and ``layout_picker`` have
        the default export that anywidget wants, ``page`` and ``table`` draw by themselves.

    Returns
    -------
    str
        Each module once, after those that it imports.
    """
    joined: dict[str, str] = {}
    _join(entry, joined)
    return "\n".join(joined.values())


def _join(name: str, joined: dict[str, str]) -> None:
    source = _read(f"js/{name}.js")
    for needed in _IMPORT.findall(source):
        if needed not in joined:
            _join(needed, joined)
    joined[name] = _EXPORT.sub("", _IMPORT.sub("", source))


def style(*names: str) -> str:
    """Return the style sheet of all that is drawn, or of the parts that are named."""
    return "\n".join(_read(f"css/{name}.css") for name in names or _SHEETS)


def _read(name: str) -> str:
    return resources.files("gridgen.gallery").joinpath(name).read_text("utf-8")
