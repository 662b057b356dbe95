"""What a report's duties cost: its routing with and without them, beside `POST /reports` in the same run.

All in this process, one report at a time and in turns, and told in processor time of this process and the database: so
other work on the machine moves it little.
"""

import time
import uuid
from collections.abc import Callable, Sequence
from unittest.mock import patch

from flask import Flask

from benchmarks._machine import cpu_seconds
from benchmarks._scratch import Scratch, scratch
from benchmarks.report import Result
from config import Config
from wxapi.app import create_app
from wxapi.platform.runtime import runtime
from wxapi.reports.services import duties, route

_TURNS, _EACH = 12, 50
# A tenth more at most.
_GOAL = 1 / 1.1
_BODY = {
    "category_code": "E0102",
    "description": "路口垃圾箱满溢",
    "photo_ids": [],
    "location": {"longitude": 112.241274, "latitude": 30.318933, "coord_type": "gcj02"},
    "address": "立新街道江津西路",
}


def run() -> list[Result]:
    with scratch(city=True) as made:
        app = create_app(Config.from_env({**made.environ, "WXAPI_RATE_LIMITS": "off"}))
        posts, plain, owing = _turns(made, app)
    more = owing - plain
    print(
        f"  processor ms: POST /reports {posts:.2f}, which writes no duty; routing without {plain:.2f}, with duties"
        f" {owing:.2f}: {more / plain:.0%} of the routing, {more / posts:.0%} of what POST /reports takes"
    )
    return [Result("filed and routed with duties / without, processor", posts + owing, posts + plain, "ms", _GOAL)]


def _turns(made: Scratch, app: Flask) -> tuple[float, float, float]:
    """Milliseconds a report: filed, routed without duties, routed with them; the first turn warms."""
    token = made.people(1)[0][0]
    took: tuple[list[float], list[float], list[float]] = ([], [], [])
    for _ in range(_TURNS + 1):
        ids: list[str] = []
        took[0].append(_processor_ms(made, lambda: ids.extend(_file(app, token))))  # noqa: B023 - called at once
        half = len(ids) // 2
        with patch.object(duties, "record", lambda *_: None):
            took[1].append(_processor_ms(made, lambda: _route(app, ids[:half])) * 2)  # noqa: B023
        took[2].append(_processor_ms(made, lambda: _route(app, ids[half:])) * 2)  # noqa: B023
    posts, plain, owing = (sum(times[1:]) / _TURNS / _EACH for times in took)
    return posts, plain, owing


def _file(app: Flask, token: str) -> list[str]:
    client = app.test_client()
    ids = []
    for _ in range(_EACH):
        headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": uuid.uuid4().hex}
        answer = client.post("/api/v1/reports", json=_BODY, headers=headers)
        assert answer.status_code == 201, answer.text
        ids.append(answer.get_json()["id"])
    return ids


def _route(app: Flask, ids: Sequence[str]) -> None:
    for each in ids:
        with app.app_context():
            route.route_report(uuid.UUID(each), now=runtime().clock.now())


def _processor_ms(made: Scratch, measure: Callable[[], object]) -> float:
    before = time.process_time() + cpu_seconds(made.database)
    measure()
    return (time.process_time() + cpu_seconds(made.database) - before) * 1000
