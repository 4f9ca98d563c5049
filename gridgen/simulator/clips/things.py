"""Small things as rows of a table: which stroke of the pen, in which colour, where."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

from gridgen.simulator.clips.colours import Colour, mix
from gridgen.simulator.clips.pen import Pen

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["THINGS", "thing"]

_SKIN: Final = (226.0, 178.0, 146.0)
_INK: Final = (30.0, 28.0, 36.0)
_PAPER: Final = (250.0, 247.0, 238.0)
_TINTS: Final = {"own": 0.0, "light": 0.45, "dark": -0.4}
_EXTRA: Final = {"line": {"width": 0.035}, "box": {"round_": 0.04}}
_FINE: Final = {"line": {"width": 0.006}, "box": {"round_": 0.004}}
_Stroke = tuple[str, str | Colour, tuple[Any, ...]]

THINGS: Final[dict[str, tuple[float, tuple[_Stroke, ...]]]] = {
    "cup": (1.3, (
        ("oval", "dark", ((0.6, 0.92), 0.46, 0.07)), ("oval", "light", ((0.6, 0.9), 0.46, 0.065)),
        ("oval", "own", ((0.98, 0.55), 0.15, 0.17)), ("oval", "dark", ((0.98, 0.55), 0.09, 0.11)),
        ("curve", "own", ((0.26, 0.32), (0.94, 0.32), (0.92, 0.62), (0.78, 0.88), (0.42, 0.88), (0.28, 0.62))),
        ("curve", "light", ((0.32, 0.36), (0.42, 0.36), (0.44, 0.8), (0.36, 0.7))),
        ("oval", "light", ((0.6, 0.32), 0.345, 0.085)), ("oval", (74.0, 44.0, 28.0), ((0.6, 0.33), 0.3, 0.065)),
    )),
    "bottle": (0.75, (
        ("box", "dark", ((0.27, 0.02), 0.2, 0.16)), ("box", (226.0, 190.0, 120.0), ((0.31, 0.16), 0.12, 0.12)),
        ("box", "own", ((0.1, 0.27), 0.54, 0.69)), ("box", "light", ((0.14, 0.31), 0.46, 0.61)),
        ("box", "own", ((0.14, 0.5), 0.46, 0.42)), ("box", _PAPER, ((0.22, 0.56), 0.3, 0.22)),
        ("line", (150.0, 120.0, 70.0), ((0.28, 0.64), (0.46, 0.64))),
        ("line", (150.0, 120.0, 70.0), ((0.31, 0.7), (0.43, 0.7))), ("line", _PAPER, ((0.17, 0.35), (0.17, 0.88))),
    )),
    "hand": (1.9, (
        ("limb", "own", ((1.78, 1.0, 0.17), (1.4, 0.74, 0.13))), ("limb", _PAPER, ((1.46, 0.78, 0.125), (1.38, 0.73, 0.125))),
        ("limb", _SKIN, ((1.36, 0.72, 0.1), (1.02, 0.54, 0.14))), ("limb", _SKIN, ((1.0, 0.46, 0.06), (0.76, 0.44, 0.05), (0.66, 0.56, 0.042))),
        ("line", (232.0, 176.0, 60.0), ((0.98, 0.16), (0.56, 0.8))), ("line", _INK, ((0.575, 0.775), (0.545, 0.825))),
        ("limb", _SKIN, ((1.02, 0.62, 0.06), (0.78, 0.64, 0.045), (0.67, 0.62, 0.04))),
        ("limb", _SKIN, ((1.06, 0.7, 0.055), (0.84, 0.72, 0.045))),
    )),
    "bee": (1.4, (
        ("oval", (226.0, 238.0, 248.0), ((0.58, 0.26), 0.15, 0.22)), ("oval", (206.0, 222.0, 240.0), ((0.78, 0.24), 0.14, 0.2)),
        ("oval", "own", ((0.64, 0.6), 0.42, 0.26)), ("line", _INK, ((0.44, 0.4), (0.42, 0.6), (0.44, 0.8))),
        ("line", _INK, ((0.62, 0.36), (0.6, 0.6), (0.62, 0.84))), ("line", _INK, ((0.8, 0.4), (0.78, 0.6), (0.8, 0.8))),
        ("oval", _INK, ((1.1, 0.56), 0.16, 0.16)), ("oval", _PAPER, ((1.15, 0.52), 0.045, 0.05)),
        ("line", _INK, ((1.16, 0.42), (1.28, 0.26))), ("line", _INK, ((0.22, 0.62), (0.12, 0.64))),
    )),
    "diver": (2.2, (
        ("limb", "dark", ((0.72, 0.6, 0.08), (0.36, 0.66, 0.06), (0.2, 0.6, 0.05))),
        ("facet", (244.0, 190.0, 60.0), ((0.24, 0.56), (0.0, 0.42), (0.04, 0.66))),
        ("limb", "own", ((0.76, 0.56, 0.09), (0.42, 0.5, 0.06), (0.24, 0.42, 0.05))),
        ("facet", (244.0, 190.0, 60.0), ((0.28, 0.36), (0.04, 0.2), (0.06, 0.44))),
        ("limb", (244.0, 190.0, 60.0), ((0.9, 0.34, 0.1), (1.3, 0.34, 0.1))),
        ("limb", "own", ((0.8, 0.54, 0.14), (1.34, 0.52, 0.13))), ("limb", "own", ((1.3, 0.6, 0.07), (1.56, 0.76, 0.06))),
        ("limb", _SKIN, ((1.56, 0.76, 0.06), (1.78, 0.72, 0.05))), ("oval", _SKIN, ((1.58, 0.46), 0.15, 0.15)),
        ("facet", (60.0, 130.0, 170.0), ((1.6, 0.36), (1.74, 0.38), (1.74, 0.5), (1.6, 0.5))),
        ("line", _INK, ((1.72, 0.56), (1.6, 0.7), (1.3, 0.42))),
    )),
    "swing": (0.7, (
        ("line", (92.0, 70.0, 52.0), ((0.31, 0.5), (0.31, 0.93))), ("limb", _INK, ((0.33, 0.92, 0.022), (0.42, 0.925, 0.018), (0.45, 0.985, 0.013))),
        ("curve", "own", ((0.3, 0.81), (0.37, 0.81), (0.4, 0.93), (0.28, 0.93))), ("oval", (54.0, 38.0, 34.0), ((0.33, 0.762), 0.034, 0.038)),
        ("oval", _SKIN, ((0.342, 0.768), 0.028, 0.032)), ("limb", _SKIN, ((0.335, 0.83, 0.011), (0.385, 0.85, 0.01), (0.385, 0.8, 0.01))),
        ("line", (92.0, 70.0, 52.0), ((0.39, 0.5), (0.385, 0.93))), ("box", (126.0, 84.0, 54.0), ((0.27, 0.925), 0.15, 0.014)),
    )),
}  # fmt: skip
"""By name: width by height, and the strokes from far to near; "own", "light" and "dark" are of the thing's colour."""


def thing(kind: str, height: int, colour: Colour, tilt: float) -> Image.Image:
    """Draw a thing of `THINGS`, turned by `tilt` degrees."""
    aspect, strokes = THINGS[kind]
    pen = Pen(height, aspect, colour, tilt)
    extra = _FINE if kind == "swing" else _EXTRA
    for stroke, named, places in strokes:
        share = _TINTS[named] if isinstance(named, str) else 0.0
        own = colour if isinstance(named, str) else named
        tone = mix(own, _PAPER if share > 0 else _INK, math.fabs(share))
        getattr(pen, stroke)(tone, *places, **extra.get(stroke, {}))
    return pen.finished()
