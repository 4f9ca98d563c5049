"""Whether a server honours an idempotency key: proven with one job, then kept for every sweep.

The API documents the key for one image model only (its page, as quoted by an
audit of 2026-09-19); its official client sends it for videos too. So nothing
is believed of a model until the same submission, sent twice under one key,
has come back as one task.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from gridgen import userdirs
from gridgen.atomic import write_atomically
from gridgen.clock import Clock
from gridgen.outcome import Accepted, Ambiguous

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from gridgen.outcome import Outcome

__all__ = ["IdempotencyProbe", "find", "keep", "prove"]

GOOD_FOR = 30 * 86_400.0
"""Seconds for which a proof counts: servers change without telling."""

MOST_WAITS = 10
_LONGEST_WAIT = 30.0


@dataclass(frozen=True, slots=True)
class IdempotencyProbe:
    """What was seen when one submission was sent twice under one idempotency key.

    Attributes
    ----------
    place : str
        Which server: ``apimart``, a host, or one simulator.
    model : str
        Its model.
    honoured : bool
        Whether the second submission was answered with the first one's task, as a
        replay. Only then may a lost submission be repeated under its own key.
    task_ids : tuple of str
        What the two have made, and billed: one task, or two where the key was ignored.
    evidence : str
        What was seen, in words.
    proven_at : float
        Unix seconds of real time.
    """

    place: str
    model: str
    honoured: bool
    task_ids: tuple[str, ...]
    evidence: str
    proven_at: float

    @property
    def current(self) -> bool:
        """Whether it is recent enough to rely on."""
        return 0 <= Clock().time() - self.proven_at <= GOOD_FOR

    def __repr__(self) -> str:
        verdict = "honours" if self.honoured else "does not honour"
        return f"IdempotencyProbe({self.model!r} at {self.place.split()[0]!r} {verdict} an idempotency key: {self.evidence})"


def find(place: str, model: str) -> IdempotencyProbe | None:
    """Return what is known of a model at a server, None when it was never tried."""
    path = _path(place, model)
    if path is None:
        return None
    try:
        proof = _proof(json.loads(path.read_bytes()))
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return None
    return proof if (proof.place, proof.model) == (place, model) else None


def keep(proof: IdempotencyProbe) -> bool:
    """Keep a proof where every sweep of this user finds it; say whether that worked."""
    path = _path(proof.place, proof.model)
    if path is None:
        return False
    try:
        with write_atomically(path, mode=0o600, shared=True) as part:
            part.write_bytes(json.dumps(asdict(proof), indent=1).encode())
    except OSError:
        return False
    return True


async def prove(
    place: str, model: str, task_id: str, send: Callable[[], Awaitable[Outcome]], clock: Clock
) -> IdempotencyProbe:
    """Send an accepted submission once more and say what came of it; on the engine's loop.

    Parameters
    ----------
    place, model : str
        As of `IdempotencyProbe`.
    task_id : str
        What the first submission was answered with.
    send : callable
        Sends the same bytes under the same key.
    clock : Clock
        Of the client; where the server is still at work on the first, its wait is kept.
    """
    second = await answered(send, clock)
    honoured, task_ids, evidence = _judge(task_id, second)
    return IdempotencyProbe(place, model, honoured, task_ids, evidence, Clock().time())


async def answered(send: Callable[[], Awaitable[Outcome]], clock: Clock) -> Outcome:
    """Send, and as long as the server is still at work on the same submission, wait as it says and send again."""
    outcome = await send()
    for _ in range(MOST_WAITS):
        if not isinstance(outcome, Ambiguous) or outcome.pending is None:
            break
        await clock.sleep(min(_LONGEST_WAIT, max(1.0, outcome.pending)))
        outcome = await send()
    return outcome


def _judge(task_id: str, second: Outcome) -> tuple[bool, tuple[str, ...], str]:
    if not isinstance(second, Accepted):
        return False, (task_id,), f"the repeat was not answered with the task ({second})"[:300]
    if second.task_id != task_id:
        return False, (task_id, second.task_id), "the repeat made, and billed, a task of its own"
    if not second.replayed:
        return False, (task_id,), "the repeat named the same task, but was not marked as a replay"
    return True, (task_id,), "the repeat was answered with the same task, marked as a replay"


def _path(place: str, model: str) -> Path | None:
    """Return the file of one proof; a file each, so that two processes never undo each other's."""
    folder = userdirs.data_folder()
    if folder is None:
        return None
    name = hashlib.sha256(json.dumps([place, model]).encode()).hexdigest()[:32]
    return folder / f"proof-{name}.json"


def _proof(data: dict[str, Any]) -> IdempotencyProbe:
    return IdempotencyProbe(
        str(data["place"]),
        str(data["model"]),
        data["honoured"] is True,
        tuple(map(str, data["task_ids"])),
        str(data["evidence"]),
        float(data["proven_at"]),
    )
