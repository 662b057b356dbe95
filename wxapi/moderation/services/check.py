"""Checks begin with what is handed in, are asked of WeChat in jobs, and end with a verdict or a person's decision.

Nothing waits for them, and nothing fails with them: what has no verdict is only not shown to other citizens.
"""

import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import structlog
from prometheus_client import Counter
from sqlalchemy import and_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from wxapi.identity.models import User
from wxapi.kernel.ids import new_id
from wxapi.moderation.models import Check, Trace
from wxapi.moderation.rules import checks, verdicts
from wxapi.moderation.rules.checks import CheckKind, CheckState
from wxapi.moderation.rules.verdicts import Verdict
from wxapi.photos.models import Photo, variant_key
from wxapi.photos.rules.photos import PhotoState
from wxapi.platform import outbox, sweeps
from wxapi.platform.db import db, transaction
from wxapi.platform.runtime import runtime
from wxapi.platform.wechat.codes import MEDIA_CHECK_PATH, TEXT_CHECK_PATH, ErrorClass
from wxapi.platform.wechat.errors import WeChatError

log = structlog.get_logger(__name__)
settled = Counter("wxapi_moderation_verdicts", "Checked things by kind and what came of it", ["kind", "state"])

SWEEP_BATCH = 200
_TEXT_LENGTH = 2500
_VERSION = 2
_SCENE_FORUM = 3
_PICTURE = 2
_VARIANT = "large"
_LONGEST_TRACE = 128
# How soon to look again for a picture the photo worker has not made yet.
_DEVELOPED_IN = timedelta(seconds=3)


def begin_text(session: Session, subject_id: uuid.UUID, author_id: uuid.UUID | None, *, now: datetime) -> None:
    """Have the text of a subject checked, in the caller's transaction. Harmless when repeated."""
    _begin(session, {"kind": CheckKind.TEXT.value, "subject_id": subject_id, "author_id": author_id}, now=now)


def begin_pictures(session: Session, subject_id: uuid.UUID, photos: Sequence[Photo], *, now: datetime) -> None:
    """Have pictures of a subject checked, in the caller's transaction. Harmless when repeated."""
    for photo in photos:
        values = {"kind": CheckKind.PICTURE.value, "subject_id": subject_id, "photo_id": photo.id}
        _begin(session, {**values, "author_id": photo.owner_id}, now=now)


def ask_about_text(check_id: uuid.UUID, text_of: Callable[[Session, uuid.UUID], str | None], *, now: datetime) -> None:
    """Have WeChat judge a text. Run twice it asks twice, and the first verdict stands.

    Args:
        check_id: the check.
        text_of: gives a subject's text, or None when it is gone.
        now: the time.
    """
    with transaction() as session:
        check = locked(session, check_id)
        if check is None or check.state != CheckState.WAITING:
            return
        text = text_of(session, check.subject_id)
        if text is None:
            return
        openid = _openid_of(session, check)
        if openid is None:
            _settle(check, Verdict(None))
            return
    verdict, error = _judge_text({**_common(openid), "content": text[:_TEXT_LENGTH]})
    with transaction() as session:
        check = locked(session, check_id)
        if check is None or check.state != CheckState.WAITING:
            return
        if error is not None:
            _after_failure(session, check, error, now=now)
        else:
            check.asks += 1
            _settle(check, verdict)


def ask_about_picture(check_id: uuid.UUID, *, now: datetime) -> None:
    """Hand a picture in, once it is developed. The verdict comes as a push. Harmless when run twice."""
    with transaction() as session:
        body = _claim_picture(session, check_id, now=now)
    if body is None:
        return
    trace_id, error = _hand_in(body)
    with transaction() as session:
        _conclude(session, check_id, trace_id, error, now=now)


def take_verdict(trace_id: str, verdict: Verdict, *, now: datetime) -> None:
    """Write down a pushed verdict; it may come before the asker has written that it asked. A repeat changes nothing."""
    with transaction() as session:
        values = {"suggest": verdict.suggest, "label": verdict.label, "errcode": verdict.errcode}
        statement = insert(Trace).values(trace_id=trace_id, at=now, **values)
        check_id = session.scalar(
            statement.on_conflict_do_update(
                index_elements=["trace_id"], set_=values, where=Trace.errcode.is_(None)
            ).returning(Trace.check_id)
        )
        check = locked(session, check_id) if check_id else None
        if check is not None:
            _judge_picture(session, check, verdict)


def chase_missing(*, now: datetime) -> int:
    """Ask once more about pictures without a verdict, then leave them to a person. Returns how many."""
    due = and_(Check.state == CheckState.ASKED.value, Check.asked_at < now - checks.VERDICT_WITHIN)
    ids = db.session().scalars(select(Check.id).where(due).order_by(Check.asked_at).limit(SWEEP_BATCH)).all()
    db.session().rollback()  # the read is over

    def ask_again(some: Sequence[uuid.UUID]) -> None:
        with transaction() as session:
            late = select(Check).where(Check.id.in_(some), due).with_for_update(skip_locked=True, key_share=True)
            for check in session.scalars(late).all():
                _again_or_manual(session, check)

    asked = sweeps.together("moderation.chase_missing", ids, ask_again)
    asked.raise_if_not_the_rows()
    return len(ids) if not asked.failed else 0


def locked(session: Session, check_id: uuid.UUID) -> Check | None:
    """The check, held until the transaction ends; None when its photo is gone."""
    return session.scalars(
        select(Check)
        .where(Check.id == check_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).one_or_none()


def _begin(session: Session, values: Mapping[str, Any], *, now: datetime) -> None:
    check = session.scalars(
        insert(Check)
        .values(id=new_id(), state=CheckState.WAITING.value, created_at=now, **values)
        .on_conflict_do_nothing()
        .returning(Check)
    ).one_or_none()
    if check is not None:
        _order(session, check)


def _order(session: Session, check: Check, *, not_before: datetime | None = None) -> None:
    if check.kind == CheckKind.TEXT:
        outbox.record(session, "moderation.text", not_before=not_before, check_id=str(check.id))
    else:
        outbox.record(session, "moderation.picture", not_before=not_before, check_id=str(check.id))


def _claim_picture(session: Session, check_id: uuid.UUID, *, now: datetime) -> dict[str, Any] | None:
    """What to send; None where there is nothing to send (yet)."""
    check = locked(session, check_id)
    if check is None or check.state != CheckState.WAITING or check.photo_id is None:
        return None
    photo = session.get(Photo, check.photo_id)
    if photo is None or photo.state == PhotoState.REJECTED:
        session.delete(check)  # never shown to anybody
        return None
    openid = _openid_of(session, check)
    age = now - check.created_at
    if openid is None or (photo.state == PhotoState.PENDING and age >= checks.TRIES_FOR):
        _settle(check, Verdict(None))
        return None
    if photo.state == PhotoState.PENDING:
        _order(session, check, not_before=now + _DEVELOPED_IN + age / 2)
        return None
    check.state, check.asked_at = CheckState.ASKED.value, now
    check.asks += 1
    log.info("picture_address_given", check_id=str(check.id), photo_id=str(photo.id))
    url = runtime().storage.signed_url(variant_key(photo.id, _VARIANT))
    return {**_common(openid), "media_url": url, "media_type": _PICTURE}


def _common(openid: str) -> dict[str, Any]:
    return {"version": _VERSION, "scene": _SCENE_FORUM, "openid": openid}


def _openid_of(session: Session, check: Check) -> str | None:
    author = session.get(User, check.author_id) if check.author_id else None
    if author is None or author.openid_sealed is None:
        return None
    return runtime().cipher.open(author.openid_sealed, purpose="user.openid")


def _judge_text(body: Mapping[str, Any]) -> tuple[Verdict, WeChatError | None]:
    """WeChat's word on a text, or why it has none."""
    try:
        return verdicts.verdict_of(runtime().wechat.call(TEXT_CHECK_PATH, body)), None
    except WeChatError as error:
        return Verdict(None), error


def _hand_in(body: Mapping[str, Any]) -> tuple[str | None, WeChatError | None]:
    """WeChat's name for the asking, or why it was not taken."""
    try:
        trace_id = runtime().wechat.call(MEDIA_CHECK_PATH, body).get("trace_id")
    except WeChatError as error:
        return None, error
    if isinstance(trace_id, str) and 0 < len(trace_id) <= _LONGEST_TRACE:
        return trace_id, None
    return None, WeChatError(MEDIA_CHECK_PATH, ErrorClass.BUSY, maybe_done=True)


def _conclude(
    session: Session, check_id: uuid.UUID, trace_id: str | None, error: WeChatError | None, *, now: datetime
) -> None:
    # The trace before the check, as in `take_verdict`: two that lock in the same order do not deadlock.
    verdict = _note_trace(session, check_id, trace_id, now=now) if trace_id else None
    check = locked(session, check_id)
    if check is None or check.state != CheckState.ASKED:
        return
    if error is not None:
        check.asks -= 1
        _after_failure(session, check, error, now=now)
    elif verdict is not None:
        _judge_picture(session, check, verdict)


def _note_trace(session: Session, check_id: uuid.UUID, trace_id: str, *, now: datetime) -> Verdict | None:
    """Tie WeChat's name to the check; the one row makes asker and push see one another, whoever is first."""
    trace = session.execute(
        insert(Trace)
        .values(trace_id=trace_id, at=now, check_id=check_id)
        .on_conflict_do_update(index_elements=["trace_id"], set_={"check_id": check_id})
        .returning(Trace.suggest, Trace.label, Trace.errcode)
    ).one()
    return None if trace.errcode is None else Verdict(trace.suggest, trace.label, trace.errcode)


def _judge_picture(session: Session, check: Check, verdict: Verdict) -> None:
    if check.state not in checks.UNDECIDED or check.decided_at is not None:
        return
    if verdicts.asks_again(verdict, check.asks):
        check.state, check.errcode = CheckState.WAITING.value, verdict.errcode
        _order(session, check)
    else:
        _settle(check, verdict)


def _again_or_manual(session: Session, check: Check) -> None:
    if check.asks < checks.MOST_ASKS:
        check.state = CheckState.WAITING.value
        _order(session, check)
    else:
        _settle(check, Verdict(None))


def _after_failure(session: Session, check: Check, error: WeChatError, *, now: datetime) -> None:
    wait = verdicts.retry_in(error, tries=check.failures, age=now - check.created_at)
    check.failures, check.errcode = check.failures + 1, error.errcode
    if wait is None:
        check.state = verdicts.state_after(error).value
        settled.labels(check.kind, check.state).inc()
    else:
        check.state = CheckState.WAITING.value
        _order(session, check, not_before=now + wait)


def _settle(check: Check, verdict: Verdict) -> None:
    check.state = verdict.state.value
    check.label = verdict.label
    check.errcode = verdict.errcode or check.errcode
    settled.labels(check.kind, check.state).inc()
