"""The places that a clip can show, and which one a prompt means."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from gridgen.simulator.clips import land, rooms, waters
from gridgen.simulator.clips.kinds import KINDS

if TYPE_CHECKING:
    from collections.abc import Callable

    from gridgen.simulator.clips.stage import Stage

__all__ = ["INDOORS", "PLACES", "settle"]

PLACES: Final[dict[str, Callable[[Stage], None]]] = {
    "city": land.city,
    "desert": land.desert,
    "forest": land.forest,
    "hills": land.hills,
    "kitchen": partial(rooms.room, fitting="cupboards"),
    "lake": waters.lake,
    "library": partial(rooms.room, fitting="shelves"),
    "meadow": land.meadow,
    "mountains": land.mountains,
    "puddle": waters.puddle,
    "room": rooms.room,
    "sea": waters.sea,
    "space": land.space,
    "table": rooms.table,
    "underwater": waters.underwater,
}
"""Each place and the function that sets it on a stage, far to near."""

INDOORS: Final = frozenset({"kitchen", "library", "room"})
"""Places whose weather is outside of a window."""
_HOMES: Final = ("table", "sea", "underwater", "space", "city", "mountains", "forest", "meadow", "desert")
"""Places where subjects are at home, the one that prevails first."""
_DRY: Final = ("meadow", "mountains", "desert", "hills")
_ANYWHERE: Final = (*_DRY, "lake")


def settle(place: str | None, kinds: frozenset[str], choice: Callable[[tuple[str, ...]], str]) -> str:
    """Decide on a place.

    Parameters
    ----------
    place : str or None
        What the prompt says.
    kinds : frozenset of str
        The subjects, which suggest one.
    choice : callable
        Chooses from a tuple where nothing suggests anything.

    Returns
    -------
    str
        A key of `PLACES`.
    """
    if place is not None:
        return place
    homes = {KINDS[kind].home for kind in kinds}
    home = next((each for each in _HOMES if each in homes), None)
    return home or choice(_DRY if kinds else _ANYWHERE)
