"""A session's duties: whoever changes what waits writes them in the same transaction, under the session's lock."""

from datetime import datetime

from sqlalchemy.orm import Session

from wxapi.duties.services import write
from wxapi.duties.services.write import OwedSubject
from wxapi.kernel.clock import local_day
from wxapi.training.models import TrainingSession
from wxapi.training.queries import reviews
from wxapi.training.rules.owed import WaitingDecision, met, owed
from wxapi.training.rules.sessions import SessionState

SUBJECT = "training"


def owe(session: Session, row: TrainingSession, *, decided: str | None = None, now: datetime) -> None:
    """Write what is owed for a session now; again: no change.

    Args:
        session: the transaction; it holds the session's lock.
        row: the session as it stands.
        decided: the stage in which a decision was just taken.
        now: the present instant.
    """
    session.flush()
    before = write.open_owed(session, row.id)
    flagged_at, leave_asked_at = reviews.waiting_since(session, row.id)
    waiting = WaitingDecision(
        row.region_code, row.ends_at, row.state == SessionState.PUBLISHED, flagged_at, leave_asked_at
    )
    after = owed(waiting, now)
    write.record(session, _subject(row), before, after, meets=met(before, after, decided), at=now)


def _subject(row: TrainingSession) -> OwedSubject:
    number = f"PX-{local_day(row.starts_at):%Y%m%d}-{row.id.hex[-4:].upper()}"
    return OwedSubject(SUBJECT, row.id, number, place_code=row.region_code)
