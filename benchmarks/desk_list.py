"""A desk's queue, first page and page 100, beside its own SQL sent by psycopg; and at 100,000 reports beside 10,000.

Half of the reports lie in one county, whose supervisor looks, and half are open; none has a picture yet. The limit
sends the very statement that ours sends over a plain connection, and takes the rows. Ours takes a connection of the
pool for the statement, and makes the JSON that the phone gets.
"""

import tempfile
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
from flask import Flask

from benchmarks._product import environment
from benchmarks._statements import sent
from benchmarks.report import Result, best_of
from config import Config
from wxapi.app import create_app
from wxapi.demo import embedded
from wxapi.kernel.actor import Actor, Appointment
from wxapi.kernel.paging import Page
from wxapi.kernel.permissions import Role
from wxapi.platform import migrate
from wxapi.platform.db import db
from wxapi.platform.runtime import runtime
from wxapi.platform.wire import dumps
from wxapi.regions.rules.levels import LEVEL_OF_LENGTH
from wxapi.reports.queries.lists import Order, PageRequest
from wxapi.reports.services.lists import ListedReport, desk_reports
from wxapi.reports.wire.report import report_item

_NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
_COUNTIES, _TOWNSHIPS, _VILLAGES = 8, 16, 15
_SUPERVISOR = Actor(uuid.UUID(int=1), (Appointment(Role.SUPERVISOR, "421001"),))
_FEW, _MANY = 10_000, 100_000
_PAGE, _FAR = 20, 100
_ROUNDS, _CALLS = 80, 10
_GOAL, _GROWTH_GOAL = 0.35, 0.8
_COLUMNS = (
    "id, number, version, category_code, description, longitude, latitude, address, candidates, county_code,"
    " township_code, village_code, desk_code, desk_county_code, desk_township_code, desk_village_code,"
    " reporter_label, state, is_open, due_at, respond_due_at, resolve_due_at, created_at, updated_at"
)


@dataclass(frozen=True)
class Desk:
    """A database with some reports: the product on it, and the plain connection of the limit."""

    app: Flask
    connection: psycopg.Connection

    def page(self, cursor: str | None) -> Page[ListedReport]:
        wanted = PageRequest(_PAGE, cursor)
        with self.app.app_context():
            return desk_reports(_SUPERVISOR, wanted, Order.DUE, now=_NOW)

    def answer(self, cursor: str | None) -> bytes:
        """What the view does for one page."""
        page = self.page(cursor)
        with self.app.app_context():
            sign = runtime().storage.signer()
            return dumps({"items": [report_item(row, sign) for row in page.items], "next_cursor": page.next_cursor})

    def cursor_of_page(self, number: int) -> str | None:
        cursor = None
        for _ in range(number - 1):
            cursor = self.page(cursor).next_cursor
            assert cursor, f"there are fewer than {number} pages"
        return cursor


def run() -> list[Result]:
    with _desks(_FEW, _MANY) as (few, many):
        measures: dict[str, Callable[[], object]] = {}
        for name, number in (("first page", 1), (f"page {_FAR}", _FAR)):
            few_cursor, many_cursor = few.cursor_of_page(number), many.cursor_of_page(number)
            measures[f"{name} few"] = partial(few.answer, few_cursor)
            measures[f"{name} many"] = partial(many.answer, many_cursor)
            measures[f"{name} bare"] = _bare(many, many_cursor)
        took = _microseconds(measures)
    results = []
    for name in ("first page", f"page {_FAR}"):
        ours, bare, earlier = (took[f"{name} {kind}"] for kind in ("many", "bare", "few"))
        results += [
            Result(f"desk list, {name}, {_MANY:,} reports / bare SQL", ours, bare, "µs", _GOAL),
            Result(f"desk list, {name}, {_MANY:,} / {_FEW:,} reports", ours, earlier, "µs", _GROWTH_GOAL),
        ]
    return results


def _bare(desk: Desk, cursor: str | None) -> Callable[[], object]:
    statement, parameters = _statement_of(desk, cursor)
    return lambda: desk.connection.execute(statement, parameters).fetchall()


def _statement_of(desk: Desk, cursor: str | None) -> tuple[Any, Any]:
    """The one statement of a page, as psycopg gets it."""
    with desk.app.app_context(), sent(db.engine) as found:
        desk.answer(cursor)
    page, *_ = found  # after it, once a second, the version of the regions is asked for
    return page


def _microseconds(measures: dict[str, Callable[[], object]]) -> dict[str, float]:
    """The quickest round of each, taken in turns so that other work on the machine falls on all of them."""

    def repeated(measure: Callable[[], object]) -> Callable[[], object]:
        return lambda: [measure() for _ in range(_CALLS)]

    rounds = [{name: best_of(1, repeated(each)) for name, each in measures.items()} for _ in range(_ROUNDS)]
    return {name: min(took[name] for took in rounds) / _CALLS * 1e6 for name in measures}


@contextmanager
def _desks(*sizes: int) -> Iterator[list[Desk]]:
    """A migrated database for each size, on one server."""
    codes = ["4210", *_codes("4210", 2, _COUNTIES)]
    codes += [code for county in codes[1:] for code in _codes(county, 3, _TOWNSHIPS)]
    codes += [code for town in codes[1 + _COUNTIES :] for code in _codes(town, 3, _VILLAGES)]
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        server = stack.enter_context(embedded.postgres(Path(folder)))
        yield [stack.enter_context(_desk(server, size, codes)) for size in sizes]


@contextmanager
def _desk(server: str, size: int, codes: list[str]) -> Iterator[Desk]:
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE desk_{size}".encode())
    base, mark, query = server.partition("?")
    url = f"{base.rpartition('/')[0]}/desk_{size}{mark}{query}"
    migrate.upgrade(url)
    with psycopg.connect(url, autocommit=True) as connection, environment(url) as environ:
        named = ((code, f"区域{code}", LEVEL_OF_LENGTH[len(code)].value) for code in codes)
        _copy(connection, "regions (code, name, level)", named)
        _copy(connection, f"reports ({_COLUMNS})", (_report(number) for number in range(size)))
        connection.execute("VACUUM (ANALYZE) reports")
        app = create_app(Config.from_env(environ))
        yield Desk(app, connection)
        with app.app_context():
            db.engine.dispose()


def _codes(parent: str, digits: int, count: int) -> list[str]:
    return [f"{parent}{number:0{digits}}" for number in range(1, count + 1)]


def _report(number: int) -> tuple[Any, ...]:
    """A report by arithmetic on its number: the same ones in each run, due times in no order."""
    county = f"4210{1 if number % 2 else 2 + number % (_COUNTIES - 1):02}"
    township = f"{county}{1 + number // 2 % _TOWNSHIPS:03}"
    village = f"{township}{1 + number // 32 % _VILLAGES:03}"
    is_open = number // 2 % 2 == 0
    created = _NOW - timedelta(minutes=number * 7919 % 500_000)
    due = created + timedelta(days=5) if is_open else None
    return (
        uuid.uuid5(uuid.NAMESPACE_OID, str(number)), f"JZ-{number:08}", 3, "E0102", "菜场后门垃圾堆成山了,臭得很",
        112.2 + number % 997 / 5000, 30.3 + number % 991 / 5000, "立新街道", "[]", county, township, village,
        village, county, township, village, 10 + number % 90, "accepted" if is_open else "closed", is_open, due,
        created + timedelta(hours=2), created + timedelta(days=5), created, created,
    )  # fmt: skip


def _copy(connection: psycopg.Connection, table: str, rows: Iterable[tuple[Any, ...]]) -> None:
    with connection.cursor() as cursor, cursor.copy(f"COPY {table} FROM STDIN".encode()) as copy:
        for row in rows:
            copy.write_row(row)
