"""When to submit and when to poll: pure, and told the time.

`gridgen.pacing.rate_control` keeps to the rate that a key is allowed, `gridgen.pacing.server_queue` tells
how many tasks the server works on, `gridgen.pacing.timing` how long they take,
`gridgen.pacing.schedule` whom to ask next, and when, and `gridgen.pacing.limiter`, which
is not pure, shares a rate with other processes.
"""

from gridgen.pacing.rate_control import (
    LONGEST_WAIT,
    Backoff,
    Bucket,
    CircuitBreaker,
    ConcurrencyLimit,
    RateControl,
    RepeatedRefusalBreaker,
    ResultBreaker,
    backoff,
    wording,
)

__all__ = [
    "LONGEST_WAIT",
    "Backoff",
    "Bucket",
    "CircuitBreaker",
    "ConcurrencyLimit",
    "RateControl",
    "RepeatedRefusalBreaker",
    "ResultBreaker",
    "backoff",
    "wording",
]
