"""What the form holds: words in fields, and the grid and the Python code that they mean. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from gridgen.errors import GridError, Problem
from gridgen.grid import Grid
from gridgen.models import DEFAULT_MODEL
from gridgen.templates import Template, template

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["Draft", "Pattern", "slots_of"]

WIDEST = 88
Pattern = tuple[tuple[str, Any], ...]
"""A combination that is left out: axis and value, as in ``Grid(exclude=...)``."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A grid as it stands in the fields of the form.

    Attributes
    ----------
    prompts : tuple of str
        One a line.
    templated : bool
        Whether braces in them are slots and choices.
    slots : mapping of str to tuple of str
        Texts for each slot that a prompt names.
    models, sizes, qualities : tuple of str
        What is ticked; nothing means the model's own.
    durations : str
        Whole seconds with commas, shorthand such as ``6,8,..,30``, or nothing.
    images : tuple of str
        Paths and URLs, one reference image a value.
    bare : bool
        Whether the axis of images begins with none.
    excluded : tuple of Pattern
        Combinations that are left out; those that name a value no longer there rest.
    """

    prompts: tuple[str, ...] = ()
    templated: bool = False
    slots: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    models: tuple[str, ...] = (DEFAULT_MODEL,)
    sizes: tuple[str, ...] = ()
    durations: str = ""
    qualities: tuple[str, ...] = ()
    images: tuple[str, ...] = ()
    bare: bool = True
    excluded: tuple[Pattern, ...] = ()

    def grid(self) -> Grid:
        """Return the grid that is meant.

        Raises
        ------
        GridError
            Naming every field that is wrong.
        """
        if not self.prompts:
            raise GridError(Problem("write a prompt, one a line", "prompt"))
        whole = Grid(**self._keywords())
        patterns = self._holding(whole)
        return whole.exclude(*(dict(pattern) for pattern in patterns)) if patterns else whole

    def toggled(self, pattern: Pattern, grid: Grid) -> Draft:
        """Return the draft with a combination left out, or taken in again with all that left it out.

        Parameters
        ----------
        pattern : Pattern
            The combination that a person pointed at.
        grid : Grid
            As it was shown to that person.
        """
        covering = {each for each in self._holding(grid) if set(each) <= set(pattern)}
        if covering:
            return replace(self, excluded=tuple(each for each in self.excluded if each not in covering))
        inside = {each for each in self.excluded if set(each) > set(pattern)}
        kept = tuple(each for each in self.excluded if each not in inside)
        return replace(self, excluded=(*kept, pattern))

    def code(self, grid: Grid, *, client: str, folder: str, budget: str = "", takes: int = 1) -> str:
        """Return the Python that builds the same grid and runs it.

        Parameters
        ----------
        grid : Grid
            What the draft makes.
        client : str
            The expression that makes the client.
        folder : str
        budget : str, default ""
            USD, as typed; nothing for none.
        takes : int, default 1
        """
        typed = {name: _spelled(value) for name, value in self._keywords().items()}
        patterns = self._holding(grid)
        if patterns:
            typed["exclude"] = _listed([_spelled(dict(pattern)) for pattern in patterns])
        axes = "".join(f"    {name}={text},\n" for name, text in typed.items())
        options = [f"client={client}", f"folder={_quoted(folder)}"]
        options += [f"budget={budget}"] if budget else []
        options += [f"takes={takes}"] if takes > 1 else []
        return (
            f"import gridgen as gg\n\ngrid = gg.Grid(\n{axes})\n"
            f"sweep = gg.Sweep(grid, {', '.join(options)})\nsweep.run()\n"
        )

    def _keywords(self) -> dict[str, Any]:
        prompts: list[Any] = [self._prompt(text) for text in self.prompts]
        found: dict[str, Any] = {"prompt": _one(prompts)}
        named = [name for text in self.prompts for name in slots_of(text)] if self.templated else []
        labels = {name: list(self.slots.get(name, ())) for name in dict.fromkeys(named)}
        missing = [name for name, texts in labels.items() if not texts]
        if missing:
            raise GridError(
                *(
                    Problem(f"the slot {{{name}}} has no texts yet", name, remedy="write them one a line")
                    for name in missing
                )
            )
        if labels:
            found["labels"] = labels
        for name, values in (("model", self.models), ("size", self.sizes), ("quality", self.qualities)):
            if values and not (name == "model" and values == (DEFAULT_MODEL,)):
                found[name] = _one(values)
        if self.durations.strip():
            found["duration"] = _durations(self.durations)
        if self.images:
            found["image_urls"] = [*([None] if self.bare else []), *([path] for path in self.images)]
        return found

    def _prompt(self, text: str) -> str | Template:
        return template(text) if self.templated and re.search(r"[{]|__\w+__", text) else text

    def _holding(self, grid: Grid) -> tuple[Pattern, ...]:
        """Return the exclusions whose every value is on an axis of the grid."""
        axes = {axis.name: axis for axis in grid.axes}
        return tuple(
            pattern
            for pattern in self.excluded
            if all(name in axes and axes[name].position(value) is not None for name, value in pattern)
        )


def slots_of(text: str) -> tuple[str, ...]:
    """Return the slots that a prompt names and an axis has to fill, none for a text that is no template yet."""
    try:
        return template(text).wanted
    except GridError:
        return ()


def _durations(text: str) -> Any:
    """Return a list of numbers, a number, or the shorthand as it was typed."""
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isdecimal() for part in parts):
        return text.strip()
    return _one([int(part) for part in parts])


def _one(values: Sequence[Any]) -> Any:
    return values[0] if len(values) == 1 else list(values)


def _spelled(value: Any) -> str:
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, Template):
        return f"gg.template({_quoted(value.text)})"
    if isinstance(value, dict):
        inside = ", ".join(f"{_quoted(name)}: {_spelled(each)}" for name, each in value.items())
        return f"{{{inside}}}"
    return _listed([_spelled(each) for each in value]) if isinstance(value, list) else repr(value)


def _quoted(text: str) -> str:
    """Return a text as Python, in double quotes where that needs no more escapes."""
    plain = repr(text)
    return f'"{plain[1:-1]}"' if plain.startswith("'") and '"' not in plain else plain


def _listed(texts: list[str]) -> str:
    """Return a list on one line, or a line a value where that would be too wide."""
    line = f"[{', '.join(texts)}]"
    if len(line) <= WIDEST:
        return line
    return "[\n" + "".join(f"        {text},\n" for text in texts) + "    ]"
