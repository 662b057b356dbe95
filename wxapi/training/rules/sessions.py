"""What a session may be, and what may be done with it when."""

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from wxapi.kernel.coordinates import Point
from wxapi.kernel.errors import ConflictError, InvalidError, not_found
from wxapi.training.rules.audience import Audience, check_size

MAX_LENGTH = timedelta(days=31)
MAX_CAPACITY = 100_000
# Nobody plans outside; reminders and windows are reckoned from these times without overflow.
_EARLIEST, _LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)


class TrainingKind(StrEnum):
    """The kinds of training."""

    LECTURE = "lecture"
    BENCH_CLASS = "bench_class"
    MOBILE_CLASS = "mobile_class"
    ROTATION = "rotation"


KIND_NAMES = {
    TrainingKind.LECTURE: "党课开讲啦",
    TrainingKind.BENCH_CLASS: "板凳课堂",
    TrainingKind.MOBILE_CLASS: "手机党校",
    TrainingKind.ROTATION: "轮训",
}


class SessionState(StrEnum):
    """Stored are the first three; a published session whose end has passed is shown as over."""

    DRAFT = "draft"
    PUBLISHED = "published"
    CANCELLED = "cancelled"
    OVER = "over"


class EnrolmentState(StrEnum):
    """A seat, a place on the waiting list, or neither any more."""

    ENROLLED = "enrolled"
    WAITING = "waiting"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything an organiser decides about a session; positions in GCJ-02."""

    title: str
    kind: TrainingKind
    region_code: str
    starts_at: datetime
    ends_at: datetime
    place: str
    position: Point | None
    radius_m: int | None
    capacity: int | None
    credit_hours: Decimal | None
    audience: Audience
    sign_in_opens_min: int
    late_after_min: int
    sign_out: bool
    offline_hours: int
    series_id: uuid.UUID | None
    parallel: bool


def check_plan(plan: Plan) -> None:
    """Refuse a plan that cannot be held, whatever else is planned.

    Raises:
        InvalidError: `ends_before_start`, `session_too_long`, `session_time_invalid`, `radius_without_location`,
            `audience_too_large`.
    """
    check_times(plan.starts_at, plan.ends_at)
    check_size(plan.audience.user_ids, plan.audience.region_codes)
    if plan.radius_m is not None and plan.position is None:
        raise InvalidError(
            "radius_without_location", "设置签到范围时必须提供会场位置。", fields={"location": ["缺少会场位置。"]}
        )


def shown_state(stored: str, ends_at: datetime, now: datetime) -> SessionState:
    """The state people see."""
    if stored == SessionState.PUBLISHED and now > ends_at:
        return SessionState.OVER
    return SessionState(stored)


def check_times(starts_at: datetime, ends_at: datetime) -> None:
    """Refuse a session that ends before it starts, or never.

    Raises:
        InvalidError: `session_time_invalid`, `ends_before_start`, `session_too_long`.
    """
    if not (_EARLIEST <= starts_at <= _LATEST and _EARLIEST <= ends_at <= _LATEST):
        raise InvalidError("session_time_invalid", "开始或结束时间不在合理范围内。")
    if ends_at <= starts_at:
        raise InvalidError(
            "ends_before_start", "结束时间必须晚于开始时间。", fields={"ends_at": ["必须晚于开始时间。"]}
        )
    if ends_at - starts_at > MAX_LENGTH:
        raise InvalidError(
            "session_too_long",
            "一个场次最长 31 天；更长的培训请分成多个场次。",
            fields={"ends_at": ["最长 31 天。"]},
        )


def check_still_ahead(ends_at: datetime, now: datetime) -> None:
    """Refuse to move what is published into the past: it would be over for good.

    Raises:
        InvalidError: `session_time_invalid`.
    """
    if ends_at <= now:
        raise InvalidError(
            "session_time_invalid", "已发布场次的结束时间必须晚于现在。", fields={"ends_at": ["必须晚于现在。"]}
        )


def check_capacity(capacity: int | None, taken: int) -> None:
    """Refuse a capacity below the seats already given.

    Raises:
        ConflictError: `capacity_below_enrolled`, with the number of seats taken.
    """
    if capacity is not None and capacity < taken:
        raise ConflictError(
            "capacity_below_enrolled", f"已有 {taken} 人报名，名额不能少于此数。", extra={"enrolled": taken}
        )


def check_editable(state: SessionState) -> None:
    """Refuse changes of what is cancelled or past.

    Raises:
        ConflictError: `session_cancelled`, `session_over`.
    """
    if state is SessionState.CANCELLED:
        raise session_cancelled()
    if state is SessionState.OVER:
        raise ConflictError("session_over", "培训已结束，不能再修改。")


def check_enrollable(state: SessionState) -> None:
    """Refuse to enrol in what is cancelled or past; a draft does not exist for the public.

    Raises:
        NotFoundError, ConflictError: `session_cancelled`, `session_over`.
    """
    if state is SessionState.DRAFT:
        raise not_found()
    if state is SessionState.CANCELLED:
        raise session_cancelled()
    if state is SessionState.OVER:
        raise ConflictError("session_over", "培训已结束，不能再报名。")


def session_cancelled() -> ConflictError:
    """The refusal of everything about a cancelled session."""
    return ConflictError("session_cancelled", "本场培训已取消。")
