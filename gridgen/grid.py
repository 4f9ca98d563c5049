"""A grid of video requests: named axes, their product, and a content key for each cell."""

from __future__ import annotations

import difflib
import hashlib
import html
import json
import math
import numbers
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from decimal import Decimal
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, TypeAlias, TypedDict, Unpack, overload
from urllib.parse import urlsplit

from gridgen.errors import GridError
from gridgen.images import LocalImage, is_picture, reference
from gridgen.models import DEFAULT_MODEL, Model, find, nearest

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["FIELDS", "Axis", "Cell", "Grid", "GridAxes"]

FIELDS = ("prompt", "size", "duration", "quality", "image_urls", "model")
"""The request fields that may be axes, in the user's words."""

_NOTHING = "Nothing was submitted."


Picture: TypeAlias = Any
"""A reference image, as `gridgen.images.reference` takes it: URL, path, bytes, Pillow image or array."""


class GridAxes(TypedDict, total=False):
    """What `Grid` takes: each a value or a list of values; ``prompt`` is required."""

    prompt: str | Iterable[str]
    size: str | Iterable[str]
    duration: int | Iterable[int]
    quality: str | Iterable[str]
    image_urls: Picture | Iterable[Picture | Iterable[Picture] | None] | None
    model: str | Iterable[str]


@dataclass(frozen=True, slots=True)
class Axis:
    """One named axis of a grid.

    Attributes
    ----------
    name : str
        The request field that varies.
    values : tuple
        Strings, whole seconds, or tuples of image URLs, in the order typed.
    labels : tuple of str
        What a person reads for each value; unique within the axis.
    """

    name: str
    values: tuple[Any, ...]
    labels: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.values)


@dataclass(frozen=True, slots=True)
class Cell:
    """One video to make: every field that the request states.

    Attributes
    ----------
    prompt, size, quality, model : str
        As in the API, with the model's alias resolved.
    duration : int
        Length of the clip in whole seconds.
    image_urls : tuple of str
        Reference images, empty for none: URLs, and for pictures of one's own
        ``sha256:`` and the hash of the content.
    """

    prompt: str
    size: str
    duration: int
    quality: str
    image_urls: tuple[str, ...] = ()
    model: str = DEFAULT_MODEL

    @property
    def key(self) -> str:
        """SHA-256 (hex) over the canonical JSON of what is meant.

        It names the cell for ever: the order of axes, labels, takes and a
        default spelled out do not change it.
        """
        meant = {name: getattr(self, name) for name in FIELDS}
        text = json.dumps(meant, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()

    def body(self) -> dict[str, Any]:
        """Return the request body under the model's wire names."""
        return find(self.model).body({name: getattr(self, name) for name in FIELDS})

    def price(self) -> Decimal | None:
        """Return the catalogue's price in USD, None where it knows none."""
        known = find(self.model).price
        if known is None:
            return None
        return known.of(quality=self.quality, duration=self.duration, images=len(self.image_urls))


class Grid(Sequence[Cell]):
    """The product of axes, one `Cell` for each combination.

    Each keyword is a request field and takes one value or a list of values.
    The last axis varies fastest. Everything is checked here, before anything
    can be sent, and every wrong value is named in one error.

    Parameters
    ----------
    prompt : str or list of str
        What to make. Required.
    size : str or list of str, default "16:9"
        Aspect ratio. With a reference image the clip follows the image instead.
    duration : int or list of int, default 6
        Length of the clip in whole seconds.
    quality : str or list of str, default "480p"
        Picture height, as the model names its tiers.
    image_urls : image or list of images, or list of such lists, optional
        An image is a public URL, the path or the content of a file, a Pillow image or
        an array of pixels. One value is a list of images (a bare one is a list of
        one); an axis is a list of such lists, in which None means no image. Pictures
        of one's own are uploaded once, when the sweep runs.
    model : str or list of str, default "grok-imagine-1.0-video-apimart"
        An id of the catalogue.

    Raises
    ------
    GridError
        If a value, an axis or a keyword is wrong.

    Examples
    --------
    >>> Grid(prompt="a paper boat", size=["16:9", "9:16"], duration=[6, 10])
    Grid(4 cells: size 2 x duration 2; 32 s of footage)
    """

    def __init__(self, **axes: Unpack[GridAxes]) -> None:
        self.axes: tuple[Axis, ...] = _axes(dict(axes))
        self._lengths = tuple(len(axis) for axis in self.axes)
        self._positions: Sequence[int] = range(math.prod(self._lengths))
        _warn_of_unknown(self)
        _warn_of_ignored(self)

    def __len__(self) -> int:
        return len(self._positions)

    @overload
    def __getitem__(self, index: int) -> Cell: ...
    @overload
    def __getitem__(self, index: slice) -> Grid: ...
    def __getitem__(self, index: int | slice) -> Cell | Grid:
        if isinstance(index, slice):
            return self._narrowed(self._positions[index])
        return self._cell(self._positions[index])

    def __iter__(self) -> Iterator[Cell]:
        return map(self._cell, self._positions)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Grid):
            return NotImplemented
        return len(self) == len(other) and all(a == b for a, b in zip(self, other, strict=True))

    def __hash__(self) -> int:
        return hash(tuple(cell.key for cell in self))

    @property
    def df(self) -> pd.DataFrame:
        """The cells as a table: the key and one column per request field."""
        from gridgen.frame import grid_frame

        return grid_frame(self)

    @property
    def footage(self) -> int:
        """Seconds of footage that the cells ask for, together."""
        return sum(cell.duration for cell in self)

    def coordinates(self, index: int) -> dict[str, int]:
        """Return, for one cell, the position of its value on each axis."""
        return dict(
            zip(
                (axis.name for axis in self.axes),
                self._coordinates(self._positions[index]),
                strict=True,
            )
        )

    def _narrowed(self, positions: Sequence[int]) -> Grid:
        grid = object.__new__(Grid)
        grid.axes, grid._lengths, grid._positions = self.axes, self._lengths, positions
        return grid

    def _coordinates(self, position: int) -> tuple[int, ...]:
        found: list[int] = []
        for length in reversed(self._lengths):
            position, at = divmod(position, length)
            found.append(at)
        return tuple(reversed(found))

    def _cell(self, position: int) -> Cell:
        found = self._coordinates(position)
        return Cell(**{axis.name: axis.values[at] for axis, at in zip(self.axes, found, strict=True)})

    def _shape(self, times: str) -> str:
        varied = [f"{axis.name} {len(axis)}" for axis in self.axes if len(axis) > 1]
        count = "1 cell" if len(self) == 1 else f"{len(self)} cells"
        return f"{count}: {times.join(varied)}" if varied else count

    def __repr__(self) -> str:
        return f"Grid({self._shape(' x ')}; {self.footage} s of footage)"

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><th style='text-align:left;padding-right:1.5em'>{html.escape(axis.name)}</th>"
            f"<td style='text-align:left'>{html.escape(_sample(axis))}</td></tr>"
            for axis in self.axes
            if axis.name != "image_urls" or axis.values != ((),)
        )
        return (
            f"<div><p style='margin:0 0 .4em'><strong>{self._shape(' × ')}</strong>, "  # noqa: RUF001 - the sign for times
            f"{self.footage} s of footage</p><table>{rows}</table></div>"
        )


def _sample(axis: Axis, most: int = 12) -> str:
    shown = ", ".join(axis.labels[:most])
    rest = len(axis) - most
    return f"{shown}, … {rest} more" if rest > 0 else shown


def _axes(given: dict[str, Any]) -> tuple[Axis, ...]:
    """Check everything that was typed; raise once, naming all that is wrong."""
    problems = [_unknown(name) for name in given if name not in FIELDS]
    if "prompt" not in given:
        problems.append("prompt= is missing: give one text or a list of texts")
    listed = {name: _listed(name, value, problems) for name, value in given.items() if name in FIELDS}
    models = _models(listed.setdefault("model", [DEFAULT_MODEL]), problems)
    for name, default in _defaults(models).items():
        listed.setdefault(name, [default])
    axes = [_axis(name, values, models, problems) for name, values in listed.items()]
    if problems:
        raise GridError(
            "\n".join([*problems, _NOTHING]) if len(problems) > 1 else f"{problems[0]}. {_NOTHING}"
        )
    return tuple(axes)


def _unknown(name: str) -> str:
    near = difflib.get_close_matches(name, FIELDS, n=1)
    hint = f" (did you mean {near[0]!r}?)" if near else ""
    return f"{name!r} is not an axis{hint}; the axes are {', '.join(FIELDS)}"


def _defaults(models: list[Model]) -> dict[str, Any]:
    model = models[0] if models else find(DEFAULT_MODEL)
    return {**model.defaults, "image_urls": None}


def _listed(name: str, value: Any, problems: list[str]) -> list[Any]:
    """Return the values of an axis: a scalar is an axis of one."""
    if name == "image_urls":
        return _image_values(value, problems)
    if isinstance(value, (str, bytes)) or not isinstance(value, Iterable):
        return [value]
    if isinstance(value, (Mapping, AbstractSet)):
        problems.append(f"{name}={value!r} has no order or is a mapping; give a list")
        return []
    values = list(value)
    if not values:
        problems.append(
            f"{name}=[] is an empty axis, so there would be no cells; leave it out or give a value"
        )
    return values


def _image_values(value: Any, problems: list[str]) -> list[Any]:
    if value is None or isinstance(value, str) or is_picture(value):
        return [value]
    if isinstance(value, (Mapping, AbstractSet)) or not isinstance(value, Iterable):
        problems.append(f"image_urls={value!r} is not a list of URLs or pictures")
        return []
    values = list(value)
    if not values:
        problems.append("image_urls=[] is an empty axis; leave it out for no image")
    if len(values) > 1 and all(isinstance(each, str) or is_picture(each) for each in values):
        one, several = (
            f"[{', '.join(map(_brief, values))}]",
            f"[{', '.join(f'[{_brief(each)}]' for each in values)}]",
        )
        problems.append(
            f"image_urls={one} can be read in two ways; write image_urls=[{one}] for one clip with "
            f"{len(values)} images, or image_urls={several} for an axis of {len(values)} values"
        )
        return []
    return values


def _brief(picture: Any) -> str:
    text = repr(picture)
    return text if len(text) <= 60 and "\n" not in text else f"<{type(picture).__name__}>"  # noqa: PLR2004 - fits a line


def _models(values: list[Any], problems: list[str]) -> list[Model]:
    models = []
    for value in values:
        try:
            models.append(find(value))
        except GridError as error:
            problems.append(str(error).removesuffix(f". {_NOTHING}"))
    return models


def _axis(name: str, values: list[Any], models: list[Model], problems: list[str]) -> Axis:
    checked: list[Any] = []
    for value in values:
        try:
            good = _checked(name, value, models)
        except GridError as error:
            problems.append(str(error))
            continue
        if good in checked:
            problems.append(
                f"{name}={value!r} is on the axis twice; each value makes its own cells, so name it once"
            )
        checked.append(good)
    return Axis(name, tuple(checked), _labels(name, checked))


def _checked(name: str, value: Any, models: list[Model]) -> Any:
    if name == "prompt":
        return _prompt(value)
    if name == "model":
        return find(value).id if isinstance(value, str) else value
    if name == "image_urls":
        return _images(value, models)
    if value is None:
        return None
    if name == "duration":
        value = _whole(value, models)
    for model in models:
        lack = model.offers(name, value)
        if lack is not None:
            raise GridError(lack.error)
        value = model.settled({name: value})[name]
    return value


def _prompt(value: Any) -> str:
    if not isinstance(value, str):
        msg = f"prompt={value!r} is a {type(value).__name__}, not a text"
        raise GridError(msg)
    if not value.strip():
        msg = f"prompt={value!r} is empty"
        raise GridError(msg)
    try:
        value.encode()
    except UnicodeEncodeError as error:
        msg = f"prompt={value!r} has a lone surrogate at {error.start}, which no request can carry"
        raise GridError(msg) from None
    return value


def _whole(value: Any, models: list[Model]) -> int:
    if isinstance(value, bool) or not isinstance(value, numbers.Integral):
        spans = [model.duration.offered("").strip() for model in models if model.duration is not None]
        msg = f"duration={value!r} is a {type(value).__name__}, not a whole number of seconds ({'; '.join(spans)})"
        raise GridError(msg)
    return int(value)


def _images(value: Any, models: list[Model]) -> tuple[str, ...]:
    if value is None:
        return ()
    if isinstance(value, str) or is_picture(value):
        value = [value]
    if not isinstance(value, Iterable) or isinstance(value, (Mapping, AbstractSet)):
        msg = f"image_urls value {value!r} is not a list of URLs or pictures"
        raise GridError(msg)
    urls = tuple(reference(each) for each in value)
    if not urls:
        msg = "image_urls value [] has no image; write None for no image"
        raise GridError(msg)
    for model in models:
        lack = model.offers("image_urls", urls)
        if lack is not None:
            raise GridError(lack.error)
    return urls


def _labels(name: str, values: list[Any]) -> tuple[str, ...]:
    if name != "image_urls":
        return tuple(str(value) for value in values)
    short = [" + ".join(_file_name(url) for url in urls) or "no image" for urls in values]
    whole = [
        " + ".join(getattr(url, "name", "") or url.partition("?")[0] for url in urls) or "no image"
        for urls in values
    ]
    for labels in (short, whole):
        if len(set(labels)) == len(labels):
            return tuple(labels)
    return tuple(f"{label} ({at})" for at, label in enumerate(short, 1))


def _file_name(url: str) -> str:
    return url.name if isinstance(url, LocalImage) else PurePosixPath(urlsplit(url).path).name or url


def _warn_of_unknown(grid: Grid) -> None:
    """Name the models of which nothing is known."""
    models = next(axis for axis in grid.axes if axis.name == "model")
    for name in models.values:
        if not find(name).known:
            warnings.warn(
                f"model={name!r} is not in the catalogue (nearest: {nearest(name)!r}), so its values are not checked, "
                "only what you state is sent, and its price is unknown",
                UserWarning,
                stacklevel=3,
            )


def _warn_of_ignored(grid: Grid, most: int = 10) -> None:
    """Name the cells that ask for the same picture twice, and what they cost."""
    sizes = next(axis for axis in grid.axes if axis.name == "size")
    if len(sizes) == 1:
        return
    extra = [
        (index, cell)
        for index, cell in enumerate(grid)
        if cell.image_urls and cell.size != sizes.values[0] and _overruled(cell.model)
    ]
    if not extra:
        return
    prices = [cell.price() for _, cell in extra]
    known = [price for price in prices if price is not None]
    cost = f"${sum(known, Decimal(0)):.4f}" if len(known) == len(prices) else "an unknown sum"
    named = ", ".join(str(index) for index, _ in extra[:most]) + (", …" if len(extra) > most else "")
    warnings.warn(
        f"{len(extra)} of {len(grid)} cells (index {named}) differ from another only in size, which "
        f"{extra[0][1].model!r} ignores beside an image: the clip follows the image. They would cost {cost} more.",
        UserWarning,
        stacklevel=3,
    )


def _overruled(model: str) -> bool:
    size = find(model).size
    return size is not None and size.ignored_with_images
