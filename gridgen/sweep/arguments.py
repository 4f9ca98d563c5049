"""What may be given to a `Sweep`; the rest is refused here, before anything is read or sent."""

from __future__ import annotations

from concurrent.futures import Executor
from decimal import Decimal
from typing import Any

from gridgen.errors import GridError
from gridgen.grid import Grid
from gridgen.grid.selection import counted_takes
from gridgen.models.price import money
from gridgen.outcome import Policy

__all__ = ["cap", "check", "client_of", "flag", "policy", "quota", "workers"]


def check(grid: object, client: object, takes: int, disk_quota: object) -> None:
    """Raise `GridError` if one of them is not what it should be."""
    if not isinstance(grid, Grid):
        msg = (
            f"a Sweep takes a Grid, not a {type(grid).__name__}: gridgen.Sweep(gridgen.Grid(prompt=...), ...)"
        )
        raise GridError(msg)
    if client is not None:
        client_of(client)
    if counted_takes(takes, len(grid)) > 1:
        _check_seeds(grid, takes)
    quota(disk_quota)


def client_of(client: object) -> Any:
    """Return a client, if it is one."""
    if not hasattr(client, "origin"):
        # what was given may be a key, so it is not shown
        msg = (
            f"client= is a gridgen.Client, not a {type(client).__name__}: gridgen.Client(api_key=...), or "
            "gridgen.Simulator().client()"
        )
        raise GridError(msg, nothing="Nothing was sent.")
    return client


def quota(value: Any) -> int | None:
    """Return a number of bytes, None for no limit, if it is one."""
    if value is not None and (type(value) is not int or value < 1):
        msg = f"disk_quota={value!r} is not a number of bytes, such as disk_quota=20 * 10**9"
        raise GridError(msg)
    found: int | None = value
    return found


def flag(value: Any) -> bool:
    """Return True or False, if it is one of them."""
    if not isinstance(value, bool):
        msg = f"previews={value!r:.80} is neither True nor False"
        raise GridError(msg)
    return value


def workers(value: Any) -> Executor | None:
    """Return who draws, None for the engine's own threads, if it is an executor."""
    if value is not None and not isinstance(value, Executor):
        given = "a class" if isinstance(value, type) else f"a {type(value).__name__}"
        msg = (
            f"workers= takes an object that is a concurrent.futures.Executor, not {given}: "
            f"{_executor_meant(value)}"
        )
        raise GridError(msg)
    found: Executor | None = value
    return found


def _executor_meant(value: Any) -> str:
    """Return what to write for something that stands for workers elsewhere."""
    if isinstance(value, type):
        return f"workers={value.__name__}(4)"
    if callable(getattr(value, "get_executor", None)):
        return "workers=client.get_executor(), of that client"
    count = value if type(value) is int and value > 0 else 4
    return f"workers=concurrent.futures.ProcessPoolExecutor({count}), or client.get_executor() of dask.distributed"


def _check_seeds(grid: Grid, takes: int) -> None:
    seeded = next((cell for cell in grid if cell.get("seed") is not None), None)
    if seeded is not None:
        seeds = [seeded["seed"] + more for more in range(takes)]
        msg = (
            f"takes={takes} would ask {seeded.model!r} for seed {seeds[0]} {takes} times, and pay for the same clip each "
            f"time; write seed={seeds} and leave takes out"
        )
        raise GridError(msg, nothing="Nothing was sent.")


def cap(value: float | Decimal | str | None, name: str = "budget") -> Decimal | None:
    """Return a sum in USD that is not to be passed, None where there is none.

    Raises
    ------
    GridError
        If it is no such number.
    """
    return None if value is None else money(value, name)


def policy(on_unknown: str, resubmit_budget: float | Decimal | str | None) -> Policy:
    """Return what is done with submissions whose answer was lost.

    Raises
    ------
    GridError
        If the two do not go together.
    """
    most = cap(resubmit_budget, "resubmit_budget")
    if (on_unknown == "resubmit") != (most is not None):
        msg = (
            'on_unknown="resubmit" and resubmit_budget= go together: submitting anew what may be paid already '
            "needs a cap in USD, such as resubmit_budget=0.50"
        )
        raise GridError(msg)
    return Policy(on_unknown, most or Decimal(0))
