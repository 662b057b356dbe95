"""The ways in which a right ends under a request, and whether anything was written after that: every table, briefly."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

from flask import Flask
from sqlalchemy import delete, select, text
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from tests.factories import Person
from wxapi.identity.models import AppointmentRow, Token, WebSession
from wxapi.identity.services import appointments, erasure
from wxapi.identity.services.rights import change_rights
from wxapi.platform.db import commit_so_far, db, transaction
from wxapi.platform.runtime import runtime

Ending = Callable[[Session, Person], None]
# Counts of refusals, which are written now and then.
_BESIDE = {"refused_attempts"}


def everything(session: Session) -> dict[str, str]:
    """A digest of every table, as this session sees it: of its rows in any order, which sorting would take longer for."""
    session.flush()
    tables = session.scalars(
        text("SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace")
    )
    parts = [
        f"SELECT '{table}', sum(hashtextextended(t::text, 0))::text FROM \"{table}\" t"
        for table in tables
        if table not in _BESIDE
    ]
    return {table: digest or "" for table, digest in session.execute(text(" UNION ALL ".join(parts)))}


def logs_out(session: Session, person: Person) -> None:
    for table in (Token, WebSession):
        session.execute(delete(table).where(table.user_id == person.actor.user_id))
    change_rights(session, [person.actor.user_id])


def is_erased(session: Session, person: Person) -> None:
    erasure.begin_erasure(session, person.actor.user_id, now=runtime().clock.now())


def loses_office(session: Session, person: Person) -> None:
    for row in session.scalars(select(AppointmentRow).where(AppointmentRow.user_id == person.actor.user_id)):
        appointments.close(session, row, by=None, now=runtime().clock.now())


def ended(
    app: Flask, endpoint: str, person: Person, end: Ending, send: Callable[[], TestResponse]
) -> tuple[int, set[str]]:
    """End the right after the check and before the view; the answer's status, and which tables changed after that."""
    view = app.view_functions[endpoint]
    before: dict[str, str] = {}

    @wraps(view)
    def late(*args: Any, **kwargs: Any) -> Any:
        app.view_functions[endpoint] = view
        with transaction(locking=(person.actor.user_id,)) as session:
            end(session, person)
        before.update(everything(db.session()))
        db.session.rollback()
        return view(*args, **kwargs)

    app.view_functions[endpoint] = late
    status = send().status_code
    assert before, (endpoint, status, "the request did not come to its view")
    after = everything(db.session())
    return status, {table for table in before if before[table] != after[table]}


def ends_midway(do: Callable[..., Any], person: Person, region: str | None = None) -> Callable[..., Any]:
    """`do`; an office of the person (of one region, or each) ends when one of many is done and the next not begun."""
    done = []

    def late(*args: Any, **kwargs: Any) -> Any:
        if len(done) == 1:
            with transaction(locking=(person.actor.user_id,)) as session:
                held = select(AppointmentRow).where(AppointmentRow.user_id == person.actor.user_id)
                for row in session.scalars(held.where(AppointmentRow.region_code == region) if region else held):
                    appointments.close(session, row, by=None, now=runtime().clock.now())
            commit_so_far()
        done.append(args)
        return do(*args, **kwargs)

    return late


@contextmanager
def taken_back(app: Flask) -> Iterator[None]:
    """All that is written in the block, the test's own savepoint around it."""
    db.session.remove()
    connection = db._app_engines[app][None]
    with connection.begin_nested() as savepoint:  # type: ignore[attr-defined]  # it is a connection, see in_savepoint
        try:
            yield
        finally:
            db.session.remove()
            savepoint.rollback()
