"""How long WeChat's names of checks are kept."""

from wxapi.moderation.models import Trace
from wxapi.platform.retention import RetentionCategory, counting, deleting

RETENTION = (
    RetentionCategory(
        "traces",
        "WeChat's names of picture checks",
        "so that a verdict finds its picture",
        counting(Trace, Trace.at),
        deleting(Trace, Trace.at),
        days=30,
    ),
)
