"""Files of a million rows and the climb of ten thousand duties, beside the smallest program that does the same.

The limit of a file takes the same columns by a cursor on the server and writes them with `csv` as they are; the limit
of the climb takes the rung and writes what follows from it by two statements. Whether the figures of the contract are
kept (20,000 rows a second, memory flat within 20 MB, 10,000 duties a minute) is printed: true on a machine with nothing
else to do. What a file takes of memory is judged: nothing of it may depend on how many rows there are.
"""

import csv
import sys
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from time import perf_counter, process_time
from typing import Any

import psutil
from flask import Flask

from benchmarks._million import COUNTY, NOW, REPORTS, City, city, more_reports
from benchmarks._product import appointed, product
from benchmarks.report import Result
from wxapi.duties.services import climb
from wxapi.identity.queries import actor_of
from wxapi.kernel.clock import local_day
from wxapi.kernel.coordinates import Datum
from wxapi.kernel.permissions import Role
from wxapi.platform.db import db
from wxapi.supervision.models import Export
from wxapi.supervision.rules.export_cells import MOST_XLSX_ROWS
from wxapi.supervision.services import export_making, exports
from wxapi.supervision.services.export_kinds import WantedExport

_CLIMBING = 10_000
_GOAL_CSV, _GOAL_CLIMB = 0.15, 0.05
_MOST_GROWTH_MB = 20.0
_ROWS_A_SECOND = 20_000
_SAMPLE_S = 0.1
# The columns of a report's row that stand in the file, some of them twice.
_PLAIN = (
    "number, category_code, category_code, state, county_code, township_code, village_code, address, description,"
    " longitude, latitude, desk_code, created_at, routed_at, respond_due_at, resolve_due_at, resolved_at, closed_at,"
    " card, returns, disputes, me_too_count, rating"
)


def run() -> list[Result]:
    print(f"making {REPORTS:,} reports and duties ...", file=sys.stderr, flush=True)
    with city() as big, product(big) as app:
        person = appointed(app, "a city's supervisor", Role.SUPERVISOR, COUNTY[:4])
        found = _files(app, big, person)
        _over_the_sheet(app, big, person)
        return [*found, *_climb(app, big)]


def _files(app: Flask, big: City, person: uuid.UUID) -> list[Result]:
    results = []
    begun = process_time()
    rows, took, grown = _made(app, person, WantedExport("reports", "csv", {}, None, Datum.GCJ02))
    worked = process_time() - begun
    limit = _timed(lambda: _plain(big))
    kept = "within" if rows / took >= _ROWS_A_SECOND else "under"
    print(f"  CSV of {rows:,} reports: {rows / took:,.0f} rows a second, {kept} {_ROWS_A_SECOND:,};", end=" ")
    print(f"{rows / worked:,.0f} a second of this process's own processor time")
    name = "CSV of all reports, rows / plain cursor and csv"
    results.append(Result(name, rows / took, rows / limit, "/s", _GOAL_CSV, higher_is_better=True))
    results.append(Result("CSV of all reports, memory grown", grown, _MOST_GROWTH_MB, "MB", 1.0))
    for kind, form in (("duties", "csv"), ("reports", "xlsx"), ("reports", "geojson")):
        asked = {} if kind == "duties" else {"region": COUNTY}
        datum = None if kind == "duties" else Datum.WGS84
        rows, took, grown = _made(app, person, WantedExport(kind, form, asked, None, datum))
        print(f"  {form.upper()} of {rows:,} {kind}: {rows / took:,.0f} rows a second")
        results.append(Result(f"{form.upper()} of {kind}, memory grown", grown, _MOST_GROWTH_MB, "MB", 1.0))
    return results


def _made(app: Flask, person: uuid.UUID, wanted: WantedExport) -> tuple[int, float, float]:
    """Make one file; returns rows, seconds, and by how many MB the process grew after the first fifth of the time."""
    with app.app_context():
        actor = actor_of(db.session(), person, today=local_day(NOW))
        db.session().rollback()
        export_id = exports.ask(actor, wanted, now=NOW).id
        with _memory() as sizes:
            took = _timed(lambda: export_making.make(export_id, now=NOW))
        made = db.session().get_one(Export, export_id)
        assert made.state == "ready", (made.state, made.code)
        rows = int(made.row_count or 0)
        db.session().rollback()
        exports.cancel(actor, export_id, now=NOW)
    fifth = max(1, len(sizes) // 5)
    return rows, took, max(0.1, (max(sizes) - max(sizes[:fifth])) / 2**20)


def _over_the_sheet(app: Flask, big: City, person: uuid.UUID) -> None:
    """One row more than a sheet holds: refused before the first one is written, and nothing is left of it."""
    if REPORTS < 1_000_000:
        return
    more_reports(big.connection, REPORTS, MOST_XLSX_ROWS)
    before = set(Path(tempfile.gettempdir()).glob("wxapi-export-*"))
    with app.app_context():
        actor = actor_of(db.session(), person, today=local_day(NOW))
        db.session().rollback()
        export_id = exports.ask(actor, WantedExport("reports", "xlsx", {}, None, Datum.WGS84), now=NOW).id
        took = _timed(lambda: export_making.make(export_id, now=NOW))
        made = db.session().get_one(Export, export_id)
        assert (made.state, made.code, made.file_key, made.done) == ("failed", "too_many_rows", None, 0), made.state
        db.session().rollback()
    assert set(Path(tempfile.gettempdir()).glob("wxapi-export-*")) <= before
    print(f"  XLSX of {MOST_XLSX_ROWS + 1:,} reports: refused in {took:.1f} s, nothing written")


@contextmanager
def _memory() -> Iterator[list[int]]:
    """The resident size of this process again and again, in bytes."""
    process, over = psutil.Process(), Event()
    sizes = [process.memory_info().rss]

    def look() -> None:
        while not over.wait(_SAMPLE_S):
            sizes.append(process.memory_info().rss)

    watcher = Thread(target=look, daemon=True)
    watcher.start()
    try:
        yield sizes
    finally:
        over.set()
        watcher.join()


def _plain(big: City) -> None:
    with tempfile.TemporaryFile("w", encoding="utf-8", newline="") as file, big.connection.transaction():
        cursor = big.connection.cursor(name="plain")
        cursor.itersize = 1000
        cursor.execute(f"SELECT {_PLAIN} FROM reports ORDER BY created_at, id".encode())
        csv.writer(file).writerows(cursor)


def _climb(app: Flask, big: City) -> list[Result]:
    """Ten thousand duties whose yellow card is due; then the same taken back and done by plain statements."""
    due = (
        "SELECT id FROM duties WHERE met_at IS NULL AND dropped_at IS NULL AND origin_at < %s"
        f" ORDER BY id LIMIT {_CLIMBING}"
    )
    prepare = f"UPDATE duties SET rung = 80, card = NULL, due_at = %s, next_rung_at = %s WHERE id IN ({due})"
    big.connection.execute(prepare.encode(), (NOW, NOW, NOW))
    big.connection.execute("VACUUM (ANALYZE) duties")
    with app.app_context():
        begun = perf_counter()
        climbed = climb.climb(now=NOW)
        took = perf_counter() - begun
    assert (climbed.duties, climbed.steps) == (_CLIMBING, _CLIMBING), climbed
    big.connection.execute(prepare.encode(), (NOW, NOW, NOW))
    limit = _timed(lambda: _plain_climb(big))
    kept = "within" if took <= 60 else "over"
    print(f"  {_CLIMBING:,} duties climb in {took:.1f} s, {kept} a minute")
    return [Result(f"climb of {_CLIMBING:,} duties / two statements", took, limit, "s", _GOAL_CLIMB)]


def _plain_climb(big: City) -> None:
    with big.connection.transaction():
        found = big.connection.execute(
            "UPDATE duties SET rung = 100, card = 'yellow', carded_at = next_rung_at,"
            " next_rung_at = due_at + interval '5 days' WHERE next_rung_at <= %s RETURNING id",
            (NOW,),
        ).fetchall()
        big.connection.execute(
            "INSERT INTO outbox (topic, payload) SELECT 'plain', jsonb_build_object('duty_id', id)"
            " FROM unnest(%s::uuid[]) AS climbed (id)",
            ([row[0] for row in found],),
        )


def _timed(measure: Callable[[], Any]) -> float:
    begun = perf_counter()
    measure()
    return perf_counter() - begun
