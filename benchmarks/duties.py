"""Inbox, panorama and a year's statistics over a million reports and duties, beside their bare SQL in the same run.

The limit of a page sends the very statement that ours sends and takes the rows; the limit of statistics counts by one
plain GROUP BY over the same duties, with none of the classes that tell who answers, and neither steps nor times.
"""

import sys
import uuid
from collections.abc import Callable
from datetime import timedelta
from time import perf_counter
from typing import Any

from flask import Flask
from sqlalchemy import event

from benchmarks._million import COUNTY, NOW, REPORTS, TOWNSHIP, VILLAGE, City, city
from benchmarks._product import appointed, product
from benchmarks.report import Result
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
from wxapi.supervision.services import panorama

_WORKER = Actor(uuid.UUID(int=1), (Appointment(Role.COMMUNITY_WORKER, VILLAGE),))
# Appointed for a whole township in the worker's role: acts for 16 offices at once.
_BUSY = Actor(uuid.UUID(int=2), (Appointment(Role.COMMUNITY_WORKER, TOWNSHIP),))
_ROUNDS = 60
_GOAL_PAGE, _GOAL_YEAR, _GOAL_LOOK = 0.5, 0.4, 0.3
_BARE_YEAR = """
SELECT place_township_code, count(*), count(*) FILTER (WHERE met_at <= due_at), count(*) FILTER (WHERE met_at > due_at),
    count(*) FILTER (WHERE met_at IS NULL)
FROM duties WHERE place_county_code = %(county)s AND stage = 'resolve' AND due_at >= %(since)s AND due_at < %(until)s
GROUP BY 1
"""
_BARE_LOOK = """
SELECT township_code, count(*), count(*) FILTER (WHERE due_at < %(now)s) FROM reports
WHERE county_code = %(county)s AND state IN ('submitted', 'triage', 'routed', 'accepted', 'on_hold', 'resolved')
GROUP BY 1
"""


def run() -> list[Result]:
    print(f"making {REPORTS:,} reports and duties ...", file=sys.stderr, flush=True)
    with city() as big, product(big) as app:
        return [*_inbox(big), *_year(big), *_look(app, big)]


def _inbox(big: City) -> list[Result]:
    results = []
    for name, actor in (("one village", _WORKER), ("a township's villages", _BUSY)):
        arms = lists.own_arms(actor, acts_for(actor))

        def ours(arms: Any = arms) -> object:
            return lists.page(big.session, arms, DutyFilter(state="open"), after=None, limit=20, now=NOW)

        bare = _bare(big, ours)
        took, limit = _turns(ours, bare)
        _say(f"inbox of {name}", _p95(took), 30)
        results.append(Result(f"inbox of {name}, p95 / bare SQL", _p95(took), _p95(limit), "ms", _GOAL_PAGE))
    arms = lists.own_arms(_BUSY, acts_for(_BUSY))

    def counts() -> object:
        return lists.counts(big.session, arms, now=NOW, today=local_day(NOW))

    took, limit = _turns(counts, _bare(big, counts))
    results.append(Result("figures of the inbox, p95 / bare SQL", _p95(took), _p95(limit), "ms", _GOAL_PAGE))
    return results


def _year(big: City) -> list[Result]:
    today = local_day(NOW)
    wanted = Wanted(today - timedelta(days=365), today + timedelta(days=1), COUNTY, group_by="place", level="township")
    since, until = wanted.period

    def ours() -> object:
        return statistics.count(big.session, wanted, as_of=NOW), statistics.times(big.session, wanted)

    def bare() -> object:
        values = {"county": COUNTY, "since": since, "until": until}
        return big.connection.execute(_BARE_YEAR.encode(), values).fetchall()

    took, limit = _turns(ours, bare, rounds=8)
    _say("a year of a county by township", _p95(took), 400)
    return [Result("a year of a county by township / one GROUP BY", _p95(took), _p95(limit), "ms", _GOAL_YEAR)]


def _look(app: Flask, big: City) -> list[Result]:
    """A county's panorama as it is asked for: all its figures cold; what it kept, warm."""
    person = appointed(app, "a county's supervisor", Role.SUPERVISOR, COUNTY)
    with app.app_context():
        actor = actor_of(db.session(), person, today=local_day(NOW))

        def warm() -> object:
            return panorama.read_panorama(actor, COUNTY, None, None, now=NOW, today=local_day(NOW))

        def cold() -> object:
            panorama.install(app)
            return warm()

        def bare() -> object:
            return big.connection.execute(_BARE_LOOK.encode(), {"county": COUNTY, "now": NOW}).fetchall()

        took, limit = _turns(cold, bare, rounds=20)
        kept, _ = _turns(warm, bare, rounds=20)
        db.session().rollback()
    _say("panorama of a county, cold", _p95(took), 300)
    _say("panorama of a county, warm", _p95(kept), 20)
    return [
        Result("panorama of a county, cold / its one count", _p95(took), _p95(limit), "ms", _GOAL_LOOK),
        Result("panorama of a county, warm / cold", _p95(kept), _p95(took), "ms", 15.0),
    ]


def _say(name: str, took: float, budget: float) -> None:
    """Whether a figure of the contract is kept: true on a machine with nothing else to do."""
    print(f"  {name}: p95 {took:.1f} ms, {'within' if took <= budget else 'over'} {budget:.0f}")


def _turns(ours: Callable[[], object], limit: Callable[[], object], *, rounds: int = _ROUNDS) -> Any:
    """Milliseconds of both, in turns, so that other work on the machine falls on both."""
    took: tuple[list[float], list[float]] = ([], [])
    for _ in range(rounds):
        for times, measure in zip(took, (ours, limit), strict=True):
            start = perf_counter()
            measure()
            times.append((perf_counter() - start) * 1000)
    return took


def _p95(times: list[float]) -> float:
    return sorted(times)[int(len(times) * 0.95)]


def _bare(big: City, measure: Callable[[], object]) -> Callable[[], object]:
    """The one statement of a measure, sent by psycopg alone."""
    sent: list[tuple[Any, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        sent.append((statement, parameters))

    engine = big.session.get_bind()
    event.listen(engine, "before_cursor_execute", note)
    measure()
    event.remove(engine, "before_cursor_execute", note)
    ((statement, parameters),) = sent
    return lambda: big.connection.execute(statement, parameters).fetchall()
