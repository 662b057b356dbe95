"""Which sessions an actor manages, as conditions of queries."""

import uuid
from collections.abc import Collection

from sqlalchemy import ColumnElement, Uuid, any_, false, literal, or_
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import InstrumentedAttribute

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


def visible(actor: Actor) -> ColumnElement[bool]:
    """Sessions that exist for the actor: all but drafts, and the drafts of the regions they organise in."""
    return or_(TrainingSession.state != SessionState.DRAFT, within(actor, Permission.TRAINING_ORGANISE))


def among(column: InstrumentedAttribute[uuid.UUID], ids: Collection[uuid.UUID]) -> ColumnElement[bool]:
    """Whether a column holds one of some ids: one parameter however many, where `IN` has one each."""
    return column == any_(literal(sorted(ids), ARRAY(Uuid)))
