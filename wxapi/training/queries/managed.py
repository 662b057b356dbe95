"""Finding a session within the actor's scope, or saying that there is none."""

import uuid
from collections.abc import Callable, Collection

from sqlalchemy.orm import Session

from wxapi.kernel.actor import Actor
from wxapi.kernel.errors import not_found
from wxapi.kernel.permissions import ROLES_OF, Permission
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


def managed_for_roll(
    session: Session,
    actor: Actor,
    session_id: uuid.UUID,
    user_ids: Collection[uuid.UUID] | None,
    *,
    rests_on: Callable[[], uuid.UUID | None] = lambda: None,
) -> TrainingSession:
    """An organiser's session, locked with those whose make-ups rest on it: see `queries.sessions.lock_with_make_ups`.

    Raises:
        NotFoundError: not there or outside the scope.
    """
    managed(session, actor, session_id, ORGANISE)
    row = queries.lock_with_make_ups(session, session_id, user_ids, rests_on=rests_on)
    if row is None or not actor.covers(row.region_code, ROLES_OF[ORGANISE]):
        raise not_found()
    return row
