"""What a notebook shows of an error: the user's own lines and our sentence, and the frames of libraries on demand.

IPython asks an exception for its own rendering (`_render_traceback_`, which ipyparallel uses in the same way).
Plain Python does not, and shows what it always shows.
"""

from __future__ import annotations

import linecache
import os
import re
import sys
import sysconfig
import traceback
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["masked", "printable", "rendered"]

_MOST_FRAMES, _MOST_LINES = 6, 12
_VERBOSE = "%xmode Verbose, and the cell run again, shows the frames of the libraries too"
_CONTROLS = frozenset({"Cc", "Cs", "Zl", "Zp"})
_TURNING = frozenset("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_RED, _BOLD, _PLAIN = "\x1b[31m", "\x1b[1m", "\x1b[0m"

_ANSI = r"(?:\x1b\[[\d;]*m)*"
_NAMED = re.compile(
    rf"((?:\w*(?:key|token|secret|passw|auth)\w*{_ANSI}[\"'\]]*{_ANSI}\s*{_ANSI}(?::\s*[\w.| ]+)?[=:(]|Client{_ANSI}\(){_ANSI}\s*{_ANSI})"
    r"((?:[rbuf]*(?:'[^'\n]*'?|\"[^\"\n]*\"?)\s*)+)",
    re.IGNORECASE,
)
_LOOKS_LIKE_ONE = re.compile(
    r"\b(?:sk|sim)-[!#-&(-\[\]-~]{4,}|(?<![\w/.-])(?=\w*\d)(?=\w*[A-Za-z])[\w-]{32,}(?![\w/.-])"
)


def rendered(error: BaseException) -> list[str]:
    """Return what IPython shows of an error, block by block.

    By default that is each frame of the user's own code and what the error says;
    after ``%xmode Verbose`` it is all that IPython knows. String literals that may be
    keys are masked in both.
    """
    shell = sys.modules["IPython"].get_ipython()
    style = shell.InteractiveTB
    if style.mode == "Verbose":
        offset = style.tb_offset
        shown = style.structured_traceback(type(error), error, error.__traceback__, tb_offset=offset)
        return [masked(block) for block in shown]
    colours = ("", "", "") if str(shell.colors).lower() == "nocolor" else (_RED, _BOLD, _PLAIN)
    red, bold, plain = colours
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if _is_users(frame.filename)]
    shown = [_frame(shell, frame, bold, plain) for frame in frames[-_MOST_FRAMES:]]
    return [*shown, f"{red}{type(error).__name__}{plain}: {error}", f"({_VERBOSE}.)"]


def masked(text: str) -> str:
    """Return source text, or a traceback, without the string literals that may be keys."""
    return _LOOKS_LIKE_ONE.sub("[key]", _NAMED.sub(r"\1'[key]'", text))


def printable(text: str) -> str:
    """Return a text that does nothing to a terminal but stand there: no controls but the line's end, no turned letters."""
    return "".join(
        letter
        if letter == "\n" or (unicodedata.category(letter) not in _CONTROLS and letter not in _TURNING)
        else " "
        for letter in text
    )


def _frame(shell: Any, frame: traceback.FrameSummary, bold: str, plain: str) -> str:
    first = frame.lineno or 1
    last = min(frame.end_lineno or first, first + _MOST_LINES - 1)
    code = masked("".join(linecache.getline(frame.filename, line) for line in range(first, last + 1)))
    lines = [
        f"{'---->' if number == first else '     '} {number} {line}"
        for number, line in enumerate(code.splitlines(), first)
    ]
    function = "" if frame.name == "<module>" else f" in {frame.name}()"
    return "\n".join([f"{bold}{_place(shell, frame.filename)}, line {first}{function}{plain}", *lines])


def _place(shell: Any, filename: str) -> str:
    """Return what a notebook calls a cell, and otherwise the file as it is seen from here."""
    named: tuple[str, str] | None = shell.compile.format_code_name(filename)
    if named is not None:
        return " ".join(named)
    try:
        return os.path.relpath(filename)
    except ValueError:  # another drive
        return filename


def _is_users(filename: str) -> bool:
    """Whether a file is the user's own: neither gridgen's, nor Python's, nor of an installed package."""
    return not filename.startswith("<frozen ") and not any(
        Path(filename).is_relative_to(folder) for folder in _foreign()
    )


def _foreign() -> Iterator[Path]:
    yield Path(__file__).parent
    for name in ("stdlib", "platstdlib", "purelib", "platlib"):
        yield Path(sysconfig.get_path(name))
    for name in ("IPython", "ipykernel"):
        found = getattr(sys.modules.get(name), "__file__", None)
        if found:
            yield Path(found).parent
