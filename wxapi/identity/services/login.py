"""Logging in and out: a WeChat code becomes a bearer token; a token becomes an `Actor`."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from redis import Redis
from redis.exceptions import RedisError
from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from wxapi.identity.models import Token, User
from wxapi.identity.queries import bearer_of, digest_of
from wxapi.identity.rules import LOGIN_REPEAT_S, TOKEN_IDLE, TOUCH_AFTER
from wxapi.identity.services.profile import Profile, profile_of, read_me
from wxapi.identity.services.rights import change_rights
from wxapi.kernel.actor import Actor
from wxapi.kernel.clock import local_day
from wxapi.kernel.errors import UnauthenticatedError
from wxapi.kernel.ids import new_id, new_token
from wxapi.platform import audit
from wxapi.platform.cipher import SealError
from wxapi.platform.db import db, transaction
from wxapi.platform.runtime import runtime
from wxapi.platform.turns import Turn, turn

log = structlog.get_logger(__name__)
# Longer than WeChat is waited for: no turn outlives its request by much.
_TURN_S = 12


@dataclass(frozen=True, slots=True)
class LoggedIn:
    """A bearer token and who holds it."""

    token: str
    profile: Profile


def log_in(code: str, *, now: datetime) -> LoggedIn:
    """Exchange a `wx.login` code for a token; the same code within 60 s gives the same token.

    Raises:
        UnauthenticatedError: `wx_code_invalid`, the code is dead.
        UnavailableError: WeChat cannot be asked now.
    """
    answer = _recall(code, now=now)
    if answer is not None:
        return answer
    with turn(runtime().redis, _key("login-turn", code), lease_s=_TURN_S, wait_s=_TURN_S) as had:
        # Another copy may have been answered since the first look, or while this one waited.
        answer = _recall(code, now=now)
        if answer is not None:
            return answer
        if had in (Turn.AFTER_ANOTHER, Turn.NOT_HAD):  # WeChat was asked, and takes no code twice
            raise UnauthenticatedError("wx_code_invalid", "登录凭证已失效，请重新登录。")
        return _exchange(code, now=now)


def log_out(token: str) -> None:
    """Revoke one token; requests that came with it and are still under way write nothing more. A dead one is fine."""
    holder = db.session.scalar(select(Token.user_id).where(Token.digest == digest_of(token)))
    if holder is None:
        return
    with transaction(locking=(holder,)) as session:
        session.execute(delete(Token).where(Token.digest == digest_of(token)))
        change_rights(session, [holder])


def authenticate(token: str, key: str | None) -> tuple[Actor | None, bool]:
    """The person behind a token, or None, and whether they used this `Idempotency-Key` before.

    Notes the use of a token at most once an hour.
    """
    now = runtime().clock.now()
    bearer = bearer_of(token, now=now, today=local_day(now), key=key)
    if bearer is None:
        return None, False
    if bearer.last_used_at < now - TOUCH_AFTER:
        with transaction() as session:
            session.execute(update(Token).where(Token.digest == digest_of(token)).values(last_used_at=now))
    return bearer.actor, bearer.used_key


def forget_idle(session: Session, now: datetime, limit: int) -> int:
    """Delete tokens unused for 30 days, at most so many; returns how many. People keep the time of their last use."""
    idle = select(Token.digest).where(Token.last_used_at <= now - TOKEN_IDLE).limit(limit)
    digests = session.scalars(idle.with_for_update(skip_locked=True)).all()
    gone = Token.digest.in_(digests)
    last_use = select(func.max(Token.last_used_at)).where(Token.user_id == User.id, gone).scalar_subquery()
    session.execute(
        update(User)
        .where(User.id.in_(select(Token.user_id).where(gone)))
        .values(seen_at=func.greatest(User.seen_at, last_use))
        .execution_options(synchronize_session=False)
    )
    session.execute(delete(Token).where(gone).execution_options(synchronize_session=False))
    return len(digests)


def register_openid(session: Session, openid: str, *, now: datetime) -> User:
    """The person with this openid, made on first sight; two at once make one. Their row is locked.

    Who is being forgotten at this moment is waited for: then the openid is nobody's, and a new person is made.
    """
    digests = runtime().cipher.digests(openid, purpose="user.openid")
    found = None
    if len(digests) > 1:
        # While a look-up key rotates, processes differ in which comes first, and the index cannot tell.
        session.execute(select(func.pg_advisory_xact_lock(int.from_bytes(min(digests)[:8], signed=True))))
        found = _locked(session, digests)
    while found is None:
        _make_person(session, openid, digests[0], now=now)
        found = _locked(session, digests)
    return found


def _locked(session: Session, digests: Sequence[bytes]) -> User | None:
    query = select(User).where(User.openid_digest.in_(digests)).with_for_update(key_share=True)
    return session.scalars(query).one_or_none()


def _make_person(session: Session, openid: str, digest: bytes, *, now: datetime) -> None:
    session.execute(
        insert(User)
        .values(
            id=new_id(),
            openid_digest=digest,
            openid_sealed=runtime().cipher.seal(openid, purpose="user.openid"),
            created_at=now,
        )
        .on_conflict_do_nothing(index_elements=["openid_digest"])
    )


def _open_session(openid: str, *, now: datetime) -> LoggedIn:
    token = new_token()
    with transaction() as session:
        user = register_openid(session, openid, now=now)
        user.seen_at = now
        session.add(Token(digest=digest_of(token), user_id=user.id, created_at=now, last_used_at=now))
        audit.record(session, user.id, "session.open", subject=f"user:{user.id}", at=now)
        return LoggedIn(token, profile_of(session, user, now=now))


def _exchange(code: str, *, now: datetime) -> LoggedIn:
    who = runtime().wechat.code_to_session(code)
    answer = _open_session(who.openid, now=now)
    sealed = runtime().cipher.seal(f"{answer.token} {now.timestamp()}", purpose="login.token")
    _ask_redis(lambda redis: redis.set(_key("login", code), sealed, ex=LOGIN_REPEAT_S))
    return answer


def _recall(code: str, *, now: datetime) -> LoggedIn | None:
    """What this code got within the last 60 s, while its token lives: not after a logout or an erasure."""
    sealed = _ask_redis(lambda redis: redis.get(_key("login", code)))
    if not isinstance(sealed, bytes):
        return None
    try:
        token, _, at = runtime().cipher.open(sealed, purpose="login.token").partition(" ")
    except SealError:  # a key that has just been taken out of the settings
        return None
    # Redis forgets by the machine's clock; a demo's, which may be ahead of it, decides. No time: of the release before.
    # A copy that waited for its turn may have begun before the one that was answered.
    if not -_TURN_S <= now.timestamp() - float(at or now.timestamp()) < LOGIN_REPEAT_S:
        return None
    bearer = bearer_of(token, now=now, today=local_day(now))
    return LoggedIn(token, read_me(bearer.actor, now=now)) if bearer else None


def _key(kind: str, code: str) -> str:
    return f"{kind}:{hashlib.sha256(code.encode()).hexdigest()}"


def _ask_redis(ask: Callable[["Redis"], Any]) -> Any:
    """What Redis says; None while it is away: then a repeat needs a new code."""
    try:
        return ask(runtime().redis)
    except RedisError:
        log.warning("login_repeat_not_kept")
        return None
