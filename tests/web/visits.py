"""Every page as one of its readers opens it, with something on it: what the gates of bytes, styles and a browser walk.

A page that is not here fails `test_gates.py`, which compares with the URL map.
"""

import uuid
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select, update

from tests.factories import People, Person
from tests.reporting import COUNTY, TOWNSHIP, VILLAGE, Town, file_routed, photo, resolved, settle, take
from tests.schooling import AT_THE_HALL, FIVE_KM_OFF, School, enrol
from wxapi.duties.models import Duty
from wxapi.identity.models import AppointmentRow, RosterEntry, User
from wxapi.identity.services import roster, roster_imports
from wxapi.identity.services.roster_files import RosterRow
from wxapi.kernel.permissions import Role
from wxapi.moderation.models import Check
from wxapi.platform.db import db, transaction
from wxapi.platform.refusals import RefusalCounter
from wxapi.platform.runtime import runtime
from wxapi.reports.services import moderate
from wxapi.supervision.services import exports
from wxapi.supervision.services.export_kinds import WantedExport

# What somebody may write: as long as it may be, and without a place to break it.
LONG = "W" * 500
# Compressed with all files, without photos; web.md. The reference is one page of the whole API.
DESK, PANORAMA, PHONE, DOCS = 30, 40, 25, 120


@dataclass(frozen=True)
class Visit:
    """Who opens which address (names of `Scene` in braces), and the KiB it may weigh."""

    who: str
    path: str
    kib: int = DESK
    status: int = 200


VISITS: dict[str, tuple[Visit, ...]] = {
    "/": (Visit("nobody", "/"),),
    "/login": (Visit("nobody", "/login"),),
    "/docs": (Visit("nobody", "/docs", DOCS), Visit("nobody", "/docs?q=reports", DOCS)),
    "/c/<string:code>": (Visit("nobody", "/c/{code}"), Visit("nobody", "/c/none", status=404)),
    "/l/<string:login_id>": (Visit("nobody", "/l/x"),),
    "/t/<string:session_id>": (Visit("nobody", "/t/{session_id}"),),
    "/account": (Visit("officer", "/account"),),
    "/confirm": (Visit("admin", "/confirm"),),
    "/desk": (Visit("worker", "/desk"), Visit("officer", "/desk?state=closed"), Visit("supervisor", "/desk")),
    "/desk/map": (Visit("officer", "/desk/map"), Visit("officer", f"/desk/map?region={VILLAGE}")),
    "/desk/holds": (Visit("officer", "/desk/holds"),),
    "/desk/moderation": (Visit("officer", "/desk/moderation"),),
    "/desk/colleagues": (Visit("worker", "/desk/colleagues"),),
    "/desk/r/<string:number>": (
        Visit("worker", "/desk/r/{number}"),
        Visit("officer", "/desk/r/{resolved}"),
        Visit("officer", "/desk/r/none", status=404),
    ),
    "/desk/r/<string:number>/merge": (
        Visit("officer", "/desk/r/{number}/merge"),
        Visit("officer", "/desk/r/{number}/merge?into={other}"),
    ),
    "/desk/people": (Visit("admin", "/desk/people"), Visit("admin", "/desk/people?q=赵", status=422)),
    "/desk/people/new": (Visit("admin", "/desk/people/new"),),
    "/desk/people/<uuid:person_id>": (Visit("admin", "/desk/people/{person_id}"),),
    "/desk/people/<uuid:person_id>/appoint": (Visit("admin", "/desk/people/{person_id}/appoint"),),
    "/desk/people/<uuid:person_id>/sessions": (Visit("admin", "/desk/people/{person_id}/sessions"),),
    "/desk/people/imports": (Visit("admin", "/desk/people/imports"),),
    "/desk/people/imports/<uuid:import_id>": (Visit("admin", "/desk/people/imports/{import_id}"),),
    "/desk/people/offices": (Visit("admin", "/desk/people/offices"),),
    "/desk/people/offices/<uuid:appointment_id>": (Visit("admin", "/desk/people/offices/{appointment_id}?q=大河"),),
    "/hall": (Visit("organiser", "/hall"), Visit("steward", "/hall")),
    "/hall/new": (Visit("organiser", "/hall/new"),),
    "/hall/<uuid:session_id>": (Visit("organiser", "/hall/{session_id}"),),
    "/hall/<uuid:session_id>/change": (Visit("organiser", "/hall/{session_id}/change"),),
    "/hall/<uuid:session_id>/cancel": (Visit("organiser", "/hall/{session_id}/cancel"),),
    "/hall/<uuid:session_id>/leave": (
        Visit("organiser", "/hall/{session_id}/leave"),
        Visit("organiser", "/hall/{session_id}/leave?pending=false"),
    ),
    "/hall/<uuid:session_id>/review": (Visit("organiser", "/hall/{session_id}/review"),),
    "/hall/<uuid:session_id>/roll": (
        Visit("organiser", "/hall/{session_id}/roll"),
        Visit("steward", "/hall/{session_id}/roll"),
    ),
    "/hall/<uuid:session_id>/roll/<uuid:user_id>": (Visit("organiser", "/hall/{session_id}/roll/{user_id}"),),
    "/hall/<uuid:session_id>/screen": (Visit("organiser", "/hall/{session_id}/screen"),),
    "/m": (Visit("reporter", "/m", PHONE), Visit("reporter", "/m?tab=inbox", PHONE), Visit("worker", "/m", PHONE)),
    "/m/new": (Visit("reporter", "/m/new", PHONE), Visit("reporter", f"/m/new?region_code={VILLAGE}", PHONE)),
    "/m/r/<string:number>": (Visit("reporter", "/m/r/{number}", PHONE), Visit("reporter", "/m/r/{resolved}", PHONE)),
    "/m/sign": (Visit("reporter", "/m/sign", PHONE), Visit("reporter", "/m/sign?session={session_id}", PHONE)),
    "/work": (
        Visit("worker", "/work", PANORAMA),
        Visit("officer", "/work?scope=below", PANORAMA),
        Visit("supervisor", "/work?scope=appeals", PANORAMA),
    ),
    "/work/<uuid:duty_id>": (Visit("worker", "/work/{duty}", PANORAMA), Visit("officer", "/work/{duty}", PANORAMA)),
    "/panorama": (Visit("supervisor", "/panorama", PANORAMA), Visit("supervisor", "/panorama?wall=1", PANORAMA)),
    "/panorama/<string:region>": (
        Visit("officer", f"/panorama/{TOWNSHIP}", PANORAMA),
        Visit("worker", f"/panorama/{VILLAGE}", PANORAMA),
    ),
    "/statistics": (Visit("supervisor", "/statistics", PANORAMA), Visit("auditor", "/statistics", PANORAMA)),
    "/exports": (Visit("officer", "/exports", PANORAMA),),
    "/audit": (Visit("auditor", "/audit", PANORAMA), Visit("auditor", "/audit?from=2020-01-01", PANORAMA)),
    "/audit/refusals": (Visit("auditor", "/audit/refusals", PANORAMA),),
}
# Addresses of the rooms that answer with something else than a page of their own.
NO_PAGES = {
    "/account/data": "a file",
    "/assets/<path:name>": "a file",
    "/confirm/continue": "leads on",
    "/confirm/state": "JSON",
    "/desk/people/imports/<uuid:import_id>/state": "a fragment",
    "/desk/people/imports/template.xlsx": "a file",
    "/desk/rows": "a fragment",
    "/exports/rows": "a fragment",
    "/hall/<uuid:session_id>/roll.xlsx": "a file",
    "/hall/<uuid:session_id>/roll/rows": "a fragment",
    "/hall/<uuid:session_id>/screen/state": "JSON",
    "/login/continue": "leads on",
    "/login/state": "JSON",
    "/m/new/nearby": "a fragment",
    "/m/new/place": "a fragment",
    "/panorama/<string:region>/figures": "a fragment",
    "/photos/<uuid:photo_id>": "JSON",
    "/work/rows": "a fragment",
}
ALL = [visit for visits in VISITS.values() for visit in visits]


def name_of(visit: Visit) -> str:
    """How a test is told from the others."""
    return f"{visit.who} {visit.path}"


@dataclass(frozen=True)
class Scene:
    """People who open pages, and the names of what there is to see."""

    persons: dict[str, Person]
    names: dict[str, str]

    def path(self, visit: Visit) -> str:
        """The address with its names filled in."""
        return visit.path.format(**self.names)

    def person(self, visit: Visit) -> Person | None:
        """Who opens it; None for a stranger."""
        return self.persons.get(visit.who)


def set_scene(people: People, refusals: RefusalCounter) -> Scene:
    """One of everything that pages show, in the small city."""
    town = settle(people)
    school = enrol(people, COUNTY)
    admin = people.make((Role.ADMIN, COUNTY))
    persons = {
        "reporter": town.reporter,
        "worker": town.worker,
        "officer": people.make((Role.TOWNSHIP_OFFICER, TOWNSHIP), (Role.COMMUNITY_WORKER, VILLAGE)),
        "supervisor": town.supervisor,
        "organiser": school.organiser,
        "steward": school.steward,
        "admin": admin,
        "auditor": people.make((Role.AUDITOR, "4210")),
    }
    names = _reports(town) | _training(school, town.reporter) | _people(people, admin)
    wanted = WantedExport("statistics", "csv", {"region": TOWNSHIP}, None, None)
    exports.ask(persons["officer"].actor, wanted, now=runtime().clock.now())
    assert town.reporter.get("/audit").status_code == 403
    refusals.write()
    return Scene(persons, names)


def _reports(town: Town) -> dict[str, str]:
    shown = file_routed(town.reporter, photo_ids=[photo(town.reporter)], description=LONG, address=LONG[:200])
    other = file_routed(town.stranger)
    held = take(town.worker, file_routed(town.reporter), "accept")
    later = (runtime().clock.now() + timedelta(days=9)).date().isoformat()
    take(town.worker, held, "request_hold", note="需协调产权单位", reason_code="weather", review_on=later)
    done = resolved(town)
    moderate.begin_checks(uuid.UUID(shown["id"]), now=runtime().clock.now())
    with transaction() as session:
        session.execute(update(Check).where(Check.subject_id == uuid.UUID(shown["id"])).values(state="review"))
    carded = update(Duty).where(Duty.subject_id == uuid.UUID(shown["id"]), Duty.stage == "respond")
    with transaction() as session:
        card = carded.values(card="yellow", carded_at=runtime().clock.now()).returning(Duty.id)
        duty_id = session.scalars(card).one()
    return {
        "duty": str(duty_id),
        "number": shown["number"],
        "other": other["number"],
        "resolved": done["number"],
        "held": held["number"],
    }


def _training(school: School, reporter: Person) -> dict[str, str]:
    hall = school.make(
        title=LONG[:100], place=LONG[:200], starts=-5, location=AT_THE_HALL | {"accuracy": None}, radius_m=100
    )
    absent = school.people.make()
    for person in (school.member, absent):
        assert person.post(f"/training/sessions/{hall['id']}/enrolments").status_code == 201
    school.sign_in(hall, school.member, location=FIVE_KM_OFF)
    absent.post(f"/training/sessions/{hall['id']}/leave-requests", {"reason": "家中有事"})
    over = school.make(starts=-300, ends=-60)
    assert school.member.call("PUT", "/me", json={"nickname": "李四", "kind": "party_member"}).status_code == 200
    path = f"/training/sessions/{over['id']}/attendance/{school.member.actor.user_id}"
    assert school.organiser.call("PUT", path, json={"state": "present", "reason": "现场核对"}).status_code == 200
    made = school.member.post("/me/training/certificates", {"session_id": over["id"]}).get_json()
    return {
        "session_id": str(hall["id"]),
        "user_id": str(school.member.actor.user_id),
        "code": made["check_code"],
    }


def _people(people: People, admin: Person) -> dict[str, str]:
    rows = [
        RosterRow("赵铁柱", "书记员甲", "13800000001", Role.COMMUNITY_WORKER, VILLAGE),
        RosterRow("钱大河" + LONG[:47], LONG[:50], "13800000002", Role.STREET_CHIEF, TOWNSHIP),
    ]
    now = runtime().clock.now()
    roster.import_people(rows, now=now, dry_run=False)
    persons = [people.make() for _ in rows]
    with transaction() as session:
        for row, person in zip(rows, persons, strict=True):
            user = session.get_one(User, person.actor.user_id)
            user.phone_digest = runtime().cipher.digest(row.phone, purpose="user.phone")
    roster.match_waiting(now=now)
    head = "姓名,职务,手机号,角色,区域\n"
    data = f"{head}赵,,1,community_worker,{VILLAGE}\n钱,,13800000003,街长,9999\n".encode()
    asked = roster_imports.ask(admin.actor, data, dry_run=True, now=now).id
    roster_imports.run(asked, now=now)
    session = db.session()
    office = select(AppointmentRow.id).where(AppointmentRow.user_id == persons[0].actor.user_id)
    entry = select(RosterEntry.id).where(RosterEntry.role == Role.COMMUNITY_WORKER)
    return {
        "person_id": str(session.scalars(entry).one()),
        "appointment_id": str(session.scalars(office).one()),
        "import_id": str(asked),
    }
