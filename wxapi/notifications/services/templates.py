"""Subscribe-message templates: which one serves a kind, and what a person has agreed to."""

from datetime import datetime

from wxapi.kernel.actor import Actor
from wxapi.notifications.models import Template
from wxapi.notifications.queries import messages
from wxapi.notifications.services import ledger
from wxapi.platform import audit
from wxapi.platform.db import db, transaction


def list_templates(actor: Actor) -> list[tuple[Template, int]]:
    """The templates a phone may ask consent for, each with how many of the person's accepts are open."""
    session = db.session()
    granted = ledger.balances(session, actor.user_id)
    return [(row, granted.get(row.template_id, 0)) for row in messages.templates(session)]


def set_template(template: Template, *, now: datetime) -> None:
    """Choose the subscribe-message template of a kind, or change it."""
    with transaction() as session:
        session.merge(template)
        subject = f"template:{template.kind}"
        audit.record(session, None, "template.set", subject=subject, at=now, template_id=template.template_id)
