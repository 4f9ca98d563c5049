"""The API key, which nothing shows: no repr, no traceback of any style, no text of a server that quotes it.

A traceback may print the values of all that a frame holds or names. So the text is
behind a call, which no traceback makes, and no frame that has it can raise.
"""

from __future__ import annotations

import hmac
import json
import os
import re
import sys
from typing import TYPE_CHECKING, Any, AnyStr

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Key"]

VARIABLE = "APIMART_API_KEY"


class Key:
    """A key as it was given, or else as the environment has it.

    Parameters
    ----------
    given : str or None
        Spaces around it are taken off.

    Attributes
    ----------
    given : bool
        Whether it was given; otherwise it is for the official service alone.
    is_empty, is_plain, is_simulated : bool
        Whether there is none; it has only characters that keys have; a simulator made it.
    """

    __slots__ = ("_redact_bytes", "_redact_text", "_text", "given", "is_empty", "is_plain", "is_simulated")

    def __init__(self, given: str | None) -> None:
        key = _text(os.environ.get(VARIABLE) if given is None else given)
        self.given = given is not None
        self.is_empty = not key
        self.is_plain = key.isascii() and key.isprintable() and " " not in key
        self.is_simulated = key.startswith("sim-")
        self._text: Callable[[], str] = lambda: key
        spelled = "".join(map(_spelled, key)) if key and self.is_plain else "(?!)"
        # of a method of a pattern, unlike the pattern, the repr has no text
        self._redact_text = re.compile(spelled).sub
        self._redact_bytes = re.compile(spelled.encode()).sub

    def __repr__(self) -> str:
        return "[key]"

    def __getstate__(self) -> object:
        msg = "a key is not copied"
        raise TypeError(msg)

    def authorize(self, request: Any) -> Any:
        """Add the key to a request."""
        request.headers["Authorization"] = f"Bearer {self._text()}"
        return request

    def fingerprint(self, salt: str) -> str:
        """Return 16 hexadecimal digits that tell keys apart."""
        return hmac.digest(salt.encode(), self._text().encode(), "sha256").hex()[:16]

    def redact(self, said: AnyStr) -> AnyStr:
        """Take the key out of what a server says, however the text spells its characters; bytes become UTF-8."""
        if isinstance(said, str):
            return self._redact_text("[key]", said)
        if b"\0" in said or not said.isascii():
            encoding = json.detect_encoding(said)
            if not encoding.startswith("utf-8"):
                said = said.decode(encoding, "replace").encode()
        return self._redact_bytes(b"[key]", said)

    def stands_in_a_cell(self) -> bool:
        """Whether a cell that was run holds the key, as one that papermill injected does."""
        shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
        cells = [] if shell is None else shell.user_ns.get("In", [])
        return any(self._text() in cell for cell in cells if isinstance(cell, str))


def _text(given: object) -> str:
    return given.strip() if isinstance(given, str) else ""


def _spelled(char: str) -> str:
    """Return a pattern of one character as JSON, also within JSON, URLs and HTML may spell it."""
    code = f"{ord(char):x}"
    digits = "".join(f"[{digit}{digit.upper()}]" if digit.isalpha() else digit for digit in code)
    # the character itself comes last: where it begins one of the others, it would leave the rest of that
    spellings = [
        rf"\\\\*u0*{digits}",
        f"%{digits}",
        f"&#0*{ord(char)};",
        f"&#[xX]0*{digits};",
        re.escape(char),
    ]
    if not char.isalnum():
        spellings.append(rf"\\\\*{re.escape(char)}")
    return f"(?:{'|'.join(spellings)})"
