"""Reading one report."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from wxapi.kernel.actor import Actor
from wxapi.kernel.errors import not_found
from wxapi.platform.db import db
from wxapi.reports.queries import reports
from wxapi.reports.queries.reports import Found
from wxapi.reports.rules.relations import who_is
from wxapi.reports.services.redaction import sight_of
from wxapi.reports.wire.report import report_dict


def read_report(actor: Actor, report_id: uuid.UUID, *, now: datetime) -> dict[str, Any]:
    """One report with its history, as `<report>`.

    Raises:
        NotFoundError: not there, or not for this person.
    """
    found = reports.find(db.session(), actor, report_id)
    if found is None:
        raise not_found()
    return shown(db.session(), found, actor, now=now)


def shown(session: Session, found: Found, actor: Actor, *, now: datetime) -> dict[str, Any]:
    """A report that was found, as its finder sees it."""
    report = found.report
    events = reports.events_of(session, report.id)
    placed = reports.photos_of(session, report.id)
    who = who_is(actor, found.standing)
    return report_dict(report, who, events, placed, sight_of(session, report, who, events, placed), now=now)
