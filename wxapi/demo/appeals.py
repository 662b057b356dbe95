"""Two offices of the demo city appeal against their cards: about one it has been decided, the other waits."""

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import func, select

from wxapi.duties.models import Duty
from wxapi.duties.rules.clock import appeal_until
from wxapi.duties.services.appeal import UPHOLD, NewAppeal, appeal, decide_appeal
from wxapi.kernel.actor import Actor
from wxapi.platform.db import db
from wxapi.regions.rules.levels import CODE_LENGTH, Level

# What the office says, and what the one above says to that.
_APPEALS: tuple[tuple[str, str | None], ...] = (
    ("当日停电，系统无法登录，已电话报告值班室。", "经核实，停电发生在时限届满之后，维持督办牌。"),
    ("该处权属有争议，已当面报告，正在划分责任。", None),
)
# Who acts for an office of this level, and who stands above it.
_TOWNSHIP, _VILLAGE = CODE_LENGTH[Level.TOWNSHIP], CODE_LENGTH[Level.VILLAGE]
_WHO = {_VILLAGE: ("worker-{}", "officer-{:.9}"), _TOWNSHIP: ("officer-{}", "supervisor-{:.6}")}


def appeal_some(person: Callable[[str, datetime], Actor], now: datetime) -> None:
    """Appeal against the oldest cards that may still be appealed against; `person` finds somebody by their openid."""
    carded = select(Duty.id, Duty.unit_code, Duty.carded_at).where(
        Duty.carded_at.is_not(None), func.length(Duty.unit_code).in_(_WHO)
    )
    rows = db.session().execute(carded.order_by(Duty.carded_at, Duty.due_at, Duty.unit_code)).all()
    open_still = [(duty_id, unit) for duty_id, unit, at in rows if at is not None and now <= appeal_until(at)]
    for (duty_id, unit), (said, answer) in zip(open_still, _APPEALS, strict=False):
        its_own, above = (openid.format(unit) for openid in _WHO[len(unit)])
        appeal(person(its_own, now), duty_id, NewAppeal(said), now=now)
        if answer is not None:
            decide_appeal(person(above, now), duty_id, decision=UPHOLD, note=answer, now=now)
