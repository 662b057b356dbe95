"""The kinds of messages about appointments, and about lists of people that were imported."""

from wxapi.notifications.rules.notices import MessageKind

APPOINTMENT = MessageKind("appointment", "任职变动通知", frozenset({"what", "place", "state", "at"}))

PEOPLE_IMPORT = MessageKind("people_import", "名单导入结果", frozenset({"what", "note", "state", "at"}))

KINDS = (APPOINTMENT, PEOPLE_IMPORT)
