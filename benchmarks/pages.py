"""The desk's pages over a million reports, beside an empty page and, for the queue, its bare SQL in the same run.

A page is a whole request through Flask: cookie, guard, statements, template, packing. Judged are its p95 in
multiples of an empty page, whatever else the machine does, and how many statements it sends; whether it keeps the
milliseconds it may take is printed, and true on a machine with nothing else to do. Beside each p95 stands the median:
far apart, they tell of something rare, as a collection of Python's garbage or a neighbour.
"""

import sys
from collections.abc import Callable
from statistics import median
from time import perf_counter
from typing import Any

from flask import Flask
from flask.testing import FlaskClient

from benchmarks._million import COUNTY, NOW, REPORTS, TOWNSHIP, City, city
from benchmarks._product import appointed, product
from benchmarks._statements import sent
from benchmarks.report import Result, p95
from wxapi.identity.services.web_sessions import Device, open_session
from wxapi.kernel.permissions import Role
from wxapi.platform.db import db, transaction

_ROUNDS = 40
# At most eight empty pages; the bare SQL takes at least an eighth of the queue's time.
_GOAL, _BARE_GOAL = 0.125, 0.125
_EMPTY = "/no-page"
# Page → milliseconds at p95, statements.
_BUDGETS = {
    "queue": ("/desk", 60, 4),
    "fragment": ("/desk/rows", 40, 4),
    "map": ("/desk/map", 60, 4),
    "case": ("/desk/r/{number}", 60, 8),
}
_PEOPLE = {
    "a township's officer": (Role.TOWNSHIP_OFFICER, TOWNSHIP),
    "a county's supervisor": (Role.SUPERVISOR, COUNTY),
}


def run() -> list[Result]:
    print(f"making {REPORTS:,} reports and duties ...", file=sys.stderr, flush=True)
    with city() as big, product(big) as app:
        return [result for name, office in _PEOPLE.items() for result in _pages_of(app, big, name, *office)]


def _pages_of(app: Flask, big: City, name: str, role: Role, region: str) -> list[Result]:
    client, results = _signed_in(app, name, role, region), []
    number = _open_report(big, region)
    paths = {page: path.format(number=number) for page, (path, _, _) in _BUDGETS.items()}
    statements = {page: _statements(client, path) for page, path in paths.items()}
    queue = statements["queue"]
    measures: dict[str, Callable[[], object]] = {page: _asking(client, path) for page, path in paths.items()}
    measures |= {
        "empty": _asking(client, _EMPTY, 404),
        "bare": lambda: [big.connection.execute(*each).fetchall() for each in queue if each[0].startswith("SELECT")],
    }
    times = _in_turns(measures)
    took, half = ({page: of(each) for page, each in times.items()} for of in (p95, median))
    for page, (_, budget, most) in _BUDGETS.items():
        kept = "within" if took[page] <= budget else "over"
        print(
            f"  {page} of {name}: p95 {took[page]:.1f} ms, {kept} {budget}; {took[page] / took['empty']:.1f} × empty;"
            f" median {half[page]:.1f} ms, {half[page] / half['empty']:.1f} ×"
        )
        results += [
            Result(f"{page} of {name}, p95 / an empty page", took[page], took["empty"], "ms", _GOAL),
            Result(f"{page} of {name}, statements", len(statements[page]), most, "", 1.0),
        ]
    results.append(Result(f"queue of {name}, p95 / its bare SQL", took["queue"], took["bare"], "ms", _BARE_GOAL))
    for page, what in (("bare", "its bare SQL"), ("empty", "an empty page")):
        print(f"  queue of {name}: {what} p95 {took[page]:.1f} ms, median {half[page]:.1f} ms")
    return results


def _signed_in(app: Flask, name: str, role: Role, region: str) -> FlaskClient:
    user_id = appointed(app, name, role, region)
    with app.app_context(), transaction() as session:
        token = open_session(session, user_id, Device("Chrome 浏览器", "10.0.0.5"), now=NOW)
    client = app.test_client()
    client.set_cookie("wx", token, domain="127.0.0.1")
    return client


def _open_report(big: City, region: str) -> str:
    column = "township_code" if len(region) > len(COUNTY) else "county_code"
    query = f"SELECT number FROM reports WHERE {column} = %s AND state = 'accepted' ORDER BY number LIMIT 1"
    row = big.connection.execute(query.encode(), (region,)).fetchone()
    assert row, f"no open report in {region}"
    return str(row[0])


def _asking(client: FlaskClient, path: str, status: int = 200) -> Callable[[], object]:
    def ask() -> object:
        answer = client.get(path, base_url="http://127.0.0.1", headers={"Accept": "text/html"})
        assert answer.status_code == status, (path, answer.status_code)
        return answer

    return ask


def _statements(client: FlaskClient, path: str) -> list[tuple[Any, Any]]:
    """What a page sends once it is warm."""
    ask = _asking(client, path)
    ask()
    with client.application.app_context():
        engine = db.engine
    with sent(engine) as found:
        ask()
    return found


def _in_turns(measures: dict[str, Callable[[], object]]) -> dict[str, list[float]]:
    """Milliseconds of each, in turns, so that other work on the machine falls on all of them."""
    took: dict[str, list[float]] = {name: [] for name in measures}
    for _ in range(_ROUNDS):
        for name, measure in measures.items():
            start = perf_counter()
            measure()
            took[name].append((perf_counter() - start) * 1000)
    return took
