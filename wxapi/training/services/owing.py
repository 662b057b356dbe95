"""The duties of a training session: whoever changes what waits there writes them in one transaction, under its lock."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from operator import attrgetter
from uuid import UUID

from sqlalchemy.orm import Session

from wxapi.duties.rules.owed import Owed
from wxapi.duties.services import write
from wxapi.duties.services.write import OwedSubject
from wxapi.kernel.clock import local_day
from wxapi.training.models import TrainingSession
from wxapi.training.queries import reviews
from wxapi.training.rules.owed import WaitingDecision, met, owed
from wxapi.training.rules.sessions import SessionState

SUBJECT = "training"
# Duties that begin with the end of a session are written by its job, which comes within this time after the end.
_JOB_COMES_WITHIN = timedelta(hours=1)


def owe(session: Session, row: TrainingSession, *, decided: str | None = None, now: datetime) -> None:
    """Write what is owed for a training session now; a second call changes nothing.

    Args:
        session: the transaction; it holds the lock of the training session.
        row: the training session as it stands.
        decided: the stage in which a decision was just taken.
        now: the present instant.
    """
    session.flush()
    before, after = write.open_owed(session, row.id), owed(_waiting(session, row), now)
    write.record(session, _subject(row), before, after, meets=met(before, after, decided), at=now)


def differing(session: Session, *, now: datetime) -> Iterator[UUID]:
    """Training sessions whose open duties are not what waits for a decision there.

    Only open duties can be checked: decisions leave no history from which those that are over could be made again, as
    they can of reports. One that has just ended is left to its job.
    """
    for session_id in reviews.undecided(session):
        row = session.get_one(TrainingSession, session_id)
        waiting, written = _waiting(session, row), write.open_owed(session, row.id)
        if not any(_alike(written, owed(waiting, at)) for at in (now, now - _JOB_COMES_WITHIN)):
            yield session_id
        session.expire_all()


def _alike(some: Sequence[Owed], others: Sequence[Owed]) -> bool:
    return sorted(some, key=attrgetter("stage")) == sorted(others, key=attrgetter("stage"))


def _waiting(session: Session, row: TrainingSession) -> WaitingDecision:
    flagged_at, leave_asked_at = reviews.waiting_since(session, row.id)
    return WaitingDecision(
        row.region_code, row.ends_at, row.state == SessionState.PUBLISHED, flagged_at, leave_asked_at
    )


def _subject(row: TrainingSession) -> OwedSubject:
    number = f"PX-{local_day(row.starts_at):%Y%m%d}-{row.id.hex[-4:].upper()}"
    return OwedSubject(SUBJECT, row.id, number, place_code=row.region_code)
