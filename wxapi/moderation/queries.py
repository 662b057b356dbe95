"""Reads of checks."""

import uuid

from sqlalchemy import ColumnElement, exists

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


# All checks of a subject, oldest first, each as its id, kind, photo's id and state; NULL where it was never to be sent
# out. A part of the statement that finds the subject.
CHECKS_AS_JSON = (
    "SELECT json_agg(json_build_array(id, kind, photo_id, state) ORDER BY created_at, id)"
    " FROM moderation_checks WHERE subject_id = {subject}"
)
