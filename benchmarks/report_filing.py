"""`POST /reports` by 8 clients, beside the smallest honest view that files one, on the same server and database.

Ours does what the contract asks: bearer token with appointments, how often, the key's claim and answer, checks,
masking, the village and what else is near, the report, its first line of history, audit and outbox in one transaction;
once more with a photo that is claimed. The limit looks the token up and writes one row.

There are reports already, of both: of a table that was empty when a connection first checked a foreign key, or looked
for a photo, PostgreSQL reads all rows from then on until it is analysed: the longer it takes, the dearer a report.
"""

import json
import uuid
from itertools import cycle

from benchmarks._http_load import granian, post
from benchmarks._scratch import Scratch, scratch
from benchmarks._turns import Way, in_turns, limits
from benchmarks.report import Result

_CLIENTS, _PROCESSES = 8, 2
_ROUNDS, _REQUESTS, _WARM_UP = 7, 600, 200
# Nobody files more than 30 a minute.
_PEOPLE = 4000
_GOALS = {"plain": 0.5, "with a photo": 0.35}
_PLAIN_TABLE = (
    "CREATE TABLE plain_reports (id uuid PRIMARY KEY, user_id uuid NOT NULL REFERENCES users, category_code text,"
    " description text, longitude float8, latitude float8, created_at timestamptz NOT NULL)"
)
# As many as a city of this size files in two months; each with a photo and the first line of its history.
_THERE = 10_000
_FILED = (
    """
    WITH villages AS (
        SELECT code, row_number() OVER (ORDER BY code) - 1 AS place, count(*) OVER () AS many
        FROM regions WHERE level = 'village'
    )
    INSERT INTO reports (id, number, version, state, category_code, description, longitude, latitude, county_code,
        township_code, village_code, candidates, reporter_label, created_at, updated_at)
    SELECT md5('r' || n)::uuid, 'JZ-' || lpad(n::text, 8, '0'), 1, 'submitted', 'E0102', '路口垃圾箱满溢',
        112.2 + n % 997 / 5000.0, 30.3 + n % 991 / 5000.0, left(code, 6), left(code, 9), code, '[]', 10 + n % 90, at, at
    FROM generate_series(1, %(count)s) AS n JOIN villages ON place = n * 7919 % many,
        LATERAL (SELECT now() - n * interval '8 minutes' AS at) AS filed
    """,
    """
    INSERT INTO report_events (report_id, at, action, to_state, role, detail)
    SELECT id, created_at, 'file', 'submitted', 'reporter', '{}' FROM reports
    """,
    """
    INSERT INTO photos (id, sha256, bytes, state, width, height, variants, used_by_kind, used_by_id, created_at,
        judged_at)
    SELECT id, repeat('0', 64), 1000, 'ready', 1600, 1200, '{}', 'report', id, created_at, created_at FROM reports
    """,
    "INSERT INTO report_photos (photo_id, report_id, purpose, position) SELECT id, id, 'report', 0 FROM reports",
    """
    INSERT INTO plain_reports (id, user_id, created_at)
    SELECT reports.id, someone.id, created_at FROM reports, (SELECT id FROM users LIMIT 1) AS someone
    """,
)
_PLACE = {"longitude": 112.2480871, "latitude": 30.3111677, "coord_type": "gcj02", "accuracy": 12.0}


class Reporters:
    """People who file in turn; `photos`: each report has one of its own that waits for the worker."""

    def __init__(self, scratch: Scratch, path: str, *, photos: bool = False) -> None:
        self._scratch, self._path, self._photos = scratch, path, photos
        self._people = cycle(scratch.people(_PEOPLE))

    def requests(self, count: int) -> list[bytes]:
        made, photos = [], []
        for _ in range(count):
            token, user_id = next(self._people)
            photo_id = uuid.uuid4()
            photos.append((photo_id, user_id))
            body = {
                "category_code": "E0102",
                "description": "路口垃圾箱满溢",
                "photo_ids": [str(photo_id)] if self._photos else [],
                "location": _PLACE,
                "address": "立新街道江津西路",
            }
            headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": uuid.uuid4().hex}
            made.append(post(self._path, json.dumps(body, ensure_ascii=False).encode(), headers))
        if self._photos:
            self._enter(photos)
        return made

    def _enter(self, photos: list[tuple[uuid.UUID, uuid.UUID]]) -> None:
        with self._scratch.connection.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO photos (id, owner_id, sha256, bytes, state, created_at)"
                " VALUES (%s, %s, repeat('0', 64), 1000, 'pending', now())",
                photos,
            )


def fill(made: Scratch) -> None:
    """Put reports in, where there are regions, people and the limit's table."""
    for statement in _FILED:
        made.connection.execute(statement.replace("%(count)s", str(_THERE)).encode())
    made.connection.execute("VACUUM ANALYZE")


def run() -> list[Result]:
    with scratch(city=True) as made:
        made.connection.execute(_PLAIN_TABLE)
        plain, with_photo = Reporters(made, "/api/v1/reports"), Reporters(made, "/api/v1/reports", photos=True)
        filing = Reporters(made, "/reports")
        fill(made)
        with (
            granian("wsgi:front", made.environ, processes=_PROCESSES) as ours,
            limits("benchmarks._filing_limit", made.environ, filing.requests, processes=_PROCESSES) as smallest,
        ):
            ways = [
                Way("plain", ours, plain.requests),
                Way("with a photo", ours, with_photo.requests),
                *smallest,
            ]
            in_turns(ways, made.database, clients=_CLIENTS, rounds=1, count=_WARM_UP)
            found = in_turns(ways, made.database, clients=_CLIENTS, rounds=_ROUNDS, count=_REQUESTS)
    return [
        found[name].result(f"POST /reports, {_CLIENTS} clients, {name}", found, goal) for name, goal in _GOALS.items()
    ]
