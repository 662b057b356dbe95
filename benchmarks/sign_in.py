"""`POST …/sign-ins` by 1, 8 and 32 clients, beside the smallest honest view on the same server and database.

A hall of 20,000 enrolled people signs in, each once, with position and device. Ours does what the contract asks:
bearer token with appointments, the code's seal, the window, the geofence, the look for shared devices and second
halls, one row a person. The limit looks the token up and inserts one row.
"""

import json
import tempfile
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import quantiles

import psycopg

from benchmarks._clients import send
from benchmarks._http_load import granian, post
from benchmarks.report import Result
from config import Config
from wxapi.app import create_app
from wxapi.demo import embedded
from wxapi.demo.settings import DemoSettings, keys_of, product_environment
from wxapi.identity.queries import digest_of
from wxapi.kernel.ids import new_token
from wxapi.platform import migrate
from wxapi.platform.runtime import runtime
from wxapi.training.rules import codes
from wxapi.training.services.session_cache import SECRET_PURPOSE

_PROCESSES = 2
_PEOPLE = 20_000
# clients → (rounds, requests a round); a code is good for 15 s at least, a round takes a few.
_LOADS = {1: (3, 400), 8: (8, 1200), 32: (4, 1600)}
_WARM_UP = 200
_GOAL_CLIENTS = 8
_RATE_GOAL, _P99_GOAL = 0.6, 1 / 3
_HALL = {"longitude": 112.25545, "latitude": 30.31125, "coord_type": "gcj02", "accuracy": 18.0}
_PLAIN_TABLE = (
    "CREATE TABLE plain_sign_ins (id uuid PRIMARY KEY, session_id uuid NOT NULL, user_id uuid NOT NULL"
    " REFERENCES users, code text NOT NULL, signed_in_at timestamptz NOT NULL, UNIQUE (session_id, user_id))"
)


@dataclass(frozen=True)
class Hall:
    """The session that is signed in to, and the tokens of those who do."""

    session_id: uuid.UUID
    secret: bytes
    tokens: Sequence[str]

    def requests(self, begin: int, end: int) -> dict[str, list[bytes]]:
        """The sign-ins of some of the people, with the code of this moment."""
        code = codes.scanned_code(self.session_id, self.secret, codes.step_at(datetime.now(UTC)))
        sent: dict[str, list[bytes]] = {"ours": [], "limit": []}
        for number in range(begin, end):
            body = {
                "code": code,
                "client_time": "2026-12-01T00:55:03Z",
                "location": _HALL,
                "device_id": f"device-{number}",
            }
            data = json.dumps(body).encode()
            headers = {"Authorization": f"Bearer {self.tokens[number]}"}
            sent["ours"].append(post(f"/api/v1/training/sessions/{self.session_id}/sign-ins", data, headers))
            sent["limit"].append(post(f"/sessions/{self.session_id}/sign-ins", data, headers))
        return sent


@dataclass
class Measured:
    """The best round's requests per second, and every request's milliseconds."""

    rate: float
    milliseconds: list[float]

    def percentile(self, share: int) -> float:
        """The milliseconds that so many of a hundred requests stay under."""
        return quantiles(self.milliseconds, n=100)[share - 1]


def run() -> list[Result]:
    """Requests per second and p99, rounds taken in turns; prints p50, p95 and p99 of every load."""
    with _prepared() as environ, psycopg.connect(environ["PLAIN_DATABASE_URL"], autocommit=True) as connection:
        connection.execute(_PLAIN_TABLE)
        hall = _fill_hall(connection, environ)
        connection.execute("VACUUM ANALYZE")
        with (
            granian("wsgi:front", environ, processes=_PROCESSES) as ours,
            granian("benchmarks._sign_in_limit:app", environ, processes=_PROCESSES) as limit,
        ):
            measured = _measure(hall, {"ours": ours, "limit": limit})
    for (clients, who), found in measured.items():
        times = " ".join(f"p{share} {found.percentile(share):.1f}" for share in (50, 95, 99))
        print(f"  {who:5} {clients:2} clients: {found.rate:7.0f}/s, ms: {times}")
    our_rate, limit_rate = (measured[_GOAL_CLIENTS, who].rate for who in ("ours", "limit"))
    name = f"sign in, {_GOAL_CLIENTS} clients"
    p99 = {who: measured[32, who].percentile(99) for who in ("ours", "limit")}
    return [
        Result(name, our_rate, limit_rate, "/s", _RATE_GOAL, higher_is_better=True),
        Result("sign in, p99 at 32 clients", p99["ours"], p99["limit"], "ms", _P99_GOAL),
    ]


def _measure(hall: Hall, addresses: dict[str, str]) -> dict[tuple[int, str], Measured]:
    measured = {(clients, who): Measured(0.0, []) for clients in _LOADS for who in addresses}
    for who, sent in hall.requests(0, _WARM_UP).items():
        send(addresses[who], sent, clients=8)
    begin = _WARM_UP
    for clients, (rounds, count) in _LOADS.items():
        for _ in range(rounds):
            share = hall.requests(begin, begin + count)
            begin += count
            for who, address in addresses.items():
                seconds, milliseconds = send(address, share[who], clients=clients)
                found = measured[clients, who]
                found.rate = max(found.rate, count / seconds)
                found.milliseconds += milliseconds
    return measured


@contextmanager
def _prepared() -> Iterator[dict[str, str]]:
    """A scratch database and the environment of a server that uses it."""
    with tempfile.TemporaryDirectory() as name, embedded.redis_url() as redis_url:
        folder = Path(name)
        with embedded.postgres(folder / "postgres") as url:
            settings = DemoSettings("127.0.0.1", 8000, 8001, folder, None, None, None)
            keys = keys_of(folder, database_exists=False)
            made = product_environment(settings, keys, database_url=url, redis_url=redis_url)
            (folder / "metrics").mkdir()
            migrate.upgrade(url)
            yield {
                **made,
                "WXAPI_LOG_LEVEL": "WARNING",
                "PLAIN_DATABASE_URL": url,
                "PLAIN_POOL": "8",
                "PYTHONPATH": str(Path.cwd()),
            }


def _fill_hall(connection: psycopg.Connection, environ: dict[str, str]) -> Hall:
    """A session that is on, and everybody enrolled in it, with a token."""
    secret, session_id, now = codes.new_secret(), uuid.uuid4(), datetime.now(UTC)
    with create_app(Config.from_env(environ)).app_context():
        sealed = runtime().cipher.seal(secret.hex(), purpose=SECRET_PURPOSE)
    people = [uuid.uuid4() for _ in range(_PEOPLE)]
    tokens = [new_token() for _ in people]
    with connection.cursor() as cursor:
        with cursor.copy("COPY users (id) FROM STDIN") as copy:
            for user_id in people:
                copy.write_row((user_id,))
        with cursor.copy("COPY tokens (digest, user_id, created_at, last_used_at) FROM STDIN") as copy:
            for token, user_id in zip(tokens, people, strict=True):
                copy.write_row((digest_of(token), user_id, now, now))
        cursor.execute("INSERT INTO regions (code, name, level) VALUES ('4210', '荆州市', 'city')")
        cursor.execute(
            "INSERT INTO training_sessions (id, title, kind, region_code, starts_at, ends_at, place, longitude,"
            " latitude, radius_m, audience_region_codes, audience_roles, audience_user_ids, sign_in_opens_min,"
            " late_after_min, sign_out, offline_hours, state, secret_sealed, seats_taken, last_seq, created_by,"
            " created_at, updated_at) VALUES (%s, '党课', 'lecture', '4210', %s, %s, '礼堂', %s, %s, 300, '{}', '{}',"
            " '{}', 30, 60, false, 24, 'published', %s, %s, %s, %s, %s, %s)",
            (
                session_id,
                now,
                now + timedelta(hours=2),
                _HALL["longitude"],
                _HALL["latitude"],
                sealed,
                _PEOPLE,
                _PEOPLE,
                people[0],
                now,
                now,
            ),
        )
        cursor.execute(
            "INSERT INTO training_attendance (session_id, user_id, id, state)"
            " SELECT %s, id, gen_random_uuid(), 'enrolled' FROM users",
            (session_id,),
        )
    return Hall(session_id, secret, tokens)
