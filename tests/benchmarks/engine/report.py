"""Figures, the table that they make, and the machine that they were taken on."""

from __future__ import annotations

import json
import os
import platform
import sqlite3
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import httpx

if TYPE_CHECKING:
    from collections.abc import Iterable

OURS = "gridgen"

REFERENCE = 0.30
"""CPU seconds of `calibration` on the machine of the published table, with nothing else at work."""


@dataclass(frozen=True)
class Figure:
    """One measured value.

    Attributes
    ----------
    bar : str
        Number of the bar that it belongs to.
    scenario, runner, measure : str
        What was done, by whom, and what was measured.
    value : float
    goal : float or None
        What it is held to.
    most : bool
        Whether the goal is the largest value allowed, or the smallest.
    gates : bool
        Whether missing the goal is a failure: counts and virtual time gate, wall time does not.
    """

    bar: str
    scenario: str
    runner: str
    measure: str
    value: float
    goal: float | None = None
    most: bool = True
    gates: bool = True

    @property
    def met(self) -> bool:
        """Whether the goal is kept; without one it is."""
        if self.goal is None:
            return True
        return self.value <= self.goal if self.most else self.value >= self.goal

    def shown(self) -> str:
        """Return the value, with its goal where it has one."""
        value = f"{self.value:,.0f}" if abs(self.value) >= 1000 else f"{self.value:.4g}"
        if self.goal is None:
            return f"{self.measure} {value}"
        sign = "<=" if self.most else ">="
        return f"{self.measure} {value} ({sign} {self.goal:g}{'' if self.met else ' MISSED'})"


def table(figures: Iterable[Figure]) -> list[str]:
    """Return Markdown rows: one for each scenario and runner, ours first."""
    rows: dict[tuple[str, str, str], list[str]] = {}
    for each in figures:
        rows.setdefault((each.bar, each.scenario, each.runner), []).append(each.shown())
    lines = ["| bar | scenario | runner | figures |", "|---|---|---|---|"]
    last = ("", "")
    for (bar, scenario, runner), shown in rows.items():
        place = (bar, scenario) if (bar, scenario) != last else ("", "")
        last = (bar, scenario)
        name = f"**{runner}**" if runner == OURS else runner
        lines.append(f"| {place[0]} | {place[1]} | {name} | {', '.join(shown)} |")
    return lines


def calibration() -> float:
    """Return the CPU seconds of a fixed piece of work of the kind that the engine does."""
    begun = time.process_time()
    for number in range(30_000):
        json.loads(json.dumps({"id": f"task_{number}", "status": "processing", "progress": number % 100}))
    return time.process_time() - begun


def machine() -> dict[str, Any]:
    """Return what a reader has to know to compare."""
    return {
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "httpx": httpx.__version__,
        "sqlite": sqlite3.sqlite_version,
        "load": round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None,
        "calibration": round(calibration(), 3),
    }


def to_json(figures: Iterable[Figure], seconds: dict[str, float]) -> str:
    """Return all figures, the machine and what each benchmark took, as JSON."""
    found = [asdict(each) | {"met": each.met} for each in figures]
    return json.dumps({"machine": machine(), "seconds": seconds, "figures": found}, indent=1)
