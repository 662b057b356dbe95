"""Who sees what a city's list calls people, over every answer of the API and every page.

Names and posts are for those who appoint and for colleagues of the desk; phones are for nobody but the person.
"""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.answers import words_of
from tests.conftest import NOW
from tests.factories import People, Person
from tests.reporting import COUNTY, TOWNSHIP, VILLAGE, Town, file_routed
from tests.web.browsing import Browser
from wxapi.identity.models import AppointmentRow, PeopleImport, RosterEntry, User
from wxapi.identity.rules import ImportState
from wxapi.identity.services import office_changes, roster
from wxapi.identity.services.roster_files import RosterRow
from wxapi.kernel.clock import local_day
from wxapi.kernel.permissions import Permission, Role
from wxapi.platform.guard import permission_of
from wxapi.platform.runtime import runtime
from wxapi.web.kit.blueprint import Pages

OTHER_COUNTY = "421003"
# On the list: who, the role, where, the phone. Each name and post stands nowhere else.
LISTED = {
    "worker": ("赵铁柱甲", "村务员甲", Role.COMMUNITY_WORKER, VILLAGE, "13911110001"),
    "officer": ("钱大河乙", "街道办乙", Role.TOWNSHIP_OFFICER, TOWNSHIP, "13911110002"),
    "supervisor": ("孙小川丙", "督办员丙", Role.SUPERVISOR, COUNTY, "13911110003"),
    "admin": ("李长江丁", "管理员丁", Role.ADMIN, COUNTY, "13911110004"),
    "waiting": ("周未到戊", "候任者戊", Role.COMMUNITY_WORKER, VILLAGE, "13911110005"),
    "elsewhere": ("吴远山己", "外县人己", Role.ADMIN, OTHER_COUNTY, "13911110006"),
}
NAMES = {who: {name, post} for who, (name, post, *_) in LISTED.items()}
PHONES = {row[-1] for row in LISTED.values()}
# Routes that take a region and words.
_LISTING = {Permission.APPOINT, Permission.WORK, Permission.DESK, Permission.TRAINING_COVERAGE, Permission.SIGNED_IN}
COUNTY_PEOPLE = {"worker", "officer", "supervisor", "admin", "waiting"}


@dataclass
class City:
    """People of a list, a report, and the ids that addresses are filled with."""

    app: Flask
    people: dict[str, Person]
    ids: dict[str, list[str]] = field(default_factory=dict)

    def answers(self, person: Person) -> Iterator[tuple[str, str]]:
        """What every GET of the URL map says to somebody, API and pages, for each id and some queries."""
        browser = Browser(self.app).sign_in(person)
        for rule in self.app.url_map.iter_rules():
            permission = permission_of(self.app.view_functions[rule.endpoint])
            if permission is Permission.PUBLIC and person is not self.people["citizen"]:
                continue  # the same for all
            if "GET" not in (rule.methods or ()) or rule.endpoint in {"identity.read_everything", "login.my_data"}:
                continue
            if rule.rule.startswith(("/metrics", "/assets", "/files")):
                continue
            room = self.app.blueprints.get(rule.endpoint.partition(".")[0])
            for path in self._filled(rule.rule, sorted(rule.arguments)):
                queries = ("", f"?region={COUNTY}&q=13911110001") if permission in _LISTING else ("",)
                for query in queries:
                    if isinstance(room, Pages):
                        yield path + query, words_of(browser.get(path + query))
                    elif path.startswith("/api/v1"):
                        yield path + query, words_of(person.get(path.removeprefix("/api/v1") + query))

    def _filled(self, rule: str, arguments: list[str]) -> list[str]:
        paths = [rule]
        for name in arguments:
            start = next(part for part in rule.split("<") if part.split(">")[0].split(":")[-1] == name).split(">")[0]
            values = self.ids.get(name, [str(uuid.UUID(int=7))])
            paths = [path.replace(f"<{start}>", value) for path in paths for value in values]
        return paths


@pytest.fixture
def town_with_list(app: Flask, town: Town, people: People, session: Session) -> City:
    report = file_routed(town.reporter)
    rows = [RosterRow(name, post, phone, role, code) for name, post, role, code, phone in LISTED.values()]
    roster.import_people(rows, now=NOW, dry_run=False)
    persons = {"citizen": town.reporter, "stranger": people.make()}
    for who, (_, _, _, _, phone) in LISTED.items():
        if who != "waiting":
            persons[who] = people.make()
            user = session.get_one(User, persons[who].actor.user_id)
            user.phone_digest = runtime().cipher.digest(phone, purpose="user.phone")
            user.phone_sealed = runtime().cipher.seal(phone, purpose="user.phone")
    session.commit()
    roster.match_waiting(now=NOW)
    persons["colleague"] = people.make((Role.COMMUNITY_WORKER, VILLAGE))
    persons["chief"] = people.make((Role.STREET_CHIEF, TOWNSHIP))
    persons["organiser"] = people.make((Role.TRAINING_ORGANISER, COUNTY))
    persons["worker_elsewhere"] = people.make((Role.COMMUNITY_WORKER, "421003001001"))
    office = session.scalars(
        select(AppointmentRow.id).where(AppointmentRow.user_id == persons["worker"].actor.user_id)
    ).one()
    # A stand-in whom the citizen could meet: one of the list, for another of the list.
    today = local_day(NOW)
    office_changes.stand_in(
        None, office, office_changes.StandIn(persons["supervisor"].actor.user_id, today, today), now=NOW
    )
    sent = PeopleImport(
        id=uuid.uuid4(),
        user_id=persons["admin"].actor.user_id,
        state=ImportState.DONE,
        dry_run=False,
        faults=[],
        done=0,
        fault_count=0,
        created_at=NOW,
    )
    session.add(sent)
    session.commit()
    town.worker.post(f"/reports/{report['id']}/actions", {"action": "accept", "version": report["version"]})
    everybody = [str(person.actor.user_id) for person in persons.values()]
    ids = {
        "report_id": [report["id"]],
        "number": [report["number"]],
        "region": [VILLAGE, COUNTY],
        "code": [VILLAGE],
        "appointment_id": [str(each) for each in session.scalars(select(AppointmentRow.id))],
        "person_id": [str(each) for each in session.scalars(select(RosterEntry.id))],
        "import_id": [str(sent.id)],
        "user_id": everybody[:3],
    }
    return City(app, persons, ids)


# Who sees whose name and post. The admin's own desk roles are none, so colleagues are those of the same very place.
SEEN = {
    "citizen": set(),
    "stranger": set(),
    "organiser": set(),
    "chief": {"officer"},
    "worker_elsewhere": set(),
    "colleague": {"worker", "supervisor"},
    "worker": {"worker", "supervisor"},
    "officer": {"officer"},
    "supervisor": {"supervisor", "worker"},
    "elsewhere": {"elsewhere"},
    "admin": COUNTY_PEOPLE,
}


def test_names_are_seen_by_those_they_are_for_and_phones_by_nobody(town_with_list: City) -> None:
    seen: dict[str, set[str]] = {who: set() for who in SEEN}
    for who, names in seen.items():
        for path, answer in town_with_list.answers(town_with_list.people[who]):
            shown = answer if "q=1391" not in path else answer.replace("13911110001", "")
            assert not [phone for phone in PHONES if phone in shown], (who, path)
            names |= {other for other, marks in NAMES.items() for mark in marks if mark in shown}
    assert seen == SEEN


def test_no_answer_to_a_citizens_action_names_anybody(town_with_list: City) -> None:
    citizen = town_with_list.people["citizen"]
    (report_id,) = town_with_list.ids["report_id"]
    report = citizen.get(f"/reports/{report_id}").json
    said = [citizen.post(f"/reports/{report_id}/actions", {"action": "urge", "version": report["version"]})]
    said += [
        citizen.post("/appointments", {}),
        citizen.post("/people/invitations", {"person_ids": town_with_list.ids["person_id"]}),
        *(
            citizen.post(f"/appointments/{each}/end", {"last_day": "2026-12-01"})
            for each in town_with_list.ids["appointment_id"]
        ),
    ]
    text = "".join(words_of(answer) for answer in said)
    assert not [mark for marks in NAMES.values() for mark in marks if mark in text]


def test_only_the_person_reads_their_own_entry(town_with_list: City) -> None:
    (entry,) = town_with_list.people["worker"].get("/me/data").json["me"]["list_entries"]
    assert (entry["name"], entry["phone"]) == ("赵铁柱甲", "13911110001")
    others = words_of(town_with_list.people["citizen"].get("/me/data"))
    assert not [mark for marks in NAMES.values() for mark in marks if mark in others]


def test_the_walk_sees_what_could_tell(town_with_list: City) -> None:
    """Every route for administrators is on the way, and answers them."""
    admin = town_with_list.people["admin"]
    paths = {path.partition("?")[0] for path, _ in town_with_list.answers(admin)}
    guarded = [
        rule.rule
        for rule in town_with_list.app.url_map.iter_rules()
        if permission_of(town_with_list.app.view_functions[rule.endpoint]) is Permission.APPOINT
        and "GET" in (rule.methods or ())
    ]
    assert len(guarded) >= 4
    for rule in guarded:
        assert any(path.startswith(rule.partition("<")[0]) for path in paths), rule
