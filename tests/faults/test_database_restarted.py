"""The database restarts under waiting processes."""

from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from config import Config
from tests.faults.conftest import Bench
from tests.faults.sample import EFFECTS
from wxapi.demo.embedded import Postgres, Valkey
from wxapi.platform import migrate

pytestmark = pytest.mark.processes

_CUT = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE datname = current_database() AND starts_with(application_name, 'wxapi')"
)


def test_everything_goes_on_after_a_restart(make_config: Callable[..., Config], valkey: Valkey, tmp_path: Path) -> None:
    server = Postgres(tmp_path / "postgres")
    server.start()
    with psycopg.connect(server.draft_database("draft"), autocommit=True) as connection:
        connection.execute("CREATE TABLE of_a_start_that_was_cut_off ()")
    migrate.upgrade(server.draft_database("draft"))
    server.rename_database("draft", "wxapi")
    url = server.url("wxapi")
    with psycopg.connect(url, autocommit=True) as connection:
        assert connection.execute("SHOW synchronous_commit").fetchall() == [("on",)]
        assert connection.execute("SELECT to_regclass('of_a_start_that_was_cut_off')").fetchall() == [(None,)]
        connection.execute(EFFECTS)
    bench = Bench(
        make_config(database_url=url, redis_url=valkey.url, log_level="INFO"),
        valkey,
        tmp_path,
    )
    try:
        program = bench.start()
        program.await_event("worker_ready", count=4)
        bench.record("note", "before")
        bench.await_done()
        server.stop()
        program.await_event("database_away")
        server.start()
        bench.record("note", "after")
        bench.await_done(30)
        assert bench.effects() == ["before", "after"]
        assert program.events("process_ended") == []
    finally:
        bench.end()
        server.stop()


def test_connections_are_cut_between_two_jobs(bench: Bench) -> None:
    """As a restart does it; the worker's next job finds out, and does not cost a lease."""
    bench.start().await_event("worker_ready", count=4)
    for round_ in range(3):
        bench.record("note", f"{round_}")
        bench.await_done(20)
        bench.sql(_CUT)
    assert bench.effects() == ["0", "1", "2"]
