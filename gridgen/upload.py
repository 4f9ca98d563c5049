"""What became of an upload of a reference image; uploads cost nothing, and are not repeated unasked either."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING

from gridgen.fields import public_url
from gridgen.images import UPLOAD_LIFE
from gridgen.outcome import Ambiguous, NotApplied, NotSent, Rejected, classify
from gridgen.task import parse_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

FRESH = 6 * 3600.0
"""Seconds that a link must still live when a submission names it; the task may wait in a queue."""

__all__ = ["FRESH", "Stored", "UploadOutcome", "classify_upload"]


@dataclass(frozen=True, slots=True)
class Stored:
    """The image is on the server.

    Attributes
    ----------
    url : str
        Where it can be fetched.
    expires_at : float
        Unix seconds until which it can be.
    """

    url: str
    expires_at: float


UploadOutcome = Stored | NotSent | NotApplied | Rejected | Ambiguous


def classify_upload(
    events: Sequence[str], status: int | None, headers: Mapping[str, str], body: bytes, *, now: float
) -> UploadOutcome:
    """Decide what became of one ``POST /v1/uploads/images``.

    Parameters
    ----------
    events, status, headers, body
        As of `gridgen.outcome.classify`.
    now : float
        Unix seconds when it was sent; the life of the link counts from the earlier of
        this and the server's own stamp.
    """
    payload = parse_json(body)
    if status is not None and HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        # the fields lie at the top level; one client met them under `data`
        inner = payload.get("data") if isinstance(payload, dict) else None
        for found in (payload, inner):
            if isinstance(found, dict) and public_url(found.get("url")):
                created = found.get("created_at")
                at = min(now, created) if isinstance(created, (int, float)) and created > 0 else now
                return Stored(str(found["url"]), at + UPLOAD_LIFE)
    outcome = classify(events, status, headers, body)
    return (
        outcome if isinstance(outcome, (NotSent, NotApplied, Rejected, Ambiguous)) else Ambiguous("a task id")
    )
