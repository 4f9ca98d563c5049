"""What becomes of a submission, drawn from the seed and the body alone.

Nothing here depends on the order of arrival: the same body, submitted for the
n-th time to a simulator of the same seed, meets the same fate.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
import zlib
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gridgen.simulator.profiles import Profile
    from gridgen.simulator.validation import Order

__all__ = ["DrawnOutcome", "canonical", "draw", "progress"]

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_ULID_TIME = "01K8SG0000"
_LOOPBACK = re.compile(r"^http://(?:127\.0\.0\.1|localhost|\[::1\])(?::\d+)?(?=/f/)")
_NORMAL = NormalDist()
_TIERS = {"360p": 0.8, "480p": 1.0, "540p": 1.1, "720p": 1.3, "1080p": 1.8, "2k": 2.2, "4k": 3.0}


_PACES = (
    ("MiniMax-H3", 2.4),
    ("fast", 0.6),
    ("turbo", 0.6),
    ("lite", 0.6),
    ("-mini", 0.6),
    ("flash", 0.6),
    ("-pro", 1.7),
    ("quality", 1.7),
)
"""How much longer models take, by what their names say; MiniMax-H3 was seen to take 117 s
for 4 s at 768P (bragi-canvas PR 120, 2026), of the others no figure is public."""


@dataclass(frozen=True, slots=True)
class DrawnOutcome:
    """A task's future, fixed when it is accepted.

    Attributes
    ----------
    id : str
        Task id: ``task_`` and 26 characters of Crockford's alphabet.
    wait, service : float
        Seconds in an upstream queue, and at work.
    estimate : int
        What the server will claim as ``estimated_time``, in seconds.
    outcome : str
        ``"completed"``, ``"failed"``, ``"cancelled"`` or ``"stuck"``.
    """

    id: str
    wait: float
    service: float
    estimate: int
    outcome: str


def canonical(body: dict[str, Any]) -> bytes:
    """Return a body in one spelling, links to this server without host and port."""
    return json.dumps(_without_host(body), sort_keys=True, separators=(",", ":")).encode()


def _without_host(value: Any) -> Any:
    if isinstance(value, str):
        return _LOOPBACK.sub("", value)
    if isinstance(value, list):
        return [_without_host(each) for each in value]
    if isinstance(value, dict):
        return {name: _without_host(each) for name, each in value.items()}
    return value


def draw(seed: int, body: bytes, arrival: int, order: Order, profile: Profile) -> DrawnOutcome:
    """Return the fate of a canonical body's `arrival`-th submission, counted from 1."""
    head = f"{seed}:{arrival}:".encode()
    digest = hashlib.blake2b(head + body, digest_size=40).digest()
    factor, spread = profile.service_of(order.model.id)
    median = _median(order) * factor
    outcome = "completed"
    if _uniform(digest, 26) < profile.stuck:
        outcome = "stuck"
    if order.doomed or _uniform(digest, 33) < profile.failures:
        outcome = "failed"
    return DrawnOutcome(
        id=f"task_{_ULID_TIME}{_crockford(digest[:10])}",
        wait=_lognormal(profile.wait, profile.wait_cv, _uniform(digest, 12)),
        service=_lognormal(median, spread, _uniform(digest, 19)),
        estimate=max(1, round(median * profile.estimate)),
        outcome=outcome,
    )


def _median(order: Order) -> float:
    """Return the usual service time in seconds: about 40 for a short clip, 110 for a long one."""
    work = (30.0 + 1.8 * order.duration) * _TIERS.get(order.quality.lower(), 1.3)
    return work * next((pace for name, pace in _PACES if name in order.model.id), 1.0)


def _uniform(digest: bytes, at: int) -> float:
    return (int.from_bytes(digest[at : at + 7]) + 0.5) / 2**56


def _lognormal(median: float, cv: float, uniform: float) -> float:
    """Return a value in whole milliseconds, the same on every machine."""
    sigma = math.sqrt(math.log1p(cv * cv))
    return round(median * math.exp(sigma * _NORMAL.inv_cdf(uniform)), 3)


def _crockford(data: bytes) -> str:
    number = int.from_bytes(data)
    return "".join(_CROCKFORD[number >> shift & 31] for shift in range(75, -1, -5))


def progress(shape: str, fraction: float, task_id: str) -> int | str | None:
    """Return what a running task reports, None where it reports nothing.

    Parameters
    ----------
    shape : str
        A setting of `Profile.progress`.
    fraction : float
        Share of the service time that has passed, 0 to 1.
    task_id : str
        Seeds the noise.
    """
    percent = int(100 * fraction)
    if shape == "noisy":
        chance = zlib.crc32(f"{task_id}{percent}".encode()) % 21
        return min(99, max(0, percent + chance - 10))
    if shape == "plateau":
        return min(int(160 * fraction), 60 + zlib.crc32(task_id.encode()) % 30)
    if shape == "stuck":
        return min(99, int(300 * fraction))
    if shape == "backwards":
        return percent - 30 if 50 <= percent < 60 else percent  # noqa: PLR2004
    other: dict[str, int | str | None] = {
        "percent": f"{percent}%",
        "over": int(150 * fraction),
        "absent": None,
    }
    return other.get(shape, min(99, percent))
