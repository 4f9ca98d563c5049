"""Everything that gridgen raises.

::

    GridgenError
    ├─ GridError (ValueError)        an axis or value is wrong; nothing was spent
    │   └─ CallError (TypeError)     a call that does not fit, and the one to write
    ├─ MissingKeyError               how to set one, or how to use the Simulator
    ├─ BudgetError                   the estimate, the budget, what to change; nothing was spent
    ├─ JournalError                  the folder cannot be trusted or written; nothing was sent
    ├─ APIError                      the server refused: status, code, message, request id
    │   ├─ AuthenticationError       401 or 403
    │   ├─ OutOfCreditsError         402
    │   └─ RateLimitError            429; retry_after in seconds
    ├─ NetworkError                  no answer, and nothing was sent
    ├─ UnknownOutcome                sent, answer lost: may be billed; cell, evidence; never retried
    └─ TaskFailed                    task
"""

from __future__ import annotations

import dataclasses
import difflib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gridgen.traces import rendered

if TYPE_CHECKING:
    import os

    from gridgen.grid import Cell
    from gridgen.task import Task

__all__ = [
    "APIError",
    "AuthenticationError",
    "BudgetError",
    "CallError",
    "GridError",
    "GridgenError",
    "JournalError",
    "MissingKeyError",
    "NetworkError",
    "OutOfCreditsError",
    "Problem",
    "RateLimitError",
    "TaskFailed",
    "UnknownOutcome",
    "absent",
]


class GridgenError(Exception):
    """The base of every error that gridgen raises on purpose.

    A notebook shows of it the user's own lines and what it says; after ``%xmode
    Verbose`` all frames.
    """

    def _render_traceback_(self) -> list[str]:
        return rendered(self)

    def __reduce__(self) -> tuple[Any, ...]:
        # a pool of processes sends what a worker raises, whatever its class takes for arguments
        return _again, (type(self), self.args), vars(self)


def _again(kind: type[GridgenError], args: tuple[Any, ...]) -> GridgenError:
    error = kind.__new__(kind, *args)
    Exception.__init__(error, *args)  # of a TimeoutError, __new__ leaves the message to it
    return error


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with what was typed, in its parts; ``str`` makes the sentence of them.

    Attributes
    ----------
    why : str
        What is wrong, as a clause without a full stop.
    field : str
        The axis, field, column or argument that it is about; ``""`` where it is none.
    value : object
        What was typed there; None where no one value is at fault. It does not count
        when problems are compared.
    offered : tuple of str
        What would be legal there.
    hint : str
        The legal name nearest to the one typed; ``""`` where none is near.
    remedy : str
        What to do now, as a clause; ``""`` where ``why`` leaves no doubt.
    where : str
        The file or table, and the place in it, as a person reads it.
    line : int or None
        The line of that file, from 1.
    """

    why: str
    field: str = ""
    value: Any = dataclasses.field(default=None, compare=False)
    offered: tuple[str, ...] = ()
    hint: str = ""
    remedy: str = ""
    where: str = ""
    line: int | None = None

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        hint = f" (did you mean {self.hint!r}?)" if self.hint else ""
        if self.remedy:
            return f"{place}{self.why}{hint}; {self.remedy}"
        offered = f" (offered: {', '.join(self.offered)})" if self.offered else ""
        return f"{place}{self.why}{hint}{offered}"

    def __reduce__(self) -> tuple[Any, ...]:
        # what was typed may be a function or an open file, and the error has to reach another process
        parts = {each.name: getattr(self, each.name) for each in dataclasses.fields(self)}
        if not isinstance(self.value, (str, int, float, type(None))):
            parts["value"] = repr(self.value)
        return Problem, tuple(parts.values())


class GridError(GridgenError, ValueError):
    """An axis or a value is wrong. Nothing was sent and nothing was spent.

    Its text is made of its problems: one on a line of its own each.

    Parameters
    ----------
    *problems : str or Problem
        What is wrong; a text is a problem of which no parts are known.
    nothing : str, default ""
        What did not happen, as the sentence that ends the text.

    Attributes
    ----------
    problems : tuple of Problem
        What is wrong, all of it.

    Examples
    --------
    >>> try:
    ...     gridgen.Grid(prompt="a boat", sizes="16:9")
    ... except gridgen.GridError as error:
    ...     [problem] = error.problems
    >>> problem.field, problem.hint
    ('sizes', 'size')
    """

    def __init__(self, *problems: str | Problem, nothing: str = "") -> None:
        self.problems = tuple(each if isinstance(each, Problem) else Problem(str(each)) for each in problems)
        said = [str(each) for each in self.problems]
        between = ". " if len(said) == 1 else "\n"
        super().__init__(between.join(filter(None, ["\n".join(said), nothing])))


class CallError(GridError, TypeError):
    """A function was called with what it does not take. Nothing was done."""


class MissingKeyError(GridgenError):
    """No API key was given. The message says how to set one, and how to do without."""


class BudgetError(GridgenError):
    """The sweep would pass its budget, or has none. Nothing was sent."""


class JournalError(GridgenError):
    """The sweep's folder cannot be trusted, locked or written. Nothing was sent."""


class APIError(GridgenError):
    """The server answered, and refused.

    Parameters
    ----------
    message : str
        What the server said, in words.
    status : int
        HTTP status of the answer; 200 when the refusal came in the body.
    code : str
        The server's symbolic code, ``""`` when it gave none.
    request_id : str
        The server's own id of the request, ``""`` when it gave none.

    Attributes
    ----------
    genuine : bool
        Whether the API itself answered, by the form of its answer, and not some machine on the way.
    """

    genuine: bool = True

    def __init__(self, message: str, *, status: int, code: str = "", request_id: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.request_id = request_id


class AuthenticationError(APIError):
    """The key is missing, wrong, or not allowed to do this (HTTP 401 or 403)."""


class OutOfCreditsError(APIError):
    """The account cannot pay for this (HTTP 402). Nothing was created."""


class RateLimitError(APIError):
    """Too many requests (HTTP 429). Nothing was created.

    Attributes
    ----------
    retry_after : float or None
        Seconds to wait as the server asked, None when it did not say.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int = 429,
        code: str = "",
        request_id: str = "",
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message, status=status, code=code, request_id=request_id)
        self.retry_after = retry_after


class NetworkError(GridgenError):
    """No answer came, and it is certain that no submission was sent.

    Attributes
    ----------
    trusted : bool
        False when the server's certificate was refused: trying again will not help.
    """

    def __init__(self, message: str, *, trusted: bool = True) -> None:
        super().__init__(message)
        self.trusted = trusted


class UnknownOutcome(GridgenError):  # noqa: N818 - it states what is known, as the papers name it
    """A submission was sent and its answer was lost: it may be billed.

    It is never repeated without the user's word.

    Attributes
    ----------
    cell : Cell
        What was asked for.
    evidence : str
        The last thing seen on the wire.
    idempotency_key : str
        What it was sent under.
    """

    def __init__(self, message: str, *, cell: Cell, evidence: str, idempotency_key: str = "") -> None:
        super().__init__(message)
        self.cell = cell
        self.evidence = evidence
        self.idempotency_key = idempotency_key


class TaskFailed(GridgenError):  # noqa: N818 - concurrent.futures names outcomes the same way
    """The server ended the task without a video. Failed tasks are not charged.

    Attributes
    ----------
    task : Task
        The task as last seen.
    """

    def __init__(self, message: str, *, task: Task) -> None:
        super().__init__(message)
        self.task = task


def absent(path: str | os.PathLike[str], kind: str, holds: str = "") -> str:
    """Say that a file or folder is not there, and which of its neighbours may be meant.

    Parameters
    ----------
    path : str or path
        What was given.
    kind : str
        ``"file"`` or ``"folder"``.
    holds : str
        Of files, how the names of those that may be meant end; of folders, what lies in them.
    """
    place = Path(path)
    if place.is_relative_to(Path.cwd()):
        place = place.relative_to(Path.cwd())
    try:
        beside = [each.name for each in place.parent.iterdir() if _may_be_meant(each, kind, holds)]
    except OSError:
        return f"there is no such folder as {str(place.parent)!r}, and so no such {kind} as {str(place)!r}"
    near = difflib.get_close_matches(place.name, sorted(beside), n=1)
    hint = f" (did you mean {str(place.with_name(near[0]))!r}?)" if near else ""
    return f"there is no such {kind} as {str(place)!r}{hint}"


def _may_be_meant(each: Path, kind: str, holds: str) -> bool:
    if kind == "folder":
        return (each / holds).is_file()
    return not holds or each.suffix.lower() == holds.lower()
