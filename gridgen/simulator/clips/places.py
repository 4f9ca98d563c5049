"""The places that a clip can show, and which one a prompt means."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gridgen.simulator.clips import land, rooms, waters

if TYPE_CHECKING:
    from collections.abc import Callable

    from gridgen.simulator.clips.stage import Stage

__all__ = ["INDOORS", "PLACES", "settle"]

PLACES: Final[dict[str, Callable[[Stage], None]]] = {
    "city": land.city,
    "desert": land.desert,
    "forest": land.forest,
    "hills": land.hills,
    "kitchen": rooms.kitchen,
    "lake": waters.lake,
    "library": rooms.bookshelves,
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
_HOMES: Final = {
    "table": frozenset({"bottle", "cup", "hand"}),
    "sea": frozenset({"paper boat", "sailboat", "ship", "whale", "dolphin", "lighthouse"}),
    "underwater": frozenset({"diver", "fish", "jellyfish"}),
    "space": frozenset({"astronaut", "rocket"}),
    "city": frozenset({"robot", "car", "train", "umbrella"}),
    "mountains": frozenset({"castle", "volcano", "dragon"}),
    "forest": frozenset({"fox", "wolf", "deer", "bear", "waterfall", "campfire"}),
    "meadow": frozenset(
        {"horse", "dog", "cat", "butterfly", "windmill", "balloon", "house", "flower", "bee"}
    ),
    "desert": frozenset({"elephant"}),
}
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
    for home, kept in _HOMES.items():
        if kinds & kept:
            return home
    return choice(_DRY if kinds else _ANYWHERE)
