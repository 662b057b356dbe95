"""Which sessions an actor manages, as conditions of queries."""

from sqlalchemy import ColumnElement, false, or_

from wxapi.kernel.actor import Actor
from wxapi.kernel.permissions import ROLES_OF, Permission
from wxapi.regions.rules.levels import path_of
from wxapi.training.models import TrainingSession


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
    """Sessions that exist for the actor: all but drafts, and the drafts of his regions."""
    return or_(TrainingSession.state != "draft", within(actor, Permission.TRAINING_STEWARD))
