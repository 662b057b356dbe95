"""Certificates: issued once, checked by anyone against the ledger as it stands now."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import ColumnElement, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from wxapi.identity.models import User
from wxapi.kernel.actor import Actor
from wxapi.kernel.clock import local_day
from wxapi.kernel.errors import ConflictError, not_found
from wxapi.kernel.ids import new_code, new_id
from wxapi.platform import audit
from wxapi.platform.db import db, transaction
from wxapi.platform.runtime import runtime
from wxapi.training.models import Certificate, TrainingSession
from wxapi.training.queries import hours as queries
from wxapi.training.rules.codes import normalise
from wxapi.training.rules.lettering import require_drawable
from wxapi.training.services import timetable

# 80 random bits in Crockford base32: nobody finds a certificate by trying.
_CODE_DIGITS = 16


@dataclass(frozen=True, slots=True)
class CertificateView:
    """What a certificate says: no more than anyone may learn by its check code."""

    id: uuid.UUID
    check_code: str
    name: str
    title: str
    when: str
    hours: Decimal
    issued_at: datetime
    created: bool = False
    # The last day of a session of several days.
    until: str = ""

    @property
    def page_url(self) -> str:
        """The page that tells people whether it holds."""
        return f"{runtime().config.public_url}/c/{self.check_code}"


def issue(actor: Actor, *, session_id: uuid.UUID | None, year: int | None, now: datetime) -> CertificateView:
    """Issue a certificate of a session or a year; again: the same one.

    Raises:
        ConflictError: `no_credit_hours`, there is nothing to certify, or no such session; `not_printable`, a character
            has no outline.
    """
    with transaction() as session:
        issued = _issued(session, actor.user_id, session_id, year)
        if issued is not None:
            view = _view(session, issued)
            if view is None:
                raise _nothing_to_certify()
            return view
        values = {
            "id": new_id(),
            "check_code": new_code(_CODE_DIGITS),
            "user_id": actor.user_id,
            "session_id": session_id,
            "year": year,
            "issued_at": now,
            "holder_name": session.get_one(User, actor.user_id).nickname,
        }
        coming = _view(session, Certificate(**values))
        if coming is None:
            raise _nothing_to_certify()
        require_drawable(coming.name, "姓名")
        require_drawable(coming.title, "培训名称")
        made = session.scalars(
            insert(Certificate).values(values).on_conflict_do_nothing().returning(Certificate.id)
        ).first()
        if made is not None:
            audit.record(session, actor.user_id, "training.certify", subject=f"certificate:{made}", at=now)
            timetable.certificate_issued(session, made)
        row = _issued(session, actor.user_id, session_id, year)
        view = _view(session, row, created=made is not None) if row is not None else None
        assert view is not None
        return view


def own(actor: Actor, certificate_id: uuid.UUID) -> CertificateView:
    """The holder's certificate.

    Raises:
        NotFoundError: not there, somebody else's, or its hours were taken back.
    """
    return _standing(Certificate.id == certificate_id, Certificate.user_id == actor.user_id)


def verify(check_code: str) -> CertificateView:
    """What the holder of a check code may learn.

    Raises:
        NotFoundError: no such certificate, or what it certified is no longer so.
    """
    return _standing(Certificate.check_code == normalise(check_code))


def _standing(*which: ColumnElement[bool]) -> CertificateView:
    """The certificate of a condition that at most one meets, if what it certifies is still so."""
    session = db.session()
    row = session.scalars(select(Certificate).where(*which)).one_or_none()
    view = _view(session, row) if row is not None else None
    if view is None:
        raise not_found()
    return view


def _issued(session: Session, user_id: uuid.UUID, session_id: uuid.UUID | None, year: int | None) -> Certificate | None:
    of_what = Certificate.session_id == session_id if session_id is not None else Certificate.year == year
    return session.scalars(select(Certificate).where(Certificate.user_id == user_id, of_what)).one_or_none()


def _nothing_to_certify() -> ConflictError:
    return ConflictError("no_credit_hours", "没有可以证明的学时；学时在培训结束后计入。")


def _view(session: Session, row: Certificate, *, created: bool = False) -> CertificateView | None:
    """The certificate with the name as issued and the hours of now; None when there are none, or nobody any more."""
    person = session.get_one(User, row.user_id)
    if row.session_id is not None:
        about = session.get(TrainingSession, row.session_id)
        if about is None:
            return None
        title, when = about.title, local_day(about.starts_at).isoformat()
        last = local_day(about.ends_at).isoformat()
        until = last if last != when else ""
        hours = queries.hours_of_session(session, row.user_id, row.session_id)
    else:
        assert row.year is not None
        title, when, until = "年度培训", f"{row.year} 年度", ""
        hours = queries.hours_of_year(session, row.user_id, row.year)
    if hours <= 0 or person.erased_at is not None:
        return None
    # Those issued before names were kept bear the present one.
    name = person.nickname if row.holder_name is None else row.holder_name
    return CertificateView(row.id, row.check_code, name, title, when, hours, row.issued_at, created, until)
