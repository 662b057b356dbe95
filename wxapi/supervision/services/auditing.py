"""What an auditor reads: who did what from where, and what was refused. Each look is in the audit itself."""

from datetime import datetime

from wxapi.kernel.actor import Actor
from wxapi.kernel.errors import not_found
from wxapi.kernel.paging import Page
from wxapi.kernel.permissions import ROLES_OF, Permission
from wxapi.platform import audit_reading, refusals
from wxapi.platform.audit_reading import AuditLine, AuditQuestion
from wxapi.platform.db import transaction
from wxapi.platform.refusals import RefusedAttempt
from wxapi.regions.rules.levels import level_of
from wxapi.supervision.queries.auditing import may_be_told
from wxapi.supervision.queries.periods import refuse_reversed


def read_audit(actor: Actor, asked: AuditQuestion, *, limit: int, cursor: str | None, now: datetime) -> Page[AuditLine]:
    """One page of the record, newest first, without lines about what is hidden from the auditor.

    Raises:
        NotFoundError: the person is an auditor of less than a city.
        InvalidError: `period_invalid`.
    """
    _require_city(actor)
    refuse_reversed(asked.since, asked.until)
    with transaction() as session:
        page = audit_reading.page(session, asked, may_be_told(actor), limit=limit, cursor=cursor)
        audit_reading.note_look(session, actor.user_id, audit_reading.said(asked), now=now)
        return page


def read_refusals(
    actor: Actor, *, since: datetime, limit: int, cursor: str | None, now: datetime
) -> Page[RefusedAttempt]:
    """One page of what was refused since, the latest hour first; raises what `read_audit` raises."""
    _require_city(actor)
    with transaction() as session:
        page = refusals.recent(session, since=since, limit=limit, cursor=cursor)
        audit_reading.note_look(session, actor.user_id, "refused", now=now)
        return page


def _require_city(actor: Actor) -> None:
    """The record is one chain for the whole city; no part of it belongs to a region."""
    if not any(level_of(region) == "city" for region in actor.regions(ROLES_OF[Permission.AUDIT])):
        raise not_found()
