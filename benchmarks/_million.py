"""A city with a million reports and their duties, made by the server itself from their numbers: the same in each run.

Reports spread over 8 counties, 128 townships and 1,920 villages and over a year; one in thirty-three is open. Each has
one duty, open as the report is, and its end as a line of history. Hardly two duties took the same time.
`WXAPI_BENCH_REPORTS` makes a smaller city.
"""

import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psycopg
from sqlalchemy import Engine, create_engine
from sqlalchemy.orm import Session

from wxapi.demo.postgres import Postgres
from wxapi.kernel import setting_texts
from wxapi.platform import migrate

NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
REPORTS = int(os.environ.get("WXAPI_BENCH_REPORTS", "1000000"))
COUNTY, TOWNSHIP, VILLAGE = "421001", "421001001", "421001001001"

_REGIONS = """
INSERT INTO regions (code, name, level, parent_code)
SELECT '4210', '荆州市', 'city', NULL;
INSERT INTO regions (code, name, level, parent_code)
SELECT '4210' || lpad(c::text, 2, '0'), '县' || c, 'county', '4210' FROM generate_series(1, 8) c;
INSERT INTO regions (code, name, level, parent_code)
SELECT code || lpad(t::text, 3, '0'), '街道' || t, 'township', code
FROM regions, generate_series(1, 16) t WHERE level = 'county';
INSERT INTO regions (code, name, level, parent_code)
SELECT code || lpad(v::text, 3, '0'), '社区' || v, 'village', code
FROM regions, generate_series(1, 15) v WHERE level = 'township';
INSERT INTO units (code, region_code, name, kind, created_at)
SELECT code, code, name, 'region', '2026-01-01' FROM regions;
"""
# `n` decides everything; primes keep the columns from moving together.
_NUMBERS = """
SELECT n, '4210' || lpad((1 + n %% 8)::text, 2, '0') AS county, lpad((1 + n / 8 %% 16)::text, 3, '0') AS t,
    lpad((1 + n / 128 %% 15)::text, 3, '0') AS v, n %% 33 = 0 AS is_open,
    CAST(%(now)s AS timestamptz) - make_interval(mins => (n::bigint * 7919 %% 525600)::int) AS created,
    (ARRAY['E0101', 'E0102', 'E0103', 'E0110', 'C0102', 'C0118'])[1 + n %% 6] AS class
FROM generate_series(CAST(%(first)s AS int), CAST(%(last)s AS int)) n
"""
_REPORTS = f"""
INSERT INTO reports (id, number, version, category_code, description, longitude, latitude, address, candidates,
    county_code, township_code, village_code, desk_code, desk_county_code, desk_township_code, desk_village_code,
    reporter_label, state, is_open, routed_at, due_at, respond_due_at, resolve_due_at, created_at, updated_at)
SELECT md5('r' || n)::uuid, 'JZ-' || lpad(n::text, 8, '0'), 3, class, '菜场后门垃圾堆成山了，味道很大',
    112.2 + n %% 997 / 5000.0, 30.3 + n %% 991 / 5000.0, '立新街道', '[]', county, county || t, county || t || v,
    county || t || v, county, county || t, county || t || v, 10 + n %% 90,
    CASE WHEN is_open THEN 'accepted' ELSE 'closed' END, is_open, created,
    CASE WHEN is_open THEN created + interval '5 days' END, created + interval '2 hours', created + interval '5 days',
    created, created
FROM ({_NUMBERS}) AS numbered
"""
_DUTIES = f"""
INSERT INTO duties (id, subject_type, subject_id, subject_number, stage, seq, unit_code, unit_county_code,
    unit_township_code, unit_village_code, place_code, place_county_code, place_township_code, place_village_code,
    class_code, clock, limit_s, origin_at, started_at, due_at, met_at, used_s, rung, next_rung_at)
SELECT md5('d' || n)::uuid, 'report', md5('r' || n)::uuid, 'JZ-' || lpad(n::text, 8, '0'), 'resolve', 1,
    county || t || v, county, county || t, county || t || v, county || t || v, county, county || t, county || t || v,
    class, 'office', 144000, created, created, created + interval '5 days',
    CASE WHEN NOT is_open THEN created + make_interval(hours => n %% 150) END,
    CASE WHEN NOT is_open THEN n::bigint * 7919 %% 540000 END, 0, NULL
FROM ({_NUMBERS}) AS numbered
"""
# How a report ended; every third reporter rates it.
_EVENTS = f"""
INSERT INTO report_events (report_id, at, action, from_state, to_state, role, desk_code, detail, county_code,
    township_code, village_code, category_code, held_by, rating)
SELECT md5('r' || n)::uuid, created + make_interval(hours => n %% 150), CASE WHEN n %% 3 = 0 THEN 'confirm'
    ELSE 'auto_close' END, 'resolved', 'closed', 'system', county || t || v,
    CASE WHEN n %% 3 = 0 THEN jsonb_build_object('rating', 1 + n %% 5) ELSE '{{}}' END,
    county, county || t, county || t || v, class, county || t || v, CASE WHEN n %% 3 = 0 THEN 1 + n %% 5 END
FROM ({_NUMBERS}) AS numbered WHERE NOT is_open
"""
_AT_ONCE = 100_000


def more_reports(connection: psycopg.Connection, first: int, last: int) -> None:
    """The reports of these numbers, without duties and history."""
    connection.execute(_REPORTS.encode(), {"first": first, "last": last, "now": NOW})


@dataclass(frozen=True)
class City:
    """The big city: the session ours uses, the plain connection of the limit, the database's address."""

    session: Session
    connection: psycopg.Connection
    url: str


@contextmanager
def city() -> Iterator[City]:
    """A server of its own with the big city in it; takes a minute or two to make."""
    with cities(REPORTS) as (big,):
        yield big


@contextmanager
def cities(*sizes: int) -> Iterator[list[City]]:
    """A server of its own with a city of each size in it, each in a database of its own."""
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        server = Postgres(Path(name))
        server.start()
        stack.callback(server.stop)
        yield [stack.enter_context(_filled(server.ensure_database(f"city_{size}"), size)) for size in sizes]


@contextmanager
def _filled(url: str, size: int) -> Iterator[City]:
    migrate.upgrade(url)
    engine: Engine = create_engine(setting_texts.database_url(url))
    with psycopg.connect(url, autocommit=True) as connection, Session(engine) as session:
        connection.execute(_REGIONS.encode())
        for first in range(0, size, _AT_ONCE):
            span = {"first": first, "last": min(first + _AT_ONCE, size) - 1, "now": NOW}
            connection.execute(_REPORTS.encode(), span)
            connection.execute(_DUTIES.encode(), span)
            connection.execute(_EVENTS.encode(), span)
        connection.execute("TRUNCATE figure_marks")  # nothing is kept yet
        connection.execute("VACUUM (ANALYZE) reports, duties, report_events")
        yield City(session, connection, url)
    engine.dispose()
