"""How long refused sign-ins are kept."""

from wxapi.platform.retention import RetentionCategory, deleting, older
from wxapi.training.models import Refusal

RETENTION = (
    RetentionCategory(
        "refusals",
        "sign-ins that were refused",
        "so that an organiser can tell what went wrong in the hall",
        older(Refusal, Refusal.at),
        deleting(Refusal),
        days=180,
    ),
)
