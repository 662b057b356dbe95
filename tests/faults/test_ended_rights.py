"""A right that ends while its request is under way, on sockets and a served API: nothing is written.

Twice over: with half of the body sent; and with all of it sent, the request at its writing, waiting for the row that the
ending holds. `tests/contract/test_ended_rights.py` walks all routes in process.
"""

import json
import re
import socket
import uuid
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

import pytest
from flask import Flask
from sqlalchemy import text, update
from sqlalchemy.orm import Session

from tests import reporting, schooling
from tests.ended import everything, is_erased, logs_out, loses_office
from tests.factories import People, Person
from tests.fake_wechat_control import FakeControl
from tests.faults.api_process import serve
from tests.faults.conftest import Bench
from tests.processes import await_true
from tests.reporting import COUNTY, TOWNSHIP, VILLAGE
from tests.web.browsing import Browser
from wxapi.app import create_app
from wxapi.identity.models import AppointmentRow
from wxapi.kernel.clock import local_day
from wxapi.kernel.permissions import Role
from wxapi.platform.db import db, transaction, write_now
from wxapi.platform.runtime import runtime

pytestmark = pytest.mark.processes


@dataclass(frozen=True)
class Request:
    """A request that would be granted: who sends it, its head without lengths, its body."""

    person: Person
    head: str
    body: bytes
    needs_office: bool = True


def send_json(method: str, path: str, body: Any) -> tuple[str, bytes]:
    return f"{method} /api/v1{path}\nContent-Type: application/json", json.dumps(body).encode()


def send_file(path: str, data: bytes, name: str) -> tuple[str, bytes]:
    head = f"POST /api/v1{path}\nContent-Type: multipart/form-data; boundary=b"
    part = f'--b\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'.encode()
    return head, part + data + b"\r\n--b--\r\n"


class Stage:
    """The people and things of one round: one request of each way of writing."""

    def __init__(self, app: Flask, people: People, town: reporting.Town, school: schooling.School) -> None:
        self.app, self.people, self.town, self.school = app, people, town, school

    def requests(self) -> list[Request]:
        return [
            *self._reports(),
            self._of((Role.TOWNSHIP_OFFICER, TOWNSHIP), "POST", "/exports", {"kind": "duties", "format": "csv"}),
            self._of((Role.ADMIN, "4210"), "POST", "/appointments",
                     {"user_id": str(self.people.make().actor.user_id), "role": "supervisor", "region_code": COUNTY}),
            self._roll(),
            self._file((Role.ADMIN, "4210"), "/people/imports?dry_run=true", "姓名,职务,手机号,角色,区域\n".encode(), "l.csv"),
            self._file(None, "/photos", b"\xff\xd8\xff" + bytes(3000), "a.jpg"),
            replace(self._of(None, "PUT", "/me", {"nickname": "还在路上"}), needs_office=False),
        ]  # fmt: skip

    def _of(self, office: tuple[Role, str] | None, method: str, path: str, body: Any) -> Request:
        return Request(self.people.make(*[office] if office else []), *send_json(method, path, body))

    def _file(self, office: tuple[Role, str] | None, path: str, data: bytes, name: str) -> Request:
        person = self.people.make(*[office] if office else [])
        return Request(person, *send_file(path, data, name), needs_office=office is not None)

    def _reports(self) -> Iterator[Request]:
        worker = self.people.make((Role.COMMUNITY_WORKER, VILLAGE))
        seen = reporting.read(worker, reporting.file_routed(self.town.reporter)["id"])
        yield Request(
            worker,
            *send_json("POST", f"/reports/{seen['id']}/actions", {"action": "accept", "version": seen["version"]}),
        )
        worker = self.people.make((Role.COMMUNITY_WORKER, VILLAGE))
        seen = reporting.file_routed(self.town.reporter)
        browser = Browser(self.app).sign_in(worker)
        field = browser.page(f"/desk/r/{seen['number']}").select_one("input[name=csrf]")
        cookie = browser.client.get_cookie("wx")
        assert field is not None
        assert cookie is not None
        form = {"csrf": field["value"], "once": uuid.uuid4().hex, "action": "accept", "version": seen["version"]}
        head = (
            f"POST /desk/r/{seen['number']}\nContent-Type: application/x-www-form-urlencoded\nCookie: wx={cookie.value}"
        )
        yield Request(worker, head, urlencode(form).encode())

    def _roll(self) -> Request:
        organiser = self.people.make((Role.TRAINING_ORGANISER, COUNTY))
        made = organiser.post("/training/sessions", schooling.plan()).json
        organiser.post(f"/training/sessions/{made['id']}/publish")
        path = f"/training/sessions/{made['id']}/attendance/{self.school.member.actor.user_id}"
        return Request(organiser, *send_json("PUT", path, {"state": "present", "reason": "现场核对"}))


@dataclass
class Call:
    """A request on its own connection, sent in two halves."""

    request: Request
    connection: socket.socket

    @classmethod
    def begin(cls, url: str, request: Request) -> "Call":
        """Head and half of the body."""
        host, port = url.removeprefix("http://").split(":")
        connection = socket.create_connection((host, int(port)), timeout=30)
        first, *others = request.head.split("\n")
        lines = [
            f"{first} HTTP/1.1", f"Host: {host}:{port}", f"Authorization: Bearer {request.person.token}",
            f"Idempotency-Key: {uuid.uuid4().hex}", f"Content-Length: {len(request.body)}", *others,
        ]  # fmt: skip
        connection.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + request.body[: len(request.body) // 2])
        return cls(request, connection)

    def end(self) -> None:
        self.connection.sendall(self.request.body[len(self.request.body) // 2 :])

    def status(self) -> int:
        said = b""
        with suppress(OSError):
            while b"\r\n" not in said and (part := self.connection.recv(65536)):
                said += part
        self.connection.close()
        found = re.match(rb"HTTP/1\.1 (\d{3})", said)
        assert found, said
        return int(found[1])


Ending = Callable[[Session, Person], None]


def waiting() -> int:
    """How many connections wait for a row."""
    with db.engine.connect() as connection:
        sql = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        return int(connection.scalar(text(sql)) or 0)


@contextmanager
def locked(calls: list[Call]) -> Iterator[Session]:
    with transaction(locking=tuple(call.request.person.actor.user_id for call in calls)) as session:
        yield session


def test_what_ended_on_its_way_is_refused_and_writes_nothing(bench: Bench, fake: FakeControl) -> None:
    bench.config = replace(bench.config, clock_offset_s=0)
    url, _ = serve(bench, fake)
    app = create_app(bench.config)
    with app.app_context():
        try:
            _rounds(url, app, fake)
        finally:
            db.session.remove()
            db.engine.dispose()


def _rounds(url: str, app: Flask, fake: FakeControl) -> None:
    people = People(app)
    stage = Stage(app, people, reporting.settle(people), schooling.enrol(people, COUNTY))
    for call in (granted := [Call.begin(url, request) for request in stage.requests()]):
        call.end()
    assert {call.status() for call in granted} <= {200, 201, 202, 303}, "else no refusal shows anything"
    for end in (logs_out, is_erased, loses_office):
        for half in (True, False):
            _round(url, stage, end, half=half)
    _after_midnight(url, stage, fake)


def _round(url: str, stage: Stage, end: Ending, *, half: bool) -> None:
    """End everybody's right with half of each body sent, or with each request waiting at its writing."""
    wanted = [each for each in stage.requests() if each.needs_office or end is not loses_office]
    calls = [Call.begin(url, request) for request in wanted]
    db.session.remove()
    with locked(calls) as session:
        if not half:
            for call in calls:
                call.end()
            await_true(lambda: waiting() >= len(calls), 20)
        for call in calls:
            end(session, call.request.person)
        write_now(session)
        before = everything(session)
    if half:
        for call in calls:
            call.end()
    _refused(calls, before)


def _after_midnight(url: str, stage: Stage, fake: FakeControl) -> None:
    """The office was until today, and the day ends while the request waits."""
    calls = [Call.begin(url, each) for each in stage.requests() if each.needs_office]
    people = [call.request.person.actor.user_id for call in calls]
    today = local_day(runtime().clock.now())
    with transaction() as session:
        session.execute(update(AppointmentRow).where(AppointmentRow.user_id.in_(people)).values(ends_on=today))
    with locked(calls) as session:
        for call in calls:
            call.end()
        await_true(lambda: waiting() >= len(calls), 20)
        write_now(session)
        before = everything(session)
        fake.order("POST", "clock", offset_s=86400)
        await_true(lambda: local_day(runtime().clock.now()) > today, 10)
        # Each process asks for the time half a second after it last did.
        session.execute(text("SELECT pg_sleep(0.6)"))
    # A day later, that they came is noted with the login.
    _refused(calls, before, beside={"tokens", "web_sessions"})


def _refused(calls: list[Call], before: dict[str, str], *, beside: Collection[str] = ()) -> None:
    statuses = {call.request.head.split("\n")[0]: call.status() for call in calls}
    # 303: a page leads to the login where nobody is signed in.
    assert {*statuses.values()} <= {303, 401, 403, 404}, statuses
    with transaction() as session:
        after = everything(session)
    assert {table for table in before if before[table] != after[table]} - {*beside} == set()
