"""A column of widgets that notebooks show by its MIME bundle."""

from __future__ import annotations

from typing import Any

import ipywidgets

__all__ = ["Box"]


class Box(ipywidgets.VBox):  # type: ignore[misc]  # ipywidgets has no types
    """A column of widgets whose bundle is the same whatever the version of ipywidgets."""

    _ipython_display_: Any = None  # ipywidgets 7 displays by it, and would leave out what the bundle adds

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        view = {"version_major": 2, "version_minor": 0, "model_id": self.model_id}
        return {"text/plain": repr(self), "application/vnd.jupyter.widget-view+json": view}
