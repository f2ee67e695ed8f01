"""How long to wait before the next try."""

import random


def backoff_s(attempt: int, *, first_s: float = 0.5, limit_s: float = 60.0) -> float:
    """Return a delay that doubles with each attempt (from 1), with half of it random, so that crowds disperse."""
    full = min(limit_s, first_s * 2.0 ** min(attempt - 1, 30))
    return full * (0.5 + 0.5 * random.random())  # noqa: S311 - jitter is no secret
