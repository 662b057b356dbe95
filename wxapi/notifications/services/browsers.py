"""Telling a person that a browser was signed in as them: if it was not them, they must hear of it."""

import uuid
from datetime import datetime

from sqlalchemy import select

from wxapi.identity.models import WebSession
from wxapi.kernel.clock import SHANGHAI, to_wire
from wxapi.notifications.rules.browsers import WEB_LOGIN
from wxapi.notifications.rules.notices import Notice
from wxapi.notifications.services.tell import tell
from wxapi.platform.db import transaction


def tell_of_browser(browser_id: uuid.UUID, *, now: datetime) -> None:
    """Tell the person of a session that was opened; nothing when it is over already. Harmless when run twice."""
    with transaction() as session:
        row = session.scalars(select(WebSession).where(WebSession.id == browser_id)).one_or_none()
        if row is not None:
            tell(session, [row.user_id], _notice(row), now=now)


def _notice(row: WebSession) -> Notice:
    at = row.created_at.astimezone(SHANGHAI)
    where = f"{row.browser}，{row.place}"
    return Notice(
        WEB_LOGIN,
        subject=f"browser:{row.id}",
        step="opened",
        title="您的账户已在浏览器中登录",
        body=f"{at.month}月{at.day}日 {at:%H:%M} 登录（{where}）。如果不是您本人，请在“我的账户”中选择“全部退出”。",
        values={"what": "网页工作台登录", "place": where, "at": to_wire(row.created_at), "state": "已登录"},
    )
