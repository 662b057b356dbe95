"""Checks of what citizens put into reports."""

from uuid import UUID

from wxapi.moderation import service
from wxapi.moderation.verdicts import Verdict
from wxapi.platform.runtime import runtime
from wxapi.reports.services import moderate


def begin_checks(*, report_id: str) -> None:
    """Have a report's text and pictures checked."""
    moderate.begin_checks(UUID(report_id), now=runtime().clock.now())


def check_text(*, check_id: str) -> None:
    """Have WeChat judge a text."""
    moderate.check_text(UUID(check_id), now=runtime().clock.now())


def check_picture(*, check_id: str) -> None:
    """Hand a picture in to be judged."""
    service.ask_about_picture(UUID(check_id), now=runtime().clock.now())


def take_verdict(*, trace_id: str, suggest: str | None, label: int | None, errcode: int) -> None:
    """Write down what WeChat says of a picture."""
    service.take_verdict(trace_id, Verdict(suggest, label, errcode), now=runtime().clock.now())


def chase_missing_verdicts() -> None:
    """Ask once more where no verdict came, then leave it to a person."""
    while service.chase_missing(now=runtime().clock.now()) == service.SWEEP_BATCH:
        pass
