"""The database is away, busy, cut off, or refuses a value: never a 500, and no value in a log."""

import signal
from collections.abc import Callable, Iterator
from time import sleep

import pytest
from flask import Flask, Response
from sqlalchemy import text
from sqlalchemy.exc import DataError, OperationalError

from config import Config
from workers.run import OutOfTimeError
from wxapi.app import create_app
from wxapi.kernel.permissions import Permission
from wxapi.platform import driver, prepared
from wxapi.platform.db import db, transaction
from wxapi.platform.engine import fetch, fetch_alone
from wxapi.platform.guard import guard

SECRET = "13812345678"


@pytest.fixture
def away(make_config: Callable[..., Config]) -> Flask:
    """An app whose database nobody serves."""
    return create_app(make_config(database_url="postgresql+psycopg://nobody@127.0.0.1:9/nothing"))


def routed(app: Flask, view: Callable[[], Response]) -> None:
    app.view_functions["test.view"] = guard(Permission.PUBLIC)(view)
    app.url_map.add(app.url_rule_class("/test", endpoint="test.view"))


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "me"), ("GET", "reports?scope=mine"), ("POST", "training/sessions"), ("DELETE", "me")]
)
def test_a_database_that_is_away_is_503(away: Flask, method: str, path: str) -> None:
    answer = away.test_client().open(
        f"/api/v1/{path}", method=method, headers={"Authorization": f"Bearer {'x' * 43}", "Idempotency-Key": "k"}
    )
    assert (answer.status_code, answer.get_json()["code"]) == (503, "database_unavailable")
    assert int(answer.headers["Retry-After"]) > 0


@pytest.fixture
def loose_app(make_config: Callable[..., Config]) -> Iterator[Flask]:
    """An app outside every context: each request has a session of its own, as in a server."""
    app = create_app(make_config())
    yield app
    with app.app_context():
        db.engine.dispose()


def cut() -> None:
    """End the connection of this request's session, as a restart of the server does."""
    pid = db.session.execute(text("SELECT pg_backend_pid()")).scalar_one()
    with db.engine.connect() as other:
        other.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid})


def test_a_connection_lost_between_answer_and_end_costs_no_answer(loose_app: Flask) -> None:
    def view() -> Response:
        cut()
        return Response("done")

    routed(loose_app, view)
    for _ in range(3):
        answer = loose_app.test_client().get("/test")
        assert (answer.status_code, answer.get_data(as_text=True)) == (200, "done")
    assert loose_app.test_client().get("/readyz").get_json()["database"] == "ok"


def test_a_connection_lost_before_a_statement_is_503(loose_app: Flask) -> None:
    def view() -> Response:
        cut()
        db.session.execute(text("SELECT 1"))
        return Response("done")

    routed(loose_app, view)
    assert loose_app.test_client().get("/test").status_code == 503


def test_a_connection_is_lent_alive_for_one_statement_and_comes_back(
    loose_app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    def backend() -> int:
        return int(fetch_alone("SELECT pg_backend_pid()", {})[0][0])

    with loose_app.app_context():
        with db.engine.connect() as other:
            end = text("SELECT pg_terminate_backend(:pid, 5000)")
            other.execute(end, {"pid": backend()})
            with pytest.raises(OperationalError):  # a moment ago it was alive
                backend()
            second = backend()
            other.execute(end, {"pid": second})
            monkeypatch.setattr(driver, "_PING_AFTER_S", 0.0)
            assert backend() != second
            with pytest.raises(DataError):
                fetch_alone("SELECT 1 / 0", {})
        assert db.engine.pool.checkedout() == 0  # type: ignore[attr-defined]
        backend()
        with db.engine.connect() as same:
            assert same.connection.driver_connection.autocommit is False  # type: ignore[union-attr]


def test_what_a_connection_prepared_outlives_rollbacks_and_is_bounded(
    loose_app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A statement that is asked for often is planned once, whatever else its connection is used for meanwhile."""
    asked, known = "SELECT %(n)s::bigint + 40", "SELECT statement FROM pg_prepared_statements"

    def kept() -> list[str]:
        return [text for (text,) in fetch_alone(known, {}) if "bigint" in text]

    with loose_app.app_context():
        for _ in range(3):
            assert fetch_alone(asked, {"n": 2}) == [(42,)]
        for _ in range(7):  # as often as the driver takes to prepare one of its own
            db.session.execute(text("SELECT 1"))
        with db.session.begin_nested() as inner:
            inner.rollback()
        assert fetch(db.session(), asked, {"n": 3}) == [(43,)]
        db.session.rollback()
        assert kept() == ["SELECT $1::bigint + 40"]
        monkeypatch.setattr(prepared, "_MOST", len(fetch_alone(known, {})) + 1)
        for n in range(4):
            for _ in range(3):
                assert fetch_alone(f"{asked} + {n}", {"n": 2}) == [(42 + n,)]
        assert len(kept()) < 4


def test_what_a_connection_was_asked_once_is_forgotten(loose_app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """Filters and lengths of a list make more texts than memory holds, and who signs in may ask for all of them."""
    monkeypatch.setattr(prepared, "_MOST", 9)
    with loose_app.app_context():
        for n in range(25):
            for _ in range(2 - n % 2):
                assert fetch_alone(f"SELECT %(n)s::bigint + {n}", {"n": 1}) == [(n + 1,)]
        with db.engine.connect() as same:
            assert len(same.connection.info["wxapi.statements"]._asked) == 9
        for n in (24, 24):  # asked twice above
            assert fetch_alone(f"SELECT %(n)s::bigint + {n}", {"n": 1}) == [(n + 1,)]
        assert len(fetch_alone("SELECT FROM pg_prepared_statements", {})) == 1


def test_who_is_interrupted_while_a_statement_is_prepared_may_ask_again(
    loose_app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a job is that took too long: the database has the statement, and its connection does not know."""
    with loose_app.app_context():
        for _ in range(2):
            fetch_alone("SELECT 40", {})
        result = prepared.Statements._result
        with monkeypatch.context() as interrupted:

            def answered(statements: prepared.Statements) -> None:
                result(statements)
                raise TimeoutError

            interrupted.setattr(prepared.Statements, "_result", answered)
            with pytest.raises(TimeoutError):
                fetch_alone("SELECT 40", {})
        assert [fetch_alone("SELECT 40", {}) for _ in range(4)] == [[(40,)]] * 4


def test_a_job_at_its_limit_ends_in_the_middle_of_a_statement(loose_app: Flask) -> None:
    """What ends it is what its worker hears, not that the connection cannot roll back while it waits."""

    def end(*_: object) -> None:
        raise OutOfTimeError

    usual = signal.signal(signal.SIGALRM, end)
    try:
        with loose_app.app_context():
            fetch_alone("SELECT 40", {})
            signal.setitimer(signal.ITIMER_REAL, 0.2)
            with pytest.raises(OutOfTimeError), transaction() as session:
                fetch(session, "SELECT FROM pg_sleep(9)", {})
            assert fetch_alone("SELECT 41", {}) == [(41,)]
            assert db.engine.pool.checkedout() == 0  # type: ignore[attr-defined]
    finally:
        signal.signal(signal.SIGALRM, usual)


def test_statements_that_went_behind_our_back_are_503_once(loose_app: Flask) -> None:
    """By a DISCARD ALL, as what lends connections sends it; or it has the name already, of another's."""

    def view() -> Response:
        return Response(str(fetch_alone("SELECT 40", {})[0][0]))

    def by_hand(sql: str) -> None:
        with loose_app.app_context(), db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as same:
            same.execute(text(sql))

    routed(loose_app, view)
    client = loose_app.test_client()
    assert [client.get("/test").status_code for _ in range(4)] == [200] * 4
    with loose_app.app_context():
        ((name,),) = fetch_alone("SELECT name FROM pg_prepared_statements", {})
    by_hand("DISCARD ALL")
    assert [client.get("/test").status_code for _ in range(3)] == [503, 200, 200]
    by_hand(f'PREPARE "{name}" AS SELECT 2')
    assert [client.get("/test").status_code for _ in range(4)] == [503, 200, 200, 200]


def test_a_name_is_never_that_of_another_statement(loose_app: Flask) -> None:
    """Where connections are lent by transaction, who asks by name meets what others prepared, and would be answered."""
    asked = [("SELECT %(n)s::bigint + 40", 2), ("SELECT %(n)s::bigint + 50", 2), ("SELECT %(n)s + 50", None)]
    with loose_app.app_context():
        names = set()
        for sql, n in asked:
            for _ in range(3):
                fetch_alone(sql, {"n": n})
            names |= {name.partition("_")[2] for (name,) in fetch_alone("SELECT name FROM pg_prepared_statements", {})}
            db.engine.dispose()
    assert len(names) == 3


def test_a_statement_of_a_session_is_part_of_its_transaction_at_its_level(loose_app: Flask) -> None:
    with loose_app.app_context(), db.engine.connect() as other:
        session = db.session()
        session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        assert fetch(session, "SELECT current_setting('transaction_isolation')", {}) == [("repeatable read",)]
        count = "SELECT count(*) FROM moderation_traces"
        insert = "INSERT INTO moderation_traces (trace_id, at, suggest) VALUES ('a', now(), 'pass') RETURNING 1"
        assert fetch(session, insert, {}) == [(1,)]
        assert other.scalar(text(count)) == 0
        session.rollback()
        assert fetch_alone(count, {}) == [(0,)]


@pytest.mark.parametrize(
    ("statement", "status", "code", "event"),
    [
        ("SELECT CAST(:secret AS uuid)", 422, "validation_failed", "input_not_storable"),
        ("SELECT pg_sleep(5), :secret", 503, "database_unavailable", "database_busy"),
        ("SELECT nothing FROM nowhere WHERE x = :secret", 500, "internal_error", "unexpected_error"),
    ],
)
def test_failed_statements_are_told_apart_and_their_values_are_nowhere(
    loose_app: Flask, caplog: pytest.LogCaptureFixture, statement: str, status: int, code: str, event: str
) -> None:
    def view() -> Response:
        db.session.execute(text("SET LOCAL statement_timeout = 50"))
        db.session.execute(text(statement), {"secret": SECRET})
        return Response("done")

    routed(loose_app, view)
    answer = loose_app.test_client().get("/test")
    assert (answer.status_code, answer.get_json()["code"]) == (status, code)
    log = caplog.text
    assert event in log
    assert SECRET not in log
    assert SECRET not in answer.get_data(as_text=True)


def by_session(sql: str) -> object:
    return db.session.execute(text(sql)).all()


def by_driver(sql: str) -> object:
    return fetch(db.session(), sql, {})


@pytest.mark.parametrize("run", [by_session, by_driver])
@pytest.mark.parametrize(
    ("before", "statement"),
    [
        ("SET LOCAL idle_in_transaction_session_timeout = 20", "SELECT 1"),
        ("SET LOCAL transaction_timeout = 20", "SELECT 1"),
        ("SET LOCAL transaction_read_only = on", "DELETE FROM outbox RETURNING id"),
    ],
)
def test_a_connection_that_slept_or_is_a_standbys_is_503_and_given_up(
    loose_app: Flask, run: Callable[[str], object], before: str, statement: str
) -> None:
    """PostgreSQL calls all three internal errors: a machine was asleep, or the database was failed over."""
    seen = []

    def view() -> Response:
        seen.append(db.session.scalar(text("SELECT pg_backend_pid()")))
        if len(seen) == 1:
            db.session.execute(text(before))
            sleep(0.1)
        run(statement)
        return Response("done")

    routed(loose_app, view)
    answer = loose_app.test_client().get("/test")
    assert (answer.status_code, answer.get_json()["code"]) == (503, "database_unavailable")
    assert loose_app.test_client().get("/test").status_code == 200
    assert seen[0] != seen[1]


@pytest.fixture
def changing(loose_app: Flask) -> Iterator[str]:
    """A table that an upgrade changes."""
    with loose_app.app_context(), db.engine.begin() as owner:
        owner.execute(text("CREATE TABLE changing (n integer)"))
    yield "changing"
    with loose_app.app_context(), db.engine.begin() as owner:
        owner.execute(text("DROP TABLE changing"))


def test_a_plan_that_an_upgrade_made_stale_is_503_once(loose_app: Flask, changing: str) -> None:
    def view() -> Response:
        fetch_alone(f"SELECT n FROM {changing}", {})
        return Response("done")

    routed(loose_app, view)
    client = loose_app.test_client()
    assert {client.get("/test").status_code for _ in range(10)} == {200}  # the driver keeps its plan from the sixth on
    with loose_app.app_context(), db.engine.begin() as other, db.engine.begin() as owner:
        other.execute(text("SELECT 1"))  # the connection that kept the plan
        owner.execute(text(f"ALTER TABLE {changing} ALTER n TYPE bigint"))
    assert [client.get("/test").status_code for _ in range(2)] == [503, 200]


def test_the_text_of_a_failed_statement_holds_no_value(open_app: Flask) -> None:
    with pytest.raises(Exception, match="hide_parameters") as caught:
        db.session.execute(text("SELECT nothing FROM nowhere WHERE x = :secret"), {"secret": SECRET})
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("statement_timeout", "15s"),
        ("lock_timeout", "5s"),
        ("idle_in_transaction_session_timeout", "1min"),
        ("TimeZone", "UTC"),
        ("jit", "off"),
    ],
)
def test_a_connection_has_limits_whatever_the_server_is_set_to(open_app: Flask, setting: str, value: str) -> None:
    assert db.session.scalar(text(f"SHOW {setting}")) == value
