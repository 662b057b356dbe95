"""The demo city's last 60 days: 300 reports in all states, with photos, holds, cards; and classes.

Everything is made by the product's own services at times of the past, the same every time for one present. What becomes
of one report depends on no other, so several processes can make them side by side. What such old steps would tell
people by message is left out: only notices of the last three days are written.
"""

import uuid
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from itertools import islice
from random import Random

from sqlalchemy import Text, cast, delete, exists, select

from wxapi.demo import appeals, listing, people, scenery
from wxapi.demo.errors import DemoError
from wxapi.duties.services import climb
from wxapi.identity.queries import actor_of, user_by_digest
from wxapi.identity.services import profile
from wxapi.kernel.actor import Actor
from wxapi.kernel.clock import SHANGHAI, day_begins, local_day
from wxapi.kernel.coordinates import Datum, Point
from wxapi.kernel.errors import DomainError
from wxapi.photos.services.develop import develop
from wxapi.photos.services.send import upload
from wxapi.platform.db import db, deferred_commit, transaction
from wxapi.platform.outbox import OutboxRow
from wxapi.platform.runtime import runtime
from wxapi.regions.queries import boundaries_of
from wxapi.regions.rules.levels import Level, parent_of, within
from wxapi.regions.services.lookup import tree
from wxapi.reports.models import Report
from wxapi.reports.rules.action_input import ActionInput, ActionRequest
from wxapi.reports.services import timers
from wxapi.reports.services.act import act
from wxapi.reports.services.file import Draft, file_report
from wxapi.reports.services.report_view import ReportView
from wxapi.reports.services.route import route_report
from wxapi.training.rules.audience import Audience
from wxapi.training.rules.sessions import Plan, TrainingKind
from wxapi.training.services import correct_roll, enrolling, organise
from wxapi.training.services.correct_roll import Correction

REPORTS = 300
DAYS = 60
# With this one every state occurs, whatever the hour at which the demo is made.
_SEED = 20261143
_TOLD_FOR = timedelta(days=3)
_VILLAGES = 36
_LATELY = timedelta(days=9)
# The share of reporters who say whether it was solved; the other reports close by themselves.
_HEARD = 0.93
_COUNTY = "421002"

# Class → what people write of it.
WHAT: Mapping[str, tuple[str, ...]] = {
    "E0102": ("路口垃圾箱满溢，气味很大。", "小区门口垃圾桶旁堆了很多垃圾袋。", "菜市场后门有成堆的烂菜叶没人清运。"),
    "E0103": ("楼后空地堆着装修垃圾，已经好几天了。", "巷子里有一堆建筑渣土，挡住半边路。"),
    "E0101": ("绿化带旁新搭了一间铁皮棚。", "楼顶有人在加盖彩钢房。"),
    "E0110": ("路面有一个大坑，电动车容易摔倒。", "人行道砖块松动翘起。"),
    "E0505": ("消防车通道旁长期停着两辆面包车。", "学校门口上学时间乱停车。"),
    "C0102": ("污水井盖缺失，晚上很危险。", "井盖破了一角，车一压就响。"),
    "C0118": ("巷内路灯不亮已有一周。", "公园东侧三盏路灯不亮。"),
    "X0101": ("单元门口堆了沙发，挡住消防通道。",),
}
_DONE = (
    "已安排人员清运，现场已清理干净。",
    "已维修完毕，请放心通行。",
    "已联系责任单位整改到位。",
    "已拆除并清理现场。",
)
_WEIGHTS = {"E0102": 8, "E0103": 5, "E0101": 3, "E0110": 4, "E0505": 4, "C0102": 4, "C0118": 3, "X0101": 1}


_Work = Callable[[], object]
Tracker = Callable[[str, Collection[_Work]], Iterator[_Work]]
Spread = Callable[[Callable[[_Work], object], Collection[_Work]], Iterator[object]]
# Who does what with which input, so many hours after the step before.
_Step = tuple[Actor, str, ActionInput, float]


@dataclass(frozen=True, slots=True)
class _Place:
    """A village where something happens, and who is there to act."""

    code: str
    point: Point
    worker: Actor
    officer: Actor


class _Life:
    """Makes one report after another; `chance` decides all of it, seeded anew for each."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self.chance = Random(_SEED)  # noqa: S311 - the same city every time, nothing secret
        self.reporters = [_person(openid, now) for openid in people.REPORTERS]
        self.places = self._places()

    def _places(self) -> list[_Place]:
        villages = sorted(region.code for region in tree().below(_COUNTY) if region.level is Level.VILLAGE)
        codes = self.chance.sample(villages, min(_VILLAGES, len(villages)))
        townships = sorted({within(code, Level.TOWNSHIP) for code in codes})
        officers = {code: _person(f"officer-{code}", self.now) for code in townships}
        borders = boundaries_of(db.session(), codes)
        found = []
        for code in codes:
            inner = borders[code].representative_point()
            worker, officer = _person(f"worker-{code}", self.now), officers[within(code, Level.TOWNSHIP)]
            found.append(_Place(code, Point(inner.x, inner.y), worker, officer))
        return found

    def report(self, number: int) -> None:
        """File one report some time ago, and let it go as far as it got since."""
        self.chance = Random(_SEED * REPORTS + number)  # noqa: S311 - as above
        age = timedelta(days=DAYS * self.chance.random() ** 1.4)
        at = self._by_day(self.now - age - timedelta(minutes=self.chance.randint(5, 50)))
        place = self.chance.choice(self.places)
        kind = self.chance.choices(list(_WEIGHTS), list(_WEIGHTS.values()))[0]
        reporter = self.chance.choice(self.reporters)
        jitter = Point(
            place.point.longitude + self.chance.uniform(-0.0004, 0.0004),
            place.point.latitude + self.chance.uniform(-0.0004, 0.0004),
        )
        words = self.chance.choice(WHAT[kind])
        with deferred_commit():
            photo = [_photo(reporter, kind, number, at)] if number % 3 != 0 else []
            filed = file_report(reporter, Draft(kind, words, photo, jitter, Datum.GCJ02, 12.0, "gps"), now=at)
        route_report(filed.id, now=at + timedelta(minutes=1))
        self._go_on(filed, reporter, place, kind, at, number)

    def _go_on(self, filed: ReportView, reporter: Actor, place: _Place, kind: str, at: datetime, number: int) -> None:
        """One of a few ways a report goes; young ones stop where they are."""
        # What lay open for weeks is rare; what came lately may be anywhere: the more weight for ways that end half way.
        more = 8 if self.now - at < _LATELY else 0
        ways: list[tuple[int, Callable[[], Iterator[_Step]]]] = [
            (80, lambda: self._solved(reporter, place)),
            (1 + more, lambda: self._disputed(reporter, place)),
            (more, lambda: self._held(place)),
            (1 + more, lambda: self._returned(place)),
            (6, lambda: self._refused(place)),
            (4, lambda: self._withdrawn(reporter)),
            (1 + more, lambda: iter([(place.worker, "accept", ActionInput(), self._wait())])),
            (1 + more, lambda: iter(())),
        ]
        way = self.chance.choices([way for _, way in ways], [weight for weight, _ in ways])[0]
        version = 2
        for actor, action, given, hours in way():
            at = self._at_work(at + timedelta(hours=hours))
            if at >= self.now - timedelta(minutes=1):
                return
            with deferred_commit():
                photo = [_photo(actor, kind, number, at, after=True)] if action == "resolve" else []
                request = ActionRequest(action, version, replace(given, photo_ids=photo))
                version = act(actor, filed.id, request, now=at).version

    def _solved(self, reporter: Actor, place: _Place) -> Iterator[_Step]:
        yield place.worker, "accept", ActionInput(), self._wait()
        yield place.worker, "resolve", ActionInput(note=self.chance.choice(_DONE)), self._work()
        if self.chance.random() < _HEARD:
            yield reporter, "confirm", ActionInput(rating=self.chance.choice((5, 5, 5, 4, 4, 3))), self._wait() * 4

    def _disputed(self, reporter: Actor, place: _Place) -> Iterator[_Step]:
        yield from islice(self._solved(reporter, place), 2)
        yield reporter, "dispute", ActionInput(note="只清理了一半，角落里还有。"), self._wait() * 2

    def _held(self, place: _Place) -> Iterator[_Step]:
        yield place.worker, "accept", ActionInput(), self._wait()
        review = local_day(self.now) + timedelta(days=self.chance.randint(1, 12))
        asked = ActionInput(note="需协调产权单位，待雨停后施工。", reason_code="weather", review_on=review)
        yield place.worker, "request_hold", asked, self._wait()
        if self.chance.random() < 0.7:
            yield place.officer, "approve_hold", ActionInput(), self._wait()

    def _returned(self, place: _Place) -> Iterator[_Step]:
        yield place.worker, "return", ActionInput(note="该处属相邻社区管辖。", reason_code="not_ours"), self._wait()
        if self.chance.random() < 0.6:
            neighbours = [other.code for other in self.places if parent_of(other.code) == parent_of(place.code)]
            yield place.officer, "assign_desk", ActionInput(desk_code=self.chance.choice(neighbours)), self._wait()

    def _refused(self, place: _Place) -> Iterator[_Step]:
        given = ActionInput(note="经现场查看，该处无此问题。", reason_code="not_a_problem")
        yield place.worker, "refuse", given, self._wait()

    def _withdrawn(self, reporter: Actor) -> Iterator[_Step]:
        yield reporter, "withdraw", ActionInput(note="已经有人处理了。"), self._wait() / 4

    def _wait(self) -> float:
        """Hours until somebody takes the next step: mostly soon, at times late."""
        return self.chance.choice((0.3, 0.5, 0.8, 1.2, 1.5, 1.8, 2.5, 5.0))

    def _work(self) -> float:
        """Hours until what was accepted is solved."""
        return self.chance.choice((1.5, 2.0, 3.0, 4.0, 5.0, 7.0, 20.0, 30.0, 70.0))

    def _by_day(self, at: datetime) -> datetime:
        """The same moment, or half a day before: when people are about and see something."""
        hours = self.chance.uniform(10, 14)  # also by day: what else chance decides must not depend on the hour
        return at if _is_day(at) else at - timedelta(hours=hours)

    def _at_work(self, at: datetime) -> datetime:
        """The same moment, or the morning after: nobody takes a step by night."""
        opens = timedelta(hours=self.chance.uniform(7, 10))
        return at if _is_day(at) else day_begins(local_day(at + timedelta(hours=3))).astimezone(UTC) + opens


def _is_day(at: datetime) -> bool:
    return 7 <= at.astimezone(SHANGHAI).hour < 21


def _photo(actor: Actor, kind: str, number: int, at: datetime, *, after: bool = False) -> uuid.UUID:
    """A photo as it is once a worker has developed it; few streets, so that little is drawn."""
    photo = upload(actor, scenery.picture(kind, number % 6, after=after), sha256=None, now=at)
    develop(photo.id, now=at)
    return photo.id


def _person(openid: str, now: datetime) -> Actor:
    """Somebody of the demo, as they are in office now; who has no name yet is given one."""
    user = user_by_digest(db.session(), runtime().cipher.digests(openid, purpose="user.openid"))
    assert user is not None, f"{openid} is not there: the city's people come first."
    actor = actor_of(db.session(), user.id, today=local_day(now))
    if not user.nickname:
        name, kind = people.name_of(openid), people.kind_of(openid)
        profile.change_me(actor, nickname=name, kind=kind, consent_version=None, now=now)
    return actor


def live(now: datetime, track: Tracker, spread: Spread = map, *, wanted: int = REPORTS) -> int:
    """Make the city's last 60 days, unless there are reports already; returns how many reports were made.

    Args:
        now: the present.
        track: shows the progress of a loop.
        spread: calls a function with each of many things, as `map` does.
        wanted: how many reports.
    """
    with transaction() as session:
        if session.scalar(select(exists().where(Report.id.is_not(None)))):
            return 0
    life = _Life(now)
    for openid in (*people.CITY, f"supervisor-{_COUNTY}", f"steward-{_COUNTY}"):
        _person(openid, now)
    regions = sorted(region.code for region in tree().below(_COUNTY))
    works: list[_Work] = [partial(_sessions, now), partial(listing.list_people, regions, now=now)]
    works += [partial(life.report, number) for number in range(wanted)]
    db.session.remove()  # a process that does some of it has connections of its own
    with runtime().storage.kept_together():
        for _ in zip(track("Living sixty days", works), spread(_do, works), strict=True):
            pass
    for sweep in (timers.close_silent, timers.resume_holds, timers.remind, timers.mark_overdue, climb.climb):
        sweep(now=now)
    appeals.appeal_some(_person, now)
    _forget_old_news(now)
    return wanted


def _do(work: _Work) -> None:
    """A refusal is a fault of the demo, not of whoever runs it; another process can be told of it only by words."""
    try:
        work()
    except DomainError as refused:
        raise DemoError(f"The demo city cannot be made: [{refused.code}] {refused.detail}") from refused


def _forget_old_news(now: datetime) -> None:
    """Drop what would tell people of steps of weeks ago."""
    with transaction() as session:
        quiet = Report.updated_at < now - _TOLD_FOR
        session.execute(
            delete(OutboxRow).where(
                OutboxRow.topic == "report.changed",
                OutboxRow.payload["report_id"].astext.in_(select(cast(Report.id, Text)).where(quiet)),
            )
        )


def _sessions(now: datetime) -> None:
    """One class that is running now with people enrolled and some signed in, one tomorrow, one that is a draft."""
    organiser = _person(f"organiser-{_COUNTY}", now)
    present = Correction("present", "现场网络故障，人工核对签到表")
    guests = [_person(openid, now) for openid in people.REPORTERS[:30]]
    running = _session(organiser, "“网格啄木鸟”红色课堂：身边的基层治理", now - timedelta(minutes=20), now)
    organise.publish(organiser, running, now=now)
    for guest in guests:
        enrolling.enrol(guest, running, now=now)
    for guest in guests[:18]:
        correct_roll.correct(organiser, running, guest.user_id, present, now=now)
    organise.publish(
        organiser, _session(organiser, "村级党组织书记轮训（第四期）", now + timedelta(days=1), now), now=now
    )
    _session(organiser, "物业企业党建联席会（拟办）", now + timedelta(days=9), now)


def _session(organiser: Actor, title: str, starts_at: datetime, now: datetime) -> uuid.UUID:
    """A draft, by its id."""
    return organise.create(organiser, _plan(title, starts_at), now=now).row.id


def _plan(title: str, starts_at: datetime) -> Plan:
    return Plan(
        title=title,
        kind=TrainingKind.LECTURE,
        region_code=_COUNTY,
        starts_at=starts_at,
        ends_at=starts_at + timedelta(hours=3),
        place="沙市区党群服务中心一楼报告厅",
        position=None,
        radius_m=None,
        capacity=200,
        credit_hours=Decimal(4),
        audience=Audience(),
        sign_in_opens_min=60,
        late_after_min=40,
        sign_out=False,
        offline_hours=24,
        series_id=None,
        parallel=False,
    )
