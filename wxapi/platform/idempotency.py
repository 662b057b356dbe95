"""Repeats are harmless: the first answer to an `Idempotency-Key` is kept with the effect and given again.

One row per person and key is inserted before the view runs and filled with the answer before the commit, all in one
transaction (`deferred_commit`). PostgreSQL makes the same key wait at the unique index until the first is done, so N
at once run once. A refusal stores nothing: a repeat is judged anew.
"""

import re
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from functools import wraps
from typing import Any, TypeVar

from flask import Flask, Request, Response
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from wxapi.kernel.errors import DomainError, MalformedError
from wxapi.kernel.permissions import Permission
from wxapi.platform.db import deferred_commit, delete_some, fetch, transaction, write_later
from wxapi.platform.driver import SurpriseError
from wxapi.platform.front import KEY
from wxapi.platform.guard import current_actor, key_is_new, permission_of
from wxapi.platform.kept_answers import IdempotencyRow, fingerprint_of_request, kept_form, replay
from wxapi.platform.present import this_app, this_request
from wxapi.platform.runtime import runtime
from wxapi.platform.turns import turn

KEPT = timedelta(hours=48)
HEADER = "Idempotency-Key"
_FORM = re.compile(r"[A-Za-z0-9_-]{1,64}")
_REQUIRED = "__idempotency_required__"
_NEVER_KEPT = "__idempotency_never_kept__"
_ASKS_ITSELF = "__idempotency_asks_itself__"
_KEPT_WHILE = "__idempotency_kept_while__"
_WITH_THE_WRITE = "__idempotency_with_the_write__"

# Longer than WeChat is waited for in most cases; whoever waits longer asks, too.
_TURN_LEASE_S, _TURN_WAIT_S = 30.0, 15.0

ViewT = TypeVar("ViewT", bound=Callable[..., Any])
_Asked = TypeVar("_Asked")


def required(view: ViewT) -> ViewT:
    """Refuse a call of this view without the header."""
    setattr(view, _REQUIRED, True)
    return view


def is_required(view: Callable[..., Any]) -> bool:
    """Whether a call of this view needs the header."""
    return bool(getattr(view, _REQUIRED, False))


def never_kept(view: ViewT) -> ViewT:
    """Run this view again at every call: its answer must not be kept, as it reads under rights that may end."""
    setattr(view, _NEVER_KEPT, True)
    return view


def is_never_kept(view: Callable[..., Any]) -> bool:
    """Whether every call of this view runs again."""
    return bool(getattr(view, _NEVER_KEPT, False))


def asks_itself(view: ViewT) -> ViewT:
    """This view calls `once` itself, after what must not be done in a transaction."""
    setattr(view, _ASKS_ITSELF, True)
    return view


def once(answer: Callable[[], Response]) -> Response:
    """For a view that `asks_itself`: the kept answer to the request's key, or `answer()` in one transaction with it.

    Args:
        answer: does nothing but one `at_once()`, and may be called twice.
    """
    key = this_request().environ.get(KEY)
    return answer() if key is None else _at_once_or_once(key, answer, lambda: True)


def once_after(ask: Callable[[], _Asked], answer: Callable[[_Asked], Response]) -> Response:
    """For a view that `asks_itself` and must ask somebody else, who may be slow and takes no question twice.

    Copies of one request go one after another, without a transaction: the first asks, and the others get its answer.

    Args:
        ask: outside any transaction.
        answer: makes the answer of what was asked, in one transaction with the key.
    """
    key = this_request().environ.get(KEY)
    if key is None:
        return answer(ask())
    name = f"repeat:{current_actor().user_id}:{key}"
    with turn(runtime().redis, name, lease_s=_TURN_LEASE_S, wait_s=_TURN_WAIT_S):
        kept = _kept(key)
        if kept is not None:
            return kept
        try:
            asked = ask()
        except DomainError:
            # Without Redis, or after a wait that was too long, a copy may have been quicker.
            kept = _kept(key)
            if kept is not None:
                return kept
            raise
        return _once(key, lambda: answer(asked), lambda: True)


def _kept(key: str) -> Response | None:
    """The answer kept for a key of the signed-in person; None where there is none yet."""
    with transaction() as session:
        fresh = IdempotencyRow.created_at >= runtime().clock.now() - KEPT
        query = select(IdempotencyRow).where(*_this(current_actor().user_id, key), fresh)
        row = session.scalars(query).one_or_none()
    return None if row is None else replay(row, fingerprint_of_request(), lambda: True)


def with_the_write(view: ViewT) -> ViewT:
    """This view does nothing but one `at_once()`: a new key and the answer go into its statement, too."""
    setattr(view, _WITH_THE_WRITE, True)
    return view


def kept_while(may_see: Callable[..., object]) -> Callable[[ViewT], ViewT]:
    """Give the first answer again only while the person may still see what it tells of.

    Args:
        may_see: takes the arguments of the view's URL; raises a `DomainError` when they may not.
    """

    def mark(view: ViewT) -> ViewT:
        setattr(view, _KEPT_WHILE, may_see)
        return view

    return mark


def install(app: Flask) -> None:
    """Make every POST of a signed-in person honour the header. Call after all routes are there."""
    for rule in app.url_map.iter_rules():
        view = app.view_functions[rule.endpoint]
        if "POST" in (rule.methods or ()) and permission_of(view) is not Permission.PUBLIC:
            app.view_functions[rule.endpoint] = _replayable(view)


def forget_expired(session: Session, now: datetime, limit: int) -> int:
    """Delete keys that are older than 48 hours, at most so many; returns how many."""
    return delete_some(session, IdempotencyRow, IdempotencyRow.created_at < now - KEPT, limit=limit)


def drop_answers(session: Session, user_id: Any) -> None:
    """Keep a person's keys, so that nothing is done twice, but not the answers: what they may see has changed."""
    session.execute(
        update(IdempotencyRow)
        .where(IdempotencyRow.user_id == user_id)
        .values(body=None)
        .execution_options(synchronize_session=False)
    )


def _replayable(view: Callable[..., Any]) -> Callable[..., Any]:
    needs_key, is_left_alone = is_required(view), is_never_kept(view) or getattr(view, _ASKS_ITSELF, False)
    usual = _at_once_or_once if getattr(view, _WITH_THE_WRITE, False) else _once

    @wraps(view)
    def run(*args: Any, **kwargs: Any) -> Any:
        asked = this_request()
        key = _key_of(asked, needs_key=needs_key) if asked.method == "POST" else None
        if key is None or is_left_alone:
            return view(*args, **kwargs)

        def answer() -> Response:
            return this_app().make_response(view(*args, **kwargs))

        return usual(key, answer, lambda: _may_still_see(view, args, kwargs))

    return run


def _key_of(asked: Request, *, needs_key: bool) -> str | None:
    key = asked.environ.get(KEY)
    if key is None and needs_key:
        raise MalformedError("idempotency_key_required", "请求缺少 Idempotency-Key。")
    if key is not None and not _FORM.fullmatch(key):
        raise MalformedError("idempotency_key_invalid", "Idempotency-Key 只能是 1–64 位字母、数字、_ 或 -。")
    return key


def _may_still_see(view: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    may_see = getattr(view, _KEPT_WHILE, None)
    if may_see is None:
        return True
    try:
        may_see(*args, **kwargs)
    except DomainError:
        return False
    return True


def _at_once_or_once(key: str, answer: Callable[[], Response], may_still_see: Callable[[], bool]) -> Response:
    if key_is_new():
        with suppress(SurpriseError, DomainError):  # what is unusual or refused is judged below, the key first
            return _with_the_write(key, answer)
    return _once(key, answer, may_still_see)


def _with_the_write(key: str, answer: Callable[[], Response]) -> Response:
    """The usual case, in one statement with what the view writes.

    Raises:
        SurpriseError: the key was used just now, or something else is unusual; nothing was written.
    """
    with deferred_commit(careful=False) as unit:
        response = answer()
        if response.status_code >= 400:
            raise SurpriseError
        claim = _claim_values(current_actor().user_id, key, fingerprint_of_request())
        write_later(unit.session, _CLAIM_WITH_ANSWER, claim | kept_form(response), rows=1, first=True)
    return response


def _once(key: str, answer: Callable[[], Response], may_still_see: Callable[[], bool]) -> Response:
    user_id = current_actor().user_id
    fingerprint = fingerprint_of_request()
    with deferred_commit() as unit:
        kept = _claim(unit.session, user_id, key, fingerprint)
        if kept is not None:
            return replay(kept, fingerprint, may_still_see)
        try:
            response = answer()
        except DomainError:
            if unit.completed:  # a refusal that is itself on record: keep that, not the key
                _forget(unit.session, user_id, key)
                unit.commit()
            raise
        if response.status_code >= 400:
            _forget(unit.session, user_id, key)
        else:
            _keep(unit.session, user_id, key, response)
    return response


# Two of them run in every POST: for the driver as they are. An expired key is as good as none.
_CLAIM = """
INSERT INTO idempotency_keys AS kept (user_id, key, fingerprint, created_at)
VALUES (%(user_id)s, %(key)s, %(fingerprint)s, %(now)s)
ON CONFLICT (user_id, key) DO UPDATE
SET fingerprint = excluded.fingerprint, created_at = excluded.created_at, status = NULL, body = NULL
WHERE kept.created_at < CAST(%(expired)s AS timestamptz)
RETURNING 1
"""
_CLAIM_WITH_ANSWER = """
INSERT INTO idempotency_keys AS kept (user_id, key, fingerprint, created_at, status, content_type, body)
VALUES (%(user_id)s, %(key)s, %(fingerprint)s, %(now)s, %(status)s, %(content_type)s, %(body)s)
ON CONFLICT (user_id, key) DO UPDATE
SET fingerprint = excluded.fingerprint, created_at = excluded.created_at, status = excluded.status,
    content_type = excluded.content_type, body = excluded.body
WHERE kept.created_at < CAST(%(expired)s AS timestamptz)
RETURNING 1
"""
_KEEP = """
UPDATE idempotency_keys SET status = %(status)s, content_type = %(content_type)s, body = %(body)s
WHERE user_id = %(user_id)s AND key = %(key)s
RETURNING 1
"""


def _claim(session: Session, user_id: Any, key: str, fingerprint: bytes) -> IdempotencyRow | None:
    """Take the key, waiting for another request that holds it; returns the row that was there first, if any."""
    if fetch(session, _CLAIM, _claim_values(user_id, key, fingerprint)):
        return None
    return session.scalars(select(IdempotencyRow).where(*_this(user_id, key))).one()


def _claim_values(user_id: Any, key: str, fingerprint: bytes) -> dict[str, Any]:
    now = runtime().clock.now()
    return {"user_id": user_id, "key": key, "fingerprint": fingerprint, "now": now, "expired": now - KEPT}


def _keep(session: Session, user_id: Any, key: str, response: Response) -> None:
    # Whoever ends the transaction under the view undoes the key with it: then nothing of it all is written.
    write_later(session, _KEEP, {"user_id": user_id, "key": key, **kept_form(response)}, rows=1)


def _forget(session: Session, user_id: Any, key: str) -> None:
    session.execute(delete(IdempotencyRow).where(*_this(user_id, key)).execution_options(synchronize_session=False))


def _this(user_id: Any, key: str) -> tuple[Any, Any]:
    return IdempotencyRow.user_id == user_id, IdempotencyRow.key == key
