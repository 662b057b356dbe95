"""One owner of commit(), and what a deferred commit promises."""

import uuid
from collections.abc import Callable

import psycopg
import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from config import Config
from tests.conftest import NOW
from wxapi.platform import audit, patience
from wxapi.platform.audit import AuditRow
from wxapi.platform.db import db, deferred_commit, transaction
from wxapi.platform.patience import WatchedConnection


def note(session: Session, action: str = "user.consent") -> None:
    audit.record(session, uuid.uuid4(), action, subject="test:1", at=NOW)


def count() -> int:
    return db.session.scalar(select(func.count()).select_from(AuditRow)) or 0


def test_a_transaction_commits_at_its_end(app: Flask) -> None:
    with transaction() as session:
        note(session)
    db.session.rollback()
    assert count() == 1


def test_an_exception_leaves_nothing(app: Flask) -> None:
    with pytest.raises(ValueError, match="no"), transaction() as session:
        note(session)
        session.flush()
        raise ValueError("no")
    assert count() == 0


def test_transactions_do_not_nest_and_the_outer_one_is_undone(app: Flask) -> None:
    with pytest.raises(RuntimeError, match="does not nest"), transaction() as session:
        note(session)
        with transaction():
            pass
    assert count() == 0
    with transaction() as session:  # usable again
        note(session)
    assert count() == 1


def test_a_deferred_commit_makes_several_transactions_one(app: Flask) -> None:
    with pytest.raises(ValueError, match="late"), deferred_commit() as unit:
        with transaction() as session:
            note(session)
        assert unit.completed
        raise ValueError("late")
    assert count() == 0


def test_a_deferred_commit_can_keep_what_completed_before_an_error(app: Flask) -> None:
    with pytest.raises(ValueError, match="refused"), deferred_commit() as unit:
        with transaction() as session:
            note(session, "user.withdrawn")
        unit.commit()
        raise ValueError("refused")
    assert count() == 1


def test_what_is_not_answered_is_given_up(make_config: Callable[..., Config], monkeypatch: pytest.MonkeyPatch) -> None:
    """In a server's process; for a moment nobody tries to connect then, so that no thread waits for the same again."""
    url = make_config().database_url.replace("+psycopg", "", 1)
    monkeypatch.setattr(WatchedConnection, "away_until", 0.0)
    connection = patience.connect(None, None, [url], {})
    connection.execute("SELECT pg_sleep(0.3)")
    connection.longest_s = 0.2
    with pytest.raises(psycopg.OperationalError):
        connection.execute("SELECT pg_sleep(20)")
    assert connection.closed
    with pytest.raises(psycopg.OperationalError, match="just now"):
        patience.connect(None, None, [url], {})
