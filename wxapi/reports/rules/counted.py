"""Steps of a report that statistics count. Pure.

Their lines of history say where and what the report was and who held it, so that no report is read to count them.
"""

COUNTED_STEPS = (
    "return", "dispute", "reopen", "approve_extension", "approve_hold", "confirm", "auto_close", "refuse", "withdraw",
    "merge",
)  # fmt: skip
