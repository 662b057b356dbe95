"""Asking a signed-in person's phone again: before somebody is appointed, the phone must have spoken not long ago.

A login is the phone's word, too. A token is confirmed by a fresh `wx.login` code, a browser by a scan with a number, as
at its login.
"""

import uuid
from datetime import datetime, timedelta

from sqlalchemy import update
from sqlalchemy.orm import Session

from wxapi.identity.models import Token, User, WebSession
from wxapi.identity.queries import digest_of
from wxapi.identity.rules import CONFIRMED_FOR, WebLoginState
from wxapi.identity.services import web_logins
from wxapi.identity.services.web_logins import LoginAnswer
from wxapi.kernel.actor import Actor
from wxapi.kernel.errors import ForbiddenError, InvalidError
from wxapi.platform import audit
from wxapi.platform.db import transaction
from wxapi.platform.runtime import runtime


def require_confirmed(actor: Actor, *, now: datetime) -> None:
    """Refuse what changes who holds which office while the phone's last word is old. Commands and jobs have no phone.

    Raises:
        ForbiddenError: `confirmation_required`.
    """
    if actor.confirmed_at is not None and time_left(actor, now=now) <= timedelta(0):
        raise ForbiddenError("confirmation_required", "请先用手机确认身份，再进行任职变动。")


def time_left(actor: Actor, *, now: datetime) -> timedelta:
    """How long the phone's last word is still good; nothing or less when it is over."""
    return actor.confirmed_at + CONFIRMED_FOR - now if actor.confirmed_at else CONFIRMED_FOR


def ask_openid(code: str) -> str:
    """The openid behind a fresh `wx.login` code, which WeChat tells once. May take long.

    Raises:
        UnauthenticatedError: `wx_code_invalid`.
    """
    return runtime().wechat.code_to_session(code).openid


def confirm_token(actor: Actor, token: str, openid: str, *, now: datetime) -> datetime:
    """Take what a fresh code told as the phone's word for its token; returns until when it is good.

    Raises:
        InvalidError: `wrong_person`, the code is of another WeChat account.
    """
    digests = runtime().cipher.digests(openid, purpose="user.openid")
    with transaction() as session:
        user = session.get(User, actor.user_id)
        if user is None or user.openid_digest not in digests:
            raise InvalidError("wrong_person", "微信账号与当前登录的人员不一致。")
        session.execute(update(Token).where(Token.digest == digest_of(token)).values(confirmed_at=now))
        _note(session, actor.user_id, "phone", now=now)
    return now + CONFIRMED_FOR


def ask_browser(secret: str | None, token: str, *, now: datetime) -> LoginAnswer:
    """What became of a browser's question to its person's phone. A granted one confirms the session, and is over."""
    with transaction() as session:
        row = web_logins.bound(session, secret)
        if row is None or row.asks_user_id is None:
            return LoginAnswer(WebLoginState.ENDED)
        state = web_logins.state_of(row, now=now)
        if state is not WebLoginState.GRANTED:
            return LoginAnswer(state)
        row.state = WebLoginState.ENDED.value
        found = session.scalars(
            update(WebSession)
            .where(WebSession.digest == digest_of(token), WebSession.user_id == row.asks_user_id)
            .values(confirmed_at=now)
            .returning(WebSession.id)
        ).one_or_none()
        if found is None:
            return LoginAnswer(WebLoginState.ENDED)
        _note(session, row.asks_user_id, "browser", now=now)
        return LoginAnswer(WebLoginState.GRANTED, row.next_path)


def _note(session: Session, user_id: uuid.UUID, where: str, *, now: datetime) -> None:
    audit.record(session, user_id, "session.confirm", subject=f"user:{user_id}", at=now, where=where)
