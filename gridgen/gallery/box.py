"""A column of widgets that notebooks show by its MIME bundle."""

from __future__ import annotations

from typing import Any

import ipywidgets

from gridgen.calls import Rooted

__all__ = ["IN_A_NOTEBOOK", "Box"]

IN_A_NOTEBOOK = (
    "lives in one notebook, so it is neither pickled nor copied: send the folder of its sweep and show it there, or "
    "the page that sweep.to_html() writes"
)


class Box(Rooted, ipywidgets.VBox):  # type: ignore[misc]  # ipywidgets has no types
    """A column of widgets whose bundle is the same whatever the version of ipywidgets."""

    _SEND = IN_A_NOTEBOOK
    _ipython_display_: Any = None  # ipywidgets 7 displays by it, and would leave out what the bundle adds

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        view = {"version_major": 2, "version_minor": 0, "model_id": self.model_id}
        return {"text/plain": repr(self), "application/vnd.jupyter.widget-view+json": view}
