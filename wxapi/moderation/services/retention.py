"""How long WeChat's names of checks are kept."""

from wxapi.moderation.models import Trace
from wxapi.platform.retention import RetentionCategory, deleting, older

RETENTION = (
    RetentionCategory(
        "traces",
        "WeChat's names of picture checks",
        "so that a verdict finds its picture",
        older(Trace, Trace.at),
        deleting(Trace),
        days=30,
    ),
)
