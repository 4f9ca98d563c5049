"""What the journal holds of the reference images that were uploaded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3

    from gridgen.journal.writer import Statement

__all__ = ["Upload", "begin", "end", "load_uploads"]


@dataclass(frozen=True, slots=True)
class Upload:
    """One upload of a picture; times are Unix seconds.

    Attributes
    ----------
    origin : str
        Where it went.
    image : str
        ``sha256:`` and the hash of its content.
    at : float
        When it was about to leave.
    url, expires_at : str and float, optional
        The link that the server gave, and until when it lives; None while, or if, it
        gave none.
    error : str, optional
        Why it gave none.
    """

    id: int
    origin: str
    image: str
    at: float
    url: str | None = None
    expires_at: float | None = None
    error: str | None = None


def begin(upload: Upload) -> Statement:
    """Return the statement that notes that an upload is about to leave."""
    statement = "INSERT INTO upload (id, origin, image, at) VALUES (?, ?, ?, ?)"
    return statement, (upload.id, upload.origin, upload.image, round(upload.at * 1000))


def end(upload: Upload) -> Statement:
    """Return the statement that notes what became of an upload."""
    expires = None if upload.expires_at is None else round(upload.expires_at * 1000)
    statement = "UPDATE upload SET url = ?, expires_at = ?, error = ? WHERE id = ?"
    return statement, (upload.url, expires, upload.error, upload.id)


def load_uploads(connection: sqlite3.Connection) -> dict[tuple[str, str], Upload]:
    """Return the latest upload of each picture at each origin that got a link; none from an older journal."""
    if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'upload'").fetchone():
        return {}
    asked = (
        "SELECT id, origin, image, at / 1000.0, url, expires_at / 1000.0, error FROM upload "
        "WHERE url IS NOT NULL ORDER BY id"
    )
    found = (Upload(*values) for values in connection.execute(asked))
    return {(upload.origin, upload.image): upload for upload in found}
