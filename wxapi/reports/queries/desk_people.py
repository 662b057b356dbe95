"""The people of a desk: one query for routing, which asks whether anybody is there, and for telling."""

import uuid
from collections.abc import Callable, Collection, Iterable
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from wxapi.identity.models import AppointmentRow
from wxapi.identity.queries import in_force, of_regions
from wxapi.kernel.permissions import Role
from wxapi.regions.rules.levels import Level, level_of, path_of
from wxapi.reports.rules.relations import roles_at
from wxapi.reports.rules.routing import Place


def desk_people(
    session: Session, desk_code: str, grid_code: str | None, exclusions: Collection[str], *, today: date
) -> set[uuid.UUID]:
    """The people of a desk: exactly those whom `relations.works_at_desk` lets act there, the excluded left out.

    They are the unit's own, those appointed above it in a role that works at its level, and the report's grid's.
    """
    regions = list(path_of(desk_code))
    if grid_code is not None and grid_code.startswith(desk_code):
        regions.append(grid_code)
    return people_in(session, regions, roles_at(desk_code), exclusions, today=today)


def deciders(session: Session, desk_code: str, exclusions: Collection[str], *, today: date) -> set[uuid.UUID]:
    """Those who decide what a desk asks for, as `guards.decides_for_desk` says."""
    roles = (
        [Role.TOWNSHIP_OFFICER] if level_of(desk_code) is Level.VILLAGE else [Role.TOWNSHIP_OFFICER, Role.SUPERVISOR]
    )
    return people_in(session, path_of(desk_code), roles, exclusions, today=today)


def people_in(
    session: Session, regions: Iterable[str], roles: Iterable[Role], exclusions: Collection[str], *, today: date
) -> set[uuid.UUID]:
    """People appointed in one of the roles for one of these very regions, who are not of an excluded region."""
    query = select(AppointmentRow.user_id).where(
        AppointmentRow.region_code.in_(list(regions)),
        AppointmentRow.role.in_([role.value for role in roles]),
        AppointmentRow.unit_code.is_(None),
        in_force(today),
    )
    if exclusions:
        query = query.where(AppointmentRow.user_id.not_in(of_regions(exclusions, today)))
    return set(session.scalars(query))


def excluded_among(
    session: Session, people: Collection[uuid.UUID], exclusions: Collection[str], *, today: date
) -> set[uuid.UUID]:
    """Those of the people who are, were not long ago, or are to be appointed at or below an excluded region."""
    if not exclusions or not people:
        return set()
    return set(session.scalars(of_regions(exclusions, today).where(AppointmentRow.user_id.in_(people))))


def staffing(session: Session, place: Place, exclusions: Collection[str], *, today: date) -> Callable[[str], bool]:
    """How routing asks whether somebody is appointed who can accept a report of this place at a desk."""

    def staffed(desk_code: str) -> bool:
        return bool(desk_people(session, desk_code, place.grid_code, exclusions, today=today))

    return staffed
