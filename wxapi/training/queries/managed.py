"""Finding a session within the actor's scope, or saying that there is none."""

import uuid

from sqlalchemy.orm import Session

from wxapi.kernel.actor import Actor
from wxapi.kernel.errors import not_found
from wxapi.kernel.permissions import Permission
from wxapi.training.models import TrainingSession
from wxapi.training.queries import sessions as queries

ORGANISE = Permission.TRAINING_ORGANISE
STEWARD = Permission.TRAINING_STEWARD


def managed(session: Session, actor: Actor, session_id: uuid.UUID, permission: Permission) -> TrainingSession:
    """The session, when the actor holds the permission for its region.

    Raises:
        NotFoundError: not there or outside the scope.
    """
    row = queries.managed_session(session, actor, session_id, permission)
    if row is None:
        raise not_found()
    return row


def managed_locked(session: Session, actor: Actor, session_id: uuid.UUID, permission: Permission) -> TrainingSession:
    """The same, locked until the transaction ends.

    Raises:
        NotFoundError: not there or outside the scope.
    """
    row = queries.managed_session_locked(session, actor, session_id, permission)
    if row is None:
        raise not_found()
    return row
