"""Where a session stands in its life, as its organiser plans by it: finer than its state, and told by the clock."""

from datetime import datetime
from enum import StrEnum

from wxapi.training.rules.sessions import SessionState
from wxapi.training.rules.windows import Window


class Phase(StrEnum):
    """The phases in their order; a cancelled session has left it."""

    DRAFT = "draft"
    ENROLLING = "enrolling"
    SIGN_IN = "sign_in"
    UNDER_WAY = "under_way"
    SORTING = "sorting"
    CLOSED = "closed"
    CANCELLED = "cancelled"


PHASE_NAMES = {
    Phase.DRAFT: "草稿",
    Phase.ENROLLING: "报名中",
    Phase.SIGN_IN: "签到中",
    Phase.UNDER_WAY: "授课中",
    Phase.SORTING: "补签核实",
    Phase.CLOSED: "已归档",
    Phase.CANCELLED: "已取消",
}


def phase_of(stored: str, window: Window, now: datetime) -> Phase:
    """The phase a session is in.

    Args:
        stored: its state as stored.
        window: its times.
        now: the present.
    """
    if stored == SessionState.DRAFT:
        return Phase.DRAFT
    if stored == SessionState.CANCELLED:
        return Phase.CANCELLED
    if now < window.opens_at:
        return Phase.ENROLLING
    if now > window.offline_until:
        return Phase.CLOSED
    if now > window.ends_at:
        return Phase.SORTING
    return Phase.UNDER_WAY if window.is_late(now) else Phase.SIGN_IN
