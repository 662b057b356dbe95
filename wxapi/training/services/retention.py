"""How long refused sign-ins are kept."""

from wxapi.platform.retention import RetentionCategory, counting, deleting
from wxapi.training.models import Refusal

RETENTION = (
    RetentionCategory(
        "refusals",
        "sign-ins that were refused",
        "so that an organiser can tell what went wrong in the hall",
        counting(Refusal, Refusal.at),
        deleting(Refusal, Refusal.at),
        days=180,
    ),
)
