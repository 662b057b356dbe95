"""`POST /photos` of 300 KB by 8 clients, beside the same server writing the same bytes with fsync and one row.

Ours does what the contract asks: token with appointments, the key's claim and answer, how often, the digest, the look
at the first bytes, how many wait unused, the row and the worker's outbox row. A disk decides, so read both rates.
"""

import os
import uuid
from collections.abc import Callable
from itertools import cycle

from benchmarks._http_load import granian, post
from benchmarks._scratch import Scratch, scratch
from benchmarks._turns import Way, in_turns, limits
from benchmarks.report import Result

_CLIENTS, _PROCESSES = 8, 2
_ROUNDS, _REQUESTS, _WARM_UP = 5, 200, 50
_PEOPLE = 500
_BYTES = 300_000
_GOAL = 0.6
_BOUNDARY = "benchmark-boundary"
_PLAIN_TABLE = (
    "CREATE TABLE plain_photos (id uuid PRIMARY KEY, owner_id uuid NOT NULL REFERENCES users, sha256 text,"
    " bytes bigint, created_at timestamptz NOT NULL)"
)


def run() -> list[Result]:
    with scratch(city=False) as made:
        made.connection.execute(_PLAIN_TABLE)
        with (
            granian("wsgi:front", made.environ, processes=_PROCESSES) as ours,
            limits(
                "benchmarks._upload_limit", made.environ, uploads(made, "/photos"), processes=_PROCESSES
            ) as smallest,
        ):
            ways = [Way("ours", ours, uploads(made, "/api/v1/photos")), *smallest]
            in_turns(ways, made.database, clients=_CLIENTS, rounds=1, count=_WARM_UP)
            found = in_turns(ways, made.database, clients=_CLIENTS, rounds=_ROUNDS, count=_REQUESTS)
    return [found["ours"].result(f"POST /photos of 300 KB, {_CLIENTS} clients", found, _GOAL)]


def uploads(made: Scratch, path: str) -> Callable[[int], list[bytes]]:
    """People who upload in turn."""
    people = cycle(made.people(_PEOPLE))
    # What a JPEG begins with; nobody decodes it here.
    body, kind = form(b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + os.urandom(_BYTES))

    def requests(count: int) -> list[bytes]:
        made_of = (
            {"Authorization": f"Bearer {next(people)[0]}", "Idempotency-Key": uuid.uuid4().hex} for _ in range(count)
        )
        return [post(path, body, headers, content_type=kind) for headers in made_of]

    return requests


def form(picture: bytes) -> tuple[bytes, str]:
    """A picture as a form sends it, and the type of that."""
    head = (
        f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"\r\n'
        "Content-Type: image/jpeg\r\n\r\n"
    )
    body = head.encode() + picture + f"\r\n--{_BOUNDARY}--\r\n".encode()
    return body, f"multipart/form-data; boundary={_BOUNDARY}"
