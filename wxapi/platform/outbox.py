"""What follows from a change is a row in the same transaction.

`record` writes it; `workers.relay` hands it to RQ; the row goes when its job is done. Until then its `due_at` is a
lease: a row whose work did not finish in time is simply due again, whatever became of Redis or a worker.
Only ids and short texts cross: payloads are read by operators.

All times of the outbox are the database's, so that the clocks of several machines need not agree; in a demo they
are as far ahead of it as the product's clock.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    DateTime,
    Identity,
    Index,
    SmallInteger,
    Text,
    false,
    func,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, Session, mapped_column

from wxapi.kernel.json_text import to_json
from wxapi.platform.db import Base, fetch, fetch_alone, write_later
from wxapi.platform.runtime import runtime

CHANNEL = "outbox"
# Rows that would wait because a clock was ahead when they were written and has been put back. No row is created in the
# future, so one that is and was due at once is due now; and no attempt is followed by a longer wait than its lease or
# its backoff (`workers.topics`, `workers.retries`). What was recorded with `not_before` waits for that time.
STRANDED = (
    "NOT dead AND due_at > now() + %(ahead)s AND ("
    "(attempts = 0 AND due_at = created_at AND created_at > now() + %(ahead)s + interval '5 seconds')"
    " OR (attempts > 0 AND due_at > now() + %(ahead)s + interval '17 minutes'"
    " + least(power(2, attempts - 1), 900) * interval '1.25 seconds'))"
)


class OutboxRow(Base):
    """One thing that is still to be done."""

    __tablename__ = "outbox"
    __table_args__ = (Index("ix_outbox_due", "due_at", "id", postgresql_where=text("NOT dead")),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    topic: Mapped[str] = mapped_column(Text)
    payload: Mapped[dict[str, Any]] = mapped_column(JSONB)
    # Name of the job to be done; None until the relay has looked the topic up (a row of several jobs becomes several).
    job: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    due_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    # How often it was handed to RQ. Only the latest attempt may run.
    attempts: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    # Given up after too many attempts; kept for the operator.
    dead: Mapped[bool] = mapped_column(server_default=false())
    last_error: Mapped[str | None] = mapped_column(Text)


class ScheduledRow(Base):
    """When a task of `workers.timetable` is next to be done."""

    __tablename__ = "schedule"

    name: Mapped[str] = mapped_column(Text, primary_key=True)
    next_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


_ADD = """
INSERT INTO outbox (topic, payload, created_at, due_at)
VALUES (%(topic)s, CAST(%(payload)s AS jsonb), now() + %(ahead)s,
        coalesce(CAST(%(not_before)s AS timestamptz), now() + %(ahead)s))
RETURNING id
"""


def record(session: Session, topic: str, *, not_before: datetime | None = None, **payload: str | int | None) -> None:
    """Note that something follows from this transaction; a trigger wakes the relay at commit."""
    ahead = runtime().clock.ahead()
    values = {"topic": topic, "payload": to_json(payload), "not_before": not_before, "ahead": ahead}
    write_later(session, _ADD, values)


_ADD_EACH = """
INSERT INTO outbox (topic, payload, created_at, due_at)
SELECT %(topic)s, CAST(%(payload)s AS jsonb) || jsonb_build_object(CAST(%(key)s AS text), each),
       now() + CAST(%(ahead)s AS interval),
       coalesce(CAST(%(not_before)s AS timestamptz), now() + CAST(%(ahead)s AS interval))
FROM unnest(CAST(%(each)s AS text[])) AS each
RETURNING id
"""


def record_each(
    session: Session, topic: str, key: str, values: Sequence[str], *, not_before: datetime | None = None, **payload: str
) -> None:
    """The same for many that differ in one key of the payload: a row each, in one statement."""
    written = {"topic": topic, "payload": to_json(payload), "key": key, "each": list(values)}
    write_later(session, _ADD_EACH, {**written, "ahead": runtime().clock.ahead(), "not_before": not_before})


def product_now() -> ColumnElement[datetime]:
    """The database's time, as far ahead as the product's clock is."""
    return func.now() + runtime().clock.ahead()


@dataclass(frozen=True, slots=True)
class Claimed:
    """A row as a job needs it: plain values, which stay readable whatever the job does to the session."""

    id: int
    topic: str
    job: str | None
    attempts: int
    payload: Mapping[str, Any]


# A worker may be quicker than the commit of the relay that sent the row: by its id alone it is waited for, where a
# condition on `attempts` would find the row as it was before. What it says of the attempt is judged afterwards.
_CLAIM = """
UPDATE outbox SET due_at = CASE WHEN attempts = %(attempt)s AND NOT dead
                               THEN now() + %(ahead)s + %(lease)s ELSE due_at END
WHERE id = %(id)s RETURNING id, topic, job, attempts, payload, dead
"""
_HOLD = "SELECT id, topic, job, attempts, payload, dead FROM outbox WHERE id = %(id)s FOR UPDATE"
_FINISH = "DELETE FROM outbox WHERE id = %(id)s RETURNING 1"


def claim(outbox_id: int, attempt: int, lease: timedelta) -> Claimed | None:
    """Start an attempt: its lease runs from now. None when the work is done, given up or handed to a later attempt."""
    values = {"id": outbox_id, "attempt": attempt, "ahead": runtime().clock.ahead(), "lease": lease}
    return _claimed(fetch_alone(_CLAIM, values), attempt)


def hold(session: Session, outbox_id: int, attempt: int) -> Claimed | None:
    """Start an attempt whose work is one transaction, in that: the row is locked until it ends, and not leased anew."""
    return _claimed(fetch(session, _HOLD, {"id": outbox_id}), attempt)


def _claimed(rows: list[tuple[Any, ...]], attempt: int) -> Claimed | None:
    if not rows:
        return None
    *columns, dead = rows[0]
    row = Claimed(*columns)
    return row if row.attempts == attempt and not dead else None


def finish(outbox_id: int) -> None:
    """The job is done, by whichever attempt."""
    fetch_alone(_FINISH, {"id": outbox_id})


def finish_with(session: Session, outbox_id: int) -> None:
    """The job is done with the commit of this transaction."""
    write_later(session, _FINISH, {"id": outbox_id})


def postpone(session: Session, outbox_id: int, attempt: int, *, error: str, delay: timedelta, give_up: bool) -> None:
    """An attempt failed: try again after `delay`, or keep the row for the operator. A later attempt is left alone."""
    session.execute(
        _quiet(
            update(OutboxRow)
            .where(OutboxRow.id == outbox_id, OutboxRow.attempts == attempt)
            .values(due_at=product_now() + delay, last_error=error, dead=give_up)
        )
    )


def _quiet(statement: Any) -> Any:
    """No session keeps OutboxRow objects, so the identity map need not be synchronised."""
    return statement.execution_options(synchronize_session=False)
