"""gridgen: a grid of text-to-video requests, run safely and watched side by side.

The public names are loaded when they are first used, so that importing the
package stays quick.

The parts, each a module or a package of that name, from the bottom up; a part
imports only those above it in this list:

* `errors`, `clock`, `private`: what is raised, what a second is, where a user's own files lie;
* `models`: the catalogue, what each model accepts and costs;
* `values`, `templates`, `grid`: what a person writes, and the cells that it means;
* `task`, `outcome`: what the server said, and what became of a submission;
* `pacing`, `media`, `_loop`: when to submit and to ask, video files, the engine's thread;
* `client`, `journal`, `frame`: the HTTP side, the ledger on disk, tables;
* `estimate`, `judgements`, `spending`: prices and costs, what reviewers say of clips, budgets of folders and keys;
* `sweep`: a grid being executed;
* `gallery`, `board`, `form`, `share`: what is drawn;
* `simulator`: the pretend server, which knows the catalogue and nothing else of these.
"""

from __future__ import annotations

import importlib
import logging
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gridgen._loop import allow_nested_loops
    from gridgen.client import Client
    from gridgen.errors import (
        APIError,
        AuthenticationError,
        BudgetError,
        GridError,
        GridgenError,
        JournalError,
        MissingKeyError,
        NetworkError,
        OutOfCreditsError,
        RateLimitError,
        TaskFailed,
        UnknownOutcome,
    )
    from gridgen.estimate import Estimate
    from gridgen.estimate.costs import Costs
    from gridgen.form import Builder, builder
    from gridgen.gallery import Gallery
    from gridgen.grid import Grid, Skipped
    from gridgen.grid.axes import Axis, Linked, linked
    from gridgen.grid.cells import Cell
    from gridgen.grid.preview import Preview
    from gridgen.journal import Row
    from gridgen.models import Model
    from gridgen.models.price import Price
    from gridgen.share import unpack
    from gridgen.simulator import Simulator
    from gridgen.spending import budgets, set_budget
    from gridgen.sweep import Sweep, open  # noqa: A004 - as one opens a file
    from gridgen.task import Status, Task
    from gridgen.templates import Template, search_replace, template
    from gridgen.values import Value, value

__version__ = "0.1.0"

logging.getLogger("gridgen").addHandler(logging.NullHandler())

if sys.platform == "emscripten":
    from gridgen.emscripten import Finder

    sys.meta_path.append(Finder)

_HOMES = {
    "gridgen._loop": ("allow_nested_loops",),
    "gridgen.client": ("Client",),
    "gridgen.errors": (
        "APIError",
        "AuthenticationError",
        "BudgetError",
        "GridError",
        "GridgenError",
        "JournalError",
        "MissingKeyError",
        "NetworkError",
        "OutOfCreditsError",
        "RateLimitError",
        "TaskFailed",
        "UnknownOutcome",
    ),
    "gridgen.estimate": ("Estimate",),
    "gridgen.estimate.costs": ("Costs",),
    "gridgen.form": ("Builder", "builder"),
    "gridgen.gallery": ("Gallery",),
    "gridgen.grid": ("Grid", "Skipped"),
    "gridgen.grid.axes": ("Axis", "Linked", "linked"),
    "gridgen.grid.cells": ("Cell",),
    "gridgen.grid.preview": ("Preview",),
    "gridgen.journal": ("Row",),
    "gridgen.models": ("Model",),
    "gridgen.models.price": ("Price",),
    "gridgen.share": ("unpack",),
    "gridgen.simulator": ("Simulator",),
    "gridgen.spending": ("budgets", "set_budget"),
    "gridgen.sweep": ("Sweep", "open"),
    "gridgen.task": ("Status", "Task"),
    "gridgen.templates": ("Template", "search_replace", "template"),
    "gridgen.values": ("Value", "value"),
}
_SAID_OTHERWISE = {
    "catalogue": "Client().refresh_catalogue() compares it with the server, Model describes a model that is not in it",
    "models": "Model describes one; those of the catalogue are given to Grid(model=...) by name",
    "run": "make a Sweep(grid, client=Client(), folder='...') and call its run()",
    "sweep": "Sweep(grid, client=Client(), folder='...')",
    "load": "Grid.load reads a grid, open(folder) a sweep, unpack(zip) a bundle",
}
"""What people look for under another name."""

_HOME = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "APIError",
    "AuthenticationError",
    "Axis",
    "BudgetError",
    "Builder",
    "Cell",
    "Client",
    "Costs",
    "Estimate",
    "Gallery",
    "Grid",
    "GridError",
    "GridgenError",
    "JournalError",
    "Linked",
    "MissingKeyError",
    "Model",
    "NetworkError",
    "OutOfCreditsError",
    "Preview",
    "Price",
    "RateLimitError",
    "Row",
    "Simulator",
    "Skipped",
    "Status",
    "Sweep",
    "Task",
    "TaskFailed",
    "Template",
    "UnknownOutcome",
    "Value",
    "allow_nested_loops",
    "budgets",
    "builder",
    "linked",
    "open",
    "search_replace",
    "set_budget",
    "template",
    "unpack",
    "value",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        hint = f": {_SAID_OTHERWISE[name]}" if name in _SAID_OTHERWISE else ""
        msg = f"module 'gridgen' has no attribute {name!r}{hint}"
        raise AttributeError(msg)
    value = getattr(importlib.import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
