"""Logging in and out: a WeChat code becomes a bearer token; a token becomes an `Actor`."""

import hashlib
import json
import time
from datetime import datetime
from typing import Any

import structlog
from redis.exceptions import RedisError
from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from wxapi.identity.models import Token, User
from wxapi.identity.queries import bearer_of, digest_of
from wxapi.identity.rules import LOGIN_REPEAT_S, TOKEN_IDLE, TOUCH_AFTER
from wxapi.identity.service import me
from wxapi.kernel.actor import Actor
from wxapi.kernel.clock import local_day
from wxapi.kernel.errors import UnauthenticatedError
from wxapi.kernel.ids import new_id, new_token
from wxapi.platform import audit
from wxapi.platform.db import db, transaction
from wxapi.platform.runtime import runtime
from wxapi.platform.wechat.errors import CodeUsedError

log = structlog.get_logger(__name__)
# How long a repeat waits for the first request with the same code to be answered.
_PATIENCE_S = 3.0
_POLL_S = 0.05


def log_in(code: str, *, now: datetime) -> dict[str, Any]:
    """Exchange a `wx.login` code for a token; the same code within 60 s gives the same answer.

    Returns:
        the body of the answer: access_token, token_type, expires_in (seconds), user.

    Raises:
        UnauthenticatedError: `wx_code_invalid`, the code is dead.
        UnavailableError: WeChat cannot be asked now.
    """
    repeated = _recall(code)
    if repeated is not None:
        return repeated
    try:
        who = runtime().wechat.code_to_session(code)
    except CodeUsedError:
        # Used by an earlier copy of this very request, whose answer may still be on its way.
        return _await_first(code)
    answer = _open_session(who.openid, now=now)
    _remember(code, answer)
    return answer


def log_out(token: str) -> None:
    """Revoke one token; a dead one does not matter."""
    with transaction() as session:
        session.execute(delete(Token).where(Token.digest == digest_of(token)))


def authenticate(token: str) -> Actor | None:
    """The person behind a token, or None. Notes the use of a token at most once an hour."""
    now = runtime().clock.now()
    bearer = bearer_of(db.session(), token, now=now, today=local_day(now))
    if bearer is None:
        return None
    if bearer.last_used_at < now - TOUCH_AFTER:
        with transaction() as session:
            session.execute(update(Token).where(Token.digest == digest_of(token)).values(last_used_at=now))
    return bearer.actor


def forget_idle(session: Session, now: datetime) -> int:
    """Delete tokens unused for 30 days; returns how many. The person keeps the time of their last use."""
    idle = Token.last_used_at <= now - TOKEN_IDLE
    last_use = select(func.max(Token.last_used_at)).where(Token.user_id == User.id, idle).scalar_subquery()
    session.execute(
        update(User)
        .where(User.id.in_(select(Token.user_id).where(idle)))
        .values(seen_at=func.greatest(User.seen_at, last_use))
        .execution_options(synchronize_session=False)
    )
    result = session.execute(delete(Token).where(idle))
    return int(result.rowcount)  # type: ignore[attr-defined]  # a DELETE gives a CursorResult


def register_openid(session: Session, openid: str, *, now: datetime) -> User:
    """The person with this openid, made on first sight; two at once make one."""
    cipher = runtime().cipher
    digest = cipher.digest(openid, purpose="user.openid")
    session.execute(
        insert(User)
        .values(
            id=new_id(),
            openid_digest=digest,
            openid_sealed=cipher.seal(openid, purpose="user.openid"),
            created_at=now,
        )
        .on_conflict_do_nothing(index_elements=["openid_digest"])
    )
    return session.scalars(select(User).where(User.openid_digest == digest)).one()


def _open_session(openid: str, *, now: datetime) -> dict[str, Any]:
    token = new_token()
    with transaction() as session:
        user = register_openid(session, openid, now=now)
        user.seen_at = now
        session.add(Token(digest=digest_of(token), user_id=user.id, created_at=now, last_used_at=now))
        audit.record(session, user.id, "session.open", subject=f"user:{user.id}", at=now)
        person = me(session, user, now=now)
    return {
        "access_token": token,
        "token_type": "Bearer",
        "expires_in": int(TOKEN_IDLE.total_seconds()),
        "user": person,
    }


def _cache_key(code: str) -> str:
    return "login:" + hashlib.sha256(code.encode()).hexdigest()


def _remember(code: str, answer: dict[str, Any]) -> None:
    sealed = runtime().cipher.seal(json.dumps(answer), purpose="login.answer")
    try:
        runtime().redis.set(_cache_key(code), sealed, ex=LOGIN_REPEAT_S)
    except RedisError:
        log.warning("login_repeat_not_kept")  # a repeat will ask for a new code


def _recall(code: str) -> dict[str, Any] | None:
    try:
        sealed = runtime().redis.get(_cache_key(code))
    except RedisError:
        return None
    if not isinstance(sealed, bytes):
        return None
    answer: dict[str, Any] = json.loads(runtime().cipher.open(sealed, purpose="login.answer"))
    return answer


def _await_first(code: str) -> dict[str, Any]:
    deadline = time.monotonic() + _PATIENCE_S
    while time.monotonic() < deadline:
        answer = _recall(code)
        if answer is not None:
            return answer
        time.sleep(_POLL_S)
    raise UnauthenticatedError("wx_code_invalid", "登录凭证已失效,请重新登录。")
