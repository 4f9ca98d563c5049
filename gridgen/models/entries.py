"""The entries of a price list, read: a tier of the model, how long the clip is, and what sets the price apart.

The page and the server's list name them in the same way (apimart.ai's pricing page of
2026-09-24, two public pricing clients, a public relay's test).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from gridgen.models.price import entry_name

if TYPE_CHECKING:
    from collections.abc import Mapping
    from decimal import Decimal

    from gridgen.models.fields import Choice

__all__ = ["Entries"]

_FAMILIES = {
    "sound": "sound",
    "audio": "sound",
    "video": "video",
    "refvideo": "video",
    "vidref": "video",
    "v2v": "video",
    "input": "input",
    "edit": "edit",
    "extend": "extend",
    "voice": "voice",
}
"""What sets an entry apart, by the page's words; nothing that can be asked for here asks for a voice."""

_TIER = re.compile(r"\d{3,4}p|\d{1,2}k|std|pro|draft|hd|fhd")
_OTHER_WORDS = {"hd": "720p", "fhd": "1080p"}
_LENGTH = re.compile(r"(\d{1,3})s")


class Entries:
    """Entries of a price list in the words of a model.

    Parameters
    ----------
    table : mapping of str to Decimal or None
        USD by the list's own names; None where what stands there cannot be read.
    quality : Choice or None
        Knows the tiers' names on the wire.

    Attributes
    ----------
    usd : dict of str to Decimal
        As of `Price`.
    unread : tuple of str
        Tiers with an entry of a family that is not known, or without a number.
    """

    def __init__(self, table: Mapping[str, Decimal | None], quality: Choice | None) -> None:
        self._quality = quality
        self.usd: dict[str, Decimal] = {}
        unread: dict[str, None] = {}
        for name, usd in table.items():
            words = name.strip().casefold().split("-")
            if words[0] == "token":
                # USD for a million tokens, beside the prices by which they are reckoned
                continue
            tier, traits, seconds, odd = self._read(words)
            if odd or usd is None:
                unread[tier] = None
            elif self._by_another_word(tier):
                unread[_OTHER_WORDS[tier]] = None
            if usd is not None and (not odd or len(words) == 1):
                # a single word may be a tier that nobody has heard of; of two spellings of one the dearer counts
                entry = entry_name(tier or "".join(odd), traits, seconds)
                self.usd[entry] = max(usd, self.usd.get(entry, usd))
        self.unread = tuple(unread)

    @property
    def base(self) -> str | None:
        """The tier that has the entries without one: Kling's ``std``, which is what its ``mode`` leaves out."""
        quality = self._quality
        return quality.word("std") if quality is not None and quality.field == "mode" else None

    def _by_another_word(self, tier: str) -> bool:
        """Whether a tier that the model does not know may be one that it knows."""
        quality = self._quality
        return quality is not None and quality.word(tier) is None and tier in _OTHER_WORDS

    def _read(self, words: list[str]) -> tuple[str, set[str], int | None, list[str]]:
        """Return tier, families and length of an entry, and the words that are none of these."""
        tier, traits, seconds = "", set(), None
        odd: list[str] = []
        for word in words:
            length = _LENGTH.fullmatch(word)
            known = None if self._quality is None or self._quality.open else self._quality.word(word)
            if word in _FAMILIES:
                traits.add(_FAMILIES[word])
            elif length:
                seconds = int(length[1])
            elif known is not None or _TIER.fullmatch(word):
                tier = known or self._word(word)
            elif word != "default":
                odd.append(word)
        return tier, traits, seconds, odd

    def _word(self, tier: str) -> str:
        """Return a tier in the user's words."""
        return (self._quality.word(tier) if self._quality is not None else None) or tier
