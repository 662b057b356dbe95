"""Sessions in the work inbox: how they are named, what may be done, and which of one's own are near."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from wxapi.duties.services.work import MyItem, SubjectFace, SubjectKind
from wxapi.kernel.actor import Actor
from wxapi.kernel.permissions import ROLES_OF
from wxapi.training.models import TrainingSession
from wxapi.training.queries import sessions as queries
from wxapi.training.queries.managed import ORGANISE
from wxapi.training.rules.owed import STAGE_NAMES
from wxapi.training.rules.words import ASK_LEAVE, DECIDE_FLAGS, DECIDE_LEAVE, SIGN_IN, WITHDRAW
from wxapi.training.services.owing import SUBJECT
from wxapi.training.services.session_cache import window_of

_NEAR = timedelta(days=7)
_AT_MOST = 100
_DECIDE, _COME, _STAY_AWAY = (DECIDE_FLAGS, DECIDE_LEAVE), (SIGN_IN,), (WITHDRAW, ASK_LEAVE)


def faces(session: Session, actor: Actor, ids: Collection[UUID], _now: datetime) -> Mapping[UUID, SubjectFace]:
    """Sessions by id; who organises in the region decides."""
    found = queries.visible_among(session, actor, ids)
    return {row.id: SubjectFace(row.title, _do(row, actor)) for row in found}


def mine(session: Session, actor: Actor, now: datetime) -> Sequence[MyItem]:
    """Sessions of the next 7 days that a person is enrolled in and has not come to yet."""
    near = queries.near_of(session, actor.user_id, now=now, until=now + _NEAR, limit=_AT_MOST)
    return [MyItem(SUBJECT, row.id, row.title, _own(row, now), row.starts_at) for row in near]


def _do(row: TrainingSession, actor: Actor) -> tuple[str, ...]:
    return _DECIDE if actor.covers(row.region_code, ROLES_OF[ORGANISE]) else ()


def _own(row: TrainingSession, now: datetime) -> tuple[str, ...]:
    return _COME if now >= window_of(row).opens_at else _STAY_AWAY


KIND = SubjectKind(
    SUBJECT,
    "培训",
    faces,
    mine,
    queries.lock_all,
    STAGE_NAMES,
    message_subject="session",
    actions=(*_DECIDE, *_COME, *_STAY_AWAY),
    roles=ROLES_OF[ORGANISE],
)
