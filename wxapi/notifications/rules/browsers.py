"""The kind of message about a browser that was signed in; its template's values."""

from wxapi.notifications.rules.notices import MessageKind

WEB_LOGIN = MessageKind("web_login", "电脑登录提醒", frozenset({"what", "place", "at", "state"}))

KINDS = (WEB_LOGIN,)
