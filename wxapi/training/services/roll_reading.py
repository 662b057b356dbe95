"""Reading the roll: by pages, and one person's line with its history."""

import uuid
from collections.abc import Sequence

from sqlalchemy.orm import Session

from wxapi.kernel.actor import Actor
from wxapi.kernel.errors import ForbiddenError, InvalidError, not_found
from wxapi.kernel.paging import Page
from wxapi.kernel.permissions import ROLES_OF
from wxapi.platform.db import db
from wxapi.training.models import Attendance
from wxapi.training.queries import roll as queries
from wxapi.training.queries.managed import ORGANISE, STEWARD, managed
from wxapi.training.queries.roll import RollFilter, RollRow

_SEARCH_MIN = 2


def read_roll(
    actor: Actor, session_id: uuid.UUID, wanted: RollFilter, *, limit: int, cursor: str | None
) -> Page[tuple[Attendance, str]]:
    """A page of the roll; only the organiser may search it by name.

    Raises:
        NotFoundError: outside the scope.
        ForbiddenError: `role_not_allowed`, a steward searches.
        InvalidError: `query_too_short`.
    """
    session = db.session()
    row = managed(session, actor, session_id, STEWARD)
    if wanted.q is not None:
        if not actor.covers(row.region_code, ROLES_OF[ORGANISE]):
            raise ForbiddenError("role_not_allowed", "只有组织者可以按姓名检索考勤表。")
        if len(wanted.q) < _SEARCH_MIN:
            raise InvalidError("query_too_short", "检索词至少两个字。", fields={"q": ["至少两个字。"]})
    return queries.roll_page(session, session_id, wanted, limit=limit, cursor=cursor)


def read_rows(
    actor: Actor, session_id: uuid.UUID, user_ids: Sequence[uuid.UUID]
) -> dict[uuid.UUID, tuple[Attendance, str]]:
    """The rows and names of those of some people who are on the roll, in the order given; one statement for all.

    Raises:
        NotFoundError: outside the scope.
    """
    session = db.session()
    managed(session, actor, session_id, ORGANISE)
    found = {row[0].user_id: (row[0], row[1]) for row in queries.rows_of(session, session_id, user_ids)}
    return {user_id: found[user_id] for user_id in user_ids if user_id in found}


def read_row(actor: Actor, session_id: uuid.UUID, user_id: uuid.UUID) -> RollRow:
    """One person's row with its history.

    Raises:
        NotFoundError: outside the scope, or not on the roll.
    """
    session = db.session()
    managed(session, actor, session_id, ORGANISE)
    return roll_row(session, session_id, user_id)


def roll_row(session: Session, session_id: uuid.UUID, user_id: uuid.UUID) -> RollRow:
    """One person's line within an open transaction.

    Raises:
        NotFoundError: not on the roll.
    """
    session.flush()
    found = queries.row_of(session, session_id, user_id)
    if found is None:
        raise not_found()
    return RollRow(found[0], found[1], queries.history(session, session_id, user_id))
