"""`GET /reports/{id}` with 20 lines of history and 6 photos, beside its own SQL sent by psycopg and `json.dumps`.

A whole request through Flask in this process: token, guard, scope, words and pictures of this person, addresses that
are signed anew, shaping. The limit sends the one statement of that request, scope included, and makes JSON of the same
answer. While that request took five statements, so did the limit, and was slower for it.
"""

import io
import json
import uuid
from collections.abc import Callable
from statistics import median
from time import perf_counter, process_time
from typing import Any
from unittest.mock import patch

from flask import Flask
from sqlalchemy import event
from werkzeug.test import EnvironBuilder

from benchmarks._machine import cpu_seconds, watched
from benchmarks._scratch import Scratch, scratch
from benchmarks.report import Result
from config import Config
from wxapi.app import create_app
from wxapi.platform import engine
from wxapi.platform.db import db
from wxapi.platform.driver import rows_of

_ROUNDS, _CALLS = 60, 10
_LINES, _PHOTOS = 20, 6
_GOAL = 0.4
_VILLAGE = "421002001001"
_ROWS = f"""
WITH report AS (
  INSERT INTO reports (id, number, version, category_code, description, longitude, latitude, address, candidates,
    county_code, township_code, village_code, desk_code, desk_county_code, desk_township_code, desk_village_code,
    reporter_id, reporter_label, state, created_at, updated_at)
  VALUES (%(id)s, 'JZ-BENCHMRK', 20, 'E0102', '菜场后门垃圾堆成山了', 112.25, 30.31, '立新街道', '[]',
    '421002', '421002001', '{_VILLAGE}', '{_VILLAGE}', '421002', '421002001', '{_VILLAGE}',
    %(reporter)s, 27, 'accepted', now(), now())
), lines AS (
  INSERT INTO report_events (report_id, at, action, from_state, to_state, actor_id, role, unit_code, note, detail)
  SELECT %(id)s, now(), CASE WHEN n = 1 THEN 'file' ELSE 'note' END, CASE WHEN n > 1 THEN 'accepted' END, 'accepted',
    %(reporter)s, CASE WHEN n = 1 THEN 'reporter' ELSE 'community_worker' END,
    CASE WHEN n > 1 THEN '{_VILLAGE}' END, '已到现场查看', '{{}}' FROM generate_series(1, {_LINES}) n
), photos AS (
  INSERT INTO photos (id, owner_id, sha256, bytes, state, width, height, variants, used_by_kind, used_by_id, created_at)
  SELECT md5('p' || n)::uuid, %(reporter)s, repeat('0', 64), 900000, 'ready', 1600, 1200,
    '{{"large": {{"width": 1600, "height": 1200, "bytes": 300000}}, "medium": {{"width": 640, "height": 480, "bytes":
    60000}}, "thumb": {{"width": 160, "height": 160, "bytes": 8000}}}}', 'report', %(id)s, now()
  FROM generate_series(1, {_PHOTOS}) n RETURNING id
)
INSERT INTO report_photos (photo_id, report_id, purpose, position)
SELECT id, %(id)s, 'report', row_number() OVER () FROM photos
"""


def run() -> list[Result]:
    with scratch(city=True) as made:
        app = create_app(Config.from_env(made.environ))
        path, headers = report(made)
        ours = _asking(app, path, headers)
        with app.app_context():
            statements = _statements(ours)
        answer = json.loads(app.test_client().get(path, headers=headers).data)
        assert (len(answer["timeline"]), len(answer["photos"])) == (_LINES, _PHOTOS)

        def bare() -> None:
            for sql, values in statements:
                made.connection.execute(sql, values).fetchall()
            json.dumps(answer, ensure_ascii=False).encode()

        processor = [0.0, 0.0]
        with watched(made.database) as machine:
            pairs = []
            for _ in range(_ROUNDS):
                pair = []
                for n, measure in enumerate((ours, bare)):
                    before = process_time() + cpu_seconds(made.database)
                    pair.append(_microseconds(measure))
                    processor[n] += process_time() + cpu_seconds(made.database) - before
                pairs.append(tuple(pair))
        print(f"  {len(statements)} statement(s) beside the look at the token; {machine}")
        with app.app_context():
            db.engine.dispose()
    best = [min(column) for column in zip(*pairs, strict=True)]
    middle = [median(column) for column in zip(*pairs, strict=True)]
    name = f"GET /reports/{{id}}, {_LINES} lines and {_PHOTOS} photos / bare SQL"
    return [
        Result(
            name,
            best[0],
            best[1],
            "µs",
            _GOAL,
            of_medians=middle[1] / middle[0],
            of_processor=processor[1] / processor[0],
        )
    ]


def report(made: Scratch) -> tuple[str, dict[str, str]]:
    """A report of that kind: its address, and the headers of its reporter."""
    (token, reporter) = made.people(1)[0]
    report_id = uuid.uuid4()
    made.connection.execute(_ROWS.encode(), {"id": report_id, "reporter": reporter})
    return f"/api/v1/reports/{report_id}", {"Authorization": f"Bearer {token}"}


def _asking(app: Flask, path: str, headers: dict[str, str]) -> Callable[[], None]:
    """A whole request, handed over as a server does it: Flask's test client takes a tenth of it for itself."""
    environ = EnvironBuilder(path=path, headers=list(headers.items())).get_environ()

    def begin(status: str, _headers: Any, _error: Any = None) -> Callable[[bytes], object]:
        assert status == "200 OK"
        return io.BytesIO().write

    def ask() -> None:
        parts: Any = app(environ | {"wsgi.input": io.BytesIO()}, begin)
        b"".join(parts)
        if hasattr(parts, "close"):  # WSGI leaves it to the app; an answer that is whole has nothing to close
            parts.close()

    return ask


def _statements(ask: Callable[[], None]) -> list[tuple[str, dict[str, Any]]]:
    """What a warm request sends to the driver after the look at the token."""
    sent: list[tuple[str, dict[str, Any]]] = []

    def note(pooled: Any, driver: Any, sql: str, values: dict[str, Any], **how: bool) -> list[tuple[Any, ...]]:
        sent.append((sql, values))
        return rows_of(pooled, driver, sql, values, **how)

    def refuse(*_: Any) -> None:
        raise RuntimeError("a statement that does not go to the driver as it is, and so is not counted")

    for _ in range(3):
        ask()
    event.listen(db.engine, "before_cursor_execute", refuse)
    with patch.object(engine, "rows_of", note):
        ask()
    event.remove(db.engine, "before_cursor_execute", refuse)
    return sent[1:]


def _microseconds(measure: Callable[[], None]) -> float:
    start = perf_counter()
    for _ in range(_CALLS):
        measure()
    return (perf_counter() - start) / _CALLS * 1e6
