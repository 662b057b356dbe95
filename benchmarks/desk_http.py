"""`GET /reports?scope=desk` with photos over HTTP, at a million reports and at ten thousand, in turns.

A county's supervisor asks for the first page of 20, all of them with a picture. Ours does what the contract asks: token
with appointments, scope, the signed address of each picture. The limit sends the very statement that ours sends, and
makes JSON of the same answer. Both cities lie on one server, so that both meet the same machine.
"""

import json
import pickle
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from benchmarks._http_load import get, granian
from benchmarks._million import COUNTY, REPORTS, cities
from benchmarks._product import environment, holder
from benchmarks._statements import sent
from benchmarks._turns import Way, in_turns, limits, postmaster
from benchmarks.report import Result
from config import Config
from wxapi.app import create_app
from wxapi.kernel.permissions import Role
from wxapi.platform.db import db

_FEW = 10_000
_CLIENTS, _PROCESSES = 8, 2
_ROUNDS, _REQUESTS, _WARM_UP = 5, 400, 100
_GOAL, _GROWTH_GOAL = 0.5, 1 / 1.3
_PATH = "/api/v1/reports?scope=desk&limit=20"
# A picture that is ready for each open report.
_PHOTOS = """
WITH open AS (SELECT id FROM reports WHERE is_open), made AS (
  INSERT INTO photos (id, owner_id, sha256, bytes, state, width, height, variants, used_by_kind, used_by_id, created_at)
  SELECT gen_random_uuid(), %(owner)s, repeat('0', 64), 900000, 'ready', 1600, 1200,
    '{"large": {"width": 1600, "height": 1200, "bytes": 300000},
      "medium": {"width": 640, "height": 480, "bytes": 60000}, "thumb": {"width": 160, "height": 160, "bytes": 8000}}',
    'report', id, now()
  FROM open RETURNING id, used_by_id
)
INSERT INTO report_photos (photo_id, report_id, purpose, position) SELECT id, used_by_id, 'report', 0 FROM made
"""


def run() -> list[Result]:
    with ExitStack() as stack:
        many, few = stack.enter_context(cities(REPORTS, _FEW))
        database = postmaster(many.connection)
        served, environs = {}, {}
        for name, city in (("many", many), ("few", few)):
            environs[name] = stack.enter_context(environment(city.url))
            supervisor = holder(environs[name], "supervisor", Role.SUPERVISOR, COUNTY)
            city.connection.execute(_PHOTOS.encode(), {"owner": supervisor.user_id})
            city.connection.execute("VACUUM (ANALYZE) photos, report_photos")
            server = stack.enter_context(granian("wsgi:front", environs[name], processes=_PROCESSES))
            served[name] = Way(name, server, _asking(_PATH, supervisor.token))
            if name == "many":
                path = Path(stack.enter_context(tempfile.TemporaryDirectory()), "statement")
                path.write_bytes(pickle.dumps(_statement(environs[name], supervisor.token)))
        plain = {**environs["many"], "PLAIN_STATEMENT": str(path)}
        asking = _asking("/reports", "")
        smallest = stack.enter_context(limits("benchmarks._desk_limit", plain, asking, processes=_PROCESSES))
        ways = [*served.values(), *smallest]
        in_turns(ways, database, clients=_CLIENTS, rounds=1, count=_WARM_UP)
        found = in_turns(ways, database, clients=_CLIENTS, rounds=_ROUNDS, count=_REQUESTS)
    name = f"desk list over HTTP, {_CLIENTS} clients"
    late, early = found["many"].percentile(99), found["few"].percentile(99)
    return [
        found["many"].result(f"{name}, {REPORTS:,} reports / bare SQL and JSON", found, _GOAL),
        Result(f"{name}, p99 at {REPORTS:,} / at {_FEW:,}", late, early, "ms", _GROWTH_GOAL),
    ]


def _asking(path: str, token: str) -> Callable[[int], list[bytes]]:
    request = get(path, {"Authorization": f"Bearer {token}"})
    return lambda count: [request] * count


def _statement(environ: dict[str, str], token: str) -> tuple[str, Any, Any]:
    """The list's own statement as the driver gets it, its values, and the answer."""
    app = create_app(Config.from_env(environ))
    client, headers = app.test_client(), {"Authorization": f"Bearer {token}"}
    client.get(_PATH, headers=headers)
    with app.app_context():
        engine = db.engine
    with sent(engine) as found:
        answer = json.loads(client.get(_PATH, headers=headers).data)
    engine.dispose()
    assert len(answer["items"]) == 20
    assert all(item["thumb_url"] for item in answer["items"])
    _token, page, *_ = found  # after it, once a second, the version of the regions is asked for
    return *page, answer
