"""The ledger of hours: what the roll says, booked as differences, so that booking again changes nothing."""

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from wxapi.platform.db import transaction
from wxapi.training.models import HourEntry, TrainingSession
from wxapi.training.queries import roll
from wxapi.training.queries import sessions as queries
from wxapi.training.queries.scope import among
from wxapi.training.rules.attendance import IN_THE_HALL
from wxapi.training.rules.hours import Credit, city_rules, credited_states, credits_of
from wxapi.training.rules.sessions import SessionState

_ZERO = Decimal(0)
_Key = tuple[uuid.UUID, int]


@dataclass(frozen=True, slots=True)
class _Booked:
    hours: Decimal
    rule_version: str


def settle(session_id: uuid.UUID, *, now: datetime) -> int:
    """Book the hours of a session that is over; returns how many entries were needed.

    A session that has not ended, or whose end was moved, is left for its own time.
    """
    with transaction() as session:
        queries.lock_with_make_ups(session, session_id)
        return settle_if_over(session, session_id, now=now)


def settle_if_over(
    session: Session, session_id: uuid.UUID, *, now: datetime, only: Collection[uuid.UUID] | None = None
) -> int:
    """The same within the caller's transaction, after a change of the roll; `only`: of these people's rows.

    When the session is over the caller holds its lock and those of the sessions made up in it, taken before the rows.
    """
    session.flush()
    booked = book(session, session_id, now=now, only=only)
    # What was made up here counts here, or else where it was missed.
    for missed_id, user_ids in roll.made_up_in(session, session_id, only).items():
        booked += book(session, missed_id, now=now, only=user_ids)
    return booked


def book(session: Session, session_id: uuid.UUID, *, now: datetime, only: Collection[uuid.UUID] | None = None) -> int:
    """Book what the roll of one session says, when it is over and locked; returns how many entries were needed."""
    row = session.get(TrainingSession, session_id, populate_existing=True)
    if row is None or row.state == SessionState.DRAFT or row.ends_at > now:
        return 0
    entries = differences(session, row, now=now, only=only)
    session.add_all(entries)
    session.flush()
    return len(entries)


def differences(
    session: Session, row: TrainingSession, *, now: datetime, only: Collection[uuid.UUID] | None = None
) -> list[HourEntry]:
    """The entries that would bring the ledger to what the roll says; empty when it is right."""
    credits_ = _credits(row)
    versions = {credit.year: credit.rule_version for credit in credits_}
    wanted = {(user_id, credit.year): credit.hours for user_id in _credited(session, row, only) for credit in credits_}
    booked = _booked(session, row.id, only)
    entries = []
    for key in sorted(wanted.keys() | booked.keys()):
        user_id, year = key
        missing = wanted.get(key, _ZERO) - (booked[key].hours if key in booked else _ZERO)
        if missing:
            # Taken back under the rule that gave it, when no rule gives it now.
            version = versions[year] if year in versions else booked[key].rule_version
            entries.append(
                HourEntry(user_id=user_id, session_id=row.id, year=year, hours=missing, rule_version=version, at=now)
            )
    return entries


def recompute(session_ids: Sequence[uuid.UUID], *, now: datetime, write: bool) -> int:
    """Compare the ledger of some sessions with their rolls; returns how many entries differ (0 when all is right).

    Args:
        session_ids: sessions, settled or not; those that are not over are passed by.
        now: when the correcting entries are booked.
        write: book them, instead of only counting.
    """
    found = 0
    for session_id in session_ids:
        with transaction() as session:
            row = queries.locked(session, session_id)
            if row is None or row.state == SessionState.DRAFT or row.ends_at > now:
                continue
            entries = differences(session, row, now=now)
            found += len(entries)
            if write:
                session.add_all(entries)
    return found


def _credits(row: TrainingSession) -> tuple[Credit, ...]:
    if row.state == SessionState.CANCELLED:
        return ()
    return credits_of(row.kind, row.starts_at, row.ends_at, row.credit_hours, city_rules())


def _credited(session: Session, row: TrainingSession, only: Collection[uuid.UUID] | None) -> set[uuid.UUID]:
    """Who earns hours here: a make-up whose own session earns them does not earn them again."""
    states = credited_states(row.starts_at, city_rules())
    made_up_in = roll.in_states(session, row.id, states, only)
    linked = {session_id for session_id in made_up_in.values() if session_id is not None}
    elsewhere = {session_id: _earners(session, session_id, only) for session_id in linked}
    return {
        user_id
        for user_id, session_id in made_up_in.items()
        if session_id is None or user_id not in elsewhere[session_id]
    }


def _earners(session: Session, session_id: uuid.UUID, only: Collection[uuid.UUID] | None) -> set[uuid.UUID]:
    """Who earns, or will earn at its end, hours of a session for having been in its hall."""
    row = session.get_one(TrainingSession, session_id)
    if not _credits(row):
        return set()
    states = credited_states(row.starts_at, city_rules()) & IN_THE_HALL
    return set(roll.in_states(session, session_id, states, only))


def _booked(session: Session, session_id: uuid.UUID, only: Collection[uuid.UUID] | None) -> dict[_Key, _Booked]:
    query = (
        select(HourEntry.user_id, HourEntry.year, func.sum(HourEntry.hours), func.max(HourEntry.rule_version))
        .where(HourEntry.session_id == session_id)
        .group_by(HourEntry.user_id, HourEntry.year)
    )
    rows = session.execute(query if only is None else query.where(among(HourEntry.user_id, only)))
    return {(row[0], row[1]): _Booked(row[2], row[3]) for row in rows}
