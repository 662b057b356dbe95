"""The demo city's sixty days, made small: by the product's own services and in its own words."""

from collections.abc import Collection, Iterator
from datetime import timedelta
from itertools import pairwise
from typing import TypeVar

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.conftest import NOW
from wxapi.demo import life, people, scenery
from wxapi.duties.models import DutyAppeal
from wxapi.identity.models import User
from wxapi.identity.services.appoint_many import appoint_openids, register_openids
from wxapi.kernel.city import city as rules
from wxapi.kernel.clock import SHANGHAI
from wxapi.platform.db import transaction
from wxapi.regions.services.lookup import tree
from wxapi.reports.models import Report, ReportEvent, ReportPhoto
from wxapi.training.models import Attendance, TrainingSession

T = TypeVar("T")
DAYS = timedelta(days=life.DAYS)


def unseen(_label: str, items: Collection[T]) -> Iterator[T]:
    yield from items


@pytest.fixture
def settled(city: None) -> None:
    with transaction() as session:
        register_openids(session, people.REPORTERS, now=NOW)
        appoint_openids(
            session, people.appointments([region.code for region in tree().below(None)]), now=NOW - 2 * DAYS
        )


def test_a_city_that_lives(settled: None, session: Session) -> None:
    assert life.live(NOW, unseen, wanted=60) == 60
    assert life.live(NOW, unseen, wanted=60) == 0, "it is made once"
    reports = session.scalars(select(Report)).all()
    assert len(reports) == 60
    assert {"closed", "accepted", "refused"} <= {each.state for each in reports}
    assert min(each.created_at for each in reports) >= NOW - DAYS - timedelta(days=1)
    assert len(session.scalars(select(ReportPhoto)).all()) >= 40
    lines = session.scalars(select(ReportEvent).order_by(ReportEvent.report_id, ReportEvent.id)).all()
    assert all(one.at <= after.at for one, after in pairwise(lines) if one.report_id == after.report_id)
    by_people = {line.at.astimezone(SHANGHAI).hour for line in lines if line.actor_id is not None}
    assert by_people == set(range(7, 21)), "at all hours of the day and none of the night"
    given = {event.detail.get("reason_code") for event in lines} - {None}
    assert given
    assert given <= rules().reasons.keys()
    decisions = [each.decision for each in session.scalars(select(DutyAppeal).order_by(DutyAppeal.decided_at))]
    assert decisions == ["uphold", None]
    states = {each.title: each.state for each in session.scalars(select(TrainingSession))}
    assert sorted(states.values()) == ["draft", "published", "published"]
    roll = session.execute(select(User.nickname).join(Attendance, Attendance.user_id == User.id)).scalars().all()
    assert len(roll) == len(set(roll)) == 30
    assert all(2 <= len(name) <= 3 for name in roll)


def test_everything_that_is_reported_has_a_picture_of_its_own() -> None:
    before = {kind: scenery.picture(kind, 1) for kind in scenery.SCENES}
    assert set(scenery.SCENES) == set(life.WHAT)
    # Rubbish in the street and rubble are drawn alike; all else differs, before and after the work.
    assert len(set(before.values())) == len(before) - 1
    assert all(scenery.picture(kind, 1, after=True) != shot for kind, shot in before.items())
