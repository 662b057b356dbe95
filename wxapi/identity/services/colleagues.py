"""Who else works at one's own desk: name and post, for colleagues only. No phone, and nothing of people elsewhere."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, or_, select

from wxapi.identity.models import AppointmentRow
from wxapi.identity.queries import in_force
from wxapi.identity.services.roster_names import known_as
from wxapi.kernel.actor import Actor
from wxapi.kernel.clock import local_day
from wxapi.kernel.permissions import DESK_ROLES
from wxapi.platform.db import db
from wxapi.regions.services.lookup import region_names
from wxapi.units.queries import unit_names

_MOST = 200


@dataclass(frozen=True, slots=True)
class Colleague:
    """Somebody of one's own desk, as the city's list calls them; None where no list names them."""

    name: str | None
    post: str | None
    role: str
    place: str
    is_stand_in: bool
    is_me: bool


def list_colleagues(actor: Actor, *, now: datetime) -> list[Colleague]:
    """The people of the very regions and units for which the person works, by place; at most 200."""
    regions = {each.region_code for each in actor.appointments if each.role in DESK_ROLES}
    units = {each.unit_code for each in actor.appointments if each.unit_code}
    session = db.session()
    roles = [role.value for role in DESK_ROLES]
    same_desk = and_(
        AppointmentRow.region_code.in_(regions), AppointmentRow.role.in_(roles), AppointmentRow.unit_code.is_(None)
    )
    rows = session.scalars(
        select(AppointmentRow)
        .where(in_force(local_day(now)), or_(same_desk, AppointmentRow.unit_code.in_(units)))
        .order_by(AppointmentRow.region_code, AppointmentRow.unit_code, AppointmentRow.role, AppointmentRow.id)
        .limit(_MOST)
    ).all()
    known = known_as(session, {row.user_id for row in rows})
    places = region_names(row.region_code for row in rows) | unit_names(
        session, [row.unit_code for row in rows if row.unit_code]
    )
    found = []
    for row in rows:
        name, post = known.get(row.user_id, (None, None))
        place = places.get(row.unit_code or row.region_code, "")
        is_me, stands_in = row.user_id == actor.user_id, row.stands_in_for is not None
        found.append(Colleague(name, post, row.role, place, stands_in, is_me))
    return found
