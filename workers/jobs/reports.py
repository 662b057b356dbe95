"""What the router and time do with reports."""

from uuid import UUID

from wxapi.platform.runtime import runtime
from wxapi.reports.services import notify, route, timers


def route_report(*, report_id: str) -> None:
    """Give a new report its desk."""
    route.route_report(UUID(report_id), now=runtime().clock.now())


def tell_of_step(*, report_id: str, event_id: int) -> None:
    """Tell everybody concerned of a step."""
    notify.tell_of_step(UUID(report_id), event_id, now=runtime().clock.now())


def close_silent_reports() -> None:
    """Close what was resolved 7 days ago and heard no answer."""
    timers.close_silent(now=runtime().clock.now())


def resume_held_reports() -> None:
    """Resume what is on hold at its review date."""
    timers.resume_holds(now=runtime().clock.now())


def remind_of_reports() -> None:
    """The blue reminder at 80 % of the time."""
    timers.remind(now=runtime().clock.now())


def mark_overdue_reports() -> None:
    """Yellow and red cards."""
    timers.mark_overdue(now=runtime().clock.now())
