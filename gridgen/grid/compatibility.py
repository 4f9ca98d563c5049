"""What models lack of a grid's places, cell by cell, asked no more often than needed."""

from __future__ import annotations

import unicodedata
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from gridgen.grid.axes import refuse
from gridgen.money import dollars, total

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from gridgen.errors import Problem
    from gridgen.grid.cells import Cell
    from gridgen.grid.combinations import Combinations
    from gridgen.models import Model, Unsupported

__all__ = ["ignored_sizes", "similar_prompts", "unsupported"]

_MOST_NAMED = 10
_FRAMES = ("first_frame_image", "last_frame_image")
_PICTURES = frozenset({"image_urls", "image_with_roles", *_FRAMES})
_ROLES = frozenset({"first_frame", "last_frame"})


def unsupported(
    combinations: Combinations, models: Sequence[Model], unsaid: Collection[str]
) -> dict[int, str]:
    """Return why positions cannot be made; with one model alone that is an error.

    Parameters
    ----------
    combinations : Combinations
        What is skipped already is not looked at.
    models : sequence of Model
        In the order of their axis.
    unsaid : collection of str
        Fields that the user left to the models, which leave them out where they must.

    Raises
    ------
    GridError
        If the only model lacks a combination that is asked for.
    """
    reasons: dict[int, str] = {}
    lacks: Counter[Problem] = Counter()
    for code, model in enumerate(models):
        for position, lack in _of_model(combinations, code, model, alone=len(models) == 1, unsaid=unsaid):
            reasons[position] = lack.reason
            lacks[lack.problem] += 1
    if len(models) == 1 and lacks:
        refuse([_counted(problem, count) for problem, count in lacks.most_common(_MOST_NAMED)])
    return reasons


def _counted(problem: Problem, count: int) -> Problem:
    cells = "1 cell" if count == 1 else f"{count} cells"
    return replace(problem, why=f"{problem.why} ({cells}; leave them out with exclude= or where=)")


def _of_model(
    combinations: Combinations, code: int, model: Model, *, alone: bool, unsaid: Collection[str]
) -> Iterator[tuple[int, Unsupported]]:
    bad = {} if alone else _bad_values(combinations, model)
    together = _depending(combinations, model)
    names = list(dict.fromkeys([*bad, *together]))
    if not names:
        return
    axes = {name: combinations.axis(name) for name in names}
    columns = [combinations.column("model"), *(combinations.column(name) for name in names)]
    known: dict[tuple[int, ...], Unsupported | None] = {}
    for position, its_model, *codes in zip(combinations.positions, *columns, strict=True):
        if its_model != code or position in combinations.reasons:
            continue
        key = tuple(codes)
        if key not in known:
            stated = dict(zip(names, codes, strict=True))
            lack = next((bad[name][at] for name, at in stated.items() if at in bad.get(name, {})), None)
            known[key] = lack or _together(
                model,
                {
                    name: axes[name].values[at]
                    for name, at in stated.items()
                    if name in together and name not in unsaid
                },
            )
        found = known[key]
        if found is not None:
            yield position, found


def _bad_values(combinations: Combinations, model: Model) -> dict[str, dict[int, Unsupported]]:
    """Return for each axis the values that a model does not offer."""
    found: dict[str, dict[int, Unsupported]] = {}
    for axis in combinations.axes:
        if not axis.sent or axis.name == "model":
            continue
        if axis.name == "prompt" and model.prompt_max is None:
            continue
        lacks = {at: model.offers(axis.name, value) for at, value in enumerate(axis.values)}
        named = {at: lack for at, lack in lacks.items() if lack is not None}
        if named:
            found[axis.name] = named
    return found


def _depending(combinations: Combinations, model: Model) -> list[str]:
    """Return the axes by whose combination a model's rules ask."""
    names: set[str] = {name for group in model.exclusive for name in group}
    for rule in model.rules:
        names |= {"image_urls" if name == "images" else name for name in (*rule.when, *rule.only)}
    for option in model.options.values():
        if option.required or option.needs:
            names |= {option.name, *option.needs}
    if model.images.min:
        names.add("image_urls")
    if model.duration is not None and model.duration.omit_with:
        names |= {"duration", *model.duration.omit_with}
    there = [axis.name for axis in combinations.axes if axis.name in names]
    needed = any(option.required for option in model.options.values())
    return there or (["image_urls"] if needed else [])


def _together(model: Model, stated: Mapping[str, Any]) -> Unsupported | None:
    if not model.known:
        return None
    lacks = model.lacks(stated)
    return lacks[0] if lacks else None


def ignored_sizes(combinations: Combinations) -> str | None:
    """Name the cells that ask for the same picture twice, since an image overrules the size; None if there are none."""
    sizes = combinations.axis("size")
    pictured = [axis for axis in combinations.axes if axis.name in _PICTURES and any(axis.values)]
    if len(sizes) == 1 or not pictured:
        return None
    columns = [combinations.column(axis.name) for axis in pictured]
    found = []
    for index, (size, *codes) in enumerate(zip(combinations.column("size"), *columns, strict=True)):
        if not size or not any(axis.values[code] for axis, code in zip(pictured, codes, strict=True)):
            continue
        cell = combinations.cell(index)
        if combinations.reason(index) is None and _is_overruled(cell):
            found.append((index, cell))
    if not found:
        return None
    prices = [cell.price() for _, cell in found]
    known = [price for price in prices if price is not None]
    cost = dollars(total(known)) if len(known) == len(prices) else "an unknown sum"
    named = ", ".join(str(index) for index, _ in found[:_MOST_NAMED])
    return (
        f"{len(found)} of {len(combinations.active)} cells (index {named}{', …' if len(found) > _MOST_NAMED else ''}) differ from "
        f"another only in size, which {found[0][1].model!r} ignores beside an image: the clip follows the image. "
        f"They would cost {cost} more."
    )


def _is_overruled(cell: Cell) -> bool:
    """Whether a clip has the shape of an image, whatever its size asks for: a first or last frame is what it shows."""
    if cell.spec.size is None:
        return False
    roles = {each.get("role") for each in cell.get("image_with_roles") or () if isinstance(each, dict)}
    frames = any(cell.get(name) for name in _FRAMES) or not roles.isdisjoint(_ROLES)
    return frames or (cell.spec.size.ignored_with_images and bool(cell.image_urls))


def similar_prompts(combinations: Combinations) -> str | None:
    """Name the prompts that a person cannot tell apart, and that are paid apart; None if there are none."""
    prompts = combinations.axis("prompt").values
    if len(prompts) == 1:
        return None
    first: dict[str, str] = {}
    twins = [
        (first[seen], text) for text in prompts if first.setdefault(seen := _seen(str(text)), text) != text
    ]
    if not twins:
        return None
    named = "; ".join(f"{one!a:.80} and {other!a:.80}" for one, other in twins[:_MOST_NAMED])
    return (
        f"{len(twins)} of {len(prompts)} prompts look like another one and are paid apart, since they differ in blanks, "
        f"line ends, invisible characters or the way that accents are written: {named}. Write each prompt once."
    )


def _seen(prompt: str) -> str:
    """Return what a person sees of a prompt."""
    if not prompt.isascii():
        prompt = unicodedata.normalize("NFC", prompt)
        prompt = "".join(each for each in prompt if unicodedata.category(each) != "Cf")
    return " ".join(prompt.split())
