"""When one may sign in and out, and what time a sign-in counts at.

A code proves by itself in which 15 s it was on the screen, so that one scanned without a network is good hours
later. A code forwarded by chat is met by the same means: outside the window it proves nothing.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from wxapi.kernel.errors import ConflictError, DomainError, GoneError
from wxapi.training.rules.codes import TICKET_LIFE, Scan, Ticket, good_until, step_start
from wxapi.training.rules.geofence import Doubt

# Phones keep time within a second or two; a scan at the very change of the code must not fail for that.
CLOCK_SLACK = timedelta(seconds=2)
# A record that a steward's phone sends later than this was kept offline.
OFFLINE_AFTER = timedelta(minutes=5)
# A steward's phone that is further ahead than this has a wrong clock.
CLOCK_AHEAD = timedelta(minutes=5)
# Leaving within this time before the end is not leaving early.
END_GRACE = timedelta(minutes=10)
# Signing out is possible until so long after the end: a hall empties slowly.
SIGN_OUT_AFTER_END = timedelta(minutes=60)


class Via(StrEnum):
    """How a sign-in was made."""

    SCAN = "scan"
    TYPED = "typed"
    TICKET = "ticket"
    STEWARD = "steward"


VIA_NAMES = {Via.SCAN: "扫码", Via.TYPED: "手动输入", Via.TICKET: "凭签到凭证", Via.STEWARD: "签到员登记"}


@dataclass(frozen=True, slots=True)
class Window:
    """The times of one session that matter for signing in."""

    opens_at: datetime
    late_at: datetime
    starts_at: datetime
    ends_at: datetime
    # Records made offline are taken until then; equal to `ends_at` when the session takes none.
    offline_until: datetime

    @classmethod
    def of(
        cls,
        starts_at: datetime,
        ends_at: datetime,
        *,
        opens_min: int,
        late_after_min: int,
        offline_hours: int,
    ) -> "Window":
        """The window from the session's settings."""
        return cls(
            opens_at=starts_at - timedelta(minutes=opens_min),
            late_at=starts_at + timedelta(minutes=late_after_min),
            starts_at=starts_at,
            ends_at=ends_at,
            offline_until=ends_at + timedelta(hours=offline_hours),
        )

    @property
    def takes_offline(self) -> bool:
        """Whether records made offline are taken at all."""
        return self.offline_until > self.ends_at

    def is_late(self, at: datetime) -> bool:
        """Whether somebody who came then came late."""
        return at > self.late_at

    def is_early_leave(self, at: datetime) -> bool:
        """Whether somebody who left then left early."""
        return at < self.ends_at - END_GRACE


class Proof(NamedTuple):
    """The time a sign-in counts at, and how it is known. `step` is None for a steward's tick."""

    at: datetime
    step: int | None
    via: Via
    late_upload: bool = False
    doubts: tuple[Doubt, ...] = ()


def proof_of_code(scan: Scan, window: Window, *, client_time: datetime | None, now: datetime) -> Proof:
    """What a genuine code proves: now when fresh, else the scan's time if the phone's clock fits its step.

    A fresh code that was scanned before the end and comes after it counts at the scan, as it would an hour later.

    Raises:
        GoneError: `code_expired`, an old code that proves nothing or comes too late.
    """
    via = Via.TYPED if scan.typed else Via.SCAN
    fresh, over = scan.is_fresh(now), now > window.ends_at
    if fresh and not over:
        return Proof(now, scan.step, via)
    scanned_at = _scanned_at(scan, window, client_time, now)
    if scanned_at is None or (fresh and scanned_at > window.ends_at):
        if fresh:
            return Proof(now, scan.step, via)
        raise code_expired()
    return Proof(scanned_at, scan.step, via, late_upload=True)


def _scanned_at(scan: Scan, window: Window, client_time: datetime | None, now: datetime) -> datetime | None:
    """When a code was scanned by the phone's clock, within its time on the screen; None when nothing proves it."""
    if scan.typed or client_time is None or not window.takes_offline or now > window.offline_until:
        return None
    begins, ends = step_start(scan.step), good_until(scan.step)
    if not begins - CLOCK_SLACK <= client_time < ends + CLOCK_SLACK:
        return None
    return min(max(client_time, begins), ends)


def proof_of_ticket(ticket: Ticket, *, now: datetime) -> Proof:
    """What a genuine ticket proves: the moment its code was handed in.

    Raises:
        GoneError: `code_expired`, older than 10 minutes.
    """
    if now > ticket.issued_at + TICKET_LIFE:
        raise code_expired()
    return Proof(min(ticket.issued_at, now), ticket.step, Via.TICKET)


def proof_of_tick(window: Window, *, client_time: datetime, now: datetime) -> Proof:
    """What a steward's tick proves: the time their phone says, never later than now.

    A time before sign-in opened, said while or after it is open, or a time still to come: the phone's clock is wrong.
    The steward saw the person all the same. The record counts when it arrived, in doubt.

    Raises:
        ConflictError: `sign_in_closed`, it comes after the time for offline records.
    """
    if now > window.offline_until:
        raise sign_in_closed()
    if client_time > now + CLOCK_AHEAD or client_time < window.opens_at <= now:
        at = min(now, window.ends_at)
        return Proof(at, None, Via.STEWARD, late_upload=now > window.ends_at, doubts=(Doubt.CLOCK_OFF,))
    at = min(client_time, now)
    return Proof(at, None, Via.STEWARD, late_upload=now - at > OFFLINE_AFTER)


def check_open(window: Window, at: datetime) -> None:
    """Refuse a sign-in that counts at a time outside the window.

    Raises:
        ConflictError: `sign_in_not_open` or `sign_in_closed`.
    """
    if at < window.opens_at:
        raise ConflictError("sign_in_not_open", "签到尚未开始，请在开放时间内再试。")
    if at > window.ends_at:
        raise sign_in_closed()


def check_sign_out(window: Window, at: datetime) -> None:
    """Refuse a sign-out before the session starts or long after it ended.

    Raises:
        ConflictError: `sign_out_not_open` or `sign_out_closed`.
    """
    if at < window.starts_at:
        raise ConflictError("sign_out_not_open", "培训尚未开始，还不能签退。")
    if at > window.ends_at + SIGN_OUT_AFTER_END:
        raise ConflictError("sign_out_closed", "签退时间已过，如需更正请联系组织者。")


def code_expired() -> DomainError:
    """The refusal of a code whose time is over."""
    return GoneError("code_expired", "签到码已过期，请重新扫描屏幕上的最新签到码。")


def sign_in_closed() -> DomainError:
    """The refusal after the end."""
    return ConflictError("sign_in_closed", "签到已结束，如需补签请联系组织者。")
