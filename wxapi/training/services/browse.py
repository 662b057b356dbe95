"""Looking at sessions: a list, one, and the code for its poster."""

import uuid
from datetime import datetime
from typing import Literal

from wxapi.kernel.actor import Actor
from wxapi.kernel.errors import not_found
from wxapi.kernel.paging import Page
from wxapi.platform.db import db
from wxapi.scenes.services import SceneCode, code_of
from wxapi.training.queries import sessions as queries
from wxapi.training.queries.managed import ORGANISE, managed
from wxapi.training.queries.session_views import SessionView, view_of, views_of
from wxapi.training.rules.scenes import TRAINING_SESSION

SessionScope = Literal["open", "mine", "organised"]


def read(actor: Actor, session_id: uuid.UUID) -> SessionView:
    """One session.

    Raises:
        NotFoundError: not there, or another organiser's draft.
    """
    row = queries.session_for(db.session(), actor, session_id)
    if row is None:
        raise not_found()
    return view_of(db.session(), actor, row)


def mini_program_code(actor: Actor, session_id: uuid.UUID, *, now: datetime) -> SceneCode:
    """The code that opens a session's page.

    Raises:
        NotFoundError: not there or not the organiser's.
        UnavailableError: WeChat does not draw it now.
    """
    row = managed(db.session(), actor, session_id, ORGANISE)
    return code_of(TRAINING_SESSION, str(row.id), now=now)


def listing(actor: Actor, scope: SessionScope, *, limit: int, cursor: str | None, now: datetime) -> Page[SessionView]:
    """The sessions one may go to, has to do with, or runs."""
    session = db.session()
    if scope == "open":
        page = queries.open_page(session, actor, now=now, limit=limit, cursor=cursor)
    elif scope == "mine":
        page = queries.mine_page(session, actor, limit=limit, cursor=cursor)
    else:
        page = queries.organised_page(session, actor, limit=limit, cursor=cursor)
    return Page(views_of(session, actor, page.items), page.next_cursor)
