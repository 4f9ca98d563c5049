"""gridgen: a grid of text-to-video requests, run safely and watched side by side.

The public names are loaded when they are first used, so that importing the
package stays quick.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gridgen._loop import allow_nested_loops
    from gridgen.axes import Axis, Linked, linked
    from gridgen.cells import Cell
    from gridgen.client import Client
    from gridgen.costs import Costs
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
        TaskTimeout,
        UnknownOutcome,
    )
    from gridgen.estimate import Estimate
    from gridgen.form import Builder, builder
    from gridgen.gallery import Gallery
    from gridgen.grid import Grid, Skipped
    from gridgen.journal import Journal
    from gridgen.models import Model
    from gridgen.preview import Preview
    from gridgen.simulator import Simulator
    from gridgen.sweep import Sweep, open  # noqa: A004 - as one opens a file
    from gridgen.task import Status, Task
    from gridgen.templates import Template, search_replace, template
    from gridgen.values import Value, value

__version__ = "0.1.0"

_HOMES = {
    "gridgen._loop": ("allow_nested_loops",),
    "gridgen.axes": ("Axis", "Linked", "linked"),
    "gridgen.cells": ("Cell",),
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
        "TaskTimeout",
        "UnknownOutcome",
    ),
    "gridgen.costs": ("Costs",),
    "gridgen.estimate": ("Estimate",),
    "gridgen.form": ("Builder", "builder"),
    "gridgen.gallery": ("Gallery",),
    "gridgen.grid": ("Grid", "Skipped"),
    "gridgen.journal": ("Journal",),
    "gridgen.models": ("Model",),
    "gridgen.preview": ("Preview",),
    "gridgen.simulator": ("Simulator",),
    "gridgen.sweep": ("Sweep", "open"),
    "gridgen.task": ("Status", "Task"),
    "gridgen.templates": ("Template", "search_replace", "template"),
    "gridgen.values": ("Value", "value"),
}
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
    "Journal",
    "JournalError",
    "Linked",
    "MissingKeyError",
    "Model",
    "NetworkError",
    "OutOfCreditsError",
    "Preview",
    "RateLimitError",
    "Simulator",
    "Skipped",
    "Status",
    "Sweep",
    "Task",
    "TaskFailed",
    "TaskTimeout",
    "Template",
    "UnknownOutcome",
    "Value",
    "allow_nested_loops",
    "builder",
    "linked",
    "open",
    "search_replace",
    "template",
    "value",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        msg = f"module 'gridgen' has no attribute {name!r}"
        raise AttributeError(msg)
    value = getattr(importlib.import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
