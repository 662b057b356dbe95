"""What tests stand on is there for each of them, and nothing that one of them did; see tests/grounds.py."""

from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tests import reporting
from tests.factories import People
from tests.grounds import Ground
from tests.reporting import VILLAGE, Town
from tests.schooling import School
from tests.web.visits import Scene
from wxapi.identity.models import User
from wxapi.platform.driver import _IDLE_SINCE, _PING_AFTER_S
from wxapi.regions.services.lookup import tree
from wxapi.reports.models import Report


def count(session: Session, model: type) -> int:
    return session.scalar(select(func.count()).select_from(model)) or 0


@pytest.mark.parametrize("_again", range(2))
def test_a_town_is_as_it_was_settled(town: Town, session: Session, _again: int) -> None:
    assert (count(session, User), count(session, Report)) == (len(vars(town)) - 1, 0)
    report = reporting.file_routed(town.reporter)
    assert report["desk"]["code"] == VILLAGE
    assert town.worker.get(f"/reports/{report['id']}").status_code == 200
    town.people.make()


@pytest.mark.parametrize("_again", range(2))
def test_a_school_is_another_place_than_the_town(school: School, session: Session, _again: int) -> None:
    assert count(session, User) == len(vars(school)) - 1
    hall = school.make()
    assert school.sign_in(hall, school.member).status_code == 201
    assert len(tree()) == 14


@pytest.mark.parametrize("_again", range(2))
def test_a_scene_is_as_it_was_set(scene: Scene, session: Session, _again: int) -> None:
    assert count(session, Report) == 4
    reporting.file_routed(scene.persons["reporter"])


def test_a_city_is_empty(city: None, session: Session) -> None:
    assert (len(tree()), count(session, User)) == (14, 0)


def test_without_one_there_is_nothing(app: Flask, session: Session) -> None:
    assert (len(tree()), count(session, User)) == (0, 0)


def test_a_ground_that_lay_idle_is_tried_as_any_connection(city: None, settled: Callable[[str], Ground]) -> None:
    """As long as other tests stand elsewhere."""
    with settled("city").engine.connect() as connection:
        record = connection.connection._connection_record
    assert record is not None
    record.info[_IDLE_SINCE] -= _PING_AFTER_S + 1
    with settled("city").engine.connect() as connection:
        assert connection.connection._connection_record is record
        assert connection.scalar(select(1)) == 1


class TestOfAModulesOwn:
    @pytest.fixture
    def town(self, people: People) -> Town:
        return reporting.settle(people)

    def test_a_town_that_a_module_settles_itself_is_settled_once(self, town: Town, session: Session) -> None:
        assert count(session, User) == len(vars(town)) - 1
