"""The live wall of each notebook's page: its sweep, made on the simulator and exported as a page."""

from __future__ import annotations

import logging
import math
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import gridgen as gg

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["WALLS", "make"]


@dataclass(frozen=True)
class Wall:
    """What a notebook's sweep makes, or four clips of it, and how they are laid out."""

    grid: Callable[[], gg.Grid]
    rows: str | list[str]
    cols: str | list[str]


def _boats() -> gg.Grid:
    prompts = ["a paper boat crossing a puddle", "a paper boat in a storm"]
    return gg.Grid(prompt=prompts, size=["16:9", "9:16"])


def _weather() -> gg.Grid:
    prompt = gg.template(
        "a {animal} {place}, stormy weather",
        animal=["red fox", "paper boat"],
        place=["on a hill at dawn", "in the rain at night"],
    )
    return gg.Grid(prompt=prompt, model="grok-imagine-1.5-video-ext")


def _interrupted() -> gg.Grid:
    return gg.Grid(prompt=["a paper boat in a storm", "a red fox in the snow"], size=["16:9", "9:16"])


def _by_hand() -> gg.Grid:
    return gg.Grid(
        prompt=gg.template("a {animal} crosses a frozen lake at {dawn|dusk}"),
        labels={"animal": ["red fox", "paper boat"]},
        model="grok-imagine-1.5-video-ext",
    )


def _whales() -> gg.Grid:
    prompts = ["a whale at dawn", "a whale in a storm", "a whale at night, full moon"]
    return gg.Grid(prompt=prompts, size=["16:9", "9:16"])


def _served() -> gg.Grid:
    prompts = ["a paper boat crossing a puddle", "a paper boat in a storm"]
    return gg.Grid(prompt=prompts, duration=[6, 10])


WALLS = {
    "01_first_grid": Wall(_boats, "prompt", "size"),
    "02_grids": Wall(_weather, "animal", "place"),
    "03_interrupt_and_resume": Wall(_interrupted, "prompt", "size"),
    "04_builder": Wall(_by_hand, "animal", "variant1"),
    "05_compare": Wall(_whales, "prompt", "size"),
    "90_simulator": Wall(_served, "prompt", "duration"),
}


def make(name: str, target: Path, *, clips: str) -> None:
    """Write a notebook's wall as one page, in virtual time.

    Parameters
    ----------
    name : str
        The notebook's, without its ending.
    target : Path
        The page.
    clips : str
        ``"full"``, or ``"tiny"`` for a quick look.
    """
    logging.getLogger("gridgen").setLevel(logging.WARNING)  # a build tells how it gets on itself
    wall = WALLS[name]
    folder = Path(tempfile.mkdtemp())
    try:
        with gg.Simulator(speed=math.inf, clips=clips) as simulator:
            sweep = gg.Sweep(wall.grid(), client=simulator.client(), folder=folder / name)
            sweep.run()
            sweep.to_html(target, rows=wall.rows, cols=wall.cols)
    finally:
        shutil.rmtree(folder)
