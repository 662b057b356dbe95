"""Who may see a photo: its owner, and whoever may see what it belongs to.

Photos know nothing of reports, so a feature above says how its things are seen, as a condition in SQL; `wxapi.app`
lists them.
"""

from collections.abc import Callable, Sequence
from typing import cast

from flask import Flask, current_app
from sqlalchemy import ColumnElement, or_

from wxapi.kernel.actor import Actor
from wxapi.photos.models import Photo

PhotoCondition = Callable[[Actor], ColumnElement[bool]]

_KEY = "wxapi.photo_visibility"


def install(app: Flask, conditions: Sequence[PhotoCondition]) -> None:
    """Tell the app where photos are seen; each condition is correlated to `Photo.id` (an EXISTS)."""
    app.extensions[_KEY] = tuple(conditions)


def visible_to(actor: Actor) -> ColumnElement[bool]:
    """The condition under which a photo exists for a person."""
    conditions = cast("tuple[PhotoCondition, ...]", current_app.extensions[_KEY])
    return or_(Photo.owner_id == actor.user_id, *(condition(actor) for condition in conditions))
