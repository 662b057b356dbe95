"""Keeping the sums of months that are over: the job that counts them, and whether they are what counting gives now."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta

from sqlalchemy.orm import Session

from wxapi.kernel.clock import local_day
from wxapi.platform import sweeps
from wxapi.platform.db import db, transaction
from wxapi.supervision.queries import kept
from wxapi.supervision.queries.kept import Month

# This year and the one before, which figures are compared with.
MONTHS_KEPT = 25
# Of a run; one takes some hundredths of a second for ten thousand reports.
_AT_ONCE = 400


def keep_months(*, now: datetime) -> int:
    """Count every month of a county that is over and not kept, or marked; returns how many.

    A month that cannot be counted stops no other. While another run is at it this one does nothing.
    """
    months = _months(local_day(now))
    wanted = kept.to_keep(db.session(), months, _AT_ONCE)
    db.session().rollback()  # the read is over
    done = sweeps.one_by_one("figures.keep", wanted, lambda month: _keep(month, now))
    with transaction() as session:
        if kept.alone(session):
            kept.forget_before(session, months[-1])
    return done


def _months(today: date) -> list[date]:
    """The first days of the months that are over, the latest first."""
    found = [today.replace(day=1)]
    while len(found) <= MONTHS_KEPT:
        found.append((found[-1] - timedelta(days=1)).replace(day=1))
    return found[1:]


def _keep(month: Month, now: datetime) -> bool:
    with transaction() as session:
        if not kept.alone(session):
            return False
        kept.keep(session, month, now=now)
        return True


def differing(session: Session) -> Iterator[Month]:
    """Months of counties whose kept sums are not what counting them gives; one that is marked is none of them."""
    return (month for month in kept.all_kept(session) if kept.differs(session, month))
