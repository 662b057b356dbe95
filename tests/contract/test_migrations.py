"""Migrations as operators run them: two at once, beside a database in use, with the rows of the last release."""

import json
import os
import re
from collections.abc import Callable, Iterator
from multiprocessing.process import BaseProcess
from pathlib import Path
from threading import Thread
from typing import Any

import psycopg
import pytest
from psycopg.types.json import Jsonb
from sqlalchemy.exc import OperationalError

from tests.processes import await_true, fork
from wxapi.platform import migrate

ROOT = Path(__file__).resolve().parents[2]
LAST_RELEASE = "0011_make_up"
ROWS: dict[str, list[dict[str, Any]]] = json.loads((ROOT / "tests/data/release_0011.json").read_text())
# Columns that a migration since then changed or dropped on purpose, and why. Everything else must be as it was.
CHANGED: dict[tuple[str, str], str] = {}
Connection = psycopg.Connection[tuple[Any, ...]]


@pytest.fixture
def empty_database(make_database: Callable[[], str]) -> str:
    return make_database()


@pytest.fixture
def connection(empty_database: str) -> Iterator[Connection]:
    with psycopg.connect(empty_database, autocommit=True) as opened:
        yield opened


def revision_of(connection: Connection) -> str:
    return str(connection.execute("SELECT version_num FROM alembic_version").fetchall()[0][0])


def test_several_operators_at_once(settings: dict[str, str], connection: Connection, tmp_path: Path) -> None:
    """Each ends well, and none of them runs a migration that another one is running."""
    several = [flask(tmp_path / str(number), "database", "upgrade", **settings) for number in range(3)]
    for process in several:
        process.join(120)
    said = [(tmp_path / str(number)).read_text() for number in range(3)]
    assert [(process.exitcode, words) for process, words in zip(several, said, strict=True)] == [
        (0, "The database has the schema of this release.\n")
    ] * 3
    assert connection.execute("SELECT count(*) FROM alembic_version").fetchall() == [(1,)]


def test_no_migration_waits_long_for_a_table(
    empty_database: str, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not the first one only: requests would queue behind it."""
    monkeypatch.setattr(migrate, "LOCK_TIMEOUT", "200ms")
    migrate.upgrade(empty_database, "0009_scenes")
    with connection.transaction():
        connection.execute("SELECT FROM training_attendance_events")
        with pytest.raises(OperationalError, match="lock timeout"):
            migrate.upgrade(empty_database, LAST_RELEASE)
    assert revision_of(connection) == "0010_retention"
    migrate.upgrade(empty_database, LAST_RELEASE)
    assert revision_of(connection) == LAST_RELEASE


def test_no_migration_fills_a_table_whose_lock_it_holds() -> None:
    """ADD COLUMN keeps all readers out until its transaction ends: many rows are filled outside of it."""
    few = {"0017_rights"}  # people who were erased
    wrong = set()
    for path in sorted((ROOT / "migrations/versions").glob("0*.py")):
        up = path.read_text().partition("def downgrade")[0]
        filled = set(re.findall(r"UPDATE (\w+)", up))
        held = set(re.findall(r'(?:ALTER TABLE |_column\(\s*"|_constraint\(\s*")(\w+)', up))
        if path.stem > LAST_RELEASE and filled & held and "autocommit_block" not in up:
            wrong.add(path.stem)
    assert wrong == few


def test_an_operator_who_waits_holds_no_index_up(empty_database: str, connection: Connection) -> None:
    """CREATE INDEX CONCURRENTLY waits for every snapshot older than its own: a waiting statement would have one."""
    lock = "hashtext('wxapi.migrations')"
    connection.execute("CREATE TABLE grown (id int)")
    connection.execute(f"SELECT pg_advisory_lock({lock})")
    second = Thread(target=migrate.upgrade, args=(empty_database,))
    second.start()
    waits = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'wxapi-migrations'"
    await_true(lambda: connection.execute(waits).fetchall() == [(1,)])
    connection.execute("SET statement_timeout = '10s'")
    connection.execute("CREATE INDEX CONCURRENTLY ix_grown ON grown (id)")
    assert connection.execute("SELECT to_regclass('reports')").fetchall() == [(None,)]
    connection.execute(f"SELECT pg_advisory_unlock({lock})")
    second.join(60)
    assert connection.execute("SELECT to_regclass('reports') IS NOT NULL").fetchall() == [(True,)]


def test_rows_of_the_last_release_survive(empty_database: str, connection: Connection) -> None:
    migrate.upgrade(empty_database, LAST_RELEASE)
    put_in(connection)
    before = {table: rows_of(connection, table) for table in ROWS}
    assert {table: len(rows) for table, rows in before.items()} == {table: len(rows) for table, rows in ROWS.items()}
    migrate.upgrade(empty_database)
    for table, rows in before.items():
        after = rows_of(connection, table)
        assert len(after) == len(rows), table
        for old in rows:
            assert any(is_kept(table, old, new) for new in after), f"{table}: {old}"


def test_what_is_over_is_marked_while_the_release_before_runs(empty_database: str, connection: Connection) -> None:
    """What stood there before, in batches; and what the API of before, which knows no such column, goes on to change."""
    migrate.upgrade(empty_database, LAST_RELEASE)
    put_in(connection)
    some = ", ".join(column for column in ROWS["reports"][0] if column not in {"id", "number", "state"})
    with connection.transaction():
        connection.execute("SET LOCAL session_replication_role = replica")
        connection.execute(
            f"INSERT INTO reports (id, number, state, {some}) SELECT gen_random_uuid(), number || n,"
            f" CASE WHEN n % 2 = 0 THEN 'closed' ELSE 'accepted' END, {some}"
            " FROM (SELECT * FROM reports LIMIT 1) one, generate_series(1, 12000) n"
        )
    migrate.upgrade(empty_database)
    wrong = "SELECT count(*) FROM reports WHERE is_open = (state IN ('closed', 'refused', 'withdrawn', 'merged'))"
    assert connection.execute(wrong).fetchall() == [(0,)]
    one = connection.execute("SELECT id FROM reports WHERE state = 'accepted' LIMIT 1").fetchall()[0]
    for state, is_open in (("resolved", True), ("closed", False), ("accepted", True), ("unheard_of", True)):
        connection.execute("UPDATE reports SET state = %s WHERE id = %s", [state, *one])
        assert connection.execute("SELECT is_open FROM reports WHERE id = %s", one).fetchall() == [(is_open,)]


def test_who_resolved_a_disputed_report_is_read_from_its_history(empty_database: str, connection: Connection) -> None:
    """Everybody once, whoever they are; where nothing was disputed `resolved_by` says enough."""
    migrate.upgrade(empty_database, LAST_RELEASE)
    put_in(connection)
    (first, second, third), (a, b) = (
        (each["id"] for each in ROWS["reports"]),
        (each["id"] for each in ROWS["users"][:2]),
    )
    connection.execute("UPDATE reports SET disputes = 2 WHERE id = ANY(%s::uuid[])", [[first, second]])
    lines = [(first, "resolve", a), (first, "dispute", b), (first, "resolve", b), (first, "resolve", a)]
    lines += [(second, "resolve", None), (second, "accept", a), (third, "resolve", a)]
    with connection.cursor() as cursor:
        cursor.execute("UPDATE report_events SET action = 'note' WHERE action = 'resolve'")
        cursor.executemany(
            "INSERT INTO report_events (id, report_id, action, actor_id, at, to_state, role, detail)"
            " VALUES (%s, %s, %s, %s, '2026-11-24', 'resolved', 'desk', '{}')",
            [(number, *line) for number, line in enumerate(lines, start=1000)],
        )
    migrate.upgrade(empty_database)
    found = dict(connection.execute("SELECT id::text, resolvers::text[] FROM reports").fetchall())
    assert {report: sorted(people) for report, people in found.items()} == {
        first: sorted([a, b]),
        second: [],
        third: [],
    }


def put_in(connection: Connection) -> None:
    """The rows of a release; in any order, as a restore does it."""
    with connection.transaction():
        connection.execute("SET LOCAL session_replication_role = replica")
        for table, rows in ROWS.items():
            connection.execute(
                f'INSERT INTO "{table}" SELECT * FROM jsonb_populate_recordset(NULL::"{table}", %s)', [Jsonb(rows)]
            )


def rows_of(connection: Connection, table: str) -> list[dict[str, Any]]:
    exists = connection.execute("SELECT to_regclass(%s)", [table]).fetchall() != [(None,)]
    assert exists, f"{table} is gone"
    return [row for (row,) in connection.execute(f'SELECT to_jsonb(each) FROM "{table}" each')]


def is_kept(table: str, old: dict[str, Any], new: dict[str, Any]) -> bool:
    """Whether every column is as it was, but for those changed on purpose."""
    kept = {column: value for column, value in old.items() if (table, column) not in CHANGED}
    return all(column in new and new[column] == value for column, value in kept.items())


def flask(log: Path, *words: str, **environ: str) -> BaseProcess:
    """An operator's command under way."""
    return fork("flask", ["--app", "wsgi", *words], {**os.environ, **environ}, log)


@pytest.fixture
def settings(empty_database: str, redis_url: str, tmp_path: Path) -> dict[str, str]:
    key = "bGxsbGxsbGxsbGxsbGxsbGxsbGxsbGxsbGxsbGxsbGw="
    return {
        "WXAPI_ENV": "development",
        "DATABASE_URL": empty_database,
        "REDIS_URL": redis_url,
        "STORAGE_URL": f"file://{tmp_path}",
        "WXAPI_PUBLIC_URL": "http://localhost",
        "WECHAT_BASE_URL": "http://127.0.0.1:9",
        "WECHAT_APPID": "wx0123456789abcdef",
        "WECHAT_SECRET": "0123456789abcdef0123456789abcdef",
        "WXAPI_ENCRYPTION_KEYS": f"k1:{key}",
        "WXAPI_LOOKUP_KEY": key,
        "WXAPI_SIGNING_KEYS": key,
        "WXAPI_LOG_LEVEL": "WARNING",
    }


def test_commands_say_in_a_sentence_what_the_database_lacks(
    settings: dict[str, str], connection: Connection, tmp_path: Path
) -> None:
    """No schema, no right, no such database, no server; never a traceback."""
    url = settings["DATABASE_URL"]
    base, mark, query = url.partition("?")
    connection.execute("DROP ROLE IF EXISTS wxapi_without_rights")
    connection.execute("CREATE ROLE wxapi_without_rights LOGIN PASSWORD 'known'")
    asked = {
        "run `flask --app wsgi database upgrade`": (("outbox", "status"), url),
        "has no right to do this": (("database", "upgrade"), as_role(url, "wxapi_without_rights:known")),
        "no such database or role": (("outbox", "status"), f"{base}_not_there{mark}{query}"),
        "does not answer": (("outbox", "status"), "postgresql://nobody@127.0.0.1:9/none"),
    }
    try:
        for number, (sentence, (words, address)) in enumerate(asked.items()):
            done = flask(log := tmp_path / str(number), *words, **{**settings, "DATABASE_URL": address})
            done.join(120)
            said = log.read_text()
            assert done.exitcode == 1, said
            assert sentence in said
            assert "Traceback" not in said
            assert len(said.splitlines()) == 1
    finally:
        connection.execute("DROP ROLE wxapi_without_rights")


def as_role(url: str, who: str) -> str:
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{who}@{rest.rpartition('@')[2]}"
