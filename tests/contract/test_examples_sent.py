"""Every example of a request body, JSON or form, is sent to the real app, in the demo city, by somebody who may send it.

The document says which examples there are: an operation that is new needs a line in `ARRANGED`. A line makes the state
that the example speaks of, and says which of its values only the server could have made: ids, and one-time codes.
"""

import io
import re
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update
from werkzeug.test import TestResponse

import wxapi.demo
from config import Config
from tests.api.test_push_endpoint import KEYS, NONCE, STAMP
from tests.conftest import NOW, app_in_savepoint, random_key
from tests.contract.test_openapi import API, DOCUMENT, OPERATIONS
from tests.ended import ended, is_erased, logs_out, loses_office, taken_back
from tests.factories import People, Person
from tests.fake_wechat_control import FakeControl
from tests.pictures import jpeg
from tests.reporting import photo
from tests.web.browsing import Browser
from wxapi.duties.models import Duty
from wxapi.duties.services import climb
from wxapi.identity.models import AppointmentRow, User
from wxapi.kernel.clock import FixedClock
from wxapi.kernel.coordinates import Datum
from wxapi.kernel.permissions import Permission, Role
from wxapi.moderation.models import Check
from wxapi.platform.db import db, transaction
from wxapi.platform.guard import permission_of
from wxapi.platform.idempotency import is_never_kept
from wxapi.platform.runtime import runtime
from wxapi.platform.wechat.push_crypto import seal_event
from wxapi.regions.rules.checking import Entry
from wxapi.regions.services.importing import import_regions
from wxapi.regions.services.sources import read_file
from wxapi.reports.services import moderate, route
from wxapi.training.services.session_end import at_the_end

COUNTY, TOWNSHIP, VILLAGE = "421002", "421002006", "421002006001"
# What a client cannot make up: it is sent as the server made it, in the place of the example's.
MADE_BY_THE_SERVER = frozenset({"code", "number", "invitation", "Encrypt"})
# What no document can hold: of a file that is no text its bytes.
_BYTES = "(bytes)"
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@cache
def demo_regions() -> list[Entry]:
    """Of the demo city what the examples name: a township of it, with all that is above."""
    folder = Path(wxapi.demo.__file__).parent / "data" / "jingzhou"
    entries = [each for name in ("tree.csv", "villages.geojson.gz") for each in read_file(folder / name)]
    return [each for each in entries if each.code[:9] in {"4210", "421002", "421002006"}]


@dataclass(frozen=True)
class Sending:
    """Who sends an example and where to; `made` stands in for what only the server could have made."""

    person: Person | None
    path: Mapping[str, str] = field(default_factory=dict)
    made: Mapping[str, Any] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)


@dataclass
class World:
    """The demo city's township, its people, and the parts around the app."""

    app: Flask
    people: People
    fake: FakeControl

    def __post_init__(self) -> None:
        make = self.people.make
        self.admin = make((Role.ADMIN, "4210"))
        self.reporter, self.other = make(openid="examples-1"), make()
        self.worker, self.officer = make((Role.COMMUNITY_WORKER, VILLAGE)), make((Role.TOWNSHIP_OFFICER, TOWNSHIP))
        self.supervisor, self.organiser = make((Role.SUPERVISOR, COUNTY)), make((Role.TRAINING_ORGANISER, COUNTY))

    @property
    def now(self) -> datetime:
        return runtime().clock.now()

    def report(self, *actions: dict[str, Any]) -> dict[str, Any]:
        """A report as the example files one, routed to its village."""
        body = example_of("reports.file_report") | {"photo_ids": [photo(self.reporter)]}
        report: dict[str, Any] = good(self.reporter.post("/reports", body, key=random_key()))
        route.route_report(uuid.UUID(report["id"]), now=self.now)
        version = 2
        for action in actions:
            report = good(self.worker.post(f"/reports/{report['id']}/actions", {"version": version, **action}))
            version = report["version"]
        return report

    def hall(self, **changes: Any) -> str:
        """A published session as the example makes one; its id."""
        body = example_of("training.create_session") | changes
        made = good(self.organiser.post("/training/sessions", body))["id"]
        good(self.organiser.post(f"/training/sessions/{made}/publish"))
        return str(made)

    def open_hall(self, **changes: Any) -> str:
        """The same at the hour at which the examples sign in."""
        made = self.hall(**changes)
        clock_of(self.app).at = datetime(2026, 12, 1, 0, 55, 3, tzinfo=UTC)
        return made

    def screen(self, hall: str) -> str:
        return str(good(self.organiser.get(f"/training/sessions/{hall}/sign-in-code"))["code"])

    def come(self, hall: str, **changes: Any) -> None:
        """Sign the worker in as the example does."""
        body = example_of("training.sign_in") | {"code": self.screen(hall)} | changes
        good(self.worker.post(f"/training/sessions/{hall}/sign-ins", body))

    def office(self) -> str:
        """The worker's appointment."""
        held = select(AppointmentRow.id).where(AppointmentRow.user_id == self.worker.actor.user_id)
        return str(db.session().scalars(held).one())

    def carded(self) -> str:
        """A duty of the village that is past due and has its card."""
        report = self.report()
        owed = select(Duty).where(Duty.subject_id == uuid.UUID(report["id"]), Duty.stage == "respond")
        duty = db.session().scalars(owed).one()
        clock_of(self.app).at = duty.due_at + timedelta(minutes=1)
        climb.climb(now=self.now)
        return str(duty.id)

    def leave(self) -> tuple[str, str]:
        """A session and a request for leave from it."""
        hall = self.hall()
        good(self.worker.post(f"/training/sessions/{hall}/enrolments"))
        asked = self.worker.post(f"/training/sessions/{hall}/leave-requests", example_of("training.ask_leave"))
        return hall, good(asked)["id"]

    def flag(self) -> tuple[str, str]:
        """A session and a flag on a sign-in from far away."""
        hall = self.open_hall()
        self.come(hall, location={"longitude": 112.3, "latitude": 30.4, "coord_type": "gcj02", "accuracy": 18.0})
        return hall, good(self.organiser.get(f"/training/sessions/{hall}/flags"))["items"][0]["id"]


def clock_of(app: Flask) -> FixedClock:
    clock = app.extensions["wxapi"].clock
    assert isinstance(clock, FixedClock)
    return clock


def good(answer: Any) -> Any:
    assert answer.status_code < 300, answer.text
    return answer.get_json()


def _user(world: World) -> Sending:
    return Sending(world.admin, made={"user_id": str(world.other.actor.user_id)})


def _stand_in(world: World) -> Sending:
    return Sending(world.admin, {"appointment_id": world.office()}, {"user_id": str(world.other.actor.user_id)})


def _web_login(world: World) -> Sending:
    text = Browser(world.app).page("/login").get_text()
    found = re.search(r"/l/([\w-]{22})", text)
    assert found
    numbers = good(world.reporter.get(f"/auth/web-logins/{found.group(1)}"))["numbers"]
    shown = next(number for number in numbers if re.search(rf"\b{number}\b", text))
    return Sending(world.reporter, {"login_id": found.group(1)}, {"number": shown})


def _listed(world: World) -> str:
    return str(good(world.admin.post("/people", example_of("identity.add_person")))["id"])


def _slip(world: World) -> Sending:
    slips = good(world.admin.post("/people/invitations", {"person_ids": [_listed(world)]}, key=random_key()))
    return Sending(world.reporter, made={"invitation": slips["items"][0]["code"]})


def _unit(world: World, suffix: str = "zjj") -> str:
    return str(good(world.admin.post("/units", example_of("units.make_unit") | {"suffix": suffix}))["code"])


def _closing(world: World) -> Sending:
    _unit(world, "cgj")
    return Sending(world.admin, {"code": _unit(world)})


def _push(_: World) -> Sending:
    encrypted, signature = seal_event(KEYS, b"{}", timestamp=STAMP, nonce=NONCE, random=b"0123456789abcdef")
    query = {"msg_signature": signature, "timestamp": STAMP, "nonce": NONCE}
    return Sending(None, made={"Encrypt": encrypted}, query=query)


def _acting(world: World) -> Sending:
    report = world.report({"action": "accept"})
    return Sending(world.worker, {"report_id": report["id"]}, {"photo_ids": [photo(world.worker)]})


def _appeal_decided(world: World) -> Sending:
    duty = world.carded()
    good(world.worker.post(f"/duties/{duty}/appeal", example_of("duties.appeal")))
    return Sending(world.officer, {"duty_id": duty})


def _moderation(world: World) -> Sending:
    report = uuid.UUID(world.report()["id"])
    moderate.begin_checks(report, now=world.now)
    with transaction() as session:
        session.execute(update(Check).where(Check.subject_id == report).values(state="review"))
    check = db.session().scalars(select(Check.id).where(Check.subject_id == report, Check.kind == "text")).one()
    return Sending(world.officer, {"check_id": str(check)})


def _certificate(world: World) -> Sending:
    hall = world.open_hall()
    world.come(hall)
    with transaction() as session:
        session.execute(update(User).where(User.id == world.worker.actor.user_id).values(nickname="李四"))
    clock_of(world.app).at = datetime(2026, 12, 1, 5, tzinfo=UTC)
    at_the_end(uuid.UUID(hall), now=world.now)
    return Sending(world.worker)


def _bulk(world: World) -> Sending:
    """One sign-in that was made without a network and sent afterwards."""
    hall = world.open_hall()
    code, scanned = world.screen(hall), "2026-12-01T00:55:03Z"
    clock_of(world.app).at = datetime(2026, 12, 1, 1, 30, tzinfo=UTC)
    world.come(hall, code=code, client_time=scanned)
    return Sending(world.organiser, {"session_id": hall})


def _on_the_roll(world: World) -> Sending:
    hall = world.open_hall()
    good(world.worker.post(f"/training/sessions/{hall}/enrolments"))
    return Sending(world.organiser, {"session_id": hall, "user_id": str(world.worker.actor.user_id)})


def _undoing(world: World) -> Sending:
    sending = _on_the_roll(world)
    place = "/training/sessions/{session_id}/attendance/{user_id}".format(**sending.path)
    good(world.organiser.call("PUT", place, json=example_of("training.correct")))
    return sending


def _signing_in(world: World) -> Sending:
    hall = world.open_hall()
    return Sending(world.worker, {"session_id": hall}, {"code": world.screen(hall)})


def _signing_out(world: World) -> Sending:
    hall = world.open_hall(sign_out=True)
    world.come(hall)
    clock_of(world.app).at = datetime(2026, 12, 1, 3, 58, 10, tzinfo=UTC)
    return Sending(world.worker, {"session_id": hall}, {"code": world.screen(hall)})


def _ticking(world: World) -> Sending:
    hall = world.open_hall()
    good(world.worker.post(f"/training/sessions/{hall}/enrolments"))
    clock_of(world.app).at = datetime(2026, 12, 1, 1, 2, 3, tzinfo=UTC)
    return Sending(world.organiser, {"session_id": hall}, {"user_id": str(world.worker.actor.user_id)})


def _replacing(world: World) -> Sending:
    draft = good(world.organiser.post("/training/sessions", example_of("training.create_session")))
    return Sending(world.organiser, {"session_id": draft["id"]})


def _leaving(world: World) -> Sending:
    hall = world.hall()
    good(world.worker.post(f"/training/sessions/{hall}/enrolments"))
    return Sending(world.worker, {"session_id": hall})


def _leave(world: World) -> Sending:
    hall, asked = world.leave()
    return Sending(world.organiser, {"session_id": hall, "request_id": asked})


def _flag(world: World) -> Sending:
    hall, flag = world.flag()
    return Sending(world.organiser, {"session_id": hall, "flag_id": flag})


# Operation → what has to be there before its example is sent.
ARRANGED: Mapping[str, Callable[[World], Sending]] = {
    "identity.log_in": lambda world: Sending(None, made={"code": world.fake.login_code("examples-2")}),
    "identity.confirm": lambda world: Sending(world.reporter, made={"code": world.fake.login_code("examples-1")}),
    "identity.confirm_web_login": _web_login,
    "identity.change_me": lambda world: Sending(world.reporter),
    "identity.set_phone": lambda world: Sending(
        world.reporter, made={"code": world.fake.phone_code("examples-1", "13800000009")}
    ),
    "identity.redeem_invitation": _slip,
    "identity.appoint": _user,
    "identity.end_appointment_on": lambda world: Sending(world.admin, {"appointment_id": world.office()}),
    "identity.move_appointment": lambda world: Sending(world.admin, {"appointment_id": world.office()}),
    "identity.add_stand_in": _stand_in,
    "identity.add_person": lambda world: Sending(world.admin),
    "identity.make_invitations": lambda world: Sending(world.admin, made={"person_ids": [_listed(world)]}),
    "identity.import_people": lambda world: Sending(world.admin),
    "photos.upload": lambda world: Sending(world.reporter),
    "units.make_unit": lambda world: Sending(world.admin),
    "units.change_unit": lambda world: Sending(world.admin, {"code": _unit(world)}),
    "units.close_unit": _closing,
    "notifications.receive_push": _push,
    "reports.file_report": lambda world: Sending(world.reporter, made={"photo_ids": [photo(world.reporter)]}),
    "reports.act": _acting,
    "reports.join": lambda world: Sending(world.other, {"report_id": world.report()["id"]}),
    "duties.appeal": lambda world: Sending(world.worker, {"duty_id": world.carded()}),
    "duties.decide_appeal": _appeal_decided,
    "statistics.make_bulletin": lambda world: Sending(world.supervisor),
    "exports.ask_export": lambda world: Sending(world.supervisor),
    "moderation.decide": _moderation,
    "training.issue_certificate": _certificate,
    "training.ask_leave": _leaving,
    "training.decide_leave": _leave,
    "training.decide_leave_of_session": _leave,
    "training.decide_flag": _flag,
    "training.decide_flag_of_session": _flag,
    "training.correct_many": _bulk,
    "training.correct": _on_the_roll,
    "training.undo": _undoing,
    "training.create_session": lambda world: Sending(world.organiser),
    "training.replace_session": _replacing,
    "training.create_series": lambda world: Sending(world.organiser),
    "training.issue_ticket": _signing_in,
    "training.sign_in": _signing_in,
    "training.sign_in_batch": _ticking,
    "training.sign_out": _signing_out,
}


def bodies() -> dict[str, tuple[str, str, list[Any]]]:
    """Operation → method, path and examples of its body."""
    found = {}
    for name, operation in OPERATIONS:
        content = operation.get("requestBody", {}).get("content", {})
        method, _, path = name.partition(" ")
        for kind, body in content.items():
            several = [each["value"] for each in body.get("examples", {}).values()]
            found[operation["operationId"]] = (method, path, [body["example"]] if "example" in body else several)
            if "json" not in kind:
                assert kind == "multipart/form-data", f"{name}: how is {kind} sent?"
                schema = DOCUMENT["components"]["schemas"][body["schema"]["$ref"].rpartition("/")[2]]
                FORMS[operation["operationId"]] = schema["properties"]
    return found


# Operation → the parts of its form.
FORMS: dict[str, Any] = {}
BODIES = bodies()


def permission(operation: str) -> Permission:
    """What an operation needs; its id is the name of its endpoint."""
    found = permission_of(API.view_functions[operation])
    assert found is not None
    return found


def example_of(operation: str) -> dict[str, Any]:
    """The first example of an operation."""
    return dict(BODIES[operation][2][0])


def test_every_body_is_arranged_for() -> None:
    assert ARRANGED.keys() == BODIES.keys()
    assert all(examples for _, _, examples in BODIES.values())


@pytest.mark.parametrize(
    ("operation", "example"),
    [(operation, example) for operation, (_, _, examples) in BODIES.items() for example in examples],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_example_is_taken(operation: str, example: dict[str, Any], examples_app: Flask, fake: FakeControl) -> None:
    sending = ARRANGED[operation](World(examples_app, People(examples_app), fake))
    key = random_key()
    answer = _sent(examples_app, operation, example, sending, key)
    assert answer.status_code < 300, answer.text
    # A batch is taken whatever becomes of its items.
    assert all(each["status"] < 300 for each in (answer.get_json() or {}).get("results", ())), answer.text
    if _is_kept(operation):
        again = _sent(examples_app, operation, example, sending, key)
        assert (again.status_code, again.data) == (answer.status_code, answer.data)
        assert again.headers["Idempotency-Replayed"] == "true"


@pytest.mark.parametrize("operation", [each for each in BODIES if permission(each) is not Permission.PUBLIC])
def test_a_right_that_ended_meanwhile_takes_no_example(operation: str, examples_app: Flask, fake: FakeControl) -> None:
    """Between the check of the request and its view: refused, and nothing is written. Pages: `tests/web`."""
    needs_office = permission(operation) is not Permission.SIGNED_IN
    sending = ARRANGED[operation](World(examples_app, People(examples_app), fake))
    assert sending.person is not None
    for end in (logs_out, is_erased, *([loses_office] if needs_office else [])):
        with taken_back(examples_app):
            send = partial(_sent, examples_app, operation, example_of(operation), sending)
            status, changed = ended(examples_app, operation, sending.person, end, send)
        assert status in ({403, 404} if end is loses_office else {401}), end
        assert not changed, end


def _is_kept(operation: str) -> bool:
    """Whether the first answer to a key is given again: of every POST, but those whose answer must be kept nowhere."""
    return (
        BODIES[operation][0] == "POST"
        and permission(operation) is not Permission.PUBLIC
        and not is_never_kept(API.view_functions[operation])
    )


def _sent(
    app: Flask, operation: str, example: dict[str, Any], sending: Sending, key: str | None = None
) -> TestResponse:
    method, path, _ = BODIES[operation]
    body, left = _filled(example, sending.made)
    assert not left, f"no such value in the example: {left}"
    return app.test_client().open(
        path.format(**sending.path),
        method=method,
        **(_form(operation, body) if operation in FORMS else {"json": body}),
        query_string=dict(sending.query),
        headers={"Idempotency-Key": key or random_key()}
        | ({"Authorization": f"Bearer {sending.person.token}"} if sending.person else {}),
    )


def _form(operation: str, body: dict[str, Any]) -> dict[str, Any]:
    """The example as a phone sends a form: its files are the parts that the document calls binary."""
    files = {name for name, part in FORMS[operation].items() if part.get("format") == "binary"}
    data = {
        name: (io.BytesIO(jpeg() if value == _BYTES else value.encode()), "file") if name in files else value
        for name, value in body.items()
    }
    return {"data": data, "content_type": "multipart/form-data"}


def _filled(example: Any, made: Mapping[str, Any]) -> tuple[Any, set[str]]:
    """The example with what the server made, wherever it stands; and the names that were not found in it."""
    used: set[str] = set()

    def fill(name: str, value: Any) -> Any:
        if name in made:
            used.add(name)
            assert type(made[name]) is type(value), name
            assert name in MADE_BY_THE_SERVER or _UUID.search(str(value)), f"{name} is for the example to say"
            return made[name]
        if isinstance(value, dict):
            return {key: fill(key, each) for key, each in value.items()}
        return [fill("", each) for each in value] if isinstance(value, list) else value

    return fill("", example), set(made) - used


@pytest.fixture(scope="module")
def one_app(make_config: Callable[..., Config], fake_wechat: str) -> Iterator[Flask]:
    """One app for all examples, with a WeChat that answers."""
    with app_in_savepoint(make_config(wechat_base_url=fake_wechat)) as app:
        import_regions(demo_regions(), Datum.CGCS2000, now=NOW)
        yield app


@pytest.fixture
def examples_app(one_app: Flask) -> Iterator[Flask]:
    """The app, at the hour of the examples; what an example writes is taken back."""
    clock_of(one_app).at = NOW
    with taken_back(one_app):
        yield one_app


def test_examples_name_places_of_the_demo_city() -> None:
    """A reader who runs the demo can send them as they are."""
    names = {each.code: each.name for each in demo_regions()}
    text = str(DOCUMENT)
    found = set(re.findall(r"'(4210[0-9]{0,11})'", text))
    assert found
    assert found <= names.keys()
