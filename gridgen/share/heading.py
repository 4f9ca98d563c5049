"""What an exported page says above its wall: whose clips these are, what to do with them, and where ratings go."""

from __future__ import annotations

import html
import re
import unicodedata
from dataclasses import dataclass
from typing import Self
from urllib.parse import urlsplit

from gridgen.errors import GridError, Problem

__all__ = ["Heading", "missing"]

_NOTHING = "Nothing was written."
_LONGEST = {"title": 200, "intro": 5000, "send_to": 1000}
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(\.[\w-]+)+")


@dataclass(frozen=True, slots=True)
class Heading:
    """What a page says above its wall, checked; empty for what is not said.

    Attributes
    ----------
    title, intro : str
        Plain text.
    send_to : str
        An email address or an https address.
    """

    title: str = ""
    intro: str = ""
    send_to: str = ""

    @classmethod
    def checked(cls, title: str, intro: str, send_to: str) -> Self:
        """Check what a page is to say above its wall.

        Raises
        ------
        GridError
            If one of them is too long, or `send_to` is no address.
        """
        told = {"title": title, "intro": intro, "send_to": send_to}
        for name, text in told.items():
            if len(text) > _LONGEST[name]:
                why = f"{name} has {len(text)} characters, more than {_LONGEST[name]}"
                raise GridError(Problem(why, name, text), nothing=_NOTHING)
        if send_to and not _is_address(send_to):
            why = f"send_to={send_to!r:.80} is neither an email address, such as 'anna@example.org', nor an https address"
            raise GridError(Problem(why, "send_to", send_to), nothing=_NOTHING)
        return cls(" ".join(_shown(title).split()), _shown(intro).strip(), send_to)

    def html(self, name: str) -> str:
        """Return it as HTML; a page without a title has the sweep's name."""
        intro = f'\n<p class="gg-intro" dir="auto">{html.escape(self.intro)}</p>' if self.intro else ""
        where = (
            f"to <bdi>{html.escape(self.send_to)}</bdi>" if self.send_to else "back to who sent you this page"
        )
        return (
            f'<header class="gg-lead" dir="ltr">\n<h1 dir="auto">{html.escape(self.title or name)}</h1>{intro}\n'
            '<p class="gg-instruction">Open a clip to see it large, give it stars, then press '
            f"<b>Download ratings</b> and send the file {where}.</p>\n</header>"
        )


def missing(folder: str | None) -> str:
    """Return what a page says where the folder of its media cannot be had; its script shows it."""
    if folder is None:
        return ""
    return (
        '<p id="gridgen-missing" role="alert" dir="ltr" hidden>The clips cannot be reached: they are in the folder '
        f"<b>{html.escape(folder)}</b>, which is not beside this page. Put it there, or ask for it too; where this is the preview "
        "of a mail or of a notebook, save page and folder in one place and open the page in a browser.</p>\n"
    )


def _shown(text: str) -> str:
    """Return a text without what no file can hold and nobody can see: control characters but the line's end."""
    return "".join(
        letter for letter in text if letter == "\n" or unicodedata.category(letter) not in {"Cc", "Cs"}
    )


def _is_address(text: str) -> bool:
    if _EMAIL.fullmatch(text):
        return True
    if not text.isascii() or not text.isprintable() or " " in text:
        return False
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme == "https" and bool(parts.hostname) and "@" not in parts.netloc
