"""Signing a browser in by phone: the screen shows a code and a number, the phone names the number.

A number that the person has to find among three ties the phone in their hand to the screen before their eyes: a code
sent to them by somebody else comes without it.
"""

import secrets
import uuid
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from wxapi.identity.models import WebLogin
from wxapi.identity.queries import digest_of
from wxapi.identity.rules import WEB_LOGIN_LIFE, WebLoginState
from wxapi.identity.services.web_sessions import Device, open_session
from wxapi.kernel.actor import Actor
from wxapi.kernel.errors import GoneError, InvalidError, not_found
from wxapi.kernel.ids import new_token
from wxapi.platform import audit
from wxapi.platform.db import db, delete_some, transaction

_LOWEST, _HIGHEST = 10, 99
_OFFERED = 3


@dataclass(frozen=True, slots=True)
class LoginAttempt:
    """A login attempt as its browser sees it. `number` stands on the screen; `next_path` is where the browser goes."""

    id: str
    number: int
    next_path: str
    state: WebLoginState
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class LoginQuestion:
    """A login attempt as the phone sees it: who asks from where, since when, and three numbers to choose from."""

    device: Device
    at: datetime
    numbers: tuple[int, ...]
    # Not a login: a signed-in person is asked again, before they change who holds which office.
    is_confirmation: bool = False


@dataclass(frozen=True, slots=True)
class LoginAnswer:
    """What the browser learns when it asks. `token` is there once, with GRANTED: its new session."""

    state: WebLoginState
    next_path: str | None = None
    token: str | None = None


def begin(device: Device, next_path: str, *, asks: uuid.UUID | None = None, now: datetime) -> tuple[LoginAttempt, str]:
    """Make an attempt; returns it with the secret that binds it to its browser.

    Args:
        device: what is known of the browser.
        next_path: where it goes then.
        asks: the person who is signed in there already, whose phone alone may confirm; None to sign somebody in.
        now: the time.
    """
    secret = new_token()
    numbers = secrets.SystemRandom().sample(range(_LOWEST, _HIGHEST + 1), _OFFERED)
    row = WebLogin(
        id=secrets.token_urlsafe(16),
        browser_digest=digest_of(secret),
        number=secrets.choice(numbers),
        numbers=numbers,
        next_path=next_path,
        browser=device.browser,
        place=device.place,
        state=WebLoginState.WAITING.value,
        asks_user_id=asks,
        created_at=now,
    )
    with transaction() as session:
        session.add(row)
    return _attempt(row, now=now), secret


def attempt_of(secret: str, *, now: datetime) -> LoginAttempt | None:
    """The attempt that is bound to a browser."""
    row = db.session.scalars(select(WebLogin).where(WebLogin.browser_digest == digest_of(secret))).one_or_none()
    return _attempt(row, now=now) if row else None


def is_there(login_id: str) -> bool:
    """Whether an attempt has this id; one that is over is there until it is forgotten."""
    return db.session.get(WebLogin, login_id) is not None


def ask(secret: str | None, *, now: datetime) -> LoginAnswer:
    """What became of this browser's attempt. Of a granted one the session is opened, and the attempt is over."""
    with transaction() as session:
        row = bound(session, secret)
        if row is None or row.asks_user_id is not None:
            return LoginAnswer(WebLoginState.ENDED)
        if row.user_id is None or state_of(row, now=now) is not WebLoginState.GRANTED:
            return LoginAnswer(state_of(row, now=now))
        row.state = WebLoginState.ENDED.value
        token = open_session(session, row.user_id, Device(row.browser, row.place), now=now)
        return LoginAnswer(WebLoginState.GRANTED, row.next_path, token)


def read(actor: Actor, login_id: str, *, now: datetime) -> LoginQuestion:
    """What the phone shows of an attempt before its person says yes.

    Raises:
        NotFoundError: no such attempt, or it asks somebody else.
        GoneError: `login_ended`.
    """
    row = _require_waiting(db.session.get(WebLogin, login_id), actor, now=now)
    return LoginQuestion(
        Device(row.browser, row.place), row.created_at, tuple(row.numbers), row.asks_user_id is not None
    )


def confirm(actor: Actor, login_id: str, number: int, *, now: datetime) -> None:
    """Let the browser in as this person.

    Raises:
        NotFoundError: no such attempt.
        GoneError: `login_ended`.
        InvalidError: `number_wrong`; the attempt is over.
    """
    with transaction() as session:
        row = _locked(session, actor, login_id, now=now)
        is_right = row.number == number
        row.state = (WebLoginState.GRANTED if is_right else WebLoginState.ENDED).value
        row.user_id = actor.user_id if is_right else None
        _note(session, actor, "confirm" if is_right else "wrong_number", now=now)
    if not is_right:
        raise InvalidError("number_wrong", "选择的数字与电脑屏幕上的不一致，本次登录已取消，请在电脑上重新开始。")


def refuse(actor: Actor, login_id: str, *, now: datetime) -> None:
    """Say that it was not oneself.

    Raises:
        NotFoundError: no such attempt.
        GoneError: `login_ended`.
    """
    with transaction() as session:
        _locked(session, actor, login_id, now=now).state = WebLoginState.ENDED.value
        _note(session, actor, "refuse", now=now)


def forget_ended(session: Session, now: datetime, limit: int) -> int:
    """Delete attempts whose time is long over, at most so many; returns how many."""
    return delete_some(session, WebLogin, WebLogin.created_at < now - 10 * WEB_LOGIN_LIFE, limit=limit)


def bound(session: Session, secret: str | None) -> WebLogin | None:
    """The attempt that is bound to a browser, locked; None where there is none."""
    if secret is None:
        return None
    query = select(WebLogin).where(WebLogin.browser_digest == digest_of(secret)).with_for_update()
    return session.scalars(query).one_or_none()


def state_of(row: WebLogin, *, now: datetime) -> WebLoginState:
    """Where an attempt stands: after its time it is over."""
    return WebLoginState(row.state) if now < row.created_at + WEB_LOGIN_LIFE else WebLoginState.ENDED


def _locked(session: Session, actor: Actor, login_id: str, *, now: datetime) -> WebLogin:
    row = session.scalars(select(WebLogin).where(WebLogin.id == login_id).with_for_update()).one_or_none()
    return _require_waiting(row, actor, now=now)


def _require_waiting(row: WebLogin | None, actor: Actor, *, now: datetime) -> WebLogin:
    if row is None or row.asks_user_id not in {None, actor.user_id}:
        raise not_found()
    if state_of(row, now=now) is not WebLoginState.WAITING:
        raise GoneError("login_ended", "本次登录已结束或已过期，请在电脑上刷新后重新扫码。")
    return row


def _attempt(row: WebLogin, *, now: datetime) -> LoginAttempt:
    expires_at = row.created_at + WEB_LOGIN_LIFE
    return LoginAttempt(row.id, row.number, row.next_path, state_of(row, now=now), expires_at)


def _note(session: Session, actor: Actor, what: str, *, now: datetime) -> None:
    # Not the attempt's id: it may still be good for something.
    audit.record(session, actor.user_id, f"web_login.{what}", subject=f"user:{actor.user_id}", at=now)
