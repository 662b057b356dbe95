"""The kinds of messages about training."""

from wxapi.notifications.rules.notices import MessageKind

_VALUES = frozenset({"what", "place", "state", "at"})

TRAINING_REMINDER = MessageKind("training_reminder", "培训提醒", _VALUES)
TRAINING_SEAT = MessageKind("training_seat", "候补成功", _VALUES)
TRAINING_NEWS = MessageKind("training_news", "培训通知", _VALUES)
CERTIFICATE_READY = MessageKind("certificate_ready", "证书已生成", frozenset({"what", "state", "at"}))

KINDS = (TRAINING_REMINDER, TRAINING_SEAT, TRAINING_NEWS, CERTIFICATE_READY)
