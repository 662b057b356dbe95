"""Who acts for a unit and who stands above it, as SQL: the same people as `rules.scope` lets act."""

import uuid
from collections.abc import Collection, Iterable
from datetime import date

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Session

from wxapi.duties.rules.scope import ABOVE, ROLES_BY_LEVEL
from wxapi.identity.models import AppointmentRow
from wxapi.identity.queries import in_force, of_regions
from wxapi.kernel.permissions import Role
from wxapi.regions.rules.levels import Level, level_of, path_of, region_of
from wxapi.units.rules import above


def unit_people(
    session: Session,
    unit_code: str,
    hidden_from: Collection[str],
    *,
    roles: frozenset[Role] = frozenset(),
    today: date,
) -> set[uuid.UUID]:
    """The people who act for a unit today.

    Args:
        session: to read with.
        unit_code: a region's own office or any other unit.
        hidden_from: regions whose people must not hear of the subject.
        roles: of a region's office, those who act in the kind of duties; empty: those who act for it otherwise.
        today: the Shanghai day.
    """
    level = level_of(unit_code)
    if level is None:
        return _people(session, AppointmentRow.unit_code == unit_code, hidden_from, today)
    if roles:
        return _people(session, _held(path_of(unit_code), roles), hidden_from, today)
    held = _held(path_of(unit_code), ROLES_BY_LEVEL.get(level, frozenset()))
    if level is Level.VILLAGE:
        grids = and_(
            AppointmentRow.role == Role.COMMUNITY_WORKER.value,
            AppointmentRow.region_code.startswith(unit_code, autoescape=True),
        )
        held = or_(held, grids)
    return _people(session, held, hidden_from, today)


def deciders_over(
    session: Session, unit_code: str, hidden_from: Collection[str], *, roles: frozenset[Role], today: date
) -> set[uuid.UUID]:
    """Who stands above a unit, is nearest to it and does not act for it; arguments as of `unit_people`."""
    acting = unit_people(session, unit_code, hidden_from, roles=roles, today=today)
    nearest = above(unit_code)
    while nearest is not None:
        found = _people(session, _held([nearest], ABOVE), hidden_from, today) - acting
        if found:
            return found
        nearest = above(nearest)
    return set()


def chiefs_of(session: Session, place_code: str, hidden_from: Collection[str], *, today: date) -> set[uuid.UUID]:
    """The street chiefs of a place."""
    return _people(session, _held(path_of(region_of(place_code)), {Role.STREET_CHIEF}), hidden_from, today)


def _held(regions: Iterable[str], roles: Iterable[Role]) -> ColumnElement[bool]:
    return and_(
        AppointmentRow.region_code.in_(list(regions)),
        AppointmentRow.role.in_([role.value for role in roles]),
        AppointmentRow.unit_code.is_(None),
    )


def _people(session: Session, held: ColumnElement[bool], hidden_from: Collection[str], today: date) -> set[uuid.UUID]:
    query = select(AppointmentRow.user_id).where(held, in_force(today))
    if hidden_from:
        query = query.where(AppointmentRow.user_id.not_in(of_regions(hidden_from, today)))
    return set(session.scalars(query))
