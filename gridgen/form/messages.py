"""What is wrong with a form, told beside the field and without Python."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gridgen.errors import Problem

__all__ = ["worded"]

_FIELDS = {
    "prompt": "prompts",
    "template": "prompts",
    "model": "models",
    "size": "sizes",
    "quality": "qualities",
    "duration": "durations",
    "image_urls": "images",
    "budget": "budget",
}
"""Where each part of a request is typed; anything else is a slot."""


def worded(problems: Iterable[Problem]) -> dict[str, str]:
    """Return what is wrong by the name of its field, a sentence a line."""
    found: dict[str, list[str]] = {}
    for problem in problems:
        found.setdefault(_FIELDS.get(problem.field, "slots"), []).append(_sentence(problem))
    return {field: "\n".join(dict.fromkeys(texts)) for field, texts in found.items()}


def _sentence(problem: Problem) -> str:
    # what stands in parentheses tells how it is mended in Python
    why = problem.why.partition(" (")[0].removeprefix(f"{problem.field}: ").removeprefix(f"{problem.field}=")
    if problem.field == "duration" and not isinstance(problem.value, int):
        why = "write whole numbers of seconds, such as 6, 10 or 6,8,..,30"
    more = problem.remedy or (f"offered: {', '.join(problem.offered)}" if problem.offered else "")
    said = f"{why}; {more}" if more else why
    return f"{said[:1].upper()}{said[1:]}."
