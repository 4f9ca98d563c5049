"""When to submit and when to poll: pure, and told the time.

`gridgen.pacing.pace` keeps to the rate that a key is allowed, `gridgen.pacing.line` tells
how many tasks the server works on, `gridgen.pacing.timing` how long they take,
`gridgen.pacing.schedule` whom to ask next, and when, and `gridgen.pacing.limiter`, which
is not pure, shares a rate with other processes.
"""

from gridgen.pacing.pace import (
    LONGEST_WAIT,
    Alike,
    Backoff,
    Bucket,
    Pace,
    ResultBreaker,
    Storm,
    Window,
    backoff,
    wording,
)

__all__ = [
    "LONGEST_WAIT",
    "Alike",
    "Backoff",
    "Bucket",
    "Pace",
    "ResultBreaker",
    "Storm",
    "Window",
    "backoff",
    "wording",
]
