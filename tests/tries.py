"""How often a test tries, whose values move with every run.

`WXAPI_FUZZ_SEED` brings back what a run drew by `SEED`; of Hypothesis' own, what failed is kept and tried first.
`WXAPI_FUZZ_TIMES` tries so many times as much, where there is more time than in `make check`.
"""

import os
import secrets

SEED = os.environ.get("WXAPI_FUZZ_SEED") or secrets.token_hex(4)
TIMES = int(os.environ.get("WXAPI_FUZZ_TIMES", "1"))


def tries(usual: int) -> int:
    """How many examples, of `usual` in `make check`."""
    return usual * TIMES
