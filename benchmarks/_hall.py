"""A training session that is on, everybody enrolled in it, and the sign-ins that a hall of phones sends."""

import json
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from benchmarks._http_load import post
from benchmarks._scratch import Scratch
from config import Config
from wxapi.app import create_app
from wxapi.platform.runtime import runtime
from wxapi.training.rules import codes
from wxapi.training.services.session_cache import SECRET_PURPOSE

_PLACE = {"longitude": 112.25545, "latitude": 30.31125, "coord_type": "gcj02", "accuracy": 18.0}
_ROLES = ("township_officer", "community_worker", "street_chief")
_VILLAGE = "421002001001"
_SESSION = """
INSERT INTO training_sessions (id, title, kind, region_code, starts_at, ends_at, place, longitude, latitude, radius_m,
  audience_region_codes, audience_roles, audience_user_ids, sign_in_opens_min, late_after_min, sign_out, offline_hours,
  state, secret_sealed, seats_taken, last_seq, created_by, created_at, updated_at)
VALUES (%s, '党课', 'lecture', '4210', %s, %s, '礼堂', %s, %s, 300, %s, '{}', '{}', 30, 60, false, 24, 'published', %s,
  %s, %s, %s, %s, %s)
"""
PLAIN_TABLE = (
    "CREATE TABLE plain_sign_ins (id uuid PRIMARY KEY, session_id uuid NOT NULL, user_id uuid NOT NULL"
    " REFERENCES users, code text NOT NULL, signed_in_at timestamptz NOT NULL, UNIQUE (session_id, user_id))"
)


@dataclass(frozen=True)
class Hall:
    """A session, and the tokens of those who sign in, each once."""

    session_id: uuid.UUID
    secret: bytes
    tokens: Sequence[str]
    path: str
    with_key: bool = False
    _next: Iterator[int] = field(default_factory=lambda: iter(range(1_000_000_000)))

    def requests(self, count: int) -> list[bytes]:
        """The next people's sign-ins, with the code of this moment."""
        code = codes.scanned_code(self.session_id, self.secret, codes.step_at(datetime.now(UTC)))
        return [self._request(code, next(self._next)) for _ in range(count)]

    def _request(self, code: str, number: int) -> bytes:
        body = {
            "code": code,
            "client_time": "2026-12-01T00:55:03Z",
            "location": _PLACE,
            "device_id": f"device-{self.session_id}-{number}",
        }
        headers = {"Authorization": f"Bearer {self.tokens[number]}"}
        if self.with_key:
            headers["Idempotency-Key"] = uuid.uuid4().hex
        return post(self.path.format(self.session_id), json.dumps(body).encode(), headers)


def hall(scratch: Scratch, people: int, *, path: str, with_key: bool = False, office: bool = False) -> Hall:
    """A hall of new people. `office`: each holds three appointments, and the session is for their region."""
    tokens = scratch.people(people)
    secret, session_id, now = codes.new_secret(), uuid.uuid4(), datetime.now(UTC)
    with create_app(Config.from_env(scratch.environ)).app_context():
        sealed = runtime().cipher.seal(secret.hex(), purpose=SECRET_PURPOSE)
    ids = [user_id for _, user_id in tokens]
    with scratch.connection.cursor() as cursor:
        if office:
            with cursor.copy("COPY appointments (id, user_id, role, region_code, starts_on) FROM STDIN") as copy:
                for user_id in ids:
                    for role in _ROLES:
                        copy.write_row((uuid.uuid4(), user_id, role, _VILLAGE, now.date()))
        times = (now, now + timedelta(hours=2))
        where = (_PLACE["longitude"], _PLACE["latitude"], ["4210"] if office else [])
        cursor.execute(_SESSION, (session_id, *times, *where, sealed, people, people, ids[0], now, now))
        if not office:
            cursor.execute(
                "INSERT INTO training_attendance (session_id, user_id, id, state)"
                " SELECT %s, unnest(%s::uuid[]), gen_random_uuid(), 'enrolled'",
                (session_id, ids),
            )
    return Hall(session_id, secret, [token for token, _ in tokens], path, with_key)
