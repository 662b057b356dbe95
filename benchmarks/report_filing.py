"""`POST /reports` by 8 clients on 2 API processes, beside the smallest honest view on the same server and database.

Ours does what the contract asks: bearer token with appointments, repeats by Idempotency-Key, the place found among
2,000 villages, report, history, audit and outbox in one transaction, the whole report answered; once more with a photo
that is claimed. The limit looks the token up and writes one row.
"""

import json
import tempfile
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psycopg

from benchmarks._clients import send
from benchmarks._http_load import granian, post
from benchmarks.report import Result
from config import Config
from wxapi.demo import embedded
from wxapi.demo.prepare import prepare
from wxapi.demo.settings import DemoSettings, keys_of, product_environment
from wxapi.identity.queries import digest_of
from wxapi.kernel.ids import new_token

_CLIENTS, _PROCESSES = 8, 2
_ROUNDS, _REQUESTS = 5, 800
# The claim is a statement more and a row changed.
_GOALS = {"plain": 0.3, "with a photo": 0.25}
_PLAIN_TABLE = (
    "CREATE TABLE plain_reports (id uuid PRIMARY KEY, user_id uuid NOT NULL REFERENCES users, category_code text,"
    " description text, longitude float8, latitude float8, created_at timestamptz NOT NULL)"
)
_PLACE = {"longitude": 112.2480871, "latitude": 30.3111677, "coord_type": "gcj02", "accuracy": 12.0}


def run() -> list[Result]:
    """Requests per second, the best of rounds taken in turns."""
    with _prepared() as environ, psycopg.connect(environ["PLAIN_DATABASE_URL"], autocommit=True) as connection:
        connection.execute(_PLAIN_TABLE)
        tokens = _tokens(connection)
        ways = ("plain", "with a photo", "limit")
        best = dict.fromkeys(ways, 0.0)
        with (
            granian("wsgi:front", environ, processes=_PROCESSES) as ours,
            granian("benchmarks._filing_limit:app", environ, processes=_PROCESSES) as limit,
        ):
            for _ in range(_ROUNDS):  # in turns, so that what else the machine does meets all of them
                for way in ways:
                    requests = _requests(connection, tokens, way)
                    seconds, _ = send(limit if way == "limit" else ours, requests, clients=_CLIENTS)
                    best[way] = max(best[way], _REQUESTS / seconds)
    return [
        Result(f"POST /reports, {_CLIENTS} clients, {way}", best[way], best["limit"], "/s", goal, higher_is_better=True)
        for way, goal in _GOALS.items()
    ]


@contextmanager
def _prepared() -> Iterator[dict[str, str]]:
    """A scratch database with Jingzhou in it, and the environment of a server that uses it."""
    with tempfile.TemporaryDirectory() as name, embedded.redis_url() as redis_url:
        folder = Path(name)
        with embedded.postgres(folder / "postgres") as url:
            settings = DemoSettings("127.0.0.1", 8000, 8001, folder, None, None, None)
            keys = keys_of(folder, database_exists=False)
            made = product_environment(settings, keys, database_url=url, redis_url=redis_url)
            (folder / "metrics").mkdir()
            environ = {
                **made,
                "WXAPI_LOG_LEVEL": "WARNING",
                "PLAIN_DATABASE_URL": url,
                "PYTHONPATH": str(Path.cwd()),
                "PLAIN_POOL": "8",
            }
            prepare(Config.from_env(environ))
            yield environ


def _tokens(connection: psycopg.Connection) -> list[tuple[str, uuid.UUID]]:
    """A token for each of fifty people without an office."""
    people = connection.execute(
        "SELECT id FROM users u WHERE NOT EXISTS (SELECT FROM appointments a WHERE a.user_id = u.id) LIMIT 50"
    ).fetchall()
    tokens = [(new_token(), row[0]) for row in people]
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO tokens (digest, user_id, created_at, last_used_at) VALUES (%s, %s, now(), now())",
            [(digest_of(token), user_id) for token, user_id in tokens],
        )
    return tokens


def _requests(connection: psycopg.Connection, tokens: Sequence[tuple[str, uuid.UUID]], way: str) -> list[bytes]:
    """A round's requests; with a photo each has one of its own that waits for the worker."""
    path = "/reports" if way == "limit" else "/api/v1/reports"
    requests, photos = [], []
    for number in range(_REQUESTS):
        token, user_id = tokens[number % len(tokens)]
        photo_id = uuid.uuid4()
        photos.append((photo_id, user_id))
        body = {
            "category_code": "E0102",
            "description": "路口垃圾箱满溢",
            "photo_ids": [str(photo_id)] if way == "with a photo" else [],
            "location": _PLACE,
            "address": "立新街道江津西路",
        }
        headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": uuid.uuid4().hex}
        requests.append(post(path, json.dumps(body, ensure_ascii=False).encode(), headers))
    if way == "with a photo":
        with connection.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO photos (id, owner_id, sha256, bytes, state, created_at)"
                " VALUES (%s, %s, repeat('0', 64), 1000, 'pending', now())",
                photos,
            )
    return requests
