"""How long messages and the keys of pushes are kept."""

from wxapi.notifications.models import Message, PushEvent
from wxapi.platform.retention import RetentionCategory, counting, deleting

RETENTION = (
    RetentionCategory(
        "messages",
        "the inbox",
        "so that a person can read again what happened",
        counting(Message, Message.created_at),
        deleting(Message, Message.created_at),
        days=180,
    ),
    RetentionCategory(
        "pushes",
        "keys of WeChat's pushes",
        "so that a repeated push changes nothing",
        counting(PushEvent, PushEvent.received_at),
        deleting(PushEvent, PushEvent.received_at),
        days=7,
    ),
)
