"""Whoever writes several rows that others write too does so in one order: two at once never wait in a circle."""

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pytest
from flask import Flask

from tests.at_once import at_once, deadlocks
from tests.conftest import NOW
from tests.factories import People
from wxapi.identity.services.appoint_many import register_openids
from wxapi.notifications.rules.notices import Notice
from wxapi.notifications.services.tell import tell
from wxapi.platform.db import transaction
from wxapi.platform.refusals import RefusalCounter
from wxapi.training.rules.messages import TRAINING_REMINDER

ROUNDS, ROWS = 12, 60


@dataclass(frozen=True)
class Writer:
    """`prepare` names rows that may be there already; `write` writes them in the order in which they are given."""

    prepare: Callable[[Flask], Sequence[object]]
    write: Callable[[int, Sequence[object]], None]


def count_refusals(_round: int, addresses: Sequence[object]) -> None:
    counter = RefusalCounter()
    for address in addresses:
        counter.note(("reports.file", "refused", str(address), None), NOW)
    counter.write()
    assert not counter._waiting, "it was not written: see the log"


def put_into_inboxes(number: int, people: Sequence[object]) -> None:
    notice = Notice(kind=TRAINING_REMINDER, subject=f"training:{number}", step="due", title="提醒", body="明天上课。")
    with transaction() as session:
        tell(session, [user for user in people if isinstance(user, uuid.UUID)], notice, now=NOW)


def register(number: int, openids: Sequence[object]) -> None:
    with transaction() as session:
        register_openids(session, [f"{openid}-{number}" for openid in openids], now=NOW)


def addresses(_app: Flask) -> list[object]:
    return [f"10.0.0.{number}" for number in range(ROWS)]


def some_people(app: Flask) -> list[object]:
    people = People(app)
    return [people.make().actor.user_id for _ in range(ROWS)]


WRITERS = {
    "refusals": Writer(addresses, count_refusals),
    "inboxes": Writer(some_people, put_into_inboxes),
    "people by openid": Writer(addresses, register),
}


@pytest.mark.parametrize("writer", WRITERS.values(), ids=WRITERS)
def test_two_who_name_the_same_in_opposite_orders(open_app: Flask, writer: Writer) -> None:
    named = writer.prepare(open_app)

    def write(rows: Sequence[object]) -> Callable[[], None]:
        def run() -> None:
            with open_app.app_context():
                for number in range(ROUNDS):
                    writer.write(number, rows)

        return run

    at_once([write(named), write(named[::-1]), write(named), write(named[::-1])])
    assert deadlocks() == 0
