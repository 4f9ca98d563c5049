"""Reference images on their way to the server: requests with their links, and what became of an upload."""

from __future__ import annotations

import json
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from gridgen.grid.images import HASH, UPLOAD_LIFE, LocalImage, local_images
from gridgen.models.fields import public_url
from gridgen.outcome import Ambiguous, NotApplied, NotSent, Rejected, classify
from gridgen.task import parse_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gridgen.grid.cells import Cell

__all__ = ["Stored", "UploadOutcome", "classify_upload", "encoded", "lost", "pictures", "says"]


_LATE = 86_400.0
"""Seconds before its answer at which an upload cannot have begun: such a stamp is none."""


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
        this and the server's own stamp, where that can be one.
    """
    payload = parse_json(body)
    if status is not None and HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        # the fields lie at the top level; one client met them under `data`
        inner = payload.get("data") if isinstance(payload, dict) else None
        for found in (payload, inner):
            if isinstance(found, dict) and public_url(found.get("url")):
                created = found.get("created_at")
                at = created if isinstance(created, (int, float)) and now - _LATE < created < now else now
                return Stored(str(found["url"]), at + UPLOAD_LIFE)
    outcome = classify(events, status, headers, body)
    return (
        outcome if isinstance(outcome, (NotSent, NotApplied, Rejected, Ambiguous)) else Ambiguous("a task id")
    )


def encoded(cell: Cell, urls: dict[str, str], take: int | None = None) -> bytes:
    """Return the request of a cell, or of one of its takes, as it goes over the wire.

    Pictures of one's own go by the links that they got.
    """
    body = _linked(cell.body(take), urls) if urls else cell.body(take)
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def says(body: bytes, cell: Cell, take: int) -> bool:
    """Whether a request that left is that of a cell's take, whatever links its pictures had."""
    return _is_linked(parse_json(body), parse_json(encoded(cell, {}, take)))


def _is_linked(sent: Any, meant: Any) -> bool:
    if isinstance(meant, dict):
        same = isinstance(sent, dict) and sent.keys() == meant.keys()
        return same and all(_is_linked(sent[name], each) for name, each in meant.items())
    if isinstance(meant, list):
        same = isinstance(sent, list) and len(sent) == len(meant)
        return same and all(map(_is_linked, sent, meant))
    linked = isinstance(meant, str) and meant.startswith(HASH) and public_url(sent)
    return linked or (type(sent) is type(meant) and bool(sent == meant))


def pictures(cell: Cell) -> list[LocalImage]:
    """Return the pictures of one's own that a cell needs on the server."""
    return local_images(cell.body().values())


def lost(image: LocalImage, outcome: Ambiguous, verb: str) -> str:
    """Return what to tell of an upload whose answer was lost."""
    return (
        f"the picture {image.name!r} was sent and the answer was lost ({outcome.evidence}). An upload costs "
        f"nothing, and it is not repeated unasked: {verb} uploads it again. No clip was ordered with it."
    )


def _linked(value: Any, urls: dict[str, str]) -> Any:
    if isinstance(value, LocalImage):
        return urls.get(value, value)
    if isinstance(value, dict):
        return {name: _linked(each, urls) for name, each in value.items()}
    return [_linked(each, urls) for each in value] if isinstance(value, (list, tuple)) else value
