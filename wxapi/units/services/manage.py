"""What administrators do with units: make, rename and close them. One function, one transaction."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from time import monotonic, sleep

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from wxapi.kernel.actor import Actor
from wxapi.kernel.clock import local_day
from wxapi.kernel.errors import ConflictError, InvalidError, UnavailableError, not_found
from wxapi.kernel.permissions import ROLES_OF, Permission
from wxapi.platform import audit
from wxapi.platform.db import transaction
from wxapi.regions.services.lookup import refuse_closed, tree
from wxapi.units import queries
from wxapi.units.models import Unit
from wxapi.units.queries import UnitView
from wxapi.units.rules import UnitField, UnitKind, is_region, unit_code
from wxapi.units.services import holdings
from wxapi.units.services.holdings import UnitClosing

# As long as a statement waits for a lock; an appointment is made in milliseconds.
_PATIENCE_S, _PAUSE_S = 5.0, 0.02


@dataclass(frozen=True, slots=True)
class NewUnit:
    """What an administrator asks for."""

    region_code: str
    suffix: str
    name: str
    kind: UnitKind
    field: UnitField | None = None


def make_unit(actor: Actor, wanted: NewUnit, *, now: datetime) -> UnitView:
    """Make a unit that hangs on a region of the administrator's.

    Raises:
        NotFoundError: the region is unknown or outside the administrator's.
        InvalidError: `suffix_invalid`; `kind_not_allowed`, a region's own office is made by itself.
        ConflictError: `unit_exists`.
    """
    if tree().get(wanted.region_code) is None or not actor.covers(wanted.region_code, ROLES_OF[Permission.UNITS]):
        raise not_found()
    refuse_closed(wanted.region_code)
    if wanted.kind is UnitKind.REGION:
        raise InvalidError("kind_not_allowed", "区划自身的单位由系统建立，请选择其他类型。")
    code = unit_code(wanted.region_code, wanted.suffix)
    with transaction() as session:
        made = insert(Unit).values(
            code=code,
            region_code=wanted.region_code,
            name=wanted.name,
            kind=wanted.kind.value,
            field=wanted.field.value if wanted.field else None,
            created_at=now,
        )
        # Two administrators who make it at the same moment wait for one another.
        row = session.scalars(made.on_conflict_do_nothing(index_elements=["code"]).returning(Unit)).one_or_none()
        if row is None:
            raise ConflictError("unit_exists", "该单位代码已存在。")
        audit.record(session, actor.user_id, "unit.make", subject=f"unit:{code}", at=now, kind=row.kind)
        return queries.view_of(row)


def change_unit(actor: Actor, code: str, *, name: str, field: UnitField | None, now: datetime) -> UnitView:
    """Replace a unit's name and field. A region's own office is named by the region: its name can only stay.

    Raises:
        NotFoundError: unknown, or outside the administrator's regions.
        ConflictError: `unit_closed`.
        InvalidError: `name_of_region`, another name for a region's own office.
    """
    with transaction() as session:
        row = _locked(session, actor, code, now=now)
        if row.closed_on is not None:
            raise ConflictError("unit_closed", "该单位已撤销，不能修改。")
        if row.kind == UnitKind.REGION and name != queries.view_of(row).name:
            raise InvalidError(
                "name_of_region", "区划自身的单位随区划命名，不能另起名称。", fields={"name": ["不能修改。"]}
            )
        if row.kind != UnitKind.REGION:
            row.name = name
        row.field = field.value if field else None
        session.flush()
        audit.record(session, actor.user_id, "unit.change", subject=f"unit:{code}", at=now)
        return queries.view_of(row)


def close_unit(actor: Actor, code: str, *, on: date, successor_code: str | None, now: datetime) -> UnitView:
    """Close a unit (机构改革). What it still owes goes to the successor in the same transaction, with its officers.

    Where a region's own office goes on, or nobody does, their appointments end: they were to a unit that is no region.

    Args:
        actor: an administrator of the unit's region.
        code: the unit; a region's own office goes with its region and is not closed here.
        on: the last day it acts, today or before; duties move at once.
        successor_code: who goes on; None only where nothing is open.
        now: the present instant.

    Raises:
        NotFoundError: the unit or the successor is unknown, or outside the administrator's regions.
        ConflictError: `unit_closed`; `unit_has_open_duties` with `count`.
        InvalidError: `date_in_future`, `successor_invalid`, `kind_not_allowed`.
        UnavailableError: somebody else held one of its people all the time.
    """
    with transaction(locking=holdings.people_of(code)) as session:
        _take_both(session, code, successor_code)
        row = _locked(session, actor, code, now=now)
        if row.closed_on is not None:
            raise ConflictError("unit_closed", "该单位已撤销。")
        if is_region(code):
            raise InvalidError("kind_not_allowed", "区划自身的单位随区划撤并，不能单独撤销。")
        if on > local_day(now):
            raise InvalidError("date_in_future", "撤销日期不能晚于今天。", fields={"on": ["不能晚于今天。"]})
        successor = _successor(session, actor, code, successor_code, now=now)
        moved = holdings.hand_over(session, UnitClosing(code, successor, actor.user_id, now))
        row.closed_on = on
        row.successor_code = successor
        session.flush()
        audit.record(
            session, actor.user_id, "unit.close", subject=f"unit:{code}", at=now, successor=successor, moved=moved
        )
        return queries.view_of(row)


def _take_both(session: Session, code: str, successor_code: str | None) -> None:
    """Lock a unit and its successor, and whoever came to the unit since its people were locked.

    Whoever appoints holds the person and waits for the unit. So nobody is waited for with the unit in hand: it is let
    go, and taken again.
    """
    # Both rows in one order: two units may be closed into one another at the same moment.
    both = select(Unit.code).where(Unit.code.in_([code, successor_code])).order_by(Unit.code)
    until = monotonic() + _PATIENCE_S
    while True:
        with suppress(_HeldError), session.begin_nested():
            # What is written for a unit meanwhile refers to it, under locks that closing waits for.
            session.execute(both.with_for_update(key_share=True))
            if holdings.take(session, code):
                return
            raise _HeldError
        if monotonic() > until:
            raise UnavailableError("database_unavailable", "服务暂时不可用，请稍后重试。")
        sleep(_PAUSE_S)


class _HeldError(Exception):
    """Somebody else is at work with one of a unit's people."""


def _successor(session: Session, actor: Actor, code: str, successor_code: str | None, *, now: datetime) -> str | None:
    if successor_code is None:
        return None
    queries.make_offices(session, [successor_code], now=now)
    successor = session.get(Unit, successor_code)
    if successor is None or not actor.covers(successor.region_code, ROLES_OF[Permission.UNITS]):
        raise not_found()
    standing = queries.lock_standing(session, [successor_code])
    if successor_code == code or not standing:
        raise InvalidError(
            "successor_invalid", "承接单位须是另一个未撤销的单位。", fields={"successor_code": ["不能承接。"]}
        )
    return successor_code


def _locked(session: Session, actor: Actor, code: str, *, now: datetime) -> Unit:
    """The unit's row, locked; one that is a region's own office is made first."""
    if is_region(code):
        queries.make_offices(session, [code], now=now)
    row = session.scalars(select(Unit).where(Unit.code == code).with_for_update(key_share=True)).one_or_none()
    if row is None or not actor.covers(row.region_code, ROLES_OF[Permission.UNITS]):
        raise not_found()
    return row
