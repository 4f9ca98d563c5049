"""Which rows of a table a person means: one reading of it for all verbs that take rows or cells."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, NoReturn

from gridgen.errors import GridError
from gridgen.grid.cells import Cell

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from gridgen.grid.combinations import Combinations

__all__ = ["Lookup"]

_NAMES = ("cell", "take", "row")
_TELLING = {"cell", "row"}
_MOST_NAMED, _WIDTH, _KEY = 8, 60, 12

_Meant = tuple[int, int | None]
"""A place, and a take where one is named."""


class Lookup:
    """Finds what a person means by a number, a row, a table, or several of them.

    A table, one row of it, a mapping or an object with such attributes is read by its
    ``cell`` (the key) and ``take``, else by its ``row``. Its own index counts for
    nothing: sorting, filtering and files renumber it. A number is a row of
    `Sweep.df`; where there are no takes it is one of the grid's cells.

    Parameters
    ----------
    combinations : Combinations
    takes : int, optional
        How many rows of the table each place has; None for a grid, which has no such
        table, but whose cells may be named by their keys as well.
    """

    def __init__(self, combinations: Combinations, takes: int | None = None) -> None:
        self._combinations, self._takes = combinations, takes
        self._count = len(combinations.active) if takes is None else len(combinations) * takes

    @cached_property
    def _places_of(self) -> dict[str, list[int]]:
        """The places of each key, the one that is made first: only labels set the others apart."""
        found: dict[str, list[int]] = {}
        for at, cell in enumerate(self._combinations.cells()):
            found.setdefault(cell.key, []).append(at)
        return {
            key: sorted(each, key=lambda at: self._combinations.reason(at) is not None)
            for key, each in found.items()
        }

    def rows(self, given: Any, wanted: Callable[[int], bool], nothing: str) -> list[int]:
        """Return the indices of the rows that are meant, each once, in the order given.

        Parameters
        ----------
        given
            What a person gave.
        wanted : callable
            Tells of an index whether the verb can use the row. A cell without a take
            means those of its takes, all of them where there is none such.
        nothing : str
            What did not happen if this raises.

        Raises
        ------
        GridError
            If something is no row of this table.
        """
        takes = self._takes or 1
        found: dict[int, None] = {}
        for place, take in self._meant(given, nothing):
            own = range(place * takes, (place + 1) * takes)
            meant = [own[take - 1]] if take is not None else list(filter(wanted, own)) or own
            found |= dict.fromkeys(meant)
        return list(found)

    def cells(self, given: Any, nothing: str) -> list[tuple[Cell, int]]:
        """Return the cells that are meant, each with the take that is, the first where none is named.

        Raises
        ------
        GridError
            If something is no cell of the grid that is to be made.
        """
        return [(self._combinations.cell(place), take or 1) for place, take in self._meant(given, nothing)]

    def _meant(self, given: Any, nothing: str) -> list[_Meant]:
        try:
            return list(self._read(given))
        except GridError as error:
            raise GridError(*error.problems, nothing=nothing) from None

    def _read(self, given: Any) -> Iterator[_Meant]:
        given = _of_series(given)
        if hasattr(given, "columns"):
            yield from map(self._named, self._table(given))
        elif attributes := _attributes(given):
            yield self._named(attributes)
        elif isinstance(given, (str, bytes)) or not isinstance(given, Iterable) or _is_number(given):
            yield self._numbered(given)
        elif self._takes is None and hasattr(given, "get_level_values"):
            self._refuse("the index of a table")
        else:
            for each in given:
                yield from self._read(each)

    def _table(self, table: Any) -> Iterator[dict[str, Any]]:
        """Yield of each row of a table what says which one it is."""
        columns = {name: table[name] for name in _NAMES if name in table.columns}
        if not columns.keys() & _TELLING:
            levels = getattr(getattr(table, "index", None), "names", ())
            columns |= {name: table.index.get_level_values(name) for name in _NAMES if name in levels}
        if not columns.keys() & _TELLING:
            names = ", ".join(str(name)[:_WIDTH] for name in list(table.columns)[:_MOST_NAMED])
            what = f"a table without a column cell or row (its columns: {names or 'none'})"
            self._refuse(what, ", since its index may have been renumbered")
        for values in zip(*columns.values(), strict=True):
            yield dict(zip(columns, values, strict=True))

    def _named(self, row: Mapping[str, Any]) -> _Meant:
        """Return the place and the take of what names its cell, else its row."""
        if "cell" not in row:
            if self._takes is None:
                self._refuse("a row without its cell")
            return self._numbered(_whole(row["row"]))
        key = row["cell"].key if isinstance(row["cell"], Cell) else row["cell"]
        combinations = self._places_of.get(key) if isinstance(key, str) else None
        if combinations is None:
            told = f"{key[:_KEY]!a}, another grid's," if isinstance(key, str) else ascii(key)[:_WIDTH]
            self._refuse(f"a row whose cell is {told}")
        take = self._take(row["take"], key) if "take" in row else None
        own = row.get("index")
        if isinstance(own, int) and self._takes is not None and own // self._takes in combinations:
            return own // self._takes, take
        return self._made(combinations[0], key), take

    def _take(self, given: Any, key: str) -> int:
        take = _whole(given)
        if type(take) is not int or not 1 <= take <= (self._takes or take):
            has = "" if self._takes is None else f", which has takes={self._takes}"
            self._refuse(f"take {_shown(given)} of the cell {key[:_KEY]!a}", has)
        return take

    def _numbered(self, given: Any) -> _Meant:
        if self._takes is None and isinstance(given, str) and given in self._places_of:
            return self._made(self._places_of[given][0], given), None
        number = given.item() if _is_number(given) else given
        if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number < self._count:
            self._refuse(_shown(given))
        if self._takes is None:
            return self._combinations.active[number], None
        place, take = divmod(number, self._takes)
        return place, take + 1

    def _made(self, place: int, key: str) -> int:
        """Return a place, which in a grid must be one that is made: there is nothing else to show of it."""
        why = self._combinations.reason(place)
        if self._takes is None and why is not None:
            self._refuse(f"a row whose cell is {key[:_KEY]!a}, skipped ({why}),")
        return place

    def _refuse(self, what: str, why: str = "") -> NoReturn:
        msg = (
            f"{what} is no row of this sweep{why}: give rows of sweep.df, or of another table with its columns cell "
            f"and take, or indices of sweep.df, 0 to {self._count - 1}"
        )
        if self._takes is None:
            msg = (
                f"{what} is no cell of this grid{why}: give a table with a column cell, the table itself, or cells, "
                f"their keys or their numbers, 0 to {self._count - 1}"
            )
        raise GridError(msg)


def _of_series(given: Any) -> Any:
    """Return a series as what it is: one row of a table, a table of one column, or a list where nothing has a name."""
    if not hasattr(given, "iloc") or hasattr(given, "columns"):
        return given
    if "cell" in given.index or "row" in given.index:
        return {name: given[name] for name in _NAMES if name in given.index}
    return list(given) if given.name is None and set(given.index.names) == {None} else given.to_frame()


def _attributes(given: Any) -> dict[str, Any]:
    """Return what says which row a cell, a mapping or an object is; empty for what does not say it."""
    if isinstance(given, Cell):
        return {"cell": given}
    if isinstance(given, Mapping):
        found = {name: given[name] for name in _NAMES if name in given}
    else:
        found = {name: getattr(given, name) for name in (*_NAMES, "index") if hasattr(given, name)}
    return found if found.keys() & _TELLING else {}


def _is_number(given: Any) -> bool:
    """Whether it is one number of an array, which only says so by its shape."""
    return getattr(given, "shape", None) == () and hasattr(given, "item")


def _whole(value: Any) -> Any:
    """Return a number of a table as an int where it is whole: files know only floats and texts."""
    value = value.item() if _is_number(value) else value
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return value
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _shown(value: Any) -> str:
    return ascii(value.item() if _is_number(value) else value)[:_WIDTH]
