"""Sign-ins that a steward's or organiser's phone kept, handed in together: a result for each."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from wxapi.identity.models import AppointmentRow, User
from wxapi.identity.queries import in_force
from wxapi.kernel.actor import Actor, Appointment
from wxapi.kernel.clock import local_day
from wxapi.kernel.errors import DomainError, InvalidError
from wxapi.kernel.permissions import Role
from wxapi.platform import audit
from wxapi.platform.db import transaction
from wxapi.training.rules import codes
from wxapi.training.service.access import STEWARD, managed
from wxapi.training.service.facts import Facts, present_facts
from wxapi.training.service.recording import Recorded
from wxapi.training.service.settling import settle_if_over
from wxapi.training.service.sign_ins import Attempt, Person, attempt_sign_in

MAX_ITEMS = 500


@dataclass(frozen=True, slots=True)
class Item:
    """One record. `key` is the phone's own name for it.

    A person ticked by id, or by the pass code scanned from the person's phone; or the screen's code that this phone
    kept, for its owner or for `user_id`.
    """

    key: str
    client_time: datetime
    user_id: uuid.UUID | None
    code: str | None


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one record."""

    key: str
    outcome: Recorded | DomainError


def sign_in_batch(actor: Actor, session_id: uuid.UUID, items: Sequence[Item], *, now: datetime) -> list[Result]:
    """Write up to 500 records; each stands or falls alone, and one sent again gives what is there.

    Raises:
        NotFoundError: the session is outside the steward's scope.
    """
    with transaction() as session:
        managed(session, actor, session_id, STEWARD)
        facts = present_facts(session, session_id)
        named = [_named_person(facts, item) for item in items]
        known = _people(session, {user_id for user_id in named if user_id is not None}, now=now)
        own = Person(actor.user_id, actor.appointments)
        written: dict[int, Result] = {}
        for index in _in_order_of_locks(items, named, own):
            item = items[index]
            written[index] = Result(item.key, _one(session, facts, known, own, item, named[index], now=now))
        results = [written[index] for index in range(len(items))]
        done = [result.outcome for result in results if isinstance(result.outcome, Recorded)]
        audit.record(
            session,
            actor.user_id,
            "training.batch",
            subject=f"training:{session_id}",
            at=now,
            items=len(items),
            created=sum(outcome.created for outcome in done),
        )
        settle_if_over(session, session_id, now=now)
        return results


def _named_person(facts: Facts, item: Item) -> uuid.UUID | None:
    """The person an item names, by id or pass; None: the owner of the phone."""
    if item.code is None:
        return item.user_id
    return codes.read_pass(item.code, facts.id, facts.secret) or item.user_id


def _in_order_of_locks(items: Sequence[Item], named: Sequence[uuid.UUID | None], own: Person) -> list[int]:
    """The order to write in: rows are locked by person, as all who lock many do, so that no two wait for each other.

    Of one person, a typed code comes first: it is judged under a lock that a sign-in takes before the row's.
    """

    def place(index: int) -> tuple[uuid.UUID, bool, int]:
        code = items[index].code
        return named[index] or own.user_id, code is None or not codes.is_typed(code), index

    return sorted(range(len(items)), key=place)


def _one(
    session: Session,
    facts: Facts,
    known: dict[uuid.UUID, Person],
    own: Person,
    item: Item,
    who: uuid.UUID | None,
    *,
    now: datetime,
) -> Recorded | DomainError:
    person = own if who is None else known.get(who)
    if person is None:
        return InvalidError("person_unknown", "没有找到该人员。")
    # The screen's code proves the time by itself; a pass or a tick is the steward's word.
    ticked = item.code is None or codes.read_pass(item.code, facts.id, facts.secret) is not None
    attempt = Attempt(code=None if ticked else item.code, client_time=item.client_time, ticked=ticked)
    return attempt_sign_in(session, facts, person, attempt, now=now)


def _people(session: Session, user_ids: set[uuid.UUID], *, now: datetime) -> dict[uuid.UUID, Person]:
    """The people who exist, with their appointments: two statements for all."""
    there = session.scalars(select(User.id).where(User.id.in_(user_ids), User.erased_at.is_(None))).all()
    held: dict[uuid.UUID, list[Appointment]] = {user_id: [] for user_id in there}
    rows = session.execute(
        select(AppointmentRow.user_id, AppointmentRow.role, AppointmentRow.region_code).where(
            AppointmentRow.user_id.in_(there), in_force(local_day(now))
        )
    )
    for user_id, role, region_code in rows:
        held[user_id].append(Appointment(Role(role), region_code))
    return {user_id: Person(user_id, tuple(appointments)) for user_id, appointments in held.items()}
