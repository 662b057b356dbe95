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
from wxapi.training.queries import sessions as queries
from wxapi.training.queries.managed import STEWARD, managed
from wxapi.training.rules import codes
from wxapi.training.services.book_hours import settle_if_over
from wxapi.training.services.owing import owe
from wxapi.training.services.record_sign_in import Recorded
from wxapi.training.services.session_cache import Facts, present_facts
from wxapi.training.services.signing_in import Attempt, Person, attempt_sign_in

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


@dataclass(frozen=True, slots=True)
class _Named:
    """A record with its place in the batch and the person it is for; `passed`: the code is that person's own pass."""

    index: int
    item: Item
    user_id: uuid.UUID
    passed: bool


def sign_in_batch(
    actor: Actor, session_id: uuid.UUID, items: Sequence[Item | Result], *, now: datetime
) -> list[Result]:
    """Write up to 500 records; each stands or falls alone, and one sent again gives what is there.

    What could not be read comes as its result already. The results are in the order of `items`.

    Raises:
        NotFoundError: the session is outside the steward's scope.
    """
    with transaction() as session:
        managed(session, actor, session_id, STEWARD)
        facts = present_facts(session, session_id)
        held = None
        if now >= facts.window.ends_at:  # the hours follow: the session is locked before its rows
            held = queries.lock_with_make_ups(session, session_id)
        results = {index: item for index, item in enumerate(items) if isinstance(item, Result)}
        named = [_named(facts, actor, index, item) for index, item in enumerate(items) if isinstance(item, Item)]
        known = _people(session, {each.user_id for each in named}, now=now)
        for each in sorted(named, key=_order_of_locks):
            results[each.index] = Result(each.item.key, _one(session, facts, known, each, now=now))
        done = [result.outcome for result in results.values() if isinstance(result.outcome, Recorded)]
        audit.record(
            session,
            actor.user_id,
            "training.batch",
            subject=f"training:{session_id}",
            at=now,
            items=len(items),
            created=sum(outcome.created for outcome in done),
        )
        if held is not None:
            settle_if_over(session, session_id, now=now)
            owe(session, held, now=now)
        return [results[index] for index in range(len(items))]


def _named(facts: Facts, actor: Actor, index: int, item: Item) -> _Named:
    """The person an item names, by pass or id; the owner of the phone when it names nobody."""
    passed = None if item.code is None else codes.read_pass(item.code, facts.id, facts.secret)
    return _Named(index, item, passed or item.user_id or actor.user_id, passed is not None)


def _order_of_locks(named: _Named) -> tuple[uuid.UUID, bool, int]:
    """Rows are locked by person, as all who lock many do, so that no two wait for each other.

    Of one person, a typed code comes first: it is judged under a lock that a sign-in takes before the row's.
    """
    code = named.item.code
    return named.user_id, code is None or not codes.is_typed(code), named.index


def _one(
    session: Session, facts: Facts, known: dict[uuid.UUID, Person], named: _Named, *, now: datetime
) -> Recorded | DomainError:
    person = known.get(named.user_id)
    if person is None:
        return InvalidError("person_unknown", "没有找到该人员。")
    # The screen's code proves the time by itself; a pass or a tick is the steward's word.
    ticked = named.item.code is None or named.passed
    attempt = Attempt(code=None if ticked else named.item.code, client_time=named.item.client_time, ticked=ticked)
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
