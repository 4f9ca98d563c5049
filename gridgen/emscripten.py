"""What gridgen imports and pyodide lacks is named in a sentence.

Pyodide is Python in a browser, or in Node, and says ``emscripten`` as its platform.
There only what was built for it can be had of the packages that are compiled.
"""

from __future__ import annotations

import sys
from typing import Any

from gridgen.errors import GridgenError

__all__ = ["Finder"]

_NO_BUILD = {
    "av": "pyodide has no build of PyAV, so no clip can be opened, measured or drawn here",
    "httptools": "pyodide has no build of it",
}
_DISTRIBUTIONS = {"IPython": "ipython", "PIL": "pillow", "yaml": "pyyaml"}
_IMPORTERS = {"importlib", "_frozen_importlib", "_frozen_importlib_external"}


class LackingError(GridgenError, ModuleNotFoundError):
    """A package is not there."""

    def __reduce__(self) -> tuple[Any, ...]:
        *kept, state = super().__reduce__()
        # Python keeps it beside the other attributes
        return *kept, {**state, "name": self.name}


class Finder:
    """The last of ``sys.meta_path``: finds nothing, and says what is missing where gridgen itself asked for it."""

    @staticmethod
    def find_spec(name: str, path: object = None, target: object = None) -> None:  # noqa: ARG004 - as importlib calls it
        """Let others hear of a missing module as they always do.

        Raises
        ------
        GridgenError
            If a module of gridgen imports it. It is a ModuleNotFoundError too.
        """
        if path is None and _asking() == "gridgen":
            package = _DISTRIBUTIONS.get(name, name)
            remedy = f'`import micropip; await micropip.install("{package}")` fetches it'
            msg = f"this needs the package {package}, which this pyodide lacks: {_NO_BUILD.get(name, remedy)}"
            raise LackingError(msg, name=name)


def _asking() -> str:
    """Return the package of the module that imports."""
    frame = sys._getframe(2)  # noqa: SLF001 - the import system tells a finder of nobody who asks
    while frame.f_back is not None and _package(frame.f_globals) in _IMPORTERS:
        frame = frame.f_back
    return _package(frame.f_globals)


def _package(names: dict[str, object]) -> str:
    return str(names.get("__name__")).partition(".")[0]
