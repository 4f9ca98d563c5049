"""The axes of a grid, and which values may stand on them."""

from __future__ import annotations

import datetime as dt
import difflib
import json
import numbers
import os
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from gridgen.calls import explained
from gridgen.errors import GridError, Problem
from gridgen.grid.images import LocalImage, is_picture, pictured, reference
from gridgen.models.spelling import meant_length
from gridgen.values import Value, listed

if TYPE_CHECKING:
    from gridgen.models import Model

__all__ = [
    "NOTHING",
    "NO_IMAGE",
    "RESERVED",
    "Axis",
    "Collecting",
    "Linked",
    "check_text",
    "checked",
    "entries",
    "labelled",
    "linked",
    "meant",
    "nearest",
    "refuse",
    "text_of",
    "unknown_axis",
]

NOTHING = "Nothing was submitted."
_LONGEST_CLIP = 1_000_000
_LONGEST_SHOWN = 80
NO_IMAGE = "no image"
"""How the absence of reference images reads."""

RESERVED = frozenset(
    [
        "bytes",
        "cell",
        "clip_seconds",
        "completed_at",
        "cost",
        "error",
        "error_class",
        "expires_at",
        "fps",
        "frames",
        "further",
        "height",
        "last_frame",
        "note",
        "path",
        "pick",
        "progress",
        "rating",
        "reason",
        "service_seconds",
        "sha256",
        "skipped",
        "status",
        "submitted_at",
        "tags",
        "take",
        "task_id",
        "url",
        "width",
    ]
)
"""Columns of the tables, which no axis may be called."""


@dataclass(frozen=True, slots=True)
class Axis:
    """One named axis of a grid.

    Attributes
    ----------
    name : str
        The request field, slot or label that varies.
    values : tuple
        In the order typed; None where a field is not stated or a slot not named.
    labels : tuple of str
        What a person reads for each value; unique within the axis.
    notes : tuple of str
        A remark on each value; empty where there is none at all.
    weights : tuple of float
        How often a random sample draws each value; empty where all are alike.
    sent : bool
        Whether the value is part of the request and of the key; slots of templates
        and free axes are not.
    follows : tuple of str
        The axes that settle this one: a prompt's slots, or what it is linked with.
    """

    name: str
    values: tuple[Any, ...]
    labels: tuple[str, ...]
    notes: tuple[str, ...] = ()
    weights: tuple[float, ...] = ()
    sent: bool = True
    follows: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.values)

    def having(self, codes: Sequence[int]) -> Axis:
        """Return the axis with some of its values only."""
        return replace(
            self,
            values=tuple(self.values[code] for code in codes),
            labels=tuple(self.labels[code] for code in codes),
            notes=tuple(self.notes[code] for code in codes) if self.notes else (),
            weights=tuple(self.weights[code] for code in codes) if self.weights else (),
        )

    def position(self, value: Any) -> int | None:
        """Return where a value stands, by itself or by its label; None if it does not."""
        for at, each in enumerate(self.values):
            if type(each) is type(value) and each == value:
                return at
        if value in self.values:
            return self.values.index(value)
        return self.labels.index(value) if value in self.labels else None


@dataclass(frozen=True, slots=True)
class Linked:
    """Axes that go together, value by value; made by `gridgen.linked`.

    Attributes
    ----------
    axes : mapping of str to object
        What was typed for each axis.
    labels : mapping of str to object
        What was typed for each axis that is not part of the request.
    """

    axes: Mapping[str, Any]
    labels: Mapping[str, Any]


@explained({"linked": "gridgen.linked(size=['16:9', '9:16'], quality=['480p', '720p'])"})
def linked(*, labels: Mapping[str, Any] | None = None, **axes: Any) -> Linked:
    """Tie axes together, so that their first values go together, then their second ones, and so on.

    Parameters
    ----------
    labels : mapping of str to list, optional
        Axes that are not part of the request, tied to the others.
    **axes
        Request fields, or slots of the grid's template, each with a list of values;
        all lists are of one length.

    Returns
    -------
    Linked
        For `Grid`, before its other axes.

    Examples
    --------
    >>> linked(size=["16:9", "9:16"], quality=["480p", "720p"])
    Linked(axes={'size': ['16:9', '9:16'], 'quality': ['480p', '720p']}, labels={})
    """
    return Linked(axes, labels or {})


def refuse(problems: Sequence[Problem]) -> None:
    """Raise one error that names all that is wrong, if anything is.

    Raises
    ------
    GridError
        If there are problems.
    """
    if problems:
        raise GridError(*problems, nothing=NOTHING)


class Collecting:
    """Adds what is found wrong within to a list, and goes on; says of what does not tell it where it stands."""

    __slots__ = ("_field", "_line", "_problems", "_where")

    def __init__(
        self, problems: list[Problem], field: str = "", where: str = "", line: int | None = None
    ) -> None:
        self._problems, self._field, self._where, self._line = problems, field, where, line

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: object, trace: object) -> bool:
        if not isinstance(error, GridError):
            return False
        self._problems += (placed(each, self._field, self._where, self._line) for each in error.problems)
        return True


def placed(problem: Problem, field: str = "", where: str = "", line: int | None = None) -> Problem:
    """Return a problem with its field and its place, where it does not know them itself."""
    found = replace(problem, field=problem.field or str(field))
    return found if found.where else replace(found, where=where, line=line)


_CALLED = {
    "size": "ratio aspect aspect_ratio sizes dimensions",
    "duration": "seconds length video_length duration_seconds seconds_total clip_length time",
    "quality": "resolution video_resolution res tier definition",
    "image_urls": "image images image_url input_image init_image reference_image reference_images img",
    "first_frame_image": "start_image first_frame start_frame",
    "last_frame_image": "end_image tail_image image_tail end_frame",
    "prompt": "text prompts description",
    "negative_prompt": "negative neg_prompt negatives",
    "model": "engine version model_id model_name",
    "audio": "sound generate_audio with_audio enable_audio",
    "prompt_extend": "enhance_prompt prompt_enhancer prompt_upsampling expand_prompt",
    "nsfw_check": "safety_checker enable_safety_checker",
    "seed": "seeds random_seed",
}
_TAKES = "for several clips of each cell give Sweep(..., takes=3)"
_SWEEPS = "it is an argument of Sweep(grid, client=..., folder=...), not of the grid"
_SIZES = "the API takes an aspect ratio, size='16:9', and a tier, quality='720p'"
_LACKING = {
    _TAKES: "n count samples num_videos num_outputs num_samples batch batch_size variations takes",
    _SWEEPS: "client folder budget",
    "a key is an argument of Client(api_key=...)": "api_key key token",
    _SIZES: "width height",
    "the API has none; the model sets the frame rate": "fps frame_rate",
    "the API has none; a clip has the length that duration= says, in seconds": "num_frames frames",
    "the API has none; say it in the prompt": "style camera camera_fixed camera_motion motion motion_strength loop",
    "the API has none; its models take a prompt and no sampling settings": (
        "cfg cfg_scale guidance guidance_scale steps num_inference_steps sampler scheduler temperature strength lora"
    ),
    "gridgen asks for each clip itself": "webhook callback callback_url webhook_url",
}
_FIELD_CALLED = {word: field for field, words in _CALLED.items() for word in words.split()}
_WHY_LACKING = {word: why for why, words in _LACKING.items() for word in words.split()}


def meant(name: object, known: Iterable[str]) -> tuple[str, str]:
    """Return what a request field of other video APIs is called here, and what to know where there is none.

    Each is empty where it does not apply; a name of which nothing is known may be misspelled.
    """
    word = str(name).casefold()
    for each in (word, word.removesuffix("s")):
        if each in _WHY_LACKING:
            return "", _WHY_LACKING[each]
        if each in _FIELD_CALLED:
            return _FIELD_CALLED[each], ""
    return nearest(name, known), ""


def nearest(name: object, known: Iterable[str]) -> str:
    """Return the nearest known name, empty if none is near."""
    return next(iter(difflib.get_close_matches(str(name), list(known), n=1)), "")


def unknown_axis(why: str, name: str, axes: Sequence[str], near: Iterable[str] = ()) -> Problem:
    """Return the problem that a name is none of the axes; `near` are further names that may be meant."""
    hint, lacking = meant(name, [*axes, *near])
    remedy = "; ".join(filter(None, [lacking, f"the axes are {', '.join(axes)}"]))
    return Problem(why, name, offered=tuple(axes), hint=hint, remedy=remedy)


def entries(name: str, given: Any) -> list[Value]:
    """Return the values typed for an axis, not yet checked against a model.

    Raises
    ------
    GridError
        If they are empty, have no order, or can be read in two ways.
    """
    if name == "image_urls":
        return _image_entries(given)
    return listed(name, given, numeric=_is_numeric(name))


def _is_numeric(name: str) -> bool:
    return name in {"duration", "seed"}


def _image_entries(given: Any) -> list[Value]:
    if given is None or isinstance(given, (str, Value)) or is_picture(given):
        return [given if isinstance(given, Value) else Value(given)]
    if isinstance(given, AbstractSet) or not isinstance(given, Iterable):
        raise GridError(
            Problem(f"image_urls={given!r} is not a list of URLs or pictures", "image_urls", given)
        )
    found = listed("image_urls", given)
    single = [
        entry.value
        for entry in found
        if entry.label is None and (isinstance(entry.value, str) or is_picture(entry.value))
    ]
    if len(single) == len(found) > 1:
        one = f"[{', '.join(map(_brief, single))}]"
        several = f"[{', '.join(f'[{_brief(each)}]' for each in single)}]"
        remedy = (
            f"write image_urls=[{one}] for one clip with {len(single)} images, or image_urls={several} for an axis of "
            f"{len(single)} values"
        )
        raise GridError(
            Problem(f"image_urls={one} can be read in two ways", "image_urls", given, remedy=remedy)
        )
    return found


def _brief(picture: Any) -> str:
    return (
        repr(os.fspath(picture)) if isinstance(picture, (str, os.PathLike)) else f"<{type(picture).__name__}>"
    )


def checked(name: str, value: Any, models: Sequence[Model]) -> Any:
    """Return a request value in the spelling of the catalogue.

    Raises
    ------
    GridError
        If it is of the wrong kind, or none of the models offers it.
    """
    if name == "size":
        _refuse_time(value)
    value = _typed(name, value, models)
    if name == "model":
        return value
    lacks = []
    for model in models:
        lack = model.offers(name, value)
        if lack is None:
            spelled = name in {"size", "quality"} and value is not None
            return model.settled({name: value})[name] if spelled else value
        lacks.append(lack)
    if len(lacks) > 1:
        said = "; ".join(lack.reason for lack in lacks)
        raise GridError(
            Problem(f"{name}={_short(value)} is offered by none of the models: {said}", name, value)
        )
    raise GridError(lacks[0].problem if lacks else "there is no model to ask")


_CLOCK = re.compile(r"(\d{1,2}):(0\d)(?::00)?|(\d{1,2}):(\d{2}):00|(0\d):(\d{2})")
_DATED = re.compile(r"(?:\d{4}-\d\d-\d\d[T ]|\d+ days? )(?=\d)")
_DAY = 24 * 60
_ROUNDED = 0.01
_RATIOS = ((16, 9), (9, 16), (1, 1), (4, 3), (3, 4), (3, 2), (2, 3), (21, 9), (9, 21), (5, 4), (4, 5))


def _refuse_time(value: Any) -> None:
    """Refuse what a spreadsheet or YAML made of an aspect ratio, which both take for a time of day.

    YAML 1.1 reads an unquoted 16:9 as a number of base 60, 969; a spreadsheet keeps
    16:09 as a part of a day and writes it as 16:09:00.

    Raises
    ------
    GridError
        If it is a time.
    """
    shown, cause = (
        str(value),
        "a spreadsheet took it for a time of day; format the column as text and type it again",
    )
    if isinstance(value, str):
        found = _CLOCK.fullmatch(_DATED.sub("", value.strip()))
        meant = [int(part) for part in found.groups() if part] if found else _part_of_day(value)
    elif isinstance(value, (dt.time, dt.datetime)):
        meant = [value.hour, value.minute]
    elif isinstance(value, dt.timedelta):
        meant = list(divmod(int(value.total_seconds()) // 60, 60))
    elif isinstance(value, float):
        meant = _part_of_day(value)
    else:
        meant = next(([wide, high] for wide, high in _RATIOS if value == wide * 60 + high), [])
        cause = "YAML 1.1 takes an unquoted one for a number of base 60; write it in quotes"
    if meant and not isinstance(value, bool):
        why = f"size={shown!r} is what became of {meant[0]}:{meant[1]}"
        raise GridError(Problem(why, "size", value, hint=f"{meant[0]}:{meant[1]}", remedy=cause))


def _part_of_day(value: str | float) -> list[int]:
    """Return the ratio that a spreadsheet keeps as this part of a day, nothing if it is none."""
    try:
        minutes = float(str(value).replace(",", ".")) * _DAY
    except ValueError:
        return []
    return next(([wide, high] for wide, high in _RATIOS if abs(wide * 60 + high - minutes) < _ROUNDED), [])


def _typed(name: str, value: Any, models: Sequence[Model]) -> Any:
    if name == "prompt":
        return _prompt(value)
    if name == "image_urls":
        return _images(value)
    if value is None or (name not in {"size", "quality"} and hasattr(value, "__len__") and not len(value)):
        # an empty text or list states nothing, and is not sent
        return None
    if any(model.names_pictures(name) for model in models):
        value = pictured(value)
    if name == "duration":
        return _whole(value, models)
    _check_json(name, value)
    return _frozen(value)


def _prompt(value: Any) -> str:
    if not isinstance(value, str):
        raise GridError(Problem(f"prompt={value!r} is a {type(value).__name__}, not a text", "prompt", value))
    if not value.strip():
        raise GridError(Problem(f"prompt={value!r} is empty", "prompt", value))
    try:
        value.encode()
    except UnicodeEncodeError as error:
        why = f"prompt={value!r} has a lone surrogate at {error.start}, which no request can carry"
        raise GridError(Problem(why, "prompt", value)) from None
    return value


def _whole(value: Any, models: Sequence[Model]) -> int:
    if isinstance(value, bool) or not isinstance(value, numbers.Integral):
        why = f"duration={value!r} is a {type(value).__name__}, not a whole number of seconds"
    elif abs(int(value)) > _LONGEST_CLIP:
        why = f"duration is more than {_LONGEST_CLIP:,} seconds, which no clip has"
    else:
        return int(value)
    spans = [model.duration.offered("").strip() for model in models if model.duration is not None]
    length = None if isinstance(value, numbers.Number) else meant_length(value)
    remedy = "" if length is None else f"write duration={length}"
    raise GridError(Problem(f"{why} ({'; '.join(spans)})", "duration", value, remedy=remedy))


def _check_json(name: str, value: Any) -> None:
    """Refuse what no request can carry, also for models of which nothing else is known."""
    try:
        json.dumps(value, allow_nan=False, ensure_ascii=False).encode()
    except (TypeError, ValueError) as error:
        why = f"{name}={_short(value)} cannot be sent as JSON: {error}"
        raise GridError(Problem(why, name, value)) from None


def _frozen(value: Any) -> Any:
    """Return a value that nobody changes behind the grid's back."""
    if isinstance(value, (list, tuple)):
        return tuple(_frozen(each) for each in value)
    if isinstance(value, Mapping):
        return {str(name): _frozen(each) for name, each in value.items()}
    return value


def _images(value: Any) -> tuple[str, ...]:
    if value is None:
        return ()
    if isinstance(value, str) or is_picture(value):
        value = [value]
    if not isinstance(value, Iterable) or isinstance(value, (Mapping, AbstractSet)):
        why = f"image_urls value {value!r} is not a list of URLs or pictures"
        raise GridError(Problem(why, "image_urls", value))
    urls = tuple(reference(each) for each in value)
    if not urls:
        why = "image_urls value [] has no image"
        raise GridError(Problem(why, "image_urls", value, remedy="write None for no image"))
    return urls


def text_of(value: Any) -> str:
    """Return how a value reads where it has no label of its own."""
    if type(value) is str:
        return value or "(empty)"
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, LocalImage):
        return value.name
    if isinstance(value, (dict, tuple)):
        return _short(json.dumps(value, ensure_ascii=False))
    return "–" if value is None else str(value)  # noqa: RUF001 - a dash for nothing


def _short(value: Any) -> str:
    try:
        text = value if isinstance(value, str) else repr(value)
    except ValueError:
        # Python writes no number of thousands of digits
        text = "(a number too long to write)"
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"


def check_text(what: str, text: Any) -> None:
    """Refuse a text that no file and no page can hold.

    Raises
    ------
    GridError
        If it has half a character, such as half an emoji that was cut in two.
    """
    try:
        if isinstance(text, str):
            text.encode()
    except UnicodeEncodeError as error:
        msg = f"{what} {text!r:.80} has half a character at {error.start}, which no file can hold"
        raise GridError(msg, nothing=NOTHING) from None


def labelled(name: str, values: Sequence[Any], given: Sequence[str | None]) -> tuple[str, ...]:
    """Return a label for each value, those that were given and else the value itself, no two alike."""
    own = _image_labels(values) if name == "image_urls" else tuple(text_of(value) for value in values)
    labels = [shown if label is None else label for shown, label in zip(own, given, strict=True)]
    often = Counter(labels)
    if len(often) == len(labels):
        return tuple(labels)
    typed = {label for label in given if label is not None and often[label] > 1}
    if typed:
        why = f"{name}: two values have the label {min(typed)!r}"
        raise GridError(Problem(why, name, min(typed), remedy="give each its own"))
    return tuple(f"{label} ({at})" if often[label] > 1 else label for at, label in enumerate(labels, 1))


def _image_labels(values: Sequence[Any]) -> tuple[str, ...]:
    short = [" + ".join(_file_name(url) for url in urls) for urls in values]
    whole = [" + ".join(getattr(url, "name", "") or url.partition("?")[0] for url in urls) for urls in values]
    for found in (short, whole):
        if len(set(found)) == len(found):
            return tuple(label or NO_IMAGE for label in found)
    return tuple(label or NO_IMAGE for label in short)


def _file_name(url: str) -> str:
    return url.name if isinstance(url, LocalImage) else PurePosixPath(urlsplit(url).path).name or url
