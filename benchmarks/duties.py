"""Panorama and a year's statistics over a million reports and duties, and the inbox among 200,000 open ones, beside
their bare SQL in the same run.

The limit of a page sends the very statement that ours sends and takes the rows; the limit of statistics counts by one
plain GROUP BY over the same duties, with none of the classes that tell who answers, and neither steps nor times. A year
is counted from the rows alone, and again when the job has kept the months that are over.
"""

import sys
import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from itertools import product as product_of
from statistics import median
from time import perf_counter
from typing import Any

import psutil
from flask import Flask
from sqlalchemy import text

from benchmarks._million import COUNTY, NOW, REPORTS, TOWNSHIP, VILLAGE, City, city
from benchmarks._product import appointed, product
from benchmarks._statements import sent
from benchmarks.report import Result, p95
from wxapi.duties.queries import lists
from wxapi.duties.queries.lists import DutyFilter
from wxapi.duties.rules.scope import acts_for
from wxapi.identity.queries import actor_of
from wxapi.kernel.actor import Actor, Appointment
from wxapi.kernel.clock import local_day
from wxapi.kernel.permissions import Role
from wxapi.platform.db import db
from wxapi.supervision.queries import statistics
from wxapi.supervision.queries.periods import Wanted
from wxapi.supervision.services import board, keeping, panorama
from wxapi.supervision.services import statistics as services
from wxapi.supervision.services.statistics import Question

_WORKER = Actor(uuid.UUID(int=1), (Appointment(Role.COMMUNITY_WORKER, VILLAGE),))
# Appointed for a whole township in the worker's role: acts for 16 offices at once.
_BUSY = Actor(uuid.UUID(int=2), (Appointment(Role.COMMUNITY_WORKER, TOWNSHIP),))
_ROUNDS = 60
_GOAL_PAGE, _GOAL_YEAR, _GOAL_LOOK, _GOAL_SLOWEST = 0.5, 0.4, 0.3, 0.3
_BARE_YEAR = """
SELECT place_township_code, count(*), count(*) FILTER (WHERE met_at <= due_at), count(*) FILTER (WHERE met_at > due_at),
    count(*) FILTER (WHERE met_at IS NULL)
FROM duties WHERE {place} AND stage = 'resolve' AND due_at >= %(since)s AND due_at < %(until)s
GROUP BY 1
"""
_BARE_LOOK = """
SELECT township_code, count(*), count(*) FILTER (WHERE due_at < %(now)s) FROM reports
WHERE {place} AND is_open
GROUP BY 1
"""


def run() -> list[Result]:
    print(f"making {REPORTS:,} reports and duties ...", file=sys.stderr, flush=True)
    with city() as big, product(big) as app:
        found = _year(big, "counted")
        _keep(app, big)
        found += [*_year(big, "months kept"), *_questions(app, big), *_look(app, big)]
        _open_more(big)
        return [*found, *_inbox(big)]


def _open_more(big: City) -> None:
    """Open duties again until a fifth of all are: 200,000 of a million."""
    still = "SELECT count(*) FROM duties WHERE met_at IS NULL AND dropped_at IS NULL"
    more = max(0, REPORTS // 5 - big.connection.execute(still.encode()).fetchall()[0][0])
    # By id, which follows from the number as a digest: all places and times alike.
    chosen = "SELECT id FROM duties WHERE met_at IS NOT NULL ORDER BY id LIMIT %s"
    big.connection.execute(f"UPDATE duties SET met_at = NULL, used_s = NULL WHERE id IN ({chosen})".encode(), (more,))
    big.connection.execute("VACUUM (ANALYZE) duties")
    opened = big.connection.execute(still.encode()).fetchall()[0][0]
    print(f"  {opened:,} duties are open")


def _inbox(big: City) -> list[Result]:
    results = []
    for name, actor in (("one village", _WORKER), ("a township's villages", _BUSY)):
        arms = lists.own_arms(actor, acts_for(actor))

        def ours(arms: Any = arms) -> object:
            return lists.page(big.session, arms, DutyFilter(state="open"), after=None, limit=20, now=NOW)

        bare = _bare(big, ours)
        took, limit = _turns(ours, bare)
        _say(f"inbox of {name}", took, 30)
        results.append(Result(f"inbox of {name}, p95 / bare SQL", p95(took), p95(limit), "ms", _GOAL_PAGE))
    arms = lists.own_arms(_BUSY, acts_for(_BUSY))

    def counts() -> object:
        return lists.counts(big.session, arms, now=NOW, today=local_day(NOW))

    took, limit = _turns(counts, _bare(big, counts))
    results.append(Result("figures of the inbox, p95 / bare SQL", p95(took), p95(limit), "ms", _GOAL_PAGE))
    return results


def _keep(app: Flask, big: City) -> None:
    """What the job does, the first time."""
    start = perf_counter()
    with app.app_context():
        months = keeping.keep_months(now=NOW)
    print(f"  {months} months of counties kept in {perf_counter() - start:.1f} s")
    big.connection.execute("VACUUM (ANALYZE) figure_marks, figure_months, figure_sums, figure_times")


def _year(big: City, how: str) -> list[Result]:
    return [
        _year_of(big, region, f"{name}, {how}") for region, name in ((COUNTY, "a county"), (COUNTY[:4], "the city"))
    ]


def _year_of(big: City, region: str, name: str) -> Result:
    today = local_day(NOW)
    wanted = Wanted(today - timedelta(days=365), today + timedelta(days=1), region, group_by="place", level="township")
    since, until = wanted.period

    def ours() -> object:
        return statistics.count(big.session, wanted, as_of=NOW), statistics.times(big.session, wanted, as_of=NOW)

    def bare() -> object:
        values = {"region": region, "since": since, "until": until}
        return big.connection.execute(_at(_BARE_YEAR, "place_county_code", region), values).fetchall()

    took, limit = _turns(ours, bare, rounds=8)
    _say(f"a year by township of {name}", took, 400)
    return Result(f"a year by township of {name} / one GROUP BY", p95(took), p95(limit), "ms", _GOAL_YEAR)


def _questions(app: Flask, big: City) -> list[Result]:
    """Each grouping with each filter that a city is told of, for a year: the database's own processor time.

    Others on the machine move it little, so that one turn after another is enough.
    """
    person = appointed(app, "a supervisor who asks all", Role.SUPERVISOR, COUNTY[:4])
    with app.app_context():
        actor = actor_of(db.session(), person, today=local_day(NOW))
        every = [_of_a_year(actor, question) for question in _every_question()]
        db.session().rollback()
    big.session.execute(text("SET max_parallel_workers_per_gather = 0"))
    backend = psutil.Process(big.session.scalar(text("SELECT pg_backend_pid()")))
    took = {}
    for wanted in every:

        def asked(wanted: Wanted = wanted) -> None:
            statistics.count(big.session, wanted, as_of=NOW)
            statistics.times(big.session, wanted, as_of=NOW)

        took[wanted] = _processor_ms(backend, asked)
    since, until = every[0].period

    def bare() -> None:
        sql = _at(_BARE_YEAR, "place_county_code", COUNTY[:4]).decode()
        big.session.connection().exec_driver_sql(sql, {"region": COUNTY[:4], "since": since, "until": until})

    limit = _processor_ms(backend, bare)
    big.session.rollback()
    for wanted, ms in sorted(took.items(), key=lambda each: -each[1])[:5]:
        of = ", ".join(filter(None, (wanted.level, wanted.class_code, wanted.unit)))
        days = (wanted.until - wanted.since).days
        print(f"  by {wanted.group_by} ({of}), {days} days: {ms:.0f} ms of the database's processor")
    slowest = max(took.values())
    print(f"  {len(took)} questions of a city: {'all within' if slowest <= 400 else 'some over'} 400 ms of it")
    return [Result("slowest of all questions of a city / one GROUP BY, processor", slowest, limit, "ms", _GOAL_SLOWEST)]


def _every_question() -> list[Question]:
    filters = product_of((None, "E0101", "E"), (None, VILLAGE, f"{COUNTY[:4]}-cg"))
    groups = [(group, "township") for group in ("class", "unit", "month", "kind", "none")]
    groups += [("place", level) for level in ("county", "township", "village")]
    return [
        Question(group_by=group, level=level, region=COUNTY[:4], class_code=class_code, unit=unit)
        for (class_code, unit), (group, level) in product_of(list(filters), groups)
    ]


def _of_a_year(actor: Actor, question: Question) -> Wanted:
    today = local_day(NOW)
    asked = replace(question, since=today - timedelta(days=364), until=today + timedelta(days=1))
    return services.wanted_of(actor, asked, today=today)


def _processor_ms(backend: psutil.Process, measure: Callable[[], object], rounds: int = 3) -> float:
    measure()
    before = backend.cpu_times()
    for _ in range(rounds):
        measure()
    after = backend.cpu_times()
    return (after.user - before.user + after.system - before.system) * 1000 / rounds


def _look(app: Flask, big: City) -> list[Result]:
    return [*_look_at(app, big, COUNTY, "a county"), *_look_at(app, big, COUNTY[:4], "the city")]


def _look_at(app: Flask, big: City, region: str, name: str) -> list[Result]:
    """A panorama as it is asked for: all its figures cold; what it kept, warm."""
    person = appointed(app, f"a supervisor of {name}", Role.SUPERVISOR, region)
    with app.app_context():
        actor = actor_of(db.session(), person, today=local_day(NOW))

        def warm() -> object:
            return panorama.read_panorama(actor, region, None, None, now=NOW, today=local_day(NOW))

        def cold() -> object:
            board.install(app)
            return warm()

        def bare() -> object:
            return big.connection.execute(
                _at(_BARE_LOOK, "county_code", region), {"region": region, "now": NOW}
            ).fetchall()

        took, limit = _turns(cold, bare, rounds=20)
        kept, _ = _turns(warm, bare, rounds=20)
        db.session().rollback()
    _say(f"panorama of {name}, cold", took, 300)
    _say(f"panorama of {name}, warm", kept, 20)
    return [
        Result(f"panorama of {name}, cold / its one count", p95(took), p95(limit), "ms", _GOAL_LOOK),
        Result(f"panorama of {name}, warm / cold", p95(kept), p95(took), "ms", 15.0),
    ]


def _at(sql: str, column: str, region: str) -> bytes:
    """A limit's statement about a county or the city."""
    place = f"{column} = %(region)s" if region == COUNTY else f"starts_with({column}, %(region)s)"
    return sql.format(place=place).encode()


def _say(name: str, took: list[float], budget: float) -> None:
    """Whether a figure of the contract is kept: true on a machine with nothing else to do."""
    load = psutil.getloadavg()[0] / (psutil.cpu_count() or 1)
    print(
        f"  {name}: median {median(took):.1f} ms, p95 {p95(took):.1f}, {'within' if p95(took) <= budget else 'over'}"
        f" {budget:.0f}; load {load:.1f} a processor"
    )


def _turns(ours: Callable[[], object], limit: Callable[[], object], *, rounds: int = _ROUNDS) -> Any:
    """Milliseconds of both, in turns, so that other work on the machine falls on both."""
    took: tuple[list[float], list[float]] = ([], [])
    for _ in range(rounds):
        for times, measure in zip(took, (ours, limit), strict=True):
            start = perf_counter()
            measure()
            times.append((perf_counter() - start) * 1000)
    return took


def _bare(big: City, measure: Callable[[], object]) -> Callable[[], object]:
    """The one statement of a measure, sent by psycopg alone."""
    with sent(big.session.get_bind()) as found:
        measure()
    ((statement, parameters),) = found
    return lambda: big.connection.execute(statement, parameters).fetchall()
