"""Reads about people. The look-up behind every request is one statement."""

import hashlib
import uuid
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Date, Select, and_, cast, false, func, literal_column, or_, select, tuple_
from sqlalchemy.orm import Session

from wxapi.identity.models import AppointmentRow, User
from wxapi.identity.rules import TIED_FOR, TOKEN_IDLE, WEB_IDLE, WEB_MAX_AGE
from wxapi.kernel.actor import Actor, Appointment
from wxapi.kernel.paging import Page, decode_cursor, page_of
from wxapi.kernel.permissions import Role
from wxapi.kernel.text import is_word
from wxapi.platform.db import fetch, fetch_alone
from wxapi.regions.services.lookup import tree

_IN_FORCE = "a.ended_at IS NULL AND a.starts_on <= %(today)s AND coalesce(a.ends_on, 'infinity') >= %(today)s"
# The day an appointment was over, by its date or because somebody ended it.
_OVER_ON = "coalesce(least(a.ends_on, (a.ended_at AT TIME ZONE 'Asia/Shanghai')::date), 'infinity')"
_TYING = f"{_OVER_ON} >= a.starts_on AND {_OVER_ON} >= %(tied_since)s"
# A person's appointments that count ("t …") and those that only tie ("f …"). A list of their own: joined to the rest
# and grouped again they took the database a quarter longer: sorting and grouping one row has to be begun, too.
_APPOINTED = (
    f"ARRAY(SELECT concat_ws(' ', {_IN_FORCE}, a.role, a.region_code, a.unit_code)"  # noqa: S608
    " FROM appointments a WHERE a.user_id = {user_id} AND " + _TYING + ")"
)
_HELD = (
    f"SELECT t.user_id, t.last_used_at, {_APPOINTED.format(user_id='t.user_id')},"  # noqa: S608
    " u.rights_version, coalesce(t.confirmed_at, t.created_at)"
    " FROM {table} t JOIN users u ON u.id = t.user_id AND u.erased_at IS NULL"
    " WHERE t.digest = %(digest)s AND t.last_used_at > %(alive_since)s"
)
_ACTOR = _HELD.format(table="tokens")
# With a request's key in the same look: a repeat is answered from what is kept.
_ACTOR_WITH_KEY = (
    "SELECT actor.*, EXISTS (SELECT FROM idempotency_keys k WHERE k.user_id = actor.user_id AND k.key = %(key)s)"  # noqa: S608
    f" FROM ({_ACTOR}) AS actor"
)
_VISITOR = f"{_HELD.format(table='web_sessions')} AND t.created_at > %(made_since)s"
_ACTOR_OF = f"SELECT {_APPOINTED.format(user_id='%(user_id)s')}"

# Columns of an actor; the look at the key comes after them.
_NO_KEY = 5


class Bearer(NamedTuple):
    """Who holds a token, when it was last used, and whether its holder used this request's key before."""

    actor: Actor
    last_used_at: datetime
    used_key: bool = False


def digest_of(token: str) -> bytes:
    """How a token is stored: it has 256 random bits, so a plain hash is enough."""
    return hashlib.sha256(token.encode()).digest()


def bearer_of(token: str, *, now: datetime, today: date, key: str | None = None) -> Bearer | None:
    """The person behind a live token with the appointments in force today; None for any other token."""
    values = {"digest": digest_of(token), **_days(today), "alive_since": now - TOKEN_IDLE}
    if key is None or not is_word(key):
        return _bearer(_ACTOR, values, today=today)
    return _bearer(_ACTOR_WITH_KEY, values | {"key": key}, today=today)


def visitor_of(token: str, *, now: datetime, today: date) -> Bearer | None:
    """The person behind the cookie of a live browser session, in the same way."""
    values = {"digest": digest_of(token), **_days(today), "alive_since": now - WEB_IDLE}
    return _bearer(_VISITOR, values | {"made_since": now - WEB_MAX_AGE}, today=today)


def _bearer(sql: str, values: dict[str, Any], *, today: date) -> Bearer | None:
    rows = fetch_alone(sql, values)
    if not rows:
        return None
    row = rows[0]
    used_key = len(row) > _NO_KEY and row[_NO_KEY]
    held, over = _appointed(*row[2])
    return Bearer(Actor(row[0], held, row[3], today, _followed(over), row[4]), row[1], used_key)


def _followed(codes: tuple[str, ...]) -> tuple[str, ...]:
    """Regions somebody was of, and who goes on for them: a complaint about a closed village lies with its successor."""
    if not codes:
        return ()
    regions = tree()
    return tuple(sorted({*codes, *(after for code in codes if (after := regions.successor(code)) is not None)}))


def _days(today: date) -> dict[str, date]:
    return {"today": today, "tied_since": today - TIED_FOR}


@lru_cache(maxsize=2048)
def _appointed(*texts: str) -> tuple[tuple[Appointment, ...], tuple[str, ...]]:
    """The appointments of `_APPOINTED` that count, and the regions of the others. Kept: the same people come again."""
    parts = [text.split(" ") for text in texts]
    held = tuple(_appointment(*part) for counts, *part in parts if counts == "t")
    return held, tuple(region_code for counts, _, region_code, *_ in parts if counts == "f")


def _appointment(role: str, region_code: str, unit_code: str | None = None) -> Appointment:
    return Appointment(Role(role), region_code, unit_code)


def actor_of(session: Session, user_id: uuid.UUID, *, today: date) -> Actor:
    """A person as an Actor, for commands and jobs that act for someone."""
    session.flush()
    held, over = _appointed(*fetch(session, _ACTOR_OF, {"user_id": user_id, **_days(today)})[0][0])
    return Actor(user_id, held, ties=_followed(over))


def user_by_digest(session: Session, openid_digests: Sequence[bytes]) -> User | None:
    """The person with this openid, by its digests under each look-up key."""
    return session.scalars(select(User).where(User.openid_digest.in_(openid_digests))).one_or_none()


def in_force(today: date) -> ColumnElement[bool]:
    """Appointments that count today."""
    return and_(
        AppointmentRow.ended_at.is_(None),
        AppointmentRow.starts_on <= today,
        or_(AppointmentRow.ends_on.is_(None), AppointmentRow.ends_on >= today),
    )


def tying(today: date) -> ColumnElement[bool]:
    """Appointments in force, to come, or over for at most `TIED_FOR`; not those that never began."""
    ended_on = cast(func.timezone("Asia/Shanghai", AppointmentRow.ended_at), Date)
    over_on = func.coalesce(func.least(AppointmentRow.ends_on, ended_on), literal_column("'infinity'::date", Date()))
    return and_(over_on >= AppointmentRow.starts_on, over_on >= today - TIED_FOR)


def appointments_of(session: Session, user_id: uuid.UUID, *, today: date) -> Sequence[AppointmentRow]:
    """A person's appointments in force, by region and role."""
    return session.scalars(
        select(AppointmentRow)
        .where(AppointmentRow.user_id == user_id, in_force(today))
        .order_by(AppointmentRow.region_code, AppointmentRow.role)
    ).all()


def below(regions: Iterable[str]) -> ColumnElement[bool]:
    """Appointments at or below any of the regions."""
    return or_(false(), *(AppointmentRow.region_code.startswith(code, autoescape=True) for code in regions))


def of_regions(regions: Iterable[str], today: date) -> Select[uuid.UUID]:
    """Who is, was not long ago or is to be of one of the regions, or was of a closed one for which one goes on."""
    known = tree()
    codes = {code for region in regions for code in (region, *known.predecessors(region))}
    return select(AppointmentRow.user_id).where(below(sorted(codes)), tying(today))


def lasting(today: date) -> ColumnElement[bool]:
    """Appointments in force or to come."""
    return and_(
        AppointmentRow.ended_at.is_(None), or_(AppointmentRow.ends_on.is_(None), AppointmentRow.ends_on >= today)
    )


def overlapping(row: AppointmentRow, today: date) -> ColumnElement[bool]:
    """Lasting appointments of the same person to the same role and place, some of whose days are the row's."""
    return and_(
        AppointmentRow.user_id == row.user_id,
        AppointmentRow.role == row.role,
        AppointmentRow.region_code == row.region_code,
        AppointmentRow.unit_code.is_not_distinct_from(row.unit_code),
        AppointmentRow.id != row.id,
        lasting(today),
        or_(AppointmentRow.ends_on.is_(None), AppointmentRow.ends_on >= row.starts_on),
        AppointmentRow.starts_on <= (row.ends_on or date.max),
    )


def appointments_page(
    session: Session,
    regions: Sequence[str],
    *,
    unit: str | None = None,
    coming: bool = False,
    today: date,
    limit: int,
    cursor: str | None,
) -> Page[tuple[AppointmentRow, str]]:
    """Appointments in force (or all that are `coming`) at or below the regions with each person's nickname."""
    when = and_(lasting(today), AppointmentRow.starts_on > today) if coming else in_force(today)
    query = (
        select(AppointmentRow, User.nickname)
        .join(User, User.id == AppointmentRow.user_id)
        .where(when, below(regions))
        .order_by(AppointmentRow.region_code, AppointmentRow.id)
        .limit(limit + 1)
    )
    if unit is not None:
        query = query.where(AppointmentRow.unit_code == unit)
    if cursor is not None:
        last = decode_cursor(cursor, str, uuid.UUID)
        query = query.where(tuple_(AppointmentRow.region_code, AppointmentRow.id) > tuple_(*last))
    rows = [(row[0], row[1]) for row in session.execute(query)]
    return page_of(rows, limit, lambda row: (row[0].region_code, row[0].id))
