"""Range requests: which bytes of a file somebody asked for (RFC 9110, section 14)."""

from __future__ import annotations

import re
from typing import NamedTuple

__all__ = ["UNSATISFIABLE", "Span", "requested"]

_BYTES = re.compile(r"bytes=\s*([0-9]*)-([0-9]*)\s*", re.IGNORECASE)
_DIGITS = 18
"""Of an offset; a longer one lies beyond every file."""


class Span(NamedTuple):
    """Half-open range of byte offsets."""

    start: int
    stop: int


UNSATISFIABLE = Span(0, 0)
"""What `requested` returns for a range that lies outside the file."""


def requested(header: str | None, size: int) -> Span | None:
    """Return the single range that a Range header asks for.

    None means the whole file: no header, one that is malformed, or several ranges,
    which a server may ignore.
    """
    match = _BYTES.fullmatch(header or "")
    if match is None or match.groups() == ("", ""):
        return None
    first, last = match.groups()
    if not first:
        span = Span(max(0, size - _offset(last)), size)
    elif last and _offset(last) < _offset(first):
        return None
    else:
        span = Span(_offset(first), min(size, _offset(last) + 1) if last else size)
    return span if span.start < span.stop else UNSATISFIABLE


def _offset(digits: str) -> int:
    significant = digits.lstrip("0") or "0"
    return int(significant) if len(significant) <= _DIGITS else 10**_DIGITS
