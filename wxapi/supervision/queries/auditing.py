"""Which lines of the audit somebody may read: none about what is hidden from them."""

from sqlalchemy import ColumnElement, Uuid, and_, case, cast, exists, func, not_, or_, true

from wxapi.duties.models import Duty
from wxapi.kernel.actor import Actor
from wxapi.platform.audit import AuditRow
from wxapi.reports.models import Report
from wxapi.reports.queries.visibility import villages_of

_UUID = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"


def may_be_told(actor: Actor) -> ColumnElement[bool]:
    """False for lines about the affairs of a village that the auditor is of; what they filed themselves is theirs."""
    villages = villages_of(actor)
    if not villages:
        return true()
    reports, duties = Report.__table__.c, Duty.__table__.c
    report = and_(
        reports.id == _id_of("report"),
        reports.excluded_village_code.in_(villages),
        reports.reporter_id.is_distinct_from(actor.user_id),
    )
    duty = and_(duties.id == _id_of("duty"), duties.confidential, duties.place_village_code.in_(villages))
    return not_(or_(exists().where(report), exists().where(duty)))


def _id_of(subject_type: str) -> ColumnElement[object]:
    """The id of a line's subject; NULL where it is of another type. CASE keeps other words from being read as ids."""
    subject = AuditRow.__table__.c.subject
    well_formed = subject.regexp_match(f"^{subject_type}:{_UUID}$")
    return case((well_formed, cast(func.substr(subject, len(subject_type) + 2), Uuid)))
