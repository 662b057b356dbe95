"""p99 of the hot paths while exports, photos and 200 hall screens run, beside the same paths with nothing else to do.

People sign in, file, read and upload: as many a second as in the worst minute that is planned for (2,000 sign in), all
of it at once, each timed from when it was due; then four clients as fast as they can, one path after the other, so that
the processors are full before anything else runs. The workers do what these leave to be done, in both halves. Behind
them, in the second half: the workers make one file of all reports after the other and work off 12-megapixel photos as
they come, two a second, and 200 screens of a hall ask every 2 s for what is new. All share the processors of this
machine, as in the smallest city; at most three times as long may one in a hundred wait.
"""

import http.client
import json
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from statistics import quantiles
from threading import Event, Thread
from time import monotonic, sleep
from typing import Any
from urllib.parse import urlsplit

from benchmarks import photo_upload, photos, report_reading
from benchmarks._clients import send_when_due
from benchmarks._hall import hall
from benchmarks._http_load import get, granian
from benchmarks._machine import watched
from benchmarks._product import Holder, holder
from benchmarks._scratch import Scratch, scratch
from benchmarks._turns import Way, in_turns
from benchmarks.report import Result
from benchmarks.report_filing import Reporters
from wxapi.kernel.permissions import Role

_CLIENTS, _PROCESSES = 4, 2
_ROUNDS, _REQUESTS, _WARM_UP = 4, 200, 60
_GOAL = 1 / 3
# Requests a second of each path, and how many people's connections carry them; so many seconds at a time, as long as a
# code of the screen lives.
_PER_SECOND = {"sign in": 33, "POST /reports": 10, "GET /reports/{id}": 20, "POST /photos": 3}
_CONNECTIONS, _STRETCHES, _STRETCH_S = 16, 8, 5
_SCREENS, _EVERY_S, _ASKERS = 200, 2.0, 8
_PHOTO_EVERY_S, _LOOK_EVERY_S = 0.5, 0.2
_CITY = "4210"
_SIGN_IN = "/api/v1/training/sessions/{}/sign-ins"
# Reports that are over, in real villages.
_REPORTS = """
WITH villages AS (SELECT array_agg(code ORDER BY code) AS codes FROM regions WHERE level = 'village')
INSERT INTO reports (id, number, version, category_code, description, longitude, latitude, address, candidates,
    county_code, township_code, village_code, desk_code, desk_county_code, desk_township_code, desk_village_code,
    reporter_label, state, is_open, routed_at, created_at, updated_at)
SELECT gen_random_uuid(), 'JZ-' || lpad(n::text, 8, '0'), 3, 'E0102', '菜场后门垃圾堆成山了，味道很大', 112.25, 30.31,
    '立新街道', '[]', left(code, 6), left(code, 9), code, code, left(code, 6), left(code, 9), code, 10 + n % 90,
    'closed', false, now() - interval '1 day', now() - interval '1 day', now() - interval '1 day'
FROM (SELECT n, codes[1 + n % cardinality(codes)] AS code FROM villages, generate_series(1, 100000) n) AS numbered
"""


def run() -> list[Result]:
    with scratch(city=True) as made, ExitStack() as stack:
        made.connection.execute(_REPORTS.encode())
        signing = hall(made, 6_000, path=_SIGN_IN)
        supervisor = holder(made.environ, "a supervisor", Role.SUPERVISOR, _CITY)
        organiser = holder(made.environ, "an organiser", Role.TRAINING_ORGANISER, _CITY)
        screen = f"/hall/{signing.session_id}/screen/state"
        path, headers = report_reading.report(made)
        made.connection.execute("VACUUM ANALYZE")
        ours = stack.enter_context(granian("wsgi:front", made.environ, processes=_PROCESSES))
        reading, filing = get(path, headers), Reporters(made, "/api/v1/reports")
        ways = [
            Way("sign in", ours, signing.requests),
            Way("POST /reports", ours, filing.requests),
            Way("GET /reports/{id}", ours, lambda count: [reading] * count),
            Way("POST /photos", ours, photo_upload.uploads(made, "/api/v1/photos")),
        ]
        stack.enter_context(_workers(made))
        in_turns(ways, made.database, clients=_CLIENTS, rounds=1, count=_WARM_UP)
        _rest(made)
        print("  alone:")
        alone = _measured(ways, made)
        _rest(made)
        behind = Behind(ours.address, supervisor, organiser, screen)
        with behind.running(made):
            print("  beside exports, photos and screens:")
            beside = _measured(ways, made, behind=("photo.uploaded", "export.asked", "export.dropped"))
    return [Result(f"{name}: p99 while busy / alone", beside[name], alone[name], "ms", _GOAL) for name in alone]


@contextmanager
def _workers(made: Scratch) -> Iterator[None]:
    """The product's workers, in both halves: what requests leave to be done is no part of what runs behind them."""
    command = [sys.executable, "-m", "workers"]
    with subprocess.Popen(command, env=made.environ, stderr=subprocess.DEVNULL) as workers:
        try:
            yield
        finally:
            workers.terminate()


def _rest(made: Scratch, behind: Sequence[str] = ()) -> None:
    """Wait until the workers have done what is due, but for the topics `behind`, which come without end: a backlog of
    one stretch is not to be worked off in the next.
    """
    due = """
    SELECT EXISTS (
        SELECT FROM outbox WHERE NOT dead AND due_at <= now() + interval '1 minute' AND topic <> ALL (%s)
    )
    """
    while made.connection.execute(due, (list(behind),)).fetchone() != (False,):
        sleep(_LOOK_EVERY_S)


def _measured(ways: list[Way], made: Scratch, behind: Sequence[str] = ()) -> dict[str, float]:
    """p99 in milliseconds of each path, as many a second as planned and as fast as four clients can.

    Args:
        behind: the topics of what runs behind the requests, which is waited for by nobody.
    """
    full = in_turns(ways, made.database, clients=_CLIENTS, rounds=_ROUNDS, count=_REQUESTS)
    _rest(made, behind)
    planned = _as_planned(ways, made)
    found = {f"{name}, {_PER_SECOND[name]}/s": times for name, times in planned.items()}
    found |= {f"{name}, {_CLIENTS} clients": measured.milliseconds for name, measured in full.items()}
    return {name: quantiles(times, n=100)[98] for name, times in found.items()}


def _as_planned(ways: list[Way], made: Scratch) -> dict[str, list[float]]:
    """Milliseconds of each request of each path, all paths at once."""
    found: dict[str, list[float]] = {way.name: [] for way in ways}
    server = ways[0].server
    with watched(made.database, server.process) as machine:
        for _ in range(_STRETCHES):
            sent: list[tuple[str, float, bytes]] = []
            for way in ways:
                per_second = _PER_SECOND[way.name]
                requests = way.requests(per_second * _STRETCH_S)
                sent += [(way.name, number / per_second, request) for number, request in enumerate(requests)]
            times = send_when_due(server.address, [each[1:] for each in sent], clients=_CONNECTIONS)
            for (name, _, _), milliseconds in zip(sent, times, strict=True):
                found[name].append(milliseconds)
    for name, times in found.items():
        cuts = quantiles(times, n=100)
        print(f"  {_PER_SECOND[name]:2}/s {name:22} ms: p50 {cuts[49]:.1f} p95 {cuts[94]:.1f} p99 {cuts[98]:.1f}")
    print(f"  {machine}", flush=True)
    return found


@dataclass
class Behind:
    """What runs behind the requests that are measured, and how much of it was done."""

    address: str
    supervisor: Holder
    organiser: Holder
    screen: str
    ended: Event = field(default_factory=Event)
    files: int = 0
    sent: int = 0
    shown: int = 0

    @contextmanager
    def running(self, made: Scratch) -> Iterator[None]:
        """All of it, until the block ends; how much was done is printed."""
        picture = photos.phone_jpeg()
        works: list[Callable[[], None]] = [self._export, lambda: self._upload(picture)]
        works += [self._ask_for_screens] * _ASKERS
        threads = [Thread(target=work) for work in works]
        begun = monotonic()
        try:
            for thread in threads:
                thread.start()
            while not self.files:  # all of it is under way
                self.ended.wait(_LOOK_EVERY_S)
            yield
        finally:
            self.ended.set()
            for thread in threads:
                thread.join()
        row = made.connection.execute("SELECT count(*) FROM photos WHERE state <> 'pending'").fetchone()
        assert row is not None
        seconds = monotonic() - begun
        print(
            f"  behind, in {seconds:.0f} s: {self.files} files of 100,000 reports, {self.sent} photos sent beside"
            f" those of the clients, {row[0]} of all worked off, {self.shown / seconds:.0f} answers to screens a second"
        )

    def _export(self) -> None:
        """One file after the other, each taken away when it is made."""
        client = _Client(self.address, {"Authorization": f"Bearer {self.supervisor.token}"})
        wanted: dict[str, Any] = {
            "kind": "reports",
            "format": "csv",
            "filter": {},
            "columns": None,
            "coord_type": "gcj02",
        }
        while not self.ended.is_set():
            path = f"/api/v1/exports/{client.json('POST', '/api/v1/exports', wanted)['id']}"
            while not self.ended.wait(_LOOK_EVERY_S):
                if client.json("GET", path)["state"] == "ready":
                    self.files += 1
                    break
            client.json("DELETE", path)

    def _upload(self, picture: bytes) -> None:
        client = _Client(self.address, {"Authorization": f"Bearer {self.organiser.token}"})
        body, kind = photo_upload.form(picture)
        while not self.ended.wait(_PHOTO_EVERY_S):
            headers = {"Content-Type": kind, "Idempotency-Key": uuid.uuid4().hex}
            client.ask("POST", "/api/v1/photos", body, headers)
            self.sent += 1

    def _ask_for_screens(self) -> None:
        """The share of one asker, evenly over the time; what is late is asked at once."""
        client, tag = _Client(self.address, {"Cookie": f"wx={self.organiser.cookie}", "Accept": "application/json"}), ""
        every, due = _EVERY_S * _ASKERS / _SCREENS, monotonic()
        while not self.ended.wait(max(0.0, due - monotonic())):
            due = max(due + every, monotonic() - _EVERY_S)
            _, tag = client.ask("GET", self.screen, None, {"If-None-Match": tag} if tag else {})
            self.shown += 1


class _Client:
    """A connection that is kept, and the headers of one person."""

    def __init__(self, address: str, headers: Mapping[str, str]) -> None:
        parts = urlsplit(address)
        self._connection = http.client.HTTPConnection(str(parts.hostname), parts.port)
        self._headers = headers

    def ask(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> tuple[bytes, str]:
        """The answer's body and its ETag."""
        self._connection.request(method, path, body, {**self._headers, **headers})
        answer = self._connection.getresponse()
        content = answer.read()
        if answer.status >= 400:
            raise RuntimeError(f"{method} {path} answered {answer.status}: {content[:300]!r}")
        return content, answer.headers.get("ETag", "")

    def json(self, method: str, path: str, body: Any = None) -> Any:
        sent = None if body is None else json.dumps(body).encode()
        content, _ = self.ask(method, path, sent, {"Content-Type": "application/json"} if sent else {})
        return json.loads(content or b"null")
