"""Signing in, and exchanging a code for a ticket."""

import uuid
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy.orm import Session

from wxapi.kernel.actor import Actor, Appointment
from wxapi.kernel.errors import DomainError, InvalidError, TooManyRequestsError
from wxapi.platform.db import at_once, db, transaction
from wxapi.platform.driver import SurpriseError
from wxapi.platform.runtime import runtime
from wxapi.training.queries import sessions as queries
from wxapi.training.rules import codes, windows
from wxapi.training.rules.geofence import Finding, Fix, judge
from wxapi.training.rules.sessions import SessionState, session_cancelled
from wxapi.training.rules.windows import Proof
from wxapi.training.services.book_hours import settle_if_over
from wxapi.training.services.enrolling import not_in_audience
from wxapi.training.services.owing import owe
from wxapi.training.services.record_sign_in import (
    Recorded,
    SignIn,
    on_roll,
    record_refusal,
    record_sign_in,
    record_usual,
    recorded,
    wrong_typed_codes,
)
from wxapi.training.services.session_cache import Facts, known_facts, present_facts

# The short code has 30 secret bits; five tries in ten minutes leave nothing to guess.
TYPED_TRIES = 5
TYPED_SPAN = timedelta(minutes=10)
# Somebody who has signed in gets the record again whatever the network repeats, but not for a code that is none.
_REPEATABLE = frozenset({"code_expired", "sign_in_closed", "sign_in_not_open"})


class Person(NamedTuple):
    """Who signs in: oneself, or somebody a steward ticks."""

    user_id: uuid.UUID
    appointments: tuple[Appointment, ...]


class Attempt(NamedTuple):
    """What a phone sends: a code or a ticket, the time of the scan by its clock, where it is, which device it is."""

    code: str | None = None
    ticket: str | None = None
    client_time: datetime | None = None
    fix: Fix | None = None
    device_id: str | None = None
    # A steward's tick needs no code and no position: they see the person.
    ticked: bool = False


@dataclass(frozen=True, slots=True)
class TicketView:
    """A ticket as its person gets it."""

    ticket: str
    expires_at: datetime


def sign_in(actor: Actor, session_id: uuid.UUID, attempt: Attempt, *, now: datetime) -> Recorded:
    """Sign in with a code or a ticket; the same person again gets the same record.

    Raises:
        NotFoundError: no such session.
        ConflictError: `session_cancelled`, `sign_in_not_open`, `sign_in_closed`.
        InvalidError: `code_invalid`.
        GoneError: `code_expired`.
        ForbiddenError: `not_in_audience`.
        TooManyRequestsError: `too_many_tries` of typed codes.
    """
    person = Person(actor.user_id, actor.appointments)
    with suppress(SurpriseError), at_once(redone=True) as session:
        return _usual(session, known_facts(session_id), person, attempt, now=now)
    with transaction() as session:
        # What this process knew may be of before the end was moved.
        facts = present_facts(session, session_id)
        held = None
        if now >= facts.window.ends_at:
            # An offline record that came after the hours were booked: the session is locked before the row.
            held = queries.lock_with_make_ups(session, session_id, [actor.user_id])
        outcome = attempt_sign_in(session, facts, person, attempt, now=now)
        if held is not None:
            settle_if_over(session, session_id, now=now, only=[actor.user_id])
            owe(session, held, now=now)
    # Raised after the commit: the refusal is stored.
    if isinstance(outcome, DomainError):
        raise outcome
    return outcome


def issue_ticket(actor: Actor, session_id: uuid.UUID, code: str, *, now: datetime) -> TicketView:
    """Exchange a fresh code for a ticket that is good for ten minutes, for this person only.

    Raises:
        the refusals of `sign_in`.
    """
    person = Person(actor.user_id, actor.appointments)
    with transaction() as session:
        facts = present_facts(session, session_id)
        attempt = Attempt(code=code)
        outcome = _tried(session, facts, person.user_id, attempt, now=now)
        if isinstance(outcome, Proof) and not may_enter(session, facts, person):
            outcome = not_in_audience()
        if isinstance(outcome, DomainError):
            _store(session, facts, person, attempt, outcome, tried="ticket", now=now)
    if isinstance(outcome, DomainError):
        raise outcome
    assert outcome.step is not None
    ticket = codes.new_ticket(facts.id, facts.secret, person.user_id, outcome.step, now=now)
    return TicketView(ticket, now + codes.TICKET_LIFE)


def hold_code(actor: Actor, session_id: uuid.UUID, code: str, *, now: datetime) -> str | None:
    """A ticket for a scanned code that is on the screen, while its person still reads the page; writes nothing.

    None for a code that is typed, old or none: signing in with it will say so.

    Raises:
        NotFoundError: no such session.
    """
    facts = present_facts(db.session(), session_id)
    scan = codes.read_code(code, facts.id, facts.secret, now=now)
    if scan is None or scan.typed or not scan.is_fresh(now):
        return None
    return codes.new_ticket(facts.id, facts.secret, actor.user_id, scan.step, now=now)


def attempt_sign_in(
    session: Session, facts: Facts, person: Person, attempt: Attempt, *, now: datetime
) -> Recorded | DomainError:
    """Sign a person in within the caller's transaction; a refusal is stored and returned, not raised."""
    outcome = _try(session, facts, person, attempt, now=now)
    if isinstance(outcome, DomainError):
        present = present_facts(session, facts.id)
        if present.version != facts.version:
            outcome = _try(session, present, person, attempt, now=now)
    if isinstance(outcome, DomainError):
        _store(session, facts, person, attempt, outcome, tried="sign_in", now=now)
    return outcome


def read_proof(facts: Facts, user_id: uuid.UUID, attempt: Attempt, *, now: datetime) -> Proof:
    """What the attempt proves, whatever the window says.

    Raises:
        InvalidError: `code_invalid`, no code or ticket of this session and person.
        GoneError: `code_expired`.
        ConflictError: `sign_in_closed`, a tick after the time for offline records.
    """
    if attempt.ticked:
        return windows.proof_of_tick(facts.window, client_time=attempt.client_time or now, now=now)
    if attempt.ticket is not None:
        ticket = codes.read_ticket(attempt.ticket, facts.id, facts.secret, user_id)
        if ticket is None:
            raise code_invalid()
        return windows.proof_of_ticket(ticket, now=now)
    scan = codes.read_code(attempt.code or "", facts.id, facts.secret, now=now)
    if scan is None:
        raise code_invalid()
    return windows.proof_of_code(scan, facts.window, client_time=attempt.client_time, now=now)


def check_tries(session: Session, facts: Facts, user_id: uuid.UUID, attempt: Attempt, *, now: datetime) -> None:
    """Stop somebody who guesses typed codes.

    Raises:
        TooManyRequestsError: `too_many_tries`.
    """
    if not _is_typed(attempt):
        return
    if wrong_typed_codes(session, facts.id, user_id, now - TYPED_SPAN) >= TYPED_TRIES:
        raise TooManyRequestsError(
            "too_many_tries",
            "输入错误次数过多，请扫描屏幕上的二维码，或稍后再试。",
            retry_after=int(TYPED_SPAN.total_seconds()),
        )


def code_invalid() -> DomainError:
    """The refusal of a text that is no code of this session."""
    return InvalidError("code_invalid", "签到码无效，请确认是本场培训的签到码，并完整扫描或输入。")


def may_enter(session: Session, facts: Facts, person: Person) -> bool:
    """Whether the session is for the person, by audience or by a place on the roll."""
    if facts.audience.admits(person.user_id, person.appointments):
        return True
    return on_roll(session, facts.id, person.user_id)


def _usual(session: Session, facts: Facts | None, person: Person, attempt: Attempt, *, now: datetime) -> Recorded:
    """A hall's usual sign-in, in one statement that is its own transaction.

    Raises:
        SurpriseError: everything else (unknown session, typed code, refusal, after the end), which the long way judges
            from the beginning; a repeat and what is odd are found by the statement, which then writes nothing.
    """
    if facts is None or now > facts.window.ends_at or _is_typed(attempt):
        raise SurpriseError
    try:
        proof = _judged(facts, person.user_id, attempt, now=now)
    except DomainError as refusal:
        raise SurpriseError from refusal
    admitted = facts.audience.admits(person.user_id, person.appointments)
    return record_usual(session, facts, _sign_in(facts, person, attempt, proof), admitted=admitted, now=now)


def _sign_in(facts: Facts, person: Person, attempt: Attempt, proof: Proof) -> SignIn:
    return SignIn(
        person.user_id,
        proof,
        Finding(None, proof.doubts) if attempt.ticked else judge(facts.fence, attempt.fix),
        accuracy_m=attempt.fix.accuracy_m if attempt.fix is not None else None,
        device_digest=_device_digest(attempt.device_id),
    )


def _try(session: Session, facts: Facts, person: Person, attempt: Attempt, *, now: datetime) -> Recorded | DomainError:
    proof = _tried(session, facts, person.user_id, attempt, now=now)
    if isinstance(proof, DomainError):
        known = recorded(session, facts.id, person.user_id) if proof.code in _REPEATABLE else None
        return known or proof
    sign_in = _sign_in(facts, person, attempt, proof)
    admitted = facts.audience.admits(person.user_id, person.appointments)
    made = record_sign_in(session, facts, sign_in, admitted=admitted, now=now)
    # Not written: signed in before, or not meant, or the session changed; the caller looks at the last.
    return made or recorded(session, facts.id, person.user_id) or not_in_audience()


def _judged(facts: Facts, user_id: uuid.UUID, attempt: Attempt, *, now: datetime) -> Proof:
    """The one judgement of a sign-in, whichever way it is written; it raises the refusals of `sign_in`."""
    if facts.state is SessionState.CANCELLED:
        raise session_cancelled()
    proof = read_proof(facts, user_id, attempt, now=now)
    windows.check_open(facts.window, proof.at)
    return proof


def _tried(
    session: Session, facts: Facts, user_id: uuid.UUID, attempt: Attempt, *, now: datetime
) -> Proof | DomainError:
    try:
        check_tries(session, facts, user_id, attempt, now=now)
        return _judged(facts, user_id, attempt, now=now)
    except DomainError as refusal:
        return refusal


def _is_typed(attempt: Attempt) -> bool:
    return attempt.code is not None and codes.is_typed(attempt.code)


def _store(
    session: Session,
    facts: Facts,
    person: Person,
    attempt: Attempt,
    refusal: DomainError,
    *,
    tried: str,
    now: datetime,
) -> None:
    record_refusal(session, facts.id, person.user_id, refusal.code, tried=tried, typed=_is_typed(attempt), now=now)


def _device_digest(device_id: str | None) -> bytes | None:
    """Devices are compared, never shown: a keyed digest is kept."""
    return runtime().cipher.digest(device_id, purpose="training.device") if device_id else None
