"""The kind of message about an appointment, and its words."""

from wxapi.notifications.rules.notices import MessageKind

APPOINTMENT = MessageKind("appointment", "任职变动通知", frozenset({"what", "place", "state", "at"}))

KINDS = (APPOINTMENT,)
