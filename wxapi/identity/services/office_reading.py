"""Offices as administrators and operators read them: one, a page, all of a person's."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from wxapi.identity import queries
from wxapi.identity.models import AppointmentRow, User
from wxapi.identity.services.roster_names import known_as
from wxapi.kernel.actor import Actor
from wxapi.kernel.clock import local_day
from wxapi.kernel.errors import not_found
from wxapi.kernel.paging import Page
from wxapi.kernel.permissions import ROLES_OF, Permission
from wxapi.platform import audit
from wxapi.platform.db import db, transaction
from wxapi.regions.services.lookup import region_names
from wxapi.units.queries import unit_names


@dataclass(frozen=True, slots=True)
class Appointed:
    """An appointment with the names people read."""

    row: AppointmentRow
    nickname: str
    # As a city's list has them; None where none names the person.
    name: str | None
    post: str | None
    region_name: str
    unit_name: str | None
    # Of a stand-in: whose place they take, as a list has the name.
    stands_in_for: str | None = None


def read_appointment(actor: Actor, appointment_id: uuid.UUID, *, now: datetime) -> Appointed:
    """One appointment in force or to come within the administrator's regions.

    Raises:
        NotFoundError: there is none.
    """
    found = (
        db.session()
        .execute(
            select(AppointmentRow, User.nickname)
            .join(User, User.id == AppointmentRow.user_id)
            .where(
                AppointmentRow.id == appointment_id,
                queries.lasting(local_day(now)),
                queries.below(actor.regions(ROLES_OF[Permission.APPOINT])),
            )
        )
        .one_or_none()
    )
    if found is None:
        raise not_found()
    return named(db.session(), [(found[0], found[1])])[0]


def offices_of(actor: Actor, user_id: uuid.UUID, *, now: datetime) -> list[Appointed]:
    """A person's appointments in force or to come within the administrator's regions."""
    rows = db.session().execute(
        select(AppointmentRow, User.nickname)
        .join(User, User.id == AppointmentRow.user_id)
        .where(
            AppointmentRow.user_id == user_id,
            queries.lasting(local_day(now)),
            queries.below(actor.regions(ROLES_OF[Permission.APPOINT])),
        )
        .order_by(AppointmentRow.region_code, AppointmentRow.id)
    )
    return named(db.session(), [(row[0], row[1]) for row in rows])


def list_appointments(
    actor: Actor,
    region: str | None,
    *,
    unit: str | None = None,
    coming: bool = False,
    limit: int,
    cursor: str | None,
    now: datetime,
) -> Page[Appointed]:
    """Appointments in force, or those to come, at or below a region of the administrator's (default: all of theirs)."""
    own: Sequence[str] = actor.regions(ROLES_OF[Permission.APPOINT])
    if region is not None:
        if not actor.covers(region, ROLES_OF[Permission.APPOINT]):
            raise not_found()
        own = (region,)
    session = db.session()
    page = queries.appointments_page(
        session, own, unit=unit, coming=coming, today=local_day(now), limit=limit, cursor=cursor
    )
    return Page(named(session, page.items), page.next_cursor)


def shown_to_operator(region: str, *, now: datetime) -> list[Appointed]:
    """All appointments in force or to come at or below a region, for an operator at the shell; audited."""
    with transaction() as session:
        audit.record(session, None, "people.offices_shown", subject=f"region:{region}", at=now)
        rows = session.execute(
            select(AppointmentRow, User.nickname)
            .join(User, User.id == AppointmentRow.user_id)
            .where(queries.lasting(local_day(now)), queries.below([region]))
            .order_by(AppointmentRow.region_code, AppointmentRow.id)
        )
        return named(session, [(row[0], row[1]) for row in rows])


def named(session: Session, found: Sequence[tuple[AppointmentRow, str]]) -> list[Appointed]:
    """Appointments with the names that people read; `found` gives each with its holder's nickname."""
    regions = region_names(row.region_code for row, _ in found)
    units = unit_names(session, [row.unit_code for row, _ in found if row.unit_code])
    places = [row.stands_in_for for row, _ in found if row.stands_in_for]
    query = select(AppointmentRow.id, AppointmentRow.user_id).where(AppointmentRow.id.in_(places))
    holders = {row.id: row.user_id for row in session.execute(query)} if places else {}
    known = known_as(session, {row.user_id for row, _ in found} | set(holders.values()))
    shown = []
    for row, nickname in found:
        name, post = known.get(row.user_id, (None, None))
        region, unit = regions.get(row.region_code, ""), units.get(row.unit_code or "")
        instead_of = known.get(holders[row.stands_in_for], ("", ""))[0] if row.stands_in_for else None
        shown.append(Appointed(row, nickname, name, post, region, unit, instead_of))
    return shown
