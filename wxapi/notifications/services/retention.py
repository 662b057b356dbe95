"""How long messages and the keys of pushes are kept."""

from wxapi.notifications.models import Message, PushEvent
from wxapi.platform.retention import RetentionCategory, deleting, older

RETENTION = (
    RetentionCategory(
        "messages",
        "the inbox",
        "so that a person can read again what happened",
        older(Message, Message.created_at),
        deleting(Message),
        days=180,
    ),
    RetentionCategory(
        "pushes",
        "keys of WeChat's pushes",
        "so that a repeated push changes nothing",
        older(PushEvent, PushEvent.received_at),
        deleting(PushEvent),
        days=7,
    ),
)
