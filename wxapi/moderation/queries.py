"""Reads of checks."""

import uuid
from collections.abc import Sequence

from sqlalchemy import ColumnElement, exists, select
from sqlalchemy.orm import Session

from wxapi.moderation.models import Check
from wxapi.moderation.rules.checks import CheckKind, CheckState

_checks = Check.__table__.c


def text_passed(subject_id: ColumnElement[uuid.UUID]) -> ColumnElement[bool]:
    """The condition under which a subject's text is shown to other citizens."""
    return exists().where(
        _checks.subject_id == subject_id, _checks.kind == CheckKind.TEXT.value, _checks.state == CheckState.PASS.value
    )


def picture_passed(photo_id: ColumnElement[uuid.UUID]) -> ColumnElement[bool]:
    """The condition under which a picture is shown to other citizens."""
    return exists().where(_checks.photo_id == photo_id, _checks.state == CheckState.PASS.value)


def checks_of(session: Session, subject_id: uuid.UUID) -> Sequence[Check]:
    """All checks of a subject; none where it was never to be sent out."""
    return session.scalars(
        select(Check).where(Check.subject_id == subject_id).order_by(Check.created_at, Check.id)
    ).all()
