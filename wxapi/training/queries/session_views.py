"""Sessions as one person sees them: a page's or an answer's whole, in at most four statements however many."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from wxapi.kernel.actor import Actor
from wxapi.kernel.permissions import ROLES_OF
from wxapi.training.models import TrainingSession
from wxapi.training.queries import sessions as queries
from wxapi.training.queries.managed import STEWARD


@dataclass(frozen=True, slots=True)
class SessionView:
    """A session as one person sees it."""

    row: TrainingSession
    mine: queries.Mine | None
    waiting: int
    # Whether the actor runs it or helps to: only then the audience is shown.
    manages: bool
    # Another session of the same organiser at that time: worth a word, and no reason to refuse a hall with two rooms.
    overlaps: TrainingSession | None = None


def view_of(session: Session, actor: Actor, row: TrainingSession) -> SessionView:
    """One session."""
    return views_of(session, actor, [row])[0]


def views_of(session: Session, actor: Actor, rows: Sequence[TrainingSession]) -> list[SessionView]:
    """Several, in the order given."""
    ids = [row.id for row in rows]
    mine = queries.mine_of(session, actor.user_id, ids) if ids else {}
    waiting = queries.waiting_counts(session, ids) if ids else {}
    return [
        SessionView(
            row, mine.get(row.id), waiting.get(row.id, 0), manages=actor.covers(row.region_code, ROLES_OF[STEWARD])
        )
        for row in rows
    ]
