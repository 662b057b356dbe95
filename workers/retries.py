"""How often and how far apart a failing job is tried again."""

import random
from datetime import timedelta

# 1, 2, 4 … 512 s, then every 15 minutes: three and a half hours, long enough for WeChat's outages.
MAX_ATTEMPTS = 24
_LONGEST = timedelta(minutes=15)
# What failed together shall not come back together.
_JITTER = 0.25


def backoff(attempt: int) -> timedelta:
    """How long to wait after the failure of this attempt (1, 2, …)."""
    plain = min(timedelta(seconds=2 ** min(attempt - 1, 20)), _LONGEST)
    return plain * random.uniform(1 - _JITTER, 1 + _JITTER)  # noqa: S311 - spreads load, guards nothing
