"""How long people, their tokens and the answers to their requests are kept."""

import uuid
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, String, and_, cast, func, or_, select, update
from sqlalchemy.orm import Session

from wxapi.identity.models import AppointmentRow, PeopleImport, RosterEntry, Token, User, WebSession
from wxapi.identity.queries import lasting
from wxapi.identity.rules import IMPORT_FILE_KEPT, TOKEN_IDLE, WEB_IDLE, ImportState
from wxapi.identity.services.erasure import begin_erasure
from wxapi.kernel.clock import local_day
from wxapi.platform.db import transaction
from wxapi.platform.outbox import OutboxRow
from wxapi.platform.retention import RetentionCategory, deleting, older
from wxapi.platform.runtime import runtime


def _due(before: datetime) -> ColumnElement[bool]:
    """Whom to erase: the idle, and the erased whose row is not clean; not those whose erasure waits for its job."""
    leaving = select(OutboxRow.id).where(
        OutboxRow.topic == "user.erase",
        ~OutboxRow.dead,
        OutboxRow.payload["user_id"].astext == cast(User.id, String),
    )
    return and_(or_(_idle(before), _dirty()), ~leaving.exists())


def _dirty() -> ColumnElement[bool]:
    """Erased, but something of theirs is left, or the job that cleans never ended."""
    held = (User.openid_digest, User.openid_sealed, User.phone_digest, User.phone_sealed, User.kind, User.consent_at)
    return and_(
        User.erased_at.is_not(None),
        or_(
            User.cleaned_at.is_(None),
            User.nickname != "",
            *(column.is_not(None) for column in held),
            select(Token.digest).where(Token.user_id == User.id).exists(),
        ),
    )


def _idle(before: datetime) -> ColumnElement[bool]:
    """People without office and token who have not logged in since."""
    in_office = select(AppointmentRow.id).where(AppointmentRow.user_id == User.id, lasting(local_day(before)))
    return and_(
        User.erased_at.is_(None),
        func.coalesce(User.seen_at, User.created_at) < before,
        ~in_office.exists(),
        ~select(Token.digest).where(Token.user_id == User.id).exists(),
    )


def _erase(session: Session, user_ids: Sequence[uuid.UUID]) -> None:
    """Have people erased as if they had asked for it: each by a job of its own."""
    for user_id in user_ids:
        begin_erasure(session, user_id, now=runtime().clock.now())


def _files_kept(before: datetime) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return PeopleImport.content_sealed.is_not(None), PeopleImport.created_at < before


def forget_files(*, now: datetime) -> int:
    """Forget the files of lists that were sent a day ago; a list that was only checked can no longer be imported."""
    with transaction() as session:
        gone = session.execute(
            update(PeopleImport)
            .where(*_files_kept(now - IMPORT_FILE_KEPT))
            .values(content_sealed=None, state=ImportState.EXPIRED)
            .execution_options(synchronize_session=False)
        )
        return int(gone.rowcount)  # type: ignore[attr-defined]  # an UPDATE gives a CursorResult


RETENTION = (
    RetentionCategory(
        "people",
        "people who have not logged in: openid, phone, nickname, the link from their reports to them",
        "so that a person finds their reports and hours again",
        lambda before: select(User.id).where(_due(before)),
        _erase,
        days=730,
        least=30,
    ),
    RetentionCategory(
        "people_list",
        "people a city's list named who never came: name, post, phone",
        "so that they are appointed when they log in",
        older(RosterEntry, RosterEntry.created_at, RosterEntry.user_id.is_(None)),
        deleting(RosterEntry),
        days=365,
        least=30,
    ),
    RetentionCategory(
        "people_imports",
        "lists of people that were sent: who, when, how many, faults by row",
        "so that an administrator sees what became of a list",
        older(PeopleImport, PeopleImport.created_at),
        deleting(PeopleImport),
        days=90,
        least=2,
    ),
    RetentionCategory(
        "people_import_files",
        "the files of these lists, sealed; gone as soon as they are written or refused",
        "so that a list that was checked is imported without being sent again",
        lambda before: select(PeopleImport.id).where(*_files_kept(before)),
        fixed=IMPORT_FILE_KEPT,
    ),
    RetentionCategory(
        "tokens",
        "logins nobody used",
        "so that a phone stays logged in",
        older(Token, Token.last_used_at),
        fixed=TOKEN_IDLE,
    ),
    RetentionCategory(
        "web_sessions",
        "signed-in browsers nobody used, and login attempts",
        "so that a browser stays signed in for a working day",
        older(WebSession, WebSession.last_used_at),
        fixed=WEB_IDLE,
    ),
)
