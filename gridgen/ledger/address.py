"""Where a ledger is; the password in it is shown nowhere."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from gridgen.errors import GridError, GridgenError

if TYPE_CHECKING:
    from collections.abc import Callable

    import psycopg

__all__ = ["Address", "address"]

_POSTGRES = {"postgresql", "postgres"}
_MEANT = 'ledger="postgresql://host/database", or ledger="sqlite:///team/boats.sqlite" for the processes of one machine'


class Address:
    """Where a ledger is. Its text names host and database, and neither user nor password.

    Parameters
    ----------
    given : str
        ``postgresql://user:password@host:port/database``, as libpq reads it (PostgreSQL
        documentation, 34.1.1, 2026), or ``sqlite:///path``.
    """

    __slots__ = ("_given", "path", "shown")

    def __init__(self, given: str) -> None:
        parts = urlsplit(given)
        # a method, so that no frame has the password among its names
        self._given: Callable[[], str] = lambda: given
        self.path: Path | None = None
        if parts.scheme == "sqlite":
            self.path = Path(unquote(parts.path.removeprefix("/")))
            self.shown = f"{str(self.path)!r}"
        else:
            host = parts.hostname or "localhost"
            self.shown = f"{host}{parts.path}"

    def __str__(self) -> str:
        return self.shown

    def __repr__(self) -> str:
        return f"Address({self.shown!r})"

    def connect(self) -> psycopg.Connection[Any]:
        """Return a new connection to a PostgreSQL server, on which each statement is a transaction of its own."""
        import psycopg

        try:
            # a network that swallows packets is noticed as one that refuses them
            return psycopg.connect(
                self._given(),
                autocommit=True,
                connect_timeout=10,
                keepalives_idle=5,
                keepalives_interval=3,
                keepalives_count=3,
                tcp_user_timeout=10_000,
                application_name="gridgen",
            )
        except psycopg.Error as error:
            # the frames that it comes from hold the address
            error.__cause__ = error.__context__ = None
            raise error.with_traceback(None) from None


def address(value: Any) -> Address | None:
    """Return where a ledger is, None where there is none.

    Raises
    ------
    GridError
        If it is no such address. The text does not repeat it, as it may hold a password.
    GridgenError
        If what it takes to talk to a PostgreSQL server is not installed.
    """
    if value is None or isinstance(value, Address):
        return value
    kind, problem = _looked_at(value)
    if not problem:
        return Address(value)
    value = None  # so that no frame of the traceback shows it
    if kind == "postgresql":
        raise GridgenError(problem)
    raise GridError(problem)


def _looked_at(value: Any) -> tuple[str, str]:
    """Return what kind of address something is, and what is wrong with it, without ever repeating it."""
    if not isinstance(value, str):
        return "", f"ledger= takes an address, not a {type(value).__name__}: {_MEANT}"
    kind = _kind(value)
    if kind == "postgresql":
        try:
            import psycopg  # noqa: F401 - only whether it is there, and can be loaded
        except ImportError as error:
            why = str(error)[:200]
            return (
                kind,
                f'a ledger on PostgreSQL needs psycopg: pip install "gridgen[team]" ({why}). Nothing was sent.',
            )
        kind = kind if _is_readable(value) else ""
    wrong = f"ledger= is no address of a ledger (it is not shown here, as it may hold a password): {_MEANT}"
    return kind, "" if kind else wrong


def _kind(value: str) -> str:
    try:
        parts = urlsplit(value)
        _ = parts.port
    except ValueError:
        return ""
    if parts.scheme in _POSTGRES:
        return "postgresql"
    return "sqlite" if parts.scheme == "sqlite" and parts.path.strip("/") else ""


def _is_readable(value: str) -> bool:
    """Whether libpq reads it, and reads it as it is shown; what libpq says of one that it cannot read repeats parts of it."""
    import psycopg

    try:
        psycopg.conninfo.conninfo_to_dict(value)
    except psycopg.Error:
        return False
    # a password with a slash in it, which is not quoted, would be taken for the name of a database
    return "@" not in urlsplit(value).path
