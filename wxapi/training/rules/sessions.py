"""What a session may be, and what may be done with it when."""

from datetime import datetime, timedelta
from enum import StrEnum

from wxapi.kernel.errors import ConflictError, InvalidError, NotFoundError

MAX_LENGTH = timedelta(days=31)
MAX_CAPACITY = 100_000


class Kind(StrEnum):
    """The kinds of training."""

    LECTURE = "lecture"
    BENCH_CLASS = "bench_class"
    MOBILE_CLASS = "mobile_class"
    ROTATION = "rotation"


KIND_NAMES = {
    Kind.LECTURE: "党课开讲啦",
    Kind.BENCH_CLASS: "板凳课堂",
    Kind.MOBILE_CLASS: "手机党校",
    Kind.ROTATION: "轮训",
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


def shown_state(stored: str, ends_at: datetime, now: datetime) -> SessionState:
    """The state people see."""
    if stored == SessionState.PUBLISHED and now > ends_at:
        return SessionState.OVER
    return SessionState(stored)


def check_times(starts_at: datetime, ends_at: datetime) -> None:
    """Refuse a session that ends before it starts, or never.

    Raises:
        InvalidError: `ends_before_start`, `session_too_long`.
    """
    if ends_at <= starts_at:
        raise InvalidError(
            "ends_before_start", "结束时间必须晚于开始时间。", fields={"ends_at": ["必须晚于开始时间。"]}
        )
    if ends_at - starts_at > MAX_LENGTH:
        raise InvalidError(
            "session_too_long",
            "一个场次最长 31 天;更长的培训请分成多个场次。",
            fields={"ends_at": ["最长 31 天。"]},
        )


def check_capacity(capacity: int | None, taken: int) -> None:
    """Refuse a capacity below the seats already given.

    Raises:
        ConflictError: `capacity_below_enrolled`, with the number of seats taken.
    """
    if capacity is not None and capacity < taken:
        raise ConflictError(
            "capacity_below_enrolled", f"已有 {taken} 人报名,名额不能少于此数。", extra={"enrolled": taken}
        )


def check_editable(state: SessionState) -> None:
    """Refuse changes of what is cancelled or past.

    Raises:
        ConflictError: `session_cancelled`, `session_over`.
    """
    if state is SessionState.CANCELLED:
        raise session_cancelled()
    if state is SessionState.OVER:
        raise ConflictError("session_over", "培训已结束,不能再修改。")


def check_enrollable(state: SessionState) -> None:
    """Refuse to enrol in what is cancelled or past; a draft does not exist for the public.

    Raises:
        NotFoundError, ConflictError: `session_cancelled`, `session_over`.
    """
    if state is SessionState.DRAFT:
        raise NotFoundError("not_found", "没有找到,或不在您的管辖范围内。")
    if state is SessionState.CANCELLED:
        raise session_cancelled()
    if state is SessionState.OVER:
        raise ConflictError("session_over", "培训已结束,不能再报名。")


def session_cancelled() -> ConflictError:
    """The refusal of everything about a cancelled session."""
    return ConflictError("session_cancelled", "本场培训已取消。")
