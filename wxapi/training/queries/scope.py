"""Which sessions an actor manages, as conditions of queries."""

import uuid
from collections.abc import Collection
from datetime import date

from sqlalchemy import ColumnElement, Uuid, any_, exists, false, literal, or_, true
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import InstrumentedAttribute

from wxapi.identity.models import AppointmentRow
from wxapi.identity.queries import below, in_force
from wxapi.kernel.actor import Actor
from wxapi.kernel.permissions import ROLES_OF, Permission
from wxapi.regions.rules.levels import path_of
from wxapi.training.models import TrainingSession
from wxapi.training.rules.sessions import SessionState


def within(actor: Actor, permission: Permission) -> ColumnElement[bool]:
    """Sessions of the regions for which the actor holds a role with the permission."""
    codes = actor.regions(ROLES_OF[permission])
    if not codes:
        return false()
    return or_(*(TrainingSession.region_code.startswith(code, autoescape=True) for code in codes))


def admits(actor: Actor) -> ColumnElement[bool]:
    """Sessions whose audience the actor belongs to; the same decision as `rules.audience.Audience.admits`."""
    regions = TrainingSession.audience_region_codes
    roles = TrainingSession.audience_roles
    listed = TrainingSession.audience_user_ids
    everybody = (regions == []) & (roles == []) & (listed == [])
    limited = (regions != []) | (roles != [])
    meets = [
        ((regions == []) | regions.overlap(path_of(held.region_code)))
        & ((roles == []) | roles.contains([held.role.value]))
        for held in actor.appointments
    ]
    return everybody | listed.contains([actor.user_id]) | (limited & or_(false(), *meets))


def meant_for(row: TrainingSession, user_id: InstrumentedAttribute[uuid.UUID], today: date) -> ColumnElement[bool]:
    """People whom a session's audience admits: `admits` the other way round.

    Args:
        row: the session.
        user_id: the column that holds the people.
        today: whose appointments count.
    """
    regions, roles, listed = row.audience_region_codes, row.audience_roles, row.audience_user_ids
    if not (regions or roles or listed):
        return true()
    held = [AppointmentRow.user_id == user_id, in_force(today)]
    held += [AppointmentRow.role.in_(roles)] if roles else []
    held += [below(regions)] if regions else []
    return or_(among(user_id, listed), exists().where(*held) if regions or roles else false())


def visible(actor: Actor) -> ColumnElement[bool]:
    """Sessions that exist for the actor: all but drafts, and the drafts of the regions they organise in."""
    return or_(TrainingSession.state != SessionState.DRAFT, within(actor, Permission.TRAINING_ORGANISE))


def among(column: InstrumentedAttribute[uuid.UUID], ids: Collection[uuid.UUID]) -> ColumnElement[bool]:
    """Whether a column holds one of some ids: one parameter however many, where `IN` has one each."""
    return column == any_(literal(sorted(ids), ARRAY(Uuid)))
