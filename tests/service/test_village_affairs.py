"""Village affairs and everybody who is, was or will be of the village: they learn nothing and may do nothing.

People, offices that come and go, mergings of reports and of villages, repeats, jobs and time at random; every way of reading of the URL map, and every
action of the table, after each step. Two things are asked of somebody a report is hidden from: nothing of it stands in
any answer, and no answer changes by what happens to it. So nothing need be known of what a page might tell. (Files of exports hold no
such report for anybody: `test_exports.py`.)
"""

import re
import uuid
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import date, timedelta
from random import Random
from typing import Any, NamedTuple

import pytest
from flask import Flask
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy import select, text
from werkzeug.test import TestResponse

from tests import reporting
from tests.answers import words_of
from tests.factories import People, Person
from tests.reporting import COUNTY, NEIGHBOUR, OTHER_VILLAGE, TOWNSHIP, VILLAGE
from tests.tries import tries
from tests.ways import FORMS, TELLS_OF_ITSELF, Names, Visitor, Way, bodies, inputs, ways
from workers.topics import TOPICS
from wxapi.duties.services import climb
from wxapi.identity.models import AppointmentRow, Token
from wxapi.identity.queries import digest_of
from wxapi.identity.services import appointments, office_changes
from wxapi.identity.services.appointments import NewAppointment
from wxapi.kernel.actor import Actor, Appointment
from wxapi.kernel.clock import FixedClock, local_day
from wxapi.kernel.errors import DomainError
from wxapi.kernel.ids import new_token
from wxapi.kernel.permissions import Role
from wxapi.moderation.models import Check
from wxapi.notifications.models import Message
from wxapi.platform.db import db, transaction
from wxapi.platform.outbox import OutboxRow
from wxapi.regions.services import changing
from wxapi.regions.services.snapshot import regions_cache
from wxapi.reports.models import Report
from wxapi.reports.rules import workflow
from wxapi.reports.services import timers
from wxapi.supervision.services import board
from wxapi.units.rules import UnitKind
from wxapi.units.services.manage import NewUnit, make_unit

GRID, UNIT = f"{VILLAGE}001", f"{VILLAGE}-xx"
PLACES = ("4210", COUNTY, TOWNSHIP, VILLAGE, GRID, NEIGHBOUR, OTHER_VILLAGE, "421003")
CLASSES = ("X0201", "X0203", "E0102")
TWO_YEARS = 730
# Asks WeChat, which is not there.
OUTGOING = {"message.due", "moderation.text", "moderation.picture"}
SWEEPS = (timers.close_silent, timers.resume_holds, timers.remind, timers.mark_overdue, climb.climb)
# In one step: addresses somebody comes back to, others, addresses that name what is hidden, and things tried with it.
HABIT, OTHERS, NAMED, TRIES, REPEATS = 8, 3, 3, 2, 3
WRITES = ("POST", "PUT", "DELETE")
_TRACES = """
SELECT r.id, r.id::text, 'id' FROM reports r WHERE r.id = ANY(:hidden)
UNION ALL SELECT r.id, r.number, 'number' FROM reports r WHERE r.id = ANY(:hidden)
UNION ALL SELECT p.report_id, p.photo_id::text, 'photo' FROM report_photos p JOIN photos f ON f.id = p.photo_id
    WHERE p.report_id = ANY(:hidden) AND f.owner_id IS DISTINCT FROM :me
UNION ALL SELECT d.subject_id, d.id::text, 'duty' FROM duties d WHERE d.subject_id = ANY(:hidden)
UNION ALL SELECT c.subject_id, c.id::text, 'check' FROM moderation_checks c WHERE c.subject_id = ANY(:hidden)
UNION ALL SELECT r.id, m.id::text, 'message' FROM messages m JOIN reports r ON m.subject = 'report:' || r.id
    WHERE r.id = ANY(:hidden)
"""
_STANDS = """
SELECT r.version, r.state, r.me_too_count, r.updated_at,
    (SELECT count(*) FROM report_joins j WHERE j.report_id = r.id),
    (SELECT count(*) FROM report_photos p WHERE p.report_id = r.id),
    (SELECT array_agg(state ORDER BY c.id) FROM moderation_checks c WHERE c.subject_id = r.id)
FROM reports r WHERE r.id = ANY(:hidden) ORDER BY r.id
"""
_NAME_OF = {"id": "report_id", "number": "number", "photo": "photo_id", "duty": "duty_id", "check": "check_id",
            "message": "message_id"}  # fmt: skip


def chance() -> Any:
    """Evenly at random, and the same again when Hypothesis replays it; its own choices lean to the first."""
    return st.integers(0, 2**32 - 1).map(Random)


class Sent(NamedTuple):
    """What somebody did to a report, with its key."""

    user_id: uuid.UUID
    report_id: str
    path: str
    body: dict[str, Any]
    key: str


class Affairs(RuleBasedStateMachine):
    """People of a small city for whom anything may happen. `app`, `people` and `clock` come with the test's class."""

    app: Flask
    people: People
    clock: FixedClock

    @initialize(chance=chance())
    def settle(self, chance: Random) -> None:
        self.nested = db.engine.begin_nested()  # type: ignore[attr-defined]  # a connection, within the test's savepoint
        self.began = self.clock.at
        self.spoken, self.whole = 0, False
        self.words: dict[str, list[str]] = {}
        self.reads = ways(self.app, "GET")
        self.sends = [(method, way) for method in WRITES for way in ways(self.app, method)]
        self.sent: list[Sent] = []
        self.went_to: dict[str, str] = {}
        self.bodies = bodies(self.app)
        # Who acts for the offices above, whatever becomes of the others; then those who would see it all, were they not
        # of the village now and then; then anybody.
        above = [(Role.TOWNSHIP_OFFICER, TOWNSHIP), (Role.SUPERVISOR, COUNTY)]
        offices = [*above, *above, (Role.AUDITOR, "4210"), (Role.COMMUNITY_WORKER, TOWNSHIP)]
        self.crew = [self.people.make(), *(self.people.make(office) for office in offices)]
        self.crew += [self.people.make(), self.people.make()]
        self.doubles = self.crew[3:7]
        self.visitors: dict[uuid.UUID, Visitor] = {}
        self.said: dict[uuid.UUID, dict[str, tuple[int, str]]] = {}
        self.habits: dict[uuid.UUID, list[Way]] = {}
        self.chance = chance
        self.files(chance, "X0201")
        self.files(chance)
        self.the_jobs_run()
        for _ in range(3):
            self._appoint(chance)
        self.touched: set[str] | None = None

    def teardown(self) -> None:
        if not hasattr(self, "nested"):
            return
        try:
            if self.whole:
                self._look_everywhere()
        finally:
            db.session.remove()
            self.nested.rollback()
            regions_cache().expire()
            self.clock.at = self.began

    # What happens

    @rule(chance=chance())
    def an_office_begins(self, chance: Random) -> None:
        self._appoint(chance)

    def _appoint(self, chance: Random) -> None:
        """Mostly somebody who is told much, and mostly in the village: nobody else can learn anything."""
        near = chance.random() < 0.6
        user_id = chance.choice(self.doubles if near else self.crew).actor.user_id
        role = chance.choice(list(Role))
        begins = local_day(self.clock.at) + timedelta(days=chance.choice((-1000, -740, -30, 0, 0, 0, 1, 200)))
        ends = None if chance.random() < 0.5 else begins + timedelta(days=chance.choice((0, 5, 300)))
        unit = role is Role.UNIT_OFFICER
        place = chance.choice((VILLAGE, VILLAGE, GRID) if near else PLACES)
        where = VILLAGE if unit else "4210" if role is Role.AUDITOR else place
        wanted = NewAppointment(user_id, role, where, begins, ends, UNIT if unit else None)
        with suppress(DomainError):
            appointments.appoint_by_operator(wanted, now=self.clock.at)
        self.touched = None

    @rule(chance=chance())
    def an_office_ends(self, chance: Random) -> None:
        rows = db.session.scalars(select(AppointmentRow.id).order_by(AppointmentRow.starts_on, AppointmentRow.id)).all()
        today, now = local_day(self.clock.at), self.clock.at
        row = chance.choice(rows)
        with suppress(DomainError):
            match chance.randrange(4):
                case 0:
                    appointments.end_appointment(None, row, now=now)
                case 1:
                    last = today + timedelta(days=chance.choice((0, 3, 100)))
                    office_changes.end_on(None, row, last, now=now)
                case 2:
                    office_changes.move(None, row, chance.choice(PLACES), None, today, now=now)
                case _:
                    until = today + timedelta(days=chance.choice((0, 2, 40)))
                    wanted = office_changes.StandIn(self._somebody(chance), today, until)
                    office_changes.stand_in(None, row, wanted, now=now)
        self.touched = None

    @rule(chance=chance())
    def time_passes(self, chance: Random) -> None:
        self.clock.at += timedelta(days=chance.choice((0, 0, 1, 1, 3, 3, 31, 400, 731)), hours=1)
        with transaction() as session:
            for place, person in enumerate(self.crew):
                token = new_token()
                user_id, now = person.actor.user_id, self.clock.at
                session.add(Token(digest=digest_of(token), user_id=user_id, created_at=now, last_used_at=now))
                self.crew[place] = replace(person, token=token)
        self.doubles = self.crew[3:7]
        self.visitors.clear()
        self.touched = None

    @rule()
    def the_jobs_run(self) -> None:
        """All that is in the outbox and what follows from it, after the clock's sweeps; then all messages have come."""
        for sweep in SWEEPS:
            sweep(now=self.clock.at)
        for _ in range(3):
            rows = db.session.scalars(select(OutboxRow).where(OutboxRow.topic.not_in(OUTGOING))).all()
            due = [(row.topic, dict(row.payload)) for row in rows]
            for row in rows:
                db.session.delete(row)
            db.session.commit()
            for topic, payload in due:
                for job in TOPICS[topic]:
                    job.run(**payload)
        with transaction() as session:
            session.query(Message).update({Message.visible_at: self.clock.at})
            session.query(Check).update({Check.state: "review"})
        self.touched = None

    @rule(chance=chance())
    def somebody_files(self, chance: Random) -> None:
        self.files(chance)

    def files(self, chance: Random, category: str | None = None) -> None:
        person = chance.choice(self.crew)
        category = category or chance.choice(CLASSES)
        picture = reporting.photo(person)
        where = chance.choice((VILLAGE, VILLAGE, VILLAGE, NEIGHBOUR))
        words = {"description": self._word(), "address": self._word()}
        report = reporting.file_routed(person, where, category_code=category, photo_ids=[picture], **words)
        self.words[report["id"]] = [*words.values()]
        self.touched = {report["id"]}

    @rule(chance=chance())
    def somebody_joins(self, chance: Random) -> None:
        person, report_id = chance.choice(self.crew), chance.choice(sorted(self.words))
        self._send(person, report_id, "me-too", {})
        self.touched = {report_id}

    @rule(chance=chance())
    def a_village_is_merged(self, chance: Random) -> None:
        """合村并居: its people, its reports and what is kept from whom go on at the successor."""
        standing = [code for code in (VILLAGE, NEIGHBOUR, OTHER_VILLAGE) if code not in self.went_to]
        if len(standing) > 1:
            code, into = chance.sample(standing, 2)
            today, now = local_day(self.clock.at), self.clock.at
            changing.close_regions(changing.Merger([code], into), on=today, now=now)
            self.went_to[code] = into
        self.touched = None

    def _send(self, person: Person, report_id: str, what: str, body: dict[str, Any]) -> TestResponse:
        """As a phone does it, that may say it again."""
        key, path = uuid.uuid4().hex, f"/reports/{report_id}/{what}"
        self.sent.append(Sent(person.actor.user_id, report_id, path, body, key))
        return person.post(path, body, key=key)

    @rule(chance=chance())
    def somebody_acts(self, chance: Random) -> None:
        """Whoever is offered something does it."""
        self._act(chance, lambda action: action != "note" or chance.random() < 0.2)

    @rule(chance=chance())
    def somebody_merges(self, chance: Random) -> None:
        """One report into another, in whatever direction and chain, also such as may not be."""
        self._act(chance, lambda action: action in {"merge", "unmerge"})

    def _act(self, chance: Random, wanted: Any) -> None:
        seen = [
            (person, answer.get_json())
            for person in chance.sample(self.crew, 5)
            for report_id in self.words
            if (answer := person.get(f"/reports/{report_id}")).status_code == 200
        ]
        offers = [(person, view, action) for person, view in seen for action in view["available_actions"]]
        offers = [offer for offer in offers if wanted(offer[2])]
        self.touched = set()
        if not offers:
            return
        person, view, action = chance.choice(offers)
        desk, into = chance.choice((VILLAGE, NEIGHBOUR, TOWNSHIP, COUNTY)), chance.choice(sorted(self.words))
        given = inputs(action, desk=desk, into=into, picture=lambda: reporting.photo(person))
        if "note" in given:
            given["note"] = self._word()
            self.words[view["id"]].append(given["note"])
        answer = self._send(person, view["id"], "actions", {"action": action, "version": view["version"], **given})
        assert answer.status_code in {200, 403, 409, 422}, answer.get_json()
        self.touched = {view["id"], into, *self._chain(view["id"])}

    def _chain(self, report_id: str) -> Iterator[str]:
        """What a report was merged into, and that in turn."""
        row = db.session.get(Report, uuid.UUID(report_id))
        while row is not None and row.merged_into_id is not None:
            yield str(row.merged_into_id)
            row = db.session.get(Report, row.merged_into_id)

    # What must hold

    @invariant()
    def they_learn_nothing(self) -> None:
        if not hasattr(self, "touched"):
            return
        self.whole = False
        board.install(self.app)  # figures are kept for a minute: all that moves is to be seen at once
        hidden = self._hidden()
        for user_id in [*self.said]:
            if self.touched is None or not self.touched <= hidden.get(user_id, set()):
                del self.said[user_id]
        for user_id in self.chance.sample(sorted(hidden), min(2, len(hidden))):
            visitor = self._visitor(user_id)
            habit = self.habits.setdefault(user_id, self.chance.sample(self._plain(), HABIT))
            others = self.chance.sample(self._plain(), OTHERS)
            self._look(visitor, hidden[user_id], [*habit, *others])
            named = [way for way in self.reads if way.of_one]
            self._ask_by_name(visitor, hidden[user_id], self.chance.sample(named, min(NAMED, len(named))))
            self._try(visitor, hidden[user_id], self.chance.sample(self._tries(), TRIES))
        self._who_is_concerned_sees(hidden)
        self.whole = True

    def _look_everywhere(self) -> None:
        """One of those who are kept from something, on all ways there are."""
        hidden = self._hidden()
        if not hidden:
            return
        user_id = self.chance.choice(sorted(hidden))
        visitor = self._visitor(user_id)
        self._look(visitor, hidden[user_id], self._plain())
        self._ask_by_name(visitor, hidden[user_id], [way for way in self.reads if way.of_one])
        self._try(visitor, hidden[user_id], self._tries())

    def _hidden(self) -> dict[uuid.UUID, set[str]]:
        """By person what is hidden from them: in few words, on purpose not those of the product."""
        today = local_day(self.clock.at)
        rows = db.session.execute(select(AppointmentRow.user_id, AppointmentRow.region_code, AppointmentRow.starts_on,
                                         AppointmentRow.ends_on, AppointmentRow.ended_at)).all()  # fmt: skip
        reports = db.session.execute(select(Report.id, Report.excluded_village_code, Report.reporter_id)).all()
        found: dict[uuid.UUID, set[str]] = {}
        for person in self.crew:
            me = person.actor.user_id
            tied = (row.region_code[:12] for row in rows if row.user_id == me and _ties(row, today))
            villages = {code for village in tied for code in self._on(village)}
            kept = {str(report.id) for report in reports
                    if report.excluded_village_code in villages and report.reporter_id != me}  # fmt: skip
            if kept:
                found[me] = kept
        return found

    def _on(self, village: str) -> Iterator[str]:
        """A village, and those that go on for it."""
        yield village
        while village in self.went_to:
            village = self.went_to[village]
            yield village

    def _look(self, visitor: Visitor, hidden: set[str], wanted: Iterable[Way]) -> None:
        before = self.said.setdefault(visitor.person.actor.user_id, {})
        marks = self._marks(visitor, hidden)
        for way in wanted:
            status, said = visitor.read(way.template)
            assert status < 500, way.template
            found = marks.search(said)
            assert found is None, (way.template, found)
            if way.rule in TELLS_OF_ITSELF:
                continue
            _same(before.setdefault(way.template, (status, said)), (status, said), way.template)

    def _ask_by_name(self, visitor: Visitor, hidden: set[str], wanted: Iterable[Way]) -> None:
        names, other = self._names(visitor, hidden), self._own_number(visitor)
        marks = self._marks(visitor, hidden)
        for way in wanted:
            for real, sham, stand_in in names.pairs(way, other):
                answers = [_with_shams(visitor.read(path), stand_in) for path in (real, sham)]
                assert answers[0][0] == answers[1][0], (real, answers[0][0])
                assert marks.search(answers[0][1]) is None, real
                if way.rule not in TELLS_OF_ITSELF:
                    _same(*answers, real)

    def _repeat(self, visitor: Visitor, hidden: set[str]) -> None:
        """What they did to it while they could see it: said again it does nothing, and its answer is not given."""
        marks, person = self._marks(visitor, hidden), visitor.person
        mine = [sent for sent in self.sent if sent.user_id == person.actor.user_id and sent.report_id in hidden]
        for sent in mine[-REPEATS:]:
            answer = person.post(sent.path, sent.body, key=sent.key)
            assert answer.status_code in {404, 409}, (sent, answer.get_json())
            # The path that they named themselves is no news.
            assert marks.search(words_of(answer).replace(sent.report_id, "")) is None, (sent, answer.get_json())

    def _tries(self) -> list[tuple[str, Way, dict[str, Any]]]:
        """All that could be done to something by its name: method, address, body."""
        found: list[tuple[str, Way, dict[str, Any]]] = []
        for method, way in self.sends:
            if way.rule.endswith("/actions"):
                found += [(method, way, {"action": action}) for action in workflow.ACTIONS]
                found.append((method, way, {"action": "merge", "into": "{report_id}"}))
            elif way.of_one and way.rule.startswith("/api/v1"):
                path = re.sub(r"\?.*", "", way.template).removeprefix("/api/v1")
                found.append((method, way, self.bodies.get(f"{method} {path}") or {}))
            elif way.of_one:
                assert way.rule in FORMS, f"{way.rule}: what does its form carry?"
                found += [(method, way, form) for form in FORMS[way.rule]]
            elif way.rule == "/desk/bulk":
                found += [(method, way, {"action": each, "pick": "{number}:1", "note": "说明", "desk_code": TOWNSHIP})
                          for each in ("accept", "assign_desk", "note", "approve_hold")]  # fmt: skip
        return found

    def _try(self, visitor: Visitor, hidden: set[str], wanted: Iterable[tuple[str, Way, dict[str, Any]]]) -> None:
        """Nothing can be done to what is hidden, and the refusal is that of what never was."""
        names, other = self._names(visitor, hidden), self._own_number(visitor)
        marks = self._marks(visitor, hidden)
        kept = {"hidden": [uuid.UUID(each) for each in hidden]}
        before = db.session.execute(text(_STANDS), kept).all()
        db.session.rollback()
        self._repeat(visitor, hidden)
        for method, way, body in wanted:
            for filled, stand_in in _open(names, way, body, other):
                real, sham = (
                    _with_shams(visitor.send(method, path, self._whole(visitor, given)), stand_in)
                    for path, given in filled
                )
                _same(real, sham, filled)
                assert marks.search(real[1]) is None, filled
        assert db.session.execute(text(_STANDS), kept).all() == before, wanted
        db.session.rollback()

    def _whole(self, visitor: Visitor, body: dict[str, Any]) -> dict[str, Any]:
        """With what an action must carry, and the version it has by chance."""
        if body.keys() != {"action"} and "into" not in body:
            return body
        if isinstance(body.get("version"), str):
            return body
        into = body.get("into", str(uuid.UUID(int=7)))
        # No photo of theirs: a new one would be in what they read of themselves.
        carried = inputs(body["action"], desk=TOWNSHIP, into=into, picture=lambda: str(uuid.UUID(int=7)))
        return {"version": 2, **carried, **body}

    def _who_is_concerned_sees(self, hidden: dict[uuid.UUID, set[str]]) -> None:
        """The exclusion takes nothing from anybody else: else all of the above would hold of an empty product."""
        officer = self.crew[1]
        # A village that was merged into another township's took its reports along.
        theirs = db.session.scalars(select(Report.id).where(Report.township_code == TOWNSHIP).order_by(Report.id)).all()
        if not theirs:
            return
        report_id = str(self.chance.choice(theirs))
        today = local_day(self.clock.at)
        held = db.session.execute(select(AppointmentRow).where(AppointmentRow.user_id == officer.actor.user_id,
                                                               AppointmentRow.region_code == TOWNSHIP)).scalars()  # fmt: skip
        if any(_counts(row, today) for row in held):
            status = officer.get(f"/reports/{report_id}").status_code
            assert status == (404 if report_id in hidden.get(officer.actor.user_id, ()) else 200)

    # Small things

    def _somebody(self, chance: Random) -> uuid.UUID:
        return chance.choice(self.crew).actor.user_id

    def _word(self) -> str:
        self.spoken += 1
        return f"暗{self.spoken}语"

    def _plain(self) -> list[Way]:
        return [way for way in self.reads if not way.of_one]

    def _visitor(self, user_id: uuid.UUID) -> Visitor:
        if user_id not in self.visitors:
            person = next(each for each in self.crew if each.actor.user_id == user_id)
            self.visitors[user_id] = Visitor(person)
        return self.visitors[user_id]

    def _traces(self, visitor: Visitor, hidden: set[str]) -> list[tuple[str, str]]:
        values = {"hidden": [uuid.UUID(each) for each in hidden], "me": visitor.person.actor.user_id}
        found = [(row[1], row[2]) for row in db.session.execute(text(_TRACES), values)]
        db.session.rollback()
        return found

    def _marks(self, visitor: Visitor, hidden: set[str]) -> re.Pattern[str]:
        """All that stands in an answer only where it tells of one of the reports."""
        words = [word for each in hidden for word in self.words[each]]
        return re.compile("|".join(map(re.escape, [*words, *(trace for trace, _ in self._traces(visitor, hidden))])))

    def _names(self, visitor: Visitor, hidden: set[str]) -> Names:
        one = {self.chance.choice(sorted(hidden))}
        real: dict[str, tuple[str, ...]] = {}
        for value, kind in self._traces(visitor, one):
            real[_NAME_OF[kind]] = (*real.get(_NAME_OF[kind], ()), value)
        return Names({name: values[:2] for name, values in real.items()})

    def _own_number(self, visitor: Visitor) -> str:
        """The number of a report that the person sees on their desk, or of none."""
        items = visitor.person.get("/reports?scope=desk&limit=1").get_json().get("items", [])
        return items[0]["number"] if items else "JZ-11111111"


def _ties(row: Any, today: date) -> bool:
    """In force, to come, or over for at most two years, at or below a village."""
    if len(row.region_code) < len(VILLAGE):
        return False
    last = _last_day(row)
    return last >= row.starts_on and (today - last).days <= TWO_YEARS


def _counts(row: Any, today: date) -> bool:
    return row.ended_at is None and row.starts_on <= today <= _last_day(row)


def _last_day(row: Any) -> date:
    ended = local_day(row.ended_at) if row.ended_at else date.max
    return min(row.ends_on or date.max, ended)


def _same(one: tuple[int, str], other: tuple[int, str], where: Any) -> None:
    if one != other:
        at = next((n for n, pair in enumerate(zip(one[1], other[1], strict=False)) if pair[0] != pair[1]), -1)
        pytest.fail(f"{where}: {one[0]} {one[1][at - 60 : at + 140]!r} and {other[0]} {other[1][at - 60 : at + 140]!r}")


def _with_shams(answer: tuple[int, str], stand_in: dict[str, str]) -> tuple[int, str]:
    """What was asked for comes back in links and fields; it is no news."""
    said = answer[1]
    for real, sham in stand_in.items():
        said = said.replace(real, sham)
    return answer[0], said


def _open(
    names: Names, way: Way, body: dict[str, Any], other: str
) -> Iterator[tuple[list[tuple[str, dict[str, Any]]], dict[str, str]]]:
    """Address and body, first with what is there and then with what never was; and what stands for what."""
    probe = Way(way.rule, way.template + "".join(map(str, body.values())))
    for _, _, stand_in in names.pairs(probe, other):
        [(real, sham)] = stand_in.items()
        name = next(name for name, values in names.real.items() if real in values)
        filled = []
        for value in (real, sham):
            fill = {"other": other, name: value}
            texts = {key: text.format(**fill) if isinstance(text, str) else text for key, text in body.items()}
            filled.append((way.template.format(**fill), texts))
        yield filled, stand_in


def test_nobody_of_the_village_ever_learns_of_a_complaint(app: Flask, people: People, clock: FixedClock) -> None:
    reporting.settle(people)
    admin = Actor(uuid.UUID(int=1), (Appointment(Role.ADMIN, "4210"),))
    make_unit(admin, NewUnit(VILLAGE, UNIT.partition("-")[2], "村办公司", UnitKind.COMPANY), now=clock.now())
    machine = type("AffairsHere", (Affairs,), {"app": app, "people": people, "clock": clock})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=tries(3),
            stateful_step_count=8,
            deadline=None,
            report_multiple_bugs=False,
            suppress_health_check=list(HealthCheck),
            phases=(Phase.reuse, Phase.generate),
        ),
    )
