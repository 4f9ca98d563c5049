"""What a reviewer thinks of one clip, and what several think of it together; pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from gridgen.errors import GridError, Problem

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import EllipsisType

__all__ = [
    "LONGEST_NAME",
    "LONGEST_NOTE",
    "LONGEST_TAG",
    "MOST_STARS",
    "MOST_TAGS",
    "NO_OPINION",
    "UNCHANGED",
    "Consensus",
    "Opinion",
    "agreed",
    "changed",
    "notes_of",
    "reviewer_name",
    "seen_name",
]

MOST_STARS = 5
LONGEST_TAG, MOST_TAGS = 40, 20
LONGEST_NOTE = 2000
LONGEST_NAME = 60

_AT_A_MOMENT = re.compile(r"([0-9]{1,3}):([0-5][0-9]\.[0-9]{1,3}) +([^ \n][^\n]*)")

UNCHANGED: EllipsisType = ...
"""Stands for a part of an opinion that is to stay as it is."""


@dataclass(frozen=True, slots=True)
class Opinion:
    """What one reviewer says of one clip.

    Attributes
    ----------
    stars : int, optional
        0 to 5; None for unrated.
    pick : bool, optional
        True for picked, False for rejected, None for neither.
    tags : tuple of str
        In the order given, each once.
    note : str
        Of the clip as a whole, and of its moments: `notes_of` takes it apart.
    """

    stars: int | None = None
    pick: bool | None = None
    tags: tuple[str, ...] = ()
    note: str = ""


NO_OPINION = Opinion()


@dataclass(frozen=True, slots=True)
class Consensus:
    """What the reviewers say together, as a row of the table shows it.

    Attributes
    ----------
    rating : float, optional
        Mean of their stars.
    pick : bool, optional
        What most of those who picked or rejected say; None where they are even.
    tags : str, optional
        All tags, joined by a comma and a space.
    note : str, optional
        The note; of several, each on a line of its own after its author.
    """

    rating: float | None = None
    pick: bool | None = None
    tags: str | None = None
    note: str | None = None


def agreed(opinions: Mapping[str, Opinion]) -> Consensus:
    """Sum up the opinions of a clip by reviewer."""
    stars = [opinion.stars for opinion in opinions.values() if opinion.stars is not None]
    picks = [opinion.pick for opinion in opinions.values() if opinion.pick is not None]
    tags = dict.fromkeys(tag for opinion in opinions.values() for tag in opinion.tags)
    notes = {name: opinion.note for name, opinion in opinions.items() if opinion.note}
    lead = 2 * sum(picks) - len(picks)
    return Consensus(
        rating=sum(stars) / len(stars) if stars else None,
        pick=lead > 0 if lead else None,
        tags=", ".join(tags) or None,
        note=_joined(notes),
    )


def _joined(notes: Mapping[str, str]) -> str | None:
    if len(notes) == 1:
        return next(iter(notes.values()))
    return "\n".join(f"{name}: {note}" for name, note in notes.items()) or None


def changed(
    opinion: Opinion,
    *,
    stars: object = UNCHANGED,
    pick: object = UNCHANGED,
    tags: object = UNCHANGED,
    note: object = UNCHANGED,
) -> Opinion:
    """Return an opinion with some parts replaced, each checked; None clears a part.

    Raises
    ------
    GridError
        If a part is none that an opinion may have. All wrong parts are named.
    """
    given = {"stars": stars, "pick": pick, "tags": tags, "note": note}
    parts: dict[str, Any] = {}
    wrong: dict[str, str] = {}
    for name, value in given.items():
        if value is UNCHANGED:
            continue
        plain = value.item() if hasattr(value, "item") else value
        try:
            parts[name] = _CHECKS[name](plain)
        except ValueError as error:
            wrong[name] = f"{name}={_shown(value)} {error}"
    if wrong:
        field = ", ".join(wrong)
        problem = Problem("; ".join(wrong.values()), field, given.get(field))
        raise GridError(problem, nothing="Nothing was noted.")
    return replace(opinion, **parts)


def notes_of(text: str) -> list[tuple[float | None, str]]:
    """Take a note apart into what it says of the whole clip and of its moments.

    A line that begins with a moment as the wall writes it, minutes, seconds and a decimal
    point, is about that moment: ``0:02.4 the hand melts``. So notes at moments are in every
    place that keeps a note: folders, pages and ratings files of each version.

    Returns
    -------
    list
        Seconds and text of each: first all other lines together, with None, where there are
        any, then the moments in their order.
    """
    lines = [(_AT_A_MOMENT.fullmatch(line.strip()), line) for line in text.split("\n")]
    whole = "\n".join(line for found, line in lines if not found).strip()
    told = [(60 * int(found[1]) + float(found[2]), found[3].strip()) for found, _ in lines if found]
    return [*([(None, whole)] if whole else []), *sorted(told, key=lambda each: each[0])]


def reviewer_name(value: object) -> str:
    """Return a reviewer's name as it is kept: one line of 1 to 60 characters.

    Raises
    ------
    GridError
        If it is none.
    """
    try:
        return _line(value, LONGEST_NAME)
    except ValueError as error:
        problem = Problem(f"reviewer={_shown(value)} {error}", "reviewer", value)
        raise GridError(problem, nothing="Nothing was noted.") from None


def seen_name(name: str) -> str:
    """Return what a person sees of a name: the same for two that cannot be told apart.

    Compatibility forms, invisible characters and blanks do not count, and letters of
    other scripts that are drawn as Latin ones count as these (a part of Unicode's table
    of confusables, UTS 39).
    """
    text = unicodedata.normalize("NFKC", name)
    text = "".join(each for each in text if unicodedata.category(each) != "Cf" and each not in _VARIANTS)
    return " ".join(text.translate(_DRAWN_AS).split())


_VARIANTS = frozenset(map(chr, range(0xFE00, 0xFE10)))
_CYRILLIC = (
    "\u0410\u0412\u0415\u0405\u0408\u041a\u041c\u041d\u0420\u0421\u0422\u0423\u0425\u0430"
    "\u0435\u0455\u0456\u0458\u043e\u0440\u0441\u0443\u0445\u0501\u051b\u051d\u04bb"
)
_GREEK = "\u0391\u0392\u0395\u0396\u0397\u039a\u039c\u039d\u03a1\u03a4\u03a5\u03a7\u03bf\u03bd\u03b9"
_DRAWN_AS = str.maketrans(
    {
        **dict(zip(_CYRILLIC, "ABESJKMHPCTYXaesijopcyxdqwh", strict=True)),
        **dict(zip(_GREEK, "ABEZHKMNPTYXovi", strict=True)),
        **dict.fromkeys("Il1|\u0406\u0399", "l"),
        **dict.fromkeys("0\u041e\u039f", "O"),
    }
)


def _stars(value: object) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MOST_STARS:
        msg = f"is not a whole number from 0 to {MOST_STARS}; None takes a rating back"
        raise ValueError(msg)
    return value


def _pick(value: object) -> bool | None:
    if value is None or isinstance(value, bool):
        return value
    msg = "is not True (pick), False (reject) or None (neither)"
    raise ValueError(msg)


def _tags(value: object) -> tuple[str, ...]:
    if value is None:
        return ()
    given = value.split(",") if isinstance(value, str) else value
    if not isinstance(given, Iterable) or isinstance(given, bytes | Mapping):
        msg = "is not a tag or a list of tags"
        raise ValueError(msg)  # noqa: TRY004 - `changed` collects ValueErrors
    tags = dict.fromkeys(_tag(tag) for tag in given if tag != "")
    if len(tags) > MOST_TAGS:
        msg = f"are {len(tags)} tags; a clip has at most {MOST_TAGS}"
        raise ValueError(msg)
    return tuple(tags)


def _tag(value: object) -> str:
    tag = _line(value, LONGEST_TAG)
    if "," in tag:
        msg = "has a comma within a tag, which separates tags"
        raise ValueError(msg)
    return tag


def _note(value: object) -> str:
    return "" if value is None else _text(value, LONGEST_NOTE, also="\n\t")


def _line(value: object, longest: int) -> str:
    text = _text(value, longest)
    if not text:
        msg = "is empty"
        raise ValueError(msg)
    return text


def _text(value: object, longest: int, also: Sequence[str] = ()) -> str:
    """Return text that any file and page can hold: no control characters, no halves of characters."""
    if not isinstance(value, str):
        msg = "is not text"
        raise ValueError(msg)  # noqa: TRY004 - `changed` collects ValueErrors
    text = unicodedata.normalize("NFC", value.replace("\r\n", "\n")).strip()
    if len(text) > longest:
        msg = f"has {len(text)} characters; at most {longest} are kept"
        raise ValueError(msg)
    if any(unicodedata.category(each) in {"Cc", "Cs"} and each not in also for each in text):
        msg = "holds control characters"
        raise ValueError(msg)
    return text


_CHECKS = {"stars": _stars, "pick": _pick, "tags": _tags, "note": _note}


def _shown(value: object) -> str:
    text = ascii(value)
    return text if len(text) <= 60 else f"{text[:57]}..."  # noqa: PLR2004 - as much as fits a message
