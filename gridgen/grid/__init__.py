"""A grid of video requests: the product of named axes, and an algebra to thin it out and join it.

`building` makes `places` from `axes` and `values`, each place a cell of `cells` or a
reason why it is skipped; `algebra`, `constraints`, `limits` and `thinning` make fewer
or more of them. `files`, `tables`, `sheet` and `preview` are how a grid is kept and shown.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self, TypeAlias, TypedDict, Unpack, overload

from gridgen.calls import Fixed, explained
from gridgen.errors import GridError
from gridgen.grid.algebra import common, extended, united, without
from gridgen.grid.axes import NOTHING, Axis, Linked
from gridgen.grid.cells import FIELDS, Cell
from gridgen.grid.compatibility import ignored_sizes, similar_prompts, unsupported
from gridgen.grid.constraints import excluded, unwanted
from gridgen.grid.lookup import Lookup
from gridgen.grid.parse import build
from gridgen.grid.selection import counted_takes, free_axes, sampled, submit_order, unaffordable
from gridgen.models.price import money

if TYPE_CHECKING:
    import os
    from decimal import Decimal

    import pandas as pd

    from gridgen.estimate import Estimate
    from gridgen.grid.combinations import Combinations
    from gridgen.grid.preview import Preview
    from gridgen.models import Model
    from gridgen.templates import Template
    from gridgen.values import Value

    Texts: TypeAlias = str | Value | Iterable[str | Value | None] | Mapping[str, str] | None
    Numbers: TypeAlias = int | str | Value | Iterable[int | Value | None] | Mapping[str, int] | None
    Flags: TypeAlias = bool | Value | Iterable[bool | Value | None] | Mapping[str, bool] | None

__all__ = ["FIELDS", "Axis", "Cell", "Grid", "GridAxes", "Skipped"]


class GridAxes(TypedDict, total=False):
    """What `Grid` takes: for each axis a value or several; ``prompt`` is required."""

    prompt: str | Value | Template | Iterable[str | Value | Template] | Mapping[str, str]
    size: Texts
    duration: Numbers
    quality: Texts
    image_urls: Any
    model: str | Model | Value | Iterable[str | Model | Value] | Mapping[str, Any]
    seed: Numbers
    negative_prompt: Texts
    audio: Flags
    watermark: Flags
    prompt_extend: Flags
    prompt_optimizer: Flags
    nsfw_check: Flags
    multi_shot: Flags
    return_last_frame: Flags
    generation_type: Texts
    character_orientation: Texts
    keep_original_sound: Texts
    omni_reference_task_type: Texts
    output_format: Texts
    first_frame_image: Texts
    last_frame_image: Texts
    extend_from_task_id: Texts
    person_generation: Texts
    video_url: Texts
    audio_url: Texts
    video_urls: Any
    audio_urls: Any
    video_list: Any
    element_list: Any
    image_with_roles: Any
    tools: Any
    watermark_info: Any
    labels: Mapping[str, Any]
    linked: Linked | Iterable[Linked]
    where: Callable[..., object] | Iterable[Callable[..., object]] | Mapping[str, Callable[..., object]]
    exclude: Mapping[str, Any] | Iterable[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Skipped:
    """A combination that a grid has a place for and does not make.

    Attributes
    ----------
    cell : Cell
        What would be asked for.
    reason : str
        Why it is left out.
    """

    cell: Cell
    reason: str


_EXAMPLES = {
    "load": "grid = gridgen.Grid.load('grid.yaml')",
    "save": "grid.save('grid.yaml')",
    "from_rows": "gridgen.Grid.from_rows([{'prompt': 'a boat', 'duration': 6}])",
    "where": "grid.where(lambda size, duration: size != '1:1' or duration < 10)",
    "exclude": "grid.exclude({'size': '1:1', 'duration': 10})",
    "extend": "grid.extend(duration=[10])",
    "sample": "grid.sample(4)",
    "fit": "grid.fit(2.00)",
}


@explained(_EXAMPLES)
class Grid(Fixed, Sequence[Cell]):
    """The product of axes, one `Cell` for each combination.

    Each keyword is a request field and takes one value or several: a list, a range, an
    array, a mapping from label to value, `gridgen.value` with a label and a note, or
    for numbers shorthand such as ``"6,8,..,30"``. The last axis varies fastest.
    Everything is checked here, before anything can be sent, and every wrong value is
    named in one error.

    A grid is a sequence of the cells to make. What is left out by ``where``,
    ``exclude``, a model's limits or `fit` keeps its place and the reason (`skipped`),
    and is never sent. Two grids are equal if they ask for the same clips in the same
    order.

    Parameters
    ----------
    *links : Linked
        Axes tied together by `gridgen.linked`; they vary slowest.
    prompt : str, Template, or list of them
        What to make. Required. The slots of a `gridgen.template` are axes; one that it
        leaves open takes its values by a keyword of its name.
    size : str or list of str
        Aspect ratio; the model's own by default. With a reference image the clip of
        most models follows the image instead.
    duration : int or list of int
        Length of the clip in whole seconds; the model's own by default.
    quality : str or list of str
        Picture height, as the model names its tiers; the model's own by default.
    image_urls : image or list of images, or list of such lists, optional
        An image is a public URL, the path or the content of a file, a Pillow image or
        an array of pixels. One value is a list of images (a bare one is a list of
        one); an axis is a list of such lists, in which None means no image. Pictures
        of one's own are uploaded once, when the sweep runs.
    model : str, Model, or list of them, default "grok-imagine-1.0-video-apimart"
        Ids of the catalogue. Over several models a combination that one of them lacks
        is skipped; with one model it is an error.
    seed, negative_prompt, audio, ... : optional
        Further fields of the model, each an axis as well; None states nothing.
    labels : mapping of str to list, optional
        Axes that are not part of the request: slots that a template leaves open, or
        one word for the whole grid.
    where : callable, mapping or list, optional
        As in `where`.
    exclude : mapping or list of mappings, optional
        As in `exclude`.

    Raises
    ------
    GridError
        If a value, an axis or a keyword is wrong.

    Examples
    --------
    >>> Grid(prompt="a paper boat", size=["16:9", "9:16"], duration=[6, 10])
    Grid(4 cells: size 2 x duration 2; 32 s of footage)
    """

    ONCE = frozenset({"combinations"})
    INSTEAD: ClassVar[Mapping[str, str]] = {
        "combinations": "Grid(...), extend() and the other verbs make new grids",
        "axes": "extend(size=[...]) adds values and axes in a new grid",
    }

    def __init__(self, *links: Linked, **axes: Unpack[GridAxes]) -> None:
        typed: dict[str, Any] = dict(axes)
        where, exclude = typed.pop("where", None), typed.pop("exclude", None)
        built = build(typed, links)
        self.combinations = _constrained(
            built.combinations, built.models, built.unsaid, where=where, exclude=exclude
        )
        """Every place of the grid, those that are skipped included."""
        _warn(*built.warnings, *_twice_paid(self.combinations))

    @classmethod
    def of(cls, combinations: Combinations) -> Self:
        """Return the grid of places that were checked before."""
        grid = object.__new__(cls)
        grid.combinations = combinations
        return grid

    @property
    def axes(self) -> tuple[Axis, ...]:
        """The axes in order, those of one value included."""
        return self.combinations.axes

    # A sequence of the cells to make

    def __len__(self) -> int:
        return len(self.combinations.active)

    @overload
    def __getitem__(self, index: int) -> Cell: ...
    @overload
    def __getitem__(self, index: slice) -> Grid: ...
    def __getitem__(self, index: int | slice) -> Cell | Grid:
        if not isinstance(index, slice):
            return self.combinations.cell(self.combinations.active[index])
        return self.of(self.combinations.keeping(self.combinations.active_positions()[index]).narrowed())

    def __iter__(self) -> Iterator[Cell]:
        return self.combinations.cells(self.combinations.active_positions())

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Grid):
            return NotImplemented
        return len(self) == len(other) and all(a == b for a, b in zip(self, other, strict=True))

    def __hash__(self) -> int:
        return hash(tuple(self))

    @property
    def skipped(self) -> tuple[Skipped, ...]:
        """What the grid has a place for and does not make, and why, in grid order."""
        combinations = self.combinations
        positions = [position for position in combinations.positions if position in combinations.reasons]
        cells = combinations.cells(positions)
        return tuple(
            Skipped(cell, combinations.reasons[position])
            for position, cell in zip(positions, cells, strict=True)
        )

    @property
    def df(self) -> pd.DataFrame:
        """The places as a table: the key, a column for each axis, and why a place is skipped if any is."""
        from gridgen.frame import grid_frame

        return grid_frame(self)

    @property
    def footage(self) -> int:
        """Seconds of footage that the cells ask for, together."""
        axis = self.combinations.axis("duration")
        seconds = [max(0, value or 0) for value in axis.values]
        if len(seconds) == 1:
            return seconds[0] * len(self)
        return sum(seconds[code] for code in self.combinations.active_column(axis))

    def estimate(self, *, takes: int = 1, budget: float | Decimal | str | None = None) -> Estimate:
        """Return what making every cell would cost, by the catalogue; nothing is asked of a server.

        Parameters
        ----------
        takes : int, default 1
            How many clips of each cell.
        budget : number, optional
            USD, shown beside the price.

        Raises
        ------
        GridError
            If takes or budget are no such numbers.
        """
        from gridgen.estimate import planned

        cap = None if budget is None else money(budget)
        return planned(self.combinations, takes=counted_takes(takes), budget=cap)

    def coordinates(self, index: int) -> dict[str, int]:
        """Return, for one cell, the position of its value on each axis."""
        return self.combinations.coordinates(self.combinations.active[index])

    # Thinning out

    def where(
        self,
        predicate: Callable[..., object]
        | Iterable[Callable[..., object]]
        | Mapping[str, Callable[..., object]],
        *,
        reason: str | None = None,
    ) -> Grid:
        """Skip the cells that a predicate does not want.

        Parameters
        ----------
        predicate : callable, list of callables, or mapping of str to callable
            The parameters name axes, whose values it gets; one parameter called
            ``cell`` gets the cell. A mapping gives each its reason.
        reason : str, optional
            What is said of the cells that it skips; by default the first line of the
            function's docstring, or its name.

        Raises
        ------
        GridError
            If it wants an unknown axis, or raises.

        Examples
        --------
        >>> grid = Grid(prompt="a", size=["16:9", "1:1"], duration=[6, 10])
        >>> grid.where(lambda size, duration: size != "1:1" or duration < 10)
        Grid(3 cells of 4: size 2 x duration 2; 22 s of footage)
        """
        return self.of(self.combinations.skipping(unwanted(self.combinations, predicate, reason)))

    def exclude(self, *patterns: Mapping[str, Any]) -> Grid:
        """Skip the cells that fit a pattern.

        Parameters
        ----------
        *patterns : mapping
            From axis to a value, several values, or a predicate of the value; all must
            fit. The key ``reason`` says why.

        Raises
        ------
        GridError
            If a pattern names no axis, or a value that is not on it.

        Examples
        --------
        >>> Grid(prompt="a", size=["16:9", "1:1"], duration=[6, 10]).exclude({"size": "1:1", "duration": 10})
        Grid(3 cells of 4: size 2 x duration 2; 22 s of footage)
        """
        return self.of(self.combinations.skipping(excluded(self.combinations, list(patterns))))

    def compact(self) -> Grid:
        """Drop the skipped places, so that only the cells to make are left."""
        return self.of(self.combinations.keeping(self.combinations.active_positions()).narrowed())

    def sample(
        self,
        n: int | None = None,
        *,
        seed: int = 0,
        method: Literal["random", "balanced", "pairwise"] = "random",
    ) -> Grid:
        """Take some of the cells only, in grid order.

        Parameters
        ----------
        n : int, optional
            How many; needed for all but ``"pairwise"``, which takes as few as it finds.
        seed : int, default 0
            The same seed takes the same cells for ever.
        method : {"random", "balanced", "pairwise"}
            By chance, by the weights of the values where they have any; so that the
            values of each axis come about equally often; or so that every pair of
            values of any two axes comes together in some cell.

        Raises
        ------
        GridError
            If there are fewer cells than that, or more are needed to show every pair.

        Examples
        --------
        >>> grid = Grid(prompt=["a", "b"], size=["16:9", "1:1"], duration=[6, 8], quality=["480p", "720p"])
        >>> len(grid), len(grid.sample(method="pairwise"))
        (16, 5)
        """
        return self.of(sampled(self.combinations, n, seed, method).narrowed())

    def fit(self, budget: float | Decimal | str, *, takes: int = 1) -> Grid:
        """Skip what a sum of money is not enough for: the cheapest cells are kept, as many as it buys.

        Among cells of one price those go first that show most values of every axis.

        Parameters
        ----------
        budget : number
            USD.
        takes : int, default 1
            How many clips of each cell are wanted.

        Raises
        ------
        GridError
            If the budget is no sum of money.
        """
        return self.of(self.combinations.skipping(unaffordable(self.combinations, budget, takes)))

    def submit_order(self) -> list[int]:
        """Return the indices of the cells in the order in which they are best submitted.

        Neighbours differ on every axis, and the first few come by every value of every
        axis, so that each row and column of the gallery begins to fill at once.
        """
        return submit_order(self.combinations)

    # Joining

    def __add__(self, other: object) -> Grid:
        """Return the cells of both, each once, those of the first grid first."""
        combinations = united(self.combinations, _grid(other, "+").combinations)
        _warn(*_twice_paid(combinations))
        return self.of(combinations)

    def __sub__(self, other: object) -> Grid:
        """Return the places but for the clips that the other grid makes."""
        return self.of(without(self.combinations, _grid(other, "-").combinations).narrowed())

    def __and__(self, other: object) -> Grid:
        """Return the cells that both grids make, as they stand in the first."""
        return self.of(common(self.combinations, _grid(other, "&").combinations).narrowed())

    def extend(self, **axes: Unpack[GridAxes]) -> Grid:
        """Return a grid with more values on its axes, or with new axes; no key of the old cells changes.

        Parameters
        ----------
        **axes
            For an axis of the grid the values to add; for a new one all values that are
            wanted besides the one that the old cells have, which is the model's own.

        Raises
        ------
        GridError
            If a value is wrong, or stands on its axis already.

        Examples
        --------
        >>> Grid(prompt="a", duration=6).extend(duration=[10], quality="720p")
        Grid(4 cells: duration 2 x quality 2; 32 s of footage)
        """
        typed: dict[str, Any] = dict(axes)
        where, exclude = typed.pop("where", None), typed.pop("exclude", None)
        combinations, models = extended(self.combinations, typed)
        grid = self.of(_constrained(combinations, models, where=where, exclude=exclude))
        _warn(*_twice_paid(grid.combinations))
        return grid

    def promote(self, rows: Any = None, **changes: Unpack[GridAxes]) -> Grid:
        """Return a grid of chosen cells with some fields changed: the drafts that won, longer or in higher quality.

        Each has the key of its draft as the label ``parent``, so that the tables of both
        sweeps can be joined. A later take of a model with a seed keeps its seed.

        Parameters
        ----------
        rows : DataFrame, Series, Row, Cell, int, str, or several of them, optional
            A table with a column ``cell`` (and ``take``, else the first is meant), such
            as the picks of a gallery, a ranking or a part of `Sweep.df`, however it is
            sorted and numbered; rows of it; or cells, their numbers in the grid or their
            keys. All cells by default.
        **changes
            For each field the value that takes the place of the cell's own; several are
            tried each.

        Raises
        ------
        GridError
            If a row is none of the grid's cells, or a value is wrong.

        Examples
        --------
        >>> drafts = Grid(prompt=["a", "b", "c"])
        >>> drafts.promote([0, 2], duration=10, quality="720p")
        Grid(2 cells: prompt 2 x parent 2; 20 s of footage)
        """
        from gridgen.grid.rows_io import promoted

        meant = (
            [(cell, 1) for cell in self] if rows is None else Lookup(self.combinations).cells(rows, NOTHING)
        )
        chosen = dict.fromkeys((cell, take if cell.is_seeded else 1) for cell, take in meant)
        return self.of(promoted(chosen, changes))

    # In files and tables

    @classmethod
    def load(cls, path: str | os.PathLike[str], *, labels: Sequence[str] = ()) -> Self:
        """Read a grid from a YAML, JSON or CSV file, as its name ends.

        Parameters
        ----------
        path : str or path
            What `save` wrote, or the keywords of `Grid` as a mapping: a value or a
            list for each, ``{value: 6, label: short, note: ...}`` for one with a
            label, ``{template: "a {animal}", animal: [...]}`` for a prompt. In a CSV
            file each row is a cell.
        labels : list of str, optional
            Columns of a CSV file that are no part of the request.

        Raises
        ------
        GridError
            Naming the file, the place in it, and the remedy.
        """
        from gridgen.grid.files import read

        combinations = read(Path(path).expanduser(), labels)
        _warn(*_twice_paid(combinations))
        return cls.of(combinations)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the grid to a YAML, JSON or CSV file, as its name ends; `load` reads it again.

        Raises
        ------
        GridError
            If the name ends otherwise, or the file cannot be written.
        """
        from gridgen.grid.files import write

        write(self.combinations, Path(path).expanduser())

    @classmethod
    def from_rows(cls, rows: Any, *, labels: Sequence[str] = (), checks: bool = True) -> Self:
        """Make a grid of the cells that a table lists, in its order.

        Parameters
        ----------
        rows : DataFrame or iterable of mappings
            A column for each request field that is stated; the table of a grid or a
            sweep will do, whose further columns are passed over.
        labels : list of str, optional
            Columns that are no part of the request.
        checks : bool, default True
            Whether the values are checked against the catalogue; what was submitted
            once may be offered no more.

        Raises
        ------
        GridError
            If a column or a value is wrong; the row is named.

        Examples
        --------
        >>> Grid.from_rows([{"prompt": "a boat", "duration": 6}, {"prompt": "a fox", "duration": 10}])
        Grid(2 cells: prompt 2 x duration 2; 16 s of footage)
        """
        from gridgen.grid.rows_io import from_rows

        combinations = from_rows(rows, labels=labels, checks=checks)
        _warn(*(_twice_paid(combinations) if checks else ()))
        return cls.of(combinations)

    # Showing

    def preview(
        self, rows: str | Iterable[str] | None = None, cols: str | Iterable[str] | None = None
    ) -> Preview:
        """Return the layout that the gallery will have, before anything is spent: each place, and why some are skipped.

        Parameters
        ----------
        rows, cols : str or list of str, optional
            Axes that name the rows and the columns, as for `Sweep.gallery`; a list
            nests.

        Raises
        ------
        GridError
            If one of them is no axis of the grid.
        """
        from gridgen.estimate import Services, basis, span, time_of
        from gridgen.grid.preview import planned

        def timed(kinds: Sequence[tuple[Cell, int]]) -> str:
            services = Services()
            return span(*time_of([each for cell, count in kinds for each in [services.of(cell)] * count]))

        return planned(self.combinations, rows, cols, timed, basis)

    def _shape(self, times: str) -> str:
        varied = [f"{axis.name} {len(axis)}" for axis in free_axes(self.combinations)]
        count = "1 cell" if len(self) == 1 else f"{len(self):,} cells"
        if self.combinations.reasons:
            count += f" of {len(self.combinations):,}"
        return f"{count}: {times.join(varied)}" if varied else count

    def __repr__(self) -> str:
        return f"Grid({self._shape(' x ')}; {self.footage:,} s of footage)"

    def _repr_html_(self) -> str:
        return self.preview()._repr_html_()


def _twice_paid(combinations: Combinations) -> tuple[str | None, ...]:
    """Say which cells would be paid though they show the same as others."""
    return ignored_sizes(combinations), similar_prompts(combinations)


def _warn(*told: str | None) -> None:
    """Tell whoever called the caller."""
    for said in told:
        if said is not None:
            warnings.warn(said, UserWarning, stacklevel=4)


def _constrained(
    combinations: Combinations,
    models: Sequence[Model],
    unsaid: Collection[str] = (),
    *,
    where: Any,
    exclude: Any,
) -> Combinations:
    """Skip what the person leaves out, then what a model lacks."""
    if exclude is not None:
        combinations = combinations.skipping(excluded(combinations, exclude))
    if where is not None:
        combinations = combinations.skipping(unwanted(combinations, where))
    lacks = unsupported(combinations, models, unsaid)
    return combinations.skipping(lacks) if lacks else combinations


def _grid(other: object, sign: str) -> Grid:
    """Return what stands behind a sign between grids, which is a grid."""
    if isinstance(other, Grid):
        return other
    frame = hasattr(other, "columns")
    name = "DataFrame" if frame else type(other).__name__
    table = frame or isinstance(other, (list, tuple))
    remedy = "Grid.from_rows(...) makes one of a table" if table else "Grid(...) makes one of values"
    msg = f"behind grid {sign} stands a {name}, and it takes another grid: {remedy}."
    raise GridError(msg)
