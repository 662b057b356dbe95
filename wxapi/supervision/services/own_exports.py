"""A person's exports as they see them: a file is theirs for as long as they hold the offices it was made for."""

import uuid
from dataclasses import dataclass, fields, replace
from datetime import datetime

from sqlalchemy import Date, Select, cast, exists, func, or_, select, tuple_

from wxapi.identity.models import AppointmentRow
from wxapi.identity.queries import in_force
from wxapi.kernel.actor import Actor
from wxapi.kernel.clock import local_day
from wxapi.kernel.errors import not_found
from wxapi.kernel.paging import Page, decode_cursor, page_of
from wxapi.kernel.permissions import ROLES_OF, Permission
from wxapi.platform.db import db
from wxapi.supervision.models import Export
from wxapi.supervision.rules.export_states import ExportState


@dataclass(frozen=True, slots=True)
class OwnExport:
    """An export as its person sees it. One whose file holds what they may not read any more is over."""

    id: uuid.UUID
    kind: str
    format: str
    state: str
    code: str | None
    done: int
    total: int | None
    row_count: int | None
    bytes: int | None
    sha256: str | None
    file_key: str | None
    created_at: datetime
    expires_at: datetime | None


def list_exports(actor: Actor, *, now: datetime, limit: int, cursor: str | None = None) -> Page[OwnExport]:
    """One page of the person's own, newest first."""
    place = (Export.created_at, Export.id)
    found = _own(actor, now)
    if cursor is not None:
        found = found.where(tuple_(*place) < tuple_(*decode_cursor(cursor, datetime, uuid.UUID)))
    newest = found.order_by(*(column.desc() for column in place)).limit(limit + 1)
    seen = [_seen(row, lost=lost) for row, lost in db.session().execute(newest).all()]
    return page_of(seen, limit, lambda row: (row.created_at, row.id))


def read_export(actor: Actor, export_id: uuid.UUID, *, now: datetime) -> OwnExport:
    """One of the person's own.

    Raises:
        NotFoundError: not there, or somebody else's.
    """
    found = db.session().execute(_own(actor, now).where(Export.id == export_id)).one_or_none()
    if found is None:
        raise not_found()
    return _seen(found[0], lost=found[1])


def _own(actor: Actor, now: datetime) -> "Select[Export, bool]":
    """A person's exports, each with whether an office that they held when it was made has ended.

    The file may hold all that they could read then; by which office they read a line of it is not known.
    """
    office, today = AppointmentRow, local_day(now)
    asked_on = cast(func.timezone("Asia/Shanghai", Export.created_at), Date)
    lost = exists().where(
        office.user_id == Export.user_id,
        office.role.in_([role.value for role in ROLES_OF[Permission.EXPORT]]),
        office.starts_on <= today,
        ~in_force(today),
        or_(office.ended_at.is_(None), office.ended_at > Export.created_at),
        or_(office.ends_on.is_(None), office.ends_on >= asked_on),
    )
    return select(Export, lost).where(Export.user_id == actor.user_id)


def _seen(row: Export, *, lost: bool) -> OwnExport:
    seen = OwnExport(**{each.name: getattr(row, each.name) for each in fields(OwnExport)})
    return replace(seen, state=ExportState.EXPIRED, file_key=None) if lost and row.file_key else seen
