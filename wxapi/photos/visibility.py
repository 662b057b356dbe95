"""Who may see a photo: its owner, and whoever may see what it belongs to.

Photos know nothing of reports, so a feature above registers how its things are seen, as a condition in SQL.
"""

from collections.abc import Callable

from sqlalchemy import ColumnElement, or_

from wxapi.kernel.actor import Actor
from wxapi.photos.models import Photo

Condition = Callable[[Actor], ColumnElement[bool]]

_conditions: list[Condition] = []


def register(condition: Condition) -> Condition:
    """Add a condition, correlated to `Photo.id` (an EXISTS); registering it again changes nothing.

    Usable as a decorator. Called when the feature's module is imported.
    """
    if condition not in _conditions:
        _conditions.append(condition)
    return condition


def visible_to(actor: Actor) -> ColumnElement[bool]:
    """The condition under which a photo exists for a person."""
    return or_(Photo.owner_id == actor.user_id, *(condition(actor) for condition in _conditions))
