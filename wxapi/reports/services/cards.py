"""A card of a report's duty was lifted: the report bears what hangs on still."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from wxapi.duties.models import Duty
from wxapi.duties.queries.lists import CARD_HANGS
from wxapi.kernel.deadlines import CardColour
from wxapi.reports.queries import reports
from wxapi.reports.rules import workflow
from wxapi.reports.rules.owed import RESOLVE, RESPOND, TRIAGE
from wxapi.reports.rules.state import SYSTEM, Command, Lifted
from wxapi.reports.services import apply
from wxapi.reports.services.apply import Step

_RESPONDING = (TRIAGE, RESPOND)


def lift(session: Session, duty: Duty, at: datetime) -> None:
    """Take a step of the report's history by which the card of a duty counts no more. The caller locked the report."""
    report = reports.lock(session, duty.subject_id)
    # The review of a hold has no clock of the report: its card was never the report's.
    if report is None or duty.stage not in (*_RESPONDING, RESOLVE):
        return
    found = select(Duty.stage, Duty.card).where(Duty.subject_id == report.id, CARD_HANGS)
    hang = [(stage, card) for stage, card in session.execute(found)]
    is_open = duty.met_at is None and duty.dropped_at is None
    lifted = Lifted(
        responding=duty.stage in _RESPONDING,
        was=_card(duty.card) if is_open else None,
        respond=_hardest([card for stage, card in hang if stage in _RESPONDING]),
        resolve=_hardest([card for stage, card in hang if stage == RESOLVE]),
    )
    row, party = workflow.choose(apply.case_of(report), SYSTEM, "lift_card", at)
    apply.take(session, report, Step(row, party, SYSTEM, Command("lift_card", at, lifted=lifted)))


def _hardest(cards: list[str | None]) -> CardColour | None:
    return "red" if "red" in cards else "yellow" if "yellow" in cards else None


def _card(card: str | None) -> CardColour | None:
    return _hardest([card])
