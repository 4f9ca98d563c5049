"""Files that were written, as links in a notebook."""

from __future__ import annotations

import html
import os
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from gridgen.money import without_mathematics

__all__ = ["WrittenFile", "beside_notebook", "file_link"]

_SHOWN = frozenset({".html", ".htm", ".png", ".jpg", ".jpeg", ".webp"})
"""What a browser shows; anything else is downloaded, since JupyterLab opens what it cannot show as broken text."""


def beside_notebook(path: Path) -> str:
    """Return a file or folder relative to the notebook, where the kernel is told which that is, else to where it works.

    jupyter_server puts the notebook's path into ``JPY_SESSION_NAME``. It serves whatever a path
    under its root leads to, links included, and refuses one that leaves the root as it is
    written (``FileManagerMixin._get_os_path``). Where links give a folder several paths, the
    one that climbs least is told.
    """
    session = os.environ.get("JPY_SESSION_NAME", "")
    beside = Path(session).parent if Path(session).is_absolute() else Path.cwd()
    goal = path.resolve()
    try:
        paths = [os.path.relpath(end, start) for end in (path, goal) for start in (beside, beside.resolve())]
    except ValueError:
        return path.name
    leading = [path for path in paths if Path(os.path.normpath(beside / path)).resolve() == goal]
    return Path(min(leading or paths[-1:], key=lambda path: Path(path).parts.count(os.pardir))).as_posix()


@without_mathematics
def file_link(path: Path, says: str = "") -> str:
    """Return a link to a file beside the notebook as HTML: pages and pictures open in a tab of their own.

    JupyterLab and Notebook 7 let a relative link lead to where the server has the file, on
    each render. A click on one that is no download would open it in a viewer of theirs, in which a
    page runs no script; so the click is kept from them.
    """
    address = html.escape(quote(beside_notebook(path.absolute())))
    name = html.escape(path.name)
    opens = 'target="_blank" rel="noopener" onclick="event.stopImmediatePropagation()"'
    how = opens if path.suffix.lower() in _SHOWN else f'download="{name}"'
    return f'<div><a href="{address}" {how}>{name}</a>{html.escape(f": {says}" if says else "")}</div>'


if TYPE_CHECKING:
    _Path = Path
else:
    _Path = type(Path())  # before Python 3.12 nothing can be derived from Path itself


class WrittenFile(_Path):
    """A file that was written: a path in every way, which a notebook shows as a link to the file."""

    __slots__ = ()

    def _repr_html_(self) -> str | None:
        return file_link(self) if self.is_file() else None
