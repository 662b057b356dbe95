"""How long refused sign-ins are kept."""

from wxapi.platform.retention import Category, counting, deleting
from wxapi.training.models import Refusal

RETENTION = (
    Category(
        "refusals",
        "sign-ins that were refused",
        "so that an organiser can tell what went wrong in the hall",
        counting(Refusal, Refusal.at),
        deleting(Refusal, Refusal.at),
        days=180,
    ),
)
