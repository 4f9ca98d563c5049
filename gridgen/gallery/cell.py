"""Which cell of a notebook runs, as far as the front end says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from IPython.core.getipython import get_ipython

__all__ = ["Cell", "running_cell"]


@dataclass(frozen=True, slots=True)
class Cell:
    """One run of a cell.

    Attributes
    ----------
    id : str
        The cell's own id, which stays when it is run again.
    run : str
        The id of the message that asked for this run.
    """

    id: str
    run: str

    def again(self, other: Cell | None) -> bool:
        """Return whether the other is a further run of the same cell."""
        return other is not None and other.id == self.id and other.run != self.run


def running_cell() -> Cell | None:
    """Return the cell that runs, None where the front end names none, as outside of a notebook.

    JupyterLab, Notebook 7 and VS Code put the cell's id into the metadata of the
    request, which ipykernel keeps as the parent of whatever the cell does.
    """
    parent: dict[str, Any] = getattr(get_ipython(), "get_parent", dict)() or {}
    cell, run = (
        parent.get(part, {}).get(name) for part, name in (("metadata", "cellId"), ("header", "msg_id"))
    )
    return Cell(cell, run) if isinstance(cell, str) and isinstance(run, str) else None
