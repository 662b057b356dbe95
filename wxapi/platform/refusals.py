"""Refused attempts: dead login codes, dead tokens, wrong roles. Counted by hour, place and kind, never one by one.

A flood of them must neither fill the disk nor keep the database busy: a process counts in memory and writes at most
once a second, with whatever request comes next; an hour has at most `MOST_AN_HOUR` rows, what is beyond goes into one.
"""

import threading
import uuid
from dataclasses import dataclass
from datetime import datetime
from time import monotonic
from typing import Any, cast

import structlog
from flask import Flask, Response
from sqlalchemy import BigInteger, DateTime, Identity, Index, Text, Uuid, func, select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Mapped, Session, mapped_column

from wxapi.kernel.paging import Page, decode_cursor, page_of
from wxapi.platform.db import Base, apart
from wxapi.platform.http import is_quiet
from wxapi.platform.present import this_request
from wxapi.platform.runtime import runtime

log = structlog.get_logger(__name__)
MOST_AN_HOUR = 300
_MOST_WAITING = 100
_WRITE_AFTER_S = 1.0
_STATUSES = frozenset({401, 403})
_KEY = "wxapi.refusals"
# What stands for many: endpoint, code, address, person.
_OTHERS = ("*", "others", "", None)

Kind = tuple[str, str, str, uuid.UUID | None]


class RefusedAttempt(Base):
    """How often one thing was refused within an hour. No path, no id, nothing that was sent."""

    __tablename__ = "refused_attempts"
    __table_args__ = (
        Index(
            "uq_refused_attempts_hour",
            "hour",
            "endpoint",
            "code",
            "address",
            "actor_id",
            unique=True,
            postgresql_nulls_not_distinct=True,
        ),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    hour: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    endpoint: Mapped[str] = mapped_column(Text)
    # Of the problem, such as `wx_code_invalid`.
    code: Mapped[str] = mapped_column(Text)
    address: Mapped[str] = mapped_column(Text)
    # Who was signed in; None: nobody.
    actor_id: Mapped[uuid.UUID | None] = mapped_column(Uuid)
    count: Mapped[int] = mapped_column(BigInteger)
    first_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    last_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


@dataclass(slots=True)
class _Counted:
    count: int
    first_at: datetime
    last_at: datetime


class RefusalCounter:
    """What one process has counted and not written yet."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        # What is to be written, empty most of the time.
        self.waiting: dict[tuple[datetime, Kind], _Counted] = {}
        self._written_at = 0.0
        # An attribute, so that a test may write when it wants to.
        self.write_after_s = _WRITE_AFTER_S

    def note(self, kind: Kind, at: datetime) -> None:
        """Count one refusal of a kind in its hour; beyond so many kinds all others are counted as one."""
        hour = at.replace(minute=0, second=0, microsecond=0)
        with self._lock:
            key = (hour, kind)
            if key not in self.waiting and len(self.waiting) >= _MOST_WAITING:
                key = (hour, _OTHERS)
            found = self.waiting.setdefault(key, _Counted(0, at, at))
            found.count += 1
            found.last_at = max(found.last_at, at)

    def forget(self) -> None:
        """Drop what was counted."""
        with self._lock:
            self.waiting = {}

    def write_due(self) -> None:
        """Write what was counted, if there is something and the last time was a second ago."""
        if self.waiting and monotonic() - self._written_at >= self.write_after_s:
            self.write()

    def write(self) -> None:
        """Write what was counted, apart from whatever is under way; while the database is away it waits."""
        with self._lock:
            taken, self.waiting = self.waiting, {}
            self._written_at = monotonic()
        if not taken:
            return
        try:
            _write(taken)
        except SQLAlchemyError as error:
            log.warning("refusals_wait", error=type(error).__name__)
            with self._lock:
                for key, counted in taken.items():
                    _add(self.waiting, key if len(self.waiting) < _MOST_WAITING else (key[0], _OTHERS), counted)


def install(app: Flask) -> None:
    """Count what this app refuses."""
    counter = app.extensions[_KEY] = RefusalCounter()

    @app.after_request
    def count(response: Response) -> Response:
        refused = response.status_code in _STATUSES
        if refused:
            asked = this_request()
            person = asked.actor.user_id if asked.actor else None
            kind = (asked.endpoint or "", asked.refused_code, asked.remote_addr or "", person)
            counter.note(kind, runtime().clock.now())
        # A probe waits for no database that it does not ask about.
        if counter.waiting and (refused or not is_quiet(this_request().endpoint or "")):
            counter.write_due()
        return response


def counter_of(app: Flask) -> RefusalCounter:
    """What this process has counted for the app."""
    return cast("RefusalCounter", app.extensions[_KEY])


def recent(session: Session, *, since: datetime, limit: int, cursor: str | None = None) -> Page[RefusedAttempt]:
    """What was refused since, the latest hour first: a row that is counted on meanwhile keeps its place among pages."""
    query = select(RefusedAttempt).where(RefusedAttempt.last_at >= since)
    if cursor is not None:
        hour, row_id = decode_cursor(cursor, datetime, int)
        query = query.where(tuple_(RefusedAttempt.hour, RefusedAttempt.id) < (hour, row_id))
    query = query.order_by(RefusedAttempt.hour.desc(), RefusedAttempt.id.desc()).limit(limit + 1)
    return page_of(session.scalars(query).all(), limit, lambda row: (row.hour, row.id))


def _add(waiting: dict[tuple[datetime, Kind], _Counted], key: tuple[datetime, Kind], more: _Counted) -> None:
    found = waiting.setdefault(key, _Counted(0, more.first_at, more.last_at))
    found.count += more.count
    found.first_at, found.last_at = min(found.first_at, more.first_at), max(found.last_at, more.last_at)


def _write(counted: dict[tuple[datetime, Kind], _Counted]) -> None:
    with apart() as connection:
        for hour in sorted({hour for hour, _ in counted}):
            there = connection.scalar(select(func.count()).where(RefusedAttempt.hour == hour)) or 0
            rows: dict[tuple[datetime, Kind], _Counted] = {}
            for (each, kind), more in counted.items():
                if each == hour:
                    _add(rows, (hour, kind if there + len(rows) < MOST_AN_HOUR else _OTHERS), more)
            connection.execute(_upsert(rows))


def _order_of_rows(item: tuple[tuple[datetime, Kind], _Counted]) -> tuple[datetime, str, str, str, str]:
    """One order in every process, so that two which count the same kinds do not wait in a circle."""
    hour, (endpoint, code, address, actor_id) = item[0]
    return hour, endpoint, code, address, str(actor_id or "")


def _upsert(rows: dict[tuple[datetime, Kind], _Counted]) -> Any:
    values = [
        {
            "hour": hour,
            "endpoint": endpoint,
            "code": code,
            "address": address,
            "actor_id": actor_id,
            "count": counted.count,
            "first_at": counted.first_at,
            "last_at": counted.last_at,
        }
        for (hour, (endpoint, code, address, actor_id)), counted in sorted(rows.items(), key=_order_of_rows)
    ]
    statement = insert(RefusedAttempt).values(values)
    return statement.on_conflict_do_update(
        index_elements=["hour", "endpoint", "code", "address", "actor_id"],
        set_={
            "count": RefusedAttempt.count + statement.excluded.count,
            "last_at": func.greatest(RefusedAttempt.last_at, statement.excluded.last_at),
        },
    )
